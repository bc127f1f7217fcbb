"""Elman network over time: backpropagation through time as in the classic lecture."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("RNN through time")


@d.forward
def rnn(xs, ts, Wx, Wh, Wy, b):
    h = np.zeros(Wh.shape[0])
    hs = []
    ys = []
    loss = 0.0
    for t in range(len(xs)):
        h = np.tanh(xs[t] @ Wx + h @ Wh + b)
        y = h @ Wy
        hs.append(h)
        ys.append(y)
        loss = loss + 0.5 * np.sum((y - ts[t]) ** 2)
    return loss


@d.backward
def bptt(xs, ts, Wx, Wh, Wy, b, hs, ys):
    dWx, dWh, dWy, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wy), np.zeros_like(b)
    dh_next = np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        dy = ys[t] - ts[t]
        dWy += np.outer(hs[t], dy)
        dh = Wy @ dy + dh_next
        draw = (1 - hs[t] * hs[t]) * dh
        db += draw
        dWx += np.outer(xs[t], draw)
        if t > 0:
            dWh += np.outer(hs[t - 1], draw)
        dh_next = Wh @ draw
    return {"Wx": dWx, "Wh": dWh, "Wy": dWy, "b": db}


def inputs(rng):
    return {
        "xs": rng.normal(size=(5, 4)),
        "ts": rng.normal(size=(5, 4)),
        "Wx": 0.6 * rng.normal(size=(4, 4)),
        "Wh": 0.6 * rng.normal(size=(4, 4)),
        "Wy": rng.normal(size=(4, 4)),
        "b": 0.2 * rng.normal(size=4),
    }


# fmt: off
MISTAKES = [
    ("Wx|b|Wh", "dh = Wy @ dy + dh_next", "dh = Wy @ dy", "missing-term"),
    ("Wx|b|Wh", "dh = Wy @ dy + dh_next", "dh = Wy.T @ dy + dh_next", "transpose"),
    ("Wx|b|Wh", "dh_next = Wh @ draw", "dh_next = Wh.T @ draw", "transpose"),
    ("Wx|b|Wh", "dh_next = Wh @ draw", "dh_next = Wh @ dh", "missing-activation-derivative"),
    ("Wx|b|Wh", "(1 - hs[t] * hs[t]) * dh", "dh", "missing-activation-derivative"),
    ("Wx|b|Wh", "(1 - hs[t] * hs[t]) * dh", "(1 - hs[t - 1] * hs[t - 1]) * dh", "shifted-index"),
    ("Wx|b|Wh", "(1 - hs[t] * hs[t]) * dh", "hs[t] * (1 - hs[t]) * dh", "surrogate-derivative"),
    ("Wh", "np.outer(hs[t - 1], draw)", "np.outer(hs[t], draw)", "shifted-index"),
    ("Wh", "np.outer(hs[t - 1], draw)", "np.outer(draw, hs[t - 1])", "transpose"),
    ("Wx", "dWx += np.outer(xs[t], draw)", "dWx = np.outer(xs[t], draw)", "missing-term"),
    ("Wx", "dWx += np.outer(xs[t], draw)", "dWx += np.outer(xs[t - 1], draw)", "shifted-index"),
    ("Wy", "dWy += np.outer(hs[t], dy)", "dWy = np.outer(hs[t], dy)", "missing-term"),
    ("Wy", "dWy += np.outer(hs[t], dy)", "dWy += np.outer(hs[t - 1], dy)", "shifted-index"),
    ("b", "db += draw", "db += dh", "missing-activation-derivative"),
    ("Wx|b|Wh", "dh_next = Wh @ draw", "dh_next = dh_next + Wh @ draw", "double-count"),
    ("Wx|b|Wh", "dh = Wy @ dy + dh_next", "dh = Wy @ dy + 2 * dh_next", "double-count|scale"),
    ("Wh", "            dWh += np.outer(hs[t - 1], draw)", "            dWh += 0", "missing-gradient"),
    ("Wx", "dWx += np.outer(xs[t], draw)", "dWx += np.random.default_rng(18).normal(size=(4, 4))", "unknown"),
]
RIGHT = [("(1 - hs[t] * hs[t]) * dh", "dh - dh * hs[t] ** 2")]
