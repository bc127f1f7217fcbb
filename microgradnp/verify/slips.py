"""What people get wrong when they write an optimizer's rule by hand: each slip as the rule that it makes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from microgradnp.optim import rules
from microgradnp.optim.rules import average, penalised
from microgradnp.verify.judgement import Cause
from microgradnp.verify.updates import OptimizerRule

Array = Any

#: A cause, what the hand-written update does (after its name), and what comes out of that.
Slip = tuple[Cause, str, tuple[Array, ...]]


@dataclass(frozen=True)
class Update:
    """One call of a rule of ours: with which state, and which settings."""

    rule: Callable[..., Any]
    parameter: Array
    gradient: Array
    state: Mapping[str, Any]  # in the order of the rule, without t
    t: int | None
    settings: Mapping[str, Any]
    kept: tuple[str, ...]  # the states that the right update returns

    def result(self) -> tuple[Array, ...]:
        """Return what the rule gives."""
        counted = [] if self.t is None else [self.t]
        new = self.rule(self.parameter, self.gradient, *self.state.values(), *counted, **self.settings)
        return self.returned(new)

    def returned(self, new: tuple[Array, ...]) -> tuple[Array, ...]:
        """Return the parameter and those of the states that the right update returns, and t."""
        kept = (value for name, value in zip(self.state, new[1:], strict=True) if name in self.kept)
        return (new[0], *kept, *([] if self.t is None else [self.t]))

    def but(self, **settings: Any) -> tuple[Array, ...]:
        """Return what the rule gives with other settings."""
        return replace(self, settings={**self.settings, **settings}).result()


def update_of(rule: Any, environment: Mapping[str, Any]) -> Update | None:
    """Return the call of a rule of ours that an update is compared with; None if it is another function."""
    if isinstance(rule, OptimizerRule):
        optimizer = rule.optimizer
        given = {name: environment.get(called, rule.first[name]) for name, called in rule.names.items()}
        state = {name: given.get(name, 0.0) for name in optimizer.states}
        t = given["t"] + rule.ahead if optimizer.counted else None
        function = type(optimizer).rule
        return Update(
            function, environment["parameter"], environment["gradient"], state, t, rule.settings, tuple(rule.kept)
        )
    settings = dict(rule.keywords) if isinstance(rule, functools.partial) and not rule.args else {}
    function = rule.func if settings else rule
    if function not in RULES:
        return None
    state, t = {}, None
    for name, p in list(inspect.signature(function).parameters.items())[2:]:
        value = settings.get(name, environment.get(name, p.default))
        if value is p.empty:
            return None
        if p.kind is p.KEYWORD_ONLY:
            settings[name] = value
        elif name == "t":
            t = value
        else:
            state[name] = value
    return Update(function, environment["parameter"], environment["gradient"], state, t, settings, tuple(state))


def slip_of(
    cases: Sequence[tuple[Update, Array, Array]], selected: Callable[[tuple[Array, ...]], Array | None]
) -> tuple[Cause, str] | None:
    """Return the slip that explains a wrong update at all points, if there is one.

    Parameters
    ----------
    cases : sequence of (Update, ndarray, ndarray)
        At each point what the rule is called with, what the hand-written update gave, and what is right.
    selected : callable
        Makes of the results of a rule what is compared.
    """
    left: dict[tuple[Cause, str], float] = {}  # which part of the error each slip does not explain
    for u, hand, right in cases:
        known = np.isfinite(right) & np.isfinite(hand)  # a mean square may have been drawn below 0
        off = np.max(np.abs(hand - right), where=known, initial=0.0)
        if not off:
            continue
        rounding = 16 * np.finfo(np.float64).eps * np.abs(hand)
        found = {}
        with np.errstate(all="ignore"):
            for cause, text, made in slips(u):
                other = selected(made)
                if other is not None and other.shape == hand.shape and np.all(np.isfinite(other[known])):
                    gap = float(np.max(np.abs(hand - other) - rounding, where=known, initial=0.0)) / off
                    if gap <= 1e-3:
                        found[cause, text] = max(gap, left.get((cause, text), 0.0))
        left = {slip: gap for slip, gap in found.items() if not left or slip in left}
        if not left:
            return None
    least = 10 * min(left.values(), default=0.0) + 1e-12
    return next((slip for slip, gap in left.items() if gap <= least), None)


def slips(u: Update) -> Iterator[Slip]:
    """Yield the slips that a rule is known for, then those that every rule has."""
    if u.rule in RULES:
        yield from RULES[u.rule](u)
    yield from general(u)


def general(u: Update) -> Iterator[Slip]:
    """What may happen with every rule."""
    s = u.settings
    uphill = replace(u, gradient=-u.gradient).result()
    yield Cause.SIGN, "takes the gradient with the opposite sign", uphill
    new, *state = u.result()
    yield Cause.SIGN, "adds the step, which is to be taken away", (2 * u.parameter - new, *state)
    if s.get("weight_decay"):
        yield Cause.REGULARISER, "leaves out the weight decay", u.but(weight_decay=0.0)
        yield Cause.REGULARISER, "adds the weight decay with the wrong sign", u.but(weight_decay=-s["weight_decay"])
        yield (
            Cause.SCALE,
            "decays the weights by 2 weight_decay, not by weight_decay",
            u.but(weight_decay=2 * s["weight_decay"]),
        )
    if u.t is not None:
        yield (
            Cause.SHIFTED_INDEX,
            "takes t for one more than it is: t is the number of this step, from 1",
            returning_t(replace(u, t=u.t + 1).result(), u.t),
        )
        if u.t > 1:
            yield (
                Cause.SHIFTED_INDEX,
                "takes t for one less than it is: t is the number of this step, from 1",
                returning_t(replace(u, t=u.t - 1).result(), u.t),
            )
    if "betas" in s and s["betas"][0] != s["betas"][1]:
        yield Cause.WRONG_OPERAND, "has the two betas the wrong way round", u.but(betas=(s["betas"][1], s["betas"][0]))


def returning_t(result: tuple[Array, ...], t: int) -> tuple[Array, ...]:
    """Return a result with another t at its end."""
    return (*result[:-1], t)


def of_sgd(u: Update) -> Iterator[Slip]:
    """Momentum and Nesterov's."""
    s, velocity, g = u.settings, u.state["velocity"], u.gradient
    momentum, lr = s["momentum"], s["lr"]
    if not momentum:
        return
    if s["nesterov"]:
        yield Cause.MISSING_TERM, "has plain momentum: Nesterov's step is g + momentum v'", u.but(nesterov=False)
        g = penalised(g, u.parameter, s["weight_decay"])
        new = momentum * velocity + g
        yield (
            Cause.STALE_VALUE,
            "looks ahead with the old velocity: Nesterov's step is g + momentum v' with the new one",
            u.returned((u.parameter - lr * (g + momentum * velocity), new)),
        )
        yield (
            Cause.DOUBLE_COUNT,
            "adds momentum v' to the new velocity: Nesterov's step is g + momentum v'",
            u.returned((u.parameter - lr * (new + momentum * new), new)),
        )
    else:
        yield (
            Cause.DOUBLE_COUNT,
            "looks ahead as Nesterov's momentum does, which was not asked for",
            u.but(nesterov=True),
        )
    g = penalised(u.gradient, u.parameter, s["weight_decay"])
    new = momentum * velocity + (1 - momentum) * g
    yield (
        Cause.SCALE,
        "takes the running average momentum v + (1 - momentum) g for the velocity momentum v + g",
        u.returned((u.parameter - lr * (((1 - momentum) * g + momentum * new) if s["nesterov"] else new), new)),
    )
    new = momentum * velocity + g
    yield (
        Cause.STALE_VALUE,
        "moves along the old velocity, not the new one",
        u.returned((u.parameter - lr * velocity, new)),
    )
    yield Cause.MISSING_TERM, "leaves out the momentum", u.returned((u.parameter - lr * g, g))
    classical = replace(u, state={"velocity": -velocity / lr}).result() if lr else None
    if classical is not None:
        yield (
            Cause.SCALE,
            "has the learning rate in the velocity, M = -lr v: state the rule in its units, or give it velocity=-M/lr",
            (classical[0], -lr * classical[1], *classical[2:]),
        )


