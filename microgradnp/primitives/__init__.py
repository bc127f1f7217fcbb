"""The table of derivatives: one entry per operation holds everything known about it."""

from microgradnp.primitives import (
    convolution,
    cumulative,
    elementwise,
    fourier,
    linalg,
    masked,
    matrix,
    network,
    normal,
    reductions,
    shapes,
)
from microgradnp.primitives.primitive import (
    COMPOSITES,
    TABLE,
    WIDER,
    Constant,
    Elementwise,
    Primitive,
    Structural,
    Variadic,
)

__all__ = [
    "COMPOSITES",
    "TABLE",
    "WIDER",
    "Constant",
    "Elementwise",
    "Primitive",
    "Structural",
    "Variadic",
    "convolution",
    "cumulative",
    "elementwise",
    "fourier",
    "linalg",
    "masked",
    "matrix",
    "network",
    "normal",
    "reductions",
    "shapes",
]
