"""The connection list: a head of columns to sort by, and a row for every connection."""

from __future__ import annotations

from collections.abc import Callable

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.message import Message
from textual.reactive import reactive

from tlsviz.connection import titles
from tlsviz.connection.filter_keys import version_rank
from tlsviz.connection.model import Connection
from tlsviz.connection.rows import Row, newer
from tlsviz.ui.glyphs import ASCII, glyphs
from tlsviz.ui.listing import COLUMNS, GAP, Listing, sign
from tlsviz.ui.widgets.lines import Line, LineView, clip_middle, fit, pad_line
from tlsviz.wire.text import safe

_MARGIN = 4
"""Cells before the first column: the cursor, the sign of the outcome, and the spaces around it."""
OLD = 1.2
"""Versions before this one are marked."""


class ConnectionHead(LineView, can_focus=False):
    """The names of the columns; a click sorts."""

    class Picked(Message):
        """A column's name was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, listing: Listing, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.listing = listing

    def line_count(self) -> int:
        return 1

    def line(self, index: int) -> Line:
        up, down = ("^", "v") if glyphs() is ASCII else ("▴", "▾")
        mark = down if self.listing.reverse else up
        line: Line = [(" " * _MARGIN, "")]
        for place, cells in self.listing.layout(self.width - _MARGIN):
            column = COLUMNS[place]
            sorts = column.key == self.listing.sort
            title = f"{column.title}{mark}" if sorts else column.title
            title = fit(title, cells) if not column.right else fit(title, min(cells, len(title))).rjust(cells)
            line += [(title, "bold server" if sorts else "muted"), (" " * GAP, "")]
        return line

    def on_click(self, event: events.Click) -> None:
        x = _MARGIN
        for place, cells in self.listing.layout(self.width - _MARGIN):
            if x <= event.x < x + cells + GAP:
                self.post_message(self.Picked(COLUMNS[place].key))
            x += cells + GAP


class ConnectionTable(LineView):
    """The rows of a listing; Enter or a second click opens one."""

    HELP = (
        "Every TLS connection of the source. The sign before a row says how it ended; the outcome column "
        "says the same in words.\n"
        "A filter (/) picks rows: words that must occur in a row, and keys like version:1.2, sni:*.example.com, "
        "alert:, finding:expired or handshake:>200ms, with not, or and parentheses; Tab completes them.\n"
        "f counts what there is, and Enter there picks it; v sums everything up."
    )
    BINDINGS = [
        Binding("enter", "open", "open", tooltip="Open the handshake"),
        Binding("right", "screen.sort(1)", "sort by", key_display="→", tooltip="Sort by the next column"),
        Binding("left", "screen.sort(-1)", "sort by the column before", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "edge(-1)", "first", show=False),
        Binding("end", "edge(1)", "last", show=False),
    ]

    cursor: reactive[int] = reactive(0)

    class Opened(Message):
        """A connection was chosen."""

        def __init__(self, connection: Connection) -> None:
            super().__init__()
            self.connection = connection

    class Moved(Message):
        """The cursor is on another row, or on one that has changed, or there is none any more."""

    def __init__(
        self, listing: Listing, connection: Callable[[int], Connection | None], *, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self.listing = listing
        self._connection = connection
        self._wanted: Row | None = None
        """What somebody has moved the cursor to."""
        self._told: Row | None = None
        """The row that `Moved` was told of last."""
        self._drawn: object = None
        """What was to be seen at the last `refill`."""

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        view = self.listing.view
        return view[self.cursor] if self.cursor < len(view) else None

    @property
    def chosen(self) -> Connection | None:
        """The connection under the cursor."""
        return self._connection(self.row.id) if self.row is not None else None

    def refill(self) -> None:
        """Shows the listing's new view, the cursor on the same connection if it is still there.

        Until somebody moves it, it stays in the first row, whatever comes.
        """
        if self._wanted is not None:
            self._wanted = newer(self.listing.rows, self._wanted) or self._wanted
        at = self.listing.find(self._wanted) if self._wanted is not None else None
        if at is None:
            at = min(self.cursor, len(self.listing.view) - 1)
        self.set_reactive(ConnectionTable.cursor, max(at, 0))
        top, listing = self.scroll_offset.y, self.listing
        seen = listing.view[top : top + self.scrollable_content_region.height]
        drawn = listing.layout(self.width - _MARGIN), listing.zero, top, self.cursor, seen
        self.relayout(repaint=drawn != self._drawn)
        self._drawn = drawn
        self.reveal(self.cursor, margin=1)
        self._tell()

    def _tell(self) -> None:
        """Says that the cursor is on something else, unless that is known: a connection has to be made anew for it."""
        row = self.row
        if row is None or row != self._told:
            self._told = row
            self.post_message(self.Moved())

    def line_count(self) -> int:
        return len(self.listing.view)

    def line(self, index: int) -> Line:
        row = self.listing.view[index]
        here = index == self.cursor
        ground = ("on selection" if self.has_focus else "on panel") if here else ""
        line: Line = [
            (glyphs().cursor if here else " ", "server"),
            (f" {sign(row.standing, row.outcome).glyph} ", sign(row.standing, row.outcome).role),
        ]
        for place, cells in self.listing.layout(self.width - _MARGIN):
            line.append(self._cell(row, place, cells, here))
            line.append((" " * GAP, ""))
        line.pop()  # none after the last: there may be no room
        if not here:
            return line
        return pad_line([(text, f"{style} {ground}") for text, style in line], self.width, ground)

    def _cell(self, row: Row, place: int, cells: int, here: bool) -> tuple[str, str]:
        column = COLUMNS[place]
        text, style = column.words(row, self.listing.zero), column.role
        if column.key == "outcome":
            text, style = clip_middle(safe(text), cells), sign(row.standing, row.outcome).role
        elif column.key == "suite":
            text = titles.suite(row.suite, cells)
        elif column.key == "name":
            style = "bold" if here else ""
            if not row.name:
                style = "muted"
        elif column.key == "version" and (row.plain or 0 < version_rank(row.version) < OLD):
            style = "warning"
        elif column.brief is not None and cell_len(text) > cells:
            text = column.brief(row)
        text = safe(text)
        return (text.rjust(cells) if column.right and len(text) <= cells else fit(text, cells)), style

    def watch_cursor(self) -> None:
        self.reveal(self.cursor, margin=1)
        self.refresh()
        self._tell()

    def on_resize(self) -> None:
        """Whatever opens beside or below it, the marked row stays in sight."""
        self.reveal(self.cursor, margin=1)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def _go(self, index: int) -> None:
        """Moves the cursor, because somebody wants that."""
        self.cursor = index
        self._wanted = self.row

    def action_move(self, by: int) -> None:
        self._go(max(0, min(self.cursor + by, len(self.listing.view) - 1)))

    def action_page(self, by: int) -> None:
        self.action_move(by * max(self.scrollable_content_region.height - 1, 1))

    def action_edge(self, end: int) -> None:
        self._go(0 if end < 0 else max(len(self.listing.view) - 1, 0))

    def action_open(self) -> None:
        chosen = self.chosen
        if chosen is not None:
            self.post_message(self.Opened(chosen))

    def on_click(self, event: events.Click) -> None:
        index = self.index_at(event.y)
        if index is None:
            return
        again = index == self.cursor or event.chain > 1
        self._go(index)
        if again:
            self.action_open()
