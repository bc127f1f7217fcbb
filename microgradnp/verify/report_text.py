"""A report as text: for terminals of any width, for pipes, and for the message of a failed test."""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from microgradnp.verify.judgement import Status
from microgradnp.verify.report import ASCII_SYMBOLS, STYLES, SYMBOLS, Report, Verdict

TOKEN = re.compile(r"\w+|\s+|\*\*|[^\w\s]")
NARROW = 104  # characters, below which numbers have five digits and errors are left out


def table(report: Report, width: int, ascii: bool) -> Any:
    """Return the verdicts as a rich table: where it is narrow with fewer digits and columns, never with cut numbers."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    narrow = width < NARROW
    shown = Table(
        title=Text(plain(report.title, ascii)) if report.title else None,
        title_justify="left",
        header_style="bold",
        box=box.ASCII if ascii else box.SIMPLE_HEAD if narrow else box.HEAVY_HEAD,
        padding=(0, 1) if not narrow else (0, 1, 0, 0),
    )
    for column in ("claim", "of") if narrow else ("claim", "of", "entry"):
        shown.add_column(column, overflow="fold")
    for column in ("by hand", "autodiff", "differences", *(() if narrow else ("error",))):
        shown.add_column(column, justify="right", no_wrap=True)
    shown.add_column("verdict", overflow="fold")
    for v in report.verdicts:
        index, hand, autodiff, differences = v.witnesses(5 if narrow else 8)
        error = "" if np.isnan(v.error) else f"{v.error:.1e}"
        symbol = (ASCII_SYMBOLS if ascii else SYMBOLS)[v.status]
        title = plain(v.title, ascii)
        cells = [Text(plain(v.name, ascii)), Text(title + index.replace(" ", "") if narrow else title)]
        cells += [] if narrow else [Text(index)]
        cells += [Text(hand), Text(autodiff), Text(differences)]
        cells += [] if narrow else [Text(error)]
        status = "correct given inputs" if narrow and v.status is Status.GIVEN else str(v.status)
        shown.add_row(*cells, Text(f"{symbol} {status}", STYLES[v.status]))
    return shown


def renderables(report: Report, width: int, ascii: bool) -> Iterator[Any]:
    """Yield what a rich console prints: the table, what is to be said of each claim, and the count."""
    from rich.text import Text

    yield table(report, width, ascii)
    for line, style in remarks(report, ascii):
        yield Text(plain(line, ascii), style, overflow="fold")


def remarks(report: Report, ascii: bool) -> Iterator[tuple[str, str]]:
    """Yield the lines below the table, with their styles."""
    for v in report.verdicts:
        if v.explanation or v.status is Status.WRONG:
            yield v.sentence(), "bold" if v.status is Status.WRONG else ""
        if not v.ok:
            yield from ((f"    {line}", "") for line in formulas(v, ascii=ascii))
        for note in v.notes:
            yield f"{v.name}: {note}", ""
    first = report.first_mistake
    if first is not None and sum(v.status is Status.WRONG for v in report) > 1:
        yield f"Mend {first.name} first: it is the wrong claim nearest to the loss.", ""
    yield f"{sum(v.ok for v in report)} of {len(report)} claims are right", ""


def formulas(v: Verdict, *, ascii: bool) -> list[str]:
    """Return the user's formula above the right one, with what differs marked below each."""
    if not v.formula or v.kind == "backward":  # whose source is the whole function
        true = plain(v.right_formula, ascii).splitlines()
        return [f"right: {true[0]}"] if len(true) == 1 else ["right:", *(f"  {x}" for x in true)] if true else []
    if not v.right_formula:
        return [f"by hand: {line}" for line in plain(v.formula, ascii).splitlines()]
    hand, right = plain(v.formula, ascii), plain(v.right_formula, ascii)
    if "\n" in hand + right:
        return ["by hand:", *(f"  {x}" for x in hand.splitlines()), "right:", *(f"  {x}" for x in right.splitlines())]
    lines = []
    wrong = v.status is Status.WRONG
    for label, one, other in (("by hand: ", hand, right), ("right:   ", right, hand)):
        parts = marked(one, other) if wrong else [(one, False)]
        lines.append(label + "".join(text for text, _ in parts))
        under = "".join(
            (" " * len(t), "^" * len(t.rstrip()) + " " * (len(t) - len(t.rstrip())))[other] for t, other in parts
        )
        under = under.rstrip()
        if under:
            lines.append(" " * len(label) + under)
    return lines


def marked(text: str, other: str) -> list[tuple[str, bool]]:
    """Return a formula in parts, each with whether it differs from the other formula.

    Nothing is marked where next to nothing is common.

    >>> marked("H * E", "H * (1 - H) * E")
    [('H * E', False)]
    >>> marked("H * (1 - H) * E", "H * E")
    [('H * ', False), ('(1 - H) * ', True), ('E', False)]
    """
    a, b = TOKEN.findall(text), TOKEN.findall(other)
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < 0.4:
        return [(text, False)]
    flags = [False] * len(a)
    for tag, i, j, _, _ in matcher.get_opcodes():
        if tag == "equal":
            continue
        # `1 - H) * (` after a bracket is as well `(1 - H) * `
        while 0 < i < j and a[i - 1] == a[j - 1] and "".join(a[i:j]).find("(") > "".join(a[i:j]).find(")"):
            i, j = i - 1, j - 1
        if "".join(a[i:j]).strip():
            flags[i:j] = [True] * (j - i)
    parts: list[tuple[str, bool]] = []
    for token, differs in zip(a, flags, strict=True):
        if parts and parts[-1][1] == differs:
            parts[-1] = (parts[-1][0] + token, differs)
        else:
            parts.append((token, differs))
    return parts


def plain(text: str, ascii: bool) -> str:
    """Return a text that does nothing to a terminal, in ASCII where that is all it knows."""
    text = "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
    if not ascii:
        return text
    text = text.replace("∂loss/∂", "dloss/d").replace("−", "-").replace("×", "x")
    return text.encode("ascii", "backslashreplace").decode("ascii")


def text(report: Report, width: int, ascii: bool) -> str:
    """Return a report as plain text."""
    from rich.console import Console

    stream = io.StringIO()
    console = Console(
        file=stream, width=width, no_color=True, force_terminal=False, force_jupyter=False, legacy_windows=False
    )
    console.print(table(report, width, ascii))
    for line, _ in remarks(report, ascii):
        console.print(plain(line, ascii), soft_wrap=True, markup=False, highlight=False)
    return stream.getvalue()
