"""Reconstruction error of a linear projection with soft orthogonality (not quite PCA)."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("projection with soft orthogonality")


@d.forward
def pca(X, W, rho):
    n = X.shape[0]
    T = X @ W
    E = X - T @ W.T
    G = W.T @ W - np.eye(W.shape[1])
    loss = np.sum(E**2) / n + rho * np.sum(G**2)
    return loss


@d.gradient("T")
def dT(E, W, n):
    return -2 / n * E @ W


@d.gradient("G")
def dG(G, rho):
    return 2 * rho * G


@d.gradient("W")
def dW(X, T, E, W, dT, dG, n):
    return X.T @ dT - 2 / n * E.T @ T + 2 * W @ dG


@d.value("G")
def gram(W):
    return np.einsum("ia,ib->ab", W, W) - np.eye(W.shape[1])


@d.value("loss")
def trace_form(X, T, W, G, rho, n):
    return (np.sum(X**2) - 2 * np.sum(T**2) + np.sum((T @ W.T) ** 2)) / n + rho * np.trace(G.T @ G)


def inputs(rng):
    return {"X": rng.normal(size=(6, 4)), "W": rng.normal(size=(4, 4)) * 0.6, "rho": 0.3}


# fmt: off
MISTAKES = [
    ("T", "-2 / n * E @ W", "2 / n * E @ W", "sign"),
    ("T", "-2 / n * E @ W", "-2 / n * E @ W.T", "transpose"),
    ("T", "-2 / n * E @ W", "-2 * E @ W", "scale"),
    ("G", "2 * rho * G", "2 * G", "regulariser|missing-factor|scale"),
    ("G", "2 * rho * G", "rho * G", "regulariser|scale"),
    ("W", "X.T @ dT - 2 / n * E.T @ T + 2 * W @ dG", "-2 / n * E.T @ T + 2 * W @ dG", "missing-term"),
    ("W", "X.T @ dT - 2 / n * E.T @ T + 2 * W @ dG", "X.T @ dT + 2 * W @ dG", "missing-term"),
    ("W", "X.T @ dT - 2 / n * E.T @ T + 2 * W @ dG", "X.T @ dT - 2 / n * E.T @ T", "regulariser"),
    ("W", "X.T @ dT - 2 / n * E.T @ T + 2 * W @ dG", "X.T @ dT - 2 / n * E.T @ T + W @ dG", "regulariser|double-count|scale|missing-term"),
    ("W", "X.T @ dT - 2 / n * E.T @ T + 2 * W @ dG", "X.T @ dT - 2 / n * T.T @ E + 2 * W @ dG", "transpose"),
    ("W", "X.T @ dT - 2 / n * E.T @ T + 2 * W @ dG", "2 * X.T @ dT + 2 * W @ dG", "double-count|wrong-operand"),
    ("value of G|G", "np.einsum(\"ia,ib->ab\", W, W)", "np.einsum(\"ai,bi->ab\", W, W)", "transpose"),
    ("value of G|G", "np.einsum(\"ia,ib->ab\", W, W) - np.eye(W.shape[1])", "np.einsum(\"ia,ib->ab\", W, W)", "missing-term"),
    ("value of loss|loss", "- 2 * np.sum(T**2)", "- np.sum(T**2)", "scale"),
    ("value of loss|loss", " + np.sum((T @ W.T) ** 2)", "", "missing-term"),
    ("value of loss|loss", "rho * np.trace(G.T @ G)", "rho * np.trace(G @ G) / 2", "regulariser|scale"),
    ("W", "X.T @ dT - 2 / n * E.T @ T + 2 * W @ dG", "np.random.default_rng(31).normal(size=(4, 4))", "unknown"),
]
RIGHT = [("X.T @ dT - 2 / n * E.T @ T + 2 * W @ dG", "-2 / n * (X.T @ E + E.T @ X) @ W + 2 * W @ dG"), ("np.trace(G.T @ G)", "np.linalg.norm(G) ** 2")]
