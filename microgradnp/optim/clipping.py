"""Gradients kept within bounds, and refused where they are no numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from microgradnp.optim.base import Optimizer
from microgradnp.optim.settings import number
from microgradnp.tensor import Tensor

Array = Any


def clip_by_norm(params: Optimizer | Iterable[Any], max_norm: float) -> float:
    """Scale all gradients together, so that their norm as one long vector is at most `max_norm`.

    Parameters
    ----------
    params : iterable
        An optimizer; or Tensors, or pairs of a name and a Tensor, as optimizers take them. Those without a gradient do not
        count.
    max_norm : float
        Greater than 0; infinite to only measure the norm.

    Returns
    -------
    float
        The norm before.

    Raises
    ------
    FloatingPointError
        If a gradient holds nan or inf: it says whose. Nothing is scaled then.

    References
    ----------
    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013, algorithm 1.

    Examples
    --------
    >>> import microgradnp as mg
    >>> w = mg.tensor([0.0, 0.0], requires_grad=True)
    >>> w.grad = [3.0, 4.0]
    >>> mg.optim.clip_by_norm([w], 1.0)
    5.0
    >>> w.grad
    array([0.6, 0.8])
    """
    max_norm = number("max_norm", max_norm)
    if not max_norm > 0:
        raise ValueError(f"max_norm={max_norm:g} must be greater than 0")
    found = list(with_gradient("clip_by_norm", params))
    norm = norm_of([gradient for _, _, gradient in found])
    if not math.isfinite(norm):
        check_finite(params)
    if norm > max_norm:
        for _, p, gradient in found:
            p.grad = scaled(gradient, norm, max_norm)
    return norm


def clip_by_value(params: Optimizer | Iterable[Any], limit: float) -> None:
    """Clip every number of every gradient to the interval from ``-limit`` to `limit`.

    Parameters
    ----------
    params : iterable
        An optimizer; or Tensors, or pairs of a name and a Tensor. Those without a gradient do not count.
    limit : float
        Greater than 0.

    Raises
    ------
    FloatingPointError
        If a gradient holds nan: it says whose. Nothing is clipped then.

    Examples
    --------
    >>> import microgradnp as mg
    >>> w = mg.tensor([0.0, 0.0], requires_grad=True)
    >>> w.grad = [3.0, -0.5]
    >>> mg.optim.clip_by_value([w], 1.0)
    >>> w.grad
    array([ 1. , -0.5])
    """
    limit = number("limit", limit)
    if not limit > 0:
        raise ValueError(f"limit={limit:g} must be greater than 0")
    found = list(with_gradient("clip_by_value", params))
    bad = [(name, p) for name, p, gradient in found if np.any(np.isnan(gradient))]
    if bad:
        check_finite(bad)
    for _, p, gradient in found:
        if np.any(np.abs(gradient) > limit):
            p.grad = np.clip(gradient, -limit, limit)


def check_finite(params: Optimizer | Iterable[Any]) -> None:
    """Raise if a gradient holds nan or inf, before an optimizer spoils the parameters with it.

    Parameters
    ----------
    params : iterable
        An optimizer; or Tensors, or pairs of a name and a Tensor.

    Raises
    ------
    FloatingPointError
        If so: it lists the parameters, with how many of their numbers it is.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> w = mg.tensor([1.0, 0.0], requires_grad=True, name="w")
    >>> with np.errstate(all="ignore"):
    ...     np.sum(np.log(w)).backward()
    >>> mg.optim.check_finite([w])
    Traceback (most recent call last):
    FloatingPointError: the gradient of w holds inf in 1 of 2 numbers; no step was made. A learning rate that is too high, a
    division by 0, or the log or root of 0 are the usual causes
    """
    bad = []
    for name, p, gradient in with_gradient("check_finite", params):
        wrong = ~np.isfinite(gradient)
        if np.any(wrong):
            nans = np.any(np.isnan(gradient))
            what = "nan and inf" if nans and np.any(np.isinf(gradient)) else "nan" if nans else "inf"
            bad.append(f"the gradient of {name} holds {what} in {np.sum(wrong):,} of {p.size:,} numbers")
    if bad:
        raise FloatingPointError(
            "; ".join(bad)
            + "; no step was made. A learning rate that is too high, a division by 0, or the log or root of 0 "
            "are the usual causes"
        )


def with_gradient(who: str, params: Optimizer | Iterable[Any]) -> Iterator[tuple[str, Tensor, Array]]:
    """Yield the names of the parameters that have a gradient and are not frozen, themselves, and their gradients."""
    if isinstance(params, Optimizer):
        params = [(slot.label(), slot.tensor) for slot in params.slots]
    if isinstance(params, Tensor) or not isinstance(params, Iterable):
        raise TypeError(f"{who} wants an optimizer or an iterable of tensors, not one {type(params).__name__}")
    for i, item in enumerate(params.items() if isinstance(params, Mapping) else params):
        named = isinstance(item, tuple) and len(item) == 2
        p = item[1] if named else item
        name = str(item[0]) if named else getattr(p, "name", None) or f"parameter {i}"
        if not isinstance(p, Tensor):
            raise TypeError(f"{name} is no Tensor but {type(p).__name__}")
        if p.requires_grad and p.grad is not None:
            yield name, p, p.grad


def norm_of(gradients: list[Array]) -> float:
    """Return the norm of all numbers of some arrays, also where squares overflow or vanish."""
    with np.errstate(all="ignore"):
        total = math.fsum(square_of(g) for g in gradients)
        if 1e-280 < total < math.inf:
            return math.sqrt(total)
        largest = max((float(np.max(np.abs(g), initial=0.0)) for g in gradients), default=0.0)
        if not 0 < largest < math.inf:
            return largest
        return largest * math.sqrt(math.fsum(square_of(np.asarray(g, dtype=np.float64) / largest) for g in gradients))


def square_of(g: Array) -> float:
    """Return the sum of the squares of an array, in float64."""
    flat = np.ravel(g).astype(np.float64, copy=False)
    return float(flat @ flat)


def scaled(gradient: Array, norm: float, max_norm: float) -> Array:
    """Return a gradient over `norm`, times `max_norm`."""
    factor = max_norm / norm
    return gradient * factor if factor > 1e-300 else gradient / norm * max_norm
