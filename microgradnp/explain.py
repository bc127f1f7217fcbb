"""What goes wrong, said once: errors with the user's own names and shapes, the reason, and what to do.

Every function here returns an exception for its caller to raise, so that a traceback ends where the
mistake is.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from microgradnp.naming import calls, describe, name_of, scipy_function
from microgradnp.primitives.primitive import COMPOSITES, REQUIRED, TABLE, Primitive
from microgradnp.tape import OFF, current_mode

__all__ = [
    "assignment",
    "bound",
    "calls",
    "changed",
    "describe",
    "failed",
    "failed_program",
    "honoured",
    "is_default",
    "leaving",
    "name_of",
    "no_attribute",
    "no_cotangent",
    "no_graph",
    "not_differentiable",
    "not_numbers",
    "out_argument",
    "unsupported",
]

ABSENT: Any = np._NoValue  # NumPy's own mark of a keyword that was not given

# -- an operation that NumPy refused -------------------------------------------------------------------------


def failed(primitive: Primitive, inputs: Sequence[Any], params: dict[str, Any], error: Exception) -> Exception:
    """Return NumPy's complaint with the user's names and shapes, and what would fit."""
    shapes = [np.shape(x) if not hasattr(x, "shape") else x.shape for x in inputs]
    hint = ""
    if primitive.name in ("matmul", "dot") and len(shapes) == 2:
        hint = matmul_hint(inputs, shapes)
    elif len(shapes) >= 2 and (primitive.elementwise or primitive.constant or primitive.name == "where"):
        hint = broadcast_hint(inputs, shapes)
    given = ", ".join(describe(x) for x in inputs[:6]) + (f" and {len(inputs) - 6} more" if len(inputs) > 6 else "")
    keywords = "".join(f", {k}={v!r}" for k, v in params.items() if k not in ("pattern",))
    text = f"{primitive.name} cannot take {given}{keywords}"
    if not hint:
        hint = str(error)
    kind = type(error) if type(error) in (ValueError, TypeError, IndexError, ZeroDivisionError) else ValueError
    if isinstance(error, IndexError):
        kind = np.exceptions.AxisError if isinstance(error, np.exceptions.AxisError) else IndexError
    return kind(f"{text}: {hint}")


def failed_program(function: Any, args: Sequence[Any], kwargs: dict[str, Any], error: Exception) -> Exception:
    """Return the complaint of one of the operations that a function consists of, as that of the function."""
    found, stack = [], [*reversed([*args, *kwargs.values()])]
    while stack:
        item = stack.pop()
        if isinstance(item, list | tuple):
            stack.extend(reversed(item))
        elif hasattr(item, "shape"):
            found.append(item)
    given = ", ".join(map(describe, found[:6])) + (f" and {len(found) - 6} more" if len(found) > 6 else "")
    kind = IndexError if isinstance(error, IndexError) else ValueError
    _, explained, reason = str(error).partition(f" cannot take {given}")
    reason = reason.lstrip(",: ") if explained else str(error)  # say once what was given
    return kind(f"{full_name(function)} cannot take {given}: {reason}")


def matmul_hint(inputs: Sequence[Any], shapes: Sequence[tuple[int, ...]]) -> str:
    """Say which axes of a product differ, and whether a transpose would fit."""
    (a, b), (na, nb) = (
        shapes,
        [name_of(x) or side for x, side in zip(inputs, ("the left", "the right"), strict=True)],
    )
    if not a or not b:
        return "a matrix product wants at least one axis on both sides; use * with a number"
    inner = b[-2] if len(b) > 1 else b[0]
    if a[-1] == inner:
        return f"the stacks {a[:-2]} and {b[:-2]} do not broadcast"
    which = "first" if len(b) < 3 else "last but one"
    text = f"the last axis of {na} ({a[-1]}) must be as long as the {which} of {nb} ({inner})"
    options = []
    if len(a) == len(b) == 2 and b[1] == a[0]:
        options.append(f"{nb} @ {na}")
    if len(b) > 1 and b[-1] == a[-1]:
        options.append(f"{na} @ {nb}.T" if len(b) == 2 else f"np.swapaxes({nb}, -1, -2)")
    if len(a) > 1 and a[-2] == inner:
        options.append(f"{na}.T @ {nb}" if len(a) == 2 else f"np.swapaxes({na}, -1, -2)")
    return text + (f"; {' or '.join(options)} would fit" if options else "")


def broadcast_hint(inputs: Sequence[Any], shapes: Sequence[tuple[int, ...]]) -> str:
    """Say which axis keeps shapes from broadcasting, and whether a new axis would help."""
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        pass
    else:
        return ""
    text = "the shapes do not broadcast: counted from the last, axes must be equal or 1"
    if len(shapes) == 2:
        for x, (short, long) in zip(inputs, (shapes, shapes[::-1]), strict=True):
            name = name_of(x)
            if name and len(short) == 1 and len(long) == 2 and short[0] == long[0]:
                text += f"; {name}[:, None] would fit"
    return text


# -- keywords ------------------------------------------------------------------------------------------------


@functools.cache
def parameters_of(function: Any) -> tuple[tuple[str, Any, Any], ...] | None:
    """Return name, kind and default of each parameter of a function, or None where it does not tell."""
    try:
        signature = inspect.signature(function.function if isinstance(function, Primitive) else function)
    except (ValueError, TypeError):
        return None
    return tuple((p.name, p.kind, p.default) for p in signature.parameters.values())


def tracked_keyword(primitive: Primitive, name: str, value: Any) -> TypeError:
    """Return the error for a keyword whose value is being differentiated."""
    return TypeError(
        f"{primitive.name}(..., {name}={name_of(value) or '...'}): {describe(value)} is being "
        f"differentiated, but {name} is a "
        f"keyword, which has no gradient; use {name_of(value) or 'its'}.data for the value alone"
    )


def is_default(name: str, value: Any, function: Any = None) -> bool:
    """Return whether a keyword says nothing: None, NumPy's mark of absence, or what NumPy would do anyway."""
    if value is None or value is ABSENT or (value is True and name in ("where", "subok")):
        return True
    if any(name == known and value is default for known, _, default in parameters_of(function) or ()):
        return True
    return isinstance(value, str) and (name, value) in (
        ("order", "K"),
        ("order", "C"),
        ("casting", "same_kind"),
        ("mode", "raise"),
    )


