"""Cases of reductions, cumulative, statistical and numerical functions: one line for each way of calling each."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.primitives.bessel import i0_slope
from microgradnp.primitives.cumulative import recurrence, running_max, running_min
from microgradnp.primitives.parts import exponent
from microgradnp.primitives.quantiles import METHODS, as_rank, ranked
from microgradnp.primitives.signals import bin_of, full_convolution, interval
from tests.factories import (
    Array,
    Input,
    above_one,
    graded,
    other,
    positive,
    real,
    regular,
    separate,
    threes,
    truth,
    unit,
    whole,
)
from tests.primitives.calls import case

A = real(2, 3)
B = other(2, 3)
P = positive(2, 3)
S = separate(2, 3)
X = real(2, 3, 4)
XS = separate(2, 3, 4)
MASK = np.array([[True, False, True], [False, False, True]])
MASK3 = np.arange(24).reshape(2, 3, 4) % 5 != 0
F64 = np.float64

# -- reductions of some of the elements ----------------------------------------------------------------------

MASKS: list[dict[str, Any]] = [
    {"where": MASK3},
    {"where": MASK3, "axis": 1},
    {"where": MASK3, "axis": (0, -1), "keepdims": True},
    {"where": MASK3[0], "axis": 1},
    {"where": [True, False, True, True], "axis": -1},
    {"where": True, "keepdims": True, "dtype": F64},
]


def holes(*shape: int) -> Input:
    """Return an operand with nan at places where it does not count."""
    whole = separate(*shape)

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        x = whole.draw(rng, shape)
        x.reshape(-1)[1::5] = np.nan
        return x

    return Input("holes", shape, draw)


H = holes(3, 4)
NANS: list[dict[str, Any]] = [{}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (1, 0)}, {"keepdims": True}]
SOME = np.array([True, False, True, True])
KEPT = {"axis": 1, "keepdims": True}

MASKED = [
    *(case(f, XS, **how) for f in (np.sum, np.mean, np.prod, np.var, np.std) for how in MASKS),
    *(case(f, A, initial=1.5, axis=1) for f in (np.sum, np.prod)),
    *(case(f, A, initial=real()) for f in (np.sum, np.prod)),
    *(case(f, A, 1, F64) for f in (np.sum, np.prod, np.mean, np.var)),
    *(case(f, XS, initial=0.1, **KEPT) for f in (np.max, np.min, np.amax, np.amin)),
    *(case(f, XS, where=MASK3, initial=bound, axis=(0, 2)) for f, bound in ((np.max, -9.0), (np.min, 9.0))),
    *(case(f, real(0, 3), initial=2.5, axis=0) for f in (np.sum, np.prod, np.max, np.min)),
    case(np.max, S, initial=other(), where=MASK),
    case(np.var, XS, axis=1, mean=real(2, 1, 4)),
    case(np.var, XS, axis=1, mean=real(2, 1, 4), where=MASK3, ddof=1),
    case(np.std, XS, axis=(0, 1), mean=real(1, 1, 4), ddof=1),
    case(np.var, XS, axis=1, where=MASK3, correction=0.5),
    case(np.all, truth(2, 3), where=MASK),
    case(np.all, A, axis=1, keepdims=True, where=MASK),
    case(np.any, truth(2, 3), axis=0, keepdims=True, where=MASK),
    *(case(f, H, **how) for f in (np.nansum, np.nanmean, np.nanprod, np.nanmax, np.nanmin) for how in NANS),
    *(case(f, H, **how) for f in (np.nanvar, np.nanstd) for how in NANS),
    *(case(f, H, axis=1, where=SOME) for f in (np.nansum, np.nanmean, np.nanprod, np.nanvar, np.nanstd)),
    *(case(f, H, dtype=F64) for f in (np.nansum, np.nanmean, np.nanprod, np.nanvar, np.nanstd)),
    *(case(f, H, initial=1.5, axis=0) for f in (np.nansum, np.nanprod)),
    case(np.nanmax, H, initial=0.1, where=SOME, axis=1),
    case(np.nanmin, H, initial=0.1, where=SOME, axis=1),
    *(case(f, H, ddof=1, axis=1) for f in (np.nanvar, np.nanstd)),
    *(case(f, H, correction=0.5) for f in (np.nanvar, np.nanstd)),
    *(case(f, H, axis=1, mean=real(3, 1)) for f in (np.nanvar, np.nanstd)),
    case(np.nanargmax, H),
    case(np.nanargmax, H, axis=0, keepdims=True),
    case(np.nanargmin, H, axis=1, keepdims=True),
    case(np.average, A, weights=P, returned=True),
    case(np.average, A, axis=0, returned=True, keepdims=True, first=1),
    case(np.average, X, axis=(2, 0), weights=positive(4, 2)),
]


def _between(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw numbers between 0 and 6, away from the whole ones."""
    return rng.integers(0, 6, shape) + rng.uniform(0.2, 0.8, shape)


