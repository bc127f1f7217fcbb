"""Small pictures of arrays for a page: the sign by colour, the size by its strength, what is wrong by a frame."""

from __future__ import annotations

import base64
import struct
import zlib
from html import escape
from typing import Any

import numpy as np

#: From negative through 0 to positive: orange, white, purple, told apart by people of any colour vision (ColorBrewer PuOr).
ANCHORS = np.array(
    [(127, 59, 8), (224, 130, 20), (254, 224, 182), (247, 247, 247), (216, 218, 235), (128, 115, 172), (45, 0, 75)]
)
MISSING = (150, 150, 150)
CELLS = 24  # rows or columns, up to which every entry is a cell; beyond, blocks of entries are a pixel
PIXELS = 160
CELL = 22


def as_matrix(value: Any) -> Any:
    """Return an array with its leading axes as rows: one row for a vector, one cell for a number.

    >>> as_matrix(np.zeros((2, 3, 4))).shape, as_matrix(np.zeros(3)).shape, as_matrix(1.0).shape
    ((6, 4), (1, 3), (1, 1))
    """
    a = np.asarray(value, dtype=np.float64)
    return a.reshape(1, -1) if a.ndim < 2 else a.reshape(-1, a.shape[-1])


def colours(a: Any, scale: float) -> Any:
    """Return the colours of numbers between -scale and scale, as bytes; grey for what is no number."""
    with np.errstate(all="ignore"):
        share = np.clip(np.nan_to_num(a / scale if scale > 0 else 0 * a, nan=0.0, posinf=1.0, neginf=-1.0), -1, 1)
    place = (share + 1) / 2 * (len(ANCHORS) - 1)
    low = np.minimum(place.astype(int), len(ANCHORS) - 2)
    part = (place - low)[..., None]
    rgb = ANCHORS[low] * (1 - part) + ANCHORS[low + 1] * part
    rgb[np.isnan(a)] = MISSING
    return np.rint(rgb).astype(np.uint8)


def picture(value: Any, scale: float, label: str, wrong: Any = None) -> str:
    """Return an array as an SVG or, if it is large, a PNG inside of an ``img``.

    Parameters
    ----------
    value : array_like of float
    scale : float
        The size of number that has the strongest colour.
    label : str
        Read out in place of the picture.
    wrong : array_like of bool, optional
        Entries that get a frame.
    """
    a = as_matrix(value)
    if a.size == 0:
        return "<p>no entries</p>"
    marks = np.zeros(a.shape, bool) if wrong is None else np.asarray(wrong, bool).reshape(a.shape)
    return cells(a, scale, label, marks) if max(a.shape) <= CELLS else pixels(a, scale, label)


def cells(a: Any, scale: float, label: str, marks: Any) -> str:
    """Return every entry as a cell, whose number shows when it is pointed at."""
    rows, columns = a.shape
    width, height = columns * CELL, rows * CELL
    parts = [
        f'<svg class="heat" role="img" aria-label="{escape(label)}" viewBox="-1 -1 {width + 2} {height + 2}" '
        f'width="{width + 2}" height="{height + 2}">'
    ]
    for (i, j), (r, g, b) in zip(np.ndindex(a.shape), colours(a, scale).reshape(-1, 3).tolist(), strict=True):
        x, y = j * CELL, i * CELL
        parts.append(
            f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="rgb({r},{g},{b})" stroke="#999" '
            f'stroke-width=".5"><title>[{i}, {j}] {a[i, j]:.6g}</title></rect>'
        )
        if np.isnan(a[i, j]):
            parts.append(f'<path d="M{x},{y}l{CELL},{CELL}m0,-{CELL}l-{CELL},{CELL}" stroke="#333"/>')
        if marks[i, j]:
            parts.append(
                f'<rect x="{x + 2}" y="{y + 2}" width="{CELL - 4}" height="{CELL - 4}" fill="none" stroke="#000" '
                'stroke-width="2"/>'
            )
    return "".join([*parts, "</svg>"])


def pixels(a: Any, scale: float, label: str) -> str:
    """Return blocks of entries as pixels: each shows its largest, so that no wrong entry is averaged away."""
    a = strongest(strongest(a, PIXELS, 0), PIXELS, 1)
    data = base64.b64encode(png(colours(a, scale))).decode("ascii")
    rows, columns = a.shape
    zoom = max(1.0, min(320 / columns, 240 / rows, 12))
    height = max(round(rows * zoom), 6)
    return (
        f'<img class="heat" alt="{escape(label)}" width="{round(columns * zoom)}" height="{height}" '
        f'src="data:image/png;base64,{data}">'
    )


def strongest(a: Any, limit: int, axis: int) -> Any:
    """Return blocks along an axis as the entry of each that is largest in size (nan before all)."""
    if a.shape[axis] <= limit:
        return a
    blocks = np.array_split(a, limit, axis=axis)
    picked = []
    for block in blocks:
        size = np.where(np.isnan(block), np.inf, np.abs(block))
        picked.append(np.take_along_axis(block, np.expand_dims(size.argmax(axis), axis), axis))
    return np.concatenate(picked, axis=axis)


def png(rgb: Any) -> bytes:
    """Return pixels as a PNG file (ISO/IEC 15948: 8 bits a channel, no filter)."""
    rows, columns, _ = rgb.shape
    raw = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(rgb))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")
