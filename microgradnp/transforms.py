"""Functions of functions: gradients, products with Jacobians, and matrices of derivatives.

Each runs the function once on fresh variables, which records a graph, and sweeps over it. A sweep is recorded
in turn when its result depends on something outside, so transforms nest in any order and close over outer
Tensors.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from microgradnp import explain, tree
from microgradnp.primitives.primitive import REQUIRED, Structural
from microgradnp.tape import (
    ALIAS,
    OFF,
    RECORD,
    TRACE,
    Leaf,
    Node,
    current_mode,
    dependent,
    forward_sweep,
    reachable,
    recorded,
    recording,
    reverse_sweep,
    tick,
)
from microgradnp.tensor import Tensor, call, own, tensor

Array = Any
Function = Callable[..., Any]


# -- one run of a function on variables ----------------------------------------------------------------------


class Run:
    """A function run on fresh variables: the variables, the result, and the graph between them."""

    def __init__(self, f: Function, args: Sequence[Any], kwargs: dict[str, Any], argnums: Sequence[int]) -> None:
        self.outer_mode = current_mode()
        self.since = tick()
        self.function = getattr(f, "__name__", "the function")
        self.inputs = [args[i] for i in argnums]
        self.variables: list[Tensor] = []
        self.sources: list[Node] = []
        names = parameter_names(f)

        def variable(path: str, leaf: Any) -> Tensor:
            made, node = new_variable(leaf, path, self.outer_mode)
            self.variables.append(Tensor(made._value, node))  # our own: f may do with its argument what it likes
            self.sources.append(node)
            return made

        prepared = [tree.replaced(constant_argument, arg) for arg in args]
        for i in argnums:
            label = names[i] if i < len(names) else f"argument {i}"
            leaves = [variable(label + path, leaf) for path, leaf in tree.flatten(args[i])]
            prepared[i] = tree.filled(args[i], leaves)
        with recording(TRACE if self.outer_mode == TRACE else RECORD):
            self.result = f(*prepared, **{k: tree.replaced(constant_argument, v) for k, v in kwargs.items()})

    def sweep_back(self, outputs: Sequence[Tensor], cotangents: Sequence[Array]) -> list[Array]:
        """Return the gradients of the variables for cotangents of the outputs, as arrays or outer Tensors."""
        roots = [y.node for y in outputs]
        nodes, outer = reachable(roots, self.since)
        how = self._recording_of_sweep(outer, cotangents)
        recorded, sources = how != OFF, self.sources
        within = dependent(nodes, sources) if outer or self.outer_mode == TRACE else None
        gradients: dict[Node, Array] = {}
        with recording(how):
            for root, ct in zip(roots, cotangents, strict=True):
                if root is not None and root.order >= self.since and (within is None or root in within):
                    ct = (ct if isinstance(ct, Tensor) else Tensor(ct)) if recorded else plain(ct)
                    gradients[root] = gradients[root] + ct if root in gradients else ct
            reverse_sweep(nodes, gradients, targets=sources, within=within, lift=Tensor if recorded else None)
        taken = {id(plain(c)) for c in cotangents}
        return [leaving(gradients.get(node), node, taken) for node in sources]

    def sweep_forward(self, outputs: Sequence[Tensor], tangents: Sequence[Array]) -> list[Array]:
        """Return the tangents of the outputs for tangents of the variables, as arrays or outer Tensors."""
        nodes, outer = reachable([y.node for y in outputs], self.since)
        how = self._recording_of_sweep(outer, tangents)
        recorded, sources = how != OFF, self.sources
        known = {
            node: (t if isinstance(t, Tensor) else Tensor(t)) if recorded else plain(t)
            for node, t in zip(sources, tangents, strict=True)
        }
        within = dependent(nodes, sources) if outer or self.outer_mode == TRACE else None
        with recording(how):
            forward_sweep(nodes, known, within=within, lift=Tensor if recorded else None)
        taken = {id(plain(t)) for t in tangents}
        return [leaving(None if y.node is None else known.get(y.node), y, taken) for y in outputs]

    def _recording_of_sweep(self, outer: bool, seeds: Sequence[Array]) -> int:
        """Return the mode of a sweep: recorded where its result depends on something outside."""
        depends = (outer and self.outer_mode != OFF) or any(on_graph(seed) for seed in seeds)
        return current_mode() if depends else OFF

    def outputs(self) -> list[Tensor]:
        """Return the leaves of the result as Tensors, or say which of them has no derivative."""
        return [output_tensor(leaf, f"the result{path} of {self.function}") for path, leaf in tree.flatten(self.result)]

    def set_aside(self) -> Any:
        """Take the second of two results out of the run: what is handed through, as it leaves."""
        if not isinstance(self.result, tuple) or len(self.result) != 2:
            raise TypeError(f"has_aux=True wants {self.function} to return (result, other)")
        self.result, other = self.result[1], self.result[0]
        aux = self.plain_result()
        self.result = other
        return aux

    def plain_result(self) -> Any:
        """Return the result as it leaves: arrays, but Tensors where it depends on something outside."""

        def leave(y: Any) -> Any:
            if not isinstance(y, Tensor):
                return y
            if y.node is not None and self.outer_mode != OFF and reachable([y.node], self.since)[1]:
                return y
            value = y._value
            return value.copy() if isinstance(value, np.ndarray) else value

        return tree.transform(leave, self.result)


def new_variable(leaf: Any, path: str, outer_mode: int) -> tuple[Tensor, Node]:
    """Return a Tensor to differentiate by, on the outer graph where `leaf` is on one, and its node."""
    node: Node
    if isinstance(leaf, Tensor):
        value = leaf._value
        if value.dtype.kind not in "fc":
            raise explain.not_differentiable(value, path)
        if leaf.node is not None and outer_mode != OFF:
            node = recorded(ALIAS, (leaf.node,), (value, value), leaf.node.spec)
        else:
            node = Leaf(value, path, argument=True)
        return Tensor(value, node), node
    if isinstance(leaf, bool | int) or not isinstance(leaf, float | complex | np.ndarray | np.generic):
        value = np.asarray(leaf) if isinstance(leaf, bool | int) else None
        if value is None:
            raise TypeError(f"`{path}` is a {type(leaf).__name__}, which has no derivative; pass an array or a float")
        raise explain.not_differentiable(value, path)
    if isinstance(leaf, np.ma.MaskedArray):
        raise TypeError(f"`{path}` is a masked array and would lose its mask; use its .filled(value)")
    value = np.array(explain.as_plain_array(leaf) if isinstance(leaf, np.ndarray) else leaf)
    if value.dtype.kind not in "fc":
        raise explain.not_differentiable(value, path)
    if not value.dtype.isnative:
        value = value.astype(value.dtype.newbyteorder("="))
    node = Leaf(scalar(value), path, argument=True)
    return Tensor(node.saved[0], node), node


def borrowed(value: np.ndarray[Any, Any]) -> Array:
    """Return a read-only view of the user's array: nothing that we hand out may lock or change the array."""
    if not value.ndim:
        return value[()]
    value = value.view()
    value.flags.writeable = False
    return value


