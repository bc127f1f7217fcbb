"""What layers and losses make of what they are given."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.tensor import Tensor

Array = Any


def as_array(x: Any) -> Array:
    """Return Tensors and arrays as they are, lists and numbers as arrays.

    Examples
    --------
    >>> as_array([1.0, 2.0])
    array([1., 2.])
    """
    return x if hasattr(x, "ndim") else np.asarray(x)


def values_of(x: Any) -> Array:
    """Return the plain array of a Tensor or an array_like."""
    return x.data if isinstance(x, Tensor) else np.asarray(x)


def whole_numbers(what: str, labels: Array, count: int) -> Array:
    """Return labels as an array, or raise if they are no integers from 0 to less than `count`."""
    labels = values_of(labels)
    if not labels.size:
        return labels.astype(np.intp)  # an empty list has a type that nobody chose
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{what} must be integers, not {labels.dtype}; use labels.astype(int)")
    if labels.min() < 0 or labels.max() >= count:
        raise ValueError(f"{what} run from {labels.min()} to {labels.max()}, but must be from 0 to {count - 1}")
    return labels
