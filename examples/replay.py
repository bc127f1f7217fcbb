"""What the five documents have in common when they are lived through: arguments, numbers compared, prose checked.

Nothing here knows a document. The numbers that a document prints, or that its code prints when it is run as printed,
stand in tests/reference with their source.
"""

import argparse
import json
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

import microgradnp as mg

REFERENCE = Path(__file__).resolve().parent.parent / "tests" / "reference"
console = Console(highlight=False, width=132)


def arguments(description: str | None) -> argparse.Namespace:
    """Return the folder for the pictures, made, and whether the full size was asked for."""
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("out", nargs="?", type=Path, default=Path("out"), help="folder for the pictures (out)")
    parser.add_argument("--full", action="store_true", help="the full size: of document 002, all ten epochs of MNIST")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    return chosen


def reference(document: str) -> Any:
    """Return the numbers of a document, "000" to "004"."""
    return json.loads((REFERENCE / f"document_{document}.json").read_text(encoding="utf-8"))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table, unless it has no rows."""
    rows = list(rows)
    if not rows:
        return
    console.print(Text(title, "bold"))  # a title of the table would be as narrow as the table
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", show_header=any(columns))
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    console.print(table)


# -- numbers ---------------------------------------------------------------------------------------------------------


@dataclass
class Compared:
    """Values measured here, beside those that they are to be."""

    what: str
    count: int
    wanted: str
    found: str
    ok: bool


@dataclass
class Numbers:
    """Every comparison of a run."""

    rows: list[Compared] = field(default_factory=list)

    def printed(self, what: str, values: Any, digits: Sequence[str], *, otherwise: float = 0.0) -> None:
        """Compare values with what was printed of them by "%.12g", digit by digit.

        `otherwise` is the relative difference that is allowed where exp or a matrix product rounds in another way.
        """
        agree = sum(f"{value:.12g}" == text for value, text in zip(values, digits, strict=True))
        apart = np.max(np.abs(np.asarray(values) / np.array(digits, dtype=float) - 1))
        ok = agree == len(digits) or bool(apart <= otherwise)
        wanted = "every printed digit" + (f", or within {otherwise:g}" if otherwise else "")
        self.rows.append(Compared(what, len(digits), wanted, f"{agree} of {len(digits)}", ok))

    def close(self, what: str, values: Any, expected: Any, *, relative: float = 0.0, absolute: float = 0.0) -> None:
        """Compare values, of equal shape, by the largest of their differences."""
        values, expected = np.asarray(values, dtype=float), np.asarray(expected, dtype=float)
        if values.shape != expected.shape or not values.size:
            raise ValueError(f"{what}: {values.shape} values cannot be compared with {expected.shape}")
        apart = np.abs(values - expected)
        if absolute:
            wanted, largest, limit = f"within {absolute:g}", float(np.max(apart)), absolute
        else:
            scale = np.maximum(np.abs(expected), np.finfo(float).tiny)
            wanted, largest, limit = f"within {relative:g} of each", float(np.max(apart / scale)), relative
        self.rows.append(Compared(what, values.size, wanted, f"at most {largest:.1e}", bool(largest <= limit)))

    def same(self, what: str, value: Any, expected: Any) -> None:
        """Compare two values that are to be equal."""
        self.rows.append(Compared(what, 1, str(expected), str(value), bool(value == expected)))

    @property
    def ok(self) -> bool:
        """Whether something was compared, and all of it agrees."""
        return bool(self.rows) and all(row.ok for row in self.rows)

    def show(self, title: str) -> None:
        """Print the table."""
        verdicts = (Text("agrees", "green") if row.ok else Text("DIFFERS", "bold red") for row in self.rows)
        rows = [(r.what, str(r.count), r.wanted, r.found, v) for r, v in zip(self.rows, verdicts, strict=True)]
        print_table(title, ("compared", "values", "wanted", "found", ""), rows)


# -- prose -----------------------------------------------------------------------------------------------------------


@dataclass
class Prose:
    """Something that a document says in words (here in ours), and what running it shows."""

    said: str
    found: str
    holds: bool

    def __post_init__(self) -> None:
        self.holds = bool(self.holds)

    def __str__(self) -> str:
        return f"{self.said}. Measured: {self.found}"


def show_prose(rows: Iterable[Prose]) -> None:
    """Print what holds of a document's words, and what does not."""
    print("\nWhat it says in words")
    for row in rows:
        print(f"{'holds' if row.holds else 'DOES NOT HOLD'}: {row}")
    print()


# -- versions --------------------------------------------------------------------------------------------------------


def versions(**seeds: Any) -> dict[str, str]:
    """Return the versions that were used, and the seeds."""
    import matplotlib as mpl

    used = {"Python": platform.python_version(), "NumPy": np.__version__, "matplotlib": mpl.__version__}
    return used | {"microgradnp": mg.__version__} | {name: str(seed) for name, seed in seeds.items()}


def show_versions(**seeds: Any) -> None:
    """Print the table of versions and seeds."""
    print_table("Versions and seeds", ("", ""), versions(**seeds).items())


def saved(out: Path, pictures: dict[str, Any]) -> None:
    """Write pictures and pages to a folder, each under its name, and say so."""
    for name, picture in pictures.items():
        write = getattr(picture, "save", None) or (lambda path, picture=picture: mg.draw.save(picture, path))
        print(f"wrote {write(out / name)}")


def finish(numbers: Numbers) -> None:
    """End with status 0 if all numbers agree, else with 1."""
    sys.exit(0 if numbers.ok else 1)
