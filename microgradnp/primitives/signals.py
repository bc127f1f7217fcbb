"""Convolution and correlation of sequences, interpolation between points, and what is counted in bins."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.primitives.masked import as_array, typed
from microgradnp.primitives.primitive import Array, bilinear, composite, constant
from microgradnp.primitives.shapes import Slot, getitem_, scatter_

# -- convolution and correlation -----------------------------------------------------------------------------


def _full(a: Array, v: Array) -> Array:
    """Return all sums ``y[k] = sum(a[i] * v[k - i])`` of two sequences."""
    return np.convolve(a, v)


full_convolution: Any = bilinear(
    _full,
    (
        lambda g, _y, _a, v: np.convolve(g, np.flip(v), "valid"),
        lambda g, _y, a, _v: np.convolve(g, np.flip(a), "valid"),
    ),
)

MODES = ("full", "same", "valid")


def _sequence(x: Any) -> Array:
    x = as_array(x)
    if x.ndim > 1:
        raise ValueError(f"an array of shape {x.shape} is no sequence: it has more than one axis")
    if x.size == 0:
        raise ValueError("an empty sequence cannot be convolved")
    return np.reshape(x, (-1,))


def _convolved(a: Array, v: Array, mode: Any, start: int) -> Array:
    """Return the part of the convolution that a mode asks for; that of "same" begins at `start`."""
    if mode not in MODES:
        raise ValueError(f"mode={mode!r} is none; there are {', '.join(MODES)}")
    y = full_convolution(a, v)
    longer, shorter = max(a.size, v.size), min(a.size, v.size)
    if mode == "valid":
        return y[shorter - 1 : longer]
    return y if mode == "full" else y[start : start + longer]


@composite(np.convolve)
def _convolve(a: Any, v: Any, mode: str = "full") -> Array:
    a, v = _sequence(a), _sequence(v)
    return _convolved(a, v, mode, (min(a.size, v.size) - 1) // 2)


@composite(np.correlate)
def _correlate(a: Any, v: Any, mode: str = "valid") -> Array:
    a, v = _sequence(a), _sequence(v)
    # NumPy puts the longer one first and turns the result round
    start = (v.size - 1) // 2 if a.size >= v.size else a.size // 2
    return _convolved(a, np.flip(np.conjugate(v)), mode, start)


# -- interpolation -------------------------------------------------------------------------------------------


def _interval(x: Array, xp: Array) -> Any:
    """Return for each x in which interval between points it lies: 0 to n - 2. A point belongs to the interval after it."""
    return np.minimum(np.maximum(np.searchsorted(xp, x, side="right") - 1, 0), max(len(xp) - 2, 0))


interval = constant(_interval, 2)


def _at(x: Array, i: Array) -> Array:
    """Return x[i], where i depends on the data."""
    return getitem_(x, i, pattern=Slot(0))


@composite(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Array:
    x, xp, fp = typed(x, float), typed(xp, float), as_array(fp)
    fp = fp if fp.dtype == np.complex128 else typed(fp, complex if fp.dtype.kind == "c" else float)
    if xp.ndim != 1 or fp.shape != xp.shape:
        raise ValueError(f"xp of shape {xp.shape} and fp of shape {fp.shape} must be vectors of one length")
    if not xp.size:
        raise ValueError("there are no points to interpolate between")
    if period is not None:
        if np.any(np.equal(period, 0)):
            raise ValueError("period must not be 0")
        left = right = None
        period = np.abs(period)
        x, xp = np.remainder(x, period), np.remainder(xp, period)
        order = np.argsort(xp)
        xp, fp = _at(xp, order), _at(fp, order)
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    if xp.size == 1:
        inside = fp[0] + 0 * x
    else:
        i = interval(x, xp)
        start, low = _at(xp, i), _at(fp, i)
        inside = low + (_at(fp, i + 1) - low) / (_at(xp, i + 1) - start) * (x - start)
    y = np.where(np.less(x, xp[0]), fp[0] if left is None else left, inside)
    return np.where(np.greater(x, xp[-1]), fp[-1] if right is None else right, y)


# -- bins ----------------------------------------------------------------------------------------------------


@composite(np.bincount)
def _bincount(x: Any, weights: Any = None, minlength: int = 0) -> Array:
    x = as_array(x)
    if weights is None:
        return np.bincount(getattr(x, "data", x), minlength=minlength)
    weights = typed(weights, float)
    if x.ndim != 1 or weights.shape != x.shape:
        raise ValueError(f"weights of shape {weights.shape} do not fit places of shape {x.shape}")
    places = np.asarray(getattr(x, "_value", x))
    if x.dtype.kind not in "iub" or (x.size and places.min() < 0):
        raise TypeError("the places to count at are whole numbers from 0 on")
    length = max(int(places.max()) + 1 if x.size else 0, int(minlength or 0))
    return scatter_(weights, x, pattern=Slot(0), shape=(length,))


def _bin_of(a: Array, edges: Array) -> Array:
    """Return the bin in which each element lies; one after the last for what lies in none. The last bin has both its edges."""
    bins: Any = np.searchsorted(edges, a, side="right") - 1
    bins[a == edges[-1]] = len(edges) - 2
    bins[~((a >= edges[0]) & (a <= edges[-1]))] = len(edges) - 1
    return bins


bin_of = constant(_bin_of, 2)


@composite(np.histogram)
def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    a = as_array(a).reshape(-1)
    if a.dtype.kind == "c":
        raise TypeError(
            "np.histogram: complex numbers have no order, and so no bins: take real parts or absolute values"
        )
    values = np.asarray(getattr(a, "_value", a))
    plain_bins = bins.data if hasattr(bins, "_value") else bins
    edges = np.histogram_bin_edges(values, plain_bins, range)
    if np.ndim(bins) == 0 and range is None and a.size and a.dtype.kind == "f":  # they move with the extremes
        low, high = typed(np.min(a), float), typed(np.max(a), float)
        if np.min(values) == np.max(values):
            low, high = low - 0.5, high + 0.5
        n = len(edges) - 1
        edges = typed(np.concatenate([low + np.arange(n) * ((high - low) / n), high[None]]), edges.dtype)
    elif np.ndim(bins) == 1:
        edges = as_array(bins)
    n = edges.shape[0] - 1
    place = bin_of(a, edges)
    if weights is None:
        counts = np.bincount(np.asarray(getattr(place, "_value", place)), minlength=n + 1)[:n]
    else:
        weights = as_array(weights).reshape(-1)
        counts = scatter_(weights, place, pattern=Slot(0), shape=(n + 1,))[:n]
    if density:
        return counts / (edges[1:] - edges[:-1]) / np.sum(counts), edges
    return counts, edges
