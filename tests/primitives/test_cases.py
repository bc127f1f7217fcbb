"""Everything that must hold for every case: value, types, both rules, second order, memory.

The witnesses are NumPy itself for values and extrapolated differences of plain NumPy runs for derivatives;
the two rules are tested against each other by the dot product <w, J v> = <J^T w, v>.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.primitives import Primitive, network, primitive
from tests.factories import LAYOUTS, Array, assert_close, derivative, flat, leaves
from tests.primitives.cases import CASES, CLIP_TAKES_MIN, SMOOTH, Case, case, entries, real, uncovered

pytestmark = pytest.mark.filterwarnings("error")  # no operation warns inside its domain

DIFFERENCES = 1e-9  # what extrapolated differences reach
ROUNDING = 1e-13

every = pytest.mark.parametrize("case", CASES, ids=str)
smooth = pytest.mark.parametrize("case", SMOOTH, ids=str)


def tracked(values: list[Array]) -> list[mg.Tensor]:
    return [mg.tensor(x, requires_grad=x.dtype.kind == "f") for x in values]


def cotangents(case: Case, tree: Any) -> Any:
    """Return random cotangents for a result: never ones, which hide a forgotten upstream gradient."""
    rng = case.rng(2)
    arrays = [rng.uniform(-1, 1, np.shape(y))[()] for y in leaves(tree)]
    return like(tree, arrays)


def products(a: Any, b: Any) -> list[Array]:
    """Return the terms of the inner product of two trees."""
    return [x * y for x, y in zip(leaves(a), leaves(b), strict=True)]


def projection(case: Case) -> Any:
    """Return the case followed by a random weighting of its results: one real number."""
    weights = list(leaves(cotangents(case, case.expected(*case.values()))))

    def projected(*xs: Any) -> Any:
        return sum((np.sum(term) for term in products(weights, list(leaves(case(*xs))))), 0.0)

    return projected


def along(case: Case, direction: list[Array]) -> Any:
    """Return the case on plain arrays as a function of one number: how far to go in a direction."""
    xs = case.values()
    return lambda t: case(*(x + t * v for x, v in zip(xs, direction, strict=True)))


# -- the table and its tests belong together -----------------------------------------------------------------


def test_every_entry_and_every_keyword_has_a_case() -> None:
    assert uncovered(CASES) == ([] if CLIP_TAKES_MIN else ["clip(min=)", "clip(max=)"])


def test_an_entry_without_a_case_is_found() -> None:
    assert "tanh" in uncovered([c for c in CASES if c.function is not np.tanh])
    assert "trace" in uncovered([c for c in CASES if c.function is not np.trace])
    assert "sum(keepdims=)" in uncovered([c for c in CASES if c.function is not np.sum or "keepdims" not in c.params])


def test_functions_of_our_own_have_a_reference() -> None:
    ours = [c for c in CASES if isinstance(c.function, Primitive)]
    assert ours
    assert all(c.reference is not None for c in ours)


# -- values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@every
def test_value(case: Case, dtype: Any) -> None:
    values = case.values(dtype)
    expected = list(leaves(case.expected(*values)))
    actual = list(leaves(case(*tracked(values))))
    assert len(actual) == len(expected)
    for y, wanted in zip(actual, expected, strict=True):
        if isinstance(y, mg.Tensor):
            assert y.dtype == np.asarray(wanted).dtype
            assert y.requires_grad == case.differentiable
            assert y.node is None or y.node.spec == (y.shape, y.dtype)
        y = y.data if isinstance(y, mg.Tensor) else y
        assert np.shape(y) == np.shape(wanted)
        if isinstance(case.entry, Primitive) and case.reference is None:
            np.testing.assert_array_equal(y, wanted)  # it *is* NumPy's function
        else:
            assert_close(y, wanted, 8 * np.finfo(dtype).eps)


@every
def test_value_on_plain_arrays_is_numpys(case: Case) -> None:
    """Forward code runs without a tape, and gives arrays, or NumPy's scalars, for arrays."""
    values = case.values()
    for y, wanted in zip(leaves(case(*values)), leaves(case.expected(*values)), strict=True):
        assert not isinstance(y, mg.Tensor)
        assert isinstance(y, type(wanted))
        assert_close(y, wanted, 1e-15 * 8)


# -- first order ---------------------------------------------------------------------------------------------


