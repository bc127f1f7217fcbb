"""The forward pass at one input."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from microgradnp import tree
from microgradnp.graph import Graph, trace
from microgradnp.tape import Node
from microgradnp.verify.claims import DerivationError, listed
from microgradnp.verify.guard import time_limit
from microgradnp.verify.inputs import copied, plain_value, unchanged
from microgradnp.verify.judgement import beside
from microgradnp.verify.rounding import ROUNDINGS, gradients_rounded, inputs_moved, moved, rounded

if TYPE_CHECKING:
    from microgradnp.verify.derivation import Derivation


class Point:
    """The forward pass at one input: its graph, the values by name, and the true gradients."""

    harmless = False  # whether the forward function is known to leave its inputs alone
    units, seed = 0.0, 0  # by how many units in the last place the numbers are off, and which way

    def __init__(self, derivation: Derivation, given: Mapping[str, Any]) -> None:
        function = derivation.function
        assert function is not None
        signature = inspect.signature(function).parameters.values()
        everything = any(p.kind is p.VAR_KEYWORD for p in signature)
        names = {p.name for p in signature}
        self.given = given
        self.inputs = {n: v for n, v in given.items() if n in names or everything}
        self.function, self.given = function, given
        self.time_limit: float | None = derivation.time_limit
        with np.errstate(all="ignore"), time_limit(self.time_limit):
            self.graph: Graph = trace(function, **{n: tree.transform(copied, v) for n, v in self.inputs.items()})
        self.loss = self._find_loss(derivation)
        with np.errstate(all="ignore"):
            self.gradients = self.graph.gradients(self.loss)
        # what only claims take is what was given, even if a function that the forward pass calls has a variable of the name
        self.others = {n: v for n, v in given.items() if n not in self.inputs}
        self.environment: dict[str, Any] = {
            **given,
            **self.graph.constants,
            **{name: plain_value(self.graph.value(node)) for name, node in self.graph.names.items()},
            **self.others,
        }

    def _find_loss(self, derivation: Derivation) -> Node:
        graph, name = self.graph, derivation.loss
        if name is not None:
            if name not in graph.names:
                raise DerivationError(f"loss={name!r}, but {graph.function} computes {listed(graph.names)}")
            node = graph.names[name]
        else:
            if isinstance(graph.result, tuple | list | dict):
                raise DerivationError(
                    f"{graph.function} returns a {type(graph.result).__name__}: say which quantity is the loss, "
                    f"mg.Derivation(..., loss='loss')"
                )
            if not graph.outputs:
                if graph.result is None:
                    raise DerivationError(f"{graph.function} returns nothing: end it with `return loss`")
                what = f"{graph.result!r:.60}, a {type(graph.result).__name__}"
                raise DerivationError(
                    f"{graph.function} returned {what}, which depends on none of its inputs: return the loss as it was "
                    "computed, without float(), int(), .item() or .data"
                )
            node = graph.outputs[0]
        label = graph.label(node) or "the loss"
        if node.dtype.kind != "f":
            raise DerivationError(
                f"{label}, which {graph.function} returns, holds {node.dtype}: a loss is a real number"
            )
        if node.size != 1:
            raise DerivationError(
                f"{label}, which {graph.function} returns, has shape {node.shape}: a loss is one number; return "
                "np.sum or np.mean of it"
            )
        return node

    def beside(self, derivation: Derivation, rng: np.random.Generator) -> Point:
        """Return the forward pass a very small random step away."""

        def step(x: Any) -> Any:
            if not isinstance(x, float | np.ndarray | np.generic) or np.asarray(x).dtype.kind != "f":
                return x
            return beside(x, rng)

        return Point(derivation, tree.transform(step, self.given))

    def blurred(self, value: Any) -> Any:
        """Return what a claim gave as the next one receives it: off by its rounding, where the point is."""
        return inputs_moved(value, self.seed, self.units) if self.units else value

    def roundings(self, rng: np.random.Generator) -> list[Point]:
        """Return the same point with every number a rounding off, wherever that changes no branch."""
        points = []
        for units in ROUNDINGS:
            seed = int(rng.integers(2**62))
            for signed in (seed, ~seed):
                point = copy.copy(self)
                point.units, point.seed = units, signed
                point.graph, new = rounded(self.graph, signed, units)
                point.loss = new[self.loss]
                with np.errstate(all="ignore"):
                    point.gradients = gradients_rounded(point.graph, point.loss, signed, units)
                point.environment = (
                    inputs_moved(self.environment, signed, units)
                    | {
                        name: tree.transform(functools.partial(moved, seed=signed, units=units), value)
                        for name, value in self.graph.constants.items()
                        if isinstance(value, list | tuple | dict)  # of quantities that were computed
                    }
                    | {name: plain_value(point.graph.value(node)) for name, node in point.graph.names.items()}
                    | inputs_moved(self.others, signed, units)
                )
                if point.graph_like(self):
                    points.append(point)
        return points

    def graph_like(self, other: Point) -> bool:
        """Return whether the same operations were computed, with the same branches taken at every kink."""
        if len(self.graph.nodes) != len(other.graph.nodes):
            return False
        for a, b in zip(self.graph.nodes, other.graph.nodes, strict=True):
            if a.primitive is not b.primitive or a.spec != b.spec:
                return False
            if not a.primitive.smooth and not np.array_equal(branch(a), branch(b)):
                return False
        return True

    def continues(self, other: Point, noise: float) -> bool:
        """Return whether the loss is what it is at another point but for what the gradient explains, and noise."""
        loss, before = self.graph.value(self.loss), other.graph.value(other.loss)
        explained = 0.0
        for name, node in self.graph.inputs.items():
            if node in self.gradients and name in other.graph.inputs:
                step = self.graph.value(node) - other.graph.value(other.graph.inputs[name])
                explained += float(np.sum(np.abs(self.gradients[node] * step)))
        return bool(np.all(np.abs(loss - before) <= 10 * explained + noise))

    def gradient(self, quantity: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the true gradient with respect to a quantity; zeros where the loss ignores it."""
        node = self.graph.names[quantity]
        g = self.gradients.get(node)
        return np.zeros(node.shape) if g is None else np.asarray(g, dtype=np.float64)

    def plain_loss(self, **changes: Any) -> Any:
        """Return the loss as the user's own function computes it on plain arrays, without our tape."""
        inputs = {**self.inputs, **changes}
        if self.harmless:
            return self.loss_in(self.function(**inputs))
        copies = {n: tree.transform(copied, v) for n, v in inputs.items()}
        loss = self.loss_in(self.function(**copies))
        self.harmless = all(unchanged(copies[n], v) for n, v in inputs.items())
        return loss

    def loss_in(self, result: Any) -> Any:
        """Return the loss out of what the forward function returned."""
        leaves = [leaf for _, leaf in tree.flatten(self.graph.result)]
        found = [leaf for _, leaf in tree.flatten(result)]
        for ours, plain in zip(leaves, found, strict=False):
            if getattr(ours, "node", None) is self.loss:
                return plain
        return None

    def loss_of(self, quantity: str) -> Callable[[Any], Any]:
        """Return the loss as a function of one quantity: the user's function for an input, else the graph replayed."""
        node = self.graph.names[quantity]
        if (
            self.inputs.get(quantity) is not None
            and self.graph.inputs.get(quantity) is node
            and self.loss_in(self.graph.result) is not None
        ):
            return lambda value: self.plain_loss(**{quantity: value[()] if np.ndim(value) == 0 else value})
        replay = self.graph.evaluator(self.loss, [node])
        return lambda value: replay(value[()] if np.ndim(value) == 0 else value)


def cost_of(node: Node) -> float:
    """Return about how many elements of an array could be added in the time that it takes to compute a node."""
    call, sizes = 2000.0, [node.size, *(np.size(x) for x in node.saved[1:])]
    bilinear = not node.primitive.elementwise and len(sizes) == 3 and min(sizes) > 1
    return (
        call + (float(np.sqrt(np.prod(sizes, dtype=float))) / 10 if bilinear else 0.0) + node.size
    )  # m n k for a product


def branch(node: Node) -> Any:
    """Return which way a node with kinks went, at every element."""
    y, *xs = node.saved
    with np.errstate(all="ignore"):
        if node.primitive.constant:
            return np.asarray(y)
        if node.primitive.elementwise:
            ways = [local for local in node.primitive.locals if not isinstance(local, int)]  # type: ignore[attr-defined]
            return np.array([np.broadcast_to(way(y, *xs, **(node.params or {})), node.shape) for way in ways])
        if node.primitive.name == "where":
            return np.asarray(xs[0])
        seed = np.ones(node.shape)
        pulled = node.primitive.pull(seed, y, xs, [True] * len(xs), node.params or {})
        return np.sign(np.asarray(pulled[0])) if pulled[0] is not None else np.zeros(0)
