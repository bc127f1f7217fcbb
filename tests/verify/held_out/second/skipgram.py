"""Skip-gram with negative sampling, one centre word."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("skip-gram, negative sampling")


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


@d.forward
def loss(vc, uo, Un):
    pos = uo @ vc
    neg = Un @ vc
    J = -np.log(sigmoid(pos)) - np.sum(np.log(sigmoid(-neg)))
    return J


@d.gradient("vc")
def grad_vc(vc, uo, Un, pos, neg):
    return (sigmoid(pos) - 1) * uo + Un.T @ sigmoid(neg)


@d.gradient("uo")
def grad_uo(vc, pos):
    return (sigmoid(pos) - 1) * vc


@d.gradient("Un")
def grad_Un(vc, neg):
    return np.outer(sigmoid(neg), vc)


@d.gradient("Un[k, i]")
def entry(k, i, vc, Un):
    return sigmoid(Un[k] @ vc) * vc[i]


def inputs(rng):
    return {"vc": rng.normal(size=4), "uo": rng.normal(size=4), "Un": rng.normal(size=(4, 4))}


# fmt: off
MISTAKES = [
    ("vc", "(sigmoid(pos) - 1) * uo + Un.T @ sigmoid(neg)", "(sigmoid(pos) - 1) * uo - Un.T @ sigmoid(neg)", "sign"),
    ("vc", "(sigmoid(pos) - 1) * uo + Un.T @ sigmoid(neg)", "(sigmoid(pos) - 1) * uo", "missing-term"),
    ("vc", "(sigmoid(pos) - 1) * uo + Un.T @ sigmoid(neg)", "sigmoid(pos) * uo + Un.T @ sigmoid(neg)", "missing-term"),
    ("vc", "(sigmoid(pos) - 1) * uo + Un.T @ sigmoid(neg)", "(sigmoid(pos) - 1) * uo + Un @ sigmoid(neg)", "transpose"),
    ("vc", "(sigmoid(pos) - 1) * uo + Un.T @ sigmoid(neg)", "(sigmoid(pos) - 1) * uo + Un.T @ sigmoid(-neg)", "sign|wrong-operand"),
    ("vc", "(sigmoid(pos) - 1) * uo + Un.T @ sigmoid(neg)", "(sigmoid(pos) - 1) * uo + Un.T @ sigmoid(neg) / len(neg)", "scale"),
    ("uo", "(sigmoid(pos) - 1) * vc", "(1 - sigmoid(pos)) * vc", "sign"),
    ("uo", "(sigmoid(pos) - 1) * vc", "-sigmoid(pos) * (1 - sigmoid(pos)) * vc", "extra-activation-derivative"),
    ("uo", "    return (sigmoid(pos) - 1) * vc", "    return vc", "missing-factor|missing-term"),
    ("Un", "np.outer(sigmoid(neg), vc)", "np.outer(vc, sigmoid(neg))", "transpose"),
    ("Un", "np.outer(sigmoid(neg), vc)", "np.outer(sigmoid(neg) - 1, vc)", "missing-term|sign|wrong-loss|wrong-operand"),
    ("Un[k, i]", "sigmoid(Un[k] @ vc) * vc[i]", "sigmoid(Un[i] @ vc) * vc[k]", "transpose|shifted-index"),
    ("Un[k, i]", "sigmoid(Un[k] @ vc) * vc[i]", "sigmoid(Un[k] @ vc) * vc[i - 1]", "shifted-index"),
    ("Un[k, i]", "sigmoid(Un[k] @ vc) * vc[i]", "sigmoid(Un[k] @ vc)", "missing-factor"),
    ("uo", "    return (sigmoid(pos) - 1) * vc", "    return np.sin(np.arange(4.0) * 1.7)", "unknown"),
]
RIGHT = [("(sigmoid(pos) - 1) * uo + Un.T @", "-sigmoid(-pos) * uo + sigmoid(Un @ vc) @ Un + 0 * Un.T @")]
