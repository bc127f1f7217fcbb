"""Pictures of what changes while training runs: losses and metrics, learning rates, sizes of updates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from microgradnp.draw import checks, style
from microgradnp.draw.checks import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["learning_curves", "loss_curve", "range_test_curve", "schedule_curve", "update_ratios"]


def _size(lines: int) -> tuple[float, float]:
    """Width and height in inches, with room for so many lines of names at the right."""
    return 6.2, max(3.8, 0.19 * lines + 0.7)


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

    See Also
    --------
    learning_curves : several curves, validation, the best epoch.

    Examples
    --------
    >>> ax = loss_curve([4.0, 2.0, 1.0], label="momentum")
    >>> ax.lines[0].get_ydata()
    array([4., 2., 1.])
    """
    values = checks.row(losses, "losses")
    if logy:
        _positive(values, "losses")
    bad = np.flatnonzero(~checks.drawable(values))
    new = ax is None
    with style.axes(ax) as ax:
        if new:
            ax.locator_params(axis="x", integer=True)
        ax.set_xlim(0, max(ax.get_xlim()[1], len(values) - 1))
        colour, dashes = style.LINES[len(ax.lines) % len(style.LINES)]
        shown = values[: bad[0]] if bad.size else values
        ax.plot(shown, color=colour, linestyle=dashes, label=label, marker="o" if len(shown) == 1 else None)
        if bad.size:
            said = f"{values[bad[0]]:.3g} at iteration {bad[0]}"
            ax.axvline(float(bad[0]), color=colour, linestyle=":", label=said, clip_on=False)
        if logy:
            ax.set_yscale("log")
            style.plain_numbers(ax.yaxis)
        if label is not None or bad.size:
            ax.legend()
        style.label(ax, x="iteration", y="loss", title=title)
    return ax


def learning_curves(
    curves: Mapping[str, ArrayLike],
    *,
    validation: Mapping[str, ArrayLike] | None = None,
    x: ArrayLike | None = None,
    best: Literal["min", "max"] | None = None,
    ax: Axes | None = None,
    xlabel: str = "epoch",
    ylabel: str | None = None,
    logy: bool = False,
    title: str | None = None,
) -> Axes:
    r"""Draw losses, accuracies or other metrics over the epochs, each curve with its name at its end.

    Parameters
    ----------
    curves : mapping of str to array_like, shape (n,)
        Curves by name. They may differ in length. A gap is left where a value is not finite; the first one is marked
        at the upper edge and named.
    validation : mapping of str to array_like, shape (n,), optional
        The same on data that the network did not learn from; a curve has the colour of that of equal name in
        `curves`, and circles.
    x : array_like, shape (n,), optional
        The epochs at which values were recorded; by default 0, 1, 2, ...
    best : {"min", "max"}, optional
        Mark the lowest or the highest point of each curve (where there is a validation curve, of that one).
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    xlabel, ylabel : str, optional
        Labels of the axes; the vertical one is by default the name of the curve if there is only one.
    logy : bool
        Whether the vertical axis is logarithmic.
    title : str, optional
        Title of the axes.

    Returns
    -------
    matplotlib Axes
        The axes that were drawn in.

    Raises
    ------
    ValueError
        If a curve is not a row of numbers, `x` does not fit it, or a value is not positive where `logy` asks for
        logarithms.
    TypeError
        If `curves` or `validation` are not mappings.

    Examples
    --------
    >>> ax = learning_curves({"loss": [3, 2, 1]}, validation={"loss": [3, 2.5, 2.8]}, best="min")
    >>> [text.get_text() for text in ax.texts]
    ['loss', 'loss, validation\nmin 2.5 at epoch 1']
    """
    drawn = [(name, values, False) for name, values in checks.rows(curves, "curves").items()]
    if validation is not None:
        drawn += [(name, values, True) for name, values in checks.rows(validation, "validation").items()]
    if best not in (None, "min", "max"):
        raise ValueError(f'best must be "min", "max" or None, got {best!r}')
    places = None if x is None else _increasing(x, "x")
    for name, values, held_out in drawn:
        said = f"{'validation' if held_out else 'curves'}[{name!r}]"
        if places is not None and len(places) != len(values):
            raise ValueError(f"x has {len(places)} values, but {said} has {len(values)}")
        if logy:
            _positive(values, said)
    looks = {name: look for look, name in enumerate(dict.fromkeys(name for name, _, _ in drawn))}
    has_validation = {name for name, _, held_out in drawn if held_out}

    new = ax is None
    with style.axes(ax, size=_size(len(drawn) + len(looks) * (best is not None))) as ax:
        if new and places is None:
            ax.locator_params(axis="x", integer=True)
        if logy:
            ax.set_yscale("log")
            style.plain_numbers(ax.yaxis)
        used = len(ax.lines)
        ends = []
        for name, values, held_out in drawn:
            at = np.arange(len(values), dtype=np.float64) if places is None else places
            colour, dashes = style.LINES[(used + looks[name]) % len(style.LINES)]
            _curve(ax, at, values, colour, dashes, marked=held_out, label=f"{name}, validation" if held_out else name)
            text = f"{name}, validation" if held_out else name
            known = checks.drawable(values)
            if best and known.any() and (held_out or name not in has_validation):
                i = int(np.nanargmin(np.where(known, values, np.nan)))
                if best == "max":
                    i = int(np.nanargmax(np.where(known, values, np.nan)))
                ax.plot(at[i], values[i], marker="*", markersize=13, color=colour, markeredgecolor="black", zorder=4)
                text += f"\n{best} {values[i]:.4g} at {xlabel} {at[i]:g}"
            if not known.all():
                text += "\n" + _said_of_gaps(at, values, xlabel)
            last = int(np.flatnonzero(known)[-1]) if known.any() else 0
            ends.append((at[last], values[last] if known.any() else np.nan, text, colour))
        _name_ends(ax, ends)
        only = drawn[0][0] if len(looks) == 1 else ""
        style.label(ax, x=xlabel, y=only if ylabel is None else ylabel, title=title)
    return ax


