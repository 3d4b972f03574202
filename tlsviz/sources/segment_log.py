"""Which segments of a TCP connection are remembered, and what each of them was: new, repeated, late. No I/O."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple

from tlsviz.connection.tcp import Segment, SegmentKind, Tcp
from tlsviz.sources.segments import ACK, FIN, RST, SYN, Direction, Item, Packet, near
from tlsviz.sources.windows import Windows, merged, stalls
from tlsviz.wire.chunks import Sender

SEGMENTS_KEPT = 200
"""Of a connection's segments so many are remembered, and a few more SYNs, FINs and RSTs."""
SIGNS_KEPT = 24
BARE_KEPT = 2
"""Bare acknowledgements of each side: the client's ends TCP's handshake, the server's tells that it has the hello."""
BARE_WITHIN = 1.9
"""Seconds from the first packet in which they have to come; tshark is asked for a little more (`ek.FILTER`)."""
LONGEST_DETOUR = 0.1
"""Seconds by which a packet may be overtaken, where no round trip is known."""
SHORTEST_REPEAT = 0.0002
"""Nobody sends a packet again within so many seconds: the capture has it twice."""

_FLAGS = 0x3F
_TIME = 2


class Bare(NamedTuple):
    """A bare acknowledgement. ``side`` is 0 for the sender of the stream's first packet; numbers as on the wire."""

    side: int
    number: int
    time: float
    flags: int
    sequence: int
    acknowledgement: int


class _Seen(NamedTuple):
    """A segment before its connection's roles and round trip are known. Positions are those of `Direction`."""

    side: int
    number: int
    time: float
    flags: int
    start: int
    size: int
    acknowledgement: int
    missing: int = 0
    kind: SegmentKind = ""
    of: int | None = None
    delay: float = 0.0
    ahead: int = 0
    differs: int | None = None


class Log(NamedTuple):
    """What is remembered of a connection's segments, in plain tuples; `facts` makes of it what others look at.

    ``names`` of the directions, ``bases``: the positions of their first bytes. ``windows``: as `Windows.plain`.
    """

    kept: list[tuple[Any, ...]]
    bare: list[tuple[Any, ...]]
    more: int
    after_reset: tuple[int, ...]
    names: tuple[Sender, Sender]
    bases: tuple[int | None, int | None]
    windows: tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]


class SegmentLog:
    """Remembers the segments of one connection; bounded in number and bytes."""

    __slots__ = ("_after_reset", "_bare", "_kept", "_more", "_payloads", "_resets", "_signs", "windows")

    def __init__(self, bare: Sequence[Bare] = ()) -> None:
        self._kept: list[_Seen] = []
        self._payloads: list[bytes] | None = []
        self._bare = list(bare)
        self._more = self._signs = 0
        self._after_reset: list[int] = []
        self._resets: list[int | None] = [None, None]
        self.windows = Windows()

    @property
    def size(self) -> int:
        """Grows with everything that is remembered."""
        return len(self._kept) + self._more + len(self._bare) + len(self._after_reset) + self.windows.size

    def plain(self, side: int, packet: Packet, start: int) -> None:
        """A segment that is just what comes next."""
        if self._resets[side] is not None:
            self._beyond(side, packet, start)
        if len(self._kept) >= SEGMENTS_KEPT:
            self._more += 1
            return
        self._kept.append(
            _Seen(side, packet.number, packet.time, packet.flags, start, len(packet.payload), packet.acknowledgement)
        )
        if self._payloads is not None:
            self._payloads.append(packet.payload)

    def bare(self, side: int, packet: Packet) -> None:
        """A bare acknowledgement of a stream that began with a SYN."""
        if sum(each.side == side for each in self._bare) < BARE_KEPT:
            self._bare.append(
                Bare(side, packet.number, packet.time, packet.flags, packet.sequence, packet.acknowledgement)
            )

    def take(self, side: int, packet: Packet, direction: Direction, start: int, size: int, keep_alive: bool) -> None:
        """Any segment, before its direction has taken it."""
        fresh, high = _unseen(direction, start, start + size), _high(direction)
        sign = packet.flags & (SYN | FIN | RST)
        if fresh:
            self._beyond(side, packet, start)
        if packet.flags & RST and self._resets[side] is None and direction.next is not None:
            self._resets[side] = start
        kind: SegmentKind = "keep_alive" if keep_alive else ""
        if size and not keep_alive:
            kind = "" if start >= high else "out_of_order" if fresh == size else "overlap" if fresh else "retransmitted"
        if start >= direction.watched and not sign:
            return
        if self._full(sign):
            self._more += 1
            return
        seen = _Seen(
            side, packet.number, packet.time, packet.flags, start, size, packet.acknowledgement, packet.missing, kind
        )
        if sign and not size and not packet.flags & RST:
            seen = self._again(seen)
        elif kind:
            seen = self._compared(seen, packet.payload)
        elif size and start > high:
            seen = seen._replace(ahead=start - high)
        self._kept.append(seen)
        if self._payloads is not None:
            self._payloads.append(packet.payload)

    def _beyond(self, side: int, packet: Packet, start: int) -> None:
        """New bytes, maybe of a side that has reset the connection."""
        reset = self._resets[side]
        if reset is not None and start >= reset and len(self._after_reset) < SIGNS_KEPT:
            self._after_reset.append(packet.number)

    def _full(self, sign: int) -> bool:
        if sign and self._signs < SIGNS_KEPT:
            self._signs += 1
            return False
        return len(self._kept) >= SEGMENTS_KEPT

    def release(self) -> None:
        """The connection is over: what bytes were is no longer kept for comparison."""
        self._payloads = None

    # -- what came before ----------------------------------------------------------------------------------

    def _again(self, seen: _Seen) -> _Seen:
        """A SYN or FIN, which may be the second."""
        which = SYN | FIN
        for other in self._kept:
            if (other.side, other.flags & which, other.start) == (seen.side, seen.flags & which, seen.start):
                return seen._replace(kind="retransmitted", of=other.number, delay=seen.time - other.time)
        return seen

    def _compared(self, seen: _Seen, payload: bytes) -> _Seen:
        """A segment that repeats bytes, or was overtaken: by what, since when, and whether the bytes are the same."""
        end = seen.start + seen.size
        of, differs = None, None
        for index, other in enumerate(self._kept):
            if other.side != seen.side or not other.size:
                continue
            if seen.kind == "out_of_order":
                if other.start >= end and (of is None or other.start < of.start):
                    of = other
            elif other.start < end and seen.start < other.start + other.size and other.kind != "keep_alive":
                of = of or other
                if differs is None and self._payloads is not None and seen.kind != "keep_alive":
                    differs = _difference(other.start, self._payloads[index], seen.start, payload)
        if of is None:
            return seen
        return seen._replace(of=of.number, delay=seen.time - of.time, differs=differs)

    # -- in the end ----------------------------------------------------------------------------------------

    def log(self, names: tuple[Sender, Sender], bases: tuple[int | None, int | None]) -> Log:
        """What is known, with the directions' names and the positions of their first bytes."""
        kept, bare = list(map(tuple, self._kept)), list(map(tuple, self._bare))
        return Log(kept, bare, self._more, tuple(self._after_reset), names, bases, self.windows.plain)


