"""Running a user's file for the command line: what it defines, or one clear message with the file's own line."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any


class CannotCheck(Exception):
    """A file or a derivation that cannot be checked; says why."""


class TookTooLong(BaseException):
    """Not an Exception, so that no formula's own `except Exception` swallows it."""


GRACE = 10.0  # seconds after which code that cannot be interrupted ends the process


@contextlib.contextmanager
def time_limit(seconds: float, what: str) -> Iterator[None]:
    """Raise TookTooLong in what runs too long; if even that does not stop it, end the process with status 2.

    Needs the main thread and a POSIX system to interrupt; elsewhere only the end of the process is left.
    """
    if not seconds:
        yield
        return
    armed = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    done = threading.Event()

    def give_up() -> None:
        if not done.wait(seconds + (GRACE if armed else 0)):
            sys.__stderr__.write(f"{what}: took longer than {seconds:g} s and could not be interrupted\n")  # type: ignore[union-attr]
            sys.__stderr__.flush()  # type: ignore[union-attr]
            os._exit(2)

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TookTooLong

    threading.Thread(target=give_up, daemon=True).start()
    if not armed:
        try:
            yield
        finally:
            done.set()
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again every second: a bare `except:` may have eaten the first
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        done.set()


@contextlib.contextmanager
def guarded(path: Path, seconds: float, what: str, about: str) -> Iterator[None]:
    """Turn whatever a user's code does instead of returning into CannotCheck. What it prints goes to standard error.

    Parameters
    ----------
    path : Path
        The file: the message points at its last line in the traceback.
    seconds : float
        How long it may take; 0 means for ever.
    what : str
        Opens the message.
    about : str
        What the code was doing: "importing it".
    """
    start = time.monotonic()
    try:
        with contextlib.redirect_stdout(sys.stderr), time_limit(seconds, what):
            yield
    except CannotCheck:
        raise
    except TookTooLong as error:
        where = line_of(error, path)
        raise CannotCheck(
            f"{what}: {about} took longer than {time.monotonic() - start:.0f} s{where}; allow more with --timeout"
        ) from None
    except SyntaxError as error:
        line = (error.text or "").strip()
        raise CannotCheck(f"{what}, line {error.lineno}: syntax error: {error.msg}\n    {line}".rstrip()) from None
    except SystemExit as error:
        raise CannotCheck(f"{what}: {about} called sys.exit({error.code!r}){line_of(error, path)}") from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        name = type(error).__name__
        said = f"{error}" if name in ("DerivationError", "WrongDerivation") else f"{name}: {error}"
        raise CannotCheck(f"{what}: {about} failed: {said}{line_of(error, path)}") from None


def line_of(error: BaseException, path: Path) -> str:
    """Return where in a file an error came from: its innermost line there."""
    inner = error.__cause__ or error  # a DerivationError says what the user's own function raised
    frames = [f for f in traceback.extract_tb(inner.__traceback__) if f.filename == str(path)]
    return f"\n    line {frames[-1].lineno}: {frames[-1].line}" if frames else ""


def loaded(path: Path, seconds: float) -> ModuleType:
    """Run a file as a module, not as the main program, with its folder first on the path.

    Raises
    ------
    CannotCheck
        If it does not exist, is no Python, raises, exits, or takes too long.
    """
    if not path.exists():
        raise CannotCheck(f"{path}: there is no such file")
    if path.is_dir():
        raise CannotCheck(f"{path} is a folder: name a Python file in it")
    full = path.resolve()
    name = full.stem if full.stem.isidentifier() and full.stem not in sys.modules else f"_verified_{abs(hash(full))}"
    spec = importlib.util.spec_from_file_location(name, full)
    if spec is None or spec.loader is None:
        raise CannotCheck(f"{path} is no Python file: its name has to end with .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(full.parent))
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # nothing is left beside the user's file
    try:
        with guarded(full, seconds, str(path), "importing it"):
            spec.loader.exec_module(module)
    except CannotCheck:
        sys.modules.pop(name, None)
        raise
    finally:
        sys.dont_write_bytecode = before
        with contextlib.suppress(ValueError):
            sys.path.remove(str(full.parent))
    return module


def split_target(target: str) -> tuple[Path, str]:
    """Split ``FILE.py::NAME``.

    >>> split_target("work/net.py::d")[1], split_target("work/net.py")[1]
    ('d', '')
    """
    file, _, name = target.partition("::")
    return Path(file), name


def derivations_in(module: ModuleType, wanted: str, path: Path) -> dict[str, Any]:
    """Return the derivations of a module by variable name, or the one that is wanted by its variable or its title.

    Raises
    ------
    CannotCheck
        If there is none; says which there are.
    """
    from microgradnp.verify import Derivation

    found: dict[str, Any] = {}
    for name, value in vars(module).items():
        if isinstance(value, Derivation) and not any(value is other for other in found.values()):
            found[name] = value
    if not found:
        raise CannotCheck(
            f"{path} has no derivations: state one in a variable of the module, d = mg.Derivation(...), "
            "and its inputs with d.inputs(...)"
        )
    if not wanted:
        return found
    by_title = {name: d for name, d in found.items() if d.title == wanted}
    if wanted in vars(module) and isinstance(vars(module)[wanted], Derivation):
        return {wanted: vars(module)[wanted]}
    if by_title:
        return by_title
    known = ", ".join(f"{n} ({d.title})" if d.title else n for n, d in found.items())
    raise CannotCheck(f"{path} has no derivation {wanted!r}; there are {known}")
