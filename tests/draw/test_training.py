"""Pictures of training: what is drawn, that files are reproducible, and errors for what does not fit."""

import os
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from microgradnp.data import circles
from microgradnp.draw import style
from microgradnp.draw.training import decision_regions, hidden_space, loss_curve, save, scatter_classes

X, T = circles(40, shuffle=False, noise=0.1, factor=0.3, random_state=1)
H = np.column_stack([X, (X**2).sum(axis=1)])


def inner(points):
    """A classifier with a circle of radius 0.6 as its border."""
    return (points**2).sum(axis=1) < 0.36


PICTURES = {
    "scatter": lambda **kw: scatter_classes(X, T, **kw),
    "loss": lambda **kw: loss_curve([3.0, 2.0, 1.5], **kw),
    "regions": lambda **kw: decision_regions(inner, X, T, resolution=40, **kw),
    "hidden": lambda **kw: hidden_space(H, T, **kw),
}
picture = pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)


class Foreign:
    """An array of another library."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return self.values.astype(dtype) if dtype else self.values


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def offsets(collection):
    x = getattr(collection, "_offsets3d", None)
    return collection.get_offsets() if x is None else np.column_stack(x)


@pytest.mark.parametrize("wrap", [np.asarray, np.ndarray.tolist, Foreign])
@pytest.mark.parametrize(("draw", "points"), [(scatter_classes, X), (hidden_space, H)])
def test_every_class_is_drawn_with_its_own_look(draw, points, wrap):
    ax = draw(wrap(points), wrap(T), names=["star", "circle"], title="Data")
    first, second = ax.collections
    np.testing.assert_array_equal(offsets(first), points[T == 0])
    np.testing.assert_array_equal(offsets(second), points[T == 1])
    assert legend(ax) == ["star", "circle"]
    assert ax.get_title() == "Data"
    assert to_hex(first.get_facecolor()) == "#e69f00"
    assert to_hex(second.get_facecolor()) == "#0072b2"
    assert len(first.get_paths()[0].vertices) != len(second.get_paths()[0].vertices)


def test_axes_are_labelled():
    ax = PICTURES["scatter"]()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$x_1$", "$x_2$")
    ax = PICTURES["hidden"]()
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()) == ("$h_1$", "$h_2$", "$h_3$")
    assert (ax.elev, ax.azim) == (30, -20)
    ax = PICTURES["loss"]()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("iteration", "loss")


@picture
def test_given_axes_are_drawn_in_and_keep_their_labels(draw):
    ax = Figure().add_subplot(projection="3d" if draw is PICTURES["hidden"] else None)
    ax.set_xlabel("mine")
    assert draw(ax=ax, title="Title") is ax
    assert ax.get_xlabel() == "mine"
    assert ax.get_title() == "Title"


def test_a_class_keeps_its_look_where_others_are_missing():
    (only,) = scatter_classes(X[T == 1], T[T == 1]).collections
    assert to_hex(only.get_facecolor()) == style.colour(1).lower()


def test_no_points_make_an_empty_picture():
    assert not scatter_classes(np.empty((0, 2)), []).collections


def test_no_two_of_88_classes_look_the_same():
    assert len({(style.colour(i), style.marker(i)) for i in range(88)}) == 88


def grey(index):
    """Lightness L* (CIE 1976) of the colour of a class, 0 to 100."""
    c = np.array(to_rgb(style.colour(index)))
    y = np.dot([0.2126, 0.7152, 0.0722], np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4))
    return 116 * np.cbrt(y) - 16 if y > 0.008856 else 903.3 * y


def test_the_first_classes_differ_in_grey():
    greys = sorted(grey(i) for i in range(4))
    assert np.diff(greys).min() > 15


def test_loss_curves_can_be_compared():
    ax = loss_curve([3.0, 2.0, 1.0, 0.5], label="a", logy=True)
    loss_curve(Foreign([2.0, 1.0]), ax=ax, label="b", logy=True)
    one, two = ax.lines
    assert one.get_ydata().tolist() == [3.0, 2.0, 1.0, 0.5]
    assert one.get_xdata().tolist() == [0, 1, 2, 3]
    assert one.get_color() != two.get_color()
    assert one.get_linestyle() != two.get_linestyle()
    assert legend(ax) == ["a", "b"]
    assert ax.get_xlim() == (0, 3)
    assert ax.get_yscale() == "log"


def test_divergence_is_shown():
    ax = loss_curve([3.0, 9.0, np.inf, np.nan, 1.0])
    assert ax.lines[0].get_ydata().tolist() == [3.0, 9.0]
    assert legend(ax) == ["inf at iteration 2"]
    assert set(ax.lines[1].get_xdata()) == {2}


def test_a_single_loss_is_visible():
    assert loss_curve([1.0]).lines[0].get_marker() == "o"


def test_regions_lie_where_the_classifier_says():
    ax = decision_regions(inner, X, T, extent=(-1, 1, -1, 1), names=["out", "in"])
    outside, border, inside = ax.collections[:3]
    assert to_hex(outside.get_facecolor()[0]) == to_hex(style.tint(0))
    assert to_hex(inside.get_facecolor()[0]) == to_hex(style.tint(1))
    radius = np.linalg.norm(border.get_paths()[0].vertices, axis=1)
    assert np.abs(radius - 0.6).max() < 0.01
    for point in [(0, 0), (0.5, 0.2), (0.8, 0.8), (-0.9, 0)]:
        is_inside = inner(np.array([point]))[0]
        assert inside.get_paths()[0].contains_point(point) == is_inside
    assert outside.hatches != inside.hatches
    assert legend(ax) == ["out", "in"]


def test_classifier_is_asked_once_about_the_whole_extent():
    asked = []
    decision_regions(lambda x: asked.append(x) or np.zeros(len(x)), X, T, resolution=30, margin=0.5)
    (grid,) = asked
    assert grid.shape == (900, 2)
    space = 0.5 * (X.max(axis=0) - X.min(axis=0))
    np.testing.assert_allclose(grid.min(axis=0), X.min(axis=0) - space)
    np.testing.assert_allclose(grid.max(axis=0), X.max(axis=0) + space)


def test_points_on_a_line_get_room():
    ax = decision_regions(inner, [[0, 0], [1, 0]], [0, 1], resolution=10, margin=0)
    assert ax.get_ylim() == (-1, 1)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
@picture
def test_files_are_reproducible(draw, ending, tmp_path):
    one = save(draw(), tmp_path / f"one.{ending}").read_bytes()
    theirs = {"text.color": "red", "xtick.color": "red", "ytick.labelsize": 20, "xtick.major.size": 9}
    with mpl.rc_context(theirs | {"grid.color": "red", "figure.figsize": (1, 1), "svg.hashsalt": "theirs"}):
        two = save(draw().figure, str(tmp_path / f"two.{ending}")).read_bytes()
    assert one == two
    assert one.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending])
    assert sorted(os.listdir(tmp_path)) == [f"one.{ending}", f"two.{ending}"]


def test_pyplot_and_settings_of_the_user_are_left_alone(tmp_path):
    code = """
