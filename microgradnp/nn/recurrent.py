"""What the recurrent layers have in common: a state that is carried along the time axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.nn import functional
from microgradnp.nn.initialisers import glorot_uniform, initial, orthogonal, zeros
from microgradnp.nn.module import Module, parameter

Array = Any


class Recurrent(Module):
    """A layer that reads a sequence from the first to the last element and carries a state along.

    Parameters
    ----------
    inputs, hidden : int
        Numbers of features that come in, and of the state.
    init, hidden_init, bias_init : callable, float or array_like
        Initial values of the weights of what comes in, of those of the state, and of the bias. Drawn in this order.
    rng : Generator, RandomState, int or None
    dtype : dtype
    """

    #: How many blocks of `hidden` columns the weights have, and what they are called.
    gates: tuple[str, ...] = ("state",)

    def __init__(
        self,
        inputs: int,
        hidden: int,
        *,
        init: Any = glorot_uniform,
        hidden_init: Any = orthogonal,
        bias_init: Any = zeros,
        rng: Any = None,
        dtype: Any = np.float64,
    ) -> None:
        self.inputs, self.hidden = inputs, hidden
        columns = len(self.gates) * hidden
        self.input_weight = parameter(initial(init, (inputs, columns), rng, dtype))
        self.hidden_weight = parameter(initial(hidden_init, (hidden, columns), rng, dtype))
        self.bias = parameter(initial(bias_init, (columns,), rng, dtype))

    def settings(self) -> str:
        """Return the numbers of features."""
        return f"{self.inputs} -> {self.hidden}"

    def projected(self, x: Array) -> list[Array]:
        """Return ``x @ input_weight + bias`` for each time: one product of matrices for all of them."""
        if x.ndim != 3 or x.shape[2] != self.inputs or not x.shape[1]:
            raise ValueError(f"{self.label()} wants x of shape (n, time, {self.inputs}), not {x.shape}")
        return steps(functional.linear(x.transpose((1, 0, 2)), self.input_weight, self.bias))

    def state(self, x: Array, given: Array | None, what: str = "state") -> Array:
        """Return the state to begin with: the one that is given, or zeros."""
        shape = (x.shape[0], self.hidden)
        if given is None:
            return np.zeros(shape, x.dtype if x.dtype.kind == "f" else np.float64)
        if np.shape(given) != shape:
            raise ValueError(f"{self.label()}: a {what} of shape {np.shape(given)} was given, wanted is {shape}")
        return given

    def parts(self, gates: Array) -> list[Array]:
        """Return the blocks of columns."""
        n = self.hidden
        return [gates[:, k * n : (k + 1) * n] for k in range(gates.shape[1] // n)]


def steps(x: Array) -> list[Array]:
    """Return the elements along the first axis.

    By halves: the gradient of an element is one of the whole, zero elsewhere, so that taking all elements one by one would
    cost the square of their number on the way back.

    Examples
    --------
    >>> steps(np.array([1.0, 2.0, 3.0]))
    [np.float64(1.0), np.float64(2.0), np.float64(3.0)]
    """
    n = len(x)
    if n <= 4:
        return [x[i] for i in range(n)]
    return steps(x[: n // 2]) + steps(x[n // 2 :])
