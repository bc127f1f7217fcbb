"""A linear model with updates by hand: momentum for the weights, RMSprop for the bias, decay for both."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("momentum and RMSprop by hand")


@d.forward
def model(X, y, w, b):
    r = X @ w + b - y
    loss = np.mean(r**2)
    return loss


@d.gradient("w")
def gw(X, r):
    return 2 / len(r) * X.T @ r


@d.gradient("b")
def gb(r):
    return 2 * np.mean(r)


def momentum(parameter, gradient, mom, lr, mu, wd):
    v = mu * mom - lr * (gradient + wd * parameter)
    return parameter + v


def rmsprop(parameter, gradient, sq, lr):
    s = 0.9 * sq + 0.1 * gradient**2
    return parameter - lr * gradient / (np.sqrt(s) + 1e-8)


@d.update("w", momentum)
def step_w(w, gw, mom, lr, mu, wd):
    new = mu * mom - lr * (gw + wd * w)
    return w + new


@d.update("b", rmsprop)
def step_b(b, gb, sq, lr):
    cache = 0.9 * sq + (1 - 0.9) * gb**2
    return b - lr * gb / (np.sqrt(cache) + 1e-8)


def inputs(rng):
    return {
        "X": rng.normal(size=(6, 3)),
        "y": rng.normal(size=6),
        "w": rng.normal(size=3),
        "b": 0.3,
        "mom": rng.normal(size=3) * 0.2,
        "sq": 0.8,
        "lr": 0.05,
        "mu": 0.9,
        "wd": 0.01,
    }


# fmt: off
MISTAKES = [
    ("w", "2 / len(r) * X.T @ r", "X.T @ r / len(r)", "scale"),
    ("w", "2 / len(r) * X.T @ r", "2 * X.T @ r", "scale"),
    ("b", "return 2 * np.mean(r)", "return 2 * np.sum(r)", "scale|axis"),
    ("b", "return 2 * np.mean(r)", "return 2 * r", "broadcast|axis|scale"),
    ("b", "return 2 * np.mean(r)", "return 0.0", "missing-gradient"),
    ("update of w|w", "return w + new", "return w - new", "sign"),
    ("update of w|w", "new = mu * mom - lr * (gw + wd * w)", "new = mu * mom + lr * (gw + wd * w)", "sign"),
    ("update of w|w", "new = mu * mom - lr * (gw + wd * w)", "new = -lr * (gw + wd * w)", "missing-term|stale-value"),
    ("update of w|w", "new = mu * mom - lr * (gw + wd * w)", "new = mu * mom - lr * gw", "regulariser"),
    ("update of w|w", "new = mu * mom - lr * (gw + wd * w)", "new = mu * mom - lr * gw - wd * w", "regulariser|missing-factor|scale"),
    ("update of w|w", "new = mu * mom - lr * (gw + wd * w)", "new = mom - lr * (gw + wd * w)", "missing-factor|scale"),
    ("update of w|w", "new = mu * mom - lr * (gw + wd * w)", "new = mu * mom - gw - wd * w", "missing-factor|scale"),
    ("update of b|b", "cache = 0.9 * sq + (1 - 0.9) * gb**2", "cache = 0.9 * sq + (1 - 0.9) * gb", "missing-factor|wrong-operand"),
    ("update of b|b", "cache = 0.9 * sq + (1 - 0.9) * gb**2", "cache = sq", "stale-value|missing-term"),
    ("update of b|b", "(np.sqrt(cache) + 1e-8)", "(cache + 1e-8)", "missing-factor|wrong-operand|missing-activation-derivative"),
    ("update of b|b", "cache = 0.9 * sq + (1 - 0.9) * gb**2", "cache = 0.1 * sq + 0.9 * gb**2", "wrong-operand|scale"),
    ("update of w|w", "return w + new", "return np.array([0.2, -1.1, 0.7])", "unknown"),
]
RIGHT = [("    new = mu * mom - lr * (gw + wd * w)\n    return w + new", "    return (1 - lr * wd) * w + mu * mom - lr * gw")]
