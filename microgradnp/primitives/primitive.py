"""What is known about one operation: its NumPy function and its derivative rules.

A primitive never sees a Tensor or the tape. Its rules are plain NumPy, written un-curried: the gradient (or tangent)
first, then the output, then the inputs, then the keywords that the operation honours. Because NumPy itself works on
Tensors, the same rules serve arrays (fast), higher orders, formulas and programs.

A rule says what it does *not* read by a leading underscore (``lambda y, _x: 1 - y * y``). What is not read is not
kept: in its place a rule gets ``None`` for the output (whose shape is that of the gradient), and for an operand a
stand-in that knows only ``shape``, ``dtype``, ``ndim`` and ``size``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np

Array = Any  # an ndarray, a NumPy scalar, or a Tensor: rules run on all three
Rule = Callable[..., Array]

ARRAYS = (np.ndarray, np.generic)

#: Arrays of at most so many elements are in the cache: what costs is the number of calls, not what they do.
SMALL = 32768

#: Every operation that Tensors know, by the NumPy function (or function of ours) that a user calls.
TABLE: dict[Any, Primitive] = {}

#: What runs a primitive of ours, by the type of an operand: (primitive, operands, keywords).
HANDLERS: dict[type, Callable[[Primitive, Sequence[Any], dict[str, Any]], Any]] = {}

#: What notes that x[index] is a view of x in NumPy, though a copy here, by the type of x: (y, x, index).
VIEWS: dict[type, Callable[[Any, Any, Any], None]] = {}

#: NumPy functions that are a short program of primitives: run as that program on Tensors.
COMPOSITES: dict[Any, Callable[..., Any]] = {}

#: The same for calls with keywords that the function's own entry in the table does not honour.
WIDER: dict[Any, Callable[..., Any]] = {}


class Primitive:
    """One operation and everything known about it.

    Parameters
    ----------
    function : callable
        Plain NumPy: arrays in, array out.
    arity : int
        How many leading arguments are operands; the rest are parameters, passed by keyword. -1: any number.
    reads : tuple of tuples of bool
        For each operand, what its rules read: the output first, then each operand.
    honours : dict
        The keywords that the rules understand, with their defaults. Others are refused.
    """

    #: Computes the output and, on the way, something that the reverse rules would otherwise compute again: they get it as
    #: their last argument where it is there (on arrays), and compute it where it is not.
    with_slope: Callable[..., tuple[Array, Array]] | None = None
    #: Computes and records it, faster than the general path: (*operands, params=None).
    record: Callable[..., Any] | None = None
    #: What the sweep calls: a reverse rule for each operand, 1, -1, or None for a derivative of 0; or None, to ask `pull`.
    rules: tuple[Any, ...] | None = None
    #: What the sweep asks first: `elementwise`, the local derivative if it is one plain function, and `rules`.
    sweeping: tuple[bool, Rule | None, tuple[Any, ...] | None] | None = None
    smooth = True  # False: has kinks, or jumps, where its derivative is a convention
    constant = False  # True: piecewise constant; never differentiated
    elementwise = False

    def __init__(
        self,
        function: Callable[..., Any],
        arity: int,
        reads: Sequence[tuple[bool, ...]],
        honours: dict[str, Any],
        notation: str = "",
    ) -> None:
        self.function = function
        self.arity = arity
        self.reads = tuple(reads)
        self.honours = honours
        self.notation = notation
        self.name: str = getattr(function, "__name__", str(function)).lstrip("_")
        self.__name__ = self.name
        self.__doc__ = function.__doc__
        self.__module__ = getattr(function, "__module__", __name__)
        self._keeps: dict[tuple[bool, ...], tuple[bool, ...]] = {}

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Compute plainly on arrays, record on Tensors: our own functions dispatch as NumPy's do."""
        for x in args:
            handler = HANDLERS.get(type(x))
            if handler is not None:
                return handler(self, args, params)
            if type(x) is not np.ndarray and hasattr(x, "__array_function__"):
                return x.__array_function__(self, (type(x),), args, params)
        for x in params.values():
            if type(x) is not np.ndarray and hasattr(x, "__array_function__"):
                return x.__array_function__(self, (type(x),), args, params)
        return self.function(*args, **params)

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()} {self.name}>"

    def keeps(self, tracked: tuple[bool, ...]) -> tuple[bool, ...]:
        """Return which of (output, *operands) the rules of the `tracked` operands read."""
        keep = self._keeps.get(tracked)
        if keep is None:
            # different rows only: a stack of a thousand operands has one
            rows = {self.reads[min(i, len(self.reads) - 1)] for i, wanted in enumerate(tracked) if wanted}
            keep = tuple(any(row[min(k, len(row) - 1)] for row in rows) for k in range(1 + len(tracked)))
            if len(tracked) < 10:
                self._keeps[tracked] = keep
        return keep

    def prepared(self) -> tuple[bool, Rule | None, tuple[Any, ...] | None]:
        """Return `sweeping`, and keep it."""
        rules = self.rules
        alone = self.elementwise and self.arity == 1 and rules is not None and isinstance(rules[0], FunctionType)
        self.sweeping = self.elementwise, rules[0] if rules is not None and alone else None, rules
        return self.sweeping

    @functools.cached_property
    def keeps_all(self) -> tuple[bool, ...]:
        """What the rules read of (output, *operands) when every operand is tracked."""
        return self.keeps((True,) * self.arity)

    def pull(self, g: Array, y: Array, xs: Sequence[Array], wanted: Sequence[bool], params: dict[str, Any]) -> Any:
        """Carry the gradient of the output back: one gradient per operand, None where it is not wanted or zero."""
        raise NotImplementedError

    def push(self, dxs: Sequence[Array | None], y: Array, xs: Sequence[Array], params: dict[str, Any]) -> Array:
        """Carry the tangents of the operands forward to the tangent of the output."""
        raise NotImplementedError


