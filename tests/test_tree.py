"""Trees: nested containers taken apart, put together, and matched with each other."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, defaultdict, namedtuple
from typing import Any

import pytest

from microgradnp import tree

Pair = namedtuple("Pair", "left right")


@dataclasses.dataclass
class Layer:
    weight: Any
    bias: Any = None


@dataclasses.dataclass(frozen=True)
class Frozen:
    weight: Any
    double: Any = dataclasses.field(init=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "double", self.weight * 2)


@dataclasses.dataclass(slots=True)
class Slotted:
    weight: Any


DEFAULTS: defaultdict[str, Any] = defaultdict(list, a=1)
TREES = {
    "leaf": (1, [("", 1)]),
    "none": (None, []),
    "empty": ({}, []),
    "tuple": ((1, 2), [("[0]", 1), ("[1]", 2)]),
    "list of lists": ([[1], [2, None]], [("[0][0]", 1), ("[1][0]", 2)]),
    "dict": ({"W": 1, 3: 2}, [('["W"]', 1), ("[3]", 2)]),
    "ordered dict": (OrderedDict(b=1, a=2), [('["b"]', 1), ('["a"]', 2)]),
    "default dict": (DEFAULTS, [('["a"]', 1)]),
    "named tuple": (Pair(1, (2, 3)), [(".left", 1), (".right[0]", 2), (".right[1]", 3)]),
    "dataclass": (Layer(1, 2), [(".weight", 1), (".bias", 2)]),
    "dataclass with None": (Layer([1]), [(".weight[0]", 1)]),
    "frozen dataclass": (Frozen(1), [(".weight", 1), (".double", 2)]),
    "slotted dataclass": (Slotted(1), [(".weight", 1)]),
    "dataclass type": (Layer, [("", Layer)]),
}


@pytest.mark.parametrize("name", TREES)
def test_flatten(name: str) -> None:
    given, leaves = TREES[name]
    assert tree.flatten(given) == leaves


@pytest.mark.parametrize("name", [name for name in TREES if name != "dataclass type"])
def test_transform_rebuilds_the_same_containers(name: str) -> None:
    given, leaves = TREES[name]
    moved = tree.transform(lambda x: x + 10, given)
    assert type(moved) is type(given)
    assert tree.flatten(moved) == [(path, x + 10) for path, x in leaves]
    assert tree.flatten(given) == leaves


@pytest.mark.parametrize("name", TREES)
def test_filled_and_matching_are_inverse_to_flatten(name: str) -> None:
    given, leaves = TREES[name]
    assert tree.filled(given, [x for _, x in leaves]) == given
    assert tree.matching(given, given) == leaves


@pytest.mark.parametrize("name", TREES)
def test_replaced_returns_the_very_tree_where_nothing_changes(name: str) -> None:
    given, leaves = TREES[name]
    assert tree.replaced(lambda x: x, given) is given
    if leaves and name != "dataclass type":
        assert tree.flatten(tree.replaced(lambda x: x + 1, given)) == [(path, x + 1) for path, x in leaves]


def test_a_defaultdict_keeps_its_factory() -> None:
    assert tree.transform(lambda x: x, DEFAULTS).default_factory is list


def test_matching_orders_by_the_other_trees_keys() -> None:
    assert tree.matching({"a": 1, "b": [2]}, OrderedDict(b=[0], a=0)) == [('["b"][0]', 2), ('["a"]', 1)]


def test_matching_leaves_what_stands_for_a_leaf_whole() -> None:
    assert tree.matching(([1.0, 2.0],), (0,)) == [("[0]", [1.0, 2.0])]


MISMATCHES = {
    "another key": ({"a": 1}, {"b": 1}),
    "a key too many": ({"a": 1, "b": 1}, {"a": 1}),
    "shorter": ((1,), (1, 2)),
    "leaf for a container": (1, (1, 2)),
    "list for a dict": ([1], {"a": 1}),
    "None for a leaf": ((None,), (1,)),
    "leaf for None": ((1,), (None,)),
    "None for a container": (None, (1,)),
    "another named tuple": (Pair(1, 2), Layer(1, 2)),
}


@pytest.mark.parametrize("name", MISMATCHES)
def test_matching_refuses(name: str) -> None:
    given, like = MISMATCHES[name]
    with pytest.raises(ValueError, match="the tangent"):
        tree.matching(given, like, "the tangent")