def update_ratios(
    ratios: Mapping[str, ArrayLike],
    *,
    x: ArrayLike | None = None,
    usual: float | None = 1e-3,
    ax: Axes | None = None,
    xlabel: str = "update",
    title: str | None = None,
) -> Axes:
    r"""Draw how large the updates of each layer are beside its parameters, over the time of training.

    The ratio is that of the norms, ``|new - old| / |old|``. A rule of thumb says that about 1e-3 is healthy: far below
    it a layer hardly learns, far above it learns nothing that lasts (A. Karpathy, CS231n, "Ratio of weights:updates").

    Parameters
    ----------
    ratios : mapping of str to array_like, shape (n,)
        The ratios by name of the layer or parameter. A ratio of 0 (no update) is drawn as a triangle at the lower
        edge, since it has no logarithm; one that is not finite (the parameters were 0) leaves a gap and is named.
    x : array_like, shape (n,), optional
        The steps at which they were recorded; by default 0, 1, 2, ...
    usual : float, optional
        Where the line of the rule of thumb is drawn; None for no line.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    xlabel, title : str, optional
        Label of the horizontal axis, and title of the axes.

    Returns
    -------
    matplotlib Axes
        The axes that were drawn in; the vertical one is logarithmic.

    Raises
    ------
    ValueError
        If a row does not fit, or a ratio is negative.

    Examples
    --------
    >>> ax = update_ratios({"hidden": [3e-3, 2e-3], "output": [1e-2, 0.0]})
    >>> [text.get_text() for text in ax.texts]
    ['hidden', 'output\n0 at 1 of 2', 'usual: 0.001']
    """
    drawn = checks.rows(ratios, "ratios")
    places = None if x is None else _increasing(x, "x")
    for name, values in drawn.items():
        if places is not None and len(places) != len(values):
            raise ValueError(f"x has {len(places)} values, but ratios[{name!r}] has {len(values)}")
        if (values < 0).any():
            raise ValueError(f"ratios[{name!r}] has a negative value: a ratio of norms is |new - old| / |old|")
    new = ax is None
    with style.axes(ax, size=_size(len(drawn))) as ax:
        ax.set_yscale("log")
        style.plain_numbers(ax.yaxis)
        if new and places is None:
            ax.locator_params(axis="x", integer=True)
        ends = []
        for (name, values), (colour, dashes) in zip(drawn.items(), _looks(len(drawn)), strict=True):
            at = np.arange(len(values), dtype=np.float64) if places is None else places
            zero = values == 0
            _curve(ax, at, np.where(zero, np.nan, values), colour, dashes, gaps=~checks.drawable(values), label=name)
            text = name
            if zero.any():
                down = ax.get_xaxis_transform()
                ax.plot(at[zero], np.full(zero.sum(), 0.02), "v", color=colour, markersize=5, transform=down)
                text += f"\n0 at {zero.sum()} of {len(values)}"
            if not checks.drawable(values).all():
                text += "\n" + _said_of_gaps(at, values, xlabel)
            known = np.flatnonzero(checks.drawable(values) & ~zero)
            end = (at[known[-1]], values[known[-1]]) if known.size else (at[-1], np.nan)
            ends.append((*end, text, colour))
        if usual is not None:
            ax.axhline(usual, color="#666666", linewidth=1, zorder=1)
            ends.append((ax.get_xlim()[1], usual, f"usual: {usual:g}", "#666666"))
        _name_ends(ax, ends)
        style.label(ax, x=xlabel, y="size of the update / size of the parameters", title=title)
    return ax


