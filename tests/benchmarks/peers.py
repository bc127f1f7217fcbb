"""Other libraries for automatic differentiation, where they are installed (``pip install microgradnp[bench]``)."""

from __future__ import annotations

import functools
from importlib import import_module, metadata
from types import SimpleNamespace
from typing import Any


def optional(module: str) -> Any:
    """Return a module, or None where it is not installed."""
    try:
        return import_module(module)
    except ImportError:
        return None


autograd: Any = optional("autograd")
autograd_numpy: Any = optional("autograd.numpy")
mygrad: Any = optional("mygrad")


@functools.cache
def torch() -> Any:
    """Return PyTorch, or None: it takes a second to import, which only who measures it should spend."""
    return optional("torch")


#: MyGrad in the place of NumPy; it has no `dot`, which for matrices is `matmul`.
mygrad_numpy: Any = mygrad and SimpleNamespace(**vars(mygrad), dot=mygrad.matmul)

if mygrad is not None:
    mygrad.turn_memory_guarding_off()  # as its manual advises for speed


def version(distribution: str) -> str:
    """Return the installed version of a distribution, or "not installed"."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"
