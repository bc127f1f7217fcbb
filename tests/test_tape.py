"""The record and the sweeps: order, freeing, depth, width, modes, threads."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.tape import FREED, OFF, RECORD, TRACE, Leaf, Node, current_mode, reachable
from microgradnp.tensor import observer

MILLION = 1_000_000


def parameter(*values: float) -> mg.Tensor:
    """Return a leaf: a number, or a vector."""
    return mg.tensor(values[0] if len(values) == 1 else values, requires_grad=True)


def alive() -> int:
    """Return how many Nodes and Tensors exist."""
    return sum(isinstance(x, Node | mg.Tensor) for x in gc.get_objects())


@contextmanager
def nothing_left() -> Iterator[None]:
    """Assert that what is made inside is freed at its end without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        before = alive()
        yield
        assert alive() == before
    finally:
        gc.enable()


# -- what is recorded ----------------------------------------------------------------------------------------


def test_a_node_holds_the_call_and_what_its_rule_reads() -> None:
    w = parameter(1.0, 2.0)
    y = np.tanh(w)
    assert y.node.primitive.name == "tanh"
    assert y.node.parents == (w.node,)
    assert y.node.saved[0] is y._value  # its rule reads the output
    assert y.node.saved[1] is w.node  # and not the operand: the node stands for it
    assert (y.node.shape, y.node.dtype, y.node.ndim, y.node.size) == ((2,), np.float64, 1, 2)


def test_nodes_hold_no_tensor() -> None:
    w = parameter(1.0, 2.0)
    y = np.sum(w * np.sin(w)[::-1], axis=0, keepdims=True) @ np.ones((1, 2))
    for node in reachable([y.node])[0]:
        assert not any(isinstance(x, mg.Tensor) for x in gc.get_referents(node))


def test_operands_come_before_results() -> None:
    w = parameter(1.0)
    y = np.exp(w * w) + w
    nodes, outer = reachable([y.node])
    assert not outer
    assert nodes[0] is w.node
    assert nodes[-1] is y.node
    assert all(p.order < n.order for n in nodes for p in n.parents if p is not None)


def test_reachable_leaves_out_what_is_older() -> None:
    w = parameter(1.0)
    old = w * 2
    since = old.node.order + 1
    new = old * 3
    assert reachable([new.node], since) == ([new.node], True)
    assert reachable([old.node], since) == ([], True)
    assert reachable([w.node], w.node.order) == ([w.node], False)


@pytest.mark.parametrize(
    "f",
    [
        lambda c: c * 2,
        lambda c: np.sin(c),
        lambda c: c > 0,
        lambda c: np.sum(c),
        lambda c: c[0],
        lambda c: np.concatenate([c, c]),
    ],
)
def test_constants_are_not_recorded(f: Callable[[Any], Any]) -> None:
    assert f(mg.tensor([1.0, 2.0])).node is None


@pytest.mark.parametrize(
    "f",
    [
        lambda w: w > 0,
        lambda w: w == w,
        lambda w: np.isnan(w),
        lambda w: np.argmax(w),
        lambda w: np.any(w),
        lambda w: np.sign(w) > 0,
        lambda w: ~(w > 0),
    ],
)
def test_verdicts_are_constants(f: Callable[[Any], Any]) -> None:
    y = f(parameter(1.0, 2.0))
    assert not y.requires_grad
    np.asarray(y)  # and leave the graph freely


def test_trace_mode_keeps_every_operand() -> None:
    graph = mg.trace(lambda x: np.tanh(x) + x, np.ones(2))
    assert all(isinstance(value, np.ndarray) for node in graph.nodes for value in node.saved)


# -- freeing -------------------------------------------------------------------------------------------------


