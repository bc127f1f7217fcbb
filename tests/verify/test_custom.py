"""The rules of users' own primitives are checked on request: by value, against each other, and for second derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.transforms import UserPrimitive

x = np.array([0.5, -1.0, 2.0])
A, s = np.array([[0.5, -1.0, 2.0], [1.5, 0.2, -0.7]]), np.array([2.0, 3.0, -1.0])


def cube() -> UserPrimitive:
    @mg.primitive
    def cube(x: Any) -> Any:
        return x**3

    return cube


def scale() -> UserPrimitive:
    @mg.primitive
    def scale(a: Any, s: Any, *, power: int = 1) -> Any:
        return a * s**power

    return scale


def test_right_rules() -> None:
    report = cube().defvjp(lambda g, y, x: 3 * g * x**2).defjvp(lambda dx, y, x: 3 * x**2 * dx).check(x)
    assert report.ok
    assert [v.name for v in report.verdicts] == ["reverse rule: x", "forward rule: x"]
    assert report.title == "rules of cube"


def test_several_operands_keywords_and_zero_derivatives() -> None:
    p = scale().defvjp(
        lambda g, y, a, s, power=1: g * s**power,
        lambda g, y, a, s, power=1: np.sum(g * a * power * s ** (power - 1), axis=0),
    )
    assert p.check(A, s).ok
    assert p.check(A, s, power=2).ok
    assert p.check(A, s=s, power=3).ok

    @mg.primitive
    def step(x: Any, at: Any) -> Any:
        return x * (np.sign(at) + 2)

    assert step.defvjp(lambda g, y, x, at: g * (np.sign(at) + 2), None).check(x, s).ok
    report = step.defvjp(None, None).defjvp(None, lambda dx, y, x, at: 0 * dx).check(x, s)
    assert not report["x"].ok


WRONG = {
    "value": ("vjp", lambda g, y, x: 2 * g * x**2, ""),
    "upstream": ("vjp", lambda g, y, x: 3 * x**2, "ignores the upstream gradient"),
    "shape": ("vjp", lambda g, y, x: np.sum(3 * g * x**2), "shape"),
    "forward value": ("jvp", lambda dx, y, x: 3 * x * dx, ""),
    "forward, not linear": ("jvp", lambda dx, y, x: 3 * x**2 * np.abs(dx), "not linear in the tangent"),
    "forward shape": ("jvp", lambda dx, y, x: dx[:1], "shape"),
    "second": (
        "vjp",
        lambda g, y, x: 3 * g * getattr(x, "data", x) ** 2 if hasattr(x, "node") else 3 * g * x**2,
        "second",
    ),
    "raises": ("vjp", lambda g, y, x: g * undefined, "NameError"),  # noqa: F821
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rules(name: str) -> None:
    kind, rule, words = WRONG[name]
    p = cube()
    report = (p.defvjp(rule) if kind == "vjp" else p.defjvp(rule)).check(x)
    assert not report.ok
    assert words in str(report)


def test_rules_that_contradict_each_other_by_little() -> None:
    p = cube().defvjp(lambda g, y, x: 3 * g * x**2)
    report = p.defjvp(lambda dx, y, x: 3 * x**2 * dx * (1 + 3e-9)).check(x, tolerance=1e-6)
    assert [v.ok for v in report.verdicts] == [True, False]
    assert "contradict each other" in str(report)


def test_a_rule_without_second_derivatives_is_noted() -> None:
    def rule(g: Any, y: Any, x: Any) -> Any:
        return 3 * g * np.asarray(x) ** 2

    report = cube().defvjp(rule).check(x)
    assert report.ok
    assert any("second derivatives cannot go through it" in note for v in report.verdicts for note in v.notes)


def test_a_number() -> None:
    assert cube().defvjp(lambda g, y, x: 3 * g * x**2).defjvp(lambda dx, y, x: 3 * x**2 * dx).check(2.0).ok


def test_at_definition() -> None:
    @mg.primitive(check=(A, s))
    def scale(a: Any, s: Any) -> Any:
        return a * s

    with pytest.raises(AssertionError, match="rules of scale"):
        scale.defvjp(lambda g, y, a, s: g * s, lambda g, y, a, s: g * a)
    assert not scale.has_rules  # what is wrong is not taken
    scale.defvjp(lambda g, y, a, s: g * s, lambda g, y, a, s: np.sum(g * a, axis=0))
    assert mg.check_gradients(scale, A, s).ok
    scale.defjvp(lambda da, y, a, s: da * s, lambda ds, y, a, s: a * ds)
    with pytest.raises(AssertionError):
        scale.defjvp(lambda da, y, a, s: da * s, lambda ds, y, a, s: 2 * a * ds)
    assert mg.jvp(lambda s: scale(A, s), (s,), (np.ones(3),))[1].shape == A.shape
    assert mg.primitive(lambda x: x * 2, check=(x,)).defvjp(lambda g, y, x: 2 * g)(3.0) == 6.0


def test_what_cannot_be_checked_is_said() -> None:
    p = cube()
    with pytest.raises(NotImplementedError, match="no derivative rule to check"):
        p.check(x)
    p.defvjp(lambda g, y, x: 3 * g * x**2)
    with pytest.raises(TypeError, match="x is missing"):
        p.check()
    with pytest.raises(TypeError, match="takes 1 positional"):
        p.check(x, x)
    with pytest.raises(TypeError, match="real operands"):
        p.check(x * 1j)
    with pytest.raises(TypeError, match="tuple of arguments"):
        mg.primitive(lambda x: x, check=x)
    big = cube().defjvp(lambda dx, y, x: 3 * x**2 * dx).check(np.ones(3000))
    assert "at most 2000" in str(big)
