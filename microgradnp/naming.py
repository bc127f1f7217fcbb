"""The user's own names for values, found in the frames of the running program when somebody asks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import numpy as np

#: Rooms whose frames run between the user's code and the record. The others (layers, the demonstration) use the
#: library as a user does, and their variables are worth naming.
ENGINE = ("tensor", "tape", "transforms", "primitives", "graph", "tree", "naming", "explain", "verify")


def is_engine(module: str) -> bool:
    """Return whether a module's code is the engine's or NumPy's, not the user's.

    Examples
    --------
    >>> is_engine("microgradnp.tensor"), is_engine("microgradnp.demo"), is_engine("__main__")
    (True, False, False)
    """
    package, _, rest = module.partition(".")
    return package == "numpy" or (package == "microgradnp" and rest.partition(".")[0] in ENGINE)


def user_frames(limit: int = 12) -> Iterator[FrameType]:
    """Yield the frames of the running program that are the user's own, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and limit:
        if not is_engine(frame.f_globals.get("__name__", "")):
            yield frame
            limit -= 1
        frame = frame.f_back


def node_of(value: Any) -> Any:
    """Return the node of a Tensor on a graph, else None."""
    return getattr(value, "node", None) if type(value).__module__.startswith("microgradnp") else None


def same(value: Any, other: Any) -> bool:
    """Return whether two objects are the same quantity: one object, or two Tensors of one node."""
    if value is other:
        return True
    node = node_of(value)
    return node is not None and node is node_of(other)


def name_of(value: Any) -> str | None:
    """Return what the user calls a value: its own name, or a variable of the callers, or ``self.W``, ``params["W"]``.

    Numbers have no name: equal small integers are one object under many names.
    """
    if isinstance(value, int | float | complex | str | None) and not isinstance(value, np.generic):
        return None
    given = getattr(value, "name", None) if type(value).__module__.startswith("microgradnp") else None
    if isinstance(given, str):
        return given
    for frame in user_frames():
        for scope in (frame.f_locals, frame.f_globals):
            for name, candidate in list(scope.items()):
                if not name.startswith("__") and same(candidate, value):
                    return name
            for name, holder in list(scope.items()):
                if name.startswith("__"):
                    continue
                for path, candidate in items_of(holder):
                    if same(candidate, value):
                        return name + path
    return None


def items_of(holder: Any) -> list[tuple[str, Any]]:
    """Return what a container or an object holds, with the path that a user would write to reach it."""
    if isinstance(holder, dict):
        return [(f"[{key!r}]".replace("'", '"'), item) for key, item in list(holder.items())[:200] if isinstance(key, str | int)]
    if isinstance(holder, list | tuple):
        fields = getattr(holder, "_fields", None)
        return [(f".{fields[i]}" if fields else f"[{i}]", item) for i, item in enumerate(holder[:200])]
    if isinstance(holder, type) or type(holder).__module__ == "builtins" or is_engine(type(holder).__module__):
        return []
    attributes = getattr(holder, "__dict__", None)
    if isinstance(attributes, dict) and not hasattr(holder, "__path__") and not hasattr(holder, "__spec__"):
        return [(f".{name}", item) for name, item in list(attributes.items())[:200]]
    return []


def describe(value: Any) -> str:
    """Return a value as an error names it: its name, if it has one, and its shape."""
    shape = getattr(value, "shape", None)
    name = name_of(value)
    if shape is None:
        return f"`{name}`" if name else repr(value) if isinstance(value, int | float | complex | str) else type(value).__name__
    what = f"of shape {shape}" if shape else "0-d"
    return f"`{name}` {what}" if name else f"a {type(value).__name__} {what}"


def calls(value: Any) -> str:
    """Return how an error refers to a value: its name in backticks, or 'the tensor'."""
    name = name_of(value)
    return f"`{name}`" if name else "the tensor"
