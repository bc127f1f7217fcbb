"""What layers refuse, what they draw, and what they do at extreme inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp import nn
from microgradnp.nn import functional as F
from microgradnp.nn import initialisers as init
from microgradnp.primitives import convolution
from tests.factories import leaves

NAN = np.array([[1.0, np.nan], [0.0, 1.0]])
ROWS = np.zeros((2, 3))
IMAGE, KERNEL = np.zeros((1, 3, 5, 5)), np.zeros((4, 3, 3, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.cross_entropy(np.zeros((2, 3)), [0, 3]), ValueError, "labels run from 0 to 3"),
        (lambda: F.cross_entropy(np.zeros((2, 3)), [0, -1]), ValueError, "labels run from -1 to 0"),
        (lambda: F.cross_entropy(np.zeros((2, 3)), [0.0, 1.0]), TypeError, "integers"),
        (lambda: F.cross_entropy(np.zeros((2, 3)), [[0], [1]]), ValueError, "fit logits of shape"),
        (
            lambda: F.cross_entropy(NAN, [0, 1]),
            FloatingPointError,
            r"1 of 4 predictions are nan, the first at \[0, 1\]",
        ),
        (lambda: F.cross_entropy(np.zeros((2, 2)), NAN), ValueError, r"1 of 4 targets are nan"),
        (lambda: F.cross_entropy(np.zeros((2, 2)), [0, 1], reduction="avg"), ValueError, "'mean', 'sum', 'none'"),
        (lambda: F.cross_entropy(np.array([[np.inf, 0.0]]), [1]), FloatingPointError, "1 of 2 predictions are inf"),
        (lambda: F.cross_entropy(np.zeros((2, 2)), [0, 1], "sum"), TypeError, "axis='sum' must be a whole number"),
        (lambda: F.cross_entropy(np.zeros((2, 2)), [0, 1], weight=[1.0]), ValueError, "each of the 2 classes"),
        (lambda: F.cross_entropy(np.zeros((2, 2)), [0, 1], weight=[1.0, -1.0]), ValueError, "not negative"),
        (lambda: F.cross_entropy(np.zeros((2, 2)), [0, 1], label_smoothing=1.5), ValueError, "from 0 to 1"),
        (lambda: F.cross_entropy(np.zeros((2, 2)), [9, 3], ignore_index=9), ValueError, "labels run from 0 to 3"),
        (lambda: F.cross_entropy(np.zeros((2, 2)), np.eye(2), ignore_index=9), ValueError, "targets are probabilities"),
        (lambda: F.cross_entropy(np.zeros((0, 2)), np.zeros(0, int)), ValueError, "there is no sample"),
        (lambda: F.mse_loss(np.zeros((0, 1)), np.zeros((0, 1))), ValueError, "there is no sample"),
        (lambda: F.nll_loss(np.zeros((2, 3)), [0, 3]), ValueError, "labels run from 0 to 3"),
        (lambda: F.nll_loss(np.zeros((2, 3)), [[0], [1]]), ValueError, r"labels of shape \(n,\)"),
        (lambda: F.mse_loss(np.zeros((4, 1)), np.zeros(4)), ValueError, r"reshape the targets to \(4, 1\)"),
        (lambda: F.l1_loss(np.zeros((4, 1)), np.zeros(4)), ValueError, r"reshape the targets to \(4, 1\)"),
        (lambda: F.huber_loss(np.zeros((4, 1)), np.zeros(4)), ValueError, r"reshape the targets to \(4, 1\)"),
        (lambda: F.mse_loss(np.zeros((2, 2)), NAN), ValueError, "the data hold no number there"),
        (lambda: F.mse_loss(mg.tensor(NAN), np.zeros((2, 2))), FloatingPointError, "diverged"),
        (lambda: F.mse_loss(NAN, np.zeros((2, 2)), "none"), FloatingPointError, "diverged"),
        (lambda: F.huber_loss(np.zeros(1), np.zeros(1), delta=0.0), ValueError, "greater than 0"),
        (lambda: F.binary_cross_entropy_with_logits(np.zeros(2), np.zeros((2, 1))), ValueError, "shape"),
        (lambda: F.binary_cross_entropy_with_logits(np.zeros(1), np.array([2.0])), ValueError, "between 0 and 1"),
        (lambda: F.log_loss(np.ones(2), np.zeros((2, 1))), ValueError, "shape"),
        (
            lambda: F.log_loss(np.array([1.5]), np.zeros(1)),
            ValueError,
            "of logits take binary_cross_entropy_with_logits",
        ),
        (lambda: F.log_loss(np.array([0.5]), np.array([2.0])), ValueError, "targets run from 2.0"),
        (lambda: F.log_loss(np.array([np.nan]), np.zeros(1)), FloatingPointError, "diverged"),
        (lambda: F.log_loss(np.ones(1), np.ones(1), "average"), ValueError, "reduction='average'"),
        (lambda: nn.MSELoss("average"), ValueError, "reduction='average'"),
        (lambda: F.one_hot([3], 3), ValueError, "from 0 to 2"),
        (lambda: F.one_hot([1.0], 3), TypeError, "integers"),
        (lambda: F.gelu(1.0, "exact"), ValueError, "approximate='exact'"),
        (lambda: nn.GELU("erf"), ValueError, "approximate='erf'"),
        (lambda: nn.Dropout(1.1), ValueError, "p=1.1"),
        (lambda: nn.Dropout(rng="seed"), TypeError, "rng='seed'"),
        (lambda: F.flatten(np.zeros(3)), ValueError, "no axis 1"),
        (lambda: nn.Linear(2, 3, init=np.ones((3, 2))), ValueError, "transpose"),
        (lambda: nn.Linear(2, 3, init="he"), TypeError, "pass the function itself"),
        (lambda: init.he_normal((3,), 0), ValueError, "two axes"),
        (lambda: init.he_normal((3, 3), 0, mode="fan"), ValueError, "mode='fan' is not known"),
        (lambda: F.conv2d(np.zeros((5, 5)), KERNEL), ValueError, r"images of shape \(n, channels"),
        (lambda: F.conv2d(np.zeros((3, 5, 5)), KERNEL), ValueError, "x\\[None\\]"),
        (lambda: F.conv2d(np.zeros((1, 2, 5, 5)), KERNEL), ValueError, "have 2 channels.* takes 3"),
        (lambda: F.conv2d(IMAGE, np.zeros((3, 3))), ValueError, "kernel of shape"),
        (lambda: F.conv2d(IMAGE, KERNEL, groups=2), ValueError, "groups=2 must divide the 3 channels"),
        (lambda: F.conv2d(IMAGE, KERNEL, groups=0), ValueError, "groups=0"),
        (lambda: F.conv2d(IMAGE, KERNEL, np.zeros(3)), ValueError, "bias of shape"),
        (lambda: F.conv2d(IMAGE, KERNEL, stride=0), ValueError, "stride=0 must be at least 1"),
        (lambda: F.conv2d(IMAGE, KERNEL, stride=1.5), TypeError, "stride=1.5"),
        (lambda: F.conv2d(IMAGE, KERNEL, padding=(1, 2, 3)), TypeError, "two of them"),
        (
            lambda: F.conv2d(IMAGE, KERNEL, dilation=3),
            ValueError,
            "with dilation .3, 3. does not fit into an image of 5",
        ),
        (lambda: F.conv2d(mg.tensor(IMAGE, requires_grad=True), KERNEL, dilation=3), ValueError, "does not fit"),
        (lambda: F.conv2d(IMAGE, KERNEL, padding="full"), ValueError, "padding='full'"),
        (lambda: F.conv2d(IMAGE, KERNEL, padding="same", stride=2), ValueError, "wants stride=1"),
        (lambda: nn.Conv2d(3, 4, 2, groups=2), ValueError, "groups=2 must divide inputs=3"),
        (lambda: F.max_pool2d(IMAGE, 6), ValueError, "6 x 6 does not fit"),
        (lambda: F.max_pool2d(IMAGE, 2, padding=2), ValueError, "more than half"),
        (lambda: F.avg_pool2d(np.zeros(3), 2), ValueError, "images of shape"),
        (lambda: F.layer_norm(IMAGE, 4), ValueError, "does not end in normalized_shape"),
        (lambda: F.layer_norm(IMAGE, 5, np.ones(4)), ValueError, r"weight has shape \(4,\)"),
        (lambda: F.batch_norm(np.zeros(3)), ValueError, r"\(n, channels, ...\)"),
        (lambda: F.batch_norm(IMAGE, np.ones(5)), ValueError, r"weight has shape \(5,\)"),
        (lambda: F.batch_norm(IMAGE, mean=np.ones(3)), ValueError, "both mean and var"),
        (lambda: F.batch_norm(np.zeros((1, 3))), ValueError, "fewer than two values"),
        (lambda: nn.BatchNorm1d(3)(IMAGE), ValueError, "not .1, 3, 5, 5."),
        (lambda: nn.BatchNorm2d(2)(IMAGE), ValueError, "2 channels"),
        (lambda: nn.BatchNorm2d(2, momentum=2.0), ValueError, "momentum=2.0"),
        (lambda: F.embedding([0, -1], np.ones((3, 2))), ValueError, "labels run from -1 to 0"),
        (lambda: nn.Embedding(3, 2)([3]), ValueError, "from 0 to 2"),
        (lambda: nn.Embedding(3, 2)([1.0]), TypeError, "integers"),
        (lambda: nn.RNN(3, 2)(np.zeros((4, 3))), ValueError, r"\(n, time, 3\), not \(4, 3\)"),
        (lambda: nn.GRU(3, 2)(np.zeros((4, 5, 2))), ValueError, r"\(n, time, 3\)"),
        (lambda: nn.GRU(3, 2)(np.zeros((4, 0, 3))), ValueError, r"\(n, time, 3\)"),
        (lambda: nn.RNN(3, 2)(np.zeros((4, 5, 3)), np.zeros((1, 2))), ValueError, r"wanted is \(4, 2\)"),
        (lambda: nn.LSTM(3, 2)(np.zeros((4, 5, 3)), np.zeros((4, 2))), TypeError, r"a pair \(h, c\)"),
        (lambda: nn.MultiheadAttention(4, 3), ValueError, "heads=3 must divide features=4"),
        (lambda: nn.MultiheadAttention(4, 2)(np.zeros((2, 4))), ValueError, r"\(n, time, 4\)"),
        (lambda: F.attention_weights(np.zeros((2, 3)), np.zeros((2, 4))), ValueError, "do not fit"),
        (lambda: F.attention_weights(ROWS, ROWS, np.zeros((2, 2), bool)), ValueError, "nothing to attend to"),
        (lambda: F.attention_weights(ROWS, ROWS, np.ones((2, 2))), TypeError, "of bool"),
        (lambda: F.attention_weights(ROWS, ROWS[:1], causal=True), ValueError, "as many keys"),
        (lambda: F.attention_weights(ROWS, ROWS, np.ones((3, 2), bool)), ValueError, "mask of shape .3, 2. does not"),
        (lambda: F.scaled_dot_product_attention(ROWS, ROWS, ROWS[:1]), ValueError, "want as many values"),
        (lambda: nn.MultiheadAttention(3, 1)(ROWS[None], np.zeros((2, 2, 3))), ValueError, "as many samples"),
        (lambda: nn.MultiheadAttention(3, 1)(ROWS[None], mask=np.ones((2, 2, 2), bool)), ValueError, "a mask of shape"),
        (lambda: F.mse_loss(nn.RNN(3, 2)(np.ones((1, 1, 3))), ROWS), TypeError, "predictions are a tuple of 2"),
        (lambda: F.cross_entropy(nn.RNN(3, 2)(np.ones((1, 1, 3))), [0]), TypeError, "predictions are a tuple of 2"),
        (lambda: nn.RNN(3, 2, "relu"), TypeError, "activation='relu' must be a function"),
        (lambda: nn.BatchNorm1d(3, momentum=None), TypeError, "momentum=None"),
        (lambda: nn.Sequential(nn.Tanh), TypeError, "the class Tanh: make one"),
        (lambda: nn.Linear(2.0, 3), TypeError, "whole numbers"),
        (lambda: nn.Linear(-2, 3), ValueError, "whole numbers"),
        (lambda: nn.surrogate(mg.relu, mg.logistic, at="x"), ValueError, "at='x'"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("f", "at", "value", "slope"),
    [
        (F.relu, 0.0, 0.0, 0.0),
        (F.leaky_relu, 0.0, 0.0, 0.01),
        (F.elu, 0.0, 0.0, 1.0),
        (F.elu, 1e4, 1e4, 1.0),
        (F.elu, -1e4, -1.0, 0.0),
        (F.gelu, 1e4, 1e4, 1.0),
        (F.gelu, -1e4, 0.0, 0.0),
        (lambda x: F.gelu(x, "tanh"), 1e4, 1e4, 1.0),
        (lambda x: F.gelu(x, "tanh"), -1e300, 0.0, 0.0),
        (F.silu, 1e4, 1e4, 1.0),
        (F.silu, -1e4, 0.0, 0.0),
        (F.softplus, -1e4, 0.0, 0.0),
    ],
)
@pytest.mark.filterwarnings("error")
def test_at_kinks_and_extremes(f: Any, at: float, value: float, slope: float) -> None:
    assert mg.value_and_grad(f)(np.float64(at)) == (value, slope)


# -- dropout -----------------------------------------------------------------------------------------------------------


def test_dropout_keeps_the_mean_and_uses_one_mask_for_both_passes() -> None:
    x = mg.tensor(np.ones((200, 100)), requires_grad=True)
    layer = nn.Dropout(0.25, rng=0)
    y = layer(x)
    assert set(np.unique(y.data)) == {0.0, 1 / 0.75}
    assert abs(y.data.mean() - 1) < 0.02
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad, y.data)
    assert not np.array_equal(layer(x).data, y.data)  # another mask each time
    np.testing.assert_array_equal(nn.Dropout(0.25, rng=0)(x).data, y.data)  # the same masks for the same seed


def test_dropout_draws_from_a_random_state_as_a_document_does() -> None:
    mask = np.random.RandomState(1).random_sample((3, 4)) >= 0.5
    np.testing.assert_array_equal(nn.Dropout(0.5, np.random.RandomState(1))(np.ones((3, 4))), mask * 2.0)


def test_dropout_of_single_precision_stays_single() -> None:
    assert nn.Dropout(0.5, rng=0)(np.ones(3, np.float32)).dtype == np.float32


def test_dropout_of_everything_and_of_whole_numbers() -> None:
    np.testing.assert_array_equal(nn.Dropout(1.0)(np.ones((2, 3))), np.zeros((2, 3)))
    y = F.dropout(np.arange(1, 9), 0.25, rng=0)  # 1 / 0.75 is no whole number
    np.testing.assert_allclose(y[y > 0], (np.arange(1, 9) / 0.75)[y > 0])


# -- cross entropy -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weight", [None, [0.5, 1.0, 2.0]])
@pytest.mark.parametrize("ignored", [None, -1])
def test_cross_entropy_counts_as_it_is_told(reduction: str, smoothing: float, weight: Any, ignored: int | None) -> None:
    z, labels = np.random.default_rng(0).normal(size=(5, 3)), np.array([2, 0, 0, 1, 2])
    if ignored is not None:
        labels[[1, 4]] = ignored
    w = np.ones(3) if weight is None else np.array(weight)
    losses, counts = np.zeros(5), np.zeros(5)
    for i, label in enumerate(labels):
        if label != ignored:
            minus_log = np.log(np.sum(np.exp(z[i]))) - z[i]
            losses[i] = (1 - smoothing) * w[label] * minus_log[label] + smoothing / 3 * np.sum(w * minus_log)
            counts[i] = w[label]
    wanted = {"mean": losses.sum() / counts.sum(), "sum": losses.sum(), "none": losses}[reduction]
    loss = nn.CrossEntropyLoss(reduction, weight=weight, label_smoothing=smoothing, ignore_index=ignored)
    np.testing.assert_allclose(loss(z, labels), wanted, rtol=1e-13)
    turned = nn.CrossEntropyLoss(reduction, 0, weight=weight, label_smoothing=smoothing, ignore_index=ignored)
    np.testing.assert_allclose(turned(z.T, labels), wanted, rtol=1e-13)
    assert mg.check_gradients(lambda z: loss(z, labels), z).ok
    assert loss(z.astype(np.float32), labels).dtype == np.float32


def test_where_no_label_counts_the_loss_is_0_and_so_is_its_gradient() -> None:
    loss, gradient = mg.value_and_grad(lambda z: F.cross_entropy(z, [9, 9], ignore_index=9))(np.ones((2, 3)))
    assert loss == 0
    np.testing.assert_array_equal(gradient, np.zeros((2, 3)))


# -- images ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", [(2, 2), (3, 4), (1, 2)])
@pytest.mark.parametrize("dilation", [1, (3, 1)])
def test_padding_same_keeps_the_size_for_any_kernel(kernel: tuple[int, int], dilation: Any) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 6, 7))
    layer = nn.Conv2d(3, 4, kernel, padding="same", dilation=dilation, rng=0)
    spans = [d * (k - 1) for k, d in zip(kernel, np.broadcast_to(dilation, 2), strict=True)]
    padded = np.pad(x, [(0, 0), (0, 0), *((span // 2, span - span // 2) for span in spans)])
    wanted = F.conv2d(padded, layer.weight.data, layer.bias.data, dilation=dilation)
    np.testing.assert_array_equal(layer(x).data, wanted)
    assert wanted.shape == (2, 4, 6, 7)


# -- batch normalisation, pools ----------------------------------------------------------------------------------------


def test_batch_norm_learns_running_statistics_while_training_only() -> None:
    rng = np.random.default_rng(0)
    layer = nn.BatchNorm2d(3, momentum=0.5)
    mean, var = np.zeros(3), np.ones(3)
    for _ in range(3):
        x = rng.normal(2, 3, (4, 3, 2, 2))
        layer(x)
        columns = x.transpose(1, 0, 2, 3).reshape(3, -1)
        mean, var = (mean + columns.mean(1)) / 2, (var + columns.var(1, ddof=1)) / 2
    np.testing.assert_allclose(layer.running_mean.data, mean)
    np.testing.assert_allclose(layer.running_var.data, var)
    layer.eval()
    y = layer(x)
    np.testing.assert_allclose(y.data, (x - mean[:, None, None]) / np.sqrt(var + 1e-5)[:, None, None])
    np.testing.assert_allclose(layer.running_mean.data, mean)
    other = nn.BatchNorm2d(3).eval()
    other.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(other(x).data, y.data)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]


def test_batch_norm_under_a_transform() -> None:
    layer, x = nn.BatchNorm1d(2), np.random.default_rng(0).normal(size=(5, 2))
    assert mg.grad(lambda x: np.sum(layer(x) ** 3))(x).shape == (5, 2)
    assert layer.running_mean.data.any()


def test_equal_elements_of_a_window_share_the_gradient() -> None:
    x = np.array([[1.0, 1.0], [1.0, 0.0]]).reshape(1, 1, 2, 2)
    np.testing.assert_allclose(mg.grad(lambda x: np.sum(F.max_pool2d(x, 2)))(x)[0, 0], [[1 / 3, 1 / 3], [1 / 3, 0]])
    x = np.ones((1, 1, 18, 18))  # windows of more elements than a byte can count
    np.testing.assert_allclose(mg.grad(lambda x: np.sum(F.max_pool2d(x, 18)))(x), np.full_like(x, 1 / 324))


def test_nan_in_a_window_stays_visible() -> None:
    x = mg.tensor(np.array([1.0, np.nan, 2.0, 3.0]).reshape(1, 1, 1, 4), requires_grad=True)
    y = F.max_pool2d(x, (1, 2))
    np.testing.assert_array_equal(y.data, [[[[np.nan, 3.0]]]])
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad, [[[[np.nan, np.nan, 0.0, 1.0]]]])


def test_a_convolution_in_batches_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = np.random.default_rng(0).normal(size=(5, 4, 6, 6)), np.random.default_rng(1).normal(size=(6, 2, 3, 3))

    def everything() -> Any:
        y, pull = mg.vjp(lambda x, w: F.conv2d(x, w, padding=1, groups=2), x, w)
        return [y, *pull(np.cos(y))]

    whole = everything()
    monkeypatch.setattr(convolution, "BATCH", 2 * 4 * 9 * 36 * 8)  # two images
    for a, b in zip(everything(), whole, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


# -- sequences ---------------------------------------------------------------------------------------------------------


def test_a_sequence_may_be_read_in_parts() -> None:
    x = np.random.default_rng(0).normal(size=(2, 9, 3))
    for layer in (nn.RNN(3, 4, rng=0), nn.LSTM(3, 4, rng=0), nn.GRU(3, 4, rng=0)):
        whole, last = layer(x)
        first, state = layer(x[:, :4])
        second, end = layer(x[:, 4:], state)
        np.testing.assert_allclose(np.concatenate([first, second], axis=1).data, whole.data, rtol=1e-12)
        for a, b in zip(leaves(last), leaves(end), strict=True):
            np.testing.assert_allclose(a.data, b.data, rtol=1e-12)


def test_the_state_of_a_recurrent_layer_is_no_input_of_the_next_one() -> None:
    model = nn.Sequential(nn.Embedding(3, 4), nn.GRU(4, 5), nn.Linear(5, 3))
    with pytest.raises(TypeError) as caught:
        model([[0, 1, 2]])
    notes = getattr(caught.value, "__notes__", [])
    assert any("layer 1, GRU(4 -> 5), returned 2 things" in note and "lambda y: y[0]" in note for note in notes)
    assert nn.Sequential(model[0], model[1], lambda y: y[0], model[2])([[0, 1, 2]]).shape == (1, 3, 3)


def test_causal_attention_does_not_see_what_comes_later() -> None:
    layer, x = nn.MultiheadAttention(4, 2, rng=0), np.random.default_rng(0).normal(size=(1, 5, 4))
    changed = x.copy()
    changed[:, 3:] += 1
    a, b = layer(x, causal=True).data, layer(changed, causal=True).data
    np.testing.assert_array_equal(a[:, :3], b[:, :3])
    assert not np.allclose(a[:, 3:], b[:, 3:])


def test_a_mask_of_three_axes_is_one_for_each_sample() -> None:
    layer, x = nn.MultiheadAttention(4, 2, rng=0), np.random.default_rng(0).normal(size=(2, 5, 4))
    mask = np.stack([np.tri(5, dtype=bool), np.tri(5, dtype=bool)[::-1, ::-1]])  # as many samples as heads
    for i in range(2):
        np.testing.assert_allclose(layer(x, mask=mask).data[i], layer(x[i : i + 1], mask=mask[i]).data[0])


def test_lists_are_taken_as_arrays() -> None:
    rows, image = [[1.0, 2.0], [3.0, 5.0]], [[[[1.0, 2.0], [3.0, 4.0]]]]
    assert F.scaled_dot_product_attention(rows, rows, rows).shape == (2, 2)
    assert F.conv2d(image, [[[[1.0]]]], [0.5]).shape == (1, 1, 2, 2)
    assert F.layer_norm(rows, 2, [1.0, 2.0], [0.0, 0.0]).shape == F.batch_norm(rows, [1.0, 2.0]).shape == (2, 2)
    assert nn.Embedding(3, 2)([]).shape == (0, 2)


def test_the_four_maps_of_an_attention_begin_with_different_weights() -> None:
    layer = nn.MultiheadAttention(4, 2, rng=0)
    assert not np.allclose(layer.query.weight.data, layer.key.weight.data)


# -- surrogate derivatives ---------------------------------------------------------------------------------------------


def test_surrogate_uses_the_claimed_derivative() -> None:
    relu = nn.surrogate(mg.relu, mg.logistic)
    x = np.array([[-2.0, 0.0, 3.0]])
    np.testing.assert_array_equal(relu(x), np.maximum(x, 0))
    pull = mg.vjp(relu, x)[1]
    np.testing.assert_allclose(pull(np.full_like(x, 2.0))[0], 2 / (1 + np.exp(-x)))
    np.testing.assert_allclose(mg.jvp(relu, (x,), (np.full_like(x, 2.0),))[1], 2 / (1 + np.exp(-x)))
    assert not mg.check_gradients(relu, x).ok


def test_surrogate_at_the_output() -> None:
    tanh = nn.surrogate(np.tanh, lambda y: 1 - y**2, at="output")
    assert mg.check_gradients(tanh, np.array([-1.0, 0.5]), order=2).ok


def test_surrogate_as_a_layer() -> None:
    step = nn.surrogate(lambda x: (np.asarray(x) > 0).astype(float), lambda x: 1 / (1 + np.abs(x)) ** 2)
    model = nn.Sequential(nn.Linear(2, 3, rng=0), step, nn.Linear(3, 1, rng=1))
    np.sum(model(np.ones((4, 2)))).backward()
    assert model[0].weight.grad.any()


# -- initialisers ------------------------------------------------------------------------------------------------------

DEVIATIONS = [
    (lambda shape, rng: init.he_normal(shape, rng, mode="fan_out"), np.sqrt(2 / 200)),
    (lambda shape, rng: init.he_uniform(shape, rng, mode="fan_out"), np.sqrt(2 / 200)),
    (init.glorot_uniform, np.sqrt(2 / 500)),
    (init.glorot_normal, np.sqrt(2 / 500)),
    (init.he_uniform, np.sqrt(2 / 300)),
    (init.he_normal, np.sqrt(2 / 300)),
    (init.lecun_uniform, np.sqrt(1 / 300)),
    (init.lecun_normal, np.sqrt(1 / 300)),
    (init.uniform, np.sqrt(1 / 3)),
    (init.normal, 1.0),
    (init.zeros, 0.0),
    (init.ones, 0.0),
    (init.constant(0.5), 0.0),
]


@pytest.mark.parametrize("source", [np.random.default_rng, np.random.RandomState])
@pytest.mark.parametrize(("initialiser", "deviation"), DEVIATIONS)
def test_initialisers(initialiser: Any, deviation: float, source: Any) -> None:
    values = initialiser((300, 200), source(0))
    assert values.shape == (300, 200)
    assert abs(values.std() - deviation) <= 0.02 * deviation
    np.testing.assert_array_equal(values, initialiser((300, 200), source(0)))


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6), (4, 2, 3, 3)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    m = init.orthogonal(shape, 0, gain=2.0).reshape(shape[0], -1)
    product = m.T @ m if m.shape[0] >= m.shape[1] else m @ m.T
    np.testing.assert_allclose(product, 4 * np.eye(len(product)), atol=1e-14)


def test_a_documents_stream_is_replayed() -> None:
    """Weights, then the next layer's: the draws of a document that fills its matrices one after the other."""
    theirs, ours = np.random.RandomState(1), np.random.RandomState(1)
    wanted = [theirs.normal(0, 0.1, (2, 3)), theirs.normal(0, 0.1, (3, 1))]

    def tenth(shape: tuple[int, ...], rng: Any) -> Any:
        return init.normal(shape, rng, std=0.1)

    model = nn.Sequential(nn.Linear(2, 3, init=tenth, rng=ours), nn.Linear(3, 1, init=tenth, rng=ours))
    for layer, w in zip(model, wanted, strict=True):
        np.testing.assert_array_equal(layer.weight.data, w)


