"""Document 002, "Lecture 19 - Training Neural Networks": the claims of its network, verified.

Digits of 784 raw pixels (0 to 255), a logistic hidden layer of 30, ten independent logistic outputs. The formulas of
its code are judged at that size; those that it prints with indices on a network of 4-3-3, where every entry is tried.

Run it: python examples/claims_002.py
"""

from collections.abc import Iterator

import numpy as np
from listing import Listed, listed, show

import microgradnp as mg

TITLE = "Document 002: Training Neural Networks"


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def clipped_sigmoid(z):
    z = np.clip(z, -709, 709)
    return np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))


# -- one logistic unit -----------------------------------------------------------------------------------------------

slope = mg.Derivation("derivative of the logistic function")


@slope.derivative(sigmoid)
def quotient(z):
    return np.exp(-z) / (1 + np.exp(-z)) ** 2


slope.derivative(sigmoid, lambda s: s * (1 - s), at="output", name="product")

branches = mg.Derivation("the logistic function in two branches")


@branches.forward
def total(z):
    s = sigmoid(z)
    return np.sum(s)


@branches.value("s")
def two_branches(z):
    return clipped_sigmoid(z)


perceptron = mg.Derivation("perceptron, one observation")


@perceptron.forward
def unit(x, y, w):
    z = np.sum(w * x)
    s = sigmoid(z)
    J = -(y * np.log(s) + (1 - y) * np.log(1 - s))
    return J


@perceptron.gradient("z")
def delta(s, y):
    return s - y


@perceptron.gradient("w[j]")
def chain_rule(j, s, y, x):
    return (-y / s + (1 - y) / (1 - s)) * s * (1 - s) * x[j]


shortened = mg.Derivation("perceptron, shortened")
shortened.forward(unit)


@shortened.gradient("w[j]")
def error_times_input(j, s, y, x):
    return (s - y) * x[j]


@shortened.gradient("w")
def gradient_J(s, y, x):
    return (s - y) * x


# -- the network as it is programmed ---------------------------------------------------------------------------------

digits = mg.Derivation("784-30-10 network on raw pixels")


@digits.forward
def fit(X, y, W_h, b_h, W_out, b_out):
    z_h = np.dot(X, W_h) + b_h
    a_h = clipped_sigmoid(z_h)
    z_out = np.dot(a_h, W_out) + b_out
    a_out = clipped_sigmoid(z_out)
    cost = np.sum(-y * np.log(a_out) - (1 - y) * np.log(1 - a_out))
    return cost


@digits.gradient("z_out")
def delta_out(a_out, y):
    return a_out - y


@digits.gradient("z_h")
def delta_h(delta_out, W_out, a_h):
    return (delta_out @ W_out.T) * (a_h * (1 - a_h))


@digits.gradient("W_h")
def grad_W_h(X, delta_h):
    return X.T @ delta_h


@digits.gradient("b_h")
def grad_b_h(delta_h):
    return delta_h.sum(axis=0)


@digits.gradient("W_out")
def grad_W_out(a_h, delta_out):
    return a_h.T @ delta_out


@digits.gradient("b_out")
def grad_b_out(delta_out):
    return delta_out.sum(axis=0)


@digits.value("cost")
def cost_by_sums(y, a_out):
    return sum(
        -y[n, i] * np.log(a_out[n, i]) - (1 - y[n, i]) * np.log(1 - a_out[n, i])
        for n in range(len(y))
        for i in range(y.shape[1])
    )


# -- the network as it is printed, with indices ----------------------------------------------------------------------

printed = mg.Derivation("4-3-3 network, formulas as printed")


@printed.forward
def one_observation(a_in, y, W_h, b_h, W_out, b_out):
    z_h = a_in @ W_h + b_h
    a_h = sigmoid(z_h)
    z_out = a_h @ W_out + b_out
    a_out = sigmoid(z_out)
    J = -np.sum(y * np.log(a_out) + (1 - y) * np.log(1 - a_out))
    return J


printed.gradient("z_out", lambda a_out, y: a_out - y, name="delta_out")
printed.gradient("z_h", lambda delta_out, W_out, a_h: (delta_out @ W_out.T) * (a_h * (1 - a_h)), name="delta_h")


@printed.gradient("z_h[0]")
def delta_h_1(a_out, y, W_out, z_h):
    first = sigmoid(z_h[0])
    return sum((a_out[i] - y[i]) * W_out[0, i] * first * (1 - first) for i in range(len(y)))


@printed.gradient("a_in")  # the input layer is not activated: its value is the data
def delta_in(delta_h, W_h, a_in):
    return (delta_h @ W_h.T) * (a_in * (1 - a_in))


@printed.value("a_h[0]")
def activation_of_the_first(z_h):
    return sigmoid(z_h[-1])  # the superscript (d) read as the number of the last hidden node


@printed.value("z_out[i]")
def net_input(i, W_out, z_h):
    return sum(W_out[j, i] * sigmoid(z_h[j]) for j in range(len(z_h)))


@printed.gradient("W_out[i, j]")
def weight_out_ij(i, j, a_h, delta_out):
    return a_h[j] * delta_out[i]


