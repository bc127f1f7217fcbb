"""The transforms: conventions, nesting, closures, trees, and operations of the user's own."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from tests.factories import assert_close, derivative

Pair = namedtuple("Pair", "left right")


@dataclasses.dataclass
class Layer:
    weight: Any
    bias: Any = None


def plain(x: Any) -> bool:
    """Return whether a result is an ndarray with axes or a NumPy scalar without, as NumPy returns them."""
    return isinstance(x, np.generic) or (type(x) is np.ndarray and x.ndim > 0)


# -- conventions ---------------------------------------------------------------------------------------------


def test_results_are_numpy_arrays_and_scalars() -> None:
    x = np.ones(2)
    value, gradient = mg.value_and_grad(lambda x: np.sum(x * x))(x)
    assert type(value) is np.float64
    assert type(gradient) is np.ndarray
    assert type(mg.grad(np.sin)(1.0)) is np.float64
    assert type(mg.grad(np.sin)(np.array(1.0))) is np.float64
    assert type(mg.jacobian(np.sin)(1.0)) is np.float64
    assert type(mg.hessian(np.sin)(1.0)) is np.float64
    assert type(mg.hvp(np.sin)(1.0, 2.0)) is np.float64
    y, pull = mg.vjp(np.sin, 1.0)
    assert type(y) is np.float64
    assert [type(g) for g in pull(1.0)] == [np.float64]
    assert [type(v) for v in mg.jvp(np.sin, (1.0,), (1.0,))] == [np.float64, np.float64]
    assert all(map(plain, mg.jvp(np.sin, (x,), (x,))))


def test_inside_f_the_arguments_are_tensors() -> None:
    kinds = []

    def f(x: Any, data: Any, count: Any, *, more: Any) -> Any:
        kinds.extend([type(x), type(data), type(count), type(more)])
        return np.sum(x)

    mg.grad(f)(np.ones(2), np.ones(2), 3, more=np.arange(2))
    assert kinds == [mg.Tensor, mg.Tensor, int, mg.Tensor]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (0,), (2, 0)])
def test_gradients_have_the_dtype_and_shape_of_the_input(dtype: Any, shape: tuple[int, ...]) -> None:
    x = np.ones(shape, dtype)

    def f(x: Any) -> Any:
        return np.sum(2 * np.tanh(x) ** 2 / 3 + 1 - x * 0.5)

    results = {
        "grad": mg.grad(f)(x),
        "vjp": mg.vjp(f, x)[1](1.0)[0],
        "hvp": mg.hvp(f)(x, x),
        "jvp": mg.jvp(lambda v: 2 * v, (x,), (x,))[1],
        "jacobian": mg.jacobian(f)(x),
    }
    for name, g in results.items():
        assert (g.dtype, g.shape) == (x.dtype, shape), name
    h = mg.hessian(f)(x)
    assert (h.dtype, h.shape) == (x.dtype, shape + shape)
    t = mg.tensor(x, requires_grad=True)
    f(t).backward()
    assert (t.grad.dtype, t.grad.shape) == (x.dtype, shape)


def test_mixed_precision_gives_each_input_its_own_dtype() -> None:
    a, b = np.ones(3, np.float32), np.ones(3)
    ga, gb = mg.grad(lambda a, b: np.sum(a * b), (0, 1))(a, b)
    assert (ga.dtype, gb.dtype) == (np.float32, np.float64)


@pytest.mark.parametrize("scalar", [2, 2.0, True, math.pi])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, c: x * c,
        lambda x, c: c - x,
        lambda x, c: x / (c + 1),
        lambda x, c: np.power(x, c),
        lambda x, c: np.maximum(x, c),
        lambda x, c: np.where(x > 0, x, c),
    ],
)
def test_python_scalars_are_weak(f: Callable[[Any, Any], Any], scalar: float) -> None:
    for dtype in (np.float16, np.float32):
        x = np.array([0.5, 1.5], dtype)
        assert f(mg.tensor(x, requires_grad=True), scalar).dtype == dtype == f(x, scalar).dtype
        assert mg.grad(lambda x: np.sum(f(x, scalar)))(x).dtype == dtype


def test_byte_swapped_input_is_read_right() -> None:
    x = np.array([1.0, 2.0]).astype(np.dtype(float).newbyteorder())
    g = mg.grad(lambda x: np.sum(x**3))(x)
    np.testing.assert_array_equal(g, [3.0, 12.0])
    assert g.dtype == np.float64


def test_an_input_that_the_output_ignores_has_a_zero_gradient() -> None:
    x, y = np.ones(2, np.float32), np.ones((2, 2))
    assert_zero(mg.grad(lambda x, y: np.sum(y), 0)(x, y), x)
    assert_zero(mg.grad(lambda x, y: 3.0, 1)(x, y), y)
    assert_zero(mg.grad(lambda x, y: np.float32(3))(x, y), x)
    assert_zero(mg.vjp(lambda x, y: np.sum(y), x, y)[1](1.0)[0], x)
    assert_zero(mg.jvp(lambda x: np.ones(3), (x,), (x,))[1], np.ones(3))
    assert_zero(mg.jacobian(lambda x, y: y)(x, y), np.zeros((2, 2, 2), np.float32))
    assert_zero(mg.hessian(lambda x, y: np.sum(x))(x, y), np.zeros((2, 2), np.float32))
    assert_zero(mg.hvp(lambda x, y: np.sum(y))(x, y, x), x)
    assert_zero(mg.grad(lambda x, y: np.sum(y) + 0 * np.sum(np.sign(x)))(x, y), x)


def assert_zero(g: Any, like: Any) -> None:
    np.testing.assert_array_equal(g, np.zeros(np.shape(like)))
    assert g.dtype == like.dtype


def memory(*arrays: Any) -> None:
    """Assert that no two arrays share memory, and that all can be written to."""
    arrays = tuple(a for a in arrays if isinstance(a, np.ndarray))
    for a, b in itertools.combinations(arrays, 2):
        assert not np.shares_memory(a, b)
    for a in arrays:
        a[...] = -7.0


IDENTITIES: dict[str, Callable[[Any], Any]] = {
    "itself": lambda x: x,
    "view": lambda x: x[:],
    "reversed": lambda x: x[::-1],
    "reshaped": lambda x: x.reshape(3),
    "plus": lambda x: x + 0,
    "twice": lambda x: (x, x, x[:2]),
    "copy": lambda x: np.copy(x),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_results_share_memory_with_nothing(name: str) -> None:
    f = IDENTITIES[name]
    x, dx = np.arange(3.0), np.ones(3)
    y, pull = mg.vjp(f, x)
    ct = tuple(np.ones_like(v) for v in y) if isinstance(y, tuple) else np.ones_like(y)
    once, again = pull(ct), pull(ct)
    ys, cts = (y, ct) if isinstance(y, tuple) else ((y,), (ct,))
    memory(x, *ys, *cts, *once, *again)
    x, dx = np.arange(3.0), np.ones(3)
    y, dy = mg.jvp(f, (x,), (dx,))
    memory(x, dx, *(y if isinstance(y, tuple) else (y,)), *(dy if isinstance(dy, tuple) else (dy,)))


def test_gradients_share_memory_with_nothing() -> None:
    x, y = np.ones(3), np.ones(3)
    _, (gx, gy) = mg.value_and_grad(lambda x, y: np.sum(x + y), (0, 1))(x, y)
    memory(x, y, gx, gy)
    a, b = mg.tensor(np.ones(3), requires_grad=True), mg.tensor(np.ones(3), requires_grad=True)
    ct = np.ones(3)
    (a + b).backward(ct)
    memory(ct, a.grad, b.grad)
    np.testing.assert_array_equal(a.data, 1.0)
    ct = np.ones(3)
    a.zero_grad()
    a.backward(ct)  # a leaf itself
    memory(ct, a.grad)
    (g, aux) = mg.grad(lambda x: (np.sum(x), x), has_aux=True)(x)
    memory(x, g, aux)


def test_a_pullback_is_that_of_the_values_at_the_call() -> None:
    x, c = np.array([1.0, 2.0]), np.array([3.0, 4.0])

    def f(x: Any) -> Any:
        return x * x * c

    y, pull = mg.vjp(f, x)
    x[:], c[:], y[:] = 100.0, 100.0, 100.0
    np.testing.assert_array_equal(pull(np.ones(2))[0], [6.0, 16.0])
    np.testing.assert_array_equal(pull(np.ones(2))[0], [6.0, 16.0])


def test_a_function_that_changes_its_own_array_does_not_change_the_gradient() -> None:
    x = np.array([1.0, 2.0])

    def f(t: Any) -> Any:
        y = t * t
        x[:] = 0.0
        return np.sum(y)

    np.testing.assert_array_equal(mg.grad(f)(x), [2.0, 4.0])


def test_calling_changes_no_argument() -> None:
    x = np.arange(3.0)
    before = x.copy()
    flags = str(x.flags)
    mg.grad(lambda x: np.sum(np.sin(x) * x[::-1]))(x)
    mg.hessian(lambda x: np.sum(np.sin(x) * x[::-1]))(x)
    mg.trace(lambda x: x.data, x)
    mg.vjp(lambda x: x, x)[1](x)
    np.testing.assert_array_equal(x, before)
    assert str(x.flags) == flags


def test_mutable_arguments_that_hold_no_arrays_stay_the_callers_own() -> None:
    log: list[str] = []
    options = {"rate": 1}

    def f(x: Any, log: Any, *, options: Any) -> Any:
        log.append("called")
        options["rate"] += 1
        return x * 2.0

    mg.grad(f)(1.0, log, options=options)
    mg.trace(f, 1.0, log, options=options)
    assert log == ["called", "called"]
    assert options == {"rate": 3}


# -- argnums, keywords, names --------------------------------------------------------------------------------


def product(a: Any, b: Any, c: Any = 1.0, *, power: int = 1) -> Any:
    """Return a b^2 c^3."""
    return (a * b**2 * c**3) ** power


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [
        (0, 4.0 * 27.0),
        (1, 2 * 2.0 * 1.0 * 27.0),
        (-1, 3 * 9.0 * 4.0),
        (np.int64(0), 108.0),
        ((0,), (108.0,)),
        ((0, 2), (108.0, 108.0)),
        ([2, 1], (108.0, 108.0)),
        ((-3, -1), (108.0, 108.0)),
        ((), ()),
    ],
)
def test_argnums(argnums: Any, expected: Any) -> None:
    assert mg.grad(product, argnums)(1.0, 2.0, 3.0) == expected
    assert mg.value_and_grad(product, argnums)(1.0, 2.0, 3.0) == (108.0, expected)
    assert mg.jacobian(product, argnums)(1.0, 2.0, 3.0) == expected


@pytest.mark.parametrize("argnums", [3, -4, (0, 5), (0, 0), (0, -3)])
def test_argnums_that_do_not_fit(argnums: Any) -> None:
    with pytest.raises(ValueError, match=r"argnums=.*product"):
        mg.grad(product, argnums)(1.0, 2.0, 3.0)


@pytest.mark.parametrize("argnums", ["a", 1.0, (0, "b"), None])
def test_argnums_of_the_wrong_type(argnums: Any) -> None:
    with pytest.raises(TypeError):
        mg.grad(product, argnums)(1.0, 2.0, 3.0)


def test_hessian_and_hvp_of_several_arguments() -> None:
    (aa, ab), (ba, bb) = mg.hessian(product, (0, 1))(1.0, 2.0, 1.0)
    assert (aa, ab, ba, bb) == (0.0, 4.0, 4.0, 2.0)
    assert mg.hvp(product, (0, 1))(1.0, 2.0, 1.0, (1.0, 10.0)) == (40.0, 24.0)
    assert mg.hvp(product, 1)(1.0, 2.0, 1.0, 10.0) == 20.0


def test_keywords_are_passed_through() -> None:
    assert mg.grad(product)(2.0, 1.0, power=3) == 12.0
    assert mg.value_and_grad(product)(2.0, 1.0, power=2) == (4.0, 4.0)
    assert mg.jacobian(product)(2.0, 1.0, power=2) == 4.0
    assert mg.hvp(product)(2.0, 1.0, 1.0, power=2) == 2.0
    assert mg.grad(product)(2.0, 1.0, c=np.float64(2.0)) == 8.0


def test_the_differentiated_argument_must_be_positional() -> None:
    with pytest.raises(ValueError, match="by position"):
        mg.grad(lambda x: x)(x=1.0)


def test_transforms_keep_name_and_docstring() -> None:
    for transform in (mg.grad, mg.value_and_grad, mg.jacobian, mg.hessian, mg.hvp):
        assert transform(product).__name__ == "product"
        assert transform(product).__doc__ == "Return a b^2 c^3."


class Model:
    def __init__(self, scale: float) -> None:
        self.scale = scale

    def loss(self, x: Any) -> Any:
        return self.scale * x**2

    def __call__(self, x: Any) -> Any:
        return self.scale * x**3


CALLABLES: dict[str, tuple[Callable[[Any], Any], float]] = {
    "function": (lambda x: x**2, 4.0),
    "method": (Model(3.0).loss, 12.0),
    "object": (Model(2.0), 24.0),
    "partial": (functools.partial(product, b=3.0), 9.0),
    "ufunc": (np.exp, math.exp(2.0)),
    "function of NumPy": (np.sum, 1.0),
    "of ours": (mg.logistic, mg.logistic(2.0) * (1 - mg.logistic(2.0))),
    "builtin": (abs, 1.0),
    "operator": ((2.0).__rmul__, 2.0),
    "gradient": (mg.grad(lambda x: x**3), 12.0),
}


@pytest.mark.parametrize("name", [name for name in CALLABLES if name != "operator"])
def test_anything_callable(name: str) -> None:
    f, expected = CALLABLES[name]
    assert mg.grad(f)(2.0) == pytest.approx(expected, rel=1e-14)
    assert mg.jvp(f, (2.0,), (1.0,))[1] == pytest.approx(expected, rel=1e-14)
    assert repr(mg.trace(f, 2.0))


# -- nesting -------------------------------------------------------------------------------------------------


def curve(x: Any) -> Any:
    return np.sin(2 * x) * np.exp(x / 2)


FIRST: dict[str, Callable[[Any], Any]] = {
    "grad": mg.grad,
    "value_and_grad": lambda f: lambda x: mg.value_and_grad(f)(x)[1],
    "vjp": lambda f: lambda x: mg.vjp(f, x)[1](1.0)[0],
    "jvp": lambda f: lambda x: mg.jvp(f, (x,), (1.0,))[1],
    "jacobian": mg.jacobian,
}
ORDERS = [*itertools.product(FIRST, repeat=2), *itertools.product(FIRST, repeat=3)]
EXACT = {  # the nth derivative of exp((1/2 + 2i) x), imaginary part
    n: lambda x, n=n: np.imag((0.5 + 2j) ** n * np.exp((0.5 + 2j) * x)) for n in range(6)
}


@pytest.mark.parametrize("names", ORDERS, ids="-".join)
def test_transforms_nest_in_any_order(names: tuple[str, ...]) -> None:
    f = curve
    for name in names:
        f = FIRST[name](f)
    assert f(0.7) == pytest.approx(EXACT[len(names)](0.7), rel=1e-13)
    assert plain(f(0.7))


def test_fifth_order() -> None:
    f = curve
    for n in range(1, 6):
        f = mg.grad(f)
        assert f(0.3) == pytest.approx(EXACT[n](0.3), rel=1e-12)


@pytest.mark.parametrize("outer", FIRST)
def test_hessian_and_hvp_inside_another_transform(outer: str) -> None:
    assert FIRST[outer](mg.hessian(curve))(0.7) == pytest.approx(EXACT[3](0.7), rel=1e-13)
    assert FIRST[outer](lambda x: mg.hvp(curve)(x, 2.0))(0.7) == pytest.approx(2 * EXACT[3](0.7), rel=1e-13)
    assert FIRST[outer](lambda v: mg.hvp(curve)(0.7, v))(1.0) == pytest.approx(EXACT[2](0.7), rel=1e-13)
    assert mg.hessian(FIRST[outer](curve))(0.7) == pytest.approx(EXACT[3](0.7), rel=1e-13)
    assert mg.hvp(FIRST[outer](curve))(0.7, 1.0) == pytest.approx(EXACT[3](0.7), rel=1e-13)


D = mg.grad
CONFUSIONS: dict[str, tuple[Callable[[], Any], float]] = {
    "x * d/dy (x + y)": (lambda: D(lambda x: x * D(lambda y: x + y)(1.0))(3.0), 1.0),
    "x * d/dy (x y)": (lambda: D(lambda x: x * D(lambda y: x * y)(1.0))(3.0), 6.0),
    "x * d/dy (x y^2) at y = x": (lambda: D(lambda x: x * D(lambda y: x * y**2)(x))(2.0), 24.0),
    "d/dy alone": (lambda: D(lambda x: D(lambda y: y**3)(x))(2.0), 12.0),
    "d/dy of outer x only": (lambda: D(lambda x: x * x + D(lambda y: x * x)(1.0))(3.0), 6.0),
    "same name twice": (lambda: D(lambda x: D(lambda x: x**3)(x**2))(2.0), 6 * 4.0 * 4.0),
    "three levels": (lambda: D(lambda x: D(lambda y: D(lambda z: x * y * z)(1.0))(2.0) * x)(5.0), 10.0),
    "jvp in jvp": (
        lambda: mg.jvp(lambda x: x * mg.jvp(lambda y: x + y, (1.0,), (1.0,))[1], (3.0,), (1.0,))[1],
        1.0,
    ),
    "jvp in jvp, tangent x": (
        lambda: mg.jvp(lambda x: mg.jvp(lambda y: y * y, (3.0,), (x,))[1], (2.0,), (1.0,))[1],
        6.0,
    ),
    "jvp in grad": (lambda: D(lambda x: x * mg.jvp(lambda y: x * y, (1.0,), (1.0,))[1])(3.0), 6.0),
    "jvp in grad, point and tangent x": (
        lambda: D(lambda x: mg.jvp(lambda y: y**3, (x,), (x,))[1])(2.0),
        36.0,
    ),
    "grad in jvp": (lambda: mg.jvp(lambda x: x * D(lambda y: x * y)(1.0), (3.0,), (1.0,))[1], 6.0),
    "value of the inner": (lambda: D(lambda x: mg.value_and_grad(lambda y: x * y)(3.0)[0])(2.0), 3.0),
    "inner returns the outer variable": (
        lambda: D(lambda x: mg.value_and_grad(lambda y: x)(1.0)[0])(2.0),
        1.0,
    ),
    "inner vjp returns the outer variable": (lambda: D(lambda x: mg.vjp(lambda y: x, 1.0)[0])(2.0), 1.0),
    "inner jvp returns the outer variable": (
        lambda: D(lambda x: mg.jvp(lambda y: x, (1.0,), (1.0,))[0])(2.0),
        1.0,
    ),
    "inner aux is the outer variable": (
        lambda: D(lambda x: D(lambda y: (y, x), has_aux=True)(1.0)[1])(2.0),
        1.0,
    ),
    "inner aux of both": (lambda: D(lambda x: D(lambda y: (y, x * y), has_aux=True)(3.0)[1])(2.0), 3.0),
    "outer variable in a tree": (
        lambda: D(lambda x: D(lambda p: p["a"] * p["b"])({"a": x, "b": 2.0})["b"])(5.0),
        1.0,
    ),
    "pull outside its vjp": (lambda: D(lambda c: mg.vjp(np.sin, 0.5)[1](c)[0])(1.0), math.cos(0.5)),
    "pull made outside": (
        lambda: (lambda pull: D(lambda c: pull(c * c)[0])(3.0))(mg.vjp(lambda x: 2 * x, 1.0)[1]),
        12.0,
    ),
    "pull of an outer point": (lambda: D(lambda x: mg.vjp(lambda y: y**3, x)[1](x)[0])(2.0), 36.0),
    "pull and its value": (
        lambda: D(lambda x: (lambda y, pull: y * pull(1.0)[0])(*mg.vjp(lambda t: t * t, x)))(2.0),
        24.0,
    ),
    "closure through a list": (lambda: D(lambda x: D(lambda y: sum([x, y, x * y]))(1.0) * x)(3.0), 7.0),
    "constant f": (lambda: D(lambda x: D(lambda y: 5.0)(x))(2.0), 0.0),
    "jacobian inside": (lambda: D(lambda x: np.sum(mg.jacobian(lambda v: x * v**2)(np.ones(2))))(3.0), 4.0),
    "hessian inside": (lambda: D(lambda x: mg.hessian(lambda y: x * y**3)(2.0))(3.0), 12.0),
    "wide jacobian inside": (
        lambda: D(lambda x: np.sum(mg.jacobian(lambda t: t * x * np.ones(3))(2.0)))(3.0),
        3.0,
    ),
}


@pytest.mark.parametrize("name", CONFUSIONS)
def test_no_perturbation_is_confused(name: str) -> None:
    compute, expected = CONFUSIONS[name]
    assert compute() == pytest.approx(expected, rel=1e-14)


def test_transforms_close_over_outer_tensors() -> None:
    w = mg.tensor(3.0, requires_grad=True)
    inner = mg.grad(lambda x: x * x * w)(2.0)  # 2 x w, a Tensor: it depends on w
    assert isinstance(inner, mg.Tensor)
    inner.backward()
    assert w.grad == 4.0
    for result in (
        mg.jvp(lambda x: x * w, (2.0,), (1.0,))[1],
        mg.vjp(lambda x: x * w, 2.0)[1](1.0)[0],
        mg.hessian(lambda x: x * x * w)(1.0) / 2,
        mg.jacobian(lambda x: x * w)(1.0),
        mg.value_and_grad(lambda x: x * w)(1.0)[0],
    ):
        w.zero_grad()
        result.backward()
        assert w.grad == 1.0 if result.item() == 3.0 else w.grad == 2.0


def test_an_outer_tensor_without_influence_leaves_plain_results() -> None:
    w = mg.tensor(3.0, requires_grad=True)
    assert plain(mg.grad(lambda x: x * x + 0 * w.data)(2.0))
    assert plain(mg.grad(lambda x: x * w.detach())(2.0))


def test_differentiating_with_respect_to_a_leaf_leaves_it_alone() -> None:
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    g = mg.grad(lambda v: np.sum(v * v))(w)
    assert w.grad is None
    np.testing.assert_array_equal(getattr(g, "data", g), [2.0, 4.0])
    np.sum(g * g).backward()  # sum (2 w)^2
    np.testing.assert_array_equal(w.grad, [8.0, 16.0])


def test_backward_inside_a_transform() -> None:
    def f(x: Any) -> Any:
        w = mg.tensor(2.0, requires_grad=True)
        (w * w * 3).backward()
        return x * w.grad

    assert mg.grad(f)(1.0) == 12.0


def test_a_transform_inside_a_traced_function_is_on_the_graph() -> None:
    def step(w: Any, rate: Any) -> Any:
        g = mg.grad(lambda v: np.sum(v**3))(w)
        return w - rate * g

    graph = mg.trace(step, np.array([1.0, 2.0]), 0.5)
    w, rate = graph.inputs["w"], graph.inputs["rate"]
    np.testing.assert_array_equal(graph.value(graph.outputs[0]), [-0.5, -4.0])
    moved = graph.evaluate(graph.outputs[0], {w: np.array([2.0, 0.0]), rate: 1.0})
    np.testing.assert_array_equal(moved, [-10.0, 0.0])
    found = graph.gradients(cotangent=np.ones(2))
    np.testing.assert_array_equal(found[w], 1 - 0.5 * 6 * np.array([1.0, 2.0]))
    assert found[rate] == -15.0


def test_trace_inside_a_transform_does_not_disturb_it() -> None:
    def f(x: Any) -> Any:
        graph = mg.trace(lambda y: y * y, 3.0)
        return x * graph.value(graph.outputs[0])

    assert mg.grad(f)(1.0) == 9.0


# -- jacobian ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("m", [1, 2, 7])
def test_jacobian_forward_or_reverse(n: int, m: int) -> None:
    a = np.arange(float(n * m)).reshape(m, n) / 5
    x = np.linspace(0.1, 0.9, n)
    np.testing.assert_allclose(mg.jacobian(lambda x: np.sin(a @ x))(x), np.cos(a @ x)[:, None] * a, rtol=1e-14)


@pytest.mark.parametrize("out", [(), (3,), (2, 2), (0,)])
@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (0,)])
def test_jacobian_shapes(shape: tuple[int, ...], out: tuple[int, ...]) -> None:
    j = mg.jacobian(lambda x: np.sum(x) * np.ones(out))(np.ones(shape))
    assert j.shape == out + shape
    np.testing.assert_array_equal(j, np.ones(out + shape))
    assert plain(j)


def test_jacobian_of_trees() -> None:
    x = {"a": np.ones(2), "b": 3.0}
    j = mg.jacobian(lambda p: (p["a"] * p["b"], [p["b"]]))(x)
    np.testing.assert_array_equal(j[0]["a"], 3 * np.eye(2))
    np.testing.assert_array_equal(j[0]["b"], np.ones(2))
    np.testing.assert_array_equal(j[1][0]["a"], np.zeros(2))
    assert j[1][0]["b"] == 1.0


def test_hessian_is_symmetric_and_right() -> None:
    x = np.linspace(0.2, 1.0, 4)

    def f(x: Any) -> Any:
        return np.prod(x) + np.sum(np.outer(x, np.sin(x)))

    h = mg.hessian(f)(x)
    np.testing.assert_allclose(h, h.T, rtol=1e-13)
    numeric = [derivative(lambda t, e=e: mg.grad(f)(x + t * e)) for e in np.eye(4)]
    assert_close(h, np.stack(numeric), 1e-8)


def test_hessian_of_a_tree() -> None:
    h = mg.hessian(lambda p: p["a"] ** 2 * p["b"])({"a": 2.0, "b": 3.0})
    assert h == {"a": {"a": 6.0, "b": 4.0}, "b": {"a": 4.0, "b": 0.0}}


# -- trees ---------------------------------------------------------------------------------------------------

TREES = {
    "list": [2.0, 3.0],
    "tuple": (2.0, 3.0),
    "dict": {"a": 2.0, "b": 3.0},
    "ordered dict": OrderedDict(b=2.0, a=3.0),
    "named tuple": Pair(2.0, 3.0),
    "dataclass": Layer(2.0, 3.0),
    "nested": {"layers": [Layer(2.0, None), Layer(3.0)]},
    "arrays": (np.array([2.0]), np.array([[3.0]], np.float32)),
    "None": (2.0, None, 3.0),
}


def leaves(tree: Any) -> list[Any]:
    if tree is None:
        return []
    if isinstance(tree, dict):
        return [leaf for item in tree.values() for leaf in leaves(item)]
    if isinstance(tree, tuple | list):
        return [leaf for item in tree for leaf in leaves(item)]
    if isinstance(tree, Layer):
        return leaves(tree.weight) + leaves(tree.bias)
    return [tree]


def power(tree: Any) -> Any:
    """Return a^2 b of the two leaves."""
    a, b = leaves(tree)
    return np.sum(a) ** 2 * np.sum(b)


def same_structure(a: Any, b: Any) -> None:
    assert type(a) is type(b) or not isinstance(b, list | tuple | dict | Layer | type(None))
    if isinstance(b, dict):
        assert list(a) == list(b)
        for key in b:
            same_structure(a[key], b[key])
    elif isinstance(b, list | tuple):
        for x, y in zip(a, b, strict=True):
            same_structure(x, y)
    elif isinstance(b, Layer):
        same_structure(a.weight, b.weight)
        same_structure(a.bias, b.bias)
    elif b is not None:
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype


@pytest.mark.parametrize("name", TREES)
def test_arguments_are_trees(name: str) -> None:
    x = TREES[name]
    g = mg.grad(power)(x)
    same_structure(g, x)
    assert [float(np.sum(leaf)) for leaf in leaves(g)] == [12.0, 4.0]
    (pulled,) = mg.vjp(power, x)[1](1.0)
    same_structure(pulled, x)
    assert mg.jvp(power, (x,), (g,))[1] == 12.0 * 12 + 4 * 4
    same_structure(mg.hvp(power)(x, g), x)
    same_structure(mg.jacobian(power)(x), x)


@pytest.mark.parametrize("name", TREES)
def test_results_are_trees(name: str) -> None:
    shape = TREES[name]

    def f(x: Any) -> Any:
        first, second = leaves(shape)
        values = iter([x * first, x**2 * second])

        def fill(tree: Any) -> Any:
            if tree is None:
                return None
            if isinstance(tree, dict):
                return type(tree)((k, fill(v)) for k, v in tree.items())
            if hasattr(tree, "_fields"):
                return type(tree)(*map(fill, tree))
            if isinstance(tree, tuple | list):
                return type(tree)(map(fill, tree))
            if isinstance(tree, Layer):
                return Layer(fill(tree.weight), fill(tree.bias))
            return next(values)

        return fill(shape)

    y, pull = mg.vjp(f, 2.0)
    same_structure(y, shape) if name != "arrays" else None
    assert pull(y)[0] == 2 * 4.0 + 4 * 3.0 * 12.0
    _, dy = mg.jvp(f, (2.0,), (1.0,))
    assert [float(np.sum(v)) for v in leaves(dy)] == [2.0, 12.0]
    assert [float(np.sum(v)) for v in leaves(mg.jacobian(f)(2.0))] == [2.0, 12.0]


def test_a_cotangent_or_tangent_dict_may_be_in_any_order() -> None:
    _, pull = mg.vjp(lambda x: {"a": x, "b": 10 * x}, 1.0)
    assert pull({"b": 0.0, "a": 1.0}) == (1.0,)
    assert mg.jvp(lambda p: p["a"] + 10 * p["b"], ({"a": 1.0, "b": 1.0},), ({"b": 0.0, "a": 1.0},))[1] == 1.0
    product = mg.hvp(lambda p: p["a"] ** 2 + 10 * p["b"] ** 2)({"a": 1.0, "b": 1.0}, {"b": 0.0, "a": 1.0})
    assert product == {"a": 2.0, "b": 0.0}


def test_empty_trees() -> None:
    assert mg.grad(lambda p: 3.0)({}) == {}
    assert mg.grad(lambda p, x: x * x, 1)([], 2.0) == 4.0
    assert mg.jvp(lambda p: 3.0, ((),), ((),)) == (3.0, 0.0)


def test_has_aux_of_every_transform() -> None:
    x, v = np.array([1.0, 2.0]), np.array([0.5, -1.0])

    def f(x: Any) -> Any:
        y = np.sin(x)
        return np.sum(x * y), {"y": y, "name": "sine"}

    def outputs(x: Any) -> Any:
        return (x**2, x[0]), x * 2

    def alone(x: Any) -> Any:
        return f(x)[0]

    for found, expected in [
        (mg.grad(f, has_aux=True)(x), mg.grad(alone)(x)),
        (mg.hessian(f, has_aux=True)(x), mg.hessian(alone)(x)),
        (mg.hvp(f, has_aux=True)(x, v), mg.hvp(alone)(x, v)),
        (mg.jacobian(f, has_aux=True)(x), mg.jacobian(alone)(x)),
    ]:
        np.testing.assert_array_equal(found[0], expected)
        np.testing.assert_array_equal(found[1]["y"], np.sin(x))
        assert found[1]["name"] == "sine"
        assert plain(found[1]["y"])
    y, pull, aux = mg.vjp(outputs, x, has_aux=True)
    np.testing.assert_array_equal(pull((v, 1.0))[0], 2 * x * v + [1, 0])
    np.testing.assert_array_equal(aux, 2 * x)
    y, dy, aux = mg.jvp(outputs, (x,), (v,), has_aux=True)
    np.testing.assert_array_equal(y[0], x**2)
    np.testing.assert_array_equal(dy[0], 2 * x * v)
    np.testing.assert_array_equal(aux, 2 * x)
    for transform in (mg.jacobian, mg.hessian, mg.hvp):
        with pytest.raises(TypeError, match=r"has_aux=True wants .* to return \(result, other\)"):
            transform(lambda x: np.sum(x), has_aux=True)(x, *([x] if transform is mg.hvp else []))


@dataclasses.dataclass(frozen=True)
class Network:
    first: Layer
    rest: tuple[Layer, ...]
    width: int = 3
    activation: Any = np.tanh


def network(seed: int) -> Network:
    rng = np.random.default_rng(seed)
    layers = [Layer(rng.normal(size=(3, 3)), rng.normal(size=3)) for _ in range(2)]
    return Network(layers[0], (layers[1],))


def test_dataclasses_of_dataclasses_are_trees_for_every_transform() -> None:
    """Fields that are no numbers must be kept out of what is differentiated: they are closed over, or in a tree of options."""
    a, v = network(0), network(1)
    X = np.random.default_rng(2).normal(size=(4, 3))

    def model(first: Any, rest: Any) -> Any:
        H = X
        for layer in (first, *rest):
            H = np.tanh(H @ layer.weight + layer.bias)
        return Layer(H, None)

    def loss(y: Any) -> Any:
        return np.sum(y.weight**2)

    def whole(first: Any, rest: Any) -> Any:
        return loss(model(first, rest))

    args, directions = (a.first, a.rest), (v.first, v.rest)
    gradient = mg.grad(whole, (0, 1))(*args)
    assert type(gradient[0]) is Layer
    assert type(gradient[1][0]) is Layer
    _, slope = mg.jvp(whole, args, directions)
    pairs = list(zip(leaves(gradient[0]) + leaves(gradient[1]), leaves(v.first) + leaves(v.rest), strict=True))
    np.testing.assert_allclose(sum(np.sum(g * d) for g, d in pairs), slope, rtol=1e-12)
    product = mg.hvp(whole, (0, 1))(*args, directions)
    assert type(product[1][0]) is Layer
    gauss_newton = mg.gauss_newton_product(model, loss, (0, 1))(*args, directions)
    assert type(gauss_newton[0]) is Layer
    _, dy = mg.jvp(model, args, directions)
    y, pull = mg.vjp(model, *args)
    expected = pull(mg.hvp(loss)(y, dy))
    for g, e in zip(
        leaves(gauss_newton[0]) + leaves(gauss_newton[1]), leaves(expected[0]) + leaves(expected[1]), strict=True
    ):
        np.testing.assert_allclose(g, e, rtol=1e-12)
    np.testing.assert_allclose(mg.grad(mg.checkpoint(whole))(*args).weight, gradient[0].weight, rtol=1e-13)
    with pytest.raises(TypeError, match=r"`net\.width`|\.width"):
        mg.grad(lambda net: whole(net.first, net.rest))(a)


def test_gauss_newton_products() -> None:
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(5, 3)), np.array([0, 1, 1, 0, 2])
    W, V = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))

    def model(W: Any, scale: float) -> Any:
        return np.tanh(X @ W) * scale

    def loss(logits: Any) -> Any:
        return mg.cross_entropy(logits, labels)

    found = mg.gauss_newton_product(model, loss)(W, 2.0, V)
    J = mg.jacobian(model)(W, 2.0).reshape(15, 9)
    H = mg.hessian(loss)(model(W, 2.0)).reshape(15, 15)
    np.testing.assert_allclose(found.ravel(), J.T @ H @ J @ V.ravel(), rtol=1e-10)
    assert np.sum(found * V) >= 0
    both = mg.gauss_newton_product(model, loss, (0, 1))(W, 2.0, (V, 0.0))
    np.testing.assert_allclose(both[0], found, rtol=1e-12)
    linear = mg.gauss_newton_product(lambda W: X @ W, loss)(W, V)  # of a linear model it is the Hessian
    np.testing.assert_allclose(linear, mg.hvp(lambda W: loss(X @ W))(W, V), rtol=1e-10)
    outer = mg.grad(lambda W: np.sum(mg.gauss_newton_product(model, loss)(W, 2.0, V)))(W)  # nested
    assert outer.shape == W.shape
    for call, words in [
        (lambda: mg.gauss_newton_product(model, 3.0), "wants the loss as a function"),
        (lambda: mg.gauss_newton_product(3.0, loss), "wants a function"),
        (lambda: mg.gauss_newton_product(model, loss)(W), "then the vector"),
        (lambda: mg.gauss_newton_product(model, lambda y: y)(W, 2.0, V), "scalar"),
    ]:
        with pytest.raises(TypeError, match=words):
            call()


def test_has_aux() -> None:
    def f(x: Any) -> Any:
        y = np.sin(x)
        return np.sum(y), {"y": y, "note": "kept", "count": 3, "none": None, "shape": y.shape}

    x = np.array([0.5, 1.0])
    (value, aux), g = mg.value_and_grad(f, has_aux=True)(x)
    assert value == np.sum(np.sin(x))
    np.testing.assert_array_equal(g, np.cos(x))
    np.testing.assert_array_equal(aux["y"], np.sin(x))
    assert type(aux["y"]) is np.ndarray
    assert (aux["note"], aux["count"], aux["none"], aux["shape"]) == ("kept", 3, None, (2,))
    g2, aux2 = mg.grad(f, has_aux=True)(x)
    np.testing.assert_array_equal(g2, g)
    assert aux2["note"] == "kept"
    with pytest.raises(TypeError, match=r"has_aux=True.*\(result, other\)"):
        mg.grad(lambda x: x, has_aux=True)(1.0)


# -- what a loss may be --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1,), (1, 1), (1, 1, 1)])
def test_any_real_output_of_size_one(shape: tuple[int, ...]) -> None:
    assert mg.grad(lambda x: (x * x).reshape(shape))(3.0) == 6.0
    value, _ = mg.value_and_grad(lambda x: (x * x).reshape(shape))(3.0)
    assert value.shape == shape
    assert mg.grad(mg.grad(lambda x: (x**3).reshape(shape)))(3.0) == 18.0
    t = mg.tensor(3.0, requires_grad=True)
    (t * t).reshape(shape).backward()
    assert t.grad == 6.0


LOSSES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "vector": (lambda x: x * 2, r"shape \(2,\).*np\.sum"),
    "empty": (lambda x: x[:0], r"shape \(0,\)"),
    "None": (lambda x: None, r"None.*return"),
    "tuple": (lambda x: (np.sum(x), x), r"tuple.*has_aux=True"),
    "list": (lambda x: [np.sum(x)], "list"),
    "dict": (lambda x: {"loss": np.sum(x)}, "dict"),
    "string": (lambda x: "loss", "str"),
    "bool": (lambda x: np.any(x > 0), "boolean"),
    "plain bool": (lambda x: True, "boolean"),
    "int": (lambda x: np.argmax(x), "integer"),
    "plain int": (lambda x: 3, "integer"),
    "count": (lambda x: np.sum(x > 0), "integer"),
    "complex": (lambda x: np.sum(x * 1j), r"complex.*np\.real"),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("transform", [mg.grad, mg.value_and_grad, mg.hessian])
def test_other_losses_are_refused_with_advice(transform: Any, name: str) -> None:
    f, message = LOSSES[name]

    def my_loss(x: Any) -> Any:
        return f(x)

    with pytest.raises(TypeError, match=message) as caught:
        transform(my_loss)(np.ones(2))
    assert "my_loss" in str(caught.value)


@pytest.mark.parametrize(
    "bad",
    [
        lambda x: np.argmax(x),
        lambda x: x > 0,
        lambda x: 1,
        lambda x: {"a": x, "b": [np.argmax(x)]},
        lambda x: "text",
        lambda x: {1.0},
        lambda x: (v for v in x),
    ],
)
@pytest.mark.parametrize(
    "run", [lambda f, x: mg.vjp(f, x), lambda f, x: mg.jvp(f, (x,), (x,)), lambda f, x: mg.jacobian(f)(x)]
)
def test_results_without_a_derivative_are_refused(run: Any, bad: Any) -> None:
    def score(x: Any) -> Any:
        return bad(x)

    with pytest.raises(TypeError, match=r"result.* of score is (an integer|boolean|no number)"):
        run(score, np.ones(2))


ARGUMENTS: dict[str, tuple[Any, str]] = {
    "int": (3, "`size`.*integers"),
    "bool": (True, "`size`.*booleans"),
    "integers": (np.arange(3), "`size`.*integers.*float"),
    "booleans": (np.array([True]), "`size`.*booleans"),
    "objects": (np.array([1.0], object), "`size`.*object"),
    "strings": (np.array(["a"]), "`size`"),
    "string": ("abc", "`size`.*str"),
    "int in a tree": ({"a": [1.0, 2]}, r'`size\["a"\]\[1\]`.*integers'),
    "set": ({1.0}, "`size`.*set"),
    "masked": (np.ma.array([1.0], mask=[True]), "`size`.*masked.*filled"),
    "matrix": (np.ones((1, 1)).view(np.matrix), "np.matrix"),
    "int tensor": (mg.tensor([1, 2]), "`size`.*integers"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize(
    "run",
    [
        lambda f, x: mg.grad(f)(x),
        lambda f, x: mg.vjp(f, x),
        lambda f, x: mg.jvp(f, (x,), (x,)),
        lambda f, x: mg.hvp(f)(x, x),
        lambda f, x: mg.hessian(f)(x),
    ],
    ids=["grad", "vjp", "jvp", "hvp", "hessian"],
)
def test_arguments_without_a_derivative_are_refused_by_name(run: Any, name: str) -> None:
    value, message = ARGUMENTS[name]

    def f(size: Any) -> Any:
        return 1.0

    with pytest.raises(TypeError, match=message):
        run(f, value)


@pytest.mark.parametrize("transform", ["grad", "value_and_grad", "jacobian", "hessian", "hvp", "vjp"])
def test_what_is_no_function_is_refused(transform: str) -> None:
    loss = 3.0
    with pytest.raises(TypeError, match=f"mg.{transform}.*function"):
        getattr(mg, transform)(loss)


COTANGENTS: dict[str, tuple[Any, str]] = {
    "shape": (np.ones(3), r"cotangent.*\(3,\).*\(2,\)"),
    "number": (1.0, r"\(\).*\(2,\)"),
    "complex": (np.ones(2) * 1j, "complex"),
    "text": (np.array(["a", "b"]), "numbers"),
    "None": (None, "None"),
    "dict": ({"a": np.ones(2)}, "object|numbers"),
}


@pytest.mark.parametrize("name", COTANGENTS)
def test_cotangents_that_do_not_fit(name: str) -> None:
    ct, message = COTANGENTS[name]
    _, pull = mg.vjp(np.sin, np.ones(2))
    with pytest.raises((ValueError, TypeError), match=message):
        pull(ct)
    with pytest.raises((ValueError, TypeError), match=message.replace("cotangent", "tangent")):
        mg.jvp(np.sin, (np.ones(2),), (ct,))


def test_cotangent_trees_that_do_not_fit() -> None:
    _, pull = mg.vjp(lambda x: {"a": x, "b": (x, x)}, 1.0)
    with pytest.raises(ValueError, match=r'the cotangent is .*\["a"\].*\["b"\]'):
        pull({"a": 1.0})
    with pytest.raises(ValueError, match=r'cotangent\["b"\]'):
        pull({"a": 1.0, "b": (1.0,)})
    with pytest.raises(ValueError, match="tangent"):
        mg.jvp(lambda x, y: x, (1.0, 2.0), (1.0, (2.0,)))


def test_jvp_wants_tuples() -> None:
    with pytest.raises(TypeError, match=r"mg\.jvp\(f, \(x,\), \(dx,\)\)"):
        mg.jvp(np.sin, np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match=r"1 argument.*2 tangent"):
        mg.jvp(np.sin, (1.0,), (1.0, 2.0))


def test_cotangents_are_cast_and_lists_are_arrays() -> None:
    _, pull = mg.vjp(lambda x: 2 * x, np.ones(2, np.float32))
    for ct in ([1, 2], (1.0, 2.0), np.array([1, 2]), np.array([1.0, 2.0]), mg.tensor([1.0, 2.0])):
        (g,) = pull(ct)
        np.testing.assert_array_equal(g, [2.0, 4.0])
        assert g.dtype == np.float32


def test_hvp_wants_a_vector() -> None:
    with pytest.raises(TypeError, match=r"mg\.hvp\(f\)\(x, v\)"):
        mg.hvp(np.sin)(1.0)


# -- arguments changed by the function itself ----------------------------------------------------------------


def test_an_argument_changed_in_place_is_refused_at_every_depth() -> None:
    """Silently, the gradient would be that with respect to the changed value."""

    def f(x: Any) -> Any:
        x *= 2
        return np.sum(x)

    with pytest.raises(TypeError, match=r"an argument of the function.*x = x \*"):
        mg.grad(f)(np.ones(2))
    with pytest.raises(TypeError, match=r"x = x \*"):
        mg.grad(lambda y: np.sum(mg.grad(f)(1.0 * y)))(np.ones(2))
    with pytest.raises(TypeError, match="x"):
        mg.trace(f, np.ones(2))

    def g(x: Any) -> Any:
        x[0] = 0.0
        return np.sum(x)

    with pytest.raises(TypeError, match=r"np\.where"):
        mg.grad(g)(np.ones(2))


def test_an_argument_given_another_value_is_refused() -> None:
    """The gradient would be that with respect to the new value."""

    def assigning(x: Any) -> Any:
        x.assign(np.zeros(2))
        return np.sum(x * 2)

    def pausing(x: Any) -> Any:
        with mg.no_grad():
            x *= 3
        return np.sum(x * 2)

    def storing(x: Any) -> Any:
        with mg.no_grad():
            x[0] = 3.0
        return np.sum(x * 2)

    for f in (assigning, pausing, storing):
        for run in (
            mg.grad(f),
            mg.hessian(f),
            lambda x, f=f: mg.jvp(f, (x,), (x,)),
            lambda x, f=f: mg.trace(f, x),
        ):
            with pytest.raises((TypeError, RuntimeError), match="x"):
                run(np.ones(2))


def test_a_graph_freed_inside_the_function_is_refused() -> None:
    def f(x: Any) -> Any:
        y = np.exp(x * x)
        y.backward()
        return y

    for run in (mg.grad(f), lambda x: mg.jvp(f, (x,), (x,))):
        with pytest.raises(RuntimeError, match="retain_graph=True"):
            run(1.0)


def test_an_intermediate_value_may_be_changed_in_place() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y *= x
        y += 1
        y **= 2
        return np.sum(y)

    def g(x: Any) -> Any:
        return np.sum((x * x + 1) ** 2)

    x = np.array([0.5, 2.0])
    np.testing.assert_allclose(mg.grad(f)(x), mg.grad(g)(x), rtol=1e-15)
    np.testing.assert_allclose(mg.hessian(f)(x), mg.hessian(g)(x), rtol=1e-15)
    assert mg.trace(f, x).outputs


def test_mg_tensor_of_an_argument_stays_connected() -> None:
    """The idiom "make sure that it is a tensor" must not detach."""
    np.testing.assert_array_equal(mg.grad(lambda x: np.sum(mg.tensor(x) * 2))(np.ones(2)), [2.0, 2.0])
    np.testing.assert_array_equal(mg.grad(lambda x: np.sum(mg.tensor(x, dtype=np.float32)))(np.ones(2)), [1.0, 1.0])
    with pytest.raises(TypeError, match=r"mg.tensor.*out of its graph"):
        mg.grad(lambda x: np.sum(mg.tensor(x, requires_grad=True)))(np.ones(2))
    with pytest.raises(TypeError, match="int"):
        mg.grad(lambda x: np.sum(mg.tensor(x, dtype=int)))(np.ones(2))


def test_jacobian_of_complex_results_of_real_numbers() -> None:
    """Reverse sweeps would give its real part only."""
    j = mg.jacobian(lambda x: np.sum(x * 1j * np.array([1.0, 2.0])))(np.ones(2))
    np.testing.assert_array_equal(j, [1j, 2j])


def test_complex_numbers_are_not_conjugated() -> None:
    """As JAX and autograd: of a holomorphic f the vjp is ct f'(z)."""
    z = 0.3 + 0.4j
    _, pull = mg.vjp(lambda z: np.exp(z) * z, z)
    assert pull(1.0 + 0j)[0] == pytest.approx(np.exp(z) * (1 + z), rel=1e-14)
    assert pull(2j)[0] == pytest.approx(2j * np.exp(z) * (1 + z), rel=1e-14)
    assert mg.jvp(lambda z: z * z, (z,), (1j,))[1] == pytest.approx(2j * z, rel=1e-14)


