"""Euler steps of a damped pendulum; the adjoint of the final state."""

import numpy as np

import microgradnp as mg

d = mg.Derivation("pendulum, adjoint")


@d.forward
def simulate(theta0, omega0, k, c, dt, goal):
    th, om = theta0, omega0
    ths = []
    oms = []
    for _ in range(6):
        ths.append(th)
        oms.append(om)
        acc = -k * np.sin(th) - c * om
        th, om = th + dt * om, om + dt * acc
    loss = 0.5 * np.sum((th - goal) ** 2)
    return loss


@d.backward
def adjoint(th, goal, ths, oms, k, c, dt):
    lam_th = th - goal
    lam_om = np.zeros_like(lam_th)
    gk, gc = 0.0, 0.0
    for t in range(5, -1, -1):
        gk += np.sum(lam_om * dt * -np.sin(ths[t]))
        gc += np.sum(lam_om * dt * -oms[t])
        lam_th, lam_om = lam_th - lam_om * dt * k * np.cos(ths[t]), lam_om * (1 - dt * c) + lam_th * dt
    return {"k": gk, "c": gc, "theta0": lam_th, "omega0": lam_om}


def inputs(rng):
    return {
        "theta0": rng.normal(size=3),
        "omega0": rng.normal(size=3),
        "k": 2.0,
        "c": 0.3,
        "dt": 0.2,
        "goal": rng.normal(size=3),
    }


# fmt: off
MISTAKES = [
    ("theta0|k|c|omega0", "lam_om * dt * k * np.cos(ths[t])", "lam_om * dt * k * np.sin(ths[t])", "missing-activation-derivative|surrogate-derivative"),
    ("theta0|k|c|omega0", "lam_th - lam_om * dt * k", "lam_th + lam_om * dt * k", "sign"),
    ("omega0|theta0|k|c", "lam_om * (1 - dt * c) + lam_th * dt", "lam_om + lam_th * dt", "missing-term"),
    ("omega0|theta0|k|c", "lam_om * (1 - dt * c) + lam_th * dt", "lam_om * (1 - dt * c) + lam_th", "missing-factor"),
    ("theta0|omega0|k|c", "        lam_th, lam_om = lam_th - lam_om * dt * k * np.cos(ths[t]), lam_om * (1 - dt * c) + lam_th * dt", "        lam_th = lam_th - lam_om * dt * k * np.cos(ths[t])\n        lam_om = lam_om * (1 - dt * c) + lam_th * dt", "stale-value"),
    ("k", "gk += np.sum(lam_om * dt * -np.sin(ths[t]))", "gk += np.sum(lam_om * -np.sin(ths[t]))", "missing-factor"),
    ("k", "gk += np.sum(lam_om * dt * -np.sin(ths[t]))", "gk += np.sum(lam_om * dt * -np.cos(ths[t]))", "surrogate-derivative|extra-activation-derivative"),
    ("c", "gc += np.sum(lam_om * dt * -oms[t])", "gc += np.sum(lam_om * dt * -oms[t - 1])", "shifted-index"),
    ("c", "gc += np.sum(lam_om * dt * -oms[t])", "gc += np.sum(lam_om * dt * oms[t])", "sign"),
    ("c", "gc += np.sum(lam_om * dt * -oms[t])", "gc += lam_om * dt * -oms[t]", "broadcast"),
]
RIGHT = [("-np.sin(ths[t])", "np.sin(-ths[t])")]
