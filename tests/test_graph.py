"""The Graph of a function: its nodes, and the names that it takes from the user's own code."""

from __future__ import annotations

import cProfile
import dataclasses
import functools
import sys
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.graph import Graph
from microgradnp.tape import Leaf

Pair = namedtuple("Pair", "left right")
SCALE = mg.tensor(3.0, requires_grad=True)


def names(graph: Graph) -> dict[str, Any]:
    """Return name -> value, as lists of numbers."""
    return {name: np.asarray(graph.value(name)).tolist() for name in graph.names}


# -- what a graph holds --------------------------------------------------------------------------------------


def network(X: Any, W: Any, b: Any) -> Any:
    H = mg.logistic(X @ W + b)
    loss = np.sum(H * H)
    return loss


def arguments() -> dict[str, Any]:
    return {"X": np.arange(6.0).reshape(3, 2) / 5, "W": np.ones((2, 2)) / 3, "b": np.array([0.1, 0.2])}


def test_nodes_inputs_outputs_and_names() -> None:
    graph = mg.trace(network, **arguments())
    assert graph.function == "network"
    assert list(graph.inputs) == ["X", "W", "b"]
    assert [node.primitive.name for node in graph.nodes] == [
        "leaf",
        "leaf",
        "leaf",
        "matmul",
        "add",
        "logistic",
        "multiply",
        "sum",
    ]
    assert graph.outputs == [graph.nodes[-1]]
    assert list(graph.names) == ["X", "W", "b", "H", "loss"]
    assert graph.names["loss"] is graph.outputs[0]
    assert graph.label(graph.nodes[5]) == "H"
    assert graph.label(graph.nodes[4]) is None
    assert all(isinstance(node, Leaf) for node in graph.inputs.values())
    assert repr(graph) == (
        "Graph of network(X, W, b): 8 nodes\n"
        "  X = input (3, 2)\n  W = input (2, 2)\n  b = input (2,)\n"
        "  t0 = matmul(X, W) (3, 2)\n  t1 = add(t0, b) (3, 2)\n  H = logistic(t1) (3, 2)\n"
        "  t2 = multiply(H, H) (3, 2)\n  loss = sum(t2) ()"
    )


def test_values_and_operands() -> None:
    given = arguments()
    graph = mg.trace(network, **given)
    np.testing.assert_array_equal(graph.value("H"), mg.logistic(given["X"] @ given["W"] + given["b"]))
    assert graph.value(graph.outputs[0]) == graph.value("loss") == network(**given)
    ((node, value), (again, _)) = graph.operands(graph.nodes[6])
    assert node is again is graph.names["H"]
    np.testing.assert_array_equal(value, graph.value("H"))
    with pytest.raises(KeyError, match=r"'Z'.*X, W, b, H, loss"):
        graph.value("Z")


def test_values_are_those_of_the_call() -> None:
    given = arguments()
    graph = mg.trace(network, **given)
    given["X"][:] = 100.0
    given["b"][:] = 100.0
    np.testing.assert_array_equal(graph.value("X"), arguments()["X"])
    assert graph.evaluate(graph.outputs[0], {graph.inputs["W"]: arguments()["W"]}) == network(**arguments())


def test_gradients_of_every_node() -> None:
    given = arguments()
    graph = mg.trace(network, **given)
    gradients = graph.gradients()
    assert set(gradients) == set(graph.nodes)
    for name, g in zip(given, mg.grad(network, (0, 1, 2))(*given.values()), strict=True):
        np.testing.assert_allclose(gradients[graph.inputs[name]], g, rtol=1e-14)
    np.testing.assert_array_equal(gradients[graph.names["H"]], 2 * graph.value("H"))
    assert gradients[graph.outputs[0]] == 1.0


def test_gradients_leave_out_what_has_none() -> None:
    def f(x: Any, k: Any, unused: Any) -> Any:
        mask = x > 0
        other = unused * 2
        picked = np.where(mask, x, 0.0)[k]
        return np.sum(picked), other

    graph = mg.trace(f, np.array([1.0, 2.0]), np.array([1, 1]), 5.0)
    found = {graph.label(node) for node in graph.gradients()}
    assert {"x", "picked"} <= found
    assert not found & {"k", "mask", "unused", "other"}


