"""Least squares trained with momentum: the update is part of the derivation."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("momentum step")


@d.forward
def sse(X, y, W):
    P = X @ W
    loss = np.sum((P - y) ** 2) / len(X)
    return loss


@d.gradient("W")
def dW(X, P, y):
    return 2 * X.T @ (P - y) / len(X)


@d.update("W", lambda gradient, parameter, M, lr, beta: parameter - lr * (beta * M + gradient))
def new_W(W, dW, M, lr, beta):
    M_new = beta * M + dW
    return W - lr * M_new


@d.value("P")
def P_by_rows(X, W):
    return np.stack([W.T @ row for row in X])


def inputs(rng):
    return {
        "X": rng.normal(size=(6, 3)),
        "y": rng.normal(size=(6, 3)),
        "W": rng.normal(size=(3, 3)),
        "M": rng.normal(size=(3, 3)),
        "lr": 0.1,
        "beta": 0.9,
    }


# fmt: off
MISTAKES = [
    ("W", "2 * X.T @ (P - y) / len(X)", "X.T @ (P - y) / len(X)", "scale"),
    ("W", "2 * X.T @ (P - y) / len(X)", "2 * (P - y).T @ X / len(X)", "transpose"),
    ("W", "2 * X.T @ (P - y) / len(X)", "2 * X.T @ P / len(X)", "missing-term"),
    ("W", "2 * X.T @ (P - y) / len(X)", "2 * X.T @ np.sign(P - y) / len(X)", "wrong-loss"),
    ("update of W|W", "W - lr * M_new", "W + lr * M_new", "sign"),
    ("update of W|W", "W - lr * M_new", "W - lr * M", "stale-value|missing-term"),
    ("update of W|W", "W - lr * M_new", "W - M_new", "missing-factor|scale"),
    ("update of W|W", "M_new = beta * M + dW", "M_new = M + dW", "missing-factor|scale"),
    ("value of P|P", "W.T @ row for row", "W @ row for row", "transpose"),
]
RIGHT = [("M_new = beta * M + dW", "M_new = dW + M - (1 - beta) * M"), ("np.stack([W.T @ row for row in X])", "np.einsum('ni,ij->nj', X, W)")]
