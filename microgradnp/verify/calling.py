"""What the claims give: every formula called with its arguments by name, on received and on true values."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from microgradnp import tree
from microgradnp.verify.backward import Run
from microgradnp.verify.claims import Claim, DerivationError, Function, is_integer, listed
from microgradnp.verify.guard import TooSlow, printed_note, quietly, time_limit
from microgradnp.verify.inputs import copied, plain_value, unchanged
from microgradnp.verify.judgement import numbers_of
from microgradnp.verify.points import Point
from microgradnp.verify.updates import OptimizerRule


class WrongShape(Exception):
    """A formula for an element returned something else."""


@dataclass
class Outcome:
    """What a claim gave at one point: on the values that it really received, and on the true ones."""

    received: Any = None
    true: Any = None
    failure: str = ""
    misshapen: str = ""
    right: bool = False  # could be computed on true values
    notes: list[str] = field(default_factory=list)
    run: Run | None = None  # of a backward function


def evaluate(
    claims: Sequence[Claim], point: Point, off: Callable[[Function], Function] = lambda function: function
) -> dict[str, Outcome]:
    """Compute every claim at a point, twice: with the other claims as they are, and with the truth in their place.

    `off` changes how the formulas compute.
    """
    outcomes: dict[str, Outcome] = {}
    by_name = {claim.name: claim for claim in claims}
    for claim in claims:
        outcome = outcomes[claim.name] = Outcome()
        if claim.kind == "backward":
            # other claims that it takes are judged by themselves: it is given the truth in their place
            used = {a: truth(by_name[a], point) for a in claim.arguments if a in by_name}
            outcome.received = outcome.true = called(claim, point, used, outcome, off)
            outcome.run = Run(claim, point, *call_of(claim, {**point.environment, **used}))
            continue
        received = {a: point.blurred(outcomes[a].received) for a in claim.arguments if a in outcomes}
        truths = {a: truth(by_name[a], point) for a in received}
        missing = [a for a in received if outcomes[a].received is None]
        if not missing:
            outcome.received = called(claim, point, received, outcome, off)
            outcome.true = outcome.received
        if received:
            alone = Outcome()
            outcome.true = called(claim, point, truths, alone, off)
            outcome.right = not (alone.failure or alone.misshapen)
            if missing:
                outcome.received, outcome.failure, outcome.misshapen = outcome.true, alone.failure, alone.misshapen
                outcome.notes += [
                    *alone.notes,
                    f"judged on true values: {', '.join(missing)} could not be computed",
                ]
    return outcomes


def called(
    claim: Claim,
    point: Point,
    claims: Mapping[str, Any],
    outcome: Outcome,
    off: Callable[[Function], Function],
) -> Any:
    """Call a formula with its arguments by name; what goes wrong inside is told, not raised."""
    environment = {**point.environment, **claims}
    if claim.kind == "update":
        environment = {**driving(claim, point, point.gradient(claim.quantity)), **environment}
    function, handed = call_of(claim, environment)
    handed = {a: tree.transform(copied, value) for a, value in handed.items()}
    arguments = dict(handed)
    try:
        with np.errstate(all="ignore"), quietly() as printed, time_limit(point.time_limit):
            formula = off(function)
            value = over_indices(claim, point, formula, arguments) if claim.letters else formula(**arguments)
    except WrongShape as error:
        outcome.misshapen = str(error)
        return None
    except (Exception, SystemExit) as error:
        outcome.failure = failure_of(error, claim)
        return None
    if printed.getvalue().strip():
        outcome.notes.append(printed_note(claim.name, printed.getvalue()))
    if claim.kind == "update":
        claim.results = results_of(value, np.shape(environment[claim.quantity]))
        if isinstance(claim.rule, OptimizerRule):
            claim.rule.count(value, environment)
            if isinstance(value, dict):
                claim.results = claim.rule.positions(value, claim.quantity)
        value = together(value)
    handed |= handed.pop("cache", {}) if "cache" not in environment else {}
    changed = [a for a in handed if not unchanged(handed[a], environment[a])]
    if changed:
        note = f"{claim.name} changes {', '.join(changed)} in place: whoever uses it afterwards gets another value"
        if note not in outcome.notes:
            outcome.notes.append(note)
    return value


def call_of(claim: Claim, environment: Mapping[str, Any]) -> tuple[Function, dict[str, Any]]:
    """Return what to call for a claim, and with which arguments out of the environment."""
    names = [a for a in (environment if claim.open else claim.arguments) if a in environment and a not in claim.indices]
    arguments = {a: environment[a] for a in names if a.isidentifier()}
    if claim.kind == "backward" and "cache" in claim.arguments and "cache" not in environment:
        return with_cache(claim.function), {**arguments, "cache": dict(environment)}
    return claim.function, arguments


def over_indices(claim: Claim, point: Point, formula: Function, arguments: dict[str, Any]) -> Any:
    """Evaluate a claim about one element (or row) for every value of its indices."""
    shape = point.graph.names[claim.quantity].shape
    left = [(i, n) for i, n in zip(claim.indices, shape, strict=True) if not is_integer(i)]
    result = np.full([n for _, n in left], np.nan)
    for values in np.ndindex(*(n for i, n in left if i != ":")):
        chosen = dict(zip(claim.letters, (int(v) for v in values), strict=True))
        known = {i: v for i, v in chosen.items() if i in claim.arguments or claim.open}
        where = tuple(slice(None) if i == ":" else chosen[i] for i, _ in left)
        piece = np.asarray(formula(**arguments, **known))
        if piece.shape != result[where].shape:
            at = ", ".join(f"{i} = {v}" for i, v in chosen.items())
            raise WrongShape(f"at {at} it returned shape {piece.shape}, but {claim.of} has shape {result[where].shape}")
        result[where] = piece
    return result[()]


def together(value: Any) -> Any:
    """Return an update of a parameter and its state, a tuple, as one array."""
    parts = [np.ravel(part) for _, part in tree.flatten(value)]
    return np.concatenate(parts) if isinstance(value, tuple | list | dict) and parts else value


def results_of(value: Any, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return which results of its rule an update returned: the first of them, as many as its tuple has; () for no tuple."""
    if isinstance(value, dict):
        return None
    several = isinstance(value, tuple) or (isinstance(value, list) and bool(value) and np.ndim(value[0]) == len(shape))
    numbers = shape and several and all(np.ndim(x) == 0 for x in value)  # one vector, as a tuple of its entries
    return tuple(range(len(value))) if several and not numbers else ()


