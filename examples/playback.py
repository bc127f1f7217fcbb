"""A page that plays the training of document 000, "Seeing Like A Perceptron II": what happens in its plateaus.

The network of the document (two inputs, three hidden units, one output, `relu` with the derivative that its code uses)
learns to tell the surroundings of the origin from the rest. Its loop records plain arrays, one entry an epoch, and
`mg.draw.playback` makes a page of them: move the slider through a plateau of the accuracy, and watch the hidden layer.

Run it: python examples/playback.py [folder for the page]
"""

import sys
from pathlib import Path

import numpy as np

import microgradnp as mg

EPOCHS, RATE, SEED = 1000, 0.5, 9


def relu(z):
    return (z + np.abs(z)) / 2


def relu_grad(a):
    return mg.logistic(a)  # as the document has it; its claim is examined in document_000.py


def train():
    """Return the data, and what each epoch leaves behind: the weights after it, the outputs before it."""
    np.random.seed(SEED)
    X = np.random.randn(300, 2)
    distance = np.sum(X**2, axis=1, keepdims=True)
    y = (distance > np.median(distance)).astype(float)
    W01, W12 = np.zeros((2, 3)), np.random.randn(3, 1)
    history = {"W01": [], "W12": [], "output": []}
    for _ in range(EPOCHS):
        hidden = relu(X @ W01)
        output = relu(hidden @ W12)
        grad_output = (y - output) * relu_grad(output)
        grad_hidden = grad_output @ W12.T * relu_grad(hidden)
        W12 = W12 + RATE * hidden.T @ grad_output / len(X)
        W01 = W01 + RATE * X.T @ grad_hidden / len(X)
        for name, value in (("W01", W01), ("W12", W12), ("output", output)):
            history[name].append(value)
    return X, y, {name: np.array(values) for name, values in history.items()}


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("out")
    X, y, history = train()
    W01, W12, output = history["W01"], history["W12"], history["output"]
    error = y - output
    accuracy = (np.abs(error) < 0.5).mean(axis=(1, 2))
    hidden = relu(X @ W01)

    def size(W):
        return np.sqrt(np.sum(W**2, axis=(1, 2)))

    page = mg.draw.playback(
        np.arange(EPOCHS),
        loss=(error**2).mean(axis=(1, 2)),
        metrics={"accuracy": accuracy},
        hidden=hidden,
        points=X,
        labels=y.ravel(),
        names=["near the origin", "far from it"],
        regions=lambda i, grid: relu(relu(grid @ W01[i]) @ W12[i]).ravel() > 0.5,
        changes={"W01": size(np.diff(W01, axis=0, prepend=0 * W01[:1])) / size(W01) * 100,
                 "W12": size(np.diff(W12, axis=0, prepend=W12[:1])) / size(W12) * 100},
        changes_title="Size of an epoch's update, of the size of the weights",
        activations={"hidden": hidden, "output": output},
        title="Seeing like a perceptron: a 2-3-1 network learns",
        start=290,
    )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    path = page.save(out / "playback.html")
    for epoch in (0, 140, 160, 280, 320, EPOCHS - 1):
        print(f"epoch {epoch:3}: accuracy {accuracy[epoch]:.3f}")
    print(f"{path}: {len(page.html) / 1e6:.1f} MB; open it in a browser")


if __name__ == "__main__":
    main()
