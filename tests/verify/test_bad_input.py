"""Functions that raise, hang, print or exit are told with their own line, and spoil no other; random inputs."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import numpy as np
import pytest

from microgradnp import tensor
from microgradnp.optim import SGD
from microgradnp.verify import Derivation, DerivationError, Report, Status, check_rule
from microgradnp.verify.explaining import Explainer
from microgradnp.verify.guard import TooSlow, time_limit


@pytest.fixture(autouse=True)
def _statuses_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search for no causes: that takes its time, and has its own tests."""
    monkeypatch.setattr(Explainer, "explain", lambda *_args: None)


def squares(**options: Any) -> Derivation:
    d = Derivation(**options)

    @d.forward
    def forward(w):
        r = np.sin(w)
        return np.sum(r**2)

    d.gradient("r", lambda r: 2 * r, name="dr")
    return d


def forever(r):
    while True:
        r = r + 1


def prints(w, dr):
    print("here", w.shape)
    return dr * np.cos(w)


def leaves(w):
    raise SystemExit(3)


W = np.array([0.3, -1.0])


def test_a_formula_that_hangs() -> None:
    d = squares(time_limit=0.2)
    d.gradient("w", forever)
    verdict = d.verify(w=W)["w"]
    assert verdict.status is Status.UNVERIFIABLE
    assert re.search(
        r"forever hangs: it did not return within 0.2 s at line \d+ of .*test_bad_input.py", verdict.explanation
    )
    assert d.report is not None
    assert d.report["r"].status is Status.CORRECT


def test_a_forward_pass_that_hangs_or_raises() -> None:
    d = Derivation(time_limit=0.2)
    d.forward(lambda w: np.sum(forever(w)))
    d.gradient("w", lambda w: w)
    with pytest.raises(
        DerivationError, match=r"forward pass cannot be computed: .* did not return within 0.2 s at line"
    ):
        d.verify(w=W)
    d = Derivation()
    d.forward(lambda w: np.sum(w @ np.ones((3, 3))))
    d.gradient("w", lambda w: w)
    with pytest.raises(DerivationError, match=r"raised ValueError: .* at line \d+ of .*test_bad_input.py"):
        d.verify(w=W)


def test_a_formula_that_leaves_the_program() -> None:
    d = squares()
    d.gradient("w", leaves)
    report = d.verify(w=W)
    assert report["w"].status is Status.UNVERIFIABLE
    assert "leaves raised SystemExit: 3 at line" in report["w"].explanation
    assert report["r"].ok


def test_what_functions_print_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    d = squares()
    d.gradient("w", prints)
    report = d.verify(w=W)
    assert report.ok
    assert report["w"].notes == ["prints prints: 'here (2,)'"]
    assert capsys.readouterr().out == ""


def test_what_the_forward_pass_prints_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    d = Derivation()

    @d.forward
    def noisy(w):
        print("step")
        return np.sum(w**2)

    d.gradient("w", lambda w: 2 * w, name="dw")
    report = d.verify(w=W)
    assert report["w"].notes == ["noisy prints: 'step' ..."]
    assert capsys.readouterr().out == ""


def test_the_time_limit_in_another_thread() -> None:
    caught: list[str] = []

    def work() -> None:
        try:
            with time_limit(0.1):
                forever(0)
        except TooSlow as error:
            caught.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert caught == ["it did not return within 0.1 s"]


def test_time_limits_nest_and_are_lifted() -> None:
    with time_limit(30):
        with pytest.raises(TooSlow), time_limit(0.05):
            time.sleep(5)
        with time_limit(None):
            pass
    time.sleep(0.06)


# -- random inputs -------------------------------------------------------------------------------------------


def layer(**options: Any) -> Derivation:
    d = Derivation(**options)

    @d.forward
    def forward(X, W, b, t):
        Z = X @ W + b
        return np.sum((np.tanh(Z) - t[:, None]) ** 2)

    return d


SHAPES = {"X": (5, 3), "W": (3, 2), "b": (2,), "t": lambda rng: rng.integers(2, size=5)}


def right(X, Z, t):
    return X.T @ (2 * (np.tanh(Z) - t[:, None]) * (1 - np.tanh(Z) ** 2))


def test_shapes_and_draws_instead_of_data() -> None:
    d = layer(seed=7)
    d.gradient("W", right, name="dW")
    report = d.verify(SHAPES)
    assert report.ok
    assert report["W"].hand.shape == (3, 2)
    assert report.seed in (7, 8, 9)


def sometimes(X, Z, t):
    return right(X, Z, t) * (1 if t[0] == 0 else 2)


