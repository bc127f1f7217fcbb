"""A call of a function of the table, as one line of a list: what the tests of this room put through."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgradnp import explain
from microgradnp.primitives import COMPOSITES, TABLE, WIDER, Elementwise
from tests.factories import Array, Input

#: Programs whose result is no array of floating point numbers.
VALUES = (np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj)


def filled(x: Any, values: Iterator[Array]) -> Any:
    """Return nested arguments with values in place of their inputs."""
    if isinstance(x, Input):
        return next(values)
    if isinstance(x, dict):
        return {key: filled(item, values) for key, item in x.items()}
    return type(x)(filled(item, values) for item in x) if isinstance(x, tuple | list) else x


def inputs_in(x: Any) -> list[Input]:
    """Return the inputs in nested arguments, in the order in which `filled` fills them."""
    if isinstance(x, Input):
        return [x]
    items = x.values() if isinstance(x, dict) else x if isinstance(x, tuple | list) else ()
    return [found for item in items for found in inputs_in(item)]


@dataclass(frozen=True, eq=False)
class Case:
    """A call of a function: its operands, its other arguments, and what it should compute on arrays."""

    function: Any
    args: tuple[Any, ...]
    params: dict[str, Any]
    reference: Callable[..., Any] | None
    first: int | None = None  # of the results, so many are arrays that have a derivative

    def __call__(self, *values: Any) -> Any:
        return self.called(self.function, values)

    def expected(self, *values: Array) -> Any:
        return self.called(self.reference or self.function, values)

    def called(self, function: Callable[..., Any], values: Any) -> Any:
        rest = iter(values)
        args = filled(self.args, rest)
        result = function(*args, **filled(self.params, rest))
        if self.first is not None:
            return tuple(result[: self.first])
        complex_ = getattr(result, "dtype", None) is not None and result.dtype.kind == "c"
        return np.stack([np.real(result), np.imag(result)]) if complex_ else result  # two real functions

    @property
    def inputs(self) -> list[Input]:
        return inputs_in((self.args, self.params))

    def rng(self, salt: int = 0) -> np.random.Generator:
        return np.random.default_rng([zlib.crc32(repr(self).encode()), salt])

    def values(self, dtype: Any = np.float64, salt: int = 0) -> list[Array]:
        """Return the operands: the same at every call."""
        rng = self.rng(salt)
        return [draw(rng, dtype) for draw in self.inputs]

    def directions(self) -> list[Array]:
        """Return random directions for the operands, no component larger than 1."""
        rng = self.rng(1)
        return [rng.uniform(-1, 1, draw.shape)[()] for draw in self.inputs]

    @property
    def entry(self) -> Any:
        """The primitive, or the program, that this case is about."""
        primitive, program = TABLE.get(self.function), WIDER.get(self.function)
        if primitive is None:
            return COMPOSITES.get(self.function)
        return program if program and explain.exceeds(primitive, self.function, self.args, self.params) else primitive

    @property
    def elementwise(self) -> bool:
        return isinstance(self.entry, Elementwise)

    @property
    def differentiable(self) -> bool:
        primitive = TABLE.get(self.function)
        constant = primitive.constant if primitive is not None else self.function in VALUES
        return not constant and all(x.differentiable for x in self.inputs)

    def __repr__(self) -> str:
        shown = [brief(x) for x in self.args] + [f"{key}={brief(x)}" for key, x in self.params.items()]
        name = getattr(self.function, "name", None) or getattr(self.function, "__name__", str(self.function))
        return f"{name.lstrip('_')}({', '.join(shown)})"


def brief(x: Any) -> str:
    """Return an argument in a few characters, for the name of a test."""
    if isinstance(x, np.ndarray):
        return f"{x.dtype}{x.tolist()}".replace(" ", "")
    if isinstance(x, tuple | list):
        inside = ",".join(map(brief, x))
        return f"({inside})" if isinstance(x, tuple) else f"[{inside}]"
    if isinstance(x, slice):
        return ":".join("" if i is None else str(i) for i in (x.start, x.stop, x.step))
    return "..." if x is Ellipsis else getattr(x, "__name__", repr(x))


def case(
    function: Any, *args: Any, reference: Callable[..., Any] | None = None, first: int | None = None, **params: Any
) -> Case:
    """Return one case: one line of the lists below."""
    return Case(function, args, params, reference, first)
