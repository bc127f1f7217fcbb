"""What an edited formula is run with, and what it should give, at one input."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from microgradnp.tape import Node
from microgradnp.tree import transform
from microgradnp.verify.backward import returned_names
from microgradnp.verify.calling import Cache, together, truth
from microgradnp.verify.claims import Claim, is_integer
from microgradnp.verify.meaning import UNNAMED, Flows, Meaning, close
from microgradnp.verify.points import Point
from microgradnp.verify.rewriting import Case

if TYPE_CHECKING:
    from microgradnp.verify.judging import Judge

Function = Callable[..., Any]

#: So many entries of a claim with indices are computed.
ENTRIES = 12


def case_of(judge: Judge, claim: Claim, point: Point, claims: Mapping[str, str]) -> Case | None:
    """Return a claim at one input, ready to be edited; None where there is nothing to compare with.

    Parameters
    ----------
    judge : Judge
    claim : Claim
    point : Point
    claims : dict of str to str
        What the user calls the gradients of quantities.
    """
    truths = {
        a: truth(next(c for c in judge.ordered if c.name == a), point)
        for a in claim.arguments
        if any(c.name == a and c.kind != "backward" for c in judge.derivation.claims)
    }
    environment = {**point.environment, **truths}
    runner = Runner(claim, point, environment)
    claimed = {claim.quantity}
    own: dict[str, Any] = {}
    if claim.kind == "backward":
        names = returned_names(claim, judge.evaluations[0][claim.name].received, judge.point)
        parts = {key: Claim("gradient", q, key, claim.function) for key, q in names.items()}
        for part in parts.values():
            part.settle(point.graph.names)
        claimed = {part.quantity for part in parts.values()}
        right = {key: np.asarray(truth(part, point)) for key, part in parts.items() if not part.letters}
        own = {key: np.asarray(point.environment[part.quantity]) for key, part in parts.items()}
    else:
        right = {"": np.asarray(truth(claim, point), dtype=np.float64)}
        own = {"": np.asarray(point.environment[claim.quantity])}
    hidden, words = hidden_names(point, claim, claims, claimed, list(right.values()))
    if claim.letters:
        right = {"": right[""][runner.chosen] if runner.chosen is not None else right[""]}
    meaning = Meaning(point.graph, environment, own, gradients_of(point), Flows(point.gradients.values()))
    written = {
        f"{float(x):g}": x
        for n in point.graph.nodes
        for p, x in point.graph.operands(n)
        if p is None and np.ndim(x) == 0
    }
    given = dict(point.given)
    if not any(np.ndim(x) for x in own.values()):  # in a chain of numbers they are quantities, no constants
        given = {n: v for n, v in given.items() if n not in point.graph.inputs}
    known = {**written, **given, **point.graph.constants}
    sizes = {n: v for n, v in point.environment.items() if isinstance(v, np.ndarray)}
    usable: dict[str, Any] = {**environment, **hidden}
    if "cache" in runner.arguments and "cache" not in usable:
        usable["cache"] = Cache(dict(environment))
    return Case(runner, right, usable, words, meaning, {**sizes, **known})


def gradients_of(point: Point) -> dict[str, Any]:
    """Return the true gradients of the named quantities."""
    return {
        name: point.gradient(name)
        for name, node in point.graph.names.items()
        if node.dtype.kind == "f" and node in point.gradients and point.graph.label(node) == name
    }


def hidden_names(
    point: Point, claim: Claim, claims: Mapping[str, str], claimed: Collection[str], right: Sequence[Any] = ()
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return values that the user has no name for: slopes, gradients, terms; and what to call them.

    The true gradients of what is claimed are none of them, nor those equal to them but for the sign, the order or the
    shape: that a wrong value should be the right one explains nothing.
    """
    values: dict[str, Any] = {}
    words: dict[str, str] = {}
    meaning = Meaning(point.graph, {})
    for k, slope in enumerate(meaning.slopes):
        values[f"_slope{k}"] = slope.value[()]
        words[f"_slope{k}"] = slope.written()
    for k, (name, gradient) in enumerate(gradients_of(point).items()):
        told = name in claimed or any(same_numbers(gradient, r) for r in right)
        if not told and claim.kind in ("gradient", "backward"):
            values[f"_gradient{k}"] = gradient[()]
            words[f"_gradient{k}"] = claims.get(name, UNNAMED + name)
    if claim.kind == "gradient" and not claim.indices:
        parts = contributions(point, point.graph.names[claim.quantity])
    elif claim.kind == "backward":  # of the quantities where paths meet, which its variables are about
        meeting = [n for name, n in point.graph.names.items() if point.graph.label(n) == name and n.dtype.kind == "f"]
        parts = [part for n in meeting for part in several(contributions(point, n))]
    else:
        parts = []
    for k, (value, said) in enumerate(parts):
        values[f"_term{k}"], words[f"_term{k}"] = value, said
    return values, words


