"""A fuzzer: random NumPy programs on random arrays, whose every outcome must be a right gradient or a clear error.

A program is text, line by line, grown while it runs on plain arrays so that most lines fit. It is then run on Tensors:

- the values are NumPy's;
- the gradient agrees with extrapolated differences where the program is smooth, and forward with reverse mode;
- sometimes second derivatives agree with differences of first ones;
- what depends on its inputs is not detached, what is refused is refused in words, and nothing crashes, hangs or warns on and on.

``python -m tests.fuzzing --seconds 60 --seed 3`` runs for a minute; ``--program 17`` repeats one. A failure is printed as a
minimal program.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import itertools
import re
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

import microgradnp as mg
from microgradnp import support
from microgradnp.debugging import NotFinite
from microgradnp.primitives import COMPOSITES, TABLE
from tests.factories import LAYOUTS

Array = Any
SHAPES = ((), (1,), (3,), (4,), (2, 3), (3, 3), (3, 1), (1, 4), (2, 3, 4), (2, 2, 2), (0,), (0, 3))
MOST = 48  # elements of a value; what is larger is cut
REFUSALS = (NotImplementedError, TypeError, ValueError, IndexError, np.linalg.LinAlgError)

# -- arguments ---------------------------------------------------------------------------------------------------------


class Unfit(Exception):
    """There is no argument for this call."""


@dataclass
class Draft:
    """A program that is being written, with the values it has on plain arrays."""

    rng: np.random.Generator
    values: dict[str, Array] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def choice(self, *options: Any) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def likely(self, chance: float) -> bool:
        return bool(self.rng.random() < chance)

    def operand(self, fits: Callable[[Array], bool] = lambda _: True) -> str:
        """Return the name of a value: floating point ones, and late ones, more often."""
        found = [name for name, v in self.values.items() if fits(v)]
        floats = [name for name in found if self.values[name].dtype.kind in "fc"]
        found = floats if floats and self.likely(0.9) else found
        if not found:
            raise Unfit
        return found[-1 - int(min(self.rng.geometric(0.4) - 1, len(found) - 1))]

    def partner(self, of: str) -> str:
        """Return a second operand: of a shape that broadcasts, a number, or now and then anything."""
        shape = np.shape(self.values[of])
        roll = self.rng.random()
        if roll < 0.2:
            return self.choice(
                "2.0", "0.5", "-1.5", "3", "np.float32(0.7)", "True", "(1 + 2j)" if roll < 0.02 else "1.25"
            )
        if roll < 0.25:
            return self.operand()
        return self.operand(lambda v: broadcasts(np.shape(v), shape))

    def axis(self, of: str) -> int:
        ndim = np.ndim(self.values[of])
        if not ndim:
            raise Unfit
        return int(self.rng.integers(-ndim, ndim))

    def axes(self, of: str) -> Any:
        """Return an axis, several, or None."""
        ndim = np.ndim(self.values[of])
        if ndim > 1 and self.likely(0.2):
            return tuple(int(i) for i in self.rng.permutation(ndim)[:2])
        return None if not ndim or self.likely(0.3) else self.axis(of)

    def mask(self, of: str) -> str:
        shape = np.shape(self.values[of])
        return f"(np.arange({int(np.prod(shape))}).reshape({shape}) % {self.choice(2, 3)} > 0)"

    def index(self, of: str) -> str:
        """Return an index in brackets."""
        parts: list[str] = []
        for n in np.shape(self.values[of]):
            if self.likely(0.25):
                break
            options = [":", "::-1", "1:", "::2", ":-1", "..." if "..." not in parts else ":"]
            if n:
                options += [
                    "0",
                    "-1",
                    "[0, -1, 0]",
                    f"np.array({list(np.arange(n) % 2 == 0)})" if self.likely(0.3) else "-1",
                ]
            parts.append(self.choice(*options))
        if self.likely(0.15):
            parts.insert(int(self.rng.integers(len(parts) + 1)), "None")
        if self.likely(0.05):
            return f"[{of} > 0]"
        return f"[{', '.join(parts) or '...'}]"

    def shape(self, of: str) -> Any:
        """Return another shape for the elements of a value."""
        n = int(np.size(self.values[of]))
        return self.choice((n,), -1, (n, 1), (1, -1), (-1, 2), (2, -1), (3, -1), (1, n, 1))


def broadcasts(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


#: What stands for a keyword of NumPy's, or for a positional parameter that is no operand.
KEYWORDS: dict[str, Callable[[Draft, str], Any]] = {
    "axis": lambda d, x: d.axes(x) if d.likely(0.5) else d.axis(x),
    "axes": lambda d, x: tuple(int(i) for i in d.rng.permutation(np.ndim(d.values[x]))),
    "axis1": lambda d, x: d.axis(x),
    "axis2": lambda d, x: d.axis(x),
    "source": lambda d, x: d.axis(x),
    "destination": lambda d, x: d.axis(x),
    "start": lambda d, x: d.axis(x),
    "keepdims": lambda d, _: d.choice(True, False),
    "ddof": lambda d, _: d.choice(0, 1),
    "correction": lambda d, _: d.choice(0, 1),
    "initial": lambda d, _: d.choice(0.5, -2.0),
    "dtype": lambda d, _: Text(d.choice("np.float64", "np.float32")),
    "order": lambda d, _: d.choice("C", "F"),
    "where": lambda d, x: Text(d.mask(x)),
    "n": lambda d, _: d.choice(1, 2, 3),
    "k": lambda d, _: d.choice(-1, 0, 1),
    "offset": lambda d, _: d.choice(-1, 0, 1),
    "decimals": lambda d, _: d.choice(0, 1),
    "shape": lambda d, x: d.shape(x),
    "newshape": lambda d, x: d.shape(x),
    "reps": lambda d, _: d.choice(2, (2, 1), (1, 2)),
    "repeats": lambda d, _: d.choice(2, 1),
    "shift": lambda d, _: d.choice(1, -2),
    "norm": lambda d, _: d.choice(None, "ortho", "forward", "backward"),
    "q": lambda d, _: d.choice(0.3, 0.5, [0.2, 0.7]),
    "pad_width": lambda d, _: d.choice(1, (1, 2), ((0, 1),)),
    "indices": lambda d, _: d.choice([0], [0, 0], 0),
    "indices_or_sections": lambda d, _: d.choice(1, [1], 2),
    "bias": lambda d, _: d.choice(True, False),
    "rowvar": lambda d, _: d.choice(True, False),
    "dx": lambda d, _: d.choice(0.5, 2.0),
    "mode": lambda d, _: d.choice("full", "same", "valid", "constant", "edge", "reflect", "wrap", "reduced"),
    "method": lambda d, _: d.choice("linear", "lower", "midpoint", "hazen"),
    "ord": lambda d, _: d.choice(None, 1, 2, 3, np.inf, "fro", "nuc"),
    "compute_uv": lambda d, _: d.choice(True, False),
    "hermitian": lambda d, _: d.choice(True, False),
    "upper": lambda d, _: d.choice(True, False),
    "UPLO": lambda d, _: d.choice("L", "U"),
    "include_initial": lambda d, _: d.choice(True, False),
    "prepend": lambda d, _: 0.5,
    "append": lambda d, _: -0.5,
    "stable": lambda d, _: True,
    "kth": lambda d, _: 0,
    "obj": lambda d, _: d.choice(0, [0], -1),
    "increasing": lambda d, _: d.choice(True, False),
    "N": lambda d, _: 3,
    "rtol": lambda d, _: 1e-12,
}

SEQUENCES = ("arrays", "tup", "seq", "array_list")
OPERANDS = (
    "a",
    "x",
    "x1",
    "x2",
    "b",
    "arr",
    "array",
    "ary",
    "m",
    "M",
    "y",
    "v",
    "f",
    "p",
    "A",
    "B",
    "filt",
    "values",
    "d",
)


class Text(str):
    """Source text, to be written as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


