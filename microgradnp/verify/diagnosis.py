"""Why a gradient is wrong: the single mistake in the right way back that gives exactly the wrong value.

The right gradient exists as a graph. Each plausible mistake is a change of one step of it; those that reproduce the
user's value, to rounding and at several inputs, are explanations. Constants are solved for by projection and looked up
afterwards. Of several explanations the better known mistake comes first, then the one nearest to the loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import thread_time
from typing import Any

import numpy as np

from microgradnp.tape import Node
from microgradnp.verify.constants import constant_name
from microgradnp.verify.judgement import Cause
from microgradnp.verify.scene import Chain, Scene

Array = Any

#: The search gives up after so many seconds.
PATIENCE = 1.5


@dataclass
class Candidate:
    """One mistake, and the value that it gives.

    Attributes
    ----------
    key : tuple
        The same for the same mistake at another input.
    cause : Cause
    rank : float
        How far-fetched it is: 0 is the mistake that everybody makes.
    text : str
        What was done, completing "it equals the right answer ...".
    value : callable
        Computes the wrong value. None where the mistake makes no sense.
    free : bool
        Whether any constant factor is part of the mistake (a learning rate, a penalty).
    """

    key: tuple[Any, ...]
    cause: Cause
    rank: float
    text: str
    value: Callable[..., Array | None]
    free: bool = False


@dataclass
class Explanation:
    """Why a value is wrong.

    Attributes
    ----------
    cause : Cause
    text : str
        One sentence, with the user's own names.
    rank : float
    key : tuple
    constant : float or None
        The factor by which all of it is off, where that is the mistake.
    """

    cause: Cause
    text: str
    rank: float
    key: tuple[Any, ...] = ()
    constant: float | None = None
    constant_name: str = ""


class Situation:
    """A scene with what surrounds it: the values by name, and the value that the user's formula gave there."""

    def __init__(self, scene: Scene, hand: Array, environment: Mapping[str, Any], claims: Mapping[str, str]) -> None:
        self.scene = scene
        self.hand = np.asarray(hand, dtype=np.float64)
        self.environment = environment
        self.claims = claims  # what the user calls the gradient of a quantity
        self.pool = self._pool()

    def _pool(self) -> dict[str, Array]:
        """Return every named array that a formula could have used by mistake."""
        pool = {}
        for name, node in self.scene.point.graph.names.items():
            if node.dtype.kind in "fb" and "@" not in name:
                pool[name] = np.asarray(node.saved[0], dtype=np.float64)
        for name, value in self.environment.items():
            if name not in pool and isinstance(value, np.ndarray) and value.dtype.kind in "fb":
                pool[name] = value.astype(np.float64)
        return pool

    def gradient_name(self, node: Node) -> str:
        """Return what the user calls the gradient of a node."""
        label = self.scene.label(node) or node.primitive.name
        return self.claims.get(label, f"∂loss/∂{label}")


# -- the mistakes --------------------------------------------------------------------------------------------------


def candidates(s: Situation) -> Iterator[Candidate]:
    """Yield the mistakes, the well known first."""
    yield from whole(s)
    for place, chain in enumerate(s.scene.chains()):
        yield from activation(s, chain, place)
    yield from steps(s)
    yield from received(s)
    yield from softmaxes(s)
    yield from losses(s)
    yield from terms(s)
    yield from factors(s)


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


#: Derivatives of the usual activations, of the pre-activation z and of the activation y.
def logistic(z: Array) -> Array:
    """Return the logistic function."""
    return 0.5 * (1 + np.tanh(0.5 * z))


def softmax(z: Array) -> Array:
    """Return the softmax over the last axis."""
    if z.ndim == 0:
        return np.ones_like(z)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


