"""Document 001 (P. Roelants, "Vectorization of the backpropagation algorithm"), lived through.

Checks every formula that it claims by three witnesses, runs its gradient check, trains its network on its own random
stream, and draws the graph, the data, the loss, the decision regions and the hidden layer: that is `microgradnp demo`.
Here its numbers are compared with those of its code run as printed; momentum is compared with plain gradient descent from
several starting points, as the document proposes; and what it says of both in words is checked.

Run it: python examples/document_001.py [folder for the pictures]
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from listing import Listed
from replay import Numbers, Prose, arguments, finish, print_table, reference, saved, show_prose, show_versions

import microgradnp as mg
from microgradnp import demo, nn

TITLE = "Document 001: Vectorization of the backpropagation algorithm"
ITERATIONS = 300


def verdicts() -> Iterator[Listed]:
    """Yield every claim with its verdict."""
    X, _, T, stream = demo.dataset()
    for claim, report in demo.verified(X, T, demo.initial(stream, 1.0)):
        yield Listed(claim.number, claim.formula, report.claim(claim.name), report)


# -- the same network, of layers -------------------------------------------------------------------------------------


@cache
def starts(count=4) -> list[dict[str, Any]]:
    """Return starting points: the document's, and others drawn in its way from the seeds 0, 1, 2, ..."""
    *_, stream = demo.dataset()
    demo.initial(stream, 1.0)  # the stream goes on after those of the gradient check
    return [demo.initial(stream, 0.1), *(demo.initial(np.random.RandomState(seed), 0.1) for seed in range(count - 1))]


def fit(start, lr=demo.RATE, momentum=demo.MOMENTUM, iterations=ITERATIONS) -> mg.train.History:
    """Train from a starting point; the loss of an iteration is that before its update."""
    X, t, *_ = demo.dataset()
    model = nn.Sequential(nn.Linear(2, 3), mg.logistic, nn.Linear(3, 2))
    Wh, bh, Wo, bo = start.values()
    model.load_state_dict({"0.weight": Wh, "0.bias": bh[0], "2.weight": Wo, "2.bias": bo[0]})
    optimizer = mg.optim.SGD(model.parameters(), lr, momentum=momentum)
    return mg.train.fit(
        model, (X, t), nn.CrossEntropyLoss("sum"), optimizer, epochs=iterations, metrics=["accuracy"], progress=False
    )


@cache
def runs(momentum, iterations=ITERATIONS, lr=demo.RATE) -> list[mg.train.History | None]:
    """Return the training from every starting point; None where it diverged."""

    def converging(start):
        try:
            return fit(start, lr, momentum, iterations)
        except mg.train.Diverged:
            return None

    return [converging(start) for start in starts()]


def linear() -> mg.train.History:
    """Train a softmax of a linear function of the points."""
    X, t, *_ = demo.dataset()
    model = nn.Linear(2, 2, init=0.0)
    optimizer = mg.optim.SGD(model.parameters(), 0.02)
    return mg.train.fit(
        model, (X, t), nn.CrossEntropyLoss("sum"), optimizer, epochs=ITERATIONS, metrics=["accuracy"], progress=False
    )


RATES = (0.005, 0.01, 0.02, 0.05, 0.1)


@cache
def reached(momentum, lr) -> int:
    """Return from how many starting points the loss falls below 5."""
    return sum(history is not None and bool(history.losses[-1] < 5) for history in runs(momentum, lr=lr))


# -- its numbers -----------------------------------------------------------------------------------------------------


def compared() -> Numbers:
    """Compare with its code run as printed."""
    numbers, expected = Numbers(), reference("001")
    X, t, T, stream = demo.dataset()
    numbers.same("shape of X", X.shape, (100, 2))
    numbers.same("shape of T", T.shape, (100, 2))
    numbers.close("the first two points", X[:2], expected["X_first2"], relative=1e-13)
    numbers.close("sum of X", X.sum(), expected["X_sum"], relative=1e-13)
    p = demo.initial(stream, 1.0)
    loss, gradients = mg.value_and_grad(demo.network, argnums=(2, 3, 4, 5))(X, T, *p.values())
    numbers.close("gradient check: loss", loss, expected["gradcheck"]["loss"], relative=1e-12)
    for name, gradient in zip(p, gradients, strict=True):
        want = expected["gradcheck"]["grads"][name]
        numbers.close(f"gradient check: gradient of {name}", gradient, want, relative=1e-11)
    losses, trained = demo.train(X, T, demo.initial(stream, 0.1))
    numbers.close("losses, by its forward pass", losses, expected["losses"], relative=1e-9)
    numbers.close("losses, by layers and fit", runs(demo.MOMENTUM)[0].losses, expected["losses"][:-1], relative=1e-9)
    for name, want in expected["final"].items():
        numbers.close(f"{name} at the end", trained[name], want, relative=1e-8)
    numbers.same("accuracy", float(np.mean(demo.predict(X, trained) == t)), expected["accuracy"])
    return numbers


# -- what it says in words -------------------------------------------------------------------------------------------


def rises(history) -> int:
    return int(np.sum(np.diff(history.losses) > 0))


