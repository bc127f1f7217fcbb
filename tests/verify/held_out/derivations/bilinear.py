"""A bilinear score and RankNet's pairwise loss."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("bilinear ranking")


@d.forward
def rank(u, v, w, M):
    s = np.sum((u @ M) * v, axis=1)
    r = np.sum((u @ M) * w, axis=1)
    diff = s - r
    loss = np.sum(np.log(1 + np.exp(-diff)))
    return loss


@d.gradient("diff")
def g(diff):
    return -1 / (1 + np.exp(diff))


@d.gradient("M")
def gM(u, v, w, g):
    return (u * g[:, None]).T @ (v - w)


@d.gradient("u")
def gu(v, w, M, g):
    return g[:, None] * ((v - w) @ M.T)


@d.gradient("w")
def gw(u, M, g):
    return -g[:, None] * (u @ M)


def inputs(rng):
    return {k: rng.normal(size=(6, 4)) for k in "uvw"} | {"M": 0.5 * rng.normal(size=(4, 4))}


# fmt: off
MISTAKES = [
    ("diff", "-1 / (1 + np.exp(diff))", "1 / (1 + np.exp(diff))", "sign"),
    ("diff", "-1 / (1 + np.exp(diff))", "-1 / (1 + np.exp(-diff))", "sign"),
    ("M", "(u * g[:, None]).T @ (v - w)", "(u * g[:, None]).T @ v", "missing-term"),
    ("M", "(u * g[:, None]).T @ (v - w)", "(v - w).T @ (u * g[:, None])", "transpose"),
    ("M", "(u * g[:, None]).T @ (v - w)", "u.T @ (v - w)", "upstream-ignored"),
    ("M", "(u * g[:, None]).T @ (v - w)", "(u * g[:, None]).T @ (v + w)", "sign"),
    ("u", "g[:, None] * ((v - w) @ M.T)", "g[:, None] * ((v - w) @ M)", "transpose"),
    ("u", "g[:, None] * ((v - w) @ M.T)", "g[:, None] * (v - w)", "missing-factor"),
    ("u", "g[:, None] * ((v - w) @ M.T)", "(v - w) @ M.T", "upstream-ignored"),
    ("w", "-g[:, None] * (u @ M)", "g[:, None] * (u @ M)", "sign"),
    ("w", "-g[:, None] * (u @ M)", "np.zeros_like(u)", "missing-gradient"),
    ("w", "-g[:, None] * (u @ M)", "-g.sum() * (u @ M)", "axis"),
]
RIGHT = [("-1 / (1 + np.exp(diff))", "1 / (1 + np.exp(-diff)) - 1")]