def facts(log: Log) -> Tcp:
    """What each segment was, now that roles and round trip are known."""
    kept, bare, more, after_reset, names, bases, windows = log
    if not kept:
        return Tcp()
    found = sorted([*map(_Seen._make, kept), *_acknowledgements(kept[0][_TIME], bare, bases)], key=_number)
    trip = _round_trip(found)
    segments = tuple([_segment(each, names, bases, trip) for each in found])
    if not windows[0]:
        return Tcp(segments, more, after_reset)
    return Tcp(merged(segments, windows, names, bases), more, after_reset, stalls(windows[0], names, bases))


def _acknowledgements(
    first: float, bare: Sequence[tuple[Any, ...]], bases: tuple[int | None, int | None]
) -> list[_Seen]:
    found = []
    for side, number, time, flags, sequence, acknowledgement in bare:
        base = bases[side]
        if base is not None and time - first < BARE_WITHIN:
            found.append(_Seen(side, number, time, flags, near(sequence, base), 0, acknowledgement))
    return found


def _segment(
    seen: _Seen, names: tuple[Sender, Sender], bases: tuple[int | None, int | None], trip: float | None
) -> Segment:
    side, number, time, flags, start, size, acknowledgement, missing, kind, of, delay, ahead, differs = seen
    base, opposite = bases[side] or 0, bases[1 - side]
    acknowledged = None
    if flags & ACK and opposite is not None:
        acknowledged = max(near(acknowledgement, opposite) - opposite, 0)
    if kind == "retransmitted" and abs(delay) < max((trip or 0.0) / 2, SHORTEST_REPEAT) and differs is None:
        kind = "duplicate"
    elif differs is not None:
        kind = "conflicting"
    elif kind == "out_of_order" and delay > max(LONGEST_DETOUR if trip is None else trip, SHORTEST_REPEAT):
        kind = "retransmitted"  # too late to have been overtaken: the first one was lost before it came here
    start = max(start - base, 0)
    differs = differs - base if differs is not None else None
    flags &= _FLAGS
    return Segment(
        names[side], time, number, flags, start, size, kind, of, delay, ahead, differs, missing, acknowledged
    )


def _number(seen: _Seen) -> int:
    return seen.number


def _round_trip(found: list[_Seen]) -> float | None:
    """From one side to the other and back, by TCP's handshake: nobody can know of a loss before that."""
    syn = next((each for each in found if each.flags & SYN and not each.flags & ACK), None)
    if syn is None:
        return None
    answer = next((each for each in found if each.flags & SYN and each.flags & ACK and each.side != syn.side), None)
    if answer is None:
        return None
    reply = next((each for each in found if each.side == syn.side and each.number > answer.number), None)
    return max((reply or answer).time - syn.time, 0.0)


def _high(direction: Direction) -> int:
    if direction.waiting:
        return direction.waiting[-1].end
    return direction.next or 0


def _unseen(direction: Direction, start: int, end: int) -> int:
    """How many of the bytes ``[start, end)`` have not come yet."""
    if direction.next is not None:
        start = max(start, direction.next)
    if end <= start:
        return 0
    count = end - start
    waiting = direction.waiting
    for index in range(bisect_left(waiting, start, key=_end), len(waiting)):
        there = waiting[index]
        if there.start >= end:
            break
        count -= min(end, there.end) - max(start, there.start)
    return count


def _end(item: Item) -> int:
    return item.end - 1


def _difference(start: int, data: bytes, other: int, payload: bytes) -> int | None:
    """The first position at which two segments that overlap have different bytes."""
    begin, end = max(start, other), min(start + len(data), other + len(payload))
    if begin >= end:
        return None
    one, two = data[begin - start : end - start], payload[begin - other : end - other]
    if one == two:
        return None
    return begin + next(at for at, (a, b) in enumerate(zip(one, two, strict=True)) if a != b)
