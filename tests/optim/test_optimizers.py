"""What all optimizers share: parameters, settings, the step, saving and loading."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import microgradnp as mg
from microgradnp import nn
from microgradnp.optim import SGD, Adam, AdamW, Lion, NAdam, Optimizer, RMSprop
from tests.optim.factories import IDS, MODES, gradients, parameters, run, starts

SHAPES = (), (3,), (2, 4)
every = pytest.mark.parametrize(("label", "make", "options"), MODES, ids=IDS)


def saved_and_read(state: dict[str, Any]) -> dict[str, Any]:
    """Return a state as it comes back from an .npz file without pickle."""
    file = io.BytesIO()
    np.savez(file, **state)
    file.seek(0)
    with np.load(file, allow_pickle=False) as read:
        return dict(read)


# -- saved and resumed -------------------------------------------------------------------------------------------------


@every
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("after", [0, 1, 7])
def test_a_resumed_run_equals_the_unbroken_one(
    label: str, make: Any, options: dict[str, Any], dtype: Any, after: int
) -> None:
    steps, start = gradients(12, *SHAPES, dtype=dtype), starts(*SHAPES, dtype=dtype)
    whole = make(parameters(*start), **options)
    run(whole, steps)
    first = make(parameters(*start), **options)
    run(first, steps[:after])
    first.lr = options["lr"]  # what a schedule does
    state, values = saved_and_read(first.state_dict()), [p.numpy() for p in first.params]
    run(first, steps[after:])  # does not change what was saved
    other = {
        name: {False: True, True: False}.get(value, value) for name, value in options.items() if name != "nesterov"
    }
    second = make(parameters(*values), **other | {"lr": 3.0})
    second.load_state_dict(state)
    run(second, steps[after:])
    for a, b, c in zip(whole.params, first.params, second.params, strict=True):
        assert a.dtype == c.dtype == dtype
        assert_array_equal(a.data, b.data)
        assert_array_equal(a.data, c.data)
    assert repr(whole) == repr(second)
    assert list(whole.state_dict()) == list(second.state_dict())
    for key, value in whole.state_dict().items():
        assert_array_equal(value, second.state_dict()[key], strict=isinstance(value, np.ndarray))


def test_groups_are_saved_and_resumed() -> None:
    steps, start = gradients(6, *SHAPES), starts(*SHAPES)

    def made(values: list[Any], lr: float = 0.1) -> Any:
        a, b, c = parameters(*values)
        return AdamW([{"params": [a, b], "lr": lr / 2}, {"params": [c], "weight_decay": 0.0}], lr=lr)

    whole = made(start)
    run(whole, steps)
    first = made(start)
    run(first, steps[:3])
    second = made([p.data for p in first.params], lr=7.0)
    second.load_state_dict(saved_and_read(first.state_dict()))
    run(second, steps[3:])
    for a, b in zip(whole.params, second.params, strict=True):
        assert_array_equal(a.data, b.data)


def test_a_state_is_a_copy() -> None:
    optimizer = Adam(parameters(np.ones(3)))
    run(optimizer, gradients(1, (3,)))
    state = optimizer.state_dict()
    kept = state["0.m"].copy()
    run(optimizer, gradients(3, (3,)))
    assert_array_equal(state["0.m"], kept)
    optimizer.load_state_dict(state)
    state["0.m"][:] = 0
    assert_array_equal(optimizer.state_dict()["0.m"], kept)


def adam() -> Any:
    optimizer = Adam(list(zip("Wb", parameters(np.ones((2, 3)), np.ones(3)), strict=True)), lr=0.1)
    run(optimizer, gradients(2, (2, 3), (3,)))
    return optimizer


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"W.m": None}, ["W.m is missing"]),
        ({"W.m": np.ones((3, 2))}, [r"W.m has shape \(3, 2\), wanted is \(2, 3\)"]),
        ({"W.m": 1.5}, [r"W.m has shape \(\), wanted is \(2, 3\)"]),
        ({"W.m": "no"}, ["W.m is of <U2, which does not convert to float64"]),
        ({"W.m": np.ones((2, 3)) * 1j}, ["W.m is of complex128"]),
        ({"b.n": np.ones(3), "b.m": None}, ["b.m is missing", r"b.n is unexpected \(did you mean b.[mv]\?\)"]),
        ({"b.t": -1}, ["b.t is -1, wanted is a number of steps"]),
        ({"b.t": 1.5, "W.t": None}, ["W.t is missing", "b.t is 1.5, wanted is a number of steps"]),
        ({"lr": -1.0}, ["lr=-1 must be"]),
        ({"lr": float("nan"), "eps": None}, ["lr=nan must be", "eps is missing"]),
        ({"betas": np.array([0.9])}, ["betas must be two numbers"]),
        ({"betas": np.array([0.9, 1.0])}, [r"betas\[1\]=1 must be"]),
        ({"optimizer": "SGD"}, ["of SGD, not of Adam"]),
        ({"optimizer": None}, ["optimizer is missing"]),
        ({"W.m": [[1.0], [1.0, 2.0]]}, ["W.m is no array"]),
    ],
)
def test_a_state_that_does_not_fit_is_not_loaded_at_all(change: dict[str, Any], said: list[str]) -> None:
    source, target = adam(), adam()
    state = {k: v for k, v in {**source.state_dict(), **change}.items() if v is not None}
    target.lr, before = 0.7, target.state_dict()
    before["lr"] = 0.7
    with pytest.raises(ValueError, match="nothing was loaded") as caught:
        target.load_state_dict(state)
    for text in said:
        assert re.search(text, str(caught.value)), caught.value
    after = target.state_dict()
    assert list(after) == list(before)
    for key in after:
        assert_array_equal(after[key], before[key])


def test_settings_that_do_not_go_together_are_not_loaded() -> None:
    state = SGD(parameters(1.0), lr=0.1, momentum=0.5, nesterov=True).state_dict()
    target = SGD(parameters(1.0), lr=0.2)
    with pytest.raises(ValueError, match=r"nothing was loaded:\n  nesterov=True wants a momentum"):
        target.load_state_dict({**state, "momentum": 0.0})
    assert target.lr == 0.2
    half = Adam(parameters(np.float16(1.0)), lr=0.2, eps=1e-3)
    with pytest.raises(ValueError, match=r"nothing was loaded:\n  eps=1e-08 is 0 in float16"):
        half.load_state_dict(Adam(parameters(1.0), lr=0.1).state_dict())
    assert (half.lr, half.eps) == (0.2, 1e-3)


def test_a_state_must_be_a_mapping() -> None:
    with pytest.raises(TypeError, match="wants a mapping of names to arrays, not a list"):
        adam().load_state_dict([1])


# -- parameters --------------------------------------------------------------------------------------------------------


def test_parameters_in_every_form() -> None:
    model = nn.Linear(2, 3, rng=0)
    assert Adam(model.parameters()).names == ["0", "1"]
    assert Adam(model.named_parameters()).names == ["weight", "bias"]
    assert Adam(dict(model.named_parameters())).names == ["weight", "bias"]
    assert Adam([{"params": [model.weight]}, {"params": model.bias}]).names == ["0", "1"]
    optimizer = Adam([{"params": {"w": model.weight}}, {"params": [("b", model.bias)], "lr": 0.5}])
    assert optimizer.names == ["w", "b"]
    assert optimizer.params[0] is model.weight


W = mg.tensor([1.0, 2.0], requires_grad=True, name="W")


@pytest.mark.parametrize(
    ("params", "error", "said"),
    [
        ([], ValueError, r"SGD got no parameters: pass the tensors to train, e.g. SGD\(\[W, b\], lr=0.1\)"),
        ([{"params": []}], ValueError, "SGD got no parameters in group 0"),
        ({}, ValueError, "SGD got no parameters"),
        (W, TypeError, r"SGD wants an iterable of tensors, not one Tensor: pass \[...\] around it"),
        (nn.Linear(1, 1), TypeError, r"not one Linear: pass model.parameters\(\) or model.named_parameters\(\)"),
        (3, TypeError, "wants an iterable of tensors"),
        ([np.ones(2)], TypeError, "parameter 0 is no Tensor but ndarray"),
        ([("b", 1.0)], TypeError, "parameter b is no Tensor but float"),
        ([mg.tensor([1.0])], TypeError, "parameter 0 is no leaf that requires a gradient"),
        ([W, 2 * W], TypeError, "parameter 1 is no leaf but the result of multiply"),
        ([W, W], ValueError, "W and W are the same tensor, which would step twice"),
        ([("a", W), ("b", W)], ValueError, "are the same tensor"),
        ([("a", W), ("a", mg.tensor(1.0, requires_grad=True))], ValueError, "two parameters have the name a"),
        ([mg.tensor([1j], requires_grad=True)], TypeError, "parameter 0 is complex"),
        (
            [{"params": [W], "momentun": 0.5}],
            ValueError,
            "group 0 of SGD has 'params', 'momentun'; a group is a dict of",
        ),
        (
            [{"weights": [W]}],
            ValueError,
            "a group is a dict of 'params' and any of lr, momentum, nesterov, weight_decay",
        ),
        ([{"params": [W]}, W], TypeError, "groups .dicts. and parameters side by side"),
        ([{"params": 3}], TypeError, "the 'params' of group 0 of SGD must be tensors, not one int"),
        ([(W, "W")], TypeError, "parameter 0 is no Tensor but tuple"),
        ([{"params": [W], "lr": -1}], ValueError, "lr=-1 must be a finite number that is not negative"),
    ],
)
def test_parameters_that_cannot_be_trained(params: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        SGD(params, lr=0.1)


@pytest.mark.parametrize(
    ("make", "options", "error", "said"),
    [
        (SGD, {"lr": -0.1}, ValueError, "lr=-0.1 must be a finite number that is not negative"),
        (SGD, {"lr": float("nan")}, ValueError, "lr=nan"),
        (SGD, {"lr": float("inf")}, ValueError, "lr=inf"),
        (SGD, {"lr": "0.1"}, TypeError, "lr must be a number, not '0.1'"),
        (SGD, {"lr": [0.1, 0.2]}, TypeError, "lr must be a number"),
        (SGD, {"lr": 0.1, "momentum": 1.5}, ValueError, "momentum=1.5 must be from 0 to 1"),
        (SGD, {"lr": 0.1, "nesterov": True}, ValueError, "nesterov=True wants a momentum greater than 0"),
        (SGD, {"lr": 0.1, "nesterov": "yes", "momentum": 0.5}, TypeError, "nesterov must be True or False, not 'yes'"),
        (SGD, {"lr": 0.1, "weight_decay": -1}, ValueError, "weight_decay=-1"),
        (Adam, {"betas": (0.9, 1.0)}, ValueError, r"betas\[1\]=1 must be at least 0 and less than 1"),
        (Adam, {"betas": (-0.1, 0.9)}, ValueError, r"betas\[0\]=-0.1"),
        (Adam, {"betas": 0.9}, TypeError, "betas must be two numbers"),
        (Adam, {"eps": -1e-8}, ValueError, "eps=-1e-08"),
        (RMSprop, {"decay": 1.0}, ValueError, "decay=1 must be at least 0 and less than 1"),
        (NAdam, {"momentum_decay": float("nan")}, ValueError, "momentum_decay=nan must not be negative"),
        (Lion, {"betas": (0.9,)}, TypeError, "betas must be two numbers"),
    ],
)
def test_settings_that_make_no_sense(make: Any, options: dict[str, Any], error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        make(parameters(np.ones(2)), **options)
    if "lr" in options and len(options) == 1:
        optimizer = make(parameters(np.ones(2)), lr=0.5)
        with pytest.raises(error, match=said):
            optimizer.lr = options["lr"]
        assert optimizer.lr == 0.5


@pytest.mark.parametrize(
    ("name", "meant"), [("learning_rate", "lr"), ("momentun", "momentum"), ("weightdecay", "weight_decay")]
)
def test_a_setting_that_does_not_exist_is_not_ignored(name: str, meant: str) -> None:
    optimizer = SGD(parameters(1.0), lr=0.1)
    with pytest.raises(AttributeError, match=f"SGD has no setting {name}; did you mean {meant}. It has lr, momentum"):
        setattr(optimizer, name, 0.5)
    optimizer.note = "mine"


def test_an_eps_that_is_zero_in_the_type_of_a_parameter() -> None:
    half = parameters(np.ones(2, dtype=np.float16))
    with pytest.raises(ValueError, match="eps=1e-08 is 0 in float16, of which parameter 0 is"):
        Adam(half)
    Adam(half, eps=1e-4)


# -- steps -------------------------------------------------------------------------------------------------------------


def test_settings_can_be_changed_between_steps() -> None:
    (w,) = parameters(np.array([1.0]))
    optimizer = SGD([w], lr=0.5)
    run(optimizer, [[[1.0]]])
    optimizer.lr = np.float32(0.25)
    assert type(optimizer.lr) is float
    optimizer.momentum = 0.5
    run(optimizer, [[[1.0]], [[1.0]]])  # the velocity begins with 0
    assert w.item() == 1.0 - 0.5 - 0.25 - 0.25 * 1.5


def test_the_rates_of_groups_stay_in_proportion() -> None:
    a, b = parameters(1.0, 1.0)
    optimizer = SGD([{"params": a}, {"params": b, "lr": 0.3}], lr=0.1)
    run(optimizer, [[1.0, 1.0]])
    assert (a.item(), b.item()) == (0.9, 0.7)
    optimizer.lr = 0.05
    run(optimizer, [[1.0, 1.0]])
    np.testing.assert_allclose((a.item(), b.item()), (0.85, 0.55))
    assert repr(optimizer).splitlines() == [
        "SGD(2 parameters of 2 numbers, lr=0.05, momentum=0, nesterov=False, weight_decay=0)",
        "  group 0: 0: as above",
        "  group 1: 1: lr=0.15",
    ]


@every
def test_what_is_frozen_or_has_no_gradient_is_skipped(label: str, make: Any, options: dict[str, Any]) -> None:
    a, b, c = parameters(1.0, 1.0, 1.0)
    optimizer = make([a, b, c], **options)
    a.grad = b.grad = 1.0
    b.requires_grad = False
    optimizer.step()
    assert a.item() != 1.0
    assert b.item() == c.item() == 1.0
    other = make([b], **options)  # frozen for a while
    b.requires_grad = True
    b.grad = 1.0
    other.step()
    assert b.item() == a.item()  # its first step
    optimizer.zero_grad()
    assert a.grad is b.grad is None


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_and_what_was_taken_before_stay(label: str, make: Any, options: dict[str, Any], dtype: Any) -> None:
    start, steps = starts(*SHAPES, dtype=dtype), gradients(3, *SHAPES, dtype=dtype)
    optimizer = make(parameters(*start), **options)
    for given in steps:
        before = [(p.data, p.data.copy()) for p in optimizer.params]
        run(optimizer, [given])
        grads = [p.grad for p in optimizer.params]
        for p, (old, copied), g, right in zip(optimizer.params, before, grads, given, strict=True):
            assert p.dtype == dtype
            assert_array_equal(old, copied)
            assert_array_equal(g, right)
    for key, value in optimizer.state_dict().items():
        if isinstance(value, np.ndarray) and "." in key:
            assert value.dtype == dtype


def test_a_backward_pass_through_a_stepped_value_is_an_error() -> None:
    (w,) = parameters(np.array([1.0, 2.0]))
    loss = np.sum(w**2)
    w.grad = [1.0, 1.0]
    Adam([w]).step()
    with pytest.raises(RuntimeError, match="was changed since"):
        loss.backward()


def test_a_rule_of_ones_own() -> None:
    def heavy(parameter: Any, gradient: Any, speed: Any, *, lr: float) -> Any:
        speed = 0.5 * speed - lr * gradient
        return parameter + speed, speed

    class Heavy(Optimizer):
        rule = staticmethod(heavy)
        states = ("speed",)

    (w,) = parameters(np.array([1.0]))
    optimizer = Heavy([w], lr=0.5)
    run(optimizer, [[[1.0]], [[1.0]]])
    assert w.item() == 1.0 - 0.5 - 0.75
    assert_array_equal(optimizer.state_dict()["0.speed"], [-0.75])


def test_two_optimizers_share_no_state() -> None:
    a, b = (nn.Linear(3, 2, rng=5) for _ in range(2))
    for model in (a, b):
        run(Adam(model.parameters(), lr=0.1), gradients(4, (3, 2), (2,)))
    assert_array_equal(a.weight.data, b.weight.data)
