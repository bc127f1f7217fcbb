"""Linear-chain CRF: negative log-likelihood with the forward algorithm, gradients by forward-backward."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("linear-chain CRF")


@d.forward
def nll(E, A, tags):
    T = E.shape[0]
    alpha = E[0]
    alphas = [alpha]
    score = E[0, tags[0]]
    for t in range(1, T):
        alpha = np.log(np.sum(np.exp(alpha[:, None] + A), axis=0)) + E[t]
        alphas.append(alpha)
        score = score + A[tags[t - 1], tags[t]] + E[t, tags[t]]
    logZ = np.log(np.sum(np.exp(alpha)))
    loss = logZ - score
    return loss


@d.backward
def forward_backward(E, A, tags, alphas, logZ):
    T = E.shape[0]
    gE, gA = np.zeros_like(E), np.zeros_like(A)
    beta = np.zeros(A.shape[0])
    for t in range(T - 1, -1, -1):
        gE[t] = np.exp(alphas[t] + beta - logZ)
        gE[t, tags[t]] -= 1
        if t > 0:
            pair = np.exp(alphas[t - 1][:, None] + A + E[t] + beta - logZ)
            gA += pair
            gA[tags[t - 1], tags[t]] -= 1
            beta = np.log(np.sum(np.exp(A + E[t] + beta), axis=1))
    return {"E": gE, "A": gA}


def inputs(rng):
    return {"E": rng.normal(size=(5, 3)), "A": rng.normal(size=(3, 3)), "tags": np.array([0, 2, 1, 1, 0])}


# fmt: off
MISTAKES = [
    ("E", "gE[t, tags[t]] -= 1", "gE[t, tags[t]] += 1", "sign"),
    ("E", "        gE[t, tags[t]] -= 1\n", "", "missing-term"),
    ("E", "gE[t] = np.exp(alphas[t] + beta - logZ)", "gE[t] = np.exp(alphas[t] - logZ)", "missing-factor|missing-term"),
    ("E", "gE[t] = np.exp(alphas[t] + beta - logZ)", "gE[t] = np.exp(E[t]) / np.sum(np.exp(E[t]))", "wrong-loss|missing-term"),
    ("A", "            gA[tags[t - 1], tags[t]] -= 1\n", "", "missing-term"),
    ("A", "gA[tags[t - 1], tags[t]] -= 1", "gA[tags[t], tags[t - 1]] -= 1", "transpose|shifted-index"),
    ("A", "gA += pair", "gA += pair.T", "transpose"),
    ("A", "gA += pair", "gA = pair", "missing-term"),
    ("A", "+ A + E[t] + beta - logZ)", "+ A + beta - logZ)", "missing-factor|missing-term"),
    ("A", "+ A + E[t] + beta - logZ)", "+ A + E[t - 1] + beta - logZ)", "shifted-index"),
    ("E|A", "np.sum(np.exp(A + E[t] + beta), axis=1)", "np.sum(np.exp(A + E[t] + beta), axis=0)", "axis|transpose"),
    ("E", "gE[t] = np.exp(alphas[t] + beta - logZ)", "gE[t] = np.exp(alphas[t] + beta)", "missing-factor"),
]
RIGHT = [("np.sum(np.exp(A + E[t] + beta), axis=1)", "np.exp(A) @ np.exp(E[t] + beta)")]
