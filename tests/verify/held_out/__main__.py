"""Measure the verifier on the held-out cases: ``python -m tests.verify.held_out [--set NAME] [--only NAME] [--sample N] [--jobs N] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from microgradnp.files import write_whole
from microgradnp.verify import Report, Status, Verdict
from tests.verify.held_out.cases import SETS, Case, cases


@dataclass(frozen=True)
class Outcome:
    """What the verifier said of one case.

    Attributes
    ----------
    blamed : tuple of str
        The quantities whose claims it calls wrong, in the report's order.
    cause : str
        The one named for the quantity where the mistake is; of the first that is blamed, if that one is not.
    failure : str
        What kept it from a verdict.
    """

    case: Case
    blamed: tuple[str, ...]
    ok: bool
    cause: str
    explanation: str
    seconds: float
    failure: str = ""

    @property
    def flagged(self) -> bool:
        """Whether something is called wrong."""
        return bool(self.blamed)

    @property
    def located(self) -> bool:
        """Whether the quantity where the mistake is, or one with which it may be confused, is called wrong."""
        return any(quantity in self.case.where for quantity in self.blamed)

    @property
    def named(self) -> bool:
        """Whether the cause is the one that a teacher would name first."""
        return self.flagged and self.cause in self.case.causes


def measured(case: Case) -> Outcome:
    """Verify one case."""
    derivation, inputs = case.load()
    begin = perf_counter()
    try:
        with np.errstate(all="ignore"):
            report = derivation.verify(inputs)
    except Exception as error:  # a failure is a finding, the other cases are still measured
        return Outcome(case, (), False, "", "", perf_counter() - begin, f"{type(error).__name__}: {error}")
    seconds = perf_counter() - begin
    wrong = [verdict for verdict in report if verdict.status is Status.WRONG]
    first = shown(report, wrong, case)
    return Outcome(
        case,
        tuple(verdict.of for verdict in wrong),
        report.ok,
        str(first.cause or "") if first else "",
        first.explanation if first else "; ".join(v.sentence() for v in report if not v.ok),
        seconds,
    )


def shown(report: Report, wrong: list[Verdict], case: Case) -> Verdict | None:
    """Return the verdict on the quantity where the mistake is, as near as there is one."""
    for quantity in case.where:
        for verdict in wrong:
            if verdict.of == quantity:
                return verdict
    return wrong[0] if wrong else None


def share(part: int, whole: int) -> str:
    """Return a count as a share."""
    return f"{part} of {whole}, {100 * part / whole:.1f} %" if whole else "none"


def summary(outcomes: list[Outcome]) -> dict[str, str]:
    """Return the figures."""
    planted = [o for o in outcomes if not o.case.right and "unknown" not in o.case.causes]
    random = [o for o in outcomes if o.case.causes == ("unknown",)]
    right = [o for o in outcomes if o.case.right]
    seconds = [o.seconds for o in outcomes]
    return {
        "derivations": str(len({o.case.derivation for o in outcomes})),
        "planted mistakes flagged": share(sum(o.flagged for o in planted), len(planted)),
        "located": share(sum(o.located for o in planted), len(planted)),
        "cause named first": share(sum(o.named for o in planted), len(planted)),
        "values from nowhere flagged": share(sum(o.flagged for o in random), len(random)),
        "values from nowhere called unknown": share(sum(o.named for o in random), len(random)),
        "false alarms on right derivations": share(sum(o.flagged for o in right), len(right)),
        "right derivations without a full verdict": share(sum(not o.ok and not o.flagged for o in right), len(right)),
        "seconds a verdict, median": f"{median(seconds):.2f}",
        "seconds a verdict, longest": f"{max(seconds):.2f}",
    }


def print_results(outcomes: list[Outcome], console: Console, verbose: bool) -> None:
    """Print the figures, the causes one by one, and what was misnamed."""
    figures = Table(title="Held-out cases", title_justify="left", show_header=False)
    for what, value in summary(outcomes).items():
        figures.add_row(what, value)
    console.print(figures)
    causes = Table(title="Causes: what a teacher says, and what was said", title_justify="left")
    for column in ("cause", "cases", "named", "called instead"):
        causes.add_column(column, justify="right" if column in ("cases", "named") else "left", overflow="fold")
    wrong = [o for o in outcomes if not o.case.right]
    for cause in sorted({o.case.causes[0] for o in wrong}):
        group = [o for o in wrong if o.case.causes[0] == cause]
        others = Counter((o.cause or "no mistake") for o in group if not o.named)
        instead = ", ".join(f"{name} {count}" for name, count in others.most_common())
        causes.add_row(cause, str(len(group)), str(sum(o.named for o in group)), instead)
    console.print(causes)
    if not verbose:
        return
    for title, chosen in (
        ("False alarms", [o for o in outcomes if o.case.right and not o.ok]),
        ("Not flagged", [o for o in wrong if not o.flagged]),
        ("Not located", [o for o in wrong if o.flagged and not o.located]),
        ("Misnamed", [o for o in wrong if o.flagged and not o.named]),
    ):
        console.rule(f"{title}: {len(chosen)}", align="left")
        for o in chosen:
            console.print(str(o.case), style="bold", markup=False, soft_wrap=True)
            if o.case.causes:
                console.print(f"  at {' or '.join(o.case.where)}: {' or '.join(o.case.causes)}", soft_wrap=True)
            said = o.failure or f"{', '.join(o.blamed) or 'nothing'} wrong; {o.cause or '-'}: {o.explanation}"
            console.print(f"  said: {said}", markup=False, soft_wrap=True)


def main(arguments: list[str] | None = None) -> None:
    """Run, print, and save."""
    parser = argparse.ArgumentParser(prog="python -m tests.verify.held_out", description=__doc__)
    parser.add_argument("--set", choices=SETS, dest="chosen", help="the cases of one author; of all by default")
    parser.add_argument("--only", metavar="NAME", help="the cases of one derivation")
    parser.add_argument("--sample", type=int, metavar="N", help="this many cases, spread over all")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes side by side")
    parser.add_argument("--brief", action="store_true", help="the figures without the list of what was misnamed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every outcome to this file")
    options = parser.parse_args(arguments)
    chosen = [case for case in cases(options.chosen) if options.only in (None, case.derivation)]
    if not chosen:
        parser.error(f"there is no derivation called {options.only!r}")
    if options.sample and options.sample < len(chosen):
        picked = np.random.default_rng(0).choice(len(chosen), size=options.sample, replace=False)
        chosen = [chosen[i] for i in sorted(picked)]
    if options.jobs > 1:
        with ProcessPoolExecutor(options.jobs) as pool:
            outcomes = list(pool.map(measured, chosen))
    else:
        outcomes = [measured(case) for case in chosen]
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    print_results(outcomes, console, not options.brief)
    if options.json:
        content = {
            "summary": summary(outcomes),
            "outcomes": [
                {
                    "case": str(o.case),
                    "where": o.case.where,
                    "causes": o.case.causes,
                    "blamed": o.blamed,
                    "cause": o.cause,
                    "explanation": o.explanation,
                    "failure": o.failure,
                    "seconds": round(o.seconds, 3),
                }
                for o in outcomes
            ],
        }
        write_whole(options.json, json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
