"""A run that diverged: named, with the first thing that was not finite."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np

from microgradnp.floating import counted, finite
from microgradnp.graph import trace
from microgradnp.tensor import no_grad
from microgradnp.train.history import History
from microgradnp.train.network import Network, State, watched

Array = Any


class Diverged(FloatingPointError):
    """The loss, a gradient or a parameter is no finite number any more.

    The model has the parameters with which the last finite loss was computed.

    Attributes
    ----------
    epoch, batch, step : int
        Where it was noticed: the epoch, the batch in it and the update, all counted from 0.
    where : str
        The first layer, operation or gradient that was not finite.
    history : History
        Up to the last finished epoch.
    """

    def __init__(self, message: str, epoch: int, batch: int, step: int, where: str, history: History) -> None:
        super().__init__(message)
        self.epoch, self.batch, self.step, self.where, self.history = epoch, batch, step, where, history

    def __reduce__(self) -> Any:
        return type(self), (str(self), self.epoch, self.batch, self.step, self.where, self.history)


def first_bad(network: Network, loss: Any, batch: Any, before: Any, good: State) -> str:
    """Return what was not finite first: a parameter by its gradient or update, a layer, an operation; "" if nothing is.

    Parameters
    ----------
    network : Network
        As it is now.
    loss : callable
    batch : (x, y)
        The batch at which it was noticed.
    before : (x, y) or None
        The batch of the last update.
    good : dict
        The state before the last update.
    """
    if any(not finite(p) or (p.grad is not None and not finite(p.grad)) for p in network.parameters.values()):
        return bad_update(network, loss, before, good)
    with unchanged(network), np.errstate(all="ignore"):
        return bad_layer(network, batch[0]) or bad_operation(network, loss, batch)


def bad_update(network: Network, loss: Any, before: Any, good: State) -> str:
    """Return which gradient, or which update, made a parameter infinite."""
    parameters = network.parameters
    gradients = [(name, p.grad) for name, p in parameters.items() if p.grad is not None and not finite(p.grad)]
    if not gradients:
        name = next(name for name, p in parameters.items() if not finite(p))
        return f"parameter `{name}` of shape {parameters[name].shape} after its update ({counted(parameters[name])})"
    name, gradient = gradients[-1]  # the sweep goes from the loss to the inputs: the last is reached first
    where = f"the gradient of parameter `{name}` of shape {parameters[name].shape} ({counted(gradient)})"
    if before is not None:
        with contextlib.suppress(Exception), unchanged(network), np.errstate(all="ignore"), network.with_state(good):
            where += bad_rule(network, loss, before)
    return where


def bad_rule(network: Network, loss: Any, batch: Any) -> str:
    """Return whose derivative is not finite where its value still is."""
    graph = trace(lambda x, y: loss(network.model(x), y), *batch)
    gradients = graph.gradients()
    for node in reversed(graph.nodes):
        if node in gradients and not finite(gradients[node]):
            for user in graph.nodes:
                if node in user.parents and (user not in gradients or finite(gradients[user])):
                    label = graph.label(node)
                    return f": the derivative of {user.primitive.name}" + (f" at `{label}`" if label else "")
    return ""


def bad_layer(network: Network, x: Any) -> str:
    """Return the first layer of a Module whose output is not finite."""
    if network.module is None:
        return ""
    found: list[str] = []

    def see(name: str, layer: Any, y: Any) -> None:
        if name and not found and not finite(y):
            found.append(f"the output of layer `{name}`, {layer.label()} ({counted(y)})")

    with contextlib.suppress(Exception), watched(network.module, see), no_grad():
        network.model(x)
    return found[0] if found else ""


def bad_operation(network: Network, loss: Any, batch: Any) -> str:
    """Return the first operation of the model, or of the loss, whose value is not finite."""
    with contextlib.suppress(Exception):
        graph = trace(network.model, batch[0])
        for node in graph.nodes:
            if node.parents and not finite(graph.value(node)):
                return operation(graph, node)
    with contextlib.suppress(Exception):
        graph = trace(loss, network.predict(batch[0]), batch[1])
        for node in graph.nodes:
            if node.parents and not finite(graph.value(node)):
                return operation(graph, node) + " in the loss"
    return ""


def operation(graph: Any, node: Any) -> str:
    """Return what an error calls an operation of a graph."""
    label = graph.label(node)
    made = f"`{label}`, made by {node.primitive.name}" if label else f"the result of {node.primitive.name}"
    return f"{made} of shape {node.shape} ({counted(graph.value(node))})"


@contextlib.contextmanager
def unchanged(network: Network) -> Iterator[None]:
    """Undo afterwards what another forward pass changes: running statistics, and what was drawn."""
    state = network.state()
    streams = [(g, deepcopy(state_of(g))) for g in network.generators().values()]
    try:
        yield
    finally:
        for name, t in network.tensors.items():
            if t.data is not state[name]:
                t.assign(state[name])
        for g, before in streams:
            set_state(g, before)


def state_of(rng: Any) -> Any:
    """Return the state of a source of random numbers."""
    return rng.get_state(legacy=False) if isinstance(rng, np.random.RandomState) else rng.bit_generator.state


def set_state(rng: Any, state: Any) -> None:
    """Give a source of random numbers another state."""
    if isinstance(rng, np.random.RandomState):
        rng.set_state(state)
    else:
        rng.bit_generator.state = state
