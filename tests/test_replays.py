"""The numbers, words and pictures of the five documents, lived through by the examples."""

import importlib
import json
import os
import re
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES, REFERENCE = ROOT / "examples", ROOT / "tests" / "reference"
#: How many comparisons each document makes at least, so that none is lost unnoticed.
COMPARISONS = {"000": 30, "001": 16, "002": 9, "003": 32, "004": 40}
#: What of its prose does not hold, by a piece of it; all the rest holds.
DOES_NOT_HOLD = {
    "000": {"likelihood", "begins with small weights", "no way to go faster", "the last 5 %", "played back"},
    "001": {"converges smoothly", "a worse solution", "2 x 1"},
    "002": {"the cost of its code", "shuffles"},
    "003": {
        "an overflow", "goes up at first", "ten times lower", "a few more epochs", "about 0.1", "hidden layer of size 3",
        "clipped", "1 or 0",
    },
    "004": {"the biases hardly change", "too small to be seen", "contours"},
}  # fmt: skip
HOLDS = {
    "000": {"plateaus and cliffs", "during the plateaus", "gradient of another function"},
    "001": {"every example correctly", "learning rate matters less", "without a hidden layer"},
    "002": {"two branches"},
    "003": {"perfectly correlated", "rises again", "more smoothly", "very smooth", "more than twice"},
    "004": {
        "nearly all learning happens", "learns visibly", "upwards", "more concentrated", "the network learns",
        "near to the minimum", "10 layers",
    },
}  # fmt: skip
PICTURES = {"000": 6, "001": 2, "002": 6, "003": 8, "004": 5}


#: With it, document 002 is trained on MNIST for its ten epochs, which takes minutes; $MICROGRADNP_DATA names the folder.
FULL = bool(os.environ.get("MICROGRADNP_FULL"))


