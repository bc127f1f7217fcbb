"""Functions that choose among elements, or put them in order: programs of indexing and np.where.

The order of a sort is data: it comes from np.argsort, which is recorded as a constant. Equal elements keep their order,
so that the gradient of each place goes to the one element that stands there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from microgradnp.primitives.joining import along, as_array, same_type
from microgradnp.primitives.primitive import Array, Primitive, composite, constant, structural
from microgradnp.primitives.shapes import Slot, scatter_

# -- by position ---------------------------------------------------------------------------------------------


def wrapped(indices: Array, n: int, mode: str) -> Array:
    """Return positions as np.take and np.put understand them in this mode."""
    if mode == "raise":
        return indices
    if mode == "wrap":
        return indices % n
    if mode == "clip":
        return np.minimum(np.maximum(indices, 0), n - 1)
    raise ValueError(f"mode={mode!r} is none of 'raise', 'wrap' and 'clip'")


@composite(np.take)
def _take(a: Array, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Array:
    a, indices = as_array(a), as_array(indices)
    if not indices.size and indices.dtype.kind == "f":
        indices = indices.astype(int)
    if axis is None:
        a, axis = np.reshape(a, (-1,)), 0
    axis = normalize_axis_index(axis, a.ndim)
    return a[along(axis, wrapped(indices, a.shape[axis], mode))]


def along_axis(shape: Sequence[int], indices: Array, axis: int) -> tuple[Any, ...]:
    """Return the index that picks, along an axis, at these positions."""
    if indices.dtype.kind not in "iu":
        raise IndexError(f"positions are integers, not of {indices.dtype}")
    if indices.ndim != len(shape):
        raise ValueError(f"the positions have {indices.ndim} axes, the array has {len(shape)}")
    places = np.ix_(*(np.arange(n) for n in shape))
    return tuple(indices if k == axis else place for k, place in enumerate(places))


@composite(np.take_along_axis)
def _take_along_axis(arr: Array, indices: Any, axis: int | None = -1) -> Array:
    arr, indices = as_array(arr), as_array(indices)
    if axis is None:
        if indices.ndim != 1:
            raise ValueError("with axis=None the positions are a vector")
        return np.reshape(arr, (-1,))[indices]
    axis = normalize_axis_index(axis, arr.ndim)
    return arr[along_axis(arr.shape, indices, axis)]


@composite(np.choose)
def _choose(a: Any, choices: Any, *, mode: str = "raise") -> Array:
    which, options = as_array(a), same_type(*choices)
    n = len(options)
    shape = np.broadcast_shapes(which.shape, *(option.shape for option in options))
    if mode == "raise" and which.size and not (np.min(which) >= 0 and np.max(which) < n):
        raise ValueError(f"there are {n} choices, numbered 0 to {n - 1}")
    stacked = np.stack([np.broadcast_to(option, shape) for option in options])
    which = np.broadcast_to(wrapped(which, n, mode), shape)
    return stacked[(which, *np.ix_(*(np.arange(length) for length in shape)))]


# -- by condition --------------------------------------------------------------------------------------------


def truth(x: Any) -> Array:
    """Return a condition as booleans."""
    x = as_array(x)
    return x if x.dtype.kind == "b" else x != 0


@composite(np.compress)
def _compress(condition: Any, a: Array, axis: int | None = None) -> Array:
    a, condition = as_array(a), truth(condition)
    if condition.ndim != 1:
        raise ValueError("the condition is a vector")
    if axis is None:
        a, axis = np.reshape(a, (-1,)), 0
    axis = normalize_axis_index(axis, a.ndim)
    n, length = condition.shape[0], a.shape[axis]
    if n > length:
        if np.any(condition[length:]):
            raise IndexError(f"the condition chooses beyond the {length} elements of axis {axis}")
        condition = condition[:length]
    return (a if n >= length else a[along(axis, slice(0, n))])[along(axis, condition)]


@composite(np.extract)
def _extract(condition: Any, arr: Array) -> Array:
    return _compress(np.reshape(truth(condition), (-1,)), np.reshape(as_array(arr), (-1,)))


@composite(np.select)
def _select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Array:
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(f"{len(condlist)} conditions do not go with {len(choicelist)} choices")
    conditions = [as_array(c) for c in condlist]
    if any(c.dtype.kind != "b" for c in conditions):
        raise TypeError("the conditions are of booleans")
    chosen = default
    for condition, choice in zip(reversed(conditions), reversed(list(choicelist)), strict=True):
        chosen = np.where(condition, choice if np.isscalar(choice) else as_array(choice), chosen)
    return chosen


@composite(np.piecewise)
def _piecewise(x: Array, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Array:
    x = as_array(x)
    if np.isscalar(condlist) or (not isinstance(condlist[0], list) and np.ndim(condlist[0]) == 0 and x.ndim):
        condlist = [condlist]
    conditions = [truth(c) for c in condlist]
    if len(conditions) == len(funclist) - 1:
        some = conditions[0]
        for condition in conditions[1:]:
            some = np.logical_or(some, condition)
        conditions.append(np.logical_not(some))
    elif len(conditions) != len(funclist):
        raise ValueError(f"{len(conditions)} conditions do not go with {len(funclist)} functions")
    y = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        mask = np.broadcast_to(condition, x.shape) if condition.shape != x.shape else condition
        if not callable(function):
            y = np.where(mask, function, y).astype(x.dtype)
        elif np.any(mask):
            inside = function(x[mask], *args, **kw)
            y = replaced(y, mask, inside)
    return y


def replaced(y: Array, mask: Array, values: Array) -> Array:
    """Return y with other values where the mask is true: as many, in the order of C, or one for all."""
    values = as_array(values)
    if values.dtype != y.dtype:
        values = values.astype(y.dtype)
    count = (int(np.count_nonzero(mask)),)
    if values.shape != count:
        values = np.broadcast_to(values, count)
    return np.where(mask, scatter_(values, mask, pattern=Slot(0), shape=tuple(y.shape)), y)


# -- in order ------------------------------------------------------------------------------------------------


@composite(np.sort)
def _sort(a: Array, axis: int | None = -1, kind: Any = None, *, stable: bool | None = None) -> Array:
    a = as_array(a)
    if axis is None:
        a, axis = np.reshape(a, (-1,)), 0
    axis = normalize_axis_index(axis, a.ndim)
    return a[along_axis(a.shape, np.argsort(a, axis=axis, kind="stable"), axis)]


@composite(np.sort_complex)
def _sort_complex(a: Array) -> Array:
    ordered = _sort(a)
    return ordered if ordered.dtype.kind == "c" else ordered.astype(np.complex128)


def partition_order(a: Array, *, kth: Any, axis: int = -1) -> Array:
    """Return the positions of the elements in the order into which np.partition puts them."""
    rank = np.argsort(np.argsort(np.partition(a, kth, axis), axis, kind="stable"), axis, kind="stable")
    return np.take_along_axis(np.argsort(a, axis, kind="stable"), rank, axis)


partition_order_ = constant(partition_order, 1, kth=None, axis=-1)


@composite(np.partition)
def _partition(a: Array, kth: Any, axis: int | None = -1, kind: str = "introselect") -> Array:
    a = as_array(a)
    if axis is None:
        a, axis = np.reshape(a, (-1,)), 0
    axis = normalize_axis_index(axis, a.ndim)
    return a[along_axis(a.shape, partition_order_(a, kth=kth, axis=axis), axis)]


# -- without repetition --------------------------------------------------------------------------------------


def unique_places(a: Array, *, axis: int = 0) -> Array:
    """Return where each different slice along an axis first appears, in their order."""
    return np.unique(a, return_index=True, axis=axis)[1]


def unique_groups(a: Array, *, axis: int = 0) -> Array:
    """Return for each slice along an axis which of the different ones it equals."""
    return np.unique(a, return_inverse=True, axis=axis)[1].reshape(-1)


unique_places_ = constant(unique_places, 1, axis=0)
unique_groups_ = constant(unique_groups, 1, axis=0)


def unique(a: Array, places: Array, _groups: Array) -> Array:
    """Return the different slices along the first axis. Equal ones share the gradient, as ties of a maximum do."""
    return a[places]


def _shares(g: Array, groups: Array) -> Array:
    counts = scatter_(np.ones(groups.shape, g.real.dtype), groups, pattern=Slot(0), shape=g.shape[:1])
    return g / np.reshape(counts, (-1,) + (1,) * (g.ndim - 1))


unique_: Primitive = structural(
    unique,
    (lambda g, _y, _a, _places, groups: _shares(g, groups)[groups], None, None),
    (
        lambda da, _y, _a, _places, groups: _shares(
            scatter_(da, groups, pattern=Slot(0), shape=(_places.shape[0], *da.shape[1:])), groups
        ),
        None,
        None,
    ),
    smooth=False,
)


def distinct(ar: Array, axis: int | None) -> tuple[Array, Array, Array]:
    """Return the different elements, or slices along an axis, where each first appears, and which one each equals."""
    if axis is None:
        ar, axis = np.reshape(ar, (-1,)), 0
    axis = normalize_axis_index(axis, ar.ndim)
    first = np.moveaxis(ar, axis, 0) if axis else ar
    places, groups = unique_places_(first), unique_groups_(first)
    values = unique_(first, places, groups)
    return np.moveaxis(values, 0, axis) if axis else values, places, groups


@composite(np.unique)
def _unique(
    ar: Array,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
) -> Any:
    ar = as_array(ar)
    if not equal_nan and np.count_nonzero(np.isnan(ar)) > 1:
        raise ValueError("equal_nan=False has no derivative rule where there are several nan")
    values, places, groups = distinct(ar, axis)
    results = [values]
    if return_index:
        results.append(places)
    if return_inverse:
        results.append(np.reshape(groups, ar.shape) if axis is None else groups)
    if return_counts:
        results.append(scatter_(np.ones(groups.shape, int), groups, pattern=Slot(0), shape=places.shape))
    return tuple(results) if len(results) > 1 else values


@composite(np.unique_values)
def _unique_values(x: Array) -> Array:
    return _unique(x, equal_nan=False)


#: The named tuples of np.unique_all, np.unique_counts and np.unique_inverse.
All, Counts, Inverse = (type(f(np.zeros(1))) for f in (np.unique_all, np.unique_counts, np.unique_inverse))


@composite(np.unique_all)
def _unique_all(x: Array) -> Any:
    return All(*_unique(x, True, True, True, equal_nan=False))


@composite(np.unique_counts)
def _unique_counts(x: Array) -> Any:
    return Counts(*_unique(x, return_counts=True, equal_nan=False))


@composite(np.unique_inverse)
def _unique_inverse(x: Array) -> Any:
    return Inverse(*_unique(x, return_inverse=True, equal_nan=False))


@composite(np.union1d)
def _union1d(ar1: Array, ar2: Array) -> Array:
    joined: Array = np.concatenate([as_array(ar1), as_array(ar2)], axis=None)
    return distinct(joined, None)[0]


@composite(np.setdiff1d)
def _setdiff1d(ar1: Array, ar2: Array, assume_unique: bool = False) -> Array:
    kept = np.reshape(as_array(ar1), (-1,)) if assume_unique else distinct(as_array(ar1), None)[0]
    return kept[np.isin(kept, as_array(ar2), invert=True)]


# -- positions and counts: plain integers --------------------------------------------------------------------

constant(np.argpartition, 1, kth=None, axis=-1)
constant(np.searchsorted, 2, side="left", sorter=None)
constant(np.digitize, 2, right=False)
constant(np.argwhere, 1)
constant(np.flatnonzero, 1)


@composite(np.nonzero)
def _nonzero(a: Array) -> tuple[Array, ...]:
    places = np.argwhere(a)
    return tuple(places[:, k] for k in range(np.ndim(a)))
