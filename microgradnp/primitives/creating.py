"""Arrays made of a few numbers that may be differentiated: linspace and its kind, and conversions."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.primitives.joining import same_type
from microgradnp.primitives.primitive import Array, composite


def _spread(start: Array, stop: Array, num: int, endpoint: bool) -> tuple[Array, Array]:
    """Return equally spaced values from start to stop, along a new first axis, and the step between them."""
    if num < 0:
        raise ValueError(f"num={num} must not be negative")
    gaps = num - 1 if endpoint else num
    delta = stop - start
    shape = tuple(delta.shape)
    steps = np.reshape(np.arange(num).astype(delta.dtype), (-1,) + (1,) * len(shape))
    if gaps <= 0:
        return start + steps * delta, np.nan * delta
    step = delta / gaps
    y = start + steps * step
    if endpoint and num > 1:  # exactly, whatever rounding says
        y = np.concatenate([y[:-1], np.reshape(np.broadcast_to(stop + 0 * start, shape), (1, *shape))])
    return y, step


def _finished(y: Array, axis: int, dtype: Any) -> Array:
    y = np.moveaxis(y, 0, axis) if axis not in (0, -y.ndim) else y
    return y if dtype is None else y.astype(dtype)


@composite(np.linspace)
def _linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    start, stop, _ = same_type(start, stop, 0.0)
    y, step = _spread(start, stop, num, endpoint)
    y = _finished(y, axis, dtype)
    return (y, step) if retstep else y


@composite(np.logspace)
def _logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, dtype: Any = None, axis: int = 0
) -> Array:
    start, stop, base, _ = same_type(start, stop, base, 0.0)
    shape = np.broadcast_shapes(start.shape, stop.shape, base.shape) if base.ndim else None
    if shape is not None:
        start, stop = np.broadcast_to(start, shape), np.broadcast_to(stop, shape)
    y, _ = _spread(start, stop, num, endpoint)
    return _finished(np.power(base, y), axis, dtype)


@composite(np.geomspace)
def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Array:
    start, stop, _ = same_type(start, stop, np.float64(0))  # which never is less than float64
    if np.any(start == 0) or np.any(stop == 0):
        raise ValueError("a geometric sequence has no 0")
    if "c" in (start.dtype.kind, stop.dtype.kind):
        raise NotImplementedError(
            "np.geomspace between complex numbers has no derivative rule: write start * (stop / start) ** np.linspace(0, 1, n)"
        )
    if np.any(np.sign(start) != np.sign(stop)):
        raise ValueError("a geometric sequence of real numbers does not change its sign")
    sign = np.sign(start)
    first, last = np.log10(np.abs(start)), np.log10(np.abs(stop))
    y = np.power(10.0, _spread(first, last, num, endpoint)[0])
    inner = y[1:-1] if endpoint else y[1:]  # the ends exactly
    shape = (1, *y.shape[1:])
    parts = [np.reshape(np.broadcast_to(np.abs(start), shape[1:]), shape)] if num else []
    parts += [inner] + ([np.reshape(np.broadcast_to(np.abs(stop), shape[1:]), shape)] if endpoint and num > 1 else [])
    return _finished(sign * np.concatenate(parts) if num else y, axis, dtype)


if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
    composite(np.astype)(lambda x, dtype, /, *, copy=True, device=None: x.astype(dtype))
else:
    composite(np.astype)(lambda x, dtype, /, *, copy=True: x.astype(dtype))
