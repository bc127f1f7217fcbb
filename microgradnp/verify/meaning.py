"""What a number in a formula is: the derivative of an activation, half of one, a mask, a gradient, a penalty, a constant.

A mistake has a different name depending on what was left out, added or exchanged. What something is, is told by its value
beside the forward pass, not by what it is called.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from microgradnp.graph import Graph
from microgradnp.tape import Node
from microgradnp.tensor import apply
from microgradnp.transforms import vjp
from microgradnp.verify.judgement import Cause

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
PARTS = (
    "{a}", "(1 - {a})", "{a}**2", "1 / {a}", "1 / {a}**2", "np.exp({a})", "np.exp(-{a})", "np.cos({a})", "np.sign({a})",
    "np.sqrt({a})", "(1 + {a})",
)  # fmt: skip


#: The derivatives of the usual activations.
USUAL: tuple[Callable[[Array], Array], ...] = (
    lambda a: a * (1 - a),
    lambda a: 1 - a * a,
    lambda a: (a > 0) * 1.0,
    lambda a: 1 - np.tanh(a) ** 2,
)
#: So many derivatives of activations are known, at most.
SLOPES_AT_MOST = 60


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


def proportional_to(a: Array, b: Array) -> bool:
    """Return whether an array is a multiple of another, which is not constant."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or a.size < 2 or np.ptp(b) == 0:
        return False
    c = np.sum(a * b) / np.sum(b * b)
    return bool(c) and close(c * b, a)


def base_name(name: str) -> str:
    """Return the variable that a quantity belongs to: `hs` for `hs[2]`, `h` for `h@1`."""
    return re.sub(r"[@\[(.].*$", "", name)


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
    same = {node}  # the same numbers with other axes
    consumers: list[Node] = []
    for n in graph.nodes:
        if any(p in same for p in n.parents):
            if n.primitive.name in ("getitem", "reshape", "expand_dims", "broadcast_to", "transpose"):
                same.add(n)
            else:
                consumers.append(n)
    names = {n.primitive.name for n in consumers} - {"sum", "mean"}
    if not names or not names <= {"multiply", "where", "divide", "subtract"}:
        return False
    others = [p.primitive.name for n in consumers for p in n.parents if p is not None and p not in same]
    return not {"log", "negative", "log1p", "log_softmax"} & set(others)


def penalised(graph: Graph, node: Node) -> bool:
    """Return whether the squares or the sizes of a parameter are summed, as a penalty does."""
    if node.parents:
        return False
    for n in graph.nodes:
        if node not in n.parents:
            continue
        name, twice = n.primitive.name, all(p is node for p in n.parents)
        if name in ("dot", "matmul", "vdot", "inner", "norm") and twice and not n.ndim:
            return True
        summed = any(n in m.parents and m.primitive.name in ("sum", "mean") and not m.ndim for m in graph.nodes)
        if summed and (name in ("square", "abs", "absolute", "fabs", "power") or (name == "multiply" and twice)):
            return True
    return False


@dataclass
class Slope:
    """The derivative of one quantity with respect to another, element by element."""

    of: str
    at: str
    value: Array
    misplaced: Array  # the same function's derivative, taken at the activation
    y: Array
    z: Array
    named: bool = True  # whether the user has names for both
    activation: bool = True  # rather than a square or a logarithm, whose derivative is a factor like any other

    def is_power(self) -> bool:
        """Return whether the function is a power, whose derivative is a multiple of itself over what it is of."""
        with np.errstate(all="ignore"):
            ratio = self.y / (self.z * self.value)
        return bool(np.all(np.isfinite(ratio))) and bool(np.ptp(ratio) <= 1e-9 * np.max(np.abs(ratio)))

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


