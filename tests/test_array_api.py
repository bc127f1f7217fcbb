"""The array API standard on Tensors: names, signatures, values as NumPy's, Tensors as results, and gradients."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.array_api.functions import BINARY, UNARY
from tests.factories import assert_close, derivative, leaves

xp = mg.array_api
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

#: All names of the standard, version 2024.12.
STANDARD = [
    "e",
    "inf",
    "nan",
    "newaxis",
    "pi",
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
    "complex64",
    "complex128",
    "__array_api_version__",
    "__array_namespace_info__",
    "arange",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "full",
    "full_like",
    "linspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tril",
    "triu",
    "zeros",
    "zeros_like",
    "astype",
    "can_cast",
    "finfo",
    "iinfo",
    "isdtype",
    "result_type",
    "abs",
    "acos",
    "acosh",
    "add",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_left_shift",
    "bitwise_invert",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "ceil",
    "clip",
    "conj",
    "copysign",
    "cos",
    "cosh",
    "divide",
    "equal",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "hypot",
    "imag",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "multiply",
    "negative",
    "nextafter",
    "not_equal",
    "positive",
    "pow",
    "real",
    "reciprocal",
    "remainder",
    "round",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "square",
    "sqrt",
    "subtract",
    "tan",
    "tanh",
    "trunc",
    "take",
    "take_along_axis",
    "matmul",
    "matrix_transpose",
    "tensordot",
    "vecdot",
    "broadcast_arrays",
    "broadcast_to",
    "concat",
    "expand_dims",
    "flip",
    "moveaxis",
    "permute_dims",
    "repeat",
    "reshape",
    "roll",
    "squeeze",
    "stack",
    "tile",
    "unstack",
    "argmax",
    "argmin",
    "count_nonzero",
    "nonzero",
    "searchsorted",
    "where",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
    "argsort",
    "sort",
    "cumulative_prod",
    "cumulative_sum",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
    "all",
    "any",
    "diff",
]
LINALG = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]
FFT = [
    "fft",
    "ifft",
    "fftn",
    "ifftn",
    "rfft",
    "irfft",
    "rfftn",
    "irfftn",
    "hfft",
    "ihfft",
    "fftfreq",
    "rfftfreq",
    "fftshift",
    "ifftshift",
]

TYPES = [np.bool_, np.int8, np.int64, np.uint8, np.uint64, np.float32, np.float64, np.complex64, np.complex128]


@pytest.mark.parametrize(
    ("names", "room"), [(STANDARD, xp), (LINALG, xp.linalg), (FFT, xp.fft)], ids=["standard", "linalg", "fft"]
)
def test_every_name_is_there(names: list[str], room: Any) -> None:
    late = {"matvec", "vecmat", *(() if hasattr(np, "unstack") else ("unstack", "cumulative_sum", "cumulative_prod"))}
    assert [n for n in names if not hasattr(room, n) and n not in late] == []


def test_signatures_are_those_of_the_reference() -> None:
    strict = pytest.importorskip("array_api_strict")
    different = []
    for theirs, ours, names in ((strict, xp, STANDARD), (strict.linalg, xp.linalg, LINALG), (strict.fft, xp.fft, FFT)):
        for name in names:
            f, g = getattr(theirs, name, None), getattr(ours, name, None)
            if callable(f) and callable(g) and not isinstance(f, type) and name not in ("finfo", "iinfo"):
                a, b = ([(p.name, p.kind) for p in inspect.signature(x).parameters.values()] for x in (f, g))
                if a != b:
                    different.append((name, a, b))
    assert different == []


def array(dtype: Any, *shape: int) -> Any:
    rng = np.random.default_rng([np.dtype(dtype).num, *shape])
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if kind in "iu":
        return rng.integers(0 if kind == "u" else -5, 6, shape).astype(dtype)
    return (rng.normal(size=shape) + (1j * rng.normal(size=shape) if kind == "c" else 0)).astype(dtype)


def same(ours: Any, theirs: Any) -> None:
    """Assert that results are NumPy's, as Tensors."""
    ours, theirs = list(leaves(ours)), list(leaves(theirs))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert isinstance(a, mg.Tensor)
        assert (a.dtype, a.shape) == (np.asarray(b).dtype, np.shape(b))
        np.testing.assert_array_equal(a.data, b)


