"""Every example runs alone, in a folder of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SAYS = {
    "check_a_derivation.py": [
        "`dz1` equals the right answer with z1 * (1 - z1) in place of h * (1 - h)",
        "dW1 (∂loss/∂W1): correct given its inputs",
        "3 of 6 claims are right",
    ],
    "document_001.py": ["No gradient errors found", "0.38075 after 300 iterations; accuracy 1.00"],
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.name)
def test_example(example, tmp_path):
    environment = {
        "PYTHONPATH": str(ROOT),
        "PATH": "/usr/bin:/bin",
        "PYTHONIOENCODING": "utf-8",
        "OPENBLAS_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, str(example)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    for text in SAYS[example.name]:
        assert text in done.stdout
