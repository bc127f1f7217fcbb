"""The affine map."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.nn import functional
from microgradnp.nn.initialisers import glorot_uniform, initial, zeros
from microgradnp.nn.module import Module, parameter


class Linear(Module):
    """The affine map ``x @ weight + bias``.

    Parameters
    ----------
    inputs, outputs : int
        Lengths of the last axis of what comes in and goes out.
    bias : bool
        Whether a bias is added.
    init, bias_init : callable, float or array_like
        Initial values, or an initialiser ``(shape, rng)``; see `nn.initialisers`. The weight is drawn first.
    rng : Generator, RandomState, int or None
        What the initialisers draw from; an int is a seed.
    dtype : dtype

    Attributes
    ----------
    weight : Tensor, shape (inputs, outputs)
    bias : Tensor or None, shape (outputs,)

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> layer = Linear(2, 3, rng=0)
    >>> layer(np.zeros((5, 2))).shape
    (5, 3)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        bias: bool = True,
        *,
        init: Any = glorot_uniform,
        bias_init: Any = zeros,
        rng: Any = None,
        dtype: Any = np.float64,
    ) -> None:
        self.weight = parameter(initial(init, (inputs, outputs), rng, dtype))
        self.bias = parameter(initial(bias_init, (outputs,), rng, dtype)) if bias else None

    def forward(self, x: Any) -> Any:
        """Return ``x @ weight + bias`` for x of shape (..., inputs)."""
        return functional.linear(x, self.weight, self.bias)

    def settings(self) -> str:
        """Return the numbers of inputs and outputs."""
        inputs, outputs = self.weight.shape
        return f"{inputs} -> {outputs}" + ("" if self.bias is not None else ", no bias")