def test_backward_frees_and_retain_graph_keeps() -> None:
    w = parameter(1.0, 2.0)
    y = np.sum(np.sin(w))
    y.backward(retain_graph=True)
    assert y.node.saved is not FREED
    y.backward()
    assert y.node.saved is FREED
    assert w.node.saved is not FREED
    np.testing.assert_allclose(w.grad, 2 * np.cos([1.0, 2.0]))
    with pytest.raises(RuntimeError, match=r"second time.*retain_graph=True"):
        y.backward()


def eager() -> None:
    w = parameter(1.0, 2.0)
    np.sum(np.sin(w) * w).backward()


def eager_retained() -> None:
    w = parameter(1.0, 2.0)
    y = np.sum(np.sin(w) * w)
    y.backward(retain_graph=True)


def never_swept() -> None:
    w = parameter(1.0, 2.0)
    y = np.exp(w) @ w
    del w
    assert y.requires_grad


def nested_transforms() -> None:
    w = parameter(2.0)
    mg.grad(lambda x: mg.grad(lambda y: x * y * w)(1.0) ** 2)(3.0)
    mg.hessian(lambda x: np.sum(np.sin(x)))(np.ones(3))
    mg.hvp(lambda x: np.sum(np.sin(x)))(np.ones(3), np.ones(3))


def pullback() -> None:
    _, pull = mg.vjp(lambda x: {"a": np.sin(x)}, np.ones(2))
    pull({"a": np.ones(2)})


def traced() -> None:
    def f(x: Any, options: Any) -> Any:
        def inner(z: Any) -> Any:
            half = z / 2
            return half * half

        return inner(x) + inner(x + 1)

    graph = mg.trace(f, np.ones(2), {"a": 1})
    repr(graph)
    graph.gradients(cotangent=np.ones(2))


def failing() -> None:
    def f(x: Any) -> Any:
        y = np.sin(x)
        raise KeyError(y.shape)

    for run in (mg.grad(f), lambda x: mg.trace(f, x), lambda x: mg.vjp(f, x)):
        with suppress(KeyError):
            run(np.ones(2))


def refused() -> None:
    w = parameter(1.0, 2.0)
    with suppress(TypeError):
        float(w[0])


def own_primitive() -> None:
    @mg.primitive
    def cube(x: Any) -> Any:
        return x**3

    cube.defvjp(lambda g, y, x: 3 * g * x * x)
    mg.grad(mg.grad(cube))(2.0)
    mg.jvp(cube, (2.0,), (1.0,))


@pytest.mark.parametrize(
    "scenario",
    [
        eager,
        eager_retained,
        never_swept,
        nested_transforms,
        pullback,
        traced,
        failing,
        refused,
        own_primitive,
    ],
)
def test_a_graph_is_freed_at_once(scenario: Callable[[], None]) -> None:
    """No reference cycle: the last reference to a graph frees it, with the garbage collector off."""
    scenario()  # what is cached once
    with nothing_left():
        scenario()


def test_transforms_do_not_keep_the_functions_they_were_given() -> None:
    class Data:
        """Something large that a function closes over."""

    def scenario() -> None:
        data = Data()

        def loss(x: Any) -> Any:
            return x * id(data)

        mg.grad(loss)(1.0)
        mg.jacobian(loss)(1.0)
        mg.trace(loss, 1.0)
        mg.primitive(loss).defvjp(lambda g, y, x: g * id(data))(parameter(1.0))

    scenario()
    gc.collect()  # a recursive closure of the user's own may be a cycle
    assert not [x for x in gc.get_objects() if isinstance(x, Data)]


# -- deep and wide -------------------------------------------------------------------------------------------


def chain(x: Any, n: int) -> Any:
    for _ in range(n):
        x = -x
    return x


def test_a_chain_of_a_million_operations() -> None:
    with nothing_left():
        w = parameter(3.0)
        y = chain(w, MILLION)
        y.backward()
        assert w.grad == 1.0
        assert y.item() == 3.0
        del w, y  # a million nodes go, one after another


def test_a_long_chain_that_was_never_swept_is_freed() -> None:
    with nothing_left():
        y = chain(parameter(1.0), 300_000)
        del y


