"""Dropout."""

from __future__ import annotations

from typing import Any

from microgradnp.nn import functional
from microgradnp.nn.initialisers import generator
from microgradnp.nn.module import Module


class Dropout(Module):
    """While training, zero each element with probability `p` and divide the others by ``1 - p``; else, pass through.

    Parameters
    ----------
    p : float
        From 0 to 1, which leaves nothing.
    rng : Generator, RandomState, int or None
        What the masks are drawn from; an int is a seed. Each layer has a source of its own unless one is passed.

    Raises
    ------
    ValueError
        If `p` is out of range.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to prevent neural networks from
    overfitting", JMLR 15 (2014).

    Examples
    --------
    >>> import numpy as np
    >>> layer = Dropout(0.5, rng=0)
    >>> layer(np.ones(6))
    array([2., 0., 0., 0., 2., 2.])
    >>> layer.eval()(np.ones(6))
    array([1., 1., 1., 1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, rng: Any = None) -> None:
        functional.check_probability(p)
        self.p = p
        self.rng = generator(rng)

    def forward(self, x: Any) -> Any:
        """Return x with elements dropped while training, x itself otherwise."""
        return functional.dropout(x, self.p, self.rng) if self.training else x

    def settings(self) -> str:
        """Return the probability."""
        return f"{self.p}"
