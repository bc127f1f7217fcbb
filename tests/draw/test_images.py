"""Digits, weights and confusions: which image stands where, in which shade, with which words."""

import numpy as np
import pytest
from matplotlib import colormaps

from microgradnp.draw import style
from microgradnp.draw.images import confusion_matrix, image_grid, weight_images

RNG = np.random.default_rng(0)
IMAGES = RNG.random((12, 4, 6))


def texts(ax):
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize(
    ("images", "shape"),
    [
        (IMAGES, None),
        (IMAGES[:, None], None),
        (IMAGES.reshape(12, 24), (4, 6)),
        (IMAGES.reshape(12, 24).tolist(), (4, 6)),
    ],
)
def test_images_stand_in_order_upright_on_one_scale(images, shape):
    ax = image_grid(images, shape=shape, columns=5)
    assert len(ax.images) == 12
    for i, image in enumerate(ax.images):
        np.testing.assert_array_equal(image.get_array(), IMAGES[i])
        left, right, bottom, top = image.get_extent()
        assert (round(left / 1.12), right - left) == (i % 5, pytest.approx(1))
        assert bottom - top == pytest.approx(4 / 6)  # rows run downwards, and so does the vertical axis
        assert image.get_clim() == (IMAGES.min(), IMAGES.max())
    assert ax.images[5].get_extent()[3] > ax.images[4].get_extent()[2]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (3, 3), (10, 5), (11, 4), (100, 10)])
def test_ten_digits_stand_in_two_lines_of_five(n, columns):
    ax = image_grid(np.ones((n, 2, 2)))
    assert len({image.get_extent()[0] for image in ax.images}) == columns
    ax.figure.draw_without_rendering()


def test_what_is_wrong_is_said_and_framed():
    ax = image_grid(IMAGES[:3], [0, 1, 2], [0, 2, 2], names=["a", "b", "c"])
    assert texts(ax) == ["a", "✗ c, is b", "c"]
    widths = [patch.get_linewidth() for patch in ax.patches]
    assert widths[1] > 4 * widths[0] == 4 * widths[2]
    assert ax.texts[1].get_fontweight() == "bold"
    assert texts(image_grid(IMAGES[:3], [0, 1, 2])) == ["0", "1", "2"]


def test_zero_is_the_middle_of_the_scale_of_weights():
    W = RNG.normal(size=(9, 4)) + 1
    ax = weight_images(W)
    end = np.abs(W).max()
    for i, image in enumerate(ax.images):
        np.testing.assert_array_equal(image.get_array(), W[:, i].reshape(3, 3))
        assert image.get_clim() == (-end, end)
    (scale,) = ax.child_axes
    assert scale.get_ylabel() == "weight"


def test_the_scale_of_weights_tells_signs_apart_in_grey():
    colours = colormaps[style.SIGNED](np.linspace(0, 1, 101))[:, :3]
    grey = colours @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(grey) > 0).all()
    assert np.ptp(colours[50]) < 0.03  # zero has no colour
    assert colours[0, 2] > colours[0, 0] + 0.2  # negative is blue
    assert colours[-1, 0] > colours[-1, 2] + 0.4  # positive is yellow


def test_filters_stand_by_output_and_input_channel():
    W = RNG.normal(size=(3, 2, 5, 5))
    ax = weight_images(W)
    assert len(ax.images) == 6
    np.testing.assert_array_equal(ax.images[3].get_array(), W[1, 1])
    assert ax.images[3].get_extent()[:2] == pytest.approx((1.12, 2.12))
    assert len({i.get_extent()[0] for i in weight_images(RNG.normal(size=(9, 1, 5, 5))).images}) == 5
    assert len(weight_images(RNG.normal(size=(3, 5, 5))).images) == 3


def test_it_is_said_where_not_all_are_drawn():
    assert texts(weight_images(RNG.normal(size=(9, 70)))) == ["the first 64 of 70"]
    ax = weight_images(RNG.normal(size=(40, 3, 2, 2)), most=7)
    assert texts(ax) == ["the first 6 of 120"]
    assert texts(weight_images(RNG.normal(size=(2, 9, 2, 2)), most=4)) == ["the first 9 of 18"]


