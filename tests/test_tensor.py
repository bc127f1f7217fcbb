"""Tensors: their values, backward, change in place, and how they meet the rest of Python and NumPy."""

from __future__ import annotations

import copy
import math
import operator
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import microgradnp as mg
from tests.factories import derivative


def leaf(*values: Any, **kwargs: Any) -> mg.Tensor:
    """Return a tensor that requires a gradient: a number, or a vector."""
    return mg.tensor(values[0] if len(values) == 1 else list(values), requires_grad=True, **kwargs)


def gradient(f: Callable[[Any], Any], x: Any) -> Any:
    """Return the gradient of sum(f(x) * (1, 2, 3, ...)) by backward."""
    t = mg.tensor(x, requires_grad=True)
    y = f(t)
    y.backward(np.arange(1.0, y.size + 1).reshape(y.shape))
    return t.grad


# -- making --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        1,
        2.5,
        True,
        1j,
        [1.0, 2.0],
        [[1, 2], [3, 4]],
        (1, 2),
        range(3),
        [],
        np.float32(2),
        np.arange(3),
        np.zeros((0, 2)),
    ],
    ids=repr,
)
def test_tensor_of(data: Any) -> None:
    t = mg.tensor(data)
    expected = np.array(data)
    np.testing.assert_array_equal(t.data, expected)
    assert (t.shape, t.dtype, t.ndim, t.size) == (
        expected.shape,
        expected.dtype,
        expected.ndim,
        expected.size,
    )
    assert (t.nbytes, t.itemsize) == (expected.nbytes, expected.itemsize)
    assert t.requires_grad is False
    assert t.grad is None
    assert t.is_leaf


def test_data_are_copied_on_creation() -> None:
    x = np.arange(3.0)
    for t in (
        mg.tensor(x),
        mg.tensor(x[:], requires_grad=True),
        mg.tensor(x, dtype=float),
        mg.tensor(x[::-1]),
    ):
        assert not np.shares_memory(t.data, x)
    t = mg.tensor(x)
    x[:] = -1.0
    np.testing.assert_array_equal(t.data, [0.0, 1.0, 2.0])
    u = mg.tensor(t)
    assert u is not t
    np.testing.assert_array_equal(u.data, t.data)


def test_dtype_and_name() -> None:
    t = mg.tensor([1, 2], dtype=np.float32, requires_grad=True, name="w")
    assert (t.dtype, t.name) == (np.float32, "w")
    t.name = "v"
    assert t.name == "v"
    assert mg.tensor(1.0, name="c").name == "c"
    assert mg.tensor(1.0).name is None


def test_byte_order_is_made_native() -> None:
    swapped = np.array([1.0, 256.0]).astype(np.dtype(float).newbyteorder())
    t = mg.tensor(swapped, requires_grad=True)
    assert t.dtype.isnative
    np.testing.assert_array_equal(t.data, [1.0, 256.0])
    np.testing.assert_array_equal(gradient(lambda t: t * swapped, [1.0, 1.0]), [1.0, 512.0])