# -- operations of the user's own ----------------------------------------------------------------------------


def make(**rules: Any) -> Any:
    """Return y = a^2 sin(b) as a primitive with the given rules."""

    @mg.primitive
    def wave(a: Any, b: Any) -> Any:
        """A wave."""
        return a**2 * np.sin(b)

    if "vjp" in rules:
        wave.defvjp(lambda g, y, a, b: g * 2 * a * np.sin(b), lambda g, y, a, b: g * a**2 * np.cos(b))
    if "jvp" in rules:
        wave.defjvp(lambda da, y, a, b: da * 2 * a * np.sin(b), lambda db, y, a, b: db * a**2 * np.cos(b))
    return wave


RULES: list[dict[str, bool]] = [{"vjp": True}, {"jvp": True}, {"vjp": True, "jvp": True}]


@pytest.mark.parametrize("rules", RULES, ids=str)
def test_one_direction_is_enough(rules: dict[str, bool]) -> None:
    wave = make(**rules)

    def plain_wave(a: Any, b: Any) -> Any:
        return a * a * np.sin(b)

    a, b = np.array([0.5, 1.5, -1.0]), np.array([0.1, 0.2, 0.3])
    assert wave.__name__ == "wave"
    assert wave.__doc__ == "A wave."
    assert type(wave(a, b)) is np.ndarray

    def loss(a: Any, b: Any) -> Any:
        return np.sum(wave(a, b) * np.array([1.0, 2.0, 3.0]))

    def plain_loss(a: Any, b: Any) -> Any:
        return np.sum(plain_wave(a, b) * np.array([1.0, 2.0, 3.0]))

    for transform in (mg.grad, mg.jacobian, mg.hessian):
        assert_close(*(transform(f, (0, 1))(a, b) for f in (loss, plain_loss)), 1e-14)
    assert_close(*(mg.jvp(f, (a, b), (b, a)) for f in (wave, plain_wave)), 1e-14)
    assert_close(*(mg.vjp(f, a, b)[1](a) for f in (wave, plain_wave)), 1e-14)
    assert_close(*(mg.hvp(f, (0, 1))(a, b, (b, a)) for f in (loss, plain_loss)), 1e-14)
    third = [mg.grad(mg.grad(mg.grad(lambda t, f=f: np.sum(f(t * a, t * b)))))(1.0) for f in (wave, plain_wave)]
    assert third[0] == pytest.approx(third[1], rel=1e-13)
    mixed = [
        mg.jvp(lambda t, f=f: mg.hvp(lambda s: np.sum(f(s * a, s * b)))(t, 1.0), (1.0,), (1.0,))[1]
        for f in (wave, plain_wave)
    ]
    assert mixed[0] == pytest.approx(mixed[1], rel=1e-13)
    t, u = mg.tensor(a, requires_grad=True), mg.tensor(b, requires_grad=True)
    loss(t, u).backward()
    assert_close((t.grad, u.grad), mg.grad(plain_loss, (0, 1))(a, b), 1e-14)
    graph = mg.trace(loss, a, b)
    assert "wave" in {node.primitive.name for node in graph.nodes}
    assert_close(graph.gradients()[graph.inputs["a"]], mg.grad(plain_loss)(a, b), 1e-14)