def bound(
    primitive: Primitive, function: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Sequence[Any], dict[str, Any]]:
    """Split the arguments of a call into operands and parameters; refuse keywords that no rule honours."""
    arity = primitive.arity
    honours = primitive.honours
    if arity < 0 or len(args) == arity:
        for name in kwargs:
            if name not in honours or kwargs[name] is ABSENT:
                break
        else:
            if len(kwargs) >= len(honours) or REQUIRED not in honours.values():
                return args, kwargs
            missing = [name for name, default in honours.items() if default is REQUIRED and name not in kwargs]
            if missing:
                raise TypeError(f"{primitive.name} wants {', '.join(missing)}")
            return args, kwargs
    if arity < 0:
        operand_names: tuple[str, ...] = ()
        names = list(honours)
        positional = {}
        operands_given = list(args)
    else:
        known = getattr(primitive, "parameters", None) or parameters_of(function)
        names = [name for name, _, _ in known] if known else [*(f"x{i}" for i in range(arity)), *honours]
        if len(args) > len(names):
            raise TypeError(f"np.{primitive.name} takes at most {len(names)} arguments, {len(args)} were given")
        operand_names = tuple(names[:arity])
        operands_given = list(args[:arity])
        positional = dict(zip(names[arity:], args[arity:], strict=False))
    kwargs = dict(kwargs)
    for name in operand_names[len(operands_given) :]:
        if name not in kwargs:
            raise TypeError(f"np.{primitive.name} misses its argument {name!r}")
        operands_given.append(kwargs.pop(name))
    params = {**positional, **kwargs}
    kept = {}
    for name, value in params.items():
        renamed = RENAMED.get((primitive.name, name), name)
        if renamed in honours:
            if value is not ABSENT:
                kept[renamed] = value
        elif not is_default(name, value, function):
            raise unknown_keyword(function, name, value, list(honours))
    for name, default in honours.items():
        if default is REQUIRED and name not in kept:
            raise TypeError(f"np.{primitive.name} wants {name!r}")
    return operands_given, kept


