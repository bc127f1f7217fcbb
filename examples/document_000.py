"""Document 000 ("Seeing Like A Perceptron II: Training"), lived through.

Trains its network with history: relu, whose derivative is taken to be the logistic function, on a disc against its
surroundings; shows the cliffs and plateaus of the accuracy, what the mse and the hidden layer do meanwhile, and what the
true derivative would have done; replays any epoch; compares with its code run as printed; and checks what it says in
words. Its formulas are judged in claims_000.py.

The document gives neither data nor seed. Here: 300 normal points, half of them in the disc, seeds 9, 53 and 44.

Run it: python examples/document_000.py [folder for the pictures]
"""

import sys
import time
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from claims_000 import TITLE, verdicts
from listing import show
from replay import Numbers, Prose, arguments, finish, print_table, reference, saved, show_prose, show_versions

import microgradnp as mg
from microgradnp import nn

EPOCHS = 1000
#: As the document's code differentiates relu: by the logistic function, at the activation.
surrogate_relu = nn.surrogate(mg.relu, mg.logistic, at="output")
#: Seed, initial weights ("code": zeros and normal ones; "text": small normal ones), learning rate, activation.
RUNS = {
    "A_seed9_lr05": (9, "code", 0.5, surrogate_relu),
    "A_seed53_lr1": (53, "code", 1.0, surrogate_relu),
    "B_seed44_lr03": (44, "text", 0.3, surrogate_relu),
    "A_true_relu_derivative": (9, "code", 0.5, mg.relu),
    "B_true_relu_derivative": (44, "text", 0.3, mg.relu),
}
#: The plateaus that the document sees: epochs from, to.
PLATEAUS = {"mean_acc_0_134": (0, 135), "mean_acc_165_274": (165, 275), "mean_acc_330_on": (330, EPOCHS)}


# -- its network and its training ------------------------------------------------------------------------------------


def network(initial, activation, rng):
    """Return the network of 2, 3 and 1 units without biases."""
    deviation = 0.1 if initial == "text" else 1.0

    def draw(shape, rng):
        return nn.initialisers.normal(shape, rng, std=deviation)

    return nn.Sequential(
        nn.Linear(2, 3, bias=False, init=draw if initial == "text" else 0.0, rng=rng),
        activation,
        nn.Linear(3, 1, bias=False, init=draw, rng=rng),
        activation,
    )


class Run(NamedTuple):
    """A training with its history: entry i of everything is what epoch i found, before its update."""

    X: Any
    y: Any
    history: mg.train.History

    @property
    def accuracy(self):
        """The part of the points whose output is less than 0.5 from their class."""
        return self.history["accuracy_within"]

    @property
    def mse(self):
        return self.history["mse"]

    def hidden(self, epoch, X=None):
        """Return what the output unit sees: the hidden layer, of any points at any epoch."""
        layers = self.history.replay(epoch=epoch).activations(self.X if X is None else X)
        return layers["1"]


def half_mse(output, y):
    return nn.functional.mse_loss(output, y) / 2


@cache
def run(name, epochs=EPOCHS, progress=None) -> Run:
    seed, initial, lr, activation = RUNS[name]
    stream = np.random.RandomState(seed)
    X, classes = mg.data.disc(300, random_state=stream)
    y = classes.reshape(-1, 1).astype(float)
    model = network(initial, activation, stream)
    history = mg.train.fit(
        model,
        (X, y),
        half_mse,
        mg.optim.SGD(model.parameters(), lr),
        epochs=epochs,
        metrics=["accuracy_within", "mse"],
        record=mg.train.Record(every=1),
        callbacks=[progress] if progress else (),
        progress=False,
    )
    return Run(X, y, history)


def score(run, epoch):
    """Return the accuracy of the network as an epoch found it."""
    return mg.train.accuracy_within(run.history.replay(epoch=epoch)(run.X), run.y)


class ProgressLine(mg.train.Callback):
    """Its progress: one line, which is written over and over on a terminal, and once where there is none."""

    def __init__(self):
        self.start = time.perf_counter()

    def on_epoch_end(self, run):
        done = run.epoch + 1 == run.epochs
        if done or sys.stdout.isatty():
            bars = round(20 * (run.epoch + 1) / run.epochs)
            accuracy, elapsed = 100 * run.numbers["accuracy_within"], time.perf_counter() - self.start
            line = f"Training Accuracy: {accuracy:.3g}% Time elapsed: {elapsed:.2g}s |{'=' * bars:20}|"
            print("\r" + line if sys.stdout.isatty() else line, end="\n" if done else "", flush=True)


