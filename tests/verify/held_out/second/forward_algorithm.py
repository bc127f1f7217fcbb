"""The forward algorithm of a small chain (as in a CRF), marginals by the backward recursion."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("chain, log partition and path score")


@d.forward
def nll(U, T, path):
    a1 = U[0]
    a2 = np.log(np.sum(np.exp(a1[:, None] + T), axis=0)) + U[1]
    a3 = np.log(np.sum(np.exp(a2[:, None] + T), axis=0)) + U[2]
    logZ = np.log(np.sum(np.exp(a3)))
    score = U[0, path[0]] + U[1, path[1]] + U[2, path[2]] + T[path[0], path[1]] + T[path[1], path[2]]
    loss = logZ - score
    return loss


@d.backward
def backward(U, T, path, a1, a2, a3, logZ):
    da3 = np.exp(a3 - logZ)
    xi2 = np.exp(a2[:, None] + T + U[2] - a3) * da3
    da2 = xi2.sum(axis=1)
    xi1 = np.exp(a1[:, None] + T + U[1] - a2) * da2
    da1 = xi1.sum(axis=1)
    dT = xi1 + xi2
    dT[path[0], path[1]] -= 1
    dT[path[1], path[2]] -= 1
    dU = np.stack([da1, da2, da3])
    dU[np.arange(3), path] -= 1
    return {"T": dT, "U": dU, "a2": da2, "a3": da3}


def inputs(rng):
    return {"U": rng.normal(size=(3, 4)), "T": rng.normal(size=(4, 4)), "path": np.array([1, 3, 0])}


# fmt: off
MISTAKES = [
    ("a3", "da3 = np.exp(a3 - logZ)", "da3 = np.exp(a3)", "missing-factor"),
    ("a2", "da2 = xi2.sum(axis=1)", "da2 = xi2.sum(axis=0)", "axis"),
    ("a2", "np.exp(a2[:, None] + T + U[2] - a3) * da3", "np.exp(a2[:, None] + T + U[2] - a3)", "upstream-ignored|missing-factor"),
    ("a2", "np.exp(a2[:, None] + T + U[2] - a3) * da3", "np.exp(a2[:, None] + T - a3) * da3", "missing-term|missing-factor"),
    ("a2", "np.exp(a2[:, None] + T + U[2] - a3) * da3", "np.exp(a2[:, None] + T.T + U[2] - a3) * da3", "transpose"),
    ("a2", "np.exp(a2[:, None] + T + U[2] - a3) * da3", "np.exp(a2[:, None] + T + U[1] - a3) * da3", "shifted-index|wrong-operand"),
    ("U|T", "np.exp(a1[:, None] + T + U[1] - a2) * da2", "np.exp(a1[:, None] + T + U[1] - a2) * da3", "shifted-index|wrong-operand"),
    ("T", "dT = xi1 + xi2", "dT = xi1 + xi1", "shifted-index|wrong-operand"),
    ("T", "dT = xi1 + xi2", "dT = xi1.copy()", "missing-term"),
    ("T", "    dT[path[1], path[2]] -= 1\n", "", "missing-term"),
    ("T", "dT[path[1], path[2]] -= 1", "dT[path[2], path[1]] -= 1", "transpose|shifted-index"),
    ("T", "dT[path[1], path[2]] -= 1", "dT[path[1], path[2]] += 1", "sign"),
    ("U", "    dU[np.arange(3), path] -= 1\n", "", "missing-term"),
    ("U", "dU[np.arange(3), path] -= 1", "dU[np.arange(3), path] -= 2", "double-count|scale"),
    ("U", "dU[np.arange(3), path] -= 1", "dU[np.arange(3), path[::-1]] -= 1", "shifted-index"),
    ("U", "np.stack([da1, da2, da3])", "np.stack([da3, da2, da1])", "shifted-index|wrong-operand"),
    ("U", "np.stack([da1, da2, da3])", "np.random.default_rng(16).normal(size=(3, 4))", "unknown"),
]
RIGHT = [("da2 = xi2.sum(axis=1)", "da2 = xi2 @ np.ones(4)")]
