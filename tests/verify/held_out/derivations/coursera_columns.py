"""Examples in columns, a ReLU layer and a logistic output; the whole way back in one function, from a cache."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("two layers, examples in columns")


@d.forward
def forward(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2 @ A1 + b2
    A2 = 1 / (1 + np.exp(-Z2))
    cost = -(1 / m) * np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    return cost


@d.backward
def backward_propagation(cache):
    m = cache["X"].shape[1]
    A1, A2, W2 = cache["A1"], cache["A2"], cache["W2"]
    dZ2 = A2 - cache["Y"]
    dW2 = 1 / m * dZ2 @ A1.T
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * (cache["Z1"] > 0)
    dW1 = 1 / m * dZ1 @ cache["X"].T
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def inputs(rng):
    return {
        "X": rng.normal(size=(3, 8)),
        "Y": (rng.random((1, 8)) < 0.5) * 1.0,
        "W1": rng.normal(size=(4, 3)),
        "b1": 0.2 * rng.normal(size=(4, 1)),
        "W2": rng.normal(size=(1, 4)),
        "b2": np.full((1, 1), 0.1),
    }


# fmt: off
MISTAKES = [
    ("W2", "dW2 = 1 / m * dZ2 @ A1.T", "dW2 = dZ2 @ A1.T", "scale"),
    ("W2", "dW2 = 1 / m * dZ2 @ A1.T", "dW2 = 1 / m * dZ2 @ cache['Z1'].T", "wrong-operand"),
    ("b1", "db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)", "db1 = 1 / m * np.sum(dZ1, axis=1)", "shape"),
    ("b1", "db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)", "db1 = 1 / m * np.sum(dZ1, axis=0, keepdims=True)", "axis"),
    ("b1", "db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)", "db1 = 1 / m * np.sum(dZ1, keepdims=True)", "axis"),
    ("Z1|W1|b1", "dA1 * (cache[\"Z1\"] > 0)", "dA1 * (cache[\"Z1\"] < 0)", "wrong-mask"),
    ("Z1|W1|b1", "dA1 * (cache[\"Z1\"] > 0)", "dA1 * (dA1 > 0)", "wrong-mask"),
    ("Z1|W1|b1", "dA1 * (cache[\"Z1\"] > 0)", "dA1 * A1", "surrogate-derivative|missing-activation-derivative|derivative-at-wrong-place"),
    ("Z1|W1|b1", "dA1 * (cache[\"Z1\"] > 0)", "dA1", "missing-activation-derivative"),
    ("Z2|W2|b2|W1|b1", "dZ2 = A2 - cache[\"Y\"]", "dZ2 = (A2 - cache['Y']) * A2 * (1 - A2)", "extra-activation-derivative"),
    ("A1|Z1|W1|b1", "dA1 = W2.T @ dZ2", "W2 = W2 - 0.5 * dW2; dA1 = W2.T @ dZ2", "stale-value"),
    ("W1", "dW1 = 1 / m * dZ1 @ cache[\"X\"].T", "dW1 = 1 / m * dA1 @ cache['X'].T", "missing-activation-derivative"),
    ("b2", "db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)", "db2 = np.zeros_like(cache['b2'])", "missing-gradient"),
    ("W1", "dW1 = 1 / m * dZ1 @ cache[\"X\"].T", "dW1 = np.random.default_rng(12).normal(size=(4, 3))", "unknown"),
]
RIGHT = [
    ("dA1 * (cache[\"Z1\"] > 0)", "np.where(A1 > 0, dA1, 0)"),
    ("1 / m * dZ1 @ cache[\"X\"].T", "np.tensordot(dZ1, cache['X'], axes=(1, 1)) / m"),
]
