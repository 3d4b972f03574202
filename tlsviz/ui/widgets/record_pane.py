"""The lens: the records of the selected step as they went over the wire, beside what they say."""

from __future__ import annotations

from textual import events
from textual.binding import Binding
from textual.reactive import reactive

from tlsviz.connection import titles
from tlsviz.connection.lens import Anatomy, anatomy
from tlsviz.connection.model import Record
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.selection import ByteChosen, Scene
from tlsviz.ui.widgets import record_bars
from tlsviz.ui.widgets.byte_view import carriers, own_offset
from tlsviz.ui.widgets.lines import Line
from tlsviz.ui.widgets.pane import Pane, paragraph
from tlsviz.ui.widgets.record_rows import (
    Range,
    Row,
    Sheet,
    byte_at,
    draw,
    fold,
    heading,
    layout,
    lit_rows,
    rows,
    whole,
)

MAX_RECORDS = 8
"""Of one step so many records are under the lens at once."""


class RecordPane(Pane):
    """`secrets` shows the secret part of nonces; `unfolded` all the bytes."""

    HELP = """The record under the lens: on the left what went over the wire, on the right what it says.
        Click a byte to find its field. Enter shows all the bytes of long records, v the secrets."""
    BINDINGS = [
        Binding("enter", "unfold", "all bytes, or few", show=False),
    ]

    secrets: reactive[bool] = reactive(False)
    unfolded: reactive[bool] = reactive(False)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sheets: list[Sheet] = []
        self._rows: dict[int, tuple[int, Row]] = {}
        self._grid = layout(60)

    def key(self, scene: Scene) -> tuple[object, ...]:
        height = self.scrollable_content_region.height
        return (scene.connection, scene.selection, self.secrets, self.unfolded, height)

    def watch_secrets(self) -> None:
        self.update_lines()

    def watch_unfolded(self) -> None:
        self.update_lines()

    def build(self, scene: Scene, width: int) -> list[Line]:
        """The words now; the rows of bytes are drawn when they are seen."""
        self._grid = layout(width)
        self._rows = {}
        found = carriers(scene) or _around(scene)
        first = _first(scene, found)
        self._sheets = [sheet(scene, record) for record in found[first : first + MAX_RECORDS]]
        if not self._sheets:
            return [[], *paragraph(_nothing(scene), width, "muted", 2)]
        lines: list[Line] = []
        if scene.message is not None and scene.message.provenance == "inferred":
            said = f"{glyphs().unknown} The {titles.message(scene.message)} must be in one of these records."
            lines += [*paragraph(said, width, "inferred bold"), []]
        for number in range(len(self._sheets)):
            if number:
                lines.append([])
            self._record(lines, scene, number, (first + number + 1, len(found)), width)
        if len(found) > first + MAX_RECORDS:
            more = (
                f"And {len(found) - first - MAX_RECORDS:,} more: choose a byte of one in the Bytes pane to see it here."
            )
            lines += [[], *paragraph(more, width, "muted", 1)]
        return lines

    def _record(self, lines: list[Line], scene: Scene, number: int, place: tuple[int, int], width: int) -> None:
        made = self._sheets[number]
        record, taken = made.record, made.taken
        words = f" ({place[0]:,} of {place[1]:,})" if place[1] > 1 else ""
        before = [
            *record_bars.title(scene.connection, record, words, width),
            [],
            *record_bars.bars(record, taken, width),
            [],
            heading(taken, self._grid),
        ]
        after = [
            [],
            *record_bars.eavesdropper(scene.connection, record, taken, width),
            *record_bars.sealing(record, taken, width, self.secrets),
        ]
        every = rows(made, self._grid.columns)
        height = self.scrollable_content_region.height
        most = len(every) if self.unfolded else height - len(before) - len(after)
        lines += before
        for row in fold(every, most, lit_rows(made, every)):
            self._rows[len(lines)] = (number, row)
            lines.append([])
        lines += [*after, *record_bars.evenness(taken, width)]

    def line(self, index: int) -> Line:
        found = self._rows.get(index)
        if found is None:
            return super().line(index)
        return draw(self._sheets[found[0]], found[1], self._grid, self.width)

    def show_start(self, scene: Scene) -> None:
        lit = [index for index, (number, row) in self._rows.items() if lit_rows(self._sheets[number], [row])]
        if not lit:
            super().show_start(scene)
            return
        self._bring(lit)

    def _bring(self, lit: list[int]) -> None:
        """Brings the selected bytes into sight, and where they fit the head of the record too."""
        height = max(self.scrollable_content_region.height, 1)
        if lit[-1] < height:
            self.scroll_to(y=0, animate=False)
        else:
            self.reveal(lit[0], min(lit[-1], lit[0] + height - 1), margin=1)

    # keys and mouse

    def action_unfold(self) -> None:
        """Shows all the bytes of long records, or only their ends."""
        self.unfolded = not self.unfolded

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        index = self.index_at(offset.y) if offset is not None else None
        if offset is None or index not in self._rows or self.scene is None:
            return
        number, row = self._rows[index]
        if row.hidden:
            self.action_unfold()
            return
        made = self._sheets[number]
        clear = made.taken.scheme == "clear"
        found = byte_at(row, self._grid, offset.x, clear)
        own = self.scene.buffer
        if found is None or own is None:
            return
        plaintext = made.record.plaintext
        target = made.record.buffer if found[0] or clear or plaintext is None else plaintext
        place = own_offset(own, target, found[1])
        if place is not None:
            self.post_message(ByteChosen(place))


