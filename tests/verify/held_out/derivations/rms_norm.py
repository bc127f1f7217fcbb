"""Root mean square norm, from a language model's code."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("RMS norm")


@d.forward
def rms(x, g, V):
    ms = np.mean(x * x, axis=1, keepdims=True)
    r = 1 / np.sqrt(ms + 1e-6)
    o = x * r * g
    q = o @ V
    loss = np.sum(q**3) / 3
    return loss


@d.gradient("o")
def d_o(q, V):
    return q**2 @ V.T


@d.gradient("g")
def d_g(d_o, x, r):
    return np.einsum("nd,nd,n->d", d_o, x, r[:, 0])


@d.gradient("x")
def d_x(d_o, x, r, g):
    D = x.shape[1]
    u = d_o * g
    return r * u - x * r**3 / D * np.sum(u * x, axis=1, keepdims=True)


@d.gradient("V")
def d_V(o, q):
    return o.T @ q**2


def inputs(rng):
    return {"x": rng.normal(size=(4, 5)), "g": rng.uniform(0.5, 2, size=5), "V": 0.5 * rng.normal(size=(5, 3))}


# fmt: off
MISTAKES = [
    ("x", "r * u - x * r**3 / D * np.sum(u * x, axis=1, keepdims=True)", "r * u", "missing-term"),
    ("x", "x * r**3 / D * np.sum", "x * r**2 / D * np.sum", "missing-factor|shifted-index"),
    ("x", "x * r**3 / D * np.sum", "x * r**3 * np.sum", "scale"),
    ("x", "r * u - x", "r * u + x", "sign"),
    ("x", "np.sum(u * x, axis=1, keepdims=True)", "np.sum(u * x, axis=0, keepdims=True)", "axis"),
    ("x", "np.sum(u * x, axis=1, keepdims=True)", "u * x", "axis|matmul-vs-elementwise|softmax-diagonal"),
    ("x", "u = d_o * g", "u = d_o", "missing-factor"),
    ("g", "\"nd,nd,n->d\", d_o, x, r[:, 0]", "\"nd,nd->d\", d_o, x", "missing-factor"),
    ("o", "q**2 @ V.T", "q @ V.T", "missing-factor|wrong-loss"),
    ("o", "q**2 @ V.T", "3 * q**2 @ V.T", "scale"),
    ("V", "def d_V(o, q):\n    return o.T @ q**2", "def d_V(x, q):\n    return x.T @ q**2", "wrong-operand"),
    ("x", "r * u - x * r**3 / D * np.sum(u * x, axis=1, keepdims=True)", "np.random.default_rng(2).uniform(-1, 1, size=x.shape)", "unknown"),
]
RIGHT = [("r * u - x * r**3 / D * np.sum(u * x, axis=1, keepdims=True)", "r * (u - x * r**2 * np.mean(u * x, axis=1)[:, None])")]
