"""Findings about TCP below TLS: what was lost on the way, repeated, contradicted, or reset in vain."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection import stalls
from tlsviz.connection.model import Connection, Finding
from tlsviz.connection.tcp import Segment
from tlsviz.wire.chunks import CLIENT, SERVER, other
from tlsviz.wire.text import clock

SLOWED = 0.2
"""Seconds of waiting for what was lost that are worth a notice: TCP's shortest time-out (Linux)."""
FELT = 0.01
"""Seconds of a closed window below which it is not worth a word: small buffers are full for a moment."""
_NAMED = 4


def packets(numbers: list[int]) -> str:
    """``packet 8``, ``packets 8, 9 and 12``, ``packets 8, 9, 12, 13 and 5 more``."""
    shown = [str(number) for number in numbers[:_NAMED]]
    more = len(numbers) - len(shown)
    if len(numbers) == 1:
        return f"packet {shown[0]}"
    last = f"{more} more" if more else shown.pop()
    return f"packets {', '.join(shown)} and {last}"


def _of(segments: list[Segment]) -> str:
    return packets([each.packet for each in segments])


def repeated(connection: Connection) -> Iterator[Finding]:
    """Segments that had to be sent again: the network lost them, or their acknowledgements."""
    if connection.tcp is None or not (again := connection.tcp.of("retransmitted")):
        return
    slowest = max(again, key=lambda each: each.delay)
    counts = [
        f"{count} of the {side}"
        for side in (CLIENT, SERVER)
        if (count := len(connection.tcp.of("retransmitted", side)))
    ]
    waited = f", the slowest {clock(slowest.delay)} after packet {slowest.of}" if slowest.of is not None else ""
    yield Finding(
        "packets_sent_again",
        "notice" if slowest.delay >= SLOWED else "info",
        "Packets had to be sent again",
        f"{' and '.join(counts)} ({_of(again)}){waited}",
        "Look for loss on the way: radio links, full queues, a path that passes only smaller packets (MTU).",
        "RFC 9293 3.8.1; RFC 6298",
    )


def conflicting(connection: Connection) -> Iterator[Finding]:
    """The same place in the stream, sent twice with different bytes."""
    if connection.tcp is None or not (found := connection.tcp.of("conflicting")):
        return
    first = found[0]
    yield Finding(
        "conflicting_segments",
        "warning",
        "The same bytes came twice, and differ",
        f"{_of(found)} of the {first.sender}: byte {first.differs:,} and what follows is not what packet {first.of}"
        " had there; the bytes that came first are shown, the receiver may have taken the others",
        "Somebody injects packets (a filter, a tool against filters), or a device on the way is broken:"
        " capture at both ends and compare.",
        "RFC 9293 3.10.7.4; RFC 5961",
    )


def reset_ignored(connection: Connection) -> Iterator[Finding]:
    """A reset that was not the end: a side that had reset goes on."""
    if connection.tcp is None or not connection.tcp.after_reset:
        return
    mark = next((placed.mark for placed in connection.marks if placed.mark.kind == "rst"), None)
    where = f" (packet {mark.packets[0]})" if mark is not None and mark.packets else ""
    yield Finding(
        "reset_ignored",
        "warning",
        "The connection went on after a reset",
        f"new bytes came after the RST{where} from the same address: {packets(list(connection.tcp.after_reset))}",
        "The RST was probably not the sender's: filters on the way cut connections so. Compare its TTL with that of"
        " the other packets.",
        "RFC 9293 3.5.3; RFC 5961 3",
    )


def window_closed(connection: Connection) -> Iterator[Finding]:
    """A side that did not read what the other sent: its receive window closed in the handshake."""
    found = stalls.in_handshake(connection)
    held = stalls.held(connection, found)
    if held < FELT:
        return
    longest = max(found, key=lambda each: stalls.lasted(connection, each))
    reader = other(longest.sender)
    never = not connection.complete and longest.reason in ("", "reset")
    yield Finding(
        "window_closed",
        "warning" if never else "notice" if held >= SLOWED else "info",
        f"The {reader} did not read, and the handshake waited {clock(held)}",
        stalls.told(connection, found),
        f"Look at the {reader}'s program: what it does between its messages, in the thread that reads; and at its"
        " receive buffer (SO_RCVBUF).",
        "RFC 9293 3.8.6",
    )


FINDERS = (repeated, conflicting, reset_ignored, window_closed)
