"""A whole backward function: what it returns and computes on the way, and of which quantities it is the gradients."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from microgradnp import tree
from microgradnp.graph import Graph, code_of, trace
from microgradnp.tape import Node, reachable
from microgradnp.verify.claims import Claim, DerivationError, Function, listed, parsed_target
from microgradnp.verify.inputs import copied
from microgradnp.verify.points import Point


def returned_names(claim: Claim, result: Any, point: Point) -> dict[str, str]:
    """Return which quantity each part of a backward function's result is the gradient of."""
    known = point.graph.names
    if isinstance(result, tuple | list):
        if claim.wrt is None or len(claim.wrt) != len(result):
            raise DerivationError(
                f"{claim.name} returns {len(result)} arrays: say of which quantities they are the gradients, "
                f"@d.backward(wrt=[...]) with {len(result)} names out of {listed(known)}"
            )
        names = {q: q for q in claim.wrt}
    elif isinstance(result, Mapping):
        names = {str(key): (claim.returns or {}).get(key) or guessed(str(key), known) for key in result}
    elif claim.wrt is not None and len(claim.wrt) == 1:
        names = {claim.wrt[0]: claim.wrt[0]}
    else:
        raise DerivationError(
            f"{claim.name} returned {type(result).__name__}: return a dict of gradients, or a tuple with "
            "@d.backward(wrt=[...])"
        )
    if not names:
        raise DerivationError(f"{claim.name} returned no gradients: return a dict such as {{'W': dW}}")
    for key, quantity in names.items():
        if quantity not in known and parsed_target(quantity)[0] not in known:
            raise DerivationError(
                f"{claim.name} returns {key!r}, which is the gradient of no quantity of {point.graph.function} "
                f"({listed(known)}); map it with @d.backward(returns={{{key!r}: 'name'}})"
            )
    return names


#: How people write the gradient of a quantity: ``dW1``, ``grad_W``, ``delta_h``, ``dL_dz``, ``gZ``.
PREFIXES = (
    *("grad_", "grad", "gradient_", "g_", "dL_d", "dLd", "dL_", "dJ_d", "dJd", "dJ_", "dC_d", "dE_d", "dloss_d"),
    *("dloss_", "d_", "d", "delta_", "delta", "del_", "J", "E", "g", "G"),
)
SUFFIXES = ("_grad", "_gradient", "_bar", "_delta", "grad")


def guessed(key: str, known: Mapping[str, Any]) -> str:
    """Return the quantity that a key such as ``dW1``, ``grad_W_h`` or ``delta_o`` names."""
    return key if key in known else meant(key, known) or key


def meant(name: str, known: Mapping[str, Any]) -> str:
    """Return the quantity whose gradient a name such as ``dZ1``, ``dWs[0]`` or ``grads["dW1"]`` stands for, or "".

    Examples
    --------
    >>> [meant(n, {"Z1": 0, "Ws[0]": 0, "h": 0}) for n in ("dZ1", "delta1", "dWs[0]", 'grads["d_h"]', "h", "dx")]
    ['Z1', 'Z1', 'Ws[0]', 'h', '', '']
    """
    inner = re.fullmatch(r'\w+\["(.+)"\]', name)
    for text in (name, *(inner.groups() if inner else ())):
        for prefix in PREFIXES:
            if text.startswith(prefix) and text[len(prefix) :] in known:
                return text[len(prefix) :]
        for suffix in SUFFIXES:
            if text.endswith(suffix) and text.removesuffix(suffix) in known:
                return text.removesuffix(suffix)
        if (layer := re.fullmatch(r"deltas?_?(\w*(?:\[\d+\])?)", text)) is not None:  # of a pre-activation
            for letter in ("Z", "z", "Z_", "z_", "zs", "Zs"):
                if letter + layer[1] in known:
                    return letter + layer[1]
    return ""


def part_of(result: Any, key: str, claim: Claim) -> Any:
    """Return one gradient out of what a backward function returned."""
    if isinstance(result, Mapping):
        return result.get(key)
    if isinstance(result, tuple | list):
        return result[list(claim.wrt or ()).index(key)]
    return result


@dataclass(eq=False)
class Step:
    """A local variable of a backward function that is the gradient of a quantity."""

    name: str
    quantity: str
    mapped: bool  # by the user, not guessed from its name


