"""Right derivations are right, every mistake is found where it was made, and bad input is told what to do."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from microgradnp import relu
from microgradnp.verify import Cause, Derivation, DerivationError, Report, Status
from microgradnp.verify.calling import Outcome, called, truth
from microgradnp.verify.claims import Claim, parsed_target
from microgradnp.verify.explaining import Explainer
from microgradnp.verify.points import Point
from tests.verify.derivations import DERIVATIONS, STYLES, Inputs, logistic, made
from tests.verify.mistakes import mistakes_in, mistakes_of

RIGHT = (Status.CORRECT, Status.KINK)


@pytest.fixture(autouse=True)
def _statuses_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search for no causes: that takes its time, and has its own tests."""
    monkeypatch.setattr(Explainer, "explain", lambda *_args: None)


# -- right derivations ---------------------------------------------------------------------------------------

# Where numbers of this size make the loss itself infinite, or what is left of it is rounding.
OUT_OF_RANGE = {
    ("network_002", "saturated"),
    ("regressor_003", "saturated"),
    ("regressor_003", "columns"),
    ("embedding", "saturated"),
}


@pytest.mark.parametrize(
    ("name", "style"), [(n, style) for n in DERIVATIONS for style in STYLES if (n, style) not in OUT_OF_RANGE]
)
def test_right_derivations_are_right(name: str, style: str) -> None:
    derivation, inputs = made(name, 3, style)
    report = derivation.verify(inputs)
    assert report.ok, report.text()
    assert all(v.status in RIGHT for v in report)


@pytest.mark.parametrize("name", ["network_001", "perceptron_000", "lstm", "chain_004"])
@pytest.mark.parametrize("seed", range(4, 9))
def test_right_derivations_are_right_at_other_sizes(name: str, seed: int) -> None:
    derivation, inputs = made(name, seed)
    derivation.verify(inputs).raise_if_wrong()


def test_a_gradient_that_is_zero_is_right_in_any_form() -> None:
    """A bias before batch normalisation: every right form gives some 1e-16."""
    derivation, inputs = made("batch_norm_steps", 0)
    verdict = derivation.verify(inputs)["b"]
    assert verdict.status is Status.CORRECT
    assert np.max(np.abs(verdict.hand)) < 1e-13


def test_where_the_loss_is_not_finite_nothing_is_verified() -> None:
    derivation, inputs = made("embedding", 3, "saturated")
    report = derivation.verify(inputs)
    assert {v.status for v in report} == {Status.UNVERIFIABLE}
    assert "the loss is inf" in report["dU"].explanation


def test_overflow_in_autodiff_leaves_the_judgement_to_differences() -> None:
    """1 / (1 + exp(800)) is 0, as it should be, but its derivative is 0 * inf."""
    d = Derivation()

    @d.forward
    def forward(z):
        h = 1 / (1 + np.exp(-z))
        return np.sum(h**2)

    d.gradient("z", lambda h: 2 * h * h * (1 - h), name="right")
    z = np.array([-800.0, 0.5])
    right = d.verify(z=z)["z"]
    assert right.status is Status.CORRECT
    assert "differences alone" in right.explanation
    d.claims[0] = dataclasses.replace(d.claims[0], function=lambda h: 2 * h * (1 - h))
    assert d.verify(z=z)["z"].status is Status.WRONG


# -- a least-squares derivation, for everything else ---------------------------------------------------------

RNG = np.random.default_rng(0)
X, Y, W = RNG.standard_normal((4, 3)), RNG.standard_normal(4), RNG.standard_normal(3)


def least_squares(**options: Any) -> Derivation:
    d = Derivation("least squares", **options)

    @d.forward
    def forward(X, y, w):
        r = X @ w - y
        loss = np.sum(r**2)
        return loss

    return d


def verified(d: Derivation, **more: Any) -> Report:
    return d.verify(X=X, y=Y, w=W, **more)


def claimed(of: str, formula: Callable[..., Any], **options: Any) -> Any:
    """Return the verdict on one claim about least squares."""
    d = least_squares()
    d.gradient(of, formula, **options)
    return next(iter(verified(d)))


def right_dw(X, r):
    return 2 * X.T @ r


# -- mistakes ------------------------------------------------------------------------------------------------


def plan(derivation: Derivation, claim: Claim, formula: Callable[..., Any]) -> list[Claim]:
    """Return the claims of a derivation with another formula for one of them."""
    return [dataclasses.replace(c, function=formula) if c is claim else c for c in derivation.claims]


def users(claims: list[Claim], name: str) -> set[str]:
    """Return the names of the claims that use a claim, directly or not."""
    direct = {c.name for c in claims if name in c.arguments}
    return direct.union(*(users(claims, n) for n in direct))


def error_of(derivation: Derivation, inputs: Inputs, claim: Claim, formula: Callable[..., Any]) -> float:
    """Return how far a formula is off on true values; inf for another shape, nan where it raises."""
    point = Point(derivation, inputs)
    true = np.asarray(truth(claim, point))
    planted = dataclasses.replace(claim, function=formula)
    planted.settle(point.graph.names)
    outcome = {o.name: o for o in derivation.claims}
    truths = {a: truth(outcome[a], point) for a in claim.arguments if a in outcome}
    result = Outcome()
    value = called(planted, point, truths, result, lambda f: f)
    if result.failure:
        return float("nan")
    if result.misshapen or np.shape(value) != true.shape:
        return float("inf")
    with np.errstate(all="ignore"):
        error = np.max(np.abs(value - true), initial=0.0) / (np.max(np.abs(true), initial=0.0) or 1.0)
    return float(error) if np.isfinite(error) else float("inf")


@functools.cache
def planted(name: str) -> list[tuple[str, str, Callable[..., Any]]]:
    """Return about a dozen mistakes in the formulas of a derivation: claim, what was done, formula."""
    derivation, _ = made(name, 3)
    found = []
    for claim in derivation.claims:
        if claim.kind != "backward":
            everything = [
                *mistakes_in(claim.function),
                *([] if claim.letters else mistakes_of(claim.function, np.random.default_rng(3))),
            ]
            found += [(claim.name, what, formula) for what, formula in everything]
    order = np.random.default_rng(len(found)).permutation(len(found))
    return [found[k] for k in order[:10]]


