"""Mistakes in the way back at single steps, and on the finished gradient."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from microgradnp.tape import Node
from microgradnp.verify.judgement import Cause
from microgradnp.verify.meaning import proportional
from microgradnp.verify.scene import Scene
from microgradnp.verify.situations import Candidate, Situation, quiet, solved

Array = Any


#: Of so many quantities the paths through each are left out, and through each two of so many.
GROUPS, PAIRED = 30, 7


def whole(s: Situation) -> Iterator[Candidate]:
    """Yield mistakes made on the finished gradient."""
    right = s.scene.right
    yield Candidate(
        ("zero",), Cause.MISSING_GRADIENT, 0, "with nothing passed back: it is zero", lambda: np.zeros_like(right)
    )
    yield Candidate(("sign",), Cause.SIGN, 0, "with the sign turned", lambda: -right)
    yield Candidate(("scale",), Cause.SCALE, 0.5, "", lambda: right, free=True)
    if right.ndim == 2 and right.shape[0] == right.shape[1] and right.shape[0] > 1:
        yield Candidate(("transpose",), Cause.TRANSPOSE, 0, "transposed", lambda: right.T)
    for axis in range(right.ndim):
        if right.shape[axis] > 1:
            for step in (1, -1):
                yield Candidate(
                    ("roll", axis, step),
                    Cause.SHIFTED_INDEX,
                    2,
                    f"shifted by {'one' if step == 1 else 'minus one'} along axis {axis}",
                    lambda axis=axis, step=step: np.roll(right, step, axis),
                )
                yield Candidate(
                    ("shift", axis, step),
                    Cause.SHIFTED_INDEX,
                    2,
                    f"shifted by one along axis {axis}, with zeros moved in",
                    lambda axis=axis, step=step: shifted(right, step, axis),
                )
            yield Candidate(
                ("flip", axis),
                Cause.SHIFTED_INDEX,
                3,
                f"in reverse order along axis {axis}",
                lambda axis=axis: np.flip(right, axis),
            )
            yield Candidate(
                ("first", axis),
                Cause.MISSING_TERM,
                3,
                f"with only the first entry along axis {axis}",
                lambda axis=axis: only(right, axis, 0),
            )
            yield Candidate(
                ("last", axis),
                Cause.MISSING_TERM,
                3,
                f"with only the last entry along axis {axis}",
                lambda axis=axis: only(right, axis, -1),
            )


def shifted(a: Array, step: int, axis: int) -> Array:
    """Return an array moved by one along an axis, zeros moved in."""
    moved = np.roll(a, step, axis)
    moved[(slice(None),) * axis + (0 if step == 1 else -1,)] = 0
    return moved


def only(a: Array, axis: int, k: int) -> Array:
    """Return an array with all but one entry along an axis zero."""
    result = np.zeros_like(a)
    where = (slice(None),) * axis + (k,)
    result[where] = a[where]
    return result


def steps(s: Situation) -> Iterator[Candidate]:
    """Yield mistakes at single steps: left out, counted twice, turned, with a wrong operand, transposed."""
    scene = s.scene
    into: dict[Node, int] = {}
    for k, i in scene.contribution:
        parent = scene.nodes[k].parents[i]
        assert parent is not None
        into[parent] = into.get(parent, 0) + 1
    for place, ((k, i), value) in enumerate(scene.contribution.items()):
        node = scene.nodes[k]
        parent = node.parents[i]
        assert parent is not None
        near = place * 0.001
        if into[parent] > 1:
            yield from accumulated(s, (k, i), value, near)
        yield from operand_mistakes(s, node, i, near)


def paths(s: Situation) -> Iterator[Candidate]:
    """Yield whole paths left out: all that goes through a quantity, or from one turn of a loop to the next."""
    scene = s.scene
    groups: dict[str, list[Node]] = {}
    for node in scene.named():
        if node is not scene.target and node not in scene.given:
            groups.setdefault(re.sub(r"[@\[(].*$", "", scene.label(node) or ""), []).append(node)
    for place, (name, nodes) in enumerate(list(groups.items())[:GROUPS]):
        near = place * 0.001
        yield Candidate(
            ("through", name),
            Cause.MISSING_TERM,
            0.32 + near,
            f"with what reaches {scene.quantity} through {name} left out",
            lambda nodes=nodes: scene.without(set(nodes)),
        )
        if len(nodes) > 1:
            yield Candidate(
                ("between", name),
                Cause.MISSING_TERM,
                0.31 + near,
                f"with nothing passed back from one {name} to the one before it",
                lambda nodes=nodes: scene.without(set(nodes), between=True),
            )
    for (a, one), (b, two) in itertools.combinations(list(groups.items())[:PAIRED], 2):
        yield Candidate(
            ("through", a, b),
            Cause.MISSING_TERM,
            0.5,
            f"with what reaches {scene.quantity} through {a} and through {b} left out",
            lambda nodes=(*one, *two): scene.without(set(nodes)),
        )


def halves(s: Situation) -> Iterator[Candidate]:
    """Yield a sum or difference used as a factor with one of its two terms left out."""
    scene = s.scene
    for place, (k, i) in enumerate(scene.contribution):
        node = scene.nodes[k]
        if node.primitive.name not in ("multiply", "matmul", "dot", "power", "square", "einsum", "divide"):
            continue
        for j, operand in enumerate(node.parents):
            if operand is None or operand.primitive.name not in ("add", "subtract") or len(operand.parents) != 2:
                continue
            a, b = (np.asarray(x, dtype=np.float64) for x in operand.saved[1:])
            b = -b if operand.primitive.name == "subtract" else b
            kept = [scene.label(p) if p is not None else None for p in operand.parents]
            for which, value in ((1, a), (0, b)):
                left = kept[which] or "one of its terms"
                yield Candidate(
                    (k, i, j, "half", which),
                    Cause.MISSING_TERM,
                    0.7 + place * 0.001,
                    f"with {left} left out of {scene.label(operand) or described(s, operand)}",
                    lambda n=node, i=i, j=j, v=value, o=operand: replaced(
                        scene, n, i, scene.gradient[n], j, np.broadcast_to(v, o.shape)
                    ),
                )


def accumulated(s: Situation, edge: tuple[int, int], value: Array, near: float) -> Iterator[Candidate]:
    """Yield mistakes at one of several contributions to a sum."""
    scene = s.scene
    node, parent = scene.nodes[edge[0]], scene.nodes[edge[0]].parents[edge[1]]
    assert parent is not None
    to, via = scene.label(parent) or "it", scene.label(node) or described(s, node)
    penalty = proportional(value, np.asarray(parent.saved[0], dtype=np.float64))
    cause = Cause.REGULARISER if penalty else Cause.MISSING_TERM
    what = f"the penalty on {to}" if penalty else f"what reaches {to} through {via}"
    yield Candidate(
        (*edge, "drop"), cause, 0.3 + near, f"with {what} left out", lambda: scene.with_contribution(edge, 0 * value)
    )
    yield Candidate(
        (*edge, "twice"),
        Cause.REGULARISER if penalty else Cause.DOUBLE_COUNT,
        0.5 + near,
        f"with {what} counted twice",
        lambda: scene.with_contribution(edge, 2 * value),
    )
    yield Candidate(
        (*edge, "turn"),
        Cause.SIGN,
        0.5 + near,
        f"with the sign of {what} turned",
        lambda: scene.with_contribution(edge, -value),
    )
    others = scene.right - scene.with_contribution(edge, 0 * value)
    yield Candidate(
        (*edge, "alone"),
        Cause.MISSING_TERM,
        0.7 + near,
        f"with {what} alone: the other terms are left out or overwritten",
        lambda: others,
    )
    yield Candidate(
        (*edge, "part"),
        Cause.REGULARISER if penalty else Cause.SCALE,
        1 + near,
        f"with {what} scaled by {{c}}",
        lambda: solved(s.hand, scene.right - others, others),
        free=True,
    )


def described(s: Situation, node: Node) -> str:
    """Return a nameless node in words: the operation on its named operands."""
    names = [s.scene.label(p) for p in node.parents if p is not None and s.scene.label(p)]
    return f"{node.primitive.name}({', '.join(n for n in names if n)})"


def operand_mistakes(s: Situation, node: Node, i: int, near: float) -> Iterator[Candidate]:
    """Yield what a step passes back with a transpose too many or too few, or with something else in place of an operand."""
    scene, name = s.scene, node.primitive.name
    edge = (scene.position[node], i)
    g = scene.gradient[node]
    parent = node.parents[i]
    assert parent is not None
    upstream = s.gradient_name(node)
    for j, operand in enumerate(node.saved[1:]):
        value = np.asarray(operand)
        if j == i and name in ("matmul", "dot", "add", "subtract", "multiply", "negative", "linear"):
            continue
        if value.dtype.kind != "f" or value.ndim == 0:
            continue
        other = node.parents[j]
        label = (scene.label(other) if other is not None else None) or "the operand"
        if name in ("matmul", "dot", "einsum") and value.ndim == 2:
            if value.shape[0] == value.shape[1]:
                yield Candidate(
                    (*edge, j, "transpose"),
                    Cause.TRANSPOSE,
                    0.2 + near,
                    f"with {label} where its transpose belongs, or the other way round",
                    lambda j=j, v=value: replaced(scene, node, i, g, j, v.T),
                )
            if name in ("matmul", "dot"):
                yield from product_mistakes(s, node, i, j, g, value, label, near)
        if name in ("matmul", "dot", "multiply", "divide", "einsum", "linear", "power"):
            for other_name, candidate in s.pool.items():
                if candidate.shape == value.shape and other_name != label and not np.array_equal(candidate, value):
                    yield Candidate(
                        (*edge, j, "operand", other_name),
                        Cause.WRONG_OPERAND,
                        0.8 + near,
                        f"with {other_name} in place of {label}",
                        lambda j=j, v=candidate: replaced(scene, node, i, g, j, v),
                    )
            if other is not None:
                drift = scene.point.gradients.get(other)
                if drift is not None and np.shape(drift) == value.shape:
                    yield Candidate(
                        (*edge, j, "stale"),
                        Cause.STALE_VALUE,
                        0.75 + near,
                        f"with {label} after its update, {label} - {{c}} * its gradient",
                        lambda j=j, d=drift: stale(s, node, i, g, j, np.asarray(d)),
                        free=True,
                    )
            for axis in range(value.ndim):
                for step in (1, -1):
                    yield Candidate(
                        (*edge, j, "roll", axis, step),
                        Cause.SHIFTED_INDEX,
                        2.5 + near,
                        f"with {label} shifted by one along axis {axis}",
                        lambda j=j, v=value, a=axis, t=step: replaced(scene, node, i, g, j, np.roll(v, t, a)),
                    )
    if name in ("multiply", "divide", "matmul", "dot"):
        yield Candidate(
            (*edge, "ones"),
            Cause.UPSTREAM_IGNORED if scene.label(node) else Cause.MISSING_FACTOR,
            (0.8 if scene.label(node) else 1.3) + near,
            f"without {upstream}: the upstream gradient is ignored",
            lambda: scene.with_contribution(edge, scene.pulled(node, i, np.ones(node.shape))),
        )


def replaced(scene: Scene, node: Node, i: int, g: Array, j: int, value: Array) -> Array | None:
    """Return the quantity's gradient when a step used another operand."""
    try:
        k = scene.pulled(node, i, g, {j: value})
    except (ValueError, TypeError, IndexError):
        return None
    return None if k is None else scene.with_contribution((scene.position[node], i), k)


