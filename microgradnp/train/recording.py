"""What to remember of a run, and when, within a bound of memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from microgradnp.train.history import Frame, History
from microgradnp.train.network import Network, State

Array = Any


class Record:
    """What `fit` remembers, and when: see `Frame` for the convention of before and after.

    The initial weights and those after the last update are always among what is recorded.

    Parameters
    ----------
    every : int
        A frame every so many epochs or updates.
    per : {"epoch", "update"}
        What `every` counts.
    weights : bool
        Whether to remember the state of the network; `History.at`, `replay` and `percent_changes` need it.
    activations : array_like, optional
        A probe: a few inputs of which the activations of all layers are remembered.
    gradients, updates : bool
        Whether to remember the gradients, and the sizes of the updates relative to the weights.
    limit_bytes : int
        How much memory the frames may take.
    when_full : {"thin", "error"}
        What to do then: forget every second frame and record half as often from then on, or raise `MemoryError`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> Record(every=10, gradients=True)
    Record(every=10, per='epoch', weights=True, gradients=True, updates=False, limit_bytes=268435456, when_full='thin')
    """

    def __init__(
        self,
        every: int = 1,
        *,
        per: str = "epoch",
        weights: bool = True,
        activations: Any = None,
        gradients: bool = False,
        updates: bool = False,
        limit_bytes: int = 2**28,
        when_full: str = "thin",
    ) -> None:
        if isinstance(every, bool) or not isinstance(every, int | np.integer) or every < 1:
            raise ValueError(f"Record: every={every!r} must be a whole number of at least 1")
        if per not in ("epoch", "update"):
            raise ValueError(f"Record: per={per!r} must be 'epoch' or 'update'")
        if when_full not in ("thin", "error"):
            raise ValueError(f"Record: when_full={when_full!r} must be 'thin' or 'error'")
        self.every, self.per = int(every), per
        self.weights, self.gradients, self.updates = weights, gradients, updates
        self.activations = None if activations is None else np.array(activations)
        self.limit_bytes, self.when_full = limit_bytes, when_full

    def __repr__(self) -> str:
        names = ("every", "per", "weights", "gradients", "updates", "limit_bytes", "when_full")
        return f"Record({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"


def record_of(record: Any) -> Record | None:
    """Return the Record that an argument of `fit` means."""
    if record is None or record is False:
        return None
    if record is True:
        return Record()
    if isinstance(record, int | np.integer):
        return Record(int(record))
    if isinstance(record, Record):
        return record
    raise TypeError(f"record={record!r} must be a mg.train.Record, or a number: a frame every so many epochs")


class Recorder:
    """Makes the frames of a run."""

    def __init__(self, record: Record, network: Network, history: History) -> None:
        self.record, self.network, self.history = record, network, history
        self.every = record.every  # doubled when the memory is full
        self.bytes = sum(frame.nbytes for frame in history.frames)
        self.open: tuple[int, int, int, State, State, State] | None = None
        self.before: State = {}

    def go_on(self, history: History, every: int) -> None:
        """Go on with the frames of a run that was broken off."""
        self.history, self.every = history, every
        self.bytes = sum(frame.nbytes for frame in history.frames)

    def due(self, step: int, epoch: int, batch: int) -> bool:
        """Return whether a frame is wanted before the next update."""
        return (batch == 0 and epoch % self.every == 0) if self.record.per == "epoch" else step % self.every == 0

    def begin(self, step: int, epoch: int, batch: int) -> None:
        """Remember what there is before an update."""
        self.before = self.network.state()
        self.open = step, epoch, batch, *self.seen(), {}

    def seen(self) -> tuple[State, State]:
        """Return the weights and the activations of this moment, as far as they are wanted."""
        probe = self.record.activations
        return (
            self.network.state() if self.record.weights else {},
            {} if probe is None else self.network.activations(probe),
        )

    def gradient(self) -> None:
        """Remember the gradient."""
        if self.open is not None and self.record.gradients:
            found = {name: p.grad for name, p in self.network.parameters.items()}
            self.open[5].update({name: np.array(g) for name, g in found.items() if g is not None})

    def end(self) -> None:
        """Close the frame, after the update or where there is none any more."""
        if self.open is None:
            return
        step, epoch, batch, weights, activations, gradients = self.open
        updates = {}
        if self.record.updates:
            now = {name: p.data for name, p in self.network.parameters.items()}
            updates = update_ratios(self.before, now)
        self.open, self.before = None, {}
        self.keep(Frame(step, epoch, batch, weights, activations, gradients, updates))

    def last(self, step: int, epoch: int, batch: int) -> None:
        """Record the weights after the last update."""
        weights, activations = self.seen()
        self.history.frames.append(Frame(step, epoch, batch, weights, activations))

    def keep(self, frame: Frame) -> None:
        """Add a frame, within the bound."""
        frames, limit = self.history.frames, self.record.limit_bytes
        self.bytes += frame.nbytes
        frames.append(frame)
        if self.bytes <= limit:
            return
        if frame.nbytes > limit / 2 or self.record.when_full == "error":
            frames.pop()
            raise MemoryError(
                f"what is recorded takes more than limit_bytes={limit:,}: {len(frames) + 1} frames, the last of "
                f"{frame.nbytes:,} bytes. Record less often (every=), fewer things (gradients=False, a smaller probe), or "
                "allow more (limit_bytes=)"
                + ("" if self.record.when_full == "thin" else ', or thin (when_full="thin")')
            )
        while self.bytes > limit and len(frames) > 1:
            self.every *= 2
            by_epoch = self.record.per == "epoch"
            frames[:] = [f for f in frames if (f.epoch if by_epoch else f.step) % self.every == 0]
            self.bytes = sum(f.nbytes for f in frames)


def update_ratios(before: Mapping[str, Array], after: Mapping[str, Array]) -> dict[str, float]:
    """Return |update| / |weights| of each parameter, by Euclidean norms; nan where the weights are all 0.

    Examples
    --------
    >>> update_ratios({"w": np.array([3.0, 4.0])}, {"w": np.array([3.0, 4.5])})
    {'w': 0.1}
    """
    ratios = {}
    for name, new in after.items():
        size = float(np.linalg.norm(np.ravel(before[name])))
        step = float(np.linalg.norm(np.ravel(new - before[name])))
        ratios[name] = step / size if size > 0 else float("nan")
    return ratios
