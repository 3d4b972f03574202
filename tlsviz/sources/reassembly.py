"""TCP streams put back together: packets in, ordered bytes, holes and marks out. No I/O.

Two orders are restored. Within a direction, by sequence number: out-of-order segments wait, repeated bytes are
dropped (the first ones win), and what never came is a `Gap` of exact size. Between the directions, by
acknowledgement: whatever a side sent comes after everything it had acknowledged, so that a reply follows its
question even where the capture has them the other way round.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from tlsviz.connection.model import Endpoint
from tlsviz.connection.tcp import IN_THE_MIDDLE, Tcp
from tlsviz.sources.roles import hello, knownness
from tlsviz.sources.segment_log import Bare, Log, SegmentLog, facts
from tlsviz.sources.segments import (
    ACK,
    FIN,
    LONGEST_PADDING,
    PSH,
    RST,
    SYN,
    Carved,
    Direction,
    Item,
    Packet,
    data_before,
    is_bare,
    is_keep_alive,
    is_padded_syn,
    may_be_padding,
    near,
)
from tlsviz.wire.chunks import CLIENT, SERVER, Bulk, CannotCountError, Chunk, Gap, Input, Mark, Sender, other

LIMIT = 4 << 20
"""Bytes of a connection that may wait for a hole to be filled, before it is declared missing."""
PATIENCE = 64
"""Packets of a connection that may pass before bytes that were acknowledged, but not seen, are declared missing."""
OPENING = 8
"""Packets to look at, in a connection that starts in mid-stream, before its first byte is settled."""

CarvedSides = tuple[Sequence[Carved], Sequence[Carved]]

MOST_SYNS = 16
"""SYNs of a connection to tell of; more are a flood."""


class Stream:
    """One TCP connection.

    `feed` each packet in capture order, then `finish`; both return what has become certain. ``client`` and
    ``server`` are known with the first thing returned: the client is who sends a ClientHello, else who sent the SYN,
    else who uses the port less known. ``carved``: what was only counted of the bytes that the first packet's sender
    and the other side sent; `CannotCountError` if that does not fit. ``bare``: acknowledgements that will not be fed.
    """

    def __init__(
        self,
        limit: int = LIMIT,
        patience: int = PATIENCE,
        carved: CarvedSides = ((), ()),
        bare: Sequence[Bare] = (),
    ) -> None:
        self.limit = limit
        self.patience = patience
        self._ends: tuple[Endpoint, Endpoint] | None = None
        self._sides = (Direction(carved=deque(carved[0])), Direction(carved=deque(carved[1])))
        self._names: tuple[Sender, Sender] | None = None
        self._opener: int | None = None
        self._arrivals = 0
        self._syns = 0
        self._resets: list[tuple[int, Packet]] = []
        self._last_time = 0.0
        self._out: list[Input] = []
        self._log = SegmentLog(bare)
        self._joined = self._begun = False
        """Whether it was told that the capture begins later than the connection; whether the first packet was a SYN."""

    @property
    def log(self) -> Log:
        """What is remembered of TCP's segments so far."""
        one, two = self._sides
        return self._log.log((self._name(0), self._name(1)), (one.base, two.base))

    @property
    def tcp(self) -> Tcp:
        """What TCP did so far, in its segments."""
        return facts(self.log)

    @property
    def logged(self) -> int:
        """Grows whenever `tcp` does."""
        return self._log.size

    @property
    def client(self) -> Endpoint:
        assert self._ends is not None
        return self._ends[0 if self._name(0) == CLIENT else 1]

    @property
    def server(self) -> Endpoint:
        assert self._ends is not None
        return self._ends[1 if self._name(0) == CLIENT else 0]

    @property
    def closed(self) -> bool:
        """Whether both sides have ended, or one has reset the connection, and nothing waits to be told."""
        for side in self._sides:
            if side.waiting or side.carved or side.doubtful is not None:
                return False
        one, two = self._sides
        return (one.finished and two.finished) or ((one.reset or two.reset) and not self._resets)

    def feed(self, packet: Packet) -> list[Input]:
        """Takes the next packet of the capture; returns what can be told now, in order."""
        if self._ends is None:
            self._ends = (packet.source, packet.destination)
            self._begun = bool(packet.flags & SYN)
        index = 0 if packet.source == self._ends[0] else 1
        if self._begun and (not packet.window or self._log.windows.minding):
            self._log.windows.look(index, packet, self._sides[1 - index].base, self._sides[index].base)
        if not packet.payload and is_bare(packet):
            if self._begun:
                self._log.bare(index, packet)
            return []
        self._arrivals += 1
        if self._names is not None and self._is_next(index, packet):
            self._last_time = packet.time
            return [Chunk(self._names[index], packet.time, packet.payload, (packet.number,))]
        self._undoubt(index, packet, same_side=True)
        self._undoubt(1 - index, packet, same_side=False)
        if may_be_padding(packet):
            self._sides[index].doubtful = packet
        else:
            self._take(index, packet)
        if self._opener is not None or self._arrivals > OPENING:
            self._deliver()
            while (overdue := self._overdue()) is not None:
                self._give_up(overdue)
                self._deliver()
        return self._flush()

    def feed_run(self, packets: Sequence[Packet]) -> list[Input]:
        """As `feed`, of one side's packets that lie in the middle of one record: plain ones are told as one chunk."""
        first, last = packets[0], packets[-1]
        if self._ends is not None and self._names is not None:
            index = 0 if first.source == self._ends[0] else 1
            if self._are_next(index, packets):
                data = b"".join([packet.payload for packet in packets])
                return [Chunk(self._names[index], last.time, data, tuple([packet.number for packet in packets]))]
        return [item for packet in packets for item in self.feed(packet)]

    def finish(self) -> list[Input]:
        """The capture's end: everything that still waits, with the holes before it."""
        for side in (0, 1):
            doubtful = self._sides[side].doubtful
            if doubtful is not None:
                self._take(side, doubtful if any(doubtful.payload) else doubtful._replace(payload=b""))
        if self._sides[0].carved or self._sides[1].carved:
            raise CannotCountError
        self._deliver()
        while self._sides[0].waiting or self._sides[1].waiting:
            self._give_up(self._heads()[0][1])
            self._deliver()
        self._reset(force=True)
        self._settle()
        return self._flush()

    def _is_next(self, index: int, packet: Packet) -> bool:
        """The short way for the plain case, nearly every packet: nothing waits, and this is what comes next.

        Takes the packet's bytes if so.
        """
        side, opposite = self._sides[index], self._sides[1 - index]
        if (
            packet.flags & ~PSH != ACK
            or packet.missing
            or len(packet.payload) <= LONGEST_PADDING
            or side.next is None
            or opposite.next is None
            or packet.sequence != side.next & 0xFFFFFFFF
            or packet.acknowledgement != opposite.next & 0xFFFFFFFF
            or side.waiting
            or opposite.waiting
            or (side.carved and self._meets(side, len(packet.payload)))
            or side.doubtful is not None
            or opposite.doubtful is not None
            or self._resets
        ):
            return False
        if side.next < side.watched:
            self._log.plain(index, packet, side.next)
        side.next += len(packet.payload)
        side.started = True
        opposite.acknowledged = opposite.next
        return True

    @staticmethod
    def _meets(side: Direction, size: int) -> bool:
        """Whether counted records begin within the next bytes."""
        return side.next is None or near(side.carved[0].start, side.next) < side.next + size

    def _are_next(self, index: int, packets: Sequence[Packet]) -> bool:
        """`_is_next` of several at once, all with the same to say of the other side and none after a later one."""
        first, size = packets[0], 0
        time, acknowledgement = first.time, first.acknowledgement
        for packet in packets:
            if (
                packet.sequence != first.sequence + size & 0xFFFFFFFF
                or packet.acknowledgement != acknowledgement
                or packet.flags & ~PSH != ACK
                or packet.missing
                or packet.time < time
                or not packet.window
                or len(packet.payload) <= LONGEST_PADDING
            ):
                return False
            time = packet.time
            size += len(packet.payload)
        side = self._sides[index]
        if self._log.windows.minding or (side.carved and self._meets(side, size)) or not self._is_next(index, first):
            return False
        place = side.next or 0
        for packet in packets[1:]:
            if place < side.watched:
                self._log.plain(index, packet, place)
            place += len(packet.payload)
        side.next = place
        self._arrivals += len(packets)
        self._last_time = time
        return True

    # -- taking packets ------------------------------------------------------------------------------------

    def _take(self, index: int, packet: Packet) -> None:
        side, opposite = self._sides[index], self._sides[1 - index]
        start = packet.sequence
        cause = None
        if packet.flags & ACK:
            cause = opposite.place(packet.acknowledgement)
            opposite.acknowledged = max(opposite.acknowledged or cause, cause)
        if packet.flags & SYN:
            start = self._synchronise(index, packet)
        elif packet.flags & RST and side.next is None and not packet.payload:
            start = 0  # a refusal's sequence number may be 0: it says nothing about where this side would start
        else:
            start = side.place(start)
        # What a reset carries is a note about it, no part of the stream (RFC 9293 3.5.3).
        size = 0 if packet.flags & RST or is_padded_syn(packet) else len(packet.payload) + packet.missing
        keep_alive = bool(size) and is_keep_alive(packet, side, start)
        if size and not keep_alive:
            side.begin_earlier(start)
        if size or packet.flags & (SYN | FIN | RST):
            self._log.take(index, packet, side, start, size, keep_alive)
        if keep_alive:
            if side.next == start:
                side.next = start + 1
        elif size:
            item = Item(start, start + size, packet.payload, packet.time, packet.number, cause, self._arrivals)
            side.take(item)
        if packet.flags & FIN and not side.finished:
            end = start + size
            side.begin_earlier(end)
            side.insert(Item(end, end + 1, b"", packet.time, packet.number, cause, self._arrivals, fin=True))
        if packet.flags & RST and not side.reset:
            side.reset = True
            self._resets.append((index, packet))

    def _undoubt(self, index: int, packet: Packet, same_side: bool) -> None:
        """Settles, if ``packet`` tells, how much of a doubtful packet's payload is data and how much padding.

        Data ends where what follows starts, or where the acknowledgement stands.
        """
        side = self._sides[index]
        doubtful = side.doubtful
        if doubtful is None:
            return
        start = doubtful.sequence
        if same_side:
            kept = data_before(doubtful, packet)
        elif packet.flags & ACK and near(packet.acknowledgement, start) > start:
            kept = near(packet.acknowledgement, start) - bool(doubtful.flags & FIN) - start
        else:
            return
        side.doubtful = None
        self._take(index, doubtful._replace(payload=doubtful.payload[:kept]))

    def _synchronise(self, index: int, packet: Packet) -> int:
        """A SYN: where the direction starts. Returns the position of what follows it.

        Of several answers with other numbers the last counts, until data follow one or the other side acknowledges it.
        """
        side = self._sides[index]
        first = (packet.sequence + 1) & 0xFFFFFFFF
        again = side.synced
        other = side.next is not None and near(first, side.next) != side.next
        settled = side.started or bool(side.waiting) or side.acknowledged == side.next or self._opener == index
        if (not again and not side.started) or (again and other and not settled):
            side.begin(first if side.next is None else near(first, side.next))
            side.synced = True
        if self._opener is None:
            self._opener = 1 - index if packet.flags & ACK else index
        if not side.started and self._syns < MOST_SYNS:
            self._syns += 1
            detail = ("with another number" if other else "retransmitted") if again else ""
            self._mark("syn_ack" if packet.flags & ACK else "syn", index, packet, detail)
        return side.place(first)

    # -- telling what is certain ---------------------------------------------------------------------------

    def _deliver(self) -> None:
        """Tells everything whose turn it is."""
        while True:
            ready = [
                (side.waiting[0].arrival, index)
                for index, side in enumerate(self._sides)
                if side.waiting and side.waiting[0].start == side.next and not self._early(index, side.waiting[0])
            ]
            if not ready:
                break
            self._tell(min(ready)[1])
        self._reset(force=False)

    def _early(self, index: int, item: Item) -> bool:
        """Whether the item's sender had seen bytes of the other side that were not told yet."""
        opposite = self._sides[1 - index]
        return item.cause is not None and opposite.next is not None and item.cause > opposite.next

    def _tell(self, index: int) -> None:
        side = self._sides[index]
        item = side.pop()
        side.next = item.end
        side.started = True
        time = item.time if item.arrival == self._arrivals else max(item.time, self._last_time)
        if item.fin:
            side.finished = True
            if self._sides[1 - index].finished:
                self._log.release()
            self._put(index, Mark("fin", CLIENT, time, (item.packet,)))
            return
        self._settle(index, item.data)
        if item.carved is not None:
            self._put(index, Bulk(CLIENT, *item.carved[2:]))
            return
        if item.data:
            self._put(index, Chunk(CLIENT, time, item.data, (item.packet,)))
        missing = item.end - item.start - len(item.data)
        if missing:
            self._put(index, Gap(CLIENT, time, missing, (item.packet,), self._place(side, item.end - missing)))

    def _reset(self, force: bool) -> None:
        """Tells resets once everything before them is told."""
        if self._resets and (force or not (self._sides[0].waiting or self._sides[1].waiting)):
            for index, packet in self._resets:
                self._mark("rst", index, packet)
            self._resets.clear()
            self._log.release()

    # -- giving up on what never came ----------------------------------------------------------------------

    def _heads(self) -> list[tuple[int, int]]:
        return sorted((side.waiting[0].arrival, i) for i, side in enumerate(self._sides) if side.waiting)

    def _overdue(self) -> int | None:
        """The direction whose first waiting item has waited long enough; None while there is hope."""
        heads = self._heads()
        if heads and self._sides[0].waiting_bytes + self._sides[1].waiting_bytes > self.limit:
            return heads[0][1]
        for arrival, index in heads:
            if self._arrivals - arrival >= self.patience and self._acknowledged(index):
                return index
        return None

    def _acknowledged(self, index: int) -> bool:
        """Whether the bytes that the first waiting item waits for were received: they will not be sent again."""
        side = self._sides[index]
        item = side.waiting[0]
        if side.next is not None and item.start > side.next:
            return side.acknowledged is not None and side.acknowledged > side.next
        return True

    def _give_up(self, index: int) -> None:
        """Declares missing what the first waiting item of a direction waits for."""
        side, opposite = self._sides[index], self._sides[1 - index]
        item = side.waiting[0]
        if side.next is None or item.start > side.next:
            self._lose(index, item.start, item)
            return
        if self._early(index, item) and item.cause is not None and opposite.next is not None:
            until = min([item.cause, *(waiting.start for waiting in opposite.waiting[:1])])
            if until > opposite.next:
                self._lose(1 - index, until, item)
                return
        self._tell(index)

    def _lose(self, index: int, until: int, before: Item) -> None:
        side = self._sides[index]
        begin = side.next
        length = until - begin if begin is not None else 0
        if begin is None:
            side.begin(until)
        side.next = until
        side.started = True
        if length == 1 and not side.waiting:
            return  # acknowledged and followed by nothing: a FIN that the capture lacks, not a byte
        time = before.time if before.arrival == self._arrivals else max(before.time, self._last_time)
        if begin is not None and length:
            self._put(index, Gap(CLIENT, time, length, (), self._place(side, begin)))

    def _place(self, side: Direction, position: int) -> int:
        """How many bytes of the direction come before a position."""
        return position - (side.base or 0)

    # -- who is who ----------------------------------------------------------------------------------------

    def _mark(self, kind: str, index: int, packet: Packet, detail: str = "") -> None:
        self._put(index, Mark(kind, CLIENT, packet.time, (packet.number,), detail))  # type: ignore[arg-type]

    def _put(self, index: int, event: Input) -> None:
        """Keeps an event; its sender is the client for direction 0 until the roles are settled."""
        if self._opener is None and not self._joined:
            self._joined = True
            self._out.append(Mark("joined", self._name(index), event.time, (), _beginning(event)))
        self._last_time = event.last_time if isinstance(event, Bulk) else event.time
        self._out.append(event._replace(sender=self._name(index)))

    def _name(self, index: int) -> Sender:
        names = self._names or (CLIENT, SERVER)
        return names[index]

    def _settle(self, index: int = 0, data: bytes = b"") -> None:
        """Decides who is the client, once: by the first bytes, else by the SYN, else by the ports."""
        if self._names is not None or self._ends is None:
            return
        client = self._opener
        candidates = [(index, data)]
        candidates += [(i, side.waiting[0].data) for i, side in enumerate(self._sides) if side.waiting]
        for i, first in candidates:
            looks = hello(first)
            if looks is not None:
                client = i if looks == CLIENT else 1 - i
                break
        if client is None:
            client = 0 if knownness(self._ends[0].port) <= knownness(self._ends[1].port) else 1
        self._names = (CLIENT, SERVER) if client == 0 else (SERVER, CLIENT)
        if client == 1:
            self._out = [event._replace(sender=other(event.sender)) for event in self._out]

    def _flush(self) -> list[Input]:
        if self._names is None:
            return []
        told, self._out = self._out, []
        return told


def _beginning(event: Input) -> str:
    """What a capture lacks that does not begin with a SYN: by the first thing that it has of a connection."""
    if isinstance(event, Chunk) and hello(event.data) == CLIENT:
        return "TCP's handshake is not in the capture"
    if isinstance(event, Chunk) and not (20 <= event.data[0] <= 24 and event.data[1:2] == b"\x03"):
        return "what came before is not known"
    return IN_THE_MIDDLE
