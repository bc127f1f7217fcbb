"""A formula as it was written, with what every part of it was when it ran."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from microgradnp.verify.meaning import Meaning, Slope, is_mask
from microgradnp.verify.source import Program, Site, array_of, called_name

Array = Any
PRODUCT = (ast.Mult, ast.Div)
SUM = (ast.Add, ast.Sub)
REDUCTIONS = ("sum", "mean")


class Reader:
    """Knows a function and its values at one input."""

    def __init__(
        self,
        program: Program,
        values: Mapping[int, list[Any]],
        meaning: Meaning,
        names: Mapping[str, Any],
        hidden: Mapping[str, str],
    ) -> None:
        self.program, self.meaning, self.names, self.hidden = program, meaning, names, hidden
        self.value: dict[int, Array] = {}
        for key, seen in values.items():
            first = next((array_of(v) for v in seen if array_of(v) is not None), None)
            if first is not None:
                self.value[key] = first
        self.by_node = {id(s.node): s for s in program.sites}
        self.by_text = {
            s.text: self.value[s.key] for s in reversed(program.sites) if s.key in self.value and s.part == 0
        }
        for statement, part in program.statements:  # variables that are never used
            if part == 0 and isinstance(statement, ast.Assign):
                value = self.of(statement.value)
                for target in statement.targets:
                    if isinstance(target, ast.Name) and value is not None:
                        self.by_text.setdefault(target.id, value)
        variables = {t: v[()] for t, v in self.by_text.items() if t.isidentifier()}
        self.scope = {"np": np, **program.scope, **names, **variables}
        self.focus({s.key for s in program.sites})
        self._bases: list[str] | None = None

    def focus(self, keys: set[int]) -> None:
        """Edit only these sites."""
        self.sites = [s for s in self.program.sites if s.key in self.value and s.key in keys]
        self.numbers = [s for s in self.sites if not isinstance(s.parent, ast.keyword)]

    def of(self, node: ast.AST) -> Array:
        """Return the value of an expression, or None."""
        site = self.by_node.get(id(node))
        return None if site is None else self.value.get(site.key)

    def role(self, node: ast.AST) -> str:
        """Return what an expression is."""
        value = self.of(node)
        return "unknown" if value is None else self.meaning.role(value)

    def maximal(self, site: Site, operators: tuple[type, ...]) -> bool:
        """Return whether a site is no operand of a larger product (or sum)."""
        parent = site.parent
        return not (isinstance(parent, ast.BinOp) and isinstance(parent.op, operators)) and not (
            isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.USub)
        )

    def in_slope(self, site: Site) -> bool:
        """Return whether a site stands in the derivative of an activation."""
        here: list[ast.AST] = [site.node, *itertools.takewhile(lambda n: isinstance(n, ast.expr), site.above)]
        for node in here:
            value = self.of(node)
            if (
                value is not None
                and np.ndim(value)
                and (self.meaning.slope_like(value) or self.meaning.misplaced(value))
            ):
                return True
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
                return False
        return site.part > 0

    def penalty(self, node: ast.AST) -> bool:
        """Return whether an expression is a term, and a multiple of the quantity that the claim is about."""
        site = self.by_node.get(id(node))
        if site is None or (isinstance(site.parent, ast.BinOp) and isinstance(site.parent.op, PRODUCT)):
            return False
        return self.role(node) == "penalty"

    def floats(self) -> list[Site]:
        """Return the sites that hold floating point numbers."""
        return [s for s in self.numbers if self.value[s.key].dtype.kind == "f" or isinstance(s.node, ast.Constant)]

    def bases(self) -> list[str]:
        """Return what a factor could be made of, found once."""
        if self._bases is None:
            self._bases = self._found_bases()
        return self._bases

    def known(self, text: str) -> Any:
        """Return the value of a name or expression, as far as it is known; of the first turn of a loop."""
        value = self.by_text.get(text)
        return self.names.get(text) if value is None else value

    def _found_bases(self) -> list[str]:
        """Return what a factor could be made of: the function's arguments, its variables and entries of lists, quantities."""
        found = dict.fromkeys(a.arg for a in self.program.trees[0].args.args)
        for node in ast.walk(self.program.trees[0]):
            if (
                isinstance(node, ast.Subscript | ast.Attribute)
                and isinstance(node.ctx, ast.Load)
                and self.of(node) is not None
            ):
                found[ast.unparse(node)] = None
        loops = self.loop_names()
        text = ast.unparse(self.program.trees[0])  # what a loop's variable numbers: the first index of something
        first = [v for v in loops if re.search(rf"\[{v}\b", text) and not np.ndim(self.by_text.get(v, 0))]
        for name, value in self.names.items():
            if name in self.hidden:
                continue
            plain = name.isidentifier() and name not in found
            if plain and isinstance(value, np.ndarray | float | np.generic):
                found[name] = None
            entries = isinstance(value, list | tuple) and all(
                isinstance(v, np.ndarray | float | np.generic) for v in value
            )
            stack = isinstance(value, np.ndarray) and value.ndim > 2
            if first and (stack or (entries and len(value) > 1)):
                for loop, step in itertools.product(first, ("", " + 1", " - 1")):
                    found[f"{name}[{loop}{step}]"] = None
            elif loops and name in self.meaning.arrays and name.isidentifier() and 0 < np.ndim(value) < 3:
                for index in itertools.permutations(loops, np.ndim(value)):
                    found[f"{name}[{', '.join(index)}]"] = None
        for name in self.variables():
            found.setdefault(name)
        return list(found)

    def unused(self) -> set[str]:
        """Return the arguments and variables that the function never reads: likely what was left out."""
        tree = self.program.trees[0]
        read = {
            n.id
            for t in self.program.trees
            for n in ast.walk(t)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
        }
        arguments = [a.arg for a in (*tree.args.args, *tree.args.kwonlyargs)]
        return {n for n in (*arguments, *self.variables()) if n not in read and n != "_"}

    def loop_names(self) -> list[str]:
        """Return the variables of loops and comprehensions, and the letters of a claim with indices."""
        tree = self.program.trees[0]
        loops = [n.target for n in ast.walk(tree) if isinstance(n, ast.For | ast.comprehension)]
        found = dict.fromkeys(n.id for target in loops for n in ast.walk(target) if isinstance(n, ast.Name))
        letters = [a.arg for a in tree.args.args if a.arg not in self.names and a.arg not in tree_defaults(tree)]
        return [*found, *letters][:4]

    def variables(self) -> list[str]:
        """Return the function's own variables."""
        nodes = ast.walk(self.program.trees[0])
        return list(dict.fromkeys(n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)))

    def value_of(self, text: str) -> Array | None:
        """Return the value of an expression, None where it is known only inside of a loop."""
        try:
            with np.errstate(all="ignore"):
                value = array_of(eval(text, self.scope))
        except Exception:
            return None
        return None if value is None else np.asarray(value, dtype=np.float64)

    def unlike(self, texts: Iterable[str]) -> list[str]:
        """Return expressions of which no two have the same value, and none is the same everywhere."""
        seen: set[bytes] = set()
        found = []
        loops = self.loop_names()
        for text in texts:
            fixed = not any(re.search(rf"\b{loop}\b", text) for loop in loops)  # else it is another one in every turn
            value = self.value_of(text) if fixed else None
            if value is not None and value.ndim:
                told = np.round(value, 9).tobytes() + bytes(str(value.shape), "ascii")
                if told in seen or np.all(value == value.flat[0]):
                    continue
                seen.add(told)
            found.append(text)
        return found

    def keeps_shape(self, text: str, site: Site) -> bool:
        """Return whether a factor leaves the shape of a site as it is, as far as it is known."""
        value = self.known(text)
        if value is None:
            return True
        shape, here = np.shape(value), self.value[site.key].shape
        return not isinstance(value, list | tuple | dict) and fits(shape, here) and (
            len(shape) <= len(here) and np.broadcast_shapes(shape, here) == here
        )  # fmt: skip

    def shapes_fit(self, text: str, site: Site) -> bool:
        """Return whether a factor could stand at a site, as far as its shape is known."""
        value = self.known(text)
        if value is None:
            return True
        if isinstance(value, list | tuple | dict):
            return False
        return fits(np.shape(value), self.value[site.key].shape)

    def same_shape(self, text: str, site: Site) -> bool:
        """Return whether a named value has the shape of a site, as far as it is known."""
        value = self.known(text)
        return value is None or (
            not isinstance(value, list | tuple | dict) and np.shape(value) == self.value[site.key].shape
        )

    def forms(self, base: str, node: ast.AST) -> list[str]:
        """Return a quantity as it can stand beside an expression: as it is, or as a column or row."""
        here, value = self.of(node), self.known(base)
        if here is None or (value is not None and not isinstance(value, np.ndarray | np.generic | float)):
            return []
        if value is None:
            return [base]
        shape = np.shape(value)
        found = [base] if fits(shape, here.shape) else []
        column = len(shape) == 1 and here.ndim == 2 and shape[0] == here.shape[0]
        if column and (not found or here.shape[0] == here.shape[1]):
            found.append(f"{base}[:, None]")
        return found

    def is_hit(self, site: Site, value: Array | None, sum_: bool = False) -> bool:
        """Return whether a site times (or plus) a value is a true gradient, of any step: then it is likely what is missing."""
        if value is None:
            return False
        here = self.value[site.key]
        with np.errstate(all="ignore"):
            try:
                made = here + value if sum_ else here * value
            except ValueError:
                return False
        return made in self.meaning.flows

    def slope_of(self, name: str) -> Slope:
        """Return the derivative that a hidden name stands for."""
        return self.meaning.slopes[int(name.removeprefix("_slope"))]

    def quantity(self, site: Site) -> str:
        """Return what the forward pass calls the value of a site; what it is called here, if that is nothing."""
        value = self.value[site.key]
        for name, array in self.meaning.arrays.items():
            if array.shape == value.shape and np.array_equal(array, value):
                return name
        return site.text

    def is_large(self, site: Site) -> bool:
        """Return whether a quantity has entries outside of 0 to 1, so that what is left to 1 is no quantity."""
        value = self.value[site.key]
        return bool(np.any(value < 0) or np.any(value > 1))

    def places(self) -> list[Site]:
        """Return where a factor or term can be missing: the largest products, and what is multiplied as matrices."""
        return [
            s
            for s in self.floats()
            if self.maximal(s, PRODUCT)
            and not isinstance(s.node, ast.Constant)
            and not (isinstance(s.parent, ast.BinOp) and isinstance(s.parent.op, ast.Pow))
        ]

    def is_given(self, target: ast.AST) -> bool:
        """Return whether something is a quantity that the function was given."""
        base = target
        while isinstance(base, ast.Subscript | ast.Attribute):
            base = base.value
        return isinstance(base, ast.Name) and base.id in {a.arg for a in self.program.trees[0].args.args}

    def bound_before(self, k: int, target: str) -> bool:
        """Return whether an earlier statement gives the same variable a value, or the statement is run repeatedly."""
        part = self.program.statements[k][1]
        for j, (statement, of) in enumerate(self.program.statements):
            if of != part or j == k:
                continue
            targets = (
                statement.targets
                if isinstance(statement, ast.Assign)
                else [statement.target]
                if isinstance(statement, ast.AugAssign)
                else []
            )
            for t in targets:
                if target in [ast.unparse(t), *(ast.unparse(e) for e in getattr(t, "elts", []))]:
                    return True
        return False

    def slopish(self, s: Site) -> bool:
        """Return whether a site could be meant as the derivative of an activation: a function of one quantity."""
        value = self.value[s.key]
        names = {n.id for n in ast.walk(s.node) if isinstance(n, ast.Name)} - {"np"}
        return (bool(np.ndim(value)) and (self.meaning.slope_like(value) or self.meaning.misplaced(value))) or (
            len(names - set(self.program.scope)) <= 1 and isinstance(s.node, ast.BinOp | ast.Call | ast.Compare)
        )

    def gated(self, text: str) -> bool:
        """Return whether an expression is a mask, as the derivative of a rectifier is."""
        try:
            with np.errstate(all="ignore"):
                return is_mask(eval(text, self.scope))
        except Exception:  # it is known only inside a loop
            return False

    def shrinks(self, s: Site) -> bool:
        """Return whether an einsum sums its operand."""
        assert isinstance(s.node, ast.Call)
        x = self.of(s.node.args[1])
        return x is not None and np.ndim(x) > self.value[s.key].ndim

    def is_quantity(self, text: str) -> bool:
        """Return whether a number is a quantity in a chain of numbers, rather than a constant."""
        if any(np.ndim(own) for own in self.meaning.own.values()) or text not in self.names:
            return False
        return text in self.meaning.graph.names or text in {a.arg for a in self.program.trees[0].args.args}

    def beside_its_like(self, site: Site) -> bool:
        """Return whether a factor 2 stands before one of several terms of the same make."""
        if not (isinstance(site.node, ast.Constant) and site.node.value == 2 and len(site.above) > 1):
            return False
        term, total = site.parent, site.above[1]
        if not (isinstance(total, ast.BinOp) and isinstance(total.op, ast.Add)):
            return False
        other = total.right if total.left is term else total.left
        made = [{called_name(n) for n in ast.walk(t) if isinstance(n, ast.Call)} for t in (term, other)]
        return bool(made[0]) and made[0] == made[1]

    def becomes_penalty(self, site: Site, factor: Any) -> bool:
        """Return whether a site times a factor is a penalty, as a term of a sum."""
        here = self.value[site.key]
        if array_of(factor) is None or not isinstance(site.parent, ast.BinOp | ast.AugAssign):
            return False
        return not here.ndim and self.meaning.is_penalty(here * factor)

    def makes_slope(self, s: Site, new: str) -> bool:
        """Return whether what a site stands in becomes the derivative of an activation when it is `new`."""
        for k, node in enumerate(s.above[:4]):
            if not isinstance(node, ast.expr) or k > 3:
                break
            text = ast.unparse(node)
            try:
                with np.errstate(all="ignore"):
                    value = eval(re.sub(rf"(?<![\w.]){re.escape(s.text)}(?!\w)", new, text), self.scope)
            except Exception:
                continue
            array = array_of(value)
            if array is None or not array.ndim:
                continue
            with np.errstate(all="ignore"):
                if self.meaning.role(array) == "slope" or any(self.meaning.is_bent(x) for x in (array, 1 / array)):
                    return True
        return False


