"""Handwritten digits: MNIST, from files or from the net, and a sample of it that ships with the package.

MNIST is the work of Yann LeCun, Corinna Cortes and Christopher J. C. Burges, made from NIST's Special Databases 1 and 3
(http://yann.lecun.com/exdb/mnist/), and is published under CC BY-SA 3.0.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from microgradnp.data.download import FILES, download
from microgradnp.data.encoding import scale_pixels
from microgradnp.data.idx import read_idx
from microgradnp.data.splitting import Split

__all__ = ["digits", "mnist"]

VARIABLE = "MICROGRADNP_DATA"
SAMPLE = Path(__file__).parent


def digits(
    *, scaled: bool = True, images: bool = False, dtype: DTypeLike | None = None
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """2,000 handwritten digits of MNIST, which ship with the package: the first 200 of each in its training set.

    They are in the order of that set, so that a slice is a fair mixture; none of them is in MNIST's test set.

    Parameters
    ----------
    scaled : bool
        Whether pixels run from 0 (paper) to 1 (ink), instead of 0 to 255.
    images : bool
        Whether each digit is an image with one channel, as a convolution takes it, instead of a row.
    dtype : dtype, optional
        By default float64 where scaled, uint8 where not.

    Returns
    -------
    X : ndarray, shape (2000, 784) or (2000, 1, 28, 28)
        The digits.
    y : ndarray of int, shape (2000,)
        Which digit each is.

    Raises
    ------
    TypeError
        If `dtype` cannot hold the pixels.

    See Also
    --------
    mnist : All 70,000.

    Notes
    -----
    Yann LeCun, Corinna Cortes and Christopher J. C. Burges, "The MNIST database of handwritten digits"
    (http://yann.lecun.com/exdb/mnist/). The images are theirs, under CC BY-SA 3.0 (``digits.md`` beside the files).

    Examples
    --------
    >>> X, y = digits()
    >>> X.shape, float(X.min()), float(X.max())
    ((2000, 784), 0.0, 1.0)
    >>> y[:10]
    array([5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
    >>> digits(images=True, dtype=np.float32)[0].shape
    (2000, 1, 28, 28)
    """
    return _pair(
        [SAMPLE / "digits-images-idx3-ubyte.gz", SAMPLE / "digits-labels-idx1-ubyte.gz"], scaled, images, dtype
    )


def mnist(
    folder: str | os.PathLike[str] | None = None,
    *,
    scaled: bool = True,
    images: bool = False,
    dtype: DTypeLike | None = None,
) -> Split:
    """MNIST: 60,000 handwritten digits to train with and 10,000 to test with.

    The files are read from `folder`, else from the folder that the environment variable ``MICROGRADNP_DATA`` names, else
    downloaded (11 MB) from public mirrors into the user's cache, checked by their SHA-256, and read from there ever
    after. Downloading wants the extra ``data``: ``pip install 'microgradnp[data]'``.

    Parameters
    ----------
    folder : str or path, optional
        Holds the four IDX files under their usual names, plain or with ``.gz``, itself or in ``mnist`` or ``MNIST/raw``
        (where torchvision puts them). Other sets in the same form, as Fashion-MNIST, can be read so as well.
    scaled : bool
        Whether pixels run from 0 (paper) to 1 (ink), instead of 0 to 255.
    images : bool
        Whether each digit is an image with one channel, as a convolution takes it, instead of a row.
    dtype : dtype, optional
        By default float64 where scaled (440 MB; float32 takes half), uint8 where not (55 MB).

    Returns
    -------
    Split
        ``(X, y, X_test, y_test)`` of shapes (60000, 784) or (60000, 1, 28, 28), (60000,), and the same of the test set;
        labels are integers.

    Raises
    ------
    FileNotFoundError
        If a file is missing, or neither a folder is named nor downloading possible. It says what to do.
    ValueError
        If a file is damaged or holds something else. The message names it.

    Notes
    -----
    Yann LeCun, Corinna Cortes and Christopher J. C. Burges, "The MNIST database of handwritten digits"
    (http://yann.lecun.com/exdb/mnist/), under CC BY-SA 3.0.

    Examples
    --------
    Document 002 takes the first 30,000, with raw pixels::

        X, y, X_test, y_test = mg.data.mnist(scaled=False)
        X_train, y_train = X[:30000], y[:30000]

    >>> mnist("no/such/folder")
    Traceback (most recent call last):
    FileNotFoundError: the folder 'no/such/folder' (given as folder=...) does not exist
    """
    if folder is not None:
        files = _found(Path(folder), "given as folder=...")
    elif os.environ.get(VARIABLE):
        files = _found(Path(os.environ[VARIABLE]).expanduser(), f"named by ${VARIABLE}")
    else:
        files = download(VARIABLE)
    return Split(*_pair(files[:2], scaled, images, dtype), *_pair(files[2:], scaled, images, dtype))


def _found(folder: Path, origin: str) -> list[Path]:
    """Return the four files in a folder, or raise one error that lists what is missing."""
    if not folder.is_dir():
        raise FileNotFoundError(
            f"the folder {str(folder)!r} ({origin}) " + ("is no folder" if folder.exists() else "does not exist")
        )
    found: list[Path] = []
    missing = []
    for name in FILES:
        # Some archives write the names with a dot: train-images.idx3-ubyte
        names = [n + end for n in (name, name.replace("-idx", ".idx")) for end in ("", ".gz")]
        paths = (place / n for place in (folder, folder / "mnist", folder / "MNIST" / "raw") for n in names)
        path = next((p for p in paths if p.is_file()), None)
        if path is None:
            missing.append(name)
        else:
            found.append(path)
    if missing:
        raise FileNotFoundError(
            f"the folder {str(folder)!r} ({origin}) lacks {', '.join(missing)} of MNIST's IDX files; each may also end in .gz"
        )
    return found


def _pair(
    files: Sequence[Path], scaled: bool, images: bool, dtype: DTypeLike | None
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Read a file of images and a file of labels, and check that they are that, and belong together."""
    X, y = (read_idx(file) for file in files)
    if X.dtype != np.uint8 or X.ndim != 3 or X.shape[1:] != (28, 28):
        raise ValueError(f"{files[0]}: images of 28 x 28 pixels are expected, not shape {X.shape} and type {X.dtype}")
    if y.dtype != np.uint8 or y.ndim != 1:
        raise ValueError(f"{files[1]}: a row of labels is expected, not shape {y.shape} and type {y.dtype}")
    if len(X) != len(y):
        raise ValueError(f"{files[1]}: holds {len(y):,} labels for the {len(X):,} images of {files[0].name}")
    if y.size and y.max() > 9:
        raise ValueError(f"{files[1]}: labels must be from 0 to 9, but label {int(np.argmax(y > 9))} is {y.max()}")
    X = X[:, None] if images else X.reshape(len(X), 784)
    if scaled:
        X = scale_pixels(X, np.float64 if dtype is None else dtype)
    elif dtype is not None:
        if not np.can_cast(np.uint8, dtype):
            raise TypeError(f"dtype={np.dtype(dtype)} cannot hold pixels from 0 to 255")
        X = X.astype(dtype)
    return X, y.astype(np.intp)
