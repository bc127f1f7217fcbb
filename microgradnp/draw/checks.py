"""What pictures ask of the arrays that they are given. An error names the argument and says what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microgradnp.tensor import Tensor

Floats = NDArray[np.float64]
Classes = NDArray[np.intp]

LARGEST = 1e200  # beyond it, matplotlib overflows


def plain(values: Any) -> Any:
    """Return Tensors, also in a list, as their arrays: a picture of a parameter is no operation on it."""
    if isinstance(values, Tensor):
        return values.data
    return [plain(v) for v in values] if isinstance(values, list | tuple) else values


def floats(values: ArrayLike, name: str) -> Floats:
    """Return the values as an array of floats, which may be nan or infinite; masked values become nan."""
    if isinstance(values, np.ma.MaskedArray):
        values = np.where(np.ma.getmaskarray(values), np.nan, np.ma.getdata(values))
    try:
        array = np.asarray(plain(values))
        if array.dtype.kind in "cSUMm":  # NumPy would drop imaginary parts, and read numbers in texts
            raise TypeError(f"got {array.dtype}")
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of real numbers: {error}") from error


def finite(values: ArrayLike, name: str) -> Floats:
    """Return the values as an array of finite floats that is not empty."""
    array = floats(values, name)
    if array.size == 0:
        raise ValueError(f"{name} is empty, shape {array.shape}: there is nothing to draw")
    bad = np.argwhere(~drawable(array))
    if bad.size:
        where, first = ", ".join(map(str, bad[0])), array[tuple(bad[0])]
        kind = f"smaller than {LARGEST:g}" if np.isfinite(first) else "finite"
        raise ValueError(
            f"{name} must be {kind}, but {name}[{where}] is {first} ({len(bad)} of {array.size} values are not): "
            "draw the run up to where it diverged"
        )
    return array


def drawable(values: Floats) -> NDArray[np.bool_]:
    """Return which values have a place on an axis: not nan, not infinite, nor so large that matplotlib overflows."""
    return np.abs(values) < LARGEST


def row(values: ArrayLike | Mapping[str, Any], name: str) -> Floats:
    """Return a row of at least one number, shape (n,)."""
    if isinstance(values, Mapping):
        known = ", ".join(map(repr, values)) or "nothing"
        raise TypeError(f"{name} must be a row of numbers, not a {type(values).__name__} of {known}: give one of them")
    array = floats(values, name)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be a row of numbers, shape (n,) with n > 0, got shape {array.shape}")
    return array


def named(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Check that these are named values, at least one."""
    if not isinstance(values, Mapping):
        raise TypeError(f'{name} must be a mapping of names to arrays, such as {{"first": ...}}, got {type(values)}')
    if not values:
        raise ValueError(f"{name} is empty: there is nothing to draw")
    return values


def rows(values: Mapping[str, ArrayLike], name: str) -> dict[str, Floats]:
    """Return named rows of numbers."""
    return {str(key): row(value, f"{name}[{key!r}]") for key, value in named(values, name).items()}


def classes(values: ArrayLike, name: str, n: int) -> Classes:
    """Check that these are n classes 0, 1, ..., shape (n,) or (n, 1)."""
    array = np.asarray(plain(values))
    if array.shape == (n, 1):
        array = array[:, 0]
    if array.shape != (n,):
        advice = ": of scores or one-hot rows take .argmax(axis=1)" if array.ndim == 2 else ""
        raise ValueError(f"{name} must have shape ({n},), one class a point, got {array.shape}{advice}")
    if array.dtype.kind not in "biuf" or not (np.isfinite(array) & (array >= 0) & (array % 1 == 0)).all():
        likely = array.dtype.kind == "f" and ((array >= 0) & (array <= 1)).all()
        advice = "; are they probabilities? Then compare them with 0.5" if likely else ""
        some = np.array2string(np.unique(array)[:5], precision=3, max_line_width=1000)
        raise ValueError(f"{name} must be classes 0, 1, 2, ..., got {some} ({array.dtype}){advice}")
    return array.astype(np.intp)


def labelled(points: ArrayLike, labels: ArrayLike, width: int | None, name: str) -> tuple[Floats, Classes]:
    """Check points with `width` coordinates (any number of them, at least one, where it is None), and their classes."""
    xs = floats(points, name)
    if xs.ndim != 2 or xs.shape[1] != (width or max(xs.shape[1], 1)):
        raise ValueError(f"{name} must have shape (n, {width or 'units'}), got {xs.shape}")
    broken = np.flatnonzero(~drawable(xs).all(axis=1))
    if broken.size:
        raise ValueError(f"{name} must be finite, but row {broken[0]} is {xs[broken[0]]}")
    return xs, classes(labels, "labels", len(xs))


def names_for(names: Sequence[str] | None, highest: int) -> None:
    """Check that every class up to the highest has a name."""
    if names is not None and len(names) <= highest:
        raise ValueError(f"names has {len(names)} entries, but the labels go up to {highest}")


def extent_of(
    points: Floats, margin: float, extent: Sequence[float] | None, what: str = "points"
) -> tuple[float, float, float, float]:
    """Return the given extent, or the range of the points with a margin: (left, right, bottom, top)."""
    if extent is not None:
        sides = floats(extent, "extent")
        if sides.shape == (4,) and np.isfinite(sides).all() and sides[0] < sides[1] and sides[2] < sides[3]:
            left, right, bottom, top = sides.tolist()
            return left, right, bottom, top
        raise ValueError(f"extent must be (left, right, bottom, top) in increasing pairs, got {extent!r}")
    if len(points) == 0:
        raise ValueError(f"there are no {what} to take the range from: give extent=(left, right, bottom, top)")
    if not 0 <= margin < np.inf:
        raise ValueError(f"margin is a fraction of the range and cannot be {margin}")
    low, high = points.min(axis=0), points.max(axis=0)
    space = np.where(high > low, margin * (high - low), np.maximum(1.0, 0.1 * np.abs(low)))
    (left, bottom), (right, top) = (low - space).tolist(), (high + space).tolist()
    return left, right, bottom, top


def resolution_of(resolution: int) -> int:
    """Check a number of places along a side."""
    if resolution < 2:
        raise ValueError(f"resolution must be at least 2, got {resolution}")
    return resolution