@pytest.fixture(autouse=True)
def _path(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    if not FULL:
        monkeypatch.delenv("MICROGRADNP_DATA", raising=False)


def lived(document):
    return importlib.import_module(f"document_{document}")


def reference(document):
    return json.loads((REFERENCE / f"document_{document}.json").read_text())


# -- the comparisons themselves --------------------------------------------------------------------------------------


def numbers():
    return importlib.import_module("replay").Numbers()


def test_nothing_compared_is_not_agreement():
    assert not numbers().ok


@pytest.mark.parametrize(
    ("found", "wanted", "limits", "ok"),
    [
        ([1.0, 2.0], [1.0, 2.0], {"relative": 1e-12}, True),
        ([1.0, 2.0 + 1e-9], [1.0, 2.0], {"relative": 1e-9}, True),
        ([1.0, 2.0 + 1e-8], [1.0, 2.0], {"relative": 1e-9}, False),
        ([1.0, np.nan], [1.0, 2.0], {"relative": 1e-9}, False),
        ([1e-15], [0.0], {"relative": 1e-9}, False),
        ([1e-15], [0.0], {"absolute": 1e-12}, True),
        ([np.nan], [0.0], {"absolute": 1e-12}, False),
        ([1.0], [1.0], {}, True),
        ([1.0 + 1e-15], [1.0], {}, False),
    ],
)
def test_close(found, wanted, limits, ok):
    n = numbers()
    n.close("these", found, wanted, **limits)
    assert n.ok is ok


@pytest.mark.parametrize(("found", "wanted"), [([1.0], [1.0, 1.0]), ([], [])])
def test_close_compares_all_or_nothing(found, wanted):
    with pytest.raises(ValueError, match="cannot be compared"):
        numbers().close("these", found, wanted)


@pytest.mark.parametrize(
    ("found", "otherwise", "ok"),
    [(0.82232258208849, 0, True), (0.8223225820889, 0, False), (0.8223225820889, 2e-11, True), (0.8224, 2e-11, False)],
)
def test_printed_digits(found, otherwise, ok):
    n = numbers()
    n.printed("a loss", [found], ["0.822322582088"], otherwise=otherwise)
    assert n.ok is ok


def test_one_difference_is_enough():
    n = numbers()
    n.same("three", 3, 3)
    n.same("four", 3, 4)
    assert not n.ok


def test_versions_and_seeds():
    found = importlib.import_module("replay").versions(seed=1)
    assert found["NumPy"] == np.__version__
    assert found["seed"] == "1"
    assert {"Python", "matplotlib", "microgradnp"} < set(found)
    about = lived("003").fit(*first_run(), lr=1.0, epochs=1, seed=7).about
    assert about["seed"] == 7
    assert about["numpy"] == np.__version__


def first_run():
    module = lived("003")
    X, y, stream = module.table()
    return module.regressor(X, stream), X, y


# -- every document --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", COMPARISONS)
def test_numbers(document):
    found = lived(document).compared()
    assert [row.what for row in found.rows if not row.ok] == []
    assert len({row.what for row in found.rows}) == len(found.rows) >= COMPARISONS[document]


@pytest.mark.parametrize("document", DOES_NOT_HOLD)
def test_words(document):
    rows = list(lived(document).prose())
    for pieces, holds in ((DOES_NOT_HOLD[document], False), (HOLDS[document], True)):
        said = [row.said for row in rows if row.holds is holds]
        assert len(said) == len(pieces)
        for piece in pieces:
            assert sum(piece in text for text in said) == 1, piece


@pytest.mark.parametrize("document", PICTURES)
def test_pictures(document, tmp_path):
    pictures = lived(document).pictures()
    assert len(pictures) == PICTURES[document]
    importlib.import_module("replay").saved(tmp_path, pictures)
    for name in pictures:
        assert name.startswith(document)
        assert (tmp_path / name).stat().st_size > 5_000


# -- document 000 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, run in reference("000").items() if isinstance(run, dict)])
def test_cliffs_and_plateaus_of_document_000(name):
    r, want = lived("000").run(name), reference("000")[name]
    assert len(r.mse) == len(r.accuracy) == 1000
    np.testing.assert_allclose(r.mse[want["epochs"]], want["mse"], rtol=1e-9)
    np.testing.assert_allclose(r.accuracy[want["epochs"]], want["accuracy"], rtol=1e-12)
    for first, stop, mean in (
        (0, 135, "mean_acc_0_134"),
        (165, 275, "mean_acc_165_274"),
        (330, 1000, "mean_acc_330_on"),
    ):
        np.testing.assert_allclose(r.accuracy[first:stop].mean(), want[mean], rtol=1e-12)


def test_any_epoch_is_replayed_as_it_was_before_its_update():
    module = lived("000")
    r = module.run("B_seed44_lr03")
    for epoch in (0, 1, 290, 999):
        output = r.history.replay(epoch=epoch)(r.X)
        assert np.sum((r.y - output) ** 2) / 300 == pytest.approx(r.mse[epoch], rel=1e-12)
        assert module.score(r, epoch) == r.accuracy[epoch]
        weights = r.history.at(epoch)["0.weight"]
        np.testing.assert_allclose(r.hidden(epoch, np.eye(2)), np.maximum(weights, 0), rtol=1e-15)


def test_the_progress_line_ends_full(capsys):
    module = lived("000")
    module.run("A_true_relu_derivative", 20, module.ProgressLine())
    out = capsys.readouterr().out
    assert re.fullmatch(r"Training Accuracy: 50% Time elapsed: [\d.e-]+s \|={20}\|\n", out)


# -- document 001 ----------------------------------------------------------------------------------------------------


def test_layers_and_fit_follow_document_001():
    history = lived("001").runs(0.9)[0]
    np.testing.assert_allclose(history.losses, reference("001")["losses"][:-1], rtol=1e-9)
    assert history.metrics["accuracy"][-1] == reference("001")["accuracy"]


def test_plain_descent_from_several_starting_points_is_slow_not_stuck():
    module = lived("001")
    assert len(module.starts()) == 4
    assert all(history.losses[-1] > 60 for history in module.runs(0.0))
    assert all(history.losses[-1] < 1 for history in module.runs(0.0, 3000))


# -- document 002 ----------------------------------------------------------------------------------------------------


def test_progress_of_document_002_on_the_digits_of_scikit_learn(capsys):
    module, want = lived("002"), reference("002")["digits"]["progress"]
    history = module.run("digits", 10)
    lines = [module.line(history, epoch) for epoch in range(10)]
    numbers = [[float(part.strip(" %|")) for part in re.findall(r"[\d.]+(?= |%)", text)] for text in lines]
    wanted = [[float(part.strip(" %|")) for part in re.findall(r"[\d.]+(?= |%)", text)] for text in want]
    np.testing.assert_allclose(numbers, wanted, rtol=1e-2)
    if same_rounding():
        assert lines == want


def test_progress_of_document_002_is_written_as_it_writes_it(capsys):
    module = lived("002")
    d = module.digits()
    module.fit(module.network(784), d.X[:20], d.y[:20], 2, callbacks=[module.mg.train.PrintProgress()])
    assert re.fullmatch(r"\r1/2 \| Cost: \d+\.\d\d \| Train Acc\.: \d+\.\d\d% \r2/2 \| .*% \n", capsys.readouterr().err)


@pytest.mark.parametrize("divisor", [1, 255], ids=["raw", "scaled"])
def test_its_own_formulas_and_autodiff_take_the_same_steps(divisor):
    module = lived("002")
    d = module.digits()
    assert module.apart(d.X / divisor, d.y, 300) <= 1e-9


def test_raw_pixels_let_rounding_grow_and_scaled_ones_do_not():
    module = lived("002")
    d = module.digits()
    assert module.apart(d.X / 255, d.y, 500, module.mg.logistic) < 1e-13
    assert module.apart(d.X, d.y, 500, module.mg.logistic) > 1e-13


def test_shuffled_and_scaled_beats_raw_in_order():
    module = lived("002")
    raw = module.fit(module.network(784), module.digits().X, module.digits().y, 3)
    better = module.shuffled(5)
    assert better.metrics["accuracy"][-1] > raw.metrics["accuracy"][-1] + 0.1
    assert better.validation["accuracy"][-1] > 0.8


@pytest.mark.skipif(not FULL, reason="takes minutes: set MICROGRADNP_FULL=1, and MICROGRADNP_DATA to MNIST's folder")
def test_document_002_on_mnist():
    module = lived("002")
    assert module.digits().name == "MNIST"
    found = module.compared(full=True)
    assert len(found.rows) == 13
    assert found.ok, [row for row in found.rows if not row.ok]
    better = module.shuffled(10)
    assert better.metrics["accuracy"][-1] > 0.96 > 0.83 > module.run("mnist", 10).metrics["accuracy"][-1]


# -- document 003 ----------------------------------------------------------------------------------------------------


def same_rounding():
    """Whether exp and a thin matrix product round here as where the reference was made."""
    x = np.linspace(-69.0, 69.0, 2000).reshape(-1, 2)
    return zlib.crc32(np.exp(x @ np.array([[0.3], [-0.7]])).tobytes()) == 4264631203


@pytest.fixture(scope="module")
def regressions():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLES))
        module = lived("003")
        return module.runs(), module.runs(module.fit_by_its_formulas)


