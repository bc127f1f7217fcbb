"""Writing: ``t[i] = v``, in-place operators, ``out=``, NumPy's functions that write; through views as NumPy has them.

The witness is NumPy itself: the same code runs on plain arrays, for values and for differences.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnp as mg
from tests.factories import assert_close, derivative

X = np.array([[0.7, -1.2, 2.5], [1.1, 0.4, -0.8]])
MASK = X > 0.5


def writes(*lines: str) -> Callable[[Any], Any]:
    """Return a function whose body are these lines: it works on y, a product of its argument x."""

    def run(x: Any) -> Any:
        names = {"np": np, "mg": mg, "x": x, "y": x * 1.5, "MASK": MASK}
        for line in lines:
            exec(line, names)
        return names["y"]

    run.__name__ = "; ".join(lines)
    return run


WRITES = [
    # an item, by every kind of index
    writes("y[0] = x[1] * x[0]"),
    writes("y[0, 1] = 3"),
    writes("y[-1, ::2] = x[0, 1:] ** 2"),
    writes("y[:, ::-1] = x"),
    writes("y[...] = x[0]"),
    writes("y[:] = np.sin(x[:, :1])"),
    writes("y[None, 1] = x[0]"),
    writes("y[[1, 0]] = x * x"),
    writes("y[[0, 0, 1], [1, 1, 2]] = x[0] ** 2"),
    writes("y[[0, 1], 1:] = x[:, :2]"),
    writes("y[:, [2, 2]] = x[:, :2] ** 2"),
    writes("y[np.ix_([1, 0], [0, 2])] = x[:, :2] ** 3"),
    writes("y[MASK] = 0.5"),
    writes("y[MASK] = x[MASK] ** 2"),
    writes("y[y > 1] = x[0, 1]"),
    writes("y[np.array([True, False]), 1:] = x[0, 0]"),
    writes("y[0] = [1.0, 2.0, 3.0]"),
    writes("y[0] = x[:1]"),
    writes("y[0] = x[None, None, 1]"),
    writes("y[1] = [x[0, 0], 2.0, x[0, 1] ** 2]"),
    writes("y[()] = x ** 2"),
    writes("y[True] = x ** 2"),
    writes("y[[]] = x[:0]"),
    writes("y = np.sum(y, keepdims=True)", "y[()] = x[0, 0] ** 2"),
    # what was computed before keeps the old value
    writes("z = y * y", "y[0] = 0", "y = y + z"),
    writes("z = y.copy()", "y[0] = x[1] ** 2", "y = y * z"),
    writes("z = y.flatten()", "y[0] = x[1] ** 2", "y = z * y.ravel()"),
    writes("z = np.repeat(y, 1)", "y[0] = 0", "z[1] = 7", "y = z * y.ravel()"),
    # parts that overlap
    writes("y[1:] = y[:-1]"),
    writes("y[:, 1:] += y[:, :-1]"),
    writes("y[:, :] = y[:, ::-1] * y"),
    # loops
    writes("for i in range(1, 3): y[:, i] = y[:, i] * y[:, i - 1]"),
    writes("for i in range(2):\n for j in range(3): y[i, j] = y[i, j] ** 2 + y[0, 0]"),
    writes("for row in y: row *= row[0]"),
    writes("out = np.zeros_like(x)", "for i in range(2): out[i] = np.cumsum(x[i] ** 2)", "y = out * y"),
    writes("h = np.empty_like(y)", "h[0] = y[0]", "h[1] = np.tanh(h[0]) + y[1]", "y = h"),
    # in-place operators, on items too
    writes("y += x", "y *= y", "y -= 1", "y /= 2 + x * x", "y **= 2"),
    writes("y[0] += x[1]"),
    writes("y[0, 1] *= x[1, 2]"),
    writes("y[1] **= 3"),
    writes("y[:, 0] -= y[:, 1] * y[:, 0]"),
    writes("y[[0, 0]] += x ** 2"),
    writes("y[MASK] *= x[MASK]"),
    # views see what is written to the base, and the base what is written to them
    writes("v = y[0]", "y *= 2", "y = y * v"),
    writes("v = y[0]", "y[0, 1] = x[1, 1] ** 2", "y = y + v * v"),
    writes("v = y[0]", "v += x[1]", "y = y * v"),
    writes("v = y[0]", "v[1:] = x[1, :2] ** 2", "y = y + v"),
    writes("v = y[:, 1:][0]", "v *= 3", "w = y[0]", "w[2] = x[0, 0] ** 2", "y = y * v[1]"),
    writes("v = y.T", "v[0] = x[:, 1] ** 2", "y = y * v.T"),
    writes("v = np.transpose(y)", "y += 1", "y = y * v.T"),
    writes("v = y.reshape(3, 2)", "v[1] *= x[0, :2]", "y = y + v.reshape(2, 3)"),
    writes("v = y.ravel()", "v[::2] = 0", "y = y * v.sum()"),
    writes("v = y.T.ravel()", "v[:] = 0"),
    writes("v = np.flip(y, 1)", "v[0] += x[1]"),
    writes("v = np.swapaxes(y, 0, 1)[1:]", "v *= v"),
    writes("v = np.moveaxis(y, 0, 1)", "y[0] = x[1] ** 2", "y = y @ v"),
    writes("v = np.expand_dims(y, 1)", "v[1, 0] = x[0] ** 2"),
    writes("v = np.squeeze(y[None])", "v /= 1 + x * x"),
    writes("v = np.atleast_2d(y)", "v[1] = 7"),
    writes("v = np.atleast_2d(y[0])", "v[0, 1] = x[0, 0] ** 2"),
    writes("v = y.real", "v *= 3"),
    writes("v = y[...]", "v -= x ** 2", "v[0] = 1"),
    writes("a, b = np.split(y, 2)", "a *= b", "b += a"),
    writes("a, b, c = np.hsplit(y, 3)", "a[:] = b * c"),
    writes("v = np.einsum('ij->ji', y)", "v[2] = 5"),
    writes("v = y[1, :]", "w = v[::2]", "w *= x[0, :2]", "v += 1", "y[1, 0] = 9", "y = y * w[0] + v"),
    writes("v = np.rot90(y)", "v[0] = x[:, 0] ** 2"),
    writes("v = np.diagonal(y, 1)", "y[0] = x[1] ** 2", "y = y[0, 0] * v"),
    writes("v = np.diag(y)", "y *= 2", "y = y[0, 0] * v"),
    writes("v = np.lib.stride_tricks.sliding_window_view(y, 2, 1)", "y[:, 1] = x[:, 0] ** 2", "y = y[0, 0] * v"),
    writes("v = y[[0, 1]]", "v[0] = 0", "y = y * v"),
    # NumPy's functions that write
    writes("np.copyto(y, x ** 2)"),
    writes("np.copyto(y, x[0], where=MASK)"),
    writes("np.copyto(y[0], x[1])"),
    writes("np.copyto(y, 1, casting='unsafe')"),
    writes("np.put(y, [0, -1, 3], x[0] ** 2)"),
    writes("np.put(y, [7, -9], x[0], mode='clip')"),
    writes("np.put(y, [7, 9], x[0, 1], mode='wrap')"),
    writes("np.put(y, [0, 1, 2], x[0, :2])"),
    writes("np.place(y, MASK, x[0, :2] ** 2)"),
    writes("np.putmask(y, MASK, x ** 2)"),
    writes("np.putmask(y, MASK, x[0, :2])"),
    writes("np.put_along_axis(y, np.argmax(y, axis=1, keepdims=True), x[:, :1] ** 2, 1)"),
    writes("np.put_along_axis(y, np.array([0, 5]), x[0, :2], None)"),
    writes("np.fill_diagonal(y, x[0, 1] ** 2)"),
    writes("y = np.concatenate([y, y * y])", "np.fill_diagonal(y, x[0], wrap=True)"),
    writes("y = y[:, :2] @ x[:, 1:]", "np.fill_diagonal(y, x[0, :2])"),
    writes("y.fill(x[0, 1] ** 2)"),
    writes("y.put([0, 4], x[0, :2] ** 2)"),
    writes("y.sort(axis=0)"),
    writes("y.partition(1)"),
    writes("y[0].sort()"),
    writes("y.flat[1] = x[0, 0] ** 2"),
    writes("y.flat[::2] = x[0] ** 2"),
    writes("y.flat = x[0, 1] * x[1]"),
    writes("y = y.flat[2:5] * y.flat[0]"),
    writes("y = sum(value * value for value in y.flat)"),
    # ufunc.at
    writes("np.add.at(y, [0, 0, 1], x[:, [0, 1, 2]].reshape(2, 3)[[0, 1, 0]])"),
    writes("np.add.at(y, ([0, 0, 1], [1, 1, 2]), x[0] ** 2)"),
    writes("np.subtract.at(y, 1, x[0])"),
    writes("np.multiply.at(y, ([0, 0, 1], [1, 1, 2]), x[0] ** 2)"),
    writes("np.divide.at(y[0], [2, 2, 2, 0], 2 + x[0, 0] ** 2)"),
    writes("np.negative.at(y, [0])"),
    writes("np.exp.at(y, ([1, 1], [0, 0]))"),
    writes("np.maximum.at(y, [0, 0], x)"),
    writes("np.add.at(y, MASK, x[0, 1])"),
    # out=
    writes("np.multiply(y, x, out=y)"),
    writes("np.exp(x, out=y)", "y *= x"),
    writes("np.add(x, 1, y)"),
    writes("np.sqrt(x * x, out=y[0:2])"),
    writes("np.clip(y, -1, x ** 2, out=y)"),
    writes("np.cumsum(x, axis=1, out=y)"),
    writes("v = y[0]", "np.sum(x ** 2, axis=0, out=v)"),
    writes("np.matmul(x @ x.T, x, out=y)"),
    writes("np.concatenate([x[:1] ** 2, x[:1]], out=y)"),
    writes("np.take(x, [1, 0], axis=0, out=y)"),
    writes("np.divide(x, x * x, out=y, where=MASK)"),
    writes("np.log(x, out=y, where=x > 0)"),
]

every = pytest.mark.parametrize("f", WRITES, ids=lambda f: f.__name__)


@every
def test_writing(f: Callable[[Any], Any]) -> None:
    """The value is NumPy's, the gradients are those of differences, to second order; also of a replayed graph."""
    v = np.cos(np.arange(6.0)).reshape(2, 3)
    y = f(X.copy())
    w = np.sin(1 + np.arange(np.size(y))).reshape(np.shape(y))[()]
    made = f(mg.tensor(X, requires_grad=True))
    assert_close(made.data, y, 1e-14, 1.0)

    def total(x: Any) -> Any:
        return np.sum(w * f(x))

    gradient = mg.grad(total)
    g = gradient(X)
    assert_close(np.sum(g * v), derivative(lambda t: total(X + t * v)), 1e-8, 1.0)
    assert_close(mg.jvp(f, (X,), (v,))[1], derivative(lambda t: f(X + t * v)), 1e-8, 1.0)
    assert_close(mg.hvp(total)(X, v), derivative(lambda t: gradient(X + t * v)), 1e-8, 10.0)
    graph = mg.trace(f, X)
    if isinstance(graph.result, mg.Tensor):
        again = graph.evaluate(graph.result.node, {next(iter(graph.inputs.values())): X * 1.01})
        assert_close(again, f(X * 1.01), 1e-14, 1.0)


