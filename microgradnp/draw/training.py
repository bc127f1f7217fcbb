"""Pictures of training: the data, the loss, the decision regions, the hidden layer.

Every function draws in the axes that it is given, or in those of a new figure, and returns them. No display
is needed: `save` writes the file.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microgradnp.draw import style
from microgradnp.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from mpl_toolkits.mplot3d import Axes3D

__all__ = ["decision_regions", "hidden_space", "loss_curve", "save", "scatter_classes"]


def scatter_classes(
    points: ArrayLike,
    labels: ArrayLike,
    *,
    ax: Axes | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
) -> Axes:
    """Draw points in the plane, each class with its own marker, colour and grey tone.

    Parameters
    ----------
    points : array_like, shape (n, 2)
        The points.
    labels : array_like, shape (n,)
        Their classes 0, 1, ...
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    names : sequence of str, optional
        What the legend calls the classes.
    title : str, optional
        Title of the axes.

    Returns
    -------
    matplotlib Axes
        The axes that were drawn in.

    Raises
    ------
    ValueError
        If a shape does not fit, a coordinate is not finite, or `labels` are not classes.

    Examples
    --------
    >>> ax = scatter_classes([[0, 0], [1, 1], [2, 0]], [0, 1, 1], names=["star", "circle"])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['star', 'circle']
    """
    points, labels = _labelled(points, labels, 2, "points")
    new = ax is None
    with style.axes(ax) as ax:
        _scatter(ax, points, labels, names)
        if new:
            ax.set_aspect("equal", adjustable="datalim")  # a circle looks like one
        _label(ax, x="$x_1$", y="$x_2$", title=title)
    return ax


def loss_curve(
    losses: ArrayLike,
    *,
    ax: Axes | None = None,
    label: str | None = None,
    title: str | None = None,
    logy: bool = False,
) -> Axes:
    """Draw the loss over the iterations; call again with the same axes to compare runs.

    Parameters
    ----------
    losses : array_like, shape (n,)
        The losses, that of the initial parameters first. Where training diverged, the curve ends and the
        first value that is not finite is marked.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    label : str, optional
        What the legend calls the curve.
    title : str, optional
        Title of the axes.
    logy : bool
        Whether the loss axis is logarithmic.

    Returns
    -------
    matplotlib Axes
        The axes that were drawn in.

    Raises
    ------
    ValueError
        If `losses` is not a row of numbers, or not positive where `logy` asks for logarithms.

    Examples
    --------
    >>> ax = loss_curve([4.0, 2.0, 1.0], label="momentum")
    >>> ax.lines[0].get_ydata()
    array([4., 2., 1.])
    """
    values = _floats(losses, "losses")
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"losses must be a row of numbers, shape (n,) with n > 0, got shape {values.shape}")
    if logy and (values <= 0).any():
        i = int(np.argmax(values <= 0))
        raise ValueError(f"logy needs positive losses, but losses[{i}] is {values[i]:g}: draw without logy")
    bad = np.flatnonzero(~np.isfinite(values))
    new = ax is None
    with style.axes(ax) as ax:
        if new:
            ax.locator_params(axis="x", integer=True)
        ax.set_xlim(0, max(ax.get_xlim()[1], len(values) - 1))
        colour, dashes = style.LINES[len(ax.lines) % len(style.LINES)]
        shown = values[: bad[0]] if bad.size else values
        ax.plot(shown, color=colour, linestyle=dashes, label=label, marker="o" if len(shown) == 1 else None)
        if bad.size:
            said = f"{values[bad[0]]} at iteration {bad[0]}"
            ax.axvline(float(bad[0]), color=colour, linestyle=":", label=said, clip_on=False)
        if logy:
            ax.set_yscale("log")
        if label is not None or bad.size:
            ax.legend()
        _label(ax, x="iteration", y="loss", title=title)
    return ax


def decision_regions(
    predict: Callable[[NDArray[np.float64]], ArrayLike],
    points: ArrayLike,
    labels: ArrayLike,
    *,
    ax: Axes | None = None,
    resolution: int = 200,
    margin: float = 0.15,
    extent: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
) -> Axes:
    """Draw which class a classifier chooses everywhere in the plane, and the points that it learned from.

    Regions are told apart by tint, by hatching and by the line between them.

    Parameters
    ----------
    predict : callable
        Maps points, an array of shape (m, 2), to their classes 0, 1, ..., shape (m,). It is called once.
    points : array_like, shape (n, 2)
        The points.
    labels : array_like, shape (n,)
        Their classes.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    resolution : int
        Number of places along each side at which `predict` is asked.
    margin : float
        Space around the points, as a fraction of their range.
    extent : sequence of 4 float, optional
        ``(left, right, bottom, top)``, instead of the range of the points and `margin`.
    names : sequence of str, optional
        What the legend calls the classes.
    title : str, optional
        Title of the axes.

    Returns
    -------
    matplotlib Axes
        The axes that were drawn in.

    Raises
    ------
    ValueError
        If a shape does not fit, also that of what `predict` returns, or an argument is out of its range.

    Examples
    --------
    >>> ax = decision_regions(lambda x: x[:, 0] > 0, [[-1, 0], [1, 0]], [0, 1], extent=(-2, 2, -1, 1))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['class 0', 'class 1']
    """
    points, labels = _labelled(points, labels, 2, "points")
    if resolution < 2:
        raise ValueError(f"resolution must be at least 2, got {resolution}")
    left, right, bottom, top = _extent(points, margin, extent)
    x, y = np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    regions = _classes(predict(grid), "what predict returns", len(grid)).reshape(resolution, resolution)

    new = ax is None
    with style.axes(ax) as ax:
        found = np.unique(regions)
        for c in found:
            inside = (regions == c).astype(np.float64)
            tint, hatch = style.tint(c), style.hatch(c)
            ax.contourf(x, y, inside, levels=[0.5, 1.5], colors=[tint], hatches=[hatch], zorder=0)
            if c != found[-1]:  # whose borders are those of the others
                ax.contour(x, y, _softened(inside), levels=[0.5], colors=style.EDGE, linewidths=1, zorder=1)
        _scatter(ax, points, labels, names)
        if new:
            ax.grid(False)
            ax.set_aspect("equal", adjustable="box")
        ax.set(xlim=(left, right), ylim=(bottom, top))
        _label(ax, x="$x_1$", y="$x_2$", title=title)
    return ax


def hidden_space(
    activations: ArrayLike,
    labels: ArrayLike,
    *,
    ax: Axes3D | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    elev: float = 30,
    azim: float = -20,
) -> Axes3D:
    """Draw what a hidden layer of three units makes of the points, in 3-D.

    Parameters
    ----------
    activations : array_like, shape (n, 3)
        Activations of the three units.
    labels : array_like, shape (n,)
        Classes 0, 1, ... of the points.
    ax : matplotlib Axes3D, optional
        Where to draw, from ``figure.add_subplot(projection="3d")``; by default in a new figure.
    names : sequence of str, optional
        What the legend calls the classes.
    title : str, optional
        Title of the axes.
    elev, azim : float
        Elevation and azimuth of the viewer, in degrees.

    Returns
    -------
    matplotlib Axes3D
        The axes that were drawn in.

    Raises
    ------
    ValueError
        If a shape does not fit, an activation is not finite, or `labels` are not classes.
    TypeError
        If `ax` are not 3-D axes.

    Examples
    --------
    >>> ax = hidden_space([[0.1, 0.2, 0.9], [0.8, 0.7, 0.1]], [0, 1])
    >>> ax.get_zlabel()
    '$h_3$'
    """
    activations, labels = _labelled(activations, labels, 3, "activations")
    if ax is not None and getattr(ax, "name", None) != "3d":
        raise TypeError('hidden_space draws in 3-D axes: make them with figure.add_subplot(projection="3d")')
    with style.axes(ax, projection="3d") as flat:
        ax = cast("Axes3D", flat)
        _scatter(ax, activations, labels, names)
        ax.view_init(elev=elev, azim=azim)
        _label(ax, x="$h_1$", y="$h_2$", z="$h_3$", title=title)
    return ax


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

    Examples
    --------
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
    figure = picture.get_figure(root=True)
    if figure is None:
        raise ValueError("the axes have been removed from their figure: there is nothing to save")
    buffer = io.BytesIO()
    with mpl.rc_context(style.FILES):
        figure.savefig(buffer, format=kind[1:], metadata=undated[kind])
    write_whole(path, buffer.getvalue())
    return path


def _scatter(ax: Axes, points: NDArray[np.float64], labels: NDArray[np.intp], names: Sequence[str] | None) -> None:
    """One artist a class, so that the legend lists them; stars are drawn larger to look as large."""
    if names is not None and len(names) <= labels.max(initial=-1):
        raise ValueError(f"names has {len(names)} entries, but the labels go up to {labels.max()}")
    scatter: Any = ax.scatter  # takes two coordinates or three
    depth = {"depthshade": False} if points.shape[1] == 3 else {}
    for c in np.unique(labels):
        marker = style.marker(c)
        scatter(
            *points[labels == c].T,
            s=90 if marker == "*" else 36,
            marker=marker,
            color=style.colour(c),
            edgecolors=style.EDGE,
            linewidths=0.6,
            label=f"class {c}" if names is None else names[c],
            zorder=3,
            **depth,
        )
    if labels.size:
        ax.legend()


def _softened(inside: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average with the neighbours: the border of a set of grid cells without its stairs."""
    for _ in range(4):
        padded = np.pad(inside, ((1, 1), (0, 0)), mode="edge")
        inside = ((padded[:-2] + padded[2:]) / 4 + inside / 2).T  # one axis, then the other, twice
    return inside


