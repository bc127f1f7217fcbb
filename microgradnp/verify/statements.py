"""Edits of whole statements, loops and indices: accumulations, order, shifts by one."""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from microgradnp.verify.causes import Causes
from microgradnp.verify.edit import Edit
from microgradnp.verify.judgement import Cause
from microgradnp.verify.source import called_name

#: Statements that can change places.
SIMPLE = (ast.Assign, ast.AugAssign)


class Statements(Causes):
    """Yields edits of statements and indices."""

    def subscripts(self) -> Iterator[Edit]:
        """Yield indices off by one, and other entries of the same container."""
        for s in self.numbers:
            node = s.node
            if not isinstance(node, ast.Subscript):
                continue
            base, index = ast.unparse(node.value), node.slice
            text = ast.unparse(index)
            if isinstance(index, ast.Constant) and isinstance(index.value, str):
                container = self.names.get(base)
                if isinstance(container, Mapping):
                    for key, value in container.items():
                        if key != index.value and np.shape(value) == self.value[s.key].shape:
                            yield Edit(0.3, self.operand_cause(s, base, ""), s, f"{base}[{key!r}]", "")
                continue
            if isinstance(index, ast.Constant | ast.UnaryOp):
                if np.ndim(self.of(node.value)):
                    text = f"with only one entry of {base} in place of their sum"
                    yield Edit(0.15, Cause.MISSING_TERM, s, f"np.sum({base}, axis=0)", text)
                for offset in (1, -1):
                    cause = self.operand_cause(s, "", "", shifted=False)
                    yield Edit(0.3, cause, s, f"{base}[{ast.unparse(index)} + {offset}]", "")
                continue
            loops = self.loop_variables(s.above)
            for new in dict.fromkeys(shifted_indices(index, loops)):
                if new != text:
                    yield Edit(0.2, Cause.SHIFTED_INDEX, s, f"{base}[{new}]", "")
            parts = index.elts if isinstance(index, ast.Tuple) else [index]
            for k, part in enumerate(parts):
                if isinstance(part, ast.Name | ast.BinOp):
                    for step in ("+ 1", "- 1"):
                        shown = [ast.unparse(p) if j != k else f"{ast.unparse(p)} {step}" for j, p in enumerate(parts)]
                        yield Edit(0.2, Cause.SHIFTED_INDEX, s, f"{base}[{', '.join(shown)}]", "")
            named = [k for k, p in enumerate(parts) if isinstance(p, ast.Name)]
            for k, j in itertools.combinations(named, 2):
                turned = [ast.unparse(p) for p in parts]
                turned[k], turned[j] = turned[j], turned[k]
                yield Edit(0.15, Cause.TRANSPOSE, s, f"{base}[{', '.join(turned)}]", "")
            if isinstance(index, ast.Name | ast.BinOp):
                for other in ("0", "-1"):
                    yield Edit(0.5, Cause.SHIFTED_INDEX, s, f"{base}[{other}]", "")
            if text and isinstance(index, ast.Tuple) and len(parts) == 2:
                names = {n.id for n in ast.walk(index) if isinstance(n, ast.Name)}
                for k, other in itertools.product(range(2), sorted(names)):
                    shown = [ast.unparse(p) if j != k else other for j, p in enumerate(parts)]
                    yield Edit(0.3, Cause.SHIFTED_INDEX, s, f"{base}[{', '.join(shown)}]", "")

    def loop_variables(self, above: Sequence[ast.AST]) -> list[str]:
        """Return the variables of the loops and comprehensions around an expression."""
        found: dict[str, None] = {}
        for node in above:
            loops = [node] if isinstance(node, ast.For) else getattr(node, "generators", [])
            for loop in loops:
                found.update(dict.fromkeys(n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)))
        return list(found)

    # -- statements

    def statements(self) -> Iterator[Edit]:
        """Yield accumulations overwritten or missing, values changed before they are used, loops cut short."""
        for k, (statement, _) in enumerate(self.program.statements):
            if isinstance(statement, ast.AugAssign):
                yield from self.accumulations(k, statement)
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                yield from self.assignments(k, statement)
            yield from self.loops(k, statement)
            if isinstance(statement, SIMPLE):
                yield from self.indices(k, statement)
        yield from self.orders()

    def accumulations(self, k: int, statement: ast.AugAssign) -> Iterator[Edit]:
        """Yield accumulations too many, turned, and those that should overwrite, or add up entries that occur twice."""
        here = ast.unparse(statement)
        target, value = ast.unparse(statement.target), ast.unparse(statement.value)
        cause: Cause | Callable[[], Cause] = (
            Cause.STALE_VALUE if self.is_given(statement.target) else self.term_cause(statement.value, statement.value)
        )
        yield Edit(0.12, cause, None, "", f"it is right without `{here}`", {k: [ast.Pass()]})
        for op, sign in ((ast.Sub, "-"), (ast.Add, "+")):
            if not isinstance(statement.op, op):
                yield replaced(0.12, Cause.SIGN, here, k, f"{target} {sign}= {value}")
        yield replaced(0.2, Cause.DOUBLE_COUNT, here, k, f"{target} = {value}")
        if isinstance(statement.target, ast.Subscript) and isinstance(statement.op, ast.Add | ast.Sub):
            yield from self.gathered(k, statement.target, value, here, isinstance(statement.op, ast.Sub))

    def gathered(self, k: int, target: ast.Subscript, value: str, here: str, minus: bool = False) -> Iterator[Edit]:
        """Yield the accumulation into entries that may occur more than once."""
        if any(isinstance(n, ast.Slice) for n in ast.walk(target.slice)):
            return
        base, index = ast.unparse(target.value), ast.unparse(target.slice)
        new = f"np.{'subtract' if minus else 'add'}.at({base}, ({index}), {value})"
        text = f"`{here}` counts an entry that occurs more than once only once: it should be `{new}`"
        yield Edit(0.16, Cause.MISSING_TERM, None, "", text, {k: ast.parse(new).body})

    def assignments(self, k: int, statement: ast.Assign) -> Iterator[Edit]:
        """Yield assignments too many, and those that should add to what was there, or multiply it."""
        target, here, value = ast.unparse(statement.targets[0]), ast.unparse(statement), ast.unparse(statement.value)
        part = isinstance(statement.targets[0], ast.Subscript)
        if self.is_given(statement.targets[0]) or self.bound_before(k, target):
            changed = self.is_given(statement.targets[0]) or target in value
            cause = Cause.STALE_VALUE if changed else Cause.DOUBLE_COUNT
            yield Edit(0.12, cause, None, "", f"it is right without `{here}`", {k: [ast.Pass()]})
        if self.bound_before(k, target) or part:
            text = f"`{here}` overwrites what was there: it should add to it"
            new = ast.parse(f"{target} = {target} + ({value})").body
            yield Edit(0.15, Cause.MISSING_TERM, None, "", text, {k: new})
            text = f"`{here}` overwrites what was there: it should multiply it"
            new = ast.parse(f"{target} = {target} * ({value})").body
            yield Edit(0.3, Cause.MISSING_FACTOR, None, "", text, {k: new})
        if part:
            assert isinstance(statement.targets[0], ast.Subscript)
            yield from self.gathered(k, statement.targets[0], value, here)

    def indices(self, k: int, statement: ast.stmt) -> Iterator[Edit]:
        """Yield other indices in all of a statement, on its left side too."""
        assert isinstance(statement, SIMPLE)
        here = ast.unparse(statement)
        below = [n for n in ast.walk(statement) if isinstance(n, ast.Subscript)]
        left = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        stored = [n for target in left for n in ast.walk(target) if isinstance(n, ast.Subscript)]
        if len(below) > 1 or stored:
            loops = self.loops_around(k)
            for var in loops:
                for step in (1, -1):
                    new = with_indices(statement, lambda index, v=var, s=step: moved(index, v, s))  # type: ignore[misc]
                    yield replaced(0.25, Cause.SHIFTED_INDEX, here, k, new)
            yield replaced(0.25, Cause.SHIFTED_INDEX, here, k, with_indices(statement, unturned))
        for target in stored:
            index = target.slice
            parts = index.elts if isinstance(index, ast.Tuple) else [index]
            for j, part in enumerate(parts):
                others: list[tuple[ast.expr, Cause]] = []
                if isinstance(part, ast.BinOp):
                    others += [(n, Cause.SHIFTED_INDEX) for n in ast.walk(part) if isinstance(n, ast.Name)]
                if isinstance(part, ast.Slice) and not (part.lower or part.upper or part.step) and len(parts) > 1:
                    rows = ast.parse(f"np.arange({ast.unparse(target.value)}.shape[{j}])", mode="eval").body
                    others.append((rows, Cause.WRONG_MASK))
                for new_part, cause in others:
                    changed = copy.deepcopy(statement)
                    twin = next(
                        n for n in ast.walk(changed) if isinstance(n, ast.Subscript) and ast.dump(n) == ast.dump(target)
                    )
                    if isinstance(twin.slice, ast.Tuple):
                        twin.slice.elts[j] = new_part
                    else:
                        twin.slice = new_part
                    yield replaced(0.2, cause, here, k, ast.unparse(changed))

    def orders(self) -> Iterator[Edit]:
        """Yield statements that should be in another order, where one changes what the other uses."""
        numbers = {id(statement): k for k, (statement, _) in enumerate(self.program.statements)}
        for tree in self.program.trees:
            for block in blocks(tree):
                for one, two in itertools.pairwise(block):
                    if not (isinstance(one, SIMPLE) and isinstance(two, SIMPLE)):
                        continue
                    if not (written_by(one) & read_by(two) or written_by(two) & read_by(one)):
                        continue
                    k, j = numbers[id(one)], numbers[id(two)]
                    a, b = ast.unparse(one), ast.unparse(two)
                    text = f"`{a}` should come after `{b}`, which uses what was there before"
                    yield Edit(0.28, Cause.STALE_VALUE, None, "", text, {k: [two], j: [one]})
                    both = [s for s in (one, two) if isinstance(s, ast.Assign) and len(s.targets) == 1]
                    if len(both) == 2:
                        left, right = (", ".join(ast.unparse(x) for x in side) for side in zip(*(
                            (s.targets[0], s.value) for s in both), strict=True))  # fmt: skip
                        text = f"`{b}` uses what `{a}` has changed, where what was there before belongs"
                        new = ast.parse(f"{left} = {right}").body
                        yield Edit(0.28, Cause.STALE_VALUE, None, "", text, {k: new, j: [ast.Pass()]})
                for one in block:  # two values that are changed at once, where the second should use the first
                    if isinstance(one, ast.Assign) and isinstance(one.value, ast.Tuple):
                        target = one.targets[0]
                        if not isinstance(target, ast.Tuple) or len(target.elts) != len(one.value.elts):
                            continue
                        single = [ast.Assign([t], v) for t, v in zip(target.elts, one.value.elts, strict=True)]
                        for order in (single, single[::-1]):
                            new = ast.parse("\n".join(ast.unparse(ast.fix_missing_locations(s)) for s in order)).body
                            text = f"`{ast.unparse(one)}` should change one after the other"
                            yield Edit(0.28, Cause.STALE_VALUE, None, "", text, {numbers[id(one)]: new})

    def loops(self, k: int, statement: ast.stmt) -> Iterator[Edit]:
        """Yield loops and comprehensions that run one turn more or less, or over a part."""
        if isinstance(statement, ast.For):
            inner: list[ast.For | ast.comprehension] = [statement]
        elif isinstance(statement, (*SIMPLE, ast.Return)):
            inner = [n for n in ast.walk(statement) if isinstance(n, ast.comprehension)]
        else:
            return
        for loop in inner:
            old = ast.unparse(loop.iter)
            for new in iterators(loop.iter):
                changed = copy.deepcopy(statement)
                for twin in ast.walk(changed):
                    if isinstance(twin, ast.For | ast.comprehension) and ast.dump(twin.iter) == ast.dump(loop.iter):
                        twin.iter = ast.parse(new, mode="eval").body
                        break
                text = f"`for {ast.unparse(loop.target)} in {old}` should run over `{new}`"
                turned = ("reversed" in old) != ("reversed" in new)
                cause = Cause.SHIFTED_INDEX if turned else Cause.MISSING_TERM
                yield Edit(0.2, cause, None, "", text, {k: [changed]})

    def loops_around(self, k: int) -> list[str]:
        """Return the variables of the loops around a statement, and in it."""
        statement = self.program.statements[k][0]
        found: dict[str, None] = {}
        for other, _ in self.program.statements:
            if isinstance(other, ast.For) and any(n is statement for n in ast.walk(other)):
                found.update(dict.fromkeys(n.id for n in ast.walk(other.target) if isinstance(n, ast.Name)))
        for node in ast.walk(statement):
            for loop in getattr(node, "generators", []):
                found.update(dict.fromkeys(n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)))
        return list(found)


