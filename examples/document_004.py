"""Document 004 ("World's simplest ANN to visualize that deep learning is hard"), lived through.

Trains its chains of single neurons, one case at a time, from its initial values; shows what every layer learned beside
what the document displays of it; compares with its code run as printed; tries its exercises (2 to 10 layers, wider
layers, a linear output); and checks what it says in words. Its formulas are judged in claims_004.py.

The document sets no seed: here it is 0.

Run it: python examples/document_004.py [folder for the pictures]
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from claims_004 import TITLE, percent_diff, verdicts
from listing import show
from replay import Numbers, Prose, arguments, finish, print_table, reference, saved, show_prose, show_versions

import microgradnp as mg
from microgradnp import nn

TARGET, ETA = 0.15, 1.0
#: (layers, bias, weight): its smallest network, and the four initial values of which it shows the percent changes.
SMALLEST = (2, 2, 2)
FOUR = ((5, 2, 2), (5, 0, 2), (5, 2, 0), (5, 0, 0))


# -- its network and its training ------------------------------------------------------------------------------------


def data(inputs="random"):
    """Return 100 inputs between 0 and 1 and 20 to test with, drawn in the document's order: X, y, X_test, y_test."""
    return mg.data.line(100, inputs, target=TARGET, random_state=np.random.RandomState(0))


def chain(layers, bias, weight, width=1, output=nn.Logistic):
    """Return a network with `width` neurons in each hidden layer; the input counts as a layer, as in the document."""
    sizes = [1, *[width] * (layers - 2), 1]
    rng = np.random.RandomState(0)  # for initial values that are drawn
    steps = []
    for inputs, outputs in pairwise(sizes):
        steps += [nn.Linear(inputs, outputs, init=weight, bias_init=bias, rng=rng), mg.logistic]
    return nn.Sequential(*steps[:-1], output())


class Run(NamedTuple):
    """A training with its history, which has a frame of weights before the update of each case, and one at the end."""

    X: Any
    history: mg.train.History

    def of_layers(self, kind):
        """Return the parameters of single neurons, "weight" or "bias": one row a frame, one column a layer."""
        states = [frame.weights for frame in self.history.frames]
        return np.array([[v.item() for name, v in state.items() if name.endswith(kind)] for state in states])

    @property
    def weights(self):
        return self.of_layers("weight")

    @property
    def biases(self):
        return self.of_layers("bias")

    def activations(self, case):
        """Return the activations of all layers for the input of a case, as it found them, the input first."""
        replay = mg.train.Replay(self.history.network, self.history.frames[case].weights)
        found = replay.activations(self.X[case : case + 1])
        return [self.X[case], *(found[name].ravel() for name in list(found)[1::2])]  # what comes out of each layer

    @property
    def predicted(self):
        return np.array([self.activations(case)[-1].item() for case in range(len(self.X))])


def half_squared_error(predicted, target):
    return 0.5 * np.sum((target - predicted) ** 2)


def train(model, X, eta=ETA) -> Run:
    """Take one step of gradient descent for each case, in order."""
    history = mg.train.fit(
        model,
        (X, np.full(X.shape, TARGET)),
        half_squared_error,
        mg.optim.SGD(model.parameters(), eta),
        epochs=1,
        batch_size=1,
        shuffle=False,
        record=mg.train.Record(per="update"),
        progress=False,
    )
    return Run(X, history)


@cache
def run(layers, bias, weight) -> Run:
    """Return the training of a chain of single neurons, all of whose biases are equal, and all weights."""
    return train(chain(layers, float(bias), float(weight)), data().X)


def changes(r: Run):
    """Return by how much every bias and every weight has changed."""
    return r.biases[-1] - r.biases[0], r.weights[-1] - r.weights[0]


def percent(r: Run):
    """Return by how many percent every bias and every weight has changed; nan where it was 0: that is undefined."""
    return tuple(mg.train.percent_change(values[-1], values[0]) for values in (r.biases, r.weights))


def displayed(r: Run, case=-1):
    """Return the percent changes of biases and weights as the document computes them."""
    return percent_diff(r.biases[case], r.biases[0]), percent_diff(r.weights[case], r.weights[0])


