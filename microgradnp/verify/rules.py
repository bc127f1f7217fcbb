"""A hand-written backward rule of one operation, checked by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from microgradnp.graph import trace
from microgradnp.tape import Node
from microgradnp.transforms import parameter_names, vjp
from microgradnp.verify.calling import failure_in
from microgradnp.verify.claims import source_of
from microgradnp.verify.differences import Kind
from microgradnp.verify.gradients import BUDGET, rounding_of_gradients, scalar_of
from microgradnp.verify.guard import TIME_LIMIT, printed_note, quietly, time_limit
from microgradnp.verify.inputs import copied, reference, unchanged
from microgradnp.verify.judgement import TOLERANCE, Cause, Status, Witness, compare, finite_gap
from microgradnp.verify.report import Report, Verdict
from microgradnp.verify.rule_causes import causes_of_rule

Function = Callable[..., Any]


def check_rule(
    f: Function,
    backward: Function,
    *args: Any,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    wrt: Sequence[str] | None = None,
    budget: int = BUDGET,
) -> Report:
    """Check a hand-written backward rule against autodiff and differences.

    The cotangent is random, never ones; the rule must be linear in it, give every input's gradient its input's exact
    shape, and leave what it is given as it was.

    Parameters
    ----------
    f : callable
        The operation, in NumPy: ``f(*args)`` is one array.
    backward : callable
        ``backward(g, *args)``: the gradients of the arguments for the cotangent `g`, of the shape of the result: one
        array, a tuple in the order of the arguments (None for those without a gradient), or a dict by name.
    *args
        Where to check.
    tolerance : float
        Relative difference that still counts as equal, besides rounding.
    seed : int
        Of the cotangents.
    wrt : sequence of str, optional
        The arguments whose gradients are returned, where they are not all the floating point ones.
    budget : int
        How many entries of one argument differences measure one by one.

    Returns
    -------
    Report
        One verdict for each gradient, by the argument's name.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> def scale_rule(g, x, s):
    ...     return g * s, g * x  # the second should be summed: s was broadcast
    >>> report = mg.check_rule(lambda x, s: x * s, scale_rule, np.ones((2, 3)), np.ones(3))
    >>> str(report["x"].status), str(report["s"].status)
    ('correct', 'wrong')
    """
    args = tuple(reference(a) for a in args)
    names = [*parameter_names(f), *(f"argument {i}" for i in range(len(args)))][: len(args)]
    rng = np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        y = np.asarray(f(*(copied(a) for a in args)))
    if y.dtype.kind != "f":
        raise TypeError(
            f"check_rule wants an operation that returns floating point numbers, this one returned {y.dtype}"
        )
    floats = [
        i
        for i, a in enumerate(args)
        if isinstance(a, float | np.ndarray | np.generic) and np.asarray(a).dtype.kind == "f"
    ]
    wanted = [names.index(n) for n in wrt] if wrt is not None else floats
    cotangent = rng.standard_normal(y.shape)
    caller = Caller(backward, args, names, wanted)
    first = caller(cotangent)
    graph, loss = traced(f, args, names, cotangent)
    if caller.failure:
        verdict = Verdict(
            name=getattr(backward, "__name__", "backward"),
            of=names[wanted[0]] if wanted else "",
            kind="backward",
            status=Status.UNVERIFIABLE,
            explanation=caller.failure,
            formula=source_of(backward),
        )
        return Report(f"rule of {getattr(f, '__name__', 'f')}", [verdict], graph, loss)
    doubled, opposite = caller(2 * cotangent), caller(-cotangent)
    true = autodiff_of(f, args, wanted, cotangent)
    verdicts = []
    for k, i in enumerate(wanted):
        x = np.asarray(args[i], dtype=np.float64)

        def along(value: Any, i: int = i) -> Any:
            changed = [
                value[()] if j == i and np.ndim(value) == 0 else value if j == i else copied(a)
                for j, a in enumerate(args)
            ]
            return np.sum(np.asarray(f(*changed), dtype=np.float64) * cotangent)

        witness = Witness.of(along, x, budget, rng)
        hand = first[k]
        verdict = Verdict(
            name=f"{getattr(backward, '__name__', 'backward')}: {names[i]}",
            of=names[i],
            kind="backward",
            status=Status.UNVERIFIABLE,
            hand=hand,
            differences=witness.full(),
            kinks=witness.kinks(),
            formula=source_of(backward),
            notes=list(caller.notes),
        )
        verdicts.append(verdict)
        if true is not None:
            verdict.autodiff, spread = true[0][k], true[1][k]
        elif witness.complete and np.all(witness.slopes.kind == Kind.SMOOTH):
            # the operation cannot be recorded: differences are the only witness, as exact as they say
            verdict.autodiff = witness.full()
            spread = np.zeros(x.shape)
            for entry, error in zip(witness.entries, witness.slopes.error, strict=True):
                spread[entry] = error
            verdict.notes.append("autodiff could not record the operation: differences are the only witness")
        else:
            verdict.explanation = "autodiff could not record the operation, and differences cannot tell everywhere"
            continue
        finding = compare(hand, verdict.autodiff, spread, witness, tolerance, names[i])
        verdict.status, verdict.error, verdict.wrong = finding.status, finding.error, finding.wrong
        verdict.explanation, verdict.cause = finding.note, finding.cause
        linearity = nonlinear(hand, doubled[k], opposite[k], spread)
        if linearity and finding.status is not Status.UNVERIFIABLE and finding.cause is not Cause.SHAPE:
            verdict.status, verdict.explanation = Status.WRONG, linearity
            verdict.cause = Cause.UPSTREAM_IGNORED if "ignores" in linearity else Cause.UNKNOWN
            verdict.wrong = np.ones(x.shape, dtype=bool)
        elif finding.status is Status.WRONG and verdict.cause is None:
            verdict.cause = Cause.UNKNOWN
    name_causes(verdicts, f, backward, args, [names[i] for i in wanted], caller, seed)
    return Report(f"rule of {getattr(f, '__name__', 'f')}", verdicts, graph, loss)


def name_causes(
    verdicts: Sequence[Verdict],
    f: Function,
    backward: Function,
    args: Sequence[Any],
    wanted: Sequence[str],
    caller: Caller,
    seed: int,
) -> None:
    """Put the causes of wrong gradients into their verdicts, where one edit of the rule explains them."""
    wrong = [v for v in verdicts if v.status is Status.WRONG and v.cause in (None, Cause.UNKNOWN, Cause.SHAPE)]
    if not wrong:
        return
    found = causes_of_rule(f, backward, args, wanted, [v.of for v in wrong], caller.sorted_out, seed)
    for verdict in wrong:
        if verdict.of in found:
            verdict.cause, verdict.explanation = found[verdict.of]


class Caller:
    """Calls the rule on copies, and notes what it does to them."""

    def __init__(self, backward: Function, args: Sequence[Any], names: Sequence[str], wanted: Sequence[int]) -> None:
        self.backward, self.args, self.names, self.wanted = backward, args, names, wanted
        self.notes: list[str] = []
        self.failure = ""

    def __call__(self, g: Any) -> list[Any]:
        """Return one gradient per wanted argument."""
        given = [copied(a) for a in self.args]
        cotangent = np.array(g)
        try:
            with np.errstate(all="ignore"), quietly() as printed, time_limit(TIME_LIMIT):
                result = self.backward(cotangent[()] if not cotangent.ndim else cotangent, *given)
        except (Exception, SystemExit) as error:
            self.failure = failure_in(error, self.backward, "the rule")
            return [None] * len(self.wanted)
        if printed.getvalue().strip() and not any("prints" in note for note in self.notes):
            self.notes.append(printed_note("the rule", printed.getvalue()))
        changed = [n for n, a, b in zip(self.names, given, self.args, strict=False) if not unchanged(a, b)]
        if not np.array_equal(cotangent, g):
            changed.insert(0, "the cotangent g")
        note = f"the rule changes {', '.join(changed)} in place: whoever uses it afterwards gets another value"
        if changed and note not in self.notes:
            self.notes.append(note)
        return self.sorted_out(result)

    def sorted_out(self, result: Any) -> list[Any]:
        """Match what was returned with the arguments."""
        count = len(self.wanted)
        if isinstance(result, Mapping):
            return [result.get(self.names[i], result.get("d" + self.names[i])) for i in self.wanted]
        if isinstance(result, tuple | list):
            if len(result) == len(self.args):
                return [result[i] for i in self.wanted]
            if len(result) == count:
                return list(result)
            self.failure = f"the rule returned {len(result)} gradients for {len(self.args)} arguments; return one for each, or None"
            return [None] * count
        if count != 1 and len(self.args) != 1:
            self.failure = f"the rule returned one array for {count} arguments; return a tuple"
            return [None] * count
        return [result]


def nonlinear(once: Any, doubled: Any, opposite: Any, spread: Any) -> str:
    """Say if a rule is not linear in its cotangent; empty if it is."""
    try:
        once, doubled, opposite = (np.asarray(b, dtype=np.float64) for b in (once, doubled, opposite))
    except (TypeError, ValueError):
        return ""
    if not once.shape == doubled.shape == opposite.shape:
        return "the shape of its gradient depends on the cotangent"
    room = 1e-9 * np.max(np.abs(once), initial=0.0) + 16 * np.max(spread, initial=0.0)
    if (
        np.max(finite_gap(doubled, 2 * once), initial=0.0) <= room
        and np.max(finite_gap(opposite, -once), initial=0.0) <= room
    ):
        return ""
    if np.max(finite_gap(doubled, once), initial=0.0) <= room:
        return "it ignores the upstream gradient g: twice the cotangent must give twice the gradient"
    return "it is not linear in the upstream gradient g: twice the cotangent must give twice the gradient"


def autodiff_of(
    f: Function, args: Sequence[Any], wanted: Sequence[int], cotangent: Any
) -> tuple[list[Any], list[Any]] | None:
    """Return the true gradients and their rounding, or None where f cannot be recorded."""

    def scalar(*xs: Any) -> Any:
        full = list(args)
        for i, x in zip(wanted, xs, strict=True):
            full[i] = x
        return np.sum(f(*full) * cotangent)

    point = [np.asarray(args[i], dtype=np.float64) for i in wanted]
    try:
        with np.errstate(all="ignore"):
            y, pull = vjp(scalar, *(scalar_of(p) for p in point))
            true = [np.asarray(g, dtype=np.float64) for g in pull(np.ones(np.shape(y)))]
        return true, rounding_of_gradients(scalar, point, true, np.random.default_rng(0))[0]
    except Exception:  # whatever keeps it from being recorded, differences still judge
        return None


def traced(f: Function, args: Sequence[Any], names: Sequence[str], cotangent: Any) -> tuple[Any, Node | None]:
    """Return the graph of the operation for pictures, if it can be recorded."""
    try:
        graph = trace(f, *args)
    except Exception:
        return None, None
    return graph, graph.outputs[0] if graph.outputs else None
