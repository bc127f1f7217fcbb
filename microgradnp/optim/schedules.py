"""Learning rates as functions of the step: ``optimizer.lr = schedule(step)`` before each update, counted from 0.

A schedule is a value, written like a function, ``cosine(0.1, total=500)``: it is compared by its settings, and shows
them. Only `plateau` remembers what it was told. What counts epochs elsewhere counts updates here: multiply by the number
of batches.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from microgradnp.optim.settings import number, positive


class Schedule(ABC):
    """A learning rate as a function of the number of updates before this one."""

    @abstractmethod
    def rate(self, step: int) -> float:
        """Return the learning rate of an update; the formula."""

    def __call__(self, step: int) -> float:
        """Return the learning rate of the update before which there were `step` updates."""
        if isinstance(step, bool) or not isinstance(step, int | np.integer) or step < 0:
            raise ValueError(f"step={step!r:.60} must be a number of updates: 0, 1, 2, ...")
        return float(self.rate(int(step)))

    def rates(self, steps: int) -> np.ndarray[Any, Any]:
        """Return the rates of the first updates, for a picture.

        Examples
        --------
        >>> step(0.1, every=2).rates(4)
        array([0.1 , 0.1 , 0.01, 0.01])
        """
        return np.array([self(i) for i in range(steps)])

    def observe(self, value: float) -> None:  # noqa: B027 (not abstract: doing nothing is right for the others)
        """Take notice of what was reached, at the end of an epoch. Only `plateau` does."""

    def state_dict(self) -> dict[str, Any]:
        """Return what it remembers: nothing, but for `plateau`."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Remember what another `state_dict` says: all of it, or nothing."""
        if set(state) != set(self.state_dict()):
            wanted, found = (", ".join(sorted(map(str, names))) or "nothing" for names in (self.state_dict(), state))
            raise ValueError(
                f"the state does not fit {self}, and nothing was loaded: it holds {found}, wanted is {wanted}"
            )

    def _check(self, **wanted: str) -> None:
        """Check the settings: each is what a word says."""
        who = type(self).__name__
        for name, kind in wanted.items():
            value = getattr(self, name)
            label = f"{who}: {name}"
            if kind == "rate":
                value = positive(label, value)
            elif kind == "count":
                if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
                    raise ValueError(f"{label}={value!r:.60} must be a number of updates, at least 1")
                value = int(value)
            elif kind == "factor":
                value = number(label, value)
                if not 0 < value <= 1:
                    raise ValueError(f"{label}={value:g} must be greater than 0 and at most 1")
            object.__setattr__(self, name, value)