def stale(s: Situation, node: Node, i: int, g: Array, j: int, drift: Array) -> Array | None:
    """Return the quantity's gradient when an operand had moved along its gradient, by the amount that fits best."""
    moved = replaced(s.scene, node, i, g, j, np.asarray(node.saved[1 + j]) - drift)
    return None if moved is None else solved(s.hand, s.scene.right, moved - s.scene.right)


def product_mistakes(
    s: Situation, node: Node, i: int, j: int, g: Array, value: Array, label: str, near: float
) -> Iterator[Candidate]:
    """Yield elementwise products written for matrix products."""
    scene = s.scene
    edge = (scene.position[node], i)
    parent = node.parents[i]
    assert parent is not None

    def elementwise(a: Array, b: Array) -> Array | None:
        try:
            product = a * b
        except ValueError:
            return None
        return scene.with_contribution(edge, product) if product.shape == parent.shape else None

    yield Candidate(
        (*edge, j, "elementwise"),
        Cause.MATMUL_VS_ELEMENTWISE,
        0.5 + near,
        f"with the elementwise product with {label} for the matrix product",
        lambda: elementwise(g, value),
    )
    yield Candidate(
        (*edge, j, "elementwise T"),
        Cause.MATMUL_VS_ELEMENTWISE,
        0.5 + near,
        f"with the elementwise product with {label}.T for the matrix product",
        lambda: elementwise(g, value.T),
    )
    if g.ndim == 2 and value.ndim == 2:
        for form, text in (
            (lambda: value @ g, f"{label} @ {s.gradient_name(node)}"),
            (lambda: g.T @ value, f"{s.gradient_name(node)}.T @ {label}"),
            (lambda: value.T @ g.T, f"{label}.T @ {s.gradient_name(node)}.T"),
        ):
            yield Candidate(
                (*edge, j, text),
                Cause.TRANSPOSE,
                0.6 + near,
                f"with {text} for the product",
                lambda f=form: fitting(scene, edge, parent, f),
            )


