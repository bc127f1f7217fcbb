"""Mistakes of every class that the search reaches, in derivations of their own: each is called what a teacher calls it.

A mistake is a piece of a derivation's text replaced by another. One line each, over shared derivations.
"""

from __future__ import annotations

import inspect
import linecache
import textwrap
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.verify import Cause, Status

Built = tuple[mg.Derivation, dict[str, Any]]


def filter_network() -> Built:
    """A recursion through time with two rates, its way back in a loop."""
    d = mg.Derivation("filter")

    @d.forward
    def run(x, y, a, b, s0):
        s = s0
        states = [s]
        loss = 0.0
        for t in range(len(x)):
            s = a * s + b * np.tanh(x[t])
            states.append(s)
            loss = loss + 0.5 * np.sum((s - y[t]) ** 2)
        return loss

    @d.backward
    def back(x, y, a, b, states):
        gs = np.zeros_like(states[0])
        ga = gb = 0.0
        for t in range(len(x) - 1, -1, -1):
            gs = gs + states[t + 1] - y[t]
            ga += np.sum(gs * states[t])
            gb += np.sum(gs * np.tanh(x[t]))
            gs = a * gs
        return {"a": ga, "b": gb, "s0": gs}

    rng = np.random.default_rng(1)
    inputs = {"x": rng.normal(size=(4, 3)), "y": rng.normal(size=(4, 3)), "a": 0.7, "b": 1.3, "s0": rng.normal(size=3)}
    return d, inputs


def gated_network() -> Built:
    """A layer of softplus units beside a gate, missing targets masked, a penalty on the weights."""
    d = mg.Derivation("gated")

    @d.forward
    def run(X, y, seen, W, V, u, lam):
        z = X @ W
        h = np.log(1 + np.exp(z))
        q = X @ V
        g = 1 / (1 + np.exp(-q))
        p = h * g
        out = p @ u
        loss = np.sum(seen * (out - y) ** 2) / len(y) + lam * np.sum(W**2)
        return loss

    @d.gradient("out")
    def dout(out, y, seen):
        return 2 * seen * (out - y) / len(y)

    @d.gradient("p")
    def dp(dout, u):
        return np.outer(dout, u)

    @d.gradient("u")
    def du(p, dout):
        return p.T @ dout

    @d.backward
    def back(X, W, V, h, g, z, dp, lam):
        dh = dp * g
        dg = dp * h
        dz = dh / (1 + np.exp(-z))
        dq = dg * g * (1 - g)
        return {"z": dz, "q": dq, "W": X.T @ dz + 2 * lam * W, "V": X.T @ dq, "X": dz @ W.T + dq @ V.T}

    rng = np.random.default_rng(2)
    inputs = {
        "X": rng.normal(size=(6, 4)), "y": rng.normal(size=6), "seen": np.array([1.0, 0, 1, 1, 0, 1]), "lam": 0.03,
        "W": rng.normal(size=(4, 3)), "V": rng.normal(size=(4, 3)), "u": rng.normal(size=3),
    }  # fmt: skip
    return d, inputs


def pooling_network() -> Built:
    """Vectors weighed by a softmax of their scores at a temperature."""
    d = mg.Derivation("pooling")

    @d.forward
    def run(E, w, T, target):
        scores = E @ w
        a = np.exp(scores / T) / np.sum(np.exp(scores / T))
        pooled = a @ E
        loss = 0.5 * np.sum((pooled - target) ** 2)
        return loss

    @d.gradient("pooled")
    def dpooled(pooled, target):
        return pooled - target

    @d.gradient("a")
    def da(E, dpooled):
        return E @ dpooled

    @d.gradient("scores")
    def dscores(a, da, T):
        return a * (da - a @ da) / T

    @d.gradient("w")
    def dw(E, dscores):
        return E.T @ dscores

    @d.gradient("E")
    def dE(a, dpooled, dscores, w):
        return np.outer(a, dpooled) + np.outer(dscores, w)

    rng = np.random.default_rng(3)
    return d, {"E": rng.normal(size=(5, 3)), "w": rng.normal(size=3), "T": 1.7, "target": rng.normal(size=3)}


