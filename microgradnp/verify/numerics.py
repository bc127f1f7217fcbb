"""Numerical trouble in a recorded computation: which operation, at which entries, and the stable form to use instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgradnp.floating import LOGISTIC, SOFTMAX, Mask, cause_of, entries, is_logistic, is_softmax, logarithm_of
from microgradnp.graph import Graph, trace
from microgradnp.tape import Node

OPERATORS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "matmul": "@", "power": "**"}


@dataclass
class Trouble:
    """One operation that leaves the range or the precision of floating point numbers.

    Attributes
    ----------
    what : str
        ``overflow``, ``log(0)``, ``0 * inf``, ``cancellation``, ``saturation``, ``clip``, ...
    expression : str
        The operation in the user's names.
    entries : ndarray of bool
        Where.
    instead : str
        The stable form; empty where none is known.
    """

    what: str
    expression: str
    entries: Mask
    instead: str = ""

    def __str__(self) -> str:
        where = entries(self.entries)
        said = {
            "saturation": f"the derivative of `{self.expression}` is exactly 0{where}: it is saturated",
            "cancellation": f"`{self.expression}` cancels{where}",
            "inexact": f"`{self.expression}` loses its digits{where}",
            "clip": f"`{self.expression}` holds its argument at the bound{where}: no gradient passes there",
        }.get(self.what, f"`{self.expression}` is {self.what}{where}")
        return f"{said}; use {self.instead}" if self.instead else said


def nonfinite(graph: Graph) -> Trouble | None:
    """Return the first operation that makes an infinite number or nan, and, of those that follow, the one that hurts.

    An infinity that vanishes again, as in ``1 / (1 + exp(800))``, is none.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> with np.errstate(all="ignore"):
    ...     graph = mg.trace(lambda p: np.sum(np.log(1 - p)), np.array([0.5, 1.0]))
    >>> print(nonfinite(graph))
    `log(1 - p)` is log(0) at 1 of 2 entries, first at [1]; use np.log1p(-x), or a loss computed from the logits
    """
    graph_outputs = set(graph.outputs)
    if all(np.all(np.isfinite(graph.value(n))) for n in graph_outputs):
        return None
    consumers = consumers_of(graph)
    bad = [n for n in graph.nodes if n.parents and n.dtype.kind == "f" and not np.all(np.isfinite(n.saved[0]))]
    # an operation whose infinity reaches the result through operations that are not finite either
    reaching: set[Node] = set()
    for node in reversed(bad):
        if node in graph_outputs or any(c in reaching for c in consumers.get(node, [])):
            reaching.add(node)
    for node in bad:
        if node in reaching and all(np.all(np.isfinite(x)) for x in node.saved[1:]):
            return Trouble(
                kind_of(node), expression(graph, node), ~np.isfinite(np.asarray(node.saved[0])), stable(node, consumers)
            )
    for node in bad:
        if node in reaching:
            return Trouble(kind_of(node), expression(graph, node), ~np.isfinite(np.asarray(node.saved[0])))
    return None


def kind_of(node: Node) -> str:
    """Return what went wrong in an operation whose result is not finite."""
    return cause_of(node.primitive.name, node.saved[0], node.saved[1:])


def stable(node: Node, consumers: Mapping[Node, list[Node]]) -> str:
    """Return the form that does the same without the trouble, where it is a known one."""
    name = node.primitive.name
    if name == "exp":
        after = consumers.get(node, [])
        if any(c.primitive.name == "add" for c in after):
            later = [d for c in after for d in consumers.get(c, [])]
            return "np.logaddexp(0, z)" if any(d.primitive.name == "log" for d in later) else LOGISTIC
        if any(is_softmax(c) for c in after):
            return SOFTMAX
        if any(is_ratio_of_exponentials(c) for c in after):
            return LOGISTIC
        later = [d for c in after if c.primitive.name == "sum" for d in consumers.get(c, [])]
        if any(d.primitive.name == "log" for d in later):
            return "mg.logsumexp(z), which shifts by the largest entry"
        return SOFTMAX if any(is_softmax(d) for d in later) else ""
    return logarithm_of(node.parents[0]) if name == "log" else ""


def is_ratio_of_exponentials(node: Node) -> bool:
    """Return whether a node is exp(z) / (1 + exp(z))."""
    if node.primitive.name != "divide" or len(node.parents) != 2:
        return False
    below = node.parents[1]
    if below is None or not below.parents or below.primitive.name != "add":
        return False
    return any(p is not None and p.parents and p.primitive.name == "exp" for p in below.parents)


def gated(graph: Graph) -> list[Trouble]:
    """Return the clips that hold some of their entries at a bound: there the gradient is 0.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> [clip] = gated(mg.trace(lambda a: np.sum(np.log(np.clip(a, 1e-12, None))), np.array([0.5, 0.0])))
    >>> print(clip)
    `maximum(a, 1e-12)` holds its argument at the bound at 1 of 2 entries, first at [1]: no gradient passes there
    """
    found = []
    for node in graph.nodes:
        if node.parents and is_clip(node):
            held = np.asarray(np.not_equal(node.saved[0], node.saved[1]))
            if np.any(held):
                found.append(Trouble("clip", expression(graph, node), held))
    return found


def is_clip(node: Node) -> bool:
    """Return whether a node is a clip; with one bound it is a maximum or minimum with a number other than 0."""
    if node.primitive.name == "clip":
        return True
    bounds = [x for p, x in zip(node.parents[1:], node.saved[2:], strict=True) if p is None and np.ndim(x) == 0]
    return node.primitive.name in ("maximum", "minimum") and bool(bounds) and bool(np.all(np.not_equal(bounds, 0)))


def saturated(graph: Graph) -> dict[Node, Trouble]:
    """Return the activations whose derivative is exactly 0 at some entries, because of rounding.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> for trouble in saturated(mg.trace(lambda z: np.sum(np.tanh(z)), np.array([0.5, 40.0]))).values():
    ...     print(trouble)
    the derivative of `tanh(z)` is exactly 0 at 1 of 2 entries, first at [1]: it is saturated
    """
    found = {}
    for node in graph.nodes:
        if not node.parents:
            continue
        y = np.asarray(node.saved[0])
        if node.primitive.name == "tanh":
            flat = np.abs(y) == 1
        elif is_logistic(node):
            flat = y * (1 - y) == 0
        else:
            continue
        if np.any(flat):
            label = graph.label(node)
            found[node] = Trouble("saturation", label or expression(graph, node), np.asarray(flat))
    return found


def trouble_in(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Trouble | None:
    """Return what makes the value of a formula infinite or nan; None where it is finite or cannot be recorded."""
    try:
        with np.errstate(all="ignore"):
            return nonfinite(trace(function, **dict(arguments)))
    except Exception:  # a formula that cannot be recorded is still judged, only its trouble is not named
        return None


def consumers_of(graph: Graph) -> dict[Node, list[Node]]:
    """Return for each node those that use it."""
    consumers: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        for parent in node.parents:
            if parent is not None:
                consumers.setdefault(parent, []).append(node)
    return consumers


def expression(graph: Graph, node: Node, depth: int = 4) -> str:
    """Return an operation as the user wrote it, down to the names of variables."""

    def text(n: Node | None, value: Any, left: int) -> str:
        if n is None:
            return f"{value:.6g}" if np.ndim(value) == 0 else "..."
        label = graph.label(n)
        if left < depth and label:
            return label
        if not n.parents or not left:
            return label or "..."
        parts = [text(p, v, left - 1) for p, v in graph.operands(n)]
        name = n.primitive.name
        if name in OPERATORS and len(parts) == 2:
            low = ("add", "subtract") if name == "subtract" else tuple(OPERATORS) if name != "add" else ()
            below = ["" if p is None or not p.parents else p.primitive.name for p in n.parents]
            parts = [
                f"({p})" if " " in p and b in low and (i or name != "subtract") else p
                for i, (p, b) in enumerate(zip(parts, below, strict=True))
            ]
            return f"{parts[0]} {OPERATORS[name]} {parts[1]}"
        if name == "negative":
            return f"-({parts[0]})" if " " in parts[0] else f"-{parts[0]}"
        return f"{name}({', '.join(p for p in parts if p != 'None')})"

    return text(node, None, depth)
