"""The Graph of a function: every value with the call that made it, under the user's own names."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FrameType
from typing import Any

import numpy as np

from microgradnp import tree
from microgradnp.naming import describe, is_engine_file, items_of
from microgradnp.recorders import observer, private
from microgradnp.tape import OFF, TRACE, Leaf, Node, dependent, reachable, recording, reverse_sweep, tick
from microgradnp.tensor import Tensor

Array = Any


class Graph:
    """What a function computed, as a graph.

    Attributes
    ----------
    function : str
        The name of the function.
    inputs : dict of str to Node
        The arrays it was called with, by parameter name (``params["W"]`` inside containers).
    outputs : list of Node
        Its results that are on the graph.
    nodes : list of Node
        Every operation that an output or a named quantity depends on, in the order of recording, inputs
        included, and first the Tensors from outside that the function uses, such as parameters.
    names : dict of str to Node
        Every name, among them those of rebound variables (``x@1``) and of inner functions (``hidden.z``).
    constants : dict of str to object
        The local variables that hold no Tensor: sizes, options, arrays that depend on no input.
    scopes : dict of Node to str
        The functions, called by the traced one, in which a node was computed: ``network.layer (2)``.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> def f(x):
    ...     y = np.sin(x)
    ...     return y * x
    >>> mg.trace(f, 2.0)
    Graph of f(x): 3 nodes
      x = input ()
      y = sin(x) ()
      output = multiply(y, x) ()
    """

    def __init__(
        self,
        function: str,
        inputs: dict[str, Node],
        result: Any,
        names: dict[str, Node],
        constants: dict[str, Any],
        since: int,
    ) -> None:
        self.function = function
        self.inputs = inputs
        self.result = result
        self.constants = constants
        self.scopes: dict[Node, str] = {}
        leaves = [leaf for _, leaf in tree.flatten(result)]
        self.outputs: list[Node] = [y.node for y in leaves if isinstance(y, Tensor) and y.node is not None]
        inner, _ = reachable([*self.outputs, *names.values(), *inputs.values()], since)
        outside = {
            y.node: y._value for y in leaves if isinstance(y, Tensor) and y.node is not None and y.node.order < since
        }
        for node in inner:
            for parent, value in zip(node.parents, node.saved[1:], strict=False):
                if parent is not None and parent.order < since:
                    outside[parent] = value  # noqa: PERF403
        self.outside: dict[Node, Array] = {node: outside[node] for node in sorted(outside, key=lambda node: node.order)}
        self.nodes: list[Node] = [*self.outside, *inner]
        self.names = {name: node for name, node in names.items() if node.order >= since or node in outside}
        self._labels: dict[Node, str] = {}
        for name, node in self.names.items():
            self._labels.setdefault(node, name)

    def label(self, node: Node) -> str | None:
        """Return the name of a node: the user's, or None."""
        return self._labels.get(node) or (node.name if isinstance(node, Leaf) else None)

    def value(self, node: Node | str) -> Array:
        """Return the value of a node or name, as it was computed."""
        if isinstance(node, str):
            if node not in self.names:
                raise KeyError(f"no quantity of {self.function} is called {node!r}; there are {', '.join(self.names)}")
            node = self.names[node]
        return self.outside[node] if node in self.outside else node.saved[0]

    def operands(self, node: Node) -> list[tuple[Node | None, Array]]:
        """Return the operands of a node: (its node or None for a constant, its value)."""
        return list(zip(node.parents, node.saved[1:], strict=True))

    def evaluate(self, output: Node, changes: Mapping[Node, Array]) -> Array:
        """Return the value of `output` when some nodes have other values, by NumPy's own functions.

        Only what depends on the changed nodes is computed again.
        """
        return self.evaluator(output, changes)(*changes.values())

    def evaluator(self, output: Node, changed: Iterable[Node]) -> Callable[..., Array]:
        """Return a function of new values of the `changed` nodes that computes `output` without a tape."""
        changed = list(changed)
        needed = set(reachable([output])[0])
        affected = set(changed)
        program: list[Node] = []
        for node in self.nodes:
            if node in needed and node not in affected and any(p in affected for p in node.parents):
                affected.add(node)
                program.append(node)

        def evaluate(*values: Array) -> Array:
            new: dict[Node | None, Array] = dict(zip(changed, values, strict=True))
            for node in program:
                xs = [new.get(p, x) if p is not None else x for p, x in zip(node.parents, node.saved[1:], strict=True)]
                new[node] = node.primitive.function(*xs, **(node.params or {}))
            return new.get(output, output.saved[0])

        return evaluate

    def gradients(self, output: Node | None = None, cotangent: Array | None = None) -> dict[Node, Array]:
        """Return the gradient of an output with respect to every node of floating point numbers, as arrays.

        Nodes on which the output does not depend are left out.
        """
        output = self.outputs[0] if output is None else output
        needed = set(reachable([output])[0])
        nodes = [node for node in self.nodes if node in needed]
        starts = [n for n in nodes if (not n.parents or n in self.outside) and n.dtype.kind in "fc"]
        floats = dependent(nodes, starts)
        seed = output.dtype.type(1) if not output.shape else np.ones(output.shape, output.dtype)
        kept: dict[Node, Array] = {}
        with recording(OFF):
            seeds = {output: seed if cotangent is None else cotangent} if output in floats else {}
            rest = reverse_sweep(nodes, seeds, targets=self.outside, within=floats, keep=kept)
        return {**rest, **kept}

    def __repr__(self) -> str:
        lines = [f"Graph of {self.function}({', '.join(self.inputs)}): {len(self.nodes)} nodes"]
        temporaries: dict[Node, str] = {}

        def call_it(node: Node | None, value: Array) -> str:
            if node is None:
                return repr(value) if np.ndim(value) == 0 else f"array{np.shape(value)}"
            return self.label(node) or temporaries.setdefault(node, f"t{len(temporaries)}")

        for node in self.nodes:
            name = self.label(node) or ("output" if node in self.outputs else call_it(node, None))
            if node in self.outside:
                lines.append(f"  {name} = outside {node.shape}")
            elif node.parents:
                args = ", ".join(call_it(p, x) for p, x in self.operands(node))
                extra = "".join(f", {k}={v!r}" for k, v in (node.params or {}).items())
                lines.append(f"  {name} = {node.primitive.name}({args}{extra}) {node.shape}")
            else:
                lines.append(f"  {name} = input {node.shape}")
        return "\n".join(lines)


