"""Triplet loss of a linear embedding, with margin."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("triplet loss")


@d.forward
def triplet(A, P, N, W, margin):
    a = A @ W
    p = P @ W
    n = N @ W
    dp = np.sum((a - p) ** 2, axis=1)
    dn = np.sum((a - n) ** 2, axis=1)
    gap = dp - dn + margin
    loss = np.mean(np.maximum(gap, 0))
    return loss


@d.gradient("gap")
def g(gap):
    return (gap > 0) / len(gap)


@d.gradient("a")
def ga(g, p, n):
    return 2 * g[:, None] * (n - p)


@d.gradient("p")
def gp(g, a, p):
    return -2 * g[:, None] * (a - p)


@d.gradient("n")
def gn(g, a, n):
    return 2 * g[:, None] * (a - n)


@d.gradient("W")
def gW(A, P, N, ga, gp, gn):
    return A.T @ ga + P.T @ gp + N.T @ gn


def inputs(rng):
    return {
        "A": rng.normal(size=(6, 3)),
        "P": rng.normal(size=(6, 3)),
        "N": rng.normal(size=(6, 3)),
        "W": rng.normal(size=(3, 3)),
        "margin": 0.5,
    }


# fmt: off
MISTAKES = [
    ("gap", "(gap > 0) / len(gap)", "1.0 * (gap > 0)", "scale"),
    ("gap", "(gap > 0) / len(gap)", "np.ones(len(gap)) / len(gap)", "missing-activation-derivative|wrong-mask"),
    ("gap", "(gap > 0) / len(gap)", "(gap < 0) / len(gap)", "wrong-mask"),
    ("gap", "(gap > 0) / len(gap)", "np.maximum(gap, 0) / len(gap)", "derivative-at-wrong-place|wrong-loss|missing-activation-derivative|surrogate-derivative"),
    ("a", "2 * g[:, None] * (n - p)", "2 * g[:, None] * (p - n)", "sign"),
    ("a", "2 * g[:, None] * (n - p)", "g[:, None] * (n - p)", "scale"),
    ("a", "2 * g[:, None] * (n - p)", "2 * (n - p) / len(p)", "missing-activation-derivative|upstream-ignored|wrong-mask"),
    ("a", "def ga(g, p, n):\n    return 2 * g[:, None] * (n - p)", "def ga(g, a, p):\n    return 2 * g[:, None] * (a - p)", "missing-term"),
    ("p", "-2 * g[:, None] * (a - p)", "2 * g[:, None] * (a - p)", "sign"),
    ("p", "-2 * g[:, None] * (a - p)", "-2 * g[:, None]", "missing-factor|shape"),
    ("n", "    return 2 * g[:, None] * (a - n)", "    return 2 * (a - n)", "upstream-ignored"),
    ("W", "A.T @ ga + P.T @ gp + N.T @ gn", "A.T @ ga + P.T @ gp", "missing-term"),
    ("W", "A.T @ ga + P.T @ gp + N.T @ gn", "A.T @ ga + P.T @ gn + N.T @ gp", "wrong-operand"),
    ("W", "A.T @ ga + P.T @ gp + N.T @ gn", "A.T @ (ga + gp + gn)", "wrong-operand"),
    ("W", "A.T @ ga + P.T @ gp + N.T @ gn", "(A.T @ ga + P.T @ gp + N.T @ gn).T", "transpose"),
    ("W", "return A.T @ ga + P.T @ gp + N.T @ gn", "return np.tan(np.arange(9.0) + 0.3).reshape(3, 3)", "unknown"),
]
RIGHT = [("(gap > 0) / len(gap)", "np.heaviside(gap, 0) / gap.size"), ("2 * g[:, None] * (n - p)", "2 * np.diag(g) @ (n - p)")]
