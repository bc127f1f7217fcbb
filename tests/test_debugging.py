"""mg.debug: what is not finite, has changed, or does nothing is named with the user's words and lines."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.debugging import NotFinite, debug, place_of
from microgradnp.tape import DEBUG, OFF, RECORD, TRACE, WATCHES, current_mode, recording

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

P = mg.tensor([[0.5, 0.0], [0.25, 1.0]], requires_grad=True)
s = mg.tensor([0.0, 4.0], requires_grad=True)
Z = mg.tensor([[1.0, -800.0]], requires_grad=True)
big = mg.tensor([1e200, 1.0], requires_grad=True)
data = mg.tensor([[1.0, np.nan]], requires_grad=True)
zero = mg.tensor(0.0, requires_grad=True)
constant = mg.tensor([0.0, 1.0])


# what goes wrong: (computation, operation, what the message says)
FORWARD: dict[str, tuple[Callable[[], Any], str, tuple[str, ...]]] = {
    "log(0)": (lambda: -np.sum(np.log(P)), "log", ("`np.log(P)`", "log(0)", "`P` of shape (2, 2)", "[0, 1]", "is 0")),
    "log of less": (lambda: np.log(s - 1), "log", ("the logarithm of a negative number", "nan")),
    "log of 1 - p": (lambda: np.log(1 - P), "log", ("[1, 1]", "np.log1p")),
    "division": (lambda: 1 / s, "divide", ("a division by 0", "`1 / s`", "`s`")),
    "0 / 0": (lambda: s / s, "divide", ("0 / 0", "nan")),
    "overflow": (lambda: 1 / (1 + np.exp(-Z)), "exp", ("an overflow", "is 800", "mg.logistic")),
    "product": (lambda: big * big, "multiply", ("an overflow", "1e+200")),
    "matmul": (lambda: big @ big, "matmul", ("overflow", "of `big` of shape (2,)")),
    "sqrt": (lambda: np.sqrt(s - 1), "sqrt", ("the square root of a negative number", "is -1")),
    "number": (lambda: np.log(zero), "log", ("the result of log is -inf, where `zero` 0-d is 0",)),
    "given": (lambda: data * 2, "", ("`data`", "holds nan already", "1 of 2 entries")),
    "inf - inf": (lambda: (np.where(s > 0, s, np.inf)) - np.inf, "subtract", ("inf - inf", "was there before")),
    "0 * inf": (lambda: np.where(s > 0, s, np.inf) * s, "multiply", ("0 * inf",)),
    "method": (lambda: s.log(), "log", ("`s.log()`",)),
    "constant": (lambda: np.log(constant), "log", ("`constant`",)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORWARD)
def test_the_first_that_is_not_finite_is_named(name: str) -> None:
    f, operation, words = FORWARD[name]
    with pytest.raises(NotFinite) as caught, debug():
        f()
    assert caught.value.operation == operation
    assert not caught.value.backward
    assert caught.value.place is not None
    assert caught.value.place.filename == __file__
    assert caught.value.place.line == f.__code__.co_firstlineno
    for word in (*words, f"line {f.__code__.co_firstlineno}"):
        assert word in str(caught.value)


def backward_of_sqrt() -> None:
    root = np.sqrt(s)
    np.sum(root).backward()


def where_trap() -> None:
    safe = np.where(s.data > 0, np.log(s), 0.0)
    np.sum(safe).backward()


BACKWARD: dict[str, tuple[Callable[[], Any], str, tuple[str, ...]]] = {
    "sqrt": (backward_of_sqrt, "sqrt", ("`np.sqrt(s)`", "in backward_of_sqrt", "with respect to `s`", "inf at 1 of 2", "is 0")),
    "where": (where_trap, "log", ("nan at 1 of 2", "the gradient that arrives there is 0", "np.where")),
    "grad": (lambda: mg.grad(lambda x: np.sum(np.sqrt(x)))(s.data), "sqrt", ("`np.sqrt(x)`", "`x`")),
    "number": (lambda: mg.grad(np.sqrt)(0.0), "sqrt", ("is 0",)),
    "jvp": (lambda: mg.jvp(lambda x: np.cbrt(x), (s.data,), (np.ones(2),)), "cbrt", ("tangent", "`np.cbrt(x)`")),
    "second order": (lambda: mg.hessian(lambda x: np.sum(x**1.5))(s.data), "power", ("`x**1.5`", "not finite")),
    "cotangent": (lambda: (2 * s).backward(np.array([np.nan, 0])), "multiply", ("`2 * s`", "given so")),
}  # fmt: skip


@pytest.mark.parametrize("name", BACKWARD)
def test_the_first_derivative_that_is_not_finite_is_named(name: str) -> None:
    f, operation, words = BACKWARD[name]
    with pytest.raises(NotFinite) as caught, debug(infinities=name != "where"):
        f()
    assert caught.value.operation == operation
    assert caught.value.backward
    for word in words:
        assert word in str(caught.value)


def test_infinities_may_be_meant() -> None:
    with debug(infinities=False, quiet=True):
        assert np.isfinite(1 / (1 + np.exp(-Z))).all()
        with pytest.raises(NotFinite, match="nan"):
            np.log(s - 1)
    with debug():
        mask = np.where(s > 1, s, -np.inf)  # a mask hands on the infinity that it was given
        mg.softmax(mask)
        mg.logsumexp(mask + 1.0).backward()


def test_operands_of_any_kind() -> None:
    huge = 2**70
    for wrong in (
        lambda: s * float("inf"),
        lambda: s / 0,
        lambda: (s + 1e308) * huge,
        lambda: np.stack([s[0], np.nan]),
    ):
        with pytest.raises(NotFinite), debug():
            wrong()
    with debug():
        np.stack([s[0], 1.0]) + huge
        assert mg.jvp(lambda t: np.stack([t[0], 1.0]), (s.data,), (s.data,))[1].shape == (2,)
        np.where([True, False], s, 1.0)
        np.concatenate([s, [1, 2]])


def test_integers_comparisons_and_tests_for_nan_are_left_alone() -> None:
    with debug():
        assert np.isnan(data).any()
        assert np.argmax(data).dtype.kind == "i"
        np.sum(np.where(np.isnan(data), 0.0, 1.0))


def test_both_lines_of_a_changed_value() -> None:
    W = mg.tensor([1.0, 2.0], requires_grad=True)
    with debug():
        loss = np.sum(W * W)
        W.assign([0.0, 0.0])
        with pytest.raises(RuntimeError) as caught:
            loss.backward()
        for word in ("`W`", "recorded in `W * W`", "changed in `W.assign([0.0, 0.0])`"):
            assert word in str(caught.value)
        loss = np.sum(W * W)
        with mg.no_grad():
            W += np.ones(2)
        with pytest.raises(RuntimeError, match=r"changed in `W \+= np.ones\(2\)`"):
            loss.backward()


def test_a_change_of_what_no_rule_reads_does_no_harm() -> None:
    W = mg.tensor([1.0, 2.0], requires_grad=True)
    with debug():
        loss = np.sum(W + np.ones(2))
        W.assign([0.0, 0.0])
        loss.backward()
    np.testing.assert_array_equal(W.grad, [1.0, 1.0])


def test_errors_on_the_way_back_name_the_line() -> None:
    @mg.primitive
    def double(x: Any) -> Any:
        return 2 * x

    double.defvjp(lambda g, y, x: g[:1])
    with debug():
        y = np.sum(double(s))
        with pytest.raises(ValueError, match=r"gradient of shape \(1,\).*in the derivative of `double\(s\)`"):
            y.backward()
        y = np.sum(s * s)
        y.backward()
        with pytest.raises(RuntimeError, match=r"second time.*`np.sum\(s \* s\)`"):
            y.backward()


def test_dead_and_saturated_units(capsys: pytest.CaptureFixture[str]) -> None:
    X = np.array([[1.0, 2.0], [3.0, 0.5]])
    W = mg.tensor(np.ones((2, 3)), requires_grad=True)
    b = mg.tensor([0.0, -100.0, -4.0], requires_grad=True)
    with debug() as d:
        for _ in range(2):
            H = mg.relu(X @ W + b)
            np.sum(np.tanh(H * 10.0) + 1 / (1 + np.exp(-100 * H))).backward()
    relu, tanh, hand = d.units
    assert (relu.kind, relu.stuck, relu.calls, relu.values, relu.idle) == ("relu", [1, 2], 2, 12, 8)
    assert (tanh.kind, tanh.stuck) == ("tanh", [0])
    assert (hand.kind, hand.stuck) == ("logistic", [0])
    text = capsys.readouterr().err
    assert text == d.report() + "\n"
    for word in ("2 dead and 2 saturated", "after `b`: 2 of 3 units never positive in 2 calls: units 1, 2"):
        assert word in text


@pytest.mark.parametrize(
    "relu", [mg.relu, lambda z: np.maximum(z, 0), lambda z: np.maximum(0.0, z), lambda z: np.where(z > 0, z, 0)]
)
def test_relu_in_other_words(relu: Callable[[Any], Any]) -> None:
    with debug(quiet=True) as d:
        relu(mg.tensor([[1.0, -1.0], [-1.0, -1.0]], requires_grad=True))
    assert [u.stuck for u in d.units] == [[1]]


def test_layers_of_one_line_are_told_apart_and_channels_are_units() -> None:
    Ws = [mg.tensor(np.eye(2), requires_grad=True), mg.tensor(-np.eye(2), requires_grad=True)]
    with debug(quiet=True) as d:
        H = np.ones((1, 2))
        for W in Ws:
            H = mg.relu(H @ W)
    assert [u.stuck for u in d.units] == [[], [0, 1]]
    model = mg.nn.Sequential(mg.nn.Linear(2, 3), mg.nn.ReLU(), mg.nn.Linear(3, 3), mg.nn.ReLU())
    with debug(quiet=True) as d:
        model(np.ones((4, 2)))
    assert len(d.units) == 2
    assert "`model(np.ones((4, 2)))`" in d.units[0].what
    assert d.units[1].what.endswith(", number 2")
    image = np.ones((2, 3, 4, 4))
    image[:, 1] = -1
    with debug(quiet=True) as d:
        mg.relu(mg.tensor(image, requires_grad=True))
    assert d.units[0].stuck == [1]
    with debug(quiet=True, axis=0) as d:
        mg.relu(mg.tensor([[1.0, 1.0], [-1.0, -1.0]], requires_grad=True))
    assert d.units[0].stuck == [1]


def test_nothing_is_printed_where_there_is_nothing_to_say(capsys: pytest.CaptureFixture[str]) -> None:
    with debug():
        mg.relu(s * 2 + 1)
    assert capsys.readouterr().err == ""


def test_the_same_gradients() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))

    def loss(X: Any, W: Any) -> Any:
        return np.mean(mg.logsumexp(np.tanh(X @ W) ** 2, axis=1)) + np.sum(mg.softmax(W)[0]) * np.linalg.norm(X)

    expected = mg.value_and_grad(loss, (0, 1))(*values), mg.hvp(loss, 1)(*values, values[1])
    with debug(quiet=True):
        found = mg.value_and_grad(loss, (0, 1))(*values), mg.hvp(loss, 1)(*values, values[1])
        X, W, idle = (mg.tensor(v, requires_grad=True) for v in (*values, values[0]))
        (loss(X, W) + np.sum(np.sign(idle))).backward()
    for a, b in zip(_flat(expected), _flat(found), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(X.grad, expected[0][1][0], rtol=1e-13)
    np.testing.assert_allclose(W.grad, expected[0][1][1], rtol=1e-13)
    np.testing.assert_array_equal(idle.grad, np.zeros((3, 4)))


def _flat(x: Any) -> list[Any]:
    return [leaf for item in x for leaf in _flat(item)] if isinstance(x, tuple) else [x]


def test_modes() -> None:
    assert current_mode() == RECORD
    with debug():
        assert current_mode() == DEBUG
        with mg.no_grad():
            assert current_mode() == OFF
            with debug():
                assert current_mode() == OFF
            with recording(RECORD):
                assert current_mode() == DEBUG
            assert current_mode() == OFF
        assert current_mode() == DEBUG
        mg.grad(lambda x: x * current_mode())(1.0)
        with recording(TRACE):
            assert current_mode() == TRACE
        with debug():
            assert current_mode() == DEBUG
        assert current_mode() == DEBUG
    assert current_mode() == RECORD
    assert not WATCHES


def test_it_is_off_again_after_an_error_and_in_any_order_of_leaving() -> None:
    with pytest.raises(ZeroDivisionError), debug():
        raise ZeroDivisionError
    assert (current_mode(), WATCHES) == (RECORD, [])
    first, second = debug(), debug()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert current_mode() == DEBUG
    second.__exit__(None, None, None)
    second.__exit__(None, None, None)  # once too often
    assert (current_mode(), WATCHES) == (RECORD, [])


def test_it_is_for_one_thread() -> None:
    modes = []
    with debug():
        thread = threading.Thread(target=lambda: modes.append((current_mode(), float(mg.grad(np.sqrt)(0.0)))))
        thread.start()
        thread.join()
    assert modes == [(RECORD, np.inf)]


def test_as_a_function_and_as_a_decorator() -> None:
    d = debug(quiet=True).start()
    try:
        with pytest.raises(NotFinite):
            np.log(s)
    finally:
        d.stop()
    assert current_mode() == RECORD

    @debug()
    def f() -> Any:
        return np.log(s)

    with pytest.raises(NotFinite):
        f()
    assert np.log(s).data[0] == -np.inf


def test_lines_are_kept_only_while_debugging() -> None:
    assert place_of((s * 2).node) == ""
    with debug():
        assert "`s * 2`" in place_of((s * 2).node)
        assert "mg.nn.functional.gelu" in place_of(mg.nn.functional.gelu(s).node)  # of the user, not of the layer


def test_what_is_traced_is_not_looked_at() -> None:
    with debug():
        assert len(mg.trace(lambda x: np.log(x), np.zeros(2)).nodes) == 2
        assert mg.check_gradients(np.tanh, np.array([0.5])).ok


def test_checkpoints_are_looked_into() -> None:
    block = mg.checkpoint(lambda x: np.log(x))
    with pytest.raises(NotFinite, match=r"`np.log\(x\)`"), debug():
        block(s)


@pytest.mark.parametrize("axis", ["units", True, 0.5])
def test_an_axis_that_is_none(axis: Any) -> None:
    with pytest.raises(TypeError, match=r"mg\.debug\(axis=.*must be a whole number"):
        mg.debug(axis=axis)
