"""Bad input: one clear error, with the user's names, the shapes, and what to do; and nothing is trained."""

from __future__ import annotations

import functools
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp import nn
from tests.train.networks import by_hand, classes, classifier, line, same, sgd

CROSS = nn.CrossEntropyLoss()
SQUARE = nn.MSELoss()


def fails(error: Any, message: str, model: Any, data: Any, loss: Any = CROSS, **options: Any) -> None:
    """Fit raises exactly this, with one sentence in front, and the model is as it was."""
    before = model.state_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=message):
            mg.train.fit(model, data, loss, options.pop("optimizer", None) or sgd(model), **{"epochs": 2, **options})
    assert same(before, model.state_dict())


# -- data ----------------------------------------------------------------------------------------------------------------


def test_unequal_lengths() -> None:
    X_train, labels = np.ones((6, 2)), np.zeros(5, int)
    fails(
        ValueError,
        r"^data: X_train has 6 rows \(shape \(6, 2\)\), labels has 5 \(shape \(5,\)\)",
        classifier(),
        (X_train, labels),
    )
    turned = np.ones((2, 5))
    fails(ValueError, r"is X transposed\? samples are rows: X\.T", classifier(), (turned, labels))
    good = np.ones((5, 2)), labels
    fails(ValueError, "^validation: X_train has 6 rows", classifier(), good, validation=(X_train, labels))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", [0, 1])
def test_numbers_that_are_none(value: float, which: int) -> None:
    points, heights = line(200)
    (points, heights)[which][[3, 150]] = value
    kind = "nan" if np.isnan(value) else "inf"
    name = ("points", "heights")[which]
    fails(
        ValueError,
        rf"{name} of shape \(200, 1\) holds {kind} in rows 3, 150: leave those rows out",
        nn.Linear(1, 1),
        (points, heights),
        SQUARE,
    )


def test_nan_in_a_batch_of_the_users() -> None:
    X, y = classes(9)
    X[7, 1] = np.nan
    batches = [(X[i : i + 3], y[i : i + 3]) for i in (0, 3, 6)]
    model = classifier()
    with pytest.raises(ValueError, match=r"x of batch 2 of batches of shape \(3, 2\) holds nan in row 1"):
        mg.train.fit(model, batches, CROSS, sgd(model), epochs=2)


def test_large_numbers_are_no_inf() -> None:
    X = np.array([[1e308], [1e308], [-1e308]])
    model = nn.Linear(1, 1, init=0.0)
    history = mg.train.fit(model, (X, np.zeros((3, 1))), SQUARE, sgd(model, 1e-300), epochs=1)
    assert history.losses == [0.0]


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ((np.ones((0, 2)), np.ones(0, int)), ValueError, r"of shape \(0, 2\) is empty"),
        (np.ones((3, 2)), TypeError, r"must be a tuple \(X, y\) of arrays, or an iterable of batches"),
        ("digits", TypeError, "not a str"),
        (3, TypeError, "not a int"),
        ({"X": 1}, TypeError, "not a dict"),
        ([], ValueError, "gave no batch"),
        ([3], TypeError, r"wants pairs \(x, y\): batch 0 is a int"),
        ([(1, 2, 3)], TypeError, "batch 0 is a tuple of 3"),
        ((np.array([["a", "b"]]), np.zeros(1, int)), TypeError, "holds <U1, not numbers"),
        ((np.ones((2, 2)), np.array(["cat", "dog"])), TypeError, r"holds <U3, not numbers; np.unique\(labels, return_inverse=True\)"),
        (([[1, 2], [3]], [0, 1]), TypeError, "is no array of numbers"),
        ((1.0, 2.0), ValueError, "one row a sample"),
        ([np.ones((3, 2)), np.zeros(3, int)], TypeError, r"must be a tuple \(X, y\) of two arrays, .* not a list of ndarray, ndarray"),
        ((np.ones((3, 2)), np.zeros(3, int), 1), TypeError, "not a tuple of ndarray, ndarray, int"),
        ((np.ma.masked_greater([[1.0, 2.0]], 1), np.zeros(1, int)), TypeError, r"has 1 masked elements, .*\.filled"),
    ],
)  # fmt: skip
def test_what_is_no_data(data: Any, error: Any, message: str) -> None:
    fails(error, message, classifier(), data)


