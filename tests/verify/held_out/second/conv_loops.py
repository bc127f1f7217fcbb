"""A 2-d convolution by loops over windows, bias, ReLU, mean pooling."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("convolution by loops")


@d.forward
def conv(x, k, b, y):
    H, W = x.shape
    n, m = H - 2, W - 2
    z = np.stack([np.stack([np.sum(x[i : i + 3, j : j + 3] * k) for j in range(m)]) for i in range(n)]) + b
    a = np.maximum(z, 0)
    p = a.reshape(n // 2, 2, m // 2, 2).mean(axis=(1, 3))
    loss = np.sum((p - y) ** 2)
    return loss


@d.backward
def back(x, k, z, p, y, n, m):
    dp = 2 * (p - y)
    da = np.repeat(np.repeat(dp, 2, axis=0), 2, axis=1) / 4
    dz = da * (z > 0)
    db = np.sum(dz)
    dk = np.zeros((3, 3))
    dx = np.zeros(x.shape)
    for i in range(n):
        for j in range(m):
            dk += dz[i, j] * x[i : i + 3, j : j + 3]
            dx[i : i + 3, j : j + 3] += dz[i, j] * k
    return {"k": dk, "b": db, "x": dx, "a": da, "z": dz}


def inputs(rng):
    return {"x": rng.normal(size=(6, 6)), "k": rng.normal(size=(3, 3)), "b": 0.2, "y": rng.normal(size=(2, 2))}


# fmt: off
MISTAKES = [
    ("a", "axis=1) / 4", "axis=1)", "scale"),
    ("a", "dp = 2 * (p - y)", "dp = p - y", "scale"),
    ("z", "dz = da * (z > 0)", "dz = da", "missing-activation-derivative"),
    ("z", "dz = da * (z > 0)", "dz = da * (z < 0)", "wrong-mask"),
    ("z", "dz = da * (z > 0)", "dz = da * (x[:4, :4] > 0)", "wrong-mask"),
    ("z", "dz = da * (z > 0)", "dz = 1.0 * (z > 0)", "upstream-ignored"),
    ("k", "dz[i, j] * x[i : i + 3, j : j + 3]", "da[i, j] * x[i : i + 3, j : j + 3]", "missing-activation-derivative"),
    ("k", "dz[i, j] * x[i : i + 3, j : j + 3]", "dz[i, j] * x[j : j + 3, i : i + 3]", "transpose|shifted-index"),
    ("k", "            dk += dz", "            dk = dz", "missing-term"),
    ("x", "dx[i : i + 3, j : j + 3] += dz[i, j] * k", "dx[i : i + 3, j : j + 3] = dz[i, j] * k", "missing-term"),
    ("x", "dx[i : i + 3, j : j + 3] += dz[i, j] * k", "dx[i : i + 3, j : j + 3] += dz[i, j] * k[::-1, ::-1]", "wrong-operand|transpose|shifted-index"),
    ("x", "dx[i : i + 3, j : j + 3] += dz[i, j] * k", "dx[i : i + 3, j : j + 3] += dz[i, j] * k.T", "transpose"),
    ("b", "db = np.sum(dz)", "db = np.mean(dz)", "scale|axis"),
    ("b", "db = np.sum(dz)", "db = dz", "broadcast"),
    ("k", "    return {\"k\": dk", "    dk = np.random.default_rng(7).normal(size=(3, 3))\n    return {\"k\": dk", "unknown"),
]
RIGHT = [
    ("dz = da * (z > 0)", "dz = np.where(z > 0, da, 0)"),
    ("dk += dz[i, j] * x[i : i + 3, j : j + 3]", "dk = dk + x[i : i + 3, j : j + 3] * dz[i, j]"),
]
