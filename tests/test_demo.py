"""The demonstration: document 001 with its own numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

import microgradnp as mg
from microgradnp import cli, demo

REFERENCE = json.loads((Path(__file__).parent / "reference" / "document_001.json").read_text())


@pytest.fixture(scope="module")
def document():
    """Data and both draws of the parameters, in the document's order."""
    X, t, T, stream = demo.dataset()
    return X, t, T, demo.initial(stream, 1.0), demo.initial(stream, 0.1)


def test_data_are_the_documents(document):
    X, t, T, *_ = document
    assert X.sum() == pytest.approx(REFERENCE["X_sum"], rel=1e-13)
    np.testing.assert_allclose(X[:2], REFERENCE["X_first2"], rtol=1e-14)
    assert T.shape == (100, 2)
    np.testing.assert_array_equal(T.argmax(axis=1), t)


def test_parameters_of_the_gradient_check(document):
    for name, value in REFERENCE["gradcheck"]["params"].items():
        np.testing.assert_allclose(document[3][name], value, rtol=1e-15)


def test_gradients_at_the_documents_point(document):
    X, _, T, p, _ = document
    loss, gradients = mg.value_and_grad(demo.network, argnums=(2, 3, 4, 5))(X, T, *p.values())
    assert loss == pytest.approx(REFERENCE["gradcheck"]["loss"], rel=1e-13)
    for name, g in zip(p, gradients, strict=True):
        np.testing.assert_allclose(g, REFERENCE["gradcheck"]["grads"][name], rtol=1e-11)


def test_training_follows_the_document(document):
    X, t, T, _, start = document
    losses, trained = demo.train(X, T, start)
    np.testing.assert_allclose(losses, REFERENCE["losses"], rtol=1e-9)
    assert np.mean(demo.predict(X, trained) == t) == REFERENCE["accuracy"]
    for name, value in REFERENCE["final"].items():
        np.testing.assert_allclose(trained[name], value, rtol=1e-8)


def test_every_claim_is_judged_and_right(document):
    X, _, T, p, _ = document
    momenta = {f"M{name}": np.full(value.shape, 0.3) for name, value in p.items()}
    d, claims = demo.derivation()
    checked, numerical = demo.central_differences()
    report, numerical_report = d.verify(X=X, T=T, **p, **momenta), checked.verify(X=X, T=T, **p)
    assert report.ok, str(report)
    assert numerical_report.ok, str(numerical_report)
    assert sorted({c.number for c in claims + numerical}) == [f"R-{n}" for n in range(11, 24)]
    for verdict in report:  # three witnesses, all three
        assert np.shape(verdict.hand) == np.shape(verdict.autodiff) == np.shape(verdict.differences)
        assert np.all(np.isfinite(verdict.differences))


def test_a_mistake_in_the_derivation_is_found(document):
    X, _, T, p, _ = document
    d = mg.Derivation("with a mistake")
    d.forward(demo.network)
    d.gradient("Zo", lambda Y, T: Y - T, name="Eo")
    d.gradient("Zh", lambda H, Wo, Eo: H * (Eo @ Wo.T), name="Eh")
    d.gradient("Wh", lambda X, Eh: X.T @ Eh, name="JWh")
    report = d.verify(X=X, T=T, **p)
    assert [str(v.status) for v in report] == ["correct", "wrong", "correct given its inputs"]


def test_the_command_writes_everything(tmp_path, capsys):
    assert cli.main(["demo", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert all(f"R-{n}" in printed for n in range(11, 24))
    assert "No gradient errors found" in printed
    assert "loss 69.47404 before training, 0.38075 after 300 iterations; accuracy 1.00" in printed
    files = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    assert set(files) == {"graph.svg", "scatter.png", "loss.png", "regions.png", "hidden.png", "verdicts.txt"}
    assert b"<svg" in files["graph.svg"]
    assert all(files[name].startswith(b"\x89PNG") for name in files if name.endswith(".png"))
    verdicts = files["verdicts.txt"].decode()
    assert verdicts.count("correct") >= 22
    assert "wrong" not in verdicts


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert cli.main(["demo", "--out", str(tmp_path / "file")]) == 2
    assert "Choose another folder with --out" in capsys.readouterr().err


def test_an_unknown_command_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["teach"])
    assert stop.value.code == 2
