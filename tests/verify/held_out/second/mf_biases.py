"""Matrix factorisation with biases and a mask of observed ratings."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("matrix factorisation")


@d.forward
def mf(R, M, P, Q, bu, bi, lam):
    pred = P @ Q.T + bu[:, None] + bi[None, :]
    err = M * (R - pred)
    loss = np.sum(err**2) + lam * (np.sum(P**2) + np.sum(Q**2))
    return loss


@d.gradient("pred")
def dpred(err):
    return -2 * err


@d.gradient("P")
def dP(dpred, Q, P, lam):
    return dpred @ Q + 2 * lam * P


@d.gradient("Q")
def dQ(dpred, P, Q, lam):
    return dpred.T @ P + 2 * lam * Q


@d.gradient("bu")
def dbu(dpred):
    return dpred.sum(axis=1)


@d.gradient("bi")
def dbi(dpred):
    return dpred.sum(axis=0)


@d.gradient("P[u, k]")
def dP_entry(u, k, err, Q, P, lam):
    return -2 * np.sum(err[u] * Q[:, k]) + 2 * lam * P[u, k]


def inputs(rng):
    return {
        "R": rng.normal(size=(4, 4)) + 3,
        "M": np.array([[1.0, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 1], [1, 0, 1, 0]]),
        "P": rng.normal(size=(4, 2)),
        "Q": rng.normal(size=(4, 2)),
        "bu": rng.normal(size=4),
        "bi": rng.normal(size=4),
        "lam": 0.1,
    }


# fmt: off
MISTAKES = [
    ("pred", "return -2 * err", "return 2 * err", "sign"),
    ("pred", "return -2 * err", "return -err", "scale"),
    ("pred", "def dpred(err):\n    return -2 * err", "def dpred(R, pred):\n    return -2 * (R - pred)", "wrong-mask|missing-factor"),
    ("pred", "def dpred(err):\n    return -2 * err", "def dpred(R, pred, M):\n    return -2 * (1 - M) * (R - pred)", "wrong-mask"),
    ("P", "dpred @ Q + 2 * lam * P", "dpred.T @ Q + 2 * lam * P", "transpose"),
    ("P", "dpred @ Q + 2 * lam * P", "dpred @ Q + lam * P", "regulariser"),
    ("P", "dpred @ Q + 2 * lam * P", "dpred @ P + 2 * lam * P", "wrong-operand"),
    ("P", "dpred @ Q + 2 * lam * P", "dpred @ Q + 2 * lam * Q", "wrong-operand|regulariser"),
    ("Q", "dpred.T @ P + 2 * lam * Q", "dpred @ P + 2 * lam * Q", "transpose"),
    ("Q", "dpred.T @ P + 2 * lam * Q", "dpred.T @ P", "regulariser"),
    ("Q", "def dQ(dpred, P, Q, lam):\n    return dpred.T @ P", "def dQ(dpred, P, dP, Q, lam):\n    return dpred.T @ (P - 0.01 * dP)", "stale-value"),
    ("bu", "dpred.sum(axis=1)", "dpred.sum(axis=0)", "axis"),
    ("bi", "dpred.sum(axis=0)", "dpred.sum(axis=0, keepdims=True)", "shape|broadcast"),
    ("bi", "dpred.sum(axis=0)", "dpred.mean(axis=0)", "scale|axis"),
    ("P[u, k]", "err[u] * Q[:, k]", "err[:, u] * Q[:, k]", "transpose|shifted-index"),
    ("P[u, k]", "np.sum(err[u] * Q[:, k])", "err[u, u] * Q[u, k]", "missing-term|axis"),
    ("bi", "return dpred.sum(axis=0)", "return np.array([0.3, -1.2, 2.2, 0.9])", "unknown"),
]
RIGHT = [("dpred @ Q + 2 * lam * P", "2 * (lam * P + dpred @ Q / 2)")]
