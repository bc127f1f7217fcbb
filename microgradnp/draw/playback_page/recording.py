"""The checked arrays of a run, on their way to what a page holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microgradnp.draw import style
from microgradnp.draw.playback_page import checks, packing
from microgradnp.draw.playback_page.checks import Classes, Floats, Measured, Regions

#: Above these a part is thinned, and the page says so.
MOST_FRAMES, MOST_POINTS, MOST_OF_A_CURVE = 1000, 2000, 4000
MOST_BYTES = 3_000_000  # of what changes from frame to frame, in the page


@dataclass
class Recording:
    """Arrays whose first axis are the epochs; `kept` are the positions on it that the slider stops at."""

    epochs: Floats
    curve_epochs: Floats
    curves: dict[str, dict[str, Measured]]
    changes: dict[str, Floats]
    activations: dict[str, Floats]
    hidden: Floats | None
    points: Floats | None
    notes: list[str]
    labels: Classes | None = None
    units: int = 0  # of the hidden layer, before it was projected
    shares: Sequence[float] = ()  # of the variance in its principal components
    kept: NDArray[np.intp] = field(default_factory=lambda: np.arange(0))
    extent: list[float] | None = None
    grids: Classes | None = None  # of the kept epochs

    @property
    def count(self) -> int:
        """How many points there are."""
        some = self.points if self.hidden is None else self.hidden[0]
        return 0 if some is None else len(some)

    def label(self, labels: ArrayLike | None) -> None:
        """Take the classes of the points, which `hidden` and `points` must agree in."""
        checks.same_points(self.hidden, self.points, labels)
        self.labels = None if labels is None else checks.labels(labels, self.count)

    def draw_fewer_points(self) -> None:
        """Choose some of very many points."""
        if self.count <= MOST_POINTS:
            return
        self.notes.append(f"{MOST_POINTS:,} of {self.count:,} points are drawn, evenly chosen.")
        drawn = packing.evenly(self.count, MOST_POINTS)
        self.hidden = None if self.hidden is None else self.hidden[:, drawn]
        self.points = None if self.points is None else self.points[drawn]
        self.labels = None if self.labels is None else self.labels[drawn]

    def project(self) -> None:
        """Replace more than three units by their principal components."""
        if self.hidden is not None:
            self.units = self.hidden.shape[2]
            if self.units > 3:
                self.hidden, self.shares = packing.principal(self.hidden)

    def keep(self, frames: int | None) -> None:
        """Choose at most so many epochs."""
        most = MOST_FRAMES if frames is None else checks.positive(frames, "frames")
        self.kept = packing.evenly(len(self.epochs), most)

    def map_plane(
        self, regions: Regions | None, extent: Sequence[float] | None, resolution: int, margin: float
    ) -> None:
        """Take the regions of the kept epochs, or ask for them."""
        if regions is None and self.points is None:
            return
        of_array = regions is not None and not callable(regions)
        self.extent = checks.extent(extent, self.points, margin, of_array=of_array)
        if regions is not None:
            self.grids = checks.regions(regions, self.extent, resolution, len(self.epochs), self.kept)

    def keep_what_fits(self) -> None:
        """Choose fewer epochs where the page would become too large."""
        size = 9.0 * (len(self.changes) + sum(map(len, self.curves.values())))
        size += (packing.BINS + 32) * len(self.activations)
        size += 0 if self.hidden is None else 2 * self.hidden[0].size
        size += 0 if self.grids is None else packing.bytes_of_runs(self.grids)
        fitting = packing.evenly(len(self.kept), int(MOST_BYTES / (4 / 3 * size + 1)))
        self.kept = self.kept[fitting]
        self.grids = None if self.grids is None else self.grids[fitting]

    def nearest(self, epoch: float) -> int:
        """Return the position of the kept epoch that is nearest."""
        return int(np.abs(self.epochs[self.kept] - epoch).argmin())

    # -- what the page holds -------------------------------------------------------------------------------------------

    def packed(self, names: Sequence[str] | None) -> dict[str, Any]:
        """Return all that the scripts read, ready for JSON."""
        looks, codes = self._looks(names)
        own = np.full(self.count, max(len(looks) - 1, 0), np.uint8) if self.labels is None else codes[self.labels]
        stops = f"The slider stops at {len(self.kept):,} of {len(self.epochs):,} recorded epochs, evenly chosen."
        ends = [*self.epochs[[0, -1]], *(self.curve_epochs if self.curves else ())]
        made: dict[str, Any] = {
            "epochs": packing.packed(self.epochs[self.kept]),
            "span": [float(min(ends)), float(max(ends))],
            "whole": bool((self.epochs % 1 == 0).all()),
            "lines": style.LINES,
            "classes": looks,
            "legend": self.labels is not None or self.grids is not None,
            "labels": packing.packed(own),
            "curves": [self._curves(title) for title in self.curves],
            "notes": [*self.notes, *([stops] if len(self.kept) < len(self.epochs) else [])],
        }
        if self.hidden is not None:
            made["hidden"] = {**self._axes(), **packing.coordinates(self.hidden[self.kept])}
        if self.extent is not None:
            height, width = (0, 0) if self.grids is None else self.grids.shape[1:]
            runs = {"runs": None} if self.grids is None else packing.runs(codes[self.grids])
            points = None if self.points is None else packing.packed(self.points)
            made["regions"] = {"extent": self.extent, "points": points, "height": height, "width": width, **runs}
        if self.changes:
            values = packing.packed(np.array([row[self.kept] for row in self.changes.values()]))
            made["changes"] = {"names": list(self.changes), "values": values}
        if self.activations:
            made["activations"] = packing.spread({key: v[self.kept] for key, v in self.activations.items()})
        return made

    def _looks(self, names: Sequence[str] | None) -> tuple[list[dict[str, str]], Classes]:
        """Return how the classes that occur look, and for each class its place in that list.

        The look of points without a class comes last.
        """
        arrays = [a.ravel() for a in (self.labels, self.grids) if a is not None]
        occurring = np.unique(np.concatenate([*arrays, np.empty(0, np.uint8)]))
        occurring = occurring[occurring != checks.UNDEFINED]
        greatest = int(occurring.max(initial=0))
        if names is not None and len(names) <= greatest:
            raise ValueError(f"names has {len(names)} entries, but the classes go up to {greatest}")
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
        if self.labels is None and self.count:
            looks.append({"name": "points", "colour": "#999999", "marker": "o", "hatch": ""})
        return looks, codes

    def _curves(self, title: str) -> dict[str, Any]:
        epochs = self.epochs[self.kept]
        places = np.searchsorted(self.curve_epochs, epochs).clip(max=max(len(self.curve_epochs) - 1, 0))
        series = []
        for name, (values, known) in self.curves[title].items():
            x, y = self.curve_epochs[known], values[known]
            drawn = packing.outline(y, MOST_OF_A_CURVE)
            there = known[places] & (self.curve_epochs[places] == epochs)
            arrays = {"x": x[drawn], "y": y[drawn], "at": values[places], "known": there.astype(np.uint8)}
            series.append({"name": name, **{key: packing.packed(a) for key, a in arrays.items()}})
        return {"title": title, "log": title == "loss", "series": series}

    def _axes(self) -> dict[str, Any]:
        if not self.shares:
            return {"axes": [f"h{subscript}" for subscript in "₁₂₃"[: self.units]], "note": ""}
        axes = [f"PC {i}" for i in (1, 2, 3)]
        each = ", ".join(f"{axis} {_percent(share)}" for axis, share in zip(axes, self.shares, strict=True))
        held = f"{_percent(sum(self.shares))} of the variance ({each})"
        return {
            "axes": axes,
            "note": f"The three principal components of {self.units} units, the same at every epoch: {held}.",
        }

    def said(self) -> str:
        """Return what is played, in words."""
        parts = ["hidden layer"] if self.hidden is not None else []
        parts += ["decision regions"] if self.grids is not None else ["data"] if self.points is not None else []
        parts += [*self.curves, *(["changes"] if self.changes else []), *(["activations"] if self.activations else [])]
        return f"{len(self.kept)} epoch{'s' * (len(self.kept) != 1)}: {', '.join(parts)}"

    def height(self) -> int:
        """Return about how high a page is whose panels stand in two columns, in pixels."""
        panels = (self.hidden is not None, self.extent is not None, self.curves, self.changes or self.activations)
        return 200 + 540 * ((sum(map(bool, panels)) + 1) // 2)


def _percent(share: float) -> str:
    return "undefined" if np.isnan(share) else f"{100 * share:.3g} %"