class Flows:
    """The gradients of all steps of the forward pass, those without a name too, by which a right intermediate is known.

    Parameters
    ----------
    gradients : iterable of array
    """

    def __init__(self, gradients: Iterable[Array]) -> None:
        self.of_shape: dict[tuple[int, ...], list[Array]] = {}
        self.marks: dict[tuple[int, ...], Array] = {}
        for g in gradients:
            one = self.normal(np.asarray(g, dtype=np.float64))
            if one is not None:
                self.of_shape.setdefault(one.shape, []).append(one)
        for shape, found in self.of_shape.items():
            self.marks[shape] = np.array([self.mark(g) for g in found])

    @staticmethod
    def normal(value: Array) -> Array | None:
        """Return a value without its size and sign; None where it is nothing."""
        if value.size < 2 or not np.all(np.isfinite(value)):
            return None
        size = float(np.sqrt(np.sum(value * value)))
        if not size:
            return None
        one = value / size
        return -one if one.flat[int(np.argmax(np.abs(one)))] < 0 else one

    @staticmethod
    def mark(value: Array) -> float:
        """Return a number by which most values differ."""
        return float(np.sum(np.ravel(value) * np.cos(np.arange(value.size) + 0.5)))

    def __contains__(self, value: object) -> bool:
        """Return whether a value is a multiple of one of them."""
        array = np.asarray(value)
        if array.shape not in self.of_shape:
            return False
        one = self.normal(array)
        if one is None:
            return False
        near = np.flatnonzero(np.abs(self.marks[one.shape] - self.mark(one)) < 1e-7)
        return any(close(one, self.of_shape[one.shape][k]) for k in near)


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
    flows : Flows
        Those of all steps.
    """

    graph: Graph
    names: Mapping[str, Any]
    own: Mapping[str, Array] = field(default_factory=dict)
    gradients: Mapping[str, Array] = field(default_factory=dict)
    flows: Flows = field(default_factory=lambda: Flows(()))

    def __post_init__(self) -> None:
        self.slopes = list(slopes_of(self.graph))
        self.masks = [np.asarray(n.saved[0]) for n in self.graph.inputs.values() if gates(self.graph, n)]
        made = {n: v for n, v in self.names.items() if n not in self.graph.inputs and np.ndim(v)}
        self.gates = [
            np.asarray(v, dtype=np.float64) for v in made.values() if isinstance(v, np.ndarray) and is_mask(v)
        ]
        self.arrays = {
            n: np.asarray(v) for n, v in self.names.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"
        }
        for n, value in self.names.items():
            for k, v in enumerate(value if isinstance(value, list | tuple) else ()):
                if isinstance(v, np.ndarray) and v.dtype.kind == "f":
                    self.arrays[f"{n}[{k}]"] = v
        known = {base_name(n) for n in (*self.graph.names, *self.graph.inputs)}
        self.forward = [v for n, v in self.arrays.items() if base_name(n) in known]
        self.parameters = {
            n: np.asarray(node.saved[0]) for n, node in self.graph.inputs.items() if penalised(self.graph, node)
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
            if s.activation and (close(value, s.value) or close(value, s.value * s.value)):
                return "slope"
        for s in self.slopes:
            if close(s.y * (1 - s.y), s.value) and (close(value, s.y) or close(value, 1 - s.y)):
                return "half slope"
        if any(close(value, g) for g in self.gradients.values()):
            return "gradient"
        if self.is_penalty(value):
            return "penalty"
        return "array"

    def is_penalty(self, value: Array) -> bool:
        """Return whether a term is what a penalty on the quantity brings: a multiple of it, but not just the quantity."""
        value = np.asarray(value, dtype=np.float64)
        for own, parameter in itertools.product(self.own.values(), self.parameters.values()):
            same = np.shape(own) == parameter.shape == value.shape and np.array_equal(own, parameter)
            if same and proportional(value, parameter) and not close(np.abs(value), np.abs(parameter)):
                return True
        return False

    def is_weight_decay(self, value: Array) -> bool:
        """Return whether a term is a multiple of the parameter that the claim is about, penalised or not."""
        value = np.asarray(value, dtype=np.float64)
        inputs = [np.asarray(n.saved[0]) for n in self.graph.inputs.values() if n.dtype.kind == "f"]
        return any(
            proportional(value, own) and not close(np.abs(value), np.abs(own))
            for own in self.own.values()
            if any(np.array_equal(own, x) for x in inputs)
        )

    def is_slope(self, value: Array) -> bool:
        """Return whether a value is the derivative of an activation of the forward pass, up to a constant."""
        return any(s.activation and proportional_to(value, s.value) for s in self.slopes)

    def is_function_of(self, value: Array, derivative: Array) -> bool:
        """Return whether a value is that of a function, or what it is of, where its derivative belongs."""
        return any(
            proportional_to(derivative, s.value)
            and (close(value, s.y) or (s.activation and close(value, s.z)))
            and not s.is_power()
            for s in self.slopes
        )

    def same_form(self, old: Array, new: Array) -> bool:
        """Return whether two values are the same usual derivative, of two quantities."""
        return any(
            any(a.shape == new.shape and close(form(a), new) for a in self.arrays.values())
            and any(b.shape == old.shape and close(form(b), old) for b in self.arrays.values())
            for form in USUAL
        )

    def is_own(self, value: Array) -> bool:
        """Return whether a value is that of a quantity which the claim is about."""
        return any(np.array_equal(value, own) for own in self.own.values())

    def is_softmax(self, value: Array) -> bool:
        """Return whether a value is one of shares of a whole along an axis, as a softmax gives."""
        if not value.ndim or value.size < 2 or np.any(value < 0):  # 0 where a mask has taken entries out
            return False
        return any(np.allclose(value.sum(axis=k), 1, rtol=1e-9) for k in range(value.ndim) if value.shape[k] > 1)

    def is_part_of_gradient(self, value: Array) -> bool:
        """Return whether a number is an entry of the gradient of a quantity."""
        return any(bool(np.any(np.abs(g - value) <= 1e-12 * np.abs(value))) for g in self.gradients.values())

    def is_half_of_product(self, value: Array, derivative: Array) -> bool:
        """Return whether a value is one of the two terms of a product's derivative: q or z q' of (z q(z))'."""
        for s in self.slopes:
            if s.activation and not s.is_power() and close(derivative, s.value):
                with np.errstate(all="ignore"):
                    first = s.y / s.z
                if close(value, first) or close(value, s.value - first):
                    return True
        return False

    def is_bent(self, value: Array) -> bool:
        """Return whether a value is a multiple of the derivative of a function, that of a square excepted."""
        return any(
            proportional_to(value, s.value) and not proportional_to(s.value, s.z) and value.dtype.kind == "f"
            for s in self.slopes
        )

    def is_forward(self, value: Array) -> bool:
        """Return whether a value is that of a quantity of the forward pass."""
        return any(a.shape == value.shape and np.array_equal(a, value) for a in self.forward)

    def is_gradient(self, value: Array) -> bool:
        """Return whether a value is the gradient of a quantity, maybe with another axis."""
        flat = np.squeeze(value)
        return any(close(flat, np.squeeze(g)) for g in self.gradients.values())

    def is_gate(self, value: Array) -> bool:
        """Return whether a value is a mask of the forward pass, rather than a derivative of it."""
        if self.role(value) == "mask":
            return True
        flat = np.squeeze(np.asarray(value, dtype=np.float64))
        return any(self.like_mask(flat, np.squeeze(m)) for m in (*self.masks, *self.gates))

    def between(self, here: Array, there: Array) -> Cause | None:
        """Return which factor lies between two gradients: what was left out, or was there too much."""
        for a, b, missing in ((here, there, True), (there, here, False)):
            with np.errstate(all="ignore"):
                ratio = np.where(a == 0, 0.0, b / a)
            seen = a != 0
            if not np.any(seen) or np.any(b[~seen]):
                continue
            for mask in (*self.masks, *self.gates):
                if (
                    mask.shape == ratio.shape
                    and np.ptp(mask[seen])
                    and self.like_mask(ratio, np.where(seen, mask, 0.0))
                ):
                    return Cause.WRONG_MASK
            for slope in self.slopes:
                if slope.value.shape == ratio.shape and close(np.where(seen, slope.value, 0.0), ratio):
                    if not slope.activation:
                        return Cause.MISSING_FACTOR
                    return Cause.MISSING_ACTIVATION_DERIVATIVE if missing else Cause.EXTRA_ACTIVATION_DERIVATIVE
            for y in self.forward:
                if y.shape == a.shape and missing and self.is_softmax(y):
                    for axis in range(y.ndim):
                        if proportional_to(b, y * (a - np.sum(y * a, axis=axis, keepdims=True))):
                            return Cause.MISSING_ACTIVATION_DERIVATIVE
            for a_ in self.arrays.values():
                if a_.shape == ratio.shape and any(close(ratio, form(a_)) for form in USUAL):
                    return Cause.MISSING_ACTIVATION_DERIVATIVE if missing else Cause.EXTRA_ACTIVATION_DERIVATIVE
        return None

    def is_scalar_slope(self, value: Array) -> bool:
        """Return whether a number is the derivative of an activation in a chain of numbers."""
        v = float(np.asarray(value, dtype=np.float64).reshape(()))
        return any(
            np.size(s.value) == 1
            and s.activation
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
            value, mask = np.squeeze(value), np.squeeze(mask)
            if value.shape != mask.shape or value.size < 2:
                return False
        on, kept = mask != 0, value[value != 0]
        if not kept.size or kept.size == value.size or np.ptp(kept) > 1e-9 * np.max(np.abs(kept)):
            return False
        return bool(np.array_equal(value != 0, on) or np.array_equal(value != 0, ~on))

    def pairs(self) -> set[tuple[str, str]]:
        """Return which names are the pre-activation and the activation of each other, both ways."""
        found = {(s.at, s.of) for s in self.slopes}
        return found | {(b, a) for a, b in found}


def slopes_of(graph: Graph) -> Iterator[Slope]:
    """Yield the derivatives of the elementwise functions between quantities: one for each composed activation.

    They begin at a named quantity, or at what a named one is computed from (`tanh(x @ W)`), and end at named quantities,
    the composed ones through others included (`a * s(a)`), or, where no named one follows, at the steps without a name.
    """
    found = 0
    consumers: dict[Node, list[Node]] = {}
    for node in graph.nodes:
        for parent in dict.fromkeys(node.parents):
            if parent is not None:
                consumers.setdefault(parent, []).append(node)
    for z in graph.nodes:
        if z.dtype.kind != "f" or found > SLOPES_AT_MOST:
            continue
        name = graph.label(z)
        if name is None and (z.primitive.elementwise and z.primitive.name not in ("add", "subtract")):
            continue
        inside: dict[Node, None] = {z: None}
        constant: set[Node] = set()
        program: list[Node] = []
        ends: list[Node] = []
        waiting = list(consumers.get(z, ()))
        seen = set(waiting)
        while waiting:
            node = min(waiting, key=lambda n: n.order)
            waiting.remove(node)
            if node.primitive.constant:
                constant.add(node)
            else:
                alone = all(
                    p is None or p in inside or p in constant or (not p.ndim and p.order < z.order)
                    for p in node.parents
                )
                elementwise = node.primitive.elementwise or node.primitive.name == "where"
                if not (alone and elementwise and node.shape == z.shape and node.dtype.kind == "f"):
                    continue
                inside[node] = None
                if graph.label(node) is not None or (name is not None and len(ends) < 6):
                    ends.append(node)
            program.append(node)
            for n in consumers.get(node, ()):
                if n not in seen:
                    seen.add(n)
                    waiting.append(n)
        if name is None:  # only as what a named quantity is computed from
            ends = [n for n in ends if graph.label(n) is not None][:1]
        elif any(graph.label(n) is not None for n in ends):
            ends = [n for n in ends if graph.label(n) is not None]
        for end in ends:
            slope = slope_between(graph, z, end, [n for n in program if n.order <= end.order])
            if slope is not None:
                found += 1
                yield slope


#: Operations that are no activations when they are the only ones that are not linear.
POWERS = frozenset(["log", "square", "power", "sqrt", "exp", "reciprocal", "divide", "multiply", "log2", "log10"])
LINEAR = frozenset(["add", "subtract", "negative", "positive"])


def is_activation(z: Node, program: Sequence[Node]) -> bool:
    """Return whether a function is an activation, rather than a power, a logarithm or an exponential."""
    inside = {z, *program}
    bent = [
        n.primitive.name
        for n in program
        if n.primitive.name not in LINEAR
        and not (n.primitive.name == "multiply" and len([p for p in n.parents if p in inside]) < 2)
        and not (n.primitive.name == "divide" and n.parents[0] in inside and n.parents[1] not in inside)
    ]
    return not (len(bent) == 1 and bent[0] in POWERS)


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
        direct = f"{y.primitive.name}({graph.label(z)})" if z in y.parents else f"what is made of {graph.label(z)}"
        of = graph.label(y) or direct
        at_name = graph.label(z) or f"what {of} is computed from"
        named = bool(graph.label(y) and graph.label(z))
        exponential = named and all(n.primitive.name in LINEAR or n.primitive.name == "exp" for n in program)
        return Slope(of, at_name, value, at(yv), yv, zv, named, exponential or is_activation(z, program))
    except Exception:  # what cannot be differentiated elementwise is no activation
        return None