def exceeds(primitive: Primitive, function: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> bool:
    """Return whether a call says more than the rules of the primitive understand."""
    honours = primitive.honours
    if len(args) <= covered_positions(primitive, function) and kwargs.keys() <= honours.keys():
        return False
    names = [name for name, _, _ in parameters_of(function) or ()][primitive.arity :]
    given = {**dict(zip(names, args[primitive.arity :], strict=False)), **kwargs}
    return any(name not in honours and not is_default(name, value, function) for name, value in given.items())


@functools.cache
def covered_positions(primitive: Primitive, function: Any) -> int:
    """Return how many leading arguments of a function are operands of a primitive, or parameters that it honours."""
    names = [name for name, _, _ in parameters_of(function) or ()][primitive.arity :]
    return primitive.arity + next((i for i, name in enumerate(names) if name not in primitive.honours), len(names))


#: Older names of NumPy's keywords.
RENAMED = {("reshape", "newshape"): "shape", ("round", "decimals"): "decimals"}


@functools.cache
def shared_positions(program: Callable[..., Any], function: Any) -> int:
    """Return how many leading arguments a program takes by the same names as the function it stands for."""
    count = 0
    for ours, theirs in zip(parameters_of(program) or (), parameters_of(function) or (), strict=False):
        if ours[0] != theirs[0] or ours[1] not in (
            inspect.Parameter.POSITIONAL_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        ):
            break
        count += 1
    return count


def honoured(
    program: Callable[..., Any], function: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Map the arguments of a NumPy call to the program that stands for it; refuse what it does not honour."""
    if args and len(args) <= shared_positions(program, function):
        keywords = program.__kwdefaults__ or {}
        for name, value in kwargs.items():
            if name not in keywords or value is ABSENT:
                break
        else:
            return tuple(args), kwargs
    accepted = parameters_of(program) or ()
    if any(kind is inspect.Parameter.VAR_KEYWORD for _, kind, _ in accepted):  # it sees for itself
        return tuple(args), kwargs
    names = [name for name, _, _ in accepted]
    known = parameters_of(function)
    params = dict(kwargs)
    if known and not any(kind is inspect.Parameter.VAR_POSITIONAL for _, kind, _ in known):
        if len(args) > len(known):
            raise TypeError(f"np.{function.__name__} takes at most {len(known)} arguments, {len(args)} were given")
        params.update(zip((name for name, _, _ in known), args, strict=False))
        args = ()
    kept = {}
    for name, value in params.items():
        if name in names:
            if value is not ABSENT:
                kept[name] = value
        elif not is_default(name, value, function):
            raise unknown_keyword(function, name, value, names)
    required = [
        name
        for name, kind, default in accepted
        if default is inspect.Parameter.empty and kind is not inspect.Parameter.VAR_POSITIONAL
    ]
    missing = [name for name in required[len(args) :] if name not in kept]
    if missing:
        raise TypeError(f"np.{function.__name__} misses its argument {missing[0]!r}")
    return tuple(args), kept


ADVICE = {
    "where": "put np.where(condition, ..., ...) around the operand or the result",
    "out": "use the result instead: y = np.f(...)",
    "dtype": "convert with .astype(dtype) before or after",
    "initial": "combine with the initial value afterwards",
    "order": "leave it out, or transpose before and after",
    "dim": "NumPy calls it axis",
}


def close_matches(name: str, known: list[str], count: int, alike: float = 0.6) -> list[str]:
    """Return the known names that look most like a name. What compares them is loaded when it is needed."""
    from difflib import get_close_matches

    return get_close_matches(name, known, count, alike)


def unknown_keyword(function: Any, name: str, value: Any, honours: list[str]) -> TypeError:
    """Return the error for a keyword that no derivative rule understands."""
    takes = f"it takes {', '.join(honours)}" if honours else "it takes no keywords"
    close = close_matches(name, honours, 1)
    advice = f"did you mean {close[0]}?" if close else ADVICE.get(name, "compute on .data, outside the derivative")
    shown = value.__name__ if isinstance(value, type) else describe(value) if hasattr(value, "shape") else repr(value)
    return TypeError(f"{full_name(function)}(..., {name}={shown}) has no derivative rule on Tensors: {takes}; {advice}")


# -- functions without a rule --------------------------------------------------------------------------------


def unsupported(function: Any, args: Sequence[Any], kwargs: dict[str, Any], method: str = "__call__") -> Any:
    """Run an unknown function on plain values where no gradient can get lost; else refuse it with advice."""
    name = full_name(function) + ("" if method == "__call__" else f".{method}")
    tracked = tracked_in(args, kwargs)
    if (not tracked or function in VERDICTS) and kwargs.get("out") is None:
        call = function if method == "__call__" else getattr(function, method)
        return call(*plain(args), **plain(kwargs))
    if method == "__call__" and function in TABLE:
        raise unknown_keyword(function, *next(iter(kwargs.items())), [])
    who = ", ".join(describe(x) for x in tracked[:3])
    raise NotImplementedError(
        f"{name} has no derivative rule, and {who} is being differentiated. {nearest_form(function, method)}"
        f"For the value alone use .data; for a rule of your own see mg.primitive"
    )


def nearest_form(function: Any, method: str = "__call__") -> str:
    """Return the sentence that says what to write in place of a function without a rule; empty where nothing is near."""
    if getattr(function, "__name__", "") in INSTEAD:
        return f"{INSTEAD[function.__name__]} has one and serves the same end. "
    if str(getattr(function, "__module__", "")).startswith("numpy.lib.scimath") or function in vars(np.emath).values():
        plain_one = {"logn": "np.log(x) / np.log(n)"}.get(function.__name__, f"np.{function.__name__}")
        return f"{plain_one}, of x.astype(complex) where x leaves the real domain, has one. "
    if method == "at" or getattr(function, "__name__", "") in IN_PLACE:
        return "It changes an array in place: build a new one, with np.where, np.concatenate or np.stack. "
    name = full_name(function) + ("" if method == "__call__" else f".{method}")
    known = [known for known in map(full_name, (*TABLE, *COMPOSITES)) if known.startswith("np.")]
    close = list(dict.fromkeys(close_matches(name, known, 3, 0.8)))
    return f"The nearest that have one: {', '.join(close)}. " if close else ""


def tracked_in(args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
    """Return the Tensors among arguments that are being differentiated."""
    return [x for x in tensors_in((args, kwargs)) if x.node is not None and current_mode() != OFF]


#: Functions that answer with truth values, positions, types or text: no gradient passes them.
VERDICTS = frozenset((
    np.allclose, np.isclose, np.array_equal, np.array_equiv, np.isin, np.isneginf, np.isposinf, np.isreal,
    np.iscomplex,
    np.lexsort, np.tril_indices_from, np.triu_indices_from, np.diag_indices_from,
    np.result_type, np.can_cast, np.common_type, np.min_scalar_type, np.shares_memory, np.may_share_memory,
    np.array2string, np.array_repr, np.array_str,
))  # fmt: skip

#: What to write in place of common functions without a rule.
INSTEAD = {
    "nan_to_num": "np.where(np.isnan(x), 0, x)",
    "intersect1d": "x[np.isin(x, y)]",
    "setxor1d": "np.concatenate([x[~np.isin(x, y)], y[~np.isin(y, x)]])",
    "angle": "np.arctan2(np.imag(z), np.real(z))",
    "fix": "np.trunc",
    "ldexp": "x * 2.0**k",
    "modf": "x - np.trunc(x)",
    "polyval": "Horner's rule, y = y * x + c for each c,",
    "polyfit": "np.linalg.lstsq, of np.stack of powers,",
    "roots": "np.linalg.eigvals of the companion matrix",
    "unique": "x[np.unique(x.data, return_index=True)[1]]",
    "spacing": "np.finfo(x.dtype).eps * np.abs(x)",
    "frexp": "x / 2.0**e with e = np.frexp(x.data)[1]",
}

#: Functions that write into an argument.
IN_PLACE = ("shuffle",)


def full_name(function: Any) -> str:
    """Return what a user writes for a NumPy function, or one of ours."""
    module = getattr(function, "__module__", None) or "numpy"
    if module.startswith("microgradnp"):
        return f"mg.{function.__name__.lstrip('_')}"
    prefix = {"numpy": "np", "numpy.linalg": "np.linalg", "numpy.fft": "np.fft"}.get(module, module)
    name = getattr(function, "__name__", str(function))
    if isinstance(function, np.ufunc):
        special = getattr(sys.modules.get("scipy.special"), name, None)  # which has names that NumPy has, too
        prefix = "scipy.special" if special is function and vars(np).get(name) is not function else "np"
    return f"{prefix}.{name}"


def tensors_in(x: Any) -> list[Any]:
    """Return the Tensors in nested arguments."""
    found, stack = [], [x]
    while stack:
        item = stack.pop()
        if isinstance(item, list | tuple):
            stack.extend(item)
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif hasattr(item, "_value") and hasattr(type(item), "backward"):
            found.append(item)
    return found[::-1]


def plain(x: Any) -> Any:
    """Return nested arguments with Tensors replaced by their values."""
    if isinstance(x, list | tuple):
        items = [plain(item) for item in x]
        return items if isinstance(x, list) else type(x)(*items) if hasattr(x, "_fields") else tuple(items)
    if isinstance(x, dict):
        return {key: plain(value) for key, value in x.items()}
    return x.data if hasattr(x, "_value") and hasattr(type(x), "backward") else x


#: What other libraries' tensors have, and Tensors have by another name.
ELSEWHERE = {
    "clamp": ".clip()", "cpu": ".data", "double": ".astype(np.float64)", "fill_": ".assign()", "float": ".astype()",
    "matmul": "@", "mm": "@", "numel": ".size", "permute": ".transpose()", "pow": "**", "relu": "mg.relu",
    "requires_grad_": ".requires_grad = True", "sigmoid": "mg.logistic", "softmax": "mg.softmax", "sub": "-",
    "to": ".astype()", "unsqueeze": "np.expand_dims", "view": ".reshape()", "zero_": ".zero_grad()",
}  # fmt: skip

METHODS_IN_PLACE = ("itemset", "resize", "setfield", "setflags", "byteswap")


def absent_attributes(of: type) -> set[str]:
    """Return what a Tensor might be asked for, and lacks: methods of arrays, NumPy's functions, other libraries' names."""
    known, public = TABLE | COMPOSITES, vars(np)
    functions = {name for f in known if public.get(name := getattr(f, "__name__", "")) is f}
    arrays = {name for name in dir(np.ndarray) if not name.startswith("_")}
    return (functions | arrays | {*ELSEWHERE, *METHODS_IN_PLACE}) - {*vars(of)}


def no_attribute(attribute: str) -> AttributeError:
    """Return the error for an attribute that Tensors lack, with what they have instead."""
    if attribute in METHODS_IN_PLACE:
        return AttributeError(
            f"Tensors are immutable and have no .{attribute}(), which works in place; use .numpy() for a copy to change"
        )
    if attribute in ELSEWHERE:
        advice = f"use {ELSEWHERE[attribute]}"
    elif getattr(np, attribute, None) in (TABLE | COMPOSITES):
        advice = f"np.{attribute}(...) works on it"
    else:
        advice = "the value alone is .data"
    return AttributeError(f"a Tensor has no attribute {attribute!r}: {advice}")


# -- values that leave, or change ----------------------------------------------------------------------------


def leaving(t: Any, how: str) -> TypeError:
    """Return the error for a conversion that would silently cut the graph."""
    name = name_of(t) or "t"
    scipys = scipy_function()
    if scipys is not None:
        instead = (
            f"mg.{scipys} does the same and differentiates; "
            if scipys in ("logsumexp", "softmax", "log_softmax")
            else ""
        )
        return TypeError(
            f"SciPy's {scipys} takes plain arrays and would take {describe(t)} out of its graph, and its gradient with it: it "
            f"is being differentiated. {instead or 'The ufuncs of scipy.special differentiate, other functions do not; '}"
            f"use {name}.data for the values alone, or see mg.primitive for a rule of your own"
        )
    value = f"{name}.item() for the number" if t.size == 1 else f"{name}.data for the values"
    return TypeError(
        f"{how}({name}) would take {describe(t)} out of its graph, and its gradient with it: it is being "
        "differentiated. "
        f"Use {value}, {name}.detach() for a constant Tensor, or keep computing with NumPy functions on "
        f"{name} itself. "
        f"(To store the number in an array a, a[i] = {name}.item(); to do so differentiably, make that array a Tensor "
        "first, a = mg.tensor(a); to collect Tensors, np.stack or mg.tensor([...]))"
    )


def assignment(t: Any, value: Any) -> Exception:
    """Return the error for an assignment into a recorded Tensor."""
    name = name_of(t) or "t"
    if t.dtype.kind in "biu":
        return TypeError(
            f"{name}[...] = {name_of(value) or 'value'}: {describe(value)} is being differentiated, and {describe(t)} of "
            f"{t.dtype} would cut off its digits and its gradient: make it of floats first, {name} = {name}.astype(float)"
        )
    argument = t.node.primitive.name == "argument" or getattr(t.node, "argument", False)
    if not argument and not t.is_leaf:
        return TypeError(
            f"{name}[...] = ... under no_grad() would take {describe(t)}, the result of {t.node.primitive.name}, out of its "
            f"graph; write {name} = {name}.detach() first for a constant, or leave no_grad() to have it differentiated"
        )
    role = (
        "an argument of the function that is being differentiated or traced"
        if argument
        else "a leaf that requires a gradient"
    )
    return TypeError(
        f"{name}[...] = ... would change {describe(t)}, {role}, in place. Work on a copy, {name} = {name}.copy(), whose "
        f"elements can be assigned differentiably, or use np.where(mask, new, {name})"
        + ("" if argument else f"; a parameter is changed by {name}.assign(...) or under mg.no_grad()")
    )


def in_place(t: Any, symbol: str) -> Exception:
    """Return the error for an in-place operator that has no meaning which differentiates right."""
    name = name_of(t) or "t"
    if t.node is not None and (t.node.primitive.name == "argument" or getattr(t.node, "argument", False)):
        return TypeError(
            f"{name} {symbol}= ... would change {describe(t)}, an argument of the function that is being "
            "differentiated or "
            f"traced; write {name} = {name} {symbol} ..."
        )
    if t.node is not None and not t.is_leaf and current_mode() == OFF:
        return TypeError(
            f"{name} {symbol}= ... under no_grad() would take {describe(t)}, the result of "
            f"{t.node.primitive.name}, out of "
            f"its graph; write {name} = {name} {symbol} ... for a constant, or leave no_grad() to have it "
            "differentiated"
        )
    return TypeError(
        f"{name} {symbol}= ... would change {describe(t)}, a leaf that requires a gradient, while it is recorded. To update a "
        f"parameter write `with mg.no_grad(): {name} {symbol}= ...` or {name}.assign(...); for a new quantity write "
        f"{name} = {name} {symbol} ..."
    )


def in_place_view(t: Any, base: Any, symbol: str) -> TypeError:
    """Return the error for a write to a view whose base cannot be written to."""
    name = name_of(t) or "t"
    if base is None:
        why = "a view of the result of a recorded operation, taken under no_grad()"
    else:
        why = f"a view of {describe(base)}, which NumPy would change as well, and which cannot be changed here"
    return TypeError(
        f"{name}{symbol if symbol == '[...]' else ' ' + symbol}= ... : {describe(t)} is {why}; "
        f"make it a value of its own first: {name} = {name}.copy()"
    )


def argument_changed(t: Any) -> TypeError:
    """Return the error for a new value given to an argument while its function is differentiated."""
    return TypeError(
        f"{describe(t)} is an argument of the function that is being differentiated or traced, and cannot be "
        "given another "
        "value: its gradient would be that of the new one. Make a new value under another name"
    )


def in_place_type(t: Any, symbol: str, made: Any) -> TypeError:
    """Return the error for an in-place operator whose result is of a type that the tensor cannot hold."""
    name = name_of(t) or "t"
    return TypeError(
        f"{name} {symbol}= ... makes {made.dtype} of {describe(t)} of {t.dtype}, which does not fit in "
        "place; write "
        f"{name} = {name} {symbol} ..."
    )


def data_set(t: Any) -> AttributeError:
    """Return the error for an assignment to `data`."""
    name = name_of(t) or "t"
    return AttributeError(
        f"{name}.data is read-only, so that no gradient goes wrong: give it another value by {name}.assign(...)"
    )


def new_leaf(t: Any) -> TypeError:
    """Return the error for a leaf made of a Tensor that is being differentiated."""
    name = name_of(t) or "t"
    return TypeError(
        f"mg.tensor({name}, requires_grad=True) would take {describe(t)} out of its graph: it is being "
        "differentiated. "
        f"Use {name} itself, or mg.tensor({name}.data, requires_grad=True) for a new parameter of the same "
        "value"
    )


# -- operands of other types ---------------------------------------------------------------------------------


def detached(y: Any, primitive: Primitive, inputs: Sequence[Any]) -> TypeError:
    """Return the error for a result that cannot be differentiated although an operand is."""
    culprit = next((x for x in inputs if not hasattr(x, "node") and np.asarray(x).dtype == y.dtype), None)
    who = f"{describe(culprit)} is" if culprit is not None else "the result is"
    return TypeError(
        f"{primitive.name}({', '.join(calls(x) if hasattr(x, 'node') else describe(x) for x in inputs)}): "
        f"{who} of dtype "
        f"{y.dtype}, which has no derivative; convert it first, e.g. with .astype(float)"
    )


def as_plain_array(x: Any) -> np.ndarray[Any, Any]:
    """Return an instance of a subclass of ndarray as an ndarray, or raise where its meaning would change."""
    if isinstance(x, np.ma.MaskedArray):
        raise masked(x)
    if isinstance(x, np.matrix):
        raise TypeError(
            f"{describe(x)} is an np.matrix, whose * is a matrix product and whose rows stay matrices: use "
            f"np.asarray({name_of(x) or 'm'}), and @ for products"
        )
    if type(x).__array_ufunc__ is not np.ndarray.__array_ufunc__:
        raise foreign(x)
    return np.asarray(x)


def masked(x: Any) -> TypeError:
    """Return the error for a masked array."""
    name = name_of(x) or "a"
    return TypeError(
        f"{describe(x)} is a masked array and would lose its mask: use {name}.filled(value), and the mask as "
        "a factor, "
        f"~{name}.mask * ..."
    )


def foreign(x: Any) -> TypeError:
    """Return the error for an operand of a type that computes in its own way."""
    return TypeError(
        f"{describe(x)} of type {type(x).__name__} does not mix with Tensors: it has rules of its own. "
        "Convert one of the two, "
        "e.g. with np.asarray(...)"
    )


def out_argument(ufunc: Any, inputs: Sequence[Any], out: Any) -> TypeError:
    """Return the error for a result that should be written into an array."""
    out = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    target = name_of(out) or "a"
    source = next((x for x in inputs if x is not out and hasattr(x, "_value")), None)
    name = name_of(source) if source is not None else None
    symbol = {"add": "+", "subtract": "-", "multiply": "*", "true_divide": "/", "divide": "/"}.get(ufunc.__name__)
    if symbol and not hasattr(out, "_value"):
        return TypeError(
            f"{target} {symbol}= {name or 't'} would write {describe(source)} into {describe(out)}, a plain "
            "array, and "
            f"lose its gradient: write {target} = {target} {symbol} {name or 't'}, or use {name or 't'}.data"
        )
    return TypeError(
        f"np.{ufunc.__name__}(..., out={target}) would write a result that is being differentiated into an "
        "array and "
        f"lose its gradient: write {target} = np.{ufunc.__name__}(...)"
    )


def changed(leaf: Any, node: Any) -> RuntimeError:
    """Return the error for a value that was changed between forward and backward."""
    name = leaf.name or owner_of(leaf)
    who = f"`{name}` of shape {leaf.shape}" if name else f"a tensor of shape {leaf.shape}"
    return RuntimeError(
        f"the gradient of {node.primitive.name} (result of shape {node.shape}) needs the value that {who} "
        "had when it was "
        "recorded, but it was changed since (assign, an optimizer step, or an in-place operator). Call "
        "backward() before "
        "the change, or compute the forward pass again"
    )


def owner_of(leaf: Any) -> str | None:
    """Return the user's name for the Tensor of a leaf."""

    class Stand:  # looks to name_of like a Tensor of that node
        node = leaf
        name = None

    Stand.__module__ = "microgradnp.tape"
    return name_of(Stand())


# -- what cannot be differentiated ---------------------------------------------------------------------------


def not_differentiable(value: Any, who: Any) -> TypeError:
    """Return the error for a gradient asked of integers, booleans or objects."""
    name = who if isinstance(who, str) else name_of(who)
    called = f"`{name}`" if name else "it"
    dtype = value.dtype
    kind = "booleans" if dtype.kind == "b" else "integers" if dtype.kind in "iu" else f"{dtype}"
    return TypeError(
        f"{called} holds {kind} ({dtype}), which have no derivative; make it float: "
        f"mg.tensor({name or 'data'}, requires_grad=True, dtype=float)"
        if dtype.kind in "biu"
        else f"{called} is of dtype {dtype}, which has no derivative; only floating point numbers have"
    )


def not_numbers(data: Any, error: Exception | None) -> TypeError | ValueError:
    """Return the error for data that are no numbers."""
    name = name_of(data)
    called = f"`{name}`" if name else f"data of type {type(data).__name__}"
    if error is not None and "inhomogeneous" in str(error):
        return ValueError(f"{called} cannot become a tensor: its rows have different lengths")
    dtype = f" (dtype {data.dtype})" if hasattr(data, "dtype") else ""
    return TypeError(
        f"{called}{dtype} cannot become a tensor: a tensor holds numbers. Convert first, e.g. "
        "np.asarray(..., dtype=float)" + (f" ({error})" if error is not None else "")
    )


def no_graph(t: Any) -> RuntimeError:
    """Return the error for backward on a constant."""
    return RuntimeError(
        f"backward() of {describe(t)}: it depends on no tensor that requires a gradient. Make the parameters "
        "with "
        "mg.tensor(..., requires_grad=True), compute outside mg.no_grad(), and do not .detach() or take "
        ".data on the way"
    )


def no_cotangent(t: Any) -> ValueError:
    """Return the error for backward on an array without a cotangent."""
    name = name_of(t) or "y"
    return ValueError(
        f"backward() of {describe(t)} needs a cotangent: only a result of size one has *the* gradient. "
        "Reduce it first, "
        f"np.sum({name}).backward(), or pass one of its shape: {name}.backward(np.ones({t.shape}))"
    )


def raised(error: Exception) -> NoReturn:
    """Raise an error that another function returned."""
    raise error
