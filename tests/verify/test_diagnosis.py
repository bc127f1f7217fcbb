"""Why a formula is wrong: one line per planted mistake, with the cause that a teacher would name."""

import numpy as np
import pytest

import microgradnp as mg

rng = np.random.default_rng(7)


def logistic(z):
    return 1 / (1 + np.exp(-z))


# -- right derivations, with which every mistake is surrounded -------------------------------------------------------


def classifier(X, T, Wh, bh, Wo, bo):
    Zh = X @ Wh + bh
    H = 1 / (1 + np.exp(-Zh))
    Zo = H @ Wo + bo
    Y = np.exp(Zo) / np.sum(np.exp(Zo), axis=1, keepdims=True)
    loss = -np.sum(T * np.log(Y))
    return loss


CLASSIFIER = {
    "X": rng.normal(size=(7, 2)), "T": np.eye(2)[[0, 1, 1, 0, 1, 0, 0]], "Wh": rng.normal(size=(2, 3)), "bh": rng.normal(size=(1, 3)),
    "Wo": rng.normal(size=(3, 2)), "bo": rng.normal(size=(1, 2)),
}  # fmt: skip
CLASSIFIER_CLAIMS = {"Zo": ("Eo", lambda Y, T: Y - T), "Zh": ("Eh", lambda H, Wo, Eo: H * (1 - H) * (Eo @ Wo.T))}


def regression(X, y, W, b, V, lam):
    Z = X @ W + b
    A = np.tanh(Z)
    out = A @ V
    loss = np.mean((out - y) ** 2) + lam * np.sum(W**2)
    return loss


REGRESSION = {
    "X": rng.normal(size=(6, 4)), "y": rng.normal(size=(6, 1)), "W": rng.normal(size=(4, 4)), "b": rng.normal(size=4), "V": rng.normal(size=(4, 1)),
    "lam": 0.05,
}  # fmt: skip
REGRESSION_CLAIMS = {
    "out": ("dout", lambda out, y: 2 * (out - y) / out.size),
    "Z": ("dZ", lambda A, V, dout: (1 - A**2) * (dout @ V.T)),
}


def dropout(X, mask, W, V, t):
    Z = X @ W
    R = np.maximum(Z, 0)
    D = R * mask / 0.8
    s = D @ V
    p = 1 / (1 + np.exp(-s))
    loss = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
    return loss


DROPOUT = {
    "X": rng.normal(size=(9, 3)), "mask": (rng.random((9, 5)) < 0.8) * 1.0, "W": rng.normal(size=(3, 5)), "V": rng.normal(size=(5, 1)),
    "t": (rng.random((9, 1)) < 0.5) * 1.0,
}  # fmt: skip
DROPOUT_CLAIMS = {"s": ("ds", lambda p, t: (p - t) / t.shape[0]), "D": ("dD", lambda ds, V: ds @ V.T)}


def recurrent(x1, x2, x3, U, W, h0, y):
    h1 = np.tanh(x1 @ U + h0 @ W)
    h2 = np.tanh(x2 @ U + h1 @ W)
    h3 = np.tanh(x3 @ U + h2 @ W)
    loss = 0.5 * np.sum((h3 - y) ** 2)
    return loss


RECURRENT = {name: rng.normal(size=shape) for name, shape in {
    "x1": (5, 2), "x2": (5, 2), "x3": (5, 2), "U": (2, 3), "W": (3, 3), "h0": (5, 3), "y": (5, 3),
}.items()}  # fmt: skip
RECURRENT_CLAIMS = {
    "h3": ("d3", lambda h3, y: h3 - y),
    "h2": ("d2", lambda d3, h3, W: (d3 * (1 - h3**2)) @ W.T),
    "h1": ("d1", lambda d2, h2, W: (d2 * (1 - h2**2)) @ W.T),
}


def deep(X, W1, mask, keep, W2, b2, W3, t):
    z1 = X @ W1
    a1 = np.maximum(z1, 0)
    d1 = a1 * mask / keep
    z2 = d1 @ W2 + b2  # without the bias, z2 is 0 in a row that is dropped whole: a kink
    a2 = np.maximum(z2, 0)
    z3 = a2 @ W3
    a3 = np.tanh(z3)
    loss = np.mean((a3 - t) ** 2)
    return loss


