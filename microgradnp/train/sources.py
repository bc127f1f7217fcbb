"""Where batches come from: arrays that are cut into batches, or batches that the user made."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from types import NoneType
from typing import Any

import numpy as np

from microgradnp import tree
from microgradnp.naming import name_of, user_frames
from microgradnp.tensor import Tensor

Array = Any
Batch = tuple[Any, Any]
#: Samples that are evaluated at once where the batches of the training are smaller.
CHUNK = 512
Random = np.random.Generator | np.random.RandomState


class Arrays:
    """The rows of X with those of y, in batches.

    Attributes
    ----------
    samples, batches : int
        How many there are in an epoch.
    rng : Generator or RandomState or None
        What the order of each epoch is drawn from; None: the order of the rows.
    """

    def __init__(self, X: Array, y: Array, batch_size: int | None, rng: Random | None) -> None:
        self.X, self.y = X, y
        self.samples = len(X)
        self.size = self.samples if batch_size is None else min(batch_size, self.samples)
        self.batches = -(-self.samples // self.size)
        self.rng = rng if self.batches > 1 else None  # a whole batch has no order
        self.order: Array = None
        self.whole: Batch | None = None

    def epoch(self) -> Iterator[Batch]:
        """Yield the batches of one epoch, in a new order. They are read-only, and shared with nothing."""
        X, y, size = self.X, self.y, self.size
        if self.batches == 1:
            if self.whole is None:
                self.whole = locked(np.array(X)), locked(np.array(y))
            yield self.whole
            return
        if self.rng is None:
            self.order = None
            for start in range(0, self.samples, size):
                yield locked(X[start : start + size].copy()), locked(y[start : start + size].copy())
            return
        self.order = order = self.rng.permutation(self.samples)
        if size == 1:
            for row in order.tolist():
                yield locked(X[row : row + 1].copy()), locked(y[row : row + 1].copy())
            return
        for start in range(0, self.samples, size):
            rows = order[start : start + size]
            yield locked(X[rows]), locked(y[rows])

    def rows(self, batch: int) -> Array:
        """Return which rows of the arrays the batch of a number consists of."""
        order = np.arange(self.samples) if self.order is None else self.order
        return order[batch * self.size : (batch + 1) * self.size]

    def label(self, batch: int) -> str:
        """Return what an error calls a batch."""
        rows = self.rows(batch)
        some = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
        if self.batches == 1:
            return "all rows"
        smaller = ", the last and smaller one" if len(rows) < self.size else ""
        return f"batch {batch}{smaller} (rows {some} of {called(self.X, 'X')})"

    def in_order(self) -> Arrays:
        """Return the same data to evaluate: in the order of the rows, and enough of them at once."""
        return Arrays(self.X, self.y, max(self.size, CHUNK), None)

    def fingerprint(self) -> dict[str, Any]:
        """Return what tells these data from others, for checkpoints."""
        return {
            name: [list(a.shape), a.dtype.str, zlib.crc32(np.ascontiguousarray(a).data.cast("B") if a.size else b"")]
            for name, a in (("X", self.X), ("y", self.y))
        }


class Batches:
    """Batches that the user made: an iterable of pairs (x, y), which is gone through once an epoch."""

    def __init__(self, batches: Iterable[Any], what: str) -> None:
        self.given, self.what = batches, what
        self.samples = 0  # found out while going through
        try:
            self.batches = len(batches)  # type: ignore[arg-type]
        except TypeError:
            self.batches = 0
        rng = getattr(batches, "rng", None)
        self.rng: Random | None = rng if isinstance(rng, Random) else None

    def epoch(self) -> Iterator[Batch]:
        """Yield the batches in the order in which they come."""
        count = 0
        for batch in self.given:
            if not isinstance(batch, tuple | list) or len(batch) != 2:
                raise TypeError(
                    f"{self.what} wants pairs (x, y): batch {count} is a {type(batch).__name__}"
                    + (f" of {len(batch)}" if hasattr(batch, "__len__") else "")
                )
            yield batch[0], batch[1]
            count += 1
        if not count:
            raise ValueError(
                f"{self.what}: {called(self.given, 'the iterable')} gave no batch. An iterator can be gone through only "
                "once: pass a list, or an object whose __iter__ starts anew"
            )
        self.batches = count

    def label(self, batch: int) -> str:
        """Return what an error calls a batch."""
        return f"batch {batch} of {called(self.given, 'the data')}"

    def in_order(self) -> Batches:
        """Return the same batches, as they come."""
        return self

    def fingerprint(self) -> dict[str, Any]:
        """Return nothing: batches may be made as they are asked for."""
        return {}


Source = Arrays | Batches


def source(data: Any, batch_size: int | None, rng: Random | None, what: str = "data", epochs: int = 1) -> Source:
    """Return where batches come from, after looking at the data.

    Parameters
    ----------
    data : (X, y) or iterable
        A tuple of two arrays with as many rows, or an iterable of pairs (x, y).
    batch_size : int or None
        Rows in a batch; None: all.
    rng : Generator, RandomState or None
        For the order of the rows.
    what : str
        What errors call the data.
    epochs : int
        How often they will be gone through.

    Raises
    ------
    TypeError, ValueError
        If the data are no such thing, empty, of unequal length, or not finite.
    """
    if batch_size is not None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer):
            raise TypeError(f"batch_size={batch_size!r} must be a whole number of samples, or None for all at once")
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size} must be at least 1, or None for all samples at once")
    if isinstance(data, tuple) and len(data) == 2:
        X, y = (plain(a, what, k) for k, a in enumerate(data))
        if not X.ndim or not y.ndim or len(X) != len(y) or not X.size:
            raise unfit(X, y, called(data[0], "X"), called(data[1], "y"), what)
        check_finite(lambda: called(data[0], "X"), X, what)
        check_finite(lambda: called(data[1], "y"), y, what)
        return Arrays(X, y, None if batch_size is None else int(batch_size), rng)
    if isinstance(data, tuple | list) and any(isinstance(part, np.ndarray | Tensor) for part in data):
        raise TypeError(f"{what} must be a tuple (X, y) of two arrays, or batches (x, y), not a {kind_of(data)}")
    if isinstance(data, np.ndarray | Tensor) or not isinstance(data, Iterable) or isinstance(data, str | dict):
        raise TypeError(
            f"{what} must be a tuple (X, y) of arrays, or an iterable of batches (x, y), not a {type(data).__name__}"
        )
    if batch_size is not None:
        raise ValueError(f"{what}: batches that are made already are taken as they are: leave batch_size out")
    if epochs > 1 and iter(data) is data:
        raise TypeError(
            f"{what}: {called(data, 'a ' + type(data).__name__)} is an iterator, which can be gone through only once, but "
            f"{epochs} epochs are wanted: pass list(...), or an object whose __iter__ starts anew"
        )
    return Batches(data, what)


def kind_of(data: Any) -> str:
    """Return what a list or tuple of arrays is, for an error.

    Examples
    --------
    >>> kind_of([np.zeros(3), 1])
    'list of ndarray, int'
    """
    return f"{type(data).__name__} of {', '.join(type(part).__name__ for part in data[:6])}{', ...' * (len(data) > 6)}"


def plain(a: Any, what: str, position: int) -> Array:
    """Return numbers as an array: the user's own one, if it is one."""
    if isinstance(a, Tensor):
        return a.data
    if a is None:
        raise TypeError(f"{what}: {'Xy'[position]} is None: fit wants inputs and targets, two arrays")
    if isinstance(a, np.ma.MaskedArray) and np.ma.is_masked(a):
        raise TypeError(
            f"{what}: {called(a, 'Xy'[position])} of shape {a.shape} has {int(np.ma.getmaskarray(a).sum())} masked elements, "
            "without a value: .filled(...) them, or leave those rows out"
        )
    try:
        array = np.asarray(a)
    except (ValueError, TypeError) as error:
        raise TypeError(f"{what}: {called(a, 'Xy'[position])} is no array of numbers: {error}") from None
    if array.dtype.kind not in "biufc":
        name = called(a, "Xy"[position])
        hint = "; np.unique(labels, return_inverse=True) numbers them" if array.dtype.kind in "USO" and position else ""
        raise TypeError(f"{what}: {name} holds {array.dtype}, not numbers{hint}")
    return array


