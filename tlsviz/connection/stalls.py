"""Closed receive windows (RFC 9293 3.8.6) in words and seconds: who made whom wait, and what it cost the handshake."""

from __future__ import annotations

from collections.abc import Sequence

from tlsviz.connection.finishes import handshake_end
from tlsviz.connection.model import Connection
from tlsviz.connection.tcp import Segment, Stall, Tcp
from tlsviz.wire.chunks import other
from tlsviz.wire.text import clock, plural

INNOCENT = "neither the network nor TLS is to blame"


def lasted(connection: Connection, stall: Stall) -> float:
    """Seconds from the acknowledgement that closed the window to its end, or to the connection's last packet."""
    last = stall.last if stall.reason else max(stall.last, connection.end)
    return max(last - stall.time, 0.0)


def in_handshake(connection: Connection) -> list[Stall]:
    """The closings before the first handshake was over, or of a handshake that never was."""
    end = handshake_end(connection)
    found = connection.tcp.stalls if connection.tcp is not None else ()
    return [stall for stall in found if end is None or stall.time < end]


def held(connection: Connection, stalls: Sequence[Stall]) -> float:
    """Seconds of the handshake that these closings took; of two at once the longer one counts."""
    end = handshake_end(connection)
    total, reached = 0.0, float("-inf")
    for stall in sorted(stalls, key=lambda each: each.time):
        stop = stall.time + lasted(connection, stall)
        stop = stop if end is None else min(stop, end)
        total += max(stop - max(stall.time, reached), 0.0)
        reached = max(reached, stop)
    return total


def described(connection: Connection, stall: Stall) -> str:
    """``for 2.96 s (packets 9 to 15, the server asked 3 times)``."""
    took = clock(lasted(connection, stall))
    asked = f", the {stall.sender} asked {_times(stall.probes)}" if stall.probes else ""
    where = f"packets {stall.packet} to {stall.end}" if stall.end is not None else f"from packet {stall.packet} on"
    ends = {
        "opened": "",
        "resumed": ", until bytes came again",
        "reset": ", until the reset",
        "": ", not seen to open again",
    }
    return f"for {took} ({where}{asked}{ends[stall.reason]})"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def told(connection: Connection, stalls: Sequence[Stall]) -> str:
    """One side's closings in one sentence: the longest of them, and how many there were."""
    longest = max(stalls, key=lambda each: lasted(connection, each))
    reader = other(longest.sender)
    rest = sum(lasted(connection, each) for each in stalls)
    more = f"; {plural(len(stalls), 'time')} and {clock(rest)} in all" if len(stalls) > 1 else ""
    return (
        f"the {reader} took no more bytes {described(connection, longest)}{more}: its program did not read; {INNOCENT}"
    )


def by_reader(tcp: Tcp) -> list[list[Stall]]:
    """The closings of each side that had any."""
    sides = [[stall for stall in tcp.stalls if stall.sender == sender] for sender in ("server", "client")]
    return [found for found in sides if found]


def note(segment: Segment) -> str | None:
    """What a segment does to its sender's window, or finds out about it; None where that is nothing new."""
    since = f"{clock(segment.delay)} after packet {segment.of}"
    said = {
        "closed": f"the {segment.sender}'s program does not read: its window is closed, and the {other(segment.sender)}"
        f" has to wait; {INNOCENT}",
        "opened": f"the window is open again, {since}",
        "resumed": f"new bytes, {since} closed the window: it must have opened",
    }
    return said.get(segment.window)


def detail(segment: Segment) -> str:
    """What a segment says of a window, in short; "" where it says nothing."""
    if segment.kind == "probe":
        return "window probe"
    return {"closed": "window 0", "still_closed": "window still 0", "opened": "window open"}.get(segment.window, "")
