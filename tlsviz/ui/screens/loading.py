"""A capture being read: how far, what was found so far, and a way out."""

from __future__ import annotations

import time

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.key_bar import KeyBar
from tlsviz.ui.widgets.progress_line import ProgressLine
from tlsviz.ui.workers import Job, progress_words
from tlsviz.wire.text import plural, safe


class LoadingScreen(Screen[None]):
    """Follows a job until it has something to show. Escape cancels; nothing blocks meanwhile."""

    CSS_PATH = "loading.tcss"
    HELP = "The capture is read by a process of its own. Escape stops it and keeps what was found."
    BINDINGS = [Binding("escape", "cancel", "cancel")]

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job
        self.began = time.monotonic()

    def compose(self) -> ComposeResult:
        with Vertical(id="loading"):
            yield Static(Content.assemble("Reading ", (safe(self.job.request.title), "bold")), id="what-file")
            yield ProgressLine(id="bar")
            yield Static(id="count")
            yield Static(id="found")
        yield KeyBar()

    def on_mount(self) -> None:
        self.set_interval(0.2, self.refresh_count)
        self.refresh_count()
        self.job.follow(self.app)

    def refresh_count(self) -> None:
        """Shows the job's progress, the time it took, and the last names found."""
        progress = self.job.progress
        elapsed = f"{time.monotonic() - self.began:.0f} s"
        words = [elapsed] if progress is None else [*progress_words(progress, self.job.elapsed), elapsed]
        if self.job.cancelled:
            words.append(f"stopping{glyphs().ellipsis}")
        if progress is not None and progress.size:
            self.query_one(ProgressLine).share = progress.fraction
        self.query_one("#count", Static).update(Content(f" {glyphs().dot} ".join(words)))
        found = self.job.rows
        count = max(len(found), progress.connections if progress else 0)
        lines: list[tuple[str, str]] = [(plural(count, "connection") + " so far", "bold")]
        lines += [(f"\n{each.title}", "$muted") for each in found[-5:]]
        self.query_one("#found", Static).update(Content.assemble(*lines) if count else Content())

    def action_cancel(self) -> None:
        self.job.cancel()
        self.refresh_count()
