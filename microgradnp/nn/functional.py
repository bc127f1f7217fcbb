"""Layers as functions of their parameters. Plain arrays in give plain arrays out, without a tape.

Weights of affine maps have shape (inputs, outputs); images have shape (n, channels, height, width), and kernels
(outputs, inputs / groups, height, width).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.nn.initialisers import generator
from microgradnp.nn.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    l1_loss,
    mse_loss,
    nll_loss,
    whole_numbers,
)
from microgradnp.primitives.network import linear as affine
from microgradnp.primitives.network import log_softmax, logistic, relu, softmax, softplus
from microgradnp.primitives.normal import normal_cdf

Array = Any

__all__ = [
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "elu",
    "flatten",
    "gelu",
    "huber_loss",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logistic",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]

sigmoid = logistic


# -- activations -------------------------------------------------------------------------------------------------------


def tanh(x: Array) -> Array:
    """Hyperbolic tangent: ``np.tanh``."""
    return np.tanh(x)


def leaky_relu(x: Array, slope: float = 0.01) -> Array:
    """Return x where it is positive, ``slope * x`` elsewhere. The derivative at 0 is `slope`.

    Examples
    --------
    >>> print(leaky_relu(np.array([-2.0, 3.0]), 0.1))
    [-0.2  3. ]
    """
    return np.where(x > 0, x, slope * x)


def elu(x: Array, alpha: float = 1.0) -> Array:
    """Return x where it is positive, ``alpha * (exp(x) - 1)`` elsewhere. The derivative at 0 is `alpha`.

    References
    ----------
    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units", ICLR 2016.

    Examples
    --------
    >>> print(elu(np.array([-1000.0, 3.0])))
    [-1.  3.]
    """
    positive = x > 0
    return np.where(positive, x, alpha * np.expm1(np.where(positive, 0.0, x)))  # where x is large, exp would overflow


def gelu(x: Array, approximate: str = "none") -> Array:
    """Gaussian error linear unit: x times the normal distribution function of x.

    Parameters
    ----------
    x : Tensor or ndarray
    approximate : {"none", "tanh"}
        "tanh": ``x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2``, nearly the same.

    Returns
    -------
    Tensor or ndarray

    Raises
    ------
    ValueError
        If `approximate` is something else.

    References
    ----------
    Hendrycks and Gimpel, "Gaussian error linear units", 2016.

    Examples
    --------
    >>> print(np.round(gelu(np.array([-1.0, 1.0])), 4), np.round(gelu(np.array([-1.0, 1.0]), "tanh"), 4))
    [-0.1587  0.8413] [-0.1588  0.8412]
    """
    check_approximate(approximate)
    if approximate == "none":
        return x * normal_cdf(x)
    return 0.5 * x * (1 + np.tanh(SQRT_2_OVER_PI * (x + 0.044715 * (x * x * x))))


SQRT_2_OVER_PI = float(np.sqrt(2 / np.pi))


def check_approximate(approximate: str) -> None:
    """Raise unless it names a form of gelu."""
    if approximate not in ("none", "tanh"):
        raise ValueError(f'approximate={approximate!r} is not known; choose "none" (exact) or "tanh"')


def silu(x: Array) -> Array:
    """Return x times its logistic function, also called swish.

    References
    ----------
    Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function approximation", 2017.

    Examples
    --------
    >>> print(silu(np.array([-1000.0, 0.0, 1000.0])))
    [  -0.    0. 1000.]
    """
    return x * logistic(x)


# -- layers ------------------------------------------------------------------------------------------------------------


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """Affine map ``x @ weight + bias``.

    Parameters
    ----------
    x : Tensor or ndarray, shape (..., inputs)
    weight : Tensor or ndarray, shape (inputs, outputs)
    bias : Tensor or ndarray, shape (outputs,), optional

    Returns
    -------
    Tensor or ndarray, shape (..., outputs)

    Examples
    --------
    >>> linear(np.ones((4, 5, 2)), np.ones((2, 3))).shape
    (4, 5, 3)
    """
    if bias is None:
        return x @ weight
    return affine(x, weight, bias) if x.ndim == 2 else x @ weight + bias


def flatten(x: Array, start: int = 1) -> Array:
    """All axes from `start` on as one.

    Examples
    --------
    >>> flatten(np.zeros((5, 3, 2, 2))).shape
    (5, 12)
    """
    shape = x.shape
    if not -len(shape) <= start < len(shape):
        raise ValueError(f"flatten: x of shape {shape} has no axis {start}")
    kept = shape[:start]
    return x.reshape((*kept, int(np.prod(shape[start:], dtype=np.int64))))


def dropout(x: Array, p: float = 0.5, rng: Any = None, training: bool = True) -> Array:
    """Zero each element with probability `p` and divide the others by ``1 - p``.

    Parameters
    ----------
    x : Tensor or ndarray
    p : float
        From 0 to less than 1.
    rng : Generator, RandomState, int or None
        What the mask is drawn from, by ``rng.random(x.shape) >= p``; an int is a seed.
    training : bool
        False: x is returned as it is.

    Returns
    -------
    Tensor or ndarray

    Examples
    --------
    >>> print(dropout(np.ones(6), 0.5, rng=0))
    [2. 0. 0. 0. 2. 2.]
    """
    check_probability(p)
    if not training or p == 0:
        return x
    mask = ((generator(rng).random(x.shape) >= p) / (1 - p)).astype(x.dtype)
    mask.flags.writeable = False  # so that the record need not copy it
    return x * mask


def check_probability(p: float) -> None:
    """Raise unless this can be the probability of dropping an element."""
    if not 0 <= p < 1:
        raise ValueError(f"dropout: p={p} must be at least 0 and less than 1: it is the probability of dropping")


def one_hot(labels: Array, classes: int, dtype: Any = np.float64) -> Array:
    """Return a row of zeros with a one at the label, for each label.

    Parameters
    ----------
    labels : array_like of int
        From 0 to ``classes - 1``.
    classes : int
    dtype : dtype

    Returns
    -------
    ndarray, shape (..., classes)

    Raises
    ------
    ValueError
        If a label is out of range.

    Examples
    --------
    >>> one_hot([1, 0], 3)
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """
    labels = whole_numbers("one_hot: labels", labels, classes)
    return (labels[..., None] == np.arange(classes)).astype(dtype)
