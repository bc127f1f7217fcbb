"""The multiclass hinge loss, vectorised."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("multiclass SVM")


@d.forward
def svm(X, y, W, reg):
    N = X.shape[0]
    S = X @ W
    correct = S[np.arange(N), y][:, None]
    margins = np.maximum(0, S - correct + 1)
    L = (np.sum(margins) - N) / N + reg * np.sum(W * W)
    return L


@d.backward
def svm_grad(X, y, W, reg, N, margins):
    G = (margins > 0).astype(float)
    G[np.arange(N), y] = 0
    G[np.arange(N), y] = -np.sum(G, axis=1)
    dS = G / N
    dW = X.T @ dS + 2 * reg * W
    dX = dS @ W.T
    return {"S": dS, "W": dW, "X": dX}


def inputs(rng):
    return {"X": rng.normal(size=(6, 4)), "y": np.array([0, 1, 3, 2, 2, 0]), "W": rng.normal(size=(4, 4)), "reg": 0.1}


# fmt: off
MISTAKES = [
    ("S", "    G[np.arange(N), y] = -np.sum(G, axis=1)\n", "", "missing-term"),
    ("S", "y] = -np.sum(G, axis=1)", "y] = np.sum(G, axis=1)", "sign"),
    ("S", "y] = -np.sum(G, axis=1)", "y] = -1", "missing-factor|scale|missing-term"),
    ("S", "    G[np.arange(N), y] = 0\n", "", "double-count|missing-term"),
    ("S", "(margins > 0).astype(float)", "margins.copy()", "missing-activation-derivative|wrong-loss|derivative-at-wrong-place|wrong-mask|surrogate-derivative"),
    ("S", "(margins > 0).astype(float)", "(margins > 1).astype(float)", "wrong-mask"),
    ("S", "(margins > 0).astype(float)", "(margins <= 0).astype(float)", "wrong-mask"),
    ("S", "dS = G / N", "dS = G", "scale"),
    ("W", "X.T @ dS + 2 * reg * W", "X.T @ dS + reg * W", "regulariser"),
    ("W", "X.T @ dS + 2 * reg * W", "X.T @ dS", "regulariser"),
    ("W", "X.T @ dS + 2 * reg * W", "(X.T @ dS).T + 2 * reg * W", "transpose"),
    ("W", "X.T @ dS + 2 * reg * W", "X.T @ margins / N + 2 * reg * W", "wrong-operand"),
    ("X", "dS @ W.T", "dS @ W", "transpose"),
    ("X", "dS @ W.T", "G @ W.T", "scale"),
    ("X", "dS @ W.T", "np.random.default_rng(11).normal(size=X.shape)", "unknown"),
]
RIGHT = [("    G[np.arange(N), y] = 0\n    G[np.arange(N), y] = -np.sum(G, axis=1)\n", "    G[np.arange(N), y] -= np.sum(G, axis=1)\n")]
