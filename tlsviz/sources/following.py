"""The TCP streams and UDP flows of a capture, each followed by an engine of its own until it is known not to be TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import TlsvizError
from tlsviz.sources.flows import Flow
from tlsviz.sources.reassembly import CarvedSides, Stream
from tlsviz.sources.segments import Datagram, Packet
from tlsviz.wire.chunks import CannotCountError, Chunk, Input, Sender
from tlsviz.wire.text import shorten

UNDECIDED_LIMIT = 64 << 10
"""Bytes of one side after which a connection that does not look like TLS is no longer followed."""


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
    """

    def __init__(self, keylog: KeyLog, strict: bool = False, carved: Mapping[int, CarvedSides] | None = None) -> None:
        self.found = 0
        self.whole: dict[int, int] = {}
        self._carved = dict(carved or {})
        self.faults: list[str] = []
        self._keylog = keylog
        self._strict = strict
        self._streams: dict[int, _Followed | Flow | None] = {}
        """By tshark's numbers, in the order of first packets; UDP's are stored as -1, -2, ..."""

    def take(self, packet: Packet | Datagram) -> None:
        """Takes the next packet of the capture."""
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
            if inputs and not self._follow(followed, inputs):
                self._drop(packet.stream, followed)
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
            self.found += flow.feed(datagram)
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

    def finished(self, judge: Callable[[Connection], Connection]) -> Iterator[Connection]:
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
                connection = judge(connection)
            except Exception as error:
                self._fault(stream, error)
                continue
            number += 1
            yield connection

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
