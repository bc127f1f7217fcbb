"""Why a formula is wrong, found in its own source: the single edit that makes it right, at several inputs."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

import numpy as np

from microgradnp.verify.constants import constant_name
from microgradnp.verify.edit import Edit
from microgradnp.verify.edits import Editor
from microgradnp.verify.effects import named
from microgradnp.verify.effort import Effort
from microgradnp.verify.judgement import Cause
from microgradnp.verify.meaning import Meaning, close
from microgradnp.verify.source import Change, Program, expression

Array = Any
Function = Callable[..., Any]

#: What it is to compile an edited statement.
COMPILING = 1000.0


@dataclass
class Case:
    """The formula at one input.

    Attributes
    ----------
    run : callable
        Takes the function, maybe edited, and returns what it gives, by output.
    right : dict of str to array
        What it should give.
    names : dict
        What an edit can use.
    hidden : dict of str to str
        Names among them that are ours, and what they are in words.
    meaning : Meaning
    known : dict
        The inputs and what is constant: what a constant can be called after.
    """

    run: Callable[[Function], Mapping[str, Any]]
    right: Mapping[str, Array]
    names: Mapping[str, Any]
    hidden: Mapping[str, str]
    meaning: Meaning
    known: Mapping[str, Any]

    def __post_init__(self) -> None:
        # a bias before a normalisation has a true gradient of 0, of which every right form makes some 1e-17
        sizes = [np.max(np.abs(g), initial=0.0) for g in self.meaning.gradients.values() if np.all(np.isfinite(g))]
        self.floor = 1e-14 * float(max(sizes, default=0.0))

    def outputs(self, function: Function | None) -> Mapping[str, Any] | None:
        """Return what an edited function gives, or None where it fails."""
        if function is None:
            return None
        try:
            with np.errstate(all="ignore"):
                return self.run(function)
        except Exception:  # most edits make no sense
            return None

    def is_right(self, key: str, value: Any) -> bool:
        """Return whether an output is what it should be."""
        try:
            if np.iscomplexobj(value):
                return False
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            return False
        right = self.right[key]
        if close(array, right):
            return True
        return array.shape == right.shape and bool(np.all(np.abs(array - right) <= self.floor))


@dataclass
class Fix:
    """An edit that works: for which outputs, and with which constant."""

    edit: Edit
    fixed: frozenset[str]
    constant: float | None = None
    name: str = ""

    @property
    def rank(self) -> float:
        """How far-fetched the mistake is; a constant that has no name is no usual mistake."""
        unnamed = self.constant is not None and not self.name
        return self.edit.rank + (0.1 if unnamed and (self.edit.new or is_whole(self.edit)) else 0.6 if unnamed else 0.0)


@dataclass
class Rewriting:
    """The search for edits that make a function right.

    Parameters
    ----------
    program : Program
    cases : sequence of Case
        The user's input first.
    effort : Effort
        What may be spent.
    """

    program: Program
    cases: Sequence[Case]
    effort: Effort
    fixes: list[Fix] = field(default_factory=list)

    def __post_init__(self) -> None:
        first = self.cases[0]
        now = first.outputs(self.program.open)
        if now is None:
            now = {}
        self.wrong = {k for k in first.right if k not in now or not first.is_right(k, now[k])}
        if self.wrong:
            self.effort.resume()
            first.meaning.own = {k: v for k, v in first.meaning.own.items() if k in self.wrong}
            self.values = self.program.values(lambda f: first.outputs(f))
            self.price = 20 + sum(1 + np.size(v) / 1000 for seen in self.values.values() for v in seen if is_number(v))
            self.editor = Editor(self.program, self.values, first.meaning, first.names, first.hidden)
            every, some = self._relevant(self.editor, now)
            self._search(every)
            if not self.wrong <= {k for fix in self.fixes for k in fix.fixed} and some:
                self._search(some)
            self.effort.pause()

    def _relevant(self, editor: Editor, now: Mapping[str, Any]) -> tuple[set[int], set[int]]:
        """Return the sites through which all wrong outputs could be mended, and those for some; no right one may move."""
        every: set[int] = set()
        some: set[int] = set()
        first = self.cases[0]
        right = set(first.right) - self.wrong
        for site in self.program.sites:
            value = editor.value.get(site.key)
            if value is None:
                continue
            if len(first.right) == 1 or value.dtype.kind != "f":
                every.add(site.key)
                continue
            outputs = first.outputs(self.program.changed({site.key: stirred}))
            if outputs is None:
                every.add(site.key)
                continue
            moved = {k for k in first.right if k not in outputs or not same(outputs[k], now.get(k), first.floor)}
            if not moved & right and moved:
                (every if moved >= self.wrong else some).add(site.key)
        return every, some

    def _search(self, sites: set[int]) -> None:
        self.editor.focus(sites)
        for edit in self.editor.ordered():
            price = self.price + (COMPILING if edit.statements else 0)
            if self._is_enough(edit.rank) or not self.effort.spend(price):
                return
            self.fixes += self._solved(edit) if edit.solve else self._tried(edit)

    def _is_enough(self, rank: float) -> bool:
        """Return whether no better fix can follow: one for all that is wrong, or, well before, several."""
        able = [fix for fix in self.fixes if fix.rank < rank]
        if any(fix.fixed >= self.wrong for fix in able):
            return True
        return {k for fix in able if fix.rank < rank - 0.2 for k in fix.fixed} >= self.wrong

    def function(self, edit: Edit, case: Case) -> Function | None:
        """Return the program edited, for use at one input."""
        if edit.statements:
            return self.program.rewritten(edit.statements)
        changes = {}
        known = {**self.program.scope, **case.names}
        for site, new in edit.changes:
            try:
                changes[site.key] = evaluated(expression(new), known)
            except SyntaxError:
                return None
        return self.program.changed(changes)

    def after(self, fix: Fix) -> dict[int, list[Any]]:
        """Return what every site is when the function runs with a fix: of what is changed, what it becomes."""
        edit, case = fix.edit, self.cases[0]
        if edit.statements or edit.site is None:
            return {}
        if fix.constant is not None:
            function: Function | None = self._scaled(edit, fix.constant, case)
        else:
            function = self.function(edit, case)
        if function is None:
            return {}
        made: dict[int, list[Any]] = {site.key: [] for site, _ in edit.changes}
        found = self.program.values(lambda f: case.outputs(f), function, made)
        return {**found, **{key: values for key, values in made.items() if values}}

    def cause(self, fix: Fix) -> Cause:
        """Return what an edit undoes, by what it does to the values."""
        usual = cause_of(fix)
        if usual is Cause.UNKNOWN:
            return usual
        try:
            return named(usual, fix.edit, self.editor, self.values, self.after(fix), fix.name)
        except Exception:  # of odd values, what an edit of this kind undoes as a rule
            return usual

    def fixed_by(self, function: Function | None, case: Case) -> frozenset[str]:
        """Return the outputs that an edit makes right; none where it spoils another."""
        outputs = case.outputs(function)
        if outputs is None:
            return frozenset()
        right = {k for k in case.right if k in outputs and case.is_right(k, outputs[k])}
        return frozenset(right & self.wrong) if right >= set(case.right) - self.wrong else frozenset()

    def _tried(self, edit: Edit) -> list[Fix]:
        fixed = self.fixed_by(self.function(edit, self.cases[0]), self.cases[0])
        for case in self.cases[1:]:
            if fixed:
                fixed &= self.fixed_by(self.function(edit, case), case)
        return [Fix(edit, fixed)] if fixed else []

    def _solved(self, edit: Edit) -> list[Fix]:
        """Return the constants by which a site must be multiplied to make outputs right."""
        found: list[Fix] = []
        for key in sorted(self.wrong):
            if any(key in fix.fixed for fix in found):
                continue
            constants = []
            for case in self.cases:
                c = self._constant(edit, case, key)
                if c is None:
                    break
                constants.append(c)
            if len(constants) < len(self.cases):
                continue
            inverse = not edit.new
            names = [
                constant_name((1 / c if inverse else c) if c else 0.0, case.known)
                for c, case in zip(constants, self.cases, strict=True)
            ]
            same = np.ptp(constants) <= 1e-7 * abs(constants[0])
            if not same and (not names[0] or len(set(names)) > 1):
                continue
            fixed = self.fixed_by(self._scaled(edit, constants[0], self.cases[0]), self.cases[0])
            for case, c in zip(self.cases[1:], constants[1:], strict=True):
                fixed &= self.fixed_by(self._scaled(edit, c, case), case)
            if fixed:
                found.append(Fix(edit, fixed, constants[0], names[0]))
        return found

    def _scaled(self, edit: Edit, c: float, case: Case) -> Function:
        assert edit.site is not None
        if edit.new:
            code, known = expression(edit.new), {**self.program.scope, **case.names}
            return self.program.changed({edit.site.key: evaluated(code, {**known, "_c": c})})
        return self.program.changed({edit.site.key: lambda value, _names: c * value})

    def _constant(self, edit: Edit, case: Case, key: str) -> float | None:
        """Return the factor at a site that makes an output right, if the output is linear in it."""
        start = 0.0 if edit.new else 1.0  # a term that is not there yet, or a factor 1
        one, two = (case.outputs(self._scaled(edit, c, case)) for c in (start, start + 1))
        if one is None or two is None or key not in one or key not in two:
            return None
        right = case.right[key]
        try:
            base, move = np.asarray(one[key], dtype=np.float64), np.asarray(two[key], dtype=np.float64)
        except (TypeError, ValueError):
            return None
        if base.shape != right.shape or move.shape != right.shape:
            return None
        with np.errstate(all="ignore"):
            move = move - base
            size = float(np.sum(move * move))
            if not size > 1e-24 * float(np.sum(base * base)):
                return None
            c = start + float(np.sum((right - base) * move)) / size
            if right.size < 3 and not constant_name(1 / c if c else 0.0, case.known) and abs(c) > 1e-9:
                return None  # one number is a multiple of any other
            if not np.isfinite(c) or not close(base + (c - start) * move, right):
                return None
        return 0.0 if abs(c) < 1e-9 else c

    def best(self, output: str) -> Fix | None:
        """Return the most plausible edit for one output: one that mends all, the usual mistake."""
        able = [fix for fix in self.fixes if output in fix.fixed]
        return min(able, key=lambda fix: (-len(fix.fixed), fix.rank), default=None)


def evaluated(code: CodeType, known: Mapping[str, Any]) -> Change:
    """Return the change of a value to that of an expression."""
    return lambda value, names: eval(code, {**known, **names, "_v": value})


def is_number(value: Any) -> bool:
    """Return whether a value is made of numbers."""
    return isinstance(value, np.ndarray | np.generic | float | int)


def stirred(value: Any, _names: Any) -> Any:
    """Return a value changed in no particular way."""
    return value * 1.37 + 0.0113 * np.cos(np.arange(np.size(value), dtype=float)).reshape(np.shape(value))


def same(a: Any, b: Any, room: float) -> bool:
    """Return whether two outputs are equal but for rounding."""
    try:
        return np.shape(a) == np.shape(b) and bool(np.all(np.abs(np.subtract(a, b)) <= room))
    except (TypeError, ValueError):
        return False


def cause_of(fix: Fix) -> Cause:
    """Return what an edit undoes."""
    cause = fix.edit.cause() if callable(fix.edit.cause) else fix.edit.cause
    if fix.constant is not None and not fix.edit.new:
        if abs(fix.constant + 1) < 1e-9:
            return Cause.SIGN
        if fix.constant == 0:
            return Cause.REGULARISER if cause is Cause.REGULARISER else Cause.DOUBLE_COUNT
    return cause


def sentence(fix: Fix, subject: str, case: Case) -> str:
    """Say what is wrong in one sentence, with the user's own names."""
    edit = fix.edit
    if fix.constant is not None and edit.new:
        constant = constant_name(fix.constant, case.known) or f"{fix.constant:.6g}"
        return f"`{subject}` equals the right answer {edit.text.replace('_c', constant)}"
    if fix.constant is not None:
        assert edit.site is not None
        if is_whole(edit):
            said = fix.name or f"{1 / fix.constant:.6g}" if fix.constant else "something"
            return f"`{subject}` equals the right answer times {said}"
        if fix.constant == 0:
            return f"`{subject}` is right without `{edit.site.text}`"
        factor = constant_name(fix.constant, case.known) or f"{fix.constant:.6g}"
        return f"`{subject}` is right if `{edit.site.text}` is multiplied by {factor}"
    if edit.statements:
        return f"`{subject}`: {edit.text}"
    if edit.also:
        return f"`{subject}` is wrong because {edit.text}"
    assert edit.site is not None
    old, new = edit.site.text, shown(edit.new, edit.site.text, case.hidden)
    if edit.text.startswith("with ") and is_whole(edit):
        return f"`{subject}` equals the right answer {edit.text}"
    if edit.text.startswith("with "):
        return f"`{subject}` equals the right answer {edit.text}: `{old}` should be `{new}`"
    if edit.text.startswith("`"):
        return f"`{subject}` is wrong because {edit.text}"
    return f"`{subject}` is right if `{old.replace(' ** ', '**')}` is changed to `{new}`"


def is_whole(edit: Edit) -> bool:
    """Return whether the edit is of all that the function returns."""
    return edit.site is not None and edit.site.part == 0 and isinstance(edit.site.parent, ast.Return)


def shown(new: str, old: str, hidden: Mapping[str, str]) -> str:
    """Return an edit as a person reads it."""
    compound = not re.fullmatch(r"[\w.\[\]'\"]+", old)
    text = re.sub(r"\b_v\b", lambda _: f"({old})" if compound and new.strip() != "_v" else old, new)
    readable = {h: f"({said})" for h, said in hidden.items() if is_expression(said)}
    text = re.sub(r"\b_(?:slope|gradient|term)\d+\b", lambda m: readable.get(m[0], m[0]), text)
    if is_expression(text):
        text = ast.unparse(ast.parse(text, mode="eval")).replace(" ** ", "**")  # with no more parentheses than it needs
    return re.sub(r"\b_(?:slope|gradient|term)\d+\b", lambda m: hidden.get(m[0], m[0]), text)


def is_expression(text: str) -> bool:
    """Return whether a text is an expression, rather than words."""
    try:
        expression(text)
    except SyntaxError:
        return False
    return True
