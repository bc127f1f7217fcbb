"""Why a hand-written rule of one operation is wrong: the single edit of its source that makes it right."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from microgradnp.graph import trace
from microgradnp.transforms import parameter_names
from microgradnp.verify.effort import Effort
from microgradnp.verify.inputs import copied
from microgradnp.verify.judgement import Cause
from microgradnp.verify.meaning import Flows, Meaning
from microgradnp.verify.rewriting import Case, Rewriting, sentence
from microgradnp.verify.source import NoSource, Program
from microgradnp.verify.variation import varied

Function = Callable[..., Any]

#: Inputs at which an edit must work.
INPUTS = 3
WORK, PATIENCE = 1_000_000.0, 2.5


def causes_of_rule(
    f: Function,
    backward: Function,
    args: Sequence[Any],
    wanted: Sequence[str],
    wrong: Collection[str],
    sorted_out: Callable[[Any], Sequence[Any]],
    seed: int,
) -> dict[str, tuple[Cause, str]]:
    """Return the causes of wrong gradients, and the sentences that tell them, by argument; none for what nothing explains.

    Parameters
    ----------
    f, backward : callable
        The operation and its rule ``backward(g, *args)``.
    args : sequence
    wanted : sequence of str
        The arguments of f whose gradients the rule returns.
    wrong : collection of str
        Those that are wrong.
    sorted_out : callable
        Matches what the rule returns with `wanted`.
    seed : int
    """
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cases = [case_of_rule(f, backward, args, wanted, sorted_out, np.random.default_rng([seed, k]), k)
                     for k in range(INPUTS)]  # fmt: skip
            search = Rewriting(Program(backward), cases, Effort(WORK, PATIENCE))
            found: dict[str, tuple[Cause, str]] = {}
            for name in wrong:
                fix = search.best(name)
                cause = search.cause(fix) if fix is not None else Cause.UNKNOWN
                if fix is not None and cause is not Cause.UNKNOWN:
                    found[name] = (cause, sentence(fix, name, cases[0]))
            return found
    except NoSource:
        return {}
    except Exception:  # what cannot be recorded, or varied, is judged, but not searched
        return {}


def case_of_rule(
    f: Function,
    backward: Function,
    args: Sequence[Any],
    wanted: Sequence[str],
    sorted_out: Callable[[Any], Sequence[Any]],
    rng: np.random.Generator,
    number: int,
) -> Case:
    """Return the rule at one input, the first time that of the user, with a random cotangent."""
    xs = [varied(a, rng) if number else copied(a) for a in args]
    names = list(parameter_names(f))[: len(xs)]
    g = rng.standard_normal(np.shape(f(*map(copied, xs))))
    listed = ", ".join(names)
    scalar = eval(f"lambda {listed}, _g: _sum(_f({listed}) * _g)", {"_sum": np.sum, "_f": f})
    graph = trace(scalar, *map(copied, xs), g)
    gradients = graph.gradients(graph.outputs[0])
    quantities = {n: np.asarray(node.saved[0]) for n, node in graph.names.items() if n != "_g"}
    true = {n: np.asarray(gradients[node]) for n, node in graph.names.items() if node in gradients}
    right = {n: true.get(n, np.zeros(np.shape(xs[names.index(n)]))) for n in wanted}
    given = dict(zip(parameter_names(backward), (g[()], *xs), strict=False))
    usable: dict[str, Any] = {**quantities, **given}
    meaning = Meaning(
        graph, usable, {n: quantities[n] for n in wanted if n in quantities}, true, Flows(gradients.values())
    )
    words = {f"_slope{k}": slope.written() for k, slope in enumerate(meaning.slopes)}
    slopes = {f"_slope{k}": slope.value[()] for k, slope in enumerate(meaning.slopes)}

    def run(rule: Function) -> Mapping[str, Any]:
        return dict(zip(wanted, sorted_out(rule(np.array(g)[()], *map(copied, xs))), strict=True))

    return Case(run, right, {**usable, **slopes}, words, meaning, usable)
