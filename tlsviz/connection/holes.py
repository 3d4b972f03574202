"""Where bytes are missing: which of a side's stream, between which packets, in or between which messages."""

from __future__ import annotations

from tlsviz.connection import titles
from tlsviz.connection.model import Connection, Hole
from tlsviz.wire.text import plural


def described(connection: Connection, hole: Hole) -> str:
    """``1,448 bytes of the server (2,896 to 4,343), between packets 6 and 9, in Certificate``."""
    found = f"{plural(hole.length, 'byte')} of the {hole.sender}"
    if hole.offset is not None and hole.length:
        found += f" ({hole.offset:,} to {hole.offset + hole.length - 1:,})"
    return ", ".join([found, *filter(None, [beside(connection, hole), within(connection, hole)])])


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
    broken = next((m for m in (before, after) if m is not None and not m.whole), None)
    if broken is not None:
        return f"in {titles.message(broken)}"
    if before is not None and after is not None:
        return f"between {titles.message(before)} and {titles.message(after)}"
    if before is not None:
        return f"after {titles.message(before)}"
    return f"before {titles.message(after)}" if after is not None else ""
