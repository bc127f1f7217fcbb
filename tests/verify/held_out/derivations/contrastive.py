"""Contrastive loss on pairs: same pairs attract, different ones repel inside a margin."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("contrastive pairs")


@d.forward
def pairs(A, B, W, same, margin):
    ea = A @ W
    eb = B @ W
    diff = ea - eb
    dist = np.sqrt(np.sum(diff**2, axis=1))
    short = np.maximum(margin - dist, 0)
    loss = np.sum(same * dist**2 + (1 - same) * short**2)
    return loss


@d.gradient("dist")
def gdist(same, dist, short):
    return 2 * same * dist - 2 * (1 - same) * short


@d.gradient("diff")
def gdiff(gdist, diff, dist):
    return (gdist / dist)[:, None] * diff


@d.gradient("W")
def gW(A, B, gdiff):
    return (A - B).T @ gdiff


@d.gradient("B")
def gB(gdiff, W):
    return -gdiff @ W.T


def inputs(rng):
    return {
        "A": rng.normal(size=(8, 3)),
        "B": rng.normal(size=(8, 3)),
        "W": 0.6 * rng.normal(size=(3, 3)),
        "same": np.array([1.0, 0, 0, 1, 0, 1, 0, 0]),
        "margin": 2.0,
    }


# fmt: off
MISTAKES = [
    ("dist", "2 * same * dist - 2 * (1 - same) * short", "2 * same * dist + 2 * (1 - same) * short", "sign"),
    ("dist", "2 * same * dist - 2 * (1 - same) * short", "2 * same * dist", "missing-term"),
    ("dist", "2 * same * dist - 2 * (1 - same) * short", "2 * (1 - same) * dist - 2 * same * short", "wrong-mask"),
    ("dist", "2 * same * dist - 2 * (1 - same) * short", "same * dist - (1 - same) * short", "scale"),
    ("dist", "def gdist(same, dist, short):\n    return 2 * same * dist - 2 * (1 - same) * short", "def gdist(same, dist, margin):\n    return 2 * same * dist - 2 * (1 - same) * (margin - dist)", "wrong-mask|missing-activation-derivative"),
    ("diff", "(gdist / dist)[:, None] * diff", "gdist[:, None] * diff", "missing-factor"),
    ("diff", "(gdist / dist)[:, None] * diff", "2 * gdist[:, None] * diff", "missing-activation-derivative|missing-factor"),
    ("diff", "(gdist / dist)[:, None] * diff", "diff / dist[:, None]", "upstream-ignored"),
    ("W", "(A - B).T @ gdiff", "A.T @ gdiff", "missing-term"),
    ("W", "(A - B).T @ gdiff", "(A + B).T @ gdiff", "sign"),
    ("W", "(A - B).T @ gdiff", "2 * A.T @ gdiff", "double-count|missing-term|wrong-operand"),
    ("B", "-gdiff @ W.T", "gdiff @ W.T", "sign"),
    ("B", "-gdiff @ W.T", "-gdiff @ W", "transpose"),
    ("B", "-gdiff @ W.T", "-gdiff * W[0]", "matmul-vs-elementwise"),
]
RIGHT = [("(A - B).T @ gdiff", "A.T @ gdiff + B.T @ -gdiff")]