def compared() -> Numbers:
    """Compare with its code run as printed."""
    numbers, expected = Numbers(), reference("000")
    for name in RUNS:
        r, want = run(name), expected[name]
        numbers.close(f"{name}: accuracy", r.accuracy[want["epochs"]], want["accuracy"], relative=1e-12)
        numbers.close(f"{name}: mse", r.mse[want["epochs"]], want["mse"], relative=1e-9)
        for plateau, (start, stop) in PLATEAUS.items():
            numbers.close(f"{name}: {plateau}", r.accuracy[start:stop].mean(), want[plateau], relative=1e-12)
        replayed = [score(r, epoch) for epoch in want["epochs"]]
        numbers.close(f"{name}: accuracy replayed from the weights", replayed, want["accuracy"], relative=1e-12)
    return numbers


# -- what it says in words -------------------------------------------------------------------------------------------


def epoch_of(r: Run, accuracy):
    """Return the first epoch that finds at least this accuracy."""
    return next((i for i, a in enumerate(r.accuracy) if a >= accuracy), None)


def prose() -> Iterator[Prose]:
    """Yield what it says about its training, with what ours shows."""
    r, small, true = run("A_seed9_lr05"), run("B_seed44_lr03"), run("B_true_relu_derivative")
    spans = list(PLATEAUS.values())
    flat = ", ".join(
        f"{a} to {b - 1}: {r.accuracy[a:b].min():.2f} to {r.accuracy[a:b].max():.2f} ({r.accuracy[a:b].mean():.3f})"
        for a, b in spans
    )
    means = [r.accuracy[a:b].mean() for a, b in spans]
    jumps = np.diff(means)
    yield Prose(
        "the accuracy stands still for a long time, then rises steeply: plateaus and cliffs",
        f"accuracy in epochs {flat}",
        bool(np.all(jumps > 0.15)),
    )
    falls = [(r.mse[a], r.mse[b - 1]) for a, b in spans[:2]]
    yield Prose(
        "what is learned during the plateaus shows in the mean squared error",
        "mse goes from " + ", from ".join(f"{first:.3f} to {last:.3f}" for first, last in falls),
        all(last < 0.7 * first for first, last in falls),
    )
    outputs = r.history.replay(epoch=EPOCHS - 1)(r.X)
    outside = int(np.sum((outputs <= 0) | (outputs >= 1)))
    yield Prose(
        "descent minimises a likelihood error, to which the mse is similar",
        f"{outside} of {len(outputs)} outputs are not between 0 and 1, where a 0/1 likelihood is not defined; the steps "
        f"that it takes let the mse itself rise in {int(np.sum(np.diff(r.mse) > 0))} epochs",
        outside == 0,
    )
    first = r.history.at(0)["0.weight"]
    yield Prose(
        "the network begins with small weights from a normal distribution",
        f"its code's first weights are {np.unique(first)}, its second have standard deviation 1",
        bool(np.any(first)),
    )
    when = [epoch_of(x, 0.9) for x in (small, true)]
    yield Prose(
        "there is no way to go faster through the plateaus",
        f"from small weights, 90 % at epoch {when[0]}; with the true derivative of relu at epoch {when[1]}",
        when[1] >= when[0],
    )
    dead = run("A_true_relu_derivative")
    yield Prose(
        "relu goes with the gradient of another function, the logistic one",
        f"{mg.check_gradients(surrogate_relu, np.array([-1.0, 0.5]))}".replace("\n", "; ")
        + f". From its code's zeros only the surrogate moves: accuracy {dead.accuracy[-1]:.2f} with the true derivative",
        not mg.check_gradients(surrogate_relu, np.array([-1.0, 0.5])).ok,
    )
    longer = run("A_seed9_lr05", 5 * EPOCHS)
    yield Prose(
        "trained for longer, it might learn to classify the last 5 %",
        f"accuracy {longer.accuracy[EPOCHS - 1]:.3f} after {EPOCHS} epochs, {longer.accuracy[-1]:.3f} after {len(longer.mse)}",
        longer.accuracy[-1] > 0.99,
    )
    # Its history holds the weights after an update, and the accuracy before it.
    shifted = int(np.sum(r.accuracy[1:] != r.accuracy[:-1]))
    yield Prose(
        "with the weights and the accuracy of each epoch the training can be played back",
        f"the weights of entry i give the accuracy of entry i + 1, which is another in {shifted} of {EPOCHS - 1} epochs",
        shifted == 0,
    )


