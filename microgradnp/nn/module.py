"""The Module: parameters found by name, saved, loaded, shown."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from microgradnp.tensor import Tensor, tensor

Array = Any
Self = TypeVar("Self", bound="Module")


def parameter(values: Any) -> Tensor:
    """Return a Tensor that is trained: a parameter of the Module that it becomes an attribute of.

    Examples
    --------
    >>> import numpy as np
    >>> parameter(np.zeros(2))
    Tensor([0., 0.], requires_grad=True)
    """
    return tensor(values, requires_grad=True)


class Module:
    """Something with parameters that computes: a layer, or a whole network.

    A subclass makes its parameters in ``__init__`` and computes in ``forward``. Nothing need be registered: every
    Tensor among the attributes is found, also in lists, tuples and dicts, and in other Modules. One that requires a
    gradient is a parameter; a constant one is a buffer: part of the state, not trained (the running mean of a batch
    normalisation). Arrays and numbers are neither. What is found twice (tied weights) counts once, under its first name.

    Attributes
    ----------
    training : bool
        Whether layers that behave otherwise while training (dropout, batch normalisation) do so; see `train`.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> class Line(mg.nn.Module):
    ...     def __init__(self):
    ...         self.slope = mg.tensor(2.0, requires_grad=True)
    ...         self.offset = mg.tensor(1.0, requires_grad=True)
    ...
    ...     def forward(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Line()
    >>> print(line(3.0))
    7.0
    >>> [name for name, _ in line.named_parameters()]
    ['slope', 'offset']
    """

    training = True

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute. Subclasses define it; call the Module itself."""
        raise NotImplementedError(f"{type(self).__name__} has no forward: define `def forward(self, x): ...`")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute, and say in errors which layer it was."""
        try:
            return self.forward(*args, **kwargs)
        except Exception as error:  # which layer it was, for every error from within
            shapes = ", ".join(str(np.shape(x)) for x in args if isinstance(x, Tensor | np.ndarray))
            error.add_note(f"in {self.label()}" + (f", on input of shape {shapes}" if shapes else ""))
            raise

    # -- what is in it ---------------------------------------------------------------------------------------------

    def members(self) -> Iterable[tuple[str, Any]]:
        """Return the attributes in which parameters and Modules are looked for, with their names."""
        return vars(self).items()

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield this Module under the name "", and every one in it under the path that leads there.

        Examples
        --------
        >>> import microgradnp as mg
        >>> [name for name, _ in mg.nn.Sequential(mg.nn.Linear(2, 3), mg.nn.Tanh()).named_modules()]
        ['', '0', '1']
        """
        for path, _, _, found in found_in(self):
            if isinstance(found, Module):
                yield path, found

    def modules(self) -> Iterator[Module]:
        """Yield this Module and every one in it."""
        return (module for _, module in self.named_modules())

    def named_tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the parameters and the buffers: the state, with the names that lead there."""
        for path, _, _, found in found_in(self):
            if isinstance(found, Tensor):
                yield path, found

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the parameters with the names that lead there, in the order in which they were made attributes.

        Examples
        --------
        >>> import microgradnp as mg
        >>> [(name, p.shape) for name, p in mg.nn.Linear(2, 3).named_parameters()]
        [('weight', (2, 3)), ('bias', (3,))]
        """
        return ((name, t) for name, t in self.named_tensors() if t.requires_grad)

    def parameters(self) -> Iterator[Tensor]:
        """Yield the parameters, for an optimizer."""
        return (t for _, t in self.named_tensors() if t.requires_grad)

    def named_generators(self) -> Iterator[tuple[str, Any]]:
        """Yield the sources of random numbers in use: with the state, all that a run needs to be resumed."""
        for path, _, _, found in found_in(self):
            if isinstance(found, np.random.Generator | np.random.RandomState):
                yield path, found

    # -- state -----------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return copies of the values of all parameters and buffers by name.

        Examples
        --------
        >>> import microgradnp as mg
        >>> mg.nn.Linear(1, 2, init=1.0).state_dict()
        {'weight': array([[1., 1.]]), 'bias': array([0., 0.])}
        """
        return {name: t.numpy() for name, t in self.named_tensors()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Give all parameters and buffers the values of another `state_dict`: all of them, or none.

        Parameters
        ----------
        state : mapping of str to array_like
            Of the same names and shapes. Values are converted to the types here.

        Raises
        ------
        ValueError
            If names are missing or unexpected, or shapes or types do not fit: it lists them all, and nothing is loaded.

        Examples
        --------
        >>> import microgradnp as mg
        >>> mg.nn.Linear(2, 3).load_state_dict({"weight": [[1.0, 2.0, 3.0]]})
        Traceback (most recent call last):
        ValueError: the state does not fit Linear(2 -> 3), and nothing was loaded:
          bias, of shape (3,), is missing
          weight has shape (1, 3), wanted is (2, 3)
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict wants a mapping of names to arrays, not a {type(state).__name__}")
        own = dict(self.named_tensors())
        wrong = [f"{name}, of shape {t.shape}, is missing" for name, t in own.items() if name not in state]
        new = {}
        for name, value in state.items():
            if name not in own:
                close = difflib.get_close_matches(str(name), own, 1)
                wrong.append(f"{name} is unexpected" + (f" (did you mean {close[0]}?)" if close else ""))
                continue
            try:
                new[name] = np.array(value.data if isinstance(value, Tensor) else value)
            except ValueError:
                wrong.append(f"{name} is no array")
                continue
            dtype = own[name].dtype
            if new[name].shape != own[name].shape:
                wrong.append(f"{name} has shape {new[name].shape}, wanted is {own[name].shape}")
            elif not np.can_cast(new[name].dtype, dtype, "same_kind"):
                wrong.append(f"{name} is of {new[name].dtype}, which does not convert to {dtype}")
        if wrong:
            raise ValueError(
                f"the state does not fit {self.label()}, and nothing was loaded:\n" + "\n".join(f"  {w}" for w in wrong)
            )
        for name, t in own.items():
            t.assign(new[name])

    def train(self: Self, mode: bool = True) -> Self:
        """Set this Module and all in it to behave as while training. Returns itself.

        Examples
        --------
        >>> import numpy as np, microgradnp as mg
        >>> mg.nn.Dropout(0.5).eval()(np.ones(3))
        array([1., 1., 1.])
        """
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: Self) -> Self:
        """Set this Module and all in it to behave as after training. Returns itself."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for p in self.parameters():
            p.zero_grad()

    # -- shown -----------------------------------------------------------------------------------------------------

    def settings(self) -> str:
        """Return what is between the parentheses of a layer's name; subclasses say what matters about them."""
        return ""

    def label(self) -> str:
        """Return the name of the layer with its settings, on one line."""
        return f"{type(self).__name__}({self.settings()})"

    def __repr__(self) -> str:
        rows = list(rows_of(self))
        left, middle, right = (max(map(len, column)) for column in zip(*rows, strict=True))
        lines = [f"{a:{left}}  {b:{middle}}  {c:>{right}}".rstrip() for a, b, c in rows]
        total = sum(p.size for p in self.parameters())
        if len(rows) > 1:
            lines.append(f"{total:,} parameters")
        return "\n".join(lines)


# -- walking -----------------------------------------------------------------------------------------------------------

#: What a walk finds: its path, the container that holds it, the key in the container, and itself.
Found = tuple[str, Any, Any, Any]


def found_in(root: Module) -> Iterator[Found]:
    """Yield the Modules, Tensors and sources of random numbers of a Module, each once, in the order of the attributes."""
    seen: set[int] = set()
    paths: set[str] = set()
    stack: list[Found] = [("", None, None, root)]
    while stack:
        path, holder, key, value = stack.pop()
        if isinstance(value, Tensor):
            if not value.is_leaf:
                continue  # computed by a forward pass and kept: no state
        elif not isinstance(value, Module | list | tuple | dict | np.random.Generator | np.random.RandomState):
            continue
        if id(value) in seen:
            continue
        seen.add(id(value))
        if not isinstance(value, list | tuple | dict):
            if path in paths:
                raise ValueError(
                    f"two things in {root.label()} have the name {path}: use other keys (without a point, or all strings)"
                )
            paths.add(path)
            yield path, holder, key, value
        items: Iterable[tuple[Any, Any]] = ()
        if isinstance(value, Module):
            items = value.members()
        elif isinstance(value, dict):
            items = value.items()
        elif isinstance(value, list | tuple):
            items = enumerate(value)
        prefix = f"{path}." if path else ""
        stack.extend((f"{prefix}{k}", value, k, item) for k, item in reversed(list(items)))


def rows_of(root: Module) -> Iterator[tuple[str, str, str]]:
    """Yield the lines of a Module's repr: its name, the shapes of its own parameters [and buffers], and their number."""
    modules = dict(root.named_modules())
    own: dict[str, list[tuple[str, Tensor]]] = {name: [] for name in modules}
    for path, t in root.named_tensors():
        owner = max((m for m in modules if m == "" or path.startswith(f"{m}.")), key=len)
        own[owner].append((path[len(owner) + 1 :] if owner else path, t))
    for name, module in modules.items():
        depth = sum(1 for m in modules if m != name and (m == "" or name.startswith(f"{m}.")))
        parent = max((m for m in modules if m and name.startswith(f"{m}.")), key=len, default="")
        short = name[len(parent) + 1 :] if parent else name
        text = "  " * depth + (f"{short}: " if short else "") + module.label()
        shapes = ", ".join(f"{n} {t.shape}" for n, t in own[name] if t.requires_grad)
        buffers = ", ".join(f"{n} {t.shape}" for n, t in own[name] if not t.requires_grad)
        shapes += f" [{buffers}]" if buffers else ""
        count = sum(t.size for _, t in own[name] if t.requires_grad)
        yield text, shapes, f"{count:,}" if count else ""


# -- running with other values -------------------------------------------------------------------------------------


def functional_call(module: Module, state: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
    """Run a Module with other values in place of its parameters: the network as a function of them.

    So transforms and checks apply to it: ``mg.grad(lambda state: loss(functional_call(model, state, x), y))(state)``.

    Parameters
    ----------
    module : Module
        Unchanged afterwards. Calls from several threads wait for each other; whoever calls the Module itself in the
        meantime sees the other values, and is better off with a copy (`copy.deepcopy`).
    state : mapping of str to Tensor or ndarray
        By the names of `Module.named_parameters`; those that are not named keep their values.
    *args, **kwargs
        What the Module is called with.

    Returns
    -------
    Tensor or ndarray
        What the Module returns.

    Raises
    ------
    ValueError
        If a name is none of the Module's, or a shape differs.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> layer = mg.nn.Linear(2, 1, init=1.0)
    >>> functional_call(layer, {"weight": np.array([[1.0], [10.0]]), "bias": np.zeros(1)}, np.array([[2.0, 3.0]]))
    array([[32.]])
    """
    with replaced(module, state):
        return module(*args, **kwargs)


#: Of two threads that both put other values into a Module, one would take those of the other for its own.
REPLACING = threading.RLock()


@contextmanager
def replaced(module: Module, state: Mapping[str, Any]) -> Iterator[None]:
    """Put other values in the places of a Module's tensors for a while."""
    with REPLACING:
        yield from replacing(module, state)


def replacing(module: Module, state: Mapping[str, Any]) -> Iterator[None]:
    """Put them there, yield, and put back what was there before."""
    places: dict[int, list[tuple[Any, Any]]] = {}
    for holder, key, value in places_of(module):
        places.setdefault(id(value), []).append((holder, key))
    own = dict(module.named_tensors())
    for name, value in state.items():
        if name not in own:
            raise ValueError(f"{name} is no parameter of {module.label()}; it has {', '.join(own) or 'none'}")
        if np.shape(value) != own[name].shape:
            raise ValueError(f"{name} has shape {np.shape(value)}, wanted is {own[name].shape}")
    changed: list[tuple[Any, Any, Any]] = []
    try:
        for name, value in state.items():
            for holder, key in places[id(own[name])]:  # tied weights have several
                put(holder, key, value)
                changed.append((holder, key, own[name]))
        yield
    finally:
        for holder, key, value in changed:
            put(holder, key, value)


def places_of(root: Module) -> Iterator[tuple[Any, Any, Tensor]]:
    """Yield every place that holds a Tensor: the Module, list or dict, and the key in it."""
    seen: set[int] = set()
    stack: list[Any] = [root]
    while stack:
        holder = stack.pop()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        items = (
            vars(holder).items()
            if isinstance(holder, Module)
            else holder.items()
            if isinstance(holder, dict)
            else enumerate(holder)
        )
        for key, value in list(items):
            if isinstance(value, Tensor):
                yield holder, key, value
            elif isinstance(value, Module | list | tuple | dict):
                stack.append(value)


def put(holder: Any, key: Any, value: Any) -> None:
    """Put a value in a place."""
    if isinstance(holder, tuple):
        raise TypeError("a parameter inside a tuple cannot be replaced: keep parameters in attributes, lists or dicts")
    if isinstance(holder, Module):
        vars(holder)[key] = value
    else:
        holder[key] = value
