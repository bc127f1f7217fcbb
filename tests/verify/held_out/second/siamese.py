"""A siamese network: both branches share W; contrastive loss."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("siamese network, contrastive loss")


@d.forward
def forward(x1, x2, same, W, b, margin):
    u1 = x1 @ W + b
    u2 = x2 @ W + b
    f1 = np.tanh(u1)
    f2 = np.tanh(u2)
    diff = f1 - f2
    dist = np.sqrt(np.sum(diff**2, axis=1) + 1e-9)
    push = np.maximum(margin - dist, 0)
    loss = np.mean(same * dist**2 + (1 - same) * push**2)
    return loss


@d.backward
def backward(x1, x2, same, u1, u2, f1, f2, diff, dist, push):
    n = len(same)
    d_dist = (2 * same * dist - 2 * (1 - same) * push) / n
    d_diff = (d_dist / dist)[:, None] * diff
    d_u1 = d_diff * (1 - f1**2)
    d_u2 = -d_diff * (1 - f2**2)
    d_W = x1.T @ d_u1 + x2.T @ d_u2
    d_b = (d_u1 + d_u2).sum(axis=0)
    return {"dist": d_dist, "diff": d_diff, "u1": d_u1, "u2": d_u2, "W": d_W, "b": d_b}


def inputs(rng):
    return {
        "x1": rng.normal(size=(6, 3)),
        "x2": rng.normal(size=(6, 3)),
        "same": np.array([1.0, 0, 0, 1, 0, 1]),
        "W": rng.normal(size=(3, 4)) * 0.7,
        "b": rng.normal(size=4) * 0.3,
        "margin": 2.2,
    }


# fmt: off
MISTAKES = [
    ("dist", "2 * same * dist - 2 * (1 - same) * push", "2 * same * dist + 2 * (1 - same) * push", "sign"),
    ("dist", "2 * same * dist - 2 * (1 - same) * push", "2 * same * dist", "missing-term"),
    ("dist", "2 * same * dist - 2 * (1 - same) * push", "2 * dist - 2 * push", "wrong-mask|missing-factor"),
    ("dist", "2 * same * dist - 2 * (1 - same) * push", "2 * (1 - same) * dist - 2 * same * push", "wrong-mask"),
    ("dist", "2 * same * dist - 2 * (1 - same) * push", "same * dist - (1 - same) * push", "scale"),
    ("diff", "(d_dist / dist)[:, None] * diff", "d_dist[:, None] * diff", "missing-factor"),
    ("diff", "(d_dist / dist)[:, None] * diff", "(d_dist / (2 * dist))[:, None] * diff", "scale"),
    ("u1", "d_u1 = d_diff * (1 - f1**2)", "d_u1 = d_diff * (1 - u1**2)", "derivative-at-wrong-place"),
    ("u1", "d_u1 = d_diff * (1 - f1**2)", "d_u1 = d_diff * f1 * (1 - f1)", "surrogate-derivative"),
    ("u2", "d_u2 = -d_diff * (1 - f2**2)", "d_u2 = d_diff * (1 - f2**2)", "sign"),
    ("u2", "d_u2 = -d_diff * (1 - f2**2)", "d_u2 = -d_diff * (1 - f1**2)", "wrong-operand"),
    ("W", "x1.T @ d_u1 + x2.T @ d_u2", "x1.T @ d_u1", "missing-term"),
    ("W", "x1.T @ d_u1 + x2.T @ d_u2", "2 * x1.T @ d_u1", "double-count|wrong-operand"),
    ("W", "x1.T @ d_u1 + x2.T @ d_u2", "x1.T @ d_u1 + x1.T @ d_u2", "wrong-operand"),
    ("W", "x1.T @ d_u1 + x2.T @ d_u2", "(x1 + x2).T @ (d_u1 + d_u2)", "double-count|wrong-operand|missing-term|matmul-vs-elementwise"),
    ("b", "(d_u1 + d_u2).sum(axis=0)", "d_u1.sum(axis=0)", "missing-term"),
    ("b", "(d_u1 + d_u2).sum(axis=0)", "d_u1 + d_u2", "broadcast"),
    ("b", "(d_u1 + d_u2).sum(axis=0)", "np.array([0.1, 0.9, -0.4, 0.35])", "unknown"),
]
RIGHT = [("    d_W = x1.T @ d_u1 + x2.T @ d_u2\n", "    d_W = np.vstack([x1, x2]).T @ np.vstack([d_u1, d_u2])\n")]
