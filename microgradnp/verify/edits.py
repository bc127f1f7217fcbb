"""The changes of a formula that undo the mistakes people make, the most likely first."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator

from microgradnp.verify.edit import Edit
from microgradnp.verify.exchanged import Exchanged
from microgradnp.verify.omitted import Omitted
from microgradnp.verify.statements import Statements
from microgradnp.verify.written import Written


class Editor(Written, Statements, Omitted, Exchanged):
    """Knows a function and its values at one input, and yields the edits of it."""

    def families(self) -> tuple[tuple[float, Callable[[], Iterator[Edit]]], ...]:
        """Return the families of edits, each with the rank of its most likely mistake."""
        return (
            (0.0, self.signs), (0.0, self.transposes), (0.0, self.operators), (0.0, self.reductions),
            (0.0, self.calls), (0.0, self.comparisons), (0.0, self.subscripts), (0.0, self.statements),
            (0.0, self.einsums), (0.0, self.constants), (0.0, self.sizes), (0.0, self.choices),
            (0.12, self.missing_slopes), (0.15, self.exchanged_names), (0.15, self.missing_sums),
            (0.2, self.exchanged_pairs), (0.2, self.reordered),
            (0.25, self.replaced_slopes), (0.25, self.slices), (0.13, self.missing_terms),
            (0.13, self.missing_factors), (0.4, self.missing_matrices), (0.4, self.exchanged_expressions),
        )  # fmt: skip

    def ordered(self) -> Iterator[Edit]:
        """Yield all edits by rank; a family is only begun when its first edit is due."""
        count = itertools.count()
        waiting: list[tuple[float, int, Edit]] = []
        seen = set()
        for least, family in (*sorted(self.families(), key=lambda f: f[0]), (float("inf"), None)):
            while waiting and waiting[0][0] < least:
                edit = heapq.heappop(waiting)[2]
                if edit.key not in seen:
                    seen.add(edit.key)
                    yield edit
            if family is not None:
                for edit in family():
                    heapq.heappush(waiting, (edit.rank, next(count), edit))
