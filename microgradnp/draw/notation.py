"""Operations and values as the short text that fits in a box of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from microgradnp.primitives.shapes import Slot
from microgradnp.tape import Node

INFIX = {  # Python's symbol and its precedence
    "add": ("+", 2),
    "subtract": ("-", 2),
    "multiply": ("*", 3),
    "divide": ("/", 3),
    "floor_divide": ("//", 3),
    "remainder": ("%", 3),
    "matmul": ("@", 3),
    "dot": ("@", 3),
    "power": ("**", 5),
    "float_power": ("**", 5),
    "greater": (">", 1),
    "greater_equal": (">=", 1),
    "less": ("<", 1),
    "less_equal": ("<=", 1),
    "equal": ("==", 1),
    "not_equal": ("!=", 1),
}
NEGATIVE, ATOM = 4, 9

#: Operations whose operands may change places.
SYMMETRIC = frozenset(("add", "multiply", "equal", "not_equal", "maximum", "minimum", "hypot", "logaddexp"))

#: An operand that has no name: the arrow shows where it comes from.
ANONYMOUS = "○"

Written = tuple[str, int]  # a text and the precedence of its outermost operation


def operation(node: Node, operands: Sequence[Written]) -> Written:
    """Return an operation on operands that are already written, in NumPy's notation.

    Parameters that a shape tells as well (``keepdims``) are left out.

    >>> import numpy as np, microgradnp as mg
    >>> graph = mg.trace(lambda x: (1 + np.exp(-x)) ** 2, 0.0)
    >>> written = {graph.inputs["x"]: ("x", ATOM)}
    >>> for node in graph.nodes[1:]:
    ...     parts = [written[p] if p else (number(v), ATOM) for p, v in graph.operands(node)]
    ...     written[node] = operation(node, parts)
    >>> written[graph.outputs[0]][0]
    '(1 + exp(-x)) ** 2'
    """
    name, params = node.primitive.name, node.params or {}
    if name in INFIX and len(operands) == 2:
        symbol, level = INFIX[name]
        from_right = symbol == "**"
        left = bracketed(operands[0], level + from_right)
        right = bracketed(operands[1], level + (not from_right))
        return f"{left} {symbol} {right}", level
    if name == "negative":
        return "-" + bracketed(operands[0], NEGATIVE), NEGATIVE
    if name == "getitem":
        inside = index(params["pattern"], [text for text, _ in operands[1:]])
        return f"{bracketed(operands[0], ATOM)}[{inside}]", ATOM
    if name == "transpose" and not params.get("axes"):
        return bracketed(operands[0], ATOM) + ".T", ATOM
    words = [text for text, _ in operands]
    if len(words) > 6:
        words = [*words[:2], f"… {len(words)} operands"]
    if name == "einsum":
        words.insert(0, repr(params.get("subscripts")))
    for key, value in params.items():
        if value is not None and value is not False and key not in ("subscripts", "keepdims"):
            words.append(f"{key}={value}")
    return f"{name}({', '.join(words)})", ATOM


def bracketed(written: Written, level: int) -> str:
    """Return a text as an operand of an operation of this precedence.

    >>> bracketed(("a + b", 2), 3), bracketed(("a * b", 3), 3)
    ('(a + b)', 'a * b')
    """
    text, own = written
    return text if own >= level else f"({text})"


def index(pattern: Any, arrays: Sequence[str]) -> str:
    """Return what stands between the brackets of ``x[...]``.

    >>> index((slice(1, None), None, Ellipsis, slice(None, None, 2), 3), [])
    '1:, None, ..., ::2, 3'
    """
    if isinstance(pattern, tuple):
        return ", ".join(index(part, arrays) for part in pattern) or "()"
    if isinstance(pattern, slice):
        start, stop, step = ("" if p is None else str(p) for p in (pattern.start, pattern.stop, pattern.step))
        return f"{start}:{stop}" + (f":{step}" if step else "")
    if isinstance(pattern, Slot):
        return arrays[pattern.position]
    return "..." if pattern is Ellipsis else str(pattern)


def number(value: Any) -> str:
    """Return a number as it stands in an operation, or a short array.

    >>> number(1.0), number(0.1), number(-2), number(np.array([0.5, 2])), number(True)
    ('1', '0.1', '-2', '[0.5, 2]', 'True')
    """
    if np.ndim(value):
        return f"[{', '.join(number(x) for x in np.asarray(value).flat)}]"
    value = value.item() if hasattr(value, "item") else value
    return f"{value:.6g}" if isinstance(value, float | complex) else str(value)


def summary(value: Any) -> str:
    """Return in a few characters what an array holds: its numbers if they are few, else their range.

    >>> summary(np.float64(70.46)), summary(np.array([[0.5, -2.0]])), summary(np.linspace(-1, 1, 100))
    ('70.46', '0.5, −2', '−1 … 1')
    >>> summary(np.array([1.0, np.nan, np.inf, 3.0])), summary(np.zeros((2, 3))), summary(np.zeros(0))
    ('1 … 3, 1 nan, 1 inf', 'all 0', 'empty')
    """
    a = np.asarray(value)
    if a.dtype.kind not in "biufc":
        return ""
    if not a.size:
        return "empty"
    if a.size <= 3:
        return ", ".join(figure(x, 4 if a.size == 1 else 3) for x in a.flat)
    if a.dtype.kind == "b":
        return f"{int(a.sum()):,} of {a.size:,} True"
    if a.dtype.kind == "c":
        return f"modulus {summary(np.abs(a))}"
    finite = a[np.isfinite(a)]
    parts = []
    if finite.size:
        low, high = finite.min(), finite.max()
        parts.append(f"all {figure(low)}" if low == high else f"{figure(low)} … {figure(high)}")
    for word, found in (("nan", np.isnan(a)), ("inf", np.isinf(a))):
        if found.any():
            parts.append(f"{int(found.sum()):,} {word}")
    return ", ".join(parts)


def figure(x: Any, digits: int = 3) -> str:
    """Return a number in a few digits, with a real minus sign; integers in full.

    >>> figure(-0.12345), figure(-1e-5), figure(-0.0), figure(123456.0), figure(123456)
    ('−0.123', '−1e-05', '0', '1.23e+05', '123,456')
    """
    if isinstance(x, bool | np.bool_):
        return str(x)
    text = f"{x:,}" if isinstance(x, int | np.integer) else f"{x:.{digits}g}"
    return "0" if text == "-0" else "−" + text[1:] if text.startswith("-") else text


def shortened(text: str, limit: int) -> str:
    """Return a text with its middle left out where it is too long for a box.

    >>> shortened("abcdefghij", 7)
    'abc…hij'
    """
    if len(text) <= limit:
        return text
    head = limit // 2
    return f"{text[:head]}…{text[len(text) - (limit - head - 1) :]}"


def counted(n: int, what: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "operation"), counted(1840, "operation")
    ('1 operation', '1,840 operations')
    """
    return f"{n:,} {what}{'' if n == 1 else 's'}"
