"""A highway layer: transform gate and carry."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("highway")


@d.forward
def layer(x, Wt, Wh, t):
    zt = x @ Wt
    T = 1 / (1 + np.exp(-zt))
    zh = x @ Wh
    H = np.tanh(zh)
    y = T * H + (1 - T) * x
    loss = 0.5 * np.sum((y - t) ** 2)
    return loss


@d.gradient("zt")
def d_zt(y, t, H, x, T):
    return (y - t) * (H - x) * T * (1 - T)


@d.gradient("zh")
def d_zh(y, t, T, H):
    return (y - t) * T * (1 - H**2)


@d.gradient("x")
def d_x(y, t, T, d_zt, d_zh, Wt, Wh):
    return (y - t) * (1 - T) + d_zt @ Wt.T + d_zh @ Wh.T


d.gradient("Wt[i, j]", lambda i, j, x, d_zt: sum(x[n, i] * d_zt[n, j] for n in range(len(x))), name="dWt")


def inputs(rng):
    return {
        "x": rng.normal(size=(6, 3)),
        "Wt": rng.normal(size=(3, 3)),
        "Wh": rng.normal(size=(3, 3)),
        "t": rng.normal(size=(6, 3)),
    }


# fmt: off
MISTAKES = [
    ("zt", "(y - t) * (H - x) * T * (1 - T)", "(y - t) * H * T * (1 - T)", "missing-term"),
    ("zt", "(y - t) * (H - x) * T * (1 - T)", "(y - t) * (x - H) * T * (1 - T)", "sign"),
    ("zt", "(y - t) * (H - x) * T * (1 - T)", "(H - x) * T * (1 - T)", "upstream-ignored"),
    ("zt", "(y - t) * (H - x) * T * (1 - T)", "(y - t) * (H - x)", "missing-activation-derivative"),
    ("zh", "(y - t) * T * (1 - H**2)", "(y - t) * (1 - H**2)", "missing-factor"),
    ("zh", "(y - t) * T * (1 - H**2)", "(y - t) * T * H * (1 - H)", "surrogate-derivative"),
    ("x", "(y - t) * (1 - T) + d_zt", "d_zt", "missing-term"),
    ("x", "(y - t) * (1 - T) + d_zt", "(y - t) * T + d_zt", "wrong-operand|wrong-mask"),
    ("x", "d_zt @ Wt.T + d_zh @ Wh.T", "d_zt @ Wh.T + d_zh @ Wt.T", "wrong-operand"),
    ("Wt[i, j]|Wt", "x[n, i] * d_zt[n, j]", "x[n, j] * d_zt[n, i]", "transpose"),
    ("Wt[i, j]|Wt", "x[n, i] * d_zt[n, j]", "x[n - 1, i] * d_zt[n, j]", "shifted-index"),
    ("Wt[i, j]|Wt", "x[n, i] * d_zt[n, j]", "d_zt[n, j]", "missing-factor"),
    ("Wt[i, j]|Wt", "x[n, i] * d_zt[n, j] for n in range(len(x))", "x[n, i] * d_zt[n, j] for n in range(1, len(x))", "shifted-index|missing-term"),
]
RIGHT = [("(y - t) * (H - x) * T * (1 - T)", "(y - t) * H * T * (1 - T) - (y - t) * x * T * (1 - T)")]
