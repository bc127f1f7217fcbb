"""Run the benchmarks: ``make bench``, or ``python -m tests.benchmarks [--quick] [--json FILE]``."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path
from time import process_time

if not __package__:  # run as a folder, `python tests/benchmarks`: look for modules where the repository begins
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import tests.benchmarks

import numpy as np  # isort: skip
from rich.console import Console  # isort: skip

from tests.benchmarks import chain, circles, images, measure, networks, peers, regression  # isort: skip
from tests.benchmarks.floors import FLOOR, FLOORS  # isort: skip
from tests.benchmarks.report import Aim, Results, Row  # isort: skip

#: Per workload: its contestants, the steps before results are compared, the program by hand that evaluates the loss as
#: often as ours does, and the aims for fused and unchanged code against it.
TRAINING = {
    "circles": (circles.CONTESTANTS, 300, "document", 1.1, 1.4),
    "images": (images.CONTESTANTS, 300, "document, loss every step", 1.4, 1.9),
    "regression": (regression.CONTESTANTS, 100, "document", 1.2, 2.2),
}
#: How many operations of the unchanged forward code are recorded in a step.
OPERATIONS = {"circles": 16, "images": 31, "regression": 16}
PEERS = {"autograd": 1 / 3, "MyGrad": 1 / 2}


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, and save."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=tests.benchmarks.__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: 5 times faster, less exact")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results to this file")
    parser.add_argument("--only", choices=[*TRAINING, "chain", "networks"], help="one workload alone")
    options = parser.parse_args(arguments)
    rounds = 5 if options.quick else 25
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else 140, highlight=False)
    results = Results()
    for peer, module in (("autograd", peers.autograd), ("MyGrad", peers.mygrad)):
        if module is None:
            results.notes.append(f"{peer} is not installed: pip install microgradnp[bench]")
    for workload in TRAINING:
        if options.only in (None, workload):
            with np.errstate(over="ignore"):  # both peers square the divisor, in the branch that `where` does not take
                training(results, workload, rounds)
    if options.only in (None, "chain"):
        operations(results, rounds)
    if options.only in (None, "networks"):
        layers(results, rounds)
    if options.only is None:
        memory(results, 10_000 if options.quick else 100_000)
        extremes(results)
        loading(results, 5 if options.quick else 15)
    results.print(console)
    if options.json:
        results.save(options.json)


def compared(
    results: Results,
    workload: str,
    contestants: list[measure.Contestant],
    steps: int,
    rounds: int,
    reference: str = "NumPy by hand",
) -> measure.Times:
    """Check that the contestants agree, time them, and add their rows."""
    apart = measure.disagreement(contestants, steps)
    times = measure.interleaved(contestants, rounds)
    first = contestants[0].name
    names = [contestant.name for contestant in contestants]
    for name in names:
        ratios = {reference: times.ratio(name, first)}
        ratios |= {peer: times.ratio(name, peer) for peer in PEERS if peer in names}
        results.rows.append(Row(workload, name, times.of(name) * 1e6, ratios, apart[name]))
    return times


def training(results: Results, workload: str, rounds: int) -> None:
    """Measure the training steps of one document."""
    contestants, steps, reference, fused, unchanged = TRAINING[workload]
    times = compared(results, workload, [*contestants, FLOORS[workload]], steps, rounds)
    results.facts[f"{workload}: floor of unchanged code against the {reference}, %"] = 100 * times.ratio(
        FLOOR, reference
    )
    operations_recorded = OPERATIONS[workload]
    results.facts[f"{workload}: what the tape adds to an operation of unchanged code, forward and backward, ns"] = (
        times.excess("unchanged", FLOOR) / operations_recorded * 1e9
    )
    results.aims += [
        Aim(f"{workload}: fused, against the {reference}", times.ratio("fused", reference), fused, "×"),
        Aim(f"{workload}: unchanged, against the {reference}", times.ratio("unchanged", reference), unchanged, "×"),
    ]
    against_peers(results, workload, "unchanged", times)


def layers(results: Results, rounds: int) -> None:
    """Measure what layers, an optimizer and `fit` cost beyond Tensor operations: an epoch of several updates."""
    for size, contestants in networks.CONTESTANTS.items():
        times = compared(results, f"networks, {size}", contestants, 3, rounds, "Tensor operations")
        results.aims += [
            Aim(
                f"networks, {size}: nn and optim, against Tensor operations",
                times.ratio("nn and optim", "Tensor operations"),
                1.15,
                "×",
            ),
            Aim(f"networks, {size}: fit, against nn and optim", times.ratio("fit", "nn and optim"), 1.15, "×"),
        ]


def operations(results: Results, rounds: int) -> None:
    """Measure what one scalar operation costs beyond NumPy's own work."""
    times = compared(results, "chain", chain.CONTESTANTS, 1, rounds)
    for name, bound in (("t.sin() * c", 1.0), ("np.sin(t) * c", 1.4)):
        overhead = times.excess(name, "by hand") / chain.LENGTH * 1e6
        results.aims.append(Aim(f"overhead of an operation, {name}", overhead, bound, "µs"))
        against_peers(results, "chain", name, times)
    for peer in PEERS:
        if peer in times.rounds:
            results.facts[f"overhead of an operation in {peer}, ns"] = (
                times.excess(peer, "by hand") / chain.LENGTH * 1e9
            )


def against_peers(results: Results, workload: str, name: str, times: measure.Times) -> None:
    """Add the aims against other libraries for the same forward code."""
    for peer, bound in PEERS.items():
        if peer in times.rounds:
            results.aims.append(Aim(f"{workload}: {name}, against {peer}", times.ratio(name, peer), bound, "×"))


def memory(results: Results, length: int) -> None:
    """Measure what a recorded operation keeps, on one number and on a vector of 1,000 (whose own 8,000 bytes count)."""
    for size, count, what in ((0, length, "one number"), (1000, length // 50, "1,000 numbers")):
        for library, build in chain.recorded(count, size).items():
            if library == "PyTorch":  # its memory is not Python's: a process of its own grows by it
                program = (
                    "from tests.benchmarks import chain, measure\n"
                    f"build = chain.recorded({count}, {size})['PyTorch']\n"
                    f"chain.recorded(10, {size})['PyTorch']()\n"
                    "print(measure.resident_growth(build))"
                )
                kept = measure.in_new_process(program)
            else:
                build()
                kept = measure.bytes_kept(build)
            if kept is not None:
                results.facts[f"memory of a recorded operation on {what} in {library}, bytes"] = kept / count


def extremes(results: Results) -> None:
    """Measure a chain of 1,000,000 operations and a number that 10,000 operations read, forward and backward."""
    for what, run, count in (
        ("a chain of 1,000,000 operations", chain.long_chain, 1_000_000),
        ("10,000 operations on one number, and their sum", chain.wide_sum, 10_000),
    ):
        gc.collect()
        begin = process_time()
        gradient = run(count)
        elapsed = process_time() - begin
        if not np.isfinite(gradient):
            raise ValueError(f"{what}: the gradient is {gradient}")
        results.facts[f"{what}, forward and backward, ms"] = elapsed * 1e3


def loading(results: Results, repeats: int) -> None:
    """Measure the time to import."""
    milliseconds = measure.import_seconds("microgradnp", repeats) * 1e3
    results.aims.append(Aim("import, beyond that of NumPy", milliseconds, 20.0, "ms"))


if __name__ == "__main__":
    main()
