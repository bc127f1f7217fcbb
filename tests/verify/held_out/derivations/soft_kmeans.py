"""Soft k-means: assignments are a softmax of negative squared distances; loss is the free energy."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("soft k-means")


@d.forward
def free_energy(X, M, beta):
    D = np.sum((X[:, None] - M) ** 2, axis=-1)
    A = np.exp(-beta * D)
    Z = np.sum(A, axis=1)
    loss = -np.sum(np.log(Z)) / beta
    return loss


@d.gradient("D")
def gD(A, Z):
    return A / Z[:, None]


@d.gradient("M")
def gM(gD, X, M):
    return 2 * (gD.sum(0)[:, None] * M - gD.T @ X)


@d.gradient("X")
def gX(gD, X, M):
    return 2 * (X - gD @ M)


def inputs(rng):
    return {"X": rng.normal(size=(8, 3)), "M": rng.normal(size=(4, 3)), "beta": 0.7}


# fmt: off
MISTAKES = [
    ("D", "A / Z[:, None]", "A", "missing-factor"),
    ("D", "A / Z[:, None]", "-A / Z[:, None]", "sign"),
    ("D", "def gD(A, Z):\n    return A / Z[:, None]", "def gD(A, Z):\n    return A / np.sum(A, axis=0)", "axis"),
    ("D", "A / Z[:, None]", "(A == A.max(axis=1, keepdims=True)) * 1.0", "surrogate-derivative|wrong-loss|wrong-mask"),
    ("D", "A / Z[:, None]", "A * (1 - A) / Z[:, None]", "softmax-diagonal|extra-activation-derivative"),
    ("M", "gD.sum(0)[:, None] * M - gD.T @ X", "M - gD.T @ X", "missing-factor"),
    ("M", "gD.sum(0)[:, None] * M - gD.T @ X", "-gD.T @ X", "missing-term"),
    ("M", "2 * (gD.sum(0)", "(gD.sum(0)", "scale"),
    ("M", "2 * (gD.sum(0)[:, None] * M - gD.T @ X)", "2 * (gD.T @ X - gD.sum(0)[:, None] * M)", "sign"),
    ("X", "2 * (X - gD @ M)", "2 * X", "missing-term"),
    ("X", "2 * (X - gD @ M)", "X - gD @ M", "scale"),
    ("M", "2 * (gD.sum(0)[:, None] * M - gD.T @ X)", "2 * (gD.sum(0)[:, None] * M - gD.T @ X).T", "shape|transpose"),
]
RIGHT = [("2 * (X - gD @ M)", "np.sum(gD[:, :, None] * 2 * (X[:, None] - M), axis=1)")]
