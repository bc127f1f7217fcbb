"""Facts about the data that a right formula relies on: ``Y - T`` is right because every row of T sums to 1.

A fact that holds for the given inputs is broken, alone, by other inputs; if a formula that is right for the given ones
is wrong there, that fact is what it relies on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass
class Fact:
    """Something that holds for one input, and the same input without it.

    Attributes
    ----------
    name : str
        Of the input.
    said : str
        Completes "right because ...".
    broken : float or ndarray
        As near as it can be to the given value, without the fact.
    """

    name: str
    said: str
    broken: Any


def facts_about(name: str, value: Any, rng: np.random.Generator) -> Iterator[Fact]:
    """Yield what holds for an input of numbers and need not: each with an input for which only that fails.

    Examples
    --------
    >>> import numpy as np
    >>> for fact in facts_about("T", np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), np.random.default_rng(0)):
    ...     print(fact.said)
    every row of T sums to 1
    all entries of T are 0 or 1
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.ndarray | np.generic):
        return
    kind = np.asarray(value).dtype.kind
    if kind not in "fiu" or not np.size(value) or not np.all(np.isfinite(value)):
        return
    x: Array = np.asarray(value, dtype=np.float64)
    if not x.ndim:
        if kind == "f" and x in (0.0, 1.0):  # a whole number is a size or a label
            yield Fact(name, f"{name} is {x:g}", float(x) + 0.37)
        return
    scale = 0.5 + rng.uniform(size=x.shape)  # by which entries are changed: positive, all different
    size = float(np.sqrt(np.mean(x * x)))
    if not size:
        yield Fact(name, f"{name} is 0", scale - 1.0 + 0.03)
        return
    rows = x.ndim > 1 and x.shape[-1] > 1 and np.all(x >= 0) and np.allclose(x.sum(axis=-1), 1, rtol=1e-12)
    values = np.unique(x)
    if rows:  # zeros stay where they are, and where all is 0 or 1 it stays so
        one_hot = set(values) <= {0.0, 1.0}
        other = np.maximum(x, np.roll(x, 1, axis=-1)) if one_hot else x * (0.5 + rng.uniform(size=(*x.shape[:-1], 1)))
        yield Fact(name, f"every row of {name} sums to 1", other)
    if len(values) <= 2 and set(values) <= {0.0, 1.0}:
        soft = np.where(x == 1, 0.5 + 0.4 * rng.uniform(size=x.shape), 0.1 + 0.3 * rng.uniform(size=x.shape))
        yield Fact(name, f"all entries of {name} are 0 or 1", soft / soft.sum(axis=-1, keepdims=True) if rows else soft)
    elif set(values) == {-1.0, 1.0}:
        yield Fact(name, f"all entries of {name} are 1 or -1", x * scale)
    elif len(values) == 1 and x.size > 1:
        yield Fact(name, f"all entries of {name} are equal", x * scale)
    elif not rows and np.all(x > 0) and x.size > 1:
        signs = np.where(rng.permutation(x.size).reshape(x.shape) < (x.size + 1) // 2, -1.0, 1.0)
        yield Fact(name, f"all entries of {name} are positive", x * signs)
    if x.ndim == 2 and x.shape[0] == x.shape[1] > 1 and np.allclose(x, x.T, rtol=1e-12):
        yield Fact(name, f"{name} is symmetric", x + size * np.triu(scale, 1))


def relied_upon(
    inputs: Mapping[str, Any], wrong: Callable[[Mapping[str, Any]], set[str]], rng: np.random.Generator, budget: int
) -> dict[str, list[str]]:
    """Return on which facts about the inputs claims rely.

    Parameters
    ----------
    inputs : dict
        For which all the claims in question are right.
    wrong : callable
        Returns the names of the claims that are wrong for other inputs; of none where these make no sense.
    rng : numpy.random.Generator
    budget : int
        How many other inputs are tried at most.

    Returns
    -------
    dict of str to list of str
        For the name of a claim what it is right because of.

    Examples
    --------
    >>> import numpy as np
    >>> def wrong(inputs):
    ...     return {"dy"} if np.any(inputs["m"] ** 2 != inputs["m"]) else set()
    >>> relied_upon({"m": np.array([0.0, 1.0, 1.0])}, wrong, np.random.default_rng(0), 10)
    {'dy': ['all entries of m are 0 or 1']}
    """
    facts = [fact for name, value in inputs.items() for fact in facts_about(name, value, rng)]
    found: dict[str, list[str]] = {}
    for fact in facts[:budget]:
        for claim in wrong({**inputs, fact.name: fact.broken}):
            found.setdefault(claim, []).append(fact.said)
    return found
