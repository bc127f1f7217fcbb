"""The command line: ``microgradnp verify | graph | demo``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microgradnp import __version__

if TYPE_CHECKING:
    from microgradnp.verify import Derivation, Report

RIGHT, WRONG, UNCHECKED = 0, 1, 2

VERIFY_HELP = """\
Judge every derivation in a Python file, or the one named after "::" (a variable of the module, or a title).

The file is imported, not run as the main program. A derivation gets its inputs from d.inputs(...), else from the
module's inputs(), inputs(rng) or dict `inputs`; one that the file verified itself is taken as it was verified.

Exit status: 0 every claim is right; 1 a claim is wrong; 2 something could not be checked, and nothing was found wrong.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 1 where a claim is wrong, or 2 where it could not check.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.
    """
    options = parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNCHECKED


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="microgradnp", description="Trust, see and use the gradients that you derived by hand."
    )
    parser.add_argument("--version", action="version", version=f"microgradnp {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    verify = commands.add_parser(
        "verify",
        help="judge the derivations in a file",
        description=VERIFY_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument("target", metavar="FILE.py[::NAME]")
    verify.add_argument("--html", type=Path, metavar="F", help="write the reports as one HTML page")
    verify.add_argument("--json", type=Path, metavar="F", help="write the reports as JSON")
    verify.add_argument("--seed", type=int, metavar="N", help="of the inputs that a function draws, and of the checks")
    verify.add_argument(
        "--trials", type=positive, metavar="N", help="how many times inputs are drawn (default: as the file says)"
    )
    verify.add_argument(
        "--timeout", type=seconds, default=120.0, metavar="S", help="for each derivation, 0 for none (default: 120)"
    )
    verify.set_defaults(run=run_verify)

    graph = commands.add_parser("graph", help="draw the graph of a derivation's forward pass")
    graph.add_argument("target", metavar="FILE.py[::NAME]")
    graph.add_argument("--out", type=Path, default=Path("graph.svg"), metavar="F", help="default: graph.svg")
    graph.add_argument("--seed", type=int, metavar="N")
    graph.add_argument("--timeout", type=seconds, default=120.0, metavar="S")
    graph.set_defaults(run=run_graph)

    demo = commands.add_parser(
        "demo",
        help="check, train and draw a hand-derived network",
        description="Check every formula of a tutorial's hand-derived network, train it, and draw it.",
    )
    demo.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="where pictures and verdicts go (default: out)"
    )
    demo.set_defaults(run=lambda options: run_demo(options.out))
    return parser


def positive(text: str) -> int:
    """Return a count of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no count of at least 1")
    return int(text)


def seconds(text: str) -> float:
    """Return a time of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no time in seconds")
    return value


# -- verify --------------------------------------------------------------------------------------------------


def run_verify(options: argparse.Namespace) -> int:
    """Judge the derivations of a file, print and write their reports."""
    from microgradnp.loading import CannotCheck, derivations_in, loaded, split_target

    path, wanted = split_target(options.target)
    complaint = unwritable(options.html) or unwritable(options.json)
    if complaint:
        return refused(complaint)
    results: dict[str, Report | str] = {}
    try:
        module = loaded(path, options.timeout)
        derivations = derivations_in(module, wanted, path)
    except CannotCheck as error:
        results[path.name] = str(error)
    else:
        for name, derivation in derivations.items():
            try:
                results[name] = judged(derivation, module, path, name, options)
            except CannotCheck as error:
                results[name] = str(error)
    for result in results.values():
        if isinstance(result, str):
            print(f"microgradnp verify: {result}", file=sys.stderr)
        else:
            show(result)
    wrong = any(not isinstance(r, str) and any(v.status == "wrong" for v in r) for r in results.values())
    right = all(not isinstance(r, str) and r.ok for r in results.values())
    status = WRONG if wrong else RIGHT if right else UNCHECKED
    return status if written(results, path, status, options) else UNCHECKED


def show(report: Report) -> None:
    """Print a report: in colour and as wide as the terminal, or as plain text whose lines a log does not break."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console(file=sys.stdout, legacy_windows=False).print(report)
    else:
        print(report.text(100), end="")


