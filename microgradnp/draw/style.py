"""The look of every matplotlib picture: readable in colour, by the colour-blind, and printed in grey.

A class has a marker and a colour of Okabe and Ito's palette (https://jfly.uni-koeln.de/color/), so ordered
that neighbours differ in grey tone as well. Nothing here touches pyplot or the user's ``rcParams``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

COLOURS = ("#E69F00", "#0072B2", "#F0E442", "#000000", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")
MARKERS = ("*", "o", "^", "s", "D", "v", "P", "X", "<", "p", ">")  # as many as are coprime to the colours
HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----", "||||", "oooo")
LINES: tuple[tuple[str, Any], ...] = (  # no two with the same dashes, so that grey print tells them apart
    ("#0072B2", "-"),
    ("#E69F00", "--"),
    ("#000000", "-."),
    ("#009E73", ":"),
    ("#CC79A7", (0, (8, 2))),
    ("#D55E00", (0, (3, 1, 1, 1, 1, 1))),
    ("#56B4E9", (0, (1, 0.6))),
    ("#666666", (0, (10, 2, 2, 2))),
)
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

MINOR: dict[str, Any] = {"which": "minor", "color": "black", "direction": "out", "length": 2, "width": 0.6}

#: Numbers with a sign. Its lightness rises all the way, and its middle is a neutral grey: blue and dark is negative,
#: grey is zero, yellow and bright is positive, in colour, to the colour-blind and in grey print alike.
SIGNED = "cividis"

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


def ticks(ax: Axes) -> None:
    """Give the ticks of new axes this style, whatever settings they are drawn under."""
    ax.tick_params(**TICKS)
    ax.tick_params(**MINOR)
    if ax.name == "3d":  # whose labels stand aslant: fewer of them, and away from the names
        solid: Any = ax
        for axis in (solid.xaxis, solid.yaxis, solid.zaxis):
            axis.get_major_locator().set_params(nbins=5 if smallness(ax) > 0.8 else 3)
            axis.labelpad = 8
        solid.set_box_aspect(None, zoom=0.9)  # no layout of matplotlib's makes room for the labels


def label(ax: Axes, *, title: str | None = None, **labels: str) -> None:
    """Label what the user has not labelled: ``label(ax, x="epoch", y="loss")``."""
    for axis, text in labels.items():
        if not getattr(ax, f"get_{axis}label")():
            getattr(ax, f"set_{axis}label")(text)
    if title is not None:
        ax.set_title(title)


def must_suit(ax: Axes | None, *, solid: bool) -> None:
    """Check axes that a user gives.

    >>> from matplotlib.figure import Figure
    >>> must_suit(Figure().add_subplot(), solid=True)
    Traceback (most recent call last):
    TypeError: ax must be 3-D axes for this picture: make them with figure.add_subplot(projection="3d")
    """
    from matplotlib.axes import Axes

    if ax is None:
        return
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be axes of matplotlib, such as figure.add_subplot() makes, got {type(ax).__name__}")
    if solid and ax.name != "3d":
        raise TypeError('ax must be 3-D axes for this picture: make them with figure.add_subplot(projection="3d")')
    if not solid and ax.name == "3d":
        raise TypeError("ax are 3-D axes, but this picture is drawn in the plane: give figure.add_subplot()")


@contextmanager
def applied() -> Iterator[None]:
    """Apply this style to what is made inside ``with``, whatever the user's settings are."""
    import matplotlib.style

    with matplotlib.style.context(["default", SETTINGS]):
        yield


@contextmanager
def axes(ax: Axes | None, *, size: tuple[float, float] | None = None, **subplot: Any) -> Iterator[Axes]:
    """The given axes, or those of a new figure in this style, to draw in inside ``with``.

    Axes that are given keep the style that they were made in. The size of a new figure is in inches.
    """
    must_suit(ax, solid=subplot.get("projection") == "3d")
    if ax is not None:
        yield ax
        return

    with figure(size) as new:
        ax = new.add_subplot(**subplot)
        ticks(ax)
        yield ax


@contextmanager
def figure(size: tuple[float, float] | None = None) -> Iterator[Figure]:
    """Make a new figure in this style, to draw in inside ``with``; its size is in inches."""
    from matplotlib.figure import Figure

    with applied():
        yield Figure(figsize=size, layout="constrained")


def percent(share: float) -> str:
    """Write a share of the whole with two digits, but with more where that would round it to the whole.

    >>> percent(0.123), percent(0.9996), percent(1)
    ('12 %', '99.96 %', '100 %')
    """
    value = 100 * share
    return f"{value:.4g} %" if value >= 99.5 else f"{value:.2g} %"


def plain_numbers(axis: Axis) -> None:
    """Write the numbers of a logarithmic axis as 0.2 and not as 2 · 10⁻¹, where all of them can be read so."""
    from matplotlib.ticker import LogFormatterSciNotation

    class Plain(LogFormatterSciNotation):
        def __call__(self, x: float, pos: int | None = None) -> str:
            text = str(super().__call__(x, pos))  # empty where there is no room
            low, high = axis.get_view_interval()
            return f"{x:g}" if text and low >= 5e-4 and high < 5e4 else text

    axis.set_major_formatter(Plain())
    axis.set_minor_formatter(Plain(labelOnlyBase=False))


def smallness(ax: Axes) -> float:
    """How large things may be in axes: 1 in those of three inches and more, less in smaller ones.

    >>> from matplotlib.figure import Figure
    >>> smallness(Figure(figsize=(6, 6)).add_subplot())
    1.0
    """
    size = min(ax.bbox.width, ax.bbox.height)
    return float(min(1.0, max(0.3, size / ax.figure.dpi / 3)))


def shown_at(ax: Axes, x: float, y: float) -> tuple[float, float]:
    """Where a point of the data stands in its axes, as fractions of their width and height.

    >>> from matplotlib.figure import Figure
    >>> ax = Figure().add_subplot(xlim=(0, 4), ylim=(0, 2))
    >>> shown_at(ax, 1, 1)
    (0.25, 0.5)
    """
    ax.get_xlim(), ax.get_ylim()  # so that limits that are still to be found are found
    left, bottom = ax.transAxes.inverted().transform(ax.transData.transform((x, y))).round(12).tolist()
    return left, bottom


def room(ax: Axes, *, below: float = 0.0, above: float = 0.0) -> None:
    """Make room below and above the data, in fractions of the height, on any scale."""
    (x, bottom), (_, top) = ax.transData.transform(list(zip(ax.get_xlim(), ax.get_ylim(), strict=True)))
    height = (top - bottom) / (1 - below - above)
    ends = ax.transData.inverted().transform([(x, bottom - below * height), (x, top + above * height)])
    ax.set_ylim(*ends[:, 1])


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Move places on a line apart, as little as it takes, until neighbours are at least `gap` apart, and below 1.

    >>> spread([0.5, 0.1, 0.52], 0.1)
    [0.5, 0.1, 0.6]
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = list(places)
    for lower, upper in pairwise(order):
        moved[upper] = max(moved[upper], moved[lower] + gap)
    if order and moved[order[-1]] > 1:
        moved[order[-1]] = 1.0
        for upper, lower in pairwise(reversed(order)):
            moved[lower] = min(moved[lower], moved[upper] - gap)
    return moved
