"""Long short-term memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.nn.checks import as_array
from microgradnp.nn.initialisers import zeros
from microgradnp.nn.recurrent import Array, Recurrent
from microgradnp.primitives.network import logistic


class LSTM(Recurrent):
    """Long short-term memory, along the time axis.

    With the gates i, f, g, o as blocks of ``x @ input_weight + h @ hidden_weight + bias``:
    ``c' = s(f) c + s(i) tanh(g)``, ``h' = s(o) tanh(c')``, where s is the logistic function.

    Parameters
    ----------
    inputs, hidden : int
        Numbers of features that come in, and of the state.
    forget_bias : float
        Added to the initial bias of f, so that the memory lasts.
    **options
        ``init``, ``hidden_init``, ``bias_init``, ``rng``, ``dtype``: see `Recurrent`.

    Attributes
    ----------
    input_weight : Tensor, shape (inputs, 4 hidden)
    hidden_weight : Tensor, shape (hidden, 4 hidden)
    bias : Tensor, shape (4 hidden,)

    References
    ----------
    Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9 (1997); Gers, Schmidhuber and Cummins,
    "Learning to forget", Neural Computation 12 (2000); Jozefowicz, Zaremba and Sutskever, "An empirical exploration of
    recurrent network architectures", ICML 2015, for the bias.

    Examples
    --------
    >>> outputs, (h, c) = LSTM(3, 5, rng=0)(np.zeros((2, 7, 3)))
    >>> outputs.shape, h.shape, c.shape
    ((2, 7, 5), (2, 5), (2, 5))
    """

    gates = ("input", "forget", "candidate", "output")

    def __init__(
        self, inputs: int, hidden: int, forget_bias: float = 1.0, bias_init: Any = zeros, **options: Any
    ) -> None:
        super().__init__(inputs, hidden, bias_init=bias_init, **options)
        bias = self.bias.numpy()
        bias[hidden : 2 * hidden] += forget_bias
        self.bias.assign(bias)

    def forward(self, x: Any, state: Any = None) -> tuple[Array, tuple[Array, Array]]:
        """Return the outputs at all times, of shape (n, time, hidden), and the last state (h, c).

        `x` has shape (n, time, inputs); `state` is a pair (h, c) of shape (n, hidden) to begin with, by default 0.
        """
        x = as_array(x)
        if state is not None and (not isinstance(state, tuple | list) or len(state) != 2):
            raise TypeError(f"{self.label()} wants its state as a pair (h, c)")
        h, c = state if state is not None else (None, None)
        h, c = self.state(x, h, "state h"), self.state(x, c, "state c")
        outputs = []
        for p in self.projected(x):
            i, f, g, o = self.parts(p + h @ self.hidden_weight)
            c = logistic(f) * c + logistic(i) * np.tanh(g)
            h = logistic(o) * np.tanh(c)
            outputs.append(h)
        return np.stack(outputs, axis=1), (h, c)