@smooth
def test_reverse_rule_against_differences(case: Case) -> None:
    xs, v = case.values(), case.directions()
    y, pull = mg.vjp(case, *xs)
    w = cotangents(case, y)
    gradients = pull(w)
    assert [g.shape for g in gradients] == [x.shape for x in xs]
    terms = products(gradients, v)
    numeric = derivative(along(case, v)) * flat(w)
    scale = sum(np.sum(np.abs(term)) for term in terms)
    assert_close(sum(np.sum(term) for term in terms), np.sum(numeric), DIFFERENCES, float(scale))


@smooth
def test_forward_rule_against_differences(case: Case) -> None:
    xs, v = case.values(), case.directions()
    y, dy = mg.jvp(case, xs, v)
    assert [np.shape(t) for t in leaves(dy)] == [np.shape(t) for t in leaves(y)]
    assert_close(dy, derivative(along(case, v)), DIFFERENCES)


@smooth
def test_rules_are_transposes(case: Case) -> None:
    xs = case.values()
    y, pull = mg.vjp(case, *xs)
    w = cotangents(case, y)
    gradients = pull(w)
    for i, x in enumerate(xs):  # one operand at a time: each has rules of its own
        v = [d if k == i else np.zeros_like(d) for k, d in enumerate(case.directions())]
        forward, reverse = products(mg.jvp(case, xs, v)[1], w), products(gradients, v)
        scale = sum(float(np.sum(np.abs(term))) for term in reverse)
        assert_close(sum(map(np.sum, forward)), sum(map(np.sum, reverse)), ROUNDING, scale + x.size)


@smooth
def test_pullback_is_linear(case: Case) -> None:
    y, pull = mg.vjp(case, *case.values())
    w = list(leaves(cotangents(case, y)))
    u = [np.cos(5 * t) for t in w]
    both = pull(like(y, [2 * a - 3 * b for a, b in zip(w, u, strict=True)]))
    parts = [2 * a - 3 * b for a, b in zip(pull(like(y, w)), pull(like(y, u)), strict=True)]
    scale = float(np.max(np.abs(flat(pull(like(y, w)))), initial=0.0))
    assert_close(both, parts, ROUNDING, 10 * scale)


def like(tree: Any, arrays: list[Array]) -> Any:
    if not isinstance(tree, tuple | list):
        return arrays[0]
    return getattr(tree, "_make", type(tree))(arrays)  # a named tuple, as np.linalg.svd gives it


@smooth
def test_eager_backward_is_the_pullback(case: Case) -> None:
    tensors = tracked(case.values())
    ys = case(*tensors)
    w = cotangents(case, case.expected(*case.values()))
    sum((np.sum(a * y) for a, y in zip(leaves(w), leaves(ys), strict=True)), 0.0).backward()
    for t, g in zip(tensors, mg.vjp(case, *case.values())[1](w), strict=True):
        if t.grad is None:  # the result does not depend on it
            assert not g.any()
        else:
            assert t.grad.dtype == t.dtype
            assert_close(t.grad, g, ROUNDING)


# -- second order --------------------------------------------------------------------------------------------


@smooth
def test_second_order(case: Case) -> None:
    """Every way of nesting the two sweeps gives the Hessian that differences of the gradient give."""
    xs, v = case.values(), case.directions()
    f = projection(case)
    gradient = mg.grad(f, tuple(range(len(xs))))

    def slope(*xs: Any) -> Any:
        return sum((np.sum(g * d) for g, d in zip(gradient(*xs), v, strict=True)), 0.0)

    def tangent(*xs: Any) -> Any:
        return mg.jvp(f, xs, v)[1]

    every = tuple(range(len(xs)))
    numeric = derivative(lambda t: gradient(*(x + t * d for x, d in zip(xs, v, strict=True))))
    scale = float(np.max(np.abs(flat(gradient(*xs))), initial=0.0)) * 1e-2
    assert_close(mg.jvp(gradient, xs, v)[1], numeric, DIFFERENCES, scale)  # forward over reverse
    assert_close(mg.grad(slope, every)(*xs), numeric, DIFFERENCES, scale)  # reverse over reverse
    assert_close(mg.grad(tangent, every)(*xs), numeric, DIFFERENCES, scale)  # reverse over forward
    curvature = [np.sum(term) for term in products(mg.jvp(gradient, xs, v)[1], v)]
    assert_close(mg.jvp(tangent, xs, v)[1], sum(curvature), ROUNDING, scale + sum(map(abs, curvature)))  # forward twice


