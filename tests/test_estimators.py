"""The estimators keep scikit-learn's habits, and learn what scikit-learn's own learn."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import microgradnp as mg

sklearn = pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.neural_network import MLPClassifier as Theirs  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from microgradnp.estimators import ACTIVATIONS, SOLVERS, MLPClassifier, MLPRegressor  # noqa: E402

MOONS = mg.data.moons(200, noise=0.1, random_state=0)
BLOBS = mg.data.blobs(150, centers=3, random_state=1)[:2]
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
QUICK: dict[str, Any] = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.02, "random_state": 0}


@parametrize_with_checks([MLPClassifier(), MLPRegressor()])
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize(("X", "y"), [MOONS, BLOBS], ids=["two classes", "three classes"])
def test_as_good_as_scikit_learns(X: Any, y: Any) -> None:
    ours, theirs = MLPClassifier(**QUICK, max_iter=1000).fit(X, y), Theirs(**QUICK, max_iter=1000).fit(X, y)
    assert ours.score(X, y) >= theirs.score(X, y) - 0.01
    np.testing.assert_allclose(ours.predict_proba(X).sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(ours.predict_log_proba(X)), ours.predict_proba(X), atol=1e-12)
    assert [w.shape for w in ours.coefs_] == [w.shape for w in theirs.coefs_]


def test_the_same_weights_predict_the_same_as_scikit_learns() -> None:
    X, y = BLOBS
    theirs = Theirs((8, 5), "tanh", max_iter=30, random_state=0).fit(X, y)
    ours = MLPClassifier((8, 5), "tanh", max_iter=1, tol=0, n_iter_no_change=5, random_state=0)
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        ours.fit(X, y)
    state = {}
    for k, (W, b) in enumerate(zip(theirs.coefs_, theirs.intercepts_, strict=True)):
        state |= {f"{2 * k}.weight": W, f"{2 * k}.bias": b}
    ours.model_.load_state_dict(state)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-10)


def test_one_step_of_sgd_is_scikit_learns() -> None:
    """The same start, the same batch, the same penalty on the weights: the same weights after the update."""
    X, y = BLOBS
    same = {"solver": "sgd", "alpha": 0.5, "momentum": 0.0, "batch_size": len(X), "learning_rate_init": 0.1}
    theirs = Theirs((4,), "logistic", **same, random_state=0)
    theirs.partial_fit(X, y, classes=[0, 1, 2])
    start = [(W.copy(), b.copy()) for W, b in zip(theirs.coefs_, theirs.intercepts_, strict=True)]
    theirs.partial_fit(X, y)
    ours = MLPClassifier((4,), "logistic", **same, random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    ours.model_.load_state_dict(
        {f"{2 * k}.{n}": v for k, pair in enumerate(start) for n, v in zip(("weight", "bias"), pair, strict=True)}
    )
    ours.partial_fit(X, y)
    for a, b in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize(("X", "y"), [MOONS, BLOBS], ids=["two classes", "three classes"])
def test_the_same_random_state_learns_the_same_as_scikit_learns(X: Any, y: Any, solver: str) -> None:
    """Both draw the same weights; without a penalty, in full batches, the losses are the same."""
    same: dict[str, Any] = {
        "hidden_layer_sizes": (6, 4),
        "activation": "tanh",
        "solver": solver,
        "alpha": 0.0,
        "batch_size": len(X),
        "max_iter": 25,
        "random_state": 3,
    }
    ours, theirs = (
        MLPClassifier(**same, learning_rate_init=0.05).fit(X, y),
        Theirs(**same, learning_rate_init=0.05).fit(X, y),
    )
    np.testing.assert_allclose(
        ours.loss_curve_, theirs.loss_curve_, rtol=1e-9 if solver == "sgd" else 1e-4
    )  # their Adam adds its eps elsewhere


@pytest.mark.parametrize("activation", [*ACTIVATIONS, np.sin])
def test_every_activation_trains(activation: Any) -> None:
    mlp = MLPClassifier(**QUICK, activation=activation, max_iter=60).fit(*MOONS)
    assert mlp.score(*MOONS) > 0.8
    assert mlp.loss_curve_[-1] < mlp.loss_curve_[0]


@pytest.mark.parametrize("solver", [*SOLVERS, lambda params, lr: mg.optim.SGD(params, lr, momentum=0.9)])
def test_every_solver_trains(solver: Any) -> None:
    mlp = MLPClassifier(**QUICK, solver=solver, max_iter=30).fit(*MOONS)
    assert mlp.loss_curve_[-1] < mlp.loss_curve_[0]


def test_partial_fit_goes_on() -> None:
    mlp = MLPClassifier(**QUICK)
    for _ in range(5):
        mlp.partial_fit(*MOONS)
    assert (len(mlp.loss_curve_), mlp.n_iter_, mlp.t_) == (5, 1, 1000)
    assert mlp.loss_curve_[-1] < mlp.loss_curve_[0]


def test_partial_fit_knows_classes_that_come_later() -> None:
    X, y = BLOBS
    mlp = MLPClassifier(**QUICK).partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    assert mlp.predict_proba(X).shape == (150, 3)
    with pytest.raises(ValueError, match="none of the classes"):
        mlp.partial_fit(X, y + 1)
    with pytest.raises(ValueError, match="not the same"):
        mlp.partial_fit(X, y, classes=[0, 1])


def test_a_warm_start_goes_on_and_a_cold_one_begins_anew() -> None:
    warm, cold = (MLPClassifier(**QUICK, max_iter=3, warm_start=w).fit(*MOONS) for w in (True, False))
    first = cold.loss_curve_[0]
    warm.fit(*MOONS)
    cold.fit(*MOONS)
    assert len(warm.loss_curve_) == 6
    assert warm.loss_curve_[3] < first
    assert cold.loss_curve_[0] == first


def test_early_stopping_keeps_the_best_weights() -> None:
    mlp = MLPClassifier(**QUICK, early_stopping=True, max_iter=500).fit(*MOONS)
    assert mlp.n_iter_ < 500
    assert len(mlp.history_.validation["loss"]) == mlp.n_iter_


def test_it_works_in_pipelines_and_searches_and_is_copied_and_pickled() -> None:
    search = GridSearchCV(
        make_pipeline(StandardScaler(), MLPClassifier(**QUICK)), {"mlpclassifier__activation": ["tanh", "relu"]}, cv=2
    )
    search.fit(*MOONS)
    assert search.best_score_ > 0.9
    copied, pickled = clone(search.best_estimator_), pickle.loads(pickle.dumps(search.best_estimator_))
    assert not hasattr(copied[-1], "model_")
    np.testing.assert_array_equal(pickled.predict(MOONS[0]), search.predict(MOONS[0]))


def test_several_targets() -> None:
    X = np.linspace(-1, 1, 80)[:, None]
    Y = np.hstack([X**2, np.sin(3 * X)])
    mlp = MLPRegressor((32,), "tanh", learning_rate_init=0.02, max_iter=2000, tol=1e-6, random_state=0).fit(X, Y)
    assert mlp.predict(X).shape == (80, 2)
    assert mlp.score(X, Y) > 0.95


def test_single_precision_stays() -> None:
    mlp = MLPClassifier(**QUICK).fit(MOONS[0].astype(np.float32), MOONS[1])
    assert {w.dtype for w in mlp.coefs_} == {np.dtype(np.float32)}
    assert mlp.predict_proba(MOONS[0].astype(np.float32)).dtype == np.float32


def test_labels_may_be_words() -> None:
    mlp = MLPClassifier(**QUICK).fit(MOONS[0], np.where(MOONS[1], "yes", "no"))
    assert mlp.classes_.tolist() == ["no", "yes"]
    assert set(mlp.predict(MOONS[0])) == {"no", "yes"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"activation": "rleu"}, "activation='rleu' must be a function or one of identity, logistic"),
        ({"solver": "lbfgs"}, "solver='lbfgs' must be one of"),
        ({"alpha": -1}, "alpha=-1 must be at least 0"),
        ({"learning_rate_init": 0}, "learning_rate_init=0 must be greater than 0"),
        ({"max_iter": 0}, "max_iter=0 must be at least 1"),
        ({"batch_size": 0}, "batch_size=0 must be a whole number greater than 0"),
        ({"hidden_layer_sizes": (3, 0)}, "must be numbers of units of at least 1"),
        ({"early_stopping": True, "validation_fraction": 1.5}, "validation_fraction=1.5 must be between 0 and 1"),
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense(options: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        MLPClassifier(**options).fit(*MOONS)


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 classes; y has one class, 1"):
        MLPClassifier().fit(MOONS[0], np.ones(200, int))