def word_network() -> Built:
    """Words looked up in a table, more than once, and a strided window over them."""
    d = mg.Derivation("words")

    @d.forward
    def run(table, ids, K, y):
        rows = table[ids]
        out = np.stack([np.sum(rows[2 * i : 2 * i + 3] * K, axis=0) for i in range(3)])
        loss = np.sum((out - y) ** 2)
        return loss

    @d.backward
    def back(table, ids, K, y, rows, out):
        dout = 2 * (out - y)
        drows = np.zeros_like(rows)
        dK = np.zeros_like(K)
        for i in range(3):
            drows[2 * i : 2 * i + 3] += dout[i] * K
            dK += dout[i] * rows[2 * i : 2 * i + 3]
        dtable = np.zeros_like(table)
        np.add.at(dtable, ids, drows)
        return {"K": dK, "table": dtable, "rows": drows}

    rng = np.random.default_rng(4)
    inputs = {
        "table": rng.normal(size=(5, 4)), "ids": np.array([1, 3, 1, 0, 4, 3, 3]), "K": rng.normal(size=(3, 4)),
        "y": rng.normal(size=(3, 4)),
    }  # fmt: skip
    return d, inputs


MISTAKES: list[tuple[Callable[[], Built], str, str, str, str]] = [
    # through time: not handed on, a rate left out, moved by one, in another order, cut short
    (filter_network, "gs = gs + states[t + 1] - y[t]", "gs = states[t + 1] - y[t]", "s0", "missing-term"),
    (filter_network, "gs = a * gs\n", "gs = gs\n", "s0", "missing-factor scale"),
    (filter_network, "gs = a * gs\n", "gs = (1 - a) * gs\n", "s0", "wrong-operand"),
    (filter_network, "np.sum(gs * states[t])", "np.sum(gs * states[t + 1])", "a", "shifted-index"),
    (filter_network, "ga += np.sum(gs * states[t])", "ga = np.sum(gs * states[t])", "a", "missing-term"),
    (filter_network, "np.sum(gs * np.tanh(x[t]))", "np.sum(np.tanh(x[t]))", "b", "upstream-ignored missing-factor"),
    (filter_network, "states[t + 1] - y[t]", "states[t + 1] - y[t - 1]", "s0", "shifted-index"),
    (filter_network, "range(len(x) - 1, -1, -1)", "range(len(x) - 1, 0, -1)", "s0", "missing-term shifted-index"),
    # gates and masks
    (gated_network, "2 * seen * (out - y) / len(y)", "2 * (out - y) / len(y)", "out", "wrong-mask"),
    (gated_network, "2 * seen * (out - y)", "2 * (1 - seen) * (out - y)", "out", "wrong-mask"),
    (gated_network, "(out - y) / len(y)\n\n", "(out - y) / np.sum(seen)\n\n", "out", "scale"),
    (gated_network, "dh / (1 + np.exp(-z))", "dh", "z", "missing-activation-derivative"),
    (gated_network, "dh / (1 + np.exp(-z))", "dh / (1 + np.exp(-h))", "z", "derivative-at-wrong-place"),
    (gated_network, "dh / (1 + np.exp(-z))", "dh * (z > 0)", "z", "surrogate-derivative"),
    (gated_network, "dg * g * (1 - g)", "dg * (1 - g**2)", "q", "surrogate-derivative"),
    (gated_network, "dg * g * (1 - g)", "dg * h * (1 - h)", "q", "wrong-operand"),
    (gated_network, "dg * g * (1 - g)", "dg * g * (1 - g) * g * (1 - g)", "q", "extra-activation-derivative"),
    (gated_network, "dh = dp * g", "dh = dp", "z", "missing-factor"),
    (gated_network, "dh = dp * g", "dh = dp * h", "h", "wrong-operand"),
    (gated_network, "X.T @ dq,", "X.T @ dg,", "V", "missing-activation-derivative"),
    (gated_network, "dz @ W.T + dq @ V.T", "dz @ V.T + dq @ W.T", "X", "wrong-operand"),
    (gated_network, "dz @ W.T + dq @ V.T", "dz @ W.T", "X", "missing-term"),
    (gated_network, "+ 2 * lam * W", "+ 2 * lam * np.sign(W)", "W", "regulariser"),
    (gated_network, "+ 2 * lam * W", "+ lam * W", "W", "regulariser"),
    (gated_network, "np.outer(dout, u)", "np.outer(np.ones_like(dout), u)", "p", "upstream-ignored"),
    # a softmax of something scaled
    (pooling_network, "a * (da - a @ da) / T", "a * (1 - a) * da / T", "scores", "softmax-diagonal"),
    (pooling_network, "a * (da - a @ da) / T", "a * (da - a * da) / T", "scores", "softmax-diagonal"),
    (pooling_network, "a * (da - a @ da) / T", "a * (da - a @ da)", "scores", "missing-factor scale"),
    (pooling_network, "np.outer(a, dpooled) + np.outer(dscores, w)", "np.outer(a, dpooled)", "E", "missing-term"),
    (pooling_network, "np.outer(a, dpooled) + np.outer(dscores, w)", "np.outer(dscores, w)", "E", "missing-term"),
    (pooling_network, "E.T @ dscores", "E[0] * dscores[0]", "w", "missing-term"),
    (pooling_network, "def dw(E, dscores):\n        return E.T @ dscores", "def dw(E, da, dscores):\n        return E.T @ da", "w", "missing-activation-derivative"),
    # entries that are stored: overwritten, met more than once, shifted
    (word_network, "drows[2 * i : 2 * i + 3] += dout[i] * K", "drows[2 * i : 2 * i + 3] = dout[i] * K", "rows", "missing-term"),
    (word_network, "np.add.at(dtable, ids, drows)", "dtable[ids] += drows", "table", "missing-term"),
    (word_network, "dout[i] * rows[2 * i : 2 * i + 3]", "dout[i] * rows[i : i + 3]", "K", "shifted-index"),
    (word_network, "dK += dout[i]", "dK += dout[i - 1]", "K", "shifted-index"),
    (word_network, "dout = 2 * (out - y)", "dout = 2 * out", "out", "missing-term"),
    # numbers from nowhere
    (pooling_network, "return E.T @ dscores", "return E.T @ dscores + np.random.default_rng(0).normal(size=3)", "w", "unknown"),
    (gated_network, "return np.outer(dout, u)", "return np.random.default_rng(0).normal(size=(6, 3))", "p", "unknown"),
]  # fmt: skip


