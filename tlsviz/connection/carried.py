"""Bytes that wait to be cut into records or lines, and by which packets and when each of them came."""

from __future__ import annotations

from collections import deque
from itertools import islice

PACKETS_KEPT = 1000
"""Of a piece that came in more packets, so many are named."""


class Carried(bytearray):
    """The bytes of one direction that nobody has taken yet. ``offset``: how many were taken before them."""

    __slots__ = ("_carriers", "offset")

    def __init__(self) -> None:
        super().__init__()
        self.offset = 0
        self._carriers: deque[tuple[int, float, tuple[int, ...]]] = deque()

    def add(self, data: bytes, time: float, packets: tuple[int, ...]) -> None:
        """More bytes."""
        self += data
        self._carriers.append((self.offset + len(self), time, packets))

    def came(self, size: int) -> tuple[float, tuple[int, ...]]:
        """The time of the last of the next ``size`` bytes, and the packets of all of them."""
        end = self.offset + size
        stop, time, numbers = self._carriers[0]
        if stop >= end and len(numbers) <= 1:  # nearly all come in one packet
            return time, numbers
        packets: dict[int, None] = {}
        for stop, when, numbers in self._carriers:
            if len(packets) < PACKETS_KEPT:
                packets.update(dict.fromkeys(numbers))
            time = when
            if stop >= end:
                break
        return time, tuple(islice(packets, PACKETS_KEPT))

    @property
    def last(self) -> float:
        """When the last of them came; 0.0 if there are none."""
        return self._carriers[-1][1] if self._carriers else 0.0

    def drop(self, size: int) -> None:
        """The next ``size`` bytes are taken."""
        del self[:size]
        self.offset += size
        while self._carriers and self._carriers[0][0] <= self.offset:
            self._carriers.popleft()
