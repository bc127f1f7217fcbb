"""Workload "networks": what layers, an optimizer, and `fit` cost beyond the same training written with Tensor operations.

Two networks with tanh layers and cross entropy, trained with momentum, a batch at a time: a small one (2-8-2, batches of
10), where what is not NumPy's own work shows most, and a middle one (784-128-10, batches of 64). A step of this workload
is an epoch of several updates, so that what `fit` does once is part of it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

import microgradnp as mg
from microgradnp import nn
from tests.benchmarks.measure import Array, Contestant, Program

RATE, MOMENTUM = 0.05, 0.9

#: Per size: the widths, the samples in a batch, and the updates in an epoch.
SIZES = {"small": ((2, 8, 2), 10, 200), "middle": ((784, 128, 10), 64, 20)}


def make(size: str) -> tuple[list[tuple[Array, Array]], list[Array], list[Array]]:
    """Return the batches (x, labels), and the initial weights and biases."""
    widths, samples, updates = SIZES[size]
    rng = np.random.default_rng(0)
    batches = [(rng.normal(size=(samples, widths[0])), rng.integers(0, widths[-1], samples)) for _ in range(updates)]
    for x, labels in batches:
        x.flags.writeable = labels.flags.writeable = False  # no copies, for all alike
    shapes = list(pairwise(widths))
    return batches, [rng.normal(size=s) / np.sqrt(s[0]) for s in shapes], [np.zeros(s[1]) for s in shapes]


def on_tensors(size: str) -> Program:
    """The forward pass and the update written out."""
    batches, weights, biases = make(size)
    W1, W2 = (mg.tensor(W, requires_grad=True) for W in weights)
    b1, b2 = (mg.tensor(b, requires_grad=True) for b in biases)
    params = [W1, b1, W2, b2]
    velocities: list[Any] = [0.0] * len(params)
    losses: list[float] = []

    def epoch() -> None:
        for x, labels in batches:
            hidden = np.tanh(mg.linear(x, W1, b1))
            loss = mg.cross_entropy(mg.linear(hidden, W2, b2), labels)
            loss.backward()
            losses.append(loss.item())
            with mg.no_grad():
                for i, p in enumerate(params):
                    velocities[i] = MOMENTUM * velocities[i] + p.grad
                    p -= RATE * velocities[i]
                    p.zero_grad()

    return Program(epoch, lambda: [p.data for p in params])


def network(size: str) -> tuple[nn.Sequential, Any, Any, list[tuple[Array, Array]]]:
    """Return the same network of layers, its optimizer, its loss, and the batches."""
    batches, weights, biases = make(size)
    first, second = (
        nn.Linear(*W.shape, init=W, bias_init=b)  # type: ignore[misc]
        for W, b in zip(weights, biases, strict=True)
    )
    model = nn.Sequential(first, nn.Tanh(), second)
    return model, mg.optim.SGD(model.parameters(), RATE, momentum=MOMENTUM), nn.CrossEntropyLoss(), batches


def of_layers(size: str) -> Program:
    """Layers and an optimizer, in a loop by hand."""
    model, optimizer, criterion, batches = network(size)
    losses: list[float] = []

    def epoch() -> None:
        for x, labels in batches:
            optimizer.zero_grad()
            loss = criterion(model(x), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())

    return Program(epoch, lambda: [p.data for p in model.parameters()])


def by_fit(size: str) -> Program:
    """Layers and an optimizer, trained by `fit`."""
    model, optimizer, criterion, batches = network(size)

    def epoch() -> None:
        mg.train.fit(model, batches, criterion, optimizer, epochs=1)

    return Program(epoch, lambda: [p.data for p in model.parameters()])


CONTESTANTS = {
    size: [
        Contestant("Tensor operations", lambda size=size: on_tensors(size)),  # type: ignore[misc]
        Contestant("nn and optim", lambda size=size: of_layers(size)),  # type: ignore[misc]
        Contestant("fit", lambda size=size: by_fit(size)),  # type: ignore[misc]
    ]
    for size in SIZES
}
