"""Factorization machine with the linear-time trick, logistic loss on labels -1 and 1."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("factorization machine")


@d.forward
def fm(X, y, w0, w, V):
    XV = X @ V
    inter = 0.5 * np.sum(XV**2 - X**2 @ V**2, axis=1)
    s = w0 + X @ w + inter
    loss = np.mean(np.log(1 + np.exp(-y * s)))
    return loss


@d.gradient("s")
def ds(y, s):
    return -y / (1 + np.exp(y * s)) / len(y)


@d.gradient("w0")
def dw0(ds):
    return ds.sum()


@d.gradient("w")
def dw(X, ds):
    return X.T @ ds


@d.gradient("V")
def dV(X, XV, V, ds):
    return X.T @ (ds[:, None] * XV) - V * (X.T**2 @ ds)[:, None]


def inputs(rng):
    return {
        "X": rng.normal(size=(7, 5)),
        "y": np.sign(rng.normal(size=7)),
        "w0": 0.1,
        "w": rng.normal(size=5),
        "V": 0.5 * rng.normal(size=(5, 3)),
    }


# fmt: off
MISTAKES = [
    ("V", " - V * (X.T**2 @ ds)[:, None]", "", "missing-term"),
    ("V", " - V * (X.T**2 @ ds)[:, None]", " + V * (X.T**2 @ ds)[:, None]", "sign"),
    ("V", "(X.T**2 @ ds)[:, None]", "(X.T @ ds)[:, None]", "missing-factor|wrong-operand"),
    ("V", "X.T @ (ds[:, None] * XV)", "X.T @ XV", "upstream-ignored"),
    ("V", "- V * (X.T**2 @ ds)[:, None]", "- 0.5 * V * (X.T**2 @ ds)[:, None]", "scale"),
    ("V", "X.T @ (ds[:, None] * XV) - V", "2 * X.T @ (ds[:, None] * XV) - V", "scale|double-count"),
    ("s", "-y / (1 + np.exp(y * s)) / len(y)", "-1 / (1 + np.exp(y * s)) / len(y)", "missing-factor"),
    ("s", "-y / (1 + np.exp(y * s)) / len(y)", "(s - y) / len(y)", "wrong-loss"),
    ("s", "-y / (1 + np.exp(y * s)) / len(y)", "-y * (y * s < 1) / len(y)", "wrong-loss"),
    ("w0", "ds.sum()", "ds", "broadcast"),
    ("w", "X.T @ ds", "np.sum(X.T * ds, axis=0)", "axis"),
    ("w", "X.T @ ds", "(X.T @ ds)[:, None]", "shape"),
    ("w", "X.T @ ds", "X * ds[:, None]", "broadcast|matmul-vs-elementwise"),
]
RIGHT = [("-y / (1 + np.exp(y * s)) / len(y)", "-y * (1 - 1 / (1 + np.exp(-y * s))) / y.size")]
