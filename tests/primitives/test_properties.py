"""Any shape, any axis, any index: drawn by Hypothesis, checked by what derivatives are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import microgradnp as mg
from tests.factories import Array, assert_close, derivative, flat, leaves, real, separate

ELEMENTWISE = [
    np.add,
    np.subtract,
    np.multiply,
    np.divide,
    np.arctan2,
    np.maximum,
    np.logaddexp,
    np.hypot,
    np.power,
]
REDUCTIONS = [np.sum, np.mean, np.prod, np.max, np.min, np.var, np.ptp, mg.logsumexp]
seeds = st.integers(0, 2**32 - 1)
shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
solid = hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=3)


def check(f: Callable[..., Any], xs: list[Array], seed: int) -> None:
    """Assert that both rules agree with differences, and with each other."""
    rng = np.random.default_rng(seed)
    v = [rng.uniform(-1, 1, x.shape) for x in xs]
    y, pull = mg.vjp(f, *xs)
    w = rng.uniform(-1, 1, flat(y).shape)
    pieces = np.split(w, np.cumsum([np.size(part) for part in leaves(y)])[:-1])
    parts = [piece.reshape(np.shape(part)) for piece, part in zip(pieces, leaves(y), strict=True)]
    gradients = pull(parts[0] if not isinstance(y, tuple | list) else type(y)(parts))
    assert [g.shape for g in gradients] == [x.shape for x in xs]
    np.testing.assert_array_equal(flat(y), flat(f(*xs)))
    forward = flat(mg.jvp(f, xs, v)[1])
    numeric = derivative(lambda t: f(*(x + t * d for x, d in zip(xs, v, strict=True))))
    assert_close(forward, numeric, 1e-8, 1e-2)
    reverse = sum(float(np.sum(g * d)) for g, d in zip(gradients, v, strict=True))
    assert_close(reverse, float(forward @ w), 1e-12, float(np.sum(np.abs(forward * w))) + 1e-2)


@given(
    st.sampled_from(ELEMENTWISE),
    hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3),
    seeds,
)
def test_broadcasting(f: Any, drawn: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (np.asarray(real(*shape)(rng)) for shape in drawn.input_shapes)
    check(f, [np.abs(a) + 3, np.abs(b)], seed)


@given(hnp.mutually_broadcastable_shapes(num_shapes=3, min_side=0, max_side=3), seeds)
def test_where_and_clip_broadcast(drawn: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, c = (np.asarray(real(*shape)(rng)) for shape in drawn.input_shapes)
    check(lambda x, y: np.where(c > 0, x, y), [a, b], seed)
    check(np.clip, [5 * a + 0.03, b - 1.3, c + 3.7], seed)


@given(st.sampled_from(REDUCTIONS), solid, st.data(), st.booleans(), seeds)
def test_reductions(f: Any, shape: tuple[int, ...], data: st.DataObject, keepdims: bool, seed: int) -> None:
    axes = st.integers(-len(shape), len(shape) - 1)
    axis = data.draw(st.none() | axes | hnp.valid_tuple_axes(len(shape)))
    x = separate(*shape)(np.random.default_rng(seed))
    assume(not (f is np.ptp and axis == ()))
    if f is np.prod:
        x = x / 3
    xs = [x]
    y = f(x, axis=axis, keepdims=keepdims)
    tensor = f(mg.tensor(x, requires_grad=True), axis=axis, keepdims=keepdims)
    assert tensor.shape == np.shape(y)
    rng = np.random.default_rng(seed)
    v, w = rng.uniform(-1, 1, shape), rng.uniform(-1, 1, np.shape(y))
    (g,) = mg.vjp(lambda t: f(t, axis=axis, keepdims=keepdims), *xs)[1](w)
    numeric = derivative(lambda t: f(x + t * v, axis=axis, keepdims=keepdims), step=0.01)
    assert_close(np.sum(g * v), np.sum(numeric * w.ravel()), 1e-7, 1.0)


@given(shapes, st.data(), seeds)
@example((3, 3), None, 0)
def test_basic_indices(shape: tuple[int, ...], data: Any, seed: int) -> None:
    index = ... if data is None else data.draw(hnp.basic_indices(shape, allow_newaxis=True))
    index_gradient(shape, index, seed)


@given(solid, st.data(), seeds)
def test_array_indices(shape: tuple[int, ...], data: st.DataObject, seed: int) -> None:
    index = data.draw(
        hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
    )
    index_gradient(shape, index, seed)


@given(solid, st.data(), seeds)
def test_masks(shape: tuple[int, ...], data: st.DataObject, seed: int) -> None:
    dims = data.draw(st.integers(1, len(shape)))
    mask = data.draw(hnp.arrays(bool, shape[:dims]))
    index_gradient(shape, mask, seed)


def index_gradient(shape: tuple[int, ...], index: Any, seed: int) -> None:
    """The gradient of sum(w * x[index]) is w, added up at the places that the index reads."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    w = np.asarray(rng.normal(size=np.shape(x[index])))
    expected = np.zeros(shape)
    for place, each in zip(np.arange(x.size).reshape(shape)[index].flat if x.size else [], w.flat, strict=False):
        expected.flat[place] += each
    y, pull = mg.vjp(lambda t: t[index], x)
    np.testing.assert_array_equal(y, x[index])
    assert_close(pull(w)[0], expected, 1e-14)
    np.testing.assert_array_equal(mg.jvp(lambda t: t[index], (x,), (2 * x,))[1], (2 * x)[index])


