"""Pictures of the cost as a surface, with the path of descent on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from microgradnp.draw import checks, style
from microgradnp.draw.checks import Floats
from microgradnp.tensor import no_grad

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["cost_contours", "cost_surface", "loss_landscape"]

Parameters = Mapping[str, ArrayLike] | Sequence[ArrayLike]


def cost_contours(
    cost: Callable[[Floats, Floats], ArrayLike],
    path: ArrayLike | None = None,
    *,
    extent: Sequence[float] | None = None,
    margin: float = 0.3,
    resolution: int = 101,
    levels: int = 10,
    logarithmic: bool = False,
    names: tuple[str, str] = ("b", "w"),
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw the contours of a cost of two parameters, and the path that descent takes on it.

    What is drawn is the cost itself, at every place; where it is not finite, the ground is hatched.

    Parameters
    ----------
    cost : callable
        The cost of two parameters. It is called once, with two arrays of shape (m,), and returns the m costs; a
        function of two numbers can be given as ``np.vectorize(cost)``.
    path : array_like, shape (steps, 2), optional
        The parameters after each step, the initial ones first. The path of a run that diverged ends at the last
        finite place.
    extent : sequence of 4 float, optional
        ``(left, right, bottom, top)``; by default the range of the path with a margin.
    margin : float
        Space around the path, as a fraction of its range.
    resolution : int
        Number of places along each side at which the cost is computed.
    levels : int
        About how many contour lines are drawn.
    logarithmic : bool
        Whether neighbouring contours have a constant ratio and not a constant difference.
    names : pair of str
        The names of the two parameters.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    title : str, optional
        Title of the axes.

    Returns
    -------
    matplotlib Axes
        The axes that were drawn in.

    Raises
    ------
    ValueError
        If a shape does not fit, no cost is finite, or one is negative where `logarithmic` asks for logarithms.

    Examples
    --------
    >>> ax = cost_contours(lambda b, w: b**2 + 4 * w**2, [[-2, -1], [-1, 0.2], [-0.5, 0]])
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('b', 'w')
    """
    steps, diverged = _path(path)
    x, y, values = _over(cost, steps, extent, margin, resolution)
    with style.axes(ax) as ax:
        _contours(ax, x, y, values, levels, logarithmic=logarithmic)
        _descent(ax, steps, diverged)
        ax.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
        style.label(ax, x=names[0], y=names[1], title=title)
    return ax


def cost_surface(
    cost: Callable[[Floats, Floats], ArrayLike],
    path: ArrayLike | None = None,
    *,
    extent: Sequence[float] | None = None,
    margin: float = 0.3,
    resolution: int = 61,
    logarithmic: bool = False,
    names: tuple[str, str, str] = ("b", "w", "cost"),
    ax: Axes | None = None,
    title: str | None = None,
    elev: float = 35,
    azim: float = -60,
) -> Axes:
    """Draw a cost of two parameters as a surface in 3-D, and the path that descent takes on it.

    Parameters
    ----------
    cost, path, extent, margin, resolution, logarithmic, title
        As for `cost_contours`; `cost` is called a second time for the heights of the path. A logarithmic surface shows
        the logarithm of the cost to base 10.
    names : triple of str
        The names of the two parameters and of the cost.
    ax : matplotlib Axes3D, optional
        Where to draw, from ``figure.add_subplot(projection="3d")``; by default in a new figure.
    elev, azim : float
        Elevation and azimuth of the viewer, in degrees.

    Returns
    -------
    matplotlib Axes3D
        The axes that were drawn in.

    Raises
    ------
    ValueError
        As for `cost_contours`.
    TypeError
        If `ax` are not 3-D axes.

    Examples
    --------
    >>> ax = cost_surface(lambda b, w: b**2 + 4 * w**2, [[-2, -1], [-1, 0.2], [-0.5, 0]])
    >>> ax.get_zlabel()
    'cost'
    """
    style.must_suit(ax, solid=True)
    steps, diverged = _path(path)
    x, y, values = _over(cost, steps, extent, margin, resolution)
    heights = _costs(cost, *steps.T)
    with style.axes(ax, projection="3d", size=(5.4, 4.4)) as ax:
        _solid(
            ax,
            x,
            y,
            values,
            np.column_stack([steps, heights]),
            diverged,
            names[2],
            (elev, azim),
            logarithmic=logarithmic,
        )
        style.label(ax, x=names[0], y=names[1], title=title)
    return ax


