"""Functions that NumPy lacks and networks need, in stable forms, with their derivatives.

They run on plain arrays as well: a forward pass needs no tape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.primitives.primitive import (
    SMALL,
    Array,
    dot,
    elementwise,
    keep_axes,
    math_prod,
    ones,
    self_adjoint,
    structural,
    unbroadcast,
)

# NumPy takes arrays of one number faster than Python's numbers, which it converts at every call
ONE, ZERO, MINUS = np.array(1.0), np.array(0.0), np.array(-1.0)

# -- activations ---------------------------------------------------------------------------------------------


@np.errstate(over="ignore")
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
    e = np.exp(-np.asarray(x))
    if type(e) is np.ndarray and e.dtype is ONE.dtype:  # the same, in the memory that is there
        return np.divide(ONE, np.add(e, ONE, e), e)
    return 1 / (1 + e)  # where exp overflows, its inverse is 0


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


logistic = elementwise(_logistic, lambda y, _x: y * (1.0 - y), r"\sigma({x})")
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


# -- softmax and its family ----------------------------------------------------------------------------------


def _first(x: Array, axis: int) -> Array:
    """Return x with the axis of the classes first: sums over it need no keywords, and broadcast by themselves.

    A thin matrix is copied in that order, because NumPy's loops run along the last axis in memory: of 100 x 2 numbers
    the largest of each row takes 3.2 microseconds, of 2 x 100 the largest of each column 0.8.
    """
    if x.ndim and axis in (0, -x.ndim):
        return x
    if x.ndim == 2 and axis in (1, -1):
        return x.T.copy() if x.__class__ is np.ndarray and x.shape[1] < x.shape[0] <= SMALL else x.T
    return np.moveaxis(x, axis, 0)


def _last(x: Array, axis: int) -> Array:
    """Return x with the axis of the classes, which is first, where it was."""
    if axis in (0, -x.ndim):
        return x
    return x.T if x.ndim == 2 and axis in (1, -1) else np.moveaxis(x, 0, axis)


def _owned(x: Array) -> Array:
    """Return an array that is no view."""
    return x if x.base is None else x.copy()


def _less_top(x: Array) -> Array:
    """Return x minus its largest element along the first axis: its exponential cannot overflow."""
    return x - (np.maximum.reduce(x, 0) if x.size else 0)


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
    e = np.exp(_less_top(_first(_floats(x), axis)))
    return _owned(_last(e / np.add.reduce(e, 0), axis))


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
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf) if x.size == 0 else np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, x.dtype.type(0))  # not inf - inf
    with np.errstate(divide="ignore"):  # log(0) = -inf is right for an empty sum or all -inf
        y = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=tuple(range(x.ndim)) if axis is None else axis)[()]


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
    z = _less_top(_first(_floats(x), axis))
    return _owned(_last(z - np.log(np.add.reduce(np.exp(z), 0)), axis))


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
    return np.exp(x - np.where(y == -np.inf, 0.0, y))  # not -inf + inf where all terms are 0


logsumexp = structural(
    _logsumexp,
    lambda g, y, x, *, axis=None, keepdims=False: (
        keep_axes(g, x, axis, keepdims) * _logsumexp_shares(y, x, axis, keepdims)
    ),
    lambda d, y, x, *, axis=None, keepdims=False: (_logsumexp_shares(y, x, axis, keepdims) * d).sum(
        axis=axis, keepdims=keepdims
    ),
    r"\log\sum e^{{{x}}}",
)


# -- losses --------------------------------------------------------------------------------------------------

REDUCTIONS = ("mean", "sum", "none")


def reduced(losses: Array, reduction: str) -> Array:
    """Return the losses of the samples reduced as asked."""
    if reduction == "none":
        return losses
    total = losses.sum()
    return total / losses.size if reduction == "mean" else total


def _share_of_each(g: Array, samples: int, reduction: str) -> Array:
    """Return the gradient of each sample's loss, given the gradient of the reduced loss: one number for all of them."""
    return g / samples if reduction == "mean" else g