def range_test_curve(
    rates: ArrayLike,
    losses: ArrayLike,
    *,
    suggestion: float | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    r"""Draw a learning-rate range test: the loss while the learning rate grows from step to step (Smith 2017).

    The test ends where training diverges, so the losses at its end dwarf all others. The picture shows the range up to
    a little above the first loss; a triangle at the upper edge stands for every loss that lies above it, and the
    highest one is named.

    Parameters
    ----------
    rates : array_like, shape (n,)
        The learning rates, positive and increasing.
    losses : array_like, shape (n,)
        The losses; at the end they may be infinite or nan.
    suggestion : float, optional
        A learning rate to mark.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    title : str, optional
        Title of the axes.

    Returns
    -------
    matplotlib Axes
        The axes that were drawn in; the horizontal one is logarithmic.

    Raises
    ------
    ValueError
        If the shapes do not fit, no loss is finite, or the rates are not positive and increasing.

    Examples
    --------
    >>> ax = range_test_curve([0.001, 0.01, 0.1, 1.0, 10.0], [2.3, 2.2, 1.1, 9e4, float("nan")], suggestion=0.1)
    >>> [text.get_text() for text in ax.texts]
    ['2 of 5 losses lie above,\nup to 9e+04,\n1 not finite', 'suggested: 0.1']
    """
    places, values = _increasing(rates, "rates"), checks.row(losses, "losses")
    if len(places) != len(values):
        raise ValueError(f"rates has {len(places)} values, but losses has {len(values)}")
    if places[0] <= 0:
        raise ValueError(f"rates must be positive, but rates[0] is {places[0]:g}")
    if suggestion is not None and not 0 < suggestion < np.inf:
        raise ValueError(f"suggestion must be a positive learning rate, got {suggestion}")
    known = np.isfinite(values)
    if not known.any():
        raise ValueError("no loss is finite: start the range test at smaller learning rates")
    first, low = values[known][0], values[known].min()
    top = first + max(0.5 * (first - low), 0.05 * abs(first), 1e-12)
    above = ~known | (values > top)
    with style.axes(ax, size=(5.6, 3.8)) as ax:
        ax.set_xscale("log")
        colour, dashes = style.LINES[0]
        _curve(ax, places, values, colour, dashes, gaps=np.zeros(len(values), dtype=bool), label="loss")
        if above.any():
            space = 0.08 * (top - low)
            ax.set_ylim(low - space, top)
            up = ax.get_xaxis_transform()
            ax.plot(places[above], np.full(above.sum(), 0.98), "^", color=colour, markersize=5, transform=up)
            finite = known & above
            parts = [f"{above.sum()} of {len(values)} losses lie above"]
            parts += [f"up to {values[finite].max():.3g}"] if finite.any() else []
            parts += [f"{(~known).sum()} not finite"] if not known.all() else []
            text = ",\n".join(parts)
            ground = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1}
            ax.text(0.98, 0.93, text, transform=ax.transAxes, ha="right", va="top", fontsize=9, bbox=ground)
        if suggestion is not None:
            ax.axvline(suggestion, color="black", linestyle="--", linewidth=1.2)
            left = style.shown_at(ax, suggestion, low)[0] > 0.5
            ax.annotate(
                f"suggested: {suggestion:.3g}",
                (suggestion, 0.04),
                xycoords=("data", "axes fraction"),
                xytext=(-5 if left else 5, 0),
                textcoords="offset points",
                ha="right" if left else "left",
            )
        style.label(ax, x="learning rate", y="loss", title=title)
    return ax


