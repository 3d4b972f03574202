"""Following for a list: each connection becomes an entry as soon as it is over, and its engine goes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import changed
from tlsviz.crypto.keylog import KeyLog
from tlsviz.errors import TlsvizError
from tlsviz.sources.entries import LONGEST, Entry, Inputs, entry, inputs_of, revived, secret
from tlsviz.sources.flows import Flow
from tlsviz.sources.following import Followed, Following, connection_of
from tlsviz.sources.opinions import Opinions
from tlsviz.sources.plan import Plan
from tlsviz.sources.segment_log import facts
from tlsviz.sources.segments import Datagram, Packet
from tlsviz.sources.spool import Spool
from tlsviz.wire.chunks import Bulk, Chunk, Input

PATIENCE = 10.0
"""Seconds of the capture's time after which a connection is told of as far as it is known, closed or not."""


@dataclass(slots=True)
class _Shelved:
    """What a stream's engine was given, None where that is too much to keep; and the entry made of it, once it is.

    ``logged``: how much was known of TCP's segments then. Of an entry whose engine is gone the inputs are in the spool.
    """

    inputs: list[Input] | None = field(default_factory=list)
    size: int = 0
    entry: Entry | None = None
    logged: int = 0


class Shelving(Following):
    """Give it every packet with `take`, then `end`; ``told`` gets the entries.

    An entry comes once both sides have closed the connection, once when it is known for `PATIENCE`, and again whenever
    something has happened on it since. ``opinions`` judges in the order of the entries.
    """

    def __init__(
        self,
        keylog: KeyLog,
        opinions: Opinions,
        spool: Spool,
        told: Callable[[Entry], None],
        strict: bool = False,
        plan: Plan | None = None,
    ) -> None:
        super().__init__(keylog, strict, plan)
        self._opinions = opinions
        self.spool = spool
        self._told = told
        self._shelved: dict[float, _Shelved] = {}
        self._due: deque[tuple[float, int]] = deque()

    @property
    def entries(self) -> dict[float, Entry]:
        """After the `end`: the entry of each connection, by the frame number of its first packet."""
        return {first: shelved.entry for first, shelved in self._shelved.items() if shelved.entry is not None}

    def replace(self, others: Following) -> None:
        """Takes the streams that were to be read whole from another reading."""
        assert isinstance(others, Shelving)
        made = others.entries
        for first, stream in self.whole.items():
            if first in made:
                self._shelved[first] = _Shelved(None, 0, made[first]._replace(stream=stream))
        super().replace(others)

    def end(self) -> None:
        """The capture's end: what still waits is told, and every entry that is not yet over."""
        super().end()
        for stream, followed in list(self._streams.items()):
            self._look()
            if isinstance(followed, Followed):
                shelved = self._shelved.get(followed.first)
                if shelved is not None and shelved.entry is not None and shelved.logged != followed.stream.logged:
                    self._revive(followed, shelved)
            self._enter(stream, over=True)

    def tell(self) -> None:
        """Tells of every connection that is not over, as far as it is known."""
        for stream in list(self._streams):
            self._enter(stream, over=False)

    def passing(self, packet: Packet | Datagram) -> None:
        while self._due and self._due[0][0] <= packet.time:
            _, stream = self._due.popleft()
            followed = self._streams[stream]
            if isinstance(followed, Followed):
                self._catch_up(stream, followed, packet.number)
            self._enter(stream, over=False)

    def began(self, stream: int, time: float) -> None:
        self._due.append((time + PATIENCE, stream))

    def closed(self, stream: int) -> None:
        self._enter(stream, over=True)

    def _enter(self, stream: int, over: bool) -> None:
        """Makes an entry of a connection, unless there is a newer one or nothing has happened since."""
        followed = self._streams.get(stream)
        # A refusal to start TLS may be known only when the server can say no more.
        declined = over and isinstance(followed, Followed) and followed.engine is not None
        if followed is None or not (followed.is_tls or declined):
            return
        first = followed.first
        shelved = self._shelved.setdefault(first, _Shelved())
        if shelved.entry is not None and (shelved.entry.over or not over):
            return
        try:
            made = self._entry(stream, followed, shelved, over)
        except Exception as error:
            if over:
                self._drop(stream, followed)
                self._fault(stream, error)
            elif self._strict or isinstance(error, TlsvizError):
                raise
            return  # the end looks once more, and says then what is wrong
        shelved.entry = made
        if made is None:
            return
        self._told(made)
        if isinstance(followed, Followed):
            shelved.logged = followed.stream.logged
            if over and not made.place.whole:
                followed.engine, shelved.inputs = None, []

    def _entry(self, stream: int, followed: Followed | Flow, shelved: _Shelved, over: bool) -> Entry | None:
        assert followed.engine is not None
        followed.engine.tcp_stream = stream if stream >= 0 else None
        found = self._finish(stream, followed, 0, False) if over else connection_of(followed, False)
        if found is None:
            return None
        inputs = None
        if isinstance(followed, Followed):
            log = followed.stream.log
            if isinstance(followed.engine, Engine) and shelved.inputs is not None:
                # What is kept tells no more than the capture does: what keys opened cannot be made anew from it.
                keys = bool(self._keylog), bool(len(self._keylog.rsa))
                inputs = Inputs(found.client, found.server, tuple(shelved.inputs), followed.last, log, keys)
            if self._opinions.findings or not found.complete or inputs is None or secret(found):
                found = changed(found, tcp=facts(log))  # else who opens the connection looks at it
        opinion = self._opinions.next(found, whole=inputs is None or secret(found))
        return entry(followed.first, stream, opinion, inputs, self.spool, over)

    def _drop(self, stream: int, followed: Followed | Flow) -> None:
        super()._drop(stream, followed)
        self._shelved.pop(followed.first, None)

    def _revive(self, followed: Followed, shelved: _Shelved) -> None:
        """There is news of a connection: its entry is an old one, and it needs an engine again."""
        if shelved.entry is not None and followed.engine is None:
            inputs = inputs_of(shelved.entry, self.spool)
            shelved.inputs = list(inputs.items)
            followed.engine = revived(inputs, self._keylog)
        shelved.entry = None

    def _follow(self, followed: Followed, inputs: list[Input]) -> bool:
        shelved = self._shelved.get(followed.first)
        if shelved is None:
            shelved = self._shelved[followed.first] = _Shelved()
        self._revive(followed, shelved)
        if shelved.inputs is not None:
            shelved.inputs += inputs
            for item in inputs:
                shelved.size += len(item.data) + 64 if isinstance(item, Chunk) else _size(item)
            if shelved.size > LONGEST:
                shelved.inputs = None
        return super()._follow(followed, inputs)


def _size(item: Input) -> int:
    return 64 + 8 * len(item.packets) if isinstance(item, Bulk) else 64
