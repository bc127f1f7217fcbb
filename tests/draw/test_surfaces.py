"""Costs as surfaces: the true cost everywhere, the path where it went, planes through a network's parameters."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import microgradnp as mg
from microgradnp.draw.surfaces import cost_contours, cost_surface, loss_landscape

NAN = float("nan")
PATH = np.array([[-2.0, -1.0], [-1.0, 0.2], [-0.5, 0.0]])


def bowl(b, w):
    return b**2 + 4 * w**2


def texts(ax):
    return [text.get_text() for text in ax.texts]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def contours(ax):
    return next(c for c in ax.collections if hasattr(c, "levels") and not c.filled)


@pytest.mark.parametrize("logarithmic", [False, True])
def test_contours_lie_where_the_cost_says(logarithmic):
    ax = cost_contours(bowl, extent=(-2, 2, -1, 1), resolution=201, logarithmic=logarithmic)
    drawn = contours(ax)
    assert len(drawn.levels) >= 5
    for level, path in zip(drawn.levels, drawn.get_paths(), strict=True):
        np.testing.assert_allclose(bowl(*path.vertices.T), level, rtol=0.03, atol=3e-4)  # between places of the grid
    ratios = drawn.levels[1:] / drawn.levels[:-1]
    assert (np.ptp(ratios) / ratios.mean() < 0.1) == logarithmic


def test_horizontal_is_the_first_parameter():
    ax = cost_contours(lambda b, w: b, extent=(0, 1, 5, 9), names=("bias", "weight"))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("bias", "weight")
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 1), (5, 9))
    for level, path in zip(contours(ax).levels, contours(ax).get_paths(), strict=True):
        np.testing.assert_allclose(path.vertices[:, 0], level)


def test_path_start_and_end():
    ax = cost_contours(bowl, PATH)
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), PATH)
    assert ax.lines[1].get_xydata().tolist() == [PATH[0].tolist()]
    assert ax.lines[2].get_xydata().tolist() == [PATH[-1].tolist()]
    assert legend(ax) == ["start", "end"]
    assert ax.get_xlim()[0] < -2
    assert ax.get_xlim()[1] > -0.5
    assert legend(cost_contours(bowl, PATH[:1])) == ["start"]


def test_the_path_of_a_run_that_diverged_ends_where_it_did():
    ax = cost_contours(bowl, [*PATH, [np.inf, 0], [0, 0]])
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), PATH)
    assert legend(ax) == ["start", "diverged"]


def test_where_the_cost_is_not_finite_is_hatched_and_said():
    with np.errstate(invalid="ignore", divide="ignore"):
        ax = cost_contours(lambda b, w: np.log(b), extent=(-1, 3, 0, 1))
    assert "hatched: not finite" in texts(ax)
    assert ax.patches[0].get_hatch()
    assert "hatched: not finite" not in texts(cost_contours(bowl, PATH))


def test_a_flat_cost_is_said_to_be():
    assert texts(cost_contours(lambda b, w: 0 * b + 3, PATH)) == ["3 everywhere"]


def test_a_minimum_of_zero_has_logarithmic_contours():
    ax = cost_contours(bowl, extent=(-1, 1, -1, 1), resolution=3, logarithmic=True)
    assert np.isfinite(contours(ax).levels).all()


def test_the_path_lies_on_the_surface():
    for logarithmic, f in ((False, bowl), (True, lambda b, w: np.log10(bowl(b, w)))):
        ax = cost_surface(bowl, PATH, logarithmic=logarithmic)
        x, y, z = ax.lines[0].get_data_3d()
        np.testing.assert_array_equal(np.column_stack([x, y]), PATH)
        np.testing.assert_allclose(z, f(*PATH.T))
    assert ax.get_zlabel() == "log$_{10}$ cost"


# -- planes through a network's parameters ---------------------------------------------------------------------------


def quadratic(scales):
    return lambda p: float(np.sum(scales * p["w"] ** 2))


def test_the_plane_of_a_path_that_lies_in_one_is_the_cost_itself():
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.normal(size=(6, 2)))
    flat = rng.normal(size=(10, 2)) * [5, 1]
    flat[-1] = 0
    path = [{"w": (basis @ place).reshape(2, 3)} for place in flat]
    scales = rng.random((2, 3)) + 0.5
    asked = []

    def loss(p):
        asked.append(p["w"].copy())
        return quadratic(scales)(p)

    ax = loss_landscape(loss, path[-1], path, resolution=5)
    assert len(asked) == 25
    assert {w.shape for w in asked} == {(2, 3)}
    outside = np.linalg.norm([w.ravel() - basis @ (basis.T @ w.ravel()) for w in asked])
    assert outside < 1e-9  # the plane is that of the path
    drawn = ax.lines[0].get_xydata()
    np.testing.assert_allclose(np.linalg.norm(drawn, axis=1), np.linalg.norm(flat, axis=1))  # isometric
    assert drawn[0, 0] < 0
    shares = [float(label.partition("(")[2].partition(" ")[0]) for label in (ax.get_xlabel(), ax.get_ylabel())]
    assert sum(shares) == pytest.approx(100, abs=0.6)
    assert shares[0] > shares[1]


def test_random_directions_are_filter_normalised_and_seeded():
    W, b, K = np.array([[3.0, 0.0], [4.0, 0.0]]), np.ones(2), np.ones((2, 1, 3, 3)) * [[[[2]]], [[[0.5]]]]
    asked = []
    loss_landscape(lambda p: asked.append(p) or p[0].sum(), [W, b, K], resolution=3, span=1)
    moved = asked[5]  # one unit along the first direction
    np.testing.assert_allclose(np.linalg.norm(moved[0] - W, axis=0), [5, 0], atol=1e-12)
    np.testing.assert_allclose(moved[1], b)
    np.testing.assert_allclose(np.sqrt(((moved[2] - K) ** 2).sum(axis=(1, 2, 3))), [6, 1.5])
    again = []
    loss_landscape(lambda p: again.append(p) or p[0].sum(), [W, b, K], resolution=3, span=1)
    np.testing.assert_array_equal(again[5][0], moved[0])
    other = []
    loss_landscape(lambda p: other.append(p) or p[0].sum(), [W, b, K], resolution=3, seed=1)
    assert not np.allclose(other[5][0], moved[0])


def test_a_straight_path_gets_a_second_direction():
    path = [{"w": np.full((2, 2), float(i))} for i in (3, 2, 1)]
    ax = loss_landscape(quadratic(1), path[-1], path, resolution=5)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("direction 1 of the path (100 %)", "random direction")
    np.testing.assert_allclose(ax.lines[0].get_xydata(), [[-4, 0], [-2, 0], [0, 0]], atol=1e-9)


def test_the_loss_of_a_network_is_least_where_training_ends():
    x, labels = mg.data.blobs(30, centers=2, random_state=0)

    def loss(p):
        return mg.cross_entropy(x @ p["W"] + p["b"], labels)

    p, path = {"W": np.zeros((2, 2)), "b": np.zeros(2)}, []
    for _ in range(20):
        path.append(p)
        g = mg.grad(loss)(p)
        p = {k: p[k] - 0.1 * g[k] for k in p}
    ax = loss_landscape(loss, p, [*path, p], resolution=9, solid=True)
    heights = ax.lines[0].get_data_3d()[2]
    assert heights[0] > heights[-1]
    assert heights[-1] == pytest.approx(float(loss(p)))


BAD = {
    r"what cost returns must have shape \(10201,\), .* got \(\): .* np.vectorize": lambda: cost_contours(
        lambda b, w: 1.0, PATH
    ),
    r"path must have shape \(steps, 2\), got \(3,\)": lambda: cost_contours(bowl, [1, 2, 3]),
    r"path must have shape \(steps, 2\), got \(0, 2\)": lambda: cost_contours(bowl, np.empty((0, 2))),
    r"path must begin at a finite place, but path\[0\] is \[nan": lambda: cost_contours(bowl, [[NAN, 1]]),
    "there are no path to take|give extent=": lambda: cost_contours(bowl),
    r"extent must be \(left, right": lambda: cost_contours(bowl, extent=(1, 0, 0, 1)),
    "resolution must be at least 2": lambda: cost_contours(bowl, PATH, resolution=1),
    "levels must be at least 1": lambda: cost_contours(bowl, PATH, levels=0),
    "no cost is finite here: choose another extent": lambda: cost_contours(lambda b, w: b * NAN, PATH),
    "logarithmic needs positive costs, but the least is -": lambda: cost_contours(
        lambda b, w: b, PATH, logarithmic=True
    ),
    "parameters is empty": lambda: loss_landscape(sum, {}),
    r"parameters\['w'\] must be finite": lambda: loss_landscape(quadratic(1), {"w": [NAN]}),
    r"path\[1\] must hold what parameters holds, \{'w': \(2,\)\}, got \{'w': \(3,\)\}": lambda: loss_landscape(
        quadratic(1), {"w": [1, 2]}, [{"w": [1, 2]}, {"w": [1, 2, 3]}]
    ),
    'directions="path" needs a path': lambda: loss_landscape(quadratic(1), {"w": [1, 2]}, directions="path"),
    'directions must be "path" or "random", got \'pca\'': lambda: loss_landscape(
        quadratic(1), {"w": [1, 2]}, directions="pca"
    ),
    "span must be positive, got 0": lambda: loss_landscape(quadratic(1), {"w": [1, 2]}, span=0),
    r"what loss returns must be one number, got shape \(2,\)": lambda: loss_landscape(lambda p: p["w"], {"w": [1, 2]}),
}


@pytest.mark.parametrize("message", BAD)
def test_what_does_not_fit_is_named(message):
    with pytest.raises(ValueError, match=message):
        BAD[message]()


def test_functions_may_return_tensors_of_parameters():
    w = mg.tensor([2.0, 1.0], requires_grad=True)
    ax = cost_surface(lambda b, c: (b - w[0]) ** 2 + w[1] * c**2, PATH)
    np.testing.assert_allclose(ax.lines[0].get_data_3d()[2], (PATH[:, 0] - 2) ** 2 + PATH[:, 1] ** 2)
    loss_landscape(lambda p: np.sum((p[0] - w) ** 2), [np.ones(2)], resolution=3)
    assert w.grad is None


def test_surfaces_want_3d_axes():
    with pytest.raises(TypeError, match=r"ax must be 3-D axes"):
        cost_surface(bowl, PATH, ax=Figure().add_subplot())
    with pytest.raises(TypeError, match=r"ax must be 3-D axes"):
        loss_landscape(quadratic(1), {"w": [1, 2]}, solid=True, ax=Figure().add_subplot())