def test_a_list_of_tensors_is_stacked_differentiably() -> None:
    a, b = leaf(1.0), leaf(2.0)
    t = mg.tensor([a, b, 3.0])
    assert t.shape == (3,)
    (t * np.array([10.0, 20.0, 30.0])).sum().backward()
    assert (a.grad, b.grad) == (10.0, 20.0)
    a.zero_grad(), b.zero_grad()
    u = mg.tensor([[a, b], [b, 1.0]], dtype=np.float32)
    assert (u.shape, u.dtype) == ((2, 2), np.float32)
    (u * np.array([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    assert (a.grad, b.grad) == (1.0, 5.0)
    np.testing.assert_array_equal(gradient(lambda t: mg.tensor((t, t)), [1.0, 1.0]), [4.0, 6.0])


def test_tensor_of_a_tensor_on_a_graph_stays_on_it() -> None:
    t = leaf(1.0, 2.0)
    assert mg.tensor(t).requires_grad
    assert mg.tensor(t * 2).requires_grad
    np.testing.assert_array_equal(gradient(lambda t: mg.tensor(t), [1.0, 2.0]), [1.0, 2.0])
    with mg.no_grad():
        assert not mg.tensor(t).requires_grad
        assert mg.tensor(t, requires_grad=True).is_leaf
    assert mg.tensor(t.detach(), requires_grad=True).is_leaf


def test_a_list_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises((ValueError, TypeError)):
        mg.tensor(loop)


# -- the value -----------------------------------------------------------------------------------------------


def owners(a: Any) -> list[Any]:
    found = []
    while isinstance(a, np.ndarray):
        found.append(a)
        a = a.base
    return found


@pytest.mark.parametrize(
    "f",
    [
        lambda t: t,
        lambda t: t * 2,
        lambda t: t[::2],
        lambda t: t.reshape(2, 2),
        lambda t: t.T,
        lambda t: np.transpose(t.reshape(2, 2)),
        lambda t: np.broadcast_to(t, (3, 4)),
        lambda t: t.sum(),
        lambda t: t[1],
        lambda t: t.detach(),
        lambda t: np.swapaxes(t[None], 0, 1),
    ],
)
@pytest.mark.parametrize("requires_grad", [False, True])
def test_data_is_read_only_down_to_the_owner(f: Callable[[Any], Any], requires_grad: bool) -> None:
    t = mg.tensor(np.arange(4.0), requires_grad=requires_grad)
    data = f(t).data
    assert not any(a.flags.writeable for a in owners(data))
    with pytest.raises(ValueError, match="read-only"):
        data[...] = 0.0
    with pytest.raises(ValueError, match="WRITEABLE"):
        data.view().flags.writeable = True


def test_data_stays_what_it_was() -> None:
    w = leaf(1.0, 2.0)
    before = w.data
    w.assign([3.0, 4.0])
    after = w.data
    with mg.no_grad():
        w += 1
        w[0] = -1.0
    np.testing.assert_array_equal(before, [1.0, 2.0])
    np.testing.assert_array_equal(after, [3.0, 4.0])
    np.testing.assert_array_equal(w.data, [-1.0, 5.0])


def test_reading_data_locks_nothing_of_the_users() -> None:
    x, out = np.arange(3.0), []
    mg.grad(lambda t, c: out.append((t.data, c.data)) or np.sum(t * c))(x, x)
    x[:] = 5.0
    assert x.flags.writeable


def test_numpy_is_a_writable_copy() -> None:
    t = leaf(1.0, 2.0)
    a = t.numpy()
    a[:] = 0.0
    np.testing.assert_array_equal(t.data, [1.0, 2.0])
    assert not np.shares_memory(a, t.data)
    np.testing.assert_array_equal(leaf(3.0).numpy(), 3.0)


def test_item_and_tolist() -> None:
    assert leaf(2.5).item() == 2.5
    assert type(leaf(2.5).item()) is float
    assert leaf(1.0, 2.0).item(1) == 2.0
    assert mg.tensor([[3]]).item() == 3
    assert leaf(1.0, 2.0).tolist() == [1.0, 2.0]
    scores = leaf(1.0, 2.0)
    with pytest.raises(ValueError, match=r"`scores` of shape \(2,\)"):
        scores.item()


def test_detach() -> None:
    t = leaf(1.0, 2.0)
    d = t.detach()
    assert not d.requires_grad
    assert mg.grad(lambda x: x * x.detach())(3.0) == 3.0


@pytest.mark.parametrize(
    "convert",
    [
        float,
        int,
        complex,
        math.sin,
        math.floor,
        np.asarray,
        np.array,
        np.float64,
        lambda t: np.asarray(t, np.float32),
        lambda t: np.array([t, t]),
        lambda t: np.sin([t, t]),
        lambda t: np.ones(3).dot([t, t, t]),
        np.fromiter,
        lambda t: np.full(3, t),
        lambda t: range(t),
        lambda t: [1, 2][t],
        lambda t: np.arange(t),
        lambda t: np.random.default_rng(t),
        lambda t: operator.mod("%f", t),
        lambda t: hex(t),
    ],
)
def test_values_do_not_leave_a_graph_unnoticed(convert: Callable[[Any], Any]) -> None:
    for t in (leaf(1.0), leaf(1.0) * 2):
        with pytest.raises((TypeError, ValueError)):
            convert(t)


@pytest.mark.parametrize(
    "convert",
    [
        float,
        int,
        complex,
        math.sin,
        np.asarray,
        np.array,
        lambda t: np.array([t, t]),
        lambda t: operator.mod("%f", t),
    ],
)
def test_constants_leave_freely(convert: Callable[[Any], Any]) -> None:
    np.testing.assert_array_equal(convert(mg.tensor(2.0)), convert(2.0))
    np.testing.assert_array_equal(convert(leaf(2.0).detach()), convert(2.0))


def test_an_integer_tensor_is_an_index() -> None:
    n = mg.tensor(2)
    assert [1, 2, 3][n] == 3
    assert list(range(n)) == [0, 1]
    assert np.zeros(n).shape == (2,)
    assert np.arange(5)[mg.tensor([1, 2])].tolist() == [1, 2]
    assert np.arange(3)[mg.tensor([True, False, True])].tolist() == [0, 2]
    with pytest.raises(TypeError, match="0-d integer"):
        [1, 2][mg.tensor(1.0)]


def test_asarray_honours_dtype_and_copy() -> None:
    t = mg.tensor([1.0, 2.0])
    assert np.asarray(t, dtype=np.float32).dtype == np.float32
    assert np.array(t).flags.writeable
    assert not np.asarray(t).flags.writeable


# -- Python's protocols --------------------------------------------------------------------------------------


def test_bool_is_that_of_one_value() -> None:
    assert leaf(1.0)
    assert not leaf(0.0)
    assert leaf(2.0) > 1
    assert mg.tensor([[3]]) == 3
    for bad in (leaf(1.0, 2.0), leaf(1.0, 2.0) > 0, mg.tensor(np.zeros(0))):
        with pytest.raises(ValueError, match=r"ambiguous.*any\(\).*all\(\)"):
            bool(bad)


def test_len_iteration_membership_hash() -> None:
    t = leaf(1.0, 2.0, 3.0)
    assert len(t) == 3
    assert [x.item() for x in t] == [1.0, 2.0, 3.0]
    a, b, c = t
    (a * 2 + b * c).backward()
    np.testing.assert_array_equal(t.grad, [2.0, 3.0, 2.0])
    assert 2.0 in t
    assert 5.0 not in t
    assert mg.tensor(3.0) in t
    assert len({t, t, leaf(1.0)}) == 2
    assert {t: 1}[t] == 1
    assert next(reversed(t)).item() == 3.0
    for use in (len, iter, list):
        with pytest.raises(TypeError, match="0-d"):
            use(leaf(1.0))


def test_builtins() -> None:
    a, b = leaf(1.0), leaf(3.0)
    assert sum([a, b]).item() == 4.0
    assert max([a, b]) is b
    assert sorted([b, a])[0] is a
    values = [b, a]
    values.sort()
    assert values[0] is a
    assert abs(-b).item() == 3.0
    assert math.prod([a, b]).requires_grad
    assert pow(b, 2).item() == 9.0
    assert round(leaf(2.567), 2).item() == 2.57
    assert divmod(leaf(7.0), 2)[1].item() == 1.0
    (max([a, b]) * 5).backward()
    assert (a.grad, b.grad) == (None, 5.0)


def test_repr_str_and_format() -> None:
    w = leaf(1.0, 2.0)
    assert repr(w) == "Tensor([1., 2.], requires_grad=True)"
    assert repr(w * 2) == "Tensor([2., 4.], made_by=multiply)"
    assert repr(mg.tensor([1, 2])) == "Tensor([1, 2])"
    assert repr(mg.tensor(1.5, dtype=np.float32, name="s")) == "Tensor(1.5, dtype=float32, name='s')"
    assert str(w) == "[1. 2.]"
    assert f"{w}" == "[1. 2.]"
    assert f"{leaf(1.23456):.2f} {leaf(2.0)}" == "1.23 2.0"
    assert f"{mg.tensor([0.5]):.1%}" == "50.0%"
    assert f"{np.sum(w):8.3f}" == "   3.000"
    assert f"{w!r:>40}" == "    Tensor([1., 2.], requires_grad=True)"
    assert "..." in repr(mg.tensor(np.zeros(5000)))
    assert repr(mg.tensor(np.zeros(0))) == "Tensor([])"


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))],
    ids=["copy", "deepcopy", "pickle"],
)
@pytest.mark.parametrize("value", [1.5, [1.0, 2.0], [[1]], [True]], ids=str)
def test_copies(again: Callable[[Any], Any], value: Any) -> None:
    for t in (mg.tensor(value, name="w"), mg.tensor(value, dtype=np.float32, requires_grad=True, name="w")):
        u = again(t)
        assert u is not t
        assert (u.dtype, u.shape, u.name, u.requires_grad) == (t.dtype, t.shape, t.name, t.requires_grad)
        np.testing.assert_array_equal(u.data, t.data)
        if t.requires_grad:
            np.sum(u * 2.0).backward()
            assert t.grad is None
            t.assign(np.zeros(t.shape))
            assert np.all(u.data)