# -- lines -------------------------------------------------------------------------------------------------------------


def functions() -> list[tuple[str, Any]]:
    """Return the functions of the table that NumPy has, by the name that a user writes."""
    found = []
    for _, pairs in support.names():
        for names, f in pairs:
            if f in (np.spacing, np.nextafter) or "unique_" in names:  # rounding has no derivative, nor those an order
                continue
            if (f in TABLE and not TABLE[f].constant) or f in COMPOSITES:
                found.append((names.split(", ")[0], f))
    return found


def signature_of(f: Any) -> list[inspect.Parameter] | None:
    try:
        return list(inspect.signature(f).parameters.values())
    except (ValueError, TypeError):
        return None


FUNCTIONS = functions()
SIGNATURES = {name: signature_of(f) for name, f in FUNCTIONS}


def call_of(d: Draft) -> str:
    """Return a call of any function of the table, with operands, and keywords, that its signature asks for."""
    name, f = FUNCTIONS[int(d.rng.integers(len(FUNCTIONS)))]
    if isinstance(f, np.ufunc):
        first = d.operand()
        return f"{name}({', '.join([first, *(d.partner(first) for _ in range(f.nin - 1))])})"
    parameters = SIGNATURES[name]
    if parameters is None:
        raise Unfit
    square = name.startswith("np.linalg.") and d.likely(0.8)
    fits: Callable[[Array], bool] = (
        (lambda v: np.ndim(v) == 2 and v.shape[0] == v.shape[1]) if square else (lambda _: True)
    )
    if name.startswith("np.fft."):  # of nothing NumPy's are what was in memory
        fits = np.size  # type: ignore[assignment]
    args: list[str] = []
    operand = ""
    for p in parameters:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            if p.kind is p.VAR_POSITIONAL and not operand:
                operand = d.operand()
                args += [operand, d.partner(operand)]
            continue
        required = p.default is p.empty
        if not required and not d.likely(0.2):
            continue
        if p.name == "where" and operand and not np.ndim(d.values[operand]):
            continue  # where NumPy's nanmin of a number gives nan
        written = "" if required and p.kind is not p.KEYWORD_ONLY else f"{p.name}="
        if required and p.name in SEQUENCES:
            operand = d.operand()
            shape = np.shape(d.values[operand])
            args.append(f"[{operand}, {d.operand(lambda v, s=shape: np.shape(v) == s)}]")
        elif required and p.name in OPERANDS:
            new = d.operand(fits) if not operand else d.partner(operand)
            operand = operand or new
            args.append(written + new)
        elif operand and p.name in KEYWORDS:
            args.append(f"{written}{KEYWORDS[p.name](d, operand)!r}")
        elif required:
            raise Unfit
    return f"{name}({', '.join(args)})"


