"""What TCP did below TLS, as a capture shows it: segments, repeats and reorderings, and the round trips they time.

`Tcp` is small, frozen data that a source gives (`sources.segment_log`); everything else here is computed from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

from tlsviz.wire.chunks import CLIENT, SERVER, Sender

if TYPE_CHECKING:
    from tlsviz.connection.model import Connection, Message

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32

SegmentKind = Literal["", "retransmitted", "duplicate", "out_of_order", "overlap", "conflicting", "keep_alive", "probe"]
""""": bytes that came for the first time, in turn or ahead of it. retransmitted: sent again. duplicate: the same packet
captured twice. out_of_order: overtaken on its way. overlap: some of its bytes came before. conflicting: and
differ from those. keep_alive: says that it is
still there (RFC 9293 3.8.4). probe: asks whether the other side's window is open again (3.8.6.1)."""

WindowMove = Literal["", "closed", "still_closed", "opened", "opened_before", "resumed"]
"""What a segment does to its sender's receive window: it says that it is 0, again that it is, that it no longer is.
opened_before: that one is no acknowledgement alone, but what its sender had to say; when the window opened, nobody saw.
resumed: new bytes to a side whose window was 0; it must have opened, and that was not seen."""
StallEnd = Literal["", "opened", "opened_before", "resumed", "reset"]
""""": none was seen. opened, opened_before and resumed: as in `WindowMove`. reset: the connection was torn down."""

IN_THE_MIDDLE = "in the middle of the connection"
"""What is said of a capture's beginning where TLS was under way."""
CLOCK_STEP = 0.001
"""Seconds by which packets may stand the wrong way round: several queues of one network card are read in turns."""
NEAR = 0.1
"""A side is near where the way to it takes at most so much of the whole round trip."""
SAME_PLACE = 0.0003
"""Seconds of a round trip below which nothing tells where a capture was taken."""


class Segment(NamedTuple):
    """One TCP segment, or SYN, FIN, RST or bare acknowledgement. ``time`` in Unix seconds, ``packet`` its frame number.

    ``start`` is the place of its first byte in its direction, from 0; ``length`` in bytes, ``missing`` of them cut off
    at the end by the capture. ``flags`` as in TCP's header. ``of``: the packet that it repeats, or that overtook it,
    and ``delay`` the seconds since then. ``ahead``: bytes before it that had not come yet. ``differs``: the first of
    its bytes that came before with another value, by its place in the direction. ``acknowledged``: how many bytes of
    the other side it acknowledges, None if unknown. ``window``: what it does to a closed receive window; where that is
    open again, ``of`` and ``delay`` are of the packet that closed it.
    """

    sender: Sender
    time: float
    packet: int
    flags: int
    start: int
    length: int
    kind: SegmentKind = ""
    of: int | None = None
    delay: float = 0.0
    ahead: int = 0
    differs: int | None = None
    missing: int = 0
    acknowledged: int | None = None
    window: WindowMove = ""


class Stall(NamedTuple):
    """A closed receive window (RFC 9293 3.8.6): ``sender`` could send nothing more, as the other side did not read.

    ``packet`` and ``time`` of the acknowledgement that closed it, of ``taken`` bytes in all. ``last``: the time of its
    end, or of the last packet that speaks of it; where it opened before its end was seen, of the last that said 0.
    ``zeros``: how often a window of 0 was told; ``probes``: how often the sender asked. ``end``: the packet that
    ended it, or showed that it had.
    """

    sender: Sender
    packet: int
    time: float
    last: float
    taken: int
    zeros: int = 1
    probes: int = 0
    end: int | None = None
    reason: StallEnd = ""


class Tcp(NamedTuple):
    """The segments of a connection in the capture's order, as far as they are kept.

    Kept are SYN, FIN and RST, what carries the first 64 KiB of each direction, each side's first two bare
    acknowledgements, and what closes, probes or opens a receive window: 200 at most, beside the latter. ``more`` is how
    many of these there were beyond that. ``after_reset``: packets with new bytes that a side sent after its own RST.
    ``stalls``: the first eight closed windows, of those that closed within the first 64 KiB of both directions.
    """

    segments: tuple[Segment, ...] = ()
    more: int = 0
    after_reset: tuple[int, ...] = ()
    stalls: tuple[Stall, ...] = ()

    def of(self, kind: SegmentKind, sender: Sender | None = None) -> list[Segment]:
        """The segments of one kind."""
        return [each for each in self.segments if each.kind == kind and sender in (None, each.sender)]

    @property
    def steps_back(self) -> list[tuple[Segment, float]]:
        """Segments that are older, by their time, than the one before them in the capture; and by how many seconds."""
        found, latest = [], float("-inf")
        for each in self.segments:
            if each.time < latest:
                found.append((each, latest - each.time))
            latest = each.time
        return found