@pytest.mark.parametrize("name", [n for n in DERIVATIONS if planted(n)])
def test_planted_mistakes_are_found_where_they_are(name: str) -> None:
    derivation, inputs = made(name, 3)
    assert derivation.verify(inputs).ok
    right = derivation.claims
    for claim_name, what, formula in planted(name):
        derivation.claims = right
        claim = next(c for c in right if c.name == claim_name)
        error = error_of(derivation, inputs, claim, formula)
        derivation.claims = plan(derivation, claim, formula)
        report = derivation.verify(inputs)
        verdict = next(v for v in report if v.name == claim_name)
        case = f"{what} in {claim_name} of {name}: error {error:.1e}\n{report}"
        if np.isnan(error):
            assert verdict.status is Status.UNVERIFIABLE, case
            assert "raised" in verdict.explanation, case
        elif error > 1e-8:
            assert verdict.status is Status.WRONG, case
        elif error < 1e-12:  # it equals the right formula: no mistake
            assert verdict.ok, case
        for other in report:
            if other.name in users(derivation.claims, claim_name):
                assert other.status in (*RIGHT, Status.GIVEN), case
            elif other.name != claim_name:
                assert other.ok, case


@functools.cache
def planted_in_backward(name: str) -> list[tuple[str, str, Callable[..., Any]]]:
    """Return some mistakes in the backward functions of a derivation."""
    derivation, _ = made(name, 3)
    backward = [c for c in derivation.claims if c.kind == "backward"]
    found = [(c.name, what, formula) for c in backward for what, formula in mistakes_in(c.function)]
    return [found[k] for k in np.random.default_rng(len(found)).permutation(len(found))[:8]]


@pytest.mark.parametrize("name", [n for n in DERIVATIONS if planted_in_backward(n)])
def test_mistakes_in_backward_functions_are_found_in_every_gradient_that_they_spoil(name: str) -> None:
    derivation, inputs = made(name, 3)
    right = derivation.claims
    for claim_name, what, formula in planted_in_backward(name):
        claim = next(c for c in right if c.name == claim_name)
        derivation.claims = plan(derivation, claim, formula)
        derivation.claims = [c for c in derivation.claims if c.kind == "backward"]
        verdicts = list(derivation.verify(inputs))
        derivation.claims = right
        scale = max(np.max(np.abs(v.autodiff)) if v.hand is not None else 0.0 for v in verdicts)
        for v in verdicts:
            case = f"{what} in {name}: {v.sentence()}"
            if v.hand is None:
                assert v.status is Status.UNVERIFIABLE, case
                assert "raised" in v.explanation, case
                continue
            with np.errstate(all="ignore"):
                off = np.max(np.abs(v.hand - v.autodiff)) if np.shape(v.hand) == np.shape(v.autodiff) else np.inf
            if not off <= 1e-8 * scale:  # right for its inputs only where a local variable is to blame
                assert v.status in (Status.WRONG, Status.GIVEN), case
                assert any(other.status is Status.WRONG for other in verdicts), case
            elif off <= 1e-13 * scale:
                assert v.ok, case


# The claim on network_001, and the formula with the mistake. All that is computed from it is right given it.
SINGLE: dict[str, tuple[str, Callable[..., Any]]] = {
    "sign": ("Eo", lambda Y, T: T - Y),
    "mean for sum": ("Eo", lambda Y, T: (Y - T) / len(T)),
    "gradient of the squared error": ("Eo", lambda Y, T: (Y - T) * Y * (1 - Y)),
    "targets left out": ("Eo", lambda Y: Y),
    "ratio of another loss": ("Eo", lambda Y, T: (Y - T) / (Y * (1 - Y))),
    "zero": ("Eo", lambda Y: np.zeros_like(Y)),
    "ln 2": ("Eo", lambda Y, T: (Y - T) / np.log(2)),
    "activation derivative missing": ("Eh", lambda Wo, Eo: Eo @ Wo.T),
    "activation derivative doubled": ("Eh", lambda H, Wo, Eo: (H * (1 - H)) ** 2 * (Eo @ Wo.T)),
    "derivative at the activation": ("Eh", lambda H, Wo, Eo: logistic(H) * (1 - logistic(H)) * (Eo @ Wo.T)),
    "derivative of the pre-activation": ("Eh", lambda Zh, Wo, Eo: Zh * (1 - Zh) * (Eo @ Wo.T)),
    "surrogate": ("Eh", lambda H, Zh, Wo, Eo: logistic(Zh) * (Eo @ Wo.T)),
    "tanh for logistic": ("Eh", lambda H, Wo, Eo: (1 - H * H) * (Eo @ Wo.T)),
    "one factor left out": ("Eh", lambda H, Wo, Eo: H * (Eo @ Wo.T)),
    "a sign inside": ("Eh", lambda H, Wo, Eo: H * (1 + H) * (Eo @ Wo.T)),
    "upstream ignored": ("Eh", lambda H, Wo, Eo: H * (1 - H) * (np.ones_like(Eo) @ Wo.T)),
    "matrix product for elementwise": ("Eh", lambda H, Wo, Eo: (H @ (1 - H).T) @ (Eo @ Wo.T)),
    "weights of the wrong layer": ("Eh", lambda H, Wh, Eo: H * (1 - H) * (Eo @ np.resize(Wh, (3, 4)))),
    "one row": ("Eh", lambda H, Wo, Eo: H * (1 - H) * (Eo @ Wo.T) * (np.arange(len(H)) < len(H) - 1)[:, None]),
    "first row twice": (
        "Eh",
        lambda H, Wo, Eo: H * (1 - H) * (Eo @ Wo.T) * np.where(np.arange(len(H)) == 0, 2, 1)[:, None],
    ),
    "samples shifted by one": ("JWo", lambda H, Eo: np.roll(H, 1, axis=0).T @ Eo),
    "weights: mean for sum": ("JWo", lambda H, Eo: H.T @ Eo / len(H)),
    "weights: factor 2": ("JWo", lambda H, Eo: 2 * H.T @ Eo),
    "weights: a penalty that is not there": ("JWo", lambda H, Eo, Wo: H.T @ Eo + 0.01 * Wo),
    "weights: last sample left out": ("JWo", lambda H, Eo: H[:-1].T @ Eo[:-1]),
    "weights: input of the wrong layer": ("JWo", lambda Zh, Eo: Zh.T @ Eo),
    "weights: overwritten, not accumulated": ("JWo", lambda H, Eo: np.outer(H[-1], Eo[-1])),
    "bias: broadcast not undone": ("Jbo", lambda Eo: Eo),
    "bias: wrong axis": ("Jbo", lambda Eo: np.sum(Eo, axis=1, keepdims=True)),
    "bias: keepdims left out": ("Jbo", lambda Eo: np.sum(Eo, axis=0)),
    "bias: mean": ("Jbo", lambda Eo: np.mean(Eo, axis=0, keepdims=True)),
    "transpose": ("JWh", lambda X, Eh: Eh.T @ X),
    "wrong by a factor 1 + 1e-4": ("JWh", lambda X, Eh: (1 + 1e-4) * X.T @ Eh),
    "wrong by a factor 1 + 1e-7": ("JWh", lambda X, Eh: (1 + 1e-7) * X.T @ Eh),
    "computed in single precision": (
        "JWh",
        lambda X, Eh: (X.T.astype(np.float32) @ Eh.astype(np.float32)).astype(float),
    ),
    "not a number in one entry": ("JWh", lambda X, Eh: np.where(np.arange(Eh.shape[1]) == 0, np.nan, X.T @ Eh)),
}


