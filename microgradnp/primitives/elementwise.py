"""Elementwise functions: a table of derivatives, to be read as one.

Conventions at the odd points: abs'(0) = 0; where two operands of maximum or minimum tie, each gets half;
functions that are piecewise constant have derivative 0 everywhere; a power's derivative in its exponent is 0
at base 0; the gradient of hypot at (0, 0) is 0. Poles are infinite: the derivative of sqrt at 0 is inf.
Source of the formulas unless said otherwise: NIST Digital Library of Mathematical Functions, chapter 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.primitives.network import logistic
from microgradnp.primitives.primitive import (
    ARRAYS,
    Array,
    Local,
    Over,
    Within,
    composite,
    constant,
    elementwise,
    structural,
    unbroadcast,
    undispatched,
)

LN2, LN10 = float(np.log(2.0)), float(np.log(10.0))


# -- arithmetic ----------------------------------------------------------------------------------------------


def _power_base(_y: Array, a: Array, b: Array) -> Array:
    if isinstance(b, int | float):  # the usual case, `x ** 2`, without a detour through arrays
        return 2 * a if b == 2 else 0.0 if b == 0 else b * a ** (b - 1)
    zero = b == 0
    return np.where(zero, 0.0, b * a ** np.where(zero, 1.0, b - 1))  # not 0 * inf at 0 ** 0


def _power_exponent(y: Array, a: Array, _b: Array) -> Array:
    zero = a == 0
    return np.where(zero, 0.0, y * np.log(np.where(zero, 1.0, a)))


def _quotient_back(g: Array, y: Array, _a: Array, b: Array) -> Array:
    d = g * y
    if d.shape != b.shape:
        d = unbroadcast(d, b.shape)
    if type(d) is np.ndarray and d.dtype is b.dtype:  # the same in the memory that is there
        return np.divide(np.negative(d, d), b, d)
    return -d / b


elementwise(np.add, (1, 1), "{a} + {b}")
elementwise(np.subtract, (1, -1), "{a} - {b}")
elementwise(np.multiply, (lambda _y, _a, b: b, lambda _y, a, _b: a), r"{a} \circ {b}")
elementwise(
    np.divide, (Over(lambda _y, _a, b: b), Local(lambda y, _a, b: -y / b, _quotient_back)), r"\frac{{{a}}}{{{b}}}"
)
elementwise(np.power, (_power_base, _power_exponent), "{a}^{{{b}}}")
elementwise(np.float_power, (_power_base, _power_exponent), "{a}^{{{b}}}")
elementwise(np.negative, -1, "-{x}")
elementwise(np.positive, 1, "{x}")
elementwise(np.reciprocal, lambda y, _x: -y * y, r"\frac{{1}}{{{x}}}")
elementwise(np.square, lambda _y, x: 2 * x, "{x}^2")
elementwise(np.sqrt, lambda y, _x: 0.5 / y, r"\sqrt{{{x}}}")
elementwise(np.cbrt, lambda y, _x: 1 / (3 * y * y), r"\sqrt[3]{{{x}}}")
elementwise(np.hypot, (lambda y, a, _b: _ratio(a, y), lambda y, _a, b: _ratio(b, y)), r"\sqrt{{{a}^2 + {b}^2}}")
# from the quotient that NumPy took: a / b may round up to the next integer where a // b does not (1 / 0.1)
elementwise(np.remainder, (1, lambda _y, a, b: -(a // b)), r"{a} \bmod {b}", smooth=False)
elementwise(np.fmod, (1, lambda y, a, b: np.rint((y - a) / b)), r"{a} \bmod {b}", smooth=False)


def _ratio(a: Array, b: Array) -> Array:
    """Return a / b, but 0 where b is 0: the convention for the gradient of a norm at 0."""
    zero = b == 0
    return np.where(zero, 0.0, a / np.where(zero, 1.0, b))


def _over_square(x: Array, a: Array, b: Array) -> Array:
    """Return x / (a^2 + b^2), where the squares may overflow or underflow."""
    r = np.hypot(a, b)
    return x / r / r


# -- exponentials and logarithms -----------------------------------------------------------------------------

elementwise(np.exp, lambda y, _x: y, "e^{{{x}}}")
elementwise(np.exp2, lambda y, _x: LN2 * y, "2^{{{x}}}")
elementwise(np.expm1, lambda _y, x: np.exp(x), "e^{{{x}}} - 1")  # y + 1 would lose digits of small slopes
elementwise(np.log, Over(lambda _y, x: x), r"\log {x}")
elementwise(np.log2, Over(lambda _y, x: LN2 * x), r"\log_2 {x}")
elementwise(np.log10, Over(lambda _y, x: LN10 * x), r"\log_{{10}} {x}")
elementwise(np.log1p, Over(lambda _y, x: 1 + x), r"\log(1 + {x})")


def _gap(a: Array, b: Array) -> Array:
    """Return a - b, and 0 between equal infinities."""
    same = (a == b) & np.isinf(a)
    return np.where(same, 0.0, a) - np.where(same, 0.0, b)


elementwise(
    np.logaddexp,
    (lambda _y, a, b: logistic(_gap(a, b)), lambda _y, a, b: logistic(_gap(b, a))),
    r"\log(e^{{{a}}} + e^{{{b}}})",
)
elementwise(
    np.logaddexp2,
    (lambda _y, a, b: logistic(LN2 * _gap(a, b)), lambda _y, a, b: logistic(LN2 * _gap(b, a))),
    r"\log_2(2^{{{a}}} + 2^{{{b}}})",
)


def _less_than_1(x: Array) -> Array:
    """Return 1 - x. Of a real x + 0j it keeps the sign of the 0, which tells on which side of a cut it lies."""
    return -(x - 1) if x.dtype.kind == "c" else 1 - x


# -- trigonometric and hyperbolic ----------------------------------------------------------------------------

elementwise(np.sin, lambda _y, x: np.cos(x), r"\sin {x}")
elementwise(np.cos, lambda _y, x: -np.sin(x), r"\cos {x}")
elementwise(np.tan, lambda y, _x: 1 + y * y, r"\tan {x}")
elementwise(np.arcsin, lambda _y, x: 1 / np.sqrt(_less_than_1(x) * (1 + x)), r"\arcsin {x}")
elementwise(np.arccos, lambda _y, x: -1 / np.sqrt(_less_than_1(x) * (1 + x)), r"\arccos {x}")
elementwise(np.arctan, lambda _y, x: 1 / (1 + x * x), r"\arctan {x}")
elementwise(
    np.arctan2,
    (lambda _y, a, b: _over_square(b, a, b), lambda _y, a, b: -_over_square(a, a, b)),
    r"\operatorname{{atan2}}({a}, {b})",
    smooth=False,  # a jump across the negative axis
)
elementwise(np.sinh, lambda _y, x: np.cosh(x), r"\sinh {x}")
elementwise(np.cosh, lambda _y, x: np.sinh(x), r"\cosh {x}")
elementwise(np.tanh, lambda y, _x: 1 - y * y, r"\tanh {x}")
elementwise(np.arcsinh, lambda _y, x: 1 / np.sqrt(x * x + 1), r"\operatorname{{arsinh}} {x}")
elementwise(np.arccosh, lambda _y, x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)), r"\operatorname{{arcosh}} {x}")
elementwise(np.arctanh, lambda _y, x: 1 / ((1 - x) * (1 + x)), r"\operatorname{{artanh}} {x}")
elementwise(np.deg2rad, lambda _y, _x: np.pi / 180, r"\tfrac{{\pi}}{{180}} {x}")
elementwise(np.radians, lambda _y, _x: np.pi / 180, r"\tfrac{{\pi}}{{180}} {x}")
elementwise(np.rad2deg, lambda _y, _x: 180 / np.pi, r"\tfrac{{180}}{{\pi}} {x}")
elementwise(np.degrees, lambda _y, _x: 180 / np.pi, r"\tfrac{{180}}{{\pi}} {x}")


def _sinc_slope(y: Array, x: Array) -> Array:
    # (cos(pi x) - sinc(x)) / x loses its digits near 0: there the series of (-u)^k (2k + 2) / (2k + 3)!
    near = np.abs(x) < 0.1
    away = np.where(near, 1.0, x)
    u = (np.pi * np.where(near, x, 0.0)) ** 2
    series = 1 / 3 - u * (1 / 30 - u * (1 / 840 - u * (1 / 45360 - u * (1 / 3991680 - u / 518918400))))
    return np.where(near, -(np.pi**2) * x * series, (np.cos(np.pi * away) - y) / away)


elementwise(np.sinc, _sinc_slope, r"\operatorname{{sinc}} {x}")

# -- with kinks and jumps ------------------------------------------------------------------------------------


def _larger(a: Array, b: Array) -> Array:
    return (a > b) + 0.5 * (a == b)


def _alone(a: Array, b: Array) -> Array:
    # fmax and fmin ignore a nan: all of the gradient goes to the other operand
    return np.isnan(b) & ~np.isnan(a)


def _direction(x: Array) -> Array:
    return _ratio(np.conjugate(x), np.abs(x)) if x.dtype.kind == "c" else np.sign(x)


def _flat(x: Array) -> float:
    if x.dtype.kind == "c":  # where the sign is a point of the unit circle
        raise TypeError("np.sign of complex numbers has no derivative rule; write z / np.abs(z)")
    return 0.0


elementwise(np.absolute, lambda _y, x: _direction(x), "|{x}|", smooth=False)
elementwise(np.fabs, lambda _y, x: np.sign(x), "|{x}|", smooth=False)
elementwise(
    np.maximum,
    (
        Within(lambda _y, a, b: _larger(a, b), lambda a, b: a > b),
        Within(lambda _y, a, b: _larger(b, a), lambda a, b: b > a),
    ),
    r"\max({a}, {b})",
    smooth=False,
)
elementwise(
    np.minimum,
    (
        Within(lambda _y, a, b: _larger(b, a), lambda a, b: b > a),
        Within(lambda _y, a, b: _larger(a, b), lambda a, b: a > b),
    ),
    r"\min({a}, {b})",
    smooth=False,
)
elementwise(
    np.fmax,
    (lambda _y, a, b: _larger(a, b) + _alone(a, b), lambda _y, a, b: _larger(b, a) + _alone(b, a)),
    r"\max({a}, {b})",
    smooth=False,
)
elementwise(
    np.fmin,
    (lambda _y, a, b: _larger(b, a) + _alone(a, b), lambda _y, a, b: _larger(a, b) + _alone(b, a)),
    r"\min({a}, {b})",
    smooth=False,
)
elementwise(np.sign, lambda _y, _x: _flat(_x), r"\operatorname{{sign}}({x})", smooth=False)
for _step in (np.floor, np.ceil, np.rint, np.trunc):
    elementwise(_step, 0, rf"\operatorname{{{{{_step.__name__}}}}}({{x}})", smooth=False)
elementwise(np.heaviside, (0, lambda _y, a, _b: 1.0 * (a == 0)), r"\theta({a})", smooth=False)
elementwise(np.copysign, (lambda _y, a, b: np.sign(a) * np.copysign(1.0, b), 0), smooth=False)
elementwise(np.floor_divide, (0, 0), r"\lfloor {a} / {b} \rfloor", smooth=False)


for _rounding in (np.round, np.around):
    elementwise(_rounding, lambda _y, _x, *, decimals=0: 0.0, r"\operatorname{{round}}({x})", smooth=False)

_array_where = undispatched(np.where)
_ZERO = np.zeros(())  # NumPy takes it faster than Python's, which it converts at every call


def _where_a(g: Array, _y: Array, condition: Array, _a: Array, _b: Array) -> Array:
    if type(condition) is np.ndarray and type(g) is np.ndarray and g.dtype is _ZERO.dtype:
        return _array_where(condition, g, _ZERO)
    return np.where(condition, g, 0.0)


def _where_b(g: Array, _y: Array, condition: Array, _a: Array, _b: Array) -> Array:
    if type(condition) is np.ndarray and type(g) is np.ndarray and g.dtype is _ZERO.dtype:
        return _array_where(condition, _ZERO, g)
    return np.where(condition, 0.0, g)


structural(
    np.where,
    (None, _where_a, _where_b),
    (None, _where_a, _where_b),
    r"\begin{{cases}} {a} & {condition} \\ {b} \end{{cases}}",
    smooth=False,
    broadcasts=True,
    compute=_array_where,
)


@composite(np.divmod)
def _divmod(x1: Array, x2: Array) -> tuple[Array, Array]:
    return np.floor_divide(x1, x2), np.remainder(x1, x2)


def _between(a: Array, low: Array, high: Array) -> Array:
    return np.minimum(np.maximum(a, low), high)


def _inside(a: Array, low: Array, high: Array) -> Array:
    """Return 1 between the bounds, 0 outside, and half at a bound: as the composition of maximum and minimum has it."""
    strictly = (a > low) & (a < high)
    if isinstance(strictly, ARRAYS) and not ((a == low) | (a == high)).any():
        return strictly  # the usual case, at a third of the cost
    return _larger(a, low) * _larger(high, np.maximum(a, low))


clip = elementwise(
    _between,
    (
        Within(lambda _y, a, low, high: _inside(a, low, high), lambda a, low, high: (a > low) & (a < high)),
        lambda _y, a, low, high: _larger(low, a) * _larger(high, np.maximum(a, low)),
        lambda _y, a, low, high: _larger(np.maximum(a, low), high),
    ),
    r"\operatorname{{clip}}({a}, {b}, {c})",
    smooth=False,
)
clip.name = "clip"


@composite(np.clip)
def _clip(a: Array, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Array:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    if low is not None and high is not None:
        return clip(a, low, high)
    clipped = a if low is None else np.maximum(a, low)
    return clipped if high is None else np.minimum(clipped, high)


# -- not differentiable --------------------------------------------------------------------------------------

for _test in (
    np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal,
    np.logical_and, np.logical_or, np.logical_xor,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift, np.gcd, np.lcm,
):  # fmt: skip
    constant(_test, 2)
for _check in (np.logical_not, np.invert, np.isfinite, np.isinf, np.isnan, np.signbit):
    constant(_check, 1)
