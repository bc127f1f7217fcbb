"""Skip-gram with negative sampling."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("word2vec")


def sigma(x):
    return 1 / (1 + np.exp(-x))


@d.forward
def sgns(vc, uo, Un):
    pos = uo @ vc
    neg = Un @ vc
    loss = -np.log(sigma(pos)) - np.sum(np.log(sigma(-neg)))
    return loss


d.gradient("pos", lambda pos: sigma(pos) - 1, name="gpos")
d.gradient("neg", lambda neg: sigma(neg), name="gneg")
d.gradient("vc", lambda gpos, gneg, uo, Un: gpos * uo + Un.T @ gneg)
d.gradient("uo", lambda gpos, vc: gpos * vc)
d.gradient("Un", lambda gneg, vc: np.outer(gneg, vc))


def inputs(rng):
    return {"vc": rng.normal(size=4), "uo": rng.normal(size=4), "Un": rng.normal(size=(4, 4))}


# fmt: off
MISTAKES = [
    ("pos", "sigma(pos) - 1", "1 - sigma(pos)", "sign"),
    ("pos", "sigma(pos) - 1", "sigma(pos)", "missing-term"),
    ("pos", "sigma(pos) - 1", "-1 / sigma(pos)", "missing-activation-derivative"),
    ("neg", "lambda neg: sigma(neg)", "lambda neg: -sigma(neg)", "sign"),
    ("neg", "lambda neg: sigma(neg)", "lambda neg: sigma(neg) * (1 - sigma(neg))", "extra-activation-derivative"),
    ("neg", "lambda neg: sigma(neg)", "lambda neg: sigma(-neg)", "sign"),
    ("vc", "gpos * uo + Un.T @ gneg", "gpos * uo", "missing-term"),
    ("vc", "gpos * uo + Un.T @ gneg", "gpos * uo + Un @ gneg", "transpose"),
    ("vc", "gpos * uo + Un.T @ gneg", "gpos * uo + Un[0] * gneg", "matmul-vs-elementwise"),
    ("uo", "lambda gpos, vc: gpos * vc", "lambda gpos, uo: gpos * uo", "wrong-operand"),
    ("uo", "lambda gpos, vc: gpos * vc", "lambda gpos, vc: vc", "upstream-ignored"),
    ("Un", "np.outer(gneg, vc)", "np.outer(vc, gneg)", "transpose"),
    ("Un", "np.outer(gneg, vc)", "gneg * vc", "matmul-vs-elementwise|shape"),
]
RIGHT = [("sigma(pos) - 1", "-sigma(-pos)")]
