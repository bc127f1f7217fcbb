"""NumPy's functions of polynomials, which are vectors of coefficients, that of the highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.primitives.masked import as_array, typed
from microgradnp.primitives.primitive import Array, composite


def _coefficients(p: Any, trim: bool = False) -> Array:
    p = as_array(p)
    if p.ndim > 1:
        raise ValueError(f"an array of shape {p.shape} is no polynomial: it has more than one axis")
    p = np.reshape(p, (-1,))
    if not trim:
        return p
    first = next((i for i in range(p.size) if bool(np.not_equal(p[i], 0))), p.size - 1)
    return p[first:] if first > 0 else p


@composite(np.polyval)
def _polyval(p: Any, x: Any) -> Array:
    if isinstance(p, np.poly1d) or isinstance(x, np.poly1d):
        raise NotImplementedError("np.polyval of a np.poly1d has no derivative rule; give its coefficients, p.coeffs")
    x = as_array(x)
    y = np.zeros_like(x)
    for c in _coefficients(p):
        y = y * x + c
    return y


def _aligned(a1: Any, a2: Any) -> tuple[Array, Array]:
    a, b = _coefficients(a1), _coefficients(a2)
    n = max(a.size, b.size)
    a, b = (c if c.size == n else np.concatenate([np.zeros(n - c.size, c.dtype), c]) for c in (a, b))
    return a, b


@composite(np.polyadd)
def _polyadd(a1: Any, a2: Any) -> Array:
    a, b = _aligned(a1, a2)
    return a + b


@composite(np.polysub)
def _polysub(a1: Any, a2: Any) -> Array:
    a, b = _aligned(a1, a2)
    return a - b


@composite(np.polymul)
def _polymul(a1: Any, a2: Any) -> Array:
    return np.convolve(_coefficients(a1, trim=True), _coefficients(a2, trim=True))


@composite(np.polyder)
def _polyder(p: Any, m: int = 1) -> Array:
    p = _coefficients(p)
    if m < 0:
        raise ValueError(f"m={m}: for integrals see np.polyint")
    for _ in range(int(m)):
        p = p[:-1] * np.arange(p.size - 1, 0, -1)
    return p


@composite(np.polyint)
def _polyint(p: Any, m: int = 1, k: Any = None) -> Array:
    p = _coefficients(p)
    if m < 0:
        raise ValueError(f"m={m}: for derivatives see np.polyder")
    constants = np.zeros(m) if k is None else np.reshape(as_array(k), (-1,))
    if constants.size == 1 and m > 1:
        constants = np.broadcast_to(constants, (m,))
    if constants.size < m:
        raise ValueError(f"k has {constants.size} constants of integration for {m} integrals")
    for i in range(int(m)):
        p = np.concatenate([p / np.arange(p.size, 0, -1), constants[i : i + 1]])
    return p


@composite(np.polydiv)
def _polydiv(u: Any, v: Any) -> tuple[Array, Array]:
    r, v = _coefficients(u) + 0.0, _coefficients(v) + 0.0
    m, n = r.size - 1, v.size - 1
    quotient = []
    for k in range(m - n + 1):
        d = r[k] / v[0]
        quotient.append(d)
        r = r - np.concatenate([np.zeros(k, r.dtype), d * v, np.zeros(m - n - k, r.dtype)])
    start = 0
    while start < m and np.isclose(r[start], 0, rtol=1e-14):
        start += 1
    return np.stack(quotient) if quotient else 0 * r[:1], r[start:]


@composite(np.poly)
def _poly(seq_of_zeros: Any) -> Array:
    zeros = as_array(seq_of_zeros)
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] != 0:
        zeros = np.linalg.eigvals(zeros)
    elif zeros.ndim > 1:
        raise ValueError(f"zeros are a vector, or the eigenvalues of a square matrix, not of shape {zeros.shape}")
    zeros = np.reshape(zeros, (-1,))
    p = np.ones(1, zeros.dtype)
    for i in range(zeros.size):
        p = np.convolve(p, np.concatenate([np.ones(1, zeros.dtype), -zeros[i : i + 1]]))
    if zeros.dtype.kind == "c" and bool(np.all(np.equal(*(np.sort(_values(z)) for z in (zeros, np.conjugate(zeros)))))):
        return np.real(p)
    return p


def _values(x: Array) -> Array:
    return np.asarray(getattr(x, "_value", x))


@composite(np.roots)
def _roots(p: Any) -> Array:
    p = _coefficients(p)
    places = np.flatnonzero(_values(p))
    if not places.size:
        return np.zeros(0)
    at_zero = p.size - 1 - int(places[-1])
    p = p[int(places[0]) : int(places[-1]) + 1] + 0.0
    n = p.size - 1
    if n == 0:
        return np.zeros(at_zero, p.dtype)
    companion = np.concatenate([-(p[1:] / p[0])[None], np.eye(n, dtype=p.dtype)[:-1]])
    roots = np.linalg.eigvals(companion)
    return np.concatenate([roots, np.zeros(at_zero, roots.dtype)]) if at_zero else roots


@composite(np.vander)
def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Array:
    x = as_array(x)
    if x.ndim != 1:
        raise ValueError(f"an array of shape {x.shape} is no vector")
    x = typed(x, np.promote_types(x.dtype, int))
    n = x.size if N is None else int(N)
    columns = [np.ones_like(x)]
    for _ in range(n - 1):
        columns.append(columns[-1] * x)
    if n == 0:
        return np.zeros((x.size, 0), x.dtype)
    return np.stack(columns if increasing else columns[::-1], axis=1)


@composite(np.polyfit)
def _polyfit(
    x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    x, y, order = as_array(x) + 0.0, as_array(y) + 0.0, int(deg) + 1
    if deg < 0:
        raise ValueError(f"deg={deg} is not the degree of a polynomial")
    if x.ndim != 1 or not x.size or y.ndim not in (1, 2) or y.shape[0] != x.shape[0]:
        raise ValueError(
            f"x of shape {x.shape} must be a vector, and y of shape {y.shape} have a row for each of its elements"
        )
    rows, right = np.vander(x, order), y
    if w is not None:
        w = as_array(w) + 0.0
        if w.shape != x.shape:
            raise ValueError(f"weights of shape {w.shape} do not fit {x.size} points")
        rows, right = rows * w[:, None], right * (w if y.ndim == 1 else w[:, None])
    scale = np.sqrt(np.sum(rows * rows, axis=0))
    rows = rows / scale
    c, residuals, rank, s = np.linalg.lstsq(rows, right, x.size * np.finfo(x.dtype).eps if rcond is None else rcond)
    c = (c.T / scale).T
    if full:
        return c, residuals, rank, s, rcond
    if cov is False:
        return c
    spread = np.linalg.inv(rows.T @ rows) / np.outer(scale, scale)
    if isinstance(cov, str) and cov == "unscaled":
        return c, spread if y.ndim == 1 else spread[:, :, None] * np.ones(1)
    if x.size <= order:
        raise ValueError(f"{x.size} points are too few for the covariance of {order} coefficients")
    factor = residuals / (x.size - order)
    return c, spread * factor if y.ndim == 1 else spread[:, :, None] * factor