def _label(ax: Axes, *, title: str | None, **labels: str) -> None:
    """Label what the user has not labelled."""
    for axis, text in labels.items():
        if not getattr(ax, f"get_{axis}label")():
            getattr(ax, f"set_{axis}label")(text)
    if title is not None:
        ax.set_title(title)


def _floats(values: ArrayLike, name: str) -> NDArray[np.float64]:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of real numbers: {error}") from error


def _classes(values: ArrayLike, name: str, n: int) -> NDArray[np.intp]:
    """Check that these are n classes 0, 1, ..."""
    array = np.asarray(values)
    if array.shape != (n,):
        advice = ": of scores or one-hot rows take .argmax(axis=1)" if array.ndim == 2 else ""
        raise ValueError(f"{name} must have shape ({n},), one class a point, got {array.shape}{advice}")
    if array.dtype.kind not in "biuf" or not (np.isfinite(array) & (array >= 0) & (array % 1 == 0)).all():
        raise ValueError(f"{name} must be classes 0, 1, 2, ..., got {np.unique(array)[:5]} ({array.dtype})")
    return array.astype(np.intp)


def _labelled(
    points: ArrayLike, labels: ArrayLike, width: int, name: str
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    xs = _floats(points, name)
    if xs.ndim != 2 or xs.shape[1] != width:
        raise ValueError(f"{name} must have shape (n, {width}), got {xs.shape}")
    broken = np.flatnonzero(~np.isfinite(xs).all(axis=1))
    if broken.size:
        raise ValueError(f"{name} must be finite, but row {broken[0]} is {xs[broken[0]]}")
    return xs, _classes(labels, "labels", len(xs))


def _extent(
    points: NDArray[np.float64], margin: float, extent: Sequence[float] | None
) -> tuple[float, float, float, float]:
    if extent is not None:
        sides = _floats(extent, "extent")
        if sides.shape == (4,) and np.isfinite(sides).all() and sides[0] < sides[1] and sides[2] < sides[3]:
            left, right, bottom, top = sides.tolist()
            return left, right, bottom, top
        raise ValueError(f"extent must be (left, right, bottom, top) in increasing pairs, got {extent!r}")
    if len(points) == 0:
        raise ValueError("there are no points to take the range from: give extent=(left, right, bottom, top)")
    if not 0 <= margin < np.inf:
        raise ValueError(f"margin is a fraction of the range and cannot be {margin}")
    low, high = points.min(axis=0), points.max(axis=0)
    space = np.where(high > low, margin * (high - low), 1.0)
    (left, bottom), (right, top) = (low - space).tolist(), (high + space).tolist()
    return left, right, bottom, top