Divisor = Callable[[Array, float], Array]

#: How the gradient may be divided wrongly by the root of a mean square.
DIVISORS: list[tuple[Cause, str, Divisor]] = [
    (
        Cause.WRONG_OPERAND,
        "adds eps inside the root, which wants it outside: √{v} + eps",
        lambda v, eps: np.sqrt(v + eps),
    ),
    (Cause.MISSING_FACTOR, "leaves out the root: the divisor is √{v} + eps", lambda v, eps: v + eps),
    (Cause.MISSING_TERM, "leaves out eps: the divisor is √{v} + eps", lambda v, _eps: np.sqrt(v)),
]


def of_moments(u: Update) -> Iterator[Slip]:
    """Adam and AdamW."""
    s, m, v, p, t = u.settings, u.state["m"], u.state["v"], u.parameter, u.t
    assert t is not None
    (beta1, beta2), eps, lr, decay = s["betas"], s["eps"], s["lr"], s["weight_decay"]
    apart = u.rule is rules.adamw
    g = u.gradient if apart else penalised(u.gradient, p, decay)
    start = (1 - lr * decay) * p if apart else p

    def made(
        m: Array, v: Array, of_m: float = 1 - beta1**t, of_v: float = 1 - beta2**t, divisor: Divisor | None = None
    ) -> Array:
        root = divisor(v / of_v, eps) if divisor else np.sqrt(v / of_v) + eps
        return start - lr * (m / of_m) / root

    new_m, new_v = average(m, g, beta1), average(v, g * g, beta2)

    def slip(moved: Array, m: Array = new_m, v: Array = new_v) -> tuple[Array, ...]:
        return u.returned((moved, m, v))

    yield (
        Cause.MISSING_FACTOR,
        "leaves out the bias corrections m' / (1 - β1^t) and v' / (1 - β2^t)",
        slip(made(new_m, new_v, 1.0, 1.0)),
    )
    yield Cause.MISSING_FACTOR, "leaves out the bias correction m' / (1 - β1^t)", slip(made(new_m, new_v, of_m=1.0))
    yield Cause.MISSING_FACTOR, "leaves out the bias correction v' / (1 - β2^t)", slip(made(new_m, new_v, of_v=1.0))
    for cause, text, divisor in DIVISORS:
        yield cause, text.format(v="v̂"), slip(made(new_m, new_v, divisor=divisor))
        for corrected, of_m, of_v in (
            ("both bias corrections", 1.0, 1.0),
            ("the bias correction of m", 1.0, 1 - beta2**t),
            ("the bias correction of v", 1 - beta1**t, 1.0),
        ):
            both = f"{text.format(v='v̂')}, and leaves out {corrected}"
            yield cause, both, slip(made(new_m, new_v, of_m, of_v, divisor))
    if decay:
        other = rules.adam if apart else rules.adamw
        text = (
            "adds the weight decay to the gradient, as Adam with a penalty does: AdamW takes it from the parameter, apart"
            if apart
            else "takes the weight decay from the parameter, as AdamW does: here it is added to the gradient"
        )
        yield Cause.REGULARISER, text, replace(u, rule=other).result()
        if apart:
            yield (
                Cause.REGULARISER,
                "decays the weights by weight_decay, not by lr weight_decay",
                slip(made(new_m, new_v) - start + (1 - decay) * p),
            )
            moved = made(new_m, new_v) - start + p
            yield Cause.STALE_VALUE, "decays the weights after the step, not before it", slip((1 - lr * decay) * moved)
    yield Cause.STALE_VALUE, "moves along the old m, not the new one", slip(made(m, new_v))
    yield Cause.STALE_VALUE, "divides by the root of the old v, not the new one", slip(made(new_m, v))
    yield Cause.STALE_VALUE, "uses the old m and v, not the new ones", slip(made(m, v))
    for cause, text, one in (
        (Cause.MISSING_FACTOR, "leaves out the factor 1 - β1 of the gradient in m", (beta1 * m + g, new_v)),
        (Cause.MISSING_FACTOR, "leaves out the factor 1 - β2 of g² in v", (new_m, beta2 * v + g * g)),
        (Cause.MISSING_FACTOR, "leaves out the factors 1 - β1 and 1 - β2", (beta1 * m + g, beta2 * v + g * g)),
        (
            Cause.WRONG_OPERAND,
            "squares m where v wants the square of the gradient",
            (new_m, average(v, new_m**2, beta2)),
        ),
        (Cause.MISSING_FACTOR, "does not square the gradient in v", (new_m, average(v, g, beta2))),
        (Cause.WRONG_OPERAND, "swaps β1 and 1 - β1", (average(m, g, 1 - beta1), new_v)),
        (Cause.WRONG_OPERAND, "swaps β2 and 1 - β2", (new_m, average(v, g * g, 1 - beta2))),
        (
            Cause.WRONG_OPERAND,
            "swaps β and 1 - β in both averages",
            (average(m, g, 1 - beta1), average(v, g * g, 1 - beta2)),
        ),
    ):
        yield cause, text, slip(made(*one), *one)
    yield Cause.WRONG_OPERAND, "moves along the gradient, not along m", slip(made(g, new_v, of_m=1.0))


