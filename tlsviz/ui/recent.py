"""The targets opened lately, in a small JSON file in the user's state folder.

Losing this file loses nothing of worth, so nothing here raises: a file that cannot be read is an empty list,
one that cannot be written is left alone.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["live", "capture"]

LIMIT = 12
_MAX_FILE = 64 * 1024
_MAX_TEXT = 4096


@dataclass(frozen=True, slots=True)
class Entry:
    """A target as it was typed (captures: the absolute path)."""

    text: str
    kind: Kind


def default_path() -> Path:
    """Where the list is kept: the user's state folder of this platform."""
    from platformdirs import user_state_path  # not at import: the first paint may do without

    return user_state_path("tlsviz", appauthor=False) / "recent.json"


class Recent:
    """At most `LIMIT` entries, the newest first."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path()

    def load(self) -> tuple[Entry, ...]:
        """The entries that can be read; damaged ones are skipped."""
        try:
            with self.path.open("rb") as file:
                data = json.loads(file.read(_MAX_FILE))
        except (OSError, ValueError, RecursionError):
            return ()
        items = data.get("recent") if isinstance(data, dict) else None
        found = [entry for item in items if (entry := _entry(item))] if isinstance(items, list) else []
        return tuple(dict.fromkeys(found))[:LIMIT]

    def add(self, entry: Entry) -> tuple[Entry, ...]:
        """Puts an entry first and returns the new list."""
        entries = (entry, *(old for old in self.load() if old.text != entry.text))[:LIMIT]
        self._save(entries)
        return entries

    def clear(self) -> None:
        """Forgets everything."""
        self._save(())

    def _save(self, entries: tuple[Entry, ...]) -> None:
        text = json.dumps({"recent": [{"text": e.text, "kind": e.kind} for e in entries]}, indent=1)
        fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh.write_text(text, encoding="utf-8", errors="backslashreplace")
            fresh.replace(self.path)
        except OSError:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)


def _entry(item: object) -> Entry | None:
    if not isinstance(item, dict):
        return None
    text, kind = item.get("text"), item.get("kind")
    if not isinstance(text, str) or not 0 < len(text) <= _MAX_TEXT:
        return None
    if kind == "live":
        return Entry(text, "live")
    return Entry(text, "capture") if kind == "capture" else None
