"""Inputs along a line with one constant target: the smallest regression there is."""

from __future__ import annotations

from typing import Literal

import numpy as np

from microgradnp.data.arguments import Seed, count, real, stream_of
from microgradnp.data.splitting import Split

__all__ = ["line"]


def line(
    n_samples: int = 100,
    inputs: Literal["random", "sequential", "constant"] = "random",
    *,
    value: float = 0.5,
    target: float = 0.15,
    n_test: int | None = None,
    shuffle: bool = True,
    random_state: Seed = None,
) -> Split:
    """Numbers between 0 and 1, all with the same target.

    The data of document 004, which asks what single neurons in a row make of them.

    Parameters
    ----------
    n_samples : int
        The number of inputs to train with.
    inputs : {"random", "sequential", "constant"}
        Uniform in [0, 1), evenly spaced from 0 to 1, or all equal to `value`. Those of the test are always random.
    value : float
        What constant inputs are.
    target : float
        The target of every input.
    n_test : int, optional
        The number of inputs to test with; by default ``n_samples // 5``.
    shuffle : bool
        Whether the inputs to train with come in random order.
    random_state : int, RandomState or Generator, optional
        A seed, or the stream to draw from; None draws from NumPy's global stream. Drawn are, in this order, the random
        inputs, those of the test, the permutation; with a seed, the same as document 004 draws after ``np.random.seed``.

    Returns
    -------
    Split
        ``(X, y, X_test, y_test)``, each an ndarray of shape (n, 1).

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range, or not of a type named above.

    Examples
    --------
    >>> X, y, X_test, y_test = line(5, "sequential", shuffle=False, random_state=0)
    >>> X.T
    array([[0.  , 0.25, 0.5 , 0.75, 1.  ]])
    >>> y.T
    array([[0.15, 0.15, 0.15, 0.15, 0.15]])
    >>> X_test.round(4)
    array([[0.5488]])
    """
    n, stream = count(n_samples, "n_samples", 0), stream_of(random_state)
    n_test = n // 5 if n_test is None else count(n_test, "n_test", 0)
    if inputs not in ("random", "sequential", "constant"):
        raise ValueError(f"inputs must be 'random', 'sequential' or 'constant', got {inputs!r}")
    value, target = real(value, "value"), real(target, "target")
    if inputs == "random":
        x = stream.uniform(0.0, 1.0, (n,))
    elif inputs == "sequential":
        x = np.linspace(0.0, 1.0, n)
    else:
        x = np.full(n, value)
    x_test = stream.uniform(0.0, 1.0, (n_test,))
    if shuffle:
        stream.shuffle(x)
    return Split(x[:, None], np.full((n, 1), target), x_test[:, None], np.full((n_test, 1), target))
