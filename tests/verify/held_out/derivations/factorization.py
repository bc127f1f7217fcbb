"""Matrix factorisation with observed entries and L2 on both factors, by indices."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("matrix factorisation")


@d.forward
def mf(R, seen, P, Q, lam):
    E = seen * (P @ Q.T - R)
    loss = np.sum(E**2) + lam * (np.sum(P**2) + np.sum(Q**2))
    return loss


d.gradient(
    "P[u, f]",
    lambda u, f, E, P, Q, lam: 2 * sum(E[u, i] * Q[i, f] for i in range(len(Q))) + 2 * lam * P[u, f],
    name="dP",
)


@d.gradient("Q")
def dQ(E, P, Q, lam):
    return 2 * E.T @ P + 2 * lam * Q


def inputs(rng):
    return {
        "R": rng.normal(size=(5, 4)),
        "seen": (rng.random((5, 4)) < 0.6) * 1.0,
        "P": rng.normal(size=(5, 3)),
        "Q": rng.normal(size=(4, 3)),
        "lam": 0.3,
    }


# fmt: off
MISTAKES = [
    ("P[u, f]|P", " + 2 * lam * P[u, f]", "", "regulariser"),
    ("P[u, f]|P", "2 * lam * P[u, f]", "2 * lam * Q[u % 4, f]", "regulariser|wrong-operand"),
    ("P[u, f]|P", "2 * sum(", "sum(", "scale"),
    ("P[u, f]|P", "E[u, i] * Q[i, f]", "E[u, i] * Q[i, f - 1]", "shifted-index"),
    ("Q", "+ 2 * lam * Q", "+ lam * Q", "regulariser"),
    ("Q", " + 2 * lam * Q", "", "regulariser"),
    ("Q", "+ 2 * lam * Q", "+ 2 * lam", "regulariser|missing-factor"),
    ("Q", "2 * E.T @ P + 2 * lam * Q", "-2 * E.T @ P + 2 * lam * Q", "sign"),
    ("Q", "def dQ(E, P, Q, lam):\n    return 2 * E.T @ P", "def dQ(R, P, Q, lam):\n    return 2 * (P @ Q.T - R).T @ P", "wrong-mask"),
    ("Q", "def dQ(E, P, Q, lam):\n    return 2 * E.T @ P", "def dQ(R, seen, P, Q, lam):\n    return 2 * ((1 - seen) * (P @ Q.T - R)).T @ P", "wrong-mask"),
    ("Q", "2 * E.T @ P + 2 * lam * Q", "2 * lam * Q", "missing-term"),
]
RIGHT = [("2 * E.T @ P + 2 * lam * Q", "2 * (np.einsum('ui,uf->if', E, P) + lam * Q)")]
