"""Heteroscedastic regression: a mean head and a log-variance head on shared sine features."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("Gaussian negative log-likelihood")


@d.forward
def nll(X, y, W, u, v):
    pre = X @ W
    phi = np.sin(pre)
    mu = phi @ u
    s = phi @ v
    loss = np.mean(0.5 * s + 0.5 * (y - mu) ** 2 * np.exp(-s))
    return loss


@d.gradient("mu")
def g_mu(mu, y, s):
    return (mu - y) * np.exp(-s) / len(y)


@d.gradient("s")
def g_s(mu, y, s):
    return 0.5 * (1 - (y - mu) ** 2 * np.exp(-s)) / len(y)


@d.gradient("u")
def g_u(phi, g_mu):
    return phi.T @ g_mu


@d.gradient("v")
def g_v(phi, g_s):
    return phi.T @ g_s


@d.gradient("phi")
def g_phi(g_mu, g_s, u, v):
    return np.outer(g_mu, u) + np.outer(g_s, v)


@d.gradient("pre")
def g_pre(g_phi, pre):
    return g_phi * np.cos(pre)


@d.gradient("W")
def g_W(X, g_pre):
    return X.T @ g_pre


def inputs(rng):
    return {
        "X": rng.normal(size=(9, 3)),
        "y": rng.normal(size=9),
        "W": rng.normal(size=(3, 5)),
        "u": rng.normal(size=5),
        "v": 0.4 * rng.normal(size=5),
    }


# fmt: off
MISTAKES = [
    ("mu", "(mu - y) * np.exp(-s) / len(y)", "(mu - y) / len(y)", "missing-factor|wrong-loss"),
    ("mu", "(mu - y) * np.exp(-s) / len(y)", "(mu - y) * np.exp(s) / len(y)", "sign"),
    ("mu", "(mu - y) * np.exp(-s) / len(y)", "(y - mu) * np.exp(-s) / len(y)", "sign"),
    ("s", "0.5 * (1 - (y - mu) ** 2 * np.exp(-s)) / len(y)", "0.5 * (1 + (y - mu) ** 2 * np.exp(-s)) / len(y)", "sign"),
    ("s", "0.5 * (1 - (y - mu) ** 2 * np.exp(-s)) / len(y)", "-0.5 * (y - mu) ** 2 * np.exp(-s) / len(y)", "missing-term"),
    ("s", "0.5 * (1 - (y - mu) ** 2 * np.exp(-s)) / len(y)", "0.5 * (1 - np.abs(y - mu) * np.exp(-s)) / len(y)", "missing-factor|wrong-operand"),
    ("phi", "np.outer(g_mu, u) + np.outer(g_s, v)", "np.outer(g_mu, u)", "missing-term"),
    ("phi", "np.outer(g_mu, u) + np.outer(g_s, v)", "np.outer(g_mu, v) + np.outer(g_s, u)", "wrong-operand"),
    ("phi", "np.outer(g_mu, u) + np.outer(g_s, v)", "np.outer(g_mu, u) - np.outer(g_s, v)", "sign"),
    ("pre", "g_phi * np.cos(pre)", "-g_phi * np.cos(pre)", "sign"),
    ("pre", "def g_pre(g_phi, pre):\n    return g_phi * np.cos(pre)", "def g_pre(g_phi, phi):\n    return g_phi * np.cos(phi)", "derivative-at-wrong-place"),
    ("pre", "g_phi * np.cos(pre)", "g_phi * np.sin(pre)", "missing-activation-derivative|surrogate-derivative"),
    ("pre", "g_phi * np.cos(pre)", "np.cos(pre)", "upstream-ignored"),
    ("u", "phi.T @ g_mu", "np.random.default_rng(15).uniform(size=5)", "unknown"),
]
RIGHT = [("0.5 * (1 - (y - mu) ** 2 * np.exp(-s)) / len(y)", "0.5 / len(y) - 0.5 * (y - mu) ** 2 / np.exp(s) / len(y)")]
