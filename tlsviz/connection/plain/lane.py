"""One direction of plain HTTP/1, cut into heads and bodies (RFC 9112 6). Bodies are counted, never kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tlsviz.connection.carried import Carried
from tlsviz.connection.plain.heads import LONGEST_HEAD, LONGEST_START_LINE, begins
from tlsviz.wire.chunks import Sender
from tlsviz.wire.text import plural

State = Literal["start", "head", "length", "chunk_size", "chunk", "chunk_end", "trailer", "open", "lost", "other"]
"""start: nothing recognised yet. length, chunk: so many bytes of a body are left. open: a body until the connection
ends, or another protocol. lost: out of step, until a start line comes. other: it does not begin like HTTP."""

LONGEST_LINE = 4096
"""Bytes of a chunk's size or of a trailer line."""
MOST_LENGTH = 1 << 62
_HEAD_END = re.compile(rb"\n\r?\n")
_AGAIN = {
    True: re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE) [^ \r\n]+ HTTP/1\.[01]\r?\n"),
    False: re.compile(rb"HTTP/1\.[01] [1-5]\d\d(?: [^\r\n]*)?\r?\n"),
}


class Cut(NamedTuple):
    """A head's bytes, the time of the last of them and the packets that carried them; ``fault``: what it lacks."""

    data: bytes
    time: float
    packets: tuple[int, ...]
    fault: str = ""


