"""The Tensor: a value that remembers the NumPy call that made it.

Operators and methods record with little overhead; NumPy's own functions reach the same recorders through NumPy's
protocols (``__array_ufunc__``, NEP 13, and ``__array_function__``, NEP 18).
"""

from __future__ import annotations

import functools
import operator
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from microgradnp import explain, indices, recorders, ufuncs, views
from microgradnp.indices import BASIC, split_index
from microgradnp.primitives import COMPOSITES, TABLE, WIDER
from microgradnp.primitives.elementwise import clip as clip_
from microgradnp.primitives.primitive import HANDLERS, VIEWS, Primitive
from microgradnp.primitives.shapes import cast_, getitem_, stack_
from microgradnp.primitives.writing import update_
from microgradnp.recorders import (
    IMMUTABLE,
    binary,
    holds_tensor,
    in_place,
    item,
    rebind,
    reflected,
    result,
    ternary,
    unary,
)
from microgradnp.recorders import apply as apply
from microgradnp.recorders import observer as observer
from microgradnp.recorders import private as private
from microgradnp.tape import (
    LATEST_CHANGE,
    OFF,
    WATCHES,
    Leaf,
    Node,
    current_mode,
    recording,
    sweep_arrays,
    tick,
    watch_here,
)
from microgradnp.ufuncs import call_ufunc

Array = Any

ONE = np.float64(1.0)

#: Threads may share parameters: no sum of gradients gets lost between reading and writing it.
ACCUMULATING = threading.Lock()


#: How a ufunc is recorded when it is called without keywords.
RECORDERS: dict[Any, Callable[..., Any]] = {}


def recorded() -> None:
    """Give every primitive of the table that has none its recorder, where it has as many operands as NumPy's by position."""
    for function, primitive in list(TABLE.items()):
        if (
            primitive.record is None
            and primitive.arity in (1, 2, 3)
            and (not primitive.constant or isinstance(primitive.function, np.ufunc))
        ):
            primitive.record = (unary, binary, ternary)[primitive.arity - 1](primitive)
        if isinstance(function, np.ufunc) and function.nout == 1 and primitive.record is not None:
            RECORDERS[function] = primitive.record


recorded()


def record_clip(a: Any, low: Any, high: Any) -> Any:
    """Record np.clip; NotImplemented for what the general path knows better, errors too."""
    try:
        if high is None:
            return NotImplemented if low is None else RECORDERS[np.maximum](a, low)
        return RECORDERS[np.minimum](a, high) if low is None else clip_.record(a, low, high)  # type: ignore[misc]
    except (ValueError, TypeError):
        return NotImplemented


#: The same for other functions of NumPy, and how many operands they have.
FUNCTIONS = {
    f: (p.record, p.arity)
    for f, p in TABLE.items()
    if not isinstance(f, np.ufunc | Primitive) and p.record is not None and p.with_slope is None
} | {np.clip: (record_clip, 3)}


