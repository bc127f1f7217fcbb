"""Debugging: the first number that is not finite, values that changed, and units that do nothing.

Under `debug` every recorded operation keeps its operands and the place in the user's code where it was written; results
and gradients are looked at as they are made. Nothing of this costs anything while it is off: the mode DEBUG stands in the
place of RECORD, and the fast recorders, which ask for the mode anyway, leave the call to the general path.
"""

from __future__ import annotations

import atexit
import functools
import linecache
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType, TracebackType
from typing import Any

import numpy as np

from microgradnp import explain
from microgradnp.floating import cause_of, entries, first, is_logistic, logarithm_of
from microgradnp.naming import NUMPY_ROOT, OUR_ROOT, describe, is_engine_file
from microgradnp.primitives.primitive import Primitive
from microgradnp.tape import (
    WATCHES,
    Leaf,
    Lift,
    Node,
    pass_on,
    reachable,
    resume,
    reverse_sweep,
    watching,
)

Array = Any

#: A unit is saturated where its derivative is less than this part of the largest one.
FLAT = 1e-3

EXP = "mg.logistic, mg.softmax or mg.logsumexp where it is part of one"
ADVICE = {"exp": EXP, "expm1": EXP, "cosh": "np.logaddexp(x, -x) - np.log(2) for its logarithm"}
GUARD = "guard the argument as well, np.f(np.where(ok, x, 1.0)): np.where alone takes 0 times the infinite derivative"


# -- places in the user's code ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Where in the user's code an operation was written.

    Attributes
    ----------
    code : CodeType
        Of the function that holds it.
    instruction : int
        Its offset there.
    """

    code: CodeType
    instruction: int

    @property
    def filename(self) -> str:
        """The file."""
        return self.code.co_filename

    @functools.cached_property
    def span(self) -> tuple[int | None, ...]:
        """First line, last line, first column and last column (in bytes)."""
        positions = list(self.code.co_positions())
        i = self.instruction // 2
        return positions[i] if 0 <= i < len(positions) else (None,) * 4

    @property
    def line(self) -> int:
        """The number of the line."""
        return self.span[0] or self.code.co_firstlineno

    @property
    def expression(self) -> str:
        """The operation as the user wrote it; empty where there is no source."""
        start, end, left, right = self.span
        if start is None or end is None or left is None or right is None:
            return ""
        lines = [linecache.getline(self.filename, n).encode() for n in range(start, end + 1)]
        if not lines[0].strip():
            return ""
        lines[-1] = lines[-1][:right]
        lines[0] = lines[0][left:]
        text = " ".join(b" ".join(lines).decode(errors="replace").split())
        return text if len(text) <= 90 else text[:87] + "..."

    def __str__(self) -> str:
        name = self.code.co_name
        where = f"line {self.line} of {os.path.basename(self.filename)}" + (f", in {name}" if name[0] != "<" else "")
        return f"`{self.expression}` ({where})" if self.expression else where


def place_here() -> Place | None:
    """Return the place in the user's code that is running now: outside of NumPy and of this package, if there is one."""
    frame: FrameType | None = sys._getframe(1)
    inside: FrameType | None = None
    while frame is not None:
        filename = frame.f_code.co_filename
        if not is_engine_file(filename):
            if not filename.startswith((OUR_ROOT, NUMPY_ROOT)):
                return Place(frame.f_code, frame.f_lasti)
            inside = inside or frame
        frame = frame.f_back
    return None if inside is None else Place(inside.f_code, inside.f_lasti)


class Placed(Node):
    """A Node that knows its place."""

    __slots__ = ("place",)

    place: Place | None


def place_of(node: Node) -> str:
    """Return where a node was recorded, for a message; empty where that is not known."""
    place = getattr(node, "place", None)
    return f" {place}" if place is not None else ""


# -- what is not finite ----------------------------------------------------------------------------------------


class NotFinite(FloatingPointError):
    """The first nan or inf of a computation, or of its gradient.

    Attributes
    ----------
    operation : str
        NumPy's name of the operation, "" for a value that was given.
    entries : ndarray of bool
        Where its result, or the gradient, is not finite.
    backward : bool
        Whether it is in a derivative.
    place : Place or None
        Where the operation stands in the user's code: ``.filename``, ``.line``, ``.expression``.
    """

    def __init__(self, message: str, operation: str, entries: Array, backward: bool, place: Place | None) -> None:
        super().__init__(message)
        self.operation, self.entries, self.backward, self.place = operation, entries, backward, place


