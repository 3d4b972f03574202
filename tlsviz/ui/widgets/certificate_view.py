"""The facts of one certificate, field by field, with a cursor."""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.message import Message as Event

from tlsviz.pki.graph import Vertex
from tlsviz.pki.trust import Trust
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.certificate_lines import FieldLine, certificate_lines, fields
from tlsviz.ui.widgets.lines import Line, LineView, pad_line


class CertificateView(LineView):
    """Arrows or a click choose a fact; it tells which field that is (`FieldLit`)."""

    HELP = (
        "One certificate in full: whose it is, what for, how strong, how long. The arrows go from fact to fact, and "
        "the bytes that each is read from are lit in the tree of DER."
    )
    BINDINGS = [
        Binding("up", "move(-1)", "fact", key_display="↑↓", tooltip="Previous fact"),
        Binding("down", "move(1)", "next fact", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "move(-1000000)", "first fact", show=False),
        Binding("end", "move(1000000)", "last fact", show=False),
    ]

    class FieldLit(Event):
        """The cursor went to a fact: the dotted path of its field, "" for the whole certificate."""

        def __init__(self, field: str) -> None:
            super().__init__()
            self.field = field

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._vertex: Vertex | None = None
        self._trust: Trust | None = None
        self._lines: list[FieldLine] = []
        self._places: list[tuple[int, int, str]] = []
        self._at = 0
        self._width = 0

    def show(self, vertex: Vertex, trust: Trust | None, field: str = "") -> None:
        """Shows a certificate, with the cursor at the first fact of a field."""
        self._vertex, self._trust = vertex, trust
        self._width = 0
        self._at = 0
        self._build()
        self.scroll_to(y=0, animate=False)
        if field:
            self.choose(field)
        else:
            self._tell()

    @property
    def field(self) -> str:
        """The field at the cursor."""
        return self._places[self._at][2] if self._places else ""

    def choose(self, field: str) -> None:
        """Goes to the facts of a field, else to those of what it lies in."""
        found = [at for at, (_, _, mine) in enumerate(self._places) if mine and (field + ".").startswith(mine + ".")]
        if found:
            self._go(max(found, key=lambda at: (len(self._places[at][2]), -at)))
        else:
            self._tell()

    def on_resize(self) -> None:
        self._build()

    def _build(self) -> None:
        if self._vertex is None or self.size.width < 4 or self.width == self._width:
            return
        self._width = self.width
        self._lines = certificate_lines(self._vertex, self._trust, self.width)
        self._places = fields(self._lines)
        self._at = min(self._at, max(len(self._places) - 1, 0))
        self.relayout()

    def line_count(self) -> int:
        return len(self._lines)

    def line(self, index: int) -> Line:
        line = self._lines[index].line
        if not self._places or not self._places[self._at][0] <= index <= self._places[self._at][1] or not line:
            return line
        lead, *rest = line
        marked: Line = [(glyphs().cursor, "accent on selection"), (lead[0][1:], f"{lead[1]} on selection")]
        return pad_line(
            [*marked, *((text, f"{style} on selection") for text, style in rest)], self.width, "on selection"
        )

    def action_move(self, by: int) -> None:
        """Goes to the next or previous fact; behind the last, on to the end."""
        fresh = max(0, min(self._at + by, len(self._places) - 1))
        if fresh == self._at:
            self.scroll_to(y=0 if by < 0 else self.max_scroll_y, animate=False)
            return
        self._go(fresh)

    def action_page(self, by: int) -> None:
        """Scrolls by a page."""
        self.scroll_to(y=self.scroll_offset.y + by * max(self.size.height - 2, 1), animate=False)

    def _go(self, at: int) -> None:
        self._at = at
        first, last, _ = self._places[at]
        self.reveal(first, last)
        self.refresh()
        self._tell()

    def _tell(self) -> None:
        self.post_message(self.FieldLit(self.field))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        line = self.index_at(offset.y) if offset is not None else None
        if line is None:
            return
        found = next((at for at, (first, last, _) in enumerate(self._places) if first <= line <= last), None)
        if found is not None:
            self._go(found)
