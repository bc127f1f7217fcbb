"""A derivation with one mistake: which formula is wrong, which is right given its inputs, and why.

Run it: python examples/check_a_derivation.py, or as a project's CI would: microgradnp verify examples/check_a_derivation.py
"""

import numpy as np

import microgradnp as mg

d = mg.Derivation("logistic hidden layer, squared error")


@d.forward
def network(X, y, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    h = 1 / (1 + np.exp(-z1))
    out = h @ W2 + b2
    loss = np.mean((out - y) ** 2)
    return loss


@d.gradient("out")
def dout(out, y):
    return 2 * (out - y) / y.size


@d.gradient("W2")
def dW2(h, dout):
    return h.T @ dout


@d.gradient("b2")
def db2(dout):
    return dout.sum(axis=0)


@d.gradient("z1")
def dz1(z1, dout, W2):
    return (dout @ W2.T) * z1 * (1 - z1)  # the formula wants the activation h, not z1


@d.gradient("W1")
def dW1(X, dz1):
    return X.T @ dz1


@d.gradient("b1")
def db1(dz1):
    return dz1.sum(axis=0)


@d.inputs
def inputs(rng):
    return {
        "X": rng.normal(size=(8, 2)), "y": rng.normal(size=(8, 1)),
        "W1": rng.normal(size=(2, 4)), "b1": np.zeros(4), "W2": rng.normal(size=(4, 1)), "b2": np.zeros(1),
    }  # fmt: skip


def main() -> None:
    print(d.verify())


if __name__ == "__main__":
    main()
