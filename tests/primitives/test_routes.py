"""One operation, every way to write it: NumPy's function, operator, method, the ufunc's own methods."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.primitives import COMPOSITES, TABLE, Primitive
from tests.factories import Array, Input, assert_close, leaves
from tests.primitives.cases import CASES, Case

OPERATORS: dict[Any, Callable[..., Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.floor_divide: operator.floordiv,
    np.remainder: operator.mod,
    np.divmod: divmod,
    np.power: operator.pow,
    np.matmul: operator.matmul,
    np.negative: operator.neg,
    np.positive: operator.pos,
    np.absolute: operator.abs,
    np.invert: operator.invert,
    np.less: operator.lt,
    np.less_equal: operator.le,
    np.greater: operator.gt,
    np.greater_equal: operator.ge,
    np.equal: operator.eq,
    np.not_equal: operator.ne,
    np.bitwise_and: operator.and_,
    np.bitwise_or: operator.or_,
    np.bitwise_xor: operator.xor,
    np.left_shift: operator.lshift,
    np.right_shift: operator.rshift,
}
PROPERTIES = {np.transpose: "T", np.matrix_transpose: "mT", np.real: "real", np.imag: "imag"}


def same(case: Case, route: Callable[..., Any]) -> None:
    """Assert that a route gives the values and gradients of the function, bit for bit."""
    results = []
    for f in (case, route):
        tensors = [mg.tensor(x, requires_grad=x.dtype.kind == "f") for x in case.values()]
        ys = list(leaves(f(*tensors)))
        for y in ys:
            if isinstance(y, mg.Tensor) and y.requires_grad:
                y.backward(np.cos(np.arange(float(y.size))).reshape(y.shape), retain_graph=True)
        results.append([*(getattr(y, "data", y) for y in ys), *(t.grad for t in tensors)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)
        assert getattr(a, "dtype", None) == getattr(b, "dtype", None)


@pytest.mark.parametrize("case", [c for c in CASES if c.function in OPERATORS], ids=str)
def test_operator(case: Case) -> None:
    same(case, lambda *xs: case.called(OPERATORS[case.function], xs))


def has_method(case: Case) -> bool:
    method = getattr(np.ndarray, getattr(case.function, "__name__", ""), None)
    function_only = {"correction", "axes", "device", "subok"} & set(case.params) or case.function in vars(
        np.linalg
    ).values()
    function_only = function_only or case.function in (np.sort, np.partition, np.resize)  # whose methods work in place
    return callable(method) and isinstance(case.args[0], Input) and not function_only


@pytest.mark.parametrize("case", [c for c in CASES if has_method(c)], ids=str)
def test_method(case: Case) -> None:
    """Where arrays have a method of that name Tensors have it, with the same arguments in the same places."""

    def method(x: Any, *args: Any, **params: Any) -> Any:
        return getattr(x, case.function.__name__)(*args, **params)

    values = case.values()
    if not case.inputs[0].shape:
        values[0] = np.asarray(values[0])
    for a, b in zip(leaves(case.called(method, values)), leaves(case(*values)), strict=True):
        assert_close(a, b, 1e-15)  # so it is a method of NumPy's arrays with this signature
    same(case, lambda *xs: case.called(method, xs))


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.function in PROPERTIES and len(c.args) == 1 and not c.params], ids=str
)
def test_property(case: Case) -> None:
    same(case, lambda x: getattr(x, PROPERTIES[case.function]))


def test_every_operator_of_numpys_arrays_is_there() -> None:
    operators = [name for name in dir(np.ndarray) if name.startswith("__") and callable(getattr(np.ndarray, name))]
    of_numbers = [name for name in operators if "__r" + name[2:] in operators or "__i" + name[2:] in operators]
    assert len(of_numbers) > 10
    assert [name for name in of_numbers if not hasattr(mg.Tensor, name)] == []
    assert [name for name in of_numbers if not hasattr(mg.Tensor, "__r" + name[2:])] == []


LEFT_OUT = {
    # in place, or about bytes: a Tensor is immutable
    "byteswap", "resize", "setfield", "setflags",
    "view", "getfield", "dump", "dumps", "tobytes", "tofile", "tostring",
}  # fmt: skip


def test_every_method_of_numpys_arrays_is_there_or_left_out_on_purpose() -> None:
    methods = {name for name in dir(np.ndarray) if not name.startswith("_") and callable(getattr(np.ndarray, name))}
    assert {name for name in methods if not hasattr(mg.Tensor, name)} == LEFT_OUT & methods


X = np.array([[0.3, -1.2, 2.5], [1.1, 0.4, -0.7]])

SPELLINGS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "reshape of numbers": (lambda t: t.reshape(3, 2), lambda t: np.reshape(t, (3, 2))),
    "reshape of a list": (lambda t: t.reshape([3, 2]), lambda t: np.reshape(t, (3, 2))),
    "where with a condition alone": (lambda t: t[np.where(t > 0)], lambda t: t[t > 0]),
    "compress": (lambda t: t.compress([True, False], axis=0), lambda t: np.compress([True, False], t, axis=0)),
    "rows of fliplr": (lambda t: t[:, ::-1], np.fliplr),
    "row_stack": (lambda t: np.vstack([t, t[0]]), lambda t: np.concatenate([t, t[:1]])),
    "block of a column": (lambda t: np.block([[t[0]], [t[1]]]), lambda t: t),
    "reshape in another order": (
        lambda t: t.reshape(3, 2, order="F"),
        lambda t: np.reshape(t, (3, 2), order="F"),
    ),
    "reshape to 0-d": (lambda t: t[:1, :1].reshape(), lambda t: t[0, 0]),
    "ravel": (lambda t: t.ravel("F"), lambda t: np.ravel(t, order="F")),
    "flatten": (lambda t: t.flatten(), np.ravel),
    "transpose of numbers": (lambda t: t.transpose(1, 0), np.transpose),
    "transpose of a tuple": (lambda t: t.transpose((1, 0)), np.transpose),
    "transpose of None": (lambda t: t.transpose(None), np.transpose),
    "astype": (lambda t: t.astype(np.float32).astype(float), lambda t: np.multiply(t, 1.0)),
    "iteration": (lambda t: sum(row * row for row in t), lambda t: np.sum(t**2, axis=0)),
    "unpacking": (lambda t: (lambda a, b: a * b)(*t), lambda t: t[0] * t[1]),
    "np.add.reduce": (np.add.reduce, lambda t: np.sum(t, axis=0)),
    "np.add.reduce of all": (lambda t: np.add.reduce(t, axis=None), np.sum),
    "np.multiply.reduce": (
        lambda t: np.multiply.reduce(t, axis=1, keepdims=True),
        lambda t: np.prod(t, 1, keepdims=True),
    ),
    "np.maximum.reduce": (lambda t: np.maximum.reduce(t, axis=(0, 1)), np.max),
    "np.minimum.reduce": (lambda t: np.minimum.reduce(t, axis=-1), lambda t: np.min(t, axis=-1)),
    "np.multiply.outer": (lambda t: np.multiply.outer(t, t[0]), lambda t: t[:, :, None] * t[0]),
    "np.subtract.outer": (lambda t: np.subtract.outer(X[0], t), lambda t: X[0][:, None, None] - t),
    "mg.tensor of Tensors": (lambda t: mg.tensor([t[0], t[1]]), lambda t: t * 1),
    "mg.tensor of nested Tensors": (
        lambda t: mg.tensor([[t[0, 0], 1.0], [t[1, 1], t[0, 0]]]),
        lambda t: np.stack([np.stack([t[0, 0], 1.0]), np.stack([t[1, 1], t[0, 0]])]),
    ),
    "positional axis": (lambda t: t.sum(0), lambda t: np.sum(t, axis=0)),
    "positional keepdims": (lambda t: np.max(t, 0, None, True), lambda t: np.max(t, axis=0, keepdims=True)),
    "operand by keyword": (lambda t: np.sum(axis=1, a=t), lambda t: np.sum(t, axis=1)),
    "ddof by position": (lambda t: t.var(0, None, None, 1), lambda t: np.var(t, axis=0, ddof=1)),
    "defaults spelled out": (
        lambda t: np.mean(t, axis=0, dtype=None, out=None, keepdims=False),
        lambda t: np.mean(t, axis=0),
    ),
    "where=True": (lambda t: np.sum(t, where=True), np.sum),
    "copy with defaults": (lambda t: np.copy(t, order="K", subok=False), lambda t: t * 1),
    "average with defaults": (lambda t: np.average(t, axis=0, returned=False), lambda t: np.mean(t, axis=0)),
    "concatenate with defaults": (
        lambda t: np.concatenate([t, t], 0, casting="same_kind"),
        lambda t: t[[0, 1, 0, 1]],
    ),
    "clip by method": (lambda t: t.clip(min=-0.5, max=0.5), lambda t: np.clip(t, -0.5, 0.5)),
    "clip of an array by Tensors": (
        lambda t: np.clip(X, t - 0.4, t - 0.3),
        lambda t: np.minimum(np.maximum(X, t - 0.4), t - 0.3),
    ),
    "dot by method": (lambda t: t.dot(X.T), lambda t: np.dot(t, X.T)),
    "array on the left of @": (lambda t: X.T @ t, lambda t: np.matmul(X.T, t)),
    "array on the left of dot": (lambda t: np.dot(X.T, t), lambda t: np.matmul(X.T, t)),
    "array method with a Tensor": (lambda t: np.multiply(X, t).sum(axis=0), lambda t: np.sum(X * t, axis=0)),
    "exp by method": (lambda t: t.exp().log().sin(), lambda t: np.sin(np.log(np.exp(t)))),
    "a Tensor among the indices": (lambda t: t[mg.tensor([1, 0]), mg.tensor(2)], lambda t: t[[1, 0], 2]),
    "a mask made of the Tensor": (lambda t: t[t > 0], lambda t: t[X > 0]),
    "a 0-d integer Tensor as index": (lambda t: t[mg.tensor(1)], lambda t: t[1]),
    "a slice of integer Tensors": (lambda t: t[mg.tensor(0) : mg.tensor(1)], lambda t: t[0:1]),
    "full_like": (lambda t: np.full_like(t, t[0, 0]), lambda t: np.broadcast_to(t[0, 0], (2, 3))),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spelling(spelling: str) -> None:
    one, other = SPELLINGS[spelling]
    (y, pull), (z, pull_z) = mg.vjp(one, X), mg.vjp(other, X)
    tolerance = 1e-6 if spelling == "astype" else 1e-15
    assert np.shape(y) == np.shape(z)
    assert_close(y, z, tolerance)
    w = np.cos(np.arange(float(np.size(y)))).reshape(np.shape(y))[()]
    assert_close(pull(w), pull_z(w), 10 * tolerance)
    assert_close(mg.jvp(one, (X,), (np.cos(X),))[1], mg.jvp(other, (X,), (np.cos(X),))[1], tolerance)
    second = [mg.hvp(lambda t, f=f: np.sum(f(t) ** 2))(X, X) for f in (one, other)]
    assert_close(*second, 10 * tolerance)


IN_PLACE: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    symbol: (getattr(operator, "i" + name), getattr(operator, name))
    for symbol, name in {
        "+=": "add", "-=": "sub", "*=": "mul", "/=": "truediv", "//=": "floordiv", "%=": "mod", "**=": "pow",
        "@=": "matmul",
    }.items()
}  # fmt: skip


@pytest.mark.parametrize("symbol", IN_PLACE)
def test_in_place_operator_on_a_quantity(symbol: str) -> None:
    changed, new = IN_PLACE[symbol]
    other: Array = np.array([[0.5, -1.5], [2.0, 0.3]]) if symbol == "@=" else 1.7
    x = np.abs(X[:, :2])
    results = []
    for f in (changed, new):
        t = mg.tensor(x, requires_grad=True)
        y = f(t * 2, other)
        np.sum(y * y).backward()
        results.append((y.data, t.grad))
    np.testing.assert_array_equal(*[r[0] for r in results])
    np.testing.assert_array_equal(*[r[1] for r in results])


def test_functions_of_ours_run_on_lists_arrays_and_tensors() -> None:
    ours = [p for p in TABLE if isinstance(p, Primitive) and p.arity == 1 and getattr(mg, p.name, None) is p]
    assert {p.name for p in ours} == {"logistic", "relu", "softplus", "softmax", "log_softmax", "logsumexp"}
    for f in ours:
        assert_close(f(X.tolist()), f(X), 1e-15)
        assert_close(f(mg.tensor(X)).data, f(X), 1e-15)
        assert f([1, 2]).dtype == (np.dtype(int) if f is mg.relu else np.float64)


def test_numpys_aliases_are_known() -> None:
    """NumPy 2 gave many functions a second name: the same object, or an entry of its own."""
    aliases = [
        "acos",
        "acosh",
        "asin",
        "asinh",
        "atan",
        "atan2",
        "atanh",
        "pow",
        "abs",
        "true_divide",
        "mod",
        "concat",
        "permute_dims",
        "amax",
        "amin",
        "around",
    ]
    assert [name for name in aliases if getattr(np, name) not in TABLE and getattr(np, name) not in COMPOSITES] == []
