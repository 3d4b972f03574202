"""Closed receive windows (RFC 9293 3.8.6) in words and seconds: who made whom wait, and what it cost the handshake."""

from __future__ import annotations

from collections.abc import Sequence

from tlsviz.connection.finishes import handshake_end
from tlsviz.connection.model import Connection
from tlsviz.connection.tcp import Segment, Stall, Tcp
from tlsviz.wire.chunks import CLIENT, SERVER, other
from tlsviz.wire.text import clock, plural, times

INNOCENT = "neither the network nor TLS is to blame"


def lasted(connection: Connection, stall: Stall) -> float:
    """Seconds from the acknowledgement that closed the window to its end, or to the connection's last packet.

    Where it opened before its end was seen: as long as it is known to have been closed, 0 for a single packet.
    """
    last = stall.last if stall.reason else max(stall.last, connection.end)
    return max(last - stall.time, 0.0)


def kept_waiting(tcp: Tcp, stall: Stall) -> bool:
    """Whether it shows that the other side had something to send.

    It asked, or its bytes came as soon as it could be known that they might: before the reader said anything more.
    """
    if stall.probes or stall.reason == "resumed":
        return True
    if stall.reason != "opened" or stall.end is None:
        return False
    following = (each for each in tcp.segments if each.packet > stall.end and each.length)
    first = next(following, None)
    return first is not None and first.sender == stall.sender and first.start + first.length > stall.taken


def in_handshake(connection: Connection) -> list[Stall]:
    """The closings that held up the first handshake, or one that never was over.

    Not those that were still there when it was over: it did not need what they held up.
    """
    end, tcp = handshake_end(connection), connection.tcp
    if tcp is None:
        return []
    found = [stall for stall in tcp.stalls if kept_waiting(tcp, stall)]
    return [stall for stall in found if end is None or stall.time + lasted(connection, stall) <= end]


def held(connection: Connection, stalls: Sequence[Stall]) -> float:
    """Seconds of the handshake that these closings of it took; of two at once the longer one counts."""
    total, reached = 0.0, float("-inf")
    for stall in sorted(stalls, key=lambda each: each.time):
        stop = stall.time + lasted(connection, stall)
        total += max(stop - max(stall.time, reached), 0.0)
        reached = max(reached, stop)
    return total


def described(connection: Connection, stall: Stall) -> str:
    """``for 2.96 s (packets 9 to 15, the server asked 3 times)``."""
    took = clock(lasted(connection, stall))
    asked = f", the {stall.sender} asked {times(stall.probes)}" if stall.probes else ""
    where = f"packets {stall.packet} to {stall.end}" if stall.end is not None else f"from packet {stall.packet} on"
    if stall.reason == "opened_before":
        known = f"for {took} or longer" if lasted(connection, stall) else "for a time that the capture does not show"
        return f"{known} ({where} at the most{asked})"
    ends = {
        "opened": "",
        "resumed": ", until bytes came again",
        "reset": ", until the reset",
        "": ", not seen to open again",
    }
    return f"for {took} ({where}{asked}{ends[stall.reason]})"


def told(connection: Connection, stalls: Sequence[Stall]) -> str:
    """One side's closings in one sentence: the longest of them, and how many there were."""
    waited = [each for each in stalls if connection.tcp is not None and kept_waiting(connection.tcp, each)]
    longest = max(waited or stalls, key=lambda each: lasted(connection, each))
    reader, sender = other(longest.sender), longest.sender
    rest = sum(lasted(connection, each) for each in stalls)
    least = " or longer" if any(each.reason == "opened_before" for each in stalls) else ""
    time = f" and {clock(rest)}{least}" if rest else ""
    more = f"; {plural(len(stalls), 'time')}{time} in all" if len(stalls) > 1 else ""
    blame = f"its program did not read; {INNOCENT}" if waited else f"nothing shows that the {sender} had more to send"
    return f"the {reader} took no more bytes {described(connection, longest)}{more}: {blame}"


def by_reader(tcp: Tcp) -> list[list[Stall]]:
    """The closings of each side that had any."""
    sides = [[stall for stall in tcp.stalls if stall.sender == sender] for sender in (SERVER, CLIENT)]
    return [found for found in sides if found]


def note(segment: Segment) -> str | None:
    """What a segment does to its sender's window, or finds out about it; None where that is nothing new."""
    since = f"{clock(segment.delay)} after packet {segment.of}"
    said = {
        "closed": f"the {segment.sender}'s window is closed: the {other(segment.sender)} may send nothing more until"
        f" the {segment.sender}'s program reads",
        "opened": f"the window is open again, {since}",
        "opened_before": "the window is open again, at the latest here",
        "resumed": f"new bytes, {since} closed the window: it must have opened",
    }
    return said.get(segment.window)


def detail(segment: Segment) -> str:
    """What a segment says of a window, in short; "" where it says nothing."""
    if segment.kind == "probe":
        return "window probe"
    said = {"closed": "window 0", "still_closed": "window still 0"}
    said |= dict.fromkeys(("opened", "opened_before"), "window open")
    return said.get(segment.window, "")
