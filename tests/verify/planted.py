"""Single mistakes of every kind that people make, planted by machine in right derivations, with the cause of each.

The cause is known by construction: whoever leaves out the derivative of an activation has left out the derivative of an
activation. Nothing here asks the search for it.
"""

from __future__ import annotations

import ast
import copy
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from microgradnp.verify.claims import Claim, ordered
from microgradnp.verify.derivation import Derivation
from microgradnp.verify.report import Report
from tests.verify.derivations import DERIVATIONS, Draw
from tests.verify.mistakes import compiled, function_node, replaced

Tree = Any

#: Of which pre-activation a quantity is the activation, as the derivations call them.
PRE_ACTIVATIONS = {
    "network_001": {"H": "Zh"},
    "network_002": {"a_h": "z_h"},
    "regressor_003": {},
    "tied_autoencoder": {"H": "Z"},
}
#: Names of a penalty's factor, by which a term is known to be a penalty.
PENALTIES = re.compile(r"\b(lam|reg|cache\['lam'\])|np\.sign\(w\)|^0\.2 \* W")
SQUARED = re.compile(r"^1 - (.+) \*\* 2$|^1 - (\w+) \* \2$")
STEP = re.compile(r"^\(?(.+) > 0\)?$|^np\.where\(.+ > 0, 1, 0\.1\)$")
CALLED = re.compile(r"^slope\((.+)\)$|^sigmoid_derivative_h$|^slope$")


@dataclass
class Plant:
    """A derivation with one mistake in it.

    Attributes
    ----------
    derivation, claim : str
    kind : str
        What was done.
    causes : tuple of str
        The cause that a teacher would name, and others as good.
    where : str
        What was changed, as it was written.
    function : callable
        The formula with the mistake.
    """

    derivation: str
    claim: str
    kind: str
    causes: tuple[str, ...]
    where: str
    function: Callable[..., Any]

    @property
    def id(self) -> str:
        return f"{self.derivation}-{self.claim}-{self.kind}-{self.where}"


Edit = tuple[str, tuple[str, ...] | str, str, Tree]  # kind, causes, where, the changed function


class Ample(Draw):
    """Sizes that are all larger than one and differ, so that no mistake is right by accident."""

    def sizes(self, count: int, low: int = 1, high: int = 5) -> list[int]:
        found = list(self.rng.permutation(np.arange(max(low, 2), max(high, 2 + count, low + 1) + 1)))
        return [int(k) for k in found[:count]]


def ample(name: str, seed: int) -> tuple[Derivation, Any]:
    """Return a derivation with inputs of such sizes."""
    return DERIVATIONS[name](Ample(seed))


def with_claim(derivation: Derivation, name: str, function: Callable[..., Any]) -> list[Claim]:
    """Return the claims of a derivation with another function for one of them."""
    return [replace(c, function=function) if c.name == name else c for c in derivation.claims]


def plants(name: str, seed: int = 3) -> Iterator[Plant]:
    """Yield the mistakes that can be planted in one derivation."""
    derivation, inputs = ample(name, seed)
    report, variables = watched(derivation, inputs)
    assert report.ok
    for claim in derivation.claims:
        try:
            function = function_node(claim.function)
        except (LookupError, SyntaxError, OSError):
            continue
        if isinstance(function, ast.Lambda):
            arguments, body = function.args, [ast.Return(function.body)]
            function = ast.FunctionDef("mutated", arguments, body, [], None, None)
        function = copy.deepcopy(function)
        function.decorator_list = []
        site = Site(name, derivation, claim, function, report, variables[claim.function.__code__])
        for kind, causes, where, changed in site.edits():
            try:
                made_ = compiled(ast.fix_missing_locations(changed), claim.function)
            except SyntaxError:
                continue
            yield Plant(name, claim.name, kind, (causes,) if isinstance(causes, str) else causes, where, made_)


