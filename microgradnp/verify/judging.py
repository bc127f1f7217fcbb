"""The verdict on every claim of a derivation."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from microgradnp import tree
from microgradnp.verify.backward import Run, Step, bound_once, part_of, returned_names
from microgradnp.verify.calling import Outcome, call_of, evaluate, truth, updated
from microgradnp.verify.claims import Claim, Function, is_integer, listed, ordered, source_of
from microgradnp.verify.conventions import Conventions
from microgradnp.verify.derivatives import judged_derivative
from microgradnp.verify.explaining import Explainer
from microgradnp.verify.facts import relied_upon
from microgradnp.verify.inputs import plain_value, tamed, unchanged
from microgradnp.verify.judgement import (
    SPREADS,
    Cause,
    Finding,
    Status,
    Witness,
    compare,
    finite_gap,
    numbers_of,
    rounding_of,
    tolerance_of,
)
from microgradnp.verify.numerics import gated, nonfinite, saturated, trouble_in
from microgradnp.verify.points import Point, cost_of
from microgradnp.verify.precision import BETTER, COARSE, FEW, LOSSY, in_precision, recomputed, where_lost
from microgradnp.verify.report import Report, Verdict
from microgradnp.verify.rounding import computed_rounded, noise_of

if TYPE_CHECKING:
    from microgradnp.verify.derivation import Derivation

Part = Callable[[dict[str, Outcome]], Outcome]
Given = Mapping[str, tuple[str, float]]  # variables, and of which quantities they are how many times the gradient

#: How many numbers the differences may compute in all before they take samples of the entries, about a second's worth.
WORK = 2e9
EVALUATIONS = 14  # of the loss, for one entry
FACTS = 24  # about the data, that are tried
FACTS_COST = 2e5  # of one forward pass, above which nobody asks on which facts formulas rely
BESIDE = 4  # points beside a kink


class Judge:
    """Evaluates the claims at a point and at points one rounding away, and compares.

    With ``single`` the user's own arrays were of single precision, in which the claims must hold as well.
    """

    def __init__(
        self, derivation: Derivation, points: Sequence[Point], rng: np.random.Generator, single: bool = False
    ) -> None:
        self.derivation = derivation
        self.points = points
        self.point = points[0]
        self.rng = rng
        self.single = single
        self.witnesses: dict[str, Witness] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.ordered = ordered([c for c in derivation.claims if c.kind != "derivative"])
        self.noise = noise_of(self.point.graph, self.point.loss, rng)
        self.numerical = False  # whether it is rounding or range that keeps the forward pass from being a witness
        self.doubt = self._doubt()
        self.explainer = Explainer(self)

    @functools.cached_property
    def budget(self) -> int:
        """How many entries of one quantity differences measure."""
        quantities = {q for claim in self.derivation.claims for q in claim.claimed()}
        runs = [outcome.run for outcome in self.evaluations[0].values() if outcome.run is not None]
        quantities |= {step.quantity for run in runs for step in run.steps()}
        once = sum(cost_of(node) for node in self.point.graph.nodes)
        return max(6, int(WORK / (EVALUATIONS * once * max(len(quantities), 4))))

    def _doubt(self) -> str:
        """Return why the plain forward pass cannot serve as a witness; empty where it can."""
        point = self.point
        with np.errstate(all="ignore"):
            try:
                first, second = point.plain_loss(), point.plain_loss()
            except Exception as error:
                return f"{point.graph.function} fails on plain arrays: {error}"
        traced = float(np.asarray(point.graph.value(point.loss)).reshape(()))
        if first is None:
            return ""
        first, second = (float(np.asarray(x).reshape(())) for x in (first, second))
        if not np.isfinite(traced):
            trouble = nonfinite(point.graph)
            self.numerical = True
            return f"the loss is {traced} at these inputs" + (f": {trouble}" if trouble else "")
        if first != second:
            return (
                f"{point.graph.function} gives another loss at the next call ({first:.10g}, {second:.10g}): it draws "
                "random numbers or keeps state. Pass the mask, or what else it draws, in as an input"
            )
        if abs(first - traced) > 1e-9 * max(abs(first), abs(traced)) + 16 * self.noise:
            return (
                f"{point.graph.function} gives another loss on plain arrays ({first:.10g}) than when it is recorded "
                f"({traced:.10g}): does it test types, or use what np.asarray took out of the graph?"
            )
        return ""

    def witness(self, claim: Claim) -> Witness:
        """Return what differences say of the gradient with respect to what is claimed."""
        quantity, where = claim.quantity, claim.where
        key = quantity + repr([i for i in claim.indices if is_integer(i)])
        if key not in self.witnesses:
            whole = np.asarray(self.point.environment[quantity], dtype=np.float64)
            loss = self.point.loss_of(quantity)

            def loss_of_part(value: Any) -> Any:
                changed = whole.copy()
                changed[where] = value
                return loss(changed)

            self.witnesses[key] = Witness.of(loss_of_part, whole[where], self.budget, self.rng, self.noise)
        return self.witnesses[key]

    @functools.cached_property
    def evaluations(self) -> list[dict[str, Outcome]]:
        """What the claims give at the point, and at the points one rounding away."""
        return [self.evaluate(point) for point in self.points]

    @functools.cached_property
    def noisy(self) -> list[tuple[float, dict[str, Outcome]]]:
        """What the claims give one rounding away when the formulas round too: `1 - h` where h is nearly 1."""
        return [
            (p.units, self.evaluate(p, functools.partial(computed_rounded, seed=p.seed, units=p.units)))
            for p in self.points[1:]
        ]

    @functools.cached_property
    def finer(self) -> dict[str, Outcome]:
        """What the claims give when they compute in a finer precision than double, where the machine has one."""
        point = copy.copy(self.point)
        point.environment = in_precision(self.point.environment, np.longdouble)
        return self.evaluate(point)

    @functools.cached_property
    def coarser(self) -> dict[str, Outcome]:
        """What the claims give when they, and the forward pass, compute in single precision."""
        point, values = copy.copy(self.point), recomputed(self.point.graph, np.float32)
        point.environment = in_precision(self.point.environment, np.float32) | {
            name: plain_value(values[node]) for name, node in self.point.graph.names.items() if node in values
        }
        return self.evaluate(point)

    @functools.cached_property
    def tame(self) -> Judge | None:
        """The same derivation where no input is larger than 1 and less saturates; None if that is where it is."""
        given = {n: tree.transform(tamed, v) for n, v in self.point.given.items()}
        if all(unchanged(given[n], v) for n, v in self.point.given.items()):
            return None
        try:
            point = Point(self.derivation, given)
        except Exception:  # other inputs are ours: what the forward pass makes of them is not the user's mistake
            return None
        return Judge(self.derivation, [point, *point.roundings(self.rng)], self.rng)

    @functools.cached_property
    def small(self) -> Judge | None:
        """The same derivation where no number is larger than 1, whole ones included: pixels from 0 to 255."""

        def scaled(x: Any) -> Any:
            if not isinstance(x, np.ndarray | float) or np.asarray(x).dtype.kind != "f" or not np.size(x):
                return x
            return x / max(1.0, float(np.max(np.abs(x))))

        try:
            point = Point(self.derivation, {n: tree.transform(scaled, v) for n, v in self.point.given.items()})
            judge = Judge(self.derivation, [point, *point.roundings(self.rng)], self.rng)
        except Exception:  # other inputs are ours: what the forward pass makes of them is not the user's mistake
            return None
        return None if judge.doubt else judge

    @functools.cached_property
    def beside(self) -> list[tuple[Point, dict[str, Outcome]]]:
        """Points a small step away, and what the claims give there, if the point itself is on a kink."""
        points = [self.point.beside(self.derivation, self.rng) for _ in range(BESIDE)]
        if all(point.graph_like(self.point) for point in points):
            return []
        return [(point, self.evaluate(point)) for point in points]

    def report(self) -> Report:
        """Return the verdicts in the order in which the claims were stated."""
        verdicts = {claim.name: self.judged(claim) for claim in self.ordered}
        Conventions(self, verdicts).settle()
        self.say_saturated(verdicts)
        self.say_facts(verdicts)
        verdicts |= {
            claim.name: [judged_derivative(claim, self.derivation.tolerance, self.rng)]
            for claim in self.derivation.claims
            if claim.kind == "derivative"
        }
        stated = [v for claim in self.derivation.claims for v in verdicts[claim.name]]
        return Report(self.derivation.title, stated, self.point.graph, self.point.loss)

    def say_saturated(self, verdicts: dict[str, list[Verdict]]) -> None:
        """Note, once for each activation, how much of its derivative is exactly 0: with the first claim that uses it."""
        graph = self.point.graph
        for node, trouble in saturated(graph).items():
            label = graph.label(node)
            claim = next((c for c in self.ordered if label in c.arguments and verdicts[c.name]), None)
            if claim is not None and claim.kind == "gradient":
                verdicts[claim.name][0].notes.append(str(trouble))

    def say_facts(self, verdicts: dict[str, list[Verdict]]) -> None:
        """Note on which facts about the data right formulas rely, if that is cheap to find out."""
        if self.doubt or sum(cost_of(node) for node in self.point.graph.nodes) > FACTS_COST:
            return
        right = [
            c for c in self.ordered if verdicts[c.name] and all(v.status is Status.CORRECT for v in verdicts[c.name])
        ]

        def wrong(inputs: Mapping[str, Any]) -> set[str]:
            try:
                point = Point(self.derivation, inputs)
                outcomes = self.evaluate(point)
                return {c.name for c in right if wrong_at(c, outcomes[c.name], point)}
            except Exception:  # other inputs are ours: what becomes of them is not the user's mistake
                return set()

        for name, facts in relied_upon(self.point.given, wrong, np.random.default_rng(0), FACTS).items():
            verdicts[name][0].notes.append(f"right because {', and because '.join(facts)}")

    def judged(self, claim: Claim) -> list[Verdict]:
        """Return the verdict on a claim, or those on the parts of a backward function."""
        if claim.kind == "backward":
            return self.backward_verdicts(claim)
        verdict = self.verdict(claim, lambda outcomes: outcomes[claim.name])
        self.verdicts[claim.name] = verdict
        if verdict.status is Status.WRONG and not self.out_of_range(verdict, claim):
            self.explain(verdict, claim, lambda outcomes: outcomes[claim.name])
        self.say_imprecise(verdict, claim, lambda outcomes: outcomes[claim.name])
        return [verdict]

    def explain(self, verdict: Verdict, claim: Claim, part: Part) -> None:
        """Put in a wrong verdict why it is wrong."""
        if self.rounding_is_to_blame(verdict, part):
            if verdict.error <= FEW:
                verdict.status, verdict.cause, verdict.explanation = Status.CORRECT, None, ""
                return
            said = self.lost(claim, np.float64, verdict.error / 10)
            verdict.explanation = f"the formula is right, but in double precision its digits are lost{said}"
            verdict.cause = Cause.NUMERICAL
        else:
            self.explainer.explain(verdict, claim, on_true_values(part))

    def say_imprecise(self, verdict: Verdict, claim: Claim, part: Part) -> None:
        """Say of a right claim if rounding spoils it: a mistake in the single precision of the user's own arrays."""
        true = verdict.autodiff
        if verdict.status not in (Status.CORRECT, Status.KINK) or true is None or not np.any(true):
            return
        if not (self.single or verdict.error > LOSSY):
            return  # the usual case
        size, noise = float(np.max(np.abs(true))), self.inherent(claim)
        if not noise <= 1e-4 * size:
            return  # the gradient is 0 but for rounding
        if verdict.error > LOSSY and verdict.error * size > 100 * noise and self.rounding_is_to_blame(verdict, part):
            digits = int(-np.log10(verdict.error))
            said = self.lost(claim, np.float64, verdict.error / 10)
            verdict.notes.append(f"right, but rounding leaves {digits} of its 16 digits{said}")
        if not self.single:
            return
        hand = numbers_of(part(self.coarser).received)
        if hand is None or hand.shape != true.shape:
            return
        gap = np.where(np.isfinite(hand), finite_gap(hand, true), np.inf)
        wrong = np.asarray(gap > COARSE * size)
        if np.any(wrong):
            verdict.status, verdict.cause, verdict.wrong = Status.WRONG, Cause.NUMERICAL, wrong
            verdict.hand, verdict.error = hand, float(np.max(gap) / size)
            verdict.explanation = (
                "the formula is right, but single precision, of which the inputs are, is too coarse for it"
                f"{self.lost(claim, np.float32, COARSE)}"
            )

    def rounding_is_to_blame(self, verdict: Verdict, part: Part) -> bool:
        """Return whether a claim comes out right when it computes in a finer precision."""
        if np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps:
            return False
        true = verdict.autodiff
        if not comparable(verdict.hand, true) or not np.all(np.isfinite(verdict.hand)):
            return False
        finer = on_true_values(part)(self.finer)
        if not comparable(finer, true):
            return False
        before, after = (np.max(finite_gap(x, true), initial=0.0) for x in (verdict.hand, finer))
        return bool(np.isfinite(before) and after <= BETTER * before)

    def lost(self, claim: Claim, dtype: Any, limit: float) -> str:
        """Return the operation that loses the digits of a claim, or of the forward pass, as the end of a sentence."""
        owner = claim.owner or claim
        used = {a: truth(c, self.point) for a, c in ((c.name, c) for c in self.ordered) if a in owner.arguments}
        function, arguments = call_of(owner, {**self.point.environment, **used})
        trouble = where_lost(function, arguments, dtype, limit)
        if trouble is None:
            trouble = where_lost(self.point.function, self.point.inputs, dtype, limit)
        return f": {trouble}" if trouble is not None else ""

    def inherent(self, claim: Claim) -> float:
        """Return how far the truth itself moves when every number is one rounding off."""
        first = np.asarray(truth(claim, self.point), dtype=np.float64)
        moves = [finite_gap(truth(claim, p), first) / p.units for p in self.points[1:]]
        return float(max((np.max(m, initial=0.0) for m in moves), default=0.0))

    def out_of_range(self, verdict: Verdict, claim: Claim) -> bool:
        """Put in a wrong verdict what leaves the range or precision of numbers, if the formula is right elsewhere."""
        hand = numbers_of(verdict.hand) if verdict.hand is not None else None
        if claim.kind == "value" or hand is None or hand.shape != np.shape(verdict.autodiff):
            return False
        lost = hand.dtype.kind == "f" and not np.all(np.isfinite(hand))
        held = gated(self.point.graph)
        if not (lost or held) or self.small is None:
            return False
        elsewhere = self.small.found(claim, lambda o: o[claim.name], lambda o: o.true, None)
        if elsewhere.status not in (Status.CORRECT, Status.KINK):
            return False
        if lost:
            names = [a for a in claim.arguments if a in self.point.environment and a not in claim.indices]
            trouble = trouble_in(claim.function, {a: self.point.environment[a] for a in names})
            bad = int(np.sum(~np.isfinite(hand)))
            said = str(trouble) if trouble else f"{bad} of {hand.size} entries are nan or infinite"
            verdict.explanation = f"the formula is right, but not in floating point numbers of this size: {said}"
        elif gated(self.small.point.graph):
            return False
        else:
            verdict.explanation = f"the formula is right where nothing is clipped, but {held[0]}"
        verdict.cause = Cause.NUMERICAL
        return True

    def evaluate(
        self, point: Point, off: Callable[[Function], Function] = lambda function: function
    ) -> dict[str, Outcome]:
        """Compute every claim at a point; `off` changes how the formulas compute."""
        return evaluate(self.ordered, point, off)

    # verdicts

    def verdict(self, claim: Claim, part: Part) -> Verdict:
        """Judge one claim; `part` finds what it gave among the outcomes at a point."""
        outcome = part(self.evaluations[0])
        true = np.asarray(truth(claim, self.point), dtype=np.float64)
        verdict = Verdict(
            name=claim.name,
            of=claim.of,
            kind=claim.kind,
            status=Status.UNVERIFIABLE,
            hand=outcome.received,
            autodiff=true,
            formula=source_of(claim.function),
            notes=list(outcome.notes),
        )
        culprits = [a for a in claim.arguments if a in self.verdicts and not self.verdicts[a].ok]
        on_true_values = outcome.right and culprits
        if self.doubt or (outcome.failure and not on_true_values):
            verdict.explanation = outcome.failure or self.doubt
            if self.numerical and not outcome.failure:
                verdict.cause = Cause.NUMERICAL
            verdict.notes += self.rebound(claim)
            return verdict
        witness = measured = self.witness(claim) if claim.kind != "value" else None
        if claim.kind == "update":
            gradient = self.point.gradient(claim.quantity)
            doubt = compare(gradient, gradient, np.zeros(()), witness, self.derivation.tolerance, claim.quantity)
            witness = None
            if doubt.status is Status.UNVERIFIABLE:
                return set_finding(verdict, doubt)
        if outcome.failure or outcome.misshapen:
            nothing = np.ones(true.shape, dtype=bool)
            finding = Finding(Status.WRONG, float("inf"), nothing, outcome.misshapen, Cause.SHAPE)
        else:
            finding = self.found(claim, part, lambda o: o.received, witness)
        if finding.status is Status.WRONG and outcome.right:
            finding = self.given(finding, self.found(claim, part, lambda o: o.true, witness), claim, outcome)
        self.fill(verdict, claim, measured)
        set_finding(verdict, finding)
        if not verdict.ok:
            verdict.notes += self.rebound(claim)
        return verdict

    def found(self, claim: Claim, part: Part, value: Callable[[Outcome], Any], witness: Witness | None) -> Finding:
        """Compare what a claim gave with the truth, and find out whether rounding or a kink is why they differ."""
        true = np.asarray(truth(claim, self.point), dtype=np.float64)
        hand = value(part(self.evaluations[0]))
        relative: Any = self.derivation.tolerance if claim.tolerance is None else claim.tolerance
        if claim.kind == "update":
            relative = self.of_step(claim, true, relative)
        what = f"{claim.quantity} updated" if claim.kind == "update" else claim.quantity
        spread = self.spread(claim, [part(e) for e in self.evaluations], true)
        finding = compare(hand, true, spread, witness, relative, what)
        if finding.doubtful:  # its own rounding, which costs more to find out
            runs = [(units, value(part(o))) for units, o in self.noisy]
            moves = [(units, finite_gap(v, hand)) for units, v in runs if comparable(v, true)]
            own = rounding_of(moves, true, jumps=True)
            finding = compare(hand, true, np.maximum(spread, own), witness, relative, what)
        if finding.doubtful and self.beside:
            return self.at_kink(finding, claim, hand, [(p, value(part(o))) for p, o in self.beside], spread)
        if finding.status is Status.CORRECT and self.tame is not None:
            wrong = np.abs(np.asarray(hand) - true) > tolerance_of(true, np.zeros(()), relative)
            elsewhere = self.tame.found(claim, part, value, None) if np.any(wrong) else finding
            if elsewhere.status is Status.WRONG and elsewhere.cause is None:
                note = "no more than rounding at these inputs, but wrong where less is rounded off"
                return replace(finding, status=Status.WRONG, wrong=wrong, note=note)
        return finding

    def of_step(self, claim: Claim, true: Any, relative: float) -> Any:
        """Return by which part of itself each entry of an update may be off: by `relative` of the step, if that is less.

        A learning rate of 0.001 would hide the mistakes of a rule in the digits of the parameter.
        """
        before = np.ravel(np.asarray(self.point.environment[claim.quantity], dtype=np.float64))
        parts = np.full(true.size, relative)
        if true.size >= before.size:
            after = np.ravel(true)[: before.size]
            step = np.max(np.abs(after - before), initial=0.0)
            with np.errstate(all="ignore"):
                parts[: before.size] *= np.fmin(1.0, step / np.abs(after))
        return parts.reshape(true.shape)

    def given(self, finding: Finding, alone: Finding, claim: Claim, outcome: Outcome) -> Finding:
        """Return what to say of a formula whose value is wrong: it may be right but for the claims that it uses."""
        if alone.status not in (Status.CORRECT, Status.KINK):
            return alone if outcome.failure else finding
        used = [a for a in claim.arguments if a in self.verdicts]
        culprits = [a for a in used if not self.verdicts[a].ok]
        if not culprits:  # what it uses differs from the truth by no more than it may
            kinked = [a for a in used if self.verdicts[a].status is Status.KINK]
            if not kinked:
                return alone
            note = f"right for the value of {', '.join(kinked)} at a kink"
            return replace(alone, status=Status.KINK, error=finding.error, note=alone.note or note)
        cannot = "cannot be computed from" if outcome.failure else "uses"
        note = (
            f"the formula is right, but it {cannot} {', '.join(culprits)}, which {'are' if culprits[1:] else 'is'} not"
        )
        return replace(finding, status=Status.GIVEN, note=note, cause=None)

    def at_kink(
        self, finding: Finding, claim: Claim, hand: Any, beside: Sequence[tuple[Point, Any]], spread: Any
    ) -> Finding:
        """Return KINK in place of a finding if the formula is right at all points beside, and not far off at the kink.

        Where several kinks meet, a right choice at each of them need not lie between the one-sided derivatives.
        """
        true = np.asarray(truth(claim, self.point), dtype=np.float64)
        reach = np.zeros(true.shape)
        for point, value in beside:
            if not point.continues(self.point, self.noise):
                return finding  # a jump is no kink
            near = np.asarray(truth(claim, point), dtype=np.float64)
            with np.errstate(all="ignore"):
                if np.shape(value) != near.shape or not np.all(
                    np.abs(np.asarray(value) - near) <= 1e-8 * np.max(np.abs(near), initial=0.0) + SPREADS * spread
                ):
                    return finding
                reach = np.maximum(reach, np.abs(near - true))
        off = np.abs(np.asarray(hand) - true)
        if np.any(off > 4 * reach + 1e-6 * np.max(np.abs(true), initial=0.0) + SPREADS * spread):
            return finding
        note = "the inputs are exactly on a kink, where the derivative is a convention; the formula is right beside it"
        return Finding(Status.KINK, finding.error, np.zeros(true.shape, dtype=bool), note)

    def rebound(self, claim: Claim) -> list[str]:
        """Warn of names that have had several values in the forward pass."""
        names = [a for a in claim.arguments if f"{a}@1" in self.point.graph.names]
        return [
            f"{a} is bound more than once in {self.point.graph.function}; {claim.name} is given its last value"
            for a in names
        ]

    def spread(self, claim: Claim, outcomes: Sequence[Outcome], true: Any) -> Any:
        """Return how far the truth and the claim move when every number is one rounding off."""
        spread = np.zeros(true.shape)
        truths = [np.asarray(truth(claim, point), dtype=np.float64) for point in self.points]
        for values in (truths, [o.received for o in outcomes], [o.true for o in outcomes]):
            moves = [
                (point.units, finite_gap(value, values[0]))
                for point, value in zip(self.points[1:], values[1:], strict=True)
                if comparable(value, true) and comparable(values[0], true)
            ]
            spread = np.maximum(spread, rounding_of(moves, values[0], jumps=values is not truths))
        return spread

    def fill(self, verdict: Verdict, claim: Claim, witness: Witness | None) -> None:
        """Put what differences say in a verdict."""
        if witness is None:
            replay = self.point.graph.evaluate(self.point.graph.names[claim.quantity], {})
            verdict.differences = np.asarray(np.asarray(replay)[claim.where], dtype=np.float64)
            return
        measured = witness.full()
        verdict.kinks = witness.kinks()
        if claim.kind == "update":
            if witness.complete:
                verdict.differences = np.asarray(updated(claim, self.point, measured), dtype=np.float64)
        else:
            verdict.differences = measured

    def backward_verdicts(self, claim: Claim) -> list[Verdict]:
        """Judge each gradient that a whole backward function returns."""
        results = [e[claim.name] for e in self.evaluations]
        first = results[0]
        if first.failure:
            failed = Verdict(
                name=claim.name, of="", kind="backward", status=Status.UNVERIFIABLE, explanation=first.failure
            )
            failed.formula = source_of(claim.function)
            return [replace(failed, of=quantity) for quantity in claim.claimed() or [""]]
        returned = {}
        for key, quantity in returned_names(claim, first.received, self.point).items():
            own = key if key != quantity else f"{claim.name}[{key!r}]"
            gradient = Claim("gradient", quantity, own, lambda: None, owner=claim, output=key)
            gradient.settle(self.point.graph.names)
            returned[key] = gradient, self.verdict(gradient, self.part_returned(claim, key, {}))
        steps, given = self.step_verdicts(claim, returned)
        wrong = {name: verdict for name, verdict in steps.items() if not verdict.ok}
        run = first.run
        assert run is not None
        for key, (gradient, verdict) in returned.items():
            part = self.part_returned(claim, key, given)
            used = [v.name for name, v in wrong.items() if run.uses(key, name)]
            if verdict.status is Status.WRONG and used:
                gradient.arguments = dict.fromkeys(used)
                returned[key] = gradient, self.verdict(gradient, part)
            verdict = returned[key][1]
            verdict.kind, verdict.formula = "backward", source_of(claim.function)
            if verdict.status is Status.WRONG:
                self.explain(verdict, gradient, part)
            self.say_imprecise(verdict, gradient, part)
        unknown = run.unmatched()
        if unknown:
            note = f"{claim.name} has no local variable {', '.join(unknown)}; it has {listed(run.variables)}"
            next(iter(returned.values()))[1].notes.append(note)
        return [*steps.values(), *(verdict for _, verdict in returned.values())]

    def part_returned(self, claim: Claim, key: str, given: Given) -> Part:
        """Return what finds a returned gradient, also as it would be for true values of the variables `given`."""

        def part(outcomes: dict[str, Outcome]) -> Outcome:
            whole = outcomes[claim.name]
            received = true = part_of(whole.received, key, claim)
            if given and whole.run is not None:
                true = whole.run.on_truth(whole.run.node(key, returned=True), given)
            return Outcome(received=received, true=true, right=bool(given), notes=list(whole.notes))

        return part

    def part_local(self, claim: Claim, name: str, given: Given, factor: float) -> Part:
        """Return what finds a local variable, over a factor, also as it would be for true values of earlier ones."""

        def part(outcomes: dict[str, Outcome]) -> Outcome:
            run = outcomes[claim.name].run
            if run is None or run.variables.get(name) is None:
                return Outcome()
            received: Any = np.asarray(run.variables[name]) / factor
            true = received
            if given:
                again = run.on_truth(run.node(name, returned=False), given)
                true = None if again is None else again / factor
            return Outcome(received=received, true=true, right=bool(given))

        return part

    def step_verdicts(
        self, claim: Claim, returned: dict[str, tuple[Claim, Verdict]]
    ) -> tuple[dict[str, Verdict], dict[str, tuple[str, float]]]:
        """Judge the local variables of a backward function that are gradients of quantities, in their order.

        A name only guesses what a variable is. So none is accused from which a right gradient was computed (a delta that
        lacks a factor which comes later), nor, if it is bound again and again, where the truth in its place mends nothing.

        Returns
        -------
        dict of str to Verdict
            By the variable's name.
        dict of str to (str, float)
            The quantity of each, and what times its true gradient the variable should be.
        """
        run = self.evaluations[0][claim.name].run
        verdicts: dict[str, Verdict] = {}
        given: dict[str, tuple[str, float]] = {}
        factor = 1.0
        if run is None:
            return verdicts, given
        taken = {c.name for c in self.derivation.claims} | {gradient.name for gradient, _ in returned.values()}
        whole = {gradient.of: run.node(key, returned=True) for key, (gradient, _) in returned.items()}
        for step in run.steps():
            if step.quantity in whole and whole[step.quantity] is run.node(step.name, returned=False):
                continue  # it is what is returned
            own = step.name if step.name not in taken else f"{claim.name}: {step.name}"
            spoilt = [key for key, (_, v) in returned.items() if not v.ok] or list(returned)
            output = next((key for key in spoilt if run.uses(key, step.name)), spoilt[0])
            gradient = Claim("gradient", step.quantity, own, lambda: None, owner=claim, output=output)
            gradient.settle(self.point.graph.names)
            wrong = [v.name for name, v in verdicts.items() if not v.ok and run.uses(step.name, name, returned=False)]
            gradient.arguments = dict.fromkeys(wrong)
            before = dict(given)
            part = self.part_local(claim, step.name, before, 1.0)
            verdict = self.verdict(gradient, part)
            times = 1.0
            if verdict.status is Status.WRONG and factor != 1 and not step.mapped:  # perhaps it lacks it, too
                scaled = self.part_local(claim, step.name, before, factor)
                other = self.verdict(gradient, scaled)
                if other.ok or other.status is Status.GIVEN:
                    given[step.name] = step.quantity, factor
                    continue
                if not self.mends(claim, run, step, returned, before, 1.0):
                    verdict, part, times = other, scaled, factor
                    verdict.notes.append(
                        f"{step.name} is judged as {times:.6g} times ∂loss/∂{step.quantity}, as other variables are: the "
                        "function makes up for that later"
                    )
            if not verdict.ok and not step.mapped and not self.accused(claim, run, step, returned):
                ratio = constant_ratio(run.variables[step.name], verdict.autodiff)
                if ratio:
                    factor = ratio
                    given[step.name] = step.quantity, ratio
                continue
            if run.graph is None and not verdict.ok:
                verdict.notes.append(
                    f"judged only on what {claim.name} computed: it could not be recorded ({run.why_not})"
                )
            verdict.kind, verdict.formula = "backward", run.line(step.name)
            given[step.name] = step.quantity, times
            verdicts[step.name] = self.verdicts[own] = verdict
            if verdict.status is Status.WRONG:
                self.explain(verdict, gradient, part)
        return verdicts, given

    def accused(self, claim: Claim, run: Run, step: Step, returned: dict[str, tuple[Claim, Verdict]]) -> bool:
        """Return whether a variable that is not the gradient that its name says is to blame for what is returned."""
        statuses = [v.status for _, v in returned.values()]
        if run.graph is None:
            scaled = constant_ratio(run.variables[step.name], self.point.gradient(step.quantity))
            some_right = any(v.ok for _, v in returned.values())
            return Status.WRONG in statuses and not (scaled and some_right) and bound_once(claim.function, step.name)
        users = {key: pair for key, pair in returned.items() if run.uses(key, step.name)}
        if not users or any(verdict.ok for _, verdict in users.values()):
            return False
        if f"{step.name}@1" not in run.graph.names and f"{step.quantity}@1" not in self.point.graph.names:
            return True
        return self.mends(claim, run, step, returned, {}, 1.0)

    def mends(
        self,
        claim: Claim,
        run: Run,
        step: Step,
        returned: dict[str, tuple[Claim, Verdict]],
        given: Given,
        factor: float,
    ) -> bool:
        """Return whether the truth in a variable's place makes a wrong returned gradient right."""
        given = {**given, step.name: (step.quantity, factor)}
        return any(
            self.found(gradient, self.part_returned(claim, key, given), lambda o: o.true, None).status is Status.CORRECT
            for key, (gradient, _) in returned.items()
            if run.uses(key, step.name)
        )


