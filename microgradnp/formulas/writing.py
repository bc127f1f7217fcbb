"""Expressions as text: NumPy that can be run, and LaTeX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from microgradnp.formulas.algebra import Algebra, Expression

SUM, PRODUCT, NEGATIVE, POWER, ATOM = 2, 3, 4, 5, 9
COMPARISONS = {
    "greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=", "equal": "==", "not_equal": "!=",
}  # fmt: skip
LONG = 88  # characters, beyond which what is used twice gets a name


def as_numpy(e: Expression, algebra: Algebra) -> str:
    """Return an expression as NumPy: one line, or assignments and a last line with the value."""
    writer = NumPy(algebra)
    text = writer.write(e)[0]
    if len(text) <= LONG and not writer.lines:
        return text
    writer = NumPy(algebra)
    counts: dict[Expression, int] = {}
    order: list[Expression] = []

    def visit(x: Expression) -> None:
        counts[x] = counts.get(x, 0) + 1
        if counts[x] == 1:
            for a in x.args:
                visit(a)
            order.append(x)

    visit(e)
    writer.taken |= {str(x.data) for x in order if x.op == "name"}
    for x in order:
        if counts[x] > 1 and x.cost > 4 and x is not e:
            text = writer.write(x)[0]
            if x not in writer.given:
                writer.given[x] = name = writer.fresh()
                writer.lines.append(f"{name} = {text}")
    last = writer.write(e)[0]
    return "\n".join([*writer.lines, last])


def number(x: float) -> str:
    """Return a number in as many digits as tell it from others, but for its last rounding.

    >>> number(2.0), number(0.1), number(-0.5)
    ('2', '0.1', '-0.5')
    """
    return str(int(x)) if float(x).is_integer() and abs(x) < 1e15 else f"{x:.15g}"


class NumPy:
    """Writes NumPy."""

    def __init__(self, algebra: Algebra) -> None:
        self.algebra = algebra
        self.given: dict[Expression, str] = {}
        self.lines: list[str] = []
        self.taken: set[str] = set()

    def fresh(self) -> str:
        """Return a name that nothing has."""
        name = next(t for t in (f"t{k}" for k in range(1, 10**6)) if t not in self.taken)
        self.taken.add(name)
        return name

    def write(self, e: Expression) -> tuple[str, int]:
        """Return a text and the precedence of its outermost operation."""
        if e in self.given:
            return self.given[e], ATOM
        if e.op == "number":
            return number(e.data), ATOM if e.data >= 0 else NEGATIVE
        if e.op == "name":
            return e.data, ATOM
        if e.op == "sum":
            return self.sum(e), SUM
        if e.op == "product":
            return self.product(e)
        return self.call(e)

    def at(self, e: Expression, level: int) -> str:
        """Return a text as an operand of an operation of this precedence."""
        text, own = self.write(e)
        return text if own >= level else f"({text})"

    def sum(self, e: Expression) -> str:
        """Return a sum."""
        text = ""
        for c, term in zip(e.data, e.args, strict=True):
            part = self.at(self.algebra.scaled(term, abs(c)), SUM + 1)
            text += (" + " if c > 0 else " - ") + part if text else part if c > 0 else f"-{part}"
        return text

    def product(self, e: Expression) -> tuple[str, int]:
        """Return a product or quotient, and its precedence."""
        coefficient, exponents = e.data
        above = [(b, x) for b, x in zip(e.args, exponents, strict=True) if x > 0]
        below = [(b, -x) for b, x in zip(e.args, exponents, strict=True) if x < 0]
        sign, size = ("-" if coefficient < 0 else ""), abs(coefficient)
        inverse = 1 / size
        first = ""
        if size != 1 and inverse.is_integer() and above:  # x / 2, not 0.5 * x
            below_number = number(inverse)
        else:
            below_number = ""
            first = number(size) if size != 1 or not above else ""
        top = " * ".join([*([first] if first else []), *(self.factor(b, x) for b, x in above)])
        bottom = [*([below_number] if below_number else []), *(self.factor(b, x, PRODUCT + 1) for b, x in below)]
        if not bottom and len(above) == 1 and not first:
            b, x = above[0]
            own = POWER if x != 1 else self.write(b)[1]
            return (sign + self.factor(b, x), NEGATIVE if sign else own)
        text = sign + top
        if len(bottom) == 1:
            text += f" / {bottom[0]}"
        elif bottom:
            text += f" / ({' * '.join(bottom)})"
        return text, PRODUCT

    def factor(self, base: Expression, exponent: float, level: int = PRODUCT) -> str:
        """Return a power as a factor."""
        if exponent == 1:
            # a matrix product and a product have one precedence: brackets tell them apart for the reader
            return self.at(base, PRODUCT + 1 if base.op in ("matmul", "product") else level)
        if exponent == 0.5:
            return f"np.sqrt({self.write(base)[0]})"
        return f"{self.at(base, POWER + 1)}**{number(exponent)}"

    def call(self, e: Expression) -> tuple[str, int]:
        """Return a call, and its precedence."""
        op, data = e.op, dict([e.data]) if e.data and isinstance(e.data[0], str) else dict(e.data)
        if op == "broadcast_to":
            return f"np.broadcast_to({self.write(e.args[0])[0]}, {e.shape})", ATOM
        if op == "sum_over":
            axis = "" if data["axis"] is None else f", axis={data['axis']}"
            return f"np.sum({self.write(e.args[0])[0]}{axis}{', keepdims=True' if data['keepdims'] else ''})", ATOM
        if op == "matmul":
            left, right = self.at(e.args[0], PRODUCT), self.at(e.args[1], PRODUCT + 1)
            return f"{left if e.args[0].op == 'matmul' else self.at(e.args[0], PRODUCT + 1)} @ {right}", PRODUCT
        if op == "transpose":
            return f"{self.at(e.args[0], ATOM)}.T", ATOM
        if op in COMPARISONS:
            return f"{self.at(e.args[0], SUM)} {COMPARISONS[op]} {self.at(e.args[1], SUM)}", 1
        if op == "index":
            return f"{self.at(e.args[0], ATOM)}[{data['text'].format(*(self.write(a)[0] for a in e.args[1:]))}]", ATOM
        if op == "scatter":
            value = self.write(e.args[0])[0]
            arrays = [self.write(a)[0] for a in e.args[1:]]
            self.given[e] = name = self.fresh()
            self.lines.append(f"{name} = np.zeros({data['like'] + '.shape' if data['like'] else e.shape})")
            inside = data["text"].format(*arrays)
            if arrays:
                self.lines.append(f"np.add.at({name}, ({inside},), {value})")
            else:
                self.lines.append(f"{name}[{inside}] = {value}")
            return name, ATOM
        if op == "power":
            return f"{self.at(e.args[0], POWER + 1)} ** {self.at(e.args[1], POWER)}", POWER
        if op == "one_hot":
            return f"np.eye({e.shape[1]})[{self.write(e.args[0])[0]}]", ATOM
        words = [self.write(a)[0] for a in e.args]
        if op == "einsum":
            words.insert(0, repr(data.pop("subscripts")))
            data.pop("optimize", None)
        if op in ("stack", "concatenate"):
            words = [f"[{', '.join(words)}]"]
        return f"np.{op}({', '.join(words)}{keywords(data)}", ATOM


def keywords(data: Mapping[str, Any]) -> str:
    """Return keywords as they end a call."""
    return "".join(f", {k}={v!r}" for k, v in data.items() if v is not None and v is not False) + ")"


# -- LaTeX ---------------------------------------------------------------------------------------------------


def as_latex(e: Expression, algebra: Algebra) -> str:
    r"""Return an expression as LaTeX; `\circ` is the elementwise product.

    >>> algebra = Algebra()
    >>> h, w, d = (algebra.name(n, (2, 2)) for n in ("H", "Wo", "Eo"))
    >>> slope = algebra.mul(h, algebra.add(algebra.number(1), algebra.scaled(h, -1)))
    >>> print(as_latex(algebra.mul(slope, algebra.matmul(d, algebra.transposed(w), (2, 2))), algebra))
    H \circ \left(1 - H\right) \circ \left(\mathit{Eo}\, \mathit{Wo}^{T}\right)
    """
    return Latex(algebra).write(e)[0]


class Latex(NumPy):
    """Writes LaTeX."""

    def at(self, e: Expression, level: int) -> str:
        """Return a text as an operand of an operation of this precedence."""
        text, own = self.write(e)
        return text if own >= level else rf"\left({text}\right)"

    def write(self, e: Expression) -> tuple[str, int]:
        """Return a text and the precedence of its outermost operation."""
        if e.op == "name":
            text = str(e.data).replace("\\", "").replace("_", r"\_").replace("#", "").replace("%", r"\%")
            return text if len(text) == 1 else rf"\mathit{{{text}}}", ATOM
        return super().write(e)

    def product(self, e: Expression) -> tuple[str, int]:
        """Return a product or quotient, and its precedence."""
        coefficient, exponents = e.data
        above = [(b, x) for b, x in zip(e.args, exponents, strict=True) if x > 0]
        below = [(b, -x) for b, x in zip(e.args, exponents, strict=True) if x < 0]
        sign, size = ("-" if coefficient < 0 else ""), abs(coefficient)
        inverse = size != 1 and (1 / size).is_integer()
        top = r" \circ ".join(self.factor(b, x) for b, x in above)
        if size != 1 and not inverse:
            top = f"{number(size)} {top}".strip()
        if not below and not inverse:
            return sign + top, NEGATIVE if sign else PRODUCT
        bottom = r" \circ ".join(self.factor(b, x) for b, x in below)
        if inverse:
            bottom = f"{number(1 / size)} {bottom}".strip()
        return rf"{sign}\frac{{{top or '1'}}}{{{bottom}}}", PRODUCT

    def factor(self, base: Expression, exponent: float, level: int = PRODUCT) -> str:
        """Return a power as a factor."""
        if exponent == 1:
            return self.at(base, PRODUCT + 1 if base.op in ("matmul", "product") else level)
        if exponent == 0.5:
            return rf"\sqrt{{{self.write(base)[0]}}}"
        return f"{self.at(base, ATOM)}^{{{number(exponent)}}}"

    def call(self, e: Expression) -> tuple[str, int]:
        """Return a call, and its precedence."""
        if e.op == "broadcast_to":
            return self.write(e.args[0])
        if e.op == "matmul":
            return rf"{self.at(e.args[0], PRODUCT)}\, {self.at(e.args[1], PRODUCT + 1)}", PRODUCT
        if e.op == "transpose":
            return f"{self.at(e.args[0], ATOM)}^{{T}}", ATOM
        if e.op == "sum_over":
            axis = dict(e.data)["axis"]
            under = "" if axis is None else rf"_{{\text{{axis {axis}}}}}"
            return rf"\sum{under} {self.at(e.args[0], PRODUCT)}", PRODUCT
        if e.op in COMPARISONS:
            symbol = {">=": r"\ge", "<=": r"\le", "==": "=", "!=": r"\ne"}.get(COMPARISONS[e.op], COMPARISONS[e.op])
            return rf"\left[{self.write(e.args[0])[0]} {symbol} {self.write(e.args[1])[0]}\right]", ATOM
        words = ", ".join(self.write(a)[0] for a in e.args)
        return rf"\operatorname{{{e.op.replace('_', ' ')}}}\left({words}\right)", ATOM
