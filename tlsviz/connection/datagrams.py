"""What UDP datagrams carry, told from their bytes alone, and the face of everything that follows a connection."""

from __future__ import annotations

from typing import Literal, Protocol

from tlsviz.connection.model import Connection, Endpoint, Message
from tlsviz.wire.chunks import Input

Carrier = Literal["dtls", "quic"]

DTLS_VERSIONS = (b"\xfe\xff", b"\xfe\xfd", b"\x01\x00")
"""Versions in DTLS record headers: 1.0, 1.2 (and 1.3, which says 1.2), and 1.0 as OpenSSL once wrote it."""
DTLS_HEADER, DTLS_HANDSHAKE_HEADER = 13, 12
LONGEST_FRAGMENT = 2**14 + 2048
HANDSHAKE, HANDSHAKE_LIMIT = 22, 1 << 20
_CONTENT_TYPES = range(20, 26)
_HANDSHAKE_TYPES = frozenset((0, 1, 2, 3, 4, 8, 11, 12, 13, 14, 15, 16, 20, 21, 22, 23, 24, 25))

_QUIC_VERSIONS = (0x00000001, 0x6B3343CF)
"""QUIC version 1 (RFC 9000) and 2 (RFC 9369)."""
LONGEST_CONNECTION_ID = 20
_CAPWAP_DTLS = b"\x01\0\0\0"
"""CAPWAP's preamble in front of DTLS (RFC 5415 4.2)."""


class Follower(Protocol):
    """What follows one connection, whatever carries it: give it what happens, ask it for the model.

    Over UDP each `Chunk` is the payload of one datagram. ``is_tls``: True once it has seen its protocol, False when
    that cannot come any more, None while undecided.
    """

    id: int
    client: Endpoint
    server: Endpoint
    tcp_stream: int | None

    @property
    def is_tls(self) -> bool | None: ...

    def receive(self, item: Input) -> list[Message]:
        """Takes the next thing that happened; returns the messages that it completed."""
        ...

    def finish(self, time: float | None = None) -> None:
        """Nothing more will come."""
        ...

    def connection(self) -> Connection:
        """The model of what is known now."""
        ...


def unwrapped(data: bytes) -> bytes | None:
    """What a datagram holds behind a short header: TURN's ChannelData (RFC 8656 12.4) or CAPWAP's (RFC 5415 4.2).

    None if it has neither.
    """
    if data[:1] and 0x40 <= data[0] <= 0x4F:
        length = int.from_bytes(data[2:4], "big")
        return data[4 : 4 + length] if 0 <= len(data) - 4 - length < 4 else None
    return data[4:] if data[:4] == _CAPWAP_DTLS else None


def carrier_of(data: bytes) -> Carrier | None:
    """Which protocol a UDP payload certainly starts: DTLS, QUIC, or None, which may be anything.

    Told only of what can be recognised without its context: DTLS records with their whole header, QUIC's packets with a
    long header. STUN, TURN, RTP (RFC 7983), DNS and random bytes give None.
    """
    if not data:
        return None
    if data[0] in _CONTENT_TYPES:
        return "dtls" if _is_dtls(data) else None
    return "quic" if data[0] & 0x80 and _is_quic(data) else None


def _is_dtls(data: bytes) -> bool:
    """Whether the records fill the datagram, or the first is a handshake message's beginning (a snap length cuts)."""
    at = 0
    while at + DTLS_HEADER <= len(data):
        length = int.from_bytes(data[at + 11 : at + 13], "big")
        sound = data[at] in _CONTENT_TYPES and data[at + 1 : at + 3] in DTLS_VERSIONS and 0 < length <= LONGEST_FRAGMENT
        if not sound:
            # behind the first record others may have short headers (DTLS 1.3, connection ids)
            return at > 0 and _is_opening(data)
        at += DTLS_HEADER + length
    return at == len(data) or (len(data) > DTLS_HEADER and _is_opening(data))


def _is_opening(data: bytes) -> bool:
    """Whether a datagram begins with a handshake record in the clear, its message header sound."""
    if data[0] != HANDSHAKE or data[3:5] != b"\0\0" or data[1:3] not in DTLS_VERSIONS:
        return False
    header = data[DTLS_HEADER : DTLS_HEADER + DTLS_HANDSHAKE_HEADER]
    if len(header) < DTLS_HANDSHAKE_HEADER or header[0] not in _HANDSHAKE_TYPES:
        return False
    total, offset, length = (int.from_bytes(header[at : at + 3], "big") for at in (1, 6, 9))
    record = int.from_bytes(data[11:13], "big")
    return offset + length <= total <= HANDSHAKE_LIMIT and length + DTLS_HANDSHAKE_HEADER <= record <= LONGEST_FRAGMENT


def is_quic_version(version: int) -> bool:
    """Whether a version number is one of QUIC's: 1, 2, IETF drafts, Facebook's, or reserved for greasing."""
    return (
        version in _QUIC_VERSIONS
        or version >> 8 in (0xFF0000, 0xFACEB0)
        or version & 0x0F0F0F0F == 0x0A0A0A0A  # RFC 9000 15
    )


def _is_quic(data: bytes) -> bool:
    """A long header (RFC 8999 5.1): version and connection ids, and no less behind them than there must be."""
    version = int.from_bytes(data[1:5], "big")
    at = 5
    for _ in range(2):
        if at >= len(data) or data[at] > LONGEST_CONNECTION_ID:
            return False
        at += 1 + data[at]
    rest = len(data) - at
    if version == 0:  # Version Negotiation (RFC 9000 17.2.1) lists at least one
        listed = [int.from_bytes(data[i : i + 4], "big") for i in range(at, len(data), 4)]
        return rest > 0 and rest % 4 == 0 and any(is_quic_version(one) for one in listed)
    # the fixed bit may be greased (RFC 9287), but not in the Initial packets that a connection starts with
    return bool(data[0] & 0x40) and is_quic_version(version) and rest >= 16
