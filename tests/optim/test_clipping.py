"""Clipping: against NumPy on the concatenated gradient, and what must hold; gradients that are no numbers are named."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal

import microgradnp as mg
from microgradnp.optim import SGD, check_finite, clip_by_norm, clip_by_value
from tests.optim.factories import gradients, parameters, starts

SHAPES = (), (3,), (2, 4)


def with_gradients(dtype: Any = np.float64, factor: float = 1.0) -> list[mg.Tensor]:
    made = parameters(*starts(*SHAPES, dtype=dtype))
    for p, g in zip(made, gradients(1, *SHAPES)[0], strict=True):
        p.grad = factor * g
    return made


def flat(params: list[mg.Tensor]) -> Any:
    return np.concatenate([np.ravel(p.grad).astype(np.float64) for p in params if p.grad is not None])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("factor", [1.0, 1e30, 1e-30, 1e-42])
def test_the_norm_of_all_together(dtype: Any, factor: float) -> None:
    """Also where the squares overflow or vanish in the type of the gradients."""
    params = with_gradients(dtype, factor)
    before = flat(params)
    kept = [p.grad for p in params]
    norm = clip_by_norm(params, 0.5 * factor)
    assert_allclose(norm, factor * np.linalg.norm(before / factor), rtol=1e-12)
    assert_allclose(
        flat(params), before * (0.5 * factor / norm), rtol=1e-6, atol=float(np.finfo(dtype).smallest_subnormal)
    )
    assert all(p.grad.dtype == dtype for p in params)
    assert_array_equal(np.concatenate([np.ravel(g) for g in kept]), before)  # what was taken before stays


@pytest.mark.parametrize("factor", [1e200, 1e-200, 1e-310])
def test_the_norm_where_squares_overflow_or_vanish_in_float64(factor: float) -> None:
    params = with_gradients(np.float64, factor)
    scale = np.linalg.norm(flat(params) / factor)
    assert_allclose(clip_by_norm(params, float("inf")), factor * scale, rtol=1e-10)
    clip_by_norm(params, factor)
    assert_allclose(np.linalg.norm(flat(params) / factor), 1.0, rtol=1e-10)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_clipping_by_norm_keeps_the_direction(max_norm: float, factor: float) -> None:
    params = with_gradients(factor=factor)
    before = flat(params)
    norm = clip_by_norm(params, max_norm)
    after = flat(params)
    assert np.linalg.norm(after) <= max_norm * (1 + 1e-12) or norm <= max_norm
    if norm <= max_norm:
        assert_array_equal(after, before)
    else:
        assert_allclose(after / np.linalg.norm(after), before / norm, rtol=1e-12)
    assert clip_by_norm(params, max_norm) <= max_norm * (1 + 1e-12)


@given(st.floats(1e-3, 10.0))
def test_clipping_by_value(limit: float) -> None:
    params = with_gradients()
    before = flat(params)
    assert clip_by_value(params, limit) is None
    assert_array_equal(flat(params), np.minimum(np.maximum(before, -limit), limit))


def test_no_gradients_and_zeros() -> None:
    params = parameters(1.0, np.ones(2))
    assert clip_by_norm(params, 1.0) == 0.0
    clip_by_value(params, 1.0)
    params[1].grad = [0.0, 0.0]
    assert clip_by_norm(params, 1.0) == 0.0
    params[1].grad = [3.0, 4.0]
    params[0].grad = 100.0
    params[0].requires_grad = False  # frozen: it does not step, so it does not count
    assert clip_by_norm(params, 1.0) == 5.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([np.nan, 1.0, np.nan], "the gradient of W holds nan in 2 of 3 numbers; no step was made"),
        ([np.inf, 1.0, -np.inf], "the gradient of W holds inf in 2 of 3 numbers"),
        ([np.inf, 1.0, np.nan], "the gradient of W holds nan and inf in 2 of 3 numbers"),
    ],
)
@pytest.mark.parametrize("named", ["pair", "tensor", "dict", "optimizer"])
def test_a_gradient_that_is_no_number_is_named(values: list[float], said: str, named: str) -> None:
    W, b = mg.tensor(np.zeros(3), requires_grad=True, name="W" if named == "tensor" else None), *parameters(1.0)
    W.grad, b.grad = values, 5.0
    params: Any = {
        "pair": [("W", W), ("b", b)],
        "tensor": [W, b],
        "dict": {"W": W, "b": b},
        "optimizer": SGD({"W": W, "b": b}, lr=0.1),
    }[named]
    for check in (check_finite, lambda p: clip_by_norm(p, 1.0)):
        with pytest.raises(FloatingPointError, match=said):
            check(params)
    assert b.grad == 5.0
    if "nan" in said:
        with pytest.raises(FloatingPointError, match=said):
            clip_by_value(params, 1.0)
        assert b.grad == 5.0
    else:
        clip_by_value(params, 1.0)
        assert_array_equal(W.grad, [1.0, 1.0, -1.0])


def test_all_that_are_wrong_are_listed() -> None:
    a, b, c = parameters(1.0, 1.0, np.ones(2))
    a.grad, b.grad, c.grad = np.nan, 1.0, [np.inf, 0.0]
    with pytest.raises(
        FloatingPointError, match=r"of parameter 0 holds nan in 1 of 1 numbers; the gradient of parameter 2 holds inf"
    ):
        check_finite([a, b, c])
    b.grad = 2.0
    check_finite([b])


@pytest.mark.parametrize("bad", [0, -1.0, float("nan")])
def test_limits_that_make_no_sense(bad: float) -> None:
    with pytest.raises(ValueError, match=r"max_norm=.* must be greater than 0"):
        clip_by_norm(with_gradients(), bad)
    with pytest.raises(ValueError, match=r"limit=.* must be greater than 0"):
        clip_by_value(with_gradients(), bad)


def test_what_is_no_tensor() -> None:
    with pytest.raises(TypeError, match=r"clip_by_norm wants an optimizer or an iterable of tensors, not one Tensor"):
        clip_by_norm(parameters(1.0)[0], 1.0)
    with pytest.raises(TypeError, match="parameter 0 is no Tensor but ndarray"):
        clip_by_value([np.ones(2)], 1.0)
    with pytest.raises(TypeError, match="max_norm must be a number, not 'big'"):
        clip_by_norm(parameters(1.0), "big")
