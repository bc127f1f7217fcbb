"""A modern Hopfield energy and the gradient that retrieves."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("Hopfield energy")


@d.forward
def energy(state, patterns, beta):
    a = beta * (patterns @ state)
    lse = np.log(np.sum(np.exp(a))) / beta
    loss = 0.5 * np.sum(state**2) - lse
    return loss


@d.gradient("state")
def dstate(state, patterns, a):
    p = np.exp(a) / np.sum(np.exp(a))
    return state - patterns.T @ p


@d.gradient("patterns")
def dpatterns(state, a):
    return -np.outer(np.exp(a) / np.sum(np.exp(a)), state)


def inputs(rng):
    return {"state": rng.normal(size=4), "patterns": rng.normal(size=(4, 4)), "beta": 1.7}


# fmt: off
MISTAKES = [
    ("state", "state - patterns.T @ p", "state - patterns @ p", "transpose"),
    ("state", "state - patterns.T @ p", "state", "missing-term"),
    ("state", "state - patterns.T @ p", "-patterns.T @ p", "missing-term"),
    ("state", "state - patterns.T @ p", "state + patterns.T @ p", "sign"),
    ("state", "p = np.exp(a) / np.sum(np.exp(a))", "p = np.exp(a)", "missing-factor"),
    ("state", "state - patterns.T @ p", "state - patterns.T[0] * p", "matmul-vs-elementwise"),
    ("state", "state - patterns.T @ p", "2 * state - patterns.T @ p", "scale|double-count"),
    ("patterns", "-np.outer(np.exp(a) / np.sum(np.exp(a)), state)", "-np.outer(state, np.exp(a) / np.sum(np.exp(a)))", "transpose"),
    ("patterns", "-np.outer(np.exp(a) / np.sum(np.exp(a)), state)", "np.outer(np.exp(a) / np.sum(np.exp(a)), state)", "sign"),
    ("patterns", "-np.outer(np.exp(a) / np.sum(np.exp(a)), state)", "-1.7 * np.outer(np.exp(a) / np.sum(np.exp(a)), state)", "scale|missing-factor"),
    ("patterns", "-np.outer(np.exp(a) / np.sum(np.exp(a)), state)", "np.zeros((4, 4))", "missing-gradient"),
    ("patterns", "-np.outer(np.exp(a) / np.sum(np.exp(a)), state)", "-np.exp(a) / np.sum(np.exp(a)) * state", "matmul-vs-elementwise"),
]
RIGHT = [("state - patterns.T @ p", "state - p @ patterns")]
