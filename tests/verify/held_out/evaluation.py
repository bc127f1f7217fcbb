"""What a derivation claims and what is true, computed without the verifier: with `mg.grad` alone."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import microgradnp as mg

Forward = Callable[..., Any]


@dataclass(frozen=True)
class Written:
    """One claim as it is written."""

    kind: str
    of: str
    name: str
    function: Callable[..., Any]
    rule: Any = None
    returns: Mapping[str, str] | None = None
    wrt: Sequence[str] | None = None


class Notebook:
    """Takes down a derivation through the interface of `mg.Derivation`, and judges nothing."""

    def __init__(self, title: str, **options: Any) -> None:
        self.claims: list[Written] = []

    def forward(self, function: Forward) -> Forward:
        self.function = function
        return function

    def gradient(self, of: str, function: Any = None, *, name: str | None = None) -> Any:
        return self.noted("gradient", of, function, name)

    def value(self, of: str, function: Any = None, *, name: str | None = None) -> Any:
        return self.noted("value", of, function, name)

    def update(self, of: str, rule: Any, function: Any = None, *, name: str | None = None) -> Any:
        return self.noted("update", of, function, name, rule=rule)

    def backward(self, function: Any = None, *, returns: Any = None, wrt: Any = None) -> Any:
        return self.noted("backward", "", function, None, returns=returns, wrt=wrt)

    def derivative(self, function: Any, claimed: Any, at: str = "input", points: Any = None) -> Any:
        return self.noted("derivative", function.__name__, claimed, f"{function.__name__}'", rule=(function, at))

    def noted(self, kind: str, of: str, function: Any, name: str | None, **options: Any) -> Any:
        if function is None:
            return lambda f: self.noted(kind, of, f, name, **options)
        own = function.__name__ if function.__name__ != "<lambda>" else f"{kind} of {of}"
        self.claims.append(Written(kind, of, name or own, function, **options))
        return function


class Cache(dict[str, Any]):
    """Quantities as items and attributes."""

    __getattr__ = dict.__getitem__


def opened(forward: Forward) -> Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[Any, dict[str, Any]]]:
    """Return the forward function as one of its inputs and of bumps that are added to inner quantities.

    A bump of ``x`` is added behind the last assignment of ``x`` in the function's body. The result is the loss and all
    local variables, so the gradient with respect to a bump of zeros is that with respect to the inner quantity.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(forward)))
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.decorator_list, function.name = [], "opened_forward"
    last: dict[str, ast.stmt] = {}
    for statement in ast.walk(function):
        if isinstance(statement, ast.Assign | ast.AugAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            for name in ast.walk(ast.Tuple(targets, ast.Load())):
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                    last[name.id] = statement

    class Opener(ast.NodeTransformer):
        def bumped(self, statement: ast.stmt) -> list[ast.stmt]:
            lines = [f"if {n!r} in _bumps: {n} = {n} + _bumps[{n!r}]" for n, s in last.items() if s is statement]
            return [statement, *(s for line in lines for s in ast.parse(line).body)]

        visit_Assign = visit_AugAssign = bumped

        def visit_Return(self, statement: ast.Return) -> list[ast.stmt]:
            return [*ast.parse("_locals.update(locals())").body, statement]

    tree = ast.fix_missing_locations(Opener().visit(tree))
    code = compile(tree, "<opened>", "exec")

    def run(inputs: Mapping[str, Any], bumps: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        found: dict[str, Any] = {}
        namespace = forward.__globals__ | {"_bumps": bumps, "_locals": found}
        exec(code, namespace)
        accepted = inspect.signature(forward).parameters
        loss = namespace["opened_forward"](**{k: v for k, v in inputs.items() if k in accepted})
        return loss, {k: v for k, v in found.items() if not k.startswith("_")}

    return run


class Evaluation:
    """The values of all claims of a derivation at its inputs.

    Attributes
    ----------
    claimed : dict
        By quantity: what the formulas give, one using another.
    judged : dict
        By quantity: what each formula gives on the true values of the others.
    true : dict
        By quantity.
    """

    def __init__(self, derivation: Notebook, inputs: Mapping[str, Any]) -> None:
        self.inputs = {k: np.asarray(v, dtype=float) if isinstance(v, float) else v for k, v in inputs.items()}
        self.run = opened(derivation.function)
        self.loss, found = self.run(inputs, {})
        self.values = {**inputs, **found}
        self.claims = {claim.name: claim for claim in derivation.claims}
        self.true: dict[str, Any] = {}
        self.claimed: dict[str, Any] = {}
        self.judged: dict[str, Any] = {}
        for claim in derivation.claims:
            if claim.kind == "derivative":
                key = f"derivative of {claim.of}"
                self.true[key], self.claimed[key] = self.derivatives(*claim.rule, claim.function)
                self.judged[key] = self.claimed[key]
                continue
            by_hand, on_true = self.value(claim, {}, own=True), self.value(claim, {}, own=False)
            if claim.kind == "backward":
                for key, quantity in self.quantities(claim, by_hand).items():
                    self.true[quantity] = self.gradient(quantity)
                    self.claimed[quantity], self.judged[quantity] = by_hand[key], on_true[key]
            else:
                key = claim.of if claim.kind == "gradient" else f"{claim.kind} of {claim.of}"
                self.true[key] = self.truth(claim)
                self.claimed[key], self.judged[key] = by_hand, on_true

    @staticmethod
    def derivatives(function: Any, at: str, claimed: Any) -> tuple[Any, Any]:
        """Return the true and the claimed derivative of a function of one number, away from kinks."""
        points = np.linspace(-2.9, 3.1, 23)
        true = mg.grad(lambda x: np.sum(function(x)))(points)
        return true, claimed(points if at == "input" else function(points))

    def wrong(self, which: str = "judged", tolerance: float = 1e-8) -> list[str]:
        """Return the quantities whose claim is not true."""
        return [q for q, value in getattr(self, which).items() if not same(value, self.true[q], tolerance)]

    def quantities(self, claim: Any, result: Any) -> dict[Any, str]:
        """Return which part of a backward function's result is the gradient of what."""
        if isinstance(result, Mapping):
            known = claim.returns or {}
            prefixes = ("", "d", "grad_", "g_", "d_", "delta_", "J", "g")
            return {
                key: known.get(key)
                or next(key[len(p) :] for p in prefixes if key.startswith(p) and key[len(p) :] in self.values)
                for key in result
            }
        return dict(enumerate(claim.wrt))

    def gradient(self, quantity: str) -> Any:
        """Return the true gradient of the loss, with `mg.grad`."""
        base = quantity.partition("[")[0]
        if base in self.inputs:
            return np.asarray(
                mg.grad(lambda x: self.run({**self.inputs, base: x}, {})[0])(np.asarray(self.inputs[base], dtype=float))
            )
        zeros = np.zeros(np.shape(self.values[base]))
        return np.asarray(mg.grad(lambda bump: self.run(self.inputs, {base: bump})[0])(zeros))

    def truth(self, claim: Any) -> Any:
        """Return what a claim should be."""
        if claim.kind == "gradient":
            return self.gradient(claim.of)
        if claim.kind == "value":
            return np.asarray(self.values[claim.of])
        given = {"gradient": self.gradient(claim.of), "parameter": self.values[claim.of], **self.values}
        return claim.rule(*(given[n] for n in inspect.signature(claim.rule).parameters))

    def value(self, claim: Any, known: dict[str, Any], own: bool) -> Any:
        """Return what a claim's formula gives, on the other formulas' values (`own`) or on the true ones."""
        arguments = []
        for name, parameter in inspect.signature(claim.function).parameters.items():
            if "[" in claim.of and name in claim.of.partition("[")[2].replace("]", "").replace(",", " ").split():
                continue
            if name == "cache":
                arguments.append(Cache({k: copied(v) for k, v in self.values.items()}))
            elif name in self.values:
                arguments.append(copied(self.values[name]))
            elif name in self.claims:
                other = self.claims[name]
                if name not in known:
                    known[name] = self.value(other, known, own) if own else self.truth(other)
                arguments.append(copied(known[name]))
            elif parameter.default is parameter.empty:
                raise LookupError(f"{claim.name} wants {name}")
            else:
                arguments.append(parameter.default)
        with np.errstate(all="ignore"):
            if "[" in claim.of:
                whole = np.zeros(np.shape(self.values[claim.of.partition("[")[0]]))
                for index in np.ndindex(*whole.shape):
                    whole[index] = claim.function(*index, *arguments)
                return whole
            return claim.function(*arguments)


def copied(value: Any) -> Any:
    """Return a copy that may be changed."""
    if isinstance(value, np.ndarray):
        return value.copy()
    return [copied(v) for v in value] if isinstance(value, list) else value


def same(value: Any, true: Any, tolerance: float) -> bool:
    """Return whether two values agree in shape and, relative to the largest entry, in numbers."""
    if value is None or np.shape(value) != np.shape(true):
        return False
    return bool(
        np.max(np.abs(np.asarray(value) - true), initial=0.0) <= tolerance * np.max(np.abs(true), initial=1e-300)
    )