def operator_of(d: Draft) -> str:
    a = d.operand()
    b = d.partner(a)
    if d.likely(0.15):
        return f"-{a}" if d.likely(0.5) else f"abs({a})"
    left, right = (a, b) if d.likely(0.7) else (b, a)
    return f"{left} {d.choice('+', '-', '*', '/', '**', '@', '%', '//', '>', '*', '+')} {right}"


def index_of(d: Draft) -> str:
    a = d.operand(lambda v: np.ndim(v) > 0)
    return a + d.index(a)


def method_of(d: Draft) -> str:
    a = d.operand()
    axis = d.axes(a)
    return f"{a}.{d.choice('sum', 'mean', 'max', 'min', 'prod', 'std', 'var', 'cumsum')}(axis={axis})"


def shape_of(d: Draft) -> str:
    a = d.operand()
    return d.choice(
        f"{a}.T", f"{a}.reshape({d.shape(a)})", f"{a}.ravel()", f"{a}.copy()", f"{a}.astype(np.float32)", f"{a}.real"
    )


def where_of(d: Draft) -> str:
    a = d.operand()
    b = d.partner(a)
    return d.choice(f"np.where({a} > 0, {a}, {b})", f"np.where({d.mask(a)}, {b}, {a})", f"np.clip({a}, -0.8, 0.9)")


def ours_of(d: Draft) -> str:
    a = d.operand(lambda v: v.dtype.kind == "f")
    f = d.choice("mg.relu", "mg.logistic", "mg.softplus", "mg.softmax", "mg.log_softmax", "mg.logsumexp")
    keywords = (
        f", axis={d.axis(a)}" if f in ("mg.softmax", "mg.log_softmax", "mg.logsumexp") and np.ndim(d.values[a]) else ""
    )
    return f"{f}({a}{keywords})"


def product_of(d: Draft) -> str:
    a = d.operand(lambda v: np.ndim(v) == 2)
    b = d.operand(lambda v: np.ndim(v) == 2)
    return d.choice(
        f"np.einsum('ij,kj->ik', {a}, {b})", f"np.einsum('ij,ij', {a}, {b})", f"np.einsum('ij->j', {a})", f"{a} @ {b}.T",
        f"np.einsum('...j,j...', {a}, {b})", f"np.tensordot({a}, {b}, axes=([1], [1]))",
        f"np.einsum({a}, [0, 1], {b}, [2, 1], [0, 2])",
    )  # fmt: skip


