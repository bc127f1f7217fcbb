"""What is known of a Tensor's computation or of a Graph, in the one form that pictures are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from microgradnp.draw.diagram import Note
from microgradnp.draw.notation import number
from microgradnp.graph import Graph
from microgradnp.naming import items_of, user_frames
from microgradnp.tape import FREED, Known, Leaf, Node, reachable
from microgradnp.tensor import Tensor

Array = Any

#: Names by which parameters usually go: W, Wh, w_1, wRec, b, bo, U, V, weights, theta, gamma, params[...].
PARAMETERS = re.compile(
    r"""(?: W\w{0,3} | w(?:[hioxyz\d]\d*|[A-Z]\w{0,4})? | [UV][a-z]{0,2}\d*
          | b(?:[hioxyz\d]\d*|[hi][hio]|[A-Z]\w{0,4})? ) (?:_\w+)?
        | (?:weight|bias|param|theta|beta|gamma|kernel)\w*""",
    re.VERBOSE,
)
SMALL = 3  # elements of a constant that is written into the operation


class Record:
    """A graph as pictures see it.

    Attributes
    ----------
    title : str
    nodes : sequence of Node
        Operands before results; arrays that are operands but on no graph are inputs among them.
    names : dict of Node to str
    pinned : set of Node
        What has to be shown.
    outputs, parameters : set of Node
    notes, scopes, values, gradients : mapping of Node
        Notes, dotted names of layers, arrays, and arrays.
    captions : list of str
    """

    def __init__(self, title: str, nodes: Sequence[Node], outputs: Iterable[Node], names: Mapping[Node, str]) -> None:
        self.title = title
        self.nodes = nodes
        self.outputs = set(outputs)
        self.pinned = set(self.outputs)
        self.names = dict(names)
        self.parameters: set[Node] = set()
        self.notes: dict[Node, Note] = {}
        self.scopes: Mapping[Node, str] = {}
        self.values: dict[Node, Array] = {}
        self.gradients: dict[Node, Array] = {}
        self.captions: list[str] = []
        self._constants: dict[Node, dict[int, Leaf]] = {}
        self._stand_ins: dict[Node, Node] = {}
        self._unnamed: set[Node] = set()
        self._arrays: Mapping[str, Array] = {}

    def operands(self, node: Node) -> list[Node | str]:
        """Return what a node was computed from; text for a number."""
        arrays = self._constants.get(node, {})
        found: list[Node | str] = []
        for i, parent in enumerate(node.parents):
            if parent is not None:
                found.append(self._stand_ins.get(parent, parent))
            elif i in arrays:
                found.append(arrays[i])
            else:
                value = None if node.saved is FREED else node.saved[1 + i]
                found.append("const" if value is None or isinstance(value, Known) else number(value))
        return found

    def sources(self, node: Node) -> list[Node]:
        """Return the nodes among the operands."""
        found = [parent for parent in node.parents if parent is not None]
        if self._stand_ins:
            found = [self._stand_ins.get(parent, parent) for parent in found]
        if node in self._constants:
            found += self._constants[node].values()
        return found

    def begin_at(self, nodes: Mapping[Node, Array]) -> None:
        """Take results of operations, with these values, for inputs: the picture goes no further back."""
        made = {node: Leaf(value) for node, value in nodes.items() if node.parents}
        self.nodes = [made.get(node, node) for node in self.nodes]
        self._stand_ins.update(made)
        tables: list[dict[Node, Any]] = [self.names, self.values, self.gradients, self.notes]
        for known in tables:
            known.update({made[node]: known[node] for node in made if node in known})

    def adopt_constants(self, arrays: Mapping[str, Array]) -> None:
        """Make arrays that are operands, but on no graph, inputs like any other. `arrays` may name them."""
        self._arrays = arrays
        known: dict[int, Leaf] = {}
        nodes: list[Node] = []
        for node in self.nodes:
            if None in node.parents and node.saved is not FREED:
                for i, (parent, value) in enumerate(zip(node.parents, node.saved[1:], strict=False)):
                    if parent is None and isinstance(value, np.ndarray | Known) and value.size > SMALL:
                        leaf = known.get(id(value))
                        if leaf is None:
                            leaf = known[id(value)] = Leaf(value)
                            self.values[leaf] = value
                            self._unnamed.add(leaf)
                            nodes.append(leaf)
                        self._constants.setdefault(node, {})[i] = leaf
            nodes.append(node)
        self.nodes = nodes

    def name_constants(self, shown: Iterable[Node]) -> dict[Node, Node]:
        """Name the constants that are shown. Return those that are another one once more, with that one.

        A graph keeps copies of arrays that could change, so equal contents tell which variable it was, where
        only one has them.
        """
        first: dict[str, Node] = {}
        again: dict[Node, Node] = {}
        for leaf in shown:
            if leaf in self._unnamed and (name := name_among(self._arrays, leaf.saved[0])):
                self.names[leaf] = name
                if first.setdefault(name, leaf) is not leaf:
                    again[leaf] = first[name]
        return again

    def choose_parameters(self, wanted: Iterable[str]) -> None:
        """Take the inputs of these names for parameters, and no others."""
        wanted = [wanted] if isinstance(wanted, str) else list(wanted)
        inputs = {name: node for node, name in self.names.items() if not node.parents}
        unknown = [name for name in wanted if name not in inputs]
        if unknown:
            known = ", ".join(map(repr, inputs))
            raise ValueError(f"parameters={wanted!r}: {self.title} has no input {unknown[0]!r}, only {known}")
        self.parameters = {inputs[name] for name in wanted}


def read(x: Any) -> Record:
    """Return what is known of something that can be drawn, or raise TypeError for what cannot."""
    if isinstance(x, Tensor):
        return read_tensor(x)
    if isinstance(x, Graph):
        return read_graph(x, {})
    if hasattr(x, "__graph__") and not isinstance(x, type):
        graph, notes = x.__graph__()
        return read_graph(graph, notes)
    if isinstance(x, np.ndarray | np.generic | int | float | complex):
        what = f"an array of shape {x.shape}" if isinstance(x, np.ndarray) else f"the number {x}"
        why = "it does not remember how it was computed. Draw the Tensor that a computation gave, or trace it"
    elif callable(x):
        what = f"the function {getattr(x, '__name__', type(x).__name__)}"
        why = "it has to run on arguments first"
    else:
        what, why = f"an object of type {type(x).__name__}", "it holds no graph. Trace a function"
    raise TypeError(
        f"mg.draw cannot draw {what}: {why}: mg.draw(mg.trace(f, *arguments)). "
        "It draws a Tensor, a Graph, a Derivation, or a report"
    )


def read_tensor(x: Tensor) -> Record:
    """Return what is known of the computation of a Tensor: values only of leaves and of itself."""
    by_variable, arrays = variables()
    if x.node is None:
        name = name_among(arrays, x._value)
        what = f"`{name}`" if name else "the tensor"
        raise ValueError(
            f"{what} of shape {x.shape} is on no graph: it depends on nothing that "
            "requires a gradient. Make its inputs with mg.tensor(..., requires_grad=True), or draw "
            "mg.trace(f, *arguments), which records everything"
        )
    nodes, _ = reachable([x.node])
    names = names_of(nodes, by_variable)
    if x.name:
        names[x.node] = x.name
    record = Record(names.get(x.node, "tensor"), nodes, [x.node], names)
    record.parameters = {node for node in nodes if not node.parents}
    leaves = [node for node in nodes if isinstance(node, Leaf)]
    record.values = {leaf: leaf.saved[0] for leaf in leaves} | {x.node: x._value}
    record.gradients = {leaf: leaf.grad for leaf in leaves if leaf.grad is not None}
    record.adopt_constants(arrays)
    return record


def read_graph(graph: Graph, notes: Mapping[Node, Note]) -> Record:
    """Return what is known of a traced function: all values, and gradients where one output is a scalar.

    Layers are those in ``graph.scopes`` (dotted names by node), if it has them.
    """
    outside = graph.outside  # Tensors that the function took from where it was written
    by_variable, arrays = variables()
    names = names_of(outside, by_variable)
    names |= {node: label for node in graph.nodes if (label := graph.label(node))}
    record = Record(graph.function, graph.nodes, graph.outputs, names)
    record.notes = dict(notes)
    record.pinned |= set(notes)
    record.scopes = getattr(graph, "scopes", {})
    floats = {path: node for path, node in graph.inputs.items() if node.dtype.kind in "fc"}
    claimed = {node for node in floats.values() if node in notes and notes[node].status is not None}
    likely = {node for path, node in floats.items() if looks_like_parameter(path)}
    record.parameters = (claimed or likely) | {node for node in outside if not node.parents}
    record.values = {node: graph.value(node) for node in graph.nodes}
    scalars = [node for node in dict.fromkeys(graph.outputs) if node.size == 1 and node.dtype.kind == "f"]
    if len(scalars) == 1:
        try:
            record.gradients = graph.gradients(scalars[0])
        except Exception as error:  # whatever a rule of the user's raises: the picture is drawn, and says it
            record.captions.append(f"no gradients: {type(error).__name__}: {error}")
    record.begin_at(outside)
    own = {name: a for name, a in graph.constants.items() if isinstance(a, np.ndarray)}
    record.adopt_constants(own | {name: a for name, a in arrays.items() if name not in own})
    return record


def looks_like_parameter(path: str) -> bool:
    """Return whether a name, or a part of a path, is one that parameters usually have.

    >>> [looks_like_parameter(path) for path in ("Wh", "b_out", 'p["W1"]', "params[0]", "X", "batch", "t")]
    [True, True, True, True, False, False, False]
    """
    return any(PARAMETERS.fullmatch(part) for part in re.findall(r"\w+", path))


# -- names ---------------------------------------------------------------------------------------------------


def names_of(nodes: Iterable[Node], by_variable: Mapping[Node, str]) -> dict[Node, str]:
    """Return the names of nodes: those given to leaves, else those of variables."""
    names = {node: by_variable[node] for node in nodes if node in by_variable}
    names.update((node, node.name) for node in nodes if isinstance(node, Leaf) and node.name)
    return names


def variables() -> tuple[dict[Node, str], dict[str, Array]]:
    """Return what the callers' variables call the nodes of Tensors, and the arrays that they hold."""
    nodes: dict[Node, str] = {}
    arrays: dict[str, Array] = {}

    def note(name: str, held: Any) -> None:
        if isinstance(held, Tensor):
            name = held.name or name
            if held.node is not None:
                nodes.setdefault(held.node, name)
                return
            held = held._value
        if isinstance(held, np.ndarray):
            arrays.setdefault(name, held)

    for frame in user_frames(limit=16):
        if frame.f_globals.get("__name__", "").startswith("microgradnp.draw"):
            continue
        for scope in (frame.f_locals, frame.f_globals):
            bound = [(name, held) for name, held in list(scope.items()) if not name.startswith("_")]
            for name, held in bound:
                note(name, held)
            for name, held in bound:
                for path, item in items_of(held):
                    note(name + path, item)
    return nodes, arrays


def name_among(arrays: Mapping[str, Array], value: Array) -> str | None:
    """Return the name of an array: of the same object, or of the only one with the same contents."""
    alike: dict[int, str] = {}
    for name, array in arrays.items():
        if array is value:
            return name
        if array.shape == value.shape and array.dtype == value.dtype and isinstance(value, np.ndarray):
            alike.setdefault(id(array), name)
    equal = [name for name in alike.values() if np.array_equal(arrays[name], value)]
    return equal[0] if len(equal) == 1 else None
