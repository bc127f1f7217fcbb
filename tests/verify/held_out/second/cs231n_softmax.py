"""Softmax regression with integer labels and L2, as in an assignment."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("softmax regression, integer labels")


@d.forward
def softmax_loss(X, y, W, b, reg):
    N = X.shape[0]
    scores = X @ W + b
    expo = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    probs = expo / np.sum(expo, axis=1, keepdims=True)
    loss = -np.sum(np.log(probs[np.arange(N), y])) / N + 0.5 * reg * np.sum(W * W)
    return loss


@d.backward
def grads(X, y, W, b, reg, probs, N):
    dscores = probs.copy()
    dscores[np.arange(N), y] -= 1
    dscores /= N
    dW = X.T @ dscores
    dW += reg * W
    db = np.sum(dscores, axis=0)
    return {"W": dW, "b": db}


def inputs(rng):
    return {
        "X": rng.normal(size=(6, 4)),
        "y": np.array([0, 2, 1, 1, 0, 2]),
        "W": rng.normal(size=(4, 3)),
        "b": rng.normal(size=3),
        "reg": 0.3,
    }


# fmt: off
MISTAKES = [
    ("scores", "    dscores /= N\n", "", "scale"),
    ("scores", "y] -= 1", "y] += 1", "sign"),
    ("scores", "    dscores[np.arange(N), y] -= 1\n", "", "missing-term"),
    ("scores", "y] -= 1", "y - 1] -= 1", "shifted-index"),
    ("scores", "    dscores /= N\n", "    dscores /= len(b)\n", "scale"),
    ("W", "    dW += reg * W\n", "", "regulariser"),
    ("W", "dW += reg * W", "dW += 2 * reg * W", "regulariser"),
    ("W", "dW += reg * W", "dW -= reg * W", "sign|regulariser"),
    ("W", "dW += reg * W", "dW = reg * W", "missing-term"),
    ("b", "db = np.sum(dscores, axis=0)", "db = np.sum(dscores, axis=0) + reg * b", "regulariser"),
    ("b", "db = np.sum(dscores, axis=0)", "db = np.mean(dscores, axis=0)", "scale|axis"),
    ("b", "db = np.sum(dscores, axis=0)", "db = dscores", "broadcast"),
    ("W", "X.T @ dscores", "X.T @ probs", "wrong-operand"),
    ("W", "    dW += reg * W\n", "    dW = np.random.default_rng(1).normal(size=W.shape)\n", "unknown"),
]
RIGHT = [
    ("    dscores /= N\n    dW = X.T @ dscores\n", "    dscores = dscores / N\n    dW = np.einsum('ni,nk->ik', X, dscores)\n"),
    ("db = np.sum(dscores, axis=0)", "db = np.ones(N) @ dscores"),
]
