"""Layers as functions of their parameters. Plain arrays in give plain arrays out, without a tape.

Weights of affine maps have shape (inputs, outputs); images have shape (n, channels, height, width), and kernels
(outputs, inputs / groups, height, width).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.nn.checks import as_array, values_of, whole_numbers
from microgradnp.nn.initialisers import generator
from microgradnp.nn.losses import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    l1_loss,
    log_loss,
    mse_loss,
    nll_loss,
)
from microgradnp.primitives import convolution
from microgradnp.primitives.network import linear as affine
from microgradnp.primitives.network import log_softmax, logistic, relu, softmax, softplus
from microgradnp.primitives.normal import normal_cdf

Array = Any

__all__ = [
    "attention_weights",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "conv2d",
    "cross_entropy",
    "dropout",
    "elu",
    "embedding",
    "flatten",
    "gelu",
    "huber_loss",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_loss",
    "log_softmax",
    "logistic",
    "max_pool2d",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "relu",
    "scaled_dot_product_attention",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]

sigmoid = logistic


def optional(x: Any) -> Any:
    """Return None as it is, everything else `as_array`."""
    return None if x is None else as_array(x)


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
    x = as_array(x)
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
    x = as_array(x)
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
    x = as_array(x)
    if approximate == "none":
        return x * normal_cdf(x)
    near = np.clip(x, -20.0, 20.0)  # where tanh is 1 long since; the cube of a large number would overflow
    return 0.5 * x * (1 + np.tanh(SQRT_2_OVER_PI * (near + 0.044715 * (near * near * near))))


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
    x = as_array(x)
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
    x = as_array(x)
    if bias is None:
        return x @ weight
    if x.ndim == 2:
        return affine(x, weight, bias)
    if x.ndim < 2:
        return x @ weight + bias
    shape = x.shape  # one product of matrices is faster than a stack of them, above all on the way back
    return affine(x.reshape((-1, shape[-1])), weight, bias).reshape((*shape[:-1], weight.shape[1]))


def flatten(x: Array, start: int = 1) -> Array:
    """All axes from `start` on as one.

    Examples
    --------
    >>> flatten(np.zeros((5, 3, 2, 2))).shape
    (5, 12)
    """
    x = as_array(x)
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
        From 0 to 1, which leaves nothing.
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
    x = as_array(x)
    check_probability(p)
    if not training or p == 0:
        return x
    kept = generator(rng).random(x.shape) >= p
    mask = (kept / ((1 - p) or 1)).astype(x.dtype if x.dtype.kind in "fc" else np.float64)
    mask.flags.writeable = False  # so that the record need not copy it
    return x * mask


def check_probability(p: float) -> None:
    """Raise unless this can be the probability of dropping an element."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout: p={p} must be from 0 to 1: it is the probability of dropping")


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


def embedding(labels: Array, weight: Array) -> Array:
    """Return the row of `weight` that belongs to each label.

    Parameters
    ----------
    labels : array_like of int, shape (...)
        From 0 to ``len(weight) - 1``.
    weight : Tensor or ndarray, shape (labels, features)

    Returns
    -------
    Tensor or ndarray, shape (..., features)

    Raises
    ------
    ValueError
        If a label is out of range. (NumPy would take -1 for the last row.)

    Examples
    --------
    >>> embedding([1, 1, 0], np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[3., 4.],
           [3., 4.],
           [1., 2.]])
    """
    return weight[whole_numbers("embedding: labels", labels, weight.shape[0])]


# -- images ------------------------------------------------------------------------------------------------------------


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Array:
    """Cross-correlation of images with a kernel, plus a bias for each channel of the result.

    Parameters
    ----------
    x : Tensor or ndarray, shape (n, inputs, height, width)
    weight : Tensor or ndarray, shape (outputs, inputs / groups, kernel height, kernel width)
    bias : Tensor or ndarray, shape (outputs,), optional
    stride, dilation : int or two ints
    padding : int, two ints, "valid" or "same"
        How many zeros border the images on each side. "same": so many that the result is as large as the image, for a
        stride of 1; if they are odd in number, one more below and on the right than above and on the left.
    groups : int
        Into how many parts, which do not mix, the channels are divided.

    Returns
    -------
    Tensor or ndarray, shape (n, outputs, height, width)

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> conv2d(np.ones((1, 3, 8, 8)), np.ones((16, 3, 3, 3)), np.zeros(16), padding=1).shape
    (1, 16, 8, 8)
    """
    x, weight = as_array(x), as_array(weight)
    bias = optional(bias)
    if isinstance(padding, str):
        padding, more = spelled_padding(padding, weight.shape[2:], stride, dilation)
        if any(more) and x.ndim == 4:
            x = np.pad(x, ((0, 0), (0, 0), (0, more[0]), (0, more[1])))
    y = convolution.conv2d(
        x, weight, stride=plain(stride), padding=plain(padding), dilation=plain(dilation), groups=groups
    )
    if bias is None:
        return y
    if bias.shape != (weight.shape[0],):
        raise ValueError(f"conv2d: a bias of shape {bias.shape} does not fit {weight.shape[0]} outputs")
    return y + bias.reshape((-1, 1, 1))


