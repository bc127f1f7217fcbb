"""A VAE: reparametrisation, Bernoulli reconstruction, KL to the standard normal."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("variational autoencoder")


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


@d.forward
def elbo(x, eps, We, Wm, Ws, Wd):
    h = np.tanh(x @ We)
    mu = h @ Wm
    logvar = h @ Ws
    std = np.exp(0.5 * logvar)
    z = mu + std * eps
    logits = z @ Wd
    xr = sigmoid(logits)
    rec = -np.sum(x * np.log(xr) + (1 - x) * np.log(1 - xr))
    kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))
    loss = rec + kl
    return loss


@d.backward
def backward(x, eps, We, Wm, Ws, Wd, h, mu, logvar, std, z, xr):
    grad_logits = xr - x
    grad_Wd = z.T @ grad_logits
    grad_z = grad_logits @ Wd.T
    grad_mu = grad_z + mu
    grad_logvar = grad_z * eps * 0.5 * std + 0.5 * (np.exp(logvar) - 1)
    grad_Wm = h.T @ grad_mu
    grad_Ws = h.T @ grad_logvar
    grad_h = grad_mu @ Wm.T + grad_logvar @ Ws.T
    grad_We = x.T @ (grad_h * (1 - h**2))
    return {
        "grad_Wd": grad_Wd,
        "grad_mu": grad_mu,
        "grad_logvar": grad_logvar,
        "grad_Wm": grad_Wm,
        "grad_Ws": grad_Ws,
        "grad_h": grad_h,
        "grad_We": grad_We,
    }


def inputs(rng):
    return {
        "x": rng.integers(2, size=(5, 4)).astype(float),
        "eps": rng.normal(size=(5, 2)),
        "We": rng.normal(size=(4, 3)),
        "Wm": rng.normal(size=(3, 2)),
        "Ws": rng.normal(size=(3, 2)),
        "Wd": rng.normal(size=(2, 4)),
    }


# fmt: off
MISTAKES = [
    ("logits", "grad_logits = xr - x", "grad_logits = (xr - x) * xr * (1 - xr)", "extra-activation-derivative"),
    ("logits", "grad_logits = xr - x", "grad_logits = (xr - x) / len(x)", "scale"),
    ("mu", "grad_mu = grad_z + mu", "grad_mu = grad_z", "missing-term"),
    ("mu", "grad_mu = grad_z + mu", "grad_mu = grad_z - mu", "sign"),
    ("mu", "grad_mu = grad_z + mu", "grad_mu = grad_z + 2 * mu", "scale"),
    ("logvar", "0.5 * (np.exp(logvar) - 1)", "0.5 * np.exp(logvar)", "missing-term"),
    ("logvar", "0.5 * (np.exp(logvar) - 1)", "0.5 * (1 - np.exp(logvar))", "sign"),
    ("logvar", "grad_z * eps * 0.5 * std +", "grad_z * eps * std +", "scale"),
    ("logvar", "grad_z * eps * 0.5 * std +", "grad_z * eps * 0.5 +", "missing-factor"),
    ("logvar", "grad_z * eps * 0.5 * std +", "grad_z * 0.5 * std +", "missing-factor"),
    ("logvar", "0.5 * (np.exp(logvar) - 1)", "0.5 * (std - 1)", "wrong-operand"),
    ("Ws", "h.T @ grad_logvar", "h.T @ grad_mu", "wrong-operand"),
    ("h", "grad_mu @ Wm.T + grad_logvar @ Ws.T", "grad_mu @ Wm.T", "missing-term"),
    ("h", "grad_mu @ Wm.T + grad_logvar @ Ws.T", "grad_z @ Wm.T + grad_logvar @ Ws.T", "missing-term|wrong-operand"),
    ("We", "x.T @ (grad_h * (1 - h**2))", "x.T @ grad_h * (1 - h[:4] ** 2)", "derivative-at-wrong-place|wrong-operand|shape"),
    ("Wd", "grad_Wd = z.T @ grad_logits", "grad_Wd = mu.T @ grad_logits", "wrong-operand|missing-term"),
    ("Wd", "grad_Wd = z.T @ grad_logits", "grad_Wd = np.random.default_rng(9).normal(size=Wd.shape)", "unknown"),
]
RIGHT = [("grad_z * eps * 0.5 * std", "0.5 * grad_z * (z - mu)")]
