"""Multiclass hinge loss with margin 1, vectorised by a mask, as in course assignments."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("multiclass SVM")


@d.forward
def svm(X, y, W, reg):
    n = X.shape[0]
    S = X @ W
    correct = S[np.arange(n), y][:, None]
    M = np.maximum(0, S - correct + 1)
    loss = (np.sum(M) - n) / n + reg * np.sum(W * W)
    return loss


@d.gradient("S")
def dS(M, y):
    n = M.shape[0]
    binary = (M > 0).astype(float)
    binary[np.arange(n), y] = 0
    binary[np.arange(n), y] = -np.sum(binary, axis=1)
    return binary / n


@d.gradient("W")
def dW(X, dS, W, reg):
    return X.T @ dS + 2 * reg * W


def inputs(rng):
    return {
        "X": rng.normal(size=(8, 5)),
        "y": rng.integers(0, 4, size=8),
        "W": 0.6 * rng.normal(size=(5, 4)),
        "reg": 0.05,
    }


# fmt: off
MISTAKES = [
    ("S", "= -np.sum(binary, axis=1)", "= np.sum(binary, axis=1)", "sign"),
    ("S", "    binary[np.arange(n), y] = -np.sum(binary, axis=1)\n", "", "missing-term"),
    ("S", "= -np.sum(binary, axis=1)", "= -1", "missing-factor|scale"),
    ("S", "(M > 0).astype(float)", "M.copy()", "missing-activation-derivative|wrong-loss"),
    ("S", "(M > 0).astype(float)", "(M <= 0).astype(float)", "wrong-mask"),
    ("S", "(M > 0).astype(float)", "(M > 1).astype(float)", "wrong-mask"),
    ("W", "2 * reg * W", "reg * W", "regulariser"),
    ("W", " + 2 * reg * W", "", "regulariser"),
    ("S", "return binary / n", "return binary", "scale"),
    ("S", "return binary / n", "return -binary / n", "sign"),
]
RIGHT = [("X.T @ dS + 2 * reg * W", "(dS.T @ X).T + reg * (W + W)")]