# -- programs nobody thought of ------------------------------------------------------------------------------

VIEWS = [
    "a[0]",
    "a[::-1]",
    "a[..., 1:]",
    "a.T",
    "a.reshape(-1)",
    "a[...]",
    "np.expand_dims(a, 0)",
    "a[[0]]",
    "a.copy()",
    "np.cos(a * b)",
]
CHANGES = ["a[0] = 2.0", "a[...] = b.sum()", "a *= 1.5", "a += b.mean()", "a[..., 0] = a[..., -1] * 2", "a[a > 0] *= 0.5",
           "a[0] += 1.0", "a[..., :1] = np.tanh(a[..., -1:])"]  # fmt: skip
STEPS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from(VIEWS + CHANGES)), min_size=2, max_size=8
)


@settings(max_examples=150)
@given(STEPS)
def test_random_programs_of_views_and_writes(steps: list[tuple[int, int, str]]) -> None:
    def run(x: Any) -> list[Any]:
        pool = [x * 1.5]
        for i, k, text in steps:
            a, b = pool[i % len(pool)], pool[k % len(pool)]
            if a.ndim == 0 or 0 in a.shape or a.ndim > 4:
                continue
            names = {"np": np, "a": a, "b": b}
            if text in VIEWS:
                if text == "np.cos(a * b)" and b.ndim and a.shape != b.shape:
                    continue
                pool.append(eval(text, names))
            else:
                exec(text, names)
        return pool

    expected, tensors = run(X.copy()), run(mg.tensor(X, requires_grad=True))
    for y, wanted in zip(tensors, expected, strict=True):
        np.testing.assert_allclose(y.data, wanted, rtol=1e-12, atol=1e-12)

    def total(x: Any) -> Any:
        return sum(np.sum(np.sin(a / 10) * (k + 1)) for k, a in enumerate(run(x)))

    v = np.cos(np.arange(6.0)).reshape(2, 3)
    numeric = (total(X + 1e-6 * v) - total(X - 1e-6 * v)) / 2e-6
    assert_close(np.sum(mg.grad(total)(X) * v), numeric, 1e-5, 10.0)


