"""Logistic regression for labels -1 and 1 with an elastic net; the intercept is not penalised."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("elastic net")


@d.forward
def objective(X, y, beta, beta0, l1, l2):
    eta = X @ beta + beta0
    loss = np.mean(np.log(1 + np.exp(-y * eta))) + l1 * np.sum(np.abs(beta)) + 0.5 * l2 * np.sum(beta**2)
    return loss


d.gradient("eta", lambda y, eta: -y / (1 + np.exp(y * eta)) / len(y), name="u")
d.gradient("beta", lambda X, u, beta, l1, l2: X.T @ u + l1 * np.sign(beta) + l2 * beta)
d.gradient("beta0", lambda u: u.sum())


def inputs(rng):
    return {
        "X": rng.normal(size=(8, 5)),
        "y": np.sign(rng.normal(size=8)),
        "beta": rng.normal(size=5),
        "beta0": -0.4,
        "l1": 0.2,
        "l2": 0.5,
    }


# fmt: off
MISTAKES = [
    ("beta", " + l1 * np.sign(beta)", "", "regulariser"),
    ("beta", " + l2 * beta", "", "regulariser"),
    ("beta", "l1 * np.sign(beta)", "l1 * np.abs(beta)", "regulariser"),
    ("beta", "l1 * np.sign(beta)", "l1", "regulariser"),
    ("beta", "+ l2 * beta", "+ 2 * l2 * beta", "regulariser"),
    ("beta", "l1 * np.sign(beta) + l2 * beta", "l2 * np.sign(beta) + l1 * beta", "regulariser|wrong-operand"),
    ("beta0", "u.sum()", "u.sum() - 0.4 * 0.5", "regulariser"),
    ("beta0", "lambda u: u.sum()", "lambda u: u.mean()", "scale|axis"),
    ("eta", "-y / (1 + np.exp(y * eta)) / len(y)", "-y / (1 + np.exp(-y * eta)) / len(y)", "sign"),
    ("eta", "-y / (1 + np.exp(y * eta)) / len(y)", "-y / (1 + np.exp(y * eta))", "scale"),
    ("eta", "-y / (1 + np.exp(y * eta)) / len(y)", "(1 / (1 + np.exp(-eta)) - y) / len(y)", "wrong-loss"),
    ("eta", "-y / (1 + np.exp(y * eta)) / len(y)", "-1 / (1 + np.exp(y * eta)) / len(y)", "missing-factor"),
]
RIGHT = [("X.T @ u + l1 * np.sign(beta) + l2 * beta", "l1 * beta / np.abs(beta) + (u @ X) + l2 * beta")]
