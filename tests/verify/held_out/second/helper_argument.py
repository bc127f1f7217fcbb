"""A helper's argument has the name of an input that only the update uses: the number of the step, ``t``."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("logistic regression, a decaying step")


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


@d.forward
def nll(X, y, w):
    p = sigmoid(X @ w)
    loss = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))
    return loss


@d.gradient("w")
def dw(X, y, p):
    return X.T @ (p - y)


def decayed(parameter, gradient, t):
    return parameter - 0.1 / np.sqrt(t) * gradient


@d.update("w", decayed)
def step(w, dw, t):
    return w - 0.1 * dw / np.sqrt(t)


def inputs(rng):
    return {"X": rng.normal(size=(7, 3)), "y": np.array([1.0, 0, 0, 1, 1, 0, 1]), "w": rng.normal(size=3), "t": 5}


# fmt: off
MISTAKES = [
    ("update of w|w", "w - 0.1 * dw / np.sqrt(t)", "w + 0.1 * dw / np.sqrt(t)", "sign"),
    ("update of w|w", "w - 0.1 * dw / np.sqrt(t)", "w - 0.1 * dw", "missing-factor|scale"),
    ("update of w|w", "w - 0.1 * dw / np.sqrt(t)", "w - 0.1 * dw / np.sqrt(t + 1)", "shifted-index|scale|wrong-operand"),
    ("w", "X.T @ (p - y)", "X.T @ (y - p)", "sign"),
]
RIGHT = [("w - 0.1 * dw / np.sqrt(t)", "w - 0.1 * t**-0.5 * dw")]
