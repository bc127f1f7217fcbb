"""Reductions, quantiles, sequences and bins at the points where a convention or a refusal is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg

T = np.array([2.0, 1.0, 2.0, 0.0])
TIES: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
    "the greatest of a quantile": (lambda x: np.quantile(x, 1.0), T, [0.5, 0, 0.5, 0]),
    "a percentile between equal ones": (lambda x: np.percentile(x, 90), T, [0.5, 0, 0.5, 0]),
    "a median of equal ones": (np.median, np.ones(4), [0.25] * 4),
    "nanmax": (np.nanmax, np.array([3.0, np.nan, 3.0]), [0.5, 0, 0.5]),
    "max and its initial value": (lambda x: np.max(x, initial=2.0), T, [0.25, 0, 0.25, 0]),
    "nansum of nan": (np.nansum, np.array([np.nan, 1.0]), [0, 1]),
    "prod with zeros": (lambda x: np.sum(np.cumprod(x)), np.array([2.0, 0.0, 3.0, 4.0]), [1, 32, 0, 0]),
    "median of nan": (np.nanmedian, np.array([1.0, np.nan, 5.0, 2.0]), [0, 0, 0, 1]),
    "interp at a point": (lambda x: np.interp(x, [0.0, 1.0, 3.0], [0.0, 2.0, 3.0])[0], np.array([1.0]), [0.5]),
    "interp at the last point": (lambda x: np.interp(x, [0.0, 1.0], [0.0, 2.0])[0], np.array([1.0]), [2.0]),
    "interp beyond": (lambda x: np.interp(x, [0.0, 1.0], [0.0, 2.0])[0], np.array([1.5]), [0.0]),
    "std of equal ones": (lambda x: np.std(x, where=[True, True, False]), np.array([1.0, 1.0, 5.0]), [0, 0, 0]),
    "hypotenuse": (lambda x: np.hypot.reduce(x), np.zeros(2), [0, 0]),
    "step at 0": (lambda h: np.heaviside(0.0, h)[0], np.array([0.3]), [1.0]),
    "the angle of real numbers": (lambda x: np.sum(np.angle(x)), np.array([-1.0, 0.0, 2.0]), [0, 0, 0]),
    "nan made a number": (
        lambda x: np.sum(np.nan_to_num(x)),
        np.array([np.nan, np.inf, -np.inf, 2.0]),
        [0, 0, 0, 1],
    ),
    "whole part of infinity": (lambda x: np.modf(x)[0][1], np.array([1.5, np.inf]), [0, 0]),
    "edges of a histogram": (lambda x: np.histogram(x, bins=4)[1][1], T, [0.125, 0, 0.125, 0.75]),
    "edges of one value": (lambda x: np.histogram(x)[1][3], np.array([2.0, 2.0]), [0.5, 0.5]),
}


@pytest.mark.parametrize("name", TIES)
def test_conventions(name: str) -> None:
    f, x, wanted = TIES[name]
    np.testing.assert_allclose(mg.grad(f)(x), wanted, rtol=1e-14, atol=1e-15)


def test_all_nan_slices_are_nan_as_in_numpy() -> None:
    x = np.array([[np.nan, 1.0], [np.nan, 3.0]])
    for f in (np.nanmax, np.nanmin, np.nanmedian, np.nanmean, np.nanvar, np.nanstd):
        with np.errstate(invalid="ignore"):
            y, pull = mg.vjp(lambda x: f(x, axis=0), x)  # noqa: B023
            assert np.isnan(y[0])
            assert np.isfinite(y[1])
            assert np.all(pull(np.array([0.0, 1.0]))[0][:, 0] == 0)
    y = mg.tensor(x, requires_grad=True)
    assert np.isnan(np.median(y).item())
    assert np.isnan(np.quantile(y, 0.5, axis=0).data).tolist() == [True, False]


def test_remainder_of_polynomials() -> None:
    u, v = np.array([2.0, -1.0, 0.5, 3.0, 1.0]), np.array([1.5, 2.0, -0.7])
    quotient, remainder = np.polydiv(mg.tensor(u, requires_grad=True), v)
    for mine, numpys in zip((quotient, remainder), np.polydiv(u, v), strict=True):
        np.testing.assert_allclose(mine.data, numpys, rtol=1e-14)
    # u = quotient * v + remainder: what moves the remainder alone does not move the quotient
    jacobian = mg.jacobian(lambda u: np.polydiv(u, v)[1])(u)
    np.testing.assert_allclose(jacobian[:, -2:], np.eye(2), atol=1e-15)
    d = np.array([0.3, 1.0, -0.2, 0.4, -1.0])
    slope = (np.polydiv(u + 1e-6 * d, v)[1] - np.polydiv(u - 1e-6 * d, v)[1]) / 2e-6
    np.testing.assert_allclose(jacobian @ d, slope, rtol=1e-8)


def test_zeros_that_are_no_eigenvalues() -> None:
    p = mg.tensor([0.0, 2.0, -6.0, 0.0], requires_grad=True)
    np.testing.assert_allclose(np.roots(p).data, [3.0, 0.0])
    assert np.roots(mg.tensor([0.0, 0.0], requires_grad=True)).size == 0


def test_zeros_in_conjugate_pairs_make_a_real_polynomial() -> None:
    zeros = np.array([1 + 2j, 1 - 2j, 3.0])
    p = np.poly(mg.tensor(zeros, requires_grad=True))
    np.testing.assert_allclose(p.data, np.poly(zeros))
    assert p.dtype == np.float64


def test_average_returns_the_sum_of_weights() -> None:
    t = mg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    for weights in (None, np.array([1.0, 2.0, 3.0])):
        for mine, numpys in zip(
            np.average(t, axis=1, weights=weights, returned=True),
            np.average(t.numpy(), axis=1, weights=weights, returned=True),
            strict=True,
        ):
            np.testing.assert_allclose(mine.data, numpys)


def test_complex_numbers() -> None:
    z = np.array([1 + 2j, 0.5 - 1j, -1 + 0.3j])
    assert np.allclose(mg.vjp(np.cumprod, z)[0], np.cumprod(z))
    for f in (np.cumprod, np.diff, np.gradient, np.trapezoid, lambda z: np.sum(z, where=[True, False, True])):
        jacobian = mg.vjp(f, z)[1](np.ones_like(f(z)))[0]
        step = 1e-6 * (0.6 + 0.8j)
        for i in range(3):
            up, down = z.copy(), z.copy()
            up[i] += step
            down[i] -= step
            assert abs(jacobian[i] - np.sum(f(up) - f(down)) / (2 * step)) < 1e-8
    pull = mg.vjp(lambda z: np.correlate(z, np.array([1j, 2.0])), z)[1]
    np.testing.assert_allclose(pull(np.ones(2))[0], [-1j, 2 - 1j, 2])
    assert np.iscomplexobj(mg.vjp(lambda z: np.interp(0.5, [0.0, 1.0, 2.0], z), z)[0])


def test_parts_of_complex_numbers() -> None:
    z = np.array([0.6 - 0.8j, -1.2 + 0.5j])

    def total(z: Any) -> Any:
        return np.sum(np.angle(z) ** 2 + np.angle(z, deg=True))

    gradient = mg.grad(total)(z)
    for direction in (1.0, 1j):
        for i in range(2):
            step = np.eye(2)[i] * direction * 1e-6
            slope = (total(z + step) - total(z - step)) / 2e-6
            assert abs(np.real(gradient[i] * direction) - slope) < 1e-6
    nan = np.array([complex(np.nan, 1.0), complex(2.0, np.inf)])
    y, pull = mg.vjp(lambda z: np.nan_to_num(z, posinf=9.0), nan)
    np.testing.assert_array_equal(y, [1j, 2 + 9j])
    np.testing.assert_allclose(pull(np.array([-1j, 1.0]))[0], [-1j, 1.0])
    assert np.real_if_close(mg.tensor(np.array([1 + 1e-18j]), requires_grad=True)).dtype == np.float64
    assert np.emath.sqrt(mg.tensor(np.array([-1.0]), requires_grad=True)).dtype == np.complex128


#: Masks, order and places that depend on the data.
FOLLOWING: dict[str, Callable[[Any], Any]] = {
    "np.sum(x, where=x>0)": lambda x: np.sum(x, where=x > 0),
    "np.mean(x*x, where=x>-1)": lambda x: np.mean(x * x, where=x > -1),
    "np.var(x, where=x>-1)": lambda x: np.var(x, where=x > -1),
    "np.max(x, initial=0., where=x<.5)": lambda x: np.max(x, initial=0.0, where=x < 0.5),
    "np.sum(np.log(np.abs(x), where=x>.5, out=np.zeros_like(x)))": lambda x: np.sum(
        np.log(np.abs(x), where=x > 0.5, out=np.zeros_like(x))
    ),
    "np.sum(np.median(x)*x)": lambda x: np.sum(np.median(x) * x),
    "np.sum(np.quantile(x,[.2,.5])*x[:2])": lambda x: np.sum(np.quantile(x, [0.2, 0.5]) * x[:2]),
    "np.sum(np.maximum.accumulate(x)*x)": lambda x: np.sum(np.maximum.accumulate(x) * x),
    "np.sum(np.minimum.accumulate(x[::-1])*x)": lambda x: np.sum(np.minimum.accumulate(x[::-1]) * x),
    "np.sum(np.cumprod(x))": lambda x: np.sum(np.cumprod(x)),
    "np.sum(np.interp(x,[-2.,0.,1.],[1.,3.,-2.])*x)": lambda x: np.sum(
        np.interp(x, [-2.0, 0.0, 1.0], [1.0, 3.0, -2.0]) * x
    ),
    "np.sum(np.interp(x,np.sort(x),x*x))": lambda x: np.sum(np.interp(x, np.sort(x), x * x)),
    "np.sum(np.unwrap(x*3)*x)": lambda x: np.sum(np.unwrap(x * 3) * x),
    "np.sum(np.gradient(x,np.cumsum(np.abs(x)))*x)": lambda x: np.sum(np.gradient(x, np.cumsum(np.abs(x))) * x),
    "np.sum(np.corrcoef(x,x**2)*2)": lambda x: np.sum(np.corrcoef(x, x**2) * 2),
    "np.sum(np.sqrt(np.abs(x), out=x*1)*x)": lambda x: np.sum(np.sqrt(np.abs(x), out=x * 1) * x),
    "np.sum(np.where(np.isclose(x,x[0],atol=1),x,x*2))": lambda x: np.sum(
        np.where(np.isclose(x, x[0], atol=1), x, x * 2)
    ),
    "np.sum(np.nan_to_num(x)**2)": lambda x: np.sum(np.nan_to_num(x) ** 2),
    "np.sum(np.heaviside(x,.5)*x)": lambda x: np.sum(np.heaviside(x, 0.5) * x),
    "np.sum(np.i0(x))": lambda x: np.sum(np.i0(x)),
    "np.sum(np.modf(x)[0]*x)": lambda x: np.sum(np.modf(x)[0] * x),
    "np.sum(np.frexp(x)[0]*x)": lambda x: np.sum(np.frexp(x)[0] * x),
}
PASSING_OVER: dict[str, Callable[[Any], Any]] = {
    "np.nanmedian(x)": lambda x: np.nanmedian(x),
    "np.nanvar(x,ddof=1)": lambda x: np.nanvar(x, ddof=1),
    "np.nanmax(x)": lambda x: np.nanmax(x),
    "np.nanquantile(x,.3)": lambda x: np.nanquantile(x, 0.3),
    "np.nanstd(x)": lambda x: np.nanstd(x),
    "np.nanprod(x)": lambda x: np.nanprod(x),
    "np.sum(np.nancumsum(x)**2)": lambda x: np.sum(np.nancumsum(x) ** 2),
}


@pytest.mark.parametrize("name", [*FOLLOWING, *PASSING_OVER])
def test_traced_graphs_follow_other_data(name: str) -> None:
    """What depends on the data is recorded: a graph and that of its gradient are right for other data."""
    rng = np.random.default_rng(0)
    first, other = rng.normal(size=7), rng.normal(size=7) * 2 + 0.3
    f = FOLLOWING.get(name) or PASSING_OVER[name]
    if name in PASSING_OVER:
        first[2] = other[4] = np.nan
    for g in (f, mg.grad(f)):
        graph = mg.trace(g, first)
        (x,) = graph.inputs.values()
        np.testing.assert_allclose(graph.evaluate(graph.result.node, {x: other}), g(other), rtol=1e-12, atol=1e-14)


t = mg.tensor(np.arange(1.0, 7.0).reshape(2, 3), requires_grad=True)
v = mg.tensor(np.arange(1.0, 4.0), requires_grad=True)
REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], tuple[str, ...]]] = {
    "quantile beyond 1": (lambda: np.quantile(t, 1.5), ValueError, ("np.quantile", "`t`", "between 0 and 1")),
    "percentile beyond 100": (lambda: np.percentile(t, [10, 200]), ValueError, ("between 0 and 100",)),
    "method of a quantile": (lambda: np.quantile(t, 0.5, method="best"), ValueError, ("'best'", "'linear'"[1:-1])),
    "weights of another method": (lambda: np.quantile(t, 0.5, weights=t.data), ValueError, ("inverted_cdf",)),
    "quantile of complex numbers": (lambda: np.median(t * 1j), TypeError, ("no order",)),
    "quantiles of nothing": (lambda: np.quantile(t[:0], 0.5), ValueError, ("none",)),
    "matrix as a polynomial": (lambda: np.polyval(t, 1.0), ValueError, ("np.polyval", "(2, 3)")),
    "poly1d": (lambda: np.polyval(np.poly1d([1, 2]), v), NotImplementedError, ("coeffs",)),
    "degree": (lambda: np.polyfit(v, v, -1), ValueError, ("deg=-1",)),
    "points of polyfit": (lambda: np.polyfit(v, [1.0, 2.0], 1), ValueError, ("(3,)", "(2,)")),
    "weights of polyfit": (lambda: np.polyfit(v, v, 1, w=[1.0]), ValueError, ("(1,)", "3 points")),
    "points of a covariance": (lambda: np.polyfit(v, v, 2, cov=True), ValueError, ("too few",)),
    "constants of polyint": (lambda: np.polyint(v, 3, k=[1.0, 2.0]), ValueError, ("2 constants",)),
    "copy of nan_to_num": (lambda: np.nan_to_num(v, copy=False), TypeError, ("copy=False",)),
    "matrix as a vector": (lambda: np.vander(t), ValueError, ("np.vander", "(2, 3)")),
    "matrix as a sequence": (lambda: np.convolve(t, [1.0]), ValueError, ("np.convolve", "(2, 3)")),
    "empty sequence": (lambda: np.correlate(v, []), ValueError, ("empty",)),
    "mode of a convolution": (lambda: np.convolve(v, v, "half"), ValueError, ("'half'", "valid")),
    "points that do not fit": (lambda: np.interp(0.5, [0.0, 1.0], v), ValueError, ("np.interp", "(2,)", "(3,)")),
    "period 0": (lambda: np.interp(v, [0.0, 1.0], [0.0, 1.0], period=0), ValueError, ("period",)),
    "weights of bins": (lambda: np.bincount([0, 1], weights=v), ValueError, ("(3,)", "(2,)")),
    "negative places": (lambda: np.bincount([0, 1, -1], weights=v), TypeError, ("from 0 on",)),
    "observations": (lambda: np.cov(t[None]), ValueError, ("np.cov", "(1, 2, 3)")),
    "aweights": (lambda: np.cov(t, aweights=[1.0]), ValueError, ("aweights", "3 observations")),
    "spacing": (lambda: np.gradient(v, [0.0, 1.0]), ValueError, ("np.gradient", "(2,)", "length 3")),
    "edge order": (lambda: np.gradient(v, edge_order=3), ValueError, ("edge_order", "3")),
    "too short": (lambda: np.gradient(v[:1]), ValueError, ("too short",)),
    "negative n": (lambda: np.diff(v, n=-1), ValueError, ("np.diff", "n=-1")),
    "ddof twice": (lambda: np.var(v, ddof=1, correction=1), ValueError, ("two names",)),
    "axis of cumulative_sum": (
        lambda: np.cumulative_sum(t) if hasattr(np, "cumulative_sum") else np.cumsum(t, axis=5),
        (ValueError, IndexError),  # type: ignore[dict-item]
        ("`t`", "axis"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    call, error, parts = REFUSED[name]
    with pytest.raises(error) as caught:
        call()
    assert [part for part in parts if part not in str(caught.value)] == [], str(caught.value)
