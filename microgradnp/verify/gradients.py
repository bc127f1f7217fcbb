"""Autodiff checked against differences, for any function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgradnp import tree
from microgradnp.graph import trace
from microgradnp.tensor import Tensor
from microgradnp.transforms import grad, parameter_names, vjp
from microgradnp.verify.differences import Kind
from microgradnp.verify.judgement import (
    Status,
    Witness,
    beside,
    conflict,
    finite_gap,
    largest_error,
    rounding_of,
    tolerance_of,
)
from microgradnp.verify.rounding import ROUNDINGS, gradients_rounded, noise_of, rounded

Function = Callable[..., Any]

#: Entries of one input that are measured one by one; of a larger one a sample, and random directions through all.
BUDGET = 400


class WrongGradient(AssertionError):
    """A gradient disagrees with differences."""


@dataclass
class InputCheck:
    """What is known of the gradient with respect to one input.

    Attributes
    ----------
    name : str
        The parameter's name, with the path inside a container.
    status : Status
        correct, wrong, kink (between the one-sided derivatives), or unverifiable.
    index : tuple of int or None
        The entry that disagrees most.
    autodiff, differences : float
        Both values there.
    error : float
        The largest disagreement, relative to the gradient's largest entry.
    wrong, measured, size : int
        How many entries disagree, were measured, and there are.
    explanation : str
    """

    name: str
    status: Status
    index: tuple[int, ...] | None
    autodiff: float
    differences: float
    error: float
    wrong: int
    measured: int
    size: int
    explanation: str = ""

    def sentence(self) -> str:
        """Return the outcome in one sentence."""
        text = f"{self.name}: {self.status}"
        if self.status is Status.WRONG:
            where = f"[{', '.join(map(str, self.index))}]" if self.index else ""
            text += (
                f": {self.wrong} of {self.measured} entries disagree, most at {self.name}{where}: autodiff "
                f"{self.autodiff:.10g}, differences {self.differences:.10g}, relative error {self.error:.1e}"
            )
        if self.explanation:
            text += f": {self.explanation}"
        return text


@dataclass
class GradientReport:
    """The outcome of `check_gradients`, input by input. Indexed by the input's name or position."""

    function: str
    order: int
    checks: list[InputCheck]

    @property
    def ok(self) -> bool:
        """Whether every gradient agrees with differences, or lies between the one-sided derivatives at a kink."""
        return all(c.status in (Status.CORRECT, Status.KINK) for c in self.checks)

    def __bool__(self) -> bool:
        return self.ok

    def __getitem__(self, key: str | int) -> InputCheck:
        if isinstance(key, int):
            return self.checks[key]
        for check in self.checks:
            if check.name == key:
                return check
        raise KeyError(f"no input {key!r}; there are {', '.join(c.name for c in self.checks)}")

    def __iter__(self) -> Iterator[InputCheck]:
        return iter(self.checks)

    def raise_if_wrong(self) -> None:
        """Raise an AssertionError that says which gradient is wrong, where, and by how much."""
        if not self.ok:
            raise WrongGradient(str(self))

    def __str__(self) -> str:
        what = "gradients" if self.order == 1 else f"derivatives of order {self.order}"
        head = f"{what} of {self.function}: " + ("no errors found" if self.ok else "not confirmed by differences")
        return "\n".join([head, *(f"  {c.sentence()}" for c in self.checks)])


def check_gradients(
    f: Function,
    *args: Any,
    order: int = 1,
    argnums: Sequence[int] | int | None = None,
    tolerance: float = 1e-7,
    seed: int = 0,
    budget: int = BUDGET,
    **kwargs: Any,
) -> GradientReport:
    """Check the gradients of a function against differences.

    Differences run the function on plain arrays. Kinks are told from mistakes: there, any value between the one-sided
    derivatives is right.

    Parameters
    ----------
    f : callable
        Any real output: results that are not one number are summed with random weights.
    *args
        Its arguments: arrays, floats, or trees of them. Integers and other objects are not differentiated.
    order : int
        1 checks the gradient; 2 checks its derivative along a random direction too, and so on.
    argnums : int or sequence of int, optional
        Which arguments to check. By default all that hold floating point numbers.
    tolerance : float
        Relative difference that still counts as equal, besides the errors of both sides.
    seed : int
        Of the random weights and directions.
    budget : int
        How many entries of one argument are measured one by one. Larger arguments are sampled, and also measured along
        random directions through all of their entries.
    **kwargs
        Handed to f.

    Returns
    -------
    GradientReport

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> print(mg.check_gradients(lambda x: np.sum(np.abs(x) ** 3), np.array([-1.0, 0.0, 2.0]), order=2))
    derivatives of order 2 of <lambda>: no errors found
      x: correct
      x (order 2): correct
    """
    if order < 1:
        raise ValueError(f"order={order}: the lowest is 1, the gradient")
    args = tuple(tree.transform(as_reference, a) for a in args)
    names = parameter_names(f)
    if argnums is None:
        positions = [i for i, a in enumerate(args) if any(differentiable(leaf) for _, leaf in tree.flatten(a))]
    else:
        positions = [argnums] if isinstance(argnums, int) else list(argnums)
    if not positions:
        raise TypeError(
            "check_gradients found no argument of floating point numbers to differentiate; pass float arrays"
        )
    leaves: list[tuple[str, Any]] = []
    for i in positions:
        label = names[i] if i < len(names) else f"argument {i}"
        leaves += [(label + path, leaf) for path, leaf in tree.flatten(args[i])]
    chosen = [k for k, (_, leaf) in enumerate(leaves) if differentiable(leaf)]

    def rebuilt(values: Sequence[Any]) -> list[Any]:
        """Return the arguments with other values for the leaves that are checked."""
        everything = [leaf for _, leaf in leaves]
        for k, value in zip(chosen, values, strict=True):
            everything[k] = value
        rest = iter(everything)
        new = list(args)
        for i in positions:
            new[i] = tree.transform(lambda _: next(rest), args[i])
        return new

    rng = np.random.default_rng(seed)
    point = [np.asarray(leaves[k][1], dtype=np.float64) for k in chosen]
    labels = [leaves[k][0] for k in chosen]

    def function(*values: Any) -> Any:
        return f(*rebuilt(values), **kwargs)

    scalar = weighted(function, point, rng)
    checks = check_one(scalar, point, labels, rng, tolerance, budget)
    for n in range(2, order + 1):
        at_kink = any(c.status is Status.KINK for c in checks)
        scalar = directional_gradient(scalar, point, rng)
        checks += check_one(
            scalar, point, [f"{label} (order {n})" for label in labels], rng, tolerance, budget, at_kink
        )
    return GradientReport(getattr(f, "__name__", type(f).__name__), order, checks)


