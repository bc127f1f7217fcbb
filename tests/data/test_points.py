"""Circles, moons and blobs: scikit-learn's points, stored figures, and errors that name the argument."""

import numpy as np
import pytest

from microgradnp.data import blobs, circles, moons

CASES = [
    (circles, {}),
    (circles, {"n_samples": 0}),
    (circles, {"n_samples": 1, "factor": 0.0}),
    (circles, {"n_samples": 101, "noise": 0.1, "factor": 0.3}),
    (circles, {"n_samples": 100, "noise": 0.1, "factor": 0.3, "shuffle": False}),
    (circles, {"n_samples": np.int64(7), "noise": 0, "shuffle": False}),
    (circles, {"n_samples": (30, 0), "noise": 0.2}),
    (moons, {}),
    (moons, {"n_samples": 1}),
    (moons, {"n_samples": 51, "noise": 0.1}),
    (moons, {"n_samples": (3, 8), "noise": 0.1, "shuffle": False}),
    (blobs, {}),
    (blobs, {"n_samples": 2, "n_features": 3, "centers": 5}),
    (blobs, {"n_samples": 9, "centers": [[0, 0, 1], [1, 1, 1]], "cluster_std": [1, 2]}),
    (blobs, {"n_samples": [3, 0, 7, 2], "cluster_std": 0.0, "shuffle": False, "return_centers": True}),
    (blobs, {"n_samples": (4, 5), "centers": np.eye(2, dtype="f"), "cluster_std": np.array([1.0, 3.0])}),
    (blobs, {"n_samples": 20, "n_features": 1, "centers": 2, "center_box": (0, 1), "return_centers": True}),
]
case = pytest.mark.parametrize(("generate", "arguments"), CASES, ids=lambda v: getattr(v, "__name__", str(v)))


def same(ours, theirs):
    """Every bit, and the order in memory, which decides how a sum rounds."""
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        np.testing.assert_array_equal(a, b)
    X, y = ours[:2]
    assert (X.dtype, y.dtype) == (np.float64, np.intp)
    assert X.strides == theirs[0].strides or X.size == 0


@case
def test_points_are_those_of_scikit_learn(generate, arguments):
    theirs = getattr(pytest.importorskip("sklearn.datasets"), "make_" + generate.__name__)
    same(generate(**arguments, random_state=5), theirs(**arguments, random_state=5))

    ours, other = np.random.RandomState(3), np.random.RandomState(3)
    same(generate(**arguments, random_state=ours), theirs(**arguments, random_state=other))
    assert ours.normal() == other.normal()  # the stream goes on from the same place


@case
def test_global_stream(generate, arguments):
    np.random.seed(7)
    ours = generate(**arguments)
    after = np.random.normal()
    stream = np.random.RandomState(7)
    same(ours, generate(**arguments, random_state=stream))
    assert after == stream.normal()

    theirs = getattr(pytest.importorskip("sklearn.datasets"), "make_" + generate.__name__)
    np.random.seed(7)
    same(ours, theirs(**arguments))
    assert after == np.random.normal()


# Figures of scikit-learn 1.9, which pin the points where it is not installed; another platform's cos and log
# may round the last digit differently.
def close(ours, figures):
    np.testing.assert_allclose(ours, figures, rtol=0, atol=1e-14)


def test_circles_of_the_vectorisation_tutorial():
    """The data of peterroelants.github.io, "Vectorization of the backpropagation algorithm"."""
    np.random.seed(1)
    X, t = circles(100, shuffle=False, factor=0.3, noise=0.1)
    close(X[0], [1.1624345363663242, -0.06117564136500754])
    close(X[1], [0.9392975260881323, 0.0180363713486872])
    assert X.sum() == pytest.approx(2.1337762969589744, rel=1e-13)
    assert t.tolist() == [0] * 50 + [1] * 50


def test_stored_figures_of_moons_and_blobs():
    X, y = moons(5, noise=0.1, random_state=0)
    close(X[0], [0.09787379841057392, 0.7240893199201458])
    close(X[4], [2.0144043571160877, 0.6454273506962974])
    assert y.tolist() == [1, 0, 0, 1, 1]
    X, y, centers = blobs(4, centers=2, random_state=0, return_centers=True)
    close(X[0], [2.199311092593756, 2.351937166900912])
    close(X[3], [2.8438280686964625, 3.326509447571979])
    assert y.tolist() == [1, 1, 0, 0]
    close(centers[1], [2.055267521432878, 0.8976636599379368])


