"""What all pictures of training have in common: axes in, axes out, the same bytes, no display, nothing left behind."""

import os
import subprocess
import sys
import warnings

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import microgradnp as mg
from microgradnp import draw as package
from microgradnp.draw import style, training
from microgradnp.nn.functional import softmax

X, T = mg.data.blobs(60, centers=3, random_state=5)
CENTRES = np.array([X[c == T].mean(axis=0) for c in range(3)])
LOSSES = 1 / (1 + np.arange(20.0))
IMAGES = np.arange(160.0).reshape(10, 4, 4) % 7
PATH = np.array([[-2.0, -1.0], [-1.0, 0.2], [-0.5, 0.0]])
RNG = np.random.default_rng


def bowl(b, w):
    return b**2 + 4 * w**2


def proba(points):
    return softmax(-((points[:, None] - CENTRES) ** 2).sum(axis=-1) / 6, axis=1)


#: Every picture that is drawn in one pair of axes.
PICTURES = {
    "scatter_classes": lambda **kw: training.scatter_classes(X, T, **kw),
    "decision_regions": lambda **kw: training.decision_regions(lambda x: proba(x).argmax(1), X, T, resolution=40, **kw),
    "probability_regions": lambda **kw: training.probability_regions(proba, X, T, resolution=40, **kw),
    "hidden_space": lambda **kw: training.hidden_space(proba(X), T, **kw),
    "hidden_space of 1": lambda **kw: training.hidden_space(X[:, :1], T, **kw),
    "hidden_space of 2": lambda **kw: training.hidden_space(X, T, **kw),
    "hidden_space of 5": lambda **kw: training.hidden_space(np.tanh(X @ np.ones((2, 5))), T, **kw),
    "loss_curve": lambda **kw: training.loss_curve(LOSSES, **kw),
    "learning_curves": lambda **kw: training.learning_curves(
        {"loss": LOSSES}, validation={"loss": LOSSES + 0.1}, best="min", logy=True, **kw
    ),
    "update_ratios": lambda **kw: training.update_ratios({"a": LOSSES / 100, "b": LOSSES * 0}, **kw),
    "range_test_curve": lambda **kw: training.range_test_curve(
        np.logspace(-5, 1, 20), [*LOSSES[:-2], 9e9, np.nan], suggestion=1e-2, **kw
    ),
    "schedule_curve": lambda **kw: training.schedule_curve(LOSSES, **kw),
    "layer_activations": lambda **kw: training.layer_activations([0.4, [0.9, 0.1], 0.7], target=0.15, **kw),
    "percent_changes": lambda **kw: training.percent_changes(
        {"b=2, w=2": [0.1, -3, -90], "b=2, w=0": [np.nan] * 3},
        {"b=2, w=2": [-1e-5, 1, 2], "b=2, w=0": [0, 1, 2]},
        **kw,
    ),
    "activation_distributions": lambda **kw: training.activation_distributions(
        {"relu": np.maximum(X, 0), "tanh": np.tanh(X)}, limits={"tanh": (-1, 1)}, **kw
    ),
    "gradient_distributions": lambda **kw: training.gradient_distributions({"W1": X * 1e-6, "W2": X}, **kw),
    "image_grid": lambda **kw: training.image_grid(IMAGES, range(10), [0, 1, 2, 3, 9, 5, 6, 7, 8, 9], **kw),
    "weight_images": lambda **kw: training.weight_images(RNG(0).normal(size=(16, 70)), **kw),
    "confusion_matrix": lambda **kw: training.confusion_matrix(T, proba(X + 2).argmax(axis=1), **kw),
    "network_diagram": lambda **kw: training.network_diagram([RNG(0).normal(size=s) for s in ((20, 3), (3, 2))], **kw),
    "cost_contours": lambda **kw: training.cost_contours(bowl, PATH, **kw),
    "cost_surface": lambda **kw: training.cost_surface(bowl, PATH, **kw),
    "loss_landscape": lambda **kw: training.loss_landscape(
        lambda p: np.sum(p[0] ** 2), PATH[-1:], [[step] for step in PATH], resolution=9, **kw
    ),
    "loss_landscape, solid": lambda **kw: training.loss_landscape(
        lambda p: np.sum(p["w"] ** 2), {"w": np.ones((2, 2))}, solid=True, resolution=9, **kw
    ),
}
SOLID = {"hidden_space", "hidden_space of 5", "cost_surface", "loss_landscape, solid"}
#: Those without axes to label.
BARE = {"image_grid", "weight_images", "network_diagram"}
#: Those whose rows are named instead.
ROWS = {"hidden_space of 1", "activation_distributions", "gradient_distributions"}
every = pytest.mark.parametrize("name", PICTURES)


