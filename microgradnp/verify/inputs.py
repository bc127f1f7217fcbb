"""What functions are given: in double precision, in copies, as plain NumPy code has it."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp import tree


def reference(value: Any, claimed: bool = False) -> Any:
    """Return an input in double precision, in which all is judged; whole numbers too if their gradient is claimed."""

    def convert(x: Any) -> Any:
        if isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f":
            return np.array(x, dtype=np.float64)[()]
        if (
            claimed
            and not isinstance(x, bool)
            and isinstance(x, int | np.ndarray | np.integer)
            and np.asarray(x).dtype.kind in "iu"
        ):
            return np.array(x, dtype=np.float64)[()]
        if hasattr(x, "_value"):
            return convert(np.array(x._value))
        return np.array(x) if isinstance(x, np.ndarray) else x

    return tree.transform(convert, value)


def copied(x: Any) -> Any:
    """Return a copy of an array: no formula can change what another one is given."""
    return x.copy() if isinstance(x, np.ndarray) else x


def plain_value(value: Any) -> Any:
    """Return a value as plain NumPy code has it: 0-d arrays as scalars."""
    return np.asarray(value)[()] if np.ndim(value) == 0 else np.asarray(value)


def tamed(x: Any) -> Any:
    """Return floating point numbers scaled to at most 1; whole numbers, masks and shares stay."""
    if not isinstance(x, np.ndarray | float) or np.asarray(x).dtype.kind != "f" or np.all(x == np.rint(x)):
        return x
    return x / max(1.0, float(np.max(np.abs(x))))


def unchanged(a: Any, b: Any) -> bool:
    """Return whether two trees of arrays hold the same."""
    left, right = tree.flatten(a), tree.flatten(b)
    return len(left) == len(right) and all(
        np.array_equal(x, y, equal_nan=x.dtype.kind in "fc")
        for (_, x), (_, y) in zip(left, right, strict=True)
        if isinstance(x, np.ndarray)
    )
