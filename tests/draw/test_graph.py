"""Pictures of graphs: what is drawn, how it fits a budget, the files, and errors for what does not fit."""

import html
import importlib
import inspect
import math
import os
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import microgradnp as mg
from microgradnp.draw import Note, Picture, draw, picture
from microgradnp.draw.diagram import STATUSES
from microgradnp.draw.dot import LOOKS, VERDICTS
from microgradnp.draw.folding import fold
from microgradnp.draw.notation import figure, summary
from microgradnp.draw.reading import read

# -- the network of document 001, and others -----------------------------------------------------------------


def network(X, T, Wh, bh, Wo, bo):
    Zh = X @ Wh + bh
    H = 1 / (1 + np.exp(-Zh))
    Zo = H @ Wo + bo
    Y = np.exp(Zo) / np.sum(np.exp(Zo), axis=1, keepdims=True)
    loss = -np.sum(T * np.log(Y))
    return loss


def arguments(seed=1):
    rng = np.random.default_rng(seed)
    T = np.eye(2)[np.arange(100) % 2]
    shapes = [(2, 3), (1, 3), (3, 2), (1, 2)]
    return [rng.normal(size=(100, 2)), T, *(rng.normal(size=shape) for shape in shapes)]


def recurrent(x, t, Wx, Wh, b):
    h = np.zeros((4, 3))
    for k in range(len(x)):
        h = np.tanh(x[k] @ Wx + h @ Wh + b)
    return np.mean((h - t) ** 2)


def recurrent_graph(steps):
    rng = np.random.default_rng(2)
    shapes = [(steps, 4, 2), (4, 3), (2, 3), (3, 3), (3,)]
    return mg.trace(recurrent, *(rng.normal(size=shape) for shape in shapes))


def deep(X, T, params):
    h = X
    for layer in range(3):
        z = h @ params[2 * layer] + params[2 * layer + 1]
        for _ in range(25):
            z = z - 0.01 * np.sin(z) * np.exp(-z * z)
        h = np.tanh(z)
    return np.sum((h - T) ** 2)


def deep_graph():
    rng = np.random.default_rng(3)
    shapes = [(2, 3), (3,), (3, 3), (3,), (3, 2), (2,)]
    return mg.trace(deep, rng.normal(size=(9, 2)), np.ones((9, 2)), [rng.normal(size=s) for s in shapes])


# -- reading a picture ---------------------------------------------------------------------------------------


def words(label):
    """The lines of an HTML-like label, as a reader sees them."""
    lines = re.split(r"<BR[^>]*/>|</TR>", label)
    texts = [html.unescape(re.sub(r"<[^>]*>", "", line)).replace("\\\\", "\\") for line in lines]
    return [text.strip() for text in texts if text.strip()]