def replaced(rank: float, cause: Cause, here: str, k: int, new: str) -> Edit:
    """Return the edit that puts another statement in the place of one."""
    body = ast.parse(new).body
    return Edit(rank, cause, None, "", f"`{here}` should be `{ast.unparse(body[0])}`", {k: body})


def iterators(loop: ast.expr) -> Iterator[str]:
    """Yield what else a loop could run over: one turn more or less, the whole of what it takes a part of."""
    text = ast.unparse(loop)
    if isinstance(loop, ast.Subscript) and isinstance(loop.slice, ast.Slice):
        yield ast.unparse(loop.value)
    if isinstance(loop, ast.Call) and called_name(loop) in ("set", "sorted", "unique", "reversed") and loop.args:
        yield ast.unparse(loop.args[0])
    if isinstance(loop, ast.Call) and called_name(loop) == "range":
        yield f"reversed({text})"
    for call in [n for n in ast.walk(loop) if isinstance(n, ast.Call) and called_name(n) == "range"]:
        arguments = [ast.unparse(a) for a in call.args]
        for j, step in itertools.product(range(len(arguments)), (" + 1", " - 1")):
            shown = ", ".join(a + (step if i == j else "") for i, a in enumerate(arguments))
            yield text.replace(ast.unparse(call), f"range({shown})")


