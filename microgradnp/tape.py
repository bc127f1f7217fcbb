"""The record of what was computed, and the two sweeps over it.

A Node remembers one NumPy call: the primitive, the nodes of its operands, and the values that its rules will read. It
holds no closure, no gradient and no Tensor, so there is no reference cycle and what nobody reads is freed at once.
Nothing here recurses: a chain of a million operations is swept, and freed, like any other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from heapq import heappop, heappush, heapreplace
from operator import attrgetter
from types import FunctionType
from typing import Any

import numpy as np

from microgradnp.primitives.primitive import Over, Primitive, expand, linear, math_prod, unbroadcast

Array = Any

#: Order of creation: operands always come before results. Shared by all threads; a step is atomic.
tick: Callable[[], int] = itertools.count(1).__next__

order_of = attrgetter("order")

OFF, RECORD, TRACE, DEBUG = 0, 1, 2, 3
#: When any leaf last got another value: what was recorded since needs no check.
LATEST_CHANGE = [0]

#: Whether operations on Tensors that require a gradient are recorded, or everything is. Per thread and per task.
mode: ContextVar[int] = ContextVar("microgradnp_mode", default=RECORD)
current_mode: Callable[[], int] = mode.get

#: What has set the mode and is still in force, the latest last.
in_force: ContextVar[tuple[recording, ...]] = ContextVar("microgradnp_in_force", default=())

#: What watches the operations of this thread (`mg.debug`), the latest last: while there is any, DEBUG stands for RECORD.
watching: ContextVar[tuple[Any, ...]] = ContextVar("microgradnp_watching", default=())

#: The watches of all threads. Empty nearly always, and then nothing else is asked.
WATCHES: list[Any] = []

FLOAT64 = np.dtype(np.float64)

Spec = tuple[tuple[int, ...], np.dtype[Any]]

SCALAR64: Spec = ((), FLOAT64)

#: Shape and dtype of float64 arrays, by shape: one object each, so that two are compared at a glance.
SPECS64: dict[tuple[int, ...], Spec] = {(): SCALAR64}


def spec_of(value: Array) -> Spec:
    """Return shape and dtype of an array."""
    shape, dtype = value.shape, value.dtype
    if dtype is not FLOAT64:
        return shape, dtype
    spec = SPECS64.get(shape)
    if spec is None:
        if len(SPECS64) > 1000:  # forgetting costs nothing but time
            SPECS64.clear()
        SPECS64[shape] = spec = shape, dtype
    return spec


FREED: Any = type("Freed", (), {"__repr__": lambda _: "<freed>"})()


class Node:
    """One recorded operation.

    Attributes
    ----------
    primitive : Primitive
    parents : tuple of (Node or None)
        One for each operand; None for a constant.
    params : dict or None
        The keywords of the call.
    saved : tuple
        The output and the operands. What no rule reads is not kept: None stands for the output, an operand's own node,
        or `Known`, for the operand. Last, if there is one, the slope that was computed on the way.
    spec : tuple
        Shape and dtype of the output.
    order : int
        When it was recorded.

    Notes
    -----
    It is made without arguments, because a constructor in Python takes as long as all the rest: see `recorded`.
    """

    __slots__ = ("order", "params", "parents", "primitive", "saved", "spec")

    order: int
    params: dict[str, Any] | None
    parents: tuple[Node | None, ...]
    primitive: Primitive
    saved: tuple[Any, ...]
    spec: Spec

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output."""
        return self.spec[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements of the output."""
        return self.spec[1]

    @property
    def ndim(self) -> int:
        """Number of dimensions of the output."""
        return len(self.spec[0])

    @property
    def size(self) -> int:
        """Number of elements of the output."""
        return int(np.prod(self.spec[0], dtype=np.int64))

    def __repr__(self) -> str:
        return f"<{self.primitive.name} {self.spec[0]} #{self.order}>"


def recorded(
    primitive: Primitive,
    parents: tuple[Node | None, ...],
    saved: tuple[Any, ...],
    spec: Spec,
    params: dict[str, Any] | None = None,
    node: Node | None = None,
) -> Node:
    """Return a Node, or fill the one given."""
    node = Node() if node is None else node
    node.primitive = primitive
    node.parents = parents
    node.saved = saved
    node.spec = spec
    node.params = params
    node.order = tick()
    return node


class Leaf(Node):
    """Where a graph begins: a Tensor that requires a gradient, or (`argument`) one of a function being differentiated."""

    __slots__ = ("argument", "changed", "grad", "name")

    def __init__(self, value: Array, name: str | None = None, argument: bool = False) -> None:
        recorded(LEAF, (), (value,), spec_of(value), node=self)
        self.grad: np.ndarray[Any, Any] | None = None
        self.name = name
        self.changed = 0  # when its Tensor last got another value
        self.argument = argument


class Known:
    """Stands in a rule for an operand that it does not read: shape and dtype only."""

    __slots__ = ("dtype", "shape")

    def __init__(self, value: Array) -> None:
        self.shape: tuple[int, ...] = value.shape
        self.dtype: np.dtype[Any] = value.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math_prod(self.shape)


#: Python's own numbers, whose shape and type need not be looked up each time.
KNOWN_NUMBERS = {number: Known(np.asarray(number())) for number in (bool, int, float, complex)}


def known(value: Array) -> Known:
    """Return the stand-in for an operand."""
    return KNOWN_NUMBERS.get(value.__class__) or Known(value if hasattr(value, "dtype") else np.asarray(value))


LEAF = Primitive(lambda: None, 0, (), {})
LEAF.name = "leaf"

# An argument that an outer transform already watches enters an inner one through this identity: the inner sweep stops
# here, the outer one passes through.
ALIAS = linear(lambda x: x, lambda g, _y, _x: g)
ALIAS.name = "argument"


class recording:
    """Set the mode for a while.

    One object may be entered again while it is in force, and two may be left in the order in which they were entered,
    as two generators do that are read in turn: the mode is always that of the last one that is still in force.
    """

    __slots__ = ("new_mode",)

    def __init__(self, new_mode: int) -> None:
        self.new_mode = new_mode

    def __enter__(self) -> None:
        in_force.set((*in_force.get(), self))
        mode.set(watched(self.new_mode) if WATCHES else self.new_mode)

    def __exit__(self, *_: object) -> None:
        entered = in_force.get()
        if entered and entered[-1] is self:
            entered = entered[:-1]
        elif self in entered:
            i = entered.index(self)
            entered = entered[:i] + entered[i + 1 :]
        in_force.set(entered)
        if WATCHES:
            resume()
        else:
            mode.set(entered[-1].new_mode if entered else RECORD)


def watched(new_mode: int) -> int:
    """Return the mode that stands for another one while this thread is watched."""
    return DEBUG if new_mode == RECORD and watching.get() else new_mode


def resume() -> None:
    """Set the mode to that of the last that is in force."""
    entered = in_force.get()
    mode.set(watched(entered[-1].new_mode if entered else RECORD))


def watch_here() -> Any:
    """Return what watches the operations of this thread, or None."""
    watches = watching.get() if WATCHES else ()
    return watches[-1] if watches else None


# -- which nodes a sweep visits ------------------------------------------------------------------------------------


def reachable(roots: Iterable[Node | None], since: int = 0) -> tuple[list[Node], bool]:
    """Return the nodes that the roots depend on, in the order of recording.

    Parameters
    ----------
    roots : iterable of Node
    since : int
        Nodes recorded earlier are left out: they cannot depend on anything recorded since.

    Returns
    -------
    nodes : list of Node
    outer : bool
        Whether any node was left out.
    """
    given = {root for root in roots if root is not None}
    nodes = [root for root in given if root.order >= since]
    outer = len(nodes) < len(given)
    seen: set[Node | None] = {None, *given}
    if not since:  # the usual case, without a comparison for each operand
        for node in nodes:  # which grows while it is read
            for parent in node.parents:
                if parent not in seen:
                    seen.add(parent)
                    nodes.append(parent)  # type: ignore[arg-type]
        nodes.sort(key=order_of)
        return nodes, False
    for node in nodes:
        for parent in node.parents:
            if parent not in seen:
                seen.add(parent)
                if parent.order >= since:  # type: ignore[union-attr]
                    nodes.append(parent)  # type: ignore[arg-type]
                else:
                    outer = True
    nodes.sort(key=order_of)
    return nodes, outer


def dependent(nodes: Iterable[Node], sources: Iterable[Node]) -> set[Node]:
    """Return those of the nodes (in order of recording) whose derivative with respect to the sources is not zero."""
    found = set(sources)
    for node in nodes:
        if node.primitive.constant or node.dtype.kind not in "fc":
            continue
        for parent in node.parents:
            if parent in found:
                found.add(node)
                break
    return found


# -- the reverse sweep ---------------------------------------------------------------------------------------------

Lift = Callable[[Array, "Node | None"], Array]


def reverse_sweep(
    nodes: Sequence[Node],
    gradients: dict[Node, Array],
    *,
    targets: Iterable[Node] = (),
    within: set[Node] | None = None,
    lift: Lift | None = None,
    free: bool = False,
    keep: dict[Node, Array] | None = None,
) -> dict[Node, Array]:
    """Carry gradients from the outputs back to the leaves.

    Parameters
    ----------
    nodes : sequence of Node
        In the order of recording.
    gradients : dict
        The gradients of the outputs; those of all leaves and targets are added to it.
    targets : iterable of Node
        Nodes whose gradients are wanted; the sweep does not go beyond them unless another path leads there.
    within : set of Node, optional
        Only these nodes get gradients.
    lift : callable, optional
        Makes a Tensor of a saved value and its node, so that the sweep is itself recorded.
    free : bool
        Forget saved values on the way.
    keep : dict, optional
        Gets the gradient of every node that has one.

    Returns
    -------
    dict
        `gradients`.
    """
    stops = {node for node in targets if node.parents}
    watch = watch_here()
    if not stops and within is None and lift is None and keep is None and watch is None:
        return sweep_arrays(gradients, free)
    pass_back = pass_on if watch is None else watch.pass_on
    for node in reversed(nodes):
        if node.parents and node not in stops and node in gradients:
            g = gradients.pop(node)
            if keep is not None:
                keep[node] = g
            pass_back(g, node, gradients, within, lift)
            if free:
                node.saved = FREED
    return gradients


def sweep_arrays(
    gradients: dict[Node, Array], free: bool = False, unsafe: int = 0, check: Callable[[Node], None] | None = None
) -> dict[Node, Array]:
    """Carry arrays back to the leaves: the same as `reverse_sweep` does for nearly all of its callers, without a detour.

    The latest node that has a gradient comes first: everything that uses its value was recorded later, so its gradient is
    complete. No list of nodes is needed.

    Parameters
    ----------
    gradients : dict
        The gradients of the outputs. What remains in it are those of the leaves, None where a derivative is zero by rule.
    free : bool
        Forget saved values on the way.
    unsafe : int
        Nodes recorded no later may have saved what has changed since: `check` looks at them.
    check : callable, optional
    """
    function, pop = FunctionType, gradients.pop
    waiting: list[tuple[int, Node]] = []  # a heap
    node: Node | None = None
    for node in gradients:
        if node.parents:
            heappush(waiting, (-node.order, node))
    node = heappop(waiting)[1] if waiting else None
    while node is not None:
        g = pop(node)
        saved, primitive, parents = node.saved, node.primitive, node.parents
        if saved is FREED:
            raise freed_error(node)
        if node.order <= unsafe:
            check(node)  # type: ignore[misc]
        if free:
            node.saved = FREED
        elementwise, lone, rules = primitive.sweeping or primitive.prepared()
        following: Any = None
        if lone and g is not None:  # most functions of one operand
            y, x = saved
            d = g * lone(y, x)
            following = parents[0]
            spec = following.spec
            if spec is not node.spec and (d.shape != spec[0] or d.dtype is not spec[1]):
                d = fitted(d, following, primitive)
            if following in gradients:
                if (total := gradients[following]) is not None:
                    d = total + d
                gradients[following] = d
                following = None
            else:
                gradients[following] = d
                if type(following) is Leaf:
                    following = None
        else:
            same = node.spec if elementwise else None
            if g is None:
                rules = parents  # none of them is called
            elif not elementwise:
                given = g, *saved
            if rules is None:
                y, xs = operands(node, None, saved)
                pulled = primitive.pull(g, y, xs, [p is not None for p in parents], node.params or {})
            i = 0
            for parent in parents:
                if parent is not None:
                    if g is None:
                        d = None
                    elif rules is None:
                        d = pulled[i]
                    else:
                        rule = rules[i]
                        if not elementwise:
                            d = rule and (rule(*given) if node.params is None else rule(*given, **node.params))
                        elif type(rule) is function:
                            d = g * rule(*saved)
                        elif type(rule) is int:
                            d = g if rule == 1 else -g
                        elif type(rule) is Over:
                            d = g / rule.rule(*saved)
                        else:
                            d = rule and rule.back(g, *saved)
                    spec = parent.spec
                    # what is done to float64 arrays of one shape, element by element, makes such an array
                    if spec is not same and d is not None and (d.shape != spec[0] or d.dtype is not spec[1]):
                        d = (
                            unbroadcast(d, spec[0])
                            if elementwise and d.dtype is spec[1]
                            else fitted(d, parent, primitive)
                        )
                    if parent not in gradients:
                        gradients[parent] = d
                        if type(parent) is not Leaf:
                            if following is None:
                                following = parent
                            else:
                                heappush(waiting, (-parent.order, parent))
                    elif d is not None:
                        total = gradients[parent]
                        gradients[parent] = d if total is None else total + d
                i += 1  # noqa: SIM113  (faster than enumerate or zip)
        if not waiting:
            node = following
        elif following is None:
            node = heappop(waiting)[1]
        elif waiting[0][0] < -following.order:
            node = heapreplace(waiting, (-following.order, following))[1]
        else:
            node = following
    return gradients


def pass_on(
    g: Array,
    node: Node,
    gradients: dict[Node, Array],
    within: set[Node] | None = None,
    lift: Lift | None = None,
) -> None:
    """Add what the gradient of one node contributes to those of its operands."""
    if node.saved is FREED:
        raise freed_error(node)
    parents = node.parents if within is None else tuple(p if p in within else None for p in node.parents)
    y, xs = operands(node, lift)
    contributions = node.primitive.pull(g, y, xs, [p is not None for p in parents], node.params or {})
    for parent, d in zip(parents, contributions, strict=True):
        if parent is not None and d is not None:
            d = fitted(d, parent, node.primitive)
            gradients[parent] = gradients[parent] + d if parent in gradients else d


def fitted(d: Array, parent: Node, primitive: Primitive) -> Array:
    """Give a gradient exactly the shape and type of its operand: undo broadcasting and promotion, refuse the rest."""
    shape, dtype = parent.spec
    if d.shape != shape:
        if not (primitive.elementwise or getattr(primitive, "broadcasts", False)):
            raise ValueError(
                f"the derivative rule of {primitive.name} returned a gradient of shape {d.shape} for an operand of "
                f"shape {shape}; the two must be equal (sum over the axes along which the operand was broadcast)"
            )
        d = unbroadcast(d, shape)
    if d.dtype != dtype:
        if d.dtype.kind == "c" and dtype.kind != "c":
            d = d.real
        if d.dtype != dtype:
            d = d.astype(dtype)
    return d


def operands(node: Node, lift: Lift | None, saved: tuple[Any, ...] = ()) -> tuple[Array, tuple[Array, ...]]:
    """Return the output and the operands of a node as its rules get them: as Tensors on the graph, if there is `lift`."""
    y, *xs = (saved or node.saved)[: len(node.parents) + 1]
    if lift is not None:
        y = y if y is None else lift(y, node)
        xs = [x if p is None or x is p else lift(x, p) for x, p in zip(xs, node.parents, strict=True)]
    return y, tuple(xs)


def freed_error(node: Node) -> RuntimeError:
    """Return the error for a second sweep over a freed graph."""
    return RuntimeError(
        f"backward() was called a second time through the same graph: what {node.primitive.name} (shape {node.shape}) "
        "had saved is freed. Call the first backward() with retain_graph=True, or compute the forward pass again"
    )


# -- the forward sweep ---------------------------------------------------------------------------------------------


def forward_sweep(
    nodes: Sequence[Node], tangents: dict[Node, Array], *, within: set[Node] | None = None, lift: Lift | None = None
) -> dict[Node, Array]:
    """Carry tangents from the leaves forward to every node that depends on them.

    Parameters
    ----------
    nodes : sequence of Node
        In the order of recording.
    tangents : dict
        The tangents of the leaves; those of all dependent nodes are added to it.
    within : set of Node, optional
        Only these nodes get tangents.
    lift : callable, optional
        Makes a Tensor of a saved value and its node, so that the sweep is itself recorded.

    Returns
    -------
    dict
        `tangents`.
    """
    watch = watch_here()
    for node in nodes:
        parents = node.parents
        if not parents or node in tangents or (within is not None and node not in within):
            continue
        dxs = [None if p is None else tangents.get(p) for p in parents]
        if all(dx is None for dx in dxs):
            continue
        if node.saved is FREED:
            raise freed_error(node)
        y, xs = operands(node, lift)
        dy = node.primitive.push(dxs, y, xs, node.params or {}) if watch is None else watch.push(node, dxs, y, xs)
        if dy is not None:
            if dy.shape != node.shape:
                dy = expand(dy, node.shape)
            if dy.dtype != node.dtype:
                dy = (dy.real if dy.dtype.kind == "c" and node.dtype.kind != "c" else dy).astype(node.dtype)
            tangents[node] = dy
    return tangents
