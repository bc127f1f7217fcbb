"""Every picture of training that `mg.draw` has, from three small runs: two circles, digits, and a chain of neurons.

Run it: python examples/gallery.py [folder for the pictures]
"""

import sys
from pathlib import Path

import numpy as np

import microgradnp as mg
from microgradnp import nn


def circles():
    """Two circles and three hidden units: the pictures in two and three dimensions."""
    X, t = mg.data.circles(100, noise=0.1, factor=0.3, random_state=1)
    model = nn.Sequential(nn.Linear(2, 3, rng=1), mg.logistic, nn.Linear(3, 2, rng=2))
    optimizer = mg.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    loss = nn.CrossEntropyLoss()
    history = mg.train.fit(model, (X, t), loss, optimizer, epochs=300, metrics=["accuracy"], record=5, progress=False)
    epochs = history.recorded
    path = [history.at(epoch) for epoch in epochs]
    names = ["outer", "inner"]

    def hidden(state, x):
        return mg.logistic(x @ state["0.weight"] + state["0.bias"])

    def scores(state, x):
        return hidden(state, x) @ state["2.weight"] + state["2.bias"]

    def probabilities(state):
        return lambda x: mg.softmax(scores(state, x), axis=1)

    def loss_at(state):
        return mg.cross_entropy(scores(state, X), t)

    last = path[-1]
    plane = "The loss on the plane of the path"
    yield "circles-data", mg.draw.scatter_classes(X, t, names=names, title="Two circles")
    yield "circles-loss", mg.draw.loss_curve(history.losses, title="Loss")
    yield "circles-regions", mg.draw.decision_regions(lambda x: scores(last, x).argmax(axis=1), X, t, names=names)
    yield "circles-probability", mg.draw.probability_regions(probabilities(last), X, t, names=names)
    yield "circles-hidden", mg.draw.hidden_space(hidden(last, X), t, names=names, title="The hidden layer")
    yield (
        "circles-network",
        mg.draw.network_diagram(
            [last["0.weight"], last["2.weight"]],
            [last["0.bias"], last["2.bias"]],
            inputs=["$x_1$", "$x_2$"],
            outputs=names,
        ),
    )
    yield "circles-landscape", mg.draw.loss_landscape(loss_at, last, path, title=plane)
    yield "circles-landscape-3d", mg.draw.loss_landscape(loss_at, last, path, solid=True, title=plane)
    yield "circles-landscape-random", mg.draw.loss_landscape(loss_at, last, title="The loss around the trained weights")

    def frame(ax, epoch):
        ax.set_aspect("equal")
        mg.draw.probability_regions(probabilities(history.at(epoch)), X, t, names=names, resolution=80, ax=ax)

    film = mg.draw.animate(frame, epochs[::6])
    yield "circles-film", film
    yield "circles-strip", film.strip(6)


def digits():
    """Digits: curves with validation, layers, images."""
    X, y = mg.data.digits()
    train, test = (X[:1600], y[:1600]), (X[1600:], y[1600:])
    model = nn.Sequential(
        nn.Linear(784, 32, rng=1), mg.relu, nn.Linear(32, 16, rng=2), np.tanh, nn.Linear(16, 10, rng=3)
    )
    loss = nn.CrossEntropyLoss()

    batches = iter(mg.data.batches(*train, 50, rng=0))
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    found = mg.optim.range_test(lambda: (lambda x, t: loss(model(x), t))(*next(batches)), optimizer, steps=30)
    yield "digits-range", mg.draw.range_test_curve(found.rates, found.losses, suggestion=found.suggestion)

    epochs = 15
    schedule = mg.optim.schedules.cosine(0.1, 32 * epochs)
    yield "digits-schedule", mg.draw.schedule_curve([schedule(step) for step in range(32 * epochs)])
    record = mg.train.Record(per="update", every=8, activations=test[0], gradients=True, updates=True)
    history = mg.train.fit(
        model, train, loss, optimizer, epochs=epochs, batch_size=50, validation=test, metrics=["accuracy"],
        schedule=schedule, record=record, progress=False,
    )  # fmt: skip
    yield (
        "digits-loss",
        mg.draw.learning_curves(
            {"loss": history.losses}, validation={"loss": history.validation["loss"]}, best="min", logy=True
        ),
    )
    yield (
        "digits-accuracy",
        mg.draw.learning_curves(
            {"accuracy": history["accuracy"]}, validation={"accuracy": history.validation["accuracy"]}, best="max"
        ),
    )
    weights = {"0.weight": "layer 1", "2.weight": "layer 2", "4.weight": "layer 3"}
    frames = history.frames[:-1]
    yield (
        "digits-updates",
        mg.draw.update_ratios(
            {name: [frame.updates[key] for frame in frames] for key, name in weights.items()},
            x=[f.step for f in frames],
        ),
    )
    gradients, layers = frames[0].gradients, history.frames[-1].activations
    yield (
        "digits-gradients",
        mg.draw.gradient_distributions(
            {name: gradients[key] for key, name in weights.items()}, title="Gradients of the first update"
        ),
    )
    yield (
        "digits-activations",
        mg.draw.activation_distributions(
            {"relu": layers["1"], "tanh": layers["3"]}, limits={"tanh": (-1, 1)}, title="Activations after training"
        ),
    )
    yield "digits-hidden", mg.draw.hidden_space(layers["3"], test[1], title="The second hidden layer of 16 units")

    guesses = mg.train.predict(model, test[0]).argmax(axis=1)
    wrong = np.flatnonzero(guesses != test[1])
    first = [int(np.argmax(y == digit)) for digit in range(10)]
    yield "digits", mg.draw.image_grid(X[first], y[first], title="The first of each digit")
    some = np.sort([*wrong[:8], *np.setdiff1d(np.arange(40), wrong)[:16]])
    yield "digits-wrong", mg.draw.image_grid(test[0][some], test[1][some], guesses[some])
    yield "digits-confusion", mg.draw.confusion_matrix(test[1], guesses)
    yield (
        "digits-weights",
        mg.draw.weight_images(model.state_dict()["0.weight"], limit=0.15, title="Weights of layer 1"),
    )


