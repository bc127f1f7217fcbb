"""Cases of functions that join, split, pad, repeat, choose, sort and create: one line for each way of calling each."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.primitives.choosing import partition_order_, unique_, unique_groups_, unique_places_
from microgradnp.primitives.padding import zero_padded_
from microgradnp.primitives.shapes import Slot
from microgradnp.primitives.writing import update_, written_last_
from tests.factories import other, positive, real, separate, truth, whole
from tests.primitives.calls import case

A = real(2, 3)
B = other(2, 3)
S = separate(2, 3)
V = real(4)
U = other(4)
X = real(2, 3, 4)
MASK = np.array([[True, False, True], [False, False, True]])

# -- axes ----------------------------------------------------------------------------------------------------

GRIDS = [
    *(case(np.atleast_3d, real(*shape)) for shape in ((), (3,), (2, 3), (2, 3, 4), (2, 1, 1, 3))),
    case(np.atleast_3d, real(), V, 2.0),
    *(case(np.rollaxis, X, axis, start) for axis, start in ((2, 0), (0, 3), (1, 1), (0, 2), (-1, -2), (2, 3))),
    case(np.rollaxis, X, 1),
    case(np.fliplr, A),
    case(np.flipud, X),
    *(case(np.rot90, A, k) for k in (-1, 0, 1, 2, 3, 5)),
    case(np.rot90, X, axes=(2, 0)),
    case(np.rot90, X, k=3, axes=(-1, 1)),
    case(np.broadcast_arrays, A, real(3), 2.0, real(2, 1)),
    case(np.broadcast_arrays, A, subok=False),
    *(case(np.meshgrid, real(2), other(3), sparse=s, indexing=i) for s in (True, False) for i in ("xy", "ij")),
    case(np.meshgrid, real(2), other(3), real(4), copy=False),
    case(np.meshgrid, real(2)),
    case(np.meshgrid, real(), other(2), sparse=True, copy=False),
]

# -- joining and splitting -----------------------------------------------------------------------------------

JOINS = [
    case(np.concatenate, [A, [[1.0, 2.0, 3.0]]], dtype=np.float64, casting="safe"),
    case(np.concatenate, [V, [real(), 2.0]]),
    case(np.concatenate, X),
    case(np.stack, [A, B], axis=-1, dtype=np.float64, casting="unsafe"),
    case(np.stack, [real(2), [1.0, other()]]),
    case(np.vstack, [V, [real(), 1.0, 2.0, 3.0]], dtype=np.float64, casting="same_kind"),
    case(np.hstack, [V, [real()]], dtype=np.float64, casting="safe"),
    case(np.copy, A, order="F", subok=True),
    *([case(np.reshape, A, (3, 2), order="F", copy=True)] if np.lib.NumpyVersion(np.__version__) >= "2.1.0" else []),
    case(np.dstack, [A, B]),
    case(np.dstack, [real(3), other(3)]),
    case(np.dstack, [X, real(2, 3, 1), real(2, 3)]),
    case(np.append, A, B),
    case(np.append, V, [1.0, 2.0]),
    case(np.append, A, real(2, 1), axis=1),
    case(np.append, V, real()),
    case(np.block, [[A, B], [B, A]]),
    case(np.block, [[A, real(2, 1)], [real(1, 4)]]),
    case(np.block, [V, 2.0, real()]),
    case(np.block, [[real(2, 2), np.zeros((2, 3))], [np.zeros((3, 2)), other(3, 3)]]),
    case(np.block, [X, real(2, 3, 1)]),
    case(np.block, [[[real()]]]),
    case(np.block, A),
    *(case(np.kron, real(*a), other(*b)) for a, b in (((2, 3), (3, 2)), ((3,), (2,)), ((2, 3), (4,)), ((), (2, 2)))),
    case(np.kron, X, other(2, 1)),
    case(np.kron, A, np.eye(2)),
    case(np.insert, V, 1, real()),
    case(np.insert, V, [1, 3], U.of(2)),
    case(np.insert, V, [0, 0, -1], 7.0),
    case(np.insert, V, slice(0, 4, 2), real(2)),
    case(np.insert, A, 1, other(2), axis=1),
    case(np.insert, A, -1, other(3), axis=0),
    case(np.insert, A, [0, 2], other(2, 2), axis=1),
    case(np.insert, A, 2, other(3)),
    *(case(np.array_split, real(7), parts) for parts in (1, 3, 9, [2, 5], (5, 2))),
    case(np.array_split, X, 3, axis=-1),
    case(np.hsplit, X, 3),
    case(np.hsplit, V, [1, 3]),
    case(np.vsplit, A, 2),
    case(np.dsplit, X, [1]),
    *([case(np.unstack, X, axis=axis) for axis in (0, 1, -1)] if hasattr(np, "unstack") else []),
]

# -- repeating and leaving out -------------------------------------------------------------------------------

REPEATS = [
    *(case(np.tile, A, reps) for reps in (2, (2, 1), (1, 3), (2, 1, 3), 1, (0, 2), (1, 1, 1), ())),
    case(np.tile, real(), 3),
    case(np.tile, X, [2]),
    case(np.repeat, A, 3),
    case(np.repeat, A, 2, axis=0),
    case(np.repeat, A, [2], axis=-1),
    case(np.repeat, A, [2, 0, 1], axis=1),
    case(np.repeat, A, np.arange(6)),
    case(np.repeat, real(), 3),
    case(np.repeat, A, 0, axis=1),
    case(np.resize, A, (3, 3)),
    case(np.resize, A, 4),
    case(np.resize, real(), (2, 2)),
    case(np.resize, A, 0),
    case(np.delete, V, 1),
    case(np.delete, A, [0, 4]),
    case(np.delete, A, slice(None, None, 2), axis=1),
    case(np.delete, A, np.array([True, False, True]), axis=-1),
    case(np.delete, X, -1, axis=1),
    case(np.delete, V, []),
    case(np.trim_zeros, V),
    case(np.trim_zeros, V, "f"),
    case(np.diagflat, V),
    case(np.diagflat, A, -2),
    case(np.diagflat, real(2, 1), k=1),
    case(np.lib.stride_tricks.sliding_window_view, real(6), 3),
    case(np.lib.stride_tricks.sliding_window_view, X, (2, 2), axis=(0, -1)),
    case(np.lib.stride_tricks.sliding_window_view, X, 2, 1, subok=False, writeable=False),
    case(np.lib.stride_tricks.sliding_window_view, A, (1, 2)),
    case(np.apply_along_axis, np.sum, 0, A),
    case(np.apply_along_axis, lambda r: r[:2] * r[1:], 1, X),
    case(np.apply_along_axis, np.outer, -1, A, np.arange(2.0)),
    case(np.apply_along_axis, np.mean, 1, X, keepdims=True),
    case(np.apply_along_axis, np.prod, 0, V),
    case(np.apply_over_axes, np.sum, X, [0, 2]),
    case(np.apply_over_axes, np.mean, X, -2),
]

# the axes of np.trim_zeros came with NumPy 2.2
if np.lib.NumpyVersion(np.__version__) >= "2.2.0":
    REPEATS += [case(np.trim_zeros, A, trim="b", axis=axis) for axis in (None, 0, (0, 1))]

# -- padding -------------------------------------------------------------------------------------------------

WIDTHS: list[Any] = [1, (2, 0), ((1, 2),), ((0, 2), (3, 1)), 0]

PADS = [
    *(case(np.pad, A, widths) for widths in WIDTHS),
    case(np.pad, A, 1, "constant", constant_values=3.0),
    case(np.pad, A, 2, constant_values=((1.0, 2.0), (3.0, -4.0))),
    case(np.pad, A, ((1, 0), (0, 2)), constant_values=real()),
    case(np.pad, A, 1, constant_values=(real(), 2.0)),
    case(np.pad, V, 2, constant_values=real(2)),
    case(np.pad, real(0, 2), 1, constant_values=1.0),
    case(np.pad, real(), 1),
    *(
        case(np.pad, A, widths, mode=mode)
        for widths in WIDTHS
        for mode in ("edge", "wrap", "reflect", "symmetric", "mean", "linear_ramp")
    ),
    *(case(np.pad, S, widths, mode=mode) for widths in WIDTHS for mode in ("maximum", "minimum")),
    case(np.pad, separate(5), 2, mode="median"),
    case(np.pad, separate(3, 3), ((0, 0), (1, 2)), mode="median", stat_length=2),
    *(case(np.pad, V, w, mode=mode) for w in (5, (0, 9)) for mode in ("edge", "wrap", "reflect", "symmetric")),
    *(case(np.pad, V, w, mode=m, reflect_type="odd") for w in (2, (3, 7)) for m in ("reflect", "symmetric")),
    *(case(np.pad, X, ((1, 1), (2, 0), (3, 3)), m, reflect_type="odd") for m in ("reflect", "symmetric")),
    case(np.pad, A, 1, mode="reflect", reflect_type="even"),
    case(np.pad, A, (2, 1), mode="linear_ramp", end_values=5.0),
    case(np.pad, A, (2, 1), mode="linear_ramp", end_values=((1.0, 2.0), (3.0, 4.0))),
    case(np.pad, V, 3, mode="linear_ramp", end_values=real()),
    *(
        case(np.pad, separate(2, 4), 2, mode=mode, stat_length=n)
        for mode in ("mean", "maximum")
        for n in (1, 3, (2, 1), 9)
    ),
    case(np.pad, separate(2, 4), (1, 2), mode="minimum", stat_length=((1, 2), (3, 1))),
    case(np.pad, real(1, 3), ((2, 2), (0, 0)), mode="reflect"),
    case(zero_padded_, A, widths=((1, 0), (0, 2)), reference=lambda x, widths: np.pad(x, widths)),
]

if np.lib.NumpyVersion(np.__version__) >= "2.2.0":
    PADS += [case(np.pad, X, {1: (1, 2), -1: 1}, mode="edge"), case(np.pad, X, {0: 1})]

# -- choosing ------------------------------------------------------------------------------------------------

CHOICES = [
    case(np.take, A, [0, 5, -1, 0]),
    case(np.take, A, 2),
    case(np.take, A, [[0, 1], [1, 1]], axis=0),
    case(np.take, X, np.array([2, 0]), axis=-2),
    case(np.take, A, [7, -9], mode="wrap"),
    case(np.take, A, [7, -9, 1], axis=1, mode="clip"),
    case(np.take, A, [], axis=1),
    case(np.take, real(), 0),
    case(np.take_along_axis, A, np.array([[0, 2], [1, 1]]), axis=1),
    case(np.take_along_axis, A, np.array([[0, 1, 0]]), 0),
    case(np.take_along_axis, X, np.array([[[3]], [[0]]]), axis=-1),
    case(np.take_along_axis, A, np.array([5, 5, 0]), axis=None),
    case(np.choose, [0, 1, 0, 1], [V, U]),
    case(np.choose, MASK.astype(int), [A, 2.0]),
    case(np.choose, np.array([[0], [1]]), (real(3), A)),
    case(np.choose, np.array([-1, 5, 3, 1]), (V, U), mode="wrap"),
    case(np.choose, np.array([-1, 5, 3, 1]), (V, U), mode="clip"),
    case(np.choose, [1, 0], real(2, 2)),
    case(np.choose, 1, [real(), other()]),
    case(np.compress, [True, False, True], A, axis=1),
    case(np.compress, [0, 1], X, axis=-2),
    case(np.compress, [False, True, True], A),
    case(np.compress, np.array([True, True, False, False, False]), V.of(4)),
    case(np.extract, MASK, A),
    case(np.extract, [0, 1, 0, 1], V),
    case(np.select, [MASK, ~MASK], [A, B]),
    case(np.select, [MASK, np.array([True, True, False])], [A, B], default=real()),
    case(np.select, [MASK], [A], B),
    case(np.select, [MASK, MASK], [2.0, A], default=1.5),
    case(np.piecewise, V, [[True, False, True, False]], [lambda t: t * t, lambda t: -t]),
    case(
        np.piecewise,
        V,
        [np.arange(4) < 2, np.arange(4) > 0],
        [lambda t, k, scale: np.sin(k * t), lambda t, k, scale: k * t**scale, 3.0],
        2,
        scale=3,
    ),
    case(np.piecewise, A, [MASK], [5.0, np.exp]),
    case(np.piecewise, real(), True, [np.sin, np.cos]),
    case(np.piecewise, V, [np.zeros(4, bool), np.ones(4, bool)], [lambda t: 1 / 0, lambda t: np.sum(t)]),
]

# -- in order ------------------------------------------------------------------------------------------------


SLOT = Slot(0)
XS = separate(2, 3, 4)

SORTS = [
    case(np.sort, S),
    case(np.sort, XS, axis=1),
    case(np.sort, XS, axis=None),
    case(np.sort, S, 0, "stable"),
    case(np.sort, S, stable=True),
    case(np.sort, real(0, 3), axis=0),
    case(np.partition, separate(7), 3),
    case(np.partition, XS, (1, 2), axis=-1),
    case(np.partition, XS, 5, axis=None),
    case(np.partition, S, 0, axis=0, kind="introselect"),
    case(
        partition_order_,
        separate(7),
        kth=2,
        axis=0,
        reference=lambda x, kth, axis: np.argsort(x)[np.argsort(np.argsort(np.partition(x, kth)))],
    ),
    case(np.unique, S),
    case(np.unique, S, True, True, True, first=1),
    case(np.unique, S, return_index=True, return_inverse=True, return_counts=True, equal_nan=False, first=1),
    case(np.unique, S, axis=1),
    case(np.unique_values, real(1)),
    case(np.unique_all, S, first=1),
    case(np.unique_counts, S, first=1),
    case(np.unique_inverse, S, first=1),
    case(np.unique, S, return_counts=True, axis=0, first=1),
    *([case(np.unique, S, sorted=True)] if np.lib.NumpyVersion(np.__version__) >= "2.3.0" else []),
    case(unique_, real(2, 3), np.array([1, 0]), np.array([1, 0]), reference=lambda x, places, groups: x[places]),
    case(unique_places_, S, axis=1, reference=lambda x, axis: np.unique(x, return_index=True, axis=axis)[1]),
    case(unique_groups_, S, axis=0, reference=lambda x, axis: np.unique(x, return_inverse=True, axis=axis)[1].ravel()),
    case(np.sort_complex, S),
    case(np.union1d, separate(3), separate(2, 2)),
    case(np.setdiff1d, separate(4), [0.0, 9.0]),
    case(np.setdiff1d, separate(4), [0.0, 9.0], assume_unique=True),
    case(np.argpartition, separate(7), 3),
    case(np.argpartition, S, kth=1, axis=0),
    case(np.searchsorted, [-1.0, 0.0, 1.0], V),
    case(np.searchsorted, np.array([1.0, -1.0, 0.0]), V, side="right", sorter=[1, 2, 0]),
    case(np.digitize, V, np.array([-1.0, 0.5])),
    case(np.digitize, V, np.array([1.0, -0.5]), right=True),
    case(np.argwhere, truth(2, 3)),
    case(np.flatnonzero, truth(2, 3)),
    case(np.nonzero, truth(2, 3)),
    case(np.nonzero, whole(3)),
]

# -- writing: into a copy -------------------------------------------------------------------------------------


def updated(x: Any, values: Any, *arrays: Any, pattern: Any) -> Any:
    y = np.array(x)
    y[arrays[0] if pattern is SLOT else pattern] = values
    return y[()]


WRITES = [
    *(
        case(update_, A, real(*shape), pattern=index, reference=updated)
        for index, shape in (
            (1, (3,)),
            ((0, 1), ()),
            (slice(None), (2, 1)),
            ((..., slice(1, None)), (1, 1, 2)),
            (None, (3,)),
        )
    ),
    case(update_, A, real(4, 3), np.array([0, 1, 0, 1]), pattern=SLOT, reference=updated),
    case(update_, A, real(3), np.array([0, 1, 0]), pattern=SLOT, reference=updated),
    case(update_, A, real(3), MASK, pattern=SLOT, reference=updated),
    case(update_, A, 2.0, MASK, pattern=SLOT, reference=updated),
    case(update_, real(), other(), pattern=(), reference=updated),
    case(
        written_last_,
        np.array([1, 0, 1]),
        pattern=SLOT,
        shape=(2,),
        reference=lambda index, pattern, shape: np.array([False, True, True]),
    ),
]

# -- creating ------------------------------------------------------------------------------------------------

P = positive()

CREATIONS = [
    *(case(np.linspace, real(), other(), num, endpoint=end) for num in (0, 1, 2, 5) for end in (True, False)),
    case(np.linspace, real(), 3.0),
    case(np.linspace, real(3), other(2, 3), 4, axis=-1),
    case(np.linspace, 0, real(2), num=3, retstep=True),
    case(np.linspace, real(), other(), 4, dtype=np.float64, device=None),
    *(case(np.logspace, real(), other(), num, endpoint=end) for num in (1, 4) for end in (True, False)),
    case(np.logspace, real(2), other(), 3, base=positive(2), dtype=np.float64, axis=1),
    *(case(np.geomspace, P, positive(2), num, endpoint=end) for num in (1, 2, 4) for end in (True, False)),
    case(np.geomspace, P, 8.0, dtype=np.float64, num=3, axis=0),
    case(
        np.astype,
        A,
        np.float64,
        copy=True,
        **({"device": None} if np.lib.NumpyVersion(np.__version__) >= "2.1.0" else {}),
    ),
]

ARRANGING = [*GRIDS, *JOINS, *REPEATS, *PADS, *CHOICES, *SORTS, *WRITES, *CREATIONS]