@functools.cache
def three_classes() -> Inputs:
    rng = np.random.default_rng(5)
    shapes = {"X": (6, 2), "Wh": (2, 4), "bh": (1, 4), "Wo": (4, 3), "bo": (1, 3), "MWh": (2, 4)}
    return {n: rng.standard_normal(s) for n, s in shapes.items()} | {"T": np.eye(3)[rng.integers(0, 3, size=6)]}


@pytest.mark.parametrize("mistake", SINGLE)
def test_single_mistakes_in_a_network(mistake: str) -> None:
    name, formula = SINGLE[mistake]
    derivation, _ = made("network_001", 0)
    claim = next(c for c in derivation.claims if c.name == name)
    derivation.claims = plan(derivation, claim, formula)
    report = derivation.verify(three_classes())
    downstream = users(derivation.claims, name)
    assert {v.name for v in report if v.status is Status.WRONG} == {name}
    assert {v.name for v in report if v.status is Status.GIVEN} == downstream
    assert {v.name for v in report if v.ok} == {c.name for c in derivation.claims} - downstream - {name}


@pytest.mark.parametrize("of", ["cell 0", "cell 777", "cell 1599"])
def test_one_wrong_entry_in_1600(of: str) -> None:
    k = int(of.split()[1])
    d = Derivation()

    @d.forward
    def forward(x):
        return np.sum(np.sin(x))

    @d.gradient("x")
    def dx(x):
        g = np.cos(x)
        g.flat[k] *= 1 + 1e-6
        return g

    verdict = d.verify(x=np.random.default_rng(1).standard_normal((40, 40)))["x"]
    assert verdict.status is Status.WRONG
    assert int(np.sum(verdict.wrong)) == 1
    assert verdict.worst() == divmod(k, 40)
    assert not np.isnan(verdict.differences[verdict.worst()])  # differences were asked about this entry


@pytest.mark.parametrize("size", [1e-7, 1e-20, 1e-100, 1e7, 1e100])
def test_a_gradient_of_any_size_is_judged_by_its_own_scale(size: float) -> None:
    d = Derivation()

    @d.forward
    def forward(x):
        return size * np.sum(np.sin(x))

    d.gradient("x", lambda x: size * np.cos(x), name="right")
    x = np.array([0.3, 1.0])
    assert d.verify(x=x)["x"].status is Status.CORRECT
    d.claims[0] = dataclasses.replace(d.claims[0], function=lambda x: 1.001 * size * np.cos(x))
    assert d.verify(x=x)["x"].status is Status.WRONG


def test_a_small_wrong_gradient_beside_a_large_right_one() -> None:
    """Columns of data of very different sizes: a mistake in the smallest is 1e-12 of the largest entry."""
    scales = np.array([1e-6, 1.0, 1e6])
    d = least_squares()
    d.gradient("w", right_dw)
    d.gradient("X", lambda r, w: np.outer(2 * r, w))
    assert d.verify(X=X * scales, y=Y, w=W / scales).ok
    d.claims[0] = dataclasses.replace(d.claims[0], function=lambda X, r: 2 * X.T @ r * np.array([2, 1, 1]))
    verdict = d.verify(X=X * scales, y=Y, w=W / scales)["w"]
    assert verdict.status is Status.WRONG
    assert verdict.wrong.tolist() == [True, False, False]


def test_two_wrong_formulas_are_both_wrong() -> None:
    d = least_squares()
    d.gradient("r", lambda r: r, name="dr")
    d.gradient("w", lambda X, dr: -X.T @ dr, name="dw")
    d.gradient("X", lambda dr, w: np.outer(dr, w), name="dX")
    report = verified(d)
    assert [v.status for v in report] == [Status.WRONG, Status.WRONG, Status.GIVEN]
    assert report["dX"].explanation == "the formula is right, but it uses dr, which is not"


def test_only_the_claims_that_are_wrong_are_blamed() -> None:
    d = least_squares()
    d.gradient("r", lambda r: 2 * r, name="dr")
    d.gradient("w", lambda X, dr: X.T @ dr + 1, name="dw")
    d.update("w", lambda w, gradient: w - gradient, lambda w, dw, dr: w - dw + 0 * dr.sum(), name="step")
    assert verified(d)["step"].explanation == "the formula is right, but it uses dw, which is not"


def test_a_mistake_in_a_formula_that_shapes_hide() -> None:
    """A square weight matrix, transposed."""
    d = Derivation()

    @d.forward
    def forward(X, W):
        Z = X @ W
        return np.sum(Z**2)

    d.gradient("X", lambda Z, W: 2 * Z @ W, name="dX")
    assert d.verify(X=X, W=RNG.standard_normal((3, 3)))["X"].status is Status.WRONG


# -- kinks ---------------------------------------------------------------------------------------------------


def relu_layer(formula: Callable[..., Any]) -> Derivation:
    d = Derivation()

    @d.forward
    def forward(X, W, R):
        Z = X @ W
        A = np.maximum(Z, 0)
        return np.sum(A * R)

    d.gradient("Z", formula, name="dZ")
    d.gradient("W", lambda X, dZ: X.T @ dZ, name="dW")
    d.gradient("X", lambda dZ, W: dZ @ W.T, name="dX")
    return d


KINKED = {
    "X": np.array([[0.0, 0.0], [1.0, 2.0]]),
    "W": np.array([[1.0, -1.0, 2.0], [0.5, 1.0, -1.0]]),
    "R": np.array([[1.0, -2.0, 3.0]] * 2),
}


@pytest.mark.parametrize("at_zero", [0.0, 1.0, 0.3])
def test_at_a_kink_any_value_between_the_sides_is_right(at_zero: float) -> None:
    d = relu_layer(lambda Z, R: R * np.where(Z == 0, at_zero, Z > 0))
    report = d.verify(KINKED)
    assert report.ok, report
    assert report["Z"].status is Status.KINK
    assert "kink" in report["Z"].explanation
    assert report["Z"].kinks.tolist() == [[True] * 3, [False, False, True]]