def first_display(r: Run):
    """Return the first case for which the document displays that a bias has changed, or None."""
    return next((case for case in range(len(r.predicted)) if np.any(displayed(r, case + 1)[0])), None)


def compared() -> Numbers:
    """Compare with its code run as printed."""
    numbers, expected = Numbers(), reference("004")
    for layers, b, w in (SMALLEST, *FOUR):
        of, r = f"layers={layers} b={b} w={w}", run(layers, b, w)
        want = expected[of]
        (change_b, change_w), (percent_b, percent_w) = changes(r), displayed(r)
        numbers.close(f"{of}: biases at the end", r.biases[-1], want["b"], absolute=1e-12)
        numbers.close(f"{of}: weights at the end", r.weights[-1], want["w"], absolute=1e-12)
        numbers.close(f"{of}: true change of biases", change_b, want["true_change_b"], absolute=1e-12)
        numbers.close(f"{of}: true change of weights", change_w, want["true_change_w"], absolute=1e-12)
        numbers.close(f"{of}: displayed percent, biases", percent_b, want["displayed_pct_b"], absolute=1e-10)
        numbers.close(f"{of}: displayed percent, weights", percent_w, want["displayed_pct_w"], absolute=1e-10)
        numbers.same(
            f"{of}: first case with a change of biases", first_display(r), want["first_case_with_bias_display"]
        )
        ends = [want["predicted_first"], want["predicted_last"]]
        numbers.close(f"{of}: predicted, first and last", r.predicted[[0, -1]], ends, relative=1e-12)
    return numbers


# -- its exercises ---------------------------------------------------------------------------------------------------


def vanishing():
    """Return for chains of 2 to 10 layers the change of every bias, the first layer first."""
    return {layers: changes(run(layers, 2, 2))[0] for layers in range(2, 11)}


def wider(layers=5, width=2):
    """Return a network of several neurons in each hidden layer, drawn at random: equals would stay equal."""
    draw = nn.initialisers.normal
    return chain(layers, draw, draw, width)


def check_of_wider(layers=5, width=2):
    """Return the check of its gradients: from two neurons in a layer on, a forgotten transpose shows."""
    model = wider(layers, width)

    def cost(state):
        return 0.5 * np.sum((TARGET - nn.functional_call(model, state, np.array([[0.37]]))) ** 2)

    return mg.check_gradients(cost, model.state_dict())


def layer_by_layer(r: Run):
    """Return the size of the change of every layer's parameters, the first layer first."""
    first, last = r.history.frames[0].weights, r.history.frames[-1].weights
    moved = {name: float(np.mean(np.abs(last[name] - first[name]))) for name in first}
    return {kind: [v for name, v in moved.items() if name.endswith(kind)] for kind in ("bias", "weight")}


# -- what it says in words -------------------------------------------------------------------------------------------


def share(r: Run):
    """Return which part of all change is that of the last layer."""
    b, w = (np.abs(change) for change in changes(r))
    return float((b[-1] + w[-1]) / np.sum(b + w))


def signed(values):
    return "[" + ", ".join("undefined" if np.isnan(v) else f"{v:+.3g}" if v else "0" for v in values) + "]"


