"""Linear algebra where the shared cases do not reach: complex matrices, degenerate ones, and what has no derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from tests.factories import assert_close, derivative, leaves

pytestmark = pytest.mark.filterwarnings("error")
linalg = np.linalg
rng = np.random.default_rng(5)


def normal(*shape: int) -> Any:
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


SQUARE, TALL, WIDE = normal(3, 3) + 3 * np.eye(3), normal(2, 4, 3), normal(3, 5)
HERMITIAN = normal(2, 3, 3)
HERMITIAN = HERMITIAN @ HERMITIAN.conj().swapaxes(-1, -2) + 3 * np.eye(3)


def rebuilt(decomposed: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function of a decomposition that does not depend on the phases of its vectors."""

    def f(a: Any) -> Any:
        u, s, vh = decomposed(a)
        return (u * np.sin(s)[..., None, :]) @ vh

    return f


def of_eigh(a: Any) -> Any:
    w, v = linalg.eigh(a)
    return v, w, np.conj(np.swapaxes(v, -1, -2))


COMPLEX: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "inv": (linalg.inv, SQUARE),
    "solve": (lambda a: linalg.solve(a, np.sin(a[:, :2])), SQUARE),
    "solve a vector": (lambda a: linalg.solve(a, a[0]), SQUARE),
    "pinv of a tall one": (linalg.pinv, TALL),
    "pinv of a wide one": (linalg.pinv, WIDE),
    "det": (linalg.det, SQUARE),
    "slogdet": (linalg.slogdet, SQUARE),
    "cholesky": (linalg.cholesky, HERMITIAN),
    "cholesky, upper": (lambda a: linalg.cholesky(a, upper=True), HERMITIAN),
    "eigvalsh": (linalg.eigvalsh, HERMITIAN),
    "eigvalsh, upper": (lambda a: linalg.eigvalsh(a, "U"), HERMITIAN),
    "eigh": (rebuilt(of_eigh), HERMITIAN),
    "svd of tall ones": (rebuilt(lambda a: linalg.svd(a, full_matrices=False)), TALL),
    "svd of a wide one": (rebuilt(lambda a: linalg.svd(a, full_matrices=False)), WIDE),
    "svdvals": (linalg.svdvals, TALL),
    "qr": (linalg.qr, TALL),
    "qr of a wide one": (linalg.qr, WIDE),
    "eig": (linalg.eig, SQUARE),
    "eigvals": (linalg.eigvals, SQUARE),
    "nuclear norm": (lambda a: linalg.norm(a, "nuc"), WIDE),
    "cond": (linalg.cond, SQUARE),
    "cond by the 1-norm": (lambda a: linalg.cond(a, 1), SQUARE),
    "matrix_power": (lambda a: linalg.matrix_power(a, -2), SQUARE),
    "vecdot": (lambda a: linalg.vecdot(a, np.exp(a)), SQUARE),
    "lstsq": (lambda a: linalg.lstsq(a, a[:, 0] ** 2, rcond=None)[0], TALL[0]),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_matrices(name: str) -> None:
    """Reverse, forward, and forward over reverse, of a real projection, against differences."""
    f, a = COMPLEX[name]
    v = np.resize([0.3 - 0.2j, -0.7j, 0.5, 0.1 + 0.4j, -0.6], a.shape)
    weights = [
        np.resize([1.0, -0.6, 0.35, 0.8], np.shape(y)) * (1 if np.isrealobj(y) else 1 - 0.5j) for y in leaves(f(a))
    ]

    def loss(a: Any) -> Any:
        return sum(np.real(np.sum(w * y)) for w, y in zip(weights, leaves(f(a)), strict=True))

    def slope(a: Any) -> Any:
        return np.real(np.sum(mg.grad(loss)(a) * v))

    numeric = derivative(lambda h: loss(a + h * v), step=0.004)
    assert_close(slope(a), numeric, 1e-8)
    assert_close(mg.jvp(loss, (a,), (v,))[1], numeric, 1e-8)
    assert_close(mg.jvp(slope, (a,), (v,))[1], derivative(lambda h: slope(a + h * v), step=0.004), 1e-6)


def test_complex_eigenvalues_of_real_matrices() -> None:
    a = np.array([[1.0, -2.0, 0.3], [1.5, 0.7, -0.4], [0.2, 0.5, 2.0]])
    v = np.array([[0.2, 0.1, -0.3], [0.5, -0.2, 0.4], [0.1, 0.3, 0.2]])

    def loss(a: Any) -> Any:
        w, vectors = linalg.eig(a)
        return np.sum(np.real(w * (1 - 0.4j))) + np.sum(np.abs(vectors[0]) ** 2)

    gradient = mg.grad(loss)(a)
    assert gradient.dtype == np.float64
    assert_close(np.sum(gradient * v), derivative(lambda h: loss(a + h * v)), 1e-8)


@pytest.mark.parametrize(
    "a", [[[1.0, 2, 3], [2, 4, 6], [1, 0, 1]], np.zeros((2, 2)), [[0.0]], np.outer([1.0, 2, 3], [1.0, 2, 3])]
)
def test_the_determinant_of_a_singular_matrix_has_a_derivative(a: Any) -> None:
    a = np.array(a)
    n = len(a)
    minors = [
        [np.linalg.det(np.delete(np.delete(a, i, 0), j, 1)) if n > 1 else 1.0 for j in range(n)] for i in range(n)
    ]
    signs = (-1.0) ** np.add.outer(range(n), range(n))
    np.testing.assert_allclose(mg.grad(linalg.det)(a), signs * minors, atol=1e-12)


