"""`fit`, `evaluate` and `predict`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from microgradnp.nn.initialisers import generator
from microgradnp.tensor import no_grad
from microgradnp.train import checks
from microgradnp.train.callbacks import early_stopping_of, listed
from microgradnp.train.history import History, versions
from microgradnp.train.metrics import chosen, measured, values
from microgradnp.train.network import Network, label_of, network_of, unwrapped
from microgradnp.train.progress import bar
from microgradnp.train.recording import Recorder, record_of
from microgradnp.train.run import Run, Sums
from microgradnp.train.sources import CHUNK, Arrays, count_of, source

Array = Any


def fit(
    model: Any,
    data: Any,
    loss: Callable[[Any, Any], Any],
    optimizer: Any,
    *,
    epochs: int,
    batch_size: int | None = None,
    shuffle: bool = True,
    seed: Any = 0,
    validation: Any = None,
    metrics: Any = (),
    callbacks: Any = (),
    early_stopping: Any = None,
    schedule: Callable[[int], float] | None = None,
    clip: Any = None,
    record: Any = None,
    checkpoint: Any = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    measure: str = "before",
    progress: Any = None,
) -> History:
    """Train a network: for each batch, predict, differentiate the loss, and let the optimizer make an update.

    The model keeps what it learned. The data are not changed. The gradients of an update are all taken at the weights from
    before it.

    Parameters
    ----------
    model : Module or callable
        A Module, or any function of x over tensors that the optimizer holds. A Module, or one that the function uses,
        behaves as while training during updates, as after training for validation, and is left in the mode in which it came.
    data : (X, y) or iterable
        A tuple of two arrays, of which each row is a sample; or batches (x, y) that are gone through once an epoch, as a
        list or another object that can be gone through again.
    loss : callable
        ``loss(predictions, targets)``, one number: a Tensor.
    optimizer : Optimizer
        Of `mg.optim`, made with the parameters of the model.
    epochs : int
        How often to go through the data.
    batch_size : int, optional
        Samples in an update: 1 is one at a time, None (the default) all at once. The last batch of an epoch may be smaller.
    shuffle : bool
        Whether the samples come in a new random order in every epoch, or in that of the arrays. A full batch always keeps
        the order of the arrays.
    seed : int, Generator or RandomState
        Of these orders.
    validation : (X, y) or iterable, optional
        Other data, on which the loss and the metrics are computed after each epoch.
    metrics : sequence of str or callable, or dict
        ``"accuracy"`` (the largest output), ``"binary_accuracy"`` (above 0.5), ``"accuracy_within"`` (error below 0.5),
        ``"mse"``, or functions ``(predictions, targets) -> number``, which get all samples of an epoch at once.
    callbacks : sequence
        Objects with some of the methods of `Callback`, or functions ``f(run)`` for the end of an epoch.
    early_stopping : EarlyStopping or int, optional
        Or its patience, in epochs.
    schedule : callable, optional
        ``schedule(step)`` is the learning rate of an update, counted from 0; see `mg.optim.schedules`. One that has a
        method ``observe`` is told the validation loss (else the loss) after each epoch.
    clip : float or callable, optional
        The largest norm of all gradients together; or a function of the parameters that changes their gradients.
    record : Record, int or True, optional
        What to remember of weights, activations, gradients; a number means the weights every so many epochs.
    checkpoint : str or Path, optional
        A file, ending in ``.npz`` or ``.safetensors``, that always holds all that is needed to go on: parameters, optimizer,
        schedule, random numbers, history, position. It is replaced as a whole, or stays as it was.
    checkpoint_every : int, optional
        After how many updates it is written; by default after each epoch. It is also written in the end.
    resume : bool
        Whether to go on from `checkpoint`, if it is there. A run that was broken off at any moment, and is called again with
        the same arguments, ends bit for bit where the unbroken run ends. Callbacks and a schedule with ``state_dict`` are
        part of it. `epochs` may be more than before.
    measure : {"before", "after"}
        Whether the loss and the metrics of an epoch are those of its batches, each before the update it leads to, or those
        of all the data after the epoch (one more forward pass).
    progress : bool or Console, optional
        Whether to draw a bar; by default where the standard error is a terminal.

    Returns
    -------
    History
        ``history.losses``, ``history.metrics["accuracy"]``, ``history.validation["loss"]``, and what was recorded. After
        Ctrl-C it holds what there is so far, ``history.interrupted`` is True, and the parameters are those of the last
        whole update, which the checkpoint holds too; a second Ctrl-C interrupts at once.

    Raises
    ------
    TypeError, ValueError
        If something does not fit, before the first update.
    Diverged
        If the loss or a parameter is not finite any more: it names the first layer or operation that was not.
    CheckpointError, ArchiveError
        If the checkpoint is of another run, or damaged. Nothing of it is loaded then.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> X, y = mg.data.circles(100, noise=0.05, factor=0.3, random_state=0)
    >>> model = mg.nn.Sequential(mg.nn.Linear(2, 8, rng=1), mg.nn.Tanh(), mg.nn.Linear(8, 2, rng=2))
    >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    >>> loss = mg.nn.CrossEntropyLoss()
    >>> history = mg.train.fit(model, (X, y), loss, optimizer, epochs=20, batch_size=10, metrics=["accuracy"])
    >>> history.metrics["accuracy"].max()
    np.float64(1.0)
    """
    check_count("epochs", epochs, 0)
    if measure not in ("before", "after"):
        raise ValueError(f"measure={measure!r} must be 'before' or 'after'")
    if isinstance(loss, type):
        raise TypeError(f"loss {loss.__name__} is a class: pass an object of it, {loss.__name__}()")
    if not callable(loss):
        raise TypeError(f"loss must be a function (predictions, targets) -> Tensor, not {loss!r}")
    if schedule is not None and not callable(schedule):
        raise TypeError(f"schedule={schedule!r} must be a function step -> learning rate; see mg.optim.schedules")
    network = network_of(model, optimizer, loss)
    rng = generator(seed)
    train_on = source(data, batch_size, rng if shuffle else None, "data", epochs)
    validate_on = None
    if validation is not None:
        validate_on = source(validation, chunk_for(validation, train_on), None, "validation", epochs)
    history = History(measure, {**versions(), "seed": seed if isinstance(seed, int | np.integer) else repr(seed)})
    history.network = network
    run = Run(
        network,
        loss,
        optimizer,
        train_on,
        epochs=int(epochs),
        validation=validate_on,
        metrics=chosen(metrics),
        callbacks=listed(callbacks),
        early=early_stopping_of(early_stopping),
        schedule=schedule,
        clip=clipping(clip),
        measure=measure,
        bar=bar(progress),
        history=history,
    )
    wanted = record_of(record)
    if wanted is not None:
        run.recorder = Recorder(wanted, network, history)
    if checkpoint is not None:
        if checkpoint_every is not None:
            check_count("checkpoint_every", checkpoint_every, 1)
        from microgradnp.train.checkpoints import Saver

        settings = {
            "batch_size": batch_size,
            "shuffle": bool(shuffle),
            "measure": measure,
            "metrics": list(run.metrics),
        }
        saver = Saver(run, checkpoint, settings)
        run.save, run.save_every = saver.save, checkpoint_every or 0
        if resume and saver.path.exists():
            saver.resume()
    elif resume or checkpoint_every is not None:
        raise ValueError("resume and checkpoint_every want checkpoint=, the file")
    return run.go()


def chunk_for(data: Any, train_on: Any) -> int | None:
    """Return how many samples of validation data to evaluate at once."""
    if not (isinstance(data, tuple) and len(data) == 2):
        return None
    return max(train_on.size, CHUNK) if isinstance(train_on, Arrays) else CHUNK


def check_count(name: str, value: Any, least: int) -> None:
    """Raise unless a value is a whole number that is large enough."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name}={value!r} must be a whole number")
    if value < least:
        raise ValueError(f"{name}={value} must be at least {least}")