def test_weights_beyond_a_given_limit_are_said_to_be():
    ax = weight_images([[1.0, -3.0]], limit=2)
    assert ax.images[0].get_clim() == (-2, 2)
    ax.figure.draw_without_rendering()
    weight_images(np.zeros((4, 2))).figure.draw_without_rendering()


def test_confusions_are_counted():
    metrics = pytest.importorskip("sklearn.metrics")
    true, said = RNG.integers(0, 4, 60), RNG.integers(0, 3, 60)
    ax = confusion_matrix(true, said)
    table = metrics.confusion_matrix(true, said)
    assert [int(text) for text in texts(ax)[:16]] == table.ravel().tolist()
    np.testing.assert_allclose(ax.images[0].get_array(), table / table.sum(axis=1, keepdims=True))
    recalls = metrics.recall_score(true, said, average=None)
    precisions = metrics.precision_score(true, said, average=None, zero_division=0)
    beside = [f"{100 * p:.0f} %" for pair in zip(recalls, precisions, strict=True) for p in pair]
    beside[-1] = "–"  # never predicted: no precision
    assert texts(ax)[16:24] == beside
    accuracy = f"{100 * metrics.accuracy_score(true, said):.4g}"
    assert ax.get_xlabel() == f"predicted class (accuracy {accuracy} %, 60 samples)"
    assert ax.get_ylabel() == "true class"
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # class 0 on top


def test_classes_that_nobody_has_seen_have_their_row():
    ax = confusion_matrix([0, 0], [0, 0], names=["a", "b"])
    assert texts(ax)[:4] == ["2", "0", "0", "0"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]


BAD = {
    r"images must have shape \(n, h, w\).*, got \(3,\)": lambda: image_grid([1, 2, 3]),
    r"images is empty, shape \(0, 2, 2\)": lambda: image_grid(np.empty((0, 2, 2))),
    r"images must be finite, but images\[0, 0, 1\] is nan": lambda: image_grid([[[0, np.nan]]]),
    r"24 pixels make no square image: give shape=\(height, width\)": lambda: image_grid(IMAGES.reshape(12, 24)),
    r"shape=\(5, 5\) has 25 pixels, but the images have 24": lambda: image_grid(IMAGES.reshape(12, 24), shape=(5, 5)),
    r"images have shape .* already": lambda: image_grid(IMAGES, shape=(4, 6)),
    "predictions are compared with labels": lambda: image_grid(IMAGES, predictions=[0] * 12),
    r"labels must have shape \(12,\)": lambda: image_grid(IMAGES, [0]),
    r"predictions must have shape \(12,\).*argmax": lambda: image_grid(IMAGES, [0] * 12, np.ones((12, 2))),
    "names has 1 entries, but the labels go up to 3": lambda: image_grid(IMAGES, [3] * 12, names=["a"]),
    "columns must be at least 1, got 0": lambda: image_grid(IMAGES, columns=0),
    r"weights must have shape \(pixels, units\), .* got \(3,\)": lambda: weight_images([1, 2, 3]),
    r"weights must be finite, but weights\[0, 0\] is inf": lambda: weight_images([[np.inf]]),
    "limit must be positive, got 0": lambda: weight_images([[1]], limit=0),
    "most must be at least 1": lambda: weight_images([[1]], most=0),
    "labels is empty": lambda: confusion_matrix([], []),
    r"predictions must have shape \(2,\)": lambda: confusion_matrix([0, 1], [0]),
    r"labels must be classes 0, 1, 2, ..., got \[-1\]": lambda: confusion_matrix([-1], [0]),
    "names has 1 entries, but the labels go up to 1": lambda: confusion_matrix([1], [1], names=["a"]),
}


@pytest.mark.parametrize("message", BAD)
def test_what_does_not_fit_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()