def test_evaluate_from_any_node() -> None:
    graph = mg.trace(network, **arguments())
    H, loss = graph.names["H"], graph.outputs[0]
    assert graph.evaluate(loss, {H: np.full((3, 2), 2.0)}) == 24.0
    assert graph.evaluate(loss, {}) == graph.value(loss)
    assert graph.evaluate(H, {loss: 7.0}) is graph.value(H)
    assert graph.evaluate(loss, {loss: 7.0}) == 7.0
    again = graph.evaluator(loss, [graph.inputs["X"], graph.inputs["b"]])
    assert again(arguments()["X"], arguments()["b"]) == graph.value(loss)
    assert not isinstance(again(arguments()["X"], arguments()["b"]), mg.Tensor)


def test_a_graph_of_data_of_every_kind() -> None:
    def f(x: Any, ints: Any, mask: Any, number: Any, count: Any, word: Any, nothing: Any, *, option: bool) -> Any:
        assert (count, word, nothing, option) == (3, "w", None, True)
        return np.sum(np.where(mask, x[ints] * number, x))

    graph = mg.trace(f, np.ones(3), np.array([0, 2, 1]), np.array([True, False, True]), 2.0, 3, "w", None, option=True)
    assert list(graph.inputs) == ["x", "ints", "mask", "number"]
    assert graph.constants["count"] == 3
    moved = graph.evaluate(graph.outputs[0], {graph.inputs["mask"]: np.array([False, False, True])})
    assert moved == 4.0  # the mask is data, not baked in


def test_trees_of_arguments_and_results() -> None:
    def f(params: Any, pair: Any) -> Any:
        return {"y": params["W"][0] * pair.left, "z": [pair.right]}

    graph = mg.trace(f, {"W": [np.ones(2), 1.0]}, Pair(np.ones(2), 2.0))
    assert list(graph.inputs) == ['params["W"][0]', 'params["W"][1]', "pair.left", "pair.right"]
    assert len(graph.outputs) == 2
    assert set(graph.result) == {"y", "z"}


def test_lists_of_numbers_are_arrays() -> None:
    graph = mg.trace(lambda x: np.sum(x), [[1.0, 2.0], [3.0, 4.0]])
    assert graph.inputs["x"].shape == (2, 2)


def test_star_arguments() -> None:
    def f(first: Any, *rest: Any, scale: Any = 1.0, **more: Any) -> Any:
        return first * rest[0] + rest[1] * scale + more["extra"]

    graph = mg.trace(f, 1.0, 2.0, 3.0, extra=4.0)
    assert list(graph.inputs) == ["first", "rest[0]", "rest[1]", "extra"]
    assert graph.value(graph.outputs[0]) == 9.0


# -- what is not the function's own --------------------------------------------------------------------------


def test_tensors_from_outside_are_on_the_graph() -> None:
    w = mg.tensor([2.0, 3.0], requires_grad=True)

    def f(x: Any) -> Any:
        y = w * x
        return np.sum(y * SCALE)

    graph = mg.trace(f, np.ones(2))
    assert list(graph.outside) == [SCALE.node, w.node]
    assert graph.names["w"] is w.node
    assert graph.names["SCALE"] is SCALE.node
    np.testing.assert_array_equal(graph.value("w"), [2.0, 3.0])
    assert "w = outside (2,)" in repr(graph)
    np.testing.assert_array_equal(graph.gradients()[w.node], [3.0, 3.0])
    assert w.grad is None


