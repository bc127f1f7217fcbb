"""InfoNCE with cosine similarities and a temperature."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("InfoNCE")


@d.forward
def nce(A, B, tau):
    n = A.shape[0]
    na = np.sqrt(np.sum(A**2, axis=1, keepdims=True))
    nb = np.sqrt(np.sum(B**2, axis=1, keepdims=True))
    U = A / na
    V = B / nb
    S = U @ V.T
    L = S / tau
    Q = np.exp(L) / np.sum(np.exp(L), axis=1, keepdims=True)
    loss = -np.sum(np.log(np.diag(Q))) / n
    return loss


@d.gradient("L")
def gL(Q, n):
    return (Q - np.eye(n)) / n


@d.gradient("S")
def gS(gL, tau):
    return gL / tau


@d.gradient("tau")
def gtau(gL, S, tau):
    return -np.sum(gL * S) / tau**2


@d.gradient("U")
def gU(gS, V):
    return gS @ V


@d.gradient("V")
def gV(gS, U):
    return gS.T @ U


@d.gradient("A")
def gA(gU, U, na):
    return (gU - U * np.sum(gU * U, axis=1, keepdims=True)) / na


@d.gradient("B")
def gB(gV, V, nb):
    return (gV - V * np.sum(gV * V, axis=1, keepdims=True)) / nb


def inputs(rng):
    return {"A": rng.normal(size=(4, 4)), "B": rng.normal(size=(4, 4)), "tau": 0.5}


# fmt: off
MISTAKES = [
    ("L", "(Q - np.eye(n)) / n", "Q - np.eye(n)", "scale"),
    ("L", "(Q - np.eye(n)) / n", "(Q - 1) / n", "missing-factor|broadcast|wrong-operand|missing-term"),
    ("L", "(Q - np.eye(n)) / n", "Q / n", "missing-term"),
    ("L", "(Q - np.eye(n)) / n", "np.eye(n) * (Q - 1) / n", "softmax-diagonal"),
    ("L", "(Q - np.eye(n)) / n", "(Q - np.eye(n)) / n**2", "scale"),
    ("S", "gL / tau", "gL * tau", "wrong-operand|missing-factor|scale"),
    ("S", "gL / tau", "gL", "missing-factor|scale"),
    ("tau", "-np.sum(gL * S) / tau**2", "np.sum(gL * S) / tau**2", "sign"),
    ("tau", "-np.sum(gL * S) / tau**2", "-np.sum(gL * S) / tau", "missing-factor|scale"),
    ("tau", "-np.sum(gL * S) / tau**2", "-np.sum(gL) / tau**2", "missing-factor"),
    ("U", "return gS @ V", "return gS @ V.T", "transpose"),
    ("V", "return gS.T @ U", "return gS @ U", "transpose"),
    ("V", "return gS.T @ U", "return gS.T * U", "matmul-vs-elementwise"),
    ("A", "(gU - U * np.sum(gU * U, axis=1, keepdims=True)) / na", "gU / na", "missing-term"),
    ("A", "(gU - U * np.sum(gU * U, axis=1, keepdims=True)) / na", "gU - U * np.sum(gU * U, axis=1, keepdims=True)", "missing-factor"),
    ("A", "(gU - U * np.sum(gU * U, axis=1, keepdims=True)) / na", "(gU - U * np.sum(gU * U, axis=0, keepdims=True)) / na", "axis"),
    ("B", "(gV - V * np.sum(gV * V, axis=1, keepdims=True)) / nb", "gV", "missing-term|missing-factor"),
    ("B", "(gV - V * np.sum(gV * V, axis=1, keepdims=True)) / nb", "np.random.default_rng(14).normal(size=(4, 4))", "unknown"),
]
RIGHT = [("(gU - U * np.sum(gU * U, axis=1, keepdims=True)) / na", "np.stack([(np.eye(4) - np.outer(u, u)) @ r / s[0] for r, u, s in zip(gU, U, na)])")]
