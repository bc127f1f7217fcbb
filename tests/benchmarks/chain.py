"""Workload "chain": 2,000 operations on one number, a sine and a product in turn, forward and backward.

What an operation costs beyond NumPy's own work, which the hand-written program does too: the same forward pass, and the
same derivatives multiplied from the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import microgradnp as mg
from tests.benchmarks.measure import Contestant, Program
from tests.benchmarks.peers import autograd, autograd_numpy, mygrad, torch

LENGTH = 2000
FACTOR = 1.01
START = 0.5


def by_hand() -> Program:
    gradient = np.float64(0)

    def step() -> None:
        nonlocal gradient
        x = np.float64(START)
        inputs = []
        for _ in range(LENGTH // 2):
            inputs.append(x)
            x = np.sin(x) * FACTOR
        g = np.float64(1.0)
        for x in reversed(inputs):
            g = g * FACTOR * np.cos(x)
        gradient = g

    return Program(step, lambda: [np.asarray(gradient)])


def by_method() -> Program:
    leaf = mg.tensor(START, requires_grad=True)

    def step() -> None:
        x = leaf
        for _ in range(LENGTH // 2):
            x = x.sin() * FACTOR
        leaf.zero_grad()
        x.backward()

    return Program(step, lambda: [np.asarray(leaf.grad)])


def by_function() -> Program:
    leaf = mg.tensor(START, requires_grad=True)

    def step() -> None:
        x = leaf
        for _ in range(LENGTH // 2):
            x = np.sin(x) * FACTOR
        leaf.zero_grad()
        x.backward()

    return Program(step, lambda: [np.asarray(leaf.grad)])


def autograd_chain(x: Any, length: int = LENGTH) -> Any:
    for _ in range(length // 2):
        x = autograd_numpy.sin(x) * FACTOR
    return x


def on_autograd() -> Program:
    slope = autograd.grad(autograd_chain)
    gradient = np.float64(0)

    def step() -> None:
        nonlocal gradient
        gradient = slope(START)

    return Program(step, lambda: [np.asarray(gradient)])


def mygrad_chain(x: Any, length: int = LENGTH) -> Any:
    for _ in range(length // 2):
        x = mygrad.sin(x) * FACTOR
    return x


def on_mygrad() -> Program:
    leaf = mygrad.tensor(START)

    def step() -> None:
        mygrad_chain(leaf).backward()

    return Program(step, lambda: [np.asarray(leaf.grad)])


CONTESTANTS = [
    Contestant("by hand", by_hand),
    Contestant("t.sin() * c", by_method),
    Contestant("np.sin(t) * c", by_function),
    *([Contestant("autograd", on_autograd)] if autograd else []),
    *([Contestant("MyGrad", on_mygrad)] if mygrad else []),
]


# -- memory, depth and width -----------------------------------------------------------------------------------------


def recorded(length: int, size: int = 0) -> dict[str, Callable[[], object]]:
    """Return functions that record a chain and return what holds it, by library.

    Parameters
    ----------
    length : int
        How many operations.
    size : int
        How many numbers the operations are on: a vector, or one number (0).
    """
    start = np.full(size, START) if size else START

    def ours() -> object:
        x = mg.tensor(start, requires_grad=True)
        for _ in range(length // 2):
            x = x.sin() * FACTOR
        return x

    builders: dict[str, Callable[[], object]] = {"microgradnp": ours}
    if autograd:
        from autograd.core import make_vjp

        builders["autograd"] = lambda: make_vjp(lambda x: autograd_chain(x, length), start)
    if mygrad:
        builders["MyGrad"] = lambda: mygrad_chain(mygrad.tensor(start), length)
    if torch():

        def on_torch() -> object:
            x = torch().tensor(start, dtype=torch().float64, requires_grad=True)
            for _ in range(length // 2):
                x = x.sin() * FACTOR
            return x

        builders["PyTorch"] = on_torch
    return builders


def long_chain(length: int) -> float:
    """Return the gradient through a chain of so many operations."""
    x = leaf = mg.tensor(START, requires_grad=True)
    for _ in range(length // 2):
        x = x.sin() * FACTOR
    x.backward()
    return float(np.asarray(leaf.grad))


def wide_sum(width: int) -> float:
    """Return the gradient of a number that so many operations read, whose results are summed by one operation each."""
    leaf = mg.tensor(START, requires_grad=True)
    total = leaf.sin() * FACTOR
    for _ in range(width):
        total = total + leaf * FACTOR
    total.backward()
    return float(np.asarray(leaf.grad))
