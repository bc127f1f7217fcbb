"""The page that says which of NumPy's names differentiate, made from the table of derivatives itself.

``python -m microgradnp.support`` writes docs/support.md, and with ``--check`` fails if it is not what would be written.
"""

from __future__ import annotations

import argparse
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from microgradnp import explain
from microgradnp.files import write_whole
from microgradnp.primitives import COMPOSITES, TABLE, WIDER, network
from microgradnp.tensor import Tensor, tensor

PAGE = Path(__file__).parent.parent / "docs" / "support.md"

SPACES: dict[str, Any] = {
    "np": np,
    "np.linalg": np.linalg,
    "np.fft": np.fft,
    "np.emath": np.emath,
    "np.lib.stride_tricks": np.lib.stride_tricks,
}

METHODS = ("reduce", "accumulate", "outer", "reduceat", "at")

#: Files, dates, bits and text: nothing that anybody differentiates.
ELSEWHERE = ("save", "busday", "is_busday", "datetime", "packbits", "unpackbits", "einsum_path", "isnat")

#: What holds where a derivative is a convention, by the name of the function.
CONVENTIONS = {
    "absolute": "0 at 0",
    "fabs": "0 at 0",
    "sign": "0 everywhere",
    "maximum": "ties share the gradient equally",
    "minimum": "ties share the gradient equally",
    "fmax": "ties share the gradient equally; nan gets none",
    "fmin": "ties share the gradient equally; nan gets none",
    "max": "ties share the gradient equally",
    "min": "ties share the gradient equally",
    "ptp": "ties share the gradient equally",
    "clip": "half of the gradient at a bound",
    "norm": "0 at 0",
    "vector_norm": "0 at 0",
    "std": "0 at 0",
    "power": "derivative in the exponent is 0 at base 0",
    "relu": "0 at 0",
    "remainder": "that of `a - b * floor(a / b)`, also at its jumps",
    "sort": "equal elements keep their order",
    "median": "of equal elements the ones that the order takes",
}

STEPS = "0 everywhere (piecewise constant)"
KINKS = "at a kink or jump a one-sided or mean derivative"


