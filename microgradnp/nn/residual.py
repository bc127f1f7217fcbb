"""A layer around which what comes in is led past."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from microgradnp.nn.checks import as_array
from microgradnp.nn.module import Module
from microgradnp.nn.sequential import Sequential


class Residual(Module):
    """``x + layer(x)``, or ``shortcut(x) + layer(x)`` where shapes change.

    Parameters
    ----------
    *layers : callable
        One layer, or several, which run one after the other.
    shortcut : callable, optional
        What x goes through on its way past.

    Raises
    ------
    ValueError
        When called, if the two shapes differ: they would broadcast.

    References
    ----------
    He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> Residual(np.tanh)(np.zeros(3))
    array([0., 0., 0.])
    """

    def __init__(self, *layers: Callable[..., Any], shortcut: Callable[..., Any] | None = None) -> None:
        self.layer = layers[0] if len(layers) == 1 else Sequential(*layers)
        self.shortcut = shortcut

    def forward(self, x: Any) -> Any:
        """Return the sum of x and what the layer makes of it."""
        x = as_array(x)
        past = x if self.shortcut is None else self.shortcut(x)
        y = self.layer(x)
        if np.shape(past) != np.shape(y):
            raise ValueError(
                f"Residual: the layer makes shape {np.shape(y)} of x of shape {np.shape(x)}, past it goes "
                f"{np.shape(past)}; the two must be equal: pass shortcut=nn.Linear(...) or a convolution of size 1"
            )
        return past + y
