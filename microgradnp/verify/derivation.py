"""A hand derivation: a forward pass, the formulas claimed for its derivatives, and the verdict on each of them."""

from __future__ import annotations

import ast
import copy
import functools
import inspect
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from microgradnp import tree
from microgradnp.graph import Graph, numbers_to_array, trace
from microgradnp.tape import Node
from microgradnp.verify.explaining import Explainer
from microgradnp.verify.judgement import (
    SPREADS,
    TOLERANCE,
    Cause,
    Finding,
    Status,
    Witness,
    beside,
    compare,
    finite_gap,
    numbers_of,
    rounding_of,
    tolerance_of,
)
from microgradnp.verify.report import Report, Verdict
from microgradnp.verify.rounding import (
    ROUNDINGS,
    computed_rounded,
    gradients_rounded,
    inputs_moved,
    moved,
    noise_of,
    rounded,
)

Function = Callable[..., Any]
Part = Callable[[dict[str, "Outcome"]], "Outcome"]

#: How many numbers the differences may compute in all before they take samples of the entries, about a second's worth.
WORK = 2e9
EVALUATIONS = 14  # of the loss, for one entry
BESIDE = 4  # points beside a kink


class DerivationError(Exception):
    """A derivation that cannot be checked as it stands; says how to mend it."""


class WrongShape(Exception):
    """A formula for an element returned something else."""


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
    returns: Mapping[str, str] | None = None
    wrt: Sequence[str] | None = None

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
            return [*(self.wrt or ()), *(self.returns or {}).values()]
        return [self.quantity] if self.kind != "value" else []

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


