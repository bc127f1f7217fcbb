"""Elementwise functions: a table of derivatives, to be read as one.

Conventions at the odd points: abs'(0) = 0; where two operands of maximum or minimum tie, each gets half; functions
that are piecewise constant have derivative 0 everywhere; a power's derivative in its exponent is 0 at base 0.
Source of the formulas unless said otherwise: NIST Digital Library of Mathematical Functions, chapter 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.primitives.primitive import Array, composite, constant, elementwise, structural

LN2, LN10 = float(np.log(2.0)), float(np.log(10.0))


# -- arithmetic ----------------------------------------------------------------------------------------------------


def _power_base(y: Array, a: Array, b: Array) -> Array:
    if isinstance(b, int | float):  # the usual case, `x ** 2`, without a detour through arrays
        return 2 * a if b == 2 else 0 * a if b == 0 else b * a ** (b - 1)
    return np.where(b == 0, 0.0, b * a ** np.where(b == 0, 1.0, b - 1))  # not 0 * inf at 0 ** 0


def _power_exponent(y: Array, a: Array, _b: Array) -> Array:
    zero = a == 0
    return np.where(zero, 0.0, y * np.log(np.where(zero, 1.0, a)))


elementwise(np.add, (1, 1), "{a} + {b}")
elementwise(np.subtract, (1, -1), "{a} - {b}")
elementwise(np.multiply, (lambda _y, _a, b: b, lambda _y, a, _b: a), r"{a} \circ {b}")
elementwise(np.divide, (lambda _y, _a, b: 1 / b, lambda y, _a, b: -y / b), r"\frac{{{a}}}{{{b}}}")
elementwise(np.power, (_power_base, _power_exponent), "{a}^{{{b}}}")
elementwise(np.float_power, (_power_base, _power_exponent), "{a}^{{{b}}}")
elementwise(np.negative, -1, "-{x}")
elementwise(np.positive, 1, "{x}")
elementwise(np.reciprocal, lambda y, _x: -y * y, r"\frac{{1}}{{{x}}}")
elementwise(np.square, lambda _y, x: 2 * x, "{x}^2")
elementwise(np.sqrt, lambda y, _x: 0.5 / y, r"\sqrt{{{x}}}")
elementwise(np.cbrt, lambda y, _x: 1 / (3 * y * y), r"\sqrt[3]{{{x}}}")
elementwise(np.hypot, (lambda y, a, _b: _ratio(a, y), lambda y, _a, b: _ratio(b, y)), r"\sqrt{{{a}^2 + {b}^2}}")
elementwise(np.remainder, (1, lambda _y, a, b: -np.floor(a / b)), r"{a} \bmod {b}", smooth=False)
elementwise(np.fmod, (1, lambda _y, a, b: -np.trunc(a / b)), r"{a} \bmod {b}", smooth=False)


def _ratio(a: Array, b: Array) -> Array:
    """a / b, but 0 where b is 0: the convention for the gradient of a norm at 0."""
    zero = b == 0
    return np.where(zero, 0.0, a / np.where(zero, 1.0, b))


# -- exponentials and logarithms -----------------------------------------------------------------------------------

elementwise(np.exp, lambda y, _x: y, "e^{{{x}}}")
elementwise(np.exp2, lambda y, _x: LN2 * y, "2^{{{x}}}")
elementwise(np.expm1, lambda y, _x: y + 1, "e^{{{x}}} - 1")
elementwise(np.log, lambda _y, x: 1 / x, r"\log {x}")
elementwise(np.log2, lambda _y, x: 1 / (LN2 * x), r"\log_2 {x}")
elementwise(np.log10, lambda _y, x: 1 / (LN10 * x), r"\log_{{10}} {x}")
elementwise(np.log1p, lambda _y, x: 1 / (1 + x), r"\log(1 + {x})")


def _share(y: Array, a: Array) -> Array:
    """exp(a - y), the share of one term in log(exp(a) + exp(b)); equal infinities share by halves."""
    return np.exp(np.where(a == y, 0.0, a - np.where(np.isinf(y), 0.0, y)))


def _share_e(y: Array, a: Array, b: Array) -> Array:
    return np.where(a == b, 0.5, _share(y, a))


def _share_2(y: Array, a: Array, b: Array) -> Array:
    return np.where(a == b, 0.5, np.exp2(np.where(a == y, 0.0, a - np.where(np.isinf(y), 0.0, y))))


elementwise(np.logaddexp, (lambda y, a, b: _share_e(y, a, b), lambda y, a, b: _share_e(y, b, a)), r"\log(e^{{{a}}} + e^{{{b}}})")
elementwise(np.logaddexp2, (lambda y, a, b: _share_2(y, a, b), lambda y, a, b: _share_2(y, b, a)), r"\log_2(2^{{{a}}} + 2^{{{b}}})")

# -- trigonometric and hyperbolic ----------------------------------------------------------------------------------

elementwise(np.sin, lambda _y, x: np.cos(x), r"\sin {x}")
elementwise(np.cos, lambda _y, x: -np.sin(x), r"\cos {x}")
elementwise(np.tan, lambda y, _x: 1 + y * y, r"\tan {x}")
elementwise(np.arcsin, lambda _y, x: 1 / np.sqrt((1 - x) * (1 + x)), r"\arcsin {x}")
elementwise(np.arccos, lambda _y, x: -1 / np.sqrt((1 - x) * (1 + x)), r"\arccos {x}")
elementwise(np.arctan, lambda _y, x: 1 / (1 + x * x), r"\arctan {x}")
elementwise(
    np.arctan2,
    (lambda _y, a, b: b / (a * a + b * b), lambda _y, a, b: -a / (a * a + b * b)),
    r"\operatorname{{atan2}}({a}, {b})",
    smooth=False,  # a jump across the negative axis
)
elementwise(np.sinh, lambda _y, x: np.cosh(x), r"\sinh {x}")
elementwise(np.cosh, lambda _y, x: np.sinh(x), r"\cosh {x}")
elementwise(np.tanh, lambda y, _x: 1 - y * y, r"\tanh {x}")
elementwise(np.arcsinh, lambda _y, x: 1 / np.sqrt(x * x + 1), r"\operatorname{{arsinh}} {x}")
elementwise(np.arccosh, lambda _y, x: 1 / np.sqrt((x - 1) * (x + 1)), r"\operatorname{{arcosh}} {x}")
elementwise(np.arctanh, lambda _y, x: 1 / ((1 - x) * (1 + x)), r"\operatorname{{artanh}} {x}")
elementwise(np.deg2rad, lambda _y, _x: np.pi / 180, r"\tfrac{{\pi}}{{180}} {x}")
elementwise(np.radians, lambda _y, _x: np.pi / 180, r"\tfrac{{\pi}}{{180}} {x}")
elementwise(np.rad2deg, lambda _y, _x: 180 / np.pi, r"\tfrac{{180}}{{\pi}} {x}")
elementwise(np.degrees, lambda _y, _x: 180 / np.pi, r"\tfrac{{180}}{{\pi}} {x}")


def _sinc_slope(y: Array, x: Array) -> Array:
    # (cos(pi x) - sinc(x)) / x loses all its digits near 0: there the series -pi^2 x / 3 + pi^4 x^3 / 30 - ...
    near = np.abs(x) < 1e-2
    away = np.where(near, 1.0, x)
    u = (np.pi * x) ** 2
    series = -(np.pi**2) * x * (1 / 3 - u * (1 / 30 - u * (1 / 840 - u / 45360)))
    return np.where(near, series, (np.cos(np.pi * away) - y) / away)


elementwise(np.sinc, _sinc_slope, r"\operatorname{{sinc}} {x}")

# -- with kinks and jumps ------------------------------------------------------------------------------------------


def _larger(_y: Array, a: Array, b: Array) -> Array:
    return (a > b) + 0.5 * (a == b)


def _smaller(_y: Array, a: Array, b: Array) -> Array:
    return (a < b) + 0.5 * (a == b)


# fmax and fmin ignore a nan operand: all of the gradient goes to the other one
def _larger_number(_y: Array, a: Array, b: Array) -> Array:
    return (a > b) + 0.5 * (a == b) + (np.isnan(b) & ~np.isnan(a))


def _smaller_number(_y: Array, a: Array, b: Array) -> Array:
    return (a < b) + 0.5 * (a == b) + (np.isnan(b) & ~np.isnan(a))


elementwise(np.absolute, lambda _y, x: np.sign(x), "|{x}|", smooth=False)
elementwise(np.fabs, lambda _y, x: np.sign(x), "|{x}|", smooth=False)
elementwise(np.maximum, (_larger, lambda y, a, b: _larger(y, b, a)), r"\max({a}, {b})", smooth=False)
elementwise(np.minimum, (_smaller, lambda y, a, b: _smaller(y, b, a)), r"\min({a}, {b})", smooth=False)
elementwise(np.fmax, (_larger_number, lambda y, a, b: _larger_number(y, b, a)), r"\max({a}, {b})", smooth=False)
elementwise(np.fmin, (_smaller_number, lambda y, a, b: _smaller_number(y, b, a)), r"\min({a}, {b})", smooth=False)
for _step in (np.sign, np.floor, np.ceil, np.rint, np.trunc):
    elementwise(_step, 0, rf"\operatorname{{{{{_step.__name__}}}}}({{x}})", smooth=False)
elementwise(np.heaviside, (0, 0), r"\theta({a})", smooth=False)
elementwise(np.copysign, (lambda _y, a, b: np.sign(a) * np.copysign(1.0, b), 0), smooth=False)
elementwise(np.floor_divide, (0, 0), r"\lfloor {a} / {b} \rfloor", smooth=False)


def _round(x: Array, decimals: int = 0) -> Array:
    return np.round(x, decimals)


# the same rule under both of NumPy's names
for _rounding in (np.round, np.around):
    elementwise(_rounding, lambda _y, x, *, decimals=0: 0.0 * x, r"\operatorname{{round}}({x})", smooth=False)


def _where(condition: Array, a: Array, b: Array) -> Array:
    return np.where(condition, a, b)


structural(
    np.where,
    (None, lambda g, _y, c, _a, _b: np.where(c, g, 0.0), lambda g, _y, c, _a, _b: np.where(c, 0.0, g)),
    (None, lambda d, _y, c, _a, _b: np.where(c, d, 0.0), lambda d, _y, c, _a, _b: np.where(c, 0.0, d)),
    r"\begin{{cases}} {a} & {condition} \\ {b} \end{{cases}}",
    smooth=False,
    broadcasts=True,
)


@composite(np.clip)
def _clip(a: Array, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Array:
    # The gradient at a bound is shared by halves, as maximum and minimum do: np.clip is defined as their composition.
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    clipped = a if low is None else np.maximum(a, low)
    return clipped if high is None else np.minimum(clipped, high)


# -- not differentiable --------------------------------------------------------------------------------------------

for _test in (
    np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal,
    np.logical_and, np.logical_or, np.logical_xor,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift, np.gcd, np.lcm,
):  # fmt: skip
    constant(_test, 2)
for _test in (np.logical_not, np.invert, np.isfinite, np.isinf, np.isnan, np.signbit):
    constant(_test, 1)
