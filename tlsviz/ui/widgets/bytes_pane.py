"""The bytes of the selected step in hex and ASCII, with the selected field lit. A click on a byte finds its field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from textual import events
from textual.binding import Binding
from textual.reactive import reactive

from tlsviz.ui.selection import ByteChosen, Scene
from tlsviz.ui.widgets.byte_view import Section, own_offset, sections
from tlsviz.ui.widgets.lines import Line, clip, wrap
from tlsviz.ui.widgets.pane import Pane, paragraph

_TINTS = ("foreground", "server")


@dataclass(frozen=True, slots=True)
class Grid:
    """How bytes stand in a line: ``columns`` bytes, each ``step`` cells wide (with its space), in ``group``s."""

    columns: int
    spaced: bool
    ascii: bool

    @property
    def hex_width(self) -> int:
        """The cells of the hex part, an extra space in its middle."""
        return self.columns * 3 if self.spaced else self.columns * 5 // 2

    def cell(self, column: int) -> int:
        """The first cell of a byte within the hex part."""
        if self.spaced:
            return column * 3 + (column >= 8)
        return column * 2 + column // 2

    def pieces(self, words: Sequence[str], styles: Sequence[str]) -> Line:
        """Words of two cells in their columns, those of one style that follow each other as one piece."""
        line: Line = []
        at = 0
        for style, group in groupby(range(len(words)), styles.__getitem__):
            columns = list(group)
            first = self.cell(columns[0])
            line.append((" " * (first - at), ""))
            text = ""
            for column in columns:
                text += " " * (self.cell(column) - first - len(text)) + words[column]
            line.append((text, style))
            at = first + len(text)
        return line

    def column(self, cell: int) -> int | None:
        """The byte at a cell of the hex part."""
        for column in range(self.columns):
            if self.cell(column) <= cell < self.cell(column) + 2:
                return column
        return None


OFFSET = 5
"""The cells before the hex part."""


def grid(width: int) -> Grid:
    """The widest arrangement that fits."""
    room = width - OFFSET
    for choice in (Grid(32, True, True), Grid(16, True, True), Grid(16, False, True), Grid(8, True, True)):
        if choice.cell(choice.columns - 1) + 2 + 2 + choice.columns <= room:
            return choice
    return Grid(8, True, False) if room >= 24 else Grid(4, True, False)


class BytesPane(Pane):
    """`records` shows the records as they were on the wire instead of the step's own bytes."""

    BINDINGS = [
        Binding("up", "move(-1)", "a line up", show=False),
        Binding("down", "move(1)", "a line down", show=False),
    ]

    records: reactive[bool] = reactive(False)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sections: list[Section] = []
        self._places: list[tuple[int, int]] = []
        self._grid = grid(40)

    def key(self, scene: Scene) -> tuple[object, ...]:
        return (scene.connection, scene.selection, self.records)

    def watch_records(self) -> None:
        self.update_lines()

    def build(self, scene: Scene, width: int) -> list[Line]:
        """The headings now; the byte lines are drawn when they are seen, since there may be thousands."""
        self._grid = grid(width)
        self._sections = sections(scene, self.records)
        self._places = []
        lines: list[Line] = []
        if not self._sections:
            return [[], *paragraph(_nothing(scene), width, "muted", 2)]
        for number, section in enumerate(self._sections):
            if number:
                self._head(lines, [])
            for part in wrap(section.title, width):
                self._head(lines, [(part, f"{section.role} bold")])
            for start in range(0, len(section.buffer.data), self._grid.columns):
                self._places.append((number, start))
                lines.append([])
        return lines

    def _head(self, lines: list[Line], line: Line) -> None:
        self._places.append((-1, 0))
        lines.append(line)

    def line(self, index: int) -> Line:
        if index >= len(self._places) or self._places[index][0] < 0:
            return super().line(index)
        number, start = self._places[index]
        return draw(self._sections[number], start, self._grid)

    def show_start(self, scene: Scene) -> None:
        lit = [
            index
            for index, (number, start) in enumerate(self._places)
            if number >= 0
            and any(low < start + self._grid.columns and high > start for low, high in self._sections[number].lit)
        ]
        if not lit:
            super().show_start(scene)
            return
        height = max(self.scrollable_content_region.height, 1)
        self.reveal(lit[0], min(lit[-1], lit[0] + height - 1), margin=1)

    # keys and mouse

    def action_move(self, by: int) -> None:
        """Chooses the field a line further up or down."""
        scene = self.scene
        own = next((section for section in self._sections if section.own), None)
        if scene is None or own is None or not own.buffer.data:
            (self.scroll_down if by > 0 else self.scroll_up)(animate=False)
            return
        chosen = scene.selection
        edge = chosen.start if by < 0 else max(chosen.end - 1, 0)
        offset = edge + by * self._grid.columns if chosen.end > chosen.start else 0
        self.post_message(ByteChosen(max(0, min(offset, len(own.buffer.data) - 1))))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if offset is None or index is None or index >= len(self._places) or self.scene is None:
            return
        number, start = self._places[index]
        column = column_at(self._grid, offset.x)
        if number < 0 or column is None:
            return
        section = self._sections[number]
        byte = start + column
        if byte >= len(section.buffer.data):
            return
        own = self.scene.buffer
        if own is not None and not section.own:
            found = own_offset(own, section.buffer, byte)
            if found is None:
                return
            byte = found
        elif own is None:
            return
        self.post_message(ByteChosen(byte))


def column_at(layout: Grid, x: int) -> int | None:
    """The byte of a line under a cell, in the hex or in the ASCII part."""
    column = layout.column(x - OFFSET)
    if column is not None or not layout.ascii:
        return column
    first = OFFSET + layout.cell(layout.columns - 1) + 2 + 2
    return x - first if first <= x < first + layout.columns else None


def draw(section: Section, start: int, layout: Grid) -> Line:
    """One line of hex and ASCII."""
    data = section.buffer.data[start : start + layout.columns]
    styles = [
        "accent bold reverse" if section.is_lit(start + index) else _TINTS[section.tint(start + index)]
        for index in range(len(data))
    ]
    line: Line = [(f"{start:04x} ".ljust(OFFSET), "muted"), *layout.pieces([f"{byte:02x}" for byte in data], styles)]
    if layout.ascii:
        at = layout.cell(len(data) - 1) + 2 if data else 0
        line.append((" " * (layout.cell(layout.columns - 1) + 2 + 2 - at), ""))
        for style, group in groupby(range(len(data)), styles.__getitem__):
            text = "".join(chr(data[index]) if 32 <= data[index] < 127 else "." for index in group)
            line.append((text, style if "reverse" in style else "muted"))
    return line


def _nothing(scene: Scene) -> str:
    step = scene.step
    if step is None:
        return "Nothing has happened yet."
    if step.provenance == "inferred":
        return "This message is inferred: its bytes are inside records that cannot be opened without keys."
    if step.kind == "hole":
        return "The capture does not hold these bytes."
    if step.kind == "mark":
        return "An event of the transport below TLS: it carries no bytes of TLS."
    return clip("No bytes here.", 60)
