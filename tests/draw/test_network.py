"""The diagram of a network: every unit, every weight with its size and sign, biases from a unit that says 1."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from microgradnp.draw.network import NEGATIVE, network_diagram

RNG = np.random.default_rng(0)
W = [np.array([[1.0, -2.0, 0.0], [0.5, 4.0, -1.0]]), np.array([[1.0], [-1.0], [2.0]])]
B = [np.array([[0.1, -0.1, 0.2]]), np.array([3.0])]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def lines(ax):
    return [c for c in ax.collections if isinstance(c, LineCollection)]


def units(ax):
    return [c.get_offsets() for c in ax.collections if not isinstance(c, LineCollection)]


def test_sizes_alone_are_joined_by_plain_lines():
    ax = network_diagram([2, 3, 1], names=["x", "H", "y"])
    assert texts(ax) == ["x\n2", "H\n3", "y\n1"]
    assert [len(column) for column in units(ax)] == [2, 3, 1]
    assert [len(c.get_segments()) for c in lines(ax)] == [6, 3]
    assert ax.get_legend() is None


def test_weights_are_lines_of_their_width_and_sign():
    ax = network_diagram(W)
    positive, negative, *_ = lines(ax)
    assert len(positive.get_segments()) == 3
    assert len(negative.get_segments()) == 2  # a weight of 0 is no line
    widest = np.argmax(positive.get_linewidths())
    (x0, y0), (x1, y1) = positive.get_segments()[widest]
    assert (x0, x1) == (0, 1)
    assert y0 == min(units(ax)[0][:, 1])  # from the second input
    assert y1 == 0  # to the middle one of three units
    np.testing.assert_allclose(np.sort(positive.get_linewidths()), 0.25 + 3 * np.array([0.5, 1, 4]) / 4)
    assert positive.get_linestyles() != negative.get_linestyles()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["positive", "negative"]
    assert ax.get_legend().get_title().get_text() == "width: size, up to 4"


def test_biases_come_from_squares():
    ax = network_diagram(W, B)
    assert sum(len(c.get_segments()) for c in lines(ax)) == 5 + 3 + 3 + 1
    assert texts(ax).count("1") == 2


def test_wide_layers_are_cut_in_the_middle():
    ax = network_diagram([RNG.normal(size=(784, 16)), RNG.normal(size=(16, 3))], most=6, outputs=["a", "b", "c"])
    assert [len(column) for column in units(ax)] == [6, 6, 3]
    assert texts(ax) == ["input\n784", "hidden\n16", "output\n3", "a", "b", "c"]
    assert len(ax.lines) == 2  # the dots
    heights = units(ax)[0][:, 1]
    gaps = -np.diff(heights)
    assert gaps.argmax() == 2
    assert gaps[2] == 2 * gaps[0]


def test_names_of_units_that_are_drawn():
    ax = network_diagram([5, 2], inputs=list("abcde"), most=2)
    assert texts(ax) == ["input\n5", "output\n2", "a", "e"]


def test_weights_that_are_all_zero_have_no_lines():
    ax = network_diagram([np.zeros((2, 2))])
    assert not lines(ax)
    ax.figure.draw_without_rendering()


def test_negative_is_told_apart_by_dashes():
    (negative,) = lines(network_diagram([-np.ones((2, 2))]))
    assert negative.get_linestyles()[0][1] is not None
    assert NEGATIVE


BAD = {
    r"layers must be at least two positive sizes, .* got \[3\]": lambda: network_diagram([3]),
    r"layers must be at least two positive sizes, .* got \[\]": lambda: network_diagram([]),
    r"layers must be .* got \[2, 0\]": lambda: network_diagram([2, 0]),
    r"layers\[0\] must be weights of shape \(inputs, outputs\), got shape \(2,\)": lambda: network_diagram([[1, 2]]),
    r"layers\[1\] has shape \(1, 3\), but layers\[0\] has 3 outputs: .* W.T": lambda: network_diagram([W[0], W[1].T]),
    r"layers\[0\] must be finite": lambda: network_diagram([[[np.nan]]]),
    "biases are drawn with weights": lambda: network_diagram([2, 3], [[1, 2, 3]]),
    "biases has 1 arrays, but layers has 2": lambda: network_diagram(W, B[:1]),
    r"biases\[1\] has shape \(1, 3\), but layers\[1\] has 1 outputs": lambda: network_diagram(W, [B[0], B[0]]),
    "names has 1 entries, but there are 2 layers": lambda: network_diagram([2, 3], names=["a"]),
    "inputs has 1 names, but the layer has 2 units": lambda: network_diagram([2, 3], inputs=["a"]),
    "most must be at least 2, got 1": lambda: network_diagram([2, 3], most=1),
}


@pytest.mark.parametrize("message", BAD)
def test_what_does_not_fit_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()
