"""Document 004, "World's simplest ANN to visualize that deep learning is hard": its claims, verified.

A chain of single neurons. Its exercise, two neurons in a layer, is tried as well, because its `Transpose` transposes
nothing, which one neuron hides.

Run it: python examples/claims_004.py
"""

from collections.abc import Iterator

import numpy as np
from listing import Listed, listed, show

import microgradnp as mg

TITLE = "Document 004: World's simplest ANN"


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_derivative(z):
    a = sigmoid(z)
    return a * (1.0 - a)


def transpose(a):
    """Do what the document's function does: compute the transpose, and return what was given."""
    np.transpose(a)
    return a


slope = mg.Derivation("derivative of the logistic function")
slope.derivative(sigmoid, sigmoid_derivative)


# -- the chain of four layers ----------------------------------------------------------------------------------------

chain = mg.Derivation("a chain of single neurons")


@chain.forward
def cost(x, w1, b1, w2, b2, w3, b3, target):
    z1 = w1 * x + b1
    a1 = sigmoid(z1)
    z2 = w2 * a1 + b2
    a2 = sigmoid(z2)
    z3 = w3 * a2 + b3
    a3 = sigmoid(z3)
    C = 0.5 * (target - a3) ** 2
    return C


chain.gradient("a3", lambda a3, target: a3 - target, name="cost_derivative")
chain.gradient("z3", lambda cost_derivative, z3: cost_derivative * sigmoid_derivative(z3), name="delta3")
chain.gradient("b3", lambda delta3: delta3, name="grad_b3")
chain.gradient("w3", lambda delta3, a2: np.dot(delta3, transpose(a2)), name="grad_w3")
chain.gradient("z2", lambda w3, delta3, z2: np.dot(transpose(w3), delta3) * sigmoid_derivative(z2), name="delta2")
chain.gradient("w2", lambda delta2, a1: np.dot(delta2, transpose(a1)), name="grad_w2")
chain.gradient("z1", lambda w2, delta2, z1: np.dot(transpose(w2), delta2) * sigmoid_derivative(z1), name="delta1")
chain.gradient("w1", lambda delta1, x: np.dot(delta1, transpose(x)), name="grad_w1")
chain.update("b3", lambda b3, gradient, eta: b3 - eta * gradient, lambda b3, grad_b3, eta: b3 - eta * grad_b3)
chain.update("w1", lambda w1, gradient, eta: w1 - eta * gradient, lambda w1, grad_w1, eta: w1 - eta * grad_w1)


# -- its exercise: two neurons in a layer ----------------------------------------------------------------------------

wider = mg.Derivation("two neurons in a layer")


@wider.forward
def cost_of_two(x, W1, b1, W2, b2, target):
    z1 = W1 @ x + b1
    a1 = sigmoid(z1)
    z2 = W2 @ a1 + b2
    a2 = sigmoid(z2)
    W2_transposed = W2.T  # noqa: F841 -- a quantity of its own, for the claim on it
    C = 0.5 * np.sum((target - a2) ** 2)
    return C


wider.value("W2_transposed", lambda W2: transpose(W2), name="transposed")
wider.gradient("z2", lambda a2, target, z2: (a2 - target) * sigmoid_derivative(z2), name="delta2")
wider.gradient("z1", lambda W2, delta2, z1: np.dot(transpose(W2), delta2) * sigmoid_derivative(z1), name="delta1")
wider.gradient("W2", lambda delta2, a1: np.dot(delta2, transpose(a1)), name="grad_W2")


# -- what it shows ---------------------------------------------------------------------------------------------------

changes = mg.Derivation("percent changes")


@changes.forward
def percent(now, original):
    small = np.abs(original) <= 1e-10
    pct = np.where(small, 0.0, (now - original) / np.where(small, 1.0, original) * 100.0)
    total = np.sum(pct)
    return total


@changes.value("pct")
def percent_diff(now, original):
    diff = now - original
    pct = np.zeros(len(now))
    if all(abs(diff)) > 1e-10 and all(abs(original)) > 1e-10:
        pct = diff / original * 100.0
    return pct


surface = mg.Derivation("the surface over bias and weight")


@surface.forward
def true_cost(x, W, B, target):
    A = sigmoid(W * x + B)
    costs = 0.5 * (target - A) ** 2
    total = np.sum(costs)
    return total


surface.value("costs", lambda W, B: sigmoid(W + B), name="contour_surface")


# -- on data ---------------------------------------------------------------------------------------------------------


def verdicts() -> Iterator[Listed]:
    """Yield every claim with its verdict."""
    rng = np.random.default_rng(4)
    yield from listed(slope.verify(), {"sigmoid_derivative": ("R-51", "s'(z) = s (1 - s) at z")})
    twos = {f"{letter}{k}": 2.0 for letter in "wb" for k in (1, 2, 3)}
    yield from listed(
        chain.verify(x=0.37, target=0.15, eta=1.0, **twos),
        {
            "cost_derivative": ("R-52", "∂C/∂a = a - T"),
            "delta3": ("R-53", "δ_L = (a - T) s'(z_L)"),
            "grad_b3": ("R-53", "gradB = δ"),
            "grad_w3": ("R-54", "gradW = δ a_prev"),
            "delta2": ("R-55", "δ_l = w_{l+1} δ_{l+1} s'(z_l)"),
            "grad_w2": ("R-56", "gradW = δ_l a_{l-1}"),
            "delta1": ("R-55", "δ_l = w_{l+1} δ_{l+1} s'(z_l)"),
            "grad_w1": ("R-56", "gradW = δ_l a_{l-1}"),
            "b3 updated": ("R-58", "b - η gradB"),
            "w1 updated": ("R-58", "w - η gradW"),
        },
    )
    two = {"x": rng.normal(size=(2, 1)), "target": np.array([[0.15], [0.8]])}
    two |= {f"W{k}": rng.normal(size=(2, 2)) for k in (1, 2)} | {f"b{k}": rng.normal(size=(2, 1)) for k in (1, 2)}
    yield from listed(
        wider.verify(two),
        {
            "transposed": ("R-57", "Transpose(w), two neurons in a layer"),
            "delta2": ("R-53", "δ_L, two neurons in a layer"),
            "delta1": ("R-57", "δ_l, two neurons in a layer"),
            "grad_W2": ("R-57", "gradW, two neurons in a layer"),
        },
    )
    # the first bias was 0 and has moved: its percent change is undefined, that of the others is not
    now, original = np.array([-0.01, 1.9, 1.7]), np.array([0.0, 2.0, 2.0])
    yield from listed(
        changes.verify(now=now, original=original),
        {"percent_diff": ("R-59", "percent change = diff / orig 100, unless small")},
    )
    W, B = np.meshgrid(np.arange(-5.0, 5.0, 2.5), np.arange(-5.0, 5.0, 2.5))
    yield from listed(
        surface.verify(x=0.37, W=W, B=B, target=0.15), {"contour_surface": ("R-60", "the contours are the cost's")}
    )


if __name__ == "__main__":
    show(TITLE, verdicts())
