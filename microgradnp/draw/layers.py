"""Pictures of what happens in each layer: activations, gradients, and how far the parameters have moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from microgradnp.draw import checks, style
from microgradnp.draw.checks import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["activation_distributions", "gradient_distributions", "layer_activations", "percent_changes"]


def layer_activations(
    activations: Sequence[ArrayLike] | Mapping[str, ArrayLike],
    *,
    target: ArrayLike | None = None,
    ylim: tuple[float, float] | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw the activations of all layers for one input, layer by layer, and the target beside the output.

    Parameters
    ----------
    activations : sequence or mapping of array_like, each of shape (units,) or a number
        The activations of the layers from the input to the output; of a mapping the names are shown.
    target : array_like, shape (outputs,) or a number, optional
        What the last layer should say.
    ylim : pair of float, optional
        Range of the vertical axis; by default that of the values.
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
        If there is nothing to draw, an activation is not finite, or the target has not as many values as the output.

    See Also
    --------
    film_of_activations : the same over the epochs of training.

    Examples
    --------
    >>> ax = layer_activations([0.4, [0.9, 0.1], 0.7], target=0.15)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['activation', 'output', 'target']
    """
    named = activations if isinstance(activations, Mapping) else {str(i): a for i, a in enumerate(activations)}
    layers = [
        checks.finite(a, f"activations[{name!r}]").ravel() for name, a in checks.named(named, "activations").items()
    ]
    wanted = None if target is None else checks.finite(target, "target").ravel()
    if wanted is not None and len(wanted) != len(layers[-1]):
        raise ValueError(f"target has {len(wanted)} values, but the last layer has {len(layers[-1])} units")
    with style.axes(ax, size=(5.2, 3.6)) as ax:
        last = len(layers) - 1
        for i, values in enumerate(layers):
            look: dict[str, Any] = {"color": style.colour(1), "marker": "o", "label": "activation" if i == 0 else None}
            if i == last > 0:
                look = {"color": style.colour(3), "marker": "s", "label": "output"}
            ax.scatter(i + _dodge(len(values)), values, s=34, edgecolors=style.EDGE, linewidths=0.6, zorder=3, **look)
        if wanted is not None:
            at = last + _dodge(len(wanted)) + (0.12 if len(wanted) == 1 else 0.05)
            ax.scatter(
                at, wanted, s=60, marker="D", facecolors="none", edgecolors="#D55E00", linewidths=1.8, label="target"
            )
        for i in range(last + 1):
            ax.axvline(i, color="#CFCFCF", linewidth=0.8, zorder=0)
        ax.set_xlim(-0.5, last + 0.5)
        ax.set_xticks(range(last + 1), list(named))
        if ylim is not None:
            ax.set_ylim(*ylim)
        if last:
            ax.legend()
        style.label(ax, x="layer", y="activation", title=title)
    return ax


