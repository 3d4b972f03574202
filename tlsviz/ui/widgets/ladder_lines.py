"""Drawing the ladder: steps in, rows of pieces out. Knows nothing of widgets, so that every row can be tested."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len

from tlsviz.connection import titles
from tlsviz.connection.ladder import ARROWLESS, Step, carriers
from tlsviz.connection.model import GRAVE, Connection
from tlsviz.connection.segments import SegmentLine, placed
from tlsviz.ui.glyphs import Glyphs, glyphs, passage, proof
from tlsviz.ui.widgets.lines import Line, clip, fit, wrap
from tlsviz.wire.chunks import CLIENT, SERVER, Sender, other
from tlsviz.wire.text import clock, plural, safe

MAX_FAULTS = 3
"""Of the faults of one message so many are named on the ladder; Explain has them all."""
_ODD_MARKS = ("rst", "abort", "refused", "unreachable", "timeout", "error")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the ladder and the step it belongs to; None between steps."""

    line: Line
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns of a ladder of ``width`` cells are."""

    width: int
    clock: int
    status: int

    @property
    def lane(self) -> int:
        """The column of the client's lane."""
        return 1 + self.clock + 2

    @property
    def span(self) -> int:
        """The cells between the lanes."""
        return max(self.width - self.lane - 2 - self.status, 8)


def layout(width: int) -> Layout:
    """The columns that suit a width."""
    if width < 62:
        return Layout(width, 9, 5)
    if width < 92:
        return Layout(width, 9, 15)
    return Layout(width, 9, 26)


Density = Literal["airy", "spaced", "roomy", "compact"]
"""airy: every step has a second line, for its detail or for air. roomy: only for a detail that does not fit into the
arrow; spaced: and an empty line before each flight. compact: one line a step."""


