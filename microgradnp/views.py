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
from microgradnp.primitives.shapes import Slot, getitem_
from microgradnp.primitives.writing import update_
from microgradnp.tape import ALIAS, OFF, Leaf, current_mode, known

if TYPE_CHECKING:  # given to this room when they are there
    from microgradnp.recorders import apply
    from microgradnp.tensor import Tensor

Array = Any

#: How a view was taken: the operands, of which the first is its base; the primitive; its parameters. The base is None for a
#: view of a recorded result that was taken under `no_grad`: it must not be written to, nor keep a graph alive.
Taken = tuple[Sequence[Any], Primitive, dict[str, Any] | None]


def note(y: Array, view: Tensor, primitive: Primitive, inputs: Sequence[Any], params: dict[str, Any] | None) -> None:
    """Note that a Tensor is a view of the first operand that it was made of, if its array is one."""
    base = inputs[0]
    if type(base) is not Tensor:
        return
    value, owner = base._value, y.base
    if owner is not value and y is not value and (owner is None or owner is not value.base):
        return
    register(view, base, inputs, primitive, params)


def note_copy(view: Tensor, base: Tensor, index: Any) -> None:
    """Note that base[index] is a view in NumPy (a diagonal, a sliding window), which here is a copy."""
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    slots = iter(map(Slot, range(len(arrays))))
    pattern = tuple(next(slots) if isinstance(part, np.ndarray) else part for part in parts)
    register(view, base, (base, *arrays), getitem_, {"pattern": pattern})


def register(
    view: Tensor, base: Tensor, inputs: Sequence[Any], primitive: Primitive, params: dict[str, Any] | None
) -> None:
    """Let a view know its base, and the base its view."""
    node = base.node
    if node is None:
        view._base = inputs, primitive, params
    elif current_mode() == OFF and type(node) is not Leaf:
        view._base = (None, *inputs[1:]), primitive, params
    else:
        view._base = inputs, primitive, params
        if (type(node) is Leaf and current_mode() != OFF) or node.primitive is ALIAS:
            return  # nobody writes to it
    views = getattr(base, "_views", None)
    if views is None:
        base._views = [ref(view)]
        return
    size = len(views)
    if size > 15 and not size & (size - 1):  # now and then forget those that are gone
        views[:] = [at for at in views if at() is not None]
    views.append(ref(view))


def disown(view: Tensor) -> Tensor:
    """Make a Tensor of its own out of a view: values are immutable, so no memory need be copied."""
    taken = getattr(view, "_base", None)
    if taken is not None:
        base = taken[0][0]
        if base is not None:
            base._views = [at for at in getattr(base, "_views", ()) if at() is not view]
        view._base = None
    return view


def is_current(t: Tensor, value: Any, pattern: Any) -> bool:
    """Return whether a value is the view of t at a basic index: ``t[0] += 1`` has written to it already."""
    taken = getattr(value, "_base", None) if type(value) is Tensor else None
    if taken is None:
        return False
    inputs, primitive, params = taken
    return inputs[0] is t and primitive is getitem_ and len(inputs) == 1 and bool(params["pattern"] == pattern)


def check_writable(t: Tensor, symbol: str) -> None:
    """Raise unless a Tensor, and all that its memory belongs to, may get another value."""
    root = t
    while (taken := getattr(root, "_base", None)) is not None:
        root = taken[0][0]
        if root is None:
            raise explain.in_place_view(t, None, symbol)
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
    while (taken := getattr(t, "_base", None)) is not None:
        made = put_back(made, t, *taken)
        t = taken[0][0]
    if type(t.node) is Leaf:
        t._set(made._value)  # which renews its views
        return
    t._value, t.node = made._value, made.node
    if getattr(t, "_views", None):
        renew(t)


def put_back(
    made: Tensor, view: Tensor, inputs: Sequence[Any], primitive: Primitive, params: dict[str, Any] | None
) -> Tensor:
    """Return the base with another value where its view is."""
    base, *rest = inputs
    params = params or {}
    if primitive is getitem_:
        return apply(update_, (base, made, *rest), params)
    if made.dtype != base.dtype:  # the real part of a complex array
        raise explain.in_place_view(view, base, "[...]")
    operands = (known(base._value), *rest)
    wanted = [True, *(False for _ in rest)]
    times = primitive.pull(np.ones(made.shape, made.dtype), None, operands, wanted, params)[0]
    if np.any(times > 1):  # elements of the base that are seen several times
        raise explain.in_place_view(view, base, "[...]")
    back: Tensor = primitive.pull(made, None, operands, wanted, params)[0]
    return back if np.all(times) else np.where(times == 1, back, base)  # type: ignore[return-value]


def renew(base: Tensor) -> None:
    """Take the living views of a Tensor, and theirs, from its new value."""
    waiting = [base]
    while waiting:
        t = waiting.pop()
        living = [at for at in getattr(t, "_views", ()) if at() is not None]
        for at in living:
            view = at()
            if view is None:
                continue
            inputs, primitive, params = view._base
            again = apply(primitive, (t, *inputs[1:]), params or {})
            view._value = again._value
            if inputs[0] is not None:
                view.node = again.node
            waiting.append(view)
        t._views = living
