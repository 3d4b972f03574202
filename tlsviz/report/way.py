"""The way to the first byte as a waterfall in text, and what other kinds of handshake would take."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection.model import Connection
from tlsviz.connection.savings import Choice
from tlsviz.connection.way import Span, Way, way
from tlsviz.explain.way import how, in_short, saving
from tlsviz.report.paint import Line, Piece, Style, cells, clip, pad, paragraph
from tlsviz.wire.text import clock, safe

INDENT = Piece("  ")
CLOCK, TITLE, TRIPS = 9, 19, 6
_STYLES: dict[str, Style] = {"name": "dim", "record": "dim", "plain": "warn", "handshake": "sealed", "answer": "dim"}


def waterfall(connection: Connection, width: int) -> Iterator[Line]:
    """The section's lines; none if nothing of the way was seen."""
    found = way(connection)
    head = "The way there"
    if not found.spans:
        if found.note:
            yield [Piece(head, "title")]
            yield from paragraph([INDENT], found.note, width, "dim")
        return
    yield [Piece(head, "title"), Piece(clip(f"  {in_short(found)}", width - cells(head)), "dim")]
    end = max(max(span.end for span in found.spans), 1e-6)
    room = min(max(width - CLOCK * 2 - TITLE - TRIPS - 8, 10), 48)
    for span in found.spans:
        yield from _span(span, end, room, width)
    if found.choices:
        yield from _choices(found, room, width)
    for said in filter(None, (how(found), found.note)):
        yield from paragraph([INDENT], said, width, "dim")


def bar(start: float, duration: float, end: float, room: int) -> tuple[int, int]:
    """First cell and number of cells of a bar, of which one at least is seen."""
    first = min(int(start / end * room), room - 1)
    return first, max(min(round((start + duration) / end * room), room) - first, 1)


def _span(span: Span, end: float, room: int, width: int) -> Iterator[Line]:
    first, size = bar(span.start, span.duration, end, room)
    trips = f"{span.round_trips} RTT" if span.round_trips else ""
    style: Style = "bad" if span.fault else _STYLES.get(span.kind, "")
    yield [
        Piece(f"{clock(span.start):>{CLOCK}}  ", "dim"),
        Piece(pad(safe(span.title), TITLE), "bold"),
        Piece(" " * first),
        Piece("█" * size, style),
        Piece(" " * (room - first - size)),
        Piece(f"{clock(span.duration):>{CLOCK}}  "),
        Piece(trips, "dim"),
    ]
    indent = Piece(" " * (CLOCK + 2))
    if span.fault:
        yield [indent, Piece(clip(f"✗ {safe(span.fault)}", width - CLOCK - 2), "bad")]
    if span.detail:
        yield from paragraph([indent], safe(span.detail), width, "dim")


def _choices(found: Way, room: int, width: int) -> Iterator[Line]:
    """What the kinds of handshake take, the one that was made marked."""
    column = max(cells(choice.name) for choice in found.choices) + 4
    yield [INDENT, Piece("To the first byte, on this network (RTT: a round trip):", "bold")]
    for choice in found.choices:
        yield [INDENT, *_choice(choice, found.choices, column, width)]


def _choice(choice: Choice, choices: tuple[Choice, ...], column: int, width: int) -> Line:
    sign = "▶ " if choice.here else "  "
    time = clock(choice.time) if choice.time is not None else ""
    style: Style = "bold" if choice.here else ""
    left = f"{sign}{choice.name:{column}}{choice.round_trips} RTT{time:>{CLOCK + 2}}  "
    return [Piece(left, style), Piece(clip(saving(choice, choices), width - cells(left) - 2), "dim")]