class Local:
    """A local derivative that knows a shorter way to its product with a gradient.

    ``back(g, y, *xs)``, if there is one, is the way of a sweep over arrays: its result may have the shape of the operand
    already, where that was broadcast.
    """

    def __init__(self, rule: Rule, back: Rule | None = None) -> None:
        self.rule = rule
        self.back: Rule = back or self.times
        self.__name__, self.__code__ = rule.__name__, rule.__code__
        self.__defaults__, self.__kwdefaults__ = rule.__defaults__, rule.__kwdefaults__

    def __call__(self, *operands: Array, **params: Any) -> Array:
        """Return the local derivative."""
        return self.rule(*operands, **params)

    def times(self, g: Array, *operands: Array, **params: Any) -> Array:
        """Return the product of a gradient and the local derivative."""
        return g * self(*operands, **params)


class Over(Local):
    """The local derivative 1 / rule: a gradient is divided by it, which is one operation and not two."""

    def __call__(self, *operands: Array, **params: Any) -> Array:
        """Return the local derivative."""
        return 1 / self.rule(*operands, **params)

    def times(self, g: Array, *operands: Array, **params: Any) -> Array:
        """Return the gradient divided by the rule."""
        return g / self.rule(*operands, **params)


class Within(Local):
    """The local derivative of an operation that lets values within bounds pass: where all are, so does the gradient.

    ``inside(*xs)`` tells for each element whether the derivative is 1 there.
    """

    def __init__(self, rule: Rule, inside: Rule) -> None:
        super().__init__(rule)
        self.inside = inside

    def times(self, g: Array, y: Array, *xs: Array, **params: Any) -> Array:
        """Return the gradient itself where all elements are within the bounds, or its product with the rule."""
        inside = self.inside(*xs)
        if type(inside) is np.ndarray and 0 not in inside.tobytes():  # of small arrays the shortest way to ask
            return g
        return g * self.rule(y, *xs, **params)


class Elementwise(Primitive):
    """An operation on each element by itself: one local derivative per operand tells everything.

    A local derivative is a rule ``(y, *xs) -> dy/dx_i``, a `Local` made of one, or the number 1, -1 or 0. The engine undoes
    broadcasting.
    """

    elementwise = True

    def __init__(
        self, function: Callable[..., Any], locals_: Sequence[Rule | int], notation: str = "", smooth: bool = True
    ) -> None:
        arity = len(locals_)
        rules = [local for local in locals_ if not isinstance(local, int)]
        super().__init__(
            function,
            arity,
            [reads_of(local, 0, arity) for local in locals_],
            keywords_of(rules[0]) if rules else {},
            notation,
        )
        self.locals = tuple(locals_)
        self.rules = None if self.honours else tuple(None if local == 0 else local for local in self.locals)
        self.smooth = smooth

    def pull(self, g: Array, y: Array, xs: Sequence[Array], wanted: Sequence[bool], params: dict[str, Any]) -> Any:
        """Carry the gradient back, as `Primitive.pull` says."""
        return [
            scaled(g, local, y, xs, params) if want else None for local, want in zip(self.locals, wanted, strict=True)
        ]

    def push(self, dxs: Sequence[Array | None], y: Array, xs: Sequence[Array], params: dict[str, Any]) -> Array:
        """Carry the tangents forward, as `Primitive.push` says."""
        terms = [scaled(dx, local, y, xs, params) for dx, local in zip(dxs, self.locals, strict=True) if dx is not None]
        return add_terms(terms)