def between(start: float, end: float, part: float) -> float:
    """Return the number that lies a part of the way from one to another, on half a period of the cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


@dataclass(frozen=True)
class constant(Schedule):
    """The same rate at every step.

    Parameters
    ----------
    lr : float

    Examples
    --------
    >>> constant(0.1)(1000)
    0.1
    """

    lr: float

    def __post_init__(self) -> None:
        self._check(lr="rate")

    def rate(self, step: int) -> float:
        """Return it."""
        return self.lr


@dataclass(frozen=True)
class step(Schedule):
    """The rate times `factor` after every so many updates.

    Parameters
    ----------
    lr : float
        The first rate.
    every : int
        Updates between two changes.
    factor : float
        From 0 to 1.

    Examples
    --------
    >>> schedule = step(0.1, every=100, factor=0.5)
    >>> schedule(99), schedule(100), schedule(250)
    (0.1, 0.05, 0.025)
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        self._check(lr="rate", every="count", factor="factor")

    def rate(self, step: int) -> float:
        """Return ``lr factor^⌊step / every⌋``."""
        return self.lr * self.factor ** (step // self.every)


@dataclass(frozen=True)
class multi_step(Schedule):
    """The rate times `factor` at each of some steps.

    Parameters
    ----------
    lr : float
        The first rate.
    milestones : sequence of int
        The steps from which on it is less, in their order.
    factor : float
        From 0 to 1.

    Examples
    --------
    >>> schedule = multi_step(0.1, milestones=(100, 150), factor=0.5)
    >>> schedule(99), schedule(100), schedule(150)
    (0.1, 0.05, 0.025)
    """

    lr: float
    milestones: Sequence[int]
    factor: float = 0.1

    def __post_init__(self) -> None:
        self._check(lr="rate", factor="factor")
        try:
            milestones = tuple(int(m) for m in self.milestones)
        except (TypeError, ValueError):
            raise TypeError(f"multi_step: milestones must be numbers of updates, not {self.milestones!r:.60}") from None
        if any(b <= a for a, b in zip((0, *milestones), milestones, strict=False)):
            raise ValueError(f"multi_step: milestones={milestones} must increase, from 1 on")
        object.__setattr__(self, "milestones", milestones)

    def rate(self, step: int) -> float:
        """Return ``lr factor^k`` after k milestones."""
        return self.lr * self.factor ** bisect_right(self.milestones, step)


@dataclass(frozen=True)
class exponential(Schedule):
    """The rate falls by the same factor at every update.

    Parameters
    ----------
    lr : float
        The first rate.
    factor : float
        From 0 to 1: what is left after `every` updates.
    every : int
        Updates in which it falls by `factor`, smoothly.

    Examples
    --------
    >>> exponential(0.1, factor=0.5, every=10)(20)
    0.025
    """

    lr: float
    factor: float
    every: int = 1

    def __post_init__(self) -> None:
        self._check(lr="rate", factor="factor", every="count")

    def rate(self, step: int) -> float:
        """Return ``lr factor^(step / every)``."""
        return self.lr * float(self.factor ** (step / self.every))


@dataclass(frozen=True)
class cosine(Schedule):
    """The rate falls along half a period of the cosine, and stays.

    Parameters
    ----------
    lr : float
        The first rate.
    total : int
        Updates after which the last rate is reached.
    final : float
        The last rate.

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5.

    Examples
    --------
    >>> schedule = cosine(0.1, total=100)
    >>> schedule(0), round(schedule(50), 6), schedule(100), schedule(1000)
    (0.1, 0.05, 0.0, 0.0)
    """

    lr: float
    total: int
    final: float = 0.0

    def __post_init__(self) -> None:
        self._check(lr="rate", total="count", final="rate")

    def rate(self, step: int) -> float:
        """Return ``final + (lr - final) (1 + cos(π step / total)) / 2``."""
        return between(self.lr, self.final, min(step / self.total, 1.0))


@dataclass(frozen=True)
class cosine_restarts(Schedule):
    """The cosine again and again, each period longer than the one before if asked.

    Parameters
    ----------
    lr : float
        The rate at the beginning of each period.
    period : int
        Updates in the first period.
    growth : int
        How many times as long as the one before the next period is.
    final : float
        The rate towards which each period falls.

    References
    ----------
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.

    Examples
    --------
    >>> schedule = cosine_restarts(0.1, period=10, growth=2)
    >>> [round(schedule(i), 6) for i in (0, 5, 10, 20, 30)]
    [0.1, 0.05, 0.1, 0.05, 0.1]
    """

    lr: float
    period: int
    growth: int = 1
    final: float = 0.0

    def __post_init__(self) -> None:
        self._check(lr="rate", period="count", growth="count", final="rate")

    def rate(self, step: int) -> float:
        """Return the cosine of the part of the period that is over."""
        period = self.period
        if self.growth == 1:
            step %= period
        while step >= period:
            step -= period
            period *= self.growth
        return between(self.lr, self.final, step / period)


@dataclass(frozen=True)
class warmup(Schedule):
    """The rate rises in a straight line to that with which another schedule begins, which follows.

    Parameters
    ----------
    after : Schedule or float
        What follows; its step 0 is the first after the warm-up. A number is a constant rate.
    steps : int
        Updates of the warm-up.
    start : float, optional
        Rate of the first update. Default: ``peak / (steps + 1)``, so that it rises as if from 0 one step before.

    Examples
    --------
    >>> schedule = warmup(cosine(0.1, total=100), steps=4)
    >>> schedule
    warmup(after=cosine(lr=0.1, total=100, final=0.0), steps=4)
    >>> [round(schedule(i), 6) for i in (0, 1, 2, 3, 4, 54)]
    [0.02, 0.04, 0.06, 0.08, 0.1, 0.05]
    """

    after: Schedule | float
    steps: int
    start: float | None = None

    def __post_init__(self) -> None:
        self._check(steps="count", **({} if self.start is None else {"start": "rate"}))
        if not isinstance(self.after, Schedule):
            object.__setattr__(self, "after", constant(self.after))

    def __repr__(self) -> str:
        start = "" if self.start is None else f", start={self.start}"
        return f"warmup(after={self.after!r}, steps={self.steps}{start})"

    def rate(self, step: int) -> float:
        """Return ``start + (peak - start) step / steps``, then what follows."""
        assert isinstance(self.after, Schedule)
        if step >= self.steps:
            return self.after(step - self.steps)
        peak = self.after(0)
        start = peak / (self.steps + 1) if self.start is None else self.start
        return start + (peak - start) * step / self.steps

    def observe(self, value: float) -> None:
        """Tell what follows."""
        assert isinstance(self.after, Schedule)
        self.after.observe(value)

    def state_dict(self) -> dict[str, Any]:
        """Return what the schedule that follows remembers."""
        assert isinstance(self.after, Schedule)
        return self.after.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Hand it to the schedule that follows."""
        assert isinstance(self.after, Schedule)
        self.after.load_state_dict(state)


@dataclass(frozen=True)
class one_cycle(Schedule):
    """The rate rises to its peak, and falls far below where it began; each along half a period of the cosine.

    Parameters
    ----------
    lr : float
        The peak.
    total : int
        Updates in all, at least 2; the last of them has the last rate.
    rising : float
        The part of the updates in which it rises.
    start : float, optional
        The first rate; by default a 25th of the peak.
    final : float, optional
        The last rate; by default 10,000 times less than the first.

    References
    ----------
    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning rates", 2018. With the
    cosine in place of straight lines, as usual since.

    Examples
    --------
    >>> schedule = one_cycle(0.5, total=101, rising=0.3)
    >>> round(schedule(0), 6), round(schedule(30), 3), round(schedule(100), 9)
    (0.02, 0.5, 2e-06)
    """

    lr: float
    total: int
    rising: float = 0.3
    start: float | None = None
    final: float | None = None

    def __post_init__(self) -> None:
        if self.start is None:
            object.__setattr__(self, "start", number("one_cycle: lr", self.lr) / 25)
        if self.final is None:
            object.__setattr__(self, "final", number("one_cycle: start", self.start) / 1e4)
        self._check(lr="rate", total="count", start="rate", final="rate")
        if self.total < 2:
            raise ValueError(f"one_cycle: total={self.total} must be at least 2")
        rising = number("one_cycle: rising", self.rising)
        if not 0 <= rising < 1:
            raise ValueError(f"one_cycle: rising={rising:g} must be at least 0 and less than 1")

    def rate(self, step: int) -> float:
        """Return the cosine up to the peak, then the cosine down."""
        assert self.start is not None
        assert self.final is not None
        last = self.total - 1
        peak = max(self.rising * self.total - 1, 0.0)
        if step < peak:
            return between(self.start, self.lr, step / peak)
        return between(self.lr, self.final, min((step - peak) / (last - peak), 1.0))


@dataclass
class plateau(Schedule):
    """The rate times `factor` whenever what is observed has stopped to improve.

    The only schedule with a state: tell it a value at the end of each epoch.

    Parameters
    ----------
    lr : float
        The first rate.
    factor : float
        From 0 to 1.
    patience : int
        Epochs without improvement that are waited for; the next one lowers the rate.
    threshold : float
        By what part of the best value so far a value must be better to be an improvement.
    cooldown : int
        Epochs after a change in which nothing is counted.
    minimum : float
        The lowest rate.
    higher_is_better : bool
        Whether what is observed should rise, as an accuracy does.

    Examples
    --------
    >>> schedule = plateau(0.1, factor=0.5, patience=1)
    >>> for loss in (1.0, 0.8, 0.8, 0.8):
    ...     schedule.observe(loss)
    >>> schedule(4)
    0.05
    """

    lr: float
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    cooldown: int = 0
    minimum: float = 0.0
    higher_is_better: bool = False
    current: float = field(init=False, repr=False, compare=False)
    best: float = field(init=False, repr=False, compare=False)
    waited: int = field(init=False, default=0, repr=False, compare=False)
    cooling: int = field(init=False, default=0, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check(lr="rate", factor="factor", threshold="rate", minimum="rate")
        for name in ("patience", "cooldown"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
                raise ValueError(f"plateau: {name}={value!r:.60} must be a number of epochs, 0 or more")
        self.current = self.lr
        self.best = -math.inf if self.higher_is_better else math.inf

    def rate(self, step: int) -> float:
        """Return the rate as it is now."""
        return self.current

    def observe(self, value: float) -> None:
        """Take notice of a loss or a metric; nan is no improvement."""
        value = number("the value that plateau observes", value)
        sign = -1.0 if self.higher_is_better else 1.0
        best = sign * self.best
        if sign * value < best - (self.threshold * abs(best) if math.isfinite(best) else 0.0):
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        if self.cooling:
            self.cooling -= 1
            self.waited = 0
        if self.waited > self.patience:
            self.current = max(self.current * self.factor, min(self.minimum, self.current))
            self.cooling, self.waited = self.cooldown, 0

    def state_dict(self) -> dict[str, Any]:
        """Return the rate, the best value so far, and what it has waited for."""
        return {"current": self.current, "best": self.best, "waited": self.waited, "cooling": self.cooling}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from another `state_dict`: all of it, or nothing.

        Examples
        --------
        >>> plateau(0.1).load_state_dict({"current": 0.1})
        Traceback (most recent call last):
        ValueError: the state does not fit plateau(...), and nothing was loaded: it holds current, wanted is best, cooling,
        current, waited
        """
        super().load_state_dict(state)
        values = {name: number(f"plateau: {name}", value) for name, value in state.items()}
        positive("plateau: current", values["current"])
        self.current, self.best = values["current"], values["best"]
        self.waited, self.cooling = int(values["waited"]), int(values["cooling"])
