"""Values and gradients equal PyTorch's, where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp import nn
from microgradnp.nn import functional as F
from tests.factories import leaves

torch = pytest.importorskip("torch")
T = torch.nn.functional

rng = np.random.default_rng(0)


def normal(*shape: int) -> Any:
    return rng.normal(size=shape)


IMAGE, KERNEL, LABELS = normal(2, 4, 7, 6), normal(6, 4, 3, 3), np.array([2, 0, 1, 1])
TARGETS = rng.uniform(0, 1, (4, 3))
MAP = rng.integers(0, 4, (2, 7, 6))

# ours, theirs, the operands that are differentiated
CASES: list[tuple[Any, Any, list[Any]]] = [
    (F.elu, T.elu, [normal(5)]),
    (F.gelu, T.gelu, [10 * normal(50)]),
    (lambda x: F.gelu(x, "tanh"), lambda x: T.gelu(x, approximate="tanh"), [normal(5)]),
    (F.leaky_relu, T.leaky_relu, [normal(5)]),
    (F.silu, T.silu, [normal(5)]),
    (F.softplus, T.softplus, [normal(5)]),
    (F.softmax, lambda x: T.softmax(x, -1), [normal(4, 3)]),
    (nn.LogSoftmax(0), lambda x: T.log_softmax(x, 0), [normal(4, 3)]),
    (F.linear, lambda x, w, b: T.linear(x, w.T, b), [normal(2, 4, 3), normal(3, 5), normal(5)]),
    (F.conv2d, T.conv2d, [IMAGE, KERNEL, normal(6)]),
    *(
        (lambda x, w, how=how: F.conv2d(x, w, **how), lambda x, w, how=how: T.conv2d(x, w, **how), [IMAGE, kernel])
        for kernel, how in (
            (KERNEL, {"stride": 2, "padding": 1}),
            (KERNEL, {"stride": (1, 3), "padding": (0, 2), "dilation": (2, 1)}),
            (normal(6, 2, 2, 3), {"groups": 2}),
            (normal(8, 1, 3, 3), {"groups": 4, "padding": "same"}),
            (normal(6, 4, 2, 4), {"padding": "same"}),
            (normal(6, 4, 2, 3), {"padding": "same", "dilation": (3, 2)}),
        )
    ),
    (lambda x: F.max_pool2d(x, 2), lambda x: T.max_pool2d(x, 2), [IMAGE]),
    (lambda x: F.max_pool2d(x, 3, 2, 1), lambda x: T.max_pool2d(x, 3, 2, 1), [IMAGE]),
    (lambda x: F.avg_pool2d(x, 2), lambda x: T.avg_pool2d(x, 2), [IMAGE]),
    (lambda x: F.avg_pool2d(x, (3, 2), 2, (1, 0)), lambda x: T.avg_pool2d(x, (3, 2), 2, (1, 0)), [IMAGE]),
    (
        lambda x, w, b: F.layer_norm(x, (7, 6), w, b),
        lambda x, w, b: T.layer_norm(x, (7, 6), w, b),
        [IMAGE, normal(7, 6), normal(7, 6)],
    ),
    (
        F.batch_norm,
        lambda x, w, b: T.batch_norm(x, None, None, w, b, training=True),
        [IMAGE, normal(4), normal(4)],
    ),
    (lambda w: F.embedding(LABELS, w), lambda w: T.embedding(torch.tensor(LABELS), w), [normal(3, 2)]),
    *(
        (
            lambda z, r=r: F.cross_entropy(z, LABELS, reduction=r),
            lambda z, r=r: T.cross_entropy(z, torch.tensor(LABELS), reduction=r),
            [normal(4, 3)],
        )
        for r in ("mean", "sum", "none")
    ),
    (lambda z: F.cross_entropy(z, TARGETS), lambda z: T.cross_entropy(z, torch.tensor(TARGETS)), [normal(4, 3)]),
    *(
        (
            lambda z, how=how, to=to: F.cross_entropy(z, to, **how),
            lambda z, how=how, to=to: T.cross_entropy(
                z, torch.tensor(to), **{k: torch.tensor(v) if k == "weight" else v for k, v in how.items()}
            ),
            [normal(4, 3)],
        )
        for r in ("mean", "sum", "none")
        for to, how in (
            (LABELS, {"weight": np.array([0.2, 1.0, 3.0]), "reduction": r}),
            (LABELS, {"label_smoothing": 0.1, "reduction": r}),
            (LABELS, {"ignore_index": 1, "reduction": r}),
            (np.array([2, -100, 1, -100]), {"ignore_index": -100, "label_smoothing": 0.2, "reduction": r}),
            (LABELS, {"weight": np.array([0.2, 0.0, 3.0]), "label_smoothing": 0.3, "ignore_index": 0, "reduction": r}),
            (TARGETS, {"weight": np.array([0.2, 1.0, 3.0]), "label_smoothing": 0.3, "reduction": r}),
        )
    ),
    (
        lambda z: F.cross_entropy(z, MAP, 1, weight=[1, 2, 3, 0.5], ignore_index=2, label_smoothing=0.1),
        lambda z: T.cross_entropy(
            z, torch.tensor(MAP), weight=torch.tensor([1, 2, 3, 0.5]).double(), ignore_index=2, label_smoothing=0.1
        ),
        [IMAGE],
    ),
    (lambda z: F.nll_loss(z, LABELS), lambda z: T.nll_loss(z, torch.tensor(LABELS)), [normal(4, 3)]),
    *(
        (lambda z, f=f: f(z, TARGETS), lambda z, g=g: g(z, torch.tensor(TARGETS)), [normal(4, 3)])
        for f, g in (
            (F.binary_cross_entropy_with_logits, T.binary_cross_entropy_with_logits),
            (F.mse_loss, T.mse_loss),
            (F.l1_loss, T.l1_loss),
            (F.huber_loss, T.huber_loss),
        )
    ),
]


@pytest.mark.parametrize(("ours", "theirs", "operands"), CASES)
def test_equal(ours: Any, theirs: Any, operands: list[Any]) -> None:
    mine = [mg.tensor(x, requires_grad=True) for x in operands]
    others = [torch.tensor(x, requires_grad=True) for x in operands]
    y, z = ours(*mine), theirs(*others)
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-11, atol=1e-12)
    g = np.random.default_rng(1).normal(size=y.shape)
    y.backward(g)
    z.backward(torch.tensor(g))
    for a, b in zip(mine, others, strict=True):
        np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-10, atol=1e-11)


# -- layers, with their parameters translated --------------------------------------------------------------------------


def recurrent(layer: Any, peer: Any) -> None:
    """Give a recurrent layer the parameters of PyTorch's, which has two biases for one of ours."""
    w = {name.removesuffix("_l0"): p.detach().numpy() for name, p in peer.named_parameters()}
    bias, other, n = w["bias_ih"].copy(), w["bias_hh"], layer.hidden
    state = {"input_weight": w["weight_ih"].T, "hidden_weight": w["weight_hh"].T}
    if isinstance(layer, nn.GRU):
        state["hidden_bias"] = other[2 * n :]
        other = np.append(other[: 2 * n], np.zeros(n))
    layer.load_state_dict({**state, "bias": bias + other})


