"""Labelled points in the plane: circles, moons and blobs.

Arguments and points are those of scikit-learn's ``make_circles``, ``make_moons`` and ``make_blobs``, bit for
bit for the same ``random_state``: a published example can be followed without scikit-learn. Hence the order
in which random numbers are drawn (centers, clouds, permutation, noise) and the layout in memory are part of
the promise: in another layout a sum rounds differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from microgradnp.data.arguments import Labels, Points, Seed, count, deviation, items, real, shuffled, stream_of

__all__ = ["blobs", "circles", "moons"]


def circles(
    n_samples: int | Sequence[int] = 100,
    *,
    shuffle: bool = True,
    noise: float | None = None,
    random_state: Seed = None,
    factor: float = 0.8,
) -> tuple[Points, Labels]:
    """A circle of radius 1 (class 0) around a circle of radius `factor` (class 1).

    Parameters
    ----------
    n_samples : int or pair of int
        The number of points; the inner circle gets the odd one. A pair gives the numbers of outer and inner
        points.
    shuffle : bool
        Whether the points come in random order; otherwise those of class 0 come first.
    noise : float, optional
        Standard deviation of the Gaussian noise added to both coordinates.
    random_state : int, RandomState or Generator, optional
        A seed, or the stream to draw from; None draws from NumPy's global stream (``np.random.seed``). A
        Generator gives other points than a seed, and scikit-learn does not take one.
    factor : float
        Radius of the inner circle, at least 0 and less than 1.

    Returns
    -------
    X : ndarray, shape (n, 2)
        The points.
    y : ndarray of int, shape (n,)
        Their classes.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    TypeError
        If an argument is not of a type named above.

    Examples
    --------
    >>> X, y = circles(4, shuffle=False, factor=0.5)
    >>> X.round(2) + 0.0
    array([[ 1. ,  0. ],
           [-1. ,  0. ],
           [ 0.5,  0. ],
           [-0.5,  0. ]])
    >>> y
    array([0, 0, 1, 1])
    """
    if not 0 <= real(factor, "factor") < 1:
        raise ValueError(f"factor is the radius of the inner circle and must be in [0, 1), got {factor}")
    n_outer, n_inner = _pair_of_counts(n_samples)
    outer = np.linspace(0, 2 * np.pi, n_outer, endpoint=False)
    inner = np.linspace(0, 2 * np.pi, n_inner, endpoint=False)
    return _two_classes(
        np.stack([np.cos(outer), np.sin(outer)]),
        np.stack([np.cos(inner), np.sin(inner)]) * factor,
        shuffle,
        noise,
        random_state,
    )


def moons(
    n_samples: int | Sequence[int] = 100,
    *,
    shuffle: bool = True,
    noise: float | None = None,
    random_state: Seed = None,
) -> tuple[Points, Labels]:
    """Two interleaving half circles of radius 1.

    The upper one (class 0) is centred at (0, 0), the lower one (class 1) at (1, 0.5).

    Parameters
    ----------
    n_samples : int or pair of int
        The number of points; the lower moon gets the odd one. A pair gives the numbers of upper and lower
        points.
    shuffle : bool
        Whether the points come in random order; otherwise those of class 0 come first.
    noise : float, optional
        Standard deviation of the Gaussian noise added to both coordinates.
    random_state : int, RandomState or Generator, optional
        As for `circles`.

    Returns
    -------
    X : ndarray, shape (n, 2)
        The points.
    y : ndarray of int, shape (n,)
        Their classes.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    TypeError
        If an argument is not of a type named above.

    Examples
    --------
    >>> X, y = moons((3, 2), shuffle=False)
    >>> X.round(2) + 0.0
    array([[ 1. ,  0. ],
           [ 0. ,  1. ],
           [-1. ,  0. ],
           [ 0. ,  0.5],
           [ 2. ,  0.5]])
    >>> y
    array([0, 0, 0, 1, 1])
    """
    n_upper, n_lower = _pair_of_counts(n_samples)
    upper = np.linspace(0, np.pi, n_upper)
    lower = np.linspace(0, np.pi, n_lower)
    return _two_classes(
        np.stack([np.cos(upper), np.sin(upper)]),
        np.stack([1 - np.cos(lower), 1 - np.sin(lower) - 0.5]),
        shuffle,
        noise,
        random_state,
    )


@overload
def blobs(
    n_samples: int | Sequence[int] = ...,
    n_features: int = ...,
    *,
    centers: int | ArrayLike | None = ...,
    cluster_std: float | Sequence[float] = ...,
    center_box: tuple[float, float] = ...,
    shuffle: bool = ...,
    random_state: Seed = ...,
    return_centers: Literal[False] = ...,
) -> tuple[Points, Labels]: ...


@overload
def blobs(
    n_samples: int | Sequence[int] = ...,
    n_features: int = ...,
    *,
    centers: int | ArrayLike | None = ...,
    cluster_std: float | Sequence[float] = ...,
    center_box: tuple[float, float] = ...,
    shuffle: bool = ...,
    random_state: Seed = ...,
    return_centers: Literal[True],
) -> tuple[Points, Labels, Points]: ...


def blobs(
    n_samples: int | Sequence[int] = 100,
    n_features: int = 2,
    *,
    centers: int | ArrayLike | None = None,
    cluster_std: float | Sequence[float] = 1.0,
    center_box: tuple[float, float] = (-10.0, 10.0),
    shuffle: bool = True,
    random_state: Seed = None,
    return_centers: bool = False,
) -> tuple[Points, Labels] | tuple[Points, Labels, Points]:
    """Isotropic Gaussian clouds, one a class.

    Parameters
    ----------
    n_samples : int or sequence of int
        The number of points, shared out evenly (the first clouds get what is left over), or the number in
        each cloud.
    n_features : int
        The number of coordinates, where `centers` does not give it.
    centers : int or array_like, shape (k, n_features), optional
        The number of clouds, whose centers are then drawn at random, or the centers. None stands for 3
        clouds, or for as many as `n_samples` lists.
    cluster_std : float or sequence of float, length k
        Standard deviation of the clouds, or of each.
    center_box : pair of float
        The range from which the coordinates of the centers are drawn.
    shuffle : bool
        Whether the points come in random order; otherwise they come cloud after cloud.
    random_state : int, RandomState or Generator, optional
        As for `circles`.
    return_centers : bool
        Whether to return the centers as well.

    Returns
    -------
    X : ndarray, shape (n, n_features)
        The points.
    y : ndarray of int, shape (n,)
        Their classes.
    centers : ndarray, shape (k, n_features)
        Only if `return_centers`.

    Raises
    ------
    ValueError
        If an argument is out of its range, or lengths do not fit together.
    TypeError
        If an argument is not of a type named above.

    Examples
    --------
    >>> X, y = blobs(5, centers=[[0, 0], [9, 9]], cluster_std=0.0, shuffle=False)
    >>> X
    array([[0., 0.],
           [0., 0.],
           [0., 0.],
           [9., 9.],
           [9., 9.]])
    >>> y
    array([0, 0, 0, 1, 1])
    """
    stream = stream_of(random_state)
    counts = None if isinstance(n_samples, Integral) else items(n_samples, "n_samples")
    if centers is None:
        centers = 3 if counts is None else len(counts)
    if isinstance(centers, Integral):
        means = None
        k, n_features = count(centers, "centers", 1), count(n_features, "n_features", 1)
        low, high = (real(bound, "center_box") for bound in items(center_box, "center_box", 2))
        if low > high:
            raise ValueError(f"center_box is a pair (low, high), got ({low}, {high})")
    else:
        means = np.array(centers, dtype=np.float64)
        if means.ndim != 2 or means.size == 0 or not np.isfinite(means).all():
            raise ValueError(f"centers must be a number or a finite array (k, n_features), got {centers!r}")
        k, n_features = means.shape

    if counts is None:
        n = count(n_samples, "n_samples", 1)
        sizes = [n // k + (i < n % k) for i in range(k)]
    elif len(counts) == k:
        sizes = [count(size, "n_samples", 0) for size in counts]
    else:
        raise ValueError(f"n_samples lists {len(counts)} clouds, but there are {k} centers")
    spread = [cluster_std] * k if isinstance(cluster_std, Real) else items(cluster_std, "cluster_std", k)
    stds = [deviation(std, "cluster_std") for std in spread]

    # Nothing is drawn before every argument is known to be good.
    if means is None:
        means = stream.uniform(low, high, (k, n_features))
    clouds = [stream.normal(mean, std, (size, n_features)) for mean, std, size in zip(means, stds, sizes, strict=True)]
    X, y = np.concatenate(clouds), np.repeat(np.arange(k), sizes)
    if shuffle:
        X, y = shuffled(X, y, stream)
    return (X, y, means) if return_centers else (X, y)


def _two_classes(
    first: Points, second: Points, shuffle: bool, noise: float | None, random_state: Seed
) -> tuple[Points, Labels]:
    """One labelled set from two rows of coordinates each, shuffled and with noise."""
    stream = stream_of(random_state)
    scale = None if noise is None else deviation(noise, "noise")
    X = np.concatenate([first, second], axis=1).T
    y = np.repeat(np.arange(2), [first.shape[1], second.shape[1]])
    if shuffle:
        X, y = shuffled(X, y, stream)
    if scale is not None:
        X += stream.normal(0.0, scale, X.shape)
    return X, y


def _pair_of_counts(n_samples: object) -> tuple[int, int]:
    if isinstance(n_samples, Integral):
        n = count(n_samples, "n_samples", 0)
        return n // 2, n - n // 2
    first, second = (count(n, "n_samples", 0) for n in items(n_samples, "n_samples", 2))
    return first, second
