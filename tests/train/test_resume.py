"""A run that is broken off, at any moment and in any way, ends bit for bit where the unbroken run ends."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microgradnp as mg
from microgradnp import nn
from tests.train.networks import by_hand, classes, classifier, noisy, same, sgd
from tests.train.resuming import digest, run

#: How often a run is killed in earnest; many with the environment variable.
KILLS = int(os.environ.get("MICROGRADNP_KILLS", "3"))


class Crash(BaseException):
    """The power fails."""


class Fail(mg.train.Callback):
    """Lets the power fail at a step."""

    def __init__(self, step: int, moment: str = "on_gradients") -> None:
        def fail(run: Any) -> None:
            if run.step == step:
                raise Crash

        setattr(self, moment, fail)


@pytest.mark.parametrize("every", [1, 4, None])
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_broken_off_at_any_step(every: int | None, optimizer: str, tmp_path: Any) -> None:
    wanted = digest(run(tmp_path / "whole.npz", optimizer=optimizer, every=every, callbacks=[mg.train.Callback()]))
    for step in range(18) if KILLS > 20 else (0, 1, 5, 6, 9, 17):
        path = tmp_path / f"{step}.npz"
        with pytest.raises(Crash):
            run(path, optimizer=optimizer, every=every, callbacks=[Fail(step)])
        assert path.exists() == (step >= (every or 6))
        assert digest(run(path, optimizer=optimizer, every=every, callbacks=[mg.train.Callback()])) == wanted


@pytest.mark.parametrize(
    "options",
    [
        {"shuffle": False},
        {"size": None},
        {"size": 1, "samples": 7},
        {"measure": "after"},
        {"seed": np.random.RandomState},
        {"seed": np.random.MT19937},
        {"seed": np.random.Philox},
        {"seed": np.random.SFC64},
        {"epochs": 9, "early": 1},
    ],
    ids=str,
)
def test_broken_off_twice(options: dict[str, Any], tmp_path: Any) -> None:
    def again(path: Any, callbacks: Any) -> dict[str, Any]:
        given = dict(options)
        if "seed" in given:
            source = given["seed"](3)
            given["seed"] = source if isinstance(source, np.random.RandomState) else np.random.Generator(source)
        return run(path, callbacks=callbacks, **given)

    wanted = digest(again(tmp_path / "whole.npz", [mg.train.Callback()]))
    path = tmp_path / "broken.npz"
    for step in (1, 5):
        try:
            again(path, [Fail(step)])
        except Crash:
            continue
    assert digest(again(path, [mg.train.Callback()])) == wanted
    assert digest(again(path, [mg.train.Callback()])) == wanted  # a finished run is finished


@settings(max_examples=60 if KILLS > 20 else 8)
@given(
    crashes=st.lists(st.integers(0, 20), min_size=1, max_size=3),
    every=st.sampled_from([None, 1, 2, 3, 5]),
    samples=st.integers(3, 15),
    size=st.sampled_from([None, 2, 3, 4, 50]),
    epochs=st.integers(1, 5),
    early=st.sampled_from([None, 1, 2]),
    shuffle=st.booleans(),
    measure=st.sampled_from(["before", "after"]),
    optimizer=st.sampled_from(["plain", "momentum", "adam"]),
    moment=st.sampled_from(["on_gradients", "on_step_end", "on_epoch_end"]),
)
def test_broken_off_anyhow(crashes: list[int], samples: int, size: int | None, moment: str, **options: Any) -> None:
    if size is not None and samples % size == 1:
        samples += 1  # batch normalisation wants two samples at least
    options |= {"samples": samples, "size": size}
    with tempfile.TemporaryDirectory() as folder:
        wanted = digest(run(os.path.join(folder, "whole.npz"), callbacks=[mg.train.Callback()], **options))
        path = os.path.join(folder, "broken.npz")
        for step in crashes:
            with contextlib.suppress(Crash):
                run(path, callbacks=[Fail(step, moment)], **options)
        assert digest(run(path, callbacks=[mg.train.Callback()], **options)) == wanted


def test_a_finished_run_may_be_made_longer(tmp_path: Any) -> None:
    wanted = run(tmp_path / "whole.npz", epochs=5, early=None)
    run(tmp_path / "short.npz", epochs=2, early=None)
    assert digest(run(tmp_path / "short.npz", epochs=5, early=None)) == digest(wanted)
    assert run(tmp_path / "short.npz", epochs=3, early=None)["history"] == wanted["history"]


def test_an_early_stop_is_not_gone_on_from(tmp_path: Any) -> None:
    model = classifier()
    options: dict[str, Any] = {"epochs": 30, "early_stopping": 1, "checkpoint": tmp_path / "run.npz", "resume": True}
    first = mg.train.fit(model, classes(), nn.CrossEntropyLoss(), sgd(model, 30.0), **options)
    assert first.stopped
    twin = classifier()
    second = mg.train.fit(twin, classes(), nn.CrossEntropyLoss(), sgd(twin, 30.0), **options)
    assert second.stopped == first.stopped
    np.testing.assert_array_equal(second.losses, first.losses)
    assert same(model.state_dict(), twin.state_dict())


def test_one_source_for_the_order_and_for_the_layers(tmp_path: Any) -> None:
    def once(path: Any, *callbacks: Any) -> Any:
        rng = np.random.default_rng(1)
        model = nn.Sequential(nn.Linear(2, 4, rng=rng), nn.Dropout(0.5, rng=rng), nn.Linear(4, 2, rng=rng))
        mg.train.fit(
            model, classes(9), nn.CrossEntropyLoss(), sgd(model), epochs=3, batch_size=2, seed=rng,
            checkpoint=path, checkpoint_every=1, resume=True, callbacks=callbacks or [mg.train.Callback()],
        )  # fmt: skip
        return model.state_dict()

    wanted = once(tmp_path / "whole.npz")
    with pytest.raises(Crash):
        once(tmp_path / "broken.npz", Fail(7))
    assert same(once(tmp_path / "broken.npz"), wanted)


@pytest.mark.parametrize("kind", ["list", "batches"])
def test_batches_that_the_user_made(kind: str, tmp_path: Any) -> None:
    X, y = classes(9)

    def once(path: Any, *callbacks: Any) -> Any:
        model = noisy()
        data = [(X[i : i + 3], y[i : i + 3]) for i in (0, 3, 6)] if kind == "list" else mg.data.batches(X, y, 3, rng=1)
        mg.train.fit(
            model, data, nn.CrossEntropyLoss(), sgd(model), epochs=3, metrics="accuracy",
            checkpoint=path, checkpoint_every=1, resume=True, callbacks=callbacks or [mg.train.Callback()],
        )  # fmt: skip
        return model.state_dict()

    wanted = once(tmp_path / "whole.npz")
    with pytest.raises(Crash):
        once(tmp_path / "broken.npz", Fail(5))
    assert same(once(tmp_path / "broken.npz"), wanted)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "make",
    [
        lambda p: mg.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
        lambda p: mg.optim.RMSprop(p, 0.01),
        lambda p: mg.optim.Adagrad(p, 0.1),
        lambda p: mg.optim.AMSGrad(p, 0.01),
        lambda p: mg.optim.AdamW(p, 0.01),
        lambda p: mg.optim.NAdam(p, 0.01),
        lambda p: mg.optim.Lion(p, 0.001),
    ],
    ids=["nesterov", "rmsprop", "adagrad", "amsgrad", "adamw", "nadam", "lion"],
)
def test_every_optimizer(make: Any, dtype: Any, tmp_path: Any) -> None:
    X, y = classes(9)

    def once(path: Any, *callbacks: Any) -> Any:
        model = nn.Sequential(
            nn.Linear(2, 3, rng=0, dtype=dtype), nn.Dropout(0.2, rng=1), nn.Linear(3, 2, rng=2, dtype=dtype)
        )
        schedule = mg.optim.schedules.plateau(0.05, patience=1, factor=0.5)
        mg.train.fit(
            model, (X.astype(dtype), y), nn.CrossEntropyLoss(), make(model.parameters()), epochs=4, batch_size=4, clip=0.5,
            schedule=schedule, checkpoint=path, checkpoint_every=2, resume=True, callbacks=callbacks or [mg.train.Callback()],
        )  # fmt: skip
        assert all(a.dtype == dtype for a in model.state_dict().values())
        return model.state_dict() | {k: np.float64(v) for k, v in schedule.state_dict().items()}

    wanted = once(tmp_path / "whole.npz")
    with pytest.raises(Crash):
        once(tmp_path / "broken.npz", Fail(7))
    assert same(once(tmp_path / "broken.npz"), wanted)


def test_the_names_of_parameters_are_those_in_the_function(tmp_path: Any) -> None:
    def make() -> Any:
        W, b = (mg.tensor(np.ones(s), requires_grad=True) for s in ((2, 2), (2,)))
        return (lambda x: x @ W + b), [W, b]

    first, params = make()
    options: dict[str, Any] = {"epochs": 2, "checkpoint": tmp_path / "run.npz", "resume": True}
    mg.train.fit(first, classes(9), nn.CrossEntropyLoss(), mg.optim.SGD(params, 0.1), **options)
    second, others = make()
    history = mg.train.fit(second, classes(9), nn.CrossEntropyLoss(), mg.optim.SGD(others, 0.1), record=None, **options)
    assert history.epochs == 2
    assert all(np.array_equal(p.data, q.data) for p, q in zip(params, others, strict=True))
    assert list(mg.train.load_checkpoint(tmp_path / "run.npz").model) == ["W", "b"]


def test_a_hand_written_network(tmp_path: Any) -> None:
    def once(path: Any, *callbacks: Any) -> Any:
        predict, p = by_hand()
        mg.train.fit(
            predict, classes(9), nn.CrossEntropyLoss(), mg.optim.SGD(p.values(), 0.1, momentum=0.5), epochs=3,
            batch_size=2, checkpoint=path, checkpoint_every=2, resume=True, callbacks=callbacks or [mg.train.Callback()],
        )  # fmt: skip
        return {name: t.numpy() for name, t in p.items()}

    wanted = once(tmp_path / "whole.npz")
    with pytest.raises(Crash):
        once(tmp_path / "broken.npz", Fail(8))
    assert same(once(tmp_path / "broken.npz"), wanted)
    assert list(mg.train.load_checkpoint(tmp_path / "broken.npz").model) == ["Wh", "bh", "Wo", "bo"]


def test_a_function_of_layers_with_random_numbers_of_its_own(tmp_path: Any) -> None:
    def once(path: Any, *callbacks: Any) -> Any:
        body = nn.Sequential(nn.Linear(2, 4, rng=0), nn.BatchNorm1d(4), nn.Dropout(0.5, rng=1))
        heads = [nn.Linear(4, 2, rng=2)]
        rng = np.random.default_rng(3)
        modes = []

        def noise(x: Any) -> Any:
            modes.append(body.training)
            return x + 0.1 * rng.normal(size=x.shape)

        history = mg.train.fit(
            lambda x: heads[0](body(noise(x))), classes(9), nn.CrossEntropyLoss(),
            mg.optim.Adam([*body.parameters(), *heads[0].parameters()], 0.01), epochs=3, batch_size=3, record=1,
            validation=classes(4, 1), checkpoint=path, checkpoint_every=1, resume=True,
            callbacks=callbacks or [mg.train.Callback()],
        )  # fmt: skip
        assert modes[-4:] == [True, True, True, False]
        assert body.training
        return history.at(-1)

    wanted = once(tmp_path / "whole.npz")
    assert {"body.0.weight", "body.1.running_mean", "heads.0.bias"} < set(wanted)
    with pytest.raises(Crash):
        once(tmp_path / "broken.npz", Fail(4))
    assert same(once(tmp_path / "broken.npz"), wanted)
    with pytest.raises(Crash):
        once(tmp_path / "broken2.npz", Fail(4))
    streams = mg.train.load_checkpoint(tmp_path / "broken2.npz").meta["streams"]["layers"]
    assert list(streams) == ["rng", "body.2.rng"]


def test_resuming_for_fewer_epochs_leaves_the_file_as_it_is(tmp_path: Any) -> None:
    wanted = digest(run(tmp_path / "whole.npz", callbacks=[mg.train.Callback()]))
    path = tmp_path / "broken.npz"
    with pytest.raises(Crash):
        run(path, callbacks=[Fail(9)])
    before = path.read_bytes()
    run(path, epochs=1, callbacks=[mg.train.Callback()])
    assert path.read_bytes() == before
    assert digest(run(path, callbacks=[mg.train.Callback()])) == wanted


# -- killed in earnest -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_killed_at_random_moments(optimizer: str, tmp_path: Any) -> None:
    epochs = 12
    whole = run(tmp_path / "whole.npz", optimizer=optimizer, epochs=epochs, early=None)
    path, out = tmp_path / "killed.npz", tmp_path / "result"
    program = [sys.executable, str(Path(__file__).with_name("resuming.py")), path, out, optimizer, str(epochs)]
    draw, kills = random.Random(1), 0
    while kills < KILLS or not out.exists():
        if out.exists():  # a fast machine was done before it was killed so often: once more from the beginning
            assert out.read_text() == digest(whole)
            out.unlink()
            path.unlink(missing_ok=True)
        process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"ready\n", process.stderr.read().decode()
        if kills < KILLS:
            time.sleep(draw.uniform(0.0, 0.25))
            process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        kills += process.returncode == -signal.SIGKILL
        if process.returncode not in (0, -signal.SIGKILL):
            pytest.fail(errors.decode())
    assert out.read_text() == digest(whole)
    assert [p.name for p in tmp_path.glob(".*")] == []  # nothing is left behind


# -- Ctrl-C ------------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """What is started in the background ignores Ctrl-C; the tests must not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press(run: Any) -> None:
    os.kill(os.getpid(), signal.SIGINT)


