"""What a playback is given, checked: each function returns an array of the right shape or says which one fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microgradnp.draw.checks import extent_of

Floats: TypeAlias = NDArray[np.float64]
Classes: TypeAlias = NDArray[np.uint8]
Measured: TypeAlias = tuple[Floats, NDArray[np.bool_]]
Curve: TypeAlias = ArrayLike | Mapping[str, ArrayLike]
Regions: TypeAlias = ArrayLike | Callable[[int, Floats], ArrayLike]

#: The greatest class, and what stands for none.
GREATEST, UNDEFINED = 254, 255


def floats(values: Any, name: str) -> Floats:
    """Return real numbers as floats."""
    try:
        array = np.asarray(values)
        if array.dtype.kind in "cSUmM":
            raise TypeError(f"it holds {array.dtype}")
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be an array of real numbers: {error}") from error


def mapping(given: Any, name: str, example: str) -> dict[str, Any]:
    """Return what is given by name."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"{name} must map names to arrays, as in {example}, got {type(given).__name__}")
    return {str(key): value for key, value in given.items()}


def epochs(given: ArrayLike | None, recorded: Mapping[str, Any]) -> Floats:
    """Return the numbers of the epochs: those that are given, else as many as the first array has."""
    if given is None:
        for name, values in recorded.items():
            shape = np.shape(values)
            if not shape:
                raise ValueError(f"{name} must have an axis of epochs, got a single number")
            if shape[0] == 0:
                raise ValueError(f"{name} is empty: there is nothing to play")
            return np.arange(float(shape[0]))
        raise ValueError("give epochs, their numbers: there is no array to count them by")
    return increasing(given, "epochs")


def increasing(given: ArrayLike, name: str) -> Floats:
    """Return numbers of epochs."""
    numbers = floats(given, name)
    if numbers.ndim != 1:
        raise ValueError(f"{name} must be a row of numbers, shape (E,), got shape {numbers.shape}")
    if numbers.size == 0:
        raise ValueError(f"{name} is empty: there is nothing to play")
    if not np.isfinite(numbers).all() or (np.diff(numbers) <= 0).any():
        raise ValueError(f"{name} must be finite and increasing: they are the numbers of the epochs")
    return numbers


def row(given: Any, name: str, total: int) -> Floats:
    """Return one number an epoch."""
    values = floats(given, name)
    if values.shape != (total,):
        raise ValueError(f"{name} must have shape ({total},), one number for each epoch, got {values.shape}")
    return values


def measured(given: Any, name: str, total: int) -> Measured:
    """Return one number an epoch, and whether it is known: what a masked array masks was not measured."""
    if not np.ma.isMaskedArray(given):
        return row(given, name, total), np.ones(total, np.bool_)
    return row(given.filled(0), name, total), ~np.ma.getmaskarray(given)


def curves(loss: Curve | None, metrics: Mapping[str, Curve] | None) -> dict[str, dict[str, tuple[str, Any]]]:
    """Return the curves of each plot, each with the name that its errors use."""
    plots: dict[str, Any] = {} if loss is None else {"loss": ("loss", loss)}
    for title, values in mapping(metrics, "metrics", '{"accuracy": accuracies}').items():
        if title in plots:
            raise ValueError('metrics["loss"] and loss would be one plot: give it once')
        plots[title] = (f"metrics[{title!r}]", values)
    return {
        title: {str(own): (f"{name}[{own!r}]", v) for own, v in values.items()}
        if isinstance(values, Mapping)
        else {title: (name, values)}
        for title, (name, values) in plots.items()
    }


def hidden(given: ArrayLike, total: int) -> Floats:
    """Return what a layer makes of points, shape (E, n, k)."""
    values = floats(given, "hidden")
    if values.ndim != 3 or values.shape[0] != total or values.shape[2] == 0:
        raise ValueError(
            f"hidden must have shape ({total}, n, k): {total} epochs, n points, k units; got {values.shape}"
        )
    return values


def points(given: ArrayLike) -> Floats:
    """Return points of the plane, shape (n, 2)."""
    values = floats(given, "points")
    if values.ndim != 2 or values.shape[1] != 2:
        raise ValueError(f"points must have shape (n, 2), got {values.shape}")
    return values


