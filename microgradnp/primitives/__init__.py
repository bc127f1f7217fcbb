"""The table of derivatives: one entry per operation holds everything known about it."""

from microgradnp.primitives import (
    convolution,
    elementwise,
    fourier,
    linalg,
    matrix,
    network,
    normal,
    reductions,
    shapes,
)
from microgradnp.primitives.primitive import (
    COMPOSITES,
    TABLE,
    Constant,
    Elementwise,
    Primitive,
    Structural,
    Variadic,
)

__all__ = [
    "COMPOSITES",
    "TABLE",
    "Constant",
    "Elementwise",
    "Primitive",
    "Structural",
    "Variadic",
    "convolution",
    "elementwise",
    "fourier",
    "linalg",
    "matrix",
    "network",
    "normal",
    "reductions",
    "shapes",
]
