"""One line for each way of calling each entry of the table. Every line is put through all tests of this room.

``case(np.sum, real(2, 3), axis=0)``: a function of the table, its operands (drawn from a domain, of a shape)
and its keywords. Functions of ours are compared with the textbook formula after ``reference=``.
"""

from __future__ import annotations

import math
import operator
from inspect import Parameter
from itertools import product
from typing import Any

import numpy as np

import microgradnp as mg
from microgradnp import explain
from microgradnp.primitives import COMPOSITES, TABLE, WIDER, Primitive
from microgradnp.primitives.convolution import (
    avg_pool2d,
    avg_pool2d_back,
    conv2d,
    conv2d_input,
    conv2d_kernel,
    max_pool2d,
    max_pool2d_along,
    max_pool2d_back,
    standardize,
)
from microgradnp.primitives.elementwise import clip
from microgradnp.primitives.linalg import (
    cholesky_,
    detsign_,
    eig_,
    eigh_,
    eigvalsh_,
    logabsdet_,
    pinv_,
    qr_,
    side_by_side,
    solve_,
    svd_,
    svdvals_,
)
from microgradnp.primitives.matrix import einsum_
from microgradnp.primitives.normal import normal_cdf
from microgradnp.primitives.shapes import Slot, cast_, concatenate_, getitem_, scatter_, stack_
from microgradnp.tape import ALIAS
from microgradnp.transforms import UserPrimitive
from tests.factories import (
    Array,
    Input,
    above_one,
    definite,
    graded,
    other,
    positive,
    real,
    regular,
    separate,
    tens,
    threes,
    truth,
    unit,
    whole,
)
from tests.primitives.arranging_cases import ARRANGING
from tests.primitives.calls import Case as Case
from tests.primitives.calls import case as case
from tests.primitives.numeric_cases import NUMERIC

#: NumPy 2.0 knows np.clip(x, a_min, a_max) only.
CLIP_TAKES_MIN = np.lib.NumpyVersion(np.__version__) >= "2.1.0"

A = real(2, 3)
B = other(2, 3)
P = positive(2, 3)
U = unit(2, 3)
S = separate(2, 3)
X = real(2, 3, 4)  # three axes

# -- elementwise ---------------------------------------------------------------------------------------------


def half_erfc(x: Array) -> Array:
    values = np.vectorize(lambda z: math.erfc(-z / math.sqrt(2)) / 2, otypes=[float])(x)
    return values.astype(np.asarray(x).dtype)[()]


ELEMENTWISE = [
    case(np.add, A, B),
    case(np.subtract, A, B),
    case(np.multiply, A, B),
    case(np.divide, A, B),
    case(np.power, P, B),
    case(np.power, A, 2),
    case(np.power, A, 0),
    case(np.power, A, 1),
    case(np.power, A, 3),
    case(np.power, A, -2),
    case(np.power, P, 0.5),
    case(np.power, P, np.float64(-1.5)),
    case(np.power, A, np.array([0, 1, 3])),
    case(np.power, P, np.array([0.0, 1.0, 2.5])),
    case(np.power, 2, A),
    case(np.power, np.array([0.5, 1.0, 3.0]), A),
    case(np.float_power, P, B),
    case(np.negative, A),
    case(np.positive, A),
    case(np.reciprocal, A),
    case(np.square, A),
    case(np.sqrt, P),
    case(np.cbrt, A),
    case(np.hypot, A, B),
    case(np.remainder, tens(2, 3), threes(2, 3)),
    case(np.fmod, tens(2, 3), threes(2, 3)),
    case(np.exp, A),
    case(np.exp2, A),
    case(np.expm1, A),
    case(np.log, P),
    case(np.log2, P),
    case(np.log10, P),
    case(np.log1p, U),
    case(np.logaddexp, A, B),
    case(np.logaddexp2, A, B),
    case(np.sin, A),
    case(np.cos, A),
    case(np.tan, U),
    case(np.arcsin, U),
    case(np.arccos, U),
    case(np.arctan, A),
    case(np.arctan2, A, B),
    case(np.sinh, A),
    case(np.cosh, A),
    case(np.tanh, A),
    case(np.arcsinh, A),
    case(np.arccosh, above_one(2, 3)),
    case(np.arctanh, U),
    case(np.deg2rad, A),
    case(np.radians, A),
    case(np.rad2deg, A),
    case(np.degrees, A),
    case(np.sinc, A),
    case(np.absolute, A),
    case(np.fabs, A),
    case(np.maximum, A, B),
    case(np.maximum, A, 0),
    case(np.minimum, A, B),
    case(np.fmax, A, B),
    case(np.fmin, A, B),
    case(np.sign, A),
    case(np.floor, A),
    case(np.ceil, A),
    case(np.rint, A),
    case(np.trunc, A),
    case(np.heaviside, A, B),
    case(np.copysign, A, B),
    case(np.floor_divide, tens(2, 3), threes(2, 3)),
    case(np.round, A),
    case(np.round, A, -1),
    case(np.around, A, decimals=-1),
    case(mg.logistic, A, reference=lambda x: 1 / (1 + np.exp(-x))),
    case(mg.relu, A, reference=lambda x: np.where(x > 0, x, x.dtype.type(0))),
    case(mg.softplus, A, reference=lambda x: np.log(1 + np.exp(x))),
    case(normal_cdf, A, reference=half_erfc),
    case(normal_cdf, real(), reference=half_erfc),
]

MASK = np.array([[True, False, True], [False, False, True]])

PIECEWISE = [
    case(np.where, MASK, A, B),
    case(np.where, MASK, A, 0.0),
    case(np.where, MASK, 1.5, B),
    case(np.where, MASK[0], real(2, 1), other(3)),
    case(np.where, True, real(), other()),
    case(np.where, np.zeros((0, 3), bool), real(3), other(1)),
    case(np.clip, A, -0.5, 0.5),
    case(np.clip, A, None, 1),
    case(np.clip, A, -1, None),
    case(np.clip, A, real(3), above_one(2, 1)),
    case(clip, A, -0.5, 0.5, reference=np.clip),
    case(clip, A, real(3), above_one(2, 1), reference=np.clip),
    case(np.clip, real(), -0.5, 0.5),
    *([case(np.clip, A, min=-0.5), case(np.clip, A, max=0.5)] if CLIP_TAKES_MIN else []),
    case(np.divmod, tens(2, 3), threes(2, 3)),
]

