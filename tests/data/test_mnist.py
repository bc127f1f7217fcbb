"""IDX files of every kind and damage, MNIST from folders and from a server, the digits that ship."""

import contextlib
import gzip
import hashlib
import http.server
import os
import struct
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgradnp import data
from microgradnp.data import download, idx
from tests.data.make_digits import first_of_each, packed

rng = np.random.default_rng(0)


def written(path, content, compress=False):
    path.write_bytes(gzip.compress(content) if compress else content)
    return path


def encoded(array, code):
    return (
        struct.pack(f">4B{array.ndim}I", 0, 0, code, array.ndim, *array.shape) + array.astype(idx.TYPES[code]).tobytes()
    )


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("shape", [(5,), (0,), (2, 3, 4), (3, 0, 2)])
@pytest.mark.parametrize("code", idx.TYPES)
def test_idx(tmp_path, code, shape, compress):
    array = rng.integers(0, 100, shape).astype(np.dtype(idx.TYPES[code]).newbyteorder("="))
    read = data.read_idx(written(tmp_path / "file", encoded(array, code), compress))
    assert read.dtype == array.dtype
    assert np.array_equal(read, array)
    assert read.flags.writeable


GOOD = encoded(np.arange(6).reshape(2, 3), 0x08)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no IDX file: it begins with nothing"),
        (b"\0\0", "no IDX file: it begins with 00 00"),
        (b"\x89PNG\r\n", "no IDX file: it begins with 89 50 4e 47"),
        (b"\0\0\x0a\1" + bytes(20), "no IDX file"),
        (b"\0\0\x08\0" + bytes(20), "no IDX file"),
        (GOOD[:9], "cut off within the lengths of its 2 axes"),
        (GOOD[:-1], r"shape \(2, 3\) \(6 bytes\), but"),
        (GOOD + b"\0", r"shape \(2, 3\) \(6 bytes\), but goes on"),
        (struct.pack(">4B3I", 0, 0, 8, 3, *[2**32 - 1] * 3), "more than limit=2,147,483,648"),
        (struct.pack(">4B2I", 0, 0, 8, 2, 2**15, 2**15), "too small for that: damaged or cut off"),
        (bytes([0, 0, 8, 65]) + bytes(4 * 65), "65 axes"),
    ],
)
def test_damaged_idx_files_are_named(tmp_path, content, words, compress):
    path = written(tmp_path / "strange-file", content, compress)
    with pytest.raises(ValueError, match=words) as caught:
        data.read_idx(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b[:30], lambda b: b[:12], lambda b: b[:40] + b"xx" + b[42:]]
)
def test_damaged_gzip_files_are_named(tmp_path, damage):
    whole = gzip.compress(encoded(rng.integers(0, 256, (9, 9)), 0x08))
    path = tmp_path / "images.gz"
    path.write_bytes(damage(whole))
    with pytest.raises(ValueError, match=r"images\.gz: .*(damaged|cut off)"):
        data.read_idx(path)


def test_a_bomb_does_not_go_off(tmp_path, monkeypatch):
    """A file of 50 kB that says 6 bytes and holds 50 MB: no more is taken out of it than it says."""
    path = written(tmp_path / "bomb.gz", GOOD + bytes(50_000_000), compress=True)
    assert path.stat().st_size < 100_000
    taken = []

    class Counting(gzip.GzipFile):
        def read(self, size=-1):
            taken.append(size)
            return super().read(size)

    monkeypatch.setattr(gzip, "GzipFile", Counting)
    with pytest.raises(ValueError, match="goes on"):
        data.read_idx(path)
    assert min(taken) >= 0
    assert sum(taken) < 100


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_give_an_array_or_a_value_error(tmp_path_factory, content, start):
    path = tmp_path_factory.mktemp("any") / "some-file"
    path.write_bytes((b"\0\0\x08" if start else b"\x1f\x8b\x08\0") + content)
    with contextlib.suppress(ValueError):
        assert data.read_idx(path).size <= 60


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        data.read_idx(tmp_path / "nowhere")
    with pytest.raises(OSError, match=tmp_path.name):
        data.read_idx(tmp_path)


# -- MNIST from a folder -----------------------------------------------------------------------------------------------

TRAIN, LABELS, TEST, TEST_LABELS = download.FILES


