"""The cases of this room put through another library that differentiates NumPy's functions by their own names.

A library says how it computes the four things that are compared (`Library`); everything else is here. A case takes part
where the library has the function and takes the call. Where the two differ on purpose, a `Convention` says why, and
where it can, under which change of the call they agree.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.primitives import Primitive
from tests.factories import Array, assert_close
from tests.primitives.calls import Case, filled
from tests.primitives.cases import CASES

#: Relative to the largest element. A second derivative of a decomposition loses some digits in either library.
TOLERANCE = {"value": 1e-12, "vjp": 1e-11, "jvp": 1e-11, "hvp": 1e-10}
KINDS = tuple(TOLERANCE)

Many = Callable[..., list[Any]]  # arrays in, arrays out
Computed = dict[str, list[Array] | Exception]


class Library(Protocol):
    """What a library must say: its names, and how it differentiates a function from arrays to a list of arrays."""

    name: str
    conventions: Sequence[Convention]

    def counterpart(self, function: Any) -> Callable[..., Any] | None:
        """Return the function of the same name, or None."""

    def compute(self, f: Many, xs: list[Array], ws: list[Array], vs: list[Array], kinds: Sequence[str]) -> Computed:
        """Return what is to be compared, by its kind, or the error that the library answers with.

        value: f(*xs). vjp: the cotangents `ws` pulled back, nothing conjugated. jvp: the tangents `vs` pushed forward.
        hvp: the derivative along `vs` of the gradient of sum(real(w * y)).
        """


@dataclass(frozen=True)
class Convention:
    """Calls that mean something else in the other library, and why."""

    functions: Sequence[Any]
    reason: str
    when: Callable[[Case], bool] = lambda case: True
    #: What to do with the operands so that both mean the same; None: the case is left out.
    agreeing: Callable[[Array], Array] | None = None


def symmetric(x: Array) -> Array:
    """Return the symmetric part of a matrix: of a symmetric one, the same."""
    return (x + x.swapaxes(-1, -2)) / 2


def hermitian(case: Case) -> bool:
    return bool(case.params.get("hermitian"))


#: NumPy reads one triangle of a matrix that must be symmetric, and so does our gradient; others share it between the two.
TRIANGLES = "a gradient in the triangle that NumPy reads, or in both"
SYMMETRIC = (
    Convention((np.linalg.cholesky, np.linalg.eigh, np.linalg.eigvalsh), TRIANGLES, agreeing=symmetric),
    Convention((np.linalg.pinv, np.linalg.svd), TRIANGLES, hermitian, symmetric),
)


# -- one call, on the arrays of either -----------------------------------------------------------------------


def counterpart_in(function: Any, namespaces: Sequence[tuple[Any, Any]], ours: Sequence[Any]) -> Any:
    """Return the function of the same name in the namespace that corresponds to NumPy's, or None."""
    if function is operator.getitem:
        return function
    if isinstance(function, Primitive):
        found = (getattr(theirs, function.name, None) for theirs in ours)
        return next((f for f in found if f is not None), None) if getattr(mg, function.name, None) else None
    name = getattr(function, "__name__", "")
    for numpy, theirs in namespaces:
        if getattr(numpy, name, None) is function:
            return getattr(theirs, name, None)
    return None


def arrays_of(tree: Any) -> Iterator[Any]:
    """Yield the arrays of a result, whatever kind of sequence holds them."""
    if isinstance(tree, tuple | list):
        for item in tree:
            yield from arrays_of(item)
    else:
        yield tree


def call(case: Case, function: Any, arguments: Any, agreeing: Any, keep: Any = None) -> Many:
    """Return a case as a function of its operands alone that returns the arrays to be compared."""

    def f(*values: Any) -> list[Any]:
        rest = iter(agreeing(x) if agreeing else x for x in values)
        args, params = arguments(filled(case.args, rest)), arguments(filled(case.params, rest))
        result = function(*args, **params)
        found = list(arrays_of(result if case.first is None else tuple(result)[: case.first]))
        return found if keep is None else [found[i] for i in keep]

    return f


def inexact(values: Sequence[Any]) -> list[int]:
    """Return which of the results have derivatives."""
    return [i for i, y in enumerate(values) if np.asarray(y).dtype.kind in "fc"]


def random(case: Case, salt: int, like: Sequence[Array]) -> list[Array]:
    """Return random arrays of the types and shapes of others: the same at every call."""
    return drawn(case.rng(salt), like)


def drawn(rng: np.random.Generator, like: Sequence[Array]) -> list[Array]:
    """Return random arrays of the types and shapes of others."""

    def draw(x: Any) -> Array:
        values = rng.uniform(-1, 1, np.shape(x))
        return values + 1j * rng.uniform(-1, 1, np.shape(x)) if np.iscomplexobj(x) else values

    return [np.asarray(draw(x)) for x in like]


# -- the comparison ------------------------------------------------------------------------------------------


def ours(kind: str, f: Many, xs: list[Array], ws: list[Array], vs: list[Array]) -> list[Array]:
    """Return what microgradnp computes."""
    if kind == "value":
        return [np.asarray(getattr(y, "data", y)) for y in f(*map(mg.tensor, xs))]
    if kind == "vjp":
        return list(mg.vjp(f, *xs)[1](ws))
    if kind == "jvp":
        return list(mg.jvp(f, xs, vs)[1])

    def projected(*xs: Any) -> Any:
        return sum((np.sum(np.real(w * y)) for w, y in zip(ws, f(*xs), strict=True)), 0.0)

    return list(mg.jvp(mg.grad(projected, tuple(range(len(xs)))), xs, vs)[1])


