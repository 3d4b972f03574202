"""Remembering what pure functions made of short lists: programs are few, their connections many."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar, cast

MOST, LONGEST = 1024, 256

F = TypeVar("F", bound=Callable[..., Any])


def remembering(function: F) -> F:
    """A function of hashable arguments that remembers its last `MOST` results.

    Not those of tuples longer than `LONGEST`: a peer may send any number of them.
    """
    known = lru_cache(MOST)(function)

    @wraps(function)
    def quick(*args: Any) -> Any:
        for each in args:
            if type(each) is tuple and len(each) > LONGEST:
                return function(*args)
        return known(*args)

    return cast("F", quick)