def sheet(scene: Scene, record: Record) -> Sheet:
    """A record with what is selected in it."""
    taken = anatomy(scene.connection, record)
    buffer, chosen = scene.buffer, scene.selection
    mine: tuple[Range, ...] = ()
    lit_wire: tuple[Range, ...] = ()
    lit_inside: tuple[Range, ...] = ()
    inside = record.plaintext if record.plaintext is not None else record.buffer
    if buffer is not None:
        mine = _ranges(scene, inside, 0, len(buffer.data))
        if chosen.end > chosen.start:
            lit_inside = _ranges(scene, inside, chosen.start, chosen.end)
            lit_wire = _ranges(scene, record.buffer, chosen.start, chosen.end)
    if taken.alignment != "exact" and taken.scheme != "clear":
        lit_wire = _blocks(lit_inside, taken, record)
    return Sheet(record, taken, whole(taken), lit_wire, lit_inside, mine)


def _ranges(scene: Scene, target: object, start: int, end: int) -> tuple[Range, ...]:
    """Which bytes of a buffer ``[start, end)`` of the step's own buffer came from."""
    buffer = scene.buffer
    if buffer is None:
        return ()
    if buffer is target:
        return ((start, end),)
    return tuple((origin.start, origin.end) for origin in buffer.origins(start, end) if origin.buffer is target)


def _blocks(inside: tuple[Range, ...], taken: Anatomy, record: Record) -> tuple[Range, ...]:
    """The cipher's blocks that hold these bytes of the inside; all of the ciphertext where nothing lines up."""
    sealed = taken.part("ciphertext") or taken.part("sealed")
    if not inside or sealed is None:
        return ()
    nonce = record.protection.nonce if record.protection else None
    if taken.alignment != "blocks" or not nonce:
        return ((sealed.start, sealed.end),)
    size = len(nonce)
    return tuple(
        (taken.aligned + start // size * size, taken.aligned + -(-end // size) * size) for start, end in inside
    )


def _first(scene: Scene, found: list[Record]) -> int:
    """The record to begin with: the first, or the one that holds what is selected."""
    buffer, chosen = scene.buffer, scene.selection
    if buffer is None or chosen.end <= chosen.start or len(found) <= MAX_RECORDS:
        return 0
    lit = {id(origin.buffer) for origin in buffer.origins(chosen.start, chosen.end)}
    return next((place for place, record in enumerate(found) if id(record.buffer) in lit), 0)


def _around(scene: Scene) -> list[Record]:
    """The records that an inferred message must be in: the unreadable ones that follow."""
    message, connection = scene.message, scene.connection
    if message is None or message.provenance != "inferred":
        return []
    runs = (run for run in connection.application if run.sender == message.sender and run.order > message.order)
    wanted = set(next((run.record_indices for run in runs), ()))
    return [record for record in connection.records if record.index in wanted]


def _nothing(scene: Scene) -> str:
    step = scene.step
    if step is None:
        return "Nothing has happened yet."
    if step.kind in ("message", "data"):
        return "None of the records of this step was kept."
    return "No TLS record: choose a message or application data."
