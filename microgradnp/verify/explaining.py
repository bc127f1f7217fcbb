"""From a wrong verdict to its cause: gathers what the searches need, and words what they find."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from microgradnp.tree import transform
from microgradnp.verify.calling import Outcome, truth
from microgradnp.verify.cases import case_of
from microgradnp.verify.claims import Claim
from microgradnp.verify.constants import constant_name
from microgradnp.verify.diagnosis import diagnose
from microgradnp.verify.effort import Effort
from microgradnp.verify.inputs import copied
from microgradnp.verify.judgement import Cause, numbers_of
from microgradnp.verify.meaning import close
from microgradnp.verify.points import Point
from microgradnp.verify.repair import Formula, repaired
from microgradnp.verify.report import Verdict
from microgradnp.verify.rewriting import Rewriting, sentence
from microgradnp.verify.scene import Scene, same_structure
from microgradnp.verify.shapes import pattern, wrong_shape
from microgradnp.verify.situations import Explanation, Situation
from microgradnp.verify.source import NoSource, Program
from microgradnp.verify.variation import varied

if TYPE_CHECKING:
    from microgradnp.verify.judging import Judge

#: An edit of the user's formula of this rank or better needs no other explanation beside it.
SURE = 0.55
#: What is no more than a wrong number where all of a gradient is off by one constant.
SLOPES = (Cause.MISSING_ACTIVATION_DERIVATIVE, Cause.EXTRA_ACTIVATION_DERIVATIVE)
NUMBERS = (Cause.WRONG_OPERAND, Cause.MISSING_FACTOR, *SLOPES)
#: Further inputs at which an explanation must hold.
FURTHER = 2
#: What a search may spend: work, and seconds on a slow machine.
WORK, PATIENCE = 1_000_000.0, 2.5


class Explainer:
    """Finds the causes of wrong verdicts.

    Parameters
    ----------
    judge : Judge
    """

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.efforts: dict[str, Effort] = {}  # in the search among changes of the right way back, by function
        self.rewritings: dict[str, Rewriting | None] = {}
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
                point = type(here)(
                    self.judge.derivation, {n: varied(v, rng) if n in here.inputs else v for n, v in here.given.items()}
                )
            except Exception:  # other inputs are ours: what the forward pass makes of them is not the user's mistake
                continue
            if same_structure(point.graph.nodes, here.graph.nodes) and np.all(
                np.isfinite(point.graph.value(point.loss))
            ):
                found.append((point, self.judge.evaluate(point)))
        return found

    def explain(self, verdict: Verdict, claim: Claim, value: Callable[[dict[str, Outcome]], Any]) -> None:
        """Put the cause and the explanation of a wrong claim into its verdict.

        Parameters
        ----------
        verdict : Verdict
        claim : Claim
        value : callable
            Finds what the claim gave among the outcomes at a point, on the true values of other claims.
        """
        name = claim.name if claim.name.isidentifier() else verdict.of
        try:
            # the formula, and thousands of edits of it, are run again: what they warn of has been told, or is none of the user's
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                best = self.best(verdict, claim, value, name)
        except Exception:  # what the search stumbles over is no fault of the user's: it has no explanation then
            best = None
        if best is not None and best.cause is not Cause.UNKNOWN:
            verdict.cause, verdict.explanation = best.cause, best.text
        elif verdict.cause in (None, Cause.UNKNOWN):
            verdict.cause = Cause.UNKNOWN
            hand, right = numbers_of(verdict.hand), np.asarray(verdict.autodiff)
            if hand is not None and np.shape(hand) == right.shape:
                seen = pattern(hand, right, np.asarray(verdict.wrong))
                verdict.explanation = f"no single mistake explains it: {seen}"

    def best(
        self, verdict: Verdict, claim: Claim, value: Callable[[dict[str, Outcome]], Any], name: str
    ) -> Explanation | None:
        """Return the best explanation: an edit of the user's source, or a change of the right way back."""
        situations = self.situations(verdict, claim, value)
        best = self.at_once(situations, name)
        if best is not None and best.cause is Cause.MISSING_GRADIENT:
            edited = self.rewritten(claim, name)  # all of it may be gated away
            best = edited if edited is not None and edited.cause is Cause.WRONG_MASK else best
        if best is None:
            best = self.rewritten(claim, name)
            if best is not None and best.cause is Cause.SCALE:
                best = self.times(situations, name) or best
        if (best is None or best.rank > SURE) and situations:
            owner = (claim.owner or claim).name
            other = diagnose(situations, name, self.efforts.setdefault(owner, Effort(WORK, PATIENCE)))
            if other is not None and (best is None or other.rank < best.rank):
                best = other
        if best is None and situations and self.rewriting(claim) is None:
            best = self.mended(claim, situations, name)
        if best is not None and best.cause in NUMBERS:  # the wrong number, whatever it was written for
            times = self.times(situations, name)
            if times is not None:
                best = times if best.cause in SLOPES else replace(best, cause=Cause.SCALE)
        return best

    def situations(self, verdict: Verdict, claim: Claim, value: Callable[[dict[str, Outcome]], Any]) -> list[Situation]:
        """Return what surrounds a claimed gradient at several inputs, with what the formula gave there."""
        if claim.kind != "gradient" or claim.where != tuple(slice(None) for _ in claim.where):
            return []
        found: list[Situation] = []
        for point, outcomes in self.points:
            try:
                hand = np.asarray(value(outcomes), dtype=np.float64)
            except (TypeError, ValueError):
                continue
            if hand.shape == np.shape(verdict.hand):
                scene = Scene(point, claim.quantity, self.given(claim, point))
                found.append(Situation(scene, hand, point.environment, self.claims))
        return found

    def at_once(self, situations: Sequence[Situation], name: str) -> Explanation | None:
        """Return what is seen at a glance: nothing was passed back, or all of it turned."""
        if not situations:
            return None
        if all(not np.any(s.hand) and s.hand.shape == s.scene.right.shape for s in situations):
            text = f"`{name}` equals the right answer with nothing passed back: it is zero"
            return Explanation(Cause.MISSING_GRADIENT, text, 0)
        if all(close(s.hand, -s.scene.right) for s in situations):
            return Explanation(Cause.SIGN, f"`{name}` equals the right answer with the sign turned", 0)
        first = situations[0]
        if first.hand.shape != first.scene.right.shape and first.hand.size == first.scene.right.size:
            return wrong_shape(first, name)
        square = first.hand.ndim == 2 and first.hand.shape[0] == first.hand.shape[1] > 1
        if square and all(close(s.hand, s.scene.right.T) for s in situations):
            return Explanation(Cause.TRANSPOSE, f"`{name}` equals the right answer transposed", 0)
        return None

    def times(self, situations: Sequence[Situation], name: str) -> Explanation | None:
        """Return that all of a gradient is off by a constant with a name."""
        said, found = set(), list[float]()
        for s in situations:
            right = s.scene.right
            size = float(np.sum(right * right))
            if s.hand.shape != right.shape or not size > 0 or right.size < 2:
                return None
            c = float(np.sum(right * s.hand)) / size
            if not close(c * right, s.hand):
                return None
            found.append(c)
            said.add(constant_name(c, {**s.environment, **s.pool}))
        same = all(abs(c / found[0] - 1) < 1e-8 for c in found)  # else it is a quantity, and no constant
        if len(said) != 1 or "" in said or not same:
            return None
        return Explanation(Cause.SCALE, f"`{name}` equals the right answer times {said.pop()}", 0.1)

    def rewritten(self, claim: Claim, name: str) -> Explanation | None:
        """Return the single edit of the user's source that makes the claim right, or None."""
        search = self.rewriting(claim)
        fix = search.best(claim.output) if search is not None else None
        if search is None or fix is None:
            return None
        first = search.cases[0]
        return Explanation(search.cause(fix), sentence(fix, name, first), fix.rank)

    def rewriting(self, claim: Claim) -> Rewriting | None:
        """Return the search for edits of the function that a claim states, done once for all of its outputs."""
        owner = claim.owner or claim
        if owner.name not in self.rewritings:
            self.rewritings[owner.name] = self.searched(owner)
        return self.rewritings[owner.name]

    def searched(self, claim: Claim) -> Rewriting | None:
        """Search for edits, if the source of the claim is at hand."""
        try:
            program = Program(claim.function)
            cases = [case_of(self.judge, claim, point, self.claims) for point, _ in self.points]
            return (
                Rewriting(program, [case for case in cases if case is not None], Effort(WORK, PATIENCE))
                if cases[0]
                else None
            )
        except NoSource:
            return None

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
