"""A report as an HTML page that needs nothing else: no network, no files, no script to be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from microgradnp.verify import heat
from microgradnp.verify.judgement import Status
from microgradnp.verify.report import SYMBOLS, Report, Verdict
from microgradnp.verify.report_text import marked

CLASSES = {
    Status.CORRECT: "good",
    Status.WRONG: "bad",
    Status.GIVEN: "given",
    Status.CONVENTION: "good",
    Status.KINK: "good",
    Status.UNVERIFIABLE: "unknown",
}

STYLE = """
.mgr{--paper:#fff;--ink:#1b1b1b;--soft:#5a5a5a;--line:#d5d5d5;--shade:#f5f5f3;--good:#00694c;--bad:#b03a00;--given:#7a5b00;
--unknown:#8a2d68;--mark:#ffe2c6;color:var(--ink);background:var(--paper);font:16px/1.5 system-ui,sans-serif;
max-width:62rem;margin:0 auto;padding:1rem;box-sizing:border-box;overflow-wrap:anywhere}
@media (prefers-color-scheme:dark){.mgr{--paper:#161616;--ink:#ececec;--soft:#b0b0b0;--line:#444;--shade:#222;--good:#4cd3a4;
--bad:#ff9a66;--given:#e8c04a;--unknown:#f09ad0;--mark:#6b3a12}html{background:#161616}}
.mgr h1{font-size:1.5rem;line-height:1.25;margin:.2rem 0}.mgr h2{font-size:1.15rem;margin:1.6rem 0 .5rem}
.mgr p{margin:.4rem 0}.mgr .soft{color:var(--soft)}
.mgr .good{color:var(--good)}.mgr .bad{color:var(--bad)}.mgr .given{color:var(--given)}.mgr .unknown{color:var(--unknown)}
.mgr details{border:1px solid var(--line);border-radius:6px;margin:.4rem 0;background:var(--paper)}
.mgr summary{cursor:pointer;padding:.5rem .7rem;display:flex;flex-wrap:wrap;gap:.2rem .8rem;align-items:baseline}
.mgr summary::before{content:"\\25B8";color:var(--soft)}.mgr details[open]>summary::before{content:"\\25BE"}
.mgr summary::-webkit-details-marker{display:none}
.mgr summary:focus-visible,.mgr button:focus-visible{outline:3px solid #0072b2;outline-offset:1px}
.mgr summary .name{font-weight:600}.mgr summary .status{margin-left:auto;font-weight:600;white-space:nowrap}
.mgr .inside{padding:.2rem .9rem .8rem;border-top:1px solid var(--line)}
.mgr .pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr));gap:.6rem;margin:.5rem 0}
.mgr .pair>div{background:var(--shade);border-radius:4px;padding:.4rem .6rem}
.mgr pre{font:.92rem/1.45 ui-monospace,Menlo,Consolas,monospace;margin:.2rem 0;white-space:pre-wrap}
.mgr .label{font-size:.8rem;color:var(--soft)}
.mgr mark{background:var(--mark);color:inherit;border-bottom:2px solid var(--bad);border-radius:2px}
.mgr .heats{display:flex;flex-wrap:wrap;gap:1rem;margin:.6rem 0}.mgr figure{margin:0;max-width:100%;overflow-x:auto}
.mgr figcaption{font-size:.8rem;color:var(--soft)}.mgr .heat{image-rendering:pixelated;border:1px solid var(--line);background:#fff}
.mgr table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
.mgr td,.mgr th{padding:.15rem .9rem .15rem 0;text-align:left;border-bottom:1px solid var(--line)}
.mgr .scroll{overflow-x:auto}.mgr td,.mgr th{white-space:nowrap}.mgr figcaption{max-width:17rem}
.mgr td.n{font-family:ui-monospace,Menlo,Consolas,monospace}
.mgr .first{border-left:5px solid var(--bad);background:var(--shade);padding:.5rem .9rem;border-radius:4px;margin:.8rem 0}
.mgr .graph{overflow-x:auto;background:#fff;border:1px solid var(--line);padding:.4rem}.mgr .graph svg{max-width:100%;height:auto}
.mgr button{font:inherit;color:inherit;background:var(--shade);border:1px solid var(--line);border-radius:4px;padding:.1rem .6rem}
@media print{.mgr{max-width:none;font-size:10pt;--paper:#fff;--ink:#000;--soft:#444;--line:#bbb;--shade:#f5f5f3;--good:#00694c;
--bad:#b03a00;--given:#7a5b00;--unknown:#8a2d68;--mark:#ffe2c6}.mgr button{display:none}
.mgr details,.mgr figure,.mgr .pair{break-inside:avoid}
.mgr h2,.mgr summary{break-after:avoid}.mgr .heats{gap:.5rem}.mgr figcaption{max-width:12rem}
.mgr .graph{border:0;padding:0}.mgr .graph svg{max-height:22cm}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""

#: Without it all works but one button, and printing opens no fold.
SCRIPT = """
(function(){var all=function(){return document.querySelectorAll('.mgr details')},
open=function(yes){all().forEach(function(d){d.open=yes})};
document.querySelectorAll('.mgr button').forEach(function(b){b.hidden=false;b.addEventListener('click',function(){
var yes=b.getAttribute('aria-pressed')!=='true';open(yes);b.setAttribute('aria-pressed',yes);
b.textContent=yes?'Close all':'Open all'})});
var were=[];addEventListener('beforeprint',function(){were=[];all().forEach(function(d){were.push(d.open);d.open=true})});
addEventListener('afterprint',function(){all().forEach(function(d,i){d.open=were[i]})})})();
"""


def page(reports: Sequence[tuple[str, Report | str]], *, graph: bool = True) -> str:
    """Return a whole page of reports: (name, report), or (name, why it could not be checked)."""
    titles = [r.title if isinstance(r, Report) and r.title else name for name, r in reports]
    title = titles[0] if len(titles) == 1 and titles[0] else "Verdict on a derivation"
    bodies = []
    for name, found in reports:
        if isinstance(found, Report):
            bodies.append(section(found, graph, name))
        else:
            bodies.append(
                f'<section><h1>{safe(name)}</h1><p class="unknown"><b>? could not be checked</b></p>'
                f"<pre>{safe(found)}</pre></section>"
            )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{safe(title)}</title>\n<style>html,body{{margin:0}}{STYLE}</style>\n</head>\n<body>\n"
        f'<main class="mgr">\n{"".join(bodies)}\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n'
    )


def fragment(report: Report) -> str:
    """Return a report for a notebook: the same rows that fold, without the graph."""
    return f'<div class="mgr"><style>{STYLE}</style>{section(report, False, "", button=False)}</div>'


def section(report: Report, graph: bool, name: str, *, button: bool = True) -> str:
    """Return one report: its verdict, the first mistake, a row for each claim, the graph."""
    right, total = sum(v.ok for v in report), len(report)
    state = ("good", "✓") if report.ok else ("bad", "✗") if report.first_mistake else ("unknown", "?")
    counts = ", ".join(
        f"{sum(v.status is s for v in report)} {s}" for s in SYMBOLS if any(v.status is s for v in report)
    )
    parts = ["<section>", f"<h1>{safe(report.title or name or 'Derivation')}</h1>"]
    parts.append(
        f'<p><b class="{state[0]}">{state[1]} {right} of {total} claims are right</b> '
        f'<span class="soft">({safe(counts)})</span></p>'
    )
    first = report.first_mistake
    if first is not None:
        parts.append(f'<div class="first"><h2>The first mistake: {safe(first.name)}</h2>')
        parts.append(f"<p>{code_spans(first.sentence())}</p>{both(first)}</div>")
    parts.append("<h2>Claims</h2>")
    if button and total > 1:
        parts.append('<p><button type="button" hidden aria-pressed="false">Open all</button></p>')
    parts += [row(v, v is first or total == 1) for v in report]
    if graph and report.graph is not None:
        parts.append(drawn(report))
    return "\n".join([*parts, "</section>"])


def row(v: Verdict, opened: bool) -> str:
    """Return one claim as a row that unfolds."""
    kind = CLASSES[v.status]
    head = (
        f'<summary><span class="name">{safe(v.name)}</span> <span class="soft">{safe(v.title)}</span> '
        f'<span class="status {kind}">{SYMBOLS[v.status]} {safe(str(v.status))}</span></summary>'
    )
    inside = []
    if v.explanation:
        inside.append(f"<p>{code_spans(v.explanation)}</p>")
    if v.cause is not None:
        inside.append(f'<p class="soft">cause: {safe(str(v.cause))}</p>')
    inside += [both(v), numbers(v), heats(v)]
    inside += [f'<p class="soft">{code_spans(note)}</p>' for note in v.notes]
    return f'<details{" open" if opened else ""}>{head}<div class="inside">{"".join(inside)}</div></details>'


def both(v: Verdict) -> str:
    """Return the user's formula beside the right one, with what differs marked."""
    hand, right = v.formula, v.right_formula
    boxes = []
    for label, text, other in (("by hand", hand, right), ("right", right, hand)):
        if text:
            body = highlighted(text, other) if other and v.status is Status.WRONG else safe(text)
            boxes.append(f'<div><span class="label">{label}</span><pre>{body}</pre></div>')
    return f'<div class="pair">{"".join(boxes)}</div>' if boxes else ""


def highlighted(text: str, other: str) -> str:
    """Return a formula with the parts that the other has not."""
    return "".join(f"<mark>{safe(part)}</mark>" if differs else safe(part) for part, differs in marked(text, other))


def numbers(v: Verdict) -> str:
    """Return the three witnesses at the entry that disagrees most."""
    index, *values = v.witnesses()
    cells = "".join(f'<td class="n">{safe(x)}</td>' for x in values)
    error = "" if np.isnan(v.error) else f"{v.error:.1e}"
    count = ""
    if v.wrong is not None and np.size(v.wrong) > 1 and np.any(v.wrong):
        count = f"<p>{int(np.sum(v.wrong)):,} of {np.size(v.wrong):,} entries disagree</p>"
    return (
        '<div class="scroll"><table><tr><th>entry</th><th>by hand</th><th>autodiff</th><th>differences</th><th>error</th></tr>'
        f'<tr><td class="n">{safe(index) or "all"}</td>{cells}<td class="n">{error}</td></tr></table></div>{count}'
    )


def heats(v: Verdict) -> str:
    """Return pictures of what was given, what is true, and their difference, where there is one."""
    if v.ok or v.hand is None or v.autodiff is None or np.size(v.autodiff) < 2:
        return ""
    try:
        hand, true = np.asarray(v.hand, dtype=np.float64), np.asarray(v.autodiff, dtype=np.float64)
    except (TypeError, ValueError):
        return ""
    scale = max(largest(hand), largest(true))
    figures = [("by hand", hand, scale, None), ("true", true, scale, None)]
    if hand.shape == true.shape:
        with np.errstate(all="ignore"):
            gap = hand - true
        framed = max(heat.as_matrix(gap).shape) <= heat.CELLS
        label = "difference (frames: entries that disagree)" if framed else "difference"
        figures.append((label, gap, largest(gap), v.wrong))
    shown = []
    for label, a, size, wrong in figures:
        words = f"{label}, shape {a.shape}, colours from −{size:.3g} (orange) to {size:.3g} (purple)"
        shown.append(
            f"<figure>{heat.picture(a, size, f'{v.name}: {words}', wrong)}<figcaption>{safe(words)}</figcaption></figure>"
        )
    return f'<div class="heats">{"".join(shown)}</div>'


def largest(a: Any) -> float:
    """Return the largest finite size in an array."""
    finite = np.abs(a[np.isfinite(a)])
    return float(finite.max(initial=0.0))


def drawn(report: Report) -> str:
    """Return the graph, coloured by verdict."""
    try:
        svg = report.draw().svg()
    except (RuntimeError, ValueError) as error:  # no program that draws
        return f'<h2>Graph</h2><p class="soft">not drawn: {safe(str(error))}</p>'
    svg = re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>", "", svg, flags=re.DOTALL)
    return (
        f'<h2>Graph</h2><div class="graph" role="img" aria-label="the graph, coloured by verdict">{svg.strip()}</div>'
    )


def code_spans(text: str) -> str:
    """Return a sentence with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", safe(text))


def safe(text: str) -> str:
    """Return a text of the user's that is no markup, and shows what cannot be seen."""
    return escape("".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text))
