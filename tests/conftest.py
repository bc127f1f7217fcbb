"""Shared fixtures."""

import zlib

import numpy as np
import pytest
from hypothesis import settings

# The same examples in every run, and no deadline: a busy machine is no failure.
settings.register_profile("tests", derandomize=True, deadline=None, max_examples=100)
settings.load_profile("tests")


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers that are the same in every run of a test, and differ from test to test."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))