# -- leaves, constants, memory -------------------------------------------------------------------------------


def test_a_parameter_under_no_grad() -> None:
    w = mg.tensor(X, requires_grad=True)
    with mg.no_grad():
        w[0] -= 0.5
        row = w[1]
        row *= 2
        w[1, 0] = 7.0
        np.multiply(w, 2.0, out=w)
        w += 1
    expected = X.copy()
    expected[0] -= 0.5
    expected[1] *= 2
    expected[1, 0] = 7.0
    expected = expected * 2 + 1
    np.testing.assert_array_equal(w.data, expected)
    np.testing.assert_array_equal(row.data, expected[1])
    np.sum(w * w).backward()
    np.testing.assert_array_equal(w.grad, 2 * expected)


def test_a_constant_becomes_differentiable_by_what_is_written_into_it() -> None:
    t, out = mg.tensor([1.0, 2.0], requires_grad=True), mg.tensor(np.zeros(3))
    view = out[1:]
    out[1] = t[0] * t[1]
    assert out.requires_grad
    assert view.requires_grad
    np.sum(view * view).backward()
    np.testing.assert_array_equal(t.grad, [8.0, 4.0])


def test_single_precision_stays_single() -> None:
    t = mg.tensor(X, dtype=np.float32, requires_grad=True)
    y = t * 2
    y[0] = X[1]
    y[1] += t[0] * np.float32(3)
    assert y.dtype == np.float32
    np.sum(y).backward()
    assert t.grad.dtype == np.float32


