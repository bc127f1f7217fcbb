"""Robust linear regression, Huber loss, with an intercept that is not penalised."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("Huber regression")


@d.forward
def objective(X, y, beta, b0, delta, alpha):
    n = len(y)
    res = y - X @ beta - b0
    small = np.abs(res) <= delta
    terms = np.where(small, 0.5 * res**2, delta * (np.abs(res) - 0.5 * delta))
    J = np.sum(terms) / n + alpha * np.sum(beta**2)
    return J


@d.gradient("res")
def psi(res, small, delta, n):
    return np.where(small, res, delta * np.sign(res)) / n


@d.gradient("beta")
def gbeta(X, psi, beta, alpha):
    return -X.T @ psi + 2 * alpha * beta


@d.gradient("b0")
def gb0(psi):
    return -np.sum(psi)


@d.gradient("X")
def gX(psi, beta):
    return -np.outer(psi, beta)


@d.gradient("beta[j]")
def entry(j, X, psi, beta, alpha):
    return -np.sum(X[:, j] * psi) + 2 * alpha * beta[j]


def inputs(rng):
    return {
        "X": rng.normal(size=(8, 3)),
        "y": rng.normal(size=8) * 3,
        "beta": rng.normal(size=3),
        "b0": 0.4,
        "delta": 1.3,
        "alpha": 0.2,
    }


# fmt: off
MISTAKES = [
    ("res", "np.where(small, res, delta * np.sign(res)) / n", "np.where(small, res, delta * np.sign(res))", "scale"),
    ("res", "np.where(small, res, delta * np.sign(res)) / n", "np.where(small, res, np.sign(res)) / n", "missing-factor|scale"),
    ("res", "np.where(small, res, delta * np.sign(res)) / n", "np.where(small, res, delta) / n", "missing-factor|sign"),
    ("res", "np.where(small, res, delta * np.sign(res)) / n", "res / n", "wrong-loss|wrong-mask"),
    ("res", "np.where(small, res, delta * np.sign(res)) / n", "np.sign(res) / n", "wrong-loss"),
    ("res", "np.where(small, res, delta * np.sign(res)) / n", "np.where(small, delta * np.sign(res), res) / n", "wrong-mask"),
    ("res", "np.where(small, res, delta * np.sign(res)) / n", "np.where(small, 2 * res, delta * np.sign(res)) / n", "scale|missing-factor"),
    ("res", "np.where(small, res, delta * np.sign(res)) / n", "np.where(res <= delta, res, delta * np.sign(res)) / n", "wrong-mask"),
    ("beta", "return -X.T @ psi + 2 * alpha * beta", "return X.T @ psi + 2 * alpha * beta", "sign"),
    ("beta", "return -X.T @ psi + 2 * alpha * beta", "return -X.T @ psi + alpha * beta", "regulariser"),
    ("beta", "return -X.T @ psi + 2 * alpha * beta", "return -X.T @ psi", "regulariser"),
    ("beta", "return -X.T @ psi + 2 * alpha * beta", "return -X.T @ psi + 2 * alpha * np.sign(beta)", "regulariser"),
    ("b0", "return -np.sum(psi)", "return -np.mean(psi)", "scale|axis"),
    ("b0", "def gb0(psi):\n    return -np.sum(psi)", "def gb0(psi, b0, alpha):\n    return -np.sum(psi) + 2 * alpha * b0", "regulariser"),
    ("X", "-np.outer(psi, beta)", "-psi[:, None]", "missing-factor|shape"),
    ("beta[j]", "-np.sum(X[:, j] * psi)", "-np.sum(X[:, j - 1] * psi)", "shifted-index"),
    ("beta[j]", "-np.sum(X[:, j] * psi)", "-np.sum(X[:, j]) * np.sum(psi)", "matmul-vs-elementwise|missing-factor|axis|broadcast|wrong-operand"),
    ("X", "-np.outer(psi, beta)", "np.random.default_rng(6).normal(size=(8, 3))", "unknown"),
]
RIGHT = [("np.where(small, res, delta * np.sign(res)) / n", "np.clip(res, -delta, delta) / n")]