class Cache(Mapping[str, Any]):
    """What a backward function is given: every quantity of the forward pass, as attribute and as item."""

    def __init__(self, quantities: Mapping[str, Any]) -> None:
        self.__dict__.update(quantities)

    def __getitem__(self, name: str) -> Any:
        try:
            return self.__dict__[name]
        except KeyError:
            raise KeyError(f"{name!r} is no quantity of the forward pass; it has {listed(self.__dict__)}") from None

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the cache has no {name!r}; it has {listed(self.__dict__)}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise TypeError("the cache is read-only: it holds what the forward pass computed")

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)


def with_cache(function: Function) -> Function:
    """Return a backward function that takes the cache as a dict."""
    return lambda cache, **rest: function(cache=Cache(cache), **rest)


def failure_of(error: BaseException, claim: Claim) -> str:
    """Say what a formula raised, with the file's own line."""
    return failure_in(error, claim.function, claim.name)


def failure_in(error: BaseException, function: Function, name: str) -> str:
    """Say what a function raised, with the file's own line."""
    own = [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if "microgradnp" not in f.filename.replace("\\", "/").split("/")[-3:-1]
    ]
    user = [f for f in own if f.filename == function.__code__.co_filename] if hasattr(function, "__code__") else own
    where = f" at line {user[-1].lineno} of {user[-1].filename}: {user[-1].line}" if user else ""
    if isinstance(error, TooSlow):
        return f"{name} hangs: {error}{where}"
    return f"{name} raised {type(error).__name__}: {error}{where}"


def truth(claim: Claim, point: Point) -> Any:
    """Return what a claim should give."""
    if claim.kind == "gradient":
        return plain_value(point.gradient(claim.quantity)[claim.where])
    if claim.kind == "value":
        return plain_value(np.asarray(point.environment[claim.quantity])[claim.where])
    return updated(claim, point, point.gradient(claim.quantity))


def driving(claim: Claim, point: Point, gradient: Any) -> dict[str, Any]:
    """Return what drives an update, by the names under which rules and formulas know it."""
    return {"gradient": plain_value(gradient), "parameter": point.environment[claim.quantity]}


def selected(claim: Claim, value: Any) -> Any:
    """Return those results of a rule that the hand-written update returns, together as one array."""
    if isinstance(value, tuple) and claim.results is not None:
        value = tuple(value[i] for i in claim.results if i < len(value)) if claim.results else value[0]
    return numbers_of(together(value))


def updated(claim: Claim, point: Point, gradient: Any) -> Any:
    """Return the right update for a gradient."""
    environment = {**point.environment, **driving(claim, point, gradient)}
    parameters = inspect.signature(claim.rule).parameters
    missing = [n for n, p in parameters.items() if p.default is p.empty and n not in environment]
    if missing:
        raise DerivationError(
            f"the rule of {claim.name} takes {', '.join(missing)}, which nobody provides; pass it to verify()"
        )
    if isinstance(claim.rule, OptimizerRule):
        known = {*parameters, *point.graph.names}
        others = [a for a in claim.arguments if a in point.environment and a not in known]
        claim.rule.check_names(claim.name, others, environment)
    try:
        with np.errstate(all="ignore"):
            value = selected(claim, claim.rule(**{n: copied(environment[n]) for n in parameters if n in environment}))
    except Exception as error:
        raise DerivationError(f"the rule of {claim.name} raised {type(error).__name__}: {error}") from error
    if value is None:
        raise DerivationError(
            f"the rule of {claim.name} returned no numbers: it must return the updated {claim.quantity}"
        )
    return value