OF_INPUT: dict[str, Callable[[Array], Array]] = {
    "{s}({z})": logistic,
    "{s}'({z})": lambda z: logistic(z) * (1 - logistic(z)),
    "1 - tanh({z})**2": lambda z: 1 - np.tanh(z) ** 2,
    "({z} > 0)": lambda z: (z > 0) * 1.0,
    "({z} >= 0)": lambda z: (z >= 0) * 1.0,
    "tanh({z})": np.tanh,
    "exp({z})": np.exp,
    "cos({z})": np.cos,
    "sin({z})": np.sin,
    "sign({z})": np.sign,
    "{z}": lambda z: z,
    "2 * {z}": lambda z: 2 * z,
    "1 / {z}": lambda z: 1 / z,
    "{z} * (1 - {z})": lambda z: z * (1 - z),
    "1 - {z}**2": lambda z: 1 - z * z,
    "1 - {z}": lambda z: 1 - z,
}


def activation(s: Situation, chain: Chain, place: int) -> Iterator[Candidate]:
    """Yield mistakes at an elementwise function: its derivative missing, doubled, misplaced, or another one's."""
    z_name, y_name = s.scene.label(chain.start) or s.scene.quantity, s.scene.label(chain.end) or "its result"
    derivative = chain.derivative
    key = (s.scene.position[chain.start], s.scene.position[chain.end])
    if np.allclose(derivative, 1, rtol=1e-12, atol=0):
        return
    constant = derivative.size > 1 and np.ptp(derivative) <= 1e-12 * np.max(np.abs(derivative))
    mask = mask_name(s, derivative)
    written = recognised(derivative, chain.z, chain.y, z_name, y_name)
    what = (
        f"the factor {mask or written}" if mask or written else f"the derivative of {y_name} with respect to {z_name}"
    )
    near = place * 0.01

    penalty = proportional(chain.upstream * derivative, np.asarray(chain.start.saved[0], dtype=np.float64))

    alone = all(p is None or p is chain.start or p in chain.program for n in chain.program for p in n.parents)

    def cause(usual: Cause) -> Cause:
        if not alone and usual is Cause.MISSING_ACTIVATION_DERIVATIVE and not (penalty or mask or constant):
            return Cause.MISSING_FACTOR  # a product with another quantity is no activation
        return Cause.REGULARISER if penalty else Cause.WRONG_MASK if mask else Cause.SCALE if constant else usual

    yield Candidate(
        (*key, "missing"),
        cause(Cause.MISSING_ACTIVATION_DERIVATIVE),
        near,
        f"with {what} left out",
        lambda: chain.with_factor(1.0),
    )
    yield Candidate(
        (*key, "double"),
        cause(Cause.EXTRA_ACTIVATION_DERIVATIVE),
        0.3 + near,
        f"with {what} taken twice",
        lambda: chain.with_factor(derivative**2),
    )
    yield Candidate(
        (*key, "place"),
        Cause.DERIVATIVE_AT_WRONG_PLACE,
        0.1 + near,
        f"with the derivative of {y_name} taken at {y_name} instead of at {z_name}",
        lambda: chain.with_factor(chain.slope_at(chain.y)),
    )
    yield Candidate(
        (*key, "upstream"),
        Cause.UPSTREAM_IGNORED,
        0.4 + near,
        f"with the derivative of {y_name} alone, without what comes from above",
        lambda: chain.with_value(derivative),
    )
    if mask:
        yield Candidate(
            (*key, "inverted"),
            Cause.WRONG_MASK,
            0.2 + near,
            f"with the mask {mask} inverted",
            lambda: chain.with_factor(np.where(derivative == 0, np.max(derivative), 0.0)),
        )
        yield Candidate(
            (*key, "unscaled"),
            Cause.SCALE,
            0.3 + near,
            f"with {mask} alone, without its scaling by {np.max(derivative):.6g}",
            lambda: chain.with_factor((derivative != 0) * 1.0),
        )
    yield Candidate(
        (*key, "inverse"),
        Cause.MISSING_FACTOR,
        1.5 + near,
        f"divided by {what} instead of multiplied",
        lambda: chain.with_factor(1 / derivative),
    )
    yield Candidate(
        (*key, "root"),
        Cause.MISSING_FACTOR,
        2 + near,
        f"with the square root of {what}",
        lambda: chain.with_factor(np.sqrt(np.abs(derivative))),
    )
    for name, value, at in ((z_name, chain.z, "z"), (y_name, chain.y, "y")):
        for form, function in OF_INPUT.items():
            text = form.format(z=name, s="s")
            partial = written is not None and text in (y_name, f"1 - {y_name}", z_name)
            usual = Cause.MISSING_FACTOR if partial else place_or_surrogate(form, at, written)
            left_out = left(written, text, y_name) if partial and written else None
            said = f"with {left_out} left out" if left_out else f"with {text} in place of {written or what}"
            yield Candidate(
                (*key, at, form),
                cause(usual) if penalty else usual,
                (0.2 if partial else 0.6) + near,
                said,
                lambda f=function, v=value: chain.with_factor(quiet(f, v)),
            )
    for form, function in OF_INPUT.items():
        if form in ("{z}", "2 * {z}"):
            continue
        text = form.format(z=y_name, s="s")
        yield Candidate(
            (*key, "extra", form),
            Cause.EXTRA_ACTIVATION_DERIVATIVE,
            1 + near,
            f"with {text} as one factor too many",
            lambda f=function: chain.with_factor(derivative * quiet(f, chain.y)),
        )