def on_true_values(part: Part) -> Callable[[dict[str, Outcome]], Any]:
    """Return what finds a part's value on true values, or on those it received where the others cannot be had."""

    def value(outcomes: dict[str, Outcome]) -> Any:
        outcome = part(outcomes)
        return outcome.received if outcome.true is None else outcome.true

    return value


def constant_ratio(value: Any, true: Any) -> float:
    """Return the number that times the truth is the value; 0 where there is none."""
    size = float(np.max(np.abs(true), initial=0.0))
    if not size or not np.all(np.isfinite(value)):
        return 0.0
    ratio = float(np.sum(value * true) / np.sum(true * true))
    return ratio if np.max(np.abs(value - ratio * true)) <= 1e-9 * abs(ratio) * size else 0.0


def wrong_at(claim: Claim, outcome: Outcome, point: Point) -> bool:
    """Return whether what a claim gives for true values is clearly wrong at a point."""
    pairs = [(outcome.true, truth(claim, point))] if claim.kind != "backward" else []
    if claim.kind == "backward" and outcome.received is not None:
        for key, quantity in returned_names(claim, outcome.received, point).items():
            gradient = Claim("gradient", quantity, key, lambda: None)
            gradient.settle(point.graph.names)
            pairs.append((part_of(outcome.received, key, claim), truth(gradient, point)))
    for hand, true in pairs:
        if not comparable(hand, true) or not (np.all(np.isfinite(hand)) and np.all(np.isfinite(true))):
            return False
    return any(np.max(np.abs(h - t), initial=0.0) > 1e-6 * np.max(np.abs(t), initial=0.0) + 1e-12 for h, t in pairs)


def comparable(value: Any, true: Any) -> bool:
    """Return whether a value is of numbers and has the shape of the truth."""
    return (
        isinstance(value, np.ndarray | np.generic | float | int)
        and np.shape(value) == np.shape(true)
        and np.asarray(value).dtype.kind in "biuf"
    )


def set_finding(verdict: Verdict, finding: Finding) -> Verdict:
    """Put a finding in a verdict."""
    verdict.status, verdict.error, verdict.wrong = finding.status, finding.error, finding.wrong
    verdict.explanation = finding.note
    if finding.status is Status.WRONG:
        verdict.cause = finding.cause or Cause.UNKNOWN
    return verdict
