"""Curves over the time of training: names at their ends, gaps where they are not finite, the best epoch."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.text import Text

from microgradnp.draw.curves import learning_curves, loss_curve, range_test_curve, schedule_curve, update_ratios

NAN, INF = float("nan"), float("inf")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def box(annotation):
    """Where the text stands, without its line."""
    return Text.get_window_extent(annotation)


def curve(ax, label):
    return next(line for line in ax.lines if line.get_label() == label)


def test_curves_are_named_at_their_ends_in_any_order_without_overlap():
    ends = [1.0, 1.001, 0.999, 5.0, 1.0005]
    ax = learning_curves({f"run {i}": [3, 2, end] for i, end in enumerate(ends)})
    assert texts(ax) == [f"run {i}" for i in range(5)]
    ax.figure.draw_without_rendering()
    boxes = sorted((box(text) for text in ax.texts), key=lambda place: place.y0)
    assert all(lower.y1 <= upper.y0 for lower, upper in pairwise(boxes))
    order = sorted(range(5), key=lambda i: ends[i])
    heights = [box(ax.texts[i]).y0 for i in order]
    assert heights == sorted(heights)
    for i, text in enumerate(ax.texts):
        assert text.xy == (2, ends[i])


def test_validation_has_the_colour_of_its_curve_and_circles():
    ax = learning_curves({"loss": [3, 2, 1], "mse": [1, 2, 3]}, validation={"mse": [1, 2, 4], "other": [1, 1, 1]})
    train, held_out, other = curve(ax, "mse"), curve(ax, "mse, validation"), curve(ax, "other, validation")
    assert held_out.get_color() == train.get_color()
    assert other.get_color() not in (train.get_color(), curve(ax, "loss").get_color())
    assert (train.get_marker(), held_out.get_marker()) == ("None", "o")
    assert held_out.get_ydata().tolist() == [1, 2, 4]


@pytest.mark.parametrize(("best", "at"), [("min", 2), ("max", 1)])
def test_the_best_epoch_is_marked(best, at):
    values = [3, 9, 1, NAN, 5]
    ax = learning_curves({"a": values}, best=best, x=[0, 10, 20, 30, 40])
    star = next(line for line in ax.lines if line.get_marker() == "*")
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (10 * at, values[at])
    assert texts(ax) == [f"a\n{best} {values[at]} at epoch {10 * at}\nnan at epoch 30"]


def test_best_is_that_of_the_validation_where_there_is_one():
    ax = learning_curves({"a": [3, 1], "b": [5, 6]}, validation={"a": [2, 4]}, best="min")
    assert texts(ax) == ["a", "b\nmin 5 at epoch 0", "a, validation\nmin 2 at epoch 0"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1, NAN], "nan at epoch 1"),
        ([1, 2, INF, NAN], "inf from epoch 2"),
        ([-INF, 2], "-inf at epoch 0"),
        ([NAN, 2, NAN, 3], "nan at epoch 0 and 1 more"),
        ([NAN, NAN], "nan from epoch 0"),
    ],
)
def test_what_is_not_finite_is_a_gap_with_a_mark_and_is_said(values, said):
    ax = learning_curves({"a": values})
    assert texts(ax) == [f"a\n{said}"]
    drawn = curve(ax, "a").get_ydata()
    np.testing.assert_array_equal(drawn, np.where(np.isfinite(values), values, NAN))
    mark = next(line for line in ax.lines if line.get_marker() == "X")
    assert mark.get_xdata()[0] == np.flatnonzero(~np.isfinite(values))[0]
    dots = [x for line in ax.lines if line.get_marker() == "o" for x in line.get_xdata()]
    known = np.isfinite([NAN, *values, NAN])
    assert dots == [i for i in range(len(values)) if known[i + 1] and not known[i] and not known[i + 2]]


def test_a_curve_that_ends_early_is_named_where_it_ends():
    ax = learning_curves({"long": np.arange(50.0), "short": [1, 2, NAN]})
    ax.figure.draw_without_rendering()
    long, short = (box(text) for text in ax.texts)
    assert long.x0 > ax.bbox.x1
    assert short.x1 < ax.bbox.x1


def test_huge_losses_can_be_drawn():
    for logy in (False, True):
        ax = learning_curves({"a": [1.0, 1e150, 1e300, INF]}, logy=logy)
        ax.figure.draw_without_rendering()
        assert curve(ax, "a").get_ydata()[1] == 1e150
        assert texts(ax) == ["a\n1e+300 from epoch 2"]


def test_ratios_that_are_zero_stand_at_the_lower_edge():
    ax = update_ratios({"a": [0, 1e-3, 0], "b": [1e-2, NAN, 1e-2]}, x=[1, 5, 9])
    assert ax.get_yscale() == "log"
    down = next(line for line in ax.lines if line.get_marker() == "v")
    assert down.get_xdata().tolist() == [1, 9]
    assert texts(ax) == ["a\n0 at 2 of 3", "b\nnan at update 5", "usual: 0.001"]
    assert 1e-3 in [line.get_ydata()[0] for line in ax.lines]
    assert texts(update_ratios({"a": [1e-3]}, usual=None)) == ["a"]


def test_range_test_shows_what_matters_and_counts_the_rest():
    losses = [2.0, 2.1, 1.0, 0.5, 70.0, INF, NAN]
    ax = range_test_curve(10.0 ** np.arange(-6, 1), losses, suggestion=1e-4)
    assert texts(ax) == ["3 of 7 losses lie above,\nup to 70,\n2 not finite", "suggested: 0.0001"]
    assert ax.get_ylim()[0] < 0.5
    assert 2.1 < ax.get_ylim()[1] < 70
    up = next(line for line in ax.lines if line.get_marker() == "^")
    np.testing.assert_allclose(up.get_xdata(), [1e-2, 1e-1, 1])
    assert range_test_curve([1, 2], [1, 1]).texts[:] == []


@pytest.mark.parametrize(
    ("values", "shown", "hidden"),
    [([0.2, 0.5], "0.3", "10"), ([0.02, 5], "0.1", "10^"), ([1e-6, 1.0], "10^{-4}", "0.0001")],
)
def test_logarithmic_axes_have_plain_numbers_where_they_can_be_read(values, shown, hidden):
    for ax in (learning_curves({"a": values}, logy=True), loss_curve(values, logy=True)):
        ax.figure.draw_without_rendering()
        written = " ".join(t.get_text() for t in [*ax.get_yticklabels(), *ax.get_yticklabels(minor=True)])
        assert shown in written
        assert hidden not in written


def test_a_schedule_is_drawn_in_steps():
    ax = schedule_curve([0.4, 0.4, 0.1])
    (line,) = ax.lines
    assert line.get_drawstyle() == "steps-post"
    assert line.get_xdata().tolist() == [0, 1, 2, 3]
    assert line.get_ydata().tolist() == [0.4, 0.4, 0.1, 0.1]
    assert ax.get_ylim()[0] == 0
    assert schedule_curve({"a": [1, 2], "b": [1, 1]}, logy=True).get_yscale() == "log"


BAD = {
    r"curves is empty": (ValueError, lambda: learning_curves({})),
    r"curves must be a mapping of names to arrays, such as": (TypeError, lambda: learning_curves([1, 2])),
    r"curves\['a'\] must be a row of numbers, .* got shape \(\)": (ValueError, lambda: learning_curves({"a": 3})),
    r"validation\['a'\] must be a row of numbers, .* got shape \(0,\)": (
        ValueError,
        lambda: learning_curves({"a": [1]}, validation={"a": []}),
    ),
    r"curves\['a'\] must be an array of real numbers": (ValueError, lambda: learning_curves({"a": ["b"]})),
    r"logy needs positive values, but curves\['a'\]\[1\] is 0": (
        ValueError,
        lambda: learning_curves({"a": [1, 0]}, logy=True),
    ),
    r"x has 2 values, but validation\['a'\] has 3": (
        ValueError,
        lambda: learning_curves({"a": [1, 2]}, validation={"a": [1, 2, 3]}, x=[0, 1]),
    ),
    r"x must increase, but x\[1\] is 0 after 0": (ValueError, lambda: learning_curves({"a": [1, 2]}, x=[0, 0])),
    r"x must be finite, but x\[1\] is nan": (ValueError, lambda: learning_curves({"a": [1, 2]}, x=[0, NAN])),
    r'best must be "min", "max" or None, got \'least\'': (
        ValueError,
        lambda: learning_curves({"a": [1]}, best="least"),
    ),
    r"ratios\['a'\] has a negative value": (ValueError, lambda: update_ratios({"a": [-1]})),
    r"x has 1 values, but ratios\['a'\] has 2": (ValueError, lambda: update_ratios({"a": [1, 1]}, x=[0])),
    r"rates has 1 values, but losses has 2": (ValueError, lambda: range_test_curve([1], [1, 2])),
    r"rates must increase": (ValueError, lambda: range_test_curve([2, 1], [1, 2])),
    r"rates must be positive, but rates\[0\] is 0": (ValueError, lambda: range_test_curve([0, 1], [1, 2])),
    r"no loss is finite: start the range test at smaller": (ValueError, lambda: range_test_curve([1, 2], [INF, NAN])),
    r"suggestion must be a positive learning rate, got -1": (
        ValueError,
        lambda: range_test_curve([1, 2], [1, 2], suggestion=-1),
    ),
    r"rates must be finite, but rates\[1\] is nan": (ValueError, lambda: schedule_curve([1, NAN])),
    r"logy needs positive values, but rates\['a'\]\[0\] is 0": (
        ValueError,
        lambda: schedule_curve({"a": [0, 1]}, logy=True),
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_what_does_not_fit_is_named(message):
    error, call = BAD[message]
    with pytest.raises(error, match=message):
        call()
