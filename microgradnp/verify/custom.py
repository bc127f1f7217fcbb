"""The rules of a user's own primitive, checked: against differences, autodiff of the function, and each other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from microgradnp.explain import describe
from microgradnp.transforms import UserPrimitive
from microgradnp.verify.calling import failure_in
from microgradnp.verify.claims import source_of
from microgradnp.verify.gradients import check_gradients
from microgradnp.verify.inputs import copied, reference
from microgradnp.verify.judgement import TOLERANCE, Cause, Status
from microgradnp.verify.report import Report, Verdict
from microgradnp.verify.rules import check_rule

Array = Any

#: A forward rule is run once for each entry of an operand.
MOST = 2000

#: How exactly two rules must be transposes of each other.
TRANSPOSES = 1e-9


def check_primitive(
    p: UserPrimitive, *args: Any, seed: int = 0, tolerance: float | None = None, **params: Any
) -> Report:
    """Check the rules of a primitive at some arguments. See `UserPrimitive.check`.

    Raises
    ------
    NotImplementedError
        If the primitive has no rules.
    TypeError
        If arguments are missing, or an operand is complex.
    """
    if not p.has_rules:
        raise NotImplementedError(f"{p.name} has no derivative rule to check: define one with {p.name}.defvjp(...)")
    operands, keywords = separated(p, args, params)

    def function(*xs: Any) -> Any:
        return p.__wrapped__(*xs, **keywords)  # type: ignore[attr-defined]

    function.argument_names = p.operands  # type: ignore[attr-defined]
    function.__name__ = p.name
    wanted = [n for n, x in zip(p.operands, operands, strict=True) if np.asarray(x).dtype.kind == "f"]
    verdicts: list[Verdict] = []
    made: Report | None = None
    for kind, rules in (("reverse", p.vjps), ("forward", p.jvps)):
        if all(rule is None for rule in rules):
            continue
        backward = (
            reverse_rules(function, rules, keywords) if kind == "reverse" else forward_rules(function, rules, keywords)
        )
        backward.__name__ = f"{kind} rule"
        made = check_rule(function, backward, *operands, tolerance=tolerance or TOLERANCE, seed=seed, wrt=wanted)
        for verdict in made.verdicts:
            rule = rules[p.operands.index(verdict.of)] if verdict.of in p.operands else None
            verdict.formula = source_of(rule) if rule is not None else ""
            if verdict.ok and rule is not None:
                at = p.operands.index(verdict.of)
                if kind == "forward":
                    judge_linear(verdict, rule, at, function, operands, keywords, seed)
                judge_second(verdict, rule, kind, at, p, operands, keywords, seed)
        verdicts += made.verdicts
    judge_transposes(verdicts, p, function, operands, keywords, seed)
    assert made is not None
    return Report(f"rules of {p.name}", verdicts, made.graph, made.loss)


def separated(p: UserPrimitive, args: Sequence[Any], params: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Split the arguments of a call into operands, in float64, and keywords."""
    names = [name for name, kind, _ in p.parameters if kind.name != "KEYWORD_ONLY"]
    if len(args) > len(names):
        raise TypeError(f"{p.name} takes {len(names)} positional arguments, {len(args)} were given to check")
    given = dict(zip(names, args, strict=False)) | params
    missing = [name for name in p.operands if name not in given]
    if missing:
        raise TypeError(f"{p.name}.check wants the operands {', '.join(p.operands)}; {', '.join(missing)} is missing")
    operands = [reference(given.pop(name)) for name in p.operands]
    for name, x in zip(p.operands, operands, strict=True):
        if np.asarray(x).dtype.kind == "c":
            raise TypeError(f"{p.name}.check is for real operands, {name} ({describe(x)}) is complex")
    return operands, given


def reverse_rules(function: Callable[..., Any], rules: Sequence[Any], keywords: dict[str, Any]) -> Callable[..., Any]:
    """Return a whole backward function of reverse rules. None is a derivative of zero."""

    def backward(g: Array, *xs: Array) -> list[Array]:
        y = value_of(function, xs)
        return [
            np.zeros(np.shape(x)) if rule is None else rule(g, y, *xs, **keywords)
            for rule, x in zip(rules, xs, strict=True)
        ]

    return backward


def forward_rules(function: Callable[..., Any], rules: Sequence[Any], keywords: dict[str, Any]) -> Callable[..., Any]:
    """Return the backward function that forward rules imply: for each entry of an operand its tangent, times g."""

    def backward(g: Array, *xs: Array) -> list[Array]:
        y = value_of(function, xs)
        found = []
        for rule, x in zip(rules, xs, strict=True):
            if rule is None or np.asarray(x).dtype.kind != "f":
                found.append(np.zeros(np.shape(x)))
                continue
            if np.size(x) > MOST:
                raise ValueError(
                    f"a forward rule is run for each entry: check it at arguments of at most {MOST} elements"
                )
            gradient = np.zeros(np.shape(x))
            for index in np.ndindex(np.shape(x)):
                dy = rule(basis(x, index), y, *xs, **keywords)
                if np.shape(dy) != np.shape(y):
                    raise ValueError(
                        f"the forward rule returned a tangent of shape {np.shape(dy)} for a result of {np.shape(y)}"
                    )
                gradient[index] = np.sum(g * dy)
            found.append(gradient[()])
        return found

    return backward