def of_numpy(function: Callable[..., Any], *args: Any) -> Any:
    """Return what NumPy makes of it, or skip the case."""
    try:
        return function(*args)
    except (TypeError, ValueError):
        pytest.skip("NumPy does not take this type")


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_elementwise_values_are_numpys(name: str, dtype: Any) -> None:
    for shape in ((), (0,), (2, 3)):
        xs = [array(dtype, *shape) for _ in range(2 if name in BINARY else 1)]
        if name in ("pow", "bitwise_left_shift", "bitwise_right_shift"):
            xs[1] = np.abs(xs[1]).astype(dtype)[()]
        expected = of_numpy(getattr(np, name), *xs)
        same(getattr(xp, name)(*map(xp.asarray, xs)), expected)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "op",
    [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.and_, operator.or_, operator.xor, operator.lt, operator.eq],
)  # fmt: skip
def test_operators_promote_as_numpys(op: Callable[..., Any], dtype: Any) -> None:
    x, y = array(dtype, 2, 3), array(dtype, 2, 3)
    scalar = {"b": True, "i": 2, "u": 2, "f": 2.5, "c": 2.5}[np.dtype(dtype).kind]
    expected = of_numpy(op, x, y)
    same(op(xp.asarray(x), xp.asarray(y)), expected)
    same(op(xp.asarray(x), scalar), of_numpy(op, x, scalar))
    same(op(scalar, xp.asarray(x)), of_numpy(op, scalar, x))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "name", ["sum", "prod", "max", "min", "all", "any", "argmax", "argmin", "count_nonzero", "mean", "std", "var"]
)
def test_reductions_are_numpys(name: str, dtype: Any) -> None:
    if name in ("mean", "std", "var") and np.dtype(dtype).kind not in "fc":
        pytest.skip("the standard has no mean of integers")
    x = array(dtype, 2, 3)
    for options in ({}, {"axis": 0}, {"axis": -1, "keepdims": True}):
        expected = of_numpy(lambda x, o=options: getattr(np, name)(x, **o), x)
        same(getattr(xp, name)(xp.asarray(x), **options), expected)


X = np.array([[0.3, -1.2, 0.7], [1.1, 0.4, -0.6]])
SPD = np.array([[3.0, 0.4], [0.4, 2.0]])

DIFFERENTIABLE: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "elementwise": (lambda xp, x: xp.exp(xp.sin(x)) * xp.hypot(x, xp.asarray(2.0)), X),
    "reductions": (lambda xp, x: xp.std(x, axis=0, correction=1) + xp.prod(x, axis=0) + xp.max(x, axis=0), X),
    "shapes": (lambda xp, x: xp.concat([xp.permute_dims(x, (1, 0)), xp.ones((1, 2))], axis=0)[1:, ...], X),
    "stack and flip": (lambda xp, x: xp.flip(xp.stack([x, x**2]), axis=1), X),
    "where": (lambda xp, x: xp.where(x > 0, x**3, xp.abs(x)), X),
    "clip": (lambda xp, x: xp.clip(x, -0.5, 0.9), X),
    "matmul": (lambda xp, x: x @ x.mT + xp.tensordot(x, x, axes=2), X),
    "full of a Tensor": (lambda xp, x: xp.full((2, 2), x[0, 0]) * xp.asarray(2.0), X),
    "asarray of Tensors": (lambda xp, x: xp.asarray([x[0, 0], x[1, 1] ** 2]), X),
    "tril and meshgrid": (lambda xp, x: xp.tril(x @ x.mT) + sum(xp.meshgrid(x[:, 0], x[:, 1], indexing="ij")), X),
    "linalg": (lambda xp, a: xp.linalg.det(a) + xp.linalg.inv(a)[0, 1] + xp.linalg.vector_norm(a), SPD),
    "decompositions": (
        lambda xp, a: xp.linalg.cholesky(a, upper=True) + xp.linalg.svd(a).S + xp.linalg.eigh(a).eigenvalues,
        SPD,
    ),
    "fft": (lambda xp, x: xp.real(xp.fft.fft(x, n=4)) + xp.imag(xp.fft.fft(x, norm="ortho", n=4)), X),
    "astype": (lambda xp, x: xp.astype(x, xp.float64) * 2, X),
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_code_for_the_standard_differentiates(name: str) -> None:
    """It runs on Tensors through their own namespace, and on arrays through NumPy's, which is the witness."""
    f, x = DIFFERENTIABLE[name]
    direction = np.cos(np.arange(float(x.size))).reshape(x.shape)
    y, pull = mg.vjp(lambda t: f(t.__array_namespace__(), t), x)
    weights = np.sin(1 + np.arange(float(np.size(y)))).reshape(np.shape(y))
    if "Tensor" not in name:  # NumPy takes no lists of 0-d arrays apart
        assert_close(y, f(np, x), 1e-14)
    numeric = derivative(lambda h: np.asarray(getattr(f(xp, mg.tensor(x + h * direction)), "data", 0.0)))
    assert_close(np.sum(pull(weights)[0] * direction), np.sum(weights.ravel() * numeric), 1e-8)


