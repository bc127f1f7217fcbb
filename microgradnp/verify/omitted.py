"""Edits that add what was left out: a factor, a term, a sum, the rest of an array."""

from __future__ import annotations

import ast
import copy
import itertools
import re
from collections.abc import Iterator

import numpy as np

from microgradnp.verify.causes import Causes
from microgradnp.verify.edit import Edit
from microgradnp.verify.judgement import Cause
from microgradnp.verify.meaning import PARTS, SLOPES, is_mask
from microgradnp.verify.reading import (
    REDUCTIONS,
    SUM,
    is_slice,
)
from microgradnp.verify.source import called_name

#: So many expressions of a function are tried in other places of it.
ELSEWHERE = 24


class Omitted(Causes):
    """Yields edits that add something to a formula."""

    def missing_slopes(self) -> Iterator[Edit]:
        """Yield the derivative of an activation left out."""
        known = [(h, h, self.names.get(h)) for h in self.hidden if h.startswith("_slope")]
        activations = {n for pair in self.meaning.pairs() for n in pair}
        activations |= {
            n for n, node in self.meaning.graph.names.items() if node.parents and node.primitive.elementwise
        }
        bases = [
            b
            for b in self.bases()
            if (b in activations or b in self.by_text or "[" in b) and self.could_be_activation(b)
        ]
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
        kept = set(self.unlike(text for text, _, _ in known + made))
        places = self.places()
        for text, base, _ in known + made:
            value = self.value_of(text) if text in kept else None
            usual = base in self.hidden or "[" in base or base in activations or f"{base}({base})" in text
            rank = 0.22 if usual else 0.45
            if base in self.hidden and not (self.slope_of(base).activation and self.slope_of(base).named):
                rank = 0.3
            for s in places if text in kept else ():
                if self.keeps_shape(base, s):
                    near = rank if value is None or not value.ndim else 0.12 if self.is_hit(s, value) else 0.34
                    yield Edit(near, self.slope_cause(text), s, f"_v * ({text})", self.left_out(text))

    def could_be_activation(self, base: str) -> bool:
        """Return whether a quantity may be an activation: it is no input, no gradient, and no number among arrays."""
        name = re.sub(r"\[.*$", "", base)
        if name in self.meaning.graph.inputs or name in self.hidden:
            return False
        value = self.known(base)
        if value is None:
            return True
        if not np.ndim(value):
            return not any(np.ndim(own) for own in self.meaning.own.values())
        if not isinstance(value, np.ndarray):
            return False
        return self.meaning.is_forward(value) or bool(np.any(value) and not self.meaning.is_gradient(value))

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
        """Yield any other factor left out: a quantity in one of several forms, or what stands elsewhere in the function."""
        places, unused = self.places(), self.unused()
        at_hand = {a.arg for a in self.program.trees[0].args.args} | set(self.by_text)
        if "cache" in at_hand:
            at_hand |= set(self.names)
        for form, base in itertools.product(PARTS, self.bases()):
            rank = 0.3 if form in PARTS[:2] else 0.57
            for s in places:
                for part in self.forms(base, s.node):
                    text = form.format(a=part)
                    near = rank if rank > 0.3 or base in at_hand else 0.33
                    if base in unused and form in PARTS[:2]:
                        near = 0.13
                    elif near == 0.3 and self.is_hit(s, self.value_of(text)):
                        near = 0.2
                    yield Edit(near, self.inserted_cause(text, s), s, f"_v * ({text})", self.left_out(text))
        for text in self.elsewhere():
            for s in places:
                if s.text not in text and text not in s.text and self.shapes_fit(text, s):
                    yield Edit(0.32, self.inserted_cause(text, s), s, f"_v * ({text})", self.left_out(text))
        for c, s in itertools.product(self.scalars(), places):
            yield Edit(0.5, Cause.WRONG_MASK, s, f"np.clip(_v, -{c}, {c})", f"with the clip at {c} left out")
        for base in self.bases():  # a mask, and the constant that goes with it
            gate = self.known(base)
            if isinstance(gate, np.ndarray) and gate.ndim and is_mask(gate):
                for s in places:
                    for part in self.forms(base, s.node):
                        said = f"with the mask {part} left out, and scaled"
                        yield Edit(0.45, Cause.WRONG_MASK, s, f"_c * _v * {part}", said, solve=True)
        numbers = self.scalars()
        pairs = [f"1 - {a} * {b}" for a, b in itertools.combinations(numbers, 2)]
        pairs += [f"{a} * {b}" for a, b in itertools.combinations(numbers, 2)]
        for text, s in itertools.product(pairs, places):
            yield Edit(0.5, Cause.MISSING_FACTOR, s, f"_v * ({text})", self.left_out(text))
        for name in self.hidden:
            if name.startswith("_gradient"):
                for s in places:
                    for text in self.forms(name, s.node):
                        yield Edit(0.4, Cause.UPSTREAM_IGNORED, s, f"_v * {text}", self.left_out(name))

    def elsewhere(self) -> list[str]:
        """Return the expressions of the function that could have been left out in another place."""
        found = {
            s.text: None
            for s in self.program.sites
            if s.part == 0 and isinstance(s.node, ast.BinOp) and s.key in self.value and len(s.text) < 40
        }
        return list(found)[:ELSEWHERE]

    def scalars(self) -> list[str]:
        """Return the numbers that the forward pass was given, and which the function sees."""
        return [
            n for n, v in self.names.items()
            if n in self.meaning.graph.inputs and isinstance(v, float | np.floating) and n.isidentifier()
        ][:6]  # fmt: skip

    def missing_terms(self) -> Iterator[Edit]:
        """Yield a term left out: a penalty, what another path brings, a quantity."""
        names = [*(h for h in self.hidden if h.startswith("_term")), *self.bases()]
        numbers, unused = self.scalars(), self.unused()
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
        for s in places:
            if not isinstance(s.parent, ast.Compare):
                for sign in "+-":
                    yield Edit(
                        0.28, Cause.MISSING_TERM, s, f"_v {sign} 1", f"with the term {sign.strip('+')}1 left out"
                    )
        for text in self.elsewhere():
            for s, sign in itertools.product(places, "+-"):
                if s.text not in text and text not in s.text and self.same_shape(text, s):
                    yield Edit(0.33, self.missing_term_cause(text), s, f"_v {sign} ({text})",
                               f"with the term {'-' if sign == '-' else ''}{text} left out")  # fmt: skip
        carried = [v for v in self.variables() if self.known(v) is not None]
        for v, c, s, sign in itertools.product(carried, numbers, places, "+-"):
            for factor in (c, f"(1 - {c})") if self.same_shape(v, s) else ():
                text = f"{v} * {factor}"
                yield Edit(0.4, Cause.MISSING_TERM, s, f"_v {sign} {text}", f"with the term {text} left out")
        for (text, rank), s in itertools.product(terms, places):
            base = text.rpartition(" ")[2]
            if text == s.text:
                continue  # twice the same is no other term
            plain = rank == 0.3 and text not in self.hidden
            if plain and np.ndim(self.known(text)) and not self.same_shape(text, s) and self.keeps_shape(text, s):
                said = f"with the term {text} left out"  # a bias, which is broadcast
                yield Edit(0.39, self.missing_term_cause(text), s, f"_v + {text}", said)
            if not self.shapes_fit(base, s) or (plain and not self.same_shape(text, s)):
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
                value = self.value_of(text)
                hit = value is not None and self.is_hit(s, value if sign == "+" else -value, sum_=True)
                near = 0.13 if text in unused else 0.2 if hit and plain else self.term_rank(text, rank)
                yield Edit(
                    near,
                    self.missing_term_cause(text),
                    s,
                    f"_v {sign} ({text})",
                    f"with the term {'-' if sign == '-' else ''}{self.hidden.get(text, text)} left out",
                )

    def term_rank(self, text: str, rank: float) -> float:
        """Return how far-fetched it is to have left out a term that makes nothing of the way back right."""
        return 0.38 if rank == 0.3 and text not in self.hidden and self.value_of(text) is not None else rank

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


class Unsliced(ast.NodeTransformer):
    """Takes the slices off an expression."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Leave the array whole."""
        self.generic_visit(node)
        return node.value if is_slice(node) else node
