"""A claimed derivative of a function, at the pre-activation and at the activation."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from microgradnp import logistic, relu, softplus
from microgradnp.verify import Cause, Derivation, DerivationError, Status
from microgradnp.verify.report import Verdict


def s(z):
    return 1 / (1 + np.exp(-z))


def leaky(z):
    return np.where(z > 0, z, 0.1 * z)


def silu(z):
    return z * s(z)


def claimed(f: Callable[..., Any], formula: Callable[..., Any], **options: Any) -> Verdict:
    d = Derivation()
    d.derivative(f, formula, **options)
    return next(iter(d.verify()))


OUT = {"at": "output"}
RIGHT: list[tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]] = [
    (s, lambda z: s(z) * (1 - s(z)), {}),
    (s, lambda y: y * (1 - y), OUT),
    (logistic, lambda y: y * (1 - y), OUT),
    (np.tanh, lambda z: 1 - np.tanh(z) ** 2, {}),
    (np.tanh, lambda z: 1 / np.cosh(z) ** 2, {}),
    (np.tanh, lambda y: (1 - y) * (1 + y), OUT),
    (relu, lambda z: np.where(z > 0, 1.0, 0.0), {}),
    (relu, lambda z: z >= 0, {}),
    (relu, lambda y: np.where(y > 0, 1.0, 0.0), OUT),
    (lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1.0, 0.0), {}),
    (leaky, lambda z: np.where(z > 0, 1.0, 0.1), {}),
    (leaky, lambda y: np.where(y > 0, 1.0, 0.1), OUT),
    (softplus, s, {}),
    (softplus, lambda y: 1 - np.exp(-y), OUT),
    (silu, lambda z: s(z) + z * s(z) * (1 - s(z)), {}),
    (np.exp, np.exp, {}),
    (np.exp, lambda y: y, OUT),
    (np.log, lambda z: 1 / z, {}),
    (np.sqrt, lambda y: 0.5 / y, {"at": "output", "points": [0.1, 1.0, 4.0]}),
    (lambda z: z, lambda z: 1.0, {}),
    (lambda z: z**3, lambda z: 3 * z**2, {}),
    (np.sin, np.cos, {}),
]


@pytest.mark.parametrize("k", range(len(RIGHT)))
def test_right_derivatives(k: int) -> None:
    f, formula, options = RIGHT[k]
    verdict = claimed(f, formula, **options)
    assert verdict.ok, verdict.sentence()


PLACE, SURROGATE = Cause.DERIVATIVE_AT_WRONG_PLACE, Cause.SURROGATE_DERIVATIVE
WRONG: list[tuple[Callable[..., Any], Callable[..., Any], dict[str, Any], Cause, str]] = [
    (s, lambda y: y * (1 - y), {}, PLACE, "right at the activation, s'(z) = s'(s(z)), but it is taken at the pre-act"),
    (s, lambda z: s(z) * (1 - s(z)), OUT, PLACE, "right at the pre-activation"),
    (np.tanh, lambda z: 1 - z**2, {}, PLACE, "right at the activation"),
    (relu, s, {}, SURROGATE, "it is the logistic function, the derivative of softplus"),
    (np.tanh, lambda z: s(z) * (1 - s(z)), {}, SURROGATE, "it is the derivative of the logistic function"),
    (softplus, lambda z: np.where(z > 0, 1.0, 0.0), {}, SURROGATE, "the step function"),
    (s, lambda z: -s(z) * (1 - s(z)), {}, Cause.SIGN, "with the sign turned"),
    (s, lambda z: 2 * s(z) * (1 - s(z)), {}, Cause.SCALE, "times 2"),
    (s, lambda z: s(z), {}, Cause.MISSING_FACTOR, "with the factor (1 - s(z)) left out"),
    (np.tanh, lambda y: 1 - y, OUT, Cause.MISSING_FACTOR, "with the factor (1 + tanh(z)) left out"),
    (np.sin, lambda z: np.cos(z) + 0.1 * np.cos(7 * z), {}, Cause.UNKNOWN, "no single mistake"),
    (np.tanh, lambda z: z[:3], {}, Cause.SHAPE, "returned shape (3,)"),
]


@pytest.mark.parametrize("k", range(len(WRONG)))
def test_wrong_derivatives(k: int) -> None:
    f, formula, options, cause, said = WRONG[k]
    verdict = claimed(f, formula, **options)
    assert (verdict.status, verdict.cause) == (Status.WRONG, cause), verdict.sentence()
    assert said in verdict.explanation


def test_at_a_kink_any_value_between_the_sides_is_right() -> None:
    assert claimed(relu, lambda z: np.where(z == 0, 0.7, z > 0)).status is Status.KINK
    assert claimed(relu, lambda z: np.where(z == 0, 1.7, z > 0)).status is Status.WRONG


def test_a_derivative_that_raises_is_told_with_its_line() -> None:
    verdict = claimed(np.sin, lambda z: z @ z @ z)
    assert verdict.status is Status.UNVERIFIABLE
    assert re.search(r"raised ValueError: .* at line \d+ of .*test_derivatives.py", verdict.explanation)


@pytest.mark.parametrize(
    ("f", "options", "said"),
    [
        (lambda z: np.exp(z) / np.sum(np.exp(z)), {}, "element by element: mg.check_rule"),
        (np.sum, {}, "sum is no function of one number"),
        (math.exp, {}, "exp cannot be computed at an array"),
        (lambda z: z * np.nan, {}, "finite at none of our points"),
    ],
)
def test_functions_of_more_than_one_number(f: Callable[..., Any], options: dict[str, Any], said: str) -> None:
    with pytest.raises(DerivationError, match=re.escape(said)):
        claimed(f, lambda z: z, **options)


def test_beside_a_forward_pass_and_as_a_decorator() -> None:
    d = Derivation()

    @d.derivative(s, at="output")
    def slope(y):
        return y * (1 - y)

    @d.forward
    def forward(w):
        return np.sum(s(w))

    d.gradient("w", lambda w: slope(s(w)), name="dw")
    report = d.verify(w=np.array([1.0, -2.0]))
    assert [v.name for v in report] == ["slope", "dw"]
    assert report.ok
    assert report["s"] is report["slope"]


def test_what_derivative_wants() -> None:
    with pytest.raises(ValueError, match="at='middle'"):
        Derivation().derivative(s, s, at="middle")
    with pytest.raises(TypeError, match="wants a function"):
        Derivation().derivative("s", s)  # type: ignore[arg-type]


def test_rounding_on_the_way_to_a_small_value_is_no_structure() -> None:
    """log(1 + exp(-30)) is 9e-14, to two digits: differences must not say that it is constant."""
    d = Derivation()
    d.derivative(lambda z: np.log(1 + np.exp(z)), lambda z: 1 / (1 + np.exp(-z)), name="slope")
    assert d.verify().claim("slope").status == "correct"


def elu(z):
    return np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1)


def test_a_smooth_function_written_with_a_tie() -> None:
    """Autodiff shares the gradient of the tie at 0, where the function has none: differences confirm the claim."""
    d = Derivation()
    d.derivative(elu, lambda z: np.where(z > 0, 1.0, np.exp(np.minimum(z, 0))), name="right")
    d.derivative(elu, lambda z: np.where(z > 0, 1.0, 0.9 * np.exp(np.minimum(z, 0))), name="wrong")
    report = d.verify()
    assert report.claim("right").status == "kink"
    assert "differences confirm it at 1 entries" in report.claim("right").explanation
    assert report.claim("wrong").status == "wrong"


@pytest.mark.parametrize(
    ("f", "claimed", "at", "cause", "said"),
    [
        (logistic, lambda a: 1 - a**2, "output", Cause.SURROGATE_DERIVATIVE, "that of tanh"),
        (np.tanh, lambda a: a * (1 - a), "output", Cause.SURROGATE_DERIVATIVE, "that of the logistic"),
        (softplus, lambda z: 1 / (1 + np.exp(z)), "input", Cause.SIGN, "the sign of its argument"),
        (lambda z: np.where(z > 0, z, 0.2 * z), lambda z: np.where(z > 0, 0.2, 1.0), "input", Cause.WRONG_MASK, "branches exchanged"),
        (relu, lambda z: np.where(z < 0, 1.0, 0.0), "input", Cause.WRONG_MASK, "branches exchanged"),
    ],
)  # fmt: skip
def test_slips_of_a_derivative(f: Any, claimed: Any, at: str, cause: Cause, said: str) -> None:
    d = Derivation()
    d.derivative(f, claimed, at=at, name="slope")
    verdict = d.verify().claim("slope")
    assert verdict.cause == cause, verdict.explanation
    assert said in verdict.explanation
