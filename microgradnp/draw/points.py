"""Pictures of points: the data in the plane, what a classifier makes of the plane, the hidden layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microgradnp.draw import checks, style
from microgradnp.draw.checks import Classes, Floats
from microgradnp.tensor import no_grad

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GROUND = 0.6  # the zorder of regions: above the grid, below everything else

__all__ = ["decision_regions", "hidden_space", "probability_regions", "scatter_classes"]


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
    points, labels = checks.labelled(points, labels, 2, "points")
    new = ax is None
    with style.axes(ax) as ax:
        _scatter(ax, points, labels, names)
        if new:
            if len(points) and (np.ptp(points, axis=0) == 0).any():  # a single point, or points in a line
                left, right, bottom, top = checks.extent_of(points, 0.05, None)
                ax.set(xlim=(left, right), ylim=(bottom, top))
            (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
            if 1e-3 < (right - left) / (top - bottom) < 1e3:  # a circle looks like one, where it can be seen at all
                ax.set_aspect("equal", adjustable="datalim")
        style.label(ax, x="$x_1$", y="$x_2$", title=title)
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
        Maps points, an array of shape (m, 2), to their classes 0, 1, ..., shape (m,) or (m, 1). It is called once.
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

    See Also
    --------
    probability_regions : how sure the classifier is, as well.

    Examples
    --------
    >>> ax = decision_regions(lambda x: x[:, 0] > 0, [[-1, 0], [1, 0]], [0, 1], extent=(-2, 2, -1, 1))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['class 0', 'class 1']
    """
    points, labels = checks.labelled(points, labels, 2, "points")
    x, y, grid = _grid(checks.extent_of(points, margin, extent), resolution)
    with no_grad():
        chosen = predict(grid)
    regions = checks.classes(chosen, "what predict returns", len(grid)).reshape(len(y), len(x))

    new = ax is None
    with style.axes(ax) as ax:
        _regions(ax, x, y, regions, filled=True)
        _points_on_regions(ax, x, y, points, labels, names, new=new)
        style.label(ax, x="$x_1$", y="$x_2$", title=title)
    return ax


def probability_regions(
    predict_proba: Callable[[NDArray[np.float64]], ArrayLike],
    points: ArrayLike,
    labels: ArrayLike,
    *,
    ax: Axes | None = None,
    levels: Sequence[float] = (0.7, 0.9),
    resolution: int = 200,
    margin: float = 0.15,
    extent: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
) -> Axes:
    """Draw how probable the most probable class is everywhere in the plane, and the points.

    The surer the classifier, the stronger the tint of the class. Thin lines with their probabilities show the same
    in print; the thick line is the border between the classes.

    Parameters
    ----------
    predict_proba : callable
        Maps points, an array of shape (m, 2), to probabilities: shape (m, k) for k classes, or (m,) or (m, 1) for the
        probability of class 1 of two. It is called once.
    points : array_like, shape (n, 2)
        The points.
    labels : array_like, shape (n,)
        Their classes.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    levels : sequence of float
        Probabilities at which lines are drawn.
    resolution, margin, extent, names, title
        As for `decision_regions`.

    Returns
    -------
    matplotlib Axes
        The axes that were drawn in.

    Raises
    ------
    ValueError
        If a shape does not fit, or what `predict_proba` returns are not probabilities.

    Examples
    --------
    >>> from microgradnp import logistic
    >>> ax = probability_regions(lambda x: logistic(x[:, 0]), [[-1, 0], [1, 0]], [0, 1], extent=(-3, 3, -1, 1))
    >>> sorted({text.get_text() for text in ax.texts})
    ['70 %', '90 %']
    """
    points, labels = checks.labelled(points, labels, 2, "points")
    lines = checks.row(levels, "levels") if len(levels) else np.empty(0)
    if not ((lines > 0) & (lines < 1)).all():
        raise ValueError(f"levels are probabilities between 0 and 1, got {levels!r}")
    x, y, grid = _grid(checks.extent_of(points, margin, extent), resolution)
    with no_grad():
        said = predict_proba(grid)
    probability = _probabilities(said, len(grid))
    k = probability.shape[1]
    regions = probability.argmax(axis=1).reshape(len(y), len(x))
    winning = probability.max(axis=1).reshape(len(y), len(x))

    tints = np.array([style.tint(c, 0.6) for c in range(k)])
    sureness = ((winning - 1 / k) / (1 - 1 / k))[..., None]
    new = ax is None
    with style.axes(ax) as ax:
        ground = 1 - (1 - tints[regions]) * (0.1 + 0.9 * np.clip(sureness, 0, 1))
        half = (x[1] - x[0]) / 2, (y[1] - y[0]) / 2
        extent = (x[0] - half[0], x[-1] + half[0], y[0] - half[1], y[-1] + half[1])
        look: dict[str, Any] = {"extent": extent, "aspect": ax.get_aspect(), "zorder": GROUND}
        ax.imshow(ground, origin="lower", interpolation="nearest", **look)
        _regions(ax, x, y, regions, filled=False)
        shown = np.unique(lines[(lines > winning.min()) & (lines < winning.max())])
        if shown.size:
            drawn = ax.contour(x, y, winning, levels=shown, colors=style.EDGE, linewidths=0.6, zorder=1)
            if style.smallness(ax) > 0.6:  # else there is no room
                for text in ax.clabel(drawn, fmt=lambda p: f"{100 * p:.3g} %", fontsize=8):
                    text.set_zorder(2)
        _points_on_regions(ax, x, y, points, labels, names, new=new)
        style.label(ax, x="$x_1$", y="$x_2$", title=title)
    return ax


