"""Reductions: each states the weight of an element in the result, and both sweeps follow.

Ties of max and min share the gradient equally.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from microgradnp.primitives.primitive import (
    SMALL,
    Array,
    composite,
    constant,
    expand,
    keep_axes,
    linear,
    math_prod,
    reduction,
    structural,
)

Axis = int | tuple[int, ...] | None


def count(shape: tuple[int, ...], axis: Axis) -> int:
    """Return how many elements a reduction over `axis` combines into one."""
    if axis is None or not shape:  # NumPy lets 0-d arrays be reduced over axis 0
        return math_prod(shape)
    return math_prod(tuple(shape[a] for a in (axis if isinstance(axis, tuple) else (axis,))))


def _sum(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return what np.sum does, which calls np.add.reduce, too, and takes three times as long for small arrays."""
    if (axis == 1 or axis == -1) and x.ndim == 2 and 2 <= x.shape[1] <= 3 and x.dtype.kind == "f":
        columns = x.T  # the same additions; NumPy's loop along short rows is slow
        y = np.empty((len(x), 1) if keepdims else len(x), x.dtype)
        into = y[:, 0] if keepdims else y  # and not the other way round: a view could not be changed in place
        np.add(columns[0], columns[1], into)
        if len(columns) == 3:
            np.add(into, columns[2], into)
        return y
    return np.add.reduce(x, axis, None, None, keepdims)  # type: ignore[call-overload]


def _sum_transpose(g: Array, _y: Array, _x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    shape = _x.shape
    if (type(g) is np.float64 or (keepdims and type(g) is np.ndarray)) and math_prod(shape) <= SMALL:
        full = np.empty(shape, g.dtype)  # the usual cases, where g broadcasts as it is
        full[...] = g
        return full
    return expand(keep_axes(g, _x, axis, keepdims), shape)


def _mean(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return what np.mean does, in half the time for small arrays."""
    n = count(x.shape, axis)
    return _sum(x, axis, keepdims) / n if n and x.dtype.char in "dfDF" else np.mean(x, axis=axis, keepdims=keepdims)


def _mean_transpose(g: Array, _y: Array, _x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    return _sum_transpose(g / count(_x.shape, axis), _y, _x, axis=axis, keepdims=keepdims)


linear(np.sum, _sum_transpose, r"\sum {x}", compute=_sum)
linear(np.mean, _mean_transpose, r"\operatorname{{mean}} {x}", compute=_mean)


def _shares(y: Array, x: Array, *, axis: Axis) -> Array:
    extreme = x == y
    return extreme / np.sum(extreme, axis=axis, keepdims=True)


reduction(np.max, _shares, r"\max {x}", smooth=False)
reduction(np.amax, _shares, r"\max {x}", smooth=False)
reduction(np.min, _shares, r"\min {x}", smooth=False)
reduction(np.amin, _shares, r"\min {x}", smooth=False)


def _prod_pull(g: Array, _y: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    return keep_axes(g, x, axis, keepdims) * _others(x, axis)


def _prod_push(dx: Array, _y: Array, x: Array, *, axis: Axis = None, keepdims: bool = False) -> Array:
    return (_others(x, axis) * dx).sum(axis=axis, keepdims=keepdims)


def _others(x: Array, axis: Axis) -> Array:
    """Return for each element the product of all the others, by running products from both ends.

    No division: it is right, to any order, where elements are zero.
    """
    if x.ndim == 0 or x.size == 0 or axis == ():
        return np.ones(x.shape, x.dtype)
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    kept = tuple(i for i in range(x.ndim) if i not in axes)
    last = x.transpose(kept + axes)
    flat = last.reshape((*tuple(x.shape[i] for i in kept), -1))
    n = flat.shape[-1]
    one = np.ones((*flat.shape[:-1], 1), x.dtype)
    if isinstance(flat, np.ndarray):
        from_left = np.concatenate([one, np.cumprod(flat[..., :-1], axis=-1)], axis=-1)
        from_right = np.concatenate([one, np.cumprod(flat[..., :0:-1], axis=-1)], axis=-1)
        others = from_left * from_right[..., ::-1]
    else:  # on Tensors: the same running products, spelled out so that they differentiate again
        before, after = [one], [one]
        for i in range(n - 1):
            before.append(before[-1] * flat[..., i : i + 1])
            after.append(after[-1] * flat[..., n - 1 - i : n - i])
        others = np.concatenate(before, axis=-1) * np.concatenate(after[::-1], axis=-1)
    return others.reshape(last.shape).transpose(tuple(int(i) for i in np.argsort(kept + axes)))


structural(np.prod, _prod_pull, _prod_push, r"\prod {x}")


def squared(x: Array) -> Array:
    """Return the squares of the absolute values."""
    return np.real(x * np.conjugate(x)) if np.iscomplexobj(x) else x * x


@composite(np.average)
def _average(
    a: Array, axis: Axis = None, weights: Array | None = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    if weights is None:
        y = np.mean(a, axis=axis, keepdims=keepdims)
        return (y, np.zeros_like(y) + y.dtype.type(count(np.shape(a), axis))) if returned else y
    shape = np.shape(a)
    if np.shape(weights) != shape:
        axes = () if axis is None else normalize_axis_tuple(axis, len(shape))
        if not axes or np.shape(weights) != tuple(shape[i] for i in axes):
            raise ValueError(f"the weights fit the data neither one by one nor along axis={axis}")
        order = tuple(int(i) for i in np.argsort(axes))
        weights = np.transpose(weights, order)
        weights = np.reshape(weights, [n if i in axes else 1 for i, n in enumerate(shape)])
        weights = np.broadcast_to(weights, shape)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    y = np.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (y, np.broadcast_to(total, y.shape)) if returned else y


@composite(np.ptp)
def _ptp(a: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


def _cumsum_transpose(g: Array, _y: Array, _x: Array, *, axis: int | None = None) -> Array:
    if axis is None:
        return np.flip(np.cumsum(np.flip(g))).reshape(_x.shape)
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


linear(np.cumsum, _cumsum_transpose)

for _position in (np.argmax, np.argmin):
    constant(_position, 1, axis=None, keepdims=False)
constant(np.argsort, 1, axis=-1, kind=None, stable=None)
for _logical in (np.all, np.any, np.count_nonzero):
    constant(_logical, 1, axis=None, keepdims=False)


# -- square root with the gradient of a norm -----------------------------------------------------------------


def root(x: Array, p: float = 2) -> Array:
    """Return the p-th root, with derivative 0 at 0: the convention for norms."""
    zero = x == 0
    positive = np.where(zero, 1.0, x)
    return np.where(zero, 0.0, np.sqrt(positive) if p == 2 else positive ** (1 / p))