def test_an_iterator_is_gone_after_one_epoch() -> None:
    X, y = classes()
    stream = iter([(X, y)])
    fails(TypeError, " is an iterator, which can be gone through only once, but 2 epochs", classifier(), stream)
    model = classifier()
    assert mg.train.fit(model, iter([(X, y)]), CROSS, sgd(model), epochs=1).epochs == 1


def test_an_optimizer_that_is_still_a_class() -> None:
    fails(TypeError, "optimizer SGD is a class: pass an object of it", classifier(), classes(), optimizer=mg.optim.SGD)


def test_no_targets() -> None:
    nothing = None  # another variable that holds the same
    fails(TypeError, "^data: y is None: fit wants inputs and targets", classifier(), (np.ones((5, 2)), nothing))


def test_several_predictions() -> None:
    model = nn.RNN(2, 3, rng=0)
    fails(TypeError, "the predictions are a tuple of 2", model, (np.ones((5, 1, 2)), np.zeros((5, 1), int)))
    with pytest.raises(TypeError, match=r"predict: RNN\(2 -> 3\) returned a tuple of 2, not one array"):
        mg.train.predict(model, np.ones((5, 1, 2)))


# -- labels and shapes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loss", [CROSS, nn.functional.cross_entropy, mg.cross_entropy, lambda p, t: mg.cross_entropy(p, t)]
)
@pytest.mark.parametrize("size", [None, 4])
def test_labels_out_of_range(loss: Any, size: Any) -> None:
    X, digits = classes()
    digits = digits.copy()
    digits[7] = 2
    named = not (callable(loss) and getattr(loss, "__name__", "") == "<lambda>")
    message = r"digits holds labels from 0 to 2, but the model has 2 outputs .*from 0 to 1; rows 7 are out of range: give the model 3 outputs" if named else "must be from 0 to 1|0 to 1"  # fmt: skip
    model = classifier()
    with pytest.raises(ValueError, match=message):
        mg.train.fit(model, (X, digits), loss, sgd(model), epochs=3, batch_size=size)
    if named or size is None:
        assert same(model.state_dict(), classifier().state_dict())


def test_labels_that_do_not_count_are_not_out_of_range() -> None:
    X, digits = classes()
    digits = digits.copy()
    digits[7] = -100
    model, fewer = classifier(), classifier()
    loss = nn.CrossEntropyLoss("sum", ignore_index=-100)
    mg.train.fit(model, (X, digits), loss, sgd(model), epochs=3)
    rest = np.arange(len(X)) != 7
    mg.train.fit(fewer, (X[rest], digits[rest]), nn.CrossEntropyLoss("sum"), sgd(fewer), epochs=3)
    for name, a in model.state_dict().items():
        np.testing.assert_allclose(a, fewer.state_dict()[name], rtol=1e-12)
    part = functools.partial(nn.functional.cross_entropy, ignore_index=-100)
    mg.train.fit(model, (X, digits), part, sgd(model), epochs=1)
    nothing = np.full_like(digits, -100)
    fails(ValueError, "all labels in nothing are ignore_index=-100", classifier(), (X, nothing), part)
    digits[8] = 5
    fails(ValueError, "labels from 0 to 5, .* rows 8 are out of range", classifier(), (X, digits), part)


