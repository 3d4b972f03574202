"""A list of rows to walk through: what is chosen is told upward."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.binding import Binding
from textual.message import Message

from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.compare_lines import Row
from tlsviz.ui.widgets.lines import Line, LineView, pad_line


class RowList(LineView):
    """Rows, of which those with an owner can be chosen; several rows of one owner are chosen together."""

    BINDINGS = [
        Binding("up", "move(-1)", "move", key_display="↑↓", tooltip="Previous"),
        Binding("down", "move(1)", "next", show=False),
        Binding("pageup", "move(-10)", "ten up", show=False),
        Binding("pagedown", "move(10)", "ten down", show=False),
        Binding("home", "edge(0)", "first", show=False),
        Binding("end", "edge(-1)", "last", show=False),
        Binding("enter", "open", "open", show=False),
    ]

    class Moved(Message):
        """Another row is chosen; None where there is none."""

        def __init__(self, rows: RowList, owner: int | None) -> None:
            super().__init__()
            self.rows = rows
            self.owner = owner

        @property
        def control(self) -> RowList:
            return self.rows

    class Opened(Moved):
        """The chosen row was opened, by Enter or a click."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()
        self.chosen: int | None = None

    def set_rows(self, rows: Sequence[Row], chosen: int | None = None) -> None:
        """Shows other rows; ``chosen`` is the owner to choose, else the first."""
        self._rows = rows
        owners = self._owners()
        self.chosen = chosen if chosen in owners else owners[0] if owners else None
        self.relayout()
        self._show_chosen()

    def choose(self, owner: int | None) -> None:
        """Chooses an owner's rows without telling anybody."""
        if owner in self._owners():
            self.chosen = owner
            self._show_chosen()
            self.refresh()

    def _owners(self) -> list[int]:
        return list(dict.fromkeys(row.owner for row in self._rows if row.owner is not None))

    def _show_chosen(self) -> None:
        places = [place for place, row in enumerate(self._rows) if row.owner == self.chosen]
        if self.chosen is not None and places:
            # Its heading stays in sight with the first.
            first = 0 if self.chosen == self._owners()[0] else places[0]
            self.reveal(first, places[-1])

    def line_count(self) -> int:
        return len(self._rows)

    def line(self, index: int) -> Line:
        row = self._rows[index]
        if row.owner is None or row.owner != self.chosen:
            return row.line
        ground = "on selection" if self.has_focus else "on panel"
        styled = [(text, f"{style} {ground}".strip()) for text, style in row.line]
        lead = styled[0][0]
        return pad_line([(glyphs().cursor + lead[1:], f"accent {ground}"), *styled[1:]], self.width, ground)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def action_move(self, by: int) -> None:
        owners = self._owners()
        if not owners:
            return
        at = owners.index(self.chosen) if self.chosen in owners else 0
        self._choose(owners[max(0, min(at + by, len(owners) - 1))])

    def action_edge(self, end: int) -> None:
        owners = self._owners()
        if owners:
            self._choose(owners[end])

    def _choose(self, owner: int) -> None:
        self.choose(owner)
        self.post_message(self.Moved(self, owner))

    def action_open(self) -> None:
        self.post_message(self.Opened(self, self.chosen))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        place = self.index_at(offset.y) if offset is not None else None
        owner = self._rows[place].owner if place is not None else None
        if owner is not None:
            self._choose(owner)