def hidden_space(
    activations: ArrayLike,
    labels: ArrayLike,
    *,
    ax: Axes | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    elev: float = 30,
    azim: float = -20,
) -> Axes:
    """Draw what a hidden layer makes of the points, in 3-D.

    Layers of one or two units are drawn in the plane. Of more than three units, the three principal components are
    drawn (Pearson 1901), which are the directions in which the activations vary most, and the labels say what share
    of the variance each one shows.

    Parameters
    ----------
    activations : array_like, shape (n, units)
        Activations of the units.
    labels : array_like, shape (n,)
        Classes 0, 1, ... of the points.
    ax : matplotlib Axes3D (Axes for less than three units), optional
        Where to draw, from ``figure.add_subplot(projection="3d")``; by default in a new figure.
    names : sequence of str, optional
        What the legend calls the classes.
    title : str, optional
        Title of the axes.
    elev, azim : float
        Elevation and azimuth of the viewer, in degrees.

    Returns
    -------
    matplotlib Axes3D (Axes for less than three units)
        The axes that were drawn in.

    Raises
    ------
    ValueError
        If a shape does not fit, an activation is not finite, or `labels` are not classes.
    TypeError
        If `ax` are not 3-D axes, or are where the layer has less than three units.

    Examples
    --------
    >>> ax = hidden_space([[0.1, 0.2, 0.9], [0.8, 0.7, 0.1]], [0, 1])
    >>> ax.get_zlabel()
    '$h_3$'
    >>> ax = hidden_space([[0, 3, 0, 0], [0, 0, 2, 0], [0, -3, -1, 0], [0, 0, -1, 0]], [0, 1, 1, 0])
    >>> ax.get_xlabel()
    'PC 1 (78 %)'
    """
    hidden, labels = checks.labelled(activations, labels, None, "activations")
    units = hidden.shape[1]
    if units < 3 and getattr(ax, "name", None) == "3d":
        raise TypeError(f"a hidden layer of {units} units is drawn in the plane: give axes that are not 3-D")
    texts = [f"$h_{{{i + 1}}}$" if i > 8 else f"$h_{i + 1}$" for i in range(min(units, 3))]
    if units > 3:
        hidden, shares = principal_components(hidden, 3)
        texts = [f"PC {i + 1} ({style.percent(share)})" for i, share in enumerate(shares)]

    with style.axes(ax, projection="3d" if units > 2 else None) as ax:
        if units == 1:  # a row for every class, the points one above the other in an even spread
            spread = (np.arange(len(labels)) * 0.618034) % 1 - 0.5
            _scatter(ax, np.column_stack([hidden[:, 0], labels + 0.6 * spread]), labels, names, legend=False)
            found = np.unique(labels)
            ax.set_yticks(found, [_name(c, names) for c in found])
            style.label(ax, x=texts[0], title=title)
        else:
            _scatter(ax, hidden, labels, names)
            style.label(ax, **dict(zip("xyz", texts, strict=False)), title=title)
        if units > 2:
            solid_ax: Any = ax
            solid_ax.view_init(elev=elev, azim=azim)
    return ax


