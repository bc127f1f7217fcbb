"""A mixture of Gaussians with fixed widths: responsibilities in the gradients."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("mixture density")


@d.forward
def mixture(x, mu, logits, sigma):
    pi = np.exp(logits) / np.sum(np.exp(logits))
    diff = x[:, None] - mu
    dens = pi * np.exp(-0.5 * diff**2 / sigma**2) / sigma
    total = np.sum(dens, axis=1)
    loss = -np.sum(np.log(total))
    return loss


d.gradient("dens", lambda total, dens: -np.ones_like(dens) / total[:, None], name="gdens")
d.gradient("mu", lambda gdens, dens, diff, sigma: np.sum(gdens * dens * diff, axis=0) / sigma**2, name="gmu")
d.gradient("pi", lambda gdens, dens, pi: np.sum(gdens * dens, axis=0) / pi, name="gpi")
d.gradient("logits", lambda gpi, pi: pi * (gpi - gpi @ pi))


def inputs(rng):
    return {"x": rng.normal(size=9), "mu": rng.normal(size=3), "logits": rng.normal(size=3), "sigma": 0.8}


# fmt: off
MISTAKES = [
    ("logits", "pi * (gpi - gpi @ pi)", "pi * (1 - pi) * gpi", "softmax-diagonal"),
    ("logits", "pi * (gpi - gpi @ pi)", "pi * gpi", "softmax-diagonal|missing-term"),
    ("logits", "pi * (gpi - gpi @ pi)", "pi * (gpi - np.sum(gpi))", "missing-factor"),
    ("logits", "pi * (gpi - gpi @ pi)", "pi * (gpi - gpi * pi)", "softmax-diagonal|matmul-vs-elementwise"),
    ("mu", "np.sum(gdens * dens * diff, axis=0) / sigma**2", "-np.sum(gdens * dens * diff, axis=0) / sigma**2", "sign"),
    ("mu", "np.sum(gdens * dens * diff, axis=0) / sigma**2", "np.sum(gdens * dens * diff, axis=0)", "missing-factor|scale"),
    ("mu", "np.sum(gdens * dens * diff, axis=0) / sigma**2", "np.sum(gdens * dens * diff) / sigma**2", "axis"),
    ("mu", "np.sum(gdens * dens * diff, axis=0) / sigma**2", "np.sum(gdens * diff, axis=0) / sigma**2", "missing-factor"),
    ("mu", "np.sum(gdens * dens * diff, axis=0) / sigma**2", "gdens * dens * diff / sigma**2", "broadcast"),
    ("pi", "np.sum(gdens * dens, axis=0) / pi", "np.sum(gdens * dens, axis=0)", "missing-factor"),
    ("dens", "-np.ones_like(dens) / total[:, None]", "-1 / dens", "wrong-operand|missing-term"),
    ("dens", "-np.ones_like(dens) / total[:, None]", "np.ones_like(dens) / total[:, None]", "sign"),
]
RIGHT = [("pi * (gpi - gpi @ pi)", "(np.diag(pi) - np.outer(pi, pi)) @ gpi")]
