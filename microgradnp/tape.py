"""The record of what was computed, and the two sweeps over it.

A Node remembers one NumPy call: the primitive, the nodes of its operands, and the values that its rules will read. It
holds no closure, no gradient and no Tensor, so there is no reference cycle and what nobody reads is freed at once.
Nothing here recurses: a chain of a million operations is swept, and freed, like any other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from operator import attrgetter
from types import FunctionType
from typing import Any

import numpy as np

from microgradnp.primitives.primitive import Primitive, expand, linear, unbroadcast

Array = Any

#: Order of creation: operands always come before results. Shared by all threads; a step is atomic.
tick: Callable[[], int] = itertools.count(1).__next__

OFF, RECORD, TRACE = 0, 1, 2
#: Whether operations on Tensors that require a gradient are recorded, or everything is. Per thread and per task.
mode: ContextVar[int] = ContextVar("microgradnp_mode", default=RECORD)
current_mode: Callable[[], int] = mode.get

SCALAR64 = ((), np.dtype(np.float64))

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
        The output and the operands, None for those that no rule reads.
    spec : tuple
        Shape and dtype of the output.
    order : int
        When it was recorded.
    """

    __slots__ = ("order", "parents", "primitive", "saved", "spec")

    params: dict[str, Any] | None = None

    def __init__(
        self,
        primitive: Primitive,
        parents: tuple[Node | None, ...],
        saved: tuple[Any, ...],
        spec: tuple[tuple[int, ...], np.dtype[Any]],
    ) -> None:
        self.primitive = primitive
        self.parents = parents
        self.saved = saved
        self.spec = spec
        self.order = tick()

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


class Call(Node):
    """A recorded operation with parameters."""

    __slots__ = ("params",)

    def __init__(
        self,
        primitive: Primitive,
        parents: tuple[Node | None, ...],
        saved: tuple[Any, ...],
        spec: tuple[tuple[int, ...], np.dtype[Any]],
        params: dict[str, Any],
    ) -> None:
        super().__init__(primitive, parents, saved, spec)
        self.params = params


class Leaf(Node):
    """Where a graph begins: a Tensor that requires a gradient, or an input of a function being traced."""

    __slots__ = ("changed", "grad", "name")

    def __init__(self, value: Array, name: str | None = None) -> None:
        super().__init__(LEAF, (), (value,), (value.shape, value.dtype))
        self.grad: np.ndarray[Any, Any] | None = None
        self.name = name
        self.changed = 0  # when its Tensor last got another value


class Known:
    """Stands in a rule for an operand that it does not read: shape and dtype only."""

    __slots__ = ("dtype", "ndim", "shape", "size")

    def __init__(self, value: Array) -> None:
        self.shape: tuple[int, ...] = np.shape(value)
        self.dtype = np.asarray(value).dtype
        self.ndim = len(self.shape)
        self.size = int(np.prod(self.shape, dtype=np.int64))


LEAF = Primitive(lambda: None, 0, (), {})
LEAF.name = "leaf"

# An argument that an outer transform already watches enters an inner one through this identity: the inner sweep stops
# here, the outer one passes through.
ALIAS = linear(lambda x: x, lambda g, _y, _x: g)
ALIAS.name = "argument"


@contextmanager
def recording(new_mode: int) -> Iterator[int]:
    """Set the mode for a while; yields the mode that was."""
    token = mode.set(new_mode)
    try:
        yield token.old_value if token.old_value is not token.MISSING else RECORD
    finally:
        mode.reset(token)


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
    seen = {root for root in roots if root is not None}
    nodes = list(seen)
    outer = False
    for node in nodes:  # which grows while it is read
        for parent in node.parents:
            if parent is not None and parent not in seen:
                if parent.order < since:
                    outer = True
                else:
                    seen.add(parent)
                    nodes.append(parent)
    nodes.sort(key=attrgetter("order"))
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
    stops = set(targets)
    plain = lift is None and within is None
    float64, function, get, pop = np.float64, FunctionType, gradients.get, gradients.pop
    for node in reversed(nodes):
        parents = node.parents
        if not parents or (stops and node in stops) or node not in gradients:
            continue
        g = pop(node)
        if keep is not None:
            keep[node] = g
        saved = node.saved
        if saved is FREED:
            raise freed_error(node)
        primitive = node.primitive
        if plain and primitive.elementwise and node.params is None:
            # Almost all nodes of a scalar graph: the same as below, without a list or a call more than needed.
            locals_ = primitive.locals  # type: ignore[attr-defined]
            i = 0
            for parent in parents:
                local = locals_[i]
                i += 1
                if parent is None:
                    continue
                if local.__class__ is function:
                    d = g * local(*saved)
                elif local == 1:
                    d = g
                elif local == -1:
                    d = -g
                else:
                    continue
                spec = parent.spec
                if (d.__class__ is not float64 or spec is not SCALAR64) and (d.shape != spec[0] or d.dtype != spec[1]):
                    d = fitted(d, parent, primitive)
                if parent in gradients:
                    gradients[parent] = gradients[parent] + d
                else:
                    gradients[parent] = d
        else:
            if within is not None:
                parents = tuple(p if p in within else None for p in parents)
            y, xs = operands(node, lift) if lift is not None else (saved[0], saved[1:])
            if not primitive.elementwise:
                y, xs = stand_ins(node, y, xs)
            contributions = primitive.pull(g, y, xs, [p is not None for p in parents], node.params or {})
            for parent, d in zip(parents, contributions, strict=True):
                if parent is not None and d is not None:
                    if d.shape != parent.spec[0] or d.dtype != parent.spec[1]:
                        d = fitted(d, parent, primitive)
                    old = get(parent)
                    gradients[parent] = d if old is None else old + d
        if free:
            node.saved = FREED
    return gradients


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


def operands(node: Node, lift: Lift) -> tuple[Array, tuple[Array, ...]]:
    """Return the output and the operands of a node as Tensors on the graph, where they were saved."""
    saved = node.saved
    y = saved[0] if saved[0] is None else lift(saved[0], node)
    xs = tuple(
        x if x is None or parent is None else lift(x, parent)
        for x, parent in zip(saved[1:], node.parents, strict=True)
    )
    return y, xs


def stand_ins(node: Node, y: Array, xs: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
    """Put in place of what was not saved something that knows its shape: the node itself."""
    if y is None:
        y = node
    if None in map(type_or_none, xs):
        xs = tuple(parent if x is None else x for x, parent in zip(xs, node.parents, strict=True))
    return y, xs


def type_or_none(x: Array) -> Any:
    """Return None for None and anything else otherwise (`None in arrays` would compare elementwise)."""
    return None if x is None else 1


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
    for node in nodes:
        parents = node.parents
        if not parents or node in tangents or (within is not None and node not in within):
            continue
        dxs = [None if p is None else tangents.get(p) for p in parents]
        if all(dx is None for dx in dxs):
            continue
        y, xs = operands(node, lift) if lift is not None else (node.saved[0], node.saved[1:])
        if not node.primitive.elementwise:
            y, xs = stand_ins(node, y, xs)
        dy = node.primitive.push(dxs, y, xs, node.params or {})
        if dy is not None:
            if dy.shape != node.shape:
                dy = expand(dy, node.shape)
            if dy.dtype != node.dtype:
                dy = dy.astype(node.dtype)
            tangents[node] = dy
    return tangents
