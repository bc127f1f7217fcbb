"""Inverted dropout between two layers; the mask is an input."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("inverted dropout")


@d.forward
def net(X, W1, W2, M, keep, Y):
    Z = X @ W1
    A = np.maximum(0, Z)
    D = A * M / keep
    P = D @ W2
    loss = np.sum((P - Y) ** 2) / (2 * X.shape[0])
    return loss


@d.gradient("P")
def dP(P, Y):
    return (P - Y) / P.shape[0]


@d.gradient("W2")
def dW2(D, dP):
    return D.T @ dP


@d.gradient("D")
def dD(dP, W2):
    return dP @ W2.T


@d.gradient("A")
def dA(dD, M, keep):
    return dD * M / keep


@d.gradient("Z")
def dZ(dA, Z):
    return np.where(Z > 0, dA, 0.0)


@d.gradient("W1")
def dW1(X, dZ):
    return X.T @ dZ


def inputs(rng):
    return {
        "X": rng.normal(size=(5, 3)),
        "W1": rng.normal(size=(3, 6)),
        "W2": rng.normal(size=(6, 2)),
        "M": (rng.random(size=(5, 6)) < 0.7).astype(float),
        "keep": 0.7,
        "Y": rng.normal(size=(5, 2)),
    }


# fmt: off
MISTAKES = [
    ("P", "(P - Y) / P.shape[0]", "(P - Y) / P.shape[1]", "scale"),
    ("P", "(P - Y) / P.shape[0]", "2 * (P - Y) / P.shape[0]", "scale"),
    ("W2", "def dW2(D, dP):\n    return D.T @ dP", "def dW2(A, dP):\n    return A.T @ dP", "wrong-operand|wrong-mask"),
    ("A", "dD * M / keep", "dD * M", "scale"),
    ("A", "dD * M / keep", "dD / keep", "wrong-mask|missing-factor"),
    ("A", "dD * M / keep", "dD", "wrong-mask|missing-factor|missing-term"),
    ("A", "dD * M / keep", "dD * M * keep", "scale"),
    ("A", "dD * M / keep", "dD * (1 - M) / keep", "wrong-mask"),
    ("A", "dD * M / keep", "dD * M / (1 - keep)", "scale"),
    ("Z", "np.where(Z > 0, dA, 0.0)", "np.where(dA > 0, dA, 0.0)", "wrong-mask"),
    ("Z", "np.where(Z > 0, dA, 0.0)", "dA", "missing-activation-derivative"),
    ("Z", "np.where(Z > 0, dA, 0.0)", "dA / (1 + np.exp(-Z))", "surrogate-derivative"),
    ("W1", "return X.T @ dZ", "return (X.T @ dZ) / X.shape[0]", "scale"),
    ("W1", "def dW1(X, dZ):\n    return X.T @ dZ", "def dW1(X, dA):\n    return X.T @ dA", "missing-activation-derivative|wrong-operand"),
    ("W1", "return X.T @ dZ", "return np.cos(np.arange(18.0).reshape(3, 6) ** 2)", "unknown"),
]
RIGHT = [("np.where(Z > 0, dA, 0.0)", "dA * np.heaviside(Z, 0)")]
