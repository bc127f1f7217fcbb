"""Linear algebra: inverses, determinants, decompositions, and what follows from them.

The rules are those of Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), and, for the decompositions, of Seeger et al., "Auto-differentiating linear algebra" (2017). They
hold for stacks of matrices and for complex ones, and, being NumPy, to any order. A pullback conjugates nothing (see
tests/primitives/test_complex.py): so a rule for `da` becomes, transposed, the rule for `g`, and what multiplies the
conjugate of `da` is conjugated.

NumPy reads one triangle only of a matrix that it takes for symmetric (`cholesky`, `eigh`): so the gradient of the other
triangle is 0, as differences say. That of a function of ``(A + A.T) / 2`` is symmetric. Where singular values or
eigenvalues coincide, their vectors have no derivative, and a gradient that would need one is refused.

A decomposition is one array in the record, its parts side by side, which its program takes apart again.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from microgradnp.primitives.primitive import Array, Primitive, composite, constant, math_prod, structural, unbroadcast
from microgradnp.primitives.reductions import root

Shape = tuple[int, ...]

# -- words ---------------------------------------------------------------------------------------------------


def t(x: Array) -> Array:
    """Return the transpose of each matrix."""
    return np.swapaxes(x, -1, -2)


def conj(x: Array) -> Array:
    """Return the conjugate."""
    return np.conjugate(x) if x.dtype.kind == "c" else x


def h(x: Array) -> Array:
    """Return the conjugate transpose of each matrix."""
    return conj(t(x))


def real(x: Array) -> Array:
    """Return the real part."""
    return np.real(x) if x.dtype.kind == "c" else x


def imaginary(x: Array) -> Array:
    """Return a complex number's imaginary part times i."""
    return x - real(x)


def of_type(x: Array, like: Array) -> Array:
    """Return what is the gradient of something real: its real part."""
    return x if like.dtype.kind == "c" else real(x)


def eye(x: Array) -> Array:
    """Return an identity matrix of the size and the real type of x's last axis."""
    return np.eye(x.shape[-1], dtype=x.real.dtype)


def diagonals(x: Array) -> Array:
    """Return the diagonal of each matrix, of shape (..., n)."""
    return np.diagonal(x, 0, -2, -1)


def diagonal_matrices(s: Array) -> Array:
    """Return matrices of shape (..., n, n) with these diagonals."""
    return s[..., None] * eye(s)


def values(x: Array) -> Array:
    """Return the numbers of an array or Tensor."""
    return np.asarray(getattr(x, "_value", x))


def near(w: Array) -> Array:
    """Return where the numbers of a spectrum are equal but for rounding: (..., n, n), False on the diagonal."""
    size = np.abs(values(w))
    tolerance = 8 * w.shape[-1] * np.finfo(size.dtype).eps * np.max(size, axis=-1, initial=0.0)[..., None, None]
    gap = np.abs(values(w)[..., None, :] - values(w)[..., :, None])
    return (gap <= tolerance) & ~np.eye(w.shape[-1], dtype=bool)


def small(s: Array) -> Array:
    """Return which singular values are 0 but for rounding."""
    size = values(s)
    return size <= 8 * s.shape[-1] * np.finfo(size.dtype).eps * np.max(size, axis=-1, initial=0.0, keepdims=True)


def divided(x: Array, by: Array, bad: Array, *, refused: str = "") -> Array:
    """Return ``x / by``, where x is 0 also where that cannot be done.

    Elsewhere there: an error if a rule runs backward, since nobody would see that a gradient is not right; nan if it runs
    forward, where the result may not be used at all.
    """
    size = np.abs(values(x))
    used = size > x.shape[-1] * np.finfo(size.dtype).eps * np.max(size, initial=0.0)
    if refused and np.any(bad & used):
        raise np.linalg.LinAlgError(refused)
    zero = bad | (by == 0)
    quotient = x / np.where(zero, 1, by)
    return np.where(zero, np.where(bad & used, np.nan, 0.0).astype(size.dtype), quotient)


def differences(w: Array) -> Array:
    """Return ``w[j] - w[i]`` at i, j."""
    return w[..., None, :] - w[..., :, None]


