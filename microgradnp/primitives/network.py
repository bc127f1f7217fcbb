"""Functions that NumPy lacks and networks need, in stable forms, with their derivatives.

They run on plain arrays as well: a forward pass needs no tape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.primitives.primitive import Array, elementwise, expand, keep_axes, self_adjoint, structural

# -- activations -----------------------------------------------------------------------------------------------------


def _logistic(x: Array) -> Array:
    """Logistic function 1 / (1 + exp(-x)), without overflow.

    Derivative: y (1 - y).

    Parameters
    ----------
    x : Tensor or array_like
        Any shape.

    Returns
    -------
    Tensor or ndarray
        Of the shape of `x`, values in [0, 1].

    Examples
    --------
    >>> import microgradnp as mg
    >>> print(mg.logistic(0.0))
    0.5
    """
    x = np.asarray(x)
    # exp(-|x|) cannot overflow; for x < 0 the same fraction has exp(x) = exp(-|x|) on top
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1 + e) if x.dtype == np.float64 else _logistic_in(x, e)


def _logistic_in(x: Array, e: Array) -> Array:
    one = x.dtype.type(1) if x.dtype.kind == "f" else 1.0
    return np.where(x >= 0, one, e) / (1 + e)


def _relu(x: Array) -> Array:
    """Rectified linear unit max(x, 0), with derivative 0 at 0.

    Parameters
    ----------
    x : Tensor or array_like
        Any shape.

    Returns
    -------
    Tensor or ndarray
        Of the shape of `x`.

    Examples
    --------
    >>> import microgradnp as mg
    >>> print(mg.relu([-1.0, 0.0, 2.0]))
    [0. 0. 2.]
    """
    return np.maximum(x, 0)


logistic = elementwise(_logistic, lambda y, _x: y * (1 - y), r"\sigma({x})")
relu = elementwise(_relu, lambda _y, x: x > 0, r"\operatorname{{relu}}({x})", smooth=False)


def _softplus(x: Array) -> Array:
    """log(1 + exp(x)), without overflow. Derivative: the logistic function.

    Parameters
    ----------
    x : Tensor or array_like
        Any shape.

    Returns
    -------
    Tensor or ndarray
        Of the shape of `x`.

    Examples
    --------
    >>> import microgradnp as mg
    >>> print(mg.softplus(1000.0))
    1000.0
    """
    return np.logaddexp(x, 0)


softplus = elementwise(_softplus, lambda _y, x: logistic(x), r"\log(1 + e^{{{x}}})")


# -- softmax and its family ------------------------------------------------------------------------------------------


def _shifted(x: Array, axis: Any) -> tuple[Array, Array]:
    """Return x minus its largest element along the axis (0 where that is infinite), and what was subtracted."""
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf) if x.size == 0 else np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, x.dtype.type(0))
    return x - top, top


def _floats(x: Array) -> Array:
    x = np.asarray(x)
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def _softmax(x: Array, axis: int = -1) -> Array:
    """Softmax exp(x) / sum(exp(x)) along an axis, shifted so that it does not overflow.

    Parameters
    ----------
    x : Tensor or array_like
        Any shape with the axis `axis`.
    axis : int
        The axis along which the results sum to 1.

    Returns
    -------
    Tensor or ndarray
        Of the shape of `x`.

    Examples
    --------
    >>> import microgradnp as mg
    >>> print(mg.softmax([1000.0, 1000.0]))
    [0.5 0.5]
    """
    e = np.exp(_shifted(_floats(x), axis)[0])
    return e / np.add.reduce(e, axis=axis, keepdims=True)


def _logsumexp(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """log(sum(exp(x))) over an axis, several, or all, shifted so that it does not overflow.

    Parameters
    ----------
    x : Tensor or array_like
        Any shape.
    axis : int, tuple of int, or None
        The axes to sum over; None means all.
    keepdims : bool
        Whether the summed axes stay, with length one.

    Returns
    -------
    Tensor or ndarray

    Examples
    --------
    >>> import microgradnp as mg
    >>> print(round(mg.logsumexp([1000.0, 1000.0]), 6))
    1000.693147
    """
    x = _floats(x)
    shifted, top = _shifted(x, axis)
    with np.errstate(divide="ignore"):  # log(0) = -inf is right for an empty sum or all -inf
        y = np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=tuple(range(x.ndim)) if axis is None else axis)


def _log_softmax(x: Array, axis: int = -1) -> Array:
    """Logarithm of the softmax along an axis, exact also where the softmax rounds to 0.

    Parameters
    ----------
    x : Tensor or array_like
        Any shape with the axis `axis`.
    axis : int
        The axis along which the exponentials of the results sum to 1.

    Returns
    -------
    Tensor or ndarray
        Of the shape of `x`.

    Examples
    --------
    >>> import microgradnp as mg
    >>> print(mg.log_softmax([0.0, 1000.0]))
    [-1000.     0.]
    """
    x = _floats(x)
    shifted = _shifted(x, axis)[0]
    return shifted - np.log(np.add.reduce(np.exp(shifted), axis=axis, keepdims=True))


softmax = self_adjoint(
    _softmax,
    lambda g, y, _x, *, axis=-1: y * (g - (g * y).sum(axis=axis, keepdims=True)),
    r"\operatorname{{softmax}}({x})",
)
log_softmax = structural(
    _log_softmax,
    lambda g, y, _x, *, axis=-1: g - np.exp(y) * g.sum(axis=axis, keepdims=True),
    lambda d, y, _x, *, axis=-1: d - (np.exp(y) * d).sum(axis=axis, keepdims=True),
    r"\log\operatorname{{softmax}}({x})",
)


def _logsumexp_shares(y: Array, x: Array, axis: Any, keepdims: bool) -> Array:
    y = keep_axes(y, x, axis, keepdims)
    return np.exp(x - np.where(np.isfinite(y), y, 0.0))


logsumexp = structural(
    _logsumexp,
    lambda g, y, x, *, axis=None, keepdims=False: keep_axes(g, x, axis, keepdims)
    * _logsumexp_shares(y, x, axis, keepdims),
    lambda d, y, x, *, axis=None, keepdims=False: (_logsumexp_shares(y, x, axis, keepdims) * d).sum(
        axis=axis, keepdims=keepdims
    ),
    r"\log\sum e^{{{x}}}",
)


# -- losses ----------------------------------------------------------------------------------------------------------

REDUCTIONS = ("mean", "sum", "none")


def reduced(losses: Array, reduction: str) -> Array:
    """Return the losses of the samples reduced as asked."""
    if reduction == "mean":
        return losses.mean()
    return losses.sum() if reduction == "sum" else losses


def _share_of_each(g: Array, shape: tuple[int, ...], reduction: str) -> Array:
    """Return the gradient of each sample's loss, broadcast to `shape`, given the gradient of the reduced loss."""
    if reduction == "none":
        return g
    n = 1
    for length in shape:
        n *= length
    return expand(g / n if reduction == "mean" else g, shape)