def as_reference(leaf: Any) -> Any:
    """Return an argument in double precision, in which everything is judged."""
    if isinstance(leaf, Tensor):
        leaf = np.array(leaf._value)
    if isinstance(leaf, np.ndarray | np.generic) and leaf.dtype.kind == "f":
        return np.array(leaf, dtype=np.float64)[()]
    return leaf


def differentiable(leaf: Any) -> bool:
    """Return whether an argument is an array or a number of floating point."""
    return isinstance(leaf, float) or (isinstance(leaf, np.ndarray | np.generic) and leaf.dtype.kind == "f")


def weighted(function: Function, point: Sequence[Any], rng: np.random.Generator) -> Function:
    """Return a function that sums all outputs with fixed random weights: a cotangent of ones would hide mistakes."""
    with np.errstate(all="ignore"):
        result = function(*(scalar_of(p.copy()) for p in point))
    outputs = [np.asarray(y) for _, y in tree.flatten(result)]
    if not outputs:
        raise TypeError("the function returned nothing to differentiate")
    if any(y.dtype.kind not in "biuf" for y in outputs):
        kinds = ", ".join(str(y.dtype) for y in outputs)
        raise TypeError(f"the function returned {kinds}; check_gradients wants real numbers (np.real, np.imag, np.abs)")
    weights = [np.asarray(1.0) if y.size == 1 and len(outputs) == 1 else rng.standard_normal(y.shape) for y in outputs]

    def scalar(*values: Any) -> Any:
        ys = [y for _, y in tree.flatten(function(*values))]
        total: Any = 0.0
        for w, y in zip(weights, ys, strict=True):
            total = total + np.sum(y * w.reshape(np.shape(y)))
        return total

    return scalar


def scalar_of(x: Any) -> Any:
    """Return a 0-d array as a scalar."""
    return x[()] if np.ndim(x) == 0 else x


def directional_gradient(scalar: Function, point: Sequence[Any], rng: np.random.Generator) -> Function:
    """Return the derivative of a function along a fixed random direction, as a function."""
    everything = tuple(range(len(point)))
    directions = [rng.standard_normal(p.shape) for p in point]
    gradient = grad(scalar, everything)

    def along(*values: Any) -> Any:
        total: Any = 0.0
        for g, v in zip(gradient(*values), directions, strict=True):
            total = total + np.sum(g * v)
        return total

    return along


def check_one(
    scalar: Function,
    point: Sequence[Any],
    labels: Sequence[str],
    rng: np.random.Generator,
    tolerance: float,
    budget: int,
    at_kink: bool = False,
) -> list[InputCheck]:
    """Check the gradient of a function of several arrays, array by array.

    The function may be a derivative of one that has a kink at the point; it jumps then.
    """

    def gradients(at: Sequence[Any]) -> list[Any]:
        with np.errstate(all="ignore"):
            y, pull = vjp(scalar, *(scalar_of(p) for p in at))
            return [np.asarray(g, dtype=np.float64) for g in pull(np.ones(np.shape(y), np.float64))]

    true = gradients(point)
    spreads, noise = rounding_of_gradients(scalar, point, true, rng)
    checks = []
    for k, (label, g) in enumerate(zip(labels, true, strict=True)):

        def loss(value: Any, k: int = k) -> Any:
            changed = [value if j == k else p for j, p in enumerate(point)]
            y = scalar(*(scalar_of(p) for p in changed))
            return y.item() if isinstance(y, Tensor) else y

        witness = Witness.of(loss, point[k], budget, rng, noise)
        checks.append(judged(label, g, tolerance_of(g, spreads[k], tolerance), witness, gradients, point, k, at_kink))
    return checks


