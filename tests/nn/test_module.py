"""Modules: what is found in them, saved, loaded, shown, and which layer an error comes from."""

from __future__ import annotations

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp import nn, tree


class Nested(nn.Module):
    """Parameters in attributes, lists, dicts and other Modules; buffers; tied weights; and what is neither."""

    def __init__(self) -> None:
        self.first = nn.Linear(2, 3, rng=0)
        self.blocks = [nn.Linear(3, 3, rng=1), {"deep": nn.Linear(3, 1, bias=False, rng=2)}]
        self.heads = {"a": mg.tensor([1.0], requires_grad=True), "b": mg.tensor([2.0])}
        self.tied = self.first.weight
        self.drop = nn.Dropout(0.5, rng=3)
        self.array = np.ones(3)
        self.name = "nested"
        self.loop = self

    def forward(self, x: Any) -> Any:
        x = self.blocks[0](np.tanh(self.first(x)))
        self.seen = x  # computed: no state
        return self.blocks[1]["deep"](x) * self.heads["a"] + self.heads["b"]


PARAMETERS = ["first.weight", "first.bias", "blocks.0.weight", "blocks.0.bias", "blocks.1.deep.weight", "heads.a"]


def test_parameters_by_name() -> None:
    model = Nested()
    model(np.ones((4, 2)))
    assert [name for name, _ in model.named_parameters()] == PARAMETERS
    assert [*model.state_dict()] == [*PARAMETERS, "heads.b"]
    assert len(list(model.parameters())) == len(PARAMETERS)
    assert [name for name, _ in model.named_modules()] == ["", "first", "blocks.0", "blocks.1.deep", "drop"]
    assert [name for name, _ in model.named_generators()] == ["drop.rng"]


def test_training_reaches_every_module() -> None:
    model = Nested()
    assert model.eval() is model
    assert not any(m.training for m in model.modules())
    assert all(m.training for m in model.train().modules())


def test_zero_grad() -> None:
    model = Nested()
    np.sum(model(np.ones((4, 2)))).backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_state_is_copied_both_ways() -> None:
    model, state = nn.Linear(2, 1, rng=0), nn.Linear(2, 1, rng=1).state_dict()
    model.load_state_dict(state)
    state["weight"][:] = 0
    assert model.weight.data.all()
    model.state_dict()["weight"][:] = 0
    assert model.weight.data.all()


def test_a_state_of_tensors_or_lists_loads_and_is_converted() -> None:
    model = nn.Linear(2, 1, dtype=np.float32)
    model.load_state_dict({"weight": mg.tensor([[1], [2]]), "bias": [3.0]})
    assert model.weight.dtype == np.float32
    np.testing.assert_array_equal(model(np.ones((1, 2), np.float32)).data, [[6.0]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": None}, r"weight, of shape \(2, 3\), is missing"),
        ({"wieght": np.ones((2, 3))}, r"wieght is unexpected \(did you mean weight\?\)"),
        ({"weight": np.ones((3, 2))}, r"weight has shape \(3, 2\), wanted is \(2, 3\)"),
        ({"bias": np.ones(3) * 1j}, "bias is of complex128, which does not convert to float64"),
        ({"bias": np.array(["a", "b", "c"])}, "bias is of <U1"),
        ({"bias": np.array([None] * 3)}, "bias is of object"),
        ({"bias": [[1], [1, 2]]}, "bias is no array"),
    ],
)
def test_a_state_that_does_not_fit_loads_nothing(change: dict[str, Any], message: str) -> None:
    model = nn.Linear(2, 3, rng=0)
    before = model.state_dict()
    state = {**{name: v + 1 for name, v in before.items()}, **change}
    with pytest.raises(ValueError, match=message):
        model.load_state_dict({name: v for name, v in state.items() if v is not None})
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_a_state_that_is_no_mapping() -> None:
    with pytest.raises(TypeError, match="mapping"):
        nn.Linear(1, 1).load_state_dict([1.0])  # type: ignore[arg-type]


def test_repr_shows_shapes_and_counts() -> None:
    model = nn.Sequential(nn.Linear(784, 64), np.tanh, nn.Residual(nn.Linear(64, 64), nn.ReLU()))
    assert repr(model).splitlines() == [
        "Sequential(3 layers)",
        "  0: Linear(784 -> 64)           weight (784, 64), bias (64,)  50,240",
        "  1: tanh",
        "  2: Residual()",
        "    layer: Sequential(2 layers)",
        "      0: Linear(64 -> 64)        weight (64, 64), bias (64,)    4,160",
        "      1: ReLU()",
        "54,400 parameters",
    ]


