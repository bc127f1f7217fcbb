"""A picture of a network: its units in columns, its weights as lines between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from microgradnp.draw import checks, style
from microgradnp.draw.checks import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["network_diagram"]

POSITIVE, NEGATIVE = "#0072B2", "#D55E00"


def network_diagram(
    layers: Sequence[int] | Sequence[ArrayLike],
    biases: Sequence[ArrayLike] | None = None,
    *,
    names: Sequence[str] | None = None,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    most: int = 8,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    r"""Draw the units of a multilayer perceptron in columns, and its weights as lines between them.

    The wider a line, the larger the weight; positive weights are solid lines, negative ones dashed. Biases come from a
    square that always says 1. Of layers with many units the first and the last ones are drawn.

    Parameters
    ----------
    layers : sequence of int, or sequence of array_like of shape (inputs, outputs)
        The sizes of all layers, input and output included; or the weights between them.
    biases : sequence of array_like, shape (outputs,) or (1, outputs), optional
        The biases, one array for each array of weights.
    names : sequence of str, optional
        What stands below the columns, above their sizes; by default "input", "hidden" and "output".
    inputs, outputs : sequence of str, optional
        Names of the units of the first and of the last layer.
    most : int
        How many units of a layer are drawn, at least 2.
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
        If the sizes of neighbouring layers do not fit, a weight is not finite, or there are not two layers.

    See Also
    --------
    draw : the graph of a computation, with every operation.

    Examples
    --------
    >>> ax = network_diagram([2, 3, 1])
    >>> [text.get_text() for text in ax.texts]
    ['input\n2', 'hidden\n3', 'output\n1']
    """
    sizes, weights = _layers(layers)
    shifts = _biases(biases, weights, sizes)
    if most < 2:
        raise ValueError(f"most must be at least 2, got {most}")
    last = len(sizes) - 1
    middle = ["hidden"] if last == 2 else [f"hidden {i}" for i in range(1, last)]
    below = ["input", *middle, "output"] if names is None else list(names)
    if len(below) != len(sizes):
        raise ValueError(f"names has {len(below)} entries, but there are {len(sizes)} layers")
    for said, what, size in ((inputs, "inputs", sizes[0]), (outputs, "outputs", sizes[-1])):
        if said is not None and len(said) != size:
            raise ValueError(f"{what} has {len(said)} names, but the layer has {size} units")

    shown = [_shown(size, most) for size in sizes]
    tall = max(len(s) + (len(s) < size) for s, size in zip(shown, sizes, strict=True))
    ys = [_places(len(s), gap=len(s) < size) for s, size in zip(shown, sizes, strict=True)]
    top = tall / 2 + 0.4  # where the squares of the biases stand
    largest = max((float(np.abs(w).max(initial=0)) for w in [*(weights or []), *(shifts or [])]), default=0.0) or 1.0

    with style.axes(ax, size=(max(4.2, 1.7 * len(sizes) + 0.8), max(2.6, 0.46 * tall + 1.6))) as ax:
        for i in range(last):
            here, there = shown[i], shown[i + 1]
            ends: list[Any] = [((i, a), (i + 1, b)) for a in ys[i] for b in ys[i + 1]]
            values = None if weights is None else weights[i][np.ix_(here, there)].ravel()
            if shifts is not None:
                ends += [((i + 0.35, top), (i + 1, b)) for b in ys[i + 1]]
                values = None if values is None else np.append(values, shifts[i][there])
            _lines(ax, ends, values, largest)
        for i, size in enumerate(sizes):
            face = "white" if i in (0, last) else "#DDDDDD"
            ax.scatter(
                np.full(len(ys[i]), i), ys[i], s=170, facecolors=face, edgecolors="black", linewidths=1.1, zorder=3
            )
            if len(shown[i]) < size:
                middle_y = (ys[i][len(ys[i]) // 2 - 1] + ys[i][len(ys[i]) // 2]) / 2
                ax.plot(
                    np.full(3, i), middle_y + np.array([-0.22, 0, 0.22]), ".", color="black", markersize=3.5, zorder=3
                )
            ax.text(i, -tall / 2 - 0.1, f"{below[i]}\n{size}", ha="center", va="top", fontsize=10)
        if shifts is not None:
            ax.scatter(
                np.arange(last) + 0.35,
                np.full(last, top),
                s=130,
                marker="s",
                facecolors="white",
                edgecolors="black",
                zorder=3,
            )
            for i in range(last):
                ax.text(i + 0.35, top, "1", ha="center", va="center", fontsize=9, zorder=4)
        for said, i, side, align in ((inputs, 0, -0.14, "right"), (outputs, last, 0.14, "left")):
            texts = [] if said is None else [said[unit] for unit in shown[i]]
            for place, text in zip(ys[i], texts, strict=False):
                ax.text(i + side, place, text, ha=align, va="center", fontsize=9)
        ax.set(xlim=(-0.3, last + 0.3), ylim=(-tall / 2 - 0.05, top + 0.3))
        ax.set_axis_off()
        if weights is not None:
            from matplotlib.lines import Line2D

            legend = [
                Line2D([], [], color=POSITIVE, linewidth=2, label="positive"),
                Line2D([], [], color=NEGATIVE, linewidth=2, linestyle=(0, (3, 1.5)), label="negative"),
            ]
            title_of_legend = f"width: size, up to {largest:.3g}"
            ax.legend(
                handles=legend,
                title=title_of_legend,
                loc="center left",
                bbox_to_anchor=(1.02 + 0.1 * (outputs is not None), 0.5),
            )
        style.label(ax, title=title)
    return ax


def _layers(layers: Sequence[int] | Sequence[ArrayLike]) -> tuple[list[int], list[Floats] | None]:
    """Return the sizes, and the weights where they are given."""
    if not hasattr(layers, "__iter__"):
        raise TypeError(f"layers must be a list of sizes, or of arrays of weights, not {type(layers).__name__}")
    if all(isinstance(layer, int | np.integer) for layer in layers):
        sizes = [int(cast(int, layer)) for layer in layers]
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"layers must be at least two positive sizes, or arrays of weights, got {sizes}")
        return sizes, None
    weights: list[Floats] = []
    for i, layer in enumerate(layers):
        array = checks.finite(layer, f"layers[{i}]")
        if array.ndim != 2:
            raise ValueError(f"layers[{i}] must be weights of shape (inputs, outputs), got shape {array.shape}")
        if weights and array.shape[0] != weights[-1].shape[1]:
            before = weights[-1].shape
            advice = ": weights stored as (outputs, inputs) are to be given transposed, W.T"
            raise ValueError(
                f"layers[{i}] has shape {array.shape}, but layers[{i - 1}] has {before[1]} outputs{advice}"
            )
        weights.append(array)
    return [weights[0].shape[0], *(w.shape[1] for w in weights)], weights


def _biases(biases: Sequence[ArrayLike] | None, weights: list[Floats] | None, sizes: list[int]) -> list[Floats] | None:
    if biases is None:
        return None
    if weights is None:
        raise ValueError("biases are drawn with weights: give arrays of weights as layers, not sizes")
    if len(biases) != len(weights):
        raise ValueError(f"biases has {len(biases)} arrays, but layers has {len(weights)}")
    shifts = []
    for i, (bias, size) in enumerate(zip(biases, sizes[1:], strict=True)):
        array = checks.finite(bias, f"biases[{i}]")
        if array.size != size:
            raise ValueError(f"biases[{i}] has shape {array.shape}, but layers[{i}] has {size} outputs")
        shifts.append(array.ravel())
    return shifts


def _shown(size: int, most: int) -> list[int]:
    """Return the units that are drawn: all, or the first and the last ones."""
    if size <= most:
        return list(range(size))
    first = most // 2
    return [*range(first), *range(size - (most - first), size)]


def _places(n: int, *, gap: bool) -> list[float]:
    """Heights of n units from top to bottom around 0, with room for dots in the middle where units are left out."""
    steps = np.arange(n, dtype=np.float64)
    if gap:
        steps[n // 2 :] += 1
    return [float(y) for y in steps[-1] / 2 - steps]


def _lines(ax: Axes, ends: Sequence[Any], values: Floats | None, largest: float) -> None:
    from matplotlib.collections import LineCollection

    if values is None:
        ax.add_collection(LineCollection(ends, colors="#777777", linewidths=0.8, zorder=1))
        return
    widths = 0.25 + 3 * np.abs(values) / largest
    for sign, colour, dashes in ((values > 0, POSITIVE, "-"), (values < 0, NEGATIVE, (0, (3, 1.5)))):
        lines = [end for end, chosen in zip(ends, sign, strict=True) if chosen]
        if lines:
            look: dict[str, Any] = {"colors": colour, "linestyles": [dashes], "linewidths": widths[sign], "zorder": 1}
            ax.add_collection(LineCollection(lines, **look))