def test_only_the_triangle_that_is_read_has_a_gradient() -> None:
    a = np.array([[4.0, 1.0], [1.0, 3.0]])
    for f, zero in (
        (linalg.cholesky, (0, 1)),
        (lambda a: linalg.cholesky(a, upper=True), (1, 0)),
        (linalg.eigvalsh, (0, 1)),
        (lambda a: linalg.eigvalsh(a, "U"), (1, 0)),
    ):
        assert mg.grad(lambda a, f=f: np.sum(np.sin(f(a))))(a)[zero] == 0


EQUAL = [
    2 * np.eye(3),
    np.diag([1.0, 2.0, 2.0]),
    np.outer([1.0, 2, 3], [1.0, 2, 3]) / 7 + np.eye(3),
]  # but for rounding


@pytest.mark.parametrize("a", EQUAL)
def test_vectors_of_equal_values_are_refused(a: Any) -> None:
    """The function is A itself: what the vectors have to do with it cannot be told from their derivatives."""
    weights = np.array([[0.3, 0.2, -0.1], [0.2, 0.5, 0.4], [-0.1, 0.4, 0.1]])

    def through_eigh(a: Any) -> Any:
        w, u = linalg.eigh(a)
        return np.sum((u * w[None, :]) @ u.T * weights)

    def through_svd(a: Any) -> Any:
        u, s, vh = linalg.svd(a)
        return np.sum((u * s[None, :]) @ vh * weights)

    for f, what in ((through_eigh, "two eigenvalues"), (through_svd, "two singular values")):
        with pytest.raises(np.linalg.LinAlgError, match=f"{what} are equal but for rounding"):
            mg.grad(f)(a)
        assert np.isnan(mg.jvp(f, (a,), (np.arange(9.0).reshape(3, 3),))[1])


@pytest.mark.parametrize("a", EQUAL)
def test_equal_values_themselves_have_a_derivative(a: Any) -> None:
    for f in (
        lambda a: np.sum(linalg.eigh(a)[0]),
        lambda a: np.sum(linalg.svd(a)[1]),
        lambda a: np.sum(linalg.eigvalsh(a)),
    ):
        np.testing.assert_allclose(mg.grad(f)(a), np.eye(3), atol=1e-12)
        np.testing.assert_allclose(mg.jvp(f, (a,), (np.eye(3),))[1], 3.0)


def test_the_vector_of_a_simple_value_has_a_derivative_beside_equal_ones() -> None:
    a = np.diag([2.0, 2.0, 5.0]) + 0.1
    v = np.array([[0.1, 0.2, 0.3], [0.2, -0.1, 0.4], [0.3, 0.4, 0.2]])

    def f(a: Any) -> Any:
        return np.sum(np.sin(np.abs(linalg.eigh(a)[1][:, 2])))

    assert_close(np.sum(mg.grad(f)(a) * v), derivative(lambda h: f(a + h * v), step=0.01), 1e-7)


def test_norms_have_the_gradient_0_at_0() -> None:
    for order in ("nuc", "fro", 2):
        np.testing.assert_array_equal(mg.grad(lambda a, order=order: linalg.norm(a, order))(np.zeros((2, 3))), 0)


def test_what_depends_on_rank_is_an_integer() -> None:
    a = mg.tensor(SQUARE.real, requires_grad=True)
    x, residuals, rank, s = linalg.lstsq(a, np.ones(3), rcond=None)
    assert (rank, residuals.shape) == (3, (0,))
    assert x.requires_grad
    assert s.requires_grad
    np.testing.assert_array_equal(linalg.matrix_power(a, 0).data, np.eye(3))


def test_results_have_numpys_names() -> None:
    a = mg.tensor(SQUARE.real, requires_grad=True)
    assert linalg.svd(a).S.shape == (3,)
    assert linalg.eigh(a).eigenvalues.shape == (3,)
    assert linalg.eig(a).eigenvectors.shape == (3, 3)
    assert linalg.qr(a).R.shape == (3, 3)
    assert linalg.slogdet(a).sign.shape == ()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda a: linalg.inv(a[:2]), "square"),
        (lambda a: linalg.inv(a * 0), "Singular"),
        (lambda a: linalg.cholesky(-a @ a.T), "not positive definite"),
        (lambda a: linalg.multi_dot([a]), "at least two"),
        (lambda a: linalg.norm(a[None], 2), "wants an axis"),
        (lambda a: linalg.norm(a, 3), "no norm of matrices"),
        (lambda a: linalg.norm(a, "nuc", axis=0), "no norm of vectors"),
        (lambda a: linalg.norm(a, 1, axis=(1, 1)), "one axis twice"),
        (lambda a: linalg.outer(a, a), "two vectors"),
        (lambda a: linalg.tensorsolve(a, np.ones((2, 2))), "square"),
    ],
)  # fmt: skip
def test_bad_matrices(call: Callable[[Any], Any], said: str) -> None:
    matrix = mg.tensor(SQUARE.real, requires_grad=True)
    with pytest.raises((ValueError, np.linalg.LinAlgError)) as caught:
        call(matrix)
    assert said in str(caught.value), str(caught.value)
