"""One packet's TCP segment, and one direction of a TCP connection: its sequence numbers and what waits for a hole."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tlsviz.connection.tcp import ACK as ACK
from tlsviz.connection.tcp import FIN as FIN
from tlsviz.connection.tcp import PSH as PSH
from tlsviz.connection.tcp import RST as RST
from tlsviz.connection.tcp import SYN as SYN
from tlsviz.wire.chunks import CannotCountError

if TYPE_CHECKING:
    from tlsviz.connection.model import Endpoint

EARLIEST, LATEST = -60e9, 250e9
"""The years 68 and 9892, in Unix seconds."""
WATCHED = 64 << 10
"""Bytes at the beginning of a direction whose segments are remembered: a handshake's, and before carving begins."""


class Packet(NamedTuple):
    """A TCP packet of a capture.

    ``number`` is its frame number, ``time`` in Unix seconds, ``stream`` tshark's TCP stream. ``sequence``,
    ``acknowledgement`` (32 bits) and ``window`` (not scaled) are as on the wire. ``missing`` counts bytes of the
    payload, at its end, that the capture does not hold (a snap length).
    """

    number: int
    time: float
    stream: int
    source: Endpoint
    destination: Endpoint
    sequence: int
    acknowledgement: int
    flags: int
    payload: bytes
    missing: int = 0
    window: int = 65535


class Carved(NamedTuple):
    """Whole application data records, ``length`` bytes with their headers from sequence number ``start`` on.

    They were counted when the file was looked through; the rest is as in `wire.chunks.Bulk`.
    """

    start: int
    length: int
    time: float
    last_time: float
    records: int
    bytes: int
    packets: tuple[int, ...]


class Said(NamedTuple):
    """What SCTP carried in a `Datagram`.

    ``kind``: a whole ``packet`` as it was captured; or, of one connection (`sources.associations`): bytes of a
    ``message``, a ``gap`` of unknown size before what follows, or a mark. ``side``: 0 or 1, which end said it, and
    ``opener`` which end sent INIT, None if that was not seen. ``channel``: the stream, or `ALL_STREAMS` of an
    association with DTLS. ``packets``: the frames that brought it.
    """

    kind: str
    side: int = 0
    opener: int | None = None
    channel: int = 0
    packets: tuple[int, ...] = ()
    detail: str = ""


ALL_STREAMS = 1 << 16


class Datagram(NamedTuple):
    """A UDP datagram of a capture, as `Packet`; ``stream`` is tshark's UDP stream.

    ``eapol``: it is no UDP, but an EAP packet on the link; its ends are MAC addresses, without ports. ``sctp``: nor is
    it UDP, but what that says.
    """

    number: int
    time: float
    stream: int
    source: Endpoint
    destination: Endpoint
    payload: bytes
    missing: int = 0
    eapol: bool = False
    sctp: Said | None = None


class Item(NamedTuple):
    """Bytes ``[start, end)`` of a direction that wait for their turn; ``data`` may be shorter: the rest was cut.

    ``cause``: how much of the other direction the sender had seen; ``arrival`` counts packets of the connection.
    A FIN is an item too: it occupies one place in sequence space and has no data. ``carved``: records that were only
    counted stand for the bytes.
    """

    start: int
    end: int
    data: bytes
    time: float
    packet: int
    cause: int | None
    arrival: int
    fin: bool = False
    carved: Carved | None = None


def near(number: int, position: int, bits: int = 32) -> int:
    """The position nearest to ``position`` whose low bits are ``number``: sequence numbers without wrap-around."""
    half = 1 << bits - 1
    return position + ((number - position + half) & 2 * half - 1) - half


