"""The gradients of other common losses in the place of the right one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from microgradnp.verify.activations import logistic, softmax
from microgradnp.verify.judgement import Cause
from microgradnp.verify.situations import Candidate, Situation, quiet

Array = Any


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
