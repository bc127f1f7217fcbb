"""Three witnesses judged: is a hand-written value equal to autodiff and to differences, up to rounding and kinks?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from microgradnp.verify import differences
from microgradnp.verify.differences import Kind

Floats = np.ndarray[Any, np.dtype[np.float64]]

#: Default for the relative difference below which two values count as equal, besides their rounding.
TOLERANCE = 1e-9
#: Part of the array's largest entry by which any entry may be off: what a sum of such entries rounds to.
FLOOR = 1e-12
#: How many times the spread under one-ulp changes of the inputs still counts as rounding.
SPREADS = 16.0
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

    @classmethod
    def of(cls, f: Callable[[Floats], Any], x: Floats, budget: int, rng: np.random.Generator) -> Witness:
        """Measure the gradient of f at x: all entries, or `budget` of them and some directions."""
        everything = list(np.ndindex(x.shape))

        def measure(entries: list[tuple[int, ...]]) -> differences.Slopes:
            return differences.gradient(f, x, entries=entries)

        if len(everything) <= budget:
            return cls(x.shape, everything, measure(everything), [], measure)
        chosen = sorted(rng.choice(len(everything), size=max(budget - 4, 4), replace=False).tolist())
        entries = [everything[k] for k in chosen]
        directions = []
        for _ in range(4):
            v = rng.standard_normal(x.shape)
            v /= np.linalg.norm(v)
            directions.append((v, differences.directional(f, x, v)))
        return cls(x.shape, entries, measure(entries), directions, measure)

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


def tolerance_of(true: Floats, spread: Floats, relative: float) -> Floats:
    """Return by how much each entry of a right form may differ from `true`."""
    size = np.max(np.abs(true), initial=0.0, where=np.isfinite(true))
    return np.asarray(relative * np.abs(true) + FLOOR * size + SPREADS * spread + ULPS * np.abs(true))


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
    try:
        hand = np.asarray(hand)
        if hand.dtype == object:
            raise ValueError
    except ValueError:
        return Finding(Status.WRONG, float("inf"), ~nothing, f"it returned {type(hand).__name__}, not an array of numbers", Cause.SHAPE)
    if hand.dtype.kind not in "biufc":
        return Finding(Status.WRONG, float("inf"), ~nothing, f"it returned {hand.dtype}, not numbers", Cause.SHAPE)
    if hand.shape != true.shape:
        return Finding(Status.WRONG, float("inf"), ~nothing, shape_note(hand.shape, true.shape, what), Cause.SHAPE)
    hand = hand.astype(np.complex128 if hand.dtype.kind == "c" else np.float64)
    if hand.dtype.kind == "c":
        if np.any(hand.imag):
            return Finding(Status.WRONG, float("inf"), ~nothing, "it returned complex numbers", Cause.NUMERICAL)
        hand = hand.real
    tolerance = tolerance_of(true, spread, relative)
    error = largest_error(hand, true)
    if not np.all(np.isfinite(true)):
        bad = int(np.sum(~np.isfinite(true)))
        return Finding(Status.UNVERIFIABLE, error, nothing, f"autodiff itself gives {bad} of {true.size} entries that are not finite")
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(hand - true) <= tolerance)
    if np.any(~np.isfinite(hand)):
        bad = int(np.sum(~np.isfinite(hand)))
        return Finding(Status.WRONG, float("inf"), wrong, f"{bad} of {hand.size} entries are nan or infinite", Cause.NUMERICAL)
    if witness is None:
        return Finding(Status.WRONG if np.any(wrong) else Status.CORRECT, error, wrong)
    if np.any(wrong) and not witness.complete:  # ask differences about the entries in question
        worst = np.argsort(np.where(wrong, -np.abs(hand - true), 0.0), axis=None)[:8]
        witness.also([tuple(int(i) for i in np.unravel_index(k, true.shape)) for k in worst if wrong.flat[k]])
    doubt = conflict(true, tolerance, witness)
    if doubt:
        return Finding(Status.UNVERIFIABLE, error, wrong, doubt)
    # at a kink any value between the one-sided derivatives is right
    excused = np.zeros(true.shape, dtype=bool)
    for entry, kind, off in zip(witness.entries, witness.slopes.kind, witness.off(hand, tolerance), strict=True):
        excused[entry] = kind == Kind.KINK and off <= 0
    if np.any(wrong & ~excused):
        return Finding(Status.WRONG, error, wrong & ~excused)
    if np.any(wrong):
        return Finding(
            Status.KINK, error, nothing,
            f"differs from autodiff only at {np.sum(wrong)} entries where the loss has a kink, and lies between the "
            "one-sided derivatives there",
        )  # fmt: skip
    return Finding(Status.CORRECT, error, nothing)


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
        if slope.kind == Kind.SMOOTH:
            along = float(np.sum(v * true))
            if abs(along - slope.value) > 2 * slope.error + float(np.sum(np.abs(v) * tolerance)):
                return (
                    f"the witnesses disagree: along a random direction autodiff says {along:.6g}, differences "
                    f"{slope.value:.6g} ± {slope.error:.1g}"
                )
    return ""


def shape_note(got: Sequence[int], wanted: Sequence[int], what: str) -> str:
    """Say that a shape is wrong, and which operation would mend it."""
    got, wanted = tuple(got), tuple(wanted)
    text = f"it returned shape {got}, but {what} has shape {wanted}"
    if got[::-1] == wanted:
        return text + ": a transpose is missing or too many"
    if np.prod(got, dtype=int) == np.prod(wanted, dtype=int):
        return text + ": the same number of entries; keep the axes (keepdims=True) or reshape"
    if len(got) > len(wanted) or (len(got) == len(wanted) and all(w in (1, g) for g, w in zip(got, wanted, strict=True))):
        lead = len(got) - len(wanted)
        axes = tuple(range(lead)) + tuple(lead + i for i, w in enumerate(wanted) if w == 1 and got[lead + i] != 1)
        if all(w in (1, g) for g, w in zip(got[lead:], wanted, strict=True)):
            return text + f": sum over axis {axes[0] if len(axes) == 1 else axes}, along which it was broadcast"
    return text