class Derivation:
    """A derivation to be verified: the forward pass and the claims about it.

    Parameters
    ----------
    title : str
    loss : str, optional
        The name of the loss, where the forward function returns more than the loss.
    tolerance : float
        Relative difference that still counts as equal, besides rounding.
    seed : int
        Of the random choices: one-ulp changes, sampled entries.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> d = mg.Derivation("least squares")
    >>> @d.forward
    ... def model(X, y, w):
    ...     r = X @ w - y
    ...     loss = np.sum(r**2)
    ...     return loss
    >>> @d.gradient("w")
    ... def dw(X, r):
    ...     return X.T @ r  # the factor 2 is missing
    >>> report = d.verify(X=np.eye(2), y=np.zeros(2), w=np.array([1.0, 2.0]))
    >>> str(report["w"].status), report.ok
    ('wrong', False)
    """

    def __init__(
        self, title: str = "", *, loss: str | None = None, tolerance: float = TOLERANCE, seed: int = 0
    ) -> None:
        self.title = title
        self.loss = loss
        self.tolerance = tolerance
        self.seed = seed
        self.function: Function | None = None
        self.claims: list[Claim] = []
        self.report: Report | None = None

    # -- stating it ------------------------------------------------------------------------------------------------

    def forward(self, function: Function) -> Function:
        """State the forward pass: plain NumPy that returns the loss (a decorator)."""
        if self.function is not None:
            raise DerivationError(f"{self._who()} has a forward function already: {self.function.__name__}")
        self.function = function
        return function

    def gradient(
        self, of: str, function: Function | None = None, *, name: str | None = None, tolerance: float | None = None
    ) -> Any:
        """Claim a formula for the gradient of the loss with respect to a quantity (also as a decorator).

        Parameters
        ----------
        of : str
            An input or a local variable of the forward function, or an element of one: ``"Wo[i, j]"``, with a function
            of i and j.
        function : callable, optional
            Its arguments are found by name among the inputs, the forward's variables and the other claims.
        name : str, optional
            By default that of the function.
        tolerance : float, optional
            For this claim alone, e.g. because it is an approximation.
        """
        return self._claim("gradient", of, function, name, tolerance=tolerance)

    def value(
        self, of: str, function: Function | None = None, *, name: str | None = None, tolerance: float | None = None
    ) -> Any:
        """Claim another form of a quantity of the forward pass (also as a decorator)."""
        return self._claim("value", of, function, name, tolerance=tolerance)

    def update(
        self,
        of: str,
        rule: Any,
        function: Function | None = None,
        *,
        name: str | None = None,
        tolerance: float | None = None,
    ) -> Any:
        """Claim an update of a parameter or of its state (also as a decorator).

        Parameters
        ----------
        of : str
            The parameter whose gradient drives the update.
        rule : callable
            The right update. Its argument ``gradient`` is the true gradient of `of`, ``parameter`` the value of `of`; the
            others are found by name.
        function : callable, optional
            The update as written by hand.
        """
        return self._claim("update", of, function, name, tolerance=tolerance, rule=rule)

    def backward(
        self,
        function: Function | None = None,
        *,
        returns: Mapping[str, str] | None = None,
        wrt: Sequence[str] | None = None,
    ) -> Any:
        """State one whole hand-written backward function (also as a decorator).

        Parameters
        ----------
        function : callable, optional
            Takes ``cache``, with every quantity as attribute and item, or the quantities by name. Returns a dict of
            gradients, or a tuple of those of `wrt`.
        returns : dict, optional
            Which key of the returned dict is the gradient of which quantity, where the keys are not their names.
        wrt : sequence of str, optional
            The quantities whose gradients a returned tuple holds.
        """
        if function is None:
            return lambda fn: self.backward(fn, returns=returns, wrt=wrt)
        own = getattr(function, "__name__", "<lambda>")
        self._add(Claim("backward", "", "backward" if own == "<lambda>" else own, function, returns=returns, wrt=wrt))
        return function

    def _claim(self, kind: str, of: str, function: Function | None, name: str | None, **options: Any) -> Any:
        if not isinstance(of, str):
            raise TypeError(f"d.{kind}(of, ...) wants the name of a quantity, e.g. d.{kind}('Wo'), not {of!r}")
        if function is None:
            return lambda fn: self._claim(kind, of, fn, name, **options)
        own = name or getattr(function, "__name__", "")
        if not own or own == "<lambda>":
            own = {"gradient": f"d{of}", "value": f"{of} rewritten", "update": f"{of} updated"}[kind]
        self._add(Claim(kind, of, own, function, **options))
        return function

    def _add(self, claim: Claim) -> None:
        for other in self.claims:
            if other.name == claim.name:
                raise DerivationError(f"two claims are called {claim.name!r}: give one another name")
            if claim.kind == "gradient" == other.kind and other.of == claim.of:
                raise DerivationError(
                    f"two claims are made on the gradient of {claim.of!r}: {other.name!r} and {claim.name!r}; keep one"
                )
        self.claims.append(claim)

    def _who(self) -> str:
        return f"the derivation {self.title!r}" if self.title else "the derivation"

    # -- checking it -----------------------------------------------------------------------------------------------

    def verify(self, inputs: Mapping[str, Any] | None = None, /, **named: Any) -> Report:
        """Judge every claim with three witnesses: the hand-written value, autodiff, and differences.

        Parameters
        ----------
        inputs : dict, optional
            The arguments of the forward function, and what else the claims use (a learning rate, a momentum).
        **named
            The same, by name.

        Returns
        -------
        Report

        Raises
        ------
        DerivationError
            If the derivation cannot be checked as it stands: no forward function, a missing input, a claim on a
            quantity that does not exist, a cycle.
        """
        if self.function is None:
            raise DerivationError(f"{self._who()} has no forward function: decorate it with @d.forward")
        if not self.claims:
            raise DerivationError(f"{self._who()} has no claims: state one with @d.gradient('name') or @d.backward")
        given = {**(inputs or {}), **named}
        claimed = {q for claim in self.claims for q in claim.claimed()}
        given = {name: reference(numbers_to_array(value), name in claimed) for name, value in given.items()}
        self._check_inputs(given)
        points = [Point(self, given)]
        self._check_claims(points[0], given)
        rng = np.random.default_rng(self.seed)
        points += points[0].roundings(rng)
        self.report = Judge(self, points, rng).report()
        return self.report

    def _check_inputs(self, given: Mapping[str, Any]) -> None:
        assert self.function is not None
        wanted = {
            p.name: p.default
            for p in inspect.signature(self.function).parameters.values()
            if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        }
        missing = [n for n, default in wanted.items() if default is inspect.Parameter.empty and n not in given]
        if missing:
            raise DerivationError(
                f"verify() misses {', '.join(missing)}: {self.function.__name__}({', '.join(wanted)}) needs them; "
                f"d.verify({', '.join(f'{n}=...' for n in missing)})"
            )
        used = set(wanted)
        for claim in self.claims:
            used |= set(claim.arguments)
            if claim.rule is not None and callable(claim.rule):
                used |= set(inspect.signature(claim.rule).parameters)
        unknown = [n for n in given if n not in used]
        if unknown and not any(claim.open for claim in self.claims):
            raise DerivationError(
                f"no function of {self._who()} takes {', '.join(unknown)}; the forward function takes {', '.join(wanted)}"
            )

    def _check_claims(self, point: Point, given: Mapping[str, Any]) -> None:
        quantities = point.environment
        names = {claim.name for claim in self.claims if claim.kind != "backward"}
        for claim in self.claims:
            if claim.kind == "backward":
                continue
            claim.settle(point.graph.names)
            if claim.name in quantities:
                raise DerivationError(
                    f"the claim {claim.name!r} is called like a quantity of {point.graph.function}: formulas that take "
                    f"{claim.name} could mean either; rename it, or give it a name="
                )
            if claim.quantity not in point.graph.names:
                raise DerivationError(self._no_quantity(claim, point))
            node = point.graph.names[claim.quantity]
            if claim.kind != "value" and node.dtype.kind != "f":
                raise DerivationError(
                    f"{claim.name} claims a gradient of {claim.quantity}, which holds {node.dtype}: it has none"
                )
            if claim.indices and len(claim.indices) != node.ndim:
                raise DerivationError(
                    f"{claim.of} has {len(claim.indices)} index(es), but {claim.quantity} has shape {node.shape}"
                )
            for i, n in zip(claim.indices, node.shape, strict=False):
                if is_integer(i) and not -n <= int(i) < n:
                    raise DerivationError(f"{claim.of}: there is no entry {i}, {claim.quantity} has shape {node.shape}")
        for claim in self.claims:
            for argument in claim.needed():
                if argument in quantities or argument in names or (claim.kind == "backward" and argument == "cache"):
                    continue
                raise DerivationError(
                    f"{claim.name}({', '.join(claim.arguments)}) takes {argument!r}, which nobody provides: it is no input, "
                    f"no variable of {point.graph.function} ({listed(point.graph.names)}) and no claim"
                    + (f" ({', '.join(sorted(names - {claim.name}))})" if names - {claim.name} else "")
                    + "; pass it to verify() or give it a default"
                )
        self._ordered()

    def _no_quantity(self, claim: Claim, point: Point) -> str:
        text = f"{claim.name} claims {claim.of!r}, but {point.graph.function} computes no quantity of that name"
        if claim.quantity in point.graph.constants:
            return f"{text} that depends on its inputs: {claim.quantity} is a constant there"
        return f"{text}. It computes {listed(point.graph.names)}"

    def _ordered(self) -> list[Claim]:
        """Return the claims so that each comes after those it uses."""
        by_name = {claim.name: claim for claim in self.claims}
        done: list[Claim] = []
        waiting = list(self.claims)
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

    def __graph__(self) -> Any:
        if self.report is None:
            raise DerivationError(f"{self._who()} has no graph yet: verify() it with inputs first, or draw its report")
        return self.report.__graph__()


