"""What single change would make the user's own formula right.

The formula is recorded, as the forward pass is; each step of it is changed in every way in which people write such
steps wrong, and what then gives the right value, at several inputs, names the mistake in the user's own terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import thread_time
from typing import Any

import numpy as np

from microgradnp.graph import Graph, trace
from microgradnp.tape import Node
from microgradnp.verify.constants import constant_name
from microgradnp.verify.judgement import Cause
from microgradnp.verify.meaning import close
from microgradnp.verify.situations import Explanation, Situation

Array = Any

SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "matmul": "@", "power": "**", "dot": "@"}
FAMILIES = (
    (np.sin, np.cos),
    (np.exp, np.log, np.sqrt, np.square, np.abs),
    (np.tanh, np.sinh, np.cosh),
    (np.maximum, np.minimum),
)


class Formula:
    """The user's formula recorded at one input, and the right value there."""

    def __init__(self, function: Callable[..., Any], arguments: Mapping[str, Any], situation: Situation) -> None:
        self.situation = situation
        self.right = situation.scene.right
        with np.errstate(all="ignore"):
            self.graph: Graph = trace(function, **dict(arguments))
        if not self.graph.outputs or isinstance(self.graph.result, tuple | list | dict):
            raise ValueError("the formula cannot be recorded")
        self.output = self.graph.outputs[0]
        value = np.asarray(self.output.saved[0], dtype=np.float64)
        if not close(value, situation.hand) and not np.array_equal(value, situation.hand):
            raise ValueError("the formula gives another value when it is recorded")
        self.needed = [n for n in self.graph.nodes if n.order <= self.output.order]
        self.position = {node: k for k, node in enumerate(self.needed)}

    def text(self, node: Node | None, value: Array = None, depth: int = 3) -> str:
        """Return a step as the user would write it."""
        if node is None:
            return f"{value:.6g}" if np.ndim(value) == 0 else "a constant"
        label = self.graph.label(node)
        if (label and label in self.graph.inputs) or (label and depth < 3):
            return label
        if not node.parents or depth == 0:
            return label or "..."
        parts = [self.text(p, v, depth - 1) for p, v in self.graph.operands(node)]
        name = node.primitive.name
        if name in SYMBOLS and len(parts) == 2:
            parts = [
                f"({p})" if " " in p and name in ("multiply", "divide", "matmul", "dot", "power") else p for p in parts
            ]
            return f"{parts[0]} {SYMBOLS[name]} {parts[1]}"
        if name == "negative":
            return f"-{parts[0]}"
        if name == "transpose":
            return f"{parts[0]}.T"
        options = "".join(f", {k}={v}" for k, v in (node.params or {}).items() if k != "pattern")
        return f"{name}({', '.join(parts)}{options})"


@dataclass
class Repair:
    """A change of one step, and the value that the step then has."""

    key: tuple[Any, ...]
    node: Node
    cause: Cause
    rank: float
    text: str
    value: Callable[..., Array | None]


def repairs(f: Formula) -> Iterator[Repair]:
    """Yield the changes, step by step, from the result inwards."""
    for node in reversed(f.needed):
        k = f.position[node]
        if node.parents:
            yield from rewritten(f, node, k)
        yield from amended(f, node, k)


