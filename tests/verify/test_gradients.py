"""check_gradients: no false alarm at any odd point, no wrong rule passed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import microgradnp as mg
from microgradnp.verify import Status, WrongGradient, check_gradients

array = np.array
RNG = np.random.default_rng(0)
Z = RNG.standard_normal((4, 3))
AT_KINK = array([0.0, 1.0, -1.0])


def relu(x):
    return np.maximum(x, 0)


def batch_norm(x, b):
    y = x + b
    y = (y - y.mean(axis=0)) / np.sqrt(y.var(axis=0) + 1e-5)
    return np.sum(np.sin(y))


def naive_softmax(x):
    return np.sum((np.exp(x) / np.sum(np.exp(x))) ** 2)


# -- no false alarms -----------------------------------------------------------------------------------------

# name: (function, arguments)
RIGHT: dict[str, tuple[Any, ...]] = {
    "max with 0 at 0": (lambda x: np.sum(relu(x)), AT_KINK),
    "relu at 0": (lambda x: np.sum(mg.relu(x)), AT_KINK),
    "abs at 0": (lambda x: np.sum(np.abs(x)), AT_KINK),
    "x|x| at 0": (lambda x: np.sum(x * np.abs(x)), AT_KINK),
    "|x|^3 at 0": (lambda x: np.sum(np.abs(x) ** 3), AT_KINK),
    "two ties of a maximum": (np.max, array([1.0, 1.0, 0.0])),
    "three ties of a maximum": (np.max, array([1.0, 1.0, 1.0])),
    "ties of two arrays": (lambda x, y: np.sum(np.maximum(x, y)), array([1.0, 2.0, 0.0]), array([1.0, 1.0, 0.0])),
    "ties of a minimum by columns": (lambda x: np.min(x, axis=0).sum(), array([[1.0, 1.0], [1.0, 2.0]])),
    "relu less max with 0, at 0": (lambda x: np.sum(mg.relu(x) - relu(x)), AT_KINK),
    "relu of relu at 0": (
        lambda x, W: np.sum(relu(relu(x) @ W)),
        array([[0.0, 1, -1], [0, 0, 0]]),
        array([[1.0, -1], [0, 1], [2, -2]]),
    ),
    "clip at its ends": (lambda x: np.sum(np.clip(x, -1, 1)), array([1.0, -1.0, 0.5, 2.0])),
    "where at its condition": (lambda x: np.sum(np.where(x > 0, x, 2 * x)), AT_KINK),
    "norm at 0": (np.linalg.norm, np.zeros(3)),
    "norm near 0": (np.linalg.norm, array([1e-9, 0.0, 0.0])),
    "standard deviation of equal numbers": (np.std, array([1.0, 1.0, 1.0])),
    "product with one zero": (np.prod, array([0.0, 2.0, 3.0])),
    "product with two zeros": (np.prod, array([0.0, 0.0, 3.0])),
    "1 / x": (lambda x: np.sum(1 / x), array([1e-6, 1e-3, 1.0])),
    "square root": (lambda x: np.sum(np.sqrt(x)), array([1e-10, 1e-4, 1.0])),
    "logarithm": (lambda x: np.sum(np.log(x)), array([1e-8, 1.0, 1e8])),
    "exponential": (lambda x: np.sum(np.exp(x)), array([10.0, -10.0, 100.0])),
    "fast sine": (lambda x: np.sum(np.sin(100 * x)), array([1.0, 0.3, 0.0])),
    "tangent near its pole": (lambda x: np.sum(np.tan(x)), array([1.57, 0.3, 0.0])),
    "saturated logistic": (lambda x: np.sum(1 / (1 + np.exp(-x))), array([40.0, -40.0, 0.0])),
    "saturated tanh": (lambda x: np.sum(np.tanh(x)), array([30.0, -30.0, 0.1])),
    "cube of small and large": (lambda x: np.sum(x**3), array([0.0, 1e-5, 1e5])),
    "log-sum-exp of large numbers": (mg.logsumexp, array([1000.0, 1000.0, -1000.0])),
    "naive cross entropy, saturated": (lambda z: -np.sum(np.log(1 - 1 / (1 + np.exp(-z)))), array([20.0, 30.0, 1.0])),
    "naive softmax": (naive_softmax, array([1.0, 2.0, 30.0])),
    "batch normalisation, and the bias before it": (batch_norm, Z, np.zeros(3)),
    "1e8 + x": (lambda x: np.sum(1e8 + x), array([0.0, 1.0])),
    "100 + x^2 at 1e-7": (lambda x: np.sum(100 + x**2), array([1e-7])),
    "terms of sizes 1e12 and 1": (
        lambda x, y: np.sum(1e12 * x) + np.sum(np.sin(y)),
        array([1.0, 2.0]),
        array([1.0, 2.0]),
    ),
    "a constant": (lambda x: np.sum(0 * x), array([1.0, 2.0])),
    "an argument that is ignored": (lambda x, y: np.sum(x**2), array([1.0, 2.0]), array([1.0])),
    "no entries": (lambda x: np.sum(x), np.zeros(0)),
    "a Python float": (lambda x: x**2, 3.0),
    "0.0": (lambda x: x**2, 0.0),
    "single precision": (lambda x: np.sum(np.tanh(x)), np.float32([1, 2, 3])),
    "a tree": (lambda p: p["a"] @ p["b"][0] + p["c"], {"a": array([1.0, 2.0]), "b": [array([3.0, 4.0])], "c": 2.0}),
    "several results": (lambda x: (np.sin(x), {"dot": x @ x}), array([1.0, 2.0])),
    "a power that is a whole number": (lambda x, k: np.sum(x**k), array([1.0, 2.0]), 3),
    "indices": (lambda x, k: x[k] @ array([1.0, 2.0]), array([1.0, 2.0, 3.0]), array([0, 2])),
}


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("name", RIGHT)
def test_no_false_alarm(name: str, order: int) -> None:
    f, *args = RIGHT[name]
    report = check_gradients(f, *args, order=order)
    assert report.ok, str(report)


@settings(max_examples=30, deadline=None)
@given(
    x=arrays(
        np.float64,
        array_shapes(max_dims=2, max_side=3),
        elements=st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0]),
    )
)
def test_no_false_alarm_on_a_grid(x: Any) -> None:
    """Kinks and ties of all kinds, exactly hit."""

    def f(x):
        return np.sum(relu(x) * np.abs(x - 1)) + np.max(x) - np.min(np.maximum(x, -x))

    assert check_gradients(f, x).ok


def test_what_is_said_at_a_kink() -> None:
    check = check_gradients(lambda x: np.sum(np.abs(x)), AT_KINK)["x"]
    assert check.status is Status.KINK
    assert check.explanation == "at 1 entries, where the gradient lies between the one-sided derivatives"


def test_a_second_derivative_at_a_kink_jumps() -> None:
    check = check_gradients(lambda x: np.sum(relu(x) ** 1), AT_KINK, order=2)["x (order 2)"]
    assert check.status is Status.KINK
    assert "jumps" in check.explanation


def test_where_the_function_jumps_nothing_is_verified() -> None:
    report = check_gradients(lambda x: np.sum(np.floor(x)), array([1.0]))
    assert not report.ok
    assert report["x"].status is Status.UNVERIFIABLE
    assert "jump" in report["x"].explanation


def test_an_infinite_slope_is_not_verified() -> None:
    check = check_gradients(lambda x: np.sum(np.sqrt(x)), array([0.0, 1.0]))["x"]
    assert check.status is Status.UNVERIFIABLE
    assert check.explanation == "autodiff gives 1 of 2 entries that are not finite"


# -- wrong rules ---------------------------------------------------------------------------------------------


def with_rules(f: Callable[..., Any], *rules: Callable[..., Any]) -> Callable[..., Any]:
    made = mg.primitive(f)
    made.defvjp(*rules)
    return made


def tanh(x):
    return np.tanh(x)


def exp(x):
    return np.exp(x)


def max0(x):
    return np.maximum(x, 0)


def squares(x):
    return x * x


def total(x):
    return np.sum(x, axis=0)


def softmax(x):
    e = np.exp(x)
    return e / np.sum(e, axis=1, keepdims=True)


def product(a, b):
    return a @ b


def plus(a, b):
    return a + b


def one_entry(factor: float) -> Callable[..., Any]:
    def rule(g, _y, x):
        d = np.array(g * 2 * x)
        d[17, 3] *= factor
        return d

    return rule


LARGE = RNG.standard_normal((40, 40))
WRONG: dict[str, tuple[Callable[..., Any], tuple[Callable[..., Any], ...], tuple[Any, ...]]] = {
    "square left out": (tanh, (lambda g, y, _x: g * (1 - y),), (Z,)),
    "upstream ignored": (tanh, (lambda g, y, _x: 1 - y * y,), (Z,)),
    "derivative at the input": (tanh, (lambda g, _y, x: g * (1 - x * x),), (Z,)),
    "derivative at the output": (exp, (lambda g, y, _x: g * np.exp(y),), (Z,)),
    "surrogate": (max0, (lambda g, _y, x: g / (1 + np.exp(-x)),), (Z,)),
    "leak": (max0, (lambda g, _y, x: g * np.where(x > 0, 1, 1e-3),), (Z,)),
    "sign": (squares, (lambda g, _y, x: -2 * g * x,), (Z,)),
    "zero": (squares, (lambda g, _y, x: 0 * g * x,), (Z,)),
    "factor 2 left out": (squares, (lambda g, _y, x: g * x,), (Z,)),
    "factor 1 + 1e-4": (exp, (lambda g, y, _x: g * y * (1 + 1e-4),), (Z,)),
    "factor 1 + 1e-6": (exp, (lambda g, y, _x: g * y * (1 + 1e-6),), (Z,)),
    "tiny gradient doubled": (lambda x: 1e-7 * x, (lambda g, _y, _x: 2e-7 * g,), (Z,)),
    "tiny gradient beside a large one": (
        lambda a, b: a + 1e-7 * b * b,
        (lambda g, _y, _a, _b: g, lambda g, _y, _a, b: 1e-7 * g * b),
        (Z, Z + 1),
    ),
    "one entry of 1600": (squares, (one_entry(1.01),), (LARGE,)),
    "one row": (squares, (lambda g, _y, x: g * 2 * x * (np.arange(len(x)) < len(x) - 1)[:, None],), (Z,)),
    "one row of many operands": (
        product,
        (lambda g, _y, _a, b: g @ b.T, lambda g, _y, a, _b: 1.0001 * a.T @ g),
        (Z, Z.T + 1),
    ),
    "operands exchanged": (product, (lambda g, _y, a, _b: a.T @ g, lambda g, _y, _a, b: g @ b.T), (Z[:3], Z[:3] + 1)),
    "diagonal of softmax": (softmax, (lambda g, y, _x: g * y * (1 - y),), (Z,)),
    "mean for sum": (total, (lambda g, _y, x: np.ones_like(x) * g / len(x),), (Z,)),
    "wrong axis": (total, (lambda g, _y, x: np.ones_like(x) * g[0],), (Z,)),
    "bias: mean for sum": (plus, (lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: g.mean(axis=0)), (Z, Z[0])),
    "bias: last row only": (plus, (lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: g[-1]), (Z, Z[0])),
    "upstream squared": (tanh, (lambda g, y, _x: g * g * (1 - y * y),), (Z,)),
    "upstream without its sign": (tanh, (lambda g, y, _x: np.abs(g) * (1 - y * y),), (Z,)),
    "upstream clipped": (tanh, (lambda g, y, _x: np.clip(g, -1, 1) * (1 - y * y),), (Z,)),
    "shifted by one": (squares, (lambda g, _y, x: np.roll(g * 2 * x, 1, axis=0),), (Z,)),
    "every tie gets all": (lambda x: np.max(x, axis=0), (lambda g, y, x: 3.0 * g * (x == y),), (Z,)),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_wrong_rules_are_found(mistake: str) -> None:
    f, rules, args = WRONG[mistake]
    wrong = with_rules(f, *rules)
    names = "ab"[: len(args)]
    report = check_gradients(eval(f"lambda {', '.join(names)}: f({', '.join(names)})", {"f": wrong}), *args)
    assert not report.ok, str(report)
    bad = [c for c in report if c.status is Status.WRONG]
    assert bad
    for check in bad:
        assert check.wrong > 0
        assert check.error > 1e-7
        assert f"most at {check.name}[{', '.join(map(str, check.index))}]" in check.sentence()
        assert f"autodiff {check.autodiff:.10g}, differences {check.differences:.10g}" in check.sentence()


@pytest.mark.parametrize(
    ("f", "rule", "args"),
    [
        (max0, lambda g, _y, x: g * (x > 0), (AT_KINK,)),
        (max0, lambda g, _y, x: g * (x >= 0), (AT_KINK,)),
        (np.abs, lambda g, _y, x: g * np.where(x >= 0, 1, -1), (AT_KINK,)),
        (np.max, lambda g, y, x: g * (x == y) / np.sum(x == y), (array([1.0, 1.0, 0.0]),)),
        (np.max, lambda g, _y, x: g * (np.arange(x.size) == np.argmax(x)), (array([1.0, 1.0, 0.0]),)),
        (np.sqrt, lambda g, y, _x: g * 0.5 / y, (array([1e-10, 1.0]),)),
    ],
)
def test_right_rules_at_odd_points_are_right(
    f: Callable[..., Any], rule: Callable[..., Any], args: tuple[Any, ...]
) -> None:
    right = with_rules(lambda x: f(x), rule)
    report = check_gradients(lambda x: right(x), *args)
    assert report.ok, str(report)


def test_a_wrong_second_derivative() -> None:
    inner = with_rules(lambda x: np.cos(x), lambda g, _y, x: -g * np.sin(x) * 1.01)
    outer = with_rules(lambda x: np.sin(x), lambda g, _y, x: g * inner(x))
    report = check_gradients(lambda x: np.sum(outer(x)), Z, order=2)
    assert report["x"].status is Status.CORRECT
    assert report["x (order 2)"].status is Status.WRONG


def test_a_wrong_rule_of_a_named_input_in_a_tree() -> None:
    wrong = with_rules(lambda x: x * x, lambda g, _y, x: g * x)
    report = check_gradients(
        lambda params, x: np.sum(params["W"] * x) + np.sum(wrong(params["b"])), {"W": Z, "b": Z[0]}, Z
    )
    assert [c.name for c in report if c.status is Status.WRONG] == ['params["b"]']
    assert report[0].status is Status.CORRECT


# -- large inputs --------------------------------------------------------------------------------------------


def test_a_large_input_is_sampled_and_says_so() -> None:
    check = check_gradients(lambda x: np.sum(np.sin(x)), RNG.standard_normal((100, 100)))["x"]
    assert check.status is Status.CORRECT
    assert (check.size, check.measured) == (10_000, 397)
    assert check.explanation == "397 of 10000 entries measured, and 3 directions through all"


@pytest.mark.parametrize("entry", [(0, 0), (57, 3), (99, 99)])
def test_one_wrong_entry_of_a_large_input_is_located(entry: tuple[int, int]) -> None:
    def rule(g, _y, x):
        d = np.array(g * 2 * x)
        d[entry] += 0.1
        return d

    wrong = with_rules(lambda x: x * x, rule)
    check = check_gradients(lambda x: np.sum(wrong(x)), RNG.standard_normal((100, 100)))["x"]
    assert check.status is Status.WRONG
    assert check.index == entry
    assert check.autodiff - check.differences == pytest.approx(0.1, rel=1e-6)


def test_budget_and_tolerance() -> None:
    nearly = with_rules(lambda x: np.exp(x), lambda g, y, _x: g * y * (1 + 1e-5))
    assert not check_gradients(lambda x: np.sum(nearly(x)), Z).ok
    assert check_gradients(lambda x: np.sum(nearly(x)), Z, tolerance=1e-4).ok
    assert check_gradients(lambda x: np.sum(np.exp(x)), LARGE, budget=2000)["x"].measured == 1600


# -- the interface -------------------------------------------------------------------------------------------


def test_report_of_right_gradients() -> None:
    report = check_gradients(lambda x, k, b: np.sum(x[:k] * b), Z, 2, 1.5)
    assert report
    assert [c.name for c in report] == ["x", "b"]
    assert str(report) == "gradients of <lambda>: no errors found\n  x: correct\n  b: correct"
    assert report[1] is report["b"]
    report.raise_if_wrong()


def test_report_of_wrong_gradients() -> None:
    wrong = with_rules(lambda x: x * x, lambda g, _y, x: g * x)

    def loss(x, y):
        return np.sum(wrong(x)) + np.sum(y)

    report = check_gradients(loss, array([1.0, 3.0]), array([1.0]))
    assert not report
    with pytest.raises(WrongGradient) as raised:
        report.raise_if_wrong()
    text = str(raised.value)
    assert text.startswith("gradients of loss: not confirmed by differences")
    assert "x: wrong: 2 of 2 entries disagree, most at x[1]: autodiff 3, differences 6, relative error 5.0e-01" in text
    assert "y: correct" in text
    with pytest.raises(KeyError, match="no input 'z'; there are x, y"):
        report["z"]


def test_argnums_and_keywords() -> None:
    report = check_gradients(lambda x, y, scale=1.0: scale * np.sum(x * y), Z, Z + 1, argnums=1, scale=3.0)
    assert [c.name for c in report] == ["y"]
    assert report.ok


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: check_gradients(lambda k: k, 3), TypeError, "found no argument of floating point numbers"),
        (lambda: check_gradients(lambda x: x, Z, order=0), ValueError, "order=0"),
        (lambda: check_gradients(lambda x: None, Z), TypeError, "returned nothing"),
        (lambda: check_gradients(lambda x: np.exp(1j * x), Z), TypeError, "returned complex128"),
    ],
)
def test_what_cannot_be_checked_is_said(call: Callable[[], Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call()


def test_the_same_for_the_same_seed() -> None:
    one, other = (check_gradients(lambda x: np.tanh(x), LARGE, seed=4)["x"] for _ in range(2))
    assert (one.index, one.autodiff, one.differences, one.error) == (
        other.index,
        other.autodiff,
        other.differences,
        other.error,
    )


def test_inputs_are_not_changed() -> None:
    x = Z.copy()
    check_gradients(lambda x: np.sum(x**2), x, order=2)
    assert np.array_equal(x, Z)
