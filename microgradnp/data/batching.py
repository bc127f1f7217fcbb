"""Batches: samples a few at a time, in another order each time."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microgradnp.data.arguments import Seed, Stream, count, stream_of
from microgradnp.data.splitting import rows

__all__ = ["Batches", "batches"]


class Batches:
    """All samples once, a batch at a time, each time that it is iterated over; made by `batches`.

    Attributes
    ----------
    X, y : ndarray
        All samples; `y` may be None.
    batch_size : int
    rng : Generator, RandomState or None
        Where the orders come from; None: no other order is drawn. A run that is resumed puts it back.
    """

    def __init__(
        self,
        X: NDArray[Any],
        y: NDArray[Any] | None,
        batch_size: int,
        stream: Stream | None,
        drop_last: bool,
    ) -> None:
        self.X, self.y, self.batch_size = X, y, batch_size
        self.rng, self._drop_last = stream, drop_last

    def __len__(self) -> int:
        """Return the number of batches."""
        n, size = len(self.X), self.batch_size
        return n // size if self._drop_last else -(-n // size)

    def __iter__(self) -> Iterator[Any]:
        """Yield ``(X, y)`` of each batch, or X alone where there is no y."""
        order = None
        if self.rng is not None:
            order = np.arange(len(self.X))
            self.rng.shuffle(order)
        for i in range(len(self)):
            some: Any = slice(i * self.batch_size, (i + 1) * self.batch_size)
            if order is not None:
                some = order[some]
            yield self.X[some] if self.y is None else (self.X[some], self.y[some])

    def __repr__(self) -> str:
        return f"<{len(self)} batches of {self.batch_size} from {len(self.X)} samples>"


def batches(
    X: ArrayLike,
    y: ArrayLike | None = None,
    batch_size: int = 32,
    shuffle: bool = True,
    rng: Seed = None,
    *,
    drop_last: bool = False,
) -> Batches:
    """Return the samples in batches, an object to iterate over once an epoch.

    Parameters
    ----------
    X, y : array_like, shapes (n, ...)
        Inputs and targets; without `y` a batch is inputs alone.
    batch_size : int
        The last batch is smaller where this does not divide n.
    shuffle : bool
        Whether each iteration goes through the samples in another random order. Otherwise the batches are views of X and
        y, in order.
    rng : int, Generator or RandomState, optional
        Where the orders come from: one permutation is drawn at the start of each iteration. An int is the seed of a new
        Generator; None draws from NumPy's global stream (``np.random.seed``).
    drop_last : bool
        Whether a smaller last batch is left out; with `shuffle`, other samples each time.

    Returns
    -------
    Batches
        Yields pairs ``(X[some], y[some])``; ``len`` of it is their number.

    Raises
    ------
    ValueError
        If X and y do not have as many rows, or `batch_size` is less than 1.
    TypeError
        If an argument is not of a type named above.

    Examples
    --------
    >>> epoch = batches(np.eye(5), np.arange(5), 2, rng=0)
    >>> [labels.tolist() for _, labels in epoch]
    [[2, 4], [3, 0], [1]]
    >>> [labels.tolist() for _, labels in epoch]
    [[4, 1], [2, 0], [3]]
    """
    if y is None:
        X, labels = np.asarray(X), None
        if X.ndim == 0:
            raise ValueError("X must have rows, one a sample, but is a single number")
    else:
        X, labels = rows(X, y)
    seed: Any = rng
    if isinstance(seed, Integral):
        seed = np.random.default_rng(count(seed, "rng", 0))
    stream = stream_of(seed, "rng") if shuffle else None
    return Batches(X, labels, count(batch_size, "batch_size", 1), stream, drop_last)
