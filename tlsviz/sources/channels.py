"""Streams of SCTP: what each brings in, one engine for what it carries. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

from tlsviz.connection.plain.undecided import UNDECIDED_LIMIT
from tlsviz.sources.flows import Flow
from tlsviz.sources.roles import datagram_hello, hello, knownness
from tlsviz.sources.segments import ALL_STREAMS
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Gap, Input, Mark, MarkKind, Sender

if TYPE_CHECKING:
    from tlsviz.connection.datagrams import Follower
    from tlsviz.crypto.keylog import KeyLog
    from tlsviz.sources.segments import Datagram, Said


class Channel(Flow):
    """What one stream of an SCTP association carries, or, with DTLS, all of them (`sources.associations`).

    The client is who sends a ClientHello, or INIT; else who uses the port less known.
    """

    def __init__(self, keylog: KeyLog, datagram: Datagram) -> None:
        """``datagram``: the first. It may be the first of other streams too: ``first`` tells them apart."""
        channel = datagram.sctp.channel if datagram.sctp is not None else 0
        super().__init__(keylog, datagram.number + channel / (2 * ALL_STREAMS))
        self._early: list[tuple[int, Input]] = []
        self._sizes = [0, 0]
        self._side = 0

    def feed(self, datagram: Datagram) -> bool:
        """Takes what comes next; True if it is what shows that this is TLS or DTLS."""
        said = datagram.sctp
        assert said is not None
        self.last = datagram.time if self.last is None else max(self.last, datagram.time)
        news = list(_news(datagram, said))
        if self.engine is None:
            if said.kind != "message":
                self._early += ((said.side, item) for item in news)
                return False
            self.engine = self._begun(datagram, said)
            for side, item in self._early:
                self.engine.receive(item._replace(sender=self._name(side)))
            self._early.clear()
        for item in news:
            self.engine.receive(item._replace(sender=self._name(said.side)))
        known, decided = self.is_tls, self.engine.is_tls
        self.is_tls = bool(decided)
        self._sizes[said.side] += len(datagram.payload)
        self.over = not self.is_tls and (decided is False or self._sizes[said.side] > UNDECIDED_LIMIT)
        return self.is_tls and not known

    def _name(self, side: int) -> Sender:
        return CLIENT if side == self._side else SERVER

    def _begun(self, datagram: Datagram, said: Said) -> Follower:
        from tlsviz.connection import sctp

        in_dtls = said.channel == ALL_STREAMS
        looks = (datagram_hello if in_dtls else hello)(datagram.payload)
        if looks is not None:
            self._side = said.side if looks == CLIENT else 1 - said.side
        elif said.opener is not None:
            self._side = said.opener
        else:
            first = knownness(datagram.source.port) <= knownness(datagram.destination.port)
            self._side = said.side if first else 1 - said.side
        mine = self._name(said.side) == CLIENT
        client, server = (datagram.source, datagram.destination)[:: 1 if mine else -1]
        if in_dtls:
            return sctp.SctpDtlsEngine(client=client, server=server, keylog=self._keylog)
        return sctp.SctpEngine(client=client, server=server, keylog=self._keylog, stream=said.channel)


def _news(datagram: Datagram, said: Said) -> Iterator[Input]:
    """What an engine gets of it; who said it is to be put in."""
    if said.kind == "message":
        yield Chunk(CLIENT, datagram.time, datagram.payload, said.packets)
        if datagram.missing:
            yield Gap(CLIENT, datagram.time, datagram.missing, said.packets)
    elif said.kind != "gap":
        yield Mark(cast("MarkKind", said.kind), CLIENT, datagram.time, said.packets, said.detail)
    elif said.channel != ALL_STREAMS:  # DTLS numbers its records
        yield Gap(CLIENT, datagram.time, 0)
