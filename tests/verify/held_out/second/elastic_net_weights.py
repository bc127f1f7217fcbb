"""Logistic regression, labels in {-1, 1}, sample weights, elastic net; formulas with indices."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("weighted logistic regression, elastic net")


@d.forward
def objective(X, y, w, b, sw, l1, l2):
    margin = y * (X @ w + b)
    ell = np.log(1 + np.exp(-margin))
    obj = np.sum(sw * ell) / np.sum(sw) + l1 * np.sum(np.abs(w)) + l2 * np.sum(w**2) / 2
    return obj


@d.gradient("margin")
def dmargin(margin, sw):
    return -sw / (1 + np.exp(margin)) / np.sum(sw)


@d.gradient("w")
def dw(X, y, dmargin, w, l1, l2):
    return X.T @ (y * dmargin) + l1 * np.sign(w) + l2 * w


@d.gradient("b")
def db(y, dmargin):
    return np.dot(y, dmargin)


@d.gradient("sw")
def dsw(ell, sw):
    return ell / np.sum(sw) - np.sum(sw * ell) / np.sum(sw) ** 2


@d.gradient("l1")
def dl1(w):
    return np.sum(np.abs(w))


@d.gradient("w[j]")
def dwj(j, X, y, dmargin, w, l1, l2):
    total = 0.0
    for i in range(len(y)):
        total += dmargin[i] * y[i] * X[i, j]
    return total + l1 * np.sign(w[j]) + l2 * w[j]


def inputs(rng):
    return {
        "X": rng.normal(size=(4, 4)),
        "y": np.array([1.0, -1, -1, 1]),
        "w": rng.normal(size=4),
        "b": 0.2,
        "sw": rng.uniform(0.5, 2, size=4),
        "l1": 0.3,
        "l2": 0.2,
    }


# fmt: off
MISTAKES = [
    ("margin", "-sw / (1 + np.exp(margin)) / np.sum(sw)", "sw / (1 + np.exp(margin)) / np.sum(sw)", "sign"),
    ("margin", "-sw / (1 + np.exp(margin)) / np.sum(sw)", "-sw / (1 + np.exp(-margin)) / np.sum(sw)", "sign|wrong-operand|surrogate-derivative"),
    ("margin", "-sw / (1 + np.exp(margin)) / np.sum(sw)", "-sw / (1 + np.exp(margin))", "scale|missing-factor"),
    ("margin", "-sw / (1 + np.exp(margin)) / np.sum(sw)", "-1 / (1 + np.exp(margin)) / np.sum(sw)", "missing-factor"),
    ("margin", "-sw / (1 + np.exp(margin)) / np.sum(sw)", "-sw * (margin < 1) / np.sum(sw)", "wrong-loss|surrogate-derivative"),
    ("w", "X.T @ (y * dmargin) + l1", "X.T @ dmargin + l1", "missing-factor"),
    ("w", "X.T @ (y * dmargin) + l1", "X @ (y * dmargin) + l1", "transpose"),
    ("w", "+ l1 * np.sign(w) + l2 * w\n", "+ l1 * w + l2 * w\n", "regulariser|missing-activation-derivative|wrong-operand"),
    ("w", "+ l1 * np.sign(w) + l2 * w\n", "+ l1 * np.sign(w) + 2 * l2 * w\n", "regulariser"),
    ("w", "+ l1 * np.sign(w) + l2 * w\n", "+ l2 * w\n", "regulariser"),
    ("w", "+ l1 * np.sign(w) + l2 * w\n", "+ l1 + l2 * w\n", "regulariser|missing-factor|missing-activation-derivative"),
    ("b", "np.dot(y, dmargin)", "np.sum(dmargin)", "missing-factor"),
    ("b", "np.dot(y, dmargin)", "y * dmargin", "broadcast|matmul-vs-elementwise"),
    ("sw", " - np.sum(sw * ell) / np.sum(sw) ** 2", "", "missing-term"),
    ("sw", "np.sum(sw * ell) / np.sum(sw) ** 2", "np.sum(sw * ell) / np.sum(sw)", "missing-factor|scale"),
    ("w[j]", "X[i, j]", "X[j, i]", "transpose|shifted-index"),
    ("w[j]", "for i in range(len(y))", "for i in range(len(y) - 1)", "shifted-index|missing-term"),
    ("w[j]", "total += dmargin[i] * y[i] * X[i, j]", "total = dmargin[i] * y[i] * X[i, j]", "missing-term"),
    ("w[j]", "l1 * np.sign(w[j]) + l2 * w[j]", "l1 * np.sign(w[j]) + l2 * w[j - 1]", "shifted-index"),
    ("sw", "return ell / np.sum(sw) - np.sum(sw * ell) / np.sum(sw) ** 2", "return np.sin(3 * ell + 1)", "unknown"),
]
RIGHT = [("ell / np.sum(sw) - np.sum(sw * ell) / np.sum(sw) ** 2", "(ell - np.average(ell, weights=sw)) / np.sum(sw)")]
