"""A residual block followed by a highway layer, softplus and GELU (tanh form)."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("residual block, GELU, highway gate")

C = np.sqrt(2 / np.pi)


@d.forward
def forward(x, W1, W2, Wt, bt, t):
    a = x @ W1
    u = np.tanh(C * (a + 0.044715 * a**3))
    h = 0.5 * a * (1 + u)
    r = x + h @ W2
    k = r @ Wt + bt
    s = 1 / (1 + np.exp(-k))
    m = np.log1p(np.exp(r))
    o = s * m + (1 - s) * r
    loss = np.mean((o - t) ** 2)
    return loss


@d.backward
def backward(x, W1, W2, Wt, t, a, u, h, r, k, s, m, o):
    do = 2 * (o - t) / o.size
    ds = do * (m - r)
    dm = do * s
    dk = ds * s * (1 - s)
    dbt = dk.sum(axis=0)
    dWt = r.T @ dk
    dr = do * (1 - s) + dm / (1 + np.exp(-r)) + dk @ Wt.T
    dW2 = h.T @ dr
    dh = dr @ W2.T
    da = dh * (0.5 * (1 + u) + 0.5 * a * (1 - u**2) * C * (1 + 3 * 0.044715 * a**2))
    dW1 = x.T @ da
    dx = dr + da @ W1.T
    return {"W1": dW1, "W2": dW2, "Wt": dWt, "bt": dbt, "x": dx, "a": da, "r": dr, "k": dk}


def inputs(rng):
    n, k = 4, 4
    return {
        "x": rng.normal(size=(n, k)),
        "W1": rng.normal(size=(k, k)) * 0.7,
        "W2": rng.normal(size=(k, k)) * 0.7,
        "Wt": rng.normal(size=(k, k)) * 0.7,
        "bt": rng.normal(size=k),
        "t": rng.normal(size=(n, k)),
    }


# fmt: off
MISTAKES = [
    ("o", "do = 2 * (o - t) / o.size", "do = 2 * (o - t) / len(o)", "scale"),
    ("s", "ds = do * (m - r)", "ds = do * m", "missing-term"),
    ("k", "dk = ds * s * (1 - s)", "dk = ds * k * (1 - k)", "derivative-at-wrong-place"),
    ("k", "dk = ds * s * (1 - s)", "dk = ds", "missing-activation-derivative"),
    ("r", "do * (1 - s) + dm / (1 + np.exp(-r)) + dk @ Wt.T", "dm / (1 + np.exp(-r)) + dk @ Wt.T", "missing-term"),
    ("r", "do * (1 - s) + dm / (1 + np.exp(-r)) + dk @ Wt.T", "do * (1 - s) + dm / (1 + np.exp(-r))", "missing-term"),
    ("r", "do * (1 - s) + dm / (1 + np.exp(-r)) + dk @ Wt.T", "do * (1 - s) + dm + dk @ Wt.T", "missing-activation-derivative"),
    ("r", "do * (1 - s) + dm / (1 + np.exp(-r)) + dk @ Wt.T", "do * (1 - s) + dm * s * (1 - s) + dk @ Wt.T", "surrogate-derivative|wrong-operand"),
    ("r", "dm / (1 + np.exp(-r)) + dk @ Wt.T", "dm / (1 + np.exp(-r)) + dk @ Wt", "transpose"),
    ("a", "0.5 * (1 + u) + 0.5 * a * (1 - u**2) * C * (1 + 3 * 0.044715 * a**2)", "0.5 * (1 + u)", "missing-term"),
    ("a", "C * (1 + 3 * 0.044715 * a**2)", "(1 + 3 * 0.044715 * a**2)", "scale|missing-factor"),
    ("a", "(1 + 3 * 0.044715 * a**2)", "(1 + 0.044715 * a**2)", "scale|missing-factor"),
    ("a", "dh * (0.5 * (1 + u) + 0.5 * a * (1 - u**2) * C * (1 + 3 * 0.044715 * a**2))", "dh * (1 - u**2)", "surrogate-derivative"),
    ("x", "dx = dr + da @ W1.T", "dx = da @ W1.T", "missing-term"),
    ("x", "dx = dr + da @ W1.T", "dx = dr + dh @ W1.T", "missing-activation-derivative"),
    ("x", "dx = dr + da @ W1.T", "dx = 2 * dr + da @ W1.T", "double-count|scale"),
    ("W2", "dW2 = h.T @ dr", "dW2 = a.T @ dr", "wrong-operand"),
    ("Wt", "dWt = r.T @ dk", "dWt = r.T * dk", "matmul-vs-elementwise"),
    ("Wt", "dWt = r.T @ dk", "dWt = None", "missing-gradient"),
    ("W1", "dW1 = x.T @ da", "dW1 = np.zeros_like(W1)", "missing-gradient"),
    ("W1", "dW1 = x.T @ da", "dW1 = np.random.default_rng(10).normal(size=W1.shape)", "unknown"),
]
RIGHT = [("dk = ds * s * (1 - s)", "dk = do * (m - r) * (s - s**2)")]
