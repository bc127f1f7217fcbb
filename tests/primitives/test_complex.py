"""Complex numbers, as in JAX and autograd: the pullback multiplies by the Jacobian and conjugates nothing.

So the gradient of a real f(x + iy) is df/dx - i df/dy, and the gradient with respect to a real number that
passes through complex ones is what differences say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from tests.factories import assert_close, derivative

Z = np.array([0.6 - 0.8j, -1.2 + 0.5j, 0.3 + 1.1j])
W = np.array([1.5 + 0.2j, 0.4 - 0.7j, -0.9 + 0.1j])

HOLOMORPHIC = [
    np.negative, np.square, np.reciprocal, np.sqrt, np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10,
    np.log1p, np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh,
    np.arctanh, np.positive,
    lambda z: z**3, lambda z: z**-1.5, lambda z: z / W, lambda z: W / z, lambda z: z * W - z, lambda z: z**W,
    np.cumsum, np.prod, np.mean, lambda z: np.where([True, False, True], z, 2.0), lambda z: z[[0, 0, 2]],
    lambda z: z @ W, lambda z: np.einsum("i,j->ij", z, W), lambda z: np.tensordot(z, W, axes=1),
    lambda z: np.inner(W, z),
    np.cumprod, np.diff, np.gradient, np.trapezoid, np.nansum, np.nanmean, np.nancumprod, np.ediff1d, np.poly, np.roots,
    lambda z: np.sum(z, where=[True, False, True]), lambda z: np.prod(z, initial=2j, where=[True, True, False]),
    lambda z: np.convolve(z, W), lambda z: np.correlate(z, W, "full"), lambda z: np.correlate(z, W, "same"),
    lambda z: np.polyval(z, W), lambda z: np.polyval(W, z), lambda z: np.polymul(z, W), lambda z: np.vander(z, 4),
    lambda z: np.interp([0.5, 1.7], [0.0, 1.0, 2.0], z), lambda z: np.multiply.accumulate(z),
    lambda z: np.subtract.reduce(z), lambda z: np.divide.accumulate(z), lambda z: np.add.reduceat(z, [0, 2]),
    lambda z: np.average(z, weights=[1.0, 2.0, 3.0]), lambda z: np.cumsum(z, dtype=complex), np.emath.sqrt,
    lambda z: np.log(z, where=[True, False, True], out=np.zeros_like(z)), lambda z: np.polydiv(z, W[:2])[0],
    np.sort, np.unique, np.sort_complex, lambda z: np.take(z, [0, 2, 2]), lambda z: np.pad(z, 2, mode="linear_ramp"),
    lambda z: np.pad(z, (1, 2), "reflect", reflect_type="odd"), lambda z: np.kron(z, W), lambda z: np.repeat(z, 2),
    lambda z: np.linspace(z, W, 4), lambda z: np.select([[True, False, True]], [z], W), lambda z: np.insert(W, 1, z),
    np.fft.fft, np.fft.ifft, lambda z: np.fft.fft(z, 5, norm="ortho"), lambda z: np.fft.ifft(z, 2, norm="forward"),
    lambda z: np.fft.fftn(np.outer(z, z)), lambda z: np.fft.ifft2(np.outer(z, W), s=(2, 4)), np.fft.fftshift,
]  # fmt: skip

TO_REAL: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "real": np.real,
    "imag": np.imag,
    "real of a conjugate": lambda z: np.real(np.conj(z) * z * W),
    "properties": lambda z: z.real * z.imag,
    "norm": np.linalg.norm,
    "var": np.var,
    "std": np.std,
    "angle": np.angle,
    "median of absolute values": lambda z: np.median(np.abs(z)),
    "covariance": lambda z: np.real(np.cov(z, W * z * z)),
    "correlation": lambda z: np.abs(np.corrcoef(z, W * z * z)),
    "var of some": lambda z: np.var(z, where=[True, False, True]),
    "nanstd": np.nanstd,
    "correlate with itself": lambda z: np.real(np.correlate(z, z, "full")),
    "nan_to_num": lambda z: np.real(np.nan_to_num(z) * W),
    "vdot": lambda z: np.real(np.vdot(z, W) * np.vdot(W, z * z)),
    "irfft": np.fft.irfft,
    "irfft to odd length": lambda z: np.fft.irfft(z * z, 5, norm="ortho"),
    "irfft of too many": lambda z: np.fft.irfft(z, 3, norm="forward"),
    "hfft": np.fft.hfft,
    "irfftn": lambda z: np.fft.irfftn(np.outer(z, W)),
    "power spectrum": lambda z: np.abs(np.fft.fft(z)) ** 2,
    "abs of a product": lambda z: np.abs(np.exp(z) * W),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("f", HOLOMORPHIC, ids=lambda f: getattr(f, "__name__", "lambda"))
def test_holomorphic(f: Callable[[Any], Any]) -> None:
    v = np.array([0.3 + 0.2j, -0.5j, 0.7])
    y, pull = mg.vjp(f, Z)
    w = np.resize([1 - 0.5j, 0.3j, 2.0], np.shape(y))[()]
    numeric = derivative(lambda t: f(Z + t * v))
    assert_close(mg.jvp(f, (Z,), (v,))[1], numeric, 1e-8)
    assert_close(np.sum(pull(w)[0] * v), np.sum(np.ravel(w) * numeric), 1e-8)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", TO_REAL)
def test_real_functions_of_complex_numbers(name: str) -> None:
    f = TO_REAL[name]

    def total(z: Any) -> Any:
        return np.sum(f(z) * f(z))

    gradient = mg.grad(total)(Z)
    for v in (np.array([1.0, 0, 0]), np.array([0, 0.5, -1.0]), np.array([0.3, 1.0, 0.2])):
        dx, dy = derivative(lambda t: total(Z + t * v)), derivative(lambda t: total(Z + 1j * t * v))  # noqa: B023
        assert_close(np.sum(gradient * v), dx - 1j * dy, 1e-8, 1.0)
        assert_close(mg.jvp(total, (Z,), (1j * v,))[1], dy, 1e-8, 1.0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", TO_REAL)
def test_real_numbers_through_complex_ones(name: str) -> None:
    """Gradients of real parameters, first and second order."""

    def f(x: Any) -> Any:
        return np.sum(TO_REAL[name](Z * x + 1j * x * x) ** 2)

    x, v = np.array([0.7, -0.4, 1.3]), np.array([0.2, -1.0, 0.5])
    gradient = mg.grad(f)
    assert gradient(x).dtype == np.float64
    assert_close(np.sum(gradient(x) * v), derivative(lambda t: f(x + t * v)), 1e-8)
    curved = derivative(lambda t: gradient(x + t * v))
    assert_close(mg.hvp(f)(x, v), curved, 1e-8)
    assert_close(mg.grad(lambda x: np.sum(gradient(x) * v))(x), curved, 1e-8)


def test_single_precision_stays_single() -> None:
    gradient = mg.grad(lambda z: np.sum(np.abs(z)))(Z.astype(np.complex64))
    assert gradient.dtype == np.complex64
    np.testing.assert_allclose(gradient, np.conj(Z) / np.abs(Z), rtol=1e-6)
    assert mg.grad(lambda x: np.sum(np.abs(x * np.complex64(1j))))(np.float32([1, -2])).dtype == np.float32


def test_tangents_of_single_precision_keep_their_imaginary_part() -> None:
    x, dx = np.float32([0.5, 1.3]), np.float32([0.3, -1.0])
    for f in (lambda x: x ** (1 + 2j), lambda x: np.minimum(np.emath.sqrt(x - 1), x)):
        y, dy = mg.jvp(f, (x,), (dx,))
        assert y.dtype == dy.dtype == np.complex64
        wide = x.astype(float), dx.astype(float)
        np.testing.assert_allclose(dy, mg.jvp(f, wide[:1], wide[1:])[1], rtol=1e-5)


def test_abs_at_0() -> None:
    gradient = mg.grad(lambda z: np.sum(np.abs(z)))(np.array([0j, 3 - 4j]))
    np.testing.assert_allclose(gradient, [0, 0.6 + 0.8j], rtol=1e-15)


def test_sign_of_complex_numbers_is_refused() -> None:
    with pytest.raises(TypeError, match=r"z / np\.abs\(z\)"):
        mg.grad(lambda z: np.real(np.sum(np.sign(z))))(Z)