def clipping(clip: Any) -> Callable[[Any], Any] | None:
    """Return what clips the gradients of parameters."""
    if clip is None or callable(clip):
        return clip  # type: ignore[no-any-return]
    if isinstance(clip, bool) or not isinstance(clip, int | float | np.number) or not clip > 0:
        raise ValueError(
            f"clip={clip!r} must be a number greater than 0 (the largest norm of the gradient), or a function of the "
            "parameters, e.g. lambda params: mg.optim.clip_by_value(params, 1.0)"
        )
    from microgradnp.optim import clip_by_norm

    return lambda params: clip_by_norm(params, float(clip))


def evaluate(
    model: Any,
    data: Any,
    loss: Callable[[Any, Any], Any] | None = None,
    *,
    metrics: Any = (),
    batch_size: int | None = None,
) -> dict[str, float]:
    """Return the loss and the metrics of a model on data, as after training: nothing is changed, nothing is recorded.

    Parameters
    ----------
    model : Module or callable
    data : (X, y) or iterable
        As for `fit`.
    loss : callable, optional
    metrics : sequence or dict
        As for `fit`.
    batch_size : int, optional
        How many samples to predict at once; None: all. It changes memory and time, not what is measured.

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> import numpy as np
    >>> evaluate(lambda x: 2 * x, (np.array([1.0, 2.0]), np.array([2.0, 5.0])), metrics="mse")
    {'mse': 0.5}
    """
    functions = chosen(metrics)
    sums, reduction = Sums(bool(functions), loss), "sum" if loss is None else checks.stated_reduction(loss)
    with Network(model, ()).mode(False), no_grad():
        for x, y in source(data, batch_size, None, "data").epoch():
            predictions = model(x)
            value = 0.0 if loss is None else float(values(loss(predictions, y)))
            reduction = reduction or checks.reduction_of(loss, predictions, y)
            sums.add(value, reduction, count_of(x, y), predictions, y)
    found = {} if loss is None else {"loss": sums.loss(reduction)}
    return found | (measured(functions, *sums.all()) if functions else {})


def predict(model: Any, X: Any, *, batch_size: int | None = None) -> Array:
    """Return the predictions of a model for the rows of X, as after training, as a plain array.

    Parameters
    ----------
    model : Module or callable
        It is left in the mode in which it came.
    X : array_like, shape (n, ...)
    batch_size : int, optional
        How many rows to predict at once; None: all.

    Returns
    -------
    ndarray, shape (n, ...)

    Examples
    --------
    >>> import numpy as np
    >>> predict(lambda x: 2 * x, np.array([1.0, 2.0, 3.0]), batch_size=2)
    array([2., 4., 6.])
    """
    X = values(X)

    def parts() -> Iterator[Array]:
        size = batch_size or max(len(X), 1)
        for start in range(0, max(len(X), 1), size):
            part = unwrapped(model(X[start : start + size]))
            if isinstance(part, tuple | dict):
                raise TypeError(
                    f"predict: {label_of(model)} returned a {type(part).__name__} of {len(part)}, not one array: pass a "
                    "function that returns the one that is wanted, such as lambda x: model(x)[0]"
                )
            yield part

    if batch_size is not None:
        check_count("batch_size", batch_size, 1)
    with Network(model, ()).mode(False), no_grad():
        return np.concatenate(list(parts()))
