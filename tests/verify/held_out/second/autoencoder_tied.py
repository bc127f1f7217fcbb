"""A tied autoencoder with an L1 penalty on the code and weight decay."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("tied autoencoder, sparse code")


@d.forward
def forward(X, W, b, c, alpha, lam):
    n = X.shape[0]
    A = X @ W + b
    H = np.log(1 + np.exp(A))
    Xh = H @ W.T + c
    E = Xh - X
    loss = np.sum(E**2) / (2 * n) + alpha * np.sum(np.abs(H)) / n + lam * np.sum(W**2) / 2
    return loss


@d.backward
def backward(X, W, A, H, E, alpha, lam, n):
    dXh = E / n
    dc = dXh.sum(axis=0)
    dH = dXh @ W + alpha * np.sign(H) / n
    dA = dH / (1 + np.exp(-A))
    db = dA.sum(axis=0)
    dW = X.T @ dA + dXh.T @ H + lam * W
    return {"W": dW, "b": db, "c": dc}


def inputs(rng):
    return {
        "X": rng.normal(size=(6, 4)),
        "W": rng.normal(size=(4, 4)) * 0.6,
        "b": rng.normal(size=4) * 0.3,
        "c": rng.normal(size=4) * 0.3,
        "alpha": 0.7,
        "lam": 0.2,
    }


# fmt: off
MISTAKES = [
    ("W", "X.T @ dA + dXh.T @ H + lam * W", "X.T @ dA + lam * W", "missing-term"),
    ("W", "X.T @ dA + dXh.T @ H + lam * W", "dXh.T @ H + lam * W", "missing-term"),
    ("W", "X.T @ dA + dXh.T @ H + lam * W", "X.T @ dA + H.T @ dXh + lam * W", "transpose"),
    ("W", "X.T @ dA + dXh.T @ H + lam * W", "X.T @ dA + dXh.T @ H", "regulariser"),
    ("W", "X.T @ dA + dXh.T @ H + lam * W", "X.T @ dA + dXh.T @ H + lam * W / n", "regulariser"),
    ("W", "X.T @ dA + dXh.T @ H + lam * W", "2 * X.T @ dA + lam * W", "double-count|wrong-operand"),
    ("H", "dXh @ W + alpha * np.sign(H) / n", "dXh @ W", "regulariser|missing-term"),
    ("H", "dXh @ W + alpha * np.sign(H) / n", "dXh @ W.T + alpha * np.sign(H) / n", "transpose"),
    ("H", "dXh @ W + alpha * np.sign(H) / n", "dXh @ W + alpha * H / n", "regulariser|missing-factor|wrong-operand|surrogate-derivative"),
    ("A", "dA = dH / (1 + np.exp(-A))", "dA = dH / (1 + np.exp(-H))", "derivative-at-wrong-place"),
    ("A", "dA = dH / (1 + np.exp(-A))", "dA = dH * (H > 0)", "surrogate-derivative|missing-activation-derivative"),
    ("A", "dA = dH / (1 + np.exp(-A))", "dA = dH", "missing-activation-derivative"),
    ("Xh", "dXh = E / n", "dXh = E", "scale"),
    ("Xh", "dXh = E / n", "dXh = -E / n", "sign"),
    ("b", "db = dA.sum(axis=0)", "db = dH.sum(axis=0)", "missing-activation-derivative|wrong-operand"),
    ("b", "db = dA.sum(axis=0)", "db = np.random.default_rng(21).normal(size=4)", "unknown"),
]
RIGHT = [("dA = dH / (1 + np.exp(-A))", "dA = dH * (1 - np.exp(-H))")]
