"""Autoencoder whose decoder is the transposed encoder."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("tied autoencoder")


@d.forward
def reconstruct(X, W, b, c):
    Z = X @ W + b
    H = 1 / (1 + np.exp(-Z))
    Xr = H @ W.T + c
    E = Xr - X
    loss = np.sum(E**2) / (2 * X.shape[0])
    return loss


@d.gradient("Xr")
def dXr(E):
    return E / E.shape[0]


@d.gradient("Z")
def dZ(dXr, W, H):
    return dXr @ W * H * (1 - H)


@d.gradient("W")
def dW(X, H, dXr, dZ):
    return X.T @ dZ + dXr.T @ H


@d.gradient("X")
def dX(dZ, W, dXr):
    return dZ @ W.T - dXr


@d.gradient("b")
def db(dZ):
    return dZ.sum(0)


def inputs(rng):
    return {
        "X": rng.normal(size=(5, 4)),
        "W": rng.normal(size=(4, 4)),
        "b": rng.normal(size=4),
        "c": rng.normal(size=4),
    }


# fmt: off
MISTAKES = [
    ("W", "X.T @ dZ + dXr.T @ H", "X.T @ dZ", "missing-term"),
    ("W", "X.T @ dZ + dXr.T @ H", "dXr.T @ H", "missing-term"),
    ("W", "dXr.T @ H", "H.T @ dXr", "transpose"),
    ("W", "X.T @ dZ + dXr.T @ H", "2 * X.T @ dZ", "double-count|missing-term"),
    ("W", "X.T @ dZ + dXr.T @ H", "(X.T @ dZ + dXr.T @ H) / 2", "scale"),
    ("Z", "dXr @ W * H", "dXr @ W.T * H", "transpose"),
    ("Z", "dXr @ W * H * (1 - H)", "dXr @ W", "missing-activation-derivative"),
    ("X", "dZ @ W.T - dXr", "dZ @ W.T", "missing-term"),
    ("X", "dZ @ W.T - dXr", "dZ @ W.T + dXr", "sign"),
    ("b", "dZ.sum(0)", "2 * dZ.sum(0)", "double-count|scale"),
    ("Xr", "E / E.shape[0]", "E / E.size", "scale"),
    ("Z", "dXr @ W * H * (1 - H)", "dXr * H * (1 - H)", "missing-factor"),
    ("W", "X.T @ dZ + dXr.T @ H", "X.T @ dZ + np.random.default_rng(19).normal(size=(4, 4))", "unknown"),
]
RIGHT = [("X.T @ dZ + dXr.T @ H", "np.einsum('ni,nj->ij', X, dZ) + np.einsum('ni,nj->ij', dXr, H)")]