def _check_reduction(reduction: str) -> None:
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction={reduction!r} is not known; choose one of {', '.join(map(repr, REDUCTIONS))}")


def _labels_to_targets(labels: Array, logits: Array, axis: int) -> Array:
    """Return one-hot targets of the shape of the logits for integer labels, or targets as they are."""
    targets = np.asarray(labels)
    if targets.shape == logits.shape:
        return targets
    axis = axis % logits.ndim
    classes = logits.shape[axis]
    expected = logits.shape[:axis] + logits.shape[axis + 1 :]
    if targets.shape != expected:
        raise ValueError(
            f"cross_entropy: targets of shape {targets.shape} fit logits of shape {logits.shape} neither as "
            f"probabilities (shape {logits.shape}) nor as labels (shape {expected})"
        )
    if targets.dtype.kind not in "iu":
        raise TypeError(f"cross_entropy: labels must be integers, not {targets.dtype}; use labels.astype(int)")
    if targets.size and (targets.min() < 0 or targets.max() >= classes):
        raise ValueError(
            f"cross_entropy: labels run from {targets.min()} to {targets.max()}, but the logits of shape "
            f"{logits.shape} have {classes} classes (0 to {classes - 1})"
        )
    return (np.expand_dims(targets, axis) == np.arange(classes).reshape([-1] + [1] * (logits.ndim - 1 - axis))).astype(
        logits.dtype
    )


