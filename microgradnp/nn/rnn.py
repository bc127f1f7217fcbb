"""The simple recurrent layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from microgradnp.nn.checks import as_array
from microgradnp.nn.recurrent import Array, Recurrent


class RNN(Recurrent):
    """``h' = tanh(x @ input_weight + h @ hidden_weight + bias)``, along the time axis.

    Parameters
    ----------
    inputs, hidden : int
        Numbers of features that come in, and of the state.
    activation : callable
        By default ``np.tanh``.
    **options
        ``init``, ``hidden_init``, ``bias_init``, ``rng``, ``dtype``: see `Recurrent`.

    Attributes
    ----------
    input_weight : Tensor, shape (inputs, hidden)
    hidden_weight : Tensor, shape (hidden, hidden)
    bias : Tensor, shape (hidden,)

    References
    ----------
    Elman, "Finding structure in time", Cognitive Science 14 (1990).

    Examples
    --------
    >>> outputs, h = RNN(3, 5, rng=0)(np.zeros((2, 7, 3)))
    >>> outputs.shape, h.shape
    ((2, 7, 5), (2, 5))
    """

    def __init__(self, inputs: int, hidden: int, activation: Callable[[Any], Any] = np.tanh, **options: Any) -> None:
        if not callable(activation):
            raise TypeError(f"RNN: activation={activation!r} must be a function, such as np.tanh or nn.functional.relu")
        super().__init__(inputs, hidden, **options)
        self.activation = activation

    def forward(self, x: Any, h: Any = None) -> tuple[Array, Array]:
        """Return the states at all times, of shape (n, time, hidden), and the last one.

        `x` has shape (n, time, inputs); `h`, of shape (n, hidden), is the state to begin with, by default 0.
        """
        x = as_array(x)
        h = self.state(x, h)
        states = []
        for p in self.projected(x):
            h = self.activation(p + h @ self.hidden_weight)
            states.append(h)
        return np.stack(states, axis=1), h