class Run:
    """One run of a backward function: its own graph, or at least its variables.

    Parameters
    ----------
    claim : Claim
    point : Point
        Of the forward pass.
    call : callable
        The function with all that is put around it.
    arguments : dict
        Of `call`.
    """

    def __init__(self, claim: Claim, point: Point, call: Function, arguments: Mapping[str, Any]) -> None:
        self.claim, self.point, self.call, self.arguments = claim, point, call, arguments
        self.why_not = ""

    def copies(self) -> dict[str, Any]:
        """Return the arguments, for a function that may change them."""
        return {name: tree.transform(copied, value) for name, value in self.arguments.items()}

    @functools.cached_property
    def graph(self) -> Graph | None:
        """What the function computed, recorded; None where it cannot be."""
        try:
            with np.errstate(all="ignore"):
                return trace(self.call, **self.copies())
        except Exception as error:  # NumPy code that works on arrays only is still judged by its results
            self.why_not = f"{type(error).__name__}: {error}"
            return None

    @functools.cached_property
    def variables(self) -> dict[str, Any]:
        """The local variables at its return, by the paths that reach them, in the order of their first assignment."""
        graph = self.graph
        if graph is not None:
            inputs = {*graph.inputs.values(), *graph.outside}
            return {n: graph.value(k) for n, k in graph.names.items() if k not in inputs and k.parents}
        found: dict[str, Any] = {}
        for name, value in locals_at_return(self.call, self.claim.function, self.copies()).items():
            if name not in self.claim.arguments:
                found |= {name + path: leaf for path, leaf in tree.flatten(value)}
        return found

    def steps(self) -> list[Step]:
        """Return the variables that are gradients of quantities, in the order in which they were computed."""
        known, mapped = self.point.graph.names, dict(self.claim.locals or {})
        found = []
        for name, value in self.variables.items():
            quantity = mapped.get(name, "") or ("" if "@" in name or "." in name else meant(name, known))
            if quantity in known and is_gradient(value, known[quantity]):
                found.append(Step(name, quantity, name in mapped))
        if self.graph is not None:
            names, order = self.graph.names, {node: k for k, node in enumerate(self.graph.nodes)}
            found.sort(key=lambda s: order[names[s.name]])
            once: dict[tuple[Any, str], Step] = {}
            for step in found:
                once.setdefault((names[step.name], step.quantity), step)
            found = list(once.values())
        return found

    def line(self, name: str) -> str:
        """Return the expression that the function assigns to a variable, if it is the only one."""
        found = assignments(self.claim.function, name)
        return ast.unparse(found[0]) if len(found) == 1 else ""

    def unmatched(self) -> list[str]:
        """Return what the user's map names and the function does not compute."""
        names = self.graph.names if self.graph is not None else self.variables
        return [n for n in self.claim.locals or {} if n not in names]

    def node(self, key: str, *, returned: bool) -> Node | None:
        """Return the node of a variable or of a returned part."""
        if self.graph is None:
            return None
        if not returned:
            return self.graph.names.get(key)
        part = part_of(self.graph.result, key, self.claim)
        return getattr(part, "node", None)

    def uses(self, key: str, name: str, *, returned: bool = True) -> bool:
        """Return whether a returned part (or another variable) was computed from a variable."""
        node, other = self.node(key, returned=returned), self.node(name, returned=False)
        return node is not None and other is not None and other in set(reachable([node])[0])

    def on_truth(self, node: Node | None, given: Mapping[str, tuple[str, float]]) -> Any:
        """Return the value of a node where variables have the true gradients of their quantities, times a factor."""
        if self.graph is None or node is None:
            return None
        changes = {}
        for name, (quantity, factor) in given.items():
            other = self.graph.names.get(name)
            if other is not None and other is not node:
                changes[other] = factor * self.point.gradient(quantity)
        try:
            with np.errstate(all="ignore"):
                return np.asarray(self.graph.evaluate(node, changes))
        except Exception:  # a step that fits the wrong shapes only
            return None


def assignments(function: Function, name: str) -> list[ast.expr]:
    """Return what is assigned to a variable in the source of a function."""
    try:
        parsed = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return []
    found: list[ast.expr] = []
    for node in ast.walk(parsed):
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
        )
        if isinstance(node, ast.Assign | ast.AugAssign):
            found += [node.value for t in targets for n in ast.walk(t) if isinstance(n, ast.Name) and n.id == name]
    return found


def bound_once(function: Function, name: str) -> bool:
    """Return whether the source of a function assigns a variable once, and not in a loop."""
    value = assignments(function, name)
    if len(value) != 1:
        return False
    parsed = ast.parse(textwrap.dedent(inspect.getsource(function)))
    loops = [n for n in ast.walk(parsed) if isinstance(n, ast.For | ast.While)]
    return all(ast.unparse(value[0]) not in {ast.unparse(m) for m in ast.walk(n)} for n in loops)


def is_gradient(value: Any, node: Node) -> bool:
    """Return whether a variable may be the gradient of a quantity: real numbers of its shape."""
    return (
        isinstance(value, np.ndarray | np.generic | float)
        and np.shape(value) == node.shape
        and np.asarray(value).dtype.kind == "f"
        and node.dtype.kind == "f"
    )


def locals_at_return(call: Function, function: Function, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of a function when it returns; none where a profiler is at work, which has the one hook."""
    code, found = code_of(function), dict[str, Any]()
    if code is None or sys.getprofile() is not None:
        return found

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:
            found.update(frame.f_locals)

    sys.setprofile(look)
    try:
        with np.errstate(all="ignore"):
            call(**arguments)
    except Exception:  # told where the function is called for its results
        return {}
    finally:
        sys.setprofile(None)
    return found