def test_a_graph_ends_where_the_trace_began() -> None:
    """Of what was computed before only the result is there; also when its own graph is freed."""
    w = mg.tensor([2.0, 3.0], requires_grad=True)
    hidden = np.tanh(w)
    np.sum(hidden).backward()

    def f(x: Any) -> Any:
        y = hidden * x
        return np.sum(y)

    graph = mg.trace(f, np.ones(2))
    assert [node.primitive.name for node in graph.nodes] == ["tanh", "leaf", "multiply", "sum"]
    np.testing.assert_array_equal(graph.value("hidden"), hidden.data)
    np.testing.assert_array_equal(graph.gradients()[hidden.node], [1.0, 1.0])
    assert w.node not in graph.gradients()
    assert "hidden = outside (2,)" in repr(graph)


def test_a_result_from_outside() -> None:
    graph = mg.trace(lambda x: SCALE, 1.0)
    assert graph.outputs == [SCALE.node]
    assert graph.value(SCALE.node) == 3.0
    assert repr(graph)


def test_unused_tensors_of_the_scope_are_not_on_the_graph() -> None:
    model = [mg.tensor(1.0, requires_grad=True), mg.tensor(2.0, requires_grad=True)]

    def f(x: Any) -> Any:
        return model[0] * x

    graph = mg.trace(f, 1.0)
    assert set(graph.names) == {"x", "model[0]"}


@pytest.mark.parametrize(
    "f",
    [lambda x: x, lambda x: 3.0, lambda x: None, lambda x: (x, x)],
    ids=["identity", "constant", "None", "twice"],
)
def test_functions_that_record_nothing(f: Callable[[Any], Any]) -> None:
    graph = mg.trace(f, np.ones(2))
    assert list(graph.names) == ["x"]
    assert repr(graph)


# -- names: variables ----------------------------------------------------------------------------------------


def test_every_local_has_its_value() -> None:
    def f(x: Any) -> Any:
        y = 2 * x
        z = y + 1
        return z * z

    assert names(mg.trace(f, 3.0)) == {"x": 3.0, "y": 6.0, "z": 7.0}


def test_the_last_value_has_the_name_and_the_earlier_are_numbered() -> None:
    def f(x: Any) -> Any:
        x = x + 1
        x = x * 2
        y = x
        return y - 1

    assert names(mg.trace(f, 3.0)) == {"x": 8.0, "x@1": 3.0, "x@2": 4.0, "y": 8.0}


def test_rebinding_in_a_loop_and_in_place() -> None:
    def f(x: Any) -> Any:
        h = x * 1.0
        for _ in range(3):
            h += x
        return h

    assert names(mg.trace(f, 1.0)) == {"x": 1.0, "h": 4.0, "h@1": 1.0, "h@2": 2.0, "h@3": 3.0}


def test_a_name_bound_again_to_an_earlier_value() -> None:
    def f(x: Any) -> Any:
        y = x * 2
        z, y = y, x * 3
        w = y + 1
        y = z
        return y * w

    found = names(mg.trace(f, 1.0))
    assert (found["y"], found["z"], found["w"], found["y@2"]) == (2.0, 2.0, 4.0, 3.0)


def test_the_last_statement_before_return_has_its_name() -> None:
    def f(x: Any) -> Any:
        last = np.exp(x)
        return last

    assert "last" in mg.trace(f, 1.0).names


def test_names_that_are_deleted_or_shadowed_by_plain_values() -> None:
    def f(x: Any) -> Any:
        gone = x * 2
        y = gone + 1
        del gone
        n = y * 1.0
        z = n * 2
        n = 3
        return z + n

    found = names(mg.trace(f, 1.0))
    assert (found["gone"], found["n"], found["z"]) == (2.0, 3.0, 6.0)


def test_constants_are_the_other_locals() -> None:
    def f(x: Any, rate: Any) -> Any:
        n = len(x)
        label = "text"  # noqa: F841
        table = np.arange(3)
        y = x * table
        return np.sum(y) / n

    graph = mg.trace(f, np.ones(3), 2)
    assert {"n", "label", "table", "rate"} <= set(graph.constants)
    assert graph.constants["n"] == 3
    assert not any(isinstance(v, mg.Tensor) for v in graph.constants.values())


