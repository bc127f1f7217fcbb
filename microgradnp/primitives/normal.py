"""The normal distribution function, which NumPy lacks, to the last digits also in its tails.

Source: W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of Computation 23 (1969),
631-637, with the coefficients of his program CALERF.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.primitives.primitive import Array, elementwise

#: erf(x) = x p(x^2) / q(x^2) for |x| < 0.46875; coefficients from the highest power on
NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
#: erfc(x) = exp(-x^2) p(x) / q(x) for 0.46875 <= x <= 4
MIDDLE = (
    (
        2.15311535474403846e-8,
        5.64188496988670089e-1,
        8.88314979438837594,
        6.61191906371416295e1,
        2.98635138197400131e2,
        8.81952221241769090e2,
        1.71204761263407058e3,
        2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0,
        1.57449261107098347e1,
        1.17693950891312499e2,
        5.37181101862009858e2,
        1.62138957456669019e3,
        3.29079923573345963e3,
        4.36261909014324716e3,
        3.43936767414372164e3,
        1.23033935480374942e3,
    ),
)
#: erfc(x) = exp(-x^2) / x (1 / sqrt(pi) - u p(u) / q(u)) with u = 1 / x^2, for x > 4
FAR = (
    (
        1.63153871373020978e-2,
        3.05326634961232344e-1,
        3.60344899949804439e-1,
        1.25781726111229246e-1,
        1.60837851487422766e-2,
        6.58749161529837803e-4,
    ),
    (
        1.0,
        2.56852019228982242,
        1.87295284992346725,
        5.27905102951428412e-1,
        6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
)


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    """Return p(x) / q(x)."""
    p, q = (np.full_like(x, row[0]) for row in coefficients)
    for total, row in zip((p, q), coefficients, strict=True):
        for c in row[1:]:
            total *= x
            total += c
    return p / q


def _half_erfc(a: Array) -> Array:
    """Return erfc(a / sqrt(2)) / 2 for a >= 0.46875 sqrt(2)."""
    x = a * np.sqrt(0.5)
    head = np.trunc(a * 16) / 16  # exp(-a^2 / 2) in two factors: a^2 would lose digits of large a
    e = np.exp(-head * head / 2) * np.exp(-(a - head) * (a + head) / 2)
    far = x > 4
    result = _ratio(MIDDLE, np.where(far, 1.0, x))
    if far.any():
        big = np.where(far, x, 5.0)
        u = 1 / (big * big)
        result = np.where(far, (1 / np.sqrt(np.pi) - u * _ratio(FAR, u)) / big, result)
    return e * result / 2


def _normal_cdf(x: Array) -> Array:
    r"""Distribution function of the standard normal distribution, ``(1 + erf(x / sqrt(2))) / 2``.

    Derivative: the density ``exp(-x^2 / 2) / sqrt(2 pi)``. Accurate to a few units in the last place, relative to the
    value itself also where that is tiny.

    Parameters
    ----------
    x : Tensor or array_like
        Any shape.

    Returns
    -------
    Tensor or ndarray
        Of the shape of `x`, values in [0, 1].

    Examples
    --------
    >>> from microgradnp.primitives.normal import normal_cdf
    >>> print(normal_cdf(0.0), round(normal_cdf(1.96), 4))
    0.5 0.975
    """
    x = np.asarray(x)
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    wide = x.astype(np.float64)
    a = np.minimum(np.abs(wide), 40.0)  # beyond, the tail is 0
    near = a < 0.46875 * np.sqrt(2)
    z = np.where(near, wide, 0.0) * np.sqrt(0.5)
    tail = _half_erfc(np.where(near, 1.0, a))
    y = np.where(near, 0.5 + 0.5 * z * _ratio(NEAR, z * z), np.where(wide > 0, 1 - tail, tail))
    return y.astype(dtype)[()]


DENSITY_AT_0 = float(1 / np.sqrt(2 * np.pi))

normal_cdf: Any = elementwise(_normal_cdf, lambda _y, x: DENSITY_AT_0 * np.exp(-0.5 * (x * x)), r"\Phi({x})")
