"""What was said in plaintext before TLS started, and which protocol that was."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tlsviz.connection.model import Prelude
from tlsviz.connection.stream import PRELUDE_LIMIT, RecordStream
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Sender

_PROTOCOLS: tuple[tuple[str, Sender, bytes], ...] = (
    ("http-connect", CLIENT, rb"^CONNECT \S+ HTTP/1"),
    ("lmtp", CLIENT, rb"(^|\n)LHLO .*STARTTLS\r?\n"),
    ("smtp", CLIENT, rb"(^|\n)(EHLO|HELO) .*STARTTLS\r?\n"),
    ("imap", CLIENT, rb"(^|\n)\S+ STARTTLS\r?\n"),
    ("pop3", CLIENT, rb"(^|\n)STLS\r?\n"),
    ("ftp", CLIENT, rb"(^|\n)AUTH (TLS|SSL)\S*\r?\n"),
    ("xmpp", CLIENT, rb"<starttls\b"),
    ("ldap", CLIENT, rb"^\x30.{1,20}1\.3\.6\.1\.4\.1\.1466\.20037"),
    ("postgres", CLIENT, rb"^\x00\x00\x00\x08\x04\xd2\x16\x2f"),
    ("rdp", CLIENT, rb"^\x03\x00\x00.\x0e?\S*\xe0"),
    ("mssql", CLIENT, rb"^\x12\x01"),
    ("socks", CLIENT, rb"^(\x05[\x01-\x09]|\x04\x01)"),
    ("sieve", SERVER, rb'^"IMPLEMENTATION"'),
    ("nntp", SERVER, rb"^20[01] .*\n382 "),
    ("mysql", SERVER, rb"^.\x00\x00\x00\x0a\d+\.\d+"),
    ("irc", CLIENT, rb"(^|\n)STARTTLS\r?\n"),
)


def protocol(preludes: tuple[Prelude, ...]) -> str | None:
    """The protocol spoken before TLS, by the contract's name; "unknown" if it is none of the known ones."""
    if not preludes:
        return None
    said = {
        sender: b"".join(part.data for part in preludes if part.sender == sender)[:PRELUDE_LIMIT]
        for sender in (CLIENT, SERVER)
    }
    for name, sender, pattern in _PROTOCOLS:
        if re.search(pattern, said[sender], re.IGNORECASE | re.DOTALL):
            return name
    return "unknown"


@dataclass(slots=True, eq=False, repr=False)
class _Part:
    """What one side said until the other answered."""

    order: int
    time: float
    sender: Sender
    data: bytearray = field(default_factory=bytearray)
    packets: dict[int, None] = field(default_factory=dict)


@dataclass(slots=True, eq=False, repr=False)
class Preludes:
    """Collects the plaintext of both sides in the order it was said."""

    _parts: list[_Part] = field(default_factory=list)
    _sizes: dict[Sender, int] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[Prelude, ...]:
        """What was said, part by part."""
        return tuple(
            Prelude(part.order, part.time, part.sender, bytes(part.data), tuple(part.packets)) for part in self._parts
        )

    def add(self, chunk: Chunk, stream: RecordStream, next_order: Callable[[], int]) -> None:
        """Takes what of ``chunk``, already fed to ``stream``, is (still) prelude; takes back what was not."""
        self._append(chunk, next_order)
        if stream.sync in ("tls", "lost"):
            self._trim(chunk.sender, len(stream.prelude))

    def _append(self, chunk: Chunk, next_order: Callable[[], int]) -> None:
        size = self._sizes.get(chunk.sender, 0)
        data = chunk.data[: max(PRELUDE_LIMIT - size, 0)]
        if not data:
            return
        self._sizes[chunk.sender] = size + len(data)
        if not self._parts or self._parts[-1].sender != chunk.sender:
            self._parts.append(_Part(next_order(), chunk.time, chunk.sender))
        self._parts[-1].data += data
        self._parts[-1].packets.update(dict.fromkeys(chunk.packets))

    def _trim(self, sender: Sender, size: int) -> None:
        excess = self._sizes.get(sender, 0) - size
        for part in reversed(self._parts):
            if excess <= 0:
                break
            if part.sender == sender:
                cut = min(excess, len(part.data))
                del part.data[len(part.data) - cut :]
                excess -= cut
        self._parts = [part for part in self._parts if part.data]
        self._sizes[sender] = size
