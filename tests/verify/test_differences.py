"""The numerical witness: never a wrong value with a small error, never a kink called smooth."""

import ast
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgradnp.verify import differences
from microgradnp.verify.differences import Kind, Slope, complex_step, directional, gradient, slope

Scalar = Callable[[float], float]


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
    "sixth power at 0": (lambda x: x**6, 0.0, 0.0),
    "sine of a small ripple": (lambda x: np.sin(x) + 1e-4 * np.sin(1e5 * x), 0.0, 11.0),
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
    "tie of a maximum": (lambda x: max(x * x, 3 * x - 1.25), 0.5, 1.0, 3.0),
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
    "step of 100 on 1": (lambda x: 1 + 100.0 * (x > 0), 0.0, {Kind.JUMP}),
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


def looked_at(f: Scalar, x: float, scale: float | None) -> Slope:
    return slope(at(x, f), scale=scale or abs(x) or 1.0, at=x)


scales = pytest.mark.parametrize("scale", [None, 1.0, 30.0], ids=["own scale", "scale 1", "scale 30"])


@scales
@pytest.mark.parametrize("name", SMOOTH)
def test_smooth(name: str, scale: float | None) -> None:
    f, x, true = SMOOTH[name]
    s = looked_at(f, x, scale)
    assert s.kind == Kind.SMOOTH, s
    assert abs(s.value - true) <= s.error < math.inf
    assert s.left == s.value == s.right
    assert s.reason == ""


@scales
@pytest.mark.parametrize("name", KINKS)
def test_kink(name: str, scale: float | None) -> None:
    f, x, left, right = KINKS[name]
    s = looked_at(f, x, scale)
    assert s.kind == Kind.KINK, s
    assert abs(s.left - left) <= s.error
    assert abs(s.right - right) <= s.error
    assert s.error <= 0.05 * abs(right - left)
    assert s.value == pytest.approx((left + right) / 2, abs=s.error)


@scales
@pytest.mark.parametrize("name", OTHERS)
def test_neither(name: str, scale: float | None) -> None:
    f, x, kinds = OTHERS[name]
    s = looked_at(f, x, scale)
    assert s.kind in kinds, s
    assert s.reason


def test_the_sides_of_a_jump_and_of_a_cusp() -> None:
    step = slope(lambda t: float(t > 0) + 2 * t)
    assert (step.left, step.right) == (pytest.approx(2), math.inf)
    root = slope(lambda t: math.sqrt(abs(t)))
    assert (root.left, root.right) == (-math.inf, math.inf)
    differentiable = slope(lambda t: abs(t) ** 1.5)
    assert differentiable.kind == Kind.CUSP
    assert abs(differentiable.value) <= differentiable.error < 1e-6


@pytest.mark.parametrize("offset", [0.0, 1.0, 1e6])
@pytest.mark.parametrize("name", ["sine", "softplus", "linear", "line at 0", "high power", "saturated logistic, below"])
def test_ordinary_entries_are_cheap_and_precise(name: str, offset: float) -> None:
    f, x, true = SMOOTH[name]
    s = slope(at(x, lambda v: offset + f(v)), scale=max(1.0, abs(x)), at=x)
    assert s.evaluations <= 25
    assert s.error <= 1e-9 * max(abs(true), offset)


# --------------------------------------------------------------------------- properties


class Dual:
    """A number with its derivative, in the longest floating point that NumPy has: the truth here."""

    def __init__(self, value: Any, slope: Any = 0) -> None:
        self.value, self.slope = np.longdouble(value), np.longdouble(slope)

    def __add__(self, other: "Dual") -> "Dual":
        return Dual(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other: "Dual") -> "Dual":
        return Dual(self.value - other.value, self.slope - other.slope)

    def __mul__(self, other: "Dual") -> "Dual":
        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)