class Structural(Primitive):
    """Any other operation with a fixed number of operands: a reverse and a forward rule for each of them.

    ``vjps[i](g, y, *xs, **params)`` is the gradient of operand i; ``jvps[i](dx, y, *xs, **params)`` what the tangent
    of operand i adds to the tangent of the output.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        vjps: Sequence[Rule | None],
        jvps: Sequence[Rule | None],
        notation: str = "",
        smooth: bool = True,
        broadcasts: bool = False,
        with_slope: Callable[..., tuple[Array, Array]] | None = None,
    ) -> None:
        arity = len(vjps)
        pairs = [[rule for rule in pair if rule is not None] for pair in zip(vjps, jvps, strict=True)]
        reads = [
            tuple(any(column) for column in zip(*(reads_of(rule, 1, arity) for rule in pair), strict=True))
            or (False,) * (arity + 1)
            for pair in pairs
        ]
        first = next((rule for rule in vjps if rule is not None), None)
        super().__init__(function, arity, reads, keywords_of(first) if first else {}, notation)
        self.vjps = tuple(vjps)
        self.jvps = tuple(jvps)
        self.rules = self.vjps
        self.smooth = smooth
        self.with_slope = with_slope
        self.broadcasts = broadcasts  # may the rules return gradients of the output's shape, for the engine to sum?

    def pull(self, g: Array, y: Array, xs: Sequence[Array], wanted: Sequence[bool], params: dict[str, Any]) -> Any:
        """Carry the gradient back, as `Primitive.pull` says."""
        return [
            rule(g, y, *xs, **params) if want and rule is not None else None
            for rule, want in zip(self.vjps, wanted, strict=True)
        ]

    def push(self, dxs: Sequence[Array | None], y: Array, xs: Sequence[Array], params: dict[str, Any]) -> Array:
        """Carry the tangents forward, as `Primitive.push` says."""
        terms = []
        for dx, rule in zip(dxs, self.jvps, strict=True):
            if dx is not None and rule is not None:
                terms.append(rule(dx, y, *xs, **params))
        return add_terms(terms)


class Variadic(Primitive):
    """An operation on any number of operands, with one rule each way for all of them together.

    ``vjp(g, y, xs, wanted, **params)`` returns one gradient per operand; ``jvp(dxs, y, xs, **params)`` the tangent.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        vjp: Rule,
        jvp: Rule,
        reads: tuple[bool, bool] = (False, False),
        notation: str = "",
    ) -> None:
        # reads: (the output, the operands); the last entry stands for every further operand
        super().__init__(function, -1, [reads], keywords_of(vjp), notation)
        self.vjp = vjp
        self.jvp = jvp

    def pull(self, g: Array, y: Array, xs: Sequence[Array], wanted: Sequence[bool], params: dict[str, Any]) -> Any:
        """Carry the gradient back, as `Primitive.pull` says."""
        return self.vjp(g, y, xs, wanted, **params)

    def push(self, dxs: Sequence[Array | None], y: Array, xs: Sequence[Array], params: dict[str, Any]) -> Array:
        """Carry the tangents forward, as `Primitive.push` says."""
        return self.jvp(dxs, y, xs, **params)


class Constant(Primitive):
    """A function with no derivative to speak of: comparisons, counts, positions. Its result is not differentiable."""

    constant = True
    smooth = False

    def __init__(self, function: Callable[..., Any], arity: int, honours: dict[str, Any], notation: str = "") -> None:
        super().__init__(function, arity, [(False,) * (arity + 1)] * max(arity, 1), honours, notation)

    def pull(self, g: Array, y: Array, xs: Sequence[Array], wanted: Sequence[bool], params: dict[str, Any]) -> Any:
        """Carry the gradient back, as `Primitive.pull` says."""
        return [None] * len(xs)

    def push(self, dxs: Sequence[Array | None], y: Array, xs: Sequence[Array], params: dict[str, Any]) -> Array:
        """Carry the tangents forward, as `Primitive.push` says."""
        return None


# -- reading a rule's signature ------------------------------------------------------------------------------


