"""What a picture shows, before it has a look: boxes, and the arrows between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["input", "parameter", "operation", "output", "folded"]

#: What a verdict on a hand-written formula can be.
STATUSES = ("correct", "wrong", "correct given its inputs", "convention", "kink", "unverifiable")


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on a quantity of a picture, usually the verdict on a formula for its gradient.

    Parameters
    ----------
    text : str
        Shown below the quantity.
    status : str, optional
        One of "correct", "wrong", "correct given its inputs", "convention", "kink", "unverifiable". Decides
        the frame, the symbol and the colour.

    Raises
    ------
    ValueError
        If the status is none of these.

    Examples
    --------
    >>> from microgradnp.draw import Note
    >>> Note("twice too large", status="wrong").status
    'wrong'
    """

    text: str = ""
    status: str | None = None

    def __post_init__(self) -> None:
        if self.status is not None and self.status not in STATUSES:
            known = ", ".join(map(repr, STATUSES))
            raise ValueError(f"the status of a note is one of {known}; {self.status!r} is not")


@dataclass(slots=True, eq=False)
class Box:
    """One quantity of a picture with the operation that made it, or many that are folded into one box."""

    kind: Kind
    name: str | None = None
    formula: str = ""
    size: str = ""  # shape, and dtype where it is not float64
    rows: list[tuple[str, str]] = field(default_factory=list)  # ("gradient", "−1 … 1")
    note: Note | None = None
    scope: str = ""  # the layer that it belongs to, "encoder.first"
    arrows: list[tuple[Box, str]] = field(default_factory=list)  # where they come from, and their marks


@dataclass(slots=True)
class Diagram:
    """A picture without a look. Boxes come in order: operands before results."""

    name: str
    boxes: list[Box]
    captions: list[str] = field(default_factory=list)
    title: str = ""