def test_the_convention_of_autodiff_is_right_at_a_kink() -> None:
    assert relu_layer(lambda Z, R: R * np.where(Z == 0, 0.5, Z > 0)).verify(KINKED)["Z"].status is Status.CORRECT


@pytest.mark.parametrize(
    "wrong",
    [
        lambda Z, R: R * np.where(Z == 0, 7, Z > 0),
        lambda Z, R: R * (Z >= 0) * 1.01,
        lambda Z, R: -R * (Z > 0),
    ],
)
def test_a_kink_excuses_no_mistake(wrong: Callable[..., Any]) -> None:
    assert relu_layer(wrong).verify(KINKED)["Z"].status is Status.WRONG


def test_where_several_kinks_meet_no_convention_is_accused() -> None:
    """All units of a row at 0: a right choice at each need not lie between the one-sided derivatives in X."""
    inputs = KINKED | {
        "W": np.array([[1.0, 3.0, -2.0], [0.5, 1.0, -1.0]]),
        "R": np.array([[3.0, 1.0, -2.0]] * 2),
    }
    report = relu_layer(lambda Z, R: R * (Z > 0)).verify(inputs)
    assert report.ok, report
    assert report["X"].status is Status.KINK


def test_where_kinks_cancel_the_true_derivative_is_right() -> None:
    """relu'(0) is 0, that of max(x, 0) is 1/2: autodiff misses the derivative of their difference."""
    d = Derivation()

    @d.forward
    def forward(x):
        return np.sum(relu(x) - np.maximum(x, 0) + x)

    d.gradient("x", lambda x: np.ones_like(x), name="dx")
    assert d.verify(x=np.array([0.0, 1.0, -1.0]))["x"].status is Status.KINK


def test_a_jump_cannot_be_verified() -> None:
    d = Derivation()

    @d.forward
    def forward(x):
        return np.sum(np.where(x >= 0, x, x - 1))

    d.gradient("x", lambda x: np.ones_like(x), name="dx")
    verdict = d.verify(x=np.array([0.0]))["x"]
    assert verdict.status is Status.UNVERIFIABLE
    assert "jump" in verdict.explanation


# -- what cannot be verified ---------------------------------------------------------------------------------


def test_a_forward_pass_that_draws_random_numbers() -> None:
    d = Derivation()
    rng = np.random.default_rng(0)

    @d.forward
    def with_dropout(w):
        return np.sum(w * (rng.random(w.shape) < 0.5))

    d.gradient("w", lambda w: w, name="dw")
    verdict = d.verify(w=W)["w"]
    assert verdict.status is Status.UNVERIFIABLE
    assert "with_dropout gives another loss at the next call" in verdict.explanation
    assert "Pass the mask" in verdict.explanation


def test_a_forward_pass_that_fails_on_plain_arrays() -> None:
    d = Derivation()

    @d.forward
    def forward(w):
        return np.sum(w.detach() * w)

    d.gradient("w", lambda w: w, name="dw")
    verdict = d.verify(w=W)["w"]
    assert verdict.status is Status.UNVERIFIABLE
    assert "forward fails on plain arrays" in verdict.explanation


def test_a_forward_pass_that_computes_something_else_on_plain_arrays() -> None:
    d = Derivation()

    @d.forward
    def forward(w):
        return np.sum(w * (2.0 if isinstance(w, np.ndarray) else 1.0))

    d.gradient("w", lambda w: np.ones_like(w), name="dw")
    verdict = d.verify(w=W)["w"]
    assert verdict.status is Status.UNVERIFIABLE
    assert "another loss on plain arrays" in verdict.explanation


def test_a_formula_that_raises_names_its_line_and_spoils_no_other() -> None:
    d = least_squares()
    d.gradient("r", lambda r: 2 * r @ r @ r, name="dr")
    d.gradient("w", lambda X, dr: X.T @ dr, name="dw")
    d.gradient("X", lambda dr, w: -np.outer(dr, w), name="dX")
    report = verified(d)
    assert report["r"].status is Status.UNVERIFIABLE
    assert re.search(
        r"dr raised ValueError: .* at line \d+ of .*test_derivation.py: .*2 \* r @ r @ r",
        report["r"].explanation,
    )
    assert report["w"].status is Status.CORRECT
    assert "judged on true values: dr could not be computed" in report["w"].notes
    assert report["X"].status is Status.WRONG


def test_a_formula_that_cannot_use_what_a_wrong_one_returns() -> None:
    d = least_squares()
    d.gradient("r", lambda r: 2 * r[:-1], name="dr")
    d.gradient("w", lambda X, dr: X.T @ dr, name="dw")
    report = verified(d)
    assert report["r"].status is Status.WRONG
    assert report["w"].status is Status.GIVEN
    assert report["w"].explanation == "the formula is right, but it cannot be computed from dr, which is not"


# -- shapes and types of what formulas return ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "formula", "said"),
    [
        (
            "X",
            lambda r, w: np.outer(w, 2 * r),
            "returned shape (3, 4), but X has shape (4, 3): a transpose is missing or too many",
        ),
        (
            "w",
            lambda X, r: (2 * X.T @ r)[None],
            "returned shape (1, 3), but w has shape (3,): the same number of entries",
        ),
        (
            "w",
            lambda X, r: 2 * X * r[:, None],
            "returned shape (4, 3), but w has shape (3,): sum over axis 0",
        ),
        ("w", lambda X, r: 0.0, "returned shape (), but w has shape (3,)"),
        ("w", lambda X, r: None, "it returned None: a `return` is missing"),
        ("w", lambda X, r: "dw", "it returned 'dw', which is no array of numbers"),
        ("w", lambda X, r: {"w": 1}, "which is no array of numbers"),
        ("w", lambda X, r: [[1.0], [2.0, 3.0]], "which is no array of numbers"),
        ("w[k]", lambda X, r, k: X, "at k = 0 it returned shape (4, 3), but w[k] has shape ()"),
    ],
)
def test_what_is_no_gradient_of_this_shape(of: str, formula: Callable[..., Any], said: str) -> None:
    verdict = claimed(of, formula)
    assert verdict.status is Status.WRONG
    assert verdict.cause is Cause.SHAPE
    assert said in verdict.explanation
    assert verdict.error == float("inf")


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        (lambda X, r: 2 * X.T @ r + 1j, "complex"),
        (lambda X, r: 2 * X.T @ r * [1, np.nan, 1], "1 of 3 entries are nan or infinite"),
        (lambda X, r: 2 * X.T @ r * [np.inf, 1, 1], "1 of 3 entries are nan or infinite"),
    ],
)
def test_numbers_that_no_gradient_has(formula: Callable[..., Any], said: str) -> None:
    verdict = claimed("w", formula)
    assert verdict.status is Status.WRONG
    assert verdict.cause is Cause.NUMERICAL
    assert said in verdict.explanation


