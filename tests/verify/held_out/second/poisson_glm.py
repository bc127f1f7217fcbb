"""Poisson regression with an offset: exposure, ridge, a formula with indices."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("Poisson regression with exposure")


@d.forward
def nll(X, y, t, beta, a, lam):
    eta = X @ beta + a
    rate = t * np.exp(eta)
    nll = np.mean(rate - y * np.log(rate)) + lam * beta @ beta / 2
    return nll


@d.gradient("rate")
def drate(rate, y):
    return (1 - y / rate) / len(y)


@d.gradient("eta")
def deta(rate, y):
    return (rate - y) / len(y)


@d.gradient("beta")
def dbeta(X, deta, beta, lam):
    return X.T @ deta + lam * beta


@d.gradient("a")
def da(deta):
    return deta.sum()


@d.gradient("t")
def dt(drate, eta):
    return drate * np.exp(eta)


@d.gradient("X[n, j]")
def entry(n, j, deta, beta):
    return deta[n] * beta[j]


def inputs(rng):
    return {
        "X": rng.normal(size=(5, 5)),
        "y": np.array([0.0, 2, 1, 4, 1]),
        "t": rng.uniform(0.5, 2, size=5),
        "beta": rng.normal(size=5) * 0.4,
        "a": 0.3,
        "lam": 0.15,
    }


# fmt: off
MISTAKES = [
    ("rate", "(1 - y / rate) / len(y)", "(1 + y / rate) / len(y)", "sign"),
    ("rate", "(1 - y / rate) / len(y)", "-y / rate / len(y)", "missing-term"),
    ("rate", "(1 - y / rate) / len(y)", "(1 - y / rate**2) / len(y)", "missing-factor|double-count|wrong-operand|extra-activation-derivative"),
    ("eta", "return (rate - y) / len(y)", "return rate - y", "scale"),
    ("eta", "return (rate - y) / len(y)", "return (1 - y / rate) / len(y)", "missing-activation-derivative|missing-factor"),
    ("eta", "def deta(rate, y):\n    return (rate - y) / len(y)", "def deta(eta, y):\n    return (eta - y) / len(y)", "wrong-loss|wrong-operand|derivative-at-wrong-place"),
    ("eta", "def deta(rate, y):\n    return (rate - y) / len(y)", "def deta(eta, y):\n    return (np.exp(eta) - y) / len(y)", "missing-factor|wrong-operand"),
    ("eta", "return (rate - y) / len(y)", "return (rate - y) * rate / len(y)", "extra-activation-derivative|wrong-loss"),
    ("beta", "X.T @ deta + lam * beta", "X @ deta + lam * beta", "transpose"),
    ("beta", "X.T @ deta + lam * beta", "X.T @ deta - lam * beta", "sign|regulariser"),
    ("beta", "X.T @ deta + lam * beta", "X.T @ deta + lam * beta / len(deta)", "regulariser"),
    ("beta", "X.T @ deta + lam * beta", "X.T @ deta + lam / 2 * beta", "regulariser"),
    ("a", "deta.sum()", "deta", "broadcast"),
    ("a", "deta.sum()", "deta.mean()", "scale|axis"),
    ("t", "drate * np.exp(eta)", "drate", "missing-factor|missing-activation-derivative"),
    ("t", "drate * np.exp(eta)", "drate * eta", "derivative-at-wrong-place|wrong-operand|missing-activation-derivative|surrogate-derivative"),
    ("X[n, j]", "deta[n] * beta[j]", "deta[j] * beta[n]", "transpose|shifted-index"),
    ("X[n, j]", "deta[n] * beta[j]", "deta[n] * beta[n]", "wrong-operand|shifted-index|transpose"),
    ("beta", "X.T @ deta + lam * beta", "np.sin(40 * beta + 1)", "unknown"),
]
RIGHT = [("drate * np.exp(eta)", "drate * np.exp(eta) / 1.0 + 0 * eta")]
