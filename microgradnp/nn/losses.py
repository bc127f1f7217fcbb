"""Losses, as functions and as layers.

How the losses of the samples are combined is always one of "mean" (the default), "sum" and "none". Predictions and
targets never broadcast. Numbers that are nan are named at once: in targets they are an error of the data, in
predictions usually a run that diverged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from microgradnp.nn.checks import as_array, values_of, whole_numbers
from microgradnp.nn.module import Module
from microgradnp.primitives import network

Array = Any


def checked(loss: Array, name: str, predictions: Array, targets: Array) -> Array:
    """Return the loss, or raise if it is nan: because something that went in is nan or inf, or because there is nothing."""
    if loss.size == 1:  # the usual case, without a call of NumPy
        number = loss.item()
        if number == number:
            return loss
    elif not np.isnan(values_of(loss)).any():
        return loss
    if not values_of(predictions).size:
        raise ValueError(f'{name}: there is no sample, so there is no mean of their losses (reduction="sum" gives 0)')
    for what, x, is_bad, kind in (
        ("targets", values_of(targets), np.isnan, "nan"),
        ("predictions", values_of(predictions), np.isnan, "nan"),
        ("predictions", values_of(predictions), np.isinf, "inf"),  # the difference of two of them is nan
    ):
        bad = is_bad(x) if x.dtype.kind in "fc" else np.zeros(x.shape, bool)
        if bad.any():
            where = tuple(int(i) for i in np.argwhere(bad)[0])
            message = f"{name}: {bad.sum()} of {x.size} {what} are {kind}, the first at {list(where)}"
            if what == "targets":
                raise ValueError(f"{message}: the data hold no number there")
            raise FloatingPointError(
                f"{message}: the run diverged (a smaller learning rate helps), or the data hold {kind}"
            )
    return loss


def one_array(name: str, predictions: Any) -> None:
    """Raise if predictions are several arrays."""
    if isinstance(predictions, tuple):
        raise TypeError(
            f"{name}: the predictions are a tuple of {len(predictions)}, not one array: recurrent layers return (outputs, "
            "state), of which the outputs are wanted"
        )


def same_shapes(name: str, prediction: Array, target: Array) -> None:
    """Raise unless predictions and targets have the same shape."""
    one_array(name, prediction)
    shape, wanted = np.shape(target), np.shape(prediction)
    if shape != wanted:
        same_size = int(np.prod(shape)) == int(np.prod(wanted))
        raise ValueError(
            f"{name}: predictions have shape {wanted}, targets {shape}. They must be equal: broadcasting is rarely meant"
            + (f"; reshape the targets to {wanted}" if same_size else "")
        )


def cross_entropy(
    logits: Array,
    labels: Array,
    axis: int = -1,
    reduction: str = "mean",
    *,
    weight: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Array:
    """Cross entropy of softmax(logits) against labels or probabilities, without computing the softmax.

    Parameters
    ----------
    logits : Tensor or ndarray, shape (..., classes, ...)
        Scores before the softmax.
    labels : array_like
        Integers of the shape of `logits` without `axis`, or probabilities of the shape of `logits`.
    axis : int
        The axis of the classes.
    reduction : {"mean", "sum", "none"}
    weight : array_like, shape (classes,), optional
        What the loss of each class counts. The mean over labels divides by the sum of their weights, that over
        probabilities by the number of samples.
    label_smoothing : float
        From 0 to 1: how much of the target is shared out among all classes.
    ignore_index : int, optional
        A label of samples that do not count, such as the padding of sequences: their loss is 0, and the mean is over the
        others; it is 0 where there are none.

    Returns
    -------
    Tensor or ndarray
        In nats.

    Raises
    ------
    ValueError
        If shapes do not fit, a label is out of range, a target is nan, or there is no sample to take the mean of.
    FloatingPointError
        If a logit is nan.

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception architecture for computer vision", CVPR 2016,
    for the smoothing.

    Examples
    --------
    >>> print(round(cross_entropy(np.zeros((1, 2)), [1]), 6))
    0.693147
    >>> print(cross_entropy(np.array([[0.0, 0.0], [3.0, 5.0]]), [1, -1], reduction="none", ignore_index=-1).round(6))
    [0.693147 0.      ]
    """
    one_array("cross_entropy", logits)
    if not isinstance(axis, int | np.integer):
        raise TypeError(f"cross_entropy: axis={axis!r:.40} must be a whole number; give reduction= and weight= by name")
    if weight is None and not label_smoothing and ignore_index is None:
        usual = axis == -1 and reduction == "mean"  # a call without keywords is the fastest
        loss = network.cross_entropy(logits, labels, **({} if usual else {"axis": axis, "reduction": reduction}))
        return checked(loss, "cross_entropy", logits, labels)
    network.check_reduction(reduction)
    targets, count = weighted_targets(
        as_array(logits), as_array(labels), int(axis), weight, label_smoothing, ignore_index
    )
    loss = network.cross_entropy(logits, targets, axis=axis, reduction="none" if reduction == "none" else "sum")
    return checked(loss / count if reduction == "mean" and count else loss, "cross_entropy", logits, labels)


def weighted_targets(
    logits: Array, labels: Array, axis: int, weight: Any, label_smoothing: float, ignore_index: int | None
) -> tuple[Array, float]:
    """Return targets whose plain cross entropy counts as it should, and what its sum is divided by for the mean."""
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing={label_smoothing} must be from 0 to 1")
    plain = values_of(logits)
    classes = plain.shape[axis]
    dtype = plain.dtype if plain.dtype.kind == "f" else np.dtype(np.float64)
    weights = np.ones(classes, dtype) if weight is None else values_of(weight).astype(dtype)
    if weights.shape != (classes,) or not (weights >= 0).all() or not np.isfinite(weights).all():
        raise ValueError(
            f"cross_entropy: weight, of shape {weights.shape}, must be a number that is not negative for each of the "
            f"{classes} classes"
        )
    column = weights.reshape([-1] + [1] * (plain.ndim - 1 - axis % plain.ndim))
    kept = None
    if labels.shape == plain.shape:
        if ignore_index is not None:
            raise ValueError(
                f"cross_entropy: ignore_index={ignore_index} is a label, but the targets are probabilities"
            )
        targets, count = labels, plain.size / max(classes, 1)
    else:
        given = values_of(labels)
        kept = np.ones(given.shape, bool) if ignore_index is None else given != ignore_index
        targets = network._labels_to_targets(np.where(kept, given, np.zeros_like(given)), plain, axis).astype(dtype)
        kept = np.expand_dims(kept, axis)
        count = float(np.sum(targets * column * kept))
    if label_smoothing:
        targets = targets * (1 - label_smoothing) + label_smoothing / classes
    return (targets * column if kept is None else targets * column * kept), count


def nll_loss(log_probabilities: Array, labels: Array, reduction: str = "mean") -> Array:
    """Minus the logarithm of the probability of the label: the cross entropy after a `log_softmax`.

    Parameters
    ----------
    log_probabilities : Tensor or ndarray, shape (n, classes)
    labels : array_like of int, shape (n,)
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor or ndarray

    Examples
    --------
    >>> print(round(nll_loss(np.log(np.array([[0.25, 0.75]])), [1]), 4))
    0.2877
    """
    network.check_reduction(reduction)
    one_array("nll_loss", log_probabilities)
    log_probabilities = as_array(log_probabilities)
    shape = log_probabilities.shape
    if len(shape) != 2 or np.shape(labels) != shape[:1]:
        raise ValueError(
            f"nll_loss: wants logarithms of shape (n, classes) and labels of shape (n,), not {shape} and {np.shape(labels)}"
        )
    chosen = log_probabilities[np.arange(shape[0]), whole_numbers("nll_loss: labels", values_of(labels), shape[1])]
    loss = network.reduced(-chosen, reduction)
    return checked(loss, "nll_loss", log_probabilities, labels)


def binary_cross_entropy_with_logits(logits: Array, targets: Array, reduction: str = "mean") -> Array:
    """Binary cross entropy of logistic(logits) against targets between 0 and 1, without computing the logistic.

    Parameters
    ----------
    logits, targets : Tensor or array_like
        Of equal shape.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor or ndarray
        In nats.

    Raises
    ------
    ValueError
        If the shapes differ, or a target is not between 0 and 1.
    FloatingPointError
        If a logit is nan.

    Examples
    --------
    >>> print(round(binary_cross_entropy_with_logits(np.zeros((2, 1)), np.array([[0.0], [1.0]])), 6))
    0.693147
    """
    name = "binary_cross_entropy_with_logits"
    same_shapes(name, logits, targets)
    t = values_of(targets)
    if t.size and (t.min() < 0 or t.max() > 1):
        raise ValueError(f"{name}: targets run from {t.min()} to {t.max()}, but must be between 0 and 1")
    loss = network.binary_cross_entropy(logits, targets, reduction=reduction)
    return checked(loss, name, logits, targets)


def log_loss(probabilities: Array, targets: Array, reduction: str = "mean", smallest: float = 1e-12) -> Array:
    """Binary cross entropy of probabilities, each of which is raised to `smallest` before its logarithm is taken.

    This is how a loss is often written when there are no logits. It is smaller than the cross entropy where a probability
    is clipped, and its gradient is 0 there: a confident mistake is not corrected. `binary_cross_entropy_with_logits`
    needs no clipping.

    Parameters
    ----------
    probabilities : Tensor or array_like
        Of class 1, between 0 and 1.
    targets : array_like
        0 or 1, or between, of equal shape.
    reduction : {"mean", "sum", "none"}
    smallest : float
        Document 003 ("Training process and learning rate") takes 1e-12.

    Returns
    -------
    Tensor or ndarray
        In nats.

    Raises
    ------
    ValueError
        If the shapes differ, or something is not between 0 and 1.
    FloatingPointError
        If a probability is nan.

    Examples
    --------
    >>> print(round(log_loss([0.5, 1.0], [0.0, 0.0], "sum", smallest=1e-12), 4))
    28.3242
    """
    network.check_reduction(reduction)
    same_shapes("log_loss", probabilities, targets)
    p = as_array(probabilities)
    for what, x in (("targets", values_of(targets)), ("probabilities", values_of(p))):
        if x.size and (x.min() < 0 or x.max() > 1):
            hint = "" if what == "targets" else "; of logits take binary_cross_entropy_with_logits"
            raise ValueError(f"log_loss: {what} run from {x.min()} to {x.max()}, but must be between 0 and 1{hint}")
    t = as_array(targets)
    logs = t * np.log(np.clip(p, smallest, None)) + (1 - t) * np.log(np.clip(1 - p, smallest, None))
    return checked(network.reduced(-logs, reduction), "log_loss", p, targets)


def mse_loss(prediction: Array, target: Array, reduction: str = "mean") -> Array:
    """Squared error ``(prediction - target)^2``, no factor 1/2.

    Parameters
    ----------
    prediction, target : Tensor or array_like
        Of equal shape.
    reduction : {"mean", "sum", "none"}
        "mean" is over all elements.

    Returns
    -------
    Tensor or ndarray
        In the unit of `prediction`, squared.

    Raises
    ------
    ValueError
        If the shapes differ, or a target is nan.
    FloatingPointError
        If a prediction is nan.

    Examples
    --------
    >>> print(mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    2.0
    """
    same_shapes("mse_loss", prediction, target)
    return checked(network.squared_error(prediction, target, reduction=reduction), "mse_loss", prediction, target)


def l1_loss(prediction: Array, target: Array, reduction: str = "mean") -> Array:
    """Absolute error ``|prediction - target|``, with derivative 0 at 0.

    Parameters
    ----------
    prediction, target : Tensor or array_like
        Of equal shape.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor or ndarray
        In the unit of `prediction`.

    Examples
    --------
    >>> print(l1_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])))
    1.0
    """
    network.check_reduction(reduction)
    prediction, target = as_array(prediction), as_array(target)
    same_shapes("l1_loss", prediction, target)
    return checked(network.reduced(np.abs(prediction - target), reduction), "l1_loss", prediction, target)


def huber_loss(prediction: Array, target: Array, reduction: str = "mean", delta: float = 1.0) -> Array:
    """Half the squared error where that is at most `delta`, beyond that linear: ``delta (|e| - delta / 2)``.

    Parameters
    ----------
    prediction, target : Tensor or array_like
        Of equal shape.
    reduction : {"mean", "sum", "none"}
    delta : float
        Greater than 0, in the unit of `prediction`.

    Returns
    -------
    Tensor or ndarray

    References
    ----------
    Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35 (1964).

    Examples
    --------
    >>> print(huber_loss(np.array([0.5, 4.0]), np.array([0.0, 0.0]), reduction="none"))
    [0.125 3.5  ]
    """
    network.check_reduction(reduction)
    if not delta > 0:
        raise ValueError(f"huber_loss: delta={delta} must be greater than 0")
    prediction, target = as_array(prediction), as_array(target)
    same_shapes("huber_loss", prediction, target)
    error = prediction - target
    inside = np.clip(error, -delta, delta)
    losses = inside * (error - 0.5 * inside)
    return checked(network.reduced(losses, reduction), "huber_loss", prediction, target)


class Loss(Module):
    """A loss with its reduction: ``loss(predictions, targets)``."""

    function: Callable[..., Array]

    def __init__(self, reduction: str = "mean") -> None:
        network.check_reduction(reduction)
        self.reduction = reduction

    def forward(self, prediction: Any, target: Any) -> Any:
        """Return the loss of predictions against targets."""
        return type(self).function(prediction, target, reduction=self.reduction)

    def settings(self) -> str:
        """Return the reduction."""
        return self.reduction


class CrossEntropyLoss(Loss):
    """`cross_entropy` of logits, with classes along an axis.

    Examples
    --------
    >>> print(round(CrossEntropyLoss("sum")(np.zeros((2, 2)), [1, 0]), 6))
    1.386294
    """

    def __init__(
        self,
        reduction: str = "mean",
        axis: int = -1,
        *,
        weight: Any = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__(reduction)
        self.axis = axis
        self.weight = None if weight is None else values_of(weight)
        self.label_smoothing, self.ignore_index = label_smoothing, ignore_index

    @property
    def weighs(self) -> bool:
        """Whether samples may count otherwise than alike."""
        return self.weight is not None or self.ignore_index is not None

    def count(self, prediction: Any, target: Any) -> float:
        """Return what the mean over these samples divides by: their number, or the sum of their weights."""
        z, t = values_of(prediction), values_of(target)
        if t.shape == z.shape:
            return float(z.size / z.shape[self.axis])
        labels = t if self.ignore_index is None else t[t != self.ignore_index]
        return float(labels.size if self.weight is None else self.weight[labels].sum())

    def forward(self, prediction: Any, target: Any) -> Any:
        """Return the cross entropy of logits against labels or probabilities."""
        return cross_entropy(
            prediction,
            target,
            self.axis,
            self.reduction,
            weight=self.weight,
            label_smoothing=self.label_smoothing,
            ignore_index=self.ignore_index,
        )

    def settings(self) -> str:
        """Return the reduction, and what is not as usual."""
        text = self.reduction + ("" if self.axis == -1 else f", axis={self.axis}")
        text += "" if self.weight is None else f", weight of shape {self.weight.shape}"
        text += f", label_smoothing={self.label_smoothing}" if self.label_smoothing else ""
        return text + ("" if self.ignore_index is None else f", ignore_index={self.ignore_index}")


class NLLLoss(Loss):
    """`nll_loss` of logarithms of probabilities."""

    function = nll_loss


class BCEWithLogitsLoss(Loss):
    """`binary_cross_entropy_with_logits`."""

    function = binary_cross_entropy_with_logits


class MSELoss(Loss):
    """`mse_loss`, the squared error."""

    function = mse_loss


class L1Loss(Loss):
    """`l1_loss`, the absolute error."""

    function = l1_loss


class HuberLoss(Loss):
    """`huber_loss`, squared near 0 and linear beyond `delta`."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, prediction: Any, target: Any) -> Any:
        """Return Huber's loss of predictions against targets."""
        return huber_loss(prediction, target, self.reduction, self.delta)

    def settings(self) -> str:
        """Return the reduction and delta."""
        return f"{self.reduction}, delta={self.delta}"