class Body(NamedTuple):
    """How long the body behind a head is: ``length`` bytes; None: in chunks, or until the end (``open``)."""

    length: int | None = 0
    open: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Lane:
    """Feed it the bytes and holes of one direction. ``request``: what its sender sends.

    ``on_head`` gets each head and says what body follows; ``on_body`` gets (bytes, time, packets, whether they begin
    a body). Content decides, never the chunking.
    """

    sender: Sender
    request: bool
    on_head: Callable[[Lane, Cut], Body]
    on_body: Callable[[Lane, int, float, tuple[int, ...], bool], None]
    state: State = "start"
    found: bool = False
    """Whether a start line has come."""
    expected: bool = False
    """Whether the other side speaks HTTP, so that this one does or will."""
    taken: int = 0
    """Bytes of this direction so far."""
    _buffer: Carried = field(default_factory=Carried)
    _searched: int = 0
    _left: int = 0
    _begun: bool = False

    def feed(self, data: bytes, time: float, packets: tuple[int, ...]) -> None:
        """Takes the next bytes."""
        self.taken += len(data)
        if self.state == "other" or not data:
            return
        if self.state == "open" or (self.state in ("length", "chunk") and self._left > len(data)):
            self._left -= len(data)
            self._count(len(data), time, packets)
            return
        self._buffer.add(data, time, packets)
        while self._buffer and self._step():
            pass

    def lose(self, length: int) -> None:
        """So many bytes are missing here."""
        if self.state in ("length", "chunk") and length <= self._left:
            self._left -= length
            if not self._left:
                self._ended()
        elif self.state not in ("open", "other"):
            if self.state == "head" and self._buffer:
                self._cut(len(self._buffer), f"{plural(length, 'byte')} that follow are missing")
            self._buffer.drop(len(self._buffer))
            self._to("lost")

    def finish(self) -> None:
        """The end: a head that is not whole is one all the same."""
        if self.state == "head" and self._buffer.strip(b"\r\n"):
            self._cut(len(self._buffer), "the bytes end in the middle of it")
        self._buffer.drop(len(self._buffer))

    @property
    def place(self) -> int:
        """Where in this direction the first byte is that has not been told yet."""
        return self.taken - len(self._buffer)

    def resume(self) -> None:
        """The other side speaks HTTP: this one may begin to, later."""
        self.expected = True
        if self.state == "other":
            self._to("lost")

    def open(self) -> None:
        """From here on another protocol is spoken."""
        size = len(self._buffer)
        self._to("open")
        if size:
            time, packets = self._buffer.came(size)
            self._buffer.drop(size)
            self._count(size, time, packets)

    # -- one step; False where more bytes are needed -------------------------------------------------------

    def _step(self) -> bool:
        if self.state == "open":
            return self._take(len(self._buffer))
        if self.state in ("length", "chunk"):
            return self._take(min(self._left, len(self._buffer)))
        if self.state in ("start", "head"):
            return self._head()
        if self.state == "lost":
            return self._search()
        return self.state != "other" and self._line()

    def _take(self, size: int) -> bool:
        time, packets = self._buffer.came(size)
        self._buffer.drop(size)
        self._count(size, time, packets)
        if self.state == "open":
            return False
        self._left -= size
        if not self._left:
            self._ended()
        return True

    def _ended(self) -> None:
        """A body, or a chunk of it, is over."""
        self._to("chunk_end" if self.state == "chunk" else "head")

    def _head(self) -> bool:
        if not self._searched:
            if self.found:  # behind a message there may be an empty line (RFC 9112 2.2)
                self._buffer.drop(len(self._buffer) - len(self._buffer.lstrip(b"\r\n")))
                if not self._buffer:
                    return False
            looks = begins(self._buffer, self.request)
            if looks is None:
                return False
            if not looks:
                self._to("lost" if self.found or self.expected else "other")
                if self.state == "other":
                    self._buffer.drop(len(self._buffer))
                return self.state == "lost"
            self.state, self.found = "head", True
        end = _HEAD_END.search(self._buffer, max(self._searched - 3, 0))
        if end is not None and end.end() <= LONGEST_HEAD:
            self._cut(end.end(), "")
            return True
        self._searched = len(self._buffer)
        if len(self._buffer) < LONGEST_HEAD:
            return False
        self._cut(LONGEST_HEAD, f"it is longer than {LONGEST_HEAD:,} bytes")
        self._to("lost")
        return True

    def _cut(self, size: int, fault: str) -> None:
        time, packets = self._buffer.came(size)
        data = bytes(self._buffer[:size])
        self._buffer.drop(size)
        self._begun = False
        before = self.state = "head"
        body = self.on_head(self, Cut(data, time, packets, fault))
        self._searched = 0
        if self.state != before or fault:
            return
        if body.open:
            self.state = "open"
        elif body.length is None:
            self.state = "chunk_size"
        elif body.length:
            self._left = min(body.length, MOST_LENGTH)
            self.state = "length"

    def _line(self) -> bool:
        """Between chunks: the size of the next, the line break behind one, the trailer."""
        end = self._buffer.find(b"\n", self._searched) + 1
        if not end:
            self._searched = len(self._buffer)
            if len(self._buffer) > LONGEST_LINE:
                self._to("lost")
                return True
            return False
        line = bytes(self._buffer[:end]).strip()
        self._buffer.drop(end)
        self._searched = 0
        if self.state == "chunk_end":
            self._to("lost" if line else "chunk_size")
        elif self.state == "trailer":
            if not line:
                self._to("head")
        else:
            size = line.partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,15}", size):
                self._to("lost")
            else:
                self._left = int(size, 16)
                self._to("chunk" if self._left else "trailer")
        return True

    def _search(self) -> bool:
        """Out of step: looks for a start line, line by line."""
        end = self._buffer.find(b"\n", self._searched) + 1
        if not end:
            self._searched = len(self._buffer)
            if self._searched > LONGEST_START_LINE:
                self._buffer.drop(LONGEST_START_LINE // 2)
                self._searched = len(self._buffer)
            return False
        found = _AGAIN[self.request].search(self._buffer, 0, end)
        if found is None:
            self._buffer.drop(end)
            self._searched = 0
            return True
        self._buffer.drop(found.start())
        self.found = True
        self._to("head")
        return True

    # -- small things --------------------------------------------------------------------------------------

    def _to(self, state: State) -> None:
        self.state, self._searched = state, 0

    def _count(self, size: int, time: float, packets: tuple[int, ...]) -> None:
        first, self._begun = not self._begun, True
        self.on_body(self, size, time, packets, first)