@pytest.mark.parametrize("kind", [list, tuple, lambda g: g.astype(complex), lambda g: np.asfortranarray(g[None])[0]])
def test_a_right_value_in_another_form_is_right(kind: Callable[..., Any]) -> None:
    assert claimed("w", lambda X, r: kind(2 * X.T @ r)).status is Status.CORRECT


# -- indices -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "formula"),
    [
        ("w[j]", lambda X, r, j: 2 * sum(X[i, j] * r[i] for i in range(4))),
        ("X[i, j]", lambda r, w, i, j: 2 * r[i] * w[j]),
        ("X[n, :]", lambda r, w, n: 2 * r[n] * w),
        ("X[:, n]", lambda r, w, n: 2 * r * w[n]),
        ("w[1]", lambda X, r: 2 * X[:, 1] @ r),
        ("w[-1]", lambda X, r: 2 * X[:, -1] @ r),
        ("X[2, :]", lambda r, w: 2 * r[2] * w),
        ("X[2, j]", lambda r, w, j: 2 * r[2] * w[j]),
        ("X[0, 0]", lambda r, w: 2 * r[0] * w[0]),
    ],
)
def test_claims_about_elements(of: str, formula: Callable[..., Any]) -> None:
    assert claimed(of, formula).status is Status.CORRECT
    wrong = claimed(of, functools.wraps(formula)(lambda *args, **kwargs: formula(*args, **kwargs) * 1.01))
    assert wrong.status is Status.WRONG


def test_exchanged_indices_are_found() -> None:
    d = Derivation()

    @d.forward
    def forward(a, W, y):
        z = a @ W
        return np.sum((z - y) ** 2)

    d.gradient("z", lambda z, y: 2 * (z - y), name="delta")
    d.gradient("W[i, j]", lambda a, delta, i, j: a[i] * delta[j], name="source to target")
    d.gradient(
        "W",
        lambda a, delta: np.array([[a[j] * delta[i] for j in range(3)] for i in range(3)]),
        name="target to source",
    )
    report = d.verify(a=W, W=RNG.standard_normal((3, 3)), y=RNG.standard_normal(3))
    assert report["source to target"].status is Status.CORRECT
    assert report["target to source"].status is Status.WRONG


def test_an_index_may_be_called_like_a_local_variable() -> None:
    d = Derivation()

    @d.forward
    def forward(x):
        loss = 0.0
        for i in range(3):
            loss = loss + np.sin(x[i])
        return loss

    d.gradient("x[i]", lambda x, i: np.cos(x[i]), name="dx")
    assert d.verify(x=W)["dx"].status is Status.CORRECT


@pytest.mark.parametrize(
    ("of", "parts"),
    [
        ("W", ("W", [])),
        ("W[i, j]", ("W", ["i", "j"])),
        ("W[i,:]", ("W", ["i", ":"])),
        ("zs[0]", ("zs", ["0"])),
        ('cache["A"]', ('cache["A"]', [])),
        ('params["W"][i, j]', ('params["W"]', ["i", "j"])),
        ("b[-1]", ("b", ["-1"])),
    ],
)
def test_names_and_indices(of: str, parts: tuple[str, list[str]]) -> None:
    assert parsed_target(of) == parts


# -- derivations that cannot be checked as they stand --------------------------------------------------------


def stated(*claims: tuple[str, Callable[..., Any]], names: str = "") -> Derivation:
    d = least_squares()
    for k, (of, formula) in enumerate(claims):
        d.gradient(of, formula, name=names[k] if names else None)
    return d


@pytest.mark.parametrize(
    ("verify", "said"),
    [
        (lambda: Derivation("d").verify(), "the derivation 'd' has no forward function: decorate it with @d.forward"),
        (lambda: verified(least_squares()), "has no claims: state one with @d.gradient('name') or @d.backward"),
        (
            lambda: stated(("w", right_dw)).verify(X=X, y=Y),
            "verify() misses w: forward(X, y, w) needs them; d.verify(w=...)",
        ),
        (lambda: verified(stated(("w", right_dw)), W=W), "takes W; the forward function takes X, y, w"),
        (
            lambda: verified(stated(("v", right_dw))),
            "'v', but forward computes no quantity of that name. It computes X, y, w, r, loss",
        ),
        (lambda: verified(stated(("w", lambda X, q: X))), "takes 'q', which nobody provides"),
        (lambda: verified(stated(("w[i, j]", lambda X, i, j: X))), "w[i, j] has 2 index(es), but w has shape (3,)"),
        (lambda: verified(stated(("w[3]", right_dw))), "there is no entry 3, w has shape (3,)"),
        (lambda: verified(stated(("w", right_dw), names="r")), "the claim 'r' is called like a quantity of forward"),
        (
            lambda: stated(("w", right_dw), ("w", right_dw), names="ab"),
            "two claims are made on the gradient of 'w': 'a' and 'b'",
        ),
        (lambda: stated(("w", right_dw), ("r", right_dw), names="aa"), "two claims are called 'a'"),
        (
            lambda: verified(stated(("w", lambda b: b), ("r", lambda a: a), names="ab")),
            "use each other in a circle: a(b), b(a)",
        ),
        (lambda: verified(stated(("w", lambda a: a), names="a")), "use each other in a circle: a(a)"),
        (lambda: stated(("w", 3)), "no function that can be called"),
        (lambda: least_squares().forward(right_dw), "has a forward function already: forward"),
    ],
)
def test_what_is_wrong_with_the_statement_is_said(verify: Callable[[], Any], said: str) -> None:
    with pytest.raises(DerivationError) as raised:
        verify()
    assert said in str(raised.value)


def two_results(X, y, w):
    r = X @ w - y
    loss = np.sum(r**2)
    return r, loss


def not_summed(X, y, w):
    r = X @ w - y
    errors = r**2
    return errors