def axes_for(name):
    return Figure().add_subplot(projection="3d" if name in SOLID else None)


@every
def test_new_axes_are_labelled_and_titled(name):
    ax = PICTURES[name](title="Title")
    assert isinstance(ax, Axes)
    assert ax.get_title() == "Title"
    assert ax.get_xlabel() or name in BARE
    assert ax.get_ylabel() or name in BARE | ROWS


@every
def test_given_axes_are_drawn_in_and_keep_their_labels(name):
    ax = axes_for(name)
    ax.set_xlabel("mine")
    assert PICTURES[name](ax=ax) is ax
    assert ax.get_xlabel() == "mine"
    assert ax.has_data()


@every
def test_the_same_picture_gives_the_same_bytes_under_any_settings_and_nothing_warns(name, tmp_path):
    theirs = {"text.color": "red", "xtick.color": "red", "ytick.labelsize": 20, "xtick.major.size": 9}
    theirs |= {"grid.color": "red", "figure.figsize": (1, 1), "lines.linewidth": 9, "image.cmap": "hot"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = training.save(PICTURES[name](), tmp_path / "one.svg").read_bytes()
        with mpl.rc_context(theirs):
            two = training.save(PICTURES[name](), tmp_path / "two.svg").read_bytes()
    assert one == two


@every
def test_axes_of_the_wrong_kind_are_refused(name):
    with pytest.raises(TypeError, match=r"ax must be axes of matplotlib, .*, got Figure"):
        PICTURES[name](ax=Figure())
    wrong = Figure().add_subplot(projection=None if name in SOLID else "3d")
    with pytest.raises(TypeError, match="3-D"):
        PICTURES[name](ax=wrong)


@every
def test_nothing_that_is_written_lies_outside_of_the_picture_or_is_illegibly_small(name):
    ax = PICTURES[name]()
    ax.figure.draw_without_rendering()
    width, height = ax.figure.bbox.size
    room = 0.05 * max(width, height) * (name in SOLID)  # 3-D labels reach out a little; a file is cropped around them
    for text in ax.figure.findobj(mpl.text.Text):
        if text.get_text() and text.get_visible():
            assert text.get_fontsize() >= 7, text
            if text.get_in_layout() and not isinstance(text.axes, type(None)) and text.get_clip_path() is None:
                box = text.get_window_extent()
                inside = box.x0 >= -room and box.y0 >= -room and box.x1 <= width + room and box.y1 <= height + room
                assert inside or box.width == 0, text


def test_every_picture_stands_at_the_same_places():
    public = {name.partition(" ")[0].strip(",") for name in PICTURES}
    public |= {"panels", "save", "Film", "animate", "film_of_activations"}
    assert public == set(training.__all__) == set(package.TRAINING)
    for name in public:
        assert getattr(mg.draw, name) is getattr(training, name)
        assert name in dir(mg.draw)
        assert name in package.__all__
    assert callable(mg.draw)  # the graph of a computation is drawn from the same place


def test_no_display_is_needed_and_pyplot_is_left_alone(tmp_path):
    code = """
import sys, matplotlib
from microgradnp.draw.training import *
save(learning_curves({"loss": [2, 1]}), "a.png")
save(panels({"a": lambda ax: loss_curve([2, 1], ax=ax)}), "b.png")
assert "matplotlib.pyplot" not in sys.modules
"""
    for backend in ({}, {"MPLBACKEND": "Agg"}, {"MPLBACKEND": "TkAgg"}):
        environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "MPLBACKEND")} | backend
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)


def test_figures_are_not_kept_by_pyplot():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    before = pyplot.get_fignums()
    training.panels({"a": lambda ax: training.loss_curve([2, 1], ax=ax)})
    training.loss_curve([2, 1])
    assert pyplot.get_fignums() == before


def test_curves_differ_in_dashes_and_not_only_in_colour():
    assert len({str(dashes) for _, dashes in style.LINES}) == len({colour for colour, _ in style.LINES}) == 8


