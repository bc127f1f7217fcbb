"""A run with everything that a checkpoint must hold; as a program, one that is killed: python resuming.py FILE OUT."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

import microgradnp as mg
from microgradnp import nn
from tests.train.networks import classes, noisy


class Decay:
    """A schedule that remembers: half the rate after each epoch that is not better."""

    def __init__(self) -> None:
        self.rate, self.best = 0.05, np.inf

    def observe(self, value: float) -> None:
        if value >= self.best - 0.01:
            self.rate /= 2
        self.best = min(self.best, value)

    def __call__(self, step: int) -> float:
        return self.rate / (1 + step / 100)

    def state_dict(self) -> dict[str, Any]:
        return {"rate": self.rate, "best": self.best}

    def load_state_dict(self, state: Any) -> None:
        self.rate, self.best = state["rate"], state["best"]


class Mean(mg.train.Callback):
    """A callback with a state: the sum of the losses of all batches."""

    def __init__(self) -> None:
        self.sum = 0.0

    def on_step_end(self, run: Any) -> None:
        self.sum += run.loss

    def state_dict(self) -> dict[str, Any]:
        return {"sum": self.sum}

    def load_state_dict(self, state: Any) -> None:
        self.sum = state["sum"]


OPTIMIZERS = {
    "momentum": lambda model: mg.optim.SGD(model.named_parameters(), 0.05, momentum=0.9),
    "plain": lambda model: mg.optim.SGD(model.named_parameters(), 0.05),
    "adam": lambda model: mg.optim.Adam(model.named_parameters(), 0.01),
}


def run(
    path: Any,
    *,
    optimizer: str = "momentum",
    epochs: int = 3,
    every: int | None = 1,
    resume: bool = True,
    callbacks: Any = (),
    samples: int = 23,
    size: int | None = 4,
    early: int | None = 2,
    **options: Any,
) -> dict[str, Any]:
    """Train, and return all that is there in the end."""
    model = noisy(normalised=size != 1)
    X, y = classes(samples)
    trained = OPTIMIZERS[optimizer](model)
    mean, schedule = Mean(), Decay()
    source = options.pop("seed", 7)
    history = mg.train.fit(
        model,
        (X, y),
        nn.CrossEntropyLoss(),
        trained,
        epochs=epochs,
        batch_size=size,
        seed=source,
        validation=classes(9, 1),
        metrics=["accuracy"],
        callbacks=[mean, *callbacks],
        schedule=schedule,
        early_stopping=early,
        record=mg.train.Record(2, per="update", gradients=True, updates=True, activations=X[:2], limit_bytes=20_000),
        checkpoint=path,
        checkpoint_every=every,
        resume=resume,
        **options,
    )
    draws = {name: rng.integers(2**60) for name, rng in model.named_generators()}
    frames = [
        [f.step, f.epoch, f.batch, f.updates, *({k: v.tobytes().hex() for k, v in part.items()} for part in (f.weights, f.gradients, f.activations))]
        for f in history.frames
    ]  # fmt: skip
    return {
        "model": {k: v.tobytes().hex() for k, v in model.state_dict().items()},
        "optimizer": {k: np.asarray(v).tobytes().hex() if isinstance(v, np.ndarray) else v for k, v in trained.state_dict().items()},
        "history": {k: v.tolist() for k, v in history.items() if k != "seconds"},
        "frames": frames,
        "draws": draws,
        "mean": mean.sum,
        "schedule": schedule.state_dict(),
        "stopped": history.stopped,
        "best": history.best_epoch,
    }  # fmt: skip


def digest(result: dict[str, Any]) -> str:
    """What two equal results have in common."""
    return hashlib.sha256(json.dumps(result, sort_keys=True, default=str).encode()).hexdigest()


if __name__ == "__main__":
    path, out, optimizer, epochs = sys.argv[1:5]
    print("ready", flush=True)
    Path(out).write_text(digest(run(path, optimizer=optimizer, epochs=int(epochs), early=None)), encoding="utf-8")
