"""By how many percent weights changed, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def percent_change(now: Any, original: Any, smallest: float = 1e-10) -> Array:
    """By how many percent each element changed: ``(now - original) / original * 100``.

    Document 004 guards the division by ``all(abs(original)) > 1e-10``, which compares a truth value: one element that is
    0 hides the changes of all others, and what is undefined is shown as 0. Here every element has a guard of its own.

    Parameters
    ----------
    now, original : array_like
        Of equal shape.
    smallest : float
        Where ``abs(original)`` is at most this, the change is undefined.

    Returns
    -------
    ndarray
        In percent; nan where undefined.

    Examples
    --------
    >>> percent_change([-0.01, 1.9], [0.0, 2.0])
    array([nan, -5.])
    """
    now, original = np.asarray(now, dtype=np.float64), np.asarray(original, dtype=np.float64)
    if now.shape != original.shape:
        raise ValueError(f"percent_change: now has shape {now.shape}, original {original.shape}; they must be equal")
    defined = np.abs(original) > smallest
    return np.where(defined, (now - original) / np.where(defined, original, 1.0) * 100.0, np.nan)


class Changes(dict[str, Array]):
    """Percent changes by name of parameter, nan where undefined; printed as a table.

    Examples
    --------
    >>> print(Changes({"b": np.array([np.nan]), "w": np.array([[-5.0, 20.0]])}))
        smallest    largest  undefined
    b  undefined  undefined     1 of 1
    w         -5         20     0 of 2
    """

    def __str__(self) -> str:
        rows = [["", "smallest", "largest", "undefined"]]
        for name, a in self.items():
            defined = a[np.isfinite(a)]
            low, high = (f"{defined.min():.6g}", f"{defined.max():.6g}") if defined.size else ("undefined",) * 2
            rows.append([name, low, high, f"{a.size - defined.size} of {a.size}"])
        first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
        return "\n".join(
            f"{name:{first}}  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, others, strict=True))
            for name, *cells in rows
        )
