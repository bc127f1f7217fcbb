"""Every case that PyTorch knows by NumPy's name agrees with it: value, vjp, jvp and hvp, to rounding.

The functions are those of `torch._numpy`, NumPy's names and keywords on PyTorch's tensors (what `torch.compile` runs
NumPy code with), and of `torch.nn.functional` for ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    counterpart_in,
)
from tests.primitives.cases import Case

torch = pytest.importorskip("torch")
tnp = pytest.importorskip("torch._numpy")

CONVENTIONS = (
    *SYMMETRIC,
    Convention((np.cbrt,), "a power of a negative number: its derivative there is nan"),
    Convention((np.ldexp,), "2**n in whole numbers: 0 for a negative n", lambda c: isinstance(c.args[1], np.ndarray)),
    Convention((np.linspace, np.logspace, np.geomspace), "creates constants: its ends have no gradient"),
    Convention(
        (np.concatenate, np.stack),
        "a list of numbers becomes a constant: they have no gradient",
        lambda c: isinstance(c.args[0], list | tuple) and any(type(x) is list for x in c.args[0]),
    ),
    Convention((np.pad,), "the numbers that are padded with have no gradient", lambda c: "constant_values" in c.params),
)


class Torch:
    """How PyTorch computes what is compared."""

    name = "PyTorch"
    conventions = CONVENTIONS
    namespaces = ((np, tnp), (np.linalg, tnp.linalg), (np.fft, tnp.fft))

    def counterpart(self, function: Any) -> Any:
        return counterpart_in(function, self.namespaces, (torch.special, torch.nn.functional))

    def compute(self, f: Many, xs: list[Array], ws: list[Array], vs: list[Array], kinds: Sequence[str]) -> Computed:
        def on_tensors(*xs: Any) -> Any:
            return tuple(getattr(y, "tensor", y) for y in f(*xs))

        def projected(*xs: Any) -> Any:
            return sum(torch.sum(torch.real(w * y)) for w, y in zip(weights, on_tensors(*xs), strict=True))

        tensors, directions = tuple(map(torch.tensor, xs)), tuple(map(torch.tensor, vs))
        weights = tuple(map(torch.tensor, ws))
        functional = torch.autograd.functional
        computations = {
            "value": lambda: on_tensors(*tensors),
            # PyTorch pulls back the conjugate of what JAX and we do
            "vjp": lambda: functional.vjp(on_tensors, tensors, tuple(w.conj() for w in weights))[1],
            "jvp": lambda: functional.jvp(on_tensors, tensors, directions)[1],
            "hvp": lambda: functional.hvp(projected, tensors, directions)[1],
        }
        return attempted({kind: computations[kind] for kind in kinds})


@pytest.fixture(autouse=True)
def double() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("case", comparable(Torch()))
def test_agrees_with_torch(case: Case, record_property: Any) -> None:
    record_property("compared", compare(Torch(), case))