def test_a_constant_tensor_is_given_as_its_value() -> None:
    def f(x: Any) -> Any:
        fixed = mg.tensor([1.0, 2.0])
        return np.sum(x * fixed)

    constants = mg.trace(f, np.ones(2)).constants
    assert type(constants["fixed"]) is np.ndarray


# -- names: containers and objects ---------------------------------------------------------------------------


@dataclasses.dataclass
class Cache:
    hidden: Any
    items: Any


class Network:
    def __init__(self) -> None:
        self.W = mg.tensor([2.0, 3.0], requires_grad=True)
        self.layers = [mg.tensor(1.5, requires_grad=True)]

    def forward(self, x: Any) -> Any:
        self.hidden = x * self.W
        return np.sum(self.hidden) * self.layers[0]

    __call__ = forward


def test_names_reach_into_containers_and_attributes() -> None:
    def f(x: Any) -> Any:
        zs = [x * 2]
        cache = {"A1": zs[0] + 1, 7: x - 1}
        pair = Pair(cache["A1"] * 2, (x * 9,))
        box = Cache(hidden=pair.left + 5, items=[{"deep": x / 2}])
        return box.hidden + pair.right[0] + box.items[0]["deep"] + cache[7]

    found = names(mg.trace(f, 1.0))
    assert found["zs[0]"] == 2.0
    assert found['cache["A1"]'] == 3.0
    assert found["cache[7]"] == 0.0
    assert found["pair.left"] == 6.0
    assert found["pair.right[0]"] == 9.0
    assert found["box.hidden"] == 11.0
    assert found['box.items[0]["deep"]'] == 0.5


def test_methods_and_callable_objects() -> None:
    for graph in (mg.trace(Network().forward, np.ones(2)), mg.trace(Network(), np.ones(2))):
        assert list(graph.inputs) == ["x"]
        found = names(graph)
        assert found["self.W"] == [2.0, 3.0]
        assert found["self.hidden"] == [2.0, 3.0]
        assert found["self.layers[0]"] == 1.5
    assert mg.trace(Network().forward, np.ones(2)).function == "forward"


def test_attributes_that_only_a_method_sees() -> None:
    def f(x: Any) -> Any:
        return Network()(x)

    assert names(mg.trace(f, np.ones(2)))["self.hidden"] == [2.0, 3.0]


def test_objects_that_resist_are_left_alone() -> None:
    class Hostile:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(f"hands off {name}")

        def __eq__(self, other: object) -> Any:
            raise RuntimeError("no comparison")

        __hash__ = None  # type: ignore[assignment]

    Hostile.__module__ = None  # type: ignore[assignment]

    def f(x: Any) -> Any:
        hostile = Hostile()
        loop: list[Any] = [x * 2]
        loop.append(loop)
        y = loop[0] + 1
        assert hostile is not None
        return y

    assert names(mg.trace(f, 1.0))["loop[0]"] == 2.0


def test_a_huge_table_does_not_hang() -> None:
    table = [[[0.0] * 200 for _ in range(200)] for _ in range(200)]

    def f(x: Any) -> Any:
        local = table
        y = x * len(local)
        return y

    assert names(mg.trace(f, 1.0))["y"] == 200.0


# -- names: other functions ----------------------------------------------------------------------------------


def helper(u: Any) -> Any:
    z = u * 2
    return z + 1


def test_locals_of_functions_that_f_calls() -> None:
    def f(x: Any) -> Any:
        y = helper(x)
        return y

    assert names(mg.trace(f, 1.0)) == {"x": 1.0, "y": 3.0, "u": 1.0, "z": 2.0}


def test_clashing_names_are_qualified() -> None:
    def f(x: Any) -> Any:
        z = x * 10
        y = helper(z)
        return y

    found = names(mg.trace(f, 1.0))
    assert (found["z"], found["helper.z"], found["u"]) == (10.0, 20.0, 10.0)


