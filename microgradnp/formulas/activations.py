"""Activations that are written out: `1 / (1 + np.exp(-z))` is one function with one derivative, however it is written.

They are recognised by what they compute, at random points, and not by how they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

import numpy as np

from microgradnp.graph import Graph
from microgradnp.primitives.network import logistic, softmax
from microgradnp.tape import Node

MOST_STEPS = 14
PROBES = 2
INSIDE = frozenset(("where", "sum", "max", "amax", "reshape", "expand_dims", "broadcast_to", "getitem"))

Known = tuple[str, Callable[[Any], Any]]


def candidates(ndim: int) -> list[Known]:
    """Return the functions that are told apart, by name."""
    known: list[Known] = [
        ("logistic", logistic.function),
        ("tanh", np.tanh),
        ("relu", lambda x: np.maximum(x, 0)),
    ]
    return known + [(f"softmax {axis}", lambda x, axis=axis: softmax.function(x, axis=axis)) for axis in range(ndim)]


def activations(graph: Graph, keep: Node, stops: Container[Node] = ()) -> dict[Node, tuple[str, Node]]:
    """Return the nodes that are an activation of another node: its name and that node.

    Parameters
    ----------
    graph : Graph
    keep : Node
        Nothing that passes over this node is recognised: its own gradient is wanted.
    stops : container of Node
        Nothing that passes over one of these is recognised: their gradients have names.
    """
    found: dict[Node, tuple[str, Node]] = {}
    inside: set[Node] = set()
    for node in reversed(graph.nodes):
        if node in inside or not node.parents or node.dtype.kind != "f":
            continue
        match = recognised(graph, node, keep, stops)
        if match is not None:
            found[node] = match[0], match[1]
            inside |= match[2]
    return found


def recognised(graph: Graph, node: Node, keep: Node, stops: Container[Node]) -> tuple[str, Node, set[Node]] | None:
    """Return the activation that a node is, of which node, and the nodes between: of the farthest node of which it is one."""
    frontier, between = {node}, set[Node]()
    best: tuple[str, Node, set[Node]] | None = None
    for _ in range(MOST_STEPS):
        top = max(frontier, key=lambda n: n.order)
        if not (top.primitive.elementwise or top.primitive.name in INSIDE or top.primitive.constant) or not top.parents:
            return best
        frontier.discard(top)
        between.add(top)
        frontier |= {p for p in top.parents if p is not None}
        if any((n is keep or n in stops) and n is not node for n in between):
            return best
        if len(frontier) == 1 and (len(between) > 1 or top.primitive.name == "maximum"):
            (source,) = frontier
            if source.shape == node.shape and source.dtype.kind == "f":
                name = named(graph, node, source)
                scopes = graph.scopes
                own = [
                    n
                    for n in between
                    if n is not node and graph.label(n) and (n not in scopes or scopes[n] != scopes.get(node))
                ]
                if name and (graph.label(node) or not own):  # not 1 - A as the logistic of -z
                    best = name, source, between - {node}
        if not frontier:
            return best
    return best


def named(graph: Graph, node: Node, source: Node) -> str:
    """Return which function of `source` a node is; empty if none of those known."""
    rng = np.random.default_rng(0)
    evaluate = graph.evaluator(node, [source])
    points = [rng.normal(size=source.shape, scale=3.0) for _ in range(PROBES)]
    with np.errstate(all="ignore"):
        try:
            values = [np.asarray(evaluate(x)) for x in points]
            for name, function in candidates(len(source.shape)):
                if all(np.allclose(function(x), y, rtol=1e-9, atol=1e-13) for x, y in zip(points, values, strict=True)):
                    return name
        except (ValueError, TypeError, IndexError):
            return ""
    return ""
