"""From a wrong verdict to its cause: gathers what the searches need, and words what they find."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from microgradnp.tree import transform
from microgradnp.verify.calling import Outcome, truth
from microgradnp.verify.claims import Claim
from microgradnp.verify.diagnosis import Explanation, Situation, diagnose, pattern
from microgradnp.verify.inputs import copied
from microgradnp.verify.judgement import Cause
from microgradnp.verify.points import Point
from microgradnp.verify.repair import Formula, repaired
from microgradnp.verify.report import Verdict
from microgradnp.verify.scene import Scene, same_structure
from microgradnp.verify.variation import varied

if TYPE_CHECKING:
    from microgradnp.verify.judging import Judge

#: An explanation of this rank or better is a mistake that everybody makes; beyond it the user's own formula is asked.
USUAL = 0.85
#: Further inputs at which an explanation must hold.
FURTHER = 2
PATIENCE = 1.0


class Explainer:
    """Finds the causes of wrong verdicts.

    Parameters
    ----------
    judge : Judge
    """

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.claims = {c.quantity: c.name for c in judge.derivation.claims if c.kind == "gradient" and not c.indices}

    @functools.cached_property
    def points(self) -> list[tuple[Point, dict[str, Outcome]]]:
        """The user's point, and others like it at which the forward pass computes the same steps."""
        here = self.judge.point
        found = [(here, self.judge.evaluations[0])]
        for seed in range(2 * FURTHER):
            if len(found) > FURTHER:
                break
            rng = np.random.default_rng([self.judge.derivation.seed, seed])
            try:
                point = type(here)(self.judge.derivation, {n: varied(v, rng) for n, v in here.given.items()})
            except Exception:  # other inputs are ours: what the forward pass makes of them is not the user's mistake
                continue
            if same_structure(point.graph.nodes, here.graph.nodes) and np.all(
                np.isfinite(point.graph.value(point.loss))
            ):
                found.append((point, self.judge.evaluate(point)))
        return found

    def explain(self, verdict: Verdict, claim: Claim, value: Callable[[dict[str, Outcome]], Any]) -> None:
        """Put the cause and the explanation in a wrong verdict.

        Parameters
        ----------
        verdict : Verdict
        claim : Claim
            On a gradient.
        value : callable
            Finds what the claim gave among the outcomes at a point, on the true values of other claims.
        """
        name = claim.name if claim.name.isidentifier() else verdict.of
        situations = []
        for point, outcomes in self.points:
            try:
                hand = np.asarray(value(outcomes), dtype=np.float64)
            except (TypeError, ValueError):
                continue
            if hand.shape == np.shape(verdict.hand):
                scene = Scene(point, claim.quantity, self.given(claim, point))
                situations.append(Situation(scene, hand, point.environment, self.claims))
        if not situations:
            return
        best = diagnose(situations, name)
        if best is None or best.cause is Cause.UNKNOWN or best.rank > USUAL:
            mended = self.mended(claim, situations, name)
            if mended is not None and (best is None or best.cause is Cause.UNKNOWN or mended.rank < best.rank):
                best = mended
        if best is not None and best.cause is not Cause.UNKNOWN:
            verdict.cause, verdict.explanation = best.cause, best.text
        elif verdict.cause in (None, Cause.UNKNOWN):
            verdict.cause = Cause.UNKNOWN
            seen = pattern(np.asarray(verdict.hand), np.asarray(verdict.autodiff), np.asarray(verdict.wrong))
            verdict.explanation = f"no single mistake explains it: {seen}"

    def given(self, claim: Claim, point: Point) -> Mapping[str, Any]:
        """Return the gradients that a formula was given by other claims: the true ones."""
        used = [
            c
            for c in self.judge.derivation.claims
            if c.name in claim.arguments and c.kind == "gradient" and not c.indices
        ]
        return {c.quantity: point.gradient(c.quantity) for c in used}

    def mended(self, claim: Claim, situations: list[Situation], name: str) -> Explanation | None:
        """Return what single change would make the user's own formula right, if it can be recorded."""
        if claim.indices or not claim.arguments:
            return None
        formulas = []
        for s in situations:
            environment = dict(s.environment)
            for c in self.judge.derivation.claims:
                if c.name in claim.arguments and c.kind != "backward":
                    environment[c.name] = truth(c, s.scene.point)
            arguments = {a: transform(copied, environment[a]) for a in claim.arguments if a in environment}
            try:
                formulas.append(Formula(claim.function, arguments, s))
            except Exception:  # a formula that cannot be recorded is still judged, only not mended
                return None
        return repaired(formulas, name, PATIENCE)
