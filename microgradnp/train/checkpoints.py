"""Checkpoints: all that a run needs to go on as if nothing had happened, in one file."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from microgradnp.files import remove_leftovers
from microgradnp.naming import OUR_ROOT
from microgradnp.train.archives import ArchiveError, library, place, read, write
from microgradnp.train.divergence import set_state, state_of
from microgradnp.train.history import History
from microgradnp.train.network import Network, State, label_of, network_of

if TYPE_CHECKING:
    from microgradnp.train.run import Run

Array = Any


class CheckpointError(ValueError):
    """A checkpoint that does not belong to this model, optimizer or run. Nothing of it was loaded."""


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written; the one before is intact, and training goes on."""


class Checkpoint:
    """What a checkpoint holds, read and verified; see `load_checkpoint`.

    Attributes
    ----------
    model : dict of str to ndarray
        The state of the model at that moment, by name.
    best : dict of str to ndarray
        The best state so far, where the run stops early; else empty.
    optimizer : dict
        The state of the optimizer.
    epoch, batch, step : int
        How many epochs, batches of the next one, and updates were done. All 0 if it was not written by `fit`.
    history : History or None
    extra : dict
        What `save_checkpoint` was given.
    """

    def __init__(self, arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> None:
        if meta.get("kind") != "checkpoint":
            raise ArchiveError(f"it holds no checkpoint, but {meta.get('kind', 'something else')!r}")
        try:
            self.arrays, self.meta = arrays, meta
            self.model, self.best = part(arrays, "model/"), part(arrays, "best/")
            self.optimizer: dict[str, Any] = {**meta["optimizer"], **part(arrays, "optimizer/")}
            run = meta.get("run", {})
            self.epoch, self.batch, self.step = (int(run.get(k, 0)) for k in ("finished", "batch", "step"))
            self.history = History.unpacked(arrays, meta["history"]) if "history" in meta else None
            self.extra: dict[str, Any] = meta.get("extra", {})
        except ArchiveError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ArchiveError(f"its parts do not fit together: {type(error).__name__}: {error}") from None

    def restore(self, model: Any, optimizer: Any = None, params: Any = None) -> None:
        """Give a model, and its optimizer, the state of the checkpoint: all of it, or nothing.

        Parameters
        ----------
        model : Module or callable
        optimizer : Optimizer, optional
            Must be given for a function, whose tensors it holds, unless `params` are.
        params : dict of str to Tensor, optional

        Raises
        ------
        CheckpointError
            If names, shapes or types do not fit: it lists them.
        """
        if params is not None:
            network = Network(model, list(params.values()), list(params))
        elif optimizer is not None:
            network = network_of(model, optimizer)
        else:
            network = Network(model, ())
        with all_or_nothing(network, optimizer):
            network.load(self.model)
            if optimizer is not None:
                optimizer.load_state_dict(self.optimizer)

    def __repr__(self) -> str:
        size = sum(a.nbytes for a in self.model.values())
        return (
            f"Checkpoint of {self.meta.get('label', 'a model')} after {self.epoch} epochs and {self.step} updates: "
            f"{len(self.model)} arrays, {size:,} bytes"
        )


def save_checkpoint(path: Any, model: Any, optimizer: Any = None, *, extra: Mapping[str, Any] | None = None) -> None:
    """Write the state of a model and its optimizer, atomically. `fit` writes its own, with ``checkpoint=``.

    Parameters
    ----------
    path : str or Path
        Ends in ``.npz``, or in ``.safetensors`` (which needs the extra of that name).
    model : Module or callable
        For a function, the tensors are those of the optimizer.
    optimizer : Optimizer, optional
    extra : mapping, optional
        Numbers, strings, lists of your own.

    Raises
    ------
    OSError
        If the file cannot be written; what was there before is intact.

    Examples
    --------
    >>> import os, tempfile, microgradnp as mg
    >>> layer = mg.nn.Linear(2, 1, init=0.5)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(os.path.join(folder, "layer.npz"), layer, extra={"note": "half"})
    ...     checkpoint = load_checkpoint(os.path.join(folder, "layer.npz"))
    >>> twin = mg.nn.Linear(2, 1)
    >>> checkpoint.restore(twin)
    >>> twin.weight.data.ravel(), checkpoint.extra
    (array([0.5, 0.5]), {'note': 'half'})
    """
    network = Network(model, ()) if optimizer is None else network_of(model, optimizer)
    if not network.tensors:
        raise ValueError(
            f"{label_of(model)} has no tensors to save: for a function, pass the optimizer that holds them"
        )
    arrays = {f"model/{name}": a for name, a in network.state().items()}
    numbers, more = split(optimizer)
    write(
        path,
        arrays | more,
        {"kind": "checkpoint", "label": label_of(model), "optimizer": numbers, "extra": dict(extra or {})},
    )


def load_checkpoint(path: Any) -> Checkpoint:
    """Read a checkpoint, and verify it. Nothing in the file is executed, and nothing is loaded into a model yet.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Checkpoint

    Raises
    ------
    FileNotFoundError
        If there is none.
    ArchiveError
        If it is cut off, damaged, of a later version, or no checkpoint.
    """
    arrays, meta = read(path)
    try:
        return Checkpoint(arrays, meta)
    except ArchiveError as error:
        raise ArchiveError(f"{path} is not read: {error}") from None


# -- parts -------------------------------------------------------------------------------------------------------------


def part(arrays: Mapping[str, Array], prefix: str) -> State:
    """Return the arrays whose names begin so, without it."""
    return {name[len(prefix) :]: a for name, a in arrays.items() if name.startswith(prefix)}


def split(optimizer: Any) -> tuple[dict[str, Any], State]:
    """Return the state of an optimizer: its plain numbers and strings, and its arrays by the name in the file."""
    if optimizer is None:
        return {}, {}
    if not hasattr(optimizer, "state_dict") or not hasattr(optimizer, "load_state_dict"):
        raise TypeError(
            f"{type(optimizer).__name__} has no state_dict and load_state_dict, so a checkpoint could not hold what it "
            "remembers: use an optimizer of mg.optim, or add them"
        )
    plain: dict[str, Any] = {}
    arrays: State = {}
    for name, value in optimizer.state_dict().items():
        if isinstance(value, np.ndarray | np.generic):  # a NumPy scalar keeps its type as an array
            arrays[f"optimizer/{name}"] = np.asarray(value)
        else:
            plain[name] = value
    return plain, arrays


class all_or_nothing:
    """A context in which an error puts a network, and an optimizer, back to what they were, and becomes ours."""

    def __init__(self, network: Network, *others: Any) -> None:
        self.network = network
        self.others = [o for o in others if hasattr(o, "state_dict") and hasattr(o, "load_state_dict")]

    def __enter__(self) -> None:
        self.state = self.network.state()
        self.before = [(other, other.state_dict()) for other in self.others]

    def __exit__(self, kind: Any, error: BaseException | None, _: Any) -> None:
        if error is None:
            return
        for name, t in self.network.tensors.items():
            if t.data is not self.state[name]:
                t.assign(self.state[name])
        for other, state in self.before:
            other.load_state_dict(state)
        if isinstance(error, Exception) and not isinstance(error, CheckpointError):
            raise CheckpointError(f"the checkpoint does not fit, and nothing was loaded: {error}") from None


def outside() -> int:
    """Return how many frames up the user's own code is, for a warning."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(OUR_ROOT):
        level, frame = level + 1, frame.f_back
    return level


# -- random numbers ----------------------------------------------------------------------------------------------------


def streams_of(run: Run) -> dict[str, Any]:
    """Return the states of all sources of random numbers: those of the layers, and of the order of the samples."""
    found = {name: state_of(rng) for name, rng in run.network.generators().items()}
    return {"layers": found, "order": None if run.source.rng is None else state_of(run.source.rng)}


def alike(template: Any, value: Any) -> Any:
    """Return a state that JSON took apart with the types of another one of its kind."""
    if isinstance(template, dict):
        if not isinstance(value, dict) or value.keys() != template.keys():
            raise CheckpointError("the state of a source of random numbers is of another kind")
        return {k: alike(t, value[k]) for k, t in template.items()}
    if isinstance(template, np.ndarray):
        found = np.array(value, dtype=template.dtype)
        if found.shape != template.shape:
            raise CheckpointError("the state of a source of random numbers has another length")
        return found
    if isinstance(template, str) and value != template:
        raise CheckpointError(f"the random numbers were drawn by {value}, here they are drawn by {template}")
    return type(template)(value)


def prepared(rng: Any, state: Any, name: str) -> Any:
    """Return a state that a source of random numbers will take, after trying it on another one."""
    try:
        found = alike(state_of(rng), state)
        if isinstance(rng, np.random.RandomState):
            set_state(np.random.RandomState(0), found)
        else:
            set_state(np.random.Generator(type(rng.bit_generator)(0)), found)
    except (TypeError, ValueError, OverflowError, KeyError) as error:
        raise CheckpointError(f"the state of the random numbers of {name} does not fit: {error}") from None
    return found


# -- of a run ----------------------------------------------------------------------------------------------------------


class Saver:
    """Writes the checkpoints of a run, and goes on from one."""

    def __init__(self, run: Run, path: Any, settings: Mapping[str, Any]) -> None:
        self.run, self.path = run, place(path)
        self.settings = {**settings, "data": run.source.fingerprint()}
        self.saved = ""  # what the last checkpoint is of
        folder = self.path.parent
        if not folder.is_dir():
            raise FileNotFoundError(f"checkpoint={str(path)!r}: there is no folder {folder}; make it first")
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"checkpoint={str(path)!r}: nothing can be written in the folder {folder}")
        split(run.optimizer)
        if self.path.suffix == ".safetensors":
            library()  # missing it is noticed now, not after the first epoch
        remove_leftovers(self.path)

    def save(self) -> None:
        """Write a checkpoint. Where that fails, the one before stays, a warning says so, and the run goes on."""
        if self.run.streams is not None:
            return  # nothing was done since the run was resumed: the file is what it should be
        arrays, meta = self.packed()
        try:
            write(self.path, arrays, meta)
        except OSError as error:
            before = f"that is the one {self.saved}" if self.saved else "there was none"
            warnings.warn(
                f"after {self.run.step} updates the checkpoint {error.strerror or error}: {before}, and training goes on",
                CheckpointWarning,
                stacklevel=outside(),
            )
        else:
            self.saved = f"after {self.run.step} updates"

    def packed(self) -> tuple[State, dict[str, Any]]:
        """Return all that the run is at this moment."""
        run = self.run
        arrays, history = run.history.packed()
        plain, more = split(run.optimizer)
        arrays |= {f"model/{name}": a for name, a in run.network.state().items()} | more
        arrays |= {f"best/{name}": a for name, a in run.best_state.items()}
        arrays |= {f"first/{name}": a for name, a in run.first_state.items()}
        if run.batch and run.sums.predictions:  # between two epochs they are those of the last one
            arrays["sums/predictions"], arrays["sums/targets"] = run.sums.all()
        meta = {
            "kind": "checkpoint",
            "label": label_of(run.model),
            "optimizer": plain,
            "history": history,
            "settings": self.settings,
            "run": {name: getattr(run, name) for name in POSITION} | {"every": run.recorder and run.recorder.every},
            "sums": {name: getattr(run.sums, name) for name in SUMS},
            "streams": {**streams_of(run), "epoch": run.order},
            "schedule": run.schedule.state_dict() if hasattr(run.schedule, "state_dict") else None,
            "callbacks": [c.state_dict() if hasattr(c, "state_dict") else None for c in run.callbacks],
        }
        return arrays, meta

    def resume(self) -> None:
        """Put the run where it was when the checkpoint was written: all of it, or nothing."""
        run, checkpoint = self.run, load_checkpoint(self.path)
        arrays, meta = checkpoint.arrays, checkpoint.meta
        if "run" not in meta or checkpoint.history is None or not isinstance(meta.get("settings"), dict):
            raise CheckpointError(
                f"{self.path} was not written by fit, so there is no run to go on with: load_checkpoint(path).restore(model)"
            )
        self.compare(meta["settings"])
        others = [o for o in (run.schedule, *run.callbacks) if hasattr(o, "load_state_dict")]
        with all_or_nothing(run.network, run.optimizer, *others):
            run.network.load(checkpoint.model)
            first = part(arrays, "first/")
            for state in (checkpoint.best, first):
                if state:
                    run.network.check(state)
            run.optimizer.load_state_dict(checkpoint.optimizer)
            position, sums, streams = meta["run"], meta["sums"], meta["streams"]
            if hasattr(run.schedule, "load_state_dict") and meta["schedule"] is not None:
                run.schedule.load_state_dict(meta["schedule"])
            if len(meta["callbacks"]) != len(run.callbacks):
                raise CheckpointError(
                    f"the run had {len(meta['callbacks'])} callbacks, now it has {len(run.callbacks)}"
                )
            for callback, state in zip(run.callbacks, meta["callbacks"], strict=True):
                if hasattr(callback, "load_state_dict") and state is not None:
                    callback.load_state_dict(state)
            layers = run.network.generators()
            if layers.keys() != streams["layers"].keys():
                raise CheckpointError(
                    f"the run drew random numbers in {', '.join(streams['layers']) or 'no layer'}, "
                    f"now in {', '.join(layers) or 'none'}"
                )
            states = [(rng, prepared(rng, streams["layers"][name], name)) for name, rng in layers.items()]
            rng = run.source.rng
            epoch = None
            if rng is not None:
                states.insert(0, (rng, prepared(rng, streams["order"], "the order of the samples")))
                if position["batch"]:
                    epoch = prepared(rng, streams["epoch"], "the order of the samples")
            for name, kind in POSITION.items():
                if not isinstance(position[name], kind) or (kind is int and position[name] < 0):
                    raise CheckpointError(f"its {name} is {position[name]!r}")
            if run.source.batches and position["batch"] > run.source.batches:
                raise CheckpointError(f"it is of batch {position['batch']} of {run.source.batches}")
            for name in SUMS:
                if not isinstance(sums[name], int | float):
                    raise CheckpointError(f"its {name} is {sums[name]!r}")
            seen = [arrays[name] for name in ("sums/predictions", "sums/targets") if name in arrays]
            if len(seen) == 1 or any(a.ndim == 0 or len(a) != sums["samples"] for a in seen):
                raise CheckpointError(f"it does not hold the predictions of {sums['samples']} samples")
            if run.recorder is not None and not isinstance(position["every"], int):
                raise CheckpointError("nothing was recorded before, and now something is to be")
        # from here on nothing can fail
        for name in POSITION:
            setattr(run, name, position[name])
        for name in SUMS:
            setattr(run.sums, name, sums[name])
        if seen:
            run.sums.predictions, run.sums.targets = seen[:1], seen[1:]
        run.best_state, run.first_state = checkpoint.best, first
        history = checkpoint.history
        history.network = run.network
        history.stopped, history.interrupted = "", False
        run.history = history
        run.order = epoch
        if run.recorder is not None:
            run.recorder.go_on(history, position["every"])

        def put() -> None:
            for source, state in states:
                set_state(source, state)

        if run.batch and rng is not None:
            set_state(rng, epoch)  # the order of the epoch is drawn again, then all are put where they were
            run.streams = put
        else:
            put()
        self.saved = f"after {run.step} updates"

    def compare(self, before: Mapping[str, Any]) -> None:
        """Raise if the run was begun otherwise."""
        wrong = [
            f"{name} was {before.get(name)!r}, now it is {value!r}"
            for name, value in self.settings.items()
            if name != "data" and before.get(name) != value
        ]
        if before.get("data") != self.settings["data"]:
            wrong.append("the data are not the same")
        if wrong:
            raise CheckpointError(
                f"{self.path} is of another run: {'; '.join(wrong)}. Call fit as before, or leave out resume to begin anew"
            )


#: What tells where a run is, and of which type it is.
POSITION: dict[str, Any] = {
    "finished": int,
    "batch": int,
    "step": int,
    "loss": float,
    "best": float,
    "waited": int,
    "reduction": str,
    "reason": str,
}
SUMS = ("batches", "samples", "weight", "total", "only")
