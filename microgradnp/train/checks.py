"""What is checked before the first update, so that nobody trains for an hour on a mistake."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

import microgradnp as mg
from microgradnp.graph import trace
from microgradnp.naming import name_of
from microgradnp.nn import CrossEntropyLoss, NLLLoss
from microgradnp.nn import functional as F
from microgradnp.tensor import Tensor, no_grad
from microgradnp.train.metrics import values
from microgradnp.train.sources import Arrays, Source, called, check_finite

if TYPE_CHECKING:
    from microgradnp.train.run import Run

Array = Any


def before_loss(run: Run, x: Any, y: Any, predictions: Any) -> None:
    """Look at the first predictions and their targets."""
    p, t = values_or_none(predictions), values_or_none(y)
    if p is None or t is None:
        return
    check_labels(run, p, t)
    shapes = {p.shape, t.shape}
    n = len(t) if t.ndim else 0
    if n > 1 and shapes == {(n, 1), (n,)} and broadcasts(run.criterion, p, t, n):
        name = name_of_targets(run)
        whole = run.source.y.shape if isinstance(run.source, Arrays) else t.shape
        wanted = "(n, 1)" if p.ndim == 2 else "(n,)"
        how = f"{name}[:, None]" if p.ndim == 2 else f"{name}.ravel()"
        raise ValueError(
            f"{name} has shape {whole}, so a batch of it has {t.shape}, but the model's predictions have shape {p.shape}: "
            f"together they would broadcast to {(n, n)}, every prediction against every target. Reshape the targets to "
            f"{wanted}: {how}"
        )


def name_of_targets(run: Run) -> str:
    """Return what the user calls the targets. It is looked up where an error needs it, for it takes a while."""
    return called(run.source.y, "y") if isinstance(run.source, Arrays) else "y"


def broadcasts(loss: Any, p: Array, t: Array, n: int) -> bool:
    """Return whether a loss combines every prediction with every target, or refuses them."""
    try:
        graph = trace(loss, p, t)
    except (ValueError, TypeError, IndexError):
        return True
    return any(node.shape == (n, n) for node in graph.nodes)


def after_loss(run: Run, y: Any, predictions: Any, loss: Any) -> None:
    """Look at the first loss."""
    if not isinstance(loss, Tensor):
        raise TypeError(
            f"{name_of_loss(run)} returned {type(loss).__name__}, not a Tensor, so nothing can be differentiated: compute it "
            "with NumPy's functions on the predictions, without float(), .data or .item()"
        )
    if loss.size != 1:
        raise ValueError(
            f"{name_of_loss(run)} returned shape {loss.shape} for predictions of shape {np.shape(predictions)}: a loss is one "
            'number; take its mean or sum (reduction="mean")'
        )
    if loss.dtype.kind == "c":
        raise TypeError(
            f"{name_of_loss(run)} returned a complex number, which cannot be made smaller: take its absolute value"
        )
    if loss.node is None:
        raise ValueError(
            f"{name_of_loss(run)} does not depend on any parameter that the optimizer holds: was the model called on .data or "
            "under no_grad?"
        )
    if not run.reduction and run.source.batches != 1:
        run.reduction = reduction_of(run.criterion, predictions, y)


def name_of_loss(run: Run) -> str:
    """Return what the user calls the loss."""
    return name_of(run.criterion) or str(getattr(run.criterion, "__name__", "the loss"))


def stated_reduction(loss: Any) -> str:
    """Return how a loss says that it combines the samples, or ""."""
    found: Any = getattr(loss, "reduction", None)
    if found is None and isinstance(loss, functools.partial):
        found = loss.keywords.get("reduction")
    return found if found in ("mean", "sum") else ""


def reduction_of(loss: Any, predictions: Any, targets: Any) -> str:
    """Return how a loss combines the samples, found out by giving it a few of them twice: "mean", or "sum".

    What is neither counts as a mean: the loss of an epoch is that of its batches, weighted by their samples.

    Examples
    --------
    >>> reduction_of(lambda p, t: np.sum((p - t) ** 2), np.array([1.0, 2.0]), np.zeros(2))
    'sum'
    """
    p, t = values_or_none(predictions), values_or_none(targets)
    if p is None or t is None or not p.ndim or not t.ndim or len(p) != len(t):
        return "mean"
    p, t = p[:4], t[:4]
    try:
        with no_grad(), np.errstate(all="ignore"):
            once = float(values(loss(p, t)))
            twice = float(values(loss(np.concatenate([p, p]), np.concatenate([t, t]))))
    except Exception:  # whatever a user's function makes of plain arrays: then the rule for means holds
        return "mean"
    return "sum" if once and abs(twice - 2 * once) < 1e-6 * abs(once) else "mean"


#: Losses whose targets are numbers of classes along the last axis of the predictions.
CLASS_LOSSES = (mg.cross_entropy, F.cross_entropy, F.nll_loss)


def check_labels(run: Run, p: Array, t: Array) -> None:
    """Raise if the loss wants classes and any label of the data, not only of this batch, is none."""
    loss = run.criterion.func if isinstance(run.criterion, functools.partial) else run.criterion
    if not isinstance(loss, CrossEntropyLoss | NLLLoss) and not any(loss is one for one in CLASS_LOSSES):
        return
    stated = getattr(run.criterion, "keywords", {})
    axis = getattr(run.criterion, "axis", stated.get("axis", -1))
    ignored = getattr(run.criterion, "ignore_index", stated.get("ignore_index"))
    if t.ndim == p.ndim > 1 and t.shape[-1] == 1 != p.shape[-1] and t.dtype.kind in "iub":
        name = name_of_targets(run)
        raise ValueError(
            f"a batch of {name} has shape {t.shape}, but classes for predictions of shape {p.shape} have shape "
            f"{p.shape[:-1]}: {name}[..., 0]"
        )
    if p.ndim < 2 or t.ndim != p.ndim - 1:
        return
    labels = values(run.source.y) if isinstance(run.source, Arrays) else t
    classes = p.shape[axis]
    if labels.dtype.kind == "b" or (labels.dtype.kind == "f" and (labels == np.floor(labels)).all()):
        name = name_of_targets(run)
        raise TypeError(f"{name} holds classes as {labels.dtype}, but labels must be integers: {name}.astype(int)")
    if labels.dtype.kind not in "iu" or not labels.size:
        return
    counting = np.ones(labels.shape, bool) if ignored is None else labels != ignored
    if not counting.any():
        name = name_of_targets(run)
        raise ValueError(f"all labels in {name} are ignore_index={ignored}, so there is nothing to learn from")
    low, high = int(labels[counting].min()), int(labels[counting].max())
    if low >= 0 and high < classes:
        return
    name = name_of_targets(run)
    bad = np.flatnonzero((counting & ((labels < 0) | (labels >= classes))).reshape(len(labels), -1).any(axis=1))
    some = ", ".join(map(str, bad[:5])) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")
    advice = f"give the model {high + 1} outputs" if low >= 0 else f"{name} must not be negative"
    if low == 1 and high == classes:
        advice = f"{name} counts from 1: use {name} - 1"
    elif high - low >= classes or len(np.unique(labels[counting])) <= classes:
        advice += f", or number the classes: np.unique({name}, return_inverse=True)[1]"
    raise ValueError(
        f"{name} holds labels from {low} to {high}, but the model has {classes} outputs (predictions of shape {p.shape}), so "
        f"labels must be from 0 to {classes - 1}; rows {some} are out of range: {advice}"
    )


def finite_batch(source: Source, number: int, batch: Any) -> None:
    """Raise if the data of a batch are not finite: then it is no wonder that the loss is not."""
    for name, a in zip(("x", "y"), batch, strict=True):
        plain = values_or_none(a)
        if plain is not None and plain.ndim:
            check_finite(functools.partial("{} of {}".format, name, source.label(number)), plain, "data")


def values_or_none(a: Any) -> Array | None:
    """Return the plain array of a Tensor, array, list or number; None for anything else."""
    if not isinstance(a, Tensor | np.ndarray | list | float | int | np.generic):
        return None
    try:
        plain = values(a)
    except ValueError:
        return None
    return plain if plain.dtype.kind in "biufc" else None


def largest(X: Array) -> float:
    """Return the largest absolute value of an array."""
    return float(np.max(np.abs(X))) if X.size and X.dtype.kind in "iuf" else 0.0
