"""Sample by sample, vectors as columns, nablas added up, as in an introductory book."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("sample by sample, quadratic cost")


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


@d.forward
def cost(xs, ys, w1, b1, w2, b2, lmbda):
    total = 0.0
    for x, y in zip(xs, ys, strict=True):
        a = sigmoid(w2 @ sigmoid(w1 @ x + b1) + b2)
        total = total + 0.5 * np.sum((a - y) ** 2)
    C = total / len(xs) + 0.5 * lmbda / len(xs) * (np.sum(w1**2) + np.sum(w2**2))
    return C


def backprop(x, y, w1, b1, w2, b2):
    z1 = np.dot(w1, x) + b1
    a1 = sigmoid(z1)
    z2 = np.dot(w2, a1) + b2
    a2 = sigmoid(z2)
    err2 = (a2 - y) * sigmoid_prime(z2)
    err1 = np.dot(w2.T, err2) * sigmoid_prime(z1)
    return err1, np.dot(err1, x.T), err2, np.dot(err2, a1.T)


@d.backward(wrt=["b1", "w1", "b2", "w2"])
def batch(xs, ys, w1, b1, w2, b2, lmbda):
    nb1, nw1, nb2, nw2 = np.zeros(b1.shape), np.zeros(w1.shape), np.zeros(b2.shape), np.zeros(w2.shape)
    for x, y in zip(xs, ys, strict=True):
        e1, dw1, e2, dw2 = backprop(x, y, w1, b1, w2, b2)
        nb1, nw1, nb2, nw2 = nb1 + e1, nw1 + dw1, nb2 + e2, nw2 + dw2
    n = len(xs)
    return nb1 / n, nw1 / n + lmbda / n * w1, nb2 / n, nw2 / n + lmbda / n * w2


def inputs(rng):
    return {
        "xs": rng.normal(size=(5, 3, 1)),
        "ys": rng.uniform(size=(5, 3, 1)),
        "w1": rng.normal(size=(3, 3)),
        "b1": rng.normal(size=(3, 1)),
        "w2": rng.normal(size=(3, 3)),
        "b2": rng.normal(size=(3, 1)),
        "lmbda": 0.3,
    }


# fmt: off
MISTAKES = [
    ("b2|w2", "(a2 - y) * sigmoid_prime(z2)", "(a2 - y)", "missing-activation-derivative|wrong-loss"),
    ("b2|w2", "(a2 - y) * sigmoid_prime(z2)", "(a2 - y) * sigmoid_prime(a2)", "derivative-at-wrong-place"),
    ("b2|w2", "(a2 - y) * sigmoid_prime(z2)", "(y - a2) * sigmoid_prime(z2)", "sign"),
    ("b2|w2", "(a2 - y) * sigmoid_prime(z2)", "(a2 - y) * sigmoid_prime(z1)", "wrong-operand|shifted-index|derivative-at-wrong-place"),
    ("b1|w1", "np.dot(w2.T, err2) * sigmoid_prime(z1)", "np.dot(w2, err2) * sigmoid_prime(z1)", "transpose"),
    ("b1|w1", "np.dot(w2.T, err2) * sigmoid_prime(z1)", "np.dot(w2.T, err2)", "missing-activation-derivative"),
    ("b1|w1", "np.dot(w2.T, err2) * sigmoid_prime(z1)", "np.dot(w1.T, err2) * sigmoid_prime(z1)", "wrong-operand|shifted-index"),
    ("w2", "np.dot(err2, a1.T)", "np.dot(err2, z1.T)", "wrong-operand|missing-activation-derivative|derivative-at-wrong-place"),
    ("w1", "np.dot(err1, x.T)", "np.dot(x, err1.T)", "transpose"),
    ("w1", "np.dot(err1, x.T)", "np.dot(err1, a1.T)", "wrong-operand|shifted-index"),
    ("w1", "nb1 + e1, nw1 + dw1,", "nb1 + e1, dw1,", "missing-term"),
    ("b2", "nb2 + e2, nw2 + dw2", "nb2 + e1, nw2 + dw2", "wrong-operand"),
    ("w1", "nw1 / n + lmbda / n * w1", "nw1 / n", "regulariser"),
    ("w1", "nw1 / n + lmbda / n * w1", "nw1 / n + lmbda * w1", "regulariser"),
    ("w2", "nw2 / n + lmbda / n * w2", "nw2 / n - lmbda / n * w2", "sign|regulariser"),
    ("b1", "return nb1 / n,", "return nb1 / n + lmbda / n * b1,", "regulariser"),
    ("b1", "return nb1 / n,", "return nb1,", "scale"),
    ("b1", "return nb1 / n,", "return np.array([[0.5], [-0.25], [1.5]]),", "unknown"),
]
RIGHT = [("np.dot(err2, a1.T)", "np.outer(err2, a1)")]