@pytest.mark.parametrize(
    ("forward", "options", "said"),
    [
        (
            two_results,
            {},
            "two_results returns a tuple: say which quantity is the loss, mg.Derivation(..., loss='loss')",
        ),
        (two_results, {"loss": "los"}, "loss='los', but two_results computes X, y, w, r, loss"),
        (
            not_summed,
            {},
            "errors, which not_summed returns, has shape (4,): a loss is one number; return np.sum",
        ),
        (lambda X, y, w: None, {}, "returns nothing: end it with `return loss`"),
        (lambda X, y, w: 3, {}, "returned 3, a int, which depends on none of its inputs"),
        (lambda X, y, w: (X @ w).sum().item(), {}, "without float(), int(), .item() or .data"),
        (lambda X, y, w: np.argmax(X @ w), {}, "holds int64: a loss is a real number"),
    ],
)
def test_a_forward_function_that_returns_no_loss(
    forward: Callable[..., Any], options: dict[str, Any], said: str
) -> None:
    d = Derivation(**options)
    d.forward(forward)
    d.gradient("w", lambda w: w, name="dw")
    with pytest.raises(DerivationError) as raised:
        verified(d)
    assert said in str(raised.value)


@pytest.mark.parametrize("kind", ["gradient", "value", "update"])
def test_a_claim_wants_a_name(kind: str) -> None:
    with pytest.raises(TypeError, match="wants the name of a quantity"):
        getattr(Derivation(), kind)(right_dw, *([right_dw] if kind == "update" else []))


def test_a_claim_on_whole_numbers_that_are_data() -> None:
    d = Derivation()

    @d.forward
    def forward(x, labels):
        k = labels + 1
        return np.sum(x[labels]) + np.sum(x * k[0])

    d.gradient("k", lambda x: x, name="dk")
    with pytest.raises(DerivationError, match="dk claims a gradient of k, which holds int64: it has none"):
        d.verify(x=W, labels=np.array([0, 2]))


def test_the_loss_may_be_one_of_several_results() -> None:
    d = Derivation(loss="loss")
    d.forward(two_results)
    d.gradient("w", right_dw)
    assert verified(d).ok


def test_the_loss_need_not_be_returned() -> None:
    d = Derivation(loss="loss")

    @d.forward
    def forward(X, y, w):
        r = X @ w - y
        loss = np.sum(r**2)
        print_it = loss > 0
        return r if print_it is not None else None

    d.gradient("w", right_dw)
    assert verified(d).ok


# -- other kinds of claims -----------------------------------------------------------------------------------


def test_another_form_of_a_value() -> None:
    d = least_squares()
    d.value("loss", lambda r: r @ r, name="dot")
    d.value("loss", lambda r: np.linalg.norm(r), name="root forgotten")
    d.value("r", lambda X, y, w: np.einsum("ij,j->i", X, w) - y, name="einsum")
    d.value("r[i]", lambda X, y, w, i: X[i] @ w - y[i], name="one")
    assert [v.status for v in verified(d)] == [Status.CORRECT, Status.WRONG, Status.CORRECT, Status.CORRECT]


def momentum(w: Any, gradient: Any, M: Any, lr: float = 0.1) -> Any:
    M = 0.9 * M - lr * gradient
    return w + M, M


@pytest.mark.parametrize(
    ("formula", "status"),
    [
        (lambda w, M, dw: (w + 0.9 * M - 0.1 * dw, 0.9 * M - 0.1 * dw), Status.CORRECT),
        (lambda w, M, dw: (w + 0.9 * M + 0.1 * dw, 0.9 * M - 0.1 * dw), Status.WRONG),
        (lambda w, M, dw: (w + M, 0.9 * M - 0.1 * dw), Status.WRONG),
    ],
)
def test_an_update_with_its_state(formula: Callable[..., Any], status: Status) -> None:
    d = least_squares()
    d.gradient("w", right_dw, name="dw")
    d.update("w", momentum, formula)
    report = verified(d, M=0.3 * W)
    assert report["w updated"].status is status
    assert report["w"].kind == "gradient"  # the gradient is what one asks for by the quantity


def test_an_update_that_uses_a_wrong_gradient_is_right_given_that() -> None:
    d = least_squares()
    d.gradient("w", lambda X, r: X.T @ r, name="dw")
    d.update("w", lambda w, gradient, lr: w - lr * gradient, lambda w, dw, lr: w - lr * dw, name="step")
    assert verified(d, lr=0.1)["step"].status is Status.GIVEN


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (lambda w, gradient, speed: w, "the rule of step takes speed, which nobody provides"),
        (lambda w, gradient: w @ w @ w, "the rule of step raised ValueError"),
        (lambda w, gradient: None, "the rule of step returned no numbers"),
    ],
)
def test_a_rule_that_cannot_be_used(rule: Callable[..., Any], said: str) -> None:
    d = least_squares()
    d.update("w", rule, lambda w: w, name="step")
    with pytest.raises(DerivationError, match=re.escape(said)):
        verified(d)


def test_tolerance_of_a_claim_and_of_a_derivation() -> None:
    def nearly(X, r):
        return 2.0001 * X.T @ r

    assert claimed("w", nearly).status is Status.WRONG
    assert claimed("w", nearly, tolerance=1e-3).status is Status.CORRECT
    d = least_squares(tolerance=1e-3)
    d.gradient("w", nearly)
    d.gradient("r", lambda r: 2.0001 * r, tolerance=1e-6)
    assert [v.status for v in verified(d)] == [Status.CORRECT, Status.WRONG]


# -- backward functions --------------------------------------------------------------------------------------

BACKWARD: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "a dict by names": (lambda X, r, w: {"w": 2 * X.T @ r, "X": np.outer(2 * r, w)}, {}),
    "keys that are guessed": (
        lambda X, r, w: {"dw": 2 * X.T @ r, "grad_X": np.outer(2 * r, w), "delta_r": 2 * r, "d_y": -2 * r},
        {},
    ),
    "keys that are mapped": (lambda X, r: {"g": 2 * X.T @ r}, {"returns": {"g": "w"}}),
    "the cache by item": (lambda cache: {"dw": 2 * cache["X"].T @ cache["r"]}, {}),
    "the cache by attribute": (lambda cache: {"dw": 2 * cache.X.T @ cache.r}, {}),
    "everything by keywords": (lambda **q: {"dw": 2 * q["X"].T @ q["r"]}, {}),
    "a tuple": (lambda X, r: (2 * r, 2 * X.T @ r), {"wrt": ["r", "w"]}),
    "one array": (lambda X, r: 2 * X.T @ r, {"wrt": ["w"]}),
    "an entry": (lambda X, r: {"first": 2 * X[:, 0] @ r}, {"returns": {"first": "w[0]"}}),
    "a default": (lambda X, r, c=2: {"dw": c * X.T @ r}, {}),
}


