"""Workload "regression": logistic regression of two clouds of 100 points, all at once, plain gradient descent.

After Jannes Klaas, "Machine learning 101", chapter 3: a regressor that keeps parameters, cache and gradients in
dictionaries, the log loss with clipped logarithms, learning rate 1. His loop evaluates the loss once an epoch, on the
forward pass that the gradient uses; so does ours.
"""

from __future__ import annotations

from typing import Any

import numpy

import microgradnp as mg
from microgradnp.data import blobs
from tests.benchmarks.measure import Array, Contestant, Program
from tests.benchmarks.peers import autograd, autograd_numpy, mygrad, mygrad_numpy

RATE = 1.0


def start() -> tuple[Array, Array, Array, Array]:
    """Points (200, 2), labels (200, 1), and the initial W1, b1."""
    random = numpy.random.RandomState(0)
    X, labels = blobs(200, centers=2, random_state=random)
    return X, labels.reshape(200, 1), 2 * random.random_sample((2, 1)) - 1, numpy.zeros((1, 1))


class Forward:
    """The forward functions of the document; `np` is NumPy, or another library's version of it."""

    def __init__(self, np: Any) -> None:
        self.np = np
        self.model: dict[str, Any] = {}
        self.cache: dict[str, Any] = {}

    def sigmoid(self, x: Any) -> Any:
        return 1 / (1 + self.np.exp(-x))

    def log_loss(self, y: Any, y_hat: Any) -> Any:
        np = self.np
        minval = 0.000000000001
        m = y.shape[0]
        return -1 / m * np.sum(y * np.log(y_hat.clip(min=minval)) + (1 - y) * np.log((1 - y_hat).clip(min=minval)))

    def propagate(self, A0: Any) -> None:
        W1, b1 = self.model["W1"], self.model["b1"]
        z1 = A0.dot(W1) + b1
        A1 = self.sigmoid(z1)
        self.cache = {"A0": A0, "z1": z1, "A1": A1}


# -- by hand -------------------------------------------------------------------------------------------------------


class Regressor(Forward):
    """The regressor of the document, with its hand-derived gradients."""

    def __init__(self, W1: Array, b1: Array) -> None:
        super().__init__(numpy)
        self.model = {"W1": W1, "b1": b1}
        self.grads: dict[str, Array] = {}

    def log_loss_derivative(self, y: Array, y_hat: Array) -> Array:
        return y_hat - y

    def propagate_back(self, y: Array) -> None:
        A0, A1 = self.cache["A0"], self.cache["A1"]
        W1 = self.model["W1"]
        m = A0.shape[0]
        dz1 = self.log_loss_derivative(y=y, y_hat=A1)
        dW1 = 1 / m * (A0.T).dot(dz1)
        db1 = 1 / m * numpy.sum(dz1, axis=0, keepdims=True)
        assert dW1.shape == W1.shape
        self.grads = {"dW1": dW1, "db1": db1}

    def update(self) -> None:
        W1, b1 = self.model["W1"], self.model["b1"]
        dW1, db1 = self.grads["dW1"], self.grads["db1"]
        W1 -= RATE * dW1
        b1 -= RATE * db1
        self.model = {"W1": W1, "b1": b1}


def by_hand() -> Program:
    X, y, W1, b1 = start()
    regressor = Regressor(W1, b1)
    losses: list[float] = []

    def step() -> None:
        regressor.propagate(X)
        losses.append(regressor.log_loss(y, regressor.cache["A1"]))
        regressor.propagate_back(y)
        regressor.update()

    return Program(step, lambda: [regressor.model["W1"], regressor.model["b1"]])


# -- on Tensors ----------------------------------------------------------------------------------------------------


def on_tensors(fused: bool) -> Program:
    """The forward functions on Tensors, or the same model of fused primitives and our optimizer."""
    X, y, W, b = start()
    points, labels = mg.tensor(X), mg.tensor(y, dtype=float)
    W1, b1 = mg.tensor(W, requires_grad=True), mg.tensor(b, requires_grad=True)
    regressor = Forward(numpy)
    regressor.model = {"W1": W1, "b1": b1}
    losses: list[float] = []

    def document() -> Any:
        regressor.propagate(points)
        return regressor.log_loss(labels, regressor.cache["A1"])

    def primitives() -> Any:
        return mg.binary_cross_entropy(mg.linear(points, W1, b1), labels)

    model = primitives if fused else document

    optimizer = mg.optim.SGD([W1, b1], RATE)

    def step() -> None:
        loss = model()
        loss.backward()
        if fused:
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
            return
        with mg.no_grad():
            for P in (W1, b1):
                P -= RATE * P.grad
                P.zero_grad()
        losses.append(loss.item())

    return Program(step, lambda: [W1.data, b1.data])


# -- peers ---------------------------------------------------------------------------------------------------------


def as_function(np: Any, X: Any, y: Any) -> Any:
    """The same formulas as a function of the parameters: A0.dot and .clip(min=) are not known to either peer."""
    m, minval = y.shape[0], 0.000000000001

    def loss(W1: Any, b1: Any) -> Any:
        y_hat = 1 / (1 + np.exp(-(np.dot(X, W1) + b1)))
        clipped, opposite = np.clip(y_hat, minval, numpy.inf), np.clip(1 - y_hat, minval, numpy.inf)
        return -1 / m * np.sum(y * np.log(clipped) + (1 - y) * np.log(opposite))

    return loss


def on_autograd() -> Program:
    X, y, *params = start()
    losses: list[float] = []
    evaluate = autograd.value_and_grad(as_function(autograd_numpy, X, y), (0, 1))

    def step() -> None:
        loss, gradients = evaluate(*params)
        for P, J in zip(params, gradients, strict=True):
            P -= RATE * J
        losses.append(loss)

    return Program(step, lambda: params)


def on_mygrad() -> Program:
    X, y, *initial = start()
    params = [mygrad.tensor(P) for P in initial]
    losses: list[float] = []
    model = as_function(mygrad_numpy, X, y)

    def step() -> None:
        loss = model(*params)
        loss.backward()
        for P in params:
            P.data -= RATE * P.grad
        losses.append(loss.item())

    return Program(step, lambda: [P.data for P in params])


CONTESTANTS = [
    Contestant("document", by_hand),
    Contestant("unchanged", lambda: on_tensors(fused=False)),
    Contestant("fused", lambda: on_tensors(fused=True)),
    *([Contestant("autograd", on_autograd)] if autograd else []),
    *([Contestant("MyGrad", on_mygrad)] if mygrad else []),
]
