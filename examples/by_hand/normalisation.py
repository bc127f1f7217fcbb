"""Batch norm (step by step and in one line), layer norm, RMS norm."""

import numpy as np
from study import Mistake, Study, show

rng = np.random.default_rng(0)
EPS = 1e-5


def batch_norm_steps(x, gamma, beta, target):
    mu = x.mean(axis=0)
    xc = x - mu
    var = np.mean(xc**2, axis=0)
    std = np.sqrt(var + EPS)
    xhat = xc / std
    out = gamma * xhat + beta
    loss = 0.5 * np.sum((out - target) ** 2)
    return loss


def batch_norm_steps_backward(out, target, xhat, gamma, xc, std):
    N = xc.shape[0]
    dout = out - target
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    dstd = -np.sum(dxhat * xc, axis=0) / std**2
    dvar = 0.5 * dstd / std
    dxc = dxhat / std + 2 / N * xc * dvar
    dmu = -dxc.sum(axis=0)
    dx = dxc + dmu / N
    return {"dout": dout, "dbeta": dbeta, "dgamma": dgamma, "dxhat": dxhat, "dstd": dstd, "dvar": dvar, "dxc": dxc,
            "dmu": dmu, "dx": dx}  # fmt: skip


def batch_norm(x, gamma, beta, target):
    mu = np.mean(x, axis=0)
    var = np.var(x, axis=0)
    xhat = (x - mu) / np.sqrt(var + EPS)
    out = gamma * xhat + beta
    loss = 0.5 * np.sum((out - target) ** 2)
    return loss


def batch_norm_backward(out, target, xhat, gamma, var):
    N = out.shape[0]
    dout = out - target
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    dx = (N * dxhat - dxhat.sum(axis=0) - xhat * np.sum(dxhat * xhat, axis=0)) / (N * np.sqrt(var + EPS))
    return {"dout": dout, "dbeta": dbeta, "dgamma": dgamma, "dxhat": dxhat, "dx": dx}


def layer_norm(x, gamma, beta, target):
    mu = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    rstd = 1 / np.sqrt(var + EPS)
    xhat = (x - mu) * rstd
    out = xhat * gamma + beta
    loss = 0.5 * np.sum((out - target) ** 2)
    return loss


def layer_norm_backward(out, target, xhat, gamma, rstd):
    dout = out - target
    dbeta = dout.sum(axis=(0, 1))
    dgamma = (dout * xhat).sum(axis=(0, 1))
    dxhat = dout * gamma
    dx = dxhat - dxhat.mean(axis=-1, keepdims=True) - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)
    dx = dx * rstd
    return {"dout": dout, "dbeta": dbeta, "dgamma": dgamma, "dxhat": dxhat, "dx": dx}


def rms_norm(x, gain, target):
    ms = np.mean(x**2, axis=-1, keepdims=True)
    r = 1 / np.sqrt(ms + EPS)
    xhat = x * r
    out = xhat * gain
    loss = 0.5 * np.sum((out - target) ** 2)
    return loss


def rms_norm_backward(out, target, x, xhat, gain, r):
    dout = out - target
    dgain = np.sum(dout * xhat, axis=0)
    dxhat = dout * gain
    dx = r * (dxhat - xhat * np.mean(dxhat * xhat, axis=-1, keepdims=True))
    return {"dout": dout, "dgain": dgain, "dxhat": dxhat, "dx": dx}


rows = {"x": rng.normal(size=(6, 3)), "gamma": rng.normal(size=3), "beta": rng.normal(size=3)}
rows["target"] = rng.normal(size=(6, 3))
tokens = {"x": rng.normal(size=(2, 3, 5)), "gamma": rng.normal(size=5), "beta": rng.normal(size=5)}
tokens["target"] = rng.normal(size=(2, 3, 5))
rms = {"x": rng.normal(size=(4, 5)), "gain": rng.normal(size=5), "target": rng.normal(size=(4, 5))}

STUDIES = [
    Study("batch norm, step by step", batch_norm_steps, batch_norm_steps_backward, rows, [
        Mistake("the variance treated as a constant", " + 2 / N * xc * dvar", "", "dxc", "missing-term"),
        Mistake("the mean treated as a constant", "dx = dxc + dmu / N", "dx = dxc", "dx", "missing-term"),
        Mistake("the mean's gradient not divided by N", "dmu / N", "dmu", "dx", "scale"),
        Mistake("gamma left out", "dxhat = dout * gamma", "dxhat = dout", "dxhat", "missing-factor"),
        Mistake("the sign of the quotient rule", "dstd = -np.sum", "dstd = np.sum", "dstd", "sign"),
    ]),
    Study("batch norm, in one line", batch_norm, batch_norm_backward, rows, [
        Mistake("mean and variance treated as constants", "(N * dxhat - dxhat.sum(axis=0) - xhat * np.sum(dxhat * xhat, axis=0))", "(N * dxhat)", "dx", "missing-term"),
        Mistake("the variance treated as a constant", " - xhat * np.sum(dxhat * xhat, axis=0)", "", "dx", "missing-term"),
        Mistake("N left out of the first term", "(N * dxhat -", "(dxhat -", "dx", "scale"),
        Mistake("gamma's gradient without the normalised x", "dgamma = (dout * xhat).sum(axis=0)", "dgamma = dout.sum(axis=0)", "dgamma", "missing-factor"),
        Mistake("sums over features instead of the batch", "np.sum(dxhat * xhat, axis=0)", "np.sum(dxhat * xhat, axis=1, keepdims=True)", "dx", "axis"),
    ]),
    Study("layer norm", layer_norm, layer_norm_backward, tokens, [
        Mistake("the mean treated as a constant", " - dxhat.mean(axis=-1, keepdims=True)", "", "dx", "missing-term"),
        Mistake("the standard deviation treated as a constant", " - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)", "", "dx", "missing-term"),
        Mistake("1/std left out", "dx = dx * rstd", "dx = dx * 1", "dx", "missing-factor"),
        Mistake("beta's gradient over the batch only", "dbeta = dout.sum(axis=(0, 1))", "dbeta = dout.sum(axis=0)", "dbeta", "broadcast"),
        Mistake("a mean for beta's sum", "dbeta = dout.sum(axis=(0, 1))", "dbeta = dout.mean(axis=(0, 1))", "dbeta", "scale"),
    ]),
    Study("RMS norm", rms_norm, rms_norm_backward, rms, [
        Mistake("the norm treated as a constant", " - xhat * np.mean(dxhat * xhat, axis=-1, keepdims=True)", "", "dx", "missing-term"),
        Mistake("x instead of the normalised x", "dgain = np.sum(dout * xhat, axis=0)", "dgain = np.sum(dout * x, axis=0)", "dgain", "wrong-operand"),
        Mistake("a sum for the mean", "np.mean(dxhat * xhat", "np.sum(dxhat * xhat", "dx", "scale"),
    ]),
]  # fmt: skip

if __name__ == "__main__":
    show(*STUDIES)
