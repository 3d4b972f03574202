"""Lists of Certificate Transparency logs: the one that ships, or Chrome's ``log_list.json`` (version 3)."""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from tlsviz.errors import TargetError
from tlsviz.pki.files import whole
from tlsviz.pki.vouchers import LogState
from tlsviz.wire.text import safe, shorten

MAX_FILE = 16 << 20
MOST_LOGS = 5_000
_STATES: frozenset[str] = frozenset(("pending", "qualified", "usable", "readonly", "retired", "rejected"))


class Log(NamedTuple):
    """A log: its name, who runs it, and its key as a SubjectPublicKeyInfo in DER.

    ``state``: as Chrome's list has it, since ``since``; "unknown" and None where the list does not say. ``begin`` and
    ``end``: it takes certificates whose notAfter is not before the one and before the other, None without a limit.
    """

    name: str
    operator: str
    key: bytes
    state: LogState = "unknown"
    since: datetime | None = None
    begin: datetime | None = None
    end: datetime | None = None

    def state_at(self, at: datetime) -> LogState:
        """Its state at a time. Before its last change it is not known, but a log that has ended was usable once."""
        if self.since is None or at >= self.since:
            return self.state
        return "usable" if self.state in ("retired", "readonly") else "unknown"


Logs = Mapping[bytes, Log]
"""Logs by their ID, the SHA-256 of their key."""


class LogList(dict[bytes, Log]):
    """Logs by their ID; ``date``: of the list, as it says itself, "" if it does not."""

    date: str = ""


def from_file(path: Path | str) -> LogList:
    """The logs in a ``log_list.json`` or in a TSV of ours. Raises `TargetError` when it cannot be read or has none."""
    path = Path(path)
    title = f"cannot read the list of logs {shorten(str(path), 200)}"
    hint = "Give Chrome's log_list.json (version 3 of the format), or lines of operator, name and key."
    data = whole(path, MAX_FILE, title, hint)
    text = data.decode("utf-8", "replace")
    found = from_json(text) if text.lstrip()[:1] == "{" else from_tsv(text)
    if not found:
        raise TargetError(title, "it holds no log", hint)
    return found


def from_tsv(text: str) -> LogList:
    """Lines of operator, name, key in base64, and where known state and since when; damaged lines are left out."""
    found = LogList()
    for line in text.splitlines()[: MOST_LOGS * 2]:
        operator, name, key, state, since, *_ = (*line.split("\t"), "", "", "", "", "")
        if not line.startswith("#") and key:
            _add(found, operator, name, key, state, since)
    return found


def from_json(text: str) -> LogList:
    """The logs of a ``log_list.json``, RFC 6962's and tiled ones; what is not as it should be is left out."""
    import json

    found = LogList()
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return found
    for operator, log in _entries(whole):
        state, since = next(iter(_table(log.get("state")).items()), ("", None))
        interval = _table(log.get("temporal_interval"))
        _add(
            found,
            operator,
            str(log.get("description", "")),
            str(log.get("key", "")),
            str(state),
            str(_table(since).get("timestamp", "")),
            (str(interval.get("start_inclusive", "")), str(interval.get("end_exclusive", ""))),
        )
    found.date = safe(str(_table(whole).get("log_list_timestamp", "")))[:10]
    return found


def _entries(whole: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for operator in _list(_table(whole).get("operators")):
        name = str(_table(operator).get("name", ""))
        for kind in ("logs", "tiled_logs"):
            for log in _list(_table(operator).get(kind))[:MOST_LOGS]:
                if isinstance(log, dict):
                    yield name, log


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _add(
    found: LogList,
    operator: str,
    name: str,
    key: str,
    state: str,
    since: str,
    interval: tuple[str, str] = ("", ""),
) -> None:
    try:
        der = b64decode(key, validate=True)
    except ValueError:
        return
    if not der or len(found) >= MOST_LOGS:
        return
    known: LogState = state if state in _STATES else "unknown"  # type: ignore[assignment]
    begin, end = map(_time, interval)
    log = Log(shorten(name, 120), shorten(operator, 120), der, known, _time(since), begin, end)
    found[hashlib.sha256(der).digest()] = log


def _time(text: str) -> datetime | None:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