def test_keywords_of_a_primitive() -> None:
    @mg.primitive
    def scaled(x: Any, factor: float = 2.0, *, shift: float) -> Any:
        return factor * x + shift

    scaled.defvjp(lambda g, y, x, *, factor=2.0, shift: g * factor)
    assert scaled(3.0, shift=1.0) == 7.0
    assert mg.grad(lambda x: scaled(x, shift=1.0))(3.0) == 2.0
    assert mg.grad(lambda x: scaled(x, 5.0, shift=1.0))(3.0) == 5.0
    assert mg.grad(lambda x: scaled(x, factor=7.0, shift=1.0))(3.0) == 7.0
    assert mg.grad(lambda x: scaled(x=x, shift=1.0))(3.0) == 2.0
    with pytest.raises(TypeError, match="shift"):
        mg.grad(lambda x: scaled(x))(3.0)
    with pytest.raises(TypeError, match=r"shfit.*shift"):
        mg.grad(lambda x: scaled(x, shfit=1.0))(3.0)
    with pytest.raises(TypeError, match=r"factor.*keyword"):
        mg.grad(lambda x: scaled(3.0, factor=x, shift=0.0))(3.0)
    with pytest.raises(TypeError, match=r"factor.*keyword"):
        mg.grad(lambda x: scaled(x, factor=x, shift=0.0))(3.0)


