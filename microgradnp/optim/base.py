"""What all optimizers share: the parameters, their state, the step, saving and loading."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from microgradnp.optim.settings import Setting, positive
from microgradnp.tensor import Tensor

Array = Any

#: What optimizers take: Tensors, or pairs of a name and a Tensor, or groups of them with settings of their own.
Params = Iterable[Any]


#: ``rule(parameter, gradient, *states, **settings)``, with the number of the step after the states where it counts.
Rule = Callable[..., tuple[Array, ...]]


class Group:
    """Parameters that share their settings: those of the optimizer, but for `own`."""

    def __init__(self, own: Mapping[str, Any]) -> None:
        self.own = dict(own)
        self.settings: dict[str, Any] = {}
        self.rule: Rule  # with the settings
        self.kept: tuple[int, ...] = ()  # which of the states its settings use


class Slot:
    """One parameter with what its rule remembers of it."""

    __slots__ = ("group", "name", "state", "t", "tensor")

    def __init__(self, name: str, tensor: Tensor, group: Group, state: list[Array]) -> None:
        self.name = name
        self.tensor = tensor
        self.group = group
        self.state = state
        self.t = 0  # steps made

    def label(self) -> str:
        """Return the name of the parameter for a message."""
        name = self.tensor.name or self.name
        return f"parameter {name}" if name.isdecimal() else name


class Optimizer:
    """What all optimizers share. A subclass states its `rule`, the names of the rule's state, and its settings.

    Parameters
    ----------
    params : iterable
        Tensors made with ``requires_grad=True``, or pairs of a name and a Tensor (``model.named_parameters()``, or a dict):
        the names then appear in errors and in the saved state. Or groups, dicts whose ``"params"`` are such an iterable
        and whose other entries are settings for them. A group's own `lr` stays in proportion when `lr` is set.
    **settings
        The keywords of the rule.

    Attributes
    ----------
    params : list of Tensor
    names : list of str
        Of the parameters; their numbers where none were given.

    Raises
    ------
    TypeError
        If a parameter is no Tensor that requires a gradient, or a setting is of the wrong type.
    ValueError
        If there are no parameters, one is there twice, or a number is out of range.

    Examples
    --------
    A new rule is a function and its settings:

    >>> import numpy as np, microgradnp as mg
    >>> def signs(parameter, gradient, *, lr):
    ...     return (parameter - lr * np.sign(gradient),)
    >>> class SignDescent(mg.optim.Optimizer):
    ...     rule = staticmethod(signs)
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SignDescent([w], lr=0.25)
    >>> np.sum(w**2).backward()
    >>> optimizer.step()
    >>> w
    Tensor([ 0.75, -1.75], requires_grad=True)
    """

    rule: ClassVar[Rule]
    states: ClassVar[tuple[str, ...]] = ()  #: what the rule takes and returns after the parameter, in its order
    counted: ClassVar[bool] = False  #: whether the rule takes the number of the step, after the states
    scalars: ClassVar[Mapping[str, float]] = {}  #: the states that are one number, with their first values

    lr = Setting(positive)

    def __init__(self, params: Params, **settings: Any) -> None:
        self.groups: list[Group] = []
        self.slots: list[Slot] = []
        self.settings: dict[str, Any] = {}
        self.base = 0.0  # the rate to which those of the groups are in proportion
        for group, pairs in self._grouped(params, settings):
            self.groups.append(group)
            self.slots += [Slot(name, tensor, group, self.blank()) for name, tensor in pairs]
        self._check_params()
        self.change(settings)

    # -- parameters ------------------------------------------------------------------------------------------------

    def _grouped(self, params: Params, settings: Mapping[str, Any]) -> Iterable[tuple[Group, list[tuple[str, Tensor]]]]:
        """Yield the groups, each with its parameters by name."""
        who = type(self).__name__
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            hint = "[...] around it" if isinstance(params, Tensor) else "model.parameters() or model.named_parameters()"
            raise TypeError(f"{who} wants an iterable of tensors, not one {type(params).__name__}: pass {hint}")
        items = list(params.items() if isinstance(params, Mapping) else params)
        grouped = [isinstance(item, Mapping) for item in items]
        if any(grouped) and not all(grouped):
            raise TypeError(f"{who} got groups (dicts) and parameters side by side: put all of them in groups")
        count = 0
        for k, item in enumerate(items if any(grouped) else [{"params": items}]):
            own = {name: value for name, value in item.items() if name != "params"}
            unknown = [name for name in own if name not in settings]
            if unknown or "params" not in item:
                raise ValueError(
                    f"group {k} of {who} has {', '.join(map(repr, item))}; a group is a dict of 'params' and any of "
                    f"{', '.join(settings)}"
                )
            members = item["params"]
            members = [members] if isinstance(members, Tensor) else members
            if not isinstance(members, Iterable):
                raise TypeError(f"the 'params' of group {k} of {who} must be tensors, not one {type(members).__name__}")
            pairs: list[tuple[str, Any]] = []
            for member in members.items() if isinstance(members, Mapping) else members:
                named = isinstance(member, tuple) and len(member) == 2 and isinstance(member[0], str)
                pairs.append((member[0] if named else str(count), member[1] if named else member))
                count += 1
            if not pairs:
                which = f"in group {k}" if any(grouped) else f": pass the tensors to train, e.g. {who}([W, b], lr=0.1)"
                raise ValueError(f"{who} got no parameters{'' if which[0] == ':' else ' '}{which}")
            yield Group(own), pairs
        if not items:
            raise ValueError(f"{who} got no parameters: pass the tensors to train, e.g. {who}([W, b], lr=0.1)")

    def _check_params(self) -> None:
        seen: dict[int, Slot] = {}
        names: set[str] = set()
        for slot in self.slots:
            p = slot.tensor
            if not isinstance(p, Tensor):
                raise TypeError(
                    f"parameter {slot.name} is no Tensor but {type(p).__name__}: make it with mg.tensor(..., "
                    "requires_grad=True)"
                )
            if not p.is_leaf:
                raise TypeError(
                    f"{slot.label()} is no leaf but the result of {p.node.primitive.name}: an optimizer changes the tensors "  # type: ignore[union-attr]
                    "that were made with mg.tensor(..., requires_grad=True)"
                )
            if p.node is None and not hasattr(p, "_leaf"):  # one that is switched off for a while is welcome
                raise TypeError(
                    f"{slot.label()} is no leaf that requires a gradient: make it with mg.tensor(..., requires_grad=True)"
                )
            if p.dtype.kind == "c":
                raise TypeError(f"{slot.label()} is complex: train its real and imaginary part, as two tensors")
            if id(p) in seen:
                raise ValueError(
                    f"{seen[id(p)].label()} and {slot.label()} are the same tensor, which would step twice"
                )
            if slot.name in names:
                raise ValueError(f"two parameters have the name {slot.name}")
            seen[id(p)] = slot
            names.add(slot.name)

    @property
    def params(self) -> list[Tensor]:
        """The parameters, in order."""
        return [slot.tensor for slot in self.slots]

    @property
    def names(self) -> list[str]:
        """The names of the parameters, in order."""
        return [slot.name for slot in self.slots]

    # -- settings --------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if not hasattr(self, name) and not name.startswith("_") and hasattr(self, "settings"):
            meant = "lr" if name in ("learning_rate", "rate", "alpha", "eta") else ""
            meant = meant or next(iter(difflib.get_close_matches(name, self.settings, 1, 0.75)), "")
            if meant:
                raise AttributeError(
                    f"{type(self).__name__} has no setting {name}; did you mean {meant}? It has {', '.join(self.settings)}"
                )
        super().__setattr__(name, value)

    def change(self, new: Mapping[str, Any]) -> None:
        """Change settings, all or none."""
        settings = self.checked({**self.settings, **new}, self.settings)
        if "eps" in new:
            self.check_eps(settings["eps"])
        if settings["lr"] and not self.base:
            self.base = settings["lr"]
        effective = [self._effective(group, settings) for group in self.groups]
        self.settings = settings
        for group, one in zip(self.groups, effective, strict=True):
            group.settings, group.rule = one, functools.partial(type(self).rule, **one)
            group.kept = tuple(i for i, name in enumerate(self.states) if name in self.needed(one))

    def _effective(self, group: Group, settings: dict[str, Any]) -> dict[str, Any]:
        if not group.own:
            return settings
        own = self.checked({**settings, **group.own}, settings)
        if "lr" in group.own:
            own["lr"] *= settings["lr"] / self.base if self.base else 1.0
        return own

    def checked(self, settings: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings with those that are not `known` already as they should be, or raise."""
        result = {}
        for name, value in settings.items():
            setting = getattr(type(self), name, None)
            if isinstance(setting, Setting) and value is not known.get(name, self):
                value = setting.checked(name, value)
            result[name] = value
        self.check(result)
        return result

    def check(self, settings: Mapping[str, Any]) -> None:
        """Raise if settings do not go together. Subclasses say which."""

    def check_eps(self, eps: float) -> None:
        """Raise if what should keep a divisor from being 0 is 0 in the type of a parameter."""
        for slot in self.slots:
            if eps and not slot.tensor.dtype.type(eps):
                raise ValueError(
                    f"eps={eps:g} is 0 in {slot.tensor.dtype}, of which {slot.label()} is: the rule would divide by 0; use "
                    "float32, or a larger eps"
                )

    def needed(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the states that a rule of such settings uses: all of them, if a subclass does not say otherwise."""
        return self.states

    def blank(self) -> list[Array]:
        """Return the state before the first step."""
        return [self.scalars.get(name, 0.0) for name in self.states]

    # -- steps -----------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Move every parameter that has a gradient by one step. Those that are frozen stay."""
        counted = self.counted
        for slot in self.slots:
            p = slot.tensor
            leaf = p.node
            if leaf is None or (gradient := leaf.grad) is None:  # type: ignore[attr-defined]
                continue
            value, group, state = p._value, slot.group, slot.state
            if counted:
                slot.t = t = slot.t + 1
                new = group.rule(value, gradient, *state, t)
            else:
                new = group.rule(value, gradient, *state)
            for i in group.kept:
                state[i] = new[i + 1]
            moved = new[0]  # an array of its own, which assign() would copy
            p._set(moved if moved.dtype == value.dtype else moved.astype(value.dtype))

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for slot in self.slots:
            slot.tensor.zero_grad()

    # -- saving ----------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Return all that is needed to go on later, to the last bit: copies of the state, and the settings.

        Returns
        -------
        dict of str to ndarray, number or str
            The settings by name, and the state of each parameter as ``"<name>.<state>"``. The values of the parameters are
            not among them.

        Examples
        --------
        >>> import numpy as np, microgradnp as mg
        >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
        >>> optimizer = mg.optim.SGD([("w", w)], lr=0.25, momentum=0.5)
        >>> np.sum(w**2).backward()
        >>> optimizer.step()
        >>> optimizer.state_dict()["w.velocity"]
        array([ 2., -4.])
        """
        saved: dict[str, Any] = {"optimizer": type(self).__name__, "lr_base": self.base}
        saved |= {name: stored(value) for name, value in self.settings.items()}
        for k, group in enumerate(self.groups):
            saved |= {f"group {k} {name}": stored(value) for name, value in group.own.items()}
        for slot in self.slots:
            if self.counted:
                saved[f"{slot.name}.t"] = slot.t
            for i in slot.group.kept:
                saved[f"{slot.name}.{self.states[i]}"] = stored(slot.state[i])
        return saved

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from another optimizer's `state_dict`: with its settings and its state, all of it or nothing.

        Parameters
        ----------
        state : mapping of str to array_like
            Of an optimizer of the same kind for parameters of the same names and shapes.

        Raises
        ------
        TypeError
            If it is no mapping.
        ValueError
            If something is missing, unexpected or does not fit: it lists them all, and nothing is loaded.

        Examples
        --------
        >>> import numpy as np, microgradnp as mg
        >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
        >>> saved = mg.optim.SGD([("w", w)], lr=0.25, momentum=0.5).state_dict()
        >>> mg.optim.SGD([("v", w)], lr=0.1).load_state_dict(saved)
        Traceback (most recent call last):
        ValueError: the state does not fit SGD, and nothing was loaded:
          v.velocity is missing
          w.velocity is unexpected (did you mean v.velocity?)
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"load_state_dict wants a mapping of names to arrays, not a {type(state).__name__}")
        Loading(self, state).run()

    def __repr__(self) -> str:
        count = len(self.slots)
        size = sum(slot.tensor.size for slot in self.slots)
        shown = ", ".join(f"{name}={shorter(value)}" for name, value in self.settings.items())
        lines = [f"{type(self).__name__}({count} parameter{'s' * (count != 1)} of {size:,} numbers, {shown})"]
        for k, group in enumerate(self.groups if len(self.groups) > 1 or self.groups[0].own else ()):
            names = [slot.name for slot in self.slots if slot.group is group]
            own = ", ".join(f"{name}={shorter(group.settings[name])}" for name in group.own) or "as above"
            lines.append(f"  group {k}: {', '.join(names[:6])}{', ...' * (len(names) > 6)}: {own}")
        return "\n".join(lines)


def shorter(value: Any) -> str:
    """Return a setting as it is shown: ``1e-08`` and ``0.001``, not all digits of a rate that a schedule computed."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return f"({', '.join(map(shorter, value))})" if isinstance(value, tuple) else repr(value)


def stored(value: Any) -> Any:
    """Return a copy of a setting or a state, as a number or an array."""
    return np.array(value) if isinstance(value, tuple | np.ndarray) else value


class Loading:
    """A state that is being loaded: everything is checked before anything is changed."""

    def __init__(self, optimizer: Optimizer, state: Mapping[str, Any]) -> None:
        self.optimizer = optimizer
        self.state = dict(state)
        self.wrong: list[str] = []
        self.used: set[str] = set()

    def run(self) -> None:
        """Check everything, then load it."""
        optimizer = self.optimizer
        who = type(optimizer).__name__
        kind = self.get("optimizer", str)
        if kind is not None and kind != who:
            raise ValueError(f"the state is of {kind}, not of {who}, and nothing was loaded")
        base = self.get("lr_base", lambda value: positive("lr_base", value))
        settings = {name: self.setting(name, name) for name in optimizer.settings}
        owns = [
            {name: self.setting(name, f"group {k} {name}") for name in g.own} for k, g in enumerate(optimizer.groups)
        ]
        self.finish()  # without them it is not known of which states the rest should be
        try:
            kept = [optimizer.needed(optimizer.checked({**settings, **own}, {})) for own in owns]
            optimizer.check_eps(settings.get("eps", 0.0))
        except ValueError as error:  # they do not go together
            self.wrong.append(str(error))
        self.finish()
        loaded = []
        for slot in optimizer.slots:
            names = kept[optimizer.groups.index(slot.group)]
            values = optimizer.blank()
            for i, name in enumerate(optimizer.states):
                if name in names:
                    values[i] = self.get(f"{slot.name}.{name}", self.reader(name, slot.tensor))
            t = self.get(f"{slot.name}.t", whole) if optimizer.counted else 0
            loaded.append((values, t))
        known = optimizer.state_dict()
        for key in self.state:
            if key not in self.used:
                close = difflib.get_close_matches(str(key), [*self.used, *known], 1)
                self.wrong.append(f"{key} is unexpected" + (f" (did you mean {close[0]}?)" if close else ""))
        self.finish()
        for group, own in zip(optimizer.groups, owns, strict=True):
            group.own = own
        optimizer.base = base
        optimizer.change(settings)
        for slot, (values, t) in zip(optimizer.slots, loaded, strict=True):
            slot.state, slot.t = values, t

    def finish(self) -> None:
        """Raise if anything is wrong so far."""
        if self.wrong:
            raise ValueError(
                f"the state does not fit {type(self.optimizer).__name__}, and nothing was loaded:\n"
                + "\n".join(f"  {w}" for w in self.wrong)
            )

    def get(self, key: str, read: Callable[[Any], Any]) -> Any:
        """Return what is under a key, as it should be; note what is wrong with it."""
        self.used.add(key)
        if key not in self.state:
            self.wrong.append(f"{key} is missing")
            return None
        value = self.state[key]
        if isinstance(value, Tensor):
            value = value.data
        try:
            return read(value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value)
        except (TypeError, ValueError) as error:
            said = str(error)
            self.wrong.append(said if said.startswith(key) else f"{key} {said}")
            return None

    def setting(self, name: str, key: str) -> Any:
        """Return a setting."""
        described = getattr(type(self.optimizer), name, None)

        def read(value: Any) -> Any:
            if isinstance(value, np.ndarray):
                value = tuple(value.tolist())
            elif isinstance(value, np.generic):
                value = value.item()
            return described.checked(key, value) if isinstance(described, Setting) else value

        return self.get(key, read)

    def reader(self, name: str, tensor: Tensor) -> Callable[[Any], Any]:
        """Return what reads the state of a parameter: an array of its shape and type, or what it is before the first step."""
        first = self.optimizer.scalars.get(name)

        def read(value: Any) -> Any:
            try:
                array = np.array(value)
            except ValueError:
                raise ValueError("is no array") from None
            if array.dtype.kind not in "fiu" or not np.can_cast(array.dtype, tensor.dtype, "same_kind"):
                raise ValueError(f"is of {array.dtype}, which does not convert to {tensor.dtype}")
            if first is not None or (array.ndim == 0 and array == 0 and isinstance(value, int | float)):
                if array.ndim:
                    raise ValueError(f"has shape {array.shape}, wanted is one number")
                return float(array)
            if array.shape != tensor.shape:
                raise ValueError(f"has shape {array.shape}, wanted is {tensor.shape}")
            return array.astype(tensor.dtype)[()]

        return read


def whole(value: Any) -> int:
    """Return a number of steps."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer) or value < 0:
        raise ValueError(f"is {value!r:.60}, wanted is a number of steps")
    return int(value)
