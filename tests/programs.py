"""Random programs of smooth NumPy code, for properties that must hold for all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

import microgradnp as mg

Array = Any

UNARY: tuple[Callable[[Array], Array], ...] = (
    np.tanh,
    np.sin,
    np.cos,
    np.arctan,
    np.negative,
    mg.logistic,
    mg.softplus,
    lambda a: a * a,
    lambda a: np.exp(np.tanh(a)),
    lambda a: np.log(1 + a**2),
    lambda a: np.sqrt(2 + np.sin(a)),
    lambda a: 1 / (1 + np.exp(-a)),
    lambda a: 2 ** np.tanh(a),
    lambda a: a - a.mean(),
    lambda a: a.T,
    lambda a: a.reshape(-1),
    lambda a: np.expand_dims(a, 0),
    lambda a: np.sum(a, axis=-1) if a.ndim else a,
    lambda a: np.mean(a, axis=0, keepdims=True) if a.ndim else a,
    lambda a: np.sum(a),
    lambda a: mg.logsumexp(a),
    lambda a: mg.softmax(a) if a.ndim else a,
    lambda a: np.cumsum(a, axis=0) if a.ndim else a,
    lambda a: a[::-1] if a.ndim else a[None],
    lambda a: a[..., -1] if a.ndim else a[()],
    lambda a: a[[0, -1, 0]] if a.ndim else a,  # repeats
    lambda a: a[np.arange(len(a)) % 2 == 0] if a.ndim else a,
    lambda a: np.where(np.arange(a.size).reshape(a.shape) % 3 == 0, a, 0.5 * a),
    lambda a: np.swapaxes(a, 0, -1) if a.ndim else a,
    lambda a: np.broadcast_to(a, (2, *a.shape)),
)


def matrices(a: Array) -> Array:
    """Return an array as a matrix."""
    return a.reshape(1, -1) if a.ndim < 2 else a.reshape(a.shape[0], -1)


BINARY: tuple[Callable[[Array, Array], Array], ...] = (
    np.add,
    np.subtract,
    np.multiply,
    lambda a, b: a / (2 + np.sin(b)),
    lambda a, b: np.hypot(a, 1 + b * b),
    lambda a, b: np.logaddexp(a, b),
    lambda a, b: a * b.sum(),
    lambda a, b: np.outer(a, b)[:4, :4],
    lambda a, b: matrices(a) @ matrices(a).T,
    lambda a, b: np.einsum("ij,kj->ik", matrices(a), matrices(a) * b.mean()),
    lambda a, b: np.concatenate([a.reshape(-1), b.reshape(-1)])[:12],
    lambda a, b: np.stack([a, a + np.sum(b)]),
)


def run(program: Sequence[tuple[int, int, int]], *inputs: Array) -> list[Array]:
    """Return all values of a program, the inputs first: each step applies an operation to earlier values."""
    values = list(inputs)
    for which, i, j in program:
        a, b = values[i % len(values)], values[j % len(values)]
        if which < len(UNARY):
            y = UNARY[which](a)
        else:
            operation = BINARY[which - len(UNARY)]
            y = operation(a, b if fit(a.shape, b.shape) else np.mean(b))
        if y.ndim > 3 or y.size > 64:
            y = y.reshape(-1)[:24]
        values.append(y / (1 + 0.1 * np.sum(y * y)))  # keeps what a long program makes near 1
    return values


def fit(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


def loss(program: Sequence[tuple[int, int, int]], *inputs: Array) -> Array:
    """Return a number that depends on every value of a program, each element with a weight of its own."""
    total = 0.0
    for k, y in enumerate(run(program, *inputs)[3:]):
        total = total + np.sum(y * np.cos(np.arange(y.size) + k).reshape(y.shape))
    return total


@st.composite
def programs(draw: st.DrawFn, most: int = 30) -> list[tuple[int, int, int]]:
    """Return a program of 2 to 30 operations."""
    step = st.tuples(st.integers(0, len(UNARY) + len(BINARY) - 1), st.integers(0, 40), st.integers(0, 40))
    return draw(st.lists(step, min_size=2, max_size=most))


def inputs(seed: int) -> tuple[Array, Array, Array]:
    """Return a matrix, a vector and a number."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(3, 4)), rng.normal(size=4), np.float64(rng.normal())
