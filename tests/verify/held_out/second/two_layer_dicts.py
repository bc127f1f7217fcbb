"""A two-layer perceptron, columns are examples, caches and gradients in dicts."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("two layers, features by batch")


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


@d.forward
def forward(X, Y, W1, b1, W2, b2):
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2 @ A1 + b2
    A2 = sigmoid(Z2)
    m = X.shape[1]
    cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
    return cost


@d.backward(returns={"dW1": "W1", "db1": "b1", "dW2": "W2", "db2": "b2"})
def backward(X, Y, W1, W2, Z1, A1, Z2, A2, m):
    grads = {}
    dZ2 = (A2 - Y) / m
    grads["dW2"] = dZ2 @ A1.T
    grads["db2"] = np.sum(dZ2, axis=1, keepdims=True)
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * (Z1 > 0)
    grads["dW1"] = dZ1 @ X.T
    grads["db1"] = np.sum(dZ1, axis=1, keepdims=True)
    return grads


def inputs(rng):
    return {
        "X": rng.normal(size=(3, 5)),
        "Y": np.array([[0.0, 1, 1, 0, 1], [1, 0, 1, 0, 0]]),
        "W1": rng.normal(size=(5, 3)),
        "b1": rng.normal(size=(5, 1)),
        "W2": rng.normal(size=(2, 5)),
        "b2": rng.normal(size=(2, 1)),
    }


# fmt: off
MISTAKES = [
    ("Z2", "dZ2 = (A2 - Y) / m", "dZ2 = (Y - A2) / m", "sign"),
    ("Z2", "dZ2 = (A2 - Y) / m", "dZ2 = (A2 - Y) * A2 * (1 - A2) / m", "extra-activation-derivative|wrong-loss"),
    ("Z2", "dZ2 = (A2 - Y) / m", "dZ2 = A2 - Y", "scale"),
    ("Z2", "dZ2 = (A2 - Y) / m", "dZ2 = 2 * (A2 - Y) * A2 * (1 - A2) / m", "wrong-loss"),
    ("Z1", "dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1", "missing-activation-derivative"),
    ("Z1", "dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1 * sigmoid(Z1) * (1 - sigmoid(Z1))", "surrogate-derivative"),
    ("Z1", "dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1 * A1", "derivative-at-wrong-place|wrong-operand|surrogate-derivative"),
    ("Z1", "dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1 * (dA1 > 0)", "wrong-mask"),
    ("Z1", "dZ1 = dA1 * (Z1 > 0)", "dZ1 = dA1 * (Z1 < 0)", "wrong-mask"),
    ("W2", "dZ2 @ A1.T", "dZ2 @ Z1.T", "wrong-operand"),
    ("b1", "grads[\"db1\"] = np.sum(dZ1, axis=1, keepdims=True)", "grads[\"db1\"] = np.sum(dZ1, axis=1)", "shape|broadcast"),
    ("b2", "grads[\"db2\"] = np.sum(dZ2, axis=1, keepdims=True)", "grads[\"db2\"] = np.sum(dZ2, axis=0, keepdims=True)", "axis"),
    ("b2", "grads[\"db2\"] = np.sum(dZ2, axis=1, keepdims=True)", "grads[\"db2\"] = np.sum(dZ2)", "axis|shape|broadcast"),
    ("W1", "dZ1 @ X.T", "dZ1 @ X.T / m", "scale"),
    ("W1", "dZ1 @ X.T", "dZ2.T @ A2[:, :3] + np.cos(W1)", "unknown"),
    ("W1", "dZ1 @ X.T", "np.random.default_rng(8).uniform(-1, 1, size=W1.shape)", "unknown"),
]
RIGHT = [
    ("dZ1 = dA1 * (Z1 > 0)", "dZ1 = np.where(A1 > 0, dA1, 0.0)"),
    ("dA1 = W2.T @ dZ2", "dA1 = (dZ2.T @ W2).T"),
]
