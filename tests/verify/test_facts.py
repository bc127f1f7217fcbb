"""A right formula that relies on a fact about the data is right, and the fact is said; one that does not says nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from microgradnp.verify import Derivation, Verdict

rng = np.random.default_rng(5)
X = rng.normal(size=(4, 3))
ONE_HOT = np.eye(3)[[0, 2, 1, 1]]
BINARY = np.array([[1.0, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 1]])
SQUARE = rng.normal(size=(3, 3))


def cross_entropy(X, T):
    e = np.exp(X)
    Y = e / np.sum(e, axis=1, keepdims=True)
    return -np.sum(T * np.log(Y))


def binary_cross_entropy(X, T):
    Y = 1 / (1 + np.exp(-X))
    return -np.sum(T * np.log(Y) + (1 - T) * np.log(1 - Y))


def masked(X, M):
    return np.sum((X * M) ** 2)


def layer(X, W, b):
    return np.sum((X @ W + b) ** 2)


def penalty(X, lam):
    return np.sum(X**2) + lam * np.sum(X)


def absolute(X, P):
    return np.sum(X * np.abs(P))


CASES: list[tuple[Callable[..., Any], Callable[..., Any], dict[str, Any], str]] = [
    (cross_entropy, lambda Y, T: Y - T, {"T": ONE_HOT}, "right because every row of T sums to 1"),
    (cross_entropy, lambda Y, T: Y * T.sum(axis=1, keepdims=True) - T, {"T": ONE_HOT}, ""),
    (cross_entropy, lambda Y, T: Y * T.sum(axis=1, keepdims=True) - T**2, {"T": ONE_HOT}, "right because all entries of T are 0 or 1"),
    (binary_cross_entropy, lambda Y, T: Y - T, {"T": BINARY}, ""),
    (masked, lambda X, M: 2 * X * M, {"M": BINARY}, "right because all entries of M are 0 or 1"),
    (masked, lambda X, M: 2 * X * M**2, {"M": BINARY}, ""),
    (masked, lambda X, M: 2 * X, {"M": 1 - 2 * BINARY}, "right because all entries of M are 1 or -1"),
    (layer, lambda X, W, b: 2 * (X @ W + b) @ W, {"W": SQUARE + SQUARE.T, "b": np.ones(3) * 0.3}, "right because W is symmetric"),
    (layer, lambda X, W, b: 2 * (X @ W + b) @ W.T, {"W": SQUARE + SQUARE.T, "b": np.ones(3) * 0.3}, ""),
    (layer, lambda X, W: 2 * (X @ W) @ W.T, {"W": SQUARE, "b": np.zeros(3)}, "right because b is 0"),
    (layer, lambda X, W, b: 2 * (X @ W + b) @ W.T, {"W": SQUARE, "b": np.zeros(3)}, ""),
    (layer, lambda X, W, b: 2 * (X @ W + b[0]) @ W.T, {"W": SQUARE, "b": np.ones(3) * 0.3}, "right because all entries of b are equal"),
    (penalty, lambda X: 2 * X, {"lam": 0.0}, "right because lam is 0"),
    (penalty, lambda X: 2 * X + 1, {"lam": 1.0}, "right because lam is 1"),
    (penalty, lambda X, lam: 2 * X + lam, {"lam": 1.0}, ""),
    (absolute, lambda P: P, {"P": np.abs(X)}, "right because all entries of P are positive"),
    (absolute, lambda P: np.abs(P), {"P": np.abs(X)}, ""),
]  # fmt: skip


def verdict_on(forward: Callable[..., Any], formula: Callable[..., Any], inputs: dict[str, Any]) -> Verdict:
    d = Derivation()
    d.forward(forward)
    d.gradient("X", formula, name="dX")
    return d.verify(X=X, **inputs)["X"]


@pytest.mark.parametrize(("forward", "formula", "inputs", "said"), CASES)
def test_facts(forward: Callable[..., Any], formula: Callable[..., Any], inputs: dict[str, Any], said: str) -> None:
    verdict = verdict_on(forward, formula, inputs)
    assert verdict.status == "correct", verdict.sentence()
    assert "; ".join(verdict.notes) == said


def test_a_wrong_formula_is_not_excused_by_a_fact() -> None:
    verdict = verdict_on(cross_entropy, lambda Y, T: T - Y, {"T": ONE_HOT})
    assert verdict.status == "wrong"
    assert not any("because" in note for note in verdict.notes)


def test_only_the_formula_that_relies_on_the_fact_says_so() -> None:
    d = Derivation()

    @d.forward
    def network(X, W, T):
        Z = X @ W
        e = np.exp(Z)
        Y = e / np.sum(e, axis=1, keepdims=True)
        return -np.sum(T * np.log(Y))

    d.gradient("Z", lambda Y, T: Y - T, name="dZ")
    d.gradient("W", lambda X, dZ: X.T @ dZ, name="dW")
    report = d.verify(X=X, W=SQUARE, T=ONE_HOT)
    assert report["Z"].notes == ["right because every row of T sums to 1"]
    assert report["W"].notes == []
