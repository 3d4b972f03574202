"""Where bytes are missing: which of a side's stream, between which packets, in or between which messages."""

from __future__ import annotations

from tlsviz.connection import titles
from tlsviz.connection.model import Connection, Hole
from tlsviz.connection.tcp import IN_THE_MIDDLE
from tlsviz.wire.chunks import CLIENT, SERVER, Sender, other
from tlsviz.wire.text import plural


def described(connection: Connection, hole: Hole) -> str:
    """``1,448 bytes of the server (2,896 to 4,343), between packets 6 and 9, in Certificate``."""
    found = f"{amount(hole.length)} of the {hole.sender}"
    if hole.offset is not None and hole.length:
        found += f" ({hole.offset:,} to {hole.offset + hole.length - 1:,})"
    return ", ".join(filter(None, [found, whereabouts(connection, hole)]))


def amount(length: int) -> str:
    """``1,448 bytes``; ``bytes`` where nobody knows how many: SCTP counts chunks."""
    return plural(length, "byte") if length else "bytes"


def whereabouts(connection: Connection, hole: Hole) -> str:
    """Which packets and messages a hole is in or between, "" if nothing is known of them."""
    return ", ".join(filter(None, [beside(connection, hole), within(connection, hole)]))


def beside(connection: Connection, hole: Hole) -> str:
    """The packets that a hole is in or between, "" if they are not known."""
    if hole.packet is not None:
        return f"at the end of packet {hole.packet}"
    if connection.tcp is None or hole.offset is None:
        return ""
    mine = [each for each in connection.tcp.segments if each.sender == hole.sender and each.length]
    before = [each.packet for each in mine if each.start + each.length == hole.offset]
    after = [each.packet for each in mine if each.start == hole.offset + hole.length]
    if before and after:
        return f"between packets {before[0]} and {after[0]}"
    return f"after packet {before[0]}" if before else f"before packet {after[0]}" if after else ""


def within(connection: Connection, hole: Hole) -> str:
    """The messages that a hole is in or between, "" if that side said none."""
    mine = [message for message in connection.messages if message.sender == hole.sender]
    before = next((m for m in reversed(mine) if m.order < hole.order), None)
    after = next((m for m in mine if m.order > hole.order), None)
    # A message with a hole in its middle is entered when its end has come.
    # One whose end is missing is entered when the hole comes: another break between the two is not in it any more.
    if before is not None and any(before.order < each.order < hole.order for each in _breaks(connection, hole)):
        broken = after if after is not None and not after.whole else None
    else:
        broken = next((m for m in (before, after) if m is not None and not m.whole), None)
    if broken is not None:
        return f"in {titles.message(broken)}"
    if before is not None and after is not None:
        return f"between {titles.message(before)} and {titles.message(after)}"
    if before is not None:
        return f"after {titles.message(before)}"
    return f"before {titles.message(after)}" if after is not None else ""


def silent(connection: Connection) -> Sender | None:
    """The side of which nothing was captured although it must have spoken."""
    lost = {hole.sender for hole in connection.holes if hole.stray is None and not hole.cut}
    for side in (CLIENT, SERVER):
        if side in lost and not _heard(connection, side) and _heard(connection, other(side)):
            return side
    return None


def _heard(connection: Connection, side: Sender) -> bool:
    """Whether anything that a side said was captured."""
    said = (connection.records, connection.prelude, connection.messages)
    return any(each.sender == side for part in said for each in part)


def why(connection: Connection, hole: Hole, unheard: Sender | None) -> str:
    """What the ladder says below a hole: why the bytes are not there, and where they would be.

    ``unheard``: the `silent` side.
    """
    _, said = titles.hole(hole, connection.transport)
    if hole.stray is None and not hole.cut and unheard == hole.sender:
        return f"nothing that the {hole.sender} said was captured"
    if orphaned(connection, hole):
        return "the rest of records whose beginning is missing"
    if hole.stray is not None:
        return said
    return ", ".join(filter(None, [said, whereabouts(connection, hole)]))


def _breaks(connection: Connection, hole: Hole) -> list[Hole]:
    """The other breaks of the same side."""
    return [each for each in connection.holes if each.sender == hole.sender and each is not hole]


def orphaned(connection: Connection, hole: Hole) -> bool:
    """Whether bytes that are no TLS follow a gap: they are the rest of records whose beginning is missing."""
    return hole.stray is not None and any(
        each.stray is None and each.order < hole.order for each in _breaks(connection, hole)
    )


def incomplete(connection: Connection, sender: Sender | None = None) -> bool:
    """Whether bytes are missing, of one side or of any: then what was not seen may have been said all the same."""
    if any(placed.mark.detail == IN_THE_MIDDLE for placed in connection.marks):
        return True
    return any(hole.stray is None and sender in (None, hole.sender) for hole in connection.holes)
