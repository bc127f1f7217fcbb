"""Derivatives checked: by differences, by autodiff, and against what a person wrote."""

from microgradnp.verify.asserting import assert_derivation
from microgradnp.verify.claims import DerivationError
from microgradnp.verify.derivation import Derivation
from microgradnp.verify.gradients import GradientReport, WrongGradient, check_gradients
from microgradnp.verify.judgement import Cause, Status
from microgradnp.verify.report import Report, Verdict, WrongDerivation
from microgradnp.verify.rules import check_rule

__all__ = [
    "Cause",
    "Derivation",
    "DerivationError",
    "GradientReport",
    "Report",
    "Status",
    "Verdict",
    "WrongDerivation",
    "WrongGradient",
    "assert_derivation",
    "check_gradients",
    "check_rule",
]