@pytest.mark.parametrize("form", BACKWARD)
def test_forms_of_a_backward_function(form: str) -> None:
    function, options = BACKWARD[form]
    d = least_squares()
    d.backward(function, **options)
    assert verified(d).ok

    def doubled(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if isinstance(result, dict):
            return {key: 2 * value for key, value in result.items()}
        return tuple(2 * v for v in result) if isinstance(result, tuple) else 2 * result

    d.claims[0] = dataclasses.replace(d.claims[0], function=functools.wraps(function)(doubled))
    returned = [v for v in verified(d) if not v.name.startswith("result[")]  # which is right until it is doubled
    assert {v.status for v in returned} == {Status.WRONG}


def test_a_backward_function_as_a_decorator_with_one_wrong_part() -> None:
    d = least_squares()

    @d.backward(wrt=["w", "X"])
    def back(X, r, w):
        return 2 * X.T @ r, np.outer(r, w)

    report = verified(d)
    assert report["w"].status is Status.CORRECT
    assert report["X"].status is Status.WRONG
    assert report["back['X']"] is report["X"]


@pytest.mark.parametrize(
    ("function", "options", "said"),
    [
        (
            lambda X: {"g": X},
            {},
            "returns 'g', which is the gradient of no quantity of forward (X, y, w, r, loss); map it",
        ),
        (lambda X: {"g": X}, {"returns": {"g": "v"}}, "map it with @d.backward(returns={'g': 'name'})"),
        (
            lambda X: (X, X),
            {},
            "returns 2 arrays: say of which quantities they are the gradients, @d.backward(wrt=[...])",
        ),
        (lambda X: (X, X), {"wrt": ["X"]}, "returns 2 arrays"),
        (lambda X: X, {}, "returned ndarray: return a dict of gradients, or a tuple"),
        (lambda X: {}, {}, "returned no gradients"),
        (lambda X: None, {}, "returned NoneType: return a dict of gradients"),
        (lambda X, q: {}, {}, "takes 'q', which nobody provides"),
    ],
)
def test_what_a_backward_function_must_return(function: Callable[..., Any], options: dict[str, Any], said: str) -> None:
    d = least_squares()
    d.backward(function, **options)
    with pytest.raises(DerivationError) as raised:
        verified(d)
    assert said in str(raised.value)


def assigns(cache):
    cache.r = 0
    return {"w": cache.w}


def assigns_item(cache):
    cache["r"] = 0
    return {"w": cache.w}


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda cache: {"w": cache.hidden}, "the cache has no 'hidden'; it has X, y, w, r, loss"),
        (
            lambda cache: {"w": cache["hidden"]},
            "'hidden' is no quantity of the forward pass; it has X, y, w, r, loss",
        ),
        (assigns, "the cache is read-only"),
        (assigns_item, "the cache is read-only"),
    ],
)
def test_a_backward_function_that_raises(function: Callable[..., Any], said: str) -> None:
    d = least_squares()
    d.backward(function, wrt=["w"])
    d.gradient("r", lambda r: 2 * r, name="dr")
    report = verified(d)
    assert report["w"].status is Status.UNVERIFIABLE
    assert said in report["w"].explanation
    assert report["r"].status is Status.CORRECT


# -- nothing that a derivation does has side effects ---------------------------------------------------------


def test_a_formula_that_changes_its_input_is_told_and_spoils_no_other() -> None:
    d = least_squares()

    @d.gradient("w")
    def dw(X, r):
        r *= 2
        return X.T @ r

    @d.backward(wrt=["X"])
    def back(cache):
        cache.r[...] = 2 * cache.r
        return np.outer(cache.r, cache.w)

    d.gradient("r", lambda r: 2 * r, name="dr")
    X0, Y0, W0 = X.copy(), Y.copy(), W.copy()
    report = verified(d)
    assert report.ok
    assert report["w"].notes == ["dw changes r in place: whoever uses it afterwards gets another value"]
    assert report["X"].notes == ["back changes r in place: whoever uses it afterwards gets another value"]
    assert all(np.array_equal(a, b) for a, b in ((X, X0), (Y, Y0), (W, W0)))


def test_a_list_that_is_changed_in_place() -> None:
    d = Derivation()

    @d.forward
    def forward(x):
        steps = [x, 2 * x]
        return np.sum(steps[0] * steps[1])

    @d.gradient("x")
    def dx(steps):
        last = steps.pop()
        return 2 * last

    verdict = d.verify(x=W)["x"]
    assert verdict.status is Status.CORRECT
    assert "changes steps in place" in verdict.notes[0]


def test_a_forward_pass_that_changes_a_plain_array() -> None:
    """A whole-number input is plain while the forward pass is recorded, too."""
    d = Derivation()

    @d.forward
    def forward(x, counts):
        counts = counts.copy()
        counts += 1
        return np.sum(x**2 * counts)

    d.gradient("x", lambda x, counts: 2 * x * (counts), name="dx")
    counts = np.array([1, 2, 3])
    assert d.verify(x=W, counts=counts).ok
    assert counts.tolist() == [1, 2, 3]


def test_verdicts_are_the_same_for_the_same_seed() -> None:
    def errors(seed: int) -> list[Any]:
        d = least_squares(seed=seed)
        d.gradient("w", right_dw)
        d.gradient("X", lambda r, w: np.outer(r, w))
        report = verified(d)
        return [(v.status, v.error, v.differences.tolist(), v.explanation) for v in report]

    assert errors(1) == errors(1)


def test_a_derivation_is_verified_again_with_other_inputs() -> None:
    d = stated(
        ("w", lambda X, r: 2 * X.T @ (r + 0 * X.sum())),
        ("r", lambda r: np.where(np.abs(r) > 100, 0, 2 * r)),
        names="ab",
    )
    assert verified(d).ok
    far = d.verify(X=1e3 * X, y=Y, w=W)
    assert [v.status for v in far] == [Status.CORRECT, Status.WRONG]
    assert d.verify({"X": X[:2], "y": Y[:2]}, w=W).ok
    assert verified(d).ok


# -- inputs --------------------------------------------------------------------------------------------------


def test_inputs_of_single_precision_are_judged_in_double() -> None:
    d = stated(("w", right_dw), ("X", lambda r, w: np.outer(2 * r, w)), names="ab")
    report = d.verify(X=X.astype(np.float32), y=Y.astype(np.float32), w=W.astype(np.float32))
    assert report.ok
    assert report["w"].hand.dtype == np.float64