@dataclass
class Units:
    """The units of one activation, over all calls.

    Attributes
    ----------
    kind : str
        ``relu``, ``logistic`` or ``tanh``.
    what : str
        The place, and the parameter that feeds it.
    calls, values : int
        How often it was computed, and how many numbers that were.
    idle : int
        How many of them passed no gradient to speak of: not positive, or saturated.
    alive : ndarray of bool
        For each unit whether any of its values passed a gradient.
    """

    kind: str
    what: str
    alive: Array
    calls: int = 0
    values: int = 0
    idle: int = 0

    @property
    def stuck(self) -> list[int]:
        """The units that never passed a gradient."""
        return [int(i) for i in np.flatnonzero(~self.alive)]

    def __str__(self) -> str:
        stuck, count = self.stuck, self.alive.size
        calls = f"{self.calls} call" + ("s" if self.calls > 1 else "")
        said = "never positive" if self.kind == "relu" else f"saturated every time ({self.kind})"
        which = ", ".join(map(str, stuck[:12])) + (", ..." if len(stuck) > 12 else "")
        text = f"{len(stuck)} of {count} units {said} in {calls}" + (
            f": unit{'s'[: len(stuck) > 1]} {which}" if stuck else ""
        )
        share = f"{100 * self.idle / self.values:.3g} % of all values {'not positive' if self.kind == 'relu' else 'saturated'}"
        return f"{self.what}: {text}; {share}"


