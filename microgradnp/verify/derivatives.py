"""A claimed derivative of a function of one variable, judged at points of both signs and many sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from microgradnp.primitives.network import logistic, softplus
from microgradnp.transforms import vjp
from microgradnp.verify import differences
from microgradnp.verify.calling import failure_of
from microgradnp.verify.claims import Claim, DerivationError, Function, source_of
from microgradnp.verify.gradients import rounding_of_gradients
from microgradnp.verify.judgement import (
    Cause,
    Finding,
    Floats,
    Status,
    Witness,
    compare,
    finite_gap,
    numbers_of,
    rounding_of,
)
from microgradnp.verify.report import Verdict
from microgradnp.verify.rounding import ROUNDINGS, computed_rounded, moved

#: Where a derivative is judged unless the user says where: 0, small, usual and large numbers of both signs.
POINTS = np.array([0.0, 1e-3, 0.1, 0.37, 0.8, 1.3, 2.1, 3.7, 6.0, 30.0])

#: The same, as people write them at the activation.
KNOWN_AT_OUTPUT: list[tuple[str, Function]] = [
    ("a * (1 - a), that of the logistic function at its activation", lambda a: a * (1 - a)),
    ("1 - a**2, that of tanh at its activation", lambda a: 1 - a * a),
    ("the step function, the derivative of relu", lambda a: np.where(a > 0, 1.0, 0.0)),
]
NOISES = 4  # how often a function is computed with every step a rounding off

#: Functions whose derivatives stand in for others: what they are called, and they.
KNOWN: list[tuple[str, Function]] = [
    ("the logistic function, the derivative of softplus", logistic),
    ("the derivative of the logistic function", lambda z: logistic(z) * (1 - logistic(z))),
    ("the derivative of tanh", lambda z: 1 - np.tanh(z) ** 2),
    ("the step function, the derivative of relu", lambda z: np.where(z > 0, 1.0, 0.0)),
    ("1, the derivative of the identity (a straight-through estimate)", np.ones_like),
    ("1 where |z| < 1, the derivative of hard tanh", lambda z: np.where(np.abs(z) < 1, 1.0, 0.0)),
    ("the triangle max(0, 1 - |z|)", lambda z: np.maximum(0.0, 1 - np.abs(z))),
    ("1 / (1 + |z|)**2, the derivative of softsign", lambda z: 1 / (1 + np.abs(z)) ** 2),
    ("1 / (1 + z**2), the derivative of arctan", lambda z: 1 / (1 + z * z)),
    ("exp(-z**2), a Gaussian", lambda z: np.exp(-z * z)),
    ("softplus", softplus),
    ("tanh", np.tanh),
    ("exp", np.exp),
]


def judged_derivative(claim: Claim, tolerance: float, rng: np.random.Generator) -> Verdict:
    """Return the verdict on a claim of kind "derivative": its rule is the function, its function the derivative.

    Raises
    ------
    DerivationError
        If the function is none of one real variable, element by element.
    """
    f, called = claim.rule, getattr(claim.rule, "__name__", "f")
    called = "f" if called == "<lambda>" else called
    z = points_of(claim, f, called)
    with np.errstate(all="ignore"):
        y = np.asarray(f(z.copy()), dtype=np.float64)
    true, spread = slopes_by_autodiff(f, z)
    witness = witness_at(f, z, noise_at(f, z))
    if true is None:
        true, spread = witness.full(), witness.errors()
    place, other = (z, y) if claim.at == "input" else (y, z)
    verdict = Verdict(
        name=claim.name,
        of=claim.of,
        kind="derivative",
        status=Status.UNVERIFIABLE,
        autodiff=true,
        differences=witness.full(),
        kinks=witness.kinks(),
        formula=source_of(claim.function),
    )
    try:
        hand = value_at(claim.function, place)
    except Exception as error:
        verdict.explanation = failure_of(error, claim)
        return verdict
    verdict.hand = hand
    relative = tolerance if claim.tolerance is None else claim.tolerance
    spread = np.maximum(spread, rounding_at(claim.function, place, hand))
    what = f"{called}'({'z' if claim.at == 'input' else called + '(z)'}) at {z.size} points"
    finding = compare(hand, true, spread, witness, relative, what)
    verdict.status, verdict.error, verdict.wrong = finding.status, finding.error, finding.wrong
    verdict.explanation = finding.note
    if finding.status is Status.WRONG:
        verdict.cause = finding.cause or Cause.UNKNOWN
        if verdict.cause is not Cause.SHAPE:
            right = replace(claim, at="input")  # compares values at the same points
            judge = Attempt(right, true, spread, witness, relative)
            verdict.cause, verdict.explanation = explained(claim, called, z, y, other, hand, true, judge)
            k = verdict.worst()
            if k is not None:
                verdict.explanation += f" (at z = {z[k]:.6g}: claimed {np.asarray(hand)[k]:.6g}, right {true[k]:.6g})"
    return verdict


class Attempt:
    """Whether other values would be right."""

    def __init__(self, claim: Claim, true: Floats, spread: Floats, witness: Witness, relative: float) -> None:
        self.claim, self.true, self.spread, self.witness, self.relative = claim, true, spread, witness, relative

    def __call__(self, values: Any) -> bool:
        """Return whether they equal the truth, up to rounding and kinks."""
        finding: Finding = compare(values, self.true, self.spread, self.witness, max(self.relative, 1e-9), "")
        return finding.status in (Status.CORRECT, Status.KINK)


def explained(
    claim: Claim, f: str, z: Floats, y: Floats, other: Floats, hand: Any, true: Floats, right: Attempt
) -> tuple[Cause, str]:
    """Return the cause of a wrong derivative, and a sentence."""
    name, hand = claim.name, np.asarray(hand, dtype=np.float64)
    here, there = ("z", f"{f}(z)") if claim.at == "input" else (f"{f}(z)", "z")
    try:
        moved_there = value_at(claim.function, other)
    except Exception:  # it need not be defined there
        moved_there = np.full(z.shape, np.nan)
    if right(moved_there):
        place = "activation" if claim.at == "input" else "pre-activation"
        wrong = "pre-activation" if claim.at == "input" else "activation"
        return (
            Cause.DERIVATIVE_AT_WRONG_PLACE,
            f"`{name}` is right at the {place}, {f}'(z) = {name}({there}), but it is taken at the {wrong} {here}",
        )
    if right(-hand):
        return Cause.SIGN, f"`{name}` equals {f}' with the sign turned"
    try:
        mirrored = value_at(claim.function, -(z if claim.at == "input" else y))
    except Exception:  # it need not be defined there
        mirrored = np.full(z.shape, np.nan)
    if right(mirrored):
        steps = np.unique(np.round(true, 12)).size <= 3
        if steps:
            return Cause.WRONG_MASK, f"`{name}` is right with its branches exchanged, or its condition turned"
        return Cause.SIGN, f"`{name}` is right for -{here}: the sign of its argument is turned"
    with np.errstate(all="ignore"):
        steep = np.abs(true) > 1e-6 * np.max(np.abs(true), initial=0.0)
        ratios = hand[steep] / true[steep]
        if ratios.size and np.all(np.abs(ratios - ratios[0]) <= 1e-9 * abs(ratios[0])) and right(hand / ratios[0]):
            return Cause.SCALE, f"`{name}` equals {f}' times {ratios[0]:.6g}"
        factors = [(f"{f}(z)", y), (f"(1 - {f}(z))", 1 - y), (f"(1 + {f}(z))", 1 + y), ("z", z)]
        for text, factor in factors:
            if right(hand * factor):
                return Cause.MISSING_FACTOR, f"`{name}` equals {f}' with the factor {text} left out"
        known = [(text, value_at(g, z)) for text, g in KNOWN]
        if claim.at == "output":
            known += [(text, value_at(g, y)) for text, g in KNOWN_AT_OUTPUT]
        for text, values in known:
            near = np.abs(hand - values) <= 1e-9 * np.maximum(np.abs(values), np.abs(hand)) + 1e-15
            if np.all(near | (z == 0)):  # where a convention may differ
                return Cause.SURROGATE_DERIVATIVE, f"`{name}` is not {f}': it is {text}"
    if np.allclose(hand, y, rtol=1e-9, atol=0):
        return Cause.MISSING_ACTIVATION_DERIVATIVE, f"`{name}` is {f} itself, not its derivative"
    return Cause.UNKNOWN, f"no single mistake explains `{name}`"


def points_of(claim: Claim, f: Function, called: str) -> Floats:
    """Return where the derivative is judged: the user's points, or those of ours at which the function is finite."""
    given = claim.points is not None
    z = np.asarray(claim.points if given else np.unique(np.concatenate([-POINTS, POINTS])), dtype=np.float64).ravel()
    try:
        with np.errstate(all="ignore"):
            y = np.asarray(f(z.copy()))
            alone = [np.asarray(f(np.array([x]))) for x in z]
    except Exception as error:
        raise DerivationError(
            f"{called} cannot be computed at {'the points given' if given else 'an array of numbers of both signs'}: "
            f"{type(error).__name__}: {error}" + ("" if given else "; say where with points=[...]")
        ) from error
    if y.shape != z.shape or y.dtype.kind not in "iuf" or not np.array_equal(y, np.ravel(alone), equal_nan=True):
        raise DerivationError(
            f"{called} is no function of one number, element by element: mg.check_rule judges the backward rule of any "
            "operation"
        )
    z = z if given else z[np.isfinite(y)]
    if not z.size:
        raise DerivationError(f"{called} is finite at none of our points: say where to judge with points=[...]")
    return z


