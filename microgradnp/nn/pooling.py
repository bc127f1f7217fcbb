"""Pooling of images."""

from __future__ import annotations

from typing import Any

from microgradnp.nn import functional
from microgradnp.nn.module import Module
from microgradnp.primitives.convolution import pair


class Pool(Module):
    """What the pools have in common: a window that moves."""

    def __init__(self, kernel: Any, stride: Any = None, padding: Any = 0) -> None:
        self.kernel = pair(kernel, "kernel", 1)
        self.stride = self.kernel if stride is None else pair(stride, "stride", 1)
        self.padding = pair(padding, "padding", 0)

    def settings(self) -> str:
        """Return the window, and what is not as usual."""
        text = f"{self.kernel[0]}x{self.kernel[1]}"
        text += "" if self.stride == self.kernel else f", stride={self.stride}"
        return text + ("" if self.padding == (0, 0) else f", padding={self.padding}")


class MaxPool2d(Pool):
    """Largest element of each window. Where several tie, they share the gradient equally.

    Parameters
    ----------
    kernel, stride, padding
        See `functional.max_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> MaxPool2d(2)(np.zeros((10, 3, 28, 28))).shape
    (10, 3, 14, 14)
    """

    def forward(self, x: Any) -> Any:
        """Return the largest elements for images of shape (n, channels, height, width)."""
        return functional.max_pool2d(x, self.kernel, self.stride, self.padding)


class AvgPool2d(Pool):
    """Mean of each window.

    Parameters
    ----------
    kernel, stride, padding
        See `functional.avg_pool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> AvgPool2d(2)(np.ones((10, 3, 28, 28))).shape
    (10, 3, 14, 14)
    """

    def forward(self, x: Any) -> Any:
        """Return the means for images of shape (n, channels, height, width)."""
        return functional.avg_pool2d(x, self.kernel, self.stride, self.padding)
