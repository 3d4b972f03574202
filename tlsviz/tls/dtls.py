"""What DTLS adds: its record headers (RFC 6347 4.1, RFC 9146 4, RFC 9147 4), message headers (4.2.2) and ACKs (7)."""

from __future__ import annotations

from typing import NamedTuple

from tlsviz.tls import registry
from tlsviz.tls.records import MAX_CIPHERTEXT
from tlsviz.wire.nodes import Node
from tlsviz.wire.reader import Reader, decode

VERSIONS = (0xFEFF, 0xFEFD, 0xFEFC, 0x0100)
BAD_VERSION = 0x0100
"""DTLS 1.0 as OpenSSL before 0.9.8f wrote it, and Cisco's AnyConnect after it: nothing but bodies is hashed."""
CONTENT_TYPES = range(20, 28)
TLS12_CID, ACK = 25, 26
HEADER, MESSAGE_HEADER = 13, 12
UNIFIED, UNIFIED_MASK = 0x20, 0xE0
_CID, _LONG, _LENGTH, _EPOCH = 0x10, 0x08, 0x04, 0x03


class RecordHeader(NamedTuple):
    """Where a record's parts are. ``size``: bytes of the header; ``length``: what it says of the fragment.

    ``epoch`` and ``sequence`` are as on the wire: of a ``unified`` header the epoch's two low bits, and the number's
    low bits, encrypted, from ``data[sequence_start:sequence_end]``.
    """

    size: int
    content_type: int
    version: int
    epoch: int
    sequence: int
    length: int
    unified: bool = False
    sequence_start: int = 5
    sequence_end: int = 11


def record_header(data: bytes, cid_length: int = 0) -> RecordHeader | None:
    """The header of the record that ``data`` (the rest of a datagram) starts with; None if that is none.

    ``cid_length``: bytes of the connection id that the receiver asked for; nothing in the record says it.
    """
    if not data:
        return None
    if data[0] & UNIFIED_MASK == UNIFIED:
        return _unified(data, cid_length)
    cid = cid_length if data[0] == TLS12_CID else 0
    size = HEADER + cid
    version = int.from_bytes(data[1:3], "big")
    if data[0] not in CONTENT_TYPES or version not in VERSIONS or len(data) < size:
        return None
    number = int.from_bytes(data[5:11], "big")
    length = int.from_bytes(data[size - 2 : size], "big")
    return RecordHeader(size, data[0], version, int.from_bytes(data[3:5], "big"), number, length)


def _unified(data: bytes, cid_length: int) -> RecordHeader | None:
    first = data[0]
    start = 1 + (cid_length if first & _CID else 0)
    end = start + (2 if first & _LONG else 1)
    size = end + (2 if first & _LENGTH else 0)
    if len(data) < size:
        return None
    length = int.from_bytes(data[end:size], "big") if first & _LENGTH else len(data) - size
    number = int.from_bytes(data[start:end], "big")
    return RecordHeader(size, 23, 0xFEFC, first & _EPOCH, number, length, True, start, end)


def decode_record_header(data: bytes) -> Node:
    """The tree of a record's header, of either form. ``data`` ends with it: so a connection id's length is known."""
    if data and data[0] & UNIFIED_MASK == UNIFIED:
        return decode("dtls_unified_header", data, _unified_header)
    return decode("dtls_record_header", data, _header)


def _header(r: Reader) -> None:
    kind = r.uint("content_type", 1, registry.record_types)
    if kind not in CONTENT_TYPES:
        r.note("not a content type of DTLS")
    r.uint("legacy_record_version", 2, registry.versions)
    r.uint("epoch", 2)
    r.uint("sequence_number", 6)
    if kind == TLS12_CID and r.remaining > 2:
        r.opaque("connection_id", r.remaining - 2)
    _length(r)


def _unified_header(r: Reader) -> None:
    first = r.uint("unified_header_flags", 1)
    parts = [
        "connection id" if first & _CID else "no connection id",
        f"{16 if first & _LONG else 8}-bit sequence number",
        "length" if first & _LENGTH else "no length",
        f"epoch ends in binary {first & _EPOCH:02b}",
    ]
    r.label(", ".join(parts))
    number = 2 if first & _LONG else 1
    cid = r.remaining - number - (2 if first & _LENGTH else 0)
    if first & _CID and cid > 0:
        r.opaque("connection_id", cid)
    r.uint("encrypted_sequence_number", number)
    if first & _LENGTH:
        _length(r)


def _length(r: Reader) -> None:
    if r.uint("length", 2) > MAX_CIPHERTEXT:
        r.note(f"longer than any DTLS record may be ({MAX_CIPHERTEXT} bytes)")


def message_header(r: Reader, length: int) -> int:
    """What stands between a message's length and its body; returns how many bytes of the body follow."""
    r.uint("message_seq", 2)
    offset = r.uint("fragment_offset", 3)
    size = r.uint("fragment_length", 3)
    if offset + size > length:
        r.note(f"the fragment ends {offset + size - length} bytes behind the message's end")
    return size


def ack(r: Reader) -> None:
    """The records that have arrived (RFC 9147 7)."""

    def number(v: Reader) -> None:
        v.uint("epoch", 8)
        v.uint("sequence_number", 8)

    r.vector("record_numbers", 2, lambda v: v.each(lambda w: w.struct("record_number", number, 16)))
