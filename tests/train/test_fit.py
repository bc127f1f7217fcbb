"""fit: batches, their order, what it returns, and that it leaves alone what is not its own."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp import nn
from tests.train.networks import by_hand, classes, classifier, line, noisy, same, sgd

LOSS = nn.CrossEntropyLoss()


def reference(
    model: Any, X: Any, y: Any, orders: list[Any], size: int, lr: float, momentum: float = 0.0
) -> list[float]:
    """The loop by hand: the mean loss of the samples of each epoch, each before its update."""
    losses, velocity = [], [0.0] * len(list(model.parameters()))
    for order in orders:
        total = 0.0
        for start in range(0, len(X), size):
            rows = order[start : start + size]
            model.zero_grad()
            loss = LOSS(model(X[rows]), y[rows])
            loss.backward()
            total += loss.item() * len(rows)
            for i, p in enumerate(model.parameters()):
                velocity[i] = momentum * velocity[i] + p.grad
                p.assign(p.data - lr * velocity[i])
        losses.append(total / len(X))
    return losses


@pytest.mark.parametrize("size", [None, 1, 7, 30, 100])
@pytest.mark.parametrize("shuffle", [True, False])
def test_fit_is_the_loop_by_hand(size: int | None, shuffle: bool) -> None:
    X, y = classes()
    model, twin = classifier(), classifier()
    history = mg.train.fit(
        model, (X, y), LOSS, sgd(model, momentum=0.5), epochs=3, batch_size=size, shuffle=shuffle, seed=5
    )
    rng, n = np.random.default_rng(5), len(X)
    drawn = shuffle and size is not None and size < n
    orders = [rng.permutation(n) if drawn else np.arange(n) for _ in range(3)]
    losses = reference(twin, X, y, orders, min(size or n, n), 0.1, 0.5)
    np.testing.assert_allclose(history.losses, losses, rtol=1e-12)
    for name, value in model.state_dict().items():
        np.testing.assert_allclose(value, twin.state_dict()[name], rtol=1e-12)


def test_orders_differ_from_epoch_to_epoch_and_repeat_with_the_seed() -> None:
    X, y = np.arange(20.0)[:, None], np.arange(20.0)[:, None]

    def seen(seed: Any, shuffle: bool = True) -> list[list[float]]:
        w, orders = mg.tensor([[1.0]], requires_grad=True), []

        def loss(p: Any, t: Any) -> Any:
            orders.append(t[0, 0])
            return np.mean((p - t) ** 2)

        mg.train.fit(
            lambda x: x @ w, (X, y), loss, mg.optim.SGD([w], 0.0), epochs=3, batch_size=1, seed=seed, shuffle=shuffle
        )
        del orders[: len(orders) - 60]  # what was tried before the first update
        return [orders[i : i + 20] for i in (0, 20, 40)]

    first = seen(1)
    assert all(sorted(order) == list(range(20)) for order in first)
    assert first[0] != first[1] != first[2] != first[0]
    assert first == seen(1) != seen(2)
    assert seen(np.random.default_rng(1)) == first
    assert seen(1, shuffle=False) == [list(range(20))] * 3


def test_a_full_batch_has_the_exact_loss_of_each_step() -> None:
    X, y = classes()
    model, twin = classifier(), classifier()
    history = mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=4)
    optimizer = sgd(twin)
    for value in history.losses:
        optimizer.zero_grad()
        loss = LOSS(twin(X), y)
        assert loss.item() == value
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("stated", [True, False])
def test_unequal_batches_weigh_by_their_samples(reduction: str, stated: bool) -> None:
    X, y = line(10)
    known = nn.MSELoss(reduction)
    loss = known if stated else (lambda p, t: known(p, t))
    model = nn.Linear(1, 1, rng=0)
    history = mg.train.fit(
        model,
        (X, y),
        loss,
        sgd(model, 0.0),
        epochs=1,
        batch_size=4,
        validation=(X, y),
        metrics={"mse": "mse", "worst": lambda p, t: np.max(np.abs(p - t))},
    )
    whole = known(model(X), y).item()
    assert history.losses[0] == pytest.approx(whole, rel=1e-12)
    assert history.validation["loss"][0] == pytest.approx(whole, rel=1e-12)
    assert history.metrics["worst"][0] == pytest.approx(np.abs(model(X).data - y).max())
    assert history.metrics["mse"][0] == pytest.approx(np.mean((model(X).data - y) ** 2))
    assert mg.train.evaluate(model, (X, y), loss, batch_size=3)["loss"] == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize(
    "options", [{"weight": [0.5, 3.0]}, {"ignore_index": -1}, {"weight": [0.5, 3.0], "ignore_index": -1}]
)
def test_batches_weigh_by_what_counts_in_them(options: Any) -> None:
    X, y = classes()
    if "ignore_index" in options:
        y = np.where(np.arange(len(y)) % 7 < 3, y, -1)
    loss, model = nn.CrossEntropyLoss(**options), classifier()
    whole = loss(model(X), y).item()
    history = mg.train.fit(model, (X, y), loss, sgd(model, 0.0), epochs=1, batch_size=7, validation=(X, y))
    assert history.losses[0] == pytest.approx(whole, rel=1e-12)
    assert mg.train.evaluate(model, (X, y), loss, batch_size=4)["loss"] == pytest.approx(whole, rel=1e-12)
    soft = np.eye(2)[np.abs(y)]
    soft_loss = nn.CrossEntropyLoss(weight=options.get("weight"))
    whole = soft_loss(model(X), soft).item()
    assert mg.train.evaluate(model, (X, soft), soft_loss, batch_size=4)["loss"] == pytest.approx(whole, rel=1e-12)


def test_losses_after_the_epoch_are_those_of_the_new_weights() -> None:
    X, y = classes()
    model = noisy()
    history = mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=2, batch_size=8, measure="after", metrics="accuracy")
    found = mg.train.evaluate(model, (X, y), LOSS, metrics="accuracy")
    assert history.losses[-1] == pytest.approx(found["loss"], rel=1e-12)
    assert history["accuracy"][-1] == found["accuracy"]


def test_a_hand_written_network() -> None:
    X, y = classes()
    predict, p = by_hand()
    history = mg.train.fit(predict, (X, y), LOSS, mg.optim.SGD(p.values(), 0.5), epochs=60, record=30)
    assert history.losses[-1] < 0.5 * history.losses[0]
    assert list(history.at(0)) == ["Wh", "bh", "Wo", "bo"]
    np.testing.assert_array_equal(history.at(60)["Wo"], p["Wo"].data)


def test_batches_that_the_user_made() -> None:
    X, y = classes()
    batches = [(X[:20], y[:20]), (X[20:], y[20:])]
    model, twin = classifier(), classifier()
    history = mg.train.fit(model, batches, LOSS, sgd(model), epochs=2)
    cut = mg.train.fit(twin, (X, y), LOSS, sgd(twin), epochs=2, batch_size=20, shuffle=False)
    np.testing.assert_allclose(history.losses, cut.losses, rtol=1e-13)
    assert same(model.state_dict(), twin.state_dict())


def test_batches_of_dicts_weigh_by_their_samples() -> None:
    X, y = line(5)
    model = nn.Linear(1, 1, rng=0)

    def forward(batch: Any) -> Any:
        return model(batch["x"])

    def loss(p: Any, t: Any) -> Any:
        return np.mean((p - t["y"]) ** 2)

    batches = [({"x": X[:4]}, {"y": y[:4]}), ({"x": X[4:]}, {"y": y[4:]})]
    history = mg.train.fit(forward, batches, loss, sgd(model, 0.0), epochs=1)
    assert history.losses[0] == pytest.approx(np.mean((model(X).data - y) ** 2), rel=1e-12)


def test_the_callers_arrays_are_neither_changed_nor_locked() -> None:
    X, y = classes()
    before = X.copy(), y.copy()
    for size in (None, 1, 7):
        model = classifier()
        mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=1, batch_size=size, validation=(X, y), metrics="accuracy")
    assert X.flags.writeable
    assert y.flags.writeable
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_global_random_numbers_are_not_drawn() -> None:
    X, y = classes()
    np.random.seed(1)
    wanted = np.random.rand()
    np.random.seed(1)
    model = noisy()
    mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=1, batch_size=5)
    assert np.random.rand() == wanted


def test_modes_while_training_and_validating_and_afterwards() -> None:
    seen = []

    class Spy(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(2, 2, rng=0)
            self.other = nn.Dropout(0.5, rng=0)

        def forward(self, x: Any) -> Any:
            seen.append((self.training, self.other.training, len(x)))
            return self.layer(x)

    X, y = classes()
    model = Spy()
    model.other.eval()
    mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=1, batch_size=15, validation=(X[:3], y[:3]))
    assert seen == [(True, True, 15), (True, True, 15), (False, False, 3)]
    assert (model.training, model.other.training) == (True, False)
    model.eval()
    mg.train.evaluate(model, (X, y), LOSS)
    mg.train.predict(model, X)
    mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=1)
    assert not model.training


def test_validation_changes_nothing() -> None:
    X, y = classes()
    model, twin = noisy(), noisy()
    a = mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=3, batch_size=8, validation=(X, y), metrics="accuracy")
    b = mg.train.fit(twin, (X, y), LOSS, sgd(twin), epochs=3, batch_size=8)
    np.testing.assert_array_equal(a.losses, b.losses)
    assert same(model.state_dict(), twin.state_dict())
    assert set(a.validation) == {"loss", "accuracy"}


def test_updates_use_the_gradients_of_the_old_weights() -> None:
    X, y = classes()
    model = classifier()
    before = model.state_dict()
    LOSS(model(X), y).backward()
    wanted = {name: before[name] - 0.1 * p.grad for name, p in model.named_parameters()}
    mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=1)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, wanted[name])


def test_schedules_set_the_rate_before_each_update() -> None:
    X, y = classes()
    model, asked, used = classifier(), [], []
    optimizer = sgd(model)
    rates = [0.1, 0.2, 0.3, 0.4]

    def schedule(step: int) -> float:
        asked.append(step)
        return rates[step]

    class Look(mg.train.Callback):
        def on_step_end(self, run: Any) -> None:
            used.append(optimizer.lr)

    history = mg.train.fit(
        model, (X, y), LOSS, optimizer, epochs=2, batch_size=15, schedule=schedule, callbacks=[Look()]
    )
    assert (asked, used) == ([0, 1, 2, 3], rates)
    np.testing.assert_array_equal(history["lr"], [0.2, 0.4])


def test_a_plateau_is_told_the_validation_loss() -> None:
    class Plateau:
        def __init__(self) -> None:
            self.told: list[float] = []

        def observe(self, value: float) -> None:
            self.told.append(value)

        def __call__(self, step: int) -> float:
            return 0.1

    X, y = classes()
    model, plateau = classifier(), Plateau()
    history = mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=2, schedule=plateau, validation=(X[:9], y[:9]))
    np.testing.assert_array_equal(plateau.told, history.validation["loss"])


def test_clipping_is_done_before_the_update() -> None:
    X, y = classes()
    model = classifier()
    before = model.state_dict()

    def halve(params: Any) -> None:
        for p in params:
            p.grad = p.grad / 2

    mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=1, clip=halve)
    whole = classifier()
    mg.train.fit(whole, (X, y), LOSS, sgd(whole, 0.05), epochs=1)
    for name, value in model.state_dict().items():
        np.testing.assert_allclose(value - before[name], whole.state_dict()[name] - before[name], atol=1e-16)


def test_no_epochs() -> None:
    X, y = classes()
    model = classifier()
    before = model.state_dict()
    history = mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=0, record=1)
    assert same(before, model.state_dict())
    assert history.epochs == 0
    assert same(history.at(0), before)


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float64, np.float32])
def test_raw_pixels_train(kind: Any) -> None:
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, size=(20, 9)).astype(kind)
    y = (X[:, 0] > 127).astype(int)
    model = nn.Linear(9, 2, rng=0)
    history = mg.train.fit(model, (X, y), LOSS, sgd(model, 1e-5), epochs=5, batch_size=4, metrics="accuracy")
    assert np.isfinite(history.losses).all()


def test_tensors_and_lists_are_data_too() -> None:
    X, y = line()
    results = []
    for data in ((X, y), (mg.tensor(X), mg.tensor(y)), (X.tolist(), y.tolist())):
        model = nn.Linear(1, 1, rng=0)
        results.append(mg.train.fit(model, data, nn.MSELoss(), sgd(model), epochs=2, batch_size=5).losses)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


# -- callbacks ---------------------------------------------------------------------------------------------------------


def test_callbacks_are_called_at_their_moments() -> None:
    calls: list[Any] = []

    class Noting:
        def __getattr__(self, name: str) -> Any:
            raise AttributeError(name)

        def on_start(self, run: Any) -> None:
            calls.append("start")

        def on_epoch_start(self, run: Any) -> None:
            calls.append(("epoch", run.epoch))

        def on_gradients(self, run: Any) -> None:
            assert all(p.grad is not None for p in run.optimizer.params)
            calls.append("gradients")

        def on_step_end(self, run: Any) -> None:
            calls.append((run.step, run.batch, run.batches))

        def on_epoch_end(self, run: Any) -> None:
            assert run.numbers["loss"] == run.history.losses[-1]
            calls.append(("done", run.epoch, run.finished))

        def on_end(self, run: Any) -> None:
            calls.append("end")

    X, y = classes()
    model = classifier()
    ends: list[int] = []
    mg.train.fit(
        model,
        (X, y),
        LOSS,
        sgd(model),
        epochs=2,
        batch_size=15,
        callbacks=[Noting(), lambda run: ends.append(run.epoch)],
    )
    one = lambda e: [  # noqa: E731
        ("epoch", e), "gradients", (2 * e + 1, 1, 2), "gradients", (2 * e + 2, 2, 2), ("done", e, e + 1),
    ]  # fmt: skip
    assert calls == ["start", *one(0), *one(1), "end"]
    assert ends == [0, 1]


@pytest.mark.parametrize("moment", ["on_step_end", "on_epoch_end"])
def test_callbacks_may_stop_the_run(moment: str) -> None:
    X, y = classes()
    model = classifier()
    callback = type("Stop", (), {moment: lambda self, run: run.stop("enough") if run.step == 2 else None})()
    history = mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=9, batch_size=15, callbacks=[callback])
    assert history.stopped == "enough"
    assert history.epochs == 1
    assert not history.interrupted


@pytest.mark.parametrize(("value", "stopped"), [(True, "stopped by a callback"), ("enough", "enough"), (False, "")])
def test_stop_may_be_set(value: Any, stopped: str) -> None:
    X, y = classes()
    model = classifier()
    history = mg.train.fit(
        model, (X, y), LOSS, sgd(model), epochs=3, callbacks=[lambda run: setattr(run, "stop", value)]
    )
    assert (history.stopped, history.epochs) == (stopped, 1 if stopped else 3)


def test_the_line_of_document_003() -> None:
    X, y = line()
    model, out = nn.Linear(1, 1, rng=0), io.StringIO()
    history = mg.train.fit(model, (X, y), nn.MSELoss(), sgd(model), epochs=21, callbacks=[mg.train.PrintLoss(file=out)])
    assert out.getvalue().splitlines() == [f"Epoch: {i}  Loss: {history.losses[i]:.12g}" for i in (0, 10, 20)]


def test_the_line_of_document_002() -> None:
    X, y = classes()
    model, out = classifier(), io.StringIO()
    history = mg.train.fit(
        model, (X, y), LOSS, sgd(model), epochs=2, metrics="accuracy", callbacks=[mg.train.PrintProgress(file=out)]
    )
    (a, b), (p, q) = history.losses, 100 * history["accuracy"]
    assert (
        out.getvalue()
        == f"\r1/2 | Cost: {a:.2f} | Train Acc.: {p:.2f}% \r2/2 | Cost: {b:.2f} | Train Acc.: {q:.2f}% \n"
    )


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (type("Typo", (), {"on_epoch_ends": lambda self, run: None})(), "did you mean on_epoch_end"),
        (type("Habit", (), {"on_train_batch_end": lambda self, run: None})(), "did you mean on_step_end"),
        (mg.train.PrintLoss, r"is a class: pass an object of it, PrintLoss\(\)"),
        (3, "3 is no callback"),
    ],
)
def test_what_is_no_callback(callback: Any, message: str) -> None:
    X, y = classes()
    model = classifier()
    with pytest.raises(TypeError, match=message):
        mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=1, callbacks=[callback])


# -- early stopping ----------------------------------------------------------------------------------------------------


class Scripted:
    """A metric that returns given numbers, one after the other."""

    __name__ = "scripted"

    def __init__(self, *numbers: float) -> None:
        self.numbers = iter(numbers)

    def __call__(self, predictions: Any, targets: Any) -> float:
        return next(self.numbers)


@pytest.mark.parametrize(
    ("mode", "numbers", "epochs", "best"),
    [
        ("min", [5, 4, 3, 3.5, 3.2, 9, 9], 5, 3),
        ("max", [1, 2, 1, 1, 9], 4, 2),
        ("min", [np.nan, 4, np.nan, np.nan, 1], 4, 2),
        ("min", [5, 4, 3, 2], 4, 4),
    ],
)
def test_early_stopping_gives_the_best_weights_back(mode: str, numbers: list[float], epochs: int, best: int) -> None:
    X, y = classes()
    model = classifier()
    early = mg.train.EarlyStopping(2, "scripted", mode=mode)
    history = mg.train.fit(
        model,
        (X, y),
        LOSS,
        sgd(model),
        epochs=len(numbers),
        metrics=[Scripted(*numbers)],
        measure="after",
        early_stopping=early,
        record=1,
    )
    assert (history.epochs, history.best_epoch) == (epochs, best)
    assert same(model.state_dict(), history.at(best))
    assert bool(history.stopped) == (epochs < len(numbers))


def test_early_stopping_of_a_full_batch_knows_that_the_loss_is_that_before_the_update() -> None:
    X, y = line()
    model = nn.Linear(1, 1, rng=0)
    history = mg.train.fit(model, (X, y), nn.MSELoss(), sgd(model, 1.05), epochs=9, early_stopping=1, record=1)
    best = int(np.argmin(history.losses))
    assert history.best_epoch == best
    assert nn.MSELoss()(model(X), y).item() == history.losses[best]


def test_early_stopping_watches_a_column_that_is_there() -> None:
    X, y = classes()
    model = classifier()
    with pytest.raises(ValueError, match="watches 'val_loss', but the columns are loss, lr"):
        mg.train.fit(
            model, (X, y), LOSS, sgd(model), epochs=2, early_stopping=mg.train.EarlyStopping(2, monitor="val_loss")
        )
    with pytest.raises(TypeError, match="patience"):
        mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=2, early_stopping="yes")


# -- metrics -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "predictions", "targets", "wanted"),
    [
        (mg.train.accuracy, [[1, 2], [2, 1], [1, 1]], [1, 0, 1], 2 / 3),
        (mg.train.accuracy, [[1, 2], [2, 1]], [[0, 1], [0, 1]], 0.5),
        (mg.train.binary_accuracy, [[0.5], [0.6]], [[0], [1]], 1.0),
        (mg.train.accuracy_within, [0.5, 0.51, 1.4], [0, 1, 1], 2 / 3),
        (mg.train.accuracy_within, np.array([0, 200], np.uint8), np.array([1, 200], np.uint8), 0.5),
        (mg.train.mse, [0.0, 2.0], [1, 0], 2.5),
    ],
)
def test_metrics(metric: Any, predictions: Any, targets: Any, wanted: float) -> None:
    assert metric(np.asarray(predictions), np.asarray(targets)) == pytest.approx(wanted)
    assert metric(mg.tensor(predictions), mg.tensor(targets)) == pytest.approx(wanted)


@pytest.mark.parametrize("metric", [mg.train.binary_accuracy, mg.train.accuracy_within, mg.train.mse])
def test_metrics_never_broadcast(metric: Any) -> None:
    with pytest.raises(ValueError, match=r"\(3, 1\), targets \(3,\).*reshape the targets to \(3, 1\)"):
        metric(np.zeros((3, 1)), np.zeros(3))


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (["acuracy"], "did you mean 'accuracy'"),
        ([lambda p, t: 0.0], "a lambda has no name"),
        (["mse", mg.train.mse], "two columns"),
        ({"loss": mg.train.mse}, "two columns"),
        ([3], "a name or a function"),
        ([lambda p, t: p], "lambda"),
        ({"all": lambda p, t: p}, r"the metric all returned ndarray of shape \(30, 2\), not one number"),
    ],
)
def test_what_is_no_metric(metrics: Any, message: str) -> None:
    X, y = classes()
    model = classifier()
    with pytest.raises((TypeError, ValueError), match=message):
        mg.train.fit(model, (X, y), LOSS, sgd(model), epochs=1, metrics=metrics)
