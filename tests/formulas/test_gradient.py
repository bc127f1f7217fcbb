"""The right gradient as a formula: it evaluates to the gradient, in the names that the user has, as a person writes it."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.formulas import gradient_text
from microgradnp.formulas.gradient import run
from tests.verify.derivations import DERIVATIONS, Inputs, made

#: Loops over pixels and time steps: the formula would be longer than anybody reads.
TOO_LONG = {"lstm", "convolution_by_loops", "max_pooling"}


def traced(name: str, seed: int = 3) -> tuple[mg.Derivation, Inputs, Any, Any]:
    derivation, inputs = made(name, seed)
    assert derivation.function is not None
    takes = inspect.signature(derivation.function).parameters
    graph = mg.trace(derivation.function, **{n: v for n, v in inputs.items() if n in takes})
    return derivation, inputs, graph, graph.names[derivation.loss] if derivation.loss else graph.outputs[0]


@pytest.mark.parametrize("name", DERIVATIONS)
@pytest.mark.parametrize("seed", [3, 5])
def test_the_text_evaluates_to_the_gradient(name: str, seed: int) -> None:
    derivation, inputs, graph, loss = traced(name, seed)
    claims = [c for c in derivation.claims if c.kind == "gradient"]
    wanted = [c.of if c.of in graph.names else c.quantity for c in claims] or [
        n for n, k in graph.inputs.items() if k.dtype.kind == "f"
    ]
    true = graph.gradients(loss)
    for own in (False, True):
        given = {c.quantity: c.name for c in claims if own and not c.indices}
        environment = {**inputs, **graph.constants, "np": np}
        environment |= {n: np.asarray(graph.value(k))[()] for n, k in graph.names.items()}
        environment |= {n: np.asarray(true[graph.names[q]])[()] for q, n in given.items() if graph.names[q] in true}
        written = 0
        for quantity in wanted:
            quantity = quantity if quantity in graph.names else quantity.partition("[")[0]
            text = gradient_text(graph, quantity, loss, given).numpy
            if text:
                written += 1
                node = graph.names[quantity]
                right = true.get(node, np.zeros(node.shape))
                np.testing.assert_allclose(
                    run(text, environment), right, rtol=1e-7, atol=1e-9 * np.abs(right).max(initial=0) + 1e-12
                )
        assert written or name in TOO_LONG


def network(X, T, Wh, bh, Wo, bo):  # type: ignore[no-untyped-def]
    Zh = X @ Wh + bh
    H = 1 / (1 + np.exp(-Zh))
    Zo = H @ Wo + bo
    Y = np.exp(Zo) / np.sum(np.exp(Zo), axis=1, keepdims=True)
    return -np.sum(T * np.log(Y))


SIZES = {"X": (5, 2), "Wh": (2, 3), "bh": (1, 3), "Wo": (3, 4), "bo": (1, 4)}


@pytest.fixture(scope="module")
def graph() -> Any:
    rng = np.random.default_rng(0)
    return mg.trace(network, **{n: rng.normal(size=s) for n, s in SIZES.items()}, T=np.eye(4)[[0, 1, 2, 3, 0]])


@pytest.mark.parametrize(
    ("of", "given", "text"),
    [
        ("Zo", {}, "Y - T"),
        ("Wo", {"Zo": "Eo"}, "H.T @ Eo"),
        ("bo", {"Zo": "Eo"}, "np.sum(Eo, axis=0, keepdims=True)"),
        ("Zh", {"Zo": "Eo"}, "H * (1 - H) * (Eo @ Wo.T)"),
        ("Wh", {"Zo": "Eo", "Zh": "Eh"}, "X.T @ Eh"),
        ("Zh", {}, "H * (1 - H) * ((Y - T) @ Wo.T)"),
        ("X", {"Zh": "Eh"}, "Eh @ Wh.T"),
    ],
)
def test_a_network(graph: Any, of: str, given: dict[str, str], text: str) -> None:
    assert gradient_text(graph, of, given=given).numpy == text


def test_what_a_formula_rests_on_is_said(graph: Any) -> None:
    assert gradient_text(graph, "Zo").conditions == ["np.sum(T, axis=1) == 1"]
    assert gradient_text(graph, "Wo", given={"Zo": "Eo"}).conditions == []
    rng = np.random.default_rng(0)
    other = mg.trace(network, **{n: rng.normal(size=s) for n, s in SIZES.items()}, T=rng.normal(size=(5, 4)))
    formula = gradient_text(other, "Zo")
    assert formula.conditions == []
    assert "np.sum(T, axis=1, keepdims=True)" in formula.numpy


def stable(z):  # type: ignore[no-untyped-def]
    z = np.clip(z, -700, 700)
    return np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))


@pytest.mark.parametrize(
    ("activation", "slope"),
    [
        (lambda z: 1 / (1 + np.exp(-z)), "A * (1 - A)"),
        (lambda z: np.exp(z) / (1 + np.exp(z)), "A * (1 - A)"),
        (stable, "A * (1 - A)"),
        (mg.logistic, "A * (1 - A)"),
        (np.tanh, "(1 - A**2)"),
        (lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)), "(1 - A**2)"),
        (lambda z: np.maximum(0, z), "(Z > 0)"),
        (lambda z: np.where(z > 0, z, 0), "(Z > 0)"),
        (lambda z: (z + np.abs(z)) / 2, "(Z > 0)"),
        (lambda z: z * (z > 0), "(Z > 0)"),
        (mg.relu, "(Z > 0)"),
        (np.sin, "np.cos(Z)"),
        (lambda z: z**2, "2 * Z"),
    ],
)
def test_activations_however_they_are_written(activation: Any, slope: str) -> None:
    def f(Z, R):  # type: ignore[no-untyped-def]
        A = activation(Z)
        return np.sum(A * R)

    rng = np.random.default_rng(0)
    text = gradient_text(mg.trace(f, rng.normal(size=(3, 4)), rng.normal(size=(3, 4))), "Z").numpy
    assert set(text.split(" * ")) == {"R", *slope.split(" * ")}, text


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda x, y: np.sum((x - y) ** 2), "2 * (x - y)"),
        (lambda x, y: np.mean((x - y) ** 2), "2 * (x - y) / y.size"),
        (lambda x, y: 0.5 * np.sum((x - y) ** 2), "x - y"),
        (lambda x, y: np.sum(x * y) + 0.0 * np.sum(x), "y"),
        (lambda x, y: np.sum(y), "np.broadcast_to(0, (3, 2))"),
        (lambda x, y: np.sum(x[1:] * y[:-1]), "t1 = np.zeros(x.shape)\nt1[1:] = y[:-1]\nt1"),
    ],
)
def test_small_forms(f: Any, text: str) -> None:
    rng = np.random.default_rng(0)
    assert gradient_text(mg.trace(f, rng.normal(size=(3, 2)), rng.normal(size=(3, 2))), "x").numpy == text


def test_nothing_is_better_than_something_wrong() -> None:
    def drawn(x):  # type: ignore[no-untyped-def]
        return np.sum(x * np.random.default_rng(0).normal(size=100))  # an array without a name

    assert gradient_text(mg.trace(drawn, np.ones(100)), "x").numpy == ""


def test_latex(graph: Any) -> None:
    assert gradient_text(graph, "Wh", given={"Zh": "Eh"}).latex == r"X^{T}\, \mathit{Eh}"


def test_a_verdict_shows_both_formulas() -> None:
    d = mg.Derivation("both")
    d.forward(network)
    d.gradient("Zo", lambda Y, T: Y - T, name="Eo")
    d.gradient("Zh", lambda H, Eo, Wo: H * (Eo @ Wo.T), name="Eh")
    d.gradient("Wh", lambda X, Eh: X.T @ Eh, name="JWh")
    rng = np.random.default_rng(0)
    report = d.verify({n: rng.normal(size=s) for n, s in SIZES.items()}, T=np.eye(4)[[0, 1, 2, 3, 0]])
    assert report["Eh"].right_formula == "H * (1 - H) * (Eo @ Wo.T)"
    assert report["JWh"].right_formula == "X.T @ Eh"
    assert report["Eo"].right_formula.startswith("Y - T")
    assert "right:   H * (1 - H) * (Eo @ Wo.T)\n" in str(report)
    assert "<mark> * (1 - H)</mark>" in report.to_html(graph=False)
    assert "H * (1 - H) * (Eo @ Wo.T)" in report.to_json()


def test_a_backward_function_gets_the_right_formulas_too() -> None:
    d = mg.Derivation()
    d.forward(network)

    @d.backward
    def back(X, T, H, Y, Wo):  # type: ignore[no-untyped-def]
        dZo = Y - T
        return {"dZo": dZo, "dWo": H.T @ dZo, "dWh": X.T @ (H * (dZo @ Wo.T))}

    rng = np.random.default_rng(0)
    report = d.verify({n: rng.normal(size=s) for n, s in SIZES.items()}, T=np.eye(4)[[0, 1, 2, 3, 0]])
    assert report["Wh"].status == "wrong"
    assert "X.T @ (H * (1 - H) * " in report["Wh"].right_formula
    assert "right: X.T @ (H * (1 - H) * " in str(report)


def test_long_loops_take_no_long_time_and_give_no_long_formula() -> None:
    def loop(x, w):  # type: ignore[no-untyped-def]
        for _ in range(600):
            x = np.tanh(x @ w) + 0.1 * x
        return np.sum(x)

    graph = mg.trace(loop, np.full((3, 4), 0.1), 0.5 * np.eye(4))
    assert gradient_text(graph, "w").numpy == ""