def plain(value: Any) -> Any:
    """Return a list as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def spelled_padding(padding: str, kernel: tuple[int, ...], stride: Any, dilation: Any) -> tuple[Any, tuple[int, ...]]:
    """Return "valid" or "same" as numbers, with how many zeros more are below and on the right."""
    if padding == "valid":
        return 0, (0, 0)
    if padding != "same":
        raise ValueError(f'padding={padding!r} is not known; choose "same", "valid", an int or two ints')
    if convolution.pair(plain(stride), "stride", 1) != (1, 1):
        raise ValueError(f'padding="same" wants stride=1, not {stride}: give the padding as numbers')
    spans = [d * (k - 1) for k, d in zip(kernel, convolution.pair(plain(dilation), "dilation", 1), strict=True)]
    return tuple(span // 2 for span in spans), tuple(span % 2 for span in spans)


def max_pool2d(x: Array, kernel: Any, stride: Any = None, padding: Any = 0) -> Array:
    """Largest element of each window. Where several tie, they share the gradient equally.

    Parameters
    ----------
    x : Tensor or ndarray, shape (n, channels, height, width)
    kernel : int or two ints
        Height and width of the window.
    stride : int or two ints, optional
        How far the window moves; by default its own size.
    padding : int or two ints
        How wide a border is added, which no maximum comes from.

    Returns
    -------
    Tensor or ndarray, shape (n, channels, places down, places across)

    Examples
    --------
    >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """
    return convolution.max_pool2d(x, kernel=plain(kernel), stride=plain(stride), padding=plain(padding))


def avg_pool2d(x: Array, kernel: Any, stride: Any = None, padding: Any = 0) -> Array:
    """Mean of each window, the zeros of the border included.

    Parameters
    ----------
    x : Tensor or ndarray, shape (n, channels, height, width)
    kernel : int or two ints
        Height and width of the window.
    stride : int or two ints, optional
        How far the window moves; by default its own size.
    padding : int or two ints
        How wide a border of zeros is added.

    Returns
    -------
    Tensor or ndarray, shape (n, channels, places down, places across)

    Examples
    --------
    >>> avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    return convolution.avg_pool2d(x, kernel=plain(kernel), stride=plain(stride), padding=plain(padding))


# -- normalisation -----------------------------------------------------------------------------------------------------


def layer_norm(
    x: Array, normalized_shape: Any, weight: Array | None = None, bias: Array | None = None, eps: float = 1e-5
) -> Array:
    """Standardise each sample over its last axes, then scale and shift.

    Parameters
    ----------
    x : Tensor or ndarray, shape (..., *normalized_shape)
    normalized_shape : int or tuple of int
        Lengths of the last axes.
    weight, bias : Tensor or ndarray, of that shape, optional
    eps : float
        Added to the variance.

    Returns
    -------
    Tensor or ndarray, of the shape of x

    Raises
    ------
    ValueError
        If the last axes of x, the weight or the bias are not of that shape.

    References
    ----------
    Ba, Kiros and Hinton, "Layer normalization", 2016.

    Examples
    --------
    >>> print(layer_norm(np.array([[1.0, 3.0], [5.0, 5.0]]), 2, eps=0.01).round(3))
    [[-0.995  0.995]
     [ 0.     0.   ]]
    """
    x, weight, bias = as_array(x), optional(weight), optional(bias)
    shape = (normalized_shape,) if isinstance(normalized_shape, int | np.integer) else tuple(normalized_shape)
    if not shape or x.shape[-len(shape) :] != shape:
        raise ValueError(f"layer_norm: x of shape {x.shape} does not end in normalized_shape={shape}")
    for name, p in (("weight", weight), ("bias", bias)):
        if p is not None and p.shape != shape:
            raise ValueError(f"layer_norm: {name} has shape {p.shape}, wanted is {shape}")
    y = convolution.standardize(x, axis=tuple(range(-len(shape), 0)), eps=eps)
    return scaled(y, weight, bias)


