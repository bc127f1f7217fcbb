"""Metrics: numbers that say how good predictions are. Each is a function ``(predictions, targets) -> number``.

`fit` and `evaluate` hand a metric all samples at once, however they were divided into batches, so that any function of
predictions and targets means what it says, also where the last batch is smaller.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from microgradnp.tensor import Tensor

Array = Any
Metric = Callable[[Array, Array], Any]


def accuracy(predictions: Array, targets: Array) -> float:
    """The share of samples whose largest prediction is that of the right class.

    Parameters
    ----------
    predictions : array_like, shape (..., classes)
        Probabilities, or scores before the softmax. Of equal ones the first counts.
    targets : array_like, shape (...,) of int, or (..., classes)
        Classes, or one-hot rows (or probabilities, of which the largest counts).

    Returns
    -------
    float
        From 0 to 1.

    Raises
    ------
    ValueError
        If the shapes do not fit, or there is one class only.

    Examples
    --------
    >>> accuracy([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], [0, 1, 1])
    0.6666666666666666
    """
    predictions, targets = values(predictions), values(targets)
    shape = predictions.shape
    if predictions.ndim < 2 or shape[-1] < 2:
        raise ValueError(
            f"accuracy: predictions of shape {shape} have no axis of classes to take the largest of; "
            'for one output a sample use the metric "binary_accuracy"'
        )
    if targets.shape == shape:
        targets = targets.argmax(axis=-1)
    elif targets.shape != shape[:-1]:
        raise ValueError(
            f"accuracy: predictions have shape {shape}; targets must be classes of shape {shape[:-1]} or one-hot rows of "
            f"shape {shape}, not {targets.shape}"
        )
    return float(np.mean(predictions.argmax(axis=-1) == targets))


def binary_accuracy(predictions: Array, targets: Array, threshold: float = 0.5) -> float:
    """The share of outputs on the right side of a threshold: class 1 where the prediction is greater, else class 0.

    Parameters
    ----------
    predictions, targets : array_like
        Of equal shape; targets are 0 and 1.
    threshold : float
        0.5 for probabilities, 0 for logits. At the threshold itself the class is 0.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> binary_accuracy([[0.7], [0.5]], [[1], [1]])
    0.5
    """
    predictions, targets = paired("binary_accuracy", predictions, targets)
    return float(np.mean((predictions > threshold) == (targets > 0.5)))


def accuracy_within(predictions: Array, targets: Array, limit: float = 0.5) -> float:
    """The share of outputs with an absolute error less than a limit, as document 000 counts them.

    Parameters
    ----------
    predictions, targets : array_like
        Of equal shape.
    limit : float
        In the unit of the targets.

    Returns
    -------
    float
        From 0 to 1.

    Examples
    --------
    >>> accuracy_within([0.6, 1.4, 1.5], [1, 1, 1])
    0.6666666666666666
    """
    predictions, targets = paired("accuracy_within", predictions, targets)
    return float(np.mean(np.abs(predictions - targets) < limit))


def mse(predictions: Array, targets: Array) -> float:
    """The mean over all elements of the squared error, no factor 1/2.

    Parameters
    ----------
    predictions, targets : array_like
        Of equal shape.

    Returns
    -------
    float
        In the unit of the targets, squared.

    Examples
    --------
    >>> mse([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    predictions, targets = paired("mse", predictions, targets)
    return float(np.mean((predictions - targets) ** 2))


#: The metrics that may be asked for by name.
NAMED: dict[str, Metric] = {
    "accuracy": accuracy,
    "binary_accuracy": binary_accuracy,
    "accuracy_within": accuracy_within,
    "mse": mse,
}


def values(x: Any) -> Array:
    """Return the plain array of a Tensor or an array_like."""
    return x.data if isinstance(x, Tensor) else np.asarray(x)


def paired(name: str, predictions: Array, targets: Array) -> tuple[Array, Array]:
    """Return predictions and targets as arrays, or raise if their shapes differ."""
    predictions, targets = values(predictions), values(targets)
    if predictions.shape != targets.shape:
        hint = f"; reshape the targets to {predictions.shape}" if predictions.size == targets.size else ""
        raise ValueError(
            f"{name}: predictions have shape {predictions.shape}, targets {targets.shape}. They must be equal{hint}"
        )
    if targets.dtype.kind in "bu":  # 0 - 1 is not 255
        targets = targets.astype(np.float64)
    return predictions, targets


def chosen(metrics: Any) -> dict[str, Metric]:
    """Return metrics by name: from names, functions, or a mapping of names to functions.

    Raises
    ------
    ValueError
        If a name is unknown, or two metrics have the same.
    TypeError
        If something is neither name nor function, or a lambda has no name of its own.

    Examples
    --------
    >>> list(chosen(["accuracy", mse]))
    ['accuracy', 'mse']
    """
    if isinstance(metrics, str) or callable(metrics):
        metrics = (metrics,)
    if isinstance(metrics, Mapping):
        pairs: Iterable[tuple[Any, Any]] = metrics.items()
    elif isinstance(metrics, Iterable):
        pairs = ((None, metric) for metric in metrics)
    else:
        raise TypeError(f"metrics={metrics!r}: pass names, functions, or a dict of name to function")
    found: dict[str, Metric] = {}
    for name, metric in pairs:
        label, function = name, metric
        if isinstance(metric, str):
            if metric not in NAMED:
                close = difflib.get_close_matches(metric, NAMED, 1)
                hint = f" (did you mean {close[0]!r}?)" if close else ""
                raise ValueError(
                    f"no metric is called {metric!r}{hint}; there are {', '.join(NAMED)}, or your function"
                )
            label, function = label or metric, NAMED[metric]
        elif not callable(metric):
            raise TypeError(f"a metric is a name or a function (predictions, targets) -> number, not {metric!r}")
        if label is None:
            label = getattr(function, "__name__", type(function).__name__)
        if label == "<lambda>":
            raise TypeError('a lambda has no name: pass metrics={"name": lambda predictions, targets: ...}')
        if label in found or label in RESERVED:
            raise ValueError(f"two columns of the history would be called {label!r}: pass a dict of other names")
        found[str(label)] = function
    return found


#: Columns that every history has.
RESERVED = ("loss", "lr", "seconds")


def measured(metrics: Mapping[str, Metric], predictions: Array, targets: Array) -> dict[str, float]:
    """Return the values of metrics, as numbers."""
    found = {}
    for name, metric in metrics.items():
        value = metric(predictions, targets)
        try:
            found[name] = float(value.item() if hasattr(value, "item") else value)
        except (TypeError, ValueError):
            raise TypeError(
                f"the metric {name} returned {type(value).__name__} of shape {np.shape(value)}, not one number: take a mean"
            ) from None
    return found
