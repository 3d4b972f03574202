"""What the line on the home screen may mean: targets of before, and paths."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from textual.suggester import Suggester

from tlsviz.ui.recent import Recent

_SUFFIXES = (".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz")
_MOST_ENTRIES = 2000
_MOST_SAMPLES = 40


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


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample capture, what it shows in a word, and the authority that its certificates are from (None: unknown)."""

    path: Path
    shows: str
    ca: Path | None


def sample_captures() -> list[Sample]:
    """The sample captures of a `captures` folder here, or of a source checkout, in the order of their manifest."""
    for folder in (Path("captures"), Path(__file__).parents[2] / "captures"):
        ca = folder / "ca.pem"
        try:
            lines = (folder / "manifest.tsv").read_text(encoding="utf-8", errors="replace").splitlines()
            authority = ca if ca.is_file() else None
            rows = [dict(zip(lines[0].split("\t"), line.split("\t"), strict=False)) for line in lines[1:]]
            found = [
                Sample(folder / name, row.get("version", ""), authority)
                for row in rows[:_MOST_SAMPLES]
                if (name := row.get("file", "")) and (folder / name).is_file()
            ]
        except (OSError, IndexError, ValueError):
            continue
        if found:
            return found
    return []
