"""Arrays to test with, from domains where functions are smooth, and derivatives by differences."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
Shape = tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], Array]


@dataclass(frozen=True)
class Input:
    """An operand to be drawn: a domain and a shape. ``real(2, 3)`` makes one."""

    domain: str
    shape: Shape
    draw: Draw

    @property
    def differentiable(self) -> bool:
        return self.domain not in ("whole", "truth")

    def __call__(self, rng: np.random.Generator, dtype: Any = np.float64) -> Array:
        x = self.draw(rng, self.shape)
        return np.asarray(x).astype(dtype)[()] if self.differentiable else np.asarray(x)[()]

    def of(self, *shape: int) -> Input:
        """Return an operand of the same domain and another shape."""
        return Input(self.domain, shape, self.draw)

    def __repr__(self) -> str:
        return f"{self.domain}{list(self.shape)}".replace(" ", "")


def domain(draw: Draw) -> Callable[..., Input]:
    """Make a factory of operands from a function that draws arrays."""
    return lambda *shape: Input(draw.__name__, shape, draw)


@domain
def real(rng: np.random.Generator, shape: Shape) -> Array:
    """Of both signs, 0.2 away from every integer and 0.1 from every half: no kink or jump is near."""
    return rng.integers(-2, 2, shape) + rng.uniform(0.2, 0.4, shape)


@domain
def other(rng: np.random.Generator, shape: Shape) -> Array:
    """Like real, but at least 0.2 away from every element of it: no two tie."""
    return rng.integers(-2, 2, shape) + rng.uniform(0.6, 0.8, shape)


@domain
def positive(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.uniform(0.3, 2.5, shape)


@domain
def unit(rng: np.random.Generator, shape: Shape) -> Array:
    """Inside (-1, 1)."""
    return rng.uniform(-0.8, 0.8, shape)


@domain
def above_one(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.uniform(1.3, 3.0, shape)


@domain
def tens(rng: np.random.Generator, shape: Shape) -> Array:
    """10.1 to 10.4, of either sign: divided by `threes` never near an integer."""
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(10.1, 10.4, shape)


@domain
def threes(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(2.9, 3.1, shape)


@domain
def separate(rng: np.random.Generator, shape: Shape) -> Array:
    """Of both signs, no two elements nearer than 0.15: no two tie, in any reduction."""
    n = int(np.prod(shape))
    return (rng.permutation(n) - n / 3 + rng.uniform(0.2, 0.3, n)).reshape(shape) * 0.2


@domain
def whole(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.integers(0, 6, shape)


@domain
def truth(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.random(shape) < 0.5


@domain
def regular(rng: np.random.Generator, shape: Shape) -> Array:
    """Matrices of full rank: their singular values, and the real eigenvalues of square ones, are well apart."""
    m, n = shape[-2:]
    return np.eye(m, n) * np.linspace(1.5, 4.0, n) + rng.uniform(0.1, 0.25, shape)


@domain
def graded(rng: np.random.Generator, shape: Shape) -> Array:
    """Positive and growing: no two sums of rows or columns tie."""
    n = int(np.prod(shape))
    return rng.uniform(0.95, 1.05, shape) * 1.3 ** np.arange(n).reshape(shape)


@domain
def definite(rng: np.random.Generator, shape: Shape) -> Array:
    """Symmetric positive definite matrices."""
    a = rng.uniform(0.2, 0.4, shape)
    return np.eye(shape[-1]) * np.linspace(1.5, 4.0, shape[-1]) + a @ np.swapaxes(a, -1, -2)


# -- memory layouts ------------------------------------------------------------------------------------------


def fortran(x: Array) -> Array:
    return x.copy(order="F")


def reversed_strides(x: Array) -> Array:
    return np.flip(np.flip(x).copy())


def strided(x: Array) -> Array:
    big = np.full(tuple(2 * n for n in x.shape), np.nan, x.dtype)
    view = big[(*(slice(None, None, 2),) * x.ndim, ...)]
    view[...] = x
    return view


def read_only(x: Array) -> Array:
    x = x.copy()
    x.flags.writeable = False
    return x


def swapped_bytes(x: Array) -> Array:
    return x.astype(x.dtype.newbyteorder())


LAYOUTS = (fortran, reversed_strides, strided, read_only, swapped_bytes)


# -- trees of results ----------------------------------------------------------------------------------------


def leaves(tree: Any) -> Iterator[Any]:
    """Yield the arrays of a result: itself, or the items of a tuple or list."""
    if isinstance(tree, tuple | list):
        for item in tree:
            yield from leaves(item)
    else:
        yield tree


def flat(tree: Any) -> Array:
    """Return all the arrays of a result as one vector."""
    return np.concatenate([np.ravel(np.asarray(x)) for x in leaves(tree)] or [np.zeros(0)])


# -- differences ---------------------------------------------------------------------------------------------


def derivative(f: Callable[[float], Any], step: float = 0.02, levels: int = 4) -> Array:
    """Return df/dt at 0 as one vector: central differences, extrapolated to step 0 (Richardson)."""
    steps = [step / 2**k for k in range(levels)]
    table = [(flat(f(h)) - flat(f(-h))) / (2 * h) for h in steps]
    for order in range(1, levels):
        table = [(4**order * fine - coarse) / (4**order - 1) for coarse, fine in itertools.pairwise(table)]
    return table[0]


def assert_close(actual: Any, expected: Any, tolerance: float, scale: float = 0.0) -> None:
    """Assert that two results agree, relative to their largest element, or to the terms they are sums of."""
    actual, expected = flat(actual), flat(expected)
    assert actual.shape == expected.shape
    scale = max(scale, float(np.max(np.abs(expected), initial=0.0)), float(np.max(np.abs(actual), initial=0.0)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)
