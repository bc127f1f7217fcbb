"""Layer normalisation of rows, from a fused kernel."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("layer norm")


@d.forward
def ln(inp, weight, bias, target):
    mu = inp.mean(axis=-1, keepdims=True)
    rstd = (inp.var(axis=-1, keepdims=True) + 1e-5) ** -0.5
    norm = (inp - mu) * rstd
    out = norm * weight + bias
    loss = 0.5 * np.mean((out - target) ** 2)
    return loss


@d.backward(returns={"dinp": "inp", "dweight": "weight", "dbias": "bias"})
def layernorm_backward(cache):
    dout = (cache.out - cache.target) / cache.out.size
    dbias = dout.sum(0)
    dweight = (cache.norm * dout).sum(0)
    dnorm = cache.weight * dout
    dnorm_mean = dnorm.mean(-1, keepdims=True)
    dnorm_norm_mean = (dnorm * cache.norm).mean(-1, keepdims=True)
    dinp = dnorm - dnorm_mean - cache.norm * dnorm_norm_mean
    dinp = dinp * cache.rstd
    return {"dinp": dinp, "dweight": dweight, "dbias": dbias}


def inputs(rng):
    return {
        "inp": rng.normal(size=(5, 6)) * 2,
        "weight": rng.uniform(0.5, 2, size=6),
        "bias": rng.normal(size=6),
        "target": rng.normal(size=(5, 6)),
    }


# fmt: off
MISTAKES = [
    ("inp", "dnorm - dnorm_mean - cache.norm * dnorm_norm_mean", "dnorm - cache.norm * dnorm_norm_mean", "missing-term"),
    ("inp", "dnorm - dnorm_mean - cache.norm * dnorm_norm_mean", "dnorm - dnorm_mean", "missing-term"),
    ("inp", "dnorm - dnorm_mean - cache.norm * dnorm_norm_mean", "dnorm - dnorm_mean - dnorm_norm_mean", "missing-factor"),
    ("inp", "(dnorm * cache.norm).mean(-1, keepdims=True)", "(dnorm * cache.norm).mean(0, keepdims=True)", "axis"),
    ("inp", "(dnorm * cache.norm).mean(-1, keepdims=True)", "(dnorm * cache.norm).sum(-1, keepdims=True)", "scale|axis"),
    ("inp", "dinp = dinp * cache.rstd", "dinp = dinp", "missing-factor"),
    ("norm|inp", "dnorm = cache.weight * dout", "dnorm = dout", "missing-factor"),
    ("weight", "(cache.norm * dout).sum(0)", "(cache.inp * dout).sum(0)", "wrong-operand"),
    ("weight", "(cache.norm * dout).sum(0)", "cache.norm.sum(0)", "upstream-ignored"),
    ("bias", "dbias = dout.sum(0)", "dbias = dout", "broadcast"),
    ("weight", "(cache.norm * dout).sum(0)", "(cache.norm * cache.out).sum(0)", "wrong-operand|upstream-ignored"),
    ("bias", "dbias = dout.sum(0)", "dbias = dout.sum(0) / len(dout)", "scale|axis"),
    ("weight", "(cache.norm * dout).sum(0)", "np.random.default_rng(17).normal(size=6) * dout.sum(0)", "unknown"),
]
RIGHT = [("dnorm - dnorm_mean - cache.norm * dnorm_norm_mean", "dnorm - (dnorm_mean + dnorm_norm_mean * cache.norm)")]
