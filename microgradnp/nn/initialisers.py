"""Random initial values of weights.

Every initialiser is a function ``(shape, rng)``. The random numbers come from a `numpy.random.Generator`, or from a
`numpy.random.RandomState` where a document's stream is to be replayed: each initialiser makes exactly one call, named in
its docstring, so that what is drawn is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
Random = np.random.Generator | np.random.RandomState
Initialiser = Callable[[tuple[int, ...], Random], Array]


def generator(rng: Any = None) -> Random:
    """Return a source of random numbers.

    Parameters
    ----------
    rng : Generator, RandomState, int or None
        A source, which is returned itself; the seed of a new Generator; or None for a Generator that differs each time.

    Returns
    -------
    Generator or RandomState

    Raises
    ------
    TypeError
        If `rng` is something else.

    Examples
    --------
    >>> generator(0).integers(10, size=3)
    array([8, 6, 5])
    """
    if isinstance(rng, Random):
        return rng
    if rng is None or (isinstance(rng, int | np.integer) and not isinstance(rng, bool)):
        return np.random.default_rng(rng)
    raise TypeError(
        f"rng={rng!r} is no source of random numbers: pass a numpy.random.Generator, a RandomState, or an int as seed"
    )


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many inputs each output has, and how many outputs each input.

    Parameters
    ----------
    shape : tuple of int
        (inputs, outputs) of a matrix that rows are multiplied by, or (outputs, inputs, height, width) of a kernel.

    Returns
    -------
    fan_in, fan_out : int

    Raises
    ------
    ValueError
        For fewer than two axes.

    Examples
    --------
    >>> fans((784, 10)), fans((16, 3, 5, 5))
    ((784, 10), (75, 400))
    """
    if len(shape) < 2:
        raise ValueError(
            f"a shape of {tuple(shape)} has no fan-in and fan-out: it needs two axes or more; for a bias use zeros, "
            "uniform or normal"
        )
    if len(shape) == 2:
        return shape[0], shape[1]
    field = int(np.prod(shape[2:]))
    return shape[1] * field, shape[0] * field


def fan(shape: tuple[int, ...], mode: str) -> int:
    """Return one of the two `fans`: "fan_in" keeps the scale of what goes forward, "fan_out" that of the gradients.

    Examples
    --------
    >>> fan((784, 10), "fan_out")
    10
    """
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f'mode={mode!r} is not known; choose "fan_in" or "fan_out"')
    return fans(shape)[mode == "fan_out"]


def zeros(shape: tuple[int, ...], rng: Any = None) -> Array:
    """Zeros: nothing is drawn.

    Examples
    --------
    >>> zeros((2,))
    array([0., 0.])
    """
    return np.zeros(shape)


def ones(shape: tuple[int, ...], rng: Any = None) -> Array:
    """Ones: nothing is drawn.

    Examples
    --------
    >>> ones((2,))
    array([1., 1.])
    """
    return np.ones(shape)


def constant(value: float) -> Initialiser:
    """Return the initialiser that fills with one value: nothing is drawn.

    Examples
    --------
    >>> constant(0.5)((2,), None)
    array([0.5, 0.5])
    """

    def filled(shape: tuple[int, ...], rng: Any = None) -> Array:
        return np.full(shape, float(value))

    return filled


def uniform(shape: tuple[int, ...], rng: Any = None, low: float = -1.0, high: float = 1.0) -> Array:
    """Uniform between `low` and `high`, by ``rng.uniform(low, high, shape)``.

    Examples
    --------
    >>> uniform((2,), np.random.RandomState(1))
    array([-0.16595599,  0.44064899])
    """
    return generator(rng).uniform(low, high, shape)


def normal(shape: tuple[int, ...], rng: Any = None, mean: float = 0.0, std: float = 1.0) -> Array:
    """Normal, by ``rng.normal(mean, std, shape)``.

    Examples
    --------
    >>> normal((2,), np.random.RandomState(1), std=0.1)
    array([ 0.16243454, -0.06117564])
    """
    return generator(rng).normal(mean, std, shape)


def glorot_uniform(shape: tuple[int, ...], rng: Any = None, gain: float = 1.0) -> Array:
    """Uniform within ``gain sqrt(6 / (fan_in + fan_out))``, by ``rng.uniform(-limit, limit, shape)``.

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> bool(np.max(np.abs(glorot_uniform((30, 20), 0))) < (6 / 50) ** 0.5)
    True
    """
    return _uniform(shape, rng, gain * np.sqrt(2 / sum(fans(shape))))


def glorot_normal(shape: tuple[int, ...], rng: Any = None, gain: float = 1.0) -> Array:
    """Normal of standard deviation ``gain sqrt(2 / (fan_in + fan_out))``, by ``rng.normal(0, std, shape)``.

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.

    Examples
    --------
    >>> print(round(np.std(glorot_normal((300, 200), 0)), 3))
    0.063
    """
    return normal(shape, rng, 0.0, gain * np.sqrt(2 / sum(fans(shape))))


