"""A one-dimensional convolution, loops over positions, relu and mean."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("conv1d")


@d.forward
def conv(x, k, b, c):
    n = x.size - k.size + 1
    y = sum(k[j] * x[j : j + n] for j in range(k.size)) + b
    a = np.maximum(y, 0)
    loss = np.sum(c * a**2)
    return loss


@d.gradient("y")
def dy(c, a, y):
    return 2 * c * a * (y > 0)


@d.gradient("k")
def dk(x, k, dy):
    n = dy.size
    return np.array([np.sum(dy * x[j : j + n]) for j in range(k.size)])


@d.gradient("x")
def dx(x, k, dy):
    g = np.zeros_like(x)
    for i in range(dy.size):
        g[i : i + k.size] += dy[i] * k
    return g


@d.gradient("b")
def db(dy):
    return np.sum(dy)


def inputs(rng):
    return {"x": rng.normal(size=9), "k": rng.normal(size=3), "b": 0.2, "c": rng.normal(size=7)}


# fmt: off
MISTAKES = [
    ("k", "np.sum(dy * x[j : j + n]) for j", "np.sum(dy[::-1] * x[j : j + n]) for j", "shifted-index|transpose|wrong-operand"),
    ("k", "np.sum(dy * x[j : j + n]) for j", "np.sum(dy * x[2 - j : 2 - j + n]) for j", "shifted-index|transpose"),
    ("k", "np.sum(dy * x[j : j + n]) for j", "np.sum(dy * x[:n]) for j", "shifted-index"),
    ("x", "g[i : i + k.size] += dy[i] * k", "g[i : i + k.size] = dy[i] * k", "missing-term"),
    ("x", "g[i : i + k.size] += dy[i] * k", "g[i : i + k.size] += dy[i] * k[::-1]", "shifted-index|transpose"),
    ("x", "g[i : i + k.size] += dy[i] * k", "g[i : i + k.size] += k", "upstream-ignored"),
    ("b", "np.sum(dy)", "np.mean(dy)", "scale|axis"),
    ("b", "np.sum(dy)", "dy", "broadcast"),
    ("b", "np.sum(dy)", "dy[0]", "missing-term|axis"),
    ("y", "2 * c * a * (y > 0)", "2 * c * a * y", "missing-activation-derivative|surrogate-derivative|wrong-mask"),
    ("y", "2 * c * a * (y > 0)", "c * a * (y > 0)", "scale"),
    ("y", "2 * c * a * (y > 0)", "2 * a * (y > 0)", "missing-factor"),
    ("k", "np.sum(dy * x[j : j + n]) for j", "np.random.default_rng(20 + j).normal() for j", "unknown"),
    ("k", "np.array([np.sum(dy * x[j : j + n]) for j in range(k.size)])", "np.array([[np.sum(dy * x[j : j + n])] for j in range(k.size)])", "shape"),
]
RIGHT = [("2 * c * a * (y > 0)", "2 * c * a"), ("np.array([np.sum(dy * x[j : j + n]) for j in range(k.size)])", "np.correlate(x, dy, 'valid')")]
