"""A recurrent network that learns a text, character by character, and writes more of it.

A gated recurrent unit (GRU) reads a text and says of each character how probable each possible next one is. By default the
text is a nursery rhyme in which each verse repeats the one before; its last verse is kept back. What is new in that verse
must surprise the network, what follows from the verses before must not: a picture shows which characters do.
With --full the network is larger and learns longer; --text learns another text, of which the last tenth is kept back.

Run it: python examples/characters.py [folder for the pictures] [--full] [--text file]
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from replay import saved

import microgradnp as mg
from microgradnp import nn

DTYPE = np.float32
#: "The House That Jack Built", traditional, as first printed in 1755: who each verse is about, and what they did.
STORY = [
    ("the house that Jack built", ""),
    ("the malt", "lay in"),
    ("the rat", "ate"),
    ("the cat", "killed"),
    ("the dog", "worried"),
    ("the cow with the crumpled horn", "tossed"),
    ("the maiden all forlorn", "milked"),
    ("the man all tattered and torn", "kissed"),
    ("the priest all shaven and shorn", "married"),
    ("the cock that crowed in the morn", "waked"),
    ("the farmer sowing his corn", "kept"),
    ("the horse and the hound and the horn", "belonged to"),
]


def verse(n):
    """Return verse n: its own hero, then those of all verses before, backwards."""
    lines = [f"This is {STORY[n][0]}"]
    lines += [f"That {STORY[k][1]} {STORY[k - 1][0]}" for k in range(n, 0, -1)]
    return "\n".join(lines) + ".\n\n"


class Characters(nn.Module):
    """From each character and what was read before it to a score for every possible next character."""

    def __init__(self, alphabet, hidden, seed=0):
        rng = np.random.default_rng(seed)
        self.alphabet = alphabet
        self.embedding = nn.Embedding(len(alphabet), 16, rng=rng, dtype=DTYPE)
        self.gru = nn.GRU(16, hidden, rng=rng, dtype=DTYPE)
        self.scores = nn.Linear(hidden, len(alphabet), rng=rng, dtype=DTYPE)

    def read(self, numbers, state=None):
        """Return the scores after each character, and the state after the last one."""
        states, last = self.gru(self.embedding(numbers), state)
        return self.scores(states), last

    def forward(self, numbers):
        return self.read(numbers)[0]

    def numbers(self, text):
        return np.array([self.alphabet.index(c) for c in text])

    def surprise(self, text):
        """Return -log2 of the probability of each character but the first, given those before it: bits."""
        numbers = self.numbers(text)
        with mg.no_grad():
            scores = self(numbers[None, :-1]).data[0].astype(np.float64)
        return -nn.functional.log_softmax(scores)[np.arange(len(numbers) - 1), numbers[1:]] / np.log(2)

    def write(self, start, length, seed=0):
        """Return a text that goes on from its start: each character is drawn with the probability that it is given."""
        rng, text, state = np.random.default_rng(seed), start, None
        new = self.numbers(start)[None]
        with mg.no_grad():
            for _ in range(length):
                scores, state = self.read(new, state)
                p = nn.functional.softmax(scores.data[0, -1].astype(np.float64))
                new = rng.choice(len(p), p=p, size=(1, 1))
                text += self.alphabet[new[0, 0]]
        return text


class Passages:
    """Batches of passages that begin anywhere in a text: what is read, and what comes next at each place."""

    def __init__(self, numbers, length, batch_size, batches, seed=0):
        self.windows = np.lib.stride_tricks.sliding_window_view(numbers, length + 1)
        self.batch_size, self.batches = batch_size, batches
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return self.batches

    def __iter__(self):
        for _ in range(self.batches):
            some = self.windows[self.rng.integers(len(self.windows), size=self.batch_size)]
            yield some[:, :-1], some[:, 1:]


def learn(model, known, held_out, *, epochs, updates, length, lr=0.01):
    """Train the network; what is called an epoch here is so many updates."""
    numbers = model.numbers(held_out)[None]
    print("updates   loss  of what is kept back")

    def tell(run):
        if run.epoch % 3 == 0 or run.epoch == run.epochs - 1:
            print(f"{run.step:7}  {run.numbers['loss']:5.3f}  {run.numbers['val_loss']:5.3f}", flush=True)

    return mg.train.fit(
        model,
        Passages(model.numbers(known), length, 16, updates),
        nn.CrossEntropyLoss(),
        mg.optim.Adam(model.parameters(), lr=lr),
        epochs=epochs,
        schedule=mg.optim.schedules.cosine(lr, total=epochs * updates),
        clip=1.0,
        validation=[(numbers[:, :-1], numbers[:, 1:])],
        callbacks=[tell],
        progress=False,
    )


def visible(character):
    return {"\n": "¶", " ": "␣"}.get(character, character)


def entropy(text, context):
    """Return the mean surprise, in nats, of one who knows how often each character follows each `context` characters."""
    pairs = Counter(text[i : i + context + 1] for i in range(len(text) - context))
    before = Counter(text[i : i + context] for i in range(len(text) - context))
    total = sum(pairs.values())
    return -sum(n / total * np.log(n / before[pair[:context]]) for pair, n in pairs.items())


def known_words(text, known):
    """Return the share of the words of a text that occur in another."""
    words, there = text.split()[:-1], set(known.split())  # the last one may be cut off
    return sum(word in there for word in words) / max(len(words), 1)


# -- pictures ----------------------------------------------------------------------------------------------------------


def learning(history, text, updates):
    size = len(set(text))
    counting = {
        f"all {size} characters alike: log {size}": np.log(size),
        "each as frequent as it is": entropy(text, 0),
        "counted after each character": entropy(text, 1),
        "counted after every three": entropy(text, 3),
    }

    def draw(ax):
        at = np.arange(1, history.epochs + 1) * updates
        ax.set(xlim=(0, 1.01 * at[-1]), ylim=(0, 1.08 * np.log(size)))
        loss, kept_back = {"loss": history.losses}, {"loss": history.validation["loss"]}
        mg.draw.learning_curves(loss, validation=kept_back, x=at, xlabel="update", ylabel="nats a character", ax=ax)
        for what, value in counting.items():
            ax.axhline(value, color="#666666", linewidth=0.9, linestyle=":", zorder=1)
            ax.annotate(what, (0.98 * at[-1], value), xytext=(0, -3), textcoords="offset points", ha="right", va="top")

    return mg.draw.panels({"what the network knows, and what counting in the text tells": draw}, size=(7.6, 4.6))


def written(bits, text, most=6.0, width=48):
    """Return what draws a text, each character on a ground that says how surprising it was."""
    places, row, column = [], 0, 0
    for character in text:
        places.append((row, column))
        row, column = (row + 1, 0) if character == "\n" or column == width - 1 else (row, column + 1)
    ground = np.full((places[-1][0] + 1, max(column for _, column in places) + 1), np.nan)
    for place, value in zip(places[1:], bits, strict=True):
        ground[place] = value

    def draw(ax):
        for (row, column), character in zip(places, text, strict=True):
            colour = "white" if ground[row, column] > 0.7 * most else "black"
            shown = visible(character) if character != " " else ""
            ax.text(column, row, shown, ha="center", va="center", family="monospace", fontsize=8, color=colour)
        ax.imshow(ground, cmap="Oranges", vmin=0, vmax=most, aspect=1.7)
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
        ax.spines[:].set_visible(False)

    return draw


def surprises(before, after, text):
    pictures = {
        f"before: {before.mean():.2f} bits a character": written(before, text),
        f"after: {after.mean():.2f} bits a character": written(after, text),
    }
    figure = mg.draw.panels(pictures, columns=2, size=(5.2, 3.4))
    figure.colorbar(figure.axes[-1].images[0], ax=figure.axes, label="surprise, bits", shrink=0.7, extend="max")
    return figure


def expectations(model, text, units=24):
    """Which character the network expects at each place, and the slowest units of its state: what it keeps in mind."""
    with mg.no_grad():
        states = model.gru(model.embedding(model.numbers(text)[None]))[0]
        probabilities = nn.functional.softmax(model.scores(states).data[0, :-1]).T
    states = states.data[0, 1:].T
    slowest = np.argsort(np.abs(np.diff(states, axis=1)).mean(axis=1) / states.std(axis=1), kind="stable")[:units]
    came = model.numbers(text)[1:]
    rows = np.flatnonzero((probabilities.max(axis=1) > 0.05) | np.isin(np.arange(len(probabilities)), came))
    said = [visible(c) for c in text[1:]]

    def labelled(ax):
        ax.set_xticks(range(len(said)), said, family="monospace", fontsize=8)
        ax.tick_params(length=0)
        ax.grid(False)

    def expected(ax):
        ax.imshow(probabilities[rows], cmap="Greys", vmin=0, vmax=1, aspect="auto")
        at = np.searchsorted(rows, came)
        ax.scatter(range(len(said)), at, s=26, facecolors="none", edgecolors="#D55E00", linewidths=1.0)
        ax.set_yticks(range(len(rows)), [visible(model.alphabet[row]) for row in rows], family="monospace", fontsize=8)
        labelled(ax)

    def kept(ax):
        ax.imshow(states[slowest], cmap="cividis", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
        ax.set(yticks=[])
        labelled(ax)

    what = {
        "how probable each character was before it came (a ring: the one that came)": expected,
        f"the {units} units that change most slowly": kept,
    }
    figure = mg.draw.panels(what, columns=1, size=(12.0, 3.9))
    for ax, label in zip(list(figure.axes), ("probability", "state"), strict=True):
        figure.colorbar(ax.images[0], ax=ax, label=label, pad=0.01)
    return figure


# -- the whole ---------------------------------------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out", nargs="?", type=Path, default=Path("out"), help="folder for the pictures (out)")
    parser.add_argument("--full", action="store_true", help="a larger network that learns longer: minutes")
    parser.add_argument("--text", type=Path, help="another text to learn, of at least 2,000 characters (UTF-8)")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)

    if chosen.text is None:
        known, held_out = "".join(verse(n) for n in range(len(STORY) - 1)), verse(len(STORY) - 1)
    else:
        text = chosen.text.read_text(encoding="utf-8")
        if len(text) < 2000:
            parser.error(f"{chosen.text} has {len(text)} characters: too few to learn from")
        known, held_out = text[: -len(text) // 10], text[-len(text) // 10 :]
    alphabet = sorted(set(known + held_out))
    passage = held_out.strip()[:420]
    updates = 40 if chosen.full else 10
    model = Characters(alphabet, hidden=256 if chosen.full else 96)
    print(model)
    print(f"{len(known):,} characters to learn from, {len(held_out):,} kept back, {len(alphabet)} different ones\n")

    start = known[:8]
    before, untrained = model.surprise(passage), model.write(start, 300)
    history = learn(model, known, held_out, epochs=40 if chosen.full else 25, updates=updates, length=48)
    after, trained = model.surprise(passage), model.write(start, 300)

    print(f"\n{history['seconds'].sum():.0f} s. It wrote before:\n\n{untrained}\n\nand writes now:\n\n{trained}\n")
    shares = f"{known_words(untrained, known):.0%} before, {known_words(trained, known):.0%} now"
    print(f"Words that the text has: {shares}")
    if chosen.text is None:
        new = passage.index(" the farmer")  # from here on the verse is known
        print(f"Bits a character in the verse kept back: {after[:new].mean():.2f} where it is new, "
              f"{after[new:].mean():.2f} where it follows from the others\n")  # fmt: skip
    pictures = {
        "characters-learning.png": learning(history, known, updates),
        "characters-surprise.png": surprises(before, after, passage),
        "characters-expected.png": expectations(model, passage[:96]),
    }
    saved(chosen.out, pictures)


if __name__ == "__main__":
    main()
