"""Write the sample of MNIST that ships with the package: the first 200 of each digit, in the order of the training set.

Run it where MNIST is, from the top of the repository: python tests/data/make_digits.py
"""

import gzip
from pathlib import Path

import numpy as np

from microgradnp.data import mnist
from microgradnp.files import write_whole

FOLDER = Path(__file__).parents[2] / "microgradnp" / "data"


def first_of_each(y, n=200):
    """Return the indices of the first n labels of each class, in order."""
    return np.sort(np.concatenate([np.flatnonzero(y == c)[:n] for c in np.unique(y)]))


def packed(array):
    """Return an array of bytes as a compressed IDX file without a date, so that the same array gives the same file."""
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.astype(np.uint8).tobytes(), compresslevel=9, mtime=0)


if __name__ == "__main__":
    X, y, _, _ = mnist(scaled=False)
    chosen = first_of_each(y)
    write_whole(FOLDER / "digits-images-idx3-ubyte.gz", packed(X[chosen].reshape(-1, 28, 28)))
    write_whole(FOLDER / "digits-labels-idx1-ubyte.gz", packed(y[chosen]))
    print(f"{len(chosen):,} digits, the last of them number {chosen[-1]:,} of the training set")
