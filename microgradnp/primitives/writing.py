"""Writing into an array: `update` returns the array with other values at an index, and NumPy's functions that write.

The functions are programs of ``a[index] = values``. On Tensors this is `update`: the Tensor gets the new array for a
value, and what was computed from the old one keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from microgradnp.primitives.choosing import along_axis, truth, wrapped
from microgradnp.primitives.joining import as_array, plain_integers
from microgradnp.primitives.primitive import Array, Constant, Primitive, Variadic, composite, enter, unbroadcast
from microgradnp.primitives.shapes import filled, getitem_


def update(x: Array, values: Array, *arrays: Array, pattern: Any) -> Array:
    """Return a copy of x with other values at [pattern]. Where an index is repeated, the last value stays."""
    y = np.array(x)
    y[filled(pattern, arrays)] = values
    return y if y.ndim else y[()]


def written_last(*arrays: Array, pattern: Any, shape: tuple[int, ...]) -> Array:
    """Return for each value that is written to [pattern] of an array whether it stays there."""
    index, last = filled(pattern, arrays), np.zeros(shape, int)
    turns = np.arange(last[index].size).reshape(last[index].shape)
    last[index] = turns
    return np.asarray(last[index] == turns)


written_last_ = Constant(written_last, -1, {"pattern": None, "shape": None})
written_last_.reads = ((False, False),)
enter(written_last, written_last_)


def _pull(g: Array, _y: Array, xs: Sequence[Array], wanted: Sequence[bool], *, pattern: Any) -> Any:
    x, values, *arrays = xs
    zero = np.zeros((), g.dtype)
    gradients: list[Array | None] = [None] * len(xs)
    if wanted[0]:
        gradients[0] = update_(g, zero, *arrays, pattern=pattern)
    if wanted[1]:
        d = getitem_(g, *arrays, pattern=pattern)
        if any(array.dtype.kind != "b" for array in arrays):
            d = np.where(written_last_(*arrays, pattern=pattern, shape=x.shape), d, zero)
        shape = tuple(values.shape)
        gradients[1] = np.reshape(unbroadcast(d, shape[max(len(shape) - d.ndim, 0) :]), shape)
    return gradients


def _push(dxs: Sequence[Array | None], _y: Array, xs: Sequence[Array], *, pattern: Any) -> Array:
    dx = np.zeros(xs[0].shape, xs[0].dtype) if dxs[0] is None else dxs[0]
    return update_(dx, np.zeros((), dx.dtype) if dxs[1] is None else dxs[1], *xs[2:], pattern=pattern)


update_: Primitive = enter(update, Variadic(update, _pull, _push))
update_.name = "assignment"  # as messages call it
update_.reads = ((False, False, False, True),)  # the index arrays alone


# -- NumPy's functions that write into their first argument --------------------------------------------------


def _values(a: Array, values: Any) -> Array:
    """Return what is written into `a`: a plain array takes no Tensor that is being differentiated."""
    return np.asarray(values) if isinstance(a, np.ndarray) else as_array(values)


def _repeated(values: Array, where: Array) -> Array:
    """Return the values at these places of their endless repetition."""
    return np.reshape(values, (-1,))[where % values.size]


@composite(np.copyto)
def _copyto(dst: Array, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    values = _values(dst, src)
    if not np.can_cast(values.dtype, dst.dtype, casting):  # type: ignore[arg-type]
        raise TypeError(f"np.copyto cannot cast from {values.dtype} to {dst.dtype} with casting={casting!r}")
    if where is True:
        dst[...] = values
    else:
        mask = np.broadcast_to(as_array(where), dst.shape)
        dst[mask] = np.broadcast_to(values, dst.shape)[mask]


@composite(np.put)
def _put(a: Array, ind: Any, v: Any, mode: str = "raise") -> None:
    where = np.reshape(wrapped(as_array(ind), a.size, mode), (-1,))
    values = _values(a, v)
    if not where.size or not values.size:
        return
    where = np.where(where < 0, where + a.size, where)
    a[np.unravel_index(plain_integers(where), a.shape)] = _repeated(values, np.arange(where.size))


@composite(np.place)
def _place(arr: Array, mask: Any, vals: Any) -> None:
    chosen, values = np.reshape(truth(mask), arr.shape), _values(arr, vals)
    count = int(np.count_nonzero(chosen))
    if count and not values.size:
        raise ValueError("there is nothing to place")
    if count:
        arr[chosen] = _repeated(values, np.arange(count))


@composite(np.putmask)
def _putmask(a: Array, mask: Any, values: Any) -> None:
    chosen, what = np.reshape(truth(mask), a.shape), _values(a, values)
    if what.size:
        a[chosen] = _repeated(what, np.flatnonzero(chosen))


@composite(np.put_along_axis)
def _put_along_axis(arr: Array, indices: Any, values: Any, axis: int | None) -> None:
    where, what = as_array(indices), _values(arr, values)
    if axis is None:
        arr[np.unravel_index(plain_integers(where), arr.shape)] = what
    else:
        arr[along_axis(arr.shape, where, normalize_axis_index(axis, arr.ndim))] = what


@composite(np.fill_diagonal)
def _fill_diagonal(a: Array, val: Any, wrap: bool = False) -> None:
    if a.ndim < 2:
        raise ValueError("np.fill_diagonal wants an array of 2 axes or more")
    if a.ndim > 2 and len(set(a.shape)) > 1:
        raise ValueError("an array of more than 2 axes has a diagonal if they are equally long")
    rows, columns = a.shape[:2]
    if a.ndim == 2:
        end = rows * columns if wrap or rows <= columns else columns * columns
        where = np.arange(0, end, columns + 1)
    else:
        where = np.ravel_multi_index((np.arange(rows),) * a.ndim, a.shape)
    a[np.unravel_index(where, a.shape)] = _repeated(_values(a, val), np.arange(where.size))