def quiet(f: Callable[[Array], Array], x: Array) -> Array:
    """Compute without warnings."""
    with np.errstate(all="ignore"):
        return f(x)


def place_or_surrogate(form: str, at: str, written: str | None) -> Cause:
    """Return what it is to use a certain factor for a derivative."""
    if written is not None and at == "z" and form in ("{z} * (1 - {z})", "1 - {z}**2"):
        return Cause.DERIVATIVE_AT_WRONG_PLACE  # a formula meant for the activation, given the pre-activation
    if at == "y" and form in ("{s}'({z})", "1 - tanh({z})**2"):
        return Cause.DERIVATIVE_AT_WRONG_PLACE
    return Cause.SURROGATE_DERIVATIVE


def left(written: str, used: str, y_name: str) -> str | None:
    """Return the factor of a product that is not there when only `used` is."""
    for whole_, a, b in ((f"{y_name} * (1 - {y_name})", y_name, f"1 - {y_name}"),):
        if written == whole_:
            return f"the factor {b if used == a else a}" if b != used else f"the factor {a}"
    return None


def recognised(derivative: Array, z: Array, y: Array, z_name: str, y_name: str) -> str | None:
    """Return how a person writes this derivative, in terms of the activation or the pre-activation."""
    forms = [
        (f"{y_name} * (1 - {y_name})", y * (1 - y)),
        (f"1 - {y_name}**2", 1 - y * y),
        (f"({z_name} > 0)", (z > 0) * 1.0),
        (y_name, y),
        (f"2 * {z_name}", 2 * z),
        (f"1 / {z_name}", quiet(lambda v: 1 / v, z)),
    ]
    for text, value in forms:
        if np.shape(value) == derivative.shape and np.allclose(value, derivative, rtol=1e-9, atol=1e-14):
            return text
    return None


def mask_name(s: Situation, derivative: Array) -> str | None:
    """Return the name of an input of zeros and one other number that this derivative is proportional to."""
    if derivative.size < 2:
        return None
    for name, node in s.scene.point.graph.inputs.items():
        value = np.asarray(node.saved[0], dtype=np.float64)
        if value.size > 1 and len(np.unique(value)) == 2 and np.any(value == 0):
            try:
                spread = np.broadcast_to(value, derivative.shape)
            except ValueError:
                continue
            if np.array_equal(spread != 0, derivative != 0) and np.ptp(derivative[derivative != 0]) <= 1e-9 * np.max(
                np.abs(derivative)
            ):
                return name
    return None


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


def solved(hand: Array, base: Array, part: Array) -> Array | None:
    """Return base + c part for the c that fits best."""
    denominator = float(np.sum(part * part))
    if hand.shape != base.shape or not denominator > 0:
        return None
    c = float(np.sum((hand - base) * part)) / denominator
    return base + c * part if math.isfinite(c) else None