def test_copying_a_result_says_what_to_do() -> None:
    loss = leaf(1.0) * 2
    for again in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"`loss`.*detach\(\)"):
            again(loss)
    assert copy.deepcopy({"w": leaf(1.0)})["w"].requires_grad
    np.testing.assert_array_equal(gradient(lambda t: t.copy(), [1.0, 2.0]), [1.0, 2.0])


def test_tensors_have_no_subclasses() -> None:
    with pytest.raises(TypeError, match=r"Parameter.*no subclasses"):

        class Parameter(mg.Tensor):
            pass


# -- backward ------------------------------------------------------------------------------------------------


def test_gradients_accumulate_until_zero_grad() -> None:
    w = leaf(2.0)
    (w * w).backward()
    (w * 3).backward()
    assert w.grad == 7.0
    w.zero_grad()
    assert w.grad is None
    (w * 3).backward()
    assert w.grad == 3.0
    assert isinstance(w.grad, np.ndarray)


def test_gradients_are_arrays_that_may_be_changed() -> None:
    w = leaf(1.0, 2.0)
    np.sum(w * w).backward()
    first = w.grad
    first *= 0
    np.sum(w).backward()
    np.testing.assert_array_equal(w.grad, [1.0, 1.0])
    w.grad = [5, 6]
    assert w.grad.dtype == np.float64
    w.grad = None
    assert w.grad is None
    with pytest.raises(ValueError, match=r"\(3,\).*`w` of shape \(2,\)"):
        w.grad = np.ones(3)
    y = w * 2
    with pytest.raises(AttributeError, match="`y` keeps no gradient"):
        y.grad = np.ones(2)


def test_only_leaves_that_require_a_gradient_get_one() -> None:
    w, c = leaf(2.0), mg.tensor(3.0)
    y = w * c
    z = y * y
    z.backward()
    assert (w.grad, c.grad, y.grad, z.grad) == (36.0, None, None, None)


def test_a_leaf_that_is_used_without_effect_gets_zeros() -> None:
    w, v = leaf(1.0, 2.0), leaf(1.0)
    (np.sum(np.sign(w)) * v).backward()
    np.testing.assert_array_equal(w.grad, [0.0, 0.0])


def test_backward_of_a_leaf() -> None:
    w = leaf(2.0)
    w.backward()
    assert w.grad == 1.0


@pytest.mark.parametrize(
    "ct", [[1.0, 2.0], (1, 2), np.array([1, 2]), np.float32([1, 2]), mg.tensor([1.0, 2.0])], ids=repr
)
def test_cotangents(ct: Any) -> None:
    w = leaf(3.0, 4.0)
    (w * w).backward(ct)
    np.testing.assert_array_equal(w.grad, [6.0, 16.0])
    assert w.grad.dtype == np.float64
    (2 * leaf(1.0)).backward(5)


def test_two_losses_that_share_a_trunk() -> None:
    w = leaf(2.0)
    trunk = w * w
    a, b = trunk * 3, trunk * 5
    a.backward(retain_graph=True)
    b.backward()
    assert w.grad == 32.0
    trunk = w * w
    a, b = trunk * 3, trunk * 5
    a.backward()
    with pytest.raises(RuntimeError, match=r"second time.*retain_graph=True"):
        b.backward()


def test_a_second_backward_through_a_sum_is_refused_as_well() -> None:
    """The rule of a sum reads nothing that could be missing: it needs a mark."""
    w = leaf(2.0)
    y = w + w
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()
    assert w.grad == 2.0


def test_backward_into_a_diamond_and_twice_the_same_operand() -> None:
    w = leaf(3.0)
    y = w * w
    (y * y + y - w).backward()
    assert w.grad == 4 * 27.0 + 6.0 - 1.0


def test_requires_grad_can_be_switched() -> None:
    t = mg.tensor([1.0], name="t")
    t.requires_grad = True
    assert t.name == "t"
    np.sum(t * 2).backward()
    assert t.grad == [2.0]
    t.requires_grad = False
    assert not (t * 2).requires_grad
    assert t.name == "t"
    y = leaf(1.0) * 2
    with pytest.raises(RuntimeError, match=r"`y`.*detach\(\)"):
        y.requires_grad = False
    n = mg.tensor([1])
    with pytest.raises(TypeError, match="`n` holds integers"):
        n.requires_grad = True


# -- plain arrays that change between forward and backward ---------------------------------------------------


def late(make: Callable[[Any, Any], Any], operand: Any, change: Callable[[Any], Any] | None = None) -> Any:
    """Return the gradient of make(t, operand) when the operand is changed between forward and backward."""
    t = leaf(1.0, 2.0, 3.0)
    y = make(t, operand)
    if change is None:
        operand[...] = 0
    else:
        change(operand)
    y.backward(np.arange(1.0, y.size + 1).reshape(y.shape))
    return t.grad