class Drawn:
    """The boxes and arrows of a picture, from its source."""

    def __init__(self, picture):
        self.boxes, self.looks, self.arrows = {}, {}, []
        for line in picture.source.splitlines():
            if found := re.fullmatch(r"\s*(n\d+) \[label=<(.*)> ([^>]*|.*tooltip=\".*\")\]", line):
                key = found[1]
                self.boxes[key] = words(found[2])
                pairs = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|[^\s"]+)', found[3])
                self.looks[key] = {name: value.strip('"') for name, value in pairs}
            elif found := re.fullmatch(r"\s*(n\d+) -> (n\d+)(?: \[(.*)\])?", line):
                mark = re.search(r'label=" (\w+)"', found[3] or "")
                self.arrows.append((found[1], found[2], mark[1] if mark else ""))
        caption = re.search(r"graph \[label=<(.*)>\]", picture.source)
        self.caption = words(caption[1]) if caption else []

    def key(self, name):
        """The box of a name: the first line begins with it."""
        (key,) = [k for k, lines in self.boxes.items() if lines and lines[0].split("  ")[0] == name]
        return key

    def lines(self, name):
        return self.boxes[self.key(name)]

    def look(self, name):
        return self.looks[self.key(name)]

    def names(self):
        return [lines[0].split("  ")[0] for lines in self.boxes.values()]

    def into(self, name):
        return [(self.boxes[a][0].split("  ")[0], mark) for a, b, mark in self.arrows if b == self.key(name)]


def drawn(x, **options):
    return Drawn(draw(x, **options))


def formula(f, *args):
    """What a function of unnamed steps is drawn as."""
    return drawn(mg.trace(f, *args), formulas=True, values=False).lines("output")[1]


# -- what is drawn -------------------------------------------------------------------------------------------


def test_a_graph_shows_names_shapes_operations_values_and_gradients():
    graph = mg.trace(network, *arguments())
    shown = drawn(graph)
    gradients = graph.gradients()
    for name, node in graph.names.items():
        head, *rest = shown.lines(name)
        assert head == (f"{name}  {node.shape}" if node.shape else name)
        assert f"value {summary(graph.value(name))}" in rest
        assert (f"gradient {summary(gradients[node])}" in rest) == (name not in ("X", "T", "loss"))
    assert shown.lines("Zh")[1] == "○ + bh"
    assert shown.lines("H")[1] == "1 / ○"
    assert shown.lines("X @ Wh")[1:] == [
        f"value {summary(graph.value('X') @ graph.value('Wh'))}",
        f"gradient {summary(gradients[graph.names['Zh']])}",
    ]
    assert len(shown.boxes) == len(graph.nodes) == 22
    assert {("X @ Wh", ""), ("bh", "")} == set(shown.into("Zh"))


def test_operands_without_a_name_are_told_apart_where_their_order_matters():
    shown = drawn(mg.trace(network, *arguments()))
    assert shown.lines("Y")[1] == "○1 / ○2"
    assert shown.into("Y") == [("exp(Zo)", "1"), ("sum(○, axis=1)", "2")]
    product = drawn(mg.trace(lambda x: np.sin(x) * np.cos(x), 1.0))
    assert product.lines("output")[1] == "○ * ○"
    assert [mark for _, mark in product.into("output")] == ["", ""]


def test_with_formulas_every_name_has_one_box():
    shown = drawn(mg.trace(network, *arguments()), formulas=True)
    formulas = {name: shown.lines(name)[1] for name in ("Zh", "H", "Zo", "Y", "loss")}
    assert formulas == {
        "Zh": "X @ Wh + bh",
        "H": "1 / (1 + exp(-Zh))",
        "Zo": "H @ Wo + bo",
        "Y": "exp(Zo) / sum(exp(Zo), axis=1)",
        "loss": "-sum(T * log(Y))",
    }
    assert len(shown.boxes) == 11
    assert not any("budget" in line for line in shown.caption)


def test_a_tensor_shows_shapes_and_the_names_of_variables():
    X, T, *_ = arguments()
    W = mg.tensor(np.full((2, 2), 0.5), requires_grad=True)
    b = mg.tensor(np.zeros(2, np.float32), requires_grad=True, name="bias")
    Z = X @ W + b
    loss = np.sum(Z * mg.tensor(T))
    shown = Drawn(draw(loss))
    assert shown.lines("W") == ["W  (2, 2)", "value all 0.5"]
    assert shown.lines("bias")[0] == "bias  (2,) float32"
    assert shown.lines("Z") == ["Z  (100, 2)", "○ + bias"]
    assert shown.lines("X @ W") == ["X @ W  (100, 2)"]  # a plain array, found by its contents
    assert shown.lines("loss") == ["loss", "sum(○)", f"value {summary(loss.data)}"]
    assert shown.into("Z * T") == [("Z", ""), ("T", "")]
    loss.backward()
    after = Drawn(draw(loss))
    assert f"gradient {summary(W.grad)}" in after.lines("W")
    assert after.lines("const @ W") == ["const @ W  (100, 2)"]  # backward has freed what was saved


def test_data_parameters_operations_and_the_output_differ_in_shape_and_line():
    shown = drawn(mg.trace(network, *arguments()))
    assert shown.look("X")["shape"] == shown.look("T")["shape"] == "cylinder"
    for name in ("Wh", "bh", "Wo", "bo"):
        assert shown.look(name)["shape"] == "box"
        assert float(shown.look(name)["penwidth"]) > 2
    assert "rounded" in shown.look("H")["style"]
    assert shown.look("loss")["peripheries"] == "2"
    without_colour = [{k: v for k, v in look.items() if "color" not in k} for look in LOOKS.values()]
    assert all(a != b for i, a in enumerate(without_colour) for b in without_colour[:i])
    assert shown.caption == [
        "cylinder: data,  thick frame: parameter,  rounded: operation,  double frame: output,  ○: what the arrow brings"
    ]


def luminance(colour):
    """Relative luminance of #RRGGBB, as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_text_can_be_read_on_every_fill():
    for fill in {look["fillcolor"] for look in LOOKS.values()}:
        for ink in {"#1A1A1A", "#555555", *(colour for *_, colour in VERDICTS.values())}:
            assert contrast(ink, fill) > 4.5, (ink, fill)
    assert contrast("#FFFFFF", VERDICTS["wrong"][-1]) > 7


@pytest.mark.parametrize(
    ("parameters", "thick"),
    [(None, {"W1", "b"}), (["X"], {"X"}), ("speed", {"speed"}), ([], set())],
)
def test_parameters_are_guessed_from_names_or_given(parameters, thick):
    def f(X, W1, b, speed, labels):
        return np.sum(X @ W1 + b) * speed + labels

    graph = mg.trace(f, np.ones((4, 2)), np.ones((2, 3)), np.ones(3), 1.5, np.arange(3))
    shown = drawn(graph, parameters=parameters)
    inputs = ("X", "W1", "b", "speed", "labels")
    assert {name for name in inputs if shown.look(name)["shape"] == "box"} == thick
    assert ("cylinder: data" if thick else "cylinder: input") in shown.caption[-1]


def test_arrays_on_no_graph_are_inputs():
    mask = np.arange(12.0).reshape(3, 4)

    def f(x):
        noise = mask + 1
        return np.sum(x * noise * mask + np.sqrt(x) * mask) + np.sum([0.5, 2] * x[0, :2])

    shown = drawn(mg.trace(f, np.ones((3, 4))))
    assert shown.look("noise")["shape"] == shown.look("mask")["shape"] == "cylinder"
    assert shown.names().count("○ * mask") == 2  # one box, though each use has its copy
    assert len([a for a, _, _ in shown.arrows if a == shown.key("mask")]) == 2
    assert any(line.startswith("[0.5, 2] * ○") for line in shown.names())


def test_tensors_from_outside_are_where_a_traced_function_begins():
    W = mg.tensor([[1.0, 2.0]], requires_grad=True)
    S = np.tanh(W) * 2
    shown = drawn(mg.trace(lambda x: np.sum(x * S + W), np.ones((3, 2))))
    assert shown.look("W")["shape"] == "box"
    assert shown.look("S")["shape"] == "cylinder"
    assert shown.names().count("S") == 1
    assert not any("tanh" in line for lines in shown.boxes.values() for line in lines)


def test_everything_a_function_returns_is_an_output_and_one_scalar_gives_gradients():
    def f(w):
        k = w * w
        return np.sum(k), k

    shown = drawn(mg.trace(f, np.array([1.0, 2.0, 3.0])))
    assert shown.lines("k") == ["k  (3,)", "w * w", "value 1, 4, 9", "gradient 1, 1, 1"]
    assert shown.look("k")["peripheries"] == shown.look("output")["peripheries"] == "2"
    no_scalar = drawn(mg.trace(lambda w: w * w, np.ones(5)))
    assert not any("gradient" in line for lines in no_scalar.boxes.values() for line in lines)


def test_gradients_that_cannot_be_computed_are_no_reason_not_to_draw():
    @mg.primitive
    def odd(x):
        return x + 1

    @odd.defvjp
    def _(g, y, x):
        raise ZeroDivisionError("no rule yet")

    shown = drawn(mg.trace(lambda x: np.sum(odd(x)), np.ones(3)))
    assert shown.caption[0] == "no gradients: ZeroDivisionError: no rule yet"
    assert shown.lines("odd(x)") == ["odd(x)  (3,)", "value 2, 2, 2"]


def test_values_legend_and_title_are_options():
    graph = mg.trace(network, *arguments())
    shown = drawn(graph, values=False, legend=False, title="Figure <1>")
    assert shown.lines("H") == ["H  (100, 3)", "1 / ○"]
    assert shown.caption == ["Figure <1>"]
    assert "rankdir=LR" in draw(graph, direction="LR").source
    assert drawn(graph, values=False, legend=False).caption == []


def test_a_quantity_used_everywhere_keeps_its_first_arrow_only():
    shown = drawn(recurrent_graph(30))
    assert shown.lines("Wh")[1] == "used 30 times"
    wh = shown.key("Wh")
    assert len([a for a, _, _ in shown.arrows if a == wh]) == 1
    assert "only the first arrow is drawn" in shown.caption[-2]
    few = drawn(recurrent_graph(5))
    assert len([a for a, _, _ in few.arrows if a == few.key("Wh")]) == 5


# -- operations as text --------------------------------------------------------------------------------------

x23 = np.arange(1.0, 7.0).reshape(2, 3)
OPERATIONS = {
    "x - (x - 1)": lambda x: x - (x - 1),
    "x - 1 - x": lambda x: x - 1 - x,
    "(-x) ** 2": lambda x: (-x) ** 2,
    "-x ** 2": lambda x: -(x**2),
    "2 ** x ** 3": lambda x: 2 ** (x**3),
    "(2 ** x) ** 3": lambda x: (2**x) ** 3,
    "(x + 1) * (x - 1)": lambda x: (x + 1) * (x - 1),
    "x / (x * x)": lambda x: x / (x * x),
    "x * -2": lambda x: x * -2,
    "(-2) ** x": lambda x: (-2.0) ** x,
    "x.T @ x": lambda x: x.T @ x,
    "(x + 1).T": lambda x: (x + 1).T,
    "transpose(x, axes=(1, 0))": lambda x: np.transpose(x, (1, 0)),
    "x[1:, None, ::2]": lambda x: x[1:, None, ::2],
    "x[..., 0]": lambda x: x[..., 0],
    "x[[1, 0], 2]": lambda x: x[np.array([1, 0]), 2],
    "sum(x, axis=(0, 1))": lambda x: np.sum(x, axis=(0, 1)),
    "max(x, axis=0)": lambda x: np.max(x, axis=0, keepdims=True),
    "reshape(x, shape=(3, 2))": lambda x: np.reshape(x, (3, 2)),
    "where(x > 2, x, 0.1 * x)": lambda x: np.where(x > 2, x, 0.1 * x),
    "concatenate(x, x + 1, axis=1)": lambda x: np.concatenate([x, x + 1], axis=1),
    "stack(x, x, … 7 operands, axis=0)": lambda x: np.stack([x] * 7),
    "einsum('ij,kj->ik', x, x)": lambda x: np.einsum("ij,kj->ik", x, x),
    "maximum(x, 0)": lambda x: np.maximum(x, 0),
    "logistic(x)": lambda x: mg.logistic(x),
    "softmax(x, axis=0)": lambda x: mg.softmax(x, axis=0),
}


@pytest.mark.parametrize("text", OPERATIONS)
def test_operations_are_written_as_numpy_code(text):
    assert formula(OPERATIONS[text], x23) == text


LEAF = st.sampled_from(["x", "2", "0.5"])
TREES = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "**"]), inner),
        st.builds("(-{})".format, inner),
        st.builds("np.tanh({})".format, inner),
    ),
    max_leaves=6,
)


@given(TREES)
def test_a_written_formula_has_the_value_of_what_it_was_written_from(code):
    x = np.float64(1.25)
    f = eval(f"lambda x: {code} + x", {"np": np})
    with np.errstate(all="ignore"):
        try:
            value = f(x)
        except (OverflowError, ZeroDivisionError):  # of Python's own numbers
            return
        if isinstance(value, complex) or not math.isfinite(value):
            return
        text = formula(f, x)
        if "○" not in text:  # else it is too long for one box
            assert eval(text, {"x": x, "tanh": np.tanh}) == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array(-0.0), "0"),
        (np.array([1, 2_000_000]), "1, 2,000,000"),
        (np.array([True, False, True, True]), "3 of 4 True"),
        (np.array([np.nan] * 5), "5 nan"),
        (np.array(3 + 4j), "3+4j"),
        (np.array([3 + 4j] * 4), "modulus all 5"),
        (np.arange(5, dtype=np.float16), "0 … 4"),
        (np.array([1e300, -1e300, 0, 0]), "−1e+300 … 1e+300"),
    ],
    ids=str,
)
def test_values_are_summed_up(value, text):
    assert summary(value) == text


# -- the budget ----------------------------------------------------------------------------------------------


def hidden(shown):
    """How many operations the captions say are in formulas, and how many are folded."""
    text = " ".join(shown.caption)
    counts = [re.search(rf"([\d,]+) operations? {how}", text) for how in ("written", "(?:and .* )?folded")]
    return [int(found[1].replace(",", "")) if found else 0 for found in counts]


@pytest.mark.parametrize("budget", [20, 60, 150, 400, 2000])
def test_a_large_graph_fits_the_budget_and_the_picture_says_how(budget):
    graph = deep_graph()
    operations = sum(1 for node in graph.nodes if node.parents)
    assert operations > 400
    shown = drawn(graph, budget=budget)
    assert len(shown.boxes) <= budget
    in_formulas, folded = hidden(shown)
    boxes = sum(1 for look in shown.looks.values() if look["shape"] == "box" and "penwidth" not in look)
    ellipses = sum(1 for name in shown.names() if name.startswith("…"))
    assert boxes - ellipses + in_formulas + folded == operations
    assert (in_formulas + folded == 0) == (budget >= len(graph.nodes))
    for name in (*(name for name in graph.inputs if name in shown.names()), "output"):
        assert shown.lines(name)
    assert {"X", "T", "output"} <= set(shown.names())


def test_a_loop_shows_its_first_and_last_iterations():
    shown = drawn(recurrent_graph(30), budget=20)
    states = [name for name in shown.names() if name.startswith("h")]
    assert states == ["h@1", "h@2", "h@3", "h@28", "h@29", "h"]
    assert shown.lines("h@2")[1] == "tanh(x[1] @ Wx + h@1 @ Wh + b)"
    (ellipsis,) = [name for name in shown.names() if name.startswith("…")]
    assert shown.into("h@28") == [(ellipsis, "")]
    assert ("h@3", "") in shown.into(ellipsis)
    assert {"x", "t", "Wx", "Wh", "b"} <= set(shown.names())
    assert len(drawn(recurrent_graph(30)).boxes) == 189  # which is within the usual budget


def test_a_chain_of_a_hundred_thousand_operations_is_drawn():
    w = mg.tensor(0.5, requires_grad=True)
    y = w
    for _ in range(50_000):
        y = np.sin(y) * 1.01
    shown = Drawn(draw(y))
    assert shown.names()[:4] == ["w", "sin(w)", "○ * 1.01", "sin(○)"]
    assert "… 99,992 operations …" in shown.names()
    assert shown.names()[-1] == "y"
    assert len(shown.boxes) < 15
    assert "… 99,992 operations folded (budget 200) …" in shown.caption


def test_a_thousand_inputs_fold_with_what_uses_them():
    total = mg.tensor(0.0, requires_grad=True)
    for i in range(1000):
        total = total + mg.tensor(float(i), requires_grad=True, name=f"w{i}") * 2
    shown = drawn(total, budget=50)
    assert len(shown.boxes) <= 50
    assert re.search(r"… [\d,]+ operations and [\d,]+ inputs folded \(budget 50\) …", " ".join(shown.caption))


@st.composite
def computations(draw_):
    """Steps of a program: each takes two earlier values, some get names."""
    size = draw_(st.integers(2, 60))
    kinds = st.integers(0, 5)
    steps = [draw_(st.tuples(st.integers(0, i), st.integers(0, i), kinds)) for i in range(size)]
    return steps, draw_(st.integers(1, 70))


@given(computations(), st.booleans())
def test_however_a_graph_is_folded_nothing_is_lost_and_no_cycle_made(computation, formulas):
    steps, budget = computation

    def f(w):
        made = [w]
        for a, b, kind in steps:
            value = np.sin(made[a]) if kind < 2 else made[a] * made[b]
            made.append(mg.name(value, f"v{len(made)}") if kind == 5 else value)
        return made[-1]

    graph = mg.trace(f, 0.5)
    record = read(graph)
    parts, _ = fold(record, budget, formulas)
    nodes = [node for part in parts for node in part.nodes]
    assert len(nodes) == len(set(nodes)) == len(record.nodes)
    part_of = {node: i for i, part in enumerate(parts) for node in part.nodes}
    uses = {
        i: {part_of[source] for node in part.nodes for source in record.sources(node)} - {i}
        for i, part in enumerate(parts)
    }
    assert list(TopologicalSorter(uses).static_order())
    shown = drawn(graph, budget=budget, formulas=formulas)
    assert len(shown.boxes) == len(parts)
    order = {key: i for i, key in enumerate(shown.boxes)}
    assert all(order[a] < order[b] for a, b, _ in shown.arrows)


# -- layers --------------------------------------------------------------------------------------------------


def clusters(picture):
    """Layer -> names of the boxes in it, through the layers inside it."""
    stack, found = [], {}
    for line in picture.source.splitlines():
        if opened := re.match(r'\s*subgraph "?cluster_(.*?)"? \{', line):
            stack.append(opened[1])
            found[opened[1]] = []
        elif re.fullmatch(r"\s*\}", line) and stack:
            stack.pop()
        elif box := re.match(r"\s*n\d+ \[label=<(.*?)</TD>", line):
            for name in stack:
                found[name].append(words(box[1])[0].split("  ")[0])
    return found


def test_quantities_of_one_layer_stand_in_one_frame():
    def f(x, Wa, Wb):
        z = mg.name(x @ Wa, "encoder.first.z")
        h = mg.name(np.tanh(z), "encoder.first.h")
        k = mg.name(np.tanh(h @ Wb) + 1, "encoder.second.k")
        m = mg.name(np.exp(k), "encoder.second.m")
        return np.sum(m)

    layers = clusters(draw(mg.trace(f, np.ones((5, 2)), np.ones((2, 3)), np.ones((3, 2)))))
    assert set(layers["encoder.first"]) == {"encoder.first.z", "encoder.first.h", "Wa"}
    assert {"encoder.second.k", "encoder.second.m", "Wb", "tanh(○)"} <= set(layers["encoder.second"])
    assert set(layers["encoder"]) == {*layers["encoder.first"], *layers["encoder.second"]}


def test_a_graph_may_say_itself_which_layer_a_node_belongs_to():
    graph = mg.trace(network, *arguments())
    order = {node: i for i, node in enumerate(graph.nodes)}
    zo = order[graph.names["Zo"]]
    graph.scopes = {n: "hidden" if order[n] < zo - 1 else "output" for n in graph.nodes if n.parents}
    layers = clusters(draw(graph))
    assert {"Zh", "H", "Wh", "bh"} <= set(layers["hidden"])
    assert {"Zo", "Y", "Wo", "bo", "loss"} <= set(layers["output"])
    assert "X" not in layers["hidden"]


def test_a_function_that_is_called_is_a_layer():
    def logistic(z):
        return 1 / (1 + np.exp(-z))

    def f(x, z):
        return np.sum(logistic(x @ z))

    graph = mg.trace(f, np.ones((4, 2)), np.ones((2, 3)))
    assert set(clusters(draw(graph))) == {"logistic"}
    graph.scopes = {}  # one name alone says where a value was used, not that there is a layer
    assert clusters(draw(graph)) == {}


# -- verdicts ------------------------------------------------------------------------------------------------


class Judged:
    """What a report is to a picture."""

    def __init__(self, notes):
        self.graph = mg.trace(network, *arguments())
        self.notes = {self.graph.names[name]: note for name, note in notes.items()}

    def __graph__(self):
        return self.graph, self.notes


def test_verdicts_are_told_apart_by_frame_symbol_and_word():
    names = ("Wh", "bh", "Wo", "bo", "Zh", "Zo")
    shown = drawn(Judged({name: Note(f"J{name}", s) for name, s in zip(names, STATUSES, strict=True)}))
    for name, status in zip(names, STATUSES, strict=True):
        symbol = VERDICTS[status][0]
        word = "WRONG" if status == "wrong" else status
        assert shown.lines(name)[-1] in (f"{symbol} {word}: J{name}", f"J{name}")
        assert any(line.startswith(f"{symbol} {word}") for line in shown.lines(name))
    assert len({symbol for symbol, *_ in VERDICTS.values()}) == len(STATUSES)
    assert set(VERDICTS) == set(STATUSES)
    widths = {name: float(shown.look(name).get("penwidth", 1)) for name in names}
    assert max(widths, key=widths.get) == names[STATUSES.index("wrong")]
    assert "rounded" in shown.look("Zh")["style"]  # it is still an operation
    assert shown.look("Wh")["shape"] == "box"  # and what has a verdict is a parameter
    assert shown.look("X")["shape"] == "cylinder"


def test_a_note_is_wrapped_and_needs_no_status():
    shown = drawn(Judged({"H": Note("a remark " * 30), "Y": Note("", "correct"), "Zo": Note()}))
    remark = [line for line in shown.lines("H") if "remark" in line]
    assert len(remark) == 5
    assert remark[-1].endswith("…")
    assert shown.lines("Y")[-1] == "√ correct"
    assert shown.lines("Zo")[-1].startswith("gradient")


def test_what_carries_a_note_is_not_written_into_a_formula():
    judged = Judged({})
    exponential = next(node for node in judged.graph.nodes if node.primitive.name == "exp")
    judged.notes = {exponential: Note("here", "wrong")}
    shown = drawn(judged, formulas=True)
    assert shown.lines("exp(-Zh)")[-1] == "× WRONG: here"
    assert shown.lines("H")[1] == "1 / (1 + ○)"


def test_a_status_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"'correct', 'wrong', .*; 'right' is not"):
        Note("x", "right")


# -- names that Graphviz, HTML or XML could trip over --------------------------------------------------------

NASTY = [
    'say "x"', "it's", "a<b>&c;", "&lt;", "<b>", "{x|y}", r"\N", r"\n \\", "params['W'][0]", "x@1", "->",
    "n0", "graph", "%", "naïve", "δ∂ξ/∂W", "日本語", "😀", "tab\there", "two\nlines",
    "bell\x07", "half\ud800",
]  # fmt: skip


def texts(svg):
    """The text elements of an SVG picture, joined line by line."""
    tree = ElementTree.fromstring(svg.encode())
    rows = {}
    for element in tree.iter("{http://www.w3.org/2000/svg}text"):
        rows.setdefault(element.get("y"), []).append(element.text or "")
    return [re.sub(r"[\s\xa0]+", " ", "".join(row)).strip() for row in rows.values()]


@pytest.mark.parametrize("name", NASTY, ids=ascii)
def test_any_name_can_be_drawn(name):
    w = mg.tensor(np.ones(4), requires_grad=True, name=name)
    svg = mg.draw(np.sum(w * w), direction="LR", legend=False).svg()
    clean = re.sub("[\x07\ud800]", "�", re.sub(r"\s", " ", name))
    assert any(clean in line for line in texts(svg)), (clean, texts(svg))


def test_long_names_and_formulas_are_shortened_in_the_box_and_whole_in_the_tooltip():
    name = "a" * 50 + "b" * 50
    w = mg.tensor(np.ones(4), requires_grad=True, name=name)
    picture = mg.draw(np.sum(w * w))
    head = Drawn(picture).boxes["n0"][0]
    assert re.fullmatch(r"a+…b+  \(4,\)", head)
    assert len(head) < 90
    assert name in picture.source


# -- files ---------------------------------------------------------------------------------------------------

GRAPH = mg.trace(network, *arguments())
BEGINS = {".svg": b"<?xml", ".png": b"\x89PNG\r\n", ".dot": b"digraph network", ".gv": b"digraph network"}


@pytest.mark.parametrize("suffix", BEGINS)
@pytest.mark.parametrize("as_text", [False, True])
def test_pictures_are_saved_in_the_format_of_the_suffix(tmp_path, suffix, as_text):
    path = tmp_path / f"graph{suffix.upper() if as_text else suffix}"
    assert draw(GRAPH).save(str(path) if as_text else path) == path
    assert path.read_bytes().startswith(BEGINS[suffix])
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", BEGINS)
def test_the_same_function_gives_the_same_file(tmp_path, suffix):
    for name in ("a", "b"):
        draw(mg.trace(network, *arguments())).save(tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_the_source_does_not_depend_on_the_hash_seed():
    code = (
        "import numpy as np, microgradnp as mg\n"
        "def f(x, w, b):\n"
        "    h = np.tanh(x @ w + b)\n"
        "    return np.sum(h * h)\n"
        "print(mg.draw(mg.trace(f, np.ones((3, 2)), np.ones((2, 2)), np.ones(2)), budget=5).source)"
    )
    command = [sys.executable, "-c", code]
    seeds = [os.environ | {"PYTHONHASHSEED": seed} for seed in ("1", "2")]
    first, second = (subprocess.check_output(command, env=env) for env in seeds)
    assert first.startswith(b"digraph f")
    assert first == second


def pure_only():
    return [program for program in picture.programs() if "graphviz-pure" in program]


def test_pdf_without_dot_comes_from_the_svg(tmp_path, monkeypatch):
    pytest.importorskip("svglib")
    pure = pure_only()
    monkeypatch.setattr(picture, "programs", lambda: pure)
    shown = draw(Judged({"Wo": Note("∂ξ/∂Wₒ", "wrong")}))
    first, second = (shown.save(tmp_path / name).read_bytes() for name in ("a.pdf", "b.pdf"))
    assert first.startswith(b"%PDF")
    assert first == second
    assert b"DejaVu" in first  # the letters that Helvetica lacks


def test_pdf_without_dot_and_without_svglib_says_what_to_install(tmp_path, monkeypatch):
    pure = pure_only()
    monkeypatch.setattr(picture, "programs", lambda: pure)
    monkeypatch.setitem(sys.modules, "svglib", None)
    monkeypatch.setitem(sys.modules, "svglib.svglib", None)
    monkeypatch.setitem(sys.modules, "svglib.fonts", None)
    with pytest.raises(RuntimeError, match=r'no PDF .*\(pip install "microgradnp\[pdf\]"\) or Graphviz'):
        draw(GRAPH).save(tmp_path / "graph.pdf")
    assert os.listdir(tmp_path) == []


def program(folder, name, code):
    """A program that behaves like this Python code."""
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{code}\n")
    path.chmod(0o755)
    return path


needs_scripts = pytest.mark.skipif(os.name == "nt", reason="programs are made as scripts with a #! line")


@needs_scripts
def test_dot_is_preferred_where_it_is_installed(tmp_path, monkeypatch):
    code = "import sys; sys.stdin.read(); print('drawn by dot', *sys.argv[1:])"
    program(tmp_path, "dot", code)
    monkeypatch.setenv("PATH", str(tmp_path))
    for suffix in ("svg", "pdf"):
        path = draw(GRAPH).save(tmp_path / f"x.{suffix}")
        assert path.read_text() == f"drawn by dot -T{suffix}\n"


@needs_scripts
def test_a_dot_that_fails_gives_way_to_graphviz_pure(tmp_path, monkeypatch):
    program(tmp_path, "dot", "import sys; sys.exit('no plugins')")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert len(picture.programs()) == 2
    assert "graphviz" in draw(GRAPH).svg()


def test_graphviz_pure_is_found_beside_the_running_python(monkeypatch):
    monkeypatch.setenv("PATH", "")
    (found,) = picture.programs()
    assert os.path.basename(found).startswith("graphviz-pure")


@needs_scripts
def test_a_program_that_fails_leaves_the_old_file_and_says_why(tmp_path, monkeypatch):
    broken = program(tmp_path, "dot", "import sys; sys.exit('out of ink')")
    monkeypatch.setattr(picture, "programs", lambda: [str(broken)])
    old = tmp_path / "graph.svg"
    old.write_text("old")
    with pytest.raises(RuntimeError, match=r"no SVG of the picture: .*dot failed \(out of ink\).*\.dot"):
        draw(GRAPH).save(old)
    assert old.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["dot", "graph.svg"]
    monkeypatch.setattr(picture, "programs", lambda: [str(tmp_path / "gone")])
    with pytest.raises(RuntimeError, match="did not start"):
        draw(GRAPH).svg()


def test_without_any_program_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(picture, "programs", list)
    with pytest.raises(RuntimeError, match=r"neither `dot` nor `graphviz-pure` .*pip install graphviz-pure"):
        draw(GRAPH).svg()


def test_a_file_that_cannot_be_written_is_no_surprise(tmp_path):
    shown = draw(GRAPH)
    with pytest.raises(ValueError, match=r"'.*graph\.gif': the ending must be one of \.svg, \.png, \.pdf"):
        shown.save(tmp_path / "graph.gif")
    with pytest.raises(FileNotFoundError, match=r"there is no folder '.*missing'; make it first"):
        shown.save(tmp_path / "missing" / "graph.svg")
    assert os.listdir(tmp_path) == []


def test_a_notebook_shows_a_picture_by_itself():
    shown = draw(GRAPH)
    assert shown._repr_svg_() == shown.svg()
    assert repr(shown) == '<Picture of network: 22 boxes; .save("graph.svg") writes it>'


# -- what cannot be drawn ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones(3), r"an array of shape \(3,\): it does not remember .*mg\.trace\(f, \*arguments\)"),
        (2.5, "the number 2.5: it does not remember"),
        (network, "the function network: it has to run on arguments first"),
        ([1, 2], "an object of type list: it holds no graph"),
        ("graph", "an object of type str"),
        (None, "an object of type NoneType"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_holds_no_graph_is_refused_with_advice(x, message):
    with pytest.raises(TypeError, match=f"mg.draw cannot draw {message}.*a Tensor, a Graph, a Derivation"):
        draw(x)


def test_a_constant_tensor_is_refused_by_its_name():
    points = mg.tensor([1.0, 2.0])
    with pytest.raises(ValueError, match=r"`points` of shape \(2,\) is on no graph.*requires_grad=True"):
        draw(points)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"direction": "up"}, "direction='up' is not known; choose one of 'TB', 'LR'"),
        ({"budget": 0}, "budget=0 is no number of boxes"),
        ({"budget": True}, "budget=True"),
        ({"parameters": ["Wz"]}, "network has no input 'Wz', only 'X', 'T', 'Wh'"),
    ],
    ids=str,
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        draw(GRAPH, **options)


# -- a package that can be called ----------------------------------------------------------------------------


def test_the_package_can_be_called_and_holds_the_training_pictures():
    package = importlib.import_module("microgradnp.draw")
    assert isinstance(package(GRAPH), Picture)
    assert inspect.signature(package) == inspect.signature(draw)
    assert package.loss_curve is importlib.import_module("microgradnp.draw.training").loss_curve
    from microgradnp.draw import loss_curve

    assert loss_curve is package.loss_curve
    assert isinstance(importlib.import_module("microgradnp.draw")(GRAPH), Picture)  # still
    assert {"loss_curve", "draw", "Note"} <= set(dir(package))
    assert mg.draw is package
    with pytest.raises(AttributeError, match=r"'microgradnp\.draw' has no attribute 'lines'"):
        _ = package.lines


def test_importing_the_package_loads_neither_graphviz_nor_matplotlib():
    code = (
        "import sys, microgradnp\n"
        "assert 'microgradnp.draw' not in sys.modules\n"
        "import microgradnp.draw\n"
        "heavy = {'matplotlib', 'graphviz', 'svglib', 'reportlab'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert callable(microgradnp.draw)\n"
        "w = microgradnp.tensor(1.0, requires_grad=True)\n"
        "microgradnp.draw(w * w).svg()\n"
        "assert 'matplotlib' not in sys.modules\n"
        "microgradnp.draw.loss_curve([2.0, 1.0])\n"
        "assert callable(microgradnp.draw) and 'matplotlib' in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_figure_has_a_real_minus():
    assert figure(-1.5) == "\N{MINUS SIGN}1.5"
