"""Additive attention of one query over a memory, then a weighted squared error."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("additive attention")


@d.forward
def attend(q, K, Wq, Wk, v, y, c):
    pre = q @ Wq + K @ Wk
    act = np.tanh(pre)
    score = act @ v
    ex = np.exp(score)
    alpha = ex / np.sum(ex)
    ctx = alpha @ K
    loss = 0.5 * np.sum(c * (ctx - y) ** 2)
    return loss


@d.gradient("ctx")
def g_ctx(ctx, y, c):
    return c * (ctx - y)


@d.gradient("alpha")
def g_alpha(K, g_ctx):
    return K @ g_ctx


@d.gradient("score")
def g_score(alpha, g_alpha):
    J = np.diag(alpha) - np.outer(alpha, alpha)
    return J @ g_alpha


@d.gradient("v")
def g_v(act, g_score):
    return act.T @ g_score


@d.gradient("pre")
def g_pre(g_score, v, act):
    return np.outer(g_score, v) * (1 - act**2)


@d.gradient("Wk")
def g_Wk(K, g_pre):
    return K.T @ g_pre


@d.gradient("Wq")
def g_Wq(q, g_pre):
    return np.outer(q, g_pre.sum(axis=0))


@d.gradient("q")
def g_q(g_pre, Wq):
    return Wq @ g_pre.sum(axis=0)


@d.gradient("K")
def g_K(alpha, g_ctx, g_pre, Wk):
    return np.outer(alpha, g_ctx) + g_pre @ Wk.T


def inputs(rng):
    return {
        "q": rng.normal(size=4),
        "K": rng.normal(size=(4, 4)),
        "Wq": rng.normal(size=(4, 4)) * 0.6,
        "Wk": rng.normal(size=(4, 4)) * 0.6,
        "v": rng.normal(size=4),
        "y": rng.normal(size=4),
        "c": rng.uniform(0.2, 2, size=4),
    }


# fmt: off
MISTAKES = [
    ("ctx", "return c * (ctx - y)", "return ctx - y", "missing-factor"),
    ("ctx", "return c * (ctx - y)", "return c * (y - ctx)", "sign"),
    ("alpha", "return K @ g_ctx", "return K.T @ g_ctx", "transpose"),
    ("score", "J = np.diag(alpha) - np.outer(alpha, alpha)", "J = np.diag(alpha)", "missing-term|softmax-diagonal"),
    ("score", "J = np.diag(alpha) - np.outer(alpha, alpha)", "J = np.diag(alpha * (1 - alpha))", "softmax-diagonal"),
    ("score", "J = np.diag(alpha) - np.outer(alpha, alpha)", "J = np.diag(alpha) + np.outer(alpha, alpha)", "sign"),
    ("score", "return J @ g_alpha", "return np.sum(J, axis=1) + alpha * (1 - alpha)", "upstream-ignored|softmax-diagonal"),
    ("v", "act.T @ g_score", "act @ g_score", "transpose"),
    ("pre", "np.outer(g_score, v) * (1 - act**2)", "np.outer(v, g_score) * (1 - act**2)", "transpose"),
    ("pre", "np.outer(g_score, v) * (1 - act**2)", "np.outer(g_score, v)", "missing-activation-derivative"),
    ("pre", "np.outer(g_score, v) * (1 - act**2)", "np.outer(g_score, v) * (1 - act) ** 2", "surrogate-derivative|missing-activation-derivative|wrong-operand"),
    ("pre", "np.outer(g_score, v) * (1 - act**2)", "g_score * v * (1 - act**2)", "matmul-vs-elementwise|broadcast"),
    ("Wq", "np.outer(q, g_pre.sum(axis=0))", "np.outer(q, g_pre.sum(axis=1))", "axis"),
    ("Wq", "np.outer(q, g_pre.sum(axis=0))", "np.outer(q, g_pre.mean(axis=0))", "scale|axis"),
    ("q", "Wq @ g_pre.sum(axis=0)", "Wq.T @ g_pre.sum(axis=0)", "transpose"),
    ("q", "Wq @ g_pre.sum(axis=0)", "g_pre @ Wq.T", "broadcast"),
    ("K", "np.outer(alpha, g_ctx) + g_pre @ Wk.T", "g_pre @ Wk.T", "missing-term"),
    ("K", "np.outer(alpha, g_ctx) + g_pre @ Wk.T", "np.outer(alpha, g_ctx)", "missing-term"),
    ("Wk", "return K.T @ g_pre", "return np.random.default_rng(29).normal(size=(4, 4))", "unknown"),
]
RIGHT = [("    J = np.diag(alpha) - np.outer(alpha, alpha)\n    return J @ g_alpha", "    return alpha * (g_alpha - alpha @ g_alpha)")]
