"""What was measured and what was aimed at, as tables and as JSON."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.benchmarks.peers import version


@dataclass(frozen=True)
class Row:
    """One contestant of one workload."""

    workload: str
    contestant: str
    microseconds: float  # per step
    ratios: dict[str, float]  # to the first contestant, and to each peer
    disagreement: float  # with the results of the first contestant, relative


@dataclass(frozen=True)
class Aim:
    """One number with a bound that it should not exceed."""

    what: str
    measured: float
    bound: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether the bound holds."""
        return self.measured <= self.bound


@dataclass
class Results:
    """Everything that one run measured."""

    rows: list[Row] = field(default_factory=list)
    aims: list[Aim] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)  # measured without an aim, by what it is

    def tables(self) -> list[Table]:
        """Return the tables to print."""
        columns = list(dict.fromkeys(name for row in self.rows for name in row.ratios))
        steps = Table(title="Training steps and the chain", title_justify="left")
        steps.add_column("workload")
        steps.add_column("program")
        steps.add_column("µs a step", justify="right")
        for column in columns:
            steps.add_column(f"× {column}", justify="right")
        steps.add_column("differs by", justify="right")
        last = None
        for row in self.rows:
            if last not in (None, row.workload):
                steps.add_section()
            steps.add_row(
                row.workload if row.workload != last else "",
                row.contestant,
                f"{row.microseconds:,.1f}",
                *(f"{row.ratios[name]:.2f}" if name in row.ratios else "" for name in columns),
                f"{row.disagreement:.0e}" if row.disagreement else "0",
            )
            last = row.workload
        aims = Table(title="Aims", title_justify="left")
        aims.add_column("measured")
        aims.add_column("value", justify="right")
        aims.add_column("at most", justify="right")
        aims.add_column("")
        for aim in self.aims:
            verdict = "[green]met[/]" if aim.met else "[red]missed[/]"
            aims.add_row(aim.what, f"{aim.measured:.3g} {aim.unit}", f"{aim.bound:.3g} {aim.unit}", verdict)
        facts = Table(title="Also measured", title_justify="left")
        facts.add_column("what")
        facts.add_column("value", justify="right")
        for what, value in self.facts.items():
            facts.add_row(what, f"{value:,.0f}")
        return [steps, aims, facts]

    def print(self, console: Console) -> None:
        """Print the tables, then the notes."""
        console.print("  ".join(f"{name} {value}" for name, value in machine().items()))
        for table in self.tables():
            console.print(table)
        for note in self.notes:
            console.print(note)

    def save(self, path: Path) -> None:
        """Write everything as JSON, atomically."""
        content: dict[str, Any] = {
            "machine": machine(),
            "rows": [asdict(row) for row in self.rows],
            "aims": [asdict(aim) | {"met": aim.met} for aim in self.aims],
            "facts": self.facts,
            "notes": self.notes,
        }
        with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".json", delete=False) as file:
            json.dump(content, file, indent=1)
        os.replace(file.name, path)


def machine() -> dict[str, str]:
    """Return what the numbers depend on."""
    return {
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "autograd": version("autograd"),
        "MyGrad": version("mygrad"),
        "processor": platform.processor() or platform.machine(),
    }