class Trips(NamedTuple):
    """Round trips between where the capture was taken and each side, in seconds; None where TCP's handshake is missing.

    ``server``: from SYN to SYN, ACK; ``client``: from there to the first acknowledgement. ``tries``: how many SYNs it
    took; the way to the server is timed from the last of them.
    """

    server: float | None = None
    client: float | None = None
    tries: int = 1

    @property
    def whole(self) -> float | None:
        """The round trip from one side to the other."""
        if self.server is None:
            return None
        return self.server + (self.client or 0.0)

    @property
    def place(self) -> Literal["client", "server", "between"] | None:
        """Where the capture was taken: beside one of the two, or between them; None if nothing tells."""
        if self.server is None or self.client is None or self.server + self.client < SAME_PLACE:
            return None
        if self.client <= NEAR * (self.server + self.client):
            return CLIENT
        return SERVER if self.server <= NEAR * (self.server + self.client) else "between"


def trips(connection: Connection) -> Trips:
    """The round trips that TCP's handshake (or SCTP's) shows: from a capture's segments, else from a source's marks."""
    if connection.tcp is None:
        times = {placed.mark.kind: placed.mark.time for placed in reversed(connection.marks)}
        begin = times.get("syn", times.get("init"))
        end = times.get("syn_ack", times.get("init_ack", times.get("connected")))
        return Trips(end - begin if begin is not None and end is not None and end >= begin else None)
    segments = connection.tcp.segments
    answer = next((each for each in segments if each.sender == SERVER and each.flags & SYN and each.flags & ACK), None)
    if answer is None:
        return Trips()
    asked = [each for each in segments if each.sender == CLIENT and each.flags & SYN and each.packet < answer.packet]
    asked = [each for each in asked if each.kind != "duplicate"]
    if not asked:
        return Trips()
    reply = next((each for each in segments if _replies(each, answer)), None)
    return Trips(_between(asked[-1], answer), _between(answer, reply), len(asked))


def _replies(segment: Segment, answer: Segment) -> bool:
    return segment.sender == CLIENT and segment.packet > answer.packet and bool(segment.flags & ACK)


def _between(first: Segment, second: Segment | None) -> float | None:
    return second.time - first.time if second is not None and second.time >= first.time else None


class Answer(NamedTuple):
    """How the answer to the ClientHello came about, in seconds from the hello to it, as seen by the capture.

    ``acknowledged``: until the server's TCP had the hello; None where no acknowledgement came before the answer.
    ``thought``: what of ``whole`` the server itself took; None where nothing tells the way from the work.
    """

    message: Message
    whole: float
    acknowledged: float | None
    thought: float | None


def answer(connection: Connection) -> Answer | None:
    """The way from the ClientHello to the server's answer; None where either is missing."""
    hello = next(iter(connection.messages_of("client_hello")), None)
    kinds = ("server_hello", "hello_retry_request")
    found = next((m for m in connection.messages if m.type in kinds), None)
    if hello is None or found is None or found.order < hello.order or found.time < hello.time:
        return None
    whole = found.time - hello.time
    received = _acknowledged(connection, hello, found)
    way = trips(connection).server
    if received is not None and (way is None or received >= way):
        way = received
    return Answer(found, whole, received, max(whole - way, 0.0) if way is not None else None)


def _acknowledged(connection: Connection, hello: Message, found: Message) -> float | None:
    if connection.tcp is None or not hello.packets or not found.packets:
        return None
    segments = connection.tcp.segments
    carried = [each.start + each.length for each in segments if each.sender == CLIENT and each.packet in hello.packets]
    if not carried:
        return None
    for each in segments:
        if each.sender == SERVER and not each.length and (each.acknowledged or 0) >= max(carried):
            return each.time - hello.time if hello.time <= each.time < found.time else None
    return None


def counts(connection: Connection, sender: Sender) -> Iterator[tuple[str, int]]:
    """What went wrong on the way of one side's segments: a name and how many there are, as the JSON has them."""
    tcp = connection.tcp or Tcp()
    yield "retransmitted", len(tcp.of("retransmitted", sender))
    yield "duplicate", len(tcp.of("duplicate", sender))
    yield "out_of_order", len(tcp.of("out_of_order", sender))
    yield "overlapping", len(tcp.of("overlap", sender))
    yield "conflicting", len(tcp.of("conflicting", sender))
    yield "keep_alives", len(tcp.of("keep_alive", sender))
    yield "zero_windows", sum(stall.zeros for stall in tcp.stalls if stall.sender != sender)
    yield "window_probes", sum(stall.probes for stall in tcp.stalls if stall.sender == sender)
    gaps = [hole for hole in connection.holes if hole.stray is None and hole.sender == sender]
    yield "lost_bytes", sum(hole.length for hole in gaps if not hole.cut)
    yield "cut_bytes", sum(hole.length for hole in gaps if hole.cut)
