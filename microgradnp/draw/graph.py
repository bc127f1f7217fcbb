"""Graphs as pictures: `draw` takes a Tensor, a Graph or anything that can show one, and returns a Picture."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from microgradnp.draw.diagram import Box, Diagram, Kind, Note
from microgradnp.draw.dot import DIRECTIONS, dot_source
from microgradnp.draw.folding import Part, fold
from microgradnp.draw.notation import (
    ANONYMOUS,
    ATOM,
    NEGATIVE,
    SYMMETRIC,
    Written,
    counted,
    operation,
    shortened,
    summary,
)
from microgradnp.draw.picture import Picture
from microgradnp.draw.reading import Record, read
from microgradnp.tape import Known, Node

__all__ = ["Note", "Picture", "draw"]

ARROWS = 6  # that one quantity may send out
NAME = 24  # characters of a name inside a formula
MARKS = "123456789"  # of operands that have no name, where their order matters


def draw(
    x: Any,
    *,
    budget: int = 200,
    direction: str = "TB",
    formulas: bool = False,
    values: bool = True,
    parameters: Iterable[str] | None = None,
    title: str | None = None,
    legend: bool = True,
) -> Picture:
    """Draw what a value was computed from.

    Every quantity is one box: its name, its shape, the operation that made it, and what is known of its value
    and its gradient. A circle in an operation is an operand without a name, which the arrow brings. Data,
    parameters, operations and the output differ in shape and line: they can be printed in black and white.

    Parameters
    ----------
    x : Tensor, Graph, or an object with a method ``__graph__``
        A Tensor shows operations and shapes, values and gradients of its leaves, and the names of your
        variables that still hold its parts. A Graph (from `microgradnp.trace`) shows all values and, if one
        output has one element, the gradients of that. A Derivation and a report show their verdicts too:
        their ``__graph__()`` returns a Graph and a dict of `Note` by node.
    budget : int
        About how many boxes there may be. Beyond it, unnamed operations are written into the formulas of
        others, the middle iterations of loops are folded, and then what lies between inputs, named quantities
        and outputs. The picture says so.
    direction : {"TB", "LR", "BT", "RL"}
        Where the arrows lead: from top to bottom, from left to right, and so on.
    formulas : bool
        Whether every named quantity shows its whole formula, without boxes for the steps in it.
    values : bool
        Whether values and gradients are shown.
    parameters : iterable of str, optional
        The inputs that are parameters. By default: leaves that require a gradient (of a Tensor); inputs with
        a verdict (of a report); inputs called like parameters: W, b, theta, params[...] (of a Graph).
    title : str, optional
        Written below the picture.
    legend : bool
        Whether a line explains the frames.

    Returns
    -------
    Picture
        With ``.save("graph.svg")``, ``.svg()`` and ``.source``; it shows itself in a notebook.

    Raises
    ------
    TypeError
        If `x` cannot be drawn.
    ValueError
        If `x` is a Tensor on no graph, `parameters` names no input, or another option is out of range.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> def loss(X, t, w):
    ...     y = np.tanh(X @ w)
    ...     return np.sum((y - t) ** 2)
    >>> graph = mg.trace(loss, np.ones((5, 2)), np.ones(5), np.zeros(2))
    >>> mg.draw(graph)
    <Picture of loss: 8 boxes; .save("graph.svg") writes it>
    >>> mg.draw(graph, formulas=True)
    <Picture of loss: 5 boxes; .save("graph.svg") writes it>
    """
    if direction not in DIRECTIONS:
        known = ", ".join(map(repr, DIRECTIONS))
        raise ValueError(f"direction={direction!r} is not known; choose one of {known}")
    if isinstance(budget, bool) or not isinstance(budget, int | np.integer) or budget < 1:
        raise ValueError(f"budget={budget!r} is no number of boxes; give a positive integer")
    record = read(x)
    if not values:
        record.values = record.gradients = {}
    if parameters is not None:
        record.choose_parameters(parameters)
    parts, folded = fold(record, int(budget), formulas)
    again = record.name_constants(part.nodes[-1] for part in parts if not part.folded)
    parts = [part for part in parts if part.nodes[-1] not in again]
    boxes = make_boxes(record, parts, again)
    assign_scopes(record, parts, boxes)
    thinned = thin_out(record, parts, boxes)
    diagram = Diagram(record.title, boxes, [*record.captions, *folded, *thinned], title or "")
    return Picture(dot_source(diagram, direction=direction, legend=legend), diagram.name, len(boxes))


# -- boxes ---------------------------------------------------------------------------------------------------


def make_boxes(record: Record, parts: Sequence[Part], again: Mapping[Node, Node]) -> list[Box]:
    """Return a box for each part of a graph. `again` maps nodes without a box to those with their box."""
    box_of: dict[Node, Box] = {}
    boxes: list[Box] = []
    for part in parts:
        if part.folded:
            box = folded_box(part)
            sources = dict.fromkeys(source for node in part.nodes for source in record.sources(node))
        else:
            box, sources = quantity(record, part)
        boxes.append(box)
        box_of.update(dict.fromkeys(part.nodes, box))
        arrows = {box_of[again.get(s, s)]: mark or "" for s, mark in sources.items()}
        box.arrows = [(origin, mark) for origin, mark in arrows.items() if origin is not box]
    return boxes


def quantity(record: Record, part: Part) -> tuple[Box, dict[Node, str | None]]:
    """Return the box of one quantity, and where its arrows come from, with their marks."""
    node = part.nodes[-1]
    name = record.names.get(node)
    kind: Kind = "operation"
    if not node.parents:
        kind = "parameter" if node in record.parameters else "input"
    elif node in record.outputs:
        kind, name = "output", name or "output"
    box = Box(kind, name, size=size_of(node), note=record.notes.get(node))
    sources: dict[Node, str | None] = {}
    if node.parents:
        box.formula, sources = formula_of(record, part.nodes)
    for word, known in (("value", record.values), ("gradient", record.gradients)):
        value = known.get(node)
        trivial = word == "gradient" and (kind == "input" or (kind == "output" and node.size == 1))
        if value is not None and not isinstance(value, Known) and not trivial and (text := summary(value)):
            box.rows.append((word, text))
    return box, sources


def size_of(node: Node) -> str:
    """Return the shape of a value, and its type where it is not the usual one.

    >>> import numpy as np, microgradnp as mg
    >>> size_of(mg.tensor(np.zeros(3, np.float32), requires_grad=True).node)
    '(3,) float32'
    """
    parts = [str(node.shape)] if node.shape else []
    if node.dtype != np.float64:
        parts.append(str(node.dtype))
    return " ".join(parts)


def folded_box(part: Part) -> Box:
    """Return the box that stands for many operations."""
    operations = [node for node in part.nodes if node.parents]
    kinds = list(dict.fromkeys(node.primitive.name for node in operations))
    formula = ", ".join(kinds[:4]) + (", …" if len(kinds) > 4 else "")
    return Box("folded", f"… {counted(len(operations), 'operation')} …", formula)


def formula_of(record: Record, nodes: Sequence[Node]) -> tuple[str, dict[Node, str | None]]:
    """Return the formula of the last of some operations, and where arrows come from, with their marks."""
    inner = set(nodes)
    operands = [x for node in nodes for x in record.operands(node) if isinstance(x, Node) and x not in inner]
    sources: dict[Node, str | None] = dict.fromkeys(operands)
    anonymous = [source for source in sources if source not in record.names]
    symmetric = len(nodes) == 1 and nodes[0].primitive.name in SYMMETRIC
    if 1 < len(anonymous) <= len(MARKS) and not symmetric:
        sources.update(zip(anonymous, MARKS, strict=False))
    written: dict[Node, Written] = {}

    def operand(x: Node | str) -> Written:
        if isinstance(x, str):
            return x, NEGATIVE if x.startswith("-") else ATOM
        if x in record.names:
            return shortened(record.names[x], NAME), ATOM
        return written.get(x, (ANONYMOUS + (sources.get(x) or ""), ATOM))

    for node in nodes:
        written[node] = operation(node, [operand(x) for x in record.operands(node)])
    return written[nodes[-1]][0], sources


def thin_out(record: Record, parts: Sequence[Part], boxes: Sequence[Box]) -> list[str]:
    """Leave only the first arrow of quantities that are used all over the picture: the formulas name them."""
    arrows = Counter(origin for box in boxes for origin, _ in box.arrows)
    if max(arrows.values(), default=0) <= 2:
        return []
    uses = Counter(source for node in record.nodes for source in set(record.sources(node)))
    often: dict[Box, int] = {}
    for part, box in zip(parts, boxes, strict=True):
        if box.name and not part.folded and arrows[box] > 2 and uses[part.nodes[-1]] > ARROWS:
            often[box] = uses[part.nodes[-1]]
    drawn: set[Box] = set()
    for box in boxes:
        box.arrows = [arrow for arrow in box.arrows if arrow[0] not in often or arrow[0] not in drawn]
        drawn.update(origin for origin, _ in box.arrows)
    for box, n in often.items():
        box.rows.insert(0, ("used", f"{n:,} times"))
    return [f"of what is used more than {ARROWS} times, only the first arrow is drawn"] if often else []


# -- layers --------------------------------------------------------------------------------------------------

QUALIFIED = re.compile(r"((?:[^\W\d]\w*(?:\[[^\]]*\])?\.)+)[^.]+")


def assign_scopes(record: Record, parts: Sequence[Part], boxes: Sequence[Box]) -> None:
    """Give each box the layer that it belongs to: that of its name, or the one where its value goes.

    ``encoder.first.z`` belongs to the layer ``encoder.first``. A layer has two operations or more, not all.
    """
    operations = [
        (part.nodes[-1], box) for part, box in zip(parts, boxes, strict=True) if box.kind in ("operation", "output")
    ]
    for node, box in operations:
        if record.scopes:
            box.scope = record.scopes.get(node, "")
        elif box.name and (match := QUALIFIED.fullmatch(box.name)):
            box.scope = match[1][:-1]
    if not record.scopes:  # one name alone says where a value was used, not that there is a layer
        members = Counter(box.scope for _, box in operations)
        for _, box in operations:
            box.scope = box.scope if members[box.scope] > 1 else ""
    users: dict[Box, set[str]] = {}
    for box in reversed(boxes):  # results before operands
        if box.kind == "parameter" or (box.kind == "operation" and not box.name and not record.scopes):
            using = users.get(box, set())
            box.scope = next(iter(using)) if len(using) == 1 else ""
        for origin, _ in box.arrows:
            users.setdefault(origin, set()).add(box.scope)
    size = Counter(scope for _, box in operations for scope in enclosing(box.scope))
    for box in boxes:
        kept = [scope for scope in enclosing(box.scope) if 1 < size[scope] < len(operations)]
        box.scope = ".".join(scope.rpartition(".")[2] for scope in kept)


def enclosing(scope: str) -> list[str]:
    """Return a layer and those around it, the outermost first.

    >>> enclosing("encoder.first")
    ['encoder', 'encoder.first']
    """
    names = scope.split(".") if scope else []
    return [".".join(names[: i + 1]) for i in range(len(names))]
