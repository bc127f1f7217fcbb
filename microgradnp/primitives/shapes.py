"""Functions that move elements without changing them. All linear: each entry states its transpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from microgradnp.primitives.primitive import (
    Array,
    Primitive,
    Variadic,
    composite,
    constant,
    enter,
    linear,
    seen,
    structural,
    unbroadcast,
)
from microgradnp.primitives.reductions import count

# -- one operand ---------------------------------------------------------------------------------------------


def _reshape(x: Array, shape: Any, order: Any = "C") -> Array:
    if order not in (
        "C",
        "c",
        "F",
        "f",
    ):  # "A" depends on the memory of the operand, which its gradient need not share
        raise ValueError(f"order={order!r} has no derivative rule; 'C' and 'F' have one")
    return np.reshape(x, shape, order)


# NumPy 2.0 calls the shape `newshape`: it goes by position
structural(
    np.reshape,
    lambda g, _y, _x, *, shape, order="C": np.reshape(g, _x.shape, order),
    lambda dx, _y, _x, *, shape, order="C": np.reshape(dx, shape, order),
    compute=_reshape,
)


@composite(np.ravel)
def _ravel(a: Array, order: Any = "C") -> Array:
    return np.reshape(a, (-1,), order=order)


def _transpose_back(g: Array, _y: Array, _x: Array, *, axes: Any = None) -> Array:
    if axes is None:
        return np.transpose(g)
    axes = [axis % _x.ndim for axis in axes]
    return np.transpose(g, [axes.index(i) for i in range(_x.ndim)])


linear(np.transpose, _transpose_back, "{x}^T")
linear(np.swapaxes, lambda g, _y, _x, *, axis1, axis2: np.swapaxes(g, axis1, axis2))
linear(np.moveaxis, lambda g, _y, _x, *, source, destination: np.moveaxis(g, destination, source))
linear(np.expand_dims, lambda g, _y, _x, *, axis: g.reshape(_x.shape))
linear(np.squeeze, lambda g, _y, _x, *, axis=None: g.reshape(_x.shape))
linear(np.broadcast_to, lambda g, _y, _x, *, shape: unbroadcast(g, _x.shape))
linear(np.flip, lambda g, _y, _x, *, axis=None: np.flip(g, axis))
linear(np.roll, lambda g, _y, _x, *, shift, axis=None: np.roll(g, _opposite(shift), axis))
linear(np.tril, lambda g, _y, _x, *, k=0: unbroadcast(np.tril(g, k), _x.shape))  # a vector becomes a matrix
linear(np.triu, lambda g, _y, _x, *, k=0: unbroadcast(np.triu(g, k), _x.shape))
linear(np.copy, lambda g, _y, _x, *, order="K", subok=False: g)
linear(np.conjugate, lambda g, _y, _x: np.conjugate(g))
linear(np.real, lambda g, _y, _x: g)
linear(np.imag, lambda g, _y, _x: -1j * g)  # of a real operand the engine keeps the real part: 0
linear(np.matrix_transpose, lambda g, _y, _x: np.swapaxes(g, -1, -2))


def _opposite(shift: Any) -> Any:
    return tuple(-s for s in shift) if isinstance(shift, tuple | list) else -shift


def cast(x: Array, dtype: Any) -> Array:
    """Return `x` in another float type."""
    y = np.asarray(x).astype(dtype)
    return y if y.ndim else y[()]


def _cast_back(g: Array, _y: Array, _x: Array, *, dtype: Any) -> Array:
    return (np.real(g) if _x.dtype.kind == "f" else g).astype(_x.dtype)


cast_ = structural(cast, _cast_back, lambda dx, _y, _x, *, dtype: dx.astype(dtype))


@composite(np.atleast_1d)
def _atleast_1d(*arrays: Array) -> Any:
    grown = [np.reshape(a, (1,)) if np.ndim(a) == 0 else a for a in arrays]
    return grown[0] if len(grown) == 1 else tuple(grown)


@composite(np.atleast_2d)
def _atleast_2d(*arrays: Array) -> Any:
    grown = [np.reshape(a, (1, -1)) if np.ndim(a) < 2 else a for a in arrays]
    return grown[0] if len(grown) == 1 else tuple(grown)


# -- indexing: x[pattern], where the arrays of the pattern are operands too ----------------------------------


class Slot:
    """Stands in an index pattern for an operand: an index array that may change from run to run."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position

    def __repr__(self) -> str:
        return f"<index {self.position}>"


def filled(pattern: Any, arrays: Sequence[Array]) -> Any:
    """Return the index that NumPy understands: the pattern with its arrays put in."""
    if isinstance(pattern, tuple):
        return tuple(arrays[p.position] if isinstance(p, Slot) else p for p in pattern)
    return arrays[pattern.position] if isinstance(pattern, Slot) else pattern


def getitem(x: Array, *arrays: Array, pattern: Any) -> Array:
    """Return x[pattern]."""
    return x[filled(pattern, arrays) if arrays else pattern]