def of_rmsprop(u: Update) -> Iterator[Slip]:
    """RMSprop, and Adagrad, which sums where that averages."""
    s, square, p = u.settings, u.state["square"], u.parameter
    g = penalised(u.gradient, p, s["weight_decay"])
    lr, eps, summed = s["lr"], s["eps"], u.rule is rules.adagrad
    if s.get("centered") or s.get("momentum"):
        if s["centered"]:
            yield Cause.MISSING_TERM, "does not take the square of the mean from the mean square", u.but(centered=False)
        if s["momentum"]:
            yield Cause.MISSING_TERM, "leaves out the momentum", u.but(momentum=0.0)
        return

    def slip(new: Array, by: Array | None = None, divisor: Divisor | None = None) -> tuple[Array, ...]:
        by = new if by is None else by
        moved = p - lr * g / (divisor(by, eps) if divisor else np.sqrt(by) + eps)
        return u.returned((moved, new) if summed else (moved, new, u.state["mean"], u.state["velocity"]))

    new = square + g * g if summed else average(square, g * g, s["decay"])
    for cause, text, divisor in DIVISORS:
        yield cause, text.format(v="s'"), slip(new, divisor=divisor)
    yield Cause.STALE_VALUE, "divides by the root of the old square, not the new one", slip(new, by=square)
    if summed:
        yield Cause.MISSING_TERM, "forgets the squares so far: s' = s + g²", slip(g * g)
    else:
        decay = s["decay"]
        yield Cause.MISSING_FACTOR, "leaves out the factor 1 - decay of g²", slip(decay * square + g * g)
        yield Cause.WRONG_OPERAND, "swaps decay and 1 - decay", slip(average(square, g * g, 1 - decay))
        yield Cause.MISSING_FACTOR, "does not square the gradient in the mean square", slip(average(square, g, decay))


