"""Pictures made of images: digits, weights, and the table of confusions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from microgradnp.draw import checks, style
from microgradnp.draw.checks import Classes, Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["confusion_matrix", "image_grid", "weight_images"]


def image_grid(
    images: ArrayLike,
    labels: ArrayLike | None = None,
    predictions: ArrayLike | None = None,
    *,
    shape: tuple[int, int] | None = None,
    columns: int | None = None,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw images in a grid, black on white, with their labels; what was predicted wrong has a frame and a cross.

    Parameters
    ----------
    images : array_like, shape (n, h, w), (n, 1, h, w) or (n, pixels)
        The images. Their lowest value is drawn white, the highest one black.
    labels : array_like, shape (n,), optional
        Their classes 0, 1, ..., written below them.
    predictions : array_like, shape (n,), optional
        The classes that a network says.
    shape : pair of int, optional
        Height and width of images that are given as rows of pixels; by default they are square.
    columns : int, optional
        Number of images in a line; by default 5 for up to 10 images, and about as many lines as columns for more.
    names : sequence of str, optional
        What the classes are called.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    title : str, optional
        Title of the axes.

    Returns
    -------
    matplotlib Axes
        The axes that were drawn in; ``ax.images`` are the images in order.

    Raises
    ------
    ValueError
        If a shape does not fit, a pixel is not finite, or `predictions` are given without `labels`.

    Examples
    --------
    >>> import numpy as np
    >>> ax = image_grid(np.eye(16).reshape(16, 16)[:3], [0, 1, 2], [0, 7, 2])
    >>> [text.get_text() for text in ax.texts]
    ['0', '✗ 7, is 1', '2']
    """
    pictures = _images(images, shape, "images")
    n, h, w = pictures.shape
    known = None if labels is None else checks.classes(labels, "labels", n)
    said = None if predictions is None else checks.classes(predictions, "predictions", n)
    if said is not None and known is None:
        raise ValueError("predictions are compared with labels: give the labels as well")
    for classes in (known, said):
        checks.names_for(names, -1 if classes is None else int(classes.max()))
    columns = _columns(n, columns)

    with style.axes(ax, size=_size(n, columns, h / w, captions=known is not None)) as ax:
        captions = _captions(n, known, said, names)
        cell = 1.2 * ax.bbox.width * 72 / ax.figure.dpi / columns  # without ticks, the axes will be wider
        size = float(np.clip(cell / (0.6 * max(map(len, captions))), 6, 10)) if captions else 0.0
        high = h / w + (0.3 if known is not None else 0.0)
        low, top = float(pictures.min()), float(pictures.max())
        for i, picture in enumerate(pictures):
            x, y = (i % columns) * 1.12, (i // columns) * (high + 0.12)
            place = (x, x + 1, y + h / w, y)
            ax.imshow(
                picture,
                cmap="Greys",
                vmin=low,
                vmax=top if top > low else low + 1,
                extent=place,
                interpolation="nearest",
            )
            wrong = known is not None and said is not None and known[i] != said[i]
            _frame(ax, place, width=2.6 if wrong else 0.6, colour="#D55E00" if wrong else "#999999")
            if captions:
                weight = "bold" if wrong else "normal"
                ax.text(x + 0.5, y + h / w + 0.05, captions[i], ha="center", va="top", fontsize=size, fontweight=weight)
        _bare(ax, columns * 1.12 - 0.12, -(-n // columns) * (high + 0.12) - 0.12)
        style.label(ax, title=title)
    return ax


def weight_images(
    weights: ArrayLike,
    *,
    shape: tuple[int, int] | None = None,
    columns: int | None = None,
    most: int = 64,
    limit: float | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw the weights of units or filters as images, with zero in the middle of the scale.

    Blue and dark is negative, grey is zero, yellow and bright is positive: this holds in grey print, too.

    Parameters
    ----------
    weights : array_like, shape (pixels, units), (out, in, h, w) or (n, h, w)
        Weights of a linear layer on images, one image a unit; filters of a convolution, one line for each output
        channel (where there is one input channel, they stand in a grid); or images as they are.
    shape : pair of int, optional
        Height and width of the images that a linear layer reads; by default they are square.
    columns : int, optional
        Number of images in a line.
    most : int
        How many units or filters are drawn; where there are more, the first ones are, and the picture says so.
    limit : float, optional
        The value at both ends of the scale; by default the largest absolute weight.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    title : str, optional
        Title of the axes.

    Returns
    -------
    matplotlib Axes
        The axes that were drawn in; the scale has axes of its own beside them.

    Raises
    ------
    ValueError
        If a shape does not fit, or a weight is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> ax = weight_images(np.random.default_rng(0).normal(size=(784, 10)))
    >>> len(ax.images), ax.images[0].get_array().shape
    (10, (28, 28))
    """
    array = checks.finite(weights, "weights")
    if most < 1:
        raise ValueError(f"most must be at least 1, got {most}")
    total = array.shape[1] if array.ndim == 2 else len(array)
    if array.ndim == 2:
        array = _images(array.T[:most], shape, "weights")
    elif array.ndim == 4:
        into = array.shape[1]
        total *= into
        if into > 1:
            columns = into if columns is None else columns
            array = array[: max(1, most // into)]
        array = array.reshape(-1, *array.shape[2:])[: max(most, into)]
    elif array.ndim == 3:
        array = array[:most]
    else:
        raise ValueError(f"weights must have shape (pixels, units), (out, in, h, w) or (n, h, w), got {array.shape}")
    largest = float(np.abs(array).max()) or 1.0
    if limit is not None and not 0 < limit < np.inf:
        raise ValueError(f"limit must be positive, got {limit}")
    end = largest if limit is None else limit
    n, h, w = array.shape
    columns = _columns(n, columns)

    with style.axes(ax, size=_size(n, columns, h / w, captions=False)) as ax:
        for i, picture in enumerate(array):
            x, y = (i % columns) * 1.12, (i // columns) * (h / w + 0.12)
            place = (x, x + 1, y + h / w, y)
            ax.imshow(picture, cmap=style.SIGNED, vmin=-end, vmax=end, extent=place, interpolation="nearest")
            _frame(ax, place, width=0.6, colour="#999999")
        _bare(ax, columns * 1.12 - 0.12, -(-n // columns) * (h / w + 0.12) - 0.12)
        clipped = "both" if largest > end else "neither"
        scale = ax.inset_axes((1.03, 0, 0.04, 1))  # as high as the images, wherever they stand
        style.ticks(scale)
        ax.figure.colorbar(ax.images[-1], cax=scale, extend=clipped, label="weight")
        scale.grid(False)
        if n < total:
            ax.text(0.5, -0.02, f"the first {n} of {total}", transform=ax.transAxes, ha="center", va="top", fontsize=9)
        style.label(ax, title=title)
    return ax


def confusion_matrix(
    labels: ArrayLike,
    predictions: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Axes:
    """Draw how often each class was taken for each other one, with the recall and the precision of each.

    Parameters
    ----------
    labels : array_like, shape (n,)
        The true classes 0, 1, ...; each has a row.
    predictions : array_like, shape (n,)
        The classes that were predicted; each has a column.
    names : sequence of str, optional
        What the classes are called.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    title : str, optional
        Title of the axes.

    Returns
    -------
    matplotlib Axes
        The axes that were drawn in. The shade of a cell is its share of the row.

    Raises
    ------
    ValueError
        If there is nothing to count, the shapes differ, or these are not classes.

    Examples
    --------
    >>> ax = confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], names=["cat", "dog"])
    >>> [text.get_text() for text in ax.texts][:4]
    ['1', '1', '0', '2']
    >>> ax.get_xlabel()
    'predicted class (accuracy 75 %, 4 samples)'
    """
    n = np.size(labels)
    if n == 0:
        raise ValueError("labels is empty: there is nothing to count")
    true, said = checks.classes(labels, "labels", n), checks.classes(predictions, "predictions", n)
    highest = int(max(true.max(), said.max()))
    checks.names_for(names, highest)
    k = highest + 1 if names is None else len(names)
    table = np.zeros((k, k), dtype=np.int64)
    np.add.at(table, (true, said), 1)
    right, rows, columns = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    shares = table / np.maximum(rows, 1)[:, None]

    side = max(3.4, 1.5 + 0.42 * k)
    with style.axes(ax, size=(side + 0.9, side)) as ax:
        ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        size = float(
            np.clip(ax.bbox.width * 72 / ax.figure.dpi / (k + 1) / max(2.2, 0.62 * len(str(table.max()))), 6, 10)
        )
        for i, j in np.ndindex(k, k):
            dark, nothing = shares[i, j] > 0.55, table[i, j] == 0
            colour = "white" if dark else "#999999" if nothing else "black"
            weight = "bold" if i == j else "normal"
            ax.text(j, i, str(table[i, j]), ha="center", va="center", fontsize=size, color=colour, fontweight=weight)
            if i == j:
                _frame(ax, (j - 0.5, j + 0.5, i + 0.5, i - 0.5), width=1.2, colour="black")
        for i in range(k):
            ax.text(k - 0.35, i, _share(right[i], rows[i]), ha="left", va="center", fontsize=max(size, 7.5))
            ax.text(
                i,
                k - 0.35,
                _share(right[i], columns[i]),
                ha="center",
                va="top",
                fontsize=max(size * 0.9, 7.5),
                rotation=90 if k > 7 else 0,
            )
        beside: dict[str, Any] = {"textcoords": "offset points", "fontsize": 9, "annotation_clip": False}
        ax.annotate("recall", (k - 0.35, -0.5), xytext=(0, 4), va="bottom", **beside)
        ax.annotate("precision", (-0.5, k - 0.35), xytext=(-4, 0), ha="right", va="top", **beside)
        listed = [_name(c, names) for c in range(k)]
        ax.set_yticks(range(k), listed)
        ax.set_xticks(range(k), listed, rotation=90 if max(map(len, listed)) * k > 40 else 0)
        ax.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
        ax.grid(False)
        for spine in ax.spines.values():
            spine.set_visible(False)
        accuracy = f"{100 * right.sum() / n:.4g}"
        ax.xaxis.set_label_position("top")
        style.label(ax, x=f"predicted class (accuracy {accuracy} %, {n} samples)", y="true class", title=title)
    return ax


def _images(values: ArrayLike, shape: tuple[int, int] | None, name: str) -> Floats:
    """Return images, shape (n, h, w)."""
    array = checks.finite(values, name)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 3 and shape is None:
        return array
    if array.ndim == 2:
        pixels = array.shape[1]
        if shape is None:
            side = round(pixels**0.5)
            shape = (side, side)
            if side * side != pixels:
                raise ValueError(f"{pixels} pixels make no square image: give shape=(height, width)")
        if shape[0] * shape[1] != pixels:
            raise ValueError(f"shape={shape} has {shape[0] * shape[1]} pixels, but the images have {pixels}")
        return array.reshape(-1, *shape)
    if array.ndim == 3:
        raise ValueError(f"{name} have shape {array.shape} already: shape= is for rows of pixels")
    raise ValueError(f"{name} must have shape (n, h, w), (n, 1, h, w) or (n, pixels), got {array.shape}")


def _columns(n: int, columns: int | None) -> int:
    if columns is None:
        return min(n, 5) if n <= 10 else int(np.ceil(np.sqrt(n)))
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    return min(n, columns)


def _size(n: int, columns: int, aspect: float, *, captions: bool) -> tuple[float, float]:
    """Width and height in inches, of which each image has at least 0.35 in width, or 0.6 where it has a caption."""
    cell = float(np.clip(5.2 / columns, 0.6 if captions else 0.35, 1.1))
    lines = -(-n // columns)
    return columns * cell + 0.3 + 0.9 * (not captions), lines * cell * (aspect + 0.42 * captions + 0.12) + 0.7


def _captions(n: int, known: Classes | None, said: Classes | None, names: Sequence[str] | None) -> list[str]:
    if known is None:
        return []
    if said is None:
        said = known
    return [
        _name(true, names) if true == guess else f"✗ {_name(guess, names)}, is {_name(true, names)}"
        for true, guess in zip(known, said, strict=True)
    ]


def _frame(ax: Axes, place: tuple[float, float, float, float], *, width: float, colour: str) -> None:
    from matplotlib.patches import Rectangle

    left, right, bottom, top = place
    corner, size = (left, top), (right - left, bottom - top)
    look: dict[str, Any] = {"fill": False, "linewidth": width, "edgecolor": colour, "clip_on": False, "zorder": 3}
    ax.add_patch(Rectangle(corner, *size, **look))


def _bare(ax: Axes, width: float, height: float) -> None:
    """Leave only the images of axes whose rows run downwards."""
    ax.set(xlim=(-0.04, width + 0.04), ylim=(height + 0.04, -0.04), aspect="equal")
    ax.set_axis_off()


def _name(c: int, names: Sequence[str] | None) -> str:
    return str(c) if names is None else names[c]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "–"
