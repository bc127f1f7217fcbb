"""1-d convolution with several channels by im2col, then max pooling."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("im2col convolution and max pooling")


@d.forward
def forward(x, K, R):
    N, C, L = x.shape  # noqa: RUF059
    cols = np.concatenate([x[:, :, i : i + L - 2] for i in range(3)], axis=1)
    z = np.einsum("fc,ncl->nfl", K, cols)
    pairs = z.reshape(N, K.shape[0], (L - 2) // 2, 2)
    p = np.max(pairs, axis=3)
    loss = np.sum(R * np.tanh(p))
    return loss


@d.gradient("p")
def dp(p, R):
    return R * (1 - np.tanh(p) ** 2)


@d.gradient("z")
def dz(dp, p, z):
    up = np.repeat(p, 2, axis=2)
    return np.where(z == up, np.repeat(dp, 2, axis=2), 0)


@d.gradient("K")
def dK(dz, cols):
    return np.einsum("nfl,ncl->fc", dz, cols)


@d.gradient("cols")
def dcols(dz, K):
    return np.einsum("nfl,fc->ncl", dz, K)


@d.gradient("x")
def dx(dcols, N, C, L):
    out = np.zeros((N, C, L))
    for i in range(3):
        out[:, :, i : i + L - 2] += dcols[:, i * C : (i + 1) * C]
    return out


def inputs(rng):
    return {"x": rng.normal(size=(2, 2, 8)), "K": rng.normal(size=(2, 6)), "R": rng.normal(size=(2, 2, 3))}


# fmt: off
MISTAKES = [
    ("p", "R * (1 - np.tanh(p) ** 2)", "R", "missing-activation-derivative"),
    ("p", "R * (1 - np.tanh(p) ** 2)", "R * (1 - p**2)", "derivative-at-wrong-place"),
    ("p", "R * (1 - np.tanh(p) ** 2)", "1 - np.tanh(p) ** 2", "upstream-ignored|missing-factor"),
    ("p", "R * (1 - np.tanh(p) ** 2)", "R * (1 - np.tanh(p))", "surrogate-derivative|missing-factor"),
    ("z", "np.where(z == up, np.repeat(dp, 2, axis=2), 0)", "np.repeat(dp, 2, axis=2)", "wrong-mask|missing-activation-derivative|missing-factor"),
    ("z", "np.where(z == up, np.repeat(dp, 2, axis=2), 0)", "np.repeat(dp, 2, axis=2) / 2", "surrogate-derivative|wrong-mask"),
    ("z", "np.where(z == up, np.repeat(dp, 2, axis=2), 0)", "np.where(z != up, np.repeat(dp, 2, axis=2), 0)", "wrong-mask"),
    ("z", "np.where(z == up, np.repeat(dp, 2, axis=2), 0)", "np.where(z > 0, np.repeat(dp, 2, axis=2), 0)", "wrong-mask"),
    ("K", "def dK(dz, cols):\n    return np.einsum(\"nfl,ncl->fc\", dz, cols)", "def dK(dz, cols, N):\n    return np.einsum(\"nfl,ncl->fc\", dz, cols) / N", "scale"),
    ("cols", "np.einsum(\"nfl,fc->ncl\", dz, K)", "np.einsum(\"nfl,fc->ncl\", dz, np.roll(K, 1, axis=1))", "shifted-index"),
    ("x", "out[:, :, i : i + L - 2] +=", "out[:, :, i : i + L - 2] =", "missing-term"),
    ("x", "dcols[:, i * C : (i + 1) * C]", "dcols[:, i : i + C]", "shifted-index"),
    ("x", "    for i in range(3):\n        out", "    for i in range(2):\n        out", "missing-term"),
    ("x", "    return out\n", "    return np.cos(5 * out) / 3\n", "unknown"),
]
RIGHT = [("R * (1 - np.tanh(p) ** 2)", "R / np.cosh(p) ** 2")]