def value_of(function: Callable[..., Any], xs: Sequence[Array]) -> Array:
    """Return the result as a rule gets it."""
    y = np.asarray(function(*map(copied, xs)))
    return y[()]


def basis(x: Array, index: tuple[int, ...]) -> Array:
    """Return a tangent that is 1 at one entry."""
    dx = np.zeros(np.shape(x))
    dx[index] = 1.0
    return dx[()]


def judge_linear(
    verdict: Verdict,
    rule: Callable[..., Any],
    at: int,
    function: Callable[..., Any],
    operands: Sequence[Array],
    keywords: dict[str, Any],
    seed: int,
) -> None:
    """Mark a forward rule that is not linear in the tangent."""
    rng = np.random.default_rng(seed)
    y, dx = value_of(function, operands), rng.standard_normal(np.shape(operands[at]))
    once, opposite, thrice = (np.asarray(rule(c * dx, y, *map(copied, operands), **keywords)) for c in (1.0, -1.0, 3.0))
    room = TRANSPOSES * np.max(np.abs(once), initial=0.0) * 3
    if np.max(np.abs(thrice - 3 * once), initial=0.0) > room or np.max(np.abs(opposite + once), initial=0.0) > room:
        wrong(verdict, "it is not linear in the tangent: three times the tangent must give three times the result")


def judge_second(
    verdict: Verdict,
    rule: Callable[..., Any],
    kind: str,
    at: int,
    p: UserPrimitive,
    operands: Sequence[Array],
    keywords: dict[str, Any],
    seed: int,
) -> None:
    """Mark a rule whose own derivative is wrong, and note one that has none: second derivatives go through it."""
    rng = np.random.default_rng(seed)
    y = value_of(lambda *xs: p(*xs, **keywords), operands)
    g = rng.standard_normal(np.shape(y) if kind == "reverse" else np.shape(operands[at]))
    weights = rng.standard_normal(np.shape(operands[at] if kind == "reverse" else y))

    def through(*xs: Any) -> Any:
        return np.sum(rule(np.asarray(g)[()], p(*xs, **keywords), *xs, **keywords) * weights)

    through.argument_names = p.operands  # type: ignore[attr-defined]
    through.__name__ = f"{kind} rule for {verdict.of}"
    try:
        with np.errstate(all="ignore"):
            second = check_gradients(through, *map(copied, operands), tolerance=1e-5)
    except Exception as error:
        verdict.notes.append(f"second derivatives cannot go through it: {failure_in(error, rule, 'the rule')}")
        return
    if any(check.status is Status.WRONG for check in second):
        wrong(
            verdict,
            "its values are right, but its own derivative is not, so second derivatives would be wrong in silence: write it in "
            "NumPy functions of the Tensors that it is given, without .data, .item() or float()",
        )


def judge_transposes(
    verdicts: Sequence[Verdict],
    p: UserPrimitive,
    function: Callable[..., Any],
    operands: Sequence[Array],
    keywords: dict[str, Any],
    seed: int,
) -> None:
    """Mark forward rules that are not the transposes of the reverse rules, however little they differ."""
    rng = np.random.default_rng(seed + 1)
    y = value_of(function, operands)
    for i, (reverse, forward, x) in enumerate(zip(p.vjps, p.jvps, operands, strict=True)):
        both = [v for v in verdicts if v.of == p.operands[i]]
        if reverse is None or forward is None or len(both) != 2 or not all(v.ok for v in both):
            continue
        g, dx = rng.standard_normal(np.shape(y))[()], rng.standard_normal(np.shape(x))[()]
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            left = g * forward(dx, y, *map(copied, operands), **keywords)
            right = reverse(g, y, *map(copied, operands), **keywords) * dx
            gap, size = abs(np.sum(left) - np.sum(right)), np.sum(np.abs(left)) + np.sum(np.abs(right))
            if gap > TRANSPOSES * size:
                wrong(
                    both[1],
                    f"the forward and the reverse rule contradict each other: the sum of g * forward(dx) is {np.sum(left):.10g}, "
                    f"that of reverse(g) * dx {np.sum(right):.10g}",
                )


def wrong(verdict: Verdict, why: str) -> None:
    """Mark a verdict as wrong."""
    verdict.status, verdict.cause, verdict.explanation = Status.WRONG, Cause.UNKNOWN, why
    if verdict.wrong is None or not np.any(verdict.wrong):
        verdict.wrong = np.ones(np.shape(verdict.hand), dtype=bool)
