"""Training: `fit`, what it leaves behind, and what may look on."""

from microgradnp.train.archives import ArchiveError
from microgradnp.train.callbacks import Callback, EarlyStopping, PrintLoss, PrintProgress
from microgradnp.train.changes import Changes, percent_change
from microgradnp.train.checkpoints import (
    Checkpoint,
    CheckpointError,
    CheckpointWarning,
    load_checkpoint,
    save_checkpoint,
)
from microgradnp.train.divergence import Diverged
from microgradnp.train.fitting import evaluate, fit, predict
from microgradnp.train.history import Frame, History, Replay
from microgradnp.train.metrics import accuracy, accuracy_within, binary_accuracy, mse
from microgradnp.train.recording import Record
from microgradnp.train.run import Run

__all__ = [
    "ArchiveError",
    "Callback",
    "Changes",
    "Checkpoint",
    "CheckpointError",
    "CheckpointWarning",
    "Diverged",
    "EarlyStopping",
    "Frame",
    "History",
    "PrintLoss",
    "PrintProgress",
    "Record",
    "Replay",
    "Run",
    "accuracy",
    "accuracy_within",
    "binary_accuracy",
    "evaluate",
    "fit",
    "load_checkpoint",
    "mse",
    "percent_change",
    "predict",
    "save_checkpoint",
]
