"""Log likelihood of a mixture of spherical Gaussians with softmax weights."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("mixture of Gaussians")


@d.forward
def nll(X, mu, logpi, logsig):
    D = X.shape[1]
    diff = X[:, None, :] - mu[None, :, :]
    dist = np.sum(diff**2, axis=2)
    w = logpi - np.log(np.sum(np.exp(logpi)))
    lp = w - 0.5 * dist * np.exp(-2 * logsig) - D * logsig
    top = np.max(lp, axis=1, keepdims=True)
    ll = np.log(np.sum(np.exp(lp - top), axis=1)) + top[:, 0]
    loss = -np.sum(ll)
    return loss


@d.value("ll")
def plain(lp):
    return np.log(np.sum(np.exp(lp), axis=1))


@d.gradient("lp")
def dlp(lp):
    e = np.exp(lp - np.max(lp, axis=1, keepdims=True))
    return -e / np.sum(e, axis=1, keepdims=True)


@d.gradient("mu")
def dmu(dlp, diff, logsig):
    return np.einsum("nk,nkd,k->kd", dlp, diff, np.exp(-2 * logsig))


@d.gradient("logsig")
def dlogsig(dlp, dist, logsig, D):
    return np.sum(dlp * (dist * np.exp(-2 * logsig) - D), axis=0)


@d.gradient("logpi")
def dlogpi(dlp, w):
    return np.sum(dlp - np.exp(w) * np.sum(dlp, axis=1, keepdims=True), axis=0)


def inputs(rng):
    return {
        "X": rng.normal(size=(3, 2)),
        "mu": rng.normal(size=(3, 2)),
        "logpi": rng.normal(size=3),
        "logsig": rng.normal(size=3) * 0.3,
    }


# fmt: off
MISTAKES = [
    ("value of ll|ll", "np.log(np.sum(np.exp(lp), axis=1))", "np.log(np.sum(np.exp(lp), axis=0))", "axis"),
    ("value of ll|ll", "np.log(np.sum(np.exp(lp), axis=1))", "np.log(np.mean(np.exp(lp), axis=1))", "scale|axis|missing-term"),
    ("value of ll|ll", "np.log(np.sum(np.exp(lp), axis=1))", "np.sum(lp, axis=1)", "missing-factor|missing-term|wrong-loss|unknown"),
    ("lp", "-e / np.sum(e, axis=1, keepdims=True)", "e / np.sum(e, axis=1, keepdims=True)", "sign"),
    ("lp", "-e / np.sum(e, axis=1, keepdims=True)", "-e / np.sum(e, axis=0, keepdims=True)", "axis"),
    ("lp", "-e / np.sum(e, axis=1, keepdims=True)", "-e / np.sum(e)", "axis"),
    ("lp", "-e / np.sum(e, axis=1, keepdims=True)", "-np.ones_like(lp)", "missing-factor|missing-activation-derivative"),
    ("mu", "np.einsum(\"nk,nkd,k->kd\", dlp, diff, np.exp(-2 * logsig))", "np.einsum(\"nk,nkd->kd\", dlp, diff)", "missing-factor"),
    ("mu", "diff, np.exp(-2 * logsig))", "diff, np.exp(-logsig))", "missing-factor|wrong-operand|scale"),
    ("mu", "np.einsum(\"nk,nkd,k->kd\", dlp,", "np.einsum(\"nk,nkd,k->kd\", -dlp,", "sign"),
    ("mu", "np.einsum(\"nk,nkd,k->kd\", dlp,", "np.einsum(\"kn,nkd,k->kd\", dlp,", "transpose"),
    ("logsig", "(dist * np.exp(-2 * logsig) - D)", "(dist * np.exp(-2 * logsig))", "missing-term"),
    ("logsig", "(dist * np.exp(-2 * logsig) - D)", "(dist * np.exp(-2 * logsig) - 1)", "scale|missing-factor"),
    ("logsig", "(dist * np.exp(-2 * logsig) - D)", "(0.5 * dist * np.exp(-2 * logsig) - D)", "scale"),
    ("logpi", "np.sum(dlp - np.exp(w) * np.sum(dlp, axis=1, keepdims=True), axis=0)", "np.sum(dlp, axis=0)", "missing-term"),
    ("logpi", "np.sum(dlp - np.exp(w) * np.sum(dlp, axis=1, keepdims=True), axis=0)", "np.sum(dlp * np.exp(w) * (1 - np.exp(w)), axis=0)", "softmax-diagonal"),
    ("mu", "return np.einsum(\"nk,nkd,k->kd\", dlp, diff, np.exp(-2 * logsig))", "return np.random.default_rng(17).normal(size=(3, 2))", "unknown"),
]
RIGHT = [("np.sum(dlp - np.exp(w) * np.sum(dlp, axis=1, keepdims=True), axis=0)", "np.sum(dlp - np.exp(w) * dlp.sum(1)[:, None], 0)")]
