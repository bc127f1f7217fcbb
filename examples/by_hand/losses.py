"""Cross entropy from logits, embedding, cosine similarity, triplet and hinge loss."""

import numpy as np
from study import Mistake, Study, show

rng = np.random.default_rng(4)


def cross_entropy(ids, labels, E, W, b):
    x = E[ids]
    h = np.mean(x, axis=1)
    logits = h @ W + b
    shifted = logits - logits.max(axis=1, keepdims=True)
    logprobs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -np.mean(logprobs[np.arange(len(labels)), labels])
    return loss


def cross_entropy_backward(ids, labels, E, W, h, x, logprobs):
    n, words = ids.shape
    dlogits = np.exp(logprobs)
    dlogits[np.arange(n), labels] -= 1
    dlogits = dlogits / n
    dW = h.T @ dlogits
    db = dlogits.sum(axis=0)
    dh = dlogits @ W.T
    dx = np.repeat(dh[:, None], words, axis=1) / words
    dE = np.zeros_like(E)
    np.add.at(dE, ids, dx)
    return {"dlogits": dlogits, "dW": dW, "db": db, "dh": dh, "dx": dx, "dE": dE}


def cosine(u, v, target):
    nu = np.sqrt(np.sum(u**2, axis=1))
    nv = np.sqrt(np.sum(v**2, axis=1))
    dot = np.sum(u * v, axis=1)
    sim = dot / (nu * nv)
    loss = 0.5 * np.sum((sim - target) ** 2)
    return loss


def cosine_backward(u, v, nu, nv, sim, target):
    dsim = sim - target
    du = dsim[:, None] * (v / (nu * nv)[:, None] - sim[:, None] * u / (nu**2)[:, None])
    dv = dsim[:, None] * (u / (nu * nv)[:, None] - sim[:, None] * v / (nv**2)[:, None])
    return {"dsim": dsim, "du": du, "dv": dv}


def triplet(a, p, n, margin):
    dp = np.sum((a - p) ** 2, axis=1)
    dn = np.sum((a - n) ** 2, axis=1)
    gap = dp - dn + margin
    loss = np.sum(np.maximum(gap, 0))
    return loss


def triplet_backward(a, p, n, gap):
    active = (gap > 0)[:, None].astype(float)
    grad_a = 2 * active * (n - p)
    grad_p = -2 * active * (a - p)
    grad_n = 2 * active * (a - n)
    return {"grad_a": grad_a, "grad_p": grad_p, "grad_n": grad_n}


def hinge(X, y, w, b):
    scores = X @ w + b
    margins = 1 - y * scores
    loss = np.mean(np.maximum(margins, 0))
    return loss


def hinge_backward(X, y, w, margins):
    dscores = -y * (margins > 0) / len(y)
    dw = X.T @ dscores
    db = dscores.sum()
    return {"dscores": dscores, "dw": dw, "db": db}


words = {"ids": np.array([[0, 2, 2], [1, 4, 0], [3, 3, 1], [0, 1, 2]]), "labels": np.array([1, 0, 2, 1])}
words |= {"E": rng.normal(size=(5, 3)), "W": rng.normal(size=(3, 3)), "b": rng.normal(size=3)}
pair = {"u": rng.normal(size=(4, 3)), "v": rng.normal(size=(4, 3)), "target": rng.normal(size=4)}
three = {k: rng.normal(size=(5, 3)) for k in "apn"} | {"margin": 1.0}
machine = {"X": rng.normal(size=(6, 3)), "y": np.array([1.0, -1, 1, 1, -1, -1]), "w": rng.normal(size=3), "b": 0.2}

STUDIES = [
    Study("embedding, mean, cross entropy from logits", cross_entropy, cross_entropy_backward, words, [
        Mistake("1/n forgotten", "dlogits = dlogits / n", "dlogits = dlogits / 1", "dlogits", "scale"),
        Mistake("the label's 1 not subtracted", "dlogits[np.arange(n), labels] -= 1", "", "dlogits", "missing-term"),
        Mistake("an embedding used twice counted once", "np.add.at(dE, ids, dx)", "dE[ids] += dx", "dE", "missing-term"),
        Mistake("the mean of the words passed back as a sum", ", axis=1) / words", ", axis=1)", "dx", "scale"),
        Mistake("log probabilities for probabilities", "dlogits = np.exp(logprobs)", "dlogits = logprobs.copy()", "dlogits", "wrong-operand"),
    ]),
    Study("cosine similarity", cosine, cosine_backward, pair, [
        Mistake("the norm treated as a constant", " - sim[:, None] * u / (nu**2)[:, None]", "", "du", "missing-term"),
        Mistake("the norm instead of its square", "u / (nu**2)[:, None])", "u / nu[:, None])", "du", "missing-factor"),
        Mistake("the other vector's norm", "v / (nv**2)[:, None])", "v / (nu**2)[:, None])", "dv", "wrong-operand"),
    ]),
    Study("triplet loss", triplet, triplet_backward, three, [
        Mistake("the margin ignored: every triplet counts", "(gap > 0)[:, None].astype(float)", "np.ones_like(gap)[:, None]", "grad_a", "wrong-mask"),
        Mistake("the factor 2 of the squares", "grad_p = -2 * active", "grad_p = -active", "grad_p", "scale"),
        Mistake("the negative's sign", "grad_n = 2 * active", "grad_n = -2 * active", "grad_n", "sign"),
        Mistake("the anchor gets nothing from the negative", "grad_a = 2 * active * (n - p)", "grad_a = 2 * active * (a - p)", "grad_a", "wrong-operand"),
    ]),
    Study("hinge loss", hinge, hinge_backward, machine, [
        Mistake("the margin ignored", "-y * (margins > 0) / len(y)", "-y / len(y)", "dscores", "missing-activation-derivative"),
        Mistake("the margin inverted", "(margins > 0)", "(margins < 0)", "dscores", "wrong-mask"),
        Mistake("the label forgotten", "dscores = -y * (", "dscores = -1.0 * (", "dscores", "missing-factor"),
    ]),
]  # fmt: skip

if __name__ == "__main__":
    show(*STUDIES)