def same_numbers(a: Any, b: Any) -> bool:
    """Return whether two arrays hold the same numbers, but for the sign, a transpose or the shape."""
    a, b = np.asarray(a), np.asarray(b)
    if a.size != b.size or b.dtype.kind != "f":
        return False
    turned = (np.ravel(a), np.ravel(a.T))
    return any(close(x, np.ravel(b)) or close(-x, np.ravel(b)) for x in turned)


def several(parts: list[tuple[Any, str]]) -> list[tuple[Any, str]]:
    """Return the contributions to a sum; none where there is only one."""
    return parts if len(parts) > 1 else []


def contributions(point: Point, node: Node) -> list[tuple[Any, str]]:
    """Return what each consumer of a quantity passes back to it, with what to call it."""
    found = []
    for consumer in point.graph.nodes:
        upstream = point.gradients.get(consumer) if node in consumer.parents else None
        if upstream is None:
            continue
        y, *xs = consumer.saved
        wanted = [p is node for p in consumer.parents]
        with np.errstate(all="ignore"):
            pulled = consumer.primitive.pull(upstream, y, xs, wanted, consumer.params or {})
        parts = [np.asarray(g) for g, w in zip(pulled, wanted, strict=True) if w and g is not None]
        if parts and all(p.shape == node.shape for p in parts):
            through = point.graph.label(consumer) or consumer.primitive.name
            found.append((np.sum(parts, axis=0), f"what reaches {point.graph.label(node)} through {through}"))
    return found


class Runner:
    """Runs a claim's function, maybe edited, on what it is given at one input.

    Parameters
    ----------
    claim : Claim
    point : Point
    environment : dict
        Everything it could be given, by name.
    """

    def __init__(self, claim: Claim, point: Point, environment: Mapping[str, Any]) -> None:
        self.claim = claim
        names = [
            a for a in (environment if claim.open else claim.arguments) if a in environment and a not in claim.indices
        ]
        self.arguments = {a: environment[a] for a in names if a.isidentifier()}
        if claim.kind == "backward" and "cache" in claim.arguments and "cache" not in environment:
            self.arguments["cache"] = dict(environment)
        self.locked = transform(locked, self.arguments)
        self.mutates = False
        self.chosen: tuple[Any, ...] | None = None
        if claim.letters:
            shape = [
                n
                for i, n in zip(claim.indices, point.graph.names[claim.quantity].shape, strict=True)
                if i.isidentifier()
            ]
            self.entries = list(np.ndindex(*shape))
            if len(self.entries) > ENTRIES:
                chosen = np.random.default_rng(0).choice(len(self.entries), ENTRIES, replace=False)
                self.entries = [self.entries[k] for k in sorted(chosen)]
            left = iter(np.array(self.entries).T)
            self.chosen = tuple(
                next(left) if i.isidentifier() else slice(None) for i in claim.indices if not is_integer(i)
            )

    def __call__(self, function: Function) -> dict[str, Any]:
        """Return what the function gives, by output."""
        if not self.mutates:
            try:
                return self.ran(function, self.locked)
            except ValueError as error:
                if "read-only" not in str(error) and "assignment destination" not in str(error):
                    raise
                self.mutates = True
        return self.ran(function, transform(lambda x: x.copy() if isinstance(x, np.ndarray) else x, self.arguments))

    def ran(self, function: Function, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call the function."""
        claim = self.claim
        if claim.letters:
            rows = []
            for entry in self.entries:
                index = dict(zip(claim.letters, (int(i) for i in entry), strict=True))
                rows.append(
                    np.asarray(function(**arguments, **{i: v for i, v in index.items() if i in claim.arguments}))
                )
            result = np.stack(rows)
            if self.chosen is not None and any(isinstance(c, slice) for c in self.chosen[:1]):
                result = np.moveaxis(result, 0, -1)
            return {"": result}
        if "cache" in arguments and claim.kind == "backward":
            arguments = {**arguments, "cache": Cache(arguments["cache"])}
        value = function(**arguments)
        if claim.kind == "backward":
            if isinstance(value, Mapping):
                return {str(k): v for k, v in value.items()}
            if isinstance(value, tuple | list):
                return dict(zip(claim.wrt or (), value, strict=True))
            return {next(iter(claim.wrt or ("",))): value}
        if claim.kind == "update" and isinstance(value, tuple | list | dict):
            return {"": together(value)}
        return {"": value}


def locked(x: Any) -> Any:
    """Return an array that cannot be changed."""
    if isinstance(x, np.ndarray):
        x = x.view()
        x.flags.writeable = False
    return x