# -- names from the user's frames ----------------------------------------------------------------------------


class Names:
    """Watches a function being traced and learns what it calls its values.

    At every recorded operation the frames between the traced function and the operation are looked at, and
    once more when it has returned: CPython keeps the variables of a frame for as long as somebody holds it.
    """

    def __init__(self, base: FrameType, code: Any) -> None:
        self.base: FrameType | None = base
        self.code = code
        self.frames: dict[FrameType, dict[str, list[Node]]] = {}  # outermost first
        self.given: dict[str, list[Node]] = {}
        self.running: dict[Node, list[FrameType]] = {}  # where each node was computed, the outermost function first

    def __call__(self, node: Node) -> None:
        """Look at the user's frames that are running now."""
        running: list[FrameType] = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame is not self.base:
            if not is_engine_file(frame.f_code.co_filename):
                running.append(frame)
            frame = frame.f_back
        if frame is None:  # another thread's function
            return
        for running_frame in reversed(running):
            self.look(running_frame)
        self.running[node] = running[::-1]

    def scopes(self) -> dict[Node, str]:
        """Return the functions in which each node was computed, ``network.layer (2)``: what a picture shows as layers.

        The traced function itself is left out, and so are comprehensions, which are part of the function around them.
        """
        labels: dict[FrameType, str] = {}
        calls: dict[str, int] = {}
        found: dict[Node, str] = {}
        for node, frames in self.running.items():
            inner = [f for f in frames if f.f_code is not self.code and not f.f_code.co_name.startswith("<")]
            if len(inner) == len(frames):  # the traced function could not be told by its code: it is the outermost
                inner = inner[1:]
            for frame in inner:
                if frame not in labels:
                    name = frame.f_code.co_name
                    calls[name] = calls.get(name, 0) + 1
                    labels[frame] = name if calls[name] == 1 else f"{name} ({calls[name]})"
            if inner:
                found[node] = ".".join(labels[frame] for frame in inner)
        return found

    def look(self, frame: FrameType) -> None:
        """Note what each variable of a frame holds, if it is not what it held before."""
        bindings = self.frames.setdefault(frame, {})
        for name, value in list(frame.f_locals.items()):
            if isinstance(value, Tensor) and value.node is not None and not name.startswith("."):
                history = bindings.setdefault(name, [])
                if not history or history[-1] is not value.node:
                    history.append(value.node)

    def collected(self) -> tuple[dict[str, Node], dict[str, Any]]:
        """Return name -> node, best names first, and the plain local variables of the traced function."""
        for frame in list(self.frames):
            self.look(frame)
        names: dict[str, Node] = {}
        add(names, self.given, "")
        if not self.frames:
            return names, {}
        main = next((frame for frame in self.frames if frame.f_code is self.code), next(iter(self.frames)))
        inner = [frame for frame in self.frames if frame is not main]
        add(names, self.frames[main], "")
        for name, holder in list(main.f_locals.items()):
            for path, node in nested(name, holder):
                names.setdefault(path, node)
        inner_names: dict[str, list[tuple[str, Node]]] = {}
        for frame in inner:
            where = frame.f_code.co_name
            for name, history in self.frames[frame].items():
                new = [(where, node) for node in history if names.get(name) is not node]
                if new:
                    inner_names.setdefault(name, []).extend(new)
        for name, found in inner_names.items():
            if name not in names and len({node for _, node in found}) == 1:
                names[name] = found[0][1]
                continue
            by_function: dict[str, dict[Node, None]] = {}  # ordered sets
            for where, node in found:
                by_function.setdefault(where, {})[node] = None
            for where, nodes in by_function.items():
                add(names, {name: list(nodes)}, f"{where.strip('<>')}.")
        for frame in inner:  # attributes and containers that only a method sees: self.hidden
            for name, holder in list(frame.f_locals.items()):
                if isinstance(holder, Tensor):
                    continue
                for path, node in nested(name, holder):
                    names.setdefault(path, node)
        for code, scope in {frame.f_code: frame.f_globals for frame in (main, *inner)}.items():
            for name in code.co_names:  # Tensors and models that the functions use as globals
                for path, node in nested(name, scope.get(name)):
                    names.setdefault(path, node)
        plain = {
            name: value
            for name, value in main.f_locals.items()
            if not (isinstance(value, Tensor) and value.node is not None) and name not in names
        }
        return names, {name: without_tensors(value, [5000]) for name, value in plain.items()}

    def forget(self) -> None:
        """Let go of the frames: one of them holds this object, which makes a cycle."""
        self.base = None
        self.frames.clear()
        self.running.clear()


