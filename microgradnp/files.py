"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file so that nobody ever sees half of it: under another name first, then in its place.

    Parameters
    ----------
    path : Path
        An existing file is replaced; its folder must exist.
    content : bytes or str
        Text is encoded as UTF-8.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