UNARY: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sin": (np.sin, np.cos),
    "cos": (np.cos, lambda v: -np.sin(v)),
    "tanh": (np.tanh, lambda v: 1 - np.tanh(v) ** 2),
    "atan": (np.arctan, lambda v: 1 / (1 + v * v)),
    "softplus": (lambda v: np.logaddexp(v * 0, v), lambda v: 1 / (1 + np.exp(-v))),
    "logistic": (lambda v: 1 / (1 + np.exp(-v)), lambda v: np.exp(-v) / (1 + np.exp(-v)) ** 2),
    "root": (lambda v: np.sqrt(1 + v * v), lambda v: v / np.sqrt(1 + v * v)),
    "bell": (lambda v: np.exp(-v * v), lambda v: -2 * v * np.exp(-v * v)),
    "gentle log": (lambda v: np.log(2 + np.sin(v)), lambda v: np.cos(v) / (2 + np.sin(v))),
    "fraction": (lambda v: 1 / (1 + v * v), lambda v: -2 * v / (1 + v * v) ** 2),
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
}


def evaluate(tree: Any, x: Any) -> Any:
    """The value of an expression at a float or at a Dual."""
    if tree == "x":
        return x
    if isinstance(tree, float):
        return Dual(tree) if isinstance(x, Dual) else tree
    if tree[0] in BINARY:
        return BINARY[tree[0]](evaluate(tree[1], x), evaluate(tree[2], x))
    f, derivative = UNARY[tree[0]]
    v = evaluate(tree[1], x)
    return Dual(f(v.value), derivative(v.value) * v.slope) if isinstance(x, Dual) else f(v)


constants = st.floats(0.1, 10).flatmap(lambda c: st.sampled_from([c, -c]))
expressions = st.recursive(
    st.just("x") | constants,
    lambda inner: (
        st.tuples(st.sampled_from(sorted(UNARY)), inner) | st.tuples(st.sampled_from(sorted(BINARY)), inner, inner)
    ),
    max_leaves=6,
)
points = st.floats(-3, 3).map(lambda x: x if abs(x) > 1e-6 else 0.0)
many = settings(max_examples=1000, deadline=None, derandomize=True)


def smooth_case(tree: Any, x: float) -> tuple[Scalar, float]:
    return lambda v: float(evaluate(tree, v)), float(evaluate(tree, Dual(x, 1)).slope)


def is_honest(s: Slope, true: float) -> bool:
    """Unverifiable is an honest answer, where an expression has lost its digits to cancellation."""
    return s.kind == Kind.UNVERIFIABLE or (s.kind == Kind.SMOOTH and abs(s.value - true) <= s.error)


@many
@given(expressions, points, st.sampled_from([None, 1.0, 10.0]))
def test_random_compositions_are_honest(tree: Any, x: float, scale: float | None) -> None:
    f, true = smooth_case(tree, x)
    assert is_honest(looked_at(f, x, scale), true)


@many
@given(expressions, points, st.floats(0, 6), st.floats(0, 7))
def test_random_fast_functions_are_honest(tree: Any, x: float, phase: float, digits: float) -> None:
    w = 10**digits
    f, inner = smooth_case(tree, x)
    y = np.arctan(evaluate(tree, Dual(x)).value)
    inner /= float(1 + np.tan(y) ** 2)
    s = looked_at(lambda v: math.sin(w * math.atan(f(v)) + phase), x, 1.0)
    assert is_honest(s, w * inner * float(np.cos(w * y + phase)))


@many
@given(expressions, points, st.floats(-9, 0), st.floats(-3, 2), st.booleans(), st.booleans())
def test_random_kinks_near_the_point_are_honest(
    tree: Any, x: float, distance: float, size: float, left: bool, down: bool
) -> None:
    f, true = smooth_case(tree, x)
    kink, a = x + 10**distance * (-1 if left else 1), 10**size * (-1 if down else 1)
    hidden = abs(a * (kink - x)) <= 1e3 * differences.EPS * (abs(f(x)) + abs(a * x) + 1)
    true -= a * math.copysign(1, kink - x)
    s = looked_at(lambda v: f(v) + a * abs(v - kink), x, 1.0)
    assert is_honest(s, true) or (hidden and s.kind == Kind.KINK)


@many
@given(expressions, points, st.floats(-6, 2), st.booleans(), st.booleans())
def test_random_kinks_at_the_point_are_seen(tree: Any, x: float, size: float, one_side: bool, down: bool) -> None:
    f, true = smooth_case(tree, x)
    a = 10**size * (-1 if down else 1)
    s = looked_at(lambda v: f(v) + a * (relu(v - x) if one_side else abs(v - x)), x, 1.0)
    assert s.kind == Kind.KINK
    assert abs(s.left - (true if one_side else true - a)) <= s.error
    assert abs(s.right - (true + a)) <= s.error