@pytest.fixture
def small():
    """Return a small set in MNIST's form, by file name."""
    return {
        TRAIN: rng.integers(0, 256, (7, 28, 28)),
        LABELS: rng.integers(0, 10, 7),
        TEST: rng.integers(0, 256, (3, 28, 28)),
        TEST_LABELS: rng.integers(0, 10, 3),
    }


def laid_out(folder, arrays, names="{}.gz"):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        file = names.format(name)
        written(folder / file, encoded(array, 0x08), file.endswith(".gz"))
    return folder


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch):
    monkeypatch.delenv("MICROGRADNP_DATA", raising=False)


@pytest.mark.parametrize("place", [".", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("names", ["{}", "{}.gz"])
def test_from_a_folder_or_the_variable(tmp_path, small, monkeypatch, place, names):
    laid_out(tmp_path / place, small, names)
    X, y, X_test, y_test = data.mnist(tmp_path)
    assert np.array_equal(X, small[TRAIN].reshape(7, 784) / 255)
    assert np.array_equal(y, small[LABELS])
    assert np.array_equal(X_test, small[TEST].reshape(3, 784) / 255)
    assert np.array_equal(y_test, small[TEST_LABELS])
    assert (X.dtype, y.dtype) == (np.float64, np.intp)
    monkeypatch.setenv("MICROGRADNP_DATA", str(tmp_path))
    assert all(np.array_equal(a, b) for a, b in zip(data.mnist(), (X, y, X_test, y_test), strict=True))


def test_names_with_a_dot(tmp_path, small):
    laid_out(tmp_path, {name.replace("-idx", ".idx"): array for name, array in small.items()}, "{}")
    assert data.mnist(tmp_path).X.shape == (7, 784)


def test_forms(tmp_path, small):
    laid_out(tmp_path, small)
    raw = data.mnist(tmp_path, scaled=False)
    assert raw.X.dtype == np.uint8
    assert np.array_equal(raw.X, small[TRAIN].reshape(7, 784))
    assert data.mnist(tmp_path, scaled=False, dtype=float).X.max() > 1
    images = data.mnist(tmp_path, images=True, dtype=np.float32)
    assert (images.X.shape, images.X.dtype, images.X_test.shape) == ((7, 1, 28, 28), np.float32, (3, 1, 28, 28))
    with pytest.raises(TypeError, match="dtype=int8 cannot hold pixels"):
        data.mnist(tmp_path, scaled=False, dtype=np.int8)


def test_missing_files_are_listed(tmp_path, small, monkeypatch):
    laid_out(tmp_path, {name: small[name] for name in (TRAIN, TEST_LABELS)})
    with pytest.raises(FileNotFoundError, match=rf"given as folder=.*lacks {LABELS}, {TEST} of"):
        data.mnist(tmp_path)
    monkeypatch.setenv("MICROGRADNP_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=r"nowhere' \(named by \$MICROGRADNP_DATA\) does not exist"):
        data.mnist()


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        (TRAIN, np.zeros((7, 28, 27)), r"28 x 28 pixels are expected, not shape \(7, 28, 27\)"),
        (TRAIN, np.zeros((7, 784)), r"not shape \(7, 784\)"),
        (TRAIN, np.zeros((6, 28, 28)), "holds 7 labels for the 6 images"),
        (LABELS, np.zeros((7, 1)), "a row of labels is expected"),
        (TEST_LABELS, np.array([0, 10, 3]), "labels must be from 0 to 9, but label 1 is 10"),
    ],
)
def test_files_that_hold_something_else(tmp_path, small, name, array, words):
    laid_out(tmp_path, {**small, name: array})
    with pytest.raises(ValueError, match=words) as caught:
        data.mnist(tmp_path)
    assert str(tmp_path) in str(caught.value)


# -- MNIST from a server -----------------------------------------------------------------------------------------------


@pytest.fixture
def mirror(tmp_path, small, monkeypatch):
    """Return what a local server serves as MNIST: its folder, and the paths that were asked for."""
    pytest.importorskip("pooch")
    folder = laid_out(tmp_path / "served", small)
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder.parent))

        def log_message(self, *args):
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"http://127.0.0.1:{server.server_port}"
    sums = {name: hashlib.sha256((folder / f"{name}.gz").read_bytes()).hexdigest() for name in small}
    monkeypatch.setattr(download, "FILES", sums)
    monkeypatch.setattr(download, "MIRRORS", (f"{host}/none/", f"{host}/served/"))
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield folder, asked
    server.shutdown()
    server.server_close()


