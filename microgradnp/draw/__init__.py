"""Pictures: of graphs (`draw`, by Graphviz) and of training (by matplotlib, imported where it is used).

This package can be called: ``mg.draw(loss)`` draws a graph, ``mg.draw.loss_curve(losses)`` a training run.
One name has to be both, because importing any module of a package binds the package's name in its parent: a
function ``microgradnp.draw`` would be replaced by this package at the first import of
``microgradnp.draw.training``.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from microgradnp.draw.graph import Note, Picture, draw

if TYPE_CHECKING:
    from microgradnp.draw import curves, figures, playback_page, points
    from microgradnp.draw.curves import learning_curves, loss_curve, range_test_curve, schedule_curve, update_ratios
    from microgradnp.draw.figures import panels, save
    from microgradnp.draw.playback_page import playback
    from microgradnp.draw.points import decision_regions, hidden_space, probability_regions, scatter_classes

#: The pictures of training by the module that draws them, which is imported when one of them is asked for.
TRAINING = {
    "decision_regions": "points",
    "hidden_space": "points",
    "learning_curves": "curves",
    "loss_curve": "curves",
    "panels": "figures",
    "probability_regions": "points",
    "range_test_curve": "curves",
    "save": "figures",
    "scatter_classes": "points",
    "schedule_curve": "curves",
    "update_ratios": "curves",
}

#: All that is imported when it is asked for.
LATER = {**TRAINING, "playback": "playback_page"}

__all__ = [
    "Note",
    "Picture",
    "decision_regions",
    "draw",
    "hidden_space",
    "learning_curves",
    "loss_curve",
    "panels",
    "playback",
    "probability_regions",
    "range_test_curve",
    "save",
    "scatter_classes",
    "schedule_curve",
    "update_ratios",
]


class Drawing(ModuleType):
    """The type of this package: a module that can be called."""

    __call__ = staticmethod(draw)

    if TYPE_CHECKING:  # what a type checker is to find on ``mg.draw``
        Note = Note
        Picture = Picture
        draw = staticmethod(draw)
        decision_regions = staticmethod(points.decision_regions)
        hidden_space = staticmethod(points.hidden_space)
        learning_curves = staticmethod(curves.learning_curves)
        loss_curve = staticmethod(curves.loss_curve)
        panels = staticmethod(figures.panels)
        playback = staticmethod(playback_page.playback)
        probability_regions = staticmethod(points.probability_regions)
        range_test_curve = staticmethod(curves.range_test_curve)
        save = staticmethod(figures.save)
        scatter_classes = staticmethod(points.scatter_classes)
        schedule_curve = staticmethod(curves.schedule_curve)
        update_ratios = staticmethod(curves.update_ratios)
    else:

        def __getattr__(self, name: str) -> Any:
            """Import the module of a picture of training when that picture is asked for."""
            if name in LATER:
                return getattr(importlib.import_module(f"{self.__name__}.{LATER[name]}"), name)
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *LATER})


__signature__ = inspect.signature(draw)  # what help and notebooks show of a call
sys.modules[__name__].__class__ = Drawing
