"""With `mg.train.fit`: every optimizer, under a schedule and clipping, broken off and resumed from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import microgradnp as mg
from microgradnp import nn
from microgradnp.optim import SGD, Adam, schedules
from tests.optim.factories import IDS, MODES

X = np.random.default_rng(0).normal(size=(24, 2))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def fitted(make: Any, options: dict[str, Any], epochs: int, schedule: Any, file: Path | None = None) -> tuple[Any, Any]:
    model = nn.Sequential(nn.Linear(2, 5, rng=1), np.tanh, nn.Linear(5, 2, rng=2))
    optimizer = make(model.named_parameters(), **options)
    mg.train.fit(
        model, (X, Y), nn.CrossEntropyLoss(), optimizer,
        epochs=epochs, batch_size=8, schedule=schedule, clip=0.5, checkpoint=file, resume=file is not None,
    )  # fmt: skip
    return model, optimizer


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
@pytest.mark.parametrize(("label", "make", "options"), MODES, ids=IDS)
def test_a_run_is_resumed_bit_for_bit(
    label: str, make: Any, options: dict[str, Any], ending: str, tmp_path: Path
) -> None:
    if ending == "safetensors":
        pytest.importorskip("safetensors")

    def schedule() -> Any:
        return schedules.warmup(schedules.plateau(0.05, factor=0.5, patience=0, threshold=0.2), steps=4)

    file = tmp_path / f"run.{ending}"
    whole, first = fitted(make, options, 6, schedule())
    fitted(make, options, 2, schedule(), file)
    resumed, second = fitted(make, options, 6, schedule(), file)
    for name, value in whole.state_dict().items():
        assert_array_equal(value, resumed.state_dict()[name])
    for name, value in first.state_dict().items():
        assert_array_equal(value, second.state_dict()[name])
    assert first.lr < 0.05  # the plateau was one


def test_a_schedule_sets_the_rate_of_each_update() -> None:
    _, optimizer = fitted(SGD, {"lr": 1.0}, 4, schedules.one_cycle(0.5, total=12))
    assert optimizer.lr == schedules.one_cycle(0.5, total=12)(11)


def test_a_wrong_optimizer_is_not_resumed(tmp_path: Path) -> None:
    file = tmp_path / "run.npz"
    fitted(Adam, {"lr": 0.1}, 1, None, file)
    with pytest.raises(ValueError, match="of Adam, not of SGD"):
        fitted(SGD, {"lr": 0.1}, 2, None, file)
