"""Hand-written updates against the optimizers' rules: right ones in every form, and wrong ones with the slip that they are."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp import Derivation
from microgradnp.optim import SGD, Adagrad, Adam, AdamW, AMSGrad, Lion, NAdam, Optimizer, RMSprop, rules
from microgradnp.verify import Cause, Report, Status
from microgradnp.verify.claims import DerivationError

rng = np.random.default_rng(3)
X, Y, W = rng.normal(size=(6, 3)), rng.normal(size=6), rng.normal(size=3)
STATE = {"m": 0.4 * rng.normal(size=3), "v": rng.uniform(0.1, 1, 3), "t": 4}
LR, B1, B2, EPS, WD = 0.02, 0.9, 0.99, 1e-6, 0.3


def of(make: Any, **options: Any) -> Any:
    return make([mg.tensor(np.zeros(3), requires_grad=True)], lr=LR, **options)


def verdict_of(rule: Any, formula: Callable[..., Any], state: Any = None, names: Any = None) -> Any:
    return report_of(rule, formula, STATE if state is None else state, names)["step"]


def report_of(rule: Any, formula: Callable[..., Any], state: Any, names: Any = None) -> Report:
    d = Derivation()

    @d.forward
    def model(X, y, w):
        r = X @ w - y
        loss = np.sum(r**2)
        return loss

    d.gradient("w", lambda X, r: 2 * X.T @ r, name="g")
    d.update("w", rule, formula, name="step", **({"state": names} if names else {}))
    takes = {*inspect.signature(formula).parameters}
    if isinstance(rule, Optimizer):
        takes |= {*rule.needed(rule.settings), *(["t"] if rule.counted else [])}
    else:
        takes |= {*inspect.signature(rule).parameters}
    return d.verify(X=X, y=Y, w=W, **{name: value for name, value in state.items() if name in takes})


# -- Adam, as people write it: a place for every slip ----------------------------------------------------------------------


def adam_by_hand(returns: str = "w m v", decay: str = "", **changes: str) -> Callable[..., Any]:
    """Return a hand-written Adam, some lines of which are changed."""
    lines = {
        "g": "g + WD * w" if decay == "coupled" else "g",
        "w": "w * (1 - LR * WD)" if decay == "apart" else "w",
        "m": "B1 * m + (1 - B1) * g",
        "v": "B2 * v + (1 - B2) * g**2",
        "mh": "m / (1 - B1**t)",
        "vh": "v / (1 - B2**t)",
        "d": "np.sqrt(vh) + EPS",
        "w2": "w - LR * mh / d",
    } | changes
    body = "\n    ".join(f"{k.removesuffix('2')} = {v}" for k, v in lines.items())
    source = f"def step(w, g, m, v, t):\n    {body}\n    return {returns.replace(' ', ', ')}\n"
    space: dict[str, Any] = {"np": np, "LR": LR, "B1": B1, "B2": B2, "EPS": EPS, "WD": WD}
    exec(source, space)
    return space["step"]  # type: ignore[no-any-return]


ADAM = functools.partial(of, Adam, betas=(B1, B2), eps=EPS)
ADAMW = functools.partial(of, AdamW, betas=(B1, B2), eps=EPS, weight_decay=WD)


@pytest.mark.parametrize("returns", ["w", "w m", "w m v", "w m v t"])
@pytest.mark.parametrize(
    "rule", [ADAM(), functools.partial(rules.adam, lr=LR, betas=(B1, B2), eps=EPS)], ids=["class", "function"]
)
def test_adam_by_hand_is_right_whatever_it_returns(returns: str, rule: Any) -> None:
    if isinstance(rule, functools.partial) and returns.endswith("t"):
        pytest.skip("the pure rule returns no t")
    assert verdict_of(rule, adam_by_hand(returns)).status is Status.CORRECT


def test_a_rule_whose_settings_are_inputs() -> None:
    formula = adam_by_hand()
    state = {**STATE, "lr": LR, "betas": (B1, B2), "eps": EPS}
    assert verdict_of(rules.adam, formula, state).status is Status.CORRECT
    assert verdict_of(rules.adam, formula, {**state, "lr": 2 * LR}).status is Status.WRONG


def test_other_ways_to_write_adam() -> None:
    def efficient(w, g, m, v, t):  # the end of section 2 of the paper: the corrections in the learning rate
        m = m + (1 - B1) * (g - m)
        v = v + (1 - B2) * (g * g - v)
        return w - LR * np.sqrt(1 - B2**t) / (1 - B1**t) * m / (np.sqrt(v) + EPS * np.sqrt(1 - B2**t)), m, v

    def counting(w, g, m, v, t):  # from the number of steps before
        t = t + 1
        m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g**2
        return w - LR * (m / (1 - B1**t)) / (np.sqrt(v / (1 - B2**t)) + EPS), m, v, t

    def with_true_gradient(parameter, gradient, m, v, t):
        return rules.adam(parameter, gradient, m, v, t, lr=LR, betas=(B1, B2), eps=EPS)

    def first(w, g):
        return w - LR * g / (np.abs(g) + EPS)

    def renamed(w, g, mW, vW, t):
        return adam_by_hand()(w, g, mW, vW, t)

    def by_name(w, g, m, v, t):
        w, m, v = adam_by_hand()(w, g, m, v, t)
        return {"v": v, "w": w}

    def in_place(w, g, m, v, t):
        m *= B1
        m += (1 - B1) * g
        v *= B2
        v += (1 - B2) * g * g
        w -= LR * (m / (1 - B1**t)) / (np.sqrt(v / (1 - B2**t)) + EPS)
        return [w, m, v]

    def entry_by_entry(w, g):
        return [w[i] - LR * g[i] / (abs(g[i]) + EPS) for i in range(3)]

    assert verdict_of(ADAM(), by_name).status is Status.CORRECT
    assert verdict_of(ADAM(), in_place).status is Status.CORRECT
    assert verdict_of(ADAM(), entry_by_entry, {}).status is Status.CORRECT
    assert verdict_of(ADAM(), efficient).status is Status.CORRECT
    assert verdict_of(ADAM(), counting).status is Status.CORRECT
    assert verdict_of(ADAM(), with_true_gradient).status is Status.CORRECT
    assert verdict_of(ADAM(), first, {}).status is Status.CORRECT  # no state: it is that before the first step
    other = {"mW": STATE["m"], "vW": STATE["v"], "t": 4}
    assert verdict_of(ADAM(), renamed, other, {"m": "mW", "v": "vW"}).status is Status.CORRECT


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mh": "m", "vh": "v"}, "leaves out the bias corrections m' / (1 - β1^t) and v' / (1 - β2^t)"),
        ({"mh": "m"}, "leaves out the bias correction m' / (1 - β1^t)"),
        ({"vh": "v"}, "leaves out the bias correction v' / (1 - β2^t)"),
        ({"d": "np.sqrt(vh + EPS)"}, "adds eps inside the root, which wants it outside: √v̂ + eps"),
        ({"d": "vh + EPS"}, "leaves out the root: the divisor is √v̂ + eps"),
        ({"d": "np.sqrt(vh)"}, "leaves out eps: the divisor is √v̂ + eps"),
        ({"d": "np.sqrt(v + EPS)", "mh": "m"}, "adds eps inside the root, which wants it outside: √v̂ + eps, and leaves out both bias corrections"),
        ({"m": "B2 * m + (1 - B2) * g", "v": "B1 * v + (1 - B1) * g**2", "mh": "m / (1 - B2**t)", "vh": "v / (1 - B1**t)"}, "has the two betas the wrong way round"),
        ({"mh": "m / (1 - B1**(t + 1))", "vh": "v / (1 - B2**(t + 1))"}, "takes t for one more than it is: t is the number of this step, from 1"),
        ({"mh": "m / (1 - B1**(t - 1))", "vh": "v / (1 - B2**(t - 1))"}, "takes t for one less than it is"),
        ({"w2": "w + LR * mh / d"}, "adds the step, which is to be taken away"),
        ({"v": "B2 * v + (1 - B2) * g"}, "does not square the gradient in v"),
        ({"v": "B2 * v + (1 - B2) * m**2"}, "squares m where v wants the square of the gradient"),
        ({"m": "B1 * m + g"}, "leaves out the factor 1 - β1 of the gradient in m"),
        ({"v": "B2 * v + g**2"}, "leaves out the factor 1 - β2 of g² in v"),
        ({"m": "(1 - B1) * m + B1 * g"}, "swaps β1 and 1 - β1"),
        ({"w2": "w - LR * g / d"}, "moves along the gradient, not along m"),
        ({"g": "-g"}, "takes the gradient with the opposite sign"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("returns", ["w", "w m v"])
def test_adam_with_a_slip(changes: dict[str, str], said: str, returns: str) -> None:
    verdict = verdict_of(ADAM(), adam_by_hand(returns, **changes))
    assert verdict.status is Status.WRONG
    assert verdict.explanation.startswith(f"`step` {said}"), verdict.explanation
    assert verdict.cause not in (None, Cause.UNKNOWN)


@pytest.mark.parametrize(
    ("rule", "decay", "changes", "said"),
    [
        (ADAMW(), "coupled", {}, "adds the weight decay to the gradient, as Adam with a penalty does: AdamW takes it from the parameter, apart"),
        (ADAMW(), "", {}, "leaves out the weight decay"),
        (ADAMW(), "", {"w": "w * (1 + LR * WD)"}, "adds the weight decay with the wrong sign"),
        (ADAMW(), "", {"w": "w * (1 - WD)"}, "decays the weights by weight_decay, not by lr weight_decay"),
        (ADAMW(), "", {"w2": "(w - LR * mh / d) * (1 - LR * WD)"}, "decays the weights after the step, not before it"),
        (ADAMW(), "apart", {"mh": "m", "vh": "v"}, "leaves out the bias corrections"),
        (ADAM(weight_decay=WD), "apart", {}, "takes the weight decay from the parameter, as AdamW does: here it is added to the gradient"),
        (ADAM(weight_decay=WD), "", {"g": "g + 2 * WD * w"}, "decays the weights by 2 weight_decay, not by weight_decay"),
        (ADAM(weight_decay=WD), "coupled", {"d": "np.sqrt(vh + EPS)"}, "adds eps inside the root"),
    ],
)  # fmt: skip
def test_weight_decay_in_the_wrong_place(rule: Any, decay: str, changes: dict[str, str], said: str) -> None:
    verdict = verdict_of(rule, adam_by_hand("w", decay, **changes))
    assert verdict.status is Status.WRONG
    assert verdict.explanation.startswith(f"`step` {said}"), verdict.explanation


def test_a_learning_rate_that_is_another() -> None:
    verdict = verdict_of(ADAM(), adam_by_hand(w2="w - 0.1 * LR * mh / d"))
    assert verdict.cause is Cause.SCALE
    assert verdict.explanation == "`step` moves w 0.1 times as far as it should"


def test_weight_decay_in_the_right_place() -> None:
    assert verdict_of(ADAMW(), adam_by_hand("w m v", "apart")).status is Status.CORRECT
    assert verdict_of(ADAM(weight_decay=WD), adam_by_hand("w m v", "coupled")).status is Status.CORRECT
    groups = AdamW([{"params": {"w": mg.tensor(np.zeros(3), requires_grad=True)}, "weight_decay": 0.0}, {"params": {"b": mg.tensor(0.0, requires_grad=True)}}], lr=LR, betas=(B1, B2), eps=EPS)  # fmt: skip
    assert verdict_of(groups, adam_by_hand()).status is Status.CORRECT  # that of the group in which w is


# -- the others --------------------------------------------------------------------------------------------------------

NESTEROV = of(SGD, momentum=0.8, nesterov=True)
HEAVY = of(SGD, momentum=0.8)
U = {"velocity": 0.7 * rng.normal(size=3)}
S = {"square": rng.uniform(0.5, 1, 3), "mean": 0.1 * rng.normal(size=3), "velocity": rng.normal(size=3)}

RIGHT: list[tuple[Any, dict[str, Any], Callable[..., Any]]] = [
    (of(SGD), {}, lambda w, g: w - LR * g),
    (of(SGD, weight_decay=WD), {}, lambda w, g: (1 - LR * WD) * w - LR * g),
    (HEAVY, U, lambda w, g, velocity: (w - LR * (0.8 * velocity + g), 0.8 * velocity + g)),
    (NESTEROV, U, lambda w, g, velocity: w - LR * (g + 0.8 * (0.8 * velocity + g))),
    (of(RMSprop), S, lambda w, g, square: w - LR * g / (np.sqrt(0.99 * square + 0.01 * g**2) + 1e-8)),
    (of(RMSprop, momentum=0.5), S, lambda w, g, square, velocity: w - LR * (0.5 * velocity + g / (np.sqrt(0.99 * square + 0.01 * g**2) + 1e-8))),
    (of(RMSprop, centered=True, decay=0.5), S, lambda w, g, square, mean: (w - LR * g / (np.sqrt((square + g**2) / 2 - (mean + g) ** 2 / 4) + 1e-8), (square + g**2) / 2, (mean + g) / 2)),
    (of(Adagrad), S, lambda w, g, square: (w - LR * g / (np.sqrt(square + g**2) + 1e-10), square + g**2)),
    (of(AMSGrad), {**STATE, "largest": 50 * np.ones(3)}, lambda w, g, m, t: w - LR * (0.9 * m + 0.1 * g) / (1 - 0.9**t) / (np.sqrt(50 / (1 - 0.999**t)) + 1e-8)),
    (of(NAdam, momentum_decay=np.inf), {**STATE, "product": 0.9**3}, lambda w, g, m, v, t: w - LR / (np.sqrt((0.999 * v + 0.001 * g**2) / (1 - 0.999**t)) + 1e-8) * (0.9 * (0.9 * m + 0.1 * g) / (1 - 0.9 ** (t + 1)) + 0.1 * g / (1 - 0.9**t))),
    (of(Lion, weight_decay=WD), STATE, lambda w, g, m: (w - LR * (np.sign(0.9 * m + 0.1 * g) + WD * w), 0.99 * m + 0.01 * g)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "state", "formula"), RIGHT)
def test_right_updates(rule: Any, state: dict[str, Any], formula: Callable[..., Any]) -> None:
    verdict = verdict_of(rule, formula, state)
    assert verdict.status is Status.CORRECT, verdict.explanation


def rms(w: Any, g: Any, square: Any, by: Callable[[Any], Any]) -> Any:
    return w - LR * g / by(0.99 * square + 0.01 * g**2)


RMS = of(RMSprop, eps=1e-3)
NADAM = of(NAdam, momentum_decay=np.inf)
P = {**STATE, "product": 0.9**3}
SLIPS: list[tuple[Any, dict[str, Any], Callable[..., Any], str]] = [
    (NESTEROV, U, lambda w, g, velocity: (w - LR * (0.8 * velocity + g), 0.8 * velocity + g), "has plain momentum: Nesterov's step is g + momentum v'"),
    (NESTEROV, U, lambda w, g, velocity: w - LR * (1.8 * (0.8 * velocity + g)), "adds momentum v' to the new velocity"),
    (HEAVY, U, lambda w, g, velocity: w - LR * (g + 0.8 * (0.8 * velocity + g)), "looks ahead as Nesterov's momentum does, which was not asked for"),
    (HEAVY, U, lambda w, g, velocity: (w - LR * (0.8 * velocity + 0.2 * g), 0.8 * velocity + 0.2 * g), "takes the running average momentum v + (1 - momentum) g"),
    (HEAVY, U, lambda w, g, velocity: (w - LR * velocity, 0.8 * velocity + g), "moves along the old velocity"),
    (HEAVY, U, lambda w, g, velocity: w - LR * g, "leaves out the momentum"),
    (HEAVY, U, lambda w, g, velocity: (w + 0.8 * velocity - LR * g, 0.8 * velocity - LR * g), "has the learning rate in the velocity, M = -lr v"),
    (of(SGD, weight_decay=WD), {}, lambda w, g: w - LR * g, "leaves out the weight decay"),
    (of(SGD, weight_decay=WD), {}, lambda w, g: w - LR * (g - WD * w), "adds the weight decay with the wrong sign"),
    (RMS, S, lambda w, g, square: rms(w, g, square, lambda s: np.sqrt(s + 1e-3)), "adds eps inside the root, which wants it outside: √s' + eps"),
    (RMS, S, lambda w, g, square: rms(w, g, square, lambda s: s + 1e-3), "leaves out the root"),
    (RMS, S, lambda w, g, square: w - LR * g / (np.sqrt(square) + 1e-3), "divides by the root of the old square"),
    (RMS, S, lambda w, g, square: w - LR * g / (np.sqrt(0.01 * square + 0.99 * g**2) + 1e-3), "swaps decay and 1 - decay"),
    (of(RMSprop, centered=True), S, lambda w, g, square: rms(w, g, square, lambda s: np.sqrt(s) + 1e-8), "does not take the square of the mean"),
    (of(Adagrad), S, lambda w, g, square: (w - LR * g / (np.sqrt(g**2) + 1e-10), g**2), "forgets the squares so far: s' = s + g²"),
    (of(Lion), STATE, lambda w, g, m: w - LR * (0.9 * m + 0.1 * g), "leaves out the sign"),
    (of(Lion), {"m": 50 * np.ones(3)}, lambda w, g: w - LR * np.sign(g), "takes the sign of the gradient"),
    (of(AMSGrad), {**STATE, "largest": 50 * np.ones(3)}, lambda w, g, m, v, t: rules.adam(w, g, m, v, t, lr=LR)[0], "is a step of Adam: the divisor is the root of the largest v"),
    (NADAM, P, lambda w, g, m, v, t: rules.adam(w, g, m, v, t, lr=LR)[0], "is a step of Adam, which does not look ahead"),
    (NADAM, P, lambda w, g, m, v, t: w - LR * (0.9 * (0.9 * m + 0.1 * g) + 0.1 * g) / (1 - 0.9**t) / (np.sqrt((0.999 * v + 0.001 * g**2) / (1 - 0.999**t)) + 1e-8), "divides the momentum by 1 - β1^t: looking ahead wants 1 - β1^(t + 1)"),
    (of(NAdam), P, lambda w, g, m, v, product, t: rules.nadam(w, g, m, v, 0.9**3, t, lr=LR, momentum_decay=np.inf)[0], "has the momentum β1 at every step"),
    (of(Lion), STATE, lambda w, g, m: (w - LR * np.sign(0.9 * m + 0.1 * g), 0.9 * m + 0.1 * g), "keeps β1 m + (1 - β1) g as m"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "state", "formula", "said"), SLIPS)
def test_slips(rule: Any, state: dict[str, Any], formula: Callable[..., Any], said: str) -> None:
    verdict = verdict_of(rule, formula, state)
    assert verdict.status is Status.WRONG
    assert verdict.explanation.startswith(f"`step` {said}"), verdict.explanation


def test_an_update_that_uses_a_wrong_gradient_is_right_given_that() -> None:
    d = Derivation()
    d.forward(lambda w: np.sum(w**2))
    d.gradient("w", lambda w: w, name="g")
    d.update("w", ADAM(), adam_by_hand(), name="step")
    d.update("w", ADAM(), adam_by_hand(mh="m", vh="v"), name="twice wrong")
    report = d.verify(w=W, **STATE)
    assert report["step"].status is Status.GIVEN
    assert report["twice wrong"].status is Status.WRONG
    assert "leaves out the bias corrections" in report["twice wrong"].explanation


@pytest.mark.parametrize("lr", [1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize(
    ("divisor", "status"),
    [
        (lambda vh: np.sqrt(vh) + 1e-8, Status.CORRECT),
        (lambda vh: 1e-8 + vh**0.5, Status.CORRECT),
        (lambda vh: np.sqrt(vh + 1e-8), Status.WRONG),
        (lambda vh: np.sqrt(vh), Status.WRONG),
    ],
)
@pytest.mark.parametrize("factor", [1.0, 0.0])
def test_a_small_learning_rate_hides_no_slip(
    lr: float, divisor: Callable[..., Any], status: Status, factor: float
) -> None:
    """With Adam's own settings; the right forms round in another order, and some parameters are 0."""

    def step(w, m, v, t, scale):
        g = 2 * w * scale
        m, v = m + 0.1 * (g - m), 0.999 * v + 0.001 * g * g
        return w - lr * m / (1 - 0.9**t) / divisor(v / (1 - 0.999**t)), m, v

    d = Derivation()
    d.forward(lambda w, scale: np.sum(scale * w**2))
    d.update("w", Adam([mg.tensor(np.zeros(3), requires_grad=True)], lr=lr), step)
    w = np.array([1.5, factor * 0.3, -2.0])
    assert d.verify(w=w, scale=1.0, **STATE | {"t": 1000})["step"].status is status