def _cross_entropy(logits: Array, targets: Array, axis: int = -1, reduction: str = "mean") -> Array:
    """Cross entropy of softmax(logits) against targets, without computing the softmax.

    ``-sum(targets * log_softmax(logits, axis), axis)``, reduced over the samples. Its gradient with respect to the
    logits is ``softmax(logits) * sum(targets) - targets``.

    Parameters
    ----------
    logits : Tensor or array_like, shape (..., classes, ...)
        Scores before the softmax.
    targets : array_like
        Integer labels of the shape of `logits` without `axis`, or probabilities of the shape of `logits`.
    axis : int
        The axis of the classes.
    reduction : {"mean", "sum", "none"}
        How the losses of the samples are combined.

    Returns
    -------
    Tensor or ndarray
        In nats.

    Raises
    ------
    ValueError
        If the shapes do not fit or a label is out of range.

    Examples
    --------
    >>> import microgradnp as mg
    >>> print(round(mg.cross_entropy([[0.0, 0.0]], [1], reduction="sum"), 6))
    0.693147
    """
    _check_reduction(reduction)
    logits = _floats(logits)
    targets = _labels_to_targets(targets, logits, axis)
    shifted = _shifted(logits, axis)[0]
    total = np.log(np.add.reduce(np.exp(shifted), axis=axis, keepdims=True))
    # a target of 0 takes no part, also where the logit is -inf (0 * inf)
    terms = targets * (total - np.where(targets == 0, logits.dtype.type(0), shifted))
    return reduced(np.add.reduce(terms, axis=axis), reduction)


def _sample_shape(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    axis = axis % len(shape)
    return shape[:axis] + shape[axis + 1 :]


def _one_hot(targets: Array, logits: Array, axis: int) -> Array:
    return targets if targets.shape == logits.shape else _labels_to_targets(targets, logits, axis)


def _cross_entropy_slope(logits: Array, targets: Array, axis: int) -> Array:
    targets = _one_hot(targets, logits, axis)
    return softmax(logits, axis=axis) * targets.sum(axis=axis, keepdims=True) - targets


def _cross_entropy_pull(
    g: Array, _y: Array, logits: Array, targets: Array, *, axis: int = -1, reduction: str = "mean"
) -> Array:
    each = _share_of_each(g, _sample_shape(logits.shape, axis), reduction)
    return np.expand_dims(each, axis) * _cross_entropy_slope(logits, targets, axis)


def _cross_entropy_pull_targets(
    g: Array, _y: Array, logits: Array, _targets: Array, *, axis: int = -1, reduction: str = "mean"
) -> Array:
    each = _share_of_each(g, _sample_shape(logits.shape, axis), reduction)
    return np.expand_dims(each, axis) * -log_softmax(logits, axis=axis)


def _cross_entropy_push(
    d: Array, _y: Array, logits: Array, targets: Array, *, axis: int = -1, reduction: str = "mean"
) -> Array:
    return reduced((_cross_entropy_slope(logits, targets, axis) * d).sum(axis=axis), reduction)


def _cross_entropy_push_targets(
    d: Array, _y: Array, logits: Array, _targets: Array, *, axis: int = -1, reduction: str = "mean"
) -> Array:
    return reduced((-log_softmax(logits, axis=axis) * d).sum(axis=axis), reduction)


cross_entropy = structural(
    _cross_entropy,
    (_cross_entropy_pull, _cross_entropy_pull_targets),
    (_cross_entropy_push, _cross_entropy_push_targets),
    r"\operatorname{{CE}}({a}, {b})",
)


def _binary_cross_entropy(logits: Array, targets: Array, reduction: str = "mean") -> Array:
    """Binary cross entropy of logistic(logits) against targets, from the logits: no log(0), no overflow.

    ``-(t log s(z) + (1 - t) log(1 - s(z))) = max(z, 0) - z t + log(1 + exp(-|z|))``, reduced over all elements. Its
    gradient with respect to the logits is ``logistic(z) - t``.

    Parameters
    ----------
    logits, targets : Tensor or array_like
        Of equal shape; targets between 0 and 1.
    reduction : {"mean", "sum", "none"}
        How the losses are combined.

    Returns
    -------
    Tensor or ndarray
        In nats.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import microgradnp as mg
    >>> print(mg.binary_cross_entropy(1000.0, 1.0))
    0.0
    """
    _check_reduction(reduction)
    z, t = _same_shapes("binary_cross_entropy", logits, targets)
    return reduced(np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z))), reduction)