def test_labels_that_count_from_one_or_are_floats() -> None:
    X, y = classes()
    fails(
        ValueError,
        "labels count from 1: use labels - 1|y counts from 1: use y - 1|counts from 1",
        classifier(),
        (X, y + 1),
    )
    fails(
        ValueError,
        r"has shape \(30, 1\), but classes for predictions of shape \(30, 2\) have shape \(30,\)",
        classifier(),
        (X, y[:, None]),
    )
    fails(TypeError, r"holds classes as bool, but labels must be integers: .*astype\(int\)", classifier(), (X, y > 0))
    fails(ValueError, "must not be negative", classifier(), (X, np.where(y == 0, -1, 1)))
    fails(
        TypeError,
        r"holds classes as float64, but labels must be integers: .*astype\(int\)",
        classifier(),
        (X, y.astype(float)),
    )


@pytest.mark.parametrize(
    "loss",
    [
        SQUARE,
        nn.functional.mse_loss,
        lambda p, t: np.mean((p - t) ** 2),
        lambda p, t: ((t - p) ** 2).sum(),
        nn.BCEWithLogitsLoss(),
    ],
)
@pytest.mark.parametrize("size", [None, 5, 1])
def test_targets_that_would_broadcast(loss: Any, size: int | None) -> None:
    X, y = line()
    heights = np.clip(y.ravel(), 0, 1)
    if size == 1:  # one prediction and one target cannot be confused: only a strict loss refuses them
        if not isinstance(loss, nn.Module) and getattr(loss, "__name__", "") == "<lambda>":
            model = nn.Linear(1, 1, rng=0)
            assert np.isfinite(mg.train.fit(model, (X, heights), loss, sgd(model), epochs=1, batch_size=1).losses).all()
            return
        fails(
            ValueError,
            r"predictions have shape \(1, 1\), targets \(1,\)",
            nn.Linear(1, 1),
            (X, heights),
            loss,
            batch_size=1,
        )
        return
    fails(
        ValueError,
        r"^heights has shape \(12,\), .*the model's predictions have shape .*every prediction against every target. Reshape the "
        r"targets to \(n, 1\): heights\[:, None\]",
        nn.Linear(1, 1),
        (X, heights),
        loss,
        batch_size=size,
    )


def test_a_loss_that_copes_with_both_shapes_may() -> None:
    X, y = line()
    model = nn.Linear(1, 1, rng=0)
    history = mg.train.fit(model, (X, y.ravel()), lambda p, t: np.mean((p[:, 0] - t) ** 2), sgd(model), epochs=1)
    assert history.epochs == 1


def test_inputs_of_another_width_name_the_layer_and_the_batch() -> None:
    X, y = np.ones((6, 3)), np.zeros(6, int)
    model = classifier()
    with pytest.raises(ValueError, match=r"\(6, 3\)|\(2, 3\)") as caught:
        mg.train.fit(model, (X, y), CROSS, sgd(model), epochs=1, batch_size=2, shuffle=False)
    assert caught.value.__notes__[-1] == "in fit: epoch 0, batch 0 (rows 0, 1 of X)"
    assert "in Linear(2 -> 5)" in caught.value.__notes__[0]


def test_a_last_batch_that_is_too_small_is_said_to_be_the_last() -> None:
    X, y = classes(9)
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2, rng=0))
    with pytest.raises(ValueError, match="fewer than two values") as caught:
        mg.train.fit(model, (X, y), CROSS, sgd(model), epochs=1, batch_size=4, shuffle=False)
    assert caught.value.__notes__[-1] == "in fit: epoch 0, batch 2, the last and smaller one (rows 8 of X)"


def test_metrics_of_several_outputs() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(2, 2, rng=0)

        def forward(self, x: Any) -> Any:
            return self.layer(x), x

    model = Two()
    loss = lambda p, t: CROSS(p[0], t)  # noqa: E731
    assert mg.train.fit(model, classes(), loss, sgd(model), epochs=1, batch_size=7).epochs == 1
    with pytest.raises(TypeError, match="metrics want predictions that are one array, not a tuple: use a callback"):
        mg.train.fit(model, classes(), loss, sgd(model), epochs=1, metrics="accuracy")