def proportional(a: Array, b: Array) -> bool:
    """Return whether a is a multiple of b, or of its signs."""
    if a.shape != b.shape or a.size < 2 or not np.any(b):
        return False
    for basis in (b, np.sign(b)):
        c = np.sum(a * basis) / np.sum(basis * basis)
        if c and np.allclose(a, c * basis, rtol=1e-9, atol=1e-14 * np.max(np.abs(a))):
            return True
    return False


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
            Cause.UPSTREAM_IGNORED,
            0.8 + near,
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


def softmaxes(s: Situation) -> Iterator[Candidate]:
    """Yield mistakes at a softmax: only the diagonal of its Jacobian, or none of it."""
    scene = s.scene
    named = scene.named()
    for place, z in enumerate(named):
        x = np.asarray(z.saved[0], dtype=np.float64)
        if x.ndim == 0 or z in scene.given:
            continue
        for y in named:
            if y is z or y.shape != z.shape or y.order < z.order:
                continue
            value = np.asarray(y.saved[0], dtype=np.float64)
            for axis in range(x.ndim):
                e = np.exp(x - x.max(axis=axis, keepdims=True))
                if not np.allclose(value, e / e.sum(axis=axis, keepdims=True), rtol=1e-9, atol=1e-300):
                    continue
                g, key, near = scene.gradient[y], (scene.position[z], scene.position[y]), place * 0.01
                right = value * (g - (g * value).sum(axis=axis, keepdims=True))
                zn, yn = scene.label(z), scene.label(y)
                for kind, cause, rank, text, wrong in (
                    (
                        "diagonal",
                        Cause.SOFTMAX_DIAGONAL,
                        0.1,
                        f"with only the diagonal of the softmax's Jacobian, {yn} * (1 - {yn})",
                        value * (1 - value) * g,
                    ),
                    (
                        "none",
                        Cause.MISSING_ACTIVATION_DERIVATIVE,
                        0.3,
                        f"with the derivative of the softmax {yn} left out",
                        g,
                    ),
                    ("scale", Cause.SOFTMAX_DIAGONAL, 0.4, f"with {yn} alone for the softmax's Jacobian", value * g),
                    (
                        "sum",
                        Cause.AXIS,
                        0.6,
                        "with the softmax's sum taken over all entries",
                        value * (g - (g * value).sum()),
                    ),
                    (
                        "axis",
                        Cause.AXIS,
                        0.6,
                        "with the softmax's sum taken over the wrong axis",
                        value * (g - (g * value).sum(axis=(axis + 1) % x.ndim, keepdims=True)),
                    ),
                    (
                        "extra",
                        Cause.EXTRA_ACTIVATION_DERIVATIVE,
                        0.4,
                        f"with {yn} * (1 - {yn}) as one factor too many",
                        right * value * (1 - value),
                    ),
                ):
                    yield Candidate(
                        (*key, axis, kind),
                        cause,
                        rank + near,
                        f"{text} ({zn})",
                        lambda w=wrong, r=right, z=z: scene.right + scene.carried(z, w - r),
                    )


