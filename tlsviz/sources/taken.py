"""Segments that the first pass takes out of the file itself: those of plain flows whose bytes come in their turn.

They say nothing that tshark could tell better, and are most of what a capture holds.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from math import inf

from tlsviz.sources.frames import Data
from tlsviz.sources.segments import Packet

_NUMBERS = struct.Struct(">IIHH")
"""Sequence and acknowledgement number; data offset and flags; window of TCP's header."""
_MIDDLE = 2


class Taken:
    """The taken segments of one flow, in the file's order. ``data`` is the file, which has to stay open.

    `begin`, and then `before` gives them; ``next`` is the frame number of the next one, infinite behind the last.
    """

    __slots__ = ("_at", "_ends", "_headers", "_kinds", "_numbers", "_sizes", "_stream", "_times", "data", "next")

    def __init__(self, data: Data) -> None:
        self.data = data
        self.next = inf
        self._at = 0
        self._numbers = array("L")
        self._times = array("d")
        self._kinds = bytearray()
        self._headers = array("Q")
        self._sizes = array("H")

    def add(self, number: int, time: float, side: int, header: int, size: int, middle: bool) -> None:
        """A frame's TCP segment: its header's place in the file, and the size of its payload, which is all here.

        ``side`` is 0 for the sender of the flow's first packet; ``middle``: it is of one application data record that
        goes on behind it.
        """
        self._numbers.append(number)
        self._times.append(time)
        self._kinds.append(side | _MIDDLE if middle else side)
        self._headers.append(header)
        self._sizes.append(size)

    def __getstate__(self) -> tuple[bytes, ...]:
        """For `sources.scout`; without the file, and from the first one on. There are thousands: arrays go as bytes."""
        columns = self._numbers, self._times, self._headers, self._sizes
        return *(column.tobytes() for column in columns), bytes(self._kinds)

    def __setstate__(self, state: tuple[bytes, ...]) -> None:
        self.data, self.next, self._at = b"", inf, 0
        numbers, times, headers, sizes, kinds = state
        self._numbers, self._times = array("L", numbers), array("d", times)
        self._headers, self._sizes = array("Q", headers), array("H", sizes)
        self._kinds = bytearray(kinds)

    def __len__(self) -> int:
        return len(self._numbers)

    def begin(self, first: Packet) -> None:
        """From the first one on, maybe once more; ``first`` is the flow's first packet."""
        self._at = 0
        self._stream = first.stream
        self._ends = (first.source, first.destination)
        self.next = self._numbers[0]

    def before(self, number: float) -> Iterator[list[Packet]]:
        """The next ones before a frame's number, as tshark gives them: one, or some in the middle of one record."""
        numbers, kinds = self._numbers, self._kinds
        while self.next < number:
            end = self._at + 1
            kind = kinds[self._at]
            if kind & _MIDDLE:
                while end < len(numbers) and kinds[end] == kind and numbers[end] < number:
                    end += 1
            yield self._packets(end, kind & 1)

    def _packets(self, end: int, side: int) -> list[Packet]:
        """Those up to a place, which are all of one side."""
        data, numbers, unpack, make = self.data, self._numbers, _NUMBERS.unpack_from, Packet
        headers, sizes, times, stream = self._headers, self._sizes, self._times, self._stream
        source, destination = self._ends if not side else self._ends[::-1]
        found = []
        for at in range(self._at, end):
            header = headers[at]
            sequence, acknowledgement, bits, window = unpack(data, header + 4)
            begin = header + (bits >> 12) * 4
            payload = data[begin : begin + sizes[at]]
            said = sequence, acknowledgement, bits & 0xFFF, payload, 0, window
            found.append(make(numbers[at], times[at], stream, source, destination, *said))
        self._at = end
        self.next = numbers[end] if end < len(numbers) else inf
        return found