def test_whole_numbers_are_sizes_or_data_or_what_is_claimed() -> None:
    d = Derivation()

    @d.forward
    def forward(X, k, b, w):
        z = (X @ w)[:k] + b
        return np.sum(z**2) / k

    d.gradient("w", lambda X, k, z: X[:k].T @ (2 * z) / k, name="dw")
    d.gradient("b", lambda z, k: 2 * z.sum() / k, name="db")
    assert d.verify(X=np.array([[0, 1], [1, 1], [2, 0]]), k=2, b=0, w=np.array([1, -1])).ok


def test_inputs_in_containers() -> None:
    d = Derivation()

    @d.forward
    def forward(params, data, options):
        loss = 0.0
        for k, (W, b) in enumerate(zip(params["W"], params["b"], strict=True)):
            loss = loss + options["weights"][k] * np.sum(np.tanh(data[k] @ W + b))
        return loss

    def slope(data, params, options, k):
        return options["weights"][k] / np.cosh(data[k] @ params["W"][k] + params["b"][k]) ** 2

    d.gradient(
        'params["W"][1]',
        lambda data, params, options: data[1].T @ slope(data, params, options, 1),
        name="dW1",
    )
    d.gradient(
        'params["b"][0]',
        lambda data, params, options: slope(data, params, options, 0).sum(axis=0),
        name="db0",
    )
    d.gradient(
        "data[0]",
        lambda data, params, options: slope(data, params, options, 0) @ params["W"][0].T,
        name="dX0",
    )
    params = {"W": [RNG.standard_normal((3, 2)) for _ in range(2)], "b": [np.zeros(2), np.ones(2)]}
    assert d.verify(params=params, data=(X, 2 * X), options={"weights": [0.5, 2.0]}).ok


def test_defaults_and_closures() -> None:
    factor = 2
    d = stated(("w", lambda X, r, c=2: c * X.T @ r), ("r", lambda r: factor * r), names="ab")
    assert verified(d).ok


def test_the_arguments_of_the_forward_function_may_have_defaults() -> None:
    d = Derivation()

    @d.forward
    def forward(w, power=3, *, scale=0.5):
        return scale * np.sum(w**power)

    d.gradient("w", lambda w, power, scale: scale * power * w ** (power - 1), name="dw")
    assert d.verify(w=W).ok
    assert d.verify(w=W, power=2, scale=1.0).ok


def test_a_name_that_is_bound_twice_is_pointed_out() -> None:
    d = Derivation()

    @d.forward
    def forward(x, W):
        x = np.tanh(x @ W)
        return np.sum(x**2)

    d.gradient("W", lambda x, W: x.T @ (2 * x * (1 - x * x)), name="dW")
    square = RNG.standard_normal((4, 4))
    verdict = d.verify(x=RNG.standard_normal((2, 4)), W=square)["W"]
    assert verdict.status is Status.WRONG
    assert verdict.notes == ["x is bound more than once in forward; dW is given its last value"]


def test_quantities_of_helpers_and_of_objects_can_be_claimed() -> None:
    class Model:
        def layer(self, x, W):
            self.pre = x @ W
            return np.tanh(self.pre)

        def loss(self, x, W):
            out = self.layer(x, W)
            return np.sum(out**2)

    d = Derivation()
    d.forward(Model().loss)
    d.gradient("self.pre", lambda out: 2 * out * (1 - out**2), name="dpre")
    d.gradient("W", lambda x, dpre: x.T @ dpre, name="dW")
    assert d.verify(x=X, W=RNG.standard_normal((3, 2))).ok


# -- large arrays --------------------------------------------------------------------------------------------


def test_a_large_network_is_verified_by_a_sample_and_directions() -> None:
    rng = np.random.default_rng(0)
    d = Derivation("784-64-10")

    @d.forward
    def network(X, y, W1, b1, W2):
        Z = X @ W1 + b1
        A = np.maximum(Z, 0)
        S = A @ W2
        P = np.exp(S - S.max(axis=1, keepdims=True))
        P = P / P.sum(axis=1, keepdims=True)
        loss = -np.mean(np.log(P[np.arange(len(y)), y]))
        return loss

    d.gradient("S", lambda P, y: (P - np.eye(10)[y]) / len(y), name="dS")
    d.gradient("W2", lambda A, dS: A.T @ dS, name="dW2")
    d.gradient("Z", lambda dS, W2, Z: dS @ W2.T * (Z > 0), name="dZ")
    d.gradient("W1", lambda X, dZ: X.T @ dZ, name="dW1")
    d.gradient("b1", lambda dZ: dZ.sum(axis=0), name="db1")
    inputs = {
        "X": rng.random((32, 784)),
        "y": rng.integers(0, 10, 32),
        "b1": np.zeros(64),
        "W1": 0.05 * rng.standard_normal((784, 64)),
        "W2": 0.1 * rng.standard_normal((64, 10)),
    }
    report = d.verify(inputs)
    assert report.ok
    measured = ~np.isnan(report["W1"].differences)
    assert 0 < np.sum(measured) < 100

    def one_off(X, dZ):
        g = X.T @ dZ
        g[700, 3] += 1e-3
        return g

    d.claims[3] = dataclasses.replace(d.claims[3], function=one_off)
    verdict = d.verify(inputs)["W1"]
    assert verdict.status is Status.WRONG
    assert np.argwhere(verdict.wrong).tolist() == [[700, 3]]
    assert not np.isnan(verdict.differences[700, 3])


def test_a_claimed_value_of_one_entry_is_shown_with_that_entry():
    d = Derivation("one entry")

    @d.forward
    def loss(x):
        y = np.exp(x)
        return np.sum(y)

    d.value("y[1]", lambda x: np.exp(x[1]), name="second")
    report = d.verify(x=np.array([0.0, 1.0, 2.0]))
    assert report["second"].status == "correct"
    assert report["second"].differences == np.e
    assert "2.718" in str(report)


def test_an_input_of_claims_alone_is_not_a_variable_of_a_function_that_the_forward_pass_calls() -> None:
    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    d = Derivation(trials=1)

    @d.forward
    def network(x, w):
        h = sigmoid(x @ w)
        loss = np.sum(h**2)
        return loss

    d.gradient("w", lambda x, h: x.T @ (2 * h * h * (1 - h)), name="dw")
    d.update(
        "w",
        lambda parameter, gradient, t: parameter - 0.1 / t * gradient,
        lambda w, dw, t: w - 0.1 / t * dw,
        name="step",
    )
    report = d.verify(x=np.array([[0.3, -0.2], [1.0, 0.4]]), w=np.ones((2, 1)), t=3.0)
    assert report.ok, str(report)