def schedule_curve(
    rates: ArrayLike | Mapping[str, ArrayLike],
    *,
    ax: Axes | None = None,
    xlabel: str = "update",
    logy: bool = False,
    title: str | None = None,
) -> Axes:
    """Draw the learning rate of every update, as the steps that it makes.

    Parameters
    ----------
    rates : array_like, shape (n,), or mapping of str to such
        Learning rates, such as ``[schedule(step) for step in range(n)]``; several schedules by name.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    xlabel, title : str, optional
        Label of the horizontal axis, and title of the axes.
    logy : bool
        Whether the vertical axis is logarithmic.

    Returns
    -------
    matplotlib Axes
        The axes that were drawn in.

    Raises
    ------
    ValueError
        If a row does not fit, a rate is not finite, or not positive where `logy` asks for logarithms.

    Examples
    --------
    >>> ax = schedule_curve({"halved": [0.4, 0.4, 0.2, 0.2], "constant": [0.1, 0.1, 0.1, 0.1]})
    >>> [text.get_text() for text in ax.texts]
    ['halved', 'constant']
    """
    single = not isinstance(rates, Mapping)
    drawn = {"": checks.row(rates, "rates")} if not isinstance(rates, Mapping) else checks.rows(rates, "rates")
    for name, values in drawn.items():
        said = "rates" if single else f"rates[{name!r}]"
        checks.finite(values, said)
        if logy:
            _positive(values, said)
    new = ax is None
    with style.axes(ax, size=_size(len(drawn))) as ax:
        if new:
            ax.locator_params(axis="x", integer=True)
        if logy:
            ax.set_yscale("log")
            style.plain_numbers(ax.yaxis)
        ends = []
        for (name, values), (colour, dashes) in zip(drawn.items(), _looks(len(drawn)), strict=True):
            at = np.arange(len(values) + 1)  # the last update takes its time as well
            ax.step(at, np.append(values, values[-1]), where="post", color=colour, linestyle=dashes, label=name or None)
            ends.append((float(at[-1]), values[-1], name, colour))
        if not logy:
            ax.set_ylim(bottom=min(0.0, *(values.min() for values in drawn.values())))
        if not single:
            _name_ends(ax, ends)
        style.label(ax, x=xlabel, y="learning rate", title=title)
    return ax


def _looks(n: int) -> list[tuple[str, Any]]:
    return [style.LINES[i % len(style.LINES)] for i in range(n)]


def _positive(values: Floats, name: str) -> None:
    if (values <= 0).any():
        i = int(np.argmax(values <= 0))
        raise ValueError(f"logy needs positive values, but {name}[{i}] is {values[i]:g}: draw without logy")


def _increasing(values: ArrayLike, name: str) -> Floats:
    places = checks.finite(checks.row(values, name), name)
    if (np.diff(places) <= 0).any():
        i = int(np.argmax(np.diff(places) <= 0))
        raise ValueError(f"{name} must increase, but {name}[{i + 1}] is {places[i + 1]:g} after {places[i]:g}")
    return places


