"""A derivation right, and the same with one line mistaken: what is found, and whether it is found where it is.

What the files of this folder share. A study has a forward pass and the backward function that people write for it; a
mistake is that function with a piece of its text replaced, so that a reader sees what was done.
"""

import functools
import inspect
import linecache
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import microgradnp as mg
from microgradnp.verify.report import Report, Verdict


@dataclass
class Mistake:
    """A piece of the backward function as it should be, and as somebody wrote it.

    Attributes
    ----------
    what : str
        In the words of a teacher.
    old, new : str
    at : str
        The first gradient that it makes wrong, under the backward function's own name.
    cause : str
        What the verdict should give as the cause.
    """

    what: str
    old: str
    new: str
    at: str
    cause: str


@dataclass
class Found:
    """What the verdicts say of a mistake."""

    mistake: Mistake
    report: Report

    @property
    def first(self) -> Verdict | None:
        """The first gradient, in the order of the backward function, that is not right."""
        return next((v for v in self.report if not v.ok), None)

    @property
    def flagged(self) -> bool:
        return not self.report.ok

    @property
    def located(self) -> bool:
        return self.first is not None and own_name(self.first) == self.mistake.at

    @property
    def named(self) -> bool:
        return self.located and self.first is not None and self.first.cause == self.mistake.cause


@dataclass
class Study:
    """A forward pass, its backward function, inputs, and mistakes.

    The backward function returns a dict of gradients in the order in which it computes them, inner ones too.
    """

    title: str
    forward: Callable[..., Any]
    backward: Callable[..., Mapping[str, Any]]
    inputs: Mapping[str, Any]
    mistakes: list[Mistake] = field(default_factory=list)

    def verify(self, backward: Callable[..., Any]) -> Report:
        d = mg.Derivation(self.title)
        d.forward(self.forward)
        d.backward(backward)
        return d.verify(self.inputs)

    @functools.cached_property
    def right(self) -> Report:
        """The verdicts on the backward function as it should be."""
        return self.verify(self.backward)

    @functools.cached_property
    def found(self) -> list[Found]:
        """What is found of each mistake."""
        return [Found(m, self.verify(mistaken(self.backward, m))) for m in self.mistakes]


def mistaken(backward: Callable[..., Any], mistake: Mistake) -> Callable[..., Any]:
    """Return a function with a piece of its source replaced."""
    source = textwrap.dedent(inspect.getsource(backward))
    if source.count(mistake.old) != 1:
        raise ValueError(
            f"{mistake.old!r} must stand once in {backward.__name__}, not {source.count(mistake.old)} times"
        )
    source = source.replace(mistake.old, mistake.new)
    file = f"<{backward.__name__}: {mistake.what}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    scope = dict(backward.__globals__)
    exec(compile(source, file, "exec"), scope)
    return scope[backward.__name__]


def own_name(verdict: Verdict) -> str:
    """Return what the backward function calls the gradient."""
    return verdict.name.partition("[")[2].strip("']") if "['" in verdict.name else verdict.name


def lines(study: Study) -> Iterator[str]:
    """Yield the findings of a study as text."""
    yield f"{study.title}: {sum(v.ok for v in study.right)} of {len(study.right)} gradients are right as written"
    for found in study.found:
        m, first = found.mistake, found.first
        yield f"  {m.what}"
        yield f"    - {m.old}"
        yield f"    + {m.new or '(left out)'}"
        if first is None:
            yield "    not found"
            continue
        wrong = [own_name(v) for v in found.report if not v.ok]
        yield f"    {first.status} first at {own_name(first)}; not right: {', '.join(wrong)}"
        yield f"    {first.cause}: {first.explanation}"


def show(*studies: Study) -> None:
    """Print the findings of studies."""
    for study in studies:
        print("\n".join(lines(study)))
        print()