def unfit(X: Array, y: Array, first: str, second: str, what: str) -> ValueError:
    """Return the error for two arrays that do not go together."""
    if not X.ndim or not y.ndim:
        return ValueError(f"{what}: {first} of shape {X.shape} and {second} of shape {y.shape}: one row a sample")
    if len(X) != len(y):
        return ValueError(
            f"{what}: {first} has {len(X)} rows (shape {X.shape}), {second} has {len(y)} (shape {y.shape}): each sample needs "
            "its target" + transposed_hint(X, y)
        )
    return ValueError(f"{what}: {first} of shape {X.shape} is empty: there is nothing to learn from")


def check_finite(name: Callable[[], str], a: Array, what: str) -> None:
    """Raise if an array holds nan or inf, naming the rows."""
    if a.dtype.kind not in "fc":
        return
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(a.sum()):  # no second array of that size, and nearly always the answer
            return
    bad = ~np.isfinite(a)
    if not bad.any():
        return
    rows = np.flatnonzero(bad.reshape(len(a), -1).any(axis=1))
    some = ", ".join(map(str, rows[:8])) + (f" and {len(rows) - 8} more" if len(rows) > 8 else "")
    kinds = " and ".join(k for k, f in (("nan", np.isnan), ("inf", np.isinf)) if f(a).any())
    raise ValueError(
        f"{what}: {name()} of shape {a.shape} holds {kinds} in row{'s' if len(rows) > 1 else ''} {some}: leave those rows out, "
        "or fill them in, before training"
    )


def transposed_hint(X: Array, y: Array) -> str:
    """Return what to do where one of the arrays lies the other way round."""
    if X.ndim == 2 and X.shape[1] == len(y):
        return " (is X transposed? samples are rows: X.T)"
    if y.ndim == 2 and y.shape[1] == len(X):
        return " (is y transposed? samples are rows: y.T)"
    return ""


def called(a: Any, otherwise: str) -> str:
    """Return what the user calls something: a variable of any of the calling functions, rather than ``data[0]``."""
    for frame in user_frames() if not isinstance(a, int | float | str | NoneType) else ():  # which many variables hold
        for name, value in frame.f_locals.items():
            if value is a and not name.startswith("_"):
                return name
    return name_of(a) or otherwise


def locked(a: Array) -> Array:
    """Return an array that nobody can write to, so that no operation on it needs a copy."""
    a.flags.writeable = False
    return a


def count_of(x: Any, y: Any) -> int:
    """Return how many samples a batch holds."""
    if type(y) is np.ndarray and y.ndim:  # the usual case
        return len(y)
    for a in (y, x):
        for _, leaf in tree.flatten(a):  # a batch may be a tuple or a dict of arrays
            shape = np.shape(leaf) if isinstance(leaf, np.ndarray | Tensor) else ()
            if shape:
                return int(shape[0])
        if isinstance(a, list) and a and not isinstance(a[0], np.ndarray | Tensor):
            return len(a)
    return 1
