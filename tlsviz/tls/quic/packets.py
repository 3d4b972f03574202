"""Packets: how a datagram falls into them, and the trees of their headers (RFC 9000 17, RFC 9369 3, RFC 8999)."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from tlsviz.tls.quic.varint import varint, varint_opaque
from tlsviz.tls.quic.versions import (
    FIRST_TAGGED_RETRY,
    HANDSHAKE,
    INITIAL,
    NEGOTIATION,
    ONE_RTT,
    RETRY,
    UNKNOWN,
    VERSION_NEGOTIATION,
    ZERO_RTT,
    VersionNames,
    draft_of,
    known,
    packet_type,
)
from tlsviz.wire.nodes import Node
from tlsviz.wire.reader import Reader, Short, finish
from tlsviz.wire.text import plural

LONG, FIXED = 0x80, 0x40
LONGEST_ID = 20
TAG = 16
SEALED = frozenset((INITIAL, ZERO_RTT, HANDSHAKE, ONE_RTT))
"""The packet types whose payload is encrypted and whose packet number is masked."""


class Unmasked(NamedTuple):
    """What header protection hides: the true first byte, the packet number and how many bytes it takes."""

    first: int
    number: int
    number_length: int


class Packet(NamedTuple):
    """One packet of a datagram: ``data`` is all of it. ``version`` is None where the header does not say it.

    ``kind``: the packet type by name. ``start``: where the (masked) packet number begins, behind all of the header that
    can be read without a key; ``missing``: bytes that the header's length promises and the datagram does not have.
    ``sound``: whether the header is whole and as the version demands; a short one, whether it has the fixed bit,
    without which only a right tag tells it from other bytes.
    """

    kind: str
    data: bytes
    start: int
    version: int | None = None
    dcid: bytes = b""
    scid: bytes = b""
    token: bytes = b""
    missing: int = 0
    sound: bool = True

    @property
    def sealed(self) -> bool:
        """Whether the packet has an encrypted payload."""
        return self.kind in SEALED


def packets(datagram: bytes, id_length: int | None) -> tuple[list[Packet], bytes]:
    """The packets of a datagram, and the bytes behind them that are none.

    ``id_length``: how long the connection IDs are that the receiver chose, which short headers do not say; None if that
    is not known. A packet with a short header ends its datagram. What is coalesced has one connection ID (RFC
    9000 12.2): by it a short header is known whose fixed bit is greased.
    """
    found: list[Packet] = []
    position = 0
    while position < len(datagram):
        packet = _packet(datagram[position:], id_length)
        if packet is None or (found and not packet.sound and not _goes_with(found[0], packet)):
            break
        found.append(packet)
        position += len(packet.data)
    return found, datagram[position:]


def _goes_with(first: Packet, packet: Packet) -> bool:
    return packet.kind == ONE_RTT and packet.dcid != b"" and packet.dcid == first.dcid


def _packet(data: bytes, id_length: int | None) -> Packet | None:
    """The first packet of some bytes; None if they cannot be one."""
    first = data[0]
    if not first & LONG:
        # The fixed bit may be greased (RFC 9287), but zeros are what datagrams are padded with.
        if len(data) < 1 + TAG or not any(data):
            return None
        size = min(1 + (id_length or 0), len(data))
        return Packet(ONE_RTT, data, size, None, data[1:size], sound=bool(first & FIXED))
    if len(data) < 7:
        return None
    reader = Reader(data)
    read = _LongHeader(reader)
    with suppress(Short):
        read.read()
    return read.packet()


class _LongHeader:
    """Reads a long header, and remembers what it says."""

    def __init__(self, r: Reader) -> None:
        self.r = r
        self.first = r.data[0]
        self.version = int.from_bytes(r.data[1:5], "big")
        self.kind = packet_type(self.version, self.first)
        self.dcid = self.scid = self.token = b""
        self.end = len(r.data)
        self.whole = False
        self.missing = 0

    def read(self, unmasked: Unmasked | None = None, verdict: tuple[str | None, str | None] = (None, None)) -> None:
        """Reads up to the packet number, or with it if it is known."""
        r = self.r
        r.uint("first_byte", 1)
        _first_byte(r, self.kind, unmasked)
        r.uint("version", 4, VersionNames)
        self.dcid = self._id("destination_connection_id")
        self.scid = self._id("source_connection_id")
        if self.kind == VERSION_NEGOTIATION:
            r.struct("supported_versions", lambda v: v.each(_version), size=r.remaining)
        elif self.kind == RETRY:
            self._retry(verdict)
        elif self.kind == UNKNOWN:
            r.rest("version_specific_data")
        else:
            self._sealed(unmasked)
        self.whole = True

    def _id(self, name: str) -> bytes:
        found = self.r.vector_opaque(name, 1)
        if len(found) > LONGEST_ID and (known(self.version) or self.version == NEGOTIATION):
            self.r.note(f"longer than the {LONGEST_ID} bytes that a connection ID may have")
        return found

    def _retry(self, verdict: tuple[str | None, str | None]) -> None:
        r = self.r
        draft = draft_of(self.version)
        if draft is not None and draft < FIRST_TAGGED_RETRY:
            r.vector_opaque("original_destination_connection_id", 1)
            self.token = r.rest("retry_token")
            return
        size = max(r.remaining - TAG, 0)
        self.token = r.opaque("retry_token", size) if size else b""
        r.opaque("retry_integrity_tag", TAG, verdict[0])
        if verdict[1]:
            r.note(verdict[1])

    def _sealed(self, unmasked: Unmasked | None) -> None:
        r = self.r
        if self.kind == INITIAL:
            self.token = varint_opaque(r, "token")
        length = varint(r, "length")
        self.missing = max(length - r.remaining, 0)
        if self.missing:
            r.note(f"says {plural(length, 'byte')} follow, but only {r.remaining} are there")
        self.end = r.position + length - self.missing
        if unmasked is not None:
            _number(r, unmasked)

    def packet(self) -> Packet:
        """What was read."""
        sound = self.whole and len(self.dcid) <= LONGEST_ID and len(self.scid) <= LONGEST_ID
        if self.kind == UNKNOWN:
            sound = self.whole and VersionNames.get(self.version) is not None
        data = self.r.data[: self.end]
        start = min(self.r.position, len(data))
        version = self.version
        return Packet(self.kind, data, start, version, self.dcid, self.scid, self.token, self.missing, sound)


def decode_header(
    packet: Packet, unmasked: Unmasked | None = None, verdict: tuple[str | None, str | None] = (None, None)
) -> Node:
    """The tree of a packet's header: up to the packet number, or with it where header protection could be taken off.

    Its nodes point at the packet as it was on the wire; the values of the first byte and the packet number are those
    behind the mask. Packets that are not sealed (Retry, Version Negotiation) are header all through. ``verdict``: what
    to say about a Retry's integrity tag, and what is wrong with it.
    """
    reader = Reader(packet.data)
    with suppress(Short):
        if packet.kind == ONE_RTT:
            _short_header(reader, packet, unmasked)
        else:
            _LongHeader(reader).read(unmasked, verdict)
    if not packet.sealed:
        finish(reader)
    end = reader.nodes[-1].end if reader.nodes else 0
    return Node("quic_header", 0, end, None, packet.kind, tuple(reader.nodes))


def _short_header(r: Reader, packet: Packet, unmasked: Unmasked | None) -> None:
    r.uint("first_byte", 1)
    _first_byte(r, packet.kind, unmasked)
    if packet.dcid:
        r.opaque("destination_connection_id", len(packet.dcid))
    if unmasked is not None:
        _number(r, unmasked)


def _version(r: Reader) -> None:
    r.uint("supported_version", 4, VersionNames)


def _number(r: Reader, unmasked: Unmasked) -> None:
    r.uint("packet_number", unmasked.number_length)
    masked = int.from_bytes(r.data[r.nodes[-1].start : r.nodes[-1].end], "big")
    r.nodes[-1] = r.nodes[-1]._replace(value=unmasked.number)
    width = 2 * unmasked.number_length
    r.label(f"{unmasked.number:,}, on the wire masked as 0x{masked:0{width}x}")


def _first_byte(r: Reader, kind: str, unmasked: Unmasked | None) -> None:
    """Says the bits of the first byte in words; those that header protection masks only where the mask is known."""
    wire = r.nodes[-1].value
    first = unmasked.first if unmasked is not None else wire
    assert isinstance(first, int)
    said = [f"{'long' if first & LONG else 'short'} header", kind]
    if kind in (VERSION_NEGOTIATION, UNKNOWN):
        r.label(" · ".join(said))
        return
    if kind in SEALED and unmasked is None:
        said.append(f"lower {4 if first & LONG else 5} bits masked")
    elif kind in SEALED:
        if kind == ONE_RTT:
            said.append(f"spin bit {first >> 5 & 1}, key phase {first >> 2 & 1}")
        said.append(f"packet number of {plural((first & 3) + 1, 'byte')}")
        r.nodes[-1] = r.nodes[-1]._replace(value=first)
    r.label(" · ".join(said))
    if not first & FIXED:
        r.note("the fixed bit is 0: only allowed where the peer agreed to grease it (RFC 9287)")
    reserved = 0x0C if first & LONG else 0x18
    if kind in SEALED and unmasked is not None and first & reserved:
        r.note("the reserved bits are not 0")
