"""Films of training: a picture for every epoch, played in a GIF or a page, or printed as a strip."""

from __future__ import annotations

import base64
import html
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microgradnp.draw import checks, style
from microgradnp.draw.figures import side_by_side
from microgradnp.draw.layers import layer_activations
from microgradnp.files import write_whole

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Film", "animate", "film_of_activations"]

DPI = 110


@dataclass(eq=False)
class Film:
    """A picture for every frame, drawn when it is needed. It shows itself in a notebook. Made by `animate`.

    Parameters
    ----------
    draw : callable
        ``draw(ax, frame)`` draws a frame in the axes that it is given.
    frames : sequence of int
        What `draw` is called with, one after the other.
    captions : sequence of str
        The title of every frame.
    interval : int
        Milliseconds from frame to frame.
    size : pair of float
        Width and height in inches.
    projection : str, optional
        "3d" for pictures in 3-D.
    """

    draw: Callable[[Axes, int], object]
    frames: Sequence[int]
    captions: Sequence[str]
    interval: int
    size: tuple[float, float]
    projection: str | None

    def __len__(self) -> int:
        return len(self.frames)

    def figure(self, i: int) -> Figure:
        """Draw frame number `i`, counted from 0, in a new figure."""
        with style.figure(self.size) as figure:
            self._draw_in(figure, i)
        return figure

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the film to a GIF, or to an HTML page of its own with a slider and a play button.

        The same film gives the same bytes. The file is replaced as a whole or not at all.

        Parameters
        ----------
        path : str or path
            File to write; its ending chooses the format.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ValueError
            If the ending is not ``.gif`` or ``.html``.
        """
        path = Path(path)
        kind = path.suffix.lower()
        if kind not in (".gif", ".html"):
            raise ValueError(f"cannot write {str(path)!r}: the ending must be .gif or .html; strip() is for print")
        write_whole(path, self._gif() if kind == ".gif" else self.to_html())
        return path

    def to_html(self) -> str:
        """The film as a page: one file that needs no network."""
        frames = [base64.b64encode(_png(image)).decode() for image in self._images]
        data = json.dumps({"frames": frames, "captions": list(self.captions), "interval": self.interval})
        height, width = self._images[0].shape[:2]
        return PAGE.substitute(data=data.replace("<", "\\u003c"), last=len(frames) - 1, width=width, height=height)

    def strip(
        self, count: int = 6, *, columns: int | None = None, shared: bool = False, title: str | None = None
    ) -> Figure:
        """Draw some frames side by side, from the first to the last, for print.

        Parameters
        ----------
        count : int
            How many, at most.
        columns : int, optional
            How many in a line.
        shared : bool
            Whether all of them have the same ranges.
        title : str, optional
            Title of the figure.

        Returns
        -------
        matplotlib Figure
            Its ``axes`` are the frames, in order.
        """
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        chosen = np.unique(np.linspace(0, len(self) - 1, min(count, len(self))).round().astype(int)).tolist()
        drawn = [(self.captions[i], lambda ax, i=i: self.draw(ax, self.frames[i])) for i in chosen]
        size = (2.5, max(2.2, 2.5 * self.size[1] / self.size[0]))  # three fit on a page without being made smaller
        return side_by_side(drawn, columns=columns, shared=shared, size=size, projection=self.projection, title=title)

    def animation(self) -> FuncAnimation:
        """The film as an animation of matplotlib's, for its writers (``.save("film.mp4")`` needs ffmpeg)."""
        from matplotlib.animation import FuncAnimation

        figure = self.figure(0)

        def update(i: int) -> list[Any]:
            figure.clear()
            with style.applied():
                self._draw_in(figure, i)
            return list(figure.axes)

        return FuncAnimation(figure, update, frames=len(self), interval=self.interval)

    def _repr_html_(self) -> str:
        height, width = self._images[0].shape[:2]
        page = html.escape(self.to_html(), quote=True)  # in a frame of its own, apart from other films
        return f'<iframe srcdoc="{page}" width="{width + 40}" height="{height + 90}" style="border: 0"></iframe>'

    def _draw_in(self, figure: Figure, i: int) -> None:
        ax = figure.add_subplot(projection=self.projection)
        style.ticks(ax)
        self.draw(ax, self.frames[i])
        ax.set_title(self.captions[i])

    @cached_property
    def _images(self) -> list[NDArray[np.uint8]]:
        """The frames in pixels. All axes stand at the same place, so that nothing but the picture moves."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        sample = np.unique(np.linspace(0, len(self) - 1, 5).round().astype(int)).tolist()
        corners = []
        for i in sample:
            figure = self.figure(i)
            figure.draw_without_rendering()
            corners.append(figure.axes[0].get_position(original=True).get_points())
        (left, bottom), (right, top) = np.max(corners, axis=0)[0], np.min(corners, axis=0)[1]
        images = []
        for i in range(len(self)):
            figure = self.figure(i)
            figure.set_layout_engine("none")
            figure.axes[0].set_position((left, bottom, right - left, top - bottom))
            figure.set_dpi(DPI)
            canvas: Any = FigureCanvasAgg(figure)
            canvas.draw()
            images.append(np.array(canvas.buffer_rgba())[..., :3])
        return images

    def _gif(self) -> bytes:
        from PIL import Image

        first, *rest = [Image.fromarray(image) for image in self._images]
        buffer = io.BytesIO()
        durations = [self.interval] * len(rest) + [max(self.interval, 1500)]  # the end can be looked at
        first.save(buffer, "GIF", save_all=True, append_images=rest, duration=durations, loop=0)
        return buffer.getvalue()


def animate(
    draw: Callable[[Axes, int], object],
    frames: int | Sequence[int],
    *,
    captions: Sequence[str] | None = None,
    interval: int = 200,
    size: tuple[float, float] = (5.2, 4.2),
    projection: str | None = None,
) -> Film:
    """Make a film of any picture.

    Parameters
    ----------
    draw : callable
        ``draw(ax, frame)`` draws a frame in empty axes: ``lambda ax, epoch: hidden_space(hidden[epoch], labels,
        ax=ax)``. Where frames are to be compared, it sets the ranges of the axes, which are otherwise found anew.
    frames : int or sequence of int
        The number of frames, or what `draw` is called with.
    captions : sequence of str, optional
        Titles of the frames; by default "epoch 0" and so on.
    interval : int
        Milliseconds from frame to frame.
    size : pair of float
        Width and height in inches.
    projection : str, optional
        "3d" for pictures in 3-D.

    Returns
    -------
    Film
        Its `save` writes a GIF or an HTML page, its `strip` is for print; it shows itself in a notebook.

    Raises
    ------
    ValueError
        If there are no frames, or not as many captions as frames.

    Examples
    --------
    >>> film = animate(lambda ax, epoch: ax.plot([0, 1], [0, epoch]), 3)
    >>> [ax.get_title() for ax in film.strip().axes]
    ['epoch 0', 'epoch 1', 'epoch 2']
    """
    shown = list(range(frames)) if isinstance(frames, int | np.integer) else list(frames)
    if not shown:
        raise ValueError("frames is empty: there is nothing to draw")
    if interval < 1:
        raise ValueError(f"interval must be at least 1 millisecond, got {interval}")
    texts = [f"epoch {frame}" for frame in shown] if captions is None else list(captions)
    if len(texts) != len(shown):
        raise ValueError(f"captions has {len(texts)} entries, but there are {len(shown)} frames")
    return Film(draw, shown, texts, interval, size, projection)


def film_of_activations(
    activations: Mapping[str, ArrayLike] | Sequence[ArrayLike],
    *,
    target: ArrayLike | None = None,
    epochs: Sequence[int] | None = None,
    unit: str = "epoch",
    interval: int = 200,
) -> Film:
    """Make a film of how the activations of all layers change in training, beside the target.

    Parameters
    ----------
    activations : mapping or sequence of array_like, each of shape (frames, units) or (frames,)
        The activations of the layers from the input to the output, for one input, after each recorded epoch.
    target : array_like, shape (outputs,) or (frames, outputs) or a number, optional
        What the last layer should say.
    epochs : sequence of int, optional
        The epochs that were recorded; by default 0, 1, 2, ...
    unit : str
        What they are called, such as "update".
    interval : int
        Milliseconds from frame to frame.

    Returns
    -------
    Film
        The film; all its frames have the same range.

    Raises
    ------
    ValueError
        If a shape does not fit, or an activation is not finite.

    Examples
    --------
    >>> film = film_of_activations({"input": [0.4, 0.4], "output": [0.9, 0.3]}, target=0.15, epochs=[0, 50])
    >>> film.captions
    ['epoch 0', 'epoch 50']
    """
    named = activations if isinstance(activations, Mapping) else {str(i): a for i, a in enumerate(activations)}
    layers = {
        name: checks.finite(a, f"activations[{name!r}]") for name, a in checks.named(named, "activations").items()
    }
    first, *_ = layers
    for name, array in layers.items():
        if array.ndim not in (1, 2) or len(array) != len(layers[first]):
            raise ValueError(
                f"activations[{name!r}] must have shape (frames, units) with as many frames as the first layer "
                f"({len(layers[first])}), got {array.shape}"
            )
    n = len(layers[first])
    wanted = None if target is None else checks.finite(target, "target")
    if wanted is not None and wanted.ndim < 2:
        wanted = np.broadcast_to(wanted, (n, max(wanted.size, 1)))
    if wanted is not None and len(wanted) != n:
        raise ValueError(f"target has {len(wanted)} frames, but the activations have {n}")
    if epochs is not None and len(epochs) != n:
        raise ValueError(f"epochs has {len(epochs)} entries, but the activations have {n} frames")

    everything = [array.ravel() for array in layers.values()] + ([] if wanted is None else [wanted.ravel()])
    low, high = (float(f([f(values) for values in everything])) for f in (np.min, np.max))
    space = 0.06 * (high - low) or 0.5

    def draw(ax: Axes, i: int) -> Axes:
        now = {name: array[i] for name, array in layers.items()}
        aim = None if wanted is None else wanted[i]
        return layer_activations(now, target=aim, ylim=(low - space, high + space), ax=ax)

    captions = [f"{unit} {epoch}" for epoch in (range(n) if epochs is None else epochs)]
    film = animate(draw, n, captions=captions, interval=interval, size=(5.6, 3.8))
    film.figure(0)  # what does not fit is said now, and not when the film is shown
    return film


def _png(image: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Training</title>
<style>
body { font: 14px sans-serif; margin: 12px; color: #111; background: #fff; }
img { max-width: 100%; display: block; }
form { display: flex; align-items: center; gap: 10px; max-width: ${width}px; }
input { flex: 1; }
button { width: 5em; font: inherit; }
output { min-width: 6em; }
</style>
</head>
<body>
<img id="frame" alt="" width="$width" height="$height">
<form onsubmit="return false">
<button type="button" id="play">Play</button>
<input type="range" id="slider" min="0" max="$last" value="0" aria-label="frame">
<output id="caption" for="slider"></output>
</form>
<script>
"use strict";
const film = $data;
const image = document.getElementById("frame"), slider = document.getElementById("slider");
const caption = document.getElementById("caption"), play = document.getElementById("play");
let timer = null;
function show() {
  const i = Number(slider.value);
  image.src = "data:image/png;base64," + film.frames[i];
  image.alt = caption.textContent = film.captions[i];
}
function stop() {
  clearInterval(timer);
  timer = null;
  play.textContent = "Play";
}
play.addEventListener("click", () => {
  if (timer !== null) return stop();
  if (Number(slider.value) === film.frames.length - 1) slider.value = 0;
  show();
  play.textContent = "Pause";
  timer = setInterval(() => {
    if (Number(slider.value) === film.frames.length - 1) return stop();
    slider.value = Number(slider.value) + 1;
    show();
  }, film.interval);
});
slider.addEventListener("input", () => { stop(); show(); });
show();
</script>
</body>
</html>
""")
