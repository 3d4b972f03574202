"""One side's sending half: its stream, its protection, and the handshake message it is in the middle of."""

from __future__ import annotations

from collections import deque
from typing import Literal, NamedTuple

from tlsviz.connection.stream import Holes, RecordStream
from tlsviz.crypto.protection import Opener
from tlsviz.wire.buffers import Buffer, join
from tlsviz.wire.chunks import Sender

Phase = Literal["clear", "early", "handshake", "application"]
"""Which secret protects this side's records now; TLS 1.2 and earlier go from clear to application."""

MESSAGE_LIMIT = 1 << 20
"""No honest handshake message is longer; a longer one is shown cut."""


class Part(NamedTuple):
    """A piece of handshake data: where it is, and the record it came in."""

    buffer: Buffer
    start: int
    end: int
    record: int
    packets: tuple[int, ...]
    decrypted: bool
    protected: bool
    holes: Holes = ()


class Assembled(NamedTuple):
    """A whole (or, at a break, cut) handshake message. ``damaged``: so many zeros stand in for missing bytes."""

    buffer: Buffer
    records: tuple[int, ...]
    packets: tuple[int, ...]
    decrypted: bool
    protected: bool
    complete: bool
    damaged: int = 0


class Half:
    """The state of one direction. ``by_epoch``: each record says its epoch, by which its key is found (DTLS)."""

    __slots__ = (
        "by_epoch",
        "data_bytes",
        "data_records",
        "early_opener",
        "epoch",
        "locked",
        "opened",
        "opener",
        "parts",
        "pending",
        "phase",
        "secret",
        "sender",
        "spent",
        "stream",
        "uncertain",
    )

    def __init__(self, sender: Sender, phase: Phase = "clear", epoch: int = 0) -> None:
        self.sender = sender
        self.stream = RecordStream()
        self.phase = phase
        self.epoch = epoch
        self.opener: Opener | None = None
        self.early_opener: Opener | None = None
        self.secret: bytes | None = None
        self.locked = ""
        self.by_epoch = False
        self.uncertain = False
        self.opened = False
        self.spent = False
        self.data_records = 0
        self.data_bytes = 0
        self.parts: deque[Part] = deque()
        self.pending = bytearray()

    def add(self, part: Part) -> None:
        """More handshake bytes."""
        self.parts.append(part)
        self.pending += part.buffer.data[part.start : part.end]

    def next_message(self) -> Assembled | None:
        """The next handshake message that is whole (or longer than is held), header included."""
        if len(self.pending) < 4:
            return None
        size = 4 + int.from_bytes(self.pending[1:4], "big")
        if len(self.pending) < size:
            return self._take(len(self.pending), False) if len(self.pending) > MESSAGE_LIMIT else None
        return self._take(size, True)

    def rest(self) -> Assembled | None:
        """What there is of a message whose end never came."""
        return self._take(len(self.pending), False) if self.pending else None

    def _take(self, size: int, complete: bool) -> Assembled:
        part = self.parts[0]
        if part.end - part.start >= size and not part.holes:
            return self._take_from(part, size, complete)
        used: list[Part] = []
        taken = 0
        while taken < size:
            part = self.parts[0]
            length = min(part.end - part.start, size - taken)
            used.append(part._replace(end=part.start + length))
            taken += length
            if part.start + length == part.end:
                self.parts.popleft()
            else:
                self.parts[0] = part._replace(start=part.start + length)
        del self.pending[:size]
        return Assembled(
            join([(part.buffer, part.start, part.end) for part in used]),
            tuple(dict.fromkeys(part.record for part in used)),
            _packets(used),
            any(part.decrypted for part in used),
            any(part.protected for part in used),
            complete and not any(_missing(part) for part in used),
            sum(_missing(part) for part in used),
        )

    def _take_from(self, part: Part, size: int, complete: bool) -> Assembled:
        """The same where the first part has all of it, as nearly always."""
        buffer, start, end, record, packets, decrypted, protected, _ = part
        stop = start + size
        if stop == end:
            self.parts.popleft()
        else:
            self.parts[0] = Part(buffer, stop, end, record, packets, decrypted, protected)
        del self.pending[:size]
        return Assembled(join([(buffer, start, stop)]), (record,), packets, decrypted, protected, complete)


def _packets(used: list[Part]) -> tuple[int, ...]:
    """Those of all parts; of one part its very tuple, which thousands of messages in one record share."""
    if len(used) == 1:
        return used[0].packets
    return tuple(dict.fromkeys(number for part in used for number in part.packets))


def _missing(part: Part) -> int:
    """How many of a part's bytes stand in for others that are missing."""
    return sum(max(min(end, part.end) - max(start, part.start), 0) for start, end in part.holes)
