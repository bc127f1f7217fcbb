"""What functions are given: in double precision, in copies, as plain NumPy code has it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
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


def of_single_precision(given: Mapping[str, Any]) -> bool:
    """Return whether the arrays of floating point numbers among inputs are all of single precision.

    Examples
    --------
    >>> of_single_precision({"x": np.ones(2, np.float32), "n": np.arange(2), "rate": 0.1})
    True
    """
    arrays = [getattr(leaf, "_value", leaf) for _, leaf in tree.flatten(dict(given))]
    types = {a.dtype for a in arrays if isinstance(a, np.ndarray) and a.ndim and a.dtype.kind == "f"}
    return types == {np.dtype(np.float32)}


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


def drawn(given: Mapping[str, Any], rng: np.random.Generator) -> tuple[dict[str, Any], bool]:
    """Return inputs with shapes and draws replaced by random numbers, and whether there were any.

    A function of one argument called ``rng`` (or ``generator``) draws its input. Where no array is given, tuples of whole
    numbers are shapes, of standard normal numbers.

    Examples
    --------
    >>> inputs, random = drawn({"X": (5, 2), "k": 3, "y": lambda rng: rng.integers(2, size=5)}, np.random.default_rng(0))
    >>> inputs["X"].shape, inputs["k"], inputs["y"].shape, random
    ((5, 2), 3, (5,), True)
    >>> drawn({"X": np.ones(3), "axes": (0, 1)}, np.random.default_rng(0))[0]["axes"]
    (0, 1)
    """
    arrays = any(isinstance(leaf, np.ndarray) or hasattr(leaf, "_value") for _, leaf in tree.flatten(dict(given)))
    found, random = {}, False
    for name, value in given.items():
        if draws(value):
            found[name], random = value(rng), True
        elif not arrays and is_shape(value):
            found[name], random = rng.standard_normal(value), True
        else:
            found[name] = value
    return found, random


def draws(value: Any) -> bool:
    """Return whether an input is a function that draws it."""
    if not callable(value) or hasattr(value, "_value"):
        return False
    try:
        wanted = [p for p in inspect.signature(value).parameters.values() if p.default is p.empty]
    except (TypeError, ValueError):
        return False
    return len(wanted) == 1 and wanted[0].name in ("rng", "generator")


def is_shape(value: Any) -> bool:
    """Return whether an input is a tuple of whole numbers."""
    return type(value) is tuple and bool(value) and all(type(n) is int and n >= 0 for n in value)