def reads_of(rule: Rule | int | None, first: int, arity: int) -> tuple[bool, ...]:
    """Return what a rule reads of (y, *xs): its parameters from `first` on whose names have no leading underscore."""
    if rule is None or isinstance(rule, int):
        return (False,) * (arity + 1)
    code = rule.__code__
    names = code.co_varnames[first : code.co_argcount - len(rule.__defaults__ or ())]  # without a slope
    reads = [not name.startswith("_") for name in names]
    if code.co_flags & 0x04:  # *xs: whether the rest is read depends on the name of the tuple
        rest = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        reads += [not rest.startswith("_")] * (arity + 1 - len(reads))
    if len(reads) != arity + 1:
        raise TypeError(
            f"the rule {rule.__name__}({', '.join(code.co_varnames[: code.co_argcount])}) does not fit: it must take "
            f"{'the gradient, ' if first else ''}the output, then {arity} operand(s)"
        )
    return tuple(reads)


def keywords_of(rule: Rule) -> dict[str, Any]:
    """Return the keyword-only parameters of a rule, with their defaults: the keywords that it honours."""
    code = rule.__code__
    names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    defaults = rule.__kwdefaults__ or {}
    return {name: defaults.get(name, REQUIRED) for name in names}


REQUIRED: Any = type("Required", (), {"__repr__": lambda _: "<required>"})()


# -- arithmetic shared by the kinds --------------------------------------------------------------------------


def scaled(g: Array, local: Rule | Local | int, y: Array, xs: Sequence[Array], params: dict[str, Any]) -> Array:
    """Return g times a local derivative; 1, -1 and 0 cost no multiplication."""
    if isinstance(local, int):
        return g if local == 1 else -g if local == -1 else None
    if isinstance(local, Local):
        return local.times(g, y, *xs, **params)
    return g * local(y, *xs, **params)


def add_terms(terms: Sequence[Array | None]) -> Array:
    """Return the sum of the terms that are there, or None."""
    total = None
    for term in terms:
        if term is not None:
            total = term if total is None else total + term
    return total


# -- the words of the table ----------------------------------------------------------------------------------


def elementwise(function: Any, locals_: Any, notation: str = "", *, smooth: bool = True) -> Primitive:
    """Enter an elementwise function by its local derivatives."""
    locals_ = locals_ if isinstance(locals_, tuple) else (locals_,)
    return enter(function, Elementwise(function, locals_, notation, smooth))


def linear(function: Any, transpose: Any, notation: str = "", *, compute: Any = None) -> Primitive:
    """Enter a function that is linear in its one operand by its transpose; its forward rule is itself."""
    compute = compute or function

    def forward(dx: Array, _y: Array, _x: Array, **params: Any) -> Array:
        return function(dx, **params)

    return enter(function, Structural(compute, (transpose,), (forward,), notation))


def bilinear(function: Any, transposes: tuple[Rule, Rule], notation: str = "", *, compute: Any = None) -> Primitive:
    """Enter a function linear in each of two operands by its two transposes."""

    def forward_a(da: Array, _y: Array, _a: Array, b: Array, **params: Any) -> Array:
        return function(da, b, **params)

    def forward_b(db: Array, _y: Array, a: Array, _b: Array, **params: Any) -> Array:
        return function(a, db, **params)

    return enter(function, Structural(compute or function, transposes, (forward_a, forward_b), notation))


def structural(
    function: Any,
    vjps: Any,
    jvps: Any,
    notation: str = "",
    *,
    compute: Any = None,
    smooth: bool = True,
    broadcasts: bool = False,
    with_slope: Callable[..., tuple[Array, Array]] | None = None,
) -> Primitive:
    """Enter a function by reverse and forward rules, one of each per operand."""
    vjps = vjps if isinstance(vjps, tuple) else (vjps,)
    jvps = jvps if isinstance(jvps, tuple) else (jvps,)
    return enter(function, Structural(compute or function, vjps, jvps, notation, smooth, broadcasts, with_slope))


def self_adjoint(function: Any, rule: Rule, notation: str = "") -> Primitive:
    """Enter a function of one operand whose Jacobian is symmetric: one rule serves both ways."""
    return enter(function, Structural(function, (rule,), (rule,), notation))


