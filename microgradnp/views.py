"""Which Tensors are views of others, as NumPy sees it, and what writing to one of them does to the rest.

Values are immutable: writing to a Tensor gives it a new array, and how that was made. What was recorded before keeps the
old one, so every gradient stays right. But in NumPy ``row = t[0]`` is a view: writing to `row` changes `t`, and writing to
`t` changes `row`. So a view knows its base, and a base its living views. A write to a view is put back into the base, and
each view of a base that was written to is taken from it again, differentiably.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from microgradnp import explain
from microgradnp.primitives.primitive import Primitive
from microgradnp.primitives.shapes import getitem_
from microgradnp.primitives.writing import update_
from microgradnp.tape import ALIAS, OFF, Leaf, current_mode, known

if TYPE_CHECKING:  # given to this room when they are there
    from microgradnp.recorders import apply
    from microgradnp.tensor import Tensor

Array = Any

#: The base of a view that must not be written to: one of a recorded result, taken under `no_grad`.
LOOSE: Any = type("Loose", (), {"__repr__": lambda _: "<loose>"})()


def note(y: Array, view: Tensor, primitive: Primitive, inputs: Sequence[Any], params: dict[str, Any] | None) -> None:
    """Note that a Tensor is a view of the first operand that it was made of, if its array is one."""
    base = inputs[0]
    if type(base) is not Tensor:
        return
    value, owner = base._value, y.base
    if y is not value and (owner is None or (owner is not value and owner is not value.base)):
        return
    node = base.node
    if node is not None:
        off = current_mode() == OFF
        if not off and (type(node) is Leaf or node.primitive is ALIAS):
            view._base = base  # to which nobody writes
            return
        view._base = LOOSE if off and type(node) is not Leaf else base
    else:
        view._base = base
    views = getattr(base, "_views", None)
    if views is None:
        base._views = views = []
    elif not len(views) & 15:  # now and then forget those that are gone
        views[:] = [entry for entry in views if entry[0]() is not None]
    views.append((ref(view), primitive, inputs[1:], params))


def disown(view: Tensor) -> Tensor:
    """Make a Tensor of its own out of a view: values are immutable, so no memory need be copied."""
    base = getattr(view, "_base", None)
    if base is not None:
        if base is not LOOSE:
            base._views = [entry for entry in getattr(base, "_views", ()) if entry[0]() is not view]
        view._base = None
    return view


def is_current(t: Tensor, value: Any, pattern: Any) -> bool:
    """Return whether a value is the view of t at a basic index: ``t[0] += 1`` has written to it already."""
    if type(value) is not Tensor or getattr(value, "_base", None) is not t:
        return False
    found = recipe(t, value)
    return found is not None and found[0] is getitem_ and not found[1] and bool(found[2]["pattern"] == pattern)


def recipe(base: Tensor, view: Tensor) -> tuple[Primitive, Sequence[Any], dict[str, Any]] | None:
    """Return how a view is taken from its base."""
    for at, primitive, rest, params in getattr(base, "_views", ()):
        if at() is view:
            return primitive, rest, params or {}
    return None


def check_writable(t: Tensor, symbol: str) -> None:
    """Raise unless a Tensor, and all that its memory belongs to, may get another value."""
    root = t
    while (base := getattr(root, "_base", None)) is not None:
        if base is LOOSE:
            raise explain.in_place_view(t, None, symbol)
        root = base
    node = root.node
    if node is None:
        return
    off = current_mode() == OFF
    if (
        (type(node) is Leaf and (not off or node.argument))
        or node.primitive is ALIAS
        or (off and type(node) is not Leaf)
    ):
        if root is not t:
            raise explain.in_place_view(t, root, symbol)
        raise explain.assignment(t, None) if symbol == "[...]" else explain.in_place(t, symbol)


def write(t: Tensor, made: Tensor) -> None:
    """Give a Tensor another value, of the same shape and type; and to all that shares its memory in NumPy."""
    while (base := getattr(t, "_base", None)) is not None:
        found = recipe(base, t)
        if found is None:
            raise explain.in_place_view(t, base, "[...]")
        t, made = base, put_back(base, made, t, *found)
    if type(t.node) is Leaf:
        t._set(made._value)
    else:
        t._value, t.node = made._value, made.node
    if getattr(t, "_views", None):
        renew(t)


def put_back(
    base: Tensor, made: Tensor, view: Tensor, primitive: Primitive, rest: Sequence[Any], params: dict[str, Any]
) -> Tensor:
    """Return the base with another value where its view is."""
    if primitive is getitem_:
        return apply(update_, (base, made, *rest), params)
    if made.dtype != base.dtype:  # the real part of a complex array
        raise explain.in_place_view(view, base, "[...]")
    operands = (known(base._value), *rest)
    wanted = [True, *(False for _ in rest)]
    ones = np.ones(made.shape, made.dtype)
    times = primitive.pull(ones, None, operands, wanted, params)[0]  # how often each element of the base is seen
    if np.any(times > 1):
        raise explain.in_place_view(view, base, "[...]")
    back: Tensor = primitive.pull(made, None, operands, wanted, params)[0]
    if not np.all(times):
        back = np.where(times == 1, back, base)  # type: ignore[assignment]
    return back


def renew(base: Tensor) -> None:
    """Take the living views of a Tensor, and theirs, from its new value."""
    waiting = [base]
    while waiting:
        t = waiting.pop()
        living = [entry for entry in getattr(t, "_views", ()) if entry[0]() is not None]
        for at, primitive, rest, params in living:
            view = at()
            if view is None:
                continue
            again = apply(primitive, (t, *rest), params or {})
            view._value = again._value
            if view._base is not LOOSE:
                view.node = again.node
            waiting.append(view)
        t._views = living
