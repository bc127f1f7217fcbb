"""Constants by the names that derivations have for them: 1/m, 2, 1/sqrt(d), 1/ln 2, a learning rate, a keep probability."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

NUMBERS: dict[str, float] = {
    "2": 2.0, "1/2": 0.5, "3": 3.0, "1/3": 1 / 3, "4": 4.0, "1/4": 0.25, "ln 2": math.log(2), "1/ln 2": 1 / math.log(2),
    "ln 10": math.log(10), "1/ln 10": 1 / math.log(10), "pi": math.pi, "1/pi": 1 / math.pi, "2 pi": 2 * math.pi,
    "10": 10.0, "1/10": 0.1,
}  # fmt: skip


def constant_name(c: float, names: Mapping[str, Any]) -> str:
    """Return a constant in terms of the user's sizes and numbers, if it is one that derivations know; else "".

    Parameters
    ----------
    c : float
    names : dict
        The user's values by name.
    """
    if not c or not math.isfinite(c):
        return ""
    if abs(c + 1) < 1e-9:
        return "-1"
    for negative, prefix in ((False, ""), (True, "-")):
        for name, value in known_constants(names):
            if value and abs((-c if negative else c) / value - 1) < 1e-8:
                return f"{prefix}({name})" if negative else name
    return ""


def known_constants(names: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return the constants that a derivation may have, by name: the plain ones first."""
    known = list(NUMBERS.items())
    sizes: dict[int, str] = {}
    arrays = {n: v for n, v in names.items() if isinstance(v, np.ndarray) and not n.startswith("_")}
    for name, value in arrays.items():
        for axis, n in enumerate(value.shape):
            if n > 1:
                sizes.setdefault(n, f"{name}.shape[{axis}]")
    for name, value in arrays.items():
        if value.size > 1:
            sizes.setdefault(value.size, f"{name}.size")
    for n, where in sizes.items():
        known += [
            (f"{n} = {where}", float(n)), (f"1/{n}, with {n} = {where}", 1 / n), (f"2/{n}, with {n} = {where}", 2 / n),
            (f"{n}/2, with {n} = {where}", n / 2), (f"1/(2 * {n}), with {n} = {where}", 0.5 / n),
            (f"2 * {n}, with {n} = {where}", 2.0 * n),
            (f"sqrt({n}), with {n} = {where}", math.sqrt(n)), (f"1/sqrt({n}), with {n} = {where}", 1 / math.sqrt(n)),
        ]  # fmt: skip
    for name, value in names.items():
        if (
            isinstance(value, int | float | np.generic)
            and np.ndim(value) == 0
            and not isinstance(value, bool | np.bool_)
        ):
            if np.asarray(value).dtype.kind not in "fiu" or name.startswith("_"):
                continue
            v = float(value)
            if v and v != 1 and math.isfinite(v):
                known += [
                    (name, v),
                    (f"1/{name}", 1 / v),
                    (f"2 * {name}", 2 * v),
                    (f"{name}/2", v / 2),
                    (f"{name}**2", v * v),
                    (f"1/(2 * {name})", 0.5 / v),
                    (f"1/{name}**2", 1 / (v * v)),
                ]
                if 0 < v < 1:  # a rate: of dropout, of a moving average
                    known += [(f"1 - {name}", 1 - v), (f"1/(1 - {name})", 1 / (1 - v))]
                if v > 0:
                    known += [(f"sqrt({name})", math.sqrt(v)), (f"1/sqrt({name})", 1 / math.sqrt(v))]
    return known
