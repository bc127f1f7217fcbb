"""A gated feed-forward block: silu(x A) times x B, then C, mean squared error."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("SwiGLU")


@d.forward
def block(x, A, B, C, t):
    a = x @ A
    s = 1 / (1 + np.exp(-a))
    gate = a * s
    up = x @ B
    h = gate * up
    y = h @ C
    loss = np.mean((y - t) ** 2)
    return loss


@d.backward(returns={"gx": "x", "gA": "A", "gB": "B", "gC": "C", "ga": "a", "gup": "up", "ggate": "gate"})
def backward(x, A, B, C, t, a, s, gate, up, h, y):
    gy = 2 * (y - t) / y.size
    gC = h.T @ gy
    gh = gy @ C.T
    ggate = gh * up
    gup = gh * gate
    ga = ggate * s * (1 + a * (1 - s))
    gA = x.T @ ga
    gB = x.T @ gup
    gx = ga @ A.T + gup @ B.T
    return {"gx": gx, "gA": gA, "gB": gB, "gC": gC, "ga": ga, "gup": gup, "ggate": ggate}


def inputs(rng):
    return {
        "x": rng.normal(size=(4, 5)),
        "A": 0.6 * rng.normal(size=(5, 5)),
        "B": 0.6 * rng.normal(size=(5, 5)),
        "C": rng.normal(size=(5, 5)),
        "t": rng.normal(size=(4, 5)),
    }


# fmt: off
MISTAKES = [
    ("gate", "ggate = gh * up", "ggate = gh * gate", "wrong-operand"),
    ("gate", "ggate = gh * up", "ggate = gh", "missing-factor"),
    ("up", "gup = gh * gate", "gup = gh * s", "missing-factor|wrong-operand"),
    ("up", "gup = gh * gate", "gup = gh * up", "wrong-operand"),
    ("a", "ggate * s * (1 + a * (1 - s))", "ggate * s * (1 - s)", "surrogate-derivative"),
    ("a", "ggate * s * (1 + a * (1 - s))", "ggate * s", "missing-term|surrogate-derivative|missing-factor"),
    ("a", "ggate * s * (1 + a * (1 - s))", "ggate", "missing-activation-derivative"),
    ("a", "ggate * s * (1 + a * (1 - s))", "ggate * s * (1 + gate * (1 - s))", "derivative-at-wrong-place|wrong-operand"),
    ("a", "ggate * s * (1 + a * (1 - s))", "ggate * s * (1 - a * (1 - s))", "sign"),
    ("a", "ggate * s * (1 + a * (1 - s))", "ggate * s * (1 + a * (1 - s)) * s * (1 - s)", "extra-activation-derivative"),
    ("x", "ga @ A.T + gup @ B.T", "ga @ A.T", "missing-term"),
    ("x", "ga @ A.T + gup @ B.T", "ga @ B.T + gup @ A.T", "wrong-operand"),
    ("x", "ga @ A.T + gup @ B.T", "ga * A[0] + gup @ B.T", "matmul-vs-elementwise"),
    ("A", "gA = x.T @ ga", "gA = x.T @ ggate", "missing-activation-derivative"),
    ("B", "gB = x.T @ gup", "gB = gup.T @ x", "transpose"),
    ("C", "gC = h.T @ gy", "gC = gate.T @ gy", "missing-factor|wrong-operand"),
    ("C", "gC = h.T @ gy", "gC = np.zeros_like(C)", "missing-gradient"),
]
RIGHT = [("ggate * s * (1 + a * (1 - s))", "ggate * (s + gate - gate * s)")]