def code_of(f: Any) -> Any:
    """Return the code of a function, beneath decorators and partial applications, or of a callable object."""
    for _ in range(100):
        inner = getattr(f, "__wrapped__", None) or (f.func if isinstance(f, functools.partial) else None)
        if inner is None:
            break
        f = inner
    f = f if hasattr(f, "__code__") else getattr(type(f), "__call__", f)  # noqa: B004  (its code is wanted)
    return getattr(f, "__code__", None)


def without_tensors(x: Any, budget: list[int], depth: int = 4) -> Any:
    """Return the value of a Tensor, also inside containers, as far as the budget reaches; else x itself."""
    if isinstance(x, Tensor):
        return x.data
    items = tree.children(x) if depth else None
    if items is None or len(items) > budget[0]:
        return x
    budget[0] -= len(items)
    new = [without_tensors(item, budget, depth - 1) for _, item in items]
    return x if all(a is b for a, (_, b) in zip(new, items, strict=True)) else tree.rebuilt(x, new)


def add(names: dict[str, Node], bindings: dict[str, list[Node]], prefix: str) -> None:
    """Add variables with their histories: the last value has the name, the first is ``name@1``."""
    for name, history in bindings.items():
        names.setdefault(prefix + name, history[-1])
    for name, history in bindings.items():
        for k, node in enumerate(history[:-1], 1):
            names.setdefault(f"{prefix}{name}@{k}", node)


def nested(path: str, holder: Any, depth: int = 3, budget: int = 5000) -> list[tuple[str, Node]]:
    """Return the nodes of Tensors in a variable, or in its containers and objects, with their paths.

    Breadth first, down to a depth, and no more than `budget` items: a table of a million numbers holds no
    names.
    """
    found: list[tuple[str, Node]] = []
    level = [(path, holder)]
    for _ in range(depth + 1):
        below: list[tuple[str, Any]] = []
        for where, item in level:
            if isinstance(item, Tensor):
                if item.node is not None:
                    found.append((where, item.node))
            elif len(below) < budget:
                below.extend((where + step, child) for step, child in items_of(item))
        level = below
    return found


