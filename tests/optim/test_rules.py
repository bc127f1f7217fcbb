"""The rules: against loops over single numbers, written down from the papers, and what must hold of them."""

from __future__ import annotations

import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal

import microgradnp as mg
from microgradnp.optim import rules
from tests.optim.factories import IDS, MODES, gradients, parameters, run, starts

# -- reference: one number at a time, with math, as the papers' algorithms go -----------------------------------------


def sgd(x, gs, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    """Sutskever et al.: the velocity in units of the parameter, the lookahead written out."""
    M = 0.0
    for g in gs:
        g += weight_decay * x
        M = momentum * M - lr * g
        x += momentum * M - lr * g if nesterov else M
    return x


def rmsprop(x, gs, lr=0.01, decay=0.99, eps=1e-8, momentum=0.0, centered=False, weight_decay=0.0):
    squares, means, M = 0.0, 0.0, 0.0
    for g in gs:
        g += weight_decay * x
        squares += (1 - decay) * (g**2 - squares)
        means += (1 - decay) * (g - means)
        M = momentum * M - lr * g / (math.sqrt(squares - means**2 * centered) + eps)
        x += M
    return x


def adagrad(x, gs, lr=0.01, eps=1e-10, weight_decay=0.0):
    seen = []
    for g in gs:
        seen.append(g + weight_decay * x)
        x -= lr * seen[-1] / (math.sqrt(math.fsum(s**2 for s in seen)) + eps)
    return x


def adam(x, gs, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=0.0, largest=False):
    """The moments as the weighted sums that they are, without recursion."""
    seen, most = [], 0.0
    for t, g in enumerate(gs, 1):
        seen.append(g + weight_decay * x)
        m = math.fsum((1 - betas[0]) * betas[0] ** (t - 1 - i) * s for i, s in enumerate(seen)) / (1 - betas[0] ** t)
        v = math.fsum((1 - betas[1]) * betas[1] ** (t - 1 - i) * s**2 for i, s in enumerate(seen))
        most = max(most, v) if largest else v
        x -= lr * (m / (math.sqrt(most / (1 - betas[1] ** t)) + eps) + decoupled * x)
    return x


def nadam(x, gs, lr=0.002, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=0.004):
    m = v = 0.0
    mu = [betas[0] * (1 - 0.5 * 0.96 ** ((i + 1) * momentum_decay)) for i in range(len(gs) + 1)]
    for t, g in enumerate(gs, 1):
        g += weight_decay * x
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        ahead = mu[t] * m / (1 - math.prod(mu[: t + 1])) + (1 - mu[t - 1]) * g / (1 - math.prod(mu[:t]))
        x -= lr * ahead / (math.sqrt(v / (1 - betas[1] ** t)) + eps)
    return x


def lion(x, gs, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
    m = 0.0
    for g in gs:
        x -= lr * (math.copysign(1.0, betas[0] * m + (1 - betas[0]) * g) + weight_decay * x)
        m = betas[1] * m + (1 - betas[1]) * g
    return x


def adamw(x, gs, weight_decay=0.01, **options):
    return adam(x, gs, decoupled=weight_decay, **options)


def amsgrad(x, gs, **options):
    return adam(x, gs, largest=True, **options)


@pytest.mark.parametrize(("label", "make", "options"), MODES, ids=IDS)
def test_every_optimizer_against_a_loop_over_numbers(label: str, make: Any, options: dict[str, Any]) -> None:
    shapes = (), (3,), (2, 4)
    steps, start = gradients(25, *shapes), starts(*shapes)
    optimizer = make(parameters(*start), **options)
    run(optimizer, steps)
    reference = globals()[make.__name__.lower()]
    for k, (p, x) in enumerate(zip(optimizer.params, start, strict=True)):
        for index in np.ndindex(x.shape):
            expected = reference(float(x[index]), [float(step[k][index]) for step in steps], **options)
            assert_allclose(p.data[index], expected, rtol=1e-12, atol=1e-13)


#: One step from given state, worked out by hand: parameter 1, gradient 2, all numbers exact in decimals.
BY_HAND: list[tuple[Any, tuple[Any, ...], dict[str, Any], tuple[float, ...]]] = [
    (rules.sgd, (3.0,), {"lr": 0.1, "momentum": 0.5}, (0.65, 3.5)),
    (rules.sgd, (3.0,), {"lr": 0.1, "momentum": 0.5, "nesterov": True}, (0.625, 3.5)),
    (rules.sgd, (3.0,), {"lr": 0.1, "weight_decay": 0.5}, (0.75, 2.5)),
    (rules.rmsprop, (16.0,), {"lr": 0.1, "decay": 0.75, "eps": 1.0}, (1 - 0.2 / (math.sqrt(13) + 1), 13.0, 0.0, 0.0)),
    (rules.rmsprop, (10.0, 0.0), {"lr": 0.1, "decay": 0.5, "eps": 0.0, "centered": True}, (1 - 0.2 / math.sqrt(6), 7.0, 1.0, 0.0)),
    (rules.rmsprop, (28.0, 0.0, 6.0), {"lr": 0.1, "decay": 0.5, "eps": 0.0, "momentum": 0.5}, (0.65, 16.0, 0.0, 3.5)),
    (rules.adagrad, (12.0,), {"lr": 0.1, "eps": 0.0}, (0.95, 16.0)),
    (rules.adam, (0.0, 0.0, 1), {"lr": 0.1, "eps": 0.0}, (0.9, 0.2, 0.004)),
    (rules.adam, (1.0, 5.0, 2), {"lr": 0.3, "betas": (0.5, 0.5), "eps": 0.0}, (1 - 0.6 / math.sqrt(6), 1.5, 4.5)),
    (rules.adam, (1.0, 5.0, 2), {"lr": 0.3, "betas": (0.5, 0.5), "eps": 1.0}, (1 - 0.6 / (math.sqrt(6) + 1), 1.5, 4.5)),
    (rules.adam, (0.0, 0.0, 1), {"lr": 0.1, "eps": 0.0, "weight_decay": 3.0}, (0.9, 0.5, 0.025)),
    (rules.amsgrad, (1.0, 5.0, 12.0, 2), {"lr": 0.3, "betas": (0.5, 0.5), "eps": 0.0}, (0.85, 1.5, 4.5, 12.0)),
    (rules.adamw, (0.0, 0.0, 1), {"lr": 0.1, "eps": 0.0, "weight_decay": 3.0}, (0.6, 0.2, 0.004)),
    (rules.nadam, (0.0, 0.0, 1.0, 1), {"lr": 0.1, "betas": (0.5, 0.75), "eps": 0.0, "momentum_decay": math.inf}, (1 - 0.1 * 4 / 3, 1.0, 1.0, 0.5)),
    (rules.lion, (-0.3,), {"lr": 0.1, "betas": (0.9, 0.5)}, (1.1, 0.85)),
    (rules.lion, (0.0,), {"lr": 0.1, "weight_decay": 2.0}, (0.7, 0.02)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "state", "options", "expected"), BY_HAND)
@pytest.mark.parametrize("kind", ["number", "array", "tensor", "float32"])
def test_one_step_worked_out_by_hand(
    rule: Any, state: tuple[Any, ...], options: dict[str, Any], expected: tuple[float, ...], kind: str
) -> None:
    def made(x: float) -> Any:
        full = np.full((2, 3), x, dtype=np.float32 if kind == "float32" else np.float64)
        return {"number": x, "tensor": mg.tensor(full)}.get(kind, full)

    numbers = [x if isinstance(x, int) or (rule is rules.nadam and x == 1.0) else made(x) for x in state]
    found = rule(made(1.0), made(2.0), *numbers, **options)
    assert len(found) == len(expected)
    for value, right in zip(found, expected, strict=True):
        value = value.data if isinstance(value, mg.Tensor) else value
        assert_allclose(value, np.full(np.shape(value), right), rtol=1e-6 if kind == "float32" else 1e-14)
        if kind == "float32" and np.shape(value):
            assert value.dtype == np.float32


@pytest.mark.parametrize(("label", "make", "options"), MODES, ids=IDS)
def test_a_rule_changes_nothing_that_it_is_given(label: str, make: Any, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    arrays = [
        np.abs(rng.normal(size=(300, 200))) for _ in range(2 + len(make.states))
    ]  # large: NumPy reuses temporaries
    before = [a.copy() for a in arrays]
    given = [1.0 if name in make.scalars else a for name, a in zip(("", "", *make.states), arrays, strict=True)]
    made = make.rule(*given, *([3] if make.counted else []), **options)
    for a, b in zip(arrays, before, strict=True):
        assert_array_equal(a, b)
    assert not any(np.shares_memory(made[0], a) for a in arrays)
    for row in range(0, 300, 50):  # small ones are computed another way
        few = [g if isinstance(g, float) else g[row] for g in given]
        for value, part in zip(made, make.rule(*few, *([3] if make.counted else []), **options), strict=True):
            assert_array_equal(np.asarray(value)[row] if np.ndim(value) else value, part)


def test_a_step_is_differentiable() -> None:
    """The pure rule on Tensors: the derivative of a trained value by the learning rate."""

    def after(lr: Any) -> Any:
        p, m, v = mg.tensor([1.0, -2.0]), 0.0, 0.0
        for t in (1, 2, 3):
            p, m, v = rules.adam(p, 2 * p, m, v, t, lr=lr)
        return np.sum(p**2)

    report = mg.check_gradients(after, 0.1)
    assert report.ok, report


@pytest.mark.parametrize(("label", "make", "options"), MODES, ids=IDS)
def test_a_rule_can_be_traced(label: str, make: Any, options: dict[str, Any]) -> None:
    """For a program that trains: all it takes are inputs of the graph, the number of the step too."""
    rng = np.random.default_rng(1)
    given = {
        name: 0.5 if name in make.scalars else rng.uniform(0.5, 1, 3)
        for name in ("parameter", "gradient", *make.states)
    }
    given |= {"t": 3} if make.counted else {}
    graph = mg.trace(lambda **inputs: make.rule(*inputs.values(), **options), **given)
    for node, expected in zip(graph.outputs, make.rule(*given.values(), **options), strict=True):
        assert_array_equal(graph.value(node), expected)


# -- what must hold of the rules -------------------------------------------------------------------------------------

numbers = st.floats(-100, 100).filter(lambda x: abs(x) > 1e-3)
vectors = st.lists(numbers, min_size=1, max_size=4).map(np.array)


@given(vectors, st.integers(-20, 20), st.integers(1, 50))
def test_scaling_the_gradient_changes_no_direction(g: Any, power: int, t: int) -> None:
    """Without eps, Adam, RMSprop, Adagrad and Lion go as far for a gradient of any size."""
    c = 2.0**power
    zero = np.zeros_like(g)
    for rule, state, scales in (
        (rules.adam, (0.3 * g, g * g), (1, 2)),
        (rules.nadam, (0.3 * g, g * g), (1, 2)),
        (rules.rmsprop, (0.7 * g * g,), (2,)),
        (rules.adagrad, (0.7 * g * g,), (2,)),
        (rules.lion, (-0.5 * g,), (1,)),
    ):
        options = {"lr": 0.1} if rule is rules.lion else {"lr": 0.1, "eps": 0.0}
        more = {rules.adam: (t,), rules.nadam: (0.5, t)}.get(rule, ())
        once = rule(zero, g, *state, *more, **options)[0]
        scaled = rule(zero, c * g, *(s * c**k for s, k in zip(state, scales, strict=True)), *more, **options)[0]
        assert_array_equal(once, scaled)


@given(vectors, st.floats(0.0, 1.0), st.floats(0.0, 0.5))
def test_no_momentum_is_plain_descent(g: Any, lr: float, weight_decay: float) -> None:
    p = np.cos(g)
    new, _ = rules.sgd(p, g, np.sin(g), lr=lr, weight_decay=weight_decay)
    assert_allclose(new, p - lr * (g + weight_decay * p), rtol=1e-14, atol=1e-14)
    constant = rules.rmsprop(p, g, g * g, 0.0, 5 * g, lr=lr, decay=0.5)
    assert_array_equal(constant[0], rules.rmsprop(p, g, g * g, lr=lr, decay=0.5)[0])


@given(vectors, st.floats(0.0, 0.5), st.floats(0.0, 1.0))
def test_decoupled_weight_decay_only_shrinks(g: Any, lr: float, weight_decay: float) -> None:
    """What AdamW and Lion add to a step does not depend on the gradient; what Adam adds is nearly nothing."""
    p = 1 + np.abs(np.sin(g))
    state = (0.1 * g, g * g)
    for rule, more in ((rules.adamw, (*state, 3)), (rules.lion, state[:1])):
        with_decay = rule(p, g, *more, lr=lr, weight_decay=weight_decay)[0]
        without = rule(p, g, *more, lr=lr, weight_decay=0.0)[0]
        assert_allclose(without - with_decay, lr * weight_decay * p, rtol=1e-10, atol=1e-13)


@given(vectors)
def test_the_first_step_of_adam_goes_the_learning_rate(g: Any) -> None:
    moved = rules.adam(np.zeros_like(g), g, 0.0, 0.0, 1, lr=0.25, eps=0.0)[0]
    assert_allclose(moved, -0.25 * np.sign(g), rtol=1e-12)


@given(vectors, st.integers(1, 400))
def test_amsgrad_never_goes_farther_than_adam(g: Any, t: int) -> None:
    state = (0.2 * g, 0.4 * g * g)
    far = rules.adam(np.zeros_like(g), g, *state, t, lr=0.1)[0]
    near = rules.amsgrad(np.zeros_like(g), g, *state, 0.6 * g * g, t, lr=0.1)[0]
    assert np.all(np.abs(near) <= np.abs(far))
    assert_array_equal(rules.amsgrad(g, g, *state, 0.0, t, lr=0.1)[0], rules.adam(g, g, *state, t, lr=0.1)[0])


@given(st.floats(-1e3, 1e3), st.integers(1, 30))
def test_the_variance_of_a_constant_gradient_is_never_negative(g: float, steps: int) -> None:
    p, s, a = 0.0, 0.0, 0.0
    for _ in range(steps):
        p, s, a, _ = rules.rmsprop(p, g, s, a, lr=0.1, decay=0.3, eps=1.0, centered=True)
    assert math.isfinite(p)


@pytest.mark.parametrize(("label", "make", "options"), MODES, ids=IDS)
def test_every_optimizer_descends(label: str, make: Any, options: dict[str, Any]) -> None:
    (w,) = parameters(np.array([2.0, -3.0]))
    optimizer = make([w], **options | {"lr": 0.5 if make.__name__ == "Adagrad" else 0.05})
    for _ in range(200):
        optimizer.zero_grad()
        loss = np.sum(np.array([1.0, 3.0]) * w**2)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5
