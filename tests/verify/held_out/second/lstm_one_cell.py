"""One LSTM cell with four weight matrices, a loss on h and c."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("LSTM cell")


def sg(t):
    return 1 / (1 + np.exp(-t))


@d.forward
def cell(x, h0, c0, Wf, Wi, Wo, Wc, bf, uh, uc):
    z = np.concatenate([h0, x], axis=1)
    f = sg(z @ Wf + bf)
    i = sg(z @ Wi)
    o = sg(z @ Wo)
    g = np.tanh(z @ Wc)
    c = f * c0 + i * g
    h = o * np.tanh(c)
    loss = np.sum(uh * h) + np.sum(uc * c**2)
    return loss


@d.backward
def backward(x, h0, c0, Wf, Wi, Wo, Wc, z, f, i, o, g, c, h, uh, uc):
    dh = uh
    dc = 2 * uc * c + dh * o * (1 - np.tanh(c) ** 2)
    do = dh * np.tanh(c)
    df = dc * c0
    di = dc * g
    dg = dc * i
    dc0 = dc * f
    af = df * f * (1 - f)
    ai = di * i * (1 - i)
    ao = do * o * (1 - o)
    ag = dg * (1 - g**2)
    dz = af @ Wf.T + ai @ Wi.T + ao @ Wo.T + ag @ Wc.T
    H = h0.shape[1]
    return {
        "dWf": z.T @ af,
        "dWi": z.T @ ai,
        "dWo": z.T @ ao,
        "dWc": z.T @ ag,
        "dbf": af.sum(axis=0),
        "dc0": dc0,
        "dh0": dz[:, :H],
        "dx": dz[:, H:],
    }


def inputs(rng):
    n, k, m = 3, 4, 4
    out = {w: rng.normal(size=(k + m, k)) * 0.5 for w in ("Wf", "Wi", "Wo", "Wc")}
    return out | {
        "x": rng.normal(size=(n, m)),
        "h0": rng.normal(size=(n, k)),
        "c0": rng.normal(size=(n, k)),
        "bf": rng.normal(size=k),
        "uh": rng.normal(size=(n, k)),
        "uc": rng.normal(size=(n, k)),
    }


# fmt: off
MISTAKES = [
    ("c", "dc = 2 * uc * c + dh * o * (1 - np.tanh(c) ** 2)", "dc = dh * o * (1 - np.tanh(c) ** 2)", "missing-term|upstream-ignored"),
    ("c", "dc = 2 * uc * c + dh * o * (1 - np.tanh(c) ** 2)", "dc = 2 * uc * c + dh * o", "missing-activation-derivative"),
    ("c", "dc = 2 * uc * c + dh * o * (1 - np.tanh(c) ** 2)", "dc = 2 * uc * c + dh * o * (1 - c**2)", "derivative-at-wrong-place"),
    ("c", "dc = 2 * uc * c + dh * o * (1 - np.tanh(c) ** 2)", "dc = 2 * uc * c + dh * (1 - np.tanh(c) ** 2)", "missing-factor"),
    ("o", "do = dh * np.tanh(c)", "do = dh * c", "wrong-operand|missing-factor|derivative-at-wrong-place"),
    ("f", "df = dc * c0\n", "df = dc * c\n", "wrong-operand|shifted-index|stale-value"),
    ("i", "di = dc * g\n", "di = dc * i\n", "wrong-operand"),
    ("Wi", "ai = di * i * (1 - i)", "ai = di * i", "missing-factor|missing-activation-derivative"),
    ("Wo", "ao = do * o * (1 - o)", "ao = do", "missing-activation-derivative"),
    ("Wc", "ag = dg * (1 - g**2)", "ag = dg * g * (1 - g)", "surrogate-derivative"),
    ("Wc", "ag = dg * (1 - g**2)", "ag = dg * (1 - np.tanh(g) ** 2)", "derivative-at-wrong-place"),
    ("c0", "dc0 = dc * f", "dc0 = dc", "missing-factor"),
    ("z", "dz = af @ Wf.T + ai @ Wi.T + ao @ Wo.T + ag @ Wc.T", "dz = af @ Wf.T + ai @ Wi.T + ag @ Wc.T", "missing-term"),
    ("z", "dz = af @ Wf.T + ai @ Wi.T + ao @ Wo.T + ag @ Wc.T", "dz = af @ Wf.T + ai @ Wi.T + ao @ Wi.T + ag @ Wc.T", "wrong-operand"),
    ("h0|x", "\"dh0\": dz[:, :H],\n        \"dx\": dz[:, H:],", "\"dh0\": dz[:, H:],\n        \"dx\": dz[:, :H],", "wrong-operand|shifted-index"),
    ("bf", "af.sum(axis=0)", "ai.sum(axis=0)", "wrong-operand"),
    ("Wf", "\"dWf\": z.T @ af", "\"dWf\": np.random.default_rng(5).normal(size=Wf.shape)", "unknown"),
]
RIGHT = [("ag = dg * (1 - g**2)", "ag = dg * (1 - g) * (1 + g)")]
