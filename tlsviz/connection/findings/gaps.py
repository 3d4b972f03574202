"""What the capture lacks of a connection, and how to get it the next time: of bytes, not of TLS."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection.model import Connection, Finding
from tlsviz.wire.chunks import CLIENT, SERVER, Sender
from tlsviz.wire.text import plural

_BEGUN = ("syn", "syn_ack", "connected")


def _bytes(connection: Connection, cut: bool, sender: Sender | None = None) -> int:
    """How many bytes are missing: cut off from packets that are here, or with their packets."""
    return sum(
        hole.length
        for hole in connection.holes
        if hole.stray is None and hole.cut == cut and sender in (None, hole.sender)
    )


def _silent(connection: Connection) -> Sender | None:
    """The side of which nothing is here although it must have spoken."""
    heard = {each.sender for each in (*connection.records, *connection.prelude)}
    heard |= {message.sender for message in connection.messages}
    if len(heard) != 1:
        return None
    (missing,) = {CLIENT, SERVER} - heard
    return missing if _bytes(connection, cut=False, sender=missing) else None


def one_sided(connection: Connection) -> Iterator[Finding]:
    """Only one direction was captured: the other's bytes were acknowledged, but are not here."""
    silent = _silent(connection)
    if silent is not None:
        yield Finding(
            "capture_one_sided",
            "notice",
            f"Nothing of what the {silent} said is in the capture",
            f"{plural(_bytes(connection, False, silent), 'byte')} of the {silent} were acknowledged and never seen",
            mend="Capture at one of the two ends, or mirror both directions of the port.",
        )


def lost(connection: Connection) -> Iterator[Finding]:
    """Packets that the capture lacks."""
    missing = _bytes(connection, cut=False) if connection.transport == "tcp" else 0
    if missing and _silent(connection) is None:
        yield Finding(
            "capture_lost_packets",
            "notice",
            "The capture lacks packets of this connection",
            f"{plural(missing, 'byte')} were acknowledged and never seen",
            mend="Give the capturing program a larger buffer (tshark -B 64) and a capture filter, or a quicker disk.",
        )


def cut(connection: Connection) -> Iterator[Finding]:
    """Packets that were captured in part."""
    missing = _bytes(connection, cut=True)
    if missing:
        yield Finding(
            "capture_cut_packets",
            "notice",
            "The capture holds only the beginning of packets",
            f"{plural(missing, 'byte')} were cut off by the snap length",
            mend="Capture whole packets: tcpdump -s 0, tshark -s 0.",
        )


def late(connection: Connection) -> Iterator[Finding]:
    """The capture began in the middle of the connection."""
    if connection.transport != "tcp" or not connection.records or connection.messages_of("client_hello"):
        return
    begun = any(placed.mark.kind in _BEGUN for placed in connection.marks)
    if not begun and _silent(connection) is None and not _bytes(connection, cut=False):
        yield Finding(
            "capture_started_late",
            "notice",
            "The connection began before the capture",
            "neither TCP's beginning nor a ClientHello is here",
            mend="Start capturing first, and then make a new connection: restart the client, or wait for the next one.",
        )


FINDERS = (one_sided, lost, cut, late)
