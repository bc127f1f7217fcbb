"""Batches, splits, one-hot rows, scaled pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradnp import data


@given(n=st.integers(0, 40), size=st.integers(1, 45), shuffle=st.booleans(), drop=st.booleans(), seed=st.integers(0, 9))
def test_batches_hold_every_sample_once(n, size, shuffle, drop, seed):
    X, y = np.arange(2 * n).reshape(n, 2), np.arange(n)
    epoch = data.batches(X, y, size, shuffle=shuffle, rng=seed, drop_last=drop)
    for _ in range(2):
        pairs = list(epoch)
        assert len(pairs) == len(epoch) == (n // size if drop else -(-n // size))
        assert all(len(labels) == size for _, labels in pairs[:-1])
        labels = np.concatenate([y[:0], *(labels for _, labels in pairs)])
        assert len(labels) == (n // size * size if drop else n)
        assert len(set(labels.tolist())) == len(labels)
        assert all(np.array_equal(some, X[chosen]) for some, chosen in pairs)
        if not shuffle:
            assert np.array_equal(labels, np.sort(labels))


def test_batches_are_shuffled_anew_and_again_for_the_same_seed():
    def orders(rng):
        epoch = data.batches(np.arange(50), None, 7, rng=rng)
        return [np.concatenate(list(epoch)).tolist() for _ in range(3)]

    first = orders(5)
    assert first == orders(5) == orders(np.random.default_rng(5))
    assert len({tuple(o) for o in first}) == 3
    assert first != orders(6)
    assert orders(np.random.RandomState(5)) == orders(np.random.RandomState(5))
    np.random.seed(5)
    assert orders(None) == orders(np.random.RandomState(5))


def test_batches_in_order_copy_nothing():
    X = np.zeros((5, 2))
    assert all(np.shares_memory(some, X) for some in data.batches(X, None, 2, shuffle=False))
    assert repr(data.batches(X, None, 2)) == "<3 batches of 2 from 5 samples>"


def test_split_shares_the_samples_out():
    X, y = np.arange(20).reshape(10, 2), np.arange(10)
    for test, n in ((0.25, 3), (4, 4), (0, 0), (0.0, 0)):
        parts = data.split(X, y, test=test, random_state=1)
        assert len(parts.y_test) == n
        assert sorted([*parts.y, *parts.y_test]) == list(range(10))
        assert np.array_equal(parts.X, X[parts.y])
        assert np.array_equal(parts.X_test, X[parts.y_test])
    assert data.split(X, y, test=2, shuffle=False).y_test.tolist() == [8, 9]
    assert not np.shares_memory(data.split(X, y, shuffle=False).X, X)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, bool])
def test_one_hot(dtype):
    y = np.array([[2, 0], [1, 1]], dtype=np.uint8)
    rows = data.one_hot(y, 4, dtype)
    assert (rows.shape, rows.dtype) == ((2, 2, 4), dtype)
    assert np.array_equal(rows.argmax(axis=-1), y)
    assert (rows.sum(axis=-1) == 1).all()
    assert data.one_hot(y).shape == (2, 2, 3)
    assert data.one_hot(np.array([], dtype=int)).shape == (0, 0)


def test_scaled_pixels():
    x = np.arange(256, dtype=np.uint8)
    assert np.array_equal(data.scale_pixels(x), np.arange(256) / 255)
    assert np.array_equal(data.scale_pixels(x.astype(float)), np.arange(256) / 255)
    assert data.scale_pixels(x, np.float32).dtype == np.float32
    assert x[-1] == 255  # nothing happens in place
    assert data.scale_pixels(np.zeros((0, 784))).shape == (0, 784)


X = np.zeros((5, 2))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: data.batches(X, np.zeros(4)), ValueError, r"as many rows.*\(5, 2\) and \(4,\)$"),
        (lambda: data.batches(X.T, np.zeros(5)), ValueError, r"X has the samples along its last axis; pass X.T"),
        (lambda: data.batches(3.0), ValueError, "X must have rows"),
        (lambda: data.batches(X, batch_size=0), ValueError, "batch_size must be at least 1"),
        (lambda: data.batches(X, batch_size=2.0), TypeError, "batch_size must be an integer"),
        (lambda: data.batches(X, rng="a"), TypeError, "rng must be a seed.*'a'"),
        (lambda: data.batches(X, rng=-1), ValueError, "rng must be at least 0"),
        (lambda: data.split(X, np.zeros(5), test=5), ValueError, "test=5 sets all 5 samples aside"),
        (lambda: data.split(X, np.zeros(5), test=1.0), ValueError, "test=1.0 must be a part"),
        (lambda: data.split(X, np.zeros(5), test=-1), ValueError, "test must be at least 0"),
        (lambda: data.split(X, np.zeros(3)), ValueError, "as many rows"),
        (lambda: data.one_hot([0.0, 1.0]), TypeError, r"labels must be integers, not float64: use labels.astype\(int\)"),
        (lambda: data.one_hot(["5", "0"]), TypeError, r"labels.astype\(int\); number them with np.unique"),
        (lambda: data.one_hot([0, 3], 3), ValueError, r"from 0 to 2 for 3 classes, but labels\[1\] is 3"),
        (lambda: data.one_hot([[0], [-1]]), ValueError, r"but labels\[1, 0\] is -1"),
        (lambda: data.scale_pixels([0, 256]), ValueError, "from 0 to 255, but these run from 0 to 256"),
        (lambda: data.scale_pixels([-1.0]), ValueError, "from 0 to 255, but these run from -1.0"),
        (lambda: data.scale_pixels([np.nan, 1]), ValueError, "from 0 to 255"),
        (lambda: data.scale_pixels([0.0, 0.5]), ValueError, "scaled already"),
        (lambda: data.scale_pixels([0, 1], int), TypeError, "dtype=int64 cannot hold numbers between 0 and 1"),
        (lambda: data.scale_pixels(["0"]), TypeError, "pixels must be numbers"),
    ],
)  # fmt: skip
def test_errors_name_the_argument(call, error, words):
    with pytest.raises(error, match=words):
        call()
