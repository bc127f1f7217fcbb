"""What is checkpointed has the same values and gradients, to any order, and keeps less."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.tape import Node

X, W = np.array([[0.5, -0.3], [0.8, 0.2]]), np.array([[0.4, 0.7], [-0.6, 0.9]])


def one(x: Any, w: Any) -> Any:
    return np.tanh(np.sin(x @ w) ** 2 + x)


def several(x: Any, w: Any) -> Any:
    h = np.tanh(x @ w)
    return {"h": h, "rest": (np.sum(h * h), [np.exp(x), 3.0])}


def loss_of_one(block: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, w: np.sum(block(block(x, w), w) * X)


def loss_of_several(block: Callable[..., Any]) -> Callable[..., Any]:
    def loss(x: Any, w: Any) -> Any:
        parts = block(x, w=w)
        assert parts["rest"][1][1] == 3.0
        return np.sum(parts["h"]) * parts["rest"][0] + np.sum(parts["rest"][1][0])

    return loss


LOSSES = [(loss_of_one, one), (loss_of_several, several)]
both = pytest.mark.parametrize(("loss_of", "f"), LOSSES, ids=["one result", "a tree"])


@both
def test_values_and_gradients_are_the_same(loss_of: Any, f: Any) -> None:
    plain, less = loss_of(f), loss_of(mg.checkpoint(f))
    assert mg.value_and_grad(less)(X, W)[0] == plain(X, W)
    for a, b in zip(mg.grad(less, (0, 1))(X, W), mg.grad(plain, (0, 1))(X, W), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)
    assert less(X, W) == plain(X, W)  # on arrays


@both
def test_every_order(loss_of: Any, f: Any) -> None:
    plain, less = loss_of(f), loss_of(mg.checkpoint(f))
    v = np.cos(X)
    for transform in (
        lambda g: mg.jvp(g, (X, W), (v, v))[1],
        lambda g: mg.jvp(mg.grad(g), (X, W), (v, v))[1],
        lambda g: mg.grad(lambda x: np.sum(mg.grad(g)(x, W) * v))(X),
        lambda g: mg.grad(lambda x: mg.jvp(lambda x: g(x, W), (x,), (v,))[1])(X),
        lambda g: mg.hessian(g)(X, W),
    ):
        np.testing.assert_allclose(transform(less), transform(plain), rtol=1e-12, atol=1e-14)


def test_eager_tensors() -> None:
    x, w = (mg.tensor(a, requires_grad=True) for a in (X, W))
    loss_of_one(mg.checkpoint(one))(x, w).backward()
    for t, g in zip((x, w), mg.grad(loss_of_one(one), (0, 1))(X, W), strict=True):
        np.testing.assert_allclose(t.grad, g, rtol=1e-14)


def test_types_stay() -> None:
    def mixed(x: Any) -> Any:
        return x.astype(np.float32), np.exp(1j * x), np.argmax(x)

    single, turned, place = mg.checkpoint(mixed)(mg.tensor(X[0], requires_grad=True))
    assert (single.dtype, turned.dtype, int(place)) == (np.float32, np.complex128, 0)
    gradients = [
        mg.grad(lambda x, f=f: np.sum(f(x)[0]) * 2.0 + np.sum(np.real(f(x)[1])))(X[0])
        for f in (mixed, mg.checkpoint(mixed))
    ]
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-6)


def nodes() -> int:
    gc.collect()
    return sum(isinstance(o, Node) for o in gc.get_objects())


def test_what_is_computed_on_the_way_is_not_kept() -> None:
    def long(x: Any) -> Any:
        for _ in range(50):
            x = np.sin(x)
        return x

    kept = []
    for f in (long, mg.checkpoint(long)):
        x = mg.tensor(X, requires_grad=True)
        before = nodes()
        y = f(f(x))
        kept.append(nodes() - before)
        del y
    assert kept[0] >= 100
    assert kept[1] < 12


def test_a_graph_shows_what_is_inside() -> None:
    graph = mg.trace(mg.checkpoint(one), X, W)
    assert "sin" in {n.primitive.name for n in graph.nodes if n.parents}


def test_what_is_used_from_outside_is_refused() -> None:
    w = mg.tensor(W, requires_grad=True)
    block = mg.checkpoint(lambda x: x @ w)
    with pytest.raises(TypeError, match=r"uses a Tensor from outside.*pass it as an argument"):
        block(mg.tensor(X, requires_grad=True))
    np.testing.assert_array_equal(block(X).data, X @ W)  # where nothing would be lost it runs, and is recorded
    np.sum(block(X)).backward()
    np.testing.assert_allclose(w.grad, X.sum(axis=0)[:, None] * np.ones((1, 2)))


def test_another_result_the_second_time_is_an_error() -> None:
    rng = np.random.default_rng(0)
    dropout = mg.checkpoint(lambda x: x * (rng.random(x.shape) < 0.5))
    with pytest.raises(RuntimeError, match=r"gives another result when it is computed again.*mask"):
        mg.grad(lambda x: np.sum(dropout(x)))(np.ones(50))


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="checkpoint"):
        mg.checkpoint(3)