def test_a_function_called_several_times() -> None:
    def f(x: Any) -> Any:
        a = helper(x)
        b = helper(a)
        return b

    found = names(mg.trace(f, 1.0))
    assert (found["helper.z"], found["helper.z@1"]) == (6.0, 2.0)
    assert (found["helper.u"], found["helper.u@1"]) == (3.0, 1.0)
    assert "z" not in found


def test_an_argument_of_the_same_name_and_value_is_not_named_twice() -> None:
    def inner(x: Any) -> Any:
        return x * 2

    def f(x: Any) -> Any:
        return inner(x)

    assert list(mg.trace(f, 1.0).names) == ["x"]


def test_nested_functions_and_closures() -> None:
    def f(x: Any) -> Any:
        half = x / 2

        def inner(v: Any) -> Any:
            w = v * half
            return w

        return inner(x) + half

    assert names(mg.trace(f, 4.0)) == {"x": 4.0, "half": 2.0, "v": 4.0, "w": 8.0}


def test_recursion() -> None:
    def power(x: Any, n: int) -> Any:
        if n == 1:
            return x
        rest = power(x, n - 1)
        return rest * x

    graph = mg.trace(power, 2.0, 4)
    assert graph.value(graph.outputs[0]) == 16.0
    found = names(graph)
    assert found["rest"] == 8.0
    assert {found["power.rest"], found["power.rest@1"]} == {2.0, 4.0}


def test_comprehensions_and_generators() -> None:
    def f(x: Any) -> Any:
        squares = [v * v for v in (x, x + 1)]
        total = sum(part * 3 for part in squares)

        def halves(values: Any) -> Any:
            for value in values:
                half = value / 2
                yield half

        parts = list(halves(squares))
        return total + parts[0] + parts[1]

    found = names(mg.trace(f, 1.0))
    assert (found["squares[0]"], found["squares[1]"], found["total"]) == (1.0, 4.0, 15.0)
    assert (found["parts[0]"], found["parts[1]"]) == (0.5, 2.0)
    assert found["halves.half"] == 2.0


def test_lambdas() -> None:
    graph = mg.trace(lambda a, b: np.sin(a) * b, 1.0, 2.0)
    assert list(graph.names) == ["a", "b"]
    square = lambda v: v * v  # noqa: E731

    def f(x: Any) -> Any:
        y = square(x)
        return y

    assert names(mg.trace(f, 3.0))["y"] == 9.0


def test_partial_and_decorated_functions() -> None:
    def decorate(g: Any) -> Any:
        @functools.wraps(g)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            result = g(*args, **kwargs) * 1.0
            return result

        return wrapper

    @decorate
    def f(x: Any, scale: Any) -> Any:
        y = x * scale
        return y

    graph = mg.trace(f, 2.0, 3.0)
    assert graph.function == "f"
    found = names(graph)
    assert (found["x"], found["scale"], found["y"]) == (2.0, 3.0, 6.0)
    graph = mg.trace(functools.partial(f, scale=3.0), 2.0)
    assert names(graph)["y"] == 6.0
    assert list(graph.inputs) == ["x"]


def test_a_cached_and_a_static_function() -> None:
    class Maths:
        @staticmethod
        def double(x: Any) -> Any:
            y = x + x
            return y

        @classmethod
        def triple(cls, x: Any) -> Any:
            z = x * 3
            return z

    assert names(mg.trace(Maths.double, 2.0)) == {"x": 2.0, "y": 4.0}
    assert names(mg.trace(Maths.triple, 2.0)) == {"x": 2.0, "z": 6.0}


def test_functions_of_numpy_and_of_ours() -> None:
    for f in (np.exp, np.sum, mg.logistic, mg.softmax):
        graph = mg.trace(f, np.ones(2))
        assert len(graph.nodes) == 2
        assert len(graph.inputs) == 1


# -- mg.name -------------------------------------------------------------------------------------------------


def test_name_what_has_no_variable() -> None:
    def f(x: Any) -> Any:
        return np.sum(mg.name(mg.name(x * x, "square") + 1, "shifted"))

    found = names(mg.trace(f, np.array([1.0, 2.0])))
    assert found["square"] == [1.0, 4.0]
    assert found["shifted"] == [2.0, 5.0]


