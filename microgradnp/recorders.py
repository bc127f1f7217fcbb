"""Recorders: compute one operation and put a Node on the graph. Every operator, method and protocol ends in one of them.

`apply` is the general one; `unary`, `binary` and `ternary` make the fast ones, of which a primitive has its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from microgradnp import explain, views
from microgradnp.primitives.elementwise import clip
from microgradnp.primitives.primitive import Primitive
from microgradnp.primitives.shapes import Slot, getitem_
from microgradnp.tape import (
    ALIAS,
    DEBUG,
    FLOAT64,
    LATEST_CHANGE,
    OFF,
    RECORD,
    SCALAR64,
    SPECS64,
    WATCHES,
    Leaf,
    Node,
    current_mode,
    known,
    spec_of,
    tick,
    watch_here,
)
from microgradnp.tape import recorded as record_node

if TYPE_CHECKING:  # recorders make Tensors, whose operators they are: the class is given to them when it is there
    from microgradnp.tensor import Tensor, tensor

Array = Any

float64 = np.float64
ndarray = np.ndarray

new = object.__new__

#: Operands that are constants to us. Any other type may know better what to do: it gets NotImplemented.
ARRAYS = (np.ndarray, np.generic)
NUMBERS = (int, float, complex, np.generic, np.ndarray)
#: (Python's complex numbers compute with NumPy's float64 by themselves, and what they make is no NumPy scalar.)
PLAIN = frozenset((int, float, bool, np.ndarray, *{np.dtype(c).type for c in "?bhilqBHILQefdgFDG"}))

#: Values of parameters that nobody can change.
IMMUTABLE = frozenset((int, bool, float, str, slice, Slot, type(None), type(Ellipsis)))

#: Called with every node that is recorded while a function is being traced.
observer: ContextVar[Callable[[Node], None] | None] = ContextVar("microgradnp_observer", default=None)

#: What NumPy raises for operands that do not fit.
ERRORS = (ValueError, TypeError, IndexError, ZeroDivisionError)


# -- recording -----------------------------------------------------------------------------------------------------


def apply(primitive: Primitive, inputs: Sequence[Any], params: dict[str, Any]) -> Tensor:
    """Compute a primitive and record it: the general path, for any number of operands and any parameters."""
    for value in params.values():
        if type(value) not in IMMUTABLE and not (type(value) is tuple and IMMUTABLE.issuperset(map(type, value))):
            params = {k: v if type(v) in IMMUTABLE else frozen(primitive, k, v) for k, v in params.items()}
            break
    values: list[Any] = []
    parents: list[Node | None] = []
    for x in inputs:
        if type(x) is Tensor:
            values.append(x._value)
            parents.append(x.node)
        else:
            values.append(x if type(x) in PLAIN else admitted(x))
            parents.append(None)
    how = current_mode()
    constants = parents.count(None)
    recorded = how != OFF and constants < len(parents)
    slope = None
    try:
        if primitive.with_slope is not None and recorded and how == RECORD:
            y, slope = primitive.with_slope(*values, **params)
        else:
            y = primitive.function(*values, **params) if params else primitive.function(*values)
    except ERRORS as error:
        raise explain.failed(primitive, inputs, params, error) from error
    shares = False
    if type(y) is np.ndarray:
        shares = not primitive.elementwise and (y.base is not None or y is values[0])
    elif type(y) is not float64:
        y = result(y)._value
    if not recorded:
        if how == DEBUG:
            watch_here().computed(primitive, inputs, values, y)
        made = Tensor(y)
        if shares:
            views.note(y, made, primitive, inputs, params)
        return made
    spec = SCALAR64 if type(y) is float64 else spec_of(y)
    if how > RECORD:
        made = followed(primitive, inputs, params, values, parents, y, spec, how)
        if shares:
            views.note(y, made, primitive, inputs, params)
        return made
    if primitive.constant or spec[1].kind not in "fc":
        return undifferentiable(y, primitive, inputs)
    keep = primitive.keeps(tuple(map(bool, parents))) if constants or primitive.arity < 0 else primitive.keeps_all
    saved = [y if keep[0] else None]
    i = 0
    for parent in parents:
        value = values[i]
        i += 1  # noqa: SIM113  (faster than enumerate)
        if keep[i]:
            saved.append(value if parent is not None else constant_of(inputs[i - 1], value))
        else:
            saved.append(known(value) if parent is None else parent)
    if slope is not None:
        saved.append(slope)
    made = Tensor(y, record_node(primitive, tuple(parents), tuple(saved), spec, params or None))
    if shares:
        views.note(y, made, primitive, inputs, params)
    return made


def followed(
    primitive: Primitive,
    inputs: Sequence[Any],
    params: dict[str, Any],
    values: Sequence[Any],
    parents: Sequence[Node | None],
    y: Any,
    spec: Any,
    how: int,
) -> Tensor:
    """Record an operation with all its operands, for those who will look at it: while tracing, or under `mg.debug`."""
    debugged = how == DEBUG
    if spec[1].kind not in ("fc" if debugged else "biufc") or (debugged and primitive.constant):
        return undifferentiable(y, primitive, inputs)
    if debugged:
        primitive.keeps(tuple(map(bool, parents)))  # an operation without rules says so here
    kept = [v if p is not None else constant_of(x, v) for x, v, p in zip(inputs, values, parents, strict=True)]
    node = watch_here().new_node() if debugged else None
    node = record_node(primitive, tuple(parents), (y, *kept), spec, params or None, node)
    observe = observer.get()
    if debugged:
        watch_here().computed(primitive, inputs, values, y, node)
    elif observe is not None:
        observe(node)
    return Tensor(y, node)


def undifferentiable(y: Any, primitive: Primitive, inputs: Sequence[Any]) -> Tensor:
    """Return a result that has no derivative as a constant; raise where a gradient would be lost on the way to it."""
    if y.dtype.kind not in "biufc":
        raise explain.detached(y, primitive, inputs)
    return Tensor(y)


def frozen(primitive: Primitive, name: str, value: Any) -> Any:
    """Return a parameter so that later changes to it do not reach the graph; refuse one whose gradient would be lost."""
    if type(value) in (list, tuple):
        return value.__class__([v if type(v) in IMMUTABLE else frozen(primitive, name, v) for v in value])
    if type(value) is np.ndarray:
        return value.copy()
    if type(value) is Tensor:
        if value.node is not None and value.dtype.kind in "fc" and current_mode() != OFF:
            raise explain.tracked_keyword(primitive, name, value)
        return value._value
    return value


def result(y: Any) -> Tensor:
    """Return a Tensor of what a NumPy function returned."""
    return Tensor(y if isinstance(y, ARRAYS) else np.asarray(y)[()])


def admitted(x: Any) -> Any:
    """Return an operand as NumPy takes it, or raise for what holds Tensors that NumPy would swallow."""
    if isinstance(x, list | tuple):
        return tensor(x)._value if not holds_tensor(x) else explain_swallowed(x)
    if isinstance(x, np.ndarray):
        return explain.as_plain_array(x)
    if not isinstance(x, NUMBERS) and (hasattr(x, "__array_function__") or hasattr(x, "__array_ufunc__")):
        raise explain.foreign(x)
    return x


def ours(x: Any) -> bool:
    """Return whether we know how to compute with an operand. Any other type may know better: it gets NotImplemented."""
    if isinstance(x, np.ndarray):
        return type(x) is np.ndarray or type(x).__array_ufunc__ is np.ndarray.__array_ufunc__
    return isinstance(x, (Tensor, *NUMBERS, list, tuple))


def holds_tensor(x: Any) -> bool:
    """Return whether a nested list or tuple holds a Tensor."""
    stack, seen = [x], set()
    while stack:
        item = stack.pop()
        if isinstance(item, Tensor):
            return True
        if isinstance(item, list | tuple) and id(item) not in seen:  # a list may hold itself
            seen.add(id(item))
            stack.extend(item)
    return False


def explain_swallowed(x: Any) -> NoReturn:
    """Refuse a list of Tensors as an operand: NumPy would detach it."""
    raise TypeError(
        "a list that holds Tensors is no operand: NumPy would take their values and lose their gradients. "
        "Use mg.tensor([...]) or np.stack([...]), which differentiate"
    )


def private(x: Any) -> Any:
    """Return a constant operand so that the user's later changes to it do not reach the graph.

    An array that can still be written to is copied. To keep large data from being copied at every use, make a Tensor
    of them once: its value is immutable.
    """
    if isinstance(x, np.ndarray):
        if x.flags.writeable:
            return x.copy()
        owner: Any = x.base
        while isinstance(owner, np.ndarray):
            if owner.flags.writeable:
                return x.copy()
            owner = owner.base
    return x


def constant_of(x: Any, value: Any) -> Any:
    """Return the value of a constant operand, to be kept. What a Tensor owns nobody can write to."""
    if type(value) is not ndarray or (type(x) is Tensor and value.base is None):
        return value
    return private(value)


#: Python's numbers as arrays of one float64, read-only. NumPy converts a number at every call, which takes it longer than
#: a small operation itself.
NUMBERS64: dict[int | float, Array] = {}

NUMERIC = frozenset((int, float))

#: Where a number may come as such an array: what NumPy makes of a float64 array and a number, these make of both.
TAKE_NUMBERS = frozenset((
    np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum,
    np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal, clip.function,
))  # fmt: skip


def number64(x: float) -> Any:
    """Return a number as NumPy best takes it beside a float64 array: exactly what NumPy would convert it to."""
    if (x == 0 and type(x) is float) or not -(2**53) <= x <= 2**53:  # 0.0 and -0.0 are one key; nan, and what may round
        return x
    made = np.array(x, dtype=np.float64)
    made.flags.writeable = False
    if len(NUMBERS64) < 1000:
        NUMBERS64[x] = made
    return made


def unrecorded(
    primitive: Primitive,
    compute: Callable[..., Any],
    inputs: tuple[Any, ...],
    values: tuple[Any, ...],
    params: dict[str, Any] | None,
) -> Tensor:
    """Compute a function of numbers, arrays and Tensors that is not recorded, unless a function is being traced."""
    if params is not None or current_mode() > RECORD:
        return apply(primitive, inputs, params or {})
    try:
        y = compute(*values)
    except ERRORS as error:
        raise explain.failed(primitive, inputs, {}, error) from error
    if type(y) is not ndarray and type(y) is not float64:
        return result(y)
    made = new(Tensor)
    made._value = y
    made.node = None
    if not primitive.elementwise and type(y) is ndarray and (y.base is not None or y is values[0]):
        views.note(y, made, primitive, inputs, params)
    return made


def unary(primitive: Primitive, compute: Callable[[Any], Any] | None = None) -> Callable[[Any], Any]:
    """Return a recorder for a function of one operand: the fast path."""
    compute = compute or primitive.function
    elementwise = primitive.elementwise and not primitive.constant
    keep_y, keep_x = primitive.reads[0]

    def record(x: Any, params: dict[str, Any] | None = None) -> Any:
        if type(x) is not Tensor:
            return NotImplemented
        node = x.node
        value = x._value
        if node is None or current_mode() != RECORD:
            return unrecorded(primitive, compute, (x,), (value,), params)
        try:
            y = compute(value) if params is None else compute(value, **params)
        except ERRORS as error:
            raise explain.failed(primitive, (x,), params or {}, error) from error
        spec = node.spec
        if not elementwise or spec[1] is not FLOAT64:
            if y.dtype.kind not in "fc":
                return undifferentiable(y, primitive, (x,))
            spec = spec_of(y)
        made = new(Tensor)  # written out: two calls less for each operation
        made._value = y
        if not elementwise and (y.base is not None or y is value):
            views.note(y, made, primitive, (x,), params)
        made.node = entry = Node()
        entry.primitive = primitive
        entry.parents = (node,)
        entry.saved = (y if keep_y else None, value if keep_x else node)
        entry.spec = spec
        entry.params = params
        entry.order = tick()
        return made

    record.__name__ = primitive.name
    return record


def item(x: Any, pattern: Any) -> Any:
    """Record x[pattern], a basic index: the fast path."""
    node = x.node
    if node is None or current_mode() != RECORD:
        return apply(getitem_, (x,), {"pattern": pattern})
    value = x._value
    try:
        y = value[pattern]
    except ERRORS as error:
        raise explain.failed(getitem_, (x,), {"pattern": pattern}, error) from error
    made = new(Tensor)
    made._value = y
    params = {"pattern": pattern}
    if type(y) is not float64:
        spec = spec_of(y)
        if type(y) is ndarray:
            views.note(y, made, getitem_, (x,), params)
    else:
        spec = SCALAR64
    made.node = entry = Node()
    entry.primitive = getitem_
    entry.parents = (node,)
    entry.saved = (None, node)
    entry.spec = spec
    entry.params = params
    entry.order = tick()
    return made


def binary(primitive: Primitive, compute: Callable[[Any, Any], Any] | None = None) -> Callable[[Any, Any], Any]:
    """Return a recorder for a function of two operands: the fast path."""
    if primitive.constant:
        return unrecordable(primitive, compute)
    compute, with_slope = compute or primitive.function, primitive.with_slope
    elementwise = primitive.elementwise
    numbers = primitive.function in TAKE_NUMBERS
    keep_left, keep_right, keep_both = (
        primitive.keeps((True, False)),
        primitive.keeps((False, True)),
        primitive.keeps((True, True)),
    )

    def record(a: Any, b: Any, params: dict[str, Any] | None = None) -> Any:
        if type(a) is Tensor:
            left, left_node = a._value, a.node
            if type(b) is Tensor:
                right, right_node = b._value, b.node
            elif type(b) in PLAIN:
                right, right_node = b, None
                if (
                    numbers
                    and type(left) is ndarray
                    and type(b) in NUMERIC
                    and (b or type(b) is int)
                    and left.dtype is FLOAT64
                ):
                    right = NUMBERS64.get(b)
                    if right is None:
                        right = number64(b)
            else:
                return record_foreign(primitive, a, b, params)
        elif type(b) is Tensor and type(a) in PLAIN:
            left, left_node = a, None
            right, right_node = b._value, b.node
            if (
                numbers
                and type(right) is ndarray
                and type(a) in NUMERIC
                and (a or type(a) is int)
                and right.dtype is FLOAT64
            ):
                left = NUMBERS64.get(a)
                if left is None:
                    left = number64(a)
        else:
            return record_foreign(primitive, a, b, params)
        if left_node is None:
            if right_node is None:
                return unrecorded(primitive, compute, (a, b), (left, right), params)
            keep_y, keep_a, keep_b = keep_right
            spec = right_node.spec if elementwise and type(a) in NUMERIC and right_node.spec[1] is FLOAT64 else None
            if keep_a and type(left) is ndarray and (type(a) is ndarray or left.base is not None):
                left = private(left)
        elif right_node is None:
            keep_y, keep_a, keep_b = keep_left
            spec = left_node.spec if elementwise and type(b) in NUMERIC and left_node.spec[1] is FLOAT64 else None
            if keep_b and type(right) is ndarray and (type(b) is ndarray or right.base is not None):
                right = private(right)
        else:
            keep_y, keep_a, keep_b = keep_both
            spec = left_node.spec if elementwise and left_node.spec is right_node.spec else None
            if spec is not None and spec[1] is not FLOAT64:  # whose rules may return a wider type: the sweep must look
                spec = None
        if current_mode() != RECORD:
            return unrecorded(primitive, compute, (a, b), (left, right), params)
        try:
            if with_slope is not None:
                y, slope = with_slope(left, right, **params or {})
            elif params is None:
                y = compute(left, right)
            else:
                y = compute(left, right, **params)
        except ERRORS as error:
            raise explain.failed(primitive, (a, b), params or {}, error) from error
        if spec is None:
            if type(y) is complex:  # what Python makes of its own complex number and a float64
                y = np.complex128(y)
            dtype = y.dtype
            if dtype is FLOAT64:
                spec = SPECS64.get(y.shape) or spec_of(y)
            elif dtype.kind in "fc":
                spec = y.shape, dtype
            else:
                return undifferentiable(y, primitive, (a, b))
        saved = (y if keep_y else None, left if keep_a else left_node, right if keep_b else right_node)
        if with_slope is not None:
            saved = (*saved, slope)  # type: ignore[assignment]
        made = new(Tensor)  # written out: two calls less for each operation
        made._value = y
        made.node = entry = Node()
        entry.primitive = primitive
        entry.parents = (left_node, right_node)
        entry.saved = saved
        entry.spec = spec
        entry.params = params
        entry.order = tick()
        return made

    record.__name__ = primitive.name
    return record


def unrecordable(primitive: Primitive, compute: Callable[[Any, Any], Any] | None = None) -> Callable[[Any, Any], Any]:
    """Return a recorder for a function of two operands that is not differentiable: recorded only while tracing."""
    compute = compute or primitive.function

    def record(a: Any, b: Any, params: dict[str, Any] | None = None) -> Any:
        left = a._value if type(a) is Tensor else a if type(a) in PLAIN else None
        right = b._value if type(b) is Tensor else b if type(b) in PLAIN else None
        if left is None or right is None:
            return record_foreign(primitive, a, b, params)
        if type(b) in NUMERIC and (b or type(b) is int) and type(left) is ndarray and left.dtype is FLOAT64:
            right = NUMBERS64.get(b)
            if right is None:
                right = number64(b)
        return unrecorded(primitive, compute, (a, b), (left, right), params)

    record.__name__ = primitive.name
    return record


def ternary(primitive: Primitive) -> Callable[[Any, Any, Any], Any]:
    """Return a recorder for a function of three operands without parameters: the fast path."""
    compute, numbers = primitive.function, primitive.function in TAKE_NUMBERS
    patterns = itertools.product((True, False), repeat=3)
    keeps = {tracked: primitive.keeps(tracked) for tracked in patterns if any(tracked)}

    def record(a: Any, b: Any, c: Any) -> Any:
        if type(a) is Tensor:
            first, first_node = a._value, a.node
        elif type(a) in PLAIN:
            first, first_node = a, None
        else:
            return apply(primitive, (a, b, c), {})
        if type(b) is Tensor:
            second, second_node = b._value, b.node
        elif type(b) in PLAIN:
            second, second_node = b, None
        else:
            return apply(primitive, (a, b, c), {})
        if type(c) is Tensor:
            third, third_node = c._value, c.node
        elif type(c) in PLAIN:
            third, third_node = c, None
        else:
            return apply(primitive, (a, b, c), {})
        keep = keeps.get((first_node is not None, second_node is not None, third_node is not None))
        if keep is None or current_mode() != RECORD:
            return apply(primitive, (a, b, c), {})
        keep_y, keep_first, keep_second, keep_third = keep
        if numbers and type(first) is ndarray and first.dtype is FLOAT64:
            if type(b) in NUMERIC and (b or type(b) is int):
                second = NUMBERS64.get(b)
                if second is None:
                    second = number64(b)
            if type(c) in NUMERIC and (c or type(c) is int):
                third = NUMBERS64.get(c)
                if third is None:
                    third = number64(c)
        try:
            y = compute(first, second, third)
        except (ValueError, TypeError) as error:
            raise explain.failed(primitive, (a, b, c), {}, error) from error
        if y.dtype.kind not in "fc":
            return undifferentiable(y, primitive, (a, b, c))
        made = new(Tensor)
        made._value = y
        made.node = entry = Node()
        entry.primitive = primitive
        entry.parents = (first_node, second_node, third_node)
        entry.saved = (
            y if keep_y else None,
            first_node or known(first) if not keep_first else first if first_node else constant_of(a, first),
            second_node or known(second) if not keep_second else second if second_node else constant_of(b, second),
            third_node or known(third) if not keep_third else third if third_node else constant_of(c, third),
        )
        entry.spec = spec_of(y)
        entry.params = None
        entry.order = tick()
        return made

    record.__name__ = primitive.name
    return record


def noted(leaf: Leaf) -> None:
    """Tell who watches this thread that a leaf got another value."""
    watch = watch_here()
    if watch is not None:
        watch.changed(leaf)


def record_foreign(primitive: Primitive, a: Any, b: Any, params: dict[str, Any] | None) -> Any:
    """Record with operands of other types: lists become arrays, what is not ours may take over."""
    return apply(primitive, (a, b), params or {}) if ours(a) and ours(b) else NotImplemented


def reflected(record: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return the operator for a Tensor on the right."""

    def reversed_(self: Any, other: Any) -> Any:
        return record(other, self)

    return reversed_