def loss_landscape(
    loss: Callable[[Any], Any],
    parameters: Parameters,
    path: Sequence[Parameters] | None = None,
    *,
    directions: Literal["path", "random"] | None = None,
    seed: int = 0,
    span: float = 1.0,
    margin: float = 0.3,
    resolution: int = 31,
    levels: int = 10,
    logarithmic: bool = False,
    solid: bool = False,
    ax: Axes | None = None,
    title: str | None = None,
    elev: float = 35,
    azim: float = -60,
) -> Axes:
    """Draw the loss of a network on a plane through its parameters, and the path of its training.

    A plane shows two directions of many. Those of the path are its two principal components as seen from `parameters`,
    and the labels say how much of the squared distances they hold; the path is projected on the plane, so that its
    points have not quite the loss that is drawn below them. Random directions are filter-normalised: each unit's
    weights change by as much as they are large, and biases not at all (Li et al. 2018, "Visualizing the loss
    landscape of neural nets"); on them a path hardly shows, because in many dimensions everything is orthogonal.

    Parameters
    ----------
    loss : callable
        The loss as a function of the parameters, which it gets in the form of `parameters`: a dict of arrays, or a
        list of arrays. It is called ``resolution ** 2`` times.
    parameters : mapping of str to array_like, or sequence of array_like
        The parameters in the middle, usually those of the trained network. Weights are (inputs, outputs), filters
        (out, in, height, width).
    path : sequence of such, optional
        The parameters in the course of training, the initial ones first.
    directions : {"path", "random"}, optional
        By default "path" where there is one.
    seed : int
        Seed of the random directions.
    span : float
        How far the plane reaches along random directions, relative to the sizes of the weights.
    margin, resolution, levels, logarithmic, title
        As for `cost_contours`.
    solid : bool
        Whether a surface in 3-D is drawn, not contours.
    ax : matplotlib Axes, optional
        Where to draw (3-D axes where `solid`); by default in a new figure.
    elev, azim : float
        Elevation and azimuth of the viewer of a surface, in degrees.

    Returns
    -------
    matplotlib Axes
        The axes that were drawn in.

    Raises
    ------
    ValueError
        If the entries of `path` differ in form from `parameters`, a parameter is not finite, or the loss is not one
        number.
    TypeError
        If `ax` are not 3-D axes where `solid` asks for a surface.

    Examples
    --------
    >>> import numpy as np
    >>> path = [{"w": np.array([3.0, 1.0, 0.0])}, {"w": np.array([1.0, 0.5, 0.0])}, {"w": np.zeros(3)}]
    >>> ax = loss_landscape(lambda p: np.sum(p["w"] ** 2), path[-1], path, resolution=11)
    >>> ax.get_xlabel()
    'direction 1 of the path (99.8 %)'
    """
    style.must_suit(ax, solid=solid)
    middle = _Vector.of(parameters, "parameters")
    walked = [_Vector.of(p, f"path[{i}]", like=middle) for i, p in enumerate(path or [])]
    away = np.array([p.values - middle.values for p in walked]).reshape(len(walked), middle.values.size)
    if directions is None:
        directions = "path" if away.any() else "random"
    if directions == "path" and not away.any():
        raise ValueError('directions="path" needs a path that leads away from the parameters: give path, or "random"')
    if directions not in ("path", "random"):
        raise ValueError(f'directions must be "path" or "random", got {directions!r}')
    if not 0 < span < np.inf:
        raise ValueError(f"span must be positive, got {span}")
    plane, texts = _plane(middle, away, directions, seed)
    steps = np.linalg.lstsq(plane.T, away.T, rcond=None)[0].T if len(away) else np.empty((0, 2))
    extent = (-span, span, -span, span)
    if directions == "path":
        extent = checks.extent_of(np.vstack([steps, np.zeros(2)]), margin, None)

    def at(places: Floats) -> Floats:
        with no_grad():
            return np.array([_number(loss(middle.moved(place @ plane))) for place in places])

    x, y = _sides(extent, resolution)
    values = at(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)).reshape(len(y), len(x))
    with style.axes(ax, projection="3d" if solid else None, size=(5.4, 4.4)) as ax:
        if solid:
            lifted = np.column_stack([steps, at(steps)])
            _solid(ax, x, y, values, lifted, False, "loss", (elev, azim), logarithmic=logarithmic)
        else:
            _contours(ax, x, y, values, levels, logarithmic=logarithmic)
            _descent(ax, steps, False)
            if not len(steps):
                ax.plot(0, 0, "*", color="black", markersize=12)
            ax.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
        style.label(ax, x=texts[0], y=texts[1], title=title)
    return ax


