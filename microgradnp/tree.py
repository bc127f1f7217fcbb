"""Nested containers of arrays: tuples, lists, dicts, named tuples and dataclasses, taken apart and put together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any


def children(tree: Any) -> list[tuple[str, Any]] | None:
    """Return the items of a container with the paths that reach them, or None for a leaf."""
    if isinstance(tree, tuple):
        fields = getattr(tree, "_fields", None)
        return [(f".{fields[i]}" if fields else f"[{i}]", item) for i, item in enumerate(tree)]
    if isinstance(tree, list):
        return [(f"[{i}]", item) for i, item in enumerate(tree)]
    if isinstance(tree, dict):
        return [(f'["{key}"]' if isinstance(key, str) else f"[{key!r}]", item) for key, item in tree.items()]
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return [(f".{field.name}", getattr(tree, field.name)) for field in dataclasses.fields(tree)]
    return None


def rebuilt(tree: Any, items: Iterable[Any]) -> Any:
    """Return a container like `tree` with other items."""
    items = list(items)
    if isinstance(tree, tuple):
        return type(tree)(*items) if hasattr(tree, "_fields") else tuple(items)
    if isinstance(tree, list):
        return items
    if isinstance(tree, dict):
        return dict(zip(tree, items, strict=True))
    names = [field.name for field in dataclasses.fields(tree)]
    return dataclasses.replace(tree, **dict(zip(names, items, strict=True)))


def flatten(tree: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return the leaves of a tree with their paths. None is an empty tree.

    Examples
    --------
    >>> flatten({"W": 1, "bs": [2, None]})
    [('["W"]', 1), ('["bs"][0]', 2)]
    """
    if tree is None:
        return []
    items = children(tree)
    if items is None:
        return [(path, tree)]
    return [leaf for step, item in items for leaf in flatten(item, path + step)]


def transform(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return the tree with a function applied to every leaf.

    Examples
    --------
    >>> transform(lambda x: -x, {"W": 1, "bs": (2, None)})
    {'W': -1, 'bs': (-2, None)}
    """
    if tree is None:
        return None
    items = children(tree)
    if items is None:
        return function(tree)
    return rebuilt(tree, (transform(function, item) for _, item in items))


def filled(tree: Any, leaves: Iterable[Any]) -> Any:
    """Return the tree with its leaves replaced, in order."""
    rest = iter(leaves)
    return transform(lambda _: next(rest), tree)