# -- types and memory ----------------------------------------------------------------------------------------


@smooth
def test_single_precision_stays_single(case: Case) -> None:
    xs, v = case.values(np.float32), [d.astype(np.float32) for d in case.directions()]
    y, pull = mg.vjp(case, *xs)
    w = cotangents(case, y)
    gradients = pull(w)
    dtypes = [np.asarray(t).dtype for t in leaves(y)]
    assert {g.dtype for g in gradients} <= {np.dtype(np.float32)}
    assert [np.asarray(t).dtype for t in leaves(mg.jvp(case, xs, v)[1])] == dtypes
    exact = mg.vjp(case, *(x.astype(np.float64) for x in xs))[1](w)
    assert_close(gradients, exact, 1e-5, 1e-2)


@smooth
def test_layout_of_memory_does_not_matter(case: Case) -> None:
    xs, v = case.values(), case.directions()
    y, pull = mg.vjp(case, *xs)
    w = cotangents(case, y)
    gradients, dy = pull(w), mg.jvp(case, xs, v)[1]
    for layout in LAYOUTS:
        arranged = [layout(np.asarray(x)) for x in xs]
        y2, pull2 = mg.vjp(case, *arranged)
        assert_close(y2, y, ROUNDING)
        assert_close(pull2(layout_of(w, layout)), gradients, ROUNDING)
        assert_close(mg.jvp(case, arranged, layout_of(v, layout))[1], dy, ROUNDING)
        for x, x2 in zip(xs, arranged, strict=True):  # nobody wrote into the operands
            np.testing.assert_array_equal(x, x2)


def layout_of(tree: Any, layout: Any) -> Any:
    return like(tree, [layout(np.asarray(x)) for x in leaves(tree)])


@smooth
def test_gradients_share_memory_with_nothing(case: Case) -> None:
    xs = [np.asarray(x) for x in case.values()]
    y, pull = mg.vjp(case, *xs)
    w = cotangents(case, y)
    gradients = pull(w)
    tangents = case.directions()
    y2, dy = mg.jvp(case, xs, tangents)
    results = [*gradients, *leaves(dy)]
    others = [*xs, *leaves(y), *leaves(y2), *leaves(w), *tangents]
    for i, g in enumerate(results):
        assert not any(np.shares_memory(g, x) for x in others)
        assert not any(np.shares_memory(g, h) for h in results[:i])
        assert np.ndim(g) == 0 or g.flags.writeable
    for t in leaves(y):
        assert not any(np.shares_memory(t, x) for x in xs)


# -- the other ways through the engine -----------------------------------------------------------------------


@smooth
def test_what_is_done_for_large_arrays(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small arrays take shortcuts. The tests above, as if no array were small."""
    for module in (primitive, network):
        monkeypatch.setattr(module, "SMALL", -1)
    test_value(case, np.float64)
    test_reverse_rule_against_differences(case)
    test_rules_are_transposes(case)


@smooth
def test_traced_gradient_is_right_for_other_data(case: Case) -> None:
    """The graph of a gradient holds every step as an operation: nothing of the data is baked in."""
    xs, others = case.values(), case.values(salt=9)
    f = projection(case)
    gradient = mg.grad(f, tuple(range(len(xs))))
    graph = mg.trace(gradient, *xs)
    inputs = list(graph.inputs.values())
    for result, wanted in zip(leaves(graph.result), gradient(*others), strict=True):
        if isinstance(result, mg.Tensor) and result.node is not None:
            again = graph.evaluate(result.node, dict(zip(inputs, others, strict=True)))
        else:
            again = getattr(result, "data", result)  # the same for all data
        assert_close(again, wanted, ROUNDING, 1e-3)


def test_a_wrong_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests above can fail: an error of one part in a million is one."""
    tanh = entries()
    tanh = next(p for p in tanh if getattr(p, "name", "") == "tanh")
    monkeypatch.setattr(tanh, "rules", (lambda y, _x: (1 - y * y) * (1 + 1e-6),))
    monkeypatch.setattr(tanh, "locals", tanh.rules)
    monkeypatch.setattr(tanh, "sweeping", None)
    wrong = case(np.tanh, real(2, 3))
    for check in (test_reverse_rule_against_differences, test_forward_rule_against_differences):
        with pytest.raises(AssertionError):
            check(wrong)
