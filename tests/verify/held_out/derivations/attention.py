"""One causal attention head, from a minimal GPT."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("causal attention")


@d.forward
def head(x, Wq, Wk, Wv, R):
    T = x.shape[0]
    q = x @ Wq
    k = x @ Wk
    v = x @ Wv
    scale = 1 / np.sqrt(q.shape[1])
    scores = np.where(np.tril(np.ones((T, T))) > 0, q @ k.T * scale, -1e9)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    att = e / e.sum(axis=1, keepdims=True)
    out = att @ v
    loss = np.sum(out * R)
    return loss


@d.gradient("v")
def dv(att, R):
    return att.T @ R


@d.gradient("att")
def datt(R, v):
    return R @ v.T


@d.gradient("scores")
def dscores(datt, att):
    return att * (datt - np.sum(datt * att, axis=1, keepdims=True))


@d.gradient("q")
def dq(dscores, k, scale):
    return dscores @ k * scale


@d.gradient("k")
def dk(dscores, q, scale):
    return dscores.T @ q * scale


@d.gradient("x")
def dx(dq, dk, dv, Wq, Wk, Wv):
    return dq @ Wq.T + dk @ Wk.T + dv @ Wv.T


@d.gradient("Wq")
def dWq(x, dq):
    return x.T @ dq


def inputs(rng):
    return {
        "x": rng.normal(size=(4, 4)),
        "Wq": rng.normal(size=(4, 4)),
        "Wk": rng.normal(size=(4, 4)),
        "Wv": rng.normal(size=(4, 4)),
        "R": rng.normal(size=(4, 4)),
    }


# fmt: off
MISTAKES = [
    ("scores", "att * (datt - np.sum(datt * att, axis=1, keepdims=True))", "att * (1 - att) * datt", "softmax-diagonal"),
    ("scores", "att * (datt - np.sum(datt * att, axis=1, keepdims=True))", "att * datt", "softmax-diagonal|missing-term"),
    ("scores", "np.sum(datt * att, axis=1, keepdims=True)", "np.sum(datt * att, axis=0, keepdims=True)", "axis"),
    ("scores", "np.sum(datt * att, axis=1, keepdims=True)", "np.sum(datt, axis=1, keepdims=True)", "missing-factor"),
    ("scores", "att * (datt - np.sum(datt * att, axis=1, keepdims=True))", "datt - np.sum(datt * att, axis=1, keepdims=True)", "missing-factor"),
    ("q", "dscores @ k * scale", "dscores @ k", "scale|missing-factor"),
    ("q", "dscores @ k * scale", "dscores.T @ k * scale", "transpose"),
    ("q", "def dq(dscores, k, scale):\n    return dscores @ k", "def dq(dscores, q, scale):\n    return dscores @ q", "wrong-operand"),
    ("k", "dscores.T @ q * scale", "dscores @ q * scale", "transpose"),
    ("k", "dscores.T @ q * scale", "dscores.T @ q * scale**2", "scale"),
    ("v", "att.T @ R", "att @ R", "transpose"),
    ("att", "R @ v.T", "R @ v", "transpose"),
    ("x", " + dv @ Wv.T", "", "missing-term"),
    ("x", "dq @ Wq.T + dk @ Wk.T", "dq @ Wk.T + dk @ Wq.T", "wrong-operand"),
    ("x", "+ dv @ Wv.T", "+ 2 * dv @ Wv.T", "double-count|scale"),
    ("v", "att.T @ R", "att * R", "matmul-vs-elementwise"),
    ("q", "dscores @ k * scale", "dscores * k * scale", "matmul-vs-elementwise"),
    ("Wq", "x.T @ dq", "x.T @ np.exp(dq)", "unknown"),
]
RIGHT = [("dq @ Wq.T + dk @ Wk.T + dv @ Wv.T", "np.hstack([dq, dk, dv]) @ np.hstack([Wq, Wk, Wv]).T"), ("R @ v.T", "np.einsum('id,jd->ij', R, v)")]
