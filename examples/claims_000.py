"""Document 000, "Seeing Like A Perceptron II: Training": the claims of its network, verified.

Two layers without biases and one activation for both, `relu` or `sigmoid`. The document trains with relu and takes
the logistic function for its derivative.

Run it: python examples/claims_000.py
"""

from collections.abc import Iterator

import numpy as np
from listing import Listed, listed, show

import microgradnp as mg

TITLE = "Document 000: Seeing Like A Perceptron II"


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_grad(z):
    s = sigmoid(z)
    return s * (1 - s)


def relu(z):
    return (z + np.abs(z)) / 2


def relu_grad(z):
    return sigmoid(z)


# -- the activations and the derivatives that are claimed of them ----------------------------------------------------


slopes = mg.Derivation("derivatives of its activations")
slopes.derivative(sigmoid, sigmoid_grad)
slopes.derivative(relu, relu_grad)


rectified = mg.Derivation("relu by another formula")


@rectified.forward
def larger_than_zero(z):
    positive = np.where(z > 0, z, 0.0)
    total = np.sum(positive)
    return total


@rectified.value("positive")
def half_of_z_and_its_size(z):
    return relu(z)


# -- the network -----------------------------------------------------------------------------------------------------


def network(activation, activation_grad):
    """Return the derivation for one activation, and the numbers of its claims.

    The update divides by n and adds, so it descends the mean of half the squared errors, and the document's deltas
    are its gradients times -n.
    """
    d = mg.Derivation(f"{activation.__name__} network, half the mean squared error")

    @d.forward
    def loss(X, y, weights_0_1, weights_1_2):
        z_hidden = X @ weights_0_1
        hidden = activation(z_hidden)
        z_output = hidden @ weights_1_2
        output = activation(z_output)
        error = y - output
        half_mse = np.sum(error**2) / (2 * X.shape[0])
        return half_mse

    @d.gradient("z_output")
    def grad_output(error, output):
        return error * activation_grad(output)

    @d.gradient("z_hidden")
    def grad_hidden(grad_output, weights_1_2, hidden):
        return (grad_output @ weights_1_2.T) * activation_grad(hidden)

    @d.gradient("weights_1_2")
    def dw_1_2(hidden, grad_output):
        return hidden.T @ grad_output

    @d.gradient("weights_0_1")
    def dw_0_1(X, grad_hidden):
        return X.T @ grad_hidden

    def descend(parameter, gradient, lr):
        return parameter - lr * gradient

    @d.update("weights_1_2", descend)
    def new_weights_1_2(weights_1_2, dw_1_2, X, lr):
        return weights_1_2 + lr * dw_1_2 / X.shape[0]

    @d.update("weights_0_1", descend)
    def new_weights_0_1(weights_0_1, dw_0_1, X, lr):
        return weights_0_1 + lr * dw_0_1 / X.shape[0]

    f = activation.__name__
    return d, {
        "grad_output": ("R-04", f"δ_out = (y - out) f'(out), f = {f}"),
        "grad_hidden": ("R-05", f"δ_hid = (δ_out W12ᵀ) f'(hidden), f = {f}"),
        "dw_1_2": ("R-06", "dW12 = hiddenᵀ δ_out"),
        "dw_0_1": ("R-06", "dW01 = Xᵀ δ_hid"),
        "new_weights_1_2": ("R-07", "W12 += lr dW12 / n"),
        "new_weights_0_1": ("R-07", "W01 += lr dW01 / n"),
    }


# -- the error that it says it minimises -----------------------------------------------------------------------------

likelihoods = mg.Derivation("mse and the likelihood that the network maximises")


@likelihoods.forward
def gaussian(output, y):
    """Return minus the log likelihood of y with a normal error of variance 1, but for its constant."""
    likelihood_error = np.sum((y - output) ** 2) / 2
    return likelihood_error


@likelihoods.value("likelihood_error")
def mse(output, y):
    return y.shape[0] / 2 * (np.sum((y - output) ** 2) / y.shape[0])  # n/2 times the document's mse


@likelihoods.gradient("output")
def minus_error(output, y):
    return -(y - output)


bernoulli = mg.Derivation("the error of a 0/1 likelihood (cross entropy)")


@bernoulli.forward
def cross_entropy(output, y):
    loss = -np.sum(y * np.log(output) + (1 - y) * np.log(1 - output))
    return loss


@bernoulli.gradient("output", name="minus_error")
def descended(output, y):
    return -(y - output)


# -- on data ---------------------------------------------------------------------------------------------------------


def verdicts() -> Iterator[Listed]:
    """Yield every claim with its verdict."""
    rng = np.random.default_rng(0)
    z = np.array([-3.0, -1.0, -0.2, 0.3, 1.0, 4.0])
    yield from listed(
        slopes.verify(),
        {"sigmoid_grad": ("R-01", "s'(z) = s(z) (1 - s(z))"), "relu_grad": ("R-03", "relu'(z) = s(z)")},
    )
    yield from listed(rectified.verify(z=z), {"half_of_z_and_its_size": ("R-02", "relu(z) = (z + |z|) / 2")})
    X = rng.normal(size=(8, 2))
    y = (np.sum(X**2, axis=1, keepdims=True) > 1).astype(float)  # everything but the surroundings of the origin
    inputs = {"X": X, "y": y, "lr": 0.1, "weights_0_1": rng.normal(size=(2, 3)), "weights_1_2": rng.normal(size=(3, 1))}
    for activation, gradient in ((relu, relu_grad), (sigmoid, sigmoid_grad)):
        d, claims = network(activation, gradient)
        yield from listed(d.verify(inputs), claims)
    output = rng.uniform(0.1, 0.9, size=(8, 1))
    yield from listed(
        likelihoods.verify(output=output, y=y),
        {
            "mse": ("R-08", "n/2 mse is the error of a normal likelihood"),
            "minus_error": ("R-08", "... which -(y - out) descends"),
        },
    )
    yield from listed(
        bernoulli.verify(output=output, y=y), {"minus_error": ("R-08", "-(y - out) descends the cross entropy")}
    )


if __name__ == "__main__":
    show(TITLE, verdicts())
