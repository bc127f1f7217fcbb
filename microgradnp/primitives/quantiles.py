"""Medians, percentiles and quantiles, by every method of NumPy's, also of weighted elements and passing over nan.

All of them consist of order statistics: the k-th of the sorted elements. Its derivative is 1 in the element that it is;
where several are equal, they share it, as those that tie for a maximum do. The methods are those of R. J. Hyndman and
Y. Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50 (1996), 361-365, and four more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from microgradnp.primitives.cumulative import at_positions
from microgradnp.primitives.masked import as_array, known, typed
from microgradnp.primitives.primitive import Array, composite, constant, structural, unbroadcast
from microgradnp.primitives.reductions import Axis

# -- order statistics ----------------------------------------------------------------------------------------


def _ranked(x: Array, k: Array) -> Array:
    """Return the element of rank `k` along the last axis of `x`; `k` broadcasts with the other axes."""
    ordered = np.sort(x, axis=-1)
    shape = np.broadcast_shapes(np.shape(k), x.shape[:-1])
    ranks = np.broadcast_to(k, shape)[..., None]
    return np.take_along_axis(np.broadcast_to(ordered, (*shape, x.shape[-1])), ranks, axis=-1)[..., 0][()]


def _ranked_shares(y: Array, x: Array) -> Array:
    tie = np.equal(x, y[..., None]) * x.dtype.type(1)
    return tie / np.maximum(np.sum(tie, axis=-1, keepdims=True), 1)  # none where the result is nan


ranked: Any = structural(
    _ranked,
    (lambda g, y, x, _k: unbroadcast(g[..., None] * _ranked_shares(y, x), x.shape), None),
    (lambda dx, y, x, _k: np.sum(_ranked_shares(y, x) * dx, axis=-1), None),
    smooth=False,
)


def _as_rank(h: Array) -> Array:
    """Return a whole number as an index."""
    return np.asarray(h).astype(np.intp)[()]


as_rank = constant(_as_rank, 1)

# -- where a quantile lies among the sorted elements ---------------------------------------------------------

#: The numbers alpha and beta of Hyndman and Fan, for the methods that interpolate.
SMOOTH = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", *SMOOTH, "linear", "lower", "higher", "midpoint",
    "nearest",
)  # fmt: skip


def _place(n: Array, q: Array, method: str) -> tuple[Array, Any]:
    """Return the rank of the element below a quantile, and how far on to the next the quantile lies; 0 to stay there."""
    if method in SMOOTH:
        alpha, beta = SMOOTH[method]
        h = n * q + (alpha + q * (1 - alpha - beta)) - 1
    elif method in ("inverted_cdf", "averaged_inverted_cdf"):
        h = n * q - 1
    elif method == "closest_observation":
        h = n * q - 1.5
    else:
        h = (n - 1) * q
    h = typed(h, q.dtype)
    below = np.floor(h)
    exact = np.equal(h, below)
    if method == "lower":
        return below, 0
    if method == "higher":
        return np.ceil(h), 0
    if method == "nearest":
        return np.rint(h), 0
    if method == "inverted_cdf":
        return below + np.logical_not(exact), 0
    if method == "closest_observation":
        return below + np.logical_not(np.logical_and(exact, np.equal(below % 2, 1))), 0
    if method == "midpoint":
        return below, np.where(exact, q.dtype.type(0), q.dtype.type(0.5))
    if method == "averaged_inverted_cdf":
        return below, np.where(exact, q.dtype.type(0.5), q.dtype.type(1))
    return below, h - below


def _within(rank: Array, n: Array) -> Array:
    """Return a rank held between the first and the last element."""
    return as_rank(np.maximum(np.minimum(rank, n - 1), 0))


def _quantile_of(x: Array, q: Array, method: str, n: Array, kind: Any) -> Array:
    """Return the quantiles along the last axis of `x`, of which the first `n` count when they are sorted."""
    below, onward = _place(n, q, method)
    low = ranked(x, _within(below, n))
    if isinstance(onward, int):
        return low
    return low + (ranked(x, _within(below + 1, n)) - low) * typed(onward, kind)


def _weighted_quantile_of(x: Array, q: Array, weights: Array, n: Array) -> Array:
    order = np.argsort(x, axis=-1)
    shares = np.cumsum(typed(at_positions(weights, order), float), axis=-1)
    shares = shares / shares[..., -1:]
    passed = np.logical_or(np.less(shares, q[..., None]), np.equal(shares, 0))
    return ranked(x, _within(np.sum(passed, axis=-1), n))


# -- NumPy's functions ---------------------------------------------------------------------------------------


def _rows(a: Array, axis: Axis) -> tuple[Array, tuple[int, ...], tuple[int, ...]]:
    """Return the elements that a result is made of along the last axis; the shape of the results, without and with axes."""
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    kept = tuple(i for i in range(a.ndim) if i not in axes)
    shape = tuple(a.shape[i] for i in kept)
    rows = np.transpose(a, (*kept, *axes)).reshape((*shape, int(np.prod([a.shape[i] for i in axes]))))
    return rows, shape, tuple(1 if i in axes else n for i, n in enumerate(a.shape))


def _counted(rows: Array, skip: bool) -> Array:
    """Return how many elements of each row count: all, or those that are not nan."""
    return np.sum(known(rows), axis=-1) if skip else rows.shape[-1]


def _unless_nan(y: Array, rows: Array, skip: bool) -> Array:
    """Return nan where an element is nan."""
    if skip or rows.dtype.kind != "f":
        return y
    return np.where(np.any(np.isnan(rows), axis=-1), y.dtype.type(np.nan), y)


def _real(a: Any) -> Array:
    a = as_array(a)
    if a.dtype.kind == "c":
        raise TypeError("complex numbers have no order, and so no quantiles: take their real parts or absolute values")
    return a


def _median_of(a: Any, axis: Axis, keepdims: bool, skip: bool) -> Array:
    a = _real(a)
    rows, shape, shape_kept = _rows(a, axis)
    if rows.shape[-1] == 0:
        return np.mean(a, axis=axis, keepdims=keepdims)
    n = _counted(rows, skip)
    low = ranked(rows, _within((n - 1) // 2, n))
    y = (low + ranked(rows, _within(n // 2, n))) / 2 if skip or n % 2 == 0 else low * 1.0
    return np.reshape(_unless_nan(y, rows, skip), shape_kept if keepdims else shape)


def _quantiles(
    a: Any, q: Any, hundred: float, axis: Axis, method: str, keepdims: bool, weights: Any, skip: bool
) -> Array:
    a = _real(a)
    weak = type(q) in (int, float)  # as in arithmetic: the result has the type of the elements
    q = as_array(q)
    q = q / q.dtype.type(hundred) if q.dtype.kind == "f" else q / hundred
    name = "percentiles" if hundred != 1 else "quantiles"
    if q.ndim > 1:
        raise ValueError(f"{name} are a number or a vector, not an array of shape {q.shape}")
    if not np.all((q >= 0) & (q <= 1)):
        raise ValueError(f"{name} lie between 0 and {hundred:g}")
    if skip and a.size == 0:
        return np.nanmean(a, axis=axis, keepdims=keepdims)  # as NumPy does
    if method not in METHODS:
        raise ValueError(f"method={method!r} is none; there are {', '.join(METHODS)}")
    rows, shape, shape_kept = _rows(a, axis)
    if rows.shape[-1] == 0:
        raise ValueError(f"nothing has {name}: the elements are none")
    spread = np.reshape(q, (*q.shape, *(1,) * len(shape)))
    if weights is None:
        kind = rows.dtype if weak and rows.dtype.kind == "f" else q.dtype
        y = _quantile_of(rows, spread, method, _counted(rows, skip), kind)
    else:
        y = _weighted_quantile_of(rows, spread, _weights_of(weights, a, axis, method, skip), _counted(rows, skip))
    return np.reshape(_unless_nan(y, rows, skip), (*q.shape, *(shape_kept if keepdims else shape)))


def _weights_of(weights: Any, a: Array, axis: Axis, method: str, skip: bool) -> Array:
    if method != "inverted_cdf":
        raise ValueError(f"weights go with method='inverted_cdf' only, not with {method!r}")
    weights = as_array(weights)
    if weights.shape != a.shape:
        if axis is None or isinstance(axis, tuple) or weights.shape != (a.shape[axis],):
            raise ValueError(f"weights of shape {weights.shape} fit the data neither one by one nor along axis={axis}")
        weights = np.reshape(weights, [n if i == axis % a.ndim else 1 for i, n in enumerate(a.shape)])
        weights = np.broadcast_to(weights, a.shape)
    if np.any(weights < 0):
        raise ValueError("weights are not negative")
    return _rows(np.where(known(a), weights, 0) if skip else weights, axis)[0]


@composite(np.median)
def _median(a: Any, axis: Axis = None, *, overwrite_input: bool = False, keepdims: bool = False) -> Array:
    return _median_of(a, axis, keepdims, skip=False)


@composite(np.nanmedian)
def _nanmedian(a: Any, axis: Axis = None, *, overwrite_input: bool = False, keepdims: bool = False) -> Array:
    return _median_of(a, axis, keepdims, skip=True)


@composite(np.quantile)
def _quantile(
    a: Any, q: Any, axis: Axis = None, *, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False,
    weights: Any = None,
) -> Array:  # fmt: skip
    return _quantiles(a, q, 1, axis, method, keepdims, weights, skip=False)


@composite(np.nanquantile)
def _nanquantile(
    a: Any, q: Any, axis: Axis = None, *, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False,
    weights: Any = None,
) -> Array:  # fmt: skip
    return _quantiles(a, q, 1, axis, method, keepdims, weights, skip=True)


@composite(np.percentile)
def _percentile(
    a: Any, q: Any, axis: Axis = None, *, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False,
    weights: Any = None,
) -> Array:  # fmt: skip
    return _quantiles(a, q, 100, axis, method, keepdims, weights, skip=False)


@composite(np.nanpercentile)
def _nanpercentile(
    a: Any, q: Any, axis: Axis = None, *, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False,
    weights: Any = None,
) -> Array:  # fmt: skip
    return _quantiles(a, q, 100, axis, method, keepdims, weights, skip=True)
