"""`playback_of`: the arrays of a page, made by replaying what `mg.train.fit` has recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microgradnp.draw.playback_page import checks, packing
from microgradnp.draw.playback_page.page import Playback
from microgradnp.draw.playback_page.playing import playback

Array = NDArray[Any]

#: So that a long run of a wide network is replayed within some 200 MB.
MOST_NUMBERS, MOST_POINTS, MOST_ACTIVATIONS = 25_000_000, 2000, 2000


def playback_of(
    history: Any,
    model: Any,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    loss: Callable[[Any, Any], Any] | None = None,
    classify: Callable[[Any], ArrayLike] | None = None,
    layer: str | None = None,
    params: Any = None,
    frames: int = 100,
    **options: Any,
) -> Playback:
    """Make a page that plays a training run of `mg.train.fit`, which recorded its weights.

    The network is run on `X` as it was at each recorded epoch. Epoch 0 are the initial weights, epoch e those after e
    epochs.

    Parameters
    ----------
    history : History
        Of a run with ``record=1``, or another number of epochs.
    model : Module or callable or None
        The network, which stays as it is. None: the one that was trained, which a history that was loaded does not know.
    X : array_like, shape (n, ...)
        Samples to look at; of points of the plane, shape (n, 2), the decision regions are drawn as well.
    y : array_like, optional
        Their targets. Of classes 0, 1, ..., shape (n,) or (n, 1), or one-hot rows, the points get their colours.
    loss : callable, optional
        ``loss(predictions, y)``, to be computed at each epoch that is shown, with the accuracy where `y` are classes.
        By default the page shows what the history holds: its losses are those of the batches before each update, so that
        the last epoch has none, unless `fit` was told ``measure="after"``.
    classify : callable, optional
        The classes 0, 1, ... that predictions mean. By default that of the largest of several outputs; a network with
        one output needs it: ``lambda p: p > 0.5`` of probabilities, ``lambda z: z > 0`` of logits.
    layer : str, optional
        The hidden layer that is drawn, one of the names of ``history.replay(model, 0).activations(X)``; by default the
        last one before the output.
    params : optional
        Of a `model` that is a function, as for ``history.replay``.
    frames : int
        The most epochs to replay, evenly chosen from those that were recorded.
    **options
        More of what `playback` takes, or other values for it: ``title``, ``names``, ``extent``, ``metrics``, ...

    Returns
    -------
    Playback
        Shows itself in Jupyter; ``.save("playback.html")`` writes it.

    Raises
    ------
    ValueError
        If no weights were recorded, a layer is not there, or it takes a `classify` to tell classes.

    Examples
    --------
    >>> import microgradnp as mg
    >>> X, y = mg.data.moons(60, noise=0.1, random_state=0)
    >>> model = mg.nn.Sequential(mg.nn.Linear(2, 3, rng=1), mg.nn.Tanh(), mg.nn.Linear(3, 2, rng=2))
    >>> loss = mg.nn.CrossEntropyLoss()
    >>> optimizer = mg.optim.Adam(model.parameters(), lr=0.05)
    >>> history = mg.train.fit(model, (X, y), loss, optimizer, epochs=20, record=5)
    >>> playback_of(history, model, X, y, loss=loss)
    <Playback of 5 epochs: hidden layer, decision regions, loss, accuracy, changes, activations; .save("playback.html") writes it>
    """
    if not history.recorded:
        raise ValueError("no weights were recorded, so there is nothing to replay: pass record=1 to fit")
    x = np.asarray(X)
    if x.ndim == 0 or len(x) == 0:
        raise ValueError(f"X must hold the samples to look at, shape (n, ...), got shape {x.shape}")
    epochs = np.array(history.recorded)
    notes = []
    chosen = packing.evenly(len(epochs), checks.positive(frames, "frames"))
    if len(chosen) < len(epochs):
        notes.append(f"The slider stops at {len(chosen):,} of {len(epochs):,} recorded epochs, evenly chosen.")
    epochs = epochs[chosen]
    replays = [history.replay(model, int(epoch), params) for epoch in epochs]

    layers = replays[0].activations(x[:1])
    called = _called(layers, replays[0].network.module)
    layer = _hidden(layers, layer)
    width = 1 if layer is None else layers[layer].size
    drawn = packing.evenly(len(x), min(MOST_POINTS, max(50, MOST_NUMBERS // (width * len(epochs)))))
    if len(drawn) < len(x):
        notes.append(f"{len(drawn):,} of {len(x):,} points are drawn, evenly chosen.")
    seen = [replay.activations(x[drawn]) for replay in replays]
    labels = None if y is None else _labels(np.asarray(y), len(x))
    given: dict[str, Any] = {
        "changes": _changes([replay.state for replay in replays], replays[0].network.parameters),
        "changes_title": "Change since the stop before, of the parameter's size",
        "activations": {called[name]: [_sample(frame[name]) for frame in seen] for name in called},
        "labels": None if labels is None else labels[drawn],
    }
    if layer is not None:
        given |= {"hidden": [frame[layer] for frame in seen], "hidden_title": f"Hidden layer: {called[layer]}"}
    if any(values.size * len(drawn) > MOST_ACTIVATIONS for values in layers.values()):
        notes.append(f"Histograms are those of at most {MOST_ACTIVATIONS:,} activations of a layer, chosen at random.")

    plane = x.shape[1:] == (2,)
    if plane:
        given["points"] = x[drawn]
    several = layers["output"].ndim == 2 and layers["output"].shape[1] > 1
    if classify is None and several:
        classify = largest
    if classify is None and labels is not None and (plane or loss is not None):
        raise ValueError(
            "the network has one output, so say which class it means: classify=lambda p: p > 0.5 if it is a probability, "
            "classify=lambda z: z > 0 if it is a logit"
        )
    if plane and classify is not None and (labels is not None or several):
        given["regions"] = lambda i, grid: np.reshape(classify(replays[i](grid)), -1)
    given |= _recorded(history) if loss is None else _computed(loss, classify, replays, x, y, labels)
    return playback(epochs, **given | {"notes": notes} | options)


def largest(outputs: ArrayLike) -> Array:
    """Return the class with the largest output, nan where an output is nan.

    >>> largest([[0.1, 0.9], [0.0, np.nan]])
    array([ 1., nan])
    """
    values = np.asarray(outputs)
    return np.where(np.isnan(values).any(axis=-1), np.nan, values.argmax(axis=-1))


def _hidden(layers: Mapping[str, Array], asked: str | None) -> str | None:
    """Return the name of the layer to draw: the last one whose output is no other form of the network's."""
    rows = {name: a for name, a in layers.items() if a.ndim == 2 and name != "output"}
    if asked is not None:
        if asked in rows or (asked in layers and layers[asked].ndim == 2):
            return asked
        shapes = ", ".join(f"{name!r} {('n', *a.shape[1:])}".replace("'n'", "n") for name, a in layers.items())
        raise ValueError(f"layer={asked!r} is no layer with a row of units for each point; there are {shapes}")
    output = layers["output"]
    others = [name for name, a in rows.items() if a.shape != output.shape]
    others = others or [name for name, a in rows.items() if not np.array_equal(a, output, equal_nan=True)]
    return others[-1] if others else None