@case
def test_generator(generate, arguments):
    first, again, other = (generate(**arguments, random_state=np.random.default_rng(seed)) for seed in (1, 1, 2))
    same(first, again)
    assert first[0].shape == other[0].shape
    assert first[0].size < 3 or arguments.get("noise", 1) == 0 or not np.array_equal(first[0], other[0])


def test_generated_points_lie_where_they_should():
    X, y = circles(1000, noise=0.01, factor=0.4, random_state=0)
    assert np.abs(np.linalg.norm(X, axis=1) - np.where(y == 0, 1.0, 0.4)).max() < 0.06
    X, y = moons(1000, noise=0.01, random_state=0)
    assert np.abs(np.linalg.norm(X - np.where(y == 0, 0, [[1], [0.5]]).T, axis=1) - 1).max() < 0.06
    X, y, centers = blobs(6000, cluster_std=[1, 2, 3], random_state=0, return_centers=True)
    for i, std in enumerate([1, 2, 3]):
        assert np.allclose(X[y == i].mean(axis=0), centers[i], atol=5 * std / 2000**0.5)
        assert np.allclose(X[y == i].std(axis=0), std, rtol=0.1)


def test_given_centers_are_returned_as_a_copy():
    given = np.zeros((2, 2))
    blobs(4, centers=given, return_centers=True)[2][:] = 1
    assert given.sum() == 0


@pytest.mark.parametrize(
    ("generate", "arguments", "error", "words"),
    [
        (circles, {"n_samples": -1}, ValueError, "n_samples must be at least 0, got -1"),
        (circles, {"n_samples": 10.0}, TypeError, r"n_samples must be .*10\.0 \(float\)"),
        (circles, {"n_samples": True}, TypeError, "n_samples must be an integer, got True"),
        (circles, {"n_samples": "ab"}, TypeError, "n_samples must be .*'ab'"),
        (circles, {"n_samples": (1, 2, 3)}, ValueError, "n_samples must have 2 entries, got 3"),
        (circles, {"n_samples": [[1], [2]]}, TypeError, r"n_samples must be an integer, got \[1\]"),
        (circles, {"factor": 1.0}, ValueError, r"factor .* \[0, 1\), got 1.0"),
        (circles, {"factor": float("nan")}, ValueError, "factor must be finite"),
        (circles, {"factor": "0.3"}, TypeError, "factor must be a number, got '0.3'"),
        (circles, {"noise": -0.1}, ValueError, "noise .* cannot be negative, got -0.1"),
        (moons, {"noise": float("inf")}, ValueError, "noise must be finite"),
        (moons, {"noise": True}, TypeError, "noise must be a number"),
        (moons, {"random_state": "1"}, TypeError, r"random_state must be a seed.*'1' \(str\)"),
        (moons, {"random_state": -1}, ValueError, r"random_state .* \[0, 2\*\*32\), got -1"),
        (blobs, {"n_samples": 0}, ValueError, "n_samples must be at least 1"),
        (blobs, {"n_samples": [3, -1]}, ValueError, "n_samples must be at least 0, got -1"),
        (blobs, {"n_samples": [3, 3], "centers": np.eye(3)}, ValueError, "2 clouds, but there are 3 centers"),
        (blobs, {"n_features": 0}, ValueError, "n_features must be at least 1"),
        (blobs, {"centers": 0}, ValueError, "centers must be at least 1"),
        (blobs, {"centers": [1.0, 2.0]}, ValueError, r"centers .* got \[1.0, 2.0\]"),
        (blobs, {"centers": [[1.0, np.nan]]}, ValueError, "centers must be a number or a finite array"),
        (blobs, {"center_box": (1, 0)}, ValueError, "center_box is a pair"),
        (blobs, {"center_box": 3}, TypeError, "center_box must be"),
        (blobs, {"cluster_std": -1}, ValueError, "cluster_std .* cannot be negative"),
        (blobs, {"cluster_std": [1.0]}, ValueError, "cluster_std must have 3 entries, got 1"),
    ],
)
def test_a_bad_argument_is_named_and_nothing_is_drawn(generate, arguments, error, words):
    np.random.seed(0)
    with pytest.raises(error, match=words):
        generate(**arguments)
    assert np.random.normal() == np.random.RandomState(0).normal()