def batch_norm(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
    *,
    mean: Array | None = None,
    var: Array | None = None,
) -> Array:
    """Standardise each channel over the samples (and places), then scale and shift.

    Parameters
    ----------
    x : Tensor or ndarray, shape (n, channels) or (n, channels, ...)
    weight, bias : Tensor or ndarray, shape (channels,), optional
    eps : float
        Added to the variance.
    mean, var : Tensor or ndarray, shape (channels,), optional
        Use these in place of the mean and the variance of x: after training, the running ones.

    Returns
    -------
    Tensor or ndarray, of the shape of x

    Raises
    ------
    ValueError
        If shapes do not fit, or there is one value only for each channel: its deviation from the mean is always 0.

    References
    ----------
    Ioffe and Szegedy, "Batch normalization", ICML 2015.

    Examples
    --------
    >>> print(batch_norm(np.array([[1.0], [3.0]]), eps=0.0))
    [[-1.]
     [ 1.]]
    """
    x, weight, bias, mean, var = as_array(x), optional(weight), optional(bias), optional(mean), optional(var)
    if x.ndim < 2:
        raise ValueError(f"batch_norm wants x of shape (n, channels, ...), not {x.shape}")
    channels = x.shape[1]
    for name, p in (("weight", weight), ("bias", bias), ("mean", mean), ("var", var)):
        if p is not None and p.shape != (channels,):
            raise ValueError(
                f"batch_norm: {name} has shape {p.shape}, wanted is ({channels},) for x of shape {x.shape}"
            )
    if (mean is None) != (var is None):
        raise ValueError("batch_norm: give both mean and var, or neither")
    column = (channels,) + (1,) * (x.ndim - 2)
    if mean is None or var is None:
        if x.size <= channels:
            raise ValueError(
                f"batch_norm: x of shape {x.shape} has fewer than two values for each channel, which have no deviation; "
                "use more samples, or eval() after training"
            )
        y = convolution.standardize(x, axis=(0, *range(2, x.ndim)), eps=eps)
    else:
        y = (x - mean.reshape(column)) / np.sqrt(var.reshape(column) + eps)
    return scaled(y, None if weight is None else weight.reshape(column), None if bias is None else bias.reshape(column))


def scaled(y: Array, weight: Array | None, bias: Array | None) -> Array:
    """Return ``y * weight + bias``, where they are there."""
    if weight is not None:
        y = y * weight
    return y if bias is None else y + bias


# -- attention ---------------------------------------------------------------------------------------------------------


def attention_weights(query: Array, key: Array, mask: Array | None = None, causal: bool = False) -> Array:
    """Return how much each query attends to each key: ``softmax(query key^T / sqrt(features))``.

    Parameters
    ----------
    query : Tensor or ndarray, shape (..., queries, features)
    key : Tensor or ndarray, shape (..., keys, features)
    mask : array_like of bool, optional
        Of a shape that broadcasts to (..., queries, keys): True where a query may attend to a key.
    causal : bool
        Whether query i may attend to the keys up to i only.

    Returns
    -------
    Tensor or ndarray, shape (..., queries, keys)
        Its rows sum to 1.

    Raises
    ------
    ValueError
        If shapes do not fit, or a query may attend to nothing.

    Examples
    --------
    >>> attention_weights(np.zeros((2, 4)), np.zeros((2, 4)), causal=True)
    array([[1. , 0. ],
           [0.5, 0.5]])
    """
    query, key = as_array(query), as_array(key)
    if query.ndim < 2 or key.ndim < 2 or query.shape[-1] != key.shape[-1]:
        raise ValueError(f"attention: queries of shape {query.shape} and keys of shape {key.shape} do not fit")
    scores = (query @ np.swapaxes(key, -1, -2)) * float(1 / np.sqrt(query.shape[-1]))
    queries, keys = scores.shape[-2:]
    allowed = None if mask is None else values_of(mask)
    if allowed is not None and allowed.dtype != np.bool_:
        raise TypeError(f"attention: the mask must be of bool (True: may attend), not {allowed.dtype}")
    if allowed is not None and not fits(allowed.shape, scores.shape):
        raise ValueError(
            f"attention: a mask of shape {allowed.shape} does not broadcast to (..., queries, keys), here {scores.shape}"
        )
    if causal:
        if queries > keys:
            raise ValueError(f"attention: causal=True with {queries} queries wants as many keys, not {keys}")
        earlier = np.tri(queries, keys, keys - queries, dtype=bool)
        allowed = earlier if allowed is None else allowed & earlier
    if allowed is not None:
        if not np.any(allowed, axis=-1).all():
            raise ValueError("attention: the mask leaves a query nothing to attend to")
        scores = np.where(allowed, scores, -np.inf)
    return softmax(scores, axis=-1)


def fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Return whether an array of one shape broadcasts to another one.

    Examples
    --------
    >>> fits((1, 5), (2, 3, 5)), fits((2, 5), (3, 5))
    (True, False)
    """
    return len(shape) <= len(wanted) and all(n in (1, m) for n, m in zip(shape[::-1], wanted[::-1], strict=False))


def scaled_dot_product_attention(
    query: Array, key: Array, value: Array, mask: Array | None = None, causal: bool = False
) -> Array:
    """Return the mean of the values for each query, weighted by `attention_weights`.

    Parameters
    ----------
    query : Tensor or ndarray, shape (..., queries, features)
    key : Tensor or ndarray, shape (..., keys, features)
    value : Tensor or ndarray, shape (..., keys, outputs)
    mask, causal
        See `attention_weights`.

    Returns
    -------
    Tensor or ndarray, shape (..., queries, outputs)

    References
    ----------
    Vaswani et al., "Attention is all you need", NeurIPS 2017.

    Examples
    --------
    >>> scaled_dot_product_attention(np.zeros((1, 4)), np.zeros((2, 4)), np.array([[1.0], [3.0]]))
    array([[2.]])
    """
    key, value = as_array(key), as_array(value)
    if value.ndim < 2 or value.shape[-2] != key.shape[-2]:
        raise ValueError(f"attention: keys of shape {key.shape} want as many values, not values of shape {value.shape}")
    return attention_weights(query, key, mask, causal) @ value
