"""Kernel ridge regression with a Gaussian kernel whose width is learnt."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("kernel ridge")


@d.forward
def objective(X, y, alpha, logs, lam):
    sq = np.sum(X**2, axis=1)
    D = sq[:, None] + sq[None, :] - 2 * X @ X.T
    gam = np.exp(logs)
    K = np.exp(-gam * D)
    f = K @ alpha
    J = 0.5 * np.sum((y - f) ** 2) + 0.5 * lam * alpha @ K @ alpha
    return J


@d.gradient("f")
def df(f, y):
    return f - y


@d.gradient("alpha")
def dalpha(K, df, alpha, lam):
    return K @ df + lam * K @ alpha


@d.gradient("K")
def dK(df, alpha, lam):
    return np.outer(df, alpha) + 0.5 * lam * np.outer(alpha, alpha)


@d.gradient("D")
def dD(dK, K, gam):
    return -gam * K * dK


@d.gradient("gam")
def dgam(dK, K, D):
    return -np.sum(dK * K * D)


@d.gradient("logs")
def dlogs(dgam, gam):
    return dgam * gam


@d.gradient("X")
def dX(dD, X):
    S = dD + dD.T
    return 2 * (S.sum(axis=1)[:, None] * X - S @ X)


def inputs(rng):
    return {
        "X": rng.normal(size=(5, 2)),
        "y": rng.normal(size=5),
        "alpha": rng.normal(size=5),
        "logs": -0.7,
        "lam": 0.4,
    }


# fmt: off
MISTAKES = [
    ("f", "return f - y", "return y - f", "sign"),
    ("alpha", "K @ df + lam * K @ alpha", "K @ df + lam * alpha", "regulariser|missing-factor"),
    ("alpha", "K @ df + lam * K @ alpha", "df + lam * K @ alpha", "missing-factor"),
    ("alpha", "K @ df + lam * K @ alpha", "K @ df + 0.5 * lam * K @ alpha", "regulariser"),
    ("alpha", "K @ df + lam * K @ alpha", "K @ df", "regulariser"),
    ("K", "np.outer(df, alpha) +", "np.outer(alpha, df) +", "transpose"),
    ("K", " + 0.5 * lam * np.outer(alpha, alpha)", "", "regulariser|missing-term"),
    ("K", " + 0.5 * lam * np.outer(alpha, alpha)", " + lam * np.outer(alpha, alpha)", "regulariser|scale"),
    ("D", "-gam * K * dK", "-K * dK", "missing-factor"),
    ("D", "-gam * K * dK", "-gam * dK", "missing-activation-derivative|missing-factor"),
    ("D", "-gam * K * dK", "gam * K * dK", "sign"),
    ("D", "-gam * K * dK", "-gam * K @ dK", "matmul-vs-elementwise"),
    ("gam", "-np.sum(dK * K * D)", "-np.sum(dK * K)", "missing-factor"),
    ("logs", "dgam * gam", "dgam", "missing-factor|missing-activation-derivative"),
    ("X", "S = dD + dD.T", "S = dD", "missing-term|double-count"),
    ("X", "S = dD + dD.T", "S = 2 * dD", "transpose|double-count|wrong-operand"),
    ("X", "S.sum(axis=1)[:, None] * X - S @ X", "S.sum(axis=1)[:, None] * X", "missing-term"),
    ("X", "    return 2 * (S.sum", "    return (S.sum", "scale"),
    ("logs", "return dgam * gam", "return np.pi / 7", "unknown"),
]
RIGHT = [("K @ df + lam * K @ alpha", "K @ (df + lam * alpha)")]
