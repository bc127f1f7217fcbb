"""A student's two-layer network: tanh, softmax, mean cross entropy, one formula a line."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("tanh network with softmax")


@d.forward
def network(X, Y, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    a1 = np.tanh(z1)
    z2 = a1 @ W2 + b2
    e = np.exp(z2 - np.max(z2, axis=1, keepdims=True))
    probs = e / np.sum(e, axis=1, keepdims=True)
    loss = -np.sum(Y * np.log(probs)) / X.shape[0]
    return loss


@d.gradient("z2")
def delta2(probs, Y):
    return (probs - Y) / Y.shape[0]


@d.gradient("W2")
def dW2(a1, delta2):
    return a1.T @ delta2


@d.gradient("b2")
def db2(delta2):
    return np.sum(delta2, axis=0)


@d.gradient("a1")
def da1(delta2, W2):
    return delta2 @ W2.T


@d.gradient("z1")
def delta1(da1, a1):
    return da1 * (1 - a1**2)


@d.gradient("W1")
def dW1(X, delta1):
    return X.T @ delta1


@d.gradient("b1")
def db1(delta1):
    return delta1.sum(axis=0)


def inputs(rng):
    return {
        "X": rng.normal(size=(6, 5)),
        "Y": np.eye(3)[rng.integers(0, 3, size=6)],
        "W1": 0.5 * rng.normal(size=(5, 4)),
        "b1": 0.1 * rng.normal(size=4),
        "W2": rng.normal(size=(4, 3)),
        "b2": 0.1 * rng.normal(size=3),
    }


# fmt: off
MISTAKES = [
    ("z1", "da1 * (1 - a1**2)", "da1", "missing-activation-derivative"),
    ("z1", "da1 * (1 - a1**2)", "da1 * (1 - a1)", "surrogate-derivative|missing-factor"),
    ("z1", "da1 * (1 - a1**2)", "da1 * a1 * (1 - a1)", "surrogate-derivative"),
    ("z1", "da1 * (1 - a1**2)", "da1 * (1 - np.tanh(a1) ** 2)", "derivative-at-wrong-place"),
    ("z1", "da1 * (1 - a1**2)", "da1 * (1 + a1**2)", "sign"),
    ("z1", "da1 * (1 - a1**2)", "da1 * (1 - a1**2) ** 2", "extra-activation-derivative"),
    ("z2", "(probs - Y) / Y.shape[0]", "(Y - probs) / Y.shape[0]", "sign"),
    ("z2", "(probs - Y) / Y.shape[0]", "(probs - Y) / Y.shape[1]", "scale"),
    ("z2", "(probs - Y) / Y.shape[0]", "probs * (probs - Y) / Y.shape[0]", "extra-activation-derivative|missing-factor"),
    ("z2", "(probs - Y) / Y.shape[0]", "-Y / probs * probs * (1 - probs) / Y.shape[0]", "softmax-diagonal"),
    ("z2", "(probs - Y) / Y.shape[0]", "-Y / probs / Y.shape[0]", "missing-activation-derivative|softmax-diagonal"),
    ("W2", "def dW2(a1, delta2):\n    return a1.T @ delta2", "def dW2(z1, delta2):\n    return z1.T @ delta2", "wrong-operand"),
    ("b2", "np.sum(delta2, axis=0)", "np.sum(delta2, axis=1)", "axis"),
    ("b2", "np.sum(delta2, axis=0)", "np.mean(delta2, axis=0)", "scale|axis"),
    ("b1", "delta1.sum(axis=0)", "delta1.sum(axis=0, keepdims=True)", "shape|broadcast"),
    ("b1", "delta1.sum(axis=0)", "delta1", "broadcast"),
    ("W1", "X.T @ delta1", "delta1.T @ X", "transpose"),
    ("W1", "X.T @ delta1", "np.random.default_rng(11).normal(size=(5, 4))", "unknown"),
]
RIGHT = [
    ("da1 * (1 - a1**2)", "(1 + a1) * da1 * (1 - a1)"),
    ("delta2 @ W2.T", "(W2 @ delta2.T).T"),
    ("a1.T @ delta2", "np.einsum('nh,nk->hk', a1, delta2)"),
]
