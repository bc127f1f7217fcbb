"""Layers one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from microgradnp.nn.module import Module


class Applied(Module):
    """A function that is no Module, as a layer."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def forward(self, x: Any) -> Any:
        """Return the function of x."""
        return self.function(x)

    def label(self) -> str:
        """Return the function's name."""
        return str(getattr(self.function, "__name__", repr(self.function)))


class Sequential(Module):
    """Layers that each compute on what the one before returned.

    Parameters
    ----------
    *layers : callable
        Modules, or functions like ``np.tanh``.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> model = Sequential(mg.nn.Linear(2, 3, rng=0), np.tanh, mg.nn.Linear(3, 1, rng=1))
    >>> model(np.ones((5, 2))).shape
    (5, 1)
    >>> model
    Sequential(3 layers)
      0: Linear(2 -> 3)  weight (2, 3), bias (3,)  9
      1: tanh
      2: Linear(3 -> 1)  weight (3, 1), bias (1,)  4
    13 parameters
    """

    def __init__(self, *layers: Any) -> None:
        for i, layer in enumerate(layers):
            if isinstance(layer, type) and issubclass(layer, Module):
                raise TypeError(
                    f"layer {i} of Sequential is the class {layer.__name__}: make one, {layer.__name__}(...)"
                )
            if not callable(layer):
                hint = "; pass layers one by one: Sequential(*layers)" if isinstance(layer, list | tuple) else ""
                raise TypeError(f"layer {i} of Sequential is a {type(layer).__name__}, which cannot be called{hint}")
        self.layers: list[Module] = [layer if isinstance(layer, Module) else Applied(layer) for layer in layers]

    def forward(self, x: Any) -> Any:
        """Run all layers in order."""
        for i, layer in enumerate(self.layers):
            try:
                x = layer(x)
            except Exception as error:
                if isinstance(x, tuple) and i:
                    error.add_note(
                        f"layer {i - 1}, {self.layers[i - 1].label()}, returned {len(x)} things, as recurrent layers do: "
                        "(outputs, state). Put `lambda y: y[0]` after it as a layer, to go on with the outputs"
                    )
                raise
        return x

    def members(self) -> Iterable[tuple[str, Any]]:
        """Return the layers under their numbers: "0.weight" and not "layers.0.weight"."""
        return ((str(i), layer) for i, layer in enumerate(self.layers))

    def settings(self) -> str:
        """Return how many layers there are."""
        return f"{len(self.layers)} layer{'s' if len(self.layers) != 1 else ''}"

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: Any) -> Any:
        return Sequential(*self.layers[index]) if isinstance(index, slice) else self.layers[index]

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        return iter(self.layers)
