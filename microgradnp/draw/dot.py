"""The look of graphs: boxes as DOT source.

What a box is shows in its shape and line first, then in its fill, so that a picture can be printed in black
and white. Colours are tints of Okabe and Ito's palette (https://jfly.uni-koeln.de/color/). The font and the
symbols are those that every renderer has: graphviz-pure draws Helvetica as Arimo, which has no check mark.
"""

from __future__ import annotations

import html
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from microgradnp.draw.diagram import Box, Diagram, Note
from microgradnp.draw.notation import ANONYMOUS, shortened

DIRECTIONS = ("TB", "LR", "BT", "RL")
FONT = "Helvetica"
INK, PALE = "#1A1A1A", "#555555"
NAME, TEXT, SMALL = 12, 11, 9  # points
WIDTH = 72  # characters of a line in a box
NOTE = 40  # characters of a line in a note
DEPTH = 4  # of layers inside layers

LOOKS = {
    "input": {"shape": "cylinder", "fillcolor": "#DDF0FA"},
    "parameter": {"shape": "box", "penwidth": "2.6", "fillcolor": "#FBEBCB"},
    "operation": {"shape": "box", "style": "filled,rounded", "fillcolor": "#FFFFFF"},
    "output": {"shape": "box", "style": "filled,rounded", "fillcolor": "#F5E4EE", "peripheries": "2"},
    "folded": {"shape": "box", "style": "filled,dashed", "fillcolor": "#F2F2F2"},
}

LEGEND = {
    "input": "cylinder: data",
    "parameter": "thick frame: parameter",
    "operation": "rounded: operation",
    "output": "double frame: output",
    "folded": "dashed: folded",
}

#: Of each verdict: the symbol, the width and line of the frame, and the colour.
VERDICTS = {
    "correct": ("√", "2.6", "", "#00704F"),
    "wrong": ("×", "5", "", "#992F00"),
    "correct given its inputs": ("(√)", "2.6", ",dashed", "#00704F"),
    "convention": ("≈", "2.6", ",dashed", "#8A4A72"),
    "kink": ("Λ", "2.6", ",dotted", "#7A5600"),
    "unverifiable": ("?", "2.6", ",dotted", PALE),
}


def dot_source(diagram: Diagram, *, direction: str = "TB", legend: bool = True) -> str:
    """Return a diagram in the DOT language: the same text for the same diagram."""
    from graphviz import Digraph

    name = attribute(diagram.name)
    dot = Digraph(name)
    dot.attr("graph", rankdir=direction, nodesep="0.22", ranksep="0.3", pad="0.15", bgcolor="white")
    dot.attr("graph", fontname=FONT, fontsize=str(SMALL), fontcolor=PALE, labelloc="b", labeljust="l")
    dot.attr("graph", tooltip=name)
    dot.attr("node", fontname=FONT, fontsize=str(TEXT), fontcolor=INK, color=INK)
    dot.attr("node", style="filled", margin="0.1,0.04", height="0.3", width="0.4")
    dot.attr("edge", fontname=FONT, fontsize=str(SMALL), fontcolor=INK, color="#333333", arrowsize="0.6")
    lines = [*diagram.captions, *([explanation(diagram.boxes)] if legend else [])]
    texts = [f"<B>{font(diagram.title, TEXT, INK)}</B>"] if diagram.title else []
    texts += [font(line, SMALL) for line in lines if line]
    if texts:
        dot.attr("graph", label="<" + "".join(f'{text}<BR ALIGN="LEFT"/>' for text in texts) + ">")
    ids = {box: f"n{i}" for i, box in enumerate(diagram.boxes)}
    place(dot, layers(diagram.boxes), ids)
    depth: dict[Box, int] = {}
    for box in diagram.boxes:
        depth[box] = 1 + max((depth[origin] for origin, _ in box.arrows), default=0)
        for origin, mark in box.arrows:
            options = {"label": f" {mark}"} if mark else {}
            if 1 < depth[origin] == depth[box] - 1:
                options["weight"] = "8"  # the longest path runs straight
            dot.edge(ids[origin], ids[box], **options)
    return str(dot.source)


# -- layers --------------------------------------------------------------------------------------------------

Layer = dict[str, Any]  # the boxes of a layer under "", the layers inside it under their names


def layers(boxes: Iterable[Box]) -> Layer:
    """Return boxes in nested layers: ``encoder.first`` lies inside ``encoder``."""
    tree: Layer = {"": []}
    for box in boxes:
        layer = tree
        for name in box.scope.split(".", DEPTH - 1) if box.scope else ():
            layer = layer.setdefault(name, {"": []})
        layer[""].append(box)
    return tree


def place(dot: Any, layer: Layer, ids: dict[Box, str], path: str = "") -> None:
    """Write the boxes of a layer, and the layers inside it as clusters (at most `DEPTH` deep)."""
    for box in layer[""]:
        dot.node(ids[box], label(box), tooltip=tooltip(box), **look(box))
    for name, inner in layer.items():
        if name:
            with dot.subgraph(name=attribute(f"cluster_{path}{name}")) as cluster:
                cluster.attr(label=f"<<B>{shown(name)}</B>>", tooltip=attribute(path + name), fontcolor=INK)
                cluster.attr(style="rounded", color="#888888", margin="9", labelloc="t", labeljust="l")
                place(cluster, inner, ids, f"{path}{name}.")


