"""Digits lost to rounding: a right formula that floating point numbers of its precision cannot compute.

The same computation is done again in a finer precision (or a coarser one), node by node; the operation to blame is
the one whose result is off by much more than its operands are.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from microgradnp import tree
from microgradnp.floating import is_logistic, is_softmax
from microgradnp.graph import Graph, trace
from microgradnp.tape import Node
from microgradnp.verify.numerics import Trouble, consumers_of, expression, kind_of, stable

Array = Any

#: What a formula may be off by, relative to the largest entry, before its precision is said to be too coarse for it.
COARSE = 1e-2
#: In double precision it is wrong where fewer digits are left than this; where more than these are lost, that is noted.
FEW, LOSSY = 1e-5, 1e-10
#: A finer precision must do better by this factor: else it is no rounding that is to blame.
BETTER = 1e-3
#: By how much one operation must increase the error of its operands to be blamed.
BLAME = 30.0


def in_precision(value: Any, dtype: Any) -> Any:
    """Return a tree with its floating point numbers in another precision.

    Examples
    --------
    >>> in_precision({"x": np.ones(2), "n": 3}, np.float32)
    {'x': array([1., 1.], dtype=float32), 'n': 3}
    """

    def convert(x: Any) -> Any:
        if isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f":
            return x.astype(dtype)
        return x

    return tree.transform(convert, value)


def recomputed(graph: Graph, dtype: Any) -> dict[Node, Array]:
    """Return the value of every node of a graph, computed in another precision by NumPy's own functions."""
    new: dict[Node, Array] = {}
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            if not node.parents:
                new[node] = in_precision(node.saved[0], dtype)
                continue
            xs = [
                new[p] if p in new else in_precision(x, dtype)
                for p, x in zip(node.parents, node.saved[1:], strict=True)
            ]
            new[node] = in_precision(node.primitive.function(*xs, **(node.params or {})), dtype)
    return new


def error_of(coarse: Array, fine: Array) -> Array:
    """Return the relative error of every entry; 0 where the finer value is exactly 0, inf where only one is finite."""
    coarse, fine = np.asarray(coarse, np.longdouble), np.asarray(fine, np.longdouble)
    with np.errstate(all="ignore"):
        error = np.where(fine == 0, 0.0, np.abs(coarse - fine) / np.abs(fine))
    return np.where(np.isfinite(fine) & ~np.isfinite(coarse), np.inf, np.where(np.isfinite(error), error, 0.0))


def lossy(graph: Graph, coarse: Mapping[Node, Array], fine: Mapping[Node, Array], limit: float) -> Trouble | None:
    """Return the operation that loses the most digits, if the result of one is off by more than `limit`.

    Parameters
    ----------
    graph : Graph
    coarse, fine : dict of Node to array
        The values of the nodes in the precision to judge and in a finer one.
    limit : float

    Examples
    --------
    >>> graph = trace(lambda x: np.mean(x**2) - np.mean(x) ** 2, np.array([1e4, 1e4 + 1]))
    >>> print(lossy(graph, recomputed(graph, np.float32), recomputed(graph, np.float64), 1e-3))
    `mean(x ** 2) - mean(x) ** 2` cancels; use np.var(x), or np.mean((x - np.mean(x)) ** 2)
    """
    consumers = consumers_of(graph)
    worst, found = BLAME, None
    errors: dict[Node, float] = {}
    for node in graph.nodes:
        if node.dtype.kind != "f":
            continue
        entries = error_of(coarse[node], fine[node])
        errors[node] = float(np.max(entries, initial=0.0))
        if not node.parents or errors[node] <= limit:
            continue
        before = max((errors.get(p, 0.0) for p in node.parents if p is not None), default=0.0)
        times = errors[node] / max(before, float(np.finfo(np.asarray(coarse[node]).dtype).eps))
        if times > worst:
            worst, found = times, (node, entries > limit)
    if found is None:
        return None
    node, entries = found
    return Trouble(lost_how(node, coarse), expression(graph, node), entries, exact_form(graph, node, consumers))


def lost_how(node: Node, values: Mapping[Node, Array]) -> str:
    """Return what happened in an operation that lost its digits."""
    if not np.all(np.isfinite(values[node])):
        coarse = copy.copy(node)
        coarse.saved = (
            values[node],
            *(values.get(p, x) if p is not None else x for p, x in zip(node.parents, node.saved[1:], strict=True)),
        )
        return kind_of(coarse)
    if node.primitive.name in ("add", "subtract", "sum", "mean"):
        return "cancellation"
    if np.any((np.asarray(values[node]) == 0) & (np.asarray(node.saved[0]) != 0)):
        return "rounded to 0"
    return "inexact"


def exact_form(graph: Graph, node: Node, consumers: Mapping[Node, list[Node]]) -> str:
    """Return the form that keeps the digits, where it is a known one."""
    name = node.primitive.name
    parents = [p for p in node.parents if p is not None and p.parents]
    kinds = {p.primitive.name: p for p in parents}

    def inner(p: Node) -> str:
        return expression(graph, p.parents[0]) if p.parents[0] is not None else "x"

    if name in ("subtract", "add") and any(np.all(np.abs(x) == 1) for x in node.saved[1:]):
        if "exp" in kinds:
            return f"np.expm1({inner(kinds['exp'])})"
        if "cos" in kinds:
            return f"2 * np.sin({inner(kinds['cos'])} / 2) ** 2"
        if any(is_logistic(p) for p in parents):
            return "mg.logistic(-z), which is 1 - mg.logistic(z)"
        if any(is_softmax(p) for p in parents):
            return "a loss computed from the logits"
        squares = [p.parents[0] for p in parents if is_square(p) and p.parents[0] is not None]
        if any(s is not None and s.parents and s.primitive.name == "tanh" for s in squares):
            return "1 / np.cosh(z) ** 2"
    if name == "subtract" and len(parents) == 2 and parents[0].primitive.name == "mean" and is_square(parents[1]):
        below, mean = parents[0].parents[0], parents[1].parents[0]
        if below is not None and below.parents and is_square(below) and mean is not None and mean.parents:
            x = expression(graph, below.parents[0]) if below.parents[0] is not None else "x"
            return f"np.var({x}), or np.mean(({x} - np.mean({x})) ** 2)"
    if name == "log" and "add" in kinds and any(np.all(np.equal(x, 1)) for x in kinds["add"].saved[1:]):
        return "np.log1p(x) for np.log(1 + x)"
    return stable(node, consumers)


def is_square(node: Node) -> bool:
    """Return whether a node is x ** 2, or x * x."""
    name = node.primitive.name
    if name == "power":
        return bool(np.all(np.equal(node.saved[2], 2)))
    return name == "square" or (name == "multiply" and node.parents[0] is node.parents[1])


def where_lost(function: Callable[..., Any], arguments: Mapping[str, Any], dtype: Any, limit: float) -> Trouble | None:
    """Return the operation of a formula that loses digits in float64 or float32; None where it cannot be recorded."""
    try:
        with np.errstate(all="ignore"):
            graph = trace(function, **dict(arguments))
            finer = np.longdouble if dtype == np.float64 else np.float64
            return lossy(graph, recomputed(graph, dtype), recomputed(graph, finer), limit)
    except Exception:  # its trouble is not named
        return None
