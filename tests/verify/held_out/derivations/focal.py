"""Focal loss for imbalanced detection, the derivative as in the paper's appendix."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("focal loss")


@d.forward
def focal(X, y, w, gamma):
    x = X @ w
    p = 1 / (1 + np.exp(-y * x))
    loss = -np.sum((1 - p) ** gamma * np.log(p))
    return loss


@d.gradient("x")
def dx(p, y, gamma):
    return y * (1 - p) ** gamma * (gamma * p * np.log(p) + p - 1)


@d.gradient("w")
def dw(X, dx):
    return X.T @ dx


def inputs(rng):
    return {"X": rng.normal(size=(11, 4)), "y": np.sign(rng.normal(size=11)), "w": rng.normal(size=4), "gamma": 2.0}


# fmt: off
MISTAKES = [
    ("x", "y * (1 - p) ** gamma * (gamma * p * np.log(p) + p - 1)", "y * (1 - p) ** gamma * (p - 1)", "missing-term"),
    ("x", "y * (1 - p) ** gamma * (gamma * p * np.log(p) + p - 1)", "(1 - p) ** gamma * (gamma * p * np.log(p) + p - 1)", "missing-factor"),
    ("x", "y * (1 - p) ** gamma * (gamma * p * np.log(p) + p - 1)", "y * (p - 1)", "wrong-loss"),
    ("x", "y * (1 - p) ** gamma * (gamma * p * np.log(p) + p - 1)", "y * (1 - p) ** gamma * (p * np.log(p) + p - 1)", "missing-factor|scale"),
    ("x", "y * (1 - p) ** gamma * (gamma * p * np.log(p) + p - 1)", "y * (1 - p) ** gamma * (gamma * np.log(p) + p - 1)", "missing-factor"),
    ("x", "y * (1 - p) ** gamma * (gamma * p * np.log(p) + p - 1)", "y * p**gamma * (gamma * p * np.log(p) + p - 1)", "wrong-operand"),
    ("x", "y * (1 - p) ** gamma * (gamma * p * np.log(p) + p - 1)", "y * (1 - p) ** gamma * (1 - p - gamma * p * np.log(p))", "sign"),
    ("x", "y * (1 - p) ** gamma * (gamma * p * np.log(p) + p - 1)", "y * (1 - p) ** (gamma - 1) * (gamma * p * np.log(p) + p - 1)", "missing-factor|shifted-index|missing-activation-derivative"),
    ("w", "X.T @ dx", "X.T @ np.sin(dx * 3)", "unknown"),
]
RIGHT = [("y * (1 - p) ** gamma * (gamma * p * np.log(p) + p - 1)", "y * (gamma * (1 - p) ** gamma * p * np.log(p) - (1 - p) ** (gamma + 1))")]