def test_an_operand_without_a_derivative() -> None:
    @mg.primitive
    def chosen(x: Any, index: Any) -> Any:
        return x[index]

    def rule(g: Any, y: Any, x: Any, index: Any) -> Any:
        z = np.zeros(x.shape)
        z[index] = g
        return z

    chosen.defvjp(rule, None)
    np.testing.assert_array_equal(mg.grad(lambda x: chosen(x, 1))(np.ones(3)), [0.0, 1.0, 0.0])
    t = mg.tensor(np.ones(3), requires_grad=True)
    chosen(t, mg.tensor(2)).backward()
    np.testing.assert_array_equal(t.grad, [0.0, 0.0, 1.0])


def bad_primitive(rule: Any, kind: str = "defvjp") -> Any:
    @mg.primitive
    def mean_of(data: Any) -> Any:
        return np.mean(data) * 1.0

    getattr(mean_of, kind)(rule)
    return mean_of


BAD_RULES: dict[str, tuple[Any, type[Exception], str]] = {
    "wrong shape": (lambda g, y, x: g, ValueError, r"mean_of.*shape \(\).*shape \(3,\)"),
    "larger shape": (lambda g, y, x: np.ones((2, 3)), ValueError, r"mean_of.*shape \(2, 3\).*shape \(3,\)"),
    "None": (lambda g, y, x: None, TypeError, "data of mean_of returned None.*return"),
    "integers": (lambda g, y, x: np.ones(3, int), TypeError, "mean_of.*int64"),
    "booleans": (lambda g, y, x: x > 0, TypeError, "mean_of.*bool"),
    "text": (lambda g, y, x: np.array(["a", "b", "c"]), TypeError, "mean_of"),
    "complex": (lambda g, y, x: x * 1j, TypeError, "mean_of.*complex"),
    "changes its input": (lambda g, y, x: x.fill(0.0) or x, ValueError, "read-only"),
}


