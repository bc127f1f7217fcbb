"""Exponential smoothing with a learned rate: a scalar recursion through time."""

import microgradnp as mg

d = mg.Derivation("exponential smoothing")


@d.forward
def smooth(y, alpha, s0):
    s = s0
    levels = []
    loss = 0.0
    for t in range(len(y)):
        levels.append(s)
        loss = loss + 0.5 * (y[t] - s) ** 2
        s = s + alpha * (y[t] - s)
    return loss


@d.backward
def adjoint(y, alpha, levels):
    gs = 0.0
    galpha = 0.0
    for t in range(len(y) - 1, -1, -1):
        galpha += gs * (y[t] - levels[t])
        gs = gs * (1 - alpha) - (y[t] - levels[t])
    return {"alpha": galpha, "s0": gs}


def inputs(rng):
    return {"y": rng.normal(size=8).cumsum(), "alpha": 0.35, "s0": 0.5}


# fmt: off
MISTAKES = [
    ("alpha|s0", "gs * (1 - alpha) - (y[t] - levels[t])", "gs * alpha - (y[t] - levels[t])", "wrong-operand|missing-term"),
    ("alpha|s0", "gs * (1 - alpha) - (y[t] - levels[t])", "gs - (y[t] - levels[t])", "missing-factor"),
    ("alpha|s0", "gs * (1 - alpha) - (y[t] - levels[t])", "gs * (1 - alpha) + (y[t] - levels[t])", "sign"),
    ("alpha|s0", "gs * (1 - alpha) - (y[t] - levels[t])", "-(y[t] - levels[t])", "missing-term"),
    ("alpha", "galpha += gs * (y[t] - levels[t])", "galpha = gs * (y[t] - levels[t])", "missing-term"),
    ("alpha", "galpha += gs * (y[t] - levels[t])", "galpha += gs * (y[t - 1] - levels[t - 1])", "shifted-index"),
    ("alpha", "galpha += gs * (y[t] - levels[t])", "galpha += gs * y[t]", "missing-term"),
    ("alpha", "galpha += gs * (y[t] - levels[t])", "galpha += gs", "missing-factor"),
    ("alpha", "        galpha += gs * (y[t] - levels[t])\n        gs = gs * (1 - alpha) - (y[t] - levels[t])\n", "        gs = gs * (1 - alpha) - (y[t] - levels[t])\n        galpha += gs * (y[t] - levels[t])\n", "shifted-index|stale-value"),
    ("alpha|s0", "range(len(y) - 1, -1, -1)", "range(len(y) - 1, 0, -1)", "shifted-index|missing-term"),
]
RIGHT = [("gs * (1 - alpha) - (y[t] - levels[t])", "gs - alpha * gs + levels[t] - y[t]")]
