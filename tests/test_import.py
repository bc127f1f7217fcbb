"""What importing the package costs: NumPy, and nothing else that is heavy."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = (
    "matplotlib",
    "graphviz",
    "graphviz_pure",
    "rich",
    "scipy",
    "numba",
    "pandas",
    "sklearn",
    "PIL",
    "pooch",
    "requests",
    "jax",
    "torch",
    "IPython",
)


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages that a fresh Python has loaded after a statement."""
    listing = "import json, sys; print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
    code = f"{statement}\n{listing}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_loads_numpy_and_nothing_heavy() -> None:
    assert not loaded_by("import microgradnp") & set(HEAVY)


def test_importing_loads_no_other_package_than_numpy_does() -> None:
    """Beside NumPy's own imports only the standard library."""
    new = loaded_by("import microgradnp") - loaded_by("import numpy") - {"microgradnp"}
    assert new <= set(sys.stdlib_module_names), new - set(sys.stdlib_module_names)


def test_computing_and_differentiating_loads_nothing_more() -> None:
    program = "import microgradnp as mg\nmg.grad(lambda x: mg.relu(x * 2.0))(1.0)\nrepr(mg.trace(mg.logistic, 1.0))"
    assert not loaded_by(program) & set(HEAVY)
