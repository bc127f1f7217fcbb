"""The cases: right derivations, the same with one planted mistake, and other right forms."""

from __future__ import annotations

import ast
import importlib
import linecache
import pkgutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

import microgradnp as mg
from tests.verify.held_out import derivations, second

SETS = {"first": derivations, "second": second}


@dataclass(frozen=True)
class Case:
    """One derivation as somebody wrote it.

    Attributes
    ----------
    derivation : str
        The file.
    where : tuple of str
        The quantity where the first mistake is, then what else may be blamed with equal right. Empty if there is none.
    was, becomes : str
        The edit of the right derivation.
    causes : tuple of str
        Empty for a right derivation.
    """

    derivation: str
    where: tuple[str, ...]
    was: str
    becomes: str
    causes: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether there is no mistake."""
        return not self.causes

    def __str__(self) -> str:
        if not self.was:
            return f"{self.derivation}: right"
        return f"{self.derivation}: {'right, ' if self.right else ''}{self.was!r} -> {self.becomes!r}"

    def source(self) -> str:
        """Return the derivation's text with the edit made."""
        text = right_source(self.derivation)
        if not self.was:
            return text
        if text.count(self.was) != 1:
            raise ValueError(f"{self}: stands {text.count(self.was)} times in the file")
        return text.replace(self.was, self.becomes)

    def load(self, kind: type = mg.Derivation) -> tuple[Any, dict[str, Any]]:
        """Return the derivation, made as an object of `kind`, and its random inputs."""
        text = self.source()
        # As if it were a file of its own, so that the verifier can read what was written.
        filename = f"<{self.derivation} {zlib.crc32(text.encode()):08x}>"
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        namespace: dict[str, Any] = {"__name__": self.derivation}
        with patch.object(mg, "Derivation", kind):
            exec(compile(text, filename, "exec"), namespace)
        rng = np.random.default_rng(zlib.crc32(self.derivation.encode()))
        return namespace["d"], namespace["inputs"](rng)


@cache
def right_source(name: str) -> str:
    """Return the text of a right derivation, without the lists of its variants."""
    file = module(name).__file__
    assert file
    with open(file, encoding="utf-8") as stream:
        text = stream.read()
    ends = [
        statement.lineno - 1
        for statement in ast.parse(text).body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id in ("MISTAKES", "RIGHT")
    ]
    return "".join(text.splitlines(keepends=True)[: min(ends)])


def names(chosen: str | None = None) -> list[str]:
    """Return the names of the derivations of one set, or of all; no name is in two sets."""
    sets = [SETS[chosen]] if chosen else SETS.values()
    return sorted(found.name for package in sets for found in pkgutil.iter_modules(package.__path__))


@cache
def module(name: str) -> ModuleType:
    """Return the module of a derivation."""
    package = next(package for chosen, package in SETS.items() if name in names(chosen))
    return importlib.import_module(f"{package.__name__}.{name}")


def cases(chosen: str | None = None) -> Iterator[Case]:
    """Return the cases of one set, or of all: each derivation itself, its other right forms, then its mistakes."""
    for name in names(chosen):
        variants = module(name)
        yield Case(name, (), "", "", ())
        for was, becomes in getattr(variants, "RIGHT", ()):
            yield Case(name, (), was, becomes, ())
        for where, was, becomes, causes in variants.MISTAKES:
            yield Case(name, tuple(where.split("|")), was, becomes, tuple(causes.split("|")))