def value_at(function: Callable[..., Any], z: Floats) -> Any:
    """Return a claimed derivative at points, as an array; a constant holds at all of them."""
    with np.errstate(all="ignore"):
        value = function(z.copy())
    number = numbers_of(value)
    if number is not None and not number.ndim:
        return np.full(z.shape, number)
    return value


def slopes_by_autodiff(f: Function, z: Floats) -> tuple[Floats | None, Floats]:
    """Return autodiff's derivative, and its rounding; None where it cannot be recorded."""

    def total(x: Any) -> Any:
        return np.sum(f(x))

    try:
        with np.errstate(all="ignore"):
            _, pull = vjp(total, z)
            true = np.asarray(pull(1.0)[0], dtype=np.float64)
            spreads, _ = rounding_of_gradients(total, [z], [true], np.random.default_rng(0))
    except Exception:  # differences are a witness still
        return None, np.zeros(z.shape)
    return true, np.asarray(spreads[0])


def noise_at(f: Function, z: Floats) -> Floats:
    """Return how far the values of a function are off because of rounding on the way: log(1 + exp(-30)) by 1e-16."""
    with np.errstate(all="ignore"):
        y = np.asarray(f(z.copy()), dtype=np.float64)
        noise = np.zeros(z.shape)
        for seed in range(NOISES):
            try:
                off = np.asarray(computed_rounded(lambda x: f(x), seed, 1.0)(x=z.copy()), dtype=np.float64)
            except Exception:  # some code wants plain arrays only
                break
            noise = np.maximum(noise, finite_gap(off, y))
    return 4 * noise