def test_repr_tells_buffers_from_parameters() -> None:
    wanted = "BatchNorm1d(2)  weight (2,), bias (2,) [running_mean (2,), running_var (2,)]  4"
    assert repr(nn.BatchNorm1d(2)) == wanted


@pytest.mark.parametrize("twice", [{"a.b": 1.0, "a": {"b": 2.0}}, {0: 1.0, "0": 2.0}])
def test_names_must_differ(twice: dict[Any, Any]) -> None:
    model = nn.Module()
    model.heads = tree.transform(nn.parameter, twice)  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="have the name heads"):
        model.state_dict()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_is_the_same_and_independent(copied: Any) -> None:
    model, x = Nested(), np.ones((4, 2))
    twin = copied(model)
    assert twin.tied is twin.first.weight
    np.testing.assert_array_equal(twin(x).data, model(x).data)
    twin.first.weight.assign(np.zeros((2, 3)))
    assert model.first.weight.data.any()


def test_errors_name_the_layer() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 1))
    with pytest.raises(ValueError, match="4 rows") as caught:
        model(np.ones((5, 2)))
    assert caught.value.__notes__ == [
        "in Linear(4 -> 1), on input of shape (5, 3)",
        "in Sequential(2 layers), on input of shape (5, 2)",
    ]


def test_a_module_without_forward() -> None:
    with pytest.raises(NotImplementedError, match="define `def forward"):
        nn.Module()(1.0)


def test_sequential_is_a_sequence() -> None:
    layers = [nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)]
    model = nn.Sequential(*layers)
    assert list(model) == layers
    assert len(model) == 3
    assert model[0] is layers[0]
    assert list(model[1:]) == layers[1:]
    with pytest.raises(TypeError, match=r"Sequential\(\*layers\)"):
        nn.Sequential(layers)
    with pytest.raises(TypeError, match="layer 0 of Sequential is a int"):
        nn.Sequential(3)


def test_residual_refuses_to_broadcast() -> None:
    with pytest.raises(ValueError, match="shortcut"):
        nn.Residual(nn.Linear(3, 1))(np.ones((5, 3)))


# -- the network as a function of its parameters -----------------------------------------------------------------------


def test_functional_call_leaves_the_module_as_it_was() -> None:
    model = Nested()
    before = {name: (t, t.numpy()) for name, t in model.named_tensors()}
    state = {name: np.full(p.shape, 0.5) for name, p in model.named_parameters()}
    assert isinstance(nn.functional_call(model, {**state, "heads.b": np.ones(1)}, np.ones((4, 2))), np.ndarray)
    with pytest.raises(ValueError, match="2 rows"):
        nn.functional_call(model, state, np.ones((4, 9)))
    for name, t in model.named_tensors():
        assert t is before[name][0]
        np.testing.assert_array_equal(t.data, before[name][1])


def test_functional_calls_in_threads_do_not_take_each_others_values() -> None:
    layer, x = nn.Linear(2, 1, rng=0), np.ones((1, 2))
    before = layer.state_dict()
    start = threading.Barrier(4)

    def calls(k: int) -> list[bool]:
        start.wait()
        state = {"weight": np.full((2, 1), float(k)), "bias": np.zeros(1)}
        return [bool(nn.functional_call(layer, state, x) == 2 * k) for _ in range(500)]

    with ThreadPoolExecutor(4) as pool:
        assert all(all(right) for right in pool.map(calls, range(4)))
    for name, a in layer.state_dict().items():
        np.testing.assert_array_equal(a, before[name])


def test_functional_call_replaces_tied_weights_everywhere() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.a = nn.Linear(2, 2, bias=False)
            self.b = [self.a.weight]

        def forward(self, x: Any) -> Any:
            return self.a(x) @ self.b[0]

    np.testing.assert_array_equal(nn.functional_call(Tied(), {"a.weight": 2 * np.eye(2)}, np.eye(2)), 4 * np.eye(2))


@pytest.mark.parametrize(
    ("state", "message"),
    [({"wight": np.ones(1)}, "no parameter of Linear"), ({"bias": np.ones(1)}, r"bias has shape \(1,\)")],
)
def test_functional_call_refuses(state: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nn.functional_call(nn.Linear(2, 3), state, np.ones((1, 2)))


def test_gradients_by_transforms_and_by_backward_agree() -> None:
    model, x = Nested(), np.random.default_rng(0).normal(size=(4, 2))
    np.sum(model(x) ** 2).backward()
    state = {name: p.data for name, p in model.named_parameters()}
    gradient = mg.grad(lambda s: np.sum(nn.functional_call(model, s, x) ** 2))(state)
    for name, p in model.named_parameters():
        np.testing.assert_allclose(gradient[name], p.grad, rtol=1e-13)