OPERANDS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[], Any]]] = {
    "t * x": (lambda t, x: t * x, lambda: np.array([2.0, 3.0, 4.0])),
    "x * t": (lambda t, x: x * t, lambda: np.array([2.0, 3.0, 4.0])),
    "np.multiply": (np.multiply, lambda: np.array([2.0, 3.0, 4.0])),
    "t / x": (lambda t, x: t / x, lambda: np.array([2.0, 3.0, 4.0])),
    "x / t": (lambda t, x: x / t, lambda: np.array([2.0, 3.0, 4.0])),
    "t ** x": (lambda t, x: t**x, lambda: np.array([2.0, 3.0, 4.0])),
    "x @ t": (lambda t, x: x @ t, lambda: np.arange(6.0).reshape(2, 3)),
    "t @ x": (lambda t, x: t @ x, lambda: np.arange(6.0).reshape(3, 2)),
    "np.dot": (np.dot, lambda: np.arange(6.0).reshape(3, 2)),
    "einsum": (lambda t, x: np.einsum("i,ij->j", t, x), lambda: np.arange(6.0).reshape(3, 2)),
    "where": (lambda t, x: np.where(x, t, 2 * t), lambda: np.array([True, False, True])),
    "maximum": (np.maximum, lambda: np.array([0.5, 3.0, 1.0])),
    "mask": (lambda t, x: t[x], lambda: np.array([True, False, True])),
    "mask of a mask": (lambda t, x: t[None][:, x], lambda: np.array([True, False, True])),
    "index array": (lambda t, x: t[x], lambda: np.array([2, 1, 2])),
    "index arrays": (lambda t, x: t.reshape(3, 1)[x, x * 0], lambda: np.array([2, 1, 2])),
    "view": (lambda t, x: t * x[1:4], lambda: np.array([9.0, 2.0, 3.0, 4.0, 9.0])),
    "transposed view": (lambda t, x: t * x.T, lambda: np.arange(9.0).reshape(3, 3)),
    "broadcast view": (lambda t, x: t * np.broadcast_to(x, (2, 3)), lambda: np.array([2.0, 3.0, 4.0])),
    "read-only view": (lambda t, x: t * read_only(x), lambda: np.array([2.0, 3.0, 4.0])),
    "0-d array": (lambda t, x: t * x, lambda: np.array(2.0)),
    "memory map": (lambda t, x: t * x, lambda: np.array([2.0, 3.0, 4.0]).view(np.memmap)),
    "detached": (lambda t, x: t * mg.tensor(x), lambda: np.array([2.0, 3.0, 4.0])),
    "cross entropy": (
        lambda t, x: mg.cross_entropy(t[None], x, reduction="none"),
        lambda: np.array([[0.2, 0.5, 0.3]]),
    ),
    "arctan2": (np.arctan2, lambda: np.array([2.0, 3.0, 4.0])),
    "concatenate": (lambda t, x: np.concatenate([t * x, x]), lambda: np.array([2.0, 3.0, 4.0])),
}


def read_only(x: Any) -> Any:
    view = x.view()
    view.flags.writeable = False
    return view


@pytest.mark.parametrize("name", OPERANDS)
def test_an_operand_changed_between_forward_and_backward(name: str) -> None:
    make, operand = OPERANDS[name]
    np.testing.assert_array_equal(late(make, operand()), late(make, operand(), change=lambda x: None))