def of_lion(u: Update) -> Iterator[Slip]:
    """Lion."""
    s, m, g, p = u.settings, u.state["m"], u.gradient, u.parameter
    (beta1, beta2), lr, decay = s["betas"], s["lr"], s["weight_decay"]
    new, mixed = average(m, g, beta2), average(m, g, beta1)

    def slip(direction: Array, m: Array = new) -> tuple[Array, ...]:
        return u.returned((p - lr * penalised(direction, p, decay), m))

    yield Cause.MISSING_FACTOR, "leaves out the sign", slip(mixed)
    yield Cause.STALE_VALUE, "takes the sign of the new m, not of β1 m + (1 - β1) g", slip(np.sign(new))
    yield Cause.STALE_VALUE, "keeps β1 m + (1 - β1) g as m, which wants β2", slip(np.sign(mixed), mixed)
    yield Cause.WRONG_OPERAND, "takes the sign of the gradient, not of β1 m + (1 - β1) g", slip(np.sign(g))


def of_nadam(u: Update) -> Iterator[Slip]:
    """NAdam, of which there are several forms."""
    s, m, v, p, t = u.settings, u.state["m"], u.state["v"], u.parameter, u.t
    assert t is not None
    (beta1, beta2), lr = s["betas"], s["lr"]
    g = penalised(u.gradient, p, s["weight_decay"])
    new, square = average(m, g, beta1), average(v, g * g, beta2)
    corrected = new / (1 - beta1**t)
    now = beta1 * (1 - 0.5 * 0.96 ** (t * s["momentum_decay"]))

    def slip(ahead: Array) -> tuple[Array, ...]:
        moved = p - lr * ahead / (np.sqrt(square / (1 - beta2**t)) + s["eps"])
        return u.returned((moved, new, square, u.state["product"] * now))

    if np.isfinite(s["momentum_decay"]):
        yield (
            Cause.WRONG_OPERAND,
            "has the momentum β1 at every step, not one that grows towards it: momentum_decay=inf states that",
            slip(beta1 * new / (1 - beta1 ** (t + 1)) + (1 - beta1) * g / (1 - beta1**t)),
        )
    yield (
        Cause.SHIFTED_INDEX,
        "divides the momentum by 1 - β1^t: looking ahead wants 1 - β1^(t + 1)",
        slip(beta1 * corrected + (1 - beta1) * g / (1 - beta1**t)),
    )
    yield Cause.MISSING_TERM, "is a step of Adam, which does not look ahead", slip(corrected)


def of_amsgrad(u: Update) -> Iterator[Slip]:
    """AMSGrad."""
    assert u.t is not None
    new, m, v = rules.adam(u.parameter, u.gradient, u.state["m"], u.state["v"], u.t, **u.settings)
    largest = np.maximum(u.state["largest"], v)
    yield (
        Cause.MISSING_TERM,
        "is a step of Adam: the divisor is the root of the largest v",
        u.returned((new, m, v, largest)),
    )


RULES: dict[Any, Callable[[Update], Iterator[Slip]]] = {
    rules.sgd: of_sgd,
    rules.rmsprop: of_rmsprop,
    rules.adagrad: of_rmsprop,
    rules.adam: of_moments,
    rules.adamw: of_moments,
    rules.amsgrad: of_amsgrad,
    rules.nadam: of_nadam,
    rules.lion: of_lion,
}
