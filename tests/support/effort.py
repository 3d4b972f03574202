"""How much work something is, counted instead of timed: the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable


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
