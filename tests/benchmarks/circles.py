"""Workload "circles": a 2-3-2 network on two circles of 100 points, all at once, trained with momentum.

After Peter Roelants, "How to implement a neural network", part 4: logistic hidden layer, softmax output, cross entropy
summed over the points, learning rate 0.02, momentum 0.9. His loop evaluates the loss once a step, by another forward
pass after the update. Ours evaluates it once a step too: it needs it to differentiate, one step later.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy

import microgradnp as mg
from microgradnp.data import circles
from tests.benchmarks.measure import Array, Contestant, Program
from tests.benchmarks.peers import autograd, autograd_numpy, mygrad, mygrad_numpy

RATE, MOMENTUM = 0.02, 0.9


def forward(np: Any) -> SimpleNamespace:
    """The forward functions of the document; `np` is NumPy, or another library's version of it."""

    def logistic(z: Any) -> Any:
        return 1.0 / (1.0 + np.exp(-z))

    def softmax(z: Any) -> Any:
        return np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)

    def hidden(X: Any, Wh: Any, bh: Any) -> Any:
        return logistic((X @ Wh) + bh)

    def output(H: Any, Wo: Any, bo: Any) -> Any:
        return softmax((H @ Wo) + bo)

    def network(X: Any, Wh: Any, bh: Any, Wo: Any, bo: Any) -> Any:
        return output(hidden(X, Wh, bh), Wo, bo)

    def loss(Y: Any, T: Any) -> Any:
        return -(T * np.log(Y)).sum()

    return SimpleNamespace(hidden=hidden, output=output, network=network, loss=loss)


def start() -> tuple[Array, Array, list[Array]]:
    """Points (100, 2), one-hot targets (100, 2), and the initial Wh, bh, Wo, bo."""
    random = numpy.random.RandomState(1)
    X, labels = circles(100, shuffle=False, factor=0.3, noise=0.1, random_state=random)
    shapes = (2, 3), (1, 3), (3, 2), (1, 2)
    return X, numpy.eye(2)[labels], [random.randn(*shape) * 0.1 for shape in shapes]


# -- by hand -------------------------------------------------------------------------------------------------------


def error_output(Y: Array, T: Array) -> Array:
    return Y - T


def gradient_weights(A: Array, E: Array) -> Array:
    return A.T @ E


def gradient_bias(E: Array) -> Array:
    return numpy.sum(E, axis=0, keepdims=True)


def error_hidden(H: Array, Wo: Array, Eo: Array) -> Array:
    return numpy.multiply(numpy.multiply(H, (1 - H)), (Eo @ Wo.T))


def by_hand(second_forward: bool) -> Program:
    """The loop of the document; or, for comparison, with the loss taken from the forward pass that is there."""
    X, T, params = start()
    f = forward(numpy)
    moments = [numpy.zeros_like(P) for P in params]
    losses: list[float] = []

    def gradients(Wh: Array, bh: Array, Wo: Array, bo: Array) -> list[Array]:
        H = f.hidden(X, Wh, bh)
        Y = f.output(H, Wo, bo)
        if not second_forward:
            losses.append(f.loss(Y, T))
        Eo = error_output(Y, T)
        JWo = gradient_weights(H, Eo)
        Jbo = gradient_bias(Eo)
        Eh = error_hidden(H, Wo, Eo)
        JWh = gradient_weights(X, Eh)
        Jbh = gradient_bias(Eh)
        return [JWh, Jbh, JWo, Jbo]

    def updated_moments() -> list[Array]:
        return [MOMENTUM * M - RATE * J for M, J in zip(moments, gradients(*params), strict=True)]

    def updated_params() -> list[Array]:
        return [P + M for P, M in zip(params, moments, strict=True)]

    def step() -> None:
        nonlocal moments, params
        moments = updated_moments()
        params = updated_params()
        if second_forward:
            losses.append(f.loss(f.network(X, *params), T))

    return Program(step, lambda: params)


# -- on Tensors ----------------------------------------------------------------------------------------------------


def on_tensors(fused: bool) -> Program:
    """The forward functions on Tensors, or the same network of fused primitives and our optimizer."""
    X, T, initial = start()
    f = forward(numpy)
    points, targets = mg.tensor(X), mg.tensor(T)
    params = [mg.tensor(P, requires_grad=True) for P in initial]
    moments = [numpy.zeros_like(P) for P in initial]
    losses: list[float] = []

    def document(Wh: Any, bh: Any, Wo: Any, bo: Any) -> Any:
        return f.loss(f.network(points, Wh, bh, Wo, bo), targets)

    def primitives(Wh: Any, bh: Any, Wo: Any, bo: Any) -> Any:
        hidden = mg.logistic(mg.linear(points, Wh, bh))
        return mg.cross_entropy(mg.linear(hidden, Wo, bo), targets, reduction="sum")

    model = primitives if fused else document

    optimizer = mg.optim.SGD(params, RATE, momentum=MOMENTUM)

    def step() -> None:
        loss = model(*params)
        loss.backward()
        if fused:
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
            return
        with mg.no_grad():
            for i, P in enumerate(params):
                moments[i] = MOMENTUM * moments[i] - RATE * P.grad
                P += moments[i]
                P.zero_grad()
        losses.append(loss.item())

    return Program(step, lambda: [P.data for P in params])


# -- peers ---------------------------------------------------------------------------------------------------------


def on_autograd() -> Program:
    X, T, params = start()
    f = forward(autograd_numpy)
    moments = [numpy.zeros_like(P) for P in params]
    losses: list[float] = []
    evaluate = autograd.value_and_grad(lambda params: f.loss(f.network(X, *params), T))

    def step() -> None:
        nonlocal moments, params
        loss, gradients = evaluate(params)
        moments = [MOMENTUM * M - RATE * J for M, J in zip(moments, gradients, strict=True)]
        params = [P + M for P, M in zip(params, moments, strict=True)]
        losses.append(loss)

    return Program(step, lambda: params)


def on_mygrad() -> Program:
    X, T, initial = start()
    f = forward(mygrad_numpy)
    params = [mygrad.tensor(P) for P in initial]
    moments = [numpy.zeros_like(P) for P in initial]
    losses: list[float] = []

    def step() -> None:
        loss = f.loss(f.network(X, *params), T)
        loss.backward()
        for i, P in enumerate(params):
            moments[i] = MOMENTUM * moments[i] - RATE * P.grad
            P.data += moments[i]
        losses.append(loss.item())

    return Program(step, lambda: [P.data for P in params])


CONTESTANTS = [
    Contestant("document", lambda: by_hand(second_forward=True)),
    Contestant("document, loss from the same forward pass", lambda: by_hand(second_forward=False)),
    Contestant("unchanged", lambda: on_tensors(fused=False)),
    Contestant("fused", lambda: on_tensors(fused=True)),
    *([Contestant("autograd", on_autograd)] if autograd else []),
    *([Contestant("MyGrad", on_mygrad)] if mygrad else []),
]
