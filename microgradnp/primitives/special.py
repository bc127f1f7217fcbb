"""The smooth functions of scipy.special, where SciPy is installed.

This room is the only one that imports SciPy, and it is entered when a Tensor meets a function of scipy.special: so the
program has SciPy loaded already. Source of the formulas: NIST Digital Library of Mathematical Functions, chapters 5 to 19.

Orders, degrees and shape parameters of most families (the n of a Bessel function or a polynomial, the a of an incomplete
gamma function) have no derivative in closed form: a Tensor that is being differentiated is refused there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp  # type: ignore[import-untyped, unused-ignore]

from microgradnp.primitives.primitive import COMPOSITES, Array, elementwise, self_adjoint, structural
from microgradnp.tape import OFF, TRACE, current_mode

ROOT_PI = float(np.sqrt(np.pi))
DENSITY_AT_0 = float(1 / np.sqrt(2 * np.pi))
DEGREE = float(np.pi / 180)


def _over(x: Array, y: Array) -> Array:
    """Return x / y, and 0 where x is 0."""
    zero = x == 0
    return np.where(zero, 0.0, x / np.where(zero, 1.0, y))


# -- logistic, entropy ---------------------------------------------------------------------------------------

elementwise(sp.expit, lambda y, x: y * sp.expit(-x), r"\sigma({x})")
elementwise(sp.log_expit, lambda _y, x: sp.expit(-x), r"\log \sigma({x})")
elementwise(sp.logit, lambda _y, x: 1 / (x * (1 - x)), r"\operatorname{{logit}} {x}")
elementwise(sp.xlogy, (lambda _y, _a, b: np.log(b), lambda _y, a, b: _over(a, b)), r"{a} \log {b}")
elementwise(sp.xlog1py, (lambda _y, _a, b: np.log1p(b), lambda _y, a, b: _over(a, 1 + b)), r"{a} \log(1 + {b})")
elementwise(sp.entr, lambda _y, x: -np.log(x) - 1, r"-{x} \log {x}")
elementwise(sp.rel_entr, (lambda _y, a, b: np.log(a / b) + 1, lambda _y, a, b: -_over(a, b)))
elementwise(sp.kl_div, (lambda _y, a, b: np.log(a / b), lambda _y, a, b: 1 - _over(a, b)))

# -- error functions and the normal distribution -------------------------------------------------------------

elementwise(sp.erf, lambda _y, x: 2 / ROOT_PI * np.exp(-x * x), r"\operatorname{{erf}} {x}")
elementwise(sp.erfc, lambda _y, x: -2 / ROOT_PI * np.exp(-x * x), r"\operatorname{{erfc}} {x}")
elementwise(sp.erfcx, lambda y, x: 2 * x * y - 2 / ROOT_PI, r"\operatorname{{erfcx}} {x}")
elementwise(sp.erfi, lambda _y, x: 2 / ROOT_PI * np.exp(x * x), r"\operatorname{{erfi}} {x}")
elementwise(sp.dawsn, lambda y, x: 1 - 2 * x * y)
elementwise(sp.erfinv, lambda y, _x: ROOT_PI / 2 * np.exp(y * y), r"\operatorname{{erf}}^{{-1}} {x}")
elementwise(sp.erfcinv, lambda y, _x: -ROOT_PI / 2 * np.exp(y * y), r"\operatorname{{erfc}}^{{-1}} {x}")
elementwise(sp.ndtr, lambda _y, x: DENSITY_AT_0 * np.exp(-0.5 * (x * x)), r"\Phi({x})")
elementwise(sp.ndtri, lambda y, _x: np.exp(0.5 * (y * y)) / DENSITY_AT_0, r"\Phi^{{-1}}({x})")
# density over distribution, by erfcx, which neither overflows nor cancels in the tail
elementwise(sp.log_ndtr, lambda _y, x: 2 * DENSITY_AT_0 / sp.erfcx(-x * np.sqrt(0.5)), r"\log \Phi({x})")
elementwise(sp.ndtri_exp, lambda y, _x: sp.erfcx(-y * np.sqrt(0.5)) / (2 * DENSITY_AT_0))
self_adjoint(sp.wofz, lambda g, y, x: g * (2j / ROOT_PI - 2 * x * y))  # complex also of a real number

# -- gamma functions -----------------------------------------------------------------------------------------


def _polygamma(x: Array, n: int = 1) -> Array:
    """Return the n-th derivative of the digamma function."""
    return sp.polygamma(n, x).astype(x.dtype)[()]


polygamma: Any = elementwise(_polygamma, lambda _y, x, *, n=1: polygamma(x, n=n + 1))

elementwise(sp.gamma, lambda y, x: y * sp.psi(x), r"\Gamma({x})")
elementwise(sp.rgamma, lambda y, x: -y * sp.psi(x), r"1 / \Gamma({x})")
elementwise(sp.gammaln, lambda _y, x: sp.psi(x), r"\log \Gamma({x})")
elementwise(sp.loggamma, lambda _y, x: sp.psi(x), r"\log \Gamma({x})")
for _digamma in {sp.digamma, sp.psi}:
    elementwise(_digamma, lambda _y, x: polygamma(x, n=1), r"\psi({x})")
elementwise(sp.gammasgn, 0, smooth=False)
elementwise(
    sp.beta,
    (lambda y, a, b: y * (sp.psi(a) - sp.psi(a + b)), lambda y, a, b: y * (sp.psi(b) - sp.psi(a + b))),
    r"\mathrm{{B}}({a}, {b})",
)
elementwise(
    sp.betaln,
    (lambda _y, a, b: sp.psi(a) - sp.psi(a + b), lambda _y, a, b: sp.psi(b) - sp.psi(a + b)),
    r"\log \mathrm{{B}}({a}, {b})",
)
elementwise(sp.poch, (lambda y, a, b: y * (sp.psi(a + b) - sp.psi(a)), lambda y, a, b: y * sp.psi(a + b)))
elementwise(
    sp.binom,
    (
        lambda y, a, b: y * (sp.psi(a + 1) - sp.psi(a - b + 1)),
        lambda y, a, b: y * (sp.psi(a - b + 1) - sp.psi(b + 1)),
    ),
    r"\binom{{{a}}}{{{b}}}",
)

# -- exponentials, trigonometric functions, integrals --------------------------------------------------------

elementwise(sp.exp2, lambda y, _x: float(np.log(2)) * y, "2^{{{x}}}")
elementwise(sp.exp10, lambda y, _x: float(np.log(10)) * y, "10^{{{x}}}")
elementwise(sp.expm1, lambda _y, x: np.exp(x), "e^{{{x}}} - 1")
elementwise(sp.log1p, lambda _y, x: 1 / (1 + x), r"\log(1 + {x})")
elementwise(sp.cbrt, lambda y, _x: 1 / (3 * y * y), r"\sqrt[3]{{{x}}}")
elementwise(sp.cosm1, lambda _y, x: -np.sin(x), r"\cos {x} - 1")
elementwise(sp.sindg, lambda _y, x: DEGREE * sp.cosdg(x))
elementwise(sp.cosdg, lambda _y, x: -DEGREE * sp.sindg(x))
elementwise(sp.tandg, lambda y, _x: DEGREE * (1 + y * y))
elementwise(sp.cotdg, lambda y, _x: -DEGREE * (1 + y * y))
elementwise(sp.round, 0, smooth=False)


def _series(x: Array, coefficients: list[float]) -> Array:
    """Return a power series by Horner's rule, the constant term first."""
    y = 0 * x + coefficients[-1]
    for c in coefficients[-2::-1]:
        y = y * x + c
    return y


