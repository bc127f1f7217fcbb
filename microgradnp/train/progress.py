"""The progress bar: on a terminal, and nowhere else unless asked."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microgradnp.train.run import Run

INTERVAL = 0.1  # seconds between two drawings


class Bar:
    """A bar of a run: epochs, the share that is done, loss and metrics, the time that passed and the time to go."""

    def __init__(self, console: Any) -> None:
        from rich.progress import (
            BarColumn,
            Progress,
            ProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.table import Column
        from rich.text import Text

        class Numbers(ProgressColumn):
            """The loss and the metrics, on one line."""

            def render(self, task: Any) -> Text:
                """Return them, to be cut where there is no room."""
                return Text(task.fields["numbers"], no_wrap=True, overflow="ellipsis")

        def wide(width: int) -> Column:  # a narrow terminal cuts the numbers, nothing else
            return Column(min_width=width, no_wrap=True)

        self.progress = Progress(
            TextColumn("{task.description}", table_column=wide(10)),
            BarColumn(20, table_column=wide(10)),
            Numbers(Column()),
            TimeElapsedColumn(wide(7)),
            TimeRemainingColumn(table_column=wide(7)),
            console=console,
            auto_refresh=False,  # no thread beside the training
        )
        self.next = 0.0
        self.numbers = ""

    def start(self, run: Run) -> None:
        """Draw the empty bar."""
        self.progress.start()
        self.task = self.progress.add_task(
            f"epoch {run.finished}/{run.epochs}", total=run.epochs, completed=run.finished, numbers=""
        )

    def step(self, run: Run) -> None:
        """Draw the bar after an update, if it was not drawn just now."""
        now = time.monotonic()
        if now < self.next:
            return
        self.next = now + INTERVAL
        share = run.batch / run.batches if run.batches else 0.0
        self.draw(run, run.epoch + share, self.numbers or f"loss {run.loss:.4g}")

    def epoch(self, run: Run) -> None:
        """Draw the bar after an epoch, if it was not drawn just now."""
        shown = {name: value for name, value in run.numbers.items() if name not in ("lr", "seconds")}
        self.numbers = "  ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in shown.items())
        now = time.monotonic()
        if now >= self.next:
            self.next = now + INTERVAL
            self.draw(run, run.finished, self.numbers)

    def end(self, run: Run) -> None:
        """Draw the full bar and leave it; where the run was stopped, it is full at what was done, and says why."""
        total = run.finished if run.history.stopped else run.epochs
        numbers = self.numbers + (f"  {run.history.stopped}" if run.history.stopped else "")
        full = max(total, 1) if not run.failed else run.epochs
        done = run.finished if run.failed else full
        self.progress.update(
            self.task,
            description=f"epoch {run.finished}/{run.epochs}",
            total=full,
            completed=done,
            numbers=numbers,
            refresh=True,
        )
        self.progress.stop()

    def draw(self, run: Run, completed: float, numbers: str) -> None:
        """Draw the bar."""
        self.progress.update(
            self.task,
            description=f"epoch {run.finished}/{run.epochs}",
            completed=completed,
            numbers=numbers,
            refresh=True,
        )


def bar(progress: Any) -> Bar | None:
    """Return the bar of a run, or None where there is nothing to draw on.

    Parameters
    ----------
    progress : bool, Console or None
        None: a bar where the standard error is a terminal (or in a notebook). A rich Console is drawn on in any case.
    """
    if progress is False:
        return None
    if progress is None and not sys.stderr.isatty() and "ipykernel" not in sys.modules:
        return None  # rich is not even imported
    from rich.console import Console

    if isinstance(progress, Console):
        return Bar(progress)
    if progress not in (None, True):
        raise TypeError(f"progress={progress!r} must be True, False, None (on a terminal) or a rich Console")
    console = Console(stderr=True)
    return Bar(console) if progress or console.is_terminal or console.is_jupyter else None
