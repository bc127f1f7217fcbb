"""What gradient checkers say of hand-written backward rules: ``make bench-checkers``.

Every rule is ``backward(g, *args)`` in plain NumPy, some right and some wrong. Each checker is used as its
documentation says, in float64, with its own defaults: the operation and the rule become a custom operation of the
peer's library. A right rule should pass in silence; a wrong one should be caught. Peers that are not installed are
left out (``pip install microgradnp[peers]``).
"""

from __future__ import annotations

import argparse
import importlib
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

if not __package__:  # run as a file: look for modules where the repository begins
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import numpy as np  # isort: skip

import microgradnp as mg  # isort: skip
from microgradnp.files import write_whole  # isort: skip

Function = Callable[..., Any]


@dataclass(frozen=True)
class Rule:
    """A hand-written backward rule, and where it is checked."""

    what: str
    right: bool
    f: Function
    backward: Function
    args: tuple[Any, ...]
    unbroadcast: bool = False  # whether summing over broadcast axes afterwards would mend it

    def copies(self) -> list[Any]:
        """Return the arguments anew."""
        return [np.array(a) for a in self.args]

    def gradients(self, g: Any, *args: Any) -> tuple[Any, ...]:
        """Return the rule's gradients as a tuple."""
        result = self.backward(g, *args)
        return result if isinstance(result, tuple) else (result,)


