"""The command line: ``microgradnp demo``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from microgradnp import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 1 where a claim is wrong, or 2 for a wrong call.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.
    """
    parser = argparse.ArgumentParser(
        prog="microgradnp", description="Trust, see and use the gradients that you derived by hand."
    )
    parser.add_argument("--version", action="version", version=f"microgradnp {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    demo = commands.add_parser(
        "demo",
        help="check, train and draw a hand-derived network",
        description="Check every formula of a tutorial's hand-derived network, train it, and draw it.",
    )
    demo.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="where pictures and verdicts go (default: out)"
    )
    options = parser.parse_args(arguments)
    try:
        return run_demo(options.out)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


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
        return 2
    return 0 if demo.run(out) else 1


if __name__ == "__main__":
    sys.exit(main())
