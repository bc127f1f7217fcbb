"""The learning-rate range test: which rates a network can be trained with, from one run over all of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgradnp.optim.base import Optimizer
from microgradnp.optim.settings import forgetting, number
from microgradnp.tensor import Tensor

Array = Any


@dataclass(frozen=True)
class RangeTest:
    """What a range test found.

    Attributes
    ----------
    rates : ndarray
        The learning rates that were tried, increasing.
    losses : ndarray
        The loss before the update with each of them.
    smoothed : ndarray
        Its running average, by which the rest is judged.
    settled : int
        From where on the running average is one: before, it follows the noise of the first losses.
    lowest : int
        Where in the arrays the smoothed loss is lowest.
    steepest : int or None
        Where, before that, it falls fastest per decade of the rate; None if it falls no more than noise does.
    suggestion : float or None
        The rate there.
    """

    rates: Array
    losses: Array
    smoothed: Array
    settled: int = 0

    @property
    def lowest(self) -> int:
        """Where the smoothed loss is lowest."""
        return self.settled + int(np.argmin(self.smoothed[self.settled :]))

    @property
    def steepest(self) -> int | None:
        """Where, before it is lowest, the smoothed loss falls fastest."""
        start, end = self.settled, self.lowest + 1
        if end - start < 3:
            return None
        wide = max(1, (end - start) // 8)  # a slope over so many steps to both sides: noise is steep
        inner = np.arange(start + wide, end - wide)
        falls = self.smoothed[inner - wide] - self.smoothed[inner + wide]
        quiet = (self.losses - self.smoothed)[start : end - 1]
        if not len(inner) or np.max(self.smoothed[start:end]) - self.smoothed[end - 1] <= np.std(quiet):
            return None
        return int(inner[np.argmax(falls)]) if np.max(falls) > 0 else None

    @property
    def suggestion(self) -> float | None:
        """The rate at which the smoothed loss falls fastest, None if it falls no more than noise does."""
        return None if self.steepest is None else float(self.rates[self.steepest])

    def __repr__(self) -> str:
        found = "none" if self.suggestion is None else f"{self.suggestion:.3g}"
        return (
            f"RangeTest({len(self.rates)} rates from {self.rates[0]:.3g} to {self.rates[-1]:.3g}, suggestion={found}, "
            f"lowest loss {self.smoothed[self.lowest]:.4g} at {self.rates[self.lowest]:.3g})"
        )


def range_test(
    loss: Callable[[], Tensor],
    optimizer: Optimizer,
    *,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 100,
    smoothing: float = 0.9,
    stop: float = 4.0,
    model: Any = None,
) -> RangeTest:
    """Train for some steps with a learning rate that grows from each to the next, and watch the loss.

    Afterwards the parameters and the optimizer are what they were before; random numbers that were drawn stay drawn.

    Parameters
    ----------
    loss : callable
        Returns the loss of the next batch as a Tensor; each call is one update.
    optimizer : Optimizer
        Of the parameters; its other settings are used as they are.
    lowest, highest : float
        The first and the last rate; between them the rate grows by the same factor at each step.
    steps : int
        At least 3.
    smoothing : float
        How much the running average of the loss keeps, from 0 to less than 1; 0 for a full batch, which has no noise.
    stop : float
        The test ends when the smoothed loss rises to so many times its lowest value, above it (for a positive loss), or is
        no longer finite.
    model : Module, optional
        What has more state than its parameters (running means); it is put back, too.

    Returns
    -------
    RangeTest
        Plain arrays, and a suggestion.

    Raises
    ------
    ValueError
        If a number makes no sense, or the loss is not finite at the first step.

    References
    ----------
    Smith, "Cyclical learning rates for training neural networks", WACV 2017, section 3.3.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = mg.optim.SGD([w], lr=0.1)
    >>> found = mg.optim.range_test(lambda: np.sum(w**2), optimizer, lowest=1e-3, steps=20, smoothing=0.0)
    >>> found
    RangeTest(...)
    >>> w, optimizer.lr
    (Tensor([ 1., -2.], requires_grad=True), 0.1)
    """
    if not callable(loss):
        raise TypeError(f"loss={loss!r:.60} must be a function that returns the loss of the next batch, a Tensor")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"optimizer={optimizer!r:.60} must be an optimizer of mg.optim, e.g. SGD(model.parameters(), lr=0.1)"
        )
    lowest, highest = number("lowest", lowest), number("highest", highest)
    if not 0 < lowest < highest < math.inf:
        raise ValueError(
            f"lowest={lowest:g} and highest={highest:g} must be rates greater than 0, the highest above the lowest"
        )
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 3:
        raise ValueError(f"steps={steps!r:.60} must be a number of updates, at least 3")
    if not number("stop", stop) > 1:
        raise ValueError(f"stop={stop:g} must be greater than 1")
    smoothing = forgetting("smoothing", smoothing)
    rates: list[float] = []
    losses: list[float] = []
    smoothed: list[float] = []
    values, state = [p.numpy() for p in optimizer.params], optimizer.state_dict()
    whole = None if model is None else model.state_dict()
    average = 0.0
    try:
        with np.errstate(all="ignore"):  # the last steps overflow, which is what the test is for
            for i in range(steps):
                optimizer.lr = lowest * (highest / lowest) ** (i / (steps - 1))
                optimizer.zero_grad()
                value = loss()
                if not isinstance(value, Tensor) or not value.requires_grad:
                    raise TypeError(
                        f"the loss must return a Tensor that depends on the parameters, not {value!r:.60}: compute it from "
                        "the tensors of the optimizer"
                    )
                average = smoothing * average + (1 - smoothing) * value.item()
                corrected = average / (1 - smoothing ** (i + 1))
                if not math.isfinite(corrected):
                    break
                rates.append(optimizer.lr)
                losses.append(value.item())
                smoothed.append(corrected)
                least = min(smoothed)
                if corrected - least > (stop - 1) * abs(least) and corrected > smoothed[0]:
                    break
                value.backward()
                optimizer.step()
    finally:
        if model is not None:
            model.load_state_dict(whole)
        for p, before in zip(optimizer.params, values, strict=True):
            p.assign(before)
        optimizer.load_state_dict(state)
        optimizer.zero_grad()
    if not rates:
        raise ValueError(f"the loss is {value.item()} before the first update: there is nothing to compare with")
    settled = min(round(1 / (1 - smoothing)) - 1, len(rates) - 1)
    return RangeTest(np.array(rates), np.array(losses), np.array(smoothed), settled)