@dataclass
class Watch:
    """What `debug` saw in one block.

    Attributes
    ----------
    infinities : bool
        Whether an infinity is an error, too.
    axis : int or None
        The axis of the units; None: the last one, of four axes (images) the second.
    units : dict
        The activations that were computed.
    operations : int
        How many were recorded.
    """

    infinities: bool = True
    axis: int | None = None
    units: dict[Any, Units] = field(default_factory=dict)
    operations: int = 0
    changes: dict[Leaf, Place | None] = field(default_factory=dict)
    ruling: list[Node] = field(default_factory=list)  # whose rules run now: what they make on the way is theirs

    # -- forward ---------------------------------------------------------------------------------------------------

    def new_node(self) -> Node:
        """Return an empty node that knows where it is made."""
        node = Placed()
        node.place = getattr(self.ruling[-1], "place", None) if self.ruling else place_here()
        return node

    def computed(
        self, primitive: Primitive, inputs: Sequence[Any], values: Sequence[Any], y: Array, node: Node | None = None
    ) -> None:
        """Look at the result of an operation."""
        if self.ruling:
            return
        self.operations += 1
        bad = self.bad(y)
        if bad is not None and (np.isnan(y).any() or not any(infinite(x) for x in values)):
            raise self.trouble(primitive, inputs, values, y, bad, node)
        if node is not None:
            self.count(primitive, values, y, node)

    def bad(self, y: Array) -> Array | None:
        """Return where an array is not finite, None where it may stay as it is."""
        y = np.asarray(getattr(y, "_value", y))
        if y.dtype.kind not in "fc":
            return None
        mask = ~np.isfinite(y) if self.infinities else np.isnan(y)
        return mask if mask.any() else None

    def trouble(
        self,
        primitive: Primitive,
        inputs: Sequence[Any],
        values: Sequence[Any],
        y: Array,
        bad: Array,
        node: Node | None,
    ) -> NotFinite:
        """Return the error for an operation whose result is not finite."""
        place = getattr(node, "place", None) or place_here()
        where = f"{place}: " if place else ""
        name, mask = primitive.name, np.isnan(y) if np.isnan(y).any() else bad
        found = number(np.asarray(y)[tuple(first(mask))] if np.ndim(y) else y)
        for x, value in zip(inputs, values, strict=True):
            given = self.bad(value) if np.isnan(y).any() else None
            if given is not None and np.isnan(value).any():
                given = np.isnan(value)
                return NotFinite(
                    f"{where}{describe(x)}, an operand of {name}, holds nan already{entries(given)}: it was so when it was "
                    "given. Look at where it comes from",
                    "",
                    given,
                    False,
                    place,
                )
        made = f"the result of {name}, of shape {y.shape}," if np.ndim(y) else f"the result of {name}"
        text = f"{where}{cause_of(name, y, values)}: {made} is {found}{entries(mask)}"
        at = (
            values_at(inputs, values, mask)
            if primitive.elementwise
            else [describe(x) for x in inputs[:3] if np.ndim(x)]
        )
        text += f", where {' and '.join(at)}" if at and primitive.elementwise else f", of {', '.join(at)}" if at else ""
        if np.isnan(y).any() and any(infinite(v) for v in values):
            text += "; the inf was there before"
        advice = logarithm_of(node.parents[0]) if name == "log" and node is not None else ADVICE.get(name, "")
        text += f"; use {advice}" if advice else ""
        if not np.isnan(y).any():
            text += "; if the infinity is meant, mg.debug(infinities=False) waits for a nan"
        return NotFinite(text, name, mask, False, place)

    # -- backward --------------------------------------------------------------------------------------------------

    def sweep(self, root: Node, g: Array, free: bool) -> dict[Node, Array]:
        """Carry arrays back from one node, as `tape.sweep_arrays` does."""
        nodes, _ = reachable([root])
        gradients = reverse_sweep(nodes, {root: g}, free=free)
        for node in nodes:
            if not node.parents:
                gradients.setdefault(node, None)
        return gradients

    def pass_on(
        self,
        g: Array,
        node: Node,
        gradients: dict[Node, Array],
        within: set[Node] | None = None,
        lift: Lift | None = None,
    ) -> None:
        """Add what the gradient of one node contributes to those of its operands, and look at it."""
        self.check_unchanged(node)
        if (bad := self.bad(g)) is not None:
            raise self.given(g, node, bad)
        contributions: dict[Node, Array] = {}
        self.ruling.append(node)
        try:
            pass_on(g, node, contributions, within, lift)
        except Exception as error:
            raise at_place(error, node) from error
        finally:
            self.ruling.pop()
        for parent, d in contributions.items():
            if (bad := self.bad(d)) is not None:
                raise self.wrong_slope(g, node, parent, d, bad, "gradient")
            gradients[parent] = gradients[parent] + d if parent in gradients else d

    def push(self, node: Node, dxs: Sequence[Array | None], y: Array, xs: Sequence[Array]) -> Array:
        """Carry tangents through a node, and look at the result."""
        self.ruling.append(node)
        try:
            dy = node.primitive.push(dxs, y, xs, node.params or {})
        except Exception as error:
            raise at_place(error, node) from error
        finally:
            self.ruling.pop()
        if dy is not None and (bad := self.bad(dy)) is not None and all(self.bad(dx) is None for dx in dxs):
            raise self.wrong_slope(None, node, node.parents[0], dy, bad, "tangent")
        return dy

    def given(self, g: Array, node: Node, bad: Array) -> NotFinite:
        """Return the error for a gradient that is not finite though all that it is a sum of is."""
        found = number(np.asarray(getattr(g, "_value", g))[tuple(first(bad))])
        return NotFinite(
            f"{place_of(node).strip() or 'the result of ' + node.primitive.name}: the gradient that arrives at "
            f"{node.primitive.name}, of shape {node.shape}, is {found}{entries(bad)}: it was given so to backward, or is a "
            "sum that overflows",
            node.primitive.name,
            bad,
            True,
            getattr(node, "place", None),
        )

    def wrong_slope(
        self, g: Array | None, node: Node, parent: Node | None, d: Array, bad: Array, kind: str
    ) -> NotFinite:
        """Return the error for a derivative that is not finite where its gradient, or tangent, still is."""
        place = getattr(node, "place", None)
        name = node.primitive.name
        d = np.asarray(getattr(d, "_value", d))
        found = number(d[tuple(first(bad))])
        who = called(parent) if parent is not None else ""
        text = (f"{place}: " if place else "") + f"the derivative of {name} is not finite: the {kind} "
        text += f"with respect to {who or 'its operand'} of shape {d.shape} is {found}{entries(bad)}"
        at = []
        for operand, value in zip(node.parents, map(plain, node.saved[1:]), strict=False):
            if value is not None and value.shape == bad.shape:
                is_called = called(operand) if operand is not None else "the constant"
                at.append(f"{is_called or 'its operand'} is {number(value[tuple(first(bad))])}")
        text += f", where {' and '.join(at)}" if at else ""
        slope = plain(g)
        if found == "nan" and slope is not None and slope.shape == bad.shape and np.any(np.equal(slope, 0) & bad):
            return NotFinite(f"{text}; the gradient that arrives there is 0: {GUARD}", name, bad, True, place)
        return NotFinite(text, name, bad, True, place)

    # -- changes ---------------------------------------------------------------------------------------------------

    def changed(self, leaf: Leaf) -> None:
        """Note where a leaf gets another value."""
        self.changes[leaf] = place_here()

    def check_unchanged(self, node: Node) -> None:
        """Raise if a rule of this node would read a leaf's value that was changed since it was recorded."""
        leaves = [p for p in node.parents if isinstance(p, Leaf) and p.changed > node.order]
        if leaves and isinstance(node.saved, tuple):
            keep = node.primitive.keeps(tuple(p is not None for p in node.parents))
            for i, parent in enumerate(node.parents, 1):
                if parent in leaves and keep[min(i, len(keep) - 1)]:
                    assert isinstance(parent, Leaf)
                    lines = f". It was recorded in{place_of(node)}" if place_of(node) else ""
                    if self.changes.get(parent):
                        lines += f"{'.' if not lines else ''} and changed in {self.changes[parent]}"
                    raise RuntimeError(f"{explain.changed(parent, node)}{lines}")

    # -- units -----------------------------------------------------------------------------------------------------

    def count(self, primitive: Primitive, values: Sequence[Any], y: Array, node: Node) -> None:
        """Count the values of an activation that pass no gradient."""
        kind = activation(primitive, values, node)
        if kind is None or not y.size or y.dtype.kind != "f":
            return
        y = np.atleast_1d(y)
        if kind == "relu":
            passes = y > 0
        elif kind == "tanh":
            passes = 1 - y * y >= FLAT
        else:
            passes = 4 * y * (1 - y) >= FLAT
        axis = self.axis if self.axis is not None else 1 if y.ndim == 4 else -1
        axis = axis % y.ndim if -y.ndim <= axis < y.ndim else -1
        alive = passes.any(axis=tuple(i for i in range(y.ndim) if i != axis % y.ndim))
        place, feeding = getattr(node, "place", None), feeds(node)
        key = (place, kind, alive.size, (feeding.name or feeding) if feeding is not None else None)
        units = self.units.get(key)
        if units is None:
            name = called(feeding) if feeding is not None else ""
            before = sum(other[:2] == key[:2] for other in self.units)  # layers of one line, or of a model called there
            what = f"{place or primitive.name}" + (
                f" after {name}" if name else f", number {before + 1}" if before else ""
            )
            units = self.units[key] = Units(kind, what, alive)
        units.alive = units.alive | alive
        units.calls += 1
        units.values += y.size
        units.idle += int(y.size - np.count_nonzero(passes))

    def report(self) -> str:
        """Return what was seen, as text: dead and saturated units, by activation."""
        dead = sum(len(u.stuck) for u in self.units.values() if u.kind == "relu")
        flat = sum(len(u.stuck) for u in self.units.values() if u.kind != "relu")
        head = f"mg.debug: {self.operations} operations, {dead} dead and {flat} saturated units"
        return "\n".join([head, *(f"  {units}" for units in self.units.values())])

    @property
    def notable(self) -> bool:
        """Whether any unit is stuck, or any value of a logistic or tanh saturated."""
        return any(u.stuck or (u.kind != "relu" and u.idle) for u in self.units.values())


