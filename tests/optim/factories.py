"""Every optimizer in every mode, and a small problem to train."""

from __future__ import annotations

from typing import Any

import numpy as np

import microgradnp as mg
from microgradnp.optim import SGD, Adagrad, Adam, AdamW, AMSGrad, Lion, NAdam, RMSprop

#: What an optimizer is made with, and a label for the test.
MODES: list[tuple[str, Any, dict[str, Any]]] = [
    ("SGD", SGD, {"lr": 0.1}),
    ("SGD momentum", SGD, {"lr": 0.1, "momentum": 0.9}),
    ("SGD Nesterov", SGD, {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    ("RMSprop", RMSprop, {"lr": 0.02}),
    ("RMSprop momentum", RMSprop, {"lr": 0.01, "decay": 0.9, "momentum": 0.7, "weight_decay": 0.01}),
    ("RMSprop centered", RMSprop, {"lr": 0.01, "decay": 0.8, "centered": True, "eps": 1e-3}),
    ("RMSprop both", RMSprop, {"lr": 0.01, "decay": 0.8, "centered": True, "momentum": 0.5}),
    ("Adagrad", Adagrad, {"lr": 0.1, "weight_decay": 0.02}),
    ("Adam", Adam, {"lr": 0.1}),
    ("Adam decay", Adam, {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    ("AMSGrad", AMSGrad, {"lr": 0.1, "betas": (0.6, 0.7)}),
    ("AdamW", AdamW, {"lr": 0.1, "weight_decay": 0.2}),
    ("NAdam", NAdam, {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.05}),
    ("NAdam textbook", NAdam, {"lr": 0.1, "momentum_decay": float("inf")}),
    ("Lion", Lion, {"lr": 0.03, "weight_decay": 0.1}),
]

IDS = [mode[0] for mode in MODES]


def gradients(steps: int, *shapes: tuple[int, ...], dtype: Any = np.float64) -> list[list[Any]]:
    """Return gradients for some parameters at some steps: what a loss would give, without the loss."""
    rng = np.random.default_rng(7)
    return [[np.asarray(rng.normal(size=shape), dtype=dtype) for shape in shapes] for _ in range(steps)]


def starts(*shapes: tuple[int, ...], dtype: Any = np.float64) -> list[Any]:
    """Return the values that parameters begin with."""
    rng = np.random.default_rng(8)
    return [np.asarray(rng.normal(size=shape), dtype=dtype) for shape in shapes]


def parameters(*values: Any) -> list[mg.Tensor]:
    """Return parameters of these values."""
    return [mg.tensor(value, requires_grad=True) for value in values]


def run(optimizer: Any, steps: list[list[Any]]) -> None:
    """Make steps along given gradients."""
    for given in steps:
        for p, g in zip(optimizer.params, given, strict=True):
            p.grad = g
        optimizer.step()
