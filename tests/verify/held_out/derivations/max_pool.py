"""Max pooling over pairs and a softmax over the pooled scores, labels as one-hot rows."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("max pooling, softmax")


@d.forward
def pool(x, W, Y):
    s = x @ W
    m = s.reshape(s.shape[0], -1, 2).max(axis=2)
    p = np.exp(m) / np.exp(m).sum(axis=1, keepdims=True)
    loss = -np.mean(np.sum(Y * np.log(p), axis=1))
    return loss


@d.gradient("p")
def dp(Y, p):
    return -Y / p / len(Y)


@d.gradient("m")
def dm(dp, p):
    return p * (dp - (dp * p).sum(axis=1, keepdims=True))


@d.gradient("s")
def ds(dm, s, m):
    winners = s == np.repeat(m, 2, axis=1)
    return winners * np.repeat(dm, 2, axis=1)


@d.gradient("W")
def dW(x, ds):
    return x.T @ ds


def inputs(rng):
    return {"x": rng.normal(size=(5, 4)), "W": rng.normal(size=(4, 6)), "Y": np.eye(3)[rng.integers(0, 3, size=5)]}


# fmt: off
MISTAKES = [
    ("m", "p * (dp - (dp * p).sum(axis=1, keepdims=True))", "p * (1 - p) * dp", "softmax-diagonal"),
    ("m", "p * (dp - (dp * p).sum(axis=1, keepdims=True))", "p * dp", "softmax-diagonal|missing-term"),
    ("m", "p * (dp - (dp * p).sum(axis=1, keepdims=True))", "p * (dp - (dp * p).sum())", "axis"),
    ("m", "p * (dp - (dp * p).sum(axis=1, keepdims=True))", "p * (dp + (dp * p).sum(axis=1, keepdims=True))", "sign"),
    ("m", "p * (dp - (dp * p).sum(axis=1, keepdims=True))", "p * (dp - dp.sum(axis=1, keepdims=True))", "missing-factor"),
    ("s", "winners = s == np.repeat(m, 2, axis=1)", "winners = s != np.repeat(m, 2, axis=1)", "wrong-mask"),
    ("s", "winners * np.repeat(dm, 2, axis=1)", "np.repeat(dm, 2, axis=1)", "wrong-mask"),
    ("s", "winners * np.repeat(dm, 2, axis=1)", "np.repeat(dm, 2, axis=1) / 2", "wrong-mask"),
    ("s", "winners * np.repeat(dm, 2, axis=1)", "winners * np.tile(dm, 2)", "shifted-index|wrong-operand"),
    ("p", "-Y / p / len(Y)", "Y / p / len(Y)", "sign"),
    ("p", "-Y / p / len(Y)", "-Y / len(Y)", "missing-factor|missing-activation-derivative"),
    ("p", "-Y / p / len(Y)", "(p - Y) / len(Y)", "wrong-loss"),
    ("p", "-Y / p / len(Y)", "-Y * np.log(p) / len(Y)", "missing-activation-derivative|missing-factor"),
]
RIGHT = [("p * (dp - (dp * p).sum(axis=1, keepdims=True))", "np.stack([(np.diag(r) - np.outer(r, r)) @ g for r, g in zip(p, dp)])")]