def _called(layers: Mapping[str, Array], module: Any) -> dict[str, str]:
    """Return what the page calls the layers, with their kinds; without the output where a layer has it."""
    modules = {} if module is None else dict(module.named_modules())
    again = any(np.array_equal(a, layers["output"], equal_nan=True) for name, a in layers.items() if name != "output")
    return {
        name: f"{name} ({type(modules[name]).__name__})" if name in modules else name
        for name in layers
        if name != "output" or not again
    }


def _labels(y: Array, n: int) -> Array | None:
    """Return the classes that targets are, or None if they are numbers."""
    if y.shape[:1] != (n,):
        raise ValueError(f"y must have a target for each of the {n} samples of X, got shape {y.shape}")
    if y.ndim == 2 and y.shape[1] > 1:
        one_hot = np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()
        return y.argmax(axis=1) if one_hot else None
    classes = y.reshape(n, -1)[:, 0] if y.ndim <= 2 and y.size == n else None
    if classes is None or classes.dtype.kind not in "biuf":
        return None
    right = (classes >= 0) & (classes <= checks.GREATEST) & (classes == np.floor(classes))
    return classes.astype(np.intp) if right.all() else None


def _changes(states: Sequence[Mapping[str, Array]], parameters: Mapping[str, Any]) -> dict[str, Array]:
    """Return for each parameter |its change since the state before| / |it|, in per cent; nan where it is 0."""

    def per_cent(before: Array, now: Array) -> float:
        change, size = np.linalg.norm(np.subtract(now, before)), np.linalg.norm(now)
        return float(100 * change / size) if size else np.nan

    with np.errstate(invalid="ignore", over="ignore"):
        return {
            name: np.array([0.0] + [per_cent(before[name], now[name]) for before, now in pairwise(states)])
            for name in parameters
        }


def _sample(values: Array) -> Array:
    """Return at most `MOST_ACTIVATIONS` of some values, the same ones of every array of a size."""
    flat = values.reshape(-1)
    if flat.size <= MOST_ACTIVATIONS:
        return flat
    return flat[np.random.default_rng(0).choice(flat.size, MOST_ACTIVATIONS, replace=False)]


def _recorded(history: Any) -> dict[str, Any]:
    """Return the curves that a history holds; each of its numbers was measured before or after an epoch."""
    n = history.epochs
    if n == 0:
        return {}

    def before(values: Array) -> Array:
        return np.ma.masked_array([*values, 0.0], mask=[False] * n + [True])

    def after(values: Array) -> Array:
        return np.ma.masked_array([0.0, *values], mask=[True] + [False] * n)

    training = before if history.measure == "before" else after
    curves = {"loss": {"training": training(history.losses)}}
    curves |= {name: {"training": training(values)} for name, values in history.metrics.items()}
    for name, values in history.validation.items():
        curves.setdefault(name, {})["validation"] = after(values)
    plots: dict[str, Any] = {name: c if len(c) > 1 else next(iter(c.values())) for name, c in curves.items()}
    return {"curve_epochs": np.arange(n + 1), "loss": plots.pop("loss"), "metrics": plots}


def _computed(
    loss: Callable[[Any, Any], Any],
    classify: Callable[[Any], ArrayLike] | None,
    replays: Sequence[Any],
    x: Array,
    y: ArrayLike | None,
    labels: Array | None,
) -> dict[str, Any]:
    """Return the loss, and the accuracy where there are classes, of each replayed epoch."""
    if y is None:
        raise ValueError("loss= needs the targets y to be computed")
    losses, hits = [], []
    for replay in replays:
        predictions = replay(x)
        value = loss(predictions, y)
        losses.append(float(value.item() if hasattr(value, "item") else value))
        if classify is not None and labels is not None:
            hits.append(np.mean(np.reshape(classify(predictions), -1) == labels))
    return {"loss": losses, "metrics": {"accuracy": hits} if hits else {}}