def percent_changes(
    weights: Mapping[str, ArrayLike],
    biases: Mapping[str, ArrayLike] | None = None,
    *,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw by how many percent the weights and biases of each layer have changed, for several initialisations.

    The vertical axis is logarithmic away from zero on both sides, so that a layer that hardly learns can be told from
    one that does not learn. A change of a parameter that started at 0 has no percentage: it is shown as undefined, in
    a strip of its own, and not as 0.

    Parameters
    ----------
    weights : mapping of str to array_like, shape (layers,)
        For each initialisation (or run) the changes in percent, one a layer; nan or inf where they are undefined.
    biases : mapping of str to array_like, shape (layers,), optional
        The same of the biases, under the same names; drawn hollow.
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
        If the rows have different lengths, or `biases` other names than `weights`.

    Examples
    --------
    >>> ax = percent_changes({"b=2, w=2": [0.1, -3, -90], "b=2, w=0": [float("nan")] * 3})
    >>> [text.get_text() for text in ax.texts]
    ['undefined (was 0)']
    """
    drawn = [(checks.rows(weights, "weights"), "weights")]
    if biases is not None:
        drawn.append((checks.rows(biases, "biases"), "biases"))
        unknown = set(biases) ^ set(weights)
        if unknown:
            raise ValueError(f"weights and biases must have the same names, but {sorted(unknown)} is in one only")
    names = list(drawn[0][0])
    layers = len(drawn[0][0][names[0]])
    for rows, what in drawn:
        for name, values in rows.items():
            large = np.isfinite(values) & ~checks.drawable(values)
            if large.any():
                raise ValueError(f"{what}[{name!r}] must be smaller than {checks.LARGEST:g}, got {values[large][0]:g}")
            if len(values) != layers:
                raise ValueError(f"{what}[{name!r}] has {len(values)} layers, but weights[{names[0]!r}] has {layers}")

    from matplotlib.patches import Rectangle

    everything = np.concatenate([values for rows, _ in drawn for values in rows.values()])
    sizes = np.abs(everything[np.isfinite(everything) & (everything != 0)])
    with style.axes(ax, size=(6.4, 4.0)) as ax:
        first, last = _decades(sizes)
        ax.set_yscale("symlog", linthresh=10.0**first, linscale=0.6)
        places = np.arange(1, layers + 1)
        width = 0.8 / len(names)
        for i in range(layers + 1):
            ax.axvline(i + 0.5, color="#CFCFCF", linewidth=0.8, zorder=0)
        undefined = []
        for k, name in enumerate(names):
            colour, marker = style.LINES[k % len(style.LINES)][0], style.marker(k + 1)
            for (rows, what), side in zip(drawn, (-1, 1), strict=False):
                values = rows[name]
                at = places + (k - (len(names) - 1) / 2) * width + side * width / 5 * (len(drawn) - 1)
                look: dict[str, Any] = {"linestyle": "none", "marker": marker, "color": colour, "markersize": 7}
                if what == "biases":
                    look |= {"markerfacecolor": "white", "markeredgewidth": 1.5}
                known = np.isfinite(values)
                label = f"{name}: {what}" if len(drawn) > 1 else name
                ax.plot(at[known], values[known], label=label, zorder=3, **look)
                undefined.append((at[~known], look))
        ax.axhline(0, color="black", linewidth=0.8, zorder=1)
        if not sizes.size:
            ax.set_ylim(-1, 1)
        low, high = ax.get_ylim()
        powers = 10.0 ** np.arange(last, first - (first == last), -max(1, (last - first + 3) // 4))[::-1]
        ticks = np.concatenate([-powers[::-1], [0], powers])
        ax.set_yticks(ticks[(ticks >= low) & (ticks <= high)])
        if any(len(at) for at, _ in undefined):
            style.room(ax, below=0.13)
            strip = ax.get_xaxis_transform()
            ground: dict[str, Any] = {"facecolor": "#F1F1F1", "hatch": "....", "edgecolor": "#C4C4C4", "linewidth": 0}
            ax.add_patch(Rectangle((0, 0), 1, 0.105, transform=ax.transAxes, zorder=1, **ground))
            for at, look in undefined:
                ax.plot(at, np.full(len(at), 0.05), transform=strip, zorder=3, **look)
            ax.text(1.01, 0.05, "undefined (was 0)", transform=ax.transAxes, va="center", fontsize=9)
        ax.set_xlim(0.5, layers + 0.5)
        ax.set_xticks(places)
        ax.grid(False, axis="x")
        if len(names) * len(drawn) > 1:
            ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.55))
        style.label(ax, x="layer", y="change in percent", title=title)
    return ax


def activation_distributions(
    activations: Mapping[str, ArrayLike],
    *,
    limits: tuple[float, float] | Mapping[str, tuple[float, float] | None] | None = None,
    bins: int = 60,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw how the activations of each layer are distributed, and say which units are dead or saturated.

    Each layer has a row with its histogram, all on one axis; heights are relative to the highest bar of the row. Values
    that are exactly 0 are counted beside the row and not drawn, since they would dwarf the rest. A unit is dead when it
    is 0 for every sample. A value is saturated when it lies within 2.5 % of the range from a limit of the activation
    function.

    Parameters
    ----------
    activations : mapping of str to array_like, shape (n, units, ...)
        Activations by name of the layer, first layer first; of images, axis 1 holds the channels, which are the units.
    limits : pair of float, or mapping of str to such, optional
        Limits of the activation function, such as ``(0, 1)`` for logistic and ``(-1, 1)`` for tanh, for all layers or
        by name; without them, saturation is not looked for.
    bins : int
        Number of bars.
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
        If an array is empty, `limits` are not increasing, or `bins` is less than 1.

    Examples
    --------
    >>> ax = activation_distributions({"relu": [[0, 1], [0, 2], [0, 0]], "tanh": [[-1, 0.5]]}, limits={"tanh": (-1, 1)})
    >>> print(ax.texts[0].get_text(), ax.texts[1].get_text(), sep="; ")
    1 of 2 units dead, 67 % zeros; 50 % saturated
    """
    arrays, said, pairs = {}, [], []
    for name, values in checks.named(activations, "activations").items():
        array = _batch(values, f"activations[{name!r}]")
        arrays[name] = array.ravel()
        pair = limits.get(name) if isinstance(limits, Mapping) else limits
        pairs.append(pair)
        dead = (array.reshape(*array.shape[:2], -1) == 0).all(axis=(0, 2))
        parts = [f"{dead.sum()} of {len(dead)} units dead"] if dead.any() else []
        parts += [f"{style.percent((array == 0).mean())} zeros"] if (array == 0).any() else []
        if pair is not None:
            low, high = pair
            if not low < high:
                raise ValueError(f"limits must be increasing pairs, got {pair!r} for {name!r}")
            near = 0.025 * (high - low)
            parts.append(f"{style.percent(((array < low + near) | (array > high - near)).mean())} saturated")
        said.append(", ".join(parts))
    with style.axes(ax, size=(6.2, 0.9 + 0.62 * len(arrays))) as ax:
        edges = _edges([values[checks.drawable(values) & (values != 0)] for values in arrays.values()], bins)
        for i, pair in enumerate(pairs):
            for limit in pair or ():
                ax.plot([limit, limit], [-i, 0.85 - i], color="#888888", linestyle="--", linewidth=1, zorder=1)
        _ridges(ax, arrays, said, edges)
        ax.axvline(0, color="#888888", linewidth=0.8, zorder=0)
        style.label(ax, x="activation", title=title)
    return ax


def gradient_distributions(
    gradients: Mapping[str, ArrayLike],
    *,
    bins: int = 60,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw how large the entries of each layer's gradient are, on a logarithmic axis.

    Each layer has a row with the histogram of the absolute values; heights are relative to the highest bar of the row.
    A triangle stands at the root mean square. Entries that are exactly 0 have no logarithm: their share is said.
    Vanishing and exploding gradients show as rows that wander to the left or to the right.

    Parameters
    ----------
    gradients : mapping of str to array_like, any shape
        Gradients by name of the layer or parameter, first layer first.
    bins : int
        Number of bars.
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
        If an array is empty, or `bins` is less than 1.

    Examples
    --------
    >>> ax = gradient_distributions({"W1": [[1e-6, -2e-6], [0, 1e-7]], "W2": [0.1, -0.2]})
    >>> [text.get_text() for text in ax.texts]
    ['rms 1.1e-06, 25 % zeros', 'rms 0.16']
    """
    arrays, said = {}, []
    means: list[float] = []
    for name, values in checks.named(gradients, "gradients").items():
        array = np.abs(_batch(values, f"gradients[{name!r}]").ravel())
        known = array[np.isfinite(array)]
        largest = known.max(initial=0.0)
        mean = float(largest * np.sqrt(np.mean((known / largest) ** 2))) if largest else 0.0  # squares may overflow
        zeros = f", {style.percent((array == 0).mean())} zeros" if (array == 0).any() else ""
        arrays[name] = array
        means.append(mean)
        said.append(f"rms {mean:.2g}{zeros}" if known.size else "")
    with style.axes(ax, size=(6.2, 0.9 + 0.62 * len(arrays))) as ax:
        logs = [np.log10(values[checks.drawable(values) & (values > 0)]) for values in arrays.values()]
        ax.set_xscale("log")
        _ridges(ax, arrays, said, 10.0 ** _edges(logs, bins))
        for i, mean in enumerate(means):
            if 0 < mean < checks.LARGEST:
                ax.plot(mean, -i, marker="^", markersize=7, color="black", zorder=4)
        style.label(ax, x="size of the gradient's entries", title=title)
    return ax


def _dodge(n: int) -> Floats:
    """Places beside each other for the units of a layer."""
    return np.linspace(-0.3, 0.3, n) if n > 1 else np.zeros(1)


def _decades(sizes: Floats) -> tuple[int, int]:
    """Return the powers of ten between which the axis is logarithmic: those of the sizes, but eight at most."""
    if not sizes.size:
        return 0, 0
    last = int(np.floor(np.log10(sizes.max())))
    return max(int(np.floor(np.log10(sizes.min()))), last - 8, -100), max(last, -100)


def _batch(values: ArrayLike, name: str) -> Floats:
    array = checks.floats(values, name)
    if array.size == 0:
        raise ValueError(f"{name} is empty, shape {array.shape}: there is nothing to draw")
    return array.reshape(len(array), -1) if array.ndim == 1 else np.atleast_2d(array)


def _edges(values: Sequence[Floats], bins: int) -> Floats:
    """Edges of the bars, the same for all layers."""
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}")
    everything = np.concatenate(values)
    if not everything.size:
        return np.linspace(-1, 1, bins + 1)
    low, high = everything.min(), everything.max()
    space = 0.5 if low == high else 0.0
    return np.linspace(low - space, high + space, bins + 1)


def _ridges(ax: Axes, arrays: Mapping[str, Floats], said: Sequence[str], edges: Floats) -> None:
    """Draw a row with a histogram for every array, the first one on top, with a remark beside it."""
    for i, ((_, values), text) in enumerate(zip(arrays.items(), said, strict=True)):
        known = checks.drawable(values)
        counts = np.histogram(values[known & (values != 0)], edges)[0]
        heights = 0.85 * counts / max(counts.max(), 1)
        ax.stairs(heights - i, edges, baseline=-i, fill=True, color=style.tint(1, 0.55), zorder=2)
        ax.stairs(heights - i, edges, baseline=-i, color=style.colour(1), linewidth=0.9, zorder=3)
        ax.axhline(-i, color="#888888", linewidth=0.6, zorder=1)
        why = "not finite" if known[np.isfinite(values)].all() else f"above {checks.LARGEST:g}"
        lost = f"{style.percent((~known).mean())} {why}" if not known.all() else ""
        remark = ", ".join(part for part in (text, lost) if part)
        ax.annotate(remark, (1.02, 0.2 - i), xycoords=("axes fraction", "data"), va="center", fontsize=9)
    ax.set_yticks([0.2 - i for i in range(len(arrays))], list(arrays))
    ax.set_ylim(0.85 - len(arrays), 1)
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")
    ax.spines["left"].set_visible(False)
