"""Images to vectors."""

from __future__ import annotations

from typing import Any

from microgradnp.nn import functional
from microgradnp.nn.module import Module


class Flatten(Module):
    """All axes from `start` on as one.

    Examples
    --------
    >>> import numpy as np
    >>> Flatten()(np.zeros((5, 3, 2, 2))).shape
    (5, 12)
    """

    def __init__(self, start: int = 1) -> None:
        self.start = start

    def forward(self, x: Any) -> Any:
        """Return x of shape (n, a, b, ...) with shape (n, a b ...)."""
        return functional.flatten(x, self.start)
