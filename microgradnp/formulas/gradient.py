"""The gradient of a loss as a formula: the reverse sweep over a graph, in expressions instead of arrays."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from microgradnp.formulas.activations import activations
from microgradnp.formulas.algebra import Algebra, Expression, Shape
from microgradnp.formulas.writing import as_latex, as_numpy
from microgradnp.graph import Graph
from microgradnp.primitives.shapes import Slot
from microgradnp.tape import TRACE, Leaf, Node, dependent, operands, reachable, recording
from microgradnp.tensor import Tensor

LONGEST = 1500  # characters; nobody reads more
COSTLIEST = 900
LARGEST = 5000  # operations of a graph: no formula of it is short


class Unwritable(Exception):
    """There is no formula that a person could read."""


@dataclass
class Formula:
    """A gradient as text.

    Attributes
    ----------
    numpy : str
        One line, or assignments and a last line with the value. Empty if no formula was found.
    latex : str
    conditions : list of str
        What the simplifications rest on, and holds for the data: ``np.sum(T, axis=1) == 1``.
    """

    numpy: str = ""
    latex: str = ""
    conditions: list[str] = field(default_factory=list)


def gradient_text(graph: Graph, of: str, loss: Node | None = None, given: Mapping[str, str] | None = None) -> Formula:
    """Return the gradient of a loss with respect to a quantity, as a formula in the names of the traced code.

    What is returned has been run on the graph's values and gives the gradient there; else nothing is returned.

    Parameters
    ----------
    graph : Graph
    of : str
        A name of the graph.
    loss : Node, optional
        Default: the graph's first output.
    given : dict, optional
        Quantities whose gradient has a name already, which the formula may use: ``{"Zo": "Eo"}``.

    Returns
    -------
    Formula

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> def network(X, T, W, b):
    ...     Z = X @ W + b
    ...     A = 1 / (1 + np.exp(-Z))
    ...     return -np.sum(T * np.log(A) + (1 - T) * np.log(1 - A))
    >>> graph = mg.trace(network, np.ones((4, 2)), np.ones((4, 3)), np.ones((2, 3)), np.zeros(3))
    >>> gradient_text(graph, "Z").numpy
    'A - T'
    >>> gradient_text(graph, "b", given={"Z": "dZ"}).numpy
    'np.sum(dZ, axis=0)'
    """
    loss = graph.outputs[0] if loss is None else loss
    if of not in graph.names or len(graph.nodes) > LARGEST:
        return Formula()
    node = graph.names[of]
    with np.errstate(all="ignore"):
        true = graph.gradients(loss)
    stops = {graph.names[q]: n for q, n in (given or {}).items() if q in graph.names and graph.names[q] is not node}
    environment = {
        **graph.constants,
        **{n: np.asarray(graph.value(k))[()] for n, k in graph.names.items() if n.isidentifier()},
        **{n: np.asarray(true.get(k, np.zeros(k.shape)))[()] for k, n in stops.items()},
        "np": np,
    }
    wanted = np.asarray(true.get(node, np.zeros(node.shape)))
    for plainly in (False, True):  # the forms that people prefer, and those that hold at odd points as well
        try:
            sweep = Sweep(graph, loss, node, stops, true, environment, plainly)
            expression = sweep.gradient()
            if expression.cost > COSTLIEST:
                continue
            text = as_numpy(expression, sweep.algebra)
            if len(text) <= LONGEST and gives(text, environment, wanted):
                return Formula(text, as_latex(expression, sweep.algebra), list(sweep.algebra.used))
        except Exception:  # whatever cannot be written is left out: a report must not fail for want of a formula
            continue
    return Formula()


def run(text: str, environment: Mapping[str, Any]) -> Any:
    """Return the value of a formula: of the last line, after the assignments above it."""
    *lines, last = text.splitlines()
    scope = dict(environment)
    with np.errstate(all="ignore"):
        exec("\n".join(lines), scope)
        return eval(last, scope)


def gives(text: str, environment: Mapping[str, Any], wanted: Any) -> bool:
    """Return whether a formula gives a gradient, up to rounding."""
    try:
        value = np.asarray(run(text, environment))
    except Exception:  # our own text on the user's values: any failure means that it is no formula
        return False
    if value.shape != wanted.shape or value.dtype.kind not in "biuf":
        return False
    size = np.max(np.abs(wanted), initial=0.0)
    return bool(np.all(np.abs(value - wanted) <= 1e-8 * size + 1e-12 * (size or 1.0)))


class Sweep:
    """One reverse sweep in expressions."""

    def __init__(
        self,
        graph: Graph,
        loss: Node,
        of: Node,
        stops: Mapping[Node, str],
        true: Mapping[Node, Any],
        environment: Mapping[str, Any],
        plainly: bool,
    ) -> None:
        self.graph, self.loss, self.of, self.stops, self.true = graph, loss, of, stops, true
        self.environment, self.plainly = environment, plainly
        self.algebra = Algebra()
        self.names: dict[Node, str] = {}
        for name, node in graph.names.items():
            if writable(name, environment) and node not in self.names:
                self.names[node] = name
        self.counts: dict[int, str] = {}
        for name, value in graph.constants.items():
            if isinstance(value, int | np.integer) and not isinstance(value, bool) and value > 2:
                self.counts[int(value)] = "" if int(value) in self.counts else name
        self.memory: dict[Node, Expression] = {}

    def gradient(self) -> Expression:
        """Return the gradient as an expression."""
        a = self.algebra
        nodes, _ = reachable([self.loss])
        inside = dependent(nodes, [self.of])
        if self.loss not in inside:
            return a.number(0, self.of.shape)
        inside = self.within(nodes)
        found = {} if self.plainly else activations(self.graph, self.of, self.stops)
        parts: dict[Node, list[Expression]] = {self.loss: [a.number(1, self.loss.shape)]}
        for node in reversed(nodes):
            if node not in inside or (node not in parts and node not in self.stops):
                continue
            if node is self.of:
                break
            g = a.name(self.stops[node], node.shape) if node in self.stops else a.add(*parts[node])
            if node in found and found[node][1] in inside:
                name, source = found[node]
                parts.setdefault(source, []).append(self.through(name, g, node, source))
                continue
            for parent, d in zip(node.parents, self.pulled(g, node, inside), strict=True):
                if parent is not None and d is not None and parent in inside:
                    parts.setdefault(parent, []).append(self.summed(d, parent.shape))
        if self.of not in parts:
            return a.number(0, self.of.shape)
        result = a.add(*parts[self.of])
        return self.renamed(a.broadcast(a.mul(a.number(1.0), result), self.of.shape), self.definitions())

    def definitions(self) -> dict[Expression, Expression]:
        """Return the names of quantities by what they are computed as: what a formula computes again has a name."""
        found: dict[Expression, Expression] = {}
        for node in self.names:
            if not node.parents or node in self.stops or node is self.of:
                continue
            try:
                xs = [
                    self.constant(x) if p is None else self.value(p)
                    for p, x in zip(node.parents, node.saved[1:], strict=True)
                ]
                made = self.operation(node, xs)
            except (Unwritable, ZeroDivisionError):
                continue
            if made.op not in ("name", "number"):
                found.setdefault(made, self.value(node))
        return found

    def renamed(self, e: Expression, names: Mapping[Expression, Expression]) -> Expression:
        """Return an expression with names in the place of what they stand for."""
        if e in names:
            return names[e]
        args = [self.renamed(x, names) for x in e.args]
        if all(new is old for new, old in zip(args, e.args, strict=True)):
            return e
        return self.algebra.make(e.op, args, e.data, e.shape, e.boolean)

    def through(self, name: str, g: Expression, node: Node, source: Node) -> Expression:
        """Return a gradient carried back through an activation."""
        a, y = self.algebra, self.value(node)
        one = a.number(1)
        if name == "logistic":
            return a.mul(g, y, a.add(one, a.scaled(y, -1)))
        if name == "tanh":
            return a.mul(g, a.add(one, a.scaled(a.power(y, 2), -1)))
        if name == "relu":
            return a.mul(g, a.call("greater", (self.value(source), a.number(0)), node.shape, True))
        axis = int(name.split()[1])
        self.note_ones(node, axis)
        weighted = a.total(a.mul(g, y), (axis,), True)
        outside = a.add(a.mul(y, g), a.scaled(a.mul(y, weighted), -1))
        inside = a.mul(y, a.add(g, a.scaled(weighted, -1)))
        return outside if outside.cost <= inside.cost else inside

    def note_ones(self, node: Node, axis: int) -> None:
        """Find what sums to 1 along the axis of a softmax, as the targets of a cross entropy do."""
        a = self.algebra
        for other, name in self.names.items():
            value = np.asarray(self.graph.value(other))
            if (
                other.shape == node.shape
                and value.dtype.kind in "biuf"
                and not other.parents
                and np.allclose(value.sum(axis=axis), 1, rtol=1e-12, atol=0)
            ):
                body = a.name(name, other.shape, other.dtype.kind == "b")
                a.ones.setdefault((body, (axis,)), f"np.sum({name}, axis={axis}) == 1")

    # -- going back through one operation ----------------------------------------------------------------------

    def pulled(self, g: Expression, node: Node, inside: set[Node]) -> Sequence[Expression | None]:
        """Return the contributions of a node's gradient to those of its operands."""
        a, name, params = self.algebra, node.primitive.name, node.params or {}
        xs = self.graph.operands(node)
        if name == "add":
            return [g, g]
        if name == "subtract":
            return [g, a.scaled(g, -1)]
        if name == "negative":
            return [a.scaled(g, -1)]
        if name in ("multiply", "divide") or (name == "power" and not self.plainly):
            x, y = (self.operand(node, i) for i in (0, 1))
            if name == "multiply":
                return [a.mul(g, y), a.mul(g, x)]
            if name == "divide":
                back = a.mul(g, self.value(node) if node in self.names else a.mul(x, a.power(y, -1)), a.power(y, -1))
                return [a.mul(g, a.power(y, -1)), a.scaled(back, -1)]
            if xs[1][0] is None and np.ndim(xs[1][1]) == 0:
                return [a.mul(g, a.number(float(xs[1][1])), a.power(x, float(xs[1][1]) - 1)), None]
            less = a.call("power", (x, a.add(y, a.number(-1))), node.shape)
            return [a.mul(g, y, less), a.mul(g, self.value(node), a.call("log", (x,), x.shape))]
        if name in ("sum", "mean"):
            (parent, value), axis = xs[0], params.get("axis")
            shape = np.shape(value)
            axes = tuple(range(len(shape))) if axis is None else tuple(
                i % max(len(shape), 1) for i in (axis if isinstance(axis, tuple) else (axis,))
            )  # fmt: skip
            if g.shape and not params.get("keepdims"):
                g = self.with_axes(g, tuple(1 if i in axes else n for i, n in enumerate(shape)), axes)
            if name == "mean" and parent is not None:
                g = a.mul(g, a.power(self.count(parent, shape, axes), -1))
            return [a.broadcast(g, shape)]
        if name in ("matmul", "dot") and all(np.ndim(v) == 2 for _, v in xs):
            x, y = (self.operand(node, i) for i in (0, 1))
            return [
                a.matmul(g, a.transposed(y), x.shape) if xs[0][0] in inside else None,
                a.matmul(a.transposed(x), g, y.shape) if xs[1][0] in inside else None,
            ]
        if name in ("matmul", "dot") and max(np.ndim(v) for _, v in xs) <= 2 and min(np.ndim(v) for _, v in xs) == 1:
            return self.vector_product(g, *(self.operand(node, i) for i in (0, 1)))
        if name == "where" and not self.plainly and self.guards(node):
            return [None, None, g]
        if name == "getitem" and (spread := self.one_hot(g, node)) is not None:
            return [spread, *[None] * (len(xs) - 1)]
        if name == "getitem":
            arrays = [self.operand(node, i) for i in range(1, len(xs))]
            if isinstance(pattern := params["pattern"], tuple) and all(p is None or p == slice(None) for p in pattern):
                return [self.without_axes(g, [i for i, p in enumerate(pattern) if p is None])]
            shape, like = np.shape(xs[0][1]), self.names.get(node.parents[0]) if node.parents[0] else None
            return [
                a.call("scatter", (g, *arrays), shape, text=index_text(params["pattern"]), like=like or ""),
                *[None] * len(arrays),
            ]
        return self.by_rule(g, node, inside)

    def vector_product(self, g: Expression, x: Expression, y: Expression) -> list[Expression | None]:
        """Return the contributions to the operands of a product of a vector with a vector or a matrix."""
        a = self.algebra
        if len(x.shape) == len(y.shape):
            return [a.mul(g, y), a.mul(g, x)]
        if len(x.shape) == 2:
            return [a.mul(self.with_axes(g, (*g.shape, 1)), y), a.matmul(a.transposed(x), g, y.shape)]
        return [a.matmul(y, g, x.shape), a.mul(self.with_axes(x, (*x.shape, 1)), g)]

    def guards(self, node: Node) -> bool:
        """Return whether `np.where(x == 0, number, y)` only keeps y away from 0, where it is not needed."""
        condition, (branch, value), _ = self.graph.operands(node)
        if branch is not None or np.ndim(value) or condition[0] is None or condition[0].primitive.name != "equal":
            return False
        return not np.any(condition[1])

    def by_rule(self, g: Expression, node: Node, inside: set[Node]) -> Sequence[Expression | None]:
        """Run the primitive's own rule on Tensors and read what it recorded."""
        value = np.asarray(self.true[node])[()]
        leaf = Leaf(np.asarray(value, dtype=node.dtype)[()])
        local: dict[Node, Expression] = {leaf: g}
        wanted = [p is not None and p in inside for p in node.parents]
        with recording(TRACE), np.errstate(all="ignore"):
            y, xs = operands(node, Tensor)
            y = Tensor(self.graph.value(node), node) if y is None else y
            found = node.primitive.pull(Tensor(leaf.saved[0], leaf), y, xs, wanted, node.params or {})
        return [None if d is None or not want else self.read(d, local) for d, want in zip(found, wanted, strict=True)]

    def read(self, d: Any, local: dict[Node, Expression]) -> Expression:
        """Return what a rule computed as an expression."""
        if not isinstance(d, Tensor) or d.node is None:
            return self.constant(d.data if isinstance(d, Tensor) else d)
        return self.value(d.node, local)

    def summed(self, d: Expression, shape: Shape) -> Expression:
        """Undo broadcasting."""
        lead = len(d.shape) - len(shape)
        d = self.algebra.total(d, range(lead), False) if lead > 0 else d
        axes = [i for i, n in enumerate(shape) if n == 1 and d.shape[i] != 1]
        return self.algebra.total(d, axes, True) if axes else d

    def within(self, nodes: Sequence[Node]) -> set[Node]:
        """Return the nodes between the quantity and the loss, or the nearest ones whose gradients have names."""
        found = {self.of}
        for node in nodes:
            smooth = node.dtype.kind == "f" and not node.primitive.constant
            if smooth and any(p in found and (p not in self.stops or p is self.of) for p in node.parents):
                found.add(node)
        return found

    def with_axes(self, g: Expression, shape: Shape, new: Sequence[int] | None = None) -> Expression:
        """Put axes of length one into an expression, written as an index."""
        if g.op == "broadcast_to" and not g.args[0].shape:
            return self.algebra.broadcast(g.args[0], shape)
        kept = iter(g.shape)
        left, marks = next(kept, None), []
        for i, n in enumerate(shape):
            if n == left if new is None else i not in new:
                marks.append(":")
                left = next(kept, None)
            else:
                marks.append("None")
        if left is not None or marks.count(":") != len(g.shape):
            return self.algebra.call("reshape", (g,), shape, shape=shape)
        coefficient, rest = self.algebra.unscaled(g)
        return self.algebra.scaled(self.algebra.call("index", (rest,), shape, text=f"{', '.join(marks)}"), coefficient)

    def count(self, x: Node, shape: Shape, axes: Sequence[int]) -> Expression:
        """Return over how many entries a mean is taken, as `len(X)`."""
        n = int(np.prod([shape[i] for i in axes], dtype=int))
        if n == 1:
            return self.algebra.number(1)
        nearest = [node for node in reversed(reachable([x])[0]) if node in self.names]
        for node in nearest:  # of which x was computed
            name = self.names[node]
            if (
                len(axes) == 1
                and axes[0] < node.ndim
                and node.shape[axes[0]] == n
                and not (len(shape) == 1 == node.ndim)
            ):
                return self.algebra.name(f"{name}.shape[{axes[0]}]", ())
            if len(axes) == len(shape) and node.shape == shape:
                return self.algebra.name(f"{name}.size", ())
        return self.algebra.number(n)

    def without_axes(self, g: Expression, axes: Sequence[int]) -> Expression:
        """Return an expression without axes of length one."""
        shape = tuple(n for i, n in enumerate(g.shape) if i not in axes)
        c, rest = self.algebra.unscaled(g)
        if rest.op == "sum_over" and dict(rest.data)["keepdims"]:
            over = dict(rest.data)["axis"]
            if tuple(axes) == (over if isinstance(over, tuple) else (over,)):
                return self.algebra.scaled(self.algebra.total(rest.args[0], axes, False), c)
        text = ", ".join("0" if i in axes else ":" for i in range(len(g.shape)))
        return self.algebra.call("index", (g,), shape, text=text)

    def one_hot(self, g: Expression, node: Node) -> Expression | None:
        """Return the gradient of `P[np.arange(n), y]` as a product with one-hot rows, if that is what it is."""
        a, xs, pattern = self.algebra, self.graph.operands(node), (node.params or {}).get("pattern")
        if self.plainly or len(xs) != 3 or not isinstance(pattern, tuple) or len(xs[0][1].shape) != 2:
            return None
        if not all(isinstance(p, Slot) for p in pattern) or len(pattern) != 2:
            return None
        rows, columns = (np.asarray(xs[p.position + 1][1]) for p in pattern)
        if (
            columns.ndim != 1
            or not np.array_equal(rows, np.arange(xs[0][1].shape[0]))
            or columns.dtype.kind not in "iu"
        ):
            return None
        label = self.operand(node, pattern[1].position + 1)
        hot = a.call("one_hot", (label,), xs[0][1].shape)
        a.ones[hot, (1,)] = ""
        gathered, source = self.value(node), self.operand(node, 0)
        coefficient, powers = a.factors(g)
        lifted: list[Expression] = [a.number(coefficient), hot]
        for base, exponent in powers:
            whole = source if base is gathered else base if not base.shape else self.with_axes(base, (base.shape[0], 1))
            lifted.append(a.power(whole, exponent))
        return a.broadcast(a.mul(*lifted), xs[0][1].shape)

    # -- values ------------------------------------------------------------------------------------------------

    def operand(self, node: Node, i: int) -> Expression:
        """Return an operand of a node as an expression."""
        parent, value = self.graph.operands(node)[i]
        return self.constant(value) if parent is None else self.value(parent)

    def value(self, node: Node, local: dict[Node, Expression] | None = None) -> Expression:
        """Return a value as an expression: its name, or how it is computed, without recursion's limit in mind."""
        memory = self.memory if local is None else local
        if local is not None and node in self.memory:
            return self.memory[node]
        if node in memory:
            return memory[node]
        if node in self.names:
            made = self.algebra.name(self.names[node], node.shape, node.dtype.kind == "b")
        elif not node.parents:
            raise Unwritable(repr(node))
        else:
            xs = [
                self.constant(x) if p is None else self.value(p, local)
                for p, x in zip(node.parents, node.saved[1:], strict=True)
            ]
            made = self.operation(node, xs)
            if made.cost > COSTLIEST:
                raise Unwritable(repr(node))
        memory[node] = made
        return made

    def constant(self, value: Any) -> Expression:
        """Return a number, or an array that has a name among the function's variables."""
        a = np.asarray(value)
        if a.dtype.kind not in "biuf":
            raise Unwritable(repr(value))
        if not a.ndim or (a.size and np.all(a == a.flat[0]) and a.dtype.kind == "f"):
            x = a.flat[0].item()
            name = self.counts.get(int(x)) if np.isfinite(x) and float(x).is_integer() else None
            if not np.isfinite(x):
                raise Unwritable(repr(value))
            e = self.algebra.name(name, ()) if name else self.algebra.number(x)
            return self.algebra.broadcast(e, a.shape)
        for name, other in {**self.environment}.items():
            if isinstance(other, np.ndarray) and other.shape == a.shape and np.array_equal(other, a):
                return self.algebra.name(name, a.shape, a.dtype.kind == "b")
        if a.ndim == 1 and a.dtype.kind in "iu" and np.array_equal(a, np.arange(len(a))):
            return self.algebra.name(f"np.arange({len(a)})", a.shape)
        if a.size <= 6:
            return self.algebra.name(f"np.array({a.tolist()})", a.shape, a.dtype.kind == "b")
        raise Unwritable(f"an array of shape {a.shape}")

    def operation(self, node: Node, xs: Sequence[Expression]) -> Expression:
        """Return a recorded operation as an expression."""
        a, name, params, shape = self.algebra, node.primitive.name, node.params or {}, node.shape
        if name == "add":
            return a.add(*xs)
        if name == "subtract":
            return a.add(xs[0], a.scaled(xs[1], -1))
        if name == "multiply":
            return a.mul(*xs)
        if name == "divide":
            return a.mul(xs[0], a.power(xs[1], -1))
        if name == "negative":
            return a.scaled(xs[0], -1)
        if name in ("square", "sqrt", "reciprocal"):
            return a.power(xs[0], {"square": 2.0, "sqrt": 0.5, "reciprocal": -1.0}[name])
        if name == "power" and xs[1].op == "number":
            return a.power(xs[0], xs[1].data)
        if name in ("positive", "copy", "cast", "argument", "stop"):
            return xs[0]
        if name in ("matmul", "dot") and all(len(x.shape) == 2 for x in xs):
            return a.matmul(xs[0], xs[1], shape)
        if name == "transpose" and len(shape) == 2 and params.get("axes") in (None, (1, 0), [1, 0]):
            return a.transposed(xs[0])
        if name == "sum":
            axis, n = params.get("axis"), len(xs[0].shape)
            axes = range(n) if axis is None else [i % n for i in (axis if isinstance(axis, tuple) else (axis,))]
            return a.total(xs[0], axes, bool(params.get("keepdims")))
        if name == "broadcast_to":
            return a.broadcast(xs[0], shape)
        if name in ("reshape", "expand_dims", "squeeze"):
            if xs[0].shape == shape:
                return xs[0]
            if xs[0].op in ("number", "broadcast_to") and not a.bare(xs[0]).shape:
                return a.broadcast(a.bare(xs[0]), shape)
            if name != "squeeze" and params.get("order", "C") == "C":
                longer = len(shape) > len(xs[0].shape) and [n for n in shape if n != 1] == [
                    n for n in xs[0].shape if n != 1
                ]
                return self.with_axes(xs[0], shape) if longer else a.call("reshape", (xs[0],), shape, shape=shape)
        if name == "swapaxes" and len(shape) == 2 and {params["axis1"] % 2, params["axis2"] % 2} == {0, 1}:
            return a.transposed(xs[0])
        if name == "where" and not self.plainly and self.guards(node):
            return xs[2]
        if name == "where":
            return a.where(xs[0], xs[1], xs[2], shape)
        if name == "getitem" and len(xs) == 1 and not a.bare(xs[0]).shape and xs[0].op != "name":
            return a.broadcast(a.bare(xs[0]), shape)
        if name == "scatter":
            return a.call("scatter", xs, shape, text=index_text(params["pattern"]), like="")
        if name == "getitem":
            return a.call("index", xs, shape, text=index_text(params["pattern"]))
        if name == "logistic":
            return a.power(a.add(a.number(1), a.call("exp", (a.scaled(xs[0], -1),), shape)), -1)
        if not hasattr(np, name):
            raise Unwritable(name)
        plain = {k: tuple(v) if isinstance(v, list) else v for k, v in params.items()}
        return a.call(name, xs, shape, node.dtype.kind == "b", **plain)


def index_text(pattern: Any) -> str:
    """Return what stands between the brackets of an index, with ``{0}`` for the first array of it.

    >>> from microgradnp.primitives.shapes import Slot
    >>> index_text((slice(1, None), None, Slot(0)))
    '1:, None, {0}'
    """
    if isinstance(pattern, tuple):
        return ", ".join(index_text(p) for p in pattern) or "()"
    if isinstance(pattern, Slot):
        return f"{{{pattern.position}}}"
    if isinstance(pattern, slice):
        start, stop, step = ("" if p is None else str(p) for p in (pattern.start, pattern.stop, pattern.step))
        return f"{start}:{stop}" + (f":{step}" if step else "")
    return "..." if pattern is Ellipsis else str(pattern)


def writable(name: str, environment: Mapping[str, Any]) -> bool:
    """Return whether a name of a graph can be written in the user's function: no ``x@1``, no local of another one."""
    try:
        tree = ast.parse(name, mode="eval").body
    except SyntaxError:
        return False
    while isinstance(tree, ast.Subscript | ast.Attribute):
        if isinstance(tree, ast.Attribute) and not isinstance(environment.get(name.partition(".")[0]), object):
            return False
        tree = tree.value
    return isinstance(tree, ast.Name) and tree.id in environment
