"""A deep tanh network: layers in lists, a loop backwards."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("loop over layers")


@d.forward
def forward(x, y, W1, W2, W3, b1, b2, b3):
    Ws, bs = [W1, W2, W3], [b1, b2, b3]
    acts = [x]
    pre = []
    for W, b in zip(Ws, bs, strict=True):
        pre.append(acts[-1] @ W + b)
        acts.append(np.tanh(pre[-1]))
    loss = 0.5 * np.mean(np.sum((acts[-1] - y) ** 2, axis=1))
    return loss


@d.backward
def backward(x, y, W1, W2, W3, acts, pre):
    Ws = [W1, W2, W3]
    n = len(x)
    delta = (acts[3] - y) / n * (1 - acts[3] ** 2)
    gW, gb = [None] * 3, [None] * 3
    for layer in (2, 1, 0):
        gW[layer] = acts[layer].T @ delta
        gb[layer] = delta.sum(axis=0)
        if layer > 0:
            delta = (delta @ Ws[layer].T) * (1 - acts[layer] ** 2)
    return {"W1": gW[0], "W2": gW[1], "W3": gW[2], "b1": gb[0], "b2": gb[1], "b3": gb[2]}


def inputs(rng):
    sizes = [4, 4, 4, 4]
    out = {"x": rng.normal(size=(5, 4)), "y": rng.normal(size=(5, 4))}
    for i in (1, 2, 3):
        out[f"W{i}"] = rng.normal(size=(sizes[i - 1], sizes[i])) * 0.7
        out[f"b{i}"] = rng.normal(size=sizes[i]) * 0.3
    return out


# fmt: off
MISTAKES = [
    ("W3|b3", "(acts[3] - y) / n * (1 - acts[3] ** 2)", "(acts[3] - y) / n", "missing-activation-derivative"),
    ("W3|b3", "(acts[3] - y) / n * (1 - acts[3] ** 2)", "2 * (acts[3] - y) / n * (1 - acts[3] ** 2)", "scale"),
    ("W3|b3", "(acts[3] - y) / n * (1 - acts[3] ** 2)", "(acts[3] - y) / n * (1 - pre[2] ** 2)", "derivative-at-wrong-place"),
    ("W3|b3", "(acts[3] - y) / n * (1 - acts[3] ** 2)", "(acts[3] - y) / y.size * (1 - acts[3] ** 2)", "scale"),
    ("W2|b2", "* (1 - acts[layer] ** 2)", "* (1 - pre[layer] ** 2)", "shifted-index|wrong-operand|derivative-at-wrong-place"),
    ("W2|b2", "* (1 - acts[layer] ** 2)", "* (1 - acts[layer - 1] ** 2)", "shifted-index|wrong-operand|derivative-at-wrong-place"),
    ("W2|b2", "* (1 - acts[layer] ** 2)", "* acts[layer] * (1 - acts[layer])", "surrogate-derivative"),
    ("W2|b2", "* (1 - acts[layer] ** 2)", "* (1 - np.tanh(acts[layer]) ** 2)", "derivative-at-wrong-place"),
    ("W2|b2", "delta @ Ws[layer].T", "delta @ Ws[layer]", "transpose"),
    ("W2|b2", "delta @ Ws[layer].T", "delta @ Ws[layer - 1].T", "shifted-index|wrong-operand"),
    ("W3|W2|W1", "acts[layer].T @ delta", "acts[layer + 1].T @ delta", "shifted-index|wrong-operand"),
    ("W3|W2|W1", "acts[layer].T @ delta", "delta.T @ acts[layer]", "transpose"),
    ("W1|b1", "        if layer > 0:\n", "        if layer > 1:\n", "stale-value|wrong-operand|missing-factor|shifted-index"),
    ("b3|b2|b1", "delta.sum(axis=0)", "delta.sum(axis=1)", "axis|shape"),
    ("b3|b2|b1", "delta.sum(axis=0)", "delta.mean(axis=0)", "scale|axis"),
    ("W1", "\"W1\": gW[0]", "\"W1\": np.random.default_rng(4).normal(size=(4, 4))", "unknown"),
]
RIGHT = [
    ("* (1 - acts[layer] ** 2)", "/ np.cosh(pre[layer - 1]) ** 2"),
    ("acts[layer].T @ delta", "sum(np.outer(a, e) for a, e in zip(acts[layer], delta, strict=True))"),
]
