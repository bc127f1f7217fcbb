"""Variational autoencoder, one sample by reparametrisation, linear decoder."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("VAE")


@d.forward
def elbo(x, eps, Wm, Ws, U):
    mu = x @ Wm
    logvar = x @ Ws
    std = np.exp(0.5 * logvar)
    z = mu + std * eps
    xr = z @ U
    rec = 0.5 * np.sum((xr - x) ** 2)
    kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))
    loss = rec + kl
    return loss


@d.backward
def grads(cache):
    g_xr = cache.xr - cache.x
    g_U = cache.z.T @ g_xr
    g_z = g_xr @ cache.U.T
    g_mu = g_z + cache.mu
    g_logvar = g_z * cache.eps * 0.5 * cache.std + 0.5 * (np.exp(cache.logvar) - 1)
    g_Wm = cache.x.T @ g_mu
    g_Ws = cache.x.T @ g_logvar
    return {"U": g_U, "z": g_z, "mu": g_mu, "logvar": g_logvar, "Wm": g_Wm, "Ws": g_Ws}


def inputs(rng):
    return {
        "x": rng.normal(size=(6, 5)),
        "eps": rng.normal(size=(6, 2)),
        "Wm": 0.5 * rng.normal(size=(5, 2)),
        "Ws": 0.3 * rng.normal(size=(5, 2)),
        "U": rng.normal(size=(2, 5)),
    }


# fmt: off
MISTAKES = [
    ("mu", "g_z + cache.mu", "g_z", "missing-term|regulariser"),
    ("mu", "g_z + cache.mu", "cache.mu", "missing-term"),
    ("mu", "g_z + cache.mu", "g_z + 2 * cache.mu", "scale|double-count"),
    ("mu", "g_z + cache.mu", "g_z - cache.mu", "sign"),
    ("logvar", " + 0.5 * (np.exp(cache.logvar) - 1)", "", "missing-term|regulariser"),
    ("logvar", "g_z * cache.eps * 0.5 * cache.std", "g_z * cache.eps * cache.std", "scale"),
    ("logvar", "g_z * cache.eps * 0.5 * cache.std", "g_z * 0.5 * cache.std", "missing-factor"),
    ("logvar", "g_z * cache.eps * 0.5 * cache.std", "g_z * cache.eps * 0.5", "missing-factor|missing-activation-derivative"),
    ("logvar", "0.5 * (np.exp(cache.logvar) - 1)", "0.5 * (1 - np.exp(cache.logvar))", "sign"),
    ("logvar", "0.5 * (np.exp(cache.logvar) - 1)", "0.5 * np.exp(cache.logvar)", "missing-term"),
    ("U", "cache.z.T @ g_xr", "cache.mu.T @ g_xr", "wrong-operand|missing-term"),
    ("Ws", "cache.x.T @ g_logvar", "cache.xr.T @ g_logvar", "wrong-operand"),
    ("U", "cache.z.T @ g_xr", "np.random.default_rng(21).normal(size=(2, 5))", "unknown"),
]
RIGHT = [("0.5 * (np.exp(cache.logvar) - 1)", "0.5 * (cache.std + 1) * (cache.std - 1)")]
