"""Optimizers: each rule is a short pure formula, which the eager step and everybody else uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from microgradnp.tensor import Tensor

Array = Any


def sgd(
    parameter: Array,
    gradient: Array,
    velocity: Array,
    *,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> tuple[Array, Array]:
    """One step of gradient descent with momentum.

    ``v' = momentum v + g``, ``p' = p - lr v'``; with Nesterov's momentum ``p' = p - lr (g + momentum v')``. With ``M =
    -lr v`` and a constant learning rate this is the classical form ``M' = momentum M - lr g``, ``p' = p + M'``.

    Parameters
    ----------
    parameter, gradient, velocity : ndarray
        Of equal shape; the velocity is 0 before the first step.
    lr, momentum, weight_decay : float
        `weight_decay` adds ``weight_decay * p`` to the gradient.
    nesterov : bool

    Returns
    -------
    parameter, velocity : ndarray

    References
    ----------
    Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep learning", ICML 2013.

    Examples
    --------
    >>> p, v = sgd(1.0, 2.0, 0.0, lr=0.1, momentum=0.9)
    >>> p, v
    (0.8, 2.0)
    """
    if weight_decay:
        gradient = gradient + weight_decay * parameter
    velocity = momentum * velocity + gradient if momentum else gradient
    step = lr * (gradient + momentum * velocity if nesterov else velocity)
    if type(step) is np.ndarray and step.dtype == getattr(parameter, "dtype", None):
        return np.subtract(parameter, step, out=step), velocity  # one array less, which is what costs for large ones
    return parameter - step, velocity


class SGD:
    """Gradient descent, with momentum, Nesterov's momentum and weight decay if asked.

    Parameters
    ----------
    params : iterable of Tensor
        Made with ``requires_grad=True``.
    lr : float
        Learning rate: how far a step goes along the gradient.
    momentum, weight_decay : float
    nesterov : bool

    Raises
    ------
    TypeError
        If a parameter is no Tensor that requires a gradient.
    ValueError
        If there are no parameters, or a number is out of range.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.25)
    >>> np.sum(w**2).backward()
    >>> optimizer.step()
    >>> w
    Tensor([ 0.5, -1. ], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        self.params: Sequence[Tensor] = list(params)
        if not self.params:
            raise ValueError("SGD got no parameters: pass the tensors to train, e.g. SGD([W, b], lr=0.1)")
        for i, p in enumerate(self.params):
            if not isinstance(p, Tensor) or not p.is_leaf or not p.requires_grad:
                raise TypeError(
                    f"parameter {i} is no leaf that requires a gradient: make it with mg.tensor(..., requires_grad=True)"
                )
        for label, number in (("lr", lr), ("momentum", momentum), ("weight_decay", weight_decay)):
            if not number >= 0:
                raise ValueError(f"{label}={number} must not be negative")
        if nesterov and not momentum:
            raise ValueError("nesterov=True wants a momentum greater than 0")
        self.lr, self.momentum, self.nesterov, self.weight_decay = lr, momentum, nesterov, weight_decay
        self.velocities: list[Array] = [0.0] * len(self.params)

    def step(self) -> None:
        """Move every parameter that has a gradient by one step."""
        for i, p in enumerate(self.params):
            gradient = p.grad
            if gradient is not None:
                new, self.velocities[i] = sgd(
                    p._value,
                    gradient,
                    self.velocities[i],
                    lr=self.lr,
                    momentum=self.momentum,
                    nesterov=self.nesterov,
                    weight_decay=self.weight_decay,
                )
                p._set(np.asarray(new, dtype=p.dtype))

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for p in self.params:
            p.zero_grad()
