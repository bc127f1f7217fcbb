"""What an edit does to the numbers, and what the mistake is called that it undoes.

The same slip of the pen has different names: a factor left out may have been the derivative of an activation, a mask, the
gradient from above, or a constant. What it was is told by the values at the place of the edit, before and after.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from microgradnp.verify.edit import Edit
from microgradnp.verify.judgement import Cause
from microgradnp.verify.meaning import Meaning, close, is_mask
from microgradnp.verify.reading import PRODUCT, SUM, Reader
from microgradnp.verify.source import Site, array_of

Array = Any
Values = Mapping[int, Sequence[Any]]

#: What a factor or term may turn out to be something more special than.
FACTORS = (Cause.MISSING_FACTOR, Cause.SCALE, Cause.UPSTREAM_IGNORED, Cause.MISSING_ACTIVATION_DERIVATIVE)
FORMULAS = (
    Cause.DOUBLE_COUNT, Cause.MISSING_TERM, Cause.MISSING_FACTOR, Cause.SURROGATE_DERIVATIVE, Cause.WRONG_OPERAND,
    Cause.MISSING_ACTIVATION_DERIVATIVE, Cause.DERIVATIVE_AT_WRONG_PLACE, Cause.EXTRA_ACTIVATION_DERIVATIVE,
    Cause.WRONG_LOSS, Cause.SCALE,
)  # fmt: skip
#: Calls that draw numbers at random.
DRAWN = re.compile(r"\b(random|rand|randn|randint|normal|standard_normal|uniform|permutation)\(|\brandom\.")
#: What stays what it is whatever the numbers are.
PLAIN = (Cause.SIGN, Cause.TRANSPOSE, Cause.AXIS, Cause.BROADCAST, Cause.SHAPE, Cause.MATMUL_VS_ELEMENTWISE)


def named(usual: Cause, edit: Edit, reader: Reader, before: Values, after: Values, constant: str = "") -> Cause:
    """Return what the mistake is called that an edit undoes.

    Parameters
    ----------
    usual : Cause
        What an edit of this kind undoes as a rule.
    edit : Edit
    reader : Reader
        The function, and what its parts mean.
    before, after : dict
        The values of its parts without and with the edit.
    constant : str
        What the constant is called that was solved for.
    """
    site = edit.site
    if site is None:
        return usual
    effect = Effect(site, edit, reader, before, after)
    if effect.random():
        return Cause.UNKNOWN
    if any(isinstance(n, ast.AugAssign) and reader.is_given(n.target) for n in site.above):
        return Cause.STALE_VALUE
    if usual is not Cause.TRANSPOSE and effect.in_penalty():
        return Cause.REGULARISER
    if usual is Cause.REGULARISER:  # a multiple of the quantity, but no penalty
        usual = effect.plain()
    if usual is Cause.BROADCAST and not effect.at_end():
        return effect.missing_sum()
    if usual in PLAIN:
        return usual
    if effect.was_nothing():
        return Cause.MISSING_GRADIENT
    if effect.of_size():
        return Cause.SCALE
    if usual in (Cause.DOUBLE_COUNT, Cause.SCALE, Cause.MISSING_TERM) and effect.in_exponent():
        return Cause.MISSING_FACTOR
    if usual in FORMULAS:
        told = effect.slope()
        if told is not None:
            return told
    if usual is Cause.WRONG_OPERAND:
        return effect.step() or (Cause.STALE_VALUE if effect.stale() else usual)
    if usual is Cause.SCALE and effect.is_quantity(constant):
        return Cause.MISSING_FACTOR
    if usual in FACTORS and effect.is_factor():
        return effect.factor(usual)
    return usual


class Effect:
    """An edit at its place, with the values there and around it."""

    def __init__(self, site: Site, edit: Edit, reader: Reader, before: Values, after: Values) -> None:
        self.site, self.edit, self.reader = site, edit, reader
        self.meaning: Meaning = reader.meaning
        self.before, self.after = before, after

    def pair(self, key: int) -> tuple[Array, Array] | None:
        """Return what a site was and what it becomes, the first time that these differ."""
        found = None
        for a, b in zip(self.before.get(key, ()), self.after.get(key, ()), strict=False):
            old, new = array_of(a), array_of(b)
            if old is None or new is None:
                continue
            old, new = old.astype(np.float64), new.astype(np.float64)
            if found is None or np.array_equal(*found):
                found = (old, new)
            if old.shape != new.shape or not np.array_equal(old, new):
                return old, new
        return found

    def around(self, count: int = 5) -> Iterator[tuple[ast.expr, Site, ast.AST | None]]:
        """Yield the site and the expressions that it stands in, with what each stands in."""
        chain = [self.site.node, *self.site.above]
        for k, node in enumerate(chain[:count]):
            if not isinstance(node, ast.expr):
                return
            site = self.reader.by_node.get(id(node))
            if site is not None:
                yield node, site, chain[k + 1] if k + 1 < len(chain) else None

    def random(self) -> bool:
        """Return whether the edit takes out numbers from nowhere: drawn at random, or made of no quantity at all."""
        if DRAWN.search(self.site.text) and not DRAWN.search(self.edit.new.replace("_v", self.site.text)):
            return True
        node = self.site.node
        if isinstance(node, ast.BinOp):
            for part, kept in ((node.left, node.right), (node.right, node.left)):
                if self.edit.new == ast.unparse(kept) and isinstance(node.op, (*SUM, *PRODUCT)):
                    value = self.reader.of(part)
                    names = {n.id for n in ast.walk(part) if isinstance(n, ast.Name)}
                    arrays = [n for n in names if np.ndim(self.reader.known(n))]
                    if value is not None and np.ndim(value) and np.ptp(1.0 * value) and not arrays:
                        return names & {"np", "numpy"} != set()
        if isinstance(node, ast.Call) and node.args and self.edit.new == ast.unparse(node.args[0]):
            gradient = self.reader.of(node.args[0])
            odd = getattr(node.func, "attr", "") in ("exp", "log", "sin", "cos", "sinh", "cosh", "sqrt")
            return odd and gradient is not None and self.meaning.role(gradient) == "gradient"
        return False

    def in_penalty(self) -> bool:
        """Return whether the edit is made in the term that a penalty brings."""
        names = [n for n, v in self.meaning.parameters.items() if self.meaning.is_own(v)]
        if any(re.search(rf"^_v [+-] .*\* {re.escape(n)}\[[^\]]*\]\)?$", self.edit.new) for n in names):
            return True
        for node, site, parent in self.around(6):
            term = (isinstance(parent, ast.BinOp) and isinstance(parent.op, SUM)) or isinstance(parent, ast.AugAssign)
            pair = self.pair(site.key)
            if pair is None or not (term or node is self.site.node):
                continue
            old, new = pair
            if isinstance(node, ast.BinOp) and isinstance(node.op, SUM):
                if old.shape == new.shape and self.meaning.is_penalty(new - old):
                    return True  # the term comes or goes
                sides = (ast.unparse(node.left), ast.unparse(node.right))
                too_many = node is self.site.node and self.edit.new in sides and old.shape == new.shape
                if too_many and self.meaning.is_weight_decay(old - new):
                    return True  # of a parameter on which the loss has none
            elif term and (self.meaning.is_penalty(new) or (self.meaning.is_penalty(old) and not np.any(new))):
                return True
            elif node is self.site.node and not term and "_v +" in self.edit.new and old.shape == new.shape:
                return self.meaning.is_penalty(new - old)
        return False

    def plain(self) -> Cause:
        """Return what the edit of a term is that is no penalty."""
        node = self.site.node
        if "_v +" in self.edit.new or "_v -" in self.edit.new:
            return Cause.MISSING_TERM
        pair = self.pair(self.site.key)
        if pair is not None and pair[0].shape == pair[1].shape and np.any(pair[1]):
            ratio = proportion(pair[0], pair[1])
            if ratio is not None:
                return Cause.SCALE
        if isinstance(node, ast.BinOp) and isinstance(node.op, SUM):
            return Cause.DOUBLE_COUNT
        return Cause.MISSING_FACTOR

    def was_nothing(self) -> bool:
        """Return whether what stood there was zero, all of it."""
        pair = self.pair(self.site.key)
        product = isinstance(self.site.node, ast.BinOp) and isinstance(self.site.node.op, ast.Mult)
        return product and pair is not None and bool(np.ndim(pair[0])) and not np.any(pair[0]) and bool(np.any(pair[1]))

    def of_size(self) -> bool:
        """Return whether the edit is of a number of entries."""
        return bool(re.fullmatch(r"[\w.\[\]'\"]+\.(size|shape\[-?\d\])|len\([\w.\[\]'\"]+\)", self.site.text))

    def in_exponent(self) -> bool:
        """Return whether the edit is in an exponent."""
        chain = [self.site.node, *self.site.above[:3]]
        return any(
            isinstance(above, ast.BinOp) and isinstance(above.op, ast.Pow) and above.right is below
            for below, above in itertools.pairwise(chain)
        )

    def slope(self) -> Cause | None:
        """Return what it is to have had something else in the place of a factor, where one of the two is a derivative."""
        m = self.meaning
        for _, site, parent in self.around():
            pair = self.pair(site.key)
            if pair is None:
                break
            old, new = pair
            if site is self.site and self.edit.factor:
                factors = [self.evaluated(text) for text in self.edit.factor]
                if factors[0] is None or factors[1] is None:
                    break
                old, new = factors[0], factors[1]
            if old.ndim and not new.ndim:
                new = np.broadcast_to(new, old.shape)
            if old.shape != new.shape:
                break
            flat_old, flat_new = np.ptp(old) == 0, np.ptp(new) == 0
            product = isinstance(parent, ast.BinOp) and isinstance(parent.op, PRODUCT)
            if flat_new and (m.slope_like(old) if old.ndim else m.is_scalar_slope(old)):
                return Cause.EXTRA_ACTIVATION_DERIVATIVE
            if flat_new and product and old.ndim:  # (1 - a), with a beside it
                both = self.reader.of(parent) if parent is not None else None
                if both is not None and m.slope_like(both):
                    return Cause.EXTRA_ACTIVATION_DERIVATIVE
            if not old.ndim:
                break
            if has_other_places(old, new):
                return Cause.WRONG_MASK
            if not (flat_old or flat_new) and self.is_other_side(site, old, new):
                return Cause.DERIVATIVE_AT_WRONG_PLACE
            if not flat_new and not m.is_forward(new) and m.is_slope(new):
                if flat_old or m.is_function_of(old, new):
                    return Cause.MISSING_ACTIVATION_DERIVATIVE
                if m.misplaced(old):
                    return Cause.DERIVATIVE_AT_WRONG_PLACE
                if m.same_form(old, new):
                    return Cause.WRONG_OPERAND
                if m.is_half_of_product(old, new):
                    return Cause.MISSING_TERM
                if site is not self.site:
                    return Cause.SURROGATE_DERIVATIVE
            elif m.is_function_of(old, new):  # log(p) for 1 / p
                return Cause.MISSING_ACTIVATION_DERIVATIVE
            if is_gate(old) and is_gate(new) and not np.array_equal(old != 0, new != 0):
                return Cause.WRONG_MASK
            if {m.role(old), m.role(new)} == {"mask"}:
                return Cause.WRONG_MASK
            if isinstance(parent, ast.BinOp) and isinstance(parent.op, (*PRODUCT, ast.MatMult)):
                break
        return None

    def is_other_side(self, site: Site, old: Array, new: Array) -> bool:
        """Return whether a derivative was written for the activation and given the pre-activation, or the other way round."""
        for node in ast.walk(site.node):
            if not isinstance(node, ast.Name | ast.Subscript | ast.Attribute):
                continue
            x = self.reader.of(node)
            if x is None or x.shape != old.shape:
                continue
            s, t = 0.5 * (1 + np.tanh(0.5 * x)), np.tanh(x)
            for at, of in ((x * (1 - x), s * (1 - s)), (1 - x * x, 1 - t * t)):
                if (close(old, at) and close(new, of)) or (close(old, of) and close(new, at)):
                    return True
        return False

    def step(self) -> Cause | None:
        """Return which step of the way back lies between two gradients that were taken for each other."""
        pair = self.pair(self.site.key)
        if pair is None or pair[0].shape != pair[1].shape or not pair[0].ndim:
            return None
        old, new = pair
        if self.meaning.is_forward(new) or self.meaning.is_forward(old):
            return None
        return self.meaning.between(old, new) or self.terms(old, new)

    def stale(self) -> bool:
        """Return whether the quantity was used from before the function changed it: `M` for `M_new = beta * M + dW`."""
        old, new = self.site.text, self.edit.new
        return self.reader.is_given(self.site.node) and any(
            isinstance(statement, ast.Assign)
            and new in [ast.unparse(t) for t in statement.targets]
            and old in {n.id for n in ast.walk(statement.value) if isinstance(n, ast.Name)}
            for statement, _ in self.reader.program.statements
        )

    def at_end(self) -> bool:
        """Return whether the edit is of all that is returned, stored or added."""
        return not isinstance(self.site.parent, ast.BinOp | ast.UnaryOp | ast.Call | ast.Compare | ast.Subscript)

    def missing_sum(self) -> Cause:
        """Return what it is to have left out a sum inside of a formula: in a softmax's Jacobian, or along an axis."""
        for above in self.site.above[:4]:
            if isinstance(above, ast.BinOp) and isinstance(above.op, ast.Mult):
                for side in (above.left, above.right):
                    value = self.reader.of(side)
                    if value is not None and self.meaning.is_softmax(value):
                        return Cause.SOFTMAX_DIAGONAL
        return Cause.AXIS

    def terms(self, old: Array, new: Array) -> Cause | None:
        """Return whether two gradients differ by what one path brings."""
        terms = [np.asarray(self.reader.names[h]) for h in self.reader.hidden if h.startswith("_term")]
        if any(close(term, new - old) for term in terms):
            return Cause.MISSING_TERM
        return Cause.DOUBLE_COUNT if any(close(term, old - new) for term in terms) else None

    def is_quantity(self, constant: str) -> bool:
        """Return whether a constant is a quantity of the forward pass by name that is left out, rather than a number."""
        name = re.fullmatch(r"-?\(?(?:1/)?(?:1 - )?\(?(?:1 - )?(\w+)\)?", constant)
        if name is None or not self.is_scalar_input(name[1]) or re.search(rf"\b{name[1]}\b", self.site.text):
            return False
        product = [n for n in ast.walk(self.site.node) if isinstance(n, ast.expr)]
        return not any(self.reader.role(n) == "mask" for n in product)  # the scaling of a dropout is a constant

    def is_scalar_input(self, name: str) -> bool:
        """Return whether a number is one that the forward pass is given, and no size."""
        value = self.reader.names.get(name)
        return name in self.meaning.graph.inputs and isinstance(value, float | np.floating) and np.ndim(value) == 0

    def is_factor(self) -> bool:
        """Return whether the edit brings in a factor, or another constant."""
        return self.edit.solve or self.edit.new.startswith("_v *") or "ones_like" in self.site.text

    def factor(self, usual: Cause) -> Cause:
        """Return what a factor is that was left out."""
        pair = self.pair(self.site.key)
        if pair is None:
            return usual
        old, new = pair
        if "ones_like" in self.site.text and isinstance(self.site.node, ast.Call):
            forward = self.meaning.is_forward(new) and self.meaning.role(new) != "gradient"
            if is_gate(new):
                return Cause.WRONG_MASK
            return Cause.MISSING_FACTOR if forward else Cause.UPSTREAM_IGNORED
        text = self.edit.new.removeprefix("_v *").strip().strip("()")
        factor = self.evaluated(text)
        if factor is None:  # it is known only inside of a loop
            with np.errstate(all="ignore"):
                factor = new / old if new.shape == old.shape and np.all(old) else None
        if factor is None:
            return usual
        if factor.ndim and np.ptp(factor) <= 1e-9 * np.max(np.abs(factor)):
            factor = np.ravel(factor)[0][()]
        if not factor.ndim:
            if ("_" in text or text.isidentifier() or "[" in text) and self.meaning.is_part_of_gradient(factor):
                return Cause.UPSTREAM_IGNORED
            if usual is Cause.MISSING_ACTIVATION_DERIVATIVE and not self.meaning.is_scalar_slope(factor):
                return Cause.MISSING_FACTOR
            if re.search(r"\.(shape|size)\b|^len\(", text):
                return Cause.SCALE
            names = set(re.findall(r"[A-Za-z_]\w*", text)) - {"np"}
            quantity = any(self.is_scalar_input(n) or np.ndim(self.reader.known(n)) or "[" in text for n in names)
            return Cause.MISSING_FACTOR if usual is Cause.SCALE and quantity else usual
        with np.errstate(all="ignore"):
            if any(self.meaning.is_gradient(form) for form in (factor, 1 / factor)):
                return Cause.UPSTREAM_IGNORED
        base = self.evaluated(text.removeprefix("np.sign(").rstrip(")")) if text.startswith("np.sign(") else None
        if base is not None and self.meaning.is_gradient(base):
            return Cause.UPSTREAM_IGNORED
        if self.meaning.role(factor) == "slope":
            return Cause.MISSING_ACTIVATION_DERIVATIVE
        if self.meaning.is_gate(factor) or is_gate(factor):
            return Cause.WRONG_MASK
        if usual is Cause.MISSING_FACTOR and self.makes_quantity(factor):
            return Cause.WRONG_OPERAND
        if usual is Cause.MISSING_ACTIVATION_DERIVATIVE and not self.meaning.slope_like(factor):
            return Cause.MISSING_FACTOR
        return usual

    def makes_quantity(self, factor: Array) -> bool:
        """Return whether the one quantity that multiplies a gradient is another one with the factor: `x` for `x * r`."""
        parts: list[ast.expr] = [self.site.node]
        while any(isinstance(p, ast.BinOp) and isinstance(p.op, ast.Mult) for p in parts):
            parts = [
                q
                for p in parts
                for q in ([p.left, p.right] if isinstance(p, ast.BinOp) and isinstance(p.op, ast.Mult) else [p])
            ]
        values = [self.reader.of(p) for p in parts]
        if len(parts) != 2 or any(v is None for v in values):
            return False
        known = [v for v in values if self.meaning.is_forward(v)]
        if len(known) != 1:
            return False
        try:
            made = known[0] * factor
        except ValueError:
            return False
        return any(a.shape == np.shape(made) and close(made, a) for a in self.meaning.arrays.values())

    def evaluated(self, text: str) -> Array | None:
        """Return the value of a factor; None where it is known only inside of a loop."""
        try:
            with np.errstate(all="ignore"):
                value = array_of(eval(text, self.reader.scope))
        except Exception:
            return None
        return None if value is None else value.astype(np.float64)


def is_gate(value: Array) -> bool:
    """Return whether an array holds nothing but zeros and ones."""
    return is_mask(value) and bool(np.all((value == 0) | (value == 1)))


def has_other_places(old: Array, new: Array) -> bool:
    """Return whether two arrays hold the same two numbers, in other places."""
    kinds = np.unique(old)
    return len(kinds) == 2 and np.array_equal(kinds, np.unique(new)) and not np.array_equal(old, new)


def proportion(a: Array, b: Array) -> float | None:
    """Return by what constant one array must be multiplied to give another."""
    size = float(np.sum(b * b))
    c = float(np.sum(a * b)) / size if size else 0.0
    return c if c and close(c * b, a) else None
