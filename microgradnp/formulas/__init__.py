"""Formulas: the derivative as a person writes it, in the names of the user's own code."""

from microgradnp.formulas.gradient import Formula, gradient_text

__all__ = ["Formula", "gradient_text"]
