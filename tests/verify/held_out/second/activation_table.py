"""Claimed derivatives of activations, at the input or at the output."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("a table of activations")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softplus(z):
    return np.log(1 + np.exp(z))


def silu(z):
    return z / (1 + np.exp(-z))


def elu(z):
    return np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1)


def softsign(z):
    return z / (1 + np.abs(z))


def gelu(z):
    return z / (1 + np.exp(-1.702 * z))


def leaky(z):
    return np.where(z > 0, z, 0.2 * z)


@d.forward
def f(x):
    loss = np.sum(sigmoid(x) * silu(x))
    return loss


d.derivative(sigmoid, lambda a: a * (1 - a), at="output")
d.derivative(np.tanh, lambda z: 1 / np.cosh(z) ** 2)
d.derivative(softplus, lambda z: 1 / (1 + np.exp(-z)))
d.derivative(silu, lambda z: sigmoid(z) * (1 + z * (1 - sigmoid(z))))
d.derivative(elu, lambda a: np.where(a > 0, 1, a + 1), at="output")
d.derivative(softsign, lambda z: (1 + np.abs(z)) ** -2.0)
d.derivative(gelu, lambda z: sigmoid(1.702 * z) + 1.702 * z * sigmoid(1.702 * z) * (1 - sigmoid(1.702 * z)))
d.derivative(leaky, lambda z: np.where(z > 0, 1, 0.2))


@d.gradient("x")
def dx(x):
    s = sigmoid(x)
    return s * (1 - s) * silu(x) + s * (s + x * s * (1 - s))


def inputs(rng):
    return {"x": rng.normal(size=9)}


# fmt: off
MISTAKES = [
    ("derivative of sigmoid|sigmoid", "lambda a: a * (1 - a)", "lambda a: sigmoid(a) * (1 - sigmoid(a))", "derivative-at-wrong-place"),
    ("derivative of sigmoid|sigmoid", "lambda a: a * (1 - a)", "lambda a: 1 - a**2", "surrogate-derivative"),
    ("derivative of tanh|tanh", "1 / np.cosh(z) ** 2", "1 - z**2", "derivative-at-wrong-place"),
    ("derivative of tanh|tanh", "1 / np.cosh(z) ** 2", "-1 / np.cosh(z) ** 2", "sign"),
    ("derivative of tanh|tanh", "1 / np.cosh(z) ** 2", "sigmoid(z) * (1 - sigmoid(z))", "surrogate-derivative"),
    ("derivative of softplus|softplus", "lambda z: 1 / (1 + np.exp(-z))", "lambda z: 1 / (1 + np.exp(z))", "sign|wrong-operand|surrogate-derivative"),
    ("derivative of softplus|softplus", "lambda z: 1 / (1 + np.exp(-z))", "lambda z: 1.0 * (z > 0)", "surrogate-derivative"),
    ("derivative of silu|silu", "sigmoid(z) * (1 + z * (1 - sigmoid(z)))", "sigmoid(z) * (1 - sigmoid(z))", "surrogate-derivative|missing-term"),
    ("derivative of silu|silu", "sigmoid(z) * (1 + z * (1 - sigmoid(z)))", "sigmoid(z)", "missing-term|surrogate-derivative"),
    ("derivative of elu|elu", "np.where(a > 0, 1, a + 1)", "np.where(a > 0, 1, np.exp(a))", "derivative-at-wrong-place"),
    ("derivative of elu|elu", "np.where(a > 0, 1, a + 1)", "np.where(a > 0, 1, a)", "missing-term|surrogate-derivative"),
    ("derivative of softsign|softsign", "(1 + np.abs(z)) ** -2.0", "(1 + np.abs(z)) ** -1.0", "missing-factor|missing-term"),
    ("derivative of gelu|gelu", "+ 1.702 * z * sigmoid(1.702 * z) * (1", "+ z * sigmoid(1.702 * z) * (1", "scale|missing-factor"),
    ("derivative of leaky|leaky", "np.where(z > 0, 1, 0.2)", "np.where(z > 0, 1, 0)", "surrogate-derivative|wrong-mask"),
    ("derivative of leaky|leaky", "np.where(z > 0, 1, 0.2)", "np.where(z > 0, 0.2, 1)", "wrong-mask"),
    ("derivative of leaky|leaky", "np.where(z > 0, 1, 0.2)", "np.where(z > 0, z, 0.2 * z)", "missing-activation-derivative|surrogate-derivative|derivative-at-wrong-place"),
    ("x", "s * (1 - s) * silu(x) + s * (s + x * s * (1 - s))", "s * (s + x * s * (1 - s))", "missing-term"),
    ("x", "s * (1 - s) * silu(x) + s * (s + x * s * (1 - s))", "s * (1 - s) * (s + x * s * (1 - s))", "missing-term|wrong-operand|unknown"),
    ("x", "s * (1 - s) * silu(x) + s * (s + x * s * (1 - s))", "np.sin(9 * x) + 0.4", "unknown"),
]
RIGHT = [("lambda a: a * (1 - a)", "lambda a: a - a**2"), ("1 / np.cosh(z) ** 2", "1 - np.tanh(z) ** 2")]