def judged(derivation: Derivation, module: Any, path: Path, name: str, options: argparse.Namespace) -> Report:
    """Return the report on a derivation, with the seed and the trials that were asked for."""
    from microgradnp.loading import CannotCheck, guarded

    what = f"{path}::{name}"
    with guarded(path.resolve(), options.timeout, what, "verifying it"):
        if options.seed is not None:
            derivation.seed = options.seed
        own = derivation.given or vars(module).get("inputs")
        if not own:
            if derivation.report is not None:
                return derivation.report
            raise CannotCheck(
                f"{what} has no inputs: state them with {name}.inputs(X=..., ...) or @{name}.inputs on a function, "
                f"or call {name}.verify(...) in the file"
            )
        if not derivation.given:
            derivation.inputs(own)
        if options.trials is not None:
            derivation.trials = options.trials
        return derivation.verify()


def written(results: dict[str, Report | str], path: Path, status: int, options: argparse.Namespace) -> bool:
    """Write the files that were asked for; return whether all could be."""
    from microgradnp.files import write_whole

    contents: list[tuple[Path, str]] = []
    if options.html is not None:
        from microgradnp.verify import report_html

        contents.append((options.html, report_html.page(list(results.items()))))
    if options.json is not None:
        contents.append((options.json, as_json(results, path, status)))
    for file, content in contents:
        try:
            write_whole(file, content)
        except OSError as error:
            refused(f"cannot write {file}: {error.strerror or error}")
            return False
    return True


def as_json(results: dict[str, Report | str], path: Path, status: int) -> str:
    """Return all results as JSON: ``derivations`` maps names to a report (see `verify.report_json`) or to an ``error``."""
    import json

    from microgradnp.verify import report_json

    document = {
        "schema": "microgradnp/verification",
        "version": report_json.VERSION,
        "file": str(path),
        "status": status,
        "derivations": {
            name: {"error": found} if isinstance(found, str) else report_json.encoded(found)
            for name, found in results.items()
        },
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def unwritable(file: Path | None) -> str:
    """Return why a file cannot be written, before the work is done; empty where it can."""
    if file is None:
        return ""
    if file.is_dir():
        return f"cannot write {file}: it is a folder"
    if not file.parent.is_dir():
        return f"cannot write {file}: there is no folder {file.parent}"
    return ""


def refused(complaint: str, command: str = "verify") -> int:
    """Say why a command does nothing."""
    print(f"microgradnp {command}: {complaint}", file=sys.stderr)
    return UNCHECKED


# -- graph, demo ---------------------------------------------------------------------------------------------


def run_graph(options: argparse.Namespace) -> int:
    """Draw the forward pass of a derivation; with its verdicts, if the file verified it."""
    from microgradnp.loading import CannotCheck, derivations_in, guarded, loaded, split_target

    path, wanted = split_target(options.target)
    complaint = unwritable(options.out)
    if complaint:
        return refused(complaint, "graph")
    try:
        module = loaded(path, options.timeout)
        found = derivations_in(module, wanted, path)
        if len(found) > 1:
            raise CannotCheck(f"{path} has several derivations: name one, {path}::{next(iter(found))}")
        name, derivation = next(iter(found.items()))
        with guarded(path.resolve(), options.timeout, f"{path}::{name}", "tracing it"):
            from microgradnp.draw.graph import draw
            from microgradnp.graph import trace

            own = derivation.given or vars(module).get("inputs")
            if derivation.report is not None:
                picture = derivation.report.draw()
            elif own and derivation.function is not None:
                if not derivation.given:
                    derivation.inputs(own)
                inputs = derivation.drawn_inputs(options.seed or derivation.seed)
                takes = derivation.function.__code__.co_varnames[: derivation.function.__code__.co_argcount]
                picture = draw(trace(derivation.function, **{n: v for n, v in inputs.items() if n in takes}))
            else:
                raise CannotCheck(f"{path}::{name} has no inputs: state them with {name}.inputs(X=..., ...)")
        picture.save(options.out)
    except (CannotCheck, ValueError, RuntimeError, OSError) as error:
        return refused(str(error), "graph")
    print(options.out)
    return RIGHT


def run_demo(out: Path) -> int:
    """Run the demonstration."""
    from microgradnp import demo

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(
            f"microgradnp demo: cannot write to {out}: {error.strerror or error}. Choose another folder with --out",
            file=sys.stderr,
        )
        return UNCHECKED
    return RIGHT if demo.run(out) else WRONG


if __name__ == "__main__":
    sys.exit(main())