other = np.random.default_rng(11)
DEEP = {
    "X": other.normal(size=(8, 3)), "W1": other.normal(size=(3, 5)), "mask": (other.random((8, 5)) < 0.7) * 1.0, "keep": 0.7,
    "W2": other.normal(size=(5, 5)), "b2": other.normal(size=5), "W3": other.normal(size=(5, 2)), "t": other.normal(size=(8, 2)),
}  # fmt: skip
DEEP_CLAIMS = {
    "a3": ("da3", lambda a3, t: 2 * (a3 - t) / t.size),
    "z3": ("dz3", lambda da3, a3: da3 * (1 - a3**2)),
    "a2": ("da2", lambda dz3, W3: dz3 @ W3.T),
    "z2": ("dz2", lambda da2, z2: da2 * (z2 > 0)),
    "d1": ("dd1", lambda dz2, W2: dz2 @ W2.T),
    "z1": ("dz1", lambda dd1, mask, keep, z1: dd1 * mask / keep * (z1 > 0)),
}

NETWORKS = {
    "classifier": (classifier, CLASSIFIER, CLASSIFIER_CLAIMS),
    "regression": (regression, REGRESSION, REGRESSION_CLAIMS),
    "dropout": (dropout, DROPOUT, DROPOUT_CLAIMS),
    "recurrent": (recurrent, RECURRENT, RECURRENT_CLAIMS),
    "deep": (deep, DEEP, DEEP_CLAIMS),
}

