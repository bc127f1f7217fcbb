"""What a number in a formula is: the derivative of an activation, half of one, a mask, a gradient, a penalty, a constant.

A mistake has a different name depending on what was left out, added or exchanged. What something is, is told by its value
beside the forward pass, not by what it is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from microgradnp.graph import Graph
from microgradnp.tape import Node
from microgradnp.tensor import apply
from microgradnp.transforms import vjp

Array = Any

#: What a gradient is called for which the user has no name.
UNNAMED = "∂loss/∂"
#: How people write the derivative of an activation, in terms of the activation or of the pre-activation `a`.
SLOPES = (
    "{a} * (1 - {a})",
    "1 - {a}**2",
    "({a} > 0)",
    "1 - np.tanh({a})**2",
    "2 * {a}",
    "np.exp({a})",
    "np.cos({a})",
    "np.sign({a})",
    "1 / {a}",
)
#: Half of such a derivative, or something else that is left out.
PARTS = ("{a}", "(1 - {a})", "{a}**2", "1 / {a}", "1 / {a}**2", "np.exp({a})", "np.cos({a})", "np.sign({a})")


def close(a: Array, b: Array, room: float = 1e-8) -> bool:
    """Return whether two arrays are equal to rounding."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or not a.size:
        return False
    with np.errstate(all="ignore"):
        return bool(np.all(np.abs(a - b) <= room * np.max(np.abs(b))))


