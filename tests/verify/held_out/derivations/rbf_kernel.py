"""Radial basis functions with trainable centres and a shared width."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("RBF network")


@d.forward
def rbf(X, C, gamma, w, y):
    D = X[:, None, :] - C[None, :, :]
    d2 = np.sum(D**2, axis=2)
    K = np.exp(-gamma * d2)
    f = K @ w
    loss = 0.5 * np.mean((f - y) ** 2)
    return loss


@d.gradient("K")
def dK(f, y, w):
    return np.outer(f - y, w) / len(y)


@d.gradient("d2")
def dd2(dK, K, gamma):
    return -gamma * dK * K


@d.gradient("gamma")
def dgamma(dK, K, d2):
    return -np.sum(dK * K * d2)


@d.gradient("C")
def dC(dd2, D):
    return -2 * np.einsum("nk,nkd->kd", dd2, D)


@d.gradient("w")
def dw(K, f, y):
    return K.T @ (f - y) / len(y)


def inputs(rng):
    return {
        "X": rng.normal(size=(7, 2)),
        "C": rng.normal(size=(4, 2)),
        "gamma": 0.6,
        "w": rng.normal(size=4),
        "y": rng.normal(size=7),
    }


# fmt: off
MISTAKES = [
    ("d2", "-gamma * dK * K", "gamma * dK * K", "sign"),
    ("d2", "-gamma * dK * K", "-dK * K", "missing-factor"),
    ("d2", "-gamma * dK * K", "-gamma * dK", "missing-activation-derivative|missing-factor"),
    ("d2", "-gamma * dK * K", "-gamma * dK * np.exp(-gamma * K)", "derivative-at-wrong-place"),
    ("gamma", "-np.sum(dK * K * d2)", "-np.sum(dK * K)", "missing-factor"),
    ("gamma", "-np.sum(dK * K * d2)", "-np.sum(dK * K * d2, axis=0)", "axis|broadcast|shape"),
    ("gamma", "-np.sum(dK * K * d2)", "-np.mean(dK * K * d2)", "scale|axis"),
    ("C", "-2 * np.einsum", "2 * np.einsum", "sign"),
    ("C", "-2 * np.einsum", "-np.einsum", "scale"),
    ("C", "def dC(dd2, D):\n    return -2 * np.einsum(\"nk,nkd->kd\", dd2, D)", "def dC(dd2, X):\n    return -2 * dd2.T @ X", "missing-term"),
    ("w", "K.T @ (f - y) / len(y)", "K.T @ (f - y)", "scale"),
    ("K", "np.outer(f - y, w) / len(y)", "np.outer(f - y, np.ones_like(w)) / len(y)", "missing-factor"),
]
RIGHT = [("-2 * np.einsum(\"nk,nkd->kd\", dd2, D)", "np.sum(2 * dd2[:, :, None] * -D, axis=0)")]