def test_errors_of_the_validation_say_so() -> None:
    X, y = classes()
    model = classifier()
    with pytest.raises(ValueError, match="0 to 1") as caught:
        mg.train.fit(model, (X, y), CROSS, sgd(model), epochs=1, validation=(X, y + 1))
    assert caught.value.__notes__[-1] == "in fit: validation, all rows"


# -- arguments -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size=0 must be at least 1"),
        ({"batch_size": -3}, ValueError, "batch_size=-3"),
        ({"batch_size": 2.0}, TypeError, "whole number of samples"),
        ({"batch_size": True}, TypeError, "whole number of samples"),
        ({"epochs": -1}, ValueError, "epochs=-1 must be at least 0"),
        ({"epochs": 1.5}, TypeError, "epochs=1.5 must be a whole number"),
        ({"epochs": None}, TypeError, "epochs=None"),
        ({"measure": "during"}, ValueError, "'before' or 'after'"),
        ({"schedule": 0.1}, TypeError, "a function step -> learning rate"),
        ({"clip": -1.0}, ValueError, "greater than 0"),
        ({"clip": "norm"}, ValueError, "greater than 0"),
        ({"seed": "one"}, TypeError, "no source of random numbers"),
        ({"progress": "yes"}, TypeError, "progress='yes'"),
        ({"loss": 3}, TypeError, "loss must be a function"),
    ],
)
def test_arguments(options: Any, error: Any, message: str) -> None:
    fails(error, message, classifier(), classes(), **options)


def test_batches_are_taken_as_they_are() -> None:
    fails(ValueError, "leave batch_size out", classifier(), [classes()], batch_size=3)


@pytest.mark.parametrize(
    ("loss", "error", "message"),
    [
        (lambda p, t: 1.0, TypeError, "returned float, not a Tensor"),
        (lambda p, t: np.mean(p.data), TypeError, "not a Tensor"),
        (nn.CrossEntropyLoss("none"), ValueError, r"returned shape \(30,\) for predictions of shape \(30, 2\): a loss is one number"),
        (lambda p, t: np.sum(p * 1j), TypeError, "a complex number, which cannot be made smaller"),
        (nn.MSELoss, TypeError, r"loss MSELoss is a class: pass an object of it, MSELoss\(\)"),
        (lambda p, t: mg.tensor(1.0), ValueError, "does not depend on any parameter"),
        (lambda p, t: np.sum(p.detach()), ValueError, "does not depend on any parameter"),
    ],
)  # fmt: skip
def test_what_is_no_loss(loss: Any, error: Any, message: str) -> None:
    fails(error, message, classifier(), classes(), loss)


# -- model and optimizer ---------------------------------------------------------------------------------------------------