MISTAKES = [
    ("classifier", "Zh", "missing-activation-derivative", lambda Eo, Wo: Eo @ Wo.T),
    ("classifier", "Zh", "missing-factor", lambda H, Eo, Wo: H * (Eo @ Wo.T)),
    ("classifier", "Zh", "missing-factor", lambda H, Eo, Wo: (1 - H) * (Eo @ Wo.T)),
    ("classifier", "Zh", "extra-activation-derivative", lambda H, Eo, Wo: (H * (1 - H)) ** 2 * (Eo @ Wo.T)),
    ("classifier", "Zh", "derivative-at-wrong-place", lambda Zh, Eo, Wo: Zh * (1 - Zh) * (Eo @ Wo.T)),
    ("classifier", "Zh", "derivative-at-wrong-place", lambda H, Eo, Wo: logistic(H) * (1 - logistic(H)) * (Eo @ Wo.T)),
    ("classifier", "Zh", "surrogate-derivative", lambda H, Eo, Wo: (1 - H**2) * (Eo @ Wo.T)),
    ("classifier", "Zh", "surrogate-derivative", lambda Zh, Eo, Wo: (Zh > 0) * (Eo @ Wo.T)),
    ("classifier", "Zh", "sign", lambda H, Eo, Wo: -H * (1 - H) * (Eo @ Wo.T)),
    ("classifier", "Zh", "upstream-ignored", lambda H: H * (1 - H)),
    ("classifier", "Zo", "sign", lambda Y, T: T - Y),
    ("classifier", "Zo", "scale", lambda Y, T: (Y - T) / len(Y)),
    ("classifier", "Zo", "extra-activation-derivative", lambda Y, T: (Y - T) * Y * (1 - Y)),
    ("classifier", "Zo", "missing-term", lambda Y: Y),
    ("classifier", "Zo", "softmax-diagonal", lambda Y, T: -T / Y * Y * (1 - Y)),
    ("classifier", "Wo", "transpose", lambda H, Eo: Eo.T @ H),
    ("classifier", "Wo", "wrong-operand", lambda Zh, Eo: Zh.T @ Eo),
    ("classifier", "Wo", "wrong-operand", lambda H, T, Eo: H.T @ T),
    ("classifier", "Wo", "regulariser", lambda H, Eo, Wo: H.T @ Eo + 0.01 * Wo),
    ("classifier", "Wo", "shifted-index", lambda H, Eo: np.roll(H, 1, axis=0).T @ Eo),
    ("classifier", "Wo", "missing-gradient", lambda Wo: np.zeros_like(Wo)),
    ("classifier", "bo", "shape", lambda Eo: Eo.sum(axis=0)),
    ("classifier", "bo", "broadcast", lambda Eo: Eo),
    ("classifier", "bo", "axis", lambda Eo: Eo.sum(axis=1)),
    ("classifier", "bo", "scale", lambda Eo: Eo.mean(axis=0, keepdims=True)),
    ("classifier", "Wh", "stale-value", lambda X, H, Y, T, Wo: X.T @ (H * (1 - H) * ((Y - T) @ (Wo - 0.3 * H.T @ (Y - T)).T))),
    ("regression", "out", "scale", lambda out, y: (out - y) / out.size),
    ("regression", "out", "scale", lambda out, y: 2 * (out - y)),
    ("regression", "out", "sign", lambda out, y: 2 * (y - out) / out.size),
    ("regression", "Z", "missing-activation-derivative", lambda dout, V: dout @ V.T),
    ("regression", "Z", "surrogate-derivative", lambda A, dout, V: A * (1 - A) * (dout @ V.T)),
    ("regression", "Z", "derivative-at-wrong-place", lambda Z, dout, V: (1 - Z**2) * (dout @ V.T)),
    ("regression", "W", "regulariser", lambda X, dZ: X.T @ dZ),
    ("regression", "W", "regulariser", lambda X, dZ, W, lam: X.T @ dZ + lam * W),
    ("regression", "b", "regulariser", lambda dZ, b, lam: dZ.sum(axis=0) + 2 * lam * b),
    ("dropout", "R", "wrong-mask", lambda dD: dD / 0.8),
    ("dropout", "R", "wrong-mask", lambda dD, mask: dD * (1 - mask) / 0.8),
    ("dropout", "R", "scale", lambda dD, mask: dD * mask),
    ("dropout", "s", "missing-activation-derivative", lambda p, t: (-t / p + (1 - t) / (1 - p)) / t.shape[0]),
    ("dropout", "s", "scale", lambda p, t: p - t),
    ("recurrent", "h2", "missing-activation-derivative", lambda d3, W: d3 @ W.T),
    ("recurrent", "h2", "transpose", lambda d3, h3, W: (d3 * (1 - h3**2)) @ W),
    ("recurrent", "h2", "wrong-operand", lambda d3, h2, W: (d3 * (1 - h2**2)) @ W.T),
    ("recurrent", "W", "missing-term", lambda d3, d2, h3, h2, h1: h2_part(d3, h3, h2) + h2_part(d2, h2, h1)),
    ("recurrent", "U", "double-count", lambda d1, d2, d3, h1, h2, h3, x1, x2, x3: 2 * h2_part(d3, h3, x3) + h2_part(d2, h2, x2) + h2_part(d1, h1, x1)),
    ("deep", "z2", "wrong-mask", lambda da2, mask: da2 * mask),
    ("deep", "z2", "wrong-mask", lambda da2, z1: da2 * (z1 > 0)),
    ("deep", "z1", "wrong-mask", lambda dd1, keep, z1: dd1 * (z1 > 0) / keep),
    ("deep", "d1", "wrong-mask", lambda dz2, W2, mask, keep: (dz2 @ W2.T) * mask / keep),
    ("deep", "z3", "derivative-at-wrong-place", lambda da3, a3: da3 * (1 - np.tanh(a3) ** 2)),
    ("deep", "z3", "missing-activation-derivative", lambda a3, t: 2 * (a3 - t) / t.size),
    ("deep", "z2", "missing-activation-derivative", lambda dz3, W3: dz3 @ W3.T),
    ("deep", "z2", "surrogate-derivative", lambda da2, z2: da2 * np.where(z2 > 0, 1, 0.1)),
    ("deep", "a3", "wrong-loss", lambda a3, t: np.clip(a3 - t, -1, 1) / t.size),
    ("deep", "d1", "matmul-vs-elementwise", lambda dz2, W2: dz2 * W2.sum(axis=1)),
    ("deep", "d1", "matmul-vs-elementwise", lambda dz2, W2: dz2 * np.diag(W2)),
    ("deep", "W1", "shifted-index", lambda X, dz1: X[::-1].T @ dz1),
    ("deep", "W2", "missing-activation-derivative", lambda d1, da2: d1.T @ da2),
    ("deep", "W1", "shifted-index", lambda X, dz1: X[:-1].T @ dz1[1:]),
    ("deep", "W1", "shifted-index", lambda X, dz1: X[1:].T @ dz1[1:]),
    ("deep", "d1", "missing-factor", lambda dz2: dz2),
    ("deep", "W3", "wrong-operand", lambda z2, dz3: z2.T @ dz3),
]  # fmt: skip