#: (k + 1) / (k + 2)!: the slope of (e^x - 1) / x
EXPREL = [(k + 1) / float(sp.gamma(k + 3.0)) for k in range(20)]
#: -(-1)^k / (k + 1): log(1 + u) / -u
SPENCE = [-((-1.0) ** k) / (k + 1) for k in range(18)]


def _exprel_slope(_y: Array, x: Array) -> Array:
    near = np.abs(x) < 1  # elsewhere the terms do not cancel
    away = np.where(near, 1.0, x)
    return np.where(near, _series(np.where(near, x, 0.0), EXPREL), (np.exp(away) * (away - 1) + 1) / (away * away))


def _spence_slope(_y: Array, x: Array) -> Array:
    near = np.abs(x - 1) < 0.1
    away = np.where(near, 2.0, x)
    return np.where(near, _series(np.where(near, x - 1, 0.0), SPENCE), np.log(away) / (1 - away))


elementwise(sp.exprel, _exprel_slope, r"\frac{{e^{{{x}}} - 1}}{{{x}}}")
elementwise(sp.spence, _spence_slope)
elementwise(sp.expi, lambda _y, x: np.exp(x) / x, r"\operatorname{{Ei}}({x})")
elementwise(sp.exp1, lambda _y, x: -np.exp(-x) / x, r"E_1({x})")
elementwise(sp.wrightomega, lambda y, _x: y / (1 + y))

