"""Document 003, "Training process and learning rate": the claims of its logistic regression, verified.

The formulas are tried on the document's own table of 4 x 3, and once more where the activations are so near to 0 and 1
that its clipped loss is flat.

Run it: python examples/claims_003.py
"""

from collections.abc import Iterator

import numpy as np
from listing import Listed, listed, show

import microgradnp as mg

TITLE = "Document 003: Training process and learning rate"
SMALLEST = 1e-12  # below this it clips before it takes the logarithm


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def regression(title):
    """Return the derivation: the mean log loss, and the gradients with the 1/m where the document has it."""
    d = mg.Derivation(title)

    @d.forward
    def log_loss(A0, y, W1, b1):
        z1 = A0 @ W1 + b1
        A1 = sigmoid(z1)
        m = y.shape[0]
        likelihoods = y * np.log(np.clip(A1, SMALLEST, None)) + (1 - y) * np.log(np.clip(1 - A1, SMALLEST, None))
        loss = -np.sum(likelihoods) / m
        return loss

    @d.value("A1")
    def by_tanh(z1):
        return (1 + np.tanh(z1 / 2)) / 2  # the logistic function, written otherwise

    @d.value("loss")
    def mean_of_logs(y, A1):
        return np.mean(np.where(y == 1, -np.log(np.maximum(A1, SMALLEST)), -np.log(np.maximum(1 - A1, SMALLEST))))

    @d.gradient("A1")
    def log_loss_derivative(A1, y):
        return A1 - y

    @d.gradient("z1")
    def dz1(A1, y):
        return A1 - y

    @d.gradient("W1")
    def dW1(A0, A1, y, m):
        return 1 / m * A0.T @ (A1 - y)

    @d.gradient("b1")
    def db1(A1, y, m):
        return 1 / m * np.sum(A1 - y, axis=0, keepdims=True)

    def descend(parameter, gradient, learning_rate):
        return parameter - learning_rate * gradient

    @d.update("W1", descend)
    def new_W1(W1, dW1, learning_rate):
        return W1 - learning_rate * dW1

    @d.update("b1", descend)
    def new_b1(b1, db1, learning_rate):
        return b1 - learning_rate * db1

    return d, {
        "by_tanh": ("R-44", "s(x) = 1 / (1 + exp(-x))"),
        "mean_of_logs": ("R-45", "L = -1/m Σ (y log clip a + (1-y) log clip(1-a))"),
        "log_loss_derivative": ("R-46", "∂L/∂ŷ = ŷ - y, in its words"),
        "dz1": ("R-46", "∂L/∂z = ŷ - y, as its code uses it"),
        "dW1": ("R-47", "dW1 = 1/m A0ᵀ dz"),
        "db1": ("R-48", "db1 = 1/m Σ dz"),
        "new_W1": ("R-49", "W1 -= lr dW1"),
        "new_b1": ("R-50", "a := a - α ∂L/∂a"),
    }


def verdicts() -> Iterator[Listed]:
    """Yield every claim with its verdict."""
    A0 = np.array([[0, 1, 0], [1, 0, 0], [1, 1, 1], [0, 1, 1]])
    y = np.array([[0, 1, 1, 0]]).T
    W1 = 2 * np.random.RandomState(1).random_sample((3, 1)) - 1
    d, claims = regression("logistic regression")
    yield from listed(d.verify(A0=A0, y=y, W1=W1, b1=np.array([[0.3]]), learning_rate=1.0), claims)
    d, claims = regression("logistic regression, first update: b1 = 0 is a number")
    first = {"new_b1": claims["new_b1"], "db1": claims["db1"]}
    report = d.verify(A0=A0, y=y, W1=W1, b1=0.0, learning_rate=1.0)
    yield from (row for row in listed(report, claims) if row.verdict.name in first)
    d, claims = regression("logistic regression, one point far on the wrong side")
    far = np.array([[0.5, 1.0], [-1.0, 0.5], [30.0, 40.0]])
    report = d.verify(A0=far, y=y[:3], W1=np.array([[-0.4], [-0.5]]), b1=np.array([[0.1]]), learning_rate=10.0)
    gated = ("mean_of_logs", "dz1", "dW1", "db1", "new_W1", "new_b1")
    yield from (row for row in listed(report, claims) if row.verdict.name in gated)


if __name__ == "__main__":
    show(TITLE, verdicts())