# -- one box -------------------------------------------------------------------------------------------------


def look(box: Box) -> dict[str, str]:
    """Return the frame and the fill of a box."""
    chosen = dict(LOOKS[box.kind])
    if box.note and box.note.status:
        _, width, line, colour = VERDICTS[box.note.status]
        style = chosen.get("style", "filled") + line
        chosen |= {"penwidth": width, "style": style, "color": colour}
    return chosen


def label(box: Box) -> str:
    """Return what a box says, as an HTML-like label.

    The lines share one cell: in cells of their own graphviz-pure spaces lines of different sizes unevenly.
    """
    size = font(box.size, SMALL, PALE) if box.size else ""
    lines: list[str] = []
    if box.name:
        lines.append(f"<B>{font(shortened(box.name, WIDTH), NAME)}</B>")
    if box.formula:
        lines.append(font(shortened(box.formula, WIDTH), TEXT))
    if size:
        lines[:1] = [f"{lines[0]}  {size}" if lines else size]
    lines += [f"{font(word, SMALL, PALE)} {font(text, SMALL)}" for word, text in box.rows]
    width = least_width(box)
    cells = cell(lines, f' WIDTH="{width}"' if width else "") + (remark(box.note) if box.note else "")
    return f'<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{cells}</TABLE>>'


def remark(note: Note) -> str:
    """Return the rows of a note: the verdict in words with its symbol, and the text."""
    verdict, text, colour = "", clean(note.text), INK
    if note.status:
        symbol, _, _, colour = VERDICTS[note.status]
        verdict = f"{symbol} {'WRONG' if note.status == 'wrong' else note.status}"
        if text and len(verdict) + len(text) < NOTE - 6:
            verdict, text = f"{verdict}: {text}", ""
    lines = [font(line, SMALL) for line in textwrap.wrap(text, NOTE, max_lines=5, placeholder=" …")]
    if note.status == "wrong":  # white on dark: the strongest mark, in colour and in grey
        bar = cell([f"<B>{font(verdict, TEXT, 'white')}</B>"], f' BGCOLOR="{colour}" CELLPADDING="3"')
        return bar + (cell(lines) if lines else "")
    if verdict:
        lines.insert(0, f"<B>{font(verdict, SMALL, colour)}</B>")
    return cell(lines) if lines else ""


def cell(lines: Iterable[str], attributes: str = "") -> str:
    """Return lines as a row of a label."""
    return f"<TR><TD{attributes}>{'<BR/>'.join(lines)}</TD></TR>"


def font(text: str, size: int, colour: str = "") -> str:
    """Return a text in a size and colour, as part of an HTML-like label."""
    shade = f' COLOR="{colour}"' if colour else ""
    return f'<FONT POINT-SIZE="{size}"{shade}>{shown(text)}</FONT>'


def least_width(box: Box) -> int:
    """Return the points that a box with wide characters needs (renderers measure those too small), else 0."""
    widths = [0.0]
    for text, size in ((box.name or "", NAME), (box.formula, TEXT)):
        text = shortened(text, WIDTH)
        wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
        widths.append(size * (1.05 * wide + 0.6 * (len(text) - wide)) if wide else 0.0)
    return round(max(widths))


def tooltip(box: Box) -> str:
    """Return what is shown when the mouse rests on a box: everything, unshortened."""
    head = " = ".join(part for part in (box.name, box.formula) if part)
    rows = [f"{word} {text}" for word, text in box.rows]
    note = [": ".join(part for part in (box.note.status, box.note.text) if part)] if box.note else []
    return attribute("; ".join(part for part in (head, box.size, *rows, *note) if part))


def explanation(boxes: Sequence[Box]) -> str:
    """Return the line that explains the frames."""
    kinds = {box.kind for box in boxes}
    words = [text for kind, text in LEGEND.items() if kind in kinds]
    if "input" in kinds and "parameter" not in kinds:
        words[0] = "cylinder: input"
    if any(ANONYMOUS in box.formula for box in boxes):
        words.append(f"{ANONYMOUS}: what the arrow brings")
    return ",  ".join(words)


# -- text ----------------------------------------------------------------------------------------------------


def clean(text: str) -> str:
    r"""Return a text without what no file can hold: control characters and halves of surrogate pairs.

    >>> clean("a\tb\x07\ud800")
    'a b��'
    """
    spaced = "".join(" " if c.isspace() else c for c in text)
    unfit = {c for c in spaced if unicodedata.category(c) in ("Cc", "Cs")}
    return "".join("\N{REPLACEMENT CHARACTER}" if c in unfit else c for c in spaced)


def shown(text: str) -> str:
    r"""Return a text as part of an HTML-like label, in which Graphviz reads escapes like ``\N`` all the same.

    >>> print(shown(r"a<b \N"))
    a&lt;b \\N
    """
    return html.escape(clean(text)).replace("\\", r"\\")


def attribute(text: str) -> str:
    """Return a text as the value of an attribute."""
    from graphviz import escape, nohtml

    return str(nohtml(escape(html.escape(clean(text), quote=False))))
