"""Batch normalisation in training mode, every step of the way back."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("batch norm, step by step")


@d.forward
def forward(x, gamma, beta, target):
    N = x.shape[0]
    mu = np.sum(x, axis=0) / N
    xc = x - mu
    var = np.mean(xc**2, axis=0)
    std = np.sqrt(var + 1e-5)
    xhat = xc / std
    out = gamma * xhat + beta
    loss = np.sum((out - target) ** 2 * np.cos(out))
    return loss


@d.gradient("out")
def dout(out, target):
    return 2 * (out - target) * np.cos(out) - (out - target) ** 2 * np.sin(out)


@d.gradient("gamma")
def dgamma(dout, xhat):
    return np.sum(dout * xhat, axis=0)


@d.gradient("beta")
def dbeta(dout):
    return np.sum(dout, axis=0)


@d.gradient("xhat")
def dxhat(dout, gamma):
    return dout * gamma


@d.gradient("var")
def dvar(dxhat, xc, std):
    return np.sum(dxhat * xc, axis=0) * -0.5 / std**3


@d.gradient("xc")
def dxc(dxhat, std, dvar, xc, N):
    return dxhat / std + dvar * 2 * xc / N


@d.gradient("x")
def dx(dxc, N):
    return dxc - np.sum(dxc, axis=0) / N


def inputs(rng):
    return {
        "x": rng.normal(size=(6, 3)) * 2 + 1,
        "gamma": rng.normal(size=3),
        "beta": rng.normal(size=3),
        "target": rng.normal(size=(6, 3)),
    }


# fmt: off
MISTAKES = [
    ("out", "- (out - target) ** 2 * np.sin(out)", "+ (out - target) ** 2 * np.sin(out)", "sign"),
    ("out", " - (out - target) ** 2 * np.sin(out)", "", "missing-term"),
    ("gamma", "def dgamma(dout, xhat):\n    return np.sum(dout * xhat, axis=0)", "def dgamma(dout, xc):\n    return np.sum(dout * xc, axis=0)", "wrong-operand|missing-factor"),
    ("gamma", "np.sum(dout * xhat, axis=0)", "np.sum(dout, axis=0)", "missing-factor|wrong-operand"),
    ("beta", "return np.sum(dout, axis=0)", "return np.mean(dout, axis=0)", "scale|axis"),
    ("beta", "return np.sum(dout, axis=0)", "return np.sum(dout, axis=0, keepdims=True)", "shape|broadcast"),
    ("beta", "return np.sum(dout, axis=0)", "return dout", "broadcast"),
    ("xhat", "return dout * gamma", "return dout", "missing-factor"),
    ("var", "* -0.5 / std**3", "* -0.5 / std", "missing-factor|wrong-operand"),
    ("var", "* -0.5 / std**3", "* 0.5 / std**3", "sign"),
    ("var", "* -0.5 / std**3", "* -1 / std**3", "scale"),
    ("xc", "dxhat / std + dvar * 2 * xc / N", "dxhat / std", "missing-term"),
    ("xc", "dxhat / std + dvar * 2 * xc / N", "dxhat / std + dvar * 2 * xc", "scale"),
    ("xc", "dxhat / std + dvar * 2 * xc / N", "dxhat / std + 2 * dvar / N", "missing-factor"),
    ("x", "return dxc - np.sum(dxc, axis=0) / N", "return dxc", "missing-term"),
    ("x", "np.sum(dxc, axis=0) / N", "np.sum(dxc, axis=1, keepdims=True) / N", "axis"),
    ("x", "return dxc - np.sum(dxc, axis=0) / N", "return np.sin(7 * dxc + 0.3)", "unknown"),
]
RIGHT = [
    ("return dxc - np.sum(dxc, axis=0) / N", "return dxc - dxc.mean(axis=0)"),
    ("* -0.5 / std**3", "/ (-2 * std**3)"),
]
