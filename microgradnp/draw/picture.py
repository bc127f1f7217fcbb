"""Pictures of graphs: DOT source, and the programs that draw it."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from microgradnp.files import write_whole

#: What `Picture.save` writes, by suffix.
SUFFIXES = (".svg", ".png", ".pdf", ".dot", ".gv")


class Picture:
    """A graph in the DOT language, which `dot` or `graphviz-pure` draws. Made by `draw`.

    Attributes
    ----------
    source : str
        The picture in the DOT language.

    Examples
    --------
    >>> import microgradnp as mg
    >>> w = mg.tensor(2.0, requires_grad=True, name="w")
    >>> picture = mg.draw(w * w)
    >>> picture.svg()[:5]
    '<?xml'
    """

    def __init__(self, source: str, name: str = "graph", size: int = 0) -> None:
        self.source = source
        self._name = name
        self._size = size

    def __repr__(self) -> str:
        return f'<Picture of {self._name}: {self._size} boxes; .save("graph.svg") writes it>'

    def svg(self) -> str:
        """Return the picture as SVG."""
        return render(self.source, "svg").decode("utf-8")

    def _repr_svg_(self) -> str:
        return self.svg()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file, in the format that its suffix names.

        Parameters
        ----------
        path : str or Path
            Ends with ``.svg``, ``.png``, ``.pdf``, ``.dot`` or ``.gv`` (the source).

        Returns
        -------
        Path
            The file that was written.

        Raises
        ------
        ValueError
            If the suffix is none of these.
        FileNotFoundError
            If the folder does not exist.
        RuntimeError
            If no program is installed that draws the picture, or it failed.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            raise ValueError(f"cannot write {str(path)!r}: the ending must be one of {', '.join(SUFFIXES)}")
        if not path.parent.is_dir():
            raise FileNotFoundError(
                f"cannot write {path.name!r}: there is no folder {str(path.parent)!r}; make it first"
            )
        source = suffix in (".dot", ".gv")
        write_whole(path, self.source.encode("utf-8") if source else render(self.source, suffix[1:]))
        return path


# -- the programs that draw ----------------------------------------------------------------------------------


def render(source: str, format: str) -> bytes:
    """Return a picture in a format: by ``dot`` where it is installed, else by ``graphviz-pure``."""
    failures: list[str] = []
    for program in programs():
        try:
            if format == "pdf" and Path(program).stem == "graphviz-pure":  # which writes none
                return pdf(run(program, source, "svg"))
            return run(program, source, format)
        except RuntimeError as error:
            failures.append(str(error))
    if not failures:
        failures.append("neither `dot` nor `graphviz-pure` was found (pip install graphviz-pure)")
    why = "; ".join(failures)
    raise RuntimeError(f"no {format.upper()} of the picture: {why}. Saved as .dot it can be drawn elsewhere")


def programs() -> list[str]:
    """Return the programs that draw, the preferred one first.

    `graphviz-pure` lies beside the running Python, which need not be on the PATH.
    """
    beside = [sysconfig.get_path("scripts"), os.path.dirname(sys.executable or "")]
    folders = [folder for folder in (*beside, os.environ.get("PATH", os.defpath)) if folder]
    pure = shutil.which("graphviz-pure", path=os.pathsep.join(folders))
    return [program for program in (shutil.which("dot"), pure) if program]


def run(program: str, source: str, format: str) -> bytes:
    """Return what a program makes of a source, or raise RuntimeError with its complaint."""
    command = [program, f"-T{format}", *(["-Gdpi=160"] if format == "png" else [])]
    undated = os.environ | {"SOURCE_DATE_EPOCH": "0"}  # the same picture is the same file
    try:
        done = subprocess.run(command, input=source.encode(), capture_output=True, env=undated, check=False)
    except OSError as error:
        raise RuntimeError(f"{program} did not start ({error})") from error
    if done.returncode or not done.stdout:
        complaint = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = complaint[0] if complaint else f"exit status {done.returncode}"
        raise RuntimeError(f"{program} failed ({reason})")
    return done.stdout


def pdf(svg: bytes) -> bytes:
    """Return an SVG picture as PDF, by the optional `svglib`."""
    try:
        from reportlab.graphics import renderPDF
        from reportlab.pdfgen.canvas import Canvas
        from svglib.fonts import register_font
        from svglib.svglib import svg2rlg
    except ImportError as error:
        raise RuntimeError(
            'PDF needs svglib (pip install "microgradnp[pdf]") or Graphviz with its `dot`; SVG and PNG do not'
        ) from error
    import matplotlib

    # Every PDF has Helvetica's Latin letters. Other text is set in matplotlib's font, which is wider.
    fonts = Path(matplotlib.get_data_path(), "fonts", "ttf")
    for weight, name in (("normal", "DejaVuSans.ttf"), ("bold", "DejaVuSans-Bold.ttf")):
        register_font("DejaVu Sans", str(fonts / name), weight=weight)
    tree = ElementTree.fromstring(svg)
    for element in tree.iter("{http://www.w3.org/2000/svg}text"):
        letters = (element.text or "").replace("\N{MINUS SIGN}", "-")
        if letters.encode("cp1252", "ignore").decode("cp1252") != letters:
            element.set("font-family", "DejaVu Sans")
            element.set("font-size", f"{0.87 * float(element.get('font-size', '10')):.2f}")
    drawing: Any = svg2rlg(io.BytesIO(ElementTree.tostring(tree)))
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(drawing.width, drawing.height), invariant=1)  # without a date
    renderPDF.draw(drawing, canvas, 0, 0)
    canvas.save()
    return buffer.getvalue()
