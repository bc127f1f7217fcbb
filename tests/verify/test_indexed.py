"""Formulas with indices, as textbooks write them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from microgradnp.verify import Derivation, DerivationError, Status

RNG = np.random.default_rng(0)
INPUTS = {
    "x": RNG.standard_normal((5, 2, 3)),
    "W": RNG.standard_normal((2, 3, 4)),
    "b": RNG.standard_normal((1, 4)),
    "lam": 0.3,
}


def contraction() -> Derivation:
    d = Derivation()

    @d.forward
    def forward(x, W, b, lam):
        z = np.einsum("nij,ijk->nk", x, W) + b
        h = np.tanh(z)
        return np.sum(h**2) + lam * np.sum(W**2)

    d.gradient("z", lambda h: 2 * h * (1 - h**2), name="delta")
    return d


RIGHT = [
    ("W[i, j, k]", "x[n, i, j] * delta[n, k] + 2 * lam * W[i, j, k]"),
    ("W[a,b,c]", "sum_n x[n,a,b]*delta[n,c] + 2*lam*W[a,b,c]"),
    ("W[i, j, k]", "x[n, i, j] * 2 * h[n, k] * (1 - h[n, k]**2) + W[i, j, k] / (1 / (2 * lam))"),
    ("b[0, k]", "delta[n, k]"),
    ("x[n, i, j]", "Σ_k W[i, j, k] * delta[n, k]"),
    ("x[n, i, j]", "-(-delta[n, k]) * W[i, j, k]"),
]
WRONG = [
    ("W[i, j, k]", "x[n, i, j] * delta[n, k]"),
    ("W[i, j, k]", "x[n, i, j] * delta[n, k] - 2 * lam * W[i, j, k]"),
    ("b[0, k]", "delta[n, k] / 2"),
]


@pytest.mark.parametrize(
    ("of", "formula", "status"), [(*c, Status.CORRECT) for c in RIGHT] + [(*c, Status.WRONG) for c in WRONG]
)
def test_formulas_with_indices(of: str, formula: str, status: Status) -> None:
    d = contraction()
    d.gradient(of, formula)
    report = d.verify(INPUTS)
    verdict = report[f"d{of.partition('[')[0]}"]
    assert verdict.status is status, verdict.sentence()
    assert verdict.formula == formula


@pytest.mark.parametrize(
    ("of", "formula", "said"),
    [
        ("W", "x[n, i, j]", "needs each index of its target once"),
        ("W[i, i, k]", "x[n, i, i]", "needs each index of its target once"),
        ("W[i, j, k]", "x[n, i, j]", "does not have the index k of its target"),
        ("W[i, j, k]", "x[n, i, j] *", "is no formula"),
        ("W[i, j, k]", "[y[k] for y in x[i, j]]", "only + - * / ** and indices"),
    ],
)
def test_texts_that_are_no_formulas(of: str, formula: str, said: str) -> None:
    with pytest.raises(DerivationError, match=re.escape(said)):
        contraction().gradient(of, formula)


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("x[n, i] * delta[n, k] * W[i, j, k]", "x[n, i] has 2 index(es), but shape (5, 2, 3)"),
        ("delta * W[i, j, k]", "delta has shape (5, 4) and needs indices"),
        ("__import__('os').system('true') * W[i, j, k]", "is not understood"),
    ],
)
def test_formulas_that_do_not_fit_are_told(formula: str, said: str) -> None:
    d = contraction()
    d.gradient("W[i, j, k]", formula)
    if "import" in formula:
        with pytest.raises(DerivationError, match="takes '__import__', which nobody provides"):
            d.verify(INPUTS)
        return
    verdict = d.verify(INPUTS)["W"]
    assert verdict.status is Status.UNVERIFIABLE
    assert said in verdict.explanation