def square_of(d: Draft) -> str:
    """Return a call of linear algebra on a matrix that is well conditioned."""
    a = d.operand(lambda v: np.ndim(v) == 2 and v.size > 0 and v.dtype.kind == "f")
    n = np.shape(d.values[a])[0]
    spd = f"(np.tanh({a}) @ np.tanh({a}).T + np.diag(np.arange({n}) + 2.0))"
    f = d.choice(
        "inv", "det", "cholesky", "eigvalsh", "slogdet", "pinv", "norm", "svdvals", "qr", "eigh", "cond", "svd"
    )
    return f"np.linalg.{f}({spd})"


def ufunc_of(d: Draft) -> str:
    a = d.operand(lambda v: np.ndim(v) > 0)
    f = d.choice("add", "multiply", "maximum", "minimum", "logaddexp", "subtract", "hypot")
    how = d.choice("reduce", "accumulate", "outer")
    return f"np.{f}.outer({a}, {d.operand()})" if how == "outer" else f"np.{f}.{how}({a}, axis={d.axis(a)})"


def changed_of(d: Draft) -> str:
    """Return statements that change an array in place: a copy, or now and then a value that others may be views of."""
    a = d.operand(lambda v: v.dtype.kind == "f" and v.ndim > 0 and v.size > 0)
    b = d.partner(a)
    own = [name for name in d.values if name[0] == "v" and d.values[name].dtype.kind == "f" and d.values[name].ndim]
    own = [n for n in own if not any(np.shares_memory(d.values[n], d.values[x]) for x in d.values if x[0] == "x")]
    start = f"{{v}} = np.copy({a})"
    if own and d.likely(0.3):
        a = d.choice(*own)
        start = f"{{v}} = {a}"
    index = d.index(a)
    return Text(
        f"{start}; "
        + d.choice(
            f"{{v}} += {b}", f"{{v}} *= {b}", f"{{v}} -= {{v}} * {b}", f"{{v}}{index} = {b}", f"{{v}}{index} += 0.5",
            f"{{v}}{index} *= {b}", f"np.copyto({{v}}, {b})", f"np.multiply({{v}}, {b}, out={{v}})", "np.add.at({v}, 0, 2.0)",
            f"np.fill_diagonal({{v}}, {b})", f"np.put({{v}}, [0], {b})", f"np.putmask({{v}}, {d.mask(a)}, {b})",
            f"w = {{v}}[:1]; w += {b}", "w = {v}.T; w *= 2.0; {v} = {v} + w.T",
        )
    )  # fmt: skip


MAKERS = (call_of, call_of, call_of, operator_of, operator_of, index_of, method_of, shape_of, where_of, ours_of, product_of,
          square_of, ufunc_of, changed_of)  # fmt: skip


# -- programs ----------------------------------------------------------------------------------------------------------


@dataclass
class Program:
    """Inputs and lines. Each line names a new value; the last one is the result."""

    inputs: dict[str, Array]
    lines: list[str]

    def run(self, inputs: dict[str, Any]) -> Any:
        """Return the result."""
        if any(";" in line for line in self.lines):  # which may change an array in place
            inputs = {n: np.array(x, order="K") if isinstance(x, np.ndarray) else x for n, x in inputs.items()}
        names: dict[str, Any] = {"np": np, "mg": mg, **inputs}
        for line in self.lines:
            exec(compile(line, "<program>", "exec"), names)
        return names[self.lines[-1].split(" ", 1)[0]]

    def __str__(self) -> str:
        used = [
            f"{name} = {written(x)}" for name, x in self.inputs.items() if any(mentions(s, name) for s in self.lines)
        ]
        return "\n".join([*used, *self.lines])


def written(x: Array) -> str:
    text = np.array2string(x, separator=", ", floatmode="unique", threshold=10**6).replace("\n", "")
    order = "" if x.flags.c_contiguous else f"  # strides {x.strides}" + ("" if x.flags.writeable else ", read-only")
    return (
        f"np.array({text if x.size else np.zeros(x.shape).tolist()}, dtype='{x.dtype.str}').reshape({x.shape}){order}"
    )


def mentions(line: str, name: str) -> bool:
    return name in "".join(c if c.isalnum() else " " for c in line).split()