def test_download_from_the_mirror_that_has_it_then_from_the_cache(mirror, small, tmp_path, capfd):
    _, asked = mirror
    assert np.array_equal(data.mnist(scaled=False).X, small[TRAIN].reshape(7, 784))
    assert f"/served/{TRAIN}.gz" in asked
    assert capfd.readouterr().err == ""  # no terminal, no progress
    asked.clear()
    assert len(data.mnist().y_test) == 3
    assert asked == []
    damaged = tmp_path / "cache" / "microgradnp" / "mnist" / f"{LABELS}.gz"
    damaged.write_bytes(b"damaged")
    assert np.array_equal(data.mnist().y, small[LABELS])
    assert f"/served/{LABELS}.gz" in asked


def test_a_wrong_file_is_refused(mirror):
    folder, _ = mirror
    (folder / f"{TEST}.gz").write_bytes(b"something else")
    with pytest.raises(FileNotFoundError, match=f"downloading {TEST}.gz failed .*404.*another checksum"):
        data.mnist()


def test_offline(mirror, monkeypatch):
    monkeypatch.setattr(download, "MIRRORS", ("http://127.0.0.1:1/", "http://127.0.0.1:2/"))
    with pytest.raises(FileNotFoundError) as caught:
        data.mnist()
    said = str(caught.value)
    assert "refused" in said
    assert "set MICROGRADNP_DATA (or pass folder=...)" in said
    assert "mg.data.digits()" in said
    assert said.count("\n") == 0
    assert "object at" not in said
    assert caught.value.__cause__ is None


def test_without_pooch(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(
        FileNotFoundError, match=r"pooch, is not installed.*pip install 'microgradnp\[data\]'"
    ) as caught:
        data.mnist()
    assert "set MICROGRADNP_DATA" in str(caught.value)


def test_progress_on_a_terminal(mirror, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "150")
    data.mnist()
    said = capsys.readouterr().err
    for name in download.FILES:
        assert f"{name}.gz from 127.0.0.1" in said


# -- the digits that ship ----------------------------------------------------------------------------------------------


def test_digits():
    X, y = data.digits()
    assert (X.shape, X.dtype, y.dtype) == ((2000, 784), np.float64, np.intp)
    assert (X.min(), X.max()) == (0, 1)
    assert np.bincount(y).tolist() == [200] * 10
    images, again = data.digits(images=True, scaled=False)
    assert (images.shape, images.dtype) == ((2000, 1, 28, 28), np.uint8)
    assert np.array_equal(images.reshape(2000, 784) / 255, X)
    assert np.array_equal(again, y)
    X[:] = 5
    assert data.digits()[0].max() == 1  # nobody shares the arrays


#: Of the pixels and the labels, checked once against MNIST.
SHA256 = "0db52f1147fc89855e1b82f898fbfc1ad38a4bf397bc4e04560dc41e66b9f737"


def test_what_the_digits_are_made_with(tmp_path):
    X, y = data.digits(scaled=False)
    labels = np.concatenate([y, y])
    assert first_of_each(labels).tolist() == list(range(2000))
    assert np.array_equal(data.read_idx(written(tmp_path / "y", packed(y))), y)
    assert hashlib.sha256(X.tobytes() + y.astype(np.uint8).tobytes()).hexdigest() == SHA256


FULL = os.environ.get("MICROGRADNP_DATA")


@pytest.mark.skipif(not FULL, reason="the full MNIST, named by $MICROGRADNP_DATA, is not on every machine")
def test_digits_are_the_first_of_each_in_mnist():
    X, y, X_test, y_test = data.mnist(FULL, scaled=False)
    assert (X.shape, y.shape, X_test.shape, y_test.shape) == ((60000, 784), (60000,), (10000, 784), (10000,))
    assert y[:30000].dtype == np.intp
    chosen = first_of_each(y)
    ours = data.digits(scaled=False)
    assert np.array_equal(ours[0], X[chosen])
    assert np.array_equal(ours[1], y[chosen])
