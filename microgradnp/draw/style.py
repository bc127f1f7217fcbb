"""The look of every matplotlib picture: readable in colour, by the colour-blind, and printed in grey.

A class has a marker and a colour of Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), so ordered
that neighbours differ in grey tone as well. Nothing here touches pyplot or the user's ``rcParams``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#E69F00", "#0072B2", "#F0E442", "#000000", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
MARKERS = ("*", "o", "^", "s", "D", "v", "P", "X", "<", "p", ">")  # as many as are coprime to the colours
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----", "||||", "oooo")
LINES = (("#0072B2", "-"), ("#E69F00", "--"), ("#000000", "-."), ("#009E73", ":"), ("#CC79A7", "-"))
EDGE = "#222222"

SETTINGS: dict[str, Any] = {
    "figure.figsize": (5.2, 4.2),
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.h_pad": 0.08,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "legend.frameon": True,
    "legend.framealpha": 0.9,
    "legend.edgecolor": "#CCCCCC",
    "legend.fancybox": False,
    "lines.linewidth": 1.8,
    "hatch.color": "#9A9A9A",
    "hatch.linewidth": 0.5,
}

# Ticks are made when a picture is drawn, under whatever settings are in force then, so theirs are stated.
TICKS: dict[str, Any] = {
    "color": "black",
    "labelcolor": "black",
    "labelfontfamily": "DejaVu Sans",
    "labelsize": 10,
    "direction": "out",
    "length": 3.5,
    "width": 0.8,
    "pad": 3.5,
    "grid_color": SETTINGS["grid.color"],
    "grid_linewidth": SETTINGS["grid.linewidth"],
    "grid_linestyle": "-",
    "grid_alpha": 1,
}

# In force while a file is written: the same picture gives the same file, and prints well.
FILES: dict[Any, Any] = {
    "savefig.bbox": "tight",
    "savefig.dpi": 200,
    "savefig.pad_inches": 0.08,
    "svg.hashsalt": "microgradnp",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
}


def colour(index: int) -> str:
    """The colour of a class.

    >>> colour(0), colour(8) == colour(0)
    ('#E69F00', True)
    """
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    """The marker of a class; colour and marker together repeat after 88 classes only.

    >>> marker(0), marker(8)
    ('*', '<')
    """
    return MARKERS[index % len(MARKERS)]


def hatch(index: int) -> str:
    """The hatching of the region of a class.

    >>> hatch(0), hatch(1)
    ('', '////')
    """
    return HATCHES[index % len(HATCHES)]


def tint(index: int, strength: float = 0.25) -> tuple[float, float, float]:
    """The colour of a class mixed with white, for the ground that markers stand on.

    >>> tint(3)
    (0.75, 0.75, 0.75)
    """
    from matplotlib.colors import to_rgb

    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour(index)))
    return red, green, blue


@contextmanager
def axes(ax: Axes | None, **subplot: Any) -> Iterator[Axes]:
    """The given axes, or those of a new figure in this style, to draw in inside ``with``.

    Axes that are given keep the style that they were made in.
    """
    if ax is not None:
        yield ax
        return

    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", SETTINGS]):
        ax = Figure(layout="constrained").add_subplot(**subplot)
        ax.tick_params(**TICKS)
        yield ax
