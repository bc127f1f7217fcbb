"""Indices: split into a pattern, which is fixed, and the arrays in it, which are operands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from microgradnp import explain
from microgradnp.primitives.shapes import Slot
from microgradnp.recorders import holds_tensor

if TYPE_CHECKING:
    from microgradnp.tensor import Tensor, tensor


#: What selects without arrays.
BASIC = frozenset((int, slice, type(None), type(Ellipsis)))


def split_index(index: Any) -> tuple[Any, list[Any]]:
    """Split an index into a pattern and the arrays in it, which are operands."""
    if type(index) in BASIC or (type(index) is tuple and BASIC.issuperset(map(type, index))):
        return index, []
    arrays: list[Any] = []

    def piece(p: Any) -> Any:
        if isinstance(p, list):
            p = tensor(p) if holds_tensor(p) else np.asarray(p) if len(p) else np.zeros(0, int)
        if isinstance(p, Tensor | np.ndarray):
            if p.dtype.kind not in "iub":
                raise IndexError(f"an index must be of integers or booleans, {explain.describe(p)} is of {p.dtype}")
            arrays.append(p)
            return Slot(len(arrays) - 1)
        return p

    pattern = tuple(piece(p) for p in index) if isinstance(index, tuple) else piece(index)
    return pattern, arrays
