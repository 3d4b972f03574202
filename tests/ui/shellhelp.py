"""An app for the tests of the shell, with sources that are scripts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from shellsample import trace
from textual.pilot import Pilot

from tlsviz.connection.model import Connection, Trace
from tlsviz.errors import CancelledError
from tlsviz.sources.opening import Progress
from tlsviz.ui import workers
from tlsviz.ui.app import TlsvizApp
from tlsviz.ui.recent import Recent
from tlsviz.ui.screens.connections import ConnectionsScreen
from tlsviz.ui.workers import Capture, Job, Request

CLASS = Capture(Path("class.pcapng"))


def make_app(folder: Path, request: Request | None = None) -> TlsvizApp:
    """The app with its recent targets in ``folder``."""
    app = TlsvizApp(recent=Recent(folder / "recent.json"))
    app.first = request
    return app


def script(monkeypatch: Any, read: Callable[[Job], Trace]) -> None:
    """Every job reads this instead of its source."""
    monkeypatch.setattr(workers, "_read", read)


def wait_for_cancel(job: Job) -> Trace:
    """Reads a little, then waits until it is cancelled."""
    job.advanced(Progress(1234, 40, 100, 1))
    while not job.cancelled:
        time.sleep(0.005)
    raise CancelledError("Stopped", "by the user")


async def until(pilot: Pilot[Any], true: Callable[[], object], seconds: float = 60.0) -> None:
    """Waits for something to become true on the screen."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never happened"
        await pilot.pause(0.01)
    await pilot.pause()


@asynccontextmanager
async def listed(
    folder: Path, monkeypatch: Any, *connections: Connection, size: tuple[int, int]
) -> AsyncIterator[tuple[TlsvizApp, Pilot[Any]]]:
    """The app with the list of a capture that holds these connections."""
    script(monkeypatch, lambda job: trace(*connections))
    app = make_app(folder, CLASS)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        yield app, pilot


def shown(app: TlsvizApp) -> str:
    """Every character on the screen, row by row."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)
