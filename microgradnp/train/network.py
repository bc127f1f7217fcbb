"""What is trained: a Module, or a function of x over tensors that an optimizer holds. One face for both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from microgradnp.graph import trace
from microgradnp.naming import describe, name_of
from microgradnp.nn import Module
from microgradnp.tensor import Tensor, no_grad
from microgradnp.train.parts import free, parts_of

Array = Any
#: Begins the names of the tensors of a loss that is a Module.
LOSS = "(loss)."
State = dict[str, Array]


class Network:
    """A model and the tensors that are its state.

    Attributes
    ----------
    model : callable
    module : Module or None
        The model, if it is a Module.
    parts : dict of str to Module, Generator or RandomState
        What a model that is a function uses of such things.
    tensors : dict of str to Tensor
        The whole state: parameters, and the buffers of Modules.
    """

    def __init__(self, model: Any, params: Sequence[Any], names: Sequence[str] | None = None, loss: Any = None) -> None:
        self.model = model
        self.module = model if isinstance(model, Module) else None
        self.parts: dict[str, Any] = {}
        if self.module is not None:
            self.tensors = dict(self.module.named_tensors())
        else:
            parts = parts_of(model)
            self.parts = {name: part for name, part in parts.items() if not isinstance(part, Tensor)}
            inner = {f"{part}.{name}": t for part, m in self.modules() for name, t in m.named_tensors()}
            own = {name: part for name, part in parts.items() if isinstance(part, Tensor)}
            self.tensors = named(params, names, own | inner)
            known = {id(t) for t in self.tensors.values()}
            self.tensors |= {name: t for name, t in inner.items() if id(t) not in known}
        if isinstance(loss, Module):  # a loss may be learned as well
            self.tensors |= {LOSS + name: t for name, t in loss.named_tensors()}

    def modules(self) -> list[tuple[str, Module]]:
        """Return the model, if it is a Module, or the Modules that it uses, by name."""
        if self.module is not None:
            return [("", self.module)]
        return [(name, part) for name, part in self.parts.items() if isinstance(part, Module)]

    @property
    def parameters(self) -> dict[str, Tensor]:
        """The tensors that are trained, by name."""
        return {name: t for name, t in self.tensors.items() if t.requires_grad}

    def state(self) -> State:
        """Return the values of all tensors by name, read-only. They stay what they are while training goes on."""
        return {name: t.data for name, t in self.tensors.items()}

    def load(self, state: Mapping[str, Array]) -> None:
        """Give all tensors other values: all of them, or none."""
        self.check(state)
        for name, t in self.tensors.items():
            t.assign(state[name])

    def check(self, state: Mapping[str, Array]) -> None:
        """Raise if names, shapes or types of a state are not those of the tensors."""
        wrong = [f"{name}, of shape {t.shape}, is missing" for name, t in self.tensors.items() if name not in state]
        for name, value in state.items():
            if name not in self.tensors:
                wrong.append(f"{name} is unexpected")
            elif np.shape(value) != self.tensors[name].shape:
                wrong.append(f"{name} has shape {np.shape(value)}, wanted is {self.tensors[name].shape}")
            elif np.asarray(value).dtype != self.tensors[name].dtype:
                wrong.append(f"{name} is of {np.asarray(value).dtype}, wanted is {self.tensors[name].dtype}")
        if wrong:
            raise ValueError(
                f"the state does not fit {label_of(self.model)}, and nothing was loaded:\n"
                + "\n".join(f"  {w}" for w in wrong)
            )

    def generators(self) -> dict[str, Any]:
        """Return the sources of random numbers of the layers, and of a function, by name."""
        found = {name: part for name, part in self.parts.items() if not isinstance(part, Module)}
        for part, module in self.modules():
            found |= {f"{part}.{name}" if part else name: rng for name, rng in module.named_generators()}
        return found

    @contextmanager
    def mode(self, training: bool) -> Iterator[None]:
        """Let all layers behave as while training, or as afterwards, for a while; then each as before."""
        modules = list({id(m): m for _, part in self.modules() for m in part.modules()}.values())
        before = [(m, vars(m).get("training")) for m in modules]
        for m in modules:
            m.training = training
        try:
            yield
        finally:
            for m, was in before:
                if was is None:
                    vars(m).pop("training", None)
                else:
                    m.training = was

    @contextmanager
    def with_state(self, state: Mapping[str, Array]) -> Iterator[None]:
        """Put other values into all tensors for a while."""
        before = self.state()
        try:
            self.load(state)
            yield
        finally:
            for name, t in self.tensors.items():
                t.assign(before[name])

    def predict(self, x: Any) -> Array:
        """Return the predictions for x, as after training, as plain arrays."""
        with self.mode(False), no_grad():
            return unwrapped(self.model(x))

    def activations(self, x: Any) -> State:
        """Return what every layer makes of x, as after training: by the names of the layers, or of local variables."""
        with self.mode(False):
            if self.module is None:
                return traced_values(self.model, x)
            found: State = {}

            def see(name: str, _: Module, y: Any) -> None:
                y = unwrapped(y)
                if isinstance(y, np.ndarray):
                    found[free(name or "output", found)] = y  # a layer that is used twice has two

            with watched(self.module, see), no_grad():
                self.module(x)
        return found


def unwrapped(y: Any) -> Any:
    """Return the plain array of a Tensor, other things as they are."""
    if isinstance(y, Tensor):
        return y.data
    return np.asarray(y) if isinstance(y, np.generic | float | int) else y


def traced_values(f: Callable[..., Any], x: Any) -> State:
    """Return the quantities that a function computes on the way, by its own names for them, and its output."""
    try:
        graph = trace(f, x)
    except TypeError:  # it takes its input out of the graph: then there is nothing to see but the output
        with no_grad():
            return {"output": np.array(unwrapped(f(x)))}
    inputs = set(graph.inputs.values()) | set(graph.outside)
    found = {name: np.array(graph.value(node)) for name, node in graph.names.items() if node not in inputs}
    if len(graph.outputs) == 1:
        found["output"] = np.array(graph.value(graph.outputs[0]))
    return found


@contextmanager
def watched(module: Module, see: Callable[[str, Module, Any], None]) -> Iterator[None]:
    """Call ``see(name, module, output)`` whenever a Module in `module`, or itself, has computed."""
    hidden: list[tuple[Module, Any]] = []

    def watch(name: str, layer: Module) -> None:
        forward = layer.forward

        def seen(*args: Any, **kwargs: Any) -> Any:
            y = forward(*args, **kwargs)
            see(name, layer, y)
            return y

        hidden.append((layer, vars(layer).get("forward")))
        layer.forward = seen  # type: ignore[method-assign]

    try:
        for name, layer in list(module.named_modules()):
            watch(name, layer)
        yield
    finally:
        for layer, before in hidden:
            del layer.forward
            if before is not None:
                layer.forward = before  # type: ignore[method-assign]


def named(
    params: Sequence[Any], names: Sequence[str] | None = None, inner: Mapping[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """Return the parameters of an optimizer by name: that given to it, its own, that in the function, a variable's, a number."""
    found: dict[str, Tensor] = {}
    paths = {id(t): name for name, t in (inner or {}).items()}
    for i, p in enumerate(params):
        given = names[i] if names is not None else str(i)
        name = (p.name or paths.get(id(p)) or name_of(p) or given) if given.isdecimal() else given
        found[name if name not in found else f"{name} ({i})"] = p
    return found


