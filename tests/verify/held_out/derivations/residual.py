"""Two residual blocks with ReLU branches, squares everywhere, gradient of every stream."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("residual blocks")


@d.forward
def resnet(x, A, B, y):
    p = x @ A
    h = x + np.maximum(p, 0)
    q = h @ B
    k = h + np.maximum(q, 0)
    loss = np.mean((k - y) ** 2)
    return loss


d.gradient("k", lambda k, y: 2 * (k - y) / k.size, name="gk")
d.gradient("q", lambda gk, q: gk * (q > 0), name="gq")
d.gradient("h", lambda gk, gq, B: gk + gq @ B.T, name="gh")
d.gradient("p", lambda gh, p: gh * (p > 0), name="gp")
d.gradient("x", lambda gh, gp, A: gh + gp @ A.T, name="gx")
d.gradient("A", lambda x, gp: x.T @ gp, name="gA")
d.gradient("B", lambda h, gq: h.T @ gq, name="gB")


def inputs(rng):
    return {k: rng.normal(size=(5, 5)) for k in ("x", "A", "B", "y")}


# fmt: off
MISTAKES = [
    ("h", "gk + gq @ B.T", "gq @ B.T", "missing-term"),
    ("h", "gk + gq @ B.T", "gk", "missing-term"),
    ("h", "gk + gq @ B.T", "gk + gk @ B.T", "missing-activation-derivative"),
    ("h", "gk + gq @ B.T", "2 * gk + gq @ B.T", "double-count|scale"),
    ("x", "gh + gp @ A.T", "gp @ A.T", "missing-term"),
    ("x", "gh + gp @ A.T", "gh + gh + gp @ A.T", "double-count"),
    ("x", "gh + gp @ A.T", "gh + gp * A.T", "matmul-vs-elementwise"),
    ("x", "lambda gh, gp, A: gh + gp @ A.T", "lambda gh, gp, B: gh + gp @ B.T", "wrong-operand"),
    ("x", "lambda gh, gp, A: gh + gp @ A.T", "lambda gk, gp, A: gk + gp @ A.T", "wrong-operand|shifted-index"),
    ("q", "gk * (q > 0)", "gk * (q > 0) * (gk > 0)", "wrong-mask"),
    ("p", "lambda gh, p: gh * (p > 0)", "lambda gh, h: gh * (h > 0)", "derivative-at-wrong-place|wrong-mask"),
    ("p", "lambda gh, p: gh * (p > 0)", "lambda gh, q: gh * (q > 0)", "wrong-mask|wrong-operand"),
    ("k", "2 * (k - y) / k.size", "2 * (k - y) / len(k)", "scale"),
    ("A", "x.T @ gp", "x @ gp", "transpose"),
    ("B", "h.T @ gq", "h.T * gq", "matmul-vs-elementwise"),
    ("B", "lambda h, gq: h.T @ gq", "lambda x, gq: x.T @ gq", "wrong-operand"),
]
RIGHT = [("gk + gq @ B.T", "gk @ np.eye(5) + (B @ gq.T).T")]
