"""Whole figures: several pictures side by side, and files."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microgradnp.draw import checks, style
from microgradnp.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["panels", "save"]


def panels(
    pictures: Mapping[str, Callable[[Axes], object]],
    *,
    columns: int | None = None,
    shared: bool = False,
    size: tuple[float, float] = (3.6, 3.0),
    projection: str | None = None,
    title: str | None = None,
) -> Figure:
    """Draw several pictures in one figure, each in its own panel; where all have the same legend, it is drawn once.

    Parameters
    ----------
    pictures : mapping of str to callable
        The title of a panel, and what draws in its axes: ``{"lr 0.1": lambda ax: loss_curve(losses, ax=ax)}``.
    columns : int, optional
        Number of panels in a row; by default the figure is about as wide as high.
    shared : bool
        Whether all panels have the same ranges, so that they can be compared.
    size : pair of float
        Width and height of one panel in inches.
    projection : str, optional
        "3d" for pictures in 3-D.
    title : str, optional
        Title of the figure.

    Returns
    -------
    matplotlib Figure
        Its ``axes`` are the panels, in order.

    Raises
    ------
    ValueError
        If there is nothing to draw, or `columns` is less than 1.

    Examples
    --------
    >>> from microgradnp.draw.curves import loss_curve
    >>> losses = {"lr 1": [3, 2, 1], "lr 9": [3, 9, 27]}
    >>> figure = panels({name: lambda ax, run=run: loss_curve(run, ax=ax) for name, run in losses.items()})
    >>> [ax.get_title() for ax in figure.axes]
    ['lr 1', 'lr 9']
    """
    titled = list(checks.named(pictures, "pictures").items())
    for name, draw in titled:
        if not callable(draw):
            raise TypeError(
                f"pictures[{name!r}] must be a function that draws in the axes it is given, got {type(draw)}"
            )
    return side_by_side(titled, columns=columns, shared=shared, size=size, projection=projection, title=title)


def side_by_side(
    pictures: Sequence[tuple[str, Callable[[Axes], object]]],
    *,
    columns: int | None = None,
    shared: bool = False,
    size: tuple[float, float],
    projection: str | None = None,
    title: str | None = None,
) -> Figure:
    """Draw `panels` from pairs of title and picture, whose titles may repeat."""
    n = len(pictures)
    if columns is None:
        columns = next(c for c in range(1, n + 1) if c * c >= n)
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    columns = min(columns, n)
    lines = -(-n // columns)
    with style.figure((size[0] * columns, size[1] * lines)) as figure:
        grid = figure.subplots(lines, columns, squeeze=False, subplot_kw={"projection": projection}).ravel()
        for (name, draw), ax in zip(pictures, grid, strict=False):
            style.ticks(ax)
            draw(ax)
            ax.set_title(name)
        for ax in grid[n:]:
            ax.remove()
        if shared:
            _share(list(grid[:n]))
        _one_legend(figure, list(grid[:n]))
        if title is not None:
            figure.suptitle(title, fontsize=12)
    return figure


def save(picture: Axes | Figure, path: str | os.PathLike[str]) -> Path:
    """Write a picture to a PNG, SVG or PDF file.

    The same picture gives the same bytes: there is no date in the file. The file is replaced as a whole or
    not at all.

    Parameters
    ----------
    picture : matplotlib Axes or Figure
        The picture, or axes in it.
    path : str or path
        File to write; its ending chooses the format.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If the ending is not ``.png``, ``.svg`` or ``.pdf``.
    TypeError
        If `picture` is neither axes nor a figure.
    FileNotFoundError
        If there is no such folder.

    Examples
    --------
    >>> from microgradnp.draw.curves import loss_curve
    >>> save(loss_curve([2.0, 1.0]), "loss.txt")
    Traceback (most recent call last):
    ValueError: cannot write 'loss.txt': the ending must be .png, .svg or .pdf
    """
    import matplotlib as mpl

    path = Path(path)
    undated: dict[str, dict[str, Any]] = {
        ".png": {},
        ".svg": {"Date": None},
        ".pdf": {"CreationDate": None},
    }
    kind = path.suffix.lower()
    if kind not in undated:
        raise ValueError(f"cannot write {str(path)!r}: the ending must be .png, .svg or .pdf")
    if not hasattr(picture, "get_figure"):
        advice = ": it has a method save of its own" if hasattr(picture, "save") else ""
        raise TypeError(f"picture must be axes or a figure of matplotlib, got {type(picture).__name__}{advice}")
    figure = picture.get_figure(root=True)
    if figure is None:
        raise ValueError("the axes have been removed from their figure: there is nothing to save")
    buffer = io.BytesIO()
    with mpl.rc_context(style.FILES):
        figure.savefig(buffer, format=kind[1:], metadata=undated[kind])
    write_whole(path, buffer.getvalue())
    return path


def _share(axes: list[Axes]) -> None:
    """Give all axes the ranges that hold the data of each."""
    for axis in "xyz" if axes[0].name == "3d" else "xy":
        limits = [getattr(ax, f"get_{axis}lim")() for ax in axes]
        for ax in axes:
            getattr(ax, f"set_{axis}lim")(min(min(pair) for pair in limits), max(max(pair) for pair in limits))


def _one_legend(figure: Figure, axes: list[Axes]) -> None:
    """Put one legend below all panels in the place of theirs, where these say the same."""
    said = []
    for ax in axes:
        if ax.get_legend() is not None:
            handles, labels = ax.get_legend_handles_labels()
            said.append((labels, [_look(handle) for handle in handles]))
    if len(said) < 2 or len(said) < len(axes) or any(legend != said[0] for legend in said):
        return
    for ax in axes:
        ax.get_legend().remove()  # type: ignore[union-attr]
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=max(1, min(len(labels), 6)))


def _look(handle: Any) -> list[str]:
    getters = ("get_color", "get_linestyle", "get_marker", "get_facecolor", "get_hatch")
    return [str(getattr(handle, getter)()) for getter in getters if hasattr(handle, getter)]
