"""Data types, constants, and questions about types."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import (
    bool,
    complex64,
    complex128,
    e,
    finfo,
    float32,
    float64,
    iinfo,
    inf,
    int8,
    int16,
    int32,
    int64,
    isdtype,
    nan,
    newaxis,
    pi,
    uint8,
    uint16,
    uint32,
    uint64,
)

from microgradnp.array_api.wrapping import called, plain, wrapped
from microgradnp.tensor import Tensor

__all__ = [
    "__array_namespace_info__",
    "astype",
    "bool",
    "can_cast",
    "complex64",
    "complex128",
    "e",
    "finfo",
    "float32",
    "float64",
    "from_dlpack",
    "iinfo",
    "inf",
    "int8",
    "int16",
    "int32",
    "int64",
    "isdtype",
    "nan",
    "newaxis",
    "pi",
    "result_type",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]


def __array_namespace_info__() -> Any:
    """Return what this namespace can do: types, devices, defaults. It is NumPy's."""
    return np.__array_namespace_info__()


def astype(x: Any, dtype: Any, /, *, copy: Any = True, device: Any = None) -> Any:
    """Return x in another type, between floating point types differentiably.

    Examples
    --------
    >>> astype(Tensor(np.ones(2)), float32)
    Tensor([1., 1.], dtype=float32)
    """
    check_device(device)
    if not copy and x.dtype == dtype:
        return x
    return wrapped(x.astype(dtype))


def can_cast(from_: Any, to: Any, /) -> Any:
    """Return whether a type, or the type of an array, can be cast to another."""
    return np.can_cast(from_.dtype if isinstance(from_, Tensor) else from_, to)


def result_type(*arrays_and_dtypes: Any) -> Any:
    """Return the type that results from types, arrays and Python scalars."""
    return np.result_type(*plain(arrays_and_dtypes))


def from_dlpack(x: Any, /, *, device: Any = None, copy: Any = None) -> Any:
    """Return a Tensor of the numbers of an array of any library that speaks DLPack.

    Examples
    --------
    >>> from_dlpack(np.arange(3.0))
    Tensor([0., 1., 2.])
    """
    check_device(device)
    if isinstance(x, Tensor):
        return called(np.copy, x) if copy else x
    value = np.from_dlpack(x)
    return wrapped(np.array(value) if copy is not False else value)


def check_device(device: Any) -> None:
    """Raise unless a device is that of NumPy's arrays."""
    if device not in (None, "cpu"):
        raise ValueError(f"device={device!r}: Tensors are NumPy arrays on the 'cpu', and there is no other device")