def rewritten(f: Formula, node: Node, k: int) -> Iterator[Repair]:
    """Yield other operations on the same operands, and the same operation on other operands."""
    name, here = node.primitive.name, f.text(node)
    xs = [np.asarray(x) for x in node.saved[1:]]
    texts = [f.text(p, x, 2) for p, x in f.graph.operands(node)]

    def other(key: str, cause: Cause, rank: float, text: str, value: Callable[..., Array]) -> Repair:
        return Repair((k, key), node, cause, rank, f"`{here}` should be `{text}`", value)

    if len(xs) == 2 and name in SYMBOLS:
        a, b = xs
        s, t = texts
        forms: list[tuple[str, Cause, float, str, Callable[..., Array]]] = [
            ("+", Cause.SIGN if name == "subtract" else Cause.MISSING_FACTOR, 0.5, f"{s} + {t}", lambda: a + b),
            ("-", Cause.SIGN if name == "add" else Cause.MISSING_FACTOR, 0.5, f"{s} - {t}", lambda: a - b),
            ("r-", Cause.SIGN, 0.5, f"{t} - {s}", lambda: b - a),
            (
                "*",
                Cause.MATMUL_VS_ELEMENTWISE if name in ("matmul", "dot") else Cause.MISSING_FACTOR,
                0.5,
                f"{s} * {t}",
                lambda: a * b,
            ),
            ("/", Cause.MISSING_FACTOR, 0.6, f"{s} / {t}", lambda: a / b),
            ("r/", Cause.MISSING_FACTOR, 0.8, f"{t} / {s}", lambda: b / a),
            ("**", Cause.MISSING_FACTOR, 0.8, f"{s} ** {t}", lambda: np.power(a, b)),
            (
                "a",
                Cause.EXTRA_ACTIVATION_DERIVATIVE
                if is_slope(f, b)
                else Cause.DOUBLE_COUNT
                if name in ("add", "subtract")
                else Cause.MISSING_FACTOR,
                0.7,
                s,
                lambda: a,
            ),
            (
                "b",
                Cause.EXTRA_ACTIVATION_DERIVATIVE
                if is_slope(f, a)
                else Cause.DOUBLE_COUNT
                if name in ("add", "subtract")
                else Cause.MISSING_FACTOR,
                0.7,
                t,
                lambda: b,
            ),
        ]
        if a.ndim and b.ndim:
            swap = Cause.TRANSPOSE if name in ("matmul", "dot") else Cause.MATMUL_VS_ELEMENTWISE
            forms += [
                ("@", swap, 0.4, f"{s} @ {t}", lambda: a @ b),
                ("@T", swap, 0.4, f"{s} @ {t}.T", lambda: a @ b.T),
                ("T@", swap, 0.4, f"{s}.T @ {t}", lambda: a.T @ b),
                ("r@", swap, 0.6, f"{t} @ {s}", lambda: b @ a),
                ("rT@", swap, 0.6, f"{t}.T @ {s}", lambda: b.T @ a),
                ("r@T", swap, 0.6, f"{t} @ {s}.T", lambda: b @ a.T),
            ]
        for key, cause, rank, text, value in forms:
            if text != here:
                yield other(key, cause, rank, text, value)
    if name in ("sum", "mean", "max", "min", "cumsum", "softmax", "logsumexp"):
        x, params = xs[0], node.params or {}
        axes: list[Any] = [None, *range(x.ndim)]
        for axis in axes:
            for keep in (True, False):
                for function, label in ((np.sum, "sum"), (np.mean, "mean")):
                    same = axis == params.get("axis")
                    cause = Cause.AXIS if not same else Cause.SCALE if label != name else Cause.SHAPE
                    yield other(
                        f"{label}{axis}{keep}",
                        cause,
                        0.4,
                        f"{label}({texts[0]}, axis={axis}{', keepdims=True' if keep else ''})",
                        lambda fn=function, ax=axis, kd=keep: fn(x, axis=ax, keepdims=kd),
                    )
        yield other("bare", Cause.AXIS, 0.7, texts[0], lambda: x)
    if len(xs) == 1 and name in ("transpose", "negative", "flip", "roll"):
        yield other(
            "bare",
            Cause.TRANSPOSE if name == "transpose" else Cause.SIGN if name == "negative" else Cause.SHIFTED_INDEX,
            0.3,
            texts[0],
            lambda: xs[0],
        )
    for family in FAMILIES:
        if any(node.primitive.name == fn.__name__ for fn in family):
            for fn in family:
                yield other(
                    fn.__name__,
                    Cause.DERIVATIVE_AT_WRONG_PLACE if len(xs) == 1 else Cause.WRONG_OPERAND,
                    0.9,
                    f"{fn.__name__}({', '.join(texts)})",
                    lambda fn=fn: fn(*xs),
                )
            yield other("inner", Cause.MISSING_FACTOR, 1.0, texts[0], lambda: xs[0])
    if name in ("greater", "less", "greater_equal", "less_equal"):
        yield other(">", Cause.WRONG_MASK, 0.5, f"{texts[0]} > {texts[1]}", lambda: xs[0] > xs[1])
        yield other("<", Cause.WRONG_MASK, 0.5, f"{texts[0]} < {texts[1]}", lambda: xs[0] < xs[1])
    yield from other_operands(f, node, k, xs, texts)