def fitting(scene: Scene, edge: tuple[int, int], parent: Node, form: Callable[..., Array]) -> Array | None:
    """Return the quantity's gradient for another product, if its shape fits."""
    try:
        product = form()
    except ValueError:
        return None
    return scene.with_contribution(edge, product) if product.shape == parent.shape else None


def received(s: Situation) -> Iterator[Candidate]:
    """Yield something else used in place of a gradient that the formula was given."""
    for node, gradient in s.scene.given.items():
        if node not in s.scene.gradient:
            continue
        name = s.gradient_name(node)
        for other, value in s.pool.items():
            if value.shape == gradient.shape:
                yield Candidate(
                    ("given", s.scene.position[node], other),
                    Cause.WRONG_OPERAND,
                    0.8,
                    f"with {other} in place of {name}",
                    lambda n=node, v=value: s.scene.with_gradient(n, v),
                )
        yield Candidate(
            ("given", s.scene.position[node], "ones"),
            Cause.UPSTREAM_IGNORED,
            0.5,
            f"without {name}: the upstream gradient is ignored",
            lambda n=node, g=gradient: s.scene.with_gradient(n, np.ones_like(g)),
        )


def terms(s: Situation) -> Iterator[Candidate]:
    """Yield a term too many: the right gradient plus a multiple of some quantity."""
    right = s.scene.right
    for name, value in s.pool.items():
        if value.shape != right.shape:
            continue
        own = s.scene.point.graph.names.get(name) is s.scene.target
        cause = Cause.REGULARISER if own else Cause.MISSING_TERM
        what = f"a penalty {{c}} * {name}" if own else f"a term {{c}} * {name}"
        yield Candidate(
            ("term", name),
            cause,
            0.6 if own else 1.6,
            f"plus {what}",
            lambda v=value: solved(s.hand, right, v),
            free=True,
        )
        if own:
            yield Candidate(
                ("term sign", name),
                cause,
                1,
                f"plus a penalty {{c}} * sign({name})",
                lambda v=value: solved(s.hand, right, np.sign(v)),
                free=True,
            )


