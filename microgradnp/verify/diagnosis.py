"""Why a gradient is wrong: the single mistake in the right way back that gives exactly the wrong value.

The right gradient exists as a graph. Each plausible mistake is a change of one step of it; those that reproduce the
user's value, to rounding and at several inputs, are explanations. Constants are solved for by projection and looked up
afterwards. Of several explanations the better known mistake comes first, then the one nearest to the loss.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from microgradnp.verify.activations import activation, softmaxes
from microgradnp.verify.constants import constant_name
from microgradnp.verify.effort import Effort
from microgradnp.verify.judgement import Cause
from microgradnp.verify.losses import losses
from microgradnp.verify.meaning import close
from microgradnp.verify.shapes import wrong_shape
from microgradnp.verify.situations import Candidate, Explanation, Fitted, Situation
from microgradnp.verify.steps import factors, halves, paths, received, steps, terms, whole

Array = Any


PATIENCE = 1.5
#: ... or after so much work, of which a step of a sweep takes so much.
WORK, SWEEP = 1_000_000.0, 12.0


def candidates(s: Situation) -> Iterator[Candidate]:
    """Yield the mistakes, the well known first."""
    yield from whole(s)
    for place, chain in enumerate(s.scene.chains()):
        yield from activation(s, chain, place)
    yield from paths(s)
    yield from softmaxes(s)
    yield from received(s)
    yield from losses(s)
    yield from steps(s)
    yield from halves(s)
    yield from terms(s)
    yield from factors(s)


def diagnose(situations: Sequence[Situation], subject: str, effort: Effort | None = None) -> Explanation | None:
    """Return the best explanation of a wrong value, or None.

    Parameters
    ----------
    situations : sequence of Situation
        The same derivation at several inputs, the user's first: an explanation must hold at all of them.
    subject : str
        What the user calls the value.
    effort : Effort, optional
        What may be spent.
    """
    first = situations[0]
    if first.hand.shape != first.scene.right.shape:
        return wrong_shape(first, subject)
    effort = effort or Effort(WORK, PATIENCE)
    effort.resume()
    try:
        found = []
        for candidate in candidates(first):
            if not effort.spend(SWEEP * len(first.scene.order)):
                break
            fit = fits(candidate, first.hand)
            if fit is not None:
                found.append((candidate, fit if fit != 1.0 else None))
        found.sort(key=lambda pair: pair[0].rank + (1.0 if pair[1] is not None else 0.0))
        for candidate, constant in found[:12]:
            if holds_elsewhere(candidate, constant, situations):
                explanation = told(candidate, constant, first, subject)
                if explanation is not None:
                    return explanation
    finally:
        effort.pause()
    return None


def fits(candidate: Candidate, hand: Array) -> float | None:
    """Return the factor by which a candidate reproduces a value: 1, or another where it does up to a factor, or None."""
    try:
        with np.errstate(all="ignore"):
            value = candidate.value()
    except (ValueError, IndexError, TypeError, ZeroDivisionError, FloatingPointError):
        return None
    if value is None or np.shape(value) != hand.shape or not np.all(np.isfinite(value)):
        return None
    value = np.asarray(value, dtype=np.float64)
    if candidate.free and hand.size < 3:
        return None  # a constant that may be any explains few numbers by accident
    if close(value, hand) or (not np.any(value) and not np.any(hand)):
        return 1.0
    size = float(np.sum(value * value))
    if not size > 0:
        return None
    c = float(np.sum(value * hand)) / size
    return c if c and math.isfinite(c) and close(c * value, hand) else None


def holds_elsewhere(candidate: Candidate, constant: float | None, situations: Sequence[Situation]) -> bool:
    """Return whether the mistake, found at the first input, explains the value at the others as well."""
    for s in situations[1:]:
        same = next((c for c in candidates(s) if c.key == candidate.key), None)
        if same is None:
            return False
        c = fits(same, s.hand)
        if c is None:
            return False
        if constant is None and abs(c - 1) > 1e-7:
            return False
        if constant is not None and abs(c - constant) > 1e-6 * abs(constant):
            return False
        if candidate.free and not same_constants(candidate, situations[0], same, s):
            return False
    return True


def same_constants(one: Candidate, here: Situation, two: Candidate, there: Situation) -> bool:
    """Return whether the constant that was solved for is the same at two inputs, or has the same name at both."""
    a, b = one.value(), two.value()
    if not isinstance(a, Fitted) or not isinstance(b, Fitted):
        return True
    if abs(a.constant - b.constant) <= 1e-6 * abs(a.constant):
        return True
    names = {constant_name(v.constant, {**s.environment, **s.pool}) for v, s in ((a, here), (b, there))}
    return len(names) == 1 and "" not in names


def told(candidate: Candidate, constant: float | None, s: Situation, subject: str) -> Explanation | None:
    """Return an explanation in words."""
    cause, rank, text = candidate.cause, candidate.rank, candidate.text
    name = ""
    if constant is not None:
        name = constant_name(constant, {**s.environment, **s.pool})
        if candidate.key == ("scale",):
            said = f"`{subject}` equals the right answer times {name or f'{constant:.6g}'}"
            return Explanation(
                Cause.SIGN if constant == -1 else Cause.SCALE, said, 0.1 if name else 1.0, candidate.key, constant, name
            )
        if not name and not candidate.free:
            return None
        if cause is Cause.EXTRA_ACTIVATION_DERIVATIVE and name == "2":
            cause = Cause.WRONG_LOSS  # of the squared error behind an activation
        rank += 1.0 if name else 2.0
        text += f", and times {name or f'{constant:.6g}'}"
    elif candidate.key == ("scale",):
        return None
    text = text.replace("{c}", "a constant")
    if text.startswith("only it is "):
        return Explanation(
            cause, f"`{subject}` is {text[11:]}, which is not the gradient of this loss", rank, candidate.key
        )
    return Explanation(cause, f"`{subject}` equals the right answer {text}", rank, candidate.key, constant, name)
