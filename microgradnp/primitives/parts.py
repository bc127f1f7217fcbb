"""Parts of numbers: whole and fractional, mantissa and exponent, angle; and what stands in for nan and infinities.

Where a part is piecewise constant, its derivative is 0; that of the other part is 1. So the next number after another moves
with it, and the exponent of a number does not move.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.primitives.masked import as_array, typed
from microgradnp.primitives.primitive import Array, composite, constant, elementwise, structural

structural(
    np.ldexp,
    (lambda g, _y, _x, i: np.ldexp(g, i), None),
    (lambda dx, _y, _x, i: np.ldexp(dx, i), None),
    r"{a} \cdot 2^{{{b}}}",
    broadcasts=True,
)
elementwise(np.nextafter, (1, 0), smooth=False)
elementwise(np.spacing, 0, smooth=False)


def _exponent(x: Array) -> Array:
    return np.frexp(x)[1]


exponent = constant(_exponent, 1)


@composite(np.frexp)
def _frexp(x: Array) -> tuple[Array, Array]:
    power = exponent(x)
    return np.ldexp(x, -power), power


@composite(np.modf)
def _modf(x: Array) -> tuple[Array, Array]:
    x = typed(x, None if x.dtype.kind == "f" else np.modf(np.empty(0, x.dtype))[0].dtype)
    whole = np.trunc(x)
    infinite = np.isinf(x)
    return np.where(
        infinite, x.dtype.type(0), np.where(infinite, x.dtype.type(0), x) - np.where(infinite, 0, whole)
    ), whole


@composite(np.fix)
def _fix(x: Array) -> Array:
    return np.trunc(x)


@composite(np.angle)
def _angle(z: Array, deg: bool = False) -> Array:
    z = as_array(z)
    if z.dtype.kind == "c":
        turn = np.arctan2(np.imag(z), np.real(z))
    else:
        z = typed(z, None if z.dtype.kind == "f" else float)
        turn = (z.dtype.type(0.5) - np.copysign(z.dtype.type(0.5), z)) * z.dtype.type(np.pi)
    return turn * (180 / np.pi) if deg else turn


@composite(np.nan_to_num)
def _nan_to_num(x: Array, *, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Array:
    if x.dtype.kind == "c":
        return _nan_to_num(np.real(x), nan=nan, posinf=posinf, neginf=neginf) + 1j * _nan_to_num(
            np.imag(x), nan=nan, posinf=posinf, neginf=neginf
        )
    if x.dtype.kind != "f":
        return x
    limits = np.finfo(x.dtype)
    y = np.where(np.isnan(x), nan, x)
    y = np.where(np.equal(x, np.inf), limits.max if posinf is None else posinf, y)
    return typed(np.where(np.equal(x, -np.inf), limits.min if neginf is None else neginf, y), x.dtype)


@composite(np.real_if_close)
def _real_if_close(a: Array, tol: float = 100) -> Array:
    if a.dtype.kind != "c":
        return a
    limit = tol * np.finfo(a.dtype).eps if tol > 1 else tol
    return np.real(a) if bool(np.all(np.less(np.abs(np.imag(a)), limit))) else a


@composite(np.isclose)
def _isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Array:
    a, b = as_array(a), as_array(b)
    with np.errstate(invalid="ignore"):  # infinities are compared by themselves
        near = np.less_equal(np.abs(a - b), atol + rtol * np.abs(b))
    close = np.logical_or(np.logical_and(near, np.isfinite(b)), np.equal(a, b))
    return np.logical_or(close, np.logical_and(np.isnan(a), np.isnan(b))) if equal_nan else close


if hasattr(np, "bitwise_count"):
    constant(np.bitwise_count, 1)