@many
@given(expressions, points, st.floats(-4, 2), st.booleans())
def test_random_jumps_are_seen(tree: Any, x: float, size: float, left: bool) -> None:
    f, _ = smooth_case(tree, x)
    s = looked_at(lambda v: f(v) + 10**size * (v < x if left else v > x), x, 1.0)
    assert s.kind == Kind.JUMP


@settings(many, max_examples=300)
@given(expressions, st.floats(0.5, 3), st.floats(-14, -8), st.integers(0, 1000))
def test_random_noise_is_honest(tree: Any, x: float, level: float, seed: int) -> None:
    f, true = smooth_case(tree, x)

    def noise(v: float) -> float:
        return float(np.random.default_rng([seed, *np.array([v]).view(np.uint32)]).normal())

    assert is_honest(looked_at(lambda v: f(v) + 10**level * noise(v), x, 1.0), true)


def test_fine_structure_is_not_taken_for_noise() -> None:
    for amplitude, w in ((1e-6, 1e6), (1e-8, 1e7), (1e-4, 1e5), (1e-3, 1e3)):
        for x in (0.0, 1.0, -2.3):
            s = looked_at(lambda v, a=amplitude, w=w: math.sin(v) + a * math.sin(w * v), x, 1.0)
            assert is_honest(s, math.cos(x) + amplitude * w * math.cos(w * x)), (amplitude, w, x, s)


def random_tree(rng: np.random.Generator, depth: int) -> Any:
    if depth == 0:
        return "x" if rng.random() < 0.7 else float(rng.uniform(-3, 3))
    if rng.random() < 0.6:
        return rng.choice(sorted(UNARY)).item(), random_tree(rng, depth - 1)
    return rng.choice(sorted(BINARY)).item(), random_tree(rng, depth - 1), random_tree(rng, depth - 1)


def test_nearly_every_random_composition_is_verified_cheaply() -> None:
    rng = np.random.default_rng(0)
    kinds, cost, errors = [], [], []
    for _ in range(500):
        f, true = smooth_case(random_tree(rng, int(rng.integers(1, 5))), x := float(rng.normal()))
        s = looked_at(f, x, None)
        assert is_honest(s, true)
        kinds.append(s.kind)
        cost.append(s.evaluations)
        errors.append(s.error / max(abs(true), 1e-3))
    assert np.mean([k == Kind.SMOOTH for k in kinds]) > 0.99
    assert np.median(cost) <= 15
    assert np.mean(np.array(cost) <= 25) > 0.9
    assert np.median(errors) < 1e-9


def test_most_errors_are_tight() -> None:
    rng = np.random.default_rng(1)
    ratios, cost = [], []
    for _ in range(300):
        a, b, x = rng.uniform(0.3, 3, 3)
        s = looked_at(lambda v, a=a, b=b: np.sin(a * v) * np.exp(b * np.cos(v)), x, None)
        inner = Dual(b) * Dual(np.cos(np.longdouble(x)), -np.sin(np.longdouble(x)))
        outer = Dual(np.exp(inner.value), np.exp(inner.value) * inner.slope)
        ax = np.longdouble(a) * np.longdouble(x)
        true = (Dual(np.sin(ax), np.longdouble(a) * np.cos(ax)) * outer).slope
        ratios.append(s.error / max(abs(s.value - float(true)), 1e-16))
        cost.append(s.evaluations)
        assert s.error <= 1e-9 * max(abs(s.value), 1)
    assert np.median(ratios) < 2e3
    assert np.median(cost) <= 17


# --------------------------------------------------------------------------- arrays


def test_gradient_of_a_matrix() -> None:
    rng = np.random.default_rng(0)
    x, c = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    slopes = gradient(lambda v: np.sum(np.sin(v) * c), x)
    assert slopes.index == list(np.ndindex(3, 4))
    assert np.all(slopes.kind == Kind.SMOOTH)
    true = (np.cos(x) * c).ravel()
    assert np.all(np.abs(slopes.value - true) <= slopes.error)
    assert np.all(slopes.error < 1e-9)
    assert np.all(slopes.distance(true) <= slopes.error)
    assert slopes.evaluations <= 25 * x.size
    assert slopes.reason == [""] * 12