def losses(s: Situation) -> Iterator[Candidate]:
    """Yield the gradients of other common losses, at every prediction for which there are data of the same shape."""
    scene = s.scene
    for place, p in enumerate(scene.named()):
        prediction = np.asarray(p.saved[0], dtype=np.float64)
        if p in scene.given or prediction.size < 1:
            continue
        name = scene.label(p)
        for target, t in s.pool.items():
            if (
                target not in scene.point.graph.inputs
                or t.shape != prediction.shape
                or scene.point.graph.names.get(target) is p
            ):
                continue
            near = place * 0.01
            for form, text in (
                (lambda y, t: y - t, "{y} - {t}"),
                (lambda y, t: y, "{y}: the term {t} left out"),
                (lambda y, t: -t, "-{t}: the term {y} left out"),
                (lambda y, t: y + t, "{y} + {t}"),
                (lambda y, t: -t / y, "-{t} / {y}"),
                (lambda y, t: (1 - t) / (1 - y) - t / y, "the binary cross entropy's"),
                (lambda y, t: np.sign(y - t), "sign({y} - {t})"),
                (lambda y, t: (y - t) * y * (1 - y), "({y} - {t}) * {y} * (1 - {y})"),
                (lambda y, t: (y - t) * (1 - y * y), "({y} - {t}) * (1 - {y}**2)"),
                (lambda y, t: y * t, "{y} * {t}"),
                (lambda y, t: (y - t) * t, "({y} - {t}) * {t}"),
                (lambda y, t: (y - t) ** 2, "({y} - {t})**2"),
                (lambda y, t: np.abs(y - t), "|{y} - {t}|"),
                (lambda y, t: (y - t) ** 3, "({y} - {t})**3"),
                (lambda y, t: 1.0 * (y > t), "({y} > {t})"),
                (lambda y, t: logistic(y) - t, "s({y}) - {t}"),
                (lambda y, t: np.tanh(y) - t, "tanh({y}) - {t}"),
                (lambda y, t: softmax(y) - t, "softmax({y}) - {t}"),
                (lambda y, t: np.clip(y - t, -1, 1), "clip({y} - {t}, -1, 1)"),
                (lambda y, t: np.tanh(y - t), "tanh({y} - {t})"),
                (lambda y, t: (y - t) / (y * (1 - y)), "({y} - {t}) / ({y} * (1 - {y}))"),
                (lambda y, t: -t * (t * y < 1), "the hinge's"),
            ):
                said = text.format(y=name, t=target)
                cause = Cause.MISSING_TERM if "left out" in said else Cause.WRONG_LOSS
                near_p, here = 1.2 + near, p
                yield Candidate(
                    (scene.position[p], target, text),
                    cause,
                    near_p,
                    f"with {said} for the gradient at {name}",
                    lambda f=form, y=prediction, t=t, here=here: scene.with_gradient(here, quiet(lambda y: f(y, t), y)),
                )
    for y, node in ((n, g) for n, g in scene.point.graph.names.items()):
        for t in s.pool:
            if (
                y != t
                and t in scene.point.graph.inputs
                and node.shape == scene.target.shape
                and s.pool[t].shape == scene.target.shape
                and y in s.pool
            ):
                a, b = s.pool[y], s.pool[t]
                for text, value, cause in (
                    (f"{y} - {t}", a - b, Cause.WRONG_LOSS),
                    (f"({y} - {t}) * {y} * (1 - {y})", (a - b) * a * (1 - a), Cause.EXTRA_ACTIVATION_DERIVATIVE),
                    (f"({y} - {t}) * (1 - {y}**2)", (a - b) * (1 - a * a), Cause.EXTRA_ACTIVATION_DERIVATIVE),
                    (f"{y} + {t}", a + b, Cause.SIGN),
                    (y, a, Cause.MISSING_TERM),
                    (f"-{t}", -b, Cause.MISSING_TERM),
                    (f"{y} * {t}", a * b, Cause.WRONG_LOSS),
                    (f"sign({y} - {t})", np.sign(a - b), Cause.WRONG_LOSS),
                    (f"({y} - {t})**2", (a - b) ** 2, Cause.WRONG_LOSS),
                ):
                    yield Candidate(("closed", text), cause, 1.4, f"only it is {text}", lambda v=value: v)


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


# -- the search ----------------------------------------------------------------------------------------------------


def close(a: Array, b: Array) -> bool:
    """Return whether two arrays are equal to rounding."""
    if a.shape != b.shape or not a.size:
        return False
    size = float(np.max(np.abs(b)))
    with np.errstate(invalid="ignore"):
        return bool(np.all(np.abs(a - b) <= 1e-8 * size))


