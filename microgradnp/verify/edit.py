"""One change of a formula, which undoes a mistake."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from microgradnp.verify.judgement import Cause
from microgradnp.verify.source import Site


@dataclass
class Edit:
    """One change of a formula.

    Attributes
    ----------
    rank : float
        How far-fetched the mistake is that it undoes.
    cause : Cause or callable
        Found out only for the edits that work.
    site : Site or None
        The expression that is changed; None for a statement.
    new : str
        What it should be; `_v` stands for its value.
    text : str
        What was done wrong, completing "`dW` equals the right answer ..." or "`dW` is right if ...".
    statements : dict
        The statements to be replaced, by number, and by what.
    solve : bool
        Whether a constant factor is to be solved for.
    also : sequence of (Site, str)
        What else is changed with it.
    factor : tuple of str, optional
        Which of its factors is changed, and into what, where the site is a product that is changed as a whole.
    """

    rank: float
    cause: Cause | Callable[[], Cause]
    site: Site | None
    new: str
    text: str
    statements: Mapping[int, Sequence[ast.stmt]] = field(default_factory=dict)
    solve: bool = False
    also: Sequence[tuple[Site, str]] = ()
    factor: tuple[str, str] | None = None

    @property
    def changes(self) -> list[tuple[Site, str]]:
        """The expressions that are changed, and what they should be."""
        return [] if self.site is None else [(self.site, self.new), *self.also]

    @property
    def key(self) -> tuple[object, ...]:
        """The same for edits that do the same."""
        made = tuple((s.key, new) for s, new in self.changes)
        return (made, self.text if self.statements else "", self.solve)