def test_gradient_of_asked_entries() -> None:
    slopes = gradient(lambda v: v[0, 1] * v[1, 0], np.array([[1.0, 2.0], [3.0, 4.0]]), entries=[(1, 0), (-1, -1)])
    assert slopes.index == [(1, 0), (-1, -1)]
    np.testing.assert_allclose(slopes.value, [2, 0], atol=1e-10)
    assert gradient(np.sum, np.arange(3.0), entries=[2]).index == [(2,)]


@pytest.mark.parametrize("entry", [1, (0, 0, 0), (0, slice(None)), (5, 0)])
def test_an_index_must_name_one_entry(entry: Any) -> None:
    with pytest.raises(IndexError):
        gradient(np.sum, np.ones((2, 2)), entries=[entry])


def test_the_point_is_neither_changed_nor_shared() -> None:
    x = np.array([1.0, 2.0])
    seen: list[np.ndarray[Any, Any]] = []

    def f(v: np.ndarray[Any, Any]) -> float:
        seen.append(v)
        total = float(np.sum(v**2))
        v[:] = np.nan  # a careless function may write into what it is given
        return total

    np.testing.assert_allclose(gradient(f, x).value, [2, 4])
    np.testing.assert_array_equal(x, [1, 2])
    assert not any(np.shares_memory(v, x) for v in seen)
    assert len({id(v) for v in seen}) == len(seen)


@pytest.mark.parametrize("wrap", [float, np.float64, lambda v: np.array(v), lambda v: np.array([[v]])])
def test_what_a_function_may_return(wrap: Callable[[Any], Any]) -> None:
    slopes = gradient(lambda v: wrap(np.sum(v * v)), np.array([3.0]))
    np.testing.assert_allclose(slopes.value, [6])


@pytest.mark.parametrize("value", [np.ones(2), np.ones(0), 1j, "one", None], ids=repr)
def test_what_a_function_may_not_return(value: Any) -> None:
    with pytest.raises(TypeError, match="one real number"):
        gradient(lambda v: value, np.array([3.0]))


