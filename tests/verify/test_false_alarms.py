"""Right derivations over random shapes, seeds and kinds of numbers: none may be called wrong.

The suite takes a sample. ``MICROGRADNP_FALSE_ALARMS=10000 pytest tests/verify/test_false_alarms.py -n 4`` checks so many.
"""

from __future__ import annotations

import os
from itertools import islice, product

import pytest

from microgradnp.verify import Status
from tests.verify.derivations import DERIVATIONS, STYLES, made

COUNT = int(os.environ.get("MICROGRADNP_FALSE_ALARMS", "40"))
PART = 20

#: Every derivation in every style with one seed, then with the next; plain numbers first.
CASES = list(
    islice(((seed, style, name) for seed, style, name in product(range(100, 1000), STYLES, DERIVATIONS)), COUNT)
)


@pytest.mark.parametrize("start", range(0, len(CASES), PART))
def test_no_right_derivation_is_called_wrong(start: int) -> None:
    alarms = []
    for seed, style, name in CASES[start : start + PART]:
        derivation, inputs = made(name, seed, style)
        report = derivation.verify(inputs)
        alarms += [
            f"{name}, {style}, seed {seed}: {v.sentence()}" for v in report if v.status in (Status.WRONG, Status.GIVEN)
        ]
    assert not alarms, "\n".join(alarms)
