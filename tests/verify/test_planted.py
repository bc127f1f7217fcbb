"""The verifier itself, tested by mutation: mistakes planted in right derivations are found, located, and named.

By default a sample; all of them with MICROGRADNP_ALL_MISTAKES=1.
"""

from __future__ import annotations

import functools
import os
import zlib

import numpy as np
import pytest

from microgradnp.verify import Cause, Status
from tests.verify.derivations import DERIVATIONS
from tests.verify.planted import Plant, ample, plants, with_claim

EVERYTHING = bool(os.environ.get("MICROGRADNP_ALL_MISTAKES"))
#: Mistakes per derivation, of different kinds where there are so many.
SAMPLE = 4
#: What part of each quarter of the sample, which favours rare kinds, must be named as a teacher names it.
FLOOR = 0.7
TRIALS = 3
PARTS = 4  # that run in parallel


@functools.cache
def sample(name: str) -> list[Plant]:
    """Return some mistakes for a derivation: as many kinds as possible."""
    found = list(plants(name))
    if EVERYTHING:
        return found
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    shuffled = [found[k] for k in rng.permutation(len(found))]
    seen: dict[str, int] = {}
    order = []
    for plant in shuffled:
        seen[plant.kind] = seen.get(plant.kind, 0) + 1
        order.append(seen[plant.kind])
    return [shuffled[k] for k in np.argsort(order, kind="stable")[:SAMPLE]]


def equals_the_right_formula(plant: Plant) -> bool:
    """Return whether a planted change is none: equal to rounding on every trial."""
    for seed in range(3, 3 + TRIALS):
        derivation, inputs = ample(plant.derivation, seed)
        derivation.claims = with_claim(derivation, plant.claim, plant.function)
        with np.errstate(all="ignore"):
            verdicts = [v for v in derivation.verify(inputs) if v.name == plant.claim or v.kind == "backward"]
        if not all(v.ok for v in verdicts):
            return False
    return True


def named_right(plant: Plant) -> bool | None:
    """Judge one derivation with a mistake: whether the cause is the right one, None where there was nothing to name."""
    derivation, inputs = ample(plant.derivation, 3)
    derivation.claims = with_claim(derivation, plant.claim, plant.function)
    report = derivation.verify(inputs)
    kind = next(c.kind for c in derivation.claims if c.name == plant.claim)
    mine = [v for v in report if v.name == plant.claim or (kind == "backward" and v.kind == "backward")]
    case = f"{plant.kind} in {plant.where!r} of {plant.claim} of {plant.derivation}\n{report}"
    if any(v.status is Status.UNVERIFIABLE and "raised" in v.explanation for v in mine):
        return None  # it cannot be computed at all, and the verdict says so
    wrong = [v for v in mine if v.status is Status.WRONG]
    if not wrong:  # it must be flagged, unless it is no mistake
        assert equals_the_right_formula(plant), case
        return None
    assert all(v.ok or v.status is Status.GIVEN for v in report if v not in mine), case  # located
    assert all(v.explanation for v in wrong), case
    if plant.causes[0] == "unknown":
        assert all(v.cause is Cause.UNKNOWN for v in wrong), case
    return wrong[0].cause in plant.causes


@pytest.mark.parametrize("part", range(PARTS))
def test_planted_mistakes_are_flagged_located_and_named(part: int) -> None:
    cases = [plant for name in list(DERIVATIONS)[part::PARTS] for plant in sample(name)]
    judged = [named_right(plant) for plant in cases]
    named = [right for right in judged if right is not None]
    assert len(named) > 15
    assert np.mean(named) >= FLOOR, f"{np.mean(named):.0%} of {len(named)}"
