"""The verdicts on the claims of a derivation, to be read by a person or a program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from microgradnp.graph import Graph
from microgradnp.tape import Node
from microgradnp.verify.judgement import Cause, Status

#: For people who cannot tell the colours, and for print.
SYMBOLS = {
    Status.CORRECT: "✓",
    Status.WRONG: "✗",
    Status.GIVEN: "(✓)",
    Status.CONVENTION: "≈",
    Status.KINK: "∧",
    Status.UNVERIFIABLE: "?",
}
STYLES = {
    Status.CORRECT: "green",
    Status.WRONG: "bold red",
    Status.GIVEN: "yellow",
    Status.CONVENTION: "cyan",
    Status.KINK: "cyan",
    Status.UNVERIFIABLE: "magenta",
}
RIGHT = (Status.CORRECT, Status.CONVENTION, Status.KINK)


class WrongDerivation(AssertionError):
    """Some claim of a derivation is not right."""


@dataclass
class Verdict:
    """What is known of one claim.

    Attributes
    ----------
    name, of, kind : str
        The claim's own name, the quantity, and what is claimed of it.
    status : Status
    cause : Cause or None
        Why it is wrong.
    explanation : str
    error : float
        The largest difference from autodiff, relative to the largest entry of the true value.
    hand, autodiff, differences : ndarray or None
        The three witnesses. Differences are nan where they were not measured. For a claimed value they are the value
        recorded and the value replayed.
    wrong : ndarray of bool or None
        Which entries disagree.
    kinks : ndarray of bool or None
        Where the loss has a kink.
    formula : str
        The claim as it is written.
    notes : list of str
        What else was noticed.
    """

    name: str
    of: str
    kind: str
    status: Status
    cause: Cause | None = None
    explanation: str = ""
    error: float = float("nan")
    hand: Any = None
    autodiff: Any = None
    differences: Any = None
    wrong: Any = None
    kinks: Any = None
    formula: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the claim is right, up to a convention."""
        return self.status in RIGHT

    @property
    def title(self) -> str:
        """What is claimed, in the usual notation."""
        if not self.of:
            return "the whole function"
        return {
            "gradient": f"∂loss/∂{self.of}",
            "backward": f"∂loss/∂{self.of}",
            "value": self.of,
            "update": f"update of {self.of}",
        }.get(self.kind, self.of)

    def worst(self) -> tuple[int, ...] | None:
        """Return the index of the entry that disagrees most, or that is largest where all agree."""
        if self.autodiff is None or np.shape(self.hand) != np.shape(self.autodiff) or not np.size(self.autodiff):
            return None
        with np.errstate(all="ignore"):
            gap = np.nan_to_num(np.abs(np.asarray(self.hand, dtype=float) - self.autodiff), nan=np.inf)
            score = gap if self.wrong is not None and np.any(self.wrong) else np.abs(self.autodiff)
            if self.differences is not None and not np.all(np.isnan(self.differences)):
                score = np.where(np.isnan(self.differences), -1.0, score)
        return tuple(int(i) for i in np.unravel_index(int(np.argmax(score)), np.shape(self.autodiff)))

    def witnesses(self, digits: int = 8) -> tuple[str, str, str, str]:
        """Return an index and the three values there, as text."""
        k = self.worst()
        if k is None:
            shape = np.shape(self.hand) if self.hand is not None else None
            return (
                "",
                f"shape {shape}" if shape is not None else "-",
                f"shape {np.shape(self.autodiff)}" if self.autodiff is not None else "-",
                "-",
            )
        index = f"[{', '.join(map(str, k))}]" if k else ""
        values = [np.asarray(v)[k] if v is not None else np.nan for v in (self.hand, self.autodiff, self.differences)]
        return index, *(("-" if np.isnan(v) and i == 2 else f"{v:.{digits}g}") for i, v in enumerate(values))  # type: ignore[return-value]

    def sentence(self) -> str:
        """Return the verdict in one sentence."""
        text = f"{self.name} ({self.title}): {self.status}"
        if self.wrong is not None and np.any(self.wrong) and self.status is Status.WRONG and np.size(self.wrong) > 1:
            text += f", {int(np.sum(self.wrong))} of {np.size(self.wrong)} entries"
        if self.explanation:
            text += f": {self.explanation}"
        elif self.status is Status.WRONG:
            index, hand, autodiff, differences = self.witnesses()
            text += f": at {index or 'the value'} by hand {hand}, autodiff {autodiff}, differences {differences}"
        return text


