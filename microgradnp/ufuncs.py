"""NumPy's ufuncs with keywords, and their methods: reduce, accumulate, reduceat and outer."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from microgradnp import explain
from microgradnp.primitives import COMPOSITES, TABLE
from microgradnp.primitives.cumulative import running_max, running_min
from microgradnp.primitives.masked import as_array, mask_of, picked, typed
from microgradnp.primitives.network import logsumexp
from microgradnp.recorders import apply, ours, rebind, result
from microgradnp.tape import OFF, Leaf, current_mode

if TYPE_CHECKING:  # given to this room when they are there
    from microgradnp.tensor import Tensor, dispatch, recorded

Array = Any


def call_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a ufunc's method, or a call with keywords."""
    if not all(map(ours, inputs)):
        return NotImplemented
    if method == "at":
        return write_at(ufunc, *inputs)
    kwargs = dict(kwargs)
    out = kwargs.pop("out", None)
    if isinstance(out, tuple):
        out = out[0] if len(out) == 1 else out
    if out is None or (isinstance(out, tuple) and all(target is None for target in out)):
        return made_by(ufunc, method, inputs, kwargs, None)
    if not isinstance(out, Tensor):
        if any(x.node is not None for x in explain.tensors_in((inputs, kwargs))) and current_mode() != OFF:
            raise explain.out_argument(ufunc, inputs, out)
        return getattr(ufunc, method)(*explain.plain(inputs), **explain.plain(kwargs), out=out)
    if isinstance(out.node, Leaf) and current_mode() != OFF:
        raise explain.out_argument(ufunc, inputs, out)
    made = made_by(ufunc, method, inputs, kwargs, out)
    if not isinstance(made, Tensor):
        made = Tensor(made)
    if made.shape != out.shape:
        raise ValueError(
            f"{explain.full_name(ufunc)}(..., out={explain.describe(out)}): the result has shape {made.shape}, which does not fit"
        )
    return rebind(out, made, "out")