@dataclass(slots=True)
class Direction:
    """One direction. Positions are sequence numbers that do not wrap.

    ``next``: the first byte not delivered yet, None while unknown. ``synced``: a SYN said where it starts.
    ``waiting``: what cannot be delivered yet, disjoint and in order. ``acknowledged``: what the other side has seen.
    ``doubtful``: a packet whose payload may be padding. ``carved``: records that are only counted, in order.
    ``base``: the first byte; segments before ``watched`` are remembered.
    """

    next: int | None = None
    base: int | None = None
    watched: int = 0
    synced: bool = False
    started: bool = False
    waiting: list[Item] = field(default_factory=list)
    waiting_bytes: int = 0
    acknowledged: int | None = None
    doubtful: Packet | None = None
    carved: deque[Carved] = field(default_factory=deque)
    finished: bool = False
    reset: bool = False

    def place(self, sequence: int) -> int:
        """The position of a sequence number; the first one seen founds the count."""
        if self.next is None:
            return self.begin(sequence)
        return near(sequence, self.next)

    def begin(self, position: int) -> int:
        """Where the direction starts."""
        self.next = self.base = position
        self.watched = position + WATCHED
        return position

    def begin_earlier(self, position: int) -> None:
        """Moves the start of a direction that began in mid-stream, as long as nothing was delivered."""
        if not self.synced and not self.started and self.next is not None and position < self.next:
            self.begin(position)

    def take(self, item: Item) -> None:
        """As `insert`; where counted records begin in the item, they take the place of its bytes from there on."""
        while self.carved and (start := near(self.carved[0].start, item.start)) < item.end:
            carved = self.carved.popleft()
            if start < item.start:
                raise CannotCountError
            end = start + carved.length
            self.insert(item._replace(end=start, data=item.data[: start - item.start]))
            self.insert(item._replace(start=start, end=end, data=b"", carved=carved))
            if item.end <= end:
                return
            item = item._replace(start=end, data=item.data[end - item.start :])
        self.insert(item)

    def insert(self, item: Item) -> None:
        """Takes what of the item is new: bytes that came first win over retransmitted and overlapping ones."""
        start = item.start if self.next is None else max(item.start, self.next)
        if item.end <= start:
            return
        index = bisect_left(self.waiting, start, key=_end)
        while index < len(self.waiting) and self.waiting[index].start < item.end:
            there = self.waiting[index]
            if start < there.start:
                self._put(index, item, start, there.start)
                index += 1
            start = max(start, there.end)
            index += 1
        if start < item.end:
            self._put(index, item, start, item.end)

    def _put(self, index: int, item: Item, start: int, end: int) -> None:
        data = item.data
        if start != item.start or end != item.end:
            if item.carved is not None:
                raise CannotCountError
            data = data[start - item.start : end - item.start]
        self.waiting.insert(index, item._replace(start=start, end=end, data=data))
        self.waiting_bytes += len(data) + OVERHEAD

    def pop(self) -> Item:
        """Takes the first waiting item out."""
        item = self.waiting.pop(0)
        self.waiting_bytes -= len(item.data) + OVERHEAD
        return item


OVERHEAD = 256
"""What a waiting item costs beside its bytes, about, so that one-byte segments are bounded too."""


def _end(item: Item) -> int:
    return item.end - 1


def is_bare(packet: Packet) -> bool:
    """Whether a packet only acknowledges."""
    return not packet.payload and not packet.missing and not packet.flags & (SYN | FIN | RST)


LONGEST_PADDING = 6
"""What is left of the shortest Ethernet frame behind the IP and TCP headers, in bytes."""


def may_be_padding(packet: Packet) -> bool:
    """Whether the payload may be Ethernet's padding, which some capture drivers count into a short packet."""
    return 0 < len(packet.payload) <= LONGEST_PADDING and not packet.flags & (SYN | RST)


def is_padded_syn(packet: Packet) -> bool:
    """Whether a SYN's payload is padding; data may travel in a SYN, but no TLS record starts with zeros."""
    return bool(packet.flags & SYN) and len(packet.payload) <= LONGEST_PADDING and not any(packet.payload)


def data_before(doubtful: Packet, following: Packet) -> int:
    """How many bytes of a doubtful packet are data, going by the same side's next packet.

    Bytes that the next packet has too may be cut from the doubtful one without loss. If it has only some of them,
    nothing is cut but zeros.
    """
    size = len(doubtful.payload)
    begin = near(following.sequence, doubtful.sequence) - doubtful.sequence
    end = begin + len(following.payload) + following.missing
    if begin >= size or end < 0:
        return size
    if end >= size or not following.payload or (begin >= 0 and not any(doubtful.payload)):
        return max(begin, 0)
    return size


def is_keep_alive(packet: Packet, side: Direction, start: int) -> bool:
    """Whether the byte is no data: a keep-alive (RFC 9293 3.8.4) repeats the byte before the next, as any value."""
    if len(packet.payload) != 1 or packet.missing or side.next is None:
        return False
    if start == side.next - 1:
        return True
    return not side.synced and not side.started and not side.waiting and packet.payload == b"\0"
