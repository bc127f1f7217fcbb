"""Forms that must survive large numbers: softmax, log-sum-exp, logistic loss, a variance."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("stable forms")


@d.forward
def forward(z, y, u):
    top = np.max(z, axis=1, keepdims=True)
    lse = top[:, 0] + np.log(np.sum(np.exp(z - top), axis=1))
    p = np.exp(z - lse[:, None])  # noqa: F841
    bce = np.maximum(u, 0) - u * y + np.log1p(np.exp(-np.abs(u)))
    loss = np.sum(lse - z[:, 0]) + np.sum(bce)
    return loss


@d.value("p")
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@d.value("lse")
def logsumexp(z):
    return np.logaddexp.reduce(z, axis=1)


@d.value("bce")
def cross_entropy(u, y):
    return np.logaddexp(0, u) - u * y


@d.gradient("z")
def dz(p):
    return p - np.eye(3)[0]


@d.gradient("u")
def du(u, y):
    e = np.exp(-np.abs(u))
    return np.where(u > 0, 1 / (1 + e), e / (1 + e)) - y


def inputs(rng):
    return {
        "z": rng.normal(size=(4, 3)) * 2 + np.array([[900.0], [0.0], [-900.0], [3.0]]),
        "y": np.array([1.0, 0, 1, 0, 1]),
        "u": np.array([800.0, 0.3, -0.7, 1.2, -760.0]),
    }


# fmt: off
MISTAKES = [
    ("value of p|p", "np.exp(z - z.max(axis=1, keepdims=True))", "np.exp(z)", "numerical"),
    ("value of lse|lse", "np.logaddexp.reduce(z, axis=1)", "np.log(np.sum(np.exp(z), axis=1))", "numerical"),
    ("value of bce|bce", "np.logaddexp(0, u) - u * y", "np.log(1 + np.exp(u)) - u * y", "numerical"),
    ("value of bce|bce", "np.logaddexp(0, u) - u * y", "np.logaddexp(0, u) + u * y", "sign"),
    ("value of bce|bce", "np.logaddexp(0, u) - u * y", "np.logaddexp(0, u)", "missing-term"),
    ("u", "np.where(u > 0, 1 / (1 + e), e / (1 + e)) - y", "np.exp(u) / (1 + np.exp(u)) - y", "numerical"),
    ("u", "np.where(u > 0, 1 / (1 + e), e / (1 + e)) - y", "y - np.where(u > 0, 1 / (1 + e), e / (1 + e))", "sign"),
    ("u", "np.where(u > 0, 1 / (1 + e), e / (1 + e)) - y", "np.where(u > 0, 1 / (1 + e), e / (1 + e))", "missing-term"),
    ("z", "p - np.eye(3)[0]", "p - np.eye(3)[1]", "shifted-index|wrong-operand"),
    ("z", "p - np.eye(3)[0]", "p", "missing-term"),
    ("value of p|p", "np.exp(z - z.max(axis=1, keepdims=True))", "np.exp(z - z.max())", "numerical|axis"),
    ("value of p|p", "e.sum(axis=1, keepdims=True)", "e.sum(axis=0, keepdims=True)", "axis"),
    ("u", "np.where(u > 0, 1 / (1 + e), e / (1 + e)) - y", "np.array([0.1, 0.7, -0.3, 0.2, 0.9])", "unknown"),
]
RIGHT = [("p - np.eye(3)[0]", "p - np.array([1.0, 0, 0])")]
