"""Document 003 ("Chapter 3 - Training process and learning rate"), lived through.

Trains its logistic regression on its three data sets at its learning rates, on its own random stream; compares the 70
losses that it prints, digit by digit; draws its pictures; and checks what it says in words. Its formulas are judged in
claims_003.py.

Run it: python examples/document_003.py [folder for the pictures]
"""

import warnings
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
from claims_003 import TITLE, sigmoid, verdicts
from listing import show
from replay import Numbers, Prose, arguments, finish, print_table, reference, saved, show_prose, show_versions

import microgradnp as mg
from microgradnp import nn

EPOCHS = 100
#: The runs of the document, in its order: the learning rates on the clouds continue one random stream.
RATES = {"T2": 10, "T3": 0.05, "T4": 0.0005, "T5": 1, "T6": 0.05}


# -- its data --------------------------------------------------------------------------------------------------------


def table():
    """Return the table of 4 x 3, and the stream that draws the weights."""
    X, y = mg.data.first_bit()
    return X, y.reshape(4, 1), np.random.RandomState(1)


def clouds():
    stream = np.random.RandomState(0)
    X, y = mg.data.blobs(200, centers=2, random_state=stream)
    return X, y.reshape(200, 1), stream


def moons():
    stream = np.random.RandomState(0)
    X, y = mg.data.moons(200, noise=0.1, random_state=stream)
    return X, y.reshape(200, 1), stream


# -- its regressor, with the library ---------------------------------------------------------------------------------


def regressor(X, stream):
    """Return one logistic unit, weights uniform in (-1, 1), bias 0; its output is z."""
    return nn.Linear(X.shape[1], 1, init=nn.initialisers.uniform, rng=stream)


def predict_proba(model, X):
    return mg.logistic(mg.train.predict(model, X))


def predict(model, X):
    """Return classes, 0 or 1; 0 where the two are equally likely, as `mg.train.binary_accuracy` counts."""
    return (predict_proba(model, X) > 0.5).astype(int)


def fit(model, X, y, lr, epochs=EPOCHS, **options) -> mg.train.History:
    """Train; the loss is computed from z, not from s(z): there is no logarithm of 0, and nothing to clip."""
    loss, optimizer = nn.BCEWithLogitsLoss(), mg.optim.SGD(model.parameters(), lr)
    return mg.train.fit(model, (X, y), loss, optimizer, epochs=epochs, progress=False, **options)


# -- ... and with the document's own derivation, sums taken from first to last ---------------------------------------
# The losses that it prints went through sums in this order, and at learning rate 10 the order shows in the 11th digit.


def running_sum(values):
    return np.add.accumulate(values, axis=0)[-1]


@mg.primitive
def log_loss(W1, b1, X, y):
    return nn.functional.log_loss(sigmoid(X @ W1 + b1), y, smallest=1e-12)


def dW1(g, loss, W1, b1, X, y):
    return g * (1 / len(y) * running_sum(X * (sigmoid(X @ W1 + b1) - y))[:, np.newaxis])


def db1(g, loss, W1, b1, X, y):
    return g * (1 / len(y) * running_sum(sigmoid(X @ W1 + b1) - y))


log_loss.defvjp(dW1, db1, None, None)


def fit_by_its_formulas(model, X, y, lr, epochs=EPOCHS, **options) -> mg.train.History:
    """Train by these rules, which take X, and not what a model makes of it."""
    optimizer = mg.optim.SGD(model.parameters(), lr)

    def loss(X, y):
        return log_loss(model.weight, model.bias, X, y)

    return mg.train.fit(lambda X: X, (X, y), loss, optimizer, epochs=epochs, progress=False, **options)


# -- all its runs ----------------------------------------------------------------------------------------------------


@cache
def runs(fit=fit, show=False) -> dict[str, tuple[Any, Any]]:
    """Return the trained model and the losses of each of its seven runs, in its order and on its streams."""
    recipes = {row["id"]: row["recipe"] for row in reference("003")["tables"]}
    found = {}

    def run(name, X, y, stream, lr):
        if show:
            print(f"{name}, {recipes[name]}")
        model = regressor(X, stream)
        history = fit(model, X, y, lr, callbacks=[mg.train.PrintLoss()] if show else ())
        found[name] = model, history.losses

    run("T1", *table(), lr=1)
    points = clouds()  # whose stream goes on from run to run
    for name, lr in RATES.items():
        run(name, *points, lr=lr)
    run("T7", *moons(), lr=0.05)
    return found


def rises(losses) -> int:
    return int(np.sum(np.diff(losses) > 0))


