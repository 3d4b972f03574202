"""What the first pass knows of a TCP flow: both directions, and the records that are being counted."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from tlsviz.sources.frames import Frame
from tlsviz.sources.segment_log import Bare
from tlsviz.sources.segments import Carved
from tlsviz.sources.taken import Taken


@dataclass(slots=True, eq=False)
class Open:
    """Records that are being counted: from ``start`` on; ``end`` is behind the last whole one."""

    start: int
    first: Frame | None = None
    last: Frame | None = None
    length: int = 0
    records: int = 0
    bytes: int = 0
    packets: list[int] = field(default_factory=list)
    tail: list[int] = field(default_factory=list)


class Lane:
    """One direction of a flow. ``next``: the sequence number that continues it, -1 while unknown.

    ``left``: bytes of the current record still to come; ``inside``: whether that is one of application data; ``head``:
    what is here of a header that is not whole; ``data``: bytes of application data records so far. ``bare``: how many
    bare acknowledgements are still of use; below 0, how many of them tshark is to see. ``mute``: its SYN had a
    window of 0, so that no later one means anything (`windows`). ``frames``: the flow's.
    """

    __slots__ = (
        *("bare", "bulk", "carved", "data", "first", "flow", "frames", "head"),
        *("inside", "left", "mute", "next", "peer", "pending", "size"),
    )

    peer: Lane

    def __init__(self, flow: Flow, first: int) -> None:
        self.flow = flow
        self.frames = flow.frames
        self.next = self.first = first
        self.left = self.size = self.data = self.bare = 0
        self.head = b""
        self.inside = self.mute = False
        self.bulk: Open | None = None
        self.pending: dict[int, tuple[int, int]] | None = None
        self.carved: list[Carved] = []


class Flow:
    """Both directions; ``first`` is the frame number of the first packet; ``odd`` ends all counting.

    ``ending``: it is only odd because a side has ended it.
    """

    __slots__ = ("bare", "ending", "first", "frames", "lanes", "odd", "random", "taken")

    def __init__(self, first: int, sequence: int) -> None:
        self.first = first
        self.odd = self.ending = False
        self.random = b""
        self.bare: list[Bare] = []
        self.taken: Taken | None = None
        self.frames = array("L")
        one, two = Lane(self, sequence), Lane(self, -1)
        one.peer, two.peer = two, one
        self.lanes = (one, two)