def test_what_was_taken_before_keeps_its_value() -> None:
    y = mg.tensor(X, requires_grad=True) * 2
    data, constant = y.data, y.detach()
    y[0] = 0.0
    np.testing.assert_array_equal(data, 2 * X)
    np.testing.assert_array_equal(constant.data, 2 * X)


def test_complex_numbers() -> None:
    z = np.array([1 + 2j, 3 - 1j])

    def f(z: Any) -> Any:
        y = z * z
        y[0] = 2 * z[1]
        y[1] *= z[0]
        return np.real(np.sum(y))

    def g(z: Any) -> Any:
        return np.real(2 * z[1] + z[1] ** 2 * z[0])

    np.testing.assert_allclose(mg.grad(f)(z), mg.grad(g)(z), rtol=1e-14)


def test_views_hold_no_cycles() -> None:
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(50):
            y = mg.tensor(X, requires_grad=True) * 2
            v = y[0][1:]
            y[1] = v[0]
            y[0] += 1
            del y, v
        assert len(gc.get_objects()) - before < 40
    finally:
        gc.enable()


def test_views_that_are_gone_are_forgotten() -> None:
    y = mg.tensor(np.arange(4.0), requires_grad=True) * 2
    for _ in range(1000):
        y[1:]
    assert len(y._views) < 40


WRONG: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "shape": (lambda y: y.__setitem__(0, np.ones(5)), ValueError, r"\(3,\)"),
    "index": (lambda y: y.__setitem__(7, 1.0), IndexError, "index 7"),
    "out": (lambda y: np.sum(y, out=y), ValueError, r"np\.sum.*out=`y`"),
    "type of out": (lambda y: np.add(y, 1j, out=y), TypeError, "complex128"),
    "duplicates of a position": (lambda y: np.put(y, [9], 1.0), ValueError, "out of bounds|index 9"),
    "nothing to place": (lambda y: np.place(y, MASK, []), ValueError, "nothing"),
    "diagonal of a vector": (lambda y: np.fill_diagonal(y[0], 1.0), ValueError, "2 axes"),
}


@pytest.mark.parametrize("name", WRONG)
def test_writes_that_do_not_fit(name: str) -> None:
    call, error, message = WRONG[name]
    y = mg.tensor(X, requires_grad=True) * 2
    with pytest.raises(error, match=message):
        call(y)
    np.testing.assert_array_equal(y.data, 2 * X)
