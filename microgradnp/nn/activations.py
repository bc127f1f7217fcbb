"""Activations as layers, and activations whose derivative is claimed and not derived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from microgradnp.nn import functional
from microgradnp.nn.module import Module
from microgradnp.transforms import UserPrimitive, primitive


class Identity(Module):
    """x as it is: in the place of an activation that is left out."""

    def forward(self, x: Any) -> Any:
        """Return x."""
        return x


class ReLU(Module):
    """max(x, 0), with derivative 0 at 0."""

    def forward(self, x: Any) -> Any:
        """Return max(x, 0)."""
        return functional.relu(x)


class LeakyReLU(Module):
    """x where positive, ``slope * x`` elsewhere."""

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def forward(self, x: Any) -> Any:
        """Return `functional.leaky_relu` of x."""
        return functional.leaky_relu(x, self.slope)

    def settings(self) -> str:
        """Return the slope."""
        return f"{self.slope}"


class ELU(Module):
    """x where positive, ``alpha * (exp(x) - 1)`` elsewhere."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        """Return `functional.elu` of x."""
        return functional.elu(x, self.alpha)

    def settings(self) -> str:
        """Return alpha."""
        return f"{self.alpha}"


class GELU(Module):
    """x times the normal distribution function of x, or its form with tanh (``approximate="tanh"``)."""

    def __init__(self, approximate: str = "none") -> None:
        functional.check_approximate(approximate)
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        """Return `functional.gelu` of x."""
        return functional.gelu(x, self.approximate)

    def settings(self) -> str:
        """Return the form."""
        return "" if self.approximate == "none" else self.approximate


class SiLU(Module):
    """x times its logistic function, also called swish."""

    def forward(self, x: Any) -> Any:
        """Return `functional.silu` of x."""
        return functional.silu(x)


class Logistic(Module):
    """1 / (1 + exp(-x)), without overflow."""

    def forward(self, x: Any) -> Any:
        """Return `functional.logistic` of x."""
        return functional.logistic(x)


class Tanh(Module):
    """Hyperbolic tangent."""

    def forward(self, x: Any) -> Any:
        """Return `functional.tanh` of x."""
        return functional.tanh(x)


class Softplus(Module):
    """log(1 + exp(x)), without overflow."""

    def forward(self, x: Any) -> Any:
        """Return `functional.softplus` of x."""
        return functional.softplus(x)


class Softmax(Module):
    """Exponentials divided by their sum along an axis. Before a cross entropy it is not wanted: that takes logits."""

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        """Return `functional.softmax` of x."""
        return functional.softmax(x, self.axis)

    def settings(self) -> str:
        """Return the axis."""
        return "" if self.axis == -1 else f"axis={self.axis}"


class LogSoftmax(Softmax):
    """The logarithm of the softmax along an axis, computed as such: before an `NLLLoss`."""

    def forward(self, x: Any) -> Any:
        """Return `functional.log_softmax` of x."""
        return functional.log_softmax(x, self.axis)


Sigmoid, Swish = Logistic, SiLU


def surrogate(forward: Callable[[Any], Any], derivative: Callable[[Any], Any], at: str = "input") -> UserPrimitive:
    """Return an activation whose backward pass uses a claimed derivative, be it right or not.

    For derivatives that are chosen (a smooth one for a step), and to replay a derivation with a derivative that is
    nearly right: document 000 takes the logistic function for that of relu. `mg.check_gradients` tells how far it is off.

    Parameters
    ----------
    forward : callable
        The activation, elementwise, of arrays.
    derivative : callable
        What is used as its derivative, elementwise.
    at : {"input", "output"}
        Whether `derivative` is a function of the activation's input or of its output.

    Returns
    -------
    callable
        Of arrays and Tensors.

    Raises
    ------
    ValueError
        If `at` is neither.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> relu = surrogate(mg.relu, mg.logistic)
    >>> x = mg.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    >>> np.sum(relu(x)).backward()
    >>> x.grad
    array([0.26894142, 0.5       , 0.88079708])
    """
    if at not in ("input", "output"):
        raise ValueError(f'at={at!r}: the derivative is a function of the "input" or of the "output"')

    def activation(x: Any) -> Any:
        return forward(x)

    activation.__name__ = getattr(forward, "__name__", "activation")

    def rule(g: Any, y: Any, x: Any) -> Any:
        return g * derivative(x if at == "input" else y)

    return primitive(activation).defvjp(rule).defjvp(rule)