import sys
import matplotlib
from microgradnp.draw.training import *

def settings():  # to read "backend" would load pyplot
    return {key: matplotlib.rcParams[key] for key in matplotlib.rcParams if key != "backend"}

before = settings()
save(scatter_classes([[0, 1]], [0]), "a.png")
save(decision_regions(lambda x: x[:, 0] > 0, [[0, 1], [1, 1]], [0, 1]), "b.svg")
save(hidden_space([[0, 1, 2]], [0]), "c.pdf")
assert settings() == before
assert "matplotlib.pyplot" not in sys.modules
"""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "MPLBACKEND")}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)


def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "loss.svg"
    path.write_text("old")

    def full(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        save(loss_curve([1.0]), path)
    assert os.listdir(tmp_path) == ["loss.svg"]
    assert path.read_text() == "old"


def test_axes_without_a_figure_cannot_be_saved(tmp_path):
    ax = loss_curve([1.0])
    ax.remove()
    with pytest.raises(ValueError, match="removed from their figure"):
        save(ax, tmp_path / "a.png")


BAD = {
    r"points must have shape \(n, 2\), got \(3,\)": lambda: scatter_classes([1, 2, 3], [0, 1, 0]),
    r"points must have shape \(n, 2\), got \(40, 3\)": lambda: scatter_classes(H, T),
    r"activations must have shape \(n, units\), got \(40,\)": lambda: hidden_space(X[:, 0], T),
    "points must be an array of real numbers": lambda: scatter_classes([["a", "b"]], [0]),
    r"points must be finite, but row 1 is \[ ?nan": lambda: scatter_classes([[0, 0], [np.nan, 0]], [0, 1]),
    r"labels must have shape \(40,\), one class a point, got \(39,\)": lambda: scatter_classes(X, T[1:]),
    r"labels .* take .argmax\(axis=1\)": lambda: scatter_classes(X, np.eye(2)[T]),
    r"labels must be classes 0, 1, 2, ..., got \[0.5\]": lambda: scatter_classes([[0, 0]], [0.5]),
    r"labels must be classes .* got \[-1\]": lambda: scatter_classes([[0, 0]], [-1]),
    "labels must be classes .* got .*red": lambda: scatter_classes([[0, 0]], ["red"]),
    "names has 1 entries, but the labels go up to 1": lambda: scatter_classes(X, T, names=["a"]),
    r"losses must be a row .* got shape \(\)": lambda: loss_curve(3.0),
    r"losses must be a row .* got shape \(0,\)": lambda: loss_curve([]),
    r"losses\[1\] is 0: draw without logy": lambda: loss_curve([1.0, 0.0], logy=True),
    r"what predict returns must have shape \(40000,\).* \(40000, 2\).*argmax": lambda: decision_regions(
        lambda x: x, X, T
    ),
    r"what predict returns must be classes 0, 1": lambda: decision_regions(lambda x: x[:, 0], X, T),
    "resolution must be at least 2": lambda: decision_regions(inner, X, T, resolution=1),
    "margin .* cannot be -1": lambda: decision_regions(inner, X, T, margin=-1),
    r"extent must be .* got \(1, 0, 0, 1\)": lambda: decision_regions(inner, X, T, extent=(1, 0, 0, 1)),
    "no points to take the range from": lambda: decision_regions(inner, np.empty((0, 2)), []),
    "'x.gif': the ending must be .png, .svg or .pdf": lambda: save(loss_curve([1.0]), "x.gif"),
}


@pytest.mark.parametrize("message", BAD)
def test_what_does_not_fit_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()


def test_hidden_space_wants_3d_axes():
    with pytest.raises(TypeError, match=r"projection=\"3d\""):
        hidden_space(H, T, ax=Figure().add_subplot())