def constant_argument(leaf: Any) -> Any:
    """Return an argument that is not differentiated as a constant Tensor; what is no array stays as it is."""
    if type(leaf) in (np.ndarray, np.memmap) and leaf.dtype.kind in "biufc":
        return Tensor(borrowed(np.asarray(leaf)))
    return leaf


def output_tensor(leaf: Any, who: str = "") -> Tensor:
    """Return an output as a Tensor, constants too. Given `who`, its name, refuse what is not float."""
    if not isinstance(leaf, Tensor):
        leaf = np.asarray(leaf)
    if who and leaf.dtype.kind not in "fc":
        kind = {"b": "boolean", "i": "an integer", "u": "an integer"}.get(leaf.dtype.kind, "no number")
        raise TypeError(
            f"{who} is {kind} ({leaf.dtype}), which has no derivative: return floating point numbers, and "
            "compute other "
            "results apart"
        )
    return leaf if isinstance(leaf, Tensor) else Tensor(leaf[()])


def on_graph(x: Any) -> bool:
    """Return whether x is a Tensor being recorded."""
    return isinstance(x, Tensor) and x.node is not None


def plain(x: Any) -> Array:
    """Return the value of a Tensor, or an array as it is."""
    return x._value if isinstance(x, Tensor) else x


def scalar(x: Array) -> Array:
    """Return a 0-d array as a NumPy scalar, as NumPy does."""
    return x[()] if isinstance(x, np.ndarray) and not x.ndim else x


def leaving(g: Array | None, like: Any, taken: set[int]) -> Array:
    """Return a gradient as it leaves a transform: an array that shares no memory, or an outer Tensor."""
    if on_graph(g):
        return g
    return scalar(own(plain(g), like, taken))


