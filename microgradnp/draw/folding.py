"""Fitting a graph into a picture: what gets a box, what is written into another's formula, what is folded.

Nothing here recurses, and every step is linear in the size of the graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Protocol

from microgradnp.draw.notation import ANONYMOUS, ATOM, counted, operation
from microgradnp.tape import Node

FORMULA = 60  # characters to which a formula may grow by taking others in
ENDS = 3  # iterations shown at either end of a loop
PERIOD = 12  # steps after which a step may come again, for a loop to be recognised
DEPTH = 8  # of loops inside loops
HOPELESS = 50  # a formula takes in some ten operations: graphs so many times over the budget need more


class Record(Protocol):
    """What is known of a graph that is to be drawn."""

    nodes: Sequence[Node]  # operands before results
    names: dict[Node, str]
    pinned: set[Node]  # always shown: outputs, and what carries a note

    def operands(self, node: Node) -> Sequence[Node | str]:
        """Return what a node was computed from; text for a constant."""

    def sources(self, node: Node) -> Sequence[Node]:
        """Return the nodes among the operands."""


@dataclass(slots=True)
class Part:
    """The nodes that share one box: an operation after those in its formula, or what is folded."""

    nodes: list[Node]
    folded: bool = False


def fold(record: Record, budget: int, formulas: bool = False) -> tuple[list[Part], list[str]]:
    """Divide a graph into at most about `budget` parts, and say what was left out.

    In this order, and no further than needed: unnamed elementwise operations go into the formula of what uses
    them; then all unnamed ones; then the middle iterations of loops are folded; then what lies between the
    inputs, the outputs, the named quantities and both ends of the graph.
    """
    size = len(record.nodes)
    into: dict[Node, Node] = {}
    if formulas or budget < size <= HOPELESS * budget:
        into = taken_in(record, lambda node: node.primitive.elementwise)
        if formulas or size - len(into) > budget:
            into = taken_in(record, lambda _: True)
    formula: dict[Node, list[Node]] = {}
    for node in record.nodes:
        if node in into:
            formula.setdefault(into[node], []).append(node)
    shown = [node for node in record.nodes if node not in into]

    def sources(node: Node) -> list[Node]:
        found = [*record.sources(node)]
        for inner in formula.get(node, ()):
            found += record.sources(inner)
        return [source for source in found if source not in into] if into else found

    groups: list[list[Node]] = []
    if len(shown) > budget:
        lasting = lasting_names(record)
        groups = loops(shown, lasting, sources)
        if len(shown) - sum(len(group) - 1 for group in groups) > budget:
            groups = stretches(record, shown, lasting, sources, budget)
    parts: list[Part] = []
    last = {group[-1]: group for group in groups}
    inside = {node for group in groups for node in group}
    for node in shown:
        if node in last:
            nodes = [n for root in last[node] for n in [*formula.get(root, ()), root]]
            parts.append(Part(nodes, folded=True))
        elif node not in inside:
            parts.append(Part([*formula.get(node, ()), node]))
    return parts, [] if formulas and not groups else captions(parts, budget)


def captions(parts: Sequence[Part], budget: int) -> list[str]:
    """Return what a picture says about what it leaves out."""
    lines: list[str] = []
    inner = sum(len(part.nodes) - 1 for part in parts if not part.folded)
    if inner:
        lines.append(f"{counted(inner, 'operation')} written into the formulas of others (budget {budget:,})")
    folded = [node for part in parts if part.folded for node in part.nodes]
    if folded:
        inputs = sum(not node.parents for node in folded)
        also = f" and {counted(inputs, 'input')}" if inputs else ""
        lines.append(f"… {counted(len(folded) - inputs, 'operation')}{also} folded (budget {budget:,}) …")
    return lines


def taken_in(record: Record, suits: Callable[[Node], bool]) -> dict[Node, Node]:
    """Return the operations that are written into another's formula, each with the one that has the box."""
    uses = Counter(source for node in record.nodes for source in record.sources(node))

    def length(node: Node) -> int:
        operands = record.operands(node)
        names = [(x if isinstance(x, str) else record.names.get(x, ANONYMOUS), ATOM) for x in operands]
        return len(operation(node, names)[0])

    into: dict[Node, Node] = {}
    for root in reversed(record.nodes):
        if root in into or not root.parents:
            continue
        room = FORMULA - length(root)
        candidates = [*record.sources(root)]
        for node in candidates:  # which grows while it is read: the nearest first
            if not node.parents or uses[node] > 1 or node in record.names or node in record.pinned:
                continue
            cost = length(node) + 1
            if suits(node) and cost <= room:
                room -= cost
                into[node] = root
                candidates += record.sources(node)
    return into