def other_operands(f: Formula, node: Node, k: int, xs: list[Array], texts: list[str]) -> Iterator[Repair]:
    """Yield the step with one operand exchanged, transposed, turned, or with another constant."""
    pool = {
        **f.situation.pool,
        **{
            n: np.asarray(v)
            for n, v in f.situation.environment.items()
            if isinstance(v, int | float) and not isinstance(v, bool)
        },
    }

    def again(j: int, value: Array) -> Array:
        ys = list(xs)
        ys[j] = value
        return node.primitive.function(*ys, **(node.params or {}))

    for j, x in enumerate(xs):
        if x.dtype.kind not in "fiu":
            continue
        parent = node.parents[j]

        def changed(key: str, cause: Cause, rank: float, text: str, value: Array, j: int = j) -> Repair:
            shown = [*texts]
            shown[j] = text
            return Repair(
                (k, j, key),
                node,
                cause,
                rank,
                f"in `{f.text(node)}`, `{texts[j]}` should be `{text}`",
                lambda v=value, j=j: again(j, v),
            )

        if parent is None and x.ndim == 0:
            c = float(x)
            for value in (c + 1, c - 1, 2 * c, c / 2, -c, 1.0, 2.0, 0.5, 0.0):
                if value != c:
                    yield changed(
                        f"const{value}",
                        Cause.SIGN if value == -c else Cause.SCALE,
                        0.5,
                        f"{value:g}",
                        np.asarray(value),
                    )
        if x.ndim == 2:
            yield changed("T", Cause.TRANSPOSE, 0.3, f"{texts[j]}.T", x.T)
        for name, value in pool.items():
            if value.shape == x.shape and name != texts[j] and not np.array_equal(value, x):
                yield changed(f"for {name}", Cause.WRONG_OPERAND, 0.6, name, value)
                if x.ndim == 0 and value != 0:
                    yield changed(f"1/{name}", Cause.SCALE, 0.7, f"1/{name}", 1 / value)
            elif value.ndim == 2 and value.T.shape == x.shape:
                yield changed(f"for {name}.T", Cause.WRONG_OPERAND, 0.9, f"{name}.T", value.T)
        for axis in range(x.ndim):
            for step in (1, -1):
                yield changed(
                    f"roll{axis}{step}",
                    Cause.SHIFTED_INDEX,
                    1.5,
                    f"{texts[j]} shifted by one along axis {axis}",
                    np.roll(x, step, axis),
                )


def amended(f: Formula, node: Node, k: int) -> Iterator[Repair]:
    """Yield what is missing at a step: a sign, a transpose, a factor, a term, a sum."""
    x = np.asarray(node.saved[0])
    if x.dtype.kind != "f":
        return
    here = f.text(node)

    def amend(key: str, cause: Cause, rank: float, text: str, value: Callable[..., Array | None]) -> Repair:
        return Repair((k, key), node, cause, rank, text, value)

    yield amend("-", Cause.SIGN, 0.4, f"`{here}` has the wrong sign", lambda: -x)
    if x.ndim == 2:
        yield amend("T", Cause.TRANSPOSE, 0.4, f"`{here}` should be transposed", lambda: x.T)
    for axis in range(x.ndim):
        for keep in (True, False):
            for fn, what in ((np.sum, "summed"), (np.mean, "averaged")):
                yield amend(
                    f"{what}{axis}{keep}",
                    Cause.BROADCAST,
                    0.6,
                    f"`{here}` should be {what} over axis {axis}",
                    lambda fn=fn, a=axis, kd=keep: fn(x, axis=a, keepdims=kd),
                )
    for name, value in f.situation.pool.items():
        try:
            if np.broadcast_shapes(value.shape, x.shape) != x.shape:
                continue
        except ValueError:
            continue
        for form, g, rank in (
            ("{0} * (1 - {0})", lambda v: v * (1 - v), 0.3),
            ("1 - {0}**2", lambda v: 1 - v * v, 0.3),
            ("({0} > 0)", lambda v: (v > 0) * 1.0, 0.3),
            ("{0}", lambda v: v, 0.6),
            ("1 - {0}", lambda v: 1 - v, 0.6),
            ("1 / {0}", lambda v: 1 / v, 0.8),
            ("{0}**2", lambda v: v * v, 0.9),
            ("1 / {0}**2", lambda v: 1 / (v * v), 1.0),
            ("cos({0})", np.cos, 0.9),
            ("sin({0})", np.sin, 1.0),
            ("exp({0})", np.exp, 1.0),
            ("sign({0})", np.sign, 0.9),
        ):
            text = form.format(name)
            with np.errstate(all="ignore"):
                factor = g(value)
            if not np.any(factor) or np.all(factor == factor.flat[0]):
                continue  # nothing, or a constant: no factor that anybody forgets
            binary = len(np.unique(value)) <= 2 and np.any(value == 0) and value.size > 1
            cause = (
                Cause.WRONG_MASK
                if binary
                else Cause.MISSING_ACTIVATION_DERIVATIVE
                if rank <= 0.3
                else Cause.MISSING_FACTOR
            )
            yield amend(
                f"* {text}", cause, rank, f"`{here}` misses the factor {text}", lambda factor=factor: x * factor
            )
        yield amend(f"+ {name}", Cause.MISSING_TERM, 0.7, f"`{here}` misses the term {name}", lambda v=value: x + v)
        yield amend(f"- {name}", Cause.MISSING_TERM, 0.7, f"`{here}` misses the term -{name}", lambda v=value: x - v)


