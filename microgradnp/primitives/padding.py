"""np.pad in all its modes, one axis after the other, as NumPy does it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from microgradnp.primitives.joining import along, as_array, plain_integers, positions
from microgradnp.primitives.primitive import Array, composite, linear
from microgradnp.primitives.shapes import concatenate_

Pairs = tuple[tuple[int, int], ...]


def pairs(values: Any, ndim: int) -> Pairs:
    """Return what np.pad takes for each axis as (before, after), from one number, one pair, or one for each axis."""
    if isinstance(values, dict):
        return tuple(
            (0, 0) if k not in values and k - ndim not in values else pairs(values.get(k, values.get(k - ndim)), 1)[0]
            for k in range(ndim)
        )
    array = np.asarray(plain_integers(values))
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"widths are integers, not of {array.dtype}")
    if array.size and array.min() < 0:
        raise ValueError("widths cannot be negative")
    return tuple((int(a), int(b)) for a, b in np.broadcast_to(array, (ndim, 2)))


def zero_padded(x: Array, *, widths: Pairs) -> Array:
    """Return the array with zeros around it."""
    padded = np.zeros([a + n + b for n, (a, b) in zip(x.shape, widths, strict=True)], x.dtype)
    padded[tuple(slice(a, a + n) for n, (a, _) in zip(x.shape, widths, strict=True))] = x
    return padded


zero_padded_ = linear(
    zero_padded,
    lambda g, _y, _x, *, widths: g[tuple(slice(a, a + n) for n, (a, _) in zip(_x.shape, widths, strict=True))],
)


def _constant(x: Array, widths: Pairs, constant_values: Any = 0) -> Array:
    values = as_array(constant_values)
    if isinstance(values, np.ndarray) and not values.any():
        return zero_padded_(x, widths=widths)
    corners = np.broadcast_to(values, (x.ndim, 2))
    if corners.dtype != x.dtype:
        corners = corners.astype(x.dtype)
    where = np.pad(
        positions(tuple(x.shape)),
        widths,
        constant_values=positions((x.ndim, 2), x.size),
    )
    return concatenate_(x, corners, axis=None)[where]


def _axis_by_axis(x: Array, widths: Pairs, padded: Callable[[Array, int, tuple[int, int]], Array]) -> Array:
    for axis, pair in enumerate(widths):
        if pair != (0, 0):
            x = padded(x, axis, pair)
    return x


def _copied(x: Array, widths: Pairs, mode: str) -> Array:
    def padded(x: Array, axis: int, pair: tuple[int, int]) -> Array:
        return x[along(axis, np.pad(np.arange(x.shape[axis]), pair, mode=mode))]  # type: ignore[call-overload]

    return _axis_by_axis(x, widths, padded)


def _mirrored(x: Array, widths: Pairs, mode: str, reflect_type: str = "even") -> Array:
    if reflect_type == "even":
        return _copied(x, widths, mode)
    if reflect_type != "odd":
        raise ValueError(f"reflect_type={reflect_type!r} is neither 'even' nor 'odd'")

    def padded(x: Array, axis: int, pair: tuple[int, int]) -> Array:
        # linear in the elements of the axis: what NumPy makes of the unit vectors is its matrix
        unit = np.eye(x.shape[axis], dtype=x.dtype)
        matrix = np.pad(unit, (pair, (0, 0)), mode=mode, reflect_type="odd")  # type: ignore[call-overload]
        return np.moveaxis(np.tensordot(matrix, x, axes=(1, axis)), 0, axis)

    return _axis_by_axis(x, widths, padded)


def _linear_ramp(x: Array, widths: Pairs, end_values: Any = 0) -> Array:
    ends = np.broadcast_to(as_array(end_values), (x.ndim, 2))
    one = x.dtype.type(1)

    def ramp(edge: Array, end: Array, axis: int, width: int) -> Array:
        shape = [width if k == axis else 1 for k in range(x.ndim)]
        steps = np.reshape(np.arange(width) / one / max(width, 1), shape).astype(x.dtype)
        start = end if end.dtype == x.dtype else end.astype(x.dtype)
        return start + (edge - start) * steps

    def padded(x: Array, axis: int, pair: tuple[int, int]) -> Array:
        before = ramp(x[along(axis, slice(0, 1))], ends[axis, 0], axis, pair[0])
        after = ramp(x[along(axis, slice(-1, None))], ends[axis, 1], axis, pair[1])
        return concatenate_(before, x, np.flip(after, axis), axis=axis)

    return _axis_by_axis(x, widths, padded)


def _with_statistic(x: Array, widths: Pairs, statistic: Callable[..., Array], stat_length: Any = None) -> Array:
    lengths = ((None, None),) * x.ndim if stat_length is None else pairs(stat_length, x.ndim)

    def padded(x: Array, axis: int, pair: tuple[int, int]) -> Array:
        n = x.shape[axis]
        parts = []
        for side, (width, length) in enumerate(zip(pair, lengths[axis], strict=True)):
            used = n if length is None else min(length, n)
            if not used:
                raise ValueError("stat_length of 0 leaves no element for a statistic")
            value = statistic(x[along(axis, slice(n - used, n) if side else slice(0, used))], axis=axis, keepdims=True)
            parts.append(np.broadcast_to(value, [width if k == axis else m for k, m in enumerate(x.shape)]))
        return concatenate_(parts[0], x, parts[1], axis=axis)

    return _axis_by_axis(x, widths, padded)


MODES: dict[str, Callable[..., Array]] = {
    "constant": _constant,
    "empty": _constant,  # any values will do
    "edge": functools.partial(_copied, mode="edge"),
    "wrap": functools.partial(_copied, mode="wrap"),
    "reflect": functools.partial(_mirrored, mode="reflect"),
    "symmetric": functools.partial(_mirrored, mode="symmetric"),
    "linear_ramp": _linear_ramp,
    "mean": functools.partial(_with_statistic, statistic=np.mean),
    "median": functools.partial(_with_statistic, statistic=np.median),
    "maximum": functools.partial(_with_statistic, statistic=np.max),
    "minimum": functools.partial(_with_statistic, statistic=np.min),
}

#: What each mode understands besides the widths.
KEYWORDS = {
    "constant": ("constant_values",),
    "linear_ramp": ("end_values",),
    "reflect": ("reflect_type",),
    "symmetric": ("reflect_type",),
    "mean": ("stat_length",),
    "median": ("stat_length",),
    "maximum": ("stat_length",),
    "minimum": ("stat_length",),
}


@composite(np.pad)
def _pad(array: Array, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Array:
    if callable(mode):
        raise NotImplementedError(
            "np.pad with a function has no derivative rule: it writes into the padded array. Join the parts with "
            "np.concatenate, or use one of the modes " + ", ".join(map(repr, MODES))
        )
    if mode not in MODES:
        raise ValueError(f"mode={mode!r} is none of {', '.join(map(repr, MODES))}")
    unknown = [name for name in kwargs if name not in KEYWORDS.get(mode, ())]
    if unknown:
        raise ValueError(f"mode={mode!r} does not take {', '.join(unknown)}")
    x = as_array(array)
    widths = pairs(pad_width, x.ndim)
    for axis, (n, pair) in enumerate(zip(x.shape, widths, strict=True)):
        if not n and pair != (0, 0) and mode not in ("constant", "empty"):
            raise ValueError(f"axis {axis} is empty: only modes 'constant' and 'empty' can extend it")
    return MODES[mode](x, widths, **kwargs)
