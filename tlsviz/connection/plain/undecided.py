"""A TCP connection of which nobody knows yet what it speaks: TLS, behind any plaintext, or plain HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsviz.connection.engine import Engine
from tlsviz.connection.model import Connection, Endpoint, Message
from tlsviz.wire.chunks import Chunk, Gap, Input, Sender

if TYPE_CHECKING:
    from tlsviz.connection.plain.engine import HttpEngine
    from tlsviz.crypto.keylog import KeyLog

UNDECIDED_LIMIT = 64 << 10
"""Bytes of one side after which a connection that does not look like TLS is not taken for it any more."""


class Undecided:
    """Gives what happens to both engines, as long as either may be the right one.

    TLS wins where it is found, but not inside of HTTP's heads and bodies: it may stand behind what opens a tunnel
    (CONNECT, or 101 Switching Protocols), where the heads before it become its prelude. `settled` is the engine to go
    on with.
    """

    def __init__(self, client: Endpoint, server: Endpoint, keylog: KeyLog) -> None:
        self.id = 0
        self.client = client
        self.server = server
        self.tcp_stream: int | None = None
        self._keylog = keylog
        self._tls: Engine | None = Engine(client=client, server=server, keylog=keylog)
        self._http: HttpEngine | None = None
        self._sizes: dict[Sender, int] = {}
        self._tunnel = False

    @property
    def settled(self) -> Engine | Undecided:
        """The engine of TLS itself where there is no doubt left, else this."""
        return self._tls if self._tls is not None and self._http is None and self._tls.is_tls else self

    @property
    def is_tls(self) -> bool | None:
        """True once it speaks TLS or plain HTTP, False when it can do neither any more."""
        if self._http is not None and self._http.is_http:
            return True
        tls = self._tls.is_tls if self._tls is not None else False
        return None if tls is False and self._http is not None and self._http.is_http is None else tls

    def receive(self, item: Input) -> list[Message]:
        """Takes the next thing that happened; returns the messages that it completed."""
        http = self._http
        if http is None and isinstance(item, Chunk) and self._tls is not None and not self._tls.is_tls:
            http = self._begun(item)
        told: list[Message] = []
        if http is not None:
            before = http.taken(item.sender) if isinstance(item, Chunk) else 0
            told = http.receive(item)
            if self._tls is not None and isinstance(item, Chunk) and http.sealed and not http.tunnel:
                # TLS that stands before the head which rules it out was there first
                self._tls.receive(item._replace(data=item.data[: http.place - before]))
                if self._tls.is_tls:
                    self._http = None
                    return self._tls.receive(item._replace(data=item.data[http.place - before :]))
            if self._look(http):
                return told
        if self._tls is not None:
            said = self._tls.receive(item)
            if self._tls.is_tls:
                self._http = None
                return said
            if isinstance(item, Chunk):
                self._measure(item)
        return told

    def finish(self, time: float | None = None) -> None:
        """Nothing more will come."""
        for engine in (self._tls, self._http):
            if engine is not None:
                engine.finish(time)

    def connection(self) -> Connection:
        """The model of what is known now."""
        chosen = self._http if self._http is not None and self._http.is_http else self._tls or self._http
        assert chosen is not None
        chosen.id, chosen.tcp_stream = self.id, self.tcp_stream
        return chosen.connection()

    # -- which of the two ----------------------------------------------------------------------------------

    def _begun(self, item: Chunk) -> HttpEngine | None:
        """HTTP's engine, with the marks so far, where the first bytes of a side may be a start line."""
        if item.sender in self._sizes or not b"A" <= item.data[:1] <= b"Z" or self._tls is None:
            return None
        from tlsviz.connection.plain.engine import HttpEngine

        self._http = HttpEngine(self.client, self.server)
        before: list[tuple[int, Input]] = [(placed.order, placed.mark) for placed in self._tls.marks]
        before += [
            (hole.order, Gap(hole.sender, hole.time, hole.length)) for hole in self._tls.holes if hole.stray is None
        ]
        for _, each in sorted(before, key=lambda pair: pair[0]):
            self._http.receive(each)
        for sender in self._sizes:
            self._http.join_late(sender)
        return self._http

    def _look(self, http: HttpEngine) -> bool:
        """After HTTP has taken something: whether TLS is still possible; True if it has become so just now."""
        if http.is_http is False:
            self._http = None
        elif http.sealed and not http.tunnel:
            self._tls = None
        elif http.tunnel and not self._tunnel:
            self._tunnel = True
            if self._tls is None:
                self._again(http)
                return True
        return False

    def _again(self, http: HttpEngine) -> None:
        """TLS may follow now: its engine hears what was said before."""
        self._tls = Engine(client=self.client, server=self.server, keylog=self._keylog)
        self._sizes = {}
        for placed in http.marks:
            self._tls.receive(placed.mark)
        for chunk in http.said():
            self._tls.receive(chunk)

    def _measure(self, item: Chunk) -> None:
        size = self._sizes[item.sender] = self._sizes.get(item.sender, 0) + len(item.data)
        if self._http is not None and (size > UNDECIDED_LIMIT or (self._tls is not None and self._tls.is_tls is False)):
            self._tls = None
