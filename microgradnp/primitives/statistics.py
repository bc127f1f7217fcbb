"""Covariance and correlation of variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.primitives.masked import as_array, typed
from microgradnp.primitives.primitive import Array, composite


def _variables(m: Any, dtype: Any, rowvar: bool) -> Array:
    """Return observations as a matrix: one variable a row."""
    m = as_array(m)
    if m.ndim > 2:
        raise ValueError(f"observations of shape {m.shape} have more than two axes")
    m = typed(m, np.result_type(m.dtype, np.float64) if dtype is None else dtype)
    return m[None] if m.ndim == 1 else np.reshape(m, (1, 1)) if m.ndim == 0 else m if rowvar else m.T


def _weight(weights: Any, observations: int, name: str) -> Array:
    weights = typed(weights, float)
    if weights.ndim != 1 or weights.shape[0] != observations:
        raise ValueError(f"{name} of shape {weights.shape} do not fit {observations} observations")
    if np.any(weights < 0):
        raise ValueError(f"{name} are not negative")
    return weights


@composite(np.cov)
def _cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None, fweights: Any = None,
    aweights: Any = None, *, dtype: Any = None,
) -> Array:  # fmt: skip
    if dtype is None:
        dtype = np.result_type(*(as_array(x).dtype for x in (m, y) if x is not None), np.float64)
    x = _variables(m, dtype, rowvar)
    if y is not None:
        x = np.concatenate([x, _variables(y, dtype, rowvar)], axis=0)
    n = x.shape[1]
    if ddof is None:
        ddof = 0 if bias else 1
    w: Any = None
    if fweights is not None:
        w = _weight(fweights, n, "fweights")
        if np.any(np.not_equal(w, np.rint(w))):
            raise TypeError("fweights are how often each observation was made: whole numbers")
    if aweights is not None:
        a = _weight(aweights, n, "aweights")
        w = a if w is None else w * a
    if w is None:
        centred = x - np.mean(x, axis=1, keepdims=True)
        weighted, freedom = centred, float(n - ddof)
    else:
        total = np.sum(w)
        centred = x - (np.sum(x * w, axis=1) / total)[:, None]
        weighted = centred * w
        freedom = total if ddof == 0 else total - ddof * (1 if aweights is None else np.sum(w * aweights) / total)
    c = typed(centred @ np.conjugate(weighted).T / np.maximum(freedom, 0.0), x.dtype)
    return c[0, 0] if c.shape == (1, 1) else c


@composite(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Array:
    c = np.cov(x, y, rowvar, dtype=dtype)
    if np.ndim(c) == 0:
        return c / c
    deviation = np.sqrt(np.real(np.diagonal(c)))
    c = c / deviation[:, None] / deviation[None, :]
    if c.dtype.kind == "c":
        return c
    return np.where(np.greater(np.abs(c), 1), np.sign(c), c)  # beyond by rounding: the slope is 0 there
