"""A disc around the origin against its surroundings."""

from __future__ import annotations

import numpy as np

from microgradnp.data.arguments import Labels, Points, Seed, count, real, stream_of

__all__ = ["disc"]


def disc(n_samples: int = 300, *, radius: float | None = None, random_state: Seed = None) -> tuple[Points, Labels]:
    """Normally distributed points: those in a disc around the origin (class 0), and those outside (class 1).

    No line separates the classes. Document 000, "Seeing Like A Perceptron II", shows such a set.

    Parameters
    ----------
    n_samples : int
        The number of points.
    radius : float, optional
        Radius of the disc, of points with standard deviation 1 along each axis. By default the one that half of the
        points lie in: the median of their distances.
    random_state : int, RandomState or Generator, optional
        A seed, or the stream to draw from; None draws from NumPy's global stream (``np.random.seed``). One call draws
        all points, as ``np.random.randn(n_samples, 2)`` does.

    Returns
    -------
    X : ndarray, shape (n, 2)
        The points.
    y : ndarray of int, shape (n,)
        Their classes: ``|x|² > radius²``.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range, or not of a type named above.

    Examples
    --------
    >>> X, y = disc(4, random_state=0)
    >>> X.round(2)
    array([[ 1.76,  0.4 ],
           [ 0.98,  2.24],
           [ 1.87, -0.98],
           [ 0.95, -0.15]])
    >>> y
    array([0, 1, 1, 0])
    """
    n, stream = count(n_samples, "n_samples", 0), stream_of(random_state)
    if radius is not None and real(radius, "radius") < 0:
        raise ValueError(f"radius cannot be negative, got {radius}")
    X = stream.normal(0.0, 1.0, (n, 2))
    squares = np.sum(X**2, axis=1)
    limit = radius**2 if radius is not None else np.median(squares) if n else 0.0
    return X, (squares > limit).astype(np.intp)