class At(mg.train.Callback):
    """Does something at a step, in the middle of it."""

    def __init__(self, step: int, do: Any, moment: str = "on_gradients") -> None:
        setattr(self, moment, lambda run: do(run) if run.step == step else None)


@pytest.mark.parametrize("step", [0, 3, 5, 6, 11])
def test_ctrl_c_keeps_what_was_learned(step: int, tmp_path: Any) -> None:
    wanted = digest(run(tmp_path / "whole.npz", every=None, callbacks=[mg.train.Callback()]))
    model = noisy()
    handler = signal.getsignal(signal.SIGINT)
    options: dict[str, Any] = {"epochs": 2, "batch_size": 4, "record": 1}
    history = mg.train.fit(
        model, classes(23), nn.CrossEntropyLoss(), sgd(model), callbacks=[At(step, press)], **options
    )
    assert signal.getsignal(signal.SIGINT) is handler
    if step < 11:
        assert history.interrupted
        assert history.stopped == f"interrupted in epoch {(step + 1) // 6}, after {step + 1} updates"
    assert history.frames[-1].step == step + 1
    assert same(history.frames[-1].weights, model.state_dict())
    path = tmp_path / "run.npz"
    broken = run(path, every=None, callbacks=[At(step, press)])
    assert broken["stopped"].startswith("interrupted")
    assert digest(run(path, every=None, callbacks=[mg.train.Callback()])) == wanted


