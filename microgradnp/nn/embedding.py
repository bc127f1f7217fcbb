"""A vector for each label."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.nn import functional
from microgradnp.nn.initialisers import initial, normal
from microgradnp.nn.module import Module, parameter


class Embedding(Module):
    """A vector for each label, looked up in a table of parameters.

    Parameters
    ----------
    labels : int
        How many there are.
    features : int
        Length of the vectors.
    init : callable, float or array_like
        Initial values, or an initialiser ``(shape, rng)``; see `nn.initialisers`.
    rng : Generator, RandomState, int or None
    dtype : dtype

    Attributes
    ----------
    weight : Tensor, shape (labels, features)

    Examples
    --------
    >>> Embedding(10, 4, rng=0)([[1, 2, 3]]).shape
    (1, 3, 4)
    """

    def __init__(
        self, labels: int, features: int, *, init: Any = normal, rng: Any = None, dtype: Any = np.float64
    ) -> None:
        self.weight = parameter(initial(init, (labels, features), rng, dtype))

    def forward(self, labels: Any) -> Any:
        """Return the vectors for integers from 0 on, of shape (..., features)."""
        return functional.embedding(labels, self.weight)

    def settings(self) -> str:
        """Return the number of labels and the length of the vectors."""
        return "{} -> {}".format(*self.weight.shape)