# -- constants: values only ----------------------------------------------------------------------------------

N, M = whole(2, 3), whole(2, 3)

CONSTANTS = [
    case(np.greater, A, B),
    case(np.greater_equal, A, B),
    case(np.less, A, B),
    case(np.less_equal, A, 0.3),
    case(np.equal, A, A),
    case(np.not_equal, A, B),
    case(np.greater, N, M),
    case(np.logical_and, truth(2, 3), truth(3)),
    case(np.logical_or, truth(2, 3), truth(2, 3)),
    case(np.logical_xor, A, truth(2, 3)),
    case(np.logical_not, truth(2, 3)),
    case(np.bitwise_and, N, M),
    case(np.bitwise_or, truth(2, 3), truth(2, 3)),
    case(np.bitwise_xor, N, M),
    case(np.left_shift, N, M),
    case(np.right_shift, N, M),
    case(np.invert, truth(2, 3)),
    case(np.invert, N),
    case(np.gcd, N, M),
    case(np.lcm, N, M),
    case(np.isfinite, A),
    case(np.isinf, A),
    case(np.isnan, A),
    case(np.signbit, A),
    case(np.argmax, S),
    case(np.argmax, S, axis=0),
    case(np.argmax, S, axis=-1, keepdims=True),
    case(np.argmin, S, axis=1, keepdims=True),
    case(np.argsort, S),
    case(np.argsort, S, axis=0),
    case(np.argsort, S, axis=1, kind="stable"),
    case(np.argsort, S, stable=True),
    case(np.all, truth(2, 3)),
    case(np.all, A, axis=0, keepdims=True),
    case(np.any, truth(2, 3), axis=(0, 1), keepdims=True),
    case(np.count_nonzero, N),
    case(np.count_nonzero, N, axis=1, keepdims=True),
    case(np.zeros_like, A),
    case(np.zeros_like, A, dtype=int, order="F", subok=False, shape=(3,)),
    case(np.ones_like, A, order="C", subok=False),
    case(np.ones_like, A, dtype=np.float32, shape=4, order="F"),
    case(np.empty_like, real(0, 3)),
    case(np.empty_like, A, dtype=bool, shape=(0,), subok=False, order="A"),
    case(np.full_like, whole(2, 3), 7),
    case(np.full_like, truth(2, 3), 1.5, dtype=np.float32, shape=4),
    case(np.shape, A),
    case(np.ndim, A),
    case(np.size, A),
    case(np.size, A, axis=1),
    case(np.iscomplexobj, A),
    case(np.isrealobj, A),
]

# -- reductions ----------------------------------------------------------------------------------------------

AXES: list[dict[str, Any]] = [
    {},
    {"axis": 0},
    {"axis": -1},
    {"axis": 1, "keepdims": True},
    {"axis": (0, 2)},
    {"axis": (-1, 0), "keepdims": True},
    {"axis": ()},
    {"keepdims": True},
]


