"""Multi-head attention, heads as an axis, everything by einsum."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("multi-head attention by einsum")


@d.forward
def mha(X, Wq, Wk, Wv, Wo, T):
    scale = 1 / np.sqrt(Wq.shape[2])
    q = np.einsum("ni,hik->hnk", X, Wq)
    k = np.einsum("ni,hik->hnk", X, Wk)
    v = np.einsum("ni,hik->hnk", X, Wv)
    s = np.einsum("hnk,hmk->hnm", q, k) * scale
    e = np.exp(s - s.max(axis=2, keepdims=True))
    p = e / e.sum(axis=2, keepdims=True)
    c = np.einsum("hnm,hmk->hnk", p, v)
    o = np.einsum("hnk,hki->ni", c, Wo)
    loss = 0.5 * np.sum((o - T) ** 2)
    return loss


@d.gradient("o")
def do(o, T):
    return o - T


@d.gradient("c")
def dc(do, Wo):
    return np.einsum("ni,hki->hnk", do, Wo)


@d.gradient("Wo")
def dWo(c, do):
    return np.einsum("hnk,ni->hki", c, do)


@d.gradient("v")
def dv(p, dc):
    return np.einsum("hnm,hnk->hmk", p, dc)


@d.gradient("p")
def dp(dc, v):
    return np.einsum("hnk,hmk->hnm", dc, v)


@d.gradient("s")
def ds(p, dp):
    return p * (dp - np.sum(p * dp, axis=2, keepdims=True))


@d.gradient("q")
def dq(ds, k, scale):
    return scale * np.einsum("hnm,hmk->hnk", ds, k)


@d.gradient("k")
def dk(ds, p, q, scale):
    return scale * np.einsum("hnm,hnk->hmk", ds, q)


@d.gradient("X")
def dX(dq, dk, dv, Wq, Wk, Wv):
    return sum(np.einsum("hnk,hik->ni", g, W) for g, W in ((dq, Wq), (dk, Wk), (dv, Wv)))


def inputs(rng):
    h, n, i, k = 2, 4, 4, 4
    return {
        "X": rng.normal(size=(n, i)),
        "Wq": rng.normal(size=(h, i, k)) * 0.5,
        "Wk": rng.normal(size=(h, i, k)) * 0.5,
        "Wv": rng.normal(size=(h, i, k)) * 0.5,
        "Wo": rng.normal(size=(h, k, i)) * 0.5,
        "T": rng.normal(size=(n, i)),
    }


# fmt: off
MISTAKES = [
    ("o", "return o - T", "return 2 * (o - T)", "scale"),
    ("c", "\"ni,hki->hnk\", do, Wo", "\"ni,hik->hnk\", do, Wo", "transpose"),
    ("Wo", "\"hnk,ni->hki\", c, do", "\"hnk,ni->hik\", c, do", "transpose"),
    ("v", "\"hnm,hnk->hmk\", p, dc", "\"hnm,hmk->hnk\", p, dc", "transpose"),
    ("v", "\"hnm,hnk->hmk\", p, dc", "\"hnm,hnk->hmk\", np.ones_like(p), dc", "missing-factor"),
    ("p", "def dp(dc, v):\n    return np.einsum(\"hnk,hmk->hnm\", dc, v)", "def dp(dc, k):\n    return np.einsum(\"hnk,hmk->hnm\", dc, k)", "wrong-operand"),
    ("s", "p * (dp - np.sum(p * dp, axis=2, keepdims=True))", "p * (1 - p) * dp", "softmax-diagonal"),
    ("s", "p * (dp - np.sum(p * dp, axis=2, keepdims=True))", "p * (dp - np.sum(p * dp, axis=1, keepdims=True))", "axis"),
    ("s", "p * (dp - np.sum(p * dp, axis=2, keepdims=True))", "p * (dp - np.mean(p * dp, axis=2, keepdims=True))", "scale|axis"),
    ("s", "p * (dp - np.sum(p * dp, axis=2, keepdims=True))", "dp - np.sum(p * dp, axis=2, keepdims=True)", "missing-factor"),
    ("q", "def dq(ds, k, scale):\n    return scale * np", "def dq(ds, k, scale):\n    return np", "scale|missing-factor"),
    ("k", "\"hnm,hnk->hmk\", ds, q", "\"hnm,hmk->hnk\", ds, q", "transpose"),
    ("k", "\"hnm,hnk->hmk\", ds, q", "\"hnm,hnk->hmk\", p, q", "wrong-operand|upstream-ignored"),
    ("X", "((dq, Wq), (dk, Wk), (dv, Wv))", "((dq, Wq), (dk, Wk))", "missing-term"),
    ("X", "((dq, Wq), (dk, Wk), (dv, Wv))", "((dq, Wk), (dk, Wq), (dv, Wv))", "wrong-operand"),
    ("X", "((dq, Wq), (dk, Wk), (dv, Wv))", "((dq, Wq), (dk, Wk), (dv, Wv), (dv, Wv))", "double-count"),
    ("Wo", "return np.einsum(\"hnk,ni->hki\", c, do)", "return np.random.default_rng(23).normal(size=(2, 4, 4))", "unknown"),
]
RIGHT = [("np.einsum(\"hnk,hmk->hnm\", dc, v)", "dc @ np.swapaxes(v, 1, 2)")]
