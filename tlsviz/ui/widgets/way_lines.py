"""Drawing the way to the first byte: as a strip of one or two lines, and in full as a waterfall."""

from __future__ import annotations

from rich.cells import cell_len

from tlsviz.connection.savings import Choice
from tlsviz.connection.way import Span, Way
from tlsviz.explain.way import how, in_short, saving
from tlsviz.ui.glyphs import glyphs
from tlsviz.ui.widgets.lines import Line, cells, clip, clip_line, fit
from tlsviz.ui.widgets.pane import heading, paragraph
from tlsviz.wire.text import clock, plural, safe

ROLES = {
    "name": "muted",
    "record": "muted",
    "connect": "client",
    "plain": "clear",
    "handshake": "encrypted",
    "request": "server",
    "answer": "server",
}
_SHORT = {
    "name": "DNS",
    "connect": "TCP",
    "plain": "plain",
    "handshake": "TLS",
    "request": "request",
    "answer": "rest",
}
CLOCK, TITLE, TRIPS = 10, 23, 8
ROOMY = 90
KEY = "  w way"
WIDEST_BAR, NARROWEST_BAR = 64, 12


def strip(way: Way, width: int, height: int) -> list[Line]:
    """The waits side by side, each as wide as it is long, as far as their names let that be; then it in words."""
    spans = [span for span in way.spans if span.kind in _SHORT and not (span.kind == "answer" and way.first_byte)]
    if not spans or width < 20:
        return []
    words = _words(way, width)
    parts = _parts(spans, width - 1)
    if height < 2:
        return [parts or words]
    return [parts, words] if parts else [words]


def _words(way: Way, width: int) -> Line:
    """The figures and the key that shows the whole, in fewer words where room is short."""
    said = in_short(way)
    if len(said) + 1 + len(KEY) > width:
        said = said.replace("round trip", "trip").replace(" after ", " ")
    line: Line = [(f" {clip(said, width - 1)}", "muted")]
    return [*line, (KEY[:3], "bold server"), (KEY[3:], "muted")] if cells(line) + len(KEY) <= width else line


def _parts(spans: list[Span], width: int) -> Line:
    """The bar of the strip; [] where not even the names fit."""
    labels = [_label(span, True) for span in spans]
    least = [cell_len(label) + 2 for label in labels]
    if sum(least) > width:
        labels = [_label(span, False) for span in spans]
        least = [cell_len(label) + 2 for label in labels]
    if sum(least) > width:
        return []
    total = sum(span.duration for span in spans) or 1.0
    spare = width - sum(least)
    sizes = [size + int(spare * span.duration / total) for size, span in zip(least, spans, strict=True)]
    sizes[-1] += width - sum(sizes)
    line: Line = [(" ", "")]
    for number, (span, label, size) in enumerate(zip(spans, labels, sizes, strict=True)):
        rule = glyphs().lane if number else " "
        style = f"{'failed' if span.fault else ROLES[span.kind]} bold on selection"
        line += [(rule, "muted on selection"), (fit(label, size - 1), style)]
    return line


def _label(span: Span, timed: bool) -> str:
    name = span.title.split()[0] if span.kind == "connect" else _SHORT[span.kind]
    sign = f"{glyphs().failed} " if span.fault else ""
    return f"{sign}{name} {clock(span.duration)}" if timed else f"{sign}{name}"


def waterfall(way: Way, width: int) -> list[Line]:
    """Every wait as a bar on a common time axis, the comparison with other handshakes, and how it was measured."""
    room = min(max(width - 2 * CLOCK - TITLE - TRIPS - 3, NARROWEST_BAR), WIDEST_BAR)
    end = max((span.end for span in way.spans), default=0.0) or 1e-6
    grid = _grid(way, end, room)
    lines: list[Line] = [[], [(f" {clip(in_short(way), width - 2)}", "bold")], []]
    for span in way.spans:
        lines.append(clip_line(_bar(span, end, room, grid), width))
        indent = CLOCK + 2
        if span.fault:
            lines += paragraph(f"{glyphs().failed} {safe(span.fault)}", width, "failed", indent)
        if span.detail:
            lines += paragraph(safe(span.detail), width, "muted", indent)
    if way.choices:
        lines += [[], *heading("the same way with other handshakes", width), *_choices(way, width)]
    for said in filter(None, (how(way), way.note)):
        lines += [[], *paragraph(said, width, "muted")]
    return lines


def _grid(way: Way, end: float, room: int) -> frozenset[int]:
    """The cells at which one more round trip has passed since the first packet; none where they would be too dense."""
    rtt = way.round_trip_time
    first = next((span.start for span in way.spans if span.kind not in ("name", "record")), 0.0)
    if not rtt or end / rtt > room / 3:
        return frozenset()
    count = int((end - first) / rtt + 1e-9)
    return frozenset(int((first + rtt * number) / end * room) for number in range(1, count + 1)) - {room}


def _bar(span: Span, end: float, room: int, grid: frozenset[int]) -> Line:
    first = min(int(span.start / end * room), room - 1)
    last = max(min(round(span.end / end * room), room), first + 1)
    signs = glyphs()
    role = "failed" if span.fault else ROLES[span.kind]
    trips = plural(span.round_trips, "trip") if span.round_trips else ""
    before = "".join(signs.waiting_lane if at in grid else " " for at in range(first))
    after = "".join(signs.waiting_lane if at in grid else " " for at in range(last, room))
    return [
        (f"{clock(span.start):>{CLOCK}}  ", "muted"),
        (fit(safe(span.title), TITLE), "bold"),
        (before, "rule"),
        ((signs.shade if span.fault else signs.full) * (last - first), role),
        (after, "rule"),
        (f"{clock(span.duration):>{CLOCK}}", ""),
        (f" {trips:<{TRIPS}}", "muted"),
    ]


def _choices(way: Way, width: int) -> list[Line]:
    """A line a kind of handshake: its round trips as dots, its time, and what it saves."""
    column = max(cell_len(choice.name) for choice in way.choices) + 2
    # Where the line is short the number of round trips stands alone, without as many dots.
    most = max(choice.round_trips for choice in way.choices) if width >= ROOMY else 0
    return [clip_line(_choice(choice, way, column, most), width) for choice in way.choices]


def _choice(choice: Choice, way: Way, column: int, most: int) -> Line:
    signs = glyphs()
    dots = f"{signs.chosen * choice.round_trips:{most + 1}}" if most else ""
    time = clock(choice.time) if choice.time is not None else ""
    here = "bold" if choice.here else ""
    return [
        (f" {signs.here if choice.here else ' '} ", "accent bold"),
        (f"{choice.name:{column}}", here),
        (dots, "accent" if choice.here else "muted"),
        (f"{choice.round_trips} RTT", here),
        (f"{time:>{CLOCK}}  ", here),
        (saving(choice, way.choices), "verified" if choice.saved else ""),
        ("  this one" if choice.here else "", "accent bold"),
    ]
