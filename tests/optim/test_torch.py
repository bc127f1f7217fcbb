"""Optimizers, schedules and clipping equal PyTorch's, where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from microgradnp.optim import clip_by_norm, clip_by_value, schedules
from tests.optim.factories import IDS, MODES, gradients, parameters, run, starts

torch = pytest.importorskip("torch")

SHAPES = (), (3,), (2, 4)
THEIRS = {"AMSGrad": "Adam"}  # where it has another name
NAMES = {"decay": "alpha"}


@pytest.fixture(autouse=True)
def double() -> Iterator[None]:
    """PyTorch keeps the product of NAdam's momenta in its default type, which is good for 1e-9 only."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("label", "make", "options"), MODES, ids=IDS)
def test_every_optimizer(label: str, make: Any, options: dict[str, Any], dtype: Any) -> None:
    if label == "NAdam textbook":
        pytest.skip("PyTorch has no constant momentum")
    name = make.__name__
    start, steps = starts(*SHAPES, dtype=dtype), gradients(50, *SHAPES, dtype=dtype)
    ours = make(parameters(*start), **options)
    run(ours, steps)
    theirs = [torch.tensor(x, requires_grad=True) for x in start]
    their_options = {NAMES.get(k, k): v for k, v in options.items()} | ({"amsgrad": True} if name == "AMSGrad" else {})
    if not hasattr(torch.optim, THEIRS.get(name, name)):
        pytest.skip(f"this PyTorch has no {name}")
    optimizer = getattr(torch.optim, THEIRS.get(name, name))(theirs, **their_options)
    for given in steps:
        for p, g in zip(theirs, given, strict=True):
            p.grad = torch.tensor(g)
        optimizer.step()
    tolerance = 1e-12 if dtype == np.float64 else 2e-5
    for a, b in zip(ours.params, theirs, strict=True):
        assert_allclose(a.data, b.detach().numpy(), rtol=tolerance, atol=tolerance)


def their_rates(make: Any, steps: int, lr: float = 0.3) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr, momentum=0.9)
    schedule = make(torch.optim.lr_scheduler, optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (schedules.step(0.3, 5, 0.2), lambda s, o: s.StepLR(o, 5, 0.2)),
        (schedules.multi_step(0.3, (3, 11), 0.2), lambda s, o: s.MultiStepLR(o, [3, 11], 0.2)),
        (schedules.exponential(0.3, 0.9), lambda s, o: s.ExponentialLR(o, 0.9)),
        (schedules.cosine(0.3, 30, 0.01), lambda s, o: s.CosineAnnealingLR(o, 30, 0.01)),
        (schedules.cosine_restarts(0.3, 4, 2, 0.01), lambda s, o: s.CosineAnnealingWarmRestarts(o, 4, 2, 0.01)),
        (schedules.warmup(0.3, 6, start=0.1), lambda s, o: s.LinearLR(o, 1 / 3, 1.0, 6)),
        (schedules.one_cycle(0.3, 30), lambda s, o: s.OneCycleLR(o, 0.3, 30)),
        (schedules.one_cycle(0.3, 30, 0.4, 0.1, 0.001), lambda s, o: s.OneCycleLR(o, 0.3, 30, pct_start=0.4, div_factor=3, final_div_factor=100)),
    ],
    ids=lambda x: getattr(type(x), "__name__", ""),
)  # fmt: skip
def test_every_schedule(ours: Any, theirs: Any) -> None:
    assert_allclose(ours.rates(29), their_rates(theirs, 29), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "options", [{"patience": 2}, {"patience": 1, "cooldown": 2}, {"patience": 0, "threshold": 0.1, "minimum": 0.01}]
)
@pytest.mark.parametrize("higher", [False, True])
def test_plateau(options: dict[str, Any], higher: bool) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, "max" if higher else "min", 0.5, **{{"minimum": "min_lr"}.get(k, k): v for k, v in options.items()}
    )
    ours = schedules.plateau(0.3, 0.5, higher_is_better=higher, **options)
    for value in np.random.default_rng(0).uniform(1, 2, 60) + np.linspace(0, 0.5, 60) * (1 if higher else -1):
        ours.observe(value)
        theirs.step(value)
        assert ours(0) == optimizer.param_groups[0]["lr"]


def test_clipping() -> None:
    start, given = starts(*SHAPES), gradients(1, *SHAPES)[0]
    for limit in (0.3, 3.0, 300.0):
        for clip, their_clip in ((clip_by_norm, "clip_grad_norm_"), (clip_by_value, "clip_grad_value_")):
            ours, theirs = parameters(*start), [torch.tensor(x, requires_grad=True) for x in start]
            for p, q, g in zip(ours, theirs, given, strict=True):
                p.grad, q.grad = g, torch.tensor(g)
            norm, their_norm = clip(ours, limit), getattr(torch.nn.utils, their_clip)(theirs, limit)
            if clip is clip_by_norm:
                assert_allclose(norm, float(their_norm), rtol=1e-12)
            for p, q in zip(ours, theirs, strict=True):
                assert_allclose(p.grad, q.grad.numpy(), rtol=1e-6)  # PyTorch adds 1e-6 to the norm