def test_a_long_chain_through_the_transforms() -> None:
    n = 50_000

    def f(x: Any) -> Any:
        return chain(x, n) * x

    assert mg.grad(f)(3.0) == 6.0
    assert mg.grad(mg.grad(f))(3.0) == 2.0
    assert mg.jvp(f, (3.0,), (1.0,)) == (9.0, 6.0)
    assert mg.hvp(f)(3.0, 1.0) == 2.0


def test_a_long_chain_is_traced_and_printed() -> None:
    graph = mg.trace(chain, 1.0, 100_000)
    assert len(graph.nodes) == 100_001
    assert repr(graph).count("\n") == 100_001
    assert len(graph.names) == 100_001  # x, x@1, x@2, ...
    assert graph.gradients()[graph.inputs["x"]] == 1.0
    assert graph.evaluate(graph.outputs[0], {graph.inputs["x"]: 5.0}) == 5.0


def test_a_rule_is_called_once_for_each_operation_however_wide_the_graph() -> None:
    """10,000 uses of one value, summed pairwise: every node is visited once, not once for each path to it."""
    calls = 0

    @mg.primitive
    def twice(x: Any) -> Any:
        return 2 * x

    def rule(g: Any, y: Any, x: Any) -> Any:
        nonlocal calls
        calls += 1
        return 2 * g

    twice.defvjp(rule)
    w = parameter(1.0)
    trunk = twice(w)
    terms = [twice(trunk) for _ in range(10_000)]
    total = sum(terms)
    total.backward()
    assert w.grad == 40_000.0
    assert calls == 10_001


def test_a_diamond_of_exponentially_many_paths() -> None:
    w = parameter(1.0)
    y = w
    for _ in range(60):
        y = y + y
    y.backward()
    assert w.grad == 2.0**60


def test_many_operands() -> None:
    ws = [parameter(float(k)) for k in range(10_000)]
    np.sum(np.stack(ws) * np.arange(10_000.0)).backward()
    assert [w.grad for w in ws] == list(range(10_000))


def test_nothing_recurses() -> None:
    """With Python's stack almost exhausted a chain far deeper than it still works."""

    def at_depth(n: int) -> Any:
        if n:
            return at_depth(n - 1)
        w = parameter(1.0)
        chain(w, 2_000).backward()
        return w.grad, mg.grad(chain)(1.0, 2_000), mg.jvp(lambda x: chain(x, 2_000), (1.0,), (1.0,))[1]

    here = 0
    frame: Any = sys._getframe()
    while frame is not None:
        frame, here = frame.f_back, here + 1
    assert at_depth(sys.getrecursionlimit() - here - 60) == (1.0, 1.0, 1.0)


# -- modes ---------------------------------------------------------------------------------------------------


def test_no_grad_records_nothing_and_nests() -> None:
    w = parameter(1.0)
    with mg.no_grad():
        assert current_mode() == OFF
        with mg.no_grad():
            assert not (w * 2).requires_grad
        assert not (w * 2).requires_grad
    assert current_mode() == RECORD
    assert (w * 2).requires_grad


def test_one_no_grad_may_be_entered_again_while_in_force() -> None:
    pause = mg.no_grad()
    with pause:
        with pause:
            pass
        assert current_mode() == OFF
    with pause:
        assert current_mode() == OFF
    assert current_mode() == RECORD


def test_no_grad_as_a_decorator() -> None:
    @mg.no_grad()
    def predict(w: Any) -> Any:
        """Say what it will be."""
        return w * 2

    assert predict.__doc__ == "Say what it will be."
    assert not predict(parameter(1.0)).requires_grad
    assert current_mode() == RECORD


def test_transforms_work_under_no_grad() -> None:
    w = parameter(2.0)
    with mg.no_grad():
        assert mg.grad(lambda x: x * x * w)(3.0) == 12.0
        assert mg.jvp(lambda x: x * w, (3.0,), (1.0,)) == (6.0, 2.0)
        assert mg.hessian(lambda x: x**3)(2.0) == 12.0
        assert current_mode() == OFF