def h2_part(d, h, before):
    """The part of one step in the gradient of a weight that all steps share."""
    return before.T @ (d * (1 - h**2))


@pytest.mark.parametrize(
    ("network", "of", "cause", "formula"),
    MISTAKES,
    ids=[f"{n}-{of}-{c}-{k}" for k, (n, of, c, _) in enumerate(MISTAKES)],
)
def test_the_cause_is_named(network, of, cause, formula):
    forward, inputs, claims = NETWORKS[network]
    d = mg.Derivation(network)
    d.forward(forward)
    for quantity, (name, right) in claims.items():
        if quantity != of:
            d.gradient(quantity, right, name=name)
    mine = claims[of][0] if of in claims else "mine"
    d.gradient(of, formula, name=mine)
    report = d.verify(**inputs)
    verdict = report[mine]
    assert verdict.status == "wrong"
    assert verdict.cause == cause, verdict.explanation
    assert f"`{mine}`" in verdict.explanation
    assert all(v.status in ("correct", "correct given its inputs") for v in report if v.name != mine)


@pytest.mark.parametrize("network", NETWORKS)
def test_random_values_have_no_cause(network):
    forward, inputs, claims = NETWORKS[network]
    d = mg.Derivation(network)
    d.forward(forward)
    for k, quantity in enumerate(claims):
        size = forward_shape(forward, inputs, quantity)
        noise = np.random.default_rng(k).normal(size=size)
        d.gradient(quantity, lambda noise=noise: noise, name=f"noise{k}")
    for verdict in d.verify(**inputs):
        assert verdict.status == "wrong"
        assert verdict.cause == "unknown", verdict.explanation
        assert "no single mistake explains it" in verdict.explanation


def forward_shape(forward, inputs, quantity):
    return mg.trace(forward, **inputs).names[quantity].shape


def test_the_explanation_uses_the_users_names():
    d = mg.Derivation()
    d.forward(classifier)
    d.gradient("Zo", lambda Y, T: Y - T, name="Eo")
    d.gradient("Zh", lambda H, Eo, Wo: H * (Eo @ Wo.T), name="Eh")
    report = d.verify(**CLASSIFIER)
    assert report["Eh"].explanation == "`Eh` equals the right answer with the factor 1 - H left out"


def test_a_constant_is_named_by_the_users_sizes():
    d = mg.Derivation()
    d.forward(classifier)
    d.gradient("Zo", lambda Y, T: (Y - T) / len(Y), name="Eo")
    assert d.verify(**CLASSIFIER)["Eo"].explanation == "`Eo` equals the right answer times 1/7, with 7 = X.shape[0]"


def test_a_backward_function_is_explained_too():
    d = mg.Derivation()
    d.forward(classifier)

    @d.backward
    def back(X, T, Y, H, Wo):
        dZo = Y - T
        dZh = H * (dZo @ Wo.T)
        return {"dWo": H.T @ dZo, "dWh": X.T @ dZh}

    report = d.verify(**CLASSIFIER)
    assert report["Wo"].status == "correct"
    assert report["Wh"].status == "correct given its inputs"
    assert (report["Zh"].status, report["Zh"].cause) == ("wrong", "missing-factor")  # where the first mistake is


# -- variables of a backward function --------------------------------------------------------------------------------


def residual_block(X, Wa, Wb, Wc, g, y):
    m = X @ Wa
    n = m * g
    q = np.tanh(n)
    r = q @ Wb
    u = r + q
    v = u @ Wc
    loss = 0.5 * np.sum((v - y) ** 2)
    return loss


