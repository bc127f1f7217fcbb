"""One affine coupling layer of a normalising flow, negative log-likelihood under a standard normal."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("affine coupling")


@d.forward
def flow(x1, x2, Ws, Wt):
    u = x1 @ Ws
    s = np.tanh(u)
    t = x1 @ Wt
    z2 = x2 * np.exp(s) + t
    loss = 0.5 * np.sum(x1**2) + 0.5 * np.sum(z2**2) - np.sum(s)
    return loss


d.gradient("t", lambda z2: z2, name="gt")
d.gradient("s", lambda z2, x2, s: z2 * x2 * np.exp(s) - 1, name="gs")
d.gradient("u", lambda gs, s: gs * (1 - s**2), name="gu")
d.gradient("Ws", lambda x1, gu: x1.T @ gu)
d.gradient("Wt", lambda x1, gt: x1.T @ gt)
d.gradient("x2", lambda z2, s: z2 * np.exp(s))
d.gradient("x1", lambda x1, gu, gt, Ws, Wt: x1 + gu @ Ws.T + gt @ Wt.T)


def inputs(rng):
    return {
        "x1": rng.normal(size=(5, 3)),
        "x2": rng.normal(size=(5, 3)),
        "Ws": 0.5 * rng.normal(size=(3, 3)),
        "Wt": rng.normal(size=(3, 3)),
    }


# fmt: off
MISTAKES = [
    ("s", "z2 * x2 * np.exp(s) - 1", "z2 * x2 * np.exp(s)", "missing-term"),
    ("s", "z2 * x2 * np.exp(s) - 1", "z2 * x2 * np.exp(s) + 1", "sign"),
    ("s", "z2 * x2 * np.exp(s) - 1", "z2 * x2 - 1", "missing-factor|missing-activation-derivative"),
    ("s", "z2 * x2 * np.exp(s) - 1", "z2**2 - 1", "wrong-operand|double-count"),
    ("u", "gs * (1 - s**2)", "gs", "missing-activation-derivative"),
    ("u", "gs * (1 - s**2)", "gs * (1 - np.tanh(s) ** 2)", "derivative-at-wrong-place"),
    ("u", "gs * (1 - s**2)", "gs * (1 - s**2) * (1 - s**2)", "extra-activation-derivative"),
    ("u", "gs * (1 - s**2)", "gs * s * (1 - s)", "surrogate-derivative"),
    ("x2", "lambda z2, s: z2 * np.exp(s)", "lambda z2, s: z2 * np.exp(-s)", "sign"),
    ("x2", "lambda z2, s: z2 * np.exp(s)", "lambda z2, s: z2", "missing-factor"),
    ("x1", "x1 + gu @ Ws.T", "gu @ Ws.T", "missing-term"),
    ("x1", "x1 + gu @ Ws.T + gt @ Wt.T", "x1 + gu @ Ws.T", "missing-term"),
    ("x1", "gu @ Ws.T + gt @ Wt.T", "gu @ Wt.T + gt @ Ws.T", "wrong-operand"),
    ("x1", "x1 + gu @ Ws.T", "2 * x1 + gu @ Ws.T", "double-count|scale"),
    ("Ws", "x1.T @ gu", "gu.T @ x1", "transpose"),
]
RIGHT = [("z2 * x2 * np.exp(s) - 1", "z2 * (x2 * np.exp(s)) - np.ones_like(s)")]