def in_place(
    record: Callable[[Any, Any], Any], symbol: str, compute: Callable[[Any, Any], Any] | None = None
) -> Callable[[Any, Any], Any]:
    """Return the in-place operator: the same Tensor gets the new value, and remembers how it was made.

    Refused where NumPy would change something else as well: a leaf that is being recorded, or memory shared by views.
    """

    def operate(self: Any, other: Any) -> Any:
        leaf = self.node
        if type(leaf) is Leaf:
            if current_mode() != OFF or leaf.argument:
                raise explain.in_place(self, symbol)
            old = self._value
            if (
                compute is not None
                and type(other) is np.ndarray
                and other.dtype is old.dtype
                and other.shape == old.shape
            ):  # an update of a parameter
                self._value = new = compute(old, other)
                leaf.saved = (new,)
                leaf.changed = LATEST_CHANGE[0] = tick()
                if WATCHES:
                    noted(leaf)
                return self
            made = record(self, other)
            if made is NotImplemented:
                return made
            new = made._value
            if new.shape != old.shape or (
                new.dtype != old.dtype and not np.can_cast(new.dtype, old.dtype, "same_kind")
            ):
                raise ValueError(
                    f"{explain.calls(self)} {symbol}= {explain.describe(other)}: the result has shape {new.shape} and type "
                    f"{new.dtype}, but {explain.describe(self)} of {self.dtype} must keep both"
                )
            self._set(new if new.dtype == old.dtype else new.astype(old.dtype))
            return self
        if self.node is not None and (current_mode() == OFF or self.node.primitive is ALIAS):
            raise explain.in_place(self, symbol)
        made = record(self, other)
        if made is NotImplemented:
            return made
        if made.shape != self.shape:
            raise ValueError(
                f"{explain.calls(self)} {symbol}= {explain.describe(other)}: the result of shape {made.shape} does not fit "
                f"in place; write a new name on the left"
            )
        return rebind(self, made, symbol)

    return operate


def rebind(target: Any, made: Any, symbol: str) -> Any:
    """Give a Tensor of the same shape another value and how it was made, in place."""
    views.check_writable(target, symbol)
    if made.dtype != target.dtype:
        if not np.can_cast(made.dtype, target.dtype, "same_kind"):
            raise explain.in_place_type(target, symbol, made)
        made = made.astype(target.dtype)
    views.write(target, made)
    return target
