"""What may look on while training, and stop it."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microgradnp.train.run import Run

#: The moments at which callbacks are called, each with the run.
MOMENTS = ("on_start", "on_epoch_start", "on_gradients", "on_step_end", "on_epoch_end", "on_end")


#: What they are called elsewhere.
HABITS = {
    "on_train_begin": "on_start",
    "on_train_start": "on_start",
    "on_train_end": "on_end",
    "on_epoch_begin": "on_epoch_start",
    "on_batch_end": "on_step_end",
    "on_train_batch_end": "on_step_end",
    "on_after_backward": "on_gradients",
}


class Callback:
    """Methods that `fit` calls with the run. Any object with some of these methods will do, and for `on_epoch_end` a function.

    ``run`` knows ``model``, ``optimizer``, ``history``, ``epoch`` (from 0), ``epochs``, ``batch`` (how many of this epoch
    are done), ``batches``, ``step`` (how many updates are done), ``loss`` (of the last batch) and, at the end of an epoch,
    ``numbers`` (its loss, metrics, validation). ``run.stop("reason")`` ends the run after this update.

    A callback with ``state_dict()`` (numbers, strings and lists) and ``load_state_dict(state)`` is part of checkpoints.

    Examples
    --------
    >>> class StopAt(Callback):
    ...     def __init__(self, loss):
    ...         self.wanted = loss
    ...
    ...     def on_epoch_end(self, run):
    ...         if run.numbers["loss"] < self.wanted:
    ...             run.stop(f"loss below {self.wanted}")
    """

    def on_start(self, run: Run) -> None:
        """Before the first update."""

    def on_epoch_start(self, run: Run) -> None:
        """Before the first update of an epoch."""

    def on_gradients(self, run: Run) -> None:
        """When the gradients of a batch are there, before they are clipped and used."""

    def on_step_end(self, run: Run) -> None:
        """After an update."""

    def on_epoch_end(self, run: Run) -> None:
        """After an epoch, when its numbers are known."""

    def on_end(self, run: Run) -> None:
        """After the last epoch, or where the run was stopped or interrupted."""


class PrintLoss(Callback):
    """Print the loss of every 10th epoch, as document 003 does: ``Epoch: 10  Loss: 0.331466036109``.

    Parameters
    ----------
    every : int
    file : file, optional
        Default: the standard output at that moment.
    """

    def __init__(self, every: int = 10, file: Any = None) -> None:
        if every < 1:
            raise ValueError(f"PrintLoss: every={every} must be at least 1")
        self.every, self.file = every, file

    def on_epoch_end(self, run: Run) -> None:
        """Print the line, if it is time."""
        if run.epoch % self.every == 0:
            print(f"Epoch: {run.epoch}  Loss: {run.numbers['loss']:.12g}", file=self.file or sys.stdout)


class PrintProgress(Callback):
    r"""Write one line over itself, as document 002 does: ``3/10 | Cost: 1234.56 | Train Acc.: 87.50%``.

    Parameters
    ----------
    accuracy : str
        The metric that is shown, if the run has it.
    file : file, optional
        Default: the standard error at that moment.
    """

    def __init__(self, accuracy: str = "accuracy", file: Any = None) -> None:
        self.accuracy, self.file = accuracy, file

    def on_epoch_end(self, run: Run) -> None:
        """Write the line."""
        file = self.file or sys.stderr
        line = f"\r{run.epoch + 1}/{run.epochs} | Cost: {run.numbers['loss']:.2f} "
        if self.accuracy in run.numbers:
            line += f"| Train Acc.: {run.numbers[self.accuracy] * 100:.2f}% "
        file.write(line)
        file.flush()

    def on_end(self, run: Run) -> None:
        """End the line."""
        file = self.file or sys.stderr
        file.write("\n")
        file.flush()


class EarlyStopping:
    """Stop when a number has not become better for some epochs.

    Parameters
    ----------
    patience : int
        How many epochs without improvement are allowed.
    monitor : str, optional
        A column of the history. Default: ``"val_loss"`` if there are validation data, else ``"loss"``.
    min_delta : float
        By how much a number must be better to count.
    mode : {"min", "max"}, optional
        Whether smaller or greater is better. Default: "max" for what has "accuracy" in its name, else "min".
    restore_best : bool
        Whether the model gets the best weights back in the end: those after the best epoch; where the number is that of a
        full batch before its update, those which it was computed with.

    Examples
    --------
    >>> EarlyStopping(patience=5, monitor="val_accuracy").mode
    'max'
    """

    def __init__(
        self,
        patience: int = 10,
        monitor: str | None = None,
        *,
        min_delta: float = 0.0,
        mode: str | None = None,
        restore_best: bool = True,
    ) -> None:
        if isinstance(patience, bool) or patience < 1:
            raise ValueError(f"EarlyStopping: patience={patience} must be at least 1 epoch")
        if mode not in (None, "min", "max"):
            raise ValueError(f"EarlyStopping: mode={mode!r} must be 'min' or 'max'")
        if not min_delta >= 0:
            raise ValueError(f"EarlyStopping: min_delta={min_delta} must not be negative")
        self.patience, self.monitor, self.min_delta, self.restore_best = patience, monitor, min_delta, restore_best
        self.mode = mode or ("max" if monitor is not None and "accuracy" in monitor else "min")


def early_stopping_of(given: Any) -> EarlyStopping | None:
    """Return what the argument of `fit` means: an EarlyStopping, or a number, its patience."""
    if given is None or given is False or isinstance(given, EarlyStopping):
        return given or None
    if isinstance(given, int) and not isinstance(given, bool):
        return EarlyStopping(given)
    raise TypeError(f"early_stopping={given!r} must be a mg.train.EarlyStopping, or a number of epochs, its patience")


def listed(callbacks: Any) -> list[Any]:
    """Return callbacks as a list, also a single one."""
    return [callbacks] if callable(callbacks) or not isinstance(callbacks, Iterable) else list(callbacks)


def hooks_of(callbacks: Iterable[Any]) -> dict[str, list[Callable[[Any], Any]]]:
    """Return what is to be called at each moment.

    Raises
    ------
    TypeError
        If something is no callback, or has no method that is ever called.
    """
    hooks: dict[str, list[Callable[[Any], Any]]] = {moment: [] for moment in MOMENTS}
    for callback in callbacks:
        if isinstance(callback, type):
            raise TypeError(f"the callback {callback.__name__} is a class: pass an object of it, {callback.__name__}()")
        other = [(n, HABITS[n]) for n in HABITS if callable(getattr(callback, n, None))]
        strange = [
            n for n in dir(callback) if n.startswith("on_") and n not in MOMENTS and callable(getattr(callback, n))
        ]
        close = other + [(n, c) for n in strange for c in difflib.get_close_matches(n, MOMENTS, 1)]
        if close:
            raise TypeError(
                f"the callback {type(callback).__name__} has a method {close[0][0]}, which is never called: did you mean "
                f"{close[0][1]}? There are {', '.join(MOMENTS)}"
            )
        found = [moment for moment in MOMENTS if overridden(callback, moment)]
        for moment in found:
            hooks[moment].append(getattr(callback, moment))
        if not found and not isinstance(callback, Callback):
            if not callable(callback):
                raise TypeError(
                    f"{callback!r} is no callback: it wants one of the methods {', '.join(MOMENTS)}, or to be a function of "
                    "the run, called at the end of every epoch"
                )
            hooks["on_epoch_end"].append(callback)
    return hooks


def overridden(callback: Any, moment: str) -> bool:
    """Return whether a callback does something at a moment."""
    method = getattr(callback, moment, None)
    return callable(method) and getattr(method, "__func__", method) is not getattr(Callback, moment)