# -- its comparison with scikit-learn --------------------------------------------------------------------------------


def classifiers() -> Iterator[tuple[str, str]]:
    """Yield the accuracy of the network of scikit-learn with three hidden units, if it is installed, and of the library's."""
    if find_spec("sklearn") is None:
        return
    from sklearn.neural_network import MLPClassifier

    X, y = run("A_seed9_lr05").X, run("A_seed9_lr05").y[:, 0].astype(int)
    for kind in (MLPClassifier, mg.estimators.MLPClassifier):
        classifier = kind((3,), solver="adam", learning_rate_init=0.02, max_iter=2000, random_state=9).fit(X, y)
        yield kind.__module__.partition(".")[0], f"{classifier.score(X, y):.3f}"


# -- pictures --------------------------------------------------------------------------------------------------------

NAMES = ("near the origin", "elsewhere")


def pictures() -> dict[str, Any]:
    """Return its pictures: the data, accuracy and mse, and the hidden layer at some epochs."""
    from matplotlib.figure import Figure

    r, classes = run("A_seed9_lr05"), run("A_seed9_lr05").y[:, 0]
    drawn: dict[str, Any] = {
        "000-data.png": mg.draw.scatter_classes(r.X, classes, names=NAMES, title="A disc and its surroundings")
    }
    for what, values in (("accuracy", r.accuracy), ("mse", r.mse)):
        ax = mg.draw.loss_curve(values, title=f"Cliffs and plateaus: {what}")
        ax.set(xlabel="epoch", ylabel=what)
        drawn[f"000-{what}.png"] = ax
    ax = None
    for name, label in (
        ("B_seed44_lr03", "logistic function for relu'"),
        ("B_true_relu_derivative", "true derivative"),
    ):
        ax = mg.draw.loss_curve(run(name).accuracy, ax=ax, label=label)
    ax.set(title="The same start, two derivatives", xlabel="epoch", ylabel="accuracy")
    drawn["000-derivatives.png"] = ax

    figure = Figure(figsize=(11, 7.4), layout="constrained")
    for k, epoch in enumerate((0, 100, 160, 250, 320, 999), start=1):
        ax = figure.add_subplot(2, 3, k, projection="3d")
        title = f"epoch {epoch}: accuracy {r.accuracy[epoch]:.2f}, mse {r.mse[epoch]:.3f}"
        mg.draw.hidden_space(r.hidden(epoch), classes, ax=ax, names=NAMES, title=title, azim=40)
        ax.get_legend().set_visible(k == 3)
    drawn["000-hidden.png"] = figure
    drawn["000-playback.html"] = playback(r)
    return drawn


def playback(r: Run) -> Any:
    """Return its slider over the epochs as a page: what the output unit sees, and the accuracy with a marker."""
    return mg.draw.playback_of(
        r.history,
        None,
        r.X,
        r.y,
        classify=lambda output: output > 0.5,
        layer="1",
        frames=EPOCHS + 1,
        names=NAMES,
        title="Document 000: what the output unit sees while the network learns",
        start=290,
    )


# -- all of it -------------------------------------------------------------------------------------------------------


def main() -> None:
    chosen = arguments(__doc__)
    rows = []
    for name in RUNS:
        r = run(name, progress=ProgressLine())
        found = [f"{r.accuracy[a:b].mean():.3f}" for a, b in PLATEAUS.values()]
        rows.append((name, *found, f"{r.mse[0]:.4f}, {r.mse[280]:.4f}, {r.mse[-1]:.4f}"))
    columns = ("run", "accuracy 0-134", "165-274", "330 on", "mse at 0, 280, 999")
    print_table("Its network from code's (A) and text's (B) initial weights", columns, rows)
    r = run("A_seed9_lr05")
    print("Replay of epoch 290: the hidden layer of the first three points, and the score")
    print(r.hidden(290, r.X[:3]), score(r, 290), "\n")
    print_table("Accuracy of what it was compared with, and of ours", ("MLPClassifier of", ""), classifiers())
    numbers = compared()
    numbers.show("Document 000: its numbers")
    show_prose(prose())
    show(TITLE, verdicts())
    saved(chosen.out, pictures())
    show_versions(seeds="9, 53, 44 (the document sets none)")
    finish(numbers)


if __name__ == "__main__":
    main()