# -- the plane through a network's parameters ------------------------------------------------------------------------


@dataclass
class _Vector:
    """Parameters in one row, and how to give them their form again."""

    values: Floats
    shapes: list[tuple[int, ...]]
    names: list[str] | None

    @classmethod
    def of(cls, parameters: Parameters, name: str, like: _Vector | None = None) -> _Vector:
        named = isinstance(parameters, Mapping)
        items: Any = parameters.items() if isinstance(parameters, Mapping) else enumerate(parameters)
        arrays = {key: checks.finite(value, f"{name}[{key!r}]") for key, value in items}
        if not arrays:
            raise ValueError(f"{name} is empty: there is nothing to move")
        if like is not None:
            keys = list(range(len(like.shapes))) if like.names is None else like.names
            wanted = dict(zip(keys, like.shapes, strict=True))
            if {key: array.shape for key, array in arrays.items()} != wanted:
                got = {key: array.shape for key, array in arrays.items()}
                raise ValueError(f"{name} must hold what parameters holds, {wanted}, got {got}")
            arrays = {key: arrays[key] for key in wanted}
        row = np.concatenate([array.ravel() for array in arrays.values()])
        return cls(row, [array.shape for array in arrays.values()], list(arrays) if named else None)

    def moved(self, by: Floats) -> Any:
        """The parameters at another place, in the form that they were given in."""
        arrays = self.split(self.values + by)
        return arrays if self.names is None else dict(zip(self.names, arrays, strict=True))

    def split(self, row: Floats) -> list[Floats]:
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])[:-1]
        return [part.reshape(shape) for part, shape in zip(np.split(row, ends), self.shapes, strict=True)]


def _plane(middle: _Vector, away: Floats, directions: str, seed: int) -> tuple[Floats, tuple[str, str]]:
    """Return two directions, shape (2, parameters), and the labels of the axes."""
    rng = np.random.default_rng(seed)
    first, second = _filter_normalised(middle, rng), _filter_normalised(middle, rng)
    if directions == "random":
        return np.stack([first, second]), ("random direction 1", "random direction 2")
    _, s, components = np.linalg.svd(away, full_matrices=False)
    shares = s**2 / (s**2).sum()
    one = components[0] if away[0] @ components[0] <= 0 else -components[0]  # training runs from left to right
    label = f"direction 1 of the path ({style.percent(shares[0])})"
    if len(s) > 1 and shares[1] > 1e-12:
        return np.stack([one, components[1]]), (label, f"direction 2 of the path ({style.percent(shares[1])})")
    other = second - (second @ one) * one  # the path is straight
    length = float(np.linalg.norm(other))
    other = other * (np.linalg.norm(away, axis=1).max() / length if length else 0.0)
    return np.stack([one, other]), (label, "random direction")


