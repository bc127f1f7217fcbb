"""Numbers that are not finite: where they are, what made them, and the stable form to use instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from microgradnp.tape import Node

Array = Any
Mask = np.ndarray[Any, np.dtype[np.bool_]]

LOGISTIC = "mg.logistic(z), or np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))"
SOFTMAX = "mg.softmax(z), or subtract the largest entry, z - z.max(axis, keepdims=True), before np.exp"


def finite(a: Any) -> bool:
    """Return whether all numbers of an array (of anything else: whether it is no array) are finite."""
    a = getattr(a, "_value", a)
    if not isinstance(a, np.ndarray | np.generic | float | complex):
        return True
    return np.asarray(a).dtype.kind not in "fc" or bool(np.isfinite(a).all())


def counted(a: Array) -> str:
    """Return how much of an array is not finite.

    Examples
    --------
    >>> counted(np.array([1.0, np.inf, np.nan]))
    'nan and inf in 2 of 3 elements'
    """
    a = np.asarray(getattr(a, "_value", a))
    kinds = " and ".join(kind for kind, test in (("nan", np.isnan), ("inf", np.isinf)) if test(a).any())
    return f"{kinds} in {int((~np.isfinite(a)).sum())} of {a.size} elements" if a.ndim else kinds


def entries(mask: Mask) -> str:
    """Return where a mask is true, as a message says it; empty for a number.

    Examples
    --------
    >>> entries(np.array([[False, True], [False, True]]))
    ' at 2 of 4 entries, first at [0, 1]'
    """
    if mask.ndim == 0 or mask.size <= 1:
        return ""
    return f" at {int(np.sum(mask))} of {mask.size} entries, first at {first(mask)}"


def first(mask: Mask) -> list[int]:
    """Return the first place where a mask is true."""
    return [int(i) for i in np.argwhere(mask)[0]]


def cause_of(name: str, y: Array, xs: Sequence[Array]) -> str:
    """Return what went wrong in an operation (by its NumPy name) whose result is not finite."""
    xs = [float(x) if isinstance(x, int) else x for x in xs]  # which may be larger than any of NumPy's
    with np.errstate(all="ignore"):
        if name in ("log", "log2", "log10", "log1p"):
            x = np.asarray(xs[0]) + (1 if name == "log1p" else 0)
            return "the logarithm of a negative number" if np.any(x < 0) else "log(0)"
        if name in ("divide", "reciprocal"):
            top, bottom = (xs[0], xs[1]) if len(xs) == 2 else (1.0, xs[0])
            if np.any(np.isinf(top) & np.isinf(bottom)):
                return "inf / inf"
            if np.any(np.equal(bottom, 0)):
                return "0 / 0" if np.any(np.equal(top, 0) & np.equal(bottom, 0)) else "a division by 0"
        if name == "multiply" and np.any(np.isnan(y)):
            return "0 * inf"
        if name in ("add", "subtract") and np.any(np.isnan(y)):
            return "inf - inf"
        if name == "sqrt" and np.any(np.less(xs[0], 0)):
            return "the square root of a negative number"
    return "nan" if np.any(np.isnan(y)) else "an overflow"


def logarithm_of(inner: Node | None) -> str:
    """Return the stable form of the logarithm of what a node made; empty where none is known."""
    if inner is None or not inner.parents:
        return ""
    if is_complement(inner):
        return "np.log1p(-x), or a loss computed from the logits"
    if is_logistic(inner):
        return "-np.logaddexp(0, -z) of the logits, or mg.binary_cross_entropy"
    if is_softmax(inner):
        return "mg.log_softmax(z) or mg.cross_entropy of the logits"
    return ""


# -- forms, recognised in nodes that keep all their operands (traced, or recorded under mg.debug) -------------------


def is_one(x: Any) -> bool:
    """Return whether an operand is the number 1."""
    return isinstance(x, int | float | np.ndarray | np.generic) and bool(np.all(np.equal(x, 1)))


def is_complement(node: Node) -> bool:
    """Return whether a node is 1 - x."""
    return node.primitive.name == "subtract" and is_one(node.saved[1])


def is_logistic(node: Node) -> bool:
    """Return whether a node is a logistic function, as a primitive or as 1 / (1 + exp(-z))."""
    if node.primitive.name == "logistic":
        return True
    below = node.parents[1] if node.primitive.name == "divide" and len(node.parents) == 2 else None
    if below is None or not is_one(node.saved[1]) or below.primitive.name != "add":
        return False
    return any(p is not None and p.parents and p.primitive.name == "exp" for p in below.parents)


def is_softmax(node: Node) -> bool:
    """Return whether a node is a softmax: exponentials over their sum."""
    if node.primitive.name == "softmax":
        return True
    if node.primitive.name != "divide" or len(node.parents) != 2:
        return False
    top, bottom = node.parents
    return (
        top is not None
        and bottom is not None
        and bool(top.parents and bottom.parents)
        and top.primitive.name == "exp"
        and bottom.primitive.name == "sum"
    )
