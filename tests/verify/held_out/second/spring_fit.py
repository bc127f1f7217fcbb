"""A damped spring by semi-implicit Euler; adjoint by hand for stiffness and damping."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("damped spring, adjoint")


@d.forward
def simulate(q0, p0, k, c, dt, target):
    p1 = p0 + dt * (-k * q0 - c * p0)
    q1 = q0 + dt * p1
    p2 = p1 + dt * (-k * np.sin(q1) - c * p1)
    q2 = q1 + dt * p2
    loss = np.sum((q2 - target) ** 2) + 0.1 * np.sum(p2**2)
    return loss


@d.backward
def adjoint(q0, p0, k, c, dt, target, p1, q1, p2, q2):
    dq2 = 2 * (q2 - target)
    dp2 = 0.2 * p2 + dt * dq2
    dq1 = dq2 - dt * k * np.cos(q1) * dp2
    dp1 = dp2 * (1 - dt * c) + dt * dq1
    dk = -dt * np.sum(dp2 * np.sin(q1)) - dt * np.sum(dp1 * q0)
    dc = -dt * np.sum(dp2 * p1) - dt * np.sum(dp1 * p0)
    dq0 = dq1 - dt * k * dp1
    dp0 = dp1 * (1 - dt * c)
    return {"k": dk, "c": dc, "q0": dq0, "p0": dp0, "q1": dq1, "p1": dp1, "p2": dp2}


def inputs(rng):
    return {
        "q0": rng.normal(size=4),
        "p0": rng.normal(size=4),
        "k": 1.7,
        "c": 0.4,
        "dt": 0.3,
        "target": rng.normal(size=4),
    }


# fmt: off
MISTAKES = [
    ("p2", "dp2 = 0.2 * p2 + dt * dq2", "dp2 = 0.2 * p2 + dq2", "missing-factor|scale"),
    ("p2", "dp2 = 0.2 * p2 + dt * dq2", "dp2 = dt * dq2", "missing-term|regulariser"),
    ("p2", "dp2 = 0.2 * p2 + dt * dq2", "dp2 = 0.1 * p2 + dt * dq2", "scale|regulariser"),
    ("q1", "dq2 - dt * k * np.cos(q1) * dp2", "dq2 + dt * k * np.cos(q1) * dp2", "sign"),
    ("q1", "dq2 - dt * k * np.cos(q1) * dp2", "dq2 - dt * k * dp2", "missing-activation-derivative|missing-factor"),
    ("q1", "dq2 - dt * k * np.cos(q1) * dp2", "-dt * k * np.cos(q1) * dp2", "missing-term"),
    ("q1", "dq2 - dt * k * np.cos(q1) * dp2", "dq2 - dt * k * np.sin(q1) * dp2", "surrogate-derivative|wrong-operand|missing-activation-derivative"),
    ("q1", "np.cos(q1) * dp2", "np.cos(q2) * dp2", "shifted-index|wrong-operand|derivative-at-wrong-place"),
    ("p1", "dp2 * (1 - dt * c) + dt * dq1", "dp2 * (1 - dt * c)", "missing-term"),
    ("p1", "dp2 * (1 - dt * c) + dt * dq1", "dp2 + dt * dq1", "missing-factor|missing-term"),
    ("k", " - dt * np.sum(dp1 * q0)", "", "missing-term"),
    ("k", "np.sum(dp1 * q0)", "np.sum(dp1 * q1)", "shifted-index|wrong-operand"),
    ("c", "np.sum(dp2 * p1)", "np.sum(dp2 * p2)", "shifted-index|wrong-operand"),
    ("c", "dc = -dt * np.sum(dp2 * p1) -", "dc = dt * np.sum(dp2 * p1) -", "sign"),
    ("k", "dk = -dt * np.sum(dp2 * np.sin(q1)) - dt * np.sum(dp1 * q0)", "dk = -dt * dp2 * np.sin(q1) - dt * dp1 * q0", "broadcast"),
    ("q0", "dq0 = dq1 - dt * k * dp1", "dq0 = dq1 - dt * k * np.cos(q0) * dp1", "extra-activation-derivative"),
    ("q0", "dq0 = dq1 - dt * k * dp1", "dq0 = np.cosh(3 * q0) - 2", "unknown"),
]
RIGHT = [("dk = -dt * np.sum(dp2 * np.sin(q1)) - dt * np.sum(dp1 * q0)", "dk = -dt * (dp2 @ np.sin(q1) + dp1 @ q0)")]