def test_a_model_without_parameters() -> None:
    w = mg.tensor([1.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"Sequential\(1 layer\) has no parameters, so there is nothing to train"):
        mg.train.fit(nn.Sequential(np.tanh), classes(), CROSS, mg.optim.SGD([w], 0.1), epochs=1)


def test_an_optimizer_of_another_model() -> None:
    old, model = classifier(), classifier()
    message = (
        r"holds 4 of 4 tensors that are no parameters of Sequential\(3 layers\): the first has shape \(2, 5\), though it has "
        r"the shape of 0.weight. Perhaps the model was made anew, or copied, afterwards: .* SGD\(model.parameters\(\), ...\)"
    )
    fails(ValueError, message, model, classes(), optimizer=sgd(old))


def test_some_parameters_may_be_trained_alone() -> None:
    model = classifier()
    before = model.state_dict()
    mg.train.fit(model, classes(), CROSS, mg.optim.SGD(model[2].parameters(), 0.1), epochs=1)
    after = model.state_dict()
    assert np.array_equal(before["0.weight"], after["0.weight"])
    assert not np.array_equal(before["2.weight"], after["2.weight"])


def test_what_is_no_model_or_optimizer() -> None:
    model = classifier()
    with pytest.raises(TypeError, match="model must be a Module, or a function of x"):
        mg.train.fit(np.ones(3), classes(), CROSS, sgd(model), epochs=1)
    with pytest.raises(TypeError, match=r"model Linear is a class: pass an object of it, Linear\(...\)"):
        mg.train.fit(nn.Linear, classes(), CROSS, sgd(model), epochs=1)
    with pytest.raises(TypeError, match=r"has no params.*mg.optim.SGD\(model.parameters\(\), lr=0.1\)"):
        mg.train.fit(model, classes(), CROSS, mg.optim.sgd, epochs=1)


# -- runs that diverge -------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with np.errstate(all="ignore"):
        yield


def diverging(model: Any, loss: Any, optimizer: Any, data: Any, **options: Any) -> mg.train.Diverged:
    with pytest.raises(mg.train.Diverged) as caught:
        mg.train.fit(model, data, loss, optimizer, **{"epochs": 100_000, **options})
    error = caught.value
    assert all(np.isfinite(p.data).all() for p in optimizer.params)
    assert error.history.epochs == error.epoch
    return error


@pytest.mark.parametrize("size", [None, 5])
def test_a_rate_that_is_too_large(size: int | None) -> None:
    X, y = line(20)
    model = nn.Sequential(nn.Linear(1, 4, rng=0), nn.ReLU(), nn.Linear(4, 1, rng=1))
    error = diverging(model, lambda p, t: np.mean((p - t) ** 2), sgd(model, 50.0), (30 * X, y), batch_size=size)
    text = str(error)
    assert text.startswith(f"the run diverged at update {error.step} (epoch {error.epoch}, ")
    assert "First not finite: " in text
    assert "a learning rate smaller than 50" in text
    assert "clip=1.0" in text
    assert "inputs scaled to about 1 (they reach" in text
    assert error.step // (4 if size else 1) == error.epoch


@pytest.mark.parametrize("loss", [SQUARE, lambda p, t: np.mean((p - t) ** 2)])
def test_the_first_bad_layer_is_named(loss: Any) -> None:
    class Explodes(nn.Module):
        def forward(self, x: Any) -> Any:
            z = np.exp(1e5 * x)
            return z - z

    model = nn.Sequential(nn.Linear(1, 3, rng=0), Explodes(), nn.Linear(3, 1, rng=0))
    error = diverging(model, loss, sgd(model), line(5))
    assert error.step == 0
    assert "No update had been made: look at the initial values" in str(error)
    assert error.where.startswith("the output of layer `1`, Explodes() (nan in ")


def test_the_first_bad_operation_of_a_function_is_named() -> None:
    predict, p = by_hand()

    def model(x: Any) -> Any:
        logits = predict(x)
        scale = np.log(p["Wh"][0, 0] - p["Wh"][0, 0])
        shifted = logits * scale
        return shifted - shifted

    error = diverging(model, lambda y, t: mg.cross_entropy(y, t), mg.optim.SGD(p.values(), 0.1), classes())
    assert error.where == "`scale`, made by log of shape () (inf in 1 of 1 elements)" or error.where.startswith(
        "`scale`"
    )
    assert error.step == 0


def test_the_loss_may_be_the_first() -> None:
    X, y = classes()
    model = nn.Sequential(nn.Linear(2, 1, init=0.0), nn.Logistic())

    def loss(p: Any, t: Any) -> Any:
        odds = p - 0.5
        return np.mean(np.log(odds))

    error = diverging(model, loss, sgd(model), (X, y[:, None]))
    assert error.where.startswith("the result of log") or error.where.startswith("`")
    assert error.where.endswith("in the loss")


def test_a_gradient_that_is_not_finite_is_named_with_its_rule() -> None:
    w = mg.tensor([0.0], requires_grad=True, name="w")
    error = diverging(
        lambda x: x * np.sqrt(w), lambda p, t: np.sum(p), mg.optim.SGD([w], 0.1), (np.ones((3, 1)), np.ones((3, 1)))
    )
    assert error.where.startswith(
        "the gradient of parameter `w` of shape (1,) (inf in 1 of 1 elements): the derivative of sqrt"
    )
    np.testing.assert_array_equal(w.data, [0.0])


@pytest.mark.parametrize("clip", [1.0, lambda params: mg.optim.clip_by_value(params, 1.0)])
def test_a_gradient_that_cannot_be_clipped_is_named(clip: Any) -> None:
    w = mg.tensor([0.0], requires_grad=True, name="w")
    data = np.zeros((3, 1)), np.ones((3, 1))
    error = diverging(lambda x: x * np.sqrt(w), lambda p, t: np.sum(p), mg.optim.SGD([w], 0.1), data, clip=clip)
    assert error.where.startswith("the gradient of parameter `w` of shape (1,) (nan in 1 of 1 elements)")
    assert "clip=1.0" not in str(error)


def test_an_update_that_overflows_is_noticed_though_no_loss_follows() -> None:
    w = mg.tensor([1.0], requires_grad=True, name="w")
    error = diverging(
        lambda x: x * w,
        lambda p, t: np.sum(p) * 1e200,
        mg.optim.SGD([w], 1e200),
        (np.ones((3, 1)), np.ones((3, 1))),
        epochs=1,
    )
    assert "its update has no finite result" in str(error)
    assert error.where.startswith("parameter `w` of shape (1,) after its update")
    np.testing.assert_array_equal(w.data, [1.0])


def test_the_buffers_and_the_random_numbers_are_put_back_too() -> None:
    X, y = classes()
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm1d(3), nn.Dropout(0.5, rng=1), nn.Linear(3, 2, rng=2))

    def loss(p: Any, t: Any) -> Any:
        return mg.cross_entropy(p, t) * (np.inf if len(steps) > 3 else 1.0)

    steps: list[int] = []
    error = diverging(model, loss, sgd(model), (X, y), callbacks=[lambda run: steps.append(run.step)])
    assert error.step == 4
    assert all(np.isfinite(a).all() for a in model.state_dict().values())


