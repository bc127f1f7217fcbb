"""A hand derivation: a forward pass, the formulas claimed for its derivatives, and the verdict on each of them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from microgradnp.graph import numbers_to_array
from microgradnp.optim import Optimizer
from microgradnp.verify.calling import failure_in
from microgradnp.verify.claims import Claim, DerivationError, Function, is_integer, listed, ordered, parsed_target
from microgradnp.verify.derivatives import judged_derivative
from microgradnp.verify.guard import TIME_LIMIT, printed_note, quietly
from microgradnp.verify.indexed import IndexFormula
from microgradnp.verify.inputs import drawn, of_single_precision, reference
from microgradnp.verify.judgement import TOLERANCE, Status
from microgradnp.verify.judging import Judge
from microgradnp.verify.points import Point
from microgradnp.verify.report import Report, Verdict
from microgradnp.verify.updates import OptimizerRule


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
        Of the random choices: inputs drawn, one-ulp changes, sampled entries.
    trials : int
        How many random inputs are tried where shapes, or functions that draw, are given instead of data; the report is
        on the worst, with its `seed`.
    time_limit : float or None
        Seconds that one call of a function may take; None for no limit.

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
        self,
        title: str = "",
        *,
        loss: str | None = None,
        tolerance: float = TOLERANCE,
        seed: int = 0,
        trials: int = 3,
        time_limit: float | None = TIME_LIMIT,
    ) -> None:
        self.title = title
        self.loss = loss
        if trials < 1:
            raise ValueError(f"trials={trials}: at least 1 input is needed")
        self.tolerance = tolerance
        self.trials = trials
        self.time_limit = time_limit
        self.seed = seed
        self.function: Function | None = None
        self.claims: list[Claim] = []
        self.report: Report | None = None
        self.given: dict[str, Any] | Function = {}

    # -- stating it ------------------------------------------------------------------------------------------------

    def forward(self, function: Function) -> Function:
        """State the forward pass: plain NumPy that returns the loss (a decorator)."""
        if self.function is not None:
            raise DerivationError(f"{self._who()} has a forward function already: {self.function.__name__}")
        self.function = function
        return function

    def gradient(
        self,
        of: str,
        function: Function | str | None = None,
        *,
        name: str | None = None,
        tolerance: float | None = None,
    ) -> Any:
        """Claim a formula for the gradient of the loss with respect to a quantity (also as a decorator).

        Parameters
        ----------
        of : str
            An input or a local variable of the forward function, or an element of one: ``"Wo[i, j]"``, with a function
            of i and j.
        function : callable or str, optional
            Its arguments are found by name among the inputs, the forward's variables and the other claims. A text is a
            formula with indices, ``"x[n, i] * delta[n, j]"`` for ``"W[i, j]"``: every term is summed over the indices that
            the target does not have; the claim is then on all of the quantity.
        name : str, optional
            By default that of the function.
        tolerance : float, optional
            For this claim alone, e.g. because it is an approximation.
        """
        if isinstance(function, str):
            quantity, indices = parsed_target(of)
            letters = [i for i in indices if i.isidentifier()]
            if not letters or len(set(letters)) != len(letters) or ":" in indices:
                raise DerivationError(
                    f"d.gradient({of!r}, {function!r}): a formula with indices needs each index of its target once, "
                    "e.g. d.gradient('W[i, j]', 'x[n, i] * delta[n, j]')"
                )
            try:
                formula = IndexFormula(function, letters)
            except ValueError as error:
                raise DerivationError(f"d.gradient({of!r}, ...): {error}") from None
            fixed = [i if is_integer(i) else ":" for i in indices]
            of = quantity if len(letters) == len(indices) else f"{quantity}[{', '.join(fixed)}]"
            self._claim("gradient", of, formula, name or f"d{quantity}", tolerance=tolerance)
            return function
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
        state: Mapping[str, str] | None = None,
    ) -> Any:
        """Claim an update of a parameter or of its state (also as a decorator).

        Parameters
        ----------
        of : str
            The parameter whose gradient drives the update.
        rule : callable or Optimizer
            The right update. Of an optimizer only the rule is used. Its state is what inputs or quantities of its names are
            (``velocity`` of `optim.SGD`, ``m``, ``v`` and the number ``t`` of this step, from 1, of `optim.Adam`); that
            before the first step where there are none. A function's argument ``gradient`` is the true gradient of `of`,
            ``parameter`` the value of `of`; the others are found by name.
        function : callable, optional
            The update as written by hand. Its arguments are found by name, too. It returns the new parameter, or a tuple of
            it and of the new state, in the order of the rule, as much of it as it likes.
        name : str, optional
            By default that of the function.
        tolerance : float, optional
        state : dict of str to str, optional
            Where the state of an optimizer has other names: ``{"m": "mW", "v": "vW"}``.

        Examples
        --------
        >>> import numpy as np, microgradnp as mg
        >>> d = mg.Derivation()
        >>> _ = d.forward(lambda w: np.sum(w**2))
        >>> @d.update("w", mg.optim.Adam([mg.tensor([0.0], requires_grad=True)], lr=0.1))
        ... def step(w, m, v, t):
        ...     m = 0.9 * m + 0.1 * (2 * w)
        ...     v = 0.999 * v + 0.001 * (2 * w) ** 2
        ...     return w - 0.1 * m / (np.sqrt(v) + 1e-8), m, v  # the bias corrections are missing
        >>> w = np.array([1.0, 2.0])
        >>> str(d.verify(w=w, m=0.5 * w, v=w**2, t=3)["step"].status)
        'wrong'
        """
        if isinstance(rule, Optimizer):
            rule = OptimizerRule(rule, of, state or {})
        elif state:
            raise TypeError(f"d.update({of!r}, rule, state=...) is for optimizers; a function takes its state by name")
        elif not callable(rule):
            raise TypeError(
                f"d.update({of!r}, rule) wants a function or an mg.optim.SGD (or another optimizer) as the rule, not {rule!r:.60}"
            )
        return self._claim("update", of, function, name, tolerance=tolerance, rule=rule)

    def derivative(
        self,
        f: Function,
        claimed: Function | None = None,
        *,
        at: str = "input",
        points: Any = None,
        name: str | None = None,
        tolerance: float | None = None,
    ) -> Any:
        """Claim the derivative of a function of one number, taken element by element (also as a decorator).

        Parameters
        ----------
        f : callable
            An activation, in NumPy.
        claimed : callable, optional
            Its derivative.
        at : {"input", "output"}
            What `claimed` takes: the pre-activation z, or the activation f(z).
        points : array_like, optional
            Where to judge it. Default: 0, and small and large numbers of both signs at which f is finite.
        name : str, optional
            By default that of `claimed`.
        tolerance : float, optional

        Examples
        --------
        >>> import numpy as np, microgradnp as mg
        >>> d = mg.Derivation()
        >>> _ = d.derivative(np.tanh, lambda z: 1 - z**2)  # it is 1 - tanh(z)**2
        >>> verdict = d.verify()["tanh"]
        >>> str(verdict.cause), d.verify()["tanh"].explanation.partition(",")[0]
        ('derivative-at-wrong-place', "`tanh'` is right at the activation")
        """
        if at not in ("input", "output"):
            raise ValueError(f"at={at!r}: a derivative is told at the 'input' z or at the 'output' f(z)")
        if not callable(f):
            raise TypeError(f"d.derivative(f, claimed) wants a function, not {f!r:.60}")
        if claimed is None:
            return lambda fn: self.derivative(f, fn, at=at, points=points, name=name, tolerance=tolerance)
        of: str = getattr(f, "__name__", type(f).__name__)
        own: str = name or str(getattr(claimed, "__name__", "<lambda>"))
        own = f"{of}'" if own == "<lambda>" else own
        self._add(Claim("derivative", of, own, claimed, tolerance=tolerance, rule=f, at=at, points=points))
        return claimed

    def backward(
        self,
        function: Function | None = None,
        *,
        returns: Mapping[str, str] | None = None,
        wrt: Sequence[str] | None = None,
        locals: Mapping[str, str] | None = None,
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
        locals : dict, optional
            Which local variable of the function is the gradient of which quantity, where the names do not tell:
            ``{"Eh": "Zh"}``; of a variable that is bound again ``delta`` is the last value, ``delta@1`` the first.
            Those named like ``dZ1``, ``grad_H``, ``delta_o``, ``dL_dz`` are found.
        """
        if function is None:
            return lambda fn: self.backward(fn, returns=returns, wrt=wrt, locals=locals)
        for option, given in (("returns", returns), ("locals", locals)):
            if given is not None and not isinstance(given, Mapping):
                raise TypeError(f"d.backward({option}=...) wants a dict of names to quantities, not {given!r}")
        own = getattr(function, "__name__", "<lambda>")
        self._add(
            Claim(
                "backward",
                "",
                "backward" if own == "<lambda>" else own,
                function,
                returns=returns,
                wrt=wrt,
                locals=locals,
            )
        )
        return function

    def inputs(self, given: Mapping[str, Any] | Function | None = None, /, **named: Any) -> Any:
        """State inputs that `verify` uses where it is given none (also as a decorator of a function that draws them).

        Parameters
        ----------
        given : dict, or callable
            The inputs by name, or a function that returns them; if it has a parameter, it gets a ``numpy`` Generator.
        **named
            The inputs by name.

        Examples
        --------
        >>> import numpy as np, microgradnp as mg
        >>> d = mg.Derivation()
        >>> _ = d.forward(lambda w: np.sum(w**2))
        >>> _ = d.gradient("w", lambda w: 2 * w)
        >>> @d.inputs
        ... def data(rng):
        ...     return {"w": rng.normal(size=3)}
        >>> d.verify().ok
        True
        """
        if callable(given):
            if named:
                raise TypeError("d.inputs(...) takes a function or inputs by name, not both")
            self.given = given
            return given
        self.given = by_name("d.inputs", given, named)
        return None

    def drawn_inputs(self, seed: int) -> dict[str, Any]:
        """Return the stated inputs, drawn anew where a function draws them."""
        if not callable(self.given):
            return self.given
        wants = [p for p in inspect.signature(self.given).parameters.values() if p.default is p.empty]
        found = self.given(np.random.default_rng(seed)) if wants else self.given()
        if not isinstance(found, Mapping):
            name = getattr(self.given, "__name__", "the function of d.inputs")
            raise DerivationError(f"{name} returned {type(found).__name__}: return the inputs by name, as a dict")
        return dict(found)

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
            The arguments of the forward function, and what else the claims use (a learning rate, a momentum). Without
            any, those stated with `inputs`. Where no array is given, tuples of whole numbers are shapes, of standard
            normal numbers; a function of one argument ``rng`` draws its input from that numpy Generator.
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
        functions = [c for c in self.claims if c.kind == "derivative"]
        if functions and len(functions) == len(self.claims) and self.function is None:
            self.report = Report(self.title, self._derivatives(functions), None, None)
            return self.report
        if self.function is None:
            raise DerivationError(f"{self._who()} has no forward function: decorate it with @d.forward")
        if not self.claims:
            raise DerivationError(f"{self._who()} has no claims: state one with @d.gradient('name') or @d.backward")
        stated = by_name("d.verify", inputs, named)
        reports: list[Report] = []
        for trial in range(self.trials):
            seed = self.seed + trial
            with quietly() as printed:
                given, random = drawn(stated or self.drawn_inputs(seed), np.random.default_rng(seed))
                report = self._verified(given, seed)
            report.seed = seed
            if printed.getvalue().strip() and report.verdicts:
                report.verdicts[0].notes.append(printed_note(self.function.__name__, printed.getvalue()))
            reports.append(report)
            if not (random or (not stated and callable(self.given))):
                report.seed = None  # the inputs are the user's own
                break
        self.report = max(reports, key=severity)
        if len(reports) > 1 and not self.report.ok:
            bad = sum(not r.ok for r in reports)
            first = next(v for v in self.report if not v.ok)
            first.notes.append(
                f"not right for {bad} of {len(reports)} random inputs; these are mg.Derivation(..., "
                f"seed={self.report.seed}, trials=1)"
            )
        return self.report

    def _verified(self, given: Mapping[str, Any], seed: int) -> Report:
        """Judge every claim at one input."""
        assert self.function is not None
        claimed = {q for claim in self.claims for q in claim.claimed()}
        single = of_single_precision(given)
        given = {name: reference(numbers_to_array(value), name in claimed) for name, value in given.items()}
        self._check_inputs(given)
        points = [self._point(given)]
        self._check_claims(points[0], given)
        rng = np.random.default_rng(seed)
        points += points[0].roundings(rng)
        return Judge(self, points, rng, single).report()

    def _point(self, given: Mapping[str, Any]) -> Point:
        """Return the forward pass at an input; what it raises is told with its own line."""
        assert self.function is not None
        try:
            return Point(self, given)
        except (DerivationError, KeyboardInterrupt):
            raise
        except (Exception, SystemExit) as error:
            what = failure_in(error, self.function, getattr(self.function, "__name__", "the forward function"))
            raise DerivationError(f"the forward pass cannot be computed: {what}") from error

    def _derivatives(self, claims: Sequence[Claim]) -> list[Verdict]:
        """Return the verdicts on the claims that need no forward pass."""
        rng = np.random.default_rng(self.seed)
        return [judged_derivative(claim, self.tolerance, rng) for claim in claims]

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
            if claim.kind == "derivative":
                continue
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
        names = {claim.name for claim in self.claims if claim.kind not in ("backward", "derivative")}
        for claim in self.claims:
            if claim.kind in ("backward", "derivative"):
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
            for argument in claim.needed() if claim.kind != "derivative" else ():
                if argument in quantities or argument in names or (claim.kind == "backward" and argument == "cache"):
                    continue
                if claim.kind == "update" and argument in ("gradient", "parameter"):
                    continue
                raise DerivationError(
                    f"{claim.name}({', '.join(claim.arguments)}) takes {argument!r}, which nobody provides: it is no input, "
                    f"no variable of {point.graph.function} ({listed(point.graph.names)}) and no claim"
                    + (f" ({', '.join(sorted(names - {claim.name}))})" if names - {claim.name} else "")
                    + "; pass it to verify() or give it a default"
                )
        ordered(self.claims)

    def _no_quantity(self, claim: Claim, point: Point) -> str:
        text = f"{claim.name} claims {claim.of!r}, but {point.graph.function} computes no quantity of that name"
        if claim.quantity in point.graph.constants:
            return f"{text} that depends on its inputs: {claim.quantity} is a constant there"
        return f"{text}. It computes {listed(point.graph.names)}"

    def __graph__(self) -> Any:
        if self.report is None:
            raise DerivationError(f"{self._who()} has no graph yet: verify() it with inputs first, or draw its report")
        return self.report.__graph__()


def by_name(call: str, given: Mapping[str, Any] | None, named: Mapping[str, Any]) -> dict[str, Any]:
    """Return inputs that were given as a dict and by keywords together."""
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(
            f"{call} takes the inputs by name, {call}(X=X, ...) or {call}({{'X': X, ...}}), not {given!r:.60}"
        )
    return {**(given or {}), **named}


def severity(report: Report) -> tuple[int, float]:
    """Return how bad a report is: wrong claims count more than what could not be verified, then the largest error."""
    worst = 2 if any(v.status is Status.WRONG for v in report) else 0 if report.ok else 1
    return worst, max((v.error for v in report if v.error == v.error), default=0.0)
