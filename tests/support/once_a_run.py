"""What is costly to make: made once a run and shared by its workers, each of which would else make it again."""

from __future__ import annotations

import fcntl
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Made = TypeVar("Made")

folder: Path | None = None
"""The workers' common folder of this run; None where there is but one process."""


def once(name: str, make: Callable[[], Made]) -> Made:
    """What ``make`` gives, of the worker that asks first; the others wait for it. It must be picklable."""
    if folder is None:
        return make()
    place = folder / f"{name}.pickle"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if place.exists():
            made: Made = pickle.loads(place.read_bytes())
            return made
        made = make()
        half = place.with_suffix(".half")
        half.write_bytes(pickle.dumps(made))
        half.rename(place)
        return made