def verified(seed: int, trials: int) -> Report:
    d = layer(seed=seed, trials=trials)
    d.gradient("W", sometimes, name="dW")
    return d.verify(SHAPES)


def test_the_worst_trial_is_reported_and_can_be_replayed() -> None:
    report = verified(0, 8)
    assert not report.ok
    assert report.seed is not None
    again = verified(report.seed, 1)
    assert np.array_equal(again["W"].hand, report["W"].hand)
    assert any(
        re.search(rf"not right for \d of 8 random inputs; .*seed={report.seed}, trials=1", n) for n in report["W"].notes
    )


def test_beside_arrays_tuples_are_what_they_are() -> None:
    d = Derivation()

    @d.forward
    def forward(X, axes):
        return np.sum(np.sum(X, axis=axes) ** 2)

    d.gradient("X", lambda X: 2 * np.sum(X) * np.ones_like(X), name="dX")
    report = d.verify(X=np.ones((2, 3)), axes=(0, 1))
    assert report.ok
    assert report.seed is None


def test_functions_that_are_inputs_are_not_called_with_a_generator() -> None:
    d = Derivation()
    d.forward(lambda w, f: np.sum(f(w)))
    d.gradient("w", lambda w: np.cos(w), name="dw")
    assert d.verify(w=W, f=lambda x: np.sin(x)).ok


def test_trials_must_be_some() -> None:
    with pytest.raises(ValueError, match="trials=0"):
        Derivation(trials=0)


# -- rules of one operation, and optimizers ------------------------------------------------------------------


def raising(g, x):
    return g * x @ x @ x


def printing(g, x):
    print("called")
    return g * np.cos(x)


def test_a_rule_that_raises_or_prints(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = check_rule(np.sin, raising, W)["x"]
    assert verdict.status is Status.UNVERIFIABLE
    assert re.search(r"the rule raised ValueError: .* at line \d+ of .*test_bad_input.py", verdict.explanation)
    report = check_rule(np.sin, printing, W)
    assert report.ok
    assert report["x"].notes == ["the rule prints: 'called'"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("factor", "status"), [(0.9, Status.CORRECT), (-0.9, Status.WRONG)])
def test_an_optimizer_is_the_rule(factor: float, status: Status) -> None:
    optimizer = SGD([tensor(W, requires_grad=True)], lr=0.1, momentum=0.9)
    d = squares()
    d.gradient("w", lambda w, dr: dr * np.cos(w), name="dw")

    def step(w, dw, velocity):
        new = factor * velocity + dw
        return w - 0.1 * new, new

    d.update("w", optimizer, step)
    assert d.verify(w=W, velocity=2 * W)["step"].status is status
    plain = squares()
    plain.update(
        "w", SGD([tensor(W, requires_grad=True)], lr=0.1), lambda w, r: w - 0.1 * 2 * r * np.cos(w), name="step"
    )
    assert plain.verify(w=W).ok
    with pytest.raises(TypeError, match=r"wants a function or an mg\.optim\.SGD"):
        squares().update("w", 0.1, lambda w: w)


@pytest.mark.parametrize("threaded", [False, True])
def test_a_loop_that_catches_everything_is_interrupted_again(threaded, monkeypatch) -> None:
    monkeypatch.setattr("microgradnp.verify.guard.AGAIN", 0.05)

    def stubborn(r):
        for _ in range(3):
            try:
                while True:
                    r = r + 1
            except Exception:
                pass
        while True:
            r = r + 1

    def verdict() -> None:
        d = squares(time_limit=0.2)
        d.gradient("w", stubborn)
        found.append(d.verify(w=W)["w"])

    found: list = []
    if threaded:
        thread = threading.Thread(target=verdict)
        thread.start()
        thread.join()
    else:
        verdict()
    assert found[0].status is Status.UNVERIFIABLE
    assert "did not return within 0.2 s" in found[0].explanation


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda d: d.inputs(3), r"d\.inputs takes the inputs by name, .* not 3"),
        (lambda d: d.verify(np.ones(2)), r"d\.verify takes the inputs by name"),
        (lambda d: d.backward(lambda w: {"w": w}, locals=["dr"]), r"d\.backward\(locals=\.\.\.\) wants a dict"),
        (lambda d: d.backward(returns="w")(lambda w: {"w": w}), r"d\.backward\(returns=\.\.\.\) wants a dict"),
    ],
)
def test_what_has_no_names(call, says) -> None:
    with pytest.raises(TypeError, match=says):
        call(squares())