def prose() -> Iterator[Prose]:
    """Yield what it says of its training, with what several starting points show."""
    momentum, plain, longer = runs(demo.MOMENTUM), runs(0.0), runs(0.0, 10 * ITERATIONS)
    yield Prose(
        "the trained network classifies every example correctly",
        f"accuracy {momentum[0].metrics['accuracy'][-1]:.2f}, from the other starting points "
        + ", ".join(f"{h.metrics['accuracy'][-1]:.2f}" for h in momentum[1:]),
        momentum[0].metrics["accuracy"][-1] == 1,
    )
    line = linear()
    yield Prose(
        "a network without a hidden layer cannot tell these classes apart",
        f"its accuracy is {line.metrics['accuracy'][-1]:.2f} after {line.epochs} iterations",
        line.metrics["accuracy"][-1] < 0.9,
    )
    try:
        np.zeros((100, 2)) + np.zeros((2, 1))
        said = "is added without complaint"
    except ValueError as error:
        said = f"cannot be added: {error}"
    yield Prose(
        "the output's bias is a vector of 2 x 1",
        f"to H Wo of shape (100, 2) a bias of that shape {said.strip()}; its code has one of {starts()[0]['bo'].shape}",
        "cannot" not in said,
    )
    bumps, smooth = [rises(h) for h in momentum], [rises(h) for h in plain]
    yield Prose(
        "momentum converges smoothly, as plain gradient descent hardly ever does",
        f"with momentum the loss rises in {bumps[0]} of {ITERATIONS - 1} iterations (others {bumps[1:]}), with plain gradient "
        f"descent in {smooth[0]} (others {smooth[1:]})",
        min(smooth) > max(bumps),
    )
    short, long = [h.losses[-1] for h in plain], [h.losses[-1] for h in longer]
    yield Prose(
        "from most starting points plain gradient descent ends in a worse solution",
        f"after {ITERATIONS} iterations its losses are {listed(short)}; after "
        f"{10 * ITERATIONS} {listed(long)}, and accuracies "
        + ", ".join(f"{h.metrics['accuracy'][-1]:.2f}" for h in longer),
        sum(loss > 2 * runs(demo.MOMENTUM)[k].losses[-1] for k, loss in enumerate(long)) > len(long) / 2,
    )
    counts = {m: [reached(m, lr) for lr in RATES] for m in (demo.MOMENTUM, 0.0)}
    yield Prose(
        "with momentum the learning rate matters less than without",
        f"with {', '.join(map(str, RATES))}, {counts[demo.MOMENTUM]} of {len(starts())} starting points come below a loss "
        f"of 5 with momentum, {counts[0.0]} with plain gradient descent",
        np.count_nonzero(counts[demo.MOMENTUM]) > np.count_nonzero(counts[0.0]),
    )


def listed(values) -> str:
    return ", ".join(f"{v:.2f}" for v in values)


# -- pictures --------------------------------------------------------------------------------------------------------


def pictures() -> dict[str, Any]:
    """Return the losses from all starting points, with momentum and without (`microgradnp demo` draws the others)."""
    found = {"momentum, 300 iterations": runs(demo.MOMENTUM), "plain, 3000 iterations": runs(0.0, 10 * ITERATIONS)}

    def draw(ax, histories):
        for k, history in enumerate(histories):
            mg.draw.loss_curve(history.losses, ax=ax, label=f"start {k}", logy=True)

    figure = mg.draw.panels(
        {what: lambda ax, histories=histories: draw(ax, histories) for what, histories in found.items()},
        size=(4.6, 3.6),
        title="Momentum and plain gradient descent from four starting points",
    )
    trained = runs(demo.MOMENTUM)[0].network.model.state_dict()
    diagram = mg.draw.network_diagram(
        [trained["0.weight"], trained["2.weight"]],
        [trained["0.bias"], trained["2.bias"]],
        inputs=["$x_1$", "$x_2$"],
        outputs=["star", "circle"],
        title="The trained network",
    )
    return {"001-starts.png": figure, "001-network.png": diagram}


def main() -> None:
    chosen = arguments(__doc__)
    X, _, T, _ = demo.dataset()
    print(f"shape of X: {X.shape}\nshape of T: {T.shape}")
    right = demo.run(chosen.out)
    rows = [
        (str(k), f"{m.losses[-1]:.4f}", f"{p.losses[-1]:.4f}", f"{q.losses[-1]:.4f}")
        for k, (m, p, q) in enumerate(zip(runs(demo.MOMENTUM), runs(0.0), runs(0.0, 10 * ITERATIONS), strict=True))
    ]
    columns = ("start", "momentum, 300 iterations", "plain, 300", "plain, 3000")
    print_table("Loss in the end, from several starting points", columns, rows)
    numbers = compared()
    numbers.same("every formula is right", right, True)
    numbers.show("Document 001: its numbers")
    show_prose(prose())
    saved(chosen.out, pictures())
    show_versions(seeds="1 (the document's), 0, 1, 2 (other starting points)")
    finish(numbers)


if __name__ == "__main__":
    main()
