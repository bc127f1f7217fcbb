"""The update rules, each as the formula that it is in its paper.

A rule is a pure function ``rule(parameter, gradient, state..., *, lr, ...) -> (parameter, state...)``. It runs on arrays,
on numbers and on Tensors; what steps eagerly, compiles or checks a hand-written update calls the same function. The state
before the first step is 0 unless a rule says otherwise. `t` is the number of the step that is being made: 1 for the first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


#: Elements from which on the time goes into fresh memory, not into calls.
LARGE = 4096


def moved(parameter: Array, step: Array) -> Array:
    """Return ``parameter - step``. The step is not needed any more: if it is large, its array holds the result."""
    if (
        type(step) is np.ndarray
        and step.size > LARGE
        and step.shape == np.shape(parameter)
        and step.dtype == parameter.dtype
    ):
        return np.subtract(parameter, step, out=step)
    return parameter - step


def average(old: Array, new: Array, beta: float) -> Array:
    """Return the running average ``beta old + (1 - beta) new``."""
    return beta * old + (1 - beta) * new


def penalised(gradient: Array, parameter: Array, weight_decay: float) -> Array:
    """Return the gradient of the loss with the penalty ``weight_decay / 2 * sum(parameter**2)``."""
    return gradient + weight_decay * parameter if weight_decay else gradient


def sgd(
    parameter: Array,
    gradient: Array,
    velocity: Array,
    *,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> tuple[Array, Array]:
    """One step of gradient descent with momentum.

    ``v' = momentum v + g``, ``p' = p - lr v'``; with Nesterov's momentum ``p' = p - lr (g + momentum v')``. With ``M =
    -lr v`` and a constant learning rate this is the classical form ``M' = momentum M - lr g``, ``p' = p + M'``.

    Parameters
    ----------
    parameter, gradient, velocity : ndarray
        Of equal shape.
    lr, momentum, weight_decay : float
        `weight_decay` adds ``weight_decay * p`` to the gradient.
    nesterov : bool

    Returns
    -------
    parameter, velocity : ndarray

    References
    ----------
    Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep learning", ICML 2013.

    Examples
    --------
    >>> p, v = sgd(1.0, 2.0, 0.0, lr=0.1, momentum=0.9)
    >>> p, v
    (0.8, 2.0)
    """
    if weight_decay:
        gradient = penalised(gradient, parameter, weight_decay)
    velocity = momentum * velocity + gradient if momentum else gradient
    return moved(parameter, lr * (gradient + momentum * velocity if nesterov else velocity)), velocity


def rmsprop(
    parameter: Array,
    gradient: Array,
    square: Array,
    mean: Array = 0.0,
    velocity: Array = 0.0,
    *,
    lr: float,
    decay: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.0,
    centered: bool = False,
    weight_decay: float = 0.0,
) -> tuple[Array, Array, Array, Array]:
    """One step of RMSprop: the gradient over the root of its mean square.

    ``s' = decay s + (1 - decay) g²``, ``p' = p - lr g / (√s' + eps)``. Centered, the root is of the variance ``s' - a'²``
    with the running mean ``a'`` of the gradient. With momentum, ``v' = momentum v + g / (√s' + eps)`` and ``p' = p - lr
    v'``.

    Parameters
    ----------
    parameter, gradient, square, mean, velocity : ndarray
        Of equal shape. The mean is used where centered, the velocity with momentum.
    lr, decay, eps, momentum, weight_decay : float
    centered : bool

    Returns
    -------
    parameter, square, mean, velocity : ndarray

    References
    ----------
    Tieleman and Hinton, "Lecture 6.5: rmsprop", Coursera 2012. Centered: Graves, "Generating sequences with recurrent
    neural networks", 2013, equations 38 to 45 (with eps outside of the root).

    Examples
    --------
    >>> p, s, _, _ = rmsprop(1.0, 2.0, 0.0, lr=0.1, decay=0.75)
    >>> print(p, s)
    0.8 1.0
    """
    gradient = penalised(gradient, parameter, weight_decay)
    square = average(square, gradient * gradient, decay)
    variance = square
    if centered:
        mean = average(mean, gradient, decay)
        variance = np.maximum(square - mean * mean, 0)  # rounding may take it below
    scaled = gradient / (np.sqrt(variance) + eps)
    if momentum:
        scaled = velocity = momentum * velocity + scaled
    return moved(parameter, lr * scaled), square, mean, velocity


def adagrad(
    parameter: Array, gradient: Array, square: Array, *, lr: float, eps: float = 1e-10, weight_decay: float = 0.0
) -> tuple[Array, Array]:
    """One step of Adagrad: the gradient over the root of the sum of all squares so far.

    ``s' = s + g²``, ``p' = p - lr g / (√s' + eps)``.

    Parameters
    ----------
    parameter, gradient, square : ndarray
        Of equal shape.
    lr, eps, weight_decay : float

    Returns
    -------
    parameter, square : ndarray

    References
    ----------
    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization", JMLR 2011.

    Examples
    --------
    >>> p, s = adagrad(1.0, 3.0, 16.0, lr=0.5)
    >>> print(p, s)
    0.7 25.0
    """
    gradient = penalised(gradient, parameter, weight_decay)
    square = square + gradient * gradient
    return moved(parameter, lr * (gradient / (np.sqrt(square) + eps))), square


def adam(
    parameter: Array,
    gradient: Array,
    m: Array,
    v: Array,
    t: int,
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[Array, Array, Array]:
    """One step of Adam: the running mean of the gradient over the root of the running mean of its square.

    ``m' = β1 m + (1 - β1) g``, ``v' = β2 v + (1 - β2) g²``, ``p' = p - lr m̂ / (√v̂ + eps)`` with the bias corrections ``m̂ =
    m' / (1 - β1^t)`` and ``v̂ = v' / (1 - β2^t)``.

    Parameters
    ----------
    parameter, gradient, m, v : ndarray
        Of equal shape.
    t : int
        Number of this step, from 1.
    lr, eps, weight_decay : float
        `weight_decay` adds ``weight_decay * p`` to the gradient; `adamw` has it apart.
    betas : (float, float)

    Returns
    -------
    parameter, m, v : ndarray

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.

    Examples
    --------
    The first step goes as far as the learning rate says, whatever the size of the gradient.

    >>> p, m, v = adam(1.0, 200.0, 0.0, 0.0, 1, lr=0.1)
    >>> print(p, m, v)
    0.9 20.0 40.0
    """
    gradient = penalised(gradient, parameter, weight_decay)
    beta1, beta2 = betas
    m = average(m, gradient, beta1)
    v = average(v, gradient * gradient, beta2)
    return moved(parameter, lr / (1 - beta1**t) * (m / (np.sqrt(v / (1 - beta2**t)) + eps))), m, v


def amsgrad(
    parameter: Array,
    gradient: Array,
    m: Array,
    v: Array,
    largest: Array,
    t: int,
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[Array, Array, Array, Array]:
    """One step of AMSGrad: Adam, with the largest mean square so far in the place of the latest.

    The bias corrections are those of `adam`, as usual since; the paper has none.

    Parameters
    ----------
    parameter, gradient, m, v, largest : ndarray
        Of equal shape.
    t : int
        Number of this step, from 1.
    lr, eps, weight_decay : float
    betas : (float, float)

    Returns
    -------
    parameter, m, v, largest : ndarray

    References
    ----------
    Reddi, Kale and Kumar, "On the convergence of Adam and beyond", ICLR 2018.

    Examples
    --------
    >>> p, m, v, largest = amsgrad(1.0, 2.0, 0.0, 0.0, 4.0, 1, lr=0.1, betas=(0.5, 0.75))
    >>> print(p, m, v, largest)
    0.95 1.0 1.0 4.0
    """
    gradient = penalised(gradient, parameter, weight_decay)
    beta1, beta2 = betas
    m = average(m, gradient, beta1)
    v = average(v, gradient * gradient, beta2)
    largest = np.maximum(largest, v)
    return moved(parameter, lr / (1 - beta1**t) * (m / (np.sqrt(largest / (1 - beta2**t)) + eps))), m, v, largest


def adamw(
    parameter: Array,
    gradient: Array,
    m: Array,
    v: Array,
    t: int,
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> tuple[Array, Array, Array]:
    """One step of AdamW: `adam`, and the parameter shrinks by ``lr * weight_decay`` of itself apart from the gradient.

    Parameters
    ----------
    parameter, gradient, m, v : ndarray
        Of equal shape.
    t : int
        Number of this step, from 1.
    lr, eps, weight_decay : float
    betas : (float, float)

    Returns
    -------
    parameter, m, v : ndarray

    References
    ----------
    Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2. The decay is in proportion to
    the learning rate, as in most implementations.

    Examples
    --------
    >>> p, m, v = adamw(1.0, 0.0, 0.0, 0.0, 1, lr=0.5, weight_decay=0.1)
    >>> print(p, m, v)
    0.95 0.0 0.0
    """
    return adam((1 - lr * weight_decay) * parameter, gradient, m, v, t, lr=lr, betas=betas, eps=eps)


def nadam(
    parameter: Array,
    gradient: Array,
    m: Array,
    v: Array,
    product: float,
    t: int,
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 0.004,
) -> tuple[Array, Array, Array, float]:
    """One step of NAdam: Adam that looks ahead along its momentum, as Nesterov's does.

    The momentum of step t is ``μ_t = β1 (1 - 0.96^(t momentum_decay) / 2)``, and ``Π' = Π μ_t``. With m', v' and v̂ as in
    `adam`, ``p' = p - lr (μ_(t+1) m' / (1 - Π' μ_(t+1)) + (1 - μ_t) g / (1 - Π')) / (√v̂ + eps)``. Where `momentum_decay`
    is infinite, μ is β1 at every step, which is the form that most textbooks give.

    Parameters
    ----------
    parameter, gradient, m, v : ndarray
        Of equal shape.
    product : float
        Π, the product of all momenta so far; 1 before the first step.
    t : int
        Number of this step, from 1.
    lr, eps, weight_decay, momentum_decay : float
    betas : (float, float)

    Returns
    -------
    parameter, m, v : ndarray
    product : float

    References
    ----------
    Dozat, "Incorporating Nesterov momentum into Adam", ICLR 2016 workshop, algorithm 2.

    Examples
    --------
    >>> p, m, v, product = nadam(1.0, 200.0, 0.0, 0.0, 1.0, 1, lr=0.1, momentum_decay=float("inf"))
    >>> print(p, m, v, product)
    0.852632 20.0 40.0 0.9
    """
    gradient = penalised(gradient, parameter, weight_decay)
    beta1, beta2 = betas
    now, later = (beta1 * (1 - 0.5 * 0.96 ** (i * momentum_decay)) for i in (t, t + 1))
    product = product * now
    m = average(m, gradient, beta1)
    v = average(v, gradient * gradient, beta2)
    ahead = later / (1 - product * later) * m + (1 - now) / (1 - product) * gradient
    return moved(parameter, lr * (ahead / (np.sqrt(v / (1 - beta2**t)) + eps))), m, v, product


def lion(
    parameter: Array,
    gradient: Array,
    m: Array,
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.99),
    weight_decay: float = 0.0,
) -> tuple[Array, Array]:
    """One step of Lion: every entry moves by the learning rate, the sign of the momentum says which way.

    ``p' = p - lr (sign(β1 m + (1 - β1) g) + weight_decay p)``, ``m' = β2 m + (1 - β2) g``.

    Parameters
    ----------
    parameter, gradient, m : ndarray
        Of equal shape.
    lr, weight_decay : float
    betas : (float, float)

    Returns
    -------
    parameter, m : ndarray

    References
    ----------
    Chen et al., "Symbolic discovery of optimization algorithms", NeurIPS 2023, algorithm 2.

    Examples
    --------
    >>> p, m = lion(1.0, -3.0, 0.0, lr=0.01, betas=(0.9, 0.5))
    >>> print(p, m)
    1.01 -1.5
    """
    direction = np.sign(average(m, gradient, betas[0]))
    return moved(parameter, lr * penalised(direction, parameter, weight_decay)), average(m, gradient, betas[1])
