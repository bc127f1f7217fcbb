"""The right way from the loss back to one quantity, taken apart so that single steps of it can be changed.

The gradient of a quantity is the sum, over all paths of the forward pass, of what each step passes back. A Scene holds
these steps at one input: every contribution, and the linear map that carries a change of it to the gradient in
question. A mistake is then a change of one step, and its effect is one small sweep.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from microgradnp.tape import Node, dependent, fitted
from microgradnp.tensor import Tensor, apply
from microgradnp.transforms import vjp

if TYPE_CHECKING:
    from microgradnp.verify.points import Point

Array = Any
Edge = tuple[int, int]  # position of the consuming node, and which of its operands


class Scene:
    """The backward steps between a quantity and the gradients that a formula was given.

    Parameters
    ----------
    point : Point
        The forward pass at one input.
    quantity : str
        What the gradient is of.
    given : dict of str to ndarray
        Gradients that the formula received: the way back begins there, and at the loss where a path avoids them all.
    """

    def __init__(self, point: Point, quantity: str, given: Mapping[str, Array]) -> None:
        self.point = point
        self.quantity = quantity
        self.nodes = point.graph.nodes
        self.position = {node: k for k, node in enumerate(self.nodes)}
        self.target = point.graph.names[quantity]
        names = point.graph.names
        self.given = {
            names[q]: np.asarray(g, dtype=np.float64)
            for q, g in given.items()
            if q in names and names[q] is not self.target
        }
        ahead = dependent([n for n in self.nodes if n.order > self.target.order], [self.target])
        consumers: dict[Node, list[Node]] = {}
        for node in self.nodes:
            if node in ahead and node is not self.target:
                for parent in set(node.parents):
                    if parent in ahead:
                        consumers.setdefault(parent, []).append(node)
        # nodes met going from the quantity towards the loss, without going past a given gradient
        self.between: set[Node] = set()
        stack = [self.target]
        while stack:
            node = stack.pop()
            if node in self.between:
                continue
            self.between.add(node)
            if node not in self.given:
                stack.extend(consumers.get(node, []))
        self.order = sorted(self.between, key=lambda n: n.order, reverse=True)
        self.gradient: dict[Node, Array] = {}
        self.contribution: dict[Edge, Array] = {}
        self._sweep()

    def _sweep(self) -> None:
        loss = self.point.loss
        if loss in self.between and loss not in self.given:
            self.gradient[loss] = np.ones(loss.shape)
        for node in self.order:
            if node in self.given:
                self.gradient[node] = self.given[node]
            g = self.gradient.get(node)
            if g is None or node is self.target:
                continue
            for i, parent in self.edges_of(node):
                k = self.pulled(node, i, g)
                if k is not None:
                    self.contribution[self.position[node], i] = k
                    if parent not in self.given:
                        old = self.gradient.get(parent)
                        self.gradient[parent] = k if old is None else old + k

    def edges_of(self, node: Node) -> list[tuple[int, Node]]:
        """Return the operands of a node through which it passes gradients to the quantity."""
        return [
            (i, p) for i, p in enumerate(node.parents) if p is not None and p in self.between and p not in self.given
        ]

    def pulled(self, node: Node, i: int, g: Array, operands: Mapping[int, Array] | None = None) -> Array | None:
        """Return what a node passes back to its operand i for the gradient g, maybe with other operands."""
        y, *xs = node.saved
        for j, value in (operands or {}).items():
            xs[j] = value
        wanted = [k == i for k in range(len(xs))]
        with np.errstate(all="ignore"):
            k = node.primitive.pull(g, y, xs, wanted, node.params or {})[i]
        parent = node.parents[i]
        assert parent is not None
        return None if k is None else np.asarray(fitted(np.asarray(k), parent, node.primitive), dtype=np.float64)

    @property
    def right(self) -> Array:
        """The right gradient of the quantity, from what was given."""
        g = self.gradient.get(self.target)
        return np.zeros(self.target.shape) if g is None else g

    def carried(self, start: Node, change: Array) -> Array:
        """Return by how much the quantity's gradient changes when the gradient of a node does."""
        moved: dict[Node, Array] = {start: np.asarray(change, dtype=np.float64)}
        for node in self.order:
            g = moved.get(node)
            if g is None or node is self.target or node.order <= self.target.order:
                continue
            for i, parent in self.edges_of(node):
                k = self.pulled(node, i, g)
                if k is not None:
                    old = moved.get(parent)
                    moved[parent] = k if old is None else old + k
        g = moved.get(self.target)
        return np.zeros(self.target.shape) if g is None else g

    def with_contribution(self, edge: Edge, value: Array) -> Array:
        """Return the quantity's gradient when one step passes back `value` instead."""
        node = self.nodes[edge[0]]
        parent = node.parents[edge[1]]
        assert parent is not None
        return self.right + self.carried(parent, value - self.contribution[edge])

    def with_gradient(self, node: Node, value: Array) -> Array:
        """Return the quantity's gradient when the gradient of a node is `value` instead."""
        return self.right + self.carried(node, value - self.gradient[node])

    def without(self, nodes: Collection[Node], between: bool = False) -> Array:
        """Return the quantity's gradient when some nodes pass nothing back; with `between`, nothing to each other.

        The latter is what is left when a loop over time does not hand its gradient on from one turn to the next.
        """
        flows: tuple[dict[Node, Array], dict[Node, Array]] = (
            {},
            {},
        )  # what is free, and what has passed one of the nodes
        loss = self.point.loss
        if loss in self.between and loss not in self.given:
            flows[0][loss] = np.ones(loss.shape)
        for node in self.order:
            if node in self.given:
                flows[0][node] = self.given[node]
            if node is self.target:
                continue
            for passed in (0, 1):
                g = flows[passed].get(node)
                if g is None or (node in nodes and (passed or not between)):
                    continue
                on = flows[1 if node in nodes else passed]
                for i, parent in self.edges_of(node):
                    k = self.pulled(node, i, g)
                    if k is not None:
                        old = on.get(parent)
                        on[parent] = k if old is None else old + k
        found = [flow[self.target] for flow in flows if self.target in flow]
        return np.sum(found, axis=0) if found else np.zeros(self.target.shape)

    # names

    def label(self, node: Node) -> str | None:
        """Return what the user calls a node."""
        return self.point.graph.label(node)

    def named(self) -> list[Node]:
        """Return the named nodes on the way, nearest to the loss first."""
        return [n for n in self.order if self.label(n) and self.gradient.get(n) is not None]

    def chains(self) -> list[Chain]:
        """Return the elementwise functions between named quantities: activations, masks, scalings."""
        starts = [z for z in self.order if z not in self.given and (z is self.target or self.label(z))]
        return [Chain(self, z, end) for z in starts for end in self.chain_ends(z)]

    def chain_ends(self, z: Node) -> list[Node]:
        """Return the nearest named (or given) nodes that depend on z element by element."""
        same: set[Node] = {z}
        ends: list[Node] = []
        for node in reversed(self.order):
            if node is z or not any(p in same for p in node.parents):
                continue
            if not node.primitive.elementwise or node.shape != z.shape:
                continue
            if any(p in self.between and p not in same for p in node.parents if p is not None):
                continue
            if self.label(node) or node in self.given:
                ends.append(node)
            else:
                same.add(node)
        if not ends:  # a step without a name of its own: the last of the run
            tails = [n for n in same if n is not z and not any(n in m.parents for m in same)]
            ends = tails[:1]
        return [end for end in ends if self.gradient.get(end) is not None]


