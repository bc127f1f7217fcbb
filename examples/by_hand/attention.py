"""Attention: one head, and several heads with a causal mask."""

import numpy as np
from study import Mistake, Study, show

rng = np.random.default_rng(1)


def attention(x, Wq, Wk, Wv, target):
    q = x @ Wq
    k = x @ Wk
    v = x @ Wv
    scores = q @ k.T / np.sqrt(q.shape[1])
    e = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    weights = e / np.sum(e, axis=1, keepdims=True)
    out = weights @ v
    loss = 0.5 * np.sum((out - target) ** 2)
    return loss


def attention_backward(x, Wq, Wk, Wv, q, k, v, weights, out, target):
    dout = out - target
    dweights = dout @ v.T
    dv = weights.T @ dout
    dscores = weights * (dweights - np.sum(dweights * weights, axis=1, keepdims=True))
    dq = dscores @ k / np.sqrt(q.shape[1])
    dk = dscores.T @ q / np.sqrt(q.shape[1])
    dWq = x.T @ dq
    dWk = x.T @ dk
    dWv = x.T @ dv
    dx = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
    return {"dout": dout, "dweights": dweights, "dv": dv, "dscores": dscores, "dq": dq, "dk": dk, "dWq": dWq,
            "dWk": dWk, "dWv": dWv, "dx": dx}  # fmt: skip


def heads(x, Wqkv, Wo, mask, target):
    T, C = x.shape
    H = 2
    qkv = x @ Wqkv
    q = qkv[:, :C].reshape(T, H, C // H).transpose(1, 0, 2)
    k = qkv[:, C : 2 * C].reshape(T, H, C // H).transpose(1, 0, 2)
    v = qkv[:, 2 * C :].reshape(T, H, C // H).transpose(1, 0, 2)
    scores = np.where(mask, q @ k.transpose(0, 2, 1) / np.sqrt(C // H), -1e9)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    att = e / e.sum(axis=-1, keepdims=True)
    y = att @ v
    merged = y.transpose(1, 0, 2).reshape(T, C)
    out = merged @ Wo
    loss = 0.5 * np.sum((out - target) ** 2)
    return loss


def heads_backward(x, Wqkv, Wo, mask, q, k, v, att, merged, out, target):
    T, C = x.shape
    H = 2
    scale = 1 / np.sqrt(C // H)
    dout = out - target
    dWo = merged.T @ dout
    dmerged = dout @ Wo.T
    dy = dmerged.reshape(T, H, C // H).transpose(1, 0, 2)
    datt = dy @ v.transpose(0, 2, 1)
    dv = att.transpose(0, 2, 1) @ dy
    dscores = att * (datt - (datt * att).sum(axis=-1, keepdims=True))
    dscores = np.where(mask, dscores, 0.0)
    dq = dscores @ k * scale
    dk = dscores.transpose(0, 2, 1) @ q * scale
    dqkv = np.concatenate([g.transpose(1, 0, 2).reshape(T, C) for g in (dq, dk, dv)], axis=1)
    dWqkv = x.T @ dqkv
    dx = dqkv @ Wqkv.T
    return {"dout": dout, "dWo": dWo, "dmerged": dmerged, "dy": dy, "datt": datt, "dv": dv, "dscores": dscores,
            "dq": dq, "dk": dk, "dqkv": dqkv, "dWqkv": dWqkv, "dx": dx}  # fmt: skip


one = {"x": rng.normal(size=(4, 3)), "target": rng.normal(size=(4, 5))}
one |= {"Wq": rng.normal(size=(3, 2)), "Wk": rng.normal(size=(3, 2)), "Wv": rng.normal(size=(3, 5))}
several = {"x": rng.normal(size=(3, 4)), "Wqkv": rng.normal(size=(4, 12)), "Wo": rng.normal(size=(4, 4))}
several |= {"mask": np.tril(np.ones((3, 3), dtype=bool)), "target": rng.normal(size=(3, 4))}

STUDIES = [
    Study("attention, one head", attention, attention_backward, one, [
        Mistake("1/sqrt(d) forgotten", "dq = dscores @ k / np.sqrt(q.shape[1])", "dq = dscores @ k", "dq", "scale"),
        Mistake("1/d instead of 1/sqrt(d)", "dk = dscores.T @ q / np.sqrt(q.shape[1])", "dk = dscores.T @ q / q.shape[1]", "dk", "scale"),
        Mistake("only the diagonal of the softmax's Jacobian", "weights * (dweights - np.sum(dweights * weights, axis=1, keepdims=True))", "weights * (1 - weights) * dweights", "dscores", "softmax-diagonal"),
        Mistake("softmax over the wrong axis", "np.sum(dweights * weights, axis=1, keepdims=True)", "np.sum(dweights * weights, axis=0, keepdims=True)", "dscores", "axis"),
        Mistake("the scores not transposed", "dk = dscores.T @ q", "dk = dscores @ q", "dk", "transpose"),
        Mistake("x gets nothing through the keys", " + dk @ Wk.T", "", "dx", "missing-term"),
        Mistake("queries for keys", "dq = dscores @ k", "dq = dscores @ q", "dq", "wrong-operand"),
    ]),
    Study("causal attention, two heads", heads, heads_backward, several, [
        Mistake("1/sqrt(d) with the width of all heads", "scale = 1 / np.sqrt(C // H)", "scale = 1 / np.sqrt(C)", "dq", "scale"),
        Mistake("the heads not moved back", "dy = dmerged.reshape(T, H, C // H).transpose(1, 0, 2)", "dy = dmerged.reshape(H, T, C // H)", "dy", "transpose"),
        Mistake("the weights not transposed", "dv = att.transpose(0, 2, 1) @ dy", "dv = att @ dy", "dv", "transpose"),
        Mistake("the softmax's sum left out", "(datt - (datt * att).sum(axis=-1, keepdims=True))", "datt", "dscores", "softmax-diagonal"),
        Mistake("the mask inverted", "np.where(mask, dscores, 0.0)", "np.where(mask, 0.0, dscores)", "dscores", "wrong-mask"),
        Mistake("gradients of queries and keys exchanged", "for g in (dq, dk, dv)", "for g in (dk, dq, dv)", "dqkv", "wrong-operand"),
    ]),
]  # fmt: skip

if __name__ == "__main__":
    show(*STUDIES)
