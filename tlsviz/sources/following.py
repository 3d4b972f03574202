"""The TCP streams and UDP flows of a capture, each followed by an engine of its own until it is known not to be TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf
from pathlib import Path

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection, changed
from tlsviz.connection.plain.undecided import UNDECIDED_LIMIT, Undecided
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import TlsvizError
from tlsviz.sources.channels import Channel
from tlsviz.sources.ek import Deal
from tlsviz.sources.feeding import Feed, on
from tlsviz.sources.flows import Flow
from tlsviz.sources.plan import Plan
from tlsviz.sources.reassembly import CarvedSides, Stream
from tlsviz.sources.segments import Datagram, Packet, is_bare
from tlsviz.sources.sessions import SCTP, Sessions
from tlsviz.sources.taken import Taken
from tlsviz.wire.chunks import CannotCountError, Chunk, Input, Mark, Sender
from tlsviz.wire.text import shorten


@dataclass(slots=True)
class Followed:
    """One TCP stream on its way to a connection."""

    stream: Stream
    first: int
    engine: Engine | Undecided | None = None
    is_tls: bool = False
    last: float | None = None
    sizes: dict[Sender, int] = field(default_factory=dict)
    taken: Taken | None = None


class Following:
    """Give it every packet with `take`, then ask for what is `finished`.

    ``found``: how many TLS connections there are so far. ``plan``: what the first pass counted and took of streams.
    ``whole``: the streams, by the number of their first packet, where counting does not fit. ``strict``: a bug met on
    one stream raises; without, the stream is left out and ``faults`` says so: it must not cost the others.
    """

    def __init__(
        self,
        keylog: KeyLog,
        strict: bool = False,
        plan: Plan | None = None,
    ) -> None:
        self.found = 0
        self.whole: dict[int, int] = {}
        self._carved: dict[int, CarvedSides] = dict(plan.carved) if plan is not None else {}
        self._bare = dict(plan.bare) if plan is not None else {}
        self._taken = dict(plan.taken) if plan is not None else {}
        self._keep = plan.keep if plan is not None else bytearray()
        self.faults: list[str] = []
        self._sessions = Sessions()
        self._keylog = keylog
        self._strict = strict
        self._look: Callable[[], None] = on
        self._behind: list[tuple[float, int]] = []
        """Streams, and (at the latest) when the next of their packets is due that the first pass has taken: a heap."""
        self._streams: dict[int, Followed | Flow | None] = {}
        """By tshark's numbers, in the order of first packets; UDP's are stored as -1, -2, ..."""

    deal: Deal | None = None
    """Reads tshark's lines itself where this is not None (`sources.spread`)."""

    def start(self, feed: Feed | None, look: Callable[[], None]) -> None:
        """Before the first packet; ``look`` is called for each of them, and raises when all is to be given up."""
        self._look = look

    def take_all(self, packets: Iterable[Packet | Datagram]) -> None:
        """Takes the next packets of the capture."""
        packet = None
        for packet in packets:
            self._look()
            self.take(packet)
        if packet is not None and self._behind:
            # Nothing that tshark is shown comes before the next frame that was kept for it.
            after = self._keep.find(1, packet.number)
            self._reach(after + 1 if after >= 0 else inf)

    def _reach(self, number: float) -> None:
        """Takes what the first pass has taken of all streams, up to a frame's number."""
        behind = self._behind
        while behind and behind[0][0] < number:
            _, stream = heappop(behind)
            followed = self._streams[stream]
            if isinstance(followed, Followed) and followed.taken is not None:
                self._catch_up(stream, followed, number)
                if self._streams[stream] is followed and followed.taken.next < inf:
                    heappush(behind, (followed.taken.next, stream))

    def take(self, packet: Packet | Datagram) -> None:
        """Takes the next packet of the capture."""
        self.passing(packet)
        if isinstance(packet, Datagram):
            for datagram in self._sessions.told(packet):
                self._take_datagram(datagram)
            return
        try:
            followed = self._streams[packet.stream]
        except KeyError:
            if is_bare(packet):
                return  # it says nothing where nothing was said before
            followed = self._streams[packet.stream] = self._begun(packet)
        if followed is None or isinstance(followed, Flow):
            return
        if self._catch_up(packet.stream, followed, packet.number):
            self._take(packet.stream, followed, (packet,))

    def _catch_up(self, stream: int, followed: Followed, number: float) -> bool:
        """Takes the segments that the first pass has taken, up to a frame's number; False if the stream is dropped."""
        taken = followed.taken
        if taken is not None and taken.next < number:
            for packets in taken.before(number):
                self._take(stream, followed, packets)
                if self._streams[stream] is not followed:
                    return False
        return True

    def _begun(self, packet: Packet) -> Followed:
        """A new stream, with what the first pass found of it."""
        number = packet.number
        stream = Stream(carved=self._carved.pop(number, ((), ())), bare=self._bare.pop(number, ()))
        followed = Followed(stream, number)
        if number in self._taken:
            followed.taken = self._taken.pop(number)
            followed.taken.begin(packet)
            heappush(self._behind, (followed.taken.next, packet.stream))
        return followed

    def _take(self, stream: int, followed: Followed, packets: Sequence[Packet]) -> None:
        """Takes a packet, or several that lie in the middle of a record."""
        try:
            fed = followed.stream
            inputs = fed.feed(packets[0]) if len(packets) == 1 else fed.feed_run(packets)
            if not inputs:
                return
            known = followed.is_tls
            if not self._follow(followed, inputs):
                self._drop(stream, followed)
            elif followed.is_tls:
                if not known:
                    self.began(stream, packets[-1].time)
                if isinstance(inputs[-1], Mark) and followed.stream.closed:
                    self.closed(stream)
        except CannotCountError:
            self._again(stream, followed)
        except Exception as error:
            self._drop(stream, followed)
            self._fault(stream, error)

    def _take_datagram(self, datagram: Datagram) -> None:
        stream = -1 - datagram.stream
        try:
            flow = self._streams[stream]
        except KeyError:
            flow = Flow(self._keylog, datagram.number) if datagram.sctp is None else Channel(self._keylog, datagram)
            self._streams[stream] = flow
        if not isinstance(flow, Flow):
            return
        try:
            if flow.feed(datagram):
                self.found += 1
                self.began(stream, datagram.time)
        except Exception as error:
            self._drop(stream, flow)
            self._fault(stream, error)
            return
        if flow.over:
            self._drop(stream, flow)

    @property
    def left(self) -> frozenset[int]:
        """The connections, by the number of their first packet, that were counted and never came."""
        return frozenset(self._carved) | frozenset(self._taken)

    @property
    def unclaimed(self) -> bool:
        """Whether records were counted of a connection that never came: the file has to be read as it is."""
        return bool(self.left)

    def end(self) -> None:
        """The capture's end: what still waits in the streams is told."""
        for datagram in self._sessions.rest():
            self._take_datagram(datagram)
        for stream, followed in self._streams.items():
            self._look()
            if followed is None or isinstance(followed, Flow):
                continue
            if not self._catch_up(stream, followed, inf):
                continue
            try:
                inputs = followed.stream.finish()
                if inputs and not self._follow(followed, inputs):
                    self._drop(stream, followed)
            except CannotCountError:
                self._again(stream, followed)
            except Exception as error:
                self._drop(stream, followed)
                self._fault(stream, error)

    def replace(self, others: Following) -> None:
        """Takes the streams that were to be read whole from another reading."""
        for followed in others._streams.values():
            if isinstance(followed, Followed) and followed.first in self.whole:
                self._streams[self.whole.pop(followed.first)] = followed
                self.found += followed.is_tls
        self.faults += others.faults

    def _again(self, stream: int, followed: Followed) -> None:
        """What was counted does not fit: the stream keeps its place, and has to be read whole."""
        self.whole[followed.first] = stream
        self._drop(stream, followed)

    @property
    def empty(self) -> bool:
        """Whether nothing that was taken is, or may become, TLS."""
        return all(followed is None for followed in self._streams.values())

    def snapshot(self) -> Connection | None:
        """The first TLS connection as far as it is known by now; following it goes on."""
        for stream, followed in self._streams.items():
            if followed is not None and followed.is_tls and followed.engine is not None:
                followed.engine.tcp_stream = stream if stream >= 0 else None
                return connection_of(followed)
        return None

    def finished(self, judge: Callable[[Connection], Connection]) -> Iterator[Connection]:
        """After the `end`: the connections, judged, numbered in the order of their first packets."""
        number = 0
        for stream, followed in sorted(self._streams.items(), key=_first):
            if followed is None:
                continue
            self._streams[stream] = None
            try:
                connection = self._finish(stream, followed, number)
                if connection is None:
                    continue
                connection = judge(connection)
            except Exception as error:
                self._fault(stream, error)
                continue
            number += 1
            yield connection

    # -- what others may want to know ------------------------------------------------------------------------

    def passing(self, packet: Packet | Datagram) -> None:
        """The capture has come to this packet."""

    def began(self, stream: int, time: float) -> None:
        """A connection was found."""

    def closed(self, stream: int) -> None:
        """Both sides have ended a connection."""

    # ----------------------------------------------------------------------------------------------------------

    def _follow(self, followed: Followed, inputs: list[Input]) -> bool:
        """Gives a stream's news to its engine; False if the stream can be forgotten."""
        engine = followed.engine
        if engine is None:
            stream = followed.stream
            engine = followed.engine = Undecided(stream.client, stream.server, self._keylog)
        for item in inputs:
            engine.receive(item)
            followed.last = item.time if followed.last is None else max(followed.last, item.time)
            if not followed.is_tls and isinstance(item, Chunk):
                decided = engine.is_tls
                size = followed.sizes[item.sender] = followed.sizes.get(item.sender, 0) + len(item.data)
                if decided:
                    followed.is_tls = True
                    self.found += 1
                    engine = followed.engine = engine.settled if isinstance(engine, Undecided) else engine
                elif decided is False or size > UNDECIDED_LIMIT:
                    return False
        return True

    def _drop(self, stream: int, followed: Followed | Flow) -> None:
        self._streams[stream] = None
        self.found -= followed.is_tls

    def _finish(self, stream: int, followed: Followed | Flow, number: int, segments: bool = True) -> Connection | None:
        engine = followed.engine
        if engine is None:
            return None
        engine.id, engine.tcp_stream = number, stream if stream >= 0 else None
        engine.finish(followed.last)
        return connection_of(followed, segments) if engine.is_tls else None

    def _fault(self, stream: int, error: Exception) -> None:
        if self._strict or isinstance(error, TlsvizError):
            raise error
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
        what = f"{type(error).__name__} at {where}: {shorten(str(error), 120)}"
        name = f"TCP stream {stream}" if stream >= 0 else f"UDP stream {-1 - stream}"
        name = "A stream of SCTP" if stream < -SCTP else name
        self.faults.append(f"{name} is left out, by a mistake in tlsviz ({what}). Please report it.")


def _first(item: tuple[int, Followed | Flow | None]) -> float:
    """The frame number of a stream's first packet; what 802.1X carries comes behind all else."""
    return item[1].first if item[1] is not None else 0


def connection_of(followed: Followed | Flow | None, segments: bool = True) -> Connection:
    """What is known by now; with what TCP did below it, if ``segments``."""
    assert followed is not None and followed.engine is not None
    known = followed.engine.connection()
    return changed(known, tcp=followed.stream.tcp) if segments and isinstance(followed, Followed) else known
