"""The functions of the standard that are NumPy's, with their signatures, and those whose arguments differ."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.array_api.wrapping import called, entered, plain

OF_ONE = """
abs acos acosh asin asinh atan atanh bitwise_invert ceil conj cos cosh exp expm1 floor imag isfinite isinf isnan log log1p
log2 log10 logical_not negative positive real reciprocal round sign signbit sin sinh square sqrt tan tanh trunc
"""
OF_TWO = """
add atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor copysign divide equal floor_divide greater
greater_equal hypot less less_equal logaddexp logical_and logical_or logical_xor maximum minimum multiply nextafter not_equal
pow remainder subtract
"""
UNARY, BINARY = OF_ONE.split(), OF_TWO.split()
OTHERS = """
all(x, /, *, axis=None, keepdims=False)
any(x, /, *, axis=None, keepdims=False)
argmax(x, /, *, axis=None, keepdims=False)
argmin(x, /, *, axis=None, keepdims=False)
broadcast_arrays(*arrays)
broadcast_to(x, /, shape)
concat(arrays, /, *, axis=0)
count_nonzero(x, /, *, axis=None, keepdims=False)
cumulative_prod(x, /, *, axis=None, dtype=None, include_initial=False)
cumulative_sum(x, /, *, axis=None, dtype=None, include_initial=False)
flip(x, /, *, axis=None)
matmul(x1, x2, /)
matrix_transpose(x, /)
max(x, /, *, axis=None, keepdims=False)
mean(x, /, *, axis=None, keepdims=False)
min(x, /, *, axis=None, keepdims=False)
moveaxis(x, source, destination, /)
nonzero(x, /)
permute_dims(x, /, axes)
prod(x, /, *, axis=None, dtype=None, keepdims=False)
repeat(x, repeats, /, *, axis=None)
roll(x, /, shift, *, axis=None)
squeeze(x, /, axis)
stack(arrays, /, *, axis=0)
sum(x, /, *, axis=None, dtype=None, keepdims=False)
take(x, indices, /, *, axis=None)
tensordot(x1, x2, /, *, axes=2)
tile(x, repetitions, /)
tril(x, /, *, k=0)
triu(x, /, *, k=0)
unique_all(x, /)
unique_counts(x, /)
unique_inverse(x, /)
unique_values(x, /)
unstack(x, /, *, axis=0)
vecdot(x1, x2, /, *, axis=-1)
where(condition, x1, x2, /)
"""


def clip(x: Any, /, min: Any = None, max: Any = None) -> Any:
    """Return the elements of x held between two bounds, either of which may be None."""
    if min is None and max is None:
        return called(np.positive, x) if x.dtype.kind != "b" else x
    if x.dtype.kind in "iu":  # a bound that is no number of this type holds nothing back
        limits = np.iinfo(x.dtype)
        min, max = (within(b, limits) if isinstance(b, int) else b for b in (min, max))
    found = called(np.clip, x, min, max)
    return found if found.dtype == x.dtype else found.astype(x.dtype)


def within(bound: int, limits: Any) -> int:
    """Return the nearest number that a type of integers has."""
    return int(np.clip(bound, limits.min, limits.max))


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """Return the indices that sort x along an axis."""
    if not descending:
        return called(np.argsort, plain(x), axis=axis, stable=True)
    # the order of the reversed array, reversed: so equal elements keep theirs
    order = np.flip(np.argsort(np.flip(plain(x), axis), axis=axis, stable=True), axis)
    return called(np.subtract, x.shape[axis] - 1, order)


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """Return x sorted along an axis, differentiably."""
    if x.ndim == 0:
        raise ValueError("sort wants an array of at least one axis")
    return called(np.take_along_axis, x, argsort(x, axis=axis, descending=descending).data, axis)


def take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Any:
    """Return for each place along an axis the element that `indices` names."""
    return called(np.take_along_axis, x, plain(indices), axis)


def searchsorted(x1: Any, x2: Any, /, *, side: str = "left", sorter: Any = None) -> Any:
    """Return where in the sorted x1 the elements of x2 belong."""
    return called(np.searchsorted, plain(x1), plain(x2), side, plain(sorter))


def expand_dims(x: Any, /, axis: Any = 0) -> Any:
    """Return x with a new axis of length one."""
    return called(np.expand_dims, x, axis)


def reshape(x: Any, /, shape: Any, *, copy: Any = None) -> Any:
    """Return x in another shape. What is recorded cannot tell a copy from a view, since nothing changes it."""
    found = called(np.reshape, x, shape)
    return found.copy() if copy else found


def diff(x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Any:
    """Return the differences of neighbours along an axis, n times."""
    ends = {key: end for key, end in (("prepend", prepend), ("append", append)) if end is not None}
    return called(np.diff, x, n, axis, **ends)


def std(x: Any, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """Return the standard deviation, of n - correction degrees of freedom."""
    return called(np.std, x, axis=axis, ddof=correction, keepdims=keepdims)


def var(x: Any, /, *, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """Return the variance, of n - correction degrees of freedom."""
    return called(np.var, x, axis=axis, ddof=correction, keepdims=keepdims)


LINES = "\n".join([*(f"{name}(x, /)" for name in UNARY), *(f"{name}(x1, x2, /)" for name in BINARY)]) + OTHERS

FUNCTIONS = entered(
    LINES, np, (argsort, clip, diff, expand_dims, reshape, searchsorted, sort, std, take_along_axis, var)
)
NAMES = sorted(FUNCTIONS)
