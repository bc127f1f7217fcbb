"""The single changes of a formula that undo the mistakes people make, family by family, the most likely first."""

from __future__ import annotations

import ast
import copy
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgradnp.verify.judgement import Cause
from microgradnp.verify.meaning import PARTS, SLOPES, UNNAMED, Meaning, close, is_mask, proportional
from microgradnp.verify.source import Program, Site, array_of, called_name

Array = Any
PRODUCT = (ast.Mult, ast.Div)
SUM = (ast.Add, ast.Sub)
REDUCTIONS = ("sum", "mean")
#: Functions that people take for each other.
FAMILIES = (
    ("sin", "cos"),
    ("exp", "log", "sqrt", "square", "abs"),
    ("tanh", "sinh", "cosh"),
    ("maximum", "minimum", "multiply", "add", "subtract"),
    ("argmax", "argmin"),
    ("max", "min", "sum"),
    ("dot", "matmul", "multiply", "outer"),
    ("log", "log1p"),
    ("exp", "expm1"),
)
SHIFTS = ("roll", "flip", "flipud", "fliplr", "shift")


@dataclass
class Edit:
    """One change of a formula.

    Attributes
    ----------
    rank : float
        How far-fetched the mistake is that it undoes.
    cause : Cause or callable
        Found out only for the edits that work.
    site : Site or None
        The expression that is changed; None for a statement.
    new : str
        What it should be; `_v` stands for its value.
    text : str
        What was done wrong, completing "`dW` equals the right answer ..." or "`dW` is right if ...".
    statement : tuple, optional
        The number of the statement to be replaced, and by what.
    solve : bool
        Whether a constant factor is to be solved for.
    """

    rank: float
    cause: Cause | Callable[[], Cause]
    site: Site | None
    new: str
    text: str
    statement: tuple[int, list[ast.stmt]] | None = None
    solve: bool = False


