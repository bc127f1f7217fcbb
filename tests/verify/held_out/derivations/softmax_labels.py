"""Softmax classifier with integer labels, as in course notes: probabilities, minus one at the label."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("softmax classifier with labels")


@d.forward
def classifier(X, labels, W, b, reg):
    N = X.shape[0]
    scores = X @ W + b
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    probs = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
    data_loss = -np.sum(np.log(probs[np.arange(N), labels])) / N
    reg_loss = 0.5 * reg * np.sum(W * W)
    loss = data_loss + reg_loss
    return loss


@d.backward
def backward(X, labels, probs, W, reg):
    N = X.shape[0]
    dscores = probs.copy()
    dscores[np.arange(N), labels] -= 1
    dscores /= N
    dW = X.T @ dscores
    db = np.sum(dscores, axis=0)
    dW += reg * W
    return {"scores": dscores, "W": dW, "b": db}


def inputs(rng):
    return {
        "X": rng.normal(size=(7, 5)),
        "labels": rng.integers(0, 4, size=7),
        "W": rng.normal(size=(5, 4)),
        "b": 0.1 * rng.normal(size=4),
        "reg": 0.25,
    }


# fmt: off
MISTAKES = [
    ("scores", "dscores[np.arange(N), labels] -= 1", "dscores[np.arange(N), labels] += 1", "sign"),
    ("scores", "    dscores[np.arange(N), labels] -= 1\n", "", "missing-term"),
    ("scores", "dscores[np.arange(N), labels] -= 1", "dscores[np.arange(N), (labels + 1) % 4] -= 1", "shifted-index"),
    ("scores", "dscores[np.arange(N), labels] -= 1", "dscores[:, labels] -= 1", "wrong-mask|broadcast|shifted-index"),
    ("scores", "    dscores /= N\n", "", "scale"),
    ("scores", "dscores /= N", "dscores /= N * 4", "scale"),
    ("W", "    dW += reg * W\n", "", "regulariser"),
    ("W", "dW += reg * W", "dW += 2 * reg * W", "regulariser"),
    ("W", "dW += reg * W", "dW = reg * W", "missing-term"),
    ("W", "dW += reg * W", "dW -= reg * W", "regulariser|sign"),
    ("b", "np.sum(dscores, axis=0)", "np.sum(dscores, axis=0) + reg * 0.1 * np.arange(4)", "unknown"),
    ("b", "np.sum(dscores, axis=0)", "np.sum(dscores, axis=1)", "axis"),
    ("b", "np.sum(dscores, axis=0)", "np.zeros(4)", "missing-gradient"),
]
RIGHT = [("dW = X.T @ dscores", "dW = sum(np.outer(X[n], dscores[n]) for n in range(N))")]
