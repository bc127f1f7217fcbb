"""Pictures of training, all in one place: ``from microgradnp.draw.training import loss_curve``.

Every function draws in the axes that it is given, or in those of a new figure, and returns them. They take plain
arrays, so that they serve networks written by hand as well. No display is needed: `save` writes the file.
"""

from microgradnp.draw.curves import learning_curves, loss_curve, range_test_curve, schedule_curve, update_ratios
from microgradnp.draw.figures import panels, save
from microgradnp.draw.film import Film, animate, film_of_activations
from microgradnp.draw.images import confusion_matrix, image_grid, weight_images
from microgradnp.draw.layers import activation_distributions, gradient_distributions, layer_activations, percent_changes
from microgradnp.draw.network import network_diagram
from microgradnp.draw.points import decision_regions, hidden_space, probability_regions, scatter_classes
from microgradnp.draw.surfaces import cost_contours, cost_surface, loss_landscape

__all__ = [
    "Film",
    "activation_distributions",
    "animate",
    "confusion_matrix",
    "cost_contours",
    "cost_surface",
    "decision_regions",
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
    "probability_regions",
    "range_test_curve",
    "save",
    "scatter_classes",
    "schedule_curve",
    "update_ratios",
    "weight_images",
]
