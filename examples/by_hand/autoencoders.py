"""A tied autoencoder, a variational one, and a network with dropout, L2 penalty, GELU and SiLU."""

import numpy as np
from study import Mistake, Study, show

rng = np.random.default_rng(5)


def tied(x, W, b, c):
    h = np.tanh(x @ W + b)
    out = h @ W.T + c
    loss = 0.5 * np.sum((out - x) ** 2)
    return loss


def tied_backward(x, W, h, out):
    dout = out - x
    dc = dout.sum(axis=0)
    dh = dout @ W
    dz = dh * (1 - h**2)
    db = dz.sum(axis=0)
    dW = x.T @ dz + dout.T @ h
    return {"dout": dout, "dc": dc, "dh": dh, "db": db, "dW": dW}


def variational(x, We, Ws, Wd, eps):
    mu = x @ We
    logvar = x @ Ws
    std = np.exp(0.5 * logvar)
    z = mu + std * eps
    xhat = z @ Wd
    kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))
    loss = 0.5 * np.sum((xhat - x) ** 2) + kl
    return loss


def variational_backward(x, Wd, mu, logvar, std, z, xhat, eps):
    dxhat = xhat - x
    dWd = z.T @ dxhat
    dz = dxhat @ Wd.T
    dmu = dz + mu
    dlogvar = dz * eps * 0.5 * std + 0.5 * (np.exp(logvar) - 1)
    dWe = x.T @ dmu
    dWs = x.T @ dlogvar
    return {"dxhat": dxhat, "dWd": dWd, "dz": dz, "dmu": dmu, "dlogvar": dlogvar, "dWe": dWe, "dWs": dWs}


def penalised(x, y, W1, b1, W2, mask, lam):
    z1 = x @ W1 + b1
    h = np.maximum(z1, 0)
    dropped = h * mask / 0.75
    out = dropped @ W2
    loss = 0.5 * np.mean(np.sum((out - y) ** 2, axis=1)) + 0.5 * lam * (np.sum(W1**2) + np.sum(W2**2))
    return loss


def penalised_backward(x, y, W1, W2, z1, dropped, out, mask, lam):
    n = len(x)
    dout = (out - y) / n
    dW2 = dropped.T @ dout + lam * W2
    ddropped = dout @ W2.T
    dh = ddropped * mask / 0.75
    dz1 = dh * (z1 > 0)
    dW1 = x.T @ dz1 + lam * W1
    db1 = dz1.sum(axis=0)
    return {"dout": dout, "dW2": dW2, "ddropped": ddropped, "dh": dh, "dz1": dz1, "dW1": dW1, "db1": db1}


def gates(x, W, V, target):
    z = x @ W
    u = np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)
    t = np.tanh(u)
    h = 0.5 * z * (1 + t)
    q = h @ V
    s = 1 / (1 + np.exp(-q))
    out = q * s
    loss = 0.5 * np.sum((out - target) ** 2)
    return loss


def gates_backward(x, W, V, z, t, h, q, s, out, target):
    dout = out - target
    dq = dout * (s + q * s * (1 - s))
    dV = h.T @ dq
    dh = dq @ V.T
    dz = dh * (0.5 * (1 + t) + 0.5 * z * (1 - t**2) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * z**2))
    dW = x.T @ dz
    dx = dz @ W.T
    return {"dout": dout, "dq": dq, "dV": dV, "dh": dh, "dz": dz, "dW": dW, "dx": dx}


code = {"x": rng.normal(size=(5, 4)), "W": rng.normal(size=(4, 2)), "b": rng.normal(size=2), "c": rng.normal(size=4)}
vae = {"x": rng.normal(size=(4, 3)), "We": rng.normal(size=(3, 2)), "Ws": 0.3 * rng.normal(size=(3, 2))}
vae |= {"Wd": rng.normal(size=(2, 3)), "eps": rng.normal(size=(4, 2))}
net = {"x": rng.normal(size=(6, 3)), "y": rng.normal(size=(6, 2)), "W1": rng.normal(size=(3, 4))}
net |= {"b1": rng.normal(size=4), "W2": rng.normal(size=(4, 2)), "lam": 0.1}
net["mask"] = (rng.random((6, 4)) < 0.75).astype(float)
smooth = {"x": rng.normal(size=(4, 3)), "W": rng.normal(size=(3, 4)), "V": rng.normal(size=(4, 2))}
smooth["target"] = rng.normal(size=(4, 2))

STUDIES = [
    Study("tied autoencoder", tied, tied_backward, code, [
        Mistake("the decoder's share of the tied weights left out", " + dout.T @ h", "", "dW", "missing-term"),
        Mistake("the encoder's share left out", "x.T @ dz + dout.T @ h", "dout.T @ h", "dW", "missing-term"),
        Mistake("tanh's derivative without the square", "(1 - h**2)", "(1 - h)", "db", "surrogate-derivative"),
    ]),
    Study("variational autoencoder", variational, variational_backward, vae, [
        Mistake("the divergence forgotten at the mean", "dmu = dz + mu", "dmu = dz", "dmu", "missing-term"),
        Mistake("the 0.5 of the standard deviation", "dz * eps * 0.5 * std", "dz * eps * std", "dlogvar", "scale"),
        Mistake("the noise not passed through", "dz * eps * 0.5 * std", "dz * 0.5 * std", "dlogvar", "missing-factor"),
        Mistake("the sign of the divergence", "0.5 * (np.exp(logvar) - 1)", "0.5 * (1 - np.exp(logvar))", "dlogvar", "sign"),
    ]),
    Study("relu network with dropout and an L2 penalty", penalised, penalised_backward, net, [
        Mistake("the mask missing on the way back", "dh = ddropped * mask / 0.75", "dh = ddropped / 0.75", "dh", "wrong-mask"),
        Mistake("the keep probability missing", "dh = ddropped * mask / 0.75", "dh = ddropped * mask", "dh", "scale"),
        Mistake("the penalty left out", "x.T @ dz1 + lam * W1", "x.T @ dz1", "dW1", "regulariser"),
        Mistake("the penalty of a square without its half", "dropped.T @ dout + lam * W2", "dropped.T @ dout + 2 * lam * W2", "dW2", "regulariser"),
        Mistake("the penalty divided by the batch", "dropped.T @ dout + lam * W2", "dropped.T @ dout + lam * W2 / n", "dW2", "regulariser"),
        Mistake("relu's derivative left out", "dz1 = dh * (z1 > 0)", "dz1 = dh * 1", "dz1", "missing-activation-derivative"),
        Mistake("the activation before dropout", "dropped.T @ dout", "np.maximum(z1, 0).T @ dout", "dW2", "wrong-operand"),
    ]),
    Study("GELU and SiLU", gates, gates_backward, smooth, [
        Mistake("SiLU derived as the logistic function", "(s + q * s * (1 - s))", "(s * (1 - s))", "dq", "surrogate-derivative"),
        Mistake("SiLU's second term forgotten", "(s + q * s * (1 - s))", "s", "dq", "missing-term"),
        Mistake("GELU's second term forgotten", " + 0.5 * z * (1 - t**2) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * z**2)", "", "dz", "missing-term"),
        Mistake("the 3 of the cube", "3 * 0.044715", "0.044715", "dz", "scale"),
        Mistake("the derivative inside tanh left out", " * (1 + 3 * 0.044715 * z**2)", "", "dz", "missing-term"),
    ]),
]  # fmt: skip

if __name__ == "__main__":
    show(*STUDIES)
