"""Logistic regression with an L2 penalty, as in a first course."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("logistic regression with L2")


@d.forward
def cost(X, y, w, b, lam):
    m = X.shape[0]
    z = X @ w + b
    p = 1 / (1 + np.exp(-z))
    bce = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    J = bce + lam / (2 * m) * np.sum(w**2)
    return J


@d.gradient("z")
def dz(p, y):
    return (p - y) / y.size


@d.gradient("w")
def dw(X, dz, w, lam):
    m = X.shape[0]
    return X.T @ dz + lam / m * w


@d.gradient("b")
def db(dz):
    return np.sum(dz)


def inputs(rng):
    return {
        "X": rng.normal(size=(7, 4)),
        "y": np.array([0.0, 1, 1, 0, 1, 0, 0]),
        "w": rng.normal(size=4),
        "b": 0.3,
        "lam": 0.7,
    }


# fmt: off
MISTAKES = [
    ("z", "(p - y) / y.size", "(y - p) / y.size", "sign"),
    ("z", "(p - y) / y.size", "(p - y) * p * (1 - p) / y.size", "extra-activation-derivative"),
    ("z", "(p - y) / y.size", "2 * (p - y) * p * (1 - p) / y.size", "wrong-loss"),
    ("z", "def dz(p, y):\n    return (p - y) / y.size", "def dz(z, y):\n    return (z - y) / y.size", "wrong-operand"),
    ("z", "(p - y) / y.size", "(p - y)", "scale"),
    ("w", " + lam / m * w", "", "regulariser"),
    ("w", "+ lam / m * w", "+ lam * w", "regulariser"),
    ("w", "+ lam / m * w", "- lam / m * w", "regulariser|sign"),
    ("w", "+ lam / m * w", "+ lam / m * np.sign(w)", "regulariser"),
    ("b", "np.sum(dz)", "np.sum(dz) + 0.7 / 7 * 0.3", "regulariser"),
    ("b", "np.sum(dz)", "np.mean(dz)", "scale|axis"),
    ("w", "X.T @ dz + lam / m * w", "np.array([0.31, -0.22, 0.05, 0.47])", "unknown"),
    ("b", "np.sum(dz)", "np.sum(dz, keepdims=True)", "shape"),
]
RIGHT = [
    ("X.T @ dz + lam / m * w", "np.sum(X * dz[:, None], axis=0) + w * lam / m"),
    ("np.sum(dz)", "dz @ np.ones_like(dz)"),
]
