"""Numbers of any size, nan and infinity among them: pictures of them are drawn or refused in words, never broken."""

import warnings

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from microgradnp.draw import training

NUMBERS = st.one_of(
    st.floats(width=64),
    st.floats(-10, 10),
    st.sampled_from([0.0, -0.0, 1.0, 1e308, -1e308, 5e-324, 1e-300, float("nan"), float("inf"), -float("inf")]),
)
ROWS = st.lists(NUMBERS, min_size=1, max_size=6)
PAIRS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5)


def bowl(b, w):
    with np.errstate(all="ignore"):
        return b * b + w * w


PICTURES = {
    "loss_curve": (ROWS, training.loss_curve),
    "loss_curve, logarithmic": (ROWS, lambda row: training.loss_curve(row, logy=True)),
    "learning_curves": (ROWS, lambda row: training.learning_curves({"a": row, "b": [1.0]}, best="min")),
    "learning_curves, logarithmic": (ROWS, lambda row: training.learning_curves({"a": np.abs(row)}, logy=True)),
    "update_ratios": (ROWS, lambda row: training.update_ratios({"a": np.abs(row)})),
    "range_test_curve": (ROWS, lambda row: training.range_test_curve(10.0 ** np.arange(len(row)), row)),
    "schedule_curve": (ROWS, training.schedule_curve),
    "percent_changes": (ROWS, lambda row: training.percent_changes({"a": row})),
    "activation_distributions": (ROWS, lambda row: training.activation_distributions({"a": row}, limits=(0, 1))),
    "gradient_distributions": (ROWS, lambda row: training.gradient_distributions({"a": row})),
    "layer_activations": (ROWS, lambda row: training.layer_activations([row, row[:1]], target=row[-1])),
    "weight_images": (ROWS, lambda row: training.weight_images([row])),
    "image_grid": (ROWS, lambda row: training.image_grid([[row]])),
    "network_diagram": (ROWS, lambda row: training.network_diagram([[row]])),
    "scatter_classes": (PAIRS, lambda pairs: training.scatter_classes(pairs, [0] * len(pairs))),
    "hidden_space": (PAIRS, lambda pairs: training.hidden_space(np.repeat(pairs, 2, axis=1), [0] * len(pairs))),
    "decision_regions": (
        PAIRS,
        lambda pairs: training.decision_regions(lambda x: x[:, 0] > 0, pairs, [0] * len(pairs), resolution=5),
    ),
    "cost_contours": (PAIRS, lambda pairs: training.cost_contours(bowl, pairs, resolution=5)),
    "cost_surface": (PAIRS, lambda pairs: training.cost_surface(bowl, pairs, resolution=5)),
    "loss_landscape": (
        PAIRS,
        lambda pairs: training.loss_landscape(
            lambda p: float(bowl(*p[0])), [pairs[-1]], [[pair] for pair in pairs], resolution=5
        ),
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_any_numbers_are_drawn_or_refused(name):
    strategy, draw = PICTURES[name]

    @settings(max_examples=8, deadline=None, derandomize=True, phases=[Phase.generate])  # each example is drawn
    @given(strategy)
    def tried(values):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                ax = draw(values)
            except ValueError as refusal:
                said = str(refusal)
            else:
                ax.figure.draw_without_rendering()
                return
        assert any(word in said for word in ("must", "needs", "no loss", "no cost", "negative")), said

    tried()
