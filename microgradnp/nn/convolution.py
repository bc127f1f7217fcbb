"""Convolution of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.nn import functional
from microgradnp.nn.initialisers import he_uniform, initial, zeros
from microgradnp.nn.module import Module, parameter
from microgradnp.primitives.convolution import pair


class Conv2d(Module):
    """Cross-correlation of images with a kernel, plus a bias for each channel of the result.

    Parameters
    ----------
    inputs, outputs : int
        Numbers of channels.
    kernel : int or two ints
        Height and width.
    stride, padding, dilation, groups
        See `functional.conv2d`.
    bias : bool
    init, bias_init : callable, float or array_like
        Initial values, or an initialiser ``(shape, rng)``; see `nn.initialisers`. The weight is drawn first.
    rng : Generator, RandomState, int or None
    dtype : dtype

    Attributes
    ----------
    weight : Tensor, shape (outputs, inputs / groups, kernel height, kernel width)
    bias : Tensor or None, shape (outputs,)

    Examples
    --------
    >>> import numpy as np
    >>> layer = Conv2d(1, 8, 5, padding=2, rng=0)
    >>> layer(np.zeros((10, 1, 28, 28))).shape
    (10, 8, 28, 28)
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        init: Any = he_uniform,
        bias_init: Any = zeros,
        rng: Any = None,
        dtype: Any = np.float64,
    ) -> None:
        if groups < 1 or inputs % groups or outputs % groups:
            raise ValueError(f"Conv2d: groups={groups} must divide inputs={inputs} and outputs={outputs}")
        shape = (outputs, inputs // groups, *pair(kernel, "kernel", 1))
        self.stride, self.dilation, self.groups = pair(stride, "stride", 1), pair(dilation, "dilation", 1), groups
        more: tuple[int, ...] = (0, 0)
        self.padding: Any = padding
        if isinstance(padding, str):
            padding, more = functional.spelled_padding(padding, shape[2:], stride, dilation)
        if not any(more):  # else it stays spelled out: two numbers do not say what it is
            self.padding = pair(padding, "padding", 0)
        self.weight = parameter(initial(init, shape, rng, dtype))
        self.bias = parameter(initial(bias_init, (outputs,), rng, dtype)) if bias else None

    def forward(self, x: Any) -> Any:
        """Return the result for images of shape (n, inputs, height, width)."""
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def settings(self) -> str:
        """Return the channels, the kernel, and what is not as usual."""
        outputs, inputs, *kernel = self.weight.shape
        text = f"{inputs * self.groups} -> {outputs}, {kernel[0]}x{kernel[1]}"
        for name, value, usual in (
            ("stride", self.stride, (1, 1)),
            ("padding", self.padding, (0, 0)),
            ("dilation", self.dilation, (1, 1)),
            ("groups", self.groups, 1),
        ):
            if value not in (usual, 0):
                text += f", {name}={value[0] if isinstance(value, tuple) and value[0] == value[1] else value}"
        return text + ("" if self.bias is not None else ", no bias")
