"""Verdicts beside the numbers under which a document's claims are listed.

What the five document files and errata.py share. All verdicts are the library's; nothing here judges.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from microgradnp.demo import Numbered, claims_table
from microgradnp.verify.report import Report, Verdict


@dataclass
class Listed:
    """One claim of a document: its number, what it says, where it was tried, and what was found."""

    number: str
    formula: str
    verdict: Verdict
    report: Report


def listed(report: Report, claims: Mapping[str, tuple[str, str]]) -> Iterator[Listed]:
    """Yield a report's verdicts with the number and the formula of each claim, which are given by the claim's name."""
    for verdict in report:
        number, formula = claims[verdict.name]
        yield Listed(number, formula, verdict, report)


def show(title: str, rows: Iterable[Listed]) -> None:
    """Print the table of a document's claims, and below it what is to be said of some."""
    from rich.console import Console

    rows = sorted(rows, key=lambda r: r.number)
    console = Console(highlight=False, width=132)
    numbered = [(Numbered(r.number, r.formula, r.verdict.name), r.report) for r in rows]
    console.print(claims_table(numbered, title=title))
    for r in rows:
        if r.verdict.explanation or not r.verdict.ok:
            console.print(f"{r.number} [{r.report.title}] {r.verdict.sentence()}", soft_wrap=True, markup=False)
        for note in r.verdict.notes:
            console.print(f"{r.number} note: {note}", soft_wrap=True, markup=False)
