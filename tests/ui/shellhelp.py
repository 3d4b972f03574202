"""An app for the tests of the shell, with sources that are scripts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tlsviz.connection.model import Trace
from tlsviz.errors import CancelledError
from tlsviz.sources.capture import Progress
from tlsviz.ui import workers
from tlsviz.ui.app import TlsvizApp
from tlsviz.ui.recent import Recent
from tlsviz.ui.workers import Job, Request


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


def shown(app: TlsvizApp) -> str:
    """Every character on the screen, row by row."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)