def test_sorting_in_descending_order_keeps_equal_elements_in_order() -> None:
    x = xp.asarray([2, 1, 3, 1, 2])
    assert xp.argsort(x, descending=True).tolist() == [2, 0, 4, 1, 3]
    assert xp.sort(x, descending=True).tolist() == [3, 2, 2, 1, 1]
    assert xp.argsort(xp.asarray([[2, 1], [2, 1]]), axis=0, descending=True).tolist() == [[0, 0], [1, 1]]


def test_creation() -> None:
    assert xp.zeros(2).dtype == xp.float64
    assert xp.full(2, 3).dtype == xp.int64
    assert xp.full_like(xp.asarray([1.0, 2.0]), 3).tolist() == [3.0, 3.0]
    assert xp.arange(3).tolist() == [0, 1, 2]
    assert xp.arange(1.0, 2.0, 0.5).tolist() == [1.0, 1.5]
    assert xp.linspace(0, 1, 3, endpoint=False).shape == (3,)
    assert xp.eye(2, 3, k=1).tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    assert xp.asarray(2.0).shape == ()
    assert isinstance(xp.ones((2,))[0], mg.Tensor)


def test_copies_are_what_is_asked_for() -> None:
    x = xp.asarray([1.0, 2.0])
    assert xp.asarray(x) is x
    assert xp.asarray(x, copy=True) is not x
    assert xp.astype(x, xp.float64, copy=False) is x
    for call in (lambda: xp.asarray([1.0], copy=False), lambda: xp.asarray(x, dtype=xp.float32, copy=False)):
        with pytest.raises(ValueError, match="copy=False"):
            call()


def test_devices_and_versions() -> None:
    x = xp.asarray([1.0])
    assert (x.device, x.to_device("cpu")) == ("cpu", x) or x.to_device("cpu") is x
    assert x.__array_namespace__(api_version="2023.12") is xp
    assert xp.__array_namespace_info__().default_device() == "cpu"
    for call in (
        lambda: x.to_device("cuda"),
        lambda: xp.zeros(2, device="gpu"),
        lambda: x.__array_namespace__(api_version="2099.12"),
    ):
        with pytest.raises(ValueError, match=r"'cuda'|'gpu'|2099"):
            call()


def test_dlpack_goes_both_ways_and_not_out_of_a_graph() -> None:
    x = xp.asarray([1.0, 2.0])
    np.testing.assert_array_equal(np.from_dlpack(x), [1.0, 2.0])
    assert xp.from_dlpack(np.arange(3)).tolist() == [0, 1, 2]
    assert x.__dlpack_device__() == (1, 0)
    with pytest.raises(TypeError, match="being differentiated"):
        np.from_dlpack(mg.tensor([1.0], requires_grad=True))


def test_whole_numbers_are_indices() -> None:
    assert "abc"[xp.asarray(1)] == "b"
    assert [10, 20][int(xp.asarray(0))] == 10
    with pytest.raises(TypeError):
        operator.index(xp.asarray(1.5))


def test_arguments_that_the_standard_has_not_are_told() -> None:
    with pytest.raises(TypeError, match=r"sum\(x, /, \*, axis=None"):
        xp.sum(xp.ones(2), 0)
    with pytest.raises(TypeError, match=r"argmax\(x, /.*unexpected keyword argument 'out'"):
        xp.argmax(xp.ones(2), out=None)


def test_libraries_for_any_array_find_the_namespace() -> None:
    compat = pytest.importorskip("array_api_compat")
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    assert compat.array_namespace(x, xp.ones(2)) is xp
    assert compat.device(x) == "cpu"
