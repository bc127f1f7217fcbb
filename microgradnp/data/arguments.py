"""What the generators of data share: their types, and arguments checked before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.intp]
Seed: TypeAlias = int | np.random.RandomState | np.random.Generator | None


class Stream(Protocol):
    """What RandomState, Generator and the module ``numpy.random`` have in common."""

    def normal(self, loc: ArrayLike, scale: float, size: tuple[int, ...]) -> Points:
        """Draw from normal distributions."""

    def uniform(self, low: float, high: float, size: tuple[int, ...]) -> Points:
        """Draw from a uniform distribution."""

    def shuffle(self, x: NDArray[Any]) -> None:
        """Permute `x` in place."""


def stream_of(random_state: object, name: str = "random_state") -> Stream:
    """Return the source of random numbers that `random_state` stands for."""
    if random_state is None or random_state is np.random:
        return cast(Stream, np.random)
    if isinstance(random_state, np.random.RandomState | np.random.Generator):
        return cast(Stream, random_state)
    if not isinstance(random_state, Integral):
        raise TypeError(
            f"{name} must be a seed, a RandomState, a Generator or None, "
            f"got {random_state!r} ({type(random_state).__name__})"
        )
    if not 0 <= int(random_state) < 2**32:
        raise ValueError(f"{name} as a seed must be in [0, 2**32), got {random_state}")
    return cast(Stream, np.random.RandomState(int(random_state)))


def items(values: object, name: str, length: int | None = None) -> list[object]:
    """Return the entries of a sequence, or raise where it is none, or has another length."""
    if not isinstance(values, Sequence | np.ndarray) or isinstance(values, str | bytes):
        raise TypeError(f"{name} must be numeric or a sequence, got {values!r} ({type(values).__name__})")
    if length is not None and len(values) != length:
        raise ValueError(f"{name} must have {length} entries, got {len(values)}: {values!r}")
    return list(values)


def count(value: object, name: str, least: int) -> int:
    """Return an integer of at least `least`, or raise."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r} ({type(value).__name__})")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def real(value: object, name: str) -> float:
    """Return a finite number, or raise."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__})")
    if not np.isfinite(float(value)):
        raise ValueError(f"{name} must be finite, got {value}")
    return float(value)


def deviation(value: object, name: str) -> float:
    """Return a standard deviation, or raise."""
    number = real(value, name)
    if number < 0:
        raise ValueError(f"{name} is a standard deviation and cannot be negative, got {value}")
    return number


def shuffled(X: Points, y: Labels, stream: Stream) -> tuple[Points, Labels]:
    """Return points and labels in one random order."""
    order = np.arange(len(y))
    stream.shuffle(order)
    return X[order], y[order]
