"""Labels as rows of zeros with a one, pixels as numbers from 0 to 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from microgradnp.data.arguments import count

__all__ = ["one_hot", "scale_pixels"]


def one_hot(labels: ArrayLike, n_classes: int | None = None, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Return a row of zeros with a one at the label, for each label.

    Parameters
    ----------
    labels : array_like of int, shape (...)
        From 0 to ``n_classes - 1``.
    n_classes : int, optional
        By default one more than the largest label; state it wherever a class may be missing from the labels.
    dtype : dtype

    Returns
    -------
    ndarray, shape (..., n_classes)

    Raises
    ------
    TypeError
        If the labels are no integers. Those of some sources are strings: ``labels.astype(int)``.
    ValueError
        If a label is out of range.

    Examples
    --------
    >>> one_hot([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    y = np.asarray(labels)
    if y.dtype.kind not in "iu":
        advice = "; number them with np.unique(labels, return_inverse=True)" if y.dtype.kind in "OUSb" else ""
        raise TypeError(f"labels must be integers, not {y.dtype}: use labels.astype(int){advice}")
    if n_classes is None:
        n_classes = int(y.max()) + 1 if y.size else 0
    n_classes = count(n_classes, "n_classes", 0)
    wrong = (y < 0) | (y >= n_classes)
    if wrong.any():
        first = tuple(int(i) for i in np.argwhere(wrong)[0])
        place = ", ".join(map(str, first))
        raise ValueError(
            f"labels must be from 0 to {n_classes - 1} for {n_classes} classes, but labels[{place}] is {y[first]}"
        )
    rows: NDArray[Any] = (y[..., None] == np.arange(n_classes)).astype(dtype)
    return rows


def scale_pixels(pixels: ArrayLike, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Return pixels of 0 to 255 as floats from 0 to 1.

    Raw pixels saturate logistic units: weights of normal size times 784 of them make pre-activations in the hundreds,
    where the derivative is 0 in floating point, and so is the gradient.

    Parameters
    ----------
    pixels : array_like
        Numbers from 0 to 255.
    dtype : floating dtype
        float32 halves the memory.

    Returns
    -------
    ndarray
        Of the shape of `pixels`.

    Raises
    ------
    ValueError
        If a pixel is out of range, or all are at most 1 and no integers: scaled already.
    TypeError
        If `dtype` is no floating type.

    Examples
    --------
    >>> scale_pixels(np.array([0, 51, 255], dtype=np.uint8))
    array([0. , 0.2, 1. ])
    """
    x, kind = np.asarray(pixels), np.dtype(dtype)
    if kind.kind != "f":
        raise TypeError(f"dtype={kind} cannot hold numbers between 0 and 1: use float64 or float32")
    if x.dtype != np.uint8:
        if x.dtype.kind not in "iuf":
            raise TypeError(f"pixels must be numbers from 0 to 255, not {x.dtype}")
        low, high = (x.min(), x.max()) if x.size else (0, 0)
        if not (low >= 0 and high <= 255):  # also where they are nan
            raise ValueError(f"pixels must be from 0 to 255, but these run from {low} to {high}")
        if x.dtype.kind == "f" and 0 < high <= 1 and (x % 1).any():
            raise ValueError(f"the pixels run from {low} to {high}: they are scaled already")
    scaled: NDArray[Any] = x.astype(kind)
    scaled /= 255
    return scaled
