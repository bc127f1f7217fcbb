"""A person's function as source that can be edited: found, taken apart into its expressions, and run with one changed.

Every expression of the function, and of the helpers that it calls, is a site. One compiled copy of the function asks at
every site whether it is the one to be changed, so that thousands of edits are tried without compiling the function again;
only edits of whole statements compile it anew.
"""

from __future__ import annotations

import ast
import copy
import functools
import itertools
import linecache
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any

import numpy as np

from microgradnp.naming import is_engine_file

Function = Callable[..., Any]
Change = Callable[[Any, Mapping[str, Any]], Any]  # of a value, given the names that are known where it is computed

#: Calls whose arguments are sizes and positions, not numbers of a formula.
STRUCTURAL = frozenset(
    ["range", "len", "zip", "enumerate", "reversed", "zeros", "ones", "zeros_like", "ones_like", "empty", "empty_like",
     "eye", "arange", "full", "reshape", "shape", "isinstance", "getattr", "int", "list", "tuple", "dict", "print",
     "ndindex", "copy", "astype"]
)  # fmt: skip
#: Keywords that are no numbers of a formula.
OPTIONS = frozenset(["axis", "keepdims", "dtype", "axes", "optimize", "shape", "ddof"])
#: Attributes that say how large an array is.
SIZES = frozenset(["shape", "size", "ndim"])
HELPERS = 8


class NoSource(LookupError):
    """The source of a function is not at hand, or says something else."""


@functools.lru_cache(maxsize=64)
def parsed(text: str) -> ast.Module:
    """Return the tree of a file."""
    return ast.parse(text)


def tree_of(function: FunctionType) -> ast.FunctionDef | ast.Lambda:
    """Return the source of a function or lambda as a tree."""
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if not lines:
        raise NoSource(code.co_filename)
    try:
        module = parsed("".join(lines))
    except SyntaxError as error:
        raise NoSource(code.co_filename) from error
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if code.co_name == "<lambda>":
        at = [(p[0], p[2]) for p in code.co_positions() if p[0] is not None and p[2] is not None and p[3] != p[2]]
        inside = [
            node
            for node in ast.walk(module)
            if isinstance(node, ast.Lambda)
            and tuple(a.arg for a in (*node.args.args, *node.args.kwonlyargs)) == arguments
            and at
            and (node.lineno, node.col_offset) <= min(at)
            and max(at) <= (node.end_lineno or 0, node.end_col_offset or 0)
        ]
        if inside:
            return min(inside, key=lambda n: (n.end_lineno or 0) - n.lineno)
        raise NoSource(code.co_filename)
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if (
                first == code.co_firstlineno
                and tuple(a.arg for a in (*node.args.args, *node.args.kwonlyargs)) == arguments
            ):
                return node
    raise NoSource(code.co_filename)


def is_users(function: Any) -> bool:
    """Return whether a function is the user's own, rather than a library's."""
    if not isinstance(function, FunctionType):
        return False
    file = function.__code__.co_filename.replace("\\", "/")
    return not is_engine_file(file) and "/site-packages/" not in file and "/lib/python" not in file


@dataclass
class Site:
    """One expression of a function.

    Attributes
    ----------
    key : int
        The same in every Program of the same function.
    node, parent : ast.AST
    above : list of ast.AST
        What it stands in, nearest first.
    part : int
        0 for the function itself, then its helpers.
    """

    key: int
    node: ast.expr
    above: list[ast.AST]
    part: int

    @property
    def parent(self) -> ast.AST:
        """What it stands in."""
        return self.above[0]

    @functools.cached_property
    def text(self) -> str:
        """As it is written."""
        return ast.unparse(self.node)


