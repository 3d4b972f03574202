"""The TCP streams and UDP flows of a capture, each followed by an engine of its own until it is known not to be TLS."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import TlsvizError
from tlsviz.sources.flows import Flow
from tlsviz.sources.opinions import Opinion
from tlsviz.sources.reassembly import CarvedSides, Stream
from tlsviz.sources.segments import Datagram, Packet
from tlsviz.wire.chunks import CannotCountError, Chunk, Input, Mark, Sender
from tlsviz.wire.text import shorten

UNDECIDED_LIMIT = 64 << 10
"""Bytes of one side after which a connection that does not look like TLS is no longer followed."""

PATIENCE = 10.0
"""Seconds of the capture's time after which a connection is given as far as it is known, closed or not."""

Judge = Callable[[Connection, Opinion | None], Connection]
"""Judges a connection. The opinion is the one of before the end, if the connection is still as it was then."""


@dataclass(slots=True)
class _Given:
    """What was given of a connection before the capture's end: its number, as it was ``seen``, and its judgement."""

    number: int
    seen: Connection | None = None
    opinion: Opinion | None = None
    closed: bool = False


@dataclass(slots=True)
class _Followed:
    """One TCP stream on its way to a connection."""

    stream: Stream
    first: int
    engine: Engine | None = None
    is_tls: bool = False
    last: float | None = None
    sizes: dict[Sender, int] = field(default_factory=dict)