def between(*shape: int) -> Input:
    return Input("between", shape, _between)


def unit_share(*shape: int) -> Input:
    """Return shares that are no multiple of 1/4: there a quantile has a kink."""
    return Input("share", shape, lambda rng, shape: rng.choice([0.1, 0.4, 0.65, 0.85], shape) + rng.uniform(0, 0.03))


def near_cubic(*shape: int) -> Input:
    """Return the coefficients of a cubic with zeros near 1, 4 and 9."""
    return Input("cubic", shape, lambda rng, shape: np.array([1, -14, 49, -36]) + rng.uniform(-0.02, 0.02, shape))


def recurred(b: Array, a: Array) -> Array:
    s = b.copy()
    for i in range(1, b.shape[-1]):
        s[..., i] += a[..., i] * s[..., i - 1]
    return s


# -- running sums, products, extremes, and what is made of neighbours ----------------------------------------

CUMULATIVE = [
    *(case(f, A, **how) for f in (np.cumprod, np.nancumsum, np.nancumprod) for how in ({}, {"axis": 0}, {"axis": -1})),
    case(np.cumprod, real()),
    case(np.cumprod, real(0, 3), axis=1),
    case(np.cumprod, X, axis=1),
    *(case(f, A, 1, F64) for f in (np.cumsum, np.cumprod)),
    *(case(f, A, dtype=F64) for f in (np.cumsum, np.cumprod, np.nancumsum, np.nancumprod)),
    *(case(f, H, axis=1) for f in (np.nancumsum, np.nancumprod)),
    case(running_max, S, reference=np.maximum.accumulate, axis=1),
    case(running_max, XS, reference=np.maximum.accumulate, axis=0),
    case(running_min, S, reference=np.minimum.accumulate, axis=-1),
    case(running_min, XS, reference=np.minimum.accumulate, axis=1),
    case(recurrence, real(4), other(4), reference=recurred),
    case(recurrence, A, B, reference=recurred),
    case(np.diff, real(5)),
    case(np.diff, X),
    case(np.diff, real(5), n=3),
    case(np.diff, A, 0),
    case(np.diff, X, 2, axis=1),
    case(np.diff, A, axis=0, prepend=0.5),
    case(np.diff, A, prepend=other(2, 1), append=real(2, 2), n=2),
    case(np.diff, A, append=real()),
    case(np.ediff1d, A),
    case(np.ediff1d, real(4), to_begin=other(2), to_end=[1.0, 2.0]),
    case(np.gradient, real(5)),
    case(np.gradient, real(5), 0.5),
    case(np.gradient, real(5), positive(), edge_order=2),
    case(np.gradient, real(5), np.array([0.0, 0.5, 2.0, 2.5, 4.0])),
    case(np.gradient, real(5), graded(5), edge_order=2),
    case(np.gradient, real(3, 4)),
    case(np.gradient, real(3, 4), 2.0, edge_order=2),
    case(np.gradient, real(3, 4), graded(3), 0.5),
    case(np.gradient, real(3, 4), graded(4), axis=1),
    case(np.gradient, real(3, 4, 3), 0.5, graded(3), axis=(1, 0), edge_order=2),
    case(np.trapezoid, real(5)),
    case(np.trapezoid, X),
    case(np.trapezoid, X, dx=0.5, axis=1),
    case(np.trapezoid, real(5), other(5)),
    case(np.trapezoid, X, x=graded(3), axis=1),
    case(np.trapezoid, A, x=B),
    case(np.trapezoid, real(5), dx=positive()),
    case(np.unwrap, real(2, 6)),
    case(np.unwrap, threes(6)),
    case(np.unwrap, threes(3, 4), axis=0, discont=4.0),
    case(np.unwrap, real(2, 6), period=2.3),
    case(np.unwrap, threes(6), period=positive()),
    *(
        [case(f, real(4)) for f in (np.cumulative_sum, np.cumulative_prod)]
        + [case(f, X, axis=-2, include_initial=True) for f in (np.cumulative_sum, np.cumulative_prod)]
        + [case(f, A, axis=0, dtype=F64) for f in (np.cumulative_sum, np.cumulative_prod)]
        if hasattr(np, "cumulative_sum")
        else []
    ),
]


# -- quantiles -----------------------------------------------------------------------------------------------

