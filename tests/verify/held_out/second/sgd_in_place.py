"""One training step as people write it in a script: gradients, and the weights changed on the way."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("training step in place")


@d.forward
def forward(X, T, W1, b1, W2, b2, lr):
    Z1 = X @ W1 + b1
    A1 = Z1 / (1 + np.abs(Z1))
    Z2 = A1 @ W2 + b2
    Y = np.exp(Z2) / np.exp(Z2).sum(axis=1, keepdims=True)
    loss = -np.mean(np.sum(T * np.log(Y), axis=1))
    return loss


@d.backward
def train_step(X, T, W1, b1, W2, b2, Z1, A1, Y, lr):
    dZ2 = (Y - T) / len(X)
    dW2 = A1.T @ dZ2
    db2 = dZ2.sum(axis=0)
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 / (1 + np.abs(Z1)) ** 2
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    W2 -= lr * dW2
    b2 -= lr * db2
    W1 -= lr * dW1
    b1 -= lr * db1
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def inputs(rng):
    return {
        "X": rng.normal(size=(4, 4)),
        "T": np.eye(4)[[1, 0, 3, 2]],
        "W1": rng.normal(size=(4, 4)),
        "b1": rng.normal(size=4),
        "W2": rng.normal(size=(4, 4)),
        "b2": rng.normal(size=4),
        "lr": 0.5,
    }


# fmt: off
MISTAKES = [
    ("A1", "    dA1 = dZ2 @ W2.T\n", "    W2 = W2 - lr * dW2\n    dA1 = dZ2 @ W2.T\n", "stale-value"),
    ("A1", "    dA1 = dZ2 @ W2.T\n", "    W2 = W2 - lr * np.sign(dW2)\n    dA1 = dZ2 @ W2.T\n", "stale-value"),
    ("W2", "    dW2 = A1.T @ dZ2\n", "    A1 = A1 * 0.9\n    dW2 = A1.T @ dZ2\n", "stale-value|scale"),
    ("Z1", "    dZ1 = dA1 / (1 + np.abs(Z1)) ** 2\n", "    Z1 = X @ (W1 - lr * X.T @ dA1) + b1\n    dZ1 = dA1 / (1 + np.abs(Z1)) ** 2\n", "stale-value"),
    ("Z1", "dZ1 = dA1 / (1 + np.abs(Z1)) ** 2", "dZ1 = dA1 / (1 + np.abs(Z1))", "missing-factor"),
    ("Z1", "dZ1 = dA1 / (1 + np.abs(Z1)) ** 2", "dZ1 = dA1 * (1 - A1**2)", "surrogate-derivative"),
    ("Z1", "dZ1 = dA1 / (1 + np.abs(Z1)) ** 2", "dZ1 = dA1 / (1 + np.abs(A1)) ** 2", "derivative-at-wrong-place"),
    ("Z1", "dZ1 = dA1 / (1 + np.abs(Z1)) ** 2", "dZ1 = 1 / (1 + np.abs(Z1)) ** 2", "upstream-ignored"),
    ("A1", "dA1 = dZ2 @ W2.T", "dA1 = dZ2 * W2.T", "matmul-vs-elementwise"),
    ("A1", "dA1 = dZ2 @ W2.T", "dA1 = (dZ2 @ W2).T", "transpose"),
    ("A1", "dA1 = dZ2 @ W2.T", "dA1 = W2.T @ dZ2", "transpose|wrong-operand"),
    ("W1", "dW1 = X.T @ dZ1", "dW1 = X @ dZ1", "transpose"),
    ("W1", "dW1 = X.T @ dZ1", "dW1 = X.T * dZ1", "matmul-vs-elementwise"),
    ("W1", "dW1 = X.T @ dZ1", "dW1 = np.zeros_like(W1)", "missing-gradient"),
    ("Z2", "dZ2 = (Y - T) / len(X)", "dZ2 = Y * (1 - Y) * (Y - T) / len(X)", "extra-activation-derivative"),
    ("Z2", "dZ2 = (Y - T) / len(X)", "dZ2 = 2 * (Y - T) / len(X)", "scale"),
    ("b2", "db2 = dZ2.sum(axis=0)", "db2 = dZ2.sum(axis=1)", "axis"),
    ("W2", "\"W2\": dW2, ", "\"W2\": W2, ", "wrong-operand|stale-value"),
    ("b1", "db1 = dZ1.sum(axis=0)", "db1 = np.cos(b1 * 5)", "unknown"),
]
RIGHT = [("    dZ2 = (Y - T) / len(X)\n", "    dZ2 = (Y * T.sum(axis=1, keepdims=True) - T) / X.shape[0]\n")]
