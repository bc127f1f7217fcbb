"""Robust regression: Huber loss with threshold delta, mean over samples, softplus units."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("Huber regression")


@d.forward
def huber(X, y, W, v, delta):
    Z = X @ W
    H = np.log(1 + np.exp(Z))
    r = H @ v - y
    small = np.abs(r) <= delta
    loss = np.mean(np.where(small, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)))
    return loss


@d.gradient("r")
def dr(r, delta):
    return np.clip(r, -delta, delta) / r.size


@d.gradient("v")
def dv(H, dr):
    return H.T @ dr


@d.gradient("H")
def dH(dr, v):
    return np.outer(dr, v)


@d.gradient("Z")
def dZ(dH, Z):
    return dH / (1 + np.exp(-Z))


@d.gradient("W")
def dW(X, dZ):
    return X.T @ dZ


def inputs(rng):
    return {
        "X": rng.normal(size=(8, 3)),
        "y": 2 * rng.normal(size=8),
        "W": rng.normal(size=(3, 5)),
        "v": rng.normal(size=5),
        "delta": 0.8,
    }


# fmt: off
MISTAKES = [
    ("r", "np.clip(r, -delta, delta) / r.size", "np.where(np.abs(r) <= delta, r, delta) / r.size", "missing-factor|sign"),
    ("r", "np.clip(r, -delta, delta) / r.size", "np.where(np.abs(r) > delta, r, delta * np.sign(r)) / r.size", "wrong-mask"),
    ("r", "np.clip(r, -delta, delta) / r.size", "r / r.size", "wrong-loss|wrong-mask"),
    ("r", "np.clip(r, -delta, delta) / r.size", "np.where(np.abs(r) <= delta, r, 0) / r.size", "missing-term"),
    ("r", "np.clip(r, -delta, delta) / r.size", "np.where(np.abs(r) <= delta, r, np.sign(r)) / r.size", "missing-factor|scale"),
    ("r", "np.clip(r, -delta, delta) / r.size", "np.where(np.abs(r) <= delta, 2 * r, delta * np.sign(r)) / r.size", "scale"),
    ("Z", "dH / (1 + np.exp(-Z))", "dH * (Z > 0)", "surrogate-derivative"),
    ("Z", "def dZ(dH, Z):\n    return dH / (1 + np.exp(-Z))", "def dZ(dH, H):\n    return dH / (1 + np.exp(-H))", "derivative-at-wrong-place"),
    ("Z", "dH / (1 + np.exp(-Z))", "dH / (1 + np.exp(-Z)) * (1 - 1 / (1 + np.exp(-Z)))", "surrogate-derivative|extra-activation-derivative"),
    ("Z", "dH / (1 + np.exp(-Z))", "dH / (1 + np.exp(Z))", "sign"),
    ("H", "np.outer(dr, v)", "np.outer(np.ones_like(dr), v)", "upstream-ignored"),
    ("v", "def dv(H, dr):\n    return H.T @ dr", "def dv(Z, dr):\n    return Z.T @ dr", "wrong-operand"),
    ("v", "H.T @ dr", "H.T @ dr + 0.1 * np.random.default_rng(13).normal(size=5)", "unknown"),
]
RIGHT = [("dH / (1 + np.exp(-Z))", "dH * np.exp(Z) / (1 + np.exp(Z))")]