def test_name_used_again_is_numbered() -> None:
    def f(x: Any) -> Any:
        for _ in range(3):
            mg.name(x, "step")
            x = x + 1
        return x

    found = names(mg.trace(f, 1.0))
    assert (found["step@1"], found["step@2"], found["step"]) == (1.0, 2.0, 3.0)


def test_name_returns_its_value_and_passes_arrays_through() -> None:
    a = np.ones(2)
    assert mg.name(a, "a") is a
    assert mg.name(None, "n") is None
    t = mg.tensor(1.0)
    assert mg.name(t, "t") is t
    assert t.name == "t"
    w = mg.tensor(1.0, requires_grad=True)
    assert mg.name(w * 2, "double").name == "double"


def test_a_given_name_goes_before_a_variable() -> None:
    def f(x: Any) -> Any:
        y = mg.name(x * 2, "Zo")
        return y + 1

    graph = mg.trace(f, 1.0)
    assert graph.label(graph.names["y"]) == "Zo"


# -- company -------------------------------------------------------------------------------------------------


def test_works_under_a_trace_function_and_a_profiler() -> None:
    def f(x: Any) -> Any:
        y = helper(x)
        y = y * 2
        return y

    expected = names(mg.trace(f, 1.0))
    lines = []

    def tracer(frame: Any, event: str, arg: Any) -> Any:
        lines.append(event)
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        under_trace = names(mg.trace(f, 1.0))
        assert sys.gettrace() is tracer
    finally:
        sys.settrace(before)
    assert "line" in lines
    assert under_trace == expected
    profiler = cProfile.Profile()
    try:
        profiler.enable()
    except ValueError:  # another profiler is at work
        return
    try:
        assert names(mg.trace(f, 1.0)) == expected
    finally:
        profiler.disable()


def test_locals_keep_their_values_while_watched() -> None:
    """Reading a frame's variables must not put old ones back."""

    def f(x: Any) -> Any:
        count = 0
        for _ in range(5):
            x = x * 2
            count += 1
        cell = [count]

        def bump() -> None:
            nonlocal count
            count += 10

        bump()
        y = x * 1.0
        cell.append(count)
        return y * cell[1]

    graph = mg.trace(f, 1.0)
    assert graph.value(graph.outputs[0]) == 32.0 * 15
    assert graph.constants["count"] == 15


def test_nested_traces_keep_apart() -> None:
    inner_graphs = []

    def f(x: Any) -> Any:
        y = x * 2
        inner_graphs.append(mg.trace(lambda q: q * 5 + 1, 3.0))
        z = y + 1
        return z

    assert list(mg.trace(f, 1.0).names) == ["x", "y", "z"]
    assert list(inner_graphs[0].names) == ["q"]


def test_the_result_is_on_the_graph_but_no_longer_traced() -> None:
    graph = mg.trace(lambda x: x * 2, 1.0)
    more = graph.result * 3
    assert len(graph.nodes) == 2
    assert more.item() == 6.0


def test_what_is_no_function_is_refused() -> None:
    loss = mg.tensor(1.0)
    with pytest.raises(TypeError, match=r"mg\.trace wants a function.*`loss`"):
        mg.trace(loss)


def test_scopes_say_in_which_call_a_node_was_computed() -> None:
    def layer(x: Any, W: Any) -> Any:
        return np.tanh(x @ W)

    def block(x: Any, V: Any, W: Any) -> Any:
        steps = [layer(layer(x, V), W) for _ in range(1)]  # a comprehension is part of its function
        return steps[-1]

    def network(x: Any, V: Any, W: Any) -> Any:
        h = block(x, V, W)
        return np.sum(h)

    graph = mg.trace(network, np.ones((2, 3)), np.ones((3, 4)), np.ones((4, 2)))
    assert [graph.scopes.get(node, "") for node in graph.nodes if node.parents] == [
        *["block.layer"] * 2,
        *["block.layer (2)"] * 2,
        "",
    ]
