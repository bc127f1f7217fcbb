"""Every case that JAX knows by the same name agrees with it: value, vjp, jvp and hvp, to rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np
import pytest

from tests.factories import Array
from tests.primitives.agreement import (
    SYMMETRIC,
    Computed,
    Convention,
    Many,
    attempted,
    comparable,
    compare,
    compare_functions,
    counterpart_in,
)
from tests.primitives.cases import Case
from tests.primitives.test_complex import HOLOMORPHIC, TO_REAL, Z

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402
from jax.scipy import special  # noqa: E402

UNIQUE = [f for name, f in vars(np).items() if name.startswith("unique")]
CONVENTIONS = (
    *SYMMETRIC,
    Convention(
        (np.max, np.min),
        "the gradient of no elements and a bound is nan",
        lambda c: 0 in c.inputs[0].shape and "initial" in c.params,
    ),
    Convention((*UNIQUE, np.union1d, np.setdiff1d), "unique numbers have no gradient; with us, the one of sort"),
)


class Jax:
    """How JAX computes what is compared."""

    name = "JAX"
    conventions = CONVENTIONS
    namespaces = ((np, jnp), (np.linalg, jnp.linalg), (np.fft, jnp.fft))

    def counterpart(self, function: Any) -> Any:
        return counterpart_in(function, self.namespaces, (jax.nn, jax.lax, special))

    def compute(self, f: Many, xs: list[Array], ws: list[Array], vs: list[Array], kinds: Sequence[str]) -> Computed:
        def projected(*xs: Any) -> Any:
            return sum((jnp.sum(jnp.real(w * y)) for w, y in zip(ws, f(*xs), strict=True)), 0.0)

        computations: dict[str, Callable[..., Any]] = {
            "value": f,
            "vjp": lambda *xs: jax.vjp(f, *xs)[1](list(map(jnp.asarray, ws))),
            "jvp": lambda *xs: jax.jvp(f, xs, tuple(vs))[1],
            "hvp": lambda *xs: jax.jvp(jax.grad(projected, tuple(range(len(xs)))), xs, tuple(vs))[1],
        }
        computations = {kind: computations[kind] for kind in kinds}
        arrays = [jnp.asarray(x) for x in xs]

        def all_of_them(*xs: Any) -> Any:
            return {kind: compute(*xs) for kind, compute in computations.items()}

        try:  # one program for all, which is compiled four times as fast as each by itself
            return {kind: [np.asarray(y) for y in ys] for kind, ys in jax.jit(all_of_them)(*arrays).items()}
        except Exception:  # what has no derivative, or a shape that depends on data
            return attempted({kind: partial(compute, *arrays) for kind, compute in computations.items()})


@pytest.fixture(autouse=True)
def double() -> Iterator[None]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize("case", comparable(Jax()))
def test_agrees_with_jax(case: Case, record_property: Any) -> None:
    record_property("compared", compare(Jax(), case))


# -- complex numbers: both pull back without conjugating -----------------------------------------------------


def named(f: Any, numpy: Any) -> Any:
    """Return a function of the lists of test_complex.py with another namespace in the place of NumPy's."""
    if isinstance(f, FunctionType) and f.__module__ == HOLOMORPHIC_LAMBDA.__module__:
        return FunctionType(f.__code__, {**f.__globals__, "np": numpy}, f.__name__, f.__defaults__, f.__closure__)
    return Jax().counterpart(f)


HOLOMORPHIC_LAMBDA = next(f for f in HOLOMORPHIC if isinstance(f, FunctionType) and f.__name__ == "<lambda>")
COMPLEX = {**{f"{i} {getattr(f, '__name__', '')}": f for i, f in enumerate(HOLOMORPHIC)}, **TO_REAL}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_convention_is_that_of_jax(name: str) -> None:
    """Cotangents, tangents and Hessian products of complex arguments, of holomorphic functions and of those to reals."""
    f, g = COMPLEX[name], named(COMPLEX[name], jnp)
    if g is None or f in UNIQUE:
        pytest.skip("JAX has no such function, or no gradient of it")
    compare_functions(Jax(), lambda z: [f(z)], lambda z: [g(z)], [Z])
