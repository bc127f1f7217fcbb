"""A swish layer under a log-cosh loss, half by hand in one function, returned as a tuple."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("swish and log-cosh")


@d.forward
def model(x, t, W, b, U):
    a = x @ W + b
    s = 1 / (1 + np.exp(-a))
    h = a * s
    y = h @ U
    loss = np.sum(np.log(np.cosh(y - t)))
    return loss


@d.backward(wrt=["W", "b", "U", "a"])
def by_hand(x, t, U, a, s, h, y):
    gy = np.tanh(y - t)
    gU = h.T @ gy
    gh = gy @ U.T
    ga = gh * (s + a * s * (1 - s))
    gW = x.T @ ga
    gb = ga.sum(axis=0, keepdims=True)
    return gW, gb, gU, ga


def inputs(rng):
    return {
        "x": rng.normal(size=(6, 3)),
        "t": rng.normal(size=(6, 2)),
        "W": rng.normal(size=(3, 4)),
        "b": rng.normal(size=(1, 4)),
        "U": rng.normal(size=(4, 2)),
    }


# fmt: off
MISTAKES = [
    ("a", "(s + a * s * (1 - s))", "s", "missing-term|surrogate-derivative"),
    ("a", "(s + a * s * (1 - s))", "(a * s * (1 - s))", "missing-term"),
    ("a", "(s + a * s * (1 - s))", "(s * (1 - s))", "surrogate-derivative"),
    ("a", "(s + a * s * (1 - s))", "(s + a * (1 - s))", "missing-factor"),
    ("a", "(s + a * s * (1 - s))", "(s + h * s * (1 - s))", "wrong-operand|derivative-at-wrong-place"),
    ("a", "gh * (s + a * s * (1 - s))", "gh", "missing-activation-derivative"),
    ("h|a", "gh = gy @ U.T", "gh = (y - t) @ U.T", "wrong-loss|missing-activation-derivative"),
    ("b", "ga.sum(axis=0, keepdims=True)", "ga", "broadcast"),
    ("b", "ga.sum(axis=0, keepdims=True)", "ga.sum(axis=0)", "shape"),
    ("b", "ga.sum(axis=0, keepdims=True)", "gh.sum(axis=0, keepdims=True)", "missing-activation-derivative"),
    ("U", "h.T @ gy", "a.T @ gy", "wrong-operand"),
    ("y|U|a", "np.tanh(y - t)", "np.tanh(t - y)", "sign"),
    ("y|U|a", "np.tanh(y - t)", "1 - np.tanh(y - t) ** 2", "extra-activation-derivative|wrong-loss"),
]
RIGHT = [("(s + a * s * (1 - s))", "(h + s * (1 - h))")]
