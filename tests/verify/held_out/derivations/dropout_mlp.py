"""Inverted dropout with the mask passed in; logistic units; half squared error."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("dropout")


@d.forward
def drop(x, t, W1, W2, mask, keep):
    z = x @ W1
    h = 1 / (1 + np.exp(-z))
    hd = h * mask / keep
    y = hd @ W2
    loss = 0.5 * np.sum((y - t) ** 2)
    return loss


@d.backward
def grads(cache):
    e = cache.y - cache.t
    dW2 = cache.hd.T @ e
    dhd = e @ cache.W2.T
    dh = dhd * cache.mask / cache.keep
    dz = dh * cache.h * (1 - cache.h)
    dW1 = cache.x.T @ dz
    return {"W1": dW1, "W2": dW2, "z": dz, "h": dh}


def inputs(rng):
    return {
        "x": rng.normal(size=(6, 4)),
        "t": rng.normal(size=(6, 2)),
        "W1": rng.normal(size=(4, 5)),
        "W2": rng.normal(size=(5, 2)),
        "mask": (rng.random((6, 5)) < 0.6) * 1.0,
        "keep": 0.6,
    }


# fmt: off
MISTAKES = [
    ("h", "dhd * cache.mask / cache.keep", "dhd / cache.keep", "wrong-mask"),
    ("h", "dhd * cache.mask / cache.keep", "dhd * cache.mask", "scale|missing-factor"),
    ("h", "dhd * cache.mask / cache.keep", "dhd * (1 - cache.mask) / cache.keep", "wrong-mask"),
    ("h", "dhd * cache.mask / cache.keep", "dhd * cache.mask * cache.keep", "scale"),
    ("h", "dhd * cache.mask / cache.keep", "dhd", "wrong-mask"),
    ("z", "dh * cache.h * (1 - cache.h)", "dh * cache.hd * (1 - cache.hd)", "derivative-at-wrong-place|wrong-operand"),
    ("z", "dh * cache.h * (1 - cache.h)", "dh * cache.z * (1 - cache.z)", "derivative-at-wrong-place"),
    ("z", "dh * cache.h * (1 - cache.h)", "dh * (1 - cache.h**2)", "surrogate-derivative"),
    ("z", "dh * cache.h * (1 - cache.h)", "dhd * cache.h * (1 - cache.h)", "wrong-mask"),
    ("z", "dh * cache.h * (1 - cache.h)", "dh * cache.h", "missing-factor"),
    ("W2", "cache.hd.T @ e", "cache.h.T @ e", "wrong-operand|wrong-mask"),
    ("W2", "cache.hd.T @ e", "(cache.h * cache.mask).T @ e", "scale|wrong-operand"),
    ("W1", "cache.x.T @ dz", "cache.x.T @ (dz * cache.h * (1 - cache.h))", "extra-activation-derivative"),
]
RIGHT = [("dh * cache.h * (1 - cache.h)", "dh * (cache.h - cache.h**2)")]
