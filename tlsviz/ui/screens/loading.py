"""A capture being read: how far, what was found so far, and a way out."""

from __future__ import annotations

import time

from textual import events
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

MOST_TYPED = 200
_FOR_THE_LIST = frozenset(
    ("slash", "f", "v", "r", "up", "down", "j", "k", "pageup", "pagedown", "home", "end", "left", "right")
)
_IN_A_FILTER = frozenset(("backspace", "tab", "enter", "left", "right", "home", "end"))


class LoadingScreen(Screen[None]):
    """Follows a job until it has something to show. Escape cancels; nothing blocks meanwhile.

    ``typed``: keys that are meant for the list, which gets them once it is there.
    """

    CSS_PATH = "loading.tcss"
    HELP = (
        "The capture is read by a process of its own. Escape stops it and keeps what was found.\n"
        "The list comes with the second connection; its keys, a filter too, can be typed before."
    )
    BINDINGS = [Binding("escape", "cancel", "cancel")]

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job
        self.began = time.monotonic()
        self.typed: list[events.Key] = []

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
        if self.typed:
            keys = "".join((each.is_printable and each.character) or f" {each.key} " for each in self.typed)
            lines.append((f"\n\nFor the list, as soon as it is there: {safe(keys).strip()}", "$server"))
        self.query_one("#found", Static).update(Content.assemble(*lines) if count or self.typed else Content())

    def on_key(self, event: events.Key) -> None:
        """Nothing that is typed early is lost."""
        in_filter = any(each.key == "slash" for each in self.typed)
        wanted = event.is_printable or event.key in _IN_A_FILTER if in_filter else event.key in _FOR_THE_LIST
        if wanted and len(self.typed) < MOST_TYPED:
            event.stop()
            self.typed.append(event)
            self.refresh_count()

    def action_cancel(self) -> None:
        """Takes back what was typed, else stops the reading."""
        if self.typed:
            self.typed.clear()
            self.refresh_count()
            return
        self.job.cancel()
        self.refresh_count()
