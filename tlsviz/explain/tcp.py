"""The way and the work in words: where a capture was taken, what the network and what the server took."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection.model import Connection
from tlsviz.connection.stalls import by_reader, told
from tlsviz.connection.tcp import SegmentKind, Tcp, Trips, answer, trips
from tlsviz.wire.chunks import CLIENT, SERVER
from tlsviz.wire.text import clock, plural, times

_KINDS: tuple[tuple[SegmentKind, str], ...] = (
    ("retransmitted", "sent again"),
    ("out_of_order", "overtaken"),
    ("overlap", "overlapping"),
    ("conflicting", "contradictory"),
    ("duplicate", "captured twice"),
    ("keep_alive", "keep-alive"),
)
_NAMED = 6
UNFELT = 0.0005
"""Seconds of work that are not told from none."""


def vantage(connection: Connection) -> str:
    """How long the way there and back takes, and from where that was seen; "" where nothing tells."""
    timed = trips(connection)
    if connection.tcp is None or timed.server is None:
        return ""
    tried = f"; the SYN was sent {times(timed.tries)}" if timed.tries > 1 else ""
    if timed.client is None:
        return f"{clock(timed.server)} to the server and back (SYN to SYN, ACK){tried}"
    found = f"{clock(timed.server)} to the server and back, {clock(timed.client)} to the client and back"
    return f"{found}: {_place(timed)}{tried}"


def _place(timed: Trips) -> str:
    words = {
        "client": "captured near the client",
        "server": "captured near the server",
        "between": "captured between the two",
        None: "too near to both to tell where it was captured",
    }
    return words[timed.place]


def answered(connection: Connection) -> str:
    """What of the wait for the server's answer was the way, and what the server's own work."""
    said = answer(connection)
    if connection.tcp is None or said is None or said.thought is None:
        return ""
    parts = []
    if said.acknowledged is not None:
        parts.append(f"acknowledged by the server's TCP after {clock(said.acknowledged)}")
    parts.append(f"answered after {clock(said.whole)}")
    felt = said.thought >= UNFELT or said.thought > said.whole / 2
    took = f"{clock(said.thought)} of it was the server's work" if felt else "all of it was the way"
    return f"{', '.join(parts)}: {took}"


def trouble(connection: Connection) -> Iterator[tuple[str, str]]:
    """What went wrong on the way: a name and in words how often, of whom, and in which packets."""
    tcp = connection.tcp or Tcp()
    for kind, name in _KINDS:
        for side in (CLIENT, SERVER):
            found = tcp.of(kind, side)
            if not found:
                continue
            numbers = ", ".join(str(each.packet) for each in found[:_NAMED])
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            slowest = max(abs(each.delay) for each in found)
            late = f", up to {clock(slowest)} late" if kind in ("retransmitted", "out_of_order") else ""
            word = "packets" if len(found) > 1 else "packet"
            yield name, f"{plural(len(found), 'segment')} of the {side}{late}: {word} {numbers}{more}"
    for stalls in by_reader(tcp):
        yield "window closed", told(connection, stalls)
    back = tcp.steps_back
    if back:
        yield (
            "clock",
            f"{plural(len(back), 'packet')} older than the one before, by up to {clock(max(b for _, b in back))}",
        )