def test_a_function_in_single_precision_is_taken_at_its_word() -> None:
    slopes = gradient(lambda v: np.sum(np.sin(v.astype(np.float32))), np.array([0.3, 0.7, 0.0]))
    assert np.all(slopes.kind == Kind.SMOOTH)
    assert np.all(np.abs(slopes.value - np.cos([0.3, 0.7, 0])) <= slopes.error)
    assert np.all(slopes.error < 1e-3)
    assert np.all(gradient(lambda v: np.float32(1.5), np.ones(1)).error > 1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_points_are_taken_to_double_precision(dtype: Any) -> None:
    def f(v: np.ndarray[Any, Any]) -> float:
        assert v.dtype == np.float64
        return float(v @ v)

    np.testing.assert_allclose(gradient(f, np.array([1, 2], dtype=dtype)).value, [2, 4], rtol=1e-9)


@pytest.mark.parametrize("x", [np.ones(2, dtype=complex), np.ones(2, dtype=bool), np.array(["a"])], ids=str)
def test_points_must_be_real(x: Any) -> None:
    with pytest.raises(TypeError, match="real"):
        gradient(np.sum, x)


def test_shapes_at_the_edge() -> None:
    assert gradient(lambda v: v * v, np.array(3.0)).index == [()]
    empty = gradient(np.sum, np.ones((0, 3)))
    assert empty.value.shape == empty.kind.shape == (0,)
    assert empty.distance(np.ones(0)).shape == (0,)


def test_an_array_of_zeros_and_a_zero_among_others() -> None:
    for x in (np.zeros(3), np.array([0.0, 1e-3, 5.0])):
        slopes = gradient(lambda v: np.sum(np.sinh(v)), x)
        assert np.all(np.abs(slopes.value - np.cosh(x)) <= slopes.error)
        assert np.all(slopes.error < 1e-8)


def test_entries_of_very_different_size() -> None:
    x = np.array([1e-200, 1e-12, 1e-3, 1.0, 1e5])
    slopes = gradient(lambda v: np.sum(np.log(v)), x)
    assert np.all(slopes.kind == Kind.SMOOTH)
    assert np.all(np.abs(slopes.value * x - 1) <= slopes.error * x)
    assert np.all(slopes.error * x < 1e-2)


def test_the_scale_of_an_entry_can_be_given() -> None:
    x = np.full(2, 1e-7)
    own, given_ = (gradient(lambda v: 100 + np.sum(v**2), x, scale=s) for s in (None, 1.0))
    for slopes in (own, given_):
        assert np.all(np.abs(slopes.value - 2e-7) <= slopes.error)
    assert np.all(given_.error < 1e-10)
    assert np.all(own.error > 1e-7)
    with pytest.raises(ValueError, match="scale"):
        gradient(np.sum, x, scale=[1.0, 0.0])


def test_entries_that_are_not_finite() -> None:
    slopes = gradient(lambda v: np.sum(v[:1]), np.array([1.0, np.inf, np.nan]))
    assert list(slopes.kind) == [Kind.SMOOTH, Kind.UNVERIFIABLE, Kind.UNVERIFIABLE]
    assert "inf" in slopes.reason[1]
    assert "nan" in slopes.reason[2]


def test_distance_from_an_interval() -> None:
    slopes = gradient(lambda v: np.sum(np.abs(v)) + 3 * np.sign(v[2]), np.array([0.0, 2.0, 0.0]))
    assert list(slopes.kind) == [Kind.KINK, Kind.SMOOTH, Kind.JUMP]
    np.testing.assert_allclose(slopes.distance([-0.5, 1.5, 0.0]), [0, 0.5, np.nan], atol=1e-9)
    np.testing.assert_allclose(slopes.distance([1.5, 1.0, 0.0])[0], 0.5, atol=1e-9)
    down = gradient(lambda v: -np.sum(np.abs(v)), np.zeros(1))
    assert down.left[0] > down.right[0]
    np.testing.assert_allclose(down.distance([0.25]), 0)


def test_warnings_are_silenced_inside_only() -> None:
    before = np.geterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        slopes = gradient(lambda v: np.sum(np.sqrt(v)), np.array([1e-10, 1.0]))
    assert np.all(slopes.kind == Kind.SMOOTH)
    assert np.geterr() == before


def test_exceptions_pass_through() -> None:
    class Odd(Exception):
        pass

    def f(v: np.ndarray[Any, Any]) -> float:
        raise Odd("as raised")

    before = np.geterr()
    with pytest.raises(Odd, match="as raised"):
        gradient(f, np.ones(1))
    assert np.geterr() == before


def test_a_direction() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(3, 4)), rng.normal(size=4)
    da, db = rng.normal(size=(3, 4)), rng.normal(size=4)
    s = directional(lambda xs: np.sum(np.tanh(xs[0] @ xs[1])), [a, b], [da, db])
    outer = 1 - np.tanh(a @ b) ** 2
    assert s.kind == Kind.SMOOTH
    assert abs(s.value - outer @ (da @ b + a @ db)) <= s.error < 1e-8
    along = directional(lambda v: np.sum(v**3), b, db)
    assert abs(along.value - 3 * b**2 @ db) <= along.error < 1e-8
    assert directional(np.sum, b, np.zeros(4)).value == 0
    assert directional(lambda v: np.sum(np.abs(v)), np.zeros(4), np.ones(4)).kind == Kind.KINK


def test_a_direction_across_jumps_and_kinks_away_from_zero() -> None:
    x, d = np.array([0.3, 1.7]), np.array([0.1, -2.0])
    assert directional(lambda v: np.sum(v) + 1e-3 * (v[1] > 1.7), x, d).kind == Kind.JUMP
    kink = directional(lambda v: np.sum(np.abs(v - x)), x, d)
    assert kink.kind == Kind.KINK
    assert abs(kink.right - 2.1) <= kink.error


def test_a_direction_must_have_the_shape_of_the_point() -> None:
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        directional(np.sum, np.ones(3), np.ones(2))


def test_complex_step() -> None:
    x = np.array([[0.3, -1.2]])
    np.testing.assert_allclose(complex_step(lambda v: np.sum(np.sin(v) * v), x), np.cos(x) * x + np.sin(x), rtol=1e-15)


def test_the_witness_knows_nothing_of_the_rest() -> None:
    tree = ast.parse(Path(differences.__file__).read_text(encoding="utf-8"))
    names = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    names += [n.module or "." for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    standard = {"math", "collections.abc", "dataclasses", "enum", "itertools", "typing"}
    assert set(names) <= standard | {"numpy", "numpy.typing"}
