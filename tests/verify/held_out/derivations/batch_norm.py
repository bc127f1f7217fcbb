"""Batch normalisation in training mode, step by step, as a kernel engineer fuses it."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("batch norm")


@d.forward
def bn(x, gamma, beta, R, eps):
    mean = x.mean(axis=0)
    xc = x - mean
    var = np.mean(xc**2, axis=0)
    inv = 1 / np.sqrt(var + eps)
    xhat = xc * inv
    y = gamma * xhat + beta
    loss = np.sum(np.sin(y) * R)
    return loss


@d.gradient("y")
def dy(y, R):
    return np.cos(y) * R


@d.gradient("gamma")
def dgamma(dy, xhat):
    return np.sum(dy * xhat, axis=0)


@d.gradient("beta")
def dbeta(dy):
    return np.sum(dy, axis=0)


@d.gradient("x")
def dx(dy, xhat, gamma, inv):
    n = xhat.shape[0]
    return gamma * inv / n * (n * dy - dy.sum(0) - xhat * np.sum(dy * xhat, axis=0))


def inputs(rng):
    return {
        "x": rng.normal(size=(7, 4)) * 1.5 + 1,
        "gamma": rng.uniform(0.5, 1.5, size=4),
        "beta": rng.normal(size=4),
        "R": rng.normal(size=(7, 4)),
        "eps": 1e-3,
    }


# fmt: off
MISTAKES = [
    ("x", "(n * dy - dy.sum(0) - xhat * np.sum(dy * xhat, axis=0))", "(n * dy - dy.sum(0))", "missing-term"),
    ("x", "(n * dy - dy.sum(0) - xhat * np.sum(dy * xhat, axis=0))", "(n * dy - xhat * np.sum(dy * xhat, axis=0))", "missing-term"),
    ("x", "(n * dy - dy.sum(0) - xhat * np.sum(dy * xhat, axis=0))", "(n * dy - dy.sum(0) + xhat * np.sum(dy * xhat, axis=0))", "sign"),
    ("x", "gamma * inv / n * (n * dy - dy.sum(0) - xhat * np.sum(dy * xhat, axis=0))", "gamma * inv * dy", "missing-term"),
    ("x", "gamma * inv / n * (n", "inv / n * (n", "missing-factor"),
    ("x", "gamma * inv / n * (n", "gamma * inv * (n", "scale"),
    ("x", "gamma * inv / n * (n", "gamma * inv**2 / n * (n", "missing-factor|extra-activation-derivative"),
    ("gamma", "np.sum(dy * xhat, axis=0)\n\n", "np.sum(dy, axis=0)\n\n", "missing-factor"),
    ("gamma", "np.sum(dy * xhat, axis=0)\n\n", "dy * xhat\n\n", "broadcast"),
    ("gamma", "def dgamma(dy, xhat):\n    return np.sum(dy * xhat", "def dgamma(dy, xc):\n    return np.sum(dy * xc", "wrong-operand"),
    ("beta", "np.sum(dy, axis=0)\n\n", "np.mean(dy, axis=0)\n\n", "scale|axis"),
    ("y", "np.cos(y) * R", "-np.cos(y) * R", "sign"),
    ("x", "inv / n * (n * dy - dy.sum(0)", "inv / n * (n * dy - dy.sum(1, keepdims=True)", "axis"),
    ("gamma", "np.sum(dy * xhat, axis=0)\n\n", "np.random.default_rng(16).normal(size=4)\n\n", "unknown"),
]
RIGHT = [("gamma * inv / n * (n * dy - dy.sum(0) - xhat * np.sum(dy * xhat, axis=0))", "gamma * inv * (dy - dy.mean(0) - xhat * np.mean(dy * xhat, axis=0))")]
