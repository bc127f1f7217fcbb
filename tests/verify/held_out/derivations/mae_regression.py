"""Least absolute deviations, linear model."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("MAE regression")


@d.forward
def model(X, y, w, b):
    pred = X @ w + b
    loss = np.mean(np.abs(pred - y))
    return loss


@d.gradient("pred")
def g(pred, y):
    return np.sign(pred - y) / len(y)


@d.gradient("w")
def grad_w(X, g):
    return X.T @ g


@d.gradient("b")
def grad_b(g):
    return g.sum()


def inputs(rng):
    return {"X": rng.normal(size=(9, 3)), "y": rng.normal(size=9), "w": rng.normal(size=3), "b": 0.4}


# fmt: off
MISTAKES = [
    ("pred", "np.sign(pred - y) / len(y)", "np.sign(y - pred) / len(y)", "sign"),
    ("pred", "np.sign(pred - y) / len(y)", "2 * (pred - y) / len(y)", "wrong-loss"),
    ("pred", "np.sign(pred - y) / len(y)", "(pred - y) / len(y)", "wrong-loss"),
    ("pred", "np.sign(pred - y) / len(y)", "(pred > y) / len(y)", "wrong-mask|missing-term|surrogate-derivative"),
    ("pred", "np.sign(pred - y) / len(y)", "np.abs(pred - y) / len(y)", "missing-activation-derivative|wrong-operand"),
    ("pred", "np.sign(pred - y) / len(y)", "np.sign(pred) / len(y)", "missing-term"),
    ("w", "X.T @ g", "X.T @ np.ones(len(g)) / len(g)", "upstream-ignored"),
    ("b", "g.sum()", "g.mean()", "scale|axis"),
    ("w", "X.T @ g", "X[0] * g[0]", "axis|missing-term"),
]
RIGHT = [("np.sign(pred - y) / len(y)", "np.where(pred > y, 1.0, -1.0) / y.shape[0]")]
