"""Causal self-attention with one head."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("causal attention")


@d.forward
def attention(X, Wq, Wk, Wv, mask, C):
    dk = Wq.shape[1]
    Q = X @ Wq
    K = X @ Wk
    V = X @ Wv
    S = Q @ K.T / np.sqrt(dk)
    Sm = np.where(mask, S, -1e9)
    E = np.exp(Sm - Sm.max(axis=1, keepdims=True))
    P = E / E.sum(axis=1, keepdims=True)
    O = P @ V  # noqa: E741
    loss = np.sum(C * O**2)
    return loss


@d.backward(wrt=["Wq", "Wk", "Wv", "X"])
def backward(X, Wq, Wk, Wv, mask, C, dk, Q, K, V, P, O):  # noqa: E741
    dO = 2 * C * O
    dV = P.T @ dO
    dP = dO @ V.T
    dS = P * (dP - np.sum(dP * P, axis=1, keepdims=True))
    dS = np.where(mask, dS, 0) / np.sqrt(dk)
    dQ = dS @ K
    dK = dS.T @ Q
    dX = dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T
    return X.T @ dQ, X.T @ dK, X.T @ dV, dX


def inputs(rng):
    n, m, k = 5, 4, 3
    return {
        "X": rng.normal(size=(n, m)),
        "Wq": rng.normal(size=(m, k)) * 0.6,
        "Wk": rng.normal(size=(m, k)) * 0.6,
        "Wv": rng.normal(size=(m, k)),
        "mask": np.tril(np.ones((n, n), dtype=bool)),
        "C": rng.normal(size=(n, k)),
    }


# fmt: off
MISTAKES = [
    ("O", "dO = 2 * C * O", "dO = C * O", "scale"),
    ("O", "dO = 2 * C * O", "dO = 2 * O", "missing-factor"),
    ("V", "dV = P.T @ dO", "dV = P @ dO", "transpose"),
    ("S|Q|K", "dS = P * (dP - np.sum(dP * P, axis=1, keepdims=True))", "dS = P * (1 - P) * dP", "softmax-diagonal"),
    ("S|Q|K", "dS = P * (dP - np.sum(dP * P, axis=1, keepdims=True))", "dS = P * dP", "missing-term|softmax-diagonal"),
    ("S|Q|K", "np.sum(dP * P, axis=1, keepdims=True)", "np.sum(dP * P, axis=0, keepdims=True)", "axis"),
    ("S|Q|K", "np.sum(dP * P, axis=1, keepdims=True)", "np.sum(dP, axis=1, keepdims=True)", "missing-factor"),
    ("S|Q|K", "dS = np.where(mask, dS, 0) / np.sqrt(dk)", "dS = np.where(mask, dS, 0)", "scale"),
    ("S|Q|K", "dS = np.where(mask, dS, 0) / np.sqrt(dk)", "dS = np.where(mask, dS, 0) / dk", "scale"),
    ("S|Q|K", "dS = np.where(mask, dS, 0) / np.sqrt(dk)", "dS = np.where(mask, 0, dS) / np.sqrt(dk)", "wrong-mask"),
    ("S|Q|K", "dS = np.where(mask, dS, 0) / np.sqrt(dk)", "dS = np.where(np.tril(mask, -1), dS, 0) / np.sqrt(dk)", "wrong-mask|shifted-index"),
    ("K", "dK = dS.T @ Q", "dK = dS @ Q", "transpose"),
    ("Q", "dQ = dS @ K\n", "dQ = dS @ Q\n", "wrong-operand"),
    ("X", "dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T", "dQ @ Wq.T + dK @ Wk.T", "missing-term"),
    ("X", "dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T", "dQ @ Wq.T + dQ @ Wk.T + dV @ Wv.T", "wrong-operand"),
    ("X", "dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T", "dQ @ Wq.T + dK @ Wk.T + 2 * dV @ Wv.T", "double-count|scale"),
    ("Wq", "return X.T @ dQ,", "return np.random.default_rng(2).normal(size=Wq.shape),", "unknown"),
]
RIGHT = [
    ("dS = np.where(mask, dS, 0) / np.sqrt(dk)", "dS = dS / np.sqrt(dk)"),
    ("np.sum(dP * P, axis=1, keepdims=True)", "np.sum(dO * O, axis=1, keepdims=True)"),
]
