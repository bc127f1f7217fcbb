"""Runs of `fit`, replayed for the playback page: the page holds what the network did at each recorded epoch."""

import base64
import json
import re

import numpy as np
import pytest

import microgradnp as mg
from microgradnp import nn
from microgradnp.draw import playback_of
from microgradnp.draw.playback_page import replaying

X, Y = mg.data.moons(40, noise=0.1, random_state=0)
LOSS = nn.CrossEntropyLoss()


def trained(record=1, epochs=6, batch_size=None, measure="before", **more):
    model = nn.Sequential(nn.Linear(2, 3, rng=1), nn.Tanh(), nn.Linear(3, 2, rng=2))
    optimizer = mg.optim.SGD(model.parameters(), lr=0.5)
    options = {"epochs": epochs, "batch_size": batch_size, "measure": measure, "metrics": ["accuracy"], **more}
    return mg.train.fit(model, (X, Y), LOSS, optimizer, record=record, **options), model


def recording(page):
    return json.loads(re.search(r'class="recording">(.*?)</script>', page.html, re.DOTALL)[1])


def unpack(packed):
    return np.frombuffer(base64.b64decode(packed["data"]), "<" + packed["type"])


def curves(page):
    """For each plot and curve what is said at each epoch, nan where nothing was measured."""
    return {
        (plot["title"], series["name"]): np.where(unpack(series["known"]), unpack(series["at"]), np.nan).tolist()
        for plot in recording(page)["curves"]
        for series in plot["series"]
    }


def test_the_page_holds_what_the_network_did():
    history, model = trained(record=2)
    made = recording(playback_of(history, model, X, Y, loss=LOSS, resolution=9, extent=(-2, 3, -2, 2)))
    assert unpack(made["epochs"]).tolist() == [0, 2, 4, 6]
    assert made["hidden"]["title"] == "Hidden layer: 1 (Tanh)"
    low, high, codes = (unpack(made["hidden"][name]) for name in ("low", "high", "codes"))
    hidden = low.reshape(4, 1, 3) + (high - low).reshape(4, 1, 3) * codes.reshape(4, 40, 3) / 65534
    grid = np.stack(np.meshgrid(np.linspace(-2, 3, 9), np.linspace(-2, 2, 9)), axis=-1).reshape(-1, 2)
    regions, starts = made["regions"], unpack(made["regions"]["starts"])
    for i, epoch in enumerate([0, 2, 4, 6]):
        then = history.replay(model, epoch)
        np.testing.assert_allclose(hidden[i], then.activations(X)["1"], atol=1e-4)
        own = slice(starts[i], starts[i + 1])
        shown = np.repeat(unpack(regions["runs"])[own], unpack(regions["lengths"])[own])
        assert shown.tolist() == then(grid).argmax(axis=1).tolist()


def test_loss_and_accuracy_are_computed_at_each_epoch():
    history, model = trained(batch_size=7)
    said = curves(playback_of(history, model, X, Y, loss=LOSS))
    outputs = [history.replay(model, e)(X) for e in range(7)]
    assert said["loss", "loss"] == [float(LOSS(z, Y)) for z in outputs]
    assert said["accuracy", "accuracy"] == [float(np.mean(z.argmax(axis=1) == Y)) for z in outputs]


@pytest.mark.parametrize(("measure", "first", "last"), [("before", 0, 6), ("after", 1, 7)])
def test_the_curves_of_a_history_stand_at_the_epochs_they_belong_to(measure, first, last):
    history, model = trained(record=3, measure=measure, validation=(X[:9], Y[:9]))
    page = playback_of(history, model, X, Y)
    said = curves(page)
    losses = np.full(7, np.nan)
    losses[first:last] = history.losses
    np.testing.assert_array_equal(said["loss", "training"], losses[[0, 3, 6]])
    np.testing.assert_array_equal(said["loss", "validation"], [np.nan, *history.validation["loss"][[2, 5]]])
    assert {name for name, _ in said} == {"loss", "accuracy"}
    series = recording(page)["curves"][0]["series"][0]
    assert unpack(series["y"]).tolist() == history.losses.tolist()  # all of them, also between the recorded epochs
    assert unpack(series["x"]).tolist() == list(range(first, last))


def test_changes_are_those_since_the_stop_before():
    history, model = trained(record=2)
    made = recording(playback_of(history, model, X, Y))["changes"]
    values = dict(zip(made["names"], unpack(made["values"]).reshape(4, 4), strict=True))
    for name, shown in values.items():
        before, now = history.at(2)[name], history.at(4)[name]
        assert shown[0] == 0
        assert shown[2] == pytest.approx(100 * np.sqrt(np.sum((now - before) ** 2) / np.sum(now**2)))
    assert values["0.bias"][1] == pytest.approx(100)  # it starts at 0