def parameter_names(f: Function) -> list[str]:
    """Return the names of a function's positional parameters, as far as they can be told."""
    if hasattr(f, "argument_names"):
        return list(f.argument_names)
    while hasattr(f, "__wrapped__"):
        f = f.__wrapped__
    code = getattr(f, "__code__", None)
    if code is not None:
        return list(code.co_varnames[hasattr(f, "__self__") : code.co_argcount])
    try:
        return [
            p.name
            for p in inspect.signature(f).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
    except (ValueError, TypeError):
        return []


def is_one(argnums: Any) -> bool:
    """Return whether argnums is one position, and not several."""
    return isinstance(argnums, int | np.integer)


def normalised(argnums: Any, count: int, f: Function) -> tuple[int, ...]:
    """Return argnums as non-negative positions."""
    given = (argnums,) if is_one(argnums) else tuple(argnums)
    name = getattr(f, "__name__", "the function")
    for i in given:
        if not is_one(i):
            raise TypeError(
                f"argnums={argnums!r} must be the position of an argument of {name}, or a tuple of positions"
            )
        if not -count <= i < count:
            raise ValueError(
                f"argnums={argnums!r}, but {name} was called with {count} positional argument(s); what is "
                "differentiated "
                "must be given by position"
            )
    positions = tuple(int(i) % count for i in given)
    if len(set(positions)) < len(positions):
        raise ValueError(f"argnums={argnums!r} names an argument of {name} twice")
    return positions


def check_callable(f: Any, transform: str) -> None:
    """Raise unless f is a function."""
    if not callable(f):
        raise TypeError(
            f"mg.{transform} wants a function, but got {explain.describe(f)}: write mg.{transform}(f)(x), "
            f"not mg.{transform}(f(x))"
        )


def real_scalar(run: Run, f: Function) -> Tensor:
    """Return the result of a run as a real Tensor of size one, or say what is wrong with it."""
    name = getattr(f, "__name__", "the function")
    y = run.result
    advice = "return one real number, e.g. np.sum(...) or np.mean(...), or use mg.jacobian or mg.vjp"
    if y is None:
        raise TypeError(f"the gradient of {name} needs a scalar, but it returned None (a missing `return`?): {advice}")
    if isinstance(y, tuple | list | dict):
        extra = "; for a loss with other results use has_aux=True" if isinstance(y, tuple) else ""
        raise TypeError(f"the gradient of {name} needs a scalar, but it returned a {type(y).__name__}: {advice}{extra}")
    if not isinstance(y, Tensor | np.ndarray | np.generic | float | int | complex):
        raise TypeError(f"the gradient of {name} needs a scalar, but it returned a {type(y).__name__}: {advice}")
    y = output_tensor(y)
    if y.size != 1:
        raise TypeError(f"the gradient of {name} needs a scalar, but it returned shape {y.shape}: {advice}")
    if y.dtype.kind != "f":
        kind = {"c": "a complex number", "b": "a boolean"}.get(y.dtype.kind, f"an integer ({y.dtype})")
        fix = "take np.real or np.abs(...)**2 of it" if y.dtype.kind == "c" else "it has no derivative; return a float"
        raise TypeError(f"the gradient of {name} needs a real number, but it returned {kind}: {fix}")
    return y


# -- the public transforms -----------------------------------------------------------------------------------


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0, *, has_aux: bool = False) -> Function:
    """Return a function that computes both f and its gradient.

    Parameters
    ----------
    f : callable
        Returns one real number (any array of size one). Inside it the array arguments are Tensors.
    argnums : int or sequence of int
        Which positional arguments to differentiate: arrays, floats, or trees of them.
    has_aux : bool
        Whether f returns ``(loss, other)``; the other is handed through.

    Returns
    -------
    callable
        Returns ``(value, gradient)``, or ``((value, other), gradient)`` with `has_aux`. The gradient has the
        tree, shapes and dtypes of the argument; for a sequence of argnums it is a tuple.

    Raises
    ------
    TypeError
        If the result is no real number, or an argument is of integers.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> value, gradient = mg.value_and_grad(lambda w: np.sum(w**2))(np.array([1.0, 2.0]))
    >>> float(value), gradient
    (5.0, array([2., 4.]))
    """
    check_callable(f, "value_and_grad")

    @functools.wraps(f, updated=())
    def evaluate(*args: Any, **kwargs: Any) -> Any:
        positions = normalised(argnums, len(args), f)
        run = Run(f, args, kwargs, positions)
        aux = run.set_aside() if has_aux else None
        y = real_scalar(run, f)
        seed = y.dtype.type(1) if not y.shape else np.ones(y.shape, y.dtype)
        gradients = run.sweep_back([y], [seed])
        result = split(run, gradients, is_one(argnums))
        value = run.plain_result()
        return ((value, aux), result) if has_aux else (value, result)

    return evaluate


def split(run: Run, gradients: Sequence[Array], single: bool) -> Any:
    """Return gradients as the trees of the arguments."""
    rest = iter(gradients)
    trees = tuple(tree.transform(lambda _: next(rest), x) for x in run.inputs)
    return trees[0] if single else trees


