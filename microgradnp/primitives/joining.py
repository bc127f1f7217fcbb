"""Functions that join, split, repeat and lay out arrays: short programs of reshape, broadcast_to, concatenate and indexing.

Where NumPy's rules are long (`insert`, `resize`), NumPy itself applies them to the positions of the elements, and the
elements are then gathered from there: what moves elements is known once it is known where it moves their positions.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from microgradnp.primitives.primitive import Array, composite, math_prod, seen, wider
from microgradnp.primitives.shapes import Slot, concatenate_, scatter_, stack_

NUMBERS = (bool, int, float, complex)

# -- words ---------------------------------------------------------------------------------------------------


def as_array(x: Any) -> Array:
    """Return what has a shape as it is, and lists and numbers as arrays; Tensors in a list are stacked."""
    if hasattr(x, "shape"):
        return x
    if (
        isinstance(x, list | tuple)
        and x
        and any(hasattr(item, "shape") or isinstance(item, list | tuple) for item in x)
    ):
        return np.stack([as_array(item) for item in x])
    return np.asarray(x)


def along(axis: int, index: Any) -> tuple[Any, ...]:
    """Return the index of an axis, counted from the first."""
    return (*(slice(None),) * axis, index)


def same_type(*values: Any) -> list[Array]:
    """Return operands as arrays of the type that NumPy gives them together: Python's numbers have none of their own."""
    kind = np.result_type(*(x if type(x) in NUMBERS else as_array(x).dtype for x in values))
    return [
        np.asarray(x, kind) if type(x) in NUMBERS else x if x.dtype == kind else x.astype(kind)
        for x in (x if type(x) in NUMBERS else as_array(x) for x in values)
    ]


def plain_integers(x: Any) -> Any:
    """Return an argument that says how often or where, without a Tensor around it."""
    return getattr(x, "_value", x)


def positions(shape: tuple[int, ...], start: int = 0) -> np.ndarray[Any, Any]:
    """Return where each element of an array of this shape lies, in the order of C."""
    return np.arange(start, start + math_prod(shape)).reshape(shape)


def gathered(x: Array, where: np.ndarray[Any, Any]) -> Array:
    """Return the elements that lie at these positions of an array."""
    return np.reshape(x, (-1,))[where]


def apart(whole: Array, axis: int) -> list[Array]:
    """Return the slices along an axis."""
    return [whole[along(axis, i)] for i in range(whole.shape[axis])]


def _reshape(a: Array, shape: Any, order: Any = "C", *, copy: bool | None = None) -> Array:
    y = np.reshape(a, shape, order=order)
    return np.copy(y) if copy else y


if np.lib.NumpyVersion(np.__version__) >= "2.1.0":  # before, it had no copy=
    wider(np.reshape)(_reshape)

# -- axes ----------------------------------------------------------------------------------------------------


@composite(np.atleast_3d)
def _atleast_3d(*arys: Array) -> Any:
    shapes = {0: (1, 1, 1), 1: (1, -1, 1)}
    grown = []
    for a in map(as_array, arys):
        shape = shapes.get(a.ndim) or ((*a.shape, 1) if a.ndim == 2 else None)
        grown.append(a if shape is None else np.reshape(a, shape))
    return grown[0] if len(grown) == 1 else tuple(grown)


@composite(np.rollaxis)
def _rollaxis(a: Array, axis: int, start: int = 0) -> Array:
    axis = normalize_axis_index(axis, a.ndim)
    if not -a.ndim <= start <= a.ndim:
        raise np.exceptions.AxisError(f"start={start} is no axis of {a.ndim}, nor the end")
    start += a.ndim if start < 0 else 0
    return np.moveaxis(a, axis, start - 1 if axis < start else start)


composite(np.fliplr)(lambda m: np.flip(m, 1))
composite(np.flipud)(lambda m: np.flip(m, 0))


@composite(np.rot90)
def _rot90(m: Array, k: int = 1, axes: Sequence[int] = (0, 1)) -> Array:
    if len(axes) != 2 or len({normalize_axis_index(axis, m.ndim) for axis in axes}) != 2:
        raise ValueError(f"axes={tuple(axes)} must be two different axes")
    first, second = (normalize_axis_index(axis, m.ndim) for axis in axes)
    k %= 4
    if k == 0:
        return m[...]
    if k == 2:
        return np.flip(m, (first, second))
    return np.swapaxes(np.flip(m, second), first, second) if k == 1 else np.flip(np.swapaxes(m, first, second), second)


