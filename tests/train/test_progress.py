"""The progress bar: on a terminal and nowhere else, and full in the end."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import microgradnp as mg
from microgradnp import nn
from tests.train.networks import classes, classifier, sgd


def drawn(epochs: int = 3, width: int = 120, **options: Any) -> str:
    """What is left on a terminal after a run."""
    model, out = classifier(), io.StringIO()
    console = Console(file=out, force_terminal=True, width=width, color_system=None, legacy_windows=False)
    mg.train.fit(
        model,
        classes(),
        nn.CrossEntropyLoss(),
        sgd(model),
        epochs=epochs,
        metrics="accuracy",
        progress=console,
        **options,
    )
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue()).replace("\r", "\n").strip().splitlines()[-1]


def test_the_bar_ends_full() -> None:
    last = drawn()
    assert re.match(r"epoch 3/3 +━+ loss 0\.\d+  accuracy [01](\.\d+)? +\d:\d\d:\d\d \d:\d\d:\d\d", last), last
    assert "╸" not in last


def test_the_bar_of_a_run_that_was_stopped_says_why() -> None:
    last = drawn(epochs=9, callbacks=[lambda run: run.stop("enough") if run.epoch == 1 else None])
    assert re.match(r"epoch 2/9 +━+ loss .* enough", last), last
    assert "╸" not in last


@pytest.mark.parametrize("width", [54, 64])
def test_a_narrow_terminal_cuts_the_numbers_alone(width: int) -> None:
    last = drawn(width=width)
    assert len(last) <= width
    assert re.match(r"epoch 3/3 +━+ loss.*… \d:\d\d:\d\d \d:\d\d:\d\d$", last), last


def test_no_epochs() -> None:
    assert drawn(epochs=0).startswith("epoch 0/0  ━")


@pytest.mark.parametrize("progress", ["None", "False"])
def test_nothing_is_written_where_there_is_no_terminal(progress: str) -> None:
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})
import microgradnp as mg
from tests.train.networks import classes, classifier, sgd
model = classifier()
mg.train.fit(model, classes(), mg.nn.CrossEntropyLoss(), sgd(model), epochs=3, progress={progress})
print("rich" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_terminal_gets_a_bar() -> None:
    pty = pytest.importorskip("pty")
    import os

    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})
import microgradnp as mg
from tests.train.networks import classes, classifier, sgd
model = classifier()
mg.train.fit(model, classes(), mg.nn.CrossEntropyLoss(), sgd(model), epochs=3)
"""
    master, slave = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=slave, stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    seen = b""
    try:
        while chunk := os.read(master, 10_000):
            seen += chunk
    except OSError:  # the other end is closed
        pass
    os.close(master)
    assert process.wait() == 0, seen.decode()
    assert "epoch 3/3" in seen.decode()


def test_the_bar_ends_where_a_run_fails() -> None:
    model, out = classifier(), io.StringIO()
    console = Console(file=out, force_terminal=True, width=120, color_system=None)

    def fail(run: Any) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        mg.train.fit(model, classes(), nn.CrossEntropyLoss(), sgd(model), epochs=4, progress=console, callbacks=[fail])
    assert "epoch 1/4" in out.getvalue()
    assert out.getvalue().count("\x1b[?25h") == 1  # the cursor is shown again
    assert np.isfinite(mg.train.predict(model, classes()[0])).all()
