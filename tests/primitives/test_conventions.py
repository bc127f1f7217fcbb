"""What a derivative is where there is none, or where the textbook formula breaks down: kinks, ties, poles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from tests.factories import assert_close

INF, NAN = np.inf, np.nan
TINY, HUGE = 1e-200, 1e200


def ratio(x: Any) -> Any:
    return x / np.sqrt(np.sum(x * x))


# what it is: (function, argument, gradient of the sum of its elements)
CONVENTIONS: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    # kinks
    "abs at 0": (np.abs, [-1.0, 0.0, 2.0], [-1, 0, 1]),
    "abs at -0": (np.abs, -0.0, 0),
    "fabs at 0": (np.fabs, 0.0, 0),
    "relu at 0": (mg.relu, [-1.0, 0.0, 2.0], [0, 0, 1]),
    "relu written with maximum, at 0": (lambda x: np.maximum(x, 0), [-1.0, 0.0, 2.0], [0, 0.5, 1]),
    "relu written with abs, at 0": (lambda x: (x + np.abs(x)) / 2, 0.0, 0.5),
    "relu written with where, at 0": (lambda x: np.where(x > 0, x, 0), 0.0, 0),
    "relu written with a comparison, at 0": (lambda x: x * (x > 0), [-1.0, 0.0, 2.0], [0, 0, 1]),
    "maximum of equal operands": (lambda x: np.maximum(x, 1.0), 1.0, 0.5),
    "minimum of equal operands": (lambda x: np.minimum(1.0, x), 1.0, 0.5),
    "maximum of a Tensor with itself": (lambda x: np.maximum(x, x), [1.0, -2.0], [1, 1]),
    "fmax of equal operands": (lambda x: np.fmax(x, [1.0, 2.0]), [1.0, 3.0], [0.5, 1]),
    "fmax with nan": (lambda x: np.fmax(x, [NAN, NAN, 1.0]), [2.0, NAN, NAN], [1, 0, 0]),
    "fmin with nan": (lambda x: np.fmin([NAN, 1.0], x), [2.0, NAN], [1, 0]),
    "maximum of equal infinities": (lambda x: np.maximum(x, INF), INF, 0.5),
    "unique of equal elements": (lambda x: np.unique(x) * [1.0, 6.0], [2.0, 5.0, 2.0, 5.0, 5.0], [0.5, 2, 0.5, 2, 2]),
    "sort of equal elements": (lambda x: np.sort(x) * [1.0, 2.0, 3.0], [5.0, 1.0, 1.0], [3, 1, 2]),
    "partition with nan": (lambda x: np.partition(x, 1) * [1.0, 2.0, 3.0], [NAN, 2.0, 1.0], [3, 2, 1]),
    "clip at its bounds": (lambda x: np.clip(x, -1, 1), [-2.0, -1.0, 0.0, 1.0, 2.0], [0, 0.5, 1, 0.5, 0]),
    "clip with crossed bounds": (lambda x: np.clip(x, 2, 1), [0.0, 1.5, 3.0], [0, 0, 0]),
    "copysign at 0": (lambda x: np.copysign(x, -1.0), [0.0, 2.0], [0, -1]),
    "hypot at 0": (lambda x: np.hypot(x, 0.0), [0.0, -2.0], [0, -1]),
    # ties of reductions
    "max of ties": (np.max, [3.0, 1.0, 3.0], [0.5, 0, 0.5]),
    "min of ties": (np.min, [3.0, 1.0, 1.0, 1.0], [0, 1 / 3, 1 / 3, 1 / 3]),
    "max along an axis": (lambda x: np.max(x, axis=1), [[2.0, 2.0], [1.0, 0.0]], [[0.5, 0.5], [1, 0]]),
    "max over two axes": (
        lambda x: np.max(x, axis=(0, 1)),
        [[2.0, 2.0], [1.0, 2.0]],
        [[1 / 3, 1 / 3], [0, 1 / 3]],
    ),
    "max of infinities": (np.max, [-INF, -INF], [0.5, 0.5]),
    "ptp of equal numbers": (np.ptp, [2.0, 2.0], [0, 0]),
    # jumps
    "piecewise constant functions": (
        lambda x: np.floor(x) + np.ceil(x) + np.rint(x) + np.trunc(x) + np.sign(x) + np.round(x, 1) + x // 1,
        [-1.0, 0.0, 0.5, 1.0],
        [0, 0, 0, 0],
    ),
    "heaviside": (lambda x: np.heaviside(x, 0.5), [-1.0, 0.0, 1.0], [0, 0, 0]),
    "remainder in its dividend": (lambda x: x % 1.0, [-1.0, 0.25, 1.0], [1, 1, 1]),
    "remainder in its divisor, where a / b rounds up": (lambda x: np.remainder(1.0, x), 0.1, -9),
    "fmod in its divisor, where a / b rounds up": (lambda x: np.fmod(-1.0, x), 0.1, 9),
    # powers
    "0 ** 2": (lambda x: x**2, 0.0, 0),
    "0 ** 1": (lambda x: x**1, 0.0, 1),
    "0 ** 0": (lambda x: x**0, 0.0, 0),
    "inf ** 0": (lambda x: x**0.0, INF, 0),
    "0 to an array of powers": (lambda x: x ** np.array([0.0, 1.0, 2.0, 3.0]), np.zeros(4), [0, 1, 0, 0]),
    "0 ** 0 in the exponent": (lambda x: 0.0**x, [0.0, 1.0, 2.5], [0, 0, 0]),
    "an array with zeros to x": (lambda x: np.array([0.0, 2.0]) ** x, [1.0, 1.0], [0, 2 * np.log(2)]),
    "negative base, whole power": (lambda x: x**3, -2.0, 12),
    "negative power": (lambda x: x**-2, [2.0, -2.0], [-0.25, 0.25]),
    # norms and roots at 0
    "norm at 0": (np.linalg.norm, np.zeros(3), np.zeros(3)),
    "norms of rows, one of them 0": (
        lambda x: np.linalg.norm(x, axis=1),
        [[0.0, 0.0], [3.0, 4.0]],
        [[0, 0], [0.6, 0.8]],
    ),
    "3-norm at 0": (lambda x: np.linalg.norm(x, 3), np.zeros(2), np.zeros(2)),
    "3-norm with a zero": (lambda x: np.linalg.norm(x, 3), [0.0, -2.0], [0, -1]),
    "1-norm at 0": (lambda x: np.linalg.norm(x, 1), [0.0, -2.0], [0, -1]),
    "largest of zeros": (lambda x: np.linalg.norm(x, np.inf), np.zeros(2), np.zeros(2)),
    "number of nonzeros": (lambda x: np.linalg.norm(x, 0), [0.0, 3.0], [0, 0]),
    "Frobenius norm at 0": (np.linalg.norm, np.zeros((2, 2)), np.zeros((2, 2))),
    "standard deviation of equal numbers": (np.std, [2.0, 2.0], [0, 0]),
    # products with zeros
    "prod with a zero": (np.prod, [0.0, 2.0, 3.0], [6, 0, 0]),
    "prod with two zeros": (np.prod, [0.0, 2.0, 0.0], [0, 0, 0]),
    "prod of one": (np.prod, [0.0], [1]),
    # untaken branches
    "where beside a nan": (lambda x: np.where([True, False], x, NAN), [1.0, 2.0], [1, 0]),
    "where beside a nan of its own": (lambda x: np.where(x > 0, x, 0.0), [1.0, NAN], [1, 0]),
    "where guarded twice": (
        lambda x: np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0),
        [4.0, -1.0],
        [0.25, 0],
    ),
    # without overflow, underflow or loss of digits
    "logistic far out": (mg.logistic, [-1000.0, -INF, 1000.0, INF], [0, 0, 0, 0]),
    "softplus far out": (mg.softplus, [-1000.0, -INF, 1000.0, INF], [0, 0, 1, 1]),
    "logaddexp of infinities": (lambda x: np.logaddexp(x, [1.0, 1.0, INF]), [INF, -INF, 1.0], [1, 0, 0]),
    "logaddexp of equal infinities": (lambda x: np.logaddexp(x, [INF, -INF]), [INF, -INF], [0.5, 0.5]),
    "logaddexp2 of infinities": (lambda x: np.logaddexp2([1.0, -INF], x), [INF, -INF], [1, 0.5]),
    "logaddexp far apart": (lambda x: np.logaddexp(x, 0.0), [1000.0, -1000.0], [1, 0]),
    "softmax of huge numbers": (lambda x: mg.softmax(x)[0], [1000.0, 1000.0, -INF], [0.25, -0.25, 0]),
    "log_softmax of huge numbers": (lambda x: mg.log_softmax(x)[1], [1000.0, 0.0, -1000.0], [-1, 1, 0]),
    "logsumexp with -inf": (mg.logsumexp, [0.0, -INF, 0.0], [0.5, 0, 0.5]),
    "logsumexp of -inf alone": (mg.logsumexp, [-INF, -INF], [0, 0]),
    "logsumexp of huge numbers": (mg.logsumexp, [1e300, -1e300], [1, 0]),
    "cross entropy with -inf where the target is 0": (
        lambda z: mg.cross_entropy(z, [0.0, 1.0]),
        [-INF, 0.0],
        [0, 0],
    ),
    "cross entropy of huge logits": (lambda z: mg.cross_entropy(z, 0), [-1000.0, 1000.0], [-1, 1]),
    "binary cross entropy of huge logits": (
        lambda z: mg.binary_cross_entropy(z, [1.0, 0.0, 0.0], reduction="sum"),
        [-1000.0, 1000.0, -1000.0],
        [-1, 1, 0],
    ),
    "expm1 of a large negative number": (np.expm1, -40.0, np.exp(-40.0)),
    "arccosh far out": (np.arccosh, HUGE, 1 / HUGE),
    "arctan2 of tiny numbers": (lambda x: np.arctan2(x, TINY), TINY, 0.5 / TINY),
    "arctan2 of huge numbers": (lambda x: np.arctan2(HUGE, x), HUGE, -0.5 / HUGE),
    "hypot of huge numbers": (lambda x: np.hypot(x, HUGE), HUGE, np.sqrt(0.5)),
    "tanh far out": (np.tanh, [-1000.0, 1000.0], [0, 0]),
    "sinc at 0": (np.sinc, [0.0, 1.0, -1.0], [0, -1, 1]),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("what", CONVENTIONS)
def test_convention(what: str) -> None:
    f, x, gradient = CONVENTIONS[what]
    x = np.asarray(x, dtype=float)
    expected = np.asarray(gradient, dtype=float)
    y, pull = mg.vjp(f, x)
    (actual,) = pull(np.ones(np.shape(y)))
    np.testing.assert_allclose(actual, expected, rtol=1e-14, atol=0)
    assert np.shape(actual) == x.shape
    # the forward rule knows the same convention, element by element
    for i in np.ndindex(x.shape):
        direction = np.zeros(x.shape)
        direction[i] = 1
        dy = mg.jvp(f, (x,), (direction[()],))[1]
        np.testing.assert_allclose(np.sum(dy), expected[i], rtol=1e-14, atol=0)


@pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")  # NumPy says so itself
@pytest.mark.parametrize(
    ("f", "x", "gradient"),
    [
        (np.sqrt, 0.0, INF),
        (np.cbrt, 0.0, INF),
        (np.log, 0.0, INF),
        (np.reciprocal, 0.0, -INF),
        (np.arcsin, 1.0, INF),
        (np.arccos, -1.0, -INF),
        (np.arctanh, 1.0, INF),
        (np.arccosh, 1.0, INF),
        (lambda x: x**0.5, 0.0, INF),
        (np.log, -1.0, -1.0),
        (np.max, [1.0, NAN], [NAN, NAN]),
        (
            lambda x: np.where(x > 0, np.sqrt(x), 0.0),
            [4.0, -1.0],
            [0.25, NAN],
        ),  # 0 times nan: guard it twice, see above
        (mg.softmax, [-INF, -INF], [NAN, NAN]),
        (mg.logsumexp, [1.0, INF], [0, NAN]),
    ],
)
def test_poles_are_infinite_and_nan_is_not_hidden(f: Callable[[Any], Any], x: Any, gradient: Any) -> None:
    np.testing.assert_array_equal(mg.grad(lambda t: np.sum(f(t)))(np.asarray(x)), np.asarray(gradient))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("f", "x", "second"),
    [
        (lambda x: np.logaddexp(x, x.detach()), 0.7, 0.25),  # equal operands are no kink
        (lambda x: np.logaddexp2(x, 0.7), 0.7, 0.25 * np.log(2)),
        (lambda x: x**2, 0.0, 2.0),
        (lambda x: x**3, 0.0, 0.0),
        (lambda x: x**1, 0.0, 0.0),
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: x ** np.array(2.0), 0.0, 2.0),
        (lambda x: x ** np.array(1.0), 0.0, 0.0),
        (lambda x: np.hypot(x, 0.0), 0.0, 0.0),
        (np.sinc, 0.0, -(np.pi**2) / 3),
        (np.sinc, 0.05, -3.2655516),
        (np.sinc, 1.0, 2.0),
        (np.abs, 0.0, 0.0),
        (mg.relu, 0.0, 0.0),
        (lambda x: np.linalg.norm(x * np.ones(2)), 0.0, 0.0),
    ],
)
def test_second_derivative_at_odd_points(f: Callable[[Any], Any], x: float, second: float) -> None:
    assert float(mg.grad(mg.grad(f))(x)) == pytest.approx(second, rel=1e-5, abs=1e-300)
    assert float(mg.jvp(mg.grad(f), (x,), (1.0,))[1]) == pytest.approx(second, rel=1e-5, abs=1e-300)


def test_sinc_on_both_sides_of_where_its_series_ends() -> None:
    """The slope of sinc, in float32 against float64, in float64 against longdouble: no digits are lost."""
    x = np.concatenate([np.linspace(-0.3, 0.3, 61), [1e-8, 0.0999999999, 0.1000000001]])
    exact = x.astype(np.longdouble)
    angle = np.longdouble("3.14159265358979323846264338327950288") * exact
    with np.errstate(invalid="ignore"):
        slope = np.where(exact == 0, 0, (np.cos(angle) - np.sin(angle) / angle) / exact)
    slope = np.where(np.abs(x) < 1e-4, -(np.pi**2) / 3 * x, slope).astype(float)  # the first term is all there is
    gradient = mg.grad(lambda t: np.sum(np.sinc(t)))
    np.testing.assert_allclose(gradient(x), slope, rtol=3e-13)
    np.testing.assert_allclose(gradient(x.astype(np.float32)), gradient(x.astype(np.float32).astype(float)), rtol=2e-5)


def test_second_derivatives_of_prod_with_zeros() -> None:
    for x in ([0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [1.0, 2.0, 3.0]):
        a, b, c = x
        expected = np.array([[0, c, b], [c, 0, a], [b, a, 0]])
        np.testing.assert_array_equal(mg.hessian(np.prod)(np.array(x)), expected)


def test_gradient_of_a_unit_vector_is_orthogonal_to_it() -> None:
    x = np.array([3.0, -4.0])
    jacobian = mg.jacobian(ratio)(x)
    assert_close(jacobian @ x, np.zeros(2), 1e-15, 1.0)
    assert_close(jacobian, np.array([[16.0, 12.0], [12.0, 9.0]]) / 125, 1e-15)


def test_single_precision_does_not_overflow_earlier_than_its_values() -> None:
    gradient = mg.grad(lambda t: np.sum(np.arctan2(t, np.float32(1e-25))))(np.float32([1e-25, 1e15]))
    np.testing.assert_allclose(gradient, [5e24, 0], rtol=1e-6)