def names() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Yield each namespace with its functions: those that NumPy hands to Tensors, by name, aliases joined."""
    seen: set[Any] = set()
    for space, module in SPACES.items():
        found: dict[Any, list[str]] = {}
        for name in sorted(dir(module), key=lambda n: (n.lower(), n)):
            f = getattr(module, name)
            if name.startswith("_") or isinstance(f, type) or not callable(f):
                continue
            if name.startswith(ELSEWHERE):
                continue
            if isinstance(f, np.ufunc) or hasattr(f, "_implementation") or f in TABLE or f in COMPOSITES:
                found.setdefault(f, []).append(f"{space}.{name}")
        fresh = {f: n for f, n in found.items() if f not in seen}
        seen.update(fresh)
        for f, aliases in fresh.items():  # its own name first
            own = f.__name__
            aliases.sort(key=lambda alias, own=own: alias.rsplit(".", 1)[1] != own)  # type: ignore[misc]
        yield space, sorted(((", ".join(n), f) for f, n in fresh.items()), key=lambda pair: pair[0].lower())


def row(f: Any) -> tuple[str, str, str]:
    """Return how a function differentiates, the keywords that it honours, and its convention at odd points."""
    convention = CONVENTIONS.get(f.__name__, "")
    if f in TABLE:
        entry = TABLE[f]
        keywords = list(entry.honours)
        if f in WIDER:
            keywords += [k for k in keywords_of(WIDER[f]) if k not in keywords]
        if entry.constant:
            return "plain", ", ".join(keywords), "no gradient passes: positions, truth values or counts"
        steps = entry.elementwise and all(local == 0 for local in getattr(entry, "locals", (1,)))
        return "yes", ", ".join(keywords), convention or (STEPS if steps else "" if entry.smooth else KINKS)
    if f in COMPOSITES:
        return "yes, a program of others", ", ".join(keywords_of(COMPOSITES[f])), convention
    if f in explain.VERDICTS:
        return "plain", "all of NumPy's", "no gradient passes: positions, truth values or text"
    return "", "", explain.nearest_form(f).strip()


def keywords_of(program: Callable[..., Any]) -> list[str]:
    """Return the parameters of a program that are no operands: those that are given by keyword, or have a default."""
    parameters = inspect.signature(program).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY or p.default is not p.empty]


def methods_of(f: np.ufunc) -> dict[str, str]:
    """Return the methods of a ufunc of two operands, with how each of them takes a Tensor that is being differentiated."""
    found = {}
    for method in METHODS:
        t = tensor([0.5, 0.25, 0.75], requires_grad=True)
        w = t * 1.0  # may be written to
        args = {"outer": (t, t), "reduceat": (t, [0, 1]), "at": (w, [0], 0.5)}.get(method, (t,))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                made = getattr(f, method)(*args)
            except Exception:  # refused, by us or by NumPy
                continue
        y = w if method == "at" else made
        found[method] = "yes" if isinstance(y, Tensor) and y.node is not None else "plain"
    return found


def table(head: str, rows: list[str]) -> list[str]:
    """Return the lines of a table."""
    return [f"| {head} |", "|" + "---|" * (head.count("|") + 1), *rows, ""]


def line(*cells: str) -> str:
    """Return a row of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def page() -> str:
    """Return the page."""
    version = ".".join(np.__version__.split(".")[:2])
    sections, counts, refused = [], {"yes": 0, "plain": 0, "": 0}, []
    for space, functions in names():
        rows = []
        for name, f in functions:
            kind, keywords, convention = row(f)
            counts["yes" if kind.startswith("yes") else kind] += 1
            shown = ", ".join(f"`{n}`" for n in name.split(", "))
            if kind:
                rows.append(line(shown, kind, keywords, convention))
            else:
                refused.append(line(shown, convention))
        if rows:
            sections += [f"## {space}", "", *table("name | differentiates | keywords | notes", rows)]
    ufuncs: list[np.ufunc] = [f for f in TABLE if isinstance(f, np.ufunc) and f.nin == 2 and f.nout == 1]
    ufuncs = sorted({f for f in ufuncs if vars(np).get(f.__name__) is f}, key=lambda f: f.__name__)  # not SciPy's
    methods = []
    for f in ufuncs:
        found = methods_of(f)
        if found:
            methods.append(line(f"`np.{f.__name__}`", *(found.get(m, "refused") for m in METHODS)))
    ours = sorted({p.name: p for f, p in TABLE.items() if f is p and vars(network).get(p.name) is p}.items())
    own = [line(f"`mg.{name}`", row(p)[1], row(p)[2]) for name, p in ours]
    absent = sorted(n for n in explain.absent_attributes(Tensor) if not n.startswith("_"))
    present = sorted(n for n in dir(Tensor) if not n.startswith("_") and n not in absent)
    lacking = [
        line(f"`.{n}`", str(explain.no_attribute(n)).partition(": ")[2] or str(explain.no_attribute(n))) for n in absent
    ]
    text = [
        "# What differentiates",
        "",
        f"Made from the table of derivatives by `python -m microgradnp.support`, with NumPy {version}; do not edit.",
        "",
        f"Of NumPy's functions that reach Tensors {counts['yes']} differentiate, {counts['plain']} give plain results that no",
        f"gradient passes, and {counts['']} are refused at the call, with the nearest form that works.",
        "",
        "*yes* means: in reverse and forward mode, to any order, in any nesting, for float32, float64 and, where NumPy takes",
        "them, complex numbers. The same rule serves all of these. *A program of others* is a short NumPy program of functions",
        "of this table. A keyword that is not listed is refused at the call unless it says what NumPy does anyway. At odd",
        "points the derivative is the one that the notes say.",
        "",
        *sections,
        "## Methods of ufuncs",
        "",
        *table("ufunc | " + " | ".join(METHODS), methods),
        "## Functions of ours",
        "",
        *table("name | keywords | notes", own),
        "## Tensors",
        "",
        "They have " + ", ".join(f"`{n}`" for n in present) + ".",
        "",
        "They lack, and say what to write instead:",
        "",
        *table("attribute | instead", lacking),
        "## Refused",
        "",
        "These have no rule: called on a Tensor that is being differentiated they raise NotImplementedError. On Tensors that",
        "nobody differentiates they compute plainly.",
        "",
        *table("name | nearest form", refused),
    ]
    return "\n".join(text).rstrip("\n") + "\n"


def stale(written: str) -> str:
    """Return what is wrong with the page as it is; empty if it is up to date, or was made with another NumPy."""
    version = ".".join(np.__version__.split(".")[:2])
    if f"with NumPy {version};" not in written:
        return ""
    new, old = page().splitlines(), written.splitlines()
    if new == old:
        return ""
    changed = [a for a in new if a not in old] + [b for b in old if b not in new] or ["the order of its lines"]
    differing = next((a for a in changed if a.startswith("|")), changed[0])
    return f"{PAGE.name} is not what the table says, first in: {differing}\nrun python -m microgradnp.support"


def main(argv: list[str] | None = None) -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(prog="python -m microgradnp.support", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the page is not up to date")
    if parser.parse_args(argv).check:
        wrong = stale(PAGE.read_text(encoding="utf-8"))
        print(wrong, file=sys.stderr, end="\n" if wrong else "")
        return int(bool(wrong))
    write_whole(PAGE, page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
