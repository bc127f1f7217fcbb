"""REINFORCE with a learnt baseline and an entropy bonus."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("policy gradient with baseline and entropy bonus")


@d.forward
def surrogate(S, act, G, theta, v, base, ent):
    T = len(act)
    z = S @ theta
    logp = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    pi = np.exp(logp)
    b = S @ v
    adv = G - base
    H = -np.sum(pi * logp, axis=1)
    loss = -np.mean(adv * logp[np.arange(T), act]) - ent * np.mean(H) + 0.5 * np.mean((G - b) ** 2)
    return loss


@d.gradient("z")
def dz(pi, logp, act, adv, H, ent, T):
    onehot = np.eye(pi.shape[1])[act]
    policy = adv[:, None] * (pi - onehot)
    entropy = ent * pi * (logp + H[:, None])
    return (policy + entropy) / T


@d.gradient("theta")
def dtheta(S, dz):
    return S.T @ dz


@d.gradient("b")
def db(G, b, T):
    return (b - G) / T


@d.gradient("v")
def dv(S, db):
    return S.T @ db


def inputs(rng):
    return {
        "S": rng.normal(size=(5, 3)),
        "act": np.array([0, 2, 1, 2, 0]),
        "G": rng.normal(size=5) * 2,
        "theta": rng.normal(size=(3, 3)),
        "v": rng.normal(size=3),
        "base": rng.normal(size=5),
        "ent": 0.3,
    }


# fmt: off
MISTAKES = [
    ("z", "adv[:, None] * (pi - onehot)", "adv[:, None] * (onehot - pi)", "sign"),
    ("z", "adv[:, None] * (pi - onehot)", "pi - onehot", "missing-factor"),
    ("z", "adv[:, None] * (pi - onehot)", "-adv[:, None] * onehot", "missing-term"),
    ("z", "def dz(pi, logp, act, adv, H, ent, T):\n    onehot = np.eye(pi.shape[1])[act]\n    policy = adv[:, None]", "def dz(pi, logp, act, G, H, ent, T):\n    onehot = np.eye(pi.shape[1])[act]\n    policy = G[:, None]", "wrong-operand|missing-term"),
    ("z", "ent * pi * (logp + H[:, None])", "ent * pi * logp", "missing-term"),
    ("z", "ent * pi * (logp + H[:, None])", "-ent * pi * (logp + H[:, None])", "sign"),
    ("z", "ent * pi * (logp + H[:, None])", "ent * (logp + 1)", "missing-activation-derivative|missing-factor|missing-term"),
    ("z", "ent * pi * (logp + H[:, None])", "pi * (logp + H[:, None])", "scale|missing-factor|regulariser"),
    ("z", "(policy + entropy) / T", "policy / T", "missing-term|regulariser"),
    ("z", "(policy + entropy) / T", "policy + entropy", "scale"),
    ("z", "[act]\n", "[np.roll(act, 1)]\n", "shifted-index|wrong-operand"),
    ("b", "(b - G) / T", "(G - b) / T", "sign"),
    ("b", "(b - G) / T", "2 * (b - G) / T", "scale"),
    ("b", "def db(G, b, T):\n    return (b - G) / T", "def db(G, b, adv, T):\n    return -adv / T", "wrong-operand"),
    ("theta", "return S.T @ dz", "return dz.T @ S", "transpose"),
    ("v", "return S.T @ db", "return S.T @ np.ones(5)", "upstream-ignored|missing-factor"),
    ("theta", "return S.T @ dz", "return np.random.default_rng(15).normal(size=(3, 3))", "unknown"),
]
RIGHT = [("(b - G) / T", "-(G - b) / len(G)")]
