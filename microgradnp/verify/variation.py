"""Other inputs of the same kind as the given ones, to tell a law from a coincidence."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp import tree


def varied(value: Any, rng: np.random.Generator) -> Any:
    """Return numbers like the given ones: same shape and scale, same signs where all agree, same zeros and ones.

    Arrays of zeros and one other number (masks, one-hot targets) have their rows permuted; rows that sum to one keep
    that. Integers stay what they are.
    """
    return tree.transform(lambda x: varied_leaf(x, rng), value)


def varied_leaf(x: Any, rng: np.random.Generator) -> Any:
    """Return one array or number like the given one."""
    a = np.asarray(x)
    if not isinstance(x, float | np.ndarray | np.generic) or a.dtype.kind != "f" or not a.size:
        return x
    if not a.ndim:
        return float(a) * (1 + 0.2 * rng.uniform(-1, 1)) if a else x
    if len(np.unique(a)) <= 2 and np.any(a == 0):
        return rng.permutation(a, axis=0)
    size = float(np.sqrt(np.mean(a * a)))
    new = a * (1 + 0.3 * rng.standard_normal(a.shape).clip(-2, 2))
    if np.any(a < 0):
        new = new + 0.3 * size * rng.standard_normal(a.shape)
    sums = a.sum(axis=-1, keepdims=True)
    if np.all(a >= 0) and np.allclose(sums, 1, rtol=1e-9):
        new = new / new.sum(axis=-1, keepdims=True)
    return new
