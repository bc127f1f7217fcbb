"""The functions of np.emath, whose results are complex where the real ones have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from microgradnp.primitives.masked import as_array, typed
from microgradnp.primitives.primitive import Array, composite


def _complex_where(outside: Callable[[Array], Array], x: Any) -> Array:
    """Return `x` as complex numbers if any element is outside of the domain of the real function."""
    x = as_array(x)
    if x.dtype.kind == "c" or not bool(np.any(outside(x))):
        return x
    return typed(x, np.result_type(x.dtype, np.complex64))


def _negative(x: Array) -> Array:
    return np.less(x, 0)


def _beyond_1(x: Array) -> Array:
    return np.greater(np.abs(x), 1)


def _extend(function: Any, extended: Any, outside: Callable[[Array], Array]) -> None:
    def program(x: Any) -> Array:
        return function(_complex_where(outside, x))

    composite(extended)(program)


for _function, _extended, _outside in (
    (np.sqrt, np.emath.sqrt, _negative),
    (np.log, np.emath.log, _negative),
    (np.log2, np.emath.log2, _negative),
    (np.log10, np.emath.log10, _negative),
    (np.arccos, np.emath.arccos, _beyond_1),
    (np.arcsin, np.emath.arcsin, _beyond_1),
    (np.arctanh, np.emath.arctanh, _beyond_1),
):
    _extend(_function, _extended, _outside)


@composite(np.emath.logn)
def _logn(n: Any, x: Any) -> Array:
    return np.log(_complex_where(_negative, x)) / np.log(_complex_where(_negative, n))


@composite(np.emath.power)
def _power(x: Any, p: Any) -> Array:
    return np.power(_complex_where(_negative, x), as_array(p))