def _curve(
    ax: Axes,
    x: Floats,
    values: Floats,
    colour: str,
    dashes: Any,
    *,
    marked: bool = False,
    gaps: Any = None,
    label: str | None = None,
) -> None:
    """Draw a curve with gaps where it has no place, values between two gaps as dots, and where the first gap begins."""
    known = checks.drawable(values)
    shown = np.where(known, values, np.nan)
    look: dict[str, Any] = {"color": colour, "linestyle": dashes, "label": label}
    if marked:
        few = max(1, len(values) // 12)
        look |= {"marker": "o", "markersize": 5, "markerfacecolor": "white", "markevery": few, "linewidth": 1.2}
    ax.plot(x, shown, **look)
    if not known.any():  # the curve has no place, but its epochs have one
        aside = 0.5 * (x[0] == x[-1])
        ax.update_datalim([(x[0] - aside, 1), (x[-1] + aside, 1)], updatey=False)
        ax.autoscale_view()
    padded = np.concatenate([[False], known, [False]])
    alone = known & ~padded[:-2] & ~padded[2:]
    if alone.any():
        ax.plot(x[alone], values[alone], "o", color=colour, markersize=4)
    gaps = np.flatnonzero(~known if gaps is None else gaps)
    if gaps.size:
        at = float(x[gaps[0]])
        ax.axvline(at, color=colour, linestyle=":", linewidth=1)
        ax.plot(at, 1, "X", color=colour, markersize=8, transform=ax.get_xaxis_transform(), clip_on=False, zorder=4)


def _said_of_gaps(x: Floats, values: Floats, xlabel: str) -> str:
    """Say what the first value is that cannot be drawn, where, and whether the curve comes back."""
    bad = np.flatnonzero(~checks.drawable(values))
    text = f"{values[bad[0]]:.3g} {'from' if len(bad) == len(values) - bad[0] > 1 else 'at'} {xlabel} {x[bad[0]]:g}"
    if len(bad) > 1 and len(bad) != len(values) - bad[0]:
        text += f" and {len(bad) - 1} more"
    return text


def _name_ends(ax: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Write names at the ends of curves.

    Those that end at the right are named to the right of the axes, as near as names fit, with a line to each; those
    that end early, where they end.
    """
    if ax.get_yscale() == "log" and not any(np.isfinite(y) for _, y, _, _ in ends):
        ax.set_ylim(0.1, 1)  # of nothing, matplotlib finds no range
    height = ax.bbox.height * 72 / ax.figure.dpi * 0.92  # in points; what labels and titles will take is not known yet
    places = [style.shown_at(ax, x, y) if np.isfinite(y) else (1.0, 0.98) for x, y, _, _ in ends]
    right = [i for i, (across, _) in enumerate(places) if across > 0.7]
    lines = max((ends[i][2].count("\n") + 1 for i in right), default=1)
    moved = style.spread([min(max(places[i][1], 0), 1) for i in right], lines * 1.25 * 9 / height)
    beside = dict(zip(right, moved, strict=True))
    for i, (x, y, text, _) in enumerate(ends):
        look: dict[str, Any] = {"fontsize": 9, "ha": "left", "va": "center", "annotation_clip": False}
        up = places[i][1]
        if i not in beside:
            look |= {"va": "top" if up > 0.85 else "bottom" if up < 0.15 else "center", "zorder": 5}
            look["bbox"] = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1}
            ax.annotate(text, (x, y), xytext=(6, 0), textcoords="offset points", **look)
            continue
        at: dict[str, Any] = {"xy": (1, beside[i]), "xycoords": "axes fraction"}
        if np.isfinite(y):
            at = {"xy": (x, y)}
            look["arrowprops"] = {"arrowstyle": "-", "color": "#888888", "linewidth": 0.6, "shrinkA": 1, "shrinkB": 2}
        ax.annotate(text, **at, xytext=(1.03, beside[i]), textcoords="axes fraction", **look)
