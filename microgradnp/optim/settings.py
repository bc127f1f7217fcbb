"""The settings of an optimizer: attributes that check what they are given."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from microgradnp.optim.base import Optimizer


class Setting:
    """An attribute of an optimizer that can be read and set, and is handed to the rule by its name."""

    def __init__(self, checked: Callable[[str, Any], Any]) -> None:
        self.checked = checked
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, optimizer: Optimizer | None, owner: type | None = None) -> Any:
        return self if optimizer is None else optimizer.settings[self.name]

    def __set__(self, optimizer: Optimizer, value: Any) -> None:
        optimizer.change({self.name: value})


def number(label: str, value: Any) -> float:
    """Return a Python number: one of NumPy's would make float64 of float32 parameters."""
    try:
        if not isinstance(value, str | bytes):
            return float(value)
    except (TypeError, ValueError):
        pass
    raise TypeError(f"{label} must be a number, not {value!r:.60}")


def positive(label: str, value: Any) -> float:
    """Return a finite number that is not negative."""
    given = number(label, value)
    if not 0 <= given < math.inf:
        raise ValueError(f"{label}={given:g} must be a finite number that is not negative")
    return given


def unsigned(label: str, value: Any) -> float:
    """Return a number that is not negative, maybe infinite."""
    given = number(label, value)
    if not given >= 0:
        raise ValueError(f"{label}={given:g} must not be negative")
    return given


def fraction(label: str, value: Any) -> float:
    """Return a number from 0 to 1."""
    given = number(label, value)
    if not 0 <= given <= 1:
        raise ValueError(f"{label}={given:g} must be from 0 to 1")
    return given


def forgetting(label: str, value: Any) -> float:
    """Return a number from 0 to less than 1: how much a running average keeps."""
    given = number(label, value)
    if not 0 <= given < 1:
        raise ValueError(f"{label}={given:g} must be at least 0 and less than 1")
    return given


def pair(label: str, value: Any) -> tuple[float, float]:
    """Return two numbers from 0 to less than 1."""
    try:
        first, second = value
    except (TypeError, ValueError):
        raise TypeError(f"{label} must be two numbers, such as (0.9, 0.999), not {value!r:.60}") from None
    return forgetting(f"{label}[0]", first), forgetting(f"{label}[1]", second)


def flag(label: str, value: Any) -> bool:
    """Return True or False."""
    if not isinstance(value, bool | int | np.bool_) or value not in (0, 1):
        raise TypeError(f"{label} must be True or False, not {value!r:.60}")
    return bool(value)