def draw(rng: np.random.Generator) -> dict[str, Array]:
    """Return one to three arrays, of any shape, type and layout."""
    inputs = {}
    for i in range(int(rng.integers(1, 4))):
        shape = SHAPES[int(rng.integers(len(SHAPES)))]
        x = np.asarray(rng.normal(size=shape)).round(4) + 0.00003  # no zeros, no two alike: kinks
        kind = rng.random() if i else 0.0
        if kind > 0.95:
            x = x + 1j * np.asarray(rng.normal(size=shape)).round(4)
        elif kind > 0.88:
            x = np.asarray(rng.integers(-3, 4, shape)) if kind > 0.92 else x > 0
        elif kind > 0.75:
            x = x.astype(np.float32)
        if x.ndim and rng.random() < 0.4 and (x.dtype.kind not in "ib"):
            x = LAYOUTS[int(rng.integers(len(LAYOUTS)))](x)
        inputs[f"x{i}"] = x
    return inputs


def program(seed: int, number: int) -> Program:
    """Return a random program of 2 to 30 lines, most of them short."""
    rng = np.random.default_rng([seed, number])
    inputs = draw(rng)
    d = Draft(rng, dict(inputs))
    length = int(min(2 + rng.geometric(0.18), 30))
    tries = 0
    while len(d.lines) < length and tries < 40 * length:
        tries += 1
        try:
            text = MAKERS[int(rng.integers(len(MAKERS)))](d)
        except (Unfit, ValueError):
            continue
        grown = add(d, text, rng)
        if grown is None:
            break
    return Program(inputs, d.lines)