def he_uniform(shape: tuple[int, ...], rng: Any = None, mode: str = "fan_in") -> Array:
    """Uniform within ``sqrt(6 / fan_in)`` (or `fan_out`: `mode`), for relu, by ``rng.uniform(-limit, limit, shape)``.

    References
    ----------
    He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015.

    Examples
    --------
    >>> bool(np.max(np.abs(he_uniform((24, 20), 0))) < 0.5)
    True
    """
    return _uniform(shape, rng, np.sqrt(2 / fan(shape, mode)))


def he_normal(shape: tuple[int, ...], rng: Any = None, mode: str = "fan_in") -> Array:
    """Normal of standard deviation ``sqrt(2 / fan_in)`` (or `fan_out`: `mode`), for relu, by ``rng.normal(0, std, shape)``.

    References
    ----------
    He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015.

    Examples
    --------
    >>> print(round(np.std(he_normal((200, 300), 0)), 2))
    0.1
    """
    return normal(shape, rng, 0.0, np.sqrt(2 / fan(shape, mode)))


def lecun_uniform(shape: tuple[int, ...], rng: Any = None) -> Array:
    """Uniform within ``sqrt(3 / fan_in)``, by ``rng.uniform(-limit, limit, shape)``.

    References
    ----------
    LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998.

    Examples
    --------
    >>> bool(np.max(np.abs(lecun_uniform((12, 20), 0))) < 0.5)
    True
    """
    return _uniform(shape, rng, np.sqrt(1 / fans(shape)[0]))


def lecun_normal(shape: tuple[int, ...], rng: Any = None) -> Array:
    """Normal of standard deviation ``sqrt(1 / fan_in)``, by ``rng.normal(0, std, shape)``.

    References
    ----------
    LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998.

    Examples
    --------
    >>> print(round(np.std(lecun_normal((100, 300), 0)), 2))
    0.1
    """
    return normal(shape, rng, 0.0, np.sqrt(1 / fans(shape)[0]))


def orthogonal(shape: tuple[int, ...], rng: Any = None, gain: float = 1.0) -> Array:
    """Orthonormal rows or columns (whichever are fewer) times `gain`, uniformly distributed, by ``rng.normal(0, 1, ...)``.

    The axes after the first are taken together as columns. What is drawn is a matrix of as many rows as the longer side.

    References
    ----------
    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
    ICLR 2014. Mezzadri, "How to generate random matrices from the classical compact groups", 2007.

    Examples
    --------
    >>> q = orthogonal((3, 2), 0)
    >>> bool(np.allclose(q.T @ q, np.eye(2)))
    True
    """
    fans(shape)  # refuses what has fewer than two axes
    rows, columns = shape[0], int(np.prod(shape[1:]))
    q, r = np.linalg.qr(generator(rng).normal(0.0, 1.0, (max(rows, columns), min(rows, columns))))
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)  # without it QR's own choice of signs would not be uniform
    return gain * (q if rows >= columns else q.T).reshape(shape)


def _uniform(shape: tuple[int, ...], rng: Any, std: float) -> Array:
    """Return uniform numbers of this standard deviation."""
    limit = float(np.sqrt(3) * std)
    return uniform(shape, rng, -limit, limit)


xavier_uniform, xavier_normal = glorot_uniform, glorot_normal
kaiming_uniform, kaiming_normal = he_uniform, he_normal


def initial(init: Any, shape: tuple[int, ...], rng: Any, dtype: Any) -> Array:
    """Return initial values: those of an initialiser, or an array that is given.

    Parameters
    ----------
    init : callable, float or array_like
        ``init(shape, rng)``, one number for all, or the values themselves.
    shape : tuple of int
    rng : Generator, RandomState, int or None
    dtype : dtype

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        If the values have another shape.

    Examples
    --------
    >>> initial(normal, (2, 3), 0, np.float32).shape
    (2, 3)
    """
    if isinstance(init, str):
        raise TypeError(f"init={init!r}: pass the function itself, e.g. init=nn.initialisers.he_normal")
    for n in shape:
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
            raise (ValueError if isinstance(n, int | np.integer) else TypeError)(
                f"sizes of layers must be whole numbers, but here are parameters of shape {shape}"
            )
    values = np.asarray(init(shape, generator(rng)) if callable(init) else init)
    if values.ndim == 0:
        values = np.full(shape, values)
    if values.shape != shape:
        raise ValueError(
            f"the initial values have shape {values.shape}, wanted is {shape}"
            + ("" if values.shape != shape[::-1] else ": transpose them (weights have shape (inputs, outputs) here)")
        )
    return values.astype(dtype)