elementwise(
    sp.huber,
    (lambda _y, a, b: np.maximum(np.abs(b) - a, 0.0), lambda _y, a, b: np.clip(b, -a, a)),
    smooth=False,
)


def _stretch(a: Array, b: Array) -> Array:
    return np.sqrt(1 + (b / a) * (b / a))


elementwise(
    sp.pseudo_huber,
    (
        lambda _y, a, b: 2 * a * (_stretch(a, b) - 1) - b * b / (a * _stretch(a, b)),
        lambda _y, a, b: b / _stretch(a, b),
    ),
)

COMPOSITES[sp.boxcox] = lambda x, lmbda: np.log(x) * sp.exprel(lmbda * np.log(x))
COMPOSITES[sp.boxcox1p] = lambda x, lmbda: np.log1p(x) * sp.exprel(lmbda * np.log1p(x))

# -- functions with two and four results: a primitive for each -----------------------------------------------


def part_of(ufunc: Any, index: int, local: Callable[[Array, Array], Array]) -> Any:
    """Enter one of the results of a function by its derivative."""

    def compute(x: Array) -> Array:
        return ufunc(x)[index]

    compute.__name__, compute.__module__ = f"{ufunc.__name__}_{index}", "scipy.special"
    return elementwise(compute, local)


def together(ufunc: Any, *parts: Any) -> None:
    """Let a function be all of its results."""
    COMPOSITES[ufunc] = lambda x: tuple(part(x) for part in parts)


together(
    sp.sici,
    part_of(sp.sici, 0, lambda _y, x: np.sinc(x / np.pi)),
    part_of(sp.sici, 1, lambda _y, x: np.cos(x) / x),
)
together(
    sp.shichi,
    part_of(sp.shichi, 0, lambda _y, x: (sp.exprel(x) + sp.exprel(-x)) / 2),
    part_of(sp.shichi, 1, lambda _y, x: np.cosh(x) / x),
)
together(
    sp.fresnel,
    part_of(sp.fresnel, 0, lambda _y, x: np.sin(np.pi / 2 * (x * x))),
    part_of(sp.fresnel, 1, lambda _y, x: np.cos(np.pi / 2 * (x * x))),
)
airy_a: Any = part_of(sp.airy, 0, lambda _y, x: airy_a1(x))
airy_a1: Any = part_of(sp.airy, 1, lambda _y, x: x * airy_a(x))
airy_b: Any = part_of(sp.airy, 2, lambda _y, x: airy_b1(x))
airy_b1: Any = part_of(sp.airy, 3, lambda _y, x: x * airy_b(x))
together(sp.airy, airy_a, airy_a1, airy_b, airy_b1)

# -- Bessel functions of orders 0 and 1 ----------------------------------------------------------------------