PARAMETERS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[], Any]]] = {
    "transpose": (lambda t, p: np.transpose(t.reshape(3, 1), p), lambda: [1, 0]),
    "transpose by an array": (lambda t, p: np.transpose(t.reshape(3, 1), p), lambda: np.array([1, 0])),
    "reshape": (lambda t, p: np.reshape(t, p), lambda: [3, 1]),
    "roll": (lambda t, p: np.roll(t.reshape(3, 1), p, (0, 1)), lambda: [1, 0]),
    "moveaxis": (lambda t, p: np.moveaxis(t.reshape(3, 1, 1), p, [0, 1]), lambda: [1, 0]),
    "list index": (lambda t, p: t[p], lambda: [2, 0]),
    "list mask": (lambda t, p: t[p], lambda: [True, False, True]),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_changed_between_forward_and_backward(name: str) -> None:
    make, parameter = PARAMETERS[name]
    changed = late(make, parameter(), change=lambda p: p.__setitem__(slice(None), [0] * len(p)))
    np.testing.assert_array_equal(changed, late(make, parameter(), change=lambda p: None))


def test_an_operand_list_changed_between_forward_and_backward() -> None:
    np.testing.assert_array_equal(late(lambda t, x: t * x, [2.0, 3.0, 4.0], change=list.clear), [2.0, 6.0, 12.0])


# -- tensors that change -------------------------------------------------------------------------------------


CHANGES: dict[str, Callable[[Any], None]] = {
    "assign": lambda w: w.assign([5.0, 6.0]),
    "in place": lambda w: in_no_grad(operator.iadd, w, 1.0),
    "item": lambda w: in_no_grad(operator.setitem, w, 0, 7.0),
    "slice": lambda w: in_no_grad(operator.setitem, w, slice(None), 7.0),
}


def in_no_grad(f: Callable[..., Any], *args: Any) -> None:
    with mg.no_grad():
        f(*args)


@pytest.mark.parametrize("name", CHANGES)
def test_a_stale_value_is_named(name: str) -> None:
    weights, other = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = np.sum(weights * other)
    CHANGES[name](weights)
    with pytest.raises(RuntimeError, match=r"(?s)multiply.*`weights`.*shape \(2,\).*before"):
        y.backward()
    assert other.grad is None
    np.sum(weights * other).backward()
    np.testing.assert_array_equal(other.grad, weights.data)


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_what_no_rule_reads_is_no_error(name: str) -> None:
    weights = leaf(1.0, 2.0)
    y, z = np.sum(weights + 1), np.sum(np.exp(weights))
    CHANGES[name](weights)
    (y + z).backward()
    np.testing.assert_allclose(weights.grad, 1 + np.exp([1.0, 2.0]))


def test_a_change_before_the_forward_pass_is_no_error() -> None:
    w = leaf(1.0, 2.0)
    w.assign([3.0, 4.0])
    np.sum(w * w).backward()
    np.testing.assert_array_equal(w.grad, [6.0, 8.0])


def test_assign_of_a_constant_does_not_reach_the_graph() -> None:
    t, c = leaf(1.0, 2.0), mg.tensor([3.0, 4.0])
    y = np.sum(t * c)
    c.assign([0.0, 0.0])
    y.backward()
    np.testing.assert_array_equal(t.grad, [3.0, 4.0])
    z = np.sum(t * c)
    c[0] = 9.0
    c += 1
    z.backward()
    np.testing.assert_array_equal(t.grad, [3.0, 4.0])


def test_assign() -> None:
    w = mg.tensor([1.0, 2.0], dtype=np.float32, requires_grad=True)
    source = np.array([3, 4])
    w.assign(source)
    source[:] = 0
    np.testing.assert_array_equal(w.data, [3.0, 4.0])
    assert w.dtype == np.float32
    w.assign(mg.tensor([5.0, 6.0]))
    s = leaf(1.0)
    s.assign(2)
    assert (s.item(), s.requires_grad, s.shape) == (2.0, True, ())
    with pytest.raises(ValueError, match=r"\(3,\).*`w` of shape \(2,\)"):
        w.assign(np.ones(3))
    with pytest.raises(TypeError, match=r"complex128.*`w` of shape \(2,\) of float32"):
        w.assign([1j, 2j])
    hidden = w * 2
    with pytest.raises(RuntimeError, match=r"`hidden`.*multiply.*leaves"):
        hidden.assign([1.0, 2.0])


def test_in_place_operators_on_results_differentiate() -> None:
    def f(t: Any) -> Any:
        y = t + 0.0
        same = y
        y += t
        y *= 3
        y -= 1
        y /= t
        y **= 2
        assert y is same  # other names see the change, as in NumPy
        return same

    def g(t: Any) -> Any:
        return ((2 * t * 3 - 1) / t) ** 2

    x = np.array([0.5, 1.5])
    np.testing.assert_allclose(gradient(f, x), gradient(g, x), rtol=1e-14)


def test_in_place_on_a_result_leaves_what_was_recorded_before() -> None:
    t = leaf(1.0, 2.0)
    y = t * 3
    z = y * y
    y *= 0
    np.sum(z).backward()
    np.testing.assert_array_equal(t.grad, 18 * t.data)


def test_in_place_keeps_the_dtype() -> None:
    t = mg.tensor([1.0, 2.0], dtype=np.float32, requires_grad=True)
    y = t * 2
    y += np.ones(2)
    assert y.dtype == np.float32
    np.sum(y).backward()
    assert t.grad.dtype == np.float32
    counts = mg.tensor([1, 2])
    with pytest.raises(TypeError, match=r"counts .*counts = counts"):
        counts += 0.5


IN_PLACE: dict[str, tuple[Callable[[], Any], str]] = {
    "leaf": (lambda: iadd(leaf(1.0, 2.0)), r"no_grad\(\).*assign"),
    "row of a leaf": (lambda: iadd(leaf(1.0, 2.0)[:1]), "a view of .*copy"),
    "item of a row of a leaf": (lambda: set_item(leaf(1.0, 2.0)[:1]), "a view of .*copy"),
    "row taken under no_grad": (lambda: iadd(taken_under_no_grad(leaf(1.0, 2.0) * 2)), "no_grad.*copy"),
    "broadcast": (lambda: set_item(np.broadcast_to((leaf(1.0, 2.0) * 2)[:1], (2,))), "a view of .*copy"),
    "real part": (lambda: set_item((leaf(1.0, 2.0) * 2j).real), "a view of .*copy"),
    "item of a result under no_grad": (lambda: in_no_grad(set_item, leaf(1.0) * 2), r"no_grad\(\).*out of its graph"),
    "differentiated into integers": (lambda: set_item(mg.tensor([0, 0]), leaf(1.0)), r"int64.*astype\(float\)"),
    "complex into real": (lambda: set_item(leaf(1.0, 2.0) * 2, np.complex128(1j)), "complex128"),
    "result under no_grad": (lambda: in_no_grad(iadd, leaf(1.0) * 2), r"no_grad\(\).*out of its graph"),
    "item of a leaf": (lambda: set_item(leaf(1.0, 2.0)), r"np\.where.*assign"),
    "shape": (lambda: iadd(leaf(1.0) * 2, np.ones(3)), r"shape \(3,\)"),
    "shape of a leaf": (lambda: in_no_grad(iadd, leaf(1.0), np.ones(3)), r"shape \(3,\)"),
}


def iadd(y: Any, by: Any = 1.0) -> None:
    y += by


def set_item(y: Any, value: Any = 5.0) -> None:
    y[0] = value


def taken_under_no_grad(y: Any) -> Any:
    with mg.no_grad():
        return y[:1]


@pytest.mark.parametrize("name", IN_PLACE)
def test_changes_that_mean_something_else_in_numpy_are_refused(name: str) -> None:
    change, message = IN_PLACE[name]
    with pytest.raises((TypeError, ValueError), match=message):
        change()


def test_an_in_place_operator_with_an_unknown_operand() -> None:
    w = leaf(1.0)
    with mg.no_grad(), pytest.raises(TypeError, match="unsupported operand"):
        w -= object()
    y = w * 2
    with pytest.raises(TypeError, match="unsupported operand"):
        y -= object()


def test_a_constant_made_here_may_be_filled() -> None:
    out = np.zeros_like(mg.tensor(np.ones((2, 2))))
    out[0, 1] = 5.0
    out[1] = [6.0, 7.0]
    np.testing.assert_array_equal(out.data, [[0.0, 5.0], [6.0, 7.0]])


# -- tensors into arrays -------------------------------------------------------------------------------------


def test_writing_a_result_into_an_array_is_refused() -> None:
    a, loss = np.zeros(3), leaf(1.0) * 2
    with pytest.raises(ValueError, match="sequence") as caught:
        a[0] = loss
    assert "loss.item()" in str(caught.value.__cause__)
    row = leaf(1.0, 2.0) * 2
    with pytest.raises(TypeError, match=r"row\.data"):
        a[:2] = row
    np.testing.assert_array_equal(a, 0.0)
    a[0] = loss.item()
    a[1] = mg.tensor(3.0)
    np.testing.assert_array_equal(a, [2.0, 3.0, 0.0])


PLAIN_TARGETS: dict[str, Callable[[Any, Any], Any]] = {
    "+=": lambda a, t: operator.iadd(a, t),
    "-=": lambda a, t: operator.isub(a, t),
    "*=": lambda a, t: operator.imul(a, t),
    "/=": lambda a, t: operator.itruediv(a, t),
    "@=": lambda a, t: operator.imatmul(np.eye(2), t),
    "out of add": lambda a, t: np.add(a, t, out=a),
    "out positional": lambda a, t: np.add(a, t, a),
    "out of exp": lambda a, t: np.exp(t, out=a),
    "out of sum": lambda a, t: np.sum(t, out=np.zeros(())),
    "out of matmul": lambda a, t: np.matmul(t, np.ones((2, 2)), out=a),
    "out of einsum": lambda a, t: np.einsum("i->i", t, out=a),
    "out of clip": lambda a, t: np.clip(t, 0, 1, out=a),
    "out is the tensor": lambda a, t: np.add(a, a, out=t),
    "copyto": lambda a, t: np.copyto(a, t),
    "copyto a tensor": lambda a, t: np.copyto(t, a),
    "put": lambda a, t: np.put(a, [0], t),
    "place": lambda a, t: np.place(t, [True, False], [1.0]),
    "putmask": lambda a, t: np.putmask(a, [True, False], t),
    "fill_diagonal": lambda a, t: np.fill_diagonal(t, 0.0),
    "add.at": lambda a, t: np.add.at(a, [0, 1], t),
    "add.at of a tensor": lambda a, t: np.add.at(t, [0], 1.0),
    "flat": lambda a, t: a.flat.__setitem__(slice(None), t),
    "fill": lambda a, t: a.fill(t[0]),
    "fill of a tensor": lambda a, t: t.fill(0.0),
    "sort of a tensor": lambda a, t: t.sort(),
    "list of results": lambda a, t: operator.setitem(a, slice(None), [t[0], t[1]]),
    "mean of a list": lambda a, t: np.mean([t[0], t[1]]),
    "array method": lambda a, t: a.dot([t[0], t[1]]),
    "full_like of an array": lambda a, t: np.full_like(a, t),
}


@pytest.mark.parametrize("name", PLAIN_TARGETS)
def test_writing_into_an_array_is_refused(name: str) -> None:
    a, t = np.zeros(2), leaf(1.0, 2.0)
    with pytest.raises((TypeError, NotImplementedError, ValueError, AttributeError)):
        PLAIN_TARGETS[name](a, t)
    np.testing.assert_array_equal(a, 0.0)
    np.testing.assert_array_equal(t.data, [1.0, 2.0])


# -- other types ---------------------------------------------------------------------------------------------


class Polite:
    """Opts out of NumPy's ufuncs, and has an operator of its own."""

    __array_ufunc__ = None

    def __add__(self, other: Any) -> str:
        return "polite +"

    def __radd__(self, other: Any) -> str:
        return "+ polite"

    def __lt__(self, other: Any) -> str:
        return "polite <"

    def __gt__(self, other: Any) -> str:
        return "< polite"


class Owner:
    """Has rules of its own for ufuncs and functions."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> str:
        return f"owner {ufunc.__name__}"

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> str:
        return f"owner {function.__name__}"

    def __rmul__(self, other: Any) -> str:
        return "* owner"


class Units(np.ndarray[Any, Any]):
    """A subclass of ndarray with rules of its own, as libraries of physical units have."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return f"units {ufunc.__name__}"


@pytest.mark.parametrize("t", [leaf(1.0, 2.0), mg.tensor([1.0, 2.0])], ids=["differentiated", "constant"])
def test_foreign_types_take_over(t: Any) -> None:
    assert t + Polite() == "+ polite"
    assert Polite() + t == "polite +"
    assert (t < Polite()) == "< polite"
    assert t * Owner() == "* owner"
    assert np.multiply(t, Owner()) == "owner multiply"
    assert np.concatenate([t, Owner()]) == "owner concatenate"
    assert np.where(True, t, Owner()) == "owner where"
    units = np.ones(2).view(Units)
    assert t * units == "units multiply"
    assert units * t == "units multiply"
    assert np.add(t, units) == "units add"
    with pytest.raises(TypeError, match="unsupported operand"):
        t + object()
    with pytest.raises(TypeError, match="unsupported operand"):
        None * t
    assert (t == None) is False  # noqa: E711
    assert (t != "text") is True


def test_foreign_operands_of_our_own_functions_are_refused() -> None:
    t = leaf(1.0, 2.0)
    units = np.ones(2).view(Units)
    with pytest.raises(TypeError, match=r"units.*does not mix"):
        mg.squared_error(t, units)


def test_numpy_scalars_and_arrays_on_the_left() -> None:
    t = leaf(1.0, 2.0)
    for left in (
        np.float64(2),
        np.float32(2),
        np.int64(2),
        np.array(2.0),
        np.array([2.0, 2.0]),
        2,
        [2.0, 2.0],
        (2, 2),
        True + 1,
    ):
        for op in (
            operator.add,
            operator.sub,
            operator.mul,
            operator.truediv,
            operator.pow,
            operator.lt,
            operator.eq,
        ):
            y = op(left, t)
            assert type(y) is mg.Tensor, (left, op)
            np.testing.assert_array_equal(y.data, op(np.asarray(left), t.data))
            np.testing.assert_array_equal(op(t, left).data, op(t.data, np.asarray(left)))
    m = np.arange(4.0).reshape(2, 2)
    np.testing.assert_array_equal((m @ t).data, m @ t.data)
    np.testing.assert_array_equal((m.tolist() @ t).data, m @ t.data)
    assert (np.float64(2) * t).requires_grad


def test_subclasses_of_ndarray() -> None:
    t = leaf(1.0, 2.0)
    matrix = np.eye(2).view(np.matrix)
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    mapped = np.array([3.0, 4.0]).view(np.memmap)
    for use in (
        lambda: t * matrix,
        lambda: matrix @ t,
        lambda: matrix * t,
        lambda: np.add(matrix, t),
        lambda: np.where(True, t, matrix),
    ):
        with pytest.raises(TypeError, match=r"`matrix`.*np\.matrix.*np\.asarray\(matrix\)"):
            use()
    for use in (
        lambda: t * masked,
        lambda: np.add(masked, t),
        lambda: np.where(True, t, masked),
        lambda: mg.tensor(masked),
    ):
        with pytest.raises(TypeError, match=r"`masked`.*masked array.*masked\.filled"):
            use()
    with pytest.raises(TypeError):
        masked * t
    y = t * mapped
    assert type(y.data) is np.ndarray
    np.sum(y).backward()
    np.testing.assert_array_equal(t.grad, [3.0, 4.0])


@pytest.mark.parametrize(
    "operand",
    [
        np.array([1.0, 2.0], object),
        np.array(["a", "b"]),
        np.array([None, None]),
        np.timedelta64(1, "s"),
        np.array([1, 2], "m8[s]"),
        "text",
        None,
        {"a": 1},
        {1.0},
        Ellipsis,
    ],
    ids=repr,
)
@pytest.mark.parametrize(
    "op",
    [
        operator.add,
        operator.mul,
        np.add,
        np.multiply,
        lambda t, x: np.where([True, False], t, x),
        lambda t, x: np.concatenate([t, x]),
    ],
)
def test_operands_that_are_no_numbers_are_refused(op: Callable[[Any, Any], Any], operand: Any) -> None:
    """Of an operand of objects NumPy makes a result of objects, and the gradient would be lost."""
    with pytest.raises((TypeError, ValueError)):
        op(leaf(1.0, 2.0), operand)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128])