def test_backward_works_under_no_grad() -> None:
    w = parameter(2.0)
    y = w * w
    with mg.no_grad():
        y.backward()
    assert w.grad == 4.0


def test_no_grad_inside_a_differentiated_function_makes_constants() -> None:
    def f(x: Any) -> Any:
        with mg.no_grad():
            scale = x * 2
        return x * scale

    assert mg.grad(f)(3.0) == 6.0  # of x * 6, not of 2 x^2
    assert mg.grad(mg.grad(f))(3.0) == 0.0


@pytest.mark.parametrize(
    "run",
    [
        mg.grad,
        mg.value_and_grad,
        mg.jacobian,
        mg.hessian,
        lambda f: lambda x: mg.hvp(f)(x, 1.0),
        lambda f: lambda x: mg.vjp(f, x),
        lambda f: lambda x: mg.jvp(f, (x,), (1.0,)),
        lambda f: lambda x: mg.trace(f, x),
    ],
    ids=["grad", "value_and_grad", "jacobian", "hessian", "hvp", "vjp", "jvp", "trace"],
)
def test_an_error_inside_f_leaves_modes_and_observers_as_they_were(run: Callable[[Any], Any]) -> None:
    def f(x: Any) -> Any:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        run(f)(1.0)
    assert current_mode() == RECORD
    assert observer.get() is None
    with mg.no_grad():
        with pytest.raises(ZeroDivisionError):
            run(f)(1.0)
        assert current_mode() == OFF


def test_an_error_in_a_rule_leaves_the_gradients_as_they_were() -> None:
    @mg.primitive
    def broken(x: Any) -> Any:
        return x * 1.0

    def rule(g: Any, y: Any, x: Any) -> Any:
        raise ArithmeticError("in the rule")

    broken.defvjp(rule)
    w = parameter(2.0)
    (w * w).backward()
    with pytest.raises(ArithmeticError, match="in the rule"):
        (broken(w) + w).backward()
    assert w.grad == 4.0
    assert current_mode() == RECORD


def test_tracing_ends_with_the_traced_function() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append(current_mode())
        return x * 2

    mg.trace(f, 1.0)
    assert seen == [TRACE]
    assert current_mode() == RECORD


# -- threads and tasks ---------------------------------------------------------------------------------------


