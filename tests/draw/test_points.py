"""Pictures of points: what is drawn of regions, probabilities and hidden layers of any width."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import microgradnp as mg
from microgradnp.draw import style
from microgradnp.draw.points import (
    GROUND,
    decision_regions,
    hidden_space,
    principal_components,
    probability_regions,
    scatter_classes,
)

RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(10, 2)) * 3
T = np.arange(200) % 10
X = CENTRES[T] + 0.1 * RNG.normal(size=(200, 2))


def proba(points):
    return mg.softmax(-((points[:, None] - CENTRES) ** 2).sum(axis=-1), axis=1)


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_ten_classes_are_told_apart_and_listed_beside_the_points():
    ax = scatter_classes(X, T)
    assert texts(ax) == [f"class {c}" for c in range(10)]
    looks = {(to_hex(c.get_facecolor()), c.get_paths()[0].vertices.tobytes()) for c in ax.collections}
    assert len(looks) == 10
    ax.figure.draw_without_rendering()
    assert ax.get_legend().get_window_extent().x0 > ax.bbox.x1


def test_many_points_are_smaller_but_not_in_the_legend():
    few, many = scatter_classes(X, T), scatter_classes(np.repeat(X, 10, axis=0), np.repeat(T, 10))
    assert many.collections[1].get_sizes()[0] < few.collections[1].get_sizes()[0]
    handles = [ax.get_legend().legend_handles[1].get_sizes()[0] for ax in (few, many)]
    assert handles[0] == pytest.approx(handles[1])


def test_regions_of_ten_classes_have_ten_looks():
    ax = decision_regions(lambda x: proba(x).argmax(axis=1), X, T, resolution=60)
    grounds = [c for c in ax.collections if getattr(c, "hatches", None) and c.get_zorder() == GROUND]
    assert len(grounds) == 10
    assert len({(to_hex(c.get_facecolor()[0]), c.hatches[0]) for c in grounds}) == 8  # and lines between them


@pytest.mark.parametrize("form", [lambda p: p, lambda p: p[:, None], lambda p: np.stack([1 - p, p], axis=1)])
def test_probability_of_two_classes_in_any_form(form):
    ax = probability_regions(
        lambda x: form(mg.logistic(4 * x[:, 0])), [[-1, 0], [1, 0]], [0, 1], extent=(-2, 2, -1, 1), resolution=101
    )
    image = np.asarray(ax.images[0].get_array())
    assert image.shape == (101, 101, 3)
    white_to_tint = np.abs(image - 1).sum(axis=2)
    assert white_to_tint[50, 0] > white_to_tint[50, 40] > white_to_tint[50, 50]  # surer further from the border
    np.testing.assert_allclose(image[50, 0], style.tint(0, 0.6), atol=0.02)
    np.testing.assert_allclose(image[50, -1], style.tint(1, 0.6), atol=0.02)
    border = next(c for c in ax.collections if c.get_linewidths()[0] == 1.2)
    assert np.abs(border.get_paths()[0].vertices[:, 0]).max() < 0.05
    line = next(c for c in ax.collections if c.get_linewidths()[0] == 0.6 and c.get_zorder() == 1)
    x = np.abs(np.concatenate([p.vertices for p in line.get_paths()])[:, 0])
    expected = np.log(np.array([0.7 / 0.3, 0.9 / 0.1])) / 4
    assert np.abs(x[:, None] - expected).min(axis=1).max() < 0.01


def test_a_classifier_that_is_never_sure_has_no_lines():
    ax = probability_regions(lambda x: np.full((len(x), 3), 1 / 3), X[:9], T[:9] % 3, resolution=10)
    assert not ax.texts
    np.testing.assert_allclose(
        np.asarray(ax.images[0].get_array()), 1 - 0.1 * (1 - np.array(style.tint(0, 0.6))) * np.ones((10, 10, 1))
    )


def test_one_unit_is_drawn_in_rows():
    ax = hidden_space(X[:, :1], T, names="abcdefghij")
    assert [text.get_text() for text in ax.get_yticklabels()] == list("abcdefghij")
    for c, dots in enumerate(ax.collections):
        np.testing.assert_array_equal(dots.get_offsets()[:, 0], X[c == T, 0])
        assert np.abs(dots.get_offsets()[:, 1] - c).max() <= 0.3
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$h_1$", "")


def test_two_units_are_drawn_in_the_plane():
    ax = hidden_space(X, T)
    assert ax.name == "rectilinear"
    np.testing.assert_array_equal(ax.collections[3].get_offsets(), X[T == 3])


def test_wide_layers_are_drawn_along_their_principal_components():
    decomposition = pytest.importorskip("sklearn.decomposition")
    H = np.tanh(X @ RNG.normal(size=(2, 7)))
    pca = decomposition.PCA(3).fit(H)
    ax = hidden_space(H, T * 0)
    drawn = np.column_stack(ax.collections[0]._offsets3d)
    reference = pca.transform(H)
    np.testing.assert_allclose(np.abs(drawn), np.abs(reference), atol=1e-10)
    shares = [f"PC {i + 1} ({100 * s:.2g} %)" for i, s in enumerate(pca.explained_variance_ratio_)]
    assert [ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()] == shares


@pytest.mark.parametrize("points", [np.ones((5, 4)), np.ones((1, 4)), np.ones((2, 6)), np.empty((0, 4))])
def test_principal_components_of_hardly_any_points(points):
    coordinates, shares = principal_components(points, 3)
    assert coordinates.shape == (len(points), 3)
    assert not coordinates.any()
    assert not shares.any()


def test_principal_components_do_not_depend_on_the_sign_of_the_svd():
    H = RNG.normal(size=(30, 5))
    one, _ = principal_components(H, 3)
    two, _ = principal_components(H[::-1].copy(), 3)
    np.testing.assert_allclose(one, two[::-1], atol=1e-12)


BAD = {
    r"what predict_proba returns must have shape \(100, k\) .* got \(100, 1, 1\)": lambda x: x[:, :1, None],
    r"must have shape \(100, k\) .* got \(99, 10\)": lambda x: proba(x)[1:],
    r"must be probabilities, .* range from -?[\d.]+ to .* apply softmax": lambda x: x,
    "must be finite, but 200 values are not": lambda x: np.full(len(x), np.nan),
    "what predict_proba returns must be an array of real numbers": lambda x: np.full(len(x), "a"),
}


@pytest.mark.parametrize("message", BAD)
def test_what_are_no_probabilities(message):
    with pytest.raises(ValueError, match=message):
        probability_regions(BAD[message], X, T, resolution=10)


def test_classifiers_may_return_tensors_of_parameters():
    w = mg.tensor([1.0, 0.0], requires_grad=True)
    image = probability_regions(lambda x: mg.logistic(x @ w), [[0, 0]], [0], resolution=5).images[0].get_array()
    plain = probability_regions(lambda x: mg.logistic(x @ w.data), [[0, 0]], [0], resolution=5).images[0].get_array()
    np.testing.assert_array_equal(image, plain)
    decision_regions(lambda x: np.argmax(np.stack([x @ w, -(x @ w)], axis=1), axis=1), [[0, 0]], [0], resolution=5)


def test_classes_may_stand_in_a_column():
    def predict(x):
        return (x[:, :1] > 0).astype(float)

    column = decision_regions(predict, X, (T % 2)[:, None], resolution=5)
    row = decision_regions(lambda x: predict(x)[:, 0], X, T % 2, resolution=5)
    for one, two in zip(column.collections, row.collections, strict=True):
        np.testing.assert_array_equal(one.get_paths()[0].vertices, two.get_paths()[0].vertices)


def test_probabilities_are_no_classes():
    with pytest.raises(
        ValueError, match=r"predict returns must be classes .* are they probabilities\? Then compare them with 0.5"
    ):
        decision_regions(lambda x: mg.logistic(x[:, 0]), X, T, resolution=5)


def test_levels_are_probabilities():
    with pytest.raises(ValueError, match=r"levels are probabilities between 0 and 1, got \(70,\)"):
        probability_regions(proba, X, T, levels=(70,))


@pytest.mark.parametrize("units", [1, 2])
def test_narrow_layers_want_flat_axes(units):
    with pytest.raises(TypeError, match=f"of {units} units is drawn in the plane"):
        hidden_space(X[:, :units], T, ax=Figure().add_subplot(projection="3d"))


def test_a_layer_without_units_cannot_be_drawn():
    with pytest.raises(ValueError, match=r"activations must have shape \(n, units\), got \(200, 0\)"):
        hidden_space(X[:, :0], T)