def method(function: Any) -> Callable[..., Any]:
    """Return a NumPy function as a method."""
    record, arity = FUNCTIONS.get(function, (None, 0))

    def run(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if not kwargs and len(args) == arity - 1:
            made = record(self, *args)
            if made is not NotImplemented:
                return made
        return dispatch(function, (self, *args), kwargs)

    run.__name__ = function.__name__
    run.__doc__ = f"Same as ``np.{function.__name__}(self, ...)``."
    return run


class Absent:
    """An attribute that Tensors lack and arrays, or other libraries' tensors, have: asking for it gives advice.

    A `__getattr__` would give it for any name, at the price of a slower access to every attribute that is there.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, t: Any, owner: type | None = None) -> NoReturn:
        raise explain.no_attribute(self.name)


class Flat:
    """The elements of a Tensor one after the other, as ``flat`` of an array has them."""

    __slots__ = ("base",)

    def __init__(self, base: Tensor) -> None:
        self.base = base

    def __len__(self) -> int:
        return int(self.base.size)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.copy())

    def copy(self) -> Tensor:
        """Return the elements as a vector of its own."""
        return self.base.flatten()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return self.copy().__array__(dtype, copy)

    def __getitem__(self, index: Any) -> Tensor:
        return views.disown(self.base.reshape(-1)[index])

    def __setitem__(self, index: Any, value: Any) -> None:
        call(np.put, self.base, np.arange(self.base.size)[index], value)


# -- the Tensor -----------------------------------------------------------------------------------------------------


class Tensor:
    """An array that remembers the NumPy call that made it. Made by `tensor`, and by every operation on Tensors.

    Values are immutable: ``t[i] = v`` and ``t += v`` give a result another value, differentiably, and what was computed from
    the old one keeps it. A parameter gets another value by `assign`, by an optimizer, or in place under `no_grad`.

    Attributes
    ----------
    data : ndarray
        The value, read-only.
    grad : ndarray or None
        What `backward` accumulated, for a Tensor made with ``requires_grad=True``.
    node : Node or None
        The record of the call; None for a constant.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> w = mg.tensor([1.0, 2.0], requires_grad=True)
    >>> np.sum(w * w).backward()
    >>> w.grad
    array([2., 4.])
    """

    __slots__ = ("__weakref__", "_base", "_leaf", "_name", "_value", "_views", "node")

    _leaf: Leaf  # set while requires_grad is switched off: graphs recorded before lead to it
    _name: str
    _base: Any  # the Tensor of which this one is a view, see views.py
    _views: list[Any]  # how the views of this one were taken

    def __init__(self, value: Array, node: Node | None = None) -> None:
        self._value = value
        self.node = node

    # -- what it is ------------------------------------------------------------------------------------------------

    @property
    def data(self) -> np.ndarray[Any, Any]:
        """The value, as a read-only array. It stays what it is when the Tensor is assigned another value."""
        value = self._value
        if value.__class__ is not np.ndarray:
            value = np.asarray(value)
        owner = value
        while isinstance(owner, np.ndarray) and owner.flags.writeable:  # down to the array that owns the memory
            owner.flags.writeable = False
            owner = owner.base
        while isinstance(owner, np.ndarray):  # a read-only view: what it is a view of may be the user's to write to
            if owner.flags.writeable:
                self._value = value = value.copy()
                value.flags.writeable = False
                break
            owner = owner.base
        return value  # type: ignore[no-any-return]

    @data.setter
    def data(self, value: Any) -> NoReturn:
        raise explain.data_set(self)

    @property
    def grad(self) -> np.ndarray[Any, Any] | None:
        """The accumulated gradient: an array of the shape and type of the value, or None."""
        leaf = self.node
        if leaf is None:
            leaf = getattr(self, "_leaf", None)
        return leaf.grad if isinstance(leaf, Leaf) else None

    @grad.setter
    def grad(self, value: Any) -> None:
        if not isinstance(self.node, Leaf):
            raise AttributeError(
                f"{explain.calls(self)} keeps no gradient: only tensors made with requires_grad=True do"
            )
        if value is not None:
            value = np.array(value._value if isinstance(value, Tensor) else value, dtype=self.dtype)
            if value.shape != self.shape:
                raise ValueError(f"a gradient of shape {value.shape} does not fit {explain.describe(self)}")
        self.node.grad = value

    @property
    def requires_grad(self) -> bool:
        """Whether operations on this Tensor are recorded."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if bool(value) == (self.node is not None):
            return
        if value:
            check_differentiable(self._value, self)
            name, leaf = getattr(self, "_name", None), getattr(self, "_leaf", None)
            if leaf is None:
                leaf = Leaf(self._value, name)
            else:
                leaf.name = name
            self.node = leaf
            if leaf.saved[0] is not self._value:  # it got another value in the meantime
                self._set(self._value)
        elif isinstance(self.node, Leaf):
            self._name, self._leaf, self.node = self.node.name or "", self.node, None
        else:
            raise RuntimeError(
                f"{explain.calls(self)} is the result of a recorded operation; use .detach() for a constant"
            )

    @property
    def is_leaf(self) -> bool:
        """Whether this Tensor begins a graph, or is on none."""
        return self.node is None or isinstance(self.node, Leaf)

    @property
    def name(self) -> str | None:
        """The name given to it, for messages, formulas and pictures."""
        if isinstance(self.node, Leaf):
            return self.node.name
        return getattr(self, "_name", None) or None

    @name.setter
    def name(self, value: str | None) -> None:
        if isinstance(self.node, Leaf):
            self.node.name = value
        else:
            self._name = value or ""

    shape = property(lambda self: self._value.shape, doc="Lengths of the axes.")
    dtype = property(lambda self: self._value.dtype, doc="Type of the elements.")
    ndim = property(lambda self: self._value.ndim, doc="Number of axes.")
    size = property(lambda self: self._value.size, doc="Number of elements.")
    nbytes = property(lambda self: self._value.nbytes, doc="Bytes of the value.")
    itemsize = property(lambda self: self._value.itemsize, doc="Bytes of one element.")

    # -- the value, leaving the graph ------------------------------------------------------------------------------

    def item(self, *args: Any) -> Any:
        """Return the only element (or the one at `args`) as a Python number."""
        if not args and self._value.size != 1:
            raise ValueError(
                f"item() wants one element, {explain.describe(self)} has {self._value.size}; index it first"
            )
        return self._value.item(*args)

    def numpy(self) -> np.ndarray[Any, Any]:
        """Return the value as a new, writable array."""
        return np.array(self._value)

    def tolist(self) -> Any:
        """Return the value as nested lists of Python numbers."""
        return self._value.tolist()

    def detach(self) -> Tensor:
        """Return a constant with the same value, which no gradient passes."""
        return Tensor(self._value)

    def copy(self, order: str = "C") -> Tensor:
        """Return the same value as another Tensor, recorded like any operation."""
        if order == "C":
            return call(np.copy, self)  # type: ignore[no-any-return]
        return call(np.copy, self, order=order)  # type: ignore[no-any-return]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if self.node is not None and self._value.dtype.kind in "fc":
            raise explain.leaving(self, "np.asarray")
        value = self.data if copy is not True else self.numpy()
        return value if dtype is None else value.astype(dtype)

    def __float__(self) -> float:
        if self.node is not None and self._value.dtype.kind in "fc":
            raise explain.leaving(self, "float")
        return float(self.item())

    def __int__(self) -> int:
        if self.node is not None and self._value.dtype.kind in "fc":
            raise explain.leaving(self, "int")
        return int(self.item())

    def __complex__(self) -> complex:
        if self.node is not None and self._value.dtype.kind in "fc":
            raise explain.leaving(self, "complex")
        return complex(self.item())

    def __index__(self) -> int:
        if self._value.dtype.kind not in "iu" or self._value.ndim:
            raise TypeError(f"only a 0-d integer Tensor is an index, {explain.describe(self)} of {self.dtype} is not")
        return int(self._value)

    def __bool__(self) -> bool:
        if self._value.size != 1:
            raise ValueError(f"the truth value of {explain.describe(self)} is ambiguous: use .any() or .all()")
        return bool(self._value)

    def __len__(self) -> int:
        if not self._value.ndim:
            raise TypeError(f"len() of {explain.describe(self)}: it has no axis")
        return int(self._value.shape[0])

    def __iter__(self) -> Iterator[Tensor]:
        if not self._value.ndim:
            raise TypeError(f"cannot iterate over {explain.describe(self)}: it has no axis")
        return (self[i] for i in range(self._value.shape[0]))

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(self._value == (item._value if isinstance(item, Tensor) else item)))

    __hash__ = object.__hash__

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not isinstance(vars(Tensor).get(name), Absent)]

    def __round__(self, decimals: int = 0) -> Tensor:
        return dispatch(np.round, (self,), {"decimals": decimals})  # type: ignore[no-any-return]

    def __init_subclass__(cls, **_: Any) -> NoReturn:
        raise TypeError(f"{cls.__name__}: Tensor has no subclasses, every operation returns a Tensor; hold one instead")

    def __repr__(self) -> str:
        text = np.array2string(np.asarray(self._value), separator=", ", prefix="Tensor(")
        extra = "" if self.dtype in (np.float64, np.int64, np.bool_) else f", dtype={self.dtype}"
        if isinstance(self.node, Leaf):
            extra += ", requires_grad=True"
        elif self.node is not None:
            extra += f", made_by={self.node.primitive.name}"
        if self.name:
            extra += f", name={self.name!r}"
        return f"Tensor({text}{extra})"

    def __str__(self) -> str:
        return str(self._value)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and self._value.size == 1 else format(str(self), spec)

    def __reduce__(self) -> Any:
        if not self.is_leaf:
            raise TypeError(
                f"{explain.calls(self)} is the result of a recorded operation, which cannot be copied or pickled with "
                "its graph: use .detach() for the value alone"
            )
        return tensor, (np.asarray(self._value), self.node is not None, None, self.name)

    # -- gradients -------------------------------------------------------------------------------------------------

    def backward(self, grad: Any = None, *, retain_graph: bool = False) -> None:
        """Add the gradient of this Tensor to the `grad` of every leaf that it depends on.

        Parameters
        ----------
        grad : array_like, optional
            The cotangent, of this Tensor's shape. May be left out for a result of size one, and is 1 then.
        retain_graph : bool
            Keep what the graph saved, so that `backward` can be called again.

        Raises
        ------
        RuntimeError
            If this Tensor depends on nothing that requires a gradient, or its graph is freed, or a value that the
            sweep needs was changed since it was recorded.
        ValueError
            If the cotangent is missing or has another shape.
        """
        if self.node is None:
            raise explain.no_graph(self)
        g = cotangent_for(self, grad)
        if WATCHES and (watch := watch_here()) is not None:
            gradients: dict[Any, Any] = watch.sweep(self.node, g, not retain_graph)
        else:
            gradients = sweep_arrays({self.node: g}, not retain_graph, LATEST_CHANGE[0], check_unchanged)
        given = {id(g)}
        with ACCUMULATING:
            for leaf, g in gradients.items():
                if leaf.grad is None:
                    leaf.grad = own(g, leaf, given)
                elif g is not None:
                    leaf.grad = leaf.grad + g

    def zero_grad(self) -> None:
        """Forget the accumulated gradient."""
        leaf = self.node if self.node is not None else getattr(self, "_leaf", None)
        if isinstance(leaf, Leaf):
            leaf.grad = None

    def assign(self, value: Any) -> None:
        """Give a leaf another value. Arrays that were taken from it before stay what they were.

        Parameters
        ----------
        value : array_like
            Of the shape of this Tensor; converted to its dtype.

        Raises
        ------
        RuntimeError
            If this Tensor is the result of a recorded operation.
        ValueError
            If the shape differs.
        """
        if not self.is_leaf:
            raise RuntimeError(
                f"assign() to {explain.calls(self)}, the result of {self.node.primitive.name}: only leaves can be "  # type: ignore[union-attr]
                "assigned; make a new tensor instead"
            )
        if isinstance(value, Tensor):
            value = value._value
        value = np.asarray(value)
        if not np.can_cast(value.dtype, self.dtype, "same_kind"):
            raise TypeError(f"cannot assign {value.dtype} to {explain.describe(self)} of {self.dtype}")
        new = np.array(value, dtype=self.dtype)
        if new.shape != self.shape:
            raise ValueError(f"cannot assign a value of shape {new.shape} to {explain.describe(self)}")
        self._set(new)

    def _set(self, value: Array) -> None:
        """Rebind the value of a leaf, so that a graph which saved the old one can tell."""
        if isinstance(self.node, Leaf) and self.node.argument:
            raise explain.argument_changed(self)
        self._value = value[()] if value.ndim == 0 else value
        if isinstance(self.node, Leaf):
            self.node.saved = (self._value,)
            self.node.changed = LATEST_CHANGE[0] = tick()
            if WATCHES:
                recorders.noted(self.node)
        if getattr(self, "_views", None):
            views.renew(self)

    # -- NumPy's protocols -----------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, x: Any, *others: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            record = RECORDERS.get(ufunc)
            if record is not None:
                return record(x, *others) if others else record(x)
        return call_ufunc(ufunc, method, (x, *others), kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if len(types) > 1:
            for kind in types:
                if (
                    kind is not Tensor
                    and kind is not np.ndarray
                    and kind.__array_function__ is not np.ndarray.__array_function__
                ):
                    return NotImplemented
        if not kwargs:
            record, arity = FUNCTIONS.get(function, (None, 0))
            if record is not None and len(args) == arity:
                made = record(*args)
                if made is not NotImplemented:
                    return made
        return dispatch(function, args, kwargs)

    # -- the array API standard ------------------------------------------------------------------------------------

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        from microgradnp import array_api

        if api_version not in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
            raise ValueError(f"api_version={api_version!r}: mg.array_api keeps 2024.12 and the versions before it")
        return array_api

    @property
    def device(self) -> str:
        """Where the numbers are: always "cpu"."""
        return "cpu"

    def to_device(self, device: Any, /, *, stream: Any = None) -> Tensor:
        """Return this Tensor on a device, of which there is one: "cpu"."""
        if device != "cpu" or stream is not None:
            raise ValueError(
                f"to_device({device!r}): Tensors are NumPy arrays on the 'cpu', and there is no other device"
            )
        return self

    def __dlpack__(self, **kwargs: Any) -> Any:
        if self.node is not None and current_mode() != OFF:
            raise explain.leaving(self, "__dlpack__")
        return np.array(self._value).__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return np.asarray(self._value).__dlpack_device__()

    # -- indexing --------------------------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Tensor:
        if type(index) in BASIC or (type(index) is tuple and BASIC.issuperset(map(type, index))):
            return item(self, index)  # type: ignore[no-any-return]
        pattern, arrays = split_index(index)
        return apply(getitem_, (self, *arrays), {"pattern": pattern})

    def __setitem__(self, index: Any, value: Any) -> None:
        pattern, arrays = split_index(index)
        if not arrays and views.is_current(self, value, pattern):
            return
        views.check_writable(self, "[...]")
        if isinstance(value, list | tuple) and holds_tensor(value):
            value = tensor(value)
        kinds = self.dtype.kind, (value if hasattr(value, "dtype") else np.asarray(value)).dtype.kind
        if kinds[0] != "c" and kinds[1] == "c":
            raise explain.in_place_type(self, "[...]", value)
        if isinstance(value, Tensor) and value.node is not None and kinds[0] in "biu" and kinds[1] in "fc":
            raise explain.assignment(self, value)
        views.write(self, apply(update_, (self, value, *arrays), {"pattern": pattern}))

    def fill(self, value: Any) -> None:
        """Give every element the same value, in place."""
        self[...] = value

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """Give the elements at these places of the flattened Tensor other values, in place."""
        call(np.put, self, indices, values, mode=mode)

    def sort(self, axis: int = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> None:
        """Put the elements along an axis in order, in place."""
        self[...] = call(np.sort, self, axis, kind, order, stable=stable)

    def partition(self, kth: Any, axis: int = -1, kind: str = "introselect", order: Any = None) -> None:
        """Put the elements along an axis in the order of np.partition, in place."""
        self[...] = call(np.partition, self, kth, axis, kind, order)

    # -- operators -------------------------------------------------------------------------------------------------

    __add__ = binary(TABLE[np.add], operator.add)
    __sub__ = binary(TABLE[np.subtract], operator.sub)
    __mul__ = binary(TABLE[np.multiply], operator.mul)
    __truediv__ = binary(TABLE[np.divide], operator.truediv)
    __floordiv__ = binary(TABLE[np.floor_divide], operator.floordiv)
    __mod__ = binary(TABLE[np.remainder], operator.mod)
    __pow__ = binary(TABLE[np.power], operator.pow)
    __matmul__ = binary(TABLE[np.matmul])
    __radd__, __rsub__, __rmul__ = reflected(__add__), reflected(__sub__), reflected(__mul__)
    __rtruediv__, __rfloordiv__ = reflected(__truediv__), reflected(__floordiv__)
    __rmod__, __rpow__, __rmatmul__ = reflected(__mod__), reflected(__pow__), reflected(__matmul__)

    def __divmod__(self, other: Any) -> Any:
        return np.divmod(self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return np.divmod(other, self)

    __iadd__, __isub__ = in_place(__add__, "+", operator.add), in_place(__sub__, "-", operator.sub)
    __imul__, __itruediv__ = in_place(__mul__, "*"), in_place(__truediv__, "/")
    __ifloordiv__, __imod__ = in_place(__floordiv__, "//"), in_place(__mod__, "%")
    __ipow__, __imatmul__ = in_place(__pow__, "**"), in_place(__matmul__, "@")
    __neg__ = unary(TABLE[np.negative], operator.neg)
    __pos__ = unary(TABLE[np.positive])
    __abs__ = unary(TABLE[np.absolute])
    __invert__ = unary(TABLE[np.invert])
    __lt__ = binary(TABLE[np.less], operator.lt)
    __le__ = binary(TABLE[np.less_equal], operator.le)
    __gt__ = binary(TABLE[np.greater], operator.gt)
    __ge__ = binary(TABLE[np.greater_equal], operator.ge)
    __eq__ = binary(TABLE[np.equal], operator.eq)
    __ne__ = binary(TABLE[np.not_equal], operator.ne)
    __and__ = binary(TABLE[np.bitwise_and], operator.and_)
    __or__ = binary(TABLE[np.bitwise_or], operator.or_)
    __xor__ = binary(TABLE[np.bitwise_xor], operator.xor)
    __rand__, __ror__, __rxor__ = reflected(__and__), reflected(__or__), reflected(__xor__)
    __lshift__ = binary(TABLE[np.left_shift], operator.lshift)
    __rshift__ = binary(TABLE[np.right_shift], operator.rshift)
    __rlshift__, __rrshift__ = reflected(__lshift__), reflected(__rshift__)

    # -- NumPy's methods -------------------------------------------------------------------------------------------

    sum, mean, prod = method(np.sum), method(np.mean), method(np.prod)
    max, min, ptp = method(np.max), method(np.min), method(np.ptp)
    var, std = method(np.var), method(np.std)
    cumsum, cumprod = method(np.cumsum), method(np.cumprod)
    all, any = method(np.all), method(np.any)
    argmax, argmin, argsort = method(np.argmax), method(np.argmin), method(np.argsort)
    dot, round = method(np.dot), method(np.round)
    swapaxes, squeeze = method(np.swapaxes), method(np.squeeze)
    diagonal, trace = method(np.diagonal), method(np.trace)
    take, repeat, choose = method(np.take), method(np.repeat), method(np.choose)
    argpartition, searchsorted, nonzero = method(np.argpartition), method(np.searchsorted), method(np.nonzero)
    # the elementwise functions also as methods, as other tensor libraries have them: the shortest way to record one
    exp, log, sqrt = unary(TABLE[np.exp]), unary(TABLE[np.log]), unary(TABLE[np.sqrt])
    sin, cos, tan = unary(TABLE[np.sin]), unary(TABLE[np.cos]), unary(TABLE[np.tan])
    sinh, cosh, tanh = unary(TABLE[np.sinh]), unary(TABLE[np.cosh]), unary(TABLE[np.tanh])
    abs, sign, square = unary(TABLE[np.absolute]), unary(TABLE[np.sign]), unary(TABLE[np.square])
    conj = conjugate = unary(TABLE[np.conjugate])
    real = property(lambda self: apply(TABLE[np.real], (self,), {}), doc="The real part.")
    imag = property(lambda self: apply(TABLE[np.imag], (self,), {}), doc="The imaginary part.")
    T = property(unary(TABLE[np.transpose]), doc="The axes in reverse order.")
    mT = property(
        lambda self: apply(TABLE[np.swapaxes], (self,), {"axis1": -1, "axis2": -2}), doc="The last two axes swapped."
    )

    def clip(self, min: Any = None, max: Any = None, **kwargs: Any) -> Tensor:
        """Return the elements held between two bounds."""
        made = NotImplemented if kwargs else record_clip(self, min, max)
        if made is not NotImplemented:
            return made  # type: ignore[no-any-return]
        return dispatch(np.clip, (self, min, max), kwargs)  # type: ignore[no-any-return]

    @property
    def flat(self) -> Flat:
        """The elements one after the other, to read and to write: ``t.flat[2:5] = 0``."""
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        call(np.put, self, np.arange(self.size), value)

    def compress(self, condition: Any, axis: int | None = None) -> Tensor:
        """Return the slices along an axis for which the condition is true."""
        return call(np.compress, condition, self, axis)  # type: ignore[no-any-return]

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Tensor:
        """Return the elements in another shape."""
        to = shape[0] if len(shape) == 1 else shape
        if copy is not None:
            return call(np.reshape, self, to, order=order, copy=copy)  # type: ignore[no-any-return]
        if type(to) in (int, tuple):
            return apply(TABLE[np.reshape], (self,), {"shape": to, "order": order})
        return call(np.reshape, self, to, order=order)  # type: ignore[no-any-return]

    def transpose(self, *axes: Any) -> Tensor:
        """Return the axes in another order, reversed by default."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return call(np.transpose, self, order)  # type: ignore[no-any-return]

    def ravel(self, order: str = "C") -> Tensor:
        """Return the elements as a vector."""
        return self.reshape(-1, order=order)

    def flatten(self, order: str = "C") -> Tensor:
        """Return the elements as a vector of its own: writing to it does not change this Tensor."""
        return views.disown(self.reshape(-1, order=order))

    def astype(self, dtype: Any, **kwargs: Any) -> Tensor:
        """Return the values in another type; between float types differentiably."""
        dtype = np.dtype(dtype)
        if dtype.kind in "fc" and self._value.dtype.kind in "fc":
            if dtype.kind == "f" and self._value.dtype.kind == "c":
                raise TypeError(
                    f"astype({dtype}) of complex {explain.calls(self)} loses the imaginary part; use np.real"
                )
            return apply(cast_, (self,), {"dtype": dtype})
        if self.node is not None and self._value.dtype.kind in "fc" and current_mode() != OFF:
            raise TypeError(
                f"astype({dtype}) would take {explain.describe(self)} out of its graph: {dtype} has no derivative. "
                f"Use .data.astype({dtype})"
            )
        return result(self._value.astype(dtype))


# -- NumPy's functions ---------------------------------------------------------------------------------------------


def call(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Run a NumPy function, or one of ours, with Tensors among its arguments."""
    return dispatch(function, args, kwargs)


def dispatch(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Run a NumPy function, or one of ours, with Tensors among its arguments."""
    if kwargs and type(kwargs.get("out")) is Tensor:
        return written_out(function, args, kwargs)
    if function is np.where and len(args) + len(kwargs) == 1:  # the positions where a condition is true
        function = np.nonzero
    primitive = TABLE.get(function)  # a function of ours is its own primitive
    if primitive is None and isinstance(function, Primitive):
        primitive = function
    if primitive is not None:
        record = primitive.record
        if record is not None and not kwargs and len(args) == primitive.arity:
            made = record(*args)
            return made if made is not NotImplemented else apply(primitive, args, {})
        program = WIDER.get(function)
        if program is not None and explain.exceeds(primitive, function, args, kwargs):
            return run(program, function, args, kwargs)
        inputs, params = explain.bound(primitive, function, args, kwargs)
        if record is not None and primitive.arity < 3:
            for value in params.values():
                if type(value) not in IMMUTABLE:
                    break
            else:
                made = record(*inputs, params or None)
                if made is not NotImplemented:
                    return made
        return apply(primitive, inputs, params)
    program = COMPOSITES.get(function)
    if program is not None:
        return run(program, function, args, kwargs)
    return explain.unsupported(function, args, kwargs)


def written_out(function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Run a function whose result is written to a Tensor."""
    kwargs = dict(kwargs)
    out = kwargs.pop("out")
    views.check_writable(out, "out")
    made = dispatch(function, args, kwargs)
    if getattr(made, "shape", None) != out.shape:
        raise ValueError(
            f"{explain.full_name(function)}(..., out={explain.describe(out)}): the result has shape {np.shape(made)}, which "
            "does not fit"
        )
    return rebind(out, made if isinstance(made, Tensor) else Tensor(made), "out")  # type: ignore[no-any-return]


def run(program: Callable[..., Any], function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Run the program that stands for a NumPy function."""
    if kwargs or len(args) > explain.shared_positions(program, function):
        args, kwargs = explain.honoured(program, function, args, kwargs)
    try:
        return program(*args, **kwargs)
    except NotImplementedError:  # a form without a rule, which numbers alone may well take
        if explain.tracked_in(args, kwargs):
            raise
        return explain.unsupported(function, args, kwargs)
    except (ValueError, IndexError) as error:
        raise explain.failed_program(function, args, kwargs, error) from error


# -- making Tensors ------------------------------------------------------------------------------------------------


def tensor(data: Any, requires_grad: bool = False, dtype: Any = None, name: str | None = None) -> Tensor:
    """Make a Tensor. The data are copied: changing them later changes nothing here.

    Parameters
    ----------
    data : array_like
        Numbers. A list of Tensors is stacked, differentiably.
    requires_grad : bool
        Whether operations on it are recorded, so that `Tensor.backward` fills its `grad`.
    dtype : dtype, optional
        Default: that of the data.
    name : str, optional
        For messages, formulas and pictures. Variables need none: their names are found.

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        If the data are no numbers, or a gradient is asked of integers.

    Examples
    --------
    >>> import microgradnp as mg
    >>> mg.tensor([1.0, 2.0], requires_grad=True)
    Tensor([1., 2.], requires_grad=True)
    """
    if isinstance(data, Tensor):
        if data.node is not None and current_mode() != OFF:
            if requires_grad:
                raise explain.new_leaf(data)
            same = data.copy() if dtype is None else data.astype(dtype)
            if name:
                same.name = name
            return same
        data = data._value
    elif isinstance(data, list | tuple) and holds_tensor(data):
        stacked: Tensor = stack_(
            *(tensor(item, dtype=dtype) if not isinstance(item, Tensor) else item for item in data), axis=0
        )
        return stacked if dtype is None else stacked.astype(dtype)
    if isinstance(data, np.ma.MaskedArray):
        raise explain.masked(data)
    try:
        value = np.array(data, dtype=dtype)
    except (ValueError, TypeError) as error:
        raise explain.not_numbers(data, error) from error
    if value.dtype.kind not in "biufc":
        raise explain.not_numbers(data, None)
    if not value.dtype.isnative:
        value = value.astype(value.dtype.newbyteorder("="))
    made = Tensor(value[()] if value.ndim == 0 else value)
    if requires_grad:
        check_differentiable(value, name or data)
        made.node = Leaf(made._value, name)
    elif name:
        made._name = name
    return made


def check_differentiable(value: Array, who: Any) -> None:
    """Raise unless gradients with respect to `value` make sense."""
    if value.dtype.kind not in "fc":
        raise explain.not_differentiable(value, who)


def cotangent_for(y: Tensor, grad: Any) -> Array:
    """Return the gradient with which a sweep from `y` starts."""
    if grad is None and y._value.__class__ is np.float64:
        return ONE
    shape, dtype = y.shape, y.dtype
    if grad is None:
        if y.size != 1:
            raise explain.no_cotangent(y)
        return dtype.type(1) if not shape else np.ones(shape, dtype)
    if isinstance(grad, Tensor):
        grad = grad._value
    grad = np.asarray(grad)
    if grad.shape != shape:
        raise ValueError(
            f"the cotangent has shape {grad.shape}, but {explain.describe(y)} needs one of its own shape {shape}"
        )
    if grad.dtype.kind not in "biufc" or (grad.dtype.kind == "c" and dtype.kind != "c"):
        raise TypeError(f"a cotangent of type {grad.dtype} does not fit {explain.describe(y)} of type {dtype}")
    return np.array(grad, dtype=dtype)[()] if not shape else grad.astype(dtype)


def own(g: Array | None, like: Any, taken: set[int]) -> np.ndarray[Any, Any]:
    """Return a gradient as an array that shares memory with nothing; zeros for None."""
    if g is None:
        return np.zeros(like.shape, like.dtype)
    if type(g) is not np.ndarray or g.base is not None or not g.flags.writeable or id(g) in taken:
        g = np.array(g)
    taken.add(id(g))
    return g


def check_unchanged(node: Node) -> None:
    """Raise if a rule of this node would read a leaf's value that was changed since it was recorded."""
    for parent, value in zip(node.parents, node.saved[1:], strict=False):
        if isinstance(parent, Leaf) and parent.changed > node.order and value is not None and value is not parent:
            raise explain.changed(parent, node)


class no_grad(recording):
    """A context in which nothing is recorded, and leaves may be changed in place.

    Examples
    --------
    >>> import microgradnp as mg
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> with mg.no_grad():
    ...     w -= 0.5
    >>> w
    Tensor([0.5], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self) -> None:
        self.new_mode = OFF

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that runs in such a context (a decorator)."""

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with no_grad():
                return function(*args, **kwargs)

        return run


for _name in explain.absent_attributes(Tensor):
    setattr(Tensor, _name, Absent(_name))

for _room in (recorders, indices):
    vars(_room).update(Tensor=Tensor, tensor=tensor)
vars(views).update(Tensor=Tensor, apply=apply)
vars(ufuncs).update(Tensor=Tensor, dispatch=dispatch, recorded=recorded)

HANDLERS[Tensor] = dispatch
VIEWS[Tensor] = views.note_copy
