"""A whole backward function: its local variables are claims, and the first mistake is told from what follows from it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from microgradnp.verify import Derivation, Report, Status
from microgradnp.verify.explaining import Explainer

RNG = np.random.default_rng(0)
INPUTS = {
    "X": RNG.standard_normal((5, 3)),
    "T": np.array([[1.0], [0.0], [1.0], [1.0], [0.0]]),
    "W1": RNG.standard_normal((3, 4)),
    "b1": RNG.standard_normal(4),
    "W2": RNG.standard_normal((4, 1)),
    "b2": RNG.standard_normal(1),
}
CORRECT, WRONG, GIVEN = Status.CORRECT, Status.WRONG, Status.GIVEN


@pytest.fixture(autouse=True)
def _statuses_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search for no causes: that takes its time, and has its own tests."""
    monkeypatch.setattr(Explainer, "explain", lambda *_args: None)


def verified(function: Callable[..., Any], **options: Any) -> Report:
    """Return the verdict on a backward function of a network of two layers."""
    d = Derivation()

    @d.forward
    def network(X, T, W1, b1, W2, b2):
        Z1 = X @ W1 + b1
        A1 = np.tanh(Z1)
        Z2 = A1 @ W2 + b2
        Y = 1 / (1 + np.exp(-Z2))
        loss = -np.mean(T * np.log(Y) + (1 - T) * np.log(1 - Y))
        return loss

    d.backward(function, **options)
    return d.verify(INPUTS)


def statuses(report: Report) -> dict[str, Status]:
    return {v.name: v.status for v in report}


def right(X, T, A1, Y, W2):
    dZ2 = (Y - T) / len(X)
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - A1**2)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": A1.T @ dZ2}


def wrong_first(X, T, A1, Y, W2):
    dZ2 = (T - Y) / len(X)
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - A1**2)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": A1.T @ dZ2}


def wrong_later(X, T, A1, Y, W2):
    dZ2 = (Y - T) / len(X)
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - A1)
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": A1.T @ dZ2}


