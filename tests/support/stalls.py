"""Captured connections in which the client does not read for a while: spoils, as in `spoils`, for receive windows."""

from __future__ import annotations

from spoils import SERVER_END, Packets, data

from tlsviz.sources.segments import ACK, Packet
from tlsviz.wire.chunks import CLIENT, SERVER

WAIT = 3.0
PROBES = (0.2, 0.6, 1.4, 2.9)
"""Seconds behind the closing at which the server asks. The window opens in less than 0.05 s behind none of them."""
UNSEEN = 0.04
"""The same, where the opening comes so soon behind a probe that only a capture's first pass would see it."""


def _closing(packets: Packets) -> tuple[int, Packet]:
    """The place of the server's second segment, and the acknowledgement of it with a window of 0."""
    at = data(packets, SERVER)[1]
    one = packets[at]
    edge = (one.sequence + len(one.payload)) % 2**32
    closed = one._replace(
        time=one.time + 0.002,
        source=one.destination,
        destination=SERVER_END,
        sequence=one.acknowledgement,
        acknowledgement=edge,
        flags=ACK,
        payload=b"",
        window=0,
    )
    return at, closed


def _held(packets: Packets, bytewise: bool, opened: bool = True, wait: float = WAIT) -> Packets:
    at, closed = _closing(packets)
    edge, following = closed.acknowledgement, packets[at + 1]
    ask = packets[at]._replace(sequence=(edge - 1) % 2**32, payload=b"", flags=ACK)
    if bytewise:
        ask = following._replace(payload=following.payload[:1], flags=ACK)
    between = [closed]
    for later in PROBES:
        between.append(ask._replace(time=closed.time + later))
        between.append(closed._replace(time=closed.time + later + 0.001))
    if opened:
        between.append(closed._replace(time=closed.time + wait, window=4096))
    return [*packets[: at + 1], *between, *(each._replace(time=each.time + wait + 0.01) for each in packets[at + 1 :])]


def unread(packets: Packets) -> Packets:
    """The server asks as Linux does: without data, with the number of the last byte."""
    return _held(packets, bytewise=False)


def unread_bytewise(packets: Packets) -> Packets:
    """The server asks as BSD and Windows do: with the next byte, which is refused each time."""
    return _held(packets, bytewise=True)


def unread_unseen(packets: Packets) -> Packets:
    """The acknowledgement that opens the window is not in the capture."""
    return _held(packets, bytewise=False, opened=False)


def unread_soon(packets: Packets) -> Packets:
    """The window opens so soon behind a probe's answer that tshark is not asked for the acknowledgement."""
    return _held(packets, bytewise=False, wait=PROBES[-1] + UNSEEN)


def never_read(packets: Packets) -> Packets:
    """The capture ends while the window is closed."""
    at, _ = _closing(packets)
    return _held(packets, bytewise=False, opened=False)[: at + 2 + 2 * len(PROBES)]


def without_windows(packets: Packets) -> Packets:
    """Every segment says 0, as in captures that were written by a program and never sent."""
    return [each._replace(window=0) for each in packets]


def _late(packets: Packets, at: int, seconds: float) -> Packets:
    return [*packets[:at], *(each._replace(time=each.time + seconds) for each in packets[at:])]


def hello_taken(packets: Packets) -> Packets:
    """The server acknowledges the whole ClientHello with a window of 0, thinks, opens it, and answers."""
    at = data(packets, SERVER)[0]
    closed = packets[at - 1]._replace(window=0)
    opened = closed._replace(time=closed.time + WAIT - 0.1, window=4096)
    return [*packets[: at - 1], closed, opened, *_late(packets, at, WAIT)[at:]]


def flight_taken(packets: Packets) -> Packets:
    """The client's window is closed for a moment, behind the server's whole flight; then it thinks.

    The opening comes too soon for tshark to be asked for it, and too late for the connection's first moments.
    """
    packets = _late(packets, data(packets, SERVER)[0], 2.5)
    at = next(each for each in data(packets, CLIENT) if each > data(packets, SERVER)[0])
    closed = packets[at - 1]._replace(window=0)
    opened = closed._replace(time=closed.time + 0.03, window=4096)
    return [*packets[: at - 1], closed, opened, *_late(packets, at, WAIT)[at:]]


STALLED = [unread, unread_bytewise, unread_unseen, unread_soon]
"""What leaves every message as it was."""
TAKEN = [hello_taken, flight_taken]
"""What made nobody wait: the other side had sent all that it had."""
