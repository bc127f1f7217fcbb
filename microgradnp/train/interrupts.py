"""Ctrl-C: the first asks the run to stop after this update, the second stops it at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any


class Interrupts:
    """A context in which the first Ctrl-C only sets a flag.

    It does so in the main thread alone, where Python handles signals, and where nobody else does: a handler of the user's
    stays.

    Attributes
    ----------
    asked : bool
        Whether Ctrl-C was pressed.
    insisted : bool
        Whether it was pressed again; KeyboardInterrupt is being raised then.
    """

    def __init__(self) -> None:
        self.asked = self.insisted = False
        self.before: Any = None

    def __enter__(self) -> Interrupts:
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        ):
            self.before = signal.signal(signal.SIGINT, self.handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)
            self.before = None

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Do what Ctrl-C means now."""
        if self.asked:
            self.insisted = True
            raise KeyboardInterrupt
        self.asked = True
        with contextlib.suppress(Exception):
            if sys.stderr.isatty():  # written past Python's buffers: they may be in use at this moment
                os.write(2, b"\nCtrl-C: stopping after this update; press it again to stop at once\n")
