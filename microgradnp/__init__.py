"""microgradnp: trust, see and use the gradients that you derived by hand.

A Tensor remembers the NumPy call that made it. Every feature is one more reader of that record.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
from microgradnp.recomputing import checkpoint
from microgradnp.tensor import Tensor, no_grad, tensor
from microgradnp.transforms import (
    gauss_newton_product,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    primitive,
    value_and_grad,
    vjp,
)

if TYPE_CHECKING:
    from microgradnp import array_api, data, estimators, nn, optim, train, verify
    from microgradnp.debugging import debug
    from microgradnp.draw import Drawing
    from microgradnp.verify import Derivation, assert_derivation, check_gradients, check_rule

    draw: Drawing

__version__ = "0.1.0"

__all__ = [
    "Derivation",
    "Graph",
    "Tensor",
    "array_api",
    "assert_derivation",
    "binary_cross_entropy",
    "check_gradients",
    "check_rule",
    "checkpoint",
    "cross_entropy",
    "data",
    "debug",
    "draw",
    "estimators",
    "gauss_newton_product",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "linear",
    "log_softmax",
    "logistic",
    "logsumexp",
    "name",
    "nn",
    "no_grad",
    "optim",
    "primitive",
    "relu",
    "softmax",
    "softplus",
    "squared_error",
    "tensor",
    "trace",
    "train",
    "value_and_grad",
    "verify",
    "vjp",
]

#: Loaded when first asked for, so that `import microgradnp` costs little more than `import numpy`.
LAZY = {
    "Derivation": "microgradnp.verify",
    "array_api": "",
    "assert_derivation": "microgradnp.verify",
    "check_gradients": "microgradnp.verify",
    "check_rule": "microgradnp.verify",
    "data": "",
    "debug": "microgradnp.debugging",
    "draw": "",
    "estimators": "",
    "nn": "",
    "optim": "",
    "train": "",
    "verify": "",
}


def __getattr__(attribute: str) -> Any:
    if attribute not in LAZY:
        raise AttributeError(f"module 'microgradnp' has no attribute {attribute!r}")
    room = LAZY[attribute]
    value = getattr(import_module(room), attribute) if room else import_module(f"microgradnp.{attribute}")
    globals()[attribute] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *LAZY})
