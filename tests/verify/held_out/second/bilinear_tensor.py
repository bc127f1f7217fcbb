"""A bilinear layer y_k = x^T W_k z + b_k by einsum, cosine embedding loss on top."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("bilinear tensor layer, cosine loss")


@d.forward
def forward(x, z, W, b, t):
    y = np.einsum("ni,kij,nj->nk", x, W, z) + b
    dot = np.sum(y * t, axis=1)
    ny = np.sqrt(np.sum(y**2, axis=1))
    nt = np.sqrt(np.sum(t**2, axis=1))
    cos = dot / (ny * nt)
    loss = np.sum(1 - cos)
    return loss


@d.gradient("y")
def dy(y, t, ny, nt, cos):
    return -(t / (ny * nt)[:, None] - cos[:, None] * y / ny[:, None] ** 2)


@d.gradient("W")
def dW(x, z, dy):
    return np.einsum("nk,ni,nj->kij", dy, x, z)


@d.gradient("x")
def dx(dy, W, z):
    return np.einsum("nk,kij,nj->ni", dy, W, z)


@d.gradient("z")
def dz(dy, W, x):
    return np.einsum("nk,kij,ni->nj", dy, W, x)


@d.gradient("b")
def db(dy):
    return np.einsum("nk->k", dy)


@d.gradient("W[k, i, j]")
def entry(k, i, j, dy, x, z):
    return np.sum(dy[:, k] * x[:, i] * z[:, j])


@d.gradient("b[k]")
def last(k, dy):
    return sum(dy[n, k] for n in range(len(dy)))


def inputs(rng):
    return {
        "x": rng.normal(size=(4, 3)),
        "z": rng.normal(size=(4, 3)),
        "W": rng.normal(size=(2, 3, 3)),
        "b": rng.normal(size=2),
        "t": rng.normal(size=(4, 2)),
    }


# fmt: off
MISTAKES = [
    ("y", "-(t / (ny * nt)[:, None] - cos[:, None] * y / ny[:, None] ** 2)", "t / (ny * nt)[:, None] - cos[:, None] * y / ny[:, None] ** 2", "sign"),
    ("y", "-(t / (ny * nt)[:, None] - cos[:, None] * y / ny[:, None] ** 2)", "-t / (ny * nt)[:, None]", "missing-term"),
    ("y", "- cos[:, None] * y / ny[:, None] ** 2", "- cos[:, None] * y / ny[:, None]", "missing-factor"),
    ("y", "- cos[:, None] * y / ny[:, None] ** 2", "+ cos[:, None] * y / ny[:, None] ** 2", "sign"),
    ("y", "- cos[:, None] * y / ny[:, None] ** 2", "- cos[:, None] * t / ny[:, None] ** 2", "wrong-operand"),
    ("W", "\"nk,ni,nj->kij\", dy, x, z", "\"nk,nj,ni->kij\", dy, x, z", "transpose"),
    ("W", "\"nk,ni,nj->kij\", dy, x, z", "\"nk,ni,nj->kij\", dy, x, x", "wrong-operand"),
    ("x", "\"nk,kij,nj->ni\", dy, W, z", "\"nk,kji,nj->ni\", dy, W, z", "transpose"),
    ("x", "\"nk,kij,nj->ni\", dy, W, z", "\"nk,kij,nj->ni\", np.ones_like(dy), W, z", "upstream-ignored|missing-factor"),
    ("z", "\"nk,kij,ni->nj\", dy, W, x", "\"nk,kij,nj->ni\", dy, W, x", "transpose"),
    ("b", "np.einsum(\"nk->k\", dy)", "np.einsum(\"nk->k\", dy) / len(dy)", "scale|axis"),
    ("W[k, i, j]", "dy[:, k] * x[:, i] * z[:, j]", "dy[:, k] * x[:, j] * z[:, i]", "transpose|shifted-index"),
    ("W[k, i, j]", "dy[:, k] * x[:, i] * z[:, j]", "dy[:, k] * x[:, i]", "missing-factor"),
    ("b[k]", "dy[n, k] for n in range(len(dy))", "dy[n, k] for n in range(1, len(dy))", "missing-term|shifted-index"),
    ("b[k]", "dy[n, k] for n in range(len(dy))", "dy[n, k - 1] for n in range(len(dy))", "shifted-index"),
    ("z", "np.einsum(\"nk,kij,ni->nj\", dy, W, x)", "np.random.default_rng(18).normal(size=(4, 3))", "unknown"),
]
RIGHT = [("np.einsum(\"nk,kij,nj->ni\", dy, W, z)", "sum(dy[:, [k]] * (z @ W[k].T) for k in range(W.shape[0]))")]
