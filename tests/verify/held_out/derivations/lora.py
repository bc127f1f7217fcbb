"""Low-rank adaptation: a frozen weight plus B A, columns are examples."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("low-rank adaptation")


@d.forward
def lora(x, W0, A, B, t, alpha):
    z = A @ x
    y = W0 @ x + alpha * (B @ z)
    loss = np.sum((y - t) ** 2) / y.shape[1]
    return loss


@d.gradient("y")
def gy(y, t):
    return 2 * (y - t) / y.shape[1]


@d.gradient("B")
def gB(gy, z, alpha):
    return alpha * gy @ z.T


@d.gradient("z")
def gz(gy, B, alpha):
    return alpha * B.T @ gy


@d.gradient("A")
def gA(gz, x):
    return gz @ x.T


@d.gradient("x")
def gx(W0, gy, A, gz):
    return W0.T @ gy + A.T @ gz


def inputs(rng):
    return {
        "x": rng.normal(size=(5, 6)),
        "W0": rng.normal(size=(5, 5)),
        "A": rng.normal(size=(2, 5)),
        "B": rng.normal(size=(5, 2)),
        "t": rng.normal(size=(5, 6)),
        "alpha": 0.5,
    }


# fmt: off
MISTAKES = [
    ("B", "alpha * gy @ z.T", "gy @ z.T", "missing-factor|scale"),
    ("z", "alpha * B.T @ gy", "B.T @ gy", "missing-factor|scale"),
    ("z", "def gz(gy, B, alpha):\n    return alpha * B.T @ gy", "def gz(gy, A, alpha):\n    return alpha * A @ gy", "wrong-operand"),
    ("x", "W0.T @ gy + A.T @ gz", "W0.T @ gy", "missing-term"),
    ("x", "W0.T @ gy + A.T @ gz", "A.T @ gz", "missing-term"),
    ("x", "W0.T @ gy", "W0 @ gy", "transpose"),
    ("x", "W0.T @ gy + A.T @ gz", "W0.T @ gy + 2 * A.T @ gz", "double-count|scale"),
    ("x", "W0.T @ gy + A.T @ gz", "2 * W0.T @ gy + A.T @ gz", "double-count|scale"),
    ("A", "gz @ x.T", "np.zeros_like(gz @ x.T)", "missing-gradient"),
    ("y", "2 * (y - t) / y.shape[1]", "2 * (y - t) / y.shape[0]", "scale"),
    ("y", "2 * (y - t) / y.shape[1]", "(y - t) / y.shape[1]", "scale"),
    ("A", "gz @ x.T", "np.random.default_rng(8).normal(size=(2, 5))", "unknown"),
]
RIGHT = [("W0.T @ gy + A.T @ gz", "(W0 + 0.5 * 0 + 0.0).T @ gy + (gz.T @ A).T")]
