"""Nested containers of arrays, taken apart and put together."""

from __future__ import annotations

import copy
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
        new = {} if type(tree) is dict else copy.copy(tree)  # an OrderedDict or a defaultdict stays one
        new.update(zip(tree, items, strict=True))
        return new
    new = copy.copy(tree)  # not its constructor, which may compute or convert
    for field, item in zip(dataclasses.fields(tree), items, strict=True):
        object.__setattr__(new, field.name, item)
    return new


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


def replaced(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return the tree with a function applied to every leaf; the very tree where that changes nothing.

    So a list that a function appends to, or an object of options, stays the caller's own.

    Examples
    --------
    >>> log = []
    >>> replaced(lambda x: x, log) is log
    True
    """
    items = None if tree is None else children(tree)
    if items is None:
        return None if tree is None else function(tree)
    new = [replaced(function, item) for _, item in items]
    return tree if all(a is b for a, (_, b) in zip(new, items, strict=True)) else rebuilt(tree, new)


def matching(tree: Any, like: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return the leaves of a tree in the order of those of another one that it must match, with their paths.

    Raises
    ------
    ValueError
        If the trees differ: in their keys, lengths, or where they have leaves.

    Examples
    --------
    >>> matching({"b": 2, "a": 1}, like={"a": 0, "b": 0})
    [('["a"]', 1), ('["b"]', 2)]
    """
    items = None if like is None else children(like)
    if items is None:
        if (like is None) != (tree is None):
            raise ValueError(
                f"{path or 'it'} is {'None' if tree is None else 'not None'}, but there is "
                f"{'no' if like is None else 'an'} array there"
            )
        return [] if like is None else [(path, tree)]
    found = None if tree is None else children(tree)
    theirs, ours = dict(found or ()), dict(items)
    if found is None or isinstance(tree, dict) != isinstance(like, dict) or theirs.keys() != ours.keys():
        what = "a leaf" if found is None else f"a {type(tree).__name__} with {', '.join(theirs) or 'nothing'}"
        raise ValueError(
            f"{path or 'it'} is {what}, but must be a {type(like).__name__} with {', '.join(ours) or 'nothing'}"
        )
    return [leaf for step, item in items for leaf in matching(theirs[step], item, path + step)]


def filled(tree: Any, leaves: Iterable[Any]) -> Any:
    """Return the tree with its leaves replaced, in order."""
    rest = iter(leaves)
    return transform(lambda _: next(rest), tree)