def compared() -> Numbers:
    """Compare with what the document prints, and with its code run as printed."""
    numbers, expected = Numbers(), reference("003")
    by_autodiff, by_hand = runs(), runs(fit_by_its_formulas)
    for row in expected["tables"]:
        name, epochs, digits = row["id"], row["epochs"], row["printed"]
        otherwise = 2e-11 if name == "T2" else 0.0  # its steps are so large that a rounding error grows
        hand = np.take(by_hand[name][1], epochs)
        numbers.printed(f"{name}: losses by its formulas, running sums", hand, digits, otherwise=otherwise)
        model, losses = by_autodiff[name]
        printed = np.array(digits, dtype=float)
        numbers.close(f"{name}: losses by autodiff", np.take(losses, epochs), printed, relative=2e-11)
        numbers.close(f"{name}: weights at the end", model.weight.data, row["W1_final"], relative=1e-9)
        numbers.close(f"{name}: bias at the end", model.bias.data, [row["b1_final"]], relative=1e-9)
    facts = expected["facts"]
    clipped, losses = by_hand["T2"][1], by_autodiff["T2"][1]
    numbers.close("T2: largest clipped loss", max(clipped), facts["max_loss"], relative=1e-10)
    numbers.same("T2: its epoch", int(np.argmax(clipped)), facts["at_epoch"])
    numbers.same("T2: epochs in which the loss rises", rises(losses), facts["epochs_where_loss_rises"])
    numbers.close("T2: first losses", losses[:4], facts["first_losses"], relative=1e-10)
    return numbers


# -- the backward phase, looked at -----------------------------------------------------------------------------------


def backward_phase() -> Iterator[tuple[str, Any, Any]]:
    """Yield name, value and gradient of all that its dictionaries model, cache and grads hold, at the first update."""

    def forward(W1, b1, A0, y):
        z1 = A0 @ W1 + b1
        A1 = mg.logistic(z1)
        loss = -np.mean(y * np.log(A1) + (1 - y) * np.log(1 - A1))
        return loss

    X, y, stream = table()
    model = regressor(X, stream)
    graph = mg.trace(forward, model.weight.data, model.bias.data, X, y)
    gradients = graph.gradients()
    for name in ("W1", "b1", "z1", "A1", "loss"):
        yield name, graph.value(name), gradients[graph.names[name]]


# -- what it says in words -------------------------------------------------------------------------------------------


def stop_at(loss):
    """Return a callback that ends a training when the loss is so low."""
    return lambda run: run.stop(f"loss at most {loss}") if run.numbers["loss"] <= loss else None


