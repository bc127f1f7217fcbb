"""Adam on a logistic regression, the step as a formula."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("logistic regression, Adam step")


def sigmoid(score):
    return 1 / (1 + np.exp(-score))


@d.forward
def nll(X, y, w, pos_weight):
    z = X @ w
    p = sigmoid(z)
    loss = -np.mean(pos_weight * y * np.log(p) + (1 - y) * np.log(1 - p))
    return loss


@d.gradient("p")
def dp(p, y, pos_weight):
    return (-pos_weight * y / p + (1 - y) / (1 - p)) / len(y)


@d.gradient("z")
def dz(p, y, pos_weight):
    return ((1 - y) * p - pos_weight * y * (1 - p)) / len(y)


@d.gradient("w")
def dw(X, dz):
    return X.T @ dz


def rule(parameter, gradient, m, v, t):
    m1 = 0.9 * m + 0.1 * gradient
    v1 = 0.999 * v + 0.001 * gradient**2
    return parameter - 0.01 * (m1 / (1 - 0.9**t)) / (np.sqrt(v1 / (1 - 0.999**t)) + 1e-8)


@d.update("w", rule)
def adam(w, dw, m, v, t):
    m_new = 0.9 * m + (1 - 0.9) * dw
    v_new = 0.999 * v + (1 - 0.999) * dw * dw
    m_hat = m_new / (1 - 0.9**t)
    v_hat = v_new / (1 - 0.999**t)
    return w - 0.01 * m_hat / (np.sqrt(v_hat) + 1e-8)


def inputs(rng):
    return {
        "X": rng.normal(size=(7, 3)),
        "y": np.array([1.0, 0, 0, 1, 1, 0, 1]),
        "w": rng.normal(size=3),
        "pos_weight": 2.5,
        "m": rng.normal(size=3) * 0.1,
        "v": rng.uniform(0.001, 0.01, size=3),
        "t": 5,
    }


# fmt: off
MISTAKES = [
    ("p", "-pos_weight * y / p", "-y / p", "missing-factor|scale"),
    ("p", "-pos_weight * y / p + (1 - y) / (1 - p)", "-pos_weight * y / p - (1 - y) / (1 - p)", "sign"),
    ("p", "-pos_weight * y / p + (1 - y) / (1 - p)", "-pos_weight * y / p", "missing-term"),
    ("z", "((1 - y) * p - pos_weight * y * (1 - p))", "(p - y)", "missing-factor|wrong-loss|scale"),
    ("z", "((1 - y) * p - pos_weight * y * (1 - p))", "pos_weight * (p - y)", "scale|wrong-loss|missing-factor|extra-activation-derivative"),
    ("z", "def dz(p, y, pos_weight):\n    return ((1 - y) * p - pos_weight * y * (1 - p)) / len(y)", "def dz(dp, z):\n    return dp * sigmoid(sigmoid(z)) * (1 - sigmoid(sigmoid(z)))", "derivative-at-wrong-place"),
    ("z", "def dz(p, y, pos_weight):\n    return ((1 - y) * p - pos_weight * y * (1 - p)) / len(y)", "def dz(dp):\n    return dp", "missing-activation-derivative"),
    ("z", "def dz(p, y, pos_weight):\n    return ((1 - y) * p - pos_weight * y * (1 - p)) / len(y)", "def dz(dp, p):\n    return dp * p", "missing-activation-derivative|missing-factor"),
    ("update of w|w", "m_new = 0.9 * m + (1 - 0.9) * dw", "m_new = 0.9 * m + dw", "missing-factor|scale"),
    ("update of w|w", "v_new = 0.999 * v + (1 - 0.999) * dw * dw", "v_new = 0.999 * v + (1 - 0.999) * dw", "missing-factor|wrong-operand"),
    ("update of w|w", "m_hat = m_new / (1 - 0.9**t)", "m_hat = m_new", "missing-factor|scale"),
    ("update of w|w", "v_hat = v_new / (1 - 0.999**t)", "v_hat = v_new / (1 - 0.9**t)", "wrong-operand|scale"),
    ("update of w|w", "m_hat / (np.sqrt(v_hat)", "m_hat / (v_hat", "missing-factor|wrong-operand|missing-activation-derivative"),
    ("update of w|w", "return w - 0.01 * m_hat", "return w + 0.01 * m_hat", "sign"),
    ("update of w|w", "return w - 0.01 * m_hat", "return w - 0.01 * dw", "wrong-operand|stale-value"),
    ("update of w|w", "m_hat = m_new / (1 - 0.9**t)", "m_hat = m_new / (1 - 0.9 ** (t + 1))", "shifted-index|scale"),
    ("update of w|w", "m_hat = m_new / (1 - 0.9**t)", "m_hat = m / (1 - 0.9**t)", "stale-value|wrong-operand|missing-term"),
    ("w", "return X.T @ dz", "return np.array([3.1, -0.2, 0.77])", "unknown"),
]
RIGHT = [("((1 - y) * p - pos_weight * y * (1 - p))", "(p * (1 - y + pos_weight * y) - pos_weight * y)")]
