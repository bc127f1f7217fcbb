"""Properties of random programs: every way to a derivative gives the same one."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import microgradnp as mg
from tests.factories import assert_close, derivative, flat
from tests.programs import inputs, loss, programs, run

Program = list[tuple[int, int, int]]
SEEDS = st.integers(0, 2**20)


def dot(a: Any, b: Any) -> float:
    return float(flat(a) @ flat(b))


def towards(xs: Any, dxs: Any, t: float) -> Any:
    return [x + t * dx for x, dx in zip(xs, dxs, strict=True)]


@given(programs(), SEEDS)
def test_values_on_tensors_are_those_on_arrays(program: Program, seed: int) -> None:
    xs = inputs(seed)
    for y, t in zip(run(program, *xs), run(program, *(mg.tensor(x, requires_grad=True) for x in xs)), strict=True):
        assert np.shape(y) == t.shape
        assert np.asarray(y).dtype == t.dtype
        np.testing.assert_allclose(t.data, y, rtol=1e-13, atol=1e-13)


@given(programs(), SEEDS)
def test_reverse_and_forward_are_transposes(program: Program, seed: int) -> None:
    xs, dxs = inputs(seed), inputs(seed + 1)

    def f(*args: Any) -> list[Any]:
        return run(program, *args)[3:]

    ys, pull = mg.vjp(f, *xs)
    rng = np.random.default_rng(seed + 2)
    cts = [rng.normal(size=y.shape) for y in ys]
    again, dys = mg.jvp(f, xs, dxs)
    assert_close(again, ys, 0)
    terms = float(np.sum(np.abs(flat(cts) * flat(dys))))
    assert abs(dot(pull(cts), dxs) - dot(cts, dys)) <= 1e-12 * (terms + 1)


@given(programs(), SEEDS)
def test_against_differences(program: Program, seed: int) -> None:
    xs, dxs = inputs(seed), inputs(seed + 1)
    gradients = mg.grad(lambda *args: loss(program, *args), (0, 1, 2))(*xs)
    numeric = derivative(lambda t: loss(program, *towards(xs, dxs, t)), step=0.01)
    terms = float(np.sum(np.abs(flat(gradients) * flat(dxs))))
    assert abs(dot(gradients, dxs) - float(numeric[0])) <= 2e-6 * (terms + 1)


@given(programs(), SEEDS)
def test_backward_is_the_gradient(program: Program, seed: int) -> None:
    xs = inputs(seed)
    value, gradients = mg.value_and_grad(lambda *args: loss(program, *args), (0, 1, 2))(*xs)
    ts = [mg.tensor(x, requires_grad=True) for x in xs]
    y = loss(program, *ts)
    y.backward()
    assert y.item() == value
    for t, g in zip(ts, gradients, strict=True):
        if t.grad is None:  # the program does not use it
            np.testing.assert_array_equal(g, np.zeros_like(g))
        else:
            np.testing.assert_array_equal(t.grad, g)
            assert (t.grad.shape, t.grad.dtype) == (np.shape(g), g.dtype)


@given(programs(), SEEDS)
def test_the_graph_has_the_same_values_and_gradients(program: Program, seed: int) -> None:
    xs = inputs(seed)
    value, gradients = mg.value_and_grad(lambda *args: loss(program, *args), (0, 1, 2))(*xs)

    def f(X: Any, v: Any, s: Any) -> Any:
        return loss(program, X, v, s)

    graph = mg.trace(f, *xs)
    found = graph.gradients()
    for node, g in zip(graph.inputs.values(), gradients, strict=True):
        if node in found:
            np.testing.assert_allclose(found[node], g, rtol=1e-12, atol=1e-12)
        else:
            np.testing.assert_array_equal(g, np.zeros_like(g))
    moved = inputs(seed + 1)
    changes = dict(zip(graph.inputs.values(), moved, strict=True))
    np.testing.assert_allclose(graph.evaluate(graph.outputs[0], changes), loss(program, *moved), rtol=1e-12)
    np.testing.assert_allclose(graph.evaluate(graph.outputs[0], {}), value, rtol=1e-13)  # np.power, not **


@given(programs(10), SEEDS)
def test_second_order_by_four_ways(program: Program, seed: int) -> None:
    xs, dxs = inputs(seed), inputs(seed + 1)
    argnums = (0, 1, 2)

    def f(*args: Any) -> Any:
        return loss(program, *args)

    gradient = mg.grad(f, argnums)

    def slope(*args: Any) -> Any:
        return sum(np.sum(g * dx) for g, dx in zip(gradient(*args), dxs, strict=True))

    reverse_over_reverse = mg.grad(slope, argnums)(*xs)
    forward_over_reverse = mg.jvp(gradient, xs, dxs)[1]
    reverse_over_forward = mg.grad(lambda *args: mg.jvp(f, args, dxs)[1], argnums)(*xs)
    product = mg.hvp(f, argnums)(*xs, dxs)
    scale = float(np.max(np.abs(flat(gradient(*xs))))) + 1
    for other in (forward_over_reverse, reverse_over_forward, product):
        assert_close(other, reverse_over_reverse, 1e-10, scale)
    numeric = derivative(lambda t: gradient(*towards(xs, dxs, t)), step=0.01)
    assert_close(reverse_over_reverse, numeric, 1e-5, scale)


@given(programs(6), SEEDS)
def test_forward_over_forward_is_the_curvature(program: Program, seed: int) -> None:
    xs, dxs = inputs(seed), inputs(seed + 1)

    def f(*args: Any) -> Any:
        return loss(program, *args)

    def slope(*args: Any) -> Any:
        return mg.jvp(f, args, dxs)[1]

    curvature = mg.jvp(slope, xs, dxs)[1]
    product = mg.hvp(f, (0, 1, 2))(*xs, dxs)
    assert abs(curvature - dot(product, dxs)) <= 1e-9 * (float(np.sum(np.abs(flat(product) * flat(dxs)))) + 1)


@given(programs(4), SEEDS)
def test_third_order(program: Program, seed: int) -> None:
    """The third derivative along a line, by grad thrice, and by jvp of hvp."""
    xs, dxs = inputs(seed), inputs(seed + 1)

    def line(t: Any) -> Any:
        return loss(program, *(x + t * dx for x, dx in zip(xs, dxs, strict=True)))

    thrice = mg.grad(mg.grad(mg.grad(line)))(0.0)
    mixed = mg.jvp(lambda t: mg.hvp(line)(t, 1.0), (0.0,), (1.0,))[1]
    numeric = derivative(lambda t: mg.grad(mg.grad(line))(t), step=0.01)[0]
    scale = abs(thrice) + abs(mg.grad(mg.grad(line))(0.0)) + 1
    assert abs(thrice - mixed) <= 1e-9 * scale
    assert abs(thrice - numeric) <= 1e-4 * scale


@given(programs(), SEEDS)
def test_float32_stays_float32(program: Program, seed: int) -> None:
    xs = tuple(np.float32(x) for x in inputs(seed))
    value, gradients = mg.value_and_grad(lambda *args: np.sum(run(program, *args)[-1]), (0, 1, 2))(*xs)
    assert value.dtype == np.float32
    assert {g.dtype for g in gradients} == {np.dtype(np.float32)}
