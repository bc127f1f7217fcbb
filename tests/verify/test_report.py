"""What a report says, to a person and to a program."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from microgradnp.verify import Cause, Derivation, Report, Status, Verdict, WrongDerivation
from microgradnp.verify.judgement import shape_note
from microgradnp.verify.report import STYLES, SYMBOLS

X, Y, W = np.array([[1.0, 2.0], [3.0, 4.0], [0.5, -1.0]]), np.array([1.0, 0.0, 2.0]), np.array([0.5, -0.25])


@pytest.fixture(scope="module")
def report() -> Report:
    """One right formula, one wrong, one that is right given the wrong one, one that raises."""
    d = Derivation("least squares")

    @d.forward
    def forward(X, y, w):
        r = X @ w - y
        loss = np.sum(r**2)
        return loss

    @d.gradient("r")
    def dr(r):
        return 3 * r

    @d.gradient("w")
    def dw(X, dr):
        return X.T @ dr

    d.gradient("X", lambda r, w: np.outer(2 * r, w), name="dX")
    d.gradient("y", lambda r: r @ r @ r, name="dy")
    d.value("loss", lambda r: r @ r, name="dot")
    d.update("w", lambda w, gradient: w - gradient, lambda w, dX: w - dX[0], name="step")
    return d.verify(X=X, y=Y, w=W)


def test_statuses(report: Report) -> None:
    assert {v.name: str(v.status) for v in report} == {
        "dr": "wrong",
        "dw": "correct given its inputs",
        "dX": "correct",
        "dy": "unverifiable",
        "dot": "correct",
        "step": "wrong",
    }
    assert not report.ok
    assert len(report) == 6


def test_statuses_and_causes_are_strings(report: Report) -> None:
    assert report["r"].status == "wrong"
    assert f"{report['r'].status}" == "wrong"
    assert isinstance(report["r"].cause, Cause)
    assert isinstance(report["r"].cause, str)
    assert report["X"].cause is None


def test_indexed_by_quantity_and_by_name(report: Report) -> None:
    assert report["r"] is report["dr"]
    assert report["w"].name == "dw"  # the gradient, not the update
    assert report["step"].kind == "update"
    with pytest.raises(KeyError) as raised:
        report["b"]
    assert "no claim on 'b'; there are r, dr, w, dw, X, dX, y, dy, loss, dot, step" in str(raised.value)


def test_the_three_witnesses_are_there(report: Report) -> None:
    r = X @ W - Y
    verdict = report["r"]
    np.testing.assert_allclose(verdict.hand, 3 * r)
    np.testing.assert_allclose(verdict.autodiff, 2 * r)
    np.testing.assert_allclose(verdict.differences, 2 * r, rtol=1e-8)
    assert verdict.error == pytest.approx(0.5)
    assert verdict.wrong.all()
    assert verdict.formula == "3 * r"


def test_sentences(report: Report) -> None:
    assert report["dX"].sentence() == "dX (∂loss/∂X): correct"
    assert (
        report["w"].sentence()
        == "dw (∂loss/∂w): correct given its inputs: the formula is right, but it uses dr, which is not"
    )
    assert report["r"].sentence().startswith("dr (∂loss/∂r): wrong, 3 of 3 entries: ")
    assert report["step"].title == "update of w"
    assert report["dot"].title == "loss"


def test_a_wrong_verdict_without_a_cause_shows_the_worst_entry() -> None:
    verdict = Verdict(
        "dw",
        "w",
        "gradient",
        Status.WRONG,
        Cause.UNKNOWN,
        hand=np.array([1.0, 5.0]),
        autodiff=np.array([1.0, 2.0]),
        differences=np.array([1.0, np.nan]),
        wrong=np.array([False, True]),
    )
    assert verdict.worst() == (0,)  # where differences were taken
    verdict.differences = np.array([1.0, 2.0])
    assert verdict.worst() == (1,)
    assert verdict.sentence() == "dw (∂loss/∂w): wrong, 1 of 2 entries: at [1] by hand 5, autodiff 2, differences 2"


def test_raise_if_wrong_names_every_claim_that_is_not_right(report: Report) -> None:
    with pytest.raises(WrongDerivation) as raised:
        report.raise_if_wrong()
    first, *lines = str(raised.value).splitlines()
    assert first == "4 of 6 claims of least squares are not right:"
    assert [line.split()[0] for line in lines if not line.startswith("   ")] == ["dr", "dw", "dy", "step", "mend"]
    assert "by hand: 3 * r" in str(raised.value)
    assert isinstance(raised.value, AssertionError)


def test_nothing_is_raised_where_all_is_right(report: Report) -> None:
    right = copy.copy(report)
    right.verdicts = [v for v in report if v.ok]
    right.raise_if_wrong()
    assert right.ok


def test_as_text(report: Report) -> None:
    text = str(report)
    assert text.startswith("least squares")
    for v in report:
        assert f"{SYMBOLS[v.status]} {v.status}" in " ".join(text.split())
    assert "∂loss/∂w" in text
    assert "by hand" in text
    assert "differences" in text
    assert "dy raised ValueError" in text
    assert text.rstrip().endswith("2 of 6 claims are right")
    assert "\x1b" not in text  # no colours in plain text
    assert repr(report) == "<Report 'least squares': 2 of 6 claims are right>"


def test_narrow_text_keeps_the_numbers(report: Report) -> None:
    lines = report.text(width=80).splitlines()
    table = lines[: lines.index("") + 1] if "" in lines else lines[:12]
    assert max(map(len, table)) <= 80
    assert not any("…" in line for line in table)


def test_every_status_has_a_symbol_and_a_style() -> None:
    assert set(SYMBOLS) == set(STYLES) == set(Status)
    assert len(set(SYMBOLS.values())) == len(Status)


def test_brackets_in_names_are_no_markup() -> None:
    d = Derivation("[bold]x[/bold]")

    @d.forward
    def forward(w):
        return np.sum(w**2)

    d.gradient("w[i]", lambda w, i: 2 * w[i], name="[red]dw[i]")
    text = str(d.verify(w=W))
    assert "[red]dw[i]" in text
    assert "∂loss/∂w[i]" in text


def test_drawn_verdicts(report: Report) -> None:
    graph, notes = report.__graph__()
    assert graph is report.graph
    assert {note.text: note.status for note in notes.values()} == {
        "dr": "wrong",
        "dw": "correct given its inputs",
        "dX": "correct",
        "dy": "unverifiable",
    }


@pytest.mark.parametrize(
    ("got", "wanted", "said"),
    [
        ((2, 3), (3, 2), "a transpose is missing or too many"),
        ((3,), (1, 3), "keep the axes (keepdims=True) or reshape"),
        ((6,), (2, 3), "keep the axes (keepdims=True) or reshape"),
        ((4, 3), (3,), "sum over axis 0, along which it was broadcast"),
        ((4, 3), (1, 3), "sum over axis 0, along which it was broadcast"),
        ((4, 3), (4, 1), "sum over axis 1, along which it was broadcast"),
        ((5, 4, 3), (3,), "sum over axis (0, 1), along which it was broadcast"),
        ((5, 4, 3), (4, 1), "sum over axis (0, 2), along which it was broadcast"),
        ((4, 3), (), "sum over axis (0, 1), along which it was broadcast"),
    ],
)
def test_advice_on_shapes(got: tuple[int, ...], wanted: tuple[int, ...], said: str) -> None:
    note = shape_note(got, wanted, "W")
    assert note.startswith(f"it returned shape {got}, but W has shape {wanted}")
    assert note.endswith(said)
    g = np.ones(got)
    if said.startswith("sum"):
        axis: Any = eval(said.partition("axis ")[2].partition(", along")[0])
        assert g.sum(axis=axis, keepdims=len(wanted) == len(got)).size == np.prod(wanted, dtype=int)


def test_no_advice_where_nothing_would_help() -> None:
    assert shape_note((2, 3), (5,), "W") == "it returned shape (2, 3), but W has shape (5,)"