def factors(s: Situation) -> Iterator[Candidate]:
    """Yield a factor too many, or one divided out, at every named gradient on the way."""
    for place, node in enumerate(s.scene.named()):
        if node in s.scene.given and node is not s.scene.target:
            where = f"{s.gradient_name(node)}"
        else:
            where = f"the gradient at {s.scene.label(node)}"
        gradient = s.scene.gradient[node]
        for name, value in s.pool.items():
            try:
                if np.broadcast_shapes(value.shape, gradient.shape) != gradient.shape:
                    continue
            except ValueError:
                continue
            binary = len(np.unique(value)) <= 2 and np.any(value == 0) and value.size > 1
            for form, f, rank in (
                ("{}", lambda v: v, 1.8),
                ("1 - {}", lambda v: 1 - v, 1.9),
                ("{0} * (1 - {0})", lambda v: v * (1 - v), 1.0),
                ("1 - {}**2", lambda v: 1 - v * v, 1.0),
                ("1 / {}", lambda v: 1 / v, 1.9),
                ("({} > 0)", lambda v: (v > 0) * 1.0, 1.2),
                ("sign({})", np.sign, 2.0),
                ("{}**2", lambda v: v * v, 2.2),
            ):
                text = form.format(name)
                cause = (
                    Cause.WRONG_MASK
                    if binary
                    else Cause.EXTRA_ACTIVATION_DERIVATIVE
                    if rank <= 1.2
                    else Cause.MISSING_FACTOR
                )
                yield Candidate(
                    ("factor", s.scene.position[node], name, form),
                    cause,
                    rank + place * 0.01,
                    f"with {text} as a factor too many on {where}",
                    lambda f=f, v=value, n=node, g=gradient: s.scene.with_gradient(n, g * quiet(f, v)),
                )
