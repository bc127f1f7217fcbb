"""The user's own names for values, found in the frames of the running program when somebody asks."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from types import FrameType, ModuleType
from typing import Any

import numpy as np

#: Where the code lies that is not the user's.
STDLIB_ROOT = os.path.join(os.path.dirname(os.__file__), "")
OUR_ROOT, NUMPY_ROOT = (os.path.join(os.path.dirname(path), "") for path in (__file__, np.__file__))
SCIPY_ROOT = os.path.join(os.path.dirname(os.path.dirname(np.__file__)), "scipy", "")

#: Rooms whose frames run between the user's code and the record. The others (layers, the demonstration) use
#: the library as a user does, and their variables are worth naming.
ENGINE = (
    "indices",
    "recorders",
    "ufuncs",
    "views",
    "tensor",
    "tape",
    "transforms",
    "primitives",
    "graph",
    "tree",
    "naming",
    "explain",
    "debugging",
    "draw",
    "train",
    "verify",
    "views",
)


def is_engine(module: str) -> bool:
    """Return whether a module's code is the engine's or NumPy's, not the user's.

    Examples
    --------
    >>> is_engine("microgradnp.tensor"), is_engine("microgradnp.demo"), is_engine("__main__")
    (True, False, False)
    """
    package, _, rest = module.partition(".")
    return package == "numpy" or (package == "microgradnp" and rest.partition(".")[0] in ENGINE)


@functools.lru_cache(maxsize=1024)
def is_engine_file(filename: str) -> bool:
    """Return whether code of this file is the engine's, NumPy's, SciPy's or Python's own, and not the user's.

    (The globals of a frame do not tell: doctests borrow them.)
    """
    for root, package in ((OUR_ROOT, "microgradnp"), (NUMPY_ROOT, "numpy")):
        if filename.startswith(root):
            return is_engine(".".join([package, *filename[len(root) :].removesuffix(".py").split(os.sep)]))
    return filename.startswith(SCIPY_ROOT) or (filename.startswith(STDLIB_ROOT) and "site-packages" not in filename)


def scipy_function() -> str | None:
    """Return the name of the function of SciPy that is running, as the user called it; None outside of SciPy."""
    name = None
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        inside = frame.f_code.co_filename.startswith(SCIPY_ROOT)
        if name is not None and not inside:
            return name
        name = frame.f_code.co_name if inside else None
        frame = frame.f_back
    return name


def user_frames(limit: int = 12) -> Iterator[FrameType]:
    """Yield the frames of the running program that are the user's own, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and limit:
        if not is_engine_file(frame.f_code.co_filename):
            yield frame
            limit -= 1
        frame = frame.f_back


def node_of(value: Any) -> Any:
    """Return the node of a Tensor on a graph, else None."""
    return getattr(value, "node", None) if is_ours(value) else None


def is_ours(value: Any) -> bool:
    """Return whether an object is of a class of this package. A class may have any `__module__`."""
    return str(type(value).__module__).startswith("microgradnp")


def same(value: Any, other: Any) -> bool:
    """Return whether two objects are the same quantity: one object, or two Tensors of one node."""
    if value is other:
        return True
    node = node_of(value)
    return node is not None and node is node_of(other)


def name_of(value: Any) -> str | None:
    """Return what the user calls a value: its name, a variable, or ``self.W``, ``params["W"]``.

    Numbers have no name: equal small integers are one object under many names.
    """
    if isinstance(value, int | float | complex | str | None) and not isinstance(value, np.generic):
        return None
    given = getattr(value, "name", None) if is_ours(value) else None
    if isinstance(given, str):
        return given
    for frame in user_frames():
        for scope in (frame.f_locals, frame.f_globals):
            variables = [item for item in scope.items() if not item[0].startswith("__")]
            variables.sort(key=lambda item: item[0].startswith("_"))  # last: what a notebook calls its latest results
            for name, candidate in variables:
                if same(candidate, value):
                    return name
            for name, holder in variables:
                for path, candidate in items_of(holder):
                    if same(candidate, value):
                        return name + path
    return None


def items_of(holder: Any) -> list[tuple[str, Any]]:
    """Return what a container or an object holds, with the path that a user would write to reach it."""
    if isinstance(holder, dict):
        return [
            (f"[{key!r}]".replace("'", '"'), item)
            for key, item in list(holder.items())[:200]
            if isinstance(key, str | int)
        ]
    if isinstance(holder, list | tuple):
        fields = getattr(holder, "_fields", None)
        return [(f".{fields[i]}" if fields else f"[{i}]", item) for i, item in enumerate(holder[:200])]
    module = str(type(holder).__module__)
    if isinstance(holder, type | ModuleType) or module == "builtins" or is_engine(module):
        return []
    try:
        attributes = object.__getattribute__(holder, "__dict__")  # a __getattr__ of the user's may do anything
    except AttributeError:
        return []
    return [(f".{name}", item) for name, item in list(attributes.items())[:200]]


def describe(value: Any) -> str:
    """Return a value as an error names it: its name, if it has one, and its shape."""
    shape = getattr(value, "shape", None)
    name = name_of(value)
    if shape is None:
        return (
            f"`{name}`"
            if name
            else repr(value)
            if isinstance(value, int | float | complex | str)
            else type(value).__name__
        )
    what = f"of shape {shape}" if shape else "0-d"
    return (
        f"`{name}` {what}"
        if name
        else f"{'an' if type(value).__name__[0] in 'aeioun' else 'a'} {type(value).__name__} {what}"
    )


def calls(value: Any) -> str:
    """Return how an error refers to a value: its name in backticks, or 'the tensor'."""
    name = name_of(value)
    return f"`{name}`" if name else "the tensor"