@given(hnp.mutually_broadcastable_shapes(signature="(n?,k),(k,m?)->(n?,m?)", max_side=3, min_side=0), seeds)
def test_matmul(drawn: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (np.asarray(real(*shape)(rng)) for shape in drawn.input_shapes)
    check(np.matmul, [a, b], seed)


@given(st.data(), seeds)
def test_einsum(data: st.DataObject, seed: int) -> None:
    """One to three operands, with repeated letters, axes of length one that stretch, and any output."""
    sizes = {letter: data.draw(st.integers(1, 3)) for letter in "ijkl"}
    letters = st.text("ijkl", max_size=3)
    terms = data.draw(st.lists(letters, min_size=1, max_size=3))
    stretched = data.draw(st.booleans())
    rng = np.random.default_rng(seed)

    def shape(term: str) -> tuple[int, ...]:
        stretch = stretched and len(set(term)) == len(term)  # NumPy takes diagonals of square axes only
        return tuple(1 if stretch and rng.random() < 0.3 else sizes[c] for c in term)

    operands = [np.asarray(real(*shape(term))(rng)) for term in terms]
    known = sorted(set("".join(terms)))
    output = "".join(data.draw(st.permutations(known)))[: data.draw(st.integers(0, len(known)))]
    subscripts = ",".join(terms) + "->" + output
    try:
        np.einsum(subscripts, *operands)
    except ValueError:
        assume(False)
    check(lambda *xs: np.einsum(subscripts, *xs), operands, seed)


@given(shapes, st.data(), seeds)
def test_axes_moved_about(shape: tuple[int, ...], data: st.DataObject, seed: int) -> None:
    n = len(shape)
    x = np.asarray(real(*shape)(np.random.default_rng(seed)))
    order = data.draw(st.permutations(range(n)))
    check(lambda t: np.transpose(t, [axis - n * (axis % 2) for axis in order]), [x], seed)
    check(lambda t: np.moveaxis(t, list(range(n)), order), [x], seed)
    new = data.draw(hnp.valid_tuple_axes(n + 2, max_size=2, min_size=2))
    check(lambda t: np.expand_dims(t, new), [x], seed)
    check(lambda t: np.squeeze(np.expand_dims(t, new), axis=new), [x], seed)
    check(lambda t: np.flip(t, tuple(order[: n // 2])), [x], seed)
    check(lambda t: np.roll(t, (1, -2), (0, -1)) if n else np.roll(t, 1), [x], seed)
    check(lambda t: np.reshape(t, -1, order="CF"[seed % 2]), [x], seed)


@given(solid, st.integers(2, 4), st.data(), seeds)
def test_joining_and_splitting(shape: tuple[int, ...], count: int, data: st.DataObject, seed: int) -> None:
    rng = np.random.default_rng(seed)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    lengths = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    parts = [np.asarray(real(*(n if i == axis % len(shape) else m for i, m in enumerate(shape)))(rng)) for n in lengths]
    check(lambda *xs: np.concatenate(xs, axis=axis), parts, seed)
    check(lambda *xs: np.concatenate(xs, axis=None), parts, seed)
    check(lambda x: np.split(x, np.cumsum(lengths)[:-1], axis=axis), [np.concatenate(parts, axis=axis)], seed)
    equal = [np.asarray(real(*shape)(rng)) for _ in range(count)]
    check(lambda *xs: np.stack(xs, axis=axis), equal, seed)


@given(
    st.sampled_from([np.add, np.multiply, np.divide, np.power, np.maximum, np.arctan2, np.matmul]),
    st.sampled_from("fd"),
    st.sampled_from(["f", "d", "i4", "u1", "?", float, int]),
    st.booleans(),
)
def test_types_are_promoted_as_numpy_does(f: Any, kind: str, other: Any, swap: bool) -> None:
    """A result has NumPy's type for these operands; a gradient has the type of its operand."""
    assume(not (f is np.matmul and isinstance(other, type)))
    a = np.array([1.5, 2.5, 0.5], kind)
    b = other(2) if isinstance(other, type) else np.array([1, 1, 1], other)
    t = mg.tensor(a, requires_grad=True)
    y = f(b, t) if swap else f(t, b)
    assert y.dtype == (f(b, a) if swap else f(a, b)).dtype
    y.backward(np.ones(y.shape))
    assert t.grad.dtype == a.dtype
