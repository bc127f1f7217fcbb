"""Workload "images": a 784-30-10 network, one sample at a time, plain gradient descent.

After Dylan Zwick, CS-5600 lecture 19: logistic layers in the overflow-safe form with `where`, binary cross entropy
summed over the ten outputs, learning rate 0.001. His step evaluates no loss. Ours must, to differentiate it; a second
row adds his loss formula to his step, for the same number of evaluations. The images are random: only their size and
the share of blank pixels matter here.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy

import microgradnp as mg
from tests.benchmarks.measure import Array, Contestant, Program
from tests.benchmarks.peers import autograd, autograd_numpy, mygrad, mygrad_numpy

RATE = 0.001
SAMPLES = 1000


def forward(np: Any) -> SimpleNamespace:
    """The forward functions of the document; `np` is NumPy, or another library's version of it."""

    def sigmoid(x: Any) -> Any:
        x = np.clip(x, -709, 709)
        return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))

    def network(X: Any, W_h: Any, b_h: Any, W_out: Any, b_out: Any) -> Any:
        z_h = np.dot(X, W_h) + b_h
        a_h = sigmoid(z_h)
        z_out = np.dot(a_h, W_out) + b_out
        a_out = sigmoid(z_out)
        return z_h, a_h, z_out, a_out

    def cost(a_out: Any, y: Any) -> Any:
        return np.sum(-y * (np.log(a_out)) - (1.0 - y) * np.log(1.0 - a_out))

    return SimpleNamespace(network=network, cost=cost)


def make() -> tuple[Array, Array, list[Array]]:
    """Images (1000, 784) of pixels from 0 to 255, one-hot labels (1000, 10), and the initial W_h, b_h, W_out, b_out."""
    random = numpy.random.RandomState(42)
    params = [random.normal(0.0, 0.1, (784, 30)), numpy.zeros(30), random.normal(0.0, 0.1, (30, 10)), numpy.zeros(10)]
    ink = random.rand(SAMPLES, 784) < 0.19  # the share of pixels that are not blank in MNIST
    X = numpy.where(ink, random.randint(1, 256, (SAMPLES, 784)), 0).astype(float)
    return X, numpy.eye(10)[random.randint(0, 10, SAMPLES)], params


X_TRAIN, Y_TRAIN, INITIAL = make()


# -- by hand -------------------------------------------------------------------------------------------------------


def by_hand(evaluate_loss: bool) -> Program:
    """The loop of the document, which updates the parameters in place."""
    f = forward(numpy)
    W_h, b_h, W_out, b_out = (P.copy() for P in INITIAL)
    losses: list[float] = []
    count = 0

    def back(X: Array, y: Array, W_h: Array, b_h: Array, W_out: Array, b_out: Array, eta: float) -> Any:
        _, a_h, _, a_out = f.network(X, W_h, b_h, W_out, b_out)
        if evaluate_loss:
            losses.append(f.cost(a_out, y))
        delta_out = a_out - y
        slope_h = a_h * (1.0 - a_h)
        delta_h = numpy.dot(delta_out, W_out.T) * slope_h
        grad_W_h = numpy.dot(X.T, delta_h)
        grad_b_h = numpy.sum(delta_h, axis=0)
        grad_W_out = numpy.dot(a_h.T, delta_out)
        grad_b_out = numpy.sum(delta_out, axis=0)
        W_h -= eta * grad_W_h
        b_h -= eta * grad_b_h
        W_out -= eta * grad_W_out
        b_out -= eta * grad_b_out
        return W_h, b_h, W_out, b_out

    def step() -> None:
        nonlocal W_h, b_h, W_out, b_out, count
        i = count % SAMPLES
        count += 1
        W_h, b_h, W_out, b_out = back(X_TRAIN[[i]], Y_TRAIN[[i]], W_h, b_h, W_out, b_out, RATE)

    return Program(step, lambda: [W_h, b_h, W_out, b_out])


# -- on Tensors ----------------------------------------------------------------------------------------------------


def on_tensors(fused: bool) -> Program:
    """The forward functions on Tensors, or the same network of fused primitives and our optimizer."""
    f = forward(numpy)
    params = [mg.tensor(P, requires_grad=True) for P in INITIAL]
    count = 0

    def document(X: Any, y: Any, W_h: Any, b_h: Any, W_out: Any, b_out: Any) -> Any:
        _, _, _, a_out = f.network(X, W_h, b_h, W_out, b_out)
        return f.cost(a_out, y)

    def primitives(X: Any, y: Any, W_h: Any, b_h: Any, W_out: Any, b_out: Any) -> Any:
        a_h = mg.logistic(mg.linear(X, W_h, b_h))
        return mg.binary_cross_entropy(mg.linear(a_h, W_out, b_out), y, reduction="sum")

    model = primitives if fused else document

    optimizer = mg.optim.SGD(params, RATE)

    def step() -> None:
        nonlocal count
        i = count % SAMPLES
        count += 1
        model(X_TRAIN[[i]], Y_TRAIN[[i]], *params).backward()
        if fused:
            optimizer.step()
            optimizer.zero_grad()
            return
        with mg.no_grad():
            for P in params:
                P -= RATE * P.grad
                P.zero_grad()

    return Program(step, lambda: [P.data for P in params])


# -- peers ---------------------------------------------------------------------------------------------------------


def on_autograd() -> Program:
    f = forward(autograd_numpy)
    params = [P.copy() for P in INITIAL]
    count = 0
    gradient = autograd.grad(lambda params, X, y: f.cost(f.network(X, *params)[3], y))

    def step() -> None:
        nonlocal count
        i = count % SAMPLES
        count += 1
        for P, J in zip(params, gradient(params, X_TRAIN[[i]], Y_TRAIN[[i]]), strict=True):
            P -= RATE * J

    return Program(step, lambda: params)


def on_mygrad() -> Program:
    f = forward(mygrad_numpy)
    params = [mygrad.tensor(P) for P in INITIAL]
    count = 0

    def step() -> None:
        nonlocal count
        i = count % SAMPLES
        count += 1
        f.cost(f.network(X_TRAIN[[i]], *params)[3], Y_TRAIN[[i]]).backward()
        for P in params:
            P.data -= RATE * P.grad

    return Program(step, lambda: [P.data for P in params])


CONTESTANTS = [
    Contestant("document", lambda: by_hand(evaluate_loss=False)),
    Contestant("document, loss every step", lambda: by_hand(evaluate_loss=True)),
    Contestant("unchanged", lambda: on_tensors(fused=False)),
    Contestant("fused", lambda: on_tensors(fused=True)),
    *([Contestant("autograd", on_autograd)] if autograd else []),
    *([Contestant("MyGrad", on_mygrad)] if mygrad else []),
]
