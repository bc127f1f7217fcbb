"""What happened while training: numbers of every epoch, and what was recorded at chosen steps."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from microgradnp.train.changes import Changes, percent_change
from microgradnp.train.network import LOSS, Network, State, named

Array = Any


@dataclass(frozen=True)
class Frame:
    """What was recorded about one update.

    The weights are those **before** the update, the activations are computed with them, the gradient is taken at them,
    and the update is the one that leads on from them. The last frame of a run stands after its last update, and has
    neither gradients nor updates.

    Attributes
    ----------
    step : int
        How many updates were made before.
    epoch : int
        How many epochs were finished before.
    batch : int
        How many batches of the next epoch were used before; 0: the frame stands between two epochs.
    weights : dict of str to ndarray
        The whole state by name: parameters, and buffers such as running means. Empty if not asked for.
    activations : dict of str to ndarray
        What the layers (of a function: its local variables) make of the probe, as after training.
    gradients : dict of str to ndarray
        The gradient of the loss of the batch, before clipping.
    updates : dict of str to float
        |update| / |weights| of each parameter, by Euclidean norms; nan where the weights are all 0.
    """

    step: int
    epoch: int
    batch: int
    weights: State = field(default_factory=dict)
    activations: State = field(default_factory=dict)
    gradients: State = field(default_factory=dict)
    updates: dict[str, float] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(a.nbytes for part in (self.weights, self.activations, self.gradients) for a in part.values())


class History(Mapping[str, Array]):
    """What a run of `fit` leaves behind. A mapping of columns: one number for each finished epoch.

    ``history["loss"]``, ``history["accuracy"]`` and so on are arrays of shape (epochs,). With ``measure="before"`` (the
    default) the loss and the metrics of an epoch are those of its batches, each before the update that it leads to: for
    a full batch, ``losses[i]`` belongs to the weights `at` (i). With ``measure="after"`` they are computed on all the
    training data when the epoch is over: ``losses[i]`` belongs to `at` (i + 1). Validation is always done after.

    Attributes
    ----------
    measure : {"before", "after"}
    frames : list of Frame
        What was recorded at chosen steps, see `Record`.
    stopped : str
        Why the run ended before its last epoch, or "".
    interrupted : bool
        Whether that was by Ctrl-C.
    best_epoch : int or None
        After early stopping, how many epochs had been finished when the best weights were reached.
    about : dict
        Versions, and the seed.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> w = mg.tensor([0.0], requires_grad=True)
    >>> data = np.array([[1.0], [2.0]]), np.array([2.0, 4.0])
    >>> history = mg.train.fit(
    ...     lambda x: x @ w, data, mg.nn.functional.mse_loss, mg.optim.SGD([w], lr=0.1), epochs=3, record=1
    ... )
    >>> history.losses
    array([10.   ,  2.5  ,  0.625])
    >>> history.at(1)
    {'w': array([1.])}
    """

    def __init__(self, measure: str = "before", about: Mapping[str, Any] | None = None) -> None:
        self.columns: dict[str, list[float]] = {}
        self.measure = measure
        self.frames: list[Frame] = []
        self.stopped = ""
        self.interrupted = False
        self.best_epoch: int | None = None
        self.about: dict[str, Any] = dict(about if about is not None else versions())
        self.network: Network | None = None  # what was trained, to replay epochs; not saved

    # -- numbers -----------------------------------------------------------------------------------------------------

    def __getitem__(self, column: str) -> Array:
        if column not in self.columns:
            raise KeyError(f"the history has no column {column!r}; it has {', '.join(self.columns) or 'none'}")
        return np.array(self.columns[column])

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy takes along: not the network."""
        return {**vars(self), "network": None}

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.columns.get("loss", ()))

    @property
    def losses(self) -> Array:
        """The training loss of each epoch, shape (epochs,)."""
        return np.array(self.columns.get("loss", []))

    @property
    def metrics(self) -> dict[str, Array]:
        """The metrics of each epoch on the training data, by name."""
        others = ("loss", "lr", "seconds")
        return {
            name: np.array(c) for name, c in self.columns.items() if name not in others and not name.startswith("val_")
        }

    @property
    def validation(self) -> dict[str, Array]:
        """The loss and the metrics of each epoch on the validation data, by name."""
        return {name[4:]: np.array(c) for name, c in self.columns.items() if name.startswith("val_")}

    def add(self, numbers: Mapping[str, float]) -> None:
        """Append the numbers of an epoch."""
        for name, value in numbers.items():
            self.columns.setdefault(name, []).append(float(value))

    # -- what was recorded ---------------------------------------------------------------------------------------------

    @property
    def recorded(self) -> list[int]:
        """The epochs that `at` and `replay` know: 0 are the initial weights, e those after e epochs."""
        return sorted({frame.epoch for frame in self.frames if frame.batch == 0 and frame.weights})

    def frame(self, epoch: int) -> Frame:
        """Return the frame that stands after so many epochs; negative numbers count from the last recorded.

        Raises
        ------
        KeyError
            If that epoch was not recorded: it says which were.
        """
        there = self.recorded
        if epoch < 0 and -epoch <= len(there):
            epoch = there[epoch]
        for frame in self.frames:
            if frame.epoch == epoch and frame.batch == 0 and frame.weights:
                return frame
        if not there:
            raise KeyError("no weights were recorded: pass record=mg.train.Record(every=1) to fit")
        some = ", ".join(map(str, there[:6])) + (f", ..., {there[-1]}" if len(there) > 6 else "")
        nearest = min(there, key=lambda e: abs(e - epoch))
        raise KeyError(
            f"the weights after {epoch} epochs were not recorded; those after {some} were (nearest: {nearest})"
        )

    def at(self, epoch: int) -> State:
        """Return the recorded state after so many epochs, as `Module.state_dict` does: copies, by name.

        Parameters
        ----------
        epoch : int
            0: the initial weights. Negative numbers count from the last recorded.

        Raises
        ------
        KeyError
            If that epoch was not recorded.
        """
        return {name: np.array(a) for name, a in self.frame(epoch).weights.items() if not name.startswith(LOSS)}

    def replay(self, model: Any = None, epoch: int = -1, params: Any = None) -> Replay:
        """Return the network as it was after so many epochs, to call it or to look into it.

        Parameters
        ----------
        model : Module or callable, optional
            Default: the one that was trained. It stays as it is.
        epoch : int
            0: the initial weights. Negative numbers count from the last recorded.
        params : sequence of Tensor or dict of str to Tensor, optional
            The tensors of a `model` that is a function, in the order of the optimizer, if they are not those that were
            trained.

        Returns
        -------
        Replay
            ``replay(x)`` are its predictions, ``replay.activations(x)`` what each layer makes of x.

        Examples
        --------
        >>> import numpy as np, microgradnp as mg
        >>> model = mg.nn.Linear(1, 1, init=0.0)
        >>> data = np.array([[1.0]]), np.array([[2.0]])
        >>> optimizer = mg.optim.SGD(model.parameters(), lr=0.25)
        >>> history = mg.train.fit(model, data, mg.nn.functional.mse_loss, optimizer, epochs=2, record=1)
        >>> history.replay(model, epoch=0)(np.array([[1.0]])), history.replay(model, epoch=1)(np.array([[1.0]]))
        (array([[0.]]), array([[2.]]))
        """
        state = self.frame(epoch).weights
        network = self.network
        if params is not None:
            tensors = params if isinstance(params, Mapping) else named(list(params), list(state))
            network = Network(model, list(tensors.values()), list(tensors))
        elif model is not None and (network is None or network.model is not model):
            from microgradnp.nn import Module

            if isinstance(model, Module):
                network = Network(model, ())
            elif network is not None:
                network = Network(model, list(network.tensors.values()), list(network.tensors))
        if network is None:
            raise ValueError(
                "a history that was loaded does not know the network: pass replay(model, epoch), and params= for a function"
            )
        if not any(name.startswith(LOSS) for name in network.tensors):
            state = {name: a for name, a in state.items() if not name.startswith(LOSS)}
        return Replay(network, state)

    def percent_changes(self, start: int = 0, stop: int = -1) -> Changes:
        """Return by how many percent each element of each parameter changed between two recorded epochs.

        Parameters
        ----------
        start, stop : int
            Epochs as in `at`.

        Returns
        -------
        Changes
            A dict of name to array; elements that were 0 have no percent change: they are nan, and printed as undefined.
        """
        before, after = self.frame(start), self.frame(stop)
        buffers = set() if self.network is None else set(self.network.tensors) - set(self.network.parameters)
        return Changes(
            {
                name: percent_change(after.weights[name], a)
                for name, a in before.weights.items()
                if name not in buffers and np.asarray(a).dtype.kind in "fc"
            }
        )

    # -- shown and kept --------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        text = f"History of {self.epochs} epochs"
        if self.epochs:
            numbers = {name: column[-1] for name, column in self.columns.items() if name not in ("lr", "seconds")}
            text += ": " + ", ".join(f"{name} {value:.6g}" for name, value in numbers.items())
        if self.frames:
            text += f"; {len(self.frames)} frames"
        return text + (f"; {self.stopped}" if self.stopped else "")

    def save(self, path: Any) -> None:
        """Write everything to a file, atomically: ``.npz`` without pickle, or ``.safetensors``."""
        from microgradnp.train.archives import write

        arrays, meta = self.packed()
        write(path, arrays, {"kind": "history", "history": meta})

    @staticmethod
    def load(path: Any) -> History:
        """Read what `save` wrote.

        Raises
        ------
        ArchiveError
            If the file is none of those, or damaged. Nothing in it is executed.
        """
        from microgradnp.train.archives import ArchiveError, read

        arrays, meta = read(path)
        if "history" not in meta:
            raise ArchiveError(f"{path} holds no history, but {meta.get('kind', 'something else')!r}")
        try:
            return History.unpacked(arrays, meta["history"])
        except ArchiveError as error:
            raise ArchiveError(f"{path} is not read: {error}") from None

    def packed(self) -> tuple[State, dict[str, Any]]:
        """Return the arrays by name, and the rest."""
        arrays: State = {f"history/{name}": np.array(column) for name, column in self.columns.items()}
        frames = []
        for i, frame in enumerate(self.frames):
            frames.append([frame.step, frame.epoch, frame.batch, dict(frame.updates)])
            for part in ("weights", "activations", "gradients"):
                arrays |= {f"frame/{i}/{part}/{name}": a for name, a in getattr(frame, part).items()}
        meta = {
            "measure": self.measure,
            "stopped": self.stopped,
            "interrupted": self.interrupted,
            "best_epoch": self.best_epoch,
            "about": self.about,
            "columns": list(self.columns),
            "frames": frames,
        }
        return arrays, meta

    @staticmethod
    def unpacked(arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> History:
        """Return the history that `packed` took apart.

        Raises
        ------
        ArchiveError
            If the parts do not fit together.
        """
        from microgradnp.train.archives import ArchiveError

        try:
            history = History(meta["measure"], meta["about"])
            history.columns = {name: arrays[f"history/{name}"].tolist() for name in meta["columns"]}
            history.stopped, history.interrupted = str(meta["stopped"]), bool(meta["interrupted"])
            history.best_epoch = None if meta["best_epoch"] is None else int(meta["best_epoch"])
            parts: dict[int, dict[str, State]] = {}
            for key, a in arrays.items():
                if key.startswith("frame/"):
                    _, i, part, name = key.split("/", 3)
                    parts.setdefault(int(i), {}).setdefault(part, {})[name] = a
            for number, (step, epoch, batch, updates) in enumerate(meta["frames"]):
                sizes = {str(name): float(size) for name, size in updates.items()}
                history.frames.append(Frame(int(step), int(epoch), int(batch), updates=sizes, **parts.get(number, {})))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ArchiveError(
                f"the parts of its history do not fit together: {type(error).__name__}: {error}"
            ) from None
        return history


class Replay:
    """A network as it was at a recorded moment. The network itself stays as it is."""

    def __init__(self, network: Network, state: State) -> None:
        self.network, self.state = network, state

    def __call__(self, x: Any) -> Array:
        """Return the predictions for x, as after training, as plain arrays."""
        with self.network.with_state(self.state):
            return self.network.predict(x)

    def activations(self, x: Any) -> State:
        """Return what each layer (of a function: each local variable) makes of x, by name."""
        with self.network.with_state(self.state):
            return self.network.activations(x)


def versions() -> dict[str, Any]:
    """Return the versions of what computes."""
    import microgradnp

    return {"microgradnp": microgradnp.__version__, "numpy": np.__version__, "python": platform.python_version()}