Q5 = [0.0, 0.13, 0.4, 0.77, 1.0]
HOWS: list[dict[str, Any]] = [
    {},
    {"axis": 1},
    {"axis": (0, -1), "keepdims": True},
    {"axis": -1, "keepdims": True, "overwrite_input": True},
]
QUANTILES = [
    *(case(f, XS, **how) for f in (np.median, np.nanmedian) for how in HOWS),
    *(case(np.median, separate(n)) for n in (1, 2, 5)),
    case(np.median, real()),
    case(np.nanmedian, H),
    case(np.nanmedian, H, axis=0),
    *(case(np.quantile, XS, 0.3, **how) for how in HOWS),
    *(case(np.percentile, XS, Q5, **how) for how in HOWS),
    *(case(f, XS, 0.3, **how) for f in (np.nanquantile, np.nanpercentile) for how in HOWS),
    *(case(np.quantile, S, Q5, axis=1, method=method) for method in METHODS),
    *(case(np.percentile, separate(7), 40, method=method) for method in METHODS),
    *(case(np.nanquantile, H, Q5, axis=1, method=method) for method in METHODS),
    case(np.nanpercentile, H, [20, 70], method="hazen", axis=0, keepdims=True),
    case(np.quantile, separate(5), unit_share(3)),
    case(np.quantile, separate(2, 5), unit_share(), axis=1, method="weibull"),
    case(np.nanquantile, H, unit_share(2), axis=1),
    case(np.percentile, separate(6), np.float64(35.0)),
    *(
        case(f, S, q, axis=1, method="inverted_cdf", weights=np.array([[1.0, 2.0, 0.5], [0.0, 1.0, 3.0]]))
        for f, q in ((np.quantile, Q5), (np.percentile, 40), (np.nanquantile, 0.6), (np.nanpercentile, [10, 90]))
    ),
    case(np.quantile, S, 0.7, axis=1, method="inverted_cdf", weights=positive(3)),
    case(np.nanquantile, H, [0.2, 0.8], axis=1, method="inverted_cdf", weights=positive(3, 4)),
    case(ranked, separate(2, 4), np.array([1, 3]), reference=lambda x, k: np.sort(x)[[0, 1], k]),
    case(as_rank, np.array([1.0, 3.0]), reference=lambda h: h.astype(np.intp)),
]

# -- sequences, interpolation, bins, covariance --------------------------------------------------------------

SIGNALS = [
    *(
        case(f, real(m), other(n), mode)
        for f in (np.convolve, np.correlate)
        for m, n in ((5, 3), (4, 4), (3, 6), (6, 2), (1, 3))
        for mode in ("full", "same", "valid")
    ),
    case(np.convolve, real(), other(3)),
    case(np.convolve, real(4), other(2), mode="same"),
    case(np.correlate, real(4), [1.0, 2.0, -1.0]),
    case(np.correlate, real(4), other(2), mode="full"),
    case(full_convolution, real(4), other(2), reference=np.convolve),
    case(np.interp, between(2, 3), np.arange(6.0), real(6)),
    case(np.interp, 2.3, graded(4), real(4)),
    case(np.interp, real(4), np.array([-3.0, -0.9, 0.1, 1.1]), other(4), left=-2.0, right=5.0),
    case(np.interp, real(5), np.array([-1.0, 0.1]), other(2)),
    case(np.interp, real(5), np.array([0.5]), other(1)),
    case(np.interp, between(4), np.array([0.05, 1.0, 2.05, 3.1]), real(4), period=4.05),
    case(np.interp, real(4), np.array([3.1, 1.05, 9.0]), real(3), period=-5.0),
    case(interval, between(3), np.arange(6.0), reference=lambda x, xp: np.minimum(np.floor(x).astype(int), 4)),
    case(np.bincount, whole(5)),
    case(np.bincount, whole(5), minlength=9),
    case(np.bincount, np.array([0, 1, 1, 3, 0]), weights=real(5)),
    case(np.bincount, np.array([0, 1, 1, 3, 0]), weights=real(5), minlength=6),
    case(np.histogram, S, weights=P, bins=4),
    case(np.histogram, between(6), bins=np.arange(7.0), weights=real(6), density=True),
    case(np.histogram, between(6), bins=3, range=(0, 6), weights=real(6)),
    case(bin_of, between(5), np.arange(7.0), reference=lambda a, edges: np.floor(a).astype(int)),
    case(np.cov, X.of(3, 5)),
    case(np.cov, real(5)),
    case(np.cov, real(5), other(5)),
    case(np.cov, real(5, 3), rowvar=False, bias=True),
    case(np.cov, X.of(3, 5), other(2, 5), ddof=0),
    case(np.cov, X.of(3, 5), fweights=np.array([1, 2, 0, 1, 3])),
    case(np.cov, X.of(3, 5), aweights=positive(5)),
    case(np.cov, X.of(3, 5), aweights=positive(5), ddof=0),
    case(np.cov, X.of(3, 5), aweights=positive(5), fweights=np.array([1, 2, 1, 1, 3]), ddof=2, dtype=F64),
    case(np.corrcoef, X.of(3, 5)),
    case(np.corrcoef, real(5), other(5)),
    case(np.corrcoef, real(5, 3), rowvar=False, dtype=F64),
]

