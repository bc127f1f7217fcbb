"""The optimizers: each a rule, the names of its state, and its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from microgradnp.optim import rules
from microgradnp.optim.base import Optimizer, Params, Rule
from microgradnp.optim.settings import Setting, flag, forgetting, fraction, pair, positive, unsigned


class SGD(Optimizer):
    """Gradient descent, with momentum, Nesterov's momentum and weight decay if asked: `rules.sgd`.

    Parameters
    ----------
    params : iterable
        Tensors, pairs of a name and a Tensor, or groups; see `Optimizer`.
    lr : float
        Learning rate: how far a step goes along the gradient.
    momentum : float
        From 0 to 1.
    nesterov : bool
    weight_decay : float
        Adds ``weight_decay * parameter`` to the gradient.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.25)
    >>> optimizer
    SGD(1 parameter of 2 numbers, lr=0.25, momentum=0, nesterov=False, weight_decay=0)
    >>> np.sum(w**2).backward()
    >>> optimizer.step()
    >>> w
    Tensor([ 0.5, -1. ], requires_grad=True)
    """

    rule = staticmethod(rules.sgd)
    states = ("velocity",)
    momentum = Setting(fraction)
    nesterov = Setting(flag)
    weight_decay = Setting(positive)

    def __init__(
        self, params: Params, lr: float, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)

    def check(self, settings: Mapping[str, Any]) -> None:
        """Nesterov's momentum is a momentum."""
        if settings["nesterov"] and not settings["momentum"]:
            raise ValueError("nesterov=True wants a momentum greater than 0")

    def needed(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what is remembered: nothing without momentum."""
        return self.states if settings["momentum"] else ()


class RMSprop(Optimizer):
    """The gradient over the root of its mean square: `rules.rmsprop`.

    Parameters
    ----------
    params : iterable
        Tensors, pairs of a name and a Tensor, or groups; see `Optimizer`.
    lr : float
    decay : float
        How much the running averages keep, from 0 to less than 1.
    eps : float
        Keeps the divisor from being 0.
    momentum : float
        From 0 to 1.
    centered : bool
        Whether to divide by the standard deviation, the mean being taken away.
    weight_decay : float
        Adds ``weight_decay * parameter`` to the gradient.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = RMSprop([w], lr=0.1, decay=0.75)
    >>> np.sum(w**2).backward()
    >>> optimizer.step()
    >>> w
    Tensor([ 0.8, -1.8], requires_grad=True)
    """

    rule = staticmethod(rules.rmsprop)
    states = ("square", "mean", "velocity")
    decay = Setting(forgetting)
    eps = Setting(positive)
    momentum = Setting(fraction)
    centered = Setting(flag)
    weight_decay = Setting(positive)

    def __init__(
        self,
        params: Params,
        lr: float = 0.01,
        decay: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        centered: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            params, lr=lr, decay=decay, eps=eps, momentum=momentum, centered=centered, weight_decay=weight_decay
        )

    def needed(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Return what is remembered: the mean where centered, the velocity with momentum."""
        return ("square", *("mean",) * settings["centered"], *("velocity",) * (settings["momentum"] > 0))


class Adagrad(Optimizer):
    """The gradient over the root of the sum of all its squares so far: `rules.adagrad`.

    Parameters
    ----------
    params : iterable
        Tensors, pairs of a name and a Tensor, or groups; see `Optimizer`.
    lr, eps : float
    weight_decay : float
        Adds ``weight_decay * parameter`` to the gradient.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adagrad([w], lr=0.1)
    >>> np.sum(w**2).backward()
    >>> optimizer.step()
    >>> w
    Tensor([ 0.9, -1.9], requires_grad=True)
    """

    rule = staticmethod(rules.adagrad)
    states = ("square",)
    eps = Setting(positive)
    weight_decay = Setting(positive)

    def __init__(self, params: Params, lr: float = 0.01, eps: float = 1e-10, weight_decay: float = 0.0) -> None:
        super().__init__(params, lr=lr, eps=eps, weight_decay=weight_decay)


class Moments(Optimizer):
    """What Adam and its relatives share: running means of the gradient and of its square, and the number of the step."""

    states: ClassVar[tuple[str, ...]] = ("m", "v")
    counted = True
    betas = Setting(pair)
    eps = Setting(positive)
    weight_decay = Setting(positive)


class Adam(Moments):
    """The running mean of the gradient over the root of that of its square: `rules.adam`.

    Parameters
    ----------
    params : iterable
        Tensors, pairs of a name and a Tensor, or groups; see `Optimizer`.
    lr : float
        About how far every number goes in a step.
    betas : (float, float)
        How much the two running means keep, from 0 to less than 1.
    eps : float
        Keeps the divisor from being 0.
    weight_decay : float
        Adds ``weight_decay * parameter`` to the gradient, which Adam then scales; see `AdamW`.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adam([w], lr=0.5)
    >>> optimizer
    Adam(1 parameter of 2 numbers, lr=0.5, betas=(0.9, 0.999), eps=1e-08, weight_decay=0)
    >>> for step in range(3):
    ...     optimizer.zero_grad()
    ...     np.sum(w**2).backward()
    ...     optimizer.step()
    >>> w
    Tensor([-0.34, -0.54], requires_grad=True)
    """

    rule: ClassVar[Rule] = staticmethod(rules.adam)

    def __init__(
        self,
        params: Params,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


class AMSGrad(Adam):
    """Adam, with the largest mean square so far in the place of the latest: `rules.amsgrad`.

    Parameters
    ----------
    params : iterable
        Tensors, pairs of a name and a Tensor, or groups; see `Optimizer`.
    lr, eps, weight_decay : float
        As in `Adam`.
    betas : (float, float)

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = AMSGrad([w], lr=0.5)
    >>> np.sum(w**2).backward()
    >>> optimizer.step()
    >>> w
    Tensor([ 0.5, -1.5], requires_grad=True)
    """

    rule = staticmethod(rules.amsgrad)
    states = ("m", "v", "largest")


class AdamW(Moments):
    """Adam with a weight decay that is apart from the gradient: `rules.adamw`.

    Parameters
    ----------
    params : iterable
        Tensors, pairs of a name and a Tensor, or groups; see `Optimizer`.
    lr, eps : float
        As in `Adam`.
    betas : (float, float)
    weight_decay : float
        A step takes ``lr * weight_decay`` of the parameter from it. In a group of 0 for biases, if that is wanted.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> W, b = (mg.tensor(x, requires_grad=True) for x in ([[1.0, 2.0]], [3.0]))
    >>> AdamW([{"params": {"W": W}}, {"params": {"b": b}, "weight_decay": 0.0}], lr=0.1)
    AdamW(2 parameters of 3 numbers, lr=0.1, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01)
      group 0: W: as above
      group 1: b: weight_decay=0
    """

    rule = staticmethod(rules.adamw)

    def __init__(
        self,
        params: Params,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)


class NAdam(Moments):
    """Adam that looks ahead along its momentum, as Nesterov's does: `rules.nadam`.

    Parameters
    ----------
    params : iterable
        Tensors, pairs of a name and a Tensor, or groups; see `Optimizer`.
    lr, eps, weight_decay : float
        As in `Adam`.
    betas : (float, float)
    momentum_decay : float
        How fast the momentum grows from half of β1 to β1; infinite for β1 at every step, the form of most textbooks.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = NAdam([w], lr=0.1)
    >>> np.sum(w**2).backward()
    >>> optimizer.step()
    >>> w
    Tensor([ 0.89, -1.89], requires_grad=True)
    """

    rule = staticmethod(rules.nadam)
    states = ("m", "v", "product")
    scalars: ClassVar[Mapping[str, float]] = {"product": 1.0}
    momentum_decay = Setting(unsigned)

    def __init__(
        self,
        params: Params,
        lr: float = 0.002,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 0.004,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)


class Lion(Optimizer):
    """Every number goes by the learning rate, the sign of a momentum says which way: `rules.lion`.

    Parameters
    ----------
    params : iterable
        Tensors, pairs of a name and a Tensor, or groups; see `Optimizer`.
    lr : float
        How far every number goes in a step: a third to a tenth of Adam's.
    betas : (float, float)
        How much of the momentum is in the step, and how much of it is kept; from 0 to less than 1.
    weight_decay : float
        A step takes ``lr * weight_decay`` of the parameter from it.

    Examples
    --------
    >>> import numpy as np, microgradnp as mg
    >>> w = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Lion([w], lr=0.25)
    >>> np.sum(w**2).backward()
    >>> optimizer.step()
    >>> w
    Tensor([ 0.75, -1.75], requires_grad=True)
    """

    rule = staticmethod(rules.lion)
    states = ("m",)
    betas = Setting(pair)
    weight_decay = Setting(positive)

    def __init__(
        self,
        params: Params,
        lr: float = 0.0001,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, weight_decay=weight_decay)
