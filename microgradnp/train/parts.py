"""The layers, tensors and sources of random numbers that a hand-written function uses, found by its own names for them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from microgradnp.naming import NUMPY_ROOT, OUR_ROOT, STDLIB_ROOT
from microgradnp.nn import Module
from microgradnp.tensor import Tensor

#: How many functions, containers and objects are looked into.
BUDGET = 1000
Random = np.random.Generator | np.random.RandomState


def parts_of(f: Callable[..., Any]) -> dict[str, Any]:
    """Return the Modules, Tensors, Generators and RandomStates that a function reaches: by closure, globals, or attributes.

    Functions that it calls by name are looked into as well, those of libraries are not.

    Parameters
    ----------
    f : callable
        Not a Module.

    Returns
    -------
    dict of str to Module, Tensor, Generator or RandomState
        By the names of the variables.

    Examples
    --------
    >>> from microgradnp import nn
    >>> body, rng = nn.Linear(2, 3), np.random.default_rng(0)
    >>> def noisy(x):
    ...     return x + rng.normal(size=x.shape)
    >>> list(parts_of(lambda x: body(noisy(x))))
    ['body', 'rng']
    """
    found: dict[str, Any] = {}
    seen: set[int] = set()
    stack: list[tuple[str, Any]] = [("model", f)]
    while stack and len(seen) < BUDGET:
        name, item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Module | Tensor | Random):
            found[free(name, found)] = item
        else:
            stack.extend(reversed([pair for pair in used_by(name, item) if leads_on(pair[1])]))
    return found


def used_by(name: str, item: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a function, a container or an object refers to, with names."""
    if isinstance(item, functools.partial):
        yield from ((name, part) for part in (item.func, *item.args, *item.keywords.values()))
    elif isinstance(item, MethodType):
        yield from ((name, part) for part in (item.__self__, item.__func__))
    elif isinstance(item, FunctionType):
        for variable, cell in zip(item.__code__.co_freevars, item.__closure__ or (), strict=False):
            try:
                yield variable, cell.cell_contents
            except ValueError:  # a variable that has no value yet
                continue
        for variable in names_in(item.__code__):
            if variable in item.__globals__:
                yield variable, item.__globals__[variable]
    elif isinstance(item, dict):
        yield from ((f"{name}.{key}", part) for key, part in item.items())
    elif isinstance(item, list | tuple):
        yield from ((f"{name}.{i}", part) for i, part in enumerate(item))
    else:
        yield from ((f"{name}.{key}", part) for key, part in getattr(item, "__dict__", {}).items())


def names_in(code: CodeType) -> Iterator[str]:
    """Yield the global names in the code of a function, and of those inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def leads_on(item: Any) -> bool:
    """Return whether something is, or may lead to, what is looked for."""
    if isinstance(item, Module | Tensor | Random | functools.partial | MethodType | list | tuple | dict):
        return True
    if isinstance(item, FunctionType):
        return not of_library(item)
    if isinstance(item, type) or not callable(item):
        return False
    method = type(item).__call__
    return isinstance(method, FunctionType) and not of_library(method)


def of_library(f: FunctionType) -> bool:
    """Return whether a function is Python's, NumPy's or ours, by its file."""
    file = f.__code__.co_filename
    return file.startswith((OUR_ROOT, NUMPY_ROOT)) or (file.startswith(STDLIB_ROOT) and "site-packages" not in file)


def free(name: str, taken: Mapping[str, Any]) -> str:
    """Return a name, with a number where it is taken.

    Examples
    --------
    >>> free("a", {"a": 1, "a (2)": 1})
    'a (3)'
    """
    numbered, count = name, 2
    while numbered in taken:
        numbered, count = f"{name} ({count})", count + 1
    return numbered
