"""Binary cross entropy from logits in its stable form, one hidden layer of leaky ReLU."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("BCE from logits")


@d.forward
def stable_bce(x, y, A, a, c):
    pre = x @ A.T + a
    hid = np.where(pre > 0, pre, 0.1 * pre)
    logit = hid @ c
    loss = np.sum(np.logaddexp(0, logit) - y * logit)
    return loss


@d.gradient("logit")
def dlogit(logit, y):
    return 1 / (1 + np.exp(-logit)) - y


@d.gradient("c")
def dc(hid, dlogit):
    return hid.T @ dlogit


@d.gradient("pre")
def dpre(dlogit, c, pre):
    slope = np.where(pre > 0, 1.0, 0.1)
    return dlogit[:, None] * c * slope


@d.gradient("A")
def dA(dpre, x):
    return dpre.T @ x


@d.gradient("a")
def da(dpre):
    return dpre.sum(0)


def inputs(rng):
    return {
        "x": rng.normal(size=(10, 4)),
        "y": (rng.random(10) < 0.4).astype(float),
        "A": rng.normal(size=(6, 4)),
        "a": 0.3 * rng.normal(size=6),
        "c": rng.normal(size=6),
    }


# fmt: off
MISTAKES = [
    ("logit", "1 / (1 + np.exp(-logit)) - y", "logit - y", "missing-activation-derivative|wrong-loss"),
    ("logit", "1 / (1 + np.exp(-logit)) - y", "1 / (1 + np.exp(-logit))", "missing-term"),
    ("logit", "1 / (1 + np.exp(-logit)) - y", "1 / (1 + np.exp(logit)) - y", "sign"),
    ("logit", "1 / (1 + np.exp(-logit)) - y", "1 / (1 + np.exp(-logit)) + y", "sign"),
    ("pre", "np.where(pre > 0, 1.0, 0.1)", "np.where(pre > 0, 1.0, 0.0)", "surrogate-derivative"),
    ("pre", "np.where(pre > 0, 1.0, 0.1)", "np.where(pre > 0, 0.1, 1.0)", "wrong-mask"),
    ("pre", "np.where(pre > 0, 1.0, 0.1)", "np.where(pre > 0, 1.0, -0.1)", "sign"),
    ("pre", "np.where(pre > 0, 1.0, 0.1)", "np.where(pre > 0, 1.0, 0.01)", "scale|surrogate-derivative"),
    ("pre", "dlogit[:, None] * c * slope", "dlogit[:, None] * c", "missing-activation-derivative"),
    ("pre", "dlogit[:, None] * c * slope", "dlogit[:, None] * slope", "missing-factor"),
    ("pre", "dlogit[:, None] * c * slope", "c * slope", "upstream-ignored"),
    ("A", "dpre.T @ x", "(x.T @ dpre)", "transpose"),
    ("a", "dpre.sum(0)", "dpre.sum(1)[:6]", "axis"),
    ("a", "dpre.sum(0)", "dpre.sum()", "axis"),
    ("c", "hid.T @ dlogit", "hid.T @ (dlogit * np.random.default_rng(5).normal(size=10))", "unknown"),
]
RIGHT = [("1 / (1 + np.exp(-logit)) - y", "(1 + np.tanh(logit / 2)) / 2 - y")]
