"""An untied autoencoder, a class of static functions for the layers."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("autoencoder with static layers")


class Dense:
    @staticmethod
    def forward(x, w, b):
        return np.dot(x, w) + b

    @staticmethod
    def backward(g, x, w):
        return np.dot(g, w.T), np.dot(x.T, g), g.sum(axis=0)


class LeakyReLU:
    @staticmethod
    def forward(x):
        return np.where(x > 0, x, 0.1 * x)

    @staticmethod
    def backward(g, x):
        return np.where(x > 0, g, 0.1 * g)


@d.forward
def forward(x, we, be, wd, bd):
    z = Dense.forward(x, we, be)
    code = LeakyReLU.forward(z)
    rec = Dense.forward(code, wd, bd)
    loss = np.mean((rec - x) ** 2)
    return loss


@d.backward
def backward(x, we, be, wd, bd, z, code, rec):
    drec = 2 * (rec - x) / rec.size
    dcode, dwd, dbd = Dense.backward(drec, code, wd)
    dz = LeakyReLU.backward(dcode, z)
    dx, dwe, dbe = Dense.backward(dz, x, we)
    dx = dx - drec
    return {"we": dwe, "be": dbe, "wd": dwd, "bd": dbd, "x": dx}


def inputs(rng):
    return {
        "x": rng.normal(size=(4, 4)),
        "we": rng.normal(size=(4, 4)),
        "be": rng.normal(size=4),
        "wd": rng.normal(size=(4, 4)),
        "bd": rng.normal(size=4),
    }


# fmt: off
MISTAKES = [
    ("rec", "2 * (rec - x) / rec.size", "2 * (rec - x) / len(rec)", "scale"),
    ("rec", "2 * (rec - x) / rec.size", "(rec - x) / rec.size", "scale"),
    ("rec", "2 * (rec - x) / rec.size", "2 * (x - rec) / rec.size", "sign"),
    ("rec", "2 * (rec - x) / rec.size", "np.sign(rec - x) / rec.size", "wrong-loss"),
    ("code|z", "return np.dot(g, w.T), np", "return np.dot(g, w), np", "transpose"),
    ("wd|we", "np.dot(x.T, g)", "np.dot(x, g)", "transpose"),
    ("bd|be", "g.sum(axis=0)", "g.sum(axis=1)", "axis"),
    ("bd|be", "g.sum(axis=0)", "g", "broadcast"),
    ("z", "np.where(x > 0, g, 0.1 * g)", "np.where(x > 0, g, 0)", "surrogate-derivative"),
    ("z", "np.where(x > 0, g, 0.1 * g)", "np.where(x > 0, 0.1 * g, g)", "wrong-mask"),
    ("z", "np.where(x > 0, g, 0.1 * g)", "np.where(g > 0, g, 0.1 * g)", "wrong-mask"),
    ("z", "np.where(x > 0, g, 0.1 * g)", "np.where(x > 0, 1, 0.1)", "upstream-ignored"),
    ("z", "np.where(x > 0, g, 0.1 * g)", "np.where(x > 0, g, 0.1 * x)", "wrong-operand|upstream-ignored|surrogate-derivative"),
    ("x", "    dx = dx - drec\n", "", "missing-term"),
    ("x", "    dx = dx - drec\n", "    dx = dx + drec\n", "sign"),
    ("we", "\"we\": dwe", "\"we\": dwd", "wrong-operand"),
    ("we", "\"we\": dwe", "\"we\": np.sin(np.outer([1.0, 2, 3, 4], [4.0, 1, 7, 2]))", "unknown"),
]
RIGHT = [("dz = LeakyReLU.backward(dcode, z)", "dz = dcode * (0.1 + 0.9 * (code > 0))")]
