"""What a function uses: Modules and sources of random numbers, by closure, globals, attributes and through other functions."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp import nn
from microgradnp.train.parts import BUDGET, parts_of

LAYER = nn.Linear(1, 1)
STREAM = np.random.RandomState(0)


def through_globals(x: Any) -> Any:
    return [LAYER(x) for _ in range(STREAM.randint(3))]


class Holder:
    def __init__(self) -> None:
        self.layers = {"first": nn.Linear(1, 1)}
        self.loop = self

    def __call__(self, x: Any) -> Any:
        return self.layers["first"](x)

    def method(self, x: Any) -> Any:
        return self(x)


def cases() -> list[Any]:
    a, b, rng = nn.Linear(1, 1), nn.Linear(1, 1), np.random.default_rng(0)
    table, bias = {"W": mg.tensor([1.0], requires_grad=True)}, mg.tensor([0.0])
    later: Any

    def inner(x: Any) -> Any:
        return (lambda: b(x) * rng.random())()

    def unset(x: Any) -> Any:
        return later(a(x))

    if False:
        later = None
    return [
        (lambda x: a(inner(x)), ["a", "b", "rng"]),
        (lambda x: a(a(x)), ["a"]),
        (through_globals, ["LAYER", "STREAM"]),
        (functools.partial(lambda m, x: m(x), a), ["model"]),
        (Holder(), ["model.layers.first"]),
        (Holder().method, ["model.layers.first"]),
        (unset, ["a"]),
        (lambda x: a(x) @ table["W"] + bias, ["a", "bias", "table.W"]),
        (lambda x: np.tanh(nn.functional.relu(x)), []),
        (np.tanh, []),
        (abs, []),
    ]


@pytest.mark.parametrize("case", range(11))
def test_what_is_found(case: int) -> None:
    f, names = cases()[case]
    assert sorted(parts_of(f)) == names


def test_two_of_one_name_are_told_apart() -> None:
    def layer() -> Any:
        weights = nn.Linear(1, 1)
        return lambda x: weights(x)

    first, second = layer(), layer()
    assert list(parts_of(lambda x: first(second(x)))) == ["weights", "weights (2)"]


def test_large_data_in_a_closure_is_not_gone_through() -> None:
    table = [[i] for i in range(10 * BUDGET)]
    assert parts_of(lambda x: table[x]) == {}
