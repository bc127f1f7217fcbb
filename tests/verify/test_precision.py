"""A right formula that its precision cannot compute is told from a wrong one, and the operation is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.verify import Derivation, Report, Verdict
from microgradnp.verify.precision import in_precision, lossy, recomputed
from tests.verify.derivations import DERIVATIONS, STYLES, made

FINER = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps
finer = pytest.mark.skipif(not FINER, reason="no precision finer than double on this machine")

X = np.array([0.3, -1.2, 0.8, 2.1, -0.4, 1.7])


@pytest.mark.parametrize(
    ("f", "x", "what", "form"),
    [
        (lambda x: np.mean(x**2) - np.mean(x) ** 2, X + 3000, "cancellation", "np.var(x)"),
        (lambda x: np.sum(np.exp(x) - 1), X * 1e-7, "cancellation", "np.expm1(x)"),
        (lambda x: np.sum((1 - np.cos(x)) / x**2), X * 1e-4, "cancellation", "np.sin(x / 2) ** 2"),
        (lambda x: np.sum(1 - mg.logistic(x)), X + 20, "cancellation", "mg.logistic(-z)"),
        (lambda x: np.sum(1 - np.tanh(x) ** 2), X + 9, "cancellation", "np.cosh(z) ** 2"),
        (lambda x: np.sum(np.log(1 + x)), X * 1e-6, "inexact", "np.log1p(x)"),
        (lambda x: np.sum(np.exp(-x)) * 1e30, X + 110, "rounded to 0", ""),
        (lambda x: np.sum(np.exp(x)), X + 100, "an overflow", ""),
    ],
)  # fmt: skip
def test_what_loses_its_digits_is_named(f: Callable[..., Any], x: Any, what: str, form: str) -> None:
    graph = mg.trace(f, x)
    trouble = lossy(graph, recomputed(graph, np.float32), recomputed(graph, np.float64), 1e-2)
    assert trouble is not None
    assert (trouble.what, form in trouble.instead) == (what, True), str(trouble)


@pytest.mark.parametrize("f", [np.tanh, np.exp, lambda x: (x - np.mean(x)) ** 2, lambda x: np.log1p(x * 1e-8)])
def test_ordinary_rounding_is_no_trouble(f: Callable[..., Any]) -> None:
    graph = mg.trace(lambda x: np.sum(f(x)), X)
    assert lossy(graph, recomputed(graph, np.float32), recomputed(graph, np.float64), 1e-2) is None


def variance(offset: float, dtype: Any, factor: float = 2.0) -> Verdict:
    d = Derivation("variance")

    @d.forward
    def spread(x):
        m = np.mean(x)
        v = np.mean((x - m) ** 2)
        loss = np.log(v)
        return loss

    d.gradient("x", lambda x: factor * (x - np.mean(x)) / x.size / (np.mean(x**2) - np.mean(x) ** 2), name="dx")
    return d.verify(x=(X + offset).astype(dtype))["x"]


CASES = [
    ("a formula that cancels in double precision", {"offset": 1e6, "dtype": float}, "wrong", "numerical", "np.var(x)"),
    ("the same where nothing cancels", {"offset": 1.0, "dtype": float}, "correct", "None", ""),
    ("the same, wrong", {"offset": 1e4, "dtype": float, "factor": 3.0}, "wrong", "scale", ""),
    ("a formula that cancels in single precision", {"offset": 3e3, "dtype": np.float32}, "wrong", "numerical", "single precision"),
    ("the same in double precision", {"offset": 3e3, "dtype": float}, "correct", "None", ""),
    ("the same in single precision where nothing cancels", {"offset": 1.0, "dtype": np.float32}, "correct", "None", ""),
]  # fmt: skip


@finer
@pytest.mark.parametrize(("options", "status", "cause", "said"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_verdicts(options: Any, status: str, cause: str, said: str) -> None:
    verdict = variance(**options)
    assert (verdict.status, str(verdict.cause)) == (status, cause), verdict.sentence()
    assert said in verdict.explanation


@finer
def test_a_right_formula_that_keeps_few_digits_says_how_many() -> None:
    [note] = variance(1e4, float).notes or [""]
    assert note.startswith("right, but rounding leaves")
    assert "cancels" in note


def logistic_loss(dtype: Any) -> Report:
    d = Derivation("far on the right side")

    @d.forward
    def model(z, y):
        p = 1 / (1 + np.exp(-z))  # noqa: F841 - the backward function takes it
        loss = np.sum(np.logaddexp(0, z) - y * z)
        return loss

    d.backward(lambda p, y: {"z": p * (1 - p) * ((p - y) / (p * (1 - p)))})
    return d.verify(z=np.array([0.5, 18.0, -3.0], dtype), y=np.array([1.0, 0.0, 1.0], dtype))


def test_a_backward_function_that_single_precision_makes_nan() -> None:
    verdict = logistic_loss(np.float32)["z"]
    assert (verdict.status, verdict.cause) == ("wrong", "numerical")
    assert "`(p - y) / (p * (1 - p))` is a division by 0 at 1 of 3 entries, first at [1]" in verdict.explanation
    assert verdict.wrong.tolist() == [False, True, False]
    assert logistic_loss(np.float64).ok


def test_a_forward_pass_that_single_precision_spoils_is_blamed_itself() -> None:
    d = Derivation()

    @d.forward
    def spread(x):
        v = np.mean(x**2) - np.mean(x) ** 2
        loss = np.log(v)
        return loss

    d.gradient("v", lambda v: 1 / v, name="dv")
    verdict = d.verify(x=(X + 3000).astype(np.float32))["v"]
    assert verdict.cause == "numerical"
    assert "`mean(x ** 2) - mean(x) ** 2` cancels" in verdict.explanation
    assert d.verify(x=X + 3000).ok


@pytest.mark.parametrize("name", DERIVATIONS)
def test_right_derivations_are_right_in_single_precision(name: str) -> None:
    derivation, inputs = made(name, 7, next(iter(STYLES)))
    report = derivation.verify(in_precision(dict(inputs), np.float32))
    assert not [v.sentence() for v in report if v.status in ("wrong", "correct given its inputs")]
