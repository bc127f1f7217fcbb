"""Networks, data and optimizers that the tests of this room share."""

from __future__ import annotations

from typing import Any

import numpy as np

import microgradnp as mg
from microgradnp import nn


def classes(n: int = 30, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points in the plane and whether their coordinates have the same sign."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


def line(n: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A noisy line: X (n, 1), y (n, 1)."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 1))
    return X, 2 * X + 1 + 0.1 * rng.normal(size=(n, 1))


def classifier(seed: int = 0, width: int = 5) -> nn.Sequential:
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Linear(2, width, rng=rng), nn.Tanh(), nn.Linear(width, 2, rng=rng))


def noisy(seed: int = 0, normalised: bool = True) -> nn.Sequential:
    """A network that behaves otherwise while training: batch normalisation and dropout."""
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Linear(2, 6, rng=rng),
        nn.BatchNorm1d(6) if normalised else nn.Tanh(),
        nn.Tanh(),
        nn.Dropout(0.3, rng=seed + 1),
        nn.Linear(6, 2, rng=rng),
    )


def sgd(model: Any, lr: float = 0.1, **options: Any) -> Any:
    return mg.optim.SGD(model.parameters(), lr, **options)


def by_hand() -> tuple[Any, dict[str, mg.Tensor]]:
    """A hand-written network over plain tensors: predict(x), and its parameters."""
    rng = np.random.default_rng(3)
    p = {"Wh": rng.normal(size=(2, 4)), "bh": np.zeros((1, 4)), "Wo": rng.normal(size=(4, 2)), "bo": np.zeros((1, 2))}
    tensors = {name: mg.tensor(value, requires_grad=True, name=name) for name, value in p.items()}

    def predict(x: Any) -> Any:
        H = np.tanh(x @ tensors["Wh"] + tensors["bh"])
        return H @ tensors["Wo"] + tensors["bo"]

    return predict, tensors


def same(a: Any, b: Any) -> bool:
    """Whether two states are equal bit for bit."""
    return [*a] == [*b] and all(np.asarray(a[k]).tobytes() == np.asarray(b[k]).tobytes() for k in a)
