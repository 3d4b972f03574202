"""How much work something is, counted instead of timed: the same on every machine; and time, less what others took."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path


def calls(work: Callable[[], object]) -> int:
    """How many functions, Python's and C's, are called to do it."""
    count = 0

    def tally(_: object, event: str, __: object) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1

    before = sys.getprofile()
    sys.setprofile(tally)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def growth(work: Callable[[int], Callable[[], object]], small: int, times: int) -> float:
    """How the work grows from ``small`` to ``times`` as much, as a multiple of linear: about 1 when it is linear.

    ``work`` prepares what is done for a size.
    """
    work(small)()  # what is loaded at first use is no part of it
    return calls(work(small * times)) / (times * calls(work(small)))


_QUEUED = Path("/proc/thread-self/schedstat")
_OTHERS = 4.0
"""For each second that this thread waits for a processor, those it works with (a server's thread) wait too."""


class Stopwatch:
    """Seconds since it was made, without those that a busy machine kept us waiting for a processor.

    On an idle machine, and where the system does not tell (only Linux does), these are seconds of the clock.
    """

    def __init__(self) -> None:
        self._begun = self._now()

    def seconds(self) -> float:
        return self._now() - self._begun

    def _now(self) -> float:
        queued = int(_QUEUED.read_text().split()[1]) / 1e9 if _QUEUED.exists() else 0.0
        return time.monotonic() - _OTHERS * queued
