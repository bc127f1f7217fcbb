"""A constant that another formula undoes is a convention; one that nothing undoes is a mistake, and is located."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgradnp.verify import Derivation, Report
from microgradnp.verify.conventions import constant_in_words, factor_of

C, G, R, W = "convention", "correct given its inputs", "correct", "wrong"
Formulas = dict[str, Callable[..., Any]]

rng = np.random.default_rng(11)
PERCEPTRON = {
    "X": np.abs(rng.normal(size=(7, 2))), "y": rng.normal(size=(7, 1)) + 2, "W01": np.array([[0.7, 1.1, -0.8], [0.4, -0.6, 0.9]]), "W12": np.array([[0.9], [1.2], [-1.1]]),
    "lr": 0.1, "n": 7,
}  # fmt: skip
LOGISTIC = {
    "X": rng.normal(size=(6, 3)), "y": np.array([[0.0, 1, 1, 0, 1, 0]]).T, "W1": rng.normal(size=(3, 4)), "b1": rng.normal(size=4),
    "W2": rng.normal(size=(4, 1)), "b2": rng.normal(size=1), "lr": 0.5,
}  # fmt: skip


def relu(z):
    return (z + np.abs(z)) / 2


def perceptron(updates: bool = True, inputs: Any = PERCEPTRON, **other: Any) -> Report:
    """Document 000: (y - out) and +=, with 1/n in the update, for a mean."""
    d = Derivation("perceptron")

    @d.forward
    def network(X, y, W01, W12):
        z1 = X @ W01
        hidden = relu(z1)
        z2 = hidden @ W12
        output = relu(z2)
        loss = np.sum((y - output) ** 2) / (2 * X.shape[0])
        return loss

    formulas: Formulas = {
        "delta_out": lambda y, output, z2: (y - output) * (z2 > 0),
        "delta_hid": lambda delta_out, W12, z1: (delta_out @ W12.T) * (z1 > 0),
        "dw_1_2": lambda hidden, delta_out: hidden.T @ delta_out,
        "dw_0_1": lambda X, delta_hid: X.T @ delta_hid,
        "new_12": lambda W12, dw_1_2, lr, n: W12 + lr * dw_1_2 / n,
        "new_01": lambda W01, dw_0_1, lr, n: W01 + lr * dw_0_1 / n,
    } | other
    for of, name in {"z2": "delta_out", "z1": "delta_hid", "W12": "dw_1_2", "W01": "dw_0_1"}.items():
        d.gradient(of, formulas[name], name=name)
    if updates:
        d.update("W12", lambda W12, gradient, lr: W12 - lr * gradient, formulas["new_12"], name="new_12")
        d.update("W01", lambda W01, gradient, lr: W01 - lr * gradient, formulas["new_01"], name="new_01")
        return d.verify(inputs)
    return d.verify({n: v for n, v in PERCEPTRON.items() if n not in ("lr", "n")})


def classifier(whole: bool = False, **other: Any) -> Report:
    """Document 003 with a hidden layer: dz without 1/m, which the gradients of the parameters put back."""
    d = Derivation("classifier")

    @d.forward
    def network(X, y, W1, b1, W2, b2):
        m = X.shape[0]
        z1 = X @ W1 + b1
        a1 = np.tanh(z1)
        z2 = a1 @ W2 + b2
        a2 = 1 / (1 + np.exp(-z2))
        loss = -1 / m * np.sum(y * np.log(a2) + (1 - y) * np.log(1 - a2))
        return loss

    formulas: Formulas = {
        "dz2": lambda a2, y: a2 - y,
        "dW2": lambda a1, dz2, m: 1 / m * a1.T @ dz2,
        "db2": lambda dz2, m: 1 / m * np.sum(dz2, axis=0),
        "da1": lambda dz2, W2: dz2 @ W2.T,
        "dz1": lambda da1, a1: da1 * (1 - a1**2),
        "dW1": lambda X, dz1, m: 1 / m * X.T @ dz1,
        "db1": lambda dz1, m: 1 / m * np.sum(dz1, axis=0),
    } | other
    if whole:

        @d.backward
        def back(cache):
            seen: dict[str, Any] = {}
            for name, formula in formulas.items():
                seen[name] = formula(**{a: seen.get(a, cache.get(a)) for a in formula.__code__.co_varnames})
            return seen

    else:
        for name, formula in formulas.items():
            d.gradient(name[1:], formula, name=name)
    return d.verify({n: v for n, v in LOGISTIC.items() if n != "lr"})


def statuses(report: Report) -> dict[str, str]:
    return {v.name: str(v.status) for v in report}


PERCEPTRONS: list[tuple[str, dict[str, Any], dict[str, str], dict[str, str]]] = [
    ("sign and 1/n in the update", {}, dict.fromkeys(["delta_out", "delta_hid", "dw_1_2", "dw_0_1"], C) | {"new_12": R, "new_01": R}, {}),
    ("a true gradient", {"delta_out": lambda output, y, z2, n: (output - y) * (z2 > 0) / n,
        "new_12": lambda W12, dw_1_2, lr: W12 - lr * dw_1_2, "new_01": lambda W01, dw_0_1, lr: W01 - lr * dw_0_1},
     dict.fromkeys(["delta_out", "delta_hid", "dw_1_2", "dw_0_1", "new_12", "new_01"], R), {}),
    ("the updates do not undo 1/n", {"new_12": lambda W12, dw_1_2, lr: W12 + lr * dw_1_2, "new_01": lambda W01, dw_0_1, lr, n: W01 + lr * dw_0_1},
     {"delta_out": W, "delta_hid": G, "dw_1_2": G, "dw_0_1": G, "new_12": W, "new_01": W}, {"delta_out": "scale", "new_12": "scale", "new_01": "scale"}),
    ("the updates do not undo the sign", {"new_12": lambda W12, dw_1_2, lr, n: W12 - lr * dw_1_2 / n, "new_01": lambda W01, dw_0_1, lr, n: W01 - lr * dw_0_1 / n},
     {"delta_out": W, "delta_hid": G, "dw_1_2": G, "dw_0_1": G, "new_12": W, "new_01": W}, {"new_12": "sign", "new_01": "sign"}),
    ("one update forgets it", {"new_01": lambda W01, dw_0_1, lr: W01 + lr * dw_0_1}, {"delta_out": C, "dw_1_2": C, "new_12": R, "new_01": W}, {"new_01": "scale"}),
    ("a surrogate in the hidden layer only", {"delta_hid": lambda delta_out, W12, z1: (delta_out @ W12.T) / (1 + np.exp(-z1))},
     {"delta_out": C, "delta_hid": W, "dw_1_2": C, "dw_0_1": G, "new_12": R, "new_01": G}, {"delta_hid": "surrogate-derivative"}),
    ("as printed: relu' is taken to be the logistic function", {"delta_out": lambda y, output: (y - output) / (1 + np.exp(-output)),
        "delta_hid": lambda delta_out, W12, hidden: (delta_out @ W12.T) / (1 + np.exp(-hidden))},
     {"delta_out": W, "delta_hid": W, "dw_1_2": G, "dw_0_1": G, "new_12": G, "new_01": G}, {"delta_out": "surrogate-derivative"}),
]  # fmt: skip

CLASSIFIERS: list[tuple[str, dict[str, Any], dict[str, str], dict[str, str]]] = [
    ("1/m in the gradients of the parameters", {}, {"dz2": C, "da1": C, "dz1": C, "dW2": R, "db2": R, "dW1": R, "db1": R}, {}),
    ("1/m at once", {"dz2": lambda a2, y, m: (a2 - y) / m, "dW2": lambda a1, dz2: a1.T @ dz2, "db2": lambda dz2: dz2.sum(axis=0),
        "dW1": lambda X, dz1: X.T @ dz1, "db1": lambda dz1: dz1.sum(axis=0)}, dict.fromkeys(["dz2", "da1", "dz1", "dW2", "db2", "dW1", "db1"], R), {}),
    ("one bias is summed", {"db2": lambda dz2: np.sum(dz2, axis=0)}, {"dz2": C, "dW2": R, "db2": W, "db1": R}, {"db2": "scale"}),
    ("one weight is summed", {"dW1": lambda X, dz1: X.T @ dz1}, {"dz2": C, "dz1": C, "dW1": W, "db1": R}, {"dW1": "scale"}),
    ("m is undone nowhere", {"dW2": lambda a1, dz2: a1.T @ dz2, "db2": lambda dz2: dz2.sum(axis=0), "dW1": lambda X, dz1: X.T @ dz1,
        "db1": lambda dz1: dz1.sum(axis=0)}, {"dz2": W, "da1": G, "dz1": G, "dW2": G, "db2": G, "dW1": G, "db1": G}, {"dz2": "scale"}),
    ("a single factor", {"dW2": lambda a1, dz2, m: 2 / m * a1.T @ dz2}, {"dz2": C, "dW2": W, "db2": R, "dz1": C, "dW1": R}, {"dW2": "scale"}),
    ("a single sign", {"db1": lambda dz1, m: -1 / m * dz1.sum(axis=0)}, {"db1": W, "dW1": R, "dz1": C}, {"db1": "sign"}),
    ("a mistake on the way", {"dz1": lambda da1, a1: da1 * (1 - a1)}, {"dz2": C, "da1": C, "dz1": W, "dW1": G, "db1": G, "dW2": R}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("other", "wanted", "causes"), [c[1:] for c in PERCEPTRONS], ids=[c[0] for c in PERCEPTRONS])
def test_document_000(other: Any, wanted: dict[str, str], causes: dict[str, str]) -> None:
    report = perceptron(**other)
    found = statuses(report)
    assert {n: found[n] for n in wanted} == wanted, report.text()
    assert {n: str(report.claim(n).cause) for n in causes} == causes, report.text()


@pytest.mark.parametrize(("other", "wanted", "causes"), [c[1:] for c in CLASSIFIERS], ids=[c[0] for c in CLASSIFIERS])
def test_document_003(other: Any, wanted: dict[str, str], causes: dict[str, str]) -> None:
    report = classifier(**other)
    found = statuses(report)
    assert {n: found[n] for n in wanted} == wanted, report.text()
    assert {n: str(report.claim(n).cause) for n in causes} == causes, report.text()


def test_the_constant_is_named_and_who_undoes_it() -> None:
    report = perceptron()
    assert report["z2"].explanation == "`delta_out` is -n times the gradient; new_12 and new_01 undo it"
    assert classifier()["z2"].explanation == "`dz2` is m times the gradient; dW2 and db2 undo it"


def test_conventions_are_right_and_mixed_ones_are_not() -> None:
    assert perceptron().ok
    assert classifier().ok
    assert not perceptron(new_01=lambda W01, dw_0_1, lr: W01 + lr * dw_0_1).ok


def test_a_constant_that_no_update_undoes_is_wrong_and_the_way_out_is_said() -> None:
    report = perceptron(updates=False, delta_out=lambda output, y, z2: (output - y) * (z2 > 0))
    assert statuses(report) == {"delta_out": W, "delta_hid": G, "dw_1_2": G, "dw_0_1": G}
    assert report["z2"].cause == "scale"
    assert "d.update(...)" in " ".join(report["z2"].notes)


def test_a_single_claim_that_is_off_by_a_constant_is_wrong() -> None:
    d = Derivation()

    @d.forward
    def loss(X, y, w):
        r = X @ w - y
        return np.mean(r**2)

    d.gradient("w", lambda X, r: 2 * X.T @ r, name="dw")
    report = d.verify(X=PERCEPTRON["X"], y=PERCEPTRON["y"][:, 0], w=np.array([0.3, -0.4]))
    assert (report["w"].status, report["w"].cause) == ("wrong", "scale")


def test_a_backward_function_with_the_convention_inside() -> None:
    report = classifier(whole=True)
    assert {v.of: str(v.status) for v in report} == {
        "z2": C, "W2": R, "b2": R, "a1": C, "z1": C, "W1": R, "b1": R,
    }, report.text()  # fmt: skip


def test_a_claim_that_names_a_gradient_without_using_it_undoes_nothing() -> None:
    report = classifier(
        dz2=lambda a2, y, m: 2 * (a2 - y) / m, dW2=lambda a1, dz2, a2, y, m: a1.T @ (a2 - y) / m,
        db2=lambda dz2: dz2.sum(axis=0), dW1=lambda X, dz1: X.T @ dz1, db1=lambda dz1: dz1.sum(axis=0),
    )  # fmt: skip
    assert report["z2"].status == "wrong"


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["dz2", "da1", "dz1", "dW2", "db2", "dW1", "db1"]),
    st.sampled_from(["add", "square", "roll", "sign of one"]),
)
def test_no_convention_makes_a_wrong_formula_right(name: str, how: str) -> None:
    """Anything but a constant that is undone stays wrong, and nothing else is accused."""
    spoil: dict[str, Callable[[Any], Any]] = {
        "add": lambda g: g + 0.1,
        "square": lambda g: g * np.abs(g),
        "roll": lambda g: np.roll(g, 1, axis=0),
        "sign of one": lambda g: g * np.where(np.arange(g.size).reshape(g.shape) == 1, -1, 1),
    }
    right: Formulas = {
        "dz2": lambda a2, y: a2 - y,
        "dW2": lambda a1, dz2, m: 1 / m * a1.T @ dz2,
        "db2": lambda dz2, m: 1 / m * np.sum(dz2, axis=0),
        "da1": lambda dz2, W2: dz2 @ W2.T,
        "dz1": lambda da1, a1: da1 * (1 - a1**2),
        "dW1": lambda X, dz1, m: 1 / m * X.T @ dz1,
        "db1": lambda dz1, m: 1 / m * np.sum(dz1, axis=0),
    }
    if name == "db2" and how != "add" and how != "square":
        return  # one entry: rolled, it is itself
    formula = right[name]
    scope = {"formula": formula, "spoil": spoil[how]}
    names = ", ".join(formula.__code__.co_varnames)
    planted = eval(f"lambda {names}: spoil(formula({names}))", scope)
    report = classifier(**{name: planted})
    assert report.claim(name).status == "wrong", report.text()
    assert [v.name for v in report if v.status == "wrong"] == [name], report.text()


@settings(max_examples=50, deadline=None)
@given(st.floats(-1e6, 1e6).filter(lambda c: abs(c) > 1e-6), st.integers(0, 100))
def test_a_factor_is_found_exactly_where_there_is_one(c: float, seed: int) -> None:
    true = np.random.default_rng(seed).normal(size=(3, 2))
    found = factor_of(c * true, true)
    assert found is not None
    assert abs(found / c - 1) < 1e-12
    assert factor_of(c * true + np.eye(3, 2) * c, true) is None


@pytest.mark.parametrize(
    ("c", "words"),
    [(-1.0, "-1"), (0.5, "1/2"), (7.0, "n"), (-1 / 7, "-1/n"), (2 / 7, "2/n"), (3.5, "n/2"), (1 / 14, "1/(2 n)"), (0.3, "rate"),
     (1 / np.sqrt(5), "1/sqrt(5), with 5 the length of axis 1 of X"), (35.0, "35, the size of X"), (1.2345, ""),
     (-8.0, "-8"), (1 / 6, "1/6"), (4.0, "4"), (0.25, "1/4")],
)  # fmt: skip
def test_constants_in_the_users_words(c: float, words: str) -> None:
    assert constant_in_words(c, {"n": 7, "rate": 0.3, "flag": True, "X": np.ones((7, 5))}) == words


def test_a_number_of_samples_goes_before_a_number_without_a_meaning() -> None:
    assert constant_in_words(-8.0, {"X": np.ones((8, 2))}) == "-8, the length of axis 0 of X"


def test_what_is_right_either_way_makes_no_convention_of_a_mistake() -> None:
    """Keys of attention: their gradients add up to zero, so that the bias above them is right whatever their scale is."""
    rng = np.random.default_rng(5)

    def attention(x, b, W, V):
        h = x + b
        k = h @ W
        scores = x @ k.T
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        a = e / e.sum(axis=1, keepdims=True)
        y = a @ V
        loss = np.sum(y**2)
        return loss

    def back(x, h, W, V, a, y):
        dy = 2 * y
        da = dy @ V.T
        dscores = a * (da - (da * a).sum(axis=1, keepdims=True))
        dk = np.zeros_like(h @ W)
        dk[:] = dscores.T @ x / np.sqrt(W.shape[0])
        dh = dk @ W.T
        return {"scores": dscores, "k": dk, "W": h.T @ dk, "b": dh.sum(axis=0)}

    d = Derivation()
    d.forward(attention)
    d.backward(back)
    report = d.verify(
        x=rng.normal(size=(5, 3)), b=rng.normal(size=3), W=rng.normal(size=(3, 3)), V=rng.normal(size=(5, 2))
    )
    assert report["k"].status == "wrong"
    assert report["k"].cause == "scale"
    assert report["b"].ok
