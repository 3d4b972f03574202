"""One level's CRYPTO stream of one side: handshake bytes put in order by their offsets (RFC 9000 19.6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush

from tlsviz.connection.half import Part
from tlsviz.wire.buffers import Buffer

WAITING_BYTES, WAITING_PARTS = 1 << 20, 1000
"""How much is held that lies behind bytes which have not come yet."""
LARGEST_HOLE = 1 << 16


@dataclass(slots=True, eq=False, repr=False)
class CryptoStream:
    """Takes pieces in any order, overlapping and repeated, gives each byte once, in order; of two, the first counts."""

    next: int = 0
    _waiting: dict[int, Part] = field(default_factory=dict)
    _starts: list[int] = field(default_factory=list)
    """A heap of the offsets of what waits."""
    _held: int = 0

    def add(self, offset: int, part: Part) -> list[Part]:
        """A piece of the stream at ``offset``; returns the parts that are now in order."""
        length = part.end - part.start
        if offset > self.next:
            self._hold(offset, part)
            return []
        if offset + length <= self.next:
            return []
        ready = [part._replace(start=part.start + self.next - offset)]
        self.next = offset + length
        while self._starts and self._starts[0] <= self.next:
            start = heappop(self._starts)
            held = self._waiting.pop(start)
            self._held -= held.end - held.start
            if start + held.end - held.start > self.next:
                ready.append(held._replace(start=held.start + self.next - start))
                self.next = start + held.end - held.start
        return ready

    def _hold(self, offset: int, part: Part) -> None:
        known = self._waiting.get(offset)
        more = part.end - part.start - (known.end - known.start if known is not None else 0)
        if known is not None and more <= 0:
            return
        if len(self._waiting) < WAITING_PARTS and self._held + more <= WAITING_BYTES:
            if known is None:
                heappush(self._starts, offset)
            self._waiting[offset] = part
            self._held += more

    @property
    def missing(self) -> int:
        """How many bytes are lacking before the first of those that wait; 0 if none wait."""
        return self._starts[0] - self.next if self._starts else 0

    def bridge(self) -> list[Part]:
        """Zeros in place of the bytes that are missing, and what waited behind them; [] where there is no hole."""
        size = self.missing
        if not size or size > LARGEST_HOLE:
            return []
        behind = self._waiting[self._starts[0]]
        filling = Buffer("reassembled", bytes(size))
        zeros = behind._replace(buffer=filling, start=0, end=size, holes=((0, size),))
        return self.add(self.next, zeros)
