"""A backward pass that also updates, as in notebooks: the order of the lines matters."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("notebook with updates in the backward pass")


@d.forward
def forward(x, y, W1, W2, W3, lr):
    h1 = np.tanh(x @ W1)
    h2 = np.tanh(h1 @ W2)
    out = h2 @ W3
    loss = np.sum((out - y) ** 2)
    return loss


@d.backward
def step(x, y, W1, W2, W3, h1, h2, out, lr):
    grad_out = 2 * (out - y)
    grad_W3 = h2.T @ grad_out
    grad_h2 = grad_out @ W3.T
    W3 = W3 - lr * grad_W3
    grad_z2 = grad_h2 * (1 - h2**2)
    grad_W2 = h1.T @ grad_z2
    grad_h1 = grad_z2 @ W2.T
    W2 = W2 - lr * grad_W2
    grad_W1 = x.T @ (grad_h1 * (1 - h1**2))
    return {"W1": grad_W1, "W2": grad_W2, "W3": grad_W3, "h1": grad_h1, "h2": grad_h2}


def inputs(rng):
    return {
        "x": rng.normal(size=(6, 3)),
        "y": rng.normal(size=(6, 2)),
        "W1": rng.normal(size=(3, 4)),
        "W2": rng.normal(size=(4, 4)),
        "W3": rng.normal(size=(4, 2)),
        "lr": 0.05,
    }


# fmt: off
MISTAKES = [
    ("h2", "    grad_h2 = grad_out @ W3.T\n    W3 = W3 - lr * grad_W3\n", "    W3 = W3 - lr * grad_W3\n    grad_h2 = grad_out @ W3.T\n", "stale-value"),
    ("h1", "    grad_h1 = grad_z2 @ W2.T\n    W2 = W2 - lr * grad_W2\n", "    W2 = W2 - lr * grad_W2\n    grad_h1 = grad_z2 @ W2.T\n", "stale-value"),
    ("h1", "    grad_h1 = grad_z2 @ W2.T\n    W2 = W2 - lr * grad_W2\n", "    W2 = W2 + lr * grad_W2\n    grad_h1 = grad_z2 @ W2.T\n", "stale-value"),
    ("W1", "    grad_W1 = x.T", "    h1 = np.tanh(x @ (W1 - lr * (x.T @ (grad_h1 * (1 - h1**2)))))\n    grad_W1 = x.T", "stale-value"),
    ("W2", "    grad_W2 = h1.T @ grad_z2", "    h1 *= 1 - h1**2\n    grad_W2 = h1.T @ grad_z2", "stale-value|extra-activation-derivative"),
    ("W2|h1|W1", "    grad_z2 = grad_h2 * (1 - h2**2)", "    h2 -= lr * grad_h2\n    grad_z2 = grad_h2 * (1 - h2**2)", "stale-value"),
    ("W1", "x.T @ (grad_h1 * (1 - h1**2))", "(grad_h1 * (1 - h1**2)).T @ x", "transpose|shape"),
    ("W3", "h2.T @ grad_out", "h2.T @ (out - y)", "scale"),
    ("W1", "grad_h1 * (1 - h1**2)", "grad_h1 * (1 - h2**2)", "wrong-operand|derivative-at-wrong-place"),
    ("W1", "grad_h1 * (1 - h1**2)", "grad_h1", "missing-activation-derivative"),
]
RIGHT = [("grad_h2 * (1 - h2**2)", "(grad_out @ (W3 + lr * grad_W3).T) * (1 - h2**2)")]
