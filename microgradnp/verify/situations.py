"""A wrong gradient with what surrounds it, and the mistakes that could have made it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgradnp.tape import Node
from microgradnp.verify.judgement import Cause
from microgradnp.verify.scene import Scene

Array = Any


@dataclass
class Candidate:
    """One mistake, and the value that it gives.

    Attributes
    ----------
    key : tuple
        The same for the same mistake at another input.
    cause : Cause
    rank : float
        How far-fetched it is: 0 is the mistake that everybody makes.
    text : str
        What was done, completing "it equals the right answer ...".
    value : callable
        Computes the wrong value. None where the mistake makes no sense.
    free : bool
        Whether any constant factor is part of the mistake (a learning rate, a penalty).
    """

    key: tuple[Any, ...]
    cause: Cause
    rank: float
    text: str
    value: Callable[..., Array | None]
    free: bool = False


@dataclass
class Explanation:
    """Why a value is wrong.

    Attributes
    ----------
    cause : Cause
    text : str
        One sentence, with the user's own names.
    rank : float
    key : tuple
    constant : float or None
        The factor by which all of it is off, where that is the mistake.
    """

    cause: Cause
    text: str
    rank: float
    key: tuple[Any, ...] = ()
    constant: float | None = None
    constant_name: str = ""


class Situation:
    """A scene with what surrounds it: the values by name, and the value that the user's formula gave there."""

    def __init__(self, scene: Scene, hand: Array, environment: Mapping[str, Any], claims: Mapping[str, str]) -> None:
        self.scene = scene
        self.hand = np.asarray(hand, dtype=np.float64)
        self.environment = environment
        self.claims = claims  # what the user calls the gradient of a quantity
        self.pool = self._pool()

    def _pool(self) -> dict[str, Array]:
        """Return every named array that a formula could have used by mistake."""
        pool = {}
        for name, node in self.scene.point.graph.names.items():
            if node.dtype.kind in "fb" and "@" not in name:
                pool[name] = np.asarray(node.saved[0], dtype=np.float64)
        for name, value in self.environment.items():
            if name not in pool and isinstance(value, np.ndarray) and value.dtype.kind in "fb":
                pool[name] = value.astype(np.float64)
        return pool

    def gradient_name(self, node: Node) -> str:
        """Return what the user calls the gradient of a node."""
        label = self.scene.label(node) or node.primitive.name
        return self.claims.get(label, f"∂loss/∂{label}")


class Fitted(np.ndarray):
    """A value in which a constant was chosen so that it fits best."""

    constant: float


def solved(hand: Array, base: Array, part: Array) -> Array | None:
    """Return base + c part for the c that fits best."""
    denominator = float(np.sum(part * part))
    if hand.shape != base.shape or not denominator > 0:
        return None
    c = float(np.sum((hand - base) * part)) / denominator
    if not math.isfinite(c):
        return None
    value = np.asarray(base + c * part).view(Fitted)
    value.constant = c
    return value


def quiet(f: Callable[[Array], Array], x: Array) -> Array:
    """Compute without warnings."""
    with np.errstate(all="ignore"):
        return f(x)
