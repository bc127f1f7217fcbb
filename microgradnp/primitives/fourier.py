"""Fourier transforms: four linear maps along one axis, of which all others are made.

The matrix of a Fourier transform is symmetric, and a pullback conjugates nothing: so `fft` is its own transpose. Those of
real numbers, and to real numbers, keep one half of a symmetric spectrum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from microgradnp.primitives.linalg import of_type
from microgradnp.primitives.primitive import Array, composite, linear

fft = np.fft

#: The other direction divides by what this one does not.
SWAPPED: dict[str | None, Any] = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def of_length(x: Array, n: int, axis: int) -> Array:
    """Return x cut off, or continued by zeros, to length n along an axis."""
    length = x.shape[axis]
    if n == length:
        return x
    axis %= x.ndim
    if n < length:
        return x[(*(slice(None),) * axis, slice(n))]
    return np.concatenate([x, np.zeros((*x.shape[:axis], n - length, *x.shape[axis + 1 :]), x.dtype)], axis=axis)


def _fft_back(g: Array, _y: Array, _x: Array, *, n: Any = None, axis: int = -1, norm: Any = None) -> Array:
    return of_type(of_length(fft.fft(g, axis=axis, norm=norm), _x.shape[axis], axis), _x)


def _ifft_back(g: Array, _y: Array, _x: Array, *, n: Any = None, axis: int = -1, norm: Any = None) -> Array:
    return of_type(of_length(fft.ifft(g, axis=axis, norm=norm), _x.shape[axis], axis), _x)


def _rfft_back(g: Array, _y: Array, _x: Array, *, n: Any = None, axis: int = -1, norm: Any = None) -> Array:
    length = _x.shape[axis] if n is None else n
    whole = of_length(g, length, axis)  # the other half of the spectrum does not count
    return np.real(of_length(fft.fft(whole, axis=axis, norm=norm), _x.shape[axis], axis))


def _irfft_back(g: Array, _y: Array, _x: Array, *, n: Any = None, axis: int = -1, norm: Any = None) -> Array:
    length = g.shape[axis]
    spectrum = np.conjugate(fft.rfft(g, axis=axis, norm=SWAPPED[norm]))
    k = np.arange(spectrum.shape[axis])
    counts = np.where((k == 0) | (2 * k == length), 1.0, 2.0).astype(
        spectrum.real.dtype
    )  # a frequency and its mirror image
    spectrum = spectrum * counts.reshape((-1,) + (1,) * (_x.ndim - 1 - axis % _x.ndim))
    return of_type(of_length(spectrum, _x.shape[axis], axis), _x)


linear(fft.fft, _fft_back)
linear(fft.ifft, _ifft_back)
linear(fft.rfft, _rfft_back)
linear(fft.irfft, _irfft_back)


@composite(fft.hfft)
def _hfft(a: Array, n: Any = None, axis: int = -1, norm: Any = None) -> Array:
    return fft.irfft(np.conjugate(a), (a.shape[axis] - 1) * 2 if n is None else n, axis, SWAPPED[norm])


@composite(fft.ihfft)
def _ihfft(a: Array, n: Any = None, axis: int = -1, norm: Any = None) -> Array:
    return np.conjugate(fft.rfft(a, n, axis, SWAPPED[norm]))


# -- several axes: one after the other -----------------------------------------------------------------------


def lengths_and_axes(a: Array, s: Any, axes: Any) -> tuple[list[int | None], list[int]]:
    """Return along which axes to transform, and to which lengths; None: as it is."""
    if axes is None:
        axes = range(a.ndim) if s is None else range(a.ndim - len(s), a.ndim)
    axes = [int(i) for i in axes]
    lengths: list[int | None] = (
        [None] * len(axes) if s is None else [None if n is None or n == -1 else int(n) for n in s]
    )
    if len(lengths) != len(axes):
        raise ValueError(f"s={s} has {len(lengths)} lengths for {len(axes)} axes")
    return lengths, axes


def along(f: Callable[..., Array], a: Array, lengths: Sequence[int | None], axes: Sequence[int], norm: Any) -> Array:
    """Return a transformed along axes, the last first, as NumPy does it."""
    for n, axis in reversed(list(zip(lengths, axes, strict=True))):
        a = f(a, n, axis, norm)
    return a


@composite(fft.fftn)
def _fftn(a: Array, s: Any = None, axes: Any = None, norm: Any = None) -> Array:
    return along(fft.fft, a, *lengths_and_axes(a, s, axes), norm)


@composite(fft.ifftn)
def _ifftn(a: Array, s: Any = None, axes: Any = None, norm: Any = None) -> Array:
    return along(fft.ifft, a, *lengths_and_axes(a, s, axes), norm)


@composite(fft.rfftn)
def _rfftn(a: Array, s: Any = None, axes: Any = None, norm: Any = None) -> Array:
    lengths, axes = lengths_and_axes(a, s, axes)
    a = fft.rfft(a, lengths[-1], axes[-1], norm)
    for n, axis in zip(lengths[:-1], axes[:-1], strict=True):
        a = fft.fft(a, n, axis, norm)
    return a


@composite(fft.irfftn)
def _irfftn(a: Array, s: Any = None, axes: Any = None, norm: Any = None) -> Array:
    lengths, axes = lengths_and_axes(a, s, axes)
    for n, axis in zip(lengths[:-1], axes[:-1], strict=True):
        a = fft.ifft(a, n, axis, norm)
    return fft.irfft(a, lengths[-1], axes[-1], norm)


@composite(fft.fft2)
def _fft2(a: Array, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Array:
    return _fftn(a, s, axes, norm)


@composite(fft.ifft2)
def _ifft2(a: Array, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Array:
    return _ifftn(a, s, axes, norm)


@composite(fft.rfft2)
def _rfft2(a: Array, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Array:
    return _rfftn(a, s, axes, norm)


@composite(fft.irfft2)
def _irfft2(a: Array, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Array:
    return _irfftn(a, s, axes, norm)


# -- the zero frequency in the middle ------------------------------------------------------------------------


def shifted(x: Array, axes: Any, middle: Callable[[int], int]) -> Array:
    """Return x rolled along axes by what `middle` makes of their lengths."""
    axes = tuple(range(x.ndim)) if axes is None else (axes,) if np.ndim(axes) == 0 else tuple(axes)
    return np.roll(x, tuple(middle(x.shape[i]) for i in axes), axes)


@composite(fft.fftshift)
def _fftshift(x: Array, axes: Any = None) -> Array:
    return shifted(x, axes, lambda n: n // 2)


@composite(fft.ifftshift)
def _ifftshift(x: Array, axes: Any = None) -> Array:
    return shifted(x, axes, lambda n: -(n // 2))
