"""A derivation as a test."""

from __future__ import annotations

from typing import Any

from microgradnp.verify.derivation import Derivation
from microgradnp.verify.report import Report


def assert_derivation(derivation: Derivation | Report, /, **inputs: Any) -> Report:
    """Raise an AssertionError that a person can read, unless every claim is right.

    Parameters
    ----------
    derivation : Derivation or Report
        A derivation is verified; a report is taken as it is.
    **inputs
        For a derivation: its inputs, as `Derivation.verify` takes them. Without any, those stated with
        `Derivation.inputs`.

    Returns
    -------
    Report

    Raises
    ------
    WrongDerivation
        An AssertionError: names every claim that is not right, why, and both formulas.
    DerivationError
        If the derivation cannot be checked as it stands.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> d = mg.Derivation()
    >>> _ = d.forward(lambda w: np.sum(w**2))
    >>> _ = d.gradient("w", lambda w: 2 * w)
    >>> mg.assert_derivation(d, w=np.array([1.0, 2.0]))
    <Report '': 1 of 1 claims are right>
    """
    __tracebackhide__ = True
    if isinstance(derivation, Report):
        if inputs:
            raise TypeError("a report is judged already: give the inputs with the derivation")
        report = derivation
    elif isinstance(derivation, Derivation):
        report = derivation.verify(inputs)
    else:
        raise TypeError(f"mg.assert_derivation wants a Derivation or a Report, not {type(derivation).__name__}")
    report.raise_if_wrong()
    return report