@pytest.mark.parametrize("name", BAD_RULES)
def test_a_rule_that_returns_no_gradient_is_refused(name: str) -> None:
    rule, kind, message = BAD_RULES[name]
    with pytest.raises(kind, match=message):
        mg.grad(bad_primitive(rule))(np.ones(3))


def test_a_forward_rule_that_returns_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mean_of.*tangent of shape \(3,\).*shape \(\)"):
        mg.jvp(bad_primitive(lambda dx, y, x: dx, "defjvp"), (np.ones(3),), (np.ones(3),))


def test_a_rule_that_is_not_linear_has_no_transpose() -> None:
    forgot_g = bad_primitive(lambda g, y, x: np.ones(3))
    with pytest.raises(ValueError, match=r"mean_of.defvjp is not linear"):
        mg.jvp(forgot_g, (np.ones(3),), (np.ones(3),))


def test_a_rule_may_return_lists_and_python_numbers() -> None:
    @mg.primitive
    def double(x: Any) -> Any:
        return float(x) * 2

    double.defvjp(lambda g, y, x: float(g) * 2.0)
    assert mg.grad(double)(3.0) == 2.0

    @mg.primitive
    def total(x: Any) -> Any:
        return float(np.sum(x))

    total.defvjp(lambda g, y, x: [float(g)] * len(x))
    np.testing.assert_array_equal(mg.grad(total)(np.ones(2)), [1.0, 1.0])