def prose() -> Iterator[Prose]:
    """Yield what it says about its runs, with what they show."""
    losses = {name: run[1] for name, run in runs().items()}
    end = {name: run[-1] for name, run in losses.items()}
    X, y, _ = table()
    r = float(np.corrcoef(X[:, 0], y[:, 0])[0, 1])
    yield Prose(
        "in the table one feature is perfectly correlated with the labels", f"correlation {r:.3f}", r > 1 - 1e-12
    )

    X, y, stream = clouds()
    history = fit(regressor(X, stream), X, y, lr=10, record=True)
    zs = [history.replay(epoch=epoch)(X) for epoch in range(EPOCHS)]
    with warnings.catch_warnings(record=True) as caught, np.errstate(over="warn"):
        warnings.simplefilter("always")
        for z in zs:
            sigmoid(z)
    limit = np.log(np.finfo(float).max)
    yield Prose(
        "at learning rate 10 an overflow is likely",
        f"{len(caught)} overflows: z goes to {np.max(np.abs(zs)):.1f}, and its exp overflows beyond {limit:.0f}",
        caught,
    )
    clipped, exact = max(runs(fit_by_its_formulas)["T2"][1]), max(losses["T2"])
    yield Prose(
        "the loss needs its smallest numbers clipped",
        f"from z there is nothing to clip, and its largest value is {exact:.4f}; clipped it is {clipped:.4f}",
        clipped == exact,
    )
    turned = np.array([0.3, 0.5, 0.7])
    turned[turned > 0.5], turned[turned < 0.5] = 1, 0
    yield Prose(
        "its prediction is 1 or 0",
        f"probabilities 0.3, 0.5 and 0.7 become {', '.join(map(str, turned))}",
        set(turned) <= {0, 1},
    )
    bumpy, low, lower = losses["T2"], losses["T3"], losses["T4"]
    yield Prose(
        "at learning rate 10 the loss goes up at first, and then comes down",
        f"it begins {bumpy[0]:.3f}, {bumpy[1]:.3f}, {bumpy[2]:.3f}; the largest, {max(bumpy):.2f}, is that of epoch "
        f"{np.argmax(bumpy)}",
        bumpy[1] > bumpy[0],
    )
    yield Prose(
        "at learning rate 10 it rises again several times",
        f"in {rises(bumpy)} of {EPOCHS - 1} epochs",
        rises(bumpy) > 1,
    )
    yield Prose("at 0.05 it goes more smoothly", f"it rises {rises(low)} times", rises(low) < rises(bumpy))
    yield Prose(
        "at 0.05 it ends with an error nearly ten times lower than at 10",
        f"{end['T3']:.4f} against {end['T2']:.4f}: {end['T3'] / end['T2']:.1f} times as high",
        end["T3"] < end["T2"] / 5,
    )
    yield Prose("at 0.0005 descent is very smooth", f"it rises {rises(lower)} times", rises(lower) == 0)
    yield Prose(
        "at 0.0005 it ends with an error more than twice as high as at 0.05",
        f"{end['T4']:.3f} against {end['T3']:.3f}: {end['T4'] / end['T3']:.2f} times as high",
        end["T4"] > 2 * end["T3"],
    )
    on = fit(deepcopy(runs()["T4"][0]), X, y, 0.0005, 10_000, callbacks=[stop_at(end["T3"])])
    epochs = EPOCHS + on.epochs
    yield Prose(
        "at 0.0005 a few more epochs would make the model very good",
        f"after {epochs:,} epochs it is where 0.05 was after {EPOCHS}",
        epochs < 2 * EPOCHS,
    )
    start = regressor(X, np.random.RandomState(0))
    final = {lr: fit(deepcopy(start), X, y, lr).losses[-1] for lr in (10, 1, 0.1, 0.05, 0.0005)}
    best = min(final, key=final.__getitem__)
    yield Prose(
        "a good learning rate is usually about 0.1",
        f"on its clouds {best} is best: " + ", ".join(f"{loss:.3f} after {lr}" for lr, loss in final.items()),
        0.05 <= best <= 0.2,
    )
    layers = list(runs()["T7"][0].modules())
    yield Prose(
        "the last picture is of a network with a hidden layer of size 3",
        f"all its layers: {', '.join(map(repr, layers))}",
        len(layers) > 1,
    )


# -- pictures --------------------------------------------------------------------------------------------------------


def pictures() -> dict[str, Any]:
    """Return its scatter plots, loss curves and decision boundaries."""
    found = runs()
    drawn: dict[str, Any] = {
        "003-table-loss.png": mg.draw.loss_curve(found["T1"][1], title="The table of 4 x 3, learning rate 1"),
    }
    ax = None
    for name in ("T2", "T5", "T3", "T4"):
        ax = mg.draw.loss_curve(found[name][1], ax=ax, label=f"learning rate {RATES[name]}")
    ax.set(title="The clouds at four learning rates", yscale="log")
    drawn["003-rates.png"] = ax
    for name, data, what in (("T6", clouds, "clouds"), ("T7", moons, "moons")):
        X, y, _ = data()
        model, losses = found[name]
        drawn[f"003-{what}.png"] = mg.draw.scatter_classes(X, y[:, 0], title=f"The {what}: {len(X)} points")
        drawn[f"003-{what}-loss.png"] = mg.draw.loss_curve(losses, title=f"The {what}, learning rate 0.05")
        drawn[f"003-{what}-boundary.png"] = mg.draw.decision_regions(
            lambda points, model=model: predict(model, points)[:, 0], X, y[:, 0], title=f"Regressor on the {what}"
        )
    return drawn


def main() -> None:
    chosen = arguments(__doc__)
    runs(fit_by_its_formulas, show=True)
    print("\nThe first update of the table: value and gradient")
    for name, value, gradient in backward_phase():
        print(f"{name:>6} = {np.ravel(value).round(6)}   d{name} = {np.ravel(gradient).round(6)}")
    ends = {name: losses for name, (_, losses) in runs().items() if name in RATES}
    print_table(
        "The clouds, one random stream for all runs: what the learning rate does",
        ("run", "learning rate", "first loss", "last", "largest", "rises"),
        [
            (name, str(RATES[name]), *(f"{v:.4f}" for v in (losses[0], losses[-1], max(losses))), str(rises(losses)))
            for name, losses in ends.items()
        ],
    )
    numbers = compared()
    numbers.show("Document 003: its numbers")
    show_prose(prose())
    show(TITLE, verdicts())
    saved(chosen.out, pictures())
    show_versions(seeds="1 (table), 0 (clouds), 0 (moons)")
    finish(numbers)


if __name__ == "__main__":
    main()
