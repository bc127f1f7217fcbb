"""Right derivations as people write them: forward pass, formulas, and inputs of any shape and scale.

Each function here takes a `Draw`, which decides sizes and numbers, and returns a derivation with its
inputs. All the claims are right: whoever plants a mistake starts from here.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from microgradnp.verify import Derivation

Inputs = dict[str, Any]
Factory = Callable[["Draw"], tuple[Derivation, Inputs]]

#: By name, in the order of this file.
DERIVATIONS: dict[str, Factory] = {}

STYLES = ("plain", "tiny", "large", "columns", "saturated", "grid", "zeros", "repeated", "single")


class Draw:
    """Sizes and numbers for the inputs of a derivation.

    Parameters
    ----------
    seed : int
    style : str
        ``plain``; ``tiny`` and ``large``: data times 1e-6 and 1e3; ``columns``: columns of data of sizes
        1e-6 to 1e6; ``saturated``: weights times 40; ``grid``: only -1, 0 and 1, so that kinks are hit
        exactly; ``zeros``: zero biases and a zero row of data; ``repeated``: two rows of data are equal;
        ``single``: all sizes are as small as they can be.
    """

    def __init__(self, seed: int, style: str = "plain") -> None:
        self.rng = np.random.default_rng([seed, STYLES.index(style)])
        self.style = style

    def sizes(self, count: int, low: int = 1, high: int = 5) -> list[int]:
        return [low if self.style == "single" else int(k) for k in self.rng.integers(low, high + 1, size=count)]

    def data(self, *shape: int) -> Any:
        x = self.rng.standard_normal(shape)
        if self.style == "grid":
            return self.rng.integers(-1, 2, size=shape).astype(float)
        if self.style == "columns" and shape:
            return x * 10.0 ** self.rng.integers(-6, 7, size=shape[-1])
        if self.style == "zeros" and len(shape) > 1:
            x[0] = 0.0
        if self.style == "repeated" and len(shape) > 1:
            x[-1] = x[0]
        return x * {"tiny": 1e-6, "large": 1e3}.get(self.style, 1.0)

    def weight(self, *shape: int) -> Any:
        if self.style == "grid":
            return self.rng.integers(-1, 2, size=shape).astype(float)
        x = self.rng.standard_normal(shape)
        if self.style == "columns":  # so that the products are of ordinary size
            return x * 1e-3
        return x * {"saturated": 40.0, "large": 1e-2}.get(self.style, 1.0)

    def bias(self, *shape: int) -> Any:
        return np.zeros(shape) if self.style in ("zeros", "grid") else self.rng.standard_normal(shape)

    def positive(self, *shape: int) -> Any:
        return 0.5 + np.abs(self.rng.standard_normal(shape))

    def labels(self, n: int, classes: int) -> Any:
        return self.rng.integers(0, classes, size=n)

    def one_hot(self, n: int, classes: int) -> Any:
        return np.eye(classes)[self.labels(n, classes)]

    def mask(self, *shape: int, keep: float = 0.7) -> Any:
        return (self.rng.random(shape) < keep) / keep


def derivation(factory: Factory) -> Factory:
    DERIVATIONS[factory.__name__] = factory
    return factory


def made(name: str, seed: int, style: str = "plain") -> tuple[Derivation, Inputs]:
    """Return a derivation of this file with inputs."""
    return DERIVATIONS[name](Draw(seed, style))


def logistic(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


# -- the documents -------------------------------------------------------------------------------------------


@derivation
def perceptron_000(draw: Draw) -> tuple[Derivation, Inputs]:
    n, i, h = draw.sizes(3)
    d = Derivation("two relu layers without biases, squared error")

    def relu(x):
        return (x + np.abs(x)) / 2

    @d.forward
    def network(X, y, W01, W12):
        z1 = np.dot(X, W01)
        hidden = relu(z1)
        z2 = np.dot(hidden, W12)
        output = relu(z2)
        loss = np.sum((y - output) ** 2) / 2
        return loss

    @d.gradient("z2")
    def delta_out(y, output, z2):
        return (output - y) * (z2 > 0)

    @d.gradient("z1")
    def delta_hid(delta_out, W12, z1):
        return np.dot(delta_out, W12.T) * (z1 > 0)

    @d.gradient("W12")
    def dw_1_2(hidden, delta_out):
        return np.dot(hidden.T, delta_out)

    @d.gradient("W01")
    def dw_0_1(X, delta_hid):
        return np.dot(X.T, delta_hid)

    @d.update("W12", lambda W12, gradient, lr, n: W12 - lr * gradient / n)
    def new_W12(W12, dw_1_2, lr, n):
        W = W12.copy()
        W += lr * -dw_1_2 / n
        return W

    return d, {
        "X": draw.data(n, i),
        "y": draw.data(n, 1),
        "W01": draw.weight(i, h),
        "W12": draw.weight(h, 1),
        "lr": 0.1,
        "n": n,
    }


@derivation
def network_001(draw: Draw) -> tuple[Derivation, Inputs]:
    n, i, h, o = draw.sizes(4)
    d = Derivation("logistic hidden layer, softmax and cross entropy")

    def rows(z):
        return np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)

    @d.forward
    def network(X, T, Wh, bh, Wo, bo):
        Zh = X @ Wh + bh
        H = logistic(Zh)
        Zo = H @ Wo + bo
        Y = rows(Zo)
        loss = -(T * np.log(Y)).sum()
        return loss

    @d.value("Y")
    def shifted(Zo):
        return softmax(Zo)

    @d.gradient("Zo")
    def Eo(Y, T):
        return Y - T

    @d.gradient("Wo[j, :]")
    def row_of_JWo(H, Eo, j):
        return sum(H[i, j] * Eo[i] for i in range(len(H)))

    @d.gradient("Wo")
    def JWo(H, Eo):
        return H.T @ Eo

    @d.gradient("bo")
    def Jbo(Eo):
        return np.sum(Eo, axis=0, keepdims=True)

    @d.gradient("Zh[i, j]")
    def delta_hij(H, Wo, Y, T, i, j):
        h = H[i, j]
        return h * (1 - h) * sum(Wo[j, k] * (Y[i, k] - T[i, k]) for k in range(Y.shape[1]))

    @d.gradient("Zh")
    def Eh(H, Wo, Eo):
        return np.multiply(np.multiply(H, (1 - H)), (Eo @ Wo.T))

    @d.gradient("Wh")
    def JWh(X, Eh):
        return X.T @ Eh

    @d.gradient("bh")
    def Jbh(Eh):
        return np.sum(Eh, axis=0, keepdims=True)

    @d.update("Wh", lambda Wh, MWh, gradient, momentum=0.9, rate=0.02: Wh + momentum * MWh - rate * gradient)
    def new_Wh(Wh, MWh, JWh):
        MWh = 0.9 * MWh - 0.02 * JWh
        return Wh + MWh

    inputs = {"X": draw.data(n, i), "T": draw.one_hot(n, o), "Wh": draw.weight(i, h), "bh": draw.bias(1, h)}
    return d, inputs | {"Wo": draw.weight(h, o), "bo": draw.bias(1, o), "MWh": draw.weight(i, h)}


@derivation
def network_002(draw: Draw) -> tuple[Derivation, Inputs]:
    n, i, h, o = draw.sizes(4)
    d = Derivation("logistic hidden layer, independent logistic outputs")

    def sigmoid(x):
        x = np.clip(x, -709, 709)
        return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))

    @d.forward
    def cost(X, y, W_h, b_h, W_out, b_out):
        z_h = np.dot(X, W_h) + b_h
        a_h = sigmoid(z_h)
        z_out = np.dot(a_h, W_out) + b_out
        a_out = sigmoid(z_out)
        cost = np.sum(-y * np.log(a_out) - (1.0 - y) * np.log(1.0 - a_out))
        return cost

    @d.backward
    def back(X, y, W_out, a_h, a_out):
        delta_out = a_out - y
        sigmoid_derivative_h = a_h * (1.0 - a_h)
        delta_h = np.dot(delta_out, W_out.T) * sigmoid_derivative_h
        grad_W_h = np.dot(X.T, delta_h)
        grad_b_h = np.sum(delta_h, axis=0)
        grad_W_out = np.dot(a_h.T, delta_out)
        grad_b_out = np.sum(delta_out, axis=0)
        return {
            "grad_W_h": grad_W_h,
            "grad_b_h": grad_b_h,
            "grad_W_out": grad_W_out,
            "grad_b_out": grad_b_out,
            "z_h": delta_h,
            "z_out": delta_out,
        }

    inputs = {"X": draw.data(n, i), "y": draw.one_hot(n, o), "W_h": draw.weight(i, h), "b_h": draw.bias(h)}
    return d, inputs | {"W_out": draw.weight(h, o), "b_out": draw.bias(o)}


@derivation
def regressor_003(draw: Draw) -> tuple[Derivation, Inputs]:
    m, k = draw.sizes(2)
    d = Derivation("logistic regression, mean log loss")

    @d.forward
    def forward(A0, y, W1, b1):
        z1 = A0.dot(W1) + b1
        A1 = logistic(z1)
        m = y.shape[0]
        loss = -1 / m * np.sum(y * np.log(A1) + (1 - y) * np.log(1 - A1))
        return loss

    @d.gradient("z1")
    def dz1(A1, y, m):
        return (A1 - y) / m

    @d.gradient("A1")
    def dA1(A1, y, m):
        return (-y / A1 + (1 - y) / (1 - A1)) / m

    @d.gradient("W1")
    def dW1(A0, dz1):
        return A0.T.dot(dz1)

    @d.gradient("b1")
    def db1(dz1):
        return np.sum(dz1)

    @d.update("W1", lambda W1, gradient: W1 - 10 * gradient)
    def step(W1, dW1, learning_rate):
        W1 -= learning_rate * dW1
        return W1

    return d, {
        "A0": draw.data(m, k),
        "y": draw.one_hot(m, 2)[:, :1],
        "W1": draw.weight(k, 1),
        "b1": 0.0,
        "learning_rate": 10.0,
    }


@derivation
def chain_004(draw: Draw) -> tuple[Derivation, Inputs]:
    layers = int(draw.rng.integers(2, 6))
    d = Derivation("a chain of single neurons")

    @d.forward
    def cost(x, ws, bs, target):
        a = x
        activations, zs = [a], []
        for w, b in zip(ws, bs, strict=True):
            z = w * a + b
            a = logistic(z)
            zs.append(z)
            activations.append(a)
        return 0.5 * (a - target) ** 2

    def slope(z):
        return logistic(z) * (1 - logistic(z))

    @d.gradient(f"zs[{layers - 1}]", name="delta_last")
    def delta_of_the_last(activations, target, zs):
        return (activations[-1] - target) * slope(zs[-1])

    @d.gradient(f"ws[{layers - 1}]", name="dw_last")
    def weight_of_the_last(delta_last, activations):
        return delta_last * activations[-2]

    @d.gradient(f"zs[{layers - 2}]", name="delta_before")
    def delta_of_the_one_before(delta_last, ws, zs):
        return ws[-1] * delta_last * slope(zs[-2])

    @d.gradient(f"bs[{layers - 2}]", name="db_before")
    def bias_of_the_one_before(delta_before):
        return delta_before

    @d.gradient(f"ws[{layers - 2}]", name="dw_before")
    def weight_of_the_one_before(delta_before, activations):
        return np.dot(delta_before, activations[-3])

    @d.backward(returns={f"b{k}": f"bs[{k}]" for k in range(layers)} | {f"w{k}": f"ws[{k}]" for k in range(layers)})
    def back(zs, activations, ws, target):
        delta = (activations[-1] - target) * slope(zs[-1])
        grads = {}
        for k in reversed(range(len(zs))):
            grads[f"b{k}"] = delta
            grads[f"w{k}"] = delta * activations[k]
            if k:
                delta = ws[k] * delta * slope(zs[k - 1])
        return grads

    numbers = [float(v) for v in draw.weight(2 * layers)]
    return d, {"x": float(draw.data()), "ws": numbers[:layers], "bs": numbers[layers:], "target": 0.15}


# -- normalisations ------------------------------------------------------------------------------------------


@derivation
def batch_norm_compact(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k = draw.sizes(1, 2, 6) + draw.sizes(1)
    d = Derivation("batch normalisation, the short form")

    @d.forward
    def forward(x, gamma, beta, target, eps=1e-5):
        mu = np.mean(x, axis=0)
        var = np.var(x, axis=0)
        xhat = (x - mu) / np.sqrt(var + eps)
        out = gamma * xhat + beta
        loss = 0.5 * np.sum((out - target) ** 2)
        return loss

    @d.gradient("out")
    def dout(out, target):
        return out - target

    @d.gradient("gamma")
    def dgamma(dout, xhat):
        return np.sum(dout * xhat, axis=0)

    @d.gradient("beta")
    def dbeta(dout):
        return dout.sum(axis=0)

    @d.gradient("x")
    def dx(dout, gamma, xhat, var, x, eps=1e-5):
        N = x.shape[0]
        dxhat = dout * gamma
        return 1 / (N * np.sqrt(var + eps)) * (N * dxhat - np.sum(dxhat, axis=0) - xhat * np.sum(dxhat * xhat, axis=0))

    return d, {"x": draw.data(n, k), "gamma": draw.weight(k), "beta": draw.bias(k), "target": draw.data(n, k)}


@derivation
def batch_norm_steps(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k = draw.sizes(1, 2, 6) + draw.sizes(1)
    d = Derivation("batch normalisation, step by step, after a layer with a bias")

    @d.forward
    def forward(X, W, b, gamma, beta, G, eps):
        x = X @ W + b
        N = x.shape[0]
        mu = 1.0 / N * np.sum(x, axis=0)
        xmu = x - mu
        sq = xmu**2
        var = 1.0 / N * np.sum(sq, axis=0)
        sqrtvar = np.sqrt(var + eps)
        ivar = 1.0 / sqrtvar
        xhat = xmu * ivar
        gammax = gamma * xhat
        out = gammax + beta
        loss = np.sum(out * G) + np.sum(np.tanh(out))
        return loss

    @d.backward
    def back(cache):
        N, D = cache.x.shape
        dout = cache.G + 1 - np.tanh(cache.out) ** 2
        dbeta = np.sum(dout, axis=0)
        dgamma = np.sum(dout * cache.xhat, axis=0)
        dxhat = dout * cache.gamma
        divar = np.sum(dxhat * cache.xmu, axis=0)
        dxmu1 = dxhat * cache.ivar
        dsqrtvar = -1.0 / (cache.sqrtvar**2) * divar
        dvar = 0.5 * 1.0 / np.sqrt(cache.var + cache.eps) * dsqrtvar
        dsq = 1.0 / N * np.ones((N, D)) * dvar
        dxmu2 = 2 * cache.xmu * dsq
        dx1 = dxmu1 + dxmu2
        dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
        dx2 = 1.0 / N * np.ones((N, D)) * dmu
        dx = dx1 + dx2
        return {
            "dbeta": dbeta,
            "dgamma": dgamma,
            "dxhat": dxhat,
            "divar": divar,
            "dsqrtvar": dsqrtvar,
            "dvar": dvar,
            "dsq": dsq,
            "dmu": dmu,
            "dx": dx,
            "dW": cache.X.T @ dx,
            "db": dx.sum(axis=0),
        }

    inputs = {
        "X": draw.data(n, 3),
        "W": draw.weight(3, k),
        "b": draw.bias(k),
        "gamma": draw.weight(k),
        "beta": draw.bias(k),
    }
    return d, inputs | {"G": draw.data(n, k), "eps": 1e-5}


@derivation
def layer_norm(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k = draw.sizes(1) + draw.sizes(1, 2, 6)
    d = Derivation("layer normalisation")

    @d.forward
    def forward(x, g, b, R):
        m = x.mean(axis=-1, keepdims=True)
        v = x.var(axis=-1, keepdims=True)
        s = np.sqrt(v + 1e-5)
        xn = (x - m) / s
        y = xn * g + b
        return np.sum(y * R)

    @d.gradient("y")
    def dy(R):
        return R

    @d.gradient("g")
    def dg(dy, xn):
        return np.einsum("ij,ij->j", dy, xn)

    @d.gradient("b")
    def db(dy):
        return np.einsum("ij->j", dy)

    @d.gradient("xn")
    def dxn(dy, g):
        return dy * g

    @d.gradient("x")
    def dx(dxn, xn, s):
        return (dxn - dxn.mean(axis=-1, keepdims=True) - xn * (dxn * xn).mean(axis=-1, keepdims=True)) / s

    return d, {"x": draw.data(n, k), "g": draw.weight(k), "b": draw.bias(k), "R": draw.data(n, k)}


@derivation
def standardised_columns(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k = draw.sizes(1, 3, 6) + draw.sizes(1)
    d = Derivation("columns divided by their standard deviation")

    @d.forward
    def forward(x, w):
        sd = np.std(x, axis=0)
        z = (x - x.mean(axis=0)) / sd
        loss = np.sum(np.sin(z) @ w)
        return loss

    @d.gradient("z")
    def dz(z, w):
        return np.cos(z) * w

    @d.gradient("x")
    def dx(dz, z, sd):
        n = len(z)
        return (dz - dz.sum(0) / n - z * (dz * z).sum(0) / n) / sd

    @d.gradient("sd")
    def dsd(dz, z, sd):
        return -(dz * z).sum(0) / sd

    return d, {"x": draw.data(n, k), "w": draw.weight(k)}


@derivation
def unit_rows(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k = draw.sizes(1) + draw.sizes(1, 2, 5)
    d = Derivation("cosine similarity of rows")

    @d.forward
    def forward(a, b, t):
        na = np.sqrt(np.sum(a * a, axis=1, keepdims=True))
        nb = np.sqrt(np.sum(b * b, axis=1, keepdims=True))
        c = np.sum(a * b, axis=1, keepdims=True) / (na * nb)
        loss = np.mean((c - t) ** 2)
        return loss

    @d.gradient("c")
    def dc(c, t):
        return 2 * (c - t) / len(c)

    @d.gradient("a")
    def da(dc, a, b, c, na, nb):
        return dc * (b / (na * nb) - c * a / na**2)

    @d.gradient("b")
    def db(dc, a, b, c, na, nb):
        return dc * (a / (na * nb) - c * b / nb**2)

    x = draw.data(n, k) + 0.0
    return d, {"a": x + (x == 0), "b": draw.weight(n, k) + 0.1, "t": draw.bias(n, 1)}


# -- losses --------------------------------------------------------------------------------------------------


@derivation
def integer_labels(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k, c = draw.sizes(3)
    d = Derivation("softmax and cross entropy with integer labels")

    @d.forward
    def forward(X, y, W, b, reg):
        scores = X.dot(W) + b
        shifted = scores - np.max(scores, axis=1, keepdims=True)
        exp_scores = np.exp(shifted)
        probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
        num_examples = X.shape[0]
        correct_logprobs = -np.log(probs[np.arange(num_examples), y])
        data_loss = np.sum(correct_logprobs) / num_examples
        reg_loss = 0.5 * reg * np.sum(W * W)
        loss = data_loss + reg_loss
        return loss

    @d.gradient("scores")
    def dscores(probs, y, num_examples):
        dscores = probs.copy()
        dscores[np.arange(num_examples), y] -= 1
        dscores /= num_examples
        return dscores

    @d.gradient("W")
    def dW(X, dscores, reg, W):
        dW = np.dot(X.T, dscores)
        dW += reg * W
        return dW

    @d.gradient("b")
    def db(dscores):
        return np.sum(dscores, axis=0, keepdims=True)

    @d.gradient("X")
    def dX(dscores, W):
        return dscores @ W.T

    return d, {
        "X": draw.data(n, k),
        "y": draw.labels(n, c),
        "W": draw.weight(k, c),
        "b": draw.bias(1, c),
        "reg": 1e-3,
    }


@derivation
def log_sum_exp(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k = draw.sizes(2)
    d = Derivation("cross entropy by log-sum-exp, with a temperature")

    @d.forward
    def forward(Z, T, tau):
        S = Z / tau
        m = np.max(S, axis=1)
        lse = m + np.log(np.sum(np.exp(S - m[:, None]), axis=1))
        loss = np.mean(lse - np.sum(S * T, axis=1))
        return loss

    d.value("lse", lambda Z, tau: np.logaddexp.reduce(Z / tau, axis=1), name="pairwise")

    @d.gradient("S")
    def dS(S, T):
        return (softmax(S) - T) / S.shape[0]

    d.gradient("Z", lambda dS, tau: dS / tau, name="dZ")

    @d.gradient("tau")
    def dtau(dS, Z, tau):
        return -np.sum(dS * Z) / tau**2

    return d, {"Z": draw.data(n, k), "T": draw.one_hot(n, k), "tau": float(draw.positive())}


@derivation
def huber(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k = draw.sizes(2)
    d = Derivation("linear regression with Huber's loss")

    @d.forward
    def forward(X, y, w, b, delta=1.0):
        r = X @ w + b - y
        small = np.abs(r) <= delta
        loss = np.sum(np.where(small, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)))
        return loss

    @d.gradient("r")
    def dr(r, delta=1.0):
        return np.clip(r, -delta, delta)

    d.gradient("w", lambda X, dr: X.T @ dr, name="dw")
    d.gradient("b", lambda dr: dr.sum(), name="db")
    d.gradient("X", lambda dr, w: np.outer(dr, w), name="dX")
    return d, {"X": draw.data(n, k), "y": draw.data(n), "w": draw.weight(k), "b": float(draw.bias())}


@derivation
def hinge(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k, c = draw.sizes(3, 2)
    d = Derivation("multiclass hinge loss")

    @d.forward
    def forward(X, y, W):
        scores = X @ W
        right = scores[np.arange(len(y)), y][:, np.newaxis]
        margins = np.maximum(0, scores - right + 1)
        others = np.ones(scores.shape)
        others[np.arange(len(y)), y] = 0
        loss = np.sum(margins * others) / len(y) + 0.1 * np.sum(W**2)
        return loss

    @d.gradient("scores")
    def dscores(margins, others, y):
        violated = (margins > 0) * others
        violated[np.arange(len(y)), y] = -violated.sum(axis=1)
        return violated / len(y)

    d.gradient("W", lambda X, dscores, W: X.T @ dscores + 0.2 * W, name="dW")
    return d, {"X": draw.data(n, k), "y": draw.labels(n, c), "W": draw.weight(k, c)}


@derivation
def gaussian_likelihood(draw: Draw) -> tuple[Derivation, Inputs]:
    (n,) = draw.sizes(1)
    d = Derivation("negative log-likelihood of a normal distribution", loss="nll")

    @d.forward
    def forward(x, mu, log_sigma):
        sigma = np.exp(log_sigma)
        z = (x - mu) / sigma
        nll = 0.5 * np.sum(z**2) + x.size * log_sigma + 0.5 * x.size * np.log(2 * np.pi)
        return nll, z

    d.gradient("mu", lambda z, sigma: -np.sum(z) / sigma, name="dmu")
    d.gradient("log_sigma", lambda z: z.size - np.sum(z * z), name="dlog_sigma")
    d.gradient("x", lambda z, sigma: z / sigma, name="dx")
    return d, {"x": draw.data(n), "mu": float(draw.bias()), "log_sigma": 0.3}


@derivation
def variational_autoencoder(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k, z = draw.sizes(3)
    d = Derivation("a linear variational autoencoder, the noise passed in")

    @d.forward
    def forward(X, We, Wv, Wd, noise):
        mu = X @ We
        logvar = X @ Wv
        std = np.exp(0.5 * logvar)
        Z = mu + std * noise
        out = Z @ Wd
        reconstruction = np.sum((out - X) ** 2)
        kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))
        loss = reconstruction + kl
        return loss

    @d.backward(wrt=["Wd", "We", "Wv", "mu", "logvar", "Z"])
    def back(X, Wd, Z, out, mu, logvar, std, noise):
        dout = 2 * (out - X)
        dWd = Z.T @ dout
        dZ = dout @ Wd.T
        dmu = dZ + mu
        dlogvar = dZ * noise * 0.5 * std - 0.5 * (1 - np.exp(logvar))
        return dWd, X.T @ dmu, X.T @ dlogvar, dmu, dlogvar, dZ

    inputs = {
        "X": draw.data(n, k),
        "We": draw.weight(k, z),
        "Wv": 0.1 * draw.weight(k, z),
        "Wd": draw.weight(z, k),
    }
    return d, inputs | {"noise": draw.rng.standard_normal((n, z))}


@derivation
def contrastive(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k = draw.sizes(2)
    d = Derivation("contrastive loss of two views, both ways")

    @d.forward
    def forward(U, V, scale):
        S = scale * (U @ V.T)
        rows = np.log(np.sum(np.exp(S), axis=1))
        columns = np.log(np.sum(np.exp(S), axis=0))
        loss = np.mean(rows - np.diag(S)) / 2 + np.mean(columns - np.diag(S)) / 2
        return loss

    @d.gradient("S")
    def dS(S):
        n = len(S)
        return (softmax(S) + softmax(S.T).T - 2 * np.eye(n)) / (2 * n)

    d.gradient("U", lambda dS, V, scale: scale * dS @ V, name="dU")
    d.gradient("V", lambda dS, U, scale: scale * dS.T @ U, name="dV")
    d.gradient("scale", lambda dS, U, V: np.sum(dS * (U @ V.T)), name="dscale")
    return d, {"U": draw.data(n, k), "V": draw.weight(n, k), "scale": 0.7}


# -- layers --------------------------------------------------------------------------------------------------


@derivation
def attention(draw: Draw) -> tuple[Derivation, Inputs]:
    t, k, m = draw.sizes(3)
    d = Derivation("one head of causal attention")

    @d.forward
    def forward(X, Wq, Wk, Wv, Wo, target):
        Q, K, V = X @ Wq, X @ Wk, X @ Wv
        scale = 1 / np.sqrt(Q.shape[-1])
        S = Q @ K.T * scale
        hidden = np.triu(np.ones(S.shape, dtype=bool), k=1)
        S = np.where(hidden, -np.inf, S)
        E = np.exp(S - np.max(S, axis=-1, keepdims=True))
        P = E / E.sum(axis=-1, keepdims=True)
        A = P @ V
        O = A @ Wo  # noqa: E741
        loss = np.mean((O - target) ** 2)
        return loss

    @d.gradient("O")
    def dO(O, target):  # noqa: E741
        return 2 * (O - target) / O.size

    @d.gradient("A")
    def dA(dO, Wo):
        return dO @ Wo.T

    @d.gradient("P")
    def dP(dA, V):
        return dA @ V.T

    @d.gradient("S")
    def dS(P, dP):
        return P * (dP - np.sum(P * dP, axis=-1, keepdims=True))

    @d.gradient("Q")
    def dQ(dS, K, scale):
        return dS @ K * scale

    @d.gradient("K")
    def dK(dS, Q, scale):
        return dS.T @ Q * scale

    @d.gradient("V")
    def dV(P, dA):
        return P.T @ dA

    d.gradient("Wq", lambda X, dQ: X.T @ dQ, name="dWq")
    d.gradient("Wk", lambda X, dK: X.T @ dK, name="dWk")
    d.gradient("Wv", lambda X, dV: X.T @ dV, name="dWv")
    d.gradient("Wo", lambda A, dO: A.T @ dO, name="dWo")
    d.gradient("X", lambda dQ, dK, dV, Wq, Wk, Wv: dQ @ Wq.T + dK @ Wk.T + dV @ Wv.T, name="dX")
    inputs = {"X": draw.data(t, k), "Wq": draw.weight(k, m), "Wk": draw.weight(k, m), "Wv": draw.weight(k, m)}
    return d, inputs | {"Wo": draw.weight(m, k), "target": draw.data(t, k)}


@derivation
def recurrent(draw: Draw) -> tuple[Derivation, Inputs]:
    t, n, i, h = draw.sizes(1, 3, 5) + draw.sizes(3, 1, 3)
    d = Derivation("a recurrent network over several steps")

    @d.forward
    def forward(xs, Wx, Wh, b, targets):
        h = np.zeros((xs.shape[1], Wh.shape[0]))
        hs = [h]
        loss = 0.0
        for x, target in zip(xs, targets, strict=True):
            h = np.tanh(x @ Wx + h @ Wh + b)
            hs.append(h)
            loss = loss + 0.5 * np.sum((h - target) ** 2)
        return loss

    @d.gradient("hs[2]")
    def dh2(hs, targets, Wh):
        dh = 0
        for k in range(len(hs) - 1, 1, -1):
            dh = dh + hs[k] - targets[k - 1]
            if k > 2:
                dh = (dh * (1 - hs[k] ** 2)) @ Wh.T
        return dh

    @d.backward
    def back(xs, hs, targets, Wx, Wh, b):
        dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
        dxs = np.zeros_like(xs)
        dh_next = np.zeros_like(hs[0])
        for k in reversed(range(len(xs))):
            dh = hs[k + 1] - targets[k] + dh_next
            dz = dh * (1 - hs[k + 1] ** 2)
            dWx += xs[k].T @ dz
            dWh += hs[k].T @ dz
            db += dz.sum(axis=0)
            dxs[k] = dz @ Wx.T
            dh_next = dz @ Wh.T
        return {"Wx": dWx, "Wh": dWh, "b": db, "xs": dxs}

    inputs = {"xs": draw.data(t, n, i), "Wx": draw.weight(i, h), "Wh": draw.weight(h, h), "b": draw.bias(h)}
    return d, inputs | {"targets": draw.bias(t, n, h)}


@derivation
def lstm(draw: Draw) -> tuple[Derivation, Inputs]:
    t, n, i, h = draw.sizes(1, 2, 4) + draw.sizes(3, 1, 3)
    d = Derivation("a long short-term memory over several steps")

    @d.forward
    def forward(xs, params, h0, c0, G):
        h, c = h0, c0
        hs, cs, gates = [h0], [c0], []
        m = h0.shape[1]
        for k in range(len(xs)):
            z = np.concatenate([xs[k], h], axis=1) @ params["W"] + params["b"]
            f, u, o = logistic(z[:, :m]), logistic(z[:, m : 2 * m]), logistic(z[:, 2 * m : 3 * m])
            g = np.tanh(z[:, 3 * m :])
            c = f * c + u * g
            h = o * np.tanh(c)
            hs.append(h)
            cs.append(c)
            gates.append((f, u, o, g))
        loss = np.sum(G * h) + np.sum(c**2)
        return loss

    @d.backward(returns={"W": 'params["W"]', "b": 'params["b"]'})
    def back(xs, params, hs, cs, gates, G, h0):
        W = params["W"]
        dW, db = np.zeros(W.shape), np.zeros(params["b"].shape)
        dh, dc = G, 2 * cs[-1]
        width = xs.shape[2]
        for k in range(len(xs) - 1, -1, -1):
            f, u, o, g = gates[k]
            s = np.tanh(cs[k + 1])
            dc = dc + dh * o * (1 - s * s)
            dz = np.hstack(
                [
                    dc * cs[k] * f * (1 - f),
                    dc * g * u * (1 - u),
                    dh * s * o * (1 - o),
                    dc * u * (1 - g * g),
                ]
            )
            dW += np.hstack([xs[k], hs[k]]).T @ dz
            db += dz.sum(0)
            dh = dz @ W[width:].T
            dc = dc * f
        return {"W": dW, "b": db, "h0": dh, "c0": dc}

    params = {"W": draw.weight(i + h, 4 * h), "b": draw.bias(4 * h)}
    return d, {
        "xs": draw.data(t, n, i),
        "params": params,
        "h0": draw.bias(n, h),
        "c0": draw.bias(n, h),
        "G": draw.data(n, h),
    }


@derivation
def gated_unit(draw: Draw) -> tuple[Derivation, Inputs]:
    n, i, h = draw.sizes(3, 1, 4)
    d = Derivation("one step of a gated recurrent unit")

    @d.forward
    def forward(x, h, Wz, Uz, Wr, Ur, Wc, Uc, R):
        z = logistic(x @ Wz + h @ Uz)
        r = logistic(x @ Wr + h @ Ur)
        rh = r * h
        c = np.tanh(x @ Wc + rh @ Uc)
        new = (1 - z) * h + z * c
        return np.sum(R * new)

    d.gradient("c", lambda R, z: R * z, name="dc")
    d.gradient("z", lambda R, c, h: R * (c - h), name="dz")
    d.gradient("rh", lambda dc, c, Uc: (dc * (1 - c**2)) @ Uc.T, name="drh")
    d.gradient("r", lambda drh, h: drh * h, name="dr")

    @d.gradient("h")
    def dh(R, z, r, dz, dr, drh, Uz, Ur):
        return R * (1 - z) + drh * r + (dz * z * (1 - z)) @ Uz.T + (dr * r * (1 - r)) @ Ur.T

    @d.gradient("x")
    def dx(z, r, c, dz, dr, dc, Wz, Wr, Wc):
        return (dz * z * (1 - z)) @ Wz.T + (dr * r * (1 - r)) @ Wr.T + (dc * (1 - c * c)) @ Wc.T

    d.gradient("Ur", lambda h, dr, r: h.T @ (dr * r * (1 - r)), name="dUr")
    d.gradient("Uc", lambda rh, dc, c: rh.T @ (dc * (1 - c * c)), name="dUc")
    d.gradient("Wz", lambda x, dz, z: x.T @ (dz * z * (1 - z)), name="dWz")
    weights = {name: draw.weight(i if name[0] == "W" else h, h) for name in ("Wz", "Uz", "Wr", "Ur", "Wc", "Uc")}
    return d, {"x": draw.data(n, i), "h": draw.bias(n, h), "R": draw.data(n, h), **weights}


@derivation
def tied_autoencoder(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k, h = draw.sizes(3)
    d = Derivation("an autoencoder with tied weights")

    @d.forward
    def forward(X, W, b, c):
        Z = X @ W + b
        H = logistic(Z)
        R = H @ W.T + c
        loss = 0.5 * np.sum((R - X) ** 2) / len(X)
        return loss

    d.gradient("R", lambda R, X: (R - X) / X.shape[0], name="dR")
    d.gradient("H", lambda dR, W: dR @ W, name="dH")
    d.gradient("Z", lambda dH, H: dH * H * (1 - H), name="dZ")
    d.gradient("W", lambda X, dZ, dR, H: X.T @ dZ + dR.T @ H, name="dW")
    d.gradient("b", lambda dZ: dZ.sum(axis=0), name="db")
    d.gradient("c", lambda dR: dR.sum(axis=0), name="dc")
    d.gradient("X", lambda dZ, W, dR: dZ @ W.T - dR, name="dX")
    return d, {"X": draw.data(n, k), "W": draw.weight(k, h), "b": draw.bias(h), "c": draw.bias(k)}


@derivation
def convolution_by_loops(draw: Draw) -> tuple[Derivation, Inputs]:
    n, c, f, size = draw.sizes(3, 1, 2) + draw.sizes(1, 3, 5)
    d = Derivation("convolution written as loops, relu, mean")

    @d.forward
    def forward(x, w, b, R):
        k = w.shape[-1]
        out = x.shape[-1] - k + 1
        rows = []
        for i in range(out):
            for j in range(out):
                patch = x[:, np.newaxis, :, i : i + k, j : j + k]
                rows.append(np.sum(patch * w, axis=(2, 3, 4)) + b)
        z = np.stack(rows, axis=-1).reshape(len(x), len(w), out, out)
        a = np.maximum(z, 0)
        loss = np.mean(a * R)
        return loss

    @d.gradient("z")
    def dz(z, R):
        return R * (z > 0) / z.size

    @d.gradient("w")
    def dw(x, w, dz):
        dw = np.zeros(w.shape)
        k = w.shape[-1]
        for i in range(dz.shape[2]):
            for j in range(dz.shape[3]):
                dw += np.einsum("nf,nckl->fckl", dz[:, :, i, j], x[:, :, i : i + k, j : j + k])
        return dw

    @d.gradient("x")
    def dx(x, w, dz):
        dx = np.zeros(x.shape)
        k = w.shape[-1]
        for i in range(dz.shape[2]):
            for j in range(dz.shape[3]):
                dx[:, :, i : i + k, j : j + k] += np.tensordot(dz[:, :, i, j], w, axes=1)
        return dx

    d.gradient("b", lambda dz: dz.sum(axis=(0, 2, 3)), name="db")
    inputs = {"x": draw.data(n, c, size, size), "w": draw.weight(f, c, 2, 2), "b": draw.bias(f)}
    return d, inputs | {"R": draw.rng.standard_normal((n, f, size - 1, size - 1))}


@derivation
def convolution_1d(draw: Draw) -> tuple[Derivation, Inputs]:
    c, f, size = draw.sizes(2, 1, 3) + draw.sizes(1, 4, 7)
    d = Derivation("convolution in one dimension by windows and einsum")

    @d.forward
    def forward(x, w, R):
        k = w.shape[2]
        windows = np.stack([x[:, s : s + x.shape[1] - k + 1] for s in range(k)], axis=1)
        y = np.einsum("ckt,fck->ft", windows, w)
        loss = np.sum(np.tanh(y) * R)
        return loss

    d.gradient("y", lambda y, R: R / np.cosh(y) ** 2, name="dy")
    d.gradient("w", lambda dy, windows: np.einsum("ft,ckt->fck", dy, windows), name="dw")
    d.gradient(
        "x[c, t]",
        lambda dy, w, c, t: sum(
            dy[f, t - s] * w[f, c, s] for f in range(w.shape[0]) for s in range(w.shape[2]) if 0 <= t - s < dy.shape[1]
        ),
        name="dx",
    )
    return d, {
        "x": draw.data(c, size),
        "w": draw.weight(f, c, 3),
        "R": draw.rng.standard_normal((f, size - 2)),
    }


@derivation
def max_pooling(draw: Draw) -> tuple[Derivation, Inputs]:
    n, size = draw.sizes(2, 1, 3)
    d = Derivation("two by two max pooling")

    @d.forward
    def forward(x, R):
        n, h, w = x.shape
        blocks = x.reshape(n, h // 2, 2, w // 2, 2)
        out = blocks.max(axis=(2, 4))
        loss = np.sum(np.exp(0.1 * out) * R)
        return loss

    d.gradient("out", lambda out, R: 0.1 * np.exp(0.1 * out) * R, name="dout")

    @d.gradient("x")
    def dx(x, dout):
        dx = np.zeros_like(x)
        for n, i, j in np.ndindex(dout.shape):
            block = x[n, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            a, b = np.unravel_index(np.argmax(block), block.shape)
            dx[n, 2 * i + a, 2 * j + b] += dout[n, i, j]
        return dx

    return d, {"x": draw.weight(n, 2 * size, 2 * size), "R": draw.rng.standard_normal((n, size, size))}


@derivation
def dropout(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k, h = draw.sizes(3)
    d = Derivation("dropout with the mask passed in, a weight penalty")

    @d.forward
    def forward(X, y, params, mask, lam):
        Z = X @ params["W1"] + params["b1"]
        A = np.maximum(Z, 0)
        D = A * mask
        out = D @ params["W2"]
        penalty = lam * (np.sum(params["W1"] ** 2) + np.sum(params["W2"] ** 2))
        loss = np.mean((out - y) ** 2) + penalty
        return loss

    @d.backward(returns={"W1": 'params["W1"]', "b1": 'params["b1"]', "W2": 'params["W2"]', "dZ": "Z"})
    def back(cache):
        params = cache["params"]
        dout = 2 * (cache["out"] - cache["y"]) / cache["y"].size
        dW2 = cache["D"].T @ dout + 2 * cache["lam"] * params["W2"]
        dZ = dout @ params["W2"].T * cache["mask"] * (cache["Z"] > 0)
        dW1 = cache["X"].T @ dZ + 2 * cache["lam"] * params["W1"]
        return {"W1": dW1, "b1": dZ.sum(axis=0), "W2": dW2, "dZ": dZ}

    params = {"W1": draw.weight(k, h), "b1": draw.bias(h), "W2": draw.weight(h, 1)}
    return d, {
        "X": draw.data(n, k),
        "y": draw.data(n, 1),
        "params": params,
        "mask": draw.mask(n, h),
        "lam": 0.01,
    }


@derivation
def embedding(draw: Draw) -> tuple[Derivation, Inputs]:
    words, k, n = draw.sizes(3, 2)
    d = Derivation("word vectors looked up by index")

    @d.forward
    def forward(E, U, centre, context):
        v = E[centre]
        scores = v @ U.T
        P = softmax(scores)
        loss = -np.sum(np.log(P[range(len(context)), context]))
        return loss

    @d.gradient("scores")
    def dscores(P, context):
        return P - np.eye(P.shape[1])[context]

    d.gradient("U", lambda dscores, v: dscores.T @ v, name="dU")

    @d.gradient("E")
    def dE(E, U, dscores, centre):
        dE = np.zeros_like(E)
        np.add.at(dE, centre, dscores @ U)
        return dE

    inputs = {"E": draw.weight(words, k), "U": draw.weight(words, k)}
    return d, inputs | {"centre": draw.labels(n, words), "context": draw.labels(n, words)}


@derivation
def residual_block(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k, h = draw.sizes(3)
    d = Derivation("a residual block with the tanh form of gelu")

    def gelu(x):
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    @d.forward
    def forward(x, W1, b1, W2, b2, R):
        u = x @ W1 + b1
        a = gelu(u)
        y = x + a @ W2 + b2
        return np.sum(y * R)

    @d.gradient("u")
    def du(R, W2, u):
        k = np.sqrt(2 / np.pi)
        t = np.tanh(k * (u + 0.044715 * u**3))
        slope = 0.5 * (1 + t) + 0.5 * u * (1 - t**2) * k * (1 + 3 * 0.044715 * u**2)
        return (R @ W2.T) * slope

    d.gradient("x", lambda R, du, W1: R + du @ W1.T, name="dx")
    d.gradient("W1", lambda x, du: x.T @ du, name="dW1")
    d.gradient("b1", lambda du: du.sum(0), name="db1")
    d.gradient("W2", lambda a, R: a.T @ R, name="dW2")
    d.gradient("b2", lambda R: R.sum(0), name="db2")
    inputs = {
        "x": draw.data(n, k),
        "W1": draw.weight(k, h),
        "b1": draw.bias(h),
        "W2": draw.weight(h, k),
        "b2": draw.bias(k),
    }
    return d, inputs | {"R": draw.rng.standard_normal((n, k))}


class TwoLayers:
    """A network as a class: the forward pass keeps what it computed on itself."""

    def __init__(self, shapes: list[tuple[int, int]]) -> None:
        self.shapes = shapes

    def layer(self, x, W, b, last):
        z = x @ W + b
        return z if last else np.where(z > 0, z, 0.1 * z)

    def forward(self, x, weights, biases, target):
        a = x
        for k, (W, b) in enumerate(zip(weights, biases, strict=True)):
            a = self.layer(a, W, b, last=k == len(weights) - 1)
        self.output = a
        loss = 0.0
        loss += np.sum((self.output - target) ** 2)
        loss *= 1 / target.size
        return loss


@derivation
def network_in_a_class(draw: Draw) -> tuple[Derivation, Inputs]:
    sizes = draw.sizes(5)
    d = Derivation("leaky relu layers in a class")
    model = TwoLayers(list(pairwise(sizes[1:])))
    d.forward(model.forward)

    @d.backward(returns={f"W{k}": f"weights[{k}]" for k in range(3)} | {f"b{k}": f"biases[{k}]" for k in range(3)})
    def back(x, weights, biases, target):
        inputs = [x]
        for W, b in list(zip(weights, biases, strict=True))[:-1]:
            z = inputs[-1] @ W + b
            inputs.append(np.maximum(z, 0.1 * z))
        delta = 2 * (inputs[-1] @ weights[-1] + biases[-1] - target) / target.size
        grads = {}
        for k in (2, 1, 0):
            grads[f"W{k}"] = inputs[k].T @ delta
            grads[f"b{k}"] = delta.sum(axis=0)
            if k:
                delta = delta @ weights[k].T * np.where(inputs[k] > 0, 1, 0.1)
        return grads

    weights = [draw.weight(a, b) for a, b in model.shapes]
    biases = [draw.bias(b) for _, b in model.shapes]
    return d, {
        "x": draw.data(sizes[0], sizes[1]),
        "weights": weights,
        "biases": biases,
        "target": draw.data(sizes[0], sizes[4]),
    }


# -- algebra -------------------------------------------------------------------------------------------------


@derivation
def quadratic_form(draw: Draw) -> tuple[Derivation, Inputs]:
    (n,) = draw.sizes(1)
    d = Derivation("a quadratic form and its logarithm")

    @d.forward
    def forward(x, A, b):
        q = x @ A @ x
        loss = np.log1p(q**2) + b @ x
        return loss

    d.gradient("q", lambda q: 2 * q / (1 + q**2), name="dq")
    d.gradient("x", lambda x, A, b, dq: dq * (A + A.T) @ x + b, name="dx")
    d.gradient("A[i, j]", lambda x, dq, i, j: dq * x[i] * x[j], name="dA")
    d.gradient("b", lambda x: x, name="db")
    return d, {"x": draw.data(n), "A": draw.weight(n, n), "b": draw.weight(n)}


@derivation
def powers_and_products(draw: Draw) -> tuple[Derivation, Inputs]:
    (n,) = draw.sizes(1)
    d = Derivation("powers and products of positive numbers")

    @d.forward
    def forward(x, p, c):
        powers = x**p
        product = np.prod(x)
        loss = c * np.sum(powers) / product + np.sqrt(np.sum(x))
        return loss

    @d.gradient("x")
    def dx(x, p, c, powers, product):
        return c * p * x ** (p - 1) / product - c * np.sum(powers) / product / x + 0.5 / np.sqrt(np.sum(x))

    d.gradient("p", lambda x, powers, product, c: c * np.sum(powers * np.log(x)) / product, name="dp")
    d.gradient("c", lambda powers, product: powers.sum() / product, name="dc")
    d.gradient("product", lambda c, powers, product: -c * powers.sum() / product**2, name="dproduct")
    return d, {"x": draw.positive(n), "p": 1.7, "c": 2.0}


@derivation
def factorisation(draw: Draw) -> tuple[Derivation, Inputs]:
    n, m, k = draw.sizes(3)
    d = Derivation("matrix factorisation of the known ratings, with penalties")

    @d.forward
    def forward(R, known, P, Q, lam):
        error = known * (R - P @ Q.T)
        loss = np.sum(error**2) + lam * (np.linalg.norm(P) ** 2 + np.sum(Q**2))
        return loss

    d.gradient("P", lambda error, Q, lam, P: -2 * error @ Q + 2 * lam * P, name="dP")
    d.gradient("Q", lambda error, P, lam, Q: -2 * error.T @ P + 2 * lam * Q, name="dQ")
    d.gradient(
        "P[i, f]",
        lambda error, P, Q, lam, i, f: 2 * lam * P[i, f] - 2 * sum(error[i, j] * Q[j, f] for j in range(len(Q))),
        name="dP_if",
    )
    return d, {
        "R": draw.data(n, m),
        "known": draw.rng.integers(0, 2, size=(n, m)),
        "P": draw.weight(n, k),
        "Q": draw.weight(m, k),
        "lam": 0.1,
    }


@derivation
def distances(draw: Draw) -> tuple[Derivation, Inputs]:
    n, m, k = draw.sizes(3)
    d = Derivation("soft assignment to centres by squared distances")

    @d.forward
    def forward(X, C):
        diff = X[:, None, :] - C[None, :, :]
        D = np.sum(diff**2, axis=-1)
        S = softmax(-D)
        loss = np.sum(S * D)
        return loss

    d.gradient("D", lambda S, D: S * (1 - D + np.sum(S * D, axis=1, keepdims=True)), name="dD")
    d.gradient("C", lambda dD, diff: -2 * np.sum(dD[:, :, None] * diff, axis=0), name="dC")
    d.gradient("X", lambda dD, diff: 2 * np.einsum("nm,nmk->nk", dD, diff), name="dX")
    return d, {"X": draw.weight(n, k), "C": draw.weight(m, k)}


@derivation
def lasso(draw: Draw) -> tuple[Derivation, Inputs]:
    n, k = draw.sizes(2)
    d = Derivation("least squares with an absolute penalty")

    @d.forward
    def forward(X, y, w, lam):
        r = y - X @ w
        loss = r @ r / (2 * len(y)) + lam * np.abs(w).sum()
        return loss

    d.gradient("w", lambda X, r, w, lam, y: -X.T @ r / len(y) + lam * np.sign(w), name="dw")
    d.gradient("r", lambda r: r / r.size, name="dr")
    return d, {"X": draw.data(n, k), "y": draw.data(n), "w": draw.weight(k), "lam": 0.3}


@derivation
def one_number(draw: Draw) -> tuple[Derivation, Inputs]:
    d = Derivation("everything is one number")

    @d.forward
    def forward(x, w, b):
        z = w * x + b
        if z > 0:  # noqa: SIM108
            a = z / (1 + z)
        else:
            a = np.expm1(z)
        loss = a**3 - 2 * a
        return loss

    d.gradient("a", lambda a: 3 * a**2 - 2, name="da")
    d.gradient("z", lambda da, z: da / (1 + z) ** 2 if z > 0 else da * np.exp(z), name="dz")
    d.gradient("w", lambda dz, x: dz * x, name="dw")
    d.gradient("b", lambda dz: dz, name="db")
    d.gradient("x", lambda dz, w: dz * w, name="dx")
    x, w, b = (float(v) for v in draw.weight(3))
    return d, {"x": x, "w": w, "b": b}