def test_a_second_ctrl_c_interrupts_at_once() -> None:
    model = classifier()
    reached = []

    def twice(run: Any) -> None:
        press(run)
        press(run)
        reached.append(run)  # pragma: no cover

    with pytest.raises(KeyboardInterrupt):
        mg.train.fit(model, classes(), nn.CrossEntropyLoss(), sgd(model), epochs=3, callbacks=[At(1, twice)])
    assert not reached
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("moment", ["on_gradients", "on_step_end", "on_epoch_end"])
def test_a_keyboard_interrupt_that_a_callback_raises(moment: str, tmp_path: Any) -> None:
    def stop(run: Any) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "run.npz"
    step = 6 if moment == "on_epoch_end" else 3
    wanted = digest(run(tmp_path / "whole.npz", callbacks=[mg.train.Callback()]))
    broken = run(path, callbacks=[At(step, stop, moment)])
    assert broken["stopped"].startswith("interrupted")
    assert digest(run(path, callbacks=[mg.train.Callback()])) == wanted


def test_an_interrupt_within_an_update_gives_the_whole_one_before() -> None:
    model = classifier()
    optimizer = sgd(model)
    step, before = optimizer.step, model.state_dict()

    def half() -> None:
        model[0].weight.assign(np.ones((2, 5)))
        raise KeyboardInterrupt

    optimizer.step = half
    history = mg.train.fit(model, classes(), nn.CrossEntropyLoss(), optimizer, epochs=3)
    assert history.interrupted
    assert same(model.state_dict(), before)
    optimizer.step = step


def test_a_handler_of_the_users_stays() -> None:
    def mine(*_: Any) -> None:
        pressed.append(1)

    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, mine)
    try:
        model = classifier()
        history = mg.train.fit(model, classes(), nn.CrossEntropyLoss(), sgd(model), epochs=2, callbacks=[At(0, press)])
        assert (len(pressed), history.epochs, history.interrupted) == (1, 2, False)
    finally:
        signal.signal(signal.SIGINT, before)