def diagnose(situations: Sequence[Situation], subject: str, patience: float = PATIENCE) -> Explanation | None:
    """Return the best explanation of a wrong value, or None.

    Parameters
    ----------
    situations : sequence of Situation
        The same derivation at several inputs, the user's first: an explanation must hold at all of them.
    subject : str
        What the user calls the value.
    patience : float
        Seconds.
    """
    first = situations[0]
    if first.hand.shape != first.scene.right.shape:
        return wrong_shape(first, subject)
    started = thread_time()
    found: list[tuple[Candidate, float | None]] = []
    late = False
    for candidate in candidates(first):
        if thread_time() - started > patience:
            late = True
            break
        fit = fits(candidate, first.hand)
        if fit is not None:
            found.append((candidate, fit if fit != 1.0 else None))
    explanations: list[Explanation] = []
    for candidate, constant in sorted(found, key=lambda pair: pair[0].rank + (1.0 if pair[1] is not None else 0.0))[
        :12
    ]:
        if thread_time() - started > 2 * patience or explanations:
            break
        held = holds_elsewhere(candidate, constant, situations[1:])
        if held:
            explanation = told(candidate, constant, first, subject)
            if explanation is not None:
                explanations.append(explanation)
    explanations.sort(key=lambda e: e.rank)
    if explanations:
        return explanations[0]
    return (
        None
        if not late
        else Explanation(Cause.UNKNOWN, f"no single mistake explains {subject} within {patience} s of search", 9)
    )


def fits(candidate: Candidate, hand: Array) -> float | None:
    """Return the factor by which a candidate reproduces a value: 1, or another where it does up to a factor, or None."""
    try:
        with np.errstate(all="ignore"):
            value = candidate.value()
    except (ValueError, IndexError, TypeError, ZeroDivisionError, FloatingPointError):
        return None
    if value is None or np.shape(value) != hand.shape or not np.all(np.isfinite(value)):
        return None
    value = np.asarray(value, dtype=np.float64)
    if candidate.free and hand.size < 3:
        return None  # a constant that may be any explains few numbers by accident
    if close(value, hand) or (not np.any(value) and not np.any(hand)):
        return 1.0
    size = float(np.sum(value * value))
    if not size > 0:
        return None
    c = float(np.sum(value * hand)) / size
    return c if c and math.isfinite(c) and close(c * value, hand) else None


def holds_elsewhere(candidate: Candidate, constant: float | None, others: Sequence[Situation]) -> bool:
    """Return whether the same mistake explains the value at the other inputs as well."""
    for s in others:
        same = next((c for c in candidates(s) if c.key == candidate.key), None)
        if same is None:
            return False
        c = fits(same, s.hand)
        if c is None:
            return False
        if constant is None and abs(c - 1) > 1e-7:
            return False
        if constant is not None and abs(c - constant) > 1e-6 * abs(constant):
            return False
    return True


def told(candidate: Candidate, constant: float | None, s: Situation, subject: str) -> Explanation | None:
    """Return an explanation in words."""
    cause, rank, text = candidate.cause, candidate.rank, candidate.text
    name = ""
    if constant is not None:
        name = constant_name(constant, {**s.environment, **s.pool})
        if candidate.key == ("scale",):
            said = f"`{subject}` equals the right answer times {name or f'{constant:.6g}'}"
            return Explanation(
                Cause.SIGN if constant == -1 else Cause.SCALE, said, 0.1 if name else 1.0, candidate.key, constant, name
            )
        if not name and not candidate.free:
            return None
        rank += 1.0 if name else 2.0
        text += f", and times {name or f'{constant:.6g}'}"
    elif candidate.key == ("scale",):
        return None
    text = text.replace("{c}", "a constant")
    if text.startswith("only it is "):
        return Explanation(
            cause, f"`{subject}` is {text[11:]}, which is not the gradient of this loss", rank, candidate.key
        )
    return Explanation(cause, f"`{subject}` equals the right answer {text}", rank, candidate.key, constant, name)


