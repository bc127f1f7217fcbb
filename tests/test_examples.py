"""Every example runs alone, in a folder of its own, and finds what is to be found."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from microgradnp.verify import Cause, Status

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
SAYS = {
    "check_a_derivation.py": [
        "`dz1` equals the right answer with z1 * (1 - z1) in place of h * (1 - h)",
        "dW1 (∂loss/∂W1): correct given its inputs",
        "3 of 6 claims are right",
    ],
    "document_000.py": ["R-03", "sigmoid(z) in place of (z > 0)"],
    "document_001.py": ["No gradient errors found", "0.38075 after 300 iterations; accuracy 1.00"],
    "document_002.py": ["R-43", "index 3 is out of bounds"],
    "document_003.py": ["R-50", "in the shape (1, 1) instead of ()"],
    "document_004.py": ["R-60", "`transpose(W2)` is changed to `(transpose(W2)).T`"],
    "errata.py": ["# Errata of the five documents", "## Document 001", "No mistake found.", "### R-60"],
}
#: Number and name of the claims that must be found wrong or not computable; all the others must not be.
MISTAKES = {
    "document_000": {
        ("R-03", "relu_grad"), ("R-04", "grad_output"), ("R-05", "grad_hidden"),
        ("R-08", "minus_error"),
    },
    "document_001": set(),
    "document_002": {
        ("R-31", "activation_of_the_first"), ("R-33", "net_input"), ("R-37", "delta_in"), ("R-38", "weight_out_ij"),
        ("R-39", "weight_h_ij"),
    },
    "document_003": {("R-46", "log_loss_derivative"), ("R-46", "dz1"), ("R-47", "dW1"), ("R-48", "db1")},
    "document_004": {
        ("R-57", "transposed"), ("R-57", "delta1"), ("R-57", "grad_W2"), ("R-59", "percent_diff"),
        ("R-60", "contour_surface"),
    },
}  # fmt: skip
NUMBERS = {
    "document_000": range(1, 9),
    "document_001": range(11, 24),
    "document_002": [26, 27, 28, 29, 31, *range(33, 44)],
    "document_003": range(44, 51),
    "document_004": range(51, 61),
}


@pytest.fixture(autouse=True)
def _path(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))


def imported(name):
    return importlib.import_module(name)


def test_every_example_is_tested():
    assert {p.name for p in EXAMPLES.glob("*.py")} - {"listing.py"} == set(SAYS)


@pytest.mark.parametrize("example", SAYS)
def test_example(example, tmp_path):
    environment = {
        "PYTHONPATH": str(ROOT),
        "PATH": "/usr/bin:/bin",
        "PYTHONIOENCODING": "utf-8",
        "OPENBLAS_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / example)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    for text in SAYS[example]:
        assert text in done.stdout


@pytest.mark.parametrize("document", MISTAKES)
def test_claims_of_a_document(document):
    rows = list(imported(document).verdicts())
    assert {r.number for r in rows} == {f"R-{n:02}" for n in NUMBERS[document]}
    bad = (Status.WRONG, Status.UNVERIFIABLE)
    doubtful = (*bad, Status.CONVENTION)  # -n times the gradient, which the update sets right
    # an update is wrong with the gradient that it uses, or right given it
    found = {(r.number, r.verdict.name) for r in rows if r.verdict.status in doubtful and r.verdict.kind != "update"}
    assert found == MISTAKES[document]
    assert all(r.verdict.explanation for r in rows if r.verdict.status in bad and r.verdict.kind == "gradient"
               and "[" not in r.verdict.of)  # fmt: skip


def test_causes_in_the_documents():
    found = {}
    for document in MISTAKES:
        for r in imported(document).verdicts():
            found.setdefault((r.number, r.verdict.name), set()).add(r.verdict.cause)
    assert found["R-03", "relu_grad"] == {Cause.SURROGATE_DERIVATIVE}
    assert found["R-05", "grad_hidden"] == {Cause.SURROGATE_DERIVATIVE, Cause.DERIVATIVE_AT_WRONG_PLACE}
    assert found["R-57", "delta1"] == {Cause.TRANSPOSE}