def _filter_normalised(middle: _Vector, rng: np.random.Generator) -> Floats:
    parts: list[Floats] = []
    for array in middle.split(middle.values):
        noise = rng.normal(size=array.shape)
        if array.ndim < 2:  # biases, and the scales of a normalisation
            parts.append(np.zeros(array.size))
            continue
        within = (0,) if array.ndim == 2 else tuple(range(1, array.ndim))
        sizes = np.sqrt((array**2).sum(axis=within, keepdims=True))
        parts.append((noise * sizes / np.sqrt((noise**2).sum(axis=within, keepdims=True))).ravel())
    row: Floats = np.concatenate(parts)
    if not row.any():  # nothing but biases, or weights of 0: move everything alike
        row = rng.normal(size=row.size) / np.sqrt(row.size)
    return row


def _number(value: Any) -> float:
    array = checks.floats(value, "what loss returns")
    if array.size != 1:
        raise ValueError(f"what loss returns must be one number, got shape {array.shape}")
    return float(array.reshape(()))


# -- drawing ---------------------------------------------------------------------------------------------------------


def _path(path: ArrayLike | None) -> tuple[Floats, bool]:
    """Return the finite beginning of a path, and whether it is not all."""
    if path is None:
        return np.empty((0, 2)), False
    steps = checks.floats(path, "path")
    if steps.ndim != 2 or steps.shape[1] != 2 or len(steps) == 0:
        raise ValueError(f"path must have shape (steps, 2), got {steps.shape}")
    known = np.asarray(checks.drawable(steps).all(axis=1))
    if not known[0]:
        raise ValueError(f"path must begin at a finite place, but path[0] is {steps[0]}")
    end = len(steps) if known.all() else int(np.argmin(known))
    return steps[:end], end < len(steps)


def _sides(extent: tuple[float, float, float, float], resolution: int) -> tuple[Floats, Floats]:
    checks.resolution_of(resolution)
    left, right, bottom, top = extent
    return np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)


def _costs(cost: Callable[[Floats, Floats], ArrayLike], first: Floats, second: Floats) -> Floats:
    """Ask for the costs at some places."""
    if not len(first):
        return np.empty(0)
    said = "what cost returns"
    with no_grad():
        costs = checks.floats(cost(first, second), said)
    if costs.shape != first.shape:
        raise ValueError(
            f"{said} must have shape {first.shape}, a cost for each place, got {costs.shape}: a function of two numbers "
            "can be given as np.vectorize(cost)"
        )
    return costs


def _over(
    cost: Callable[[Floats, Floats], ArrayLike],
    steps: Floats,
    extent: Sequence[float] | None,
    margin: float,
    resolution: int,
) -> tuple[Floats, Floats, Floats]:
    x, y = _sides(checks.extent_of(steps, margin, extent, "points of a path"), resolution)
    first, second = np.meshgrid(x, y)
    return x, y, _costs(cost, first.ravel(), second.ravel()).reshape(first.shape)


def _scaled(values: Floats, *, logarithmic: bool) -> Floats:
    """Check the costs; those that are not finite become nan."""
    known = checks.drawable(values)
    if not known.any():
        raise ValueError("no cost is finite here: choose another extent")
    costs = np.where(known, values, np.nan)
    if logarithmic:
        if (costs < 0).any() or not (costs > 0).any():
            raise ValueError(f"logarithmic needs positive costs, but the least is {np.nanmin(costs):g}")
        costs = np.where(costs == 0, costs[costs > 0].min(), costs)  # a minimum that the grid has met exactly
    return costs


