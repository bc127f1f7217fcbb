"""Edits of what is written: signs, transposes, operators, sums, functions, constants, comparisons."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

import numpy as np

from microgradnp.verify.causes import Causes
from microgradnp.verify.edit import Edit
from microgradnp.verify.judgement import Cause
from microgradnp.verify.meaning import is_mask
from microgradnp.verify.reading import (
    PRODUCT,
    REDUCTIONS,
    SUM,
    is_product,
    operand_nodes,
    operands_of,
    reduced_operand,
)
from microgradnp.verify.source import called_name

#: Functions that people take for each other.
FAMILIES = (
    ("sin", "cos"),
    ("exp", "log", "sqrt", "square", "abs", "sign"),
    ("tanh", "sinh", "cosh"),
    ("maximum", "minimum", "multiply", "add", "subtract"),
    ("argmax", "argmin"),
    ("max", "min", "sum"),
    ("dot", "matmul", "multiply", "outer"),
)
#: Matrix products that may have been meant by a product.
PRODUCTS = (
    "({0}) @ ({1})",
    "({0}) @ ({1}).T",
    "({0}).T @ ({1})",
    "({1}) @ ({0})",
    "({1}) @ ({0}).T",
    "({1}).T @ ({0})",
)
SHIFTS = ("roll", "flip", "flipud", "fliplr", "shift")


def exchanged_cause(name: str, other: str) -> Cause:
    """Return what it is to have taken one function for another."""
    if (name, other) in (("abs", "sign"), ("sin", "cos"), ("sinh", "cosh")):
        return Cause.MISSING_ACTIVATION_DERIVATIVE  # the function where its derivative belongs
    if {name, other} <= {"dot", "matmul", "multiply", "outer"}:
        return Cause.MATMUL_VS_ELEMENTWISE
    if {name, other} <= {"max", "min", "sum"}:
        return Cause.AXIS
    if {name, other} <= {"maximum", "minimum"}:
        return Cause.WRONG_MASK
    if {name, other} & {"square", "sqrt", "abs", "sign", "add", "subtract", "multiply"}:
        return Cause.MISSING_FACTOR
    return Cause.SHIFTED_INDEX if name.startswith("arg") else Cause.SURROGATE_DERIVATIVE


def first_of(node: ast.AST) -> str:
    """Return the array of which an expression is the first entry; empty if it is none."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value in (0, -1):
        return ast.unparse(node.value)
    return ""


