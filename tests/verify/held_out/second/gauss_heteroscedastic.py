"""A Gaussian likelihood: a network gives the mean and the log variance."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("mean and log variance")


@d.forward
def nll(x, y, W, wm, ws):
    h = x @ W
    a = np.where(h > 0, h, np.exp(h) - 1)
    mu = a @ wm
    s = a @ ws
    q = (y - mu) ** 2 * np.exp(-s)
    loss = 0.5 * np.mean(s + q + np.log(2 * np.pi))
    return loss


@d.backward
def grad(x, y, W, wm, ws, h, a, mu, s, q):
    m = len(y)
    g_mu = -(y - mu) * np.exp(-s) / m
    g_s = 0.5 * (1 - q) / m
    g_wm = a.T @ g_mu
    g_ws = a.T @ g_s
    g_a = np.outer(g_mu, wm) + np.outer(g_s, ws)
    g_h = g_a * np.where(h > 0, 1, a + 1)
    g_W = x.T @ g_h
    return {"W": g_W, "wm": g_wm, "ws": g_ws, "mu": g_mu, "s": g_s, "a": g_a, "h": g_h}


def inputs(rng):
    return {
        "x": rng.normal(size=(6, 3)),
        "y": rng.normal(size=6),
        "W": rng.normal(size=(3, 4)),
        "wm": rng.normal(size=4),
        "ws": rng.normal(size=4) * 0.5,
    }


# fmt: off
MISTAKES = [
    ("mu", "g_mu = -(y - mu)", "g_mu = (y - mu)", "sign"),
    ("mu", "* np.exp(-s) / m", "/ m", "missing-factor"),
    ("mu", "* np.exp(-s) / m", "* np.exp(s) / m", "sign|wrong-operand"),
    ("mu", "* np.exp(-s) / m", "* np.exp(-s)", "scale"),
    ("s", "0.5 * (1 - q) / m", "0.5 * (1 + q) / m", "sign"),
    ("s", "0.5 * (1 - q) / m", "-0.5 * q / m", "missing-term"),
    ("s", "0.5 * (1 - q) / m", "(1 - q) / m", "scale"),
    ("s", "0.5 * (1 - q) / m", "0.5 * (1 - (y - mu) ** 2) / m", "missing-factor"),
    ("a", "np.outer(g_mu, wm) + np.outer(g_s, ws)", "np.outer(g_mu, wm)", "missing-term"),
    ("a", "np.outer(g_mu, wm) + np.outer(g_s, ws)", "np.outer(g_mu, ws) + np.outer(g_s, wm)", "wrong-operand"),
    ("h", "np.where(h > 0, 1, a + 1)", "np.where(h > 0, 1, a)", "missing-term|surrogate-derivative"),
    ("h", "np.where(h > 0, 1, a + 1)", "np.where(h > 0, 1, 0)", "surrogate-derivative|missing-term"),
    ("h", "np.where(h > 0, 1, a + 1)", "np.where(h > 0, 1, np.exp(a))", "derivative-at-wrong-place"),
    ("W", "x.T @ g_h", "x.T @ g_a", "missing-activation-derivative"),
    ("ws", "g_ws = a.T @ g_s", "g_ws = a.T @ g_mu", "wrong-operand"),
    ("ws", "g_ws = a.T @ g_s", "g_ws = np.random.default_rng(44).normal(size=4)", "unknown"),
]
RIGHT = [("np.where(h > 0, 1, a + 1)", "np.exp(np.minimum(h, 0))")]