def _same_shapes(name: str, a: Array, b: Array) -> tuple[Array, Array]:
    a, b = _floats(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(
            f"{name}: shapes {a.shape} and {b.shape} differ. They would broadcast to "
            f"{np.broadcast_shapes(a.shape, b.shape) if _fit(a.shape, b.shape) else 'nothing'}, which is rarely meant; "
            f"reshape one of them, e.g. targets.reshape({a.shape})"
        )
    return a, b


def _fit(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


binary_cross_entropy = structural(
    _binary_cross_entropy,
    (
        lambda g, _y, z, t, *, reduction="mean": _share_of_each(g, z.shape, reduction) * (logistic(z) - t),
        lambda g, _y, z, _t, *, reduction="mean": _share_of_each(g, z.shape, reduction) * -z,
    ),
    (
        lambda d, _y, z, t, *, reduction="mean": reduced((logistic(z) - t) * d, reduction),
        lambda d, _y, z, _t, *, reduction="mean": reduced(-z * d, reduction),
    ),
    r"\operatorname{{BCE}}({a}, {b})",
)


def _squared_error(prediction: Array, target: Array, reduction: str = "mean") -> Array:
    """Squared error (prediction - target)^2, reduced over all elements (no factor 1/2).

    Parameters
    ----------
    prediction, target : Tensor or array_like
        Of equal shape.
    reduction : {"mean", "sum", "none"}
        How the errors are combined.

    Returns
    -------
    Tensor or ndarray
        In the unit of `prediction`, squared.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import microgradnp as mg
    >>> print(mg.squared_error([1.0, 2.0], [1.0, 4.0]))
    2.0
    """
    _check_reduction(reduction)
    a, b = _same_shapes("squared_error", prediction, target)
    return reduced((a - b) ** 2, reduction)


squared_error = structural(
    _squared_error,
    (
        lambda g, _y, a, b, *, reduction="mean": _share_of_each(g, a.shape, reduction) * (2 * (a - b)),
        lambda g, _y, a, b, *, reduction="mean": _share_of_each(g, a.shape, reduction) * (2 * (b - a)),
    ),
    (
        lambda d, _y, a, b, *, reduction="mean": reduced(2 * (a - b) * d, reduction),
        lambda d, _y, a, b, *, reduction="mean": reduced(2 * (b - a) * d, reduction),
    ),
    r"\|{a} - {b}\|^2",
)


# -- the affine map --------------------------------------------------------------------------------------------------


def _linear(x: Array, weight: Array, bias: Array) -> Array:
    """Affine map x @ weight + bias: one record instead of two.

    Parameters
    ----------
    x : Tensor or ndarray, shape (n, inputs)
    weight : Tensor or ndarray, shape (inputs, outputs)
    bias : Tensor or ndarray, shape (outputs,) or (1, outputs)

    Returns
    -------
    Tensor or ndarray, shape (n, outputs)

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> mg.linear(np.ones((1, 2)), np.ones((2, 3)), np.zeros(3)).shape
    (1, 3)
    """
    if x.ndim != 2 or weight.ndim != 2:
        raise ValueError(
            f"linear wants x of shape (n, inputs) and weight of shape (inputs, outputs), not {x.shape} and {weight.shape}"
        )
    product = np.dot(x, weight)
    if bias.ndim > 2 or product.shape != np.broadcast_shapes(product.shape, bias.shape):
        raise ValueError(f"linear: a bias of shape {bias.shape} does not fit an output of shape {product.shape}")
    # in place where that does not change the type: one large array less
    return np.add(product, bias, out=product) if product.dtype == np.result_type(product, bias) else product + bias


linear = structural(
    _linear,
    (
        lambda g, _y, _x, w, _b: np.dot(g, w.T),
        lambda g, _y, x, _w, _b: np.dot(x.T, g),
        lambda g, _y, _x, _w, _b: g,
    ),
    (
        lambda d, _y, _x, w, _b: np.dot(d, w),
        lambda d, _y, x, _w, _b: np.dot(x, d),
        lambda d, _y, _x, _w, _b: d,
    ),
    "{a} {b} + {c}",
    broadcasts=True,
)
