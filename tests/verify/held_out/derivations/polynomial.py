"""Polynomial regression of degree 3, every coefficient by its own formula."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("cubic fit")


@d.forward
def fit(x, y, a, b, c, e):
    yhat = a + b * x + c * x**2 + e * x**3
    r = yhat - y
    loss = np.sum(r**2) / (2 * len(x))
    return loss


d.gradient("a", lambda r: np.mean(r))
d.gradient("b", lambda r, x: np.mean(r * x))
d.gradient("c", lambda r, x: np.mean(r * x**2))
d.gradient("e", lambda r, x: np.mean(r * x**3))


def inputs(rng):
    x = rng.uniform(-2, 2, size=9)
    return {"x": x, "y": np.sin(2 * x) + 0.1 * rng.normal(size=9), "a": 0.2, "b": -0.4, "c": 0.3, "e": 0.5}


# fmt: off
MISTAKES = [
    ("a", "lambda r: np.mean(r)", "lambda r: -np.mean(r)", "sign"),
    ("a", "lambda r: np.mean(r)", "lambda r: 2 * np.mean(r)", "scale"),
    ("b", "np.mean(r * x)", "np.mean(r)", "missing-factor"),
    ("b", "np.mean(r * x)", "np.sum(r * x)", "scale|axis"),
    ("b", "lambda r, x: np.mean(r * x)", "lambda y, x: np.mean(y * x)", "wrong-operand"),
    ("c", "np.mean(r * x**2)", "np.mean(r * 2 * x)", "wrong-operand"),
    ("c", "np.mean(r * x**2)", "np.mean(r * x**3)", "shifted-index|wrong-operand"),
    ("e", "np.mean(r * x**3)", "np.mean(r * x**2)", "shifted-index|wrong-operand|missing-factor"),
    ("e", "np.mean(r * x**3)", "np.mean(3 * r * x**3)", "scale"),
    ("e", "np.mean(r * x**3)", "0.0", "missing-gradient"),
    ("b", "np.mean(r * x)", "np.mean(np.sign(r) * x)", "wrong-loss"),
    ("c", "np.mean(r * x**2)", "np.cos(r[0]) * 1.7 - x[3]", "unknown"),
]
RIGHT = [
    ("np.mean(r * x**3)", "r @ x**3 / x.size"),
    ("np.mean(r * x)", "(x * r).sum() / len(r)"),
]
