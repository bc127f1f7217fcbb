"""`playback`: the arrays of a training run, checked, made few enough, and put into a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from numpy.typing import ArrayLike

from microgradnp.draw.playback_page import checks
from microgradnp.draw.playback_page.checks import Curve, Regions
from microgradnp.draw.playback_page.page import Playback, page_of
from microgradnp.draw.playback_page.recording import Recording


def playback(
    epochs: ArrayLike | None = None,
    *,
    loss: Curve | None = None,
    metrics: Mapping[str, Curve] | None = None,
    curve_epochs: ArrayLike | None = None,
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
    notes: Sequence[str] = (),
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
    curve_epochs : array_like, shape (C,)
        The epochs of `loss` and `metrics`, if these were measured at others than the rest: their arrays have C entries
        then. What a masked array masks was not measured either.
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
    notes : sequence of str
        Sentences to stand below the panels.

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
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> playback(loss=[3.0, 2.0, 1.0], hidden=rng.normal(size=(3, 20, 4)), labels=np.arange(20) % 2)
    <Playback of 3 epochs: hidden layer, loss; .save("playback.html") writes it>
    """
    plots = checks.curves(loss, metrics)
    own_changes = checks.mapping(changes, "changes", '{"W1": percents}')
    own_layers = checks.mapping(activations, "activations", '{"hidden": outputs}')
    given = {} if curve_epochs is not None else {name: a for plot in plots.values() for name, a in plot.values()}
    given |= {f"changes[{key!r}]": values for key, values in own_changes.items()}
    given |= {f"activations[{key!r}]": values for key, values in own_layers.items()}
    given |= {} if hidden is None else {"hidden": hidden}
    given |= {} if regions is None or callable(regions) else {"regions": regions}
    if not given and not plots and regions is None:
        raise ValueError("there is nothing to play: give loss, metrics, hidden, regions, changes or activations")
    numbers = checks.epochs(epochs, given)
    curve_numbers = numbers if curve_epochs is None else checks.increasing(curve_epochs, "curve_epochs")
    total = len(numbers)
    run = Recording(
        epochs=numbers,
        curve_epochs=curve_numbers,
        curves={
            title: {own: checks.measured(a, name, len(curve_numbers)) for own, (name, a) in plot.items()}
            for title, plot in plots.items()
        },
        changes={key: checks.row(values, f"changes[{key!r}]", total) for key, values in own_changes.items()},
        activations={key: checks.activations(a, f"activations[{key!r}]", total) for key, a in own_layers.items()},
        hidden=None if hidden is None else checks.hidden(hidden, total),
        points=None if points is None else checks.points(points),
        notes=[str(note) for note in notes],
    )
    run.label(labels)
    run.draw_fewer_points()
    run.project()
    run.keep(frames)
    run.map_plane(regions, extent, resolution, margin)
    if frames is None:
        run.keep_what_fits()
    packed = run.packed(names)
    packed["start"] = run.nearest(numbers[-1] if start is None else checks.finite(start, "start"))
    if "hidden" in packed:
        packed["hidden"]["title"] = hidden_title
    if "changes" in packed:
        packed["changes"] |= {"title": changes_title, "unit": changes_unit}
    return Playback(page_of(title or "", packed), run.said(), run.height())
