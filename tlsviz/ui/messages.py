"""What screens and workers tell the app. Widgets speak upward with these; only the app opens screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from tlsviz.connection.model import Connection, Source
    from tlsviz.ui.workers import Job, Request


class OpenRequest(Message):
    """Open something that is already understood: a lab scenario, or the same again."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request


class OpenConnection(Message):
    """Show one of several connections."""

    def __init__(self, connection: Connection, source: Source | None = None) -> None:
        super().__init__()
        self.connection = connection
        self.source = source


class CompareWith(Message):
    """Show two connections side by side; ``other`` is there, or to be opened first."""

    def __init__(self, connection: Connection, source: Source | None, other: Connection | Request) -> None:
        super().__init__()
        self.connection = connection
        self.source = source
        self.other = other


class LetGo(Message):
    """Let pass the flight that step mode holds."""


class GoBack(Message):
    """Leave this screen for the one it came from, or for the home screen."""


class JobAdvanced(Message):
    """A job knows more: take it with `Job.take`. At most one of these is waiting at a time."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job


class JobEnded(Message):
    """A job is over, once: `Job.state` says how, `Job.trace` or `Job.error` what came of it."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job