def scatter(g: Array, *arrays: Array, pattern: Any, shape: tuple[int, ...]) -> Array:
    """Return zeros of a shape to which g is added at [pattern]: the transpose of getitem."""
    z = np.zeros(shape, g.dtype)
    if not arrays:
        z[pattern] = g  # basic indexing names each element once
    elif all(getattr(a, "dtype", None) == np.bool_ for a in arrays) and len(arrays) == 1:
        z[filled(pattern, arrays)] = g  # so does one mask
    else:
        np.add.at(z, filled(pattern, arrays), g)
    return z


getitem_: Primitive = enter(
    getitem,
    Variadic(
        getitem,
        lambda g, _y, xs, _wanted, *, pattern: (
            [scatter_(g, *xs[1:], pattern=pattern, shape=xs[0].shape)] + [None] * (len(xs) - 1)
        ),
        lambda dxs, _y, xs, *, pattern: None if dxs[0] is None else getitem_(dxs[0], *xs[1:], pattern=pattern),
    ),
)
scatter_: Primitive = enter(
    scatter,
    Variadic(
        scatter,
        lambda g, _y, xs, _wanted, *, pattern, shape: [getitem_(g, *xs[1:], pattern=pattern)] + [None] * (len(xs) - 1),
        lambda dxs, _y, xs, *, pattern, shape: (
            None if dxs[0] is None else scatter_(dxs[0], *xs[1:], pattern=pattern, shape=shape)
        ),
    ),
)
# the index arrays are read, the array itself is not: only its shape
getitem_.reads = scatter_.reads = ((False, False, True),)


# -- joining -------------------------------------------------------------------------------------------------


def concatenate(*arrays: Array, axis: int | None = 0) -> Array:
    """Return the arrays joined along an axis that they have."""
    return np.concatenate(arrays, axis=axis)


def stack(*arrays: Array, axis: int = 0) -> Array:
    """Return the arrays joined along a new axis."""
    return np.stack(arrays, axis=axis)


def _concatenate_pull(g: Array, _y: Array, xs: Sequence[Array], wanted: Sequence[bool], *, axis: int | None = 0) -> Any:
    gradients: list[Array | None] = []
    start = 0
    for x, want in zip(xs, wanted, strict=True):
        if axis is None:
            stop = start + x.size
            gradients.append(g[start:stop].reshape(x.shape) if want else None)
        else:
            stop = start + x.shape[axis]
            gradients.append(g[(slice(None),) * (axis % g.ndim) + (slice(start, stop),)] if want else None)
        start = stop
    return gradients


def _stack_pull(g: Array, _y: Array, xs: Sequence[Array], wanted: Sequence[bool], *, axis: int = 0) -> Any:
    lead = (slice(None),) * (axis % g.ndim)
    return [g[(*lead, i)] if want else None for i, want in enumerate(wanted)]


def _zeros_for_none(dxs: Sequence[Array | None], xs: Sequence[Array]) -> list[Array]:
    return [
        dx if dx is not None else np.zeros(x.shape, x.dtype) if hasattr(x, "shape") else 0.0  # a number, while tracing
        for dx, x in zip(dxs, xs, strict=True)
    ]


concatenate_: Primitive = enter(
    concatenate,
    Variadic(
        concatenate,
        _concatenate_pull,
        lambda dxs, _y, xs, *, axis=0: concatenate_(*_zeros_for_none(dxs, xs), axis=axis),
    ),
)
stack_: Primitive = enter(
    stack,
    Variadic(stack, _stack_pull, lambda dxs, _y, xs, *, axis=0: stack_(*_zeros_for_none(dxs, xs), axis=axis)),
)


# -- diagonals -----------------------------------------------------------------------------------------------


@composite(np.diagonal)
def _diagonal(a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    moved = np.moveaxis(a, (axis1, axis2), (-2, -1))
    rows = np.arange(max(0, min(moved.shape[-2] + min(offset, 0), moved.shape[-1] - max(offset, 0))))
    return seen(moved, (..., rows - min(offset, 0), rows + max(offset, 0)))


@composite(np.trace)
def _trace(a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    return np.sum(_diagonal(a, offset, axis1, axis2), axis=-1)


@composite(np.diag)
def _diag(v: Array, k: int = 0) -> Array:
    if v.ndim == 2:
        return _diagonal(v, k)
    if v.ndim != 1:
        raise ValueError("np.diag wants a vector or a matrix")
    n = v.shape[0] + abs(k)
    rows = np.arange(v.shape[0])
    return scatter_(v, rows - min(k, 0), rows + max(k, 0), pattern=(Slot(0), Slot(1)), shape=(n, n))


# -- of the shape alone --------------------------------------------------------------------------------------

composite(np.shape)(lambda a: a.shape)
composite(np.ndim)(lambda a: a.ndim)
composite(np.size)(lambda a, axis=None: a.size if axis is None else count(a.shape, axis))
composite(np.iscomplexobj)(lambda x: x.dtype.kind == "c")
composite(np.isrealobj)(lambda x: x.dtype.kind != "c")
for _like in (np.zeros_like, np.ones_like, np.empty_like):
    constant(_like, 1, dtype=None, order="K", subok=True, shape=None)


@composite(np.full_like)
def _full_like(a: Array, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Array:
    return (np.zeros_like(a, shape=shape) + fill_value).astype(a.dtype if dtype is None else dtype)
