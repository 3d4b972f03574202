"""The line that a filter is typed into, and below it what it may go on with, what a key means, and what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from tlsviz.connection.filter_hints import LOOKED_AT
from tlsviz.connection.filter_words import Suggestion, about, suggest
from tlsviz.connection.filters import FilterError, parse
from tlsviz.connection.rows import Row
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.lines import Line, Painted, clip, fit, wrap
from tlsviz.wire.text import safe

MOST = 8
"""Suggestions that are seen at once."""


class FilterBox(Vertical):
    """Tells its owner each filter that can be read. Tab takes the marked suggestion, the arrows mark another."""

    DEFAULT_CSS = """
    FilterBox { height: auto; background: $surface; }
    FilterBox Hints { height: auto; padding: 0 1; }
    """
    BINDINGS = [
        Binding("tab", "take", "complete", tooltip="Take the marked suggestion"),
        Binding("down", "mark(1)", "next suggestion", show=False),
        Binding("up", "mark(-1)", "suggestion before", show=False),
    ]

    class Changed(Message):
        """Another filter is in force; it can be read."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Done(Message):
        """Enter was pressed."""

    def __init__(self, rows: Callable[[], Iterable[Row]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows = rows
        self.told = ""
        """The last filter that the owner was told."""

    def compose(self) -> ComposeResult:
        words = "filter: words, version:1.2, sni:*.example.com, alert:, finding:expired, handshake:>200ms, not, or"
        yield Input(placeholder=words, id="filter", compact=True, select_on_focus=False)
        yield Hints()

    @property
    def input(self) -> Input:
        return self.query_one(Input)

    def set(self, text: str) -> None:
        """Puts a filter in force."""
        self.input.value = text
        self.input.cursor_position = len(text)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        hints = self.query_one(Hints)
        try:
            parse(event.value)
        except FilterError as error:
            hints.error = error
        else:
            hints.error = None
            if event.value != self.told:
                self.told = event.value
                self.post_message(self.Changed(event.value))
        self.look()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Done())

    def on_descendant_focus(self) -> None:
        self.look()

    def on_descendant_blur(self) -> None:
        self.query_one(Hints).show([], "")

    def look(self) -> None:
        """Finds what the filter may go on with."""
        field = self.input
        if not field.has_focus:
            return
        rows = islice(self._rows(), LOOKED_AT)
        self.query_one(Hints).show(
            suggest(field.value, field.cursor_position, rows), about(field.value, field.cursor_position)
        )

    def action_mark(self, by: int) -> None:
        self.query_one(Hints).mark(by)

    def action_take(self) -> None:
        chosen = self.query_one(Hints).marked
        if chosen is None:
            return
        field = self.input
        rest = field.value[field.cursor_position :]
        field.value = field.value[: chosen.start] + chosen.text + rest
        field.cursor_position = chosen.start + len(chosen.text)


class Hints(Painted):
    """Suggestions, the words of a key, or what is wrong with the filter."""

    def __init__(self) -> None:
        super().__init__()
        self.error: FilterError | None = None
        self._found: list[Suggestion] = []
        self._about = ""
        self._at = 0

    def show(self, found: list[Suggestion], about: str) -> None:
        """Shows other suggestions."""
        self._found, self._about, self._at = found, about, 0
        self.refresh(layout=True)

    def mark(self, by: int) -> None:
        """Marks another suggestion."""
        if self._found:
            self._at = (self._at + by) % len(self._found)
            self.refresh()

    @property
    def marked(self) -> Suggestion | None:
        return self._found[self._at] if self._found else None

    def lines(self, width: int) -> list[Line]:
        found: list[Line] = []
        if self.error is not None:
            place = " " * min(self.error.position, max(width - 2, 0))
            found.append([(clip(f"{place}^", width), "failed")])
            found += [[(part, "failed")] for part in wrap(f"{glyphs().failed} {safe(self.error.why)}", width)]
        if self._about:
            found.append([(clip(safe(self._about), width), "muted")])
        first = max(min(self._at - MOST // 2, len(self._found) - MOST), 0)
        seen = self._found[first : first + MOST]
        if not seen:
            return found
        size = min(max(len(each.shown) for each in seen) + 2, max(width // 2, 8))
        for place_, each in enumerate(seen, first):
            here = place_ == self._at
            ground = " on selection" if here else ""
            mark = glyphs().cursor if here else " "
            text = f"{mark} {fit(safe(each.shown), size)}"
            detail = fit(each.detail, max(width - size - 2, 0))
            found.append([(text, f"bold{ground}" if here else ""), (detail, f"muted{ground}")])
        if len(self._found) > len(seen):
            found.append([(f"  {self._at + 1} of {len(self._found)}", "muted")])
        return found