def test_no_slip_is_made_up() -> None:
    verdict = verdict_of(ADAM(), adam_by_hand("w", d="np.sqrt(vh) + EPS + 0.1 * np.abs(w)"))
    assert verdict.status is Status.WRONG
    assert verdict.cause in (None, Cause.UNKNOWN, Cause.SCALE) or "leaves" not in verdict.explanation
    verdict = verdict_of(lambda w, gradient: w - gradient, lambda w, g: w + g, {})
    assert verdict.cause is Cause.SIGN


# -- what cannot be judged ---------------------------------------------------------------------------------------------


def test_state_under_names_that_the_rule_does_not_know() -> None:
    def step(w, g, mW, vW):
        return w - mW - vW

    with pytest.raises(
        DerivationError,
        match=re.escape("step takes mW, vW, but nobody provides m, v, t, as the state of Adam is called"),
    ):
        verdict_of(ADAM(), step, {"mW": STATE["m"], "vW": STATE["v"]})
    with pytest.raises(DerivationError, match="the rule of step, Adam, counts: pass t, the number of this step from 1"):
        verdict_of(ADAM(), lambda w, g, m, v: w - m - v, {"m": STATE["m"], "v": STATE["v"]})
    with pytest.raises(DerivationError, match=r"state=\.\.\..: momentum is no state of Adam; it has m, v, t"):
        verdict_of(ADAM(), step, {}, {"momentum": "mW"})
    with pytest.raises(TypeError, match="is for optimizers; a function takes its state by name"):
        verdict_of(rules.adam, step, {}, {"m": "mW"})


