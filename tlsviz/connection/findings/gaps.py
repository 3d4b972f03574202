"""What the capture lacks of a connection, and how to get it the next time: of bytes, not of TLS."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection import titles
from tlsviz.connection.findings.transport import packets
from tlsviz.connection.holes import amount, described, silent
from tlsviz.connection.model import Connection, Finding, Hole
from tlsviz.connection.tcp import CLOCK_STEP
from tlsviz.wire.chunks import Sender, other
from tlsviz.wire.text import clock

_BEGUN = ("syn", "syn_ack", "connected", "init", "init_ack")
_ENDED = ("fin", "rst", "shutdown", "abort", "refused", "unreachable", "timeout", "closed", "error")
_STREAMS = ("tcp", "sctp")
_NAMED = 3
"""So many holes are described, of more the number."""


def _holes(connection: Connection, cut: bool, sender: Sender | None = None) -> list[Hole]:
    """Where bytes are missing: cut off from packets that are here, or with their packets."""
    return [
        hole for hole in connection.holes if hole.stray is None and hole.cut == cut and sender in (None, hole.sender)
    ]


def _bytes(connection: Connection, cut: bool, sender: Sender | None = None) -> int:
    return sum(hole.length for hole in _holes(connection, cut, sender))


def _described(connection: Connection, holes: list[Hole]) -> str:
    found = [described(connection, hole) for hole in holes[:_NAMED]]
    if len(holes) > _NAMED:
        rest = sum(hole.length for hole in holes[_NAMED:])
        found.append(f"{amount(rest)} in {len(holes) - _NAMED} more places")
    return "; ".join(found)


def one_sided(connection: Connection) -> Iterator[Finding]:
    """Only one direction was captured: the other's bytes were acknowledged, but are not here."""
    side = silent(connection)
    if side is not None:
        yield Finding(
            "capture_one_sided",
            "notice",
            f"Nothing of what the {side} said is in the capture",
            f"{amount(_bytes(connection, False, side))} of the {side} were acknowledged and never seen",
            mend="Capture at one of the two ends, or mirror both directions of the port.",
        )


def lost(connection: Connection) -> Iterator[Finding]:
    """Packets that the capture lacks."""
    missing = _holes(connection, cut=False) if connection.transport in _STREAMS else []
    if any(hole.length or connection.transport == "sctp" for hole in missing) and silent(connection) is None:
        yield Finding(
            "capture_lost_packets",
            "notice",
            "The capture lacks packets of this connection",
            f"acknowledged and never seen: {_described(connection, missing)}",
            mend="Give the capturing program a larger buffer (tshark -B 64) and a capture filter, or a quicker disk.",
        )


def cut(connection: Connection) -> Iterator[Finding]:
    """Packets that were captured in part."""
    missing = _holes(connection, cut=True)
    if missing:
        yield Finding(
            "capture_cut_packets",
            "notice",
            "The capture holds only the beginning of packets",
            f"cut off by the snap length: {_described(connection, missing)}",
            mend="Capture whole packets: tcpdump -s 0, tshark -s 0.",
        )


def late(connection: Connection) -> Iterator[Finding]:
    """The capture began in the middle of the connection."""
    if connection.transport not in _STREAMS or not connection.records or connection.messages_of("client_hello"):
        return
    begun = any(placed.mark.kind in _BEGUN for placed in connection.marks)
    if not begun and silent(connection) is None and not _bytes(connection, cut=False):
        yield Finding(
            "capture_started_late",
            "notice",
            "The connection began before the capture",
            f"neither {connection.transport.upper()}'s beginning nor a ClientHello is here",
            mend="Start capturing first, and then make a new connection: restart the client, or wait for the next one.",
        )


def unfinished(connection: Connection) -> Iterator[Finding]:
    """The handshake stops, and nothing says why: the capture ended, or somebody fell silent."""
    if connection.tcp is None or connection.complete or not connection.messages or connection.plain:
        return
    if any(placed.mark.kind in _ENDED for placed in connection.marks):
        return
    if any(m.alert or m.type == "alert" for m in connection.messages) or silent(connection) is not None:
        return
    if any(run.opaque for run in connection.application):
        return  # the rest of the handshake may be among what cannot be read
    last = connection.messages[-1]
    yield Finding(
        "capture_ended_early",
        "notice",
        "The handshake stops, and nothing says why",
        f"the last message is the {last.sender}'s {titles.message(last)}; no answer of the {other(last.sender)}, no"
        " FIN, RST or alert follows",
        mend="Let the capture run until the client has given up. If it did, the silent side is the one to look at.",
        message=last.index,
    )


def doubled(connection: Connection) -> Iterator[Finding]:
    """The capture holds packets twice."""
    twice = connection.tcp.of("duplicate") if connection.tcp is not None else []
    if twice:
        yield Finding(
            "capture_duplicates",
            "info",
            "The capture holds packets twice",
            f"{packets([each.packet for each in twice])} came again sooner than anybody could have asked for them",
            mend="Capture on one interface instead of `any`, or one direction of the mirror port;"
            " editcap -d removes the copies.",
        )


def clock_steps(connection: Connection) -> Iterator[Finding]:
    """Packets that are older than the one before them."""
    steps = connection.tcp.steps_back if connection.tcp is not None else []
    if not steps or max(back for _, back in steps) < CLOCK_STEP:
        return
    back = max(back for _, back in steps)
    yield Finding(
        "capture_clock_steps",
        "notice",
        "Time goes backwards in the capture",
        f"{packets([each.packet for each, _ in steps])}: up to {clock(back)} older than the packet before, so that"
        " durations across that place are wrong",
        mend="Sort the packets by time (reordercap); let NTP slew the clock of the capturing host, and merge captures"
        " of several hosts only when their clocks agree.",
    )


FINDERS = (one_sided, lost, cut, late, unfinished, doubled, clock_steps)