def check_reduction(reduction: str) -> None:
    """Raise unless this is a way to combine losses."""
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
    return _cross_entropy_with_slope(logits, targets, axis, reduction)[0]


def _cross_entropy_with_slope(
    logits: Array, targets: Array, axis: int = -1, reduction: str = "mean"
) -> tuple[Array, Array]:
    """Return the cross entropy and, for little more, its derivative in the logits, with the classes first."""
    check_reduction(reduction)
    logits = _floats(logits)
    t = _first(_labels_to_targets(targets, logits, axis), axis)
    z = _less_top(_first(logits, axis))
    e = np.exp(z)
    total, weight = np.add.reduce(e, 0), np.add.reduce(t, 0)
    slope = e * (weight / total) - t
    if reduction != "none" and z.size <= SMALL:  # no call for each term; and neither sum has terms that cancel
        loss: Array = np.vdot(weight, np.log(total))
        loss = loss - np.vdot(t, z)
        if loss == loss:
            return loss / _samples(z) if reduction == "mean" else loss, slope
    # a target of 0 takes no part, also where the logit is -inf (0 * inf)
    terms = t * np.where(t == 0, logits.dtype.type(0), np.log(total) - z)
    return reduced(np.add.reduce(terms, 0), reduction), slope


def _samples(z: Array) -> int:
    """Return the number of samples, where the classes are along the first axis."""
    return math_prod(z.shape[1:])


def _one_hot(targets: Array, logits: Array, axis: int) -> Array:
    return targets if np.shape(targets) == logits.shape else _labels_to_targets(targets, logits, axis)


def _cross_entropy_slope(logits: Array, targets: Array, axis: int) -> Array:
    """Return the derivative of each sample's loss in its logits, with the classes first."""
    t = _first(_one_hot(targets, logits, axis), axis)
    return softmax(_first(logits, axis), axis=0) * t.sum(axis=0) - t


def _cross_entropy_pull(
    g: Array, _y: Array, logits: Array, targets: Array, slope: Array = None, *, axis: int = -1, reduction: str = "mean"
) -> Array:
    if slope is None:
        slope = _cross_entropy_slope(logits, targets, axis)
    return _last((g / _samples(slope) if reduction == "mean" else g) * slope, axis)


def _cross_entropy_pull_targets(
    g: Array,
    _y: Array,
    logits: Array,
    _targets: Array,
    _slope: Array = None,
    *,
    axis: int = -1,
    reduction: str = "mean",
) -> Array:
    slope = -log_softmax(_first(logits, axis), axis=0)
    return _last(_share_of_each(g, _samples(slope), reduction) * slope, axis)


def _cross_entropy_push(
    d: Array, _y: Array, logits: Array, targets: Array, *, axis: int = -1, reduction: str = "mean"
) -> Array:
    return reduced((_cross_entropy_slope(logits, targets, axis) * _first(d, axis)).sum(axis=0), reduction)


def _cross_entropy_push_targets(
    d: Array, _y: Array, logits: Array, _targets: Array, *, axis: int = -1, reduction: str = "mean"
) -> Array:
    return reduced((-log_softmax(_first(logits, axis), axis=0) * _first(d, axis)).sum(axis=0), reduction)


