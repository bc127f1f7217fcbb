"""Schedules: the rates written down, bounds and continuity, what is refused, state and composition."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal

from microgradnp.optim.schedules import (
    constant,
    cosine,
    cosine_restarts,
    exponential,
    multi_step,
    one_cycle,
    plateau,
    step,
    warmup,
)

RATES: list[tuple[Any, dict[int, float]]] = [
    (constant(0.3), {0: 0.3, 10**9: 0.3}),
    (step(0.8, every=3, factor=0.5), {0: 0.8, 2: 0.8, 3: 0.4, 5: 0.4, 6: 0.2, 30: 0.8 / 1024}),
    (multi_step(1.0, (2, 5), factor=0.1), {0: 1.0, 1: 1.0, 2: 0.1, 4: 0.1, 5: 0.01, 99: 0.01}),
    (multi_step(1.0, (), factor=0.1), {0: 1.0, 99: 1.0}),
    (exponential(1.0, 0.25, every=2), {0: 1.0, 1: 0.5, 2: 0.25, 4: 0.0625}),
    (cosine(1.0, total=4), {0: 1.0, 1: (1 + math.sqrt(0.5)) / 2, 2: 0.5, 4: 0.0, 9: 0.0}),
    (cosine(1.0, total=2, final=0.5), {0: 1.0, 1: 0.75, 2: 0.5, 3: 0.5}),
    (cosine_restarts(1.0, period=2), {0: 1.0, 1: 0.5, 2: 1.0, 3: 0.5, 10**6: 1.0}),
    (cosine_restarts(1.0, period=2, growth=2, final=0.5), {0: 1.0, 1: 0.75, 2: 1.0, 4: 0.75, 6: 1.0, 10: 0.75, 14: 1.0}),
    (warmup(0.4, steps=3), {0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4, 100: 0.4}),
    (warmup(step(0.4, every=2, factor=0.5), steps=2, start=0.0), {0: 0.0, 1: 0.2, 2: 0.4, 3: 0.4, 4: 0.2}),
    (one_cycle(1.0, total=10, rising=0.5), {0: 0.04, 2: 0.52, 4: 1.0, 9: 4e-6, 50: 4e-6}),
    (one_cycle(1.0, total=3, rising=0.0, final=0.5), {0: 1.0, 1: 0.75, 2: 0.5}),
    (plateau(0.5), {0: 0.5, 7: 0.5}),
]  # fmt: skip


@pytest.mark.parametrize(("schedule", "rates"), RATES, ids=lambda x: repr(x)[:40] if callable(x) else "")
def test_rates(schedule: Any, rates: dict[int, float]) -> None:
    for i, rate in rates.items():
        assert_allclose(schedule(i), rate, rtol=1e-12, atol=1e-16)
        assert type(schedule(np.int64(i))) is float
    assert_array_equal(schedule.rates(3), [schedule(0), schedule(1), schedule(2)])


@pytest.mark.parametrize("schedule", [s for s, _ in RATES], ids=repr)
def test_a_schedule_is_a_value(schedule: Any) -> None:
    """Shown so that it can be typed again; compared, copied and pickled."""
    names = {
        f.__name__: f
        for f in (constant, cosine, cosine_restarts, exponential, multi_step, one_cycle, plateau, step, warmup)
    }
    assert eval(repr(schedule), names) == schedule
    assert pickle.loads(pickle.dumps(schedule)) == copy.deepcopy(schedule) == schedule
    state = schedule.state_dict()
    schedule.load_state_dict(state)
    if type(schedule) is not plateau:
        assert state == {}


rates = st.floats(1e-6, 10.0)
counts = st.integers(1, 300)


@st.composite
def falling(draw: Any) -> Any:
    lr, n, factor = draw(rates), draw(counts), draw(st.floats(0.01, 1.0))
    return draw(
        st.sampled_from(
            [
                constant(lr),
                step(lr, n, factor),
                multi_step(lr, (n, 2 * n), factor),
                exponential(lr, factor, n),
                cosine(lr, n),
                cosine(lr, n, final=lr * factor),
                cosine_restarts(lr, n, draw(st.integers(1, 3)), lr * factor),
            ]
        )
    )


@given(falling(), st.integers(0, 2000))
def test_never_above_the_first_rate_nor_below_zero(schedule: Any, i: int) -> None:
    assert 0 <= schedule(i) <= schedule.lr * (1 + 1e-15)
    if type(schedule) is not cosine_restarts:
        assert schedule(i + 1) <= schedule(i) * (1 + 1e-15)
    elif schedule(i + 1) > schedule(i):
        assert schedule(i + 1) == schedule.lr


@given(falling(), counts, st.integers(0, 600))
def test_a_warm_up_rises_evenly_and_hands_over(after: Any, steps: int, i: int) -> None:
    schedule = warmup(after, steps)
    assert schedule(steps + i) == after(i)
    peak = after(0)
    rise = np.diff([*schedule.rates(steps), peak])
    assert_allclose(rise, peak / (steps + 1), rtol=1e-9)  # no jump anywhere, the hand-over included
    assert schedule(0) > 0
    assert warmup(warmup(after, steps), 1)(1 + steps + i) == after(i)


@given(rates, st.integers(10, 400), st.floats(0.2, 0.8))
def test_one_cycle_is_smooth_and_has_its_bounds(lr: float, total: int, rising: float) -> None:
    schedule = one_cycle(lr, total, rising)
    found = schedule.rates(total)
    assert_allclose(found[[0, -1]], [lr / 25, lr / 25e4], rtol=1e-9)
    assert np.all((found <= lr) & (found > 0))
    top = int(np.argmax(found))
    assert abs(top - (rising * total - 1)) <= 1
    assert np.all(np.diff(found[: top + 1]) >= 0)
    assert np.all(np.diff(found[top:]) <= 0)
    shortest = max(min(rising * total - 1, total - rising * total), 1.0)
    assert np.max(np.abs(np.diff(found))) <= lr * math.pi / 2 / shortest


@given(rates, st.integers(1, 1000))
def test_the_cosine_is_symmetric_about_its_middle(lr: float, half: int) -> None:
    schedule = cosine(lr, 2 * half, final=lr / 4)
    for i in (0, half // 2, half):
        assert_allclose(schedule(i) + schedule(2 * half - i), lr * 1.25, rtol=1e-12)


# -- plateau -----------------------------------------------------------------------------------------------------------


def told(schedule: Any, values: list[float]) -> list[float]:
    found = []
    for i, value in enumerate(values, 10):
        schedule.observe(value)
        found.append(schedule(i))
    return found


@pytest.mark.parametrize(
    ("options", "values", "rates"),
    [
        ({"patience": 0}, [3, 2, 2, 1, 1], [1, 1, 0.5, 0.5, 0.25]),
        ({"patience": 1}, [3, 3, 3, 3, 3, 2, 2, 2], [1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]),
        ({"patience": 1, "cooldown": 2}, [3, 3, 3, 3, 3, 3, 3], [1, 1, 0.5, 0.5, 0.5, 0.5, 0.25]),
        ({"patience": 0, "minimum": 0.3}, [3, 3, 3, 3], [1, 0.5, 0.3, 0.3]),
        ({"patience": 0, "higher_is_better": True}, [0.5, 0.6, 0.6], [1, 1, 0.5]),
        ({"patience": 0, "threshold": 0.1}, [1.0, 0.95, 0.85], [1, 0.5, 0.5]),
        ({"patience": 0, "threshold": 0.1}, [-1.0, -1.05, -1.2], [1, 0.5, 0.5]),
        ({"patience": 0}, [1.0, math.nan, 0.5], [1, 0.5, 0.5]),
        ({"patience": 0}, [math.inf, math.inf, 1.0], [0.5, 0.25, 0.25]),
    ],
)
def test_plateau(options: dict[str, Any], values: list[float], rates: list[float]) -> None:
    assert told(plateau(1.0, factor=0.5, **options), values) == rates


def test_plateau_goes_on_where_it_was_saved() -> None:
    values = [3, 3, 3, 2.5, 3, 3, 3, 3]
    whole, first = (warmup(plateau(1.0, patience=1, cooldown=1), steps=1, start=1.0) for _ in range(2))
    rates = told(whole, values)
    told(first, values[:4])
    second = warmup(plateau(1.0, patience=1, cooldown=1), steps=1, start=1.0)
    second.load_state_dict({k: np.array(v) for k, v in first.state_dict().items()})
    assert told(second, values[4:]) == rates[4:]
    state = second.state_dict()
    for wrong in ({}, {**state, "more": 1}, {**state, "current": -1.0}, {**state, "current": math.nan}):
        with pytest.raises(ValueError, match=r"nothing was loaded|plateau: current"):
            second.load_state_dict(wrong)
        assert second.state_dict() == state
    with pytest.raises(
        ValueError, match=r"the state does not fit constant.lr=0.1., and nothing was loaded: it holds best"
    ):
        constant(0.1).load_state_dict({"best": 1})


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "arguments", "said"),
    [
        (constant, {"lr": -1}, "constant: lr=-1 must be a finite number that is not negative"),
        (constant, {"lr": math.nan}, "constant: lr=nan"),
        (constant, {"lr": "x"}, "constant: lr must be a number, not 'x'"),
        (step, {"lr": 1, "every": 0}, "step: every=0 must be a number of updates, at least 1"),
        (step, {"lr": 1, "every": 2.5}, "step: every=2.5 must be a number of updates"),
        (step, {"lr": 1, "every": 2, "factor": 1.5}, "step: factor=1.5 must be greater than 0 and at most 1"),
        (multi_step, {"lr": 1, "milestones": (5, 3)}, r"milestones=\(5, 3\) must increase"),
        (multi_step, {"lr": 1, "milestones": 5}, "milestones must be numbers of updates, not 5"),
        (exponential, {"lr": 1, "factor": 0}, "exponential: factor=0"),
        (cosine, {"lr": 1, "total": True}, "cosine: total=True must be a number of updates"),
        (cosine, {"lr": 1, "total": 5, "final": -1}, "cosine: final=-1"),
        (cosine_restarts, {"lr": 1, "period": 5, "growth": 0}, "cosine_restarts: growth=0"),
        (warmup, {"after": "cosine", "steps": 5}, "constant: lr must be a number, not 'cosine'"),
        (warmup, {"after": 0.1, "steps": -5}, "warmup: steps=-5"),
        (warmup, {"after": 0.1, "steps": 5, "start": -0.1}, "warmup: start=-0.1"),
        (one_cycle, {"lr": 1, "total": 1}, "one_cycle: total=1 must be at least 2"),
        (one_cycle, {"lr": 1, "total": 9, "rising": 1}, "one_cycle: rising=1 must be at least 0 and less than 1"),
        (plateau, {"lr": 1, "patience": -1}, "plateau: patience=-1 must be a number of epochs, 0 or more"),
    ],
)
def test_settings_that_make_no_sense(make: Any, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises((ValueError, TypeError), match=said):
        make(**arguments)


@pytest.mark.parametrize("at", [-1, 0.5, True, "1", None])
def test_a_step_is_a_number_of_updates(at: Any) -> None:
    with pytest.raises(ValueError, match=r"must be a number of updates: 0, 1, 2, ..."):
        constant(0.1)(at)


def test_plateau_observes_numbers() -> None:
    with pytest.raises(TypeError, match="the value that plateau observes must be a number, not 'low'"):
        plateau(0.1).observe("low")  # type: ignore[arg-type]
