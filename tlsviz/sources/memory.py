"""Earlier handshakes with servers: a bounded file of observations in the user's state folder, no secrets in it.

Losing it loses nothing of worth, so nothing here raises. Handshakes with this machine are not kept: they are tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

from tlsviz.connection.model import Connection, Trace
from tlsviz.connection.observations import from_plain, observe, remembering, to_plain
from tlsviz.connection.observed import Observation
from tlsviz.sources.private import private_file

LIMIT = 400
PER_SERVER = 12
_MAX_FILE = 2 * 1024 * 1024
_VERSION = 1


def default_path() -> Path:
    """Where it is kept: the user's state folder of this platform."""
    from platformdirs import user_state_path

    return user_state_path("tlsviz", appauthor=False) / "observations.json"


class Memory:
    """At most `LIMIT` observations, `PER_SERVER` of each server, the newest last."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path()

    def load(self) -> tuple[Observation, ...]:
        """The observations that can be read; damaged ones are skipped."""
        import json

        try:
            with self.path.open("rb") as file:
                data = json.loads(file.read(_MAX_FILE))
        except (OSError, ValueError, RecursionError):
            return ()
        if not isinstance(data, dict) or data.get("version") != _VERSION or not isinstance(data.get("seen"), list):
            return ()
        return tuple(filter(None, map(from_plain, data["seen"][-LIMIT:])))

    def add(self, connections: Iterable[Connection]) -> None:
        """Keeps what the connections showed; of each server the newest."""
        fresh = [one for each in connections if not _here(each) and (one := observe(each)) is not None]
        if not fresh:
            return
        counts: dict[tuple[str, int], int] = {}
        kept: list[Observation] = []
        for one in reversed((*self.load(), *fresh)):
            key = (one.server, one.port)
            counts[key] = counts.get(key, 0) + 1
            if counts[key] <= PER_SERVER and len(kept) < LIMIT:
                kept.append(one)
        self._save(kept[::-1])

    def _save(self, kept: list[Observation]) -> None:
        import json

        fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with private_file(fresh) as file:
                file.write(json.dumps({"version": _VERSION, "seen": list(map(to_plain, kept))}).encode())
            fresh.replace(self.path)
        except OSError:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)


def recalled(trace: Trace, memory: Memory | None = None) -> Trace:
    """The trace with what is known of its servers from before; a live one is remembered for the next time."""
    if trace.source.kind != "live" or all(map(_never_kept, trace.connections)):
        return remembering(trace)
    memory = memory or Memory()
    found = remembering(trace, memory.load())
    memory.add(trace.connections)
    return found


def _never_kept(connection: Connection) -> bool:
    """Whether nothing can be known from before: this machine, called by no name."""
    return connection.server_name is None and _here(connection)


def _here(connection: Connection) -> bool:
    """Whether the server is this machine, or nobody knows where it is."""
    try:
        return ip_address(connection.server.address).is_loopback
    except ValueError:
        return not connection.server.address