elementwise(sp.j0, lambda _y, x: -sp.j1(x), "J_0({x})")
elementwise(sp.j1, lambda _y, x: (sp.j0(x) - sp.jv(2, x)) / 2, "J_1({x})")
elementwise(sp.y0, lambda _y, x: -sp.y1(x), "Y_0({x})")
elementwise(sp.y1, lambda _y, x: (sp.y0(x) - sp.yv(2, x)) / 2, "Y_1({x})")
elementwise(sp.i0, lambda _y, x: sp.i1(x), "I_0({x})")
elementwise(sp.i1, lambda _y, x: (sp.i0(x) + sp.iv(2, x)) / 2, "I_1({x})")
elementwise(sp.k0, lambda _y, x: -sp.k1(x), "K_0({x})")
elementwise(sp.k1, lambda _y, x: -(sp.k0(x) + sp.kv(2, x)) / 2, "K_1({x})")
elementwise(sp.i0e, lambda y, x: sp.i1e(x) - np.sign(x) * y, r"e^{{-|{x}|}} I_0({x})")
elementwise(sp.i1e, lambda y, x: (sp.i0e(x) + sp.ive(2, x)) / 2 - np.sign(x) * y, r"e^{{-|{x}|}} I_1({x})")
elementwise(sp.k0e, lambda y, x: y - sp.k1e(x), r"e^{{{x}}} K_0({x})")
elementwise(sp.k1e, lambda y, x: y - (sp.k0e(x) + sp.kve(2, x)) / 2, r"e^{{{x}}} K_1({x})")

# -- families: the last operand has a derivative, the ones before it have none -------------------------------


def named(ufunc: Any) -> Callable[..., Array]:
    """Return a ufunc as a function of its name: its own entry is the program that looks at its operands first."""

    def compute(*xs: Array) -> Array:
        return ufunc(*xs)

    compute.__name__, compute.__module__ = ufunc.__name__, "scipy.special"
    return compute


def refusal(ufunc: Any) -> Any:
    """Return a rule that refuses, for any number of operands; it reads none."""

    def refuse(*_operands: Array) -> Array:
        raise NotImplementedError(f"scipy.special.{ufunc.__name__} has a derivative in its last argument only")

    return refuse


def tracked(x: Any) -> bool:
    """Return whether a gradient of `x` may be asked for."""
    node = getattr(x, "node", None)
    return node is not None and x.dtype.kind in "fc" and current_mode() not in (OFF, TRACE)


def program_of(ufunc: Any, primitive: Any) -> Callable[..., Any]:
    """Return a function that refuses operands without a derivative at once, and not only on the way back."""

    def program(*xs: Any) -> Any:
        if any(map(tracked, xs[:-1])):
            raise NotImplementedError(
                f"scipy.special.{ufunc.__name__} has a derivative in its last argument only, and another is being "
                "differentiated: give its value alone, .data"
            )
        return primitive(*xs)

    return program


def family(ufunc: Any, local: Callable[..., Array]) -> None:
    """Enter a function by its derivative in its last operand."""
    refused = (refusal(ufunc),) * (ufunc.nin - 1)
    COMPOSITES[ufunc] = program_of(ufunc, elementwise(named(ufunc), (*refused, local)))


for _f in {sp.jv, sp.jn}:
    family(_f, lambda _y, n, x: (sp.jv(n - 1, x) - sp.jv(n + 1, x)) / 2)
family(sp.yv, lambda _y, n, x: (sp.yv(n - 1, x) - sp.yv(n + 1, x)) / 2)
family(sp.yn, lambda _y, n, x: (sp.yv(n - 1, x) - sp.yv(n + 1, x)) / 2)
family(sp.iv, lambda _y, n, x: (sp.iv(n - 1, x) + sp.iv(n + 1, x)) / 2)
family(sp.kv, lambda _y, n, x: -(sp.kv(n - 1, x) + sp.kv(n + 1, x)) / 2)
family(sp.kn, lambda _y, n, x: -(sp.kv(n - 1, x) + sp.kv(n + 1, x)) / 2)
family(sp.ive, lambda y, n, x: (sp.ive(n - 1, x) + sp.ive(n + 1, x)) / 2 - np.sign(x) * y)
family(sp.kve, lambda y, n, x: y - (sp.kve(n - 1, x) + sp.kve(n + 1, x)) / 2)