@pytest.mark.parametrize("values", [0.5, [[0.5, 0.5]], np.full((1, 2), 0.5)])
def test_initial_values_can_be_given(values: Any) -> None:
    np.testing.assert_array_equal(nn.Linear(1, 2, init=values, bias_init=0.5).weight.data, [[0.5, 0.5]])


def test_a_clipped_log_loss_has_no_gradient_where_it_is_clipped() -> None:
    p, y = np.array([0.25, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
    loss, gradient = mg.value_and_grad(F.log_loss)(p, y)
    np.testing.assert_allclose(loss, -(np.log(0.25) + np.log(1e-12)) / 3, rtol=1e-15)
    np.testing.assert_allclose(gradient, [-4 / 3, 0, 1 / 3], rtol=1e-15)
    assert mg.check_gradients(lambda p: F.log_loss(p, y[:1], "sum"), p[:1]).ok


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_log_loss_of_probabilities_is_that_of_their_logits(reduction: str) -> None:
    z, y = np.array([[-2.0, 0.0], [0.5, 3.0]]), np.array([[0.0, 1.0], [1.0, 0.25]])
    expected = F.binary_cross_entropy_with_logits(z, y, reduction)
    np.testing.assert_allclose(F.log_loss(mg.logistic(z), y, reduction), expected, rtol=1e-14)
