"""Reading IDX files, the format in which MNIST is published.

Two zero bytes, a byte for the type, a byte for the number of axes, the lengths of the axes as big-endian 32-bit
integers, and the elements, big-endian, the last axis fastest (http://yann.lecun.com/exdb/mnist/). A file comes from
somewhere else: nothing in it is believed before it is checked, and memory is taken for what is there only.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_idx"]

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
#: Deflate packs no more than 1,032 bytes into one (https://zlib.net/zlib_tech.html).
PACKED = 1032
LIMIT = 2**31


def read_idx(path: str | os.PathLike[str], *, limit: int = LIMIT) -> NDArray[Any]:
    """Read an array from an IDX file, plain or compressed by gzip.

    Parameters
    ----------
    path : str or path
        Whether it is compressed is seen by its content, not by its name.
    limit : int
        Largest size of the array in bytes that is accepted.

    Returns
    -------
    ndarray
        Writable, in the byte order of the machine.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is no IDX file, ends early or goes on after the last element, is damaged, or is larger than `limit`. The
        message begins with the file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "labels"
    ...     _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]))
    ...     read_idx(file)
    array([5, 0, 4], dtype=uint8)
    """
    path = Path(path)
    with ExitStack() as stack:
        raw = stack.enter_context(path.open("rb"))
        available = os.fstat(raw.fileno()).st_size
        file: Any = raw
        if raw.read(2) == b"\x1f\x8b":
            # The compressed size bounds what can come out, so that no header makes us take memory for nothing.
            available *= PACKED
            file = stack.enter_context(gzip.GzipFile(fileobj=raw))
        raw.seek(0)
        try:
            return _array(path, file, available, limit)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{path}: damaged or cut off: gzip says {str(error).rstrip('.')!r}") from error


def _array(path: Path, file: Any, available: int, limit: int) -> NDArray[Any]:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in TYPES or start[3] == 0:
        raise ValueError(
            f"{path}: no IDX file: it begins with {start.hex(' ') or 'nothing'}; expected are two zero bytes, a type "
            "(08 for MNIST) and a number of axes"
        )
    dtype, axes = np.dtype(TYPES[start[2]]), start[3]
    lengths = file.read(4 * axes)
    if len(lengths) < 4 * axes:
        raise ValueError(f"{path}: cut off within the lengths of its {axes} axes")
    shape = tuple(int(n) for n in np.frombuffer(lengths, ">u4"))
    size = math.prod(shape) * dtype.itemsize
    says = f"{path}: says that it holds an array of shape {shape} ({size:,} bytes)"
    if size > limit:
        raise ValueError(f"{says}, more than limit={limit:,}")
    if size > available:
        raise ValueError(f"{says}, but the file is too small for that: damaged or cut off")
    if axes > 64:
        raise ValueError(f"{path}: no IDX file: it says that its array has {axes} axes")
    array = np.empty(shape, dtype)
    into, got = array.reshape(-1).view(np.uint8), 0
    while got < size:
        n = file.readinto(into[got:])
        if not n:
            raise ValueError(f"{says}, but ends after {got:,}: cut off")
        got += n
    if file.read(1):
        raise ValueError(f"{says}, but goes on after them: damaged, or something else than it says")
    return array.astype(dtype.newbyteorder("="), copy=False)