def test_rules_get_gradients_of_their_own_to_spoil() -> None:
    @mg.primitive
    def add(a: Any, b: Any) -> Any:
        return a + b

    def spoiling(g: Any, y: Any, a: Any, b: Any) -> Any:
        g *= 3.0
        return g

    add.defvjp(spoiling, lambda g, y, a, b: g)
    with pytest.raises(ValueError, match="read-only"):
        mg.grad(lambda a, b: np.sum(add(a, b)), (0, 1))(np.ones(2), np.ones(2))
    assert mg.grad(add, (0, 1))(1.0, 1.0) == (3.0, 1.0)  # a number is rebound, not changed
    assert mg.grad(lambda a: mg.grad(add, (0, 1))(a, a)[1] + 0 * a)(1.0) == 0.0


def test_what_a_primitive_returns_is_its_own() -> None:
    buffer, ones = np.zeros(2), np.ones(2)

    @mg.primitive
    def buffered(x: Any) -> Any:
        buffer[:] = 2 * np.asarray(x)
        return buffer

    buffered.defvjp(lambda g, y, x: ones)
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = buffered(x)
    buffered(mg.tensor([10.0, 20.0]))
    np.testing.assert_array_equal(y.data, [2.0, 4.0])
    y.backward(np.ones(2))
    x.grad[:] = -1.0
    np.testing.assert_array_equal(ones, 1.0)


