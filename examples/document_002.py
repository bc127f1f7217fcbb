"""Document 002 ("Lecture 19 - Training Neural Networks"), lived through.

Trains its network on the first 30,000 digits of MNIST, one at a time, in the order of the file, with raw pixels and with
scaled ones; shows that its code, whose formulas are judged in claims_002.py, and the library take the same steps; and
what the same network learns from digits that are really shuffled.

MNIST is read from the folder that $MICROGRADNP_DATA names (with --full also downloaded); without it, the 2,000 digits
that ship with the library take its place. With scikit-learn installed, its small digits are trained on as well.

Run it: python examples/document_002.py [folder for the pictures] [--full]
"""

import os
import warnings
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from claims_002 import (
    TITLE,
    clipped_sigmoid,
    delta_h,
    delta_out,
    grad_b_h,
    grad_b_out,
    grad_W_h,
    grad_W_out,
    verdicts,
)
from listing import show
from replay import Numbers, Prose, arguments, finish, print_table, reference, saved, show_prose, show_versions

import microgradnp as mg
from microgradnp import nn

HIDDEN, ETA, SEED, EPOCHS = 30, 0.001, 42, 10


# -- its digits ------------------------------------------------------------------------------------------------------


class Digits(NamedTuple):
    """Raw pixels (n, features), what the digits are (n,), and the same of others to test with."""

    name: str
    X: Any
    y: Any
    X_test: Any
    y_test: Any


@cache
def digits(download=False) -> Digits:
    """Return the first 30,000 digits of MNIST, or those that ship with the library."""
    if download or os.environ.get("MICROGRADNP_DATA"):
        mnist = mg.data.mnist(scaled=False)
        return Digits("MNIST", mnist.X[:30_000], mnist.y[:30_000], mnist.X_test, mnist.y_test)
    X, y = mg.data.digits(scaled=False)
    return Digits("the digits that ship", X[:1600], y[:1600], X[1600:], y[1600:])


@cache
def small_digits() -> Digits | None:
    """Return scikit-learn's digits of 8 x 8 pixels from 0 to 16, if it is installed."""
    if find_spec("sklearn") is None:
        return None
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return Digits("scikit-learn's digits", X, y, X, y)


# -- its network and its training, with the library ------------------------------------------------------------------

#: Its sigmoid with its own derivative. `mg.logistic` differs from it in the last digit of some values, which is enough
#: to lead another way where raw pixels saturate the units.
sigmoid = nn.surrogate(clipped_sigmoid, lambda a: a * (1.0 - a), at="output")


def network(features, activation=sigmoid, seed=SEED):
    """Return the network: normal weights of deviation 0.1, those into the hidden layer drawn first, biases 0."""
    rng = np.random.RandomState(seed)

    def small(shape, rng):
        return nn.initialisers.normal(shape, rng, std=0.1)

    return nn.Sequential(
        nn.Linear(features, HIDDEN, init=small, rng=rng), activation, nn.Linear(HIDDEN, 10, init=small, rng=rng)
    )


def fit(model, X, y, epochs, lr=ETA, reduction="sum", batch_size=1, callbacks=(), **options) -> mg.train.History:
    """Train with the binary cross entropy of ten independent outputs, computed from their logits."""
    options = {"shuffle": False, "measure": "after", "metrics": ["accuracy"], "progress": False} | options
    optimizer = mg.optim.SGD(model.parameters(), lr)
    data, loss = (X, mg.data.one_hot(y, 10)), nn.BCEWithLogitsLoss(reduction)
    return mg.train.fit(
        model, data, loss, optimizer, epochs=epochs, batch_size=batch_size, callbacks=callbacks, **options
    )


@cache
def run(name, epochs, download=False) -> mg.train.History:
    """Return the training of the document on some digits, one at a time in the order of the file."""
    d = small_digits() if name == "digits" else digits(download)
    X = d.X / 255 if name == "mnist-scaled" else d.X
    return fit(network(X.shape[1]), X, d.y, epochs, callbacks=[mg.train.PrintProgress()])


@cache
def shuffled(epochs, download=False) -> mg.train.History:
    """Return the training of the same network on scaled digits, 16 at a time, in a new order in every epoch."""
    d = digits(download)
    others = d.X_test / 255, mg.data.one_hot(d.y_test, 10)
    return fit(
        network(d.X.shape[1], mg.logistic), d.X / 255, d.y, epochs, lr=4.0, reduction="mean", batch_size=16,
        shuffle=True, seed=0, validation=others, callbacks=[mg.train.PrintProgress()],
    )  # fmt: skip


# -- ... and by hand, with the formulas of its code ------------------------------------------------------------------