def softmax(z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def softmax_rule(g: Any, z: Any) -> Any:
    y = softmax(z)
    return y * (g - np.sum(g * y, axis=-1, keepdims=True))


def standardized(x: Any) -> Any:
    c = x - np.mean(x, axis=1, keepdims=True)
    return c / np.sqrt(np.mean(c**2, axis=1, keepdims=True) + 1e-5)


def standardized_rule(g: Any, x: Any) -> Any:
    y = standardized(x)
    r = 1 / np.sqrt(np.var(x, axis=1, keepdims=True) + 1e-5)
    return r * (g - np.mean(g, axis=1, keepdims=True) - y * np.mean(g * y, axis=1, keepdims=True))


def one_entry_wrong(g: Any, x: Any) -> Any:
    result = g * np.cos(x)
    result[17, 23] *= 1.5
    return result


def clobbering(g: Any, x: Any) -> Any:
    result = 2 * x * g
    x[...] = 0  # a buffer reused too soon
    return result


def largest(x: Any) -> Any:
    return np.max(x, axis=1)


def largest_rule(g: Any, x: Any) -> Any:
    ties = x == np.max(x, axis=1, keepdims=True)
    return ties * (g / np.sum(ties, axis=1))[:, None]


def rules() -> list[Rule]:
    """Return the rules, the right ones first."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4))
    square, other = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    data = rng.normal(size=(6, 3))
    tied = np.array([[1.0, 3.0, 3.0], [2.0, 0.5, 1.0]])
    far = np.array([[1000.0, 999.0, 998.5], [-1000.0, -1001.0, -999.0]])

    def right(what: str, f: Function, backward: Function, *args: Any) -> Rule:
        return Rule(what, True, f, backward, args)

    def wrong(what: str, f: Function, backward: Function, *args: Any, unbroadcast: bool = False) -> Rule:
        return Rule(what, False, f, backward, args, unbroadcast)

    return [
        right("relu, with an input at 0", lambda x: np.maximum(x, 0), lambda g, x: g * (x > 0), np.array([-1.0, 0, 2])),
        right("abs, with an input at 0", lambda x: np.abs(x), lambda g, x: g * np.sign(x), np.array([-1.0, 0, 2])),
        right("max of a row with ties, shared", largest, largest_rule, tied),
        right("sqrt at 1e-8", lambda x: np.sqrt(x), lambda g, x: g / (2 * np.sqrt(x)), np.array([1e-8, 0.5])),
        right("sin(100 x)", lambda x: np.sin(100 * x), lambda g, x: 100 * g * np.cos(100 * x), np.array([0.3, 1.7])),
        right("100 + x² at 1e-7", lambda x: 100 + x**2, lambda g, x: 2 * x * g, np.array([1e-7, 2e-7])),
        right("softmax", softmax, softmax_rule, x),
        right("softmax of inputs near ±1000", softmax, softmax_rule, far),
        right("layer norm without affine part", standardized, standardized_rule, x),
        right(
            "a bias that centring removes (gradient 0)",
            lambda b: data + b - np.mean(data + b, axis=0),
            lambda g, b: np.sum(g - np.mean(g, axis=0), axis=0),
            np.array([0.1, -0.2, 0.3]),
        ),
        right("x³ with inputs of 1e6", lambda x: x**3, lambda g, x: 3 * x**2 * g, np.array([1e6, -2e6])),
        wrong(
            "broadcast not undone, batch of 3",
            lambda x, s: x * s,
            lambda g, x, s: (g * s, g * x),
            x,
            np.ones(4),
            unbroadcast=True,
        ),
        wrong(
            "broadcast not undone, batch of 1",
            lambda x, s: x * s,
            lambda g, x, s: (g * s, g * x),
            rng.normal(size=(1, 4)),
            np.ones(4),
            unbroadcast=True,
        ),
        wrong("tanh, off by 1e-4", lambda x: np.tanh(x), lambda g, x: g * (1 - np.tanh(x) ** 2) * 1.0001, x),
        wrong("tanh, off by 1e-6", lambda x: np.tanh(x), lambda g, x: g * (1 - np.tanh(x) ** 2) * (1 + 1e-6), x),
        wrong("one wrong entry in 1,600", lambda x: np.sin(x), one_entry_wrong, rng.normal(size=(40, 40))),
        wrong("gradient of size 1e-7, twice what it is", lambda x: 1e-7 * x**2, lambda g, x: 4e-7 * x * g, x),
        wrong("upstream gradient ignored, scalar result", lambda x: np.sum(x**2), lambda g, x: 2 * x, x),
        wrong("upstream gradient ignored, array result", lambda x: x**2, lambda g, x: 2 * x, x),
        wrong("not linear in the upstream gradient: abs(g)", lambda x: np.sum(x**2), lambda g, x: 2 * x * np.abs(g), x),
        wrong("changes its input in place", lambda x: x**2, clobbering, x),
        wrong(
            "rounded to float32 on the way",
            lambda x: np.exp(x),
            lambda g, x: (g * np.exp(x)).astype(np.float32).astype(np.float64),
            x,
        ),
        wrong("softmax, diagonal of the Jacobian only", softmax, lambda g, z: g * softmax(z) * (1 - softmax(z)), x),
        wrong(
            "tanh' taken at the activation",
            lambda x: np.tanh(x),
            lambda g, x: g * (1 - np.tanh(np.tanh(x)) ** 2),
            x,
        ),
        wrong(
            "square matrix product, transposed",
            lambda a, b: a @ b,
            lambda g, a, b: (g @ b, a.T @ g),
            square,
            other,
        ),
        wrong("mean without 1/n", lambda x: np.mean(x), lambda g, x: g * np.ones_like(x), x),
        wrong(
            "cumulative sum instead of the reverse one",
            lambda x: np.cumsum(x),
            lambda g, x: np.cumsum(g),
            rng.normal(size=5),
        ),
        wrong(
            "leaky relu with slope 0 instead of 0.01",
            lambda x: np.where(x > 0, x, 0.01 * x),
            lambda g, x: g * (x > 0),
            x,
        ),
    ]


# -- the checkers: each returns whether it alarms ----------------------------------------------------------------------


def torch_gradcheck(rule: Rule) -> bool:
    """`torch.autograd.gradcheck` on a custom `Function`."""
    torch = importlib.import_module("torch")

    class Operation(torch.autograd.Function):  # type: ignore[misc,name-defined]
        @staticmethod
        def forward(ctx: Any, *xs: Any) -> Any:
            ctx.save_for_backward(*xs)
            return torch.from_numpy(np.array(rule.f(*(x.detach().numpy() for x in xs))))

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            found = rule.gradients(g.numpy(), *(x.detach().numpy() for x in ctx.saved_tensors))
            return tuple(torch.from_numpy(np.array(v)) for v in found)

    inputs = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in rule.copies()]
    return not torch.autograd.gradcheck(Operation.apply, inputs)


def autograd_check_grads(rule: Rule) -> bool:
    """`autograd.test_util.check_grads` on a `primitive`, reverse mode, first order."""
    extend = importlib.import_module("autograd.extend")
    util = importlib.import_module("autograd.test_util")
    operation = extend.primitive(lambda *xs: rule.f(*xs))
    makers = [lambda ans, *xs, i=i: lambda g: rule.gradients(g, *xs)[i] for i in range(len(rule.args))]
    extend.defvjp(operation, *makers)
    np.random.seed(0)
    for argument in range(len(rule.args)):
        util.check_grads(operation, argument, modes=["rev"], order=1)(*rule.copies())
    return False


def jax_check_grads(rule: Rule) -> bool:
    """`jax.test_util.check_grads` on a `custom_vjp` that calls NumPy, reverse mode, first order."""
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    check_grads = importlib.import_module("jax.test_util").check_grads
    y = np.asarray(rule.f(*rule.copies()))
    returned = rule.gradients(np.ones_like(y), *rule.copies())

    def like(value: Any) -> Any:
        return jax.ShapeDtypeStruct(np.shape(value), np.asarray(value).dtype)

    def forward(*xs: Any) -> Any:
        return jax.pure_callback(lambda *v: np.asarray(rule.f(*map(np.array, v))), like(y), *xs)

    def backward(xs: Any, g: Any) -> Any:
        def call(g: Any, *v: Any) -> Any:
            return tuple(np.asarray(r) for r in rule.gradients(np.array(g), *map(np.array, v)))

        return jax.pure_callback(call, tuple(like(r) for r in returned), g, *xs)

    operation = jax.custom_vjp(forward)
    operation.defvjp(lambda *xs: (forward(*xs), xs), backward)
    np.random.seed(0)
    check_grads(operation, tuple(map(jax.numpy.asarray, rule.copies())), order=1, modes=["rev"])
    return False


def scipy_check_grad(rule: Rule) -> bool:
    """`scipy.optimize.check_grad` on the sum of the result, with the limit of 1e-5 that people put on its answer."""
    optimize = importlib.import_module("scipy.optimize")
    shapes = [np.shape(a) for a in rule.args]
    ends = np.cumsum([0, *(int(np.prod(s)) for s in shapes)])

    def parts(v: Any) -> list[Any]:
        return [v[a:b].reshape(s).copy() for a, b, s in zip(ends, ends[1:], shapes, strict=False)]

    def gradient(v: Any) -> Any:
        xs = parts(v)
        return np.concatenate([np.ravel(r) for r in rule.gradients(np.ones(np.shape(rule.f(*xs))), *xs)])

    start = np.concatenate([np.ravel(a) for a in rule.args])
    return not optimize.check_grad(lambda v: float(np.sum(rule.f(*parts(v)))), gradient, start) <= 1e-5


def ours(rule: Rule) -> bool:
    """`mg.check_rule`."""
    report = mg.check_rule(rule.f, rule.backward, *rule.copies())
    return not report.ok or any("in place" in note for verdict in report for note in verdict.notes)


#: By the checker's name: the distribution that holds it (None for ours), and the check.
CHECKERS: dict[str, tuple[str | None, Callable[[Rule], bool]]] = {
    "torch gradcheck": ("torch", torch_gradcheck),
    "autograd check_grads": ("autograd", autograd_check_grads),
    "JAX check_grads": ("jax", jax_check_grads),
    "SciPy check_grad": ("scipy", scipy_check_grad),
    "mg.check_rule": (None, ours),
}


#: PyTorch sums a custom operation's gradient over broadcast axes: in its terms such a rule is right.
SUMS_ITSELF = (torch_gradcheck,)


def answer(rule: Rule, check: Callable[[Rule], bool]) -> str:
    """Return what a checker does with a rule, in one word or two."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            alarm = check(rule)
    except Exception:  # how most of them say that a gradient is wrong
        alarm = True
    if rule.right:
        return "**false alarm**" if alarm else "passes"
    if rule.unbroadcast and not alarm and check in SUMS_ITSELF:
        return "sums itself"
    return "caught" if alarm else "**missed**"


def installed(distribution: str | None) -> bool:
    """Return whether a peer is there."""
    try:
        return distribution is None or bool(version(distribution))
    except ImportError:
        return False


def table(chosen: Sequence[Rule]) -> str:
    """Return the answers of all checkers that are installed, as a Markdown table with the versions below."""
    columns = {name: check for name, (distribution, check) in CHECKERS.items() if installed(distribution)}
    answers = {name: [answer(rule, check) for rule in chosen] for name, check in columns.items()}
    lines = [
        f"| rule | is | {' | '.join(columns)} |",
        f"|---|---|{'---|' * len(columns)}",
    ]
    for k, rule in enumerate(chosen):
        said = " | ".join(answers[name][k] for name in columns)
        lines.append(f"| {rule.what} | {'right' if rule.right else 'wrong'} | {said} |")
    good = [sum("*" not in a for a in answers[name]) for name in columns]
    lines.append(f"| **judged rightly, of {len(chosen)}** | | {' | '.join(map(str, good))} |")
    peers = [f"{d} {version(d)}" for d, _ in CHECKERS.values() if d and installed(d)]
    lines += [
        "",
        f"{', '.join([*peers, f'NumPy {np.__version__}', f'microgradnp {mg_version()}'])}; {date.today().isoformat()}.",
    ]
    return "\n".join(lines)


def mg_version() -> str:
    """Return our version, or that of the working tree."""
    return version("microgradnp") if installed("microgradnp") else "from its repository"


def main(arguments: list[str] | None = None) -> None:
    """Print the table, or put it into a document between its marks."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.checkers", description=__doc__)
    parser.add_argument("--into", type=Path, metavar="FILE", help="replace what stands between the marks in this file")
    options = parser.parse_args(arguments)
    text = table(rules())
    print(text)
    for name, (distribution, _) in CHECKERS.items():
        if not installed(distribution):
            print(
                f"{name} is left out: {distribution} is not installed (pip install microgradnp[peers])", file=sys.stderr
            )
    if options.into:
        document = options.into.read_text(encoding="utf-8")
        begin, end = "<!-- checkers: written by make bench-checkers -->\n", "\n<!-- /checkers -->"
        if document.count(begin) != 1 or document.count(end) != 1:
            parser.error(f"{options.into} has no place for the table: the lines {begin.strip()} and {end.strip()}")
        head, _, rest = document.partition(begin)
        write_whole(options.into, head + begin + text + end + rest.partition(end)[2])


if __name__ == "__main__":
    main()
