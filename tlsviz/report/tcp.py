"""What TCP did below a captured connection: a section of the text report, its segments, and the JSON of both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tlsviz.connection.model import Connection
from tlsviz.connection.segments import line, note, signs
from tlsviz.connection.stalls import described, lasted
from tlsviz.connection.tcp import Segment, Stall, answer, counts, trips
from tlsviz.explain.tcp import answered, trouble, vantage
from tlsviz.report.paint import Line, Piece, heading, pad, paragraph
from tlsviz.wire.chunks import CLIENT, SERVER, other
from tlsviz.wire.text import clock

LEAD, SIDE, SIZE = 16, 8, 22


def transport(connection: Connection, width: int) -> Iterator[Line]:
    """Where the capture was taken, how long the way and the server took, and what went wrong on the way."""
    parts = (("round trip", vantage(connection)), ("ClientHello", answered(connection)))
    said = [(name, text, False) for name, text in parts if text]
    said += [(name, text, True) for name, text in trouble(connection)]
    if connection.tcp is None or not said:
        return
    yield heading("TCP", "below TLS; segment by segment: show --segments", width)
    for name, text, odd in said:
        lead = [Piece("  "), Piece(pad(name, LEAD), "warn" if odd else "")]
        yield from paragraph(lead, text, width, "" if odd else "dim")


def segments(connection: Connection, width: int) -> Iterator[Line]:
    """Every segment that is remembered, in the capture's order."""
    tcp = connection.tcp
    if tcp is None or not tcp.segments:
        return
    yield heading("Segments", "time, side, packet, place in its stream", width)
    for each in tcp.segments:
        yield from _segment(connection, each, width)
    if tcp.more:
        yield [Piece(f"  and {tcp.more:,} more", "dim")]


def _segment(connection: Connection, each: Segment, width: int) -> Iterator[Line]:
    said = line(connection, each)
    place = f"{each.start:,} to {each.start + each.length - 1:,}" if each.length else ""
    lead: Line = [
        Piece(f"  {clock(said.time):>9}  ", "dim"),
        Piece(f"{each.sender:{SIDE}}"),
        Piece(f"{each.packet:>7}  ", "dim"),
        Piece(pad(said.detail, SIZE) if place else said.detail),
        Piece(place, "dim"),
    ]
    yield lead
    if said.note:
        yield from paragraph([Piece(" " * 13), Piece("▲ ", "warn")], said.note, width, "warn")


def tcp_json(connection: Connection, every: bool) -> dict[str, Any] | None:
    """The contract's object; None where no TCP was captured. ``every``: with the segments."""
    tcp = connection.tcp
    if tcp is None:
        return None
    timed, said = trips(connection), answer(connection)
    return {
        "vantage": timed.place,
        "syn_rtt": _seconds(timed.server),
        "ack_rtt": _seconds(timed.client),
        "syn_tries": timed.tries,
        "hello_acknowledged": _seconds(said.acknowledged if said else None),
        "hello_answered": _seconds(said.whole if said else None),
        "server_time": _seconds(said.thought if said else None),
        "client": dict(counts(connection, CLIENT)),
        "server": dict(counts(connection, SERVER)),
        "steps_back": len(tcp.steps_back),
        "after_reset": list(tcp.after_reset),
        "stalls": [_stall_json(connection, each) for each in tcp.stalls],
        "segments": [_segment_json(connection, each) for each in tcp.segments] if every else None,
        "more_segments": tcp.more,
    }


def _segment_json(connection: Connection, each: Segment) -> dict[str, Any]:
    return {
        "packet": each.packet,
        "time": round(each.time - connection.start, 6),
        "from": each.sender,
        "start": each.start,
        "length": each.length,
        "flags": signs(each) or None,
        "kind": each.kind or None,
        "of": each.of,
        "delay": _seconds(each.delay) if each.of is not None else None,
        "missing": each.missing,
        "acknowledged": each.acknowledged,
        "window": each.window or None,
        "note": note(each),
    }


def _stall_json(connection: Connection, each: Stall) -> dict[str, Any]:
    return {
        "reader": other(each.sender),
        "stalled": each.sender,
        "packet": each.packet,
        "time": round(each.time - connection.start, 6),
        "duration": _seconds(lasted(connection, each)) if each.reason != "opened_before" else None,
        "end": each.reason or None,
        "end_packet": each.end,
        "acknowledged": each.taken,
        "zero_windows": each.zeros,
        "probes": each.probes,
        "note": f"no more bytes were taken {described(connection, each)}",
    }


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