# -- right forms in other words, with numbers of any size ------------------------------------------------------------


def other_words(
    rng: np.random.Generator, lr: float, shape: tuple[int, ...]
) -> tuple[Any, Callable[..., Any], list[str]]:
    """Return an optimizer, the same update written another way, and its state."""
    b1, b2 = rng.choice([0.0, 0.5, 0.9, 0.99]), rng.choice([0.9, 0.999, 0.9999])
    eps, wd = 10.0 ** rng.uniform(-10, -3), rng.choice([0.0, 0.01, 0.5])
    params = [mg.tensor(np.zeros(shape), requires_grad=True)]

    def adam(w, gradient, m, v, t):
        g = gradient + wd * w
        m, v, c = m + (1 - b1) * (g - m), v + (1 - b2) * (g * g - v), np.sqrt(1 - b2**t)
        return w - lr * c / (1 - b1**t) * m / (np.sqrt(v) + eps * c), m, v

    def adamw(w, gradient, m, v, t):
        mh, vh = (b1 * m + (1 - b1) * gradient) / (1 - b1**t), (b2 * v + (1 - b2) * gradient**2) / (1 - b2**t)
        return w - lr * wd * w - lr * mh / (vh**0.5 + eps)

    def rmsprop(w, gradient, square):
        g = gradient + wd * w
        square = square + (1 - b2) * (g**2 - square)
        return w - g * lr / (eps + np.sqrt(square)), square

    def nesterov(w, gradient, velocity):
        g = gradient + wd * w
        return w - lr * (1.8 * g + 0.64 * velocity), 0.8 * velocity + g

    return [
        (Adam(params, lr, (b1, b2), eps, wd), adam, ["m", "v", "t"]),
        (AdamW(params, lr, (b1, b2), eps, wd), adamw, ["m", "v", "t"]),
        (RMSprop(params, lr, b2, eps, weight_decay=wd), rmsprop, ["square"]),
        (SGD(params, lr, 0.8, nesterov=True, weight_decay=wd), nesterov, ["velocity"]),
    ][rng.integers(4)]


@pytest.mark.parametrize("seed", range(24))
def test_no_false_alarm(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lr, scale, shape = 10.0 ** rng.uniform(-7, 0), 10.0 ** rng.uniform(-6, 4), (3, 2)
    optimizer, formula, needed = other_words(rng, lr, shape)
    w = rng.normal(size=shape) * 10.0 ** rng.uniform(-3, 3)
    w[0, 0] *= rng.choice([0, 1])
    v = rng.uniform(0, 1, shape) * scale**2
    state = {"m": scale * rng.normal(size=shape), "v": v, "square": v, "velocity": scale * rng.normal(size=shape)}
    state["t"] = int(rng.choice([1, 2, 10, 1000, 100000]))
    d = Derivation()
    d.forward(lambda w, c, scale: scale * np.sum(np.tanh(w * c) ** 2))
    d.update("w", optimizer, formula, name="step")
    verdict = d.verify(w=w, c=rng.normal(size=shape), scale=scale, **{name: state[name] for name in needed})["step"]
    assert verdict.status is Status.CORRECT, verdict.explanation
