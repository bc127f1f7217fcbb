"""Truth tables: data that fit in a line."""

from __future__ import annotations

import numpy as np

from microgradnp.data.arguments import Labels, Points

__all__ = ["first_bit", "xor"]


def xor() -> tuple[Points, Labels]:
    """The exclusive or of two bits, which no single unit can compute.

    Returns
    -------
    X : ndarray, shape (4, 2)
        The inputs.
    y : ndarray of int, shape (4,)
        Their classes; ``y[:, None]`` are the targets of a network with one output.

    Examples
    --------
    >>> X, y = xor()
    >>> X
    array([[0., 0.],
           [0., 1.],
           [1., 0.],
           [1., 1.]])
    >>> y
    array([0, 1, 1, 0])
    """
    return np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0], dtype=np.intp)


def first_bit() -> tuple[Points, Labels]:
    """Four rows of three bits, whose class is the first bit: a single unit learns it.

    The table of document 003 (logistic regression), in its order.

    Returns
    -------
    X : ndarray, shape (4, 3)
        The inputs.
    y : ndarray of int, shape (4,)
        Their classes; ``y[:, None]`` are the targets as document 003 writes them.

    Examples
    --------
    >>> X, y = first_bit()
    >>> X
    array([[0., 1., 0.],
           [1., 0., 0.],
           [1., 1., 1.],
           [0., 1., 1.]])
    >>> y
    array([0, 1, 1, 0])
    """
    rows = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    return np.array(rows), np.array([0, 1, 1, 0], dtype=np.intp)
