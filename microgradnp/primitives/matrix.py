"""Products of vectors, matrices and stacks of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from microgradnp.primitives.primitive import (
    Array,
    Variadic,
    bilinear,
    composite,
    enter,
    unbroadcast,
)

# -- matmul: vectors are promoted to matrices, stacks broadcast ------------------------------------------------------


def _matmul_a(g: Array, _y: Array, _a: Array, b: Array) -> Array:
    if g.ndim == 2 and _a.ndim == 2:  # the usual case, first; np.dot is faster than matmul for thin operands
        return np.dot(g, b.T)
    if b.ndim == 1:
        return unbroadcast(g[..., None] * b, _a.shape)
    g = g[..., None, :] if _a.ndim == 1 else g
    product = np.matmul(g, np.swapaxes(b, -1, -2))
    return unbroadcast(product[..., 0, :] if _a.ndim == 1 else product, _a.shape)


def _matmul_b(g: Array, _y: Array, a: Array, _b: Array) -> Array:
    if g.ndim == 2 and _b.ndim == 2 and a.ndim == 2:
        return np.dot(a.T, g)
    if a.ndim == 1:
        return unbroadcast(a[:, None] * g[..., None, :] if _b.ndim > 1 else a * g, _b.shape)
    g = g[..., None] if _b.ndim == 1 else g
    product = np.matmul(np.swapaxes(a, -1, -2), g)
    return unbroadcast(product[..., 0] if _b.ndim == 1 else product, _b.shape)


bilinear(np.matmul, (_matmul_a, _matmul_b), "{a} {b}")


# -- dot: the last axis of a with the last but one of b --------------------------------------------------------------


def _dot_a(g: Array, _y: Array, _a: Array, b: Array) -> Array:
    if g.ndim == 2 and b.ndim == 2:
        return np.dot(g, b.T)
    if _a.ndim == 0 or b.ndim == 0:
        return (g * b).sum() if _a.ndim == 0 else g * b
    b_last = b if b.ndim == 1 else np.moveaxis(b, -2, -1).reshape(-1, b.shape[-2])  # (kept of b, summed)
    rows = g.reshape(-1, b_last.shape[0]) if b.ndim > 1 else g.reshape(-1, 1)
    return np.dot(rows, b_last.reshape(rows.shape[1], -1)).reshape(_a.shape)


def _dot_b(g: Array, _y: Array, a: Array, _b: Array) -> Array:
    if g.ndim == 2 and a.ndim == 2:
        return np.dot(a.T, g)
    if a.ndim == 0 or _b.ndim == 0:
        return (g * a).sum() if _b.ndim == 0 else g * a
    rows = a.reshape(-1, a.shape[-1])
    product = np.dot(rows.T, g.reshape(rows.shape[0], -1))  # (summed, kept of b)
    if _b.ndim == 1:
        return product.reshape(_b.shape)
    kept = _b.shape[:-2] + _b.shape[-1:]
    return np.moveaxis(product.reshape((_b.shape[-2], *kept)), 0, -2)


bilinear(np.dot, (_dot_a, _dot_b), "{a} {b}")


# -- products that are short programs --------------------------------------------------------------------------------


@composite(np.outer)
def _outer(a: Array, b: Array) -> Array:
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


@composite(np.inner)
def _inner(a: Array, b: Array) -> Array:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return np.tensordot(a, b, axes=(-1, -1))


@composite(np.vdot)
def _vdot(a: Array, b: Array) -> Array:
    return np.dot(np.reshape(np.conjugate(a) if np.iscomplexobj(a) else a, (-1,)), np.reshape(b, (-1,)))


@composite(np.tensordot)
def _tensordot(a: Array, b: Array, axes: Any = 2) -> Array:
    n, m = np.ndim(a), np.ndim(b)
    if isinstance(axes, int | np.integer):
        axes_a, axes_b = list(range(n - int(axes), n)), list(range(int(axes)))
    else:
        axes_a, axes_b = ([x] if isinstance(x, int | np.integer) else list(x) for x in axes)
    axes_a, axes_b = [x % n for x in axes_a], [x % m for x in axes_b]
    shape_a, shape_b = np.shape(a), np.shape(b)
    if [shape_a[i] for i in axes_a] != [shape_b[i] for i in axes_b]:
        raise ValueError(f"tensordot: the summed axes differ in length: {shape_a} over {axes_a}, {shape_b} over {axes_b}")
    kept_a = [i for i in range(n) if i not in axes_a]
    kept_b = [i for i in range(m) if i not in axes_b]
    size = 1
    for i in axes_a:
        size *= shape_a[i]
    left = np.reshape(np.transpose(a, kept_a + axes_a), (-1, size) if size else (_size(shape_a, kept_a), 0))
    right = np.reshape(np.transpose(b, axes_b + kept_b), (size, -1) if size else (0, _size(shape_b, kept_b)))
    return np.reshape(np.dot(left, right), [shape_a[i] for i in kept_a] + [shape_b[i] for i in kept_b])


def _size(shape: tuple[int, ...], axes: list[int]) -> int:
    size = 1
    for i in axes:
        size *= shape[i]
    return size


# -- einsum ----------------------------------------------------------------------------------------------------------

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def parse_einsum(subscripts: str, shapes: Sequence[tuple[int, ...]]) -> tuple[list[str], str]:
    """Return the subscripts of the operands and of the output, with every ellipsis spelled out and the output explicit.

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
    widths = [len(shape) - len(term.replace("...", "")) if "..." in term else 0 for term, shape in zip(terms, shapes, strict=True)]
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
    return np.einsum(subscripts, *operands, optimize=optimize)


