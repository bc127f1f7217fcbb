"""The right formula in the order of the user's own, so that only what is wrong looks different."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator, Sequence

TOKEN = re.compile(r"\w+|\S")

#: Terms that have less in common than this are not the same term.
ALIKE = 0.5


def aligned(right: str, hand: str) -> str:
    """Return the right formula with its factors and summands in the order in which the user's formula has them.

    Elementwise products and sums commute, so that its value stays the same, but for rounding. ``np.sum(x)`` becomes
    ``x.sum()`` where that is how the user writes it.

    Parameters
    ----------
    right, hand : str
        NumPy, of one expression or of several lines. What cannot be parsed is returned as it is.

    Examples
    --------
    >>> aligned("h * (1 - h) * (dout @ W2.T)", "dout @ W2.T * z1 * (1 - z1)")
    'dout @ W2.T * h * (1 - h)'
    >>> aligned("np.sum(E, axis=0)", "E.sum(axis=1)")
    'E.sum(axis=0)'
    """
    try:
        tree, model = ast.parse(right), ast.parse(hand)
    except (SyntaxError, ValueError):  # our own notation, such as ∂loss/∂H
        return right
    methods = {
        name
        for name in ("sum", "mean")
        if re.search(rf"\.{name}\(", hand) and not re.search(rf"\b(np|numpy)\.{name}\(", hand)
    }
    changed = Aligner(list(chains(model)), methods).visit(tree)
    # What is equal in all but order keeps its text, with its own lines and parentheses.
    return ast.unparse(changed) if ast.dump(changed) != ast.dump(ast.parse(right)) else right


class Aligner(ast.NodeTransformer):
    """Orders the terms of every product and sum as in the chain, among those given, that is most like it."""

    def __init__(self, models: Sequence[Sequence[str]], methods: set[str]) -> None:
        self.models, self.methods = models, methods

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Order a whole chain at its outermost operator."""
        if not isinstance(node.op, ast.Mult | ast.Add):
            return self.generic_visit(node)
        parts = terms(node)
        texts = [ast.unparse(part) for part in parts]
        places, model = max(
            ((matched(texts, m), m) for m in self.models), key=lambda pair: score(pair[0]), default=({}, [])
        )
        order = [i for i, _ in sorted(placed(len(parts), places, len(model)), key=lambda pair: pair[1])]
        visited = [self.visit(parts[i]) for i in order]
        result: ast.expr = visited[0]
        for part in visited[1:]:
            result = ast.BinOp(result, node.op, part)
        return result

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Write a sum as a method where the user does so."""
        self.generic_visit(node)
        match node:
            case ast.Call(ast.Attribute(ast.Name("np"), name), [x, *rest], keywords) if name in self.methods:
                return ast.Call(ast.Attribute(x, name, ast.Load()), rest, keywords)
        return node


def terms(node: ast.BinOp) -> list[ast.expr]:
    """Return what a chain of one operator multiplies or adds, from left to right.

    >>> [ast.unparse(t) for t in terms(ast.parse("a * b @ c * (d + e)", mode="eval").body)]
    ['a * b @ c', 'd + e']
    """
    parts: list[ast.expr] = []
    stack: list[ast.expr] = [node]
    while stack:
        top = stack.pop()
        if isinstance(top, ast.BinOp) and type(top.op) is type(node.op):
            stack += [top.right, top.left]
        else:
            parts.append(top)
    return parts


def chains(tree: ast.AST) -> Iterator[list[str]]:
    """Yield the terms of every product and every sum, as text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Add):
            yield [ast.unparse(t) for t in terms(node)]


#: Which term stands at which place of the model, and how alike the two are.
Places = dict[int, tuple[int, float]]


def matched(texts: Sequence[str], model: Sequence[str]) -> Places:
    """Return the place in the model of each term that it has; the most alike first, each place once."""
    found: Places = {}
    taken: set[int] = set()
    pairs = [(likeness(a, b), -i, -j) for i, a in enumerate(texts) for j, b in enumerate(model)]
    for alike, i, j in sorted(pairs, reverse=True):
        if alike >= ALIKE and -i not in found and -j not in taken:
            found[-i] = (-j, alike)
            taken.add(-j)
    return found


def likeness(a: str, b: str) -> float:
    """Return how much of two terms is the same: 1 where all is."""
    return difflib.SequenceMatcher(None, TOKEN.findall(a), TOKEN.findall(b), autojunk=False).ratio()


def score(places: Places) -> float:
    """Return how much of a model is found in a chain."""
    return sum(alike for _, alike in places.values())


def placed(n: int, places: Places, length: int) -> Iterator[tuple[int, float]]:
    """Yield every term with its place: one that the model has not takes a place left free, or follows the term before."""
    free = iter(sorted({*range(length)} - {j for j, _ in places.values()}))
    place = -1.0
    for i in range(n):
        place = places[i][0] if i in places else next(free, place + 0.001)
        yield i, place