def is_slope(f: Formula, x: Array) -> bool:
    """Return whether an operand is the derivative of some activation: y (1 - y), 1 - y^2, or a step."""
    for value in f.situation.pool.values():
        if (
            value.shape == np.shape(x)
            and value.size > 1
            and (close(value * (1 - value), x) or close(1 - value**2, x) or np.array_equal(value > 0, x))
        ):
            return True
    return False


def repaired(formulas: list[Formula], subject: str, patience: float) -> Explanation | None:
    """Return the single change that makes the user's formula right at all inputs, as an explanation, or None."""
    first, started = formulas[0], thread_time()
    found: list[Repair] = []
    evaluators: dict[Node, Callable[[Array], Array]] = {}
    for repair in repairs(first):
        if thread_time() - started > patience:
            break
        if works(repair, first, evaluators):
            found.append(repair)
    found.sort(key=lambda r: r.rank)
    for repair in found[:8]:
        if all(holds(repair, other) for other in formulas[1:]):
            return Explanation(
                repair.cause, f"`{subject}` is right if one thing is changed: {repair.text}", repair.rank, repair.key
            )
    return scaled_step(formulas, subject)


def holds(repair: Repair, other: Formula) -> bool:
    """Return whether the same change works at another input."""
    same = next((r for r in repairs(other) if r.key == repair.key), None)
    return same is not None and works(same, other, {})


def works(repair: Repair, f: Formula, evaluators: dict[Node, Callable[[Array], Array]]) -> bool:
    """Return whether a change makes the formula right."""
    node = repair.node
    try:
        with np.errstate(all="ignore"):
            value = repair.value()
            if value is None:
                return False
            if node is f.output:
                result = value
            else:
                if node not in evaluators:
                    evaluators[node] = f.graph.evaluator(f.output, [node])
                result = evaluators[node](np.asarray(value)[()])
            return close(np.asarray(result, dtype=np.float64), f.right)
    except (ValueError, TypeError, IndexError, ZeroDivisionError, np.exceptions.AxisError):
        return False


def scaled_step(formulas: list[Formula], subject: str) -> Explanation | None:
    """Return the explanation that one term of the formula has a wrong constant, solved for by projection."""
    first = formulas[0]
    for node in reversed(first.needed):
        x = np.asarray(node.saved[0])
        if x.dtype.kind != "f" or node is first.output:
            continue
        constants = []
        for f in formulas:
            other = f.needed[first.position[node]]
            value = np.asarray(other.saved[0])
            evaluate = f.graph.evaluator(f.output, [other])
            try:
                with np.errstate(all="ignore"):
                    base, full = np.asarray(evaluate(0 * value)), f.situation.hand
                    part = full - base
                    c = float(np.sum((f.right - base) * part) / np.sum(part * part))
                    if not close(np.asarray(evaluate(c * value)), f.right):
                        break
            except (ValueError, TypeError, IndexError, ZeroDivisionError):
                break
            constants.append(c)
        if len(constants) == len(formulas) and np.ptp(constants) <= 1e-7 * abs(constants[0]):
            c = constants[0]
            if not np.isfinite(c) or abs(c - 1) < 1e-9:
                continue
            name = constant_name(c, {**first.situation.environment, **first.situation.pool}) or f"{c:.6g}"
            cause = (
                Cause.SIGN
                if c == -1
                else Cause.DOUBLE_COUNT
                if abs(c - 0.5) < 1e-9
                else Cause.SCALE
                if abs(c) > 1e-12
                else Cause.MISSING_TERM
            )
            return Explanation(
                cause,
                f"`{subject}` is right if one thing is changed: `{first.text(node)}` should be multiplied by {name}",
                1.0,
            )
    return None
