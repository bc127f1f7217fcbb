"""History: what is recorded, when, within which bound, and kept."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnp as mg
from microgradnp import nn
from tests.train.networks import by_hand, classes, classifier, noisy, same, sgd

LOSS = nn.CrossEntropyLoss()


def trained(record: Any, model: Any = None, epochs: int = 4, **options: Any) -> Any:
    model = model or classifier()
    return model, mg.train.fit(model, classes(), LOSS, sgd(model), epochs=epochs, record=record, **options)


def test_columns() -> None:
    _, history = trained(None, validation=classes(9, 1), metrics="accuracy")
    assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy", "lr", "seconds"]
    assert (list(history.metrics), list(history.validation)) == (["accuracy"], ["loss", "accuracy"])
    np.testing.assert_array_equal(history["loss"], history.losses)
    with pytest.raises(KeyError, match="no column 'los'; it has loss, "):
        history["los"]
    assert repr(history).startswith("History of 4 epochs: loss 0.")
    assert history.about["seed"] == 0
    assert history.about["numpy"] == np.__version__


def test_a_frame_is_taken_before_its_update() -> None:
    """Weights, activations and gradient belong together, and the update leads to the next frame."""
    X, y = classes()
    model, history = trained(mg.train.Record(every=1, activations=X[:5], gradients=True, updates=True))
    assert [(f.step, f.epoch, f.batch) for f in history.frames] == [(i, i, 0) for i in range(5)]
    twin = classifier()
    for i, frame in enumerate(history.frames[:-1]):
        twin.load_state_dict(frame.weights)
        twin.zero_grad()
        loss = LOSS(twin(X), y)
        assert loss.item() == history.losses[i]
        loss.backward()
        assert same(frame.gradients, {name: p.grad for name, p in twin.named_parameters()})
        assert list(frame.activations) == ["0", "1", "2", "output"]
        np.testing.assert_array_equal(frame.activations["output"], twin(X[:5]).data)
        np.testing.assert_array_equal(frame.activations["1"], np.tanh(twin[0](X[:5])).data)
        after = history.frames[i + 1].weights
        for name, w in frame.weights.items():
            norm = np.linalg.norm
            if norm(w) == 0:
                assert np.isnan(frame.updates[name])
            else:
                assert frame.updates[name] == pytest.approx(norm(after[name] - w) / norm(w))
    last = history.frames[-1]
    assert same(last.weights, model.state_dict())
    assert not last.gradients
    assert not last.updates


def test_recording_changes_nothing() -> None:
    everything = mg.train.Record(per="update", activations=np.ones((2, 2)), gradients=True, updates=True)
    a, with_frames = trained(everything, noisy(), batch_size=7)
    b, without = trained(None, noisy(), batch_size=7)
    np.testing.assert_array_equal(with_frames.losses, without.losses)
    assert same(a.state_dict(), b.state_dict())
    assert len(with_frames.frames) == 4 * 5 + 1


def test_a_layer_that_is_used_twice_has_two_activations() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(2, 2, rng=0)

        def forward(self, x: Any) -> Any:
            return self.layer(np.tanh(self.layer(x)))

    X, _ = classes(3)
    model = Twice()
    _, history = trained(mg.train.Record(activations=X), model)
    found = history.frames[0].activations
    assert list(found) == ["layer", "layer (2)", "output"]
    np.testing.assert_array_equal(found["layer (2)"], found["output"])


def test_a_copy_leaves_the_network_behind() -> None:
    W = mg.tensor(np.ones((2, 2)), requires_grad=True)
    history = mg.train.fit(lambda x: x @ W, classes(), LOSS, mg.optim.SGD([W], 0.1), epochs=1, record=1)
    for twin in (copy.deepcopy(history), pickle.loads(pickle.dumps(history))):
        assert same(twin.at(1), history.at(1))
        assert twin.network is None
        assert history.network is not None


def test_a_function_that_cannot_be_traced_shows_its_output() -> None:
    X, y = classes()
    W = mg.tensor(np.ones((2, 2)), requires_grad=True)
    history = mg.train.fit(
        lambda x: np.asarray(x) @ W,
        (X, y),
        LOSS,
        mg.optim.SGD([W], 0.1),
        epochs=1,
        record=mg.train.Record(activations=X[:3]),
    )
    np.testing.assert_array_equal(history.frames[0].activations["output"], X[:3] @ np.ones((2, 2)))


def test_the_state_holds_the_buffers_too() -> None:
    model, history = trained(1, noisy())
    assert set(history.at(2)) == set(model.state_dict())
    model.load_state_dict(history.at(2))
    assert same(history.at(2), model.state_dict())


def test_epochs_that_were_not_recorded() -> None:
    _, history = trained(3, epochs=8)
    assert history.recorded == [0, 3, 6, 8]
    assert same(history.at(-1), history.at(8))
    with pytest.raises(KeyError, match=r"after 4 epochs were not recorded; those after 0, 3, 6, 8 were \(nearest: 3\)"):
        history.at(4)
    _, nothing = trained(None)
    with pytest.raises(KeyError, match="pass record="):
        nothing.at(0)


@pytest.mark.parametrize("network", ["module", "function"])
def test_replay(network: str) -> None:
    X, y = classes()
    if network == "module":
        model: Any = noisy()
        optimizer = sgd(model)
    else:
        model, tensors = by_hand()
        optimizer = mg.optim.SGD(tensors.values(), 0.1)
    seen: list[Any] = []

    def look(run: Any) -> None:
        seen.append(mg.train.predict(model, X))

    history = mg.train.fit(model, (X, y), LOSS, optimizer, epochs=3, record=1, callbacks=[look])
    for epoch, wanted in enumerate(seen, 1):
        np.testing.assert_array_equal(history.replay(model, epoch)(X), wanted)
        np.testing.assert_array_equal(history.replay(epoch=epoch)(X), wanted)
    activations = history.replay(model, 2).activations(X)
    np.testing.assert_array_equal(activations["output"], seen[1])
    hidden = activations["H" if network == "function" else "2"]
    assert hidden.shape == (30, 4 if network == "function" else 6)
    np.testing.assert_array_equal(mg.train.predict(model, X), seen[-1])


def test_percent_changes_element_by_element() -> None:
    _, history = trained(1)
    changes = history.percent_changes(0, 4)
    before, after = history.at(0), history.at(4)
    assert np.isnan(changes["0.bias"]).all()  # it began at 0
    np.testing.assert_allclose(changes["0.weight"], 100 * (after["0.weight"] / before["0.weight"] - 1), rtol=1e-9)
    table = str(changes).splitlines()
    assert table[2].split() == ["0.bias", "undefined", "undefined", "5", "of", "5"]


def test_one_small_element_hides_no_other() -> None:
    np.testing.assert_allclose(
        mg.train.percent_change([1.0, -0.01, 1.9, 2.0], [0.0, 1e-11, 2.0, 2.0]), [np.nan, np.nan, -5.0, 0.0]
    )
    with pytest.raises(ValueError, match="equal"):
        mg.train.percent_change([1.0], [1.0, 2.0])


# -- bounded memory ------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(frames=st.integers(2, 20), per=st.sampled_from(["epoch", "update"]), every=st.integers(1, 3))
def test_thinning_keeps_within_the_bound_and_evenly_spread(frames: int, per: str, every: int) -> None:
    model = nn.Linear(2, 2, rng=0)
    size = sum(a.nbytes for a in model.state_dict().values())
    record = mg.train.Record(every, per=per, limit_bytes=frames * size)
    history = mg.train.fit(model, classes(4), LOSS, sgd(model), epochs=20, batch_size=2, record=record)
    kept = history.frames[:-1]  # the last one is always there
    assert sum(f.nbytes for f in kept) <= frames * size
    at = np.array([f.epoch if per == "epoch" else f.step for f in kept])
    assert at[0] == 0
    step = at[1] - at[0] if len(at) > 1 else every
    np.testing.assert_array_equal(np.diff(at), step)
    assert step % every == 0
    total = -(-(20 if per == "epoch" else 40) // every)
    if total > frames:
        assert len(kept) >= frames // 2  # no more is forgotten than must be


def test_a_full_memory_may_be_an_error() -> None:
    record = mg.train.Record(limit_bytes=1000, when_full="error")
    with pytest.raises(MemoryError, match=r"limit_bytes=1,000: 5 frames, the last of 216 bytes\. Record less often"):
        trained(record, epochs=9)
    with pytest.raises(MemoryError, match="1 frames"):
        trained(mg.train.Record(limit_bytes=100))


@pytest.mark.parametrize(
    "wrong", [{"every": 0}, {"every": 1.5}, {"every": True}, {"per": "step"}, {"when_full": "drop"}]
)
def test_what_cannot_be_recorded(wrong: Any) -> None:
    with pytest.raises(ValueError, match="Record: "):
        mg.train.Record(**wrong)
    with pytest.raises(TypeError, match="record="):
        trained("weights")


# -- kept ----------------------------------------------------------------------------------------------------------------


def test_a_history_is_saved_and_loaded(tmp_path: Any) -> None:
    X, _ = classes()
    record = mg.train.Record(2, activations=X[:3], gradients=True, updates=True)
    model, history = trained(record, noisy(), validation=classes(9, 1), metrics="accuracy", early_stopping=9)
    history.save(tmp_path / "run.npz")
    loaded = mg.train.History.load(tmp_path / "run.npz")
    assert same(dict(loaded), dict(history))
    assert len(loaded.frames) == len(history.frames)
    for a, b in zip(loaded.frames, history.frames, strict=True):
        assert (a.step, a.epoch, a.batch) == (b.step, b.epoch, b.batch)
        np.testing.assert_equal(a.updates, b.updates)
        for part in ("weights", "activations", "gradients"):
            assert same(getattr(a, part), getattr(b, part))
    assert (loaded.about, loaded.measure, loaded.best_epoch) == (history.about, history.measure, history.best_epoch)
    np.testing.assert_array_equal(loaded.replay(model, 2)(X), history.replay(model, 2)(X))
    with pytest.raises(ValueError, match="does not know the network"):
        loaded.replay(epoch=2)
    with np.load(tmp_path / "run.npz") as plain:  # NumPy reads it, without pickle
        assert "arrays/history/loss" in plain


def test_a_loaded_history_replays_a_function(tmp_path: Any) -> None:
    X, y = classes()
    predict, tensors = by_hand()
    history = mg.train.fit(predict, (X, y), LOSS, mg.optim.SGD(tensors.values(), 0.1), epochs=3, record=1)
    history.save(tmp_path / "run.npz")
    loaded = mg.train.History.load(tmp_path / "run.npz")
    again, others = by_hand()
    for params in (others, list(others.values())):
        np.testing.assert_array_equal(loaded.replay(again, 2, params)(X), history.replay(epoch=2)(X))
