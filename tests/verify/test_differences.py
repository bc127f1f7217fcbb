"""The numerical witness: never a wrong value with a small error, never a kink called smooth."""

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgradnp.verify.differences import Kind, slope

Scalar = Callable[[float], float]
eps = np.finfo(np.float64).eps


def at(x: float, f: Scalar) -> Callable[[float], float]:
    """f on the line through x, as `slope` wants it."""
    return lambda t: float(f(np.float64(x + t)))


def relu(x: float) -> float:
    return x if x > 0 else 0.0


def logistic(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def softplus(x: float) -> float:
    return float(np.logaddexp(0, x))


def f32(f: Scalar) -> Scalar:
    """f as it is when computed in single precision."""
    return lambda x: float(np.float32(f(x)))


def noisy_sum(x: float) -> float:
    """A thousand terms of size 1 that nearly cancel."""
    k = np.arange(1000)
    return float(np.sum(np.sin(x + k) + np.cos(3 * k)))


def noisy_sum_slope(x: float) -> float:
    return math.fsum(math.cos(x + k) for k in range(1000))


# name: (f, x, true derivative)
SMOOTH: dict[str, tuple[Scalar, float, float]] = {
    "sine": (np.sin, 0.7, math.cos(0.7)),
    "steep exponential": (lambda x: np.exp(50 * x), 1.0, 50 * math.exp(50)),
    "fast sine": (lambda x: np.sin(100 * x), 1.0, 100 * math.cos(100)),
    "faster sine": (lambda x: np.sin(1e6 * x), 1.0, 1e6 * math.cos(1e6)),
    "sine in step with powers of two": (lambda x: np.sin(2048 * math.pi * x), 1.0, 2048 * math.pi),
    "sine in step with twentieths": (lambda x: np.sin(1280 * math.pi * x), 1.0, 1280 * math.pi),
    "cosine at 0": (np.cos, 0.0, 0.0),
    "square at 0": (lambda x: x * x, 0.0, 0.0),
    "x|x| at 0": (lambda x: x * abs(x), 0.0, 0.0),
    "x|x| + x at 0": (lambda x: x * abs(x) + x, 0.0, 1.0),
    "squared relu at 0": (lambda x: relu(x) ** 2, 0.0, 0.0),
    "100 + x^2 at 1e-7": (lambda x: 100 + x * x, 1e-7, 2e-7),
    "1e8 + x": (lambda x: 1e8 + x, 0.0, 1.0),
    "1e8 + sin": (lambda x: 1e8 + np.sin(x), 0.7, math.cos(0.7)),
    "1 / x at 1e-6": (lambda x: 1 / x, 1e-6, -1e12),
    "log at 1e-6": (np.log, 1e-6, 1e6),
    "log at 1e-300": (np.log, 1e-300, 1e300),
    "sqrt at 1e-10": (np.sqrt, 1e-10, 5e4),
    "x log x at 1e-12": (lambda x: x * np.log(x), 1e-12, math.log(1e-12) + 1),
    "log(1 - x) near 1": (lambda x: np.log(1 - x), 1 - 2.0**-20, -(2.0**20)),
    "arccos near 1": (np.arccos, 1 - 2.0**-30, -1 / math.sqrt(2.0**-29 - 2.0**-60)),
    "tan near its pole": (np.tan, 1.5707, 1 / math.cos(1.5707) ** 2),
    "saturated logistic": (logistic, 40.0, math.exp(-40)),
    "saturated logistic, below": (logistic, -40.0, math.exp(-40)),
    "steep logistic": (lambda x: logistic(1e5 * x), 0.0, 2.5e4),
    "softplus": (softplus, 0.3, logistic(0.3)),
    "sharp softplus": (lambda x: softplus(1e7 * x) / 1e7, 0.0, 0.5),
    "hypot with 1e-6": (lambda x: np.sqrt(x * x + 1e-12), 0.0, 0.0),
    "step made of tanh": (lambda x: np.tanh(1e9 * x), 0.0, 1e9),
    "constant": (lambda x: 3.25, 1.0, 0.0),
    "zero": (lambda x: 0.0, 0.0, 0.0),
    "linear": (lambda x: 3 * x - 1, 0.4, 3.0),
    "line at 0": (lambda x: 3 * x, 0.0, 3.0),
    "tiny values": (lambda x: 1e-300 * np.sin(x), 0.7, 1e-300 * math.cos(0.7)),
    "huge values": (lambda x: 1e300 * np.sin(x), 0.7, 1e300 * math.cos(0.7)),
    "cancellation inside": (lambda x: (1e6 + np.sin(x)) - 1e6, 0.7, math.cos(0.7)),
    "thousand terms": (noisy_sum, 0.7, noisy_sum_slope(0.7)),
    "single precision": (f32(np.sin), 0.7, math.cos(0.7)),
    "single precision at 1 + x": (f32(lambda x: 1 + np.sin(x)), 0.0, 1.0),
    "relu beside its kink, right": (relu, 1e-9, 1.0),
    "relu beside its kink, left": (relu, -1e-9, 0.0),
    "kink 1e-4 away": (lambda x: abs(x - 1.0001), 1.0, -1.0),
    "kink 1e-9 away": (lambda x: np.sin(x) + abs(x - 1e-9), 0.0, 0.0),
    "weak kink 1e-5 away": (lambda x: np.sin(x) + 1e-6 * abs(x - 1e-5), 0.0, 1 - 1e-6),
    "kinks on both sides": (lambda x: abs(x - 1e-6) + 2 * abs(x + 3e-6) + x, 0.0, 2.0),
    "clip inside": (lambda x: min(max(x, -0.01), 0.01), 0.003, 1.0),
    "clip outside": (lambda x: min(max(x, -0.01), 0.01), 0.011, 0.0),
    "dead zone": (lambda x: math.copysign(max(abs(x) - 1e-4, 0), x), 0.0, 0.0),
    "jump 1e-3 away": (lambda x: x + (x > 1e-3), 0.0, 1.0),
    "exp(-1/x^2) at 0": (lambda x: float(np.exp(-1 / x**2)) if x else 0.0, 0.0, 0.0),
    "Runge": (lambda x: 1 / (1 + 25 * x * x), 0.2, -2.5),
    "high power": (lambda x: x**50, 1.0, 50.0),
}

# name: (f, x, left derivative, right derivative)
KINKS: dict[str, tuple[Scalar, float, float, float]] = {
    "absolute value": (abs, 0.0, -1.0, 1.0),
    "minus absolute value": (lambda x: -abs(x), 0.0, 1.0, -1.0),
    "relu": (relu, 0.0, 0.0, 1.0),
    "leaky relu": (lambda x: max(x, 0.01 * x), 0.0, 0.01, 1.0),
    "tie of a maximum": (lambda x: max(np.sin(x), 2 * np.sin(x) - math.sin(0.5)), 0.5, math.cos(0.5), 2 * math.cos(0.5)),
    "away from zero": (lambda x: abs(x - 0.3) + np.exp(x), 0.3, math.exp(0.3) - 1, math.exp(0.3) + 1),
    "weak": (lambda x: np.sin(x) + 1e-6 * abs(x), 0.0, 1 - 1e-6, 1 + 1e-6),
    "weaker": (lambda x: np.exp(x) + 1e-9 * abs(x), 0.0, 1 - 1e-9, 1 + 1e-9),
    "on a high plateau": (lambda x: 1e8 + 1e3 * abs(x), 0.0, -1e3, 1e3),
    "curved on one side": (lambda x: np.expm1(x) if x > 0 else -3 * x, 0.0, -3.0, 1.0),
    "elu with another slope": (lambda x: x if x > 0 else 2 * np.expm1(x), 0.0, 2.0, 1.0),
    "steep": (lambda x: abs(np.sin(1e5 * x)), 0.0, -1e5, 1e5),
    "second kink beside it": (lambda x: abs(x) + abs(x - 1e-6), 0.0, -2.0, 0.0),
    "single precision": (f32(lambda x: 1 + abs(x)), 0.0, -1.0, 1.0),
    "tiny": (lambda x: 1e-300 * abs(x), 0.0, -1e-300, 1e-300),
}

# name: (f, x, kinds that may be said)
OTHERS: dict[str, tuple[Scalar, float, set[Kind]]] = {
    "step": (lambda x: float(x > 0), 0.0, {Kind.JUMP}),
    "sign": (lambda x: float(np.sign(x)), 0.0, {Kind.JUMP}),
    "floor": (lambda x: math.floor(x) + 0.0, 2.0, {Kind.JUMP}),
    "step on a slope": (lambda x: np.exp(x) + 1e-5 * (x >= 0), 0.0, {Kind.JUMP}),
    "small step": (lambda x: np.sin(x) + 1e-8 * (x > 0.5), 0.5, {Kind.JUMP}),
    "cube root": (np.cbrt, 0.0, {Kind.CUSP}),
    "root of |x|": (lambda x: math.sqrt(abs(x)), 0.0, {Kind.CUSP}),
    "root of |x| on a slope": (lambda x: 3 * x + math.sqrt(abs(x)), 0.0, {Kind.CUSP}),
    "root away from 0": (lambda x: math.sqrt(abs(x - 0.75)), 0.75, {Kind.CUSP}),
    "|x|^1.5": (lambda x: abs(x) ** 1.5, 0.0, {Kind.CUSP}),
    "|x| log |x|": (lambda x: abs(x) * math.log(abs(x)) if x else 0.0, 0.0, {Kind.CUSP}),
    "x log |x|": (lambda x: x * math.log(abs(x)) if x else 0.0, 0.0, {Kind.CUSP}),
    "sin(1/x)": (lambda x: math.sin(1 / x) if x else 0.0, 0.0, {Kind.UNVERIFIABLE}),
    "x sin(1/x)": (lambda x: x * math.sin(1 / x) if x else 0.0, 0.0, {Kind.UNVERIFIABLE}),
    "1/x at 0": (lambda x: np.divide(1.0, x), 0.0, {Kind.UNVERIFIABLE}),
    "log at 0": (np.log, 0.0, {Kind.UNVERIFIABLE}),
    "sqrt at 0": (np.sqrt, 0.0, {Kind.UNVERIFIABLE}),
    "not a number": (lambda x: math.nan, 1.0, {Kind.UNVERIFIABLE}),
    "random": (lambda x: float(np.random.default_rng(abs(hash(x))).normal()), 1.0, {Kind.UNVERIFIABLE}),
}


@pytest.mark.parametrize("scale", [None, 1.0, 30.0], ids=["own scale", "scale 1", "scale 30"])
@pytest.mark.parametrize("name", SMOOTH)
def test_smooth(name: str, scale: float | None) -> None:
    f, x, true = SMOOTH[name]
    s = slope(at(x, f), scale=scale or abs(x) or 1.0, at=x)
    assert s.kind == Kind.SMOOTH, s
    assert abs(s.value - true) <= s.error
    assert s.left == s.value == s.right
