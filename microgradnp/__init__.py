"""microgradnp: trust, see and use the gradients that you derived by hand.

A Tensor remembers the NumPy call that made it. Every feature is one more reader of that record.
"""

from microgradnp.graph import Graph, name, trace
from microgradnp.primitives.network import (
    binary_cross_entropy,
    cross_entropy,
    linear,
    log_softmax,
    logistic,
    logsumexp,
    relu,
    softmax,
    softplus,
    squared_error,
)
from microgradnp.tensor import Tensor, no_grad, tensor
from microgradnp.transforms import grad, hessian, hvp, jacobian, jvp, primitive, value_and_grad, vjp

__version__ = "0.1.0"
