"""One step of an LSTM cell, gates stacked in one product, single sequence in columns."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("LSTM step")


@d.forward
def step(x, h0, c0, W, b, target):
    n = h0.size
    a = W @ np.concatenate([x, h0]) + b
    i = 1 / (1 + np.exp(-a[:n]))
    f = 1 / (1 + np.exp(-a[n : 2 * n]))
    o = 1 / (1 + np.exp(-a[2 * n : 3 * n]))
    g = np.tanh(a[3 * n :])
    c = f * c0 + i * g
    tc = np.tanh(c)
    h = o * tc
    loss = np.sum((h - target) ** 2) + 0.5 * np.sum(c**2)
    return loss


d.gradient("h", lambda h, target: 2 * (h - target), name="dh")
d.gradient("c", lambda dh, o, tc, c: dh * o * (1 - tc**2) + c, name="dc")
d.gradient("c0", lambda dc, f: dc * f, name="dc0")


@d.gradient("a")
def da(dc, dh, i, f, o, g, c0, tc):
    di = dc * g * i * (1 - i)
    df = dc * c0 * f * (1 - f)
    do = dh * tc * o * (1 - o)
    dg = dc * i * (1 - g**2)
    return np.concatenate([di, df, do, dg])


d.gradient("W", lambda da, x, h0: np.outer(da, np.concatenate([x, h0])))
d.gradient("h0", lambda da, W, x: (W.T @ da)[x.size :])


def inputs(rng):
    return {
        "x": rng.normal(size=3),
        "h0": rng.normal(size=4),
        "c0": rng.normal(size=4),
        "W": 0.7 * rng.normal(size=(16, 7)),
        "b": 0.1 * rng.normal(size=16),
        "target": rng.normal(size=4),
    }


# fmt: off
MISTAKES = [
    ("c", "dh * o * (1 - tc**2) + c", "dh * o * (1 - tc**2)", "missing-term"),
    ("c", "dh * o * (1 - tc**2) + c", "dh * o + c", "missing-activation-derivative"),
    ("c", "dh * o * (1 - tc**2) + c", "dh * o * (1 - c**2) + c", "derivative-at-wrong-place"),
    ("c", "dh * o * (1 - tc**2) + c", "dh * (1 - tc**2) + c", "missing-factor"),
    ("c0", "lambda dc, f: dc * f", "lambda dc, i: dc * i", "wrong-operand"),
    ("a", "dc * g * i * (1 - i)", "dc * g * (1 - i**2)", "surrogate-derivative"),
    ("a", "dc * g * i * (1 - i)", "dc * g", "missing-activation-derivative"),
    ("a", "dc * c0 * f * (1 - f)", "dc * tc * f * (1 - f)", "wrong-operand|stale-value"),
    ("a", "dh * tc * o * (1 - o)", "dc * tc * o * (1 - o)", "wrong-operand"),
    ("a", "dc * i * (1 - g**2)", "dc * i * g * (1 - g)", "surrogate-derivative"),
    ("a", "[di, df, do, dg]", "[df, di, do, dg]", "shifted-index|wrong-operand"),
    ("a", "[di, df, do, dg]", "[di, df, do, 0 * dg]", "missing-gradient|missing-term"),
    ("h0", "(W.T @ da)[x.size :]", "(W.T @ da)[x.size - 1 : -1]", "shifted-index"),
    ("h", "2 * (h - target)", "(h - target)", "scale"),
]
RIGHT = [("dc * i * (1 - g**2)", "dc * i / np.cosh(np.arctanh(g)) ** 2")]
