"""Pictures of training, all in one place: ``from microgradnp.draw.training import loss_curve``.

Every function draws in the axes that it is given, or in those of a new figure, and returns them. They take plain
arrays, so that they serve networks written by hand as well. No display is needed: `save` writes the file.
"""

from microgradnp.draw.curves import learning_curves, loss_curve, range_test_curve, schedule_curve, update_ratios
from microgradnp.draw.figures import panels, save
from microgradnp.draw.points import decision_regions, hidden_space, probability_regions, scatter_classes

__all__ = [
    "decision_regions",
    "hidden_space",
    "learning_curves",
    "loss_curve",
    "panels",
    "probability_regions",
    "range_test_curve",
    "save",
    "scatter_classes",
    "schedule_curve",
    "update_ratios",
]