@pytest.mark.parametrize("table", reference("003")["tables"], ids=lambda t: t["id"])
def test_losses_of_document_003(regressions, table):
    by_autodiff, by_hand = (runs[table["id"]][1] for runs in regressions)
    assert len(by_autodiff) == len(by_hand) == 100
    np.testing.assert_allclose(by_hand, table["loss_all_100"], rtol=1e-9)
    for losses in (by_autodiff, by_hand):
        np.testing.assert_allclose(np.take(losses, table["epochs"]), np.array(table["printed"], float), rtol=2e-11)
    if table["id"] != "T2" or same_rounding():
        assert [f"{by_hand[epoch]:.12g}" for epoch in table["epochs"]] == table["printed"]


def test_the_random_stream_of_document_003_goes_on():
    module = lived("003")
    X, _, stream = module.clouds()
    starts = [module.regressor(X, stream).weight.data for _ in module.RATES]
    expected = {t["id"]: t["W1_init"] for t in reference("003")["tables"]}
    np.testing.assert_allclose(starts, [expected[name] for name in module.RATES], rtol=1e-15)


def test_a_point_on_the_boundary_has_a_class():
    module = lived("003")
    X, _, stream = module.clouds()
    model = module.regressor(X, stream)
    assert module.predict(model, np.zeros((1, 2))) == 0
    assert module.predict_proba(model, np.zeros((1, 2))) == 0.5


def test_the_backward_phase_is_the_documents():
    values = {name: (value, gradient) for name, value, gradient in lived("003").backward_phase()}
    X, y, _ = lived("003").table()
    np.testing.assert_allclose(values["z1"][1], (values["A1"][0] - y) / 4, rtol=1e-13)
    np.testing.assert_allclose(values["W1"][1], X.T @ (values["A1"][0] - y) / 4, rtol=1e-13)
    assert f"{float(values['loss'][0]):.12g}" == reference("003")["tables"][0]["printed"][0]


# -- document 004 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [name for name in reference("004") if name.startswith("layers")])
def test_chains_of_document_004(of):
    module, want = lived("004"), reference("004")[of]
    layers, b, w = (int(part.split("=")[1]) for part in of.split())
    r = module.run(layers, b, w)
    assert r.weights.shape == r.biases.shape == (101, layers - 1)
    np.testing.assert_allclose(r.biases[-1], want["b"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(r.weights[-1], want["w"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(module.changes(r), [want["true_change_b"], want["true_change_w"]], rtol=0, atol=1e-12)


def test_a_change_from_zero_has_no_percentage():
    module = lived("004")
    biases, weights = module.percent(module.run(5, 0, 2))
    assert np.all(np.isnan(biases))
    assert module.signed(biases) == "[undefined, undefined, undefined, undefined]"
    np.testing.assert_allclose(weights, reference("004")["layers=5 b=0 w=2"]["displayed_pct_w"], rtol=1e-12)


def test_the_deeper_the_less_the_first_layer_learns():
    first = [abs(change[0]) for change in lived("004").vanishing().values()]
    assert len(first) == 9
    assert all(later < earlier / 10 for earlier, later in pairwise(first))


@pytest.mark.parametrize(("layers", "width"), [(3, 2), (4, 3), (10, 2)])
def test_gradients_of_wider_layers(layers, width):
    report = lived("004").check_of_wider(layers, width)
    assert report.ok, str(report)


def test_wider_layers_learn():
    module = lived("004")
    r = module.train(module.wider(), module.data().X)
    assert r.history.at(0)["2.weight"].shape == (2, 2)
    assert abs(r.predicted[-1] - module.TARGET) < 0.01


def test_a_linear_output_learns():
    module = lived("004")
    r = module.train(module.chain(2, 2.0, 2.0, output=module.nn.Identity), module.data().X)
    assert abs(r.predicted[-1] - module.TARGET) < 1e-3


def test_the_report_of_test_cases():
    module = lived("004")
    lines = list(module.tests(module.run(*module.SMALLEST)))
    assert len(lines) == 40
    assert lines[1].startswith(
        "\tInput: 0.677817, Predicted: 0.175455, Target: 0.150000, Difference: -0.025455, Cost: "
    )
