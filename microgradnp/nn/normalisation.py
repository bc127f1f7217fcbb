"""Batch and layer normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np

from microgradnp.nn import functional
from microgradnp.nn.checks import as_array, values_of
from microgradnp.nn.module import Module, parameter
from microgradnp.tensor import Tensor, tensor


class BatchNorm(Module):
    """Standardise each channel: while training over the batch, afterwards by running statistics.

    Each forward pass while training moves the running mean and variance by ``momentum`` towards those of the batch (the
    variance with Bessel's correction).
    """

    #: The numbers of axes that what comes in may have.
    axes: tuple[int, ...] = ()

    def __init__(
        self, channels: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True, *, dtype: Any = np.float64
    ) -> None:
        if not isinstance(momentum, int | float | np.number):
            raise TypeError(f"momentum={momentum!r} must be a number from 0 to 1: the weight of the newest batch")
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum={momentum} must be between 0 and 1: the weight of the newest batch")
        self.channels, self.eps, self.momentum = channels, eps, momentum
        self.weight = parameter(np.ones(channels, dtype)) if affine else None
        self.bias = parameter(np.zeros(channels, dtype)) if affine else None
        self.running_mean = tensor(np.zeros(channels, dtype))
        self.running_var = tensor(np.ones(channels, dtype))

    def forward(self, x: Any) -> Any:
        """Return x standardised, scaled and shifted."""
        x = as_array(x)
        if x.ndim not in self.axes or x.shape[1] != self.channels:
            wanted = " or ".join("(n, channels" + ", ..." * (n > 2) + f") with {n} axes" for n in self.axes)
            raise ValueError(f"{self.label()} wants x of shape {wanted} and {self.channels} channels, not {x.shape}")
        if not self.training:
            mean, var = (values_of(r).astype(x.dtype) for r in (self.running_mean, self.running_var))
            return functional.batch_norm(x, self.weight, self.bias, self.eps, mean=mean, var=var)
        y = functional.batch_norm(x, self.weight, self.bias, self.eps)
        self.remember(values_of(x))
        return y

    def remember(self, x: Any) -> None:
        """Move the running statistics towards those of a batch."""
        axes = (0, *range(2, x.ndim))
        n = x.size // self.channels
        for running, batch in (
            (self.running_mean, x.mean(axis=axes)),
            (self.running_var, x.var(axis=axes) * (n / (n - 1))),
        ):
            if isinstance(running, Tensor):  # not inside functional_call, where others' values stand in its place
                running.assign((1 - self.momentum) * running.data + self.momentum * batch)

    def settings(self) -> str:
        """Return the number of channels."""
        return f"{self.channels}"


class BatchNorm1d(BatchNorm):
    """Standardise each feature over the samples: while training of the batch, afterwards by running statistics.

    Parameters
    ----------
    channels : int
    eps : float
        Added to the variance.
    momentum : float
        How far each batch moves the running statistics, from 0 to 1.
    affine : bool
        Whether the result is scaled and shifted by parameters.
    dtype : dtype

    Attributes
    ----------
    weight, bias : Tensor or None, shape (channels,)
    running_mean, running_var : Tensor, shape (channels,)
        Buffers: saved with the parameters, not trained.

    References
    ----------
    Ioffe and Szegedy, "Batch normalization", ICML 2015.

    Examples
    --------
    >>> layer = BatchNorm1d(1, eps=0.0)
    >>> layer(np.array([[1.0], [3.0]])).data
    array([[-1.],
           [ 1.]])
    >>> layer.running_mean, layer.running_var
    (Tensor([0.2]), Tensor([1.1]))
    """

    axes = (2, 3)


class BatchNorm2d(BatchNorm):
    """Standardise each channel over samples and places: see `BatchNorm1d`.

    Examples
    --------
    >>> BatchNorm2d(3)(np.random.default_rng(0).normal(size=(5, 3, 4, 4))).shape
    (5, 3, 4, 4)
    """

    axes = (4,)


class LayerNorm(Module):
    """Standardise each sample over its last axes, then scale and shift.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        Lengths of the last axes.
    eps : float
        Added to the variance.
    affine : bool
        Whether the result is scaled and shifted by parameters.
    dtype : dtype

    Attributes
    ----------
    weight, bias : Tensor or None, of that shape

    References
    ----------
    Ba, Kiros and Hinton, "Layer normalization", 2016.

    Examples
    --------
    >>> LayerNorm(2, eps=0.0)(np.array([[1.0, 3.0]])).data
    array([[-1.,  1.]])
    """

    def __init__(
        self, normalized_shape: Any, eps: float = 1e-5, affine: bool = True, *, dtype: Any = np.float64
    ) -> None:
        shape = (normalized_shape,) if isinstance(normalized_shape, int | np.integer) else tuple(normalized_shape)
        self.normalized_shape, self.eps = shape, eps
        self.weight = parameter(np.ones(shape, dtype)) if affine else None
        self.bias = parameter(np.zeros(shape, dtype)) if affine else None

    def forward(self, x: Any) -> Any:
        """Return x of shape (..., *normalized_shape) standardised, scaled and shifted."""
        return functional.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def settings(self) -> str:
        """Return the shape."""
        return ", ".join(map(str, self.normalized_shape))
