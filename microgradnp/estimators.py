"""Multilayer perceptrons with the habits of scikit-learn: ``pip install "microgradnp[sklearn]"``.

They are drop-in companions of ``sklearn.neural_network.MLPClassifier`` and ``MLPRegressor``: the same parameters where they
mean the same, and they work in pipelines, grid searches and cross validation. What trains them is `mg.train.fit`, what they
are is an `mg.nn.Sequential`, and both can be looked at: ``history_`` and ``model_``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from microgradnp import nn, optim, train

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import LabelEncoder
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets, unique_labels
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:  # pragma: no cover - scikit-learn is a test dependency
    raise ImportError(
        "mg.estimators needs scikit-learn 1.6 or newer: pip install 'microgradnp[sklearn]'. Without it, train a network with "
        "mg.train.fit(mg.nn.Sequential(...), (X, y), ...)"
    ) from error

__all__ = ["MLPClassifier", "MLPRegressor"]

Array = Any
Self = TypeVar("Self", bound="Perceptron")

ACTIVATIONS: dict[str, Callable[[], nn.Module] | None] = {
    "identity": None,
    "logistic": nn.Logistic,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "softplus": nn.Softplus,
}
#: What each solver is called with, besides parameters and learning rate.
SOLVERS = ("adagrad", "adam", "adamw", "lion", "nadam", "rmsprop", "sgd")


class Perceptron(BaseEstimator):  # type: ignore[misc]
    """What classifier and regressor share. Parameters: see `MLPClassifier`."""

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Callable[[Any], Any] = "relu",
        *,
        solver: str | Callable[..., optim.Optimizer] = "adam",
        alpha: float = 1e-4,
        batch_size: int | str | None = "auto",
        learning_rate_init: float = 1e-3,
        schedule: Callable[[int], float] | None = None,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        callbacks: Sequence[Any] = (),
        record: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.schedule = schedule
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.callbacks = callbacks
        self.record = record

    # -- what classifier and regressor do differently ----------------------------------------------------------------

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        """Return the samples, and the targets as the loss wants them."""
        raise NotImplementedError

    def _outputs(self, targets: Array) -> int:
        """Return how many units the last layer has."""
        raise NotImplementedError

    def _loss(self) -> Callable[[Any, Any], Any]:
        """Return what is minimised."""
        raise NotImplementedError

    # -- training ----------------------------------------------------------------------------------------------------

    def fit(self: Self, X: Any, y: Any) -> Self:
        """Train on all samples, for up to `max_iter` epochs or until the loss improves by less than `tol`.

        Parameters
        ----------
        X : array_like, shape (n, features)
        y : array_like, shape (n,) or, for regression, (n, targets)

        Returns
        -------
        self
        """
        self._check_parameters()
        fresh = not (self.warm_start and hasattr(self, "model_"))
        X, targets = self._checked(X, y, reset=fresh)
        if fresh:
            self._build(X, targets)
        rng = self._rng
        validation = None
        if self.early_stopping:
            stratify = targets if isinstance(self, ClassifierMixin) else None
            X, held, targets, kept = train_test_split(
                X, targets, test_size=self.validation_fraction, random_state=rng, stratify=stratify
            )
            validation = (held, kept)
        stop = train.EarlyStopping(self.n_iter_no_change + 1, min_delta=self.tol, restore_best=self.early_stopping)
        self._train(X, targets, self.max_iter, rng, validation, stop)
        if self.n_iter_ == self.max_iter and not self.history_.interrupted:
            warnings.warn(
                f"{type(self).__name__} stopped at max_iter={self.max_iter} epochs while the loss still improved by more than "
                f"tol={self.tol} in {self.n_iter_no_change} epochs: train for longer, or with another learning_rate_init",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _partial(self: Self, X: Any, y: Any, *, first: bool) -> Self:
        """Train for one epoch, and go on where the last call ended."""
        self._check_parameters()
        X, targets = self._checked(X, y, reset=first)
        if first:
            self._build(X, targets)
        self._train(X, targets, 1, self._rng, None, None)
        return self

    def _train(self, X: Array, targets: Array, epochs: int, rng: Any, validation: Any, stop: Any) -> None:
        history = train.fit(
            self.model_,
            (X, targets),
            self._loss(),
            self._optimizer,
            epochs=epochs,
            batch_size=self._samples(len(X)),
            shuffle=self.shuffle,
            seed=rng,
            validation=validation,
            callbacks=list(self.callbacks),
            early_stopping=stop,
            schedule=self.schedule,
            record=self.record,
            progress=bool(self.verbose),
        )
        self.model_.eval()
        self.history_ = history
        self.loss_curve_ = [*getattr(self, "loss_curve_", []), *map(float, history.losses)]
        self.loss_ = self.loss_curve_[-1] if self.loss_curve_ else float("nan")
        self.n_iter_ = len(history.losses)
        self.t_ = getattr(self, "t_", 0) + len(X) * self.n_iter_

    def _build(self, X: Array, targets: Array) -> None:
        """Make the network and its optimizer anew: with the weights that scikit-learn draws from the same random_state."""
        self._rng: Any = check_random_state(self.random_state)
        sizes = [X.shape[1], *self._hidden(), self._outputs(targets)]
        made: Any = self.activation
        make: Any = ACTIVATIONS[made] if isinstance(made, str) else lambda: made
        factor = 2.0 if self.activation == "logistic" else 6.0
        layers: list[Any] = []
        for inputs, outputs in pairwise(sizes):
            bound = (factor / (inputs + outputs)) ** 0.5
            init = partial(nn.initialisers.uniform, low=-bound, high=bound)
            layers.append(nn.Linear(inputs, outputs, init=init, bias_init=init, rng=self._rng, dtype=X.dtype))
            if make is not None and len(layers) < 2 * len(sizes) - 3:
                layers.append(make())
        self.model_ = nn.Sequential(*layers)
        self.n_layers_ = len(sizes)
        self.n_outputs_ = sizes[-1]
        self.loss_curve_ = []
        self.t_ = 0
        self._optimizer: optim.Optimizer = self._solver(self.alpha / self._samples(len(X)))

    def _samples(self, n: int) -> int:
        """Return how many samples make an update."""
        size = self.batch_size
        return min(200, n) if size == "auto" else n if size is None else min(int(size), n)

    def _solver(self, decay: float) -> optim.Optimizer:
        """Return the optimizer; the penalty `alpha` is on the weights only."""
        named = list(self.model_.named_parameters())
        weights = [(name, p) for name, p in named if name.endswith("weight")]
        biases = [(name, p) for name, p in named if not name.endswith("weight")]
        groups = [{"params": weights, "weight_decay": decay}, {"params": biases}]
        rate = self.learning_rate_init
        if not isinstance(self.solver, str):
            return self.solver(named, rate)
        if self.solver == "sgd":
            nesterov = self.nesterovs_momentum and self.momentum > 0
            return optim.SGD(groups, lr=rate, momentum=self.momentum, nesterov=nesterov)
        names = {name.lower(): getattr(optim, name) for name in optim.__all__ if name[0].isupper()}
        made: optim.Optimizer = names[self.solver](groups, lr=rate)
        return made

    def _hidden(self) -> list[int]:
        sizes: Any = self.hidden_layer_sizes
        return [sizes] if np.ndim(sizes) == 0 else list(sizes)

    def _check_parameters(self) -> None:
        """Raise where a parameter makes no sense."""
        who, sizes, size = type(self).__name__, self._hidden(), self.batch_size
        if not all(whole(n) and n > 0 for n in sizes):
            raise ValueError(
                f"{who}: hidden_layer_sizes={self.hidden_layer_sizes!r} must be numbers of units of at least 1"
            )
        if isinstance(self.activation, str) and self.activation not in ACTIVATIONS:
            raise ValueError(
                f"{who}: activation={self.activation!r} must be a function or one of {', '.join(ACTIVATIONS)}"
            )
        if isinstance(self.solver, str) and self.solver not in SOLVERS:
            raise ValueError(
                f"{who}: solver={self.solver!r} must be one of {', '.join(SOLVERS)}, or a function of parameters and rate"
            )
        for name in ("alpha", "learning_rate_init", "tol"):
            value = getattr(self, name)
            if not isinstance(value, float | int | np.number) or not value >= 0 or (name[0] == "l" and not value):
                raise ValueError(
                    f"{who}: {name}={value!r} must be {'greater than' if name[0] == 'l' else 'at least'} 0"
                )
        for name in ("max_iter", "n_iter_no_change"):
            if not whole(getattr(self, name)) or getattr(self, name) < 1:
                raise ValueError(f"{who}: {name}={getattr(self, name)!r} must be at least 1")
        if size not in ("auto", None) and not (whole(size) and int(size or 0) > 0):
            raise ValueError(f"{who}: batch_size={size!r} must be a whole number greater than 0, None or 'auto'")
        if self.early_stopping and not 0 < self.validation_fraction < 1:
            raise ValueError(f"{who}: validation_fraction={self.validation_fraction!r} must be between 0 and 1")

    # -- what was learned --------------------------------------------------------------------------------------------

    def _raw(self, X: Any) -> Array:
        """Return the outputs of the last layer."""
        check_is_fitted(self, "model_")
        X = validate_data(self, X, reset=False, dtype=(np.float64, np.float32))
        return train.predict(self.model_, X)

    def _linear(self) -> Iterator[nn.Linear]:
        check_is_fitted(self, "model_")
        return (layer for layer in self.model_.modules() if isinstance(layer, nn.Linear))

    @property
    def coefs_(self) -> list[Array]:
        """The weights, layer by layer: arrays of shape (inputs, outputs)."""
        return [layer.weight.numpy() for layer in self._linear()]

    @property
    def intercepts_(self) -> list[Array]:
        """The biases, layer by layer: arrays of shape (outputs,)."""
        return [layer.bias.numpy() for layer in self._linear() if layer.bias is not None]


class MLPClassifier(ClassifierMixin, Perceptron):  # type: ignore[misc]
    """A multilayer perceptron that classifies.

    Two classes are told by one output unit and binary cross entropy, more by as many and softmax cross entropy.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Units of each hidden layer; ``()`` is logistic regression.
    activation : str or callable
        identity, logistic, tanh, relu, leaky_relu, elu, gelu, silu, softplus, or a function of a Tensor.
    solver : str or callable
        adam, adamw, nadam, sgd, rmsprop, adagrad, lion, or ``f(parameters, lr) -> Optimizer``.
    alpha : float
        Strength of the penalty ``alpha / 2 * sum(W ** 2)`` on the weights, over the samples of a batch.
    batch_size : int, "auto" or None
        Samples in an update; "auto" is ``min(200, n)``, None all.
    learning_rate_init : float
    schedule : callable, optional
        ``schedule(step)`` is the learning rate of an update; see `mg.optim.schedules`.
    max_iter : int
        Epochs at most.
    shuffle : bool
        Whether samples come in a new random order in every epoch.
    random_state : int, RandomState or None
    tol : float
        An epoch counts as an improvement if the loss becomes smaller by more than this ...
    n_iter_no_change : int
        ... and after so many that do not, training ends.
    verbose : bool
        Whether to show a progress bar.
    warm_start : bool
        Whether `fit` goes on from what was learned before.
    momentum, nesterovs_momentum : float, bool
        Of the solver sgd.
    early_stopping : bool
        Whether a part of the samples, `validation_fraction`, is held out, whose loss decides when to stop and which weights
        are best.
    validation_fraction : float
    callbacks, record
        See `mg.train.fit`.

    Attributes
    ----------
    classes_ : ndarray
    model_ : mg.nn.Sequential
    history_ : mg.train.History
        Of the last `fit` or `partial_fit`.
    loss_curve_ : list of float
    n_iter_ : int
        Epochs of the last `fit` or `partial_fit`.
    coefs_, intercepts_ : list of ndarray

    Examples
    --------
    >>> import microgradnp as mg
    >>> X, y = mg.data.moons(200, noise=0.1, random_state=0)
    >>> mlp = MLPClassifier((16,), "tanh", learning_rate_init=0.02, max_iter=1000, random_state=0).fit(X, y)
    >>> mlp.score(X, y)
    1.0
    >>> mlp.predict_proba(X[:1]).round(1)
    array([[1., 0.]])
    """

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> MLPClassifier:
        """Train for one epoch on these samples, and go on where the last call ended.

        Parameters
        ----------
        X : array_like, shape (n, features)
        y : array_like, shape (n,)
        classes : array_like, optional
            All that there are; needed in the first call if not all of them are in `y`.

        Returns
        -------
        self
        """
        first = not hasattr(self, "model_")
        if first:
            self.classes_ = unique_labels(y if classes is None else classes)
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(f"classes={classes!r} is not the same as in the first call: {self.classes_!r}")
        return self._partial(X, y, first=first)

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, reset=reset, dtype=(np.float64, np.float32))
        check_classification_targets(y)
        if reset and not (hasattr(self, "classes_") and not hasattr(self, "model_")):
            self.classes_ = unique_labels(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes; y has one class, {self.classes_[0]}"
            )
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise ValueError(f"y has {unknown!r}, which is none of the classes {self.classes_!r}")
        encoder = LabelEncoder()
        encoder.classes_ = self.classes_
        labels = encoder.transform(y)
        return X, labels if len(self.classes_) > 2 else labels[:, None].astype(X.dtype)

    def _outputs(self, targets: Array) -> int:
        return len(self.classes_) if len(self.classes_) > 2 else 1

    def _loss(self) -> Callable[[Any, Any], Any]:
        return nn.CrossEntropyLoss() if self.n_outputs_ > 1 else nn.BCEWithLogitsLoss()

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of every class, in the order of `classes_`.

        Parameters
        ----------
        X : array_like, shape (n, features)

        Returns
        -------
        ndarray, shape (n, classes)
        """
        raw = self._raw(X)
        if self.n_outputs_ > 1:
            return np.asarray(nn.functional.softmax(raw, axis=1))
        p = np.asarray(nn.functional.logistic(raw))
        return np.hstack([1 - p, p])

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba`, without its rounding: shape (n, classes)."""
        raw = self._raw(X)
        if self.n_outputs_ > 1:
            return np.asarray(nn.functional.log_softmax(raw, axis=1))
        return -np.logaddexp(0, np.hstack([raw, -raw]))

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row of X: shape (n,)."""
        raw = self._raw(X)
        return self.classes_[np.argmax(raw, axis=1) if self.n_outputs_ > 1 else (raw[:, 0] > 0).astype(int)]


class MLPRegressor(RegressorMixin, Perceptron):  # type: ignore[misc]
    """A multilayer perceptron that predicts numbers: one or several targets, by squared error.

    Parameters and attributes are those of `MLPClassifier`, without what concerns classes. The loss is half the mean of the
    squared errors.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(-2, 2, 100)[:, None]
    >>> mlp = MLPRegressor((32,), "tanh", learning_rate_init=0.01, max_iter=500, batch_size=20, tol=1e-6, random_state=0)
    >>> bool(mlp.fit(X, np.sin(2 * X[:, 0])).score(X, np.sin(2 * X[:, 0])) > 0.98)
    True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def partial_fit(self, X: Any, y: Any) -> MLPRegressor:
        """Train for one epoch on these samples, and go on where the last call ended. Returns itself."""
        return self._partial(X, y, first=not hasattr(self, "model_"))

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, reset=reset, multi_output=True, y_numeric=True, dtype=(np.float64, np.float32))
        flat = np.ndim(y) == 1
        if reset:
            self._flat = flat
        return X, (y[:, None] if flat else y).astype(X.dtype)

    def _outputs(self, targets: Array) -> int:
        return int(targets.shape[1])

    def _loss(self) -> Callable[[Any, Any], Any]:
        return half_squared_error

    def predict(self, X: Any) -> Array:
        """Return the predictions: shape (n,), or (n, targets) where the targets of `fit` were so."""
        raw = self._raw(X)
        return raw[:, 0] if self._flat else raw


def whole(value: Any) -> bool:
    """Return whether a value is a whole number."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def half_squared_error(prediction: Any, target: Any) -> Any:
    """Return half the mean of the squared errors, as scikit-learn has it."""
    return nn.functional.mse_loss(prediction, target) / 2
