"""Bag of words: embeddings averaged over a sentence, then a logistic classifier."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("bag of embeddings")


@d.forward
def bow(tokens, y, E, w):
    vec = E[tokens]
    mean = vec.mean(axis=1)
    s = mean @ w
    p = 1 / (1 + np.exp(-s))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    return loss


@d.gradient("s")
def ds(p, y):
    return (p - y) / len(y)


@d.gradient("w")
def dw(mean, ds):
    return ds @ mean


@d.gradient("E")
def dE(tokens, E, ds, w):
    L = tokens.shape[1]
    out = np.zeros_like(E)
    for n, sentence in enumerate(tokens):
        for token in sentence:
            out[token] += ds[n] * w / L
    return out


def inputs(rng):
    return {
        "tokens": np.array([[0, 2, 2, 5], [1, 2, 3, 3], [5, 5, 5, 0]]),
        "y": np.array([1.0, 0.0, 1.0]),
        "E": rng.normal(size=(6, 5)),
        "w": rng.normal(size=5),
    }


# fmt: off
MISTAKES = [
    ("E", "out[token] += ds[n] * w / L", "out[token] = ds[n] * w / L", "missing-term"),
    ("E", "out[token] += ds[n] * w / L", "out[token] += ds[n] * w", "scale"),
    ("E", "out[token] += ds[n] * w / L", "out[token] += w / L", "upstream-ignored"),
    ("E", "out[token] += ds[n] * w / L", "out[token] += ds[n] / L", "missing-factor"),
    ("E", "out[token] += ds[n] * w / L", "out[token] -= ds[n] * w / L", "sign"),
    ("E", "out[token] += ds[n] * w / L", "out[token - 1] += ds[n] * w / L", "shifted-index"),
    ("E", "for token in sentence:", "for token in sentence[:-1]:", "missing-term|shifted-index"),
    ("E", "for token in sentence:", "for token in set(sentence):", "missing-term"),
    ("s", "(p - y) / len(y)", "(p - y) * p * (1 - p) / len(y)", "extra-activation-derivative"),
    ("w", "ds @ mean", "np.ones(3) @ mean", "upstream-ignored"),
]
RIGHT = [("    for n, sentence in enumerate(tokens):\n        for token in sentence:\n            out[token] += ds[n] * w / L\n", "    np.add.at(out, tokens, ds[:, None, None] * w / L)\n")]
