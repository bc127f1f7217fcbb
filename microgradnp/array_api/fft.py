"""The standard's extension for Fourier transforms: NumPy's, with its signatures."""

from typing import Any as _Any

import numpy as _np

from microgradnp.array_api.dtypes import check_device as _check_device
from microgradnp.array_api.wrapping import entered as _entered
from microgradnp.array_api.wrapping import wrapped as _wrapped

_ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
_MANY = ("fftn", "ifftn", "rfftn", "irfftn")
_LINES = [f'{name}(x, /, *, n=None, axis=-1, norm="backward")' for name in _ONE]
_LINES += [f'{name}(x, /, *, s=None, axes=None, norm="backward")' for name in _MANY]
_LINES += [f"{name}(x, /, *, axes=None)" for name in ("fftshift", "ifftshift")]


def fftfreq(n: int, /, *, d: float = 1.0, dtype: _Any = None, device: _Any = None) -> _Any:
    """Return the frequencies of `fft` of n samples that are d apart."""
    _check_device(device)
    return _wrapped(_np.fft.fftfreq(n, d).astype(dtype or _np.float64))


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: _Any = None, device: _Any = None) -> _Any:
    """Return the frequencies of `rfft` of n samples that are d apart."""
    _check_device(device)
    return _wrapped(_np.fft.rfftfreq(n, d).astype(dtype or _np.float64))


_found = _entered("\n".join(_LINES), _np.fft, (fftfreq, rfftfreq))
globals().update(_found)
__all__ = sorted(_found)
