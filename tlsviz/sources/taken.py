"""Segments that the first pass takes out of the file itself: those in the middle of application data records.

They say nothing that tshark could tell better, and are most of what a capture holds.
"""

from __future__ import annotations

import struct
from array import array
from collections import deque
from collections.abc import Iterator

from tlsviz.connection.model import Endpoint
from tlsviz.sources.frames import Data
from tlsviz.sources.segments import Packet

_NUMBERS = struct.Struct(">IIH")
"""Sequence and acknowledgement number; data offset and flags of TCP's header."""


class Taken:
    """The taken segments of one flow, in the file's order. ``data`` is the file, which has to stay open."""

    __slots__ = ("data", "headers", "numbers", "sides", "sizes", "times")

    def __init__(self, data: Data) -> None:
        self.data = data
        self.numbers = array("L")
        self.times = array("d")
        self.sides = bytearray()
        self.headers = array("Q")
        self.sizes = array("H")

    def add(self, number: int, time: float, side: int, header: int, size: int) -> None:
        """A frame's TCP segment: its header's place in the file, and the size of its payload, which is all here.

        ``side`` is 0 for the sender of the flow's first packet.
        """
        self.numbers.append(number)
        self.times.append(time)
        self.sides.append(side)
        self.headers.append(header)
        self.sizes.append(size)

    def packets(self, first: Packet) -> deque[Packet]:
        """As tshark gives them; ``first`` is the flow's first packet."""
        return deque(self._packets(first.stream, (first.source, first.destination)))

    def _packets(self, stream: int, ends: tuple[Endpoint, Endpoint]) -> Iterator[Packet]:
        data = self.data
        for number, time, side, at, size in zip(
            self.numbers, self.times, self.sides, self.headers, self.sizes, strict=True
        ):
            sequence, acknowledgement, bits = _NUMBERS.unpack_from(data, at + 4)
            begin = at + (bits >> 12) * 4
            payload = bytes(data[begin : begin + size])
            yield Packet(
                number, time, stream, ends[side], ends[1 - side], sequence, acknowledgement, bits & 0xFFF, payload
            )
