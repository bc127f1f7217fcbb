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


t = mg.tensor(np.arange(1.0, 7.0).reshape(2, 3), requires_grad=True)
v = mg.tensor(np.arange(1.0, 4.0), requires_grad=True)
REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], tuple[str, ...]]] = {
    "quantile beyond 1": (lambda: np.quantile(t, 1.5), ValueError, ("np.quantile", "`t`", "between 0 and 1")),
    "percentile beyond 100": (lambda: np.percentile(t, [10, 200]), ValueError, ("between 0 and 100",)),
    "method of a quantile": (lambda: np.quantile(t, 0.5, method="best"), ValueError, ("'best'", "'linear'"[1:-1])),
    "weights of another method": (lambda: np.quantile(t, 0.5, weights=t.data), ValueError, ("inverted_cdf",)),
    "quantile of complex numbers": (lambda: np.median(t * 1j), TypeError, ("no order",)),
    "quantiles of nothing": (lambda: np.quantile(t[:0], 0.5), ValueError, ("none",)),
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
        lambda: getattr(np, "cumulative_sum", lambda x: np.cumsum(x, axis=5))(t),
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
