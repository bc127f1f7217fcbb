"""GRU step for a batch, no biases; the way back in one function."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("GRU step")


def sig(v):
    return 1 / (1 + np.exp(-v))


@d.forward
def gru(x, h, Wz, Uz, Wr, Ur, Wn, Un, R):
    az = x @ Wz + h @ Uz
    z = sig(az)
    ar = x @ Wr + h @ Ur
    r = sig(ar)
    an = x @ Wn + (r * h) @ Un
    n = np.tanh(an)
    new = (1 - z) * n + z * h
    loss = np.sum(R * new)
    return loss


@d.backward
def backward(x, h, z, r, n, Uz, Ur, Un, R):
    dn = R * (1 - z)
    dz = R * (h - n)
    dan = dn * (1 - n**2)
    daz = dz * z * (1 - z)
    drh = dan @ Un.T
    dar = drh * h * r * (1 - r)
    dh = R * z + drh * r + daz @ Uz.T + dar @ Ur.T
    return {
        "Wn": x.T @ dan,
        "Un": (r * h).T @ dan,
        "Wz": x.T @ daz,
        "Ur": h.T @ dar,
        "h": dh,
        "az": daz,
        "ar": dar,
        "an": dan,
    }


def inputs(rng):
    square = {k: rng.normal(size=(3, 3)) for k in ("Wz", "Uz", "Wr", "Ur", "Wn", "Un")}
    return {"x": rng.normal(size=(5, 3)), "h": rng.normal(size=(5, 3)), "R": rng.normal(size=(5, 3))} | square


# fmt: off
MISTAKES = [
    ("z|az", "dz = R * (h - n)", "dz = R * (n - h)", "sign"),
    ("z|az", "dz = R * (h - n)", "dz = R * h", "missing-term"),
    ("n|an", "dn = R * (1 - z)", "dn = R * z", "wrong-operand|wrong-mask"),
    ("an", "dn * (1 - n**2)", "dn", "missing-activation-derivative"),
    ("ar", "drh * h * r * (1 - r)", "drh * r * (1 - r)", "missing-factor"),
    ("ar", "drh * h * r * (1 - r)", "drh * h", "missing-activation-derivative"),
    ("h", "dh = R * z + drh * r", "dh = R * z + drh", "missing-factor"),
    ("h", "R * z + drh", "drh", "missing-term"),
    ("h", " + dar @ Ur.T", "", "missing-term"),
    ("h", "daz @ Uz.T + dar @ Ur.T", "daz @ Ur.T + dar @ Uz.T", "wrong-operand"),
    ("h", "daz @ Uz.T", "daz @ Uz", "transpose"),
    ("Un", "(r * h).T @ dan", "h.T @ dan", "missing-factor|wrong-operand"),
    ("Ur", "h.T @ dar", "h.T @ daz", "wrong-operand"),
    ("ar", "drh = dan @ Un.T", "drh = dan @ Un", "transpose"),
    ("ar|h", "drh = dan @ Un.T", "drh = dn @ Un.T", "missing-activation-derivative"),
]
RIGHT = [("dn * (1 - n**2)", "dn - dn * n * n")]