def grad(f: Function, argnums: int | Sequence[int] = 0, *, has_aux: bool = False) -> Function:
    """Return the gradient of a function that returns one real number.

    Parameters
    ----------
    f, argnums, has_aux
        As for `value_and_grad`.

    Returns
    -------
    callable
        Returns the gradient: arrays of the shapes and dtypes of the argument; Tensors inside an outer
        transform. With `has_aux` ``(gradient, other)``.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> bool(mg.grad(mg.grad(np.sin))(0.5) == -np.sin(0.5))
    True
    """
    check_callable(f, "grad")
    both = value_and_grad(f, argnums, has_aux=has_aux)

    @functools.wraps(f, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, result = both(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return gradient


def vjp(f: Function, *xs: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Return f(*xs) and its pullback: products of cotangents with the Jacobian.

    Parameters
    ----------
    f : callable
        Any outputs: an array or a tree of arrays.
    *xs : arrays, floats, or trees of them
    has_aux : bool
        Whether f returns ``(result, other)``; the other is handed through, as a third.

    Returns
    -------
    y : the result
    pull : callable
        ``pull(ct)``, with `ct` of the tree and shapes of `y`, is a tuple of one gradient per argument. It can
        be called any number of times.
    aux : with `has_aux`

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> y, pull = mg.vjp(np.sin, np.array([0.0, np.pi]))
    >>> pull(np.array([1.0, 1.0]))
    (array([ 1., -1.]),)
    """
    check_callable(f, "vjp")
    run = Run(f, xs, {}, range(len(xs)))
    aux = run.set_aside() if has_aux else None
    outputs = run.outputs()
    y = run.plain_result()

    def pull(ct: Any) -> tuple[Any, ...]:
        given = tree.matching(ct, run.result, "the cotangent")
        cotangents = [like(c, y, path, "the result") for (path, c), y in zip(given, outputs, strict=True)]
        return split(run, run.sweep_back(outputs, cotangents), single=False)  # type: ignore[no-any-return]

    return (y, pull, aux) if has_aux else (y, pull)


def like(c: Any, y: Any, what: str, whom: str) -> Array:
    """Return a cotangent or tangent as an array (or outer Tensor) of the shape and type of its primal."""
    if not isinstance(c, Tensor):
        c = tensor(c) if isinstance(c, list | tuple) else np.asarray(c)
    if c.dtype.kind not in "biufc":
        raise TypeError(f"{what} holds {c.dtype}; it must hold numbers")
    if c.shape != y.shape:
        raise ValueError(f"{what} has shape {c.shape}, but {whom} has shape {y.shape}; the two must be equal")
    if c.dtype != y.dtype:
        if c.dtype.kind == "c" and y.dtype.kind != "c":
            raise TypeError(f"{what} is complex, but {whom} is real ({y.dtype})")
        c = c.astype(y.dtype)
    return scalar(c)


def jvp(f: Function, xs: Sequence[Any], dxs: Sequence[Any], *, has_aux: bool = False) -> tuple[Any, ...]:
    """Return f(*xs) and its derivative in a direction: the Jacobian times the tangents.

    Parameters
    ----------
    f : callable
        Any outputs: an array or a tree of arrays.
    xs : sequence of arrays, floats, or trees of them
        The arguments.
    dxs : sequence
        The direction, of the same trees and shapes.
    has_aux : bool
        Whether f returns ``(result, other)``; the other is handed through, as a third.

    Returns
    -------
    y, dy : the result and its tangent, of the same tree and shapes
    aux : with `has_aux`

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> y, dy = mg.jvp(lambda a, b: a * b, (2.0, 3.0), (1.0, 0.0))
    >>> float(y), float(dy)
    (6.0, 3.0)
    """
    check_callable(f, "jvp")
    if not isinstance(xs, tuple | list) or not isinstance(dxs, tuple | list):
        raise TypeError("mg.jvp(f, xs, dxs) wants a tuple of arguments and a tuple of tangents: mg.jvp(f, (x,), (dx,))")
    if len(xs) != len(dxs):
        raise ValueError(f"mg.jvp got {len(xs)} argument(s) and {len(dxs)} tangent(s)")
    run = Run(f, xs, {}, range(len(xs)))
    aux = run.set_aside() if has_aux else None
    y, dy = pushed(run, xs, dxs)
    return (y, dy, aux) if has_aux else (y, dy)


def pushed(run: Run, xs: Sequence[Any], dxs: Sequence[Any]) -> tuple[Any, Any]:
    """Return the result of a run and its tangent."""
    given = tree.matching(list(dxs), list(xs), "the tangent")
    tangents = [like(t, x, path, "its argument") for (path, t), x in zip(given, run.variables, strict=True)]
    dys = run.sweep_forward(run.outputs(), tangents)
    return run.plain_result(), tree.filled(run.result, dys)


def jacobian(f: Function, argnums: int | Sequence[int] = 0, *, has_aux: bool = False) -> Function:
    """Return the Jacobian: all partial derivatives of all outputs.

    Parameters
    ----------
    f : callable
        Any outputs: an array or a tree of arrays.
    argnums : int or sequence of int
    has_aux : bool
        Whether f returns ``(result, other)``; the other is handed through.

    Returns
    -------
    callable
        For an output of shape S and an argument of shape I an array of shape S + I; for trees, the tree of
        the output with, at each leaf, the tree of the argument. With `has_aux` ``(Jacobian, other)``.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> mg.jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    check_callable(f, "jacobian")

    @functools.wraps(f, updated=())
    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        positions = normalised(argnums, len(args), f)
        run = Run(f, args, kwargs, positions)
        aux = run.set_aside() if has_aux else None
        outputs = run.outputs()
        complex_of_real = any(y.dtype.kind == "c" for y in outputs) and any(x.dtype.kind != "c" for x in run.variables)
        if complex_of_real or sum(x.size for x in run.variables) < sum(y.size for y in outputs):
            blocks = columns(run, outputs)
        else:
            blocks = rows(run, outputs)
        per_output = iter([split(run, row, is_one(argnums)) for row in blocks])
        matrix = tree.transform(lambda _: next(per_output), run.result)
        return (matrix, aux) if has_aux else matrix

    return jacobian_of


def rows(run: Run, outputs: Sequence[Tensor]) -> list[list[Array]]:
    """Return the Jacobian's blocks, one reverse sweep for each output element."""
    blocks = []
    for y in outputs:
        swept = []
        for k in range(y.size):
            seed = np.zeros(y.shape, y.dtype)
            seed[np.unravel_index(k, y.shape)] = 1
            swept.append(run.sweep_back([y], [scalar(seed)]))
        blocks.append(
            [gathered([row[i] for row in swept], y.shape + x.shape, 0, x.dtype) for i, x in enumerate(run.variables)]
        )
    return blocks


def columns(run: Run, outputs: Sequence[Tensor]) -> list[list[Array]]:
    """Return the Jacobian's blocks, one forward sweep for each input element."""
    blocks: list[list[Array]] = [[] for _ in outputs]
    for i, x in enumerate(run.variables):
        swept = []
        for k in range(x.size):
            tangents = [np.zeros(v.shape, v.dtype) for v in run.variables]
            tangents[i][np.unravel_index(k, x.shape)] = 1
            swept.append(run.sweep_forward(outputs, [scalar(t) for t in tangents]))
        for j, y in enumerate(outputs):
            flat = gathered([column[j] for column in swept], (*y.shape, x.size), -1, y.dtype).reshape(y.shape + x.shape)
            blocks[j].append(scalar(flat if flat.dtype.kind != x.dtype.kind else flat.astype(x.dtype, copy=False)))
    return blocks


def gathered(pieces: Sequence[Array], shape: tuple[int, ...], axis: int, dtype: Any) -> Array:
    """Return rows or columns as one array (or outer Tensor) of the given shape."""
    if not pieces:
        return np.zeros(shape, dtype)
    if any(isinstance(piece, Tensor) for piece in pieces):
        return call(np.stack, list(pieces), axis=axis).reshape(shape)
    return scalar(np.stack(pieces, axis=axis).reshape(shape))


def hessian(f: Function, argnums: int | Sequence[int] = 0, *, has_aux: bool = False) -> Function:
    """Return the Hessian of a function that returns one real number: the Jacobian of its gradient.

    Parameters
    ----------
    f, argnums, has_aux
        As for `grad`.

    Returns
    -------
    callable
        For an argument of shape I an array of shape I + I; for trees or several arguments, the tree of trees. With
        `has_aux` ``(Hessian, other)``.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> mg.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 3.0]))
    array([[6., 2.],
           [2., 0.]])
    """
    check_callable(f, "hessian")
    return jacobian(grad(f, argnums, has_aux=has_aux), argnums, has_aux=has_aux)


def hvp(f: Function, argnums: int | Sequence[int] = 0, *, has_aux: bool = False) -> Function:
    """Return the product of the Hessian with a vector, by forward over reverse: the Hessian is never built.

    Parameters
    ----------
    f, argnums, has_aux
        As for `grad`.

    Returns
    -------
    callable
        ``(x, v)``, or all arguments of f and then v, of the tree and shapes of what is differentiated. With `has_aux` it
        returns ``(product, other)``.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> mg.hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    check_callable(f, "hvp")
    gradient = grad(f, argnums, has_aux=has_aux)

    @functools.wraps(f, updated=())
    def product(*args: Any, **kwargs: Any) -> Any:
        restricted, xs, vs = with_vector("hvp", f, gradient, argnums, args, kwargs)
        _, *moved = jvp(restricted, xs, vs, has_aux=has_aux)
        return tuple(moved) if has_aux else moved[0]

    return product


def with_vector(
    transform: str, f: Function, inner: Function, argnums: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Function, list[Any], tuple[Any, ...]]:
    """Split ``(*arguments of f, v)``: a function of what is differentiated alone, that, and the vector."""
    if len(args) < 2:
        raise TypeError(f"mg.{transform}(f)(x, v) wants the arguments of f, then the vector")
    *xs, v = args
    positions = normalised(argnums, len(xs), f)

    def restricted(*chosen: Any) -> Any:
        full = list(xs)
        for i, x in zip(positions, chosen, strict=True):
            full[i] = x
        return inner(*full, **kwargs)

    names = parameter_names(f)
    restricted.argument_names = [names[i] if i < len(names) else f"argument {i}" for i in positions]  # type: ignore[attr-defined]
    restricted.__name__ = getattr(f, "__name__", "the function")
    return restricted, [xs[i] for i in positions], (v,) if is_one(argnums) else tuple(v)


def gauss_newton_product(f: Function, loss: Function, argnums: int | Sequence[int] = 0) -> Function:
    """Return the product of the Gauss-Newton matrix with a vector: ``Jᵀ H J v``, by one forward and one reverse sweep.

    ``J`` is the Jacobian of the model f, ``H`` the Hessian of the loss with respect to the model's output. For a convex
    loss it is positive semidefinite, which the Hessian of ``loss(f(x))`` is not. Schraudolph, "Fast curvature
    matrix-vector products for second-order gradient descent" (2002). Neither matrix is ever built.

    Parameters
    ----------
    f : callable
        The model: any outputs, an array or a tree of arrays.
    loss : callable
        Of the model's output, to one real number. What else it needs, such as targets, it closes over.
    argnums : int or sequence of int
        Which arguments of f to differentiate.

    Returns
    -------
    callable
        ``(x, v)``, or all arguments of f and then v, of the tree and shapes of what is differentiated, as `hvp` has them.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> X, t = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.0, 1.0])
    >>> model = lambda w: np.tanh(X @ w)
    >>> product = mg.gauss_newton_product(model, lambda y: np.sum((y - t) ** 2) / 2)
    >>> w, v = np.array([0.1, 0.2]), np.array([1.0, 0.0])
    >>> J = mg.jacobian(model)(w)
    >>> bool(np.allclose(product(w, v), J.T @ J @ v))
    True
    """
    check_callable(f, "gauss_newton_product")
    if not callable(loss):
        raise TypeError(
            f"mg.gauss_newton_product(f, loss) wants the loss as a function of f's result, got {explain.describe(loss)}"
        )

    @functools.wraps(f, updated=())
    def product(*args: Any, **kwargs: Any) -> Any:
        restricted, xs, vs = with_vector("gauss_newton_product", f, f, argnums, args, kwargs)
        run = Run(restricted, xs, {}, range(len(xs)))
        y, dy = pushed(run, xs, vs)
        curved = tree.matching(hvp(loss)(y, dy), run.result, "the Hessian of the loss")
        return split(run, run.sweep_back(run.outputs(), [c for _, c in curved]), is_one(argnums))

    return product


# -- operations of the user's own ----------------------------------------------------------------------------


class UserPrimitive(Structural):
    """A user's function with rules of its own. One direction is enough: the other is its transpose.

    Functions and rules get read-only views, and what they return is copied: nothing that they do can reach
    the graph.
    """

    def __init__(self, function: Function) -> None:
        parameters = list(inspect.signature(function).parameters.values())
        called = getattr(function, "__name__", "the function")
        for p in parameters:
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                stars = "*" if p.kind is p.VAR_POSITIONAL else "**"
                raise TypeError(f"{called} takes {stars}{p.name}: a primitive names its operands and keywords")
        operands = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY and p.default is p.empty]
        if not operands:
            raise TypeError(
                f"{called} has no operand: a primitive has at least one positional parameter without a default"
            )
        arity = len(operands)
        super().__init__(guarded(function, self), [None] * arity, [None] * arity)
        self.rules = None
        self.reads = ((True,) * (arity + 1),) * arity
        self.honours = {p.name: REQUIRED if p.default is p.empty else p.default for p in parameters[arity:]}
        self.parameters = tuple((p.name, p.kind, p.default) for p in parameters)
        self.operands = operands
        self.checked_at: Sequence[Any] | None = None
        functools.update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **params: Any) -> Any:
        """Run the function itself on arrays; record on Tensors."""
        for x in (*args, *params.values()):
            if x.__class__ is not np.ndarray and hasattr(x, "__array_function__"):
                return super().__call__(*args, **params)
        return self.__wrapped__(*args, **params)  # type: ignore[attr-defined]

    def defvjp(self, *rules: Any) -> UserPrimitive:
        """Define the reverse rules, one per operand: ``rule(g, y, *inputs)`` returns its gradient."""
        return self._define(vjps=self._checked(rules, "defvjp"))

    def defjvp(self, *rules: Any) -> UserPrimitive:
        """Define the forward rules, one per operand: ``rule(dx, y, *inputs)`` returns its part of dy."""
        return self._define(jvps=self._checked(rules, "defjvp"))

    def _define(self, **rules: tuple[Any, ...]) -> UserPrimitive:
        """Take rules, checked where that was asked for; wrong ones are not taken."""
        before = {name: getattr(self, name) for name in rules}
        vars(self).update(rules)
        if self.checked_at is not None:
            try:
                self.check(*self.checked_at).raise_if_wrong()
            except BaseException:
                vars(self).update(before)
                raise
        return self

    def check(self, *args: Any, seed: int = 0, tolerance: float | None = None, **params: Any) -> Any:
        """Check the rules at these arguments: against differences, autodiff of the function, and each other.

        Parameters
        ----------
        *args, **params
            As the function takes them.
        seed : int
            Of the random cotangents and tangents.
        tolerance : float, optional
            Relative difference that still counts as equal, besides rounding.

        Returns
        -------
        Report
            One verdict for each rule: ``print(report)``, ``report.ok``, ``report.raise_if_wrong()``. A rule must give the
            right values, be linear in the gradient or tangent, return the exact shape, and leave what it is given as it was.

        Examples
        --------
        >>> import numpy as np, microgradnp as mg
        >>> cube = mg.primitive(lambda x: x**3).defvjp(lambda g, y, x: g * 2 * x**2)
        >>> cube.check(np.array([1.0, 2.0])).ok
        False
        """
        from microgradnp.verify.custom import check_primitive  # a reader of the record, needed by none but this

        return check_primitive(self, *args, seed=seed, tolerance=tolerance, **params)

    def _checked(self, rules: Sequence[Any], what: str) -> tuple[Any, ...]:
        if len(rules) != self.arity:
            raise TypeError(
                f"{self.name}.{what} wants one rule for each of its operands ({', '.join(self.operands)}), "
                f"{len(rules)} "
                "given; None for an operand without a derivative"
            )
        for rule in rules:
            if rule is not None and not callable(rule):
                raise TypeError(f"{self.name}.{what} wants functions, {explain.describe(rule)} is none")
        return tuple(rules)

    def keeps(self, tracked: tuple[bool, ...]) -> tuple[bool, ...]:
        """Return what the rules read: everything. Asked when a call is recorded, which wants a rule."""
        if not self.has_rules:
            raise NotImplementedError(f"{self.name} has no derivative rule: define one with {self.name}.defvjp(...)")
        return super().keeps(tracked)

    @property
    def has_rules(self) -> bool:
        """Whether any rule was defined."""
        return any(rule is not None for rule in (*self.vjps, *self.jvps))

    def pull(self, g: Array, y: Array, xs: Sequence[Array], wanted: Sequence[bool], params: dict[str, Any]) -> Any:
        """Carry gradients back, by the reverse rules or the transposes of the forward rules."""
        gradients: list[Array | None] = []
        for i, want in enumerate(wanted):
            if not want:
                gradients.append(None)
            elif any(rule is not None for rule in self.vjps):
                gradients.append(self._ruled("defvjp", self.vjps[i], g, y, xs, params, i, xs[i]))
            else:
                self._require(self.jvps)
                push = functools.partial(self._ruled, "defjvp", self.jvps[i], y=y, xs=xs, params=params, i=i, like=y)
                gradients.append(None if self.jvps[i] is None else transposed(push, xs[i], g, f"{self.name}.defjvp"))
        return gradients

    def push(self, dxs: Sequence[Array | None], y: Array, xs: Sequence[Array], params: dict[str, Any]) -> Array:
        """Carry tangents forward, by the forward rules or the transposes of the reverse rules."""
        total = None
        for i, dx in enumerate(dxs):
            if dx is None:
                continue
            if any(rule is not None for rule in self.jvps):
                dy = self._ruled("defjvp", self.jvps[i], dx, y, xs, params, i, y)
            else:
                self._require(self.vjps)
                pull = functools.partial(
                    self._ruled, "defvjp", self.vjps[i], y=y, xs=xs, params=params, i=i, like=xs[i]
                )
                dy = None if self.vjps[i] is None else transposed(pull, y, dx, f"{self.name}.defvjp")
            if dy is not None:
                total = dy if total is None else total + dy
        return total

    def _require(self, rules: Sequence[Any]) -> None:
        if all(rule is None for rule in rules):
            raise NotImplementedError(f"{self.name} has no derivative rule: define one with {self.name}.defvjp(...)")

    def _ruled(
        self,
        kind: str,
        rule: Any,
        g: Array,
        y: Array,
        xs: Sequence[Array],
        params: dict[str, Any],
        i: int,
        like: Array,
    ) -> Array | None:
        """Return what a rule says, or raise if it is no gradient or tangent of the shape of `like`."""
        if rule is None:
            return None
        d = rule(guard(g), guard(y), *map(guard, xs), **params)
        who = f"the {kind} rule for {self.operands[i]} of {self.name}"
        if d is None:
            raise TypeError(f"{who} returned None (a missing `return`?); return an array of shape {like.shape}")
        if not isinstance(d, Tensor):
            d = tensor(d) if isinstance(d, list | tuple) else np.array(d)[()]
        if d.shape != like.shape:
            what, whom = ("gradient", "an operand") if kind == "defvjp" else ("tangent", "a result")
            raise ValueError(
                f"{who} returned a {what} of shape {d.shape} for {whom} of shape {like.shape}; the two must "
                "be equal "
                "(sum over the axes that were broadcast)"
            )
        if d.dtype.kind not in "fc" or (d.dtype.kind == "c" and all(x.dtype.kind != "c" for x in (g, like))):
            raise TypeError(f"{who} returned {d.dtype}; a derivative here is of {like.dtype}")
        return d


def guard(x: Any) -> Any:
    """Return what a user's function may do with as it likes: a read-only view, or a Tensor of its own."""
    if isinstance(x, Tensor):
        return Tensor(x._value, x.node)
    return borrowed(x) if isinstance(x, np.ndarray) else x


def guarded(function: Function, primitive: UserPrimitive) -> Function:
    """Return a user's function such that it cannot change operands, nor keep hold of its result."""

    @functools.wraps(function)
    def compute(*operands: Any, **params: Any) -> Any:
        y = function(*map(guard, operands), **params)
        if y is None or isinstance(y, tuple | list | dict):
            raise TypeError(f"it returned a {type(y).__name__}, but a primitive returns one array")
        y = np.array(y)[()]
        if y.dtype.kind not in "fc" and primitive.has_rules:
            raise TypeError(f"it returned {y.dtype}, but has derivative rules; return floating point numbers")
        return y

    return compute


def transposed(linear_map: Function, at: Array, cotangent: Array, who: str) -> Array:
    """Return the transpose of a linear map applied to a cotangent: a reverse sweep through the map itself."""
    run = Run(linear_map, [Tensor(np.zeros(at.shape, at.dtype)[()])], {}, [0])
    outputs = run.outputs()
    if any(np.any(plain(y)) for y in outputs):
        raise ValueError(f"the rule given to {who} is not linear: for zeros it must return zeros")
    return run.sweep_back(outputs, [cotangent])[0]


@overload
def primitive(function: Function, *, check: Sequence[Any] | None = None) -> UserPrimitive: ...


@overload
def primitive(function: None = None, *, check: Sequence[Any] | None = None) -> Callable[[Function], UserPrimitive]: ...


def primitive(
    function: Function | None = None, *, check: Sequence[Any] | None = None
) -> UserPrimitive | Callable[[Function], UserPrimitive]:
    """Make a function of yours one operation, with derivative rules of your own (a decorator).

    Parameters
    ----------
    function : callable
        Plain NumPy. Its positional parameters without a default are its operands, the others are keywords.
    check : sequence, optional
        Arguments at which the rules are checked when they are defined, by `UserPrimitive.check`; wrong ones raise an
        AssertionError that says what is wrong, and are not taken.

    Returns
    -------
    UserPrimitive
        Callable like the function, on arrays and Tensors; give it rules by ``.defvjp`` and (or) ``.defjvp``.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> @mg.primitive(check=(np.array([0.5, -1.0]),))
    ... def cube(x):
    ...     return x**3
    >>> _ = cube.defvjp(lambda g, y, x: g * 3 * x**2)
    >>> float(mg.grad(cube)(2.0))
    12.0
    """
    if check is not None and not isinstance(check, tuple | list):
        raise TypeError(
            f"mg.primitive(..., check=...) wants a tuple of arguments, e.g. check=(x,), got {explain.describe(check)}"
        )

    def made(f: Function) -> UserPrimitive:
        new = UserPrimitive(f)
        new.checked_at = check
        return new

    return made if function is None else made(function)
