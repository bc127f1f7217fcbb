"""Formulas as a person simplifies them: sums and products of arrays, whose shapes are known.

Equal expressions are one object, so that equality is identity. Every expression has exactly the shape of the array that it
stands for: where simplification loses an axis (`x / x` is 1), a broadcast puts it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgradnp.primitives.primitive import math_prod

Shape = tuple[int, ...]

MOST_TERMS = 16  # of a product that is multiplied out


@dataclass(frozen=True, eq=False)
class Expression:
    """A number, a name, a sum, a product, or a call of a NumPy function.

    Attributes
    ----------
    op : str
        ``number``, ``name``, ``sum``, ``product``, or the function's name.
    args : tuple of Expression
    data : hashable
        The value of a number, the text of a name, the coefficients of a sum, (coefficient, exponents) of a product, the
        keywords of a call as pairs.
    shape : tuple of int
    boolean : bool
    cost : int
        How long it is, in signs.
    """

    op: str
    args: tuple[Expression, ...]
    data: Any
    shape: Shape
    boolean: bool
    cost: int


class Algebra:
    """Makes expressions, simplified."""

    def __init__(self) -> None:
        self.known: dict[Any, Expression] = {}
        self.age: dict[Expression, int] = {}
        self.sums: dict[frozenset[tuple[Expression, float]], Expression] = {}  # in the order in which they came first
        self.ones: dict[tuple[Expression, tuple[int, ...]], str] = {}  # sums that are 1, with what then must hold
        self.used: list[str] = []  # conditions on which simplifications rest

    def make(self, op: str, args: Sequence[Expression], data: Any, shape: Shape, boolean: bool = False) -> Expression:
        """Return the one expression that is so."""
        key = (op, data, tuple(map(id, args)), shape)
        if key not in self.known:
            cost = 1 + sum(a.cost for a in args)
            if op == "sum":
                cost += sum(c not in (1, -1) for c in data)
            elif op == "product":
                cost += (data[0] not in (1, -1)) + sum(e not in (1, -1) for e in data[1]) + any(e < 0 for e in data[1])
            self.known[key] = made = Expression(op, tuple(args), data, shape, boolean, cost)
            self.age[made] = len(self.age)
        return self.known[key]

    def number(self, value: float, shape: Shape = ()) -> Expression:
        """Return a number, in as many places as the shape has."""
        return self.broadcast(self.make("number", (), float(value), ()), shape)

    def name(self, text: str, shape: Shape, boolean: bool = False) -> Expression:
        """Return something that has a name."""
        return self.make("name", (), text, shape, boolean)

    def call(
        self, op: str, args: Sequence[Expression], shape: Shape, boolean: bool = False, /, **data: Any
    ) -> Expression:
        """Return a call of a NumPy function."""
        return self.make(op, args, tuple(data.items()), shape, boolean)

    def broadcast(self, e: Expression, shape: Shape) -> Expression:
        """Return an expression in another shape."""
        if e.shape == shape:
            return e
        inner = e.args[0] if e.op == "broadcast_to" else e
        return inner if inner.shape == shape else self.make("broadcast_to", (inner,), ("shape", shape), shape)

    # -- products and sums -------------------------------------------------------------------------------------

    def factors(self, e: Expression) -> tuple[float, list[tuple[Expression, float]]]:
        """Return an expression as a coefficient and powers."""
        if e.op == "number":
            return e.data, []
        if e.op == "broadcast_to":
            return self.factors(e.args[0])
        if e.op == "product":
            return e.data[0], list(zip(e.args, e.data[1], strict=True))
        if e.op == "sum" and len(set(map(abs, e.data))) == 1 and abs(e.data[0]) != 1:  # 2 x - 2 y
            c = e.data[0]
            return c, [(self.make("sum", e.args, tuple(x / c for x in e.data), e.shape), 1.0)]
        return 1.0, [(e, 1.0)]

    def mul(self, *es: Expression) -> Expression:
        """Return a product."""
        shape = np.broadcast_shapes(*(e.shape for e in es))
        coefficient, powers = 1.0, dict[Expression, float]()
        for e in es:
            c, found = self.factors(e)
            coefficient *= c
            for base, exponent in found:
                powers[base] = powers.get(base, 0.0) + exponent
        for base in powers:  # where(c, a, 0) * b is where(c, a * b, 0)
            if base.op == "where" and powers[base] == 1 and self.number(0) in map(self.bare, base.args[1:]):
                rest = self.product(coefficient, {b: x for b, x in powers.items() if b is not base})
                if rest is self.number(1):
                    break
                yes, no = (self.mul(branch, rest) for branch in base.args[1:])
                return self.where(base.args[0], yes, no, shape)
        result = self.product(coefficient, powers)
        return self.broadcast(self.shorter(result), shape)

    def bare(self, e: Expression) -> Expression:
        """Return an expression without its broadcast."""
        return e.args[0] if e.op == "broadcast_to" else e

    def product(self, coefficient: float, powers: dict[Expression, float]) -> Expression:
        """Return a product of powers."""
        powers = {b: (1.0 if b.boolean and e > 0 else e) for b, e in powers.items() if e != 0}
        if coefficient == 0 or not powers:
            return self.number(coefficient)
        if coefficient == 1 and len(powers) == 1 and next(iter(powers.values())) == 1:
            return next(iter(powers))
        if len(powers) == 1:  # -(a - b)
            ((base, exponent),) = powers.items()
            if base.op == "sum" and exponent == 1 and coefficient == -1:
                return self.make("sum", base.args, tuple(-c for c in base.data), base.shape)
        ordered = sorted(powers, key=lambda b: (0 if b.op == "name" else 1 if b.op == "sum" else 2, self.age[b]))
        shape = np.broadcast_shapes(*(b.shape for b in ordered))
        return self.make("product", ordered, (coefficient, tuple(powers[b] for b in ordered)), shape)

    def shorter(self, e: Expression) -> Expression:
        """Return a product multiplied out where that is shorter: `A (1 - A) (-y / A + ...)` is `A - y`."""
        if e.op != "product" or not any(a.op == "sum" and x == 1 for a, x in zip(e.args, e.data[1], strict=True)):
            return e
        out = self.expanded(e)
        return out if out is not None and out.cost + 2 < e.cost else e

    def expanded(self, e: Expression) -> Expression | None:
        """Return a product multiplied out; None where that has too many terms."""
        coefficient, powers = self.factors(e)
        sums = [(b, x) for b, x in powers if b.op == "sum" and x == 1]
        if not sums:
            return e
        chosen = max((b for b, _ in sums), key=lambda b: sum(t.op == "product" and min(t.data[1]) < 0 for t in b.args))
        terms = []
        for c, term in zip(chosen.data, chosen.args, strict=True):
            k, found = self.factors(term)
            new = {b: x for b, x in powers if b is not chosen}
            for b, x in found:
                new[b] = new.get(b, 0.0) + x
            part = self.product(coefficient * c * k, new)
            out = self.expanded(part) if part.op == "product" else part
            if out is None:
                return None
            terms.append(out)
            if sum(len(t.args) if t.op == "sum" else 1 for t in terms) > MOST_TERMS:
                return None
        return self.add(*terms)

    def add(self, *es: Expression) -> Expression:
        """Return a sum."""
        shape = np.broadcast_shapes(*(e.shape for e in es))
        terms: dict[Expression, float] = {}
        one = self.number(1)
        for e in es:
            bare = self.bare(e)
            parts = zip(bare.data, bare.args, strict=True) if bare.op == "sum" else [(1.0, bare)]
            for c, term in parts:
                k, found = self.factors(term)
                base = self.product(1.0, dict(found)) if found else one
                terms[base] = terms.get(base, 0.0) + c * k
        chosen = [t for t in terms if t.op == "where" and terms[t]]
        for i, a in enumerate(chosen):  # where(c, a, 0) + where(c, 0, b)
            for b in chosen[i + 1 :]:
                if a.args[0] is b.args[0] and terms.get(a) and terms.get(b) and self.apart(a, b):
                    yes, no = (
                        self.add(self.scaled(a.args[k], terms[a]), self.scaled(b.args[k], terms[b])) for k in (1, 2)
                    )
                    both = self.where(a.args[0], yes, no, np.broadcast_shapes(a.shape, b.shape))
                    del terms[a], terms[b]
                    terms[both] = terms.get(both, 0.0) + 1.0
        terms = {t: c for t, c in terms.items() if c != 0}
        if not terms:
            return self.number(0, shape)
        if len(terms) == 1:
            ((term, c),) = terms.items()
            return self.broadcast(self.scaled(term, c), shape)
        ordered = sorted(terms, key=lambda t: terms[t] < 0)  # Y - T, not -T + Y
        total = np.broadcast_shapes(*(t.shape for t in ordered))
        made = self.make("sum", ordered, tuple(terms[t] for t in ordered), total)
        made = self.sums.setdefault(frozenset(terms.items()), made)  # 1 + x is x + 1
        return self.broadcast(self.factored(made), shape)

    def factored(self, e: Expression) -> Expression:
        """Return a sum with what all terms share in front, where that is shorter: `(Y - T) / n`."""
        parts = [self.factors(t)[1] for t in e.args]
        shared = {b: x for b, x in parts[0] if all((b, x) in other for other in parts[1:])}
        if not shared:
            return e
        rest = [self.product(1.0, {b: x for b, x in part if b not in shared}) for part in parts]
        if len(set(rest)) < len(rest):
            return e
        total = np.broadcast_shapes(*(t.shape for t in rest))
        made = self.product(1.0, shared | {self.make("sum", rest, e.data, total): 1.0})
        return made if made.cost < e.cost else e

    def apart(self, a: Expression, b: Expression) -> bool:
        """Return whether of two choices each branch is 0 in one of them."""
        return all(any(self.bare(x.args[k]) is self.number(0) for x in (a, b)) for k in (1, 2))

    def scaled(self, e: Expression, c: float) -> Expression:
        """Return a number times an expression."""
        k, found = self.factors(e)
        return self.broadcast(self.product(c * k, dict(found)), e.shape)

    def power(self, e: Expression, exponent: float) -> Expression:
        """Return a power with a number as exponent."""
        coefficient, found = self.factors(e)
        whole = float(exponent).is_integer()
        if coefficient != 1 and not (whole or coefficient > 0):
            found, coefficient = [(e, 1.0)], 1.0
        if not whole and any(x != 1 for _, x in found):  # (x^2)^(1/2) is |x|
            found = [(self.product(1.0, dict(found)), 1.0)]
        if coefficient == 0 and exponent < 0:
            raise ZeroDivisionError
        powers = {b: x * exponent for b, x in found}
        return self.broadcast(self.product(coefficient**exponent, powers), e.shape)

    def where(self, c: Expression, a: Expression, b: Expression, shape: Shape) -> Expression:
        """Return np.where; what it chooses at an infinity is no part of a formula."""
        if c.op == "isinf" or (c.op in ("bitwise_and", "logical_and") and any(x.op == "isinf" for x in c.args)):
            return self.broadcast(b, shape)
        return self.broadcast(self.call("where", (c, self.bare(a), self.bare(b)), shape), shape)

    # -- sums over axes, products of matrices ------------------------------------------------------------------

    def total(self, e: Expression, axes: Iterable[int], keepdims: bool) -> Expression:
        """Return the sum over axes."""
        axes = tuple(sorted(axes))
        n = len(e.shape)
        shape = tuple(1 if i in axes else k for i, k in enumerate(e.shape) if keepdims or i not in axes)
        if not axes:
            return e
        count = math_prod(tuple(e.shape[i] for i in axes))
        coefficient, found = self.factors(e)
        outside: dict[Expression, float] = {}
        inside: dict[Expression, float] = {}
        for base, exponent in found:
            lead = n - len(base.shape)
            flat = all(i < lead or base.shape[i - lead] == 1 for i in axes)
            fits = keepdims or not base.shape or all(i < lead for i in axes)
            (outside if flat and fits else inside)[base] = exponent
        if not inside:
            return self.broadcast(self.product(coefficient * count, outside), shape)
        body = self.broadcast(self.product(1.0, inside), e.shape)
        if (body, axes) in self.ones:
            condition = self.ones[body, axes]
            if condition and condition not in self.used:
                self.used.append(condition)
            return self.broadcast(self.product(coefficient, outside), shape)
        data = {"axis": None if len(axes) == n and not keepdims else axes[0] if len(axes) == 1 else axes}
        whole = self.call("sum_over", (body,), shape, **data, keepdims=keepdims)
        return self.broadcast(self.product(coefficient, outside | {whole: 1.0}), shape)

    def matmul(self, a: Expression, b: Expression, shape: Shape) -> Expression:
        """Return a matrix product, with numbers in front of it."""
        c, left = self.unscaled(a)
        k, right = self.unscaled(b)
        return self.scaled(self.call("matmul", (left, right), shape), c * k)

    def unscaled(self, e: Expression) -> tuple[float, Expression]:
        """Return the coefficient of a product, and the rest."""
        c, found = self.factors(e)
        if abs(c) == 1 or not found or e.op == "broadcast_to":
            return 1.0, e
        return c, self.product(1.0, dict(found))

    def transposed(self, e: Expression) -> Expression:
        """Return the transpose of a matrix."""
        if e.op == "transpose":
            return e.args[0]
        c, rest = self.unscaled(e)
        if rest.op == "matmul" and len(rest.shape) == 2:
            a, b = rest.args
            return self.scaled(self.matmul(self.transposed(b), self.transposed(a), rest.shape[::-1]), c)
        return self.call("transpose", (e,), e.shape[::-1])
