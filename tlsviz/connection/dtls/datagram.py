"""A datagram cut into records, and records into handshake fragments."""

from __future__ import annotations

from collections.abc import Iterator

from tlsviz.connection.dtls.fragments import Fragment
from tlsviz.connection.half import Part
from tlsviz.connection.stream import RawRecord
from tlsviz.tls.dtls import MESSAGE_HEADER, record_header
from tlsviz.wire.chunks import Chunk

_DTLS_FIRST = range(20, 64)
"""First bytes of DTLS where it shares its port with STUN, TURN and SRTP (RFC 7983, RFC 9443)."""


def is_dtls(data: bytes) -> bool:
    """Whether a datagram can be DTLS among others that share its port."""
    return data[:1] != b"" and data[0] in _DTLS_FIRST


def cut(chunk: Chunk, cid_length: int) -> Iterator[RawRecord]:
    """The records of a datagram; what follows the last sound header is one stray."""
    data, at = chunk.data, 0
    while at < len(data):
        header = record_header(data[at:], cid_length)
        if header is None:
            yield RawRecord(data[at:], chunk.time, chunk.packets, data[at], 0, len(data) - at, stray=True)
            return
        end = at + header.size + header.length
        yield RawRecord(
            data[at:end],
            chunk.time,
            chunk.packets,
            header.content_type,
            header.version,
            header.length,
            max(end - len(data), 0),
            header=header.size,
            epoch=header.epoch,
            sequence=header.sequence,
        )
        at = end


def fragments(part: Part) -> Iterator[Fragment | Part]:
    """The handshake fragments of a record; what is no whole fragment comes as the rest of the part."""
    at = part.start
    while at < part.end:
        header = part.buffer.data[at : min(at + MESSAGE_HEADER, part.end)]
        length, number = int.from_bytes(header[1:4], "big"), int.from_bytes(header[4:6], "big")
        offset, size = int.from_bytes(header[6:9], "big"), int.from_bytes(header[9:12], "big")
        end = at + MESSAGE_HEADER + size
        if len(header) < MESSAGE_HEADER or end > part.end:
            yield part._replace(start=at)
            return
        yield Fragment(header[0], length, number, offset, size, part._replace(start=at, end=end))
        at = end