EQUAL = (
    "{} are equal but for rounding: their vectors are an arbitrary choice, and no derivative of a function of them can be told. "
    "Use a function of the matrix itself (its powers, norms, solve), or only the values, or split the tie"
)
EIGENVALUES, SINGULAR = EQUAL.format("two eigenvalues"), EQUAL.format("two singular values")
RANK = "a singular value is 0 but for rounding: its vectors are an arbitrary choice, and have no derivative"


def read(a: Array, uplo: str = "L") -> Array:
    """Return the whole hermitian matrix of which NumPy reads one triangle."""
    strict = np.tril(a, -1) if uplo.upper() == "L" else np.triu(a, 1)
    return strict + h(strict) + real(a * eye(a))


def read_back(s: Array, uplo: str = "L") -> Array:
    """Return the gradient of the triangle that NumPy reads, out of that of the whole hermitian matrix."""
    both = s + h(s)
    return (np.tril(both, -1) if uplo.upper() == "L" else np.triu(both, 1)) + real(s * eye(s))


def side_by_side(*parts: tuple[Array, int]) -> Array:
    """Return arrays as one, along the last axis; of each, so many of the last axes are its own."""
    rows = [a.reshape((*a.shape[: a.ndim - own], math_prod(a.shape[a.ndim - own :]))) for a, own in parts]
    kind = np.result_type(*(row.dtype for row in rows))
    return np.concatenate([row if row.dtype == kind else row.astype(kind) for row in rows], axis=-1)


@functools.cache
def result_of(function: Any) -> Any:
    """Return the named tuple that a function of NumPy returns. Asked when it is needed: LAPACK takes its time to begin."""
    return type(function(np.eye(1)))


def apart(y: Array, *shapes: Shape) -> list[Array]:
    """Return what lies side by side, in its own shapes."""
    found, start = [], 0
    for shape in shapes:
        stop = start + math_prod(shape)
        found.append(y[..., start:stop].reshape(y.shape[:-1] + shape))
        start = stop
    return found


# -- inverse and solution ------------------------------------------------------------------------------------

structural(np.linalg.inv, lambda g, y, _a: -(t(y) @ g @ t(y)), lambda da, y, _a: -(y @ da @ y), "{a}^{{-1}}")


def solve(a: Array, b: Array) -> Array:
    """Return ``inv(a) @ b`` for matrices b."""
    return np.linalg.solve(a, b)


solve_: Primitive = structural(
    solve,
    (
        lambda g, y, a, _b: unbroadcast(-(solve_(t(a), g) @ t(y)), a.shape),
        lambda g, _y, a, _b: unbroadcast(solve_(t(a), g), _b.shape),
    ),
    (lambda da, y, a, _b: -solve_(a, da @ y), lambda db, _y, a, _b: solve_(a, db)),
    "{a}^{{-1}} {b}",
)


@composite(np.linalg.solve)
def _solve(a: Array, b: Array) -> Array:
    if np.ndim(b) == 1:
        return solve_(a, np.reshape(b, (-1, 1)))[..., 0]
    return solve_(a, b)


# dy = -y da y + y yᴴ daᴴ (1 - a y) + (1 - y a) daᴴ yᴴ y, at constant rank (Golub and Pereyra 1973)
def _pinv_pull(g: Array, y: Array, a: Array, *, rcond: Any = None) -> Array:
    rows, columns = eye(y) - a @ y, eye(a) - y @ a
    return conj(rows @ t(g) @ y @ h(y) + h(y) @ y @ t(g) @ columns) - t(y) @ g @ t(y)


def _pinv_push(da: Array, y: Array, a: Array, *, rcond: Any = None) -> Array:
    rows, columns = eye(y) - a @ y, eye(a) - y @ a
    return y @ h(y) @ h(da) @ rows + columns @ h(da) @ h(y) @ y - y @ da @ y


def pinv(a: Array, *, rcond: Any = None) -> Array:
    """Return the pseudo-inverse."""
    return np.linalg.pinv(a) if rcond is None else np.linalg.pinv(a, rcond)


pinv_ = structural(pinv, _pinv_pull, _pinv_push, "{a}^{{+}}")