def witness_at(f: Function, z: Floats, noise: Floats) -> Witness:
    """Return what differences say at every point by itself: large values elsewhere cost it no digits."""

    def measure(entries: list[tuple[int, ...]]) -> differences.Slopes:
        found = [
            differences.gradient(
                lambda v: np.asarray(f(v)).item(), z[k].reshape(1), entries=[(0,)], noise=float(noise[k])
            )
            for k in entries
        ]
        return differences.Slopes(
            index=list(entries),
            value=np.concatenate([s.value for s in found]),
            error=np.concatenate([s.error for s in found]),
            left=np.concatenate([s.left for s in found]),
            right=np.concatenate([s.right for s in found]),
            kind=np.concatenate([s.kind for s in found]),
            reason=[r for s in found for r in s.reason],
            evaluations=sum(s.evaluations for s in found),
        )

    def along(v: Floats) -> differences.Slope:
        return differences.directional(lambda x: float(np.sum(f(x))), z, v, noise=float(np.sum(noise)))

    entries = list(np.ndindex(z.shape))
    return Witness(z.shape, entries, measure(entries), [], measure, along)


def rounding_at(function: Function, place: Floats, hand: Any) -> Floats:
    """Return how far a claimed derivative moves when its argument, and every step of it, is a rounding off."""
    moves = []
    for seed, units in enumerate(ROUNDINGS):
        off = computed_rounded(lambda x: value_at(function, x), seed, units)
        try:
            value = np.asarray(off(x=moved(place, seed, units)), dtype=np.float64)
        except Exception:  # some code wants plain arrays only
            continue
        if value.shape == np.shape(hand) == place.shape:
            moves.append((units, finite_gap(value, hand)))
    return np.broadcast_to(np.asarray(rounding_of(moves, hand, jumps=True)), place.shape)