def test_every_float_type(dtype: Any) -> None:
    t = mg.tensor([0.5, 1.5], dtype=dtype, requires_grad=True)
    y = np.sum(np.tanh(t) * t / 2 + 1)
    assert y.dtype == dtype
    y.backward()
    assert t.grad.dtype == dtype
    np.testing.assert_allclose(
        t.grad, 0.5 * (np.tanh([0.5, 1.5]) + np.array([0.5, 1.5]) / np.cosh([0.5, 1.5]) ** 2), rtol=2e-3
    )


def test_unknown_attributes() -> None:
    t = leaf(1.0, 2.0)
    for attribute, message in (
        ("resize", "immutable"),
        ("summ", "summ"),
        ("view", r"use \.reshape\(\)"),
        ("log1p", r"np\.log1p\(\.\.\.\) works on it"),
        ("ctypes", r"\.data"),
        ("__array_interface__", "array_interface"),
    ):
        with pytest.raises(AttributeError, match=message):
            getattr(t, attribute)
        assert not hasattr(t, attribute)
        assert attribute not in dir(t)
    with pytest.raises(AttributeError) as caught:
        t.transpos()
    assert caught.value.name == "transpos"  # with these two Python adds "Did you mean: 'transpose'?"
    assert caught.value.obj is t
    assert not hasattr(t, "__dict__")
    with pytest.raises(AttributeError, match=r"t\.data is read-only.*t\.assign"):
        t.data = np.zeros(2)
    with pytest.raises(AttributeError):
        t.shape = (2, 1)
    with pytest.raises(AttributeError):
        t.note = 1


