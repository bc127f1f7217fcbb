"""Single mistakes, planted by machine in the source of a right formula or in what it returns."""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import itertools
import linecache
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Formula = Callable[..., Any]
Mistake = tuple[str, Formula]  # what was done, and the formula that does it

COUNT = itertools.count()

NAMES = {
    "sum": "mean",
    "mean": "sum",
    "sin": "cos",
    "cos": "sin",
    "exp": "abs",
    "sqrt": "square",
    "maximum": "minimum",
    "outer": "multiply",
}
OPERATORS: dict[type[ast.operator], list[type[ast.operator]]] = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult],
    ast.MatMult: [ast.Mult],
    ast.Pow: [ast.Mult],
}


def mistakes_in(formula: Formula) -> Iterator[Mistake]:
    """Yield the formula with one mistake each in its source."""
    function = function_node(formula)
    arguments = [a.arg for a in function.args.args]
    places = [node for node in ast.walk(function) if not isinstance(node, ast.arguments)]
    for k, node in enumerate(places):
        for what, change in changes(node, arguments):
            mutated = copy.deepcopy(function)
            site = [n for n in ast.walk(mutated) if not isinstance(n, ast.arguments)][k]
            if change(site, mutated) is not False:
                yield f"{what} in `{ast.unparse(node)[:60]}`", compiled(mutated, formula)


def function_node(formula: Formula) -> ast.FunctionDef | ast.Lambda:
    """Return the source of a function or lambda as a tree."""
    source = textwrap.dedent(inspect.getsource(formula))
    for end in range(len(source), 0, -1):  # a lambda's source may be the beginning of a longer call
        try:
            parsed = ast.parse(source[:end])
            break
        except SyntaxError:
            continue
    wanted = formula.__code__.co_varnames[: formula.__code__.co_argcount]
    for node in ast.walk(parsed):
        if isinstance(node, ast.FunctionDef | ast.Lambda) and tuple(a.arg for a in node.args.args) == wanted:
            return node
    raise LookupError(source)


def compiled(function: ast.FunctionDef | ast.Lambda, like: Formula) -> Formula:
    """Return a function tree as a function that sees what another one sees."""
    body = [ast.Return(function.body)] if isinstance(function, ast.Lambda) else function.body
    made = ast.FunctionDef("mutated", function.args, body, [], None, None)
    made.type_params = []
    source = ast.unparse(ast.fix_missing_locations(ast.Module([made], [])))
    filename = f"<mistake {next(COUNT)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)  # as if it were a file
    scope = dict(like.__globals__) | inspect.getclosurevars(like).nonlocals
    exec(compile(source, filename, "exec"), scope)
    result: Formula = scope["mutated"]
    result.__defaults__ = like.__defaults__
    result.__name__ = like.__name__
    return result


Change = Callable[[Any, Any], Any]


