"""What makes a function of NumPy one of the standard: its signature, and Tensors as results."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from microgradnp import tree
from microgradnp.tape import OFF, current_mode
from microgradnp.tensor import Tensor


def wrapped(value: Any) -> Any:
    """Return arrays and NumPy scalars as Tensors, also in tuples and lists.

    Examples
    --------
    >>> wrapped((np.float64(1.5), np.arange(2)))
    (Tensor(1.5), Tensor([0, 1]))
    """
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufc":
        return Tensor(np.asarray(value)[()])
    if isinstance(value, tuple):
        items = [wrapped(item) for item in value]
        return value._make(items) if hasattr(value, "_make") else tuple(items)
    return [wrapped(item) for item in value] if isinstance(value, list) else value


def plain(value: Any) -> Any:
    """Return Tensors as the arrays that they hold, also in tuples and lists."""
    return tree.transform(lambda x: x._value if isinstance(x, Tensor) else x, value)


def recorded(value: Any) -> bool:
    """Return whether something among arguments is being differentiated, or traced."""
    if current_mode() == OFF:
        return False
    return any(isinstance(x, Tensor) and x.node is not None for _, x in tree.flatten(value))


def called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a function of NumPy: on Tensors where they are recorded, else on their arrays."""
    if not recorded((args, kwargs)):
        args, kwargs = plain(args), plain(kwargs)
    return wrapped(function(*args, **kwargs))


def standard(function: Callable[..., Any], signature: str, doc: str = "") -> Callable[..., Any]:
    """Return a function with a signature of the standard, which runs one of NumPy that takes the same arguments.

    Examples
    --------
    >>> total = standard(np.sum, "x, /, *, axis=None, dtype=None, keepdims=False")
    >>> total(np.ones((2, 3)), axis=0)
    Tensor([2., 2., 2.])
    >>> total(np.ones(3), 0)
    Traceback (most recent call last):
    TypeError: sum(x, /, *, axis=None, dtype=None, keepdims=False): too many positional arguments
    """
    name = function.__name__
    made = inspect.signature(eval(f"lambda {signature}: None"))  # our own text, below

    @functools.wraps(function, updated=(), assigned=("__doc__",))
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            made.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{name}({signature}): {error}") from None
        given = {k: v for k, v in kwargs.items() if not (v is None and made.parameters[k].default is None)}
        return called(function, *args, **given)

    run.__name__ = run.__qualname__ = name
    run.__signature__ = made  # type: ignore[attr-defined]
    run.__doc__ = doc or f"NumPy's `{name}`, with the signature of the array API standard: ``{name}({signature})``."
    return run


def entered(lines: str, room: Any, own: Iterable[Callable[..., Any]] = ()) -> dict[str, Callable[..., Any]]:
    """Return functions of NumPy by name, from lines that tell their signatures; `own` are ours."""
    found = {}
    for line in lines.split("\n"):
        name, _, rest = line.strip().partition("(")
        if name and hasattr(room, name):  # a few came after NumPy 2.0
            found[name] = standard(getattr(room, name), rest.rstrip(")"))
            found[name].__name__ = found[name].__qualname__ = name
    return found | {f.__name__: f for f in own}