def reduction(
    function: Any, weights: Rule, notation: str = "", *, compute: Any = None, smooth: bool = True
) -> Primitive:
    """Enter a reduction by the weight of each element in the result: ``dy = sum(weights * dx)``.

    ``weights(y, x, *, axis)`` gets the output with its reduced axes kept as length one.
    """

    def backward(g: Array, y: Array, x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
        return keep_axes(g, x, axis, keepdims) * weights(keep_axes(y, x, axis, keepdims), x, axis=axis)

    def forward(dx: Array, y: Array, x: Array, *, axis: Any = None, keepdims: bool = False) -> Array:
        return (weights(keep_axes(y, x, axis, keepdims), x, axis=axis) * dx).sum(axis=axis, keepdims=keepdims)

    return enter(function, Structural(compute or function, (backward,), (forward,), notation, smooth))


def constant(function: Any, arity: int = 1, notation: str = "", **honours: Any) -> Primitive:
    """Enter a function whose result is not differentiable."""
    return enter(function, Constant(function, arity, honours, notation))


def composite(function: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function as a short program of primitives (a decorator)."""

    def decorate(program: Callable[..., Any]) -> Callable[..., Any]:
        COMPOSITES[function] = program
        return program

    return decorate


def wider(function: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter what a function of the table is with further keywords, as a short program of primitives (a decorator)."""

    def decorate(program: Callable[..., Any]) -> Callable[..., Any]:
        WIDER[function] = program
        return program

    return decorate


def seen(x: Array, index: Any) -> Array:
    """Return x[index], which NumPy gives as a view of x."""
    y = x[index]
    note = VIEWS.get(type(x))
    if note is not None:
        note(y, x, index)
    return y


def enter(function: Any, primitive: Primitive) -> Primitive:
    """Put a primitive in the table under the function that a user calls."""
    primitive.name = getattr(function, "__name__", primitive.name).lstrip("_")
    TABLE[function] = primitive
    TABLE[primitive] = primitive  # a function of ours is called by its primitive
    return primitive


# -- axes ----------------------------------------------------------------------------------------------------


def keep_axes(reduced: Array, x: Array, axis: int | tuple[int, ...] | None, keepdims: bool) -> Array:
    """Give a reduced array back its reduced axes, with length one. A number needs none to broadcast."""
    if keepdims or reduced.ndim == 0:
        return reduced
    if axis is None:
        return reduced.reshape((1,) * x.ndim)
    axes = {a % x.ndim for a in (axis if isinstance(axis, tuple) else (axis,))}
    return reduced.reshape(tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


def expand(a: Array, shape: tuple[int, ...]) -> Array:
    """Broadcast `a` to `shape`. For small arrays filling is several times faster than np.broadcast_to's view."""
    if a.shape == shape:
        return a
    if isinstance(a, ARRAYS) and math_prod(shape) <= SMALL:
        full = np.empty(shape, a.dtype)
        full[...] = a
        return full
    return np.broadcast_to(a, shape)


def math_prod(shape: tuple[int, ...]) -> int:
    """Return the number of elements of an array of this shape."""
    size = 1
    for n in shape:
        size *= n
    return size


def undispatched(function: Any) -> Any:
    """Return NumPy's function for operands that are arrays for sure: not to look at their types saves 0.2 microseconds."""
    return getattr(function, "_implementation", function)


array_dot = undispatched(np.dot)


def dot(a: Array, b: Array) -> Array:
    """Return the product of two matrices, as np.dot does: faster than matmul for thin ones."""
    return array_dot(a, b) if type(a) is np.ndarray and type(b) is np.ndarray else np.dot(a, b)


@functools.lru_cache(maxsize=256)
def ones(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Return an array of ones, read-only: a product with it is a sum."""
    array = np.ones(shape, dtype)
    array.flags.writeable = False
    return array


@functools.lru_cache(maxsize=256)
def summing(shape: tuple[int, ...], to: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Array | None, Array | None]:
    """Return ones that sum a small matrix to a row, by a product from the left, or to a column, from the right."""
    if len(shape) == 2 and math_prod(shape) <= SMALL:
        m, n = shape
        if to in ((n,), (1, n)):
            return ones((*to[:-1], m), dtype), None
        if to == (m, 1):
            return None, ones((n, 1), dtype)
    return None, None


def unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum `g` over the axes along which an operand of this shape was broadcast."""
    if type(g) is np.ndarray:
        left, right = summing(g.shape, shape, g.dtype)  # BLAS sums thin matrices four times faster
        if left is not None:
            return array_dot(left, g)
        if right is not None:
            return array_dot(g, right)
    lead = g.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(lead + i for i, n in enumerate(shape) if n == 1 and g.shape[lead + i] != 1)
    if axes:
        g = np.add.reduce(g, axis=axes) if isinstance(g, np.ndarray) else g.sum(axis=axes)
    return g if g.shape == shape else g.reshape(shape)
