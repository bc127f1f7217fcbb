"""Mistakes in the way back at an elementwise function or a softmax: its derivative missing, doubled, misplaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from microgradnp.tape import Node
from microgradnp.verify.judgement import Cause
from microgradnp.verify.meaning import is_activation, proportional
from microgradnp.verify.scene import Chain, Scene
from microgradnp.verify.situations import Candidate, Situation, quiet

Array = Any


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

    activation_ = is_activation(chain.start, chain.program)

    def cause(usual: Cause) -> Cause:
        if (
            not (alone and activation_)
            and usual is Cause.MISSING_ACTIVATION_DERIVATIVE
            and not (penalty or mask or constant)
        ):
            return Cause.MISSING_FACTOR  # a product with another quantity is no activation
        return Cause.REGULARISER if penalty else Cause.WRONG_MASK if mask else Cause.SCALE if constant else usual

    yield Candidate(
        (*key, "missing"),
        cause(Cause.MISSING_ACTIVATION_DERIVATIVE),
        near + (0 if activation_ else 0.4),
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
            if usual is Cause.SURROGATE_DERIVATIVE and not s.scene.label(chain.end):
                usual = Cause.WRONG_LOSS  # it is the loss that has another derivative
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


def softmaxes(s: Situation) -> Iterator[Candidate]:
    """Yield mistakes at a softmax: only the diagonal of its Jacobian, or none of it."""
    scene = s.scene
    for place, (z, y, axis) in enumerate(softmaxes_in(scene)):
        value, g = np.asarray(y.saved[0], dtype=np.float64), scene.gradient[y]
        key, near = (scene.position[z], scene.position[y]), place * 0.01
        logarithm = bool(np.any(value < 0))
        p = np.exp(value) if logarithm else value
        over = g.sum(axis=axis, keepdims=True) * p if logarithm else p * (g * p).sum(axis=axis, keepdims=True)
        right = g - over if logarithm else p * g - over
        yn = scene.label(y) or "the softmax"
        yn = f"exp({yn})" if logarithm else yn
        wrongs: list[tuple[str, Cause, float, str, Array]] = [
            (
                "diagonal",
                Cause.SOFTMAX_DIAGONAL,
                0.1,
                f"with only the diagonal of the softmax's Jacobian, {yn} * (1 - {yn})",
                (1 - p) * g if logarithm else p * (1 - p) * g,
            ),
            ("none", Cause.MISSING_ACTIVATION_DERIVATIVE, 0.3, f"with the derivative of the softmax {yn} left out", g),
            ("scale", Cause.SOFTMAX_DIAGONAL, 0.4, f"with {yn} alone for the softmax's Jacobian", p * g),
            (
                "extra",
                Cause.EXTRA_ACTIVATION_DERIVATIVE,
                0.4,
                f"with {yn} * (1 - {yn}) as one factor too many",
                right * p * (1 - p),
            ),
        ]
        if not logarithm:
            text = "with the softmax's sum taken over"
            other = (axis + 1) % p.ndim
            wrongs += [
                ("sum", Cause.AXIS, 0.6, f"{text} all entries", p * (g - (g * p).sum())),
                ("axis", Cause.AXIS, 0.6, f"{text} the wrong axis", p * (g - (g * p).sum(axis=other, keepdims=True))),
            ]
        zn = f" ({scene.label(z)})" if scene.label(z) else ""
        for kind, cause, rank, text, wrong in wrongs:
            yield Candidate(
                (*key, axis, kind),
                cause,
                rank + near,
                f"{text}{zn}",
                lambda w=wrong, r=right, z=z: scene.right + scene.carried(z, w - r),
            )


def softmaxes_in(scene: Scene) -> Iterator[tuple[Node, Node, int]]:
    """Yield the softmaxes on the way, and their logarithms: what each is of, itself, and its axis."""
    ways = {node: scene.gradient.get(node) for node in scene.order if node.ndim}
    named = [node for node in ways if scene.label(node)]
    found: set[tuple[Node, Node]] = set()
    for y, g in ways.items():
        if g is None or y.dtype.kind != "f" or y.size < 2:
            continue
        value = np.asarray(y.saved[0], dtype=np.float64)
        logarithm = bool(np.all(value <= 0))
        p = np.exp(value) if logarithm else value
        axes = [k for k in range(y.ndim) if np.all(p >= 0) and np.allclose(p.sum(axis=k), 1, rtol=1e-9)]
        if not axes or y.shape[axes[0]] < 2:
            continue
        for z in (*named, *inputs_of(y)):
            if (
                z is y
                or z not in ways
                or z in scene.given
                or z.shape != y.shape
                or z.order > y.order
                or (z, y) in found
            ):
                continue
            x = np.asarray(z.saved[0], dtype=np.float64)
            e = np.exp(x - x.max(axis=axes[0], keepdims=True))
            if np.allclose(p, e / e.sum(axis=axes[0], keepdims=True), rtol=1e-9, atol=1e-300):
                found.add((z, y))
                yield z, y, axes[0]


def inputs_of(y: Node) -> list[Node]:
    """Return the nodes that a softmax may be of, a few steps before it."""
    found: dict[Node, None] = {}
    front = [y]
    for _ in range(5):
        front = [p for node in front for p in node.parents if p is not None and p not in found]
        found.update(dict.fromkeys(front))
    return sorted(found, key=lambda n: n.order)