def by_hand(X, y, steps, seed=SEED, eta=ETA):
    """Return the weights and biases after some steps, one digit at a time."""
    rng = np.random.RandomState(seed)
    W_h, b_h = rng.normal(0.0, 0.1, size=(X.shape[1], HIDDEN)), np.zeros(HIDDEN)
    W_out, b_out = rng.normal(0.0, 0.1, size=(HIDDEN, 10)), np.zeros(10)
    targets = mg.data.one_hot(y, 10)
    for i in range(steps):
        x = X[[i]]
        a_h = clipped_sigmoid(np.dot(x, W_h) + b_h)
        error = delta_out(clipped_sigmoid(np.dot(a_h, W_out) + b_out), targets[[i]])
        hidden = delta_h(error, W_out, a_h)  # at the old weights
        W_h, b_h = W_h - eta * grad_W_h(x, hidden), b_h - eta * grad_b_h(hidden)
        W_out, b_out = W_out - eta * grad_W_out(a_h, error), b_out - eta * grad_b_out(error)
    return W_h, b_h, W_out, b_out


def apart(X, y, steps, activation=sigmoid):
    """Return the largest difference between the parameters of both after some steps."""
    model = network(X.shape[1], activation)
    fit(model, X[:steps], y[:steps], 1, metrics=())
    pairs = zip(model.parameters(), by_hand(X, y, steps), strict=True)
    return max(float(np.max(np.abs(p.data - hand))) for p, hand in pairs)


# -- compared --------------------------------------------------------------------------------------------------------


def line(history, epoch, epochs=EPOCHS):
    """Return what it prints of an epoch."""
    cost, accuracy = history.losses[epoch], history.metrics["accuracy"][epoch]
    return f"{epoch + 1}/{epochs} | Cost: {cost:.2f} | Train Acc.: {accuracy * 100:.2f}% "


def names():
    """Return the runs that can be made here, of those whose numbers are known."""
    found = [] if small_digits() is None else ["digits"]
    return found + (["mnist", "mnist-scaled"] if digits().name == "MNIST" else [])


def compared(full=False, steps=1000) -> Numbers:
    """Compare with its code run as printed: the first epoch of MNIST, all ten if `full`."""
    numbers, expected, d = Numbers(), reference("002"), digits()
    for z in (-17, 0, 1, 6000):
        numbers.close(f"sigmoid({z})", clipped_sigmoid(z), expected["printed"][f"sigmoid({z})"], relative=1e-15)
    encoded = expected["printed"]["onehot([0,1,1,0,1,0,0],2)"]
    numbers.close("onehot([0, 1, 1, 0, 1, 0, 0], 2)", mg.data.one_hot([0, 1, 1, 0, 1, 0, 0], 2), encoded)
    for what, X in (("raw pixels", d.X), ("scaled", d.X / 255)):
        numbers.close(f"{what}: parameters after {steps} steps", apart(X, d.y, steps), 0.0, absolute=1e-9)
    for name in names():
        epochs = EPOCHS if full or name == "digits" else 1
        history, lines = run(name, epochs), expected[name]["progress"][:epochs]
        costs, accuracies = (
            np.array([float(text.split(": ")[k].split()[0].rstrip("%")) for text in lines]) for k in (1, 2)
        )
        # units that raw pixels saturate let a rounding error grow, where exp is computed in another way
        numbers.close(f"{name}: cost after each epoch", history.losses, costs, relative=0.02)
        numbers.close(f"{name}: accuracy in percent", 100 * history.metrics["accuracy"], accuracies, absolute=1.0)
        same = sum(line(history, k) == text for k, text in enumerate(lines))
        numbers.rows[-1].found += f"; {same} of {epochs} printed lines are the same"
    return numbers


# -- what it says in words -------------------------------------------------------------------------------------------


