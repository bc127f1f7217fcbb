"""Edits that put another quantity in the place of one."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

import numpy as np

from microgradnp.verify.causes import Causes
from microgradnp.verify.edit import Edit
from microgradnp.verify.judgement import Cause
from microgradnp.verify.meaning import SLOPES, UNNAMED
from microgradnp.verify.reading import (
    PRODUCT,
    parenthesised,
)
from microgradnp.verify.source import Site

#: So many quantities of one statement are exchanged with each other.
PAIRED = 24


def is_quantity(node: ast.AST) -> bool:
    """Return whether an expression names a quantity, or is the rest of one to 1."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Constant):
        return isinstance(node.right, ast.Name | ast.Attribute)
    return isinstance(node, ast.Name | ast.Subscript) or (isinstance(node, ast.Attribute) and node.attr != "T")


class Exchanged(Causes):
    """Yields edits that exchange what a formula is made of."""

    def exchanged_names(self) -> Iterator[Edit]:
        """Yield another quantity in the place of one."""
        bases = self.bases()
        used = {a.arg for a in self.program.trees[0].args.args} | set(self.by_text)
        pairs, unused = self.meaning.pairs(), self.unused()
        for s in self.numbers:
            if not isinstance(s.node, ast.Name | ast.Attribute | ast.Subscript) or (
                isinstance(s.node, ast.Attribute) and s.node.attr == "T"
            ):
                continue
            for other in bases:
                if other != s.text and self.same_shape(other, s):
                    # of what the function does not even use, something left out is the likelier mistake
                    rank = 0.3 if other in used or "[" in other else 0.32
                    if other in unused and other in self.variables():
                        rank = 0.18
                    if (self.quantity(s), other) in pairs:  # z for max(z, 0), which is no left out (z > 0)
                        rank = 0.15
                    yield Edit(rank, self.operand_cause(s, s.text, other), s, other, "")
                elif self.is_other_matrix(other, s):
                    yield Edit(0.34, self.operand_cause(s, s.text, other), s, other, "")
                elif self.is_turned(other, s):
                    yield Edit(0.36, Cause.WRONG_OPERAND, s, f"{other}.T", "")
        for s in self.floats():
            mask = self.role(s.node) == "mask"
            cause = Cause.WRONG_MASK if mask else Cause.WRONG_OPERAND
            if isinstance(s.node, ast.BinOp) and isinstance(s.node.op, ast.Sub) and is_quantity(s.node):
                yield Edit(0.2, cause, s, ast.unparse(s.node.right), "")
            elif is_quantity(s.node) and not self.is_large(s):
                yield Edit(0.33, cause, s, "1 - _v", "")
            if isinstance(s.node, ast.Name) and self.meaning.is_forward(self.value[s.key]):
                for f in ("np.exp(_v)", "np.log(_v)", "np.tanh(_v)", "1 / (1 + np.exp(-_v))"):
                    yield Edit(0.36, Cause.WRONG_OPERAND, s, f, "")
            if isinstance(s.node, ast.Constant) and isinstance(s.parent, ast.BinOp) and s.node.value == 1:
                for other in bases:  # a quantity that happens to be 1 in what was copied
                    for text in self.forms(other, s.parent):
                        yield Edit(0.45, Cause.WRONG_OPERAND, s, text, "")
        # a gradient of another formula of the user's, in the place of what the function was given; that a variable of the
        # function should have been the true gradient would say no more than that it is wrong
        hidden = [h for h, said in self.hidden.items() if h.startswith("_gradient") and not said.startswith(UNNAMED)]
        for s in self.numbers:
            if isinstance(s.node, ast.Name | ast.Attribute | ast.Subscript) and self.is_given(s.node):
                for name in hidden:
                    if self.same_shape(name, s):
                        yield Edit(0.45, self.step_cause(s, name), s, name, "")

    def is_other_matrix(self, other: str, s: Site) -> bool:
        """Return whether another matrix could stand in a matrix product, as far as its shape is known."""
        product = any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.MatMult) for n in s.above[:2])
        value, here = self.known(other), self.value[s.key]
        matrix = isinstance(value, np.ndarray) and value.ndim == here.ndim == 2 and value.shape != here.shape
        return product and matrix and any(a == b for a, b in zip(value.shape, here.shape, strict=True))

    def is_turned(self, other: str, s: Site) -> bool:
        """Return whether the transpose of a quantity could stand at a site."""
        value, here = self.known(other), self.value[s.key]
        return (
            isinstance(value, np.ndarray)
            and value.ndim == 2
            and value.shape != here.shape
            and value.T.shape == here.shape
        )

    def exchanged_pairs(self) -> Iterator[Edit]:
        """Yield two quantities of a statement that are taken for each other."""
        groups: dict[int, list[Site]] = {}
        for s in self.numbers:
            statement = next((n for n in s.above if isinstance(n, ast.stmt)), None)
            if statement is not None and is_quantity(s.node):
                groups.setdefault(id(statement), []).append(s)
        for sites in groups.values():
            for a, b in itertools.combinations(sites[:PAIRED], 2):
                x, y = self.value[a.key], self.value[b.key]
                apart = a.node not in b.above and b.node not in a.above
                if apart and a.text != b.text and x.shape == y.shape and not np.array_equal(x, y):
                    text = f"`{a.text}` and `{b.text}` are taken for each other"
                    yield Edit(0.2, Cause.WRONG_OPERAND, a, b.text, text, also=((b, a.text),))

    def reordered(self) -> Iterator[Edit]:
        """Yield two entries of a list that have changed places."""
        for statement, _ in self.program.statements:
            for node in ast.walk(statement):
                entries = node.elts if isinstance(node, ast.List | ast.Tuple) else []
                sites = [self.by_node.get(id(e)) for e in entries]
                inside = [s for s in sites if s is not None and s in self.numbers]
                for a, b in itertools.combinations(inside, 2):
                    if self.value[a.key].shape == self.value[b.key].shape:
                        text = f"`{a.text}` and `{b.text}` have changed places"
                        yield Edit(0.2, Cause.WRONG_OPERAND, a, b.text, text, also=((b, a.text),))

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
            if np.ndim(value) and isinstance(s.node, ast.Name | ast.Call | ast.Attribute) and value.dtype.kind == "f":
                for form in ("(_v > 0) * 1.0", "np.sign(_v)"):  # what is rectified, in the place of the derivative
                    yield Edit(0.3, Cause.MISSING_ACTIVATION_DERIVATIVE, s, form, "")
            rank = 0.5 if role == "half slope" else 0.25 if self.slopish(s) else 0.5
            for text, base in [*((h, h) for h in known), *made]:
                if self.same_shape(base, s):
                    yield Edit(
                        rank + (0.1 if text in known and not self.slope_of(text).named else 0.0),
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
                names = {n.id for part in (rest.right, s.node.right) for n in ast.walk(part) if isinstance(n, ast.Name)}
                if len(names - {"np"} - set(self.program.scope)) > 1:
                    continue
                for text, base in [*((h, h) for h in known), *made]:
                    if self.same_shape(base, s):
                        yield Edit(
                            0.26,
                            self.surrogate_of(f"({b}) * ({last})"),
                            s,
                            f"({a}) * ({text})",
                            f"with {b} * {parenthesised(last)} in place of {self.hidden.get(text, text)}",
                            factor=(f"({b}) * ({last})", text),
                        )

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
