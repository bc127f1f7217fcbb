"""What is claimed: a formula, what it is of, and how it is used by others."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Function = Callable[..., Any]


class DerivationError(Exception):
    """A derivation that cannot be checked as it stands; says how to mend it."""


@dataclass
class Claim:
    """One formula: what it is of, and how it is computed.

    Attributes
    ----------
    kind : {"gradient", "value", "update", "backward"}
    of : str
        The quantity, maybe with indices: ``"Wo"``, ``"Wo[i, j]"``.
    name : str
        The claim's own name, by which other formulas use it.
    function : callable
    """

    kind: str
    of: str
    name: str
    function: Function
    tolerance: float | None = None
    rule: Any = None
    results: tuple[int, ...] | None = (
        None  # which results of its rule an update returns: () the parameter alone, None all
    )
    returns: Mapping[str, str] | None = None
    wrt: Sequence[str] | None = None
    owner: Claim | None = None  # the backward function of which it is one gradient
    output: str = ""  # and the key under which that returns it
    locals: Mapping[str, str] | None = None
    at: str = "input"  # where a derivative is told
    points: Any = None

    def __post_init__(self) -> None:
        try:
            parameters = inspect.signature(self.function).parameters.values()
        except (TypeError, ValueError) as error:
            raise DerivationError(f"the formula for {self.of} is no function that can be called: {error}") from error
        self.arguments = {p.name: p.default for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
        self.open = any(p.kind is p.VAR_KEYWORD for p in parameters)  # **cache takes every quantity
        self.quantity, self.indices = parsed_target(self.of)

    def settle(self, names: Mapping[str, Any]) -> None:
        """Decide whether ``"zs[0]"`` is the name of a quantity, or an entry of the quantity ``zs``."""
        self.quantity, self.indices = (self.of, []) if self.of in names else parsed_target(self.of)

    @property
    def where(self) -> tuple[int | slice, ...]:
        """The part of the quantity that is claimed: all of it, but for fixed indices."""
        return tuple(int(i) if is_integer(i) else slice(None) for i in self.indices)

    @property
    def letters(self) -> list[str]:
        """The indices of which the claim is a function."""
        return [i for i in self.indices if i.isidentifier()]

    def claimed(self) -> list[str]:
        """The quantities whose gradients it is known to be about."""
        if self.kind == "backward":
            return [*(self.wrt or ()), *(self.returns or {}).values(), *(self.locals or {}).values()]
        return [self.quantity] if self.kind not in ("value", "derivative") else []

    def needed(self) -> list[str]:
        """Return the arguments that have no default, and are no indices of the claim."""
        return [
            a for a, default in self.arguments.items() if default is inspect.Parameter.empty and a not in self.indices
        ]


def parsed_target(of: str) -> tuple[str, list[str]]:
    """Split ``"Wo[i, :]"`` or ``"bs[-1]"`` into the quantity and its indices; ``cache["A"]`` is a name."""
    head, bracket, rest = of.rpartition("[")
    parts = [p.strip() for p in rest.removesuffix("]").split(",")]
    indexed = bracket and rest.endswith("]") and all(p == ":" or p.isidentifier() or is_integer(p) for p in parts)
    return (head.strip(), parts) if indexed else (of, [])


def is_integer(text: str) -> bool:
    """Return whether a text is a whole number, maybe negative."""
    return text.removeprefix("-").isdecimal()


def ordered(claims: Sequence[Claim]) -> list[Claim]:
    """Return the claims so that each comes after those it uses."""
    by_name = {claim.name: claim for claim in claims}
    done: list[Claim] = []
    waiting = list(claims)
    while waiting:
        ready = [c for c in waiting if all(by_name[a] in done for a in c.arguments if a in by_name and a != c.name)]
        ready = [c for c in ready if c.name not in c.arguments or c.kind == "backward"]
        if not ready:
            raise DerivationError(
                "the claims use each other in a circle: "
                + ", ".join(f"{c.name}({', '.join(c.arguments)})" for c in waiting)
            )
        done += ready
        waiting = [c for c in waiting if c not in ready]
    return done


def listed(names: Mapping[str, Any]) -> str:
    """Return names for a message, without the intermediate values of rebound variables."""
    shown = [n for n in names if "@" not in n and "." not in n]
    return ", ".join(shown[:20]) + (", ..." if len(shown) > 20 else "")


def source_of(function: Function) -> str:
    """Return the expression that a formula returns, as it is written; empty where the source is not at hand."""
    if isinstance(text := getattr(function, "text", None), str):  # a formula with indices
        return text
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return ""
    try:
        parsed = ast.parse(inspect.cleandoc(source) if source[:1].isspace() else source)
    except SyntaxError:
        return ""
    for node in ast.walk(parsed):
        if isinstance(node, ast.FunctionDef) and node.name == getattr(function, "__name__", ""):
            returns = [n for n in ast.walk(node) if isinstance(n, ast.Return) and n.value is not None]
            value = returns[0].value if len(returns) == 1 else None
            return ast.unparse(value) if value is not None else ""
        if isinstance(node, ast.Lambda) and getattr(function, "__name__", "") == "<lambda>":
            return ast.unparse(node.body)
    return ""