def infinite(x: Any) -> bool:
    """Return whether an operand holds an infinity or nan."""
    x = np.asarray(getattr(x, "_value", x))
    return x.dtype.kind in "fc" and not np.isfinite(x).all()


def plain(value: Any) -> Array | None:
    """Return what a node kept of a value as an array, if it kept it."""
    value = getattr(value, "_value", value)
    return np.asarray(value) if isinstance(value, np.ndarray | np.generic | float | int) else None


def number(x: Any) -> str:
    """Return a number in few digits."""
    return f"{x:.4g}"


def values_at(inputs: Sequence[Any], values: Sequence[Any], mask: Array) -> list[str]:
    """Return what the operands of an elementwise operation are at the first of some entries."""
    found = []
    for x, value in zip(inputs, values, strict=True):
        value = np.asarray(value)
        if value.ndim or hasattr(x, "node"):
            here = np.broadcast_to(value, mask.shape)[tuple(first(mask))] if mask.ndim else value[()]
            found.append(f"{describe(x)} is {number(here)}")
    return found


def called(node: Node) -> str:
    """Return what the user calls the Tensor of a node, in backticks; or how it was written."""
    name = (node.name if isinstance(node, Leaf) else None) or explain.owner_of(node)
    if name:
        return f"`{name}`"
    place = getattr(node, "place", None)
    return f"`{place.expression}`" if place is not None and place.expression else ""


def at_place(error: Exception, node: Node) -> Exception:
    """Return an error raised in a rule with the place of the operation that the rule belongs to."""
    if not place_of(node) or isinstance(error, NotFinite):
        return error
    note = f"in the derivative of{place_of(node)}"
    if type(error) in (ValueError, TypeError, RuntimeError, IndexError, NotImplementedError):
        return type(error)(f"{error} [{note}]")
    error.add_note(note)
    return error


