"""TCP segments in words and in their places below the ladder's steps: the one thing that text and screen both draw."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from tlsviz.connection import stalls
from tlsviz.connection.ladder import Step, carriers
from tlsviz.connection.model import Connection
from tlsviz.connection.tcp import ACK, FIN, RST, SYN, URG, Segment
from tlsviz.wire.chunks import Sender
from tlsviz.wire.text import clock, plural

MOST_IN_A_ROW = 4
"""Of more plain segments than these, one side's in a row, there is one line for all."""
_SIGNS = ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST"), (URG, "URG"))


class SegmentLine(NamedTuple):
    """A segment, or several plain ones, in words. ``time`` in seconds since the connection's start.

    ``note`` says what is odd, None where nothing is; ``packets`` are the frame numbers.
    """

    sender: Sender
    time: float
    title: str
    detail: str
    note: str | None
    packets: tuple[int, ...]


def signs(segment: Segment) -> str:
    """The flags that mean something here: ``SYN, ACK``, ``FIN``; "" for a plain segment with data."""
    found = [name for flag, name in _SIGNS if segment.flags & flag]
    if segment.flags & ACK and (segment.flags & SYN or not (segment.length or found)):
        found.append("ACK")
    return ", ".join(found)


def note(segment: Segment) -> str | None:
    """What is odd about a segment, None where nothing is."""
    after = f"{clock(abs(segment.delay))} after packet {segment.of}" if segment.of is not None else ""
    said = {
        "retransmitted": f"sent again, {after}" if after else "sent again",
        "duplicate": f"captured twice: it is packet {segment.of}",
        "out_of_order": f"overtaken by packet {segment.of}, by {clock(abs(segment.delay))}",
        "overlap": f"repeats a part of packet {segment.of}",
        "conflicting": f"repeats packet {segment.of} with other bytes; the first ones are shown",
        "keep_alive": "keep-alive: a byte that is no data, to see whether the other side is there",
    }
    found = [said[segment.kind]] if segment.kind in said else []
    if segment.differs is not None:
        found.append(f"byte {segment.differs:,} is the first that differs")
    if segment.ahead:
        found.append(f"{plural(segment.ahead, 'byte')} before it had not come yet")
    if segment.missing:
        found.append(f"{plural(segment.missing, 'byte')} of it were cut off by the capture")
    if (window := stalls.note(segment)) is not None:
        found.append(window)
    return "; ".join(found) or None


def line(connection: Connection, segment: Segment) -> SegmentLine:
    """One segment in words."""
    parts = [f"{segment.length:,} B"] if segment.length else []
    parts += [signs(segment)] if signs(segment) else []
    if segment.acknowledged is not None and not segment.length and signs(segment) == "ACK":
        parts = [f"ACK of {segment.acknowledged:,} B"] if segment.kind != "probe" else []
    if window := stalls.detail(segment):
        parts.insert(0, window)
    return SegmentLine(
        segment.sender,
        segment.time - connection.start,
        f"packet {segment.packet}",
        ", ".join(parts),
        note(segment),
        (segment.packet,),
    )


def _lines(connection: Connection, segments: Sequence[Segment]) -> list[SegmentLine]:
    """Segments in words, long runs of plain ones folded."""
    found: list[SegmentLine] = []
    for plain, group in groupby(segments, key=lambda each: (each.sender, not note(each) and not signs(each))):
        run = list(group)
        if not plain[1] or len(run) <= MOST_IN_A_ROW:
            found += [line(connection, each) for each in run]
            continue
        first, last = run[0], run[-1]
        sizes = f"{len(run):,} segments, {sum(each.length for each in run):,} B"
        title = f"packets {first.packet} to {last.packet}"
        numbers = tuple(each.packet for each in run)
        found.append(SegmentLine(first.sender, first.time - connection.start, title, sizes, None, numbers))
    return found


def placed(connection: Connection, steps: Sequence[Step]) -> list[list[SegmentLine]]:
    """For each step the segments that come before it in the capture, and at the end those behind the last step.

    What is a step itself (a SYN, a FIN) is left out where nothing is odd about it.
    """
    found: list[list[SegmentLine]] = []
    waiting = list(connection.tcp.segments) if connection.tcp is not None else []
    marked = {number for each in connection.marks for number in each.mark.packets}
    waiting = [each for each in waiting if each.length or each.packet not in marked or note(each)]
    reach = at = 0
    for step in steps:
        reach = max([reach, *carriers(connection, step)])
        begin = at
        while at < len(waiting) and waiting[at].packet <= reach:
            at += 1
        found.append(_lines(connection, waiting[begin:at]))
    return [*found, _lines(connection, waiting[at:])]