# -- conversions ---------------------------------------------------------------------------------------------


def test_astype() -> None:
    t = leaf(1.0, 2.0)
    np.testing.assert_array_equal(gradient(lambda t: t.astype(np.float32), [1.0, 2.0]), [1.0, 2.0])
    assert t.astype(np.float32).dtype == np.float32
    assert t.astype(complex).requires_grad
    assert mg.tensor([1, 2]).astype(float).dtype == np.float64
    assert not (t > 0).astype(float).requires_grad
    with pytest.raises(TypeError, match=r"int64.*`t`.*\.data\.astype"):
        t.astype(int)
    with pytest.raises(TypeError, match="imaginary"):
        t.astype(complex).astype(float)


# -- functions that NumPy would answer from the values -------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda t: np.allclose(t, [1.0, 2.0]),
        lambda t: np.isclose(t, 1.0),
        lambda t: np.array_equal(t, t),
        lambda t: np.isin(t, [2.0]),
        lambda t: np.nonzero(t)[0],
        lambda t: np.searchsorted(t, 1.5),
        lambda t: np.result_type(t, np.float32),
        lambda t: np.array2string(t),
        lambda t: np.isreal(t),
        lambda t: (*np.shape(t), np.ndim(t), np.size(t), np.iscomplexobj(t)),
    ],
)
def test_verdicts_and_text_come_from_the_value(f: Callable[[Any], Any]) -> None:
    np.testing.assert_array_equal(f(leaf(1.0, 2.0)), f(np.array([1.0, 2.0])))


def test_a_norm_whose_order_is_differentiated() -> None:
    """At 2, and at 1, where a shortcut would forget the order."""
    x = np.array([0.5, -1.5, 2.0])
    for p in (1.0, 2.0, 3.0):
        numeric = derivative(lambda t, p=p: np.sum(np.abs(x) ** (p + t)) ** (1 / (p + t)))
        np.testing.assert_allclose(mg.grad(lambda p: np.linalg.norm(mg.tensor(x), p))(p), numeric[0], rtol=1e-7)
        np.testing.assert_allclose(mg.grad(np.linalg.norm)(x, p), mg.grad(np.linalg.norm)(x, mg.tensor(p)), rtol=1e-14)


def test_a_complex_number_of_pythons_and_a_number() -> None:
    x = mg.tensor(2.0, requires_grad=True)
    for y, wanted in (((1 + 2j) + x, 3 + 2j), (x * (1 + 2j), 2 + 4j)):
        assert y.dtype == np.complex128
        assert y.item() == wanted
    assert mg.grad(lambda x: np.real((1 + 2j) * x))(3.0) == 1.0


def test_functions_without_a_rule_under_no_grad() -> None:
    w = mg.tensor(np.eye(2, 3), requires_grad=True)
    with pytest.raises(NotImplementedError, match=r"np\.histogramdd.*`w`"):
        np.histogramdd(w)
    with pytest.raises(NotImplementedError, match=r"np\.linalg\.svd.*full_matrices=False"):
        np.linalg.svd(w)  # which has a rule, but not in this form
    with mg.no_grad():
        np.testing.assert_array_equal(np.histogramdd(w)[0], np.histogramdd(np.eye(2, 3))[0])
        assert np.linalg.svd(w).Vh.shape == (3, 3)
    assert np.linalg.svd(mg.tensor(np.eye(2, 3))).Vh.shape == (3, 3)


# -- indices -------------------------------------------------------------------------------------------------

INDICES: dict[str, Any] = {
    "int": 1,
    "negative": -1,
    "NumPy int": np.int64(1),
    "slice": slice(None, None, -1),
    "slice of tensors": slice(mg.tensor(0), mg.tensor(2)),
    "ellipsis": (..., 0),
    "new axis": (None, 0, None),
    "empty tuple": (),
    "list": [2, 0, 2],
    "empty list": [],
    "list of bools": [True, False, True],
    "array": np.array([[0, 1], [2, 2]]),
    "tensor": mg.tensor([1, 1, 0]),
    "0-d tensor": mg.tensor(2),
    "list of tensors": [mg.tensor(2), mg.tensor(0)],
    "mask": np.array([True, False, True]),
    "tensor mask": mg.tensor([False, False, True]),
    "full mask": np.arange(12).reshape(3, 4) % 2 == 0,
    "array and slice": (np.array([0, 2, 0]), slice(1, 3)),
    "slice and array": (slice(None), [3, 3]),
    "two arrays": ([0, 0, 2], [1, 1, 3]),
    "mask and array": (np.array([True, False, True]), [1, 2]),
    "separated arrays": ([0, 0], None, [1, 1]),
    "array and new axis": (None, [1, 1, 0]),
    "True": True,
    "False": False,
    "None": None,
    "NumPy True": np.True_,
}


