"""Random programs: every outcome is a right gradient or a clear error.

MICROGRADNP_FUZZ=60 runs for so many seconds, in place of a fixed number of programs; ``python -m tests.fuzzing`` runs longer,
with other seeds.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.primitives import TABLE
from tests.fuzzing import Program, fuzz, judge, minimal, program, refusal, slope

rng = np.random.default_rng(0)
INPUTS = {
    "x": rng.normal(size=4),
    "A": rng.normal(size=(3, 3)),
    "T": rng.normal(size=(2, 3, 4)),
    "s": rng.normal(size=3).astype(np.float32),
    "c": (rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))).astype(np.complex64),
    "empty": np.zeros((0, 3)),
}

# what the fuzzer has found, each mended
FOUND = (
    "np.dot(x, -1.5)",
    "np.dot(2.0, T)",
    "np.hypot.reduce(x[:1])",
    "np.hypot.reduce(x)",
    "(1 + 2j) - x[0]",
    "x.sum() * 2j",
    "c.max(axis=0)",
    "np.linalg.slogdet(np.outer(x, x))[0] * x",
    "np.linalg.eig(empty @ empty.T)[0]",
    "np.stack([x[0], 1.0])",
    "np.hypot.reduce(x > 0)",
    "np.linalg.svd(A + A.T, hermitian=True)[0]",
    "np.linalg.svd(A + A.T, hermitian=True)[2]",
    "np.linalg.svd(np.stack([A + A.T, A @ A.T]), hermitian=True)[1]",
    "np.logaddexp.reduce(A > 0, axis=0)",
    "np.hypot.accumulate(x > 0)",
    "np.fmax(s, s)",
    "np.maximum(s, s)",
    "np.cov(A, dtype=np.float32)",
    "np.corrcoef(A, dtype=np.float32)",
    "np.linalg.multi_dot([T, T[0].T])",
    "np.logical_and.accumulate(A)",
    "np.equal.reduceat(x > 0, [0, 2])",
)


@pytest.mark.parametrize("line", FOUND)
def test_found_before(line: str) -> None:
    verdict = judge(Program(INPUTS, [f"y = {line}"]), second=True)
    assert verdict.startswith("ok"), verdict


def test_repeated_subscripts_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="the axes of 'i' have the lengths 0, 3"):
        np.einsum("ii->i", mg.tensor(INPUTS["empty"], requires_grad=True))


def test_random_programs() -> None:
    seconds = os.environ.get("MICROGRADNP_FUZZ")
    failures, outcomes = fuzz(seed=0, **({"seconds": float(seconds)} if seconds else {"programs": 300}))
    assert not failures, "\n\n".join(map(str, failures))
    assert outcomes["ok"] > 100  # most are judged by differences


def test_a_program_is_what_its_seed_says() -> None:
    assert str(program(3, 7)) == str(program(3, 7))
    assert str(program(3, 7)) != str(program(4, 7))


@pytest.fixture
def _wrong_sine(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = tuple((lambda _y, x: 1.001 * np.cos(x)) for _ in range(1))
    monkeypatch.setattr(TABLE[np.sin], "locals", wrong)
    monkeypatch.setattr(TABLE[np.sin], "rules", wrong)
    monkeypatch.setattr(TABLE[np.sin], "sweeping", None)
    yield
    TABLE[np.sin].sweeping = None


@pytest.mark.usefixtures("_wrong_sine")
def test_a_wrong_rule_is_found_and_the_program_made_small() -> None:
    p = Program(INPUTS, ["u = A + 1.0", "v = np.exp(x)", "w = np.sin(v)", "y = w * 2.0", "z = y + u[0, 0]"])
    small, told = minimal(p, second=False)
    assert told.startswith("the derivative is")
    assert small.lines == ["w = np.sin(x)"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("mg.tensor(x.data if hasattr(x, 'node') else x) * 2", "detached"),
        ("x[0].item() if hasattr(x, 'node') else x[0] * 2", "value"),
        ("np.ones(3) if hasattr(x, 'node') else x[0] * 2", "shape"),
        ("x * undefined if hasattr(x, 'node') else x", "raises NameError"),
    ],
)
def test_other_faults_are_told(line: str, told: str) -> None:
    assert judge(Program(INPUTS, [f"y = {line}"])).startswith(told)


def test_errors_need_words() -> None:
    assert refusal(ValueError("operands could not be broadcast"), None).startswith("refused without a reason")
    assert refusal(KeyError("x"), None).startswith("raises KeyError")
    assert refusal(NotImplementedError("np.f has no derivative rule"), None) == "ok, refused"


def test_slopes_tell_kinks() -> None:
    value, error = slope(lambda t: np.asarray(np.sin(t)))
    assert abs(value - 1) < 1e-12
    assert error < 1e-9
    assert slope(lambda t: np.asarray(np.abs(t - 0.004)))[1] > 0.01