def _contours(ax: Axes, x: Floats, y: Floats, values: Floats, levels: int, *, logarithmic: bool) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Rectangle
    from matplotlib.ticker import MaxNLocator

    if levels < 1:
        raise ValueError(f"levels must be at least 1, got {levels}")
    costs = _scaled(values, logarithmic=logarithmic)
    low, high = float(np.nanmin(costs)), float(np.nanmax(costs))
    if np.isnan(costs).any():
        ground: dict[str, Any] = {"facecolor": "white", "edgecolor": "#888888", "hatch": "xxx", "linewidth": 0}
        ax.add_patch(Rectangle((x[0], y[0]), x[-1] - x[0], y[-1] - y[0], zorder=-1, **ground))
        ax.text(1, 1.01, "hatched: not finite", ha="right", va="bottom", transform=ax.transAxes, fontsize=9)
    if high > low:
        lines = np.asarray(MaxNLocator(levels).tick_values(low, high))
        if logarithmic:
            lines = np.geomspace(low, high, levels + 2)[1:-1]
            rounded = np.unique([float(f"{line:.2g}") for line in lines])
            lines = rounded if len(rounded) > 1 else lines
        inner = lines[(lines > low) & (lines < high)]
        edges = np.concatenate([[low], inner, [high]])
        shades = _shades(len(edges) - 1)
        ax.contourf(x, y, costs, levels=edges, cmap=ListedColormap(shades), norm=_steps(edges), zorder=0)
        if inner.size:
            drawn = ax.contour(x, y, costs, levels=inner, colors="#444444", linewidths=0.7, zorder=1)
            ax.clabel(drawn, fmt="%.3g", fontsize=8)
    else:
        ax.text(0.5, 0.02, f"{low:.3g} everywhere", ha="center", va="bottom", transform=ax.transAxes, fontsize=9)
    ax.grid(False)


def _shades(n: int) -> Floats:
    """N shades from white, which is low, to a blue on which black lines can still be seen."""
    return np.linspace((1, 1, 1), style.tint(1, 0.65), n)


def _steps(edges: Floats) -> Any:
    from matplotlib.colors import BoundaryNorm

    return BoundaryNorm(edges, len(edges) - 1)


def _descent(ax: Axes, steps: Floats, diverged: bool) -> None:
    """Draw a path, and where it starts and ends."""
    if not len(steps):
        return
    few = "." if len(steps) <= 60 else None
    ax.plot(*steps.T, color="black", linewidth=1.4, marker=few, markersize=5, zorder=4)
    ends = [(steps[0], "o", 8, "start")]
    if len(steps) > 1:
        ends.append((steps[-1], "X" if diverged else "*", 10 if diverged else 13, "diverged" if diverged else "end"))
    for place, marker, size, text in ends:
        look: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": "black", "markeredgewidth": 1.3}
        ax.plot(*place, marker, markersize=size, zorder=5, label=text, linestyle="none", **look)
    ax.legend()


def _solid(
    ax: Any,
    x: Floats,
    y: Floats,
    values: Floats,
    path: Floats,
    diverged: bool,
    name: str,
    view: tuple[float, float],
    *,
    logarithmic: bool,
) -> None:
    """Draw a surface, and a path (x, y, height) on it, as seen from an elevation and an azimuth."""
    from matplotlib.colors import ListedColormap

    costs = _scaled(values, logarithmic=logarithmic)
    heights = path[:, 2]
    if logarithmic:
        costs = np.log10(costs)
        heights = np.log10(np.where(heights > 0, heights, np.nan))
    ax.computed_zorder = False  # the path lies on the surface, and would be hidden by halves
    look: dict[str, Any] = {"edgecolor": "#777777", "linewidth": 0.25, "rcount": 40, "ccount": 40, "zorder": 1}
    ax.plot_surface(*np.meshgrid(x, y), costs, cmap=ListedColormap(_shades(256)), **look)
    if len(path):
        ax.plot(path[:, 0], path[:, 1], heights, color="black", linewidth=1.6, zorder=4)
        ends = [(0, "o", 8, "start")]
        if len(path) > 1:
            ends.append((-1, "X" if diverged else "*", 12, "diverged" if diverged else "end"))
        for i, marker, size, text in ends:
            white: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": "black", "markeredgewidth": 1.3}
            at = ([path[i, 0]], [path[i, 1]], [heights[i]])
            ax.plot(*at, marker, markersize=size, zorder=5, label=text, linestyle="none", **white)
        ax.legend(loc="upper left")
    ax.view_init(*view)
    style.label(ax, z=f"log$_{{10}}$ {name}" if logarithmic else name)