@pytest.mark.parametrize("name", INDICES)
def test_every_kind_of_index(name: str) -> None:
    index = INDICES[name]
    x = np.arange(12.0).reshape(3, 4)

    def bare(i: Any) -> Any:
        if isinstance(i, tuple | list):
            return type(i)(map(bare, i))
        return i.data if isinstance(i, mg.Tensor) else i

    expected = x[bare(index)]
    t = mg.tensor(x, requires_grad=True)
    y = t[index]
    np.testing.assert_array_equal(y.data, expected)
    weights = np.arange(1.0, expected.size + 1).reshape(expected.shape)
    y.backward(weights)
    scattered = np.zeros_like(x)
    np.add.at(scattered, bare(index), weights)
    np.testing.assert_array_equal(t.grad, scattered)
    assert_second_order(lambda v: v[index], x, expected, bare(index))


def assert_second_order(f: Callable[[Any], Any], x: Any, expected: Any, index: Any) -> None:
    """Through the pullback and back: the Hessian of sum of cubes times a direction."""
    direction = np.cos(x)
    product = mg.hvp(lambda v: np.sum(f(v) ** 3))(x, direction)
    wanted = np.zeros_like(x)
    np.add.at(wanted, index, 6 * expected * direction[index])
    np.testing.assert_allclose(product, wanted, rtol=1e-14)


@pytest.mark.parametrize(
    "index",
    [5, (0, 0, 0), [7], 1.5, [0.5], "a", np.array([0.5]), np.ones((2, 2), bool), slice(0, 1.5)],
    ids=repr,
)
def test_indices_that_do_not_fit(index: Any) -> None:
    scores = mg.tensor(np.ones((3, 4)), requires_grad=True)
    with pytest.raises((IndexError, TypeError, ValueError)):
        scores[index]


def test_requires_grad_switched_off_and_on_again_is_the_same_leaf() -> None:
    w = mg.tensor([1.0, 2.0], requires_grad=True, name="w")
    loss = np.sum(w * w)
    w.requires_grad = False
    assert (w * 2).node is None
    w.requires_grad = True
    loss.backward()
    assert_array_equal(w.grad, [2.0, 4.0])
    again = np.sum(w * w)
    w.requires_grad = False
    again.backward()  # also while it is off, as the graph was recorded before
    assert_array_equal(w.grad, [4.0, 8.0])
    w.zero_grad()
    assert w.grad is None
    assert w.name == "w"


def test_a_value_changed_while_requires_grad_is_off_is_noticed() -> None:
    for change in (lambda w: w.assign([5.0, 5.0]), lambda w: w.__setitem__(0, 5.0)):
        w = mg.tensor([1.0, 2.0], requires_grad=True)
        loss = np.sum(w * w)
        w.requires_grad = False
        change(w)
        w.requires_grad = True
        with pytest.raises(RuntimeError, match="`w` of shape"):
            loss.backward()
        np.sum(w * w).backward()
        assert_array_equal(w.grad, 2 * w.data)


@pytest.mark.parametrize("number", [0, 0.0, -0.0, 1, 1.0, True, 3, -2.5, 1e300, 2**53 + 1, 2**70, np.inf, np.nan])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_numbers_beside_tensors_are_what_they_are_beside_arrays(number: Any, dtype: Any) -> None:
    x = np.array([-0.0, 0.0, 1.5, -3.0], dtype=dtype)
    functions = (
        np.add,
        np.subtract,
        np.multiply,
        np.divide,
        np.maximum,
        np.minimum,
        np.less,
        np.greater_equal,
        np.equal,
    )
    with np.errstate(all="ignore"):
        for f in functions:
            for _ in range(2):  # the second time from the cache
                for args in ((x, number), (number, x)):
                    expected = f(*args)
                    found = f(*(mg.tensor(a, requires_grad=True) if a is x else a for a in args)).data
                    assert found.dtype == expected.dtype
                    assert_array_equal(found, expected)
                    if expected.dtype.kind == "f":
                        assert_array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"weight_decay": 0.1}])
def test_an_optimizer_step_changes_neither_old_values_nor_gradients(options: dict[str, Any], dtype: Any) -> None:
    w = mg.tensor([1.0, -2.0], requires_grad=True, dtype=dtype)
    optimizer = mg.optim.SGD([w], 0.1, **options)
    for _ in range(3):
        old, gradient = w.data, np.array([3.0, 4.0], dtype=dtype)
        w.grad = gradient
        before, velocity = old.copy(), copy.copy(optimizer.slots[0].state[0])  # 0.0, a number, at first
        expected, _ = mg.optim.sgd(before, gradient, velocity, lr=0.1, **options)
        kept = w.grad
        optimizer.step()
        assert_array_equal(old, before)
        assert_array_equal(kept, gradient)
        assert_array_equal(w.data, expected)
        assert w.dtype == dtype


VIEWS: dict[str, Callable[[Any], Any]] = {
    "T": lambda t: t.T,
    "np.transpose": np.transpose,
    "np.reshape": lambda t: np.reshape(t, (3, 2)),
    "np.squeeze": np.squeeze,
    "t.squeeze": lambda t: t.squeeze(),
    "np.real": np.real,
    "index": lambda t: t[0],
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("tracked", [True, False])
def test_a_view_sees_what_its_base_becomes(view: str, tracked: bool) -> None:
    t = mg.tensor(np.ones((2, 3)), requires_grad=tracked) * 2
    made = VIEWS[view](t)
    assert np.shares_memory(made._value, t._value)
    t += np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(made.data, VIEWS[view](t.data))
    assert made.requires_grad == tracked


def test_a_sum_is_no_view() -> None:
    """Also of rows of two elements, which are added column by column."""
    t = leaf(1.0, 2.0).reshape(1, 2) * 2
    for keepdims in (True, False):
        total = np.sum(t, axis=1, keepdims=keepdims)
        total += 1
        np.testing.assert_array_equal(total.data, np.full((1, 1) if keepdims else 1, 7.0))
    t += 1
    np.testing.assert_array_equal(t.data, [[3.0, 5.0]])
