"""The right formula in the order of the user's own."""

from __future__ import annotations

import numpy as np
import pytest

from microgradnp.verify.aligning import aligned

CASES = [  # the right formula, the user's, what is shown
    ("h * (1 - h) * (d @ W.T)", "d @ W.T * h", "d @ W.T * h * (1 - h)"),
    ("h * (1 - h) * (d @ W.T)", "d @ W.T * (1 - h) * h", "d @ W.T * (1 - h) * h"),
    ("h * (1 - h) * (d @ W.T)", "(1 - h) * (d @ W.T) * h * h", "(1 - h) * (d @ W.T) * h"),
    ("2 * (h - d) / h.size", "(h - d) * 2 / h.shape[0]", "(h - d) * 2 / h.size"),
    ("h.T @ d + 0.1 * W", "W * 0.1 - h.T @ d", "h.T @ d + W * 0.1"),
    ("0.1 * W + h.T @ d", "h.T @ d + W", "h.T @ d + 0.1 * W"),
    ("np.sum(h * d, axis=0)", "(d * h).sum(axis=1)", "(d * h).sum(axis=0)"),
    ("np.sum(h * d, axis=0)", "np.sum(d * h)", "np.sum(d * h, axis=0)"),
    ("np.mean(d, axis=0)", "d.sum(axis=0) + np.mean(d)", "np.mean(d, axis=0)"),
    ("h - d", "d - h", "h - d"),
    ("d @ W.T", "W @ d.T", "d @ W.T"),
    ("a = h * d\na * (1 - h)", "(1 - h) * (d * h)", "a = d * h\n(1 - h) * a"),
    ("h * (  ∂loss/∂d)", "d * h", "h * (  ∂loss/∂d)"),
    ("h  *  d", "not a formula (", "h  *  d"),
]


@pytest.mark.parametrize(("right", "hand", "shown"), CASES)
def test_the_right_formula_follows_the_users_order(right: str, hand: str, shown: str) -> None:
    assert aligned(right, hand) == shown


@pytest.mark.parametrize(("right", "hand", "_"), CASES[:9])
def test_its_value_stays(right: str, hand: str, _: str) -> None:
    rng = np.random.default_rng(0)
    names = {"np": np, "h": rng.normal(size=(3, 3)), "d": rng.normal(size=(3, 3)), "W": rng.normal(size=(3, 3))}
    np.testing.assert_allclose(eval(aligned(right, hand), names), eval(right, names), rtol=1e-13)
