"""RMS norm before a SwiGLU feed-forward layer with a residual connection."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("pre-norm SwiGLU block")


def sig(t):
    return 1 / (1 + np.exp(-t))


@d.forward
def block(x, w, Wg, Wu, Wd, R):
    ms = np.mean(x**2, axis=1, keepdims=True)
    r = np.sqrt(ms + 1e-6)
    n = x / r * w
    gate = n @ Wg
    up = n @ Wu
    act = gate * sig(gate)
    h = act * up
    out = x + h @ Wd
    loss = np.sum(out * R)
    return loss


@d.gradient("out")
def dout(R):
    return R


@d.gradient("h")
def dh(dout, Wd):
    return dout @ Wd.T


@d.gradient("Wd")
def dWd(h, dout):
    return h.T @ dout


@d.gradient("up")
def dup(dh, act):
    return dh * act


@d.gradient("gate")
def dgate(dh, up, gate):
    s = sig(gate)
    return dh * up * (s + gate * s * (1 - s))


@d.gradient("Wg")
def dWg(n, dgate):
    return n.T @ dgate


@d.gradient("Wu")
def dWu(n, dup):
    return n.T @ dup


@d.gradient("n")
def dn(dgate, dup, Wg, Wu):
    return dgate @ Wg.T + dup @ Wu.T


@d.gradient("w")
def dw(dn, x, r):
    return np.sum(dn * x / r, axis=0)


@d.gradient("x")
def dx(dn, dout, w, x, r):
    g = dn * w
    return dout + g / r - x * np.mean(g * x, axis=1, keepdims=True) / r**3


def inputs(rng):
    return {
        "x": rng.normal(size=(3, 4)),
        "w": rng.normal(size=4),
        "Wg": rng.normal(size=(4, 5)),
        "Wu": rng.normal(size=(4, 5)),
        "Wd": rng.normal(size=(5, 4)),
        "R": rng.normal(size=(3, 4)),
    }


# fmt: off
MISTAKES = [
    ("up", "return dh * act", "return dh", "missing-factor"),
    ("up", "def dup(dh, act):\n    return dh * act", "def dup(dh, gate):\n    return dh * gate", "wrong-operand|missing-factor"),
    ("gate", "dh * up * (s + gate * s * (1 - s))", "dh * up * s", "missing-term"),
    ("gate", "dh * up * (s + gate * s * (1 - s))", "dh * up * s * (1 - s)", "surrogate-derivative"),
    ("gate", "dh * up * (s + gate * s * (1 - s))", "dh * up", "missing-activation-derivative"),
    ("gate", "dh * up * (s + gate * s * (1 - s))", "dh * (s + gate * s * (1 - s))", "missing-factor"),
    ("gate", "dh * up * (s + gate * s * (1 - s))", "dh * up * (s + s * (1 - s))", "missing-factor|surrogate-derivative"),
    ("Wg", "def dWg(n, dgate):\n    return n.T @ dgate", "def dWg(x, dgate):\n    return x.T @ dgate", "wrong-operand"),
    ("n", "dgate @ Wg.T + dup @ Wu.T", "dgate @ Wg.T", "missing-term"),
    ("n", "dgate @ Wg.T + dup @ Wu.T", "dgate @ Wu.T + dup @ Wg.T", "wrong-operand"),
    ("w", "np.sum(dn * x / r, axis=0)", "np.sum(dn * x, axis=0)", "missing-factor"),
    ("x", "return dout + g / r", "return g / r", "missing-term"),
    ("x", "np.mean(g * x, axis=1, keepdims=True)", "np.sum(g * x, axis=1, keepdims=True)", "scale|axis"),
    ("x", "    g = dn * w\n", "    g = dn\n", "missing-factor"),
    ("x", "    return dout + g / r - x * np.mean(g * x, axis=1, keepdims=True) / r**3", "    return dout + g / r", "missing-term"),
    ("Wd", "return h.T @ dout", "return np.cos(np.arange(h.shape[1] * dout.shape[1])).reshape(h.shape[1], -1)", "unknown"),
]
RIGHT = [("(s + gate * s * (1 - s))", "s * (1 + gate * (1 - s))")]
