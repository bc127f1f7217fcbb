"""Data to train with, and data to test with."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microgradnp.data.arguments import Seed, count, real, stream_of

__all__ = ["Split", "rows", "split"]


class Split(NamedTuple):
    """Inputs and targets to train with, and those to test with: unpacked, or by name.

    Attributes
    ----------
    X, y : ndarray
        To train with; row i of both is sample i.
    X_test, y_test : ndarray
        To test with.

    Examples
    --------
    >>> data = split([[1], [2], [3]], [0, 1, 1], test=1, random_state=0)
    >>> data.X.shape, data.y_test.shape
    ((2, 1), (1,))
    """

    X: NDArray[Any]
    y: NDArray[Any]
    X_test: NDArray[Any]
    y_test: NDArray[Any]


def rows(X: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return both as arrays with as many rows, or raise."""
    X, y = np.asarray(X), np.asarray(y)
    if X.ndim == 0 or y.ndim == 0 or len(X) != len(y):
        raise ValueError(
            f"X and y must have as many rows, one a sample, but have the shapes {X.shape} and {y.shape}"
            + (
                ": X has the samples along its last axis; pass X.T"
                if X.ndim == 2 and X.shape[-1:] == y.shape[:1]
                else ""
            )
        )
    return X, y


def split(X: ArrayLike, y: ArrayLike, *, test: float = 0.2, shuffle: bool = True, random_state: Seed = None) -> Split:
    """Set some samples aside, to test with what was not trained with.

    Parameters
    ----------
    X, y : array_like, shapes (n, ...)
        Inputs and targets.
    test : float or int
        How many samples to set aside: an int is their number, a float below 1 the part of all (rounded up).
    shuffle : bool
        Whether they are chosen at random; otherwise they are the last ones.
    random_state : int, RandomState or Generator, optional
        A seed, or the stream to draw from; None draws from NumPy's global stream. Only the permutation is drawn.

    Returns
    -------
    Split
        ``(X, y, X_test, y_test)``: copies.

    Raises
    ------
    ValueError
        If X and y do not have as many rows, or `test` leaves nothing to train with.

    Examples
    --------
    >>> X, y, X_test, y_test = split([[1.0], [2.0], [3.0], [4.0]], [0, 1, 2, 3], test=0.25, shuffle=False)
    >>> y, y_test
    (array([0, 1, 2]), array([3]))
    """
    X, y = rows(X, y)
    n, stream = len(X), stream_of(random_state)
    if isinstance(test, int | np.integer):
        aside = count(test, "test", 0)
    elif 0 <= real(test, "test") < 1:
        aside = int(np.ceil(test * n))
    else:
        raise ValueError(f"test={test} must be a part of all, at least 0 and less than 1, or a whole number of samples")
    if aside >= n > 0:
        raise ValueError(f"test={test} sets all {n} samples aside: none are left to train with")
    order = np.arange(n)
    if shuffle:
        stream.shuffle(order)
    kept, out = order[: n - aside], order[n - aside :]
    return Split(X[kept], y[kept], X[out], y[out])