class Drawing:
    """Draws one connection's ladder at one width; with ``segments``, TCP's before the steps that they carried."""

    def __init__(
        self,
        connection: Connection,
        steps: tuple[Step, ...],
        width: int,
        density: Density,
        segments: bool = False,
    ) -> None:
        self.connection = connection
        self.steps = steps
        self.density = density
        self.layout = layout(width)
        self.signs: Glyphs = glyphs()
        self._faults = _faults(connection)
        self._messages = Counter(step.flight for step in steps if step.kind == "message")
        self._sealed: dict[Sender, bool] = {CLIENT: False, SERVER: False}
        self._with_segments = segments
        self._segments: list[list[SegmentLine]] = []

    def rows(self, *, running: bool = False) -> list[Row]:
        """Every row, top to bottom."""
        rows: list[Row] = []
        self._segments = placed(self.connection, self.steps) if self._with_segments else []
        flight = number = round_trip = 0
        for index, step in enumerate(self.steps):
            if step.kind not in ("mark", "hole") and step.flight != flight:
                number += 1
                rows.extend(self._below(index, step, carried=False))
                if self.density == "spaced" and index:
                    rows.append(Row(self._between("", "")))
                rows.append(self._flight(index, number, step, step.round_trip != round_trip))
                flight, round_trip = step.flight, step.round_trip
            rows.extend(self._below(index, step))
            rows.extend(self._step(index, step))
        if self._segments:
            rows.extend(row for each in self._segments[-1] for row in self._segment(each, None))
        rows.extend(self._end(running))
        return rows

    def head(self, height: int, between: str = "") -> list[Line]:
        """The lanes' names: boxes in three lines, or one line when there is little room. ``between``: who is there."""
        lane, span = self.layout.lane, self.layout.span
        ends = [("client", max(lane - 4, 0), "client bold"), ("server", lane + span + 1 - 4, "server bold")]
        if between and span >= 4 * len(between):
            ends.insert(1, (between, lane + (span - len(between)) // 2 - 1, "warning bold"))
        if height < 3:
            return [self._names(ends)]
        boxes = [_box(self.signs, name, max(len(name) + 4, 9 if name == between else 10)) for name, _, _ in ends]
        lines: list[Line] = []
        for row in range(3):
            line: Line = []
            at = 0
            for place, ((name, start, style), drawn) in enumerate(zip(ends, boxes, strict=True)):
                line.append((" " * (start - at), ""))
                line.append(
                    (drawn[row].replace(self.signs.down, self.signs.dash) if name == between else drawn[row], style)
                )
                at = start + len(drawn[row])
                if row == 1 and place == 0 and len(ends) == 2:
                    line, at = self._addresses(line, at, ends[1][1])
            lines.append(line)
        return lines

    def _addresses(self, line: Line, at: int, stop: int) -> tuple[Line, int]:
        """The two addresses between the boxes, as far as they fit."""
        connection = self.connection
        left = str(connection.client) if connection.client.address else ""
        right = str(connection.server) if connection.server.address else ""
        room = stop - at - 2
        if len(left) + len(right) + 3 > room:
            left = ""
        left, right = clip(left, room), clip(right, room)
        gap = max(room - cell_len(left) - cell_len(right), 0)
        return [*line, (f" {left}", "muted"), (" " * gap, ""), (f"{right} ", "muted")], stop

    def _names(self, ends: list[tuple[str, int, str]]) -> Line:
        line: Line = []
        at = 0
        for place, (name, _, style) in enumerate(ends):
            lane = self.layout.lane + (self.layout.span + 1) * place // (len(ends) - 1)
            start = max(lane - len(name) // 2, at)
            line += [(" " * (start - at), ""), (name, style)]
            at = start + len(name)
        return line

    # one step

    def _step(self, index: int, step: Step) -> list[Row]:
        encrypted = step.encrypted and step.kind in ("message", "data")
        if encrypted:
            self._sealed[step.sender] = True
        rows = [Row(self._arrow(index, step), index)]
        beside = step.kind != "mark" and not self._detail_fits(step)
        if self.density == "airy" or (self.density != "compact" and step.detail and beside):
            rows.append(Row(self._between(f"     {step.detail}" if beside else "", "muted"), index))
        for text, style in self._notes(step):
            parts = wrap(text, max(self.layout.span - 6, 8))
            rows.extend(Row(self._between(f"   {part}", style), index) for part in parts)
        return rows

    def _below(self, index: int, step: Step, carried: bool = True) -> list[Row]:
        """TCP's segments until this step that were not drawn yet, those that ``carried`` it as part of it."""
        if not self._segments:
            return []
        mine = set(carriers(self.connection, step))
        waiting = self._segments[index]
        first = next((at for at, each in enumerate(waiting) if mine.intersection(each.packets)), len(waiting))
        shown = waiting if carried else waiting[:first]
        self._segments[index] = waiting[len(shown) :]
        return [
            row for each in shown for row in self._segment(each, index if mine.intersection(each.packets) else None)
        ]

    def _segment(self, each: SegmentLine, step: int | None) -> list[Row]:
        """A segment as a thin arrow, and below it what is odd about it."""
        style = "warning" if each.note else "muted"
        text = clip(f" {each.title} {self.signs.dot} {each.detail} ", self.layout.span - 4)
        rest = self.signs.dot * (self.layout.span - cell_len(text) - 3)
        left, right = f"{self.signs.dot * 2}", f"{rest}{self.signs.thin_right}"
        if each.sender == SERVER:
            left, right = f"{self.signs.thin_left}{self.signs.dot}", f"{rest}{self.signs.dot}"
        time = fit(clock(each.time).rjust(self.layout.clock), self.layout.clock)
        line: Line = [(" ", ""), (time, "muted"), ("  ", ""), self._lane(CLIENT)]
        rows = [Row([*line, (left, style), (text, style), (right, style), self._lane(SERVER)], step)]
        said = wrap(f"{self.signs.odd} {each.note}", max(self.layout.span - 6, 8)) if each.note else []
        return rows + [Row(self._between(f"   {part}", style), step) for part in said]

    def _notes(self, step: Step) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        if step.note:
            style = "failed" if step.proof == "failed" or step.kind in ("hole", "mark") else "warning"
            found.append((f"{self.signs.odd} {safe(step.note)}", style))
        if step.kind == "message":
            faults = self._faults.get(step.index, [])
            found += [(f"{self.signs.failed} {safe(title)}", "failed") for title in faults[:MAX_FAULTS]]
            if len(faults) > MAX_FAULTS:
                found.append((f"{self.signs.failed} and {len(faults) - MAX_FAULTS} more", "failed"))
        return found

    def _arrow(self, index: int, step: Step) -> Line:
        time = clock(step.time) if index == 0 or step.kind != "mark" or step.gap else ""
        return [
            (" ", ""),
            (fit(time.rjust(self.layout.clock), self.layout.clock), "muted"),
            ("  ", ""),
            self._lane(CLIENT),
            *self._middle(step),
            self._lane(SERVER),
            *self._status(step),
        ]

    def _middle(self, step: Step) -> Line:
        if step.kind == "hole":
            return self._label(step, self.signs.missing, self.signs.missing, "", "failed")
        if step.kind == "mark":
            return self._mark(step)
        style = passage(step).role
        if step.proof == "failed":
            style = "failed"
        shaft = self.signs.encrypted if step.encrypted else self.signs.clear
        if step.provenance == "inferred":
            shaft = self.signs.inferred
        head = self.signs.right if step.sender == CLIENT else self.signs.left
        return self._label(step, shaft, shaft, head, style)

    def _mark(self, step: Step) -> Line:
        kind = self.connection.marks[step.index].mark.kind
        style = "failed" if kind in _ODD_MARKS else "muted"
        if kind in ARROWLESS:
            text = f" {step.title}" + (f" {self.signs.dot} {step.detail}" if step.detail else "")
            text = fit(clip(text, self.layout.span), self.layout.span)
            return [(text, style)]
        head = self.signs.thin_right if step.sender == CLIENT else self.signs.thin_left
        if kind in ("rst", "abort"):
            head = self.signs.failed
        return self._label(step, self.signs.transport, self.signs.transport, head, style)

    def _label(self, step: Step, shaft: str, tail: str, head: str, style: str) -> Line:
        """An arrow with its title (and the detail if it fits) set into the shaft."""
        span = self.layout.span
        bold = f"{style} bold" if step.kind in ("message", "data") else style
        title = safe(step.title)
        lead = 4 if cell_len(title) + len(head) + 6 <= span else 2
        title = clip(title, span - len(head) - 2 - lead)
        detail = safe(step.detail) if self._detail_fits(step) else self._packet_types(step)
        used = cell_len(title) + (cell_len(detail) + 2 if detail else 0)
        rest = max(span - len(head) - lead - 2 - used, 0)
        label: Line = [(f" {title} ", bold)]
        if detail:
            label.append((f" {detail} ", "muted"))
        if step.sender == CLIENT:
            return [(shaft * lead, style), *label, (tail * rest + head, style)]
        return [(head + shaft * (lead - len(head)), style), *label, (tail * (rest + len(head)), style)]

    def _detail_fits(self, step: Step) -> bool:
        if not step.detail or (self.density == "airy" and step.kind != "mark"):
            return False
        return cell_len(safe(step.title)) + cell_len(safe(step.detail)) + 10 <= self.layout.span

    def _packet_types(self, step: Step) -> str:
        """Of a detail that does not fit, the types of QUIC's packets alone, if these do: they say which keys seal."""
        kinds = ""
        if step.kind == "message" and self.density != "airy":
            kinds = " ".join(titles.packet_types(self.connection, self.connection.messages[step.index].records))
        return kinds if cell_len(safe(step.title)) + cell_len(kinds) + 10 <= self.layout.span else ""

    def _status(self, step: Step) -> Line:
        if self._segments and step.kind == "mark" and (numbers := carriers(self.connection, step)):
            shown = f" {titles.seen_in(self.connection, numbers)}"
            return [
                (shown if cell_len(shown) <= self.layout.status else f" {numbers[0]}"[: self.layout.status], "muted")
            ]
        if step.kind not in ("message", "data"):
            return []
        way, seal = passage(step), proof(step.proof)
        words = self.layout.status
        text = f" {way.glyph}" if words < 8 else f" {way.glyph} {way.word}"
        line: Line = [(text, way.role)]
        if seal:
            line.append((f" {seal.glyph}" if words < 20 else f" {seal.glyph} {seal.word}", seal.role))
        return line

    # between steps

    def _lane(self, side: Sender) -> tuple[str, str]:
        sealed = self._sealed[side]
        return (self.signs.sealed_lane if sealed else self.signs.lane, "encrypted" if sealed else side)

    def _between(self, text: str, style: str, clock_text: str = "", lane: str = "") -> Line:
        lanes = [(lane, "muted")] * 2 if lane else [self._lane(CLIENT), self._lane(SERVER)]
        return [
            (" ", ""),
            (fit(clock_text.rjust(self.layout.clock), self.layout.clock), "muted"),
            ("  ", ""),
            lanes[0],
            (fit(safe(text), self.layout.span), style),
            lanes[1],
        ]

    def _flight(self, index: int, number: int, step: Step, waited: bool) -> Row:
        """A breath between flights: who speaks now, how long the silence was, how often the client has waited."""
        dot = f" {self.signs.dot} "
        messages = self._messages[step.flight]
        words = [f"flight {number}", f"{step.sender} {self.signs.arrow} {other(step.sender)}"]
        if messages > 1:
            words.append(plural(messages, "message"))
        trips = f"round trip {step.round_trip} " if waited and step.round_trip else ""
        room = self.layout.span - (len(trips) + 1 if trips else 0)
        while len(words) > 1 and cell_len(dot.join(words)) + 1 > room:
            words.pop(1)
        text = f" {dot.join(words)}"
        if trips and cell_len(text) <= room:
            text = fit(text, self.layout.span - len(trips)) + trips
        gap = f"+{clock(step.gap)}" if index and step.gap >= 0.00005 else ""
        return Row(self._between(text, "muted italic", gap, self.signs.waiting_lane))

    def _end(self, running: bool) -> list[Row]:
        if running:
            return [Row(self._between(f"   waiting{self.signs.ellipsis}", "muted italic", "", self.signs.waiting_lane))]
        diagnosis = self.connection.failure
        if diagnosis is None or diagnosis.message is not None:
            return []
        text = f"{self.signs.failed} {diagnosis.title}"
        last = len(self.steps) - 1 if self.steps else None
        return [Row(self._between(f" {part}", "failed bold"), last) for part in wrap(text, self.layout.span - 2)]


def _faults(connection: Connection) -> dict[int, list[str]]:
    """The titles of grave findings, by the message they are about."""
    found: dict[int, list[str]] = {}
    for finding in connection.findings:
        if finding.message is not None and (finding.diagnosis or finding.severity in GRAVE):
            found.setdefault(finding.message, []).append(finding.title)
    return found


def _box(signs: Glyphs, name: str, size: int) -> tuple[str, str, str]:
    inner = size - 2
    middle = 4
    return (
        signs.corner_tl + signs.dash * inner + signs.corner_tr,
        signs.rail + name.center(inner) + signs.rail,
        signs.corner_bl + signs.dash * (middle - 1) + signs.down + signs.dash * (inner - middle) + signs.corner_br,
    )
