"""A transformer's feed-forward block with the tanh form of GELU, and its residual."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("GELU feed-forward")

C = np.sqrt(2 / np.pi)


@d.forward
def ffn(x, W1, b1, W2, b2, R):
    u = x @ W1 + b1
    th = np.tanh(C * (u + 0.044715 * u**3))
    g = 0.5 * u * (1 + th)
    y = x + g @ W2 + b2
    loss = np.sum(R * np.sin(y))
    return loss


@d.backward
def ffn_backward(cache):
    dy = cache.R * np.cos(cache.y)
    db2 = dy.sum(axis=0)
    dW2 = cache.g.T @ dy
    dg = dy @ cache.W2.T
    u, th = cache.u, cache.th
    du = dg * (0.5 * (1 + th) + 0.5 * u * (1 - th**2) * C * (1 + 3 * 0.044715 * u**2))
    db1 = du.sum(axis=0)
    dW1 = cache.x.T @ du
    dx = dy + du @ cache.W1.T
    return {"dy": dy, "db2": db2, "dW2": dW2, "dg": dg, "du": du, "db1": db1, "dW1": dW1, "dx": dx}


def inputs(rng):
    return {
        "x": rng.normal(size=(5, 3)),
        "W1": rng.normal(size=(3, 6)),
        "b1": rng.normal(size=6),
        "W2": 0.5 * rng.normal(size=(6, 3)),
        "b2": rng.normal(size=3),
        "R": rng.normal(size=(5, 3)),
    }


# fmt: off
MISTAKES = [
    ("u", "dg * (0.5 * (1 + th) + 0.5 * u * (1 - th**2) * C * (1 + 3 * 0.044715 * u**2))", "dg * 0.5 * (1 + th)", "missing-term|surrogate-derivative"),
    ("u", "(1 + 3 * 0.044715 * u**2)", "(1 + 0.044715 * u**2)", "scale|missing-factor"),
    ("u", "(1 - th**2) * C * (1", "(1 - th**2) * (1", "missing-factor|scale"),
    ("u", "dg * (0.5 * (1 + th) + 0.5 * u", "(0.5 * (1 + th) + 0.5 * u", "upstream-ignored"),
    ("u", "dg * (0.5 * (1 + th) + 0.5 * u * (1 - th**2) * C * (1 + 3 * 0.044715 * u**2))", "dg * (u > 0)", "surrogate-derivative"),
    ("u", "dg * (0.5 * (1 + th) + 0.5 * u * (1 - th**2) * C * (1 + 3 * 0.044715 * u**2))", "dg", "missing-activation-derivative"),
    ("u", "0.5 * u * (1 - th**2) * C", "0.5 * u * (1 + th**2) * C", "sign"),
    ("u", "0.5 * u * (1 - th**2) * C", "0.5 * (1 - th**2) * C", "missing-factor"),
    ("u", "    u, th = cache.u, cache.th", "    u, th = cache.g, cache.th", "derivative-at-wrong-place|wrong-operand"),
    ("x", "dy + du @ cache.W1.T", "du @ cache.W1.T", "missing-term"),
    ("W2", "cache.g.T @ dy", "cache.u.T @ dy", "wrong-operand"),
    ("b1", "db1 = du.sum(axis=0)", "db1 = dg.sum(axis=0)", "missing-activation-derivative"),
    ("b1", "db1 = du.sum(axis=0)", "db1 = du.sum(axis=0, keepdims=True)", "shape|broadcast"),
    ("b2", "db2 = dy.sum(axis=0)", "db2 = dy", "broadcast"),
]
RIGHT = [("dg * (0.5 * (1 + th) + 0.5 * u", "dg * ((1 + th) / 2 + u / 2")]
