"""A small dynamic program: soft minimum over paths of a grid, expected path by hand."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("soft minimum of paths")


@d.forward
def softpath(x, y, gamma):
    C = (x[:, None] - y[None, :]) ** 2
    R = [[None] * 3 for _ in range(3)]
    for i in range(3):
        for j in range(3):
            before = [R[a][b] for a, b in ((i - 1, j), (i, j - 1), (i - 1, j - 1)) if a >= 0 and b >= 0]
            soft = -gamma * np.log(sum(np.exp(-r / gamma) for r in before)) if before else 0.0
            R[i][j] = C[i, j] + soft
    loss = R[2][2]
    return loss


@d.backward(wrt=["C", "x", "y"])
def backward(x, y, C, R, gamma):
    E = np.zeros((3, 3))
    E[2, 2] = 1
    for i in (2, 1, 0):
        for j in (2, 1, 0):
            for a, b in ((i + 1, j), (i, j + 1), (i + 1, j + 1)):
                if a < 3 and b < 3:
                    E[i, j] += E[a, b] * np.exp((R[a][b] - C[a, b] - R[i][j]) / gamma)
    dx = 2 * np.sum(E * (x[:, None] - y[None, :]), axis=1)
    dy = -2 * np.sum(E * (x[:, None] - y[None, :]), axis=0)
    return E, dx, dy


def inputs(rng):
    return {"x": rng.normal(size=3), "y": rng.normal(size=3), "gamma": 0.8}


# fmt: off
MISTAKES = [
    ("C", "E[a, b] * np.exp((R[a][b] - C[a, b] - R[i][j]) / gamma)", "np.exp((R[a][b] - C[a, b] - R[i][j]) / gamma)", "upstream-ignored|missing-factor"),
    ("C", "(R[a][b] - C[a, b] - R[i][j]) / gamma", "(R[a][b] - R[i][j]) / gamma", "missing-term|missing-factor"),
    ("C", "(R[a][b] - C[a, b] - R[i][j]) / gamma", "(R[a][b] - C[i, j] - R[i][j]) / gamma", "shifted-index|wrong-operand"),
    ("C", "(R[a][b] - C[a, b] - R[i][j]) / gamma", "(R[i][j] + C[a, b] - R[a][b]) / gamma", "sign"),
    ("C", "(i + 1, j), (i, j + 1), (i + 1, j + 1)", "(i + 1, j), (i, j + 1)", "missing-term"),
    ("C", "E[i, j] += E[a, b]", "E[i, j] = E[a, b]", "missing-term"),
    ("C", "- R[i][j]) / gamma)", "- R[i][j]))", "scale|missing-factor"),
    ("x", "dx = 2 * np.sum(E * (x[:, None] - y[None, :]), axis=1)", "dx = 2 * np.sum(E * (x[:, None] - y[None, :]), axis=0)", "axis"),
    ("x", "dx = 2 * np.sum(E * (x[:, None] - y[None, :]), axis=1)", "dx = np.sum(E * (x[:, None] - y[None, :]), axis=1)", "scale"),
    ("x", "dx = 2 * np.sum(E * (x[:, None] - y[None, :]), axis=1)", "dx = 2 * np.sum(E * (x[:, None] - y[None, :]) ** 2, axis=1)", "missing-activation-derivative|missing-factor|extra-activation-derivative|double-count|wrong-operand"),
    ("x", "dx = 2 * np.sum(E * (x[:, None] - y[None, :]), axis=1)", "dx = 2 * np.sum(x[:, None] - y[None, :], axis=1)", "upstream-ignored|missing-factor"),
    ("y", "dy = -2 * np.sum", "dy = 2 * np.sum", "sign"),
    ("y", "dy = -2 * np.sum(E * (x[:, None] - y[None, :]), axis=0)", "dy = -2 * np.sum(E.T * (x[:, None] - y[None, :]), axis=0)", "transpose"),
    ("y", "    return E, dx, dy\n", "    return E, dx, np.array([0.4, -1.7, 0.2])\n", "unknown"),
]
RIGHT = [("dx = 2 * np.sum(E * (x[:, None] - y[None, :]), axis=1)", "dx = 2 * (x * E.sum(axis=1) - E @ y)")]