def prose() -> Iterator[Prose]:
    """Yield what it says about its runs, with what they show."""
    both, weights_only, biases_only, neither = (run(*which) for which in FOUR)
    yield Prose(
        "from biases and weights 2, nearly all learning happens in the output layer",
        f"{share(both):.0%} of all change is there",
        share(both) > 0.9,
    )
    b, w = changes(weights_only)
    yield Prose(
        "from biases 0 and weights 2, the last hidden layer learns visibly, the output layer much more",
        f"weights change by {signed(w)}",
        abs(percent(weights_only)[1][-2]) > 1 and abs(w[-1]) > 2 * abs(w[-2]),
    )
    shown = displayed(weights_only)[0]
    yield Prose(
        "from biases 0 and weights 2, nearly all learning is by the weights, the biases hardly change",
        f"biases change by {signed(b)}, weights by {signed(w)}; displayed for the biases: {signed(shown)} %",
        np.sum(np.abs(b)) < 0.1 * np.sum(np.abs(w)),
    )
    b, _ = changes(biases_only)
    yield Prose(
        "from biases 2 and weights 0, the last hidden bias changes slightly, and upwards",
        f"biases change by {signed(percent(biases_only)[0])} %",
        b[-2] > 0 > b[-1],
    )
    yield Prose(
        "from biases 2 and weights 0, learning is more concentrated in the output layer than the other way round",
        f"{share(biases_only):.0%} of all change is there, {share(weights_only):.0%} the other way round",
        share(biases_only) > share(weights_only),
    )
    yield Prose(
        "from biases and weights 0, the network learns",
        f"predicted is {neither.predicted[0]:.3f} first and {neither.predicted[-1]:.3f} last, for {TARGET}",
        abs(neither.predicted[-1] - TARGET) < 0.1 * abs(neither.predicted[0] - TARGET),
    )
    b, w = changes(neither)
    yield Prose(
        "from biases and weights 0, the percentages of change are too small to be seen",
        f"of 0 there is no percentage, {signed(percent(neither)[0])}; biases change by {signed(b)}, weights by "
        f"{signed(w)}",
        bool(np.all(np.isfinite(percent(neither)[0]))),
    )
    B, W = grid()
    true, shown = cost_surface(B, W), contour_surface(B, W)
    lowest, low = np.unravel_index(np.argmin(true), true.shape), np.unravel_index(np.argmin(shown), shown.shape)
    yield Prose(
        "its contours are those of the cost",
        f"lowest at bias {B[lowest]:+.1f}, weight {W[lowest]:+.1f}; what it plots is lowest at bias {B[low]:+.1f}, weight "
        f"{W[low]:+.1f}, where the cost is {true[low]:.4f}",
        lowest == low,
    )
    r = run(*SMALLEST)
    costs = [float(cost_surface(r.biases[k, 0], r.weights[k, 0])) for k in (0, -1)]
    yield Prose(
        "with two layers, descent comes very near to the minimum",
        f"the cost over all inputs goes from {costs[0]:.4f} to {costs[1]:.6f}",
        costs[1] < 0.01 * costs[0],
    )
    first = [abs(changed[0]) for changed in vanishing().values()]
    yield Prose(
        "it works for up to 10 layers",
        f"runs; the first bias changes by {first[0]:.0e} of 2 layers, {first[3]:.0e} of 5, {first[-1]:.0e} of 10",
        bool(np.all(np.diff(first) < 0)),
    )


# -- the surface that it plots, and the cost -------------------------------------------------------------------------


def grid(d=5.0, steps=41):
    return np.meshgrid(np.linspace(-d, d, steps), np.linspace(-d, d, steps))


def cost_surface(B, W):
    """Return the mean cost over the inputs of the network with one neuron."""
    x = data().X[:, 0]
    a = mg.logistic(np.multiply.outer(W, x) + np.asarray(B)[..., np.newaxis])
    return np.mean(0.5 * (TARGET - a) ** 2, axis=-1)


def contour_surface(B, W):
    """Return what the document plots in its place."""
    return mg.logistic(W + B)


# -- pictures --------------------------------------------------------------------------------------------------------


def pictures() -> dict[str, Any]:
    """Return its pictures: percent changes, the cost with the path of descent, and the activations as a film."""
    four = {f"b = {b}, w = {w}": run(layers, b, w) for layers, b, w in FOUR}
    drawn: dict[str, Any] = {
        "004-changes.png": mg.draw.percent_changes(
            {name: percent(r)[1] for name, r in four.items()},
            {name: percent(r)[0] for name, r in four.items()},
            title="Change of 5 layers in 100 cases",
        )
    }
    r = run(*SMALLEST)
    path, extent = np.column_stack([r.biases[:, 0], r.weights[:, 0]]), (-5, 5, -5, 5)
    drawn["004-contours.png"] = mg.draw.panels(
        {
            "the cost": lambda ax: mg.draw.cost_contours(cost_surface, path, extent=extent, logarithmic=True, ax=ax),
            "what the document plots": lambda ax: mg.draw.cost_contours(contour_surface, path, extent=extent, ax=ax),
        },
        size=(5, 4.4),
        title="One neuron: descent from bias 2, weight 2",
    )
    drawn["004-surface.png"] = mg.draw.cost_surface(cost_surface, path, extent=extent, title="The cost, and the path")
    deep = run(*FOUR[0])
    names = ("input", "layer 1", "layer 2", "layer 3", "output")
    cases = list(range(0, len(deep.X), 4))
    drawn["004-activations.gif"] = mg.draw.animate(
        lambda ax, case: mg.draw.layer_activations(
            dict(zip(names, deep.activations(case), strict=True)), target=TARGET, ylim=(0, 1), ax=ax
        ),
        cases,
        captions=[f"case {case}" for case in cases],
    )
    drawn["004-wider.png"] = mg.draw.network_diagram([1, 2, 2, 2, 1], title="Its exercise: two neurons a layer")
    return drawn