def in_threads(*functions: Callable[[], None]) -> None:
    """Run functions at the same time, and raise what they raise."""
    errors: list[BaseException] = []

    def run(f: Callable[[], None]) -> None:
        try:
            f()
        except BaseException as error:  # also a failed assertion
            errors.append(error)

    threads = [threading.Thread(target=run, args=(f,)) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_threads_record_and_sweep_at_the_same_time() -> None:
    def work(seed: int) -> Callable[[], None]:
        def run() -> None:
            x = np.random.default_rng(seed).normal(size=5)
            for _ in range(100):
                w = mg.tensor(x, requires_grad=True)
                np.sum(np.sin(w * w) * w).backward()
                expected = np.sin(x * x) + 2 * x * x * np.cos(x * x)
                np.testing.assert_allclose(w.grad, expected)
                np.testing.assert_allclose(mg.grad(lambda v: np.sum(np.sin(v * v) * v))(x), expected)

        return run

    in_threads(*map(work, range(4)))


def test_threads_accumulate_into_a_shared_parameter() -> None:
    w = mg.tensor(np.zeros(3), requires_grad=True)

    def run() -> None:
        for _ in range(300):
            np.sum(w * 1.0).backward()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        in_threads(run, run, run)
    finally:
        sys.setswitchinterval(interval)
    np.testing.assert_array_equal(w.grad, np.full(3, 900.0))


def test_no_grad_in_one_thread_does_not_reach_another() -> None:
    inside, checked = threading.Event(), threading.Event()
    w = parameter(1.0)

    def pausing() -> None:
        with mg.no_grad():
            inside.set()
            assert checked.wait(10)
            assert not (w * 2).requires_grad

    def recording() -> None:
        assert inside.wait(10)
        assert (w * 2).requires_grad
        checked.set()

    in_threads(pausing, recording)


def test_a_trace_in_one_thread_does_not_see_another() -> None:
    inside, done = threading.Event(), threading.Event()

    def traced(x: Any) -> Any:
        y = x * 2
        inside.set()
        assert done.wait(10)
        return y + 1

    graphs = []

    def tracing() -> None:
        graphs.append(mg.trace(traced, 1.0))

    def computing() -> None:
        assert inside.wait(10)
        w = parameter(2.0)
        (w * w).backward()
        assert w.grad == 4.0
        done.set()

    in_threads(tracing, computing)
    assert [node.primitive.name for node in graphs[0].nodes] == ["leaf", "multiply", "add"]


def test_tasks_have_modes_of_their_own() -> None:
    w = parameter(1.0)

    async def pausing(turn: asyncio.Event, other: asyncio.Event) -> None:
        with mg.no_grad():
            turn.set()
            await other.wait()
            assert not (w * 2).requires_grad

    async def recording(turn: asyncio.Event, other: asyncio.Event) -> None:
        await turn.wait()
        assert (w * 2).requires_grad
        other.set()

    async def both() -> None:
        turn, other = asyncio.Event(), asyncio.Event()
        await asyncio.gather(pausing(turn, other), recording(turn, other))

    asyncio.run(both())
    assert current_mode() == RECORD


def test_a_leaf_knows_no_tensor() -> None:
    leaf = parameter(1.0).node
    assert isinstance(leaf, Leaf)
    assert leaf.shape == ()


def test_contexts_may_be_left_in_the_order_in_which_they_were_entered() -> None:
    def values() -> Iterator[int]:
        with mg.no_grad():
            yield 1
            yield 2

    first, second = values(), values()
    next(first), next(second)
    for generator in (first, second):
        assert current_mode() == OFF
        generator.close()
    assert current_mode() == RECORD
    shared = mg.no_grad()
    with shared, shared:
        assert current_mode() == OFF
    assert current_mode() == RECORD


# -- the logistic function written out, with other uses of what is in between -----------------------------------------


def logistic_between(x: Any, a: float, c: float, use: str) -> Any:
    """a / (c + exp(-x)), one of whose parts is used once more, before or after the quotient."""
    minus = -x
    e = np.exp(minus)
    total = c + e
    parts = {"x": x, "minus": minus, "e": e, "total": total, "none": np.zeros(1)}
    before = np.sin(parts[use])
    y = a / total
    return np.sum(y * y) + np.sum(before) + np.sum(np.cos(parts[use]))


@pytest.mark.parametrize("use", ["x", "minus", "e", "total", "none"])
@pytest.mark.parametrize(("a", "c"), [(1, 1), (2.5, -0.5)])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_the_logistic_function_written_out(use: str, a: float, c: float, shape: tuple[int, ...]) -> None:
    x = np.linspace(-4.0, -1.0, 6)[: int(np.prod(shape))].reshape(shape)
    slow = mg.vjp(lambda x: logistic_between(x, a, c, use), mg.tensor(x, requires_grad=True))[1](1.0)[0]  # on Tensors
    w = mg.tensor(x, requires_grad=True)
    y = logistic_between(w, a, c, use)
    y.backward(retain_graph=True)
    np.testing.assert_allclose(w.grad, slow.data if isinstance(slow, mg.Tensor) else slow, rtol=1e-13)
    again = w.grad.copy()
    y.backward()
    np.testing.assert_array_equal(w.grad, 2 * again)
    assert all(node.saved is FREED for node in reachable([y.node])[0] if node.parents)
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()
