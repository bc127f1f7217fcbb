"""A convolutional network that reads handwritten digits: trained, tested on digits it has not seen, and looked into.

Two convolutions with pools and one matrix, 18,378 numbers in float32. By default it learns from 1,600 of the 2,000 digits
that ship with the package; with --full from the 60,000 of MNIST, and then reads 99 % of its test set.

Run it: python examples/digits_convolution.py [folder for the pictures] [--full]
"""

import numpy as np
from replay import arguments, saved

import microgradnp as mg
from microgradnp import nn

DTYPE = np.float32  # half the memory of float64, and little more than half the time


def network(seed=0):
    rng = np.random.default_rng(seed)
    # Pooling before relu gives what relu before pooling gives, at a quarter of the cost.
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, rng=rng, dtype=DTYPE),  # 28 x 28 -> 24 x 24
        nn.MaxPool2d(2),  # -> 12 x 12
        nn.ReLU(),
        nn.Conv2d(16, 32, 5, rng=rng, dtype=DTYPE),  # -> 8 x 8
        nn.MaxPool2d(2),  # -> 4 x 4
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(512, 10, rng=rng, dtype=DTYPE),
    )


def digits(full):
    """Return digits to learn from and digits to test with, as images with one channel."""
    if full:
        return mg.data.mnist(images=True, dtype=DTYPE)
    return mg.data.split(*mg.data.digits(images=True, dtype=DTYPE), test=400, random_state=0)


class Shifted:
    """Batches of digits, each batch moved by up to one pixel: the network sees no digit twice in the same place.

    The border of MNIST's images is blank, so that what is moved out of one side and into the other is nothing.
    """

    def __init__(self, X, y, batch_size, seed=0):
        self.rng = np.random.default_rng(seed)
        self.batches = mg.data.batches(X, y, batch_size, rng=self.rng)

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        for x, y in self.batches:
            yield np.roll(x, self.rng.integers(-1, 2, size=2), axis=(2, 3)), y


def tell(run):
    """Print the numbers of an epoch."""
    n = run.numbers
    print(f"{run.epoch + 1:5}  {n['loss']:6.4f}  {n['accuracy']:8.2%}  {n['val_accuracy']:8.2%}", flush=True)


def learn(model, data, epochs):
    batches = Shifted(data.X, data.y, 64)
    print("epoch    loss  accuracy  of the test")
    return mg.train.fit(
        model,
        batches,
        nn.CrossEntropyLoss(),
        mg.optim.SGD(model.parameters(), lr=0.05, momentum=0.9),
        epochs=epochs,
        schedule=mg.optim.schedules.cosine(0.05, total=epochs * len(batches)),
        validation=(data.X_test, data.y_test),
        metrics=["accuracy"],
        callbacks=[tell],
        progress=False,
    )


# -- pictures ----------------------------------------------------------------------------------------------------------


def training(history):
    epochs = np.arange(1, history.epochs + 1)

    def losses(ax):
        curves = {"loss": history.losses}, {"loss": history.validation["loss"]}
        mg.draw.learning_curves(curves[0], validation=curves[1], x=epochs, logy=True, ax=ax)

    def accuracies(ax):
        curves = {"accuracy": history.metrics["accuracy"]}, {"accuracy": history.validation["accuracy"]}
        mg.draw.learning_curves(curves[0], validation=curves[1], x=epochs, ax=ax)

    return mg.draw.panels({"loss": losses, "accuracy": accuracies}, size=(5.4, 3.6))


def features(model, image):
    """What the two convolutions make of one digit."""
    with mg.no_grad():
        first, second = model[:3](image[None]).data[0], model[:6](image[None]).data[0]
    pictures = {
        "a digit": lambda ax: mg.draw.image_grid(image, ax=ax),
        "what 16 filters find in it": lambda ax: mg.draw.image_grid(first, columns=4, ax=ax),
        "what 32 find in that": lambda ax: mg.draw.image_grid(second, columns=6, ax=ax),
    }
    return mg.draw.panels(pictures, columns=3, size=(3.2, 3.4))


def mistakes(X, y, probabilities, most=24):
    """The mistakes of which the network was surest."""
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != y)
    surest = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")][:most]
    title = f"{len(wrong)} of {len(y):,} read wrong, the surest first"
    return mg.draw.image_grid(X[surest], y[surest], predicted[surest], columns=6, title=title)


def main():
    chosen = arguments(__doc__)
    data = digits(chosen.full)
    model = network()
    print(model)
    print(f"{len(data.X):,} digits to learn from, {len(data.X_test):,} to test with\n")
    history = learn(model, data, epochs=6 if chosen.full else 8)
    probabilities = nn.functional.softmax(mg.train.predict(model, data.X_test, batch_size=500))
    predicted = probabilities.argmax(axis=1)
    wrong = np.count_nonzero(predicted != data.y_test)
    print(f"\n{wrong} of {len(predicted):,} test digits read wrong, {1 - wrong / len(predicted):.2%} right")
    print(f"{history['seconds'].sum():.0f} s\n")
    pictures = {
        "digits-training.png": training(history),
        "digits-filters.png": mg.draw.weight_images(
            model[0].weight.data, columns=8, title="the filters of the first layer"
        ),
        "digits-features.png": features(model, data.X_test[0]),
        "digits-confusion.png": mg.draw.confusion_matrix(data.y_test, predicted),
    }
    if wrong:
        pictures["digits-mistakes.png"] = mistakes(data.X_test, data.y_test, probabilities)
    saved(chosen.out, pictures)


if __name__ == "__main__":
    main()
