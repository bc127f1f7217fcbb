"""The networks of the examples learn what they are said to learn, also in a few steps."""

import importlib
from pathlib import Path

import numpy as np
import pytest

import microgradnp as mg

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def example(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module


def test_a_convolutional_network_reads_digits(example, capsys):
    convolution = example("digits_convolution")
    X, y, X_test, y_test = convolution.digits(full=False)
    data = mg.data.Split(X[:800], y[:800], X_test, y_test)
    history = convolution.learn(convolution.network(), data, epochs=4)
    assert history.validation["accuracy"][-1] > 0.85
    assert history.losses[-1] < history.losses[0] / 2
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_shifted_digits_lose_nothing(example):
    X, y = mg.data.digits(images=True, scaled=False)
    batches = example("digits_convolution").Shifted(X, y, 64)
    moved = [x.sum(axis=(1, 2, 3)) for x, _ in batches]
    assert len(moved) == len(batches) == 32
    assert sum(m.sum() for m in moved) == X.sum()
    assert not np.array_equal(next(iter(batches))[0], next(iter(batches))[0])


def test_a_recurrent_network_learns_a_rhyme(example, capsys):
    characters = example("characters")
    known, last = "".join(characters.verse(n) for n in range(11)), characters.verse(11)
    model = characters.Characters(sorted(set(known + last)), hidden=64)
    before = model.surprise(last).mean()
    assert before == pytest.approx(np.log2(27), rel=0.1)  # as good as nothing known
    history = characters.learn(model, known, last, epochs=8, updates=15, length=32)
    bits, new = model.surprise(last), last.index(" the farmer")
    assert bits[:new].mean() > 2
    assert bits[new:].mean() < 0.8
    assert history.validation["loss"][-1] == pytest.approx(bits.mean() * np.log(2), rel=1e-3)
    written = model.write("This is ", 200)
    assert written.startswith("This is ")
    assert len(written) == 208
    assert characters.known_words(written, known) > 0.6


def test_entropy_of_counted_characters(example):
    entropy = example("characters").entropy
    assert entropy("abab" * 10, 0) == pytest.approx(np.log(2))
    assert entropy("abab" * 10, 1) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("text", ["ab\n\n c" * 9, "é" * 120 + "x\n", "\n\na b"])
def test_pictures_of_any_text(example, text):
    characters = example("characters")
    model = characters.Characters(sorted(set(text)), hidden=32)
    bits = model.surprise(text)
    written = characters.surprises(bits, bits, text).axes[0]
    ground = written.images[0].get_array()
    assert len(written.texts) == len(text)
    np.testing.assert_allclose(np.ma.filled(ground, np.nan)[~np.ma.getmaskarray(ground)], bits)
    expected, kept, *_ = characters.expectations(model, text).axes
    assert len(expected.get_xticklabels()) == len(kept.get_xticklabels()) == len(text) - 1