class Following:
    """Give it every packet with `take`, then ask for what is `finished`.

    ``found``: how many TLS connections there are so far. ``carved``: by the number of a stream's first packet, what was
    counted of it (`sources.carve`); ``whole``: the streams, by that number, where this does not fit. ``strict``: a bug
    met on one stream raises; without, the stream is left out and ``faults`` says so, because one broken stream must not
    cost the others.

    ``early`` judges a connection, and gives it to whoever waits for it, as soon as both sides have closed it or it is
    known for `PATIENCE`. Its id is then its place in the order in which they were found; the final one may differ.
    """

    def __init__(
        self,
        keylog: KeyLog,
        strict: bool = False,
        carved: Mapping[int, CarvedSides] | None = None,
        early: Callable[[Connection], Opinion] | None = None,
    ) -> None:
        self.found = 0
        self.whole: dict[int, int] = {}
        self._carved = dict(carved or {})
        self.faults: list[str] = []
        self._keylog = keylog
        self._strict = strict
        self._streams: dict[int, _Followed | Flow | None] = {}
        """By tshark's numbers, in the order of first packets; UDP's are stored as -1, -2, ..."""
        self._early = early
        self._given: dict[int, _Given] = {}
        self._due: deque[tuple[float, int]] = deque()

    def take(self, packet: Packet | Datagram) -> None:
        """Takes the next packet of the capture."""
        while self._due and self._due[0][0] <= packet.time:
            self._give(self._due.popleft()[1], closed=False)
        if isinstance(packet, Datagram):
            self._take_datagram(packet)
            return
        try:
            followed = self._streams[packet.stream]
        except KeyError:
            carved = self._carved.pop(packet.number, ((), ()))
            followed = self._streams[packet.stream] = _Followed(Stream(carved=carved), packet.number)
        if followed is None or isinstance(followed, Flow):
            return
        try:
            inputs = followed.stream.feed(packet)
            if not inputs:
                return
            known = followed.is_tls
            if not self._follow(followed, inputs):
                self._drop(packet.stream, followed)
            elif followed.is_tls:
                if not known:
                    self._expect(packet.stream, packet.time)
                if isinstance(inputs[-1], Mark) and followed.stream.closed:
                    self._give(packet.stream, closed=True)
        except CannotCountError:
            self._again(packet.stream, followed)
        except Exception as error:
            self._drop(packet.stream, followed)
            self._fault(packet.stream, error)

    def _take_datagram(self, datagram: Datagram) -> None:
        stream = -1 - datagram.stream
        try:
            flow = self._streams[stream]
        except KeyError:
            flow = self._streams[stream] = Flow(self._keylog)
        if not isinstance(flow, Flow):
            return
        try:
            if flow.feed(datagram):
                self.found += 1
                self._expect(stream, datagram.time)
        except Exception as error:
            self._drop(stream, flow)
            self._fault(stream, error)

    @property
    def unclaimed(self) -> bool:
        """Whether records were counted of a connection that never came: the file has to be read as it is."""
        return bool(self._carved)

    def end(self) -> None:
        """The capture's end: what still waits in the streams is told."""
        for stream, followed in self._streams.items():
            if followed is None or isinstance(followed, Flow):
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
            if isinstance(followed, _Followed) and followed.first in self.whole:
                self._streams[self.whole.pop(followed.first)] = followed
                self.found += followed.is_tls
        self.faults += others.faults

    def _again(self, stream: int, followed: _Followed) -> None:
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
                return followed.engine.connection()
        return None

    def finished(self, judge: Judge) -> Iterator[Connection]:
        """After the `end`: the connections, judged, numbered in the order of their first packets."""
        number = 0
        for stream, followed in self._streams.items():
            if followed is None:
                continue
            self._streams[stream] = None
            try:
                connection = self._finish(stream, followed, number)
                if connection is None:
                    continue
                connection = judge(connection, self._before(stream, connection))
            except Exception as error:
                self._fault(stream, error)
                continue
            number += 1
            yield connection

    # -- before the end ------------------------------------------------------------------------------------

    def _expect(self, stream: int, time: float) -> None:
        """A connection was found: it has a number until the end, and is given before long."""
        if self._early is not None:
            self._given[stream] = _Given(len(self._given))
            self._due.append((time + PATIENCE, stream))

    def _give(self, stream: int, closed: bool) -> None:
        """Gives a connection as it is known now: once before it is closed, at most, and once then."""
        followed, given = self._streams.get(stream), self._given.get(stream)
        engine = followed.engine if followed is not None else None
        if self._early is None or engine is None or given is None or given.closed or (given.seen and not closed):
            return
        given.closed = closed
        try:
            engine.id, engine.tcp_stream = given.number, stream if stream >= 0 else None
            seen = engine.connection()
            given.opinion = self._early(seen)
            given.seen = seen
        except Exception:
            # The end reads it once more, and says then what is wrong.
            if self._strict:
                raise

    def _before(self, stream: int, connection: Connection) -> Opinion | None:
        """The judgement of before, if nothing has happened on the connection since."""
        given = self._given.pop(stream, None)
        if given is None or given.seen is None or replace(given.seen, id=connection.id) != connection:
            return None
        return given.opinion

    def _follow(self, followed: _Followed, inputs: list[Input]) -> bool:
        """Gives a stream's news to its engine; False if the stream can be forgotten."""
        engine = followed.engine
        if engine is None:
            stream = followed.stream
            engine = followed.engine = Engine(client=stream.client, server=stream.server, keylog=self._keylog)
        for item in inputs:
            engine.receive(item)
            followed.last = item.time if followed.last is None else max(followed.last, item.time)
            if not followed.is_tls and isinstance(item, Chunk):
                decided = engine.is_tls
                size = followed.sizes[item.sender] = followed.sizes.get(item.sender, 0) + len(item.data)
                if decided:
                    followed.is_tls = True
                    self.found += 1
                elif decided is False or size > UNDECIDED_LIMIT:
                    return False
        return True

    def _drop(self, stream: int, followed: _Followed | Flow) -> None:
        self._streams[stream] = None
        self.found -= followed.is_tls

    def _finish(self, stream: int, followed: _Followed | Flow, number: int) -> Connection | None:
        engine = followed.engine
        if engine is None:
            return None
        engine.id, engine.tcp_stream = number, stream if stream >= 0 else None
        engine.finish(followed.last)
        return engine.connection() if engine.is_tls else None

    def _fault(self, stream: int, error: Exception) -> None:
        if self._strict or isinstance(error, TlsvizError):
            raise error
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
        what = f"{type(error).__name__} at {where}: {shorten(str(error), 120)}"
        name = f"TCP stream {stream}" if stream >= 0 else f"UDP stream {-1 - stream}"
        self.faults.append(f"{name} is left out, by a mistake in tlsviz ({what}). Please report it.")