def _einsum_pull(g: Array, _y: Array, xs: Sequence[Array], wanted: Sequence[bool], *, subscripts: str, optimize: Any = False) -> Any:
    terms, output = parse_einsum(subscripts, [x.shape for x in xs])
    sizes = {c: n for term, x in zip(terms, xs, strict=True) for c, n in zip(term, x.shape, strict=True) if n != 1}
    return [
        _einsum_gradient(g, output, terms, xs, i, sizes, optimize) if want else None for i, want in enumerate(wanted)
    ]


def _einsum_gradient(
    g: Array, output: str, terms: list[str], xs: Sequence[Array], i: int, sizes: dict[str, int], optimize: Any
) -> Array:
    """Return the gradient of operand i: the einsum of the output's gradient with all the other operands.

    Subscripts of operand i alone were summed: they come back by broadcasting. A repeated subscript took a diagonal:
    the gradient is put back on it.
    """
    term = terms[i]
    unique = "".join(dict.fromkeys(term))
    others = [t for k, t in enumerate(terms) if k != i]
    known = output + "".join(others)
    there = "".join(c for c in unique if c in known)
    operands = [g] + [x for k, x in enumerate(xs) if k != i]
    gradient = np.einsum(",".join([output, *others]) + "->" + there, *operands, optimize=optimize)
    shape_of = dict(zip(term, xs[i].shape, strict=True))
    full = tuple(sizes.get(c, 1) for c in unique)
    gradient = gradient.reshape(tuple(gradient.shape[there.index(c)] if c in there else 1 for c in unique))
    gradient = np.broadcast_to(gradient, full)
    gradient = unbroadcast(gradient, tuple(shape_of[c] for c in unique))  # axes of length one that were stretched
    if unique == term:
        return gradient
    for c in unique:  # put the gradient on the diagonal of each repeated subscript
        places = [k for k, letter in enumerate(term) if letter == c]
        for place in places[1:]:
            eye = np.eye(shape_of[c], dtype=g.dtype)
            shape = [1] * len(term)
            shape[places[0]], shape[place] = shape_of[c], shape_of[c]
            gradient = _spread(gradient, term, unique) if gradient.ndim != len(term) else gradient
            gradient = gradient * eye.reshape(shape)
    return gradient


def _spread(gradient: Array, term: str, unique: str) -> Array:
    """Give each repeated subscript its own axis, of length one where it repeats an earlier one."""
    seen: set[str] = set()
    shape = []
    for c in term:
        shape.append(1 if c in seen else gradient.shape[unique.index(c)])
        seen.add(c)
    order = [unique.index(c) for c in dict.fromkeys(term)]
    return np.transpose(gradient, order).reshape(shape)


def _einsum_push(dxs: Sequence[Array | None], _y: Array, xs: Sequence[Array], *, subscripts: str, optimize: Any = False) -> Array:
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