def made_by(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> Any:
    """Return the result, as a new array. Of `out` only the elements count that ``where=`` leaves as they are."""
    truth = getattr(inputs[0], "dtype", None) == np.bool_ and ufunc not in REDUCES
    if truth and method in ("reduce", "accumulate", "reduceat"):  # which NumPy makes in small types, without a gradient
        return result(getattr(ufunc, method)(*explain.plain(inputs), **explain.plain(kwargs)))
    if method == "reduce":
        return reduced(
            ufunc, inputs[0], **{k: v for k, v in kwargs.items() if k == "axis" or not explain.is_default(k, v)}
        )
    kwargs = {k: v for k, v in kwargs.items() if not explain.is_default(k, v)}
    if ufunc.nin == 2 and ufunc.nout == 1 and ufunc.signature is None and (ufunc in TABLE or ufunc in COMPOSITES):
        if method == "outer":
            a, b = map(as_array, inputs)
            return made_by(ufunc, "__call__", (np.reshape(a, a.shape + (1,) * b.ndim), b), kwargs, out)
        if (
            method in ("accumulate", "reduceat") and ufunc in TABLE and TABLE[ufunc].constant
        ):  # truth values, no gradient
            return result(getattr(ufunc, method)(*explain.plain(inputs), **explain.plain(kwargs)))
        if method == "accumulate":
            return accumulated(ufunc, *inputs, **kwargs)
        if method == "reduceat":
            return reduced_at(ufunc, *inputs, **kwargs)
    if ufunc not in TABLE and ufunc not in COMPOSITES and of_scipy(ufunc):
        learn_special()
    if method == "__call__" and ufunc in COMPOSITES:
        return dispatch(ufunc, inputs, kwargs) if kwargs else COMPOSITES[ufunc](*inputs)
    if method != "__call__" or ufunc not in TABLE:
        return explain.unsupported(ufunc, inputs, kwargs, method)
    return called(ufunc, inputs, kwargs, out)


def of_scipy(ufunc: Any) -> bool:
    """Return whether a ufunc is one of scipy.special's, without loading what the user has not loaded."""
    special = sys.modules.get("scipy.special")
    return special is not None and getattr(special, ufunc.__name__, None) is ufunc


@functools.cache
def learn_special() -> None:
    """Enter the functions of scipy.special into the table."""
    from microgradnp.primitives import special as special

    recorded()


# -- keywords of a call ------------------------------------------------------------------------------------------------

#: Where a function has a finite value and slope, if it has none at 1.
INSIDE = {"arcsin": 0.5, "arccos": 0.5, "arctanh": 0.5, "arccosh": 2.0, "erfinv": 0.5, "logit": 0.5, "ndtri": 0.5}


def called(ufunc: Any, inputs: Sequence[Any], kwargs: dict[str, Any], out: Any) -> Any:
    """Return what a ufunc makes of its operands with dtype=, casting= and where=."""
    where, dtype = kwargs.pop("where", True), kwargs.pop("dtype", None)
    casting = kwargs.pop("casting", "same_kind")
    if kwargs or (dtype is not None and TABLE[ufunc].constant):
        kwargs.update({} if dtype is None else {"dtype": dtype})
        return explain.unsupported(ufunc, inputs, kwargs)
    if dtype is not None:
        inputs = [cast_as_allowed(ufunc, x, np.dtype(dtype), casting) for x in inputs]
    elif casting in ("no", "equiv", "safe"):
        kind = np.result_type(*(getattr(x, "dtype", x) for x in inputs))
        inputs = [cast_as_allowed(ufunc, x, kind, casting) for x in inputs]
    if where is True:
        return apply(TABLE[ufunc], inputs, {})
    if out is None:
        name, called_ = explain.full_name(ufunc), explain.name_of(where)
        raise TypeError(
            f"{name}(..., where={f'`{called_}`' if called_ else '...'}) leaves the other elements undefined: give their "
            f"values with out=, or write np.where(mask, {name}(np.where(mask, x, 1.0)), 0.0)"
        )
    mask: Any = mask_of(where, out)
    number: Any = np.result_type(*(getattr(x, "dtype", x) for x in inputs)).type
    safe = number(INSIDE.get(ufunc.__name__, 1.0))
    chosen = [np.where(mask, x if hasattr(x, "dtype") else number(x), safe) for x in inputs]
    return np.where(mask, dispatch(ufunc, chosen, {}), out)


def cast_as_allowed(ufunc: Any, x: Any, dtype: np.dtype[Any], casting: str) -> Any:
    """Return an operand in the type that was asked for; Python's numbers have none."""
    if not hasattr(x, "dtype"):
        return x
    if not np.can_cast(x.dtype, dtype, casting):  # type: ignore[arg-type]
        raise TypeError(
            f"{explain.full_name(ufunc)} cannot cast {explain.describe(x)} from {x.dtype} to {dtype} with casting={casting!r}"
        )
    return typed(x, dtype)


# -- methods -----------------------------------------------------------------------------------------------------------


def _logsumexp(a: Array, axis: Any = 0, keepdims: bool = False, initial: Any = None, where: Any = True) -> Array:
    y = logsumexp(picked(as_array(a), where, -np.inf), axis=axis, keepdims=keepdims)
    return y if initial is None else np.logaddexp(y, initial)


REDUCES: dict[Any, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.fmax: np.nanmax,
    np.fmin: np.nanmin,
    np.logical_and: np.all,
    np.logical_or: np.any,
}


def reduced(ufunc: Any, a: Any, axis: Any = 0, **kwargs: Any) -> Any:
    """Return ``ufunc.reduce(a, axis, ...)``."""
    if ufunc in REDUCES:
        return dispatch(REDUCES[ufunc], (a,), {"axis": axis, **kwargs})
    if ufunc not in TABLE or ufunc.nin != 2:
        return explain.unsupported(ufunc, (a,), {"axis": axis, **kwargs}, "reduce")
    a = typed(a, kwargs.pop("dtype", None))
    if ufunc is np.logaddexp:
        return _logsumexp(a, axis, **kwargs)
    return folded(ufunc, a, axis, **kwargs)


def folded(ufunc: Any, a: Array, axis: Any, keepdims: bool = False, initial: Any = None, where: Any = True) -> Array:
    """Return the elements along an axis joined from the first to the last."""
    mask = mask_of(where, a)
    if mask is not None:
        if ufunc.identity is None:
            raise ValueError(f"{explain.full_name(ufunc)}.reduce has no element that changes nothing, and so no where=")
        a = np.where(mask, a, a.dtype.type(ufunc.identity))
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    if len(axes) != 1 and ufunc.identity is None:
        raise ValueError(
            f"{explain.full_name(ufunc)}.reduce goes along one axis only: the order of the elements matters"
        )
    shape = tuple(1 if i in axes else n for i, n in enumerate(a.shape))
    first = np.moveaxis(a, axes, range(len(axes)))
    rows = list(first.reshape((-1, *first.shape[len(axes) :])))
    if initial is not None or not rows:
        if initial is None and ufunc.identity is None:
            raise ValueError(f"{explain.full_name(ufunc)}.reduce of no elements has no value")
        empty = a.dtype.type(ufunc.identity if initial is None else 0) + np.zeros(first.shape[len(axes) :], a.dtype)
        rows.insert(0, empty if initial is None else empty + initial)
    y = np.abs(rows[0]) if ufunc is np.hypot else rows[0]  # NumPy begins with hypot(0, x)
    for row in rows[1:]:
        y = ufunc(y, row)
    return y.reshape(shape) if keepdims else y


def accumulated(ufunc: Any, a: Any, axis: int = 0, dtype: Any = None) -> Any:
    """Return ``ufunc.accumulate(a, axis)``."""
    a = typed(a, dtype)
    if a.ndim == 0:
        raise TypeError(f"{explain.full_name(ufunc)}.accumulate goes along an axis, {explain.describe(a)} has none")
    if ufunc in RUNNING:
        return RUNNING[ufunc](a, axis=axis)
    axis = normalize_axis_index(axis, a.ndim)
    none = np.empty(0, a.dtype)
    a = typed(a, ufunc(none, none).dtype if a.dtype.kind in "biu" else None)
    rows = list(np.moveaxis(a, axis, 0))
    for i in range(1, len(rows)):
        rows[i] = ufunc(rows[i - 1], rows[i])
    return np.stack(rows, axis=axis) if rows else a


RUNNING: dict[Any, Callable[..., Any]] = {
    np.add: np.cumsum,
    np.multiply: np.cumprod,
    np.maximum: running_max,
    np.minimum: running_min,
}


def reduced_at(ufunc: Any, a: Any, indices: Any, axis: int = 0, dtype: Any = None) -> Any:
    """Return ``ufunc.reduceat(a, indices, axis)``: the reductions of the slices that begin at the indices."""
    a = typed(a, dtype)
    axis = normalize_axis_index(axis, a.ndim)
    starts = np.asarray(explain.plain(indices)).tolist()
    n = a.shape[axis]
    if any(not 0 <= i < n for i in starts):
        raise IndexError(f"{explain.full_name(ufunc)}.reduceat: the indices must be from 0 to {n - 1}")
    rows = np.moveaxis(a, axis, 0)
    parts = []
    for i, stop in zip(starts, [*starts[1:], n], strict=True):
        parts.append(reduced(ufunc, rows[i:stop], 0) if i < stop else rows[i])
    return np.stack(parts, axis=axis) if parts else np.moveaxis(rows[:0], 0, axis)


def write_at(ufunc: Any, a: Any, indices: Any, *operands: Any) -> None:
    """Do what ``ufunc.at(a, indices, b)`` does: where an index is repeated, one time after the other."""
    if not isinstance(a, Tensor):
        if explain.tracked_in((a, indices, *operands), {}):
            raise explain.out_argument(ufunc, operands, a)
        ufunc.at(a, *explain.plain((indices, *operands)))
        return
    if ufunc not in TABLE and ufunc not in COMPOSITES:
        explain.unsupported(ufunc, (a, indices, *operands), {}, "at")
    places = np.arange(a.size).reshape(a.shape)[explain.plain(indices)]
    values = [np.reshape(np.broadcast_to(as_array(b), places.shape), (-1,)) for b in operands]
    flat = places.reshape(-1)
    order = np.argsort(flat, kind="stable")
    starts = np.flatnonzero(np.diff(flat[order], prepend=-1))
    turns = np.empty(flat.size, int)  # the how-manieth time it is that this place is written to
    turns[order] = np.arange(flat.size) - np.repeat(starts, np.diff(starts, append=flat.size))
    for turn in range(int(turns.max(initial=-1)) + 1):
        now = np.flatnonzero(turns == turn)
        where = np.unravel_index(flat[now], a.shape)
        a[where] = ufunc(a[where], *(b[now] for b in values))
