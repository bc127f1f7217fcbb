"""Products of vectors, matrices and stacks of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from microgradnp.primitives.primitive import (
    Array,
    Variadic,
    array_dot,
    bilinear,
    composite,
    dot,
    enter,
    expand,
    math_prod,
    unbroadcast,
    undispatched,
)

# -- matmul: vectors are promoted to matrices, stacks broadcast ----------------------------------------------


def _matmul_a(g: Array, _y: Array, _a: Array, b: Array) -> Array:
    if g.ndim == 2 and b.ndim == 2:  # the usual case, first; so is a, then
        return g.dot(b.T)
    if b.ndim == 1:
        return unbroadcast(g[..., None] * b, _a.shape)
    g = g[..., None, :] if _a.ndim == 1 else g
    product = np.matmul(g, np.swapaxes(b, -1, -2))
    return unbroadcast(product[..., 0, :] if _a.ndim == 1 else product, _a.shape)


def _matmul_b(g: Array, _y: Array, a: Array, _b: Array) -> Array:
    if g.ndim == 2 and a.ndim == 2:
        return array_dot(a.T, g) if type(a) is np.ndarray and type(g) is np.ndarray else np.dot(a.T, g)
    if a.ndim == 1:
        return unbroadcast(a[:, None] * g[..., None, :] if _b.ndim > 1 else a * g, _b.shape)
    g = g[..., None] if _b.ndim == 1 else g
    product = np.matmul(np.swapaxes(a, -1, -2), g)
    return unbroadcast(product[..., 0] if _b.ndim == 1 else product, _b.shape)


bilinear(np.matmul, (_matmul_a, _matmul_b), "{a} {b}")


#: Python's own, which have no shape.
NUMBERS = frozenset((bool, int, float, complex))

# -- dot: the last axis of a with the last but one of b ------------------------------------------------------


def _dot_a(g: Array, _y: Array, _a: Array, b: Array) -> Array:
    if type(b) in NUMBERS:
        return g * b
    if b.ndim == 2 and _a.ndim == 2:
        return g.dot(b.T)
    if _a.ndim == 0 or b.ndim == 0:
        return unbroadcast(g * b, _a.shape)
    kept = [axis for axis in range(b.ndim) if axis != max(b.ndim - 2, 0)]
    return np.tensordot(g, b, axes=(list(range(g.ndim - len(kept), g.ndim)), kept))


def _dot_b(g: Array, _y: Array, a: Array, _b: Array) -> Array:
    if type(a) in NUMBERS:
        return g * a
    if a.ndim == 2 and _b.ndim == 2:
        return dot(a.T, g)
    if a.ndim == 0 or _b.ndim == 0:
        return unbroadcast(g * a, _b.shape)
    kept = list(range(a.ndim - 1))
    product = np.tensordot(a, g, axes=(kept, kept))  # the summed axis first
    return np.moveaxis(product, 0, max(_b.ndim - 2, 0))


bilinear(np.dot, (_dot_a, _dot_b), "{a} {b}", compute=undispatched(np.dot))


# -- products that are short programs ------------------------------------------------------------------------


@composite(np.outer)
def _outer(a: Array, b: Array) -> Array:
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


@composite(np.inner)
def _inner(a: Array, b: Array) -> Array:
    if np.ndim(a) == 0 or np.ndim(b) == 0:  # Python's numbers count as arrays here
        return np.multiply(*(x if hasattr(x, "dtype") else np.asarray(x) for x in (a, b)))
    return np.tensordot(a, b, axes=(-1, -1))


@composite(np.vdot)
def _vdot(a: Array, b: Array) -> Array:
    return np.dot(np.reshape(np.conjugate(a) if np.iscomplexobj(a) else a, (-1,)), np.reshape(b, (-1,)))


@composite(np.tensordot)
def _tensordot(a: Array, b: Array, axes: Any = 2) -> Array:
    shape_a, shape_b = np.shape(a), np.shape(b)
    if isinstance(axes, int | np.integer):
        if not 0 <= axes <= min(len(shape_a), len(shape_b)):
            raise ValueError(f"axes={axes}, but the operands have {len(shape_a)} and {len(shape_b)} axes")
        axes = range(len(shape_a) - int(axes), len(shape_a)), range(int(axes))
    summed_a = list(normalize_axis_tuple(axes[0], len(shape_a), "axes"))
    summed_b = list(normalize_axis_tuple(axes[1], len(shape_b), "axes"))
    lengths = tuple(shape_a[i] for i in summed_a)
    if lengths != tuple(shape_b[i] for i in summed_b):
        raise ValueError(f"the summed axes differ in length: {summed_a} of {shape_a}, {summed_b} of {shape_b}")
    kept_a = [i for i in range(len(shape_a)) if i not in summed_a]
    kept_b = [i for i in range(len(shape_b)) if i not in summed_b]
    rows, columns = tuple(shape_a[i] for i in kept_a), tuple(shape_b[i] for i in kept_b)
    left = np.reshape(np.transpose(a, kept_a + summed_a), (math_prod(rows), math_prod(lengths)))
    right = np.reshape(np.transpose(b, summed_b + kept_b), (math_prod(lengths), math_prod(columns)))
    return np.reshape(np.dot(left, right), rows + columns)


# -- einsum --------------------------------------------------------------------------------------------------

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def parse_einsum(subscripts: str, shapes: Sequence[tuple[int, ...]]) -> tuple[list[str], str]:
    """Return the subscripts of the operands and of the output: explicit, and with every ellipsis spelled out.

    Raises
    ------
    ValueError
        If the subscripts do not fit the number of operands or their dimensions.
    """
    subscripts = subscripts.replace(" ", "")
    left, arrow, output = subscripts.partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        raise ValueError(f"einsum: {subscripts!r} names {len(terms)} operand(s), but {len(shapes)} were given")
    free = [c for c in LETTERS if c not in subscripts]
    widths = [
        len(shape) - len(term.replace("...", "")) if "..." in term else 0
        for term, shape in zip(terms, shapes, strict=True)
    ]
    dots = "".join(free[: max(widths, default=0)])
    spelled = []
    for term, shape, width in zip(terms, shapes, widths, strict=True):
        term = term.replace("...", dots[len(dots) - width :] if width > 0 else "")
        if len(term) != len(shape):
            raise ValueError(f"einsum: the subscripts {term!r} do not fit an operand of shape {shape}")
        spelled.append(term)
    if arrow:
        output = output.replace("...", dots)
    else:
        letters = "".join(spelled)
        output = dots + "".join(sorted(c for c in set(letters) if letters.count(c) == 1 and c not in dots))
    return spelled, output


def einsum(*operands: Array, subscripts: str, optimize: Any = False) -> Array:
    """Return the sum of products that the subscripts say."""
    if any(0 in x.shape for x in operands):
        check_lengths(subscripts, [x.shape for x in operands])
    return np.einsum(subscripts, *operands, optimize=optimize)


def check_lengths(subscripts: str, shapes: Sequence[tuple[int, ...]]) -> None:
    """Raise if a repeated subscript has the lengths 0 and another: NumPy reads past the end of such an array."""
    terms, _ = parse_einsum(subscripts, shapes)
    lengths: dict[str, set[int]] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, n in zip(term, shape, strict=True):
            lengths.setdefault(letter, set()).add(n)
    for letter, found in lengths.items():
        if 0 in found and len(found - {1}) > 1:
            raise ValueError(f"einsum: the axes of {letter!r} have the lengths {', '.join(map(str, sorted(found)))}")


def _einsum_pull(
    g: Array,
    _y: Array,
    xs: Sequence[Array],
    wanted: Sequence[bool],
    *,
    subscripts: str,
    optimize: Any = False,
) -> Any:
    terms, output = parse_einsum(subscripts, [x.shape for x in xs])
    return [
        _einsum_gradient(g, output, terms, xs, i, bool(optimize)) if want else None for i, want in enumerate(wanted)
    ]


def _einsum_gradient(g: Array, output: str, terms: list[str], xs: Sequence[Array], i: int, optimize: bool) -> Array:
    """Return the gradient of operand i: the einsum of the output's gradient with all the other operands.

    A subscript repeated in operand i took a diagonal: an identity matrix puts the gradient back on it.
    Subscripts of operand i alone were summed: they come back by broadcasting.
    """
    shape = xs[i].shape
    subscripts = [output, *terms[:i], *terms[i + 1 :]]
    operands = [g, *xs[:i], *xs[i + 1 :]]
    unused = iter(c for c in LETTERS if c not in output + "".join(terms))
    axes = ""
    for c, n in zip(terms[i], shape, strict=True):
        if c in axes:
            place = next(unused)
            subscripts.append(c + place)
            operands.append(np.eye(n, dtype=g.dtype))
            c = place
        axes += c
    known = "".join(c for c in axes if c in "".join(subscripts))
    gradient = np.einsum(",".join(subscripts) + "->" + known, *operands, optimize=optimize)
    lengths = dict(zip(known, gradient.shape, strict=True))
    gradient = gradient.reshape(tuple(lengths.get(c, 1) for c in axes))
    stretched = tuple(1 if n == 1 else lengths.get(c, 1) for c, n in zip(axes, shape, strict=True))
    return expand(unbroadcast(gradient, stretched), shape)


def _einsum_push(
    dxs: Sequence[Array | None], _y: Array, xs: Sequence[Array], *, subscripts: str, optimize: Any = False
) -> Array:
    total = None
    for i, dx in enumerate(dxs):
        if dx is not None:
            term = np.einsum(subscripts, *xs[:i], dx, *xs[i + 1 :], optimize=optimize)
            total = term if total is None else total + term
    return total


einsum_ = enter(einsum, Variadic(einsum, _einsum_pull, _einsum_push, reads=(False, True)))


@composite(np.einsum)
def _einsum(subscripts: Any, *operands: Any, optimize: Any = False) -> Array:
    if not isinstance(subscripts, str):  # the other form: operand, sublist, operand, sublist, ..., [sublist]
        everything = [subscripts, *operands]
        pairs, rest = len(everything) // 2, len(everything) % 2
        operands = tuple(everything[2 * k] for k in range(pairs))
        names = [_letters(everything[2 * k + 1]) for k in range(pairs)]
        subscripts = ",".join(names) + ("->" + _letters(everything[-1]) if rest else "")
    return einsum_(*operands, subscripts=subscripts, optimize=optimize)


def _letters(sublist: Any) -> str:
    return "".join("..." if k is Ellipsis else LETTERS[k] for k in sublist)
