"""Distillation: KL divergence from a teacher's distribution, both softened by a temperature."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("distillation")


def softmax(z):
    e = np.exp(z)
    return e / e.sum(-1, keepdims=True)


@d.forward
def kl(x, teacher, W, T):
    student = x @ W
    p = softmax(teacher / T)
    q = softmax(student / T)
    loss = T**2 * np.mean(np.sum(p * (np.log(p) - np.log(q)), axis=-1))
    return loss


@d.gradient("student")
def d_student(p, q, T):
    return T * (q - p) / len(p)


@d.gradient("W")
def d_W(x, d_student):
    return x.T @ d_student


@d.gradient("x")
def d_x(d_student, W):
    return d_student @ W.T


def inputs(rng):
    return {
        "x": rng.normal(size=(6, 4)),
        "teacher": rng.normal(size=(6, 4)),
        "W": rng.normal(size=(4, 4)),
        "T": 2.5,
    }


# fmt: off
MISTAKES = [
    ("student", "T * (q - p) / len(p)", "(q - p) / len(p)", "missing-factor|scale"),
    ("student", "T * (q - p) / len(p)", "T**2 * (q - p) / len(p)", "missing-factor|scale"),
    ("student", "T * (q - p) / len(p)", "T * (p - q) / len(p)", "sign"),
    ("student", "T * (q - p) / len(p)", "-T * p * (1 - q) / len(p)", "softmax-diagonal"),
    ("student", "T * (q - p) / len(p)", "T * (q - p)", "scale"),
    ("student", "T * (q - p) / len(p)", "T * q * (np.log(q) - np.log(p)) / len(p)", "wrong-loss"),
    ("W", "x.T @ d_student", "d_student.T @ x", "transpose"),
    ("W", "x.T @ d_student", "x @ d_student.T", "transpose"),
    ("x", "d_student @ W.T", "d_student @ W", "transpose"),
    ("W", "x.T @ d_student", "np.sort(np.random.default_rng(14).normal(size=(4, 4)), axis=0)", "unknown"),
]
RIGHT = [("T * (q - p) / len(p)", "-T * np.mean(np.ones(4)) * (p - q) / p.shape[0]")]
