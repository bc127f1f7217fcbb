"""The right update, of an optimizer: its rule as a function of one parameter, its gradient and its state, by name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from microgradnp.optim import Optimizer
from microgradnp.verify.claims import DerivationError


class OptimizerRule:
    """What an optimizer does with one parameter.

    Called with the parameter, its gradient and the state by name, it returns the new parameter and the new state (the
    parameter alone where there is none). State that is not given is that before the first step.

    Parameters
    ----------
    optimizer : Optimizer
        Its rule and settings are used, not its parameters.
    of : str
        Name of the parameter: of groups, the settings of that in which it is.
    renamed : mapping of str to str
        How the state is called, where not as the optimizer calls it.
    """

    def __init__(self, optimizer: Optimizer, of: str, renamed: Mapping[str, str]) -> None:
        own = [slot.group for slot in optimizer.slots if of in (slot.name, slot.tensor.name)]
        groups = own or (optimizer.groups if len(optimizer.groups) == 1 else [])
        self.optimizer = optimizer
        self.settings = dict(groups[0].settings if groups else optimizer.settings)
        self.kept = optimizer.needed(self.settings)
        first = dict(zip(optimizer.states, optimizer.blank(), strict=True))
        self.first = {name: first[name] for name in self.kept} | ({"t": 1} if optimizer.counted else {})
        unknown = [name for name in renamed if name not in self.first]
        if unknown:
            raise DerivationError(
                f"d.update({of!r}, state=...): {', '.join(unknown)} is no state of {type(optimizer).__name__}; it has "
                f"{', '.join(self.first) or 'none'}"
            )
        self.names = {name: renamed.get(name, name) for name in self.first}
        self.ahead = 0  # 1 for an update that counts the step itself, from the number of those before
        known = inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.__signature__ = inspect.Signature(
            [
                *(inspect.Parameter(name, known) for name in ("parameter", "gradient")),
                *(inspect.Parameter(self.names[name], known, default=value) for name, value in self.first.items()),
            ]
        )

    def __call__(self, parameter: Any, gradient: Any, **state: Any) -> Any:
        """Return the new parameter, the new state, and the number of the step where that counts."""
        optimizer = self.optimizer
        given = {name: state.get(called, self.first[name]) for name, called in self.names.items()}
        states = [given.get(name, 0.0) for name in optimizer.states]
        counted = [given["t"] + self.ahead] if optimizer.counted else []
        new = type(optimizer).rule(parameter, gradient, *states, *counted, **self.settings)
        kept = [new[i + 1] for i, name in enumerate(optimizer.states) if name in self.kept]
        return (new[0], *kept, *counted) if self.first else new[0]

    def count(self, value: Any, environment: Mapping[str, Any]) -> None:
        """Find out from what a hand-written update returns whether it counts the step itself."""
        t = environment.get(self.names.get("t", ""))
        after = None
        if isinstance(value, dict):
            after = value.get(self.names.get("t", ""))
        elif isinstance(value, tuple | list) and len(value) == len(self.kept) + 2:
            after = value[-1]
        if t is not None and after is not None:
            self.ahead = int(np.shape(after) == () and bool(after == t + 1))

    def positions(self, value: Mapping[str, Any], of: str) -> tuple[int, ...] | None:
        """Return which of the results an update returns by name; None where a name says nothing."""
        known = {of: 0, "parameter": 0} | {called: i for i, called in enumerate(self.names.values(), 1)}
        return tuple(known[key] for key in value) if all(key in known for key in value) else None

    def check_names(self, who: str, others: Sequence[str], environment: Mapping[str, Any]) -> None:
        """Raise if an update takes its state under names that the rule does not know: it would be judged without."""
        missing = [name for name, called in self.names.items() if called not in environment]
        shape = np.shape(environment["parameter"])
        state = [a for a in others if shape and np.shape(environment[a]) == shape]
        if missing and state:
            raise DerivationError(
                f"{who} takes {', '.join(state)}, but nobody provides {', '.join(missing)}, as the state of "
                f"{type(self.optimizer).__name__} is called: pass it to verify() by this name, or say which is which, "
                f"d.update(..., state={{{missing[0]!r}: {state[0]!r}}})"
            )
        if "t" in missing and len(missing) < len(self.names):
            raise DerivationError(
                f"the rule of {who}, {type(self.optimizer).__name__}, counts: pass t, the number of this step from 1, to "
                "verify()"
            )
