"""Running sums, products and extremes, and what is made of neighbours: differences, gradients, areas.

The running product follows the recurrence ``y[i] = x[i] y[i - 1]``, and so does its derivative: no division, right where
elements are zero. Ties of a running extreme share the gradient equally, as those of an extreme do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from microgradnp.primitives.masked import as_array, known, typed
from microgradnp.primitives.primitive import Array, composite, structural, wider
from microgradnp.primitives.shapes import Slot, getitem_

# -- words ---------------------------------------------------------------------------------------------------


def to_last(x: Array, axis: int | None) -> Array:
    """Return an array with an axis moved to the end; all elements as a vector where that is None."""
    return x.reshape(-1) if axis is None else np.moveaxis(x, axis, -1)


def from_last(x: Array, axis: int | None, shape: tuple[int, ...]) -> Array:
    """Undo `to_last`."""
    return x.reshape(shape) if axis is None else np.moveaxis(x, -1, axis)


def before(s: Array, first: float = 0.0) -> Array:
    """Return for each element the one before it along the last axis."""
    lead = np.full((*s.shape[:-1], min(1, s.shape[-1])), first, s.dtype)
    return np.concatenate([lead, s[..., :-1]], axis=-1)


def after(s: Array) -> Array:
    """Return for each element the one after it along the last axis, and 0 for the last."""
    return np.flip(before(np.flip(s, -1)), -1)


# -- linear recurrences --------------------------------------------------------------------------------------


def _recurrence(b: Array, a: Array) -> Array:
    """Return ``s[i] = b[i] + a[i] * s[i - 1]`` along the last axis, beginning with ``s[0] = b[0]``."""
    s = np.empty(b.shape, np.result_type(a, b))
    if b.ndim == 1:  # Python's numbers are faster than NumPy's one by one
        last: Any = 0.0
        for i, (add, times) in enumerate(zip(b.tolist(), a.tolist(), strict=True)):
            last = add + times * last if i else add
            s[i] = last
        return s
    if b.shape[-1]:
        s[..., 0] = b[..., 0]
    for i in range(1, b.shape[-1]):
        np.multiply(a[..., i], s[..., i - 1], out=s[..., i])
        s[..., i] += b[..., i]
    return s


def back(g: Array, a: Array) -> Array:
    """Return the recurrence from the end, ``s[i] = g[i] + a[i + 1] * s[i + 1]``: the transpose of that from the start."""
    return np.flip(recurrence(np.flip(g, -1), before(np.flip(a, -1))), -1)


recurrence: Any = structural(
    _recurrence,
    (lambda g, _y, _b, a: back(g, a), lambda g, y, _b, a: back(g, a) * before(y)),
    (lambda db, _y, _b, a: recurrence(db, a), lambda da, y, _b, a: recurrence(da * before(y), a)),
)


def _cumprod_pull(g: Array, y: Array, x: Array, *, axis: int | None = None) -> Array:
    g, y, factors = to_last(g, axis), to_last(y, axis), to_last(x, axis)
    return from_last(back(g, factors) * before(y, 1.0), axis, x.shape)


def _cumprod_push(dx: Array, y: Array, x: Array, *, axis: int | None = None) -> Array:
    dx, last, factors = to_last(dx, axis), to_last(y, axis), to_last(x, axis)
    return from_last(recurrence(dx * before(last, 1.0), factors), axis, y.shape)


structural(np.cumprod, _cumprod_pull, _cumprod_push)


@wider(np.cumsum)
def _cumsum(a: Array, axis: int | None = None, dtype: Any = None) -> Array:
    return np.cumsum(typed(a, dtype), axis=axis)


@wider(np.cumprod)
def _cumprod(a: Array, axis: int | None = None, dtype: Any = None) -> Array:
    return np.cumprod(typed(a, dtype), axis=axis)


@composite(np.nancumsum)
def _nancumsum(a: Array, axis: int | None = None, dtype: Any = None) -> Array:
    return np.cumsum(np.where(known(a), a, a.dtype.type(0)), axis=axis, dtype=dtype)


@composite(np.nancumprod)
def _nancumprod(a: Array, axis: int | None = None, dtype: Any = None) -> Array:
    return np.cumprod(np.where(known(a), a, a.dtype.type(1)), axis=axis, dtype=dtype)


def _cumulative(running: Any, first: int, x: Array, axis: int | None, dtype: Any, include_initial: bool) -> Array:
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"an array of {x.ndim} axes needs axis= to say along which")
        axis = 0
    y = running(typed(x, dtype), axis=axis)
    if not include_initial:
        return y
    shape = [1 if i == axis % x.ndim else n for i, n in enumerate(x.shape)]
    return np.concatenate([np.full(shape, first, y.dtype), y], axis=axis)


if hasattr(np, "cumulative_sum"):  # since NumPy 2.1

    @composite(np.cumulative_sum)
    def _cumulative_sum(
        x: Array, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
    ) -> Array:
        return _cumulative(np.cumsum, 0, x, axis, dtype, include_initial)

    @composite(np.cumulative_prod)
    def _cumulative_prod(
        x: Array, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
    ) -> Array:
        return _cumulative(np.cumprod, 1, x, axis, dtype, include_initial)


# -- running extremes ----------------------------------------------------------------------------------------


def at_positions(x: Array, positions: Array) -> Array:
    """Return for each position along the last axis the element there."""
    lead = np.ix_(*map(np.arange, x.shape))[:-1]
    return getitem_(x, *lead, positions, pattern=tuple(map(Slot, range(x.ndim))))


def _since(start: Array, terms: Array) -> Array:
    """Return the sums of the terms from a start on up to each element, along the last axis."""
    total = np.cumsum(terms, axis=-1)
    return total - at_positions(total - terms, start)


def _starts(y: Array) -> Array:
    """Return where the run of equal elements began that each element belongs to."""
    n = np.arange(y.shape[-1])
    changed = np.concatenate([np.ones_like(y[..., :1], dtype=bool), np.not_equal(y[..., 1:], y[..., :-1])], axis=-1)
    return running_max(np.where(changed, n, 0), axis=-1)


def _running_pull(g: Array, y: Array, x: Array, *, axis: int) -> Array:
    g, level, terms = (np.moveaxis(a, axis, -1) for a in (g, y, x))
    tie = np.equal(terms, level) * g.dtype.type(1)
    share = np.flip(g / _since(_starts(level), tie), -1)
    return np.moveaxis(tie * np.flip(_since(_starts(np.flip(level, -1)), share), -1), -1, axis)


def _running_push(dx: Array, y: Array, x: Array, *, axis: int) -> Array:
    dx, level, terms = (np.moveaxis(a, axis, -1) for a in (dx, y, x))
    tie, start = np.equal(terms, level) * dx.dtype.type(1), _starts(level)
    return np.moveaxis(_since(start, tie * dx) / _since(start, tie), -1, axis)


def _running_max(x: Array, axis: int) -> Array:
    return np.maximum.accumulate(x, axis)


def _running_min(x: Array, axis: int) -> Array:
    return np.minimum.accumulate(x, axis)


running_max: Any = structural(_running_max, _running_pull, _running_push, smooth=False)
running_min: Any = structural(_running_min, _running_pull, _running_push, smooth=False)


# -- differences ---------------------------------------------------------------------------------------------


def part(ndim: int, axis: int, start: int | None, stop: int | None, step: int | None = None) -> tuple[Any, ...]:
    """Return the index of some of the elements along an axis."""
    return tuple(slice(start, stop, step) if i == axis % ndim else slice(None) for i in range(ndim))


def _end(value: Any, a: Array, axis: int) -> Array:
    """Return what comes before or after the elements along an axis; a number stands for one of each row."""
    value = as_array(value)
    if value.ndim:
        return value
    return np.broadcast_to(value, [1 if i == axis % a.ndim else n for i, n in enumerate(a.shape)])


@composite(np.diff)
def _diff(a: Array, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Array:
    a = as_array(a)
    if n < 0:
        raise ValueError(f"n={n} differences cannot be taken")
    if a.ndim == 0:
        raise ValueError("differences are along an axis, a number has none")
    if n == 0:
        return a
    axis = normalize_axis_index(axis, a.ndim)
    ends = [_end(prepend, a, axis)] if prepend is not None else []
    ends += [a]
    ends += [_end(append, a, axis)] if append is not None else []
    if len(ends) > 1:
        a = np.concatenate(ends, axis=axis)
    minus = np.not_equal if a.dtype == np.bool_ else np.subtract
    for _ in range(n):
        a = minus(a[part(a.ndim, axis, 1, None)], a[part(a.ndim, axis, None, -1)])
    return a


@composite(np.ediff1d)
def _ediff1d(ary: Array, to_end: Any = None, to_begin: Any = None) -> Array:
    flat = as_array(ary).reshape(-1)
    parts = [flat[1:] - flat[:-1]]
    if to_begin is not None:
        parts.insert(0, as_array(to_begin).reshape(-1))
    if to_end is not None:
        parts.append(as_array(to_end).reshape(-1))
    return parts[0] if len(parts) == 1 else np.concatenate([typed(p, flat.dtype) for p in parts])


@composite(np.gradient)
def _gradient(f: Array, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    f = as_array(f)
    axes = normalize_axis_tuple(range(f.ndim) if axis is None else axis, f.ndim)
    if edge_order not in (1, 2):
        raise ValueError(f"edge_order is 1 or 2, not {edge_order}")
    if len(varargs) not in (0, 1, len(axes)):
        raise TypeError(f"{len(varargs)} spacings were given for {len(axes)} axes")
    if f.dtype.kind in "iu":
        f = f.astype(float)
    spacings = [as_array(v) for v in (varargs or (1.0,))] * (len(axes) if len(varargs) < 2 else 1)
    slopes = []
    for along, spacing in zip(axes, spacings, strict=True):
        if f.shape[along] < edge_order + 1:
            raise ValueError(
                f"an axis of length {f.shape[along]} is too short for a slope: it needs {edge_order + 1} elements"
            )
        if spacing.ndim:
            if spacing.shape != (f.shape[along],):
                raise ValueError(f"coordinates of shape {spacing.shape} do not fit an axis of length {f.shape[along]}")
            spacing = spacing[1:] - spacing[:-1]
        slope = _slopes(np.moveaxis(f, along, -1), spacing, edge_order)
        slopes.append(np.moveaxis(typed(slope, f.dtype), -1, along))
    return slopes[0] if len(axes) == 1 else tuple(slopes)


def _slopes(f: Array, h: Array, edge_order: int) -> Array:
    """Return slopes along the last axis by differences of second order; `h` is the distance, or the distances, of points."""
    n = f.shape[-1]
    h = np.broadcast_to(typed(h, f.dtype if f.dtype.kind == "f" else None), (n - 1,)) if h.ndim == 0 else h
    rise = (f[..., 1:] - f[..., :-1]) / h
    left, right = h[:-1], h[1:]
    inner = (right * rise[..., :-1] + left * rise[..., 1:]) / (left + right)
    first, last = rise[..., :1], rise[..., -1:]
    if edge_order == 2:
        bend = (rise[..., 1:] - rise[..., :-1]) / (left + right)
        first, last = first - h[:1] * bend[..., :1], last + h[-1:] * bend[..., -1:]
    return np.concatenate([first, inner, last], axis=-1)


def _trapezoid(y: Array, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Array:
    y = as_array(y)
    axis = normalize_axis_index(axis, y.ndim)
    if x is not None:
        dx = np.diff(x, axis=axis if np.ndim(x) > 1 else -1)
        dx = np.reshape(dx, [-1 if i == axis else 1 for i in range(y.ndim)]) if np.ndim(x) == 1 else dx
    pairs = y[part(y.ndim, axis, 1, None)] + y[part(y.ndim, axis, None, -1)]
    return np.sum(dx * pairs / 2.0, axis=axis)


composite(np.trapezoid)(_trapezoid)
if "trapz" in vars(np):  # its name before NumPy 2.0
    composite(vars(np)["trapz"])(_trapezoid)


@composite(np.unwrap)
def _unwrap(p: Array, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Array:
    p = as_array(p)
    jump = np.diff(p, axis=axis)
    least = period / 2 if discont is None else discont
    low = -period / 2
    turns = np.floor((jump - low) / period)
    # a jump of just half a period upward stays one
    half = np.logical_and(np.equal(jump - turns * period, low), np.greater(jump, 0))
    turns = turns - half * jump.dtype.type(1)
    turns = np.where(np.less(np.abs(jump), least), 0, turns)
    moved = p[part(p.ndim, axis, 1, None)] - period * np.cumsum(turns, axis=axis)
    return np.concatenate([p[part(p.ndim, axis, None, 1)], moved], axis=axis)