def listed(names: Mapping[str, Any]) -> str:
    """Return names for a message, without the intermediate values of rebound variables."""
    shown = [n for n in names if "@" not in n and "." not in n]
    return ", ".join(shown[:20]) + (", ..." if len(shown) > 20 else "")


def reference(value: Any, claimed: bool = False) -> Any:
    """Return an input in double precision, in which all is judged; whole numbers too if their gradient is claimed."""

    def convert(x: Any) -> Any:
        if isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f":
            return np.array(x, dtype=np.float64)[()]
        if (
            claimed
            and not isinstance(x, bool)
            and isinstance(x, int | np.ndarray | np.integer)
            and np.asarray(x).dtype.kind in "iu"
        ):
            return np.array(x, dtype=np.float64)[()]
        if hasattr(x, "_value"):
            return convert(np.array(x._value))
        return np.array(x) if isinstance(x, np.ndarray) else x

    return tree.transform(convert, value)


class Cache(Mapping[str, Any]):
    """What a backward function is given: every quantity of the forward pass, as attribute and as item."""

    def __init__(self, quantities: Mapping[str, Any]) -> None:
        self.__dict__.update(quantities)

    def __getitem__(self, name: str) -> Any:
        try:
            return self.__dict__[name]
        except KeyError:
            raise KeyError(f"{name!r} is no quantity of the forward pass; it has {listed(self.__dict__)}") from None

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the cache has no {name!r}; it has {listed(self.__dict__)}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise TypeError("the cache is read-only: it holds what the forward pass computed")

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)


def with_cache(function: Function) -> Function:
    """Return a backward function that takes the cache as a dict."""
    return lambda cache, **rest: function(cache=Cache(cache), **rest)


