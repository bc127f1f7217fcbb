"""Bag of words: embeddings summed, a linear classifier with class weights, softmax."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("bag of embeddings, class weights")


@d.forward
def forward(idx, y, cw, E, V):
    n = len(y)
    words = E[idx]
    h = words.mean(axis=1)
    z = h @ V
    q = np.exp(z - z.max(axis=1, keepdims=True))
    p = q / q.sum(axis=1, keepdims=True)
    loss = -np.sum(cw[y] * np.log(p[np.arange(n), y])) / np.sum(cw[y])
    return loss


@d.gradient("z")
def dz(p, y, cw, n):
    onehot = np.eye(p.shape[1])[y]
    return (p - onehot) * cw[y][:, None] / np.sum(cw[y])


@d.gradient("V")
def dV(h, dz):
    return h.T @ dz


@d.gradient("h")
def dh(dz, V):
    return dz @ V.T


@d.gradient("E")
def dE(E, idx, dh):
    out = np.zeros_like(E)
    for row in range(idx.shape[0]):
        for w in idx[row]:
            out[w] += dh[row] / idx.shape[1]
    return out


def inputs(rng):
    return {
        "idx": np.array([[0, 1, 1, 4], [2, 0, 5, 5], [3, 3, 1, 2]]),
        "y": np.array([1, 0, 2]),
        "cw": np.array([1.0, 2.5, 0.4]),
        "E": rng.normal(size=(6, 3)),
        "V": rng.normal(size=(3, 3)),
    }


# fmt: off
MISTAKES = [
    ("z", "(p - onehot) * cw[y][:, None] / np.sum(cw[y])", "(p - onehot) / np.sum(cw[y])", "missing-factor"),
    ("z", "(p - onehot) * cw[y][:, None] / np.sum(cw[y])", "(p - onehot) * cw[y][:, None] / n", "scale"),
    ("z", "(p - onehot) * cw[y][:, None] / np.sum(cw[y])", "(p - onehot) * cw / np.sum(cw[y])", "wrong-operand|axis|broadcast|shifted-index|missing-factor"),
    ("z", "(p - onehot) * cw[y][:, None] / np.sum(cw[y])", "(onehot - p) * cw[y][:, None] / np.sum(cw[y])", "sign"),
    ("z", "(p - onehot) * cw[y][:, None] / np.sum(cw[y])", "(p - onehot) * p * (1 - p) * cw[y][:, None] / np.sum(cw[y])", "extra-activation-derivative"),
    ("V", "return h.T @ dz", "return h @ dz", "transpose"),
    ("V", "return h.T @ dz", "return h.T * dz", "matmul-vs-elementwise"),
    ("V", "return h.T @ dz", "return np.zeros((3, 3))", "missing-gradient"),
    ("h", "return dz @ V.T", "return dz @ V", "transpose"),
    ("E", "dh[row] / idx.shape[1]", "dh[row]", "scale"),
    ("E", "out[w] += dh", "out[w] = dh", "missing-term|double-count"),
    ("E", "out[w] += dh", "out[w - 1] += dh", "shifted-index"),
    ("E", "out[w] += dh", "out[w] -= dh", "sign"),
    ("E", "idx.shape[1]\n", "idx.shape[0]\n", "scale"),
    ("E", "    return out\n", "    return np.random.default_rng(12).normal(size=E.shape)\n", "unknown"),
]
RIGHT = [("    for row in range(idx.shape[0]):\n        for w in idx[row]:\n            out[w] += dh[row] / idx.shape[1]\n", "    np.add.at(out, idx, (dh / idx.shape[1])[:, None, :])\n")]
