"""Every layer and every loss, one a line: gradients against differences, values against plain NumPy written out."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp import nn
from tests.factories import Array, Input, assert_close, flat, leaves, other, positive, real, separate, unit
from tests.primitives.cases import averaged, convolved, largest


@dataclass(frozen=True, eq=False)
class Case:
    """A Module, what it is called with, and what it should return, given its state by name."""

    module: nn.Module
    inputs: tuple[Any, ...]
    reference: Callable[..., Any]

    def values(self, dtype: Any = np.float64) -> list[Any]:
        rng = np.random.default_rng(zlib.crc32(repr(self).encode()))
        return [x(rng, dtype) if isinstance(x, Input) else x for x in self.inputs]

    def state(self, dtype: Any = np.float64) -> dict[str, Array]:
        """Return other parameters than the initial ones: biases that are 0 and gains that are 1 hide mistakes."""
        rng = np.random.default_rng(7)
        return {name: rng.uniform(0.4, 0.9, p.shape).astype(dtype) for name, p in self.module.named_parameters()}

    def __repr__(self) -> str:
        return f"{self.module.label()}{[getattr(x, 'shape', x) for x in self.inputs]}".replace(" ", "")


def case(module: nn.Module, *inputs: Any, reference: Callable[..., Any]) -> Case:
    return Case(module, inputs, reference)


def elementwise(f: Callable[[float], float]) -> Callable[..., Array]:
    return lambda state, x: np.vectorize(f, otypes=[float])(x)


def affine(state: dict[str, Array], x: Array) -> Array:
    y = np.zeros((*x.shape[:-1], state["weight"].shape[1]))
    for index in np.ndindex(y.shape):
        y[index] = sum(x[*index[:-1], k] * w for k, w in enumerate(state["weight"][:, index[-1]]))
        y[index] += state["bias"][index[-1]] if "bias" in state else 0.0
    return y


def mean_of(f: Callable[[float, float], float]) -> Callable[..., Any]:
    return lambda state, x, t: np.mean([f(a, b) for a, b in zip(x.ravel(), t.ravel(), strict=True)])


def softmax(x: Array) -> Array:
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def huber(a: float, b: float) -> float:
    e = abs(a - b)
    return e * e / 2 if e <= 0.7 else 0.7 * (e - 0.35)


def crossed(state: Any, x: Array, labels: Array) -> float:
    return -sum(np.log(softmax(row)[k]) for row, k in zip(x, labels, strict=True)) / len(x)


def bce(z: float, t: float) -> float:
    y = 1 / (1 + math.exp(-z))
    return -(t * math.log(y) + (1 - t) * math.log(1 - y))


X, LABELS = real(4, 3), np.array([2, 0, 1, 1])

SIMPLE = [
    case(nn.Linear(3, 2, rng=0), X, reference=affine),
    case(nn.Linear(3, 2, bias=False, rng=0), X, reference=affine),
    case(nn.Linear(3, 2, rng=0), real(2, 4, 3), reference=affine),
    case(nn.Linear(3, 2, rng=0), real(3), reference=affine),
    case(nn.ReLU(), X, reference=elementwise(lambda z: max(z, 0.0))),
    case(nn.LeakyReLU(0.2), X, reference=elementwise(lambda z: z if z > 0 else 0.2 * z)),
    case(nn.ELU(1.5), X, reference=elementwise(lambda z: z if z > 0 else 1.5 * (math.exp(z) - 1))),
    case(nn.GELU(), X, reference=elementwise(lambda z: z * math.erfc(-z / math.sqrt(2)) / 2)),
    case(
        nn.GELU("tanh"),
        X,
        reference=elementwise(
            lambda z: z * (1 + math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))) / 2,
        ),
    ),
    case(nn.SiLU(), X, reference=elementwise(lambda z: z / (1 + math.exp(-z)))),
    case(nn.Logistic(), X, reference=elementwise(lambda z: 1 / (1 + math.exp(-z)))),
    case(nn.Identity(), X, reference=lambda state, x: x),
    case(nn.Tanh(), X, reference=elementwise(math.tanh)),
    case(nn.Softplus(), X, reference=elementwise(lambda z: math.log(1 + math.exp(z)))),
    case(nn.Softmax(), X, reference=lambda state, x: softmax(x)),
    case(nn.Softmax(axis=0), X, reference=lambda state, x: softmax(x.T).T),
    case(nn.LogSoftmax(axis=0), X, reference=lambda state, x: np.log(softmax(x.T).T)),
    case(nn.Flatten(), real(4, 3, 2), reference=lambda state, x: np.array([row.ravel() for row in x])),
    case(nn.Flatten(-2), real(4, 3, 2), reference=lambda state, x: np.array([row.ravel() for row in x])),
    case(nn.Residual(np.tanh), X, reference=lambda state, x: x + np.tanh(x)),
    case(nn.Residual(np.sum, shortcut=lambda x: x[0, 0]), X, reference=lambda state, x: x[0, 0] + x.sum()),
    case(nn.Dropout(0.3).eval(), X, reference=lambda state, x: x),
    case(nn.Sequential(np.sin, nn.Tanh()), X, reference=lambda state, x: np.tanh(np.sin(x))),
    case(nn.Sequential(), X, reference=lambda state, x: x),
]

LOSSES = [
    case(nn.CrossEntropyLoss(), X, LABELS, reference=crossed),
    case(nn.CrossEntropyLoss("sum", axis=0), real(3, 4), LABELS, reference=lambda s, x, k: 4 * crossed(s, x.T, k)),
    case(nn.NLLLoss(), real(4, 3), LABELS, reference=lambda s, x, k: -np.mean([r[i] for r, i in zip(x, k)])),  # noqa: B905
    case(nn.NLLLoss("none"), X, LABELS, reference=lambda s, x, k: -np.array([r[i] for r, i in zip(x, k)])),  # noqa: B905
    case(nn.BCEWithLogitsLoss(), X, np.array([[0.1, 0.9, 0.3]] * 4), reference=mean_of(bce)),
    case(nn.MSELoss(), X, other(4, 3), reference=mean_of(lambda a, b: (a - b) ** 2)),
    case(nn.MSELoss("sum"), X, other(4, 3), reference=lambda s, a, b: 12 * mean_of(lambda a, b: (a - b) ** 2)(s, a, b)),
    case(nn.L1Loss(), X, other(4, 3), reference=mean_of(lambda a, b: abs(a - b))),
    case(nn.L1Loss("none"), X, other(4, 3), reference=lambda state, a, b: abs(a - b)),
    case(nn.HuberLoss(delta=0.7), X, unit(4, 3), reference=mean_of(huber)),
    case(nn.HuberLoss(delta=9.0), X, positive(4, 3), reference=mean_of(lambda a, b: (a - b) ** 2 / 2)),
]


def convolution(stride: int = 1, padding: int = 0, groups: int = 1) -> Callable[..., Array]:
    def run(state: dict[str, Array], x: Array) -> Array:
        y = convolved(x, state["weight"], stride=stride, padding=padding, groups=groups)
        return y + state["bias"][:, None, None] if "bias" in state else y

    return run


def normalised(state: dict[str, Array], x: Array, axes: Any, shape: Any) -> Array:
    mean = x.mean(axes, keepdims=True)
    y = (x - mean) / np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True) + 1e-5)
    return y * state["weight"].reshape(shape) + state["bias"].reshape(shape) if state else y


IMAGE = real(2, 4, 5, 3)

IMAGES = [
    case(nn.Conv2d(4, 6, 3, padding=1, rng=0), IMAGE, reference=convolution(padding=1)),
    case(nn.Conv2d(4, 6, 3, padding="same", rng=0), IMAGE, reference=convolution(padding=1)),
    case(nn.Conv2d(4, 2, 2, stride=2, groups=2, bias=False, rng=0), IMAGE, reference=convolution(2, groups=2)),
    case(nn.MaxPool2d(2, stride=1), separate(2, 4, 5, 3), reference=lambda s, x: largest(x, kernel=2, stride=1)),
    case(nn.AvgPool2d((3, 1)), IMAGE, reference=lambda s, x: averaged(x, kernel=(3, 1))),
    case(nn.BatchNorm1d(3), X, reference=lambda s, x: normalised(s, x, 0, (1, 3))),
    case(nn.BatchNorm1d(3, affine=False), real(4, 3, 2), reference=lambda s, x: normalised(s, x, (0, 2), (1, 3, 1))),
    case(nn.BatchNorm2d(4), IMAGE, reference=lambda s, x: normalised(s, x, (0, 2, 3), (4, 1, 1))),
    case(nn.BatchNorm1d(3).eval(), X, reference=lambda s, x: x / np.sqrt(1 + 1e-5) * s["weight"] + s["bias"]),
    case(nn.LayerNorm(3), X, reference=lambda s, x: normalised(s, x, -1, 3)),
    case(nn.LayerNorm((5, 3)), IMAGE, reference=lambda s, x: normalised(s, x, (2, 3), (5, 3))),
    case(nn.LayerNorm(3, affine=False), real(2, 4, 3), reference=lambda s, x: normalised({}, x, -1, 3)),
    case(nn.Embedding(3, 2, rng=0), LABELS, reference=lambda s, k: np.array([s["weight"][i] for i in k])),
    case(nn.Embedding(3, 2, rng=0), LABELS.reshape(2, 2), reference=lambda s, k: s["weight"][k]),
]


def s(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def recurrence(step: Callable[..., Any], hidden: int, gates: int, cells: int = 1) -> Callable[..., Any]:
    """Return a recurrent layer written out: sample by sample, time by time, unit by unit."""

    def run(state: dict[str, Array], x: Array, given: Any = None) -> Any:
        outputs = np.zeros((*x.shape[:2], hidden))
        last = [np.zeros((len(x), hidden)) for _ in range(cells)]
        if given is not None:
            last = [given.copy()]
        for n, t in np.ndindex(*x.shape[:2]):
            before = [c[n].copy() for c in last]
            for j in range(hidden):
                columns = [j + k * hidden for k in range(gates)]
                p = [sum(x[n, t] * state["input_weight"][:, c]) + state["bias"][c] for c in columns]
                q = [sum(before[0] * state["hidden_weight"][:, c]) for c in columns]
                after = step(p, q, [b[j] for b in before], state.get("hidden_bias", np.zeros(hidden))[j])
                for cell, value in zip(last, after, strict=True):
                    cell[n, j] = value
            outputs[n, t] = last[0][n]
        return outputs, last[0] if cells == 1 else tuple(last)

    return run


def lstm_step(p: Any, q: Any, before: Any, _: float) -> Any:
    i, f, g, o = (a + b for a, b in zip(p, q, strict=True))
    c = s(f) * before[1] + s(i) * math.tanh(g)
    return s(o) * math.tanh(c), c


def gru_step(p: Any, q: Any, before: Any, bias: float) -> Any:
    r, z = s(p[0] + q[0]), s(p[1] + q[1])
    return ((1 - z) * math.tanh(p[2] + r * (q[2] + bias)) + z * before[0],)


def attended(heads: int, causal: bool = False) -> Callable[..., Array]:
    def run(
        state: dict[str, Array], x: Array, key: Any = None, value: Any = None, mask: Any = None, _: Any = None
    ) -> Any:
        key = x if key is None else key
        value = key if value is None else value
        q, k, v = (
            x @ state[f"{name}.weight"] + state.get(f"{name}.bias", 0.0)
            for name, x in (("query", x), ("key", key), ("value", value))
        )
        size = x.shape[2] // heads
        y = np.zeros(x.shape)
        for n, head, i in np.ndindex(len(x), heads, x.shape[1]):
            part = slice(head * size, (head + 1) * size)
            seen = [j for j in range(k.shape[1]) if (not causal or j <= i) and (mask is None or mask[i, j])]
            weights = softmax(np.array([q[n, i, part] @ k[n, j, part] / math.sqrt(size) for j in seen]))
            y[n, i, part] = sum(w * v[n, j, part] for w, j in zip(weights, seen, strict=True))
        return y @ state["output.weight"] + state.get("output.bias", 0.0)

    return run


MASK = np.array([[True, False, True, False, False], [True, True, True, True, False]])
rnn, lstm = recurrence(lambda p, q, *_: (math.tanh(p[0] + q[0]),), 2, 1), recurrence(lstm_step, 2, 4, 2)
gru = recurrence(gru_step, 2, 3)
attention = nn.MultiheadAttention(4, 2, rng=0)

SEQUENCES = [
    case(nn.RNN(3, 2, rng=0), unit(2, 5, 3), reference=rnn),
    case(nn.RNN(3, 2, rng=0), unit(2, 1, 3), unit(2, 2), reference=rnn),
    case(nn.LSTM(3, 2, rng=0), unit(2, 5, 3), reference=lstm),
    case(nn.GRU(3, 2, rng=0), unit(2, 5, 3), reference=gru),
    case(nn.GRU(3, 2, rng=0), unit(2, 2, 3), unit(2, 2), reference=gru),
    case(attention, unit(2, 3, 4), reference=attended(2)),
    case(nn.MultiheadAttention(4, 1, bias=False, rng=0), unit(2, 3, 4), reference=attended(1)),
    case(attention, unit(2, 3, 4), None, None, None, True, reference=attended(2, causal=True)),
    case(attention, unit(2, 2, 4), unit(2, 5, 4), None, MASK, reference=attended(2)),
    case(attention, unit(2, 2, 4), unit(2, 3, 4), unit(2, 3, 4), reference=attended(2)),
]

CASES = [*SIMPLE, *LOSSES, *IMAGES, *SEQUENCES]

every = pytest.mark.parametrize("case", CASES, ids=str)


def plain(x: Any) -> bool:
    """Return whether an argument is an option or a mask, and no operand."""
    return x is None or isinstance(x, bool) or x.dtype == np.bool_


def on_tensors(case: Case, dtype: Any = np.float64) -> Any:
    state = {name: mg.tensor(v, requires_grad=True) for name, v in case.state(dtype).items()}
    values = [
        x if plain(x) else mg.tensor(x, requires_grad=np.asarray(x).dtype.kind == "f") for x in case.values(dtype)
    ]
    return nn.functional_call(case.module, state, *values)


@every
def test_value(case: Case) -> None:
    wanted = case.reference(case.state(), *case.values())
    assert_close([y.data for y in leaves(on_tensors(case))], wanted, 1e-13)


@every
def test_plain_arrays_give_plain_arrays(case: Case) -> None:
    ys = list(leaves(nn.functional_call(case.module, case.state(), *case.values())))
    assert not any(isinstance(y, mg.Tensor) for y in ys)
    assert_close(ys, [y.data for y in leaves(on_tensors(case))], 1e-14)


@every
def test_lists_are_arrays(case: Case) -> None:
    lists = [x.tolist() if isinstance(x, np.ndarray) else x for x in case.values()]
    ys = nn.functional_call(case.module, case.state(), *lists)
    assert_close(ys, nn.functional_call(case.module, case.state(), *case.values()), 1e-15)


@every
def test_gradients(case: Case) -> None:
    def run(state: Any, *inputs: Any) -> Any:
        return nn.functional_call(case.module, state, *inputs)

    state, values = case.state(), case.values()
    wrt = [0] * bool(state) + [i for i, x in enumerate(values, 1) if np.asarray(x).dtype.kind == "f"]
    report = mg.check_gradients(run, state, *values, argnums=wrt)
    assert report.ok, str(report)


@every
def test_single_precision_stays_single(case: Case) -> None:
    if any(isinstance(x, np.ndarray) and x.dtype == np.float64 for x in case.inputs):
        pytest.skip("a constant of double precision takes part")
    for result in leaves(on_tensors(case, np.float32)):
        assert result.dtype == np.float32
    for result in leaves(nn.functional_call(case.module, case.state(np.float32), *case.values(np.float32))):
        assert np.asarray(result).dtype == np.float32


@every
def test_state_survives_a_round_trip(case: Case) -> None:
    before = case.module.state_dict()
    case.module.load_state_dict(before)
    assert [*case.module.state_dict()] == [*before]
    for name, value in case.module.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    assert case.module.label() in repr(case.module)


@every
def test_a_wrong_value_is_caught(case: Case) -> None:
    """The tests above can fail."""
    wanted = flat(case.reference(case.state(), *case.values())) * (1 + 1e-9)
    with pytest.raises(AssertionError):
        assert_close([y.data for y in leaves(on_tensors(case))], wanted, 1e-13)
