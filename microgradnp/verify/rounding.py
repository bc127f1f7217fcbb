"""How much of a result is rounding: the same computation again, every result a little off.

A right formula and autodiff differ by what rounding does to both. How much that is, is found by experiment:
each number that a computation produces is moved by one or two units in its last place, up or down, and one
looks how far the final result moves (Monte Carlo arithmetic: Stott Parker 1997, "Monte Carlo arithmetic:
exploiting randomness in floating-point arithmetic", UCLA CSD-970002). Which way it goes depends on the number
alone, so that what was equal stays equal, and what was merely selected (a maximum, an entry, an absolute
value) is not moved: ties and comparisons stay.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from microgradnp import tree
from microgradnp.graph import Graph
from microgradnp.tape import Node, dependent, fitted, reachable

Array = Any

MIX = np.uint64(0x9E3779B97F4A7C15)  # the golden ratio: consecutive numbers are sent far apart
#: By how many units in the last place all numbers are moved; two sizes, to tell rounding from jumps.
ROUNDINGS = (1.0, 128.0, 128.0)
SELECTING = {
    np.absolute,
    np.fabs,
    np.maximum,
    np.minimum,
    np.fmax,
    np.fmin,
    np.negative,
    np.positive,
    np.sign,
    np.copysign,
}
PRODUCTS = {np.dot, np.vdot, np.inner, np.einsum, np.tensordot}
SORTABLE = 50_000  # elements, above which nobody looks whether a result was selected from its operands


def moved(x: Array, seed: int, units: float) -> Array:
    """Return real numbers, each moved by one to two times `units` in the last place; others as they are.

    Parameters
    ----------
    x : array or number
    seed : int
        Decides, with the number itself, how far and which way; the complement ``~seed`` decides the opposite.
    units : float
    """
    value = np.asarray(x)
    if value.dtype.kind != "f" or not value.size:
        return x
    wide = np.ascontiguousarray(value, dtype=np.float64).reshape(value.shape)
    with np.errstate(over="ignore"):
        bits = (wide.view(np.uint64) ^ np.uint64(max(seed, ~seed))) * MIX
        bits = (bits ^ (bits >> np.uint64(29))) * MIX
    part = (bits >> np.uint64(11)) * 2.0**-52 - 1  # evenly between -1 and 1
    steps = (part + np.sign(part)) * (units if seed >= 0 else -units)
    with np.errstate(all="ignore"):
        return (wide * (1 + steps * float(np.finfo(value.dtype).eps))).astype(value.dtype)[()]


def inputs_moved(value: Any, seed: int, units: float) -> Any:
    """Return a tree of inputs with its numbers moved, except whole ones: labels, masks and sizes are exact."""

    def move(x: Any) -> Any:
        if isinstance(x, float | np.ndarray | np.generic) and np.asarray(x).dtype.kind == "f":
            y = np.where(np.asarray(x) == np.rint(x), x, moved(x, seed, units))
            return float(y) if isinstance(x, float) and not isinstance(x, np.generic) else y[()]
        return x

    return tree.transform(move, value)


def rounded(graph: Graph, seed: int, units: float, *, inputs: bool = True) -> tuple[Graph, dict[Node, Node]]:
    """Return a graph computed again with every number a little off, and which of its nodes stands for which.

    With ``inputs=False`` the inputs are exact: what moves then is what differences cannot see.
    """
    new: dict[Node, Node] = {}
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            again = new[node] = copy.copy(node)
            if not node.parents:
                again.saved = (inputs_moved(node.saved[0], seed, units),) if inputs else node.saved
                continue
            xs = [new[p].saved[0] if p in new else x for p, x in zip(node.parents, node.saved[1:], strict=True)]
            y = node.primitive.function(*xs, **(node.params or {}))
            again.saved = (computed_off(node, y, xs, seed, units), *xs)
            again.parents = tuple(None if p is None else new.get(p, p) for p in node.parents)
    other = copy.copy(graph)
    other.nodes = list(new.values())
    other.names = {name: new.get(node, node) for name, node in graph.names.items()}
    return other, new


class Rounded(np.ndarray[Any, np.dtype[np.float64]]):
    """Numbers with which plain NumPy code computes as with any, except that every result is a little off."""

    seed = 0
    units = 1.0

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **keywords: Any) -> Any:
        where = None if out is None else tuple(bare(x) for x in out)
        if where is not None:
            keywords["out"] = where
        result = getattr(ufunc, method)(*(bare(x) for x in inputs), **keywords)
        if where is not None and ufunc not in SELECTING and where[0].dtype == np.float64:
            where[0][...] = moved(where[0], self.seed, self.units)
        elif ufunc not in SELECTING and is_double(result):
            result = moved(result, self.seed, self.units)
        return out[0] if out is not None else self.like(result)

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        result = self.like(super().__array_function__(function, types, args, keywords))
        return (
            self.like(moved(bare(result), self.seed, self.units))
            if function in PRODUCTS and is_double(result)
            else result
        )

    def __getitem__(self, key: Any) -> Any:
        return self.like(super().__getitem__(key))

    def like(self, x: Any) -> Any:
        """Return an array or number that goes on like this one."""
        return np.asarray(x).view(type(self)) if is_double(x) else x


def is_double(x: Any) -> bool:
    """Return whether x is an array, or a number, of double precision."""
    return isinstance(x, np.ndarray | np.generic | float) and np.asarray(x).dtype == np.float64


def bare(x: Any) -> Any:
    """Return an array as a plain one, 0-d ones as scalars."""
    return (np.asarray(x) if x.ndim else np.asarray(x)[()]) if isinstance(x, Rounded) else x


def computed_rounded(function: Callable[..., Any], seed: int, units: float) -> Callable[..., Any]:
    """Return a function that computes the same from float arguments, every result a little off."""
    kind = type("Rounded", (Rounded,), {"seed": seed, "units": units})

    def enter(x: Any) -> Any:
        return np.asarray(x).view(kind) if is_double(x) else x

    def off(**arguments: Any) -> Any:
        return tree.transform(bare, function(**{name: tree.transform(enter, x) for name, x in arguments.items()}))

    return off


def noise_of(graph: Graph, output: Node, rng: np.random.Generator) -> float:
    """Return by how much the value of an output is off because of the rounding on the way to it."""
    noise = 0.0
    for seed in rng.integers(2**62, size=4):
        _, new = rounded(graph, int(seed), 1.0, inputs=False)
        gap = abs(float(np.asarray(new[output].saved[0]).item()) - float(np.asarray(output.saved[0]).item()))
        noise = max(noise, gap) if np.isfinite(gap) else noise
    return 4 * noise


def gradients_rounded(graph: Graph, output: Node, seed: int, units: float) -> dict[Node, Array]:
    """Return the gradients of an output with respect to every node, each a little off on the way back."""
    nodes = reachable([output])[0]
    floats = dependent(nodes, [n for n in nodes if not n.parents and n.dtype.kind in "fc"])
    gradients: dict[Node, Array] = {output: np.ones(output.shape, output.dtype)[()]}
    for node in reversed(nodes):
        if node not in gradients or not node.parents:
            continue
        g = gradients[node] = moved(gradients[node], seed, units)
        wanted = [p in floats for p in node.parents]
        found = node.primitive.pull(g, node.saved[0], node.saved[1:], wanted, node.params or {})
        for parent, want, d in zip(node.parents, wanted, found, strict=True):
            if parent is not None and want and d is not None:
                d = fitted(d, parent, node.primitive)
                gradients[parent] = gradients[parent] + d if parent in gradients else d
    return gradients


def computed_off(node: Node, y: Array, xs: list[Array], seed: int, units: float) -> Array:
    """Return a result moved, except where it was selected from the operands and not computed."""
    primitive = node.primitive
    if np.asarray(y).dtype.kind != "f" or primitive.constant or (primitive.elementwise and not primitive.smooth):
        return y
    off, chosen = moved(y, seed, units), np.zeros(np.shape(y), dtype=bool)
    if primitive.name in ("add", "subtract"):
        chosen = (xs[0] == 0) | (xs[1] == 0)
    elif primitive.elementwise:
        for x in xs:
            chosen |= np.abs(y) == np.abs(x)
    elif np.size(y) + sum(np.size(x) for x in xs) > SORTABLE:
        return off
    else:
        chosen = np.asarray(np.isin(y, np.concatenate([np.ravel(x) for x in xs] or [np.zeros(0)])))
    kept: Array = np.where(chosen, y, off)
    return kept[()]
