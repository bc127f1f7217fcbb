"""REINFORCE with a baseline and an entropy bonus, discrete actions."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("policy gradient")


@d.forward
def objective(states, actions, returns, baseline, W, c):
    n = states.shape[0]
    logits = states @ W
    pi = np.exp(logits) / np.sum(np.exp(logits), axis=1, keepdims=True)
    logp = np.log(pi)
    adv = returns - baseline
    H = -np.sum(pi * logp, axis=1)
    loss = -np.mean(adv * logp[np.arange(n), actions]) - c * np.mean(H)
    return loss


@d.gradient("logits")
def dlogits(pi, logp, adv, actions, H, c):
    n = len(adv)
    onehot = np.eye(pi.shape[1])[actions]
    policy = adv[:, None] * (pi - onehot)
    entropy = c * pi * (logp + H[:, None])
    return (policy + entropy) / n


@d.gradient("W")
def dW(states, dlogits):
    return states.T @ dlogits


def inputs(rng):
    return {
        "states": rng.normal(size=(7, 4)),
        "actions": rng.integers(0, 3, size=7),
        "returns": rng.normal(size=7) + 1,
        "baseline": rng.normal(size=7),
        "W": 0.5 * rng.normal(size=(4, 3)),
        "c": 0.2,
    }


# fmt: off
MISTAKES = [
    ("logits", "(policy + entropy) / n", "policy / n", "missing-term|regulariser"),
    ("logits", "(policy + entropy) / n", "(policy - entropy) / n", "sign"),
    ("logits", "(policy + entropy) / n", "policy + entropy", "scale"),
    ("logits", "adv[:, None] * (pi - onehot)", "adv[:, None] * (onehot - pi)", "sign"),
    ("logits", "adv[:, None] * (pi - onehot)", "pi - onehot", "missing-factor|upstream-ignored"),
    ("logits", "adv[:, None] * (pi - onehot)", "-adv[:, None] * onehot", "missing-term"),
    ("logits", "adv[:, None] * (pi - onehot)", "-adv[:, None] * onehot * (1 - pi)", "softmax-diagonal"),
    ("logits", "c * pi * (logp + H[:, None])", "c * pi * logp", "missing-term"),
    ("logits", "c * pi * (logp + H[:, None])", "c * pi * (logp + 1)", "softmax-diagonal|missing-term|wrong-operand"),
    ("logits", "c * pi * (logp + H[:, None])", "c * (logp + H[:, None])", "missing-factor"),
    ("logits", "np.eye(pi.shape[1])[actions]", "np.eye(pi.shape[1])[actions - 1]", "shifted-index"),
    ("W", "states.T @ dlogits", "states.T @ dlogits / 7", "scale"),
]
RIGHT = [("c * pi * (logp + H[:, None])", "c * (pi * logp - pi * np.sum(pi * logp, axis=1, keepdims=True))")]
