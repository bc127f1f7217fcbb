"""Arrays made small for a page: few bits where a picture shows no more, runs instead of grids, histograms."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Classes = NDArray[np.uint8]

BROKEN = 65535  #: stands for a coordinate that is nan or inf
BINS = 40


def packed(array: NDArray[Any]) -> dict[str, str]:
    """Return an array as little-endian bytes in base64, with its type.

    >>> packed(np.array([1, 256], dtype=np.uint16))
    {'type': 'u2', 'data': 'AQAAAQ=='}
    """
    kind = f"{array.dtype.kind}{array.dtype.itemsize}"
    data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
    return {"type": kind, "data": base64.b64encode(data).decode("ascii")}


def coordinates(values: Floats) -> dict[str, Any]:
    """Return coordinates of shape (F, n, d) as 16 bits each, between the least and the greatest of their frame.

    So an epoch that diverges costs the others no precision.
    """
    finite = np.isfinite(values)
    low = np.where(finite, values, np.inf).min(axis=1, initial=np.inf)
    high = np.where(finite, values, -np.inf).max(axis=1, initial=-np.inf)
    low, high = np.where(low <= high, low, np.nan), np.where(low <= high, high, np.nan)
    # Halved, because high - low may be too large for a float.
    width = (high / 2 - low / 2)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(width > 0, (values / 2 - low[:, None] / 2) / width, 0.0)
    codes = np.where(finite, np.rint(np.where(finite, share, 0.0) * (BROKEN - 1)), BROKEN)
    return {"low": packed(low), "high": packed(high), "codes": packed(codes.astype(np.uint16))}


def runs(grids: Classes) -> dict[str, Any]:
    """Return grids of classes, shape (F, h, w), as runs of equal classes, row by row.

    Examples
    --------
    >>> made = runs(np.array([[[0, 0, 0], [0, 1, 1]]], dtype=np.uint8))
    >>> made["lengths"] == packed(np.array([4, 2], dtype=np.uint16))
    True
    """
    frames, places = len(grids), grids[0].size
    flat = grids.reshape(-1)
    begins = np.flatnonzero(_begins(grids))
    lengths = np.diff(begins, append=flat.size).astype(np.uint16 if places < 2**16 else np.uint32)
    starts = np.searchsorted(begins, places * np.arange(frames + 1)).astype(np.uint32)
    return {"runs": packed(flat[begins]), "lengths": packed(lengths), "starts": packed(starts)}


def bytes_of_runs(grids: Classes) -> float:
    """Return how many bytes a frame of `runs` takes on average, before base64."""
    return np.count_nonzero(_begins(grids)) * (3 if grids[0].size < 2**16 else 5) / len(grids)


def _begins(grids: Classes) -> NDArray[np.bool_]:
    """Where a run begins: at each change, and at the beginning of each frame."""
    flat = grids.reshape(len(grids), -1)
    begins = np.ones(flat.shape, dtype=np.bool_)
    np.not_equal(flat[:, 1:], flat[:, :-1], out=begins[:, 1:])
    return begins.reshape(-1)


def spread(layers: Mapping[str, Floats]) -> dict[str, Any]:
    """Return how the values of each layer, shape (F, m), are spread at each frame.

    A histogram over the range of all layers and frames, as 8 bits of its highest bin; and the least, the median and the
    greatest of the finite values, with the number of those that are not.
    """
    least = [float(v[np.isfinite(v)].min(initial=np.inf)) for v in layers.values()]
    greatest = [float(v[np.isfinite(v)].max(initial=-np.inf)) for v in layers.values()]
    low, high = min(least), max(greatest)
    if low > high:
        low, high = 0.0, 1.0
    if low == high:
        low, high = low - 0.5, high + 0.5
    frames = len(next(iter(layers.values())))
    counts = np.zeros((frames, len(layers), BINS), dtype=np.uint8)
    summary = np.full((frames, len(layers), 4), np.nan)
    for j, values in enumerate(layers.values()):
        for i, row in enumerate(values):
            finite = row[np.isfinite(row)]
            summary[i, j, 3] = row.size - finite.size
            if finite.size:
                share = (finite / 2 - low / 2) / (high / 2 - low / 2)
                bins = np.clip((share * BINS).astype(np.intp), 0, BINS - 1)
                tall = np.bincount(bins, minlength=BINS)
                counts[i, j] = np.ceil(255 * tall / tall.max())
                summary[i, j, :3] = finite.min(), np.median(finite), finite.max()
    return {
        "names": list(layers),
        "bins": BINS,
        "low": low,
        "high": high,
        "counts": packed(counts),
        "summary": packed(summary),
    }


def evenly(count: int, most: int) -> NDArray[np.intp]:
    """Return at most so many positions of a row, evenly spread, the first and the last among them.

    >>> evenly(10, 4)
    array([0, 3, 6, 9])
    """
    return np.unique(np.rint(np.linspace(0, count - 1, min(count, max(most, 2)))).astype(np.intp))


def outline(values: Floats, most: int) -> NDArray[np.intp]:
    """Return at most about `most` positions of a curve that look like all: of each bin the least and the greatest.

    The ends stay, and so does the first value that is not finite.

    >>> outline(np.array([0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]), 4)
    array([0, 1, 4, 7])
    """
    n = len(values)
    if n <= most:
        return np.arange(n)
    edges = np.linspace(0, n, max(most // 2, 1) + 1).astype(np.intp)
    high = np.where(np.isfinite(values), values, -np.inf)
    low = np.where(np.isfinite(values), values, np.inf)
    kept = {0, n - 1, *np.flatnonzero(~np.isfinite(values))[:1].tolist()}
    for begin, end in pairwise(edges.tolist()):
        kept |= {begin + int(high[begin:end].argmax()), begin + int(low[begin:end].argmin())}
    return np.array(sorted(kept))


def principal(values: Floats) -> tuple[Floats, Sequence[float]]:
    """Return points of shape (F, n, k) in their three principal components, and the share of variance of each.

    The components are those of all frames together, so that the axes stay the same.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(2, 50, 1)) * [3.0, 0.0, 4.0, 0.0]
    >>> points, shares = principal(x)
    >>> points.shape, [round(share, 6) for share in shares]
    ((2, 50, 3), [1.0, 0.0, 0.0])
    """
    k = values.shape[-1]
    rows = values.reshape(-1, k)
    rows = rows[np.isfinite(rows).all(axis=1)]
    if not len(rows):
        return np.full((*values.shape[:2], 3), np.nan), (np.nan,) * 3
    size = float(np.abs(rows).max()) or 1.0  # so that squares neither overflow nor vanish
    rows = rows / size
    centre = rows.mean(axis=0)
    rows = rows[evenly(len(rows), max(100, 2_000_000 // k))] - centre
    # The eigenvectors of the smaller of the two matrices of products.
    if len(rows) >= k:
        squares, vectors = np.linalg.eigh(rows.T @ rows)
        axes = vectors[:, :-4:-1]
    else:
        squares, vectors = np.linalg.eigh(rows @ rows.T)
        axes = np.linalg.qr(rows.T @ vectors[:, :-4:-1])[0]
    axes = np.pad(axes, ((0, 0), (0, 3 - axes.shape[1])))  # of fewer than three rows
    # The sign of an eigenvector is arbitrary: the largest entry becomes positive.
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    axes = axes * np.where(largest < 0, -1.0, 1.0)
    total = float(squares.sum())
    most = np.pad(squares[:-4:-1], (0, max(0, 3 - len(squares))))
    shares = tuple(float(max(s, 0.0)) / total if total > 0 else 0.0 for s in most)
    with np.errstate(invalid="ignore"):
        return ((values / size - centre) @ axes) * size, shares
