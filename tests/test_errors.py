"""Bad input: one clear error each, which names the user's own variables and says what to do."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.tape import RECORD, current_mode


class Layer:
    def __init__(self) -> None:
        self.W = mg.tensor(np.ones((2, 3)), requires_grad=True)
        self.table = {"scale": mg.tensor(np.ones(4), requires_grad=True)}


weights = mg.tensor(np.ones((2, 3)), requires_grad=True)
scores = mg.tensor(np.ones((4, 2)), requires_grad=True)
vector = mg.tensor([1.0, 2.0], requires_grad=True)
number = mg.tensor(2.0, requires_grad=True)
counts = mg.tensor([1, 2])
images = np.ones((4, 2))
params = {"W": mg.tensor(np.ones((2, 3)), requires_grad=True)}
batches = [mg.tensor(np.ones(3), requires_grad=True)]
layer = Layer()


def quadratic(x: Any) -> Any:
    return x * x


def backward_of_a_vector() -> None:
    losses = vector * 2
    losses.backward()


def backward_of_a_constant() -> None:
    total = np.sum(counts)
    total.backward()


def backward_under_no_grad() -> None:
    with mg.no_grad():
        loss = np.sum(vector * 2)
    loss.backward()


def backward_twice() -> None:
    loss = np.sum(np.exp(vector))
    loss.backward()
    loss.backward()


def backward_with_another_shape() -> None:
    losses = vector * 2
    losses.backward(np.ones(3))


def backward_with_words() -> None:
    losses = vector * 2
    losses.backward(np.array(["a", "b"]))


def stale() -> None:
    rate = mg.tensor([1.0, 2.0], requires_grad=True)
    loss = np.sum(rate * vector)
    rate.assign([0.0, 0.0])
    loss.backward()


def stale_in_an_object() -> None:
    net = Layer()
    loss = np.sum(scores @ net.W)
    with mg.no_grad():
        net.W -= 0.1
    loss.backward()


def into_an_array() -> None:
    history = np.zeros(3)
    loss = np.sum(vector * 2)
    history[0] = loss


def increment_an_array() -> None:
    total = np.zeros(2)
    total += vector


def integers_require() -> None:
    sizes = np.array([1, 2, 3])
    mg.tensor(sizes, requires_grad=True)


def objects_require() -> None:
    things = np.array([1.0, None])
    mg.tensor(things, requires_grad=True)


def booleans_require() -> None:
    mask = [True, False]
    mg.tensor(mask, requires_grad=True)


def ragged() -> None:
    rows = [[1.0, 2.0], [3.0]]
    mg.tensor(rows)


def words() -> None:
    names = ["a", "b"]
    mg.tensor(names)


def operand_of_objects() -> None:
    prices = np.array([1.0, 2.0], dtype=object)
    vector * prices


def masked_operand() -> None:
    gaps = np.ma.array([1.0, 2.0], mask=[True, False])
    vector * gaps


def list_of_tensors() -> None:
    parts = [number, number]
    np.where([True, False], parts, vector)


#: What is done, the error, and what its message must hold: the names of the variables, then the advice.
ERRORS: dict[str, tuple[Callable[[], Any], type[Exception], list[str]]] = {
    # shapes
    "matmul": (
        lambda: weights @ scores,
        ValueError,
        ["`weights` of shape (2, 3)", "`scores` of shape (4, 2)", "scores @ weights would fit"],
    ),
    "matmul that a transpose mends": (
        lambda: scores @ images,
        ValueError,
        ["`scores`", "`images` of shape (4, 2)", "scores @ images.T"],
    ),
    "matmul with a number": (lambda: weights @ number, ValueError, ["`weights`", "`number` 0-d", "use *"]),
    "array on the left": (lambda: images @ images.T @ weights, ValueError, ["`weights` of shape (2, 3)"]),
    "sum": (
        lambda: weights + scores,
        ValueError,
        ["`weights` of shape (2, 3)", "`scores` of shape (4, 2)", "equal or 1"],
    ),
    "sum with an array": (lambda: images + weights, ValueError, ["`images`", "`weights`"]),
    "sum that a new axis mends": (
        lambda: weights * vector,
        ValueError,
        ["`weights`", "`vector` of shape (2,)", "vector[:, None]"],
    ),
    "comparison": (lambda: weights > scores, ValueError, ["`weights`", "`scores`"]),
    "np function": (lambda: np.maximum(weights, scores), ValueError, ["maximum", "`weights`", "`scores`"]),
    "where": (lambda: np.where(weights > 0, weights, scores), ValueError, ["where", "`weights`", "`scores`"]),
    "concatenate": (
        lambda: np.concatenate([weights, scores]),
        ValueError,
        ["concatenate", "`weights`", "`scores`"],
    ),
    "stack": (lambda: np.stack([weights, scores]), ValueError, ["stack", "`weights`", "`scores`"]),
    "reshape": (
        lambda: weights.reshape(4, 2),
        ValueError,
        ["reshape", "`weights` of shape (2, 3)", "(4, 2)"],
    ),
    "axis": (lambda: weights.sum(axis=2), ValueError, ["sum", "`weights`", "axis=2"]),
    "index": (lambda: weights[5], IndexError, ["`weights`", "5"]),
    "in an attribute": (lambda: layer.W + scores, ValueError, ["`layer.W`", "`scores`"]),
    "in a dict": (lambda: params["W"] + scores, ValueError, ['`params["W"]`', "`scores`"]),
    "in a list": (lambda: batches[0] + scores, ValueError, ["`batches[0]`", "`scores`"]),
    "list of tensors of several shapes": (
        lambda: mg.tensor([weights, scores]),
        ValueError,
        ["`weights`", "`scores`"],
    ),
    # types
    "integers asked to require a gradient": (
        integers_require,
        TypeError,
        ["`sizes` holds integers (int64)", "dtype=float"],
    ),
    "booleans asked to require a gradient": (
        booleans_require,
        TypeError,
        ["`mask` holds booleans", "dtype=float"],
    ),
    "objects asked to require a gradient": (
        objects_require,
        TypeError,
        ["`things`", "object", "dtype=float"],
    ),
    "ragged rows": (ragged, ValueError, ["`rows`", "different lengths"]),
    "words": (words, TypeError, ["`names`", "numbers"]),
    "None": (lambda: mg.tensor(None), TypeError, ["NoneType", "numbers"]),
    "operand of objects": (operand_of_objects, TypeError, ["`prices`", "object", "astype"]),
    "masked operand": (masked_operand, TypeError, ["`gaps`", "gaps.filled"]),
    "list of tensors as an operand": (list_of_tensors, TypeError, ["mg.tensor([...])", "np.stack"]),
    "to integers": (lambda: vector.astype(int), TypeError, ["`vector`", ".data.astype"]),
    "gradient of integers": (lambda: mg.grad(quadratic)(3), TypeError, ["`x` holds integers", "float"]),
    "gradient of integer arrays": (
        lambda: mg.grad(quadratic)(np.arange(3)),
        TypeError,
        ["`x` holds integers", "float"],
    ),
    # backward
    "vector": (
        backward_of_a_vector,
        ValueError,
        ["`losses` of shape (2,)", "np.sum(losses).backward()", "losses.backward(np.ones((2,)))"],
    ),
    "constant": (backward_of_a_constant, RuntimeError, ["`total`", "requires_grad=True"]),
    "under no_grad": (backward_under_no_grad, RuntimeError, ["`loss`", "outside mg.no_grad()"]),
    "twice": (backward_twice, RuntimeError, ["second time", "retain_graph=True"]),
    "cotangent of another shape": (
        backward_with_another_shape,
        ValueError,
        ["(3,)", "`losses` of shape (2,)"],
    ),
    "cotangent of words": (backward_with_words, TypeError, ["`losses`", "<U1"]),
    "gradient of a vector": (
        lambda: mg.grad(quadratic)(np.ones(2)),
        TypeError,
        ["quadratic", "shape (2,)", "np.sum", "mg.jacobian"],
    ),
    # unknown functions and keywords
    "unknown function": (
        lambda: np.histogramdd(vector),
        NotImplementedError,
        ["np.histogramdd", "`vector`", "mg.primitive", ".data"],
    ),
    "method of others": (lambda: weights.permute(1, 0), AttributeError, ["permute", ".transpose"]),
    "method in place": (lambda: weights.resize(3), AttributeError, ["resize", "immutable", ".numpy()"]),
    "where keyword that does not fit": (
        lambda: np.sum(weights, where=np.ones(7, bool)),
        ValueError,
        ["np.sum", "(7,)", "broadcast"],
    ),
    "unknown keyword of a ufunc": (
        lambda: np.add(weights, weights, where=weights.data > 1),
        (TypeError, NotImplementedError),
        ["add"],
    ),
    "dtype keyword": (lambda: np.sum(weights, dtype=int), TypeError, ["int", ".astype"]),
    "misspelt keyword": (lambda: np.sum(weights, axes=0), TypeError, ["axes"]),
    "too many arguments": (lambda: np.tanh(weights, weights, weights), TypeError, ["tanh"]),
    "in place function": (
        lambda: np.copyto(images, scores),
        TypeError,
        ["`scores`", "scores.data"],
    ),
    # values that leave or change
    "float": (
        lambda: float(number),
        TypeError,
        ["float(number)", "`number`", "number.item()", "number.detach()"],
    ),
    "int": (lambda: int(number), TypeError, ["int(number)", "number.item()"]),
    "asarray": (lambda: np.asarray(weights), TypeError, ["np.asarray(weights)", "weights.data"]),
    "array of tensors": (
        lambda: np.array([number, number]),
        TypeError,
        ["`number`", "np.stack", "mg.tensor([...])"],
    ),
    "increment of an array": (increment_an_array, TypeError, ["total = total + vector", "vector.data"]),
    "stale value": (stale, RuntimeError, ["multiply", "`rate` of shape (2,)", "before the change"]),
    "stale value of an attribute": (stale_in_an_object, RuntimeError, ["matmul", "`net.W`"]),
    "item of a leaf": (
        lambda: weights.__setitem__(0, 1.0),
        TypeError,
        ["weights[...]", "np.where", "weights.assign"],
    ),
    "leaf in place": (
        lambda: vector.__iadd__(1.0),
        TypeError,
        ["vector += ...", "no_grad()", "vector.assign", "vector = vector +"],
    ),
    "assign another shape": (
        lambda: weights.assign(np.ones(2)),
        ValueError,
        ["(2,)", "`weights` of shape (2, 3)"],
    ),
    "assign a result": (lambda: (weights * 2).assign(weights.data), RuntimeError, ["multiply", "leaves"]),
    "truth of an array": (lambda: bool(weights > 0), ValueError, ["ambiguous", ".any()", ".all()"]),
    "item of an array": (lambda: weights.item(), ValueError, ["`weights` of shape (2, 3)", "6"]),
    "length of a number": (lambda: len(number), TypeError, ["`number` 0-d"]),
    "index of floats": (lambda: weights[np.array([0.5])], IndexError, ["integers or booleans", "float64"]),
}


@pytest.mark.parametrize("what", ERRORS)
def test_errors_name_variables_and_say_what_to_do(what: str) -> None:
    run, kind, parts = ERRORS[what]
    with pytest.raises(kind) as caught:
        run()
    message = str(caught.value)
    missing = [part for part in parts if not any(choice in message for choice in part.split("|"))]
    assert not missing, message
    assert "\n" not in message
    assert current_mode() == RECORD


@pytest.mark.parametrize("what", ERRORS)
def test_errors_come_from_the_users_line_and_not_from_our_depths(what: str) -> None:
    """At most a few frames of ours: what is raised was foreseen, and no accident of an inner function."""
    run, _, _ = ERRORS[what]
    try:
        run()
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame.name for frame in frames if "/microgradnp/" in frame.filename.replace("\\", "/")]
        assert len(ours) <= 6, ours


def test_an_array_element_is_refused_with_our_reason_as_the_cause() -> None:
    with pytest.raises(ValueError, match="sequence") as caught:
        into_an_array()
    assert "loss.item()" in str(caught.value.__cause__)


def test_the_cause_is_numpys_own_complaint() -> None:
    with pytest.raises(ValueError, match="matmul") as caught:
        weights @ scores
    assert "matmul" in str(caught.value.__cause__)
    assert caught.value.__cause__ is not caught.value


# -- which names are found -----------------------------------------------------------------------------------


def mismatch(operand: Any) -> str:
    with pytest.raises(ValueError, match="cannot take") as caught:
        operand + np.ones(17)
    return str(caught.value)


def test_the_innermost_name_is_used() -> None:
    def forward(inputs: Any) -> Any:
        return inputs + np.ones(17)

    with pytest.raises(ValueError, match="`inputs` of shape"):
        forward(weights)


def test_a_given_name_goes_first() -> None:
    w = mg.tensor(np.ones(3), requires_grad=True, name="W_h")
    assert "`W_h` of shape (3,)" in mismatch(w)


def test_intermediate_results_without_a_name_are_described() -> None:
    with pytest.raises(ValueError, match=r"a Tensor of shape \(2, 3\)"):
        (weights * 2) + np.ones(17)


def test_names_of_a_notebook_come_last() -> None:
    namespace: dict[str, Any] = {"mg": mg, "np": np, "__name__": "__main__"}
    exec("_ = _1 = x = mg.tensor(np.ones(3))", namespace)
    with pytest.raises(ValueError, match="`x` of shape"):
        exec("x + np.ones(17)", namespace)


def test_names_in_the_presence_of_objects_that_resist() -> None:
    class Hostile:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(f"hands off {name}")

        def __eq__(self, other: object) -> Any:
            raise RuntimeError("no comparison")

        __hash__ = None  # type: ignore[assignment]

    hostile = Hostile()
    Hostile.__module__ = None  # type: ignore[assignment]
    local = mg.tensor(np.ones(3))
    with pytest.raises(ValueError, match="`local` of shape"):
        local + np.ones(17)
    assert hostile is not None


def test_names_in_a_comprehension_a_method_and_a_class() -> None:
    class Model:
        def __init__(self) -> None:
            self.gain = mg.tensor(np.ones(3))

        def run(self) -> Any:
            return self.gain + np.ones(17)

    with pytest.raises(ValueError, match=r"`self.gain` of shape"):
        Model().run()
    with pytest.raises(ValueError, match="`element` of shape"):
        [element + np.ones(17) for element in [mg.tensor(np.ones(3))]]


def test_errors_inside_a_transform_name_the_functions_variables() -> None:
    def loss(theta: Any, data: Any) -> Any:
        residual = data @ theta
        return np.sum(residual - np.ones(17))

    with pytest.raises(ValueError, match=r"`residual` of shape \(4,\)"):
        mg.grad(loss)(np.ones(2), images)
    with pytest.raises(ValueError, match=r"`residual` of shape \(4,\)"):
        mg.trace(loss, np.ones(2), images)
    with pytest.raises(ValueError, match=r"`data` of shape \(4, 2\), `theta` of shape \(3,\)"):
        mg.hessian(loss)(np.ones(3), images)


# -- derivations ---------------------------------------------------------------------------------------------


def derivation() -> Any:
    d = mg.Derivation("least squares")

    @d.forward
    def model(X: Any, w: Any, y: Any) -> Any:
        r = X @ w - y
        loss = r @ r
        return loss

    return d


GIVEN = {"X": np.arange(6.0).reshape(3, 2), "w": np.ones(2), "y": np.zeros(3)}


def test_a_formula_for_a_quantity_that_does_not_exist() -> None:
    d = derivation()

    @d.gradient("weights")
    def dw(X: Any, r: Any) -> Any:
        return 2 * X.T @ r

    with pytest.raises(Exception, match=r"weights") as caught:
        d.verify(**GIVEN)
    assert all(name in str(caught.value) for name in ("dw", "w", "r"))


def test_a_formula_that_uses_a_quantity_that_does_not_exist() -> None:
    d = derivation()

    @d.gradient("w")
    def dw(X: Any, residual: Any) -> Any:
        return 2 * X.T @ residual

    with pytest.raises(Exception, match=r"dw.*residual"):
        d.verify(**GIVEN)


def test_a_formula_that_returns_another_shape() -> None:
    d = derivation()

    @d.gradient("w")
    def dw(X: Any, r: Any) -> Any:
        return 2 * X @ np.ones((2, 4)) * r[:, None]

    report = d.verify(**GIVEN)
    assert not report.ok
    assert "(3, 4)" in report["w"].explanation
    assert "(2,)" in report["w"].explanation


def test_a_forward_that_returns_no_scalar_loss() -> None:
    d = mg.Derivation("least squares")

    @d.forward
    def model(X: Any, w: Any) -> Any:
        return X @ w

    d.gradient("w", lambda X: X.sum(axis=0))
    with pytest.raises(Exception, match=r"(?s)model.*\(3,\)"):
        d.verify(X=GIVEN["X"], w=GIVEN["w"])
