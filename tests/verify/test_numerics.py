"""Numerical trouble is named: the operation, the entries, the stable form; a wrong formula stays a wrong formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.verify import Derivation, Report
from microgradnp.verify.numerics import gated, nonfinite, saturated

Z = np.array([[0.5, -1.0], [1000.0, 2.0]])


@pytest.mark.parametrize(
    ("f", "x", "what", "where", "instead"),
    [
        (lambda z: np.sum(np.exp(z)), Z, "an overflow", "first at [1, 0]", ""),
        (lambda z: np.sum(np.log(1 + np.exp(z))), Z, "an overflow", "1 of 4", "np.logaddexp(0, z)"),
        (lambda z: np.sum(np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)), Z, "an overflow", "1 of 4", "mg.softmax(z)"),
        (lambda z: np.sum(np.log(np.sum(np.exp(z), axis=1))), Z, "an overflow", "1 of 4", "mg.logsumexp(z)"),
        (lambda z: np.sum(np.log(1 / (1 + np.exp(-z)))), -Z, "log(0)", "1 of 4", "-np.logaddexp(0, -z)"),
        (lambda z: np.sum(np.log(1 - 1 / (1 + np.exp(-z)))), Z, "log(0)", "1 of 4", "the logits"),
        (lambda z: np.sum(np.log(mg.softmax(z))), Z, "log(0)", "1 of 4", "mg.log_softmax(z)"),
        (lambda z: np.sum(1 / (z - 2)), Z, "a division by 0", "first at [1, 1]", ""),
        (lambda z: np.sum(np.log(z)), Z, "the logarithm of a negative number", "first at [0, 1]", ""),
        (lambda z: np.sum(np.sqrt(z)), Z, "the square root of a negative number", "first at [0, 1]", ""),
        (lambda z: np.sum(z**200), Z, "an overflow", "first at [1, 0]", ""),
    ],
)  # fmt: skip
def test_what_is_not_finite_is_named(f: Callable[..., Any], x: Any, what: str, where: str, instead: str) -> None:
    with np.errstate(all="ignore"):
        trouble = nonfinite(mg.trace(f, x))
    assert trouble is not None
    assert trouble.what == what
    assert where in str(trouble)
    assert instead in trouble.instead
    assert bool(trouble.instead) == bool(instead)


def test_an_infinity_that_vanishes_again_is_no_trouble() -> None:
    with np.errstate(all="ignore"):
        assert nonfinite(mg.trace(lambda z: np.sum(1 / (1 + np.exp(z))), Z)) is None


@pytest.mark.parametrize(
    ("f", "count"),
    [
        (np.tanh, 1),
        (lambda z: 1 / (1 + np.exp(-z)), 1),
        (lambda z: mg.logistic(-z), 1),
        (lambda z: np.maximum(z, 0), 0),
        (lambda z: 1 / (2 + z * z), 0),
    ],
)
def test_saturation_is_counted(f: Callable[..., Any], count: int) -> None:
    with np.errstate(all="ignore"):
        found = saturated(mg.trace(lambda z: np.sum(f(z)), Z))
    assert sum(int(t.entries.sum()) for t in found.values()) == count


def test_relu_is_no_clip() -> None:
    assert not gated(mg.trace(lambda z: np.sum(np.maximum(z, 0)), Z))


def logistic_regression(dz: Callable[..., Any], clip: bool = False, scale: float = 1.0, **other: Any) -> Report:
    """Document 003, with and without its clip, at data of any size."""
    d = Derivation("logistic regression")

    @d.forward
    def model(X, y, w):
        z = X @ w
        a = 1 / (1 + np.exp(-z))
        if clip:
            loss = -np.sum(y * np.log(np.clip(a, 1e-12, None)) + (1 - y) * np.log(np.clip(1 - a, 1e-12, None)))
        else:
            loss = np.sum(np.logaddexp(0, z) - y * z)
        return loss

    d.gradient("z", dz, name="dz")
    d.gradient("w", lambda X, dz: X.T @ dz, name="dw")
    X = np.array([[0.5, 1.0], [-1.5, 0.3], [0.4, -0.7], [1.1, 0.9]])
    return d.verify(X=X * scale, y=np.array([0.0, 1, 0, 0]), w=np.array([0.8, -0.4]))


def overflowing(z, y):
    return np.exp(z) / (1 + np.exp(z)) - y


CASES = [
    ("a right formula that overflows", {"dz": overflowing, "scale": 4000.0}, "wrong", "numerical", "np.where(z >= 0"),
    ("the same where it does not", {"dz": overflowing}, "correct", "None", ""),
    ("a right formula in the stable form", {"dz": lambda z, y: mg.logistic(z) - y, "scale": 4000.0}, "correct", "None", ""),
    ("a wrong formula that overflows as well", {"dz": lambda z, y: np.exp(z) / (2 + np.exp(z)) - y, "scale": 4000.0}, "wrong", "numerical", "nan or infinite"),
    ("the clip of document 003 where it holds", {"dz": lambda a, y: a - y, "clip": True, "scale": 100.0}, "wrong", "numerical", "no gradient passes there"),
    ("the same where it does not", {"dz": lambda a, y: a - y, "clip": True}, "correct", "None", ""),
]  # fmt: skip


@pytest.mark.parametrize(("options", "status", "cause", "said"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_verdicts(options: Any, status: str, cause: str, said: str) -> None:
    verdict = logistic_regression(**options)["z"]
    assert (verdict.status, str(verdict.cause)) == (status, cause), verdict.sentence()
    assert said in verdict.explanation


def test_a_right_formula_out_of_range_is_told_from_a_wrong_one() -> None:
    right = logistic_regression(overflowing, scale=4000.0)["z"].explanation
    wrong = logistic_regression(lambda z, y: np.exp(z) / (2 + np.exp(z)) - y, scale=4000.0)["z"].explanation
    assert right.startswith("the formula is right, but not in floating point numbers of this size")
    assert "the formula is right" not in wrong


def test_a_wrong_formula_under_a_clip_is_not_excused() -> None:
    verdict = logistic_regression(lambda a, y: 2 * a - y, clip=True, scale=100.0)["z"]
    assert verdict.status == "wrong"
    assert verdict.cause != "numerical"


def test_a_loss_that_is_not_finite_names_the_operation() -> None:
    d = Derivation()

    @d.forward
    def model(z, y):
        a = 1 / (1 + np.exp(-z))
        loss = -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))
        return loss

    d.gradient("z", lambda a, y: a - y, name="dz")
    verdict = d.verify(z=np.array([0.5, 800.0]), y=np.array([1.0, 0.0]))["z"]
    assert (verdict.status, verdict.cause) == ("unverifiable", "numerical")
    assert "`log(1 - a)` is log(0) at 1 of 2 entries, first at [1]" in verdict.explanation


def test_saturation_is_noted_once() -> None:
    report = logistic_regression(lambda a, y: a - y, scale=100.0)
    said = [n for v in report for n in v.notes if "saturated" in n]
    assert (
        said == ["the derivative of `a` is exactly 0 at 2 of 4 entries, first at [2]: it is saturated"]
        or len(said) == 1
    )
    assert not [n for v in logistic_regression(lambda a, y: a - y) for n in v.notes]
