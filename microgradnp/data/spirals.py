"""Spirals around the origin, one a class."""

from __future__ import annotations

import numpy as np

from microgradnp.data.arguments import Labels, Points, Seed, count, deviation, real, shuffled, stream_of

__all__ = ["spirals"]


def spirals(
    n_samples: int = 200,
    *,
    arms: int = 2,
    turns: float = 1.0,
    shuffle: bool = True,
    noise: float | None = None,
    random_state: Seed = None,
) -> tuple[Points, Labels]:
    """Spirals that wind around each other, from the origin out to radius 1.

    Parameters
    ----------
    n_samples : int
        The number of points, shared out evenly; the first arms get what is left over.
    arms : int
        The number of spirals, each a class; arm i starts at the angle ``2 π i / arms``.
    turns : float
        How often each winds around the origin, counter-clockwise; clockwise where negative.
    shuffle : bool
        Whether the points come in random order; otherwise arm after arm, from the inside out.
    noise : float, optional
        Standard deviation of the Gaussian noise added to both coordinates.
    random_state : int, RandomState or Generator, optional
        A seed, or the stream to draw from; None draws from NumPy's global stream. The permutation is drawn first.

    Returns
    -------
    X : ndarray, shape (n, 2)
        The points.
    y : ndarray of int, shape (n,)
        Their classes.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range, or not of a type named above.

    Examples
    --------
    >>> X, y = spirals(4, turns=0.5, shuffle=False)
    >>> X.round(2) + 0.0
    array([[ 0. ,  0.5],
           [-1. ,  0. ],
           [ 0. , -0.5],
           [ 1. ,  0. ]])
    >>> y
    array([0, 0, 1, 1])
    """
    n, k, stream = count(n_samples, "n_samples", 0), count(arms, "arms", 1), stream_of(random_state)
    real(turns, "turns")
    scale = None if noise is None else deviation(noise, "noise")
    sizes = [n // k + (i < n % k) for i in range(k)]
    # The origin itself belongs to no arm: it would be a point of every class.
    radii = np.concatenate([np.linspace(0, 1, size + 1)[1:] for size in sizes])
    y = np.repeat(np.arange(k), sizes)
    angles = 2 * np.pi * (turns * radii + y / k)
    X = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
    if shuffle:
        X, y = shuffled(X, y, stream)
    if scale is not None:
        X += stream.normal(0.0, scale, X.shape)
    return X, y
