"""Two graph convolutions (node features by a normalised adjacency), softmax on the labelled nodes."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("graph convolution")


@d.forward
def gcn(S, X, W1, W2, Y, labelled):
    P1 = S @ X
    Z1 = P1 @ W1
    H1 = np.maximum(Z1, 0)
    Z2 = S @ H1 @ W2
    P = np.exp(Z2) / np.exp(Z2).sum(1, keepdims=True)
    loss = -np.sum(labelled[:, None] * Y * np.log(P)) / labelled.sum()
    return loss


@d.gradient("Z2")
def G2(P, Y, labelled):
    return labelled[:, None] * (P - Y) / labelled.sum()


@d.gradient("W2")
def GW2(S, H1, G2):
    return (S @ H1).T @ G2


@d.gradient("H1")
def GH1(S, G2, W2):
    return S.T @ G2 @ W2.T


@d.gradient("Z1")
def G1(GH1, Z1):
    return GH1 * (Z1 > 0)


@d.gradient("W1")
def GW1(P1, G1):
    return P1.T @ G1


def inputs(rng):
    return {
        "S": rng.random((5, 5)),
        "X": rng.normal(size=(5, 5)),
        "W1": rng.normal(size=(5, 4)),
        "W2": rng.normal(size=(4, 3)),
        "Y": np.eye(3)[[0, 1, 2, 2, 0]],
        "labelled": np.array([1.0, 0, 1, 1, 0]),
    }


# fmt: off
MISTAKES = [
    ("Z2", "labelled[:, None] * (P - Y) / labelled.sum()", "(P - Y) / labelled.sum()", "wrong-mask"),
    ("Z2", "labelled[:, None] * (P - Y) / labelled.sum()", "(1 - labelled)[:, None] * (P - Y) / labelled.sum()", "wrong-mask"),
    ("Z2", "labelled[:, None] * (P - Y) / labelled.sum()", "labelled[:, None] * (P - Y) / len(P)", "scale"),
    ("Z2", "labelled[:, None] * (P - Y) / labelled.sum()", "labelled[:, None] * (P - Y) * P * (1 - P) / labelled.sum()", "extra-activation-derivative"),
    ("Z2", "labelled[:, None] * (P - Y) / labelled.sum()", "-labelled[:, None] * Y * (1 - P) / labelled.sum()", "softmax-diagonal"),
    ("W2", "(S @ H1).T @ G2", "H1.T @ G2", "missing-factor"),
    ("W2", "(S @ H1).T @ G2", "(S.T @ H1).T @ G2", "transpose"),
    ("H1", "S.T @ G2 @ W2.T", "S @ G2 @ W2.T", "transpose"),
    ("H1", "S.T @ G2 @ W2.T", "G2 @ W2.T", "missing-factor"),
    ("Z1", "GH1 * (Z1 > 0)", "GH1", "missing-activation-derivative"),
    ("Z1", "GH1 * (Z1 > 0)", "GH1 * (GH1 > 0)", "wrong-mask"),
    ("W1", "def GW1(P1, G1):\n    return P1.T @ G1", "def GW1(X, G1):\n    return X.T @ G1", "missing-factor|wrong-operand"),
    ("W1", "P1.T @ G1", "P1 @ G1", "transpose"),
]
RIGHT = [("S.T @ G2 @ W2.T", "np.einsum('ij,ik,hk->jh', S, G2, W2)")]
