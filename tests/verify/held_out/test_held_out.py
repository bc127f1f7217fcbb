"""The held-out cases are sound: right ones are right, wrong ones are wrong where they say, and are flagged."""

from collections import Counter

import numpy as np
import pytest

from microgradnp.verify import Cause, Status
from tests.verify.held_out.cases import SETS, Case, cases, names
from tests.verify.held_out.evaluation import Evaluation, Notebook

ALL = list(cases())
WRONG = [case for case in ALL if not case.right]
SAMPLE = [WRONG[i] for i in np.random.default_rng(0).choice(len(WRONG), size=12, replace=False)]


@pytest.mark.parametrize("name", names())
def test_right_derivations_agree_with_autodiff(name: str) -> None:
    for case in ALL:
        if case.derivation == name and case.right:
            evaluation = Evaluation(*case.load(Notebook))
            assert evaluation.claimed, case
            assert not evaluation.wrong("claimed", 1e-9), case
            assert not evaluation.wrong("judged", 1e-9), case


@pytest.mark.parametrize("name", names())
def test_mistakes_are_mistakes_where_they_say(name: str) -> None:
    for case in ALL:
        if case.derivation == name and not case.right:
            evaluation = Evaluation(*case.load(Notebook))
            wrong = evaluation.wrong()
            # Of a local variable of a backward function only what follows from it is seen from outside.
            assert wrong, case
            assert set(wrong) & set(case.where) or not set(evaluation.claimed) & set(case.where), (case, wrong)


def test_no_name_is_in_two_sets() -> None:
    assert len(set(names())) == len(names()) == sum(len(names(chosen)) for chosen in SETS)


def test_every_cause_is_there_and_known() -> None:
    count = Counter(case.causes[0] for case in WRONG)
    assert set(count) <= {str(cause) for cause in Cause}
    assert all(str(cause) in {c for case in WRONG for c in case.causes} for cause in Cause if cause != Cause.NUMERICAL)


@pytest.mark.parametrize("case", SAMPLE, ids=str)
def test_the_verifier_flags_mistakes(case: Case) -> None:
    derivation, inputs = case.load()
    with np.errstate(all="ignore"):
        report = derivation.verify(inputs)
    assert any(verdict.status is Status.WRONG for verdict in report), str(report)