def lasting_names(record: Record) -> set[Node]:
    """Return what is worth a box: outputs, what carries a note, and names that are no loop variable's.

    A variable that takes many values (``h@1``, ``h@2``, ...) names the iterations of a loop.
    """
    values = Counter(name.partition("@")[0] for name in record.names.values())
    few = {node for node, name in record.names.items() if values[name.partition("@")[0]] <= 2 * ENDS + 1}
    return record.pinned | few


def loops(shown: Sequence[Node], lasting: set[Node], sources: Callable[[Node], list[Node]]) -> list[list[Node]]:
    """Return the middle iterations of loops.

    An operation ends a step where fewest intermediate results are still waiting to be used: in a chain every
    one, in a recurrent network the new state. Steps of the same operations as one shortly before them are
    iterations.
    """
    operations = [node for node in shown if node.parents]
    last_use = {node: i for i, node in enumerate(operations) if node not in lasting}
    for i, node in enumerate(operations):
        for source in sources(node):
            if source in last_use:
                last_use[source] = i
    change = [0] * (len(operations) + 1)
    for i, node in enumerate(operations):
        if last_use.get(node, i) > i:
            change[i + 1] += 1
            change[last_use[node]] -= 1
    waiting = list(accumulate(change))

    groups: list[list[Node]] = []
    borders = [-1, *(i for i, node in enumerate(operations) if node in lasting), len(operations)]
    todo = [(a + 1, b, 0) for a, b in pairwise(borders)]
    while todo:
        start, stop, depth = todo.pop()
        if stop - start <= 2 * ENDS or depth > DEPTH:
            continue
        least = min(waiting[start:stop])
        ends = [i + 1 for i in range(start, stop) if waiting[i] == least]
        steps = list(zip([start, *ends], ends, strict=False))
        folds = repeated([tuple(node.primitive.name for node in operations[a:b]) for a, b in steps])
        groups += [operations[steps[k][0] : steps[m][0]] for k, m in folds]
        outside = [0, *(k for fold in folds for k in fold), len(steps)]
        for k, m in zip(outside[::2], outside[1::2], strict=True):  # a step may hold a loop itself
            todo += [(a, b - 1, depth + 1) for a, b in steps[k:m]]
        todo.append((ends[-1], stop, depth + 1))
    return groups


def repeated(steps: Sequence[Any]) -> list[tuple[int, int]]:
    """Return the ranges of steps in the middle of loops.

    >>> repeated("abcdefgh"), repeated("axxxxxxxxxb"), repeated("stststststststst")
    ([], [(4, 7)], [(4, 13)])
    """
    again = [step in steps[max(0, k - PERIOD) : k] for k, step in enumerate(steps)]
    found: list[tuple[int, int]] = []
    k = 0
    while k < len(steps):
        m = k
        while m < len(steps) and again[m]:
            m += 1
        if m - k > 2 * ENDS:  # the first time round, which does not count as again, is shown as well
            found.append((k + ENDS - 1, m - ENDS))
        k = m + 1
    return found


def stretches(
    record: Record,
    shown: Sequence[Node],
    lasting: set[Node],
    sources: Callable[[Node], list[Node]],
    budget: int,
) -> list[list[Node]]:
    """Return what lies between the operations that are kept: the lasting ones, and those at both ends.

    Stretches of the order of recording can be folded without making a cycle, whatever the graph.
    """
    operations = [node for node in shown if node.parents]
    rest = [node for node in operations if node not in lasting]
    half = budget // 2
    ranked = [node for node in operations if node in record.pinned]
    ranked += [node for node in operations if node in lasting]
    ranked += [node for pair in zip(rest[:half], rest[: -half - 1 : -1], strict=False) for node in pair]
    ranked = list(dict.fromkeys(ranked))
    inputs = [node for node in shown if not node.parents]
    named = set([node for node in inputs if node in record.names][:half])

    keep = budget
    while True:
        kept = set(ranked[:keep])
        groups: list[list[Node]] = [[]]
        for node in operations:
            if node in kept:
                groups.append([])
            else:
                groups[-1].append(node)
        groups = [group for group in groups if len(group) > 1]
        group_of = {node: i for i, group in enumerate(groups) for node in group}
        users: dict[Node, set[int]] = {node: set() for node in inputs if node not in named}
        for node in operations:
            for source in sources(node):
                if source in users:
                    users[source].add(group_of.get(node, -1))
        with_it: list[list[Node]] = [[] for _ in groups]
        for node, using in users.items():
            if len(using) == 1 and -1 not in using:  # an input that one fold alone uses goes with it
                with_it[using.pop()].append(node)
        groups = [found + group for found, group in zip(with_it, groups, strict=True)]
        boxes = len(shown) - sum(len(group) - 1 for group in groups)
        if boxes <= budget or keep <= 1:
            return groups
        keep = max(1, min(keep - 1, keep * budget // boxes))
