"""What cannot be differentiated is refused at the forward call: by name, with shapes and advice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg

scores = mg.tensor(np.arange(6.0).reshape(2, 3) + 0.5, requires_grad=True)
weights = mg.tensor(np.ones((2, 4)), requires_grad=True)
vector = mg.tensor([1.0, 2.0], requires_grad=True)
mask = np.array([True, False, True])
labels = np.array([0, 5])
target = np.zeros(3)
NAMED = ("`scores`", "(2, 3)", "`weights`", "(2, 4)")

# what is wrong: (call, error, what its message must say)
SHAPES: dict[str, tuple[Callable[[], Any], type[Exception], tuple[str, ...]]] = {
    "operator": (lambda: scores + weights, ValueError, (*NAMED, "do not broadcast")),
    "ufunc": (lambda: np.power(scores, weights), ValueError, (*NAMED, "do not broadcast")),
    "missing axis": (lambda: scores * vector, ValueError, ("`vector`", "vector[:, None] would fit")),
    "comparison": (lambda: scores > weights, ValueError, (*NAMED, "do not broadcast")),
    "where": (lambda: np.where(mask, weights, 0.0), ValueError, ("`mask`", "(3,)", "`weights`", "(2, 4)")),
    "clip": (lambda: np.clip(scores, weights, 3), ValueError, (*NAMED, "do not broadcast")),
    "@": (lambda: scores @ weights, ValueError, (*NAMED, "scores.T @ weights would fit")),
    "@ with a vector": (
        lambda: scores @ vector,
        ValueError,
        ("`vector`", "(2,)", "scores.T @ vector would fit"),
    ),
    "@ with a number": (lambda: scores @ 2.0, ValueError, ("`scores`", "use * with a number")),
    "dot": (lambda: np.dot(scores, weights), ValueError, (*NAMED, "scores.T @ weights would fit")),
    "inner": (lambda: np.inner(scores, weights), ValueError, (*NAMED, "differ in length")),
    "vdot": (lambda: np.vdot(scores, weights), ValueError, NAMED),
    "tensordot": (lambda: np.tensordot(scores, weights), ValueError, (*NAMED, "[0, 1]", "differ in length")),
    "axes of tensordot": (lambda: np.tensordot(scores, weights, axes=(5, 0)), IndexError, (*NAMED, "axis 5")),
    "number of axes of tensordot": (
        lambda: np.tensordot(scores, weights, axes=3),
        ValueError,
        (*NAMED, "axes=3"),
    ),
    "einsum": (lambda: np.einsum("ij,jk->ik", scores, weights), ValueError, (*NAMED, "ij,jk->ik")),
    "subscripts": (lambda: np.einsum("ijk->i", scores), ValueError, ("`scores`", "ijk->i")),
    "number of operands of einsum": (lambda: np.einsum("ij,jk", scores), ValueError, ("`scores`", "ij,jk")),
    "linear": (lambda: mg.linear(scores, weights, vector), ValueError, (*NAMED, "3 columns", "2 rows")),
    "bias of linear": (
        lambda: mg.linear(scores, np.ones((3, 4)), vector),
        ValueError,
        ("`vector`", "(2,)", "(2, 4)"),
    ),
    "axis": (lambda: np.sum(scores, axis=2), IndexError, ("`scores`", "(2, 3)", "axis=2", "out of bounds")),
    "axis twice": (lambda: scores.prod(axis=(0, 0)), ValueError, ("`scores`", "axis=(0, 0)", "duplicate")),
    "max of nothing": (lambda: np.max(scores[:0]), ValueError, ("(0, 3)", "zero-size")),
    "axis of logsumexp": (lambda: mg.logsumexp(scores, axis=(0, 5)), IndexError, ("`scores`", "axis 5")),
    "axis of softmax": (lambda: mg.softmax(scores, axis=3), IndexError, ("`scores`", "axis=3")),
    "reshape": (lambda: scores.reshape(4, 2), ValueError, ("`scores`", "(2, 3)", "(4, 2)")),
    "transpose": (lambda: scores.transpose(0, 1, 2), ValueError, ("`scores`", "axes=(0, 1, 2)")),
    "swapaxes": (lambda: scores.swapaxes(0, 2), IndexError, ("`scores`", "axis2=2")),
    "moveaxis": (lambda: np.moveaxis(scores, 0, 5), IndexError, ("`scores`", "destination=5")),
    "expand_dims": (lambda: np.expand_dims(scores, 5), IndexError, ("`scores`", "axis=5")),
    "squeeze": (lambda: np.squeeze(scores, axis=0), ValueError, ("`scores`", "(2, 3)", "axis=0")),
    "broadcast_to": (lambda: np.broadcast_to(scores, (4, 2)), ValueError, ("`scores`", "(4, 2)")),
    "concatenate": (lambda: np.concatenate([scores, weights]), ValueError, NAMED),
    "stack": (lambda: np.stack([scores, weights]), ValueError, (*NAMED, "same shape")),
    "stack of nothing": (lambda: np.stack([scores, 1.0]), ValueError, ("`scores`", "same shape")),
    "hstack": (lambda: np.hstack([scores, vector]), ValueError, ("`scores`", "`vector`")),
    "split": (lambda: np.split(scores, 2, axis=1), ValueError, ("`scores`", "length 3", "2 equal parts")),
    "axis of split": (lambda: np.split(scores, 2, axis=3), IndexError, ("`scores`", "axis 3")),
    "diag": (lambda: np.diag(np.expand_dims(scores, 0)), ValueError, ("(1, 2, 3)", "vector or a matrix")),
    "trace": (lambda: np.trace(vector), IndexError, ("`vector`", "axis 1")),
    "average": (
        lambda: np.average(scores, weights=np.ones(2)),
        ValueError,
        ("`scores`", "(2,)", "axis=None"),
    ),
    "take": (lambda: np.take(scores, 9), IndexError, ("np.take", "`scores`", "index 9")),
    "take_along_axis": (
        lambda: np.take_along_axis(scores, np.array([0]), 1),
        ValueError,
        ("`scores`", "1 axes, the array has 2"),
    ),
    "choose": (lambda: np.choose([0, 2], [vector, vector]), ValueError, ("`vector`", "2 choices, numbered 0 to 1")),
    "select": (lambda: np.select([mask], [vector, vector]), ValueError, ("`vector`", "1 conditions", "2 choices")),
    "block": (lambda: np.block([[scores], weights]), ValueError, (*NAMED, "different depths")),
    "widths of pad": (lambda: np.pad(scores, -1), ValueError, ("`scores`", "negative")),
    "mode of pad": (lambda: np.pad(scores, 1, mode="zero"), ValueError, ("`scores`", "'zero'", "'constant'")),
    "tile": (lambda: np.repeat(scores, [1, 2], axis=1), ValueError, ("`scores`",)),
    "dsplit": (lambda: np.dsplit(scores, 2), ValueError, ("`scores`", "3 axes")),
    "rot90": (lambda: np.rot90(scores, axes=(0, 0)), ValueError, ("`scores`", "two different axes")),
    "index": (lambda: scores[5], IndexError, ("`scores`", "index 5 is out of bounds")),
    "too many indices": (lambda: scores[0, 0, 0], IndexError, ("`scores`", "too many indices")),
    "index array": (lambda: scores[[0, 7]], IndexError, ("`scores`", "index 7")),
    "float as index": (lambda: scores[1.0], IndexError, ("`scores`", "integers")),
    "Tensor of floats as index": (lambda: scores[vector], IndexError, ("`vector`", "float64")),
    "mask of another shape": (lambda: scores[mask], IndexError, ("`scores`", "`mask`", "boolean")),
    "labels": (lambda: mg.cross_entropy(scores, labels), ValueError, ("`labels`", "0 to 5", "3 classes")),
    "targets": (lambda: mg.cross_entropy(scores, weights), ValueError, (*NAMED, "neither")),
    "labels of floats": (
        lambda: mg.cross_entropy(scores, vector),
        TypeError,
        ("`vector`", "labels.astype(int)"),
    ),
    "reduction": (lambda: mg.cross_entropy(scores, [0, 1], reduction="avg"), ValueError, ("'avg'", "'mean'")),
    "binary targets": (lambda: mg.binary_cross_entropy(scores, vector), ValueError, ("`vector`", "differ")),
    "column and vector": (
        lambda: mg.squared_error(np.reshape(vector, (2, 1)), vector),
        ValueError,
        ("(2, 1)", "(2,)", "reshape the targets to (2, 1)"),
    ),
}

KEYWORDS: dict[str, tuple[Callable[[], Any], type[Exception], tuple[str, ...]]] = {
    "where of a ufunc": (
        lambda: np.exp(scores, where=mask),
        TypeError,
        ("np.exp", "where=`mask`", "np.where"),
    ),
    "where of add": (lambda: np.add(scores, 1, where=mask), TypeError, ("np.add", "where=`mask`")),
    "casting of concatenate": (
        lambda: np.concatenate([scores, scores], dtype=np.float32, casting="safe"),
        TypeError,
        ("float64 to float32", "casting='safe'"),
    ),
    "out": (
        lambda: np.sum(scores, axis=0, out=target),
        TypeError,
        ("np.sum", "out=`target`", "use the result"),
    ),
    "out of a ufunc": (
        lambda: np.exp(scores, out=target),
        TypeError,
        ("np.exp", "out=target", "target = np.exp"),
    ),
    "out of a program": (
        lambda: np.outer(vector, vector, out=target),
        TypeError,
        ("np.outer", "out=`target`"),
    ),
    "in place into an array": (
        lambda: np.add(target, 1 * vector[0], out=target),
        TypeError,
        ("target += ", ".data"),
    ),
    "order A of reshape": (
        lambda: np.reshape(scores, (3, 2), order="A"),
        ValueError,
        ("`scores`", "'A'", "'C' and 'F'"),
    ),
    "order K of ravel": (lambda: np.ravel(scores, order="K"), ValueError, ("`scores`", "'K'", "'C' and 'F'")),
    "order of einsum": (lambda: np.einsum("ij->i", scores, order="F"), TypeError, ("np.einsum", "order='F'")),
    "a slip of the pen": (lambda: scores.sum(axes=0), TypeError, ("np.sum", "axes=0", "did you mean axis?")),
    "another library's keyword": (
        lambda: mg.softmax(scores, dim=1),
        TypeError,
        ("mg.softmax", "dim=1", "axis"),
    ),
}

UNSUPPORTED: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "np.intersect1d": (lambda: np.intersect1d(scores, [1.0]), ("x[np.isin(x, y)]",)),
    "np.setxor1d": (lambda: np.setxor1d(scores, [1.0]), ("np.isin",)),
    "np.linalg.svd": (lambda: np.linalg.svd(scores), ("full_matrices=False",)),
    "np.linalg.qr": (lambda: np.linalg.qr(scores, mode="raw"), ("mode='reduced'",)),
    "np.cross": (lambda: np.cross(scores[:, :2], scores[:, :2]), ("a[..., 0] * b[..., 1]",)),
}


@pytest.mark.parametrize("what", SHAPES)
def test_shapes_that_do_not_fit(what: str) -> None:
    call, error, parts = SHAPES[what]
    with pytest.raises(error) as caught:
        call()
    assert [part for part in parts if part not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize("what", KEYWORDS)
def test_keywords_without_a_rule(what: str) -> None:
    call, error, parts = KEYWORDS[what]
    with pytest.raises(error) as caught:
        call()
    assert [part for part in parts if part not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize("what", UNSUPPORTED)
def test_functions_without_a_rule(what: str) -> None:
    call, nearest = UNSUPPORTED[what]
    with pytest.raises(NotImplementedError) as caught:
        call()
    message = str(caught.value)
    assert what in message
    assert "has no derivative rule" in message
    if what not in ("np.linalg.svd", "np.linalg.qr", "np.cross"):  # which have one, but not of this form
        assert "`scores` of shape (2, 3) is being differentiated" in message
        assert "mg.primitive" in message
        assert ".data" in message
    assert [name for name in nearest if name not in message] == [], message


def test_functions_without_a_rule_run_where_nothing_is_differentiated() -> None:
    constant = mg.tensor([3.0, 1.0, 2.0])
    np.testing.assert_array_equal(np.sort(constant), [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(np.add.accumulate(constant), [3.0, 4.0, 6.0])
    assert np.exp(constant, dtype=np.float32).dtype == np.float32
    assert float(np.median(constant)) == 2.0


def test_a_function_that_writes_into_padding_is_refused() -> None:
    with pytest.raises(NotImplementedError, match=r"np\.concatenate.*'edge'"):
        np.pad(scores, 1, mode=lambda vector, width, axis, kwargs: None)


def test_lists_of_tensors_are_no_operands() -> None:
    with pytest.raises(TypeError, match=r"mg\.tensor\(\[\.\.\.\]\)"):
        scores * [vector, vector]
    with pytest.raises(TypeError, match=r"np\.stack"):
        np.array([vector, vector])


def test_a_rule_that_returns_another_shape_is_an_error() -> None:
    """The engine checks: a forgotten sum over a broadcast axis cannot pass."""

    @mg.primitive
    def shifted(x: Any, b: Any) -> Any:
        return x + b

    shifted.defvjp(lambda g, y, x, b: g, lambda g, y, x, b: g)
    with pytest.raises(ValueError, match=r"shifted.* shape \(2, 3\).* shape \(3,\)"):
        mg.grad(lambda b: np.sum(shifted(np.ones((2, 3)), b)))(np.ones(3))
