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
    from microgradnp.draw import training
    from microgradnp.draw.training import decision_regions, hidden_space, loss_curve, save, scatter_classes

__all__ = [
    "Note",
    "Picture",
    "decision_regions",
    "draw",
    "hidden_space",
    "loss_curve",
    "save",
    "scatter_classes",
]

TRAINING = ("decision_regions", "hidden_space", "loss_curve", "save", "scatter_classes")


class Drawing(ModuleType):
    """The type of this package: a module that can be called."""

    __call__ = staticmethod(draw)

    if TYPE_CHECKING:  # what a type checker is to find on ``mg.draw``
        Note = Note
        Picture = Picture
        draw = staticmethod(draw)
        decision_regions = staticmethod(training.decision_regions)
        hidden_space = staticmethod(training.hidden_space)
        loss_curve = staticmethod(training.loss_curve)
        save = staticmethod(training.save)
        scatter_classes = staticmethod(training.scatter_classes)
    else:

        def __getattr__(self, name: str) -> Any:
            """Import the pictures of training when one of them is asked for."""
            if name in TRAINING:
                return getattr(importlib.import_module(f"{self.__name__}.training"), name)
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *TRAINING})


__signature__ = inspect.signature(draw)  # what help and notebooks show of a call
sys.modules[__name__].__class__ = Drawing