@composite(np.broadcast_arrays)
def _broadcast_arrays(*args: Array, subok: bool = False) -> tuple[Array, ...]:
    arrays = [as_array(a) for a in args]
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    return tuple(a if a.shape == shape else np.broadcast_to(a, shape) for a in arrays)


@composite(np.meshgrid)
def _meshgrid(*xi: Array, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Array, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing={indexing!r} is neither 'xy' nor 'ij'")
    n = len(xi)
    grids = []
    for i, x in enumerate(map(as_array, xi)):
        axis = 1 - i if indexing == "xy" and n > 1 and i < 2 else i
        grids.append(np.reshape(x, [-1 if k == axis else 1 for k in range(n)]))
    if sparse:
        return tuple(np.copy(x) for x in grids) if copy else tuple(grids)
    full = _broadcast_arrays(*grids)
    return tuple(np.copy(x) for x in full) if copy else full


# -- joining -------------------------------------------------------------------------------------------------


def parts(arrays: Any, dtype: Any = None, casting: Any = "same_kind") -> list[Array]:
    """Return what is to be joined as arrays, of a type if one is given; lists may hold Tensors."""
    found = [as_array(a) for a in arrays]
    if dtype is None and casting == "same_kind":
        return found
    kind = np.dtype(dtype) if dtype is not None else np.result_type(*(a.dtype for a in found))
    for a in found:
        if not np.can_cast(a.dtype, kind, casting):
            raise TypeError(f"cannot cast from {a.dtype} to {kind} with casting={casting!r}")
    return [a if a.dtype == kind else a.astype(kind) for a in found]


@composite(np.concatenate)
def _concatenate(arrays: Any, axis: int | None = 0, *, dtype: Any = None, casting: Any = "same_kind") -> Array:
    return concatenate_(*parts(arrays, dtype, casting), axis=axis)


@composite(np.stack)
def _stack(arrays: Any, axis: int = 0, *, dtype: Any = None, casting: Any = "same_kind") -> Array:
    return stack_(*parts(arrays, dtype, casting), axis=axis)


@composite(np.vstack)
def _vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Array:
    return concatenate_(*(np.atleast_2d(a) for a in parts(tup, dtype, casting)), axis=0)


@composite(np.hstack)
def _hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Array:
    arrays = [np.atleast_1d(a) for a in parts(tup, dtype, casting)]
    return concatenate_(*arrays, axis=0 if np.ndim(arrays[0]) == 1 else 1)


@composite(np.column_stack)
def _column_stack(tup: Any) -> Array:
    return concatenate_(*(np.reshape(a, (-1, 1)) if a.ndim < 2 else a for a in parts(tup)), axis=1)


@composite(np.dstack)
def _dstack(tup: Any) -> Array:
    return concatenate_(*(np.atleast_3d(a) for a in parts(tup)), axis=2)


@composite(np.append)
def _append(arr: Array, values: Any, axis: int | None = None) -> Array:
    return concatenate_(as_array(arr), as_array(values), axis=axis)


def _depth(blocks: Any) -> int:
    if not isinstance(blocks, list):
        return 0
    depths = {_depth(block) for block in blocks}
    if len(depths) != 1:
        raise ValueError("the lists of blocks are empty, or nested to different depths")
    return 1 + depths.pop()


@composite(np.block)
def _block(arrays: Any) -> Array:
    def leaves(blocks: Any) -> Any:
        return itertools.chain.from_iterable(map(leaves, blocks)) if isinstance(blocks, list) else (as_array(blocks),)

    depth = _depth(arrays)
    ndim = max(depth, *(a.ndim for a in leaves(arrays))) if depth else 0

    def joined(blocks: Any, level: int) -> Array:
        if level == 0:
            a = as_array(blocks)
            return a if a.ndim >= ndim else np.reshape(a, (1,) * (ndim - a.ndim) + tuple(a.shape))
        return concatenate_(*(joined(block, level - 1) for block in blocks), axis=-level)

    return joined(arrays, depth) if depth else np.copy(as_array(arrays))


@composite(np.kron)
def _kron(a: Array, b: Array) -> Array:
    a, b = as_array(a), as_array(b)
    n = max(a.ndim, b.ndim)
    rows, columns = ((1,) * (n - x.ndim) + tuple(x.shape) for x in (a, b))
    first = np.reshape(a, [k for length in rows for k in (length, 1)])
    second = np.reshape(b, [k for length in columns for k in (1, length)])
    return np.reshape(first * second, [i * k for i, k in zip(rows, columns, strict=True)])


@composite(np.insert)
def _insert(arr: Array, obj: Any, values: Any, axis: int | None = None) -> Array:
    arr, values = as_array(arr), as_array(values)
    if values.dtype != arr.dtype:  # which np.insert keeps
        values = values.astype(arr.dtype)
    shape = (arr.size,) if axis is None else tuple(arr.shape)
    where = np.insert(positions(shape), plain_integers(obj), positions(tuple(values.shape), arr.size), axis)
    return concatenate_(arr, values, axis=None)[where]


# -- splitting -----------------------------------------------------------------------------------------------


@composite(np.split)
def _split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    axis = normalize_axis_index(axis, ary.ndim)
    n = ary.shape[axis]
    if isinstance(indices_or_sections, int | np.integer):
        parts = int(indices_or_sections)
        if parts < 1 or n % parts:
            raise ValueError(f"an axis of length {n} does not split into {parts} equal parts")
        edges = [n // parts * k for k in range(parts + 1)]
    else:
        edges = [0, *(int(i) for i in indices_or_sections), n]
    lead = (slice(None),) * axis
    return [ary[(*lead, slice(a, b))] for a, b in itertools.pairwise(edges)]


@composite(np.array_split)
def _array_split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    axis = normalize_axis_index(axis, ary.ndim)
    n = ary.shape[axis]
    sections = plain_integers(indices_or_sections)
    if np.ndim(sections) == 0:
        parts = int(sections)
        if parts < 1:
            raise ValueError(f"an axis is split into 1 part or more, not {parts}")
        sizes = [n // parts + (k < n % parts) for k in range(parts)]
        edges = [0, *itertools.accumulate(sizes)]
    else:
        edges = [0, *(int(i) for i in sections), n]
    return [ary[along(axis, slice(a, b))] for a, b in itertools.pairwise(edges)]


@composite(np.hsplit)
def _hsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    if ary.ndim == 0:
        raise ValueError("np.hsplit wants an array of 1 axis or more")
    return np.split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)


@composite(np.vsplit)
def _vsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    if ary.ndim < 2:
        raise ValueError("np.vsplit wants an array of 2 axes or more")
    return np.split(ary, indices_or_sections, 0)


@composite(np.dsplit)
def _dsplit(ary: Array, indices_or_sections: Any) -> list[Array]:
    if ary.ndim < 3:
        raise ValueError("np.dsplit wants an array of 3 axes or more")
    return np.split(ary, indices_or_sections, 2)


def _unstack(x: Array, *, axis: int = 0) -> tuple[Array, ...]:
    if x.ndim == 0:
        raise ValueError("np.unstack wants an array of 1 axis or more")
    return tuple(apart(x, normalize_axis_index(axis, x.ndim)))


if hasattr(np, "unstack"):  # NumPy 2.1
    composite(np.unstack)(_unstack)

# -- repeating -----------------------------------------------------------------------------------------------


@composite(np.tile)
def _tile(A: Array, reps: Any) -> Array:
    x = as_array(A)
    counts = [int(n) for n in np.atleast_1d(plain_integers(reps))]
    n = max(len(counts), x.ndim)
    counts = [1] * (n - len(counts)) + counts
    lengths = [1] * (n - x.ndim) + list(x.shape)
    if all(count == 1 for count in counts):
        return np.copy(np.reshape(x, lengths))
    once = np.reshape(x, [k for length in lengths for k in (1, length)])
    often = np.broadcast_to(once, [k for pair in zip(counts, lengths, strict=True) for k in pair])
    return np.reshape(np.copy(often), [count * length for count, length in zip(counts, lengths, strict=True)])


@composite(np.repeat)
def _repeat(a: Array, repeats: Any, axis: int | None = None) -> Array:
    a, repeats = as_array(a), np.asarray(plain_integers(repeats))
    if axis is None:
        a, axis = np.reshape(a, (-1,)), 0
    axis = normalize_axis_index(axis, a.ndim)
    n = a.shape[axis]
    if repeats.size != 1:
        return a[along(axis, np.repeat(np.arange(n), repeats))]
    times = int(repeats.reshape(()))
    if times < 0:
        raise ValueError(f"an element is repeated 0 times or more, not {times}")
    lead, rest = tuple(a.shape[:axis]), tuple(a.shape[axis + 1 :])
    often = np.broadcast_to(np.reshape(a, (*lead, n, 1, *rest)), (*lead, n, times, *rest))
    return np.reshape(np.copy(often), (*lead, n * times, *rest))


@composite(np.resize)
def _resize(a: Array, new_shape: Any) -> Array:
    a = as_array(a)
    return gathered(a, np.resize(positions(tuple(a.shape)), new_shape)) if a.size else np.zeros(new_shape, a.dtype)


# -- leaving out ---------------------------------------------------------------------------------------------


@composite(np.delete)
def _delete(arr: Array, obj: Any, axis: int | None = None) -> Array:
    if axis is None:
        arr, axis = np.reshape(arr, (-1,)), 0
    axis = normalize_axis_index(axis, arr.ndim)
    return arr[along(axis, np.delete(np.arange(arr.shape[axis]), plain_integers(obj)))]


def trimmed(filt: Array, trim: str = "fb", axis: Any = None) -> Array:
    """Return an array without the zeros around the others."""
    x = as_array(filt)
    values = np.asarray(plain_integers(x))
    trim = trim.lower()
    if trim not in ("fb", "bf", "f", "b"):
        raise ValueError(f"trim={trim!r} is none of 'f', 'b' and 'fb'")
    axes = range(x.ndim) if axis is None else [normalize_axis_index(k, x.ndim) for k in np.atleast_1d(axis)]
    index = [slice(None)] * x.ndim
    for k in axes:
        others = tuple(i for i in range(x.ndim) if i != k)
        used = np.flatnonzero(np.any(values != 0, axis=others))
        first, last = (int(used[0]), int(used[-1]) + 1) if used.size else (x.shape[k], x.shape[k])
        if not used.size and "f" not in trim:
            first = last = 0
        index[k] = slice(first if "f" in trim else None, last if "b" in trim else None)
    return x[tuple(index)]


if np.lib.NumpyVersion(np.__version__) >= "2.2.0":
    composite(np.trim_zeros)(trimmed)
else:
    composite(np.trim_zeros)(lambda filt, trim="fb": trimmed(filt, trim))


# -- diagonals, windows, functions of slices -----------------------------------------------------------------


@composite(np.diagflat)
def _diagflat(v: Array, k: int = 0) -> Array:
    flat = np.reshape(as_array(v), (-1,))
    n, rows = flat.shape[0] + abs(k), np.arange(flat.shape[0])
    return scatter_(flat, rows - min(k, 0), rows + max(k, 0), pattern=(Slot(0), Slot(1)), shape=(n, n))


@composite(np.lib.stride_tricks.sliding_window_view)
def _sliding_window_view(
    x: Array, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Array:
    if writeable:
        raise ValueError("windows overlap: writing to one would change others. Leave writeable=True out")
    windows = np.lib.stride_tricks.sliding_window_view(positions(tuple(x.shape)), window_shape, axis)
    return seen(np.reshape(x, (-1,)), windows)


@composite(np.apply_along_axis)
def _apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Array, *args: Any, **kwargs: Any) -> Array:
    axis = normalize_axis_index(axis, arr.ndim)
    last = np.moveaxis(arr, axis, -1)
    lead = tuple(last.shape[:-1])
    if 0 in lead:
        raise ValueError("np.apply_along_axis has no slice to apply the function to")
    made = np.stack([as_array(func1d(last[i], *args, **kwargs)) for i in np.ndindex(lead)])
    own = tuple(made.shape[1:])
    whole = np.reshape(made, lead + own)
    to = range(axis, axis + len(own))
    return np.moveaxis(whole, range(len(lead), len(lead) + len(own)), to) if own else whole


@composite(np.apply_over_axes)
def _apply_over_axes(func: Callable[..., Any], a: Array, axes: Any) -> Array:
    value = a
    for axis in np.atleast_1d(axes):
        axis = normalize_axis_index(int(axis), a.ndim)
        made = func(value, axis)
        value = made if made.ndim == value.ndim else np.expand_dims(made, axis)
        if value.ndim != a.ndim:
            raise ValueError("the function did not return an array of as many axes, or one less")
    return value