# -- panels ----------------------------------------------------------------------------------------------------------


def test_panels_are_titled_in_order_and_can_share_their_ranges():
    runs = {"a": [1, 2], "b": [3, 9, 2], "c": [0.5]}
    draw = {name: lambda ax, run=run: training.loss_curve(run, ax=ax) for name, run in runs.items()}
    figure = training.panels(draw, shared=True, title="Runs")
    assert [ax.get_title() for ax in figure.axes] == ["a", "b", "c"]
    assert len({ax.get_ylim() for ax in figure.axes}) == 1
    assert figure.axes[0].get_ylim()[1] >= 9
    assert figure.get_suptitle() == "Runs"
    assert len({ax.get_ylim() for ax in training.panels(draw).axes}) == 3


def test_panels_can_be_3d_and_one_line():
    figure = training.panels(
        {str(i): lambda ax: training.hidden_space(proba(X), T, ax=ax) for i in range(3)}, columns=9, projection="3d"
    )
    assert [ax.name for ax in figure.axes] == ["3d"] * 3
    assert len({round(ax.get_position().y0, 6) for ax in figure.axes}) == 1


def test_panels_with_the_same_legend_have_one():
    def draw(*classes):
        return lambda ax: training.scatter_classes([[0, 0], [1, 1]], classes, ax=ax)

    same = training.panels({"a": draw(0, 1), "b": draw(1, 0)})
    assert [ax.get_legend() for ax in same.axes] == [None, None]
    assert [text.get_text() for text in same.legends[0].get_texts()] == ["class 0", "class 1"]
    other = training.panels({"a": draw(0, 1), "b": draw(2, 0)})
    assert None not in [ax.get_legend() for ax in other.axes]
    assert not other.legends

    def line(colour):
        return lambda ax: (ax.plot([1], label="a", color=colour), ax.legend())

    assert not training.panels({"a": line("red"), "b": line("blue")}).legends


def test_panels_need_something_to_draw():
    with pytest.raises(ValueError, match="pictures is empty"):
        training.panels({})
    with pytest.raises(TypeError, match="pictures must be a mapping of names"):
        training.panels([print])
    with pytest.raises(ValueError, match="columns must be at least 1, got 0"):
        training.panels({"a": print}, columns=0)
    with pytest.raises(TypeError, match=r"pictures\['a'\] must be a function that draws in the axes"):
        training.panels({"a": 1})


# -- what is given ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [[1 + 2j], ["1.5"], ["a"], [None, {}], np.array(["2020-01-01"], dtype="M8[D]")])
def test_what_are_no_real_numbers_is_refused(values):
    with pytest.raises(ValueError, match="losses must be an array of real numbers"):
        training.loss_curve(values)


def test_masked_values_are_not_drawn():
    ax = training.learning_curves({"a": np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0])})
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1, np.nan, 3])


def test_a_picture_of_a_tensor_is_no_operation_on_it():
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    for values in (w, w.detach(), [w[0], w[1] * 1]):
        ax = training.learning_curves({"a": values})
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1, 2])
    layer = mg.nn.Linear(16, 3, rng=0)
    assert training.weight_images(layer.weight).has_data()
    assert training.network_diagram([layer.weight]).has_data()
    line = mg.nn.Linear(2, 1, rng=0)
    assert training.decision_regions(lambda x: line(x)[:, 0] > 0, X, T, resolution=20).has_data()


def test_what_is_no_row_of_numbers_is_named():
    with pytest.raises(
        TypeError, match="losses must be a row of numbers, not a dict of 'loss', 'lr': give one of them"
    ):
        training.loss_curve({"loss": LOSSES, "lr": LOSSES})
    with pytest.raises(TypeError, match=r"layers must be a list of sizes, .* not Linear"):
        training.network_diagram(mg.nn.Linear(2, 1))


def test_what_cannot_be_saved(tmp_path):
    with pytest.raises(TypeError, match="picture must be axes or a figure of matplotlib, got int"):
        training.save(3, tmp_path / "a.png")
    with pytest.raises(TypeError, match="got Film: it has a method save of its own"):
        training.save(training.animate(print, 1), tmp_path / "a.png")
    with pytest.raises(FileNotFoundError, match=r"no such folder to write to: .*nowhere'"):
        training.save(PICTURES["loss_curve"](), tmp_path / "nowhere" / "a.png")
