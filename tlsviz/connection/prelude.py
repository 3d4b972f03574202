"""What was said in plaintext before TLS started, and which protocol that was."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address

from tlsviz.connection.model import Endpoint, Prelude
from tlsviz.connection.stream import PRELUDE_LIMIT, RecordStream
from tlsviz.wire.chunks import CLIENT, SERVER, Chunk, Sender
from tlsviz.wire.text import shorten

_PROTOCOLS: tuple[tuple[str, Sender, bytes], ...] = (
    ("http-connect", CLIENT, rb"^CONNECT \S+ HTTP/1"),
    ("lmtp", CLIENT, rb"(^|\n)LHLO .*STARTTLS\r?\n"),
    ("smtp", CLIENT, rb"(^|\n)(EHLO|HELO) .*STARTTLS\r?\n"),
    ("imap", CLIENT, rb"(^|\n)\S+ STARTTLS\r?\n"),
    ("pop3", CLIENT, rb"(^|\n)STLS\r?\n"),
    ("ftp", CLIENT, rb"(^|\n)AUTH (TLS|SSL)\S*\r?\n"),
    ("xmpp-server", CLIENT, rb"xmlns=['\"]jabber:server['\"].*<starttls\b"),
    ("xmpp", CLIENT, rb"<starttls\b"),
    ("ldap", CLIENT, rb"^\x30.{1,20}1\.3\.6\.1\.4\.1\.1466\.20037"),
    ("postgres", CLIENT, rb"^\x00\x00\x00\x08\x04\xd2\x16\x2f"),
    ("rdp", CLIENT, rb"^\x03\x00\x00.\x0e?\S*\xe0"),
    ("mssql", CLIENT, rb"^\x12\x01"),
    ("socks", CLIENT, rb"^(\x05[\x01-\x09]|\x04\x01)"),
    ("sieve", SERVER, rb'^"IMPLEMENTATION"'),
    ("nntp", SERVER, rb"^20[01] .*\n382 "),
    ("mysql", SERVER, rb"^.\x00\x00\x00\x0a\d+\.\d+"),
    ("telnet", CLIENT, rb"\xff\xfa\x2e\x01\xff\xf0"),
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
    name = _named(said)
    if name in _TUNNELS:
        # What was said through the tunnel is nearer to TLS.
        through = {sender: data[_TUNNELS[name](data, sender) :] for sender, data in said.items()}
        inner = _named(through)
        return name if inner == "unknown" else inner
    return name


def _named(said: dict[Sender, bytes]) -> str:
    for name, sender, pattern in _PROTOCOLS:
        if re.search(pattern, said[sender], re.IGNORECASE | re.DOTALL):
            return name
    return "unknown"


def _header_end(data: bytes, sender: Sender) -> int:
    """Where CONNECT, or the answer to it, ends."""
    end = data.find(b"\r\n\r\n")
    return end + 4 if end >= 0 else len(data)


def destination(preludes: tuple[Prelude, ...]) -> Endpoint | None:
    """Where a proxy was asked to lead to, safe to print: by CONNECT, SOCKS 5 or SOCKS 4; None where none was asked."""
    if not preludes:
        return None
    data = b"".join(part.data for part in preludes if part.sender == CLIENT)[:PRELUDE_LIMIT]
    if (asked := _CONNECT.match(data)) is not None:
        host, port = asked[1] or asked[2], int(asked[3])
        return Endpoint(_host(host), port) if port < 0x10000 else None
    if data.startswith(b"\x04\x01") and len(data) > 8:
        rest = data[8:].partition(b"\0")[2]
        named = data[4:7] == bytes(3) and rest.endswith(b"\0")  # SOCKS 4A: an address that cannot be one
        return Endpoint(_host(rest[:-1]) if named else str(IPv4Address(data[4:8])), int.from_bytes(data[2:4], "big"))
    at, end = _socks_address(data, CLIENT), _socks_end(data, CLIENT)
    if not data.startswith(b"\x05") or data[at : at + 3] != b"\x05\x01\0" or end > len(data):
        return None
    kind, address = data[at + 3], data[at + 4 : end - 2]
    host = str(ip_address(address)) if kind != _SOCKS_NAME else _host(address[1:])
    return Endpoint(host, int.from_bytes(data[end - 2 : end], "big"))


_CONNECT = re.compile(rb"CONNECT (?:\[([0-9A-Fa-f:.]+)\]|([^\s:]+)):(\d{1,5}) HTTP/1")
_SOCKS_NAME = 3


def _host(name: bytes) -> str:
    return shorten(name.decode("ascii", "backslashreplace"), 255)


def _socks_address(data: bytes, sender: Sender) -> int:
    """Where one side's part of SOCKS 5 comes to the address (RFC 1928 4 and 6): behind greeting and log-in."""
    at = (2 + data[1] if sender == CLIENT else 2) if len(data) > 2 else len(data)
    if data[at : at + 1] == b"\x01":  # RFC 1929
        at += 2
        if sender == CLIENT:
            at += sum(data[at - 1 : at])
            at += 1 + sum(data[at : at + 1])
    return at


def _socks_end(data: bytes, sender: Sender) -> int:
    """Where one side's part of SOCKS 5 ends."""
    at = _socks_address(data, sender)
    kind = data[at + 3 : at + 4]
    size = {b"\x01": 4, b"\x04": 16, b"\x03": 1 + sum(data[at + 4 : at + 5])}.get(kind, len(data))
    return at + 4 + size + 2


MOST_TURNS = 64
"""Parts of a dialogue after which nobody looks for a refusal any more."""

_TUNNELS: dict[str, Callable[[bytes, Sender], int]] = {"http-connect": _header_end, "socks": _socks_end}
"""What one side says to open a tunnel, or to answer: behind it another protocol may be spoken before TLS."""


class _Part:
    """What one side said until the other answered."""

    __slots__ = ("data", "order", "packets", "sender", "time")

    def __init__(self, order: int, time: float, sender: Sender) -> None:
        self.order = order
        self.time = time
        self.sender = sender
        self.data = bytearray()
        self.packets: dict[int, None] = {}


class Preludes:
    """Collects the plaintext of both sides in the order it was said.

    ``declined``: the server was asked for TLS, and said no.
    """

    __slots__ = ("_parts", "_sizes", "declined")

    def __init__(self) -> None:
        self.declined = False
        self._parts: list[_Part] = []
        self._sizes: dict[Sender, int] = {}

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
            self.answered()
            self._parts.append(_Part(next_order(), chunk.time, chunk.sender))
        self._parts[-1].data += data
        self._parts[-1].packets.update(dict.fromkeys(chunk.packets))

    def answered(self) -> None:
        """The last to speak has said all: was it a no to TLS? Dialogues that lead to TLS have few turns."""
        if self.declined or not 1 < len(self._parts) <= MOST_TURNS or self._parts[-1].sender != SERVER:
            return
        from tlsviz.connection.declined import refused

        ask, answer = self._parts[-2:]
        self.declined = refused(bytes(ask.data), bytes(answer.data)) is not None

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