def activations(given: Any, name: str, total: int) -> Floats:
    """Return all activations of a layer at each epoch, shape (E, m)."""
    values = floats(given, name)
    if values.ndim == 0 or values.shape[0] != total:
        raise ValueError(f"{name} must have shape ({total}, ...), all activations at each epoch, got {values.shape}")
    return values.reshape(total, -1) if values.size else np.empty((total, 0))


def same_points(hidden: Floats | None, points: Floats | None, labels: Any) -> None:
    """Check that all that speaks of points speaks of as many."""
    if hidden is not None and points is not None and hidden.shape[1] != len(points):
        raise ValueError(
            f"hidden and points must be of the same points, but hidden of shape {hidden.shape} has {hidden.shape[1]}, "
            f"and points of shape {points.shape} has {len(points)}"
        )
    if hidden is None and points is None and labels is not None:
        raise ValueError("labels are classes of points, but neither points nor hidden is given")


def labels(given: ArrayLike, n: int) -> Classes:
    """Return a class for each point."""
    values = floats(given, "labels")
    if values.shape != (n,):
        advice = ": of one-hot rows take .argmax(axis=1)" if values.ndim == 2 and values.shape[1] > 1 else ""
        advice = ": take labels.ravel()" if values.shape == (n, 1) else advice
        raise ValueError(f"labels must have shape ({n},), one class for each point, got {values.shape}{advice}")
    return classes(values, "labels")


def classes(values: Floats, name: str, *, undefined: bool = False) -> Classes:
    """Return classes 0, 1, ... as bytes; nan and -1 as `UNDEFINED` where that is allowed."""
    if undefined:
        values = np.where(np.isnan(values) | (values == -1), UNDEFINED, values)
    right = (values % 1 == 0) & (values >= 0) & (values <= GREATEST) | (undefined & (values == UNDEFINED))
    if not right.all():
        example = values[~right].flat[0]
        none = ", or nan or -1 where there is none" if undefined else ""
        raise ValueError(f"{name} must be classes 0, 1, ..., at most {GREATEST}{none}, but one is {example:g}")
    return values.astype(np.uint8)


def extent(given: Sequence[float] | None, points: Floats | None, margin: float, *, of_array: bool) -> list[float]:
    """Return (left, right, bottom, top) of the plane that is drawn."""
    if given is None and of_array:
        raise ValueError("regions need extent=(left, right, bottom, top), the sides of the grid that they are given on")
    finite = np.empty((0, 2)) if points is None else points[np.isfinite(points).all(axis=1)]
    return list(extent_of(finite, margin, given))


def regions(given: Regions, sides: Sequence[float], resolution: int, total: int, kept: NDArray[np.intp]) -> Classes:
    """Return the class at each place of the grid, shape (F, h, w), at the epochs that are kept."""
    if not callable(given):
        values = floats(given, "regions")
        if values.ndim != 3 or values.shape[0] != total or min(values.shape[1:]) < 2:
            advice = " (of scores take .argmax(axis=-1))" if values.ndim == 4 else ""
            raise ValueError(
                f"regions must have shape ({total}, h, w): a grid of at least 2 by 2 classes for each of {total} epochs; "
                f"got {values.shape}{advice}"
            )
        return classes(values[kept], "regions", undefined=True)
    if positive(resolution, "resolution") < 2:
        raise ValueError(f"resolution must be at least 2, got {resolution}")
    left, right, bottom, top = sides
    x, y = np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    made = np.empty((len(kept), resolution, resolution), dtype=np.uint8)
    for frame, i in enumerate(kept.tolist()):
        values = floats(given(i, grid.copy()), "what regions returns")
        if values.shape != (len(grid),):
            advice = ": of scores take .argmax(axis=1)" if values.ndim == 2 and values.shape[1] > 1 else ""
            raise ValueError(
                f"regions(i, grid) must return a class for each of the {len(grid)} places, shape ({len(grid)},), "
                f"got {values.shape}{advice}"
            )
        made[frame] = classes(values, "what regions returns", undefined=True).reshape(resolution, resolution)
    return made


def positive(given: Any, name: str) -> int:
    """Return a count of at least one."""
    if isinstance(given, bool | np.bool_) or not isinstance(given, int | np.integer) or given < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, got {given!r}")
    return int(given)


def finite(given: Any, name: str) -> float:
    """Return one finite number."""
    value = floats(given, name)
    if value.shape != () or not np.isfinite(value):
        raise ValueError(f"{name} must be a number, got {given!r}")
    return float(value)