@pytest.mark.parametrize(("ours", "theirs"), [(nn.RNN, torch.nn.RNN), (nn.LSTM, torch.nn.LSTM), (nn.GRU, torch.nn.GRU)])
def test_recurrent_layers_are_equal(ours: Any, theirs: Any) -> None:
    torch.manual_seed(0)
    layer, peer = ours(3, 4), theirs(3, 4, batch_first=True, dtype=torch.float64)
    recurrent(layer, peer)
    x = mg.tensor(normal(2, 6, 3), requires_grad=True)
    z = torch.tensor(x.data.copy(), requires_grad=True)
    y, state = layer(x)
    wanted, last = peer(z)
    np.testing.assert_allclose(y.data, wanted.detach().numpy(), rtol=1e-12)
    for a, b in zip(leaves(state), leaves(last), strict=True):
        np.testing.assert_allclose(a.data, b[0].detach().numpy(), rtol=1e-12)
    g = normal(2, 6, 4)
    y.backward(g)
    wanted.backward(torch.tensor(g))
    np.testing.assert_allclose(x.grad, z.grad.numpy(), rtol=1e-10)
    np.testing.assert_allclose(layer.hidden_weight.grad, peer.weight_hh_l0.grad.numpy().T, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_equal(causal: bool) -> None:
    torch.manual_seed(0)
    layer, peer = nn.MultiheadAttention(6, 2), torch.nn.MultiheadAttention(6, 2, batch_first=True, dtype=torch.float64)
    w = {name: p.detach().numpy() for name, p in peer.named_parameters()}
    state = {"output.weight": w["out_proj.weight"].T, "output.bias": w["out_proj.bias"]}
    for k, name in enumerate(("query", "key", "value")):
        state[f"{name}.weight"] = w["in_proj_weight"][6 * k : 6 * k + 6].T
        state[f"{name}.bias"] = w["in_proj_bias"][6 * k : 6 * k + 6]
    layer.load_state_dict(state)
    x = normal(2, 5, 6)
    z = torch.tensor(x)
    mask = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1) if causal else None
    wanted, _ = peer(z, z, z, attn_mask=mask)
    np.testing.assert_allclose(layer(x, causal=causal).data, wanted.detach().numpy(), rtol=1e-11, atol=1e-13)
