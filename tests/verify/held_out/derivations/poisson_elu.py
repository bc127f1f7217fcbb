"""Poisson regression on ELU features."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("Poisson counts")


@d.forward
def counts(X, k, W, v):
    z = X @ W
    h = np.where(z > 0, z, np.exp(z) - 1)
    eta = h @ v
    rate = np.exp(eta)
    loss = np.mean(rate - k * eta)
    return loss


d.gradient("eta", lambda rate, k: (rate - k) / k.size, name="deta")
d.gradient("v", lambda h, deta: h.T @ deta)
d.gradient("z", lambda deta, v, z, h: np.outer(deta, v) * np.where(z > 0, 1, h + 1), name="dz")
d.gradient("W", lambda X, dz: X.T @ dz)


def inputs(rng):
    return {
        "X": rng.normal(size=(9, 3)),
        "k": rng.poisson(2.0, size=9).astype(float),
        "W": rng.normal(size=(3, 4)),
        "v": 0.4 * rng.normal(size=4),
    }


# fmt: off
MISTAKES = [
    ("eta", "lambda rate, k: (rate - k) / k.size", "lambda eta, k: (eta - k) / k.size", "wrong-operand|wrong-loss|missing-activation-derivative"),
    ("eta", "(rate - k) / k.size", "(1 - k / rate) / k.size", "missing-factor|missing-activation-derivative"),
    ("eta", "(rate - k) / k.size", "(rate - k) * rate / k.size", "extra-activation-derivative"),
    ("eta", "(rate - k) / k.size", "rate / k.size", "missing-term"),
    ("z", "np.where(z > 0, 1, h + 1)", "np.where(z > 0, 1, h)", "missing-term|surrogate-derivative"),
    ("z", "np.where(z > 0, 1, h + 1)", "(z > 0)", "surrogate-derivative"),
    ("z", "np.where(z > 0, 1, h + 1)", "np.where(z > 0, 1, np.exp(h))", "derivative-at-wrong-place"),
    ("z", "np.where(z > 0, 1, h + 1)", "np.where(z < 0, 1, h + 1)", "wrong-mask"),
    ("z", "np.outer(deta, v) * np.where(z > 0, 1, h + 1)", "v * np.where(z > 0, 1, h + 1)", "upstream-ignored"),
    ("v", "h.T @ deta", "h.T @ deta * 0", "missing-gradient"),
]
RIGHT = [("np.where(z > 0, 1, h + 1)", "np.exp(np.minimum(z, 0))")]
