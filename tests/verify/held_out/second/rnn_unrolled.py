"""A vanilla RNN unrolled for three steps, truncated nowhere."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("RNN, three steps")


@d.forward
def forward(xs, h0, Wx, Wh, b, Wy, ts):
    h1 = np.tanh(xs[0] @ Wx + h0 @ Wh + b)
    h2 = np.tanh(xs[1] @ Wx + h1 @ Wh + b)
    h3 = np.tanh(xs[2] @ Wx + h2 @ Wh + b)
    y1 = h1 @ Wy
    y2 = h2 @ Wy
    y3 = h3 @ Wy
    loss = 0.5 * (np.sum((y1 - ts[0]) ** 2) + np.sum((y2 - ts[1]) ** 2) + np.sum((y3 - ts[2]) ** 2))
    return loss


@d.backward
def bptt(xs, h0, Wx, Wh, Wy, ts, h1, h2, h3, y1, y2, y3):
    dy1, dy2, dy3 = y1 - ts[0], y2 - ts[1], y3 - ts[2]
    dWy = h1.T @ dy1 + h2.T @ dy2 + h3.T @ dy3
    dh3 = dy3 @ Wy.T
    da3 = dh3 * (1 - h3**2)
    dh2 = dy2 @ Wy.T + da3 @ Wh.T
    da2 = dh2 * (1 - h2**2)
    dh1 = dy1 @ Wy.T + da2 @ Wh.T
    da1 = dh1 * (1 - h1**2)
    dWh = h0.T @ da1 + h1.T @ da2 + h2.T @ da3
    dWx = xs[0].T @ da1 + xs[1].T @ da2 + xs[2].T @ da3
    db = da1.sum(0) + da2.sum(0) + da3.sum(0)
    return {"Wx": dWx, "Wh": dWh, "b": db, "Wy": dWy, "h1": dh1, "h2": dh2, "h3": dh3}


def inputs(rng):
    return {
        "xs": rng.normal(size=(3, 4, 3)),
        "h0": rng.normal(size=(4, 5)),
        "Wx": rng.normal(size=(3, 5)) * 0.5,
        "Wh": rng.normal(size=(5, 5)) * 0.4,
        "b": rng.normal(size=5) * 0.2,
        "Wy": rng.normal(size=(5, 2)),
        "ts": rng.normal(size=(3, 4, 2)),
    }


# fmt: off
MISTAKES = [
    ("h2", "dh2 = dy2 @ Wy.T + da3 @ Wh.T", "dh2 = dy2 @ Wy.T", "missing-term"),
    ("h2", "dh2 = dy2 @ Wy.T + da3 @ Wh.T", "dh2 = da3 @ Wh.T", "missing-term"),
    ("h2", "dh2 = dy2 @ Wy.T + da3 @ Wh.T", "dh2 = dy2 @ Wy.T + dh3 @ Wh.T", "missing-activation-derivative"),
    ("h2", "dh2 = dy2 @ Wy.T + da3 @ Wh.T", "dh2 = dy2 @ Wy.T + da3 @ Wh", "transpose"),
    ("h1", "dh1 = dy1 @ Wy.T + da2 @ Wh.T", "dh1 = dy1 @ Wy.T + da3 @ Wh.T", "shifted-index|wrong-operand"),
    ("h1", "dh1 = dy1 @ Wy.T + da2 @ Wh.T", "dh1 = dy1 @ Wy.T + 2 * da2 @ Wh.T", "double-count|scale"),
    ("Wh", "h0.T @ da1 + h1.T @ da2 + h2.T @ da3", "h1.T @ da1 + h2.T @ da2 + h3.T @ da3", "shifted-index"),
    ("Wh", "h0.T @ da1 + h1.T @ da2 + h2.T @ da3", "h1.T @ da2 + h2.T @ da3", "missing-term"),
    ("Wh", "h0.T @ da1 + h1.T @ da2 + h2.T @ da3", "h2.T @ da3", "missing-term"),
    ("Wx", "xs[0].T @ da1 + xs[1].T @ da2 + xs[2].T @ da3", "xs[0].T @ da1 + xs[1].T @ da2 + xs[1].T @ da3", "shifted-index|wrong-operand"),
    ("Wx", "xs[0].T @ da1 + xs[1].T @ da2 + xs[2].T @ da3", "(xs[0].T @ da1 + xs[1].T @ da2 + xs[2].T @ da3) / 3", "scale"),
    ("Wx", "xs[0].T @ da1 + xs[1].T @ da2 + xs[2].T @ da3", "xs[0].T @ dh1 + xs[1].T @ dh2 + xs[2].T @ dh3", "missing-activation-derivative"),
    ("b", "da1.sum(0) + da2.sum(0) + da3.sum(0)", "da1.sum(0) + da2.sum(0) + da3.sum(0) + da3.sum(0)", "double-count"),
    ("b", "da1.sum(0) + da2.sum(0) + da3.sum(0)", "da1 + da2 + da3", "broadcast"),
    ("Wy", "h1.T @ dy1 + h2.T @ dy2 + h3.T @ dy3", "h3.T @ dy3", "missing-term"),
    ("Wh|h2", "    da2 = dh2 *", "    h2 *= 0.5\n    da2 = dh2 *", "stale-value"),
    ("Wy", "dWy = h1.T @ dy1 + h2.T @ dy2 + h3.T @ dy3", "dWy = np.random.default_rng(3).normal(size=Wy.shape)", "unknown"),
]
RIGHT = [
    ("dWx = xs[0].T @ da1 + xs[1].T @ da2 + xs[2].T @ da3", "dWx = np.einsum('tni,tnk->ik', xs, np.stack([da1, da2, da3]))"),
]
