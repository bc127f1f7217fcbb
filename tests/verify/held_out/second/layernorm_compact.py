"""Layer norm with the compact formula, and a linear head."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("layer norm, compact backward")


@d.forward
def forward(x, g, b, V, t):
    mean = x.mean(axis=-1, keepdims=True)
    rstd = 1 / np.sqrt(((x - mean) ** 2).mean(axis=-1, keepdims=True) + 1e-6)
    norm = (x - mean) * rstd
    y = norm * g + b
    out = y @ V
    loss = 0.5 * np.sum((out - t) ** 2)
    return loss


@d.backward
def backward(x, g, V, t, rstd, norm, y, out):
    dout = out - t
    dV = y.T @ dout
    dy = dout @ V.T
    dg = (dy * norm).sum(axis=0)
    db = dy.sum(axis=0)
    dnorm = dy * g
    m1 = dnorm.mean(axis=-1, keepdims=True)
    m2 = (dnorm * norm).mean(axis=-1, keepdims=True)
    dx = rstd * (dnorm - m1 - norm * m2)
    return {"x": dx, "g": dg, "b": db, "V": dV}


def inputs(rng):
    return {
        "x": rng.normal(size=(3, 5)),
        "g": rng.normal(size=5) + 1,
        "b": rng.normal(size=5),
        "V": rng.normal(size=(5, 2)),
        "t": rng.normal(size=(3, 2)),
    }


# fmt: off
MISTAKES = [
    ("x", "rstd * (dnorm - m1 - norm * m2)", "rstd * (dnorm - m1)", "missing-term"),
    ("x", "rstd * (dnorm - m1 - norm * m2)", "rstd * (dnorm - norm * m2)", "missing-term"),
    ("x", "rstd * (dnorm - m1 - norm * m2)", "rstd * (dnorm - m1 + norm * m2)", "sign"),
    ("x", "rstd * (dnorm - m1 - norm * m2)", "dnorm - m1 - norm * m2", "missing-factor"),
    ("x", "rstd * (dnorm - m1 - norm * m2)", "rstd * (dnorm - m1 - m2)", "missing-factor"),
    ("x", "rstd * (dnorm - m1 - norm * m2)", "rstd * (dnorm - m1 - x * m2)", "wrong-operand"),
    ("x", "m1 = dnorm.mean(axis=-1, keepdims=True)", "m1 = dnorm.mean(axis=0, keepdims=True)", "axis"),
    ("x", "m2 = (dnorm * norm).mean(axis=-1, keepdims=True)", "m2 = (dnorm * norm).sum(axis=-1, keepdims=True)", "scale|axis"),
    ("x", "rstd * (dnorm", "rstd**2 * (dnorm", "double-count|extra-activation-derivative|missing-factor|wrong-operand"),
    ("norm|x", "dnorm = dy * g", "dnorm = dy", "missing-factor"),
    ("g", "(dy * norm).sum(axis=0)", "(dy * x).sum(axis=0)", "wrong-operand"),
    ("g", "(dy * norm).sum(axis=0)", "(dy * norm).sum(axis=1)", "axis|shape"),
    ("b", "db = dy.sum(axis=0)", "db = dout.sum(axis=0)", "missing-factor|wrong-operand|shape"),
    ("V", "dV = y.T @ dout", "dV = norm.T @ dout", "wrong-operand"),
    ("y", "dy = dout @ V.T", "dy = out @ V.T", "wrong-operand|missing-term"),
]
RIGHT = [("dx = rstd * (dnorm - m1 - norm * m2)", "n = x.shape[1]\n    dx = rstd / n * (n * dnorm - dnorm.sum(-1, keepdims=True) - norm * (dnorm * norm).sum(-1, keepdims=True))")]
