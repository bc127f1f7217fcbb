"""The page: one HTML file made of a template, a style sheet, scripts and a recording."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from microgradnp.files import write_whole

#: The order in which the scripts of the page need each other.
SCRIPTS = ("base.js", "curves.js", "space.js", "regions.js", "layers.js", "player.js")


class Playback:
    """A page that plays a training run. Made by `playback`.

    It shows itself in Jupyter, in a frame of its own, and `save` writes it as one file that needs nothing else.

    Attributes
    ----------
    html : str
        The page.
    """

    def __init__(self, html: str, said: str, height: int) -> None:
        self.html = html
        self._said = said
        self._height = height

    def __repr__(self) -> str:
        return f'<Playback of {self._said}; .save("playback.html") writes it>'

    def _repr_html_(self) -> str:
        """Return the page in a frame, so that it and the notebook do not disturb each other."""
        return (
            f'<iframe srcdoc="{escape(self.html)}" sandbox="allow-scripts allow-modals" title="Playback of a training run" '
            f'style="width:100%;height:{self._height}px;border:0;resize:vertical"></iframe>'
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, as a whole or not at all. The same run gives the same bytes.

        Parameters
        ----------
        path : str or path
            Ends with ``.html`` or ``.htm``.

        Returns
        -------
        Path
            The file that was written.

        Raises
        ------
        ValueError
            If the ending is another.
        FileNotFoundError
            If the folder does not exist.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"cannot write {str(path)!r}: a playback is a page, and its file must end with .html")
        if not path.parent.is_dir():
            raise FileNotFoundError(
                f"cannot write {path.name!r}: there is no folder {str(path.parent)!r}; make it first"
            )
        write_whole(path, self.html)
        return path


def page_of(title: str, recording: Mapping[str, Any]) -> str:
    """Return the page that plays a recording."""
    template, sheet, script = _files()
    # A "<" in a text would end the element that the data stand in.
    data = json.dumps(recording, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return Template(template).substitute(
        title=escape(title or "A training run, played back"),
        heading=escape(title),
        style=sheet,
        style_hash=_hash(sheet),
        script=script,
        script_hash=_hash(script),
        recording=data,
    )


@cache
def _files() -> tuple[str, str, str]:
    """Return template, style sheet and script of the page, which are files of this package."""
    folder = resources.files("microgradnp.draw.playback_page")
    template, sheet, *scripts = (
        folder.joinpath(name).read_text("utf-8") for name in ("page.html", "page.css", *SCRIPTS)
    )
    return template, sheet, "".join(["(() => {\n", '"use strict";\n', *scripts, "})();\n"])


def _hash(text: str) -> str:
    """Return what the page's content security policy names a script by: no other one will run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
