"""The range test: what it finds where the answer is known, and that it leaves everything as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import microgradnp as mg
from microgradnp import nn
from microgradnp.optim import SGD, Adam, RangeTest, range_test
from tests.optim.factories import parameters

CURVATURE = np.array([1.0, 4.0])


def bowl() -> tuple[Any, Any]:
    """A quadratic on which gradient descent diverges from a rate of 2 / 4 on."""
    (w,) = parameters(np.array([1.0, 2.0]))
    return w, lambda: 0.5 * np.sum(CURVATURE * w**2)


def test_a_quadratic_whose_limit_is_known() -> None:
    w, loss = bowl()
    found = range_test(loss, SGD([w], lr=0.3), lowest=1e-4, highest=100.0, steps=60, smoothing=0.0)
    assert found.suggestion is not None
    assert 1e-3 < found.suggestion < 0.5
    assert found.rates[found.lowest] < 2.0  # it rises once the rate is beyond the limit, for some steps from nearly 0
    assert found.losses[0] == 8.5
    assert len(found.rates) < 60  # it stopped
    assert np.all(np.diff(np.log(found.rates)) > 0)
    np.testing.assert_allclose(np.diff(np.log(found.rates)), np.log(1e6) / 59)
    assert_array_equal(found.losses, found.smoothed)


def test_the_rates_and_losses_are_those_of_a_loop() -> None:
    w, loss = bowl()
    found = range_test(loss, SGD([w], lr=0.3), lowest=0.01, highest=0.1, steps=5, smoothing=0.5)
    x, rates, losses, average = np.array([1.0, 2.0]), np.geomspace(0.01, 0.1, 5), [], 0.0
    for i, rate in enumerate(rates):
        losses.append(0.5 * np.sum(CURVATURE * x**2))
        average = 0.5 * average + 0.5 * losses[-1]
        np.testing.assert_allclose(found.smoothed[i], average / (1 - 0.5 ** (i + 1)))
        x = x - rate * CURVATURE * x
    np.testing.assert_allclose(found.rates, rates)
    np.testing.assert_allclose(found.losses, losses)


def test_everything_is_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(2, 4, rng=0), nn.BatchNorm1d(4), nn.Linear(4, 2, rng=1))
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.integers(0, 2, 20)
    optimizer = Adam(model.named_parameters(), lr=0.01)
    loss = nn.CrossEntropyLoss()
    loss(model(X), y).backward()
    optimizer.step()
    before, state = model.state_dict(), optimizer.state_dict()
    range_test(lambda: loss(model(X), y), optimizer, steps=20, model=model)
    for old, new in ((before, model.state_dict()), (state, optimizer.state_dict())):
        assert list(old) == list(new)
        for key in old:
            assert_array_equal(old[key], new[key])
    assert all(p.grad is None for p in optimizer.params)

    calls = 0

    def failing() -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return loss(model(X), y)

    with pytest.raises(KeyboardInterrupt):
        range_test(failing, optimizer, model=model)
    for key, value in model.state_dict().items():
        assert_array_equal(value, before[key])


def test_noise_is_no_descent() -> None:
    rng = np.random.default_rng(1)
    (w,) = parameters(1.0)
    flat = range_test(lambda: 0 * w + 1.0, SGD([w], lr=0.1))
    assert flat.suggestion is None
    assert repr(flat).startswith("RangeTest(100 rates from 1e-06 to 10, suggestion=none, lowest loss 1 at ")
    noisy = 2 + 0.1 * rng.normal(size=100)
    noisy[60:] -= np.linspace(0, 1.5, 40)  # it falls from there on
    w2, i = parameters(1.0)[0], iter(noisy)
    found = range_test(lambda: 0 * w2 + next(i), SGD([w2], lr=0.1))
    assert found.steepest is not None
    assert found.steepest > 55


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"lowest": 0.0}, ValueError, "lowest=0 and highest=10 must be rates greater than 0"),
        ({"lowest": 1.0, "highest": 0.1}, ValueError, "the highest above the lowest"),
        ({"highest": float("inf")}, ValueError, "highest=inf"),
        ({"steps": 2}, ValueError, "steps=2 must be a number of updates, at least 3"),
        ({"stop": 1.0}, ValueError, "stop=1 must be greater than 1"),
        ({"smoothing": 1.0}, ValueError, "smoothing=1 must be at least 0 and less than 1"),
        ({"loss": lambda: 1.0}, TypeError, "must return a Tensor that depends on the parameters, not 1.0"),
        ({"loss": lambda: mg.tensor(1.0)}, TypeError, "must return a Tensor that depends on the parameters"),
    ],
)
def test_what_makes_no_sense(options: dict[str, Any], error: Any, said: str) -> None:
    w, loss = bowl()
    with pytest.raises(error, match=said):
        range_test(options.pop("loss", loss), SGD([w], lr=0.1), **options)


def test_a_loss_that_is_nan_from_the_start() -> None:
    (w,) = parameters(-1.0)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="the loss is nan before the first update"):
        range_test(lambda: np.log(w), SGD([w], lr=0.1))


def test_results_are_plain() -> None:
    w, loss = bowl()
    found = range_test(loss, SGD([w], lr=0.1))
    assert isinstance(found, RangeTest)
    assert {type(found.rates), type(found.losses), type(found.smoothed)} == {np.ndarray}
    assert type(found.suggestion) is float


def test_what_is_no_loss_and_no_optimizer() -> None:
    optimizer = SGD([mg.tensor(1.0, requires_grad=True)], 0.1)
    with pytest.raises(TypeError, match="loss=3 must be a function that returns the loss of the next batch"):
        range_test(3, optimizer)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"optimizer=None must be an optimizer of mg\.optim"):
        range_test(lambda: mg.tensor(1.0), None)  # type: ignore[arg-type]