def wrong_shape(s: Situation, subject: str) -> Explanation | None:
    """Explain a value of the wrong shape, by the operation that makes it right."""
    hand, right = s.hand, s.scene.right
    if hand.T.shape == right.shape and close(hand.T, right):
        return Explanation(Cause.TRANSPOSE, f"`{subject}` equals the right answer transposed", 0)
    if hand.size == right.size and close(hand.reshape(right.shape), right):
        return Explanation(
            Cause.SHAPE,
            f"`{subject}` has the right numbers in the shape {hand.shape} instead of {right.shape}: keep the axes (keepdims=True)",
            0,
        )
    lead = hand.ndim - right.ndim
    if lead >= 0:
        padded = (1,) * lead + right.shape
        axes = tuple(k for k, (h, r) in enumerate(zip(hand.shape, padded, strict=True)) if r == 1 and h != 1) + tuple(
            k for k in range(lead) if hand.shape[k] == 1
        )
        if all(h == r or r == 1 for h, r in zip(hand.shape, padded, strict=True)):
            for reduce, what in ((np.sum, "summed"), (np.mean, "averaged")):
                if close(reduce(hand, axis=axes).reshape(right.shape), right):
                    shown = axes[0] if len(axes) == 1 else axes
                    return Explanation(
                        Cause.BROADCAST,
                        f"`{subject}` is not {what} over axis {shown}, along which {s.scene.quantity} was broadcast",
                        0,
                    )
    if hand.ndim <= right.ndim:
        for axis in range(right.ndim):
            for reduce, what in ((np.sum, "summed"), (np.mean, "averaged")):
                reduced_ = reduce(right, axis=axis)
                if reduced_.shape == hand.shape and close(hand, reduced_):
                    return Explanation(
                        Cause.AXIS, f"`{subject}` is {what} over axis {axis}, which {s.scene.quantity} keeps", 0
                    )
    for k, i in s.scene.contribution:
        node = s.scene.nodes[k]
        if node.parents[i] is s.scene.target and node.shape != right.shape:
            g = s.scene.gradient[node]
            for axis in range(g.ndim):
                for reduce, what in ((np.sum, "summed"), (np.mean, "averaged")):
                    for keep in (False, True):
                        if close(hand, reduce(g, axis=axis, keepdims=keep)):
                            return Explanation(
                                Cause.AXIS,
                                f"`{subject}` is {what} over axis {axis} of {s.gradient_name(node)}, the wrong one",
                                0,
                            )
    return None


def pattern(hand: Array, right: Array, wrong: Array) -> str:
    """Describe a disagreement that nothing explains: which rows, which entries, constant ratio or not."""
    count, size = int(np.sum(wrong)), wrong.size
    if size == 1:
        return f"it is {float(np.reshape(hand, -1)[0]):.6g} instead of {float(np.reshape(right, -1)[0]):.6g}"
    parts = [f"{count} of {size} entries disagree"]
    if hand.shape == right.shape:
        for axis in range(wrong.ndim):
            along = np.any(wrong, axis=tuple(k for k in range(wrong.ndim) if k != axis))
            if not np.all(along) and np.any(along):
                which = np.flatnonzero(along)
                kind = (
                    {0: "rows", 1: "columns"}.get(axis, f"indices of axis {axis}")
                    if wrong.ndim == 2
                    else f"indices of axis {axis}"
                )
                parts.append(f"only in {kind} {', '.join(map(str, which[:6]))}{', ...' if which.size > 6 else ''}")
        with np.errstate(all="ignore"):
            ratio = (hand / right)[np.asarray(wrong) & (right != 0)]
        if ratio.size > 1 and np.all(np.isfinite(ratio)):
            if np.ptp(ratio) <= 1e-9 * np.max(np.abs(ratio)):
                parts.append(f"the ratio to the right value is {ratio[0]:.6g} in all of them")
            else:
                parts.append(f"the ratio to the right value runs from {np.min(ratio):.3g} to {np.max(ratio):.3g}")
    return ", ".join(parts)