def label_of(model: Any) -> str:
    """Return what an error calls a model."""
    if isinstance(model, Module):
        return model.label()
    return str(getattr(model, "__name__", type(model).__name__))


def network_of(model: Any, optimizer: Any, loss: Any = None) -> Network:
    """Return the network that an optimizer trains, or raise if the two do not belong together.

    Raises
    ------
    TypeError
        If one of them is no model, or no optimizer.
    ValueError
        If there is nothing to train, or the optimizer holds tensors that the model does not.
    """
    if isinstance(model, type):
        raise TypeError(f"model {model.__name__} is a class: pass an object of it, {model.__name__}(...)")
    if not callable(model):
        raise TypeError(
            f"model must be a Module, or a function of x, not {describe(model)}: e.g. lambda x: logistic(x @ W + b)"
        )
    if isinstance(optimizer, type):
        raise TypeError(
            f"optimizer {optimizer.__name__} is a class: pass an object of it, {optimizer.__name__}(model.parameters(), ...)"
        )
    lacking = [name for name in ("params", "step", "zero_grad") if not hasattr(optimizer, name)]
    if lacking:
        hint = ", made with the parameters: mg.optim.SGD(model.parameters(), lr=0.1)" if callable(optimizer) else ""
        raise TypeError(
            f"optimizer {describe(optimizer)} has no {', '.join(lacking)}: pass an optimizer of mg.optim{hint}"
        )
    params = list(optimizer.params)
    if isinstance(model, Module):
        network = Network(model, params, loss=loss)
        own = network.parameters
        if not any(not name.startswith(LOSS) for name in own):
            raise ValueError(
                f"{model.label()} has no parameters, so there is nothing to train: make tensors or layers its attributes "
                "(nn.parameter(...), nn.Linear(...))"
            )
        ids = {id(t) for t in network.tensors.values()}  # some may be frozen for a while
        strange = [p for p in params if id(p) not in ids]
        if strange:
            twins = [name for name, p in own.items() if p.shape == strange[0].shape]
            hint = f", though it has the shape of {twins[0]}" if twins else ""
            raise ValueError(
                f"the optimizer holds {len(strange)} of {len(params)} tensors that are no parameters of {model.label()}: the "
                f"first has shape {strange[0].shape}{hint}. Perhaps the model was made anew, or copied, afterwards: make "
                f"the optimizer of this one, {type(optimizer).__name__}(model.parameters(), ...)"
            )
        return network
    if not params:
        raise ValueError("the optimizer holds no parameters, so there is nothing to train")
    names = getattr(optimizer, "names", None)
    if names is not None and (len(names) != len(params) or not all(isinstance(n, str) for n in names)):
        names = None
    return Network(model, params, names, loss)
