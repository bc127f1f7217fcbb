"""How time and memory are measured.

All contestants of a workload are called in turn (A B C A B C ...), in blocks of about 40 ms, so that a disturbance
of the machine meets all of them. What is measured is processor time (everything here runs in one thread), which does
not count the time that other programs have the processor. The time of a contestant is the median over the rounds; a ratio of two is the
median of the ratios within the rounds, which repeats far better than a ratio of two medians.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any, NamedTuple

import numpy as np

BLOCK = 0.04  # seconds

Array = np.ndarray[Any, Any]


class Program(NamedTuple):
    """A program about to run, in its initial state."""

    step: Callable[[], object]
    results: Callable[[], list[Array]]  # what has been computed so far, for the comparison with the reference


@dataclass(frozen=True)
class Contestant:
    """One way to do a workload.

    Attributes
    ----------
    name : str
        Unique within the workload.
    start : callable
        Returns the program anew, so that every block does the same work.
    """

    name: str
    start: Callable[[], Program]


@dataclass(frozen=True)
class Times:
    """The times of one workload, in seconds a step: one list for each contestant, one entry for each round."""

    rounds: dict[str, list[float]]

    def of(self, name: str) -> float:
        """Median time of a step, in seconds."""
        return median(self.rounds[name])

    def ratio(self, name: str, reference: str) -> float:
        """Median of the ratios within the rounds."""
        return median(a / b for a, b in zip(self.rounds[name], self.rounds[reference], strict=True))

    def excess(self, name: str, reference: str) -> float:
        """Median of the differences within the rounds, in seconds."""
        return median(a - b for a, b in zip(self.rounds[name], self.rounds[reference], strict=True))


def interleaved(contestants: Sequence[Contestant], rounds: int, block: float = BLOCK) -> Times:
    """Time all contestants in turn.

    Parameters
    ----------
    contestants : sequence of Contestant
    rounds : int
        How often each has its turn.
    block : float
        Length of a turn, in seconds.

    Returns
    -------
    Times
    """
    lengths = {}
    for contestant in contestants:
        step = contestant.start().step
        count, elapsed = 1, 0.0
        while elapsed < block / 4:  # also warms it up
            count *= 2
            elapsed = seconds(step, count)
        lengths[contestant.name] = max(1, round(count * block / elapsed))
    gc.collect()
    gc.freeze()
    times: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    for _ in range(rounds):
        for contestant in contestants:
            count = lengths[contestant.name]
            step = contestant.start().step
            times[contestant.name].append(seconds(step, count) / count)
    gc.unfreeze()
    return Times(times)


def seconds(step: Callable[[], object], count: int) -> float:
    """Return how long `count` calls take, in processor time."""
    turns = range(count)
    begin = process_time()
    for _ in turns:
        step()
    return process_time() - begin


def disagreement(contestants: Sequence[Contestant], steps: int) -> dict[str, float]:
    """Return how far the results of each contestant are from those of the first one after some steps.

    Returns
    -------
    dict
        Largest difference relative to the largest element of the array, by name of contestant.

    Raises
    ------
    ValueError
        If two programs compute different things.
    """
    found: dict[str, float] = {}
    reference: list[Array] = []
    for contestant in contestants:
        program = contestant.start()
        for _ in range(steps):
            program.step()
        results = [np.array(a) for a in program.results()]
        reference = reference or results
        if [a.shape for a in results] != [b.shape for b in reference]:
            raise ValueError(f"{contestant.name}: the results differ in number or shape from {contestants[0].name}")
        found[contestant.name] = max(
            float(np.max(np.abs(a - b)) / np.max(np.abs(b))) for a, b in zip(results, reference, strict=True)
        )
        if not found[contestant.name] < 1e-9:
            raise ValueError(
                f"{contestant.name} differs from {contestants[0].name} by {found[contestant.name]:.1e} after {steps} "
                "steps: only programs that compute the same are compared"
            )
    return found


def bytes_kept(build: Callable[[], object]) -> int:
    """Return how many bytes of memory the result of `build` holds on to."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    built = build()
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    del built
    return kept


def in_new_process(code: str) -> float | None:
    """Return the number that a program prints, or None where it cannot run."""
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def resident_growth(build: Callable[[], object]) -> int:
    """Return by how many bytes `build` makes the process grow: memory that Python knows nothing of counts as well.

    Only Linux tells (OSError elsewhere).
    """
    gc.collect()
    before = resident()
    built = build()
    kept = resident() - before
    del built
    return kept


def resident() -> int:
    """Return how many bytes of memory this process has."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def import_seconds(module: str, repeats: int) -> float:
    """Return the processor time of importing a module in a new process that has imported NumPy already."""
    code = f"import time, numpy; t = time.process_time(); import {module}; print(time.process_time() - t)"
    with tempfile.TemporaryDirectory() as compiled:
        # as for an installed package: compiled once, also where Python is told to leave no bytecode in the tree
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": compiled}

        def run() -> float:
            done = subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
            )
            return float(done.stdout)

        run()
        return median(run() for _ in range(repeats))