def built(builder: Callable[[], Built], was: str = "", becomes: str = "") -> Built:
    """Return a derivation with a piece of its text replaced, as if it had been written so."""
    text = textwrap.dedent(inspect.getsource(builder))
    assert not was or text.count(was) == 1, f"{was!r} stands {text.count(was)} times"
    text = text.replace(was, becomes) if was else text
    filename = f"<{builder.__name__} {zlib.crc32(text.encode()):08x}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"np": np, "mg": mg, "Built": Any}
    exec(compile(text, filename, "exec"), namespace)
    result: Built = namespace[builder.__name__]()
    return result


@pytest.mark.parametrize("builder", [filter_network, gated_network, pooling_network, word_network])
def test_the_derivations_are_right(builder: Callable[[], Built]) -> None:
    derivation, inputs = built(builder)
    report = derivation.verify(inputs)
    assert report.ok, str(report)


@pytest.mark.parametrize(
    ("builder", "was", "becomes", "of", "causes"),
    MISTAKES,
    ids=[f"{m[0].__name__}-{m[4]}-{k}" for k, m in enumerate(MISTAKES)],
)
def test_the_cause_is_what_a_teacher_says(
    builder: Callable[[], Built], was: str, becomes: str, of: str, causes: str
) -> None:
    derivation, inputs = built(builder, was, becomes)
    with np.errstate(all="ignore"):
        verdict = derivation.verify(inputs)[of]
    assert verdict.status is Status.WRONG
    assert verdict.cause in [Cause(c) for c in causes.split()], verdict.sentence()


RULES: list[tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...], str, str]] = [
    (lambda x, s: x * s, lambda g, x, s: (g * s, g * x), ((2, 3), (3,)), "s", "broadcast"),
    (lambda A, B: A @ B, lambda g, A, B: (g @ B, A.T @ g), ((3, 3), (3, 3)), "A", "transpose"),
    (lambda z: np.tanh(z), lambda g, z: g * (1 - np.tanh(z)), ((4,),), "z", "surrogate-derivative"),
    (lambda x: np.sin(x), lambda g, x: g * np.sin(x), ((4,),), "x", "missing-activation-derivative"),
    (lambda x, y: x - y, lambda g, x, y: (g, g), ((4,), (4,)), "y", "sign"),
    (lambda x: np.mean(x**2), lambda g, x: 2 * g * x, ((5,),), "x", "scale"),
    (lambda x: np.sin(x), lambda g, x: g * np.random.default_rng(0).normal(size=4), ((4,),), "x", "unknown"),
]


@pytest.mark.parametrize(
    ("f", "rule", "shapes", "of", "cause"), RULES, ids=[f"{r[4]}-{k}" for k, r in enumerate(RULES)]
)
def test_the_cause_in_a_rule(
    f: Callable[..., Any], rule: Callable[..., Any], shapes: tuple[Any, ...], of: str, cause: str
) -> None:
    rng = np.random.default_rng(7)
    verdict = mg.check_rule(f, rule, *(rng.normal(size=shape) for shape in shapes))[of]
    assert verdict.status is Status.WRONG
    assert verdict.cause is Cause(cause), verdict.sentence()