def _hankel(ufunc: Any) -> None:
    """Enter a Hankel function, which is complex also of a real number."""

    def slope(g: Array, _y: Array, n: Array, x: Array) -> Array:
        return g * (ufunc(n - 1, x) - ufunc(n + 1, x)) / 2

    primitive = structural(named(ufunc), (refusal(ufunc), slope), (refusal(ufunc), slope), broadcasts=True)
    COMPOSITES[ufunc] = program_of(ufunc, primitive)


_hankel(sp.hankel1)
_hankel(sp.hankel2)


def _gamma_density(a: Array, x: Array) -> Array:
    return np.exp(sp.xlogy(a - 1, x) - x - sp.gammaln(a))


def _beta_density(a: Array, b: Array, x: Array) -> Array:
    return np.exp(sp.xlogy(a - 1, x) + sp.xlog1py(b - 1, -x) - sp.betaln(a, b))


family(sp.gammainc, lambda _y, a, x: _gamma_density(a, x))
family(sp.gammaincc, lambda _y, a, x: -_gamma_density(a, x))
family(sp.gammaincinv, lambda y, a, _x: 1 / _gamma_density(a, y))
family(sp.gammainccinv, lambda y, a, _x: -1 / _gamma_density(a, y))
family(sp.betainc, lambda _y, a, b, x: _beta_density(a, b, x))
family(sp.betaincinv, lambda y, a, b, _x: 1 / _beta_density(a, b, y))
family(
    sp.stdtr,
    lambda _y, a, x: np.exp(-sp.betaln(a / 2, 0.5) - np.log(a) / 2 - (a + 1) / 2 * np.log1p(x * x / a)),
)


def _expn_slope(_y: Array, n: Array, x: Array) -> Array:
    n = np.asarray(getattr(n, "_value", n))
    first = np.exp(-x) / x
    below = np.where(n <= 0, 1, n) - 1
    return np.where(n <= 0, -first * (1 + 1 / x), -sp.expn(below, x))


family(sp.expn, _expn_slope)
family(sp.hyp0f1, lambda _y, a, x: sp.hyp0f1(a + 1, x) / a)
family(sp.hyp1f1, lambda _y, a, b, x: a / b * sp.hyp1f1(a + 1, b + 1, x))
family(sp.hyp2f1, lambda _y, a, b, c, x: a * b / c * sp.hyp2f1(a + 1, b + 1, c + 1, x))

# -- orthogonal polynomials ----------------------------------------------------------------------------------


def _lower(polynomial: Any, n: Array, *rest: Array) -> Array:
    """Return a polynomial of degree n - 1; 0 where n is 0."""
    n = np.asarray(getattr(n, "_value", n))
    return np.where(n < 1, 0.0, polynomial(np.where(n < 1, 1, n) - 1, *rest))


family(sp.eval_legendre, lambda _y, n, x: (n + 1) / 2 * _lower(sp.eval_jacobi, n, 1, 1, x))
family(sp.eval_jacobi, lambda _y, n, a, b, x: (n + a + b + 1) / 2 * _lower(sp.eval_jacobi, n, a + 1, b + 1, x))
family(sp.eval_gegenbauer, lambda _y, n, a, x: 2 * a * _lower(sp.eval_gegenbauer, n, a + 1, x))
family(sp.eval_chebyt, lambda _y, n, x: n * _lower(sp.eval_chebyu, n, x))
family(sp.eval_chebyu, lambda _y, n, x: 2 * _lower(sp.eval_gegenbauer, n, 2, x))
family(sp.eval_hermite, lambda _y, n, x: 2 * n * _lower(sp.eval_hermite, n, x))
family(sp.eval_hermitenorm, lambda _y, n, x: n * _lower(sp.eval_hermitenorm, n, x))
family(sp.eval_laguerre, lambda _y, n, x: -_lower(sp.eval_genlaguerre, n, 1, x))
family(sp.eval_genlaguerre, lambda _y, n, a, x: -_lower(sp.eval_genlaguerre, n, a + 1, x))
