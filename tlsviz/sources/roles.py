"""Who is the client and who the server, where no SYN says it."""

from __future__ import annotations

import re

from tlsviz.wire.chunks import CLIENT, SERVER, Sender

_KNOWN = frozenset({443, 8443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 5061, 6697, 5223, 5671, 8883})

_REQUEST = re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|CONNECT|TRACE) [!-~]")


def hello(data: bytes) -> Sender | None:
    """Who sends such bytes: the client a ClientHello (SSL 2's too) or a request in HTTP, the server a ServerHello or
    an answer in HTTP; else None.
    """
    if b"A" <= data[:1] <= b"Z":
        return SERVER if data.startswith(b"HTTP/1.") else CLIENT if _REQUEST.match(data) else None
    if len(data) >= 6 and data[0] == 22 and data[1] == 3:
        return {1: CLIENT, 2: SERVER}.get(data[5])
    if (
        len(data) >= 5
        and data[0] & 0x80
        and data[2] == 1
        and data[3:5] in (b"\0\2", b"\3\0", b"\3\1", b"\3\2", b"\3\3")
    ):
        return CLIENT
    return None


_CLIENT_SAYS, _SERVER_SAYS = frozenset((1, 16)), frozenset((2, 3, 12, 13, 14))


def datagram_hello(data: bytes) -> Sender | None:
    """Who sends such a DTLS datagram, by the handshake message it starts with, if only one side sends that."""
    if len(data) < 14 or data[0] != 22 or data[3:5] != b"\0\0":
        return None
    return CLIENT if data[13] in _CLIENT_SAYS else SERVER if data[13] in _SERVER_SAYS else None


def knownness(port: int) -> int:
    """How much a port looks like a server's: larger is more."""
    if port in _KNOWN:
        return 1 << 17
    return (1 << 16) - port