cross_entropy = structural(
    _cross_entropy,
    (_cross_entropy_pull, _cross_entropy_pull_targets),
    (_cross_entropy_push, _cross_entropy_push_targets),
    r"\operatorname{{CE}}({a}, {b})",
    with_slope=_cross_entropy_with_slope,
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
    return _binary_cross_entropy_with_slope(logits, targets, reduction)[0]


def _binary_cross_entropy_with_slope(logits: Array, targets: Array, reduction: str = "mean") -> tuple[Array, Array]:
    """Return the binary cross entropy and, for little more, its derivative in the logits."""
    check_reduction(reduction)
    z, t = _same_shapes("binary_cross_entropy", logits, targets)
    single = z.dtype is ONE.dtype
    zero, one, minus = (ZERO, ONE, MINUS) if single else map(z.dtype.type, (0, 1, -1))
    e = np.copysign(z, minus)
    e = np.exp(e, e if type(e) is np.ndarray else None)  # of -|z|: cannot overflow
    right = np.heaviside(z, zero)  # what the label would be if the sign of the logit were right
    slope = np.maximum(e, right)
    slope = np.divide(slope, e + one, slope if type(slope) is np.ndarray else None) - t
    wrong = right - t
    if reduction != "none" and z.size <= SMALL:  # neither sum has terms that cancel
        loss = np.vdot(z, wrong) + np.vdot(ones(z.shape, z.dtype), np.log1p(e))
        return loss / z.size if reduction == "mean" else loss, slope
    return reduced(z * wrong + np.log1p(e), reduction), slope


def _same_shapes(name: str, a: Array, b: Array) -> tuple[Array, Array]:
    a, b = _floats(a), np.asarray(b)
    if a.shape != b.shape:
        advice = f"; reshape the targets to {a.shape}" if a.size == b.size else ""
        raise ValueError(
            f"{name}: shapes {a.shape} and {b.shape} differ. They must be equal: targets that broadcast against "
            f"predictions are rarely meant{advice}"
        )
    return a, b


binary_cross_entropy = structural(
    _binary_cross_entropy,
    (
        lambda g, _y, z, t, slope=None, *, reduction="mean": (
            _share_of_each(g, z.size, reduction) * (logistic(z) - t if slope is None else slope)
        ),
        lambda g, _y, z, _t, _slope=None, *, reduction="mean": _share_of_each(g, z.size, reduction) * -z,
    ),
    (
        lambda d, _y, z, t, *, reduction="mean": reduced((logistic(z) - t) * d, reduction),
        lambda d, _y, z, _t, *, reduction="mean": reduced(-z * d, reduction),
    ),
    r"\operatorname{{BCE}}({a}, {b})",
    with_slope=_binary_cross_entropy_with_slope,
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
    check_reduction(reduction)
    a, b = _same_shapes("squared_error", prediction, target)
    return reduced((a - b) ** 2, reduction)


squared_error = structural(
    _squared_error,
    (
        lambda g, _y, a, b, *, reduction="mean": _share_of_each(g, a.size, reduction) * (2 * (a - b)),
        lambda g, _y, a, b, *, reduction="mean": _share_of_each(g, a.size, reduction) * (2 * (b - a)),
    ),
    (
        lambda d, _y, a, b, *, reduction="mean": reduced(2 * (a - b) * d, reduction),
        lambda d, _y, a, b, *, reduction="mean": reduced(2 * (b - a) * d, reduction),
    ),
    r"\|{a} - {b}\|^2",
)


# -- the affine map ------------------------------------------------------------------------------------------


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
    if x.shape[1] != weight.shape[0]:
        raise ValueError(f"linear: {x.shape[1]} columns of x meet {weight.shape[0]} rows of weight; they must be equal")
    product = dot(x, weight)
    shape, given = product.shape, bias.shape
    if given[-1:] != shape[1:] and given not in ((1, shape[1]), (shape[0], 1), shape, ()):
        raise ValueError(f"linear: a bias of shape {bias.shape} does not fit a result of shape {shape}")
    # in place where that does not change the type: one large array less
    return np.add(product, bias, product) if bias.dtype == product.dtype else product + bias


linear = structural(
    _linear,
    (
        lambda g, _y, _x, w, _b: dot(g, w.T),
        lambda g, _y, x, _w, _b: dot(x.T, g),
        lambda g, _y, _x, _w, _b: unbroadcast(g, _b.shape),
    ),
    (
        lambda d, _y, _x, w, _b: np.dot(d, w),
        lambda d, _y, x, _w, _b: np.dot(x, d),
        lambda d, _y, _x, _w, _b: d,
    ),
    "{a} {b} + {c}",
)
