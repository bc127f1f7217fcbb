"""Convolution, pooling and standardisation: what images need, by matrix products and slices.

Images have shape (n, channels, height, width), kernels (outputs, inputs / groups, height, width). As everywhere in this
field, "convolution" does not flip the kernel: it is a cross-correlation.

A convolution is bilinear. It and its two transposes are derivatives of each other, so that all orders follow from three
entries. The same holds for the pools.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from microgradnp.primitives.primitive import Array, self_adjoint, structural

Pair = tuple[int, int]


def pair(value: Any, name: str, least: int) -> Pair:
    """Return one integer for both axes, or two, as a pair.

    Raises
    ------
    TypeError, ValueError
        If these are no integers of at least `least`.
    """
    two = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(two) != 2 or not all(isinstance(v, int | np.integer) and not isinstance(v, bool) for v in two):
        raise TypeError(f"{name}={value!r} must be an int or two of them, for height and width")
    if min(two) < least:
        raise ValueError(f"{name}={value!r} must be at least {least}")
    return int(two[0]), int(two[1])


def images(x: Array, what: str) -> Array:
    """Return x as an array of floats with four axes, or raise."""
    x = np.asarray(x)
    if x.ndim != 4:
        hint = "; add the axis that is missing: x[None] or x[:, None]" if x.ndim == 3 else ""
        raise ValueError(f"{what} wants images of shape (n, channels, height, width), not {x.shape}{hint}")
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def padded(x: Array, padding: Pair, value: float = 0.0) -> Array:
    """Return images with a border. Faster than np.pad."""
    top, left = padding
    if not top and not left:
        return x
    n, c, h, w = x.shape
    big = np.full((n, c, h + 2 * top, w + 2 * left), value, x.dtype)
    big[:, :, top : top + h, left : left + w] = x
    return big


def extent(n: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Return how many places a kernel has along an axis of length n."""
    return (n + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def extents(what: str, shape: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Pair:
    """Return the height and width of the result, or raise where the kernel is larger than the image."""
    out = tuple(extent(*five) for five in zip(shape, kernel, stride, padding, dilation, strict=True))
    if min(out) < 1:
        raise ValueError(
            f"{what}: a kernel of {kernel[0]} x {kernel[1]}"
            + (f" with dilation {dilation}" if dilation != (1, 1) else "")
            + f" does not fit into an image of {shape[0]} x {shape[1]} with padding {padding}"
        )
    return out[0], out[1]


# -- convolution -------------------------------------------------------------------------------------------------------


def _columns(x: Array, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Array:
    """Return what the kernel sees at each place: (groups, channels / groups * kernel size, places * n).

    All places of all images side by side, so that a convolution is one matrix product for each group. The images are
    the last axis in memory: what is copied at once is a row of all of them, and not a row of one.
    """
    n, c, h, w = x.shape
    (top, left), (kh, kw) = padding, kernel
    big = np.zeros((c, h + 2 * top, w + 2 * left, n), x.dtype)
    big[:, top : top + h, left : left + w] = x.transpose(1, 2, 3, 0)
    height, width = (extent(*five) for five in zip((h, w), kernel, stride, padding, dilation, strict=True))
    channel, down, across, image = big.strides
    windows = np.ndarray(  # what sliding_window_view and slices would be, for a quarter of their time
        (c, kh, kw, height, width, n),
        x.dtype,
        big,
        strides=(channel, dilation[0] * down, dilation[1] * across, stride[0] * down, stride[1] * across, image),
    )
    return windows.reshape(groups, c // groups * kh * kw, -1)


#: So many bytes of columns at once stay in the cache, and in memory that is used again: that is what costs.
BATCH = 2**20


def _batches(y: Array, w: Array, groups: int) -> Iterator[slice]:
    """Yield slices of images, for results y of a convolution with the kernel w, whose columns are not too large."""
    places = y.shape[2] * y.shape[3] * w.dtype.itemsize
    columns = places * groups * w.shape[1] * w.shape[2] * w.shape[3]
    size = max(1, BATCH // max(columns, 1))
    return (slice(start, start + size) for start in range(0, y.shape[0], size))


def _rows(g: Array, groups: int) -> Array:
    """Return images of the output as (groups, outputs / groups, places * n)."""
    return g.transpose(1, 2, 3, 0).reshape(groups, g.shape[1] // groups, -1)


def _checked(
    x_shape: tuple[int, ...], w_shape: tuple[int, ...], stride: Any, padding: Any, dilation: Any, groups: Any
) -> tuple[Pair, Pair, Pair, Pair]:
    """Return stride, padding, dilation and the extents of the result, or raise where something does not fit."""
    stride, padding = pair(stride, "stride", 1), pair(padding, "padding", 0)
    dilation = pair(dilation, "dilation", 1)
    if len(w_shape) != 4:
        raise ValueError(f"conv2d wants a kernel of shape (outputs, inputs / groups, height, width), not {w_shape}")
    if not isinstance(groups, int | np.integer) or groups < 1 or x_shape[1] % groups or w_shape[0] % groups:
        raise ValueError(
            f"conv2d: groups={groups!r} must divide the {x_shape[1]} channels of the images and the {w_shape[0]} "
            "outputs of the kernel"
        )
    if w_shape[1] * groups != x_shape[1]:
        raise ValueError(
            f"conv2d: images of shape {x_shape} have {x_shape[1]} channels, a kernel of shape {w_shape} with "
            f"groups={groups} takes {w_shape[1] * groups}"
        )
    return (
        stride,
        padding,
        dilation,
        extents("conv2d", (x_shape[2], x_shape[3]), (w_shape[2], w_shape[3]), stride, padding, dilation),
    )


def _conv2d(x: Array, w: Array, *, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Array:
    """Cross-correlation of images with a kernel.

    Parameters
    ----------
    x : Tensor or ndarray, shape (n, inputs, height, width)
    w : Tensor or ndarray, shape (outputs, inputs / groups, kernel height, kernel width)
    stride, padding, dilation : int or two ints
        How far the kernel moves; how many zeros border the images; how far apart the kernel's elements are.
    groups : int
        Into how many parts, which do not mix, the channels are divided.

    Returns
    -------
    Tensor or ndarray, shape (n, outputs, places down, places across)

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> conv2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)))
    array([[[[4., 4.],
             [4., 4.]]]])
    """
    x, w = images(x, "conv2d"), np.asarray(w)
    stride, padding, dilation, (height, width) = _checked(x.shape, w.shape, stride, padding, dilation, groups)
    kernel = w.reshape(groups, w.shape[0] // groups, -1)
    y = np.empty((x.shape[0], w.shape[0], height, width), np.result_type(x, w))
    for some in _batches(y, w, groups):
        columns = _columns(x[some], (w.shape[2], w.shape[3]), stride, padding, dilation, groups)
        product = np.matmul(kernel, columns)
        y[some] = product.reshape(w.shape[0], height, width, -1).transpose(3, 0, 1, 2)
    return y


def _conv2d_input(
    g: Array, w: Array, *, shape: tuple[int, ...], stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Array:
    """Transpose of `conv2d` in the images, which have this shape; also called transposed convolution."""
    g, w = images(g, "conv2d_input"), np.asarray(w)
    stride, padding, dilation, (height, width) = _checked(shape, w.shape, stride, padding, dilation, groups)
    _same("conv2d_input", g.shape, (shape[0], w.shape[0], height, width))
    _, c, h, wide = shape
    kh, kw = w.shape[2:]
    kernel = w.reshape(groups, w.shape[0] // groups, -1)
    x = np.empty(shape, np.result_type(g, w))
    for some in _batches(g, w, groups):
        columns = np.matmul(kernel.transpose(0, 2, 1), _rows(g[some], groups)).reshape(c, kh, kw, height, width, -1)
        big = np.zeros((c, h + 2 * padding[0], wide + 2 * padding[1], columns.shape[5]), x.dtype)
        for i, j, down, across in _places((kh, kw), (height, width), stride, dilation):
            big[:, down, across] += columns[:, i, j]
        inner = big[:, padding[0] : padding[0] + h, padding[1] : padding[1] + wide]
        x[some] = inner.transpose(3, 0, 1, 2)
    return x


def _conv2d_kernel(
    x: Array, g: Array, *, shape: tuple[int, ...], stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Array:
    """Transpose of `conv2d` in the kernel, which has this shape."""
    x, g = images(x, "conv2d_kernel"), images(g, "conv2d_kernel")
    stride, padding, dilation, out = _checked(x.shape, shape, stride, padding, dilation, groups)
    _same("conv2d_kernel", g.shape, (x.shape[0], shape[0], *out))
    kernel = np.zeros(shape, np.result_type(x, g))
    for some in _batches(g, kernel, groups):
        columns = _columns(x[some], (shape[2], shape[3]), stride, padding, dilation, groups)
        # this way round, BLAS is up to 1.5 times as fast as with the factors exchanged
        kernel += np.matmul(columns, _rows(g[some], groups).transpose(0, 2, 1)).transpose(0, 2, 1).reshape(shape)
    return kernel


def _same(what: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if shape != wanted:
        raise ValueError(f"{what}: a result of shape {shape} was given, the convolution has one of shape {wanted}")


def _places(kernel: Pair, out: Pair, stride: Pair, dilation: Pair) -> Iterator[tuple[int, int, slice, slice]]:
    """Yield each element (i, j) of a kernel with the rows and columns of the padded images that it meets."""
    for i in range(kernel[0]):
        down = slice(i * dilation[0], i * dilation[0] + stride[0] * (out[0] - 1) + 1, stride[0])
        for j in range(kernel[1]):
            across = slice(j * dilation[1], j * dilation[1] + stride[1] * (out[1] - 1) + 1, stride[1])
            yield i, j, down, across


# the first rule of each names the keywords
conv2d: Any = structural(
    _conv2d,
    (
        lambda g, _y, _x, w, *, stride=1, padding=0, dilation=1, groups=1: conv2d_input(
            g, w, shape=_x.shape, stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
        lambda g, _y, x, _w, **how: conv2d_kernel(x, g, shape=_w.shape, **how),
    ),
    (
        lambda d, _y, _x, w, **how: conv2d(d, w, **how),
        lambda d, _y, x, _w, **how: conv2d(x, d, **how),
    ),
    r"{a} \star {b}",
)
conv2d_input: Any = structural(
    _conv2d_input,
    (
        lambda h, _y, _g, w, *, shape, stride=1, padding=0, dilation=1, groups=1: conv2d(
            h, w, stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
        lambda h, _y, g, _w, *, shape, **how: conv2d_kernel(h, g, shape=_w.shape, **how),
    ),
    (
        lambda d, _y, _g, w, **how: conv2d_input(d, w, **how),
        lambda d, _y, g, _w, **how: conv2d_input(g, d, **how),
    ),
    r"{a} \star^{{\top}} {b}",
)
conv2d_kernel: Any = structural(
    _conv2d_kernel,
    (
        lambda h, _y, _x, g, *, shape, stride=1, padding=0, dilation=1, groups=1: conv2d_input(
            g, h, shape=_x.shape, stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
        lambda h, _y, x, _g, *, shape, **how: conv2d(x, h, **how),
    ),
    (
        lambda d, _y, _x, g, **how: conv2d_kernel(d, g, **how),
        lambda d, _y, x, _g, **how: conv2d_kernel(x, d, **how),
    ),
    r"{a} \star {b}",
)


# -- pooling -----------------------------------------------------------------------------------------------------------


def _window(x: Array, what: str, kernel: Any, stride: Any, padding: Any) -> tuple[Pair, Pair, Pair, Pair]:
    """Return kernel, stride, padding and the extents of the result, or raise where something does not fit."""
    kernel = pair(kernel, "kernel", 1)
    stride = kernel if stride is None else pair(stride, "stride", 1)
    padding = pair(padding, "padding", 0)
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise ValueError(f"{what}: padding={padding} is more than half of the window of {kernel[0]} x {kernel[1]}")
    return kernel, stride, padding, extents(what, (x.shape[2], x.shape[3]), kernel, stride, padding, (1, 1))


def _over_windows(combine: np.ufunc, big: Array, kernel: Pair, stride: Pair, out: Pair) -> Array:
    """Combine the elements of each window of padded images, place by place in the window."""
    y: Array = None
    for _, _, down, across in _places(kernel, out, stride, (1, 1)):
        part = big[:, :, down, across]
        y = part.copy() if y is None else combine(y, part, out=y)
    return y


def _max_pool2d(x: Array, *, kernel: Any, stride: Any = None, padding: Any = 0) -> Array:
    """Largest element of each window. Where several tie, they share the gradient equally.

    Parameters
    ----------
    x : Tensor or ndarray, shape (n, channels, height, width)
    kernel : int or two ints
        Height and width of the window.
    stride : int or two ints, optional
        How far the window moves; by default its own size.
    padding : int or two ints
        How wide a border is added, which no maximum comes from; at most half the window.

    Returns
    -------
    Tensor or ndarray, shape (n, channels, places down, places across)

    Examples
    --------
    >>> import numpy as np
    >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), kernel=2)
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """
    x = images(x, "max_pool2d")
    kernel, stride, padding, out = _window(x, "max_pool2d", kernel, stride, padding)
    return _over_windows(np.maximum, padded(x, padding, -np.inf), kernel, stride, out)


def _winners(x: Array, y: Array, kernel: Pair, stride: Pair, padding: Pair, out: Pair) -> Iterator[tuple[Any, Array]]:
    """Yield, for each element of the window, its places in the padded images, and where it is the largest."""
    big = padded(x, padding, -np.inf)
    for _, _, down, across in _places(kernel, out, stride, (1, 1)):
        places = (slice(None), slice(None), down, across)
        yield places, big[places] == y


def _ties(won: Sequence[tuple[Any, Array]], y: Array) -> Array:
    """Return how many elements of each window are its largest; 0 where it holds nan, so that shares of it are nan."""
    count = np.zeros(y.shape, np.min_scalar_type(len(won)))  # counting in floats takes twice as long
    for _, here in won:
        count += here
    return count.astype(y.dtype)


def _max_pool2d_back(g: Array, x: Array, *, kernel: Any, stride: Any = None, padding: Any = 0) -> Array:
    """Transpose of the derivative of `max_pool2d` at x: what is in g goes back to the largest elements."""
    g, x = np.asarray(g), images(x, "max_pool2d")
    y = _max_pool2d(x, kernel=kernel, stride=stride, padding=padding)
    kernel, stride, padding, out = _window(x, "max_pool2d", kernel, stride, padding)
    won = list(_winners(x, y, kernel, stride, padding, out))
    apart = stride[0] >= kernel[0] and stride[1] >= kernel[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = g / _ties(won, y)
        back = np.zeros((*x.shape[:2], x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1]), share.dtype)
        for places, here in won:
            if apart:  # each element is in one window at most
                np.multiply(share, here, out=back[places])
            else:
                back[places] += share * here
    return np.ascontiguousarray(back[:, :, padding[0] : padding[0] + x.shape[2], padding[1] : padding[1] + x.shape[3]])


def _max_pool2d_along(d: Array, x: Array, *, kernel: Any, stride: Any = None, padding: Any = 0) -> Array:
    """Derivative of `max_pool2d` at x in the direction d: the mean of d over the largest elements."""
    d, x = np.asarray(d), images(x, "max_pool2d")
    y = _max_pool2d(x, kernel=kernel, stride=stride, padding=padding)
    kernel, stride, padding, out = _window(x, "max_pool2d", kernel, stride, padding)
    won = list(_winners(x, y, kernel, stride, padding, out))
    big = padded(d, padding)
    total = np.zeros(y.shape, d.dtype)
    for places, here in won:
        total += big[places] * here
    with np.errstate(divide="ignore", invalid="ignore"):
        return total / _ties(won, y)


max_pool2d: Any = structural(
    _max_pool2d,
    lambda g, _y, x, *, kernel, stride=None, padding=0: max_pool2d_back(
        g, x, kernel=kernel, stride=stride, padding=padding
    ),
    lambda d, _y, x, **how: max_pool2d_along(d, x, **how),
    r"\operatorname{{maxpool}}({x})",
    smooth=False,
)
# linear in the first operand; in x, which only says where the largest elements are, piecewise constant
max_pool2d_back: Any = structural(
    _max_pool2d_back,
    (
        lambda h, _y, _g, x, *, kernel, stride=None, padding=0: max_pool2d_along(
            h, x, kernel=kernel, stride=stride, padding=padding
        ),
        None,
    ),
    (lambda d, _y, _g, x, **how: max_pool2d_back(d, x, **how), None),
    smooth=False,
)
max_pool2d_along: Any = structural(
    _max_pool2d_along,
    (
        lambda h, _y, _d, x, *, kernel, stride=None, padding=0: max_pool2d_back(
            h, x, kernel=kernel, stride=stride, padding=padding
        ),
        None,
    ),
    (lambda d, _y, _d, x, **how: max_pool2d_along(d, x, **how), None),
    smooth=False,
)


def _avg_pool2d(x: Array, *, kernel: Any, stride: Any = None, padding: Any = 0) -> Array:
    """Mean of each window, the zeros of the border included.

    Parameters
    ----------
    x : Tensor or ndarray, shape (n, channels, height, width)
    kernel : int or two ints
        Height and width of the window.
    stride : int or two ints, optional
        How far the window moves; by default its own size.
    padding : int or two ints
        How wide a border of zeros is added; at most half the window.

    Returns
    -------
    Tensor or ndarray, shape (n, channels, places down, places across)

    Examples
    --------
    >>> import numpy as np
    >>> avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), kernel=2)
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    x = images(x, "avg_pool2d")
    kernel, stride, padding, out = _window(x, "avg_pool2d", kernel, stride, padding)
    return _over_windows(np.add, padded(x, padding), kernel, stride, out) / (kernel[0] * kernel[1])


def _avg_pool2d_back(g: Array, *, shape: tuple[int, ...], kernel: Any, stride: Any = None, padding: Any = 0) -> Array:
    """Transpose of `avg_pool2d` of images of this shape."""
    g = np.asarray(g)
    kernel, stride, padding, out = _window(
        np.broadcast_to(g.dtype.type(0), shape), "avg_pool2d", kernel, stride, padding
    )
    share = g / (kernel[0] * kernel[1])
    back = np.zeros((*shape[:2], shape[2] + 2 * padding[0], shape[3] + 2 * padding[1]), share.dtype)
    for _, _, down, across in _places(kernel, out, stride, (1, 1)):
        back[:, :, down, across] += share
    return np.ascontiguousarray(back[:, :, padding[0] : padding[0] + shape[2], padding[1] : padding[1] + shape[3]])


avg_pool2d: Any = structural(
    _avg_pool2d,
    lambda g, _y, _x, *, kernel, stride=None, padding=0: avg_pool2d_back(
        g, shape=_x.shape, kernel=kernel, stride=stride, padding=padding
    ),
    lambda d, _y, _x, **how: avg_pool2d(d, **how),
    r"\operatorname{{avgpool}}({x})",
)
avg_pool2d_back: Any = structural(
    _avg_pool2d_back,
    lambda h, _y, _g, *, shape, kernel, stride=None, padding=0: avg_pool2d(
        h, kernel=kernel, stride=stride, padding=padding
    ),
    lambda d, _y, _g, **how: avg_pool2d_back(d, **how),
)


# -- standardisation ---------------------------------------------------------------------------------------------------


def _standardize(x: Array, *, axis: Any = -1, eps: float = 1e-5) -> Array:
    """Subtract the mean along axes and divide by ``sqrt(variance + eps)``, the variance without Bessel's correction.

    The core of batch and of layer normalisation. Its Jacobian ``(I - 1 1^T / n - y y^T / n) / sqrt(variance + eps)`` is
    symmetric.

    Parameters
    ----------
    x : Tensor or ndarray
    axis : int or tuple of int
    eps : float
        Keeps the quotient finite where all elements are equal.

    Returns
    -------
    Tensor or ndarray
        Of the shape of `x`.

    References
    ----------
    Ioffe and Szegedy, "Batch normalization", ICML 2015; Ba, Kiros and Hinton, "Layer normalization", 2016.

    Examples
    --------
    >>> import numpy as np
    >>> print(standardize(np.array([1.0, 3.0]), eps=0.0))
    [-1.  1.]
    """
    x = np.asarray(x)
    x = x if x.dtype.kind in "fc" else x.astype(np.float64)
    centred = x - np.mean(x, axis=axis, keepdims=True)
    return centred / np.sqrt(np.mean(centred * centred, axis=axis, keepdims=True) + eps)


def _standardize_rule(g: Array, y: Array, x: Array, *, axis: Any = -1, eps: float = 1e-5) -> Array:
    deviation = np.sqrt(np.var(x, axis=axis, keepdims=True) + eps)
    return (g - np.mean(g, axis=axis, keepdims=True) - y * np.mean(g * y, axis=axis, keepdims=True)) / deviation


standardize: Any = self_adjoint(_standardize, _standardize_rule, r"\operatorname{{standardize}}({x})")
