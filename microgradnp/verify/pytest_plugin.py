"""The pytest fixture `assert_derivation`: installed as `pytest_microgradnp`, so that starting pytest does not import NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def assert_derivation() -> Callable[..., Any]:
    """Return `microgradnp.assert_derivation`: fails with every claim of a derivation that is not right, and why."""
    import microgradnp

    return microgradnp.assert_derivation