def changes(node: ast.AST, arguments: list[str]) -> Iterator[tuple[str, Change]]:
    """Yield the mistakes that can be made at a node."""
    if isinstance(node, ast.BinOp):
        for other in OPERATORS.get(type(node.op), []):
            yield (
                f"{other.__name__} for {type(node.op).__name__}",
                lambda n, _f, other=other: setattr(n, "op", other()),
            )
        if isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div | ast.MatMult):
            yield "right operand left out", lambda n, f: replaced(f, n, n.left)
            yield "left operand left out", lambda n, f: replaced(f, n, n.right)
        if isinstance(node.op, ast.MatMult | ast.Sub | ast.Div):
            yield (
                "operands exchanged",
                lambda n, _f: exchange(n),
            )
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign left out", lambda n, f: replaced(f, n, n.operand)
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield "transpose left out", lambda n, f: replaced(f, n, n.value)
    if isinstance(node, ast.Name) and node.id in arguments and isinstance(node.ctx, ast.Load):
        for other in arguments:
            if other != node.id:
                yield f"{other} for {node.id}", lambda n, _f, other=other: setattr(n, "id", other)
        yield "transpose added", lambda n, f: replaced(f, n, ast.Attribute(copy.deepcopy(n), "T", ast.Load()))
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield f"{NAMES[node.attr]} for {node.attr}", lambda n, _f: setattr(n, "attr", NAMES[n.attr])
    if isinstance(node, ast.keyword) and node.arg == "axis" and isinstance(node.value, ast.Constant | ast.UnaryOp):
        yield (
            "the other axis",
            lambda n, _f: setattr(n, "value", ast.Constant(1 if ast.unparse(n.value) == "0" else 0)),
        )
    if isinstance(node, ast.keyword) and node.arg == "keepdims":
        yield "keepdims left out", lambda n, _f: setattr(n, "value", ast.Constant(False))
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        yield "constant + 1", lambda n, _f: setattr(n, "value", n.value + 1)
        yield "constant doubled", lambda n, _f: setattr(n, "value", n.value * 2)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield (
            "comparison inverted",
            lambda n, _f: setattr(n, "ops", [ast.Lt() if isinstance(n.ops[0], ast.Gt) else ast.Gt()]),
        )
    if isinstance(node, ast.AugAssign):
        yield "accumulation overwritten", overwrite
        yield (
            "sign of an accumulation",
            lambda n, _f: setattr(n, "op", ast.Sub() if isinstance(n.op, ast.Add) else ast.Add()),
        )
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name) and isinstance(node.ctx, ast.Load):
        yield (
            "index shifted",
            lambda n, _f: setattr(n, "slice", ast.BinOp(n.slice, ast.Sub(), ast.Constant(1))),
        )
    if isinstance(node, ast.Return) and not isinstance(node.value, ast.Dict | ast.Tuple):
        yield "sign", lambda n, _f: setattr(n, "value", ast.UnaryOp(ast.USub(), n.value))


def exchange(node: ast.BinOp) -> None:
    node.left, node.right = node.right, node.left


def overwrite(node: ast.AugAssign, function: ast.AST) -> Any:
    if not isinstance(node.target, ast.Name):
        return False
    replaced(function, node, ast.Assign([node.target], node.value))
    return None


def replaced(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    """Put a node in the place of another."""
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list):
                value[:] = [new if v is old else v for v in value]


def mistakes_of(formula: Formula, rng: np.random.Generator) -> Iterator[Mistake]:
    """Yield the formula with one mistake each in the array that it returns."""

    def changed(change: Callable[[Any], Any]) -> Formula:
        @functools.wraps(formula)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return change(np.array(formula(*args, **kwargs), dtype=float))

        return wrapper

    seed = int(rng.integers(2**31))

    def at_largest(g: Any, change: Callable[[Any], Any]) -> Any:
        if g.size:
            k = np.unravel_index(np.argmax(np.abs(g)), g.shape)
            g[k] = change(g[k])
        return g

    def at_random(g: Any, change: Callable[[Any], Any]) -> Any:
        if np.any(g):
            nonzero = np.argwhere(np.abs(g) > 1e-6 * np.max(np.abs(g)))
            k = tuple(nonzero[seed % len(nonzero)])
            g[k] = change(g[k])
        return g

    def last_row(g: Any) -> Any:
        if g.ndim:
            g[-1] = 1.5 * g[-1]
        return g

    yield "factor 1 + 1e-4", changed(lambda g: g * (1 + 1e-4))
    yield "factor 1 + 1e-7", changed(lambda g: g * (1 + 1e-7))
    yield "sign", changed(np.negative)
    yield "zero", changed(np.zeros_like)
    yield "twice", changed(lambda g: 2 * g)
    yield "largest entry zero", changed(lambda g: at_largest(g, lambda v: 0.0))
    yield "one entry of another sign", changed(lambda g: at_random(g, lambda v: -v))
    yield "one entry off by 1e-5", changed(lambda g: at_random(g, lambda v: v * (1 + 1e-5)))
    yield "last row off", changed(last_row)
    yield "entries shifted", changed(lambda g: np.roll(g, 1))
    yield "summed to a number", changed(lambda g: g.sum())
    yield "an axis too many", changed(lambda g: g[None])
    yield "nan in one entry", changed(lambda g: at_largest(g, lambda v: np.nan))
    yield "float32", changed(lambda g: g.astype(np.float32).astype(float))