def test_a_primitive_cannot_change_its_operands() -> None:
    @mg.primitive
    def sorting(x: Any) -> Any:
        x.sort()
        return x

    sorting.defvjp(lambda g, y, x: g)
    t = mg.tensor([2.0, 1.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"read-only|sorting"):
        sorting(t)
    np.testing.assert_array_equal(t.data, [2.0, 1.0])


def test_a_primitive_without_rules() -> None:
    @mg.primitive
    def mystery(x: Any) -> Any:
        return x * 2.0

    assert mystery(3.0) == 6.0
    assert mystery(mg.tensor(3.0)).item() == 6.0
    assert mg.trace(mystery, 3.0).outputs
    with mg.no_grad():
        assert not mystery(mg.tensor(3.0, requires_grad=True)).requires_grad
    for run in (mg.grad(mystery), lambda x: mystery(mg.tensor(x, requires_grad=True)), mg.hessian(mystery)):
        with pytest.raises(NotImplementedError, match=r"mystery has no derivative rule.*mystery\.defvjp"):
            run(3.0)


def test_definitions_that_cannot_be_primitives() -> None:
    with pytest.raises(TypeError, match=r"\*xs"):
        mg.primitive(lambda *xs: xs[0])
    with pytest.raises(TypeError, match=r"\*\*options"):
        mg.primitive(lambda x, **options: x)
    with pytest.raises(TypeError, match="operand"):
        mg.primitive(lambda: 1.0)
    wave = make()
    with pytest.raises(TypeError, match=r"wave\.defvjp.*\(a, b\), 1 given"):
        wave.defvjp(lambda g, y, a, b: g)
    with pytest.raises(TypeError, match=r"wave\.defjvp"):
        wave.defjvp(1.0, None)


@pytest.mark.parametrize("returned", [None, (1.0, 2.0), {"a": 1.0}, 3, np.arange(2)])
def test_results_that_a_primitive_cannot_have(returned: Any) -> None:
    @mg.primitive
    def strange(x: Any) -> Any:
        return returned

    strange.defvjp(lambda g, y, x: x)
    with pytest.raises(TypeError, match="strange"):
        mg.grad(strange)(1.0)


def test_primitives_inside_other_transforms_and_closures() -> None:
    @mg.primitive
    def cube(x: Any) -> Any:
        return x**3

    w = mg.tensor(2.0, requires_grad=True)
    cube.defvjp(lambda g, y, x: g * 3 * x**2)
    assert mg.grad(lambda x: x * mg.grad(cube)(x))(2.0) == 36.0
    (mg.grad(lambda x: cube(x * w))(3.0)).backward()  # 3 x^2 w^3, by w: 9 x^2 w^2
    assert w.grad == 324.0


def test_a_primitive_that_reaches_for_a_tensor_is_refused() -> None:
    w = mg.tensor(2.0, requires_grad=True)

    @mg.primitive
    def sneaky(x: Any) -> Any:
        return x * w

    sneaky.defvjp(lambda g, y, x: g)
    with pytest.raises(TypeError, match="graph"):
        sneaky(mg.tensor(1.0, requires_grad=True))
