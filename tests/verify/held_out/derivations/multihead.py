"""Two attention heads in einsum, as in a kernel's reference."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("multi-head attention core")


@d.forward
def mha(Q, K, V, G):
    S = np.einsum("hid,hjd->hij", Q, K) / np.sqrt(Q.shape[-1])
    E = np.exp(S)
    P = E / E.sum(axis=-1, keepdims=True)
    out = np.einsum("hij,hjd->hid", P, V)
    loss = 0.5 * np.sum(G * out**2)
    return loss


@d.gradient("out")
def dout(G, out):
    return G * out


@d.gradient("P")
def dP(dout, V):
    return np.einsum("hid,hjd->hij", dout, V)


@d.gradient("S")
def dS(P, dout, out, dP):
    D = np.sum(dout * out, axis=-1, keepdims=True)
    return P * (dP - D)


@d.gradient("Q")
def dQ(dS, K):
    scale = K.shape[-1] ** -0.5
    return scale * np.einsum("hij,hjd->hid", dS, K)


@d.gradient("K")
def dK(dS, Q):
    scale = Q.shape[-1] ** -0.5
    return scale * np.einsum("hij,hid->hjd", dS, Q)


@d.gradient("V")
def dV(P, dout):
    return np.einsum("hij,hid->hjd", P, dout)


def inputs(rng):
    return {k: rng.normal(size=(2, 5, 3)) for k in "QKVG"}


# fmt: off
MISTAKES = [
    ("S", "return P * (dP - D)", "return P * (1 - P) * dP", "softmax-diagonal"),
    ("S", "return P * (dP - D)", "return P * dP - P * P * dP", "softmax-diagonal"),
    ("S", "return P * (dP - D)", "return P * dP", "softmax-diagonal|missing-term"),
    ("S", "return P * (dP - D)", "return dP - D", "missing-factor"),
    ("S", "return P * (dP - D)", "return P * (dP + D)", "sign"),
    ("S", "np.sum(dout * out, axis=-1, keepdims=True)", "np.sum(dout * out, axis=-2, keepdims=True)[..., :1]", "axis"),
    ("Q", "scale * np.einsum(\"hij,hjd->hid\", dS, K)", "np.einsum(\"hij,hjd->hid\", dS, K)", "scale|missing-factor"),
    ("Q", "np.einsum(\"hij,hjd->hid\", dS, K)", "np.einsum(\"hji,hjd->hid\", dS, K)", "transpose"),
    ("K", "def dK(dS, Q):\n    scale = Q.shape[-1] ** -0.5\n    return scale * np.einsum(\"hij,hid->hjd\", dS, Q)", "def dK(dS, V):\n    scale = V.shape[-1] ** -0.5\n    return scale * np.einsum(\"hij,hid->hjd\", dS, V)", "wrong-operand"),
    ("V", "np.einsum(\"hij,hid->hjd\", P, dout)", "np.einsum(\"hij,hjd->hid\", P, dout)", "transpose"),
    ("V", "np.einsum(\"hij,hid->hjd\", P, dout)", "np.zeros_like(dout)", "missing-gradient"),
    ("out", "return G * out", "return G", "missing-factor|wrong-loss"),
    ("P", "np.einsum(\"hid,hjd->hij\", dout, V)", "np.einsum(\"hid,hjd->hji\", dout, V)", "transpose"),
]
RIGHT = [("return P * (dP - D)", "return P * (dP - np.sum(P * dP, axis=-1, keepdims=True))")]
