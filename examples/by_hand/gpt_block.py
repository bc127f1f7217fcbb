"""A small GPT: layer norm, causal attention, residuals, an MLP with GELU, cross entropy. The whole way back.

Run it: python examples/by_hand/gpt_block.py
"""

import numpy as np
from study import Mistake, Study, show

rng = np.random.default_rng(6)
A = np.sqrt(2 / np.pi)


def block(x, g1, b1, Wqkv, Wproj, g2, b2, W1, c1, W2, c2, Wout, mask, labels):
    T, C = x.shape
    H = 2
    rstd1 = 1 / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    xhat1 = (x - x.mean(axis=-1, keepdims=True)) * rstd1
    ln1 = xhat1 * g1 + b1
    qkv = ln1 @ Wqkv
    q = qkv[:, :C].reshape(T, H, C // H).transpose(1, 0, 2)
    k = qkv[:, C : 2 * C].reshape(T, H, C // H).transpose(1, 0, 2)
    v = qkv[:, 2 * C :].reshape(T, H, C // H).transpose(1, 0, 2)
    scores = np.where(mask, q @ k.transpose(0, 2, 1) / np.sqrt(C // H), -1e9)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    att = e / e.sum(axis=-1, keepdims=True)
    y = (att @ v).transpose(1, 0, 2).reshape(T, C)
    res1 = x + y @ Wproj
    rstd2 = 1 / np.sqrt(res1.var(axis=-1, keepdims=True) + 1e-5)
    xhat2 = (res1 - res1.mean(axis=-1, keepdims=True)) * rstd2
    ln2 = xhat2 * g2 + b2
    pre = ln2 @ W1 + c1
    t = np.tanh(A * (pre + 0.044715 * pre**3))
    act = 0.5 * pre * (1 + t)
    res2 = res1 + act @ W2 + c2
    logits = res2 @ Wout
    z = logits - logits.max(axis=-1, keepdims=True)
    logprobs = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    loss = -np.mean(logprobs[np.arange(T), labels])
    return loss


def block_backward(x, g1, Wqkv, Wproj, g2, W1, W2, Wout, mask, labels, rstd1, xhat1, ln1, q, k, v, att, y, rstd2,
                   xhat2, ln2, pre, t, act, res2, logprobs):  # fmt: skip
    T, C = x.shape
    H = 2
    dlogits = np.exp(logprobs)
    dlogits[np.arange(T), labels] -= 1
    dlogits /= T
    dWout = res2.T @ dlogits
    dres2 = dlogits @ Wout.T
    dc2 = dres2.sum(axis=0)
    dW2 = act.T @ dres2
    dact = dres2 @ W2.T
    dpre = dact * (0.5 * (1 + t) + 0.5 * pre * (1 - t**2) * A * (1 + 3 * 0.044715 * pre**2))
    dc1 = dpre.sum(axis=0)
    dW1 = ln2.T @ dpre
    dln2 = dpre @ W1.T
    dg2 = (dln2 * xhat2).sum(axis=0)
    db2 = dln2.sum(axis=0)
    dx2 = dln2 * g2
    dx2 = rstd2 * (dx2 - dx2.mean(-1, keepdims=True) - xhat2 * (dx2 * xhat2).mean(-1, keepdims=True))
    dres1 = dres2 + dx2
    dWproj = y.T @ dres1
    dy = dres1 @ Wproj.T
    dheads = dy.reshape(T, H, C // H).transpose(1, 0, 2)
    datt = dheads @ v.transpose(0, 2, 1)
    dv = att.transpose(0, 2, 1) @ dheads
    dscores = att * (datt - (datt * att).sum(-1, keepdims=True))
    dq = dscores @ k / np.sqrt(C // H)
    dk = dscores.transpose(0, 2, 1) @ q / np.sqrt(C // H)
    dqkv = np.concatenate([g.transpose(1, 0, 2).reshape(T, C) for g in (dq, dk, dv)], axis=1)
    dWqkv = ln1.T @ dqkv
    dln1 = dqkv @ Wqkv.T
    dg1 = (dln1 * xhat1).sum(axis=0)
    db1 = dln1.sum(axis=0)
    dx1 = dln1 * g1
    dx1 = rstd1 * (dx1 - dx1.mean(-1, keepdims=True) - xhat1 * (dx1 * xhat1).mean(-1, keepdims=True))
    dx = dres1 + dx1
    return {"dlogits": dlogits, "dWout": dWout, "dres2": dres2, "dc2": dc2, "dW2": dW2, "dact": dact, "dpre": dpre,
            "dc1": dc1, "dW1": dW1, "dln2": dln2, "dg2": dg2, "db2": db2, "dres1": dres1, "dWproj": dWproj, "dy": dy,
            "datt": datt, "dv": dv, "dscores": dscores, "dq": dq, "dk": dk, "dqkv": dqkv, "dWqkv": dWqkv,
            "dln1": dln1, "dg1": dg1, "db1": db1, "dx": dx}  # fmt: skip


T, C, F, VOCABULARY = 3, 4, 5, 6
inputs = {"x": rng.normal(size=(T, C)), "g1": rng.normal(size=C), "b1": rng.normal(size=C)}
inputs |= {"Wqkv": rng.normal(size=(C, 3 * C)), "Wproj": rng.normal(size=(C, C))}
inputs |= {"g2": rng.normal(size=C), "b2": rng.normal(size=C), "W1": rng.normal(size=(C, F)), "c1": rng.normal(size=F)}
inputs |= {"W2": rng.normal(size=(F, C)), "c2": rng.normal(size=C), "Wout": rng.normal(size=(C, VOCABULARY))}
inputs |= {"mask": np.tril(np.ones((T, T), dtype=bool)), "labels": np.array([1, 4, 0])}

STUDIES = [
    Study("a GPT block", block, block_backward, inputs, [
        Mistake("the last residual forgotten", "dx = dres1 + dx1", "dx = dx1", "dx", "missing-term"),
        Mistake("layer norm's mean treated as a constant", "dx1 - dx1.mean(-1, keepdims=True) -", "dx1 -", "dx", "missing-term"),
        Mistake("gain's gradient without the normalised x", "dg1 = (dln1 * xhat1)", "dg1 = (dln1)", "dg1", "missing-factor"),
        Mistake("1/sqrt(d) with the width of all heads", "dk = dscores.transpose(0, 2, 1) @ q / np.sqrt(C // H)", "dk = dscores.transpose(0, 2, 1) @ q / np.sqrt(C)", "dk", "scale"),
        Mistake("the softmax's sum left out", "(datt - (datt * att).sum(-1, keepdims=True))", "datt", "dscores", "softmax-diagonal"),
        Mistake("the mean over the positions forgotten", "dlogits /= T", "dlogits /= 1", "dlogits", "scale"),
        Mistake("GELU derived as its first factor alone", " + 0.5 * pre * (1 - t**2) * A * (1 + 3 * 0.044715 * pre**2)", "", "dpre", "missing-term"),
        Mistake("the inner residual forgotten", "dres1 = dres2 + dx2", "dres1 = dx2", "dres1", "missing-term"),
        Mistake("the MLP's weights before its activation", "dW2 = act.T @ dres2", "dW2 = pre.T @ dres2", "dW2", "wrong-operand"),
        Mistake("gain of the other layer norm", "dx2 = dln2 * g2", "dx2 = dln2 * g1", "dres1", "wrong-operand"),
        Mistake("bias over the wrong axis", "dc1 = dpre.sum(axis=0)", "dc1 = dpre.sum(axis=1)", "dc1", "axis"),
    ]),
]  # fmt: skip

if __name__ == "__main__":
    show(*STUDIES)