# -- parts of numbers, functions that become complex, polynomials ---------------------------------------------

SPECIAL_VALUES = np.array([np.nan, np.inf, -np.inf, 1.5])

PARTS = [
    case(np.ldexp, A, 3),
    case(np.ldexp, A, np.array([1, -2, 0])),
    case(np.nextafter, A, B),
    case(np.spacing, A),
    case(exponent, A, reference=lambda x: np.frexp(x)[1]),
    case(np.frexp, A, first=1),
    case(np.modf, A),
    case(np.fix, A),
    case(np.angle, A),
    case(np.angle, A, deg=True),
    case(np.nan_to_num, H, nan=3.0),
    case(np.nan_to_num, A, posinf=1.0, neginf=-1.0),
    case(np.real_if_close, A),
    case(np.real_if_close, A, tol=3),
    case(np.isclose, whole(2, 3), whole(2, 3)),
    case(np.isclose, whole(2, 3), SPECIAL_VALUES[:3], equal_nan=True),
    case(np.isclose, whole(3), SPECIAL_VALUES[1:], rtol=1e-3, atol=0.6),
    case(np.heaviside, np.array([0.0, 1.0, -1.0]), B),
    case(np.i0, A),
    case(np.i0, real()),
    case(i0_slope, A, reference=lambda x, order: bessel_slope(x, order), order=1),
    case(i0_slope, A, reference=lambda x, order: bessel_slope(x, order), order=4),
    *([case(np.bitwise_count, whole(3))] if hasattr(np, "bitwise_count") else []),
    *(case(f, P) for f in (np.emath.sqrt, np.emath.log, np.emath.log2, np.emath.log10)),
    *(case(f, A) for f in (np.emath.sqrt, np.emath.log, np.emath.log2, np.emath.log10)),
    *(case(f, unit(3)) for f in (np.emath.arccos, np.emath.arcsin, np.emath.arctanh)),
    *(case(f, above_one(3)) for f in (np.emath.arccos, np.emath.arcsin, np.emath.arctanh)),
    case(np.emath.logn, above_one(), P),
    case(np.emath.logn, 2, A),
    case(np.emath.power, P, B),
    case(np.emath.power, A, 1.5),
]


def bessel_slope(x: Array, order: int) -> Array:
    """Return derivatives of I0 by its series."""
    k = np.arange(40)
    c = np.cumprod(np.concatenate([[1.0], 1 / (4.0 * k[1:] ** 2)]))
    p = np.polynomial.Polynomial(np.stack([c, np.zeros(40)], axis=1).ravel())
    return p.deriv(order)(x).astype(x.dtype)


POLYNOMIALS = [
    case(np.polyval, real(4), other(2, 3)),
    case(np.polyval, real(4), 2.0),
    case(np.polyval, [1, 2, 3], other(3)),
    case(np.polyadd, real(3), other(5)),
    case(np.polysub, real(4), other(2)),
    case(np.polymul, real(3), other(4)),
    case(np.polymul, real(3), [0, 0, 2.0]),
    case(np.polyder, real(5)),
    case(np.polyder, real(5), m=2),
    case(np.polyint, real(4)),
    case(np.polyint, real(4), m=3, k=[1.0, 2.0, 3.0]),
    case(np.polyint, real(4), m=2, k=0.5),
    case(np.polydiv, real(6), positive(3), first=1),
    case(np.polydiv, real(2), positive(3)),
    case(np.poly, real(4)),
    case(np.poly, regular(3, 3)),
    case(np.roots, near_cubic(4)),
    case(np.roots, separate(3)),
    case(np.vander, real(3)),
    case(np.vander, real(3), N=5, increasing=True),
    case(np.polyfit, graded(6), real(6), 2),
    case(np.polyfit, graded(6), real(6, 2), 1, rcond=1e-12, w=positive(6)),
    case(np.polyfit, graded(6), real(6), 2, full=True, first=2),
    case(np.polyfit, graded(6), real(6), 2, cov=True),
    case(np.polyfit, graded(6), real(6, 2), 1, cov="unscaled"),
]

NUMERIC = [*MASKED, *CUMULATIVE, *QUANTILES, *SIGNALS, *PARTS, *POLYNOMIALS]