@composite(np.linalg.pinv)
def _pinv(a: Array, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Array:
    tolerance = rcond if rtol is None else rtol
    a = read(a) if hermitian else a  # the rule knows no triangles
    return pinv_(a) if tolerance is None else pinv_(a, rcond=tolerance)


@composite(np.linalg.lstsq)
def _lstsq(a: Array, b: Array, rcond: Any = None) -> tuple[Array, Array, int, Array]:
    m, n = np.shape(a)
    singular = svdvals_(a)
    kind = singular.dtype
    cut = (np.finfo(kind).eps * max(m, n) if rcond is None else np.finfo(kind).eps if rcond == -1 else rcond) or 0.0
    x = pinv_(a, rcond=cut) @ b
    rank = int(np.count_nonzero(values(singular) > cut * values(singular).max(initial=0.0)))
    if rank < n or m <= n:
        return x, np.zeros((0,), kind), rank, singular
    error = b - a @ x
    residuals = np.sum(real(error * conj(error)), axis=0)
    return x, residuals.reshape((1,)) if np.ndim(b) == 1 else residuals, rank, singular


@composite(np.linalg.tensorsolve)
def _tensorsolve(a: Array, b: Array, axes: Any = None) -> Array:
    if axes is not None:
        others = [k for k in range(a.ndim) if k not in {i % a.ndim for i in axes}]
        a = np.transpose(a, others + [i % a.ndim for i in axes])
    shape = np.shape(a)[np.ndim(b) :]
    n = math_prod(shape)
    if np.size(a) != n * n:
        raise np.linalg.LinAlgError(f"a of shape {np.shape(a)} and b of shape {np.shape(b)} make no square system")
    return solve_(np.reshape(a, (n, n)), np.reshape(b, (n, 1))).reshape(shape)


@composite(np.linalg.tensorinv)
def _tensorinv(a: Array, ind: int = 2) -> Array:
    if ind <= 0:
        raise ValueError(f"ind={ind} must be positive")
    rows = math_prod(a.shape[:ind])
    return np.linalg.inv(a.reshape((rows, -1))).reshape(a.shape[ind:] + a.shape[:ind])


# -- determinant ---------------------------------------------------------------------------------------------


def cofactors(y: Array, a: Array) -> Array:
    """Return the derivative of the determinant y: the cofactors, also of a singular matrix."""
    if isinstance(a, np.ndarray):
        n = a.shape[-1]
        u, s, vh = np.linalg.svd(a)
        if np.any(s[..., -1:] <= n * np.finfo(s.dtype).eps * s[..., :1]):
            others = np.stack([np.prod(np.delete(s, i, axis=-1), axis=-1) for i in range(n)], axis=-1)
            return conj((u * others[..., None, :]) @ vh) * (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    return y[..., None, None] * t(np.linalg.inv(a))


structural(
    np.linalg.det,
    lambda g, y, a: g[..., None, None] * cofactors(y, a),
    lambda da, y, a: np.sum(cofactors(y, a) * da, axis=(-2, -1)),
    r"\det {a}",
)


def logabsdet(a: Array) -> Array:
    """Return the logarithm of the absolute value of the determinant."""
    return np.linalg.slogdet(a)[1]


def detsign(a: Array) -> Array:
    """Return the sign of the determinant, for complex matrices a number of size 1."""
    return np.linalg.slogdet(a)[0]


logabsdet_ = structural(
    logabsdet,
    lambda g, _y, a: g[..., None, None] * t(np.linalg.inv(a)),
    lambda da, _y, a: real(np.sum(t(np.linalg.inv(a)) * da, axis=(-2, -1))),
    r"\log|\det {a}|",
)
detsign_ = structural(
    detsign,
    lambda g, y, a: imaginary(g * y)[..., None, None] * t(np.linalg.inv(a)) if a.dtype.kind == "c" else 0 * a,
    lambda da, y, a: y * (imaginary(np.sum(t(np.linalg.inv(a)) * da, axis=(-2, -1))) if a.dtype.kind == "c" else 0),
    smooth=False,
)


@composite(np.linalg.slogdet)
def _slogdet(a: Array) -> Any:
    return result_of(np.linalg.slogdet)(detsign_(a), logabsdet_(a))


# -- Cholesky ------------------------------------------------------------------------------------------------


def half(x: Array) -> Array:
    """Return the lower triangle with half its diagonal."""
    return np.tril(x) - 0.5 * (x * eye(x))


def cholesky(a: Array) -> Array:
    """Return the lower triangle L with ``L @ L.conj().T == a``."""
    return np.linalg.cholesky(a)


cholesky_ = structural(
    cholesky,
    lambda g, y, _a: read_back(t(solve_(h(y), t(solve_(t(y), half(t(y) @ g)))))),
    lambda da, y, _a: y @ half(solve_(y, h(solve_(y, read(da))))),
    r"\operatorname{{chol}} {a}",
)


@composite(np.linalg.cholesky)
def _cholesky(a: Array, *, upper: bool = False) -> Array:
    return h(cholesky_(h(a))) if upper else cholesky_(a)


# -- eigenvalues of hermitian matrices: dw = diag(vᴴ da v), dv = v (gaps ∘ vᴴ da v) --------------------------


def eigh(a: Array, *, uplo: str = "L") -> Array:
    """Return eigenvalues and eigenvectors of hermitian matrices, side by side."""
    w, v = np.linalg.eigh(a, UPLO=uplo)  # type: ignore[call-overload]
    return side_by_side((w, 1), (v, 2))


def _eigh_parts(y: Array, a: Array) -> tuple[Array, Array]:
    n = a.shape[-1]
    w, v = apart(y, (n,), (n, n))
    return real(w), v


def _eigh_pull(g: Array, y: Array, _a: Array, *, uplo: str = "L") -> Array:
    w, v = _eigh_parts(y, _a)
    gw, gv = apart(g, w.shape[-1:], v.shape[-2:])
    inner = diagonal_matrices(real(gw)) + divided(t(v) @ gv, differences(w), near(w), refused=EIGENVALUES)
    return read_back(conj(v) @ inner @ t(v), uplo)


def _eigh_push(da: Array, y: Array, _a: Array, *, uplo: str = "L") -> Array:
    w, v = _eigh_parts(y, _a)
    inner = h(v) @ read(da, uplo) @ v
    return side_by_side((real(diagonals(inner)), 1), (v @ divided(inner, differences(w), near(w)), 2))


eigh_ = structural(eigh, _eigh_pull, _eigh_push)


@composite(np.linalg.eigh)
def _eigh(a: Array, UPLO: str = "L") -> Any:
    return result_of(np.linalg.eigh)(*_eigh_parts(eigh_(a, uplo=UPLO), a))


def eigvalsh(a: Array, *, uplo: str = "L") -> Array:
    """Return the eigenvalues of hermitian matrices."""
    return np.linalg.eigvalsh(a, uplo)  # type: ignore[call-overload]


def _eigvalsh_pull(g: Array, _y: Array, a: Array, *, uplo: str = "L") -> Array:
    v = np.linalg.eigh(a, uplo)[1]  # type: ignore[call-overload]
    return read_back((conj(v) * g[..., None, :]) @ t(v), uplo)


def _eigvalsh_push(da: Array, _y: Array, a: Array, *, uplo: str = "L") -> Array:
    v = np.linalg.eigh(a, uplo)[1]  # type: ignore[call-overload]
    return real(diagonals(h(v) @ read(da, uplo) @ v))


eigvalsh_ = structural(eigvalsh, _eigvalsh_pull, _eigvalsh_push)


@composite(np.linalg.eigvalsh)
def _eigvalsh(a: Array, UPLO: str = "L") -> Array:
    return eigvalsh_(a, uplo=UPLO)


# -- eigenvalues of any matrix -------------------------------------------------------------------------------


def eig(a: Array) -> Array:
    """Return eigenvalues and eigenvectors, side by side."""
    w, v = np.linalg.eig(a)
    return side_by_side((w, 1), (v, 2))


def _eig_parts(y: Array, a: Array) -> tuple[Array, Array]:
    n = a.shape[-1]
    w, v = apart(y, (n,), (n, n))
    return w, v


def _largest(v: Array) -> Array:
    """Return 1 at the largest entry of each column: LAPACK makes that one real, and the column of length 1."""
    if v.shape[-2] == 0:
        return v
    first = np.argmax(np.abs(v), axis=-2, keepdims=True) == np.arange(v.shape[-2])[:, None]
    return np.where(first, np.ones((), v.real.dtype), np.zeros((), v.real.dtype))


def _eig_pull(g: Array, y: Array, _a: Array) -> Array:
    w, v = _eig_parts(y, _a)
    gw, gv = apart(g, w.shape[-1:], v.shape[-2:])
    along = np.sum(gv * v, axis=-2, keepdims=True)
    largest = _largest(v)
    inner = gv - conj(v) * real(along) - largest * imaginary(along) / np.sum(largest * real(v), axis=-2, keepdims=True)
    inner = diagonal_matrices(gw) + divided(t(v) @ inner, differences(w), near(w), refused=EIGENVALUES)
    return of_type(solve_(t(v), inner @ t(v)), _a)


def _eig_push(da: Array, y: Array, _a: Array) -> Array:
    w, v = _eig_parts(y, _a)
    inner = solve_(v, da.astype(v.dtype) @ v)
    dv = v @ divided(inner, differences(w), near(w))
    largest = _largest(v)
    turn = np.sum(largest * imaginary(dv), axis=-2, keepdims=True) / np.sum(largest * real(v), axis=-2, keepdims=True)
    stretch = real(np.sum(conj(v) * dv, axis=-2, keepdims=True))
    return side_by_side((diagonals(inner), 1), (dv - v * (stretch + turn), 2))


eig_ = structural(eig, _eig_pull, _eig_push)


@composite(np.linalg.eig)
def _eig(a: Array) -> Any:
    return result_of(np.linalg.eig)(*_eig_parts(eig_(a), a))


def _eigvals_pull(g: Array, _y: Array, a: Array) -> Array:
    v = np.linalg.eig(a)[1]
    return of_type(solve_(t(v), diagonal_matrices(g) @ t(v)), a)


def _eigvals_push(da: Array, _y: Array, a: Array) -> Array:
    v = np.linalg.eig(a)[1]
    return diagonals(solve_(v, da.astype(v.dtype) @ v))


structural(np.linalg.eigvals, _eigvals_pull, _eigvals_push)


# -- singular values -----------------------------------------------------------------------------------------


def svd(a: Array) -> Array:
    """Return the reduced singular value decomposition: u, s and vᴴ side by side."""
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return side_by_side((u, 2), (s, 1), (vh, 2))


def _svd_parts(y: Array, a: Array) -> tuple[Array, Array, Array]:
    m, n = a.shape[-2:]
    k = min(m, n)
    u, s, vh = apart(y, (m, k), (k,), (k, n))
    return u, real(s), vh


def _svd_pull(g: Array, y: Array, _a: Array) -> Array:
    u, s, vh = _svd_parts(y, _a)
    gu, gs, gvh = apart(g, u.shape[-2:], s.shape[-1:], vh.shape[-2:])
    v, gv, gap, bad, zero = h(vh), h(gvh), differences(s * s), near(s), small(s)[..., None, :]
    left, right = t(u) @ gu, t(v) @ gv
    turned = divided(imaginary(diagonals(left)), s, small(s), refused=RANK)
    left, right = (divided(x, gap, bad, refused=SINGULAR) for x in (left, right))
    inner = (left + h(left)) * s[..., None, :] + s[..., :, None] * (right + h(right))
    result = conj(u) @ (inner + diagonal_matrices(real(gs) + turned)) @ t(v)
    if u.shape[-2] > s.shape[-1]:
        result = result + divided(gu - conj(u) @ (t(u) @ gu), s[..., None, :], zero, refused=RANK) @ t(v)
    if v.shape[-2] > s.shape[-1]:
        result = result + conj(u @ t(divided(gv - conj(v) @ (t(v) @ gv), s[..., None, :], zero, refused=RANK)))
    return result


def _svd_push(da: Array, y: Array, _a: Array) -> Array:
    u, s, vh = _svd_parts(y, _a)
    v, gap, bad, zero = h(vh), differences(s * s), near(s), small(s)[..., None, :]
    inner = h(u) @ da @ v
    left, right = (
        inner * s[..., None, :] + s[..., :, None] * h(inner),
        s[..., :, None] * inner + h(inner) * s[..., None, :],
    )
    turned = divided(imaginary(diagonals(inner)), s, small(s))
    du, dv = u @ (divided(left, gap, bad) + diagonal_matrices(turned)), v @ divided(right, gap, bad)
    if u.shape[-2] > s.shape[-1]:
        du = du + divided(da @ v - u @ inner, s[..., None, :], zero)
    if v.shape[-2] > s.shape[-1]:
        dv = dv + divided(h(da) @ u - v @ h(inner), s[..., None, :], zero)
    return side_by_side((du, 2), (real(diagonals(inner)), 1), (h(dv), 2))


svd_ = structural(svd, _svd_pull, _svd_push)


def svdvals(a: Array) -> Array:
    """Return the singular values."""
    return np.linalg.svd(a, compute_uv=False)


def _svdvals_pull(g: Array, y: Array, a: Array) -> Array:
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return conj((u * (g * np.sign(y))[..., None, :]) @ vh)  # 0 at 0, as that of abs


def _svdvals_push(da: Array, y: Array, a: Array) -> Array:
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return real(diagonals(h(u) @ da @ h(vh))) * np.sign(y)


svdvals_ = structural(svdvals, _svdvals_pull, _svdvals_push)


@composite(np.linalg.svd)
def _svd(a: Array, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if hermitian and compute_uv:
        return _svd_of_hermitian(a)
    a = read(a) if hermitian else a
    if not compute_uv:
        return svdvals_(a)
    if full_matrices and a.shape[-1] != a.shape[-2]:
        raise NotImplementedError(
            f"np.linalg.svd of shape {a.shape} with full_matrices=True has no derivative rule: the last columns of u, or rows of "
            "vh, are an arbitrary choice; np.linalg.svd(a, full_matrices=False) has one"
        )
    return result_of(np.linalg.svd)(*_svd_parts(svd_(a), a))


def _svd_of_hermitian(a: Array) -> Any:
    """Return it by eigenvalues, as NumPy does: the signs of the vectors are theirs."""
    w, v = np.linalg.eigh(a)
    order = np.argsort(np.abs(w), axis=-1)[..., ::-1]
    w = np.take_along_axis(w, order, axis=-1)
    u = np.take_along_axis(v, order[..., None, :], axis=-1)
    return result_of(np.linalg.svd)(u, np.abs(w), np.conjugate(np.swapaxes(u * np.sign(w)[..., None, :], -1, -2)))


# -- QR ------------------------------------------------------------------------------------------------------


def qr(a: Array) -> Array:
    """Return the reduced QR decomposition of matrices with at least as many rows as columns: q and r side by side."""
    q, r = np.linalg.qr(a)
    return side_by_side((q, 2), (r, 2))


def _qr_parts(y: Array, a: Array) -> tuple[Array, Array]:
    m, n = a.shape[-2:]
    q, r = apart(y, (m, n), (n, n))
    return q, r


# with b = da r⁻¹ and c = qᴴ b: dr = x r and dq = b - q x, where x is the upper triangle of c + np.tril(c)ᴴ, real on its diagonal
def _qr_pull(g: Array, y: Array, _a: Array) -> Array:
    q, r = _qr_parts(y, _a)
    gq, gr = apart(g, q.shape[-2:], r.shape[-2:])
    n = gr @ t(r) - t(q) @ gq
    inner = np.triu(n, 1) + np.tril(h(n), -1) + real(n * eye(n))
    return t(solve_(r, t(gq + conj(q) @ inner)))


def _qr_push(da: Array, y: Array, _a: Array) -> Array:
    q, r = _qr_parts(y, _a)
    b = t(solve_(t(r), t(da)))
    c = h(q) @ b
    x = np.triu(c, 1) + h(np.tril(c, -1)) + real(c * eye(c))
    return side_by_side((b - q @ x, 2), (x @ r, 2))


qr_ = structural(qr, _qr_pull, _qr_push)


@composite(np.linalg.qr)
def _qr(a: Array, mode: str = "reduced") -> Any:
    m, n = a.shape[-2:]
    if mode not in ("reduced", "r") and not (mode == "complete" and m <= n):
        raise NotImplementedError(
            f"np.linalg.qr(..., mode={mode!r}) of shape {a.shape} has no derivative rule; mode='reduced' and mode='r' have one"
        )
    if m >= n:
        q, r = _qr_parts(qr_(a), a)
    else:
        square = a[..., :m]
        q, r = _qr_parts(qr_(square), square)
        r = np.concatenate([r, h(q) @ a[..., m:]], axis=-1)
    return r if mode == "r" else result_of(np.linalg.qr)(q, r)


# -- norms, powers, products ---------------------------------------------------------------------------------


def matrix_norm(x: Array, ord: Any) -> Array:
    """Return the norm of each matrix, for every `ord` of np.linalg.norm."""
    if ord in ("fro", None):
        return root(np.sum(real(x * conj(x)), axis=(-2, -1)))
    if ord == "nuc":
        return np.sum(svdvals_(x), axis=-1)
    if ord in (2, -2):
        return (np.max if ord > 0 else np.min)(svdvals_(x), axis=-1)
    if ord in (1, -1, np.inf, -np.inf):
        sums = np.sum(np.abs(x), axis=-2 if abs(ord) == 1 else -1)
        return (np.max if ord > 0 else np.min)(sums, axis=-1)
    raise ValueError(f"ord={ord!r} is no norm of matrices; there are 'fro', 'nuc', 1, -1, 2, -2, inf and -inf")


def vector_norm(x: Array, ord: Any, axis: Any, keepdims: bool) -> Array:
    """Return the norm of the vectors along an axis (or over several axes)."""
    if hasattr(ord, "requires_grad"):  # a Tensor: no shortcut at its value may lose its gradient
        return np.sum(np.abs(x) ** ord, axis=axis, keepdims=keepdims) ** (1.0 / ord)
    if ord in (None, 2):
        return root(np.sum(real(x * conj(x)), axis=axis, keepdims=keepdims))
    size = np.abs(x)
    if ord in (np.inf, -np.inf):
        return (np.max if ord > 0 else np.min)(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.sign(size), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise ValueError(f"ord={ord!r} is no norm of vectors; there are numbers, inf and -inf")
    return root(np.sum(size**ord, axis=axis, keepdims=keepdims), ord)


def over_axes(x: Array, ord: Any, axes: tuple[int, int], keepdims: bool) -> Array:
    """Return the norm of matrices that lie along two axes."""
    rows, columns = (normalize_axis_index(a, x.ndim) for a in axes)
    if rows == columns:
        raise ValueError(f"axis={axes} names one axis twice")
    found = matrix_norm(np.moveaxis(x, (rows, columns), (-2, -1)), ord)
    return np.expand_dims(found, (rows, columns)) if keepdims else found


@composite(np.linalg.norm)
def _norm(x: Array, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:
    if axis is None:
        if ord is None:  # of all entries, whatever the shape
            return vector_norm(x, None, None, keepdims)
        if x.ndim not in (1, 2):
            raise ValueError(f"ord={ord!r} wants an axis: an array of shape {x.shape} is neither a vector nor a matrix")
        axis = tuple(range(x.ndim))
    axis = axis if isinstance(axis, tuple) else (axis,)
    if len(axis) == 1:
        return vector_norm(x, ord, axis[0], keepdims)
    if len(axis) != 2:
        raise ValueError(f"axis={axis}: a norm is one of vectors (one axis) or of matrices (two)")
    return over_axes(x, ord, axis, keepdims)


@composite(np.linalg.matrix_norm)
def _matrix_norm(x: Array, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:
    return over_axes(x, ord, (-2, -1), keepdims)


@composite(np.linalg.vector_norm)
def _vector_norm(x: Array, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Array:
    return vector_norm(x, ord, axis, keepdims)


@composite(np.linalg.cond)
def _cond(x: Array, p: Any = None) -> Array:
    if p in (None, 2, -2):
        s = svdvals_(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return matrix_norm(x, p) * matrix_norm(np.linalg.inv(x), p)


constant(np.linalg.matrix_rank, 1, tol=None, hermitian=False, rtol=None)


@composite(np.linalg.matrix_power)
def _matrix_power(a: Array, n: int) -> Array:
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 0:
        return np.zeros_like(a) + np.eye(a.shape[-1], dtype=a.dtype)
    result = None
    while n:  # squares, of which the binary digits of n tell the factors
        if n & 1:
            result = a if result is None else result @ a
        n >>= 1
        if n:
            a = a @ a
    return result


@composite(np.linalg.multi_dot)
def _multi_dot(arrays: Sequence[Array]) -> Array:
    arrays = list(arrays)
    if len(arrays) < 2:
        raise ValueError("multi_dot wants at least two arrays")
    if len(arrays) == 2:
        return np.dot(*arrays)
    first, last = np.ndim(arrays[0]) == 1, np.ndim(arrays[-1]) == 1
    arrays[0] = np.reshape(arrays[0], (1, -1)) if first else arrays[0]
    arrays[-1] = np.reshape(arrays[-1], (-1, 1)) if last else arrays[-1]
    sizes = [a.shape[0] for a in arrays] + [arrays[-1].shape[1]]
    product = in_order(arrays, cheapest(sizes), 0, len(arrays) - 1)
    if first and last:
        return product[0, 0]
    return product[0] if first else product[:, 0] if last else product


def cheapest(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Return where to split each part of a chain of products, so that there is least to multiply."""
    n = len(sizes) - 1
    cost = {(i, i): 0 for i in range(n)}
    split = {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            options = [(cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)]
            cost[i, j], split[i, j] = min(options)
    return split


def in_order(arrays: Sequence[Array], split: dict[tuple[int, int], int], i: int, j: int) -> Array:
    """Return the product of arrays i to j."""
    if i == j:
        return arrays[i]
    k = split[i, j]
    return in_order(arrays, split, i, k) @ in_order(arrays, split, k + 1, j)


# -- other names of what is known ----------------------------------------------------------------------------


@composite(np.linalg.matmul)
def _matmul(x1: Array, x2: Array, /) -> Array:
    return np.matmul(x1, x2)


@composite(np.linalg.outer)
def _outer(x1: Array, x2: Array, /) -> Array:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError("np.linalg.outer wants two vectors; np.outer flattens what it gets")
    return np.outer(x1, x2)


@composite(np.linalg.tensordot)
def _tensordot(x1: Array, x2: Array, /, *, axes: Any = 2) -> Array:
    return np.tensordot(x1, x2, axes=axes)


@composite(np.linalg.matrix_transpose)
def _matrix_transpose(x: Array, /) -> Array:
    return t(x)


composite(np.matrix_transpose)(_matrix_transpose)


@composite(np.linalg.diagonal)
def _diagonal(x: Array, /, *, offset: int = 0) -> Array:
    return np.diagonal(x, offset, -2, -1)


@composite(np.linalg.trace)
def _trace(x: Array, /, *, offset: int = 0, dtype: Any = None) -> Array:
    found = np.trace(x, offset, -2, -1)
    return found if dtype is None else found.astype(dtype)


def _vecdot(x1: Array, x2: Array, *, axis: int = -1) -> Array:
    x1, x2 = np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1)
    return np.sum((np.conjugate(x1) if np.iscomplexobj(x1) else x1) * x2, axis=-1)


@composite(np.linalg.vecdot)
def _linalg_vecdot(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    return _vecdot(x1, x2, axis=axis)


def _matvec(x1: Array, x2: Array) -> Array:
    return np.matmul(x1, x2[..., None])[..., 0]


def _vecmat(x1: Array, x2: Array) -> Array:
    x1 = np.conjugate(x1) if np.iscomplexobj(x1) else x1
    return np.matmul(x1[..., None, :], x2)[..., 0, :]


for _name, _program in (("vecdot", _vecdot), ("matvec", _matvec), ("vecmat", _vecmat)):
    if hasattr(np, _name):  # matvec and vecmat came with NumPy 2.2
        composite(getattr(np, _name))(_program)


@composite(np.cross)
def _cross(a: Array, b: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Array:
    axisa, axisb, axisc = (axis, axis, axis) if axis is not None else (axisa, axisb, axisc)
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if np.shape(a)[-1] != 3 or np.shape(b)[-1] != 3:
        raise NotImplementedError(
            f"np.cross of vectors of lengths {np.shape(a)[-1]} and {np.shape(b)[-1]} has no derivative rule; that of vectors of "
            "length 3 has one. In the plane it is a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]"
        )
    (a0, a1, a2), (b0, b1, b2) = (tuple(x[..., k] for k in range(3)) for x in (a, b))
    return np.moveaxis(np.stack([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0], axis=-1), -1, axisc)


@composite(np.linalg.cross)
def _linalg_cross(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    return _cross(x1, x2, axis=axis)


@composite(np.linalg.svdvals)
def _svdvals(x: Array, /) -> Array:
    return svdvals_(x)
