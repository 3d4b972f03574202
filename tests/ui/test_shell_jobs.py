from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shellhelp import script
from shellsample import connection, several, trace

from tlsviz.connection.rows import newer, row
from tlsviz.errors import CancelledError, TargetError
from tlsviz.ui.listing import Listing
from tlsviz.ui.messages import JobAdvanced, JobEnded
from tlsviz.ui.workers import Capture, Job


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def post_message(self, message: Any) -> None:
        self.heard.append(message)


def test_a_fast_source_announces_itself_once_until_it_is_listened_to() -> None:
    job, listener = Job(Capture(Path("x"))), Listener()
    job.follow(listener)  # type: ignore[arg-type]
    assert job.take() == []
    for each in several():
        job.found(each)
    assert [type(message) for message in listener.heard] == [JobAdvanced, JobAdvanced]
    assert job.take() == [row(each) for each in several()]
    assert job.take() == []
    job.found(connection(3, "newer.example"))
    assert len(listener.heard) == 3
    assert [each.name for each in job.take()] == ["newer.example"]
    assert len(job.rows) == 8


def test_whoever_follows_later_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda job: trace(*several()))
    job, listener = Job(Capture(Path("x"))), Listener()
    job.read()
    assert job.state == "done"
    job.follow(listener)  # type: ignore[arg-type]
    assert [type(message) for message in listener.heard] == [JobAdvanced, JobEnded]
    assert job.take() == [row(each) for each in several()]


def test_one_who_left_is_told_nothing() -> None:
    job, listener = Job(Capture(Path("x"))), Listener()
    job.follow(listener)  # type: ignore[arg-type]
    job.take()
    job.leave()
    job.found(connection(0))
    assert len(listener.heard) == 1


@pytest.mark.parametrize(
    ("error", "cancel", "state"),
    [
        (TargetError("gone"), False, "failed"),
        (CancelledError("stopped"), False, "cancelled"),
        (TargetError("gone"), True, "cancelled"),
        (ValueError("bug"), False, "failed"),
    ],
)
def test_how_it_ended(monkeypatch: pytest.MonkeyPatch, error: Exception, cancel: bool, state: str) -> None:
    def read(job: Job) -> None:
        raise error

    script(monkeypatch, read)  # type: ignore[arg-type]
    job = Job(Capture(Path("x")))
    if cancel:
        job.cancel()
    job.read()
    assert job.state == state
    assert job.error is not None


def test_a_bug_says_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, lambda job: [][1])
    job = Job(Capture(Path("x")))
    job.read()
    assert job.error is not None
    assert "IndexError at test_shell_jobs.py:" in job.error.message


def test_what_was_shown_is_found_under_its_number_of_now() -> None:
    """A reading's end may number its connections anew."""
    job = Job(Capture(Path("x")))
    one, two = connection(0, "a.example", start=1.0), connection(1, "b.example", start=2.0)
    for each in (replace(one, id=1), replace(two, id=0)):
        job.found(each)
    now = job.newest(one, job.rows)
    assert now is not None and (now.id, now.server_name) == (1, "a.example")
    assert job.newest(connection(0, "c.example", start=3.0), job.rows) is None


def test_the_cursor_stays_on_its_connection_when_numbers_change() -> None:
    listing = Listing()
    rows = [row(connection(number, f"{number}.example", start=float(number))) for number in range(3)]
    listing.put(rows)
    changed = [rows[0]._replace(id=1), rows[1]._replace(id=0)]
    listing.put(changed)
    assert newer(listing.rows, rows[0]) == changed[0]
    assert newer(listing.rows, rows[2]) == rows[2]
