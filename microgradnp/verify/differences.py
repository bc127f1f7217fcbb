"""Derivatives from differences, with an error that can be believed.

The numerical witness: it calls plain functions of plain arrays and knows nothing else of this library.
For every entry it says what kind of point this is (smooth, kink, jump, cusp, or not to be verified),
the derivative or the two one-sided derivatives, and how far off they may be.

f is sampled at x + h and x - h for shrinking h, and two sequences are looked at together:

    mean(h) = (f(x+h) - f(x-h)) / 2h            the derivative, plus terms in h^2, h^4, ... where f is smooth
    half(h) = (f(x+h) - 2 f(x) + f(x-h)) / 2h   half of D+ - D-; where f is smooth, terms in h, h^3, ... only

Eliminating these terms from a short window of a sequence gives its limit (Richardson's extrapolation;
C. Ridders 1982, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4(2),
75-76; Press et al., Numerical Recipes, 3rd edition, section 5.7). The usual error estimate, the
difference of two neighbours in one tableau, lies: it can be small by luck, and it is small beside a
kink. A limit counts only when

- all windows of a block of six steps agree, the first and the last of which share no sample at all;
- half(h) tends to zero within the same error, so that no kink hides between the samples;
- the error is small, or no larger than the rounding of f explains.

Otherwise h goes on shrinking until it meets the rounding of x. A kink is where mean(h) and half(h)
settle, but half(h) not at zero, down to the rounding. What has not settled then is named by the order
of the quotients in h: -1 is a jump, a fraction a cusp.

What no difference can see is structure that moves f by less than its rounding, and noise of more than
rounding looks like structure: kinks closer to the point than the rounding of f count as one at the
point, and where two scales tell two slopes, the point is not verified.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

EPS = float(np.finfo(np.float64).eps)
TINY = float(np.finfo(np.float64).smallest_subnormal)

FIRST_STEP = 0.05  # times the scale
RATIO = 2.2  # of one step to the next; with 2, a fast sine can pass for a slow one at every step
BLOCK = 6  # steps looked at together: with the point itself, 13 evaluations for an ordinary entry
PRECISE = 3e-10  # the relative error at which a limit is good enough
ROUNDED = 200  # ... or the error is at most so many times what rounding explains
NOISE = 2e-5  # relative to f: what is larger is no noise, but structure
COARSE = 36  # steps, after which an entry much smaller than its array is tried at its own scale
DEEP = 52  # steps at x = 0, where no rounding of x ends the search
LEAP = RATIO**8  # a kink is followed down to the rounding in leaps


class Kind(StrEnum):
    """What kind of point it is."""

    SMOOTH = "smooth"
    KINK = "kink"
    JUMP = "jump"
    CUSP = "cusp"
    UNVERIFIABLE = "unverifiable"


@dataclass(frozen=True)
class Slope:
    """The derivative of a function of one variable at one point.

    Attributes
    ----------
    kind : Kind
        ``SMOOTH``; ``KINK``: the one-sided derivatives differ; ``JUMP``: the function is discontinuous;
        ``CUSP``: the quotients go like a fractional power of the step (infinite slopes among them);
        ``UNVERIFIABLE``: the differences do not settle, and `reason` says how.
    value : float
        The derivative; at a kink the midpoint of the sides; nan where there is none.
    error : float
        Estimated bound of the absolute error of `value`, `left` and `right`, rounding included; inf where
        there is none.
    left, right : float
        One-sided derivatives D- and D+, equal to `value` at a smooth point, infinite at a jump or a steep
        cusp.
    reason : str
        A sentence for the reader where the point is neither smooth nor a kink.
    evaluations : int
        How often the function was called.
    """

    kind: Kind
    value: float
    error: float
    left: float
    right: float
    reason: str = ""
    evaluations: int = 0


@dataclass(frozen=True)
class Slopes:
    """Partial derivatives of a function of an array, one element for each asked entry.

    Attributes
    ----------
    index : list of tuple of int
        The entries, in the order of the arrays below.
    value, error, left, right : ndarray, shape (entries,)
        As in `Slope`.
    kind : ndarray of object, shape (entries,)
        A `Kind` each.
    reason : list of str
        Empty for smooth points and kinks.
    evaluations : int
        Calls of the function in all.
    """

    index: list[tuple[int, ...]]
    value: NDArray[np.float64]
    error: NDArray[np.float64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    kind: NDArray[np.object_]
    reason: list[str]
    evaluations: int

    def distance(self, claimed: ArrayLike) -> NDArray[np.float64]:
        """How far claimed derivatives lie from the value, or at a kink from the interval between the sides.

        Parameters
        ----------
        claimed : array_like, shape (entries,)

        Returns
        -------
        ndarray, shape (entries,)
            To be compared with `error`; nan where the point is neither smooth nor a kink.

        Examples
        --------
        >>> slopes = gradient(lambda x: np.sum(np.abs(x)), np.array([0.0, 2.0]))
        >>> slopes.distance([0.3, 0.0])
        array([0., 1.])
        """
        g = np.asarray(claimed, dtype=np.float64)
        low, high = np.minimum(self.left, self.right), np.maximum(self.left, self.right)
        known = (self.kind == Kind.SMOOTH) | (self.kind == Kind.KINK)
        with np.errstate(invalid="ignore"):
            return np.where(known, np.maximum(np.maximum(low - g, g - high), 0.0), np.nan)


def slope(
    f: Callable[[float], Any], *, scale: float = 1.0, at: float = 0.0, blur: float = 0.0, noise: float = 0.0
) -> Slope:
    """Derivative of t -> f(t) at t = 0.

    Parameters
    ----------
    f : callable
        Takes the step t, a float, and returns one real number. What it raises passes through; the floating
        point warnings of NumPy are silenced while it runs.
    scale : float
        The step over which f is expected to change; the first h is 0.05 of it. Too large costs evaluations,
        too small costs accuracy.
    at : float
        Where f adds t to a number, that number: the steps are then such that ``at + t`` is exact.
    blur : float
        Where f rounds t in another way, the absolute size of that rounding.
    noise : float
        By how much a value of f is off, where that is known to be more than the rounding of the value itself.

    Raises
    ------
    ValueError
        If the scale is not positive and finite.
    TypeError
        If f returns anything but one real number.

    Examples
    --------
    >>> s = slope(lambda t: np.sin(0.5 + t), at=0.5)
    >>> s.kind, s.value, s.error < 1e-10
    (<Kind.SMOOTH: 'smooth'>, 0.8775825618903, True)
    >>> s = slope(abs)
    >>> s.kind, s.left, s.right
    (<Kind.KINK: 'kink'>, -1.0, 1.0)
    """
    if not 0 < scale < math.inf:
        raise ValueError(f"the scale of a step must be positive and finite, not {scale}")
    with np.errstate(all="ignore"):
        return _search(_Line(f, at, blur, noise), scale)


def gradient(
    f: Callable[[NDArray[np.float64]], Any],
    x: ArrayLike,
    *,
    entries: Iterable[int | tuple[int, ...]] | None = None,
    scale: ArrayLike | None = None,
    noise: float = 0.0,
) -> Slopes:
    """Partial derivatives of a scalar function of an array, entry by entry.

    Parameters
    ----------
    f : callable
        Takes a float64 array of the shape of `x`, a fresh copy at each call, and returns one real number.
    x : array_like
        The point. It is not changed.
    entries : iterable of int or tuple of int, optional
        Indices of the entries wanted; all, in C order, by default.
    scale : array_like, optional
        Steps over which f is expected to change, broadcast to the shape of `x`. By default the larger of the
        entry's size and the root mean square of the array; 1 for an array of zeros.
    noise : float
        As for `slope`.

    Raises
    ------
    TypeError
        If `x` or the value of f is not real.
    IndexError
        If an index does not name one entry of `x`.

    Examples
    --------
    >>> slopes = gradient(lambda x: np.exp(x[0]) * x[1], np.array([0.0, 3.0]))
    >>> slopes.value
    array([3., 1.])
    >>> bool(np.all(slopes.error < 1e-9))
    True
    """
    point = _real_array(x)
    own = np.maximum(np.abs(point), _typical(point))
    scales = np.broadcast_to(own if scale is None else np.asarray(scale, dtype=np.float64), point.shape)
    wanted = np.ndindex(point.shape) if entries is None else entries
    index = [i if isinstance(i, tuple) else (i,) for i in wanted]
    found = []
    for i in index:
        if np.ndim(point[i]) or len(i) != point.ndim:
            raise IndexError(f"{i} does not name one entry of an array of shape {point.shape}")

        def moved(t: float, i: tuple[int, ...] = i) -> Any:
            there = point.copy()
            there[i] += t
            return f(there)

        if math.isfinite(point[i]):
            found.append(slope(moved, scale=float(scales[i]), at=float(point[i]), noise=noise))
        else:
            reason = f"the entry is {point[i]} itself"
            found.append(Slope(Kind.UNVERIFIABLE, math.nan, math.inf, math.nan, math.nan, reason))
    numbers = np.array([(s.value, s.error, s.left, s.right) for s in found]).reshape(-1, 4)
    value, error, left, right = (np.ascontiguousarray(column) for column in numbers.T)
    kinds = np.array([s.kind for s in found], dtype=object)
    evaluations = sum(s.evaluations for s in found)
    return Slopes(index, value, error, left, right, kinds, [s.reason for s in found], evaluations)


def directional(f: Callable[[Any], Any], x: Any, direction: Any, *, noise: float = 0.0) -> Slope:
    """Derivative of a scalar function along a direction.

    Parameters
    ----------
    f : callable
        Takes what `x` is (an array, or a list of arrays) and returns one real number.
    x : array_like or list of ndarray
        The point. It is not changed.
    direction : array_like or list of ndarray
        Of the shapes of `x`.
    noise : float
        As for `slope`.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> point, way = [np.eye(2), np.ones(2)], [np.ones((2, 2)), np.zeros(2)]
    >>> directional(lambda xs: np.sum(xs[0] @ xs[1]), point, way).value
    4.0
    """
    several = isinstance(x, list)
    points = [_real_array(p) for p in (x if several else [x])]
    ways = [_real_array(d) for d in (direction if several else [direction])]
    if [p.shape for p in points] != [d.shape for d in ways]:
        got = f"{[d.shape for d in ways]} at points of shapes {[p.shape for p in points]}"
        raise ValueError(f"a direction must have the shape of its point; got directions of shapes {got}")
    # the step at which the first of the arrays has moved by its own size
    sizes = [(_typical(p), _largest(d)) for p, d in zip(points, ways, strict=True)]
    scale = min((size / speed for size, speed in sizes if speed), default=1.0)

    def moved(t: float) -> Any:
        there = [p + t * d for p, d in zip(points, ways, strict=True)]
        return f(there if several else there[0])

    return slope(moved, scale=scale, blur=EPS * scale, noise=noise)


def complex_step(f: Callable[[NDArray[np.complex128]], Any], x: ArrayLike) -> NDArray[np.float64]:
    """Partial derivatives as Im f(x + ih) / h: no difference is taken, so that they are exact to rounding.

    An extra, to be used only where every operation of f is analytic and takes complex numbers: for ``abs``,
    ``maximum`` or a comparison the result is wrong without a warning. (W. Squire and G. Trapp 1998, "Using
    complex variables to estimate derivatives of real functions", SIAM Review 40(1), 110-112.)

    Examples
    --------
    >>> complex_step(lambda x: np.sum(np.exp(x)), np.array([0.0, 1.0]))
    array([1.        , 2.71828183])
    """
    point = _real_array(x)
    h = 1e-100
    result = np.empty(point.shape)
    for i in np.ndindex(point.shape):
        there = point.astype(np.complex128)
        there[i] += 1j * h
        result[i] = np.asarray(f(there)).item().imag / h
    return result


def _real_array(x: ArrayLike) -> NDArray[np.float64]:
    a = np.asarray(x)
    if a.dtype.kind not in "fiu":
        raise TypeError(f"differences need real numbers; got an array of dtype {a.dtype}")
    return a.astype(np.float64)


def _largest(x: NDArray[np.float64]) -> float:
    return float(np.max(np.abs(x), initial=0.0))


def _typical(x: NDArray[np.float64]) -> float:
    """The root mean square; 1 for zeros and for nothing."""
    top = _largest(x)
    return top * float(np.sqrt(np.mean((x / top) ** 2))) if 0 < top < math.inf else 1.0


@dataclass(frozen=True)
class _Sample:
    h: float
    plus: float  # the steps really taken: x + plus and x - minus are exact
    minus: float
    up: float  # f(plus)
    down: float  # f(-minus)

    def sides(self, f0: float) -> tuple[float, float]:
        """Difference quotients on the left and on the right."""
        return (f0 - self.down) / self.minus, (self.up - f0) / self.plus


@dataclass
class _Line:
    """f along a line, with what has been learnt of its rounding."""

    f: Callable[[float], Any]
    at: float
    blur: float
    noise: float = 0.0
    evaluations: int = 0
    eps: float = EPS
    grain: float = math.inf  # the largest power of two that all values are multiples of
    values: set[float] = field(default_factory=set)

    def __call__(self, t: float) -> float:
        self.evaluations += 1
        value = np.asarray(self.f(t))
        if value.size != 1 or value.dtype.kind not in "fiub":
            raise TypeError(
                f"differences need a function that returns one real number; this one returned an array of "
                f"shape {value.shape} and dtype {value.dtype}"
            )
        if value.dtype.kind == "f":
            self.eps = max(self.eps, float(np.finfo(value.dtype).eps))
        y = float(value.item())
        if math.isfinite(y):
            self.values.add(y)
            numerator, denominator = y.as_integer_ratio()
            if numerator:
                self.grain = min(self.grain, (numerator & -numerator) / denominator)
        return y

    def sample(self, h: float) -> _Sample:
        plus, minus = (self.at + h) - self.at, self.at - (self.at - h)
        return _Sample(h, plus, minus, self(plus), self(-minus))

    def unit(self, f0: float, samples: Sequence[_Sample]) -> float:
        """The rounding of one value of f, in so far as it is known without looking at noise."""
        steepest = max(abs(q) for s in samples for q in s.sides(f0))
        # Values on a coarse grid were computed in lower precision or are what a subtraction left over. A
        # staircase of a few steps is something else.
        gridded = len(self.values) >= 5 and self.grain <= (max(self.values) - min(self.values)) / 16
        rounding = max(self.eps * _size(f0, samples), self.grain if gridded else 0.0, self.noise)
        return rounding + TINY + self.blur * steepest


def _size(f0: float, samples: Iterable[_Sample]) -> float:
    return max(abs(f0), *(abs(v) for s in samples for v in (s.up, s.down)))


def _eliminate(values: Sequence[float], orders: Iterable[int]) -> list[float]:
    """Remove the terms h^p from a sequence sampled at h, h/r, h/r^2, ...: one value fewer for each p."""
    for p in orders:
        c = RATIO**p
        values = [(c * b - a) / (c - 1) for a, b in pairwise(values)]
    return list(values)


def _annihilator(orders: Iterable[int]) -> list[float]:
    """Weights, of norm 1, that turn samples at h, h/r, h/r^2, ... of any sum of the h^p into 0."""
    weights = np.ones(1)
    for p in orders:
        weights = np.convolve(weights, [-1.0, RATIO**p])
    return [float(w) for w in weights / np.linalg.norm(weights)]


_ODD, _EVEN, _SIDE = (_annihilator(p) for p in ((0, 1, 3, 5), (0, 1, 2, 4), (0, 1, 2, 3, 4)))


def _roughness(values: Sequence[float], weights: Sequence[float]) -> float:
    """The part of the values that is no polynomial, a kink left and right of all samples allowed."""
    windows = (values[k : k + len(weights)] for k in range(len(values) - len(weights) + 1))
    return max(abs(sum(w * v for w, v in zip(weights, window, strict=True))) for window in windows)


@dataclass(frozen=True)
class _Block:
    """What six steps say of the limits of mean(h) and half(h)."""

    h: float
    mean: float
    half: float
    error: float  # of both
    rounding: float  # the part of it that the rounding of f explains
    noise: float  # of one value of f, as the samples show it
    variation: float  # the steepest quotient at the largest step
    rough: bool  # the windows disagree because of noise
    stairs: bool  # some samples are equal

    @property
    def smooth(self) -> bool:
        return abs(self.half) <= self.error

    @property
    def settled_but_for_noise(self) -> bool:
        return self.rough and self.error <= 0.05 * (self.variation if self.smooth else abs(self.half))

    def distance(self, other: Self) -> float:
        return abs(self.mean - other.mean) + abs(self.half - other.half)


def _block(f: _Line, f0: float, samples: Sequence[_Sample]) -> _Block:
    sides = [s.sides(f0) for s in samples]
    mean = [(right + left) / 2 for left, right in sides]
    half = [(right - left) / 2 for left, right in sides]
    unit, size = f.unit(f0, samples), _size(f0, samples)
    # what f is at the steps as asked, for x + h has been rounded and these are in proportion
    steps = [s.h for s in samples]
    odd = [m * h for m, h in zip(mean, steps, strict=True)]
    even = [g * h for g, h in zip(half, steps, strict=True)]
    ups = [o + e for o, e in zip(odd, even, strict=True)]
    downs = [o - e for o, e in zip(odd, even, strict=True)]
    noise = min(
        max(_roughness(odd, _ODD), _roughness(even, _EVEN)),
        max(_roughness(ups, _SIDE), _roughness(downs, _SIDE)),
    )
    windows = []
    # as if f were smooth through the point, then as if on each side alone; the gain bounds what the weights
    # make of the rounding of one value
    for mean_orders, half_orders, gain in (((2, 4), (1, 3), 8), ((1, 2, 3), (1, 2, 3), 16)):
        limits = list(zip(_eliminate(mean, mean_orders), _eliminate(half, half_orders), strict=True))
        for j, (m, g) in enumerate(limits):
            others = limits[j + 1 :] or limits[-2:-1]
            spread = max(abs(m - other_m) + abs(g - other_g) for other_m, other_g in others)
            h = samples[j + len(mean_orders)].h
            error = 3 * spread + gain * (unit + noise) / h
            rough = 4 * unit < noise < NOISE * size and spread <= 300 * noise / h
            windows.append((error, h, m, g, gain * unit / h, rough))
    error, h, m, g, rounding, rough = min(windows)
    stairs = len({s.up for s in samples}) + len({s.down for s in samples}) < 2 * len(samples)
    return _Block(h, m, g, error, rounding, noise, max(map(abs, sides[0])), rough, stairs)


def _noisy(blocks: Sequence[_Block], steady: int) -> _Block | None:
    """The best of the blocks that are settled but for noise, where the noise stays the same for some more.

    Its error is taken from all of these: among many blocks some look better than they are.
    """
    found = []
    for k, block in enumerate(blocks):
        run = blocks[k : k + steady]
        if not block.settled_but_for_noise or len(run) < steady or not all(b.rough for b in run):
            continue
        levels = [b.noise for b in run]
        # what falls with h belongs to the function; a kink on its way through the samples falls much faster
        falls = sum(levels[steady // 2 :]) < 0.5 * sum(levels[: steady // 2])
        if not falls and min(levels) >= 0.1 * max(levels):
            error = max(block.error, 12 * sorted(levels)[steady // 2] / block.h)
            found.append(replace(block, error=error))
    return min(found, key=lambda b: b.error, default=None)


def _gridded(f0: float, samples: Iterable[_Sample]) -> bool:
    """Whether the smallest changes of f are multiples of one, f being flat only because it is rounded."""
    changes = {abs(v - f0) for s in samples for v in (s.up, s.down)}
    rounding = 16 * EPS * max(abs(f0), *changes)
    quantum = min((c for c in changes if c > rounding), default=math.inf)
    counts = [c / quantum for c in changes if rounding < c < 1e3 * quantum]
    return len(counts) >= 3 and all(abs(n - round(n)) < 0.02 for n in counts)


def _search(f: _Line, scale: float) -> Slope:
    f0 = f(0.0)
    if not math.isfinite(f0):
        return _unverifiable(f, f"the function is {f0} at the point itself")
    h, own = FIRST_STEP * scale, FIRST_STEP * abs(f.at)
    finest = 64 * float(np.spacing(abs(f.at))) if f.at else max(64 * f.blur, h * RATIO**-DEEP)
    samples: list[_Sample] = []
    blocks: list[_Block] = []
    kink: _Block | None = None
    usual, steep, steps = math.inf, 0.0, 0
    while h >= finest:
        sample = f.sample(h)
        inside = math.isfinite(sample.up - sample.down)
        h, steps = h / RATIO, steps + 1
        if 0 < own < h and (steps == COARSE or not inside):
            h, samples = own, []
            continue
        samples = [*samples, sample] if inside else []
        if len(samples) < BLOCK:
            continue
        block = _block(f, f0, samples[-BLOCK:])
        stairs = block.stairs and block.noise > f.noise
        if not math.isfinite(block.error) or (stairs and (_noisy(blocks, 4) or _gridded(f0, samples))):
            continue  # what is noise at larger steps is a staircase at small ones
        size = abs(block.mean) + abs(block.half)
        steep = max(size, steep)
        usual = block.error if usual == math.inf else usual
        done = block.error <= PRECISE * size or size <= block.error <= EPS * steep
        if not done and block.error <= min(ROUNDED * block.rounding, max(0.05 * steep, usual)):
            # unless noise is known of, or an earlier block agrees and is far better: among many noisy
            # blocks, some look as if they were only rounded
            better = any(3 * b.error < block.error and b.distance(block) <= 2 * block.error for b in blocks)
            noisy = _noisy(blocks, 6)
            done = not better and (noisy is None or block.error < noisy.error)
        blocks.append(block)
        steep = max(steep, block.variation)
        if block.smooth and done:
            return _verdict(f, blocks, kink)
        if not block.smooth and block.error <= (0.05 if done else 1e-8) * abs(block.half):
            resume = _leap(f, f0, block, finest)
            if resume is None:
                return _verdict(f, blocks, kink)
            h, samples, blocks, kink = resume, [], [], kink or block
    if not samples:
        return _unverifiable(f, "the function is not finite on both sides, however small the step")
    return _classify(f, f0, samples, blocks, kink)


def _leap(f: _Line, f0: float, kink: _Block, finest: float) -> float | None:
    """Follow a kink to smaller steps: None if it lasts down to rounding, else the last step that saw it."""
    left, right = kink.mean - kink.half, kink.mean + kink.half
    seen, h = kink.h, kink.h / LEAP
    while h >= finest:
        s = f.sample(h)
        rounding = 8 * (f.unit(f0, [s]) + kink.noise) / h
        if rounding > 0.5 * abs(kink.half):
            return None
        now_left, now_right = s.sides(f0)
        if not max(abs(now_left - left), abs(now_right - right)) <= 0.25 * abs(kink.half) + rounding:
            return seen
        seen, h = h, h / LEAP
    return None


def _verdict(f: _Line, blocks: Sequence[_Block], kink: _Block | None) -> Slope:
    """What the last block says, unless those before were settled but for noise and said something else."""
    last, noisy = blocks[-1], _noisy(blocks, 6)
    if noisy is None or last.distance(noisy) <= noisy.error:
        return _settled(f, last, kink)
    if last.distance(noisy) <= 1e-2 * (abs(noisy.mean) + abs(noisy.half)):
        return _settled(f, replace(noisy, error=noisy.error + last.distance(noisy)), kink)
    at_large = f"at steps of about {noisy.h:.0e} the slope is {noisy.mean:.6g}"
    at_small = f"at steps of about {last.h:.0e} it is {last.mean:.6g}"
    return _unverifiable(f, f"{at_large}, {at_small}: noise, or structure on two scales", last.mean)


def _settled(f: _Line, block: _Block, kink: _Block | None) -> Slope:
    if kink is not None and kink.distance(block) <= kink.error + block.error:
        block = kink  # that it was lost at smaller steps was noise
    m, g = block.mean, block.half
    if block.smooth:
        return Slope(Kind.SMOOTH, m, block.error + abs(g), m, m, evaluations=f.evaluations)
    return Slope(Kind.KINK, m, block.error, m - g, m + g, evaluations=f.evaluations)


def _unverifiable(f: _Line, reason: str, value: float = math.nan) -> Slope:
    return Slope(Kind.UNVERIFIABLE, value, math.inf, math.nan, math.nan, reason, f.evaluations)


def _classify(f: _Line, f0: float, samples: Sequence[_Sample], blocks: Sequence[_Block], kink: _Block | None) -> Slope:
    """Name what has no limit by the order in h of the quotients on either side."""
    if noisy := _noisy(blocks, 6):
        return _settled(f, noisy, kink)
    noise = [8 * f.unit(f0, [s]) / s.h for s in samples]
    lefts, rights = zip(*(s.sides(f0) for s in samples), strict=True)
    (p_left, left), (p_right, right) = _order(lefts, noise), _order(rights, noise)
    odd_orders = [p for p in (p_left, p_right) if p < 0.95]
    value = (left + right) / 2 if math.isfinite(left + right) else math.nan
    if any(abs(p + 1) <= 0.05 for p in odd_orders):
        return Slope(Kind.JUMP, value, math.inf, left, right, "the function jumps here", f.evaluations)
    if odd_orders and not math.isnan(p_left + p_right):
        reason = f"the slope goes like the power {min(odd_orders):.2g} of the step"
        off = max(abs(lefts[-1] - left), abs(rights[-1] - right)) + abs(right - left)
        error = math.inf if math.isnan(value) else off
        return Slope(Kind.CUSP, value, error, left, right, reason, f.evaluations)
    if noisy := _noisy(blocks, 4):
        return _settled(f, noisy, kink)
    reason = f"the quotients do not settle at steps from {samples[0].h:.0e} down to {samples[-1].h:.0e}"
    best = min(blocks, key=lambda b: b.error, default=None)
    return _unverifiable(f, reason, best.mean if best else math.nan)


def _order(quotients: Sequence[float], noise: Sequence[float]) -> tuple[float, float]:
    """Order p and limit of quotients like limit + c h^p; nan where they are not, 1 where nothing moves."""
    moves = [b - a for a, b in pairwise(quotients)]
    clear = [abs(m) > 4 * n for m, n in zip(moves, noise[1:], strict=True)]
    # eight moves in a row that are clear of rounding, at the smallest steps that have them
    ends = (k for k in range(len(moves), 7, -1) if all(clear[k - 8 : k]))
    if (end := next(ends, None)) is None:
        return 1.0, quotients[-1]
    ratios = [a / b for a, b in pairwise(moves[end - 8 : end])]
    if min(ratios) <= 0:
        return math.nan, math.nan
    orders = sorted(math.log(r, RATIO) for r in ratios)
    p = orders[len(orders) // 2]
    if orders[-1] - orders[0] > 0.1:
        return math.nan, math.nan
    if end < len(moves) and abs(moves[end - 1]) * RATIO**-p > 16 * noise[end + 1]:
        return 1.0, quotients[-1]  # it ended there, and not in rounding
    if p <= 0.02:
        return p, math.copysign(math.inf, moves[end - 1])
    return p, quotients[end] + moves[end - 1] / (RATIO**p - 1)