class Point:
    """The forward pass at one input: its graph, the values by name, and the true gradients."""

    harmless = False  # whether the forward function is known to leave its inputs alone
    units, seed = 0.0, 0  # by how many units in the last place the numbers are off, and which way

    def __init__(self, derivation: Derivation, given: Mapping[str, Any]) -> None:
        function = derivation.function
        assert function is not None
        signature = inspect.signature(function).parameters.values()
        everything = any(p.kind is p.VAR_KEYWORD for p in signature)
        names = {p.name for p in signature}
        self.given = given
        self.inputs = {n: v for n, v in given.items() if n in names or everything}
        self.function, self.given = function, given
        with np.errstate(all="ignore"):
            self.graph: Graph = trace(function, **{n: tree.transform(copied, v) for n, v in self.inputs.items()})
        self.loss = self._find_loss(derivation)
        with np.errstate(all="ignore"):
            self.gradients = self.graph.gradients(self.loss)
        self.environment: dict[str, Any] = {
            **given,
            **self.graph.constants,
            **{name: plain_value(self.graph.value(node)) for name, node in self.graph.names.items()},
        }

    def _find_loss(self, derivation: Derivation) -> Node:
        graph, name = self.graph, derivation.loss
        if name is not None:
            if name not in graph.names:
                raise DerivationError(f"loss={name!r}, but {graph.function} computes {listed(graph.names)}")
            node = graph.names[name]
        else:
            if isinstance(graph.result, tuple | list | dict):
                raise DerivationError(
                    f"{graph.function} returns a {type(graph.result).__name__}: say which quantity is the loss, "
                    f"mg.Derivation(..., loss='loss')"
                )
            if not graph.outputs:
                if graph.result is None:
                    raise DerivationError(f"{graph.function} returns nothing: end it with `return loss`")
                what = f"{graph.result!r:.60}, a {type(graph.result).__name__}"
                raise DerivationError(
                    f"{graph.function} returned {what}, which depends on none of its inputs: return the loss as it was "
                    "computed, without float(), int(), .item() or .data"
                )
            node = graph.outputs[0]
        label = graph.label(node) or "the loss"
        if node.dtype.kind != "f":
            raise DerivationError(
                f"{label}, which {graph.function} returns, holds {node.dtype}: a loss is a real number"
            )
        if node.size != 1:
            raise DerivationError(
                f"{label}, which {graph.function} returns, has shape {node.shape}: a loss is one number; return "
                "np.sum or np.mean of it"
            )
        return node

    def beside(self, derivation: Derivation, rng: np.random.Generator) -> Point:
        """Return the forward pass a very small random step away."""

        def step(x: Any) -> Any:
            if not isinstance(x, float | np.ndarray | np.generic) or np.asarray(x).dtype.kind != "f":
                return x
            return beside(x, rng)

        return Point(derivation, tree.transform(step, self.given))

    def blurred(self, value: Any) -> Any:
        """Return what a claim gave as the next one receives it: off by its rounding, where the point is."""
        return inputs_moved(value, self.seed, self.units) if self.units else value

    def roundings(self, rng: np.random.Generator) -> list[Point]:
        """Return the same point with every number a rounding off, wherever that changes no branch."""
        points = []
        for units in ROUNDINGS:
            seed = int(rng.integers(2**62))
            for signed in (seed, ~seed):
                point = copy.copy(self)
                point.units, point.seed = units, signed
                point.graph, new = rounded(self.graph, signed, units)
                point.loss = new[self.loss]
                with np.errstate(all="ignore"):
                    point.gradients = gradients_rounded(point.graph, point.loss, signed, units)
                point.environment = (
                    inputs_moved(self.environment, signed, units)
                    | {
                        name: tree.transform(functools.partial(moved, seed=signed, units=units), value)
                        for name, value in self.graph.constants.items()
                        if isinstance(value, list | tuple | dict)  # of quantities that were computed
                    }
                    | {name: plain_value(point.graph.value(node)) for name, node in point.graph.names.items()}
                )
                if point.graph_like(self):
                    points.append(point)
        return points

    def graph_like(self, other: Point) -> bool:
        """Return whether the same operations were computed, with the same branches taken at every kink."""
        if len(self.graph.nodes) != len(other.graph.nodes):
            return False
        for a, b in zip(self.graph.nodes, other.graph.nodes, strict=True):
            if a.primitive is not b.primitive or a.spec != b.spec:
                return False
            if not a.primitive.smooth and not np.array_equal(branch(a), branch(b)):
                return False
        return True

    def continues(self, other: Point, noise: float) -> bool:
        """Return whether the loss is what it is at another point but for what the gradient explains, and noise."""
        loss, before = self.graph.value(self.loss), other.graph.value(other.loss)
        explained = 0.0
        for name, node in self.graph.inputs.items():
            if node in self.gradients and name in other.graph.inputs:
                step = self.graph.value(node) - other.graph.value(other.graph.inputs[name])
                explained += float(np.sum(np.abs(self.gradients[node] * step)))
        return bool(np.all(np.abs(loss - before) <= 10 * explained + noise))

    def gradient(self, quantity: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the true gradient with respect to a quantity; zeros where the loss ignores it."""
        node = self.graph.names[quantity]
        g = self.gradients.get(node)
        return np.zeros(node.shape) if g is None else np.asarray(g, dtype=np.float64)

    def plain_loss(self, **changes: Any) -> Any:
        """Return the loss as the user's own function computes it on plain arrays, without our tape."""
        inputs = {**self.inputs, **changes}
        if self.harmless:
            return self.loss_in(self.function(**inputs))
        copies = {n: tree.transform(copied, v) for n, v in inputs.items()}
        loss = self.loss_in(self.function(**copies))
        self.harmless = all(unchanged(copies[n], v) for n, v in inputs.items())
        return loss

    def loss_in(self, result: Any) -> Any:
        """Return the loss out of what the forward function returned."""
        leaves = [leaf for _, leaf in tree.flatten(self.graph.result)]
        found = [leaf for _, leaf in tree.flatten(result)]
        for ours, plain in zip(leaves, found, strict=False):
            if getattr(ours, "node", None) is self.loss:
                return plain
        return None

    def loss_of(self, quantity: str) -> Callable[[Any], Any]:
        """Return the loss as a function of one quantity: the user's function for an input, else the graph replayed."""
        node = self.graph.names[quantity]
        if (
            self.inputs.get(quantity) is not None
            and self.graph.inputs.get(quantity) is node
            and self.loss_in(self.graph.result) is not None
        ):
            return lambda value: self.plain_loss(**{quantity: value[()] if np.ndim(value) == 0 else value})
        replay = self.graph.evaluator(self.loss, [node])
        return lambda value: replay(value[()] if np.ndim(value) == 0 else value)


def cost_of(node: Node) -> float:
    """Return about how many elements of an array could be added in the time that it takes to compute a node."""
    call, sizes = 2000.0, [node.size, *(np.size(x) for x in node.saved[1:])]
    bilinear = not node.primitive.elementwise and len(sizes) == 3 and min(sizes) > 1
    return (
        call + (float(np.sqrt(np.prod(sizes, dtype=float))) / 10 if bilinear else 0.0) + node.size
    )  # m n k for a product


def branch(node: Node) -> Any:
    """Return which way a node with kinks went, at every element."""
    y, *xs = node.saved
    with np.errstate(all="ignore"):
        if node.primitive.constant:
            return np.asarray(y)
        if node.primitive.elementwise:
            ways = [local for local in node.primitive.locals if not isinstance(local, int)]  # type: ignore[attr-defined]
            return np.array([np.broadcast_to(way(y, *xs, **(node.params or {})), node.shape) for way in ways])
        if node.primitive.name == "where":
            return np.asarray(xs[0])
        seed = np.ones(node.shape)
        pulled = node.primitive.pull(seed, y, xs, [True] * len(xs), node.params or {})
        return np.sign(np.asarray(pulled[0])) if pulled[0] is not None else np.zeros(0)


def together(value: Any) -> Any:
    """Return an update of a parameter and its state, a tuple, as one array."""
    parts = [np.ravel(part) for _, part in tree.flatten(value)]
    return np.concatenate(parts) if isinstance(value, tuple | list | dict) and parts else value


def copied(x: Any) -> Any:
    """Return a copy of an array: no formula can change what another one is given."""
    return x.copy() if isinstance(x, np.ndarray) else x


def plain_value(value: Any) -> Any:
    """Return a value as plain NumPy code has it: 0-d arrays as scalars."""
    return np.asarray(value)[()] if np.ndim(value) == 0 else np.asarray(value)


# -- judging -------------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What a claim gave at one point: on the values that it really received, and on the true ones."""

    received: Any = None
    true: Any = None
    failure: str = ""
    misshapen: str = ""
    right: bool = False  # could be computed on true values
    notes: list[str] = field(default_factory=list)


class Judge:
    """Evaluates the claims at a point and at points one rounding away, and compares."""

    def __init__(self, derivation: Derivation, points: Sequence[Point], rng: np.random.Generator) -> None:
        self.derivation = derivation
        self.points = points
        self.point = points[0]
        self.rng = rng
        self.witnesses: dict[str, Witness] = {}
        self.verdicts: dict[str, Verdict] = {}
        self.ordered = derivation._ordered()
        quantities = {q for claim in derivation.claims for q in claim.claimed()}
        once = sum(cost_of(node) for node in self.point.graph.nodes)
        self.budget = max(6, int(WORK / (EVALUATIONS * once * max(len(quantities), 4))))
        self.noise = noise_of(self.point.graph, self.point.loss, rng)
        self.doubt = self._doubt()
        self.explainer = Explainer(self)

    def _doubt(self) -> str:
        """Return why the plain forward pass cannot serve as a witness; empty where it can."""
        point = self.point
        with np.errstate(all="ignore"):
            try:
                first, second = point.plain_loss(), point.plain_loss()
            except Exception as error:
                return f"{point.graph.function} fails on plain arrays: {error}"
        traced = float(np.asarray(point.graph.value(point.loss)).reshape(()))
        if first is None:
            return ""
        first, second = (float(np.asarray(x).reshape(())) for x in (first, second))
        if not np.isfinite(traced):
            return f"the loss is {traced} at these inputs"
        if first != second:
            return (
                f"{point.graph.function} gives another loss at the next call ({first:.10g}, {second:.10g}): it draws "
                "random numbers or keeps state. Pass the mask, or what else it draws, in as an input"
            )
        if abs(first - traced) > 1e-9 * max(abs(first), abs(traced)) + 16 * self.noise:
            return (
                f"{point.graph.function} gives another loss on plain arrays ({first:.10g}) than when it is recorded "
                f"({traced:.10g}): does it test types, or use what np.asarray took out of the graph?"
            )
        return ""

    def witness(self, claim: Claim) -> Witness:
        """Return what differences say of the gradient with respect to what is claimed."""
        quantity, where = claim.quantity, claim.where
        key = quantity + repr([i for i in claim.indices if is_integer(i)])
        if key not in self.witnesses:
            whole = np.asarray(self.point.environment[quantity], dtype=np.float64)
            loss = self.point.loss_of(quantity)

            def loss_of_part(value: Any) -> Any:
                changed = whole.copy()
                changed[where] = value
                return loss(changed)

            self.witnesses[key] = Witness.of(loss_of_part, whole[where], self.budget, self.rng, self.noise)
        return self.witnesses[key]

    @functools.cached_property
    def evaluations(self) -> list[dict[str, Outcome]]:
        """What the claims give at the point, and at the points one rounding away."""
        return [self.evaluate(point) for point in self.points]

    @functools.cached_property
    def noisy(self) -> list[tuple[float, dict[str, Outcome]]]:
        """What the claims give one rounding away when the formulas round too: `1 - h` where h is nearly 1."""
        return [
            (p.units, self.evaluate(p, functools.partial(computed_rounded, seed=p.seed, units=p.units)))
            for p in self.points[1:]
        ]

    @functools.cached_property
    def tame(self) -> Judge | None:
        """The same derivation where no input is larger than 1 and less saturates; None if that is where it is."""
        given = {n: tree.transform(tamed, v) for n, v in self.point.given.items()}
        if all(unchanged(given[n], v) for n, v in self.point.given.items()):
            return None
        try:
            point = Point(self.derivation, given)
        except Exception:  # other inputs are ours: what the forward pass makes of them is not the user's mistake
            return None
        return Judge(self.derivation, [point, *point.roundings(self.rng)], self.rng)

    @functools.cached_property
    def beside(self) -> list[tuple[Point, dict[str, Outcome]]]:
        """Points a small step away, and what the claims give there, if the point itself is on a kink."""
        points = [self.point.beside(self.derivation, self.rng) for _ in range(BESIDE)]
        if all(point.graph_like(self.point) for point in points):
            return []
        return [(point, self.evaluate(point)) for point in points]

    def report(self) -> Report:
        """Return the verdicts in the order in which the claims were stated."""
        verdicts = {claim.name: self.judged(claim) for claim in self.ordered}
        stated = [v for claim in self.derivation.claims for v in verdicts[claim.name]]
        return Report(self.derivation.title, stated, self.point.graph, self.point.loss)

    def judged(self, claim: Claim) -> list[Verdict]:
        """Return the verdict on a claim, or those on the parts of a backward function."""
        if claim.kind == "backward":
            return self.backward_verdicts(claim)
        verdict = self.verdict(claim, lambda outcomes: outcomes[claim.name])
        self.verdicts[claim.name] = verdict
        if verdict.status is Status.WRONG and claim.kind == "gradient" and not claim.indices:
            self.explainer.explain(verdict, claim, lambda outcomes: outcomes[claim.name].true)
        return [verdict]

    # evaluation

    def evaluate(
        self, point: Point, off: Callable[[Function], Function] = lambda function: function
    ) -> dict[str, Outcome]:
        """Compute every claim at a point, twice: with the other claims as they are, and with the truth in their place.

        `off` changes how the formulas compute.
        """
        outcomes: dict[str, Outcome] = {}
        for claim in self.ordered:
            outcome = outcomes[claim.name] = Outcome()
            if claim.kind == "backward":
                outcome.received = outcome.true = self.called(claim, point, {}, outcome, off)
                continue
            received = {a: point.blurred(outcomes[a].received) for a in claim.arguments if a in outcomes}
            truths = {a: self.truth(self.claim_named(a), point) for a in received}
            missing = [a for a in received if outcomes[a].received is None]
            if not missing:
                outcome.received = self.called(claim, point, received, outcome, off)
                outcome.true = outcome.received
            if received:
                alone = Outcome()
                outcome.true = self.called(claim, point, truths, alone, off)
                outcome.right = not (alone.failure or alone.misshapen)
                if missing:
                    outcome.received, outcome.failure, outcome.misshapen = outcome.true, alone.failure, alone.misshapen
                    outcome.notes += [
                        *alone.notes,
                        f"judged on true values: {', '.join(missing)} could not be computed",
                    ]
        return outcomes

    def claim_named(self, name: str) -> Claim:
        """Return the claim of that name."""
        return next(c for c in self.derivation.claims if c.name == name)

    def called(
        self,
        claim: Claim,
        point: Point,
        claims: Mapping[str, Any],
        outcome: Outcome,
        off: Callable[[Function], Function],
    ) -> Any:
        """Call a formula with its arguments by name; what goes wrong inside is told, not raised."""
        environment = {**point.environment, **claims}
        names = [
            a for a in (environment if claim.open else claim.arguments) if a in environment and a not in claim.indices
        ]
        arguments = {a: tree.transform(copied, environment[a]) for a in names if a.isidentifier()}
        handed, function = arguments, claim.function
        if claim.kind == "backward" and "cache" in claim.arguments and "cache" not in environment:
            handed = {a: tree.transform(copied, value) for a, value in environment.items()}
            arguments = {**arguments, "cache": handed}
            function = with_cache(function)
        try:
            with np.errstate(all="ignore"):
                formula = off(function)
                value = self.over_indices(claim, point, formula, arguments) if claim.letters else formula(**arguments)
        except WrongShape as error:
            outcome.misshapen = str(error)
            return None
        except Exception as error:
            outcome.failure = failure_of(error, claim)
            return None
        if claim.kind == "update":
            value = together(value)
        changed = [a for a in handed if not unchanged(handed[a], environment[a])]
        if changed:
            note = f"{claim.name} changes {', '.join(changed)} in place: whoever uses it afterwards gets another value"
            if note not in outcome.notes:
                outcome.notes.append(note)
        return value

    def over_indices(self, claim: Claim, point: Point, formula: Function, arguments: dict[str, Any]) -> Any:
        """Evaluate a claim about one element (or row) for every value of its indices."""
        shape = point.graph.names[claim.quantity].shape
        left = [(i, n) for i, n in zip(claim.indices, shape, strict=True) if not is_integer(i)]
        result = np.full([n for _, n in left], np.nan)
        for values in np.ndindex(*(n for i, n in left if i != ":")):
            chosen = dict(zip(claim.letters, (int(v) for v in values), strict=True))
            known = {i: v for i, v in chosen.items() if i in claim.arguments or claim.open}
            where = tuple(slice(None) if i == ":" else chosen[i] for i, _ in left)
            piece = np.asarray(formula(**arguments, **known))
            if piece.shape != result[where].shape:
                at = ", ".join(f"{i} = {v}" for i, v in chosen.items())
                raise WrongShape(
                    f"at {at} it returned shape {piece.shape}, but {claim.of} has shape {result[where].shape}"
                )
            result[where] = piece
        return result[()]

    def truth(self, claim: Claim, point: Point) -> Any:
        """Return what a claim should give."""
        if claim.kind == "gradient":
            return plain_value(point.gradient(claim.quantity)[claim.where])
        if claim.kind == "value":
            return plain_value(np.asarray(point.environment[claim.quantity])[claim.where])
        return self.updated(claim, point, point.gradient(claim.quantity))

    def updated(self, claim: Claim, point: Point, gradient: Any) -> Any:
        """Return the right update for a gradient."""
        environment = {
            **point.environment,
            "gradient": plain_value(gradient),
            "parameter": point.environment[claim.quantity],
        }
        parameters = inspect.signature(claim.rule).parameters
        missing = [n for n, p in parameters.items() if p.default is p.empty and n not in environment]
        if missing:
            raise DerivationError(
                f"the rule of {claim.name} takes {', '.join(missing)}, which nobody provides; pass it to verify()"
            )
        try:
            value = numbers_of(
                together(claim.rule(**{n: copied(environment[n]) for n in parameters if n in environment}))
            )
        except Exception as error:
            raise DerivationError(f"the rule of {claim.name} raised {type(error).__name__}: {error}") from error
        if value is None:
            raise DerivationError(
                f"the rule of {claim.name} returned no numbers: it must return the updated {claim.quantity}"
            )
        return value

    # verdicts

    def verdict(self, claim: Claim, part: Part) -> Verdict:
        """Judge one claim; `part` finds what it gave among the outcomes at a point."""
        outcome = part(self.evaluations[0])
        true = np.asarray(self.truth(claim, self.point), dtype=np.float64)
        verdict = Verdict(
            name=claim.name,
            of=claim.of,
            kind=claim.kind,
            status=Status.UNVERIFIABLE,
            hand=outcome.received,
            autodiff=true,
            formula=source_of(claim.function),
            notes=list(outcome.notes),
        )
        culprits = [a for a in claim.arguments if a in self.verdicts and not self.verdicts[a].ok]
        on_true_values = outcome.right and culprits
        if self.doubt or (outcome.failure and not on_true_values):
            verdict.explanation = outcome.failure or self.doubt
            verdict.notes += self.rebound(claim)
            return verdict
        witness = measured = self.witness(claim) if claim.kind != "value" else None
        if claim.kind == "update":
            gradient = self.point.gradient(claim.quantity)
            doubt = compare(gradient, gradient, np.zeros(()), witness, self.derivation.tolerance, claim.quantity)
            witness = None
            if doubt.status is Status.UNVERIFIABLE:
                return set_finding(verdict, doubt)
        if outcome.failure or outcome.misshapen:
            nothing = np.ones(true.shape, dtype=bool)
            finding = Finding(Status.WRONG, float("inf"), nothing, outcome.misshapen, Cause.SHAPE)
        else:
            finding = self.found(claim, part, lambda o: o.received, witness)
        if finding.status is Status.WRONG and outcome.right:
            finding = self.given(finding, self.found(claim, part, lambda o: o.true, witness), claim, outcome)
        self.fill(verdict, claim, measured)
        set_finding(verdict, finding)
        if not verdict.ok:
            verdict.notes += self.rebound(claim)
        return verdict

    def found(self, claim: Claim, part: Part, value: Callable[[Outcome], Any], witness: Witness | None) -> Finding:
        """Compare what a claim gave with the truth, and find out whether rounding or a kink is why they differ."""
        true = np.asarray(self.truth(claim, self.point), dtype=np.float64)
        hand = value(part(self.evaluations[0]))
        relative = self.derivation.tolerance if claim.tolerance is None else claim.tolerance
        what = f"{claim.quantity} updated" if claim.kind == "update" else claim.quantity
        spread = self.spread(claim, [part(e) for e in self.evaluations], true)
        finding = compare(hand, true, spread, witness, relative, what)
        if finding.doubtful:  # its own rounding, which costs more to find out
            runs = [(units, value(part(o))) for units, o in self.noisy]
            moves = [(units, finite_gap(v, hand)) for units, v in runs if comparable(v, true)]
            own = rounding_of(moves, true, jumps=True)
            finding = compare(hand, true, np.maximum(spread, own), witness, relative, what)
        if finding.doubtful and self.beside:
            return self.at_kink(finding, claim, hand, [(p, value(part(o))) for p, o in self.beside], spread)
        if finding.status is Status.CORRECT and self.tame is not None:
            wrong = np.abs(np.asarray(hand) - true) > tolerance_of(true, np.zeros(()), relative)
            elsewhere = self.tame.found(claim, part, value, None) if np.any(wrong) else finding
            if elsewhere.status is Status.WRONG and elsewhere.cause is None:
                note = "no more than rounding at these inputs, but wrong where less is rounded off"
                return replace(finding, status=Status.WRONG, wrong=wrong, note=note)
        return finding

    def given(self, finding: Finding, alone: Finding, claim: Claim, outcome: Outcome) -> Finding:
        """Return what to say of a formula whose value is wrong: it may be right but for the claims that it uses."""
        if alone.status not in (Status.CORRECT, Status.KINK):
            return alone if outcome.failure else finding
        used = [a for a in claim.arguments if a in self.verdicts]
        culprits = [a for a in used if not self.verdicts[a].ok]
        if not culprits:  # what it uses differs from the truth by no more than it may
            kinked = [a for a in used if self.verdicts[a].status is Status.KINK]
            if not kinked:
                return alone
            note = f"right for the value of {', '.join(kinked)} at a kink"
            return replace(alone, status=Status.KINK, error=finding.error, note=alone.note or note)
        cannot = "cannot be computed from" if outcome.failure else "uses"
        note = (
            f"the formula is right, but it {cannot} {', '.join(culprits)}, which {'are' if culprits[1:] else 'is'} not"
        )
        return replace(finding, status=Status.GIVEN, note=note, cause=None)

    def at_kink(
        self, finding: Finding, claim: Claim, hand: Any, beside: Sequence[tuple[Point, Any]], spread: Any
    ) -> Finding:
        """Return KINK in place of a finding if the formula is right at all points beside, and not far off at the kink.

        Where several kinks meet, a right choice at each of them need not lie between the one-sided derivatives.
        """
        true = np.asarray(self.truth(claim, self.point), dtype=np.float64)
        reach = np.zeros(true.shape)
        for point, value in beside:
            if not point.continues(self.point, self.noise):
                return finding  # a jump is no kink
            near = np.asarray(self.truth(claim, point), dtype=np.float64)
            with np.errstate(all="ignore"):
                if np.shape(value) != near.shape or not np.all(
                    np.abs(np.asarray(value) - near) <= 1e-8 * np.max(np.abs(near), initial=0.0) + SPREADS * spread
                ):
                    return finding
                reach = np.maximum(reach, np.abs(near - true))
        off = np.abs(np.asarray(hand) - true)
        if np.any(off > 4 * reach + 1e-6 * np.max(np.abs(true), initial=0.0) + SPREADS * spread):
            return finding
        note = "the inputs are exactly on a kink, where the derivative is a convention; the formula is right beside it"
        return Finding(Status.KINK, finding.error, np.zeros(true.shape, dtype=bool), note)

    def rebound(self, claim: Claim) -> list[str]:
        """Warn of names that have had several values in the forward pass."""
        names = [a for a in claim.arguments if f"{a}@1" in self.point.graph.names]
        return [
            f"{a} is bound more than once in {self.point.graph.function}; {claim.name} is given its last value"
            for a in names
        ]

    def spread(self, claim: Claim, outcomes: Sequence[Outcome], true: Any) -> Any:
        """Return how far the truth and the claim move when every number is one rounding off."""
        spread = np.zeros(true.shape)
        truths = [np.asarray(self.truth(claim, point), dtype=np.float64) for point in self.points]
        for values in (truths, [o.received for o in outcomes], [o.true for o in outcomes]):
            moves = [
                (point.units, finite_gap(value, values[0]))
                for point, value in zip(self.points[1:], values[1:], strict=True)
                if comparable(value, true) and comparable(values[0], true)
            ]
            spread = np.maximum(spread, rounding_of(moves, values[0], jumps=values is not truths))
        return spread

    def fill(self, verdict: Verdict, claim: Claim, witness: Witness | None) -> None:
        """Put what differences say in a verdict."""
        if witness is None:
            replay = self.point.graph.evaluate(self.point.graph.names[claim.quantity], {})
            verdict.differences = np.asarray(replay, dtype=np.float64)
            return
        measured = witness.full()
        verdict.kinks = witness.kinks()
        if claim.kind == "update":
            if witness.complete:
                verdict.differences = np.asarray(self.updated(claim, self.point, measured), dtype=np.float64)
        else:
            verdict.differences = measured

    def backward_verdicts(self, claim: Claim) -> list[Verdict]:
        """Judge each gradient that a whole backward function returns."""
        results = [e[claim.name] for e in self.evaluations]
        first = results[0]
        if first.failure:
            failed = Verdict(
                name=claim.name, of="", kind="backward", status=Status.UNVERIFIABLE, explanation=first.failure
            )
            failed.formula = source_of(claim.function)
            return [replace(failed, of=quantity) for quantity in claim.claimed() or [""]]
        verdicts = []
        for key, quantity in returned_names(claim, first.received, self.point).items():
            gradient = Claim("gradient", quantity, key if key != quantity else f"{claim.name}[{key!r}]", lambda: None)
            gradient.settle(self.point.graph.names)

            def part(outcomes: dict[str, Outcome], key: str = key) -> Outcome:
                whole = outcomes[claim.name]
                value = part_of(whole.received, key, claim)
                return Outcome(received=value, true=value, notes=list(whole.notes))

            def part_on_true_values(outcomes: dict[str, Outcome], key: str = key) -> Any:
                return part_of(outcomes[claim.name].received, key, claim)

            verdict = self.verdict(gradient, part)
            verdict.kind, verdict.formula = "backward", source_of(claim.function)
            if verdict.status is Status.WRONG and not gradient.indices:
                self.explainer.explain(verdict, gradient, part_on_true_values)
            verdicts.append(verdict)
        return verdicts


def comparable(value: Any, true: Any) -> bool:
    """Return whether a value is of numbers and has the shape of the truth."""
    return (
        isinstance(value, np.ndarray | np.generic | float | int)
        and np.shape(value) == np.shape(true)
        and np.asarray(value).dtype.kind in "biuf"
    )


def set_finding(verdict: Verdict, finding: Finding) -> Verdict:
    """Put a finding in a verdict."""
    verdict.status, verdict.error, verdict.wrong = finding.status, finding.error, finding.wrong
    verdict.explanation = finding.note
    if finding.status is Status.WRONG:
        verdict.cause = finding.cause or Cause.UNKNOWN
    return verdict


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


def guessed(key: str, known: Mapping[str, Any]) -> str:
    """Return the quantity that a key such as ``dW1``, ``grad_W_h`` or ``delta_o`` names."""
    if key in known:
        return key
    for prefix in ("grad_", "grad", "g_", "dL_d", "dLd", "dJ_d", "d_", "d", "delta_", "J"):
        if key.startswith(prefix) and key[len(prefix) :] in known:
            return key[len(prefix) :]
    return key


def part_of(result: Any, key: str, claim: Claim) -> Any:
    """Return one gradient out of what a backward function returned."""
    if isinstance(result, Mapping):
        return result.get(key)
    if isinstance(result, tuple | list):
        return result[list(claim.wrt or ()).index(key)]
    return result


def tamed(x: Any) -> Any:
    """Return floating point numbers scaled to at most 1; whole numbers, masks and shares stay."""
    if not isinstance(x, np.ndarray | float) or np.asarray(x).dtype.kind != "f" or np.all(x == np.rint(x)):
        return x
    return x / max(1.0, float(np.max(np.abs(x))))


def unchanged(a: Any, b: Any) -> bool:
    """Return whether two trees of arrays hold the same."""
    left, right = tree.flatten(a), tree.flatten(b)
    return len(left) == len(right) and all(
        np.array_equal(x, y, equal_nan=x.dtype.kind in "fc")
        for (_, x), (_, y) in zip(left, right, strict=True)
        if isinstance(x, np.ndarray)
    )


def failure_of(error: Exception, claim: Claim) -> str:
    """Say what a formula raised, with the file's own line."""
    own = [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if "microgradnp" not in f.filename.replace("\\", "/").split("/")[-3:-1]
    ]
    user = (
        [f for f in own if f.filename == claim.function.__code__.co_filename]
        if hasattr(claim.function, "__code__")
        else own
    )
    where = f" at line {user[-1].lineno} of {user[-1].filename}: {user[-1].line}" if user else ""
    return f"{claim.name} raised {type(error).__name__}: {error}{where}"


def source_of(function: Function) -> str:
    """Return the expression that a formula returns, as it is written; empty where the source is not at hand."""
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
