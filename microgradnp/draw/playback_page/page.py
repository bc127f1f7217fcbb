"""The arrays of a training run, epoch by epoch, checked and put into one HTML file."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microgradnp.draw import style
from microgradnp.draw.playback_page import checks, packing
from microgradnp.draw.playback_page.checks import Curve, Regions
from microgradnp.files import write_whole

#: The order in which the scripts of the page need each other.
SCRIPTS = ("base.js", "curves.js", "space.js", "regions.js", "layers.js", "player.js")

#: Above these a part is thinned, and the page says so.
MOST_FRAMES, MOST_POINTS, MOST_OF_A_CURVE = 1000, 2000, 4000
MOST_BYTES = 3_000_000  # of what changes from frame to frame, in the page


class Playback:
    """A page that plays a training run. Made by `playback`.

    It shows itself in Jupyter, in a frame of its own, and `save` writes it as one file that needs nothing else.

    Attributes
    ----------
    html : str
        The page.
    """

    def __init__(self, html: str, said: str, height: int) -> None:
        self.html = html
        self._said = said
        self._height = height

    def __repr__(self) -> str:
        return f'<Playback of {self._said}; .save("playback.html") writes it>'

    def _repr_html_(self) -> str:
        """Return the page in a frame, so that it and the notebook do not disturb each other."""
        return (
            f'<iframe srcdoc="{escape(self.html)}" sandbox="allow-scripts allow-modals" title="Playback of a training run" '
            f'style="width:100%;height:{self._height}px;border:0;resize:vertical"></iframe>'
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, as a whole or not at all. The same run gives the same bytes.

        Parameters
        ----------
        path : str or path
            Ends with ``.html`` or ``.htm``.

        Returns
        -------
        Path
            The file that was written.

        Raises
        ------
        ValueError
            If the ending is another.
        FileNotFoundError
            If the folder does not exist.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"cannot write {str(path)!r}: a playback is a page, and its file must end with .html")
        if not path.parent.is_dir():
            raise FileNotFoundError(
                f"cannot write {path.name!r}: there is no folder {str(path.parent)!r}; make it first"
            )
        write_whole(path, self.html)
        return path


def playback(
    epochs: ArrayLike | None = None,
    *,
    loss: Curve | None = None,
    metrics: Mapping[str, Curve] | None = None,
    hidden: ArrayLike | None = None,
    regions: Regions | None = None,
    points: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    changes: Mapping[str, ArrayLike] | None = None,
    changes_title: str = "Change of the parameters since the start",
    changes_unit: str = "%",
    activations: Mapping[str, ArrayLike] | None = None,
    hidden_title: str = "Hidden layer",
    extent: Sequence[float] | None = None,
    resolution: int = 60,
    margin: float = 0.15,
    title: str | None = None,
    start: float | None = None,
    frames: int | None = None,
) -> Playback:
    """Make a page with a slider over the epochs, which shows what happened inside while a network learned.

    The page is one file without a network: the hidden layer in 3-D, which can be turned, the decision regions, the
    curves of loss and metrics with a marker at the epoch, the change of each parameter, the activations of each layer.
    Every part may be left out. The first axis of every array are the E recorded epochs.

    Parameters
    ----------
    epochs : array_like, shape (E,), optional
        The numbers of the recorded epochs, increasing; by default 0, 1, ...
    loss : array_like, shape (E,), or mapping of such
        The loss at each epoch; several, as in ``{"training": ..., "validation": ...}``, share one plot.
    metrics : mapping
        More curves by name, each like `loss` and in a plot of its own: ``{"accuracy": ...}``.
    hidden : array_like, shape (E, n, k)
        What a layer of k units makes of n points. Of more than three units their principal components are drawn, the
        same at every epoch, and the page says how much of the variance they hold.
    regions : array_like, shape (E, h, w), or callable
        The class 0, 1, ... that is chosen at each place of a grid over `extent`, the lowest row first, as
        ``np.meshgrid`` makes it; nan or -1 where none is defined. A function ``regions(i, grid)`` is called with a
        position i on the first axis and places of shape (m, 2), and returns their classes, shape (m,).
    points : array_like, shape (n, 2)
        The data, drawn over the regions.
    labels : array_like, shape (n,)
        Classes 0, 1, ... of the points, in `hidden` and `points`.
    names : sequence of str
        What the legend calls the classes.
    changes : mapping of array_like, shape (E,)
        For each parameter how much it has changed, as `changes_title` says, in `changes_unit`.
    activations : mapping of array_like, shape (E, ...)
        For each layer its activations, of any shape: their histograms are drawn.
    extent : sequence of 4 float
        ``(left, right, bottom, top)`` of `regions`; needed with an array, by default `points` and a `margin`.
    resolution, margin : int, float
        Of the grid for a function: places along each side, and space around the points as a fraction of their range.
    title, hidden_title : str
        Titles of the page and of the hidden layer.
    start : float
        The epoch that is shown first, the nearest one there is; by default the last.
    frames : int
        The most epochs that the slider stops at; by default 1,000, or fewer where the page would exceed some 3 MB. They
        are spread evenly, and the page says so. Curves keep their course in any case.

    Returns
    -------
    Playback
        Shows itself in Jupyter; ``.save("playback.html")`` writes it.

    Raises
    ------
    ValueError
        If a shape does not fit; the message names the argument, its shape and the one that fits.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> playback(loss=[3.0, 2.0, 1.0], hidden=rng.normal(size=(3, 20, 4)), labels=np.arange(20) % 2)
    <Playback of 3 epochs: hidden layer, loss; .save("playback.html") writes it>
    """
    plots = checks.curves(loss, metrics)
    raw_changes = checks.mapping(changes, "changes", '{"W1": percents}')
    raw_layers = checks.mapping(activations, "activations", '{"hidden": outputs}')
    recorded = {name: values for plot in plots.values() for name, values in plot.values()}
    recorded |= {f"changes[{key!r}]": values for key, values in raw_changes.items()}
    recorded |= {f"activations[{key!r}]": values for key, values in raw_layers.items()}
    recorded |= {} if hidden is None else {"hidden": hidden}
    recorded |= {} if regions is None or callable(regions) else {"regions": regions}
    if not recorded and regions is None:
        raise ValueError("there is nothing to play: give loss, metrics, hidden, regions, changes or activations")
    numbers = checks.epochs(epochs, recorded)
    total = len(numbers)
    if total == 0:
        raise ValueError("there is nothing to play: the arrays hold no epoch")

    lines = {
        title: {own: checks.row(v, name, total) for own, (name, v) in plot.items()} for title, plot in plots.items()
    }
    bars = {key: checks.row(values, f"changes[{key!r}]", total) for key, values in raw_changes.items()}
    layers = {key: checks.activations(v, f"activations[{key!r}]", total) for key, v in raw_layers.items()}
    space = None if hidden is None else checks.hidden(hidden, total)
    plane = None if points is None else checks.points(points)
    count = checks.count(space, plane, labels)
    classes = None if labels is None else checks.labels(labels, count)

    notes: list[str] = []
    if count > MOST_POINTS:
        drawn = packing.evenly(count, MOST_POINTS)
        space = None if space is None else space[:, drawn]
        plane = None if plane is None else plane[drawn]
        classes = None if classes is None else classes[drawn]
        notes.append(f"{len(drawn):,} of {count:,} points are drawn, evenly chosen.")
        count = len(drawn)
    units = 0 if space is None else space.shape[2]
    shares: Sequence[float] = ()
    if space is not None and units > 3:
        space, shares = packing.principal(space)

    kept = packing.evenly(total, MOST_FRAMES if frames is None else checks.positive(frames, "frames"))
    sides, grids = None, None
    if regions is not None or plane is not None:
        sides = checks.extent(extent, plane, margin, of_array=regions is not None and not callable(regions))
    if regions is not None and sides is not None:
        grids = checks.regions(regions, sides, resolution, total, kept)
    if frames is None:
        size = 8.0 * (len(bars) + sum(map(len, lines.values()))) + (packing.BINS + 32) * len(layers)
        size += 0 if space is None else 2 * space[0].size
        size += 0 if grids is None else packing.bytes_of_runs(grids)
        fitting = packing.evenly(len(kept), int(MOST_BYTES / (4 / 3 * size + 1)))
        kept, grids = kept[fitting], None if grids is None else grids[fitting]
    if len(kept) < total:
        notes.append(f"The slider stops at {len(kept):,} of {total:,} recorded epochs, evenly chosen.")

    looks, codes = _looks(classes, grids, names, others=classes is None and count > 0)
    recording: dict[str, Any] = {
        "epochs": packing.packed(numbers[kept]),
        "span": [float(numbers[0]), float(numbers[-1])],
        "whole": bool((numbers % 1 == 0).all()),
        "start": len(kept) - 1
        if start is None
        else int(np.abs(numbers[kept] - checks.finite(start, "start")).argmin()),
        "lines": style.LINES,
        "classes": looks,
        "legend": classes is not None or grids is not None,
        "labels": packing.packed(
            np.full(count, max(len(looks) - 1, 0), np.uint8) if classes is None else codes[classes]
        ),
        "curves": [_curves(title, series, numbers, kept) for title, series in lines.items()],
        "notes": notes,
    }
    if space is not None:
        recording["hidden"] = {"title": hidden_title, **_axes(units, shares), **packing.coordinates(space[kept])}
    if sides is not None:
        recording["regions"] = {
            "extent": sides,
            "points": None if plane is None else packing.packed(plane),
            **({"runs": None} if grids is None else packing.runs(codes[grids])),
            **dict(zip(("height", "width"), (0, 0) if grids is None else grids.shape[1:], strict=True)),
        }
    if bars:
        values = packing.packed(np.array([row[kept] for row in bars.values()]))
        recording["changes"] = {"title": changes_title, "unit": changes_unit, "names": list(bars), "values": values}
    if layers:
        recording["activations"] = packing.spread({key: v[kept] for key, v in layers.items()})

    parts = ["hidden layer"] if space is not None else []
    parts += ["decision regions"] if grids is not None else ["data"] if plane is not None else []
    parts += [*lines, *(["changes"] if bars else []), *(["activations"] if layers else [])]
    groups = sum(map(bool, (space is not None, sides is not None, lines, bars or layers)))  # as two columns hold them
    said = f"{len(kept)} epoch{'s' * (len(kept) != 1)}: {', '.join(parts)}"
    return Playback(_page(title or "", recording), said, 180 + 430 * ((groups + 1) // 2))


def _looks(
    classes: NDArray[np.uint8] | None, grids: NDArray[np.uint8] | None, names: Sequence[str] | None, *, others: bool
) -> tuple[list[dict[str, str]], NDArray[np.uint8]]:
    """Return how the classes that occur look, and for each class its place in that list.

    With `others`, points without a class come last.
    """
    occurring = np.unique(
        np.concatenate([a.ravel() for a in (classes, grids) if a is not None] or [np.empty(0, np.uint8)])
    )
    occurring = occurring[occurring != checks.UNDEFINED]
    if names is not None and len(names) <= occurring.max(initial=0):
        raise ValueError(f"names has {len(names)} entries, but the classes go up to {occurring.max(initial=0)}")
    codes = np.full(256, checks.UNDEFINED, np.uint8)
    codes[occurring] = np.arange(len(occurring))
    looks = [
        {
            "name": f"class {c}" if names is None else str(names[c]),
            "colour": style.colour(c),
            "marker": style.marker(c),
            "hatch": style.hatch(c)[:1],
        }
        for c in occurring.tolist()
    ]
    return looks + [{"name": "points", "colour": "#999999", "marker": "o", "hatch": ""}] * others, codes


# -- the file ----------------------------------------------------------------------------------------------------


def _page(title: str, recording: Mapping[str, Any]) -> str:
    template, sheet, script = _files()
    # A "<" in a text would end the element that the data stand in.
    data = json.dumps(recording, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return Template(template).substitute(
        title=escape(title),
        style=sheet,
        style_hash=_hash(sheet),
        script=script,
        script_hash=_hash(script),
        recording=data,
    )


@cache
def _files() -> tuple[str, str, str]:
    """Return template, style sheet and script of the page, which are files of this package."""
    folder = resources.files("microgradnp.draw.playback_page")
    template, sheet, *scripts = (
        folder.joinpath(name).read_text("utf-8") for name in ("page.html", "page.css", *SCRIPTS)
    )
    return template, sheet, "".join(["(() => {\n", '"use strict";\n', *scripts, "})();\n"])


def _hash(text: str) -> str:
    """Return what the page's content security policy names a script by: no other one will run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _curves(
    title: str, series: Mapping[str, NDArray[np.float64]], epochs: NDArray[np.float64], kept: NDArray[np.intp]
) -> dict[str, Any]:
    made = []
    for name, values in series.items():
        drawn = packing.outline(values, MOST_OF_A_CURVE)
        x, y, at = (packing.packed(array) for array in (epochs[drawn], values[drawn], values[kept]))
        made.append({"name": name, "x": x, "y": y, "at": at})
    return {"title": title, "log": title == "loss", "series": made}


def _axes(units: int, shares: Sequence[float]) -> dict[str, Any]:
    if not shares:
        return {"axes": [f"h{subscript}" for subscript in "₁₂₃"[:units]], "note": ""}
    axes = [f"PC {i} ({_percent(share)})" for i, share in enumerate(shares, 1)]
    note = f"The three principal components of {units} units, the same at every epoch: {_percent(sum(shares))} of the variance."
    return {"axes": axes, "note": note}


def _percent(share: float) -> str:
    return "undefined" if np.isnan(share) else f"{100 * share:.3g} %"