def prose() -> Iterator[Prose]:
    """Yield what it says, and its code with it, beside what running it shows."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        values = clipped_sigmoid(np.array([-6000.0, 6000.0]))
        a = clipped_sigmoid(np.array(40.0))
        in_sigmoid = len(caught)
        by_its_formula = float(-1.0 * np.log(a) - (1.0 - 1.0) * np.log(1.0 - a))
    from_logits = nn.functional.binary_cross_entropy_with_logits(np.array([40.0]), np.array([1.0]), reduction="sum")
    yield Prose(
        "clipping and two branches keep the sigmoid out of numerical trouble",
        f"of -6000 and 6000 it is {values} with {in_sigmoid} warnings",
        in_sigmoid == 0 and np.array_equal(np.round(values, 12), [0, 1]),
    )
    yield Prose(
        "the cost of its code is computed from that sigmoid",
        f"for y = 1 and z = 40 it is {by_its_formula}, from the logit {from_logits:.1e}",
        np.isfinite(by_its_formula),
    )
    d = digits()
    X, y = d.X[:1000], d.y[:1000]
    in_order = apart(X, y, len(X))
    model = network(X.shape[1])
    fit(model, X, y, 1, metrics=(), shuffle=True)
    hand = by_hand(X, y, len(X))
    mixed = max(float(np.max(np.abs(p.data - h))) for p, h in zip(model.parameters(), hand, strict=True))
    yield Prose(
        "its code shuffles the digits in every epoch",
        f"what it shuffles is not used: after {len(X)} digits its parameters are {in_order:.0e} from those of the order of "
        f"the file, {mixed:.0e} from those of a shuffled one",
        in_order > mixed,
    )


def chaos() -> list[tuple[str, str, str]]:
    """Return how far apart two forms of the sigmoid lead, which agree to the last digit but one."""
    d, steps = digits(), (10, 100, 300, 1000)
    rows = []
    for what, X in (("raw pixels", d.X), ("scaled", d.X / 255)):
        rows.append((what, *(f"{apart(X, d.y, n, mg.logistic):.0e}" for n in steps)))
    return rows


# -- pictures --------------------------------------------------------------------------------------------------------


def forward(X, W_h, b_h, W_out, b_out):
    z_h = X @ W_h + b_h
    a_h = sigmoid(z_h)
    z_out = a_h @ W_out + b_out
    a_out = sigmoid(z_out)
    return a_out


def pictures(full=False) -> dict[str, Any]:
    """Return its grid of digits and its network, and what the shuffled run learned."""
    d, history = digits(full), shuffled(EPOCHS if full else 5, full)
    firsts = [int(np.argmax(d.y == digit)) for digit in range(10)]
    model, others = history.network.model, d.X_test / 255
    said = mg.train.predict(model, others).argmax(axis=1)
    epochs = np.arange(1, history.epochs + 1)
    return {
        "002-digits.png": mg.draw.image_grid(d.X[firsts], d.y[firsts], columns=5, title=f"The first of each, {d.name}"),
        "002-network.png": mg.draw.network_diagram(
            [d.X.shape[1], HIDDEN, 10], outputs=[str(digit) for digit in range(10)], most=10
        ),
        "002-graph.svg": mg.draw(mg.trace(forward, others[:1], *(p.data for p in model.parameters()))),
        "002-accuracy.png": mg.draw.learning_curves(
            {"accuracy": history.metrics["accuracy"]},
            validation={"accuracy": history.validation["accuracy"]},
            x=epochs,
            title=f"The same network, shuffled and scaled ({d.name})",
        ),
        "002-hidden.png": mg.draw.weight_images(model[0].weight.data, title="What its 30 hidden units look for"),
        "002-confusion.png": mg.draw.confusion_matrix(d.y_test, said, title="Digits it has not seen"),
    }


# -- all of it -------------------------------------------------------------------------------------------------------


def main() -> None:
    chosen = arguments(__doc__)
    d = digits(chosen.full)
    if d.name != "MNIST":
        print("MNIST is away: set MICROGRADNP_DATA to its folder, or use --full. " + f"Instead: {d.name}.")
    print(f"{d.name}: {d.X.shape}, pixels {d.X.min()} to {d.X.max()}, classes {np.unique(d.y)}")
    print(d.y)
    print(mg.data.one_hot([0, 1, 1, 0, 1, 0, 0], 2))
    for z in (-17, 0, 1, 6000):
        print(f"sigmoid({z}) = {clipped_sigmoid(z)}")
    print(network(d.X.shape[1]))

    numbers = compared(chosen.full)
    rows = []
    for name in names():
        epochs = EPOCHS if chosen.full or name == "digits" else 1
        for k, text in enumerate(reference("002")[name]["progress"][:epochs]):
            rows.append((name, line(run(name, epochs), k), text))
    print_table("What it prints", ("digits", "here", "its code, run as printed"), rows)
    print_table(
        "Its sigmoid, or one that rounds otherwise: difference of the parameters after so many digits",
        ("", "10", "100", "300", "1000"),
        chaos(),
    )
    better = shuffled(EPOCHS if chosen.full else 5, chosen.full)
    print(
        f"The same network on {d.name}, scaled, in a new order in every epoch, 16 at a time: accuracy "
        f"{better.metrics['accuracy'][-1]:.2%} after {better.epochs} epochs, {better.validation['accuracy'][-1]:.2%} on "
        f"{len(d.y_test):,} others\n"
    )
    numbers.show("Document 002: its numbers")
    show_prose(prose())
    show(TITLE, verdicts())
    saved(chosen.out, pictures(chosen.full))
    show_versions(seeds="42 (weights), 0 (order of the shuffled run)")
    finish(numbers)


if __name__ == "__main__":
    main()
