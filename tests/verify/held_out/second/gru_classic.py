"""A GRU cell, written as formulas."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("GRU")


def sigma(t):
    return 1 / (1 + np.exp(-t))


@d.forward
def gru(x, h, Wz, Uz, Wr, Ur, W, U, y):
    az = x @ Wz + h @ Uz
    ar = x @ Wr + h @ Ur
    z = sigma(az)
    r = sigma(ar)
    hr = h * r
    an = x @ W + hr @ U
    n = np.tanh(an)
    new = (1 - z) * h + z * n
    loss = 0.5 * np.sum((new - y) ** 2)
    return loss


@d.gradient("new")
def dnew(new, y):
    return new - y


@d.gradient("z")
def dz(dnew, n, h):
    return dnew * (n - h)


@d.gradient("an")
def dan(dnew, z, n):
    return dnew * z * (1 - n * n)


@d.gradient("az")
def daz(dz, z):
    return dz * z * (1 - z)


@d.gradient("hr")
def dhr(dan, U):
    return dan @ U.T


@d.gradient("ar")
def dar(dhr, h, r):
    return dhr * h * r * (1 - r)


@d.gradient("U")
def dU(hr, dan):
    return hr.T @ dan


@d.gradient("Ur")
def dUr(h, dar):
    return h.T @ dar


@d.gradient("h")
def dh(dnew, z, daz, Uz, dar, Ur, dhr, r):
    return dnew * (1 - z) + daz @ Uz.T + dar @ Ur.T + dhr * r


def inputs(rng):
    n, k = 4, 4
    out = {name: rng.normal(size=(k, k)) * 0.6 for name in ("Wz", "Uz", "Wr", "Ur", "W", "U")}
    return out | {"x": rng.normal(size=(n, k)), "h": rng.normal(size=(n, k)), "y": rng.normal(size=(n, k))}


# fmt: off
MISTAKES = [
    ("z", "dnew * (n - h)", "dnew * (h - n)", "sign"),
    ("z", "dnew * (n - h)", "dnew * n", "missing-term"),
    ("an", "dnew * z * (1 - n * n)", "dnew * (1 - z) * (1 - n * n)", "wrong-operand"),
    ("an", "dnew * z * (1 - n * n)", "dnew * (1 - n * n)", "missing-factor"),
    ("an", "dnew * z * (1 - n * n)", "dnew * z", "missing-activation-derivative"),
    ("an", "dnew * z * (1 - n * n)", "dnew * z * (1 - n * n) ** 2", "extra-activation-derivative|double-count"),
    ("az", "dz * z * (1 - z)", "dz * sigma(z) * (1 - sigma(z))", "derivative-at-wrong-place"),
    ("az", "dz * z * (1 - z)", "dz * (1 - z**2)", "surrogate-derivative"),
    ("hr", "dan @ U.T", "dan @ U", "transpose"),
    ("hr", "dan @ U.T", "dan * U.T", "matmul-vs-elementwise"),
    ("ar", "dhr * h * r * (1 - r)", "dhr * r * (1 - r)", "missing-factor"),
    ("U", "def dU(hr, dan):\n    return hr.T @ dan", "def dU(h, dan):\n    return h.T @ dan", "wrong-operand|missing-factor"),
    ("h", "dnew * (1 - z) + daz @ Uz.T + dar @ Ur.T + dhr * r", "daz @ Uz.T + dar @ Ur.T + dhr * r", "missing-term"),
    ("h", "dnew * (1 - z) + daz @ Uz.T + dar @ Ur.T + dhr * r", "dnew * (1 - z) + daz @ Uz.T + dar @ Ur.T + dhr", "missing-factor"),
    ("h", "dnew * (1 - z) + daz @ Uz.T + dar @ Ur.T + dhr * r", "dnew * (1 - z) + daz @ Uz.T + dar @ Ur.T", "missing-term"),
    ("Ur", "return h.T @ dar", "return np.tanh(dar.T @ h - 0.4)", "unknown"),
]
RIGHT = [("return dnew * (1 - z) + daz", "return dnew - z * dnew + daz")]