def log_of_sum(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


REDUCTIONS = [
    *(case(np.sum, X, **axes) for axes in AXES),
    *(case(np.mean, X, **axes) for axes in AXES),
    *(case(np.prod, X, **axes) for axes in AXES),
    *(case(np.var, X, **axes) for axes in AXES),
    *(case(np.std, separate(2, 3, 4), **axes) for axes in AXES if axes.get("axis") != ()),
    *(case(np.max, separate(2, 3, 4), **axes) for axes in AXES),
    *(case(np.min, separate(2, 3, 4), **axes) for axes in AXES),
    *(case(np.ptp, separate(2, 3, 4), **axes) for axes in AXES if axes.get("axis") != ()),
    *(case(np.average, X, **axes) for axes in AXES),
    *(case(np.linalg.norm, X, **axes) for axes in AXES if axes.get("axis") != ()),
    *(case(mg.logsumexp, X, reference=log_of_sum, **axes) for axes in AXES),
    *(case(f, real(), axis=axis) for f in (np.sum, np.prod, np.max) for axis in (None, 0, ())),
    case(np.mean, real()),
    *(case(f, real(0, 3), axis=0) for f in (np.sum, np.prod)),
    *(case(f, real(0, 3), axis=1) for f in (np.sum, np.mean, np.prod, np.max, np.min, np.var, np.std, np.ptp)),
    case(np.sum, real(0)),
    case(np.sum, real(0, 3), keepdims=True),
    case(np.prod, real(0)),
    case(np.amax, S, axis=0),
    case(np.amax, S, axis=0, keepdims=True),
    case(np.amin, S, axis=-1, keepdims=True),
    case(np.var, A, axis=0, ddof=1),
    case(np.var, A, axis=1, correction=1),
    case(np.std, A, ddof=1, keepdims=True),
    case(np.std, A, axis=(0, 1), correction=0.5),
    case(np.average, A, weights=P),
    case(np.average, A, axis=1, weights=P, keepdims=True),
    case(np.average, A, axis=(0, 1), weights=P),
    case(np.average, A, axis=1, weights=positive(3)),
    case(np.average, A, axis=-2, weights=positive(2)),
    case(np.average, A, axis=0, weights=[1, 3]),
    case(np.average, A.of(3), weights=P.of(3)),
    case(np.cumsum, A),
    case(np.cumsum, A, axis=0),
    case(np.cumsum, X, axis=-2),
    case(np.cumsum, real()),
    case(np.cumsum, real(0, 3), axis=1),
    case(np.linalg.norm, A),
    case(np.linalg.norm, A, "fro"),
    case(np.linalg.norm, A, 2, axis=1),
    case(np.linalg.norm, A, axis=(0, 1), keepdims=True),
    *(case(np.linalg.norm, separate(5), order) for order in (1, 2, 3, 1.5, -1, 0, np.inf, -np.inf)),
    *(case(np.linalg.norm, S, order, axis=-1, keepdims=True) for order in (1, 3, np.inf, -np.inf)),
]

# -- shapes --------------------------------------------------------------------------------------------------

SHAPES = [
    case(np.reshape, A, (3, 2)),
    case(np.reshape, A, -1),
    case(np.reshape, A, (3, -1), order="F"),
    case(np.reshape, A, (3, -1), order="f"),
    case(np.reshape, A, (6,), order="c"),
    case(np.reshape, real(), (1, 1)),
    case(np.reshape, real(0, 3), (3, 0, 2)),
    case(np.ravel, X),
    case(np.ravel, X, order="F"),
    case(np.ravel, real()),
    case(np.transpose, A),
    case(np.transpose, X),
    case(np.transpose, X, (1, 2, 0)),
    case(np.transpose, X, axes=(-1, 0, -2)),
    case(np.transpose, real()),
    case(np.swapaxes, X, 0, 2),
    case(np.swapaxes, X, -1, 0),
    case(np.moveaxis, X, 0, -1),
    case(np.moveaxis, X, (0, 1), (-1, 0)),
    case(np.moveaxis, X, source=[2, 0], destination=[0, 1]),
    case(np.expand_dims, A, 1),
    case(np.expand_dims, A, (0, -1)),
    case(np.expand_dims, real(), 0),
    case(np.squeeze, real(1, 3, 1)),
    case(np.squeeze, real(1, 3, 1), axis=0),
    case(np.squeeze, real(1, 3, 1), axis=(0, -1)),
    case(np.squeeze, real(1)),
    case(np.broadcast_to, real(3), (2, 3)),
    case(np.broadcast_to, real(2, 1), (4, 2, 3)),
    case(np.broadcast_to, real(), 3),
    case(np.broadcast_to, real(1, 3), (0, 3)),
    case(np.broadcast_to, A, (2, 3)),
    case(np.flip, X),
    case(np.flip, X, 1),
    case(np.flip, X, axis=(0, -1)),
    case(np.roll, A, 1),
    case(np.roll, A, -2, axis=1),
    case(np.roll, A, (1, 2), axis=(0, 1)),
    case(np.roll, A, 1, axis=(0, 1)),
    case(np.tril, real(3, 4)),
    case(np.tril, X, -1),
    case(np.tril, real(3)),
    case(np.triu, real(3, 4), k=1),
    case(np.triu, real(3)),
    case(np.copy, A),
    case(np.copy, real()),
    case(np.matrix_transpose, X),
    case(np.conjugate, A),
    case(np.real, A),
    case(np.imag, A),
    case(cast_, A, reference=lambda x, dtype: x.astype(dtype), dtype=np.float64),
    case(np.full_like, A, real(3)),
    case(np.full_like, A, real(), shape=(4, 1), dtype=np.float64),
    case(np.atleast_1d, real()),
    case(np.atleast_1d, real(), A, 2.0),
    case(np.atleast_2d, real()),
    case(np.atleast_2d, real(3)),
    case(np.atleast_2d, real(), X),
    case(np.diagonal, real(3, 4)),
    case(np.diagonal, real(3, 4), offset=-1),
    case(np.diagonal, real(3, 4), offset=2),
    case(np.diagonal, real(3, 4), offset=9),
    case(np.diagonal, X, 1, -1, 0),
    case(np.diagonal, X, axis1=0, axis2=2),
    case(np.trace, real(3, 3)),
    case(np.trace, X, offset=1, axis1=2, axis2=0),
    case(np.diag, real(3)),
    case(np.diag, real(3), -1),
    case(np.diag, real(2, 3), k=1),
    case(ALIAS, A, reference=lambda x: x),
    case(np.concatenate, [A, B]),
    case(np.concatenate, (A, A.of(2, 1), np.ones((2, 2))), axis=-1),
    case(np.concatenate, [A, real(4)], axis=None),
    case(np.concatenate, [real(0, 3), A]),
    case(np.concat, [A, B], axis=1),
    case(np.stack, [A, B]),
    case(np.stack, (A, np.ones((2, 3)), B), axis=-1),
    case(np.stack, [real(), 1.0, other()]),
    case(np.vstack, [real(3), A]),
    case(np.hstack, [real(3), real(2)]),
    case(np.hstack, [A, real(2, 1)]),
    case(np.hstack, [real(), real(2)]),
    case(np.column_stack, [real(2), A]),
    case(np.split, A, 3, axis=1),
    case(np.split, A, 3, axis=-1),
    case(np.split, real(7), [2, 5]),
    case(np.split, real(7), [5, 2, 9]),
    case(np.split, real(7), (-3,)),
    case(np.split, real(0, 2), 3),
    case(concatenate_, A, B, reference=lambda a, b, axis: np.concatenate([a, b], axis), axis=1),
    case(stack_, A, B, reference=lambda a, b, axis: np.stack([a, b], axis), axis=1),
]

# -- indexing ------------------------------------------------------------------------------------------------

INDICES: list[Any] = [
    0,
    -1,
    np.int64(1),
    slice(1, None),
    slice(None, None, -1),
    slice(-1, 0, -2),
    slice(5, 9),
    slice(2, 1),
    ...,
    None,
    (),
    (1, 2),
    (1, 2, 3),
    (-1, ..., 0),
    (slice(None), 1),
    (slice(None), slice(None, None, 2), -1),
    (..., None, slice(1, 3)),
    (None, 1, None),
    True,
    False,
    [0, 2, 0],
    [],
    [True, False, True],
    np.array([2, 0, 2, 2]),
    np.array([[0, -1], [1, 0]]),
    np.array(1),
    np.array([], int),
    ([0, 2], [1, 1]),
    ([0, 0, 2], slice(None), [3, 3, -1]),
    (slice(1, 3), [1, 1]),
    ([[0], [2]], [1, 0]),
    np.ix_([0, 2], [1, 0, 1]),
    np.ix_([True, False, True], [2, 0]),
    (0, [1, 1, 0]),
    (..., [1, 1]),
    (None, [0, 0]),
    np.arange(3) > 0,
    np.zeros(3, bool),
    np.add.outer(np.arange(3), np.arange(3)) % 2 == 0,
    (np.arange(3) > 0, 1),
    (slice(None), np.arange(3) != 1, [1, 2]),
    (np.arange(3) != 1, [0, 0]),
    (..., np.arange(4) % 2 == 1),
    np.arange(36).reshape(3, 3, 4) % 5 == 0,
]

INDEXING = [
    *(case(operator.getitem, real(3, 3, 4), index) for index in INDICES),
    *(case(operator.getitem, real(), index) for index in ((), ..., None, True)),
    case(operator.getitem, real(0, 3), slice(None)),
    case(operator.getitem, real(0, 3), (slice(None), [1, 1])),
    case(getitem_, real(4), np.array([3, 3, 0]), reference=lambda x, i, pattern: x[i], pattern=Slot(0)),
    case(scatter_, real(2), reference=lambda g, pattern, shape: np.r_[0, g], pattern=slice(1, None), shape=(3,)),
    case(
        scatter_,
        real(3),
        np.array([1, 1, 0]),
        reference=lambda g, i, pattern, shape: np.array([g[2], g[0] + g[1]]),
        pattern=Slot(0),
        shape=(2,),
    ),
]

# -- products ------------------------------------------------------------------------------------------------

# shapes by number of axes: (..., n, k) and (..., k, m), whose stacks broadcast for matmul
LEFT: list[tuple[int, ...]] = [(), (3,), (2, 3), (4, 2, 3), (5, 1, 2, 3)]
RIGHT: list[tuple[int, ...]] = [(), (3,), (3, 2), (4, 3, 2), (1, 4, 3, 2)]
LAST: list[tuple[int, ...]] = [(), (3,), (2, 3), (2, 1, 3), (2, 1, 2, 3)]

PRODUCTS = [
    *(case(np.matmul, real(*a), other(*b)) for a, b in product(LEFT[1:], RIGHT[1:])),
    case(np.matmul, real(1, 2, 3), other(4, 3, 1)),
    case(np.matmul, real(4, 1, 2, 3), other(5, 3, 2)),
    *(case(np.dot, real(*a), other(*b)) for a, b in product(LEFT, RIGHT)),
    *(case(np.inner, real(*a), other(*b)) for a, b in product(LAST, LAST)),
    *(case(f, real(2, 0), other(0, 3)) for f in (np.matmul, np.dot)),
    *(case(f, real(0, 2), other(2, 3)) for f in (np.matmul, np.dot)),
    *(case(f, real(0), other(0)) for f in (np.matmul, np.dot, np.inner, np.vdot, np.outer)),
    case(np.matmul, real(0, 2, 3), other(3)),
    case(np.dot, real(2, 0), other(4, 0, 3)),
    case(np.dot, real(0, 2), other(4, 2, 3)),
    case(np.inner, real(2, 0), other(3, 0)),
    case(np.inner, A, -1.5),
    *(case(np.outer, real(*a), other(*b)) for a, b in product(LEFT[:3], RIGHT[:3])),
    case(np.vdot, real(), other()),
    case(np.vdot, real(3), other(3)),
    case(np.vdot, A, real(3, 2)),
    case(np.tensordot, A, other(3, 2), 1),
    case(np.tensordot, A, B),
    case(np.tensordot, A, other(3), axes=1),
    case(np.tensordot, A, B, axes=0),
    case(np.tensordot, real(), other(), axes=0),
    case(np.tensordot, X, other(4, 3), axes=([2, 1], [0, 1])),
    case(np.tensordot, X, other(3, 2), axes=((-2, 0), (0, -1))),
    case(np.tensordot, X, other(2, 5), axes=(0, 0)),
    case(np.tensordot, X, other(2, 5), axes=[0, 0]),
    case(np.tensordot, X, other(2), axes=[[0], [-1]]),
    case(np.tensordot, real(2, 0), other(0, 3), axes=1),
    case(np.tensordot, real(0, 2), other(2, 3), axes=1),
    case(mg.linear, A, real(3, 4), real(4), reference=lambda x, w, b: x @ w + b),
    case(mg.linear, A, real(3, 4), real(1, 4), reference=lambda x, w, b: x @ w + b),
    case(mg.linear, A, real(3, 4), real(2, 4), reference=lambda x, w, b: x @ w + b),
    case(mg.linear, A, real(3, 4), real(), reference=lambda x, w, b: x @ w + b),
    case(mg.linear, real(0, 3), real(3, 4), real(4), reference=lambda x, w, b: x @ w + b),
]

# subscripts, then the shapes of the operands
SUBSCRIPTS: list[tuple[Any, ...]] = [
    ("i->", (3,)),
    ("ij->", (2, 3)),
    ("ij->i", (2, 3)),
    ("ij->ji", (2, 3)),
    ("ij", (2, 3)),
    ("ba", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iii->i", (2, 2, 2)),
    ("iij->j", (2, 2, 3)),
    ("iji->ij", (2, 3, 2)),
    ("ijij", (2, 3, 2, 3)),
    ("...ii->...i", (2, 3, 3)),
    ("...ij->...", (4, 2, 3)),
    ("...->...", (2, 3)),
    ("i...->...", (2, 3)),
    ("->", ()),
    (" i j -> j i ", (2, 3)),
    ("i,i", (3,), (3,)),
    ("i,i->i", (3,), (3,)),
    ("i,j->ij", (2,), (3,)),
    ("i,j->ji", (2,), (3,)),
    ("i,j->", (2,), (3,)),
    ("i,j->j", (2,), (3,)),
    (",ij", (), (2, 3)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk->ki", (2, 3), (3, 4)),
    ("ij,jk->i", (2, 3), (3, 4)),
    ("ij,jk->", (2, 3), (3, 4)),
    ("ij,ij->", (2, 3), (2, 3)),
    ("ij,kj->ik", (2, 3), (4, 3)),
    ("ij,jk->ij", (2, 3), (3, 4)),
    ("bij,bjk->bik", (5, 2, 3), (5, 3, 4)),
    ("bij,jk->bik", (5, 2, 3), (3, 4)),
    ("...ij,...jk->...ik", (5, 2, 3), (3, 4)),
    ("...ij,...jk", (5, 1, 2, 3), (4, 3, 2)),
    ("...i,...i->...", (2, 3), (3,)),
    ("i...,i...->...", (2, 3), (2, 1)),
    ("ij,ij->ij", (1, 3), (2, 3)),
    ("ij,ij->ij", (2, 3), (2, 1)),
    ("ij,jk->ik", (2, 1), (3, 4)),
    ("ij,jk->ik", (2, 3), (1, 4)),
    ("ij,ij->", (1, 3), (2, 1)),
    ("ii,ij->j", (3, 3), (3, 2)),
    ("ii,jj->ij", (2, 2), (3, 3)),
    ("ii,i->", (3, 3), (3,)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    ("i,ij,j", (2,), (2, 3), (3,)),
    ("i,ij,j->", (2,), (2, 3), (3,)),
    ("i,i,i->i", (3,), (3,), (3,)),
    ("ij,j,ik->jk", (2, 3), (3,), (2, 4)),
    ("ii,ij,j->i", (2, 2), (2, 3), (3,)),
    ("ij,jk->ik", (0, 3), (3, 2)),
    ("ij,jk->ik", (2, 0), (0, 3)),
    ("ij->j", (0, 3)),
]

EINSUM = [
    *(case(np.einsum, subscripts, *(real(*shape) for shape in shapes)) for subscripts, *shapes in SUBSCRIPTS),
    *(
        case(np.einsum, subscripts, *(real(*shape) for shape in shapes), optimize=True)
        for subscripts, *shapes in SUBSCRIPTS
        if len(shapes) > 1
    ),
    case(np.einsum, "ij,jk,kl->il", A, real(3, 4), real(4, 2), optimize="optimal"),
    case(np.einsum, "ii,ij,j->i", real(2, 2), A, real(3), optimize=["einsum_path", (0, 1), (0, 1)]),
    case(np.einsum, A, [0, 1]),
    case(np.einsum, A, [0, 1], [1, 0]),
    case(np.einsum, A, [0, 1], real(3, 4), [1, 2]),
    case(np.einsum, A, [0, 1], real(3, 4), [1, 30], [30, 0]),
    case(np.einsum, A, [..., 1], real(3), [1], [...]),
    case(np.einsum, "ij,jk", A, np.ones((3, 2))),
    case(np.einsum, "ij,j->i", np.ones((2, 3)), real(3)),
    case(
        einsum_,
        A,
        real(3, 4),
        reference=lambda a, b, subscripts, optimize: a @ b,
        subscripts="ij,jk->ik",
        optimize=True,
    ),
]

# -- softmax and losses --------------------------------------------------------------------------------------


def share(x: Array, axis: int = -1) -> Array:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def reduced(losses: Array, reduction: str) -> Array:
    return {"mean": np.mean, "sum": np.sum, "none": lambda x: x}[reduction](losses)


def crossed(z: Array, t: Array, axis: int = -1, reduction: str = "mean") -> Array:
    return reduced(-np.sum(t * np.log(share(z, axis)), axis=axis), reduction)


def crossed_labels(z: Array, labels: Array, axis: int = -1, reduction: str = "mean") -> Array:
    chosen = np.take_along_axis(share(z, axis), np.expand_dims(labels, axis), axis)
    return reduced(-np.log(np.squeeze(chosen, axis)), reduction)


def crossed_binary(z: Array, t: Array, reduction: str = "mean") -> Array:
    y = 1 / (1 + np.exp(-z))
    return reduced(-(t * np.log(y) + (1 - t) * np.log(1 - y)), reduction)


def squared(a: Array, b: Array, reduction: str = "mean") -> Array:
    return reduced((a - b) * (a - b), reduction)


LABELS = np.array([[0, 2, 1, 1], [2, 0, 0, 1]])

NETWORK = [
    *(case(mg.softmax, X, reference=share, axis=axis) for axis in (-1, 0, 1)),
    *(case(mg.log_softmax, X, reference=lambda x, axis=-1: np.log(share(x, axis)), axis=axis) for axis in (-1, 0, 1)),
    *(case(f, real(4), reference=r) for f, r in ((mg.softmax, share), (mg.log_softmax, lambda x: np.log(share(x))))),
    *(case(f, real(0, 3), reference=r) for f, r in ((mg.softmax, share), (mg.log_softmax, lambda x: np.log(share(x))))),
    *(case(mg.cross_entropy, X, P.of(2, 3, 4), reference=crossed, reduction=r) for r in ("mean", "sum", "none")),
    *(case(mg.cross_entropy, X, P.of(2, 3, 4), reference=crossed, axis=axis) for axis in (0, 1, -2)),
    *(case(mg.cross_entropy, X, LABELS, reference=crossed_labels, axis=axis) for axis in (1, -2)),
    *(case(mg.cross_entropy, A, LABELS[:, 0], reference=crossed_labels, reduction=r) for r in ("sum", "none")),
    case(mg.cross_entropy, X, LABELS, reference=crossed_labels, axis=1, reduction="none"),
    case(mg.cross_entropy, A, np.eye(3)[[2, 0]], reference=crossed),
    case(mg.cross_entropy, real(3), P.of(3), reference=crossed),
    case(mg.cross_entropy, real(3), np.array(2), reference=crossed_labels),
    case(mg.cross_entropy, real(0, 3), P.of(0, 3), reference=crossed, reduction="sum"),
    *(case(mg.binary_cross_entropy, A, U, reference=crossed_binary, reduction=r) for r in ("mean", "sum", "none")),
    case(mg.binary_cross_entropy, A, MASK.astype(int), reference=crossed_binary),
    case(mg.binary_cross_entropy, real(), unit(), reference=crossed_binary),
    case(mg.binary_cross_entropy, real(0), unit(0), reference=crossed_binary, reduction="none"),
    *(case(mg.squared_error, A, B, reference=squared, reduction=r) for r in ("mean", "sum", "none")),
    case(mg.squared_error, real(), other(), reference=squared),
    case(mg.squared_error, A, np.ones((2, 3), int), reference=squared),
    case(mg.squared_error, real(0, 2), other(0, 2), reference=squared, reduction="sum"),
]

# -- images: written out with loops, one product at a time ---------------------------------------------------


def two(v: Any) -> tuple[int, int]:
    return v if isinstance(v, tuple) else (v, v)


def meetings(shape: Any, w_shape: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
    """Yield the index of every element of the images, of the kernel and of the result that meet in a convolution."""
    (sh, sw), (ph, pw), (dh, dw), (kh, kw) = two(stride), two(padding), two(dilation), w_shape[2:]
    height = (shape[2] + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    width = (shape[3] + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    for n, o, r, c in np.ndindex(shape[0], w_shape[0], height, width):
        for k, i, j in np.ndindex(w_shape[1], kh, kw):
            y, x = r * sh + i * dh - ph, c * sw + j * dw - pw
            channel = o // (w_shape[0] // groups) * w_shape[1] + k
            yield (n, channel, y, x), (o, k, i, j), (n, o, r, c), 0 <= y < shape[2] and 0 <= x < shape[3]


def convolved(x: Array, w: Array, **how: Any) -> Array:
    met = list(meetings(x.shape, w.shape, **how))
    y = np.zeros([1 + max(at[axis] for _, _, at, _ in met) for axis in range(4)], x.dtype)
    for a, b, at, inside in met:
        if inside:
            y[at] += x[a] * w[b]
    return y


def convolved_back(g: Array, w: Array, shape: Any, **how: Any) -> Array:
    x = np.zeros(shape, g.dtype)
    for a, b, at, inside in meetings(shape, w.shape, **how):
        if inside:
            x[a] += g[at] * w[b]
    return x


def convolved_kernel(x: Array, g: Array, shape: Any, **how: Any) -> Array:
    w = np.zeros(shape, g.dtype)
    for a, b, at, inside in meetings(x.shape, shape, **how):
        if inside:
            w[b] += x[a] * g[at]
    return w


def windows(shape: Any, kernel: Any, stride: Any = None, padding: Any = 0) -> dict[Any, list[Any]]:
    """Return the indices in each window of a pool, by the index of its result."""
    found: dict[Any, list[Any]] = {}
    channel = (1, 1, *two(kernel))
    for a, _, at, inside in meetings((shape[0] * shape[1], 1, *shape[2:]), channel, stride or kernel, padding):
        n, c = divmod(a[0], shape[1])
        found.setdefault((n, c, *at[2:]), []).extend([(n, c, *a[2:])] if inside else [])
    return found


def pooled(x: Array, function: Any, **how: Any) -> Array:
    found = windows(x.shape, **how)
    y = np.zeros([1 + max(at[axis] for at in found) for axis in range(4)], x.dtype)
    for at, inside in found.items():
        y[at] = function([x[i] for i in inside])
    return y


def largest(x: Array, **how: Any) -> Array:
    return pooled(x, max, **how)


def averaged(x: Array, **how: Any) -> Array:
    return pooled(x, lambda v: sum(v) / np.prod(two(how["kernel"])), **how)


def largest_back(g: Array, x: Array, **how: Any) -> Array:
    back = np.zeros_like(x)
    for at, inside in windows(x.shape, **how).items():
        back[max(inside, key=lambda i: x[i])] += g[at]
    return back


def largest_along(d: Array, x: Array, **how: Any) -> Array:
    y = largest(x, **how)
    for at, inside in windows(x.shape, **how).items():
        y[at] = d[max(inside, key=lambda i: x[i])]
    return y


def averaged_back(g: Array, shape: Any, **how: Any) -> Array:
    back = np.zeros(shape, g.dtype)
    for at, inside in windows(shape, **how).items():
        for i in inside:
            back[i] += g[at] / np.prod(two(how["kernel"]))
    return back


def standard(x: Array, axis: Any = -1, eps: float = 1e-5) -> Array:
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + eps)


# shape of the images, of the kernel, of the result, and how
CONVOLUTIONS: list[tuple[Any, Any, Any, dict[str, Any]]] = [
    ((2, 3, 4, 5), (2, 3, 3, 2), (2, 2, 2, 4), {}),
    ((1, 2, 3, 3), (2, 2, 1, 1), (1, 2, 3, 3), {}),
    ((2, 1, 5, 4), (2, 1, 2, 3), (2, 2, 2, 2), {"stride": (2, 1)}),
    ((1, 2, 3, 4), (1, 2, 3, 3), (1, 1, 3, 4), {"padding": 1}),
    ((1, 1, 5, 6), (2, 1, 3, 2), (1, 2, 3, 4), {"padding": (1, 0), "dilation": 2}),
    ((2, 4, 4, 3), (2, 2, 2, 2), (2, 2, 2, 2), {"groups": 2, "stride": 2, "padding": (0, 1)}),
    ((1, 2, 6, 5), (4, 1, 2, 2), (1, 4, 3, 1), {"groups": 2, "stride": (2, 3), "dilation": (1, 2), "padding": 0}),
]
POOLS: list[tuple[Any, Any, dict[str, Any]]] = [
    ((2, 2, 4, 4), (2, 2, 2, 2), {"kernel": 2}),
    ((1, 2, 5, 4), (1, 2, 2, 3), {"kernel": (3, 2), "stride": (2, 1)}),
    ((1, 1, 4, 5), (1, 1, 2, 3), {"kernel": (2, 3), "stride": 2, "padding": (0, 1)}),
]

IMAGES = [
    *(case(conv2d, real(*x), other(*w), reference=convolved, **how) for x, w, _, how in CONVOLUTIONS),
    *(
        case(conv2d_input, real(*y), other(*w), reference=convolved_back, shape=x, **how)
        for x, w, y, how in CONVOLUTIONS
    ),
    *(
        case(conv2d_kernel, real(*x), other(*y), reference=convolved_kernel, shape=w, **how)
        for x, w, y, how in CONVOLUTIONS
    ),
    *(case(max_pool2d, separate(*x), reference=largest, **how) for x, _, how in POOLS),
    *(case(max_pool2d_back, real(*y), separate(*x), reference=largest_back, **how) for x, y, how in POOLS),
    *(case(max_pool2d_along, real(*x), separate(*x), reference=largest_along, **how) for x, _, how in POOLS),
    *(case(avg_pool2d, real(*x), reference=averaged, **how) for x, _, how in POOLS),
    *(case(avg_pool2d_back, real(*y), reference=averaged_back, shape=x, **how) for x, y, how in POOLS),
    *(case(standardize, real(5, 4), reference=standard, axis=axis) for axis in (-1, 0, (0, 1))),
    case(standardize, real(2, 3, 2, 2), reference=standard, axis=(0, 2, 3), eps=0.1),
]


def beside(parts: Any, *own: int) -> Array:
    """Return the parts of a decomposition as our own primitives have them: side by side."""
    return side_by_side(*zip(parts, own, strict=True))


def sixes(*shape: int) -> Input:
    """Return a regular 6 x 6 matrix in another shape."""
    flat = regular(6, 6)
    return Input(f"regular as {shape}", shape, lambda rng, shape: flat.draw(rng, (6, 6)).reshape(shape))


# -- linear algebra ------------------------------------------------------------------------------------------

Q, D, TALL, WIDE = regular(3, 3), definite(3, 3), regular(4, 3), regular(3, 4)
linalg = np.linalg

LINALG = [
    case(linalg.inv, Q),
    case(linalg.inv, regular(2, 3, 3)),
    case(linalg.inv, real(0, 0)),
    *(case(linalg.solve, Q, real(*shape)) for shape in ((3,), (3, 2), (2, 3, 1))),
    case(linalg.solve, regular(2, 3, 3), real(3)),
    case(linalg.solve, regular(2, 1, 3, 3), real(4, 3, 2)),
    case(solve_, Q, real(3, 2), reference=linalg.solve),
    case(linalg.pinv, TALL),
    case(linalg.pinv, WIDE, 1e-10),
    case(linalg.pinv, regular(2, 4, 3), rtol=1e-12),
    case(linalg.pinv, D, rcond=1e-12, hermitian=True),
    case(pinv_, TALL, rcond=1e-10, reference=linalg.pinv),
    case(linalg.det, Q),
    case(linalg.det, regular(2, 3, 3)),
    case(linalg.slogdet, Q),
    case(linalg.slogdet, regular(2, 3, 3)),
    case(logabsdet_, Q, reference=lambda a: linalg.slogdet(a)[1]),
    case(detsign_, Q, reference=lambda a: linalg.slogdet(a)[0]),
    case(linalg.cholesky, D),
    case(linalg.cholesky, definite(2, 3, 3), upper=True),
    case(linalg.cholesky, definite(2, 3, 3), upper=False),
    case(cholesky_, D, reference=linalg.cholesky),
    case(linalg.eigh, D),
    case(linalg.eigh, definite(2, 3, 3), UPLO="U"),
    case(eigh_, D, uplo="U", reference=lambda a, uplo: beside(linalg.eigh(a, uplo), 1, 2)),
    case(linalg.eigvalsh, D),
    case(linalg.eigvalsh, definite(2, 3, 3), UPLO="U"),
    case(eigvalsh_, D, uplo="U", reference=lambda a, uplo: linalg.eigvalsh(a, uplo)),
    case(linalg.eig, Q),
    case(eig_, Q, reference=lambda a: beside(linalg.eig(a), 1, 2)),
    case(linalg.eigvals, Q),
    case(linalg.eigvals, regular(2, 3, 3)),
    case(linalg.svd, Q),
    case(linalg.svd, TALL, full_matrices=False),
    case(linalg.svd, WIDE, full_matrices=False),
    case(linalg.svd, regular(2, 4, 3), False),
    case(linalg.svd, TALL, compute_uv=False),
    case(linalg.svd, D, compute_uv=False, hermitian=True),
    case(svd_, TALL, reference=lambda a: beside(linalg.svd(a, full_matrices=False), 2, 1, 2)),
    case(svdvals_, WIDE, reference=lambda a: linalg.svd(a, compute_uv=False)),
    case(linalg.svdvals, regular(2, 4, 3)),
    case(linalg.qr, Q),
    case(linalg.qr, TALL),
    case(linalg.qr, regular(2, 3, 5)),
    case(linalg.qr, TALL, mode="r"),
    case(linalg.qr, WIDE, mode="complete"),
    case(qr_, TALL, reference=lambda a: beside(linalg.qr(a), 2, 2)),
    *(case(linalg.norm, TALL, ord) for ord in ("fro", "nuc", 1, 2, -2, np.inf)),
    *(case(linalg.norm, graded(2, 3, 2), ord, axis=(2, 0), keepdims=True) for ord in (1, np.inf)),
    *(case(linalg.matrix_norm, regular(2, 4, 3), ord=ord) for ord in ("fro", "nuc", 2, -2)),
    *(case(linalg.matrix_norm, graded(2, 3, 2), ord=ord) for ord in (1, -1, np.inf, -np.inf)),
    case(linalg.matrix_norm, TALL, keepdims=True),
    *(case(linalg.vector_norm, S, ord=ord) for ord in (2, 1, 3, 0, np.inf, -np.inf)),
    case(linalg.vector_norm, X, axis=(0, 2), keepdims=True),
    *(case(linalg.cond, Q, p) for p in (None, 2, -2, 1, "fro")),
    case(linalg.cond, regular(2, 3, 3)),
    case(linalg.matrix_rank, Q),
    case(linalg.matrix_rank, D, tol=1e-9, hermitian=True),
    case(linalg.matrix_rank, Q, rtol=1e-9),
    *(case(linalg.matrix_power, Q, n) for n in (-3, -1, 1, 2, 5)),
    case(linalg.matrix_power, regular(2, 3, 3), 3),
    case(linalg.multi_dot, [real(2, 3), other(3, 5), real(5, 2)]),
    case(linalg.multi_dot, [real(3), other(3, 5), real(5, 2), real(2)]),
    case(linalg.multi_dot, [real(3), other(3, 2)]),
    case(linalg.multi_dot, [real(2, 3), other(3)]),
    case(linalg.lstsq, TALL, real(4), first=2),
    case(linalg.lstsq, TALL, real(4, 2), rcond=1e-10, first=2),
    case(linalg.lstsq, WIDE, real(3), rcond=-1, first=1),
    case(linalg.tensorsolve, regular(6, 6).of(6, 6), real(6)),
    case(linalg.tensorsolve, sixes(2, 3, 6), real(2, 3)),
    case(linalg.tensorsolve, sixes(6, 2, 3), real(6), axes=(1, 2)),
    case(linalg.tensorinv, sixes(2, 3, 6)),
    case(linalg.tensorinv, sixes(6, 2, 3), ind=1),
    case(linalg.matmul, A, real(3, 2)),
    case(linalg.outer, real(3), other(2)),
    case(linalg.tensordot, X, other(4, 3), axes=([2, 1], [0, 1])),
    case(linalg.matrix_transpose, X),
    case(np.matrix_transpose, A),
    case(linalg.diagonal, X, offset=1),
    case(linalg.trace, X),
    case(linalg.trace, X, offset=-1, dtype=np.float64),
    case(linalg.vecdot, A, other(3)),
    case(linalg.vecdot, A, other(2, 3), axis=0),
    case(np.vecdot, A, other(3)),
    case(np.vecdot, A, other(2, 3), axis=0),
    *([case(np.matvec, X, other(2, 4)), case(np.vecmat, real(2, 3), other(2, 3, 4))] if hasattr(np, "matvec") else []),
    case(np.cross, A, other(3)),
    case(np.cross, A.of(3, 2), other(2, 3), axisa=0, axisb=1, axisc=0),
    case(np.cross, A.of(3, 2), other(3, 2), axis=0),
    case(linalg.cross, A, other(2, 3)),
    case(linalg.cross, A.of(3, 2), other(3, 2), axis=0),
]

# -- Fourier transforms (of complex numbers: test_complex.py) -------------------------------------------------

fft = np.fft
NORMS = ("backward", "ortho", "forward")

FOURIER = [
    *(case(f, real(2, 4), n, norm=norm) for f in (fft.fft, fft.ifft, fft.rfft) for n in (None, 3, 7) for norm in NORMS),
    *(case(f, real(2, 5), norm="ortho") for f in (fft.fft, fft.ifft, fft.rfft, fft.ihfft)),
    *(case(fft.irfft, real(2, 4), n, norm=norm) for n in (None, 5, 7, 4, 12) for norm in NORMS),
    *(case(fft.hfft, real(2, 4), n, norm=norm) for n in (None, 5, 6, 10) for norm in NORMS),
    *(case(fft.ihfft, real(2, 4), n, norm=norm) for n in (None, 5, 7) for norm in NORMS),
    *(case(f, X, axis=axis) for f in (fft.fft, fft.ifft, fft.rfft, fft.irfft, fft.hfft, fft.ihfft) for axis in (0, -2)),
    *(case(f, X) for f in (fft.fftn, fft.ifftn, fft.rfftn, fft.irfftn, fft.fft2, fft.ifft2, fft.rfft2, fft.irfft2)),
    *(
        case(f, X, s=(3, 6), axes=(0, 2), norm="ortho")
        for f in (fft.fftn, fft.ifftn, fft.rfftn, fft.irfftn, fft.fft2, fft.ifft2, fft.rfft2, fft.irfft2)
    ),
    *(case(f, X, axes=(2, 0)) for f in (fft.fftn, fft.rfftn, fft.irfftn)),
    case(fft.fftshift, X),
    case(fft.fftshift, X, axes=1),
    case(fft.ifftshift, X, axes=(0, 2)),
    case(fft.ifftshift, real(5)),
]

CASES = [
    *IMAGES,
    *ELEMENTWISE,
    *PIECEWISE,
    *CONSTANTS,
    *REDUCTIONS,
    *SHAPES,
    *INDEXING,
    *PRODUCTS,
    *EINSUM,
    *NETWORK,
    *LINALG,
    *FOURIER,
    *NUMERIC,
    *ARRANGING,
]
SMOOTH = [c for c in CASES if c.differentiable]


# -- what the cases leave out --------------------------------------------------------------------------------


#: What writes into its first argument: tests/test_views.py puts that through.
WRITERS = (np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal)


def entries() -> dict[Any, Any]:
    """Return what should have a case, primitives and programs, by the function that a user calls."""
    primitives = {p: p for p in TABLE.values() if not isinstance(p, UserPrimitive)}
    programs = {**COMPOSITES, **{program: program for program in WIDER.values()}}
    every = {**primitives, **programs}.items()
    return {key: entry for key, entry in every if not of_scipy(key) and key not in WRITERS}


def of_scipy(key: Any) -> bool:
    """Return whether an entry is there only since SciPy was met: test_special.py puts those through."""
    function = getattr(key, "function", key)
    if isinstance(function, np.ufunc):
        return vars(np).get(function.__name__) is not function and function not in vars(np).values()
    return function.__module__ in ("scipy.special", "microgradnp.primitives.special")


def uncovered(cases: list[Case]) -> list[str]:
    """Return the entries without a case, and the keywords that an entry honours and no case uses."""
    missing = []
    for key, entry in entries().items():
        name = getattr(key, "name", None) or key.__name__
        used = [keywords_of(c) for c in cases if c.entry is entry]
        if not used:
            missing.append(name)
            continue
        if isinstance(entry, Primitive):
            honours = list(entry.honours)
        else:
            honours = [k for k, _, default in explain.parameters_of(entry) or () if default is not Parameter.empty]
        missing += [f"{name}({k}=)" for k in honours if k not in set().union(*used)]
    return missing


def keywords_of(c: Case) -> set[str]:
    """Return the names of the parameters that a case gives, also those that it gives by position."""
    if isinstance(c.entry, Primitive):
        return set(explain.bound(c.entry, c.function, c.args, c.params)[1])
    args, params = explain.honoured(c.entry, c.function, c.args, c.params)
    names = [name for name, _, _ in explain.parameters_of(c.entry) or ()]
    return {*params, *names[: len(args)]}
