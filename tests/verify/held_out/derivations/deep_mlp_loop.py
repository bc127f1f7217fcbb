"""Six tanh layers of square weights; the way back is a loop."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("six tanh layers")


@d.forward
def net(x, t, W1, W2, W3, W4, W5, W6):
    a1 = np.tanh(x @ W1)
    a2 = np.tanh(a1 @ W2)
    a3 = np.tanh(a2 @ W3)
    a4 = np.tanh(a3 @ W4)
    a5 = np.tanh(a4 @ W5)
    out = a5 @ W6
    loss = 0.5 * np.sum((out - t) ** 2)
    return loss


@d.backward
def backprop(cache):
    grads = {}
    delta = cache.out - cache.t
    grads["W6"] = cache.a5.T @ delta
    upstream = delta @ cache.W6.T
    for layer in range(5, 0, -1):
        activation = cache[f"a{layer}"]
        before = cache[f"a{layer - 1}"] if layer > 1 else cache.x
        dz = upstream * (1 - activation**2)
        grads[f"W{layer}"] = before.T @ dz
        upstream = dz @ cache[f"W{layer}"].T
    return grads


def inputs(rng):
    n = 4
    weights = {f"W{k}": rng.normal(size=(n, n)) / 1.5 for k in range(1, 7)}
    return {"x": rng.normal(size=(5, n)), "t": rng.normal(size=(5, n))} | weights


# fmt: off
MISTAKES = [
    ("W5|W4", "dz = upstream * (1 - activation**2)", "dz = upstream", "missing-activation-derivative"),
    ("W5|W4", "dz = upstream * (1 - activation**2)", "dz = upstream * (1 - before**2)", "wrong-operand|derivative-at-wrong-place|shifted-index"),
    ("W4|a4|W5", "upstream = dz @ cache[f\"W{layer}\"].T", "upstream = dz @ cache[f'W{layer}']", "transpose"),
    ("W4|a4|W5", "upstream = dz @ cache[f\"W{layer}\"].T", "upstream = dz @ cache[f'W{layer + 1}'].T", "wrong-operand|shifted-index"),
    ("W5", "grads[f\"W{layer}\"] = before.T @ dz", "grads[f'W{layer}'] = activation.T @ dz", "wrong-operand|shifted-index"),
    ("W5", "grads[f\"W{layer}\"] = before.T @ dz", "grads[f'W{layer}'] = dz.T @ before", "transpose"),
    ("out|W6", "delta = cache.out - cache.t", "delta = cache.out", "missing-term"),
    ("W6", "cache.a5.T @ delta", "cache.a4.T @ delta", "wrong-operand|shifted-index"),
    ("W3", "dz = upstream * (1 - activation**2)", "dz = upstream * (1 - activation**2) if layer != 3 else upstream", "missing-activation-derivative"),
    ("W1", "if layer > 1 else cache.x", "if layer > 1 else cache.t", "wrong-operand"),
    ("W4|a5|W5", "upstream = delta @ cache.W6.T", "upstream = delta @ cache.W6", "transpose"),
    ("W2", "    return grads", "    grads['W2'] = np.random.default_rng(1).normal(size=(4, 4))\n    return grads", "unknown"),
]
RIGHT = [("upstream * (1 - activation**2)", "upstream - upstream * activation * activation")]