def chain(layers, b, w, x, target=0.15, rate=1.0):
    """Train the chain of neurons of document 004, one input at a time; return its biases, weights and activations."""
    B, W = np.full(layers - 1, float(b)), np.full(layers - 1, float(w))

    def values(B, W, x):
        a = [x]
        for weight, bias in zip(W, B, strict=True):
            a.append(mg.logistic(weight * a[-1] + bias))
        return a

    slopes = mg.grad(lambda B, W, x: 0.5 * (target - values(B, W, x)[-1]) ** 2, argnums=(0, 1))
    path, activations = [(B, W)], []
    for sample in x:
        activations.append(values(B, W, sample))
        dB, dW = slopes(B, W, sample)
        B, W = B - rate * dB, W - rate * dW
        path.append((B, W))
    return path, np.array(activations)


def chains():
    """Chains of neurons: the true cost over one bias and one weight, and how little the first layers learn."""
    x = mg.data.line(100, random_state=0)[0].ravel()
    path, activations = chain(2, 2, 2, x)
    steps = [(B[0], W[0]) for B, W in path]

    def cost(b, w):
        return np.mean(0.5 * (0.15 - mg.logistic(np.outer(w, x) + b[:, None])) ** 2, axis=1)

    title = "The true cost, and one hundred updates"
    extent = (-5, 5, -5, 5)
    yield "chain-cost", mg.draw.cost_contours(cost, steps, extent=extent, logarithmic=True, title=title)
    yield "chain-cost-3d", mg.draw.cost_surface(cost, steps, extent=extent, title=title)
    film = mg.draw.film_of_activations({"input": activations[::5, 0], "output": activations[::5, 1]}, target=0.15,
                                       epochs=range(0, 100, 5), unit="update")  # fmt: skip
    yield "chain-film", film
    yield "chain-strip", film.strip(6)

    starts = {f"b={b}, w={w}": chain(5, b, w, x)[0] for b, w in ((2, 2), (0, 2), (2, 0), (0, 0))}
    changes = [{name: mg.train.percent_change(run[-1][i], run[0][i]) for name, run in starts.items()} for i in (1, 0)]
    yield "chain-changes", mg.draw.percent_changes(*changes, title="A chain of five layers after one hundred updates")
    yield "chain-activations", mg.draw.layer_activations(chain(5, 2, 2, x)[1][-1], target=0.15)
    yield (
        "chain-runs",
        mg.draw.panels(
            {
                name: lambda ax, run=run: mg.draw.learning_curves(
                    {f"w{i + 1}": [W[i] for _, W in run] for i in range(4)}, xlabel="update", ylabel="weight", ax=ax
                )
                for name, run in starts.items()
            },
            size=(4.2, 2.8),
        ),
    )


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("out")
    out.mkdir(parents=True, exist_ok=True)
    for pictures in (circles(), digits(), chains()):
        for name, picture in pictures:
            if isinstance(picture, mg.draw.Film):
                written = [picture.save(out / f"{name}{ending}") for ending in (".gif", ".html")]
            else:
                written = [mg.draw.save(picture, out / f"{name}.png")]
            print("wrote", *written)


if __name__ == "__main__":
    main()
