"""Activations, gradients and changes by layer: what is drawn, and what is said of it."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex

from microgradnp.draw.layers import activation_distributions, gradient_distributions, layer_activations, percent_changes

NAN, INF = float("nan"), float("inf")
RNG = np.random.default_rng(0)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# -- activations of one input ----------------------------------------------------------------------------------------


def test_layers_stand_beside_each_other_and_the_target_beside_the_output():
    ax = layer_activations({"in": 0.4, "hidden": [0.9, 0.1], "out": [0.7, 0.2]}, target=[1, 0], ylim=(-1, 2))
    one, hidden, output, target = (c.get_offsets() for c in ax.collections)
    assert one.tolist() == [[0, 0.4]]
    assert hidden[:, 1].tolist() == [0.9, 0.1]
    assert output[:, 1].tolist() == [0.7, 0.2]
    assert target[:, 1].tolist() == [1, 0]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["in", "hidden", "out"]
    assert ax.get_ylim() == (-1, 2)
    assert legend(ax) == ["activation", "output", "target"]


# -- percent changes -------------------------------------------------------------------------------------------------


def test_what_is_undefined_is_shown_as_undefined_and_not_as_zero():
    ax = percent_changes({"a": [NAN, 0.0, -50.0], "b": [INF, 1e-3, 2.0]})
    drawn = {line.get_label(): line.get_ydata().tolist() for line in ax.lines if line.get_label() in "ab"}
    assert drawn == {"a": [0, -50], "b": [1e-3, 2]}
    strip = [
        line for line in ax.lines if line.get_transform() == ax.get_xaxis_transform() and line.get_marker() != "None"
    ]
    assert [len(line.get_xdata()) for line in strip] == [1, 1]
    assert [round(x) for line in strip for x in line.get_xdata()] == [1, 1]
    assert texts(ax) == ["undefined (was 0)"]
    ax.figure.draw_without_rendering()
    lowest = ax.transAxes.inverted().transform(ax.transData.transform((1, -50)))[1]
    assert lowest > 0.105  # above the strip


def test_changes_of_all_sizes_are_told_apart():
    ax = percent_changes({"a": [-1e-5, -1e-2, -90]})
    ax.figure.draw_without_rendering()
    heights = ax.transData.transform([(1, y) for y in (0, -1e-5, -1e-2, -90)])[:, 1]
    assert (np.diff(heights) < -10).all()


def test_ticks_do_not_crowd():
    for values in ([1e-9, -90], [3e3, -5e3], [0.5, 0.6], [1e-3, -1e-12]):
        ax = percent_changes({"a": values})
        ax.figure.draw_without_rendering()
        labels = [label for label in ax.get_yticklabels() if label.get_text()]
        assert 2 <= len(labels) <= 11
        boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.y0)
        assert all(lower.y1 <= upper.y0 + 3 for lower, upper in pairwise(boxes)), values


def test_weights_are_full_and_biases_hollow_in_one_colour_and_marker():
    ax = percent_changes({"a": [1, 2], "b": [3, 4]}, {"b": [5, 6], "a": [7, NAN]})
    assert legend(ax) == ["a: weights", "a: biases", "b: weights", "b: biases"]
    w, b, other = (next(line for line in ax.lines if line.get_label() == name) for name in legend(ax)[:3])
    assert (w.get_color(), w.get_marker()) == (b.get_color(), b.get_marker())
    assert w.get_marker() != other.get_marker()
    assert to_hex(b.get_markerfacecolor()) == "#ffffff" != to_hex(w.get_markerfacecolor())
    assert b.get_ydata().tolist() == [7]


@pytest.mark.parametrize("values", [[0, 0], [NAN, NAN], [0, NAN]])
def test_nothing_has_changed(values):
    ax = percent_changes({"a": values})
    ax.figure.draw_without_rendering()


# -- distributions ---------------------------------------------------------------------------------------------------


def heights(patch, row):
    return patch.get_data().values + row


def test_histograms_stand_in_rows_on_common_edges():
    A, B = RNG.normal(size=(100, 4)), RNG.normal(size=(50, 3, 2, 2)) * 2
    ax = activation_distributions({"a": A, "b": B}, bins=20)
    first, _, second, _ = ax.patches
    edges = first.get_data().edges
    np.testing.assert_array_equal(edges, second.get_data().edges)
    for patch, values, row in ((first, A, 0), (second, B, 1)):
        counts = np.histogram(values, edges)[0]
        assert counts.sum() == values.size
        np.testing.assert_allclose(heights(patch, row), 0.85 * counts / counts.max())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]
    assert texts(ax) == ["", ""]


def test_dead_units_zeros_and_saturation_are_counted():
    relu = np.array([[0, 0, 1.0, 2.0], [0, 3.0, 1.0, 2.0]])
    assert texts(activation_distributions({"a": relu})) == ["1 of 4 units dead, 38 % zeros"]
    logistic = np.array([[0.001, 0.5, 0.99, 0.7], [0.4, 0.5, 0.5, 0.98]])
    assert texts(activation_distributions({"a": logistic}, limits=(0, 1))) == ["38 % saturated"]
    assert (
        texts(activation_distributions({"a": logistic, "b": relu}, limits={"a": (0, 1), "b": None}))[0]
        == "38 % saturated"
    )


def test_units_of_images_are_their_channels():
    images = np.ones((5, 3, 4, 4))
    images[:, 1] = 0
    images[:, 2, 0] = 0
    assert texts(activation_distributions({"a": images})) == ["1 of 3 units dead, 42 % zeros"]


def test_a_single_unit_is_a_row_of_samples():
    assert texts(activation_distributions({"a": [0, 0, 0]})) == ["1 of 1 units dead, 100 % zeros"]
    assert texts(activation_distributions({"a": [0, 0.1, 0]})) == ["67 % zeros"]
    assert texts(activation_distributions({"a": [*np.zeros(999), 1]})) == ["99.9 % zeros"]


@pytest.mark.parametrize("draw", [activation_distributions, gradient_distributions])
def test_what_is_not_finite_is_counted_and_the_rest_is_drawn(draw):
    ax = draw({"a": [[1.0, NAN], [INF, 2.0]], "all": [[NAN, NAN]]})
    assert [text.rpartition(", ")[2] for text in texts(ax)] == ["50 % not finite", "100 % not finite"]
    assert heights(ax.patches[0], 0).max() == 0.85
    ax.figure.draw_without_rendering()


def test_gradients_stand_on_a_logarithmic_axis_with_their_root_mean_square():
    W1, W2 = RNG.normal(size=(30, 20)) * 1e-7, RNG.normal(size=(20, 5))
    W2[0] = 0
    ax = gradient_distributions({"W1": W1, "W2": W2})
    assert ax.get_xscale() == "log"
    marks = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "^"]
    np.testing.assert_allclose(marks, [np.sqrt((W1**2).mean()), np.sqrt((W2**2).mean())])
    assert texts(ax)[1].endswith(", 5 % zeros")
    counts = np.histogram(np.abs(W1), ax.patches[0].get_data().edges)[0]
    np.testing.assert_allclose(heights(ax.patches[0], 0), 0.85 * counts / counts.max())


@pytest.mark.parametrize("scale", [0.0, 1e-300, 1e300])
def test_gradients_of_any_size_can_be_drawn(scale):
    ax = gradient_distributions({"a": scale * np.ones(4), "b": [1.0, 2.0]})
    ax.figure.draw_without_rendering()
    said = {0.0: "rms 0, 100 % zeros", 1e-300: "rms 1e-300", 1e300: "rms 1e+300, 100 % above 1e+200"}
    assert texts(ax)[0] == said[scale]


BAD = {
    "activations is empty": (ValueError, lambda: layer_activations([])),
    r"activations\['1'\] must be finite, but .* is nan .* up to where it diverged": (
        ValueError,
        lambda: layer_activations([1, [0, NAN]]),
    ),
    "target has 2 values, but the last layer has 1 units": (
        ValueError,
        lambda: layer_activations([1, 2], target=[1, 2]),
    ),
    "weights must be a mapping of names": (TypeError, lambda: percent_changes([1, 2])),
    r"biases\['a'\] has 1 layers, but weights\['a'\] has 2": (
        ValueError,
        lambda: percent_changes({"a": [1, 2]}, {"a": [1]}),
    ),
    r"same names, but \['b'\] is in one only": (ValueError, lambda: percent_changes({"a": [1]}, {"a": [1], "b": [1]})),
    r"weights\['a'\] must be a row of numbers": (ValueError, lambda: percent_changes({"a": [[1]]})),
    r"activations\['a'\] is empty, shape \(0, 3\)": (
        ValueError,
        lambda: activation_distributions({"a": np.empty((0, 3))}),
    ),
    r"gradients\['a'\] is empty": (ValueError, lambda: gradient_distributions({"a": []})),
    r"gradients\['a'\] must be an array of real numbers": (ValueError, lambda: gradient_distributions({"a": "x"})),
    "bins must be at least 1, got 0": (ValueError, lambda: gradient_distributions({"a": [1]}, bins=0)),
    r"limits must be increasing pairs, got \(1, 0\) for 'a'": (
        ValueError,
        lambda: activation_distributions({"a": [1]}, limits=(1, 0)),
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_what_does_not_fit_is_named(message):
    error, call = BAD[message]
    with pytest.raises(error, match=message):
        call()