def watched(derivation: Derivation, inputs: Any) -> tuple[Report, dict[Any, dict[str, Any]]]:
    """Return the report, and the variables of every formula as they were when it first returned."""
    found: dict[Any, dict[str, Any]] = {claim.function.__code__: {} for claim in derivation.claims}

    def profile(frame: Any, event: str, _argument: Any) -> None:
        if event == "return" and frame.f_code in found and not found[frame.f_code]:
            plain = {k: v for k, v in frame.f_locals.items() if type(v).__module__ != "microgradnp.tensor"}
            found[frame.f_code].update(plain)

    sys.setprofile(profile)
    try:
        return derivation.verify(inputs), found
    finally:
        sys.setprofile(None)


class Site:
    """One formula, and the values of its variables, by which a planted mistake is told what it is."""

    def __init__(
        self, name: str, derivation: Derivation, claim: Claim, function: ast.FunctionDef, report: Report, values: Any
    ) -> None:
        self.name, self.derivation, self.claim, self.function = name, derivation, claim, function
        self.arguments = [a.arg for a in function.args.args]
        self.report = report
        self.values: dict[str, Any] = values
        self.places = [n for n in ast.walk(function) if not isinstance(n, ast.arguments)]
        self.gradients = {c.name for c in derivation.claims if c.kind == "gradient"}

    def value(self, node: Tree) -> Any:
        """Return the value of an expression, or None."""
        scope = {**self.claim.function.__globals__, **{k: c.cell_contents for k, c in closure(self.claim.function)}}
        try:
            with np.errstate(all="ignore"):
                return eval(ast.unparse(node), scope, dict(self.values))
        except Exception:
            return None

    def changed(self, node: Tree, change: Callable[[Tree, Tree], Any]) -> Tree:
        """Return the function with one node changed."""
        k = next(k for k, place in enumerate(self.places) if place is node)
        function = copy.deepcopy(self.function)
        place = [n for n in ast.walk(function) if not isinstance(n, ast.arguments)][k]
        change(place, function)
        return function

    def put(self, node: Tree, new: str | Tree) -> Tree:
        """Return the function with one expression replaced."""
        new = ast.parse(new, mode="eval").body if isinstance(new, str) else new
        return self.changed(node, lambda place, function: replaced(function, place, copy.deepcopy(new)))

    def edits(self) -> Iterator[Edit]:
        """Yield the changed functions."""
        for family in (
            whole, terms, products, constants, transposes, reductions, operands, matrix_products, comparisons,
            statements, subscripts, by_hand,
        ):  # fmt: skip
            yield from family(self)

    def expressions(self, *kinds: type) -> Iterator[Tree]:
        """Yield the expressions of some kinds that are read."""
        for node in self.places:
            if isinstance(node, kinds) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
                yield node

    def role(self, node: Tree) -> str:
        """Return what a factor is: constant, slope, mask, gradient or array."""
        text, value = ast.unparse(node), self.value(node)
        if is_slope(text):
            return "slope"
        if re.fullmatch(r"mask|cache\['mask'\]|known|others", text):
            return "mask"
        if isinstance(node, ast.Constant) or (value is not None and np.ndim(value) == 0 and self.is_array_claim()):
            return "constant"
        if isinstance(node, ast.Name) and node.id in self.gradients:
            return "gradient"
        return "array" if value is not None else "unknown"

    def is_array_claim(self) -> bool:
        return np.ndim(self.report[self.claim.name].autodiff) > 0 if self.claim.kind != "backward" else True


def closure(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    return list(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))


def is_slope(text: str) -> bool:
    """Return whether an expression is the derivative of an activation, as people write it."""
    half = re.fullmatch(r"(.+) \* \(1(?:\.0)? - (.+)\)|np\.multiply\((.+), 1 - (.+)\)", text)
    if half and (half[1] or half[3]) == (half[2] or half[4]):
        return True
    return any(pattern.match(text) for pattern in (SQUARED, STEP, CALLED))


