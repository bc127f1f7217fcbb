"""Three witnesses judged: whether a hand-written value equals autodiff and differences, up to rounding and kinks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from operator import itemgetter
from typing import Any

import numpy as np

from microgradnp.verify import differences
from microgradnp.verify.differences import Kind

Floats = np.ndarray[Any, np.dtype[np.float64]]

#: Default for the relative difference below which two values count as equal, besides their rounding.
TOLERANCE = 1e-9
#: Part of the array's largest entry by which any entry may be off: what a sum of such entries rounds to.
FLOOR = 1e-15
#: How many times the spread under one-ulp changes of the inputs still counts as rounding.
SPREADS = 16.0
#: Below this, squares lose their digits.
UNDERFLOW = 1e-150
#: The rounding of a few operations on numbers of the size of the result.
ULPS = 8 * np.finfo(np.float64).eps


class Status(StrEnum):
    """What a verdict says of a claim."""

    CORRECT = "correct"
    WRONG = "wrong"
    GIVEN = "correct given its inputs"
    CONVENTION = "convention"
    KINK = "kink"
    UNVERIFIABLE = "unverifiable"


class Cause(StrEnum):
    """Why a claim is wrong."""

    SIGN = "sign"
    SCALE = "scale"
    MISSING_ACTIVATION_DERIVATIVE = "missing-activation-derivative"
    EXTRA_ACTIVATION_DERIVATIVE = "extra-activation-derivative"
    DERIVATIVE_AT_WRONG_PLACE = "derivative-at-wrong-place"
    SURROGATE_DERIVATIVE = "surrogate-derivative"
    TRANSPOSE = "transpose"
    AXIS = "axis"
    BROADCAST = "broadcast"
    MISSING_TERM = "missing-term"
    DOUBLE_COUNT = "double-count"
    MISSING_FACTOR = "missing-factor"
    SOFTMAX_DIAGONAL = "softmax-diagonal"
    WRONG_MASK = "wrong-mask"
    REGULARISER = "regulariser"
    WRONG_OPERAND = "wrong-operand"
    STALE_VALUE = "stale-value"
    SHIFTED_INDEX = "shifted-index"
    WRONG_LOSS = "wrong-loss"
    MISSING_GRADIENT = "missing-gradient"
    MATMUL_VS_ELEMENTWISE = "matmul-vs-elementwise"
    UPSTREAM_IGNORED = "upstream-ignored"
    SHAPE = "shape"
    NUMERICAL = "numerical"
    UNKNOWN = "unknown"


#: Random directions in which the derivative of a large array is measured, besides some of its entries.
DIRECTIONS = 3


@dataclass
class Witness:
    """What differences say of some entries of a gradient.

    Attributes
    ----------
    shape : tuple of int
        Of the gradient.
    entries : list of tuple of int
        Those that were measured, in order; all of them unless the array is large.
    slopes : Slopes
        One element for each of the entries.
    directions : list of (array, Slope)
        For a large array, derivatives along random directions through all of its entries.
    """

    shape: tuple[int, ...]
    entries: list[tuple[int, ...]]
    slopes: differences.Slopes
    directions: list[tuple[Floats, differences.Slope]]
    measure: Callable[[list[tuple[int, ...]]], differences.Slopes]
    along: Callable[[Floats], differences.Slope]

    @classmethod
    def of(
        cls, f: Callable[[Floats], Any], x: Floats, budget: int, rng: np.random.Generator, noise: float = 0.0
    ) -> Witness:
        """Measure the gradient of f at x: all entries, or `budget` of them and directions; values are off by `noise`."""
        # what moves f by less than its noise cannot be seen, on the scale of the entry or, at 0, of the array
        size = float(np.sqrt(np.mean(x**2))) or 1.0 if x.size else 1.0
        with np.errstate(over="ignore"):
            blur = noise / (differences.FIRST_STEP * np.where(x == 0, size, np.abs(x)))

        def measure(entries: list[tuple[int, ...]]) -> differences.Slopes:
            slopes = differences.gradient(f, x, entries=entries, noise=noise)
            return replace(slopes, error=slopes.error + np.array([blur[e] for e in entries]))

        def along(v: Floats) -> differences.Slope:
            slope = differences.directional(f, x, v, noise=noise)
            return replace(slope, error=slope.error + noise / (differences.FIRST_STEP * size))

        if x.size <= budget:
            entries = list(np.ndindex(x.shape))
            return cls(x.shape, entries, measure(entries), [], measure, along)
        chosen = np.sort(rng.choice(x.size, size=budget - DIRECTIONS, replace=False))
        entries = list(zip(*(k.tolist() for k in np.unravel_index(chosen, x.shape)), strict=True))
        directions = []
        for _ in range(DIRECTIONS):
            v = rng.choice([-1.0, 1.0], size=x.shape)
            directions.append((v, along(v)))
        return cls(x.shape, entries, measure(entries), directions, measure, along)

    @property
    def complete(self) -> bool:
        """Whether every entry was measured."""
        return not self.directions

    def also(self, entries: list[tuple[int, ...]]) -> None:
        """Measure further entries."""
        new = [e for e in entries if e not in set(self.entries)]
        if not new:
            return
        more, old = self.measure(new), self.slopes
        self.entries = self.entries + new
        self.slopes = differences.Slopes(
            index=old.index + more.index,
            value=np.concatenate([old.value, more.value]),
            error=np.concatenate([old.error, more.error]),
            left=np.concatenate([old.left, more.left]),
            right=np.concatenate([old.right, more.right]),
            kind=np.concatenate([old.kind, more.kind]),
            reason=old.reason + more.reason,
            evaluations=old.evaluations + more.evaluations,
        )

    def locate(self, g: Floats, tolerance: Floats) -> None:
        """Measure the entry to which a disagreement along a direction leads, by halving."""
        v = next((v for v, slope in self.directions if disagrees(v, slope, g, tolerance)), None)
        while v is not None and np.count_nonzero(v) > 1:
            first = np.flatnonzero(v)[: np.count_nonzero(v) // 2]
            half = np.zeros(v.size)
            half[first] = v.flat[first]
            half = half.reshape(v.shape)
            v = half if disagrees(half, self.along(half), g, tolerance) else v - half
        if v is not None:
            self.also([tuple(int(i) for i in np.argwhere(v)[0])])

    def at(self, g: Floats) -> Floats:
        """Return the measured entries of an array."""
        if not self.entries:
            return np.zeros(0)
        return np.asarray(g[tuple(np.array(self.entries, dtype=int).T)] if g.ndim else g[None], dtype=np.float64)

    def known(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return which of the measured entries are smooth points or kinks."""
        return np.isin(self.slopes.kind.astype(str), [Kind.SMOOTH.value, Kind.KINK.value])

    def off(self, g: Floats, tolerance: Floats) -> Floats:
        """Return by how much the measured entries of `g` miss what differences allow; nan where they cannot say."""
        return self.slopes.distance(self.at(g)) - 2 * self.slopes.error - self.at(tolerance)

    def full(self) -> Floats:
        """Return the measured slopes as an array; nan where nothing was measured or nothing is known."""
        result = np.full(self.shape, np.nan)
        for entry, value in zip(self.entries, self.slopes.value, strict=True):
            result[entry] = value
        return result

    def errors(self) -> Floats:
        """Return the errors of the measured slopes as an array; infinite where nothing was measured."""
        result = np.full(self.shape, np.inf)
        for entry, error in zip(self.entries, self.slopes.error, strict=True):
            result[entry] = error
        return result

    def kinks(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Return where a kink was measured."""
        result = np.zeros(self.shape, dtype=bool)
        for entry, kind in zip(self.entries, self.slopes.kind, strict=True):
            result[entry] = kind == Kind.KINK
        return result


@dataclass
class Finding:
    """The outcome of a comparison of one array with the truth."""

    status: Status
    error: float
    wrong: np.ndarray[Any, np.dtype[np.bool_]]
    note: str = ""
    cause: Cause | None = None

    @property
    def doubtful(self) -> bool:
        """Whether a kink might explain it."""
        return self.status in (Status.WRONG, Status.UNVERIFIABLE) and self.cause is None


def tolerance_of(true: Floats, spread: Floats, relative: float) -> Floats:
    """Return by how much each entry of a right form may differ from `true`."""
    size = np.max(np.abs(true), initial=0.0, where=np.isfinite(true))
    return np.asarray(relative * np.abs(true) + FLOOR * size + SPREADS * spread + ULPS * np.abs(true) + UNDERFLOW)


def largest_error(hand: Floats, true: Floats) -> float:
    """Return the largest difference, relative to the largest entry of the truth."""
    if not true.size:
        return 0.0
    with np.errstate(all="ignore"):
        gap = np.max(np.abs(hand - true))
        size = np.max(np.abs(true))
    if not np.isfinite(gap):
        return float("inf")
    return float(gap / size) if size else float(gap)


def finite_gap(a: Any, b: Any) -> Any:
    """Return the difference of two arrays, 0 where it is not finite."""
    with np.errstate(invalid="ignore"):
        gap = np.abs(np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64))
    return np.where(np.isfinite(gap), gap, 0.0)


def rounding_of(moves: Sequence[tuple[float, Any]], value: Any, *, jumps: bool = False) -> Any:
    """Return the rounding of a value from how far it moved when all numbers were so many units off.

    Rounding grows with the units. What moves as far for one unit as for many may have jumped, e.g. where a formula asks
    whether two numbers are equal: with `jumps` that is no rounding.
    """
    if not moves:
        return 0.0
    if not jumps:
        return np.max([gap / units for units, gap in moves], axis=0)
    fewest, most = min(moves, key=itemgetter(0))[0], max(moves, key=itemgetter(0))[0]
    low, high = (max(float(np.max(gap, initial=0.0)) for units, gap in moves if units == n) for n in (fewest, most))
    if low > TOLERANCE * np.max(np.abs(value), initial=0.0) and high < 2 * low:
        return 0.0
    return np.max([gap / units for units, gap in moves], axis=0)


def numbers_of(value: Any) -> Any:
    """Return what a formula returned as an array of numbers, or None where it is none."""
    try:
        array = np.asarray(value)
    except ValueError:  # lists of different lengths
        return None
    return array if array.dtype.kind in "biufc" else None


def compare(hand: Any, true: Floats, spread: Floats, witness: Witness | None, relative: float, what: str) -> Finding:
    """Judge a hand-written value against autodiff, with differences as the third witness.

    Parameters
    ----------
    hand : array_like
        What the formula gave.
    true : ndarray
        Autodiff's value.
    spread : ndarray
        How far both move under one-ulp changes of the inputs: their rounding.
    witness : Witness or None
        Differences; None where the claim is about a value.
    relative : float
        Relative difference that still counts as equal.
    what : str
        What `hand` should be, for messages.
    """
    nothing = np.zeros(np.shape(true), dtype=bool)
    returned, hand = hand, numbers_of(hand)
    if hand is None:
        note = (
            "it returned None: a `return` is missing"
            if returned is None
            else f"it returned {returned!r:.60}, which is no array of numbers"
        )
        return Finding(Status.WRONG, float("inf"), ~nothing, note, Cause.SHAPE)
    if hand.shape != true.shape:
        return Finding(Status.WRONG, float("inf"), ~nothing, shape_note(hand.shape, true.shape, what), Cause.SHAPE)
    hand = hand.astype(np.complex128 if hand.dtype.kind == "c" else np.float64)
    if hand.dtype.kind == "c":
        if np.any(hand.imag):
            return Finding(Status.WRONG, float("inf"), ~nothing, "it returned complex numbers", Cause.NUMERICAL)
        hand = hand.real
    note, unknown = "", ~np.isfinite(true)
    if np.any(unknown):
        note = f"autodiff itself gives {np.sum(unknown)} of {true.size} entries that are not finite"
        if witness is None or not np.all(np.isfinite(witness.full()[unknown])) or not np.all(np.isfinite(hand)):
            return Finding(Status.UNVERIFIABLE, float("nan"), nothing, note)
        # 1 / (1 + exp(800)) is right, but its derivative is 0 * inf to autodiff
        true, note = np.where(unknown, witness.full(), true), f"{note}; differences alone judge them"
        spread = spread + np.where(unknown, witness.errors(), 0.0)
    tolerance = tolerance_of(true, spread, relative)
    error = largest_error(hand, true)
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(hand - true) <= tolerance)
    if np.any(~np.isfinite(hand)):
        bad = int(np.sum(~np.isfinite(hand)))
        return Finding(
            Status.WRONG, float("inf"), wrong, f"{bad} of {hand.size} entries are nan or infinite", Cause.NUMERICAL
        )
    if witness is None:
        return Finding(Status.WRONG if np.any(wrong) else Status.CORRECT, error, wrong)
    if np.any(wrong) and not witness.complete:  # ask differences about the entries in question
        worst = np.argsort(np.where(wrong, -np.abs(hand - true), 0.0), axis=None)[:2]
        witness.also([tuple(int(i) for i in np.unravel_index(k, true.shape)) for k in worst if wrong.flat[k]])
    # at a kink any value between the one-sided derivatives is right
    confirmed, excused, convention = (np.zeros(true.shape, dtype=bool) for _ in range(3))
    for entry, kind, far, off in zip(
        witness.entries, witness.slopes.kind, witness.off(true, tolerance), witness.off(hand, tolerance), strict=True
    ):
        confirmed[entry] = far <= 0
        excused[entry] = kind == Kind.KINK and off <= 0
        convention[entry] = kind == Kind.SMOOTH and off <= 0 < far
    convention &= wrong
    if np.any(convention):  # where(z > 0, z, exp(minimum(z, 0)) - 1) at 0: the tie shares a gradient that is whole
        true, wrong = np.where(convention, hand, true), wrong & ~convention
        note = (
            f"differences confirm it at {np.sum(convention)} entries where autodiff says something else, by the convention for a "
            "tie or kink on the way that the result does not have"
        )
    if np.any(wrong & confirmed & ~excused & ~unknown):
        return Finding(Status.WRONG, error, wrong & ~excused, note)
    if np.any(wrong & unknown):
        return Finding(Status.UNVERIFIABLE, error, wrong, f"{note}, and say something else, but one witness is none")
    doubt = conflict(true, tolerance, witness)
    if doubt:
        return Finding(Status.UNVERIFIABLE, error, wrong, doubt)
    if np.any(wrong & ~excused):
        return Finding(Status.WRONG, error, wrong & ~excused, note)
    if np.any(wrong):
        note = (
            f"differs from autodiff only at {np.sum(wrong)} entries where the loss has a kink, and lies between the "
            "one-sided derivatives there"
        )
        return Finding(Status.KINK, error, nothing, note)
    return Finding(Status.KINK if np.any(convention) else Status.CORRECT, error, nothing, note)


def conflict(true: Floats, tolerance: Floats, witness: Witness) -> str:
    """Return why autodiff and differences do not confirm each other; empty where they do."""
    known, off = witness.known(), witness.off(true, tolerance)
    if witness.entries and not np.any(known):
        reasons = [r for r in witness.slopes.reason if r]
        kinds = sorted({str(k) for k in witness.slopes.kind})
        return f"differences cannot tell ({', '.join(kinds)}): {reasons[0] if reasons else 'they do not settle'}"
    if np.any(known & (off > 0)):
        k = int(np.argmax(np.where(known, off, -np.inf)))
        return (
            f"the witnesses disagree: at {witness.entries[k]} autodiff says {witness.at(true)[k]:.6g}, differences "
            f"{witness.slopes.value[k]:.6g} ± {witness.slopes.error[k]:.1g}"
        )
    for v, slope in witness.directions:
        if disagrees(v, slope, true, tolerance):
            return (
                f"the witnesses disagree: along a random direction autodiff says {float(np.sum(v * true)):.6g}, "
                f"differences {slope.value:.6g} ± {slope.error:.1g}"
            )
    return ""


def disagrees(v: Floats, slope: differences.Slope, g: Floats, tolerance: Floats) -> bool:
    """Return whether the derivative along a direction is not what a gradient says."""
    off = abs(float(np.sum(v * g)) - slope.value)
    return slope.kind == Kind.SMOOTH and off > 2 * slope.error + float(np.sum(np.abs(v) * tolerance))


def beside(x: Any, rng: np.random.Generator) -> Any:
    """Return numbers a very small random step away."""
    size = np.where(np.equal(x, 0), float(np.sqrt(np.mean(np.square(x)))) or 1.0 if np.size(x) else 1.0, np.abs(x))
    return x + 1e-11 * size * rng.choice([-1.0, 1.0], size=np.shape(x)) * rng.uniform(0.5, 1.0, size=np.shape(x))


def shape_note(got: Sequence[int], wanted: Sequence[int], what: str) -> str:
    """Say that a shape is wrong, and which operation would mend it."""
    got, wanted = tuple(got), tuple(wanted)
    text = f"it returned shape {got}, but {what} has shape {wanted}"
    if got[::-1] == wanted:
        return text + ": a transpose is missing or too many"
    if np.prod(got, dtype=int) == np.prod(wanted, dtype=int):
        return text + ": the same number of entries; keep the axes (keepdims=True) or reshape"
    if len(got) > len(wanted) or (
        len(got) == len(wanted) and all(w in (1, g) for g, w in zip(got, wanted, strict=True))
    ):
        lead = len(got) - len(wanted)
        axes = tuple(range(lead)) + tuple(lead + i for i, w in enumerate(wanted) if w == 1 and got[lead + i] != 1)
        if all(w in (1, g) for g, w in zip(got[lead:], wanted, strict=True)):
            return text + f": sum over axis {axes[0] if len(axes) == 1 else axes}, along which it was broadcast"
    return text