def test_a_checkpoint_is_never_of_a_bad_state(tmp_path: Any) -> None:
    w = mg.tensor([1.0], requires_grad=True, name="w")
    data = np.ones((3, 1)), np.ones((3, 1))
    optimizer = mg.optim.SGD([w], 1e60)
    with pytest.raises(mg.train.Diverged):
        mg.train.fit(lambda x: x * w, data, lambda p, t: np.sum(p**2), optimizer, epochs=99, checkpoint=tmp_path / "run.npz", checkpoint_every=1)  # fmt: skip
    assert np.isfinite(mg.train.load_checkpoint(tmp_path / "run.npz").model["w"]).all()


def test_the_error_passes_between_processes() -> None:
    w = mg.tensor([1.0], requires_grad=True, name="w")
    error = diverging(
        lambda x: x * w, lambda p, t: np.sum(p**2), mg.optim.SGD([w], 1e60), (np.ones((3, 1)), np.ones((3, 1)))
    )
    twin = pickle.loads(pickle.dumps(error))
    assert (str(twin), twin.step, twin.where) == (str(error), error.step, error.where)
    np.testing.assert_array_equal(twin.history.losses, error.history.losses)


def test_other_floating_point_errors_are_the_users() -> None:
    model = classifier()

    def loss(p: Any, t: Any) -> Any:
        raise FloatingPointError("underflow")

    with pytest.raises(FloatingPointError, match=r"^underflow"):
        mg.train.fit(model, classes(), loss, sgd(model), epochs=1)