def wrong_twice(X, T, A1, Y, W2):
    dZ2 = (Y - T) / len(X)
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - A1)
    return {"dW1": 2 * X.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": A1.T @ dZ2}


def mask_in_place(X, T, A1, Y, W2):
    dZ2 = (Y - T) / len(X)
    dZ1 = dZ2 @ W2.T
    dZ1 *= 1 - A1
    return {"dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0), "dW2": A1.T @ dZ2}


DELTAS = {"dZ2": CORRECT, "dA1": CORRECT, "dZ1": CORRECT}
RESULTS = {"dW1": CORRECT, "db1": CORRECT, "dW2": CORRECT}


@pytest.mark.parametrize(
    ("function", "expected", "first"),
    [
        (right, {**DELTAS, **RESULTS}, None),
        (wrong_first, {"dZ2": WRONG, **dict.fromkeys(["dA1", "dZ1", *RESULTS], GIVEN)}, "dZ2"),
        (wrong_later, {**DELTAS, "dZ1": WRONG, **RESULTS, "dW1": GIVEN, "db1": GIVEN}, "dZ1"),
        (wrong_twice, {**DELTAS, "dZ1": WRONG, **RESULTS, "dW1": WRONG, "db1": GIVEN}, "dZ1"),
    ],
)
def test_the_first_mistake(function: Callable[..., Any], expected: dict[str, Status], first: str | None) -> None:
    report = verified(function)
    assert statuses(report) == expected
    assert (report.first_mistake and report.first_mistake.name) == first


def test_a_variable_changed_in_place_is_judged_by_its_last_value() -> None:
    assert statuses(verified(mask_in_place)) == {
        "dZ2": CORRECT,
        "dZ1": WRONG,
        "dW1": GIVEN,
        "db1": GIVEN,
        "dW2": CORRECT,
    }


def factor_later(X, T, A1, Y, W2):
    dZ2 = Y - T
    dZ1 = dZ2 @ W2.T * (1 - A1**2)
    return {"dW1": X.T @ dZ1 / len(X), "dW2": A1.T @ dZ2 / len(X)}


def factor_later_and_a_mistake(X, T, A1, Y, W2):
    dZ2 = Y - T
    dZ1 = dZ2 @ W2.T * (1 - A1)
    return {"dW1": X.T @ dZ1 / len(X), "dW2": A1.T @ dZ2 / len(X)}


def test_a_delta_that_lacks_a_factor_which_comes_later_is_not_accused() -> None:
    assert statuses(verified(factor_later)) == {"dW1": CORRECT, "dW2": CORRECT}


def test_where_deltas_lack_a_factor_a_mistake_in_one_of_them_is_found() -> None:
    report = verified(factor_later_and_a_mistake)
    assert statuses(report) == {"dZ1": WRONG, "dW1": GIVEN, "dW2": CORRECT}
    assert "judged as 5 times ∂loss/∂Z1" in report["dZ1"].notes[0]


def mapped(X, T, A1, Y, W2):
    Eo = (Y - T) / len(X)
    Eh = Eo @ W2.T * (1 - A1)
    return {"dW1": X.T @ Eh, "dW2": A1.T @ Eo}


def rebound(X, T, A1, Y, W2):
    delta = (T - Y) / len(X)
    dW2 = A1.T @ delta
    delta = delta @ W2.T * (1 - A1**2)
    return {"dW1": X.T @ delta, "dW2": dW2}


def in_containers(X, T, A1, Y, W2):
    deltas = {"dZ2": (T - Y) / len(X)}
    deltas["dZ1"] = deltas["dZ2"] @ W2.T * (1 - A1**2)
    return {"dW1": X.T @ deltas["dZ1"], "dW2": A1.T @ deltas["dZ2"]}


@pytest.mark.parametrize(
    ("function", "names", "expected"),
    [
        (mapped, {"Eo": "Z2", "Eh": "Z1"}, {"Eo": CORRECT, "Eh": WRONG, "dW1": GIVEN, "dW2": CORRECT}),
        (rebound, {"delta@1": "Z2", "delta": "Z1"}, {"delta@1": WRONG, "delta": GIVEN, "dW1": GIVEN, "dW2": GIVEN}),
        (in_containers, {}, {'deltas["dZ2"]': WRONG, 'deltas["dZ1"]': GIVEN, "dW1": GIVEN, "dW2": GIVEN}),
    ],
)
def test_other_names(function: Callable[..., Any], names: dict[str, str], expected: dict[str, Status]) -> None:
    assert statuses(verified(function, locals=names)) == expected


def test_a_name_in_the_map_that_is_no_variable_is_told() -> None:
    assert any(
        "has no local variable Eq; it has dZ2" in n for v in verified(right, locals={"Eq": "Z1"}) for n in v.notes
    )


def not_recorded(X, T, A1, Y, W2):
    dZ2 = (T - Y) / len(X)
    dW2 = np.zeros(W2.shape)
    for i in range(len(X)):
        for j in range(len(W2)):
            dW2[j, 0] += A1[i, j] * float(dZ2[i, 0])
    return {"dW2": dW2}


def test_a_function_that_cannot_be_recorded_is_judged_on_what_it_computed() -> None:
    report = verified(not_recorded)
    assert report.first_mistake is report["dZ2"]
    assert "could not be recorded" in report["dZ2"].notes[0]
    assert sys.getprofile() is None


def test_the_loop_variable_of_backpropagation_through_time_is_not_accused() -> None:
    """`dh` ends as the gradient of the state before the first, and `h` as the last state."""
    for factor, status in ((1.0, CORRECT), (2.0, WRONG)):
        d = Derivation()

        @d.forward
        def recurrent(X, U, V):
            h = np.zeros(2)
            hs = [h]
            for x in X:
                h = np.tanh(x @ U + h @ V)
                hs.append(h)
            loss = np.sum(h**2)
            return loss

        @d.backward
        def backward(X, V, hs, factor=factor):
            dh = 2 * hs[-1]
            dU = np.zeros((3, 2))
            dV = np.zeros((2, 2))
            for t in range(len(X) - 1, -1, -1):
                da = dh * (1 - hs[t + 1] ** 2)
                dU = dU + np.outer(X[t], da)
                dV = dV + factor * np.outer(hs[t], da)
                dh = V @ da
            return {"dU": dU, "dV": dV}

        report = d.verify(X=INPUTS["X"][:3], U=INPUTS["W1"][:, :2], V=INPUTS["W1"][:2, 2:])
        assert statuses(report) == {"dU": CORRECT, "dV": status}


def test_a_backward_function_that_begins_with_another_claim() -> None:
    """It is given the true delta, so that it is judged by itself; the delta has a verdict of its own."""
    d = Derivation()

    @d.forward
    def model(x, w, v):
        h = np.tanh(x @ w)
        y = h @ v
        return np.sum(y**2)

    d.gradient("y", lambda y: y, name="dy")  # the factor 2 is missing

    @d.backward(wrt=["v", "w"])
    def rest(dy, x, h, v):
        return h.T @ dy, x.T @ ((1 - h**2) * (dy @ v.T))

    rng = np.random.default_rng(3)
    report = d.verify(x=rng.normal(size=(5, 2)), w=rng.normal(size=(2, 3)), v=rng.normal(size=(3, 4)))
    assert [(v.name, str(v.status)) for v in report if not v.ok] == [("dy", "wrong")]