def shifted_indices(index: ast.expr, loops: Sequence[str]) -> Iterator[str]:
    """Yield an index with a loop's variable moved by one, counted from the other end, or put into a slice."""
    for var in loops:
        for step in (1, -1):
            yield ast.unparse(moved(index, var, step))
        for stride in (2, 3):
            yield ast.unparse(strided(index, var, stride))
    yield ast.unparse(unturned(index))
    yield ast.unparse(strided(index))
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    for k, part in enumerate(parts):
        if not isinstance(part, ast.Slice):
            continue
        used = {n.id for n in ast.walk(part) if isinstance(n, ast.Name)}
        for var in loops:
            if var not in used and part.step is None:
                lower = f"{ast.unparse(part.lower)} + {var}" if part.lower else var
                upper = f"{var} + {ast.unparse(part.upper)}" if part.upper else ""
                shown = [ast.unparse(p) if j != k else f"{lower}:{upper}" for j, p in enumerate(parts)]
                yield ", ".join(shown)


def moved(index: ast.expr, var: str, step: int) -> ast.expr:
    """Return an index with a variable moved by one."""

    class Mover(ast.NodeTransformer):
        def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
            one = isinstance(node.right, ast.Constant) and node.right.value == 1
            is_step = isinstance(node.op, ast.Add if step == -1 else ast.Sub)
            if isinstance(node.left, ast.Name) and node.left.id == var and one and is_step:
                return node.left
            return self.generic_visit(node)

        def visit_Name(self, node: ast.Name) -> ast.AST:
            if node.id != var:
                return node
            return ast.BinOp(node, ast.Add() if step == 1 else ast.Sub(), ast.Constant(1))

    made: ast.expr = Mover().visit(copy.deepcopy(index))
    return made


