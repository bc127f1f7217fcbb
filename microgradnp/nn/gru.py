"""The gated recurrent unit."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.nn.checks import as_array
from microgradnp.nn.initialisers import initial, zeros
from microgradnp.nn.module import parameter
from microgradnp.nn.recurrent import Array, Recurrent
from microgradnp.primitives.network import logistic


class GRU(Recurrent):
    """The gated recurrent unit, along the time axis.

    With p = ``x @ input_weight + bias`` and q = ``h @ hidden_weight`` in blocks r, z, n: ``r = s(p_r + q_r)``,
    ``z = s(p_z + q_z)``, ``n = tanh(p_n + r (q_n + hidden_bias))``, ``h' = (1 - z) n + z h``, where s is the logistic
    function. The reset gate r acts after the product with the weights, as in cuDNN.

    Parameters
    ----------
    inputs, hidden : int
        Numbers of features that come in, and of the state.
    **options
        ``init``, ``hidden_init``, ``bias_init``, ``rng``, ``dtype``: see `Recurrent`.

    Attributes
    ----------
    input_weight : Tensor, shape (inputs, 3 hidden)
    hidden_weight : Tensor, shape (hidden, 3 hidden)
    bias : Tensor, shape (3 hidden,)
    hidden_bias : Tensor, shape (hidden,)

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation", EMNLP
    2014.

    Examples
    --------
    >>> outputs, h = GRU(3, 5, rng=0)(np.zeros((2, 7, 3)))
    >>> outputs.shape, h.shape
    ((2, 7, 5), (2, 5))
    """

    gates = ("reset", "update", "candidate")

    def __init__(self, inputs: int, hidden: int, **options: Any) -> None:
        super().__init__(inputs, hidden, **options)
        self.hidden_bias = parameter(initial(zeros, (hidden,), None, self.bias.dtype))

    def forward(self, x: Any, h: Any = None) -> tuple[Array, Array]:
        """Return the states at all times, of shape (n, time, hidden), and the last one.

        `x` has shape (n, time, inputs); `h`, of shape (n, hidden), is the state to begin with, by default 0.
        """
        x = as_array(x)
        h = self.state(x, h)
        states = []
        for p in self.projected(x):
            (p_r, p_z, p_n), (q_r, q_z, q_n) = self.parts(p), self.parts(h @ self.hidden_weight)
            r, z = logistic(p_r + q_r), logistic(p_z + q_z)
            n = np.tanh(p_n + r * (q_n + self.hidden_bias))
            h = n + z * (h - n)
            states.append(h)
        return np.stack(states, axis=1), h
