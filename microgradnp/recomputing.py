"""Time for memory: a part of a program whose values are computed again on the way back, in place of being kept."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from microgradnp import tree
from microgradnp.primitives.primitive import Primitive
from microgradnp.recorders import apply
from microgradnp.tape import RECORD, current_mode, reachable
from microgradnp.tensor import Tensor
from microgradnp.transforms import Run, check_callable, jvp, vjp

Array = Any
Function = Callable[..., Any]


class Computed:
    """A function of arrays whose result is known when it is called for the first time."""

    def __init__(self, inner: Function, first: Array, name: str) -> None:
        self.inner, self.first, self.__name__ = inner, first, name

    def __call__(self, *xs: Array) -> Array:
        """Return the result: the known one once, then what the function gives."""
        y, self.first = self.first, None
        return self.inner(*map(Tensor, xs))._value if y is None else y


class Recomputed(Primitive):
    """A call of a function as one operation: of what it computes, nothing is kept but its operands and its result.

    Parameters
    ----------
    inner : callable
        From the operands to the result, one vector.
    first : ndarray
        The result, which was computed already.
    """

    def __init__(self, inner: Function, first: Array, name: str) -> None:
        super().__init__(Computed(inner, first, name), -1, [(True, True)], {})
        self.inner = inner

    def pull(self, g: Array, y: Array, xs: Sequence[Array], wanted: Sequence[bool], params: dict[str, Any]) -> Any:
        """Compute again, recorded, and carry the gradient back."""
        again, pullback = vjp(self.inner, *xs)
        self.check(again, y)
        return [d if want else None for d, want in zip(pullback(g), wanted, strict=True)]

    def push(self, dxs: Sequence[Array | None], y: Array, xs: Sequence[Array], params: dict[str, Any]) -> Array:
        """Compute again, recorded, and carry the tangents forward."""
        filled = [np.zeros(x.shape, x.dtype) if dx is None else dx for dx, x in zip(dxs, xs, strict=True)]
        again, dy = jvp(self.inner, xs, filled)
        self.check(again, y)
        return dy

    def check(self, again: Array, y: Array) -> None:
        """Raise if the function gives another result than before: its gradient would be that of something else."""
        a, b = (np.asarray(getattr(v, "_value", v)) for v in (again, y))
        if not np.array_equal(a, b, equal_nan=True):
            raise RuntimeError(
                f"{self.name} gives another result when it is computed again: it draws random numbers, or keeps state. Pass "
                "what it draws (the mask of a dropout) as an argument, or do not checkpoint it"
            )


def checkpoint(f: Function) -> Function:
    """Return f such that what it computes on the way is not kept for the way back, but computed again.

    Memory for a chain of such parts is what their inputs need, and the largest part; time is one forward pass more. Chen,
    Xu, Zhang and Guestrin, "Training deep nets with sublinear memory cost" (2016).

    Parameters
    ----------
    f : callable
        Of arrays or trees of them, to an array or a tree of them. It must give the same result every time. All that is to
        be differentiated must be an argument.

    Returns
    -------
    callable

    Raises
    ------
    TypeError
        If f uses a Tensor from outside that is being differentiated.
    RuntimeError
        On the way back, if f gives another result than the first time.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> block = mg.checkpoint(lambda x, w: np.tanh(np.sin(x) * w) ** 2)
    >>> loss = lambda x, w: np.sum(block(block(x, w), w))
    >>> mg.grad(loss)(np.array([0.5, 1.0]), 2.0).round(4)
    array([1.2058, 0.1045])
    """
    check_callable(f, "checkpoint")
    name = getattr(f, "__name__", type(f).__name__)

    @functools.wraps(f, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        given = (args, kwargs)
        leaves = [leaf for _, leaf in tree.flatten(given)]
        places = [
            i for i, x in enumerate(leaves) if isinstance(x, Tensor) and x.node is not None and x.dtype.kind in "fc"
        ]
        if current_mode() != RECORD or not places:  # nothing would be kept; or a graph is to be looked at
            return f(*args, **kwargs)

        def whole(*operands: Any) -> Any:
            inside = list(leaves)
            for i, x in zip(places, operands, strict=True):
                inside[i] = x
            new_args, new_kwargs = tree.filled(given, inside)
            return f(*new_args, **new_kwargs)

        first = Run(whole, [leaves[i]._value for i in places], {}, range(len(places)))
        results = [y for _, y in tree.flatten(first.result)]
        chosen = [k for k, y in enumerate(results) if isinstance(y, Tensor) and y.node is not None]
        if reachable([results[k].node for k in chosen], first.since)[1]:
            raise TypeError(
                f"{name}, which is checkpointed, uses a Tensor from outside that is being differentiated: pass it as an argument"
            )
        if not chosen:
            return first.result
        kind = np.result_type(*(results[k].dtype for k in chosen))

        def packed(ys: Sequence[Any]) -> Any:
            flat = [np.reshape(ys[k], (-1,)) for k in chosen]
            flat = [y if y.dtype == kind else y.astype(kind) for y in flat]
            return flat[0] if len(flat) == 1 else np.concatenate(flat)

        def inner(*operands: Any) -> Any:
            return packed([y for _, y in tree.flatten(whole(*operands))])

        plain = [y._value if isinstance(y, Tensor) else y for y in results]
        shape_of = first.result
        del first
        y = apply(Recomputed(inner, np.asarray(packed(plain)), name), [leaves[i] for i in places], {})
        out, start = list(plain), 0
        for k in chosen:
            part = y[start : start + np.size(plain[k])].reshape(np.shape(plain[k]))
            start += np.size(plain[k])
            dtype = np.asarray(plain[k]).dtype
            if dtype.kind != "c" and kind.kind == "c":
                part = np.real(part)
            out[k] = part if part.dtype == dtype else part.astype(dtype)
        return tree.filled(shape_of, out)

    return run