def activation(primitive: Primitive, values: Sequence[Any], node: Node) -> str | None:
    """Return which activation an operation is: relu, logistic, tanh, in whatever form it was written; or None."""
    name = primitive.name
    if name in ("relu", "logistic", "tanh"):
        return name
    if name == "maximum" and any(
        p is None and np.ndim(v) == 0 and v == 0 for p, v in zip(node.parents, values, strict=True)
    ):
        return "relu"
    if name == "where" and len(values) == 3 and node.parents[2] is None and np.all(np.equal(values[2], 0)):
        return "relu"
    return "logistic" if name == "divide" and is_logistic(node) else None


def feeds(node: Node) -> Leaf | None:
    """Return the parameter that feeds an activation: the nearest leaf before it."""
    level: Iterable[Node | None] = node.parents
    for _ in range(4):
        nodes = [n for n in level if n is not None]
        for n in nodes:
            if isinstance(n, Leaf):
                return n
        level = [p for n in nodes for p in n.parents[::-1]]  # of X @ W + b the last
    return None


# -- the public face -------------------------------------------------------------------------------------------


class debug:
    """A context in which the first nan or inf is named, and units that do nothing are counted. For this thread.

    Under it an operation, or a derivative, that makes a nan or inf of finite numbers raises `NotFinite`, a
    FloatingPointError that names the operation, the variables, shapes, entries, and the line where it is written. A
    gradient that needs a value which was changed since is refused with both lines, and errors of the engine on the way back
    name the line of the operation. At the end the units that never passed a gradient are printed (to stderr), if there are any:
    relus that were never positive, logistic and tanh units whose derivative was less than 1/1000 of the largest one.

    Parameters
    ----------
    infinities : bool
        Whether an infinity is an error. False: only a nan is, as where ``1 / (1 + np.exp(-z))`` overflows on purpose.
    axis : int, optional
        The axis of the units of an activation. Default: the last one, and of images (n, channels, height, width) the channels.
    quiet : bool
        Print nothing at the end; `report` gives the text all the same.

    Notes
    -----
    An infinity or nan in an operand is no fault of an operation that hands on an infinity (a mask of ``-np.inf``), and is
    named where a nan comes out. What is traced (`mg.trace`, verdicts) is not looked at: it is not computed to be used.
    It is also a decorator, and ``d = mg.debug().start()`` switches it on until ``d.stop()`` or the end of the program.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> P = mg.tensor([[0.5, 0.0]], requires_grad=True)
    >>> with mg.debug(), np.errstate(all="ignore"):
    ...     loss = -np.sum(np.log(P))
    Traceback (most recent call last):
        ...
    microgradnp.debugging.NotFinite: `np.log(P)` (line 2 of <doctest ...>): log(0): the result of log, of shape (1, 2), is
    -inf at 1 of 2 entries, first at [0, 1], where `P` of shape (1, 2) is 0; if the infinity is meant, ...
    """

    def __init__(self, *, infinities: bool = True, axis: int | None = None, quiet: bool = False) -> None:
        if axis is not None and (isinstance(axis, bool) or not isinstance(axis, int | np.integer)):
            raise TypeError(f"mg.debug(axis={axis!r:.60}): the axis of the units must be a whole number, or None")
        self.options = {"infinities": infinities, "axis": axis}
        self.quiet = quiet
        self.entered: list[Watch] = []
        self.watch = Watch(infinities, axis)

    def __enter__(self) -> debug:
        self.watch = Watch(**self.options)  # type: ignore[arg-type]
        self.entered.append(self.watch)
        WATCHES.append(self.watch)
        watching.set((*watching.get(), self.watch))
        resume()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self.entered:
            return
        watch = self.entered.pop()
        watching.set(tuple(w for w in watching.get() if w is not watch))
        WATCHES[:] = [w for w in WATCHES if w is not watch]
        resume()
        if error is None and not self.quiet and watch.notable:
            print(watch.report(), file=sys.stderr)

    def start(self) -> debug:
        """Switch it on until `stop`, or until the program ends."""
        atexit.register(self.stop)
        return self.__enter__()

    def stop(self) -> None:
        """Switch off what `start` switched on, and print what it found."""
        atexit.unregister(self.stop)
        self.__exit__(None, None, None)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that runs in such a context (a decorator)."""

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with debug(quiet=self.quiet, **self.options):  # type: ignore[arg-type]
                return function(*args, **kwargs)

        return run

    @property
    def units(self) -> list[Units]:
        """The activations that were computed, with their dead or saturated units."""
        return list(self.watch.units.values())

    def report(self) -> str:
        """Return what was seen so far, as text."""
        return self.watch.report()
