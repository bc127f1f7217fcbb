"""The functions of scipy.special on Tensors: every entry of the table against differences of SciPy's own values."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microgradnp as mg
from microgradnp.primitives import COMPOSITES, TABLE
from tests.factories import assert_close, derivative, leaves

sp = pytest.importorskip("scipy.special")
sp.expit(mg.tensor(0.0))  # the table learns SciPy's functions when it first meets one
from microgradnp.primitives import special  # noqa: E402

LOW, MIDDLE, HIGH = (-2.5, -0.3), (0.2, 0.8), (1.2, 4.0)
BOTH, POSITIVE, UNIT, ANY = (-2.5, 2.5), (0.3, 4.0), (-0.9, 0.9), (-20.0, 20.0)

#: A function, what its operands are drawn from (a range), or are (numbers), and which of them have a derivative.
CALLS: list[tuple[Any, ...]] = [
    *((f, BOTH) for f in (sp.expit, sp.log_expit, sp.erf, sp.erfc, sp.erfcx, sp.erfi, sp.dawsn, sp.ndtr, sp.log_ndtr)),
    *((f, MIDDLE) for f in (sp.logit, sp.erfinv, sp.erfcinv, sp.ndtri, sp.entr)),
    (sp.log_ndtr, ANY), (sp.log_expit, ANY), (sp.ndtri_exp, LOW), (sp.wofz, BOTH),
    (sp.xlogy, BOTH, POSITIVE), (sp.xlog1py, BOTH, POSITIVE), (sp.rel_entr, POSITIVE, POSITIVE),
    (sp.kl_div, POSITIVE, POSITIVE), (sp.huber, MIDDLE, HIGH), (sp.huber, HIGH, MIDDLE),
    (sp.pseudo_huber, POSITIVE, BOTH),
    *((f, POSITIVE) for f in (sp.gamma, sp.rgamma, sp.gammaln, sp.loggamma, sp.digamma, sp.psi, sp.exp1, sp.spence)),
    *((f, (-1.8, -1.2)) for f in (sp.gamma, sp.gammaln, sp.psi)),
    (sp.gammasgn, (-1.8, -1.2)), (sp.round, (0.7, 1.3)),
    *((f, POSITIVE, POSITIVE) for f in (sp.beta, sp.betaln, sp.poch)), (sp.binom, (3.1, 6.0), (0.4, 2.5)),
    *((f, BOTH) for f in (sp.exp2, sp.exp10, sp.expm1, sp.cosm1, sp.exprel, sp.sindg, sp.cosdg)),
    (sp.exprel, (-0.05, 0.05)), (sp.exprel, ANY), (sp.spence, (0.95, 1.05)), (sp.log1p, UNIT), (sp.cbrt, POSITIVE),
    (sp.tandg, (10.0, 70.0)), (sp.cotdg, (10.0, 70.0)), (sp.expi, POSITIVE), (sp.wrightomega, BOTH),
    (sp.boxcox, POSITIVE, BOTH), (sp.boxcox1p, POSITIVE, BOTH), (sp.boxcox, POSITIVE, (-0.01, 0.01)),
    (sp.sici, POSITIVE), (sp.shichi, POSITIVE), (sp.fresnel, BOTH), (sp.airy, BOTH),
    *((f, POSITIVE) for f in (sp.j0, sp.j1, sp.y0, sp.y1, sp.i0, sp.i1, sp.k0, sp.k1, sp.i0e, sp.i1e, sp.k0e, sp.k1e)),
    *((f, LOW) for f in (sp.j0, sp.j1, sp.i0, sp.i1, sp.i0e, sp.i1e)),
    *((f, 1.7, POSITIVE) for f in (sp.jv, sp.yv, sp.iv, sp.kv, sp.ive, sp.kve, sp.hankel1, sp.hankel2)),
    *((f, 2, POSITIVE) for f in (sp.jn, sp.yn, sp.kn)),
    *((f, 1.7, POSITIVE) for f in (sp.gammainc, sp.gammaincc)),
    *((f, 1.7, MIDDLE) for f in (sp.gammaincinv, sp.gammainccinv)),
    (sp.betainc, 1.7, 2.3, MIDDLE), (sp.betaincinv, 1.7, 2.3, MIDDLE), (sp.stdtr, 3.5, BOTH),
    *((sp.expn, n, POSITIVE) for n in (0, 1, 3)),
    (sp.hyp0f1, 1.3, BOTH), (sp.hyp1f1, 0.7, 1.9, BOTH), (sp.hyp2f1, 0.7, 1.1, 1.9, UNIT),
    *((f, n, UNIT) for f in (sp.eval_legendre, sp.eval_chebyt, sp.eval_chebyu, sp.eval_hermite, sp.eval_hermitenorm,
                             sp.eval_laguerre) for n in (0, 1, 4)),
    *((f, n, 0.8, UNIT) for f in (sp.eval_gegenbauer, sp.eval_genlaguerre) for n in (0, 1, 4)),
    *((sp.eval_jacobi, n, 0.5, 1.5, UNIT) for n in (0, 1, 4)),
]  # fmt: skip


def name(call: Any) -> str:
    return f"{call[0].__name__}({', '.join(map(str, call[1:]))})"


calls = pytest.mark.parametrize("call", CALLS, ids=name)


def prepared(call: Any, dtype: Any = np.float64) -> tuple[Callable[..., Any], list[Any]]:
    """Return a function of the operands that have a derivative, and their values."""
    function, *operands = call
    rng = np.random.default_rng(len(name(call)))
    values = [rng.uniform(*o, 6).astype(dtype) for o in operands if isinstance(o, tuple)]

    def f(*xs: Any) -> Any:
        rest = iter(xs)
        return function(*(next(rest) if isinstance(o, tuple) else o for o in operands))

    return f, values


@pytest.mark.filterwarnings("error")
@calls
def test_values_and_first_order(call: Any) -> None:
    f, xs = prepared(call)
    rng = np.random.default_rng(1)
    for i in range(len(xs)):
        v = [rng.uniform(-1, 1, x.shape) * (k == i) for k, x in enumerate(xs)]
        numeric = derivative(lambda t: f(*(x + t * d for x, d in zip(xs, v, strict=True))), step=0.01)  # noqa: B023
        y, dy = mg.jvp(f, xs, v)
        for mine, scipys in zip(leaves(y), leaves(f(*xs)), strict=True):
            assert_close(mine, scipys, 1e-13)  # boxcox is put together
        assert_close(dy, numeric, 1e-8, 1e-2)
        ys, pull = mg.vjp(f, *xs)
        w = [rng.uniform(-1, 1, np.shape(t)) for t in leaves(ys)]
        g = pull(tuple(w) if isinstance(ys, tuple) else w[0])
        product = sum(np.sum(np.real(a * b)) for a, b in zip(w, leaves(dy), strict=True))
        assert_close(np.sum(g[i] * v[i]), product, 1e-12, 1.0)


@pytest.mark.filterwarnings("error")
@calls
def test_second_order(call: Any) -> None:
    f, xs = prepared(call)
    rng = np.random.default_rng(2)
    v = [rng.uniform(-1, 1, x.shape) for x in xs]

    def total(*xs: Any) -> Any:
        return sum(np.sum(np.real(y) * (0.5 + i)) for i, y in enumerate(leaves(f(*xs))))

    gradient = mg.grad(total, tuple(range(len(xs))))
    numeric = derivative(lambda t: gradient(*(x + t * d for x, d in zip(xs, v, strict=True))), step=0.01)
    assert_close(mg.jvp(gradient, xs, v)[1], numeric, 1e-7, 1e-1)

    def slope(*xs: Any) -> Any:
        return sum(np.sum(g * d) for g, d in zip(gradient(*xs), v, strict=True))

    assert_close(mg.grad(slope, tuple(range(len(xs))))(*xs), numeric, 1e-7, 1e-1)


@calls
def test_single_precision(call: Any) -> None:
    f, xs = prepared(call, np.float32)
    y, pull = mg.vjp(f, *xs)
    w = [np.ones_like(t) for t in leaves(y)]
    gradients = pull(tuple(w) if isinstance(y, tuple) else w[0])
    assert {g.dtype for g in gradients} == {np.dtype(np.float32)}
    exact = mg.vjp(f, *(x.astype(float) for x in xs))[1](tuple(w) if isinstance(y, tuple) else w[0])
    assert_close(gradients, exact, 1e-4, 1.0)


def test_every_entry_has_a_test() -> None:
    ufuncs = {f for f in vars(sp).values() if isinstance(f, np.ufunc)}
    entered = {f for f in ufuncs if f in TABLE or f in COMPOSITES}
    assert entered - {call[0] for call in CALLS} - {f for f in vars(np).values() if isinstance(f, np.ufunc)} == set()


EDGES: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "xlogy at 0": (lambda y: sp.xlogy(0.0, y), 0.0, 0.0),
    "relative entropy at 0": (lambda y: sp.rel_entr(0.0, y), 0.0, 0.0),
    "log of the normal distribution, far out": (sp.log_ndtr, -1e4, 1e4 + 1e-4),
    "log of the logistic function, far out": (sp.log_expit, -800.0, 1.0),
    "logistic function, far out": (sp.expit, 800.0, 0.0),
    "exprel at 0": (sp.exprel, 0.0, 0.5),
    "spence at 1": (sp.spence, 1.0, -1.0),
    "boxcox at 0": (lambda c: sp.boxcox(2.0, c), 0.0, np.log(2) ** 2 / 2),
    "i0e at 0": (sp.i0e, 0.0, 0.0),
    "j1 at 0": (sp.j1, 0.0, 0.5),
    "sine integral at 0": (lambda x: sp.sici(x)[0], 0.0, 1.0),
}


@pytest.mark.parametrize("what", EDGES)
def test_edges(what: str) -> None:
    f, x, slope = EDGES[what]
    assert_close(mg.grad(f)(x), slope, 1e-9)


t = mg.tensor([0.3, 0.7], requires_grad=True)
REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "order of a Bessel function": (lambda: sp.jv(t, 1.0), NotImplementedError, r"scipy\.special\.jv .* last argument"),
    "shape of a gamma function": (lambda: sp.gammainc(t, t), NotImplementedError, "gammainc .* last argument"),
    "no rule": (lambda: sp.ellipk(t), NotImplementedError, r"scipy\.special\.ellipk .*`t` of shape \(2,\)"),
    "logsumexp": (lambda: sp.logsumexp(t), TypeError, r"logsumexp .*`t` .*mg\.logsumexp"),
    "softmax": (lambda: sp.softmax(t), TypeError, r"softmax .*`t` .*mg\.softmax"),
    "polygamma": (lambda: sp.polygamma(1, t), TypeError, r"polygamma .*`t` .*t\.data"),
    "where": (lambda: sp.expit(t, where=[True, False]), TypeError, r"scipy\.special\.expit.*out="),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refusals(what: str) -> None:
    call, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        call()


def test_orders_may_be_constants() -> None:
    y = sp.jv(mg.tensor([1.0, 2.0]), t)
    np.testing.assert_array_equal(y.data, sp.jv([1.0, 2.0], [0.3, 0.7]))
    assert y.requires_grad


def test_traced_functions_run_on_other_data() -> None:
    graph = mg.trace(mg.grad(lambda x: np.sum(sp.gammaln(x) * sp.erf(x))), np.array([1.5, 2.5]))
    (x,) = graph.inputs.values()
    other = np.array([0.7, 3.1])
    again = graph.evaluate(graph.result.node, {x: other})
    assert_close(
        again, sp.psi(other) * sp.erf(other) + sp.gammaln(other) * 2 / np.sqrt(np.pi) * np.exp(-(other**2)), 1e-13
    )


def test_scipy_is_loaded_by_nobody_but_the_user() -> None:
    program = (
        "import sys, microgradnp as mg, numpy as np\n"
        "mg.grad(lambda x: np.sum(np.exp(x)))(np.ones(2)); assert 'scipy' not in sys.modules\n"
        "import scipy.special as sp\n"
        "print(mg.grad(sp.erf)(0.0))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert_close(float(done.stdout), 2 / np.sqrt(np.pi), 1e-15)


def test_the_room_says_what_it_needs() -> None:
    assert special.polygamma(np.array([1.5]), n=2).shape == (1,)