class Report:
    """The verdicts on a derivation. Indexed by quantity or by the claim's own name.

    Attributes
    ----------
    title : str
    verdicts : list of Verdict
        In the order in which the claims were stated.
    graph : Graph
        Of the forward pass.
    """

    def __init__(self, title: str, verdicts: list[Verdict], graph: Graph | None, loss: Node | None) -> None:
        self.title = title
        self.verdicts = verdicts
        self.graph = graph
        self.loss = loss

    @property
    def ok(self) -> bool:
        """Whether every claim is right."""
        return all(v.ok for v in self.verdicts)

    def __getitem__(self, key: str) -> Verdict:
        for by in ("of", "name"):
            found = [v for v in self.verdicts if getattr(v, by) == key]
            if found:
                return next((v for v in found if v.kind in ("gradient", "backward")), found[0])
        known = ", ".join(dict.fromkeys(n for v in self.verdicts for n in (v.of, v.name)))
        raise KeyError(f"no claim on {key!r}; there are {known}")

    def claim(self, name: str) -> Verdict:
        """Return the verdict on the claim of that name (a quantity may have several claims)."""
        for v in self.verdicts:
            if v.name == name:
                return v
        raise KeyError(f"no claim is called {name!r}; there are {', '.join(v.name for v in self.verdicts)}")

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    def raise_if_wrong(self) -> None:
        """Raise an AssertionError that names every claim that is not right, and why.

        Raises
        ------
        WrongDerivation
        """
        bad = [v.sentence() for v in self.verdicts if not v.ok]
        if bad:
            raise WrongDerivation(
                f"{len(bad)} of {len(self.verdicts)} claims of {self.title or 'the derivation'} are not right:\n  "
                + "\n  ".join(bad)
            )

    def table(self) -> Any:
        """Return the verdicts as a rich table."""
        from rich.table import Table
        from rich.text import Text

        table = Table(title=self.title or None, title_justify="left", header_style="bold")
        for column in ("claim", "of", "entry"):
            table.add_column(column, overflow="fold")
        for column in ("by hand", "autodiff", "differences", "error"):
            table.add_column(column, justify="right", no_wrap=True)
        table.add_column("verdict", overflow="fold")
        for v in self.verdicts:
            index, hand, autodiff, differences = v.witnesses()
            error = "" if np.isnan(v.error) else f"{v.error:.1e}"
            table.add_row(
                Text(v.name),
                Text(v.title),
                index,
                hand,
                autodiff,
                differences,
                error,
                Text(f"{SYMBOLS[v.status]} {v.status}", STYLES[v.status]),
            )
        return table

    def text(self, width: int = 120) -> str:
        """Return the report as plain text."""
        import io

        from rich.console import Console

        stream = io.StringIO()
        console = Console(file=stream, width=width, no_color=True, force_terminal=False, legacy_windows=False)
        console.print(self.table())
        for v in self.verdicts:
            if v.explanation or v.status is Status.WRONG:
                console.print(v.sentence(), soft_wrap=True, markup=False, highlight=False)
            for note in v.notes:
                console.print(f"{v.name}: {note}", soft_wrap=True, markup=False, highlight=False)
        right = sum(v.ok for v in self.verdicts)
        console.print(f"{right} of {len(self.verdicts)} claims are right", markup=False, highlight=False)
        return stream.getvalue()

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Report {self.title!r}: {sum(v.ok for v in self.verdicts)} of {len(self.verdicts)} claims are right>"

    def __rich__(self) -> Any:
        return self.table()

    def draw(self, **options: Any) -> Any:
        """Return the graph with the verdicts on it, as a picture."""
        from microgradnp.draw.graph import draw

        return draw(self, **options)

    def __graph__(self) -> Any:
        from microgradnp.draw.graph import Note

        if self.graph is None:
            raise ValueError("there is no graph to draw: the operation could not be recorded")
        notes: dict[Node, Any] = {}
        for v in self.verdicts:
            node = self.graph.names.get(v.of.partition("[")[0] if v.of not in self.graph.names else v.of)
            if node is not None and v.kind in ("gradient", "backward"):
                notes[node] = Note(text=v.name, status=str(v.status))
        return self.graph, notes