@printed.gradient("W_h[i, j]")
def weight_h_ij(i, j, a_in, delta_h):
    return a_in[j] * delta_h[i]


def dz_i(i):
    """Return the derivation of the net input of output node i with respect to those of the hidden nodes."""
    d = mg.Derivation(f"net input of output node {i}", loss="z_i")

    @d.forward
    def net_input_of_one(z_h, W_out, b_out):
        a_h = sigmoid(z_h)
        z_i = a_h @ W_out[:, i] + b_out[i]
        return z_i

    @d.gradient("z_h[j]")
    def dz_i_dz_j(j, W_out, z_h):
        s = sigmoid(z_h[j])
        return W_out[j, i] * s * (1 - s)

    return d


# -- on data ---------------------------------------------------------------------------------------------------------


def strokes(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return n pictures of 28 x 28 pixels from 0 to 255, a thick line in each, as rows."""
    across, down = np.meshgrid(np.linspace(-1, 1, 28), np.linspace(-1, 1, 28))
    angle = rng.uniform(0, np.pi, size=(n, 1, 1))
    distance = np.abs(across * np.cos(angle) + down * np.sin(angle))
    ink = np.clip(1.5 - 8 * distance, 0, 1) * (across**2 + down**2 < 0.6)
    return np.rint(255 * ink).reshape(n, 784)


def verdicts() -> Iterator[Listed]:
    """Yield every claim with its verdict."""
    rng = np.random.default_rng(1)
    z = np.array([-30.0, -2.0, -0.5, 0.0, 1.0, 5.0])
    yield from listed(
        slope.verify(),
        {"quotient": ("R-26", "s' = exp(-z) / (1 + exp(-z))²"), "product": ("R-26", "s' = s (1 - s)")},
    )
    yield from listed(branches.verify(z=z), {"two_branches": ("R-43", "clipped, in two branches, it is s")})
    one = {"x": np.append(1.0, rng.normal(size=3)), "y": 1.0, "w": rng.normal(size=4)}
    yield from listed(
        perceptron.verify(one),
        {
            "delta": ("R-29", "δ = s - y"),
            "chain_rule": ("R-28", "∂J/∂w_j = (-y/s + (1-y)/(1-s)) s (1-s) x_j"),
        },
    )
    yield from listed(
        shortened.verify(one), {"error_times_input": ("R-29", "... = (s - y) x_j"), "gradient_J": ("R-29", "∇J = δ X")}
    )
    raw = {
        "X": strokes(rng, 3),
        "y": np.eye(10)[[1, 7, 4]],
        "W_h": rng.normal(0, 0.1, size=(784, 30)),
        "b_h": np.zeros(30),
        "W_out": rng.normal(0, 0.1, size=(30, 10)),
        "b_out": np.zeros(10),
    }
    yield from listed(
        digits.verify(raw),
        {
            "delta_out": ("R-27", "δ_out = a_out - y"),
            "delta_h": ("R-36", "δ_h = δ_out W_outᵀ ∘ a_h (1 - a_h)"),
            "grad_W_h": ("R-40", "grad_W_h = Xᵀ δ_h"),
            "grad_b_h": ("R-41", "grad_b_h = Σ δ_h"),
            "grad_W_out": ("R-40", "grad_W_out = a_hᵀ δ_out"),
            "grad_b_out": ("R-41", "grad_b_out = Σ δ_out"),
            "cost_by_sums": ("R-42", "cost = Σ (-y log a - (1-y) log(1-a))"),
        },
    )
    small = {
        "a_in": rng.normal(size=4),
        "y": np.eye(3)[1],
        "W_h": rng.normal(size=(4, 3)),
        "b_h": rng.normal(size=3),
        "W_out": rng.normal(size=(3, 3)),
        "b_out": rng.normal(size=3),
    }
    yield from listed(
        printed.verify(small),
        {
            "delta_out": ("R-27", "δ_out = a_out - y"),
            "delta_h": ("R-36", "δ_h = δ_out W_outᵀ ∘ a_h (1 - a_h)"),
            "delta_h_1": ("R-35", "δ_1 = Σ_i δ_i w_1i s(z_1) (1 - s(z_1))"),
            "delta_in": ("R-37", "δ_in = δ_h W_hᵀ ∘ a_in (1 - a_in)"),
            "activation_of_the_first": ("R-31", "a_1^(h) = s(z_1^(d))"),
            "net_input": ("R-33", "z_i = Σ_{j=1..d} w_ji s(z_j)"),
            "weight_out_ij": ("R-38", "∂J/∂w_ij (out) = a_j δ_i"),
            "weight_h_ij": ("R-39", "∂J/∂w_ij (h) = a_j δ_i"),
        },
    )
    hidden = {"z_h": rng.normal(size=3), "W_out": small["W_out"], "b_out": small["b_out"]}
    for i in range(3):
        yield from listed(dz_i(i).verify(hidden), {"dz_i_dz_j": ("R-34", f"∂z_i/∂z_j = w_ji s'(z_j), i = {i}")})


if __name__ == "__main__":
    show(TITLE, verdicts())