def strided(index: ast.expr, var: str = "", stride: int = 1) -> ast.expr:
    """Return an index with a variable in strides, or, without one, with the strides left out."""

    class Strider(ast.NodeTransformer):
        def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
            if isinstance(node.op, ast.Mult):  # it has strides already
                named = [n for n in (node.left, node.right) if isinstance(n, ast.Name)]
                return node if var or not named else named[-1]
            return self.generic_visit(node)

        def visit_Name(self, node: ast.Name) -> ast.AST:
            return node if node.id != var else ast.BinOp(ast.Constant(stride), ast.Mult(), node)

    made: ast.expr = Strider().visit(copy.deepcopy(index))
    return made


def unturned(index: ast.expr) -> ast.expr:
    """Return an index that is counted from the other end: `i` for `n - i`."""

    class Turner(ast.NodeTransformer):
        def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
            if isinstance(node.op, ast.Sub) and isinstance(node.right, ast.Name):
                return node.right
            return self.generic_visit(node)

    made: ast.expr = Turner().visit(copy.deepcopy(index))
    return made


def with_indices(statement: ast.stmt, change: Callable[[ast.expr], ast.expr]) -> str:
    """Return a statement with every index changed."""
    changed = copy.deepcopy(statement)
    for node in ast.walk(changed):
        if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
            node.slice = change(node.slice)
    return ast.unparse(ast.fix_missing_locations(changed))


def blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of statements of a function."""
    for node in ast.walk(tree):
        for _, block in ast.iter_fields(node):
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def written_by(statement: ast.stmt) -> set[str]:
    """Return the variables that a statement changes."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", statement)]
    found = set()
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                found.add(node.id)
                break
        if isinstance(target, ast.Tuple):
            found |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
    return found


def read_by(statement: ast.stmt) -> set[str]:
    """Return the variables that a statement uses."""
    found = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return found | (written_by(statement) if isinstance(statement, ast.AugAssign) else set())
