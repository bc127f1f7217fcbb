"""One run of `fit`: its state, and the loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from microgradnp.floating import finite
from microgradnp.nn import CrossEntropyLoss
from microgradnp.tensor import no_grad
from microgradnp.train import checks, divergence
from microgradnp.train.callbacks import EarlyStopping, hooks_of
from microgradnp.train.history import History
from microgradnp.train.interrupts import Interrupts
from microgradnp.train.metrics import Metric, measured, values
from microgradnp.train.network import Network, State
from microgradnp.train.progress import Bar
from microgradnp.train.recording import Recorder
from microgradnp.train.sources import Arrays, Source, count_of

Array = Any


class Sums:
    """The loss and the predictions of the batches of one epoch so far.

    Attributes
    ----------
    batches, samples : int
    total : float
        The sum of the losses of the batches, each times its number of samples where the loss is a mean over them.
    weight : float
        Of how many samples that is; where the loss weighs them, the sum of their weights.
    """

    def __init__(self, collect: bool, loss: Any = None) -> None:
        self.batches = self.samples = 0
        self.weight: float = 0  # whole as long as samples are counted
        self.total = self.only = 0.0
        self.count = loss.count if isinstance(loss, CrossEntropyLoss) and loss.weighs else None
        self.collect = collect
        self.predictions: list[Array] = []
        self.targets: list[Array] = []

    def add(self, value: float, reduction: str, n: int, predictions: Any, targets: Any) -> None:
        """Add a batch."""
        self.batches += 1
        self.samples += n
        self.only = value
        weight = n if self.count is None else self.count(predictions, targets)
        self.weight += weight
        self.total += value * weight if reduction == "mean" else value
        if self.collect:
            for what, a, kept in (("predictions", predictions, self.predictions), ("targets", targets, self.targets)):
                if isinstance(a, tuple | dict):
                    raise TypeError(f"metrics want {what} that are one array, not a {type(a).__name__}: use a callback")
                kept.append(values(a))

    def loss(self, reduction: str) -> float:
        """Return the loss of all samples."""
        if self.batches == 1:
            return self.only  # exactly
        return self.total / self.weight if reduction == "mean" and self.weight else self.total

    def all(self) -> tuple[Array, Array]:
        """Return the predictions and the targets of all samples."""
        for parts in (self.predictions, self.targets):
            if len(parts) > 1:
                parts[:] = [np.concatenate(parts)]
        return self.predictions[0], self.targets[0]


class Run:
    """What `fit` is doing: callbacks get it.

    Attributes
    ----------
    model, optimizer : object
    history : History
    epoch, epochs : int
        The epoch that is under way, or was just finished, from 0; and how many are wanted.
    finished : int
        How many epochs are finished.
    batch, batches : int
        How many batches of this epoch are done, and how many it has (0: not known yet).
    step : int
        How many updates are done.
    loss : float
        Of the last batch, before its update.
    numbers : dict of str to float
        The loss, metrics and validation of the last finished epoch.
    """

    def __init__(
        self,
        network: Network,
        loss: Callable[[Any, Any], Any],
        optimizer: Any,
        source: Source,
        *,
        epochs: int,
        validation: Source | None,
        metrics: dict[str, Metric],
        callbacks: Sequence[Any],
        early: EarlyStopping | None,
        schedule: Any,
        clip: Callable[[Any], Any] | None,
        measure: str,
        bar: Bar | None,
        history: History,
    ) -> None:
        self.network, self.model, self.criterion, self.optimizer = network, network.model, loss, optimizer
        self.source, self.epochs, self.validation, self.metrics = source, epochs, validation, metrics
        self.callbacks, self.hooks = callbacks, hooks_of(callbacks)
        self.early, self.schedule, self.clip, self.measure = early, schedule, clip, measure
        self.bar, self.history = bar, history
        self.recorder: Recorder | None = None
        self.save: Callable[[], None] | None = None  # writes a checkpoint
        self.save_every = 0  # updates; 0: at the end of an epoch only

        self.epoch = self.finished = self.batch = self.step = 0
        self.batches = source.batches
        self.loss = math.nan
        self.numbers: dict[str, float] = {}
        self.sums = Sums(self.collects, self.criterion)
        self.order: Any = None  # the state of the source's random numbers when the epoch began
        self.streams: Callable[[], None] | None = None  # puts random numbers where they were when the run was saved
        self.reduction = checks.stated_reduction(loss)
        self.reason = ""  # why to stop
        self.failed = False
        self.best = math.inf
        self.best_state: State = {}
        self.first_state: State = {}  # of this epoch
        self.waited = 0
        self.last: tuple[Any, Any] | None = None  # the batch of the last update
        self.good: list[Array] = []  # the values with which the last finite loss was computed
        self.whole = False  # whether everything that a checkpoint holds belongs together at this moment
        self.updating = False  # whether some parameters may have been moved, and others not yet
        self.checked = False
        self.interrupts = Interrupts()

    @property
    def collects(self) -> bool:
        """Whether predictions are needed for metrics."""
        return bool(self.metrics) and self.measure == "before"

    @property
    def stop(self) -> Callable[..., None]:
        """End the run after this update: ``run.stop("reason")``, or ``run.stop = True``."""
        return self.end_with

    @stop.setter
    def stop(self, reason: Any) -> None:
        self.reason = "" if reason is False else reason if isinstance(reason, str) else "stopped by a callback"

    def end_with(self, reason: str = "stopped by a callback") -> None:
        """End the run after this update."""
        self.reason = reason or "stopped"

    def call(self, moment: str) -> None:
        """Call the callbacks of a moment."""
        for hook in self.hooks[moment]:
            hook(self)

    # -- the whole ---------------------------------------------------------------------------------------------------

    def go(self) -> History:
        """Train until the epochs are done, or somebody stops it."""
        if self.bar is not None:
            self.bar.start(self)
        self.failed = True
        try:
            with self.interrupts, self.network.mode(True):
                try:
                    self.call("on_start")
                    self.whole = True
                    while self.finished < self.epochs and not self.ending():
                        self.train_epoch()
                except KeyboardInterrupt:
                    if self.interrupts.insisted:
                        raise
                    self.interrupts.asked = True  # raised by a callback, or by a handler of the user's
                    if self.updating:
                        self.restore(self.good_state())
                self.end()
            self.failed = False
        finally:
            if self.bar is not None:
                self.bar.end(self)
        return self.history

    def ending(self) -> bool:
        """Return whether the run is to end before its last epoch."""
        return bool(self.reason) or self.interrupts.asked

    def end(self) -> None:
        """Finish: say why, give the best weights back, save, and record the last frame."""
        history = self.history
        if self.finished < self.epochs and self.ending():
            history.stopped = self.reason or f"interrupted in epoch {self.finished}, after {self.step} updates"
            history.interrupted = not self.reason
        if self.whole:
            self.write()  # as a longer run would be at this moment
        if self.recorder is not None:
            self.recorder.last(self.step, self.finished, self.batch)
        if self.early is not None and self.early.restore_best and self.best_state and not history.interrupted:
            self.restore(self.best_state)
        self.call("on_end")

    def good_state(self) -> State:
        """Return the values with which the last finite loss was computed."""
        return dict(zip(self.network.tensors, self.good, strict=False))

    def restore(self, state: State) -> None:
        """Put the values of an earlier moment back into all tensors."""
        for name, t in self.network.tensors.items():
            t.assign(state[name])

    # -- one epoch -----------------------------------------------------------------------------------------------------

    def train_epoch(self) -> None:
        """Go through all batches, or through those that are left of an epoch that was begun."""
        began = time.perf_counter()
        self.epoch = self.finished
        if self.batch == 0:
            self.sums = Sums(self.collects, self.criterion)
            self.order = None if self.source.rng is None else divergence.state_of(self.source.rng)
            if self.early is not None and self.early.restore_best and self.batches <= 1:
                self.first_state = self.network.state()
            self.call("on_epoch_start")
        batches = self.source.epoch()
        for done in range(self.batch):  # they were used before the run was saved
            if next(batches, None) is None:
                raise ValueError(
                    f"the run was saved after {self.batch} batches of epoch {self.epoch}, but the data give {done} now"
                )
        if self.streams is not None:
            self.streams()
            self.streams = None
        try:
            over = self.train_batches(batches)
        except Exception as error:
            if not isinstance(error, divergence.Diverged):
                error.add_note(f"in fit: epoch {self.epoch}, {self.source.label(self.batch)}")
            raise
        if over:
            self.finish_epoch(began)

    def train_batches(self, batches: Iterator[tuple[Any, Any]]) -> bool:
        """Make an update for each batch; return whether all were gone through."""
        model, criterion, optimizer = self.model, self.criterion, self.optimizer
        schedule, clip, recorder, sums = self.schedule, self.clip, self.recorder, self.sums
        tensors, isfinite = list(self.network.tensors.values()), math.isfinite
        count = len_of_targets if isinstance(self.source, Arrays) else count_of
        on_gradients, on_step_end = self.hooks["on_gradients"], self.hooks["on_step_end"]
        bar, save_every, interrupts = self.bar, self.save_every, self.interrupts
        for batch in batches:
            x, y = batch
            self.whole = False
            if recorder is not None and recorder.due(self.step, self.epoch, self.batch):
                recorder.begin(self.step, self.epoch, self.batch)
            try:
                predictions = model(x)
                if not self.checked:
                    checks.before_loss(self, x, y, predictions)
                loss = criterion(predictions, y)
                if not self.checked:
                    checks.after_loss(self, y, predictions, loss)
                    self.checked = True
                value = float(loss.item())
            except FloatingPointError as error:
                raise self.diverged(batch, self.last, math.nan, error) from None
            if not isfinite(value):
                raise self.diverged(batch, self.last, value)
            self.good = [t.data for t in tensors]
            optimizer.zero_grad()
            loss.backward()
            for hook in on_gradients:
                hook(self)
            if recorder is not None:
                recorder.gradient()
            if clip is not None:
                try:
                    clip(optimizer.params)
                except FloatingPointError as error:
                    raise self.diverged(batch, batch, value, error) from None
            if schedule is not None:
                optimizer.lr = schedule(self.step)
            self.updating = True
            optimizer.step()
            self.updating = False
            sums.add(value, self.reduction, count(x, y), predictions, y)
            self.loss = value
            self.batch += 1
            self.step += 1
            self.last = batch
            self.whole = True
            if recorder is not None:
                recorder.end()
            for hook in on_step_end:
                hook(self)
            if bar is not None:
                bar.step(self)
            if save_every and self.step % save_every == 0:
                self.write()
            if self.reason or interrupts.asked:
                if self.batch == self.batches:
                    break  # the epoch is over as well
                return False
        self.batches = self.batch
        return True

    def finish_epoch(self, began: float) -> None:
        """Compute the numbers of the epoch, and do what is done at its end."""
        self.whole = False
        if self.measure == "after" or self.validation is not None or self.finished + 1 >= self.epochs:
            self.check_parameters()
        if self.measure == "after":
            with self.network.mode(False):
                numbers = self.evaluate(self.source.in_order(), "")
        else:
            numbers = {"loss": self.sums.loss(self.reduction)}
            if self.metrics:
                numbers |= measured(self.metrics, *self.sums.all())
        if self.validation is not None:
            with self.network.mode(False):
                numbers |= self.evaluate(self.validation, "val_")
        numbers["lr"] = float(getattr(self.optimizer, "lr", math.nan))
        numbers["seconds"] = time.perf_counter() - began
        self.numbers = numbers
        self.history.add(numbers)
        self.observe()
        self.finished, self.batch = self.finished + 1, 0
        self.whole = True
        if self.bar is not None:
            self.bar.epoch(self)
        self.call("on_epoch_end")
        if self.save is not None and not self.save_every and self.finished < self.epochs and not self.ending():
            self.write()

    def evaluate(self, source: Source, prefix: str) -> dict[str, float]:
        """Return the loss and the metrics on data, as after training."""
        sums = Sums(bool(self.metrics), self.criterion)
        try:
            with no_grad():
                for x, y in source.epoch():
                    predictions = self.model(x)
                    value = float(values(self.criterion(predictions, y)))
                    if not self.reduction and source.batches != 1:
                        self.reduction = checks.reduction_of(self.criterion, predictions, y)
                    sums.add(value, self.reduction, count_of(x, y), predictions, y)
            found = {"loss": sums.loss(self.reduction)}
            if self.metrics:
                found |= measured(self.metrics, *sums.all())
        except Exception as error:
            what = "validation" if prefix else "training data, after the epoch"
            error.add_note(f"in fit: {what}, {source.label(sums.batches)}")
            raise
        return {prefix + name: value for name, value in found.items()}

    def observe(self) -> None:
        """Tell the early stopping and the schedule how the epoch went."""
        if hasattr(self.schedule, "observe"):
            self.schedule.observe(self.numbers.get("val_loss", self.numbers["loss"]))
        if self.early is None:
            return
        early = self.early
        name = early.monitor or ("val_loss" if self.validation is not None else "loss")
        if name not in self.numbers:
            raise ValueError(f"early stopping watches {name!r}, but the columns are {', '.join(self.numbers)}")
        score = self.numbers[name] if early.mode == "min" else -self.numbers[name]
        if score < self.best - early.min_delta:
            at_start = self.batches == 1 and self.measure == "before" and not name.startswith("val_")
            self.best, self.waited = score, 0
            self.best_state = (self.first_state if at_start else self.network.state()) if early.restore_best else {}
            self.history.best_epoch = self.finished + (0 if at_start else 1)
            return
        self.waited += 1
        if self.waited >= early.patience and not self.reason:
            best = self.best if early.mode == "min" else -self.best
            self.reason = f"early stopping: {name} was not better than {best:.6g} for {self.waited} epochs"

    # -- a run that diverges ---------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Look at the parameters, and write a checkpoint if there is to be one."""
        self.check_parameters()
        if self.save is not None:
            self.save()

    def check_parameters(self) -> None:
        """Raise if a parameter is not finite any more. Within a run the next loss tells; this is for the moments before."""
        if self.last is None or all(finite(p) for p in self.network.parameters.values()):
            return
        self.step, self.batch = self.step - 1, (self.batch or self.batches) - 1
        raise self.diverged(self.last, self.last, self.loss)

    def diverged(self, batch: Any, before: Any, value: float, error: Exception | None = None) -> Exception:
        """Return the error that names the first thing that was not finite; the model has the last good values then."""
        source, network = self.source, self.network
        checks.finite_batch(source, self.batch, batch)
        where = divergence.first_bad(network, self.criterion, batch, before, self.good_state())
        if error is not None and not where:
            return error  # something else
        if self.good:
            self.restore(self.good_state())
        self.optimizer.zero_grad()
        number = f"the loss is {value}" if not math.isnan(value) else "the loss is no number"
        if math.isfinite(value):
            number = f"the loss was {value:.4g}, but its update has no finite result"
        message = f"the run diverged at update {self.step} (epoch {self.epoch}, {source.label(self.batch)}): {number}"
        message += f".\n  First not finite: {where or 'the loss itself'}."
        lr = getattr(self.optimizer, "lr", None)
        if not self.step and not math.isfinite(value):
            message += "\n  No update had been made: look at the initial values, and at that operation."
            return divergence.Diverged(message, self.epoch, self.batch, self.step, where or "the loss", self.history)
        advice = [f"a learning rate smaller than {lr:g}" if isinstance(lr, float | int) else "a smaller learning rate"]
        if self.clip is None:
            advice.append("clip=1.0, which bounds the norm of the gradient")
        if isinstance(source, Arrays) and (largest := checks.largest(source.X)) > 20:
            advice.append(f"inputs scaled to about 1 (they reach {largest:.4g})")
        message += f"\n  What helps: {', or '.join(advice)}; and losses that take logits, which cannot overflow."
        if self.good:
            message += "\n  The model has its parameters from before the update that led there, and they are finite."
        return divergence.Diverged(message, self.epoch, self.batch, self.step, where or "the loss", self.history)


def len_of_targets(_: Any, y: Any) -> int:
    """Return how many samples a batch of arrays holds."""
    return len(y)