def principal_components(points: Floats, count: int) -> tuple[Floats, Floats]:
    """Return the coordinates along the principal components, shape (n, count), and their shares of the variance.

    The sign of a component, which is arbitrary, is that which makes its largest weight positive.
    """
    if not len(points):
        return np.empty((0, count)), np.zeros(count)
    centred = points - points.mean(axis=0)
    _, s, directions = np.linalg.svd(centred, full_matrices=False)
    if len(directions) < count:  # fewer points than components
        directions = np.vstack([directions, np.zeros((count - len(directions), points.shape[1]))])
        s = np.append(s, np.zeros(count - len(s)))
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    directions = np.where(largest < 0, -directions, directions)
    total = (s**2).sum()
    return centred @ directions[:count].T, s[:count] ** 2 / total if total else np.zeros(count)


def _name(c: int, names: Sequence[str] | None) -> str:
    return f"class {c}" if names is None else names[c]


def _scatter(ax: Axes, points: Floats, labels: Classes, names: Sequence[str] | None, *, legend: bool = True) -> None:
    """One artist a class, so that the legend lists them; stars are drawn larger to look as large."""
    checks.names_for(names, labels.max(initial=-1))
    scatter: Any = ax.scatter  # takes two coordinates or three
    depth = {"depthshade": False} if points.shape[1] == 3 else {}
    shrink = max(0.15, min(1.0, 300 / max(len(points), 1))) * style.smallness(ax)  # so that they hide each other less
    found = np.unique(labels)
    for c in found:
        marker = style.marker(c)
        scatter(
            *points[labels == c].T,
            s=(90 if marker == "*" else 36) * shrink,
            marker=marker,
            color=style.colour(c),
            edgecolors=style.EDGE,
            linewidths=0.6 * shrink**0.5,
            label=_name(c, names),
            zorder=3,
            **depth,
        )
    if legend and labels.size:
        place: dict[str, Any] = {"markerscale": shrink**-0.5}
        if len(found) > 4 or len(points) > 500:  # there is no room among the points
            place |= {"loc": "center left", "bbox_to_anchor": (1.2 if depth else 1.02, 0.5)}
        ax.legend(**place)


def _points_on_regions(
    ax: Axes, x: Floats, y: Floats, points: Floats, labels: Classes, names: Sequence[str] | None, *, new: bool
) -> None:
    _scatter(ax, points, labels, names)
    if new:
        ax.grid(False)
        ax.set_aspect("equal", adjustable="box")
    ax.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))


def _grid(extent: tuple[float, float, float, float], resolution: int) -> tuple[Floats, Floats, Floats]:
    """Return the coordinates of the columns and of the rows, and all places, shape (resolution², 2)."""
    left, right, bottom, top = extent
    checks.resolution_of(resolution)
    x, y = np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
    return x, y, np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _regions(ax: Axes, x: Floats, y: Floats, regions: Classes, *, filled: bool) -> None:
    found = np.unique(regions)
    for c in found:
        inside = (regions == c).astype(np.float64)
        hatch = style.hatch(c)
        if filled:
            tint = style.tint(c)
            ax.contourf(x, y, inside, levels=[0.5, 1.5], colors=[tint], hatches=[hatch], zorder=GROUND)
        elif hatch:
            ax.contourf(x, y, inside, levels=[0.5, 1.5], colors="none", hatches=[hatch], zorder=GROUND)
        if c != found[-1]:  # whose borders are those of the others
            ax.contour(x, y, _softened(inside), levels=[0.5], colors=style.EDGE, linewidths=1.2, zorder=1)


def _softened(inside: Floats) -> Floats:
    """Average with the neighbours: the border of a set of grid cells without its stairs."""
    for _ in range(4):
        padded = np.pad(inside, ((1, 1), (0, 0)), mode="edge")
        inside = ((padded[:-2] + padded[2:]) / 4 + inside / 2).T  # one axis, then the other, twice
    return inside


def _probabilities(values: ArrayLike, n: int) -> Floats:
    """Check probabilities of n points, and return them with one column a class."""
    said = "what predict_proba returns"
    array = checks.floats(values, said)
    if array.shape in ((n,), (n, 1)):
        array = np.stack([1 - array.reshape(n), array.reshape(n)], axis=1)
    elif array.ndim != 2 or len(array) != n or array.shape[1] < 2:
        raise ValueError(f"{said} must have shape ({n}, k) for k classes, or ({n},) for two, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{said} must be finite, but {array.size - np.isfinite(array).sum()} values are not")
    if array.min() < -1e-9 or np.abs(array.sum(axis=1) - 1).max() > 1e-6:
        raise ValueError(
            f"{said} must be probabilities, between 0 and 1 with rows that sum to 1, but they range from "
            f"{array.min():.3g} to {array.max():.3g}: apply softmax or the logistic function first"
        )
    return array
