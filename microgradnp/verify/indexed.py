"""A formula with indices, as textbooks write it: ``x[n, i] * delta[n, j]``, summed over what the target does not have."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Labelled = tuple[Any, tuple[str, ...]]  # an array and the index of each axis

SUMS = re.compile(r"(?:\bsum|[Σ∑])_(?:\w+|\{[\w, ]+\})\s*")
ELEMENTWISE: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}


class IndexFormula:
    """A function of arrays by name, from a formula with indices.

    Every term is summed over the indices that the target does not have. There are ``+ - * / **``, numbers, names,
    brackets and parentheses; a ``sum_n`` may be written, and changes nothing.

    Parameters
    ----------
    text : str
    letters : sequence of str
        The indices of the target, in the order of its axes.

    Raises
    ------
    ValueError
        If the text is no such formula.

    Examples
    --------
    >>> f = IndexFormula("sum_n x[n, i] * delta[n, j] + lam * W[i, j]", "ij")
    >>> f(x=np.ones((4, 2)), delta=np.ones((4, 3)), lam=0.5, W=np.ones((2, 3)))
    array([[4.5, 4.5, 4.5],
           [4.5, 4.5, 4.5]])
    """

    def __init__(self, text: str, letters: Sequence[str]) -> None:
        self.text, self.letters = text, tuple(letters)
        self.__name__ = "<lambda>"
        try:
            self.tree = ast.parse(SUMS.sub("", text).strip(), mode="eval").body
        except SyntaxError as error:
            raise ValueError(f"{text!r} is no formula: {error.msg}") from error
        names: dict[str, None] = {}
        indices = {
            i.id
            for n in ast.walk(self.tree)
            if isinstance(n, ast.Subscript)
            for i in self._indices(n)
            if isinstance(i, ast.Name)
        }
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and node.id not in indices:
                names[node.id] = None
            elif not isinstance(node, ast.expr | ast.operator | ast.unaryop | ast.expr_context):
                raise ValueError(f"{text!r}: only + - * / ** and indices may be in a formula")
        missing = [i for i in self.letters if i not in indices]
        if missing:
            raise ValueError(f"{text!r} does not have the index {', '.join(missing)} of its target")
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])

    @staticmethod
    def _indices(node: ast.Subscript) -> list[ast.expr]:
        return list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]

    def __call__(self, **arrays: Any) -> Any:
        """Return the formula's value, an array with an axis for each index of the target."""
        total: Any = 0.0
        for sign, term in self._terms(self.tree, 1.0):
            factors = [self._value(factor, arrays) for factor in self._factors(term)]
            letters = {name: chr(97 + k) for k, name in enumerate(dict.fromkeys(n for _, ls in factors for n in ls))}
            missing = [i for i in self.letters if i not in letters]
            if missing:
                raise ValueError(f"the term {ast.unparse(term)} lacks the index {', '.join(missing)}")
            subscripts = ",".join("".join(letters[n] for n in ls) for _, ls in factors)
            output = "".join(letters[i] for i in self.letters)
            total = total + sign * np.einsum(f"{subscripts}->{output}", *(a for a, _ in factors))
        return total

    def _terms(self, node: ast.expr, sign: float) -> list[tuple[float, ast.expr]]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            right = sign if isinstance(node.op, ast.Add) else -sign
            return self._terms(node.left, sign) + self._terms(node.right, right)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self._terms(node.operand, -sign)
        return [(sign, node)]

    def _factors(self, node: ast.expr) -> list[ast.expr]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            return self._factors(node.left) + self._factors(node.right)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            one = ast.BinOp(ast.Constant(1.0), ast.Div(), node.right)
            return [*self._factors(node.left), one]
        return [node]

    def _value(self, node: ast.expr, arrays: dict[str, Any]) -> Labelled:
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return np.float64(node.value), ()
        if isinstance(node, ast.Name):
            if np.ndim(arrays[node.id]):
                raise ValueError(f"{node.id} has shape {np.shape(arrays[node.id])} and needs indices: {node.id}[...]")
            return arrays[node.id], ()
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            parts, array = self._indices(node), arrays[node.value.id]
            if len(parts) != np.ndim(array):
                raise ValueError(f"{ast.unparse(node)} has {len(parts)} index(es), but shape {np.shape(array)}")
            taken = tuple(slice(None) if isinstance(p, ast.Name) else int(ast.literal_eval(p)) for p in parts)
            return array[taken], tuple(p.id for p in parts if isinstance(p, ast.Name))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value, labels = self._value(node.operand, arrays)
            return -value, labels
        if isinstance(node, ast.BinOp) and type(node.op) in ELEMENTWISE:
            (a, ls), (b, rs) = self._value(node.left, arrays), self._value(node.right, arrays)
            labels = tuple(dict.fromkeys((*ls, *rs)))
            return ELEMENTWISE[type(node.op)](aligned(a, ls, labels), aligned(b, rs, labels)), labels
        raise ValueError(f"{ast.unparse(node)} is not understood: only + - * / ** of numbers, names and x[i, j]")


def aligned(array: Any, labels: tuple[str, ...], wanted: tuple[str, ...]) -> Any:
    """Return an array with an axis for each of the wanted indices, of length 1 where it has none."""
    order = sorted(range(len(labels)), key=lambda k: wanted.index(labels[k]))
    turned = np.transpose(array, order) if len(order) > 1 else array
    return (
        np.reshape(turned, [np.shape(array)[labels.index(n)] if n in labels else 1 for n in wanted])
        if wanted
        else turned
    )