def proportional(a: Array, b: Array) -> bool:
    """Return whether an array is a multiple of another, or of its signs; both with more than one entry."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or a.size < 2 or not np.any(b) or not np.all(np.isfinite(a)):
        return False
    for basis in (b, np.sign(b)):
        c = np.sum(a * basis) / np.sum(basis * basis)
        if c and np.allclose(a, c * basis, rtol=1e-8, atol=1e-12 * np.max(np.abs(a))):
            return True
    return False


def is_mask(value: Array) -> bool:
    """Return whether an array holds zeros and one other number."""
    value = np.asarray(value)
    if value.size < 2:
        return False
    kinds = np.unique(value)
    return bool(len(kinds) == 2 and np.any(kinds == 0))


def gates(graph: Graph, node: Node) -> bool:
    """Return whether an input of zeros and one other number is a mask: it multiplies values, but not logarithms, as targets do."""
    if not node.ndim or node.size < 3 or not is_mask(node.saved[0]):
        return False
    consumers = [n for n in graph.nodes if node in n.parents]
    names = {n.primitive.name for n in consumers}
    if not names or not names <= {"multiply", "where", "divide"}:
        return False
    others = [p.primitive.name for n in consumers for p in n.parents if p is not None and p is not node]
    return not {"log", "negative", "log1p", "log_softmax"} & set(others)


@dataclass
class Slope:
    """The derivative of one quantity with respect to another, element by element."""

    of: str
    at: str
    value: Array
    misplaced: Array  # the same function's derivative, taken at the activation
    y: Array
    z: Array

    def written(self) -> str:
        """Return how a person writes it."""
        y, z = self.y, self.z
        with np.errstate(all="ignore"):
            forms = {
                f"{self.of} * (1 - {self.of})": y * (1 - y),
                f"1 - {self.of}**2": 1 - y * y,
                f"({self.at} > 0)": (z > 0) * 1.0,
                self.of: y,
                f"2 * {self.at}": 2 * z,
                f"1 / {self.at}": 1 / z,
            }
        for text, value in forms.items():
            if close(value, self.value):
                return text
        return f"the derivative of {self.of} with respect to {self.at}"


@dataclass
class Meaning:
    """The forward pass at one input, as far as it tells what the numbers of a formula are.

    Attributes
    ----------
    graph : Graph
    names : dict of str to array
        Every value that a formula could use, by the user's names.
    own : dict of str to array
        The quantities that the claim is about, by output.
    gradients : dict of str to array
        The true gradients, by quantity.
    """

    graph: Graph
    names: Mapping[str, Any]
    own: Mapping[str, Array] = field(default_factory=dict)
    gradients: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.slopes = list(slopes_of(self.graph))
        self.masks = [np.asarray(n.saved[0]) for n in self.graph.inputs.values() if gates(self.graph, n)]
        self.arrays = {
            n: np.asarray(v) for n, v in self.names.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"
        }

    def role(self, value: Array) -> str:
        """Return what a value is: slope, half slope, mask, gradient, penalty, constant, or array."""
        value = np.asarray(value)
        if value.dtype.kind == "b":
            value = value.astype(np.float64)
        if not value.ndim or value.size == 1:
            return "constant" if not self.is_scalar_slope(value) else "slope"
        value = value.astype(np.float64)
        if np.ptp(value) == 0:
            return "constant"
        if any(self.like_mask(value, m) for m in self.masks):
            return "mask"
        for s in self.slopes:
            if close(value, s.value) or close(value, s.value * s.value):
                return "slope"
        for s in self.slopes:
            if close(s.y * (1 - s.y), s.value) and (close(value, s.y) or close(value, 1 - s.y)):
                return "half slope"
        if any(close(value, g) for g in self.gradients.values()):
            return "gradient"
        if any(proportional(value, own) for own in self.own.values()):
            return "penalty"
        return "array"

    def is_scalar_slope(self, value: Array) -> bool:
        """Return whether a number is the derivative of an activation in a chain of numbers."""
        v = float(np.asarray(value, dtype=np.float64).reshape(()))
        return any(
            np.size(s.value) == 1
            and np.ptp([v, float(np.reshape(s.value, ()))]) < 1e-12
            and v not in (0, 1, 2, -1, 0.5)
            for s in self.slopes
        )

    def slope_like(self, value: Array) -> bool:
        """Return whether a value is the derivative of some usual activation, at any quantity."""
        if self.role(value) == "slope":
            return True
        value = np.asarray(value, dtype=np.float64)
        if value.ndim == 0:
            return False
        with np.errstate(all="ignore"):
            return any(
                a.shape == value.shape
                and (
                    close(a * (1 - a), value)
                    or close(1 - a * a, value)
                    or np.array_equal(a > 0, value)
                    or close(1 - np.tanh(a) ** 2, value)
                )
                for a in self.arrays.values()
            )

    def misplaced(self, value: Array) -> bool:
        """Return whether a value is the right derivative of an activation, taken at the wrong one of its two sides."""
        for s in self.slopes:
            if close(value, s.misplaced):
                return True
            with np.errstate(all="ignore"):
                for of_y, of_z in ((s.y * (1 - s.y), s.z * (1 - s.z)), (1 - s.y**2, 1 - s.z**2)):
                    if close(of_y, s.value) and close(of_z, value):
                        return True
        return False

    @staticmethod
    def like_mask(value: Array, mask: Array) -> bool:
        """Return whether a value is a mask, maybe scaled or inverted."""
        if value.shape != mask.shape:
            return False
        on = mask != 0
        return bool(np.array_equal(value != 0, on) or np.array_equal(value != 0, ~on)) and len(np.unique(value)) == 2

    def pairs(self) -> set[tuple[str, str]]:
        """Return which names are the pre-activation and the activation of each other, both ways."""
        found = {(s.at, s.of) for s in self.slopes}
        return found | {(b, a) for a, b in found}


def slopes_of(graph: Graph) -> Iterator[Slope]:
    """Yield the derivatives of the elementwise functions between named quantities: one for each composed activation."""
    for z_name, z in graph.names.items():
        if z.dtype.kind != "f" or graph.label(z) != z_name:
            continue
        inside: dict[Node, bool] = {z: True}
        program: list[Node] = []
        for node in graph.nodes:
            if node.order <= z.order or not any(p in inside for p in node.parents):
                continue
            if node.primitive.constant:
                inside[node] = False
                program.append(node)
                continue
            alone = all(p is None or p in inside for p in node.parents)
            elementwise = node.primitive.elementwise or node.primitive.name == "where"
            if not (alone and elementwise and node.shape == z.shape and node.dtype.kind == "f"):
                continue
            program.append(node)
            label = graph.label(node)
            if label is None:
                inside[node] = True
                continue
            slope = slope_between(graph, z, node, list(program))
            program.pop()
            if slope is not None:
                yield slope


def slope_between(graph: Graph, z: Node, y: Node, program: list[Node]) -> Slope | None:
    """Return the derivative of one quantity with respect to another, unless it is constant."""

    def function(x: Any) -> Any:
        values: dict[Any, Any] = {z: x}
        for node in program:
            xs = [values.get(p, v) if p is not None else v for p, v in zip(node.parents, node.saved[1:], strict=True)]
            values[node] = apply(node.primitive, xs, node.params or {})
        return values[y]

    def at(x: Array) -> Array:
        with np.errstate(all="ignore"):
            result, pull = vjp(function, np.asarray(x, dtype=np.float64))
            return np.asarray(pull(np.ones(np.shape(result)))[0])

    zv, yv = (np.asarray(n.saved[0], dtype=np.float64) for n in (z, y))
    try:
        value = at(zv)
        if value.size > 1 and np.ptp(value) <= 1e-12 * np.max(np.abs(value)):
            return None
        if value.size == 1 and np.ptp([value, at(zv + 0.37)]) < 1e-12:
            return None
        return Slope(graph.label(y) or "", graph.label(z) or "", value, at(yv), yv, zv)
    except Exception:  # what cannot be differentiated elementwise is no activation
        return None