# -- tracing -------------------------------------------------------------------------------------------------


def trace(f: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Graph:
    """Run a function and return the graph of what it computed.

    Parameters
    ----------
    f : callable
        NumPy code.
    *args, **kwargs
        Its arguments. Arrays and floats, also inside lists, tuples, dicts and dataclasses, become inputs of
        the graph; integers, strings and other objects stay what they are.

    Returns
    -------
    Graph
    """
    since = tick()
    if not callable(f):
        raise TypeError(f"mg.trace wants a function and its arguments, but got {describe(f)}")
    names = parameter_paths(f, args, kwargs)
    inputs: dict[str, Node] = {}

    def enter(path: str, leaf: Any) -> Any:
        made = input_tensor(leaf, path)
        if isinstance(made, Tensor) and made.node is not None:
            inputs[path] = made.node
        return made

    def entered(path: str, arg: Any) -> Any:
        arg = numbers_to_array(arg)
        paths = iter([path + step for step, _ in tree.flatten(arg)])
        return tree.replaced(lambda leaf: enter(next(paths), leaf), arg)

    new_args = [entered(name, arg) for name, arg in zip(names, args, strict=False)]
    new_kwargs = {name: entered(name, arg) for name, arg in kwargs.items()}
    watcher = Names(sys._getframe(), code_of(f))
    token = observer.set(watcher)
    try:
        with recording(TRACE):
            result = f(*new_args, **new_kwargs)
        found, constants = watcher.collected()
        scopes = watcher.scopes()
    finally:
        observer.reset(token)
        watcher.forget()
    given = set(found.values())
    for path, node in inputs.items():
        if node not in given:  # a lambda that recorded nothing, or an input inside a container
            found.setdefault(path, node)
    graph = Graph(getattr(f, "__name__", type(f).__name__), inputs, result, found, constants, since)
    graph.scopes = scopes
    return graph


def name(value: Any, label: str) -> Any:
    """Name a value that no variable holds, and return it. Plain arrays pass through.

    Parameters
    ----------
    value : Tensor or anything else
    label : str
        Shown in pictures, formulas, verdicts and messages.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> def f(x):
    ...     return np.sin(mg.name(x * x, "square"))
    >>> "square" in mg.trace(f, 1.0).names
    True
    """
    if isinstance(value, Tensor):
        watcher = observer.get()
        if value.node is not None and isinstance(watcher, Names):
            history = watcher.given.setdefault(label, [])
            if value.node not in history:
                history.append(value.node)
        else:
            value.name = label
    return value


def numbers_to_array(arg: Any) -> Any:
    """Return nested lists of plain numbers as an array; anything else as it is."""
    if isinstance(arg, list):
        stack, seen = list(arg), False
        while stack:
            item = stack.pop()
            if isinstance(item, list):
                stack.extend(item)
            elif isinstance(item, int | float):
                seen = True
            else:
                return arg
        if seen:
            return np.asarray(arg)
    return arg


def input_tensor(leaf: Any, path: str) -> Any:
    """Return an argument as an input of a graph, if it is an array or a float."""
    if isinstance(leaf, Tensor):
        value = leaf._value
    elif isinstance(leaf, float | complex) or (isinstance(leaf, np.generic) and leaf.dtype.kind in "fc"):
        value = np.asarray(leaf)[()]
    elif isinstance(leaf, np.ndarray) and leaf.dtype.kind in "biufc" and not isinstance(leaf, np.ma.MaskedArray):
        value = private(np.asarray(leaf))
        value = value[()] if not value.ndim else value
    else:
        return leaf
    return Tensor(value, Leaf(value, path, argument=True))


def parameter_paths(f: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[str]:
    """Return what the function calls its positional arguments."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (ValueError, TypeError):
        return [f"x{i}" for i in range(len(args))]
    paths: list[str] = []
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            paths += [f"{p.name}[{i}]" for i in range(len(args) - len(paths))]
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.name not in kwargs:
            paths.append(p.name)
    return paths + [f"x{i}" for i in range(len(paths), len(args))]