def attempted(computations: dict[str, Callable[[], Any]]) -> Computed:
    """Run each computation, and keep what it says where it refuses: a library need not have everything."""
    done: Computed = {}
    for kind, compute in computations.items():
        try:
            done[kind] = [np.asarray(y) for y in compute()]
        except Exception as error:
            done[kind] = error
    return done


def compare(library: Library, case: Case, xs: list[Array] | None = None) -> list[str]:
    """Assert that all agrees that both compute for a case; return what has been compared, or skip with the reason."""
    conventions = [c for c in library.conventions if case.function in c.functions and c.when(case)]
    agreeing = next((c.agreeing for c in conventions), None)
    if conventions and agreeing is None:
        pytest.skip(f"another convention: {conventions[0].reason}")
    xs = [np.asarray(x) for x in (case.values() if xs is None else xs)]
    numbers = call(case, case.function, same, agreeing)(*xs)
    keep = None if not case.differentiable else inexact(numbers)
    kinds = KINDS if case.differentiable and keep else KINDS[:1]
    f = call(case, case.function, same, agreeing, keep)
    numbers = f(*xs)
    ws, vs = random(case, 5, numbers), random(case, 6, xs)
    function = library.counterpart(case.function)
    assert function is not None
    for lists in (operator.getitem is case.function, True):  # some take no list of numbers, but an array of them
        g = call(case, function, lambda tree: translated(library, tree, lists), agreeing, keep)  # noqa: B023
        expected = library.compute(g, xs, ws, vs, kinds)
        if not isinstance(expected["value"], TypeError):
            break
    means = expected["value"]
    if not isinstance(means, Exception) and not alike(means, numbers):
        pytest.skip(f"the value is not NumPy's: {library.name} means something else")  # ours is: test_cases.py
    scale = 0.0
    for kind in kinds:
        wanted = expected[kind]
        if isinstance(wanted, Exception):
            continue
        actual = ours(kind, f, xs, ws, vs)
        # the terms of a second derivative are as large as the first one
        assert [a.shape for a in actual] == [e.shape for e in wanted], kind
        for a, e in zip(actual, wanted, strict=True):
            with np.errstate(all="ignore"):
                assert_close(a, e, TOLERANCE[kind], scale)
        scale = max([scale, *(float(np.max(np.abs(a), initial=0.0)) for a in actual if kind == "vjp")])
    done = [kind for kind in kinds if not isinstance(expected[kind], Exception)]
    if len(done) < min(len(kinds), 2):  # the value alone says nothing about derivatives
        error = next(e for e in expected.values() if isinstance(e, Exception))
        pytest.skip(
            f"{library.name} does not take it: {type(error).__name__}: {str(error).strip().partition(chr(10))[0][:90]}"
        )
    return done


def alike(theirs: Sequence[Array], numbers: Sequence[Any]) -> bool:
    """Return whether results are equal to rounding, relative to their largest element."""
    if [e.shape for e in theirs] != [np.shape(y) for y in numbers]:
        return False
    for e, y in zip(theirs, numbers, strict=True):
        scale = float(np.max(np.abs(np.where(np.isfinite(y), y, 0)), initial=0.0))
        if not np.allclose(e, y, rtol=0, atol=TOLERANCE["value"] * scale, equal_nan=True):
            return False
    return True


def compare_functions(library: Library, f: Many, g: Many, xs: list[Array]) -> None:
    """Assert that all four agree of a function of ours and the same one of the library's, or skip with the reason."""
    rng = np.random.default_rng(7)
    numbers = f(*xs)
    ws, vs = drawn(rng, numbers), drawn(rng, xs)
    expected = library.compute(g, xs, ws, vs, KINDS)
    for kind in KINDS:
        wanted = expected[kind]
        if isinstance(wanted, Exception):
            pytest.skip(f"{library.name} does not take it: {str(wanted).strip()[:90]}")
        for a, e in zip(ours(kind, f, xs, ws, vs), wanted, strict=True):
            assert_close(a, e, TOLERANCE[kind], 1.0 if kind == "hvp" else 0.0)


def same(tree: Any) -> Any:
    return tree


def translated(library: Library, tree: Any, lists: bool) -> Any:
    """Return arguments with the library's own functions for NumPy's and, where asked, arrays for lists of numbers."""
    if callable(tree) and not isinstance(tree, type):
        return library.counterpart(tree) or tree
    if isinstance(tree, dict):
        return {key: translated(library, item, lists) for key, item in tree.items()}
    if lists and type(tree) is list and numbers_only(tree):
        return np.array(tree, dtype=None if tree else int)
    if type(tree) in (tuple, list):
        return type(tree)(translated(library, item, lists) for item in tree)
    return tree


def numbers_only(tree: Any) -> bool:
    return all(map(numbers_only, tree)) if isinstance(tree, list) else isinstance(tree, bool | int | float)


def comparable(library: Library) -> list[Any]:
    """Return the cases of functions that a library has."""
    return [pytest.param(case, id=str(case)) for case in CASES if library.counterpart(case.function) is not None]