def tree_defaults(tree: ast.FunctionDef) -> set[str]:
    """Return the arguments of a function that hold all the quantities at once."""
    return {a.arg for a in tree.args.args if a.arg == "cache"}


def fits(shape: tuple[int, ...], here: tuple[int, ...]) -> bool:
    """Return whether a factor of one shape can stand beside something of another."""
    try:
        return np.broadcast_shapes(shape, here) in (here, shape)
    except ValueError:
        return False


def within(value: Array, mask: Array) -> bool:
    """Return whether an array is zero wherever a mask is."""
    return value.shape == mask.shape and not np.any(value[mask == 0])


def is_slice(node: ast.AST) -> bool:
    """Return whether an expression is a part of an array, cut by a slice with bounds."""
    if not isinstance(node, ast.Subscript):
        return False
    index = node.slice
    cuts = [p for p in (index.elts if isinstance(index, ast.Tuple) else [index]) if isinstance(p, ast.Slice)]
    others = isinstance(index, ast.Tuple) and len(cuts) < len(index.elts)
    return not others and any(c.lower or c.upper or c.step for c in cuts)


def parenthesised(text: str) -> str:
    """Return an expression as it stands in a product."""
    return f"({text})" if " + " in text or " - " in text else text


def operand_nodes(node: ast.AST) -> tuple[ast.expr, ...]:
    """Return the two operands of a binary operation, written as operator, call or method; empty if it is none."""
    if isinstance(node, ast.BinOp):
        return node.left, node.right
    if isinstance(node, ast.Call) and called_name(node) in ("dot", "matmul", "multiply") and not node.keywords:
        if len(node.args) == 2:
            return tuple(node.args)
        if len(node.args) == 1 and isinstance(node.func, ast.Attribute):
            return node.func.value, node.args[0]
    return ()


def reduced_operand(call: ast.Call) -> str:
    """Return what a reduction, written as a call or a method, reduces."""
    if isinstance(call.func, ast.Attribute) and not (
        isinstance(call.func.value, ast.Name) and call.func.value.id == "np"
    ):
        return ast.unparse(call.func.value)
    return ast.unparse(call.args[0]) if call.args else ""


def operands_of(node: ast.AST) -> tuple[str, str]:
    """Return the two operands of a binary operation as text."""
    found = operand_nodes(node)
    return (ast.unparse(found[0]), ast.unparse(found[1])) if found else ("", "")


def is_product(node: ast.AST) -> bool:
    """Return whether an expression is a matrix product."""
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.MatMult)
    return called_name(node) in ("dot", "matmul")
