"""What the unchanged documents would take if recording and sweeping cost nothing: the floor of any tape over NumPy.

Each step makes the calls of NumPy that the forward code makes, and then those that its derivatives need, operation by
operation, written out by hand. What a program on Tensors takes beyond it is what the tape costs; what it takes beyond the
document's own loop is the price of code that nobody simplified: the gradient of `1 / (1 + exp(-z))` alone is seven calls
where the document writes `y * (1 - y)`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.benchmarks import circles, images, regression
from tests.benchmarks.measure import Array, Contestant, Program

Back = Callable[[Array], Array]

#: What sums a matrix of so many rows by a product, for biases of one and of two dimensions.
ONES = {(d, n): np.ones((1, n)[2 - d :]) for d in (1, 2) for n in (1, 100, 200)}


def dense(X: Array, W: Array, b: Array) -> tuple[Array, Callable[[Array], tuple[Array, Array, Array]]]:
    """The affine map, and its gradients."""
    return np.dot(X, W) + b, lambda g: (np.dot(X.T, g), np.dot(ONES[b.ndim, len(X)], g), g)


def logistic(z: Array) -> tuple[Array, Back]:
    """1 / (1 + exp(-z)), and its gradient."""
    e = np.exp(-z)
    divisor = 1 + e
    y = 1 / divisor

    def back(g: Array) -> Array:
        return -(-(g * y) / divisor * e)

    return y, back


def circles_step() -> Program:
    """Document 001."""
    X, T, params = circles.start()
    moments = [np.zeros_like(P) for P in params]
    losses: list[float] = []
    columns = np.ones((2, 1))

    def step() -> None:
        Wh, bh, Wo, bo = params
        Zh, back_h = dense(X, Wh, bh)
        H, back_logistic = logistic(Zh)
        Zo, back_o = dense(H, Wo, bo)
        top, below = np.exp(Zo), np.exp(Zo)
        total = np.sum(below, axis=1, keepdims=True)
        Y = top / total
        losses.append(-(T * np.log(Y)).sum())
        g = np.full(Y.shape, -1.0) * T / Y
        through_total = -np.dot(g * Y, columns) / total
        g = np.broadcast_to(through_total, below.shape) * below + g / total * top
        JWo, Jbo, g = back_o(g)
        JWh, Jbh, _ = back_h(back_logistic(np.dot(g, Wo.T)))
        for i, J in enumerate((JWh, Jbh, JWo, Jbo)):
            moments[i] = circles.MOMENTUM * moments[i] - circles.RATE * J
            params[i] = params[i] + moments[i]

    return Program(step, lambda: params)


def images_step() -> Program:
    """Document 002, one sample at a time."""
    params = [P.copy() for P in images.INITIAL]
    count = 0

    def sigmoid(z: Array) -> tuple[Array, Back]:
        x = np.clip(z, -709, 709)
        right, back = logistic(x)
        above, below = np.exp(x), np.exp(x)
        divisor = 1 + below
        left = above / divisor
        positive = x >= 0
        y = np.where(positive, right, left)

        def back_all(g: Array) -> Array:
            g_right, g_left = np.where(positive, g, 0.0), np.where(positive, 0.0, g)
            g_below = -(g_left * left) / divisor
            g_x = back(g_right) + g_left / divisor * above + g_below * below
            inside = (z > -709) & (z < 709)
            return g_x if inside.all() else g_x * inside

        return y, back_all

    def step() -> None:
        nonlocal count
        i = count % images.SAMPLES
        count += 1
        X, y = images.X_TRAIN[[i]], images.Y_TRAIN[[i]]
        W_h, b_h, W_out, b_out = params
        z_h, back_h = dense(X, W_h, b_h)
        a_h, back_a_h = sigmoid(z_h)
        z_out, back_out = dense(a_h, W_out, b_out)
        a, back_a = sigmoid(z_out)
        minus, other, rest = -y, 1.0 - y, 1.0 - a
        np.sum(minus * np.log(a) - other * np.log(rest))
        g = np.full(a.shape, 1.0)
        g = g * minus / a + -(-g * other / rest)
        grad_W_out, grad_b_out, g = back_out(back_a(g))
        grad_W_h, grad_b_h, _ = back_h(back_a_h(np.dot(g, W_out.T)))
        for P, J in zip(params, (grad_W_h, grad_b_h, grad_W_out, grad_b_out), strict=True):
            P -= images.RATE * J

    return Program(step, lambda: params)


def regression_step() -> Program:
    """Document 003."""
    X, labels, W, b = regression.start()
    y = labels.astype(float)
    params = [W, b]
    losses: list[float] = []
    least = 0.000000000001

    def step() -> None:
        z, back_z = dense(X, *params)
        p, back = logistic(z)
        opposite = 1 - p
        held, held_opposite = p.clip(min=least), opposite.clip(min=least)
        other = 1 - y
        losses.append(-1 / y.shape[0] * np.sum(y * np.log(held) + other * np.log(held_opposite)))
        g = np.full(p.shape, -1 / y.shape[0])
        g_held, g_opposite = g * y / held, g * other / held_opposite
        inside, inside_opposite = p > least, opposite > least
        g_held = g_held if inside.all() else g_held * inside
        g_opposite = g_opposite if inside_opposite.all() else g_opposite * inside_opposite
        JW, Jb, _ = back_z(back(g_held + -g_opposite))
        for P, J in zip(params, (JW, Jb), strict=True):
            P -= regression.RATE * J

    return Program(step, lambda: params)


FLOOR = "unchanged, if the tape cost nothing"
FLOORS = {
    "circles": Contestant(FLOOR, circles_step),
    "images": Contestant(FLOOR, images_step),
    "regression": Contestant(FLOOR, regression_step),
}