def factors_of(node: Tree) -> list[Tree]:
    """Return the factors of a product, those that it is divided by included."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        return [*factors_of(node.left), *factors_of(node.right)]
    return [node]


def without(node: Tree, factor: Tree) -> Tree | None:
    """Return a product with one factor left out."""
    if node is factor:
        return None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        left, right = without(node.left, factor), without(node.right, factor)
        if left is None:
            return ast.BinOp(ast.Constant(1.0), ast.Div(), node.right) if isinstance(node.op, ast.Div) else right
        return left if right is None else ast.BinOp(left, node.op, right)
    return node


def products_in(site: Site) -> list[Tree]:
    """Return the products that are not factors of another one."""
    inner = {
        id(c) for n in site.expressions(ast.BinOp) if isinstance(n.op, ast.Mult | ast.Div) for c in (n.left, n.right)
    }
    return [n for n in site.expressions(ast.BinOp) if isinstance(n.op, ast.Mult | ast.Div) and id(n) not in inner]


# -- families of mistakes ------------------------------------------------------------------------------------------


def whole(site: Site) -> Iterator[Edit]:
    for node in site.places:
        if isinstance(node, ast.Return) and not isinstance(node.value, ast.Dict | ast.Tuple):
            text = ast.unparse(node.value)
            if site.claim.kind == "gradient":
                yield "sign of all", "sign", text, site.put(node.value, f"-({text})")
                if site.is_array_claim() and not site.claim.letters:
                    yield "zero", "missing-gradient", text, site.put(node.value, f"np.zeros_like({text})")
                yield "1/7 of all", "scale", text, site.put(node.value, f"({text}) / 7")
                yield (
                    "random",
                    "unknown",
                    text,
                    site.put(node.value, f"np.random.default_rng(5).standard_normal(np.shape({text}))"),
                )
        if isinstance(node, ast.Dict):
            for value in node.values:
                text = ast.unparse(value)
                yield "sign of all", "sign", text, site.put(value, f"-({text})")
                yield "zero", "missing-gradient", text, site.put(value, f"np.zeros_like({text})")
                yield "1/7 of all", "scale", text, site.put(value, f"({text}) / 7")


def terms(site: Site) -> Iterator[Edit]:
    for node in site.expressions(ast.BinOp):
        if not isinstance(node.op, ast.Add | ast.Sub) or is_slope(ast.unparse(node)):
            continue
        if isinstance(node.left, ast.Constant) or isinstance(node.right, ast.Constant):
            continue
        text, left, right = ast.unparse(node), ast.unparse(node.left), ast.unparse(node.right)
        minus = isinstance(node.op, ast.Sub)
        small = re.search(r"eps|shape|range", text)
        if small:
            continue
        cause = "regulariser" if PENALTIES.search(right) else "missing-term"
        yield "term left out", cause, text, site.put(node, left)
        cause = "regulariser" if PENALTIES.search(left) else "missing-term"
        yield "term left out", cause, text, site.put(node, f"-({right})" if minus else right)
        yield "sign of a term", "sign", text, site.put(node, f"{left} + {right}" if minus else f"{left} - ({right})")
        cause = "regulariser" if PENALTIES.search(right) else "double-count"
        yield "term twice", (cause, "scale"), text, site.put(node, f"{text} {'-' if minus else '+'} {right}")


def products(site: Site) -> Iterator[Edit]:
    for product in products_in(site):
        parts, text = factors_of(product), ast.unparse(product)
        texts = [ast.unparse(p) for p in parts]
        halves: set[int] = set()
        for k, other in enumerate(parts):
            written = re.fullmatch(r"1(?:\.0)? - (.+)", texts[k])
            if written and written[1] in texts:
                j = texts.index(written[1])
                halves |= {j, k}
                both = without(without(product, other), parts[j]) or ast.Constant(1.0)
                whole_ = f"({texts[j]} * ({texts[k]}))"
                yield from slopes(site, product, both, texts[j], whole_)
                yield "half a slope left out", "missing-factor", text, site.put(product, without(product, other))
                yield "half a slope left out", "missing-factor", text, site.put(product, without(product, parts[j]))
        for k, factor in enumerate(parts):
            if k in halves or len(parts) < 2:
                continue
            role, rest = site.role(factor), without(product, factor)
            if role == "slope":
                yield from slopes(site, product, rest, "", texts[k])
            elif role in ("constant", "mask", "array", "gradient"):
                cause = {"constant": "scale", "mask": "wrong-mask", "gradient": "upstream-ignored"}.get(
                    role, "missing-factor"
                )
                if role == "constant" and texts[k] in ("1", "1.0", "-1"):
                    continue
                if PENALTIES.search(text):
                    cause = "regulariser"
                also = {"upstream-ignored": ("missing-factor",), "missing-factor": ("upstream-ignored",)}.get(cause, ())
                yield f"{role} left out", (cause, *also), text, site.put(product, rest)
            if role == "mask":
                yield "mask inverted", "wrong-mask", text, site.put(factor, f"({texts[k]} == 0)")
            if role == "array" and not PENALTIES.search(text):
                yield (
                    "factor twice",
                    ("missing-factor", "extra-activation-derivative"),
                    text,
                    site.put(factor, f"({texts[k]})**2"),
                )


def slopes(site: Site, product: Tree, rest: Tree, activation: str, slope: str) -> Iterator[Edit]:
    """Yield mistakes at the derivative of an activation, which is a factor of a product."""
    text, other = ast.unparse(product), ast.unparse(rest)
    if other != "1.0":
        yield "slope left out", "missing-activation-derivative", text, site.put(product, other)
    yield "slope twice", "extra-activation-derivative", text, site.put(product, f"{text} * ({slope})")
    if activation:
        yield "another slope", "surrogate-derivative", text, site.put(product, f"({other}) * (1 - {activation}**2)")
        yield "another slope", "surrogate-derivative", text, site.put(product, f"({other}) * ({activation} > 0.5)")
        before = PRE_ACTIVATIONS.get(site.name, {}).get(activation)
        if before:
            new = site.put(product, f"({other}) * ({before} * (1 - {before}))")
            if before not in site.arguments:
                new.args.args.append(ast.arg(before))
            yield "slope at the pre-activation", "derivative-at-wrong-place", text, new
        yield (
            "slope at the activation",
            "derivative-at-wrong-place",
            text,
            site.put(product, f"({other}) / (1 + np.exp(-{activation})) / (1 + np.exp({activation}))"),
        )
    squared, called, step = (p.match(slope) for p in (SQUARED, CALLED, STEP))
    if squared:
        name = squared[1] or squared[2]
        yield "another slope", "surrogate-derivative", text, site.put(product, f"({other}) * ({name} * (1 - {name}))")
        yield (
            "slope at the activation",
            "derivative-at-wrong-place",
            text,
            site.put(product, f"({other}) * (1 - np.tanh({name})**2)"),
        )
    if called and called[1]:
        yield (
            "another slope",
            "surrogate-derivative",
            text,
            site.put(product, f"({other}) * (1 - np.tanh({called[1]})**2)"),
        )
    if step and step[1]:
        yield (
            "another slope",
            "surrogate-derivative",
            text,
            site.put(product, f"({other}) * (1 - np.tanh({step[1]})**2)"),
        )


def constants(site: Site) -> Iterator[Edit]:
    for node in site.expressions(ast.Constant):
        if (
            type(node.value) not in (int, float)
            or node.value in (0, 1)
            or not isinstance(parent_of(site, node), ast.BinOp)
        ):
            continue
        parent = parent_of(site, node)
        text = ast.unparse(parent)
        if isinstance(parent.op, ast.Mult | ast.Div):
            cause = "regulariser" if PENALTIES.search(text) else "scale"
            yield "constant doubled", cause, text, site.put(node, repr(2 * node.value))
            yield "constant halved", cause, text, site.put(node, repr(node.value / 2))


def parent_of(site: Site, node: Tree) -> Tree:
    for candidate in site.places:
        if any(child is node for child in ast.iter_child_nodes(candidate)):
            return candidate
    return None


def transposes(site: Site) -> Iterator[Edit]:
    for node in site.expressions(ast.Attribute):
        if node.attr == "T":
            yield "transpose left out", "transpose", ast.unparse(node), site.put(node, node.value)
    for node in site.expressions(ast.Name):
        parent = parent_of(site, node)
        product = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.MatMult)
        if product and np.ndim(site.value(node)) == 2:
            yield "transpose added", "transpose", ast.unparse(parent), site.put(node, f"{node.id}.T")
    for node in site.expressions(ast.Call):
        if ast.unparse(node.func) == "np.einsum" and "," in node.args[0].value:
            first, _arrow, out = node.args[0].value.partition("->")
            a, _, b = first.partition(",")
            if len(out) == 2:
                yield (
                    "output indices exchanged",
                    "transpose",
                    ast.unparse(node),
                    site.put(node.args[0], repr(f"{first}->{out[::-1]}")),
                )
            if len(a) == 2:
                yield (
                    "indices exchanged",
                    "transpose",
                    ast.unparse(node),
                    site.put(node.args[0], repr(f"{a[::-1]},{b}->{out}")),
                )


def reductions(site: Site) -> Iterator[Edit]:
    for node in site.expressions(ast.Call):
        name = ast.unparse(node.func)
        short = name.rpartition(".")[2]
        if short not in ("sum", "mean") or name == "sum":
            continue
        text = ast.unparse(node)
        array = node.args[0] if name.startswith("np.") else node.func.value
        value = site.value(array)
        new = copy.deepcopy(node)
        new.func.attr = {"sum": "mean", "mean": "sum"}[short]
        yield f"{new.func.attr} for {short}", ("scale", "axis"), text, site.put(node, new)
        for k, keyword in enumerate(node.keywords):
            if keyword.arg == "axis" and np.ndim(value) == 2:
                new = copy.deepcopy(node)
                new.keywords[k].value = ast.Constant(1 if ast.unparse(keyword.value) == "0" else 0)
                yield "the other axis", ("axis", "broadcast", "shape"), text, site.put(node, new)
                new = copy.deepcopy(node)
                del new.keywords[k]
                yield "no axis", ("axis", "broadcast", "shape"), text, site.put(node, new)
            if keyword.arg == "keepdims":
                new = copy.deepcopy(node)
                del new.keywords[k]
                yield "no keepdims", ("shape", "broadcast", "axis"), text, site.put(node, new)
        if np.ndim(value):
            yield "sum left out", ("broadcast", "axis", "shape"), text, site.put(node, array)


def operands(site: Site) -> Iterator[Edit]:
    names = [a for a in site.arguments if isinstance(site.values.get(a), np.ndarray)]
    for node in site.expressions(ast.Name):
        here = site.values.get(node.id)
        parent = parent_of(site, node)
        if node.id not in site.values or not isinstance(here, np.ndarray) or is_part_of_slope(site, node):
            continue
        for other in [*names, *(v for v in site.values if v not in names and isinstance(site.values[v], np.ndarray))]:
            if isinstance(parent, ast.BinOp) and other in (ast.unparse(parent.left), ast.unparse(parent.right)):
                continue  # x - x is no mistake of this kind
            if (
                other != node.id
                and site.values[other].shape == here.shape
                and here.dtype == site.values[other].dtype
                and here.ndim
            ):
                yield (
                    "another operand",
                    "wrong-operand",
                    f"{other} for {node.id} in {ast.unparse(parent)}",
                    site.put(node, other),
                )
        if node.id in site.gradients and isinstance(parent, ast.BinOp):
            yield (
                "upstream ignored",
                "upstream-ignored",
                ast.unparse(parent),
                site.put(node, f"np.ones_like({node.id})"),
            )
        if (
            here.ndim == 2
            and len(here) > 1
            and isinstance(parent, ast.BinOp | ast.Attribute)
            and node.id not in site.gradients
        ):
            yield "rows shifted", "shifted-index", ast.unparse(parent), site.put(node, f"np.roll({node.id}, 1, axis=0)")
        by_quantity = {c.quantity: c for c in site.derivation.claims if c.kind == "gradient" and not c.indices}
        if (
            node.id in by_quantity
            and re.match("[WUV]", node.id)
            and site.claim.kind == "gradient"
            and node.id != site.claim.of
        ):
            drift = by_quantity[node.id].name
            if drift in users_of(site, site.claim.name):
                continue
            new = site.put(node, f"({node.id} - 0.1 * {drift})")
            if drift not in site.arguments:
                new.args.args.append(ast.arg(drift))
            yield "weights already updated", "stale-value", ast.unparse(parent), new


def users_of(site: Site, name: str) -> set[str]:
    """Return the claims that use a claim, itself included."""
    found = {name}
    for claim in ordered(site.derivation.claims):
        if found & set(claim.arguments):
            found.add(claim.name)
    return found


def is_part_of_slope(site: Site, node: Tree) -> bool:
    """Return whether a name stands in the derivative of an activation, or half of one."""
    while node is not None and not isinstance(node, ast.stmt):
        text = ast.unparse(node)
        if isinstance(node, ast.BinOp | ast.Compare | ast.Call) and (
            is_slope(text) or re.fullmatch(r"1(\.0)? - \w+", text)
        ):
            return True
        above = parent_of(site, node)
        if (
            isinstance(above, ast.BinOp)
            and isinstance(above.op, ast.Mult)
            and re.search(rf"\(1(\.0)? - {re.escape(text)}\)", ast.unparse(above))
        ):
            return True
        node = above
    return False


def matrix_products(site: Site) -> Iterator[Edit]:
    for node in site.expressions(ast.BinOp):
        if isinstance(node.op, ast.MatMult):
            a, b = site.value(node.left), site.value(node.right)
            text = f"({ast.unparse(node.left)}) * ({ast.unparse(node.right)})"
            if a is not None and np.ndim(a) == np.ndim(b) == 2:
                yield "elementwise product", "matmul-vs-elementwise", ast.unparse(node), site.put(node, text)
        if isinstance(node.op, ast.Mult):
            a, b = site.value(node.left), site.value(node.right)
            if np.ndim(a) == np.ndim(b) == 2 and np.shape(a) == np.shape(b) and np.shape(a)[0] == np.shape(a)[1]:
                text = f"({ast.unparse(node.left)}) @ ({ast.unparse(node.right)})"
                yield "matrix product", "matmul-vs-elementwise", ast.unparse(node), site.put(node, text)


def comparisons(site: Site) -> Iterator[Edit]:
    for node in site.expressions(ast.Compare):
        if isinstance(node.ops[0], ast.Gt) and np.ndim(site.value(node)):
            left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
            yield "comparison inverted", "wrong-mask", ast.unparse(node), site.put(node, f"({left} < {right})")


def statements(site: Site) -> Iterator[Edit]:
    for node in site.places:
        if isinstance(node, ast.AugAssign):
            text, target = ast.unparse(node), ast.unparse(node.target)
            penalty = PENALTIES.search(ast.unparse(node.value))
            if isinstance(node.op, ast.Add):
                cause = "regulariser" if penalty else "missing-term"
                yield (
                    "accumulation left out",
                    (cause, "missing-gradient"),
                    text,
                    site.changed(node, lambda n, f: replaced(f, n, ast.Pass())),
                )
                yield (
                    "sign of an accumulation",
                    "sign",
                    text,
                    site.changed(node, lambda n, _f: setattr(n, "op", ast.Sub())),
                )
                if not penalty:
                    line = ast.parse(f"{target} = {ast.unparse(node.value)}").body[0]
                    yield (
                        "accumulation overwritten",
                        "missing-term",
                        text,
                        site.changed(node, lambda n, f, s=line: replaced(f, n, s)),
                    )
                    yield (
                        "counted twice",
                        ("double-count", "scale"),
                        text,
                        site.put(node.value, f"2 * ({ast.unparse(node.value)})"),
                    )
        if (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) == "range"
            and site.claim.kind == "backward"
            and len(node.args) == 1
        ):
            yield (
                "a turn left out",
                ("missing-term", "shifted-index", "missing-gradient"),
                ast.unparse(node),
                site.put(node.args[0], f"{ast.unparse(node.args[0])} - 1"),
            )


def subscripts(site: Site) -> Iterator[Edit]:
    for node in site.expressions(ast.Subscript):
        inside = node.slice
        variable = isinstance(inside, ast.Name) or (isinstance(inside, ast.BinOp) and isinstance(inside.left, ast.Name))
        if (
            variable
            and isinstance(node.value, ast.Name | ast.Attribute | ast.Subscript)
            and not isinstance(site.value(inside), np.ndarray)
        ):
            text = ast.unparse(inside)
            yield (
                "index shifted",
                ("shifted-index", "wrong-operand"),
                ast.unparse(node),
                site.put(inside, f"{text} - 1"),
            )


#: (derivation, claim): what was done, the cause, the formula.
BY_HAND: dict[tuple[str, str], list[tuple[str, str | tuple[str, ...], str]]] = {
    ("network_001", "Eo"): [
        ("targets left out", "missing-term", "Y"),
        ("gradient at Y", ("missing-activation-derivative", "wrong-loss"), "-T / Y"),
        ("another loss", "wrong-loss", "np.sign(Y - T)"),
        ("another loss", "wrong-loss", "(Y - T)**2"),
        ("squared error through logistic", ("extra-activation-derivative", "wrong-loss"), "(Y - T) * Y * (1 - Y)"),
        ("softmax diagonal", "softmax-diagonal", "-T / Y * Y * (1 - Y)"),
    ],
    ("regressor_003", "dz1"): [
        ("another loss", ("wrong-loss", "extra-activation-derivative"), "(A1 - y) * A1 * (1 - A1) / m"),
        ("another loss", "wrong-loss", "np.sign(A1 - y) / m"),
        ("gradient at A1", ("missing-activation-derivative", "wrong-loss"), "(-y / A1 + (1 - y) / (1 - A1)) / m"),
    ],
    ("integer_labels", "dscores"): [("targets left out", "missing-term", "probs / num_examples")],
    ("log_sum_exp", "dS"): [
        ("targets left out", "missing-term", "softmax(S) / S.shape[0]"),
        ("softmax diagonal", "softmax-diagonal", "-T * (1 - softmax(S)) / S.shape[0]"),
    ],
    ("attention", "dS"): [
        ("softmax diagonal", "softmax-diagonal", "P * (1 - P) * dP"),
        ("softmax diagonal", "softmax-diagonal", "P * dP"),
        ("softmax left out", ("missing-activation-derivative", "softmax-diagonal"), "dP"),
    ],
    ("attention", "dQ"): [("no scale", "scale", "dS @ K"), ("scale squared", "scale", "dS @ K * scale**2")],
    ("attention", "dO"): [("another loss", "wrong-loss", "np.sign(O - target) / O.size")],
    ("huber", "dr"): [("another loss", "wrong-loss", "r"), ("another loss", "wrong-loss", "np.sign(r)")],
    ("batch_norm_compact", "dx"): [
        ("through the mean only", "missing-term", "dout * gamma / np.sqrt(var + eps)"),
    ],
    ("layer_norm", "dx"): [("statistics taken for constants", "missing-term", "dxn / s")],
    ("tied_autoencoder", "dW"): [
        ("tied weights counted once", "missing-term", "X.T @ dZ"),
        ("tied weights counted once", "missing-term", "dR.T @ H"),
    ],
    ("tied_autoencoder", "dR"): [("another loss", "wrong-loss", "np.sign(R - X) / X.shape[0]")],
    ("residual_block", "dx"): [("skip left out", "missing-term", "du @ W1.T"), ("skip alone", "missing-term", "R")],
    ("quadratic_form", "dx"): [
        ("symmetric", ("missing-term", "transpose"), "2 * dq * A @ x + b"),
        ("half", "missing-term", "dq * A @ x + b"),
    ],
    ("lasso", "dw"): [("penalty of squares", "regulariser", "-X.T @ r / len(y) + lam * w")],
}


def by_hand(site: Site) -> Iterator[Edit]:
    for kind, causes, text in BY_HAND.get((site.name, site.claim.name), []):
        function = copy.deepcopy(site.function)
        function.body = [ast.parse(f"return {text}").body[0]]
        for name in {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}:
            known = site.derivation.function.__code__.co_varnames
            if name not in site.arguments and name in (*known, *site.gradients) and name not in ("np",):
                function.args.args.append(ast.arg(name))
        yield kind, causes, text, function


def everything(seed: int = 3) -> Iterator[Plant]:
    for name in DERIVATIONS:
        yield from plants(name, seed)
