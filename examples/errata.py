"""The mistakes of the five documents, with the evidence: writes errata.md, and a page for each derivation.

Runs the claims of document_000.py to document_004.py and gathers what is not simply right. Every word on a mistake
(status, cause, explanation, the three witnesses) is taken from the verdicts; none is written here. Then it runs what the
documents say in words, and lists what does not hold, with the numbers that were measured.

Run it: python examples/errata.py [folder]
"""

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import document_000
import document_001
import document_002
import document_003
import document_004
from listing import Listed
from replay import Prose, versions

from microgradnp.files import write_whole
from microgradnp.verify import Cause, Status

DOCUMENTS = (document_000, document_001, document_002, document_003, document_004)
MISTAKEN = (Status.WRONG, Status.UNVERIFIABLE)


def gathered() -> dict[str, list[Listed]]:
    """Return all claims of each document with their verdicts."""
    return {document.TITLE: list(document.verdicts()) for document in DOCUMENTS}


def said() -> dict[str, list[Prose]]:
    """Return what each document says in words, with what running it shows."""
    return {document.TITLE: list(document.prose()) for document in DOCUMENTS}


def markdown(found: dict[str, list[Listed]], words: dict[str, list[Prose]]) -> str:
    """Return the list of mistakes as Markdown."""
    lines = ["# Errata of the five documents", "", *counts(found), ""]
    for title, rows in found.items():
        mistakes = [r for r in rows if r.verdict.status in MISTAKEN]
        lines += [f"## {title}", "", *(entries(mistakes) or ["No mistake found.", ""])]
        tail = [
            ("Right only under a convention", [r for r in rows if r.verdict.status is Status.CONVENTION]),
            ("Right, but computed from what is wrong", [r for r in rows if r.verdict.status is Status.GIVEN]),
            ("Numerical trouble", [r for r in rows if r.verdict.cause is Cause.NUMERICAL]),
            ("Right but at a kink", [r for r in rows if r.verdict.status is Status.KINK]),
        ]
        for heading, chosen in tail:
            if chosen:
                lines += [f"### {heading}", "", *(line(r) for r in chosen), ""]
        for heading, holds in (("Said in words, and not so", False), ("Said in words, and so", True)):
            lines += [f"### {heading}", "", *(f"- {p}" for p in words[title] if p.holds is holds), ""]
    lines += ["Made with " + ", ".join(f"{name} {version}" for name, version in versions().items()) + ".", ""]
    return "\n".join(lines)


def counts(found: dict[str, list[Listed]]) -> list[str]:
    """Return the table of how many claims of each document have which status."""
    statuses = [s for s in Status if any(r.verdict.status is s for rows in found.values() for r in rows)]
    table = ["| document | " + " | ".join(statuses) + " |", "|---" * (len(statuses) + 1) + "|"]
    for title, rows in found.items():
        count = Counter(r.verdict.status for r in rows)
        table.append(f"| {title} | " + " | ".join(str(count[s]) for s in statuses) + " |")
    return table


def entries(mistakes: Iterable[Listed]) -> list[str]:
    """Return each mistake with its evidence."""
    lines = []
    for r in sorted(mistakes, key=lambda r: r.number):
        v = r.verdict
        index, hand, autodiff, differences = v.witnesses()
        lines += [f"### {r.number}: {r.formula}", "", f"{v.title} in *{r.report.title}* is **{v.status}**.", ""]
        if v.cause is not None:
            lines.append(f"- cause: {v.cause}")
        if v.explanation:
            lines.append(f"- {v.explanation}")
        if v.formula:
            lines.append(f"- as written: `{v.formula}`")
        at = f"at {index}: " if index else ""
        lines += [f"- {at}by hand {hand}, autodiff {autodiff}, differences {differences}", ""]
    return lines


def line(r: Listed) -> str:
    """Return a claim that is no mistake in one line."""
    return f"- {r.number} ({r.formula}), {r.verdict.title} in *{r.report.title}*: {r.verdict.explanation}"


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("out")
    out.mkdir(parents=True, exist_ok=True)
    found = gathered()
    text = markdown(found, said())
    print(text)
    wrong = dict.fromkeys(r.report for rows in found.values() for r in rows if not r.verdict.ok)
    for k, report in enumerate(wrong, start=1):
        report.to_html(out / f"errata-{k:02}.html")
    write_whole(out / "errata.md", text)


if __name__ == "__main__":
    main()
