"""How much work a search may do."""

from __future__ import annotations

from time import thread_time


class Effort:
    """A budget of work, the same on every machine, and an outer limit in seconds for arrays that take long.

    Parameters
    ----------
    work : float
        About as many microseconds on an idle machine.
    seconds : float
        Of processor time.
    """

    def __init__(self, work: float, seconds: float) -> None:
        self.work, self.seconds = work, seconds
        self.since: float | None = None

    def resume(self) -> None:
        """Count the time from here on."""
        self.since = thread_time()

    def pause(self) -> None:
        """Stop counting the time."""
        if self.since is not None:
            self.seconds -= thread_time() - self.since
            self.since = None

    def spend(self, cost: float) -> bool:
        """Return whether something of this cost may still be done, and take it off."""
        self.work -= cost
        return self.work > 0 and (self.since is None or thread_time() - self.since < self.seconds)