def test_layers_are_called_by_name_and_kind_and_the_output_is_not_there_twice():
    history, model = trained()
    assert recording(playback_of(history, model, X, Y))["activations"]["names"] == [
        "0 (Linear)",
        "1 (Tanh)",
        "2 (Linear)",
    ]


def test_the_network_stays_as_it_is():
    history, model = trained()
    model.train()
    before = model.state_dict()
    playback_of(history, model, X, Y, loss=LOSS)
    assert model.training
    assert all(np.array_equal(value, before[name]) for name, value in model.state_dict().items())


def a_function():
    rng = np.random.default_rng(3)
    W, v = (
        mg.tensor(rng.normal(size=(2, 3)), requires_grad=True),
        mg.tensor(rng.normal(size=(3, 1)), requires_grad=True),
    )

    def network(x):
        hidden = np.tanh(x @ W)
        z = hidden @ v
        return mg.logistic(z)

    optimizer = mg.optim.SGD([W, v], lr=0.5)
    return mg.train.fit(network, (X, Y[:, None].astype(float)), nn.MSELoss(), optimizer, epochs=3, record=1), network


def test_a_network_that_is_a_function():
    history, network = a_function()
    page = playback_of(history, network, X, Y, classify=lambda p: p > 0.5, title="By hand")
    made = recording(page)
    assert made["hidden"]["title"] == "Hidden layer: hidden"
    assert made["changes"]["names"] == ["W", "v"]
    assert made["activations"]["names"] == ["hidden", "z", "output"]
    assert "<title>By hand</title>" in page.html
    assert playback_of(history, None, X, Y, classify=lambda p: p > 0.5, title="By hand").html == page.html


def test_the_layer_can_be_chosen():
    history, model = trained()
    assert recording(playback_of(history, model, X, Y, layer="0"))["hidden"]["title"] == "Hidden layer: 0 (Linear)"
    with pytest.raises(ValueError, match=r"layer='3' is no layer .*'0' \(n, 3\), '1' \(n, 3\), '2' \(n, 2\)"):
        playback_of(history, model, X, Y, layer="3")


def test_one_output_needs_to_be_told_what_it_means():
    history, network = a_function()
    with pytest.raises(ValueError, match=r"classify=lambda p: p > 0\.5 if it is a probability"):
        playback_of(history, network, X, Y)
    page = playback_of(history, network, X, Y + 0.25)  # numbers, not classes
    assert "decision regions" not in repr(page)
    assert "hidden layer, data, loss" in repr(page)


def test_what_cannot_be_replayed_is_said():
    history, model = trained(record=None)
    with pytest.raises(ValueError, match="pass record=1 to fit"):
        playback_of(history, model, X, Y)
    history, model = trained()
    with pytest.raises(ValueError, match=r"y must have a target for each of the 40 samples of X, got shape \(3,\)"):
        playback_of(history, model, X, Y[:3])
    with pytest.raises(ValueError, match="needs the targets y"):
        playback_of(history, model, X, loss=LOSS)
    with pytest.raises(ValueError, match="X must hold the samples"):
        playback_of(history, model, X[:0], Y[:0])


def test_a_long_run_is_replayed_at_some_of_its_epochs():
    history, model = trained(epochs=30)
    made = recording(playback_of(history, model, X, Y, frames=4))
    assert unpack(made["epochs"]).tolist() == [0, 10, 20, 30]
    assert made["notes"] == ["The slider stops at 4 of 31 recorded epochs, evenly chosen."]


@pytest.mark.parametrize(
    ("targets", "labels"),
    [
        ([2, 0, 1], [2, 0, 1]),
        ([[2], [0], [1]], [2, 0, 1]),
        ([[0, 1], [1, 0], [0, 1]], [1, 0, 1]),
        ([True, False, True], [1, 0, 1]),
        ([[0.0], [1.0], [1.0]], [0, 1, 1]),
        ([0.5, 1.0, 2.0], None),
        ([-1, 1, 1], None),
        ([[0.2, 0.8], [1, 0], [0, 1]], None),
    ],
)
def test_classes_are_told_from_numbers(targets, labels):
    found = replaying._labels(np.array(targets), 3)
    assert (None if found is None else found.tolist()) == labels


def test_images_go_through_convolutions():
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(20, 1, 8, 8)), np.arange(20) % 3
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=1), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5, rng=2), nn.ReLU(), nn.Linear(5, 3, rng=3)
    )
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    history = mg.train.fit(model, (images, labels), LOSS, optimizer, epochs=2, record=1)
    page = playback_of(history, model, images, labels, loss=LOSS)
    made = recording(page)
    assert made["hidden"]["title"] == "Hidden layer: 4 (ReLU)"
    assert "of 5 units" in made["hidden"]["note"]
    assert "regions" not in made
    assert made["notes"] == ["Histograms are those of at most 2,000 activations of a layer, chosen at random."]
