"""Follows one connection of plain HTTP/1 (RFC 9112): its heads become messages, its bodies are counted."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from tlsviz.connection.carried import PACKETS_KEPT
from tlsviz.connection.model import (
    ApplicationRun,
    Connection,
    Endpoint,
    Hole,
    Message,
    PlacedMark,
    Volume,
    changed,
)
from tlsviz.connection.plain.heads import Head, Kind, decode, read
from tlsviz.connection.plain.lane import Body, Cut, Lane
from tlsviz.connection.plain.words import redirects
from tlsviz.wire.buffers import Buffer
from tlsviz.wire.chunks import CLIENT, SERVER, CannotCountError, Chunk, Gap, Input, Mark, Sender, other
from tlsviz.wire.nodes import notes
from tlsviz.wire.text import plural, shorten

MOST_HEADS, MOST_BYTES = 2_000, 4 << 20
"""Heads of one connection that are kept, and the bytes of all of them."""
MOST_RUNS = 2_000
MOST_WAITING = 1_000
"""Requests whose answers are awaited."""
HTTP2 = "PRI"
"""The method of HTTP/2's preface (RFC 9113 3.4)."""


class HttpEngine:
    """A `Follower` of plain HTTP. ``is_http``: True once a start line has come, False when none can any more."""

    def __init__(self, client: Endpoint, server: Endpoint) -> None:
        self.id = 0
        self.client = client
        self.server = server
        self.tcp_stream: int | None = None
        self.tunnel = False
        """Whether another protocol may have begun: behind CONNECT, or 101 (Switching Protocols)."""
        self.sealed = False
        """Whether what was said cannot lead over to TLS, unless a tunnel is opened later."""
        self.place = 0
        """Where in its direction the head ends by which that was decided."""
        self.messages: list[Message] = []
        self.marks: list[PlacedMark] = []
        self._holes: list[Hole] = []
        self._runs: list[ApplicationRun] = []
        self._open: dict[Sender, int] = {}
        self._volumes = {CLIENT: Volume(0, 0), SERVER: Volume(0, 0)}
        self._dropped = 0
        self._bytes = 0
        self._order = 0
        self._start: float | None = None
        self._last = 0.0
        self._name: str | None = None
        self._waiting: deque[str] = deque()
        self._lanes = {
            CLIENT: Lane(CLIENT, True, self._head, self._body),
            SERVER: Lane(SERVER, False, self._head, self._body),
        }

    @property
    def is_http(self) -> bool | None:
        """Whether this is HTTP; None while nobody can tell."""
        lanes = self._lanes.values()
        if any(lane.found for lane in lanes):
            return True
        return False if all(lane.state == "other" for lane in lanes) else None

    def receive(self, item: Input) -> list[Message]:
        """Takes the next thing that happened; returns the heads that it completed."""
        before = len(self.messages)
        self._clock(item.time)
        if isinstance(item, Mark):
            self.marks.append(PlacedMark(self._next_order(), item))
        elif isinstance(item, Gap):
            self._lanes[item.sender].lose(item.length)
            self._holes.append(Hole(self._next_order(), item.time, item.sender, item.length, cut=bool(item.packets)))
        elif isinstance(item, Chunk):
            self._lanes[item.sender].feed(item.data, item.time, item.packets)
        else:
            raise CannotCountError
        return self.messages[before:]

    def taken(self, sender: Sender) -> int:
        """How many bytes of a side have come."""
        return self._lanes[sender].taken

    def finish(self, time: float | None = None) -> None:
        """Nothing more will come: a head that is cut is shown as such."""
        if time is not None:
            self._clock(time)
        for lane in self._lanes.values():
            lane.finish()

    def join_late(self, sender: Sender) -> None:
        """That side has spoken before, and not begun like HTTP."""
        self._lanes[sender].state = "other"

    def connection(self) -> Connection:
        """The model of what is known now."""
        start = self._start or 0.0
        messages = tuple(self.messages)
        if self._dropped and messages:
            more = f"{plural(self._dropped, 'head')} after it are not kept: too many"
            messages = (*messages[:-1], replace(messages[-1], note=more))
        made = Connection(
            id=self.id,
            tcp_stream=self.tcp_stream,
            client=self.client,
            server=self.server,
            start=start,
            duration=max(self._last - start, 0.0),
            server_name=self._name,
            plain="http",
            messages=messages,
            application=tuple(self._runs),
            client_data=self._volumes[CLIENT],
            server_data=self._volumes[SERVER],
            marks=tuple(self.marks),
            holes=tuple(self._holes),
        )
        return changed(made, redirects=tuple(redirects(made)))

    def said(self) -> Iterator[Chunk]:
        """The heads as the bytes that they came as: what may stand before TLS."""
        for message in self.messages:
            if message.buffer is not None:
                yield Chunk(message.sender, message.time, message.buffer.data, message.packets)

    # -- heads ---------------------------------------------------------------------------------------------

    def _head(self, lane: Lane, cut: Cut) -> Body:
        head = read(cut.data)
        self._lanes[other(lane.sender)].resume()
        self._enter(lane, cut)
        return self._request(lane, head) if lane.request else self._response(head)

    def _enter(self, lane: Lane, cut: Cut) -> None:
        self._open.pop(lane.sender, None)
        self._bytes += len(cut.data)
        if len(self.messages) >= MOST_HEADS or self._bytes > MOST_BYTES:
            self._dropped += 1
            return
        kind: Kind = "http_request" if lane.request else "http_response"
        tree = decode(cut.data, kind)
        fault = next(notes(tree), None)
        self.messages.append(
            Message(
                index=len(self.messages),
                order=self._next_order(),
                time=cut.time,
                sender=lane.sender,
                content_type="http",
                type=kind,
                length=len(cut.data),
                provenance="wire",
                encrypted=False,
                packets=cut.packets,
                sha256=hashlib.sha256(cut.data).hexdigest(),
                buffer=Buffer("wire", cut.data),
                tree=tree,
                note=cut.fault or (f"{fault.name}: {fault.note}" if fault is not None else None),
                whole=not cut.fault,
            )
        )

    def _request(self, lane: Lane, head: Head) -> Body:
        """RFC 9112 6.3: a request without a length has no body."""
        method = head.start.method
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(method)
        if self._name is None:
            self._name = host_of(head)
        upgrade = (head.field("upgrade") or "").lower()
        self._seal(lane, method != "CONNECT" and "tls" not in upgrade)
        if method == HTTP2:
            self._switch()
            return Body(open=True)
        if _chunked(head):
            return Body(None)
        return Body(_length(head) or 0)

    def _response(self, head: Head) -> Body:
        """RFC 9112 6.3: what follows depends on the request, the status and three fields."""
        status = head.start.status
        if 100 <= status < 200 and status != 101:
            return Body()
        asked = self._waiting.popleft() if self._waiting else ""
        if status == 101 or (asked == "CONNECT" and 200 <= status < 300):
            self.tunnel = True
            self._switch()
            return Body(open=True)
        if not asked and any(head.field(name) is not None for name in ("content-length", "transfer-encoding")):
            self._seal(self._lanes[SERVER], True)
        if asked == "HEAD" or status in (204, 304):
            return Body()
        if _chunked(head):
            return Body(None)
        length = _length(head)
        return Body(open=True) if length is None else Body(length)

    def _seal(self, lane: Lane, sealed: bool) -> None:
        if sealed and not self.sealed:
            self.place = lane.place
        self.sealed = sealed

    def _switch(self) -> None:
        """From here on something else is spoken."""
        for lane in self._lanes.values():
            lane.open()

    # -- bodies --------------------------------------------------------------------------------------------

    def _body(self, lane: Lane, size: int, time: float, packets: tuple[int, ...], first: bool) -> None:
        """Bytes of a body: one run a body, whatever the other side says meanwhile."""
        sender = lane.sender
        volume = self._volumes[sender]
        self._volumes[sender] = Volume(volume.records + first, volume.bytes + size)
        place = self._open.get(sender)
        if place is None:
            if len(self._runs) < MOST_RUNS:
                self._open[sender] = len(self._runs)
                self._runs.append(ApplicationRun(self._next_order(), time, time, sender, 1, size, packets))
            return
        run = self._runs[place]
        known = run.packets
        if len(known) < PACKETS_KEPT and packets and packets[-1] != (known[-1] if known else None):
            known = tuple(dict.fromkeys((*known, *packets)))
        self._runs[place] = run._replace(last_time=max(time, run.last_time), bytes=run.bytes + size, packets=known)

    # -- small things --------------------------------------------------------------------------------------

    def _next_order(self) -> int:
        self._order += 1
        return self._order

    def _clock(self, time: float) -> None:
        if self._start is None:
            self._start = time
        self._last = max(self._last, time)


def host_of(head: Head) -> str | None:
    """The name that a request is for: of its target where that is a whole URI, else of Host; without the port."""
    target = head.start.target
    if "://" in target[:10]:
        text = target.partition("://")[2].partition("/")[0].rpartition("@")[2]
    else:
        text = target if head.start.method == "CONNECT" else head.field("host") or ""
    text = text.strip()
    name = text.partition("]")[0].removeprefix("[") if text.startswith("[") else text.partition(":")[0]
    return shorten(name, 255).lower() or None


def _chunked(head: Head) -> bool:
    return any("chunked" in value.lower() for value in head.all("transfer-encoding"))


def _length(head: Head) -> int | None:
    """Content-Length; None without a number."""
    value = (head.field("content-length") or "").partition(",")[0].strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
