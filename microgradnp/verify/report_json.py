"""A report as JSON, and back.

The document is an object with ``schema`` ("microgradnp/report"), ``version`` (an integer; a reader refuses a later one),
``title``, ``ok``, ``first_mistake`` (the name of a claim, or null) and ``verdicts``, a list of objects: ``name``, ``of``,
``kind``, ``status``, ``ok``, ``cause`` (or null), ``explanation``, ``error``, ``formula``, ``right_formula``, ``notes``,
``entry`` (index and the three witnesses there, as numbers), ``wrong_entries`` (how many, or null), and the arrays
``hand``, ``autodiff``, ``differences``, ``wrong``, ``kinks``: null (also for more than 50,000 entries) or
 ``{"shape", "dtype", "values"}`` with the entries in C
order. Numbers that JSON does not have are the strings "nan", "inf" and "-inf".
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from microgradnp.verify.judgement import Cause, Status
from microgradnp.verify.report import Report, Verdict

SCHEMA, VERSION = "microgradnp/report", 1
LARGE = 50_000  # entries; larger arrays are left out
ARRAYS = ("hand", "autodiff", "differences", "wrong", "kinks")


def encoded(report: Report, *, arrays: bool = True) -> dict[str, Any]:
    """Return a report as what `json.dumps` takes."""
    first = report.first_mistake
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "title": report.title,
        "ok": report.ok,
        "first_mistake": None if first is None else first.name,
        "verdicts": [encoded_verdict(v, arrays) for v in report],
    }


def encoded_verdict(v: Verdict, arrays: bool) -> dict[str, Any]:
    """Return one verdict as what `json.dumps` takes."""
    at = v.worst()
    entry = None
    if at is not None:
        values = {
            key: number(float(np.asarray(value)[at]))
            for key, value in (("hand", v.hand), ("autodiff", v.autodiff), ("differences", v.differences))
            if value is not None and np.asarray(value).dtype.kind in "biuf"
        }
        entry = {"index": list(at), **values}
    found = {
        "name": v.name,
        "of": v.of,
        "kind": v.kind,
        "status": str(v.status),
        "ok": v.ok,
        "cause": None if v.cause is None else str(v.cause),
        "explanation": v.explanation,
        "error": number(v.error),
        "formula": v.formula,
        "right_formula": v.right_formula,
        "notes": list(v.notes),
        "entry": entry,
        "wrong_entries": None if v.wrong is None else int(np.sum(v.wrong)),
    }
    return found | {key: array(getattr(v, key)) if arrays else None for key in ARRAYS}


def number(x: float) -> float | str:
    """Return a number, or the word for one that JSON does not have.

    >>> number(0.5), number(float("inf")), number(float("nan"))
    (0.5, 'inf', 'nan')
    """
    x = float(x)
    return x if math.isfinite(x) else str(x)


def array(value: Any) -> dict[str, Any] | None:
    """Return an array of numbers as an object; None for anything else."""
    if value is None:
        return None
    try:
        a = np.asarray(value)
    except ValueError:  # lists of unequal lengths
        return None
    if a.dtype.kind not in "biuf":
        return None
    if a.size > LARGE:
        return None
    values = a.ravel().tolist()
    if a.dtype.kind == "f" and not np.all(np.isfinite(a)):
        values = [number(x) for x in values]
    return {"shape": list(a.shape), "dtype": str(a.dtype), "values": values}


def decoded(text: str) -> Report:
    """Return the report that a JSON text holds."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"this is no report: it is no JSON ({error})") from error
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        what = found.get("schema") if isinstance(found, dict) else type(found).__name__
        raise ValueError(f"this is no report: its schema is {what!r}, not {SCHEMA!r}")
    if found.get("version", 0) > VERSION:
        raise ValueError(f"this report has version {found['version']}; this microgradnp reads up to {VERSION}")
    try:
        verdicts = [decoded_verdict(v) for v in found["verdicts"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"this report is damaged: {error!r}") from error
    return Report(found.get("title", ""), verdicts, None, None)


def decoded_verdict(v: dict[str, Any]) -> Verdict:
    """Return one verdict."""
    right = v["right_formula"]
    return Verdict(
        name=v["name"],
        of=v["of"],
        kind=v["kind"],
        status=Status(v["status"]),
        cause=None if v["cause"] is None else Cause(v["cause"]),
        explanation=v["explanation"],
        error=float(v["error"]),
        formula=v["formula"],
        notes=list(v["notes"]),
        derive=lambda: right,
        **{key: decoded_array(v[key]) for key in ARRAYS},
    )


def decoded_array(value: dict[str, Any] | None) -> Any:
    """Return an array."""
    if value is None:
        return None
    values = value["values"]
    if np.dtype(value["dtype"]).kind == "f":
        values = [float(x) for x in values]
    return np.array(values, dtype=value["dtype"]).reshape(value["shape"])[()]