def add(d: Draft, text: str, rng: np.random.Generator) -> bool | None:
    """Add a line if it fits; None: the program ends here, with an error of NumPy's."""
    name = f"v{len(d.lines)}"
    try:
        with quiet():
            if isinstance(text, Text):
                return change(d, text.format(v=name), name)
            value = eval(text, {"np": np, "mg": mg, **d.values})
            if isinstance(value, tuple | list):
                i = int(rng.integers(len(value))) if len(value) else 0
                text, value = f"{text}[{i}]", value[i]
            if np.size(value) > MOST:
                text = f"np.ravel({text})[:{MOST // 2}]"
                value = np.ravel(value)[: MOST // 2]
            value = np.asarray(value)
            if value.dtype.kind not in "biufc":
                return False
            if value.dtype.kind in "fc" and not np.isfinite(value).all():
                return False
            if value.size and np.max(np.abs(value)) > 50:
                text = f"np.tanh({text} / 50)"
                value = np.asarray(np.tanh(value / 50))
    except Exception:  # what does not fit NumPy is kept now and then, at the end
        if rng.random() > 0.01:
            return False
        d.lines.append(f"{name} = {text}")
        return None
    d.lines.append(f"{name} = {text}")
    d.values[name] = value
    return True


def change(d: Draft, line: str, name: str) -> bool:
    """Add a line that changes an array in place; every value that shares its memory changes with it, or none if it fails."""
    names: dict[str, Any] = {"np": np, "mg": mg, **{n: v for n, v in d.values.items() if n[0] == "x"}}
    for earlier in (*d.lines, line):  # from the beginning: a change that fails half way must leave no trace
        exec(earlier, names)
    values = {n: names[n] for n in [*d.values, name]}
    for value in values.values():
        if not isinstance(value, np.ndarray | np.generic):
            return False
        if value.dtype.kind in "fc" and value.size and not (np.isfinite(value).all() and np.max(np.abs(value)) < 50):
            return False
    d.values = {n: np.asarray(v) for n, v in values.items()}
    d.lines.append(line)
    return True


# -- the oracle --------------------------------------------------------------------------------------------------------


class Hung(BaseException):
    """A program took too long."""


@contextlib.contextmanager
def quiet() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        yield caught


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    def ring(_number: int, _frame: FrameType | None) -> None:
        raise Hung

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def judge(p: Program, second: bool = False) -> str:
    """Return what is wrong with a program on Tensors, "" if nothing is; outcomes that are no faults begin with "ok"."""
    try:
        with time_limit(20), quiet() as caught:
            verdict = judged(p, second)
        if len(caught) > 100:
            return f"{len(caught)} warnings, first: {caught[0].message}"
        return verdict
    except Hung:
        return "hangs: more than 20 seconds"


def judged(p: Program, second: bool) -> str:
    tensors = {
        name: mg.tensor(x, requires_grad=x.dtype.kind in "fc") if x.dtype.kind in "fc" else x
        for name, x in p.inputs.items()
    }
    try:
        expected = np.asarray(p.run(dict(p.inputs)))
        numpy_error = None
    except Exception as error:
        numpy_error = error
    try:
        found = p.run(tensors)
    except Exception as error:
        return refusal(error, numpy_error)
    if numpy_error is not None:
        return "ok, more lenient than NumPy"
    if found is not None and not hasattr(found, "dtype"):
        found = np.asarray(found)
    if found.shape != expected.shape and any("tensorsolve" in line for line in p.lines):
        return "ok, a shape of its own"  # NumPy keeps the shape of the matrix where there are no axes of unknowns
    if found.shape != expected.shape:
        return f"shape {found.shape}, NumPy's is {expected.shape}"
    exact = expected.dtype.kind in "fc" and expected.size  # which integers, and what type nothing has, is of no account
    if found.dtype != expected.dtype.newbyteorder("=") and (exact or found.dtype.kind != expected.dtype.kind):
        return f"dtype {found.dtype}, NumPy's is {expected.dtype}"
    value = found.data if isinstance(found, mg.Tensor) else found
    used = [x for name, x in p.inputs.items() if any(mentions(line, name) for line in p.lines)]
    single = any("float32" in line for line in p.lines) or any(x.dtype.char in "fF" for x in used)
    if not np.allclose(value, expected, rtol=1e-3 if single else 1e-8, atol=1e-4 if single else 1e-9, equal_nan=True):
        return f"value {value}, NumPy's is {expected}"
    if expected.dtype.kind not in "fc" or not expected.size:
        return "ok, no floating point numbers"
    return gradients(p, isinstance(found, mg.Tensor) and found.requires_grad, expected, single, second)


#: What errors of ours speak of, where NumPy itself computes.
WORDS = (
    "derivative",
    "differentia",
    "graph",
    "Tensor",
    "`",
    "cannot take",
    "gradient",
    "refuse",
    "complex",
    "the tensor",
    "Singular",
)


def refusal(error: Exception, numpy_error: Exception | None) -> str:
    """Return what is wrong with an error on Tensors."""
    name, text = type(error).__name__, str(error)
    if isinstance(error, AttributeError) and text.startswith("a Tensor has no attribute"):
        return "ok, refused"
    if numpy_error is not None:
        return "ok, NumPy refuses, too" if isinstance(error, (*REFUSALS, type(numpy_error))) else f"{name}: {text}"
    if not isinstance(error, REFUSALS):
        return f"raises {name}: {text}"
    if not any(word in text for word in WORDS):
        return f"refused without a reason, {name}: {text}"
    return "ok, refused"


def gradients(p: Program, tracked: bool, expected: Array, single: bool, second: bool) -> str:
    """Compare the derivatives of a program with differences, and with each other."""
    rng = np.random.default_rng(0)
    names = [name for name, x in p.inputs.items() if x.dtype.kind in "fc"]
    xs = [native(p.inputs[name]) for name in names]
    wide = [np.asarray(x, np.complex128 if x.dtype.kind == "c" else np.float64) for x in xs]
    dxs = [direction(rng, x) for x in wide]
    weights = rng.normal(size=expected.shape) * 1.0
    if expected.dtype.kind == "c":
        weights = weights + 1j * rng.normal(size=expected.shape)

    def loss(*args: Any) -> Any:
        y = p.run({**p.inputs, **dict(zip(names, args, strict=True))})
        return np.sum(np.real(y * weights)) if expected.dtype.kind == "c" else np.sum(y * weights)

    def along(t: float) -> Any:
        return np.asarray(loss(*(x + t * dx for x, dx in zip(wide, dxs, strict=True))), dtype=np.float64)

    numeric, error = slope(along)
    if not tracked:
        if error < 1e-6 and abs(numeric) > 1e-4:
            return f"detached: it changes by {numeric:.6g}, but has no gradient"
        return "ok, constant"
    try:
        gs = mg.grad(loss, tuple(range(len(xs))))(*xs)
        tangents = [dx.astype(x.dtype) for dx, x in zip(dxs, xs, strict=True)]
        _, forward = mg.jvp(loss, xs, tangents)
    except (NotImplementedError, TypeError, np.linalg.LinAlgError) as refused:
        return refusal(refused, None).replace("ok, refused", "ok, refused in the sweep")
    except Exception as failure:
        return f"in the derivative {type(failure).__name__}: {failure}"
    if second and (told := debugged(loss, xs, gs)):
        return told
    for g, x in zip(gs, xs, strict=True):
        if np.shape(g) != x.shape or g.dtype != x.dtype:
            return f"a gradient of shape {np.shape(g)}, {g.dtype} for an input of shape {x.shape}, {x.dtype}"
    terms = np.concatenate([np.real(np.ravel(g * dx)) for g, dx in zip(gs, dxs, strict=True)])
    reverse, scale = float(np.sum(terms)), float(np.sum(np.abs(terms))) + (1e-1 if single else 1e-3)
    if not np.isfinite(reverse) or not np.isfinite(forward):
        return "ok, not finite"
    if abs(reverse - forward) > (1e-3 if single else 1e-8) * (scale + abs(forward)):
        if any("qr(" in line or ("linalg" in line and error > 1e-3 * scale) for line in p.lines):
            return "ok, degenerate"  # of a singular matrix nothing is determined
        return f"reverse mode gives {reverse:.10g}, forward mode {float(forward):.10g}"
    if single and any("float32" in line for line in p.lines):
        return "ok, without differences"  # rounding in the middle of the program
    if error > 1e-6 * (scale + abs(numeric)):
        return "ok, not smooth"
    if expected.dtype.kind == "c" and any(word in line for line in p.lines for word in ("svd(", "eig(", "eigh(")):
        return "ok, up to a phase"
    if abs(reverse - numeric) > (1e-2 if single else 1e-5) * (scale + abs(numeric)) + 20 * error:
        return f"the derivative is {reverse:.10g}, differences give {numeric:.10g} +- {error:.2g}"
    if second and not single and all(x.dtype.kind == "f" for x in xs):
        return curvature(loss, xs, dxs, scale, p.lines)
    return "ok"


def debugged(loss: Callable[..., Any], xs: list[Array], gs: tuple[Array, ...]) -> str:
    """Return how the gradients under mg.debug differ; "" if they do not, or if there is something that is not finite."""
    try:
        with mg.debug(infinities=False, quiet=True):
            found = mg.grad(loss, tuple(range(len(xs))))(*xs)
    except FloatingPointError as trouble:
        return "" if isinstance(trouble, NotFinite) and str(trouble) else f"under mg.debug {trouble!r}"
    except Exception as failure:
        return f"under mg.debug {type(failure).__name__}: {failure}"
    if all(np.allclose(a, b, rtol=1e-4, atol=1e-6, equal_nan=True) for a, b in zip(found, gs, strict=True)):
        return ""
    return f"under mg.debug the gradients are {found}, else {gs}"


def native(x: Array) -> Array:
    return x if x.dtype.isnative else x.astype(x.dtype.newbyteorder("="))


def direction(rng: np.random.Generator, x: Array) -> Array:
    dx = rng.normal(size=x.shape)
    return dx + 1j * rng.normal(size=x.shape) if x.dtype.kind == "c" else np.asarray(dx)


def curvature(loss: Callable[..., Any], xs: list[Array], dxs: list[Array], scale: float, lines: list[str]) -> str:
    """Compare a second derivative with differences of the first, and forward over reverse with reverse over reverse."""
    which = tuple(range(len(xs)))

    def first(*args: Any) -> Any:
        return sum(np.sum(g * dx) for g, dx in zip(mg.grad(loss, which)(*args), dxs, strict=True))

    try:
        mixed = sum(np.sum(h * dx) for h, dx in zip(mg.hvp(loss, which)(*xs, dxs), dxs, strict=True))
        twice = sum(np.sum(h * dx) for h, dx in zip(mg.grad(first, which)(*xs), dxs, strict=True))
    except (NotImplementedError, TypeError, np.linalg.LinAlgError) as refused:
        return refusal(refused, None).replace("ok, refused", "ok, refused at second order")
    except Exception as failure:
        if "Singular" in str(failure):
            return "ok, refused at second order"
        return f"in the second derivative {type(failure).__name__}: {failure}"
    numeric, error = slope(lambda t: np.asarray(first(*(x + t * dx for x, dx in zip(xs, dxs, strict=True)))))
    size = scale + abs(numeric)
    if not np.isfinite(mixed) or not np.isfinite(twice):
        return "ok, not finite"
    if abs(mixed - twice) > 1e-7 * (size + abs(mixed)) and not any("qr(" in line for line in lines):
        return f"forward over reverse gives {mixed:.10g}, reverse over reverse {twice:.10g}"
    if error < 1e-6 * size and abs(mixed - numeric) > 1e-4 * size + 20 * error:
        return f"the second derivative is {mixed:.10g}, differences give {numeric:.10g} +- {error:.2g}"
    return "ok, to second order"


def slope(f: Callable[[float], Array]) -> tuple[float, float]:
    """Return a derivative at 0 by extrapolated differences, and how far two of them are apart; inf where one fails."""
    results = []
    for step in (0.01, 0.003):
        table = []
        for h in (step, step / 2, step / 4):
            try:
                table.append((float(f(h)) - float(f(-h))) / (2 * h))
            except Exception:  # a shape that depends on the values, a matrix that is singular there
                return np.nan, np.inf
        while len(table) > 1:
            order = 4 ** (4 - len(table))
            table = [(order * fine - coarse) / (order - 1) for coarse, fine in itertools.pairwise(table)]
        results.append(table[0])
    error = abs(results[0] - results[1])
    return results[1], error if np.isfinite(error) else np.inf


# -- minimal programs --------------------------------------------------------------------------------------------------


def minimal(p: Program, second: bool) -> tuple[Program, str]:
    """Return a program with fewer lines that fails as well, and how."""
    told = judge(p, second)
    shrinking = True
    while shrinking:
        shrinking = False
        for i in range(len(p.lines) - 1, -1, -1):
            for lines in without(p, i):
                if not lines:
                    continue
                smaller = Program(p.inputs, lines)
                verdict = judge(smaller, second)
                if verdict and not verdict.startswith("ok") and kind(verdict) == kind(told):
                    p, told, shrinking = smaller, verdict, True
                    break
            if shrinking:
                break
    return p, told


def kind(verdict: str) -> str:
    """Return the first words of a verdict: shrinking must not slip to another fault."""
    return " ".join(verdict.split()[:3])


def without(p: Program, i: int) -> Iterator[list[str]]:
    """Yield the lines without one: it is not used, or an operand takes its place."""
    name = p.lines[i].split(" ", 1)[0]
    rest = [*p.lines[:i], *p.lines[i + 1 :]]
    if not any(mentions(line, name) for line in rest):
        yield rest
        return
    earlier = [line.split(" ", 1)[0] for line in p.lines[:i]]
    for other in [*reversed(earlier), *p.inputs]:
        if mentions(p.lines[i], other):
            yield [renamed(line, name, other) for line in rest]


def renamed(line: str, name: str, other: str) -> str:
    return re.sub(rf"\b{name}\b", other, line)


# -- running it --------------------------------------------------------------------------------------------------------


@dataclass
class Failure:
    """A program that fails."""

    seed: int
    number: int
    program: Program
    verdict: str

    def __str__(self) -> str:
        again = f"python -m tests.fuzzing --seed {self.seed} --program {self.number}"
        return f"{self.verdict}\n{self.program}\n# {again}"


def one(seed: int, number: int) -> tuple[str, Failure | None]:
    """Make, run and judge one program."""
    p = program(seed, number)
    if not p.lines:
        return "ok, empty", None
    second = number % 5 == 0 and len(p.lines) <= 8
    verdict = judge(p, second)
    if verdict.startswith("ok"):
        return verdict, None
    small, told = minimal(p, second)
    return "failure", Failure(seed, number, small, told)


def fuzz(
    seed: int = 0,
    programs: int | None = None,
    seconds: float | None = None,
    show: Callable[[Failure], None] | None = None,
) -> tuple[list[Failure], Counter[str]]:
    """Run so many programs, or so long; return the failures, and how often each outcome was seen."""
    failures: list[Failure] = []
    outcomes: Counter[str] = Counter()
    end = None if seconds is None else time.monotonic() + seconds
    for number in itertools.count():
        if (programs is not None and number >= programs) or (end is not None and time.monotonic() > end):
            break
        outcome, failure = one(seed, number)
        outcomes[outcome] += 1
        if failure is not None:
            failures.append(failure)
            if show is not None:
                show(failure)
    return failures, outcomes


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description="Random programs against differences.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (3600 for an hour)")
    parser.add_argument("--program", type=int, help="repeat this one program of the seed")
    options = parser.parse_args(argv)
    if options.program is not None:
        print(program(options.seed, options.program), end="\n\n")
        outcome, failure = one(options.seed, options.program)
        print(failure or outcome)
        return int(failure is not None)
    failures, outcomes = fuzz(options.seed, seconds=options.seconds, show=lambda f: print(f, end="\n\n", flush=True))
    print(f"{sum(outcomes.values())} programs, {len(failures)} failures")
    for outcome, count in outcomes.most_common():
        print(f"  {count:6d} {outcome}")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