# -- all of it -------------------------------------------------------------------------------------------------------


def tests(r: Run) -> Iterator[str]:
    """Yield its report of the test cases."""
    for c, x in enumerate(data().X_test):
        predicted = r.history.network.model(x).item()
        difference = TARGET - predicted
        yield f"\tTest Case: {c}, Value: {x.item():f}"
        yield (
            f"\tInput: {x.item():f}, Predicted: {predicted:f}, Target: {TARGET:f}, Difference: {difference:f}, "
            f"Cost: {0.5 * difference * difference:f}"
        )


def show_changes() -> None:
    """Print the true changes beside the ones that the document displays."""
    rows = []
    for layers, b, w in (SMALLEST, *FOUR):
        r = run(layers, b, w)
        for kind, change, true, shown in zip(("biases", "weights"), changes(r), percent(r), displayed(r), strict=True):
            rows.append(
                (
                    f"{layers} layers, b {b}, w {w}",
                    kind,
                    signed(change),
                    signed(true),
                    signed(shown),
                )
            )
    print_table(
        "What the layers learned in 100 cases, first layer first",
        ("network", "of", "change", "percent", "displayed"),
        rows,
    )


def main() -> None:
    chosen = arguments(__doc__)
    for case in (0, 49, 99):
        b, w = displayed(run(*FOUR[0]), case + 1)
        print(f"Case: {case:3d}\nPercent Changes in Biases:\n{b}\nPercent Changes in Weights:\n{w}\n")
    print("Testing...")
    print("\n".join(tests(run(*SMALLEST))))
    print("Done!\n")
    show_changes()
    print_table(
        "Chains of 2 to 10 layers, biases and weights 2: change of the biases, first layer first",
        ("layers", "change", "predicted last"),
        [(str(n), signed(change), f"{run(n, 2, 2).predicted[-1]:.4f}") for n, change in vanishing().items()],
    )
    print(check_of_wider())
    inputs = data().X
    others = {
        "two neurons in each of 3 hidden layers, drawn": train(wider(), inputs),
        "three neurons": train(wider(width=3), inputs),
        "one neuron a layer, inputs in sequence": train(chain(5, 2.0, 2.0), data("sequential").X),
        "one neuron a layer, constant input": train(chain(5, 2.0, 2.0), data("constant").X),
        "one neuron, linear output": train(chain(2, 2.0, 2.0, output=nn.Identity), inputs),
        "5 layers, linear output": train(chain(5, 2.0, 2.0, output=nn.Identity), inputs, eta=0.1),
    }
    print_table(
        "Its exercises: mean size of the change, layer by layer",
        ("network", "biases", "weights", "predicted first, last"),
        [
            (what, signed(layer_by_layer(r)["bias"]), signed(layer_by_layer(r)["weight"]),
             f"{r.predicted[0]:.4f}, {r.predicted[-1]:.4f}")
            for what, r in others.items()
        ],
    )  # fmt: skip
    numbers = compared()
    numbers.show("Document 004: its numbers")
    show_prose(prose())
    show(TITLE, verdicts())
    saved(chosen.out, pictures())
    show_versions(seed="0 (the document sets none)")
    finish(numbers)


if __name__ == "__main__":
    main()
