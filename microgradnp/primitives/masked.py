"""Reductions of some of the elements: with ``where=``, ``initial=`` and ``dtype=``, and those that pass over nan.

Each fills in for what is left out an element that changes nothing: 0 in a sum, 1 in a product, -inf in a maximum. No
gradient reaches what is left out, were it nan or infinite.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.primitives.primitive import Array, composite, constant, wider
from microgradnp.primitives.reductions import Axis, count, root, squared

# -- words ---------------------------------------------------------------------------------------------------


def as_array(a: Any) -> Array:
    """Return a list or a number as an array; arrays and Tensors are what they are."""
    return a if hasattr(a, "dtype") else np.asarray(a)


def typed(a: Any, dtype: Any) -> Array:
    """Return an array or Tensor in a type, as the accumulator of a reduction has it."""
    a = as_array(a)
    return a if dtype is None or a.dtype == np.dtype(dtype) else a.astype(dtype)


def mask_of(where: Any, a: Array) -> Array | None:
    """Return which elements of `a` count, as booleans; None where all do."""
    if where is True or where is None:
        return None
    where = as_array(where)
    if np.broadcast_shapes(where.shape, a.shape) != a.shape:
        raise ValueError(f"where of shape {where.shape} does not broadcast to the shape {a.shape} of the operand")
    return where if where.dtype == np.bool_ else np.not_equal(where, 0)


def picked(a: Array, where: Any, otherwise: Any) -> Array:
    """Return `a` with an element that changes nothing in place of each that is left out."""
    mask = mask_of(where, a)
    return a if mask is None else np.where(mask, a, otherwise)


def least(dtype: np.dtype[Any]) -> Any:
    """Return what no element of this type is less than."""
    return np.iinfo(dtype).min if dtype.kind in "iu" else False if dtype.kind == "b" else -np.inf


def greatest(dtype: np.dtype[Any]) -> Any:
    """Return what no element of this type is greater than."""
    return np.iinfo(dtype).max if dtype.kind in "iu" else True if dtype.kind == "b" else np.inf


def of_type(initial: Any, y: Array) -> Array:
    """Return the initial value in the type of the result, as NumPy takes it."""
    return initial.astype(y.dtype) if hasattr(initial, "dtype") and initial.dtype != y.dtype else initial


def number_of(a: Array, where: Any, axis: Axis, keepdims: bool) -> Array:
    """Return how many elements count in each result, as a number of the type of their mean."""
    kind = (a.dtype if a.dtype.kind in "fc" else np.dtype(float)).type
    ones = np.where(np.broadcast_to(as_array(mask_of(where, a)), a.shape), kind(1), kind(0))
    return np.sum(ones, axis=axis, keepdims=keepdims)


# -- with where=, initial= and dtype= ------------------------------------------------------------------------


@wider(np.sum)
def _sum(
    a: Array, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Array:
    y = np.sum(picked(typed(a, dtype), where, 0), axis=axis, keepdims=keepdims)
    return y if initial is None else y + of_type(initial, y)


@wider(np.prod)
def _prod(
    a: Array, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Array:
    y = np.prod(picked(typed(a, dtype), where, 1), axis=axis, keepdims=keepdims)
    return y if initial is None else y * of_type(initial, y)


def _extreme(
    reduce: Any, pair: Any, bound: Any, a: Array, axis: Axis, keepdims: bool, initial: Any, where: Any
) -> Array:
    a = as_array(a)
    if initial is None:
        if mask_of(where, a) is not None:
            raise ValueError(
                f"a {pair.__name__} of some elements may be one of none, and has no value then: say which with initial="
            )
        return reduce(a, axis=axis, keepdims=keepdims)
    filled = picked(a, where, bound(a.dtype))
    if a.size == 0:  # NumPy has no extreme of nothing, but with an initial value it has
        return np.sum(filled, axis=axis, keepdims=keepdims).astype(a.dtype) + of_type(initial, a)
    y = reduce(filled, axis=axis, keepdims=keepdims)
    return pair(y, of_type(initial, y))


def _max(a: Array, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Array:
    return _extreme(np.max, np.maximum, least, a, axis, keepdims, initial, where)


def _min(a: Array, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Array:
    return _extreme(np.min, np.minimum, greatest, a, axis, keepdims, initial, where)


for _function in (np.max, np.amax):
    wider(_function)(_max)
for _function in (np.min, np.amin):
    wider(_function)(_min)


@wider(np.mean)
def _mean(a: Array, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True) -> Array:
    a = typed(a, dtype)
    if mask_of(where, a) is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    return np.sum(a, axis=axis, keepdims=keepdims, where=where) / number_of(a, where, axis, keepdims)


def _variance(
    a: Array, axis: Axis, dtype: Any, ddof: float, keepdims: bool, where: Any, mean: Any, correction: Any
) -> Array:
    if correction is not None:
        if ddof:
            raise ValueError("ddof and correction are two names of one number: give one of them")
        ddof = correction
    a = typed(a, dtype)
    mask = mask_of(where, a)
    if mask is None:
        centre = np.mean(a, axis=axis, keepdims=True) if mean is None else mean
        return np.sum(squared(a - centre), axis=axis, keepdims=keepdims) / max(count(a.shape, axis) - ddof, 0)
    centre = np.mean(a, axis=axis, keepdims=True, where=where) if mean is None else mean
    total = np.sum(np.where(mask, squared(a - centre), 0), axis=axis, keepdims=keepdims)
    return total / np.maximum(np.real(number_of(a, where, axis, keepdims)) - ddof, 0)


@composite(np.var)
def _var(
    a: Array, axis: Axis = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False,
    where: Any = True, mean: Any = None, correction: Any = None,
) -> Array:  # fmt: skip
    return _variance(a, axis, dtype, ddof, keepdims, where, mean, correction)


@composite(np.std)
def _std(
    a: Array, axis: Axis = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False,
    where: Any = True, mean: Any = None, correction: Any = None,
) -> Array:  # fmt: skip
    return root(_variance(a, axis, dtype, ddof, keepdims, where, mean, correction))


@wider(np.all)
def _all(a: Array, axis: Axis = None, *, keepdims: bool = False, where: Any = True) -> Array:
    return np.all(picked(np.not_equal(a, 0), where, True), axis=axis, keepdims=keepdims)


@wider(np.any)
def _any(a: Array, axis: Axis = None, *, keepdims: bool = False, where: Any = True) -> Array:
    return np.any(picked(np.not_equal(a, 0), where, False), axis=axis, keepdims=keepdims)


# -- that pass over nan --------------------------------------------------------------------------------------


def known(a: Array, where: Any = True) -> Array:
    """Return which elements count: those that are not nan, of those that `where` names."""
    mask = mask_of(where, a)
    numbers = np.logical_not(np.isnan(a))
    return numbers if mask is None else np.logical_and(numbers, mask)


@composite(np.nansum)
def _nansum(
    a: Array, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Array:
    return np.sum(a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=known(a, where))


@composite(np.nanprod)
def _nanprod(
    a: Array, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Array:
    return np.prod(a, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=known(a, where))


@composite(np.nanmean)
def _nanmean(a: Array, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True) -> Array:
    return np.mean(a, axis=axis, dtype=dtype, keepdims=keepdims, where=known(a, where))


def _nan_extreme(extreme: Any, bound: float, a: Array, axis: Axis, keepdims: bool, initial: Any, where: Any) -> Array:
    mask = known(a, where)
    y = extreme(a, axis=axis, keepdims=keepdims, initial=bound if initial is None else initial, where=mask)
    if initial is not None:
        return y
    if mask_of(where, a) is not None:
        extreme(a, axis=axis, where=where)  # raises: NumPy wants an initial value here
    return np.where(np.any(mask, axis=axis, keepdims=keepdims), y, y.dtype.type(np.nan))


@composite(np.nanmax)
def _nanmax(a: Array, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Array:
    return _nan_extreme(np.max, -np.inf, a, axis, keepdims, initial, where)


@composite(np.nanmin)
def _nanmin(a: Array, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True) -> Array:
    return _nan_extreme(np.min, np.inf, a, axis, keepdims, initial, where)


def _nan_variance(
    a: Array, axis: Axis, dtype: Any, ddof: float, keepdims: bool, where: Any, mean: Any, correction: Any
) -> Array:
    mask = known(a, where)
    enough = np.greater(np.real(number_of(a, mask, axis, keepdims)), correction if correction is not None else ddof)
    zero = a.dtype.type(0)
    y = _variance(np.where(mask, a, zero), axis, dtype, ddof, keepdims, mask, mean, correction)
    return np.where(enough, y, y.dtype.type(np.nan))


@composite(np.nanvar)
def _nanvar(
    a: Array, axis: Axis = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False,
    where: Any = True, mean: Any = None, correction: Any = None,
) -> Array:  # fmt: skip
    return _nan_variance(a, axis, dtype, ddof, keepdims, where, mean, correction)


@composite(np.nanstd)
def _nanstd(
    a: Array, axis: Axis = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False,
    where: Any = True, mean: Any = None, correction: Any = None,
) -> Array:  # fmt: skip
    return root(_nan_variance(a, axis, dtype, ddof, keepdims, where, mean, correction))


for _position in (np.nanargmax, np.nanargmin):
    constant(_position, 1, axis=None, keepdims=False)