class Editor:
    """Knows a function and its values at one input, and yields the edits of it.

    Parameters
    ----------
    program : Program
    values : dict
        What every site was when the function ran.
    meaning : Meaning
    names : dict
        What an edit can use: the function's arguments and the quantities of the forward pass.
    hidden : dict of str to str
        Names of values that the user has no name for, and what to call them in words.
    """

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
        variables = {t: v[()] for t, v in self.by_text.items() if t.isidentifier()}
        self.scope = {"np": np, **program.scope, **names, **variables}
        self.focus({s.key for s in program.sites})
        self._bases: list[str] | None = None

    def focus(self, keys: set[int]) -> None:
        """Edit only these sites."""
        self.sites = [s for s in self.program.sites if s.key in self.value and s.key in keys]
        self.numbers = [s for s in self.sites if not isinstance(s.parent, ast.keyword)]

    def families(self) -> tuple[Callable[[], Iterator[Edit]], ...]:
        """Return the families of edits, the usual mistakes first."""
        return (
            self.signs, self.transposes, self.operators, self.reductions, self.missing_sums, self.calls,
            self.subscripts, self.statements,
            self.comparisons, self.constants, self.exchanged_names, self.missing_slopes,
            self.missing_factors_at_hand, self.slices, self.missing_matrices, self.einsums, self.replaced_slopes,
            self.missing_factors, self.missing_terms, self.exchanged_expressions,
        )  # fmt: skip

    # -- what stands where

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

    # -- families

    def signs(self) -> Iterator[Edit]:
        """Yield turned signs: of all, of a term, of a difference."""
        for s in self.floats():
            if isinstance(s.node, ast.UnaryOp) and isinstance(s.node.op, ast.USub):
                yield Edit(0.1, Cause.SIGN, s, ast.unparse(s.node.operand), "")
            elif self.maximal(s, (*PRODUCT, ast.MatMult)) and not isinstance(s.node, ast.Constant):
                whole = isinstance(s.parent, ast.Return)
                yield Edit(0.05 if whole else 0.15, Cause.SIGN, s, "-_v", "with the sign turned" if whole else "")
            if isinstance(s.node, ast.BinOp) and isinstance(s.node.op, SUM):
                a, b = ast.unparse(s.node.left), ast.unparse(s.node.right)
                minus = isinstance(s.node.op, ast.Sub)
                yield Edit(0.1, Cause.SIGN, s, f"{a} + ({b})" if minus else f"{a} - ({b})", "")
                yield Edit(0.1, Cause.SIGN, s, f"({b}) - ({a})", "")

    def transposes(self) -> Iterator[Edit]:
        """Yield transposes too many and too few, and operands in the wrong order."""
        for s in self.numbers:
            value = self.value[s.key]
            if isinstance(s.node, ast.Attribute) and s.node.attr == "T":
                yield Edit(0.1, Cause.TRANSPOSE, s, ast.unparse(s.node.value), "")
            elif value.ndim == 2 and not isinstance(s.node, ast.Constant):
                yield Edit(0.15, Cause.TRANSPOSE, s, "_v.T", "")
            elif value.ndim > 2 and value.shape[-1] == value.shape[-2]:
                yield Edit(0.3, Cause.TRANSPOSE, s, "np.swapaxes(_v, -1, -2)", "")
            a, b = operands_of(s.node)
            if a and isinstance(s.node, ast.Call | ast.BinOp) and is_product(s.node):
                yield Edit(0.2, Cause.TRANSPOSE, s, f"({b}) @ ({a})", "")
                yield Edit(0.25, Cause.TRANSPOSE, s, f"({b}).T @ ({a})", "")
                yield Edit(0.25, Cause.TRANSPOSE, s, f"({b}) @ ({a}).T", "")
                yield Edit(0.25, Cause.TRANSPOSE, s, f"({b}).T @ ({a}).T", "")

    def operators(self) -> Iterator[Edit]:
        """Yield other operators, and operands too many."""
        for s in self.numbers:
            node = s.node
            a, b = operands_of(node)
            if not a:
                continue
            x, y = (self.of(n) for n in operand_nodes(node))
            if is_product(node):
                yield Edit(0.1, Cause.MATMUL_VS_ELEMENTWISE, s, f"({a}) * ({b})", "")
                continue
            if not isinstance(node, ast.BinOp):
                if called_name(node) == "multiply":
                    yield Edit(0.1, Cause.MATMUL_VS_ELEMENTWISE, s, f"({a}) @ ({b})", "")
                continue
            left, right = operand_nodes(node)
            if isinstance(node.op, ast.Mult):
                for product in (f"({a}) @ ({b})", f"({a}) @ ({b}).T", f"({a}).T @ ({b})", f"({b}) @ ({a})"):
                    if x is not None and y is not None and x.ndim and y.ndim:
                        rank = 0.12 if x.ndim + y.ndim > 2 else 0.25  # of two vectors a sum is left out, rather
                        yield Edit(rank, Cause.MATMUL_VS_ELEMENTWISE, s, product, "")
                for one, other_one, first in ((a, right, True), (b, left, False)):  # dZ * W.sum(axis=1) for dZ @ W.T
                    if isinstance(other_one, ast.Call) and called_name(other_one) in (*REDUCTIONS, "diag", "diagonal"):
                        inner_one = reduced_operand(other_one)
                        for form in ("({}) @ ({})", "({}) @ ({}).T", "({}).T @ ({})") if inner_one else ():
                            both = (one, inner_one) if first else (inner_one, one)
                            yield Edit(0.12, Cause.MATMUL_VS_ELEMENTWISE, s, form.format(*both), "")
            if isinstance(node.op, PRODUCT):
                other = "/" if isinstance(node.op, ast.Mult) else "*"
                yield Edit(0.2, self.factor_cause(right, Cause.MISSING_FACTOR), s, f"({a}) {other} ({b})", "")
                yield Edit(0.1, self.factor_cause(right, Cause.EXTRA_ACTIVATION_DERIVATIVE), s, a, self.too_many(b))
                inner = operand_nodes(left) if isinstance(left, ast.BinOp) and isinstance(left.op, PRODUCT) else ()
                if inner and isinstance(left.op, ast.Mult):  # type: ignore[attr-defined]
                    pair = ast.unparse(ast.BinOp(inner[1], node.op, right))
                    yield Edit(0.11, self.pair_cause(pair), s, ast.unparse(inner[0]), self.too_many(pair))
                if isinstance(node.op, ast.Mult):
                    yield Edit(0.1, self.factor_cause(left, Cause.EXTRA_ACTIVATION_DERIVATIVE), s, b, self.too_many(a))
            elif isinstance(node.op, SUM):
                yield Edit(0.09, self.term_cause(right, left), s, a, f"with the term {b} too many")
                back = b if isinstance(node.op, ast.Add) else f"-({b})"
                yield Edit(0.09, self.term_cause(left, right), s, back, f"with the term {a} too many")
                yield Edit(0.3, Cause.MISSING_FACTOR, s, f"({a}) * ({b})", "")
            elif isinstance(node.op, ast.Pow):
                yield Edit(0.12, self.power_cause(node.left), s, a, "")
                for n in ("2", "3", "1"):
                    yield Edit(0.35, self.power_cause(node.left), s, f"({a})**{n}", "")

    def too_many(self, factor: str) -> str:
        """Say that there is a factor too many."""
        return f"with {factor} as one factor too many"

    def factor_cause(self, node: ast.AST, extra: Cause) -> Callable[[], Cause]:
        """Return what it is to leave a factor out (or, with `extra`, to have it in)."""

        def cause() -> Cause:
            site = self.by_node.get(id(node))
            role = self.role(node)
            value = self.of(node)
            if role == "mask" or (value is not None and is_mask(value) and not self.meaning.slope_like(value)):
                return Cause.WRONG_MASK
            if site is not None and any(self.penalty(n) for n in site.above if isinstance(n, ast.expr)):
                return Cause.REGULARISER
            if role == "constant":
                return Cause.DOUBLE_COUNT if site is not None and self.beside_its_like(site) else Cause.SCALE
            if role == "slope" or (value is not None and self.meaning.slope_like(value)):
                return Cause.EXTRA_ACTIVATION_DERIVATIVE if extra is not Cause.MISSING_FACTOR else extra
            return Cause.MISSING_FACTOR

        return cause

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

    def pair_cause(self, text: str) -> Callable[[], Cause]:
        """Return what it is to have two factors too many."""

        def cause() -> Cause:
            try:
                value = eval(text, self.scope)
            except Exception:
                return Cause.EXTRA_ACTIVATION_DERIVATIVE
            if np.ndim(value) and self.meaning.role(value) == "mask":
                return Cause.WRONG_MASK
            return Cause.EXTRA_ACTIVATION_DERIVATIVE if self.meaning.slope_like(value) else Cause.MISSING_FACTOR

        return cause

    def term_cause(self, node: ast.AST, rest: ast.AST) -> Callable[[], Cause]:
        """Return what it is to have a term too many."""

        def cause() -> Cause:
            if self.penalty(node):
                return Cause.REGULARISER
            value, kept = self.of(node), self.of(rest)
            if value is not None and kept is not None:
                for quantity, gradient in self.meaning.gradients.items():
                    drifted = proportional(value, gradient) or (value.ndim == 2 and proportional(value.T, gradient))
                    known = self.names.get(quantity)
                    if (
                        drifted
                        and known is not None
                        and (np.array_equal(known, kept) or np.array_equal(np.transpose(known), kept))
                    ):
                        return Cause.STALE_VALUE
            return Cause.DOUBLE_COUNT

        return cause

    def power_cause(self, base: ast.AST) -> Callable[[], Cause]:
        """Return what it is to have taken a power."""
        residual = isinstance(base, ast.BinOp) and isinstance(base.op, ast.Sub)
        return lambda: (
            Cause.EXTRA_ACTIVATION_DERIVATIVE
            if self.role(base) in ("slope", "half slope")
            else Cause.WRONG_LOSS
            if residual
            else Cause.SCALE
            if self.role(base) == "constant" and any(np.ndim(own) for own in self.meaning.own.values())
            else Cause.MISSING_FACTOR
        )

    def reductions(self) -> Iterator[Edit]:
        """Yield other axes, sums for means, kept axes, sums too many."""
        for s in self.numbers:
            node = s.node
            name = called_name(node)
            if not isinstance(node, ast.Call) or name not in REDUCTIONS:
                continue
            inner = (
                node.func.value
                if isinstance(node.func, ast.Attribute) and self.of(node.func.value) is not None
                else node.args[0]
                if node.args
                else None
            )
            if inner is None:
                continue
            x = self.of(inner)
            if x is None:
                continue
            text = ast.unparse(inner)
            yield Edit(0.3, Cause.AXIS, s, text, f"`{s.text}` should be `{text}`")
            now = self.value[s.key]
            for axis, keep, function in itertools.product([None, *range(x.ndim)], (False, True), REDUCTIONS):
                with np.errstate(all="ignore"):
                    try:
                        same = np.array_equal(getattr(np, name)(x, axis=axis, keepdims=keep), now)
                        reshaped = (
                            not same
                            and getattr(np, name)(x, axis=axis).size == now.size
                            and np.array_equal(np.ravel(getattr(np, name)(x, axis=axis)), np.ravel(now))
                        )
                    except (ValueError, TypeError):
                        continue
                if same and function == name:
                    continue
                cause = Cause.SCALE if same else Cause.SHAPE if reshaped and function == name else Cause.AXIS
                options = f", axis={axis}{', keepdims=True' if keep else ''}"
                yield Edit(0.1 if function == name or same else 0.3, cause, s, f"np.{function}({text}{options})", "")

    def calls(self) -> Iterator[Edit]:
        """Yield another function, and functions too many."""
        for s in self.numbers:
            if not isinstance(s.node, ast.Call) or called_name(s.node) in REDUCTIONS or not s.node.args:
                continue
            name, first = called_name(s.node), s.node.args[0]
            x = self.of(first)
            if x is not None and x.shape == self.value[s.key].shape:
                cause = (
                    Cause.SHIFTED_INDEX
                    if name in SHIFTS
                    else Cause.WRONG_LOSS
                    if name in ("sign", "abs", "square")
                    else Cause.SURROGATE_DERIVATIVE
                )
                if name in ("ones_like", "full_like"):
                    cause = Cause.UPSTREAM_IGNORED
                yield Edit(0.12, self.call_cause(s, cause), s, ast.unparse(first), "")
            for family in FAMILIES:
                if name in family:
                    for other in family:
                        if other != name:
                            new = f"np.{other}({', '.join(map(ast.unparse, s.node.args))})"
                            product = name in ("dot", "matmul", "multiply", "outer")
                            yield Edit(
                                0.3,
                                Cause.MATMUL_VS_ELEMENTWISE if product else Cause.DERIVATIVE_AT_WRONG_PLACE,
                                s,
                                new,
                                "",
                            )
        for s in self.program.sites:  # ones_like(delta) where delta belongs
            if (
                isinstance(s.node, ast.Call)
                and called_name(s.node) in ("ones_like", "zeros_like")
                and s.node.args
                and s.key in self.value
            ):
                ignored = called_name(s.node) == "ones_like"
                yield Edit(
                    0.1,
                    Cause.UPSTREAM_IGNORED if ignored else Cause.MISSING_GRADIENT,
                    s,
                    ast.unparse(s.node.args[0]),
                    "",
                )

    def call_cause(self, s: Site, usual: Cause) -> Callable[[], Cause]:
        """Return what it is to have called a function too many: in a derivative, to have taken it at the wrong place."""

        def cause() -> Cause:
            if usual is Cause.SURROGATE_DERIVATIVE:
                for node in s.above[:3]:
                    value = self.of(node)
                    if value is not None and np.ndim(value) and self.meaning.misplaced(value):
                        return Cause.DERIVATIVE_AT_WRONG_PLACE
            return usual

        return cause

    def subscripts(self) -> Iterator[Edit]:
        """Yield indices off by one, and other entries of the same container."""
        for s in self.numbers:
            node = s.node
            if not isinstance(node, ast.Subscript):
                continue
            base, index = ast.unparse(node.value), node.slice
            text = ast.unparse(index)
            if isinstance(index, ast.Constant) and isinstance(index.value, str):
                container = self.names.get(base)
                if isinstance(container, Mapping):
                    for key, value in container.items():
                        if key != index.value and np.shape(value) == self.value[s.key].shape:
                            yield Edit(0.3, self.operand_cause(s, base, ""), s, f"{base}[{key!r}]", "")
                continue
            if isinstance(index, ast.Constant | ast.UnaryOp):
                for offset in (1, -1):
                    yield Edit(
                        0.3,
                        self.operand_cause(s, "", "", shifted=False),
                        s,
                        f"{base}[{ast.unparse(index)} + {offset}]",
                        "",
                    )
                continue
            parts = index.elts if isinstance(index, ast.Tuple) else [index]
            for k, part in enumerate(parts):
                if isinstance(part, ast.Name | ast.BinOp):
                    for step in ("+ 1", "- 1"):
                        shown = [ast.unparse(p) if j != k else f"{ast.unparse(p)} {step}" for j, p in enumerate(parts)]
                        yield Edit(0.2, Cause.SHIFTED_INDEX, s, f"{base}[{', '.join(shown)}]", "")
            if len(parts) == 2 and all(isinstance(p, ast.Name) for p in parts):
                yield Edit(0.15, Cause.TRANSPOSE, s, f"{base}[{ast.unparse(parts[1])}, {ast.unparse(parts[0])}]", "")
            if isinstance(index, ast.Name | ast.BinOp):
                for other in ("0", "-1"):
                    yield Edit(0.5, Cause.SHIFTED_INDEX, s, f"{base}[{other}]", "")
            if text and isinstance(index, ast.Tuple) and len(parts) == 2:
                loops = {n.id for n in ast.walk(index) if isinstance(n, ast.Name)}
                for k, other in itertools.product(range(2), sorted(loops)):
                    shown = [ast.unparse(p) if j != k else other for j, p in enumerate(parts)]
                    yield Edit(0.3, Cause.SHIFTED_INDEX, s, f"{base}[{', '.join(shown)}]", "")

    def statements(self) -> Iterator[Edit]:
        """Yield accumulations overwritten or missing, values changed before they are used, loops cut short."""
        for k, (statement, part) in enumerate(self.program.statements):
            if isinstance(statement, ast.AugAssign):
                here = ast.unparse(statement)
                target, value = ast.unparse(statement.target), ast.unparse(statement.value)
                given = self.is_given(statement.target)
                cause: Cause | Callable[[], Cause] = (
                    Cause.STALE_VALUE if given else self.term_cause(statement.value, statement.value)
                )
                yield Edit(0.12, cause, None, "", f"it is right without `{here}`", (k, [ast.Pass()]))
                for op, sign in ((ast.Sub, "-"), (ast.Add, "+")):
                    if not isinstance(statement.op, op):
                        new = ast.parse(f"{target} {sign}= {value}").body
                        yield Edit(0.12, Cause.SIGN, None, "", f"`{here}` should be `{ast.unparse(new[0])}`", (k, new))
                new = ast.parse(f"{target} = {value}").body
                yield Edit(0.2, Cause.DOUBLE_COUNT, None, "", f"`{here}` should be `{ast.unparse(new[0])}`", (k, new))
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                target, here = ast.unparse(statement.targets[0]), ast.unparse(statement)
                if self.is_given(statement.targets[0]) or self.bound_before(k, target):
                    stale = (
                        Cause.STALE_VALUE
                        if self.is_given(statement.targets[0]) or target in ast.unparse(statement.value)
                        else Cause.DOUBLE_COUNT
                    )
                    yield Edit(0.12, stale, None, "", f"it is right without `{here}`", (k, [ast.Pass()]))
                if self.bound_before(k, target):
                    new = ast.parse(f"{target} = {target} + ({ast.unparse(statement.value)})").body
                    yield Edit(
                        0.15,
                        Cause.MISSING_TERM,
                        None,
                        "",
                        f"`{here}` overwrites what was there: it should add to it",
                        (k, new),
                    )
                    new = ast.parse(f"{target} = {target} * ({ast.unparse(statement.value)})").body
                    yield Edit(
                        0.3,
                        Cause.MISSING_FACTOR,
                        None,
                        "",
                        f"`{here}` overwrites what was there: it should multiply it",
                        (k, new),
                    )
            if isinstance(statement, ast.For):
                yield from self.loops(k, statement)
            self._part = part

    def loops(self, k: int, loop: ast.For) -> Iterator[Edit]:
        """Yield loops that run one turn more or less."""
        iterator = ast.unparse(loop.iter)
        ranges = [n for n in ast.walk(loop.iter) if isinstance(n, ast.Call) and called_name(n) == "range"]
        for call in ranges:
            for j, _argument in enumerate(call.args):
                for step in (" + 1", " - 1"):
                    new = iterator.replace(
                        ast.unparse(call),
                        f"range({', '.join(ast.unparse(a) + (step if i == j else '') for i, a in enumerate(call.args))})",
                    )
                    changed = ast.For(loop.target, ast.parse(new, mode="eval").body, loop.body, loop.orelse)
                    yield Edit(
                        0.2,
                        Cause.MISSING_TERM,
                        None,
                        "",
                        f"`for {ast.unparse(loop.target)} in {iterator}` should run over `{new}`",
                        (k, [changed]),
                    )

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

    def constants(self) -> Iterator[Edit]:
        """Yield wrong constants, solved for: of all, of a factor, of a term."""
        for s in self.floats():
            top = self.maximal(s, (*PRODUCT, ast.MatMult))
            if isinstance(s.node, ast.Constant):
                if isinstance(s.parent, ast.BinOp):
                    if isinstance(s.parent.op, PRODUCT):
                        yield Edit(0.2, self.scale_cause(s), s, "", "", solve=True)
                    for step in (1, -1):
                        yield Edit(0.4, Cause.SCALE, s, f"_v + {step}", "")
            elif top and isinstance(
                s.node, ast.BinOp | ast.Call | ast.Name | ast.Subscript | ast.Attribute | ast.UnaryOp
            ):
                whole = isinstance(s.parent, ast.Return)
                yield Edit(0.2 if whole else 0.3, self.scale_cause(s), s, "", "", solve=True)

    def scale_cause(self, s: Site) -> Callable[[], Cause]:
        """Return what it is to have a wrong constant at a site."""
        return lambda: Cause.REGULARISER if any(self.penalty(n) for n in [s.node, *s.above[:3]]) else Cause.SCALE

    def comparisons(self) -> Iterator[Edit]:
        """Yield inverted masks."""
        for s in self.program.sites:
            if isinstance(s.node, ast.Compare) and len(s.node.ops) == 1 and s.key in self.value:
                a, b = ast.unparse(s.node.left), ast.unparse(s.node.comparators[0])
                for op in (">", "<", ">=", "<=", "==", "!="):
                    yield Edit(0.1 + (op in (">=", "<=")) * 0.1, Cause.WRONG_MASK, s, f"({a} {op} {b})", "")
            value = self.value.get(s.key)
            gate = value is not None and value.ndim and is_mask(value)
            if gate and (value.dtype.kind == "b" or self.role(s.node) in ("mask", "slope")):  # type: ignore[union-attr]
                yield Edit(0.2, Cause.WRONG_MASK, s, "(1.0 * (_v == 0)) * np.max(_v)", "")
                yield Edit(0.2, Cause.WRONG_MASK, s, "1 - _v", "")

    # -- what is missing

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
        variables: dict[str, None] = {}
        for node in ast.walk(self.program.trees[0]):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                variables[node.id] = None
            if (
                isinstance(node, ast.Subscript | ast.Attribute)
                and isinstance(node.ctx, ast.Load)
                and self.of(node) is not None
            ):
                found[ast.unparse(node)] = None
        loops = [
            n.target.id
            for n in ast.walk(self.program.trees[0])
            if isinstance(n, ast.For) and isinstance(n.target, ast.Name)
        ]
        for name, value in self.names.items():
            plain = name.isidentifier() and name not in found and name not in self.hidden
            if plain and isinstance(value, np.ndarray | float | np.generic):
                found[name] = None
            entries = isinstance(value, list | tuple) and all(
                isinstance(v, np.ndarray | float | np.generic) for v in value
            )
            stack = isinstance(value, np.ndarray) and value.ndim > 2
            if loops and (stack or (entries and len(value) > 1)):
                for loop, step in itertools.product(loops, ("", " + 1", " - 1")):
                    found[f"{name}[{loop}{step}]"] = None
        for name in variables:
            found.setdefault(name)
        return list(found)

    def shapes_fit(self, text: str, site: Site) -> bool:
        """Return whether a factor could stand at a site, as far as its shape is known."""
        value = self.known(text)
        if value is None:
            return True
        if isinstance(value, list | tuple | dict):
            return False
        shape, here = np.shape(value), self.value[site.key].shape
        try:
            return np.broadcast_shapes(shape, here) in (here, shape)
        except ValueError:
            return False

    def places(self) -> list[Site]:
        """Return where a factor or term can be missing: the largest products, and what is multiplied as matrices."""
        return [
            s
            for s in self.floats()
            if self.maximal(s, PRODUCT)
            and not isinstance(s.node, ast.Constant)
            and not (isinstance(s.parent, ast.BinOp) and isinstance(s.parent.op, ast.Pow))
        ]

    def missing_slopes(self) -> Iterator[Edit]:
        """Yield the derivative of an activation left out."""
        known = [(h, h, self.names.get(h)) for h in self.hidden if h.startswith("_slope")]
        activations = {n for pair in self.meaning.pairs() for n in pair}
        activations |= {
            n for n, node in self.meaning.graph.names.items() if node.parents and node.primitive.elementwise
        }
        bases = [b for b in self.bases() if b in activations or b in self.by_text or "[" in b]
        made = [(f.format(a=b), b, None) for b in bases for f in SLOPES[:4]]
        helpers = {
            called_name(s.node): None
            for s in self.sites
            if isinstance(s.node, ast.Call)
            and s.part == 0
            and called_name(s.node) in self.program.scope
            and len(s.node.args) == 1
        }
        made += [
            (f"{h}({b})", b, None) for h in helpers for b in bases if h not in ("len", "abs", "sum", "float", "int")
        ]
        for (text, base, _), s in itertools.product(known + made, self.places()):
            if self.shapes_fit(base, s):
                usual = base in self.hidden or "[" in base or base in activations or f"{base}({base})" in text
                yield Edit(0.2 if usual else 0.45, self.slope_cause(text), s, f"_v * ({text})", self.left_out(text))

    def slope_cause(self, text: str) -> Callable[[], Cause]:
        """Return what it is to leave out what looks like the derivative of an activation."""

        def cause() -> Cause:
            try:
                with np.errstate(all="ignore"):
                    value = eval(text, self.scope)
            except Exception:  # it is known only inside a loop
                return Cause.MISSING_ACTIVATION_DERIVATIVE
            array = array_of(value)
            if array is None:
                return Cause.MISSING_ACTIVATION_DERIVATIVE
            role = self.meaning.role(array)
            # of a rectified quantity after its dropout: (d > 0) is the mask as well
            masked = role != "slope" and is_mask(array) and any(within(array, m) for m in self.meaning.masks)
            return Cause.WRONG_MASK if role == "mask" or masked else Cause.MISSING_ACTIVATION_DERIVATIVE

        return cause

    def left_out(self, text: str) -> str:
        """Say that a factor is missing."""
        shown = self.hidden.get(text, text)
        if shown.startswith("(1 - "):
            return f"with the factor {shown[1:-1]} left out"
        return f"with {shown} left out" if shown.startswith("the derivative") else f"with the factor {shown} left out"

    def inserted_cause(self, text: str, site: Site) -> Callable[[], Cause]:
        """Return what it is to leave out a factor."""

        def cause() -> Cause:
            try:
                with np.errstate(all="ignore"):
                    value = eval(text, self.scope)
            except Exception:  # it is known only inside a loop
                return Cause.MISSING_FACTOR
            role = self.meaning.role(value) if array_of(value) is not None else "array"
            if any(self.penalty(n) for n in [site.node, *site.above[:3]]) or self.becomes_penalty(site, value):
                return Cause.REGULARISER
            if role == "constant" and self.is_quantity(text):
                return Cause.MISSING_FACTOR
            if text.startswith("_gradient"):
                return Cause.UPSTREAM_IGNORED
            return {
                "slope": Cause.MISSING_ACTIVATION_DERIVATIVE,
                "mask": Cause.WRONG_MASK,
                "gradient": Cause.UPSTREAM_IGNORED,
                "constant": Cause.SCALE,
            }.get(role, Cause.MISSING_FACTOR)

        return cause

    def becomes_penalty(self, site: Site, factor: Any) -> bool:
        """Return whether a site times a factor is a penalty, as a term of a sum."""
        here = self.value[site.key]
        if array_of(factor) is None or not isinstance(site.parent, ast.BinOp | ast.AugAssign):
            return False
        return not here.ndim and any(proportional(here * factor, own) for own in self.meaning.own.values())

    def is_quantity(self, text: str) -> bool:
        """Return whether a number is a quantity in a chain of numbers, rather than a constant."""
        if any(np.ndim(own) for own in self.meaning.own.values()) or text not in self.names:
            return False
        return text in self.meaning.graph.names or text in {a.arg for a in self.program.trees[0].args.args}

    def missing_factors_at_hand(self) -> Iterator[Edit]:
        """Yield a factor left out that stands elsewhere in the function."""
        yield from self.left_out_factors(PARTS[:2], [b for b in self.bases() if b in self.by_text])

    def missing_matrices(self) -> Iterator[Edit]:
        """Yield a matrix left out of a product."""
        matrices = [(b, self.known(b)) for b in self.bases()]
        for s in self.floats():
            value = self.value[s.key]
            if value.ndim != 2 or not isinstance(s.node, ast.Name | ast.BinOp | ast.Subscript):
                continue
            for base, matrix in matrices:
                if not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or matrix.dtype.kind != "f":
                    continue
                for side, size in enumerate(matrix.shape):  # summed over this axis of the matrix
                    turned = (f"({base}).T", f"({base})")
                    if size == value.shape[0]:
                        yield Edit(0.4, Cause.MISSING_FACTOR, s, f"{turned[side]} @ (_v)", "")
                    if size == value.shape[1]:
                        yield Edit(0.4, Cause.MISSING_FACTOR, s, f"(_v) @ {turned[1 - side]}", "")

    def slices(self) -> Iterator[Edit]:
        """Yield the whole of what only a part was taken of, in one operand or in both."""
        for s in self.floats():
            if not isinstance(s.node, ast.BinOp | ast.Subscript | ast.Call):
                continue
            parts = [n for n in ast.walk(s.node) if is_slice(n)]
            if parts and (len(parts) <= 2 or s.node in parts):
                whole = Unsliced().visit(copy.deepcopy(s.node))
                yield Edit(0.25, Cause.SHIFTED_INDEX, s, ast.unparse(whole), "")

    def missing_factors(self) -> Iterator[Edit]:
        """Yield any other factor left out."""
        yield from self.left_out_factors(PARTS, self.bases())

    def left_out_factors(self, forms: Sequence[str], bases: Sequence[str]) -> Iterator[Edit]:
        """Yield factors left out, made of some quantities in some forms."""
        places = self.places()
        for form, base in itertools.product(forms, bases):
            text = form.format(a=base)
            rank = 0.3 if form in PARTS[:2] else 0.5
            for s in places:
                if self.shapes_fit(base, s):
                    yield Edit(rank, self.inserted_cause(text, s), s, f"_v * ({text})", self.left_out(text))
        for name in self.hidden:
            if name.startswith("_gradient"):
                for s in places:
                    if self.shapes_fit(name, s):
                        yield Edit(0.4, Cause.UPSTREAM_IGNORED, s, f"_v * {name}", self.left_out(name))

    def missing_terms(self) -> Iterator[Edit]:
        """Yield a term left out: a penalty, what another path brings, a quantity."""
        names = [*(h for h in self.hidden if h.startswith("_term")), *self.bases()]
        numbers = [n for n, v in self.names.items() if isinstance(v, float) and n.isidentifier() and n[0] != "_"]
        places = [s for s in self.floats() if self.maximal(s, SUM) and not isinstance(s.node, ast.Constant)]
        own = [
            n for n, v in self.meaning.arrays.items() if any(np.array_equal(v, o) for o in self.meaning.own.values())
        ]
        terms = [(n, 0.31 if n in self.hidden else 0.3) for n in names]  # by the user's own name, where there is one
        terms += [
            (f"{c}{lam} * {f}", 0.25)
            for n in own
            if n.isidentifier()
            for lam in numbers
            for c in ("", "2 * ")
            for f in (n, f"np.sign({n})")
        ]
        for (text, rank), s in itertools.product(terms, places):
            base = text.rpartition(" ")[2]
            if not self.shapes_fit(base, s) or (
                rank == 0.3 and text not in self.hidden and not self.same_shape(text, s)
            ):
                continue
            said = self.hidden.get(text, text)
            if rank == 0.3 and text not in self.hidden:
                yield Edit(
                    0.35,
                    self.missing_term_cause(text),
                    s,
                    f"_v + _c * ({text})",
                    f"with a term _c * {said} left out",
                    solve=True,
                )
            for sign in "+-":
                yield Edit(
                    rank,
                    self.missing_term_cause(text),
                    s,
                    f"_v {sign} ({text})",
                    f"with the term {'-' if sign == '-' else ''}{self.hidden.get(text, text)} left out",
                )

    def same_shape(self, text: str, site: Site) -> bool:
        """Return whether a named value has the shape of a site, as far as it is known."""
        value = self.known(text)
        return value is None or (
            not isinstance(value, list | tuple | dict) and np.shape(value) == self.value[site.key].shape
        )

    def missing_term_cause(self, text: str) -> Callable[[], Cause]:
        """Return what it is to leave out a term."""

        def cause() -> Cause:
            try:
                value = eval(text, self.scope)
            except Exception:
                return Cause.MISSING_TERM
            return Cause.REGULARISER if self.meaning.role(value) == "penalty" else Cause.MISSING_TERM

        return cause

    def missing_sums(self) -> Iterator[Edit]:
        """Yield a sum or mean left out, where something was broadcast."""
        for s in self.floats():
            value = self.value[s.key]
            for axis, keep, name in itertools.product(range(value.ndim), (False, True), REDUCTIONS):
                yield Edit(
                    0.2 if name == "sum" else 0.4,
                    Cause.BROADCAST,
                    s,
                    f"np.{name}(_v, axis={axis}{', keepdims=True' if keep else ''})",
                    "",
                )

    # -- what is something else

    def exchanged_names(self) -> Iterator[Edit]:
        """Yield another quantity in the place of one."""
        bases = self.bases()
        used = {a.arg for a in self.program.trees[0].args.args} | set(self.by_text)
        pairs = self.meaning.pairs()
        for s in self.numbers:
            if not isinstance(s.node, ast.Name | ast.Attribute | ast.Subscript) or (
                isinstance(s.node, ast.Attribute) and s.node.attr == "T"
            ):
                continue
            for other in bases:
                if other != s.text and self.same_shape(other, s):
                    # of what the function does not even use, something left out is the likelier mistake
                    rank = 0.3 if other in used or "[" in other else 0.32
                    if (s.text, other) in pairs:  # z for max(z, 0), which is no left out (z > 0)
                        rank = 0.15
                    yield Edit(rank, self.operand_cause(s, s.text, other), s, other, "")
        # a gradient of another formula of the user's, in the place of what the function was given; that a variable of the
        # function should have been the true gradient would say no more than that it is wrong
        hidden = [h for h, said in self.hidden.items() if h.startswith("_gradient") and not said.startswith(UNNAMED)]
        for s in self.numbers:
            if isinstance(s.node, ast.Name | ast.Attribute | ast.Subscript) and self.is_given(s.node):
                for name in hidden:
                    if self.same_shape(name, s):
                        yield Edit(0.45, self.step_cause(s, name), s, name, "")

    def step_cause(self, s: Site, name: str) -> Callable[[], Cause]:
        """Return what it is to have used one gradient for another: a step between them was left out, if there is one."""

        def cause() -> Cause:
            here, there = (
                np.asarray(self.value[s.key], dtype=np.float64),
                np.asarray(self.names[name], dtype=np.float64),
            )
            if (
                here.shape != there.shape
                or not here.ndim
                or not any(close(here, g) for g in self.meaning.gradients.values())
            ):
                return Cause.WRONG_OPERAND
            with np.errstate(all="ignore"):
                ratio = np.where(here == 0, 0.0, there / here)
            seen = here != 0
            for slope in self.meaning.slopes:
                if slope.value.shape == ratio.shape and close(np.where(seen, slope.value, 0.0), ratio):
                    role = self.meaning.role(slope.value)
                    return Cause.WRONG_MASK if role == "mask" else Cause.MISSING_ACTIVATION_DERIVATIVE
            for mask in self.meaning.masks:
                if mask.shape == ratio.shape and self.meaning.like_mask(ratio, np.where(seen, mask, 0.0)):
                    return Cause.WRONG_MASK
            terms = [np.asarray(self.names[h]) for h in self.hidden if h.startswith("_term")]
            if any(close(term, there - here) for term in terms):
                return Cause.MISSING_TERM
            return Cause.WRONG_OPERAND

        return cause

    def operand_cause(self, s: Site, old: str, new: str, shifted: bool = False) -> Callable[[], Cause]:
        """Return what it is to have used one quantity for another."""

        def cause() -> Cause:
            value = self.of(s.node)
            names = {re.sub(r"^.*\.|[\[(].*$", "", n) for n in (old, new)}
            if old.startswith(f"{new}[") and ":" in old:  # X[::-1] for X
                return Cause.SHIFTED_INDEX
            if any(isinstance(n, ast.Compare) for n in s.above[:3]):
                return Cause.WRONG_MASK
            factor = isinstance(s.parent, ast.BinOp) and isinstance(s.parent.op, PRODUCT)
            if factor and value is not None and self.meaning.role(value) == "mask":
                return Cause.WRONG_MASK
            if s.part or self.in_slope(s) or self.makes_slope(s, new):
                pairs = self.meaning.pairs()
                if (old, new) in pairs or len(names & {n for p in pairs for n in p}) == 2 or s.part:
                    return Cause.DERIVATIVE_AT_WRONG_PLACE
            return Cause.SHIFTED_INDEX if shifted else Cause.WRONG_OPERAND

        return cause

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
            if array is not None and array.ndim and self.meaning.role(array) == "slope":
                return True
        return False

    def replaced_slopes(self) -> Iterator[Edit]:
        """Yield another derivative in the place of the activation's."""
        known = [h for h in self.hidden if h.startswith("_slope")]
        given = {a.arg for a in self.program.trees[0].args.args}
        local = [b for b in self.bases() if "[" in b or (b in self.by_text and b not in given and b not in self.names)]
        made = [(f.format(a=b), b) for b in local for f in SLOPES[:4]]
        for s in self.numbers:
            if isinstance(s.node, ast.Constant):
                continue
            value = self.value[s.key]
            role = self.meaning.role(value) if np.ndim(value) else "constant"
            rank = 0.5 if role == "half slope" else 0.25 if self.slopish(s) else 0.5
            for text, base in [*((h, h) for h in known), *made]:
                if self.same_shape(base, s):
                    yield Edit(
                        rank,
                        self.surrogate_cause(s, text),
                        s,
                        text,
                        f"with {s.text} in place of {self.hidden.get(text, text)}",
                    )
            if (
                isinstance(s.node, ast.BinOp)
                and isinstance(s.node.op, ast.Mult)
                and isinstance(s.node.left, ast.BinOp)
                and isinstance(s.node.left.op, PRODUCT)
            ):
                rest, last = (
                    s.node.left,
                    ast.unparse(s.node.right),
                )  # d * a * (1 - a): the last two factors are the slope
                a, b = ast.unparse(rest.left), ast.unparse(rest.right)
                for text, base in [*((h, h) for h in known), *made]:
                    if self.same_shape(base, s):
                        yield Edit(
                            0.26,
                            self.surrogate_of(f"({b}) * ({last})"),
                            s,
                            f"({a}) * ({text})",
                            f"with {b} * {parenthesised(last)} in place of {self.hidden.get(text, text)}",
                        )

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

    def surrogate_cause(self, s: Site, text: str) -> Callable[[], Cause]:
        """Return what it is to have used something else for the derivative of an activation."""

        def cause() -> Cause:
            value = self.value[s.key].astype(np.float64)
            if np.ndim(value) == 0 or np.ptp(value) == 0:
                return Cause.MISSING_ACTIVATION_DERIVATIVE
            if self.meaning.role(value) == "mask" or (is_mask(value) and self.gated(text)):
                return Cause.WRONG_MASK
            if self.meaning.role(value) == "half slope":
                return Cause.MISSING_FACTOR
            return Cause.DERIVATIVE_AT_WRONG_PLACE if self.meaning.misplaced(value) else Cause.SURROGATE_DERIVATIVE

        return cause

    def surrogate_of(self, text: str) -> Callable[[], Cause]:
        """Return what it is to have used an expression for the derivative of an activation."""

        def cause() -> Cause:
            try:
                value = eval(text, self.scope)
            except Exception:
                return Cause.SURROGATE_DERIVATIVE
            return Cause.DERIVATIVE_AT_WRONG_PLACE if self.meaning.misplaced(value) else Cause.SURROGATE_DERIVATIVE

        return cause

    def exchanged_expressions(self) -> Iterator[Edit]:
        """Yield quantities moved by one along an axis, and updated before they were used."""
        for s in self.numbers:
            value = self.value[s.key]
            if not isinstance(s.node, ast.Name | ast.Attribute | ast.Subscript | ast.Call) or value.dtype.kind != "f":
                continue
            for axis, step in itertools.product(range(value.ndim), (1, -1)):
                if value.shape[axis] > 1:
                    yield Edit(
                        0.4,
                        Cause.SHIFTED_INDEX,
                        s,
                        f"np.roll(_v, {step}, axis={axis})",
                        f"`{s.text}` is shifted by one along axis {axis}",
                    )

    def shrinks(self, s: Site) -> bool:
        """Return whether an einsum sums its operand."""
        assert isinstance(s.node, ast.Call)
        x = self.of(s.node.args[1])
        return x is not None and np.ndim(x) > self.value[s.key].ndim

    def einsums(self) -> Iterator[Edit]:
        """Yield exchanged letters in an einsum."""
        for s in self.numbers:
            if (
                called_name(s.node) != "einsum"
                or not isinstance(s.node, ast.Call)
                or not isinstance(s.node.args[0], ast.Constant)
            ):
                continue
            pattern = str(s.node.args[0].value)
            rest = ", ".join(ast.unparse(a) for a in s.node.args[1:])
            chunks = re.split(r"(,|->)", pattern)
            for k, chunk in enumerate(chunks):
                if not chunk.isalpha():
                    continue
                for i, j in itertools.combinations(range(len(chunk)), 2):
                    letters = list(chunk)
                    letters[i], letters[j] = letters[j], letters[i]
                    new = "".join([*chunks[:k], "".join(letters), *chunks[k + 1 :]])
                    cause = Cause.AXIS if "," not in pattern and self.shrinks(s) else Cause.TRANSPOSE
                    yield Edit(0.12, cause, s, f"np.einsum({new!r}, {rest})", "")


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


class Unsliced(ast.NodeTransformer):
    """Takes the slices off an expression."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Leave the array whole."""
        self.generic_visit(node)
        return node.value if is_slice(node) else node


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
