"""The user's functions, called so that they cannot hang or print into a report."""

from __future__ import annotations

import contextlib
import ctypes
import io
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

#: Seconds that one call of a user's function may take, unless the derivation says otherwise.
TIME_LIMIT = 60.0
#: Seconds until it is told so again: an exception is lost where it meets a finalizer, or code that catches everything.
AGAIN = 1.0


class TooSlow(Exception):
    """A function did not return in time."""


@contextlib.contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise TooSlow in the code inside if it takes longer than so many seconds; None is no limit.

    In the main thread of a Unix process an alarm interrupts even a sleep; elsewhere another thread raises it, at the next
    step of Python code. An alarm that somebody else has set goes off when it should, and makes ours needless if it is first.

    Examples
    --------
    >>> with time_limit(0.05):
    ...     while True:
    ...         pass
    Traceback (most recent call last):
        ...
    microgradnp.verify.guard.TooSlow: it did not return within 0.05 s
    """
    if seconds is None:
        yield
        return
    late = TooSlow(f"it did not return within {seconds:g} s")
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        if 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= seconds:  # somebody's alarm goes off before ours would
            yield
            return

        over = False

        def ring(_number: int, _frame: FrameType | None) -> None:
            if not over:
                raise late

        before = signal.signal(signal.SIGALRM, ring)
        remaining, interval = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        started = time.monotonic()
        try:
            yield
        finally:
            over = True
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before if before is not None else signal.SIG_DFL)
            if remaining:
                left = max(1e-3, remaining - (time.monotonic() - started))
                signal.setitimer(signal.ITIMER_REAL, left, interval)
        return
    thread, done, lock = threading.get_ident(), threading.Event(), threading.Lock()

    def interrupt() -> None:
        wait = seconds
        while not done.wait(wait):
            with lock:
                if not done.is_set():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TooSlow))
            wait = AGAIN

    threading.Thread(target=interrupt, daemon=True).start()
    try:
        yield
    except TooSlow:
        raise late from None
    finally:
        with lock:
            done.set()


@contextlib.contextmanager
def quietly() -> Iterator[io.StringIO]:
    r"""Keep what the code inside prints, and hand it over.

    Examples
    --------
    >>> with quietly() as printed:
    ...     print("hello")
    >>> printed.getvalue()
    'hello\n'
    """
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        yield printed


def printed_note(name: str, text: str) -> str:
    """Return a note of what a function printed."""
    first = text.strip().partition("\n")[0]
    return f"{name} prints: {first[:60]!r}{' ...' if first != text.strip() or first[60:] else ''}"
