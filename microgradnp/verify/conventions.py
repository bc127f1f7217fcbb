"""Conventions are not mistakes: constants that one formula leaves out and another puts back.

``delta = y - out`` with ``W += lr * dW / n`` is gradient descent on a mean: the sign and 1/n are folded into the update.
``dz = a - y`` with ``dW = X.T @ dz / m`` is the gradient of a mean as well. Seen alone, `delta` and `dz` are wrong by a
constant. What decides is what becomes of the constant:

- A gradient is a convention where a formula that uses it, and is wrong for the true gradient, is right for this one.
- What is rightly computed from a convention is one itself, as long as it is a step on the way: the gradient of an
  input, a parameter, is what one takes away, and must be right, or be put right by its update.
- A constant that nothing undoes is a mistake, also if all gradients share it: a factor forgotten in the first delta
  looks exactly so. The explanation then says which update would make it a convention.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from microgradnp.tape import dependent, reachable
from microgradnp.verify.backward import part_of, returned_names
from microgradnp.verify.calling import Outcome, called, driving, selected, truth, updated
from microgradnp.verify.claims import Claim
from microgradnp.verify.judgement import Cause, Status, numbers_of
from microgradnp.verify.report import Verdict
from microgradnp.verify.slips import slip_of, update_of
from microgradnp.verify.updates import OptimizerRule

if TYPE_CHECKING:
    from microgradnp.verify.judging import Judge
    from microgradnp.verify.points import Point

RIGHT = (Status.CORRECT, Status.KINK)
#: A gradient of no more than so many of its own roundings is 0 but for them.
ZERO = 1e4
#: What a search says of many values; a constant in the user's own numbers says it better.
VAGUE = (None, Cause.UNKNOWN, Cause.STALE_VALUE, Cause.MISSING_TERM, Cause.EXTRA_ACTIVATION_DERIVATIVE)
NUMBERS = {"2": 2.0, "3": 3.0, "4": 4.0, "ln 2": math.log(2.0), "ln 10": math.log(10.0), "pi": math.pi}


def factor_of(hand: Any, true: Any, relative: float = 1e-8) -> float | None:
    """Return the number by which all of an array is off, or None where there is no such number.

    Examples
    --------
    >>> import numpy as np
    >>> factor_of(np.array([2.0, -4.0]), np.array([1.0, -2.0]))
    2.0
    >>> factor_of(np.array([2.0, 4.0]), np.array([1.0, -2.0])) is None
    True
    """
    array = numbers_of(hand)
    true = np.asarray(true, dtype=np.float64)
    if array is None or array.dtype.kind == "c" or array.shape != true.shape or not true.size:
        return None
    array = array.astype(np.float64)
    size = float(np.max(np.abs(true)))
    if not (0 < size < math.inf and np.all(np.isfinite(array)) and np.any(array)):
        return None
    unit = true / size
    c = float(np.sum(array * unit) / np.sum(unit * unit)) / size
    close = np.abs(array - c * true) <= relative * np.abs(c * true) + 1e-12 * abs(c) * size
    return c if c and math.isfinite(c) and np.all(close) else None


def constant_in_words(c: float, names: Mapping[str, Any]) -> str:
    """Return a constant in the user's own numbers and sizes: ``-n``, ``1/(2 m)``; empty where it is none of them.

    Examples
    --------
    >>> import numpy as np
    >>> constant_in_words(-7.0, {"n": 7}), constant_in_words(1 / 14, {"m": 7})
    ('-n', '1/(2 m)')
    >>> constant_in_words(12.0, {"X": np.ones((4, 3))})
    '12, the size of X'
    """
    for sign, prefix in ((1.0, ""), (-1.0, "-")):
        for text, value in constants(names):
            if abs(sign * c / value - 1) < 1e-9:
                return prefix + text
    return ""


def constants(names: Mapping[str, Any]) -> Iterable[tuple[str, float]]:
    """Yield the constants that a derivation may have by convention, with what they are called."""
    yield "1", 1.0
    scalars = {
        n: float(v)
        for n, v in names.items()
        if isinstance(v, int | float | np.number) and not isinstance(v, bool | np.complexfloating)
    }
    scalars = {n: v for n, v in scalars.items() if math.isfinite(v) and v not in (0.0, 1.0, -1.0)}
    whole = {n: v for n, v in scalars.items() if v > 1 and v == int(v)}  # counts: a convention's most likely constant
    for n, v in {**whole, **NUMBERS, **scalars}.items():
        for pattern, value in (("{}", v), ("1/{}", 1 / v), ("2/{}", 2 / v), ("{}/2", v / 2)):
            if n != "2" or pattern in ("{}", "1/{}"):
                yield pattern.format(n), value
        if not n.isdigit():
            yield f"1/(2 {n})", 0.5 / v
            yield f"2 {n}", 2 * v
    sizes: dict[int, str] = {}
    for name, value in names.items():
        if isinstance(value, np.ndarray):
            for axis, n in enumerate(value.shape):
                sizes.setdefault(n, f"the length of axis {axis} of {name}")
            sizes.setdefault(value.size, f"the size of {name}")
    for k, where in sizes.items():
        if k > 1:
            yield f"{k}, {where}", float(k)
            known = {f"1/{k}": 1 / k, f"2/{k}": 2 / k, f"{k}/2": k / 2, f"1/(2 {k})": 0.5 / k}
            for text, value in {**known, f"sqrt({k})": math.sqrt(k), f"1/sqrt({k})": 1 / math.sqrt(k)}.items():
                yield f"{text}, with {k} {where}", value
    for k in (6, 8):  # after the sizes: of 8 samples, 8 is their number
        yield f"{k}", float(k)
        yield f"1/{k}", 1 / k


@dataclass(eq=False)
class Step:
    """A claimed gradient or update with its verdict, and where its values are among the outcomes at a point."""

    claim: Claim
    verdict: Verdict
    outcome: Callable[[Mapping[str, Outcome]], Outcome]
    whole: str = ""  # the backward function that returned it
    key: str = ""  # and under which key

    @property
    def name(self) -> str:
        """What the claim is called."""
        return self.claim.name


class Conventions:
    """Finds out which of the wrong verdicts are conventions, and which verdicts follow from that.

    Parameters
    ----------
    judge : Judge
    verdicts : dict of str to list of Verdict
        By the names of the claims; those of conventions are changed in place.
    """

    def __init__(self, judge: Judge, verdicts: Mapping[str, list[Verdict]]) -> None:
        self.judge = judge
        self.steps: list[Step] = []  # each after those that it uses
        for claim in judge.ordered:
            if claim.kind == "backward":
                self.steps += self.parts(claim, verdicts[claim.name])
            elif claim.kind in ("gradient", "update"):
                self.steps.append(Step(claim, verdicts[claim.name][0], functools.partial(_of_claim, claim.name)))
        self.by_name = {s.name: s for s in self.steps if not s.whole}

    def parts(self, claim: Claim, verdicts: list[Verdict]) -> list[Step]:
        """Return the gradients that a backward function returns."""
        result = self.judge.evaluations[0][claim.name].received
        if result is None:
            return []
        names = returned_names(claim, result, self.judge.point)
        steps = []
        for (key, quantity), verdict in zip(
            names.items(), verdicts[-len(names) :], strict=False
        ):  # its local variables come first
            gradient = Claim("gradient", quantity, verdict.name, lambda: None)
            gradient.settle(self.judge.point.graph.names)
            steps.append(Step(gradient, verdict, functools.partial(_of_part, claim, key), claim.name, key))
        return steps

    # what is known of a step

    @functools.cached_property
    def points(self) -> list[tuple[Point, dict[str, Outcome]]]:
        """The user's point, and others at which a constant must be the same."""
        return self.judge.explainer.points

    def factor(self, step: Step) -> float | None:
        """Return the constant by which a gradient is off as it was received: 1 where it is right."""
        if step.verdict.status in RIGHT:
            return 1.0
        return self.constant(step, lambda o: o.received)

    def constant(self, step: Step, value: Callable[[Outcome], Any]) -> float | None:
        """Return the constant by which what a claim gave is off, the same at all points; None if there is none."""
        found = []
        kinks = step.verdict.kinks if step.verdict.kinks is not None else np.zeros(1, dtype=bool)
        for point, outcomes in self.points:
            hand, true = numbers_of(value(step.outcome(outcomes))), truth(step.claim, point)
            if hand is None:
                return None
            c = factor_of(hand, true)
            if c is None and point is self.judge.point:
                there = np.shape(kinks) == np.shape(true) == np.shape(hand) and np.any(kinks)
                c = factor_of(np.asarray(hand)[~kinks], np.asarray(true)[~kinks]) if there else None
                beside = self.beside_kinks(step, value) if c is not None else None
                c = c if c is not None and beside is not None and abs(beside / c - 1) < 1e-6 else None
                if c is None:
                    return None
            elif c is None and np.any(true) and not np.any(kinks):
                return None
            if c is not None:
                found.append((c, constant_in_words(c, point.environment)))
        (c, name), *others = found
        if not others and np.size(step.verdict.autodiff) < 3:
            return None
        alike = all(abs(d / c - 1) < 1e-6 or (name and name == n) for d, n in others)
        return c if alike else None

    def beside_kinks(self, step: Step, value: Callable[[Outcome], Any]) -> float | None:
        """Return the constant by which a gradient is off beside the kinks that the inputs are on.

        Where several kinks meet, a step aside may lead from one to the next: some of the points are enough.
        """
        found = [factor_of(value(step.outcome(o)), truth(step.claim, p), 1e-6) for p, o in self.judge.beside]
        known = [c for c in found if c is not None]
        if not known or any(abs(c / known[0] - 1) > 1e-6 for c in known):
            return None
        return known[0]

    def final(self, step: Step) -> bool:
        """Return whether a gradient is what one takes away: that of an input, not a step on the way to others."""
        return not self.judge.point.graph.names[step.claim.quantity].parents

    def used(self, step: Step) -> list[Step]:
        """Return the gradients that a claim uses."""
        return [self.by_name[a] for a in step.claim.arguments if a in self.by_name and not step.whole]

    def users(self, step: Step) -> list[Step]:
        """Return the claims that use a gradient. Within a backward function, the parameters that it leads to."""
        if not step.whole:
            return [s for s in self.steps if not s.whole and step.name in s.claim.arguments]
        if self.final(step):
            return []
        graph = self.judge.point.graph
        node = graph.names[step.claim.quantity]
        return [
            s
            for s in self.steps
            if s.whole == step.whole
            and self.final(s)
            and node in dependent(graph.nodes, [graph.names[s.claim.quantity]])
        ]

    def undoes(self, user: Step, step: Step) -> bool:
        """Return whether a claim is right as it is, but would be wrong for the true gradient of a step."""
        size = np.max(np.abs(user.verdict.autodiff), initial=0.0)
        if user.verdict.status not in RIGHT or size <= ZERO * self.judge.inherent(user.claim):
            return False  # a gradient of 0, or of 0 but for rounding, is right whatever it is computed from
        if user.whole:
            return self.spoilt(user, step)
        right, alone = user.verdict.autodiff, user.outcome(self.judge.evaluations[0]).true
        if user.claim.kind == "update":
            gap = np.abs(np.asarray(numbers_of(alone), dtype=np.float64) - right) if np.size(alone) else np.zeros(1)
            return bool(np.any(gap > 1e-10 * np.max(np.abs(right))))
        c = factor_of(alone, right)
        return c is None or abs(c - 1) > 1e-7

    def spoilt(self, user: Step, step: Step) -> bool:
        """Return whether a returned gradient would be wrong if another had been the true one where it was used.

        One that is right either way (a sum in which the other cancels) does not make a convention of a mistake.
        """
        run = self.judge.evaluations[0][user.whole].run
        if run is None or run.graph is None:  # it could not be recorded: nothing that the other leads to may be wrong
            return all(u.verdict.status in RIGHT for u in self.users(step))
        end, start = run.node(user.key, returned=True), run.node(step.key, returned=True)
        if end is None or start is None or start not in set(reachable([end])[0]):
            return True
        try:
            with np.errstate(all="ignore"):
                value = np.asarray(run.graph.evaluate(end, {start: self.judge.point.gradient(step.claim.quantity)}))
        except Exception:  # a step that fits the wrong shapes only
            return True
        c = factor_of(value, user.verdict.autodiff, 1e-7)
        return c is None or abs(c - 1) > 1e-7

    # the verdicts

    def settle(self) -> None:
        """Change the verdicts that a convention explains."""
        for step in self.steps:
            if step.claim.kind == "update" and step.verdict.status is Status.WRONG:
                self.explain_update(step)
        if not any(s.verdict.status is Status.WRONG for s in self.steps):
            return
        off: dict[Step, float] = {}  # the constants by which whole gradients are off
        for step in self.steps:
            if step.claim.kind == "gradient" and step.verdict.status in (Status.WRONG, Status.GIVEN):
                c = self.factor(step)
                if c is not None and abs(c - 1) > 1e-9:
                    off[step] = c
        undone: dict[Step, list[str]] = {}
        for step in reversed(self.steps):
            if step in off:
                users = self.users(step)
                ways = [u.name for u in users if self.undoes(u, step)] or [
                    w for u in users if u in off for w in undone.get(u, [])
                ]
                if ways:
                    order = [s.name for s in self.steps]
                    undone[step] = sorted(set(ways), key=order.index)
        needed = self.needed(off)
        for step in self.steps:
            if step in undone:
                self.accept(step, off[step], f"; {listed(undone[step])} {'undo' if undone[step][1:] else 'undoes'} it")
            elif step.verdict.status is Status.GIVEN:
                self.inherit(step, off.get(step))
            elif step.verdict.status is Status.WRONG:
                self.in_units(step, needed)
                self.explain_constant(step)
        self.remark(off)

    def accept(self, step: Step, c: float, why: str) -> None:
        """Make a verdict a convention."""
        v = step.verdict
        v.status, v.cause, v.wrong = Status.CONVENTION, None, np.zeros(np.shape(v.autodiff), dtype=bool)
        v.explanation = f"`{v.name}` is {self.named(c)} times the gradient{why}"

    def named(self, c: float) -> str:
        """Return a constant in the user's words, or in digits."""
        return constant_in_words(c, self.judge.point.environment) or f"{c:.6g}"

    def inherit(self, step: Step, c: float | None) -> None:
        """Judge what was rightly computed from conventions."""
        used = self.used(step)
        bad = [s.name for s in used if not s.verdict.ok]
        conventions = [s for s in used if s.verdict.status is Status.CONVENTION]
        if bad or not conventions:
            return
        names = listed([s.name for s in conventions])
        if c is not None and step.claim.kind == "gradient" and not self.final(step):
            self.accept(step, c, f", like {names}, from which it is rightly computed")
            return
        v = step.verdict
        v.status = Status.WRONG
        v.cause = Cause.SIGN if c is not None and abs(c + 1) < 1e-9 else Cause.SCALE
        if step.claim.kind == "update":
            self.explain_update(step)
        elif c is None:
            v.explanation = f"`{v.name}` mixes gradients that carry different constants: {names}"
        else:
            v.explanation = (
                f"`{v.name}` is {self.named(c)} times the gradient: the constant of {names} is not undone here"
            )

    # mistakes beside a convention

    def needed(self, off: Mapping[Step, float]) -> dict[Step, float]:
        """Return the constant that a gradient which is wrong in another way should carry, for what uses it."""
        needed: dict[Step, float] = {}
        for step in reversed(self.steps):
            if step.claim.kind != "gradient" or step.whole:
                continue
            wanted = []
            for user in self.users(step):
                if user.claim.kind == "update":
                    e = self.wanted_by_update(user)
                elif not user.outcome(self.judge.evaluations[0]).right:
                    e = None
                else:
                    a = (
                        1.0
                        if user.verdict.status is Status.GIVEN
                        else factor_of(self.alone(user), user.verdict.autodiff)
                    )
                    e = None if a is None else needed.get(user, 1.0) / a
                if e is not None:
                    wanted.append(e)
            if wanted and all(abs(e / wanted[0] - 1) < 1e-8 for e in wanted):
                needed[step] = wanted[0]
        return {
            s: e
            for s, e in needed.items()
            if abs(e - 1) > 1e-8 and s not in off and constant_in_words(e, self.judge.point.environment)
        }

    def alone(self, step: Step) -> Any:
        """Return what a claim gives for the true gradients."""
        return step.outcome(self.judge.evaluations[0]).true

    def wanted_by_update(self, step: Step) -> float | None:
        """Return the multiple of the true gradient for which an update is right."""
        point = self.judge.point
        names = [s.name for s in self.used(step) if s.claim.kind == "gradient"]

        def at(scale: float) -> Any:
            given = {a: scale * np.asarray(truth(self.by_name[a].claim, point)) for a in names}
            value = numbers_of(called(step.claim, point, given, Outcome(), lambda f: f))
            return None if value is None else np.asarray(value, dtype=np.float64)

        right = np.asarray(truth(step.claim, point), dtype=np.float64)
        zero, one = at(0.0), at(1.0)
        if not names or zero is None or one is None or not zero.shape == one.shape == right.shape:
            return None
        slope = one - zero
        size = float(np.sum(slope * slope))
        if not 0 < size < math.inf:
            return None
        e = float(np.sum((right - zero) * slope)) / size
        there = at(e)
        gap, room = np.abs(there - right), 1e-9 * np.max(np.abs(right - zero)) + 1e-14 * np.max(np.abs(right))
        return e if e and np.all(gap <= room) else None

    def in_units(self, step: Step, needed: Mapping[Step, float]) -> None:
        """Judge a wrong claim by the constant that what it uses, and what uses it, agree on."""
        used = [s for s in self.used(step) if s.claim.kind == "gradient"]
        carried = [needed[s] if s in needed else (self.factor(s) or 1.0) for s in used if s in needed or s.verdict.ok]
        culprits = [s.name for s in used if not s.verdict.ok]
        v = step.verdict
        if step.claim.kind == "update":
            e = self.wanted_by_update(step) if culprits else None
            if (
                e is not None
                and used
                and all(abs(needed.get(s, 1.0) / e - 1) < 1e-8 for s in used)
                and abs(e - 1) > 1e-8
            ):
                self.pardon(step, culprits, e)
            return
        # a step on the way carries what it was given, and a parameter's gradient nothing, unless what uses it undoes it
        given = carried[0] if carried else 1.0
        target = needed.get(step, 1.0 if self.final(step) else given)
        own = target / given
        hand = numbers_of(self.alone(step))
        if abs(own - 1) < 1e-8 or step.whole or hand is None or hand.shape != np.shape(v.autodiff):
            return
        c = factor_of(hand, v.autodiff)
        if c is not None and abs(c / own - 1) < 1e-8 and culprits:
            self.pardon(step, culprits, given)
        elif not step.claim.indices:
            self.judge.explainer.explain(
                v, step.claim, lambda outcomes: np.asarray(step.outcome(outcomes).true, dtype=np.float64) / own
            )
            if step in needed:
                v.notes.append(f"its constant {self.named(own)} is a convention, which what uses it undoes")

    def pardon(self, step: Step, culprits: list[str], e: float) -> None:
        """Say that a claim is right, given the constant of what it uses."""
        v = step.verdict
        v.status, v.cause = Status.GIVEN, None
        v.explanation = (
            f"the formula is right for {self.named(e)} times the gradient, but it uses {', '.join(culprits)}, "
            f"which {'are' if culprits[1:] else 'is'} not"
        )

    # words

    def explain_update(self, step: Step) -> None:
        """Say of a wrong update which well-known slip it is, or that it goes a multiple of the right step."""
        if self.slipped(step):
            return
        found = self.multiple(step, self.without_gradient) or self.multiple(step, self.without_step)
        if found is None:
            return
        c, name = found
        v = step.verdict
        v.cause = Cause.SIGN if abs(c + 1) < 1e-6 else Cause.SCALE
        way = "the opposite way" if v.cause is Cause.SIGN else f"{name or f'{c:.6g}'} times as far as it should"
        v.explanation = f"`{v.name}` moves {step.claim.quantity} {way}"

    def multiple(self, step: Step, unmoved: Callable[[Step, Point], Any]) -> tuple[float, str] | None:
        """Return how many times as far as it should an update goes from where it would stay, in digits and in words."""
        found = []
        state = step.claim.rule.names.values() if isinstance(step.claim.rule, OptimizerRule) else ()
        for point, outcomes in self.points:
            right = np.asarray(truth(step.claim, point), dtype=np.float64)
            still = np.asarray(unmoved(step, point), dtype=np.float64)
            hand = numbers_of(step.outcome(outcomes).received)
            if hand is None or hand.shape != right.shape or still.shape != right.shape:
                return None
            c = factor_of(hand - still, right - still, 1e-6)
            if c is None:
                return None
            known = {n: value for n, value in point.environment.items() if n not in state}  # 0.1 is not 1/t at step 10
            found.append((c, constant_in_words(c, known)))
        c, name = found[0]
        same = all(abs(d / c - 1) < 1e-6 or (name and n == name) for d, n in found)
        return (c, name) if same and abs(c - 1) >= 1e-6 else None

    def without_gradient(self, step: Step, point: Point) -> Any:
        """Return what an update gives for a gradient of 0."""
        return updated(step.claim, point, np.zeros_like(point.gradient(step.claim.quantity)))

    def without_step(self, step: Step, point: Point) -> Any:
        """Return what an update gives if the parameter stays, but not its state."""
        right = np.array(truth(step.claim, point), dtype=np.float64)
        before = np.asarray(point.environment[step.claim.quantity], dtype=np.float64)
        if right.size >= before.size:
            right.reshape(-1)[: before.size] = before.reshape(-1)
        return right

    def slipped(self, step: Step) -> bool:
        """Say of a wrong update which of the slips it is that the rule is known for, if it is one at all points."""
        cases = []
        for point, outcomes in self.points:
            gradient = point.gradient(step.claim.quantity)
            u = update_of(step.claim.rule, {**point.environment, **driving(step.claim, point, gradient)})
            outcome = step.outcome(outcomes)
            hand = numbers_of(outcome.true if outcome.right else outcome.received)
            right = np.asarray(truth(step.claim, point), dtype=np.float64)
            if u is None or hand is None or hand.shape != right.shape:
                return False
            cases.append((u, hand, right))
        slip = slip_of(cases, functools.partial(selected, step.claim))
        if slip is not None:
            step.verdict.cause, step.verdict.explanation = slip[0], f"`{step.verdict.name}` {slip[1]}"
        return slip is not None

    def explain_constant(self, step: Step) -> None:
        """Say of a formula that is off by a well-known constant only, that this is its mistake."""
        v = step.verdict
        if step.claim.kind != "gradient" or v.cause not in VAGUE:
            return
        c = self.constant(step, lambda o: o.true)
        name = constant_in_words(c, self.judge.point.environment) if c is not None else ""
        if c is not None and name and abs(c - 1) > 1e-9:
            v.cause = Cause.SIGN if abs(c + 1) < 1e-9 else Cause.SCALE
            v.explanation = f"`{v.name}` equals the right answer times {name}"

    def remark(self, off: Mapping[Step, float]) -> None:
        """Where all gradients of parameters share a constant that nothing undoes, say what would make it a convention."""
        finals = [s for s in self.steps if s.claim.kind == "gradient" and self.final(s)]
        shared = [off.get(s) for s in finals]
        if not finals or shared[0] is None or any(c is None or abs(c / shared[0] - 1) > 1e-8 for c in shared):
            return
        first = next((s for s in off if s.verdict.status is Status.WRONG), None)
        if first is None or len(finals) < 2 or abs(off[first] / shared[0] - 1) > 1e-8:
            return
        c = self.named(shared[0])
        first.verdict.notes.append(
            f"the gradients of all parameters are {c} times what they should be: if the update is to undo that, state it "
            "with d.update(...), and it is a convention"
        )


def _of_claim(name: str, outcomes: Mapping[str, Outcome]) -> Outcome:
    return outcomes[name]


def _of_part(claim: Claim, key: str, outcomes: Mapping[str, Outcome]) -> Outcome:
    value = part_of(outcomes[claim.name].received, key, claim)
    return Outcome(received=value, true=value, right=True)


def listed(names: list[str]) -> str:
    """Return names as one says them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