class Chain:
    """An elementwise function from one quantity to another, composed of any number of steps: one node, one derivative."""

    def __init__(self, scene: Scene, start: Node, end: Node) -> None:
        self.scene, self.start, self.end = scene, start, end
        self.program = self._program()
        self.z, self.y = (np.asarray(n.saved[0], dtype=np.float64) for n in (start, end))
        self.upstream = scene.gradient[end]
        self.derivative = self.slope_at(self.z)

    def _program(self) -> list[Node]:
        inside = {self.start}
        for node in reversed(self.scene.order):
            if node.order <= self.end.order and any(p in inside for p in node.parents):
                inside.add(node)
        needed = {self.end}
        for node in sorted(inside, key=lambda n: n.order, reverse=True):
            if node in needed:
                needed.update(p for p in node.parents if p in inside)
        return sorted((n for n in inside & needed if n is not self.start), key=lambda n: n.order)

    def __call__(self, z: Any) -> Any:
        """Compute the function at other values, recorded if they are Tensors."""
        values: dict[Any, Any] = {self.start: z}
        for node in self.program:
            xs = [values.get(p, x) if p is not None else x for p, x in zip(node.parents, node.saved[1:], strict=True)]
            values[node] = apply(node.primitive, xs, node.params or {})
        return values[self.end]

    def slope_at(self, z: Array) -> Array:
        """Return the derivative of the function at every element of `z`."""
        with np.errstate(all="ignore"):
            y, pull = vjp(self, np.asarray(z, dtype=np.float64))
            return np.asarray(pull(np.ones(np.shape(y)))[0])

    def with_factor(self, factor: Array) -> Array:
        """Return the quantity's gradient when the upstream gradient is multiplied by `factor` instead of the derivative."""
        change = self.upstream * factor - self.upstream * self.derivative
        return self.scene.right + self.scene.carried(self.start, change)

    def with_value(self, value: Array) -> Array:
        """Return the quantity's gradient when this step passes back `value`."""
        return self.scene.right + self.scene.carried(self.start, value - self.upstream * self.derivative)


def same_structure(a: Sequence[Node], b: Sequence[Node]) -> bool:
    """Return whether two graphs hold the same operations on the same shapes."""
    return len(a) == len(b) and all(m.primitive is n.primitive and m.spec == n.spec for m, n in zip(a, b, strict=True))


def is_tensor(x: Any) -> bool:
    """Return whether x is a Tensor."""
    return isinstance(x, Tensor)


def unique(items: Iterable[Any]) -> list[Any]:
    """Return the items without repeats, in order."""
    return list(dict.fromkeys(items))
