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
    from microgradnp.draw import curves, figures, film, images, layers, network, playback_page, points, surfaces
    from microgradnp.draw.curves import learning_curves, loss_curve, range_test_curve, schedule_curve, update_ratios
    from microgradnp.draw.figures import panels, save
    from microgradnp.draw.film import Film, animate, film_of_activations
    from microgradnp.draw.images import confusion_matrix, image_grid, weight_images
    from microgradnp.draw.layers import (
        activation_distributions,
        gradient_distributions,
        layer_activations,
        percent_changes,
    )
    from microgradnp.draw.network import network_diagram
    from microgradnp.draw.playback_page import playback, playback_of
    from microgradnp.draw.points import decision_regions, hidden_space, probability_regions, scatter_classes
    from microgradnp.draw.surfaces import cost_contours, cost_surface, loss_landscape

#: The pictures of training by the module that draws them, which is imported when one of them is asked for.
TRAINING = {
    "Film": "film",
    "activation_distributions": "layers",
    "animate": "film",
    "confusion_matrix": "images",
    "cost_contours": "surfaces",
    "cost_surface": "surfaces",
    "decision_regions": "points",
    "film_of_activations": "film",
    "gradient_distributions": "layers",
    "hidden_space": "points",
    "image_grid": "images",
    "layer_activations": "layers",
    "learning_curves": "curves",
    "loss_curve": "curves",
    "loss_landscape": "surfaces",
    "network_diagram": "network",
    "panels": "figures",
    "percent_changes": "layers",
    "probability_regions": "points",
    "range_test_curve": "curves",
    "save": "figures",
    "scatter_classes": "points",
    "schedule_curve": "curves",
    "update_ratios": "curves",
    "weight_images": "images",
}

#: All that is imported when it is asked for.
LATER = {**TRAINING, "playback": "playback_page", "playback_of": "playback_page"}

__all__ = [
    "Film",
    "Note",
    "Picture",
    "activation_distributions",
    "animate",
    "confusion_matrix",
    "cost_contours",
    "cost_surface",
    "decision_regions",
    "draw",
    "film_of_activations",
    "gradient_distributions",
    "hidden_space",
    "image_grid",
    "layer_activations",
    "learning_curves",
    "loss_curve",
    "loss_landscape",
    "network_diagram",
    "panels",
    "percent_changes",
    "playback",
    "playback_of",
    "probability_regions",
    "range_test_curve",
    "save",
    "scatter_classes",
    "schedule_curve",
    "update_ratios",
    "weight_images",
]


class Drawing(ModuleType):
    """The type of this package: a module that can be called."""

    __call__ = staticmethod(draw)

    if TYPE_CHECKING:  # what a type checker is to find on ``mg.draw``
        Note = Note
        Picture = Picture
        draw = staticmethod(draw)
        Film = film.Film
        activation_distributions = staticmethod(layers.activation_distributions)
        animate = staticmethod(film.animate)
        confusion_matrix = staticmethod(images.confusion_matrix)
        cost_contours = staticmethod(surfaces.cost_contours)
        cost_surface = staticmethod(surfaces.cost_surface)
        decision_regions = staticmethod(points.decision_regions)
        film_of_activations = staticmethod(film.film_of_activations)
        gradient_distributions = staticmethod(layers.gradient_distributions)
        hidden_space = staticmethod(points.hidden_space)
        image_grid = staticmethod(images.image_grid)
        layer_activations = staticmethod(layers.layer_activations)
        learning_curves = staticmethod(curves.learning_curves)
        loss_curve = staticmethod(curves.loss_curve)
        loss_landscape = staticmethod(surfaces.loss_landscape)
        network_diagram = staticmethod(network.network_diagram)
        panels = staticmethod(figures.panels)
        percent_changes = staticmethod(layers.percent_changes)
        playback = staticmethod(playback_page.playback)
        playback_of = staticmethod(playback_page.playback_of)
        probability_regions = staticmethod(points.probability_regions)
        range_test_curve = staticmethod(curves.range_test_curve)
        save = staticmethod(figures.save)
        scatter_classes = staticmethod(points.scatter_classes)
        schedule_curve = staticmethod(curves.schedule_curve)
        update_ratios = staticmethod(curves.update_ratios)
        weight_images = staticmethod(images.weight_images)
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