RESIDUAL_BLOCK = {name: rng.normal(size=shape) for name, shape in {
    "X": (5, 3), "Wa": (3, 4), "Wb": (4, 4), "Wc": (4, 2), "g": (1, 4), "y": (5, 2),
}.items()}  # fmt: skip
NOISE = rng.normal(size=(5, 4))


def no_slope(X, Wb, Wc, g, y, m, q, u, v):
    dv = v - y
    du = dv @ Wc.T
    dq = du @ Wb.T + du
    dn = dq
    dm = dn * g
    return {"Wc": u.T @ dv, "Wb": q.T @ du, "g": (dn * m).sum(axis=0, keepdims=True), "Wa": X.T @ dm}


def no_skip(X, Wb, Wc, g, y, m, q, u, v):
    dv = v - y
    du = dv @ Wc.T
    dq = du @ Wb.T
    dn = dq * (1 - q**2)
    dm = dn * g
    return {"Wc": u.T @ dv, "Wb": q.T @ du, "g": (dn * m).sum(axis=0, keepdims=True), "Wa": X.T @ dm}


def skip_alone(X, Wb, Wc, g, y, m, q, u, v):
    dv = v - y
    du = dv @ Wc.T
    dn = du * (1 - q**2)
    dm = dn * g
    return {"Wc": u.T @ dv, "Wb": q.T @ du, "g": (dn * m).sum(axis=0, keepdims=True), "Wa": X.T @ dm}


def no_gain(X, Wb, Wc, g, y, m, q, u, v):
    dv = v - y
    du = dv @ Wc.T
    dn = (du @ Wb.T + du) * (1 - q**2)
    dm = dn
    return {"Wc": u.T @ dv, "Wb": q.T @ du, "g": (dn * m).sum(axis=0, keepdims=True), "Wa": X.T @ dm}


def made_up(X, Wb, Wc, g, y, m, q, u, v):
    dv = v - y
    du = dv @ Wc.T
    dq = np.abs(du) @ Wb.T**3 + du
    dn = dq * (1 - q**2)
    dm = dn * g
    return {"Wc": u.T @ dv, "Wb": q.T @ du, "g": (dn * m).sum(axis=0, keepdims=True), "Wa": X.T @ dm}


def from_nowhere(X, Wb, Wc, g, y, m, q, u, v):
    dv = v - y
    du = dv @ Wc.T
    dn = NOISE
    dm = dn * g
    return {"Wc": u.T @ dv, "Wb": q.T @ du, "g": (dn * m).sum(axis=0, keepdims=True), "Wa": X.T @ dm}


@pytest.mark.parametrize(
    ("back", "cause", "said"),
    [
        (no_slope, "missing-activation-derivative", "should be `(du @ Wb.T + du) * (1 - q**2)`"),
        (no_skip, "missing-term", "should be `du @ Wb.T + du`"),
        (skip_alone, "missing-term", "what reaches q through r"),
        (no_gain, "missing-factor", "should be `dn * g`"),
        (made_up, "unknown", "no single mistake"),
        (from_nowhere, "unknown", "no single mistake"),
    ],
)
def test_a_variable_is_not_explained_by_its_own_gradient(back, cause, said):
    d = mg.Derivation()
    d.forward(residual_block)
    d.backward(back)
    wrong = [v for v in d.verify(**RESIDUAL_BLOCK) if v.status == "wrong"]
    assert wrong
    for verdict in wrong:
        assert verdict.cause == cause, verdict.explanation
        assert said in verdict.explanation
        assert "∂loss" not in verdict.explanation


def test_the_search_warns_of_nothing(recwarn):
    d = mg.Derivation()
    d.forward(residual_block)
    d.gradient("n", lambda q, du, Wb: (du @ Wb.T + du) * (1 - q**2) / 0.0, name="dn")
    d.gradient("u", lambda v, y, Wc: (v - y) @ Wc.T, name="du")
    d.gradient("q", lambda du, Wb: np.sqrt(du @ Wb.T + du), name="dq")
    d.gradient("m", lambda dn, g: dn * g * 1j, name="dm")
    with np.errstate(all="ignore"):
        d.verify(**RESIDUAL_BLOCK)
    assert not [str(w.message) for w in recwarn]
