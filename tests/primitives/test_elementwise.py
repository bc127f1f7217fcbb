"""Elementwise entries with every shape and kind of operand, against their own rule without broadcasting.

That the rule itself is right for operands of one shape is what ``test_cases.py`` shows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from tests.factories import Array, assert_close, derivative, flat
from tests.primitives.cases import CASES, Case

pytestmark = pytest.mark.filterwarnings("error")

DIFFERENTIABLE = {c.function: c for c in reversed(CASES) if c.elementwise and len(c.inputs) == c.entry.arity}
UNARY = pytest.mark.parametrize("case", [c for c in DIFFERENTIABLE.values() if c.entry.arity == 1], ids=str)
BINARY = pytest.mark.parametrize("case", [c for c in DIFFERENTIABLE.values() if c.entry.arity == 2], ids=str)

SHAPES = [(), (1,), (4,), (0,), (0, 3), (2, 1, 3)]
PAIRS = [
    ((), ()),
    ((), (2, 3)),
    ((1,), (2, 3)),
    ((3,), (2, 3)),
    ((3, 1), (4,)),
    ((1, 3), (2, 3)),
    ((2, 1, 3), (4, 1)),
    ((1, 1), ()),
    ((0, 3), (3,)),
    ((0, 3), (1, 1)),
    ((0, 1), (1, 3)),
    ((1,), (0,)),
]


def summed(g: Array, shape: tuple[int, ...]) -> Array:
    """Return the gradient of an operand of this shape, given that of it broadcast: one addition at a time."""
    total = np.zeros(shape, g.dtype)
    for index in np.ndindex(g.shape):
        own = index[len(index) - len(shape) :]
        total[tuple(i if n > 1 else 0 for i, n in zip(own, shape, strict=True))] += g[index]
    return total


def cotangent(case: Case, shape: tuple[int, ...], dtype: Any = np.float64) -> Array:
    return case.rng().uniform(0.5, 1.5, shape).astype(dtype)[()]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@UNARY
def test_shapes(case: Case, shape: tuple[int, ...]) -> None:
    x = case.inputs[0].of(*shape)(case.rng())
    w = cotangent(case, shape)
    y, pull = mg.vjp(case.function, x)
    (g,) = pull(w)
    one_by_one = [mg.vjp(case.function, e)[1](u)[0] for e, u in zip(np.ravel(x), np.ravel(w), strict=True)]
    assert g.shape == y.shape == shape
    assert_close(g, one_by_one, 1e-14)
    assert_close(mg.jvp(case.function, (x,), (w,))[1], one_by_one, 1e-14)
    if shape == ():
        assert isinstance(g, np.float64)  # as NumPy does
        assert isinstance(y, np.float64)


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
@BINARY
def test_broadcasting(case: Case, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    for a_shape, b_shape in (shapes, shapes[::-1]):
        rng = case.rng()
        a, b = case.inputs[0].of(*a_shape)(rng), case.inputs[1].of(*b_shape)(rng)
        shape = np.broadcast_shapes(a_shape, b_shape)
        w = cotangent(case, shape)
        full = [np.broadcast_to(x, shape) for x in (a, b)]
        expected = [
            summed(np.asarray(g), np.shape(x)) for g, x in zip(mg.vjp(case.function, *full)[1](w), (a, b), strict=True)
        ]
        y, pull = mg.vjp(case.function, a, b)
        gradients = pull(w)
        assert np.shape(y) == shape
        assert [np.shape(g) for g in gradients] == [a_shape, b_shape]
        for g, wanted in zip(gradients, expected, strict=True):
            assert_close(g, wanted, 1e-14)
        tangents = [cotangent(case, a_shape), cotangent(case, b_shape) * 0.7]
        dy = mg.jvp(case.function, (a, b), tangents)[1]
        dy_full = mg.jvp(case.function, full, [np.broadcast_to(t, shape) for t in tangents])[1]
        assert np.shape(dy) == shape
        assert_close(dy, dy_full, 1e-14)


KINDS = {
    "array": lambda x: x,
    "0-d array": lambda x: np.array(x.flat[0]),
    "NumPy scalar": lambda x: x.flat[0],
    "Python number": lambda x: float(x.flat[0]),
    "list": lambda x: x.tolist(),
    "constant Tensor": mg.tensor,
}


@pytest.mark.parametrize("kind", KINDS)
@BINARY
def test_one_operand_is_a_constant(case: Case, kind: str) -> None:
    a, b = case.values()
    f = case.function
    constant_a, constant_b = KINDS[kind](a), KINDS[kind](b)
    value_a, value_b = (
        np.asarray(getattr(x, "data", x)) if kind != "Python number" else x for x in (constant_a, constant_b)
    )
    w = cotangent(case, a.shape)
    assert_close(mg.vjp(lambda t: f(t, constant_b), a)[1](w)[0], mg.vjp(f, a, value_b)[1](w)[0], 1e-14)
    assert_close(mg.vjp(lambda t: f(constant_a, t), b)[1](w)[0], mg.vjp(f, value_a, b)[1](w)[1], 1e-14)
    assert_close(mg.jvp(lambda t: f(t, constant_b), (a,), (w,))[1], mg.vjp(f, a, value_b)[1](w)[0], 1e-14)
    eager = mg.tensor(b, requires_grad=True)
    f(constant_a, eager).backward(w)
    assert_close(eager.grad, mg.vjp(f, value_a, b)[1](w)[1], 1e-14)


@BINARY
def test_python_numbers_are_weak(case: Case) -> None:
    """A float32 Tensor with a Python number stays float32, forward and back, as NumPy's arrays do."""
    if case.function is np.float_power:
        return  # always float64, in NumPy too
    a, b = case.values(np.float32)
    for f, x in ((lambda t: case.function(t, 3.0), a), (lambda t: case.function(3.0, t), b)):
        t = mg.tensor(x, requires_grad=True)
        y = f(t)
        y.backward(np.ones(x.shape))
        assert y.dtype == t.grad.dtype == np.float32
        assert mg.jvp(f, (x,), (x,))[1].dtype == np.float32


@BINARY
def test_the_same_tensor_twice(case: Case) -> None:
    """Both operands' gradients arrive at it."""
    x = case.inputs[0](case.rng())
    w = cotangent(case, x.shape)
    both = mg.vjp(case.function, x, x.copy())[1](w)
    assert_close(mg.vjp(lambda t: case.function(t, t), x)[1](w)[0], both[0] + both[1], 1e-14)


@UNARY
def test_third_order(case: Case) -> None:
    """Rules run on Tensors, to any order: the third derivative against differences of the second."""
    x = float(case.inputs[0].of()(case.rng()))
    second = mg.grad(mg.grad(case.function))
    assert_close(mg.grad(second)(x), derivative(lambda t: second(x + t), step=0.01), 1e-7, 1.0)


def test_unary_and_binary_are_all_there() -> None:
    """Every elementwise entry takes part in the tests of this file."""
    left_out = {c.function for c in CASES if c.elementwise} - set(DIFFERENTIABLE)
    assert left_out == set()
    assert flat([c.entry.arity for c in DIFFERENTIABLE.values()]).max() == 3
