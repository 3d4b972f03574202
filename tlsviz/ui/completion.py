"""What the line on the home screen may mean: targets of before, and paths."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from textual.suggester import Suggester

from tlsviz.ui.recent import Recent

_SUFFIXES = (".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz")
_MOST_ENTRIES = 2000
_MOST_SAMPLES = 8


class TargetSuggester(Suggester):
    """Completes with a recent target, else with a folder or capture on disk."""

    def __init__(self, recent: Recent) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._recent = recent

    async def get_suggestion(self, value: str) -> str | None:
        if not value:
            return None
        return await asyncio.to_thread(self._suggest, value)

    def _suggest(self, value: str) -> str | None:
        for entry in self._recent.load():
            if entry.text.startswith(value) and entry.text != value:
                return entry.text
        return complete_path(value)


def complete_path(value: str) -> str | None:
    """The first folder or capture file, by name, whose path begins as ``value`` does; None if there is none."""
    if "\0" in value or "://" in value:
        return None
    folder, start = os.path.split(_from_home(value))
    found: list[str] = []
    try:
        with os.scandir(folder or ".") as entries:
            for _, entry in zip(range(_MOST_ENTRIES), entries, strict=False):
                if not entry.name.startswith(start) or (entry.name.startswith(".") and not start):
                    continue
                if entry.is_dir():
                    found.append(entry.name + "/")
                elif entry.name.lower().endswith(_SUFFIXES):
                    found.append(entry.name)
    except (OSError, ValueError):
        return None
    # A bare word is more likely a host than a folder of this directory.
    if not folder:
        found = [name for name in found if not name.endswith("/")]
    best = min(found, default=None)
    return None if best is None or best == start else value[: len(value) - len(start)] + best


def _from_home(value: str) -> str:
    """The path with a leading ``~/`` spelt out; a trailing slash, which says "inside", stays."""
    return f"{Path.home()}/{value[2:]}" if value.startswith("~/") else value


def sample_captures() -> list[Path]:
    """The sample captures of a source checkout, or of a `captures` folder here."""
    for folder in (Path("captures"), Path(__file__).parents[2] / "captures"):
        try:
            found = sorted(path for path in folder.iterdir() if path.name.endswith(_SUFFIXES))
        except OSError:
            continue
        if found:
            return found[:_MOST_SAMPLES]
    return []
