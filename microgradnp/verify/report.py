"""The verdicts on the claims of a derivation, to be read by a person or a program."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from microgradnp.graph import Graph
from microgradnp.tape import Node
from microgradnp.verify.aligning import aligned
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
#: Where a terminal or a pipe knows only ASCII.
ASCII_SYMBOLS = {
    Status.CORRECT: "ok",
    Status.WRONG: "X",
    Status.GIVEN: "(ok)",
    Status.CONVENTION: "~",
    Status.KINK: "^",
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
#: Characters of a right formula, beyond which it is written with the names of other claims.
READABLE = 160
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
    derive : callable or None
        Derives `right_formula` when it is first asked for.
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
    derive: Callable[[], str] | None = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether the claim is right, up to a convention."""
        return self.status in RIGHT

    @property
    def right_formula(self) -> str:
        """The right formula as NumPy in the user's own names; empty where none was found that a person could read."""
        if self.derive is not None:
            text, self.derive = self.derive(), None
            self._right = text
        return getattr(self, "_right", "")

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
            "derivative": f"{self.of}'",
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
        self.seed: int | None = None  # of random inputs
        for v in verdicts:
            if v.derive is None and v.kind in ("gradient", "backward") and graph is not None:
                v.derive = functools.partial(self._derived, v)

    def _derived(self, v: Verdict) -> str:
        """Return the right formula for a gradient: from what the user's own formula uses, or from what is nearest."""
        from microgradnp.formulas import gradient_text

        graph = self.graph
        if graph is None or self.loss is None:
            return ""
        of = v.of if v.of in graph.names else v.of.partition("[")[0]
        named = {
            u.of: u.name
            for u in self.verdicts
            if u is not v and u.kind == "gradient" and u.of != of and u.name.isidentifier()
        }
        words = set(re.findall(r"\w+", v.formula))
        own = {q: name for q, name in named.items() if name in words}
        for given in (own, named) if v.kind == "gradient" else (own,):
            formula = gradient_text(graph, of, self.loss, given)
            if formula.numpy and (len(formula.numpy) <= READABLE or given is named or not named):
                right = aligned(formula.numpy, v.formula) if v.kind == "gradient" else formula.numpy
                return right + "".join(f"  # where {c}" for c in formula.conditions)
        return ""

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
        __tracebackhide__ = True
        bad = [v for v in self.verdicts if not v.ok]
        if bad:
            from microgradnp.verify import report_text

            first = self.first_mistake
            lines = [f"{len(bad)} of {len(self.verdicts)} claims of {self.title or 'the derivation'} are not right:"]
            for v in bad:
                lines.append(f"  {v.sentence()}")
                lines += [f"      {line}" for line in report_text.formulas(v, ascii=False)]
            if first is not None and len(bad) > 1:
                lines.append(f"  mend {first.name} first: it is the wrong claim nearest to the loss")
            raise WrongDerivation("\n".join(lines))

    @property
    def first_mistake(self) -> Verdict | None:
        """The wrong claim that is nearest to the loss: the one to mend first. None where nothing is wrong."""
        wrong = [v for v in self.verdicts if v.status is Status.WRONG]

        def depth(v: Verdict) -> int:
            names = self.graph.names if self.graph is not None else {}
            node = names.get(v.of) or names.get(v.of.partition("[")[0])
            return node.order if node is not None and v.kind in ("gradient", "backward", "derivative", "value") else -1

        return max(wrong, key=depth, default=None)

    def table(self, width: int = 120, *, ascii: bool = False) -> Any:
        """Return the verdicts as a rich table that is legible at a width of so many characters."""
        from microgradnp.verify import report_text

        return report_text.table(self, width, ascii)

    def text(self, width: int = 120, *, ascii: bool | None = None) -> str:
        """Return the report as plain text.

        Parameters
        ----------
        width : int
            Characters a line.
        ascii : bool, optional
            Whether to use only ASCII. Default: where the standard output cannot show anything else.
        """
        from microgradnp.verify import report_text

        return report_text.text(self, width, not_unicode(sys.stdout) if ascii is None else ascii)

    def to_html(self, path: str | os.PathLike[str] | None = None, *, graph: bool = True) -> str:
        """Return the report as an HTML page that needs nothing else, and write it to a file if one is named.

        Parameters
        ----------
        path : str or Path, optional
            Written whole or not at all.
        graph : bool
            Whether the page shows the graph, coloured by verdict.

        Raises
        ------
        FileNotFoundError
            If the folder does not exist.
        """
        from microgradnp.verify import report_html

        page = report_html.page([("", self)], graph=graph)
        if path is not None:
            written(path, page)
        return page

    def to_json(self, path: str | os.PathLike[str] | None = None, *, arrays: bool = True) -> str:
        """Return the report as JSON, and write it to a file if one is named. `from_json` reads it.

        Parameters
        ----------
        path : str or Path, optional
            Written whole or not at all.
        arrays : bool
            Whether the witnesses are in it entry by entry.
        """
        import json

        from microgradnp.verify import report_json

        text = json.dumps(report_json.encoded(self, arrays=arrays), indent=1, ensure_ascii=False, allow_nan=False)
        if path is not None:
            written(path, text + "\n")
        return text

    @staticmethod
    def from_json(source: str | os.PathLike[str]) -> Report:
        """Return a report that `to_json` wrote, from the text or from the file. It has no graph.

        Raises
        ------
        ValueError
            If it is no such report, or one of a later version.
        """
        from microgradnp.verify import report_json

        is_text = isinstance(source, str) and source.lstrip().startswith("{")
        return report_json.decoded(str(source) if is_text else Path(source).read_text(encoding="utf-8"))

    def _repr_html_(self) -> str:
        from microgradnp.verify import report_html

        return report_html.fragment(self)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<Report {self.title!r}: {sum(v.ok for v in self.verdicts)} of {len(self.verdicts)} claims are right>"

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from microgradnp.verify import report_text

        yield from report_text.renderables(self, options.max_width, not_unicode(console.file))

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


def not_unicode(stream: Any) -> bool:
    """Return whether a stream cannot show the symbols of a report."""
    try:
        "".join(SYMBOLS.values()).encode(getattr(stream, "encoding", None) or "utf-8")
        "∂━".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def written(path: str | os.PathLike[str], content: str) -> Path:
    """Write a file whole, or say why not."""
    from microgradnp.files import write_whole

    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path.name!r}: there is no folder {str(path.parent)!r}; make it first")
    write_whole(path, content)
    return path
