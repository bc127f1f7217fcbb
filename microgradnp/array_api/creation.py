"""Making Tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.array_api.dtypes import check_device
from microgradnp.array_api.wrapping import called, plain, wrapped
from microgradnp.tensor import Tensor, tensor

__all__ = [
    "arange",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "linspace",
    "meshgrid",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: Any = None) -> Any:
    """Return numbers, arrays, Tensors or nested lists of them as a Tensor.

    Parameters
    ----------
    obj : array_like
        A list of Tensors is stacked, differentiably.
    dtype : dtype, optional
    device : "cpu", optional
    copy : bool, optional
        False raises ValueError where a copy cannot be avoided; True copies a Tensor, which else is returned as it is. Arrays
        are always copied: Tensors share memory with nothing.

    Examples
    --------
    >>> asarray([1.0, 2.0])
    Tensor([1., 2.])
    """
    check_device(device)
    if isinstance(obj, Tensor):
        if dtype is not None and obj.dtype != dtype:
            if copy is False:
                raise ValueError(f"copy=False, but a Tensor of {obj.dtype} as {np.dtype(dtype)} is a copy")
            return obj.astype(dtype)
        return obj.copy() if copy else obj
    if copy is False:
        raise ValueError("copy=False, but a Tensor always holds a copy of other arrays and numbers")
    return tensor(obj, dtype=dtype)


def arange(start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None) -> Any:
    """Return evenly spaced numbers from start (0 if only one is given) up to stop, without it."""
    check_device(device)
    limits: Any = plain((0, start, step) if stop is None else (start, stop, step))
    return wrapped(np.arange(*limits, dtype=dtype))


def linspace(
    start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: bool = True
) -> Any:
    """Return so many evenly spaced numbers between two."""
    check_device(device)
    start, stop = plain((start, stop))
    return wrapped(np.linspace(start, stop, num, dtype=dtype, endpoint=endpoint))


def empty(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Return an array whose numbers are whatever."""
    check_device(device)
    return wrapped(np.empty(shape, dtype=dtype or np.float64))


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Return zeros."""
    check_device(device)
    return wrapped(np.zeros(shape, dtype=dtype or np.float64))


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Return ones."""
    check_device(device)
    return wrapped(np.ones(shape, dtype=dtype or np.float64))


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Return one number in every place; a Tensor is spread differentiably."""
    check_device(device)
    if isinstance(fill_value, Tensor):
        spread = np.broadcast_to(fill_value, shape)
        return wrapped(spread if dtype is None else spread.astype(dtype)).copy()
    return wrapped(np.full(shape, fill_value, dtype=dtype))


def empty_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
    """Return an array of the shape and type of x whose numbers are whatever."""
    return empty(x.shape, dtype=dtype or x.dtype, device=device)


def zeros_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
    """Return zeros of the shape and type of x."""
    return zeros(x.shape, dtype=dtype or x.dtype, device=device)


def ones_like(x: Any, /, *, dtype: Any = None, device: Any = None) -> Any:
    """Return ones of the shape and type of x."""
    return ones(x.shape, dtype=dtype or x.dtype, device=device)


def full_like(x: Any, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:
    """Return one number in every place, in the shape and type of x."""
    return full(x.shape, fill_value, dtype=dtype or x.dtype, device=device)


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None) -> Any:
    """Return ones on the k-th diagonal, zeros elsewhere."""
    check_device(device)
    return wrapped(np.eye(n_rows, n_cols, k, dtype=dtype or np.float64))


def meshgrid(*arrays: Any, indexing: str = "xy") -> Any:
    """Return the coordinates of a grid, one array for each vector, differentiably."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing={indexing!r} must be 'xy' or 'ij'")
    return list(called(np.meshgrid, *arrays, indexing=indexing))