class Program:
    """A function and its helpers, with every expression open to change.

    Parameters
    ----------
    function : callable
        Written in Python, its source at hand.

    Raises
    ------
    NoSource
    """

    def __init__(self, function: Function) -> None:
        self.bound: tuple[Any, ...] = ()
        if isinstance(function, MethodType):
            self.bound, function = (function.__self__,), function.__func__
        if not isinstance(function, FunctionType) or function.__code__.co_flags & 0x20:
            raise NoSource(repr(function))
        self.functions = [function]
        self.trees: list[ast.FunctionDef] = []
        self.aliases: dict[FunctionType, str] = {}  # what the function calls its helpers
        for part in self.functions:  # which grows while it is read
            if is_users(part) or part is function:
                self._take(part)
        self.function = function
        self.sites: list[Site] = []
        self.statements: list[tuple[ast.stmt, int]] = []
        for k, tree in enumerate(self.trees):
            self._find_sites(tree, k)
        self.changes: Mapping[int, Change] = {}
        self.record: dict[int, list[Any]] | None = None
        self.made: dict[int, list[Any]] | None = None
        self.open = self._compiled([opened(tree) for tree in self.trees])

    def _take(self, function: FunctionType) -> None:
        """Add a function, and what it calls."""
        found = tree_of(function)
        if isinstance(found, ast.Lambda):
            body: list[ast.stmt] = [ast.Return(found.body)]
            name = "_function" if function is self.functions[0] else self._name_of(function)
            tree = ast.FunctionDef(name, found.args, body, [], None, None)
        else:
            tree = copy.deepcopy(found)
            tree.decorator_list = []
            if function is self.functions[0]:
                tree.name = "_function"
        tree = copy.deepcopy(tree)
        for argument in ast.walk(tree.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        tree.args.defaults, tree.args.kw_defaults = [], [None] * len(tree.args.kwonlyargs)
        tree.returns = None
        self.trees.append(ast.fix_missing_locations(tree))
        scope = scope_of(function)
        for node in ast.walk(tree):
            called = scope.get(node.id) if isinstance(node, ast.Name) else None
            if (
                called is not None
                and called not in self.functions
                and is_users(called)
                and len(self.functions) <= HELPERS
            ):
                try:
                    tree_of(called)
                except NoSource:
                    continue
                if called.__name__ == called_name(node) or called.__name__ == "<lambda>":
                    self.functions.append(called)
                    self.aliases[called] = called_name(node)

    def _name_of(self, function: FunctionType) -> str:
        return self.aliases.get(function, function.__name__)

    def _find_sites(self, tree: ast.FunctionDef, part: int) -> None:
        scope = scope_of(self.functions[part])
        modules = {name for name, value in scope.items() if type(value).__name__ == "module"}

        def walk(node: ast.AST, above: list[ast.AST], wanted: bool) -> None:
            if isinstance(node, ast.stmt) and node is not tree:
                node._statement = len(self.statements)  # type: ignore[attr-defined]
                self.statements.append((node, part))
            if wanted and is_site(node, modules):
                assert isinstance(node, ast.expr)
                node._site = len(self.sites)  # type: ignore[attr-defined]
                self.sites.append(Site(len(self.sites), node, above, part))
            if isinstance(node, ast.Attribute) and node.attr in SIZES:
                return  # `x.shape[0]` is a number; what x holds does not matter
            for field, child in children_of(node):
                inner = wanted and field != "slice"
                if isinstance(node, ast.Call):
                    name = called_name(node)
                    if field == "func":
                        if isinstance(child, ast.Attribute):
                            walk(child.value, [child, node, *above], wanted)
                        continue
                    inner = wanted and name not in STRUCTURAL
                if isinstance(node, ast.keyword) and node.arg in OPTIONS:
                    inner = False
                walk(child, [node, *above], inner)

        for statement in tree.body:
            walk(statement, [tree], True)

    def _compiled(self, trees: Sequence[ast.FunctionDef]) -> Function:
        """Return the function that these trees say, in the scope of the original."""
        made: dict[str, Any] = {}
        for function, tree in zip(reversed(self.functions), reversed(trees), strict=False):
            scope = {**scope_of(function), **made, "_at": self._at}
            module = ast.fix_missing_locations(ast.Module([tree], []))
            exec(compile(module, "<edited>", "exec"), scope)
            new = scope[tree.name]
            new.__defaults__, new.__kwdefaults__ = function.__defaults__, function.__kwdefaults__
            made[tree.name] = new
        self.scope = scope
        return functools.partial(new, *self.bound) if self.bound else new

    def _at(self, key: int, value: Any) -> Any:
        """Return the value of a site, changed if it is the one."""
        if self.record is not None:
            self.record.setdefault(key, []).append(value)
        change = self.changes.get(key)
        if change is None:
            return value
        new = change(value, names_in(sys._getframe(1)))
        if self.made is not None:
            self.made[key].append(new)
        return new

    def values(
        self,
        run: Callable[[Function], Any],
        function: Function | None = None,
        made: dict[int, list[Any]] | None = None,
    ) -> dict[int, list[Any]]:
        """Return what every site is when the function, or an edited one, runs; `made` takes what the edits make."""
        self.record, self.made = {}, made
        try:
            run(function or self.open)
            return self.record
        finally:
            self.record = self.made = None

    def changed(self, changes: Mapping[int, Change]) -> Function:
        """Return the function with the values of some sites changed."""

        def edited(*args: Any, **kwargs: Any) -> Any:
            self.changes = changes
            try:
                return self.open(*args, **kwargs)
            finally:
                self.changes = {}

        return edited

    def rewritten(self, new: Mapping[int, Sequence[ast.stmt]]) -> Function | None:
        """Return the function with other statements in the place of some, by number."""
        parts = {self.statements[k][1] for k in new}
        trees = [with_statements(tree, new) if k in parts else tree for k, tree in enumerate(self.trees)]
        scope = self.scope
        try:
            return self._compiled(trees)
        except (SyntaxError, ValueError):
            return None
        finally:
            self.scope = scope


def with_statements(tree: ast.FunctionDef, new: Mapping[int, Sequence[ast.stmt]]) -> ast.FunctionDef:
    """Return a function with other statements in the place of some; what is not changed is shared."""

    def made(node: Any) -> Any:
        changed = {}
        for field in ("body", "orelse", "finalbody", "handlers"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                changed[field] = [
                    n for inner in block for n in new.get(getattr(inner, "_statement", -1), [made(inner)])
                ]
        if not any(
            a is not b for f, block in changed.items() for a, b in itertools.zip_longest(block, getattr(node, f))
        ):
            return node
        result = copy.copy(node)
        for field, block in changed.items():
            setattr(result, field, block)
        return result

    result: ast.FunctionDef = made(tree)
    return result


def scope_of(function: FunctionType) -> dict[str, Any]:
    """Return the names that a function sees besides its own."""
    cells = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            cells[name] = cell.cell_contents
        except ValueError:  # not bound yet
            continue
    return {**function.__globals__, **cells}


def children_of(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield the parts of a tree with the fields they stand in."""
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield field, child


def called_name(node: ast.AST) -> str:
    """Return the last part of the name of what is called."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def is_site(node: ast.AST, modules: set[str]) -> bool:
    """Return whether a part of a tree is an expression with a value that a formula computes."""
    if isinstance(node, ast.Name):
        return isinstance(node.ctx, ast.Load) and node.id not in modules
    if isinstance(node, ast.Attribute | ast.Subscript):
        base = node.value
        of_module = isinstance(node, ast.Attribute) and isinstance(base, ast.Name) and base.id in modules
        return isinstance(node.ctx, ast.Load) and not of_module
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float)
    return isinstance(node, ast.BinOp | ast.UnaryOp | ast.Call | ast.Compare | ast.IfExp)


class Opening(ast.NodeTransformer):
    """Puts `_at(key, ...)` around every site."""

    def visit(self, node: ast.AST) -> Any:
        """Open the inner sites first."""
        node = self.generic_visit(node)
        key = getattr(node, "_site", None)
        if key is None:
            return node
        assert isinstance(node, ast.expr)
        call = ast.Call(ast.Name("_at", ast.Load()), [ast.Constant(key), node], [])
        return ast.copy_location(call, node)


def opened(tree: ast.FunctionDef) -> ast.FunctionDef:
    """Return a copy of a function in which every site can be changed."""
    result = copy.deepcopy(tree)
    Opening().visit(result)
    return ast.fix_missing_locations(result)


def names_in(frame: FrameType) -> dict[str, Any]:
    """Return the variables that an expression sees, in a comprehension those around it too."""
    names = dict(frame.f_locals)
    while frame.f_code.co_name.startswith("<") and frame.f_code.co_name != "<lambda>" and frame.f_back is not None:
        frame = frame.f_back
        names = {**frame.f_locals, **names}
    return names


def expression(text: str) -> CodeType:
    """Return an expression, compiled."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # of edits that make no sense
        return compile(text, "<edit>", "eval")


def array_of(value: Any) -> Any:
    """Return a value as an array of floating point numbers (or of truth values), or None where it is none."""
    if isinstance(value, np.ndarray | np.generic | float | int):
        array = np.asarray(value)
        return array if array.dtype.kind in "fbiu" else None
    return None
