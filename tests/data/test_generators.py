"""Disc, spirals, truth tables, inputs along a line: what they promise, and errors that name the argument."""

import numpy as np
import pytest

from microgradnp import data

GENERATORS = [data.disc, data.spirals, data.line]
generator = pytest.mark.parametrize("generate", GENERATORS, ids=lambda g: g.__name__)


def equal(ours, theirs):
    return len(ours) == len(theirs) and all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


@generator
@pytest.mark.parametrize("seed", [int, np.random.RandomState, np.random.default_rng], ids=["int", "state", "generator"])
def test_the_same_seed_gives_the_same_data(generate, seed):
    noisy = {"noise": 0.1} if generate is data.spirals else {}
    first, again, other = (generate(50, random_state=seed(s), **noisy) for s in (1, 1, 2))
    assert equal(first, again)
    assert not equal(first, other)


@generator
def test_no_seed_draws_from_the_global_stream(generate):
    np.random.seed(4)
    ours = generate(20)
    assert equal(ours, generate(20, random_state=4))


@generator
def test_no_points_at_all(generate):
    assert all(len(part) == 0 for part in generate(0))


def test_disc_is_what_document_000_may_have_shown():
    np.random.seed(9)
    X = np.random.randn(300, 2)
    ours, y = data.disc(random_state=9)
    squares = (X**2).sum(axis=1)
    assert np.array_equal(ours, X)
    assert np.array_equal(y, squares > np.median(squares))
    assert np.bincount(y).tolist() == [150, 150]


def test_radius_of_the_disc():
    X, y = data.disc(1000, radius=0.5, random_state=0)
    assert np.array_equal(np.linalg.norm(X, axis=1) > 0.5, y == 1)
    assert (data.disc(5, radius=0)[1] == 1).all()


@pytest.mark.parametrize("arms", [1, 2, 3, 7])
@pytest.mark.parametrize("turns", [0, 0.75, -2])
def test_spirals_wind_as_said(arms, turns):
    X, y = data.spirals(30 * arms + 1, arms=arms, turns=turns, random_state=0)
    assert np.bincount(y).tolist() == [31] + [30] * (arms - 1)
    radii = np.linalg.norm(X, axis=1)
    assert 0 < radii.min() < radii.max() == pytest.approx(1)
    unwound = np.exp(-2j * np.pi * (turns * radii + y / arms)) * (X[:, 0] + 1j * X[:, 1])
    np.testing.assert_allclose(unwound, radii, atol=1e-12)


def test_noise_of_spirals_comes_after_the_permutation():
    clean, y = data.spirals(500, random_state=1)
    noisy, same = data.spirals(500, random_state=1, noise=0.1)
    assert np.array_equal(y, same)
    assert (noisy - clean).std() == pytest.approx(0.1, rel=0.1)


def test_truth_tables():
    X, y = data.xor()
    assert (X.shape, X.dtype, y.dtype) == ((4, 2), np.float64, np.intp)
    assert np.array_equal(y, X[:, 0].astype(int) ^ X[:, 1].astype(int))
    X, y = data.first_bit()
    assert X.tolist() == [[0, 1, 0], [1, 0, 0], [1, 1, 1], [0, 1, 1]]
    assert y.tolist() == [0, 1, 1, 0]
    X[:] = 9
    assert data.first_bit()[0].max() == 1  # nobody shares the arrays


def test_random_inputs_are_drawn_as_in_document_004():
    np.random.seed(3)
    x, x_test = np.random.rand(100), np.random.rand(20)
    np.random.shuffle(x)
    X, y, X_test, y_test = data.line(random_state=3)
    assert np.array_equal(X[:, 0], x)
    assert np.array_equal(X_test[:, 0], x_test)
    assert (y == 0.15).all()
    assert (y.shape, y_test.shape) == ((100, 1), (20, 1))


def test_sequential_and_constant_inputs():
    X, _, X_test, _ = data.line(11, "sequential", n_test=3, random_state=0)
    assert np.array_equal(np.sort(X[:, 0]), np.linspace(0, 1, 11))
    assert X_test.shape == (3, 1)
    assert not np.array_equal(X[:, 0], np.sort(X[:, 0]))
    constant = data.line(4, "constant", value=0.25, target=-1.0)
    assert (constant.X == 0.25).all()
    assert (constant.y == -1).all()


@pytest.mark.parametrize(
    ("generate", "arguments", "error", "words"),
    [
        (data.disc, {"n_samples": -1}, ValueError, "n_samples must be at least 0"),
        (data.disc, {"n_samples": 3.0}, TypeError, "n_samples must be an integer"),
        (data.disc, {"radius": -1.0}, ValueError, "radius cannot be negative, got -1.0"),
        (data.disc, {"radius": "1"}, TypeError, "radius must be a number"),
        (data.disc, {"random_state": "1"}, TypeError, "random_state must be a seed"),
        (data.spirals, {"arms": 0}, ValueError, "arms must be at least 1"),
        (data.spirals, {"turns": np.nan}, ValueError, "turns must be finite"),
        (data.spirals, {"noise": -0.1}, ValueError, "noise .* cannot be negative"),
        (data.line, {"inputs": "rand"}, ValueError, "inputs must be 'random', 'sequential' or 'constant', got 'rand'"),
        (data.line, {"n_test": -1}, ValueError, "n_test must be at least 0"),
        (data.line, {"target": None}, TypeError, "target must be a number"),
        (data.line, {"inputs": "constant", "value": np.inf}, ValueError, "value must be finite"),
    ],
)  # fmt: skip
def test_a_bad_argument_is_named_and_nothing_is_drawn(generate, arguments, error, words):
    np.random.seed(0)
    with pytest.raises(error, match=words):
        generate(**arguments)
    assert np.random.normal() == np.random.RandomState(0).normal()
