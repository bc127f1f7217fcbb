"""Ufuncs with keywords, and their methods: every one against NumPy on arrays and differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from tests.factories import assert_close, derivative

rng = np.random.default_rng(5)
X = 0.3 + 0.15 * rng.permutation(12).reshape(3, 4) + rng.uniform(0, 0.03, (3, 4))  # no two tie
Y = np.flip(X) + 0.08
V = rng.uniform(-0.9, 0.9, (3, 4))
MASK = np.array([True, False, True, True])

CALLS: dict[str, Callable[[Any], Any]] = {
    **{
        f"{u.__name__}.reduce": lambda x, u=u: u.reduce(x)
        for u in (
            np.add, np.multiply, np.subtract, np.divide, np.maximum, np.minimum, np.logaddexp, np.logaddexp2, np.hypot,
            np.fmax, np.fmin, np.power, np.arctan2,
        )
    },
    **{
        f"{u.__name__}.accumulate": lambda x, u=u: u.accumulate(x, axis=1)
        for u in (np.add, np.multiply, np.subtract, np.divide, np.maximum, np.minimum, np.logaddexp, np.hypot, np.power)
    },
    **{
        f"{u.__name__}.reduceat": lambda x, u=u: u.reduceat(x, [0, 2, 1, 1], axis=1)
        for u in (np.add, np.multiply, np.subtract, np.maximum, np.logaddexp)
    },
    **{
        f"{u.__name__}.outer": lambda x, u=u: u.outer(x, Y[0]) + u.outer(Y[1, 0], x[0, 0])
        for u in (np.add, np.multiply, np.subtract, np.maximum, np.minimum, np.logaddexp, np.hypot, np.power)
    },
    "add.reduce with keywords": lambda x: np.add.reduce(x, axis=(0, 1), keepdims=True, initial=2.0, where=MASK),
    "maximum.reduce with keywords": lambda x: np.maximum.reduce(x, axis=None, initial=0.0, where=MASK),
    "logaddexp.reduce with keywords": lambda x: np.logaddexp.reduce(x, axis=1, initial=0.5, where=MASK, keepdims=True),
    "hypot.reduce with keywords": lambda x: np.hypot.reduce(x, axis=(0, 1), keepdims=True, initial=1.5, where=MASK),
    "subtract.reduce with keywords": lambda x: np.subtract.reduce(x, axis=-1, keepdims=True, initial=3.0),
    "add.accumulate with dtype": lambda x: np.add.accumulate(x, dtype=np.complex128).real,
    "multiply.outer with dtype": lambda x: np.multiply.outer(x, x, dtype=float),
    "add with dtype": lambda x: np.add(x, 1, dtype=np.float64, casting="same_kind"),
    "exp with casting": lambda x: np.exp(x, casting="no", order="K", subok=True),
    "sin as complex": lambda x: np.sin(x, dtype=np.complex128).real,
    "log into zeros": lambda x: np.log(x - 0.5, where=x > 0.54, out=np.zeros_like(x)),
    "quotient into ones": lambda x: np.divide(1.0, x - X[0, 0], out=np.ones_like(x), where=x != x[0, 0]),
    "sum into a result": lambda x: np.add(x, 1.0, out=x * 2),
    "product where, into a result": lambda x: np.multiply(x, 3.0, out=x * x, where=MASK),
    "root in place": lambda x: in_place(x * x),
    "into a view": lambda x: into_a_view(x * x),
    "logistic where": lambda x: np.arctanh(x / 2.5, where=MASK, out=np.full_like(x, 0.25)),
}  # fmt: skip


def in_place(y: Any) -> Any:
    np.sqrt(y, out=y)
    return np.multiply(y, y, out=y)


def into_a_view(y: Any) -> Any:
    np.sqrt(y[1:], out=y[1:])
    np.add(y[0], 1.0, out=y[0], where=MASK)
    return y


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str) -> None:
    f = CALLS[name]
    y, pull = mg.vjp(f, X)
    expected = f(X.copy())
    assert np.shape(y) == np.shape(expected)
    assert_close(y, expected, 1e-14)
    numeric = derivative(lambda t: f(X + t * V))
    assert_close(mg.jvp(f, (X,), (V,))[1], numeric, 1e-8, 1e-2)
    w = np.resize([0.7, -0.4, 1.1], np.shape(y))[()]
    gradient = pull(w)[0]
    assert_close(np.sum(gradient * V), np.sum(np.ravel(w) * numeric), 1e-8, 1.0)

    def slope(x: Any) -> Any:
        return np.sum(mg.grad(lambda x: np.sum(f(x) * w))(x) * V)

    assert_close(np.sum(mg.grad(slope)(X) * V), derivative(lambda t: slope(X + t * V)), 1e-7, 1.0)


def test_ties_of_a_running_maximum_share_equally() -> None:
    x = np.array([1.0, 3.0, 2.0, 3.0, 3.0, 4.0])
    jacobian = mg.jacobian(lambda x: np.maximum.accumulate(x))(x)
    np.testing.assert_allclose(jacobian[3], [0, 1 / 2, 0, 1 / 2, 0, 0])
    np.testing.assert_allclose(jacobian[4], [0, 1 / 3, 0, 1 / 3, 1 / 3, 0])
    np.testing.assert_allclose(jacobian[5], [0, 0, 0, 0, 0, 1])


def test_nothing_leaks_from_what_is_left_out() -> None:
    x = np.array([0.0, -1.0, 2.0])
    gradient = mg.grad(lambda x: np.sum(np.log(x, where=x > 0, out=np.zeros_like(x))))(x)
    np.testing.assert_array_equal(gradient, [0, 0, 0.5])


def test_single_precision_stays_single() -> None:
    x = X.astype(np.float32)
    for f in (lambda x: np.logaddexp.reduce(x), lambda x: np.hypot.reduce(x), lambda x: np.add.reduceat(x, [0, 1])):
        y, pull = mg.vjp(f, x)
        assert y.dtype == pull(np.ones_like(y))[0].dtype == np.float32


def test_empty_reductions() -> None:
    nothing = mg.tensor(np.zeros((0, 2)), requires_grad=True)
    np.testing.assert_array_equal(np.hypot.reduce(nothing).data, [0, 0])
    with pytest.raises(ValueError, match="no elements"):
        np.subtract.reduce(nothing)


REFUSED: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "where without out": (lambda t: np.log(t, where=MASK), TypeError, r"out=.*np\.where\(mask, np\.log"),
    "out is an array": (lambda t: np.exp(t, out=np.zeros((3, 4))), TypeError, "lose its gradient"),
    "out of another shape": (lambda t: np.exp(t, out=mg.tensor(np.zeros(4))), ValueError, r"shape \(3, 4\)"),
    "out is a leaf": (lambda t: np.exp(t, out=t), TypeError, "out"),
    "integers": (lambda t: np.add(t, 1, dtype=int), TypeError, "cannot cast"),
    "casting": (lambda t: np.add(t, 1, dtype=np.float32, casting="safe"), TypeError, "casting='safe'"),
    "signature": (lambda t: np.add(t, 1, signature="dd->d"), TypeError, "signature"),
    "two axes": (lambda t: np.subtract.reduce(t, axis=(0, 1)), ValueError, "one axis"),
    "where of subtract": (lambda t: np.subtract.reduce(t, where=MASK), ValueError, "no where="),
    "accumulate of a number": (lambda t: np.add.accumulate(t[0, 0]), TypeError, "axis"),
    "reduceat beyond": (lambda t: np.add.reduceat(t, [0, 7]), IndexError, "0 to 2"),
    "where of another shape": (lambda t: np.sum(t, where=[True, False]), ValueError, "broadcast"),
    "where of max": (lambda t: np.max(t, where=MASK), ValueError, "initial="),
    "sum as integers": (lambda t: np.sum(t, dtype=int), TypeError, "int"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    f, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        f(mg.tensor(X, requires_grad=True))


def test_constants_take_arrays_to_write_to() -> None:
    target = np.zeros((3, 4))
    assert np.exp(mg.tensor(X), out=target) is target
    np.testing.assert_array_equal(target, np.exp(X))