class Written(Causes):
    """Yields edits of the operations of a formula."""

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
            elif value.ndim > 2:
                moulded = isinstance(s.parent, ast.Attribute) and s.parent.attr in ("reshape", "ravel")
                for i, j in itertools.combinations(range(value.ndim), 2):
                    if moulded or value.shape[i] == value.shape[j]:
                        yield Edit(0.25, Cause.TRANSPOSE, s, f"np.swapaxes(_v, {i}, {j})", "")
            if isinstance(s.node, ast.Call) and called_name(s.node) == "reshape" and len(s.node.args) > 1:
                assert isinstance(s.node.func, ast.Attribute)
                whole, sizes = ast.unparse(s.node.func.value), [ast.unparse(n) for n in s.node.args]
                for i, j in itertools.combinations(range(len(sizes)), 2):
                    turned = list(sizes)
                    turned[i], turned[j] = turned[j], turned[i]
                    new = f"({whole}).reshape({', '.join(turned)}).swapaxes({i}, {j})"
                    yield Edit(0.2, Cause.TRANSPOSE, s, new, "")
            a, b = operands_of(s.node)
            if a and isinstance(s.node, ast.Call | ast.BinOp) and is_product(s.node):
                yield Edit(0.2, Cause.TRANSPOSE, s, f"({b}) @ ({a})", "")
                yield Edit(0.25, Cause.TRANSPOSE, s, f"({b}).T @ ({a})", "")
                yield Edit(0.25, Cause.TRANSPOSE, s, f"({b}) @ ({a}).T", "")
                yield Edit(0.25, Cause.TRANSPOSE, s, f"({b}).T @ ({a}).T", "")
                yield Edit(0.2, Cause.TRANSPOSE, s, f"({a}).T @ ({b}).T", "")

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
                if x is not None and y is not None and x.ndim == y.ndim == 1:
                    for product in (f"np.outer({a}, {b})", f"np.outer({b}, {a})"):
                        yield Edit(0.13, Cause.MATMUL_VS_ELEMENTWISE, s, product, "")
                firsts = [(first_of(left), b), (a, first_of(right)), (first_of(left), first_of(right))]
                for k, (one, two) in enumerate(firsts):  # dZ * W[0] for dZ @ W.T, or the first of a sum
                    for form in PRODUCTS if one and two else ():
                        cause = Cause.MISSING_TERM if k == 2 else Cause.MATMUL_VS_ELEMENTWISE
                        yield Edit(0.13, cause, s, form.format(one, two), "")
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
                if isinstance(node.op, ast.Sub) and isinstance(left, ast.Constant) and isinstance(right, ast.BinOp):
                    inner_ = ast.unparse(right.left)  # 1 - tanh(r)**2 for tanh(r)
                    yield Edit(0.2, Cause.EXTRA_ACTIVATION_DERIVATIVE, s, inner_, "")
                yield Edit(0.09, self.term_cause(right, left), s, a, f"with the term {b} too many")
                back = b if isinstance(node.op, ast.Add) else f"-({b})"
                yield Edit(0.09, self.term_cause(left, right), s, back, f"with the term {a} too many")
                yield Edit(0.3, Cause.MISSING_FACTOR, s, f"({a}) * ({b})", "")
            elif isinstance(node.op, ast.Pow):
                yield Edit(0.12, self.power_cause(node.left), s, a, "")
                for n in ("2", "3", "1"):
                    yield Edit(0.35, self.power_cause(node.left), s, f"({a})**{n}", "")

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
            if x.ndim == 1:
                yield Edit(0.32, Cause.AXIS, s, f"({text})[:, None]", "")
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
                            yield Edit(0.3, exchanged_cause(name, other), s, new, "")
        for s in self.program.sites:  # ones_like(delta) where delta belongs
            if (
                isinstance(s.node, ast.Call)
                and called_name(s.node) in ("ones_like", "zeros_like")
                and s.node.args
                and s.key in self.value
            ):
                ignored = called_name(s.node) == "ones_like"
                if ignored:  # of all, where only some count
                    yield Edit(0.2, Cause.WRONG_MASK, s, f"({ast.unparse(s.node.args[0])} > 0) * 1.0", "")
                yield Edit(
                    0.1,
                    Cause.UPSTREAM_IGNORED if ignored else Cause.MISSING_GRADIENT,
                    s,
                    ast.unparse(s.node.args[0]),
                    "",
                )

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
                elif isinstance(s.parent, ast.Compare) and np.ndim(self.of(s.parent)):
                    for limit in ("0", "1", "0.5", "-1"):
                        yield Edit(0.2, Cause.WRONG_MASK, s, limit, "")
                elif isinstance(s.parent, ast.Assign) and self.value[s.key].ndim == 0:
                    yield Edit(0.3, Cause.SCALE, s, "", "", solve=True)
            elif top and isinstance(
                s.node, ast.BinOp | ast.Call | ast.Name | ast.Subscript | ast.Attribute | ast.UnaryOp
            ):
                whole = isinstance(s.parent, ast.Return)
                yield Edit(0.2 if whole else 0.24, self.scale_cause(s), s, "", "", solve=True)

    def sizes(self) -> Iterator[Edit]:
        """Yield another number of entries: of another axis, of all."""
        for s in self.sites:
            text = s.text
            if not re.fullmatch(r"[\w.\[\]'\"]+\.(size|shape\[-?\d\])|len\([\w.\[\]'\"]+\)", text):
                continue
            base = re.sub(r"^len\((.*)\)$|\.(size|shape\[-?\d\])$", r"\1", text)
            x = self.known(base)
            if x is not None:
                for new in (f"{base}.size", *(f"{base}.shape[{k}]" for k in range(np.ndim(x)))):
                    if new != text:
                        yield Edit(0.12, Cause.SCALE, s, new, "")
            yield Edit(0.2, Cause.SCALE, s, "", "", solve=True)

    def choices(self) -> Iterator[Edit]:
        """Yield what is done in the other case of a choice, always."""
        for s in self.sites:
            if isinstance(s.node, ast.IfExp):
                for part in (s.node.body, s.node.orelse):
                    yield Edit(0.12, Cause.WRONG_OPERAND, s, ast.unparse(part), "")

    def comparisons(self) -> Iterator[Edit]:
        """Yield inverted masks."""
        for s in self.sites:
            if isinstance(s.node, ast.Call) and called_name(s.node) == "where" and len(s.node.args) == 3:
                c, a, b = map(ast.unparse, s.node.args)
                yield Edit(0.1, Cause.WRONG_MASK, s, f"np.where({c}, {b}, {a})", "")
            if isinstance(s.node, ast.Compare) and len(s.node.ops) == 1:
                a, b = ast.unparse(s.node.left), ast.unparse(s.node.comparators[0])
                for op in (">", "<", ">=", "<=", "==", "!="):
                    yield Edit(0.1 + (op in (">=", "<=")) * 0.1, Cause.WRONG_MASK, s, f"({a} {op} {b})", "")
            value = self.value.get(s.key)
            gate = value is not None and value.ndim and is_mask(value)
            if gate and (value.dtype.kind == "b" or self.role(s.node) in ("mask", "slope")):  # type: ignore[union-attr]
                yield Edit(0.2, Cause.WRONG_MASK, s, "(1.0 * (_v == 0)) * np.max(_v)", "")
                yield Edit(0.2, Cause.WRONG_MASK, s, "1 - _v", "")

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