def rounding_of_gradients(
    scalar: Function, point: Sequence[Any], true: Sequence[Any], rng: np.random.Generator
) -> tuple[list[Any], float]:
    """Return how far the gradients, and the function, move when every number on the way is one rounding off."""
    with np.errstate(all="ignore"):
        graph = trace(scalar, *(scalar_of(p) for p in point))
    if not graph.outputs:  # a constant
        return [np.zeros(g.shape) for g in true], 0.0
    moves: list[list[tuple[float, Any]]] = [[] for _ in point]
    for units in ROUNDINGS:
        seed = int(rng.integers(2**62))
        for signed in (seed, ~seed):
            other, new = rounded(graph, signed, units)
            with np.errstate(all="ignore"):
                found = gradients_rounded(other, new[graph.outputs[0]], signed, units)
            for k, node in enumerate(graph.inputs.values()):
                moves[k].append((units, finite_gap(found.get(new[node], 0.0), true[k])))
    spreads = [np.broadcast_to(rounding_of(m, g), g.shape) for m, g in zip(moves, true, strict=True)]
    return spreads, noise_of(graph, graph.outputs[0], rng)


def judged(
    label: str,
    g: Any,
    tolerance: Any,
    witness: Witness,
    gradients: Function,
    point: Sequence[Any],
    k: int,
    at_kink: bool,
) -> InputCheck:
    """Compare one gradient with its witness."""
    if not witness.complete:
        witness.locate(g, tolerance)
    known, off = witness.known(), witness.off(g, tolerance)
    wrong = known & (off > 0)
    values = witness.at(g)
    at = int(np.argmax(np.where(known, np.abs(values - witness.slopes.value), -1.0))) if values.size else None
    check = InputCheck(
        label,
        Status.CORRECT,
        witness.entries[at] if at is not None else None,
        float(values[at]) if at is not None else float("nan"),
        float(witness.slopes.value[at]) if at is not None else float("nan"),
        largest_error(values[known], np.asarray(witness.slopes.value[known])) if np.any(known) else 0.0,
        int(np.sum(wrong)),
        len(values),
        g.size,
    )
    if not np.all(np.isfinite(g)):
        check.status = Status.UNVERIFIABLE
        check.explanation = f"autodiff gives {int(np.sum(~np.isfinite(g)))} of {g.size} entries that are not finite"
        return check
    if np.any(wrong) and crosses_kink(gradients, point, k, witness, tolerance):
        check.status = Status.KINK
        check.explanation = "differs from differences only because of the conventions at a kink exactly at this point"
        return check
    if np.any(wrong):
        check.status = Status.WRONG
        return check
    broken = np.isin(witness.slopes.kind.astype(str), [Kind.JUMP.value, Kind.CUSP.value])
    if at_kink and np.any(broken) and np.all(known | broken):
        check.status = Status.KINK
        check.explanation = (
            f"at {int(np.sum(broken))} entries the derivative jumps, because the function has a kink there"
        )
        return check
    doubt = conflict(g, tolerance, witness)
    if doubt:
        check.status = Status.UNVERIFIABLE if "cannot tell" in doubt else Status.WRONG
        check.explanation = doubt
        return check
    kinks = witness.slopes.kind == Kind.KINK
    if np.any(kinks):
        check.status = Status.KINK
        check.error = largest_error(values[known & ~kinks], np.asarray(witness.slopes.value[known & ~kinks]))
        check.explanation = (
            f"at {int(np.sum(kinks))} entries, where the gradient lies between the one-sided derivatives"
        )
    notes = [check.explanation] if check.explanation else []
    if not np.all(known):
        notes.append(f"{int(np.sum(~known))} of {len(values)} entries could not be measured")
        if np.sum(~known) > len(values) / 2:
            check.status = Status.UNVERIFIABLE
    if not witness.complete:
        notes.append(
            f"{len(values)} of {g.size} entries measured, and {len(witness.directions)} directions through all"
        )
    check.explanation = "; ".join(notes)
    return check


def crosses_kink(gradients: Function, point: Sequence[Any], k: int, witness: Witness, tolerance: Any) -> bool:
    """Return whether a disagreement is one of conventions: it vanishes at all points near by.

    Where two kinks cancel (relu(x) - max(x, 0)), the function is smooth and each convention is right by itself, but
    their sum is not. A mistake does not vanish a step away.
    """
    rng = np.random.default_rng(1)
    slopes = witness.slopes
    for _ in range(4):
        near = [beside(p, rng) for p in point]
        g = witness.at(gradients(near)[k])
        smooth = slopes.kind == Kind.SMOOTH
        allowed = 2 * slopes.error + witness.at(tolerance) + 1e-8 * np.max(np.abs(slopes.value[smooth]), initial=0.0)
        if np.any(smooth & ~(np.abs(g - slopes.value) <= allowed)):
            return False
    return True
